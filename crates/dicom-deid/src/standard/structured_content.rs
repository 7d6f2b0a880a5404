//! Which concepts of structured reports may identify, and what the Basic Profile and its options do
//! about the content items that they name (PS3.15 Table E.3.4-1, edition 2026c). Data only: nothing
//! here acts on a report.

use std::sync::LazyLock;

use foldhash::HashMap;

use super::confidentiality::{ActionCode, ConfidentialityOption};
use super::table::{Row, rows};

/// The table, row by row.
const TABLE: &str = include_str!("ps3.15-table-e3-4-1.csv");

/// The forms in which reports before SNOMED CT name the same concepts (PS3.16 Annex O).
const RETIRED_FORMS: [(&str, &str); 10] = [
    ("PA-30029", "440252007"),
    ("DF-0070B", "398164008"),
    ("DF-0068E", "398325003"),
    ("R-42B89", "371524004"),
    ("DD-60002", "116224001"),
    ("F-00033", "271921002"),
    ("G-C0E3", "363698007"),
    ("F-02455", "160476009"),
    ("G-D321", "398201009"),
    ("G-D320", "397898000"),
];

/// The options that have a column in the table, with its name.
const OPTIONS: [(ConfidentialityOption, &str); 7] = [
    (ConfidentialityOption::RetainUids, "retain_uids"),
    (ConfidentialityOption::RetainDeviceIdentity, "retain_device"),
    (
        ConfidentialityOption::RetainInstitutionIdentity,
        "retain_institution",
    ),
    (
        ConfidentialityOption::RetainPatientCharacteristics,
        "retain_patient",
    ),
    (ConfidentialityOption::RetainFullDates, "retain_long_full"),
    (
        ConfidentialityOption::RetainModifiedDates,
        "retain_long_modified",
    ),
    (ConfidentialityOption::CleanDescriptors, "clean_desc"),
];

/// A code and the designator of its scheme.
type Name = (&'static str, &'static str);

/// A row of Table E.3.4-1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConceptRow {
    /// What the code means.
    pub code_meaning: String,
    /// The code.
    pub code_value: String,
    /// The coding scheme's designator.
    pub coding_scheme: String,
    /// The value type of the content item: TEXT, PNAME, UIDREF...
    pub value_type: String,
    /// What the Basic Profile does.
    pub basic: ActionCode,
    options: [Option<ActionCode>; OPTIONS.len()],
}

impl ConceptRow {
    fn name(&self) -> (&str, &str) {
        (&self.code_value, &self.coding_scheme)
    }

    /// What an option does instead of the Basic Profile; none where it says nothing.
    pub fn under(&self, option: ConfidentialityOption) -> Option<ActionCode> {
        let at = OPTIONS
            .iter()
            .position(|(column, _)| *column == option)?;
        self.options
            .get(at)
            .copied()
            .flatten()
    }
}

/// Every row, in the order of the table.
pub fn concepts() -> &'static [ConceptRow] {
    static ROWS: LazyLock<Vec<ConceptRow>> = LazyLock::new(|| rows(TABLE, concept_row));
    &ROWS
}

/// The rows of a concept: more than one where it names content items of several value types.
pub fn concept_rows(code_value: &str, scheme: &str) -> &'static [ConceptRow] {
    // The rows of a concept stand side by side.
    static BY_CODE: LazyLock<HashMap<Name, &'static [ConceptRow]>> = LazyLock::new(|| {
        concepts()
            .chunk_by(|one, next| one.name() == next.name())
            .filter_map(|rows| Some((rows.first()?.name(), rows)))
            .collect()
    });
    // The lifetime of the key is shortened by the lookup, so borrowing for less than 'static does.
    let by_code: &HashMap<(&str, &str), &'static [ConceptRow]> = &BY_CODE;
    let (code_value, scheme) = (code_value.trim(), scheme.trim());
    let (code_value, scheme) = if is_snomed(scheme) {
        (current_form(code_value), "SCT")
    } else {
        (code_value, scheme)
    };
    by_code
        .get(&(code_value, scheme))
        .copied()
        .unwrap_or_default()
}

/// The designators under which SNOMED codes are found.
fn is_snomed(scheme: &str) -> bool {
    matches!(scheme, "SCT" | "SRT" | "SNM3" | "99SDM")
}

fn current_form(code_value: &str) -> &str {
    RETIRED_FORMS
        .iter()
        .find(|(retired, _)| *retired == code_value)
        .map_or(code_value, |(_, current)| current)
}

