//! The header fields that rules may name, and the two headers that there are: the original, which
//! decides, and the cleaned, from which values come. They are two traits on purpose: nothing that
//! writes a value takes an [`OriginalHeader`].

use std::collections::BTreeMap;
use std::sync::OnceLock;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, TagRange, VirtualVr};
pub use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use super::refusal::{Refusal, closest, shown};
use super::value::Value;

/// The header of a file as it was found. It decides which rule takes a file and how files are
/// grouped; no value that is written comes from it:
///
/// ```compile_fail
/// # use import_rules::{FileFields, OriginalHeader, Rule, Settings};
/// fn labels(rule: &Rule, file: &FileFields, header: &dyn OriginalHeader) {
///     rule.extract(file, Some(header), &Settings::default());
/// }
/// ```
pub trait OriginalHeader {
    /// The values of an element outside of sequences, decoded, without padding; none where it is
    /// absent or has no value.
    fn original_values(&self, field: &HeaderField) -> Vec<String>;
}

/// The header of a file after cleaning: the only header from which values come.
pub trait CleanedHeader {
    /// The values of an element outside of sequences, decoded, without padding; none where it is
    /// absent or has no value.
    fn cleaned_values(&self, field: &HeaderField) -> Vec<String>;
}

/// An element that a rule names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HeaderField {
    /// An element of the standard.
    Standard(Tag),
    /// A private element, by its group, the last two digits of its number, and its creator.
    Private {
        /// An odd number.
        group: u16,
        /// The last two hexadecimal digits.
        element: u8,
        /// The text of the element that reserves the block.
        creator: String,
    },
}

impl HeaderField {
    /// The element of a keyword, in any case, or of eight hexadecimal digits.
    pub fn parse(name: &str) -> Result<Self, Refusal> {
        if let Some(tag) = of_keyword(name) {
            return Self::standard(tag, name);
        }
        if name.len() == 8
            && let Ok(number) = u32::from_str_radix(name, 16)
        {
            let (group, element) = (number >> 16, number & 0xffff);
            let tag = Tag(
                u16::try_from(group).unwrap_or_default(),
                u16::try_from(element).unwrap_or_default(),
            );
            if tag.group() % 2 == 1 {
                return Err(
                    Refusal::new(format!("`{}` is a private element", shown(name)))
                        .with_hint(
                            "filters take it with its creator, `(0019,100C,\"CREATOR\")`; it gives no values",
                        ),
                );
            }
            return match vr_of(tag) {
                Some(_) => Self::standard(tag, name),
                None => Err(Refusal::new(format!(
                    "the standard has no element `{}`",
                    shown(name)
                ))),
            };
        }
        let known = keywords()
            .values()
            .map(|(_, keyword)| *keyword);
        Err(
            Refusal::new(format!("`{}` is no source", shown(name))).did_you_mean(
                closest(name, known, 0.88),
                "sources are path, name, dir, depth, size, ctime, mtime and DICOM keywords",
            ),
        )
    }

    /// `(gggg,eeee,"CREATOR")`.
    pub(crate) fn parse_private(text: &str) -> Result<Self, Refusal> {
        let wrong = || {
            Refusal::new("a private element is not written as one")
                .with_hint("write it as `(0019,100C,\"CREATOR\")`")
        };
        let inner = text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
            .ok_or_else(wrong)?;
        let mut parts = inner.splitn(3, ',');
        let mut number = || {
            let digits = parts.next().map(str::trim)?;
            (digits.len() == 4)
                .then(|| u16::from_str_radix(digits, 16).ok())
                .flatten()
        };
        let (group, element) = (number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
        let creator = parts
            .next()
            .map(str::trim)
            .and_then(|text| text.strip_prefix('"'))
            .and_then(|text| text.strip_suffix('"'))
            .filter(|creator| !creator.is_empty())
            .ok_or_else(wrong)?;
        if group % 2 == 0 || group < 9 {
            return Err(Refusal::new(
                "the group of a private element is an odd number",
            ));
        }
        Ok(Self::Private {
            group,
            element: element.to_le_bytes()[0],
            creator: creator.to_owned(),
        })
    }

    fn standard(tag: Tag, name: &str) -> Result<Self, Refusal> {
        let none = match vr_of(tag) {
            Some(VR::SQ) => "a sequence",
            Some(VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW) => "a block of bytes",
            _ => return Ok(Self::Standard(tag)),
        };
        Err(Refusal::new(format!(
            "`{}` is {none}, which has no text",
            shown(name)
        )))
    }

    /// How values of the element are kept: as whole numbers, as numbers or as text.
    pub(crate) fn kind(&self) -> ValueKind {
        let Self::Standard(tag) = self else {
            return ValueKind::Text;
        };
        match vr_of(*tag) {
            Some(VR::IS | VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV) => ValueKind::Whole,
            Some(VR::DS | VR::FL | VR::FD) => ValueKind::Number,
            _ => ValueKind::Text,
        }
    }

    /// The value of an element as templates see it: several as a list.
    pub(crate) fn value(&self, values: &[String]) -> Option<Value> {
        let kind = self.kind();
        let read = |text: &String| {
            let plain = text.trim();
            match kind {
                ValueKind::Whole => plain
                    .parse()
                    .map_or_else(|_| Value::text(plain), Value::Integer),
                ValueKind::Number => plain
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite())
                    .map_or_else(|| Value::text(plain), Value::Float),
                ValueKind::Text => Value::text(text.trim_end()),
            }
        };
        match values {
            [] => None,
            [one] => Some(read(one)),
            several => Some(Value::List(several.iter().map(read).collect())),
        }
    }
}

