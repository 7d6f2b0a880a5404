//! What the server has confirmed, kept from one run to the next: makes running the same command
//! again cheap and safe.
//!
//! Owns the files for each site, project, profile and key of pseudonyms, one for each set of
//! inputs: lines of JSON that are only ever appended. A run writes to its own file and reads all,
//! so that runs of different inputs go on at the same time. A line that was torn, or that cannot be
//! read, is passed over. It must never hold an attribute value, a label or a path: what stands for
//! one is a keyed digest. And it must never be believed against the server: it says where to look.

mod fingerprint;
mod index;
mod line;
mod lock;
mod salt;
mod writer;

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use flywheel_client::{ContainerRef, RemoteFile, UploadReceipt};
use sha2::{Digest, Sha256};

use crate::credential::make_private_folder;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;
pub use fingerprint::{Digester, KeyedDigest};
use index::Index;
pub use index::{ConfirmedPackage, MemberChanges, Provenance};
use line::{ConfirmedLine, Header, Line, SendingLine};
pub use line::{MemberRecord, VERSION};
use lock::Lock;
pub use lock::WaitForRun;
use writer::{JournalFiles, Writer};

/// Whose journal it is: nothing that was sent under another identity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalIdentity<'a> {
    /// The server's host.
    pub site: &'a str,
    /// The project's database id.
    pub project: &'a str,
    /// The digest of the governing profile; none where data goes as it is.
    pub profile: Option<&'a str>,
    /// The fingerprint of the key of pseudonyms, where the profile makes some.
    pub key: Option<&'a str>,
    /// The part of the work, where several runs share it: they may go on at the same time.
    pub shard: Option<&'a str>,
}

impl JournalIdentity<'_> {
    /// What the names of its files begin with: says nothing, and is another one for every other
    /// identity.
    fn stem(&self) -> String {
        let parts = [Some(self.site), Some(self.project), self.profile, self.key];
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part.unwrap_or("-"));
            hasher.update([0]);
        }
        if let Some(shard) = self.shard {
            hasher.update(shard);
        }
        let digest = hex::encode(hasher.finalize());
        digest
            .get(..32)
            .unwrap_or(&digest)
            .to_owned()
    }
}

/// The run that a journal is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalScope<'a> {
    /// Whose journal it is.
    pub identity: JournalIdentity<'a>,
    /// What the run reads.
    pub inputs: &'a [PathBuf],
    /// Everything else that decides what is sent for a file; what was sent under other settings
    /// counts as changed.
    pub settings: &'a str,
    /// What earlier runs wrote does not count.
    pub fresh: bool,
}

impl JournalScope<'_> {
    /// The run's own file, and the digests under this salt. The inputs stand in the file's name as
    /// a keyed digest: paths may identify.
    fn own_path(&self, folder: &Path, salt: &str) -> (PathBuf, Digester) {
        let digester = Digester::new(salt, self.settings);
        let name = format!(
            "{}-{:?}.jsonl",
            self.identity.stem(),
            digester.inputs(self.inputs)
        );
        (folder.join(name), digester)
    }
}

/// A package about to be sent, as the journal knows it.
#[derive(Debug, Clone)]
pub struct PackageRecord {
    /// The container and the name in it.
    pub location: KeyedDigest,
    /// All files that it was made of.
    pub sources: KeyedDigest,
    /// Its exact length in bytes.
    pub size: u64,
    /// Its members, in the order of their sources.
    pub members: Vec<MemberRecord>,
}

/// What a package that is on the server has to do with one that is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedInstances {
    /// Instances of it that are about to be sent again.
    pub again: usize,
    /// Instances of it that are not.
    pub missing: usize,
}

/// The open journal of a run. No other run has it open for writing.
#[derive(Debug)]
pub struct Journal {
    /// The run's own file.
    path: PathBuf,
    /// Makes the digests that stand for sources and places.
    pub digester: Digester,
    state: Mutex<State>,
    set_aside: bool,
    /// Held for as long as the journal is open; none where it is only looked into.
    _lock: Option<Lock>,
}

#[derive(Debug)]
struct State {
    index: Index,
    files: JournalFiles,
    /// None where it is only looked into.
    writer: Option<Writer>,
}

