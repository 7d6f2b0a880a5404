//! Gives files their outcomes, and stops the run when too many of them are bad or the network is
//! gone.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::Stop;
use super::guard::locked;
use crate::event::{AttributeChanges, Changes, Event, Events, FileOutcome, SentInstance, Settled};
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::series::Indexed;
use dicom_deid::standard;
use dicom_deid::{Counts, Finding, What};
use dicom_lossless::Tag;

/// This many packages in a row that fail for the same network reason end the run: the next ones
/// would fail as well.
const STREAK: u32 = 5;

/// Attributes that are named, of all that cleaning changed.
const NAMED: usize = 100;

/// The one way for a file to get its outcome.
#[derive(Debug)]
pub struct Outcomes {
    events: Events,
    stop: Stop,
    most_failures: Option<u64>,
    /// More failures than this end the run: the share of all files that rules allow. Known once all
    /// are found.
    allowed: OnceLock<u64>,
    failed: AtomicU64,
    cleaned: AtomicU64,
    changed: AtomicU64,
    by_attribute: Mutex<Counts>,
    streak: Mutex<(Option<FileCode>, u32)>,
}

impl Outcomes {
    /// For a run that stops after this many failed files.
    pub fn new(events: &Events, stop: &Stop, most_failures: Option<u64>) -> Self {
        Self {
            events: events.clone(),
            stop: stop.clone(),
            most_failures,
            allowed: OnceLock::new(),
            failed: AtomicU64::default(),
            cleaned: AtomicU64::default(),
            changed: AtomicU64::default(),
            by_attribute: Mutex::default(),
            streak: Mutex::default(),
        }
    }

    /// Gives a file that holds an instance its outcome.
    pub fn settle(&self, file: &Indexed, outcome: FileOutcome) {
        let sent = file.sent.clone();
        self.settled(&file.path, file.file.len(), outcome, sent);
    }

    /// Gives a file its outcome.
    pub fn settle_path(&self, path: &Arc<PathBuf>, bytes: u64, outcome: FileOutcome) {
        self.settled(path, bytes, outcome, None);
    }

    fn settled(
        &self,
        path: &Arc<PathBuf>,
        bytes: u64,
        outcome: FileOutcome,
        sent: Option<Arc<SentInstance>>,
    ) {
        let failed = matches!(&outcome, FileOutcome::Failed(failure) if failure.code != FileCode::UploadStopped);
        if let FileOutcome::Failed(FileFailure {
            look: Some(look), ..
        }) = &outcome
        {
            self.events.looked(path, look);
        }
        self.events.settle(Settled {
            path: Arc::clone(path),
            bytes,
            outcome,
            sent,
        });
        if failed {
            self.count_failure();
        }
    }

    /// Counts a file that was cleaned, and of the elements that were changed in it.
    pub fn clean(&self, path: Arc<PathBuf>, changed: u32) {
        self.cleaned
            .fetch_add(1, Ordering::Relaxed);
        self.changed
            .fetch_add(u64::from(changed), Ordering::Relaxed);
        self.events
            .send(Event::Deidentified { path, changed });
    }

    /// Says where removed values still stand in a file that the profile lets be sent all the same.
    pub fn report_findings(&self, file: &Indexed, findings: &[Finding]) {
        for finding in findings {
            self.events.send(Event::Left {
                path: Arc::clone(&file.path),
                finding: finding.to_string(),
            });
        }
    }

    /// Counts what was done to the attributes of a file.
    pub fn note_changes(&self, counted: &Counts) {
        let mut all = locked(&self.by_attribute);
        for (change, number) in counted {
            *all.entry(*change).or_default() += number;
        }
    }

