//! What a journal says, as fast as a run asks for it. Holds no members: a journal of a million
//! instances stays small.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::PackageRecord;
use super::fingerprint::KeyedDigest;
use super::line::{ConfirmedLine, Line, MemberRecord, SendingLine};
use flywheel_client::{ContainerKind, ContainerRef, RemoteFile};

/// A package that the server confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedPackage {
    /// Where it lies.
    pub container: ContainerRef,
    /// The container and the name in it.
    pub location: KeyedDigest,
    sources: KeyedDigest,
    size: u64,
    sha384: Option<Box<str>>,
    file_id: Option<Box<str>>,
    version: Option<u64>,
    /// Another program had put it there: what this program makes of its files later does not
    /// replace it unasked.
    pub found: bool,
    /// When that was, in milliseconds since 1970.
    at: u64,
    /// Where its line begins.
    pub(super) position: LinePosition,
}

/// Where a line begins: the file, and the offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinePosition {
    /// Its number among the files that are read together; the run's own is the first.
    pub file: usize,
    pub offset: u64,
}

impl LinePosition {
    pub fn is_own(self) -> bool {
        self.file == 0
    }
}

impl ConfirmedPackage {
    fn read(line: &ConfirmedLine, position: LinePosition) -> Option<Self> {
        Some(Self {
            container: ContainerRef {
                kind: ContainerKind::parse(&line.kind)?,
                id: line.container.clone(),
            },
            location: line.location,
            sources: line.sources,
            size: line.size,
            sha384: line
                .sha384
                .as_deref()
                .map(Box::from),
            file_id: line
                .file_id
                .as_deref()
                .map(Box::from),
            version: line.version,
            found: line.found,
            at: line.at,
            position,
        })
    }

    /// Whether what the server lists is what was confirmed, by all that both of them say.
    pub fn is(&self, there: &RemoteFile) -> bool {
        fn agree<T: PartialEq + Copy>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other)
                .is_none_or(|(one, other)| one == other)
        }
        there.size == Some(self.size)
            && agree(self.file_id.as_deref(), there.database_id())
            && agree(self.version, there.version)
            && agree(self.sha384.as_deref(), there.sha384())
    }
}

/// Where a file on the server comes from, as far as the journal knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provenance {
    /// Another program put it there, or replaced what fwupload sent.
    Foreign,
    /// An earlier run sent it, made of the same files.
    SameSources,
    /// An earlier run sent it, made of other files; its SHA-384 where that is known.
    OtherSources(Option<String>),
    /// An earlier run began to send it, made of the same files, and had no confirmation.
    Unconfirmed,
}

/// How the members of a package differ from those that were sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberChanges {
    /// Members then.
    pub before: usize,
    /// Members now.
    pub now: usize,
    /// Members of now that were not sent before as they are.
    pub new: usize,
    /// Members of then that are no longer there.
    pub gone: usize,
}

impl MemberChanges {
    pub(super) fn between(before: &[MemberRecord], now: &[MemberRecord]) -> Self {
        let content = |member: &MemberRecord| (member.size, member.crc32);
        let mut left: HashMap<_, usize> = HashMap::new();
        for member in before {
            *left
                .entry(content(member))
                .or_default() += 1;
        }
        let mut new = 0;
        for member in now {
            match left.get_mut(&content(member)) {
                Some(count @ 1..) => *count -= 1,
                _ => new += 1,
            }
        }
        Self {
            before: before.len(),
            now: now.len(),
            new,
            gone: left.values().sum(),
        }
    }
}

/// A package that was going to be sent.
#[derive(Debug, Clone, Copy)]
struct StartedUpload {
    sources: KeyedDigest,
    size: u64,
    position: LinePosition,
}

/// What a journal says.
#[derive(Debug, Default)]
pub struct Index {
    confirmed: HashMap<KeyedDigest, ConfirmedPackage>,
    by_sources: HashMap<KeyedDigest, KeyedDigest>,
    /// What may still arrive, or has: a request of a run that was killed can be carried out after
    /// later ones. Only its own confirmation settles an intent.
    begun: HashMap<KeyedDigest, Vec<StartedUpload>>,
    /// Lines of the run's own file that no longer count.
    pub dead: usize,
}

impl Index {
    pub fn len(&self) -> usize {
        self.confirmed.len()
    }

    /// Takes what a line says that begins there.
    pub fn take(&mut self, line: &Line, position: LinePosition) {
        match line {
            Line::Confirmed(line) => self.confirm(line, position),
            Line::Sending(intent) => self.begin(intent, position),
            Line::Journal(_) => {}
        }
    }

