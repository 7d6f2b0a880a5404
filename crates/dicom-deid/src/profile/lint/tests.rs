//! What is found in which profile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::profile::effect::NestingLevel;
use crate::profile::{explain, from_server_json, load};

fn profile(section: &str) -> Profile {
    let text = format!("name: p\ndicom: {{{section}}}\n");
    from_server_json(&Value::String(text), "test")
        .unwrap_or_else(|error| panic!("{section}: {error}"))
        .unwrap()
}

fn of_kind(section: &str, kind: LintKind) -> Vec<LintFinding> {
    lint(&profile(section))
        .findings
        .into_iter()
        .filter(|finding| finding.kind == kind)
        .collect()
}

/// The subjects of a kind of finding.
fn subjects(section: &str, kind: LintKind) -> Vec<String> {
    of_kind(section, kind)
        .into_iter()
        .map(|finding| finding.subject)
        .collect()
}

fn severities(section: &str, kind: LintKind) -> Vec<Severity> {
    of_kind(section, kind)
        .into_iter()
        .map(|finding| finding.severity)
        .collect()
}

#[test]
fn the_basic_profile_and_its_strict_form_leave_nothing_to_warn_of() {
    for name in ["basic", "strict"] {
        let lint = lint(&load(name).unwrap());
        let kinds: BTreeSet<_> = lint
            .findings
            .iter()
            .map(|finding| finding.kind.slug())
            .collect();
        assert!(lint.is_clean(), "{name}: {:#?}", lint.findings);
        assert_eq!(kinds, BTreeSet::from(["pixels", "unlisted"]), "{name}");
        let texts = lint
            .findings
            .iter()
            .find(|finding| finding.subject == "texts")
            .unwrap();
        let (kept, kernel) = if name == "basic" {
            ("175 texts", true)
        } else {
            ("5 texts", false)
        };
        assert!(texts.message.starts_with(kept), "{}", texts.message);
        assert_eq!(lint_names(name, "ConvolutionKernel"), kernel, "{name}");
    }
    let longitudinal = lint(&load("longitudinal").unwrap());
    assert!(longitudinal.is_clean(), "{:#?}", longitudinal.findings);
    let kept = lint(&load("uids-and-dates-kept").unwrap());
    let warned: Vec<_> = kept
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|f| f.subject.as_str())
        .collect();
    assert_eq!(warned, ["retain-full-dates", "retain-uids"]);
}

/// Whether a built-in profile leaves a text as it is.
fn lint_names(name: &str, keyword: &str) -> bool {
    let tag = standard::tag_of_keyword(keyword).unwrap();
    !load(name)
        .unwrap()
        .dicom
        .effect_on(tag, NestingLevel::Top)
        .effect
        .protects()
}

/// The findings under the Basic Profile, by kind, weight and subject, without the notes on pixels
/// and on texts of equipment.
fn confidential(section: &str, more: &str) -> Vec<(&'static str, Severity, String)> {
    let profile = profile(&format!(
        "confidentiality: {{profile: basic, {section}}}, {more}"
    ));
    // That Flywheel's own tools pass over the section is said of every profile here.
    let reported = lint(&profile)
        .findings
        .into_iter()
        .filter(|finding| {
            !matches!(finding.kind, LintKind::Pixels | LintKind::Notice)
                && finding.subject != "texts"
        });
    reported
        .map(|finding| (finding.kind.slug(), finding.severity, finding.subject))
        .collect()
}

