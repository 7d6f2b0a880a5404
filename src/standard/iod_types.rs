//! How much an IOD needs an attribute (PS3.3), for the attributes whose action in Table E.1-1 is a choice that depends on
//! it, and which action the choice then comes to. Data only: knows no data sets.

use std::collections::HashMap;
use std::sync::OnceLock;

use dicom_core::Tag;

use super::confidentiality::{ActionCode, Attribute, Covers, attributes};

/// Attribute, sequence that holds it (none at the top), Type, IODs (`*` for all, `* but` for all but those named).
const TYPES: &str = include_str!("iod-types.csv");

/// SOP class and IOD.
const IODS: &str = include_str!("iods.csv");

/// What an IOD asks of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// Type 3, or not in the IOD: it may go.
    Optional,
    /// Type 2 or 2C: it must be there, and may be empty.
    Present,
    /// Type 1 or 1C: it must have a value.
    Value,
}

/// The IOD of a SOP class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Iod(usize);

/// The IOD of a SOP class of storage, padded or not; none for retired and private ones.
pub fn iod(sop_class: &str) -> Option<Iod> {
    types().by_sop_class.get(sop_class.trim_end_matches(['\0', ' '])).copied()
}

/// What an IOD asks of an attribute that stands in an item of the sequence `parent`, or at the top. Where the IOD has the
/// attribute in several places below that sequence, the strongest counts. None where the IOD does not have the attribute
/// in such a sequence, and for attributes whose action in Table E.1-1 is no choice.
pub fn needed(iod: Iod, parent: Option<Tag>, tag: Tag) -> Option<Need> {
    types().needs.get(&(parent, tag))?.get(iod.0).copied().flatten()
}

/// The action that a choice comes to: the first one named that leaves what the IOD needs. Where that is not known, the
/// one that breaks no IOD. X/Z/U* stays: a sequence of references is worth more with new UIDs than gone.
pub fn resolve(code: ActionCode, need: Option<Need>) -> ActionCode {
    match (code, need) {
        (ActionCode::RemoveOrZero | ActionCode::RemoveOrDummy | ActionCode::RemoveOrZeroOrDummy, Some(Need::Optional)) => {
            ActionCode::Remove
        }
        (ActionCode::RemoveOrZero, _)
        | (ActionCode::RemoveOrZeroOrDummy, Some(Need::Present))
        | (ActionCode::ZeroOrDummy, Some(Need::Optional | Need::Present)) => ActionCode::Zero,
        (ActionCode::RemoveOrDummy | ActionCode::RemoveOrZeroOrDummy | ActionCode::ZeroOrDummy, _) => ActionCode::Dummy,
        (single, _) => single,
    }
}

/// Both files, read. `needs` has one place for each IOD.
struct Types {
    by_sop_class: HashMap<&'static str, Iod>,
    needs: HashMap<(Option<Tag>, Tag), Vec<Option<Need>>>,
}

fn types() -> &'static Types {
    static READ: OnceLock<Types> = OnceLock::new();
    READ.get_or_init(|| {
        let mut names: HashMap<&'static str, Iod> = HashMap::new();
        let mut by_sop_class = HashMap::new();
        for (sop_class, name) in IODS.lines().skip(1).filter_map(|line| line.split_once(',')) {
            let next = Iod(names.len());
            by_sop_class.insert(sop_class, *names.entry(name).or_insert(next));
        }
        Types { by_sop_class, needs: needs(&names) }
    })
}

fn needs(names: &HashMap<&str, Iod>) -> HashMap<(Option<Tag>, Tag), Vec<Option<Need>>> {
    let choices = attributes().iter().filter(|row| is_choice(row.basic)).filter_map(Attribute::tag);
    // What a known IOD does not name at the top, it does not need.
    let mut needs: HashMap<_, _> = choices.map(|tag| ((None, tag), vec![Some(Need::Optional); names.len()])).collect();
    let mut reader = csv::Reader::from_reader(TYPES.as_bytes());
    for (place, need, iods) in reader.records().filter_map(|record| row(&record.ok()?, names)) {
        let row = needs.entry(place).or_insert_with(|| vec![None; names.len()]);
        for Iod(iod) in iods {
            if let Some(known) = row.get_mut(iod) {
                *known = (*known).max(Some(need));
            }
        }
    }
    needs
}

