//! The sandbox's state on disk: the index and the files.
//!
//! A change is appended to `changes.jsonl` before it is confirmed, and `index.json` is written anew
//! (a new file, then a rename) soon after; at the start the changes are replayed over the index. So
//! nothing confirmed is lost when the process is killed, and the cost of a change does not depend
//! on the size of the index. Must never follow a name from outside: every path is made of
//! components from [`crate::layout`].

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::api_error::ApiError;
use crate::ids::uuid;
use crate::index::{Change, Entry, FORMAT, Index};
use crate::layout;
use crate::model::FileRecord;

/// The folder inside the sandbox's folder that holds everything but uploaded data.
pub const HOME: &str = ".fwupload-sandbox";

/// Index and files under one folder, held by one process at a time.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    state: Mutex<State>,
    changed: Notify,
    _lock: File,
}

#[derive(Debug)]
struct State {
    index: Index,
    journal: File,
    journal_len: u64,
    saved: u64,
}

impl Store {
    /// Opens or makes a sandbox's folder. Refuses a folder that holds other things, and one that
    /// another process uses.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let home = dir.join(HOME);
        refuse_foreign(dir, &home)?;
        private_dir(dir)?;
        for folder in [home.clone(), home.join("versions")] {
            private_dir(&folder)?;
        }
        let lock = private_options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(home.join("lock"))?;
        lock.try_lock().map_err(|_| {
            io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another sandbox uses this folder",
            )
        })?;
        empty_dir(&home.join("incoming"))?;
        let index = load(&home)?;
        let journal = private_options()
            .append(true)
            .create(true)
            .open(home.join("changes.jsonl"))?;
        let journal_len = journal.metadata()?.len();
        let state = Mutex::new(State {
            index,
            journal,
            journal_len,
            saved: 0,
        });
        let store = Self {
            dir: dir.to_owned(),
            state,
            changed: Notify::new(),
            _lock: lock,
        };
        let files: Vec<FileRecord> = store.read(|index| {
            index
                .every_file()
                .cloned()
                .collect()
        });
        files
            .iter()
            .try_for_each(|file| store.restore(file))?;
        store.save()?;
        Ok(store)
    }

    /// The folder for everything but uploaded data.
    pub fn home(&self) -> PathBuf {
        self.dir.join(HOME)
    }

    /// A new path for bytes that are still arriving.
    pub fn incoming(&self) -> PathBuf {
        self.home()
            .join("incoming")
            .join(uuid())
    }

    /// The path of something that the index names.
    pub fn path(&self, relative: &str) -> PathBuf {
        relative
            .split('/')
            .filter(|part| !part.is_empty())
            .fold(self.dir.clone(), |path, part| path.join(part))
    }

    /// The relative path at which a version lies once another has taken its place.
    pub fn kept_path(file_id: &str, number: u32) -> String {
        format!("{HOME}/versions/{file_id}/{number}")
    }

    /// Brings the current version of a file back to its place, if it was moved away for a change
    /// that failed.
    pub fn restore(&self, file: &FileRecord) -> io::Result<()> {
        let kept = self.path(&Self::kept_path(&file.file_id, file.current.number));
        if kept.is_file() {
            fs::rename(kept, self.path(&file.current.stored))
        } else {
            Ok(())
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the index.
    pub fn read<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.lock().index)
    }

    /// Changes the index; every other reader and writer waits meanwhile.
    pub fn write<T>(
        &self,
        change: impl FnOnce(&mut Writer<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut state = self.lock();
        let done = change(&mut Writer {
            store: self,
            state: &mut state,
        });
        drop(state);
        self.changed.notify_one();
        done
    }

    /// Waits for the next change.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Writes `index.json` if anything changed since it was written.
    pub fn save(&self) -> io::Result<()> {
        let (bytes, sequence) = {
            let state = self.lock();
            if state.saved == state.index.sequence && state.saved > 0 {
                return Ok(());
            }
            (serde_json::to_vec(&state.index)?, state.index.sequence)
        };
        replace(&self.home().join("index.json"), &bytes)?;
        let mut state = self.lock();
        state.saved = sequence;
        if state.index.sequence == sequence {
            state.journal.set_len(0)?;
            state.journal_len = 0;
        }
        Ok(())
    }
}

