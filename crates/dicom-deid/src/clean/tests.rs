//! Whole profiles on whole data sets, and what becomes of files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod pieces;
mod selectors;

use std::sync::Arc;

use bytes::Bytes;
use dicom_lossless::{
    DataSet, Element, Encoding, Instance, Limits, Source, SourceFile, Tag, VR, Value, padded, read,
};
use serde_json::json;

use super::*;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Profile, from_server_json, load};

const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;

fn profile(dicom: &str) -> Profile {
    from_server_json(&json!(format!("name: t\ndicom: {dicom}")), "test")
        .unwrap()
        .unwrap()
}

fn text(tag: Tag, vr: VR, value: &str) -> Element {
    Element::new(tag, vr, padded(vr, value.as_bytes().to_vec()))
}

fn named(keyword: &str, value: &str) -> Element {
    let tag = crate::standard::tag_of_keyword(keyword).unwrap();
    text(tag, crate::standard::vr(tag).unwrap(), value)
}

fn sequence(keyword: &str, items: Vec<Vec<Element>>) -> Element {
    let items = items
        .into_iter()
        .map(DataSet::from_elements)
        .collect();
    Element::sequence(
        crate::standard::tag_of_keyword(keyword).unwrap(),
        items,
        LITTLE,
    )
}

fn clean(dicom: &str, elements: Vec<Element>) -> Result<DataSet, DeidError> {
    let mut data = DataSet::from_elements(elements);
    Cleaner::new(&profile(dicom), None, Limits::default())
        .unwrap()
        .clean(&mut data, LITTLE)?;
    Ok(data)
}

/// A data set as text, an element to a line, items indented.
fn dump(data: &DataSet) -> String {
    let mut lines = String::new();
    dump_into(data, "", &mut lines);
    lines
}

fn dump_into(data: &DataSet, indent: &str, lines: &mut String) {
    for element in data {
        let name = crate::standard::keyword(element.tag)
            .map_or_else(|| element.tag.to_string(), str::to_owned);
        let value = element.bytes().map(|bytes| {
            String::from_utf8_lossy(bytes)
                .trim_end_matches(['\0', ' '])
                .to_owned()
        });
        let value = value
            .map(|value| format!(" [{value}]"))
            .unwrap_or_default();
        lines.extend([indent, &name, " ", element.vr.to_string(), &value, "\n"]);
        for item in element
            .items()
            .into_iter()
            .flat_map(|sequence| &sequence.items)
        {
            lines.extend([indent, "  -\n"]);
            dump_into(&item.data, &format!("{indent}    "), lines);
        }
    }
}

/// What a profile makes of a data set, as text.
fn cleaned(dicom: &str, elements: Vec<Element>) -> String {
    clean(dicom, elements).map_or_else(|failure| failure.to_string(), |data| dump(&data))
}

#[test]
fn every_action_changes_its_element() {
    let fields = "{date-increment: -17, fields: [
        {name: AccessionNumber, keep: true}, {name: PatientName, remove: true}, {name: PatientID, hash: true},
        {name: StudyInstanceUID, hashuid: true}, {name: StudyDate, increment-date: true},
        {name: AcquisitionDateTime, increment-datetime: true}, {name: '00100040', replace-with: O},
        {name: PatientWeight, replace-with: 70}, {name: SeriesDate, increment-date: true, date-increment-override: 0},
        {name: StudyID, replace-with: new}, {name: PatientSize, replace-with: 1, replace-with-insert: false},
        {name: PatientComments, replace-with: null}, {name: InstanceNumber, replace-with: ''}]}";
    let before = vec![
        named("StudyDate", "20040119"),
        named("SeriesDate", "20040119\\20040120"),
        named("AcquisitionDateTime", "20040119072730+0100"),
        named("AccessionNumber", "A1"),
        named("PatientName", "Doe^Jane"),
        named("PatientID", "PAT-0042"),
        named("PatientSize", ""),
        named("PatientComments", "as it was"),
        named(
            "StudyInstanceUID",
            "1.2.840.113619.2.30.1.1762295590.1623.978668949.886",
        ),
        named("InstanceNumber", "7"),
    ];
    assert_eq!(
        cleaned(fields, before),
        "StudyDate DA [20040102]
SeriesDate DA [20040119\\20040120]
AcquisitionDateTime DT [20040102072730.000000+0100]
AccessionNumber SH [A1]
PatientID LO [a0f7295c61144f61]
PatientSex CS [O]
PatientSize DS []
PatientWeight DS [70.0]
PatientComments LT [as it was]
StudyInstanceUID UI [1.2.840.113619.341778.722318.122657.203411.214044.139247.886]
StudyID SH [new]
InstanceNumber IS []
"
    );
}

