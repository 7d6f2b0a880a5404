//! Documents of all kinds, and what is said about wrong ones.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::ProfileErrorKind;
use crate::profile::{
    Action, DateBound, DateBounds, DateJitter, Jitter, JitterUnit, Replacement, Scalar, Selector,
    from_server_json,
};

fn parse(
    text: &str,
    language: Language,
    shown: &str,
    fallback_name: &str,
) -> Result<Profile, ProfileError> {
    Document::parse(text, language, shown, fallback_name)?.profile()
}

fn yaml(text: &str) -> Result<Profile, ProfileError> {
    parse(text, Language::Yaml, "p.yaml", "p")
}

/// A profile with one field, which begins in line 5.
fn field(field: &str) -> Result<Profile, ProfileError> {
    yaml(&format!(
        "name: p\ndicom:\n  date-increment: -17\n  fields:\n    - {field}\n"
    ))
}

/// What is said about a wrong document, without the fixed parts.
fn complaint(result: Result<Profile, ProfileError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ProfileErrorKind::Invalid);
    format!(
        "{} | {}",
        error.what,
        error
            .remedy
            .as_deref()
            .unwrap_or_default()
    )
}

#[test]
fn the_three_languages_mean_the_same() {
    let toml = "name = \"p\"\n[dicom]\nsalt = \"s\"\nfields = \
        [{ name = \"PatientID\", hash = true }, \
        { name = 0x00100010, replace-with = [\"A\", \"B\"] }]";
    let yaml = "dicom:\n  fields:\n  - {hash: true, name: '(0010,0020)'}\n  - \
        {name: 0x00100010, replace-with: [A, B]}\n  salt: s\nname: p\n";
    let json = r#"{"name":"p","dicom":{"fields":[{"name":"00100020","hash":true},{"name":"patientname","replace-with":["A","B"]}],"salt":"s"}}"#;
    let digest = parse(toml, Language::Toml, "p", "p")
        .unwrap()
        .digest();
    assert_eq!(
        parse(yaml, Language::Yaml, "p", "p")
            .unwrap()
            .digest(),
        digest
    );
    assert_eq!(
        parse(json, Language::Json, "p", "p")
            .unwrap()
            .digest(),
        digest
    );
    assert!(digest.starts_with("sha256:") && digest.len() == 71);
    let other = parse(&toml.replace("\"s\"", "\"t\""), Language::Toml, "p", "p").unwrap();
    assert_eq!(other.digest(), digest, "a salt could be found by trying");
    assert_ne!(
        other.identity(),
        parse(toml, Language::Toml, "p", "p")
            .unwrap()
            .identity()
    );
    assert_ne!(
        parse(&toml.replace("salt = \"s\"", ""), Language::Toml, "p", "p")
            .unwrap()
            .digest(),
        digest
    );
}

#[test]
fn builtin_profiles_load() {
    for name in builtin_names() {
        let profile = load(name).unwrap();
        assert_eq!(profile.name, name);
        assert!(
            !profile.is_empty() && profile.notes.is_empty(),
            "{name}: {:?}",
            profile.notes
        );
    }
    assert!(
        load("basik")
            .unwrap_err()
            .remedy
            .as_deref()
            .unwrap_or_default()
            .contains("basic")
    );
    assert!(
        load("no-such.yaml")
            .unwrap_err()
            .what
            .contains("cannot be read")
    );
}

#[test]
fn actions_and_options_are_read() {
    let profile =
        field("{name: StudyDate, increment-date: true, date-increment-override: 0}").unwrap();
    assert_eq!(
        profile.dicom.fields[0].action,
        Action::Shift {
            with_time: false,
            days: Some(0.0),
            format: None,
            jitter: None,
            bounds: crate::profile::DateBounds::default(),
        }
    );
    let profile = field("{name: StudyID, replace-with: null}").unwrap();
    assert!(
        profile.is_empty()
            && profile
                .notes
                .iter()
                .any(|note| note.contains("StudyID") && note.contains("no effect"))
    );
    let profile = field("{name: PatientWeight, replace-with: 70}").unwrap();
    assert_eq!(
        profile.dicom.fields[0].action,
        Action::ReplaceWith {
            value: Replacement::One(Scalar::Integer(70)),
            insert: None
        }
    );
    assert_eq!(
        field("{name: PatientID}")
            .unwrap()
            .dicom
            .fields[0]
            .action,
        Action::Keep
    );
    let position = &profile.dicom.fields[0].position;
    assert_eq!((position.index, position.line), (0, Some(5)));
}

