//! Which attributes may identify a patient, and what the Basic Application Level Confidentiality
//! Profile and its options do about each (PS3.15 Table E.1-1, edition 2026d). Data only: nothing
//! here acts on a data set.

use std::str::FromStr;
use std::sync::OnceLock;

use dicom_core::Tag;
use foldhash::HashMap;

use super::dictionary::{is_private, keyword};

/// The table, row by row.
const TABLE: &str = include_str!("ps3.15-table-e1-1.csv");

/// A row of Table E.1-1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The attributes that the row is about.
    pub covers: Covers,
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

/// The attributes that a row covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Covers {
    /// One attribute.
    One(Tag),
    /// An attribute of every group 50xx or 60xx, or all attributes of these groups.
    Repeating {
        /// 0x5000 or 0x6000.
        group: u16,
        /// The element number; none for all.
        element: Option<u16>,
    },
    /// Every private attribute.
    Private,
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
    /// C: cleaned, so that a value of like meaning remains that identifies nobody.
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

    /// Whether it leaves no choice to the IOD.
    pub fn is_single(self) -> bool {
        matches!(
            self,
            Self::Dummy | Self::Zero | Self::Remove | Self::Keep | Self::Clean | Self::Uid
        )
    }

    /// Whether the value may not stay as it is.
    pub fn protects(self) -> bool {
        self != Self::Keep
    }
}

impl FromStr for ActionCode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|code| code.as_str() == text)
            .ok_or(())
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

    /// Its name in profiles.
    pub fn slug(self) -> &'static str {
        match self {
            Self::RetainSafePrivate => "retain-safe-private",
            Self::RetainUids => "retain-uids",
            Self::RetainDeviceIdentity => "retain-device-identity",
            Self::RetainInstitutionIdentity => "retain-institution-identity",
            Self::RetainPatientCharacteristics => "retain-patient-characteristics",
            Self::RetainFullDates => "retain-full-dates",
            Self::RetainModifiedDates => "retain-modified-dates",
            Self::CleanDescriptors => "clean-descriptors",
            Self::CleanStructuredContent => "clean-structured-content",
            Self::CleanGraphics => "clean-graphics",
            Self::CleanPixelData => "clean-pixel-data",
        }
    }

    /// Its code of the scheme DCM, as an output's De-identification Method Code Sequence claims it
    /// (PS3.16 CID 7050).
    pub fn method_code(self) -> &'static str {
        match self {
            Self::CleanPixelData => "113101",
            Self::CleanGraphics => "113103",
            Self::CleanStructuredContent => "113104",
            Self::CleanDescriptors => "113105",
            Self::RetainFullDates => "113106",
            Self::RetainModifiedDates => "113107",
            Self::RetainPatientCharacteristics => "113108",
            Self::RetainDeviceIdentity => "113109",
            Self::RetainUids => "113110",
            Self::RetainSafePrivate => "113111",
            Self::RetainInstitutionIdentity => "113112",
        }
    }

    /// Its name in the standard.
    pub fn name(self) -> &'static str {
        match self {
            Self::RetainSafePrivate => "Retain Safe Private",
            Self::RetainUids => "Retain UIDs",
            Self::RetainDeviceIdentity => "Retain Device Identity",
            Self::RetainInstitutionIdentity => "Retain Institution Identity",
            Self::RetainPatientCharacteristics => "Retain Patient Characteristics",
            Self::RetainFullDates => "Retain Longitudinal Temporal Information with Full Dates",
            Self::RetainModifiedDates => {
                "Retain Longitudinal Temporal Information with Modified Dates"
            }
            Self::CleanDescriptors => "Clean Descriptors",
            Self::CleanStructuredContent => "Clean Structured Content",
            Self::CleanGraphics => "Clean Graphics",
            Self::CleanPixelData => "Clean Pixel Data",
        }
    }

    /// Its column in the file, if it has one.
    fn column(self) -> Option<&'static str> {
        Some(match self {
            Self::RetainSafePrivate => "retain_safe_private",
            Self::RetainUids => "retain_uids",
            Self::RetainDeviceIdentity => "retain_device",
            Self::RetainInstitutionIdentity => "retain_institution",
            Self::RetainPatientCharacteristics => "retain_patient",
            Self::RetainFullDates => "retain_long_full",
            Self::RetainModifiedDates => "retain_long_modified",
            Self::CleanDescriptors => "clean_desc",
            Self::CleanStructuredContent => "clean_struct",
            Self::CleanGraphics => "clean_graph",
            Self::CleanPixelData => return None,
        })
    }
}