#[test]
fn rules_act_in_document_order() {
    let result = cleaned(
        "{fields: [{name: StudyID, replace-with: PAT-0042}, {name: StudyID, hash: true}, {name: OtherPatientIDsSequence.0.PatientID, replace-with: a}, {name: OtherPatientIDsSequence, remove: true}]}",
        vec![],
    );
    assert_eq!(result, "StudyID SH [a0f7295c61144f61]\n");
}

#[test]
fn paths_reach_items_and_make_them() {
    let insert = "{fields: [{name: OtherPatientIDsSequence.2.PatientID, replace-with: X}]}";
    assert_eq!(
        cleaned(insert, vec![]),
        "OtherPatientIDsSequence SQ\n  -\n  -\n  -\n    PatientID LO [X]\n"
    );
    let two = || {
        vec![sequence(
            "OtherPatientIDsSequence",
            vec![vec![named("PatientID", "a")], vec![]],
        )]
    };
    let every = "{fields: [{name: OtherPatientIDsSequence.*.PatientID, replace-with: X}]}";
    assert_eq!(
        cleaned(every, two()),
        "OtherPatientIDsSequence SQ\n  -\n    PatientID LO [X]\n  -\n    PatientID LO [X]\n"
    );
    assert_eq!(
        cleaned(every, vec![]),
        "",
        "a missing sequence is left missing by `*`"
    );
    let beyond = "{fields: [{name: OtherPatientIDsSequence.9.PatientID, remove: true}]}";
    assert_eq!(clean(beyond, two()).unwrap(), DataSet::from_elements(two()));
    let through = clean(
        "{fields: [{name: PatientID.0.StudyID, remove: true}]}",
        vec![named("PatientID", "a")],
    )
    .unwrap_err();
    assert_eq!(through.kind, DeidErrorKind::Rule);
}

#[test]
fn recursion_reaches_every_item_and_inserts_only_at_the_top() {
    let private = Element::sequence(
        Tag(9, 0x1001),
        vec![DataSet::from_elements(vec![named("PatientID", "PAT-0042")])],
        LITTLE,
    );
    let before = vec![
        text(Tag(9, 0x10), VR::LO, "ACME"),
        private,
        sequence(
            "OtherPatientIDsSequence",
            vec![vec![
                named("PatientID", "PAT-0042"),
                sequence(
                    "OtherPatientIDsSequence",
                    vec![vec![named("PatientID", "PAT-0042")]],
                ),
            ]],
        ),
    ];
    let fields = "{recurse-sequence: true, fields: [{name: PatientID, hash: true}, {name: CodeValue, replace-with: Z}]}";
    assert_eq!(
        cleaned(fields, before),
        "CodeValue SH [Z]
(0009,0010) LO [ACME]
(0009,1001) SQ
  -
    PatientID LO [a0f7295c61144f61]
OtherPatientIDsSequence SQ
  -
    PatientID LO [a0f7295c61144f61]
    OtherPatientIDsSequence SQ
      -
        PatientID LO [a0f7295c61144f61]
"
    );
}

