//! Which meaning belongs to which code of a published coding scheme, and which designators are
//! those of one (PS3.16 section 8 and its context groups).
//!
//! Owns the comparison. The meanings themselves are not here, only what tells whether one of them
//! is given.

/// One number for each scheme, code and meaning, sorted; `code-meanings.py` says how it is made.
static TABLE: &[u8] = include_bytes!("code-meanings.bin");

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
    PUBLISHED.binary_search(&designator.trim()).is_ok()
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
    let (numbers, _) = TABLE.as_chunks::<8>();
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
    scheme.trim().bytes().for_each(&mut take);
    take(b'|');
    code.trim().bytes().for_each(&mut take);
    take(b'|');
    for (index, word) in meaning.split_whitespace().enumerate() {
        if index > 0 {
            take(b' ');
        }
        word.bytes().for_each(&mut take);
    }
    hash
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::standard::structured_content::concepts;

    #[test]
    fn the_table_is_the_pinned_one_and_in_order() {
        assert_eq!(
            hex::encode(Sha256::digest(TABLE)),
            "297bd490499c95f9e8ed753f7b11fac32d47ac13c3b152851b8d8bfe206dac13"
        );
        let (numbers, rest) = TABLE.as_chunks::<8>();
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
}
