//! What raises the check and what does not, each rule from both sides, on whole files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod edges;

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use dicom_lossless::{
    DataSet, Element, Encoding, Instance, Limits, Source, SourceFile, Tag, VR, padded, read,
};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use serde_json::json;

use super::WorkBudget;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{OnLeak, Profile, from_server_json};
use crate::standard;
use crate::{clean::CleanInstance, clean::Cleaner, clean::Sendable};

const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;
/// Takes most of what identifies, at the top of the data set.
const USUAL: &str = "{fields: [{name: PatientName, remove: true}, {name: PatientID, hash: true}, \
    {name: PatientBirthDate, remove: true}, {name: StudyDescription, remove: true}, \
    {name: InstitutionName, remove: true}]}";

fn profile(dicom: &str) -> Profile {
    from_server_json(&json!(format!("name: t\ndicom: {dicom}")), "test")
        .unwrap()
        .unwrap()
}

fn raw(keyword: &str, value: &[u8]) -> Element {
    let tag = standard::tag_of_keyword(keyword).unwrap();
    let vr = standard::vr(tag).unwrap();
    Element::new(tag, vr, padded(vr, value.to_vec()))
}

fn named(keyword: &str, value: &str) -> Element {
    raw(keyword, value.as_bytes())
}

fn sequence(keyword: &str, items: Vec<Vec<Element>>) -> Element {
    let items = items
        .into_iter()
        .map(DataSet::from_elements)
        .collect();
    Element::sequence(standard::tag_of_keyword(keyword).unwrap(), items, LITTLE)
}

fn person() -> Vec<Element> {
    vec![
        named("SOPInstanceUID", "1.2.826.0.1.99.7"),
        named("StudyDescription", "Knee of Quillfeather"),
        named("InstitutionName", "Saltmarsh"),
        named("PatientName", "Oxblatt^Jane"),
        named("PatientID", "PAT-0042-7731905"),
        named("PatientBirthDate", "19500615"),
    ]
}