#[test]
fn the_age_is_computed_from_the_original_dates() {
    let before = vec![
        named("StudyDate", "20040119"),
        named("PatientBirthDate", "19500615"),
    ];
    let fields = "{patient-age-from-birthdate: true, patient-age-units: Y, fields: [{name: PatientBirthDate, remove: true}]}";
    assert_eq!(
        cleaned(fields, before),
        "StudyDate DA [20040119]\nPatientAge AS [053Y]\n"
    );
    assert_eq!(
        cleaned(fields, vec![named("StudyDate", "2004")]),
        "StudyDate DA [2004]\n"
    );
}

#[test]
fn a_failure_names_the_rule_and_never_the_value() {
    let fields = "{date-increment: 1, fields: [{name: PatientID, keep: true}, {name: StudyDate, increment-date: true}]}";
    let failure = clean(fields, vec![named("StudyDate", "secret")]).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "a date does not have the format that the profile states: \
         fields[1] (increment-date of StudyDate, line 2), at StudyDate (0008,0020): not in the \
         format %Y%m%d"
    );
    for (fields, element, code) in [
        (
            "{fields: [{name: PatientName, replace-with: 山田}]}",
            named("PatientName", "x"),
            DeidErrorKind::Text,
        ),
        (
            "{fields: [{name: InstanceNumber, hash: true}]}",
            named("InstanceNumber", "5"),
            DeidErrorKind::Target,
        ),
        (
            "{fields: [{name: '00091001', hash: true}]}",
            Element::new(Tag(9, 0x1001), VR::UN, &b"ab"[..]),
            DeidErrorKind::Target,
        ),
        (
            "{recurse-sequence: true, fields: [{name: PatientID, remove: true}]}",
            Element::new(Tag(0x0008, 0x1140), VR::UN, &b"abcd"[..]),
            DeidErrorKind::Target,
        ),
    ] {
        assert_eq!(
            clean(fields, vec![element])
                .unwrap_err()
                .kind,
            code,
            "{fields}"
        );
    }
}

#[test]
fn text_follows_the_character_set_of_its_item() {
    let utf8 = named("SpecificCharacterSet", "ISO_IR 192");
    let fields = "{recurse-sequence: true, fields: [{name: PatientName, hash: true}, {name: PatientComments, replace-with: ü}]}";
    let name = || named("PatientName", "Äneas^Rüdiger=山田^太郎");
    let data = clean(
        fields,
        vec![
            utf8,
            sequence(
                "OtherPatientIDsSequence",
                vec![vec![name(), named("PatientComments", "x")]],
            ),
        ],
    )
    .unwrap();
    let result = dump(&data);
    assert!(
        result.contains("PatientName PN [2baf7f3a9f2636ee]")
            && result.contains("PatientComments LT [ü]"),
        "{result}"
    );
    let changed = "{fields: [{name: SpecificCharacterSet, replace-with: ISO_IR 192}]}";
    let latin = || Element::new(Tag(0x0010, 0x0010), VR::PN, &b"M\xFCller"[..]);
    let before = || vec![named("SpecificCharacterSet", "ISO_IR 100"), latin()];
    assert_eq!(
        clean(changed, before())
            .unwrap_err()
            .kind,
        DeidErrorKind::Text
    );
    assert!(
        clean("{fields: [{name: PatientName, remove: true}, {name: SpecificCharacterSet, replace-with: ISO_IR 192}]}", before())
            .is_ok()
    );
}

#[test]
fn unknown_vrs_of_known_attributes_are_read_by_the_dictionary() {
    let before = vec![Element::new(Tag(0x0010, 0x0020), VR::UN, &b"PAT-0042"[..])];
    assert_eq!(
        cleaned("{fields: [{name: PatientID, hash: true}]}", before),
        "PatientID LO [a0f7295c61144f61]\n"
    );
}

