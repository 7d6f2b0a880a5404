//! The engine on data sets made in code: values, the table row by row, private elements, reports,
//! marks.

mod coded_entries;
mod content_items;
mod declared_vr;
mod iod_types;
mod kept_values;
mod marks;
mod prediction;
mod safe_private;
mod table;
mod text_cleaning;
mod values;

use dicom_lossless::{DataSet, Element, Encoding, Limits, Tag, VR, padded};

use crate::clean::Cleaner;
use crate::error::DeidError;
use crate::profile::{Profile, from_server_json};
use crate::pseudonym::PseudonymKey;
use crate::standard;

const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;

/// The profile with these lines in `[dicom.confidentiality]`, and these sections beside it.
fn profile(confidentiality: &str, beside: &str) -> Profile {
    let json = format!(
        r#"{{"name": "t", "dicom": {{"confidentiality": {{"profile": "basic"{confidentiality}}}{beside}}}}}"#
    );
    from_server_json(&serde_json::from_str(&json).unwrap(), "test")
        .unwrap()
        .unwrap()
}

fn with_options(options: &[&str]) -> Profile {
    profile(
        &format!(
            r#", "encapsulated": "remove", "options": {}"#,
            serde_json::json!(options)
        ),
        "",
    )
}

fn key() -> PseudonymKey {
    PseudonymKey::from_bytes(&[7; 32]).unwrap()
}

fn clean_by(profile: &Profile, mut data: DataSet) -> Result<DataSet, DeidError> {
    Cleaner::new(profile, Some(key()), Limits::default())
        .unwrap()
        .clean(&mut data, LITTLE)?;
    Ok(data)
}

fn clean(options: &[&str], elements: Vec<Element>) -> DataSet {
    clean_by(&with_options(options), DataSet::from_elements(elements)).unwrap()
}

/// An element with the dictionary's VR.
fn text(keyword: &str, value: &str) -> Element {
    let tag = standard::tag_of_keyword(keyword).unwrap();
    let vr = standard::vr(tag).unwrap();
    Element::new(tag, vr, padded(vr, value.as_bytes().to_vec()))
}

fn raw(group: u16, element: u16, vr: VR, value: &str) -> Element {
    Element::new(
        Tag(group, element),
        vr,
        padded(vr, value.as_bytes().to_vec()),
    )
}

fn sequence(keyword: &str, items: Vec<Vec<Element>>) -> Element {
    let tag = standard::tag_of_keyword(keyword).unwrap();
    Element::sequence(
        tag,
        items
            .into_iter()
            .map(DataSet::from_elements)
            .collect(),
        LITTLE,
    )
}

/// What stands at a path of keywords, each sequence entered at its first item; none where there is
/// nothing.
fn at(data: &DataSet, path: &str) -> Option<String> {
    let (first, rest) = path
        .split_once('.')
        .map_or((path, None), |(first, rest)| (first, Some(rest)));
    let element = data.get(standard::tag_of_keyword(first).unwrap())?;
    match rest {
        Some(rest) => at(&element.items()?.items.first()?.data, rest),
        None => Some(shown(element)),
    }
}

fn shown(element: &Element) -> String {
    match element.bytes() {
        Some(bytes) => String::from_utf8_lossy(bytes)
            .trim_end_matches([' ', '\0'])
            .to_owned(),
        None => format!(
            "{} items",
            element
                .items()
                .map_or(0, |sequence| sequence.items.len())
        ),
    }
}
