//! Questions that the user has to answer with yes before anything is sent.
//!
//! Owns when a question is asked at all: a dry run sends nothing that needs consent, and `-y` is
//! the answer to every question. Without a terminal a question counts as refused.

use crate::config::{Config, SinkChoice};
use crate::event::{Notice, Severity};

/// Shows a question to the user; true for yes.
pub type Confirm<'a> = dyn FnMut(&str) -> bool + Send + 'a;

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Accepted,
    Refused,
    /// It could not be asked.
    NoTerminal,
}

/// Asks the user, where that is needed and possible.
pub(super) struct Prompt<'a, 'c> {
    accepted_already: bool,
    interactive: bool,
    confirm: &'a mut Confirm<'c>,
}

impl<'a, 'c> Prompt<'a, 'c> {
    pub(super) fn new(config: &Config, confirm: &'a mut Confirm<'c>) -> Self {
        Self {
            accepted_already: config.output.assume_yes || config.sink == SinkChoice::DryRun,
            interactive: config.output.interactive,
            confirm,
        }
    }

    /// Asks whether a run may go on in view of a warning.
    pub(super) fn ask(&mut self, warning: &str, question: &str) -> Reply {
        match (self.accepted_already, self.interactive) {
            (true, _) => Reply::Accepted,
            (false, false) => Reply::NoTerminal,
            (false, true) if (self.confirm)(&format!("{warning}\n{question}")) => Reply::Accepted,
            (false, true) => Reply::Refused,
        }
    }
}

/// The texts of all warnings, one on each line.
pub(super) fn warnings(announcements: &[Notice]) -> String {
    let warnings: Vec<_> = announcements
        .iter()
        .filter(|announcement| announcement.severity == Severity::Warning)
        .map(|announcement| announcement.text.as_str())
        .collect();
    warnings.join("\n")
}