/// An explicit little endian file of these elements (no sequences), with text in preamble and meta.
fn file(elements: &[Element]) -> Instance {
    let mut bytes = vec![b'x'; 128];
    bytes.extend(b"DICM\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\0");
    bytes.extend(b"\x02\x00\x16\x00AE\x06\x00SECRET");
    for element in elements {
        let value = element.bytes().unwrap();
        bytes.extend(element.tag.group().to_le_bytes());
        bytes.extend(element.tag.element().to_le_bytes());
        bytes.extend(element.vr.to_string().as_bytes());
        if matches!(element.vr, VR::OW | VR::OB | VR::UT) {
            bytes.extend([0, 0]);
            bytes.extend(
                u32::try_from(value.len())
                    .unwrap()
                    .to_le_bytes(),
            );
        } else {
            bytes.extend(
                u16::try_from(value.len())
                    .unwrap()
                    .to_le_bytes(),
            );
        }
        bytes.extend(&value[..]);
    }
    let file = Arc::new(SourceFile::new("Cargo.toml").unwrap());
    read(
        Source::Memory {
            file,
            bytes: Bytes::from(bytes),
        },
        &Limits::default(),
    )
    .unwrap()
}

fn with_pixels() -> Vec<Element> {
    vec![
        named("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"),
        named("SOPInstanceUID", "1.2.3.4.5"),
        named("PatientID", "SECRET"),
        Element::new(Tag(0x7FE0, 0x0010), VR::OW, vec![7_u8; 8]),
        text(Tag(0xFFFC, 0xFFFC), VR::OB, "SECRET"),
    ]
}

fn sent(dicom: &str) -> Result<(CleanInstance, Vec<u8>), DeidError> {
    let clean = Cleaner::new(&profile(dicom), None, Limits::default())
        .unwrap()
        .deidentify(file(&with_pixels()), "x.dcm")?;
    let bytes = clean.body().to_vec().unwrap();
    Ok((clean, bytes))
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes
        .windows(needle.len())
        .any(|window| window == needle)
}

#[test]
fn header_tail_preamble_and_meta_are_all_clean() {
    let (clean, bytes) = sent("{fields: [{name: PatientID, hash: true}, {name: SOPInstanceUID, hashuid: true}, {name: DataSetTrailingPadding, remove: true}]}").unwrap();
    assert!(!holds(&bytes, b"SECRET") && !holds(&bytes, b"xxxx") && !holds(&bytes, b"1.2.3.4.5\0"));
    assert!(holds(&bytes, &[7; 8]), "pixel data stays");
    assert_eq!(clean.changed(), 3);
    assert!(holds(&bytes, b"1.2.840.10008.5.1.4.1.1.7\0"));
    assert_eq!(
        clean
            .routing()
            .sop_instance
            .as_ref()
            .unwrap()
            .expose(),
        clean.sop_instance()
    );
    let in_meta = bytes
        .windows(clean.sop_instance().len())
        .filter(|window| *window == clean.sop_instance().as_bytes())
        .count();
    assert_eq!(in_meta, 2, "data set and file meta agree");
    assert!(
        !format!("{clean:?}").contains("a0f7"),
        "no attribute value is shown"
    );
}

#[test]
fn pixel_data_can_be_removed_and_nothing_else() {
    let (_, bytes) = sent("{fields: [{name: PixelData, remove: true}]}").unwrap();
    assert!(!holds(&bytes, &[7; 8]));
    assert!(
        holds(&bytes, b"SECRET"),
        "the tail stays, behind the header"
    );
    let failure = sent("{fields: [{regex: PixelData, replace-with: ''}]}").unwrap_err();
    assert_eq!(failure.kind, DeidErrorKind::Target);
    let (_, bytes) = sent("{remove-undefined: true, fields: [{name: SOPInstanceUID}]}").unwrap();
    assert!(!holds(&bytes, &[7; 8]) && !holds(&bytes, b"SECRET"));
    assert_eq!(
        sent("{fields: [{name: SOPInstanceUID, remove: true}]}")
            .unwrap_err()
            .kind,
        DeidErrorKind::MissingUid
    );
}

