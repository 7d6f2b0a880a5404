//! What the server has confirmed, kept from one run to the next: makes running the same command again cheap and safe.
//!
//! Owns one file for each site, project, profile and key of pseudonyms: lines of JSON that are only ever appended. A line
//! that was torn, or that nobody can read, is passed over. It must never hold an attribute value, a label or a path: what
//! stands for one is a keyed digest. And it must never be believed against the server: it says where to look.

mod fingerprint;
mod index;
mod line;
mod lock;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::credential::make_private_folder;
use crate::failure::{Error, RunCode};
use crate::flywheel::{ContainerRef, RemoteFile, UploadReceipt};
use crate::phi::display_path;
pub use fingerprint::{Mark, Marker};
use index::Index;
pub use index::{Changes, Confirmed, Standing};
use line::{Confirmation, Intent, Line};
pub use line::{Member, VERSION};
use lock::Lock;
pub use lock::Waiting;
use writer::Writer;

/// Whose journal it is: nothing that was sent under another identity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
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

impl Identity<'_> {
    /// The name of the file: says nothing, and is another one for every other identity.
    fn file_name(&self) -> String {
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
        format!("{}.jsonl", digest.get(..32).unwrap_or(&digest))
    }
}

/// A package about to be sent, as the journal knows it.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The container and the name in it.
    pub place: Mark,
    /// All files that it was made of.
    pub sources: Mark,
    /// Its exact length in bytes.
    pub size: u64,
    /// Its members, in the order of their sources.
    pub members: Vec<Member>,
}

/// The open journal of a run. Nobody else has it open.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    marker: Marker,
    state: Mutex<State>,
    /// Held for as long as the journal is open.
    _lock: Lock,
}

#[derive(Debug)]
struct State {
    index: Index,
    writer: Writer,
}

impl Journal {
    /// Opens the journal of an identity in `folder`, which is made where it is missing. `settings` is everything else that
    /// decides what is sent for a file; what was sent under others counts as changed. With `fresh`, what earlier runs wrote
    /// is not looked at.
    ///
    /// # Errors
    /// `journal.locked` while another run has it open, once that was waited for; `journal.unwritable`.
    pub fn open(folder: &Path, identity: Identity<'_>, settings: &str, fresh: bool, waiting: Waiting<'_>) -> Result<Self, Error> {
        let path = folder.join(identity.file_name());
        let failed = |error: std::io::Error| unwritable(&path, &error);
        make_private_folder(folder).map_err(failed)?;
        let lock = Lock::take(&path.with_extension("lock"), waiting)?;
        let (header, mut index) = writer::load(&path, identity, fresh).map_err(failed)?;
        let writer = Writer::open(&path, &header, &mut index).map_err(failed)?;
        let marker = Marker::new(&header.salt, settings);
        Ok(Self { marker, state: Mutex::new(State { index, writer }), _lock: lock, path })
    }

    /// Makes the digests that stand for sources and places.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// How many packages earlier runs had confirmed.
    pub fn confirmed_before(&self) -> usize {
        self.state().index.len()
    }

    /// What earlier runs sent of exactly these files: as one package, or as one for each. `None` where that is not known
    /// of all of them.
    pub fn recall(&self, sources: &[Mark]) -> Option<Vec<Confirmed>> {
        let each: Vec<_> = sources.iter().map(|source| self.marker.sources(vec![*source])).collect();
        self.state().index.recall(self.marker.sources(sources.to_vec()), &each)
    }

    /// What the journal knows of the file of a parcel's name that lies on the server.
    pub fn standing(&self, parcel: &Parcel, there: &RemoteFile) -> Standing {
        self.state().index.standing(parcel, there)
    }

    /// What is different from the members that were sent to this place before; `None` where that cannot be told.
    pub fn changes(&self, parcel: &Parcel) -> Option<Changes> {
        let offset = self.state().index.confirmed(parcel.place)?.offset();
        let before = writer::confirmation_at(&self.path, offset)?;
        Some(Changes::between(&before.members, &parcel.members))
    }

    /// Whether the members that were sent to this place before are these, as far as lengths and checksums tell.
    pub fn is_the_same(&self, parcel: &Parcel) -> bool {
        let summed = parcel.members.iter().all(|member| member.crc32.is_some());
        summed && self.changes(parcel).is_some_and(|changes| changes.now > 0 && changes.new == 0 && changes.gone == 0)
    }

    /// Whether a file on the server, under another name in the same container, is an earlier package with some of the same
    /// sources: what it holds is then there twice.
    pub fn is_superseded(&self, place: Mark, there: &RemoteFile, by: &Parcel) -> bool {
        let known = self.state().index.confirmed(place).filter(|known| known.is(there) && !known.found).map(Confirmed::offset);
        let before = known.and_then(|offset| writer::confirmation_at(&self.path, offset));
        let again = |member: &Member| by.members.iter().any(|now| now.source == member.source);
        before.is_some_and(|before| before.members.iter().any(again))
    }

    /// Notes that a parcel is going to be sent: should its confirmation get lost, the next run knows whose it is.
    ///
    /// # Errors
    /// `journal.unwritable`.
    pub fn sending(&self, parcel: &Parcel) -> Result<(), Error> {
        let intent = Intent { place: parcel.place, sources: parcel.sources, size: parcel.size };
        let state = &mut *self.state();
        state.index.begin(intent);
        state.writer.append(&Line::Sending(intent)).map(|_| ()).map_err(|e| unwritable(&self.path, &e))
    }

    /// Notes what the server confirmed.
    ///
    /// # Errors
    /// `journal.unwritable`.
    pub fn confirmed(&self, parcel: &Parcel, container: &ContainerRef, word: Word) -> Result<(), Error> {
        let confirmation = Confirmation {
            place: parcel.place,
            sources: parcel.sources,
            kind: container.kind.as_str().to_owned(),
            container: container.id.clone(),
            size: parcel.size,
            sha384: word.sha384,
            file_id: word.file_id,
            version: word.version,
            found: word.found,
            members: parcel.members.clone(),
        };
        let state = &mut *self.state();
        let offset = state.writer.append(&Line::Confirmed(confirmation.clone())).map_err(|e| unwritable(&self.path, &e))?;
        state.index.confirm(&confirmation, offset);
        Ok(())
    }

    /// Has everything that was noted on the disk.
    ///
    /// # Errors
    /// `journal.unwritable`.
    pub fn sync(&self) -> Result<(), Error> {
        self.state().writer.sync().map_err(|e| unwritable(&self.path, &e))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the server said of a file that it confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// SHA-384 of its bytes in hexadecimal digits, where stated.
    pub sha384: Option<String>,
    /// Its database id, where stated.
    pub file_id: Option<String>,
    /// Its version, where stated.
    pub version: Option<u64>,
    /// Somebody else had put it there.
    pub found: bool,
}

impl From<&UploadReceipt> for Word {
    fn from(receipt: &UploadReceipt) -> Self {
        Self {
            sha384: receipt.sha384().map(str::to_owned),
            file_id: receipt.file_id().map(str::to_owned),
            version: receipt.version(),
            found: false,
        }
    }
}

impl From<&RemoteFile> for Word {
    fn from(there: &RemoteFile) -> Self {
        Self {
            sha384: there.sha384().map(str::to_owned),
            file_id: there.database_id().map(str::to_owned),
            version: there.version,
            found: false,
        }
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(RunCode::JournalUnwritable, format!("the journal cannot be written: {}", display_path(path)))
        .because(error.to_string())
}

/// Opens a file that only its owner may read, for reading and appending.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