/// How values of an element are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Text,
    Whole,
    Number,
}

fn vr_of(tag: Tag) -> Option<VR> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    match entry.vr() {
        VirtualVr::Exact(vr) => Some(vr),
        VirtualVr::Xs => Some(VR::US),
        _ => Some(VR::OW),
    }
}

/// The element whose keyword this is, in any case.
fn of_keyword(written: &str) -> Option<Tag> {
    let single = |tag| match tag {
        TagRange::Single(tag) => Some(tag),
        _ => None,
    };
    match StandardDataDictionary.by_name(written) {
        Some(entry) => single(entry.tag),
        None => keywords()
            .get(&written.to_ascii_lowercase())
            .map(|(tag, _)| *tag),
    }
}

/// The groups of the standard.
const GROUPS: &[u16] = &[
    0x0002, 0x0004, 0x0006, 0x0008, 0x0010, 0x0012, 0x0014, 0x0016, 0x0018, 0x0020, 0x0022, 0x0024,
    0x0028, 0x0032, 0x0034, 0x0036, 0x0038, 0x003A, 0x0040, 0x0042, 0x0044, 0x0046, 0x0048, 0x0050,
    0x0052, 0x0054, 0x0060, 0x0062, 0x0064, 0x0066, 0x0068, 0x006A, 0x0070, 0x0072, 0x0074, 0x0076,
    0x0078, 0x0080, 0x0082, 0x0088, 0x0100, 0x0400, 0x1000, 0x1010, 0x2000, 0x2010, 0x2020, 0x2030,
    0x2040, 0x2050, 0x2100, 0x2110, 0x2120, 0x2130, 0x2200, 0x3002, 0x3004, 0x3006, 0x3008, 0x300A,
    0x300C, 0x300E, 0x3010, 0x4000, 0x4008, 0x4010, 0x4FFE, 0x5200, 0x5400, 0x5600, 0x7FE0, 0xFFFA,
    0xFFFC,
];

/// Every keyword in lower case, with its tag and its own spelling. The dictionary offers no list of
/// its entries, so this asks for every tag; it is made only when a keyword is written otherwise.
fn keywords() -> &'static BTreeMap<String, (Tag, &'static str)> {
    static KEYWORDS: OnceLock<BTreeMap<String, (Tag, &'static str)>> = OnceLock::new();
    KEYWORDS.get_or_init(|| {
        GROUPS
            .iter()
            .flat_map(|group| (0..=u16::MAX).map(|element| Tag(*group, element)))
            .filter_map(|tag| {
                let entry = StandardDataDictionary.by_tag(tag)?;
                let single = matches!(entry.tag, TagRange::Single(_));
                single.then(|| (entry.alias.to_ascii_lowercase(), (tag, entry.alias)))
            })
            .collect()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_named_by_keyword_or_number() {
        let id = HeaderField::Standard(Tag(0x0010, 0x0020));
        for name in ["PatientID", "patientid", "00100020"] {
            assert_eq!(HeaderField::parse(name), Ok(id.clone()));
        }
        assert_eq!(
            HeaderField::parse("0008103E"),
            HeaderField::parse("SeriesDescription")
        );
        assert_eq!(
            HeaderField::parse_private(r#"(0019,100C,"SIEMENS MR HEADER")"#),
            Ok(HeaderField::Private {
                group: 0x0019,
                element: 0x0c,
                creator: "SIEMENS MR HEADER".to_owned()
            })
        );
        for name in [
            "PatientIdd",
            "0019100C",
            "RequestAttributesSequence",
            "PixelData",
            "00100001",
        ] {
            assert!(HeaderField::parse(name).is_err(), "{name}");
        }
        let refusal = HeaderField::parse("PatientIdd").unwrap_err();
        assert_eq!(refusal.hint.as_deref(), Some("did you mean `PatientID`?"));
    }

    #[test]
    fn numbers_are_numbers_and_several_values_a_list() {
        let text = |name: &str, values: &[&str]| {
            let values: Vec<String> = values
                .iter()
                .map(ToString::to_string)
                .collect();
            HeaderField::parse(name)
                .unwrap()
                .value(&values)
                .map(|value| value.to_text())
        };
        assert_eq!(text("PatientWeight", &["70"]).as_deref(), Some("70.0"));
        assert_eq!(text("EchoTime", &["2.50"]).as_deref(), Some("2.5"));
        assert_eq!(text("SeriesNumber", &["007"]).as_deref(), Some("7"));
        assert_eq!(
            text("ImageType", &["ORIGINAL", "PRIMARY"]).as_deref(),
            Some("['ORIGINAL', 'PRIMARY']")
        );
        assert_eq!(
            text("PixelSpacing", &["0.5", "1"]).as_deref(),
            Some("[0.5, 1.0]")
        );
        assert_eq!(
            text("PatientName", &["DOE^JANE "]).as_deref(),
            Some("DOE^JANE")
        );
        assert_eq!(text("PatientID", &[]), None);
    }
}
