//! The Basic Application Level Confidentiality Profile with its options (PS3.15 Annex E), as a
//! profile asks for it.
//!
//! Owns the sections that Flywheel's vocabulary does not have, but for those on pixels, and what is
//! decided for an attribute under them. It touches no data set.

mod decision;

use super::tree::Named;
use crate::standard::confidentiality::ConfidentialityOption;

pub use decision::{AttributeDecision, DecisionSource};

/// The edition of the tables that are built in.
pub const EDITION: &str = "2026d";

/// What a profile asks for beyond its `fields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confidentiality {
    /// The options of the Basic Profile.
    pub options: Options,
    /// What becomes of attributes that Table E.1-1 does not list.
    pub unlisted: Unlisted,
    /// What becomes of encapsulated documents.
    pub encapsulated: Encapsulated,
    /// How dates move under Retain Modified Dates.
    pub shift: DateShift,
    /// What becomes of a date, time or age that cannot be read.
    pub unparseable: Unparseable,
    /// What pseudonyms of patients look like.
    pub pseudonyms: Pseudonyms,
}

impl Default for Confidentiality {
    fn default() -> Self {
        Self {
            options: Options::default(),
            unlisted: Unlisted::KeepKnownSafe,
            encapsulated: Encapsulated::Refuse,
            shift: DateShift::PerPatient,
            unparseable: Unparseable::ByType,
            pseudonyms: Pseudonyms::default(),
        }
    }
}

/// A set of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options(u16);

impl Options {
    /// Whether an option is chosen.
    pub fn has(self, option: ConfidentialityOption) -> bool {
        self.0 & 1 << option as u16 != 0
    }

    /// The set with one option more.
    #[must_use]
    pub fn with(self, option: ConfidentialityOption) -> Self {
        Self(self.0 | 1 << option as u16)
    }

    /// The chosen options, in the order of the table's columns.
    pub fn iter(self) -> impl Iterator<Item = ConfidentialityOption> {
        ConfidentialityOption::ALL
            .into_iter()
            .filter(move |option| self.has(*option))
    }
}

/// What becomes of attributes that Table E.1-1 does not list. Private ones always go, unless an
/// option keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlisted {
    /// By role: what may identify is removed or cleaned, the rest stays.
    KeepKnownSafe,
    /// All stay.
    Keep,
    /// Every attribute that may hold a text, a time or bytes of unknown meaning is removed.
    Remove,
}

impl Named for Unlisted {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("keep-known-safe", Self::KeepKnownSafe),
        ("keep", Self::Keep),
        ("remove", Self::Remove),
    ];
}

/// What becomes of documents inside DICOM files, which are not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encapsulated {
    /// The file fails.
    Refuse,
    /// The document is replaced by nothing: two zero bytes.
    Remove,
    /// It is sent unchanged.
    Keep,
}

impl Named for Encapsulated {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("refuse", Self::Refuse),
        ("remove", Self::Remove),
        ("keep", Self::Keep),
    ];
}

/// How dates move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateShift {
    /// By whole weeks, drawn from the key for each patient.
    PerPatient,
    /// By this number of days, the same for every patient; never 0.
    Days(i64),
}

/// What becomes of a date, time or age that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unparseable {
    /// By the attribute's Type: of Type 3 it is removed, of Type 2 emptied, of Type 1 its file
    /// fails.
    ByType,
    /// The file fails.
    Fail,
    /// The value is treated as the Basic Profile without options would.
    Remove,
}

impl Named for Unparseable {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("by-type", Self::ByType),
        ("fail", Self::Fail),
        ("remove", Self::Remove),
    ];
}

/// What pseudonyms of patients look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonyms {
    /// What stands in front.
    pub prefix: String,
    /// The number of letters and digits that follow, 5 bits each.
    pub width: usize,
}

impl Default for Pseudonyms {
    fn default() -> Self {
        Self {
            prefix: "P-".to_owned(),
            width: 12,
        }
    }
}

/// The check of the bytes about to be sent for values that were removed or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResidualRule {
    /// What a find does.
    pub on_leak: OnLeak,
    /// Values with fewer characters are not looked for.
    pub min_length: usize,
}

impl Default for ResidualRule {
    fn default() -> Self {
        Self {
            on_leak: OnLeak::Fail,
            min_length: 4,
        }
    }
}

/// What becomes of a file in which a removed value still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLeak {
    /// It fails.
    Fail,
    /// It is sent, with a warning.
    Warn,
}

impl Named for OnLeak {
    const NAMES: &'static [(&'static str, Self)] = &[("fail", Self::Fail), ("warn", Self::Warn)];
}

impl Confidentiality {
    /// Each setting by its section and key, and its value as TOML.
    pub(super) fn settings(&self) -> Vec<(&'static str, String)> {
        let options: Vec<String> = self
            .options
            .iter()
            .map(ConfidentialityOption::slug)
            .map(quoted)
            .collect();
        let shift = match self.shift {
            DateShift::PerPatient => "per patient".to_owned(),
            DateShift::Days(days) => format!("by {days:+} days for all"),
        };
        vec![
            (
                "confidentiality.options",
                format!("[{}]", options.join(", ")),
            ),
            ("confidentiality.unlisted", quoted(self.unlisted.name())),
            (
                "confidentiality.encapsulated",
                quoted(self.encapsulated.name()),
            ),
            ("dates.shift", shift),
            ("dates.unparseable", quoted(self.unparseable.name())),
            ("pseudonyms.prefix", quoted(&self.pseudonyms.prefix)),
            ("pseudonyms.width", self.pseudonyms.width.to_string()),
        ]
    }
}

impl ResidualRule {
    /// Each setting by its section and key, and its value as TOML.
    pub(super) fn settings(self) -> Vec<(&'static str, String)> {
        vec![
            ("residual.on-leak", quoted(self.on_leak.name())),
            ("residual.min-length", self.min_length.to_string()),
        ]
    }
}

/// A word or a prefix, neither of which has anything to escape.
fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