/// A place, the need there, and the IODs that have it.
type Row = ((Option<Tag>, Tag), Need, Vec<Iod>);

fn row(record: &csv::StringRecord, names: &HashMap<&str, Iod>) -> Option<Row> {
    let parent = match record.get(1)? {
        "" => None,
        text => Some(one(text)?),
    };
    let need = match record.get(2)? {
        "1" | "1C" => Need::Value,
        "2" | "2C" => Need::Present,
        "3" => Need::Optional,
        _ => return None,
    };
    Some(((parent, one(record.get(0)?)?), need, members(record.get(3)?, names)?))
}

fn one(text: &str) -> Option<Tag> {
    match Covers::parse(text)? {
        Covers::One(tag) => Some(tag),
        _ => None,
    }
}

/// Reads a list of IODs; none if it names one that does not exist.
fn members(text: &str, names: &HashMap<&str, Iod>) -> Option<Vec<Iod>> {
    let listed = |text: &str| text.split_whitespace().map(|name| names.get(name).copied()).collect::<Option<Vec<_>>>();
    let Some(but) = text.strip_prefix('*') else { return listed(text) };
    let without = listed(but.strip_prefix(" but ").unwrap_or_default())?;
    Some(names.values().copied().filter(|iod| !without.contains(iod)).collect())
}

