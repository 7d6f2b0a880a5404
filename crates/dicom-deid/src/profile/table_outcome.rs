//! The table of decisions: what an action code of PS3.15 Table E.1-1 comes to for an attribute.
//!
//! Owns the one answer that both share: what lint and explain say beforehand, and what
//! [`crate::Cleaner`] does. It looks at no value.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::basic_profile::{AttributeDecision, Confidentiality, DecisionSource, Encapsulated};
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};
use crate::standard::{self, IdentifyingRole, TemporalRole, is_text};

/// What the table, an option or a role does with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableEffect {
    /// The action code that is carried out; a compound one where the Type in the IOD decides.
    pub code: ActionCode,
    /// What decides so.
    pub source: DecisionSource,
    /// The result.
    pub outcome: TableOutcome,
    /// Whether it is a sequence.
    pub is_sequence: bool,
}

/// The result for an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableOutcome {
    /// The attribute is removed.
    Removed,
    /// Its value is removed.
    Emptied,
    /// Its value is replaced by a fixed one.
    Dummy,
    /// The items of the sequence stay, with dummies in them.
    DummyItems,
    /// A compound code: the Type in the IOD decides.
    AsNeeded,
    /// Its value is replaced by the patient's pseudonym.
    Pseudonym,
    /// Its value is replaced by a new UID, the same wherever the UID occurs.
    NewUid,
    /// The sequence stays, with new UIDs in its references.
    References,
    /// The date moves with the patient's other dates.
    Moved,
    /// Only words that are known safe stay.
    KnownWords,
    /// The sequence stays, and its items are cleaned.
    ItemsCleaned,
    /// Content items are cleaned, one concept at a time.
    Content,
    /// Of content items only structure and references stay.
    DummyContent,
    /// Drawings and texts are replaced by dummies.
    DummyGraphics,
    /// Private: what is known safe stays, cleaned.
    SafePrivate,
    /// An encapsulated document, whose content is not read.
    Document(Encapsulated),
    /// The attribute stays.
    Kept,
}

impl TableOutcome {
    /// Whether the original value is no longer there to be read.
    pub fn protects(self) -> bool {
        !matches!(self, Self::Kept | Self::Document(Encapsulated::Keep))
    }

    /// Its name for programs, and what it is in words where these do not depend on the profile.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Removed => ("removed", "removed"),
            Self::Emptied => ("emptied", "emptied"),
            Self::Dummy => ("dummy", "replaced by a dummy value"),
            Self::DummyItems => ("dummy-items", "entered: what its items say becomes dummies"),
            Self::AsNeeded => ("as-needed", ""),
            Self::Pseudonym => ("pseudonym", "replaced by the patient's pseudonym"),
            Self::NewUid => (
                "new-uid",
                "replaced by a new UID, the same wherever the UID occurs",
            ),
            Self::References => ("references", "kept, with new UIDs in its items"),
            Self::Moved => ("moved", ""),
            Self::KnownWords => (
                "known-words",
                "cleaned: only words that are known safe stay",
            ),
            Self::ItemsCleaned => ("items-cleaned", "kept; its items are cleaned"),
            Self::Content => (
                "content-cleaned",
                "cleaned item by item, as each concept calls for",
            ),
            Self::DummyContent => (
                "content-dummy",
                "reduced to its structure and its references",
            ),
            Self::DummyGraphics => ("graphics-dummy", "drawings and texts become dummies"),
            Self::SafePrivate => (
                "safe-private",
                "removed unless known safe; what stays is cleaned",
            ),
            Self::Document(Encapsulated::Refuse) => {
                ("refused", "not looked into: the file is refused")
            }
            Self::Document(Encapsulated::Remove) => {
                ("document-removed", "taken out: two zero bytes stay")
            }
            Self::Document(Encapsulated::Keep) => {
                ("table-kept", "kept as it is, and not looked into")
            }
            Self::Kept => ("table-kept", ""),
        }
    }
}

impl Confidentiality {
    /// What becomes of an attribute that no field names, under the VR of the dictionary.
    pub(super) fn effect_on(&self, tag: Tag) -> TableEffect {
        let vr = standard::vr(tag).unwrap_or(VR::UN);
        let mut decision = self.decide(tag, vr);
        let mut outcome = None;
        if decision.code == ActionCode::Clean {
            outcome = TableOutcome::of_cleaning(decision.source, tag, vr);
            if outcome.is_none() {
                decision = AttributeDecision {
                    code: standard::basic_code(tag),
                    source: DecisionSource::Table,
                };
            }
        }
        let AttributeDecision { code, source } = decision;
        let may_stay = code == ActionCode::Remove && standard::has_type_1_or_2(tag);
        let by_code = if may_stay {
            TableOutcome::AsNeeded
        } else {
            TableOutcome::of_code(code, tag, vr, self.encapsulated)
        };
        TableEffect {
            code,
            source,
            outcome: outcome.unwrap_or(by_code),
            is_sequence: vr == VR::SQ,
        }
    }
}

impl TableOutcome {
    /// What a code comes to that is not Clean, for an attribute of this VR.
    pub fn of_code(code: ActionCode, tag: Tag, vr: VR, documents: Encapsulated) -> Self {
        match (code, tag) {
            (ActionCode::Keep, _) => Self::Kept,
            (ActionCode::Remove, _) => Self::Removed,
            (ActionCode::RemoveOrZeroOrUids, _) => Self::References,
            (ActionCode::Uid, _) => Self::NewUid,
            (_, tags::PATIENT_ID | tags::PATIENT_NAME) => Self::Pseudonym,
            (ActionCode::Zero, _) => Self::Emptied,
            (ActionCode::Dummy, tags::ENCAPSULATED_DOCUMENT) => Self::Document(documents),
            (ActionCode::Dummy, tags::CONTENT_SEQUENCE) => Self::DummyContent,
            (ActionCode::Dummy, tags::GRAPHIC_ANNOTATION_SEQUENCE) => Self::DummyGraphics,
            (ActionCode::Dummy, _) if vr == VR::SQ => Self::DummyItems,
            (ActionCode::Dummy, _) if vr == VR::UI => Self::NewUid,
            (ActionCode::Dummy, _) => Self::Dummy,
            _ => Self::AsNeeded,
        }
    }

    /// What action C comes to, by what asks for it and by what can be cleaned at all. None where it
    /// cannot: then the code of the Basic Profile is carried out ([`standard::basic_code`]).
    pub fn of_cleaning(source: DecisionSource, tag: Tag, vr: VR) -> Option<Self> {
        let is_date = matches!(vr, VR::DA | VR::DT | VR::TM);
        // Dates that can be looked up elsewhere would give away by how many days the patient's moved.
        let moves = is_date
            && standard::temporal_role(tag).is_none_or(|role| role == TemporalRole::Subject);
        Some(match source {
            DecisionSource::Option(O::RetainSafePrivate) => Self::SafePrivate,
            _ if moves => Self::Moved,
            DecisionSource::Option(O::RetainModifiedDates)
            | DecisionSource::Role(IdentifyingRole::Time) => return None,
            _ if is_date => return None,
            DecisionSource::Option(O::CleanStructuredContent) => Self::Content,
            DecisionSource::Option(O::CleanGraphics)
                if tag != tags::GRAPHIC_ANNOTATION_SEQUENCE =>
            {
                Self::Removed
            }
            _ if vr == VR::SQ => Self::ItemsCleaned,
            _ if is_text(vr) => Self::KnownWords,
            _ => return None,
        })
    }
}
