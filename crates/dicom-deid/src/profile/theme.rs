//! What sort of information an attribute holds, so that a long list falls into a few groups.

use dicom_core::VR;

use crate::standard::confidentiality::{ActionCode, Attribute, ConfidentialityOption, TagPattern};
use crate::standard::{self, IdentifyingRole};

/// A sort of attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Theme {
    /// Names of people.
    Names,
    /// Identifiers, addresses, contacts.
    Identifiers,
    /// What the patient is like.
    Patient,
    /// Dates and times.
    Times,
    /// UIDs.
    Uids,
    /// Institutions and places.
    Institution,
    /// Equipment and software.
    Device,
    /// What people type.
    Text,
    /// Sequences.
    Sequences,
    /// Overlays, curves, annotations.
    Graphics,
    /// Private elements.
    Private,
}

impl Theme {
    /// Its name for programs.
    pub fn slug(self) -> &'static str {
        self.names().0
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Names => ("names", "names of people"),
            Self::Identifiers => ("identifiers", "identifiers, addresses, contacts"),
            Self::Patient => ("patient", "patient characteristics"),
            Self::Times => ("times", "dates and times"),
            Self::Uids => ("uids", "UIDs"),
            Self::Institution => ("institution", "institutions and places"),
            Self::Device => ("device", "equipment and software"),
            Self::Text => ("text", "free text"),
            Self::Sequences => ("sequences", "sequences"),
            Self::Graphics => ("graphics", "overlays, curves, annotations"),
            Self::Private => ("private", "private elements"),
        }
    }

    /// The sort that a row of Table E.1-1 belongs to.
    pub(super) fn of(row: &Attribute) -> Self {
        use ConfidentialityOption as O;
        let says = |option| row.under(option).is_some();
        match row.covers {
            TagPattern::Private => return Self::Private,
            TagPattern::Repeating { .. } => return Self::Graphics,
            TagPattern::One(_) => {}
        }
        match row.tag().and_then(standard::vr) {
            Some(VR::PN) => Self::Names,
            Some(VR::DA | VR::DT | VR::TM) => Self::Times,
            Some(VR::UI) => Self::Uids,
            _ if row.basic == ActionCode::Uid => Self::Uids,
            _ if says(O::RetainInstitutionIdentity) => Self::Institution,
            _ if says(O::RetainDeviceIdentity) => Self::Device,
            _ if says(O::RetainPatientCharacteristics) => Self::Patient,
            _ if says(O::CleanGraphics) => Self::Graphics,
            Some(VR::SQ) => Self::Sequences,
            None if row.name.ends_with("Sequence") => Self::Sequences,
            _ if says(O::CleanDescriptors) => Self::Text,
            _ if says(O::RetainFullDates) => Self::Times,
            _ => Self::Identifiers,
        }
    }
}

impl From<IdentifyingRole> for Theme {
    fn from(concern: IdentifyingRole) -> Self {
        match concern {
            IdentifyingRole::Identity => Self::Identifiers,
            IdentifyingRole::Uid => Self::Uids,
            IdentifyingRole::Time => Self::Times,
            IdentifyingRole::Text => Self::Text,
            IdentifyingRole::Device | IdentifyingRole::Product => Self::Device,
        }
    }
}
