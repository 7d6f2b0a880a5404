//! What each selector and each action of a profile does, with the answers that Flywheel's own
//! engine gives.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, InMemDicomObject};

use crate::archive::only;
use crate::fixture::{Dicom, Person, data_set, items, object, put};
use crate::run::Place;

/// A profile in Flywheel's YAML, one line per option and per field.
pub fn yaml(options: &[&str], fields: &[&str]) -> String {
    let options: String = options
        .iter()
        .map(|option| format!("  {option}\n"))
        .collect();
    let fields: String = fields
        .iter()
        .map(|field| format!("    - {{{field}}}\n"))
        .collect();
    format!("name: test\ndicom:\n{options}  fields:\n{fields}")
}

/// The bytes that would be sent under this profile.
#[track_caller]
pub fn sent(profile: &str, file: &Dicom) -> Vec<u8> {
    let place = Place::with([
        ("in.dcm", file.bytes()),
        ("profile.yaml", profile.as_bytes().to_vec()),
    ]);
    place
        .run(
            "in.dcm -p demo/phantom --offline --output out --profile profile.yaml --subject s \
            --session t --residual warn",
        )
        .exits(0);
    let out = place.tree("out");
    assert_eq!(out.len(), 1, "one package");
    only(&out[0].1)
}

/// The same, read by dicom-object.
#[track_caller]
pub fn cleaned(profile: &str, file: &Dicom) -> DefaultDicomObject {
    dicom_object::from_reader(&sent(profile, file)[..]).expect("what is sent can be read")
}

/// The code with which the file fails under this profile.
#[track_caller]
pub fn refused(profile: &str, file: &Dicom) -> String {
    let place = Place::with([
        ("in.dcm", file.bytes()),
        ("profile.yaml", profile.as_bytes().to_vec()),
    ]);
    let ran = place
        .run(
            "in.dcm -p demo/phantom --offline --output out --profile profile.yaml --subject \
            s --residual warn",
        )
        .exits(9);
    assert!(
        place.tree("out").is_empty(),
        "nothing is written of a file that failed"
    );
    ran.failures()
        .pop()
        .expect("it is reported")
        .1
}

pub fn text(object: &InMemDicomObject, tag: Tag) -> String {
    let element = object
        .get(tag)
        .unwrap_or_else(|| panic!("{tag} is gone"));
    element
        .to_str()
        .unwrap()
        .trim_end_matches([' ', '\0'])
        .to_owned()
}

pub fn item(object: &InMemDicomObject, tag: Tag, index: usize) -> InMemDicomObject {
    object
        .get(tag)
        .and_then(|e| e.items())
        .unwrap_or_else(|| panic!("{tag} holds no items"))[index]
        .clone()
}

/// A CT with the values that the table of known answers starts from.
pub fn subject() -> Dicom {
    Dicom::ct(&Person::plain(), 1)
        .text(tags::PATIENT_ID, VR::LO, "PAT-0042")
        .text(tags::PATIENT_NAME, VR::PN, "Doe^Jane")
        .text(tags::STUDY_DATE, VR::DA, "20040119")
        .text(
            tags::SOP_INSTANCE_UID,
            VR::UI,
            "1.2.840.113619.2.30.1.1762295590.1623.978668949.886",
        )
}

#[test]
fn hash() {
    for (options, value) in [
        (&[][..], "a0f7295c61144f61"),
        (&["salt: pepper"], "4e8d27aa058832de"),
        (&["hash-digits: 8"], "a0f7295c"),
        (
            &["hash-digits: 0"],
            "a0f7295c61144f619f2d8ace3d98338072f451357316a1bd193966e81f3e5fff",
        ),
    ] {
        let out = cleaned(&yaml(options, &["name: PatientID, hash: true"]), &subject());
        assert_eq!(text(&out, tags::PATIENT_ID), value, "{options:?}");
    }
}

#[test]
fn hash_takes_the_text_in_whatever_character_set() {
    let hashed = |file: &Dicom| {
        text(
            &cleaned(&yaml(&[], &["name: PatientName, hash: true"]), file),
            tags::PATIENT_NAME,
        )
    };
    assert_eq!(hashed(&subject()), "ff37cfdaa95116a3");
    let name = "Äneas^Rüdiger=山田^太郎"
        .as_bytes()
        .to_vec();
    let name = if name.len() % 2 == 1 {
        [name, vec![b' ']].concat()
    } else {
        name
    };
    let unicode = subject()
        .raw(tags::SPECIFIC_CHARACTER_SET, VR::CS, b"ISO_IR 192".to_vec())
        .raw(tags::PATIENT_NAME, VR::PN, name);
    assert_eq!(hashed(&unicode), "2baf7f3a9f2636ee");
}

