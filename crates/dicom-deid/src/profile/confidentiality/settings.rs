//! The sections setting by setting, as an author would write them, for comparing profiles.

use super::{
    Confidentiality, Encapsulated, OnLeak, ResidualRule, Shift, Unlisted, Unparseable, word,
};
use crate::standard::confidentiality::ConfidentialityOption;

impl Confidentiality {
    /// Each setting by its section and key, and its value as TOML.
    pub(in crate::profile) fn settings(&self) -> Vec<(&'static str, String)> {
        let options: Vec<String> = self
            .options
            .iter()
            .map(ConfidentialityOption::slug)
            .map(quoted)
            .collect();
        let shift = match self.shift {
            Shift::PerPatient => "per patient".to_owned(),
            Shift::Days(days) => format!("by {days:+} days for all"),
        };
        vec![
            (
                "confidentiality.options",
                format!("[{}]", options.join(", ")),
            ),
            (
                "confidentiality.unlisted",
                quoted(word(&Unlisted::ALL, self.unlisted)),
            ),
            (
                "confidentiality.encapsulated",
                quoted(word(&Encapsulated::ALL, self.encapsulated)),
            ),
            ("dates.shift", shift),
            (
                "dates.unparseable",
                quoted(word(&Unparseable::ALL, self.unparseable)),
            ),
            ("pseudonyms.prefix", quoted(&self.pseudonyms.prefix)),
            ("pseudonyms.width", self.pseudonyms.width.to_string()),
        ]
    }
}

impl ResidualRule {
    /// Each setting by its section and key, and its value as TOML.
    pub(in crate::profile) fn settings(self) -> Vec<(&'static str, String)> {
        vec![
            ("residual.on-leak", quoted(word(&OnLeak::ALL, self.on_leak))),
            ("residual.min-length", self.min_length.to_string()),
        ]
    }
}

/// A word or a prefix, neither of which has anything to escape.
fn quoted(word: &str) -> String {
    format!("\"{word}\"")
}