impl Journal {
    /// Opens the journal of a run in `folder`, which is made where it is missing.
    ///
    /// # Errors
    /// `journal.locked` while another run of the same inputs has it open, once that was waited for;
    /// `journal.unwritable`.
    pub fn open(
        folder: &Path,
        scope: JournalScope<'_>,
        wait: WaitForRun<'_>,
    ) -> Result<Self, Error> {
        make_private_folder(folder).map_err(failed(folder))?;
        let stem = scope.identity.stem();
        let salt = salt::of(folder, &stem).map_err(failed(folder))?;
        let header = Header::new(scope.identity, &salt);
        let (path, digester) = scope.own_path(folder, &salt);
        let lock = Lock::take(&path.with_extension("lock"), wait)?;
        let former = folder.join(format!("{stem}.jsonl"));
        let set_aside = writer::set_older_form_aside(&former, |_| true).map_err(failed(&former))?
            | writer::set_older_form_aside(&path, |header| header.v != VERSION)
                .map_err(failed(&path))?;
        let paths = all_paths(folder, &stem, &path).map_err(failed(folder))?;
        let (files, index) =
            writer::load_for_writing(&paths, &header, scope.fresh).map_err(failed(&path))?;
        let writer = Some(Writer::open(&path).map_err(failed(&path))?);
        let state = Mutex::new(State {
            index,
            files,
            writer,
        });
        Ok(Self {
            digester,
            state,
            set_aside,
            _lock: Some(lock),
            path,
        })
    }

    /// Looks into the journal of a run that sends nothing: it is not changed, and another run may
    /// have it open.
    ///
    /// # Errors
    /// `journal.unwritable` where it cannot be read.
    pub fn look(folder: &Path, scope: JournalScope<'_>) -> Result<Self, Error> {
        let failed = failed(folder);
        let stem = scope.identity.stem();
        let salt = salt::known(folder, &stem)
            .map_err(&failed)?
            .unwrap_or_default();
        let header = Header::new(scope.identity, &salt);
        let (path, digester) = scope.own_path(folder, &salt);
        let paths = if salt.is_empty() {
            Vec::new()
        } else {
            all_paths(folder, &stem, &path).map_err(&failed)?
        };
        let (files, index) = writer::load(&paths, &header, scope.fresh).map_err(&failed)?;
        let state = Mutex::new(State {
            index,
            files,
            writer: None,
        });
        Ok(Self {
            digester,
            state,
            set_aside: false,
            _lock: None,
            path,
        })
    }

    /// Whether there was a journal of an older form, which lies beside this one now and is not
    /// read.
    pub fn set_older_form_aside(&self) -> bool {
        self.set_aside
    }

    /// How many packages earlier runs had confirmed.
    pub fn confirmed_before(&self) -> usize {
        self.state().index.len()
    }

    /// What earlier runs sent of exactly these files: as one package, or as one for each. `None`
    /// where that is not known of all of them.
    pub fn recall(&self, sources: &[KeyedDigest]) -> Option<Vec<ConfirmedPackage>> {
        let each: Vec<_> = sources
            .iter()
            .map(|source| self.digester.sources(vec![*source]))
            .collect();
        self.state().index.recall(
            self.digester
                .sources(sources.to_vec()),
            &each,
        )
    }

    /// What the journal knows of the file on the server that has the name of a package.
    pub fn provenance(&self, record: &PackageRecord, there: &RemoteFile) -> Provenance {
        self.state()
            .index
            .provenance(record, there)
    }

    /// What is different from the members that were sent to this location before; `None` where that
    /// cannot be told.
    pub fn changes(&self, record: &PackageRecord) -> Option<MemberChanges> {
        let state = self.state();
        let position = state
            .index
            .confirmed(record.location)?
            .position;
        let before = state
            .files
            .confirmed_at(position, record.location)?;
        Some(MemberChanges::between(&before.members, &record.members))
    }

    /// Whether the members that were sent to this location before are these, as far as lengths and
    /// checksums tell.
    pub fn is_the_same(&self, record: &PackageRecord) -> bool {
        let summed = record
            .members
            .iter()
            .all(|member| member.crc32.is_some());
        summed
            && self
                .changes(record)
                .is_some_and(|changes| changes.now > 0 && changes.new == 0 && changes.gone == 0)
    }