fn instance_as(uid: &str, data: &[u8], mut elements: Vec<u8>) -> Instance {
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM\x02\x00\x10\x00UI");
    let uid = padded(VR::UI, uid.as_bytes().to_vec());
    bytes.extend(
        u16::try_from(uid.len())
            .unwrap()
            .to_le_bytes(),
    );
    bytes.extend(&uid[..]);
    bytes.extend(data);
    bytes.append(&mut elements);
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

fn instance(mut elements: Vec<Element>) -> Instance {
    elements.sort_by_key(|element| element.tag);
    let data = DataSet::from_elements(elements)
        .to_bytes(LITTLE, &Limits::default())
        .unwrap();
    instance_as("1.2.840.10008.1.2.1", &data, Vec::new())
}

fn cleaned(dicom: &str, elements: Vec<Element>) -> Result<CleanInstance, DeidError> {
    Cleaner::new(&profile(dicom), None, Limits::default())
        .unwrap()
        .deidentify(instance(elements), "x.dcm")
}

/// Where something is left of a person, besides whose data these elements stand; nothing where the
/// check is content.
fn left_by(dicom: &str, others: Vec<Element>) -> Option<String> {
    let failure = cleaned(
        dicom,
        person()
            .into_iter()
            .chain(others)
            .collect(),
    )
    .err()?;
    assert_eq!(failure.kind, DeidErrorKind::IdentifierLeft, "{failure}");
    Some(failure.detail)
}

fn left(others: Vec<Element>) -> Option<String> {
    left_by(USUAL, others)
}

/// Whether a text, put where nothing is done about it, raises the check.
fn raises(text: &str) -> bool {
    left(vec![named("ImageComments", text)]).is_some()
}

#[test]
fn a_finding_names_both_attributes_and_never_the_value() {
    let elements = person()
        .into_iter()
        .chain([named("ImageComments", "of OXBLATT^JANE")])
        .collect();
    let failure = cleaned(USUAL, elements).unwrap_err();
    let expected =
        "what stood in PatientName (0010,0010) still stands in ImageComments (0020,4000)";
    assert_eq!(
        (failure.kind, failure.detail.as_str()),
        (DeidErrorKind::IdentifierLeft, expected)
    );
    assert!(
        failure
            .remedy
            .as_deref()
            .unwrap_or_default()
            .contains("remove or clean ImageComments (0020,4000)")
    );
    assert!(
        !format!("{failure:?}")
            .to_lowercase()
            .contains("oxblatt")
    );
    assert_eq!(left(vec![named("ImageComments", "of nobody")]), None);
}

#[test]
fn names_and_identifiers_are_looked_for_in_parts() {
    for text in [
        "Jane's knee",
        "JANE OXBLATT",
        "oxblatt, j.",
        "x_Oxblatt_",
        "7731905",
        "see pat-0042-7731905",
    ] {
        assert!(raises(text), "{text}");
    }
    for text in ["Janeway", "Blackoxblatt", "17731905", "0042", "PAT", "-"] {
        assert!(!raises(text), "{text}");
    }
}

#[test]
fn short_names_are_looked_for_in_both_orders() {
    let with = |name: &str, text: &str| {
        let elements = vec![
            named("SOPInstanceUID", "1.2.3"),
            named("ImageComments", text),
            named("PatientName", name),
        ];
        cleaned(USUAL, elements).is_err()
    };
    assert!(with("Ng^Li", "li ng") && with("Ng^Li", "Ng, Li") && with("Ng^Li", "NG^LI^^"));
    assert!(!with("Ng^Li", "Ng") && !with("Ng^Li", "ring lid"));
    assert!(
        with("Johannes^X", "Johannesburg"),
        "long parts count inside words"
    );
}

#[test]
fn common_words_short_values_and_short_numbers_do_not_count() {
    let with = |keyword: &str, value: &str, text: &str| {
        let elements = vec![
            named("SOPInstanceUID", "1.2.3"),
            named("ImageComments", text),
            named(keyword, value),
        ];
        cleaned(USUAL, elements).is_err()
    };
    assert!(
        !with("PatientName", "Phantom", "phantom")
            && !with("PatientName", "Head^Phantom", "head first")
    );
    assert!(
        with("PatientName", "Head^Phantom", "head^phantom"),
        "the whole name counts"
    );
    assert!(!with("PatientID", "12345", "12345") && with("PatientID", "123456", "(123456)"));
    assert!(!with("PatientID", "AB1", "AB1") && with("PatientID", "AB12", "AB12"));
    assert!(
        !with("StudyDescription", "Knee left 3", "knee left 3")
            && with("StudyDescription", "Knee Zx9q", "a knee zx9q")
    );
    assert!(
        !with("StudyDescription", "Knee Quillfeather", "quillfeather"),
        "free text counts as a whole"
    );
}

#[test]
fn the_profile_sets_the_shortest_length() {
    let longer = |length: usize| {
        let mut profile = profile(USUAL);
        profile.dicom.residual.min_length = length;
        let elements = person()
            .into_iter()
            .chain([named("ImageComments", "jane")])
            .collect();
        Cleaner::new(&profile, None, Limits::default())
            .unwrap()
            .deidentify(instance(elements), "")
            .is_err()
    };
    assert!(longer(4) && !longer(5));
}

#[test]
fn every_part_of_the_data_set_is_searched() {
    let unknown = |value: &[u8]| {
        vec![
            raw_private(0x10, VR::LO, b"ACME"),
            raw_private(0x1001, VR::UN, value),
        ]
    };
    assert_eq!(
        left(unknown(b"\x01\x02\x00 Oxblatt \x00\xff")).unwrap(),
        "what stood in PatientName (0010,0010) still stands in (0009,1001)"
    );
    let nested = sequence(
        "RequestAttributesSequence",
        vec![vec![], vec![named("StudyComments", "for Jane")]],
    );
    let place = "RequestAttributesSequence.1.StudyComments (0032,4000)";
    assert!(
        left(vec![nested])
            .unwrap()
            .ends_with(place)
    );
    let tail = vec![
        Element::new(
            Tag(0x7FE0, 0x0010),
            VR::OW,
            b"Oxblatt Jane pixels!".as_slice(),
        ),
        Element::new(Tag(0xFFFC, 0xFFFC), VR::OB, b" Jane ".as_slice()),
    ];
    assert!(
        left(tail.clone())
            .unwrap()
            .ends_with("DataSetTrailingPadding (FFFC,FFFC)")
    );
    assert_eq!(left(tail[..1].to_vec()), None, "pixel data is not text");
}

fn raw_private(element: u16, vr: VR, value: &[u8]) -> Element {
    Element::new(Tag(0x0009, element), vr, padded(vr, value.to_vec()))
}

#[test]
fn a_deflated_data_set_is_searched_before_it_is_deflated() {
    let deflated = |text: &str| {
        let mut elements: Vec<Element> = person()
            .into_iter()
            .chain([named("ImageComments", text)])
            .collect();
        elements.sort_by_key(|element| element.tag);
        let data = DataSet::from_elements(elements)
            .to_bytes(LITTLE, &Limits::default())
            .unwrap();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&data).unwrap();
        let instance = instance_as(
            "1.2.840.10008.1.2.1.99",
            &encoder.finish().unwrap(),
            Vec::new(),
        );
        Cleaner::new(&profile(USUAL), None, Limits::default())
            .unwrap()
            .deidentify(instance, "")
            .map(|_| ())
    };
    assert_eq!(
        deflated("for Oxblatt")
            .unwrap_err()
            .kind,
        DeidErrorKind::IdentifierLeft
    );
    assert!(deflated("for nobody").is_ok());
}

