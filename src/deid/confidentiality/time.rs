//! Dates that move: those of events in the patient's life. Dates of devices and of vocabularies can be looked up, so moving
//! them would tell by how many days; they are treated as if the option did not speak of them.

use super::act::put_text;
use super::{Place, Stays, Work, failure};
use crate::deid::temporal;
use crate::dicom::{Element, VR};
use crate::failure::{FileCode, FileFailure};
use crate::profile::Unparseable;
use crate::standard::{self, TemporalRole};

impl Work<'_> {
    /// Moves each date of an element by the patient's shift.
    pub(super) fn move_dates(&mut self, element: &mut Element, vr: VR, place: Place<'_>) -> Result<Stays, FileFailure> {
        let of_subject = standard::temporal_role(element.tag).is_none_or(|role| role == TemporalRole::Subject);
        let bytes = element.bytes().filter(|_| of_subject && matches!(vr, VR::DA | VR::DT | VR::TM));
        let Some(bytes) = bytes else { return self.fall_back(element, vr, place) };
        let text = String::from_utf8_lossy(bytes).into_owned();
        match temporal::shift(&text, vr, self.patient.days) {
            Ok(moved) if text.trim_end_matches([' ', '\0']) == moved.trim_end() => Ok(Stays::Same),
            Ok(moved) => Ok(put_text(element, &moved)),
            Err(_) if self.asked.unparseable == Unparseable::Remove => self.fall_back(element, vr, place),
            Err(_) => {
                Err(failure(FileCode::DeidDate, element.tag, "not a date or time as its VR wants it, so it cannot be moved")
                    .with_hint("correct the file, or have the profile say `unparseable = \"remove\"` in `[dicom.dates]`"))
            }
        }
    }
}