    /// What was confirmed later, maybe in another file, needs no intent any more.
    fn begin(&mut self, intent: &SendingLine, position: LinePosition) {
        let done = |confirmed: &ConfirmedPackage| {
            confirmed.sources == intent.sources && confirmed.at > intent.at
        };
        if self
            .confirmed
            .get(&intent.location)
            .is_some_and(done)
        {
            return;
        }
        let begun = self
            .begun
            .entry(intent.location)
            .or_default();
        let known = begun
            .iter()
            .any(|known| known.sources == intent.sources && known.size == intent.size);
        if !known {
            begun.push(StartedUpload {
                sources: intent.sources,
                size: intent.size,
                position,
            });
        }
    }

    /// The later line about a location counts, whichever file it stands in.
    fn confirm(&mut self, line: &ConfirmedLine, position: LinePosition) {
        let Some(confirmed) = ConfirmedPackage::read(line, position) else {
            return;
        };
        if self
            .confirmed
            .get(&line.location)
            .is_some_and(|before| before.at > confirmed.at)
        {
            return;
        }
        if let Entry::Occupied(mut begun) = self.begun.entry(line.location) {
            begun
                .get_mut()
                .retain(|intent| intent.sources != line.sources);
            if begun.get().is_empty() {
                begun.remove();
            }
        }
        let before = self
            .confirmed
            .get(&line.location)
            .map(|before| before.sources);
        if let Some(before) =
            before.filter(|before| self.by_sources.get(before) == Some(&line.location))
        {
            self.by_sources.remove(&before);
        }
        self.by_sources
            .insert(line.sources, line.location);
        self.confirmed
            .insert(line.location, confirmed);
    }

    pub fn recall(
        &self,
        together: KeyedDigest,
        each: &[KeyedDigest],
    ) -> Option<Vec<ConfirmedPackage>> {
        let of = |sources: &KeyedDigest| {
            self.by_sources
                .get(sources)
                .and_then(|location| self.confirmed.get(location))
                .cloned()
        };
        of(&together)
            .map(|one| vec![one])
            .or_else(|| each.iter().map(of).collect())
    }

    pub fn provenance(&self, record: &PackageRecord, there: &RemoteFile) -> Provenance {
        let confirmed = self
            .confirmed
            .get(&record.location)
            .filter(|confirmed| confirmed.is(there) && !confirmed.found);
        if let Some(ours) = confirmed {
            return if ours.sources == record.sources {
                Provenance::SameSources
            } else {
                Provenance::OtherSources(
                    ours.sha384
                        .as_deref()
                        .map(str::to_owned),
                )
            };
        }
        let same = self
            .begun_as(record.location, there)
            .map(|begun| begun.sources == record.sources)
            .max();
        match same {
            None => Provenance::Foreign,
            Some(true) => Provenance::Unconfirmed,
            Some(false) => Provenance::OtherSources(None),
        }
    }

    fn begun_as(
        &self,
        location: KeyedDigest,
        there: &RemoteFile,
    ) -> impl Iterator<Item = &StartedUpload> {
        let begun = self
            .begun
            .get(&location)
            .into_iter()
            .flatten();
        begun.filter(|begun| there.size == Some(begun.size))
    }

    /// Where the lines begin that say what a file on the server holds which this program put there:
    /// one where that was confirmed, all that may have arrived where not.
    pub fn told_of(&self, location: KeyedDigest, there: &RemoteFile) -> Vec<LinePosition> {
        match self
            .confirmed
            .get(&location)
            .filter(|confirmed| confirmed.is(there))
        {
            Some(found) if found.found => Vec::new(),
            Some(ours) => vec![ours.position],
            None => self
                .begun_as(location, there)
                .map(|begun| begun.position)
                .collect(),
        }
    }

    pub fn confirmed(&self, location: KeyedDigest) -> Option<&ConfirmedPackage> {
        self.confirmed.get(&location)
    }

    /// Where the lines of the run's own file begin that still count.
    pub fn live(&self) -> Vec<u64> {
        let confirmed = self
            .confirmed
            .values()
            .map(|confirmed| confirmed.position);
        let positions = confirmed.chain(
            self.begun
                .values()
                .flatten()
                .map(|begun| begun.position),
        );
        let mut offsets: Vec<_> = positions
            .filter(|position| position.is_own())
            .map(|position| position.offset)
            .collect();
        offsets.sort_unstable();
        offsets
    }
}
