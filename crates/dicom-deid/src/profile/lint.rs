//! What a profile leaves behind: read as a privacy officer would, against the standard's table of
//! identifying attributes and what lies outside it.
//!
//! Reads the profile and the standard, never a file. Finding nothing is no proof: what a site puts
//! into which attribute, and what is burned into pixels, no profile can tell.

mod blind;
mod confidentiality;
mod coverage;
mod dates;
mod envelope;
mod exceptions;
mod hashes;
mod nested;
mod pieces;
mod private;
mod theme;
mod uids;
mod whole;

use super::model::Profile;
use crate::standard;
pub use theme::Theme;

use dicom_core::Tag;

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub struct Lint {
    /// One for each attribute, rule or setting; by concern, and within one in the order of the
    /// standard's table.
    pub findings: Vec<Finding>,
}

/// One thing that the profile leaves behind, or that its author should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub kind: Kind,
    /// Whether something identifying may remain.
    pub severity: Severity,
    /// What sort of attribute it is, where it is one.
    pub theme: Option<Theme>,
    /// The attribute, rule or setting.
    pub subject: String,
    /// The attribute's tag as the standard writes it.
    pub tag: Option<String>,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something identifying may remain.
    Warning,
    /// Good to know.
    Note,
}

/// The kinds of finding. Their slugs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The profile changes nothing.
    Empty,
    /// An attribute of Table E.1-1 that no rule covers.
    Uncovered,
    /// An attribute of Table E.1-1 that the profile keeps.
    Kept,
    /// Attributes that an option of the Basic Profile keeps.
    Retained,
    /// Fields that keep what the Basic Profile does not.
    Exception,
    /// Free text that is kept or hashed instead of cleaned.
    Text,
    /// Rules that do not reach sequence items.
    Nested,
    /// Private elements that stay.
    Private,
    /// Everything outside Table E.1-1 stays.
    Unlisted,
    /// Attributes outside Table E.1-1 that may identify.
    BlindSpot,
    /// Hashes without a salt.
    Unsalted,
    /// A secret in the profile.
    Salted,
    /// Originals that travel with the file, encrypted.
    Envelope,
    /// Hashes that are short.
    HashDigits,
    /// Hashes where dates belong.
    HashOnDate,
    /// Parts of original UIDs that stay.
    UidParts,
    /// UIDs that no longer fit each other.
    UidInconsistent,
    /// Dates shifted apart.
    Dates,
    /// One shift of dates for all patients.
    Shift,
    /// Times of day that stay.
    Times,
    /// Ages.
    Age,
    /// The birth date.
    BirthDate,
    /// Pieces of original paths in the names of files.
    FileNames,
    /// Text burned into the image.
    Pixels,
    /// Documents that are not looked into.
    Encapsulated,
    /// What the check of the bytes to be sent does about a find.
    Residual,
    /// The marks of a de-identified object.
    Markers,
    /// Sections for other kinds of file.
    OtherSections,
    /// What loading the profile has to say: parts without effect, rules that act in another order
    /// at Flywheel.
    Notice,
}

impl Kind {
    /// Its name for programs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Uncovered => "uncovered",
            Self::Kept => "kept",
            Self::Retained => "retained",
            Self::Exception => "exception",
            Self::Text => "text",
            Self::Nested => "nested",
            Self::Private => "private",
            Self::Unlisted => "unlisted",
            Self::BlindSpot => "blind-spot",
            Self::Unsalted => "unsalted",
            Self::Salted => "salted",
            Self::Envelope => "envelope",
            Self::HashDigits => "hash-digits",
            Self::HashOnDate => "hash-on-date",
            Self::UidParts => "uid-parts",
            Self::UidInconsistent => "uid-inconsistent",
            Self::Dates => "dates",
            Self::Shift => "shift",
            Self::Times => "times",
            Self::Age => "age",
            Self::BirthDate => "birth-date",
            Self::FileNames => "file-names",
            Self::Pixels => "pixels",
            Self::Encapsulated => "encapsulated",
            Self::Residual => "residual",
            Self::Markers => "markers",
            Self::OtherSections => "other-sections",
            Self::Notice => "notice",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Empty => "the profile changes nothing",
            Self::Uncovered => "not covered",
            Self::Kept => "kept on purpose",
            Self::Retained => "kept by an option",
            Self::Exception => "exceptions from the table",
            Self::Text => "free text not cleaned",
            Self::Nested => "sequence items not reached",
            Self::Private => "private data",
            Self::Unlisted => "what Table E.1-1 does not list",
            Self::BlindSpot => "outside Table E.1-1",
            Self::Unsalted => "hashed without a salt",
            Self::Salted => "secret in the profile",
            Self::Envelope => "originals in the envelope",
            Self::HashDigits => "short hashes",
            Self::HashOnDate => "hash in place of a date",
            Self::UidParts => "parts of original UIDs kept",
            Self::UidInconsistent => "UIDs out of step",
            Self::Dates => "dates out of step",
            Self::Shift => "one shift for all",
            Self::Times => "times of day kept",
            Self::Age => "age",
            Self::BirthDate => "birth date",
            Self::FileNames => "names of files",
            Self::Pixels => "burned-in text",
            Self::Encapsulated => "documents",
            Self::Residual => "residual check",
            Self::Markers => "not marked as de-identified",
            Self::OtherSections => "sections for other files",
            Self::Notice => "notice",
        }
    }
}

impl Severity {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Lint {
    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Whether nothing identifying was found to remain.
    pub fn is_clean(&self) -> bool {
        self.count(Severity::Warning) == 0
    }
}

/// Finds what a profile leaves behind.
pub fn lint(profile: &Profile) -> Lint {
    let concerns: [fn(&Profile) -> Vec<Finding>; 12] = [
        coverage::findings,
        confidentiality::findings,
        exceptions::findings,
        nested::findings,
        private::findings,
        blind::findings,
        pieces::findings,
        hashes::findings,
        envelope::findings,
        uids::findings,
        dates::findings,
        whole::findings,
    ];
    let mut findings: Vec<Finding> = concerns
        .iter()
        .flat_map(|concern| concern(profile))
        .collect();
    findings.sort_by_key(|finding| (finding.severity, finding.kind, finding.theme));
    Lint { findings }
}

impl Finding {
    fn new(
        kind: Kind,
        severity: Severity,
        subject: impl Into<String>,
        message: impl Into<String>,
        advice: &'static str,
    ) -> Self {
        Self {
            kind,
            severity,
            theme: None,
            subject: subject.into(),
            tag: None,
            message: message.into(),
            advice,
        }
    }

    fn about(mut self, theme: Theme) -> Self {
        self.theme = Some(theme);
        self
    }

    fn tagged(mut self, tag: String) -> Self {
        self.tag = Some(tag);
        self
    }
}

/// The attributes of a list of keywords, all of which the dictionary knows.
fn tags(keywords: &'static [&'static str]) -> impl Iterator<Item = (&'static str, Tag)> {
    keywords
        .iter()
        .filter_map(|keyword| Some((*keyword, standard::tag_of_keyword(keyword)?)))
}

/// A tag as the standard writes it.
fn tag_text(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}

#[cfg(test)]
mod tests;
