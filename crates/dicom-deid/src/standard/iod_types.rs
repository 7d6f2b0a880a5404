//! The Type of an attribute in an IOD (PS3.3), and the action that a compound code of Table E.1-1
//! stands for there. Data only: knows no data sets.

use std::sync::OnceLock;

use dicom_core::Tag;
use foldhash::{HashMap, HashMapExt};

use super::confidentiality::ActionCode;

/// Attribute, Type (1 or 2, conditional or not), whether at the top or in items, and the modules or
/// the sequences that have it there. `iod_types.py` makes it.
const TYPES: &str = include_str!("module-types.csv");

/// IOD and its modules, mandatory or not.
const MODULES: &str = include_str!("iod-modules.csv");

/// SOP class and IOD.
const IODS: &str = include_str!("iods.csv");

/// The Type of an attribute (PS3.5 section 7.4), the strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttributeType {
    /// Type 3, or not in the IOD: it may go.
    Type3,
    /// Type 2 or 2C: it must be there, and may be empty.
    Type2,
    /// Type 1 or 1C: it must have a value.
    Type1,
}

/// The IOD of a SOP class; it need not be one that the tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Iod(Option<usize>);

/// The IOD of a SOP class, padded or not. Those of retired and private ones are not known.
pub fn iod(sop_class: &str) -> Iod {
    Iod(types()
        .by_sop_class
        .get(sop_class.trim_end_matches(['\0', ' ']))
        .copied())
}

/// What an IOD asks of an attribute that is present, in an item of the sequence `parent` or at the
/// top: the strongest Type that any of its modules gives it there, mandatory or not, since a module
/// is taken to be there with its attribute. In items what counts is the sequence, in whatever IOD:
/// IODs hardly ever differ there. Of an instance whose IOD is not known, the strongest Type of any
/// IOD, and none where no IOD asks for the attribute; without a SOP class (no `iod`) none.
pub fn attribute_type(iod: Option<Iod>, parent: Option<Tag>, tag: Tag) -> Option<AttributeType> {
    let types = types();
    let own = iod.and_then(|iod| types.iods.get(iod.0?));
    let asked = || {
        types
            .at_top
            .get(&tag)
            .into_iter()
            .flatten()
    };
    let found = match parent {
        Some(parent) => types
            .in_items
            .get(&(parent, tag))
            .copied(),
        None if iod.is_none() => None,
        None => asked()
            .filter(|(module, _)| own.is_none_or(|own| own.get(*module) == Some(&true)))
            .map(|(_, attribute_type)| *attribute_type)
            .max(),
    };
    found.or(own.map(|_| AttributeType::Type3))
}

/// Whether a module of an IOD, other than these, asks for an attribute at the top.
pub fn is_asked_for_beside(iod: Iod, tag: Tag, modules: &[&str]) -> bool {
    let types = types();
    let own = iod
        .0
        .and_then(|iod| types.iods.get(iod));
    let mut asking = types
        .at_top
        .get(&tag)
        .into_iter()
        .flatten()
        .map(|(module, _)| *module);
    own.is_some_and(|own| {
        asking.any(|asking| {
            let is_named = modules
                .iter()
                .any(|name| types.modules.get(name) == Some(&asking));
            own.get(asking) == Some(&true) && !is_named
        })
    })
}

/// Whether some IOD asks for an attribute, at the top or in items: it is then not simply removed.
pub fn has_type_1_or_2(tag: Tag) -> bool {
    types()
        .asked_for
        .binary_search(&tag)
        .is_ok()
}

/// The action that is carried out: of a choice the first one named that leaves what the IOD needs,
/// and where that is not known, the one that breaks no IOD. What the IOD needs is emptied or gets a
/// dummy where it would go, and gets a dummy where it would be emptied: Z allows one (PS3.15
/// section E.1). X/Z/U* stays: a sequence of references is worth more with new UIDs than gone.
pub fn resolve_action_code(code: ActionCode, attribute_type: Option<AttributeType>) -> ActionCode {
    use ActionCode::{
        Dummy, Remove, RemoveOrDummy, RemoveOrZero, RemoveOrZeroOrDummy, Zero, ZeroOrDummy,
    };
    match (code, attribute_type) {
        (Remove, None)
        | (
            Remove | RemoveOrZero | RemoveOrDummy | RemoveOrZeroOrDummy,
            Some(AttributeType::Type3),
        ) => Remove,
        (Remove | RemoveOrZero | RemoveOrZeroOrDummy, Some(AttributeType::Type2))
        | (Zero | ZeroOrDummy, Some(AttributeType::Type3 | AttributeType::Type2))
        | (Zero | RemoveOrZero, None) => Zero,
        (Remove | Zero | RemoveOrZero | RemoveOrDummy | RemoveOrZeroOrDummy | ZeroOrDummy, _) => {
            Dummy
        }
        (other, _) => other,
    }
}

