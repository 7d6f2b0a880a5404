//! Instances grouped by study and series, and what to do where two carry the same SOP Instance UID.

mod files;
mod patients;

use std::collections::HashMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use import_rules::{Extracted, GroupKey, Level};
use sha2::{Digest, Sha256};

use crate::discover::{below, folder_of, with_slashes};
use crate::event::SentInstance;
use crate::failure::{FileCode, FileFailure};
use crate::review::NotedChange;
use crate::rules::RuleNumber;
use crate::subjects::{OriginalIdentifiers, RowId};
use dicom_deid::{PixelLook, Sendable};
use dicom_lossless::{Body, Identity, Phi, SourceFile};
use files::Folder;
pub use files::SeriesFiles;
pub use patients::{Patient, Patients};

/// A file that holds an instance, as the index knows it.
#[derive(Debug, Clone)]
pub struct Indexed {
    /// The path under which it was found.
    pub path: Arc<PathBuf>,
    /// The named path that led to it; the file itself where it was named.
    pub root: Arc<PathBuf>,
    /// The file.
    pub file: Arc<SourceFile>,
    /// What it holds, where it is small and was read whole for the index.
    pub read: Option<Bytes>,
    /// Its row in the table of subjects, where there is one.
    pub row: Option<RowId>,
    /// The rule that takes it, where there are rules.
    pub rule: Option<RuleNumber>,
    /// What of it is sent, once that is made and where a manifest is written.
    pub sent: Option<Arc<SentInstance>>,
}

impl Indexed {
    /// Where it lies below the folder that was named.
    pub fn relative(&self) -> String {
        below(&self.path, &self.root)
    }

    /// The same with archives as folders, as in `study.zip/series/IM0001`.
    pub fn relative_with_slashes(&self) -> String {
        with_slashes(self.relative(), self.file.stored())
    }

    /// The folder that it lies in, archives being folders.
    pub fn folder(&self) -> PathBuf {
        folder_of(&self.path, self.file.stored())
    }
}

/// The number by which shards divide files: depends on the Study Instance UID alone, so that no two
/// of them make the same session. None where it is missing.
pub fn share_of_study(identity: &Identity) -> Option<u64> {
    Some(share(identity.study.as_ref()?.expose()))
}

/// The number by which shards divide files that belong to no series. It depends on the name alone:
/// where the inputs lie may differ from machine to machine.
pub fn share_of_name(path: &Path) -> u64 {
    share(
        &path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy(),
    )
}

