//! Why a file that was found is not uploaded although nothing is wrong with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The published reasons for a skip.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// Found while walking, and its content is not DICOM.
    NotDicom,
    /// Found while walking, and an archive or a compressed file, which is not unpacked.
    Archive,
    /// A package as `--output` writes it: a zip of instances under the name that fwupload gives
    /// one.
    OwnPackage,
    /// A DICOMDIR: an index of files, whose byte offsets would be wrong after cleaning.
    Dicomdir,
    /// A file of zero bytes.
    Empty,
    /// Left out by `--include` or `--exclude`.
    Excluded,
    /// A symbolic link, and `--follow` was not given.
    Symlink,
    /// Neither file nor folder: a pipe, socket or device.
    #[serde(rename = "special-file")]
    Special,
    /// The failure report of an earlier run, which lies among the data.
    OwnReport,
    /// The same file was reached before by another path.
    SameFile,
    /// The same instance with identical content was read before in the same series.
    SameInstance,
    /// Another run of the same job takes it: see `--shard`.
    OtherShard,
}

impl SkipReason {
    /// The stable word for it in reports and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotDicom => "not-dicom",
            Self::Archive => "archive",
            Self::OwnPackage => "own-package",
            Self::Dicomdir => "dicomdir",
            Self::Empty => "empty",
            Self::Excluded => "excluded",
            Self::Symlink => "symlink",
            Self::Special => "special-file",
            Self::OwnReport => "own-report",
            Self::SameFile => "same-file",
            Self::SameInstance => "same-instance",
            Self::OtherShard => "other-shard",
        }
    }

    /// What it means, for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotDicom => "not DICOM",
            Self::Archive => "an archive, which is not read",
            Self::OwnPackage => "a package of fwupload, which is not read",
            Self::Dicomdir => "a DICOMDIR",
            Self::Empty => "empty",
            Self::Excluded => "left out by a filter",
            Self::Symlink => "a symbolic link",
            Self::Special => "not a regular file",
            Self::OwnReport => "fwupload's own report",
            Self::SameFile => "the same file again",
            Self::SameInstance => "the same instance again",
            Self::OtherShard => "of another shard",
        }
    }

    /// What follows a number in a summary.
    pub fn counted(self) -> &'static str {
        match self {
            Self::NotDicom => "not DICOM",
            Self::Archive => "archives",
            Self::OwnPackage => "own packages",
            Self::Dicomdir => "DICOMDIR",
            Self::Empty => "empty",
            Self::Excluded => "left out by filters",
            Self::Symlink => "symbolic links",
            Self::Special => "special files",
            Self::OwnReport => "own report",
            Self::SameFile => "reached twice",
            Self::SameInstance => "same instance again",
            Self::OtherShard => "of other shards",
        }
    }

    /// What to do where such files were meant to be uploaded; none where there is nothing to be
    /// done.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::Archive => Some(
                "archives are not read: unpack them, and run again with the folder that they were \
                    unpacked into",
            ),
            Self::OwnPackage => Some(
                "packages that `--output` wrote are not read: name the files that they were made \
                    of, or unpack them into another folder",
            ),
            Self::Symlink => {
                Some("links are passed over: add `--follow` to read what they lead to")
            }
            _ => None,
        }
    }
}