#[test]
fn hashuid() {
    for (options, value) in [
        (
            &[][..],
            "1.2.840.113619.341778.722318.122657.203411.214044.139247.886",
        ),
        (
            &["salt: pepper"],
            "1.2.840.113619.203984.125529.190117.194188.238151.159238.886",
        ),
        (
            &["uid-suffix-fields: 0"],
            "1.2.840.113619.341778.722318.122657.203411.214044.139247",
        ),
        (
            &["uid-suffix-fields: 2"],
            "1.2.840.113619.341778.722318.122657.203411.214044.139247.668.886",
        ),
        (
            &["uid-prefix-fields: 0"],
            "341778.722318.122657.203411.214044.139247.886",
        ),
        (
            &["uid-prefix-fields: 6"],
            "1.2.840.113619.2.30.341778.722318.122657.203411.214044.13924.886",
        ),
        (
            &[
                "uid-prefix-fields: 7",
                "uid-numeric-name: \"2.16.840.1.114570.2.2\"",
            ],
            "2.16.840.1.114570.2.2.341778.722318.122657.203411.214044.139.886",
        ),
    ] {
        let out = cleaned(
            &yaml(options, &["name: SOPInstanceUID, hashuid: true"]),
            &subject(),
        );
        assert_eq!(text(&out, tags::SOP_INSTANCE_UID), value, "{options:?}");
        let media_storage = out
            .meta()
            .media_storage_sop_instance_uid();
        assert_eq!(
            media_storage, value,
            "the file meta information follows, unlike with Flywheel's engine"
        );
    }
}

#[test]
fn increment_date() {
    let profile = yaml(
        &["date-increment: -17"],
        &["name: StudyDate, increment-date: true"],
    );
    for (before, after) in [
        ("20040119", "20040102"),
        ("19000101", "18991215"),
        ("20040119\\20040120", "20040102\\20040103"),
    ] {
        let out = cleaned(&profile, &subject().text(tags::STUDY_DATE, VR::DA, before));
        let values = out
            .get(tags::STUDY_DATE)
            .unwrap()
            .to_multi_str()
            .unwrap()
            .join("\\");
        assert_eq!(values.trim_end(), after);
    }
    for unparseable in ["2004.01.19", "2004", "20041301", "19970424x"] {
        assert_eq!(
            refused(
                &profile,
                &subject().text(tags::STUDY_DATE, VR::DA, unparseable)
            ),
            "deid.unparseable-date"
        );
    }
}

#[test]
fn increment_date_with_its_own_increment_and_format() {
    let profile = yaml(
        &["date-increment: -17", "date-format: \"%Y.%m.%d\""],
        &[
            "name: StudyDate, increment-date: true, date-increment-override: 365",
            "name: SeriesDate, increment-date: true",
        ],
    );
    let file = subject()
        .text(tags::STUDY_DATE, VR::DA, "2004.01.19")
        .text(tags::SERIES_DATE, VR::DA, "2004.01.19");
    let out = cleaned(&profile, &file);
    assert_eq!(text(&out, tags::STUDY_DATE), "2005.01.18");
    assert_eq!(text(&out, tags::SERIES_DATE), "2004.01.02");
}

#[test]
fn increment_datetime() {
    let profile = yaml(
        &["date-increment: -17"],
        &["name: AcquisitionDateTime, increment-datetime: true"],
    );
    for (before, after) in [
        ("20040119072730", "20040102072730.000000"),
        ("20040119072730.5", "20040102072730.500000"),
        ("20040119072730+0100", "20040102072730.000000+0100"),
    ] {
        let out = cleaned(
            &profile,
            &subject().text(tags::ACQUISITION_DATE_TIME, VR::DT, before),
        );
        assert_eq!(text(&out, tags::ACQUISITION_DATE_TIME), after);
    }
    let date_only = subject().text(tags::ACQUISITION_DATE_TIME, VR::DT, "20040119");
    assert_eq!(refused(&profile, &date_only), "deid.unparseable-date");
}

#[test]
fn increment_datetime_within_bounds() {
    let profile = |bounds: &str| {
        yaml(
            &["date-increment: -17"],
            &[&format!(
                "name: AcquisitionDateTime, increment-datetime: true, {bounds}"
            )],
        )
    };
    let file = subject().text(tags::ACQUISITION_DATE_TIME, VR::DT, "20040119072730");
    for (bounds, after) in [
        ("datetime-min: \"20050101\"", "20050101000000.000000"),
        ("datetime-max: \"20030101\"", "20030101000000.000000"),
        (
            "datetime-min: \"-200years\", datetime-max: \"+1weeks\"",
            "20040102072730.000000",
        ),
    ] {
        assert_eq!(
            text(
                &cleaned(&profile(bounds), &file),
                tags::ACQUISITION_DATE_TIME
            ),
            after,
            "{bounds}"
        );
    }
}

