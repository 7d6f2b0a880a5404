//! Looks for the lost values of one instance in bytes.
//!
//! Owns the search and nothing of its judgement: every place where a spelling stands is told as it
//! is found, and none is kept.

use std::ops::Range;

use foldhash::{HashMap, HashSet, HashSetExt};

use super::collect::{Kind, Lost, Place, Source};
use super::effort::{Effort, TooCostly};
use super::heads::Heads;
use super::spell::{Border, Needle};
use super::spelled::Spelled;
use super::uids;
use crate::standard::is_registered_uid;

/// What telling of a place costs, in units of [`Effort`].
const HIT: usize = 8;

/// What one instance has lost, ready to be looked for.
pub(in crate::clean) struct Wanted {
    heads: Heads,
    /// UIDs are looked up whole, so that thousands of them cost no more than one.
    uids: HashMap<Box<[u8]>, u32>,
    /// Where each value stood first, and what it was taken for.
    values: Vec<(Place, Kind)>,
}

/// Whether the standard registers a UID, so that it names a definition.
fn is_registered(uid: &[u8]) -> bool {
    str::from_utf8(uid).is_ok_and(is_registered_uid)
}

/// A place where a spelling stands, counted from the begin of what is searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) at: Range<usize>,
    /// The number of the value.
    pub(super) value: u32,
    pub(super) border: Border,
    pub(super) stride: usize,
}

/// Who judges a place, and may take of the work that is left. What is given back ends the search.
pub(super) type Judging<'a> = &'a mut dyn FnMut(&Hit, &mut Effort) -> Result<(), Ended>;

/// Why a search ends before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing more is to be known.
    Enough,
    TooCostly(TooCostly),
}

impl From<TooCostly> for Ended {
    fn from(costly: TooCostly) -> Self {
        Self::TooCostly(costly)
    }
}

impl Wanted {
    pub(super) fn new(lost: Vec<Lost>, spelled: &Spelled, min: usize) -> Result<Self, TooCostly> {
        let mut uids = HashMap::default();
        let (mut sources, mut numbers, mut seen) = (
            Vec::<&Source>::new(),
            Vec::new(),
            HashSet::with_capacity(lost.len()),
        );
        for (at, lost) in (0..).zip(&lost) {
            if uids::is_uid(&lost.source.value) {
                if is_registered(&lost.source.value) {
                    continue;
                }
                uids.entry(lost.source.value.as_ref().into()).or_insert(at);
            } else if lost.source.kind != Kind::Uid && seen.insert(&lost.source) {
                sources.push(&lost.source);
                numbers.push(at);
            }
        }
        let spelled = spelled.of(&sources, min)?;
        let lost_at = |number: u32| {
            usize::try_from(number)
                .ok()
                .and_then(|number| lost.get(number))
        };
        let kinship = |one: u32, other: u32| match (lost_at(one), lost_at(other)) {
            (Some(one), Some(other)) => (
                one.source.kind == other.source.kind,
                one.place == other.place,
            ),
            _ => (false, false),
        };
        let heads = Heads::of(numbers.into_iter().zip(spelled).collect(), &kinship);
        drop((sources, seen));
        let values = lost
            .into_iter()
            .map(|lost| (lost.place, lost.source.kind))
            .collect();
        Ok(Self {
            heads,
            uids,
            values,
        })
    }

    /// Every place where a lost value stands in some bytes, which come with their letters in lower
    /// case.
    pub(super) fn search(
        &self,
        lower: &[u8],
        effort: &mut Effort,
        judging: Judging<'_>,
    ) -> Result<(), Ended> {
        let mut tell =
            |at: Range<usize>, value: u32, border: Border, stride: usize, effort: &mut Effort| {
                effort.spend(HIT)?;
                judging(
                    &Hit {
                        at,
                        value,
                        border,
                        stride,
                    },
                    effort,
                )
            };
        self.heads
            .search(lower, effort, &mut |end, needle: &Needle, value, effort| {
                tell(
                    end.saturating_sub(needle.bytes.len())..end,
                    value,
                    needle.border,
                    needle.stride.into(),
                    effort,
                )
            })?;
        effort.spend(lower.len())?;
        if self.uids.is_empty() {
            return Ok(());
        }
        uids::tokens(lower, &mut |at, token, stride| match self.uids.get(token) {
            Some(value) => tell(at, *value, Border::Anything, stride, effort),
            None => Ok(()),
        })
    }

    /// Where a value stood, and what it was taken for.
    pub(super) fn value(&self, number: u32) -> Option<&(Place, Kind)> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.values.get(number))
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is nothing to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
