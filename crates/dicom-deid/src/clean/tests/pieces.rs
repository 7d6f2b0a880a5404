//! `regex-sub` and `filenames`: known answers of Flywheel's engine, and what is decided otherwise
//! here.

use super::*;

/// One `regex-sub` on Study Description.
fn substituted(items: &str, description: &str) -> String {
    cleaned(
        &format!(
            "{{date-increment: -17, fields: [{{name: StudyDescription, regex-sub: {items}}}]}}"
        ),
        vec![
            named("StudyDescription", description),
            named("PatientID", "PAT-0042"),
            named("StudyDate", "20040119"),
        ],
    )
}

fn description(items: &str, before: &str) -> String {
    let whole = substituted(items, before);
    let line = whole
        .lines()
        .find(|line| line.starts_with("StudyDescription"))
        .unwrap_or(&whole)
        .to_owned();
    let value = line
        .strip_prefix("StudyDescription LO [")
        .and_then(|rest| rest.strip_suffix(']'));
    value.unwrap_or(&line).to_owned()
}

#[test]
fn pieces_give_the_known_answers() {
    for (items, before, after) in [
        (
            r"[{input-regex: '^(?P<a>\w+) .* (?P<d>\d{8})$', output: '{a}-{d}', groups: [{name: d, increment-date: true}]}]",
            "HEAD w/o contrast 20040119",
            "HEAD-20040102",
        ),
        (
            r"[{input-regex: '^(?P<a>\w+) (?P<b>\w+)$', output: '{b}_{a}', groups: [{name: a, hash: true}]}]",
            "HEAD x",
            "x_b5180223165af358",
        ),
        (
            "[{input-regex: '^(?P<a>.*)$', output: '<{a}>'}]",
            "ORIGINAL\\PRIMARY",
            "<ORIGINAL,PRIMARY>",
        ),
        (
            "[{input-regex: x, output: not}, {input-regex: 'h', output: nor}, \
                {input-regex: 'H', output: yes it is}]",
            "HEAD",
            "yes it is",
        ),
        ("[{input-regex: '', output: 'was empty'}]", "", "was empty"),
        (
            "[{input-regex: '(?P<a>.)(?P<b>x)?', output: '{a}{b}', groups: [{name: b, keep: true}]}]",
            "H",
            "H",
        ),
        (
            "[{input-regex: '(?P<a>.*)', output: '[{a}]', groups: [{name: a, remove: true}]}]",
            "H",
            "[]",
        ),
        (
            "[{input-regex: '(?P<a>.*)', output: '[{a}]', groups: [{name: a, replace-with: 7}]}]",
            "H",
            "[7]",
        ),
        (
            "[{input-regex: '(?P<a>.*)', output: '[{a}]', groups: [{name: a, replace-with: 70.5}]}]",
            "H",
            "[70.5]",
        ),
        (
            "[{input-regex: '(?P<a>.*)', output: '[{a}]', groups: [{name: a, replace-with: null}]}]",
            "H",
            "[]",
        ),
        (
            "[{input-regex: '(?P<a>.*)', output: '{a}', groups: [{name: a, hashuid: true}]}]",
            "1.2",
            "1.119172.491552.542512.122621.515321.723015.2",
        ),
        (
            "[{input-regex: '(?P<a>.*)', output: '{a}', groups: [{name: a, increment-date: true, date-format: '%Y-%m-%d', date-increment-override: 1}]}]",
            "2004-01-19",
            "2004-01-20",
        ),
        (
            "[{input-regex: '(?P<a>.*)', output: '{a}', groups: [{name: a, regex-sub: [{input-regex: '(?P<b>..)', output: '{b}{PatientID}', groups: [{name: PatientID, hash: true}]}]}]}]",
            "HEAD",
            "HEa0f7295c61144f61",
        ),
        (
            "[{input-regex: '', output: '{PatientID} {StudyDate}', groups: [{name: patientid}, {name: PatientID, hash: true}, {name: StudyDate, increment-date: true}]}]",
            "x",
            "a0f7295c61144f61 20040102",
        ),
        (
            "[{input-regex: '', output: '<{PatientName}>', groups: [{name: PatientName, hash: true}]}]",
            "x",
            "<>",
        ),
        (
            "[{input-regex: '', output: '<{PatientName}>', groups: [{name: PatientName, replace-with: N}]}]",
            "x",
            "<N>",
        ),
        (
            "[{input-regex: '', output: '<{PatientName}>', groups: [{name: PatientName, replace-with: N, replace-with-insert: false}]}]",
            "x",
            "<>",
        ),
        (
            r"[{input-regex: '^(?!HEAD)', output: other}, {input-regex: '(?P<a>\w)\w*(?P=a)', output: same}]",
            "HEADH",
            "same",
        ),
    ] {
        assert_eq!(description(items, before), after, "{items}");
    }
}

