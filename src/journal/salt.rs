//! The key of a journal's marks: one for all files of an identity, so that each stands for the same
//! in all of them.
//!
//! Owns its file, which is made whole or not at all, by whichever of several runs is first.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Bytes of a key.
const LENGTH: usize = 16;

/// The key of the files whose names begin so, in hexadecimal digits; made where there is none.
pub(super) fn of(folder: &Path, stem: &str) -> io::Result<String> {
    if let Some(salt) = known(folder, stem)? {
        return Ok(salt);
    }
    let mut salt = [0; LENGTH];
    getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
    let salt = hex::encode(salt);
    // A temporary file of this crate is made with mode 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(salt.as_bytes())?;
    file.as_file().sync_all()?;
    let path = folder.join(format!("{stem}.key"));
    match file.persist_noclobber(&path) {
        Ok(_) => Ok(salt),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            match known(folder, stem)? {
                Some(salt) => Ok(salt),
                // What lies there is no key: what was marked with it cannot be read any more.
                None => error
                    .file
                    .persist(&path)
                    .map(|_| salt)
                    .map_err(|error| error.error),
            }
        }
        Err(error) => Err(error.error),
    }
}

/// The key, if there is one.
pub(super) fn known(folder: &Path, stem: &str) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join(format!("{stem}.key"))) {
        Ok(text) => {
            Ok(Some(text).filter(|text| hex::decode(text).is_ok_and(|key| key.len() == LENGTH)))
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidData
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