impl Attribute {
    /// What an option does instead of the Basic Profile; none where it says nothing.
    pub fn under(&self, option: ConfidentialityOption) -> Option<ActionCode> {
        self.options.get(option as usize).copied().flatten()
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
            Covers::One(tag) => Some(tag),
            _ => None,
        }
    }
}

impl Covers {
    /// Whether an attribute is among those covered.
    pub fn contains(self, tag: Tag) -> bool {
        match self {
            Self::One(one) => one == tag,
            Self::Repeating { group, element } => {
                tag.group() & 0xFF00 == group
                    && !is_private(tag)
                    && element.is_none_or(|element| element == tag.element())
            }
            Self::Private => is_private(tag),
        }
    }

    /// The tag as the table writes it.
    pub fn text(self) -> String {
        match self {
            Self::One(tag) => format!("({:04X},{:04X})", tag.group(), tag.element()),
            Self::Repeating {
                group,
                element: Some(element),
            } => format!("({:02X}xx,{element:04X})", group >> 8),
            Self::Repeating {
                group,
                element: None,
            } => format!("({:02X}xx,xxxx)", group >> 8),
            Self::Private => "(gggg,eeee)".to_owned(),
        }
    }

    /// Reads `(0010,0010)`, `(50xx,xxxx)`, `(60xx,3000)` or `(gggg,eeee)`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (group, element) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
        if group == "gggg" {
            return Some(Self::Private);
        }
        let number = |digits| u16::from_str_radix(digits, 16).ok();
        match group.to_ascii_lowercase().strip_suffix("xx") {
            Some(open) => {
                let element = if element == "xxxx" {
                    None
                } else {
                    Some(number(element)?)
                };
                Some(Self::Repeating {
                    group: number(open)? << 8,
                    element,
                })
            }
            None => Some(Self::One(Tag(number(group)?, number(element)?))),
        }
    }
}

/// Every row of Table E.1-1, in its order.
pub fn attributes() -> &'static [Attribute] {
    static ROWS: OnceLock<Vec<Attribute>> = OnceLock::new();
    ROWS.get_or_init(|| rows(TABLE))
}

/// The row that covers an attribute.
pub fn attribute(tag: Tag) -> Option<&'static Attribute> {
    static BY_TAG: OnceLock<HashMap<Tag, usize>> = OnceLock::new();
    static OF_MANY: OnceLock<Vec<&'static Attribute>> = OnceLock::new();
    let by_tag = BY_TAG.get_or_init(|| {
        let numbered = attributes().iter().enumerate();
        numbered
            .filter_map(|(index, row)| Some((row.tag()?, index)))
            .collect()
    });
    let of_many = OF_MANY.get_or_init(|| {
        attributes()
            .iter()
            .filter(|row| row.tag().is_none())
            .collect()
    });
    match by_tag.get(&tag) {
        Some(index) => attributes().get(*index),
        None => of_many.iter().find(|row| row.covers.contains(tag)).copied(),
    }
}

fn rows(text: &str) -> Vec<Attribute> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let Ok(columns) = reader.headers().cloned() else {
        return Vec::new();
    };
    reader
        .records()
        .filter_map(|record| row(&columns, &record.ok()?))
        .collect()
}

fn row(columns: &csv::StringRecord, record: &csv::StringRecord) -> Option<Attribute> {
    let cell = |name| record.get(columns.iter().position(|column| column == name)?);
    let covers = Covers::parse(cell("tag")?)?;
    let mut options = [None; ConfidentialityOption::ALL.len()];
    for (place, option) in options.iter_mut().zip(ConfidentialityOption::ALL) {
        let Some(column) = option.column() else {
            continue;
        };
        let code = cell(column)?;
        *place = if code.is_empty() {
            None
        } else {
            Some(code.parse().ok()?)
        };
    }
    Some(Attribute {
        covers,
        name: cell("name")?.to_owned(),
        keyword: if let Covers::One(tag) = covers {
            keyword(tag)
        } else {
            None
        },
        retired: cell("retired")? == "Y",
        in_standard_iod: cell("in_std_iod")? == "Y",
        basic: cell("basic")?.parse().ok()?,
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
            *counts.entry(row.basic.as_str()).or_insert(0) += 1;
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
        assert!(attributes().iter().all(|row| row.basic.protects()));
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
        let columns: Vec<_> = O::ALL.into_iter().filter_map(O::column).collect();
        assert!(TABLE.lines().next().unwrap().ends_with(&columns.join(",")));
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
            assert_eq!(Covers::parse(&row.covers.text()), Some(row.covers));
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
