//! The Basic Application Level Confidentiality Profile with its options (PS3.15 Annex E), as a
//! profile asks for it.
//!
//! Owns the sections that Flywheel's vocabulary does not have, but for those on pixels, and what is
//! decided for an attribute under them. It touches no data set, and decides never by
//! what an attribute holds.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::tree::{Named, named};
use crate::standard::confidentiality::{ActionCode, Attribute, ConfidentialityOption};
use crate::standard::{
    self, IdentifyingRole, TemporalRole, UidRole, is_private, unlisted_attribute,
};

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

named! {
    /// What becomes of attributes that Table E.1-1 does not list. Private ones always go, unless an
    /// option keeps them.
    pub enum Unlisted {
        /// By role: what may identify is removed or cleaned, the rest stays.
        KeepKnownSafe = "keep-known-safe",
        /// All stay.
        Keep = "keep",
        /// Every attribute that may hold a text, a time or bytes of unknown meaning is removed.
        Remove = "remove",
    }
}

named! {
    /// What becomes of documents inside DICOM files, which are not looked into.
    pub enum Encapsulated {
        /// The file fails.
        Refuse = "refuse",
        /// The document is replaced by nothing: two zero bytes.
        Remove = "remove",
        /// It is sent unchanged.
        Keep = "keep",
    }
}

/// How dates move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateShift {
    /// By whole weeks, drawn from the key for each patient.
    PerPatient,
    /// By this number of days, the same for every patient; never 0.
    Days(i64),
}

named! {
    /// What becomes of a date, time or age that cannot be read.
    pub enum Unparseable {
        /// By the attribute's Type: of Type 3 it is removed, of Type 2 emptied, of Type 1 its file
        /// fails.
        ByType = "by-type",
        /// The file fails.
        Fail = "fail",
        /// The value is treated as the Basic Profile without options would.
        Remove = "remove",
    }
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

named! {
    /// What becomes of a file in which a removed value still stands.
    pub enum OnLeak {
        /// It fails.
        Fail = "fail",
        /// It is sent, with a warning.
        Warn = "warn",
    }
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

/// What is to be done with an attribute, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeDecision {
    /// The action; a compound one where the Type in the IOD decides.
    pub code: ActionCode,
    /// What decides it.
    pub source: DecisionSource,
}

/// What decides what becomes of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionSource {
    /// The Basic Profile.
    Table,
    /// An option, which overrides the Basic Profile.
    Option(ConfidentialityOption),
    /// The table does not list it; its role in the list beside it.
    Role(IdentifyingRole),
    /// The table does not list it; its VR.
    Vr,
    /// It is structure: without it the file could not be read.
    Structure,
}

/// Elements without which nothing else can be read: character set, and what Table E.1-1 leaves of
/// de-identification itself.
const STRUCTURE: [Tag; 5] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::DEIDENTIFICATION_METHOD,
    tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
    tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
];

impl Confidentiality {
    /// What is to be done with an attribute of this VR. Private ones are left to what Table E.1-1
    /// says of all of them.
    pub fn decide(&self, tag: Tag, vr: VR) -> AttributeDecision {
        // What an earlier de-identification wrote is free text; what this one did is added
        // afterwards.
        let strict_text = self.unlisted == Unlisted::Remove && tag == tags::DEIDENTIFICATION_METHOD;
        let (code, source) = if STRUCTURE.contains(&tag) && !strict_text {
            (ActionCode::Keep, DecisionSource::Structure)
        } else {
            match standard::attribute(tag) {
                Some(row) => self.listed(row),
                None => self.unlisted(tag, vr),
            }
        };
        AttributeDecision { code, source }
    }

    /// Whether an option is chosen.
    pub fn has(&self, option: ConfidentialityOption) -> bool {
        self.options.has(option)
    }

    /// Of several options that list the attribute, one that cleans overrides one that keeps: what is
    /// cleaned keeps its meaning.
    fn listed(&self, row: &Attribute) -> (ActionCode, DecisionSource) {
        let said = self
            .options
            .iter()
            .filter_map(|option| Some((option, row.under(option)?)));
        match said.min_by_key(|(_, code)| *code != ActionCode::Clean) {
            Some((option, code)) => (code, DecisionSource::Option(option)),
            None => (row.basic, DecisionSource::Table),
        }
    }

