//! Coverage, selector by selector.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::profile::{Profile, from_server_json};
use crate::standard::confidentiality::attributes;
use crate::standard::tag_of_keyword;

/// A profile with this `dicom` section, in YAML.
fn profile(section: &str) -> Profile {
    let text = format!("name: p\ndicom: {{date-increment: -17, {section}}}\n");
    from_server_json(&Value::String(text), "test")
        .unwrap_or_else(|error| panic!("{section}: {error}"))
        .unwrap()
}

/// What becomes of an attribute under these rules, at the top and in items.
fn fates(section: &str, keyword: &str) -> (&'static str, &'static str) {
    let profile = profile(section);
    let tag = tag_of_keyword(keyword).unwrap();
    let at = |place| profile.dicom.effect_on(tag, place).fate.slug();
    (at(Place::Top), at(Place::Items))
}

fn top(section: &str, keyword: &str) -> &'static str {
    fates(section, keyword).0
}

#[test]
fn every_spelling_of_a_tag_covers_its_attribute() {
    for name in [
        "PatientName",
        "patientname",
        "'00100010'",
        "0x00100010",
        "'(0010,0010)'",
    ] {
        assert_eq!(
            fates(
                &format!("fields: [{{name: {name}, remove: true}}]"),
                "PatientName"
            ),
            ("removed", "stays"),
            "{name}"
        );
    }
    assert_eq!(
        top("fields: [{name: PatientName, remove: true}]", "PatientID"),
        "stays"
    );
}

#[test]
fn every_action_has_its_fate() {
    for (action, fate) in [
        ("keep: true", "kept"),
        ("replace-with: null", "kept"),
        ("replace-with: ''", "emptied"),
        ("replace-with: X", "replaced"),
        ("remove: true", "removed"),
        ("hash: true", "changed"),
    ] {
        assert_eq!(
            top(&format!("fields: [{{name: StudyID, {action}}}]"), "StudyID"),
            fate,
            "{action}"
        );
    }
    let date = |options: &str| {
        top(
            &format!("fields: [{{name: StudyDate, increment-date: true{options}}}]"),
            "StudyDate",
        )
    };
    assert_eq!(date(""), "changed");
    assert_eq!(
        date(", date-increment-override: 0"),
        "kept",
        "a shift by no day leaves the date"
    );
    assert_eq!(
        date(", date-increment-override: 0.5"),
        "kept",
        "half a day forward is the same day"
    );
    assert_eq!(date(", date-increment-override: -0.5"), "changed");
    assert_eq!(
        date(", date-increment-override: 0, jitter-date: true"),
        "changed"
    );
}

#[test]
fn rules_act_one_after_the_other() {
    let both = |first: &str, second: &str| {
        top(
            &format!("fields: [{{name: StudyID, {first}}}, {{name: StudyID, {second}}}]"),
            "StudyID",
        )
    };
    assert_eq!(both("remove: true", "replace-with: X"), "replaced");
    assert_eq!(
        both(
            "remove: true",
            "replace-with: X, replace-with-insert: false"
        ),
        "removed"
    );
    assert_eq!(both("remove: true", "hash: true"), "removed");
    assert_eq!(both("replace-with: X", "hash: true"), "replaced");
    assert_eq!(both("hash: true", "keep: true"), "changed");
    assert_eq!(both("keep: true", "remove: true"), "removed");
}

#[test]
fn expressions_cover_what_they_match_in_either_form() {
    let regex = |expression: &str, keyword: &str| {
        fates(
            &format!("fields: [{{regex: '{expression}', remove: true}}]"),
            keyword,
        )
    };
    assert_eq!(
        regex("^Patient(Name|ID)$", "PatientID"),
        ("removed", "stays")
    );
    assert_eq!(regex("^00100020$", "PatientID"), ("removed", "stays"));
    assert_eq!(
        regex("^0020000D$", "StudyInstanceUID"),
        ("stays", "stays"),
        "numbers are in lower case"
    );
    assert_eq!(
        regex("^0020000d$", "StudyInstanceUID"),
        ("removed", "stays")
    );
    assert_eq!(regex(".*PatientID$", "PatientID"), ("removed", "removed"));
    assert_eq!(
        regex(r".*\.\d+\.PatientID$", "PatientID"),
        ("stays", "removed")
    );
    assert_eq!(
        regex("^RequestAttributesSequence.*PatientID$", "PatientID"),
        ("stays", "stays")
    );
    let twice = profile("fields: [{regex: '^(PatientID|00100020)$', hash: true}]");
    let tag = tag_of_keyword("PatientID").unwrap();
    assert_eq!(
        twice.dicom.effect_on(tag, Place::Top).fate.changes().len(),
        2
    );
}

