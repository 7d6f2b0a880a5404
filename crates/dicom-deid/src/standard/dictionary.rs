//! The data dictionary (PS3.6): keywords, tags and VRs of the standard's attributes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, TagRange, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

/// The keyword of an attribute; none for private elements, group lengths and repeating groups.
pub fn keyword(tag: Tag) -> Option<&'static str> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    matches!(entry.tag, TagRange::Single(_)).then_some(entry.alias)
}

/// The attribute with exactly this keyword. Keywords of repeating groups (`OverlayData`) name no
/// single attribute.
pub fn tag_of_keyword(keyword: &str) -> Option<Tag> {
    match StandardDataDictionary
        .by_name(keyword)?
        .tag
    {
        TagRange::Single(tag) => Some(tag),
        _ => None,
    }
}

/// The attribute whose keyword is this one but for upper and lower case, and the keyword as it
/// should be.
pub fn tag_of_keyword_any_case(written: &str) -> Option<(Tag, &'static str)> {
    if let Some(tag) = tag_of_keyword(written) {
        return Some((tag, keyword(tag)?));
    }
    all_keywords()
        .get(&written.to_ascii_lowercase())
        .copied()
}

/// What is longer is no misspelled word, and comparing takes time by length.
const LONGEST_WORD: usize = 64;

/// How much something that was written looks like a word that is known: 1 is the same, 0 is nothing
/// alike.
pub fn likeness(written: &str, known: &str) -> f64 {
    if written.len() > LONGEST_WORD {
        0.0
    } else {
        strsim::jaro_winkler(written, known)
    }
}

/// Of several known words the one that looks most like what was written, if one comes close.
pub fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known
        .into_iter()
        .map(|word| (likeness(written, word), word));
    most_like(scored, 0.8)
}

/// Of several words the one with the highest score, if that is above `least`.
fn most_like<'a>(scored: impl Iterator<Item = (f64, &'a str)>, least: f64) -> Option<&'a str> {
    let (score, word) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > least).then_some(word)
}

/// The keyword that was meant by what was written: the same but for case, else the one that looks
/// most like it, if one comes close.
pub fn suggested_keyword(written: &str) -> Option<&'static str> {
    if let Some((_, keyword)) = tag_of_keyword_any_case(written) {
        return Some(keyword);
    }
    let written = written.to_ascii_lowercase();
    let scored = all_keywords()
        .iter()
        .map(|(lower, (_, keyword))| (likeness(&written, lower), *keyword));
    most_like(scored, 0.88)
}

/// The VR of a public attribute or of a private creator. Where the standard leaves a choice: US for
/// "US or SS", OW for the others. None for unknown and private attributes.
pub fn vr(tag: Tag) -> Option<VR> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    match entry.vr() {
        VirtualVr::Exact(vr) => Some(vr),
        VirtualVr::Xs => Some(VR::US),
        _ => Some(VR::OW),
    }
}

/// Whether the standard leaves the choice between US and SS to Pixel Representation (0028,0103).
pub fn is_us_or_ss(tag: Tag) -> bool {
    StandardDataDictionary
        .by_tag(tag)
        .is_some_and(|entry| entry.vr() == VirtualVr::Xs)
}

/// Whether a tag is private: an odd group (PS3.5 section 7.8).
pub fn is_private(tag: Tag) -> bool {
    tag.group() % 2 == 1
}

/// How messages call an attribute: the keyword and the tag, or the tag alone.
pub fn name_of(tag: Tag) -> String {
    keyword(tag).map_or_else(|| tag.to_string(), |keyword| format!("{keyword} {tag}"))
}

/// A tag as eight hex digits in lower case.
pub fn hex_digits(tag: Tag) -> String {
    format!("{:04x}{:04x}", tag.group(), tag.element())
}

/// The groups in which the standard has attributes, repeating groups left out.
pub const GROUPS: &[u16] = &[
    0x0002, 0x0004, 0x0006, 0x0008, 0x0010, 0x0012, 0x0014, 0x0016, 0x0018, 0x0020, 0x0022, 0x0024,
    0x0028, 0x0032, 0x0034, 0x0036, 0x0038, 0x003A, 0x0040, 0x0042, 0x0044, 0x0046, 0x0048, 0x0050,
    0x0052, 0x0054, 0x0060, 0x0062, 0x0064, 0x0066, 0x0068, 0x006A, 0x0070, 0x0072, 0x0074, 0x0076,
    0x0078, 0x0080, 0x0082, 0x0088, 0x0100, 0x0400, 0x1000, 0x1010, 0x2000, 0x2010, 0x2020, 0x2030,
    0x2040, 0x2050, 0x2100, 0x2110, 0x2120, 0x2130, 0x2200, 0x3002, 0x3004, 0x3006, 0x3008, 0x300A,
    0x300C, 0x300E, 0x3010, 0x4000, 0x4008, 0x4010, 0x4FFE, 0x5200, 0x5400, 0x5600, 0x7FE0, 0xFFFA,
    0xFFFC,
];

/// Every keyword, in lower case. The dictionary offers no list of its entries, so this asks for
/// every tag; it is made only when a keyword was misspelled.
fn all_keywords() -> &'static BTreeMap<String, (Tag, &'static str)> {
    static ALL: OnceLock<BTreeMap<String, (Tag, &'static str)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let tags = GROUPS
            .iter()
            .flat_map(|group| (0..=u16::MAX).map(|element| Tag(*group, element)));
        tags.filter_map(|tag| {
            keyword(tag).map(|keyword| (keyword.to_ascii_lowercase(), (tag, keyword)))
        })
        .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keywords_both_ways() {
        assert_eq!(tag_of_keyword("PatientName"), Some(Tag(0x0010, 0x0010)));
        assert_eq!(keyword(Tag(0x0010, 0x0010)), Some("PatientName"));
        assert_eq!(
            tag_of_keyword("OverlayData"),
            None,
            "names a repeating group"
        );
        assert_eq!(keyword(Tag(0x6000, 0x3000)), None);
        assert_eq!(keyword(Tag(0x0009, 0x0010)), None);
        assert_eq!(name_of(Tag(0x0009, 0x1001)), "(0009,1001)");
    }

    #[test]
    fn misspelled_keywords_are_recognised() {
        assert_eq!(
            tag_of_keyword_any_case("patientid"),
            Some((Tag(0x0010, 0x0020), "PatientID"))
        );
        assert_eq!(suggested_keyword("PatientsName"), Some("PatientName"));
        assert_eq!(suggested_keyword("xyz"), None);
    }

    #[test]
    fn knows_vrs() {
        assert_eq!(vr(Tag(0x0010, 0x0010)), Some(VR::PN));
        assert_eq!(vr(Tag(0x0028, 0x0106)), Some(VR::US));
        assert_eq!(vr(Tag(0x6002, 0x3000)), Some(VR::OW));
        assert_eq!(vr(Tag(0x0009, 0x0010)), Some(VR::LO));
        assert_eq!(vr(Tag(0x0009, 0x1001)), None);
    }
}