#[test]
fn settings_that_let_something_stay_are_reported() {
    use Severity::{Note, Warning};
    let one = |section: &str, more: &str, expected: (&str, Severity, &str)| {
        let found = confidential(section, &format!("{more} fields: []"));
        assert_eq!(
            found,
            [(expected.0, expected.1, expected.2.to_owned())],
            "{section} {more}"
        );
    };
    one(
        "options: [retain-uids]",
        "",
        ("retained", Warning, "retain-uids"),
    );
    one(
        "options: [retain-institution-identity]",
        "",
        ("retained", Note, "retain-institution-identity"),
    );
    one(
        "options: [retain-device-identity]",
        "",
        ("retained", Note, "retain-device-identity"),
    );
    one(
        "options: [retain-patient-characteristics]",
        "",
        ("retained", Note, "retain-patient-characteristics"),
    );
    one(
        "options: [retain-modified-dates]",
        "dates: {days: -17},",
        ("shift", Warning, "dates.days"),
    );
    one(
        "encapsulated: keep",
        "",
        ("encapsulated", Warning, "encapsulated"),
    );
    one(
        "",
        "residual: {on-leak: warn},",
        ("residual", Warning, "residual.on-leak"),
    );
    assert_eq!(
        confidential(
            "options: [retain-modified-dates, clean-descriptors, retain-safe-private]",
            "fields: []"
        ),
        []
    );
    let unlisted = confidential("unlisted: keep", "fields: []");
    assert_eq!(unlisted[0], ("unlisted", Warning, "unlisted".to_owned()));
    assert!(
        unlisted.contains(&("blind-spot", Warning, "RetrieveURL".to_owned()))
            && unlisted.len() > 200
    );
}

#[test]
fn fields_that_weaken_the_table_are_reported() {
    use Severity::{Note, Warning};
    let of = |section: &str, field: &str| confidential(section, &format!("fields: [{{{field}}}]"));
    let one = |kind, severity, subject: &str| vec![(kind, severity, subject.to_owned())];
    assert_eq!(
        of("", "name: PatientName, keep: true"),
        one("kept", Warning, "PatientName")
    );
    assert_eq!(
        of("", "name: PatientSex, keep: true"),
        one("kept", Note, "PatientSex")
    );
    assert_eq!(
        of(
            "options: [retain-patient-characteristics]",
            "name: PatientSex, keep: true"
        )
        .len(),
        1,
        "the option alone: no exception"
    );
    assert_eq!(
        of("", "name: StudyDescription, keep: true"),
        one("text", Warning, "StudyDescription")
    );
    assert_eq!(
        of("", "name: SegmentLabel, keep: true"),
        one("blind-spot", Note, "SegmentLabel")
    );
    assert_eq!(
        of("", "name: ManufacturerModelName, keep: true"),
        [],
        "it stays anyway"
    );
    assert_eq!(
        of("", "name: '00191001', keep: true"),
        one("exception", Warning, "00191001")
    );
    assert_eq!(
        of("", "name: '(0009,\"ACME\",01)', keep: true"),
        one("private", Warning, "(0009,\"ACME\",01)")
    );
    let path = "RequestAttributesSequence.*.AccessionNumber";
    assert_eq!(
        of("", &format!("name: {path}, keep: true")),
        one("exception", Warning, path)
    );
    assert_eq!(of("", &format!("name: {path}, remove: true")), []);
    assert_eq!(of("", "name: PatientComments, remove: true"), []);
}

#[test]
fn fields_that_contradict_the_table_are_reported() {
    let subjects = |section: &str, more: &str, kind: &str| -> Vec<String> {
        confidential(section, more)
            .into_iter()
            .filter(|found| found.0 == kind)
            .map(|found| found.2)
            .collect()
    };
    let uid = "salt: s, fields: [{name: SOPInstanceUID, hashuid: true}]";
    assert_eq!(subjects("", uid, "uid-inconsistent"), ["SOPInstanceUID"]);
    let date = "date-increment: -17, fields: [{name: StudyDate, increment-date: true}]";
    assert!(
        subjects("options: [retain-modified-dates]", date, "dates")
            .contains(&"retain-modified-dates".to_owned())
    );
    assert!(!subjects("", date, "dates").contains(&"retain-modified-dates".to_owned()));
}

#[test]
fn the_minimal_profile_leaves_hundreds() {
    let found = lint(&load("flywheel-minimal").unwrap());
    let uncovered = |finding: &&LintFinding| finding.kind == LintKind::Uncovered;
    assert_eq!(
        found
            .findings
            .iter()
            .filter(uncovered)
            .count(),
        657 - 3 - 1 - 4,
        "three rules, private elements, groups below 8"
    );
    for kind in [
        LintKind::Nested,
        LintKind::Private,
        LintKind::Age,
        LintKind::Pixels,
        LintKind::Markers,
    ] {
        assert!(
            found
                .findings
                .iter()
                .any(|finding| finding.kind == kind),
            "{kind:?}"
        );
    }
    assert!(!found.is_clean());
}