#[test]
fn increment_datetime_serves_dates_too() {
    let fields = ["name: StudyDate, increment-datetime: true, datetime-format: \"%Y%m%d\""];
    assert_eq!(
        text(
            &cleaned(&yaml(&["date-increment: -17"], &fields), &subject()),
            tags::STUDY_DATE
        ),
        "20040102"
    );
}

#[test]
fn jitter_of_dates_is_on_top_of_the_days() {
    let fields = [
        "name: StudyDate, increment-date: true, jitter-date: true, jitter-range: 1, jitter-unit: \
            weeks",
    ];
    let out = cleaned(&yaml(&["date-increment: -17"], &fields), &subject());
    assert!(["20031226", "20040109"].contains(&text(&out, tags::STUDY_DATE).as_str()));
}

#[test]
fn jitter_stays_within_range_and_bounds_and_never_at_the_value() {
    let file = subject()
        .text(tags::PATIENT_WEIGHT, VR::DS, "70")
        .text(tags::SERIES_NUMBER, VR::IS, "5");
    let weight = |field: &str| {
        text(
            &cleaned(&yaml(&["jitter-range: 3"], &[field]), &file),
            tags::PATIENT_WEIGHT,
        )
    };
    for _ in 0..5 {
        let moved: f64 = weight("name: PatientWeight, jitter: true")
            .parse()
            .unwrap();
        assert!(
            (moved - 70.0).abs() > 0.0 && (67.0..=73.0).contains(&moved),
            "{moved}"
        );
        let whole = weight("name: PatientWeight, jitter: true, jitter-type: int, jitter-range: 1");
        assert!(["69.0", "71.0"].contains(&whole.as_str()), "{whole}");
    }
    assert_eq!(
        weight("name: PatientWeight, jitter: true, jitter-min: 80"),
        "80.0"
    );
    let out = cleaned(
        &yaml(
            &[],
            &["name: SeriesNumber, jitter: true, jitter-type: int, jitter-range: 1"],
        ),
        &file,
    );
    assert!(["4", "6"].contains(&text(&out, tags::SERIES_NUMBER).as_str()));
    let halved = file.text(tags::PATIENT_WEIGHT, VR::DS, "70.5");
    let whole = yaml(
        &[],
        &["name: PatientWeight, jitter: true, jitter-type: int"],
    );
    assert_eq!(refused(&whole, &halved), "deid.unsupported-target");
}

#[test]
fn a_private_element_is_created_where_its_vr_is_known() {
    let out = cleaned(
        &yaml(
            &[],
            &["name: '(0009, \"GEMS_IDEN_01\", 01)', replace-with: X"],
        ),
        &subject(),
    );
    let [creator, element] = [Tag(0x0009, 0x0010), Tag(0x0009, 0x1001)];
    assert_eq!(
        (text(&out, creator), text(&out, element)),
        ("GEMS_IDEN_01".to_owned(), "X".to_owned())
    );
}

#[test]
fn remove_and_keep_and_identity() {
    let fields = [
        "name: PatientID, remove: true",
        "name: PatientName, keep: true",
        "name: PatientSex, identity: true",
    ];
    let out = cleaned(&yaml(&[], &fields), &subject());
    assert!(out.get(tags::PATIENT_ID).is_none());
    assert_eq!(text(&out, tags::PATIENT_NAME), "Doe^Jane");
    assert_eq!(text(&out, tags::PATIENT_SEX), "O");
}

#[test]
fn replace_with_creates_what_is_absent_unless_told_otherwise() {
    let fields = [
        "name: PatientIdentityRemoved, replace-with: \"YES\"",
        "name: PatientWeight, replace-with: 70",
    ];
    let out = cleaned(&yaml(&[], &fields), &subject());
    assert_eq!(text(&out, tags::PATIENT_IDENTITY_REMOVED), "YES");
    assert_eq!(text(&out, tags::PATIENT_WEIGHT), "70.0");
    let out = cleaned(&yaml(&["replace-with-insert: false"], &fields), &subject());
    assert!(
        out.get(tags::PATIENT_IDENTITY_REMOVED)
            .is_none()
    );
}

