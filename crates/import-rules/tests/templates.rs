//! Templates of `fw ingest template` as rules: what the converted rules make of paths is what the
//! template made of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use import_rules::{
    Decision, FileFields, RuleSet, Settings, WalkFilters, rules_of_template, rules_of_template_file,
};
use serde_json::Value;

/// The labels of a file as `level subject/session/acquisition`, with `-` for what is missing.
fn decided(rules: &str, path: &str) -> String {
    let rules = RuleSet::from_yaml(rules).unwrap_or_else(|error| panic!("{error}\n{rules}"));
    let file = FileFields::new(path, 1);
    let decision = Decision::of(&rules, &file, None, None, &Settings::default());
    let json = serde_json::to_value(&decision).unwrap();
    let Some(level) = json["level"].as_str() else {
        return "none".to_owned();
    };
    if json.get("error").is_some() {
        return format!(
            "{level} {}",
            json["type"]
                .as_str()
                .unwrap_or_default()
        );
    }
    let label = |level: &str| {
        json["fields"][format!("{level}.label")]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    };
    format!(
        "{level} {}/{}/{}",
        label("subject"),
        label("session"),
        label("acquisition")
    )
}

fn string(template: &str) -> String {
    rules_of_template(template, &WalkFilters::default()).unwrap()
}

fn listed(yaml: &str) -> String {
    rules_of_template_file(yaml, &WalkFilters::default()).unwrap()
}

#[test]
fn sections_of_a_string_take_one_folder_each() {
    for (template, path, expected) in [
        (
            "{subject}:{session}:{acquisition}",
            "s1/v1/t1/a.nii",
            "acquisition s1/v1/t1",
        ),
        ("{subject}:{session}", "s1/v1/t1/a.nii", "session s1/v1/-"),
        (
            "{subject}:{session}:{acquisition}:x",
            "s1/v1/t1/a.nii",
            "acquisition s1/v1/t1",
        ),
        (
            "{subject}:{session}:{acquisition}:x",
            "s1/v1/t1/xyz/a.nii",
            "acquisition s1/v1/t1",
        ),
        (
            "sub-{subject}:ses-{session}:{acquisition}",
            "sub-01/ses-2/t1/a",
            "acquisition 01/2/t1",
        ),
        (
            "sub-{subject}:ses-{session}:{acquisition}",
            "sub-01/v2/t1/a",
            "subject 01/-/-",
        ),
        (
            "sub-{subject}:ses-{session}:{acquisition}",
            "other/ses-2/t1/a",
            "none",
        ),
        (
            "{subject}_{session}:{acquisition}",
            "P1_v1_b/t1/a.nii",
            "acquisition P1_v1/b/t1",
        ),
        (
            r"(?P<subject>[A-Z]\d+)_(?P<session>.*):{acquisition}",
            "P123_v1/t1/a.nii",
            "acquisition P123/v1/t1",
        ),
        (
            "{subject}:.*:{session}:{acquisition}",
            "s/skip/v/t/a.nii",
            "acquisition s/v/t",
        ),
        (
            r"\d{3}_{subject}:{session}:{acquisition}",
            "123_s/v/t/a",
            "acquisition s/v/t",
        ),
        (
            "{subject}:scan:{session}",
            "s/scan/v/a.nii",
            "session s/v/-",
        ),
        (
            "{subject}:scan:{session}",
            "s/other/v/a.nii",
            "subject s/-/-",
        ),
        (
            "S{subject}:{session}:{acquisition}",
            "xS1/v/t/a.nii",
            "none",
        ),
        (
            "S{subject}:{session}:{acquisition}",
            "S1x/v/t/a.nii",
            "acquisition 1x/v/t",
        ),
        (
            "{subject}:{session}:{acquisition}",
            "s/lvl1.txt",
            "subject s/-/-",
        ),
        ("{subject}:{session}:{acquisition}", "s/v/t/.hidden", "none"),
        (
            "{subject}:{session}:{acquisition}",
            "s/.dir/t/a.nii",
            "none",
        ),
        ("{subject}:{session}:{acquisition}", "top.txt", "none"),
        (
            "{subject}:{session}:{acquisition}",
            "s/v/T2* tse?/a",
            "acquisition s/v/T2star tse_",
        ),
        (r"a\:b{subject}:{session}", "a:bX/v/f", "session X/v/-"),
        ("(?P<subject>a|b)$:{session}", "a/v/f", "session a/v/-"),
        ("(?P<subject>a|b)$:{session}", "ax/v/f", "none"),
    ] {
        assert_eq!(
            decided(&string(template), path),
            expected,
            "{template} on {path}"
        );
    }
}

#[test]
fn info_of_levels_is_carried_over() {
    let rules = RuleSet::from_yaml(&string(
        "{subject}:{subject.info.site}-{session}:{acquisition}",
    ))
    .unwrap();
    let file = FileFields::new("s/BOS-v/t/a.nii", 1);
    let decision = Decision::of(&rules, &file, None, None, &Settings::default());
    let json = serde_json::to_value(&decision).unwrap();
    assert_eq!(json["fields"]["subject.info.site"], "BOS");
    assert_eq!(json["fields"]["session.label"], "v");
}