/// The files, read.
struct Types {
    by_sop_class: HashMap<&'static str, usize>,
    /// The number of each module.
    modules: HashMap<&'static str, usize>,
    /// For each IOD, whether it has each of the modules.
    iods: Vec<Vec<bool>>,
    /// With the numbers of the modules.
    at_top: HashMap<Tag, Vec<(usize, AttributeType)>>,
    /// By sequence and attribute.
    in_items: HashMap<(Tag, Tag), AttributeType>,
    /// All attributes of both, in order.
    asked_for: Vec<Tag>,
}

fn types() -> &'static Types {
    static READ: OnceLock<Types> = OnceLock::new();
    READ.get_or_init(|| {
        let names: HashMap<_, _> = rows(MODULES)
            .map(|(name, _)| name)
            .zip(0..)
            .collect();
        let by_sop_class = rows(IODS)
            .filter_map(|(class, name)| Some((class, *names.get(name)?)))
            .collect();
        let mut modules: HashMap<&'static str, usize> = HashMap::new();
        let (mut at_top, mut in_items) = (HashMap::new(), HashMap::with_capacity(8192));
        for (tag, attribute_type, at, of) in TYPES
            .lines()
            .skip(1)
            .filter_map(types_row)
        {
            let of = of.split(' ');
            match at {
                "top" => {
                    let asked: &mut Vec<_> = at_top.entry(tag).or_default();
                    asked.extend(of.map(|module| {
                        let next = modules.len();
                        (
                            *modules
                                .entry(module)
                                .or_insert(next),
                            attribute_type,
                        )
                    }));
                }
                "items" => in_items.extend(
                    of.filter_map(tag_of)
                        .map(|parent| ((parent, tag), attribute_type)),
                ),
                _ => {}
            }
        }
        let mut asked_for: Vec<_> = at_top
            .keys()
            .copied()
            .chain(in_items.keys().map(|(_, tag)| *tag))
            .collect();
        asked_for.sort_unstable();
        asked_for.dedup();
        let iods: Vec<_> = rows(MODULES)
            .map(|(_, of)| {
                let mut has = vec![false; modules.len()];
                for module in of.split(' ') {
                    if let Some(here) = modules
                        .get(module)
                        .and_then(|number| has.get_mut(*number))
                    {
                        *here = true;
                    }
                }
                has
            })
            .collect();
        Types {
            by_sop_class,
            modules,
            iods,
            at_top,
            in_items,
            asked_for,
        }
    })
}

/// The two cells of each line but the first.
fn rows(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
}

/// Attribute and Type; `top` or `items`, and the modules or sequences that have the attribute there.
fn types_row(line: &str) -> Option<(Tag, AttributeType, &str, &str)> {
    let mut cells = line.split(',');
    let tag = tag_of(cells.next()?)?;
    let attribute_type = match cells.next()? {
        "1" => AttributeType::Type1,
        "2" => AttributeType::Type2,
        _ => return None,
    };
    Some((tag, attribute_type, cells.next()?, cells.next()?))
}