#[test]
fn paths_reach_some_items() {
    let path =
        profile("fields: [{name: RequestAttributesSequence.*.AccessionNumber, remove: true}]");
    let tag = tag_of_keyword("AccessionNumber").unwrap();
    assert_eq!(path.dicom.effect_on(tag, Place::Top).fate, Fate::Stays);
    assert_eq!(path.dicom.effect_on(tag, Place::Items).fate, Fate::Stays);
    assert!(path.dicom.reaches_some_items(tag));
    assert!(
        !path
            .dicom
            .reaches_some_items(tag_of_keyword("StudyID").unwrap())
    );
    let part =
        profile("fields: [{regex: '^RequestAttributesSequence.*AccessionNumber$', remove: true}]");
    assert!(part.dicom.reaches_some_items(tag));
}

#[test]
fn recursion_reaches_all_items() {
    let section = "recurse-sequence: true, fields: [{name: PatientName, remove: true}, \
        {name: 60xx3000, remove: true}]";
    assert_eq!(fates(section, "PatientName"), ("removed", "removed"));
    let overlays = Covers::Repeating {
        group: 0x6000,
        element: Some(0x3000),
    };
    assert!(
        profile(section)
            .dicom
            .effect_on_covered(overlays, Place::Items)
            .fate
            .protects()
    );
}

#[test]
fn groups_that_repeat_are_covered_whole_or_not() {
    let covers = |section: &str, covers| {
        profile(section)
            .dicom
            .effect_on_covered(covers, Place::Top)
            .fate
            .protects()
    };
    let overlays = Covers::Repeating {
        group: 0x6000,
        element: Some(0x3000),
    };
    assert!(covers("fields: [{name: 60xx3000, remove: true}]", overlays));
    assert!(!covers(
        "fields: [{name: '60003000', remove: true}]",
        overlays
    ));
    let curves = Covers::Repeating {
        group: 0x5000,
        element: None,
    };
    assert!(!covers("fields: [{name: 50xx3000, remove: true}]", curves));
    assert!(covers(
        "fields: [{regex: '^50[0-9a-f]{6}$', remove: true}]",
        curves
    ));
}

#[test]
fn private_elements_go_unless_their_creator_is_named() {
    let section = "remove-private-tags: true, fields: [{name: '(0009,\"ACME\",01)', keep: true}, \
        {name: '(0009,1001)', keep: true}]";
    let rules = profile(section).dicom;
    assert_eq!(
        rules.effect_on(Tag(0x0009, 0x1001), Place::Top).fate,
        Fate::PrivateRemoved,
        "a plain number protects nothing"
    );
    assert_eq!(
        rules.effect_on_private(0x0009, "ACME", 0x01).fate,
        Fate::Kept
    );
    assert!(
        rules
            .effect_on_covered(Covers::Private, Place::Top)
            .fate
            .protects()
    );
    let open = profile("fields: [{name: '(0009,1001)', remove: true}]").dicom;
    assert!(
        !open
            .effect_on_covered(Covers::Private, Place::Top)
            .fate
            .protects()
    );
    let odd =
        profile("fields: [{regex: '.*(?:^|\\.)[0-9a-f]{3}[13579bdf][0-9a-f]{4}$', remove: true}]")
            .dicom;
    assert!(
        odd.effect_on_covered(Covers::Private, Place::Top)
            .fate
            .protects()
    );
}

