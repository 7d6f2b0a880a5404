//! The output folder: a package lands there whole or not at all, and never over another file
//! unasked.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::config::IfExists;
use crate::failure::{FileCode, FileFailure};
use crate::package::Package;
use dicom_lossless::{Body, FileError, OpenFile, Segment};

/// How much of two files is compared at a time, in bytes.
const PIECE: u64 = 64 << 10;
/// Less than this is collected before it is written, in bytes.
const CHUNK: usize = 64 << 10;

/// Writes a package into a folder. True when the same file was there before and was left alone.
///
/// # Errors
/// Trouble with the folder, a source that became shorter, and a file of this name that must not be
/// replaced.
pub fn write(
    folder: &Path,
    name: &str,
    package: &Package,
    if_exists: IfExists,
) -> Result<bool, FileFailure> {
    let target = folder.join(name);
    if if_exists != IfExists::Replace && target.symlink_metadata().is_ok() {
        return match if_exists {
            IfExists::Skip if holds(&target, package).map_err(failed)? => Ok(true),
            IfExists::Skip | IfExists::Replace => {
                let detail = "its content is another";
                Err(FileFailure::new(FileCode::UploadExists, detail)
                    .with_hint("use `--if-exists replace`, or another folder"))
            }
            IfExists::Fail => Err(FileFailure::new(
                FileCode::UploadExists,
                "`--if-exists fail` was given",
            )),
        };
    }
    write_new(folder, &target, package, if_exists == IfExists::Replace)?;
    Ok(false)
}

/// Writes under a temporary name and renames, so that no half file is ever taken for a whole one.
fn write_new(
    folder: &Path,
    target: &Path,
    package: &Package,
    replace: bool,
) -> Result<(), FileFailure> {
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let copied = copy(package.body(), file.as_file_mut())?;
    if copied != package.len() {
        return Err(FileFailure::new(
            FileCode::ReadChanged,
            "a source file became shorter",
        ));
    }
    file.as_file()
        .sync_all()
        .map_err(failed)?;
    let kept = if replace {
        file.persist(target)
    } else {
        file.persist_noclobber(target)
    };
    kept.map(drop)
        .map_err(|e| failed(e.error))
}

/// Writes all bytes and counts them. What is in memory goes out from where it is, and what is in a
/// file need not come through memory at all, where the system knows how.
fn copy(body: &Body, out: &mut File) -> Result<u64, FileFailure> {
    let mut out = BufWriter::with_capacity(CHUNK, out);
    let mut copied = 0;
    for segment in body.segments() {
        copied += match segment {
            Segment::Bytes(bytes) => out
                .write_all(bytes)
                .map(|()| bytes.len() as u64)
                .map_err(failed)?,
            Segment::File {
                file,
                range,
                mask: None,
            } => {
                let mut source = file.open()?;
                let piece = source
                    .seek(SeekFrom::Start(range.start))
                    .and_then(|_| out.flush());
                let length = segment.len();
                let copy = |()| match source {
                    OpenFile::Whole(file) => io::copy(&mut file.take(length), out.get_mut()),
                    OpenFile::Inside(file) => io::copy(&mut file.take(length), out.get_mut()),
                };
                piece
                    .and_then(copy)
                    .map_err(failed)?
            }
            Segment::File { .. } => {
                let masked = Body::new(vec![segment.clone()]);
                io::copy(&mut masked.reader(), &mut out).map_err(failed)?
            }
        };
    }
    out.flush().map_err(failed)?;
    Ok(copied)
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
        ours.by_ref()
            .take(PIECE)
            .read_to_end(&mut right)?;
        there
            .by_ref()
            .take(right.len() as u64)
            .read_to_end(&mut left)?;
        if left != right {
            return Ok(false);
        }
        if right.is_empty() {
            return Ok(true);
        }
    }
}

fn failed(error: io::Error) -> FileFailure {
    match error.downcast::<FileError>() {
        Ok(of_source) => of_source.into(),
        Err(error) => FileFailure::new(FileCode::OutputWrite, error.to_string()),
    }
}
