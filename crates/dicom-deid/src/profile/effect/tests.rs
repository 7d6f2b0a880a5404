//! Coverage, selector by selector.

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
fn effects(section: &str, keyword: &str) -> (&'static str, &'static str) {
    let profile = profile(section);
    let tag = tag_of_keyword(keyword).unwrap();
    let at = |place| {
        profile
            .dicom
            .effect_on(tag, place)
            .effect
            .slug()
    };
    (at(NestingLevel::Top), at(NestingLevel::Items))
}

fn top(section: &str, keyword: &str) -> &'static str {
    effects(section, keyword).0
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
            effects(
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
fn every_action_has_its_effect() {
    for (action, effect) in [
        ("keep: true", "kept"),
        ("replace-with: null", "kept"),
        ("replace-with: ''", "emptied"),
        ("replace-with: X", "replaced"),
        ("remove: true", "removed"),
        ("hash: true", "changed"),
    ] {
        assert_eq!(
            top(&format!("fields: [{{name: StudyID, {action}}}]"), "StudyID"),
            effect,
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
        effects(
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
        twice
            .dicom
            .effect_on(tag, NestingLevel::Top)
            .effect
            .changes()
            .len(),
        2
    );
}

#[test]
fn a_path_covers_no_attribute_in_all_items() {
    let path =
        profile("fields: [{name: RequestAttributesSequence.*.AccessionNumber, remove: true}]");
    let tag = tag_of_keyword("AccessionNumber").unwrap();
    for level in [NestingLevel::Top, NestingLevel::Items] {
        assert_eq!(
            path.dicom
                .effect_on(tag, level)
                .effect,
            Effect::Untouched
        );
    }
}

#[test]
fn recursion_reaches_all_items() {
    let section = "recurse-sequence: true, fields: [{name: PatientName, remove: true}, \
        {name: 60xx3000, remove: true}]";
    assert_eq!(effects(section, "PatientName"), ("removed", "removed"));
    let overlays = TagPattern::Repeating {
        group: 0x6000,
        element: Some(0x3000),
    };
    assert!(
        profile(section)
            .dicom
            .protects_all(overlays, NestingLevel::Items)
    );
}

#[test]
fn groups_that_repeat_are_covered_whole_or_not() {
    let covers = |section: &str, covers| {
        profile(section)
            .dicom
            .protects_all(covers, NestingLevel::Top)
    };
    let overlays = TagPattern::Repeating {
        group: 0x6000,
        element: Some(0x3000),
    };
    assert!(covers("fields: [{name: 60xx3000, remove: true}]", overlays));
    assert!(!covers(
        "fields: [{name: '60003000', remove: true}]",
        overlays
    ));
    let curves = TagPattern::Repeating {
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
        rules
            .effect_on(Tag(0x0009, 0x1001), NestingLevel::Top)
            .effect,
        Effect::PrivateRemoved,
        "a plain number protects nothing"
    );
    assert_eq!(
        rules
            .effect_on_private(0x0009, "ACME", 0x01)
            .effect,
        Effect::Kept
    );
    assert!(rules.protects_all(TagPattern::Private, NestingLevel::Top));
    let open = profile("fields: [{name: '(0009,1001)', remove: true}]").dicom;
    assert!(!open.protects_all(TagPattern::Private, NestingLevel::Top));
    let odd =
        profile("fields: [{regex: '.*(?:^|\\.)[0-9a-f]{3}[13579bdf][0-9a-f]{4}$', remove: true}]")
            .dicom;
    assert!(odd.protects_all(TagPattern::Private, NestingLevel::Top));
}

#[test]
fn an_allow_list_covers_what_it_does_not_name() {
    let section = "remove-undefined: true, patient-age-from-birthdate: true, fields: \
        [{name: StudyID, keep: true}]";
    assert_eq!(effects(section, "StudyID"), ("kept", "undefined"));
    assert_eq!(effects(section, "PatientName"), ("undefined", "undefined"));
    assert_eq!(effects(section, "PatientAge"), ("undefined", "undefined"));
    let named = "remove-undefined: true, patient-age-from-birthdate: true, fields: \
        [{name: PatientAge, keep: true}]";
    assert_eq!(top(named, "PatientAge"), "computed");
    assert!(
        profile(section)
            .dicom
            .protects_all(TagPattern::Private, NestingLevel::Items)
    );
}

#[test]
fn an_age_is_computed_before_the_rules_act() {
    assert_eq!(
        effects("patient-age-from-birthdate: true", "PatientAge"),
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
fn rules_do_not_act_on_file_meta_information() {
    let rules = profile("fields: [{name: MediaStorageSOPInstanceUID, hashuid: true}]").dicom;
    for tag in [
        Tag(0x0000, 0x1000),
        Tag(0x0002, 0x0003),
        Tag(0x0004, 0x1511),
    ] {
        assert_eq!(
            rules
                .effect_on(tag, NestingLevel::Top)
                .effect,
            Effect::WrittenAfresh
        );
    }
}

#[test]
fn the_basic_profile_covers_every_row_everywhere() {
    let basic = crate::profile::load("basic").unwrap();
    for row in attributes() {
        for place in [NestingLevel::Top, NestingLevel::Items] {
            let effect = basic
                .dicom
                .effect_on_pattern(row.covers, place)
                .effect;
            assert!(effect.protects(), "{} {place:?}: {effect:?}", row.name);
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
        for place in [NestingLevel::Top, NestingLevel::Items] {
            assert_eq!(
                plain
                    .effect_on(tag, place)
                    .effect
                    .slug(),
                slug,
                "{keyword} {place:?}"
            );
        }
    }
}

#[test]
fn options_change_the_effect() {
    let one = |option: &str, keyword: &str| {
        under(&format!("options: [{option}]"), "fields: []")
            .dicom
            .effect_on(tag_of_keyword(keyword).unwrap(), NestingLevel::Top)
            .effect
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
    let overlays = TagPattern::Repeating {
        group: 0x6000,
        element: Some(0x3000),
    };
    assert_eq!(
        graphics
            .effect_on_pattern(overlays, NestingLevel::Top)
            .effect
            .slug(),
        "removed",
        "they are not looked into"
    );
    assert_eq!(
        graphics
            .effect_on_pattern(TagPattern::Private, NestingLevel::Top)
            .effect
            .slug(),
        "safe-private"
    );
}

#[test]
fn fields_win_over_the_table_where_they_reach() {
    let effects = |more: &str, keyword: &str| {
        let rules = under("", more).dicom;
        let tag = tag_of_keyword(keyword).unwrap();
        [NestingLevel::Top, NestingLevel::Items].map(|place| {
            rules
                .effect_on(tag, place)
                .effect
                .slug()
        })
    };
    let field = "fields: [{name: StudyDescription, keep: true}]";
    assert_eq!(effects(field, "StudyDescription"), ["kept", "as-needed"]);
    assert_eq!(
        effects(
            &format!("recurse-sequence: true, {field}"),
            "StudyDescription"
        ),
        ["kept", "kept"]
    );
    assert_eq!(
        effects(
            "fields: [{name: StudyDate, increment-date: true}]",
            "StudyDate"
        ),
        ["changed", "emptied"]
    );
    let age = "patient-age-from-birthdate: true, fields: []";
    assert_eq!(
        effects(age, "PatientAge"),
        ["removed", "removed"],
        "what is computed is no more allowed than what was there"
    );
    let kept = under("options: [retain-patient-characteristics]", age).dicom;
    assert_eq!(
        kept.effect_on(tag_of_keyword("PatientAge").unwrap(), NestingLevel::Top)
            .effect
            .slug(),
        "computed"
    );
}

#[test]
fn the_description_follows_the_table() {
    let words = |section: &str, more: &str, keyword: &str| {
        let rules = under(section, &format!("{more} fields: []")).dicom;
        let effect = rules.effect_on(tag_of_keyword(keyword).unwrap(), NestingLevel::Top);
        describe_effect(&effect.effect, &rules)
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
fn the_description_holds_no_secret() {
    let salted = profile(
        "salt: hush, fields: [{name: PatientID, hash: true}, \
        {name: StudyDate, increment-date: true}]",
    )
    .dicom;
    let words = |keyword| {
        let effect = salted.effect_on(tag_of_keyword(keyword).unwrap(), NestingLevel::Top);
        describe_effect(&effect.effect, &salted)
    };
    assert_eq!(words("PatientID"), "hashed (16 hex digits, salted)");
    assert_eq!(words("StudyDate"), "date shifted by -17 days");
    assert_eq!(words("PatientName"), "left as it is");
}
