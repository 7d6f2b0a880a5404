//! What an output says of itself (PS3.15 section E.1.1): that it was de-identified, how, and by
//! what.
//!
//! Claims what was done to this instance and nothing else; what earlier de-identification wrote
//! stays.

use std::iter;

use bytes::Bytes;
use dicom_dictionary_std::tags::{
    BURNED_IN_ANNOTATION, CODE_VALUE, CONTRIBUTING_EQUIPMENT_SEQUENCE, DEIDENTIFICATION_METHOD,
    DEIDENTIFICATION_METHOD_CODE_SEQUENCE, LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
    MANUFACTURER, MANUFACTURER_MODEL_NAME, PATIENT_IDENTITY_REMOVED,
    PURPOSE_OF_REFERENCE_CODE_SEQUENCE, SOFTWARE_VERSIONS,
};
use dicom_lossless::{
    DataSet, Element, Encoding, IMPLEMENTATION_VERSION, Item, LengthForm, Tag, VR, padded,
};

use super::{
    BasicProfile, BasicProfileOutcome, Exceptions, code_item, code_sequence, put_text, text_element,
};
use crate::profile::{Confidentiality, EDITION};
use crate::standard::confidentiality::ConfidentialityOption as O;

/// The longest value of LO, in characters.
const LONGEST_LO: usize = 64;

impl BasicProfile {
    /// Whether an image that regions settle counts as cleaned: the profile has the option.
    pub fn claims_clean_pixels(&self) -> bool {
        self.settings
            .options
            .has(O::CleanPixelData)
    }

    /// Puts the marks into the outermost data set. Pixels are clean where text was found, blanked
    /// and not found again; under the option also where regions were blanked, or an entry of the
    /// profile says that there is nothing to blank. They are not where nothing was looked for, nor
    /// where nothing was found.
    pub fn mark(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        outcome: &BasicProfileOutcome,
        pixels_cleaned: bool,
    ) {
        let settings = &self.settings;
        let has = |option| settings.options.has(option);
        set_text(data, PATIENT_IDENTITY_REMOVED, "YES");
        if outcome.exceptions != Exceptions::Dates {
            let temporal = if has(O::RetainFullDates) {
                "UNMODIFIED"
            } else if has(O::RetainModifiedDates) {
                "MODIFIED"
            } else {
                "REMOVED"
            };
            set_text(data, LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, temporal);
        }
        add_method(data, &method(settings, outcome, pixels_cleaned));
        for (code, meaning) in codes(settings, outcome, pixels_cleaned) {
            let item = code_item((code, "DCM", &meaning));
            let is_same = |known: &DataSet| code_value(known) == code_value(&item);
            add_item(
                data,
                DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
                item.clone(),
                encoding,
                is_same,
            );
        }
        if pixels_cleaned {
            set_text(data, BURNED_IN_ANNOTATION, "NO");
        }
        add_equipment(data, encoding);
    }
}

/// The options that were carried out on this instance. Pixels may have been cleaned without the
/// option: a profile that has text looked for asks for that in its own way.
fn carried_out(settings: &Confidentiality, pixels_cleaned: bool) -> impl Iterator<Item = O> {
    settings
        .options
        .iter()
        .filter(|option| *option != O::CleanPixelData)
        .chain(pixels_cleaned.then_some(O::CleanPixelData))
}

/// The codes of CID 7050 that are true of this instance. With an exception the Basic Profile was
/// not carried out.
fn codes(
    settings: &Confidentiality,
    outcome: &BasicProfileOutcome,
    pixels_cleaned: bool,
) -> Vec<(&'static str, String)> {
    if outcome.exceptions != Exceptions::None || outcome.document_kept {
        return Vec::new();
    }
    let basic = (
        "113100",
        "Basic Application Confidentiality Profile".to_owned(),
    );
    let options =
        carried_out(settings, pixels_cleaned).map(|option| (option.method_code(), meaning(option)));
    iter::once(basic)
        .chain(options)
        .collect()
}

