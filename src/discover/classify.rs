//! What a regular file is, by its first bytes, and what follows from how it was reached.

use super::{DiscoveredFile, Found, SkipReason, archive};
use crate::cli::OtherFiles;
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{self as dicom, Sniff};

/// Judges one file by its content; what it is called does not count.
pub fn classify(file: DiscoveredFile, other_files: OtherFiles) -> Found {
    if file.len == 0 {
        return reject(
            file,
            SkipReason::Empty,
            FileCode::ReadNotDicom,
            "it is empty",
        );
    }
    match dicom::sniff(&file.path) {
        Ok(Sniff::Dicom) => Found::Dicom(file),
        Ok(Sniff::Dicomdir) => reject(file, SkipReason::Dicomdir, FileCode::ReadDicomdir, ""),
        Ok(Sniff::No) => not_dicom(file, other_files),
        Err(error) => Found::Failed {
            path: file.path,
            failure: error.into(),
        },
    }
}

fn not_dicom(file: DiscoveredFile, other_files: OtherFiles) -> Found {
    match other_files {
        // Whether it may go is found out when its turn comes: see `OtherFile`.
        OtherFiles::Upload => Found::Other(file),
        OtherFiles::Fail => Found::Failed {
            path: file.path,
            failure: FileFailure::new(FileCode::DiscoverOther, ""),
        },
        OtherFiles::Skip if archive::is_own_package(&file.path) => {
            let detail = "it is a package as `--output` writes it";
            reject(
                file,
                SkipReason::OwnPackage,
                FileCode::DiscoverArchive,
                detail,
            )
        }
        OtherFiles::Skip if archive::may_hold_files(&file.path) => reject(
            file,
            SkipReason::Archive,
            FileCode::DiscoverArchive,
            "archives are not unpacked",
        ),
        OtherFiles::Skip => reject(file, SkipReason::NotDicom, FileCode::ReadNotDicom, ""),
    }
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
