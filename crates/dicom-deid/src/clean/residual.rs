//! The check after cleaning: the very bytes about to be sent are searched for the values that were
//! removed or changed.
//!
//! Owns the rules for what raises it. It knows no rule of the profile but what that keeps on
//! purpose, changes nothing, and says where a value stood and stands, never which.
//!
//! Looked for are the values of elements that are gone or have other bytes, if their VR is for
//! text, names, UIDs, dates or unknown bytes. Names of products, codes, numbers, ages and times of
//! day are not: they coincide.
//! - Names and identifiers: whole, and the parts between `^ = \ - space , _ . /`. Parts that are
//!   common words, that are shorter than `min-length`, or fewer than 6 digits do not count;
//!   ideographs count twice.
//! - Free text and values of private elements: whole, unless it is made of common words and
//!   numbers, or longer than 1 MiB.
//! - Dates: in many forms. UIDs: whole; not those of the standard, nor those that the instance
//!   keeps as its own study, series, instance or frame of reference.
//! - Not looked for are values in an item that the same attribute keeps at the top of the data set,
//!   and values of private elements that say no more than manufacturer, model or software versions,
//!   where these are kept.
//!
//! Everything is looked for in the bytes that it had, in UTF-8, UTF-16, Latin-1 and the character
//! sets that the instance declares, in upper and lower case. What has fewer than 8 characters must
//! stand between word boundaries, digits apart from other digits.
//!
//! A place does not raise it where
//! - the element is for numbers or times, or no element's value holds it whole;
//! - it is a date in a DA or DT, which the profile decides one by one and lint reports, or in a
//!   UID;
//! - a `keep` of the profile names the element, or an option keeps it that the Basic Profile would
//!   not;
//! - it is the whole of a code string or of a part of a coded entry of the standard, or, for a
//!   value of a private element, of any attribute of the standard;
//! - cleaning wrote it: a date, time, UID, name or identifier; a value that the profile states; the
//!   marks of what was done; whatever was made of the very value.
//!
//! A value that stands somewhere on purpose may stand in labels and file names too.

mod patterns;
mod removals;
mod search;
mod verdict;

use std::fmt;
use std::sync::Arc;

use dicom_lossless::{
    DataSet, ElementLocation, Encoding, FileErrorKind, Instance, Limits, Tag, ValueVisitor,
    Written, visit_values,
};
use removals::FormerLocation;
use search::{IndexCache, SearchEnd, ValueIndex};
use verdict::{
    HitVerdict, ProfileIntent, ScannedElement, VerdictContext, boundaries_hold, path_by,
};

use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{DicomRules, OnLeak, ResidualRule};
use crate::standard;

/// The check of one profile, made ready once per run.
pub struct ResidualCheck {
    rule: ResidualRule,
    intent: ProfileIntent,
    indexes: IndexCache,
}

/// What was removed from an instance, for names that are made of it later.
#[derive(Clone)]
pub struct TextCheck {
    index: Arc<ValueIndex>,
    /// Values that stand in what is sent on purpose, by number, in order.
    intended: Arc<[usize]>,
    on_leak: OnLeak,
}

impl ResidualCheck {
    pub fn new(dicom: &DicomRules) -> Self {
        Self {
            rule: dicom.residual,
            intent: ProfileIntent::of(dicom),
            indexes: IndexCache::default(),
        }
    }

    /// What was removed from the data set. `deid.too-costly` where it is too much to look for.
    pub fn removed_values(
        &self,
        before: &DataSet,
        after: &DataSet,
    ) -> Result<ValueIndex, DeidError> {
        let removals = removals::removals(before, after)?;
        Ok(ValueIndex::new(
            removals,
            &self.indexes,
            self.rule.min_length,
        )?)
    }

    /// Searches what was written of an instance. Fails where a value is left, or reports it
    /// where the profile says so; `deid.too-costly` where what is gone stands at too many places.
    pub fn check(
        &self,
        index: ValueIndex,
        written: &Written,
        before: &DataSet,
        instance: &Instance,
        limits: &Limits,
    ) -> Result<(TextCheck, Vec<Finding>), DeidError> {
        let on_leak = self.rule.on_leak;
        let mut scan = OutputScan {
            index: &index,
            context: VerdictContext {
                before,
                instance,
                intent: &self.intent,
            },
            on_leak,
            bytes: &[],
            lower: Vec::new(),
            budget: WorkBudget::of(written.head.len() + written.tail.len()),
            findings: Vec::new(),
            intended: Vec::new(),
            is_intended: vec![false; index.values.len()],
        };
        if !index.values.is_empty() {
            let (meta, header) = written
                .head
                .split_at_checked(written.data_at)
                .unwrap_or((&written.head, &[]));
            let encoding = instance.syntax.encoding;
            let meta = meta
                .get(PREAMBLE..)
                .unwrap_or_default();
            scan.data_set(meta, Encoding::EXPLICIT_LITTLE, limits)?;
            scan.data_set(header, encoding, limits)?;
            scan.data_set(&written.tail, encoding, limits)?;
        }
        let OutputScan {
            findings,
            mut intended,
            ..
        } = scan;
        intended.sort_unstable();
        let findings = decide(findings, on_leak)?;
        Ok((
            TextCheck {
                index: Arc::new(index),
                intended: intended.into(),
                on_leak,
            },
            findings,
        ))
    }
}

