//! What must hold for a data set when all rules have been applied.

use dicom_lossless::{DataSet, Element, VR, Value};

use crate::elements::element_value::{is_plain, item_sets};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::has_character_set;
use crate::standard;

/// Refuses a data set in which a sequence stayed shut: rules that act in every item cannot have
/// reached what it holds.
pub fn all_sequences_open(data: &DataSet) -> Result<(), DeidError> {
    for element in data {
        if is_closed_sequence(element) {
            let what = standard::name_of(element.tag);
            let why = format!(
                "{what} is a sequence whose items cannot be read, so no rule can reach them"
            );
            return Err(DeidError::new(DeidErrorKind::Target, why)
                .with_remedy("have the profile remove the sequence"));
        }
        item_sets(element).try_for_each(all_sequences_open)?;
    }
    Ok(())
}

fn is_closed_sequence(element: &Element) -> bool {
    let sequence =
        element.vr == VR::SQ || (element.vr == VR::UN && standard::vr(element.tag) == Some(VR::SQ));
    sequence
        && element
            .bytes()
            .is_some_and(|bytes| !bytes.is_empty())
}

/// Refuses a data set whose character set was changed while values remain that depend on it.
pub fn text_is_readable(data: &DataSet) -> Result<(), DeidError> {
    if all_plain(data) {
        return Ok(());
    }
    let why =
        "Specific Character Set was changed while values remain that are written in the former one";
    Err(DeidError::new(DeidErrorKind::Text, why)
        .with_remedy("have the profile keep SpecificCharacterSet"))
}

fn all_plain(data: &DataSet) -> bool {
    data.iter()
        .all(|element| match &element.value {
            Value::Bytes(bytes) => !has_character_set(element.vr) || is_plain(bytes),
            Value::Items(_) | Value::Fragments(_) => item_sets(element).all(all_plain),
        })
}