fn share(text: &str) -> u64 {
    Sha256::new()
        .chain_update(text)
        .chain_update([0])
        .finalize()
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The instances of one series, in the order in which their files were found.
#[derive(Debug, Default)]
pub struct Series {
    /// Its files.
    pub files: SeriesFiles,
}

/// Study and series UID as the files state them, before cleaning.
type Key = (Phi<String>, Phi<String>);

/// All series of a run, grouped by the UIDs that the files state. The order of series is that of
/// their first files.
#[derive(Debug, Default)]
pub struct SeriesIndex {
    by_uid: HashMap<Key, usize>,
    series: Vec<Series>,
    last: Option<Arc<Folder>>,
    /// Bytes of small files that may still be kept.
    room: u64,
}

impl SeriesIndex {
    /// An index that keeps up to `room` bytes of small files, which need not be read again then.
    pub fn keeping(room: u64) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// Puts a file where its UIDs say.
    ///
    /// # Errors
    /// `route.missing-uid` where one of the three UIDs is missing.
    pub fn add(&mut self, identity: Identity, indexed: Indexed) -> Result<(), FileFailure> {
        let missing = |what: &str| {
            FileFailure::new(
                FileCode::RouteMissingUid,
                format!("{what} is missing or empty in the file"),
            )
        };
        if identity.sop_instance.is_none() {
            return Err(missing("SOPInstanceUID (0008,0018)"));
        }
        let study = identity
            .study
            .ok_or_else(|| missing("StudyInstanceUID (0020,000D)"))?;
        let series = identity
            .series
            .ok_or_else(|| missing("SeriesInstanceUID (0020,000E)"))?;
        let all = &mut self.series;
        let at = *self
            .by_uid
            .entry((study, series))
            .or_insert_with(|| {
                all.push(Series::default());
                all.len() - 1
            });
        if let Some(series) = self.series.get_mut(at) {
            let read = identity
                .whole
                .filter(|bytes| bytes.len() as u64 <= self.room);
            self.room -= read
                .as_ref()
                .map_or(0, |bytes| bytes.len() as u64);
            series
                .files
                .push(Indexed { read, ..indexed }, &mut self.last);
        }
        Ok(())
    }

    /// The series, first found first.
    pub fn into_series(mut self) -> Vec<Series> {
        self.series
            .iter_mut()
            .for_each(|series| series.files.give_back_room());
        self.series
    }
}

/// What the rule that takes a file makes of it.
#[derive(Debug)]
pub struct Placed {
    /// Its fields.
    pub extracted: Extracted,
    /// What belongs into one package with it.
    pub group: Option<GroupKey>,
    /// Whose it is by its original header, to see whether one subject is made of several patients.
    pub patient: Option<Patient>,
}

/// A cleaned instance, with the file that it came from.
#[derive(Debug)]
pub struct CleanFile {
    /// Its file.
    pub source: Indexed,
    /// The instance.
    pub instance: Sendable,
    /// What identified it, where a crosswalk is kept.
    pub originals: Option<Box<OriginalIdentifiers>>,
    /// What the rule that takes it makes of it, where there are rules.
    pub placed: Option<Box<Placed>>,
    /// Globs of other files that belong to it.
    pub associated: Vec<String>,
    /// What cleaning did to its attributes, where a page shows that.
    pub changes: Vec<NotedChange>,
    /// What was seen in its image, likewise, once that was looked at.
    pub look: Option<Box<PixelLook>>,
}

/// Instances of a series after the duplicates were settled.
#[derive(Debug, Default)]
pub struct Distinct {
    /// One for each SOP Instance UID, ordered by it, so that a package does not depend on how its
    /// files were named.
    pub kept: Vec<CleanFile>,
    /// Copies with the same content as one that was kept.
    pub same: Vec<Indexed>,
    /// Files that share a UID but not the content: which is meant cannot be told, so neither is
    /// sent.
    pub clashing: Vec<(Indexed, FileFailure)>,
}

/// Settles duplicates among the cleaned instances of a series: identical content once, different
/// content not at all.
pub fn distinct(mut files: Vec<CleanFile>) -> Distinct {
    let key = |file: &CleanFile| {
        let path = Arc::clone(&file.source.path);
        (
            file.instance
                .sop_instance()
                .to_owned(),
            path,
        )
    };
    files.sort_by_cached_key(key);
    let mut result = Distinct::default();
    let mut group: Vec<CleanFile> = Vec::new();
    for next in files {
        if group
            .first()
            .is_some_and(|first| first.instance.sop_instance() != next.instance.sop_instance())
        {
            settle(std::mem::take(&mut group), &mut result);
        }
        group.push(next);
    }
    settle(group, &mut result);
    result
}

fn settle(group: Vec<CleanFile>, result: &mut Distinct) {
    let mut members = group.into_iter();
    let Some(first) = members.next() else { return };
    let (same, different): (Vec<_>, Vec<_>) = members.partition(|other| {
        have_same_labels(&first, other)
            && same_bytes(first.instance.body(), other.instance.body()).unwrap_or(false)
    });
    if different.is_empty() {
        result
            .same
            .extend(same.into_iter().map(|r| r.source));
        result.kept.push(first);
        return;
    }
    let count = 1 + same.len() + different.len();
    let clash = || {
        FileFailure::new(
            FileCode::RouteDuplicate,
            format!("{count} files of one series share it after cleaning"),
        )
    };
    let all = std::iter::once(first)
        .chain(same)
        .chain(different);
    result
        .clashing
        .extend(all.map(|r| (r.source, clash())));
}

/// Whether rules place two files alike: which of two places is meant for one instance cannot be
/// told.
fn have_same_labels(one: &CleanFile, other: &CleanFile) -> bool {
    let labels = |file: &CleanFile| {
        file.placed.as_ref().map(|placed| {
            Level::Acquisition
                .labels()
                .iter()
                .map(|label| placed.extracted.metadata.get(label))
                .collect::<Vec<_>>()
        })
    };
    labels(one) == labels(other)
}

fn same_bytes(a: &Body, b: &Body) -> io::Result<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (a.reader(), b.reader());
    let (mut from_left, mut from_right) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let got = left.read(&mut from_left)?;
        if got == 0 {
            return Ok(true);
        }
        let (Some(l), Some(r)) = (from_left.get(..got), from_right.get_mut(..got)) else {
            return Ok(false);
        };
        right.read_exact(r)?;
        if l != r {
            return Ok(false);
        }
    }
}