#[test]
fn random_changes_and_bounds_are_read() {
    let action = |text| {
        field(text)
            .unwrap()
            .dicom
            .fields
            .remove(0)
            .action
    };
    assert_eq!(
        action(
            "{name: PatientWeight, jitter: true, jitter-type: int, jitter-range: 3, jitter-min: 40}"
        ),
        Action::Jitter(Jitter {
            range: Some(3.0),
            whole: true,
            min: Some(40.0),
            max: None
        })
    );
    let Action::Shift { jitter, bounds, .. } = action(
        "{name: AcquisitionDateTime, increment-datetime: true, jitter-date: true, datetime-min: '20050101', datetime-max: '-2weeks'}",
    ) else {
        panic!("another action");
    };
    assert_eq!(
        jitter,
        Some(DateJitter {
            range: 10,
            unit: JitterUnit::Days
        })
    );
    let day = chrono::NaiveDate::from_ymd_opt(2005, 1, 1).map(DateBound::On);
    assert_eq!(
        bounds,
        DateBounds {
            min: day,
            max: Some(DateBound::FromToday(-14.0))
        }
    );
}

#[test]
fn what_has_no_effect_at_flywheel_either_is_noted() {
    for field_text in [
        "{name: StudyDate, increment-date: true, datetime-min: '20050101'}",
        "{name: StudyDate, increment-date: true, jitter-range: 3}",
    ] {
        let profile = field(field_text).unwrap();
        assert!(
            profile.notes[0].contains("no effect"),
            "{field_text}: {:?}",
            profile.notes
        );
    }
    let profile = yaml(
        "version: 1\nname: p\nmap-subjects: x.csv\ndeid-log: log.csv\ndicom: {}\nexport: \
            {info: {}, session: {}}",
    )
    .unwrap();
    assert!(profile.notes[0].contains("map-subjects") && profile.notes[1].contains("deid-log"));
    for key in [
        "jitter-type: int",
        "decode: false",
        "file-filter: ['*.dcm', 'r!.*']",
    ] {
        let profile = yaml(&format!("name: p\ndicom:\n  {key}\n")).unwrap();
        assert!(
            profile.notes[0].contains("no effect"),
            "{key}: {:?}",
            profile.notes
        );
    }
}

#[test]
fn a_rule_without_an_action_is_noted_and_refused_where_it_would_undo_the_table() {
    for name in [
        "PatientName",
        "'00100030'",
        "'(0009, \"ACME\", 01)'",
        "OtherPatientIDsSequence.*.PatientID",
    ] {
        let profile = yaml(&format!("name: p\ndicom:\n  fields: [{{name: {name}}}]\n"));
        let profile = profile.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            profile.notes[0].contains("no action and no effect"),
            "{name}: {:?}",
            profile.notes
        );
    }
    for meant in [
        "fields: [{name: PatientName, keep: true}, {name: PatientID, identity: true}]",
        "remove-undefined: true\n  fields: [{name: PatientName}]",
        "remove-private-tags: true\n  fields: [{name: '(0009, \"ACME\", 01)'}]",
    ] {
        assert!(
            yaml(&format!("name: p\ndicom:\n  {meant}\n"))
                .unwrap()
                .notes
                .is_empty(),
            "{meant}"
        );
    }
    let section = "[dicom]\nfields = [{ name = 'PatientName' }]\n[dicom.confidentiality]\nprofile \
        = 'basic'\n";
    let said = complaint(parse(
        &format!("name = 'p'\n{section}"),
        Language::Toml,
        "p.toml",
        "p",
    ));
    assert!(
        said.contains("PatientName") && said.contains("no action") && said.contains("keep = true"),
        "{said}"
    );
    let kept = section.replace("'PatientName'", "'PatientName', keep = true");
    assert!(
        parse(
            &format!("name = 'p'\n{kept}"),
            Language::Toml,
            "p.toml",
            "p"
        )
        .is_ok()
    );
}

