//! Codes: which meaning belongs to which code of a published coding scheme (PS3.16 section 8 and
//! its context groups), and text attributes whose values are codes in all but their VR (PS3.3).
//!
//! Owns the comparison. The meanings themselves are not here, only what tells whether one of them
//! is given.

use dicom_core::Tag;
use dicom_dictionary_std::tags::{
    CODE_VALUE, CODING_SCHEME_DESIGNATOR, CODING_SCHEME_REGISTRY, CODING_SCHEME_VERSION,
    IMAGED_NUCLEUS, LONG_CODE_VALUE, MIME_TYPE_OF_ENCAPSULATED_DOCUMENT, MODALITY_LUT_TYPE,
    REPORTING_PRIORITY, REQUESTED_PROCEDURE_PRIORITY, RESCALE_TYPE, URN_CODE_VALUE,
};

/// One number for each scheme, code and meaning, sorted; `code-meanings.py` says how it is made.
static MEANINGS: &[u8] = include_bytes!("code-meanings.bin");

/// Designators of PS3.16 Table 8-1 and those of the HL7 registry (table 0396) that images and
/// reports use; in order.
const PUBLISHED: [&str; 91] = [
    "99SDM",
    "ACR",
    "ART",
    "AS4",
    "ASTM-sigpurpose",
    "ATC",
    "BARI",
    "BI",
    "C4",
    "C5",
    "CAS",
    "CD2",
    "CDCA",
    "CDT",
    "CPT4",
    "CPTM",
    "CST",
    "CVX",
    "DC",
    "DCM",
    "DCMUID",
    "E",
    "FMA",
    "HCPCS",
    "HI",
    "HL7",
    "HPC",
    "I10",
    "I10C",
    "I10P",
    "I9",
    "I9C",
    "I9CP",
    "IBSI",
    "IBT",
    "ICD10",
    "ICD9",
    "ICDO",
    "ICDO3",
    "ICS",
    "IMDRF",
    "ISO",
    "ISO3166_1",
    "ISO3166_2",
    "ISO4217",
    "ISO5218_1",
    "ISO639_1",
    "ISO639_2",
    "ITIS_TSN",
    "IUPC",
    "LN",
    "LOINC",
    "MA",
    "MAYOASRG",
    "MDC",
    "MDDX",
    "MDNS",
    "MSH",
    "MVX",
    "NCDR [2.0b]",
    "NCIt",
    "NDC",
    "NEU",
    "NIC",
    "NICIP",
    "NPI",
    "NYUMCCG",
    "O",
    "PATHLEX",
    "POS",
    "PUBCHEM_CID",
    "RADELEMENT",
    "RADLEX",
    "RC",
    "RFC3066",
    "RFC5646",
    "RXNORM",
    "SCT",
    "SDM",
    "SNM",
    "SNM3",
    "SNT",
    "SRT",
    "UBERON",
    "UC",
    "UCUM",
    "UMD",
    "UML",
    "UMLS",
    "UNII",
    "UNS",
];

/// Whether a designator is that of a published coding scheme. It says nothing about the codes under
/// it.
pub fn is_published_scheme(designator: &str) -> bool {
    PUBLISHED
        .binary_search(&designator.trim())
        .is_ok()
}

/// Whether the published scheme gives this code this meaning, case and white space aside. SNOMED
/// RT, CT and International count as one where their codes do.
pub fn is_meaning_of(scheme: &str, code: &str, meaning: &str) -> bool {
    let scheme = match scheme.trim() {
        "SNM3" | "99SDM" | "SRT" => "SRT",
        scheme => scheme,
    };
    let is_listed = |scheme: &str| find(number(scheme, code, meaning));
    // Codes of SNOMED CT are also found under the designator of SNOMED RT.
    is_listed(scheme) || (scheme == "SRT" && is_listed("SCT"))
}

fn find(wanted: u64) -> bool {
    let (numbers, _) = MEANINGS.as_chunks::<8>();
    numbers
        .binary_search_by_key(&wanted, |number| u64::from_le_bytes(*number))
        .is_ok()
}

/// The FNV-1a hash of a triple as the table has it.
fn number(scheme: &str, code: &str, meaning: &str) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut take = |byte: u8| {
        hash = (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01B3);
    };
    scheme
        .trim()
        .bytes()
        .for_each(&mut take);
    take(b'|');
    code.trim()
        .bytes()
        .for_each(&mut take);
    take(b'|');
    for (index, word) in meaning
        .split_whitespace()
        .enumerate()
    {
        if index > 0 {
            take(b' ');
        }
        word.bytes().for_each(&mut take);
    }
    hash
}

