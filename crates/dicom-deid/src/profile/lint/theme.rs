//! What sort of thing an attribute tells, so that a long list falls into a few that can be judged.

use dicom_core::VR;

use crate::standard::confidentiality::{ActionCode, Attribute, ConfidentialityOption, Covers};
use crate::standard::{self, Concern};

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
        match self {
            Self::Names => "names",
            Self::Identifiers => "identifiers",
            Self::Patient => "patient",
            Self::Times => "times",
            Self::Uids => "uids",
            Self::Institution => "institution",
            Self::Device => "device",
            Self::Text => "text",
            Self::Sequences => "sequences",
            Self::Graphics => "graphics",
            Self::Private => "private",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Names => "names of people",
            Self::Identifiers => "identifiers, addresses, contacts",
            Self::Patient => "patient characteristics",
            Self::Times => "dates and times",
            Self::Uids => "UIDs",
            Self::Institution => "institutions and places",
            Self::Device => "equipment and software",
            Self::Text => "free text",
            Self::Sequences => "sequences",
            Self::Graphics => "overlays, curves, annotations",
            Self::Private => "private elements",
        }
    }

    /// The sort that a row of Table E.1-1 belongs to.
    pub(in crate::profile) fn of(row: &Attribute) -> Self {
        use ConfidentialityOption as O;
        let says = |option| row.under(option).is_some();
        match row.covers {
            Covers::Private => return Self::Private,
            Covers::Repeating { .. } => return Self::Graphics,
            Covers::One(_) => {}
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

impl From<Concern> for Theme {
    fn from(concern: Concern) -> Self {
        match concern {
            Concern::Identity => Self::Identifiers,
            Concern::Uid => Self::Uids,
            Concern::Time => Self::Times,
            Concern::Text => Self::Text,
            Concern::Device | Concern::Product => Self::Device,
        }
    }
}