fn is_choice(code: ActionCode) -> bool {
    code.as_str().contains('/')
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
    const SLIDE: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";

    fn tag(keyword: &str) -> Tag {
        tag_of_keyword(keyword).unwrap()
    }

    fn top(sop_class: &str, keyword: &str) -> Option<Need> {
        needed(iod(sop_class).unwrap(), None, tag(keyword))
    }

    fn below(sop_class: &str, parent: &str, keyword: &str) -> Option<Need> {
        needed(iod(sop_class).unwrap(), Some(tag(parent)), tag(keyword))
    }

    #[test]
    fn the_tables_are_the_pinned_ones_and_read_whole() {
        assert_eq!(hex::encode(Sha256::digest(TYPES)), "fe0bb995604845c810618cc704ee769b763e0398cb376b55f4c28c6666e51aed");
        assert_eq!(hex::encode(Sha256::digest(IODS)), "90c661114ff115436c592f67b515ce58213ac857ef6b1fcf786c6019635b8b6e");
        let names: HashMap<&str, Iod> = IODS.lines().skip(1).map(|line| (line.split_once(',').unwrap().1, Iod(0))).collect();
        assert_eq!((types().by_sop_class.len(), names.len()), (177, 168));
        let mut reader = csv::Reader::from_reader(TYPES.as_bytes());
        assert_eq!(reader.records().filter_map(|record| row(&record.unwrap(), &names)).count(), 222);
    }

    #[test]
    fn every_choice_of_table_e_1_1_has_an_answer_at_the_top_of_every_iod() {
        for row in attributes().iter().filter(|row| is_choice(row.basic)) {
            for iod in types().by_sop_class.values() {
                assert!(needed(*iod, None, row.tag().unwrap()).is_some(), "{}", row.name);
            }
        }
        assert_eq!(top(CT, "PatientName"), None, "no choice");
        assert_eq!(types().needs.keys().filter(|(parent, _)| parent.is_none()).count(), 50);
    }

    #[test]
    fn types_at_the_top_are_those_of_ps3_3() {
        assert_eq!(top(CT, "PatientID"), Some(Need::Present));
        assert_eq!(top(CT, "SeriesDate"), Some(Need::Optional));
        assert_eq!(top(PET, "SeriesDate"), Some(Need::Value));
        assert_eq!(top(PET, "AcquisitionDate"), Some(Need::Present));
        assert_eq!(top(MR, "AcquisitionDate"), Some(Need::Optional));
        assert_eq!(top(CT, "AcquisitionDateTime"), Some(Need::Optional));
        assert_eq!(top(ENHANCED_MR, "AcquisitionDateTime"), Some(Need::Value));
        assert_eq!(top(ENHANCED_MR, "DeviceSerialNumber"), Some(Need::Value));
        assert_eq!(top(CT, "DeviceSerialNumber"), Some(Need::Optional));
        assert_eq!(top(CT, "InstitutionName"), Some(Need::Optional));
        assert_eq!(top(CT, "ContrastBolusAgent"), Some(Need::Present));
        assert_eq!(top(CT, "OperatorsName"), Some(Need::Optional));
        assert_eq!(top(RT_PLAN, "OperatorsName"), Some(Need::Present));
        assert_eq!(top(RT_PLAN, "RTPlanDate"), Some(Need::Present));
        assert_eq!(top(BASIC_SR, "ContentDate"), Some(Need::Value));
        assert_eq!(top(BASIC_SR, "ReferencedPerformedProcedureStepSequence"), Some(Need::Present));
        assert_eq!(top(SLIDE, "AcquisitionDateTime"), Some(Need::Value));
        assert_eq!(top(PRESENTATION, "ContentCreatorName"), Some(Need::Optional));
    }

    #[test]
    fn the_same_attribute_may_be_needed_more_in_one_sequence_than_in_another() {
        assert_eq!(below(CT, "OtherPatientIDsSequence", "PatientID"), Some(Need::Value));
        assert_eq!(below(CT, "ReferringPhysicianIdentificationSequence", "InstitutionName"), Some(Need::Value));
        assert_eq!(below(CT, "ContributingEquipmentSequence", "InstitutionName"), Some(Need::Optional));
        assert_eq!(below(RT_PLAN, "BeamSequence", "TreatmentMachineName"), Some(Need::Present));
        assert_eq!(below(CT, "BeamSequence", "TreatmentMachineName"), None);
        assert_eq!(below(BASIC_SR, "ReferencedRequestSequence", "RequestedProcedureDescription"), Some(Need::Present));
        assert_eq!(below(CT, "RequestAttributesSequence", "RequestedProcedureDescription"), Some(Need::Optional));
    }

    #[test]
    fn retired_and_private_sop_classes_have_no_iod() {
        assert_eq!(iod("1.2.840.10008.5.1.4.1.1.2\0"), iod(CT));
        for sop_class in ["1.2.840.10008.5.1.4.1.1.6", "1.3.12.2.1107.5.9.1", ""] {
            assert_eq!(iod(sop_class), None, "{sop_class}");
        }
    }

    #[test]
    fn every_choice_is_resolved_and_nothing_else_changes() {
        use ActionCode::{Dummy as D, Remove as X, RemoveOrZeroOrUids as U, Zero as Z};
        let needs = [Some(Need::Optional), Some(Need::Present), Some(Need::Value), None];
        let expected = [
            (ActionCode::RemoveOrZeroOrDummy, [X, Z, D, D]),
            (ActionCode::RemoveOrZero, [X, Z, Z, Z]),
            (ActionCode::RemoveOrDummy, [X, D, D, D]),
            (ActionCode::ZeroOrDummy, [Z, Z, D, D]),
            (ActionCode::RemoveOrZeroOrUids, [U; 4]),
        ];
        for code in ActionCode::ALL {
            let row = expected.iter().find(|(choice, _)| *choice == code).map_or([code; 4], |(_, row)| *row);
            assert_eq!(needs.map(|need| resolve(code, need)), row, "{code:?}");
        }
    }
}