#[test]
fn unquoted_tags_are_refused_with_the_tag_that_was_meant() {
    let said = complaint(field("{name: 00100010, remove: true}"));
    assert_eq!(
        said,
        "profile p.yaml:5:14: `name: 00100010` is read as a number and would mean (0000,8008), \
            not PatientName | write \"00100010\" in quotes"
    );
    complaint(field("{name: 10010010, remove: true}"));
    assert!(matches!(
        field("{name: 0x00100010, remove: true}")
            .unwrap()
            .dicom
            .fields[0]
            .selector,
        Selector::Tag(_)
    ));
    // YAML that went through the server as JSON has lost its spelling.
    let server = |number: i64| {
        from_server_json(
            &json!({"dicom": {"fields": [{"name": number, "remove": true}]}}),
            "site",
        )
    };
    assert!(server(0x0010_0020).is_ok());
    assert!(complaint(server(0o10_0010).map(Option::unwrap)).contains("not PatientName"));
}

#[test]
fn errors_have_a_position_and_suggest_what_was_meant() {
    let said = complaint(yaml("name: p\ndicom:\n  recurse-sequences: true\n"));
    assert_eq!(
        said,
        "profile p.yaml:3:3: unknown key `recurse-sequences` | did you mean `recurse-sequence`?"
    );
    let said = complaint(field("{name: PatientsName, remove: true}"));
    assert_eq!(
        said,
        "profile p.yaml:5:14: `PatientsName` names no attribute | did you mean `PatientName`?"
    );
    assert!(complaint(field("{name: PatientID, hsah: true}")).contains("did you mean `hash`?"));
    let said = complaint(parse(
        "name = 'p'\n[dicom]\nfields = [\n  { name = 'PatientID', encrypt = 1 },\n]",
        Language::Toml,
        "p.toml",
        "p",
    ));
    assert!(
        said.starts_with("profile p.toml:4:35: `encrypt` must be true"),
        "{said}"
    );
    assert!(
        complaint(parse("a = ", Language::Toml, "p.toml", "p")).starts_with("profile p.toml:1:")
    );
    assert!(
        complaint(parse("{\n\"a\": }", Language::Json, "p.json", "p"))
            .starts_with("profile p.json:2:")
    );
    let said = complaint(parse(
        "{\n\t\"dicom\": {\"fieds\": []}}",
        Language::Json,
        "p.json",
        "p",
    ));
    assert_eq!(
        said,
        "profile p.json:2:12: unknown key `fieds` | did you mean `fields`?"
    );
}

#[test]
fn sections_that_other_tools_pass_over_are_noted_where_these_may_read_them() {
    let asked =
        "name: p\ndicom:\n  confidentiality: {profile: basic}\n  residual: {min-length: 5}\n";
    let notes = yaml(asked).unwrap().notes;
    assert_eq!(
        notes,
        [
            "Flywheel's own tools pass over `confidentiality`, `residual`, and do less than this \
                profile says"
        ]
    );
    let server = json!({"dicom": {"confidentiality": {"profile": "basic"}}});
    assert_eq!(
        from_server_json(&server, "site")
            .unwrap()
            .unwrap()
            .notes
            .len(),
        1
    );
    let toml = parse(
        "name = 'p'\n[dicom.confidentiality]\nprofile = 'basic'",
        Language::Toml,
        "p.toml",
        "p",
    )
    .unwrap();
    assert!(toml.notes.is_empty() && toml.dicom.confidentiality.is_some());
    // Defaults, spelled out, change nothing.
    let plain = "name: p\nsecret-key: null\ndicom: \
        {decode: true, retain: false, filenames: [], alter_pixels: null, residual: null}";
    assert!(
        yaml(plain)
            .unwrap()
            .notes
            .is_empty()
    );
}

