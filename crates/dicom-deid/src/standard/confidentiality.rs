//! Which attributes may identify a patient, and what the Basic Application Level Confidentiality
//! Profile and its options do about each (PS3.15 Table E.1-1, edition 2026d). Data only: nothing
//! here acts on a data set.

use std::sync::LazyLock;

use dicom_core::Tag;
use foldhash::HashMap;

use super::dictionary::keyword;
use super::table::{Row, rows};
pub use super::tag_pattern::TagPattern;

/// The table, row by row.
const TABLE: &str = include_str!("ps3.15-table-e1-1.csv");

/// A row of Table E.1-1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The attributes that the row is about.
    pub covers: TagPattern,
    /// Its name in the standard.
    pub name: String,
    /// Its keyword, where it is one attribute that the dictionary knows.
    pub keyword: Option<&'static str>,
    /// Whether the standard has retired it.
    pub retired: bool,
    /// Whether a standard composite IOD has it.
    pub in_standard_iod: bool,
    /// What the Basic Profile does.
    pub basic: ActionCode,
    options: [Option<ActionCode>; ConfidentialityOption::ALL.len()],
}

/// What is to be done with an attribute (PS3.15 section E.1). Where there is a choice, the
/// attribute's Type in its IOD decides: the first named, unless that would break the IOD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionCode {
    /// D: a non-empty dummy value.
    Dummy,
    /// Z: an empty value, or a dummy.
    Zero,
    /// X: removed.
    Remove,
    /// K: kept; items of a sequence are cleaned.
    Keep,
    /// C: cleaned: a value of similar meaning remains that does not identify the patient.
    Clean,
    /// U: another UID, the same one wherever the UID occurs.
    Uid,
    /// Z/D.
    ZeroOrDummy,
    /// X/Z.
    RemoveOrZero,
    /// X/D.
    RemoveOrDummy,
    /// X/Z/D.
    RemoveOrZeroOrDummy,
    /// X/Z/U*: for sequences of references, whose UIDs may be replaced instead.
    RemoveOrZeroOrUids,
}

impl ActionCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::Dummy,
        Self::Zero,
        Self::Remove,
        Self::Keep,
        Self::Clean,
        Self::Uid,
        Self::ZeroOrDummy,
        Self::RemoveOrZero,
        Self::RemoveOrDummy,
        Self::RemoveOrZeroOrDummy,
        Self::RemoveOrZeroOrUids,
    ];

    /// The code as the table writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dummy => "D",
            Self::Zero => "Z",
            Self::Remove => "X",
            Self::Keep => "K",
            Self::Clean => "C",
            Self::Uid => "U",
            Self::ZeroOrDummy => "Z/D",
            Self::RemoveOrZero => "X/Z",
            Self::RemoveOrDummy => "X/D",
            Self::RemoveOrZeroOrDummy => "X/Z/D",
            Self::RemoveOrZeroOrUids => "X/Z/U*",
        }
    }

    /// Whether the value may not stay as it is.
    pub fn protects(self) -> bool {
        self != Self::Keep
    }
}

/// The options of the Basic Profile (PS3.15 section E.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfidentialityOption {
    /// Retain Safe Private.
    RetainSafePrivate,
    /// Retain UIDs.
    RetainUids,
    /// Retain Device Identity.
    RetainDeviceIdentity,
    /// Retain Institution Identity.
    RetainInstitutionIdentity,
    /// Retain Patient Characteristics.
    RetainPatientCharacteristics,
    /// Retain Longitudinal Temporal Information with Full Dates.
    RetainFullDates,
    /// Retain Longitudinal Temporal Information with Modified Dates.
    RetainModifiedDates,
    /// Clean Descriptors.
    CleanDescriptors,
    /// Clean Structured Content.
    CleanStructuredContent,
    /// Clean Graphics.
    CleanGraphics,
    /// Clean Pixel Data, which the table has no column for.
    CleanPixelData,
}

impl ConfidentialityOption {
    /// Every option: those with a column in the table's order, then the one without.
    pub const ALL: [Self; 11] = [
        Self::RetainSafePrivate,
        Self::RetainUids,
        Self::RetainDeviceIdentity,
        Self::RetainInstitutionIdentity,
        Self::RetainPatientCharacteristics,
        Self::RetainFullDates,
        Self::RetainModifiedDates,
        Self::CleanDescriptors,
        Self::CleanStructuredContent,
        Self::CleanGraphics,
        Self::CleanPixelData,
    ];