    /// What was done to how many attributes, and to those that changed most.
    pub fn changes(&self) -> Changes {
        let counted = locked(&self.by_attribute);
        let mut by_tag: HashMap<Tag, u64> = HashMap::new();
        for ((tag, _), number) in &*counted {
            *by_tag.entry(*tag).or_default() += number;
        }
        let attributes = by_tag.len() as u64;
        let mut most: Vec<_> = by_tag.into_iter().collect();
        most.sort_unstable_by_key(|(tag, number)| (Reverse(*number), *tag));
        let of = |tag, what| {
            counted
                .get(&(tag, what))
                .copied()
                .unwrap_or_default()
        };
        let named = most
            .into_iter()
            .take(NAMED)
            .map(|(tag, _)| AttributeChanges {
                name: standard::name_of(tag),
                removed: of(tag, What::Removed),
                changed: of(tag, What::Changed),
                inserted: of(tag, What::Inserted),
            });
        Changes {
            attributes,
            most: named.collect(),
        }
    }

    /// How many files were cleaned, and how many elements were changed in all of them.
    pub fn cleaned(&self) -> (u64, u64) {
        (
            self.cleaned.load(Ordering::Relaxed),
            self.changed.load(Ordering::Relaxed),
        )
    }

    /// Lets a share of all files fail, from 0 to 1, and no more.
    pub fn allow(&self, share: f64, files: u64) {
        // Counts of files are far below the numbers that a float cannot hold.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count of files times a share"
        )]
        let allowed = (share * files as f64).floor() as u64;
        let _ = self.allowed.set(allowed);
        self.stop_if_too_many(self.failed.load(Ordering::Relaxed));
    }

    fn count_failure(&self) {
        let failed = self
            .failed
            .fetch_add(1, Ordering::Relaxed)
            + 1;
        self.stop_if_too_many(failed);
    }

    fn stop_if_too_many(&self, failed: u64) {
        let too_many = self
            .most_failures
            .is_some_and(|most| failed >= most)
            || self
                .allowed
                .get()
                .is_some_and(|allowed| failed > *allowed);
        if too_many {
            let why = format!("stopped after {} failed", counted(failed, "file"));
            self.stop
                .because(Error::new(RunCode::TooManyFailures, why));
        }
    }

    /// Notes what became of a package.
    pub fn package(&self, outcome: &Result<FileOutcome, FileFailure>) {
        let trouble = outcome
            .as_ref()
            .err()
            .filter(|failure| is_of_network(failure.code));
        let mut streak = locked(&self.streak);
        *streak = match (trouble, *streak) {
            (None, _) => (None, 0),
            (Some(failure), (Some(code), count)) if code == failure.code => (Some(code), count + 1),
            (Some(failure), _) => (Some(failure.code), 1),
        };
        if let Some(failure) = trouble.filter(|_| streak.1 >= STREAK) {
            let error = Error::new(
                RunCode::NetworkUnavailable,
                format!("{STREAK} packages in a row failed for the same reason"),
            );
            let error = error.because(failure.message());
            self.stop.because(
                error.with_hint("run the same command again later: it goes on where it stopped"),
            );
        }
    }
}

/// The failure of files that were not begun when the run stopped.
pub fn stopped() -> FileFailure {
    FileFailure::new(FileCode::UploadStopped, "")
}

/// A number of things, in words.
pub fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Whether other packages are likely to fail for the same reason.
pub fn is_of_network(code: FileCode) -> bool {
    matches!(
        code,
        FileCode::UploadNetwork | FileCode::UploadServer | FileCode::UploadThrottled
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(codes: &[FileCode]) -> Option<RunCode> {
        let stop = Stop::default();
        let (sender, _receiver) = crossbeam_channel::unbounded();
        let outcomes = Outcomes::new(&Events::new(sender), &stop, None);
        for code in codes {
            outcomes.package(&Err(FileFailure::new(*code, "")));
        }
        stop.reason()
            .map(|error| error.code)
    }

    #[test]
    fn a_network_that_is_gone_ends_the_run_and_single_troubles_do_not() {
        use FileCode::{UploadNetwork as Gone, UploadRejected as Refused, UploadServer as Broken};
        assert_eq!(after(&[Gone; 5]), Some(RunCode::NetworkUnavailable));
        assert_eq!(after(&[Gone; 4]), None);
        assert_eq!(after(&[Gone, Gone, Gone, Gone, Broken, Gone]), None);
        assert_eq!(after(&[Gone, Gone, Gone, Gone, Refused, Gone]), None);
        assert_eq!(after(&[Refused; 20]), None);
    }
}