/// Names what a researcher needs, maps UIDs under a salt, marks the file, and drops the rest.
const CAREFUL: &str = "salt: hush, remove-undefined: true, uid-prefix-fields: 0, uid-suffix-fields: 0, fields: [
    {name: SOPClassUID}, {name: Modality}, {name: Rows}, {name: Columns}, {name: PixelData},
    {name: SOPInstanceUID, hashuid: true}, {name: SeriesInstanceUID, hashuid: true}, {name: StudyInstanceUID, hashuid: true},
    {name: PatientID, hash: true},
    {name: PatientIdentityRemoved, replace-with: 'YES'}, {name: DeidentificationMethod, replace-with: list}]";

#[test]
fn an_allow_list_with_a_salt_is_clean() {
    let found = lint(&profile(CAREFUL));
    let warnings: Vec<_> = found
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .collect();
    // References that the list does not name are gone with everything else.
    assert!(warnings.is_empty(), "{warnings:#?}");
    let kinds: Vec<_> = found
        .findings
        .iter()
        .map(|finding| finding.kind.slug())
        .collect();
    assert_eq!(kinds, ["salted", "pixels"]);
}

#[test]
fn a_kept_attribute_is_a_warning_unless_an_option_of_the_standard_keeps_it() {
    let section = "remove-undefined: true, fields: [{name: PatientName}, {name: PatientSex}, \
        {name: StudyDescription}]";
    let kept = of_kind(section, LintKind::Kept);
    let found: Vec<_> = kept
        .iter()
        .map(|finding| (finding.subject.as_str(), finding.severity))
        .collect();
    assert_eq!(
        found,
        [
            ("PatientName", Severity::Warning),
            ("PatientSex", Severity::Note)
        ]
    );
    assert!(
        kept[0]
            .message
            .contains("fields[0], line 2")
            && kept[1]
                .message
                .contains("Retain Patient Characteristics")
    );
    assert_eq!(subjects(section, LintKind::Text), ["StudyDescription"]);
    assert_eq!(severities(section, LintKind::Text), [Severity::Warning]);
    assert_eq!(
        severities(
            "fields: [{name: StudyDescription, hash: true}]",
            LintKind::Text
        ),
        [Severity::Note]
    );
    assert!(
        subjects(
            "fields: [{name: StudyDescription, remove: true}]",
            LintKind::Text
        )
        .is_empty()
    );
}

#[test]
fn sequence_items_that_no_rule_covers_are_reported() {
    let found = subjects(
        "fields: [{name: PatientID, remove: true}, {name: OtherPatientIDsSequence, remove: true}]",
        LintKind::Nested,
    );
    assert_eq!(found[0], "recurse-sequence");
    assert!(
        found.contains(&"RequestAttributesSequence".to_owned())
            && !found.contains(&"OtherPatientIDsSequence".to_owned())
    );
    for reaching in [
        "recurse-sequence: true, fields: [{name: PatientID, remove: true}]",
        "remove-undefined: true, fields: [{name: Modality}]",
        "fields: [{regex: '.*PatientID$', remove: true}]",
        "fields: []",
    ] {
        assert!(
            subjects(reaching, LintKind::Nested).is_empty(),
            "{reaching}"
        );
    }
}

#[test]
fn kept_private_elements_are_a_warning_unless_the_standard_lists_them() {
    assert_eq!(
        subjects(
            "fields: [{name: PatientID, remove: true}]",
            LintKind::Private
        ),
        ["remove-private-tags"]
    );
    let section = r#"remove-private-tags: true, fields: [{name: '(00E1,"ELSCINT1",21)'}, {name: '(0009,"ACME",01)'},
        {name: '(0009,"ACME",02)', hash: true}, {name: '(0009,"ACME",03)'}, {name: '(0009,"ACME",03)'}]"#;
    let found: Vec<_> = of_kind(section, LintKind::Private)
        .into_iter()
        .map(|finding| (finding.subject, finding.severity))
        .collect();
    assert_eq!(
        found,
        [
            ("(0009,\"ACME\",01)".to_owned(), Severity::Warning),
            ("(0009,\"ACME\",03)".to_owned(), Severity::Warning),
            ("(00E1,\"ELSCINT1\",21)".to_owned(), Severity::Note)
        ]
    );
}

