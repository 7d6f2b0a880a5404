//! What a regular file is, by its first bytes, and what follows from how it was reached.

use super::opened::OpenedFile;
use super::{DiscoveredFile, Found, SkipReason, archive};
use crate::cli::OtherFiles;
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::Sniff;

/// How the content of a file is at hand.
#[derive(Debug, Clone, Copy)]
pub enum Seen<'a> {
    /// It is open.
    Open(&'a OpenedFile),
    /// It is a member of an archive, or was one in question, and is opened where that is needed.
    Closed,
}

impl Seen<'_> {
    fn may_hold_files(self, file: &DiscoveredFile) -> bool {
        match self {
            Self::Open(opened) => opened
                .first(archive::HEAD as u64)
                .is_ok_and(|head| archive::may_hold_files_in(&head)),
            Self::Closed => archive::may_hold_files(file),
        }
    }
}

/// Judges one file by its content; what it is called does not count. `without_dicom` says that it
/// was read as an archive and has none.
pub fn judge(
    file: DiscoveredFile,
    seen: Seen<'_>,
    sniffed: Sniff,
    without_dicom: bool,
    other_files: OtherFiles,
) -> Found {
    if file.len == 0 {
        return reject(
            file,
            SkipReason::Empty,
            FileCode::ReadNotDicom,
            "it is empty",
        );
    }
    match sniffed {
        Sniff::Dicom => Found::Dicom(file),
        Sniff::Dicomdir => reject(file, SkipReason::Dicomdir, FileCode::ReadDicomdir, ""),
        Sniff::No => not_dicom(file, seen, without_dicom, other_files),
    }
}

fn not_dicom(
    file: DiscoveredFile,
    seen: Seen<'_>,
    without_dicom: bool,
    other_files: OtherFiles,
) -> Found {
    match other_files {
        // Whether it may go is found out when its turn comes: see `OtherFile`.
        OtherFiles::Upload => Found::Other(file),
        OtherFiles::Fail => Found::Failed {
            path: file.path,
            failure: FileFailure::new(FileCode::DiscoverOther, ""),
        },
        OtherFiles::Skip if without_dicom => reject(
            file,
            SkipReason::NotDicom,
            FileCode::ReadNotDicom,
            "it is an archive without DICOM",
        ),
        OtherFiles::Skip if seen.may_hold_files(&file) => reject(
            file,
            SkipReason::Archive,
            FileCode::DiscoverArchive,
            "it is of a kind that is not read",
        ),
        OtherFiles::Skip => reject(file, SkipReason::NotDicom, FileCode::ReadNotDicom, ""),
    }
}

/// What becomes of an archive where archives are not read; none where it is no archive.
pub fn unread(file: &DiscoveredFile, opened: &OpenedFile, fails: bool) -> Option<Found> {
    let is_own = archive::is_own_package(&file.path, &opened.sniffed_bytes());
    if !is_own && !Seen::Open(opened).may_hold_files(file) {
        return None;
    }
    if fails {
        let failure = FileFailure::new(FileCode::DiscoverArchive, "`--archives fail` was given");
        return Some(Found::Failed {
            path: file.path.clone(),
            failure,
        });
    }
    let (reason, detail) = if is_own {
        (
            SkipReason::OwnPackage,
            "it is a package as `--output` writes it, and `--archives skip` was given",
        )
    } else {
        (SkipReason::Archive, "`--archives skip` was given")
    };
    Some(reject(
        file.clone(),
        reason,
        FileCode::DiscoverArchive,
        detail,
    ))
}

/// Naming is a promise: what was named fails, what was found is skipped.
fn reject(file: DiscoveredFile, reason: SkipReason, code: FileCode, detail: &str) -> Found {
    if file.named {
        Found::Failed {
            path: file.path,
            failure: FileFailure::new(code, detail),
        }
    } else {
        Found::Skipped {
            path: file.path,
            reason,
            len: file.len,
        }
    }
}