#[test]
fn values_are_found_in_other_encodings_than_their_own() {
    let in_utf16 = |text: &str, units: fn(u16) -> [u8; 2]| {
        text.encode_utf16()
            .flat_map(units)
            .collect::<Vec<u8>>()
    };
    let holds = |set: &'static str, name: &[u8], value: Vec<u8>| {
        let elements = vec![
            named("SpecificCharacterSet", set),
            named("SOPInstanceUID", "1.2.3"),
            raw_private(0x10, VR::LO, b"ACME"),
            raw_private(0x1001, VR::UN, &value),
            raw("PatientName", name),
        ];
        cleaned(USUAL, elements).is_err()
    };
    for order in [u16::to_le_bytes, u16::to_be_bytes] {
        assert!(holds("", b"Oxblatt^Jane", in_utf16("for oxblatt", order)));
        assert!(holds(
            "ISO_IR 100",
            b"M\xFCller^J",
            in_utf16("for MÜLLER", order)
        ));
        assert!(holds(
            "ISO_IR 192",
            "Иванов^И".as_bytes(),
            in_utf16("для иванов", order)
        ));
        assert!(!holds("", b"Oxblatt^Jane", in_utf16("for oxblatts", order)));
    }
    assert!(
        holds("ISO_IR 100", b"M\xFCller^J", "für Müller".into())
            && holds("ISO_IR 100", b"M\xFCller^J", b"M\xDCLLER".into())
    );
    assert!(holds(
        "ISO_IR 192",
        "Müller^J".as_bytes(),
        b"M\xFCller ".into()
    ));
    assert!(
        holds(
            "ISO_IR 144",
            b"\xB8\xD2\xD0\xDD\xDE\xD2^X",
            b"\xD8\xD2\xD0\xDD\xDE\xD2 ".into()
        ),
        "as declared, in lower case"
    );
    let yamada = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B";
    assert!(
        holds("\\ISO 2022 IR 87", yamada, b"\x8e\x52\x93\x63".into()),
        "Shift-JIS"
    );
    assert!(
        holds("\\ISO 2022 IR 87", yamada, "氏名 山田太郎".into()),
        "UTF-8"
    );
    assert!(
        holds("", b"\x8e\x52\x93\x63^X", b" \x8e\x52\x93\x63 ".into()),
        "bytes of an undeclared set"
    );
    assert!(!holds("\\ISO 2022 IR 87", yamada, "山本".into()));
}

#[test]
fn dates_are_found_in_texts_in_every_common_form() {
    for text in [
        "b. 1950-06-15",
        "15.06.1950",
        "15 Jun 1950",
        "15-JUN-1950",
        "06/15/1950",
        "x19500615",
        "195006151230",
        "June 15, 1950",
    ] {
        assert!(raises(text), "{text}");
    }
    for text in [
        "119500615",
        "1950061599",
        "1950-06-151",
        "1950-06-16",
        "1.19500615",
    ] {
        assert!(!raises(text), "{text}");
    }
    for kept in [
        named("StudyDate", "19500615"),
        named("AcquisitionDateTime", "19500615120000"),
        named("ReferencedFrameOfReferenceUID", "1.2.19500615.7"),
    ] {
        assert_eq!(left(vec![kept]), None);
    }
    let elements = vec![
        named("SOPInstanceUID", "1.2.3"),
        named("ImageComments", "19000101"),
        named("PatientBirthDate", "19000101"),
    ];
    assert!(
        cleaned(USUAL, elements).is_ok(),
        "a date that stands for none"
    );
}