fn concept_row(row: &Row<'_>) -> Option<ConceptRow> {
    let mut options = [None; OPTIONS.len()];
    for (code, (_, column)) in options.iter_mut().zip(OPTIONS) {
        *code = row.action_code(column).ok()?;
    }
    Some(ConceptRow {
        code_meaning: row.get("code_meaning")?,
        code_value: row.get("code_value")?,
        coding_scheme: row.get("coding_scheme")?,
        value_type: row.get("value_type")?,
        basic: row.action_code("basic").ok()??,
        options,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn concept(code_value: &str, scheme: &str) -> Option<&'static ConceptRow> {
        concept_rows(code_value, scheme).first()
    }

    #[test]
    fn the_table_is_the_pinned_one_and_read_whole() {
        let digest = hex::encode(Sha256::digest(TABLE));
        assert_eq!(
            digest,
            "2959e90d9b3a88c3634e2cf2fb4c93c14d69d6febec2e066b93454fbc3f3e421"
        );
        assert_eq!(concepts().len(), 214);
        let count = |code| {
            concepts()
                .iter()
                .filter(|row| row.basic == code)
                .count()
        };
        assert_eq!(
            [
                ActionCode::Remove,
                ActionCode::Dummy,
                ActionCode::RemoveOrDummy
            ]
            .map(count),
            [135, 60, 19]
        );
        assert!(
            TABLE
                .lines()
                .next()
                .unwrap()
                .ends_with(
                    &OPTIONS
                        .map(|(_, column)| column)
                        .join(",")
                )
        );
    }

    #[test]
    fn options_are_in_their_columns() {
        use ConfidentialityOption as O;
        let count = |option, code| {
            concepts()
                .iter()
                .filter(|row| row.under(option) == Some(code))
                .count()
        };
        assert_eq!(count(O::RetainUids, ActionCode::Keep), 62);
        assert_eq!(count(O::RetainDeviceIdentity, ActionCode::Keep), 14);
        assert_eq!(count(O::RetainInstitutionIdentity, ActionCode::Keep), 7);
        assert_eq!(count(O::RetainPatientCharacteristics, ActionCode::Keep), 2);
        assert_eq!(count(O::RetainFullDates, ActionCode::Keep), 44);
        assert_eq!(count(O::RetainModifiedDates, ActionCode::Clean), 44);
        assert_eq!(count(O::CleanDescriptors, ActionCode::Clean), 45);
        assert!(concepts().iter().all(|row| {
            row.under(O::CleanGraphics)
                .is_none()
        }));
    }

    #[test]
    fn each_row_is_found_by_its_code_and_type() {
        for row in concepts() {
            let rows = concept_rows(&row.code_value, &row.coding_scheme);
            let mut of_type = rows
                .iter()
                .filter(|other| other.value_type == row.value_type);
            assert_eq!(of_type.next(), Some(row));
        }
        assert_eq!(
            concept("121008", "DCM")
                .unwrap()
                .code_meaning,
            "Person Observer Name"
        );
        assert_eq!(concept("121008", "LN"), None);
        let rows = concept_rows("121112", "DCM").iter();
        let basic: Vec<_> = rows
            .map(|row| (row.value_type.as_str(), row.basic))
            .collect();
        assert_eq!(
            basic,
            [
                ("IMAGE", ActionCode::Dummy),
                ("WAVEFORM", ActionCode::Remove)
            ]
        );
    }

    #[test]
    fn snomed_is_found_in_its_old_forms() {
        for (code, scheme) in [
            ("G-C0E3", "SRT"),
            ("G-C0E3", "99SDM"),
            ("G-C0E3 ", "SNM3"),
            ("363698007", "SRT"),
            ("363698007", "SCT"),
        ] {
            assert_eq!(
                concept(code, scheme).map(|row| row.code_meaning.as_str()),
                Some("Finding Site"),
                "{code} {scheme}"
            );
        }
        for (_, current) in RETIRED_FORMS {
            assert!(concept(current, "SCT").is_some(), "{current}");
        }
        let snomed = concepts()
            .iter()
            .filter(|row| row.coding_scheme == "SCT")
            .map(|row| &row.code_value);
        assert!(snomed.clone().all(|code| {
            RETIRED_FORMS
                .iter()
                .any(|(_, current)| current == code)
        }));
        assert_eq!(concept("G-C0E3", "DCM"), None);
    }
}
