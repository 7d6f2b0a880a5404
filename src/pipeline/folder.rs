//! The output folder: a package lands there whole or not at all, and never over another file unasked.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use crate::config::IfExists;
use crate::failure::{FileCode, FileFailure};
use crate::package::Package;

/// How much of two files is compared at a time, in bytes.
const PIECE: u64 = 64 << 10;
/// How much is written at a time, in bytes.
const CHUNK: usize = 256 << 10;

/// Writes a package into a folder. True when the same file was there before and was left alone.
///
/// # Errors
/// Trouble with the folder, a source that became shorter, and a file of this name that must not be replaced.
pub fn write(folder: &Path, name: &str, package: &Package, if_exists: IfExists) -> Result<bool, FileFailure> {
    let target = folder.join(name);
    if if_exists != IfExists::Replace && target.symlink_metadata().is_ok() {
        return match if_exists {
            IfExists::Skip if holds(&target, package).map_err(failed)? => Ok(true),
            IfExists::Skip | IfExists::Replace => {
                let detail = "a file of this name with other content is there";
                Err(FileFailure::new(FileCode::UploadExists, detail).with_hint("use `--if-exists replace`, or another folder"))
            }
            IfExists::Fail => Err(FileFailure::new(FileCode::UploadExists, "")),
        };
    }
    write_new(folder, &target, package, if_exists == IfExists::Replace)?;
    Ok(false)
}

/// Writes under a temporary name and renames, so that no half file is ever taken for a whole one.
fn write_new(folder: &Path, target: &Path, package: &Package, replace: bool) -> Result<(), FileFailure> {
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let mut buffered = BufWriter::with_capacity(CHUNK, &mut file);
    let copied = io::copy(&mut package.body().reader(), &mut buffered).map_err(failed)?;
    buffered.flush().map_err(failed)?;
    drop(buffered);
    if copied != package.len() {
        return Err(FileFailure::new(FileCode::ReadChanged, "a source file became shorter"));
    }
    file.as_file().sync_all().map_err(failed)?;
    let kept = if replace { file.persist(target) } else { file.persist_noclobber(target) };
    kept.map(drop).map_err(|e| failed(e.error))
}

/// Whether a file holds exactly the bytes of a package.
fn holds(target: &Path, package: &Package) -> io::Result<bool> {
    let file = File::open(target)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() != package.len() {
        return Ok(false);
    }
    let (mut there, mut ours) = (BufReader::new(file), package.body().reader());
    loop {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        ours.by_ref().take(PIECE).read_to_end(&mut right)?;
        there.by_ref().take(right.len() as u64).read_to_end(&mut left)?;
        if left != right {
            return Ok(false);
        }
        if right.is_empty() {
            return Ok(true);
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn failed(error: io::Error) -> FileFailure {
    FileFailure::new(FileCode::OutputWrite, error.to_string())
}