#[test]
fn uids_are_found_whole() {
    let fields = "{fields: [{name: SeriesInstanceUID, hashuid: true}, {name: ReferencedStudySequence, remove: true}]}";
    let with = |series: &str, text: &str, referenced: &str| {
        left_by(
            fields,
            vec![
                named("SeriesInstanceUID", series),
                named("StudyInstanceUID", "1.2.826.0.1.99.1"),
                named("ImageComments", text),
                sequence(
                    "ReferencedStudySequence",
                    vec![vec![named("ReferencedSOPInstanceUID", "1.2.826.0.1.99.1")]],
                ),
                sequence(
                    "SourceImageSequence",
                    vec![vec![named("ReferencedSOPInstanceUID", referenced)]],
                ),
            ],
        )
    };
    assert!(
        with("1.2.826.0.1.5", "series 1.2.826.0.1.5.", "1.2.3")
            .unwrap()
            .ends_with("ImageComments (0020,4000)")
    );
    assert!(
        with("1.2.826.0.1.5", "", "1.2.826.0.1.5")
            .unwrap()
            .contains("SourceImageSequence.0.")
    );
    assert_eq!(
        with(
            "1.2.826.0.1.5",
            "1.2.826.0.1.55 11.2.826.0.1.5",
            "1.2.826.0.1.5.6"
        ),
        None
    );
    assert_eq!(
        with("1.2.826.0.1.5", "1.2.826.0.1.99.1", "1.2.3"),
        None,
        "the study keeps its UID"
    );
    assert_eq!(
        with("1.2.840.10008.1.2", "1.2.840.10008.1.2", "1.2.3"),
        None,
        "it names a definition"
    );
}

#[test]
fn values_that_the_profile_keeps_or_states_are_no_leak() {
    let keeping = |rule: &str| USUAL.replace("fields: [", &format!("fields: [{rule}, "));
    let comment = || vec![named("ImageComments", "Jane")];
    assert_eq!(
        left_by(&keeping("{name: ImageComments, keep: true}"), comment()),
        None
    );
    assert!(left_by(&keeping("{name: StudyComments, keep: true}"), comment()).is_some());
    assert_eq!(
        left_by(&keeping("{regex: 'ImageComm.*', keep: true}"), comment()),
        None
    );
    let nested = || {
        vec![sequence(
            "RequestAttributesSequence",
            vec![vec![named("StudyComments", "Jane")]],
        )]
    };
    assert_eq!(
        left_by(
            &keeping("{name: RequestAttributesSequence.*.StudyComments, keep: true}"),
            nested()
        ),
        None
    );
    assert!(
        left_by(&keeping("{name: StudyComments, keep: true}"), nested()).is_some(),
        "kept at the top only"
    );
    let private = || {
        vec![
            raw_private(0x10, VR::LO, b"ACME"),
            raw_private(0x1001, VR::LO, b"Jane"),
        ]
    };
    assert_eq!(
        left_by(
            &keeping("{name: '(0009,\"ACME\",01)', keep: true}"),
            private()
        ),
        None
    );
    assert!(
        left_by(
            &keeping("{name: '(0009,\"OTHER\",01)', keep: true}"),
            private()
        )
        .is_some()
    );
    assert_eq!(
        left_by(
            &keeping("{name: ImageComments, replace-with: Saltmarsh}"),
            comment()
        ),
        None,
        "the profile's own words"
    );
}

