//! What must hold for a data set when all rules have been applied.

use dicom_lossless::{CharacterSet, DataSet, Element, VR, Value};

use super::compiled_action::CHARACTER_SET;
use super::element_value::is_plain;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::has_character_set;
use crate::standard;

/// Refuses a data set in which a sequence stayed shut: rules that act in every item cannot have
/// reached what it holds.
pub(super) fn all_sequences_open(data: &DataSet) -> Result<(), DeidError> {
    for element in data {
        if is_closed_sequence(element) {
            let what = standard::name_of(element.tag);
            let why = format!(
                "{what} is a sequence whose items cannot be read, so no rule can reach them"
            );
            return Err(DeidError::new(DeidErrorKind::Target, why)
                .with_remedy("have the profile remove the sequence"));
        }
        for item in element
            .items()
            .into_iter()
            .flat_map(|sequence| &sequence.items)
        {
            all_sequences_open(&item.data)?;
        }
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

/// The character set that Specific Character Set names, to see later whether it changed. Its
/// spelling may.
pub(super) fn character_set(data: &DataSet) -> Option<CharacterSet> {
    data.get(CHARACTER_SET)
        .and_then(Element::bytes)
        .map(|value| CharacterSet::from_element(value))
}

/// Refuses a data set whose character set was changed while values remain that depend on it.
pub(super) fn text_is_readable(data: &DataSet) -> Result<(), DeidError> {
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
            Value::Items(sequence) => sequence
                .items
                .iter()
                .all(|item| all_plain(&item.data)),
            Value::Fragments(_) => true,
        })
}
