//! Making a plan: files are noted as they are found, and divided once all are known.
//!
//! Memory grows with studies and archives, not with files: what was noted waits in a file.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::credential::make_private_folder;

use super::groups::{GroupNumber, Groups};
use super::line::{ExpectedFile, Line, PlannedEntry, WrittenPath};
use super::{
    INDEX, ListFacts, PlanIndex, StudyDigest, StudyDigester, VERSION, WrittenFilter, list_name,
};

/// What was noted, until it is divided.
const NOTED: &str = "noted";
/// The group of what belongs to no study: such files are dealt out in turn.
const NO_GROUP: GroupNumber = GroupNumber::MAX;
/// Bytes of a list that are written at once.
const PIECE: usize = 32 << 10;

/// A file as it was found.
#[derive(Debug)]
pub struct PlannedFile<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// The named path that led to it.
    pub root: &'a Path,
    /// It was named itself.
    pub named: bool,
}

/// What a run needs to know of how the plan was made.
#[derive(Debug)]
pub struct PlanSettings {
    /// `--include` and `--exclude`, in order.
    pub filters: Vec<WrittenFilter>,
    /// Whether symbolic links were followed.
    pub follow: bool,
    /// What became of archives.
    pub archives: String,
    /// The digest of the flags that decide which files are taken and which subject they get.
    pub choices: String,
    /// When it is made.
    pub made: String,
}

/// A plan that is being made.
#[derive(Debug)]
pub struct NewPlan {
    // Closed before the folder goes: Windows removes none with an open file in it.
    noted: BufWriter<File>,
    folder: UnfinishedFolder,
    /// The number of files that were noted.
    files: u64,
    salt: String,
    digester: StudyDigester,
    studies: HashMap<StudyDigest, GroupNumber>,
    groups: Groups,
    archives: BTreeMap<PathBuf, NotedArchive>,
    inputs: Vec<PathBuf>,
}

/// The folder of a plan, of which nothing is left where it does not come to its end.
#[derive(Debug)]
struct UnfinishedFolder {
    path: PathBuf,
    was_there: bool,
    is_finished: bool,
}