#[test]
fn hashes_are_looked_at_one_by_one() {
    let section = "fields: [{name: PatientID, hash: true}, \
        {name: StudyInstanceUID, hashuid: true}, {name: '00080020', hash: true}]";
    assert_eq!(
        subjects(section, LintKind::Unsalted),
        ["PatientID", "StudyDate", "StudyInstanceUID"]
    );
    assert_eq!(subjects(section, LintKind::HashOnDate), ["StudyDate"]);
    assert_eq!(
        subjects(section, LintKind::UidParts),
        ["uid-prefix-fields", "uid-suffix-fields"]
    );
    let salted = "salt: s, hash-digits: 8, uid-prefix-fields: 0, uid-suffix-fields: 0, fields: \
        [{name: PatientID, hash: true}]";
    assert!(
        subjects(salted, LintKind::Unsalted).is_empty()
            && subjects(salted, LintKind::UidParts).is_empty()
    );
    assert_eq!(severities(salted, LintKind::Salted), [Severity::Note]);
    assert_eq!(subjects(salted, LintKind::HashDigits), ["hash-digits"]);
    assert!(
        subjects(
            "hash-digits: 0, fields: [{name: PatientID, hash: true}]",
            LintKind::HashDigits
        )
        .is_empty()
    );
}

#[test]
fn uids_must_keep_step() {
    let part = subjects(
        "fields: [{name: SOPInstanceUID, hashuid: true}]",
        LintKind::UidInconsistent,
    );
    assert!(
        part.contains(&"StudyInstanceUID".to_owned())
            && part.contains(&"ReferencedSOPInstanceUID".to_owned()),
        "{part:?}"
    );
    assert!(
        part.contains(&"SOPInstanceUID".to_owned()),
        "in items it is not mapped: {part:?}"
    );
    let constant = of_kind(
        "fields: [{name: StudyInstanceUID, replace-with: '1.2.3'}]",
        LintKind::UidInconsistent,
    );
    assert!(
        constant[0]
            .message
            .contains("the same for all")
    );
    assert!(
        subjects(
            "fields: [{name: PatientID, remove: true}]",
            LintKind::UidInconsistent
        )
        .is_empty()
    );
}

#[test]
fn dates_must_keep_step() {
    let one = "date-increment: -17, fields: [{name: StudyDate, increment-date: true}, \
        {name: SeriesDate, remove: true}]";
    let found = subjects(one, LintKind::Dates);
    assert!(
        found.contains(&"AcquisitionDate".to_owned())
            && found.contains(&"AcquisitionDateTime".to_owned()),
        "{found:?}"
    );
    assert!(
        !found.contains(&"SeriesDate".to_owned()) && found.contains(&"date-increment".to_owned())
    );
    assert_eq!(subjects(one, LintKind::Times), ["times of day"]);
    let two = "fields: [{name: StudyDate, increment-date: true, date-increment-override: -1},
        {name: SeriesDate, increment-date: true, date-increment-override: -2}]";
    assert!(
        of_kind(two, LintKind::Dates)
            .iter()
            .any(|finding| finding.message.contains("(-1, -2)"))
    );
    let none = "date-increment: 0, fields: [{name: StudyDate, increment-date: true}]";
    assert!(
        of_kind(none, LintKind::Dates)
            .iter()
            .any(|finding| finding
                .message
                .contains("by 0 days"))
    );
    let birth = "date-increment: -17, fields: [{name: PatientBirthDate, increment-date: true}]";
    assert_eq!(subjects(birth, LintKind::BirthDate), ["PatientBirthDate"]);
}

#[test]
fn ages_are_reported() {
    let message = |section: &str| {
        of_kind(section, LintKind::Age)
            .first()
            .map(|finding| finding.message.clone())
            .unwrap_or_default()
    };
    assert!(message("fields: []").contains("over 89"));
    assert!(message("patient-age-from-birthdate: true").contains("to the day"));
    assert!(message("patient-age-from-birthdate: true, patient-age-units: Y").contains("over 89"));
    assert_eq!(
        message("patient-age-from-birthdate: true, fields: [{name: PatientAge, remove: true}]"),
        ""
    );
}

