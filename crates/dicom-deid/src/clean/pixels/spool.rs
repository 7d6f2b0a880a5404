//! Where decoded frames go: into memory while they are few, else into a temporary file of our own.
//!
//! Owns that file, which only its owner can read and which goes away with the last user. Nothing
//! enters that was not blanked before.

use std::io::{self, Write};
use std::sync::Arc;

use crate::error::{DeidError, DeidErrorKind};
use bytes::Bytes;
use dicom_lossless::{Segment, SourceFile, TemporaryFile};

/// Takes bytes in order.
pub(super) struct Spool {
    kept: Vec<u8>,
    /// How many bytes may stay in memory.
    room: u64,
    file: Option<TemporaryFile>,
    len: u64,
}

impl Spool {
    pub(super) fn new(room: u64) -> Self {
        Self {
            kept: Vec::new(),
            room,
            file: None,
            len: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), DeidError> {
        self.write(bytes).map_err(|error| failed(&error))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        if self.file.is_none() && self.len > self.room {
            let mut file = TemporaryFile::new()?;
            file.write_all(&std::mem::take(&mut self.kept))?;
            self.file = Some(file);
        }
        if let Some(file) = &mut self.file {
            return file.write_all(bytes);
        }
        self.kept.extend_from_slice(bytes);
        Ok(())
    }

    /// All bytes, padded to even length.
    pub(super) fn finish(mut self) -> Result<Segment, DeidError> {
        if !self.len.is_multiple_of(2) {
            self.push(&[0])?;
        }
        let Some(mut file) = self.file else {
            return Ok(Segment::Bytes(Bytes::from(self.kept)));
        };
        file.flush().map_err(|error| failed(&error))?;
        let file = SourceFile::temporary(file)?;
        let range = 0..file.len();
        Ok(Segment::of_file(Arc::new(file), range))
    }
}

fn failed(error: &io::Error) -> DeidError {
    let why = format!(
        "the decoded image cannot be put into a temporary file: {}",
        error.kind()
    );
    DeidError::new(DeidErrorKind::Pixels, why)
        .with_remedy("make room in the folder for temporary files, or name another by TMPDIR")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use dicom_lossless::Body;

    #[test]
    fn much_goes_into_a_file_that_is_private_and_goes_away() {
        for room in [0, 3, 100] {
            let mut spool = Spool::new(room);
            spool.push(b"ab").unwrap();
            spool.push(b"cde").unwrap();
            let segment = spool.finish().unwrap();
            let path = match &segment {
                Segment::File { file, .. } => Some(file.path().to_owned()),
                Segment::Bytes(_) => None,
            };
            assert_eq!(path.is_some(), room < 100);
            let body = Body::new(vec![segment]);
            assert_eq!(body.to_vec().unwrap(), b"abcde\0");
            if let Some(path) = path {
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt;
                    assert_eq!(
                        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                        0o600
                    );
                }
                if cfg!(target_os = "linux") {
                    let name = std::fs::read_link(&path).unwrap();
                    assert!(
                        !name.exists(),
                        "there is nothing to be left behind at {}",
                        name.display()
                    );
                } else {
                    let copy = body.clone();
                    drop(body);
                    assert!(path.exists());
                    drop(copy);
                    assert!(!path.exists());
                }
            }
        }
    }
}
