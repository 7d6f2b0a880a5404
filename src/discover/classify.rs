//! What a regular file is, by its first bytes, and what follows from how it was reached.

use std::path::Path;

use super::{DiscoveredFile, Found, SkipReason};
use crate::cli::OtherFiles;
use crate::dicom::{self, Sniff};
use crate::failure::{FileCode, FileFailure};

/// Extensions that make a file without a preamble worth a try.
const EXTENSIONS: [&str; 4] = ["dcm", "dicom", "ima", "dic"];

/// Judges one file by its content.
pub(super) fn classify(file: DiscoveredFile, other_files: OtherFiles) -> Found {
    if file.len == 0 {
        return reject(file, SkipReason::Empty, FileFailure::new(FileCode::ReadNotDicom, "it is empty"));
    }
    let sniffed = match dicom::sniff(&file.path) {
        Ok(sniffed) => sniffed,
        Err(failure) => return Found::Failed { path: file.path, failure },
    };
    match sniffed {
        Sniff::Dicom => Found::Dicom(file),
        Sniff::Bare if file.named || has_dicom_extension(&file.path) => Found::Dicom(file),
        Sniff::Dicomdir => reject(file, SkipReason::Dicomdir, FileFailure::new(FileCode::ReadDicomdir, "")),
        Sniff::Bare | Sniff::No => not_dicom(file, other_files),
    }
}

fn not_dicom(file: DiscoveredFile, other_files: OtherFiles) -> Found {
    match other_files {
        OtherFiles::Upload => Found::Other(file),
        OtherFiles::Fail => Found::Failed { path: file.path, failure: FileFailure::new(FileCode::DiscoverOther, "") },
        OtherFiles::Skip => reject(file, SkipReason::NotDicom, FileFailure::new(FileCode::ReadNotDicom, "")),
    }
}

/// Naming is a promise: what was named fails, what was found is skipped.
fn reject(file: DiscoveredFile, reason: SkipReason, failure: FileFailure) -> Found {
    if file.named {
        Found::Failed { path: file.path, failure }
    } else {
        Found::Skipped { path: file.path, reason, len: file.len }
    }
}

fn has_dicom_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
