//! Text attributes whose values are terms that the standard defines (PS3.3): codes in all but their VR.

use dicom_core::Tag;

const PRIORITY: &[&str] = &["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW"];
const RESCALED: &[&str] = &["OD", "HU", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"];

/// The attributes with their terms: Coding Scheme Registry, Imaged Nucleus, Rescale Type, Modality LUT Type, Requested
/// Procedure and Reporting Priority, MIME Type of Encapsulated Document.
const TERMS: [(Tag, &[&str]); 7] = [
    (Tag(0x0008, 0x0112), &["HL7"]),
    (Tag(0x0018, 0x0085), &["1H", "3HE", "7LI", "13C", "19F", "23NA", "31P", "129XE"]),
    (Tag(0x0028, 0x1054), RESCALED),
    (Tag(0x0028, 0x3004), RESCALED),
    (Tag(0x0040, 0x1003), PRIORITY),
    (Tag(0x0040, 0x1009), PRIORITY),
    (Tag(0x0042, 0x0012), &["application/pdf", "text/XML", "text/xml", "model/stl", "model/obj", "model/mtl"]),
];

/// Whether a value, padded or not, is one of the terms that the standard defines for its attribute.
pub fn is_defined_term(tag: Tag, value: &[u8]) -> bool {
    let terms = TERMS.iter().find(|(known, _)| *known == tag).map(|(_, terms)| *terms).unwrap_or_default();
    terms.iter().any(|term| term.as_bytes() == value.trim_ascii_end())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::standard::tag_of_keyword;

    #[test]
    fn terms_are_known_by_their_attribute() {
        let is_term = |keyword: &str, value: &[u8]| is_defined_term(tag_of_keyword(keyword).unwrap(), value);
        for (keyword, term) in [
            ("CodingSchemeRegistry", "HL7 "),
            ("ImagedNucleus", "1H"),
            ("RescaleType", "HU"),
            ("ModalityLUTType", "US"),
            ("RequestedProcedurePriority", "STAT"),
            ("ReportingPriority", "LOW "),
            ("MIMETypeOfEncapsulatedDocument", "application/pdf "),
        ] {
            assert!(is_term(keyword, term.as_bytes()), "{keyword}");
            assert!(!is_term(keyword, b"Quellhorst") && !is_term(keyword, b""), "{keyword}");
        }
        assert!(!is_term("ConvolutionKernel", b"HU"));
    }
}