#[test]
fn replace_with_that_the_character_set_cannot_hold_fails_the_file() {
    let profile = yaml(&[], &["name: PatientName, replace-with: \"山田\""]);
    assert_eq!(refused(&profile, &subject()), "deid.unencodable-text");
}

#[test]
fn selectors_of_one_element() {
    for selector in [
        "PatientID",
        "\"00100020\"",
        "\"0x00100020\"",
        "\"(0010,0020)\"",
        "\"( 0010 , 0020 )\"",
    ] {
        let out = cleaned(
            &yaml(&[], &[&format!("name: {selector}, replace-with: X")]),
            &subject(),
        );
        assert_eq!(text(&out, tags::PATIENT_ID), "X", "{selector}");
    }
}

#[test]
fn private_elements_are_found_by_their_creator() {
    let file = subject()
        .text(Tag(0x0019, 0x0010), VR::LO, "OTHER BLOCK")
        .text(Tag(0x0019, 0x1001), VR::LO, "other")
        .text(Tag(0x0019, 0x0011), VR::LO, "ACME HEADER 1")
        .text(Tag(0x0019, 0x1101), VR::LO, "acme");
    let out = cleaned(
        &yaml(
            &[],
            &["name: '(0019, \"ACME HEADER 1\", 01)', remove: true"],
        ),
        &file,
    );
    assert!(
        out.get(Tag(0x0019, 0x1101))
            .is_none()
    );
    assert_eq!(text(&out, Tag(0x0019, 0x1001)), "other");
}

#[test]
fn private_blocks_go_but_for_the_elements_that_a_field_names() {
    let file = Dicom::mr(&Person::plain()).text(Tag(0x0019, 0x1003), VR::LO, "wanted");
    let fields = ["name: '(0019, \"ACME HEADER 1\", 03)', keep: true"];
    let out = cleaned(&yaml(&["remove-private-tags: true"], &fields), &file);
    let private: Vec<Tag> = out
        .tags()
        .filter(|tag| tag.group() % 2 == 1)
        .collect();
    assert_eq!(private, [Tag(0x0019, 0x0010), Tag(0x0019, 0x1003)]);
}

#[test]
fn nested_paths_with_index_and_star() {
    let accession = |value: &str| {
        object([
            put(tags::ACCESSION_NUMBER, VR::SH, value),
            put(tags::STUDY_ID, VR::SH, "7"),
        ])
    };
    let file = subject().element(items(
        tags::REQUEST_ATTRIBUTES_SEQUENCE,
        vec![accession("A1"), accession("A2")],
    ));
    let values = |field: &str| {
        let out = cleaned(&yaml(&[], &[field]), &file);
        [0, 1].map(|index| {
            text(
                &item(&out, tags::REQUEST_ATTRIBUTES_SEQUENCE, index),
                tags::ACCESSION_NUMBER,
            )
        })
    };
    assert_eq!(
        values("name: RequestAttributesSequence.1.AccessionNumber, replace-with: X"),
        ["A1", "X"]
    );
    assert_eq!(
        values("name: \"00400275.0.00080050\", replace-with: X"),
        ["X", "A2"]
    );
    assert_eq!(
        values("name: RequestAttributesSequence.*.AccessionNumber, replace-with: X"),
        ["X", "X"]
    );
}

#[test]
fn repeaters_reach_every_overlay_group() {
    let overlay = |file: Dicom, group| {
        file.raw(Tag(group, 0x3000), VR::OW, vec![1, 2])
            .text(Tag(group, 0x0022), VR::LO, "d")
    };
    let file = overlay(overlay(subject(), 0x6000), 0x6002);
    let out = cleaned(
        &yaml(
            &[],
            &[
                "name: \"60xx3000\", remove: true",
                "name: \"(60xx,0022)\", replace-with: X",
            ],
        ),
        &file,
    );
    for group in [0x6000, 0x6002] {
        assert!(
            out.get(Tag(group, 0x3000))
                .is_none()
        );
        assert_eq!(text(&out, Tag(group, 0x0022)), "X");
    }
}

#[test]
fn regex_matches_keyword_and_hex_paths_from_their_start() {
    let out = cleaned(
        &yaml(
            &[],
            &[
                "regex: \".*Physician.*\", remove: true",
                "regex: \"^0020000d$\", hashuid: true",
            ],
        ),
        &subject(),
    );
    assert!(
        out.get(tags::REFERRING_PHYSICIAN_NAME)
            .is_none()
            && out
                .get(tags::PERFORMING_PHYSICIAN_NAME)
                .is_none()
    );
    assert_ne!(
        text(&out, tags::STUDY_INSTANCE_UID),
        Person::plain().uid(0, 0)
    );
    assert_eq!(text(&out, tags::PATIENT_ID), "PAT-0042");
    let twice = cleaned(
        &yaml(&[], &["regex: \"^(PatientID|00100020)$\", hash: true"]),
        &subject(),
    );
    assert_eq!(
        text(&twice, tags::PATIENT_ID),
        "9eb4d76c4025c98c",
        "both forms match, so it acts twice, as in Flywheel's engine"
    );
}

