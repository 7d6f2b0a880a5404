//! What a journal says, as fast as a run asks for it. Holds no members: a journal of a million
//! instances stays small.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use flywheel_client::{ContainerKind, ContainerRef, RemoteFile};

use super::Parcel;
use super::fingerprint::Mark;
use super::line::{Confirmation, Intent, Member};

/// A package that the server confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Where it lies.
    pub container: ContainerRef,
    /// The container and the name in it.
    pub place: Mark,
    sources: Mark,
    size: u64,
    sha384: Option<Box<str>>,
    file_id: Option<Box<str>>,
    version: Option<u64>,
    /// Somebody else had put it there: what this program makes of its files later does not take its
    /// place unasked.
    pub found: bool,
    /// When that was, in milliseconds since 1970.
    at: u64,
    spot: Spot,
}

/// Where a line begins: the file, and the offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Its number among the files that are read together; the run's own is the first.
    pub(super) file: usize,
    pub(super) offset: u64,
}

impl Spot {
    pub(super) fn is_own(self) -> bool {
        self.file == 0
    }
}

impl Confirmed {
    fn read(line: &Confirmation, spot: Spot) -> Option<Self> {
        Some(Self {
            container: ContainerRef {
                kind: ContainerKind::parse(&line.kind)?,
                id: line.container.clone(),
            },
            place: line.place,
            sources: line.sources,
            size: line.size,
            sha384: line.sha384.as_deref().map(Box::from),
            file_id: line.file_id.as_deref().map(Box::from),
            version: line.version,
            found: line.found,
            at: line.at,
            spot,
        })
    }

    /// Where its line begins.
    pub(super) fn spot(&self) -> Spot {
        self.spot
    }

    /// Whether what the server lists is what was confirmed, by all that both of them say.
    pub fn is(&self, there: &RemoteFile) -> bool {
        fn agree<T: PartialEq + Copy>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        there.size == Some(self.size)
            && agree(self.file_id.as_deref(), there.database_id())
            && agree(self.version, there.version)
            && agree(self.sha384.as_deref(), there.sha384())
    }
}

/// What the journal knows of a file on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: somebody else put it there, or replaced what we did.
    Foreign,
    /// An earlier run sent it, made of the same files.
    Ours,
    /// An earlier run sent it, made of other files; its SHA-384 where that is known.
    Earlier(Option<String>),
    /// An earlier run was about to send it, made of the same files, and did not hear that it
    /// arrived.
    Begun,
}

/// How the members of a package differ from those that were sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changes {
    /// Members then.
    pub before: usize,
    /// Members now.
    pub now: usize,
    /// Members of now that were not sent before as they are.
    pub new: usize,
    /// Members of then that are no longer there.
    pub gone: usize,
}