/// Exclusive access to the index, to change it.
#[derive(Debug)]
pub struct Writer<'a> {
    store: &'a Store,
    state: &'a mut State,
}

impl Writer<'_> {
    /// The index, with the changes made so far.
    pub fn index(&self) -> &Index {
        &self.state.index
    }

    /// The store, for its paths.
    pub fn store(&self) -> &Store {
        self.store
    }

    /// Writes a change to the journal, then carries it out.
    pub fn put(&mut self, change: Change) -> Result<(), ApiError> {
        let entry = Entry {
            sequence: self
                .state
                .index
                .sequence
                .saturating_add(1),
            change,
        };
        self.append(&entry)?;
        self.state.index.apply(entry);
        Ok(())
    }

    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let written = self.state.journal.write_all(&line);
        if written.is_err() {
            // half a line would make the next one unreadable
            self.state
                .journal
                .set_len(self.state.journal_len)?;
            return written;
        }
        self.state.journal_len += line.len() as u64;
        Ok(())
    }

    /// Empties the index, and takes what it named out of the way, and these further paths. Gives the
    /// folder that has to be removed then, which the next start does as well.
    pub fn empty(&mut self, further: Vec<PathBuf>) -> Result<PathBuf, ApiError> {
        let groups = self.index().children(None);
        let versions = self.store.home().join("versions");
        let gone: Vec<PathBuf> = groups
            .map(|group| self.store.path(&group.folder))
            .chain(further)
            .chain([versions.clone()])
            .collect();
        self.put(Change::Emptied)?;
        let folder = self.store.incoming();
        private_dir(&folder)?;
        for (number, path) in gone.into_iter().enumerate() {
            unless_missing(fs::rename(path, folder.join(number.to_string())))?;
        }
        private_dir(&versions)?;
        Ok(folder)
    }

    /// Chooses a free name in the folder of a container (none: the sandbox's own) and gives its
    /// relative path.
    pub fn free_path(&self, container: Option<&str>, label: &str) -> String {
        let folder = container
            .and_then(|id| self.index().get(id))
            .map(|it| it.folder.clone())
            .unwrap_or_default();
        let on_disk = self.store.path(&folder);
        let known = |name: &str| {
            self.index()
                .is_taken(container, name)
        };
        let name = layout::unique(label, |name| {
            known(name)
                || on_disk
                    .join(name)
                    .symlink_metadata()
                    .is_ok()
        });
        if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        }
    }
}

fn refuse_foreign(dir: &Path, home: &Path) -> io::Result<()> {
    let holds_something = dir.is_dir() && fs::read_dir(dir)?.next().is_some();
    if holds_something && !home.is_dir() {
        let what = "the folder holds other things and is not a sandbox's folder";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    Ok(())
}

fn empty_dir(path: &Path) -> io::Result<()> {
    unless_missing(fs::remove_dir_all(path))?;
    private_dir(path)
}

/// The index as it was last saved, and the changes since. A last line that was cut off was never
/// confirmed.
fn load(home: &Path) -> io::Result<Index> {
    let mut index: Index = match unless_missing(fs::read(home.join("index.json")))? {
        Some(bytes) => serde_json::from_slice(&bytes)?,
        None => Index::empty(),
    };
    if index.format != FORMAT {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the index was written by another version of the sandbox",
        ));
    }
    index.rebuild();
    let journal = unless_missing(fs::read_to_string(home.join("changes.jsonl")))?;
    for entry in journal
        .unwrap_or_default()
        .lines()
        .map_while(|line| serde_json::from_str::<Entry>(line).ok())
    {
        if entry.sequence > index.sequence {
            index.apply(entry);
        }
    }
    Ok(index)
}

/// What was done to a file or folder; none where it is not there.
pub fn unless_missing<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Options for a file that only the user may read.
pub fn private_options() -> OpenOptions {
    #[allow(unused_mut, reason = "only Unix has a mode to set")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder, and those above it, that only the user may enter.
pub fn private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Replaces a file as a whole: a reader sees the old or the new one.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = private_options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)
}
