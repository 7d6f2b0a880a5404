//! Temporary files of our own: private from the first byte, gone with their last user.
//!
//! On Linux they never have a name, so that nothing is left behind however the process ends.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempPath;

/// A temporary file. Clones are the same file.
#[derive(Debug, Clone)]
pub struct TemporaryFile {
    file: Arc<File>,
    path: PathBuf,
    /// Its name, on systems where a file without one cannot be opened again.
    _name: Option<Arc<TempPath>>,
}

impl TemporaryFile {
    /// A new and empty one, in the system's folder for temporary files.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn new() -> io::Result<Self> {
        if let Some(unnamed) = Self::without_name()? {
            return Ok(unnamed);
        }
        let (file, name) = tempfile::Builder::new()
            .prefix(".fwupload-")
            .tempfile()?
            .into_parts();
        Ok(Self {
            file: Arc::new(file),
            path: name.to_path_buf(),
            _name: Some(Arc::new(name)),
        })
    }

    /// None where such a file cannot be opened again: not Linux, or nothing mounted at `/proc`.
    fn without_name() -> io::Result<Option<Self>> {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            use std::os::unix::fs::PermissionsExt;
            let file = tempfile::tempfile()?;
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            if File::open(&path).is_ok() {
                return Ok(Some(Self {
                    file: Arc::new(file),
                    path,
                    _name: None,
                }));
            }
        }
        Ok(None)
    }

    /// Where it can be opened as long as this value lives.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl PartialEq for TemporaryFile {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

impl Eq for TemporaryFile {}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.file).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}
