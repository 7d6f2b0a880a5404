//! What profiles with `regex-sub` and `filenames` say, and what is said about them.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde_json::json;

use crate::profile::{Action, Profile, from_server_json};

fn profile(dicom: &str) -> Result<Profile, String> {
    let read = from_server_json(&json!(format!("name: t\ndicom: {dicom}")), "test");
    read.map(Option::unwrap)
        .map_err(|error| {
            format!(
                "{} | {}",
                error.what,
                error
                    .remedy
                    .as_deref()
                    .unwrap_or_default()
            )
        })
}

fn fields(fields: &str) -> Profile {
    profile(&format!("{{fields: [{fields}]}}")).unwrap()
}

#[test]
fn every_part_counts_in_the_digest() {
    let item = "{input-regex: '(?P<a>x)', output: '{a}', groups: [{name: a, hash: true}]}";
    let all = |item: &str, name: &str| {
        let text = format!(
            "{{date-increment: 1, fields: [{{name: StudyID, regex-sub: [{item}]}}], filenames: \
                [{name}]}}"
        );
        profile(&text).unwrap().digest()
    };
    let mut seen = std::collections::BTreeSet::new();
    let changes = [
        ("x)", "y)"),
        ("'{a}'", "'{a}-'"),
        ("hash", "hashuid"),
        ("hash: true", "increment-date: true"),
    ];
    for change in [("", "")].iter().chain(&changes) {
        let other = if change.0.is_empty() {
            item.to_owned()
        } else {
            item.replace(change.0, change.1)
        };
        assert!(seen.insert(all(&other, item)), "{change:?}");
        assert!(
            change.0.is_empty() || seen.insert(all(item, &other)),
            "{change:?}"
        );
    }
    let reordered = "{output: '{a}', groups: [{hash: true, name: a}], input-regex: '(?P<a>x)'}";
    assert_eq!(all(item, item), all(reordered, reordered));
}

#[test]
fn groups_have_options_of_their_own() {
    let text = "{name: StudyID, regex-sub: [{input-regex: '(?P<d>x)', output: '{d}', groups: [{name: d, increment-date: true, date-increment-override: 5, date-format: '%Y'}]}]}";
    let profile = fields(text);
    let Some(Action::RegexSub(items)) = profile
        .dicom
        .fields
        .first()
        .map(|rule| &rule.action)
    else {
        panic!()
    };
    let group = items
        .first()
        .and_then(|item| item.groups.first())
        .unwrap();
    assert!(
        matches!(&group.action, Action::Shift { with_time: false, days: Some(5.0), format: Some(format), .. } if format.as_str() == "%Y")
    );
}

#[test]
fn errors_have_a_position_and_a_hint() {
    let said = profile(
        "{fields: [{name: StudyID, regex-sub: [{input-regex: 'x', output: '{PatientID}'}]}]}",
    )
    .unwrap_err();
    assert_eq!(
        said,
        "profile of the test:2:46: nothing says what `{PatientID}` in the `output` stands for | \
            add `{name: PatientID, keep: true}`, or another action, to its `groups`"
    );
    let said =
        profile("{fields: [{name: StudyID, regex-sub: [{input-regex: 'a(?<=b*)', output: x}]}]}")
            .unwrap_err();
    assert!(
        said.starts_with(
            "profile of the test:2:60: `input-regex`: looking behind needs text of one fixed length"
        ),
        "{said}"
    );
    let said =
        profile("{fields: [{name: StudyID, hash: true}], filenames: [{input-regex: x, output: '{PatientsID}'}]}").unwrap_err();
    assert!(said.ends_with("did you mean `PatientID`?"), "{said}");
}

#[test]
fn another_order_than_the_engines_is_noted() {
    let item = "regex-sub: [{input-regex: '(?P<a>x)', output: '{a}{PatientID}', groups: [{name: PatientID, keep: true}]}]";
    let noted = |text: &str| fields(text).notes;
    for earlier in [
        "name: PatientID",
        "name: '00100020'",
        "regex: '^Patient'",
        "name: StudyID",
    ] {
        let said = noted(&format!(
            "{{{earlier}, hash: true}}, {{name: StudyID, {item}}}"
        ));
        assert!(
            said.first()
                .is_some_and(|note| note.contains("would apply it first")),
            "{earlier}: {said:?}"
        );
    }
    assert!(
        noted(&format!(
            "{{name: StudyID, {item}}}, {{name: PatientID, hash: true}}"
        ))
        .is_empty()
    );
    assert!(
        noted(&format!(
            "{{name: PatientID, keep: true}}, {{name: StudyID, {item}}}"
        ))
        .is_empty()
    );
    assert!(
        noted(&format!(
            "{{name: PatientName, remove: true}}, {{name: StudyID, {item}}}"
        ))
        .is_empty()
    );
    let other = "regex-sub: [{input-regex: x, output: z}]";
    assert_eq!(
        noted(&format!(
            "{{name: StudyID, {item}}}, {{name: PatientID, {other}}}"
        ))
        .len(),
        1
    );
    assert_eq!(
        noted(&format!(
            "{{name: PatientName, {other}}}, {{name: StudyID, {other}}}"
        ))
        .len(),
        0
    );
}

proptest! {
    #[test]
    fn any_item_gives_a_profile_or_an_error(
        regex in prop_oneof![any::<String>(), "[a-c(?P<a>)*|.]{0,12}"],
        output in prop_oneof![any::<String>(), "[{}a-cPatientID]{0,12}"],
        name in prop_oneof![any::<String>(), Just("a".to_owned()), Just("PatientID".to_owned())],
    ) {
        let item = json!({"input-regex": regex, "output": output, "groups": [{"name": name, "hash": true}]});
        let field = json!({"name": "StudyID", "regex-sub": [item]});
        let _ = from_server_json(&json!({"dicom": {"fields": [field], "filenames": [item]}}), "test");
    }
}
