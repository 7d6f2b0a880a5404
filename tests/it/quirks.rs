//! The quirks of Flywheel's engine, one test for each decision of the table in
//! `profiles/README.md`.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use crate::fixture::{Dicom, Person, items, object, put};
use crate::known_answers::{cleaned, item, refused, subject, text, yaml};
use crate::run::Place;
use crate::server::Site;

const UPLOAD: &str = "in.dcm -p demo/phantom --offline --output out --profile profile.yaml";

/// A run over one file under a profile.
fn place(profile: &str, file: &Dicom) -> Place {
    Place::with([
        ("in.dcm", file.bytes()),
        ("profile.yaml", profile.as_bytes().to_vec()),
    ])
}

#[test]
fn q1_a_bare_tag_that_yaml_reads_as_a_number_is_refused_with_the_tag_that_was_meant() {
    for (written, meant) in [
        ("00100010", "PatientName"),
        ("00100020", "PatientID"),
        ("10010010", ""),
    ] {
        let place = place(
            &yaml(&[], &[&format!("name: {written}, remove: true")]),
            &subject(),
        );
        place
            .run(UPLOAD)
            .exits(5)
            .says("profile.yaml:4:")
            .says(meant)
            .says("in quotes");
    }
    let out = cleaned(&yaml(&[], &["name: 00080018, hashuid: true"]), &subject());
    assert_ne!(
        text(&out, tags::SOP_INSTANCE_UID),
        text(&subject().data().clone(), tags::SOP_INSTANCE_UID),
        "8 is no octal digit"
    );
}

#[test]
fn q2_the_media_storage_uid_follows_the_data_set() {
    for selector in ["SOPInstanceUID", "\"00080018\"", "sopinstanceuid"] {
        let out = cleaned(
            &yaml(&[], &[&format!("name: {selector}, hashuid: true")]),
            &subject(),
        );
        assert_eq!(
            out.meta()
                .media_storage_sop_instance_uid(),
            text(&out, tags::SOP_INSTANCE_UID),
            "{selector}"
        );
    }
}

#[test]
fn q3_names_and_labels_follow_the_cleaned_data_however_the_rule_names_the_attribute() {
    for selector in [
        "name: \"00100020\"",
        "name: patientid",
        "regex: \"^00100020$\"",
    ] {
        let place = place(
            &yaml(&[], &[&format!("{selector}, hash: true")]),
            &subject(),
        );
        place.run(UPLOAD).exits(0);
        let out = place.tree("out");
        assert!(
            out[0]
                .0
                .contains("a0f7295c61144f61")
                && !out[0].0.contains("PAT-0042"),
            "{selector}: {}",
            out[0].0
        );
    }
}

#[test]
fn q4_a_protected_private_element_protects_nothing_of_another_creator_in_items() {
    let block = |creator: &str, value: &str| {
        object([
            put(Tag(0x0019, 0x0010), VR::LO, creator),
            put(Tag(0x0019, 0x1003), VR::LO, value),
        ])
    };
    let file = Dicom::mr(&Person::plain())
        .text(Tag(0x0019, 0x0010), VR::LO, "ACME HEADER 1")
        .text(Tag(0x0019, 0x1003), VR::LO, "wanted")
        .element(items(
            tags::REFERENCED_STUDY_SEQUENCE,
            vec![block("OTHER", "leak"), block("ACME HEADER 1", "wanted")],
        ));
    let fields = ["name: '(0019, \"ACME HEADER 1\", 03)', keep: true"];
    let out = cleaned(&yaml(&["remove-private-tags: true"], &fields), &file);
    assert!(
        item(&out, tags::REFERENCED_STUDY_SEQUENCE, 0)
            .get(Tag(0x0019, 0x1003))
            .is_none()
    );
    assert_eq!(
        text(
            &item(&out, tags::REFERENCED_STUDY_SEQUENCE, 1),
            Tag(0x0019, 0x1003)
        ),
        "wanted"
    );
}

