//! One look over what was written of an instance: value after value, each place judged as it is
//! found.
//!
//! Owns what is remembered of it, which is bounded: the first finds, and the numbers of values that
//! stand somewhere on purpose. No list of places is ever made.

use super::effort::Effort;
use super::finding::Finding;
use super::search::{Ended, Wanted};
use super::triage::{Judge, Spot, Verdict};
use crate::error::DeidError;
use crate::profile::OnLeak;
use dicom_lossless::{
    ElementLocation, Encoding, FileErrorKind, Limits, ValueVisitor, visit_values,
};

/// How many finds of one file are told at most.
const MOST: usize = 100;
/// What asking about an element costs in which something stands, in units of [`Effort`].
const ELEMENT: usize = 64;

/// A look at the parts of one instance.
pub(super) struct Looking<'a> {
    wanted: &'a Wanted,
    judge: &'a Judge<'a>,
    on_leak: OnLeak,
    effort: Effort,
    findings: Vec<Finding>,
    /// Values that stand somewhere on purpose, in the order in which they were found, and by number
    /// whether they do.
    on_purpose: Vec<u32>,
    is_on_purpose: Vec<bool>,
}

impl<'a> Looking<'a> {
    /// `bytes` is the length of all parts.
    pub(super) fn new(
        wanted: &'a Wanted,
        judge: &'a Judge<'a>,
        on_leak: OnLeak,
        bytes: usize,
    ) -> Self {
        Self {
            wanted,
            judge,
            on_leak,
            effort: Effort::of(bytes),
            findings: Vec::new(),
            on_purpose: Vec::new(),
            is_on_purpose: vec![false; wanted.len()],
        }
    }

    /// Looks at a data set as it was written.
    pub(super) fn part(
        &mut self,
        bytes: &[u8],
        encoding: Encoding,
        limits: &Limits,
    ) -> Result<(), DeidError> {
        let lower = bytes.to_ascii_lowercase();
        visit_values(
            bytes,
            encoding,
            limits,
            &mut InPart {
                look: self,
                bytes,
                lower: &lower,
            },
        )?;
        Ok(())
    }

    /// The values that stand somewhere on purpose, in order, and the finds.
    pub(super) fn done(self) -> (Vec<u32>, Vec<Finding>) {
        let mut on_purpose = self.on_purpose;
        on_purpose.sort_unstable();
        (on_purpose, self.findings)
    }

    /// Looks at one value. Of several finds in it the first is told.
    fn value(&mut self, at: &ElementLocation<'_>, bytes: &[u8], lower: &[u8]) -> Result<(), Ended> {
        let stops = self.on_leak == OnLeak::Fail;
        if stops && self.findings.len() >= MOST {
            return Ok(());
        }
        let Some(spot) = Spot::of(at, bytes) else {
            return Ok(());
        };
        let Self {
            wanted,
            judge,
            effort,
            findings,
            on_purpose,
            is_on_purpose,
            ..
        } = self;
        let (mut told, mut asked) = (false, false);
        let lower = lower.get(at.value.clone()).unwrap_or_default();
        wanted.search(lower, effort, &mut |hit, effort| {
            let Some(value) = wanted.value(hit.value) else {
                return Ok(());
            };
            if !std::mem::replace(&mut asked, true) {
                effort.spend(ELEMENT)?;
            }
            match judge.verdict(hit, &spot, value) {
                Verdict::Alike => {}
                Verdict::OnPurpose => {
                    let known = usize::try_from(hit.value)
                        .ok()
                        .and_then(|at| is_on_purpose.get_mut(at));
                    if known.is_some_and(|known| !std::mem::replace(known, true)) {
                        on_purpose.push(hit.value);
                    }
                }
                Verdict::Left => {
                    if !std::mem::replace(&mut told, true) && findings.len() < MOST {
                        findings.push(Finding::in_element(&value.0, at));
                    }
                    // The file fails, so that nothing else in this element matters.
                    if stops {
                        return Err(Ended::Enough);
                    }
                }
            }
            Ok(())
        })
    }
}

struct InPart<'l, 'a, 'b> {
    look: &'l mut Looking<'a>,
    bytes: &'b [u8],
    lower: &'b [u8],
}

impl ValueVisitor for InPart<'_, '_, '_> {
    type Mark = (usize, usize);

    fn value(&mut self, at: &ElementLocation<'_>) -> Result<(), FileErrorKind> {
        match self.look.value(at, self.bytes, self.lower) {
            Ok(()) | Err(Ended::Enough) => Ok(()),
            Err(Ended::TooCostly(_)) => Err(FileErrorKind::TooCostly),
        }
    }

    fn mark(&self) -> (usize, usize) {
        (self.look.findings.len(), self.look.on_purpose.len())
    }

    fn take_back(&mut self, (findings, on_purpose): (usize, usize)) {
        self.look.findings.truncate(findings);
        for value in self.look.on_purpose.drain(on_purpose..) {
            if let Some(known) = usize::try_from(value)
                .ok()
                .and_then(|at| self.look.is_on_purpose.get_mut(at))
            {
                *known = false;
            }
        }
    }
}