#[test]
fn packages_become_groups() {
    let group = |template: &str, path: &str| -> Value {
        let rules = RuleSet::from_yaml(&string(template)).unwrap();
        let file = FileFields::new(path, 1);
        let decision = Decision::of(&rules, &file, None, None, &Settings::default());
        serde_json::to_value(&decision).unwrap()["group"].clone()
    };
    let template = "{subject}:{session}:{acquisition},packfile_type=zip";
    assert_eq!(group(template, "s/v/t/a.nii"), "s/v/t");
    assert_eq!(group(template, "s/v/t/deep/c.nii"), "s/v/t");
    let rules = RuleSet::from_yaml(&string(template)).unwrap();
    assert!(rules.rules()[0].zips() && rules.rules()[0].zip_single() == Some(true));
    let text = string("{subject}:{session}:{acquisition}:dicom,packfile_type=dicom");
    assert_eq!(decided(&text, "s/v/t/dicom/1.dcm"), "acquisition dicom");
    assert_eq!(decided(&text, "s/v/t/notes/n.txt"), "acquisition s/v/t");
    assert!(
        string("{subject},packfile_type=pv5,packfile_name=x").contains("`packfile_name` is not")
    );
}

#[test]
fn steps_of_a_list_are_sections_too() {
    let packed = r#"["{subject}", "{session}", {pattern: "{acquisition}", packfile_type: zip}]"#;
    assert_eq!(decided(&listed(packed), "s/v/t/a.nii"), "acquisition s/v/t");
    let select = r#"
- pattern: "{subject}"
- pattern: "{session}"
- select:
    - {pattern: dicom, scan: dicom}
    - {pattern: junk.*, ignore: true}
    - {pattern: "{acquisition}", packfile_type: zip}
"#;
    let text = listed(select);
    assert_eq!(decided(&text, "s/v/dicom/1.dcm"), "acquisition dicom");
    assert_eq!(decided(&text, "s/v/eeg/a.edf"), "acquisition s/v/eeg");
    assert_eq!(decided(&text, "s/v/junk1/a.edf"), "none");
    assert_eq!(decided(&text, "s/v/a.edf"), "session s/v/-");
    let names = r#"
- pattern: "{subject}"
- pattern: "{session}"
  scan: {name: filename, pattern: '{acquisition}_\d+.nii'}
"#;
    let text = listed(names);
    assert_eq!(decided(&text, "s/v/t1_01.nii"), "acquisition s/v/t1");
    assert_eq!(decided(&text, "s/v/deep/t2_1.nii"), "acquisition s/v/t2");
    assert_eq!(decided(&text, "s/v/bad.txt"), "acquisition -/-/-");
}

#[test]
fn ignoring_everything_leaves_no_rule() {
    let text = string("{subject}:{session},ignore=false");
    assert!(
        text.contains("subject") && decided(&text, "s/v/a.nii") == "none",
        "{text}"
    );
}

#[test]
fn globs_beside_a_template_become_filters() {
    let filters = WalkFilters {
        include: vec!["*.nii".to_owned(), "[ab].txt".to_owned()],
        exclude: vec!["bad?.nii".to_owned()],
        include_dirs: vec!["s/v".to_owned()],
        exclude_dirs: vec!["w*".to_owned()],
    };
    let text = rules_of_template("{subject}:{session}:{acquisition}", &filters).unwrap();
    for (path, expected) in [
        ("s/v/t/a.nii", "acquisition s/v/t"),
        ("s/v/t/b.txt", "acquisition s/v/t"),
        ("s/v/t/c.txt", "none"),
        ("s/v/t/bad1.nii", "none"),
        ("s/v/wild/a.nii", "none"),
        ("q/v/t/a.nii", "none"),
    ] {
        assert_eq!(decided(&text, path), expected, "{path}");
    }
}

#[test]
fn what_a_template_cannot_mean_is_refused() {
    for (template, said) in [
        ("{subject}:{nonsense}", "is no name of a template"),
        ("{subject}:{sesion}", "did you mean `session`?"),
        ("{subject}:{session", "without its `}`"),
        ("{subject}:[", "without its `]`"),
        ("{subject}:(", "no regular expression"),
        (
            "{subject}:{session},unknown=1",
            "is no option of a template",
        ),
        ("{subject},scan=filename", "needs a pattern"),
        ("{subject},scan=nosuch", "is no scanner"),
        ("(?P<session.label>x)", "no dot in its name"),
        ("a^b{subject}", "cannot be carried over"),
    ] {
        let refused = rules_of_template(template, &WalkFilters::default()).unwrap_err();
        assert!(refused.to_string().contains(said), "{template}: {refused}");
    }
    let list = "[{pattern: \"{subject}\"},\n {select: [{pattern: a}]},\n \"{acquisition}\"]";
    let refused = rules_of_template_file(list, &WalkFilters::default()).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("line 3, column 2: a step stands behind")
    );
}