#[test]
fn q5_an_element_of_unknown_vr_that_cannot_be_created_fails_its_file_alone() {
    let profile = yaml(
        &[],
        &["name: '(0019, \"NOBODY KNOWS\", 03)', replace-with: X"],
    );
    let known = subject()
        .text(Tag(0x0019, 0x0010), VR::LO, "NOBODY KNOWS")
        .text(Tag(0x0019, 0x1003), VR::LO, "old");
    let place = place(&profile, &known);
    place.file("other.dcm", Dicom::ct(&Person::plain(), 2).bytes());
    let ran = place
        .run(UPLOAD)
        .args(["other.dcm"])
        .exits(3);
    assert_eq!(
        ran.failures()
            .iter()
            .map(|failure| failure.1.as_str())
            .collect::<Vec<_>>(),
        ["deid.rule-failed"]
    );
    assert_eq!(place.tree("out").len(), 1, "the other file goes on");
}

#[test]
fn q6_options_of_value_zero_count_in_rules_that_address_many_elements() {
    let fields = ["regex: \"^StudyDate$\", increment-date: true, date-increment-override: 0"];
    assert_eq!(
        text(
            &cleaned(&yaml(&["date-increment: -17"], &fields), &subject()),
            tags::STUDY_DATE
        ),
        "20040119"
    );
    let weight = subject().text(tags::PATIENT_WEIGHT, VR::DS, "-50");
    let fields = ["regex: \"^PatientWeight$\", jitter: true, jitter-min: 0"];
    assert_eq!(
        text(&cleaned(&yaml(&[], &fields), &weight), tags::PATIENT_WEIGHT),
        "0.0"
    );
}

#[test]
fn q7_rules_act_in_document_order_and_a_notice_names_those_that_act_earlier_at_flywheel() {
    let append = |digit: u8| {
        format!(
            "name: StudyID, regex-sub: [{{input-regex: '^(?P<x>.*)$', output: '{{x}}{digit}'}}]"
        )
    };
    let file = subject().text(tags::STUDY_ID, VR::SH, "S");
    let (first, second) = (append(1), append(2));
    assert_eq!(
        text(
            &cleaned(&yaml(&[], &[&first, &second]), &file),
            tags::STUDY_ID
        ),
        "S12"
    );
    let takes_over = "name: StudyDescription, regex-sub: \
        [{input-regex: '^.*$', output: '{PatientID}', groups: [{name: PatientID, keep: true}]}]";
    let profile = yaml(&[], &["name: PatientID, hash: true", takes_over]);
    assert_eq!(
        text(&cleaned(&profile, &file), tags::STUDY_DESCRIPTION),
        "a0f7295c61144f61",
        "the ID as it is by then"
    );
    place(&profile, &file)
        .run(UPLOAD)
        .exits(0)
        .says("Flywheel's engine would apply it first");
}

#[test]
fn q8_an_allow_list_keeps_what_wildcards_and_hex_paths_name_and_the_creator_of_a_private_element() {
    let routed = [
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
    ]
    .map(|name| format!("name: {name}"));
    let more = [
        "name: OtherPatientIDsSequence.*.PatientID, hash: true",
        "name: '(0019, \"ACME HEADER 1\", 03)', keep: true",
    ];
    let fields: Vec<&str> = routed
        .iter()
        .map(String::as_str)
        .chain(more)
        .collect();
    let file = subject()
        .text(Tag(0x0019, 0x0010), VR::LO, "ACME HEADER 1")
        .text(Tag(0x0019, 0x1003), VR::LO, "wanted");
    let out = cleaned(&yaml(&["remove-undefined: true"], &fields), &file);
    assert!(
        item(&out, tags::OTHER_PATIENT_I_DS_SEQUENCE, 0)
            .get(tags::PATIENT_ID)
            .is_some()
    );
    assert_eq!(text(&out, Tag(0x0019, 0x0010)), "ACME HEADER 1");
    assert!(
        out.get(tags::PATIENT_NAME)
            .is_none()
    );
}