#[test]
fn recurse_sequence_reaches_nested_items() {
    let profile = yaml(
        &["recurse-sequence: true"],
        &[
            "name: PatientID, hash: true",
            "name: AccessionNumber, remove: true",
        ],
    );
    let out = cleaned(&profile, &subject());
    assert_eq!(text(&out, tags::PATIENT_ID), "a0f7295c61144f61");
    assert_ne!(
        text(
            &item(&out, tags::OTHER_PATIENT_I_DS_SEQUENCE, 0),
            tags::PATIENT_ID
        ),
        "CANARY-OTHER-ID"
    );
    assert!(
        item(&out, tags::REQUEST_ATTRIBUTES_SEQUENCE, 0)
            .get(tags::ACCESSION_NUMBER)
            .is_none()
    );
}

#[test]
fn remove_undefined_keeps_what_the_fields_name_and_nothing_else() {
    let kept = [
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
    ];
    let fields: Vec<String> = kept
        .iter()
        .map(|name| format!("name: {name}, keep: true"))
        .collect();
    let fields: Vec<&str> = fields
        .iter()
        .map(String::as_str)
        .collect();
    let out = cleaned(&yaml(&["remove-undefined: true"], &fields), &subject());
    let left: Vec<Tag> = out.tags().collect();
    let named = [
        tags::SOP_CLASS_UID,
        tags::SOP_INSTANCE_UID,
        tags::MODALITY,
        tags::STUDY_INSTANCE_UID,
        tags::SERIES_INSTANCE_UID,
    ];
    assert_eq!(left, named);
}

#[test]
fn patient_age_is_computed_from_the_dates_before_they_change() {
    for (birth, units, age) in [
        ("19500615", "", "643M"),
        ("19500615", "Y", "053Y"),
        ("20030115", "", "369D"),
        ("18000101", "Y", "204Y"),
    ] {
        let mut options = vec!["patient-age-from-birthdate: true", "date-increment: -5000"];
        let units = format!("patient-age-units: {units}");
        if units.len() > 19 {
            options.push(&units);
        }
        let fields = [
            "name: PatientBirthDate, remove: true",
            "name: StudyDate, increment-date: true",
        ];
        let out = cleaned(
            &yaml(&options, &fields),
            &subject().text(tags::PATIENT_BIRTH_DATE, VR::DA, birth),
        );
        assert_eq!(text(&out, tags::PATIENT_AGE), age, "{birth} {units}");
    }
}

#[test]
fn what_no_rule_touches_comes_out_byte_for_byte() {
    for person in [
        Person::plain(),
        Person::latin(),
        Person::japanese(),
        Person::unicode(),
    ] {
        for file in [
            Dicom::ct(&person, 1),
            Dicom::mr(&person),
            Dicom::sr(&person),
        ] {
            let out = sent(
                &yaml(&[], &["name: PatientBreedDescription, remove: true"]),
                &file,
            );
            assert!(data_set(&out) == data_set(&file.bytes()));
        }
    }
}

#[test]
fn toml_json_and_yaml_spell_the_same_profile() {
    let spellings = [
        (
            "p.yaml",
            "name: test\ndicom:\n  salt: pepper\n  fields:\n    - {name: PatientID, hash: true}\n",
        ),
        (
            "p.json",
            r#"{"name":"test","dicom":{"salt":"pepper","fields":[{"name":"PatientID","hash":true}]}}"#,
        ),
        (
            "p.toml",
            "name = \"test\"\n[dicom]\nsalt = \"pepper\"\nfields = \
                [{ name = \"PatientID\", hash = true }]\n",
        ),
    ];
    let outcomes = spellings.map(|(name, text)| {
        let place = Place::with([
            ("in.dcm", subject().bytes()),
            (name, text.as_bytes().to_vec()),
        ]);
        let ran = place
            .run("in.dcm -p demo/phantom --offline --output out")
            .args(["--profile", name])
            .exits(0);
        let digest = ran
            .stderr
            .split("sha256:")
            .nth(1)
            .expect("the digest is shown")[..8]
            .to_owned();
        (place.tree("out"), digest)
    });
    assert!(outcomes[0] == outcomes[1] && outcomes[1] == outcomes[2]);
}