impl UnfinishedFolder {
    /// A folder that is made, or is there and empty.
    fn begin(path: &Path) -> io::Result<Self> {
        let was_there = path.exists();
        make_private_folder(path)?;
        if fs::read_dir(path)?.next().is_some() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the folder is not empty",
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            was_there,
            is_finished: false,
        })
    }

    fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for UnfinishedFolder {
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        // It was empty: all that lies there was made for this plan.
        for entry in fs::read_dir(&self.path)
            .into_iter()
            .flatten()
            .flatten()
        {
            let _ = fs::remove_file(entry.path());
        }
        if !self.was_there {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// An archive with DICOM in it, or with a member of which that is not known.
#[derive(Debug)]
struct NotedArchive {
    input: usize,
    named: bool,
    expected: ExpectedFile,
    group: GroupNumber,
}

impl NewPlan {
    /// Begins a plan in a folder, which is made, or is there and empty.
    ///
    /// # Errors
    /// The folder holds something, or cannot be written.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        let folder = UnfinishedFolder::begin(folder)?;
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let salt = hex::encode(key);
        let noted = private_file(&folder.join(NOTED))?;
        Ok(Self {
            folder,
            files: 0,
            noted: BufWriter::with_capacity(1 << 20, noted),
            digester: StudyDigester::new(&salt),
            salt,
            studies: HashMap::new(),
            groups: Groups::default(),
            archives: BTreeMap::new(),
            inputs: Vec::new(),
        })
    }

    /// Notes a file that is no archive with DICOM in it, as it is now, and the study that it states.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn file(
        &mut self,
        file: &PlannedFile<'_>,
        expected: ExpectedFile,
        study: Option<&str>,
    ) -> io::Result<()> {
        let digest = study.map(|study| self.digester.digest(study));
        let group = match digest {
            Some(digest) => self.group_of(digest)?,
            None => NO_GROUP,
        };
        self.groups
            .weigh(group, expected.len);
        let expected = ExpectedFile {
            study: digest,
            ..expected
        };
        let entry = PlannedEntry::File {
            path: absolute(file.path),
            input: self.input(file.root),
            named: file.named,
            expected,
        };
        self.note(group, &entry)
    }

    /// Notes a member of an archive, which goes as a whole to one shard.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn member(&mut self, archive: &PlannedFile<'_>, study: Option<&str>) -> io::Result<()> {
        let group = match self.archives.get(archive.path) {
            Some(noted) => noted.group,
            None => self.archive(archive)?,
        };
        if let Some(study) = study {
            let study = self.group_of(self.digester.digest(study))?;
            self.groups.join(group, study);
        }
        Ok(())
    }

    fn archive(&mut self, archive: &PlannedFile<'_>) -> io::Result<GroupNumber> {
        let metadata = fs::metadata(archive.path)?;
        let group = self.new_group()?;
        self.groups
            .weigh(group, metadata.len());
        let input = self.input(archive.root);
        let expected = ExpectedFile::new(metadata.len(), metadata.modified().ok());
        self.archives.insert(
            archive.path.to_owned(),
            NotedArchive {
                input,
                named: archive.named,
                expected,
                group,
            },
        );
        Ok(group)
    }

    /// Notes what is left out without a look into it.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn skipped(&mut self, path: &Path, reason: &str) -> io::Result<()> {
        let entry = PlannedEntry::Skipped {
            path: absolute(path),
            reason: reason.to_owned(),
        };
        self.note(NO_GROUP, &entry)
    }

    /// Notes what could not be looked at.
    ///
    /// # Errors
    /// It cannot be noted.
    pub fn failed(&mut self, path: &Path, code: &str) -> io::Result<()> {
        let entry = PlannedEntry::Failed {
            path: absolute(path),
            code: code.to_owned(),
        };
        self.note(NO_GROUP, &entry)
    }

    /// The number of files that were noted; an archive is one.
    pub fn files(&self) -> u64 {
        self.files + self.archives.len() as u64
    }

    /// The number of their studies.
    pub fn studies(&self) -> usize {
        self.studies.len()
    }

    /// Divides what was noted among shards.
    ///
    /// # Errors
    /// A list cannot be written.
    pub fn finish(mut self, shards: u64, settings: PlanSettings) -> io::Result<PlanIndex> {
        for (path, archive) in std::mem::take(&mut self.archives) {
            let entry = PlannedEntry::File {
                path: absolute(&path),
                input: archive.input,
                named: archive.named,
                expected: archive.expected,
            };
            self.note(archive.group, &entry)?;
        }
        self.noted.flush()?;
        let mut facts = vec![ListFacts::default(); usize::try_from(shards).unwrap_or(usize::MAX)];
        let studies: Vec<_> = self
            .studies
            .values()
            .copied()
            .collect();
        let divided = std::mem::take(&mut self.groups).shards(shards);
        let mut in_turn = (0..shards).cycle();
        let mut shard_of = |group: GroupNumber| {
            let shard = match divided.get(group as usize) {
                Some(shard) => *shard,
                None => in_turn.next().unwrap_or_default(),
            };
            usize::try_from(shard).unwrap_or_default()
        };
        for study in &studies {
            if let Some(list) = facts.get_mut(shard_of(*study)) {
                list.studies += 1;
            }
        }
        let noted = self.folder.join(NOTED);
        let mut lists: Vec<_> = (1..=shards)
            .map(|shard| NewList::begin(self.folder.join(list_name(shard))))
            .collect::<io::Result<_>>()?;
        each_noted(&noted, |group, line, size| {
            let shard = shard_of(group);
            if let Some(list) = facts.get_mut(shard) {
                list.files += 1;
                list.bytes = list.bytes.saturating_add(size);
            }
            lists
                .get_mut(shard)
                .map_or(Ok(()), |list| list.add(line))
        })?;
        for (list, facts) in lists.into_iter().zip(&mut facts) {
            facts.digest = list.finish()?;
        }
        fs::remove_file(&noted)?;
        self.index(facts, settings)
    }

    fn index(mut self, lists: Vec<ListFacts>, settings: PlanSettings) -> io::Result<PlanIndex> {
        let mut index = PlanIndex {
            kind: "plan".to_owned(),
            v: VERSION,
            digest: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            made: settings.made,
            files: lists
                .iter()
                .map(|list| list.files)
                .sum(),
            bytes: lists
                .iter()
                .map(|list| list.bytes)
                .sum(),
            studies: self.studies.len() as u64,
            inputs: self
                .inputs
                .iter()
                .map(|input| WrittenPath::of(input))
                .collect(),
            filters: settings.filters,
            follow: settings.follow,
            archives: settings.archives,
            choices: settings.choices,
            salt: self.salt,
            lists,
        };
        index.digest = index.own_digest()?;
        let path = self.folder.join(INDEX);
        let unfinished = self
            .folder
            .join(format!("{INDEX}.part"));
        let mut file = private_file(&unfinished)?;
        serde_json::to_writer_pretty(&mut file, &index)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(unfinished, path)?;
        self.folder.is_finished = true;
        Ok(index)
    }

    /// The group of a study, which it gets where it is new.
    fn group_of(&mut self, study: StudyDigest) -> io::Result<GroupNumber> {
        if let Some(group) = self.studies.get(&study) {
            return Ok(*group);
        }
        let group = self.new_group()?;
        self.studies.insert(study, group);
        Ok(group)
    }

    fn new_group(&mut self) -> io::Result<GroupNumber> {
        self.groups
            .add()
            .filter(|group| *group != NO_GROUP)
            .ok_or_else(|| io::Error::other("there are more studies than 32 bits can count"))
    }

    /// The place of a named path in the plan.
    fn input(&mut self, root: &Path) -> usize {
        // Roots are walked one after the other.
        let root = absolute(root);
        let place = self
            .inputs
            .iter()
            .rposition(|input| *input == root);
        place.unwrap_or_else(|| {
            self.inputs.push(root);
            self.inputs.len() - 1
        })
    }

    fn note(&mut self, group: GroupNumber, entry: &PlannedEntry) -> io::Result<()> {
        let size = match entry {
            PlannedEntry::File { expected, .. } => expected.len,
            PlannedEntry::Skipped { .. } | PlannedEntry::Failed { .. } => 0,
        };
        self.files += 1;
        let mut line = serde_json::to_vec(&Line::from(entry))?;
        line.push(b'\n');
        let length = u32::try_from(line.len()).map_err(io::Error::other)?;
        self.noted
            .write_all(&group.to_le_bytes())?;
        self.noted
            .write_all(&size.to_le_bytes())?;
        self.noted
            .write_all(&length.to_le_bytes())?;
        self.noted.write_all(&line)
    }
}

