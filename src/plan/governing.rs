//! The profile that governs a run, as it is told to the user and kept in reports.

use dicom_deid::profile::Identity;
use dicom_lossless::escape_for_terminal;

/// The level of a profile that was given on this machine.
pub const LOCAL: &str = "local";

/// The profile that governs a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoverningProfile {
    /// Its name.
    pub name: String,
    /// `project`, `group`, `site` or `local`.
    pub level: &'static str,
    /// What tells it from others.
    pub identity: Identity,
    /// The fingerprint of the key that pseudonyms are made with; none where the profile makes none.
    pub key: Option<String>,
}

impl GoverningProfile {
    /// The profile in words: its name, where it comes from, its digest.
    pub fn described(&self) -> String {
        let origin = if self.level == LOCAL {
            "given locally".to_owned()
        } else {
            format!("from the {}", self.level)
        };
        format!(
            "the profile \"{}\" ({origin}, {})",
            escape_for_terminal(&self.name),
            self.identity.digest
        )
    }
}
