//! Text attributes whose values are codes in all but their VR: terms that the standard defines, and
//! the parts of coded entries (PS3.3).

use dicom_core::Tag;

const PRIORITY: &[&str] = &["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW"];
const RESCALED: &[&str] = &[
    "OD", "HU", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT",
];

/// The attributes with their terms: Coding Scheme Registry, Imaged Nucleus, Rescale Type, Modality
/// LUT Type, Requested Procedure and Reporting Priority, MIME Type of Encapsulated Document.
const TERMS: [(Tag, &[&str]); 7] = [
    (Tag(0x0008, 0x0112), &["HL7"]),
    (
        Tag(0x0018, 0x0085),
        &["1H", "3HE", "7LI", "13C", "19F", "23NA", "31P", "129XE"],
    ),
    (Tag(0x0028, 0x1054), RESCALED),
    (Tag(0x0028, 0x3004), RESCALED),
    (Tag(0x0040, 0x1003), PRIORITY),
    (Tag(0x0040, 0x1009), PRIORITY),
    (
        Tag(0x0042, 0x0012),
        &[
            "application/pdf",
            "text/XML",
            "text/xml",
            "model/stl",
            "model/obj",
            "model/mtl",
        ],
    ),
];

/// Whether a value, padded or not, is a code as its attribute holds them: one of its defined terms,
/// or of the form that the part of a coded entry has (PS3.3 section 8.8), in which there is no
/// space. None for attributes that hold other texts.
pub fn is_code(tag: Tag, value: &[u8]) -> Option<bool> {
    let value = value
        .trim_ascii_end()
        .strip_suffix(b"\0")
        .unwrap_or(value.trim_ascii_end());
    let dense = |longest| value.len() <= longest && value.iter().all(u8::is_ascii_graphic);
    Some(match tag {
        CODE_VALUE | SCHEME => dense(16),
        SCHEME_VERSION => dense(128) && value.iter().any(u8::is_ascii_digit),
        LONG_CODE_VALUE => dense(1024) && value.len() > 16,
        URN_CODE_VALUE => {
            dense(1024)
                && value
                    .get(..4)
                    .is_some_and(|start| start.eq_ignore_ascii_case(b"urn:"))
        }
        _ => {
            let (_, terms) = TERMS.iter().find(|(known, _)| *known == tag)?;
            terms.iter().any(|term| term.as_bytes() == value)
        }
    })
}

const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
const SCHEME: Tag = Tag(0x0008, 0x0102);
const SCHEME_VERSION: Tag = Tag(0x0008, 0x0103);
const LONG_CODE_VALUE: Tag = Tag(0x0008, 0x0119);
const URN_CODE_VALUE: Tag = Tag(0x0008, 0x0120);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::standard::tag_of_keyword;

    #[test]
    fn codes_are_known_by_their_attribute_and_form() {
        let is_code = |keyword: &str, value: &str| {
            is_code(tag_of_keyword(keyword).unwrap(), value.as_bytes())
        };
        for (keyword, code) in [
            ("CodingSchemeRegistry", "HL7 "),
            ("ImagedNucleus", "1H"),
            ("RescaleType", "HU"),
            ("ModalityLUTType", "US"),
            ("RequestedProcedurePriority", "STAT"),
            ("ReportingPriority", "LOW "),
            ("MIMETypeOfEncapsulatedDocument", "application/pdf "),
            ("CodeValue", "G-C036 "),
            ("CodeValue", "{counts}/s"),
            ("CodingSchemeDesignator", "99LOCAL"),
            (
                "CodingSchemeVersion",
                "http://snomed.info/sct/900000000000207008/version/20230930",
            ),
            ("LongCodeValue", "621566751000087104"),
            (
                "URNCodeValue",
                "urn:lex:us:federal:codified.regulation:2013-04-25;45CFR164",
            ),
        ] {
            assert_eq!(is_code(keyword, code), Some(true), "{keyword}");
            assert_eq!(
                is_code(keyword, "made for Mrs Quellhorst"),
                Some(false),
                "{keyword}"
            );
        }
        for (keyword, text) in [
            ("LongCodeValue", "Quellhorst"),
            ("URNCodeValue", "http://quellhorst.example"),
            ("CodingSchemeVersion", "Quellhorst"),
            ("CodeValue", "Söhnchen"),
        ] {
            assert_eq!(is_code(keyword, text), Some(false), "{keyword}");
        }
        assert_eq!(is_code("ConvolutionKernel", "HU"), None);
    }
}