#[test]
fn values_that_cleaning_wrote_are_no_leak() {
    let comment = || vec![named("ImageComments", "Quillfeather Saltmarsh x")];
    let sub = |output: &str| {
        format!(
            "{{name: ImageComments, regex-sub: [{{input-regex: '(?P<a>\\w+) (?P<b>\\w+) x', \
                output: '{output}'}}]}}"
        )
    };
    let with = |output: &str| {
        left_by(
            &USUAL.replace("fields: [", &format!("fields: [{}, ", sub(output))),
            comment(),
        )
    };
    assert!(
        with("in {b} still").is_some(),
        "free text is searched though a rule made it"
    );
    assert_eq!(with("in {a} still"), None);
    let name = "{fields: [{name: OperatorsName, replace-with: Oxblatt}, {name: PatientName, remove: true}]}";
    assert_eq!(left_by(name, vec![named("OperatorsName", "Other")]), None);
}

#[test]
fn codes_that_equal_a_removed_value_are_no_leak() {
    assert_eq!(left(vec![named("BodyPartExamined", "SALTMARSH")]), None);
    assert!(
        left(vec![named("BodyPartExamined", "SALTMARSH A")]).is_some(),
        "not the whole of it"
    );
    assert_eq!(left(vec![named("SeriesTime", "7731905")]), None);
    let meaning = sequence(
        "AnatomicRegionSequence",
        vec![vec![named("CodeMeaning", "Saltmarsh")]],
    );
    assert_eq!(left(vec![meaning]), None);
    let make = "{fields: [{name: Manufacturer, remove: true}]}";
    assert_eq!(
        left_by(
            make,
            vec![
                named("Manufacturer", "Zyxtron"),
                named("ContentLabel", "ZYXTRON_SEG")
            ]
        ),
        None
    );
}

#[test]
fn values_of_removed_private_elements_and_items_may_be_those_of_kept_attributes() {
    let fields =
        "{remove-private-tags: true, fields: [{name: RequestAttributesSequence, remove: true}]}";
    let with = |model: &str| {
        left_by(
            fields,
            vec![
                raw_private(0x10, VR::LO, b"ACME"),
                raw_private(0x1001, VR::LO, b"Zyxtron 7"),
                named("ManufacturerModelName", model),
                named("AccessionNumber", "ACC-77123456"),
                sequence(
                    "RequestAttributesSequence",
                    vec![vec![named("AccessionNumber", "ACC-77123456")]],
                ),
            ],
        )
    };
    assert_eq!(with("ZYXTRON 7"), None);
    assert_eq!(with("Zyxtron 7 Plus"), None, "it names the product");
    let private = vec![
        raw_private(0x10, VR::LO, b"ACME"),
        raw_private(0x1001, VR::LO, b"Zyxtron 7"),
        named("ImageComments", "a Zyxtron 7"),
    ];
    assert!(left_by(fields, private).is_some());
}

#[test]
fn nothing_counts_as_removed_from_items_that_are_left() {
    let other = || vec![named("IssuerOfPatientID", "Zanderveld")];
    let insert = "{fields: [{name: OtherPatientIDsSequence.2.PatientID, replace-with: X}]}";
    assert_eq!(
        left_by(
            insert,
            vec![sequence("OtherPatientIDsSequence", vec![other(), vec![]])]
        ),
        None
    );
    let comment = || {
        vec![
            sequence("OtherPatientIDsSequence", vec![other()]),
            named("ImageComments", "zanderveld"),
        ]
    };
    assert!(
        left_by(
            "{fields: [{name: OtherPatientIDsSequence, remove: true}]}",
            comment()
        )
        .is_some()
    );
    assert_eq!(left_by(insert, comment()), None);
}

#[test]
fn labels_and_names_are_searched_likewise() {
    let elements = |more: Vec<Element>| {
        person()
            .into_iter()
            .chain(more)
            .collect()
    };
    let clean: Sendable = cleaned(USUAL, elements(vec![named("StudyDate", "19500615")]))
        .unwrap()
        .into();
    let failure = clean
        .check_texts([
            ("the session label", "2001"),
            ("the subject label", "Oxblatt_Jane"),
        ])
        .unwrap_err();
    assert_eq!(
        failure.detail,
        "what stood in PatientName (0010,0010) still stands in the subject label"
    );
    assert!(
        clean
            .check_texts([("the subject label", "a0f7295c61144f61")])
            .unwrap()
            .is_empty()
    );
    assert!(
        clean
            .check_texts([("the session label", "1950-06-15")])
            .unwrap()
            .is_empty(),
        "the study date is kept"
    );
    let clean: Sendable = cleaned(USUAL, elements(vec![]))
        .unwrap()
        .into();
    assert!(
        clean
            .check_texts([("the session label", "1950-06-15")])
            .is_err()
    );
}