#[test]
fn q10_rules_reach_into_sequences_with_decode_off_and_implicit_vr() {
    let file = subject().syntax("1.2.840.10008.1.2");
    let out = cleaned(
        &yaml(
            &["decode: false", "recurse-sequence: true"],
            &["name: PatientID, hash: true"],
        ),
        &file,
    );
    assert_ne!(
        text(
            &item(&out, tags::OTHER_PATIENT_I_DS_SEQUENCE, 0),
            tags::PATIENT_ID
        ),
        "CANARY-OTHER-ID"
    );
}

#[test]
fn q11_bounds_on_increment_date_have_no_effect_and_that_is_said() {
    let profile = yaml(
        &["date-increment: -17"],
        &["name: StudyDate, increment-date: true, datetime-min: \"20050101\""],
    );
    assert_eq!(
        text(&cleaned(&profile, &subject()), tags::STUDY_DATE),
        "20040102"
    );
    place(&profile, &subject())
        .run(UPLOAD)
        .exits(0)
        .says("`datetime-min` and `datetime-max` have no effect");
}

#[test]
fn q12_the_jitter_type_of_the_profile_has_no_effect_and_a_range_of_zero_is_refused() {
    let weight = subject().text(tags::PATIENT_WEIGHT, VR::DS, "70.5");
    let profile = yaml(
        &["jitter-type: int"],
        &["name: PatientWeight, jitter: true"],
    );
    assert!(
        text(&cleaned(&profile, &weight), tags::PATIENT_WEIGHT).contains('.'),
        "drawn as if for a float"
    );
    place(&profile, &weight)
        .run(UPLOAD)
        .exits(0)
        .says("`jitter-type` of the profile has no effect");
    let none = yaml(&["jitter-range: 0"], &["name: PatientWeight, jitter: true"]);
    place(&none, &weight)
        .run(UPLOAD)
        .exits(5)
        .says("profile.yaml:3:")
        .says("must be more than 0");
}

#[test]
fn q13_dates_that_do_not_match_their_format_exactly_fail() {
    let profile = yaml(
        &["date-increment: -17"],
        &["name: StudyDate, increment-date: true"],
    );
    for lenient in ["2004119", "200411", "2004"] {
        assert_eq!(
            refused(&profile, &subject().text(tags::STUDY_DATE, VR::DA, lenient)),
            "deid.unparseable-date",
            "{lenient}"
        );
    }
    let profile = yaml(
        &["date-increment: -17"],
        &["name: AcquisitionDateTime, increment-datetime: true"],
    );
    for lenient in ["200401190727", "2004011907"] {
        let file = subject().text(tags::ACQUISITION_DATE_TIME, VR::DT, lenient);
        assert_eq!(
            refused(&profile, &file),
            "deid.unparseable-date",
            "{lenient}"
        );
    }
}

#[test]
fn q14_one_bad_value_fails_its_file_and_not_the_series() {
    let profile = yaml(
        &["date-increment: -17"],
        &["name: SeriesDate, increment-date: true"],
    );
    let place = Place::with([
        ("in/1.dcm", Dicom::ct(&Person::plain(), 1).bytes()),
        (
            "in/2.dcm",
            Dicom::ct(&Person::plain(), 2)
                .text(tags::SERIES_DATE, VR::DA, "2004.01.19")
                .bytes(),
        ),
        ("in/3.dcm", Dicom::ct(&Person::plain(), 3).bytes()),
        ("profile.yaml", profile.into_bytes()),
    ]);
    let ran = place
        .run("in -p demo/phantom --offline --output out --profile profile.yaml")
        .exits(3);
    let failures = ran.failures();
    assert_eq!(failures.len(), 1);
    assert!(
        failures[0].0.ends_with("2.dcm") && failures[0].1 == "deid.unparseable-date",
        "{failures:?}"
    );
}

#[test]
fn q15_hashes_without_a_salt_and_kept_parts_of_uids_are_told_by_lint() {
    let place = place(
        &yaml(
            &[],
            &[
                "name: PatientID, hash: true",
                "name: StudyInstanceUID, hashuid: true",
            ],
        ),
        &subject(),
    );
    let ran = place
        .run("profile lint profile.yaml --json")
        .exits(3);
    let kinds = ["unsalted", "uid-parts"].map(|kind| {
        ran.stdout
            .contains(&format!("\"kind\":\"{kind}\""))
            || ran
                .stdout
                .contains(&format!("\"kind\": \"{kind}\""))
    });
    assert_eq!(kinds, [true; 2]);
}

