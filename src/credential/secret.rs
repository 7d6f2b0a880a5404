//! Reading a secret from a file or a command: what the API key and the pseudonym key have in
//! common.
//!
//! Must never show what it read, nor take it from a file that others can read.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use zeroize::{Zeroize, Zeroizing};

use crate::failure::{Error, RunCode};
use dicom_deid::byte_order_mark::without_mark;
use dicom_lossless::{display_path, escape_for_terminal};

/// No key is longer; a wrong file is not read whole.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// Which secret is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    ApiKey,
    PseudonymKey,
}

impl Secret {
    fn code(self) -> RunCode {
        match self {
            Self::ApiKey => RunCode::AuthKeySource,
            Self::PseudonymKey => RunCode::PseudonymKeySource,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "API key",
            Self::PseudonymKey => "pseudonym key",
        }
    }

    /// A place that was to hold the secret and cannot be used.
    pub fn unusable(self, path: &Path, why: &str) -> Error {
        Error::new(
            self.code(),
            format!(
                "{} cannot be used as the {}'s source",
                display_path(path),
                self.name()
            ),
        )
        .because(why)
    }

    /// The first line that is not blank of a file that only its owner can read.
    pub fn read_file(self, path: &Path) -> Result<Zeroizing<String>, Error> {
        let file = File::open(path).map_err(|error| self.unusable(path, &error.to_string()))?;
        self.read_open(file, path)
    }

    /// The same, of a file that is open already.
    pub fn read_open(self, file: File, path: &Path) -> Result<Zeroizing<String>, Error> {
        self.refuse_if_shared(&file, path)?;
        let text = read_limited(file)
            .ok_or_else(|| self.unusable(path, "it does not hold a key as UTF-8 text"))?;
        Ok(first_line(&text))
    }

    /// A key that others on the machine can read is not a secret. Asked of the open file, so that
    /// it cannot change in between.
    #[cfg(unix)]
    pub fn refuse_if_shared(self, file: &File, path: &Path) -> Result<(), Error> {
        use std::os::unix::fs::PermissionsExt;
        let metadata = file
            .metadata()
            .map_err(|error| self.unusable(path, &error.to_string()))?;
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_file() && mode & 0o077 != 0 {
            return Err(self
                .unusable(path, &format!("others can read it (mode {mode:04o})"))
                .with_hint(format!("run `chmod 600 {}`", display_path(path))));
        }
        Ok(())
    }

    #[cfg(not(unix))]
    pub fn refuse_if_shared(self, _: &File, _: &Path) -> Result<(), Error> {
        Ok(())
    }

    /// The first line that is not blank of what a command prints.
    pub fn read_command(self, command: &str) -> Result<Zeroizing<String>, Error> {
        let (shell, flag) = if cfg!(windows) {
            ("cmd", "/C")
        } else {
            ("sh", "-c")
        };
        let what = match self {
            Self::ApiKey => "the key command did not give a key",
            Self::PseudonymKey => "the pseudonym key command did not give a key",
        };
        let failed = |why: String| Error::new(self.code(), what).because(why);
        let mut child = Command::new(shell)
            .args([flag, command])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let text = child
            .stdout
            .take()
            .and_then(read_limited);
        let status = child
            .wait()
            .map_err(|error| failed(error.to_string()))?;
        if !status.success() {
            return Err(failed(escape_for_terminal(&format!(
                "it ended with {status}"
            ))));
        }
        let text = text.filter(|text| !text.trim().is_empty());
        text.map(|text| first_line(&text))
            .ok_or_else(|| failed("it printed nothing usable".to_owned()))
    }
}

/// Reads a short text; `None` when it is too long, unreadable or not text. The buffer has its size
/// from the start, since a growing one would leave copies of the secret behind.
pub fn read_limited(source: impl Read) -> Option<Zeroizing<String>> {
    let mut bytes = Vec::with_capacity(usize::try_from(MAX_KEY_BYTES).ok()? + 1);
    let read = source
        .take(MAX_KEY_BYTES + 1)
        .read_to_end(&mut bytes);
    let fits = read.is_ok_and(|length| length as u64 <= MAX_KEY_BYTES);
    text_of(bytes).filter(|_| fits)
}

/// Reads text and wipes the buffer that it was read into.
fn text_of(mut bytes: Vec<u8>) -> Option<Zeroizing<String>> {
    let text = without_mark(&bytes)
        .ok()
        .and_then(|text| std::str::from_utf8(text).ok());
    let text = text.map(|text| Zeroizing::new(text.to_owned()));
    bytes.zeroize();
    text
}

fn first_line(text: &str) -> Zeroizing<String> {
    Zeroizing::new(
        text.lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default()
            .to_owned(),
    )
}