#[test]
fn a_name_that_the_profile_makes_of_the_path_is_searched() {
    let fields = USUAL.replace(
        "fields:",
        "filenames: [{input-regex: '(?P<name>.*)', output: '{name}'}], fields:",
    );
    let cleaner = Cleaner::new(&profile(&fields), None, Limits::default()).unwrap();
    let failure = cleaner
        .deidentify(instance(person()), "jane.dcm")
        .unwrap_err();
    assert!(
        failure
            .detail
            .ends_with("the file name that the profile gives"),
        "{failure}"
    );
    assert!(
        cleaner
            .deidentify(instance(person()), "one.dcm")
            .is_ok()
    );
}

#[test]
fn a_warning_lets_the_file_pass() {
    let mut profile = profile(USUAL);
    profile.dicom.residual.on_leak = OnLeak::Warn;
    let elements = person()
        .into_iter()
        .chain([named("ImageComments", "Jane Oxblatt")])
        .collect();
    let clean = Cleaner::new(&profile, None, Limits::default())
        .unwrap()
        .deidentify(instance(elements), "")
        .unwrap();
    let [finding] = clean.findings() else {
        panic!("one place, reported once")
    };
    assert_eq!(
        (finding.removed_from.as_str(), finding.stands_in.as_str()),
        ("PatientName (0010,0010)", "ImageComments (0020,4000)")
    );
    let clean = Sendable::from(clean);
    assert_eq!(
        clean
            .check_texts([("the subject label", "Jane")])
            .unwrap()
            .len(),
        1
    );
}

fn some_elements() -> impl Strategy<Value = Vec<Element>> {
    const WORDS: [&str; 9] = [
        "Oxblatt^Jane",
        "Jane",
        "Oxblatt",
        "77123456",
        "Zyx-77123456",
        "1.2.826.0.1.5",
        "Netherwich Zx",
        "Müller",
        "20040119",
    ];
    const PLACES: [&str; 8] = [
        "StudyDescription",
        "InstitutionName",
        "PatientName",
        "PatientID",
        "ImageComments",
        "StudyComments",
        "OperatorsName",
        "PatientBirthDate",
    ];
    let element = (0..PLACES.len(), prop::collection::vec(0..WORDS.len(), 1..3));
    prop::collection::vec(element, 1..8).prop_map(|chosen| {
        let mut elements: Vec<Element> = vec![
            named("SpecificCharacterSet", "ISO_IR 192"),
            named("SOPInstanceUID", "1.2.3"),
        ];
        for (place, words) in chosen {
            let text = words
                .iter()
                .map(|word| WORDS[*word])
                .collect::<Vec<_>>()
                .join(" ");
            let element = named(PLACES[place], &text);
            if elements
                .iter()
                .all(|other| other.tag != element.tag)
            {
                elements.push(element);
            }
        }
        elements
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn findings_do_not_depend_on_the_files_before(files in prop::collection::vec(some_elements(), 1..8)) {
        let mut profile = profile(&USUAL.replace("{fields", "{remove-private-tags: true, fields"));
        profile.dicom.residual.on_leak = OnLeak::Warn;
        let shared = Cleaner::new(&profile, None, Limits::default()).unwrap();
        for elements in files {
            let alone = Cleaner::new(&profile, None, Limits::default()).unwrap().deidentify(instance(elements.clone()), "").unwrap();
            let together = shared.deidentify(instance(elements), "").unwrap();
            prop_assert_eq!(alone.findings(), together.findings());
            let text = |clean: &CleanInstance| Sendable::from(clean.clone()).check_texts([("a label", "Jane_77123456")]).unwrap();
            prop_assert_eq!(text(&alone), text(&together));
        }
    }
}

#[test]
fn work_is_bounded_by_the_size_of_the_file() {
    let mut budget = WorkBudget::of(1 << 20);
    budget.spend(32 << 20).unwrap();
    let failure = DeidError::from(budget.spend(1).unwrap_err());
    assert_eq!(failure.kind, DeidErrorKind::TooCostly);
    assert!(
        failure
            .to_string()
            .contains("at too many places"),
        "{failure}"
    );
}