impl Changes {
    pub(super) fn between(before: &[Member], now: &[Member]) -> Self {
        let content = |member: &Member| (member.size, member.crc32);
        let mut left: HashMap<_, usize> = HashMap::new();
        for member in before {
            *left.entry(content(member)).or_default() += 1;
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
struct Begun {
    sources: Mark,
    size: u64,
    spot: Spot,
}

/// What a journal says.
#[derive(Debug, Default)]
pub(super) struct Index {
    confirmed: HashMap<Mark, Confirmed>,
    by_sources: HashMap<Mark, Mark>,
    /// What may still arrive, or has: a request of a run that was killed can be carried out after
    /// later ones. Only its own confirmation settles an intent.
    begun: HashMap<Mark, Vec<Begun>>,
    /// Lines of the run's own file that no longer count.
    pub(super) dead: usize,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.confirmed.len()
    }

    /// What was confirmed later, maybe in another file, needs no intent any more.
    pub(super) fn begin(&mut self, intent: &Intent, spot: Spot) {
        let done =
            |confirmed: &Confirmed| confirmed.sources == intent.sources && confirmed.at > intent.at;
        if self.confirmed.get(&intent.place).is_some_and(done) {
            return;
        }
        let begun = self.begun.entry(intent.place).or_default();
        let known = begun
            .iter()
            .any(|known| known.sources == intent.sources && known.size == intent.size);
        if !known {
            begun.push(Begun {
                sources: intent.sources,
                size: intent.size,
                spot,
            });
        }
    }

    /// The later word about a place counts, whichever file it stands in.
    pub(super) fn confirm(&mut self, line: &Confirmation, spot: Spot) {
        let Some(confirmed) = Confirmed::read(line, spot) else {
            return;
        };
        if self
            .confirmed
            .get(&line.place)
            .is_some_and(|before| before.at > confirmed.at)
        {
            return;
        }
        if let Entry::Occupied(mut begun) = self.begun.entry(line.place) {
            begun
                .get_mut()
                .retain(|intent| intent.sources != line.sources);
            if begun.get().is_empty() {
                begun.remove();
            }
        }
        let before = self.confirmed.get(&line.place).map(|before| before.sources);
        if let Some(before) =
            before.filter(|before| self.by_sources.get(before) == Some(&line.place))
        {
            self.by_sources.remove(&before);
        }
        self.by_sources.insert(line.sources, line.place);
        self.confirmed.insert(line.place, confirmed);
    }

    pub(super) fn recall(&self, together: Mark, each: &[Mark]) -> Option<Vec<Confirmed>> {
        let of = |sources: &Mark| {
            self.by_sources
                .get(sources)
                .and_then(|place| self.confirmed.get(place))
                .cloned()
        };
        of(&together)
            .map(|one| vec![one])
            .or_else(|| each.iter().map(of).collect())
    }

    pub(super) fn standing(&self, parcel: &Parcel, there: &RemoteFile) -> Standing {
        let confirmed = self
            .confirmed
            .get(&parcel.place)
            .filter(|confirmed| confirmed.is(there) && !confirmed.found);
        if let Some(ours) = confirmed {
            let same = ours.sources == parcel.sources;
            return if same {
                Standing::Ours
            } else {
                Standing::Earlier(ours.sha384.as_deref().map(str::to_owned))
            };
        }
        let mut begun = self
            .begun_as(parcel.place, there)
            .map(|begun| begun.sources == parcel.sources);
        match begun.next().map(|first| first || begun.any(|same| same)) {
            None => Standing::Foreign,
            Some(true) => Standing::Begun,
            Some(false) => Standing::Earlier(None),
        }
    }

    fn begun_as(&self, place: Mark, there: &RemoteFile) -> impl Iterator<Item = &Begun> {
        let begun = self.begun.get(&place).into_iter().flatten();
        begun.filter(|begun| there.size == Some(begun.size))
    }

    /// Where the lines begin that say what a file on the server holds which this program put there:
    /// one where that was confirmed, all that may have arrived where not.
    pub(super) fn told_of(&self, place: Mark, there: &RemoteFile) -> Vec<Spot> {
        match self
            .confirmed
            .get(&place)
            .filter(|confirmed| confirmed.is(there))
        {
            Some(found) if found.found => Vec::new(),
            Some(ours) => vec![ours.spot],
            None => self
                .begun_as(place, there)
                .map(|begun| begun.spot)
                .collect(),
        }
    }

    pub(super) fn confirmed(&self, place: Mark) -> Option<&Confirmed> {
        self.confirmed.get(&place)
    }

    /// Where the lines of the run's own file begin that still count.
    pub(super) fn live(&self) -> Vec<u64> {
        let confirmed = self.confirmed.values().map(|confirmed| confirmed.spot);
        let spots = confirmed.chain(self.begun.values().flatten().map(|begun| begun.spot));
        let mut offsets: Vec<_> = spots
            .filter(|spot| spot.is_own())
            .map(|spot| spot.offset)
            .collect();
        offsets.sort_unstable();
        offsets
    }
}