    /// Its name in profiles, its code of the scheme DCM, its name in the standard, and its column
    /// in the file, which one has not.
    fn facts(self) -> [&'static str; 4] {
        match self {
            Self::RetainSafePrivate => [
                "retain-safe-private",
                "113111",
                "Retain Safe Private",
                "retain_safe_private",
            ],
            Self::RetainUids => ["retain-uids", "113110", "Retain UIDs", "retain_uids"],
            Self::RetainDeviceIdentity => [
                "retain-device-identity",
                "113109",
                "Retain Device Identity",
                "retain_device",
            ],
            Self::RetainInstitutionIdentity => [
                "retain-institution-identity",
                "113112",
                "Retain Institution Identity",
                "retain_institution",
            ],
            Self::RetainPatientCharacteristics => [
                "retain-patient-characteristics",
                "113108",
                "Retain Patient Characteristics",
                "retain_patient",
            ],
            Self::RetainFullDates => [
                "retain-full-dates",
                "113106",
                "Retain Longitudinal Temporal Information with Full Dates",
                "retain_long_full",
            ],
            Self::RetainModifiedDates => [
                "retain-modified-dates",
                "113107",
                "Retain Longitudinal Temporal Information with Modified Dates",
                "retain_long_modified",
            ],
            Self::CleanDescriptors => [
                "clean-descriptors",
                "113105",
                "Clean Descriptors",
                "clean_desc",
            ],
            Self::CleanStructuredContent => [
                "clean-structured-content",
                "113104",
                "Clean Structured Content",
                "clean_struct",
            ],
            Self::CleanGraphics => ["clean-graphics", "113103", "Clean Graphics", "clean_graph"],
            Self::CleanPixelData => ["clean-pixel-data", "113101", "Clean Pixel Data", ""],
        }
    }

    /// Its name in profiles.
    pub fn slug(self) -> &'static str {
        self.facts()[0]
    }

    /// Its code of the scheme DCM, as an output's De-identification Method Code Sequence claims it
    /// (PS3.16 CID 7050).
    pub fn method_code(self) -> &'static str {
        self.facts()[1]
    }

    /// Its name in the standard.
    pub fn name(self) -> &'static str {
        self.facts()[2]
    }

    fn column(self) -> Option<&'static str> {
        let [.., column] = self.facts();
        Some(column).filter(|column| !column.is_empty())
    }
}

impl Attribute {
    /// What an option does instead of the Basic Profile; none where it says nothing.
    pub fn under(&self, option: ConfidentialityOption) -> Option<ActionCode> {
        self.options
            .get(option as usize)
            .copied()
            .flatten()
    }

    /// The first option under which the value may stay as it is.
    pub fn kept_under(&self) -> Option<ConfidentialityOption> {
        ConfidentialityOption::ALL
            .into_iter()
            .find(|option| self.under(*option) == Some(ActionCode::Keep))
    }

    /// The one attribute that the row covers, if it is one.
    pub fn tag(&self) -> Option<Tag> {
        match self.covers {
            TagPattern::One(tag) => Some(tag),
            _ => None,
        }
    }
}

/// Every row of Table E.1-1, in its order.
pub fn attributes() -> &'static [Attribute] {
    static ROWS: LazyLock<Vec<Attribute>> = LazyLock::new(|| rows(TABLE, attribute_row));
    &ROWS
}

/// The action code of the Basic Profile without options; what no row covers is removed.
pub fn basic_code(tag: Tag) -> ActionCode {
    attribute(tag).map_or(ActionCode::Remove, |row| row.basic)
}

/// The row that covers an attribute.
pub fn attribute(tag: Tag) -> Option<&'static Attribute> {
    static BY_TAG: LazyLock<HashMap<Tag, &'static Attribute>> = LazyLock::new(|| {
        let single = attributes().iter();
        single
            .filter_map(|row| Some((row.tag()?, row)))
            .collect()
    });
    static OF_MANY: LazyLock<Vec<&'static Attribute>> = LazyLock::new(|| {
        let all = attributes().iter();
        all.filter(|row| row.tag().is_none())
            .collect()
    });
    let of_many = || {
        OF_MANY
            .iter()
            .find(|row| row.covers.contains(tag))
    };
    BY_TAG
        .get(&tag)
        .or_else(of_many)
        .copied()
}

impl Row<'_> {
    /// The action code in a column, where it has one.
    ///
    /// # Errors
    /// Where it has something else.
    pub fn action_code(&self, column: &str) -> Result<Option<ActionCode>, ()> {
        let text = self.text(column).ok_or(())?;
        let code = ActionCode::ALL
            .into_iter()
            .find(|code| code.as_str() == text);
        if code.is_some() || text.is_empty() {
            Ok(code)
        } else {
            Err(())
        }
    }
}

