//! What an output says of itself (PS3.15 section E.1.1): that it was de-identified, how, and by
//! what.
//!
//! Claims what was done to this instance and nothing else; what earlier de-identification wrote
//! stays.

use dicom_lossless::{DataSet, Element, Encoding, IMPLEMENTATION_VERSION, Tag, VR, padded};

use super::{BasicProfileOutcome, Exceptions, code_item, code_sequence, put_text};
use crate::profile::{Confidentiality, EDITION};
use crate::standard::confidentiality::ConfidentialityOption as O;

const IDENTITY_REMOVED: Tag = Tag(0x0012, 0x0062);
const METHOD: Tag = Tag(0x0012, 0x0063);
const METHOD_CODES: Tag = Tag(0x0012, 0x0064);
const TEMPORAL: Tag = Tag(0x0028, 0x0303);
const BURNED_IN: Tag = Tag(0x0028, 0x0301);
const EQUIPMENT: Tag = Tag(0x0018, 0xA001);
const PURPOSE: Tag = Tag(0x0040, 0xA170);
const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
/// The longest value of LO, in characters.
const LONGEST_LO: usize = 64;

/// Puts the marks into the outermost data set. Pixels are clean where regions were blanked, or
/// an entry of the profile says that there is nothing to blank; not where nothing was looked for.
pub(super) fn put_marks(
    data: &mut DataSet,
    encoding: Encoding,
    settings: &Confidentiality,
    outcome: &BasicProfileOutcome,
    pixels_cleaned: bool,
) {
    set_text(data, IDENTITY_REMOVED, VR::CS, "YES");
    let temporal = [
        (O::RetainFullDates, "UNMODIFIED"),
        (O::RetainModifiedDates, "MODIFIED"),
    ];
    let temporal = temporal
        .into_iter()
        .find(|(option, _)| settings.options.has(*option));
    if outcome.exceptions != Exceptions::Dates {
        set_text(
            data,
            TEMPORAL,
            VR::CS,
            temporal.map_or("REMOVED", |(_, word)| word),
        );
    }
    add_method(data, &method(settings, outcome, pixels_cleaned));
    for (code, meaning) in codes(settings, outcome, pixels_cleaned) {
        add_code(
            data,
            METHOD_CODES,
            code_item(code, "DCM", meaning),
            encoding,
        );
    }
    if pixels_cleaned && settings.options.has(O::CleanPixelData) {
        set_text(data, BURNED_IN, VR::CS, "NO");
    }
    add_equipment(data, encoding);
}

/// The options that were carried out on this instance.
fn carried_out(settings: &Confidentiality, pixels_cleaned: bool) -> impl Iterator<Item = O> {
    settings
        .options
        .iter()
        .filter(move |option| *option != O::CleanPixelData || pixels_cleaned)
}

/// The codes of CID 7050 that are true of this instance. With an exception the Basic Profile was
/// not carried out.
pub(super) fn codes(
    settings: &Confidentiality,
    outcome: &BasicProfileOutcome,
    pixels_cleaned: bool,
) -> Vec<(&'static str, &'static str)> {
    if outcome.exceptions != Exceptions::None || outcome.document_kept {
        return Vec::new();
    }
    let basic = [("113100", "Basic Application Confidentiality Profile")];
    basic
        .into_iter()
        .chain(
            carried_out(settings, pixels_cleaned)
                .map(|option| (option.method_code(), meaning(option))),
        )
        .collect()
}

/// Code meanings of CID 7050.
fn meaning(option: O) -> &'static str {
    match option {
        O::CleanPixelData => "Clean Pixel Data Option",
        O::CleanGraphics => "Clean Graphics Option",
        O::CleanStructuredContent => "Clean Structured Content Option",
        O::CleanDescriptors => "Clean Descriptors Option",
        O::RetainFullDates => "Retain Longitudinal Temporal Information Full Dates Option",
        O::RetainModifiedDates => "Retain Longitudinal Temporal Information Modified Dates Option",
        O::RetainPatientCharacteristics => "Retain Patient Characteristics Option",
        O::RetainDeviceIdentity => "Retain Device Identity Option",
        O::RetainUids => "Retain UIDs Option",
        O::RetainSafePrivate => "Retain Safe Private Option",
        O::RetainInstitutionIdentity => "Retain Institution Identity Option",
    }
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
        .get(METHOD)
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
    data.put(Element::new(METHOD, VR::LO, padded(VR::LO, joined)));
}

/// Adds the item of a code sequence, unless its code is there.
fn add_code(data: &mut DataSet, tag: Tag, item: DataSet, encoding: Encoding) {
    let code = item
        .get(CODE_VALUE)
        .and_then(Element::bytes)
        .cloned();
    match data
        .get_mut(tag)
        .and_then(Element::items_mut)
    {
        Some(sequence) => {
            let known = |one: &dicom_lossless::Item| {
                one.data
                    .get(CODE_VALUE)
                    .and_then(Element::bytes)
                    .cloned()
                    == code
            };
            if !sequence.items.iter().any(known) {
                sequence
                    .items
                    .push(dicom_lossless::Item {
                        data: item,
                        length: dicom_lossless::LengthForm::Undefined,
                    });
            }
        }
        None => data.put(code_sequence(tag, item, encoding)),
    }
}

/// Adds this program to the equipment that made the instance what it is (PS3.3 section C.12.1.1.5).
fn add_equipment(data: &mut DataSet, encoding: Encoding) {
    let inside = data
        .get(EQUIPMENT)
        .and_then(Element::items)
        .map_or(encoding, |sequence| sequence.encoding);
    let text = |tag, text: &'static str| {
        Element::new(tag, VR::LO, padded(VR::LO, text.as_bytes().to_vec()))
    };
    let item = DataSet::from_elements(vec![
        text(Tag(0x0008, 0x0070), "fwupload"),
        text(Tag(0x0008, 0x1090), "fwupload"),
        text(Tag(0x0018, 0x1020), env!("CARGO_PKG_VERSION")),
        code_sequence(
            PURPOSE,
            code_item("109104", "DCM", "De-identifying Equipment"),
            inside,
        ),
    ]);
    match data
        .get_mut(EQUIPMENT)
        .and_then(Element::items_mut)
    {
        Some(sequence)
            if sequence
                .items
                .iter()
                .any(|known| known.data == item) => {}
        Some(sequence) => sequence
            .items
            .push(dicom_lossless::Item {
                data: item,
                length: dicom_lossless::LengthForm::Undefined,
            }),
        None => data.put(Element::sequence(EQUIPMENT, vec![item], encoding)),
    }
}

fn set_text(data: &mut DataSet, tag: Tag, vr: VR, text: &str) {
    match data.get_mut(tag) {
        Some(element) if element.items().is_none() => {
            put_text(element, text);
        }
        _ => data.put(Element::new(tag, vr, padded(vr, text.as_bytes().to_vec()))),
    }
}