const PRIORITY: &[&str] = &["STAT", "HIGH", "ROUTINE", "MEDIUM", "LOW"];
const RESCALED: &[&str] = &[
    "OD", "HU", "US", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT",
];

/// The attributes with their terms: Coding Scheme Registry, Imaged Nucleus, Rescale Type, Modality
/// LUT Type, Requested Procedure and Reporting Priority, MIME Type of Encapsulated Document.
const TERMS: [(Tag, &[&str]); 7] = [
    (CODING_SCHEME_REGISTRY, &["HL7"]),
    (
        IMAGED_NUCLEUS,
        &["1H", "3HE", "7LI", "13C", "19F", "23NA", "31P", "129XE"],
    ),
    (RESCALE_TYPE, RESCALED),
    (MODALITY_LUT_TYPE, RESCALED),
    (REQUESTED_PROCEDURE_PRIORITY, PRIORITY),
    (REPORTING_PRIORITY, PRIORITY),
    (
        MIME_TYPE_OF_ENCAPSULATED_DOCUMENT,
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
    let dense = |longest| {
        value.len() <= longest
            && value
                .iter()
                .all(u8::is_ascii_graphic)
    };
    Some(match tag {
        CODE_VALUE | CODING_SCHEME_DESIGNATOR => dense(16),
        CODING_SCHEME_VERSION => dense(128) && value.iter().any(u8::is_ascii_digit),
        LONG_CODE_VALUE => dense(1024) && value.len() > 16,
        URN_CODE_VALUE => {
            dense(1024)
                && value
                    .get(..4)
                    .is_some_and(|start| start.eq_ignore_ascii_case(b"urn:"))
        }
        _ => {
            let (_, terms) = TERMS
                .iter()
                .find(|(known, _)| *known == tag)?;
            terms
                .iter()
                .any(|term| term.as_bytes() == value)
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::standard::structured_content::concepts;
    use crate::standard::tag_of_keyword;

    #[test]
    fn the_table_is_the_pinned_one_and_in_order() {
        assert_eq!(
            hex::encode(Sha256::digest(MEANINGS)),
            "297bd490499c95f9e8ed753f7b11fac32d47ac13c3b152851b8d8bfe206dac13"
        );
        let (numbers, rest) = MEANINGS.as_chunks::<8>();
        assert_eq!((numbers.len(), rest.len()), (31_537, 0));
        assert!(
            numbers
                .iter()
                .map(|number| u64::from_le_bytes(*number))
                .is_sorted_by(|a, b| a < b)
        );
        assert!(PUBLISHED.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_meaning_is_that_of_its_code_however_it_is_spelled() {
        for (scheme, code, meaning) in [
            ("DCM", "121033", "Subject Age"),
            ("DCM", "121033 ", " subject  AGE "),
            ("DCM", "113100", "Basic Application Confidentiality Profile"),
            ("SCT", "69536005", "Head"),
            ("SRT", "T-D1100", "Head"),
            ("SNM3", "T-D1100", "Head"),
            ("SRT", "69536005", "Head"),
            ("UCUM", "mm", "mm"),
            ("LN", "18185-9", "Gestational Age"),
            ("SCT", "261665006", "Unknown"),
        ] {
            assert!(
                is_meaning_of(scheme, code, meaning),
                "{scheme} {code} {meaning}"
            );
        }
        for row in concepts() {
            assert!(
                is_meaning_of(&row.coding_scheme, &row.code_value, &row.code_meaning),
                "{}",
                row.code_meaning
            );
        }
        for (scheme, code, meaning) in [
            ("DCM", "121033", "Subject Age of Xyzzyqua"),
            ("DCM", "121033", ""),
            ("DCM", "121034", "Subject Age"),
            ("LN", "121033", "Subject Age"),
            ("dcm2", "121033", "Subject Age"),
            ("SCT", "T-D1100", "Head"),
            ("DCM", "CTABD", "CT for Mrs Xyzzyqua"),
        ] {
            assert!(
                !is_meaning_of(scheme, code, meaning),
                "{scheme} {code} {meaning}"
            );
        }
    }

    #[test]
    fn only_whole_designators_are_published() {
        for designator in ["DCM", "SCT ", "SRT", "LN", "UCUM", "99SDM", "NCDR [2.0b]"] {
            assert!(is_published_scheme(designator), "{designator}");
        }
        for designator in [
            "",
            "99",
            "99LOCAL",
            "DCMX",
            "dcm",
            "SCT-FERNDAAL",
            "FERNDAAL",
        ] {
            assert!(!is_published_scheme(designator), "{designator}");
        }
    }

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