fn attribute_row(row: &Row<'_>) -> Option<Attribute> {
    let covers = row.get("tag")?;
    let mut options = [None; ConfidentialityOption::ALL.len()];
    for (code, option) in options
        .iter_mut()
        .zip(ConfidentialityOption::ALL)
    {
        if let Some(column) = option.column() {
            *code = row.action_code(column).ok()?;
        }
    }
    Some(Attribute {
        covers,
        name: row.get("name")?,
        keyword: match covers {
            TagPattern::One(tag) => keyword(tag),
            _ => None,
        },
        retired: row.text("retired")? == "Y",
        in_standard_iod: row.text("in_std_iod")? == "Y",
        basic: row.action_code("basic").ok()??,
        options,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_table_is_that_of_2026d_and_read_whole() {
        let digest = hex::encode(Sha256::digest(TABLE));
        assert_eq!(
            digest,
            "bacd00a5b550d6b03dc065fb468074f2c776d7bb690ad837ce8528ade40d7e73"
        );
        assert_eq!(TABLE.lines().count(), 658);
        // A row with a code that is not known would be missing.
        assert_eq!(attributes().len(), 657);
        let mut counts = BTreeMap::new();
        for row in attributes() {
            *counts
                .entry(row.basic.as_str())
                .or_insert(0) += 1;
        }
        let expected = [
            ("D", 93),
            ("U", 55),
            ("X", 417),
            ("X/D", 23),
            ("X/Z", 11),
            ("X/Z/D", 8),
            ("X/Z/U*", 2),
            ("Z", 42),
            ("Z/D", 6),
        ];
        assert_eq!(counts, BTreeMap::from(expected));
        assert!(
            attributes()
                .iter()
                .all(|row| row.basic.protects())
        );
    }

    #[test]
    fn options_are_in_their_columns() {
        use ConfidentialityOption as O;
        let count = |option, code| {
            attributes()
                .iter()
                .filter(|row| row.under(option) == Some(code))
                .count()
        };
        assert_eq!(count(O::RetainSafePrivate, ActionCode::Clean), 1);
        assert_eq!(count(O::RetainUids, ActionCode::Keep), 60);
        assert_eq!(count(O::RetainDeviceIdentity, ActionCode::Keep), 48);
        assert_eq!(count(O::RetainDeviceIdentity, ActionCode::Clean), 11);
        assert_eq!(count(O::RetainInstitutionIdentity, ActionCode::Keep), 10);
        assert_eq!(count(O::RetainPatientCharacteristics, ActionCode::Keep), 14);
        assert_eq!(count(O::RetainFullDates, ActionCode::Keep), 169);
        assert_eq!(count(O::RetainModifiedDates, ActionCode::Clean), 169);
        assert_eq!(count(O::CleanDescriptors, ActionCode::Clean), 141);
        assert_eq!(count(O::CleanStructuredContent, ActionCode::Clean), 4);
        assert_eq!(count(O::CleanGraphics, ActionCode::Clean), 4);
        let columns: Vec<_> = O::ALL
            .into_iter()
            .filter_map(O::column)
            .collect();
        assert!(
            TABLE
                .lines()
                .next()
                .unwrap()
                .ends_with(&columns.join(","))
        );
    }

    #[test]
    fn every_kind_of_attribute_finds_its_row() {
        let name = |tag| attribute(tag).map(|row| row.name.as_str());
        assert_eq!(name(Tag(0x0010, 0x0010)), Some("Patient's Name"));
        assert_eq!(name(Tag(0x6002, 0x3000)), Some("Overlay Data"));
        assert_eq!(name(Tag(0x6002, 0x0010)), None);
        assert_eq!(name(Tag(0x5004, 0x0110)), Some("Curve Data"));
        assert_eq!(name(Tag(0x0009, 0x1001)), Some("Private Attributes"));
        assert_eq!(name(Tag(0x6001, 0x3000)), Some("Private Attributes"));
        assert_eq!(name(Tag(0x0028, 0x0010)), None);
        for row in attributes() {
            assert_eq!(TagPattern::parse(&row.covers.to_string()), Some(row.covers));
        }
    }

    #[test]
    fn what_may_stay_says_under_which_option() {
        let kept = |tag| attribute(tag).and_then(Attribute::kept_under);
        assert_eq!(kept(Tag(0x0010, 0x0010)), None);
        assert_eq!(
            kept(Tag(0x0008, 0x0018)),
            Some(ConfidentialityOption::RetainUids)
        );
        assert_eq!(
            kept(Tag(0x0010, 0x1010)),
            Some(ConfidentialityOption::RetainPatientCharacteristics)
        );
    }
}