#[test]
fn the_whole_file_is_looked_at() {
    assert_eq!(subjects("fields: []", LintKind::Empty), ["fields"]);
    assert_eq!(subjects("fields: []", LintKind::Markers).len(), 2);
    assert!(
        subjects(
            "fields: [{name: PixelData, remove: true}]",
            LintKind::Pixels
        )
        .is_empty()
    );
    let other = from_server_json(
        &Value::String("name: p\njpg: {remove-gps: true}\ndicom: {fields: []}".into()),
        "test",
    );
    let found = lint(&other.unwrap().unwrap());
    assert!(
        found
            .findings
            .iter()
            .any(|finding| finding.kind == LintKind::OtherSections && finding.subject == "jpg")
    );
}

#[test]
fn envelopes_and_their_keys_are_reported() {
    let key = "secret-key: 00112233445566778899aabbccddeeff";
    let retained = format!("{key}, retain: true, fields: [{{name: PatientID, remove: true}}]");
    assert_eq!(subjects(&retained, LintKind::Salted), ["secret-key"]);
    assert_eq!(subjects(&retained, LintKind::Envelope), ["retain"]);
    let sealed = format!("{key}, fields: [{{name: PatientID, encrypt: true}}]");
    assert_eq!(subjects(&sealed, LintKind::Envelope), ["encrypt"]);
    assert!(!subjects(&sealed, LintKind::Uncovered).contains(&"PatientID".to_owned()));
    let opened = format!("{key}, fields: [{{name: PatientID, decrypt: true}}]");
    assert!(
        of_kind(&opened, LintKind::Kept)[0]
            .message
            .contains("taken back out")
    );
}

#[test]
fn the_finding_on_pixels_mentions_regions_where_there_are_some() {
    let message = |section: &str| {
        of_kind(section, LintKind::Pixels)[0]
            .message
            .clone()
    };
    assert!(message("fields: []").contains("is not looked for"));
    let region = "alter_pixels: {pixels: [{when: contains Modality US, remove: [0, 0, 9, 9]}]}";
    assert!(
        message(region).contains("beyond the regions"),
        "{}",
        message(region)
    );
}

#[test]
fn the_finding_on_pixels_says_what_is_looked_at_and_that_text_can_be_missed() {
    let found = |pixels: &str| {
        let section = format!("confidentiality: {{profile: basic}}, pixels: {pixels}");
        let found = of_kind(&section, LintKind::Pixels);
        let messages: Vec<_> = found
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        (found[0].severity, messages.join("\n"))
    };
    for (pixels, severity, parts) in [
        (
            "{burned-in: detect}",
            Severity::Note,
            ["in every frame of images", "and in a few of all others"],
        ),
        (
            "{burned-in: detect, other-images: keep}",
            Severity::Note,
            ["can be missed", "and not in others"],
        ),
        (
            "{other-images: detect}",
            Severity::Note,
            ["are refused", "in a few frames of all others"],
        ),
        (
            "{burned-in: keep, other-images: detect}",
            Severity::Warning,
            ["go as they are", "in a few frames of all others"],
        ),
        (
            "{burned-in: refuse}",
            Severity::Note,
            ["are refused", "are not read"],
        ),
        (
            "{burned-in: detect, blank-finds: true}",
            Severity::Note,
            ["can be missed", "blanked in images of every kind"],
        ),
    ] {
        let (weight, said) = found(pixels);
        assert_eq!(weight, severity, "{pixels}");
        for part in parts {
            assert!(said.contains(part), "{pixels}: {said}");
        }
    }
}

#[test]
fn pieces_that_stay_as_they_are_are_reported() {
    let sub = |groups: &str| {
        format!(
            "fields: [{{name: StudyDescription, regex-sub: [{{input-regex: \
                '^(?P<a>.+)-(?P<b>.+)$', output: '{{a}}', groups: [{groups}]}}]}}]"
        )
    };
    assert_eq!(subjects(&sub(""), LintKind::Text), ["StudyDescription"]);
    assert!(subjects(&sub("{name: a, hash: true}"), LintKind::Text).is_empty());
    assert_eq!(
        subjects(&sub("{name: a, hash: true}"), LintKind::Unsalted),
        ["StudyDescription"]
    );
    let copy = "{name: StudyID, regex-sub: [{input-regex: '.*', output: '{PatientID}', groups: [{name: PatientID, keep: true}]}]}";
    let hash = "{name: PatientID, hash: true}";
    assert_eq!(
        severities(&format!("fields: [{copy}, {hash}]"), LintKind::Text),
        [Severity::Warning]
    );
    assert!(subjects(&format!("fields: [{hash}, {copy}]"), LintKind::Text).is_empty());
    let named = |groups: &str| {
        format!(
            "fields: [{{name: PatientID, remove: true}}],
            filenames: [{{output: '{{p}}_{{Modality}}.dcm', input-regex: '^(?P<p>[^/]+)/', groups: [{groups}]}}]"
        )
    };
    assert_eq!(subjects(&named(""), LintKind::FileNames), ["filenames (p)"]);
    assert!(subjects(&named("{name: p, hash: true}"), LintKind::FileNames).is_empty());
}

