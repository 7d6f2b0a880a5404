//! Dates that move: those of events in the patient's life. Dates of devices and of vocabularies can
//! be looked up, so moving them would tell by how many days; they are treated as if the option did
//! not speak of them.

use super::act::put_text;
use super::{Place, Stays, Work, failure};
use crate::clean::temporal;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::Unparseable;
use crate::standard::{self, AttributeType, TemporalRole};
use dicom_lossless::{Element, Tag, VR};

/// Date Time, Date and Time of a content item (PS3.3 section 10.2).
const ITEM_VALUES: [Tag; 3] = [
    Tag(0x0040, 0xA120),
    Tag(0x0040, 0xA121),
    Tag(0x0040, 0xA122),
];

impl Work<'_> {
    /// Moves each date of an element by the patient's shift.
    pub(super) fn move_dates(
        &mut self,
        element: &mut Element,
        vr: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let of_subject =
            standard::temporal_role(element.tag).is_none_or(|role| role == TemporalRole::Subject);
        let bytes = element
            .bytes()
            .filter(|_| of_subject && matches!(vr, VR::DA | VR::DT | VR::TM));
        let Some(bytes) = bytes else {
            return self.fall_back(element, vr, place);
        };
        let text = String::from_utf8_lossy(bytes).into_owned();
        match temporal::shift(&text, vr, self.patient.days) {
            Ok(moved) if text.trim_end_matches([' ', '\0']) == moved.trim_end() => Ok(Stays::Same),
            Ok(moved) => Ok(put_text(element, &moved)),
            Err(_) => self.unreadable(element, vr, place),
        }
    }

    /// What becomes of a value that is no date, time or age as its VR wants it: it does not stay,
    /// and whether it or its file goes is for the profile to say, else for the Type of the
    /// attribute.
    pub(super) fn unreadable(
        &mut self,
        element: &mut Element,
        vr: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        let need = standard::attribute_type(self.iod, place.parent(), element.tag);
        let stays = match self.asked.unparseable {
            Unparseable::Remove => self.fall_back(element, vr, place)?,
            // The item goes with its value.
            Unparseable::ByType if ITEM_VALUES.contains(&element.tag) => Stays::Gone,
            Unparseable::ByType if need == Some(AttributeType::Type2) => self.empty(element, place),
            Unparseable::ByType if need != Some(AttributeType::Type1) => Stays::Gone,
            Unparseable::ByType | Unparseable::Fail => {
                return Err(failure(
                    DeidErrorKind::Date,
                    element.tag,
                    "not a date, time or age as its VR wants it, so it cannot be cleaned",
                )
                .with_remedy(
                    "correct the file, or have the profile say `unparseable = \"remove\"` \
                    in `[dicom.dates]`",
                ));
            }
        };
        self.outcome.unreadable.push(element.tag);
        Ok(stays)
    }
}