    /// How many instances a file on the server holds that an earlier run put there, and how many of
    /// those are in a package. None where no earlier run did.
    pub fn shared_with(
        &self,
        location: KeyedDigest,
        there: &RemoteFile,
        record: &PackageRecord,
    ) -> Option<SharedInstances> {
        let state = self.state();
        let told = state.index.told_of(location, there);
        let now: HashSet<_> = record
            .members
            .iter()
            .map(|member| member.instance)
            .collect();
        let shared = told.into_iter().map(|position| {
            match state
                .files
                .instances_at(position, location)
            {
                Some(before) => {
                    let again = before
                        .iter()
                        .filter(|instance| now.contains(*instance))
                        .count();
                    SharedInstances {
                        again,
                        missing: before.len() - again,
                    }
                }
                // Another run has just made its file anew: what the package holds is not known, and
                // may be more.
                None => SharedInstances {
                    again: 0,
                    missing: 1,
                },
            }
        });
        // Where it is not known which of several arrived, the one that would lose most counts.
        shared.max_by_key(|shared| shared.missing)
    }

    /// Notes that a package is going to be sent: should its confirmation get lost, the next run
    /// knows whose it is.
    ///
    /// # Errors
    /// `journal.unwritable`.
    pub fn sending(&self, record: &PackageRecord) -> Result<(), Error> {
        let instances = record
            .members
            .iter()
            .map(|member| member.instance)
            .collect();
        self.append(&Line::Sending(SendingLine {
            location: record.location,
            sources: record.sources,
            size: record.size,
            at: now(),
            instances,
        }))
    }

    /// Notes what the server confirmed.
    ///
    /// # Errors
    /// `journal.unwritable`.
    pub fn confirmed(
        &self,
        record: &PackageRecord,
        container: &ContainerRef,
        confirmation: Confirmation,
    ) -> Result<(), Error> {
        self.append(&Line::Confirmed(ConfirmedLine {
            location: record.location,
            sources: record.sources,
            at: now(),
            kind: container.kind.as_str().to_owned(),
            container: container.id.clone(),
            size: record.size,
            sha384: confirmation.sha384,
            file_id: confirmation.file_id,
            version: confirmation.version,
            found: confirmation.found,
            members: record.members.clone(),
        }))
    }

    fn append(&self, line: &Line) -> Result<(), Error> {
        let state = &mut *self.state();
        let Some(writer) = &mut state.writer else {
            return Ok(());
        };
        let position = writer
            .append(line)
            .map_err(failed(&self.path))?;
        state.index.take(line, position);
        Ok(())
    }

    /// Has everything that was noted on the disk.
    ///
    /// # Errors
    /// `journal.unwritable`.
    pub fn sync(&self) -> Result<(), Error> {
        match &mut self.state().writer {
            Some(writer) => writer
                .sync()
                .map_err(failed(&self.path)),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// All files of an identity, the run's own first.
fn all_paths(folder: &Path, stem: &str, own: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut paths, begins) = (vec![own.to_owned()], format!("{stem}-"));
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let marked = name
            .strip_prefix(&begins)
            .and_then(|rest| rest.strip_suffix(".jsonl"));
        if path != own && marked.is_some_and(|mark| !mark.contains('.')) {
            paths.push(path);
        }
    }
    // Which of two lines about one location came later must not depend on the order of a folder.
    if let Some((_, others)) = paths.split_first_mut() {
        others.sort_unstable();
    }
    Ok(paths)
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What the server said of a file that it confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// SHA-384 of its bytes in hexadecimal digits, where stated.
    pub sha384: Option<String>,
    /// Its database id, where stated.
    pub file_id: Option<String>,
    /// Its version, where stated.
    pub version: Option<u64>,
    /// Another program had put it there.
    pub found: bool,
}

impl From<&UploadReceipt> for Confirmation {
    fn from(receipt: &UploadReceipt) -> Self {
        Self {
            sha384: receipt.sha384.clone(),
            file_id: receipt.file_id.clone(),
            version: receipt.version,
            found: false,
        }
    }
}

impl From<&RemoteFile> for Confirmation {
    fn from(there: &RemoteFile) -> Self {
        Self {
            sha384: there.sha384().map(str::to_owned),
            file_id: there
                .database_id()
                .map(str::to_owned),
            version: there.version,
            found: false,
        }
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |error| unwritable(path, &error)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(
        RunCode::JournalUnwritable,
        format!("the journal cannot be written: {}", display_path(path)),
    )
    .because(error.to_string())
}

/// Opens a file that only its owner may read, for reading and appending.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options
        .read(true)
        .append(true)
        .create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