#[test]
fn the_same_instance_gives_the_same_bytes() {
    let fields =
        "{fields: [{name: PatientID, hash: true}, {name: DataSetTrailingPadding, remove: true}]}";
    assert_eq!(sent(fields).unwrap().1, sent(fields).unwrap().1);
}

#[test]
fn without_a_profile_preamble_and_meta_are_fresh_all_the_same() {
    let consent = IdentifiedConsent::a_person_agrees_that_nothing_is_deidentified();
    let uncleaned = as_it_is(&file(&with_pixels()), &Limits::default(), &consent).unwrap();
    let bytes = uncleaned.body().to_vec().unwrap();
    let count = bytes
        .windows(6)
        .filter(|window| *window == b"SECRET")
        .count();
    assert_eq!(
        count, 2,
        "patient ID and tail, not the AE title of the meta"
    );
    assert!(!holds(&bytes, b"xxxx"));
    assert_eq!(
        Sendable::from(uncleaned)
            .routing()
            .patient_id
            .as_ref()
            .unwrap()
            .expose(),
        "SECRET"
    );
}

/// A data set with something of most kinds that the built-in profiles address.
fn study() -> Vec<Element> {
    vec![
        named("SpecificCharacterSet", "ISO_IR 100"),
        named("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
        named("SOPInstanceUID", "1.2.3.4.5"),
        named("StudyDate", "20040119"),
        named("SeriesDate", "20040119"),
        named("StudyTime", "072730"),
        named("AccessionNumber", "A1"),
        named("Modality", "CT"),
        named("InstitutionName", "Clinic"),
        named("ReferringPhysicianName", "Who^Doctor"),
        sequence(
            "ReferencedStudySequence",
            vec![vec![named("ReferencedSOPInstanceUID", "1.2.3.4")]],
        ),
        sequence(
            "DerivationCodeSequence",
            vec![vec![
                named("ReferencedSOPInstanceUID", "1.2.3.4"),
                named("OperatorsName", "Op"),
            ]],
        ),
        text(Tag(9, 0x10), VR::LO, "ACME"),
        text(Tag(9, 0x1001), VR::LO, "private"),
        named("PatientName", "Doe^Jane"),
        named("PatientID", "PAT-0042"),
        named("PatientBirthDate", "19500615"),
        sequence(
            "OtherPatientIDsSequence",
            vec![vec![named("PatientID", "OTHER")]],
        ),
        named("ContrastBolusAgent", "something"),
        named("StudyInstanceUID", "1.2.3"),
        named("SeriesInstanceUID", "1.2.3.4"),
        named("SeriesNumber", "3"),
        named("CurrentPatientLocation", "Ward 7"),
        text(Tag(0x6002, 0x3000), VR::OW, "overlay "),
    ]
}

fn builtin(name: &str) -> String {
    let mut data = DataSet::from_elements(study());
    Cleaner::new(&load(name).unwrap(), None, Limits::default())
        .unwrap()
        .clean(&mut data, LITTLE)
        .unwrap();
    dump(&data)
}

#[test]
fn flywheel_minimal_takes_three_elements() {
    let before = dump(&DataSet::from_elements(study()));
    let gone = [
        "PatientName PN [Doe^Jane]\n",
        "PatientID LO [PAT-0042]\n",
        "PatientBirthDate DA [19500615]\n",
    ];
    let after = gone
        .into_iter()
        .fold(before, |text, line| {
            text.replace(&format!("\n{line}"), "\n")
        });
    assert_eq!(builtin("flywheel-minimal"), after);
}

#[test]
fn untouched_values_are_the_same_bytes() {
    let before = study();
    let data = clean(
        "{fields: [{name: PatientID, remove: true}]}",
        before.clone(),
    )
    .unwrap();
    for element in &data {
        let original = before
            .iter()
            .find(|other| other.tag == element.tag)
            .unwrap();
        assert_eq!(element, original);
        if let (Value::Bytes(after), Value::Bytes(before)) = (&element.value, &original.value) {
            assert_eq!(after.as_ptr(), before.as_ptr(), "not even copied");
        }
    }
}