#[test]
fn a_file_fails_where_no_expression_matches() {
    for (items, before) in [
        ("[{input-regex: x, output: z}]", "HEAD"),
        ("[{input-regex: x, output: z}]", ""),
        ("[{input-regex: 'H(?P<a>x)?', output: '{a}'}]", "H"),
        (
            "[{input-regex: '(?P<a>.*)', output: '{a}', groups: [{name: a, increment-date: true}]}]",
            "HEAD",
        ),
        (
            r"[{input-regex: '(a|aa)+(?<=a)b\1', output: z}]",
            &format!("{}b", "a".repeat(60)),
        ),
    ] {
        let said = substituted(items, before);
        assert!(
            said.contains("fields[0] (regex-sub of StudyDescription"),
            "{items}: {said}"
        );
        assert!(!said.contains("HEAD"));
    }
    let gone = cleaned(
        "{fields: [{name: StudyID, regex-sub: [{input-regex: x, output: z}]}]}",
        vec![],
    );
    assert_eq!(gone, "", "an absent element stays absent");
}

#[test]
fn substitution_works_wherever_rules_reach() {
    let items = "regex-sub: [{input-regex: '(?P<a>.)', output: '{a}-{PatientID}', groups: [{name: PatientID, keep: true}]}]";
    let before = || {
        vec![
            named("PatientID", "P"),
            sequence(
                "OtherPatientIDsSequence",
                vec![vec![
                    named("AccessionNumber", "xyz"),
                    named("PatientID", "Q"),
                ]],
            ),
        ]
    };
    let nested = "PatientID LO [P]\nOtherPatientIDsSequence SQ\n  -\n    AccessionNumber SH \
        [x-P]\n    PatientID LO [Q]\n";
    for name in [
        "name: OtherPatientIDsSequence.0.AccessionNumber",
        "name: OtherPatientIDsSequence.*.AccessionNumber",
        "regex: '.*AccessionNumber'",
    ] {
        assert_eq!(
            cleaned(&format!("{{fields: [{{{name}, {items}}}]}}"), before()),
            nested,
            "{name}"
        );
    }
    // The instance's own patient, as it was when the rule's turn came.
    let recursing = format!(
        "{{recurse-sequence: true, fields: [{{name: AccessionNumber, {items}}}, {{name: \
            PatientID, replace-with: N}}]}}"
    );
    assert_eq!(
        cleaned(&recursing, before()),
        nested
            .replace("PatientID LO [P]", "PatientID LO [N]")
            .replace("[Q]", "[N]")
    );
    let after = format!(
        "{{recurse-sequence: true, fields: [{{name: PatientID, replace-with: N}}, {{name: \
            AccessionNumber, {items}}}]}}"
    );
    assert!(cleaned(&after, before()).contains("AccessionNumber SH [x-N]"));
}

/// The name that a profile gives to the file of [`with_pixels`].
fn file_name(dicom: &str, path: &str) -> Result<String, DeidError> {
    let clean = Cleaner::new(&profile(dicom), None, Limits::default())
        .unwrap()
        .deidentify(file(&with_pixels()), path)?;
    Ok(clean
        .file_name()
        .unwrap()
        .to_owned())
}

fn names(entries: &str) -> String {
    format!(
        "{{date-increment: -17, fields: [{{name: PatientID, hash: true}}, {{name: PatientName, \
            remove: true}}, {{name: DataSetTrailingPadding, remove: true}}], filenames: {entries}}}"
    )
}