#[test]
fn an_allow_list_covers_what_it_does_not_name() {
    let section = "remove-undefined: true, patient-age-from-birthdate: true, fields: \
        [{name: StudyID, keep: true}]";
    assert_eq!(fates(section, "StudyID"), ("kept", "undefined"));
    assert_eq!(fates(section, "PatientName"), ("undefined", "undefined"));
    assert_eq!(fates(section, "PatientAge"), ("undefined", "undefined"));
    let named = "remove-undefined: true, patient-age-from-birthdate: true, fields: \
        [{name: PatientAge, keep: true}]";
    assert_eq!(top(named, "PatientAge"), "computed");
    assert!(
        profile(section)
            .dicom
            .effect_on_covered(Covers::Private, Place::Items)
            .fate
            .protects()
    );
}

#[test]
fn an_age_is_computed_before_the_rules_act() {
    assert_eq!(
        fates("patient-age-from-birthdate: true", "PatientAge"),
        ("computed", "stays")
    );
    assert_eq!(
        top(
            "patient-age-from-birthdate: true, fields: [{name: PatientAge, remove: true}]",
            "PatientAge"
        ),
        "removed"
    );
}

#[test]
fn what_is_no_part_of_a_data_set_is_no_rules_business() {
    let rules = profile("fields: [{name: MediaStorageSOPInstanceUID, hashuid: true}]").dicom;
    for tag in [
        Tag(0x0000, 0x1000),
        Tag(0x0002, 0x0003),
        Tag(0x0004, 0x1511),
    ] {
        assert_eq!(rules.effect_on(tag, Place::Top).fate, Fate::Afresh);
    }
}

#[test]
fn the_basic_profile_covers_every_row_everywhere() {
    let basic = crate::profile::load("basic").unwrap();
    for row in attributes() {
        for place in [Place::Top, Place::Items] {
            let fate = basic.dicom.effect_on_covered(row.covers, place).fate;
            assert!(fate.protects(), "{} {place:?}: {fate:?}", row.name);
        }
    }
}

/// A profile with this section on confidentiality, and what else stands in `dicom`.
fn under(section: &str, more: &str) -> Profile {
    profile(&format!(
        "confidentiality: {{profile: basic, {section}}}, {more}"
    ))
}

#[test]
fn the_table_acts_where_no_field_does_at_the_top_and_in_items() {
    let plain = under("", "fields: []").dicom;
    for (keyword, slug) in [
        ("PatientName", "pseudonym"),
        ("PatientID", "pseudonym"),
        ("PatientBirthDate", "emptied"),
        ("OtherPatientIDsSequence", "removed"),
        ("SOPInstanceUID", "new-uid"),
        ("ReferencedImageSequence", "references"),
        ("SeriesDate", "as-needed"),
        ("StructureSetLabel", "dummy"),
        ("AnnotationGroupUID", "new-uid"),
        ("VerifyingObserverSequence", "dummy-items"),
        ("ContentSequence", "content-dummy"),
        ("GraphicAnnotationSequence", "graphics-dummy"),
        ("EncapsulatedDocument", "refused"),
        ("SegmentLabel", "known-words"),
        ("ManufacturerModelName", "table-kept"),
        ("Rows", "table-kept"),
        ("MediaStorageSOPInstanceUID", "afresh"),
    ] {
        let tag = tag_of_keyword(keyword).unwrap();
        for place in [Place::Top, Place::Items] {
            assert_eq!(
                plain.effect_on(tag, place).fate.slug(),
                slug,
                "{keyword} {place:?}"
            );
        }
    }
}

