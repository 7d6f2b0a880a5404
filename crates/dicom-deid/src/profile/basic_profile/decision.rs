//! What becomes of an attribute: by Table E.1-1 and the chosen options, else by its role. Never by
//! what it holds.

use dicom_core::{Tag, VR};

use super::{Confidentiality, Unlisted};
use crate::standard::confidentiality::{ActionCode, Attribute, ConfidentialityOption};
use crate::standard::{
    self, IdentifyingRole, TemporalRole, UidRole, is_private, unlisted_attribute,
};

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
    Tag(0x0008, 0x0005),
    Tag(0x0012, 0x0062),
    Tag(0x0012, 0x0063),
    Tag(0x0012, 0x0064),
    Tag(0x0028, 0x0303),
];

/// Deidentification Method.
const METHOD: Tag = Tag(0x0012, 0x0063);

impl Confidentiality {
    /// What is to be done with an attribute of this VR. Private ones are left to what Table E.1-1
    /// says of all of them.
    pub fn decide(&self, tag: Tag, vr: VR) -> AttributeDecision {
        // What an earlier de-identification wrote is free text; what this one did is added
        // afterwards.
        let strict_text = self.unlisted == Unlisted::Remove && tag == METHOD;
        if STRUCTURE.contains(&tag) && !strict_text {
            return AttributeDecision {
                code: ActionCode::Keep,
                source: DecisionSource::Structure,
            };
        }
        match standard::attribute(tag) {
            Some(row) => self.listed(row),
            None => self.unlisted(tag, vr),
        }
    }

    /// Of several options that list the attribute, one that cleans overrides one that keeps: what is
    /// cleaned keeps its meaning.
    fn listed(&self, row: &Attribute) -> AttributeDecision {
        let mut said = self
            .options
            .iter()
            .filter_map(|option| Some((option, row.under(option)?)));
        let first = said.next();
        let cleaning = first
            .into_iter()
            .chain(said)
            .find(|(_, code)| *code == ActionCode::Clean);
        match cleaning.or(first) {
            Some((option, code)) => AttributeDecision {
                code,
                source: DecisionSource::Option(option),
            },
            None => AttributeDecision {
                code: row.basic,
                source: DecisionSource::Table,
            },
        }
    }

    fn unlisted(&self, tag: Tag, vr: VR) -> AttributeDecision {
        if is_private(tag) {
            return AttributeDecision {
                code: ActionCode::Remove,
                source: DecisionSource::Table,
            };
        }
        if tag == ENCRYPTED_ATTRIBUTES {
            return AttributeDecision {
                code: ActionCode::Remove,
                source: DecisionSource::Role(IdentifyingRole::Identity),
            };
        }
        if self.unlisted == Unlisted::Keep {
            return AttributeDecision {
                code: ActionCode::Keep,
                source: DecisionSource::Vr,
            };
        }
        match unlisted_attribute(tag).map(|listed| listed.role) {
            Some(concern) => AttributeDecision {
                code: self.by_concern(concern, tag),
                source: DecisionSource::Role(concern),
            },
            None => AttributeDecision {
                code: self.by_vr(tag, vr),
                source: DecisionSource::Vr,
            },
        }
    }

    fn by_concern(&self, concern: IdentifyingRole, tag: Tag) -> ActionCode {
        let strict = self.unlisted == Unlisted::Remove;
        let has = |option| self.options.has(option);
        match concern {
            // It and Tracking UID each ask for the other (PS3.3 section C.8.20.2).
            IdentifyingRole::Identity if tag == TRACKING_ID => ActionCode::Dummy,
            IdentifyingRole::Uid if has(ConfidentialityOption::RetainUids) => ActionCode::Keep,
            IdentifyingRole::Uid => ActionCode::Uid,
            IdentifyingRole::Time => self.by_time(tag),
            IdentifyingRole::Device if has(ConfidentialityOption::RetainDeviceIdentity) => {
                ActionCode::Keep
            }
            IdentifyingRole::Product if !strict => ActionCode::Keep,
            IdentifyingRole::Text if !strict || tag == CODE_MEANING => ActionCode::Clean,
            IdentifyingRole::Identity
            | IdentifyingRole::Device
            | IdentifyingRole::Product
            | IdentifyingRole::Text => ActionCode::Remove,
        }
    }

    /// Only dates of the patient's own events move. What is printed on a label or in the standard
    /// stays.
    fn by_time(&self, tag: Tag) -> ActionCode {
        let has = |option| self.options.has(option);
        match standard::temporal_role(tag) {
            _ if has(ConfidentialityOption::RetainFullDates) => ActionCode::Keep,
            Some(TemporalRole::Vocabulary) => ActionCode::Keep,
            Some(TemporalRole::Device | TemporalRole::Source)
                if has(ConfidentialityOption::RetainDeviceIdentity) =>
            {
                ActionCode::Keep
            }
            Some(TemporalRole::Subject) | None
                if has(ConfidentialityOption::RetainModifiedDates) =>
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
            UI if self
                .options
                .has(ConfidentialityOption::RetainUids) =>
            {
                ActionCode::Keep
            }
            UI if standard::uid_role(tag) != Some(UidRole::Definition) => ActionCode::Uid,
            OB | OD | OF | OL | OV | OW if strict && !is_picture(tag) => ActionCode::Remove,
            _ => ActionCode::Keep,
        }
    }
}

/// Encrypted Attributes Sequence, which an earlier de-identification may have left: what is in it
/// is the original (PS3.15 section E.1.1).
const ENCRYPTED_ATTRIBUTES: Tag = Tag(0x0400, 0x0500);
/// Code Meaning, without which no code is valid (PS3.3 section 8.3).
const CODE_MEANING: Tag = Tag(0x0008, 0x0104);

/// Tracking ID.
const TRACKING_ID: Tag = Tag(0x0062, 0x0020);

/// Texts that are codes: Code Value, Long and URN Code Value, Coding Scheme Designator and Version.
const CODES: [Tag; 5] = [
    Tag(0x0008, 0x0100),
    Tag(0x0008, 0x0102),
    Tag(0x0008, 0x0103),
    Tag(0x0008, 0x0119),
    Tag(0x0008, 0x0120),
];

/// Whether bulk data is pixels, or tables and curves of numbers that pixels are shown with.
fn is_picture(tag: Tag) -> bool {
    matches!(
        tag.group(),
        0x7FE0 | 0x0028 | 0x5400 | 0x5600 | 0x0066 | 0x0062
    )
}