#[test]
fn fields_that_cannot_work_are_refused() {
    for wrong in [
        "{name: PatientID, remove: false}",
        "{name: PatientID, hash: 1}",
        "{name: PatientID, hash: true, remove: true}",
        "{name: PatientID, regex: x, remove: true}",
        "{remove: true}",
        "{name: PatientID, hash: true, date-format: '%Y'}",
        "{name: SOPInstanceUID, hash: true}",
        "{name: Rows, hash: true}",
        "{name: PatientName, replace-with: 5}",
        "{name: PatientName, replace-with: yes}",
        "{name: PatientWeight, replace-with: abc}",
        "{name: Rows, replace-with: '5'}",
        "{name: StudyDate, replace-with: 2004-01-19}",
        "{name: PatientID, replace-with: 0010}",
        "{name: PixelData, replace-with: ''}",
        "{name: StudyDate, increment-date: true, date-format: '%Q'}",
        "{name: PatientID, replace-with-insert: false}",
        "{name: PatientWeight, jitter: true, jitter-range: 0}",
        "{name: PatientWeight, jitter: true, jitter-type: whole}",
        "{name: PatientWeight, jitter: true, jitter-type: int, jitter-range: 0.5}",
        "{name: PatientWeight, jitter: true, jitter-min: '1'}",
        "{name: PatientWeight, jitter: true, jitter-unit: days}",
        "{name: PatientName, jitter: true}",
        "{name: TagAngleSecondAxis, jitter: true}",
        "{name: StudyDate, increment-date: true, jitter-date: true, jitter-range: 0}",
        "{name: StudyDate, increment-date: true, jitter-date: true, jitter-unit: years}",
        "{name: StudyDate, increment-datetime: true, datetime-min: 20050101}",
        "{name: StudyDate, increment-datetime: true, datetime-min: '2005-01-01'}",
        "{name: StudyDate, increment-datetime: true, datetime-min: '-5months'}",
        "{name: StudyDate, increment-datetime: true, datetime-max: '+99999999999years'}",
        "{name: StudyID, regex-sub: true}",
        "{name: StudyID, regex-sub: []}",
        "{name: StudyID, regex-sub: [{output: x}]}",
        "{name: StudyID, regex-sub: [{input-regex: x}]}",
        "{name: StudyID, regex-sub: [{input-regex: '(', output: x}]}",
        "{name: StudyID, regex-sub: [{input-regex: x, output: '{'}]}",
        "{name: StudyID, regex-sub: [{input-regex: x, output: '{a}'}]}",
        "{name: StudyID, regex-sub: [{input-regex: x, output: '{PatientID}'}]}",
        "{name: StudyID, regex-sub: [{input-regex: x, output: x, group: []}]}",
        "{name: StudyID, regex-sub: [{input-regex: x, output: x, groups: [{name: a, keep: true}]}]}",
        "{name: StudyID, regex-sub: [{input-regex: '(?P<a>x)', output: x, groups: [{name: a, keep: true}, {name: a}]}]}",
        "{name: StudyID, regex-sub: [{input-regex: '(?P<a>x)', output: x, groups: [{name: a, encrypt: true}]}]}",
        "{name: StudyID, regex-sub: [{input-regex: '(?P<a>x)', output: x, groups: [{name: a, replace-with: [a, b]}]}]}",
        "{name: StudyID, regex-sub: [{input-regex: '(?P<a>x)', output: x, groups: [{regex: a, keep: true}]}]}",
        "{name: StudyID, regex-sub: [{input-regex: x, output: x, groups: [{name: MediaStorageSOPInstanceUID}]}]}",
        "{name: Rows, regex-sub: [{input-regex: x, output: x}]}",
        "[]",
        "x",
    ] {
        assert!(field(wrong).is_err(), "{wrong}");
    }
    for wrong in [
        "fields: null\n  x: 1",
        "fields: [{name: StudyDate, increment-date: true}]",
        "recurse-sequence: 1",
        "salt: 5",
        "hash-digits: -1",
        "uid-numeric-name: 1.2",
        "uid-numeric-name: '1.2'",
        "uid-prefix-fields: 5\n  uid-numeric-name: 2.16.840.1.114570",
        "patient-age-units: W",
        "remove-undefined: true",
        "recurse-sequence: true\n  fields: [{regex: x, remove: true}]",
        "date-increment: '5'",
        "recurse-sequence: true\n  fields: \
            [{name: OtherPatientIDsSequence.0.PatientID, remove: true}]",
        "date-increment: 9999999999",
        "fields: [{name: StudyID, hash: true}]\n  filenames: [{output: x}]",
        "fields: [{name: StudyID, hash: true}]\n  filenames: \
            [{input-regex: x, output: '{StudyId2}'}]",
        "fields: [{name: StudyID, hash: true}]\n  filenames: \
            [{input-regex: '(?P<studyid>x)', output: x}]",
        "fields: [{name: StudyID, hash: true}]\n  filenames: \
            [{input-regex: x, output: x, groups: [{name: StudyID, hash: true}]}]",
        "fields: [{name: StudyID, hash: true}]\n  filenames: \
            [{input-regex: x, output: '{TransferSyntaxUID}'}]",
        "fields: [{name: StudyID, keep: true}]\n  filenames: [{input-regex: x, output: x}]",
    ] {
        assert!(
            yaml(&format!("name: p\ndicom:\n  {wrong}\n")).is_err(),
            "{wrong}"
        );
    }
    assert!(yaml("name: none\ndicom: {fields: [{name: PatientID, remove: true}]}").is_err());
}