impl PlanIndex {
    /// What everything else that it says comes to.
    pub(super) fn own_digest(&self) -> io::Result<String> {
        let without = Self {
            digest: String::new(),
            ..self.clone()
        };
        let bytes = serde_json::to_vec(&without)?;
        Ok(format!("sha256:{}", hex::encode(Sha256::digest(bytes))))
    }
}

/// Reads what was noted: the group, the line and the size of each file.
fn each_noted(
    path: &Path,
    mut take: impl FnMut(GroupNumber, &[u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let mut noted = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut line = Vec::new();
    loop {
        let mut group = [0; 4];
        match noted.read_exact(&mut group) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        let (mut size, mut length) = ([0; 8], [0; 4]);
        noted.read_exact(&mut size)?;
        noted.read_exact(&mut length)?;
        line.resize(u32::from_le_bytes(length) as usize, 0);
        noted.read_exact(&mut line)?;
        take(
            GroupNumber::from_le_bytes(group),
            &line,
            u64::from_le_bytes(size),
        )?;
    }
}

/// A list that is being written. It is not kept open: there may be more lists than a process may
/// have files open.
struct NewList {
    path: PathBuf,
    piece: Vec<u8>,
    hasher: Sha256,
}

impl NewList {
    fn begin(path: PathBuf) -> io::Result<Self> {
        private_file(&path)?;
        Ok(Self {
            path,
            piece: Vec::new(),
            hasher: Sha256::new(),
        })
    }

    fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.piece.extend_from_slice(line);
        if self.piece.len() < PIECE {
            return Ok(());
        }
        self.write(false)
    }

    fn write(&mut self, is_last: bool) -> io::Result<()> {
        self.hasher.update(&self.piece);
        let mut file = OpenOptions::new()
            .append(true)
            .open(&self.path)?;
        file.write_all(&self.piece)?;
        self.piece.clear();
        if is_last { file.sync_all() } else { Ok(()) }
    }

    fn finish(mut self) -> io::Result<String> {
        self.write(true)?;
        Ok(format!("sha256:{}", hex::encode(self.hasher.finalize())))
    }
}

/// Other machines may have another current folder.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A new file that its owner alone may read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
