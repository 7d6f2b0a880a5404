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
    /// Found while walking, and an archive of a kind that is not read, or `--archives skip` was
    /// given.
    Archive,
    /// A package as `--output` writes it, and `--archives skip` was given.
    OwnPackage,
    /// A DICOMDIR: an index of files, whose byte offsets would be wrong after cleaning.
    Dicomdir,
    /// A file of zero bytes.
    Empty,
    /// Left out by `--include` or `--exclude`.
    Excluded,
    /// Kept out by `--filter`, `--modality` or one of the `--skip` flags, or no rule of `--rules`
    /// takes it.
    Filtered,
    /// A symbolic link, and `--follow` was not given.
    Symlink,
    /// Neither file nor folder: a pipe, socket or device.
    #[serde(rename = "special-file")]
    Special,
    /// The failure report of an earlier run, which lies among the data.
    OwnReport,
    /// The table of `--subjects`, which lies among the data.
    SubjectTable,
    /// The rules of `--rules`, which lie among the data.
    RulesFile,
    /// The same file was reached before by another path.
    SameFile,
    /// The same instance with identical content was read before in the same series.
    SameInstance,
    /// Another run of the same job takes it: see `--shard`.
    OtherShard,
    /// It changed a short while ago, or belongs to what did, and is left for the next run: see
    /// `--min-age`.
    StillArriving,
    /// Its series has fewer instances than its headers state: see `--incomplete-series`.
    IncompleteSeries,
    /// The list of `--approved` does not approve its series.
    #[serde(rename = "review.not-approved")]
    NotApproved,
}

impl SkipReason {
    /// The stable word, what it means, and what follows a number.
    fn words(self) -> [&'static str; 3] {
        match self {
            Self::NotDicom => ["not-dicom", "not DICOM", "not DICOM"],
            Self::Archive => ["archive", "an archive, which is not read", "archives"],
            Self::OwnPackage => [
                "own-package",
                "a package of fwupload, which is not read",
                "own packages",
            ],
            Self::Dicomdir => ["dicomdir", "a DICOMDIR", "DICOMDIR"],
            Self::Empty => ["empty", "empty", "empty"],
            Self::Excluded => ["excluded", "left out by a filter", "left out by filters"],
            Self::Filtered => [
                "filtered",
                "kept out by a filter, or taken by no rule",
                "kept out by filters or rules",
            ],
            Self::Symlink => ["symlink", "a symbolic link", "symbolic links"],
            Self::Special => ["special-file", "not a regular file", "special files"],
            Self::OwnReport => ["own-report", "fwupload's own report", "own report"],
            Self::SubjectTable => [
                "subject-table",
                "the table of `--subjects`",
                "table of subjects",
            ],
            Self::RulesFile => ["rules-file", "the rules of `--rules`", "file of rules"],
            Self::SameFile => ["same-file", "the same file again", "reached twice"],
            Self::SameInstance => [
                "same-instance",
                "the same instance again",
                "same instance again",
            ],
            Self::OtherShard => ["other-shard", "of another shard", "of other shards"],
            Self::StillArriving => [
                "still-arriving",
                "still arriving, left for the next run",
                "still arriving",
            ],
            Self::IncompleteSeries => [
                "incomplete-series",
                "of a series that is not complete, left for the next run",
                "of incomplete series",
            ],
            Self::NotApproved => [
                "review.not-approved",
                "of a series that was not approved",
                "of series that were not approved",
            ],
        }
    }

    /// The stable word for it in reports and events.
    pub fn as_str(self) -> &'static str {
        let [word, ..] = self.words();
        word
    }

    /// Whether another run is to take such files, so that this one did its work without them.
    pub fn is_left_to_another_run(self) -> bool {
        matches!(
            self,
            Self::OtherShard | Self::StillArriving | Self::IncompleteSeries
        )
    }

    /// Whether it is seen without a look into the file.
    pub fn is_seen_at_once(self) -> bool {
        matches!(
            self,
            Self::Excluded | Self::Symlink | Self::Special | Self::SameFile
        )
    }

    /// What it means, for people.
    pub fn sentence(self) -> &'static str {
        let [_, sentence, _] = self.words();
        sentence
    }

    /// What follows a number in a summary.
    pub fn counted(self) -> &'static str {
        let [.., counted] = self.words();
        counted
    }

    /// What to do where such files were meant to be uploaded; none where there is nothing to be
    /// done.
    pub fn hint(self) -> Option<&'static str> {
        match self {
            Self::Archive => Some(
                "archives of this kind are not read, and with `--archives skip` none: unpack them, \
                    and run again with the folder that they were unpacked into, or use `--archives \
                    read`",
            ),
            Self::OwnPackage => {
                Some("packages that `--output` wrote are read unless `--archives skip` is given")
            }
            Self::Symlink => {
                Some("links are passed over: add `--follow` to read what they lead to")
            }
            Self::NotApproved => Some(
                "`--approved` sends what its list approves: `--review FILE.html` shows the others for \
                    a decision",
            ),
            _ => None,
        }
    }
}