#[test]
fn other_sections_are_listed_and_meta_rules_noted() {
    let profile = yaml(
        "name: p\njpg: {remove-gps: true}\ndicom: \
            {fields: [{name: MediaStorageSOPInstanceUID, hashuid: true}]}",
    )
    .unwrap();
    assert_eq!(profile.other_sections, ["jpg"]);
    assert_eq!(profile.notes.len(), 1);
}

#[test]
fn a_level_without_a_dicom_section_has_no_profile() {
    for none in [
        json!(null),
        json!({}),
        json!({"deid_profile": null}),
        json!({"deid_profile": {"name": "x"}}),
        json!({"dicom": {}}),
        json!({"dicom": null}),
    ] {
        assert!(
            from_server_json(&none, "project")
                .unwrap()
                .is_none(),
            "{none}"
        );
    }
    let empty = from_server_json(
        &json!({"deid_profile": {"dicom": {"fields": []}}}),
        "project",
    )
    .unwrap()
    .unwrap();
    assert!(empty.is_empty());
    assert_eq!(empty.name, "server_deid_profile");
    let error = from_server_json(&json!({"dicom": {"fields": 5}}), "group").unwrap_err();
    assert_eq!(
        error.what,
        "profile of the group: `fields` must be a list, not a number"
    );
    assert!(
        !from_server_json(&json!("dicom: {remove-private-tags: yes}"), "site")
            .unwrap()
            .unwrap()
            .is_empty()
    );
}

/// Text that gets far into the loaders.
fn document() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("name"),
        Just("dicom"),
        Just("fields"),
        Just("regex"),
        Just("remove"),
        Just("replace-with"),
        Just("hash"),
        Just("PatientID"),
        Just("00100010"),
        Just("(0009,\"A\",01)"),
        Just("60xx3000"),
        Just("A.0.B"),
        Just("[a-"),
        Just("true"),
        Just("-17"),
        Just("1.5"),
        Just("%Y%m%d"),
        Just("date-format"),
        Just("regex-sub"),
        Just("filenames"),
        Just("groups"),
        Just("input-regex"),
        Just("output"),
        Just("(?P<a>x)"),
        Just("{a}"),
        Just(": "),
        Just("\n  "),
        Just("- "),
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just("\""),
        Just("'"),
        Just(" = "),
        Just("&a "),
        Just("*a"),
        Just("<<"),
        Just("é"),
        Just("\u{0}"),
    ];
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_text_gives_a_profile_or_an_error(text in prop_oneof![document(), any::<String>()]) {
        for language in [Language::Toml, Language::Yaml, Language::Json] {
            let _ = parse(&text, language, "p", "p");
        }
    }

    #[test]
    fn any_field_gives_a_profile_or_an_error(name in any::<String>(), value in any::<String>(), format in "[%YmdHMSfjbBIp a-z]{0,12}") {
        for key in ["name", "regex"] {
            for field in [
                json!({key: name, "replace-with": value}),
                json!({key: name, "increment-date": true, "date-format": format, "date-increment-override": 5}),
            ] {
                let _ = from_server_json(&json!({"dicom": {"fields": [field]}}), &value);
            }
        }
    }

    #[test]
    fn selectors_round_trip(group in any::<u16>(), element in any::<u16>(), creator in "[A-Z][A-Z ._-]{0,20}[A-Z]") {
        for text in [format!("{group:04X}{element:04X}"), format!("({group:04x},{element:04x})"), format!("({group:04x},\"{creator}\",{:02x})", element & 0xFF)] {
            if let Ok(selector) = Selector::parse(&text) {
                let shown = selector.to_string();
                prop_assert_eq!(Selector::parse(&shown).unwrap().to_string(), shown);
            }
        }
    }
}
