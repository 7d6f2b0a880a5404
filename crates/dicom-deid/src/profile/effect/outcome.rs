//! What becomes of an attribute by the Basic Profile, its options, or its role: the kind of
//! outcome, told from the tables alone. `deid` acts; this says beforehand what will come of it.

use dicom_core::{Tag, VR};

use crate::profile::action::is_text;
use crate::profile::confidentiality::{Confidentiality, Encapsulated, Why};
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};
use crate::standard::{self, Concern, TemporalRole};

const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const DOCUMENT: Tag = Tag(0x0042, 0x0011);
const CONTENT: Tag = Tag(0x0040, 0xA730);
const GRAPHIC_ANNOTATIONS: Tag = Tag(0x0070, 0x0001);

/// What the table, an option or a role does with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tabled {
    /// The action code that is carried out, compound where the IOD has a say.
    pub code: ActionCode,
    /// Who says so.
    pub why: Why,
    /// What comes of it.
    pub outcome: Outcome,
    /// Whether it is a sequence.
    pub is_sequence: bool,
}

/// What comes of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It goes.
    Removed,
    /// Its value goes.
    Emptied,
    /// A fixed value takes the place of its own.
    Dummy,
    /// The items of the sequence stay, with dummies in them.
    DummyItems,
    /// A compound code: the Type in the IOD decides.
    AsNeeded,
    /// What stands for the patient.
    Pseudonym,
    /// Another UID, the same wherever the UID occurs.
    NewUid,
    /// References stay, with other UIDs in them.
    References,
    /// A date that moves with the patient's others.
    Moved,
    /// Only words that are known safe stay.
    KnownWords,
    /// The sequence stays, and its items are cleaned.
    ItemsCleaned,
    /// Content items are cleaned, one concept at a time.
    Content,
    /// Of content items only structure and references stay.
    DummyContent,
    /// Drawings and texts become dummies.
    DummyGraphics,
    /// Private: what is known safe stays, cleaned.
    SafePrivate,
    /// A document that is not looked into.
    Document(Encapsulated),
    /// It stays.
    Kept,
}

impl Outcome {
    /// Whether the original value is no longer there to be read.
    pub fn protects(self) -> bool {
        !matches!(self, Self::Kept | Self::Document(Encapsulated::Keep))
    }

    /// Its name for programs.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Emptied => "emptied",
            Self::Dummy => "dummy",
            Self::DummyItems => "dummy-items",
            Self::AsNeeded => "as-needed",
            Self::Pseudonym => "pseudonym",
            Self::NewUid => "new-uid",
            Self::References => "references",
            Self::Moved => "moved",
            Self::KnownWords => "known-words",
            Self::ItemsCleaned => "items-cleaned",
            Self::Content => "content-cleaned",
            Self::DummyContent => "content-dummy",
            Self::DummyGraphics => "graphics-dummy",
            Self::SafePrivate => "safe-private",
            Self::Document(Encapsulated::Refuse) => "refused",
            Self::Document(Encapsulated::Remove) => "document-removed",
            Self::Document(Encapsulated::Keep) | Self::Kept => "table-kept",
        }
    }
}

/// What becomes of an attribute that no field names.
pub(super) fn tabled(asked: &Confidentiality, tag: Tag) -> Tabled {
    let vr = standard::vr(tag).unwrap_or(VR::UN);
    let decision = asked.decide(tag, vr);
    let told = Tabled {
        code: decision.code,
        why: decision.why,
        outcome: Outcome::Kept,
        is_sequence: vr == VR::SQ,
    };
    if decision.code == ActionCode::Clean {
        cleaned(asked, tag, vr, told)
    } else {
        Tabled {
            outcome: plain(asked, tag, vr, decision.code),
            ..told
        }
    }
}

/// An action that is not cleaning.
fn plain(asked: &Confidentiality, tag: Tag, vr: VR, code: ActionCode) -> Outcome {
    match (code, tag) {
        (ActionCode::Keep, _) => Outcome::Kept,
        (ActionCode::Remove, _) if standard::is_needed(tag) => Outcome::AsNeeded,
        (ActionCode::Remove, _) => Outcome::Removed,
        (ActionCode::RemoveOrZeroOrUids, _) => Outcome::References,
        (ActionCode::Uid, _) => Outcome::NewUid,
        (_, PATIENT_ID | PATIENT_NAME) => Outcome::Pseudonym,
        (ActionCode::Zero, _) => Outcome::Emptied,
        (ActionCode::Dummy, DOCUMENT) => Outcome::Document(asked.encapsulated),
        (ActionCode::Dummy, CONTENT) => Outcome::DummyContent,
        (ActionCode::Dummy, GRAPHIC_ANNOTATIONS) => Outcome::DummyGraphics,
        (ActionCode::Dummy, _) if vr == VR::SQ => Outcome::DummyItems,
        (ActionCode::Dummy, _) if vr == VR::UI => Outcome::NewUid,
        (ActionCode::Dummy, _) => Outcome::Dummy,
        _ => Outcome::AsNeeded,
    }
}

/// Action C by who asks for it and by what can be cleaned at all.
fn cleaned(asked: &Confidentiality, tag: Tag, vr: VR, told: Tabled) -> Tabled {
    let outcome = match told.why {
        Why::Option(O::RetainSafePrivate) => Outcome::SafePrivate,
        Why::Option(O::RetainModifiedDates) | Why::Role(Concern::Time) if !moves(tag, vr) => {
            return basic(asked, tag, vr, told);
        }
        _ if matches!(vr, VR::DA | VR::DT | VR::TM) && !moves(tag, vr) => {
            return basic(asked, tag, vr, told);
        }
        _ if matches!(vr, VR::DA | VR::DT | VR::TM) => Outcome::Moved,
        Why::Option(O::CleanStructuredContent) => Outcome::Content,
        Why::Option(O::CleanGraphics) if tag != GRAPHIC_ANNOTATIONS => Outcome::Removed,
        _ if vr == VR::SQ => Outcome::ItemsCleaned,
        _ if is_text(vr) => Outcome::KnownWords,
        _ => return basic(asked, tag, vr, told),
    };
    Tabled { outcome, ..told }
}

/// Dates that others can look up would tell by how many days the patient's moved.
fn moves(tag: Tag, vr: VR) -> bool {
    let of_subject = standard::temporal_role(tag).is_none_or(|role| role == TemporalRole::Subject);
    of_subject && matches!(vr, VR::DA | VR::DT | VR::TM)
}

/// What the Basic Profile does where an option cannot.
fn basic(asked: &Confidentiality, tag: Tag, vr: VR, told: Tabled) -> Tabled {
    let code = standard::attribute(tag).map_or(ActionCode::Remove, |row| row.basic);
    Tabled {
        code,
        why: Why::Table,
        outcome: plain(asked, tag, vr, code),
        ..told
    }
}