#[test]
fn options_change_what_becomes_of_it() {
    let one = |option: &str, keyword: &str| {
        under(&format!("options: [{option}]"), "fields: []")
            .dicom
            .effect_on(tag_of_keyword(keyword).unwrap(), Place::Top)
            .fate
            .slug()
    };
    assert_eq!(one("retain-uids", "SOPInstanceUID"), "table-kept");
    assert_eq!(one("retain-modified-dates", "StudyDate"), "moved");
    assert_eq!(
        one("retain-modified-dates", "DateOfLastDetectorCalibration"),
        "as-needed",
        "service logs tell it"
    );
    assert_eq!(one("clean-descriptors", "StudyDescription"), "known-words");
    assert_eq!(
        one("clean-descriptors", "PrescriptionNotesSequence"),
        "items-cleaned"
    );
    assert_eq!(
        one("clean-structured-content", "ContentSequence"),
        "content-cleaned"
    );
    assert_eq!(
        one("clean-graphics", "GraphicAnnotationSequence"),
        "items-cleaned"
    );
    let graphics = under(
        "options: [clean-graphics, retain-safe-private]",
        "fields: []",
    )
    .dicom;
    let overlays = Covers::Repeating {
        group: 0x6000,
        element: Some(0x3000),
    };
    assert_eq!(
        graphics.effect_on_covered(overlays, Place::Top).fate.slug(),
        "removed",
        "they are not looked into"
    );
    assert_eq!(
        graphics
            .effect_on_covered(Covers::Private, Place::Top)
            .fate
            .slug(),
        "safe-private"
    );
}

#[test]
fn fields_win_over_the_table_where_they_reach() {
    let fates = |more: &str, keyword: &str| {
        let rules = under("", more).dicom;
        let tag = tag_of_keyword(keyword).unwrap();
        [Place::Top, Place::Items].map(|place| rules.effect_on(tag, place).fate.slug())
    };
    let field = "fields: [{name: StudyDescription, keep: true}]";
    assert_eq!(fates(field, "StudyDescription"), ["kept", "as-needed"]);
    assert_eq!(
        fates(
            &format!("recurse-sequence: true, {field}"),
            "StudyDescription"
        ),
        ["kept", "kept"]
    );
    assert_eq!(
        fates(
            "fields: [{name: StudyDate, increment-date: true}]",
            "StudyDate"
        ),
        ["changed", "emptied"]
    );
    let age = "patient-age-from-birthdate: true, fields: []";
    assert_eq!(
        fates(age, "PatientAge"),
        ["removed", "removed"],
        "what is computed is no more allowed than what was there"
    );
    let kept = under("options: [retain-patient-characteristics]", age).dicom;
    assert_eq!(
        kept.effect_on(tag_of_keyword("PatientAge").unwrap(), Place::Top)
            .fate
            .slug(),
        "computed"
    );
}

#[test]
fn words_tell_what_the_table_does() {
    let words = |section: &str, more: &str, keyword: &str| {
        let rules = under(section, &format!("{more} fields: []")).dicom;
        let effect = rules.effect_on(tag_of_keyword(keyword).unwrap(), Place::Top);
        in_words(&effect.fate, &rules)
    };
    assert_eq!(
        words("", "", "AcquisitionDateTime"),
        "removed, emptied or a dummy, as the IOD needs"
    );
    assert_eq!(
        words("", "", "ContentDate"),
        "emptied or a dummy, as the IOD needs"
    );
    assert_eq!(
        words("", "", "PatientID"),
        "replaced by the patient's pseudonym"
    );
    let moving = "options: [retain-modified-dates]";
    assert_eq!(
        words(moving, "", "StudyDate"),
        "moved back by the patient's own number of weeks"
    );
    assert_eq!(
        words(moving, "dates: {days: -17},", "StudyDate"),
        "moved by -17 days, as all dates are"
    );
}

#[test]
fn words_say_what_becomes_of_a_value_and_nothing_secret() {
    let salted = profile(
        "salt: hush, fields: [{name: PatientID, hash: true}, \
        {name: StudyDate, increment-date: true}]",
    )
    .dicom;
    let words = |keyword| {
        let effect = salted.effect_on(tag_of_keyword(keyword).unwrap(), Place::Top);
        in_words(&effect.fate, &salted)
    };
    assert_eq!(words("PatientID"), "hashed (16 hex digits, salted)");
    assert_eq!(words("StudyDate"), "date shifted by -17 days");
    assert_eq!(words("PatientName"), "left as it is");
}
