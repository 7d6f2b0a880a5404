//! How rules are read and used, from a rule file to fields.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use import_rules::{
    Choice, CleanedHeader, ExtractError, FileFields, Filter, HeaderField, Level, NotTaken, Origin,
    OriginalHeader, Rule, RuleSet, RuleType, Settings, Target, Value, WalkFilters, Zone,
    rules_of_template,
};

/// A header as keywords and values, several of them with backslashes between.
#[derive(Default)]
struct Elements(BTreeMap<&'static str, &'static str>);

impl Elements {
    fn of<const N: usize>(elements: [(&'static str, &'static str); N]) -> Self {
        Self(elements.into())
    }

    fn values(&self, field: &HeaderField) -> Vec<String> {
        let private = |keyword: &str| match field {
            HeaderField::Private {
                group,
                element,
                creator,
            } => keyword == format!("{group:04x}{element:02x} {creator}"),
            HeaderField::Standard(_) => HeaderField::parse(keyword).as_ref() == Ok(field),
        };
        self.0
            .iter()
            .find(|(keyword, _)| private(keyword))
            .map(|(_, values)| {
                values
                    .split('\\')
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default()
    }
}

struct Original(Elements);

struct Cleaned(Elements);

impl OriginalHeader for Original {
    fn original_values(&self, field: &HeaderField) -> Vec<String> {
        self.0.values(field)
    }
}

impl CleanedHeader for Cleaned {
    fn cleaned_values(&self, field: &HeaderField) -> Vec<String> {
        self.0.values(field)
    }
}

fn file(path: &str) -> FileFields {
    FileFields::new(path, 1).with_times(Some(1_715_941_845), None)
}

/// What is wrong with a rule file, a line each.
fn refused(text: &str) -> Vec<String> {
    let refused = RuleSet::from_yaml(text).expect_err("it is refused");
    refused
        .to_string()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn takes(filter: &str, file: &FileFields, header: Option<&dyn OriginalHeader>) -> bool {
    Filter::parse(filter)
        .unwrap()
        .fits(file, header, &Zone::utc())
        .unwrap()
}

#[test]
fn a_mapping_by_itself_is_a_rule() {
    let rules = RuleSet::from(Rule::from_mapping("path={subject}/{session}/*").unwrap());
    let file = file("m01/base/1.dcm");
    let choice = rules.choose(&file, None, &Zone::utc());
    assert_eq!(choice, Ok(Choice::Rule(0, Vec::new())));
    let cleaned = Cleaned(Elements::of([("SeriesDescription", "T1")]));
    let extracted = rules.rules()[0]
        .extract(&file, Some(&cleaned), &Settings::default())
        .unwrap();
    let text = |name: &str| {
        let target = Target::parse(name).unwrap();
        extracted.metadata.get(&target)
    };
    assert_eq!(text("sub"), Some(Value::text("m01")));
    assert_eq!(text("ses"), Some(Value::text("base")));
    assert_eq!(text("acq"), Some(Value::text("T1")));
    let from_path: Vec<_> = extracted
        .labels_from_path()
        .into_iter()
        .map(Target::name)
        .collect();
    assert_eq!(from_path, ["subject.label", "session.label"]);
    assert_eq!(
        rules.rules()[0]
            .labels_read_from_path()
            .len(),
        2
    );
}

#[test]
fn everything_wrong_is_said_at_once_with_its_place() {
    let text = r#"
- lvel: session
  include: ["ext=dcm", "size=10 apples"]
- type: dicom
  mappings:
    - "PatientIdd={sub}"
    - "path={sub:[a-z]+}_{ses}/*"
    - "path={subject}/{sesion.label}/*"
  defaults: {session.label: 007}
"#;
    assert_eq!(
        refused(text),
        [
            "line 2, column 3: unknown key `lvel` (did you mean `level`?)",
            "line 3, column 24: this is no size (such as `10`, `1.5MB` or `2 GiB`; units are powers of 1024)",
            "line 6, column 7: `PatientIdd` is no source (did you mean `PatientID`?)",
            "line 7, column 7: brackets hold what is optional here, and no class of characters (write `{sub:\\[a-z\\]+}`, or end the pattern with `!r`)",
            "line 8, column 7: `sesion.label` is no field that can be set (did you mean `session.label`?)",
            "line 9, column 29: a value is a number with leading zeros, which YAML reads as another one without quotes (put it in quotes)",
        ]
    );
}

#[test]
fn what_would_silently_do_nothing_is_refused() {
    for (rule, said) in [
        ("{mappings: [\"sub=ses\"]}", "`sub` is no source"),
        ("{mappings: [\"filepath={sub}\"]}", "did you mean `path`?"),
        ("{mappings: [\"PatientID={sub}\"]}", "add `type: dicom`"),
        ("{type: DICOM}", "did you mean `dicom`?"),
        (
            "{type: nifti, mappings: [\"PatientID={sub}\"]}",
            "add `type: dicom`",
        ),
        ("{mappings: [\"path = {sub}\"]}", "blank"),
        (
            "{mappings: [\"path={sub}|{ses}\"]}",
            "stand in no parentheses",
        ),
        (
            "{mappings: [\"path={sub.info.day:%Y}\"]}",
            "a date format counts as text",
        ),
        ("{mappings: [\"path={ses.ts:%d%m}\"]}", "has no year"),
        (
            "{mappings: [\"path={ses.ts:%Q}\"]}",
            "no part of a date format",
        ),
        ("{mappings: [\"path=**/*\"]}", "put fields into braces"),
        ("{mappings: [\"path={sub}!x\"]}", "no options of a pattern"),
        (
            "{mappings: [\"{path/a|b/c}={sub}\"]}",
            "ends the expression",
        ),
        ("{mappings: [\"{path//c}={sub}\"]}", "nothing is searched"),
        ("{mappings: [\"{path/(/c}={sub}\"]}", "not one of Python's"),
        ("{mappings: [\"{mtime:%Y}={ses}\"]}", "not one of Python's"),
        ("{mappings: [\"{path:d}={ses}\"]}", "none for text"),
        (
            "{mappings: [\"{!sub}={acq}\", \"path={sub}/*\"]}",
            "before any mapping sets it",
        ),
        ("{mappings: [\"{@x}={acq}\"]}", "`!@x`"),
        ("{mappings: [\"path={sub}/{subject.label}\"]}", "twice"),
        ("{defaults: {sub: a, subject.label: b}}", "given twice"),
        ("{defaults: {sub: \"\"}}", "is empty and has no effect"),
        ("{defaults: {sub: 7}}", "put it in quotes"),
        (
            "{overrides: {session.age: [1]}}",
            "none that `session.age` can hold",
        ),
        ("{defaults: [\"sub\"]}", "written `field=value`"),
        ("{zip: false}", "true, or left out"),
        ("{level: Session}", "did you mean `session`?"),
        ("{include: \"name=x\"}", "a list, not text"),
        ("{include: [\"Modalty=MR\"]}", "did you mean `Modality`?"),
        ("{include: [\"pth=x\"]}", "is a number"),
        ("{include: [\"time>2024\"]}", "`ctime` or `mtime`"),
        ("{include: [\"mtime>2024-05-17 10h\"]}", "no time"),
        ("{include: [\"name=~[ab]+\"]}", "no class of characters"),
        ("{include: [\"name=~(\"]}", "no regular expression"),
        ("{include: [\"path=~*.zip::\"]}", "behind the `::`"),
        ("{include: [\"path exists\"]}", "every file has this field"),
        ("{include: [\"SeriesNumber=~1\"]}", "are for text"),
        (
            "{dicom_group_by: [StudyInstanceUID]}",
            "no effect without `type: dicom`",
        ),
        (
            "{type: dicom, dicom_group_by: StudyInstanceUID}",
            "a list, not text",
        ),
        ("{type: dicom, allow-uncleaned: true}", "which are cleaned"),
        ("{group_by: \"{!sub}\"}", "known before they are"),
        ("{mappings: [], mapping: []}", "one key, written twice"),
    ] {
        let lines = refused(&format!("- {rule}"));
        assert!(
            lines
                .iter()
                .any(|line| line.contains(said)),
            "{rule}: {lines:?}"
        );
    }
}

#[test]
fn no_refusal_quotes_the_value_of_a_filter() {
    for rule in [
        "[\"size=Doe^Jane\"]",
        "[\"mtime=Doe^Jane\"]",
        "[\"name=~(Doe^Jane\"]",
    ] {
        let lines = refused(&format!("- include: {rule}"));
        assert!(!lines.concat().contains("Doe"), "{lines:?}");
    }
}

#[test]
fn managed_rule_sets_and_toml_are_read() {
    let rules = RuleSet::from_yaml(
        r#"
type: import
label: All of it
storage_kind: blob
scan_params: {prefixes: ["study/"]}
fail_fast: "5%"
folder-labels: yes
rules:
  - {include: ["name=~[a-z]"], type: pdf, allow-uncleaned: true}
"#,
    )
    .unwrap();
    assert_eq!(rules.prefixes(), ["study/"]);
    assert_eq!(rules.fail_fast(), Some(0.05));
    assert_eq!(rules.folder_labels(), Some(true));
    assert_eq!(rules.dates_from_path(), None);
    assert!(rules.rules()[0].allows_uncleaned());
    assert_eq!(rules.rules()[0].kind(), &RuleType::Other("pdf".to_owned()));
    let notes: Vec<_> = rules
        .notes()
        .iter()
        .map(|note| {
            (
                note.position.line,
                note.message
                    .split(':')
                    .next()
                    .unwrap(),
            )
        })
        .collect();
    assert_eq!(
        notes,
        [
            (
                3,
                "`label` is for Flywheel's own importer and has no effect here"
            ),
            (
                4,
                "`storage_kind` is for Flywheel's own importer and has no effect here"
            ),
            (
                9,
                "brackets hold what is optional here, and no class of characters"
            ),
        ]
    );
    assert_eq!(
        rules.choose(&file("other/x"), None, &Zone::utc()),
        Ok(Choice::OutsidePrefixes)
    );

    let rules = RuleSet::from_toml(
        "folder-labels = true\ndates-from-path = true\n\n[[rules]]\nlevel = \"session\"\n\
         include = [\"path=~*.dcm$\"]\ndefaults = { \"subject.label\" = \"A\" }\n",
    )
    .unwrap();
    assert_eq!(rules.rules()[0].level(), Level::Session);
    assert_eq!(rules.dates_from_path(), Some(true));
    let refused = RuleSet::from_toml("[[rules]]\nlevl = \"session\"\n").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 2, column 1: unknown key `levl` (did you mean `level`?)"
    );
}

#[test]
fn what_is_no_rule_file_is_refused() {
    for (text, said) in [
        ("", "holds no rules"),
        ("level: session", "begin its first line with `- `"),
        ("job: {rules: []}", "not Flywheel's"),
        ("type: export\nrules: []", "is `import`"),
        ("rules: {level: session}", "a list, not a table"),
        ("- 5", "a table of keys and values"),
        ("- level: session\n  level: subject", "written twice"),
        ("[", "not YAML"),
        ("rules: []\nfail_fast: 5", "a share such as"),
        (
            "rules: []\nscan_params: {prefix: [a]}",
            "did you mean `prefixes`?",
        ),
        ("- !!python/object:os.system x", "type tags"),
    ] {
        let lines = refused(text);
        assert!(
            lines
                .iter()
                .any(|line| line.contains(said)),
            "{text}: {lines:?}"
        );
    }
    assert!(
        RuleSet::from_yaml("[]")
            .unwrap()
            .rules()
            .is_empty()
    );
}

#[test]
fn the_first_rule_that_takes_a_file_is_used() {
    let rules = RuleSet::from_yaml(
        r#"
- {include: ["path=~*.nii$"]}
- {include: ["path=~^raw/"], exclude: ["name=~^.", "size=0"]}
"#,
    )
    .unwrap();
    let choose = |path: &str, size: u64| {
        rules
            .choose(&FileFields::new(path, size), None, &Zone::utc())
            .unwrap()
    };
    assert_eq!(choose("raw/a.nii", 1), Choice::Rule(0, Vec::new()));
    assert_eq!(
        choose("raw/a.dcm", 1),
        Choice::Rule(1, vec![NotTaken::NotIncluded])
    );
    assert_eq!(
        choose("raw/a.dcm", 0),
        Choice::None(vec![NotTaken::NotIncluded, NotTaken::Excluded(1)])
    );
}

#[test]
fn filters_look_at_the_original_header() {
    let header = Original(Elements::of([
        ("Modality", "MR"),
        ("SeriesDescription", "AAHead Scout"),
        ("ImageType", "ORIGINAL\\PRIMARY\\LOCALIZER"),
        ("SeriesNumber", "100"),
        ("AccessionNumber", "A1"),
        ("00191c0c SIEMENS MR HEADER", "1000"),
    ]));
    let file = file("a/b.tar.gz");
    for (filter, fits) in [
        ("Modality=mr", true),
        ("modality!=CT", true),
        ("00080060=MR", true),
        ("0008103E=~(?i)scout", true),
        ("SeriesDescription!~*scout*", false),
        ("ImageType=LOCALIZER", true),
        ("ImageType!=LOCALIZER", false),
        ("ImageType!=DERIVED", true),
        ("ImageType=~^PRIM", true),
        ("SeriesNumber>=99.5", true),
        ("SeriesNumber<20", false),
        ("AccessionNumber=A1", true),
        ("AccessionNumber exists", true),
        ("PatientID exists", false),
        ("PatientID !exists", true),
        ("PatientID!=x", false),
        ("ext=gz", true),
    ] {
        assert_eq!(takes(filter, &file, Some(&header)), fits, "{filter}");
    }
    for filter in ["Modality!=CT", "PatientID !exists", "Modality exists"] {
        assert!(!takes(filter, &file, None), "{filter} on what is not DICOM");
    }
}

#[test]
fn private_elements_are_named_with_their_creator() {
    let header = Original(Elements::of([("00190c SIEMENS MR HEADER", "1000")]));
    let file = file("x");
    let filter = |operator: &str| format!("(0019,100C,\"SIEMENS MR HEADER\"){operator}");
    assert!(takes(&filter("=1000"), &file, Some(&header)));
    assert!(takes(&filter(" exists"), &file, Some(&header)));
    assert!(!takes(&filter("=~^2"), &file, Some(&header)));
    assert!(!takes("(0019,100C,\"OTHER\") exists", &file, Some(&header)));
}

#[test]
fn a_zone_decides_what_a_files_time_is() {
    // 10:30:45 in UTC.
    let file = file("x");
    let berlin = Zone::new("Europe/Berlin", |_| 7200);
    let fits = |filter: &str, zone: &Zone| {
        Filter::parse(filter)
            .unwrap()
            .fits(&file, None, zone)
            .unwrap()
    };
    assert!(fits("mtime=2024-05-17T12", &berlin) && !fits("mtime=2024-05-17T12", &Zone::utc()));
    assert!(fits("mtime=2024-05-17T12:30:45+02:00", &Zone::utc()));
    assert!(!fits("ctime!=2024", &berlin), "it has no such time");
}

#[test]
fn members_of_archives_are_files_of_a_folder() {
    let rules = RuleSet::from_yaml(
        r#"
- include: ["path=~.zip$", "path=~*.zip::DICOM/*.dcm$"]
  mappings: ["path=zips/{sub}_{ses}.zip/{acq}/*"]
- include: ["path=~::*.txt$"]
- include: ["path=~.zip$"]
  exclude: ["path=~::*.txt$"]
  mappings: ["path=zips/{sub}_{ses}.zip/**/*"]
"#,
    )
    .unwrap();
    let archive = FileFields::new("zips/P1_v1.zip", 9000);
    let rule = |file: &FileFields| {
        rules
            .choose(file, None, &Zone::utc())
            .unwrap()
            .rule()
    };
    let member = |path: &str| archive.member(path, 10, Some(0));
    assert_eq!(rule(&member("DICOM/1.dcm")), Some(0));
    assert_eq!(rule(&member("DICOM/notes.txt")), Some(1));
    assert_eq!(rule(&member("t1/2.dcm")), Some(2));
    assert_eq!(rule(&archive), Some(0));
    assert_eq!(rule(&file("zips/readme.txt")), None, "it is no member");
    assert_eq!(
        member("in.zip::1.dcm").path(),
        "zips/P1_v1.zip::in.zip::1.dcm"
    );
    let extracted = rules.rules()[0]
        .extract(&member("DICOM/1.dcm"), None, &Settings::default())
        .unwrap();
    let labels: Vec<_> = Level::Acquisition
        .labels()
        .iter()
        .map(|label| {
            extracted
                .metadata
                .get(label)
                .unwrap()
        })
        .collect();
    assert_eq!(
        labels,
        [Value::text("P1"), Value::text("v1"), Value::text("DICOM")]
    );
}

#[test]
fn folders_give_labels_only_where_that_is_wanted() {
    let rules = RuleSet::from_yaml("- defaults: {session.label: S}").unwrap();
    let rule = &rules.rules()[0];
    let file = file("MUSTER_MAX/20231130/T1/x.dcm");
    let safe = rule
        .extract(&file, None, &Settings::default())
        .unwrap();
    let missing: Vec<_> = safe
        .missing
        .iter()
        .map(Target::name)
        .collect();
    assert_eq!(missing, ["subject.label", "acquisition.label"]);
    assert!(safe.labels_from_path().is_empty());
    let settings = Settings {
        folder_labels: true,
        ..Settings::default()
    };
    let open = rule
        .extract(&file, None, &settings)
        .unwrap();
    let session = Target::label_of(Level::Session);
    let field = open
        .metadata
        .field(&session)
        .unwrap();
    assert_eq!(field.origin, Origin::Folder);
    assert_eq!(open.labels_from_path().len(), 3);
}

#[test]
fn values_come_from_the_cleaned_header_and_keys_from_the_original() {
    let rules = RuleSet::from_yaml(
        r#"
- type: dicom
  include: ["PatientID=MRN-1"]
  mappings: ["PatientID={sub}", "{SeriesDescription}={acq}"]
  dicom_group_by: [StudyInstanceUID, SeriesInstanceUID]
  dicom_split_localizer: true
  dicom_instance_name: "{SOPInstanceUID}.{Modality|NA}.dcm"
"#,
    )
    .unwrap();
    let original = |series: &'static str, kind: &'static str| {
        Original(Elements::of([
            ("PatientID", "MRN-1"),
            ("StudyInstanceUID", "1.2"),
            ("SeriesInstanceUID", series),
            ("ImageType", kind),
        ]))
    };
    let cleaned = Cleaned(Elements::of([
        ("PatientID", "P7"),
        ("SOPInstanceUID", "2.25.9"),
        ("StudyDescription", "Brain"),
        ("SeriesDescription", "T1"),
    ]));
    let rule = &rules.rules()[0];
    let key = |path: &str, header: &Original| {
        let file = file(path);
        assert_eq!(
            rules
                .choose(&file, Some(header), &Zone::utc())
                .unwrap()
                .rule(),
            Some(0)
        );
        let extracted = rule
            .extract(&file, Some(&cleaned), &Settings::default())
            .unwrap();
        let subject = extracted
            .metadata
            .get(&Target::label_of(Level::Subject));
        assert_eq!(subject, Some(Value::text("P7")));
        assert_eq!(extracted.member_name, Some(Value::text("2.25.9.NA.dcm")));
        rule.group_key(0, &file, Some(header), &extracted)
            .unwrap()
    };
    let one = key("a/1", &original("1.2.3", "ORIGINAL"));
    assert!(
        one == key("b/2", &original("1.2.3", "ORIGINAL")),
        "a series over two folders"
    );
    assert!(one != key("a/1", &original("1.2.4", "ORIGINAL")));
    let scout = key("a/1", &original("1.2.3", "ORIGINAL\\LOCALIZER"));
    assert!(scout != one && scout.is_localizer());
    assert_eq!(format!("{one:?}"), "GroupKey(..)");
}

#[test]
fn a_rule_for_dicom_files_fails_what_is_none() {
    let rule = Rule::from_mapping("PatientID={sub}").unwrap();
    let failed = rule.extract(&file("x.txt"), None, &Settings::default());
    assert_eq!(failed, Err(ExtractError::NotDicom));
}

#[test]
fn values_that_a_field_cannot_hold_are_told() {
    let rules =
        RuleSet::from_yaml("- {mappings: [\"path={ses.ts:%Y%m%d}_*/*\", \"path={grp}_*/*\"]}")
            .unwrap();
    let extracted = rules.rules()[0]
        .extract(&file("20241399_x/y"), None, &Settings::default())
        .unwrap();
    let dropped: Vec<_> = extracted
        .mappings
        .iter()
        .flat_map(|mapping| &mapping.dropped)
        .map(Target::name)
        .collect();
    assert_eq!(dropped, ["session.timestamp"]);
    assert!(extracted.mappings[1].matched);
}

#[test]
fn nothing_that_identifies_is_printed_for_debugging() {
    let filter = Filter::parse("PatientID=~^4711").unwrap();
    assert!(!format!("{filter:?}").contains("4711"));
    assert!(!format!("{:?}", file("Doe_Jane/x")).contains("Doe"));
    let rules = RuleSet::from_yaml("- {mappings: [\"path={sub}/*\"], level: subject}").unwrap();
    let extracted = rules.rules()[0]
        .extract(&file("Doe_Jane/x"), None, &Settings::default())
        .unwrap();
    assert!(!format!("{extracted:?}").contains("Doe"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(
        text in prop_oneof![
            any::<String>(),
            r"(path|name|size|mtime|Modality|\{sub\}|\{path/|=|=~|!~|[\[\]{}()*+?|:/!\\@%YmdisUe0-9.-]){0,12}",
        ],
        value in prop_oneof![any::<String>(), r"[a-z0-9/_.-]{0,12}"],
    ) {
        let file = file(&value);
        if let Ok(filter) = Filter::parse(&text) {
            let _ = filter.fits(&file, None, &Zone::utc());
        }
        if let Ok(rule) = Rule::from_mapping(&text) {
            let cleaned = Cleaned(Elements::default());
            let _ = rule.extract(&file, Some(&cleaned), &Settings::default());
        }
        let _ = (RuleSet::from_yaml(&text), RuleSet::from_toml(&text));
        if let Ok(rules) = rules_of_template(&text, &WalkFilters::default()) {
            prop_assert!(RuleSet::from_yaml(&rules).is_ok(), "{rules}");
        }
    }
}
