//! The check after cleaning: the very bytes about to be sent are searched for the values that were
//! removed or changed.
//!
//! Owns the rules for what raises it. It knows no rule of the profile but what that keeps on
//! purpose, changes nothing, and says where a value stood and stands, never which.
//!
//! Looked for are the values of elements that are gone or have other bytes, if their VR is for
//! text, names, UIDs, dates or unknown bytes. Names of products, codes, numbers, ages and times of
//! day are not: they coincide.
//! - Names and identifiers: whole, and the parts between `^ = \ - space , _ . /`. Parts that
//!   everybody uses, that are shorter than `min-length`, or fewer than 6 digits do not count;
//!   ideographs count twice.
//! - Free text and values of private elements: whole, unless it is made of common words and
//!   numbers, or longer than 1 MiB.
//! - Dates: in many spellings. UIDs: whole; not those of the standard, nor those that the instance
//!   keeps as its own study, series, instance or frame of reference.
//! - Not looked for are values in an item that the same attribute keeps at the top of the data set,
//!   and values of private elements that say no more than manufacturer, model or software versions,
//!   where these are kept.
//!
//! Everything is looked for in the bytes that it had, in UTF-8, UTF-16, Latin-1 and the character
//! sets that the instance declares, in upper and lower case. What has fewer than 8 characters must
//! stand between word borders, digits apart from other digits.
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

mod collect;
mod effort;
mod finding;
mod heads;
mod known;
mod looking;
mod products;
mod purpose;
mod search;
mod spell;
mod spelled;
mod triage;
mod uids;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use finding::Finding;

use crate::error::DeidError;
use crate::profile::{DicomRules, OnLeak, ResidualRule};
use dicom_lossless::{DataSet, Encoding, Instance, Limits, Tag, Written};
use effort::Effort;
use looking::Looking;
use purpose::Purpose;
use search::{Ended, Wanted};
use spelled::Spelled;
use triage::{Judge, borders_hold};

/// The check of one profile, made ready once per run.
pub(super) struct Residual {
    rule: ResidualRule,
    purpose: Purpose,
    spelled: Spelled,
}

/// What an instance has lost, for names that are made of it later.
#[derive(Clone)]
pub(super) struct Searched {
    wanted: Arc<Wanted>,
    /// Values that stand in what is sent on purpose, by number, in order.
    on_purpose: Arc<[u32]>,
    on_leak: OnLeak,
}

impl Residual {
    pub(super) fn new(dicom: &DicomRules) -> Self {
        Self {
            rule: dicom.residual,
            purpose: Purpose::of(dicom),
            spelled: Spelled::default(),
        }
    }

    /// What the data set has lost. To be called while both are at hand. `deid.too-costly` where it
    /// is too much to look for.
    pub(super) fn wanted(&self, before: &DataSet, after: &DataSet) -> Result<Wanted, DeidError> {
        let lost = collect::lost(before, after)?;
        Ok(Wanted::new(lost, &self.spelled, self.rule.min_length)?)
    }

    /// Searches what was written of an instance. Fails where a value is left, or tells where the
    /// profile says so; `deid.too-costly` where what is gone stands at too many places.
    pub(super) fn check(
        &self,
        wanted: Wanted,
        written: &Written,
        before: &DataSet,
        instance: &Instance,
        limits: &Limits,
    ) -> Result<(Searched, Vec<Finding>), DeidError> {
        let kept = |items: &[(Tag, usize)], tag| {
            let data = if instance
                .header
                .get(items.first().map_or(tag, |(first, _)| *first))
                .is_some()
            {
                &instance.header
            } else {
                &instance.tail
            };
            self.purpose.keeps(items, tag, data)
        };
        let stated = |value: &[u8]| self.purpose.states(value);
        let judge = Judge {
            before,
            header: &instance.header,
            tail: &instance.tail,
            kept: &kept,
            stated: &stated,
        };
        let on_leak = self.rule.on_leak;
        let (on_purpose, findings) = if wanted.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            let (meta, header) = written
                .head
                .split_at_checked(written.data_at)
                .unwrap_or((&written.head, &[]));
            let encoding = instance.syntax.encoding;
            let mut looking = Looking::new(
                &wanted,
                &judge,
                on_leak,
                written.head.len() + written.tail.len(),
            );
            looking.part(
                meta.get(PREAMBLE..).unwrap_or_default(),
                Encoding::EXPLICIT_LITTLE,
                limits,
            )?;
            looking.part(header, encoding, limits)?;
            looking.part(&written.tail, encoding, limits)?;
            looking.done()
        };
        let findings = decide(findings, on_leak)?;
        Ok((
            Searched {
                wanted: Arc::new(wanted),
                on_purpose: on_purpose.into(),
                on_leak,
            },
            findings,
        ))
    }
}

/// Preamble and prefix, which are written anew and hold nothing.
const PREAMBLE: usize = 132;

impl Searched {
    /// Searches texts that are sent beside the instance: labels, names, metadata. `what` says which
    /// text it is.
    pub(super) fn check_texts<'a, 'b>(
        &self,
        texts: impl IntoIterator<Item = (&'a str, &'b str)>,
    ) -> Result<Vec<Finding>, DeidError> {
        let mut findings = Vec::new();
        for (what, text) in texts {
            findings.extend(self.first_in(what, text)?);
        }
        decide(findings, self.on_leak)
    }

    fn first_in(&self, what: &str, text: &str) -> Result<Option<Finding>, DeidError> {
        if self.wanted.is_empty() {
            return Ok(None);
        }
        let mut first = None;
        let lower = text.to_ascii_lowercase();
        let searched = self.wanted.search(
            lower.as_bytes(),
            &mut Effort::of(text.len()),
            &mut |hit, _| {
                if !borders_hold(hit, text.as_bytes())
                    || self.on_purpose.binary_search(&hit.value).is_ok()
                {
                    return Ok(());
                }
                first = Some(hit.value);
                Err(Ended::Enough)
            },
        );
        if let Err(Ended::TooCostly(costly)) = searched {
            return Err(costly.into());
        }
        let first = first.and_then(|value| self.wanted.value(value));
        Ok(first.map(|(place, _)| Finding::in_text(place, what)))
    }
}

fn decide(findings: Vec<Finding>, on_leak: OnLeak) -> Result<Vec<Finding>, DeidError> {
    match (findings.first(), on_leak) {
        (Some(first), OnLeak::Fail) => Err(first.failure(findings.len() - 1)),
        _ => Ok(findings),
    }
}