/// Preamble and prefix, which are written anew and hold nothing.
const PREAMBLE: usize = 132;

impl TextCheck {
    /// Searches texts that are sent beside the instance: labels, names, metadata. `what` says which
    /// text it is.
    pub fn check_texts<'a, 'b>(
        &self,
        texts: impl IntoIterator<Item = (&'a str, &'b str)>,
    ) -> Result<Vec<Finding>, DeidError> {
        let mut findings = Vec::new();
        for (what, text) in texts {
            let mut first = None;
            let lower = text.to_ascii_lowercase();
            let searched = self.index.search(
                lower.as_bytes(),
                &mut WorkBudget::of(text.len()),
                &mut |hit, _| {
                    if !boundaries_hold(hit, text.as_bytes())
                        || self
                            .intended
                            .binary_search(&hit.value)
                            .is_ok()
                    {
                        return Ok(());
                    }
                    first = self.index.values.get(hit.value);
                    Err(SearchEnd::Done)
                },
            );
            if let Err(SearchEnd::TooCostly(costly)) = searched {
                return Err(costly.into());
            }
            findings.extend(first.map(|(place, _)| Finding::in_text(place, what)));
        }
        decide(findings, self.on_leak)
    }
}

fn decide(findings: Vec<Finding>, on_leak: OnLeak) -> Result<Vec<Finding>, DeidError> {
    match (findings.first(), on_leak) {
        (Some(first), OnLeak::Fail) => Err(first.failure(findings.len() - 1)),
        _ => Ok(findings),
    }
}

/// The most findings that are reported of one file.
const MOST_FINDINGS: usize = 100;
/// What a verdict on an element in which something stands costs, in units of [`WorkBudget`].
const COST_OF_ELEMENT: usize = 64;

/// One pass over what was written of an instance: value after value, each hit judged as it is
/// found. No list of places is made; what is remembered is bounded.
struct OutputScan<'a> {
    index: &'a ValueIndex,
    context: VerdictContext<'a>,
    on_leak: OnLeak,
    /// The data set that is scanned, as it was written and with its letters in lower case.
    bytes: &'a [u8],
    lower: Vec<u8>,
    budget: WorkBudget,
    findings: Vec<Finding>,
    /// Values that stand somewhere on purpose, in the order in which they were found, and by number
    /// whether they do.
    intended: Vec<usize>,
    is_intended: Vec<bool>,
}

impl<'a> OutputScan<'a> {
    /// Scans a data set as it was written.
    fn data_set(
        &mut self,
        bytes: &'a [u8],
        encoding: Encoding,
        limits: &Limits,
    ) -> Result<(), DeidError> {
        (self.bytes, self.lower) = (bytes, bytes.to_ascii_lowercase());
        visit_values(bytes, encoding, limits, self)?;
        Ok(())
    }
}