#[test]
fn q16_a_profile_that_does_nothing_to_dicom_counts_as_none() {
    for profile in [
        "name: p\n",
        "name: p\njson: {fields: []}\n",
        "name: p\ndicom: {fields: [{name: PatientID, keep: true}]}\n",
    ] {
        let place = place(profile, &subject());
        place
            .run(UPLOAD)
            .exits(5)
            .says("no rule that does anything to DICOM")
            .says("--no-deid");
        assert!(place.tree("out").is_empty());
    }
}

#[test]
fn q17_a_level_that_may_not_be_viewed_is_not_taken_for_one_without_a_profile() {
    let rule = crate::server::on("GET", "/api/groups/*/settings").answer_with(403, "{}");
    let site = Site::setup().rule(rule).start();
    let place = Place::with([("in.dcm", subject().bytes())]);
    place
        .run("in.dcm -p demo/phantom")
        .at(&site)
        .exits(4)
        .says("profile.unknown");
    assert!(site.uploaded().is_empty());
}

#[test]
fn q18_two_files_of_one_sop_instance_uid_are_both_accounted_for() {
    let place = Place::with([
        ("in/1.dcm", Dicom::ct(&Person::plain(), 1).bytes()),
        (
            "in/2.dcm",
            Dicom::ct(&Person::plain(), 1)
                .text(tags::SERIES_DESCRIPTION, VR::LO, "other")
                .bytes(),
        ),
        (
            "profile.yaml",
            yaml(
                &["residual: {on-leak: warn}"],
                &["name: PatientName, remove: true"],
            )
            .into_bytes(),
        ),
    ]);
    let ran = place.run("in -p demo/phantom --offline --output out --profile profile.yaml");
    let failures = ran.exits(9).failures();
    assert_eq!(
        failures
            .iter()
            .map(|failure| failure.1.as_str())
            .collect::<Vec<_>>(),
        ["route.duplicate-instance"; 2]
    );
}

#[test]
fn q19_a_regex_that_matches_both_forms_of_a_path_acts_twice() {
    let out = cleaned(
        &yaml(&[], &["regex: \"^(PatientID|00100020)$\", hash: true"]),
        &subject(),
    );
    assert_eq!(text(&out, tags::PATIENT_ID), "9eb4d76c4025c98c");
}

#[test]
fn q20_several_values_become_one_text() {
    let file = subject().raw(Tag(0x0010, 0x1000), VR::LO, b"A1\\B2 ".to_vec());
    let out = cleaned(&yaml(&[], &["name: OtherPatientIDs, hash: true"]), &file);
    assert_eq!(text(&out, Tag(0x0010, 0x1000)), "7082af3b2cd103b1");
    let file = subject().raw(
        tags::FAILED_SOP_INSTANCE_UID_LIST,
        VR::UI,
        b"1.2.3.4.5\\1.2.3.4.6\0".to_vec(),
    );
    let out = cleaned(
        &yaml(&[], &["name: FailedSOPInstanceUIDList, hashuid: true"]),
        &file,
    );
    assert_eq!(
        text(&out, tags::FAILED_SOP_INSTANCE_UID_LIST),
        "1.2.3.4.241108.188971.724731.343641.661558.941120.6"
    );
}

#[test]
fn sections_for_other_kinds_of_file_are_named_and_such_files_stay_unless_asked_for() {
    let profile = "name: p\njson:\n  fields: [{name: subject, remove: true}]\ndicom:\n  fields: \
        [{name: PatientName, remove: true}]\n";
    let place = place(profile, &subject());
    place.file("notes.json", "{\"subject\": \"CANARY-JSON\"}");
    let ran = place
        .run(UPLOAD)
        .args(["notes.json"]);
    ran.exits(3)
        .says("not applied (json)")
        .says("--other-files upload");
    assert_eq!(place.tree("out").len(), 1, "only the DICOM file");
}