#[test]
fn unlisted_attributes_are_a_warning_where_they_identify() {
    let found = of_kind(
        "fields: [{name: PatientBirthDateInAlternativeCalendar, keep: true}]",
        LintKind::BlindSpot,
    );
    let weight = |keyword: &str| {
        found
            .iter()
            .find(|finding| finding.subject == keyword)
            .map(|finding| finding.severity)
    };
    assert_eq!(weight("RetrieveURL"), Some(Severity::Warning));
    assert_eq!(weight("CodeMeaning"), Some(Severity::Note));
    assert_eq!(
        weight("PatientBirthDateInAlternativeCalendar"),
        Some(Severity::Note),
        "it is meant"
    );
    assert_eq!(weight("SOPClassUID"), None);
}

/// Fields that most often load, of all selectors and actions.
fn field() -> impl Strategy<Value = String> {
    let selector = prop_oneof![
        "name: (PatientID|StudyDate|SOPInstanceUID|StudyDescription|PatientAge|OtherPatientIDsSequence|Rows)",
        "name: '0(008|010|020|040)[0-9a-f]{4}[0-9]'",
        "name: (50|60)xx(3000|0010|4000)",
        r#"name: '\(00(09|E1),"(ACME|ELSCINT1)",[0-9a-f]{2}\)'"#,
        r"name: RequestAttributesSequence\.[0-9*]\.(StudyID|PatientName)",
        r"regex: '(\.\*)?(Patient|[A-Z][a-z]+|00[0-9a-f]{2})[A-Za-z0-9.*]{0,6}'",
    ];
    let action = prop_oneof![
        Just("remove: true"),
        Just("keep: true"),
        Just("hash: true"),
        Just("hashuid: true"),
        Just("replace-with: ''"),
        Just("replace-with: X"),
        Just("replace-with: null"),
        Just("increment-date: true"),
        Just("increment-datetime: true, date-increment-override: 0"),
        Just("jitter: true"),
        Just("encrypt: true"),
        Just("decrypt: true"),
        Just(
            "regex-sub: [{input-regex: '(?P<a>.)', output: '{a}{StudyID}', groups: [{name: StudyID, keep: true}]}]"
        ),
    ];
    (selector, action).prop_map(|(selector, action)| format!("{{{selector}, {action}}}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_profile_that_loads_can_be_judged_and_explained(
        fields in prop::collection::vec(field(), 0..8),
        switches in prop::collection::vec(any::<bool>(), 5),
    ) {
        let text = format!(
            "name: p\ndicom: {{date-increment: -3, secret-key: 00112233445566778899aabbccddeeff, \
                recurse-sequence: {}, remove-private-tags: {}, remove-undefined: {}, \
             patient-age-from-birthdate: {}, replace-with-insert: {}, fields: [{}]}}",
            switches[0], switches[1], switches[2], switches[3], switches[4], fields.join(", ")
        );
        if let Ok(Some(profile)) = from_server_json(&Value::String(text), "test") {
            let found = lint(&profile);
            prop_assert!(found.findings.iter().all(|finding| !finding.message.is_empty() && !finding.subject.is_empty()));
            let reported = explain(&profile).attributes;
            // Every row of the table is reported once.
            for row in crate::standard::confidentiality::attributes() {
                let tag = row.covers.to_string();
                prop_assert_eq!(reported.iter().filter(|line| line.tag.as_deref() == Some(tag.as_str())).count(), 1, "{}", tag);
            }
        }
    }
}