/// The code meaning of an option in CID 7050, which spells two of them shorter than PS3.15.
fn meaning(option: O) -> String {
    let name = option.name();
    format!(
        "{} Option",
        name.replace("Information with ", "Information ")
    )
}

/// The method in words; values of at most 64 characters.
fn method(
    settings: &Confidentiality,
    outcome: &BasicProfileOutcome,
    pixels_cleaned: bool,
) -> Vec<String> {
    let mut values = vec![format!(
        "{IMPLEMENTATION_VERSION}: PS3.15 {EDITION} Basic Profile"
    )];
    if outcome.exceptions != Exceptions::None || outcome.document_kept {
        values.push("with exceptions that the profile makes".to_owned());
    }
    let mut line = String::new();
    for option in carried_out(settings, pixels_cleaned) {
        let slug = option.slug();
        if !line.is_empty() && line.len() + 1 + slug.len() > LONGEST_LO {
            values.push(std::mem::take(&mut line));
        }
        line = if line.is_empty() {
            slug.to_owned()
        } else {
            format!("{line} {slug}")
        };
    }
    values.extend((!line.is_empty()).then_some(line));
    values
}

/// Adds values to De-identification Method, unless they are there.
fn add_method(data: &mut DataSet, values: &[String]) {
    let old = data
        .get(DEIDENTIFICATION_METHOD)
        .and_then(Element::bytes)
        .cloned()
        .unwrap_or_default();
    let mut all: Vec<&[u8]> = old
        .split(|byte| *byte == b'\\')
        .map(<[u8]>::trim_ascii_end)
        .filter(|one| !one.is_empty())
        .collect();
    for value in values {
        if !all.contains(&value.as_bytes()) {
            all.push(value.as_bytes());
        }
    }
    let joined = all.join(&b'\\');
    data.put(Element::new(
        DEIDENTIFICATION_METHOD,
        VR::LO,
        padded(VR::LO, joined),
    ));
}

fn code_value(item: &DataSet) -> Option<&Bytes> {
    item.get(CODE_VALUE)
        .and_then(Element::bytes)
}

/// Adds an item to a sequence, unless one like it is there.
fn add_item(
    data: &mut DataSet,
    tag: Tag,
    item: DataSet,
    encoding: Encoding,
    is_same: impl Fn(&DataSet) -> bool,
) {
    match data
        .get_mut(tag)
        .and_then(Element::items_mut)
    {
        Some(sequence)
            if sequence
                .items
                .iter()
                .any(|known| is_same(&known.data)) => {}
        Some(sequence) => sequence.items.push(Item {
            data: item,
            length: LengthForm::Undefined,
        }),
        None => data.put(Element::sequence(tag, vec![item], encoding)),
    }
}

/// Adds this program to the equipment that made the instance what it is (PS3.3 section C.12.1.1.5).
fn add_equipment(data: &mut DataSet, encoding: Encoding) {
    let inside = data
        .get(CONTRIBUTING_EQUIPMENT_SEQUENCE)
        .and_then(Element::items)
        .map_or(encoding, |sequence| sequence.encoding);
    let item = DataSet::from_elements(vec![
        text_element(MANUFACTURER, VR::LO, "fwupload"),
        text_element(MANUFACTURER_MODEL_NAME, VR::LO, "fwupload"),
        text_element(SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION")),
        code_sequence(
            PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
            ("109104", "DCM", "De-identifying Equipment"),
            inside,
        ),
    ]);
    add_item(
        data,
        CONTRIBUTING_EQUIPMENT_SEQUENCE,
        item.clone(),
        encoding,
        |known| *known == item,
    );
}

/// Sets a code string.
fn set_text(data: &mut DataSet, tag: Tag, text: &str) {
    match data.get_mut(tag) {
        Some(element) if element.items().is_none() => {
            put_text(element, text);
        }
        _ => data.put(text_element(tag, VR::CS, text)),
    }
}
