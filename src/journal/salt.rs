//! The key of a journal's marks: one for all files of an identity, so that each stands for the same
//! in all of them.
//!
//! Owns its file, which is made whole or not at all, by whichever of several runs is first.

use std::fs;
use std::io;
use std::path::Path;

use crate::credential::written_beside;

/// Bytes of a key.
const LENGTH: usize = 16;

/// The key of the files whose names begin so, in hexadecimal digits; made where there is none.
pub fn of(folder: &Path, stem: &str) -> io::Result<String> {
    if let Some(salt) = known(folder, stem)? {
        return Ok(salt);
    }
    let mut salt = [0; LENGTH];
    getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
    let salt = hex::encode(salt);
    let path = folder.join(format!("{stem}.key"));
    match written_beside(&path, &salt)?.persist_noclobber(&path) {
        Ok(_) => Ok(salt),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            if let Some(salt) = known(folder, stem)? {
                return Ok(salt);
            }
            // What lies there is no key: what was marked with it cannot be read any more.
            error.file.persist(&path)?;
            Ok(salt)
        }
        Err(error) => Err(error.error),
    }
}

/// The key, if there is one.
pub fn known(folder: &Path, stem: &str) -> io::Result<Option<String>> {
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