impl ValueVisitor for OutputScan<'_> {
    type Mark = (usize, usize);

    /// Scans one value. Of several findings in it the first is reported.
    fn value(&mut self, at: &ElementLocation<'_>) -> Result<(), FileErrorKind> {
        let stops = self.on_leak == OnLeak::Fail;
        if stops && self.findings.len() >= MOST_FINDINGS {
            return Ok(());
        }
        let Some(scanned) = ScannedElement::of(at, self.bytes) else {
            return Ok(());
        };
        let Self {
            index,
            context,
            lower,
            budget,
            findings,
            intended,
            is_intended,
            ..
        } = self;
        let (mut reported, mut asked) = (false, false);
        let lower = lower
            .get(at.value.clone())
            .unwrap_or_default();
        let searched = index.search(lower, budget, &mut |hit, budget| {
            let Some(value) = index.values.get(hit.value) else {
                return Ok(());
            };
            if !std::mem::replace(&mut asked, true) {
                budget.spend(COST_OF_ELEMENT)?;
            }
            match context.verdict(hit, &scanned, value) {
                HitVerdict::Coincidence => {}
                HitVerdict::Intended => {
                    let known = is_intended.get_mut(hit.value);
                    if known.is_some_and(|known| !std::mem::replace(known, true)) {
                        intended.push(hit.value);
                    }
                }
                HitVerdict::Leak => {
                    if !std::mem::replace(&mut reported, true) && findings.len() < MOST_FINDINGS {
                        findings.push(Finding::in_element(&value.0, at));
                    }
                    // The file fails, so that nothing else in this element matters.
                    if stops {
                        return Err(SearchEnd::Done);
                    }
                }
            }
            Ok(())
        });
        match searched {
            Ok(()) | Err(SearchEnd::Done) => Ok(()),
            Err(SearchEnd::TooCostly(_)) => Err(FileErrorKind::TooCostly),
        }
    }

    fn mark(&self) -> (usize, usize) {
        (self.findings.len(), self.intended.len())
    }

    fn take_back(&mut self, (findings, intended): (usize, usize)) {
        self.findings.truncate(findings);
        for value in self.intended.drain(intended..) {
            if let Some(known) = self.is_intended.get_mut(value) {
                *known = false;
            }
        }
    }
}

/// A value that was removed or changed in one place and still stands in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The attribute that it was removed from, with the items that lead to it.
    pub removed_from: String,
    /// The attribute, or the text beside the data set, in which it still stands.
    pub stands_in: String,
    /// What to do about it.
    remedy: String,
}

impl Finding {
    fn in_element(place: &FormerLocation, at: &ElementLocation<'_>) -> Self {
        let remedy = match at.tag.group() {
            0x0002 => "have the profile change the UID that the file is known by".to_owned(),
            _ => format!(
                "have the profile remove or clean {}",
                standard::name_of(at.tag)
            ),
        };
        Self {
            removed_from: path(&place.items(), place.tag),
            stands_in: path(at.items, at.tag),
            remedy,
        }
    }

    fn in_text(place: &FormerLocation, what: &str) -> Self {
        let remedy =
            format!("have the profile clean what {what} is made of, or choose another one");
        Self {
            removed_from: path(&place.items(), place.tag),
            stands_in: what.to_owned(),
            remedy,
        }
    }

    /// The failure that it is, with the number of other findings.
    fn failure(&self, others: usize) -> DeidError {
        let more = match others {
            0 => String::new(),
            1 => ", and 1 more".to_owned(),
            n => format!(", and {n} more"),
        };
        DeidError::new(DeidErrorKind::IdentifierLeft, format!("{self}{more}"))
            .with_remedy(self.remedy.clone())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "what stood in {} still stands in {}",
            self.removed_from, self.stands_in
        )
    }
}

/// The sequences that lead to an attribute, with the numbers of their items from 0, then its name.
fn path(items: &[(Tag, usize)], tag: Tag) -> String {
    path_by(items, standard::name_of(tag), &verdict::word)
}

/// Values that are gone, equal ones counted once.
const MOST_REMOVALS: usize = 1 << 20;
/// Patterns of all of them.
const MOST_PATTERNS: usize = 1 << 19;
/// Patterns of one.
const MOST_PATTERNS_OF_VALUE: usize = 1 << 16;
/// Bytes of character sets that nested data sets declare.
const MOST_CHARACTER_SET_BYTES: usize = 16 << 20;

/// Units of work for each byte that is searched, and for a file of no bytes. Looking at a byte
/// takes one.
const BUDGET_PER_BYTE: u64 = 16;
const LEAST_BUDGET: u64 = 16 << 20;

/// Why a file is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooCostly(&'static str);

impl From<TooCostly> for DeidError {
    fn from(TooCostly(what): TooCostly) -> Self {
        Self::new(DeidErrorKind::TooCostly, what)
    }
}

/// The work that is left to one file.
pub struct WorkBudget {
    left: u64,
}

impl WorkBudget {
    /// For a file, by the number of its bytes that are searched.
    fn of(bytes: usize) -> Self {
        Self {
            left: LEAST_BUDGET.saturating_add(BUDGET_PER_BYTE.saturating_mul(bytes as u64)),
        }
    }

    /// Takes some of it.
    #[inline]
    fn spend(&mut self, units: usize) -> Result<(), TooCostly> {
        match self.left.checked_sub(units as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(TooCostly("what was removed stands at too many places")),
        }
    }
}

#[cfg(test)]
mod tests;