fn tag_of(digits: &str) -> Option<Tag> {
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some(Tag(
        u16::try_from(number >> 16).ok()?,
        u16::try_from(number & 0xFFFF).ok()?,
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::standard::tag_of_keyword;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
    const ENHANCED_MR: &str = "1.2.840.10008.5.1.4.1.1.4.1";
    const PET: &str = "1.2.840.10008.5.1.4.1.1.128";
    const RT_PLAN: &str = "1.2.840.10008.5.1.4.1.1.481.5";
    const BASIC_SR: &str = "1.2.840.10008.5.1.4.1.1.88.11";
    const PRESENTATION: &str = "1.2.840.10008.5.1.4.1.1.11.1";
    const SEGMENTATION: &str = "1.2.840.10008.5.1.4.1.1.66.4";
    const SLIDE: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";

    fn tag(keyword: &str) -> Tag {
        tag_of_keyword(keyword).unwrap()
    }

    fn top(sop_class: &str, keyword: &str) -> Option<AttributeType> {
        attribute_type(Some(iod(sop_class)), None, tag(keyword))
    }

    fn below(sop_class: &str, parent: &str, keyword: &str) -> Option<AttributeType> {
        attribute_type(Some(iod(sop_class)), Some(tag(parent)), tag(keyword))
    }

    #[test]
    fn the_tables_are_the_pinned_ones_and_read_whole() {
        for (table, digest) in [
            (
                TYPES,
                "f9384d1472d0eae2853cb40779d661f965d434f11c05f01ebb2ad9fd16b07fb8",
            ),
            (
                MODULES,
                "ce2b1d513a13f7a79deb3289800d39a161a90aacbca1f07aabc66b0f879c5c29",
            ),
            (
                IODS,
                "90c661114ff115436c592f67b515ce58213ac857ef6b1fcf786c6019635b8b6e",
            ),
        ] {
            assert_eq!(hex::encode(Sha256::digest(table)), digest);
        }
        assert_eq!((types().by_sop_class.len(), types().iods.len()), (177, 168));
        assert_eq!(
            TYPES
                .lines()
                .skip(1)
                .filter_map(types_row)
                .count(),
            TYPES.lines().count() - 1
        );
        assert_eq!((types().at_top.len(), types().in_items.len()), (999, 6635));
    }

    #[test]
    fn types_at_the_top_are_those_of_ps3_3() {
        assert_eq!(top(CT, "PatientID"), Some(AttributeType::Type2));
        assert_eq!(top(CT, "SeriesDate"), Some(AttributeType::Type3));
        assert_eq!(top(PET, "SeriesDate"), Some(AttributeType::Type1));
        assert_eq!(top(PET, "AcquisitionDate"), Some(AttributeType::Type2));
        assert_eq!(top(MR, "AcquisitionDate"), Some(AttributeType::Type3));
        assert_eq!(top(CT, "AcquisitionDateTime"), Some(AttributeType::Type3));
        assert_eq!(
            top(ENHANCED_MR, "AcquisitionDateTime"),
            Some(AttributeType::Type1)
        );
        assert_eq!(
            top(ENHANCED_MR, "DeviceSerialNumber"),
            Some(AttributeType::Type1)
        );
        assert_eq!(top(CT, "DeviceSerialNumber"), Some(AttributeType::Type3));
        assert_eq!(top(CT, "InstitutionName"), Some(AttributeType::Type3));
        assert_eq!(top(CT, "ContrastBolusAgent"), Some(AttributeType::Type2));
        assert_eq!(top(CT, "OperatorsName"), Some(AttributeType::Type3));
        assert_eq!(top(RT_PLAN, "OperatorsName"), Some(AttributeType::Type2));
        assert_eq!(top(RT_PLAN, "RTPlanDate"), Some(AttributeType::Type2));
        assert_eq!(top(BASIC_SR, "ContentDate"), Some(AttributeType::Type1));
        assert_eq!(
            top(BASIC_SR, "ReferencedPerformedProcedureStepSequence"),
            Some(AttributeType::Type2)
        );
        assert_eq!(
            top(SLIDE, "AcquisitionDateTime"),
            Some(AttributeType::Type1)
        );
        assert_eq!(
            top(PRESENTATION, "ContentCreatorName"),
            Some(AttributeType::Type3)
        );
        assert_eq!(
            top(PRESENTATION, "PresentationCreationDate"),
            Some(AttributeType::Type1)
        );
        for class in [CT, MR, PET, RT_PLAN, SLIDE] {
            let manufacturer = if class == SLIDE {
                AttributeType::Type1
            } else {
                AttributeType::Type2
            };
            assert_eq!(top(class, "Manufacturer"), Some(manufacturer), "{class}");
        }
        assert_eq!(
            top(SEGMENTATION, "SoftwareVersions"),
            Some(AttributeType::Type1)
        );
    }

    #[test]
    fn the_same_attribute_may_be_needed_more_in_one_sequence_than_in_another() {
        assert_eq!(
            below(CT, "OtherPatientIDsSequence", "PatientID"),
            Some(AttributeType::Type1)
        );
        assert_eq!(
            below(
                CT,
                "ReferringPhysicianIdentificationSequence",
                "InstitutionName"
            ),
            Some(AttributeType::Type1)
        );
        assert_eq!(
            below(CT, "ContributingEquipmentSequence", "InstitutionName"),
            Some(AttributeType::Type3)
        );
        assert_eq!(
            below(RT_PLAN, "BeamSequence", "TreatmentMachineName"),
            Some(AttributeType::Type2)
        );
        assert_eq!(
            below(SEGMENTATION, "SegmentSequence", "SegmentLabel"),
            Some(AttributeType::Type1)
        );
        assert_eq!(
            below(SEGMENTATION, "SegmentSequence", "TrackingID"),
            Some(AttributeType::Type1)
        );
        assert_eq!(
            below(
                SLIDE,
                "SpecimenDescriptionSequence",
                "IssuerOfTheSpecimenIdentifierSequence"
            ),
            Some(AttributeType::Type2)
        );
        assert_eq!(
            below(
                BASIC_SR,
                "ReferencedRequestSequence",
                "RequestedProcedureDescription"
            ),
            Some(AttributeType::Type2)
        );
        assert_eq!(
            below(
                CT,
                "RequestAttributesSequence",
                "RequestedProcedureDescription"
            ),
            Some(AttributeType::Type3)
        );
    }

    #[test]
    fn an_attribute_of_an_unknown_iod_has_its_strongest_type() {
        let retired = iod("1.2.840.10008.5.1.4.1.1.6");
        let unknown = |parent: Option<&str>, keyword: &str| {
            attribute_type(Some(retired), parent.map(tag), tag(keyword))
        };
        assert_eq!(unknown(None, "Manufacturer"), Some(AttributeType::Type1));
        assert_eq!(
            unknown(Some("SegmentSequence"), "SegmentLabel"),
            Some(AttributeType::Type1)
        );
        assert_eq!(unknown(None, "InstitutionAddress"), None);
        assert_eq!(unknown(Some("SegmentSequence"), "PatientName"), None);
        assert_eq!(
            attribute_type(None, None, tag("Manufacturer")),
            None,
            "what has no SOP class is no instance of any IOD"
        );
        assert_eq!(
            attribute_type(None, Some(tag("SegmentSequence")), tag("SegmentLabel")),
            Some(AttributeType::Type1)
        );
    }

    #[test]
    fn the_iods_of_retired_and_private_sop_classes_are_not_known() {
        assert_eq!(iod("1.2.840.10008.5.1.4.1.1.2\0"), iod(CT));
        assert_ne!(iod(CT), Iod(None));
        for sop_class in ["1.2.840.10008.5.1.4.1.1.6", "1.3.12.2.1107.5.9.1", ""] {
            assert_eq!(iod(sop_class), Iod(None), "{sop_class}");
        }
    }

    #[test]
    fn compound_codes_resolve_by_the_type_of_the_attribute() {
        use ActionCode::{Dummy as D, Remove as X, RemoveOrZeroOrUids as U, Zero as Z};
        let needs = [
            Some(AttributeType::Type3),
            Some(AttributeType::Type2),
            Some(AttributeType::Type1),
            None,
        ];
        let expected = [
            (ActionCode::RemoveOrZeroOrDummy, [X, Z, D, D]),
            (ActionCode::RemoveOrZero, [X, Z, D, Z]),
            (ActionCode::RemoveOrDummy, [X, D, D, D]),
            (ActionCode::ZeroOrDummy, [Z, Z, D, D]),
            (ActionCode::Remove, [X, Z, D, X]),
            (ActionCode::Zero, [Z, Z, D, Z]),
            (ActionCode::RemoveOrZeroOrUids, [U; 4]),
        ];
        for code in ActionCode::ALL {
            let row = expected
                .iter()
                .find(|(choice, _)| *choice == code)
                .map_or([code; 4], |(_, row)| *row);
            assert_eq!(
                needs.map(|attribute_type| resolve_action_code(code, attribute_type)),
                row,
                "{code:?}"
            );
        }
    }
}