#[test]
fn output_names_give_the_known_answers() {
    for (entry, path, name) in [
        (
            r"{output: 'x_{a}.dcm', input-regex: '^(?P<a>[^.]+)\.dcm$', groups: [{name: a, hash: true}]}",
            "in.dcm",
            "x_582967534d0f909d.dcm",
        ),
        (
            r"{output: 'x_{d}.dcm', input-regex: '^(?P<d>[^.]+)\.dcm$', groups: [{name: d, increment-date: true}]}",
            "2004-01-19.dcm",
            "x_20040102.dcm",
        ),
        (
            r"{output: 'x_{d}.dcm', input-regex: '^(?P<d>[^.]+)\.dcm$', groups: [{name: d, increment-datetime: true, datetime-format: '%Y%m%d_%H%M%S'}]}",
            "2004-01-19 07:27.dcm",
            "x_20040102_072700.dcm",
        ),
        (
            "{output: '{a}.dcm', input-regex: '(?P<a>.*)'}",
            "sub/a:b*t2*?",
            "sub_a_b_t2star_.dcm",
        ),
        (
            "{output: '{PatientName}{a}.dcm', input-regex: 'sub(?P<a>x)?'}",
            "sub/x",
            "NoneNone.dcm",
        ),
        ("{output: 'con', input-regex: ''}", "x", "con_"),
    ] {
        assert_eq!(
            file_name(&names(&format!("[{entry}]")), path).unwrap(),
            name,
            "{entry}"
        );
    }
    let two = names("[{output: one, input-regex: 'one/'}, {output: two, input-regex: ''}]");
    assert_eq!(
        (
            file_name(&two, "one/x").unwrap(),
            file_name(&two, "x").unwrap()
        ),
        ("one".to_owned(), "two".to_owned())
    );
}

#[test]
fn a_file_without_a_name_fails() {
    for (entry, path) in [
        ("{output: x, input-regex: 'y'}", "x"),
        ("{output: ' ', input-regex: ''}", "x"),
        ("{output: '..', input-regex: ''}", "x"),
        (
            "{output: '{d}', input-regex: '(?P<d>.*)', groups: [{name: d, increment-date: true}]}",
            "01/02/2004",
        ),
        (
            "{output: '{d}', input-regex: 'x(?P<d>y)?', groups: [{name: d, increment-date: true}]}",
            "x",
        ),
        ("{output: '{PixelData}', input-regex: ''}", "x"),
    ] {
        let failure = file_name(&names(&format!("[{entry}]")), path).unwrap_err();
        assert_eq!(failure.kind, DeidErrorKind::Filename, "{entry}");
        assert!(!failure.to_string().contains("2004"));
    }
}

#[test]
fn attributes_in_names_are_those_of_the_cleaned_data_and_count_as_named() {
    let entry = "[{output: '{Modality}-{PatientID}-{StudyDate}-{ImageType}', input-regex: ''}]";
    let name = |rules: &str| {
        let profile = profile(&format!(
            "{{{rules}, date-increment: -17, filenames: {entry}}}"
        ));
        let mut instance = file(&with_pixels());
        for (keyword, value) in [
            ("PatientID", "PAT-0042"),
            ("StudyDate", "20040119"),
            ("Modality", "CT"),
            ("ImageType", "A\\B"),
        ] {
            instance
                .header
                .put(named(keyword, value));
        }
        let clean = Cleaner::new(&profile, None, Limits::default())
            .unwrap()
            .deidentify(instance, "x")
            .unwrap();
        clean
            .file_name()
            .unwrap()
            .to_owned()
    };
    let hashed = "CT-a0f7295c61144f61-20040102-A,B";
    for selector in [
        "name: PatientID",
        "name: '00100020'",
        "name: patientid",
        "regex: '^PatientID'",
    ] {
        assert_eq!(
            name(&format!(
                "fields: [{{{selector}, hash: true}}, {{name: StudyDate, increment-date: true}}]"
            )),
            hashed
        );
    }
    let kept =
        "remove-undefined: true, fields: [{name: SOPInstanceUID}, {name: PatientID, hash: true}]";
    assert_eq!(name(kept), "CT-a0f7295c61144f61-20040119-A,B");
}