    fn unlisted(&self, tag: Tag, vr: VR) -> (ActionCode, DecisionSource) {
        if is_private(tag) {
            return (ActionCode::Remove, DecisionSource::Table);
        }
        // What an earlier de-identification left in it is the original (PS3.15 section E.1.1).
        if tag == tags::ENCRYPTED_ATTRIBUTES_SEQUENCE {
            let source = DecisionSource::Role(IdentifyingRole::Identity);
            return (ActionCode::Remove, source);
        }
        if self.unlisted == Unlisted::Keep {
            return (ActionCode::Keep, DecisionSource::Vr);
        }
        match unlisted_attribute(tag).map(|listed| listed.role) {
            Some(role) => (self.by_role(role, tag), DecisionSource::Role(role)),
            None => (self.by_vr(tag, vr), DecisionSource::Vr),
        }
    }

    fn by_role(&self, role: IdentifyingRole, tag: Tag) -> ActionCode {
        let strict = self.unlisted == Unlisted::Remove;
        match role {
            // It and Tracking UID each ask for the other (PS3.3 section C.8.20.2).
            IdentifyingRole::Identity if tag == tags::TRACKING_ID => ActionCode::Dummy,
            IdentifyingRole::Uid if self.has(ConfidentialityOption::RetainUids) => ActionCode::Keep,
            IdentifyingRole::Uid => ActionCode::Uid,
            IdentifyingRole::Time => self.by_time(tag),
            IdentifyingRole::Device if self.has(ConfidentialityOption::RetainDeviceIdentity) => {
                ActionCode::Keep
            }
            IdentifyingRole::Product if !strict => ActionCode::Keep,
            IdentifyingRole::Text if !strict || tag == tags::CODE_MEANING => ActionCode::Clean,
            IdentifyingRole::Identity
            | IdentifyingRole::Device
            | IdentifyingRole::Product
            | IdentifyingRole::Text => ActionCode::Remove,
        }
    }

    /// Only dates of the patient's own events move. What is printed on a label or in the standard
    /// stays.
    fn by_time(&self, tag: Tag) -> ActionCode {
        match standard::temporal_role(tag) {
            _ if self.has(ConfidentialityOption::RetainFullDates) => ActionCode::Keep,
            Some(TemporalRole::Vocabulary) => ActionCode::Keep,
            Some(TemporalRole::Device | TemporalRole::Source)
                if self.has(ConfidentialityOption::RetainDeviceIdentity) =>
            {
                ActionCode::Keep
            }
            Some(TemporalRole::Subject) | None
                if self.has(ConfidentialityOption::RetainModifiedDates) =>
            {
                ActionCode::Clean
            }
            _ => ActionCode::Remove,
        }
    }

    /// Of an attribute that no list names: codes, numbers and structure stay; what the dictionary
    /// does not know goes.
    fn by_vr(&self, tag: Tag, vr: VR) -> ActionCode {
        use VR::{AE, DA, DT, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, ST, TM, UC, UI, UN, UR, UT};
        let known = standard::vr(tag).is_some();
        let strict = self.unlisted == Unlisted::Remove;
        match vr {
            _ if !known || matches!(vr, UN | PN) => ActionCode::Remove,
            DA | DT | TM if !standard::has_no_identifying_role(tag) => self.by_time(tag),
            LO | LT | SH | ST | UC | UT | AE | UR if strict && !CODES.contains(&tag) => {
                ActionCode::Remove
            }
            LO | LT | SH | ST | UC | UT | AE | UR if !standard::has_no_identifying_role(tag) => {
                ActionCode::Clean
            }
            UI if self.has(ConfidentialityOption::RetainUids) => ActionCode::Keep,
            UI if standard::uid_role(tag) != Some(UidRole::Definition) => ActionCode::Uid,
            OB | OD | OF | OL | OV | OW if strict && !is_picture(tag) => ActionCode::Remove,
            _ => ActionCode::Keep,
        }
    }
}

/// Texts that are codes: Code Value, Long and URN Code Value, Coding Scheme Designator and Version.
const CODES: [Tag; 5] = [
    tags::CODE_VALUE,
    tags::CODING_SCHEME_DESIGNATOR,
    tags::CODING_SCHEME_VERSION,
    tags::LONG_CODE_VALUE,
    tags::URN_CODE_VALUE,
];

/// Whether bulk data is pixels, or tables and curves of numbers that pixels are shown with.
fn is_picture(tag: Tag) -> bool {
    matches!(
        tag.group(),
        0x7FE0 | 0x0028 | 0x5400 | 0x5600 | 0x0066 | 0x0062
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
