//! `fwupload rules`: what rules make of files, before anything is sent, and rules made of templates.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use serde_json::{Value, json};

use crate::fixture::{self, CODED, Dicom, Person, damaged};
use crate::run::{Place, Ran};

/// A small image of a patient in a series.
fn image(patient: &str, series: u32, number: u32) -> Dicom {
    Dicom::ct(&Person::plain(), number)
        .text(tags::PATIENT_ID, VR::LO, patient)
        .text(
            tags::SERIES_INSTANCE_UID,
            VR::UI,
            &format!("1.2.826.0.1.3680043.10.9999.1.{series}"),
        )
        .text(tags::SERIES_NUMBER, VR::IS, &series.to_string())
        .text(
            tags::SOP_INSTANCE_UID,
            VR::UI,
            &format!("1.2.826.0.1.3680043.10.9999.1.{series}.{number}"),
        )
}

/// A study of two series, with files beside it.
fn place(rules: &str) -> Place {
    let place = Place::with([("rules.yaml", rules), ("coded.yaml", CODED)]);
    for series in 1..=2 {
        for number in 1..=3 {
            place.file(
                format!("study/S1/visit/t{series}/IM{number}"),
                image("P-1", series, number).bytes(),
            );
        }
    }
    place.file("study/S1/notes.txt", "notes");
    place.file("study/empty", "");
    place
}

/// The decisions of `--json`, by path.
#[track_caller]
fn decided(ran: &Ran, path: &str) -> Value {
    ran.events()
        .into_iter()
        .find(|line| line["path"] == path)
        .unwrap_or_else(|| panic!("{path} is missing in\n{}", ran.stdout))
}

/// Subject, session and acquisition, with `-` for what is missing.
fn labels(line: &Value) -> String {
    ["subject", "session", "acquisition"]
        .map(|level| {
            line["fields"][format!("{level}.label")]
                .as_str()
                .unwrap_or("-")
                .to_owned()
        })
        .join("/")
}

const FOLDERS: &str = "
- include: ['path=~/t\\d/']
  type: dicom
  mappings: ['path={subject}/{session}/{acquisition}/*', 'Modality={session.info.kind}']
- {include: ['ext=nii'], level: session}
";

#[test]
fn files_with_the_same_result_are_shown_as_one_and_the_end_counts_what_each_rule_took() {
    let place = place(FOLDERS);
    let ran = place
        .run("rules test rules.yaml study --headers-as-they-are")
        .exits(0);
    assert_eq!(
        ran.stdout,
        "\
rule 1 (DICOM, level acquisition) takes 6 files
  S1/visit/t1/IM1 and 2 more
    subject            S1     mapping 1 from path
    session            visit  mapping 1 from path
    acquisition        t1     mapping 1 from path
    session.info.kind  CT     mapping 2 from header
  S1/visit/t2/IM1 and 2 more
    subject            S1     mapping 1 from path
    session            visit  mapping 1 from path
    acquisition        t2     mapping 1 from path
    session.info.kind  CT     mapping 2 from header

no rule takes 1 file
  S1/notes.txt
    rule 1: no filter of `include` fits
    rule 2: no filter of `include` fits

passed over: 1 file
  empty
    skipped, empty

coverage
  rule 1      6 files
  rule 2      no file
  no rule     1 file
  skipped, empty 1 file
8 files: 6 taken by rules, 0 would fail
"
    );
    ran.says("warning: values come from headers as they were found")
        .says("nothing is sent")
        .says("taken from the paths of files, as they are: subject, session, acquisition");
}

#[test]
fn every_file_is_shown_with_all_that_headers_give_where_that_is_asked_for() {
    let place = place(FOLDERS);
    let ran = place
        .run("rules test rules.yaml study --headers-as-they-are --all")
        .exits(0);
    for path in ["S1/visit/t1/IM1", "S1/visit/t1/IM2", "S1/visit/t2/IM3"] {
        assert!(
            ran.stdout
                .contains(&format!("{path}: rule 1 (DICOM, level acquisition)\n")),
            "{}",
            ran.stdout
        );
    }
    assert!(
        ran.stdout
            .contains("  session.timestamp"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("empty: skipped, empty\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn many_results_are_counted_and_not_listed() {
    let place = Place::with([("rules.yaml", "[{mappings: ['path={sub}/{ses}/{acq}/*']}]")]);
    for number in 10..25 {
        place.file(format!("study/s{number}/v/a/x.dat"), "x");
        place.file(format!("study/s{number}/v/a/y.dat"), "x");
    }
    let ran = place
        .run("rules test rules.yaml study")
        .exits(3);
    assert_eq!(
        ran.stdout
            .matches("x.dat and 1 more")
            .count(),
        10
    );
    assert!(
        ran.stdout
            .contains("and 5 other results of 10 files; `--all` shows every file\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn json_has_a_decision_a_file_in_the_order_of_paths_by_bytes() {
    let place = place(FOLDERS);
    place.file("study/S1.x", "x");
    let run = "rules test rules.yaml study --headers-as-they-are --json --exclude *.x";
    let ran = place.run(run).exits(0);
    let paths: Vec<_> = ran
        .events()
        .iter()
        .map(|line| {
            line["path"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let mut sorted = paths.clone();
    sorted.sort();
    assert_eq!(paths, sorted);
    assert_eq!(paths.len(), 8, "what a glob leaves out is not there");
    let mut line = decided(&ran, "S1/visit/t1/IM1");
    line["fields"] = json!({ "subject.label": line["fields"]["subject.label"], "session.info.kind": line["fields"]["session.info.kind"] });
    line["from"] = json!({ "subject.label": line["from"]["subject.label"], "session.uid": line["from"]["session.uid"] });
    assert_eq!(
        line.to_string(),
        "{\"path\":\"S1/visit/t1/IM1\",\"rule\":0,\"include\":true,\"type\":\"dicom\",\"level\":\"acquisition\",\
            \"group\":\"S1/visit/t1\",\"fields\":{\"subject.label\":\"S1\",\"session.info.kind\":\"CT\"},\
            \"from\":{\"subject.label\":\"mapping 1 from path\",\"session.uid\":\"header default\"}}"
    );
    let none = decided(&ran, "S1/notes.txt");
    assert_eq!(none["rule"], Value::Null);
    assert_eq!(none["include"], false);
    assert_eq!(none["why"][1], "rule 2: no filter of `include` fits");
    assert_eq!(decided(&ran, "empty")["skipped"], "empty");
}

#[test]
fn filters_of_the_command_line_keep_files_from_the_rules() {
    let place = place(FOLDERS);
    let run =
        "rules test rules.yaml study --profile basic --filter SeriesNumber=2 --modality CT,MR";
    let ran = place
        .run(&format!("{run} --json"))
        .exits(0);
    let left_out = decided(&ran, "S1/visit/t1/IM1");
    assert_eq!(
        (&left_out["rule"], &left_out["skipped"]),
        (&Value::Null, &json!("filtered"))
    );
    assert_eq!(left_out["why"], json!(["kept out by `--filter`"]));
    assert_eq!(labels(&decided(&ran, "S1/visit/t2/IM1")), "S1/visit/t2");
    let ran = place.run(run).exits(0);
    assert!(
        ran.stdout
            .contains("  --filter    3 files\n"),
        "{}",
        ran.stdout
    );
    let ran = place
        .run("rules test rules.yaml study --profile basic --filter Modalty=CT")
        .exits(2);
    ran.says("`--filter`")
        .says("did you mean `Modality`?");
}

#[test]
fn a_file_that_is_named_itself_has_its_name_as_its_path() {
    let place = place("[{type: dicom, mappings: ['name={acq}', 'path={sub}/{ses}/*']}]");
    let ran = place
        .run("rules test rules.yaml study/S1/visit/t1/IM1 study/S1/visit/t2 --profile basic --json")
        .exits(0);
    let paths: Vec<_> = ran
        .events()
        .into_iter()
        .map(|line| line["path"].clone())
        .collect();
    assert_eq!(paths, ["IM1", "IM1", "IM2", "IM3"]);
}

#[test]
fn rules_for_dicom_need_a_profile_or_the_word_that_headers_are_shown_as_they_are() {
    let place = place(FOLDERS);
    place
        .run("rules test rules.yaml study")
        .exits(2)
        .says("error[usage.arguments]: rule 1 is for DICOM files")
        .says("--profile")
        .says("--headers-as-they-are");
    place
        .run("rules test rules.yaml study --profile basic --headers-as-they-are")
        .exits(2)
        .says("exclude each other");
    place.file("other.yaml", "[{include: ['ext=txt'], level: project}]");
    place
        .run("rules test other.yaml study")
        .exits(3)
        .does_not_say("warning")
        .does_not_say("profile");
    place
        .run("rules test rules.yaml study --profile nothing-like-it")
        .exits(5);
}

#[test]
fn the_environment_may_name_the_profile_and_what_is_typed_overrides_it() {
    let place = place(FOLDERS);
    place
        .run("rules test rules.yaml study")
        .env("FWUPLOAD_PROFILE", "basic")
        .exits(0)
        .does_not_say("as they were found");
    place
        .run("rules test rules.yaml study --headers-as-they-are")
        .env("FWUPLOAD_PROFILE", "basic")
        .exits(0)
        .says("as they were found");
    place
        .run("rules test rules.yaml study")
        .env("FWUPLOAD_HEADERS_AS_THEY_ARE", "1")
        .exits(2);
    let converted = place
        .run("rules convert {subject}")
        .env("FWUPLOAD_INCLUDE", "only-this")
        .exits(0);
    assert!(
        !converted
            .stdout
            .contains("only-this")
    );
}

#[test]
fn where_nothing_is_found_there_is_nothing_to_test() {
    let place = place(FOLDERS);
    std::fs::create_dir(place.path("void")).unwrap();
    place
        .run("rules test rules.yaml void --profile basic")
        .exits(8)
        .says("no file was found");
    place
        .run("rules test rules.yaml nowhere --profile basic --json")
        .exits(3)
        .says("nowhere: [discover.not-found]");
}

/// Trap 14: what Flywheel's own engine passes over in silence.
#[test]
fn refused_rules_are_one_line_for_programs_with_place_and_suggestion() {
    let place = place("");
    for (rules, says) in [
        (
            "- {type: dicom, includes: ['PatientID=CANARY-0001']}",
            "line 1, column 17: unknown key `includes` (did you mean `include`?)",
        ),
        (
            "- {type: dicom, mappings: ['PatientIdd={sub}']}",
            "did you mean `PatientID`?",
        ),
        (
            "- {type: dicom, mappings: ['path={sub:[a-z]+}/*']}",
            "line 1, column 28:",
        ),
        (
            "- {type: dicom, include: ['PatientID=~CANARY(']}",
            "line 1, column 27:",
        ),
        ("- {mappings: ['{!sub}={acq}']}", "line 1, column 15:"),
    ] {
        place.file("rules.yaml", rules);
        let ran = place
            .run("rules test rules.yaml study --profile basic --json")
            .exits(5);
        let lines = ran.events();
        assert_eq!(lines.len(), 1, "{}", ran.stdout);
        let refused = lines[0]["refused"]
            .as_str()
            .unwrap();
        assert!(refused.contains(says), "{refused}");
        ran.says("error[rules.invalid]")
            .says(says)
            .does_not_say("CANARY");
        assert!(!ran.stdout.contains("CANARY"), "{}", ran.stdout);
    }
    place.file("rules.yaml", "- {mappings: ['path={subject._id}/*']}");
    place
        .run("rules test rules.yaml study")
        .exits(5)
        .says("names a container by its id");
    place.file("rules.yaml", "[{bad: 1}]");
    let ran = place
        .run("rules test rules.yaml study")
        .exits(5);
    assert_eq!(ran.stdout, "");
}

/// Traps 1 to 3.
#[test]
fn folder_names_become_labels_only_where_that_is_said() {
    let place = Place::with([(
        "rules.yaml",
        "[{type: dicom, mappings: ['path=x{sub}/{ses}/{acq}/*'], defaults: {session.label: first}}]",
    )]);
    place.file(
        "removing.yaml",
        CODED.replace("PatientID, hash: true", "PatientID, remove: true"),
    );
    let unnamed = image("", 1, 1).bytes();
    place.file("study/MUSTER_MAX/20231130/T1/1.dcm", &unnamed);
    let run = "rules test rules.yaml study --json";
    let ran = place
        .run(&format!("{run} --profile removing.yaml"))
        .exits(3);
    let line = decided(&ran, "MUSTER_MAX/20231130/T1/1.dcm");
    assert_eq!(line["missing"], json!(["subject.label"]), "{line}");
    assert_eq!(line["code"], "route.missing-label");
    assert!(
        !line["fields"]
            .to_string()
            .contains("MUSTER"),
        "{line}"
    );
    let text = place
        .run("rules test rules.yaml study --headers-as-they-are")
        .exits(3)
        .stdout;
    assert!(text.contains("    subject      (missing)\n"), "{text}");
    assert!(
        text.contains("would fail   [route.missing-label]") && text.contains("no subject label"),
        "{text}"
    );
    assert!(
        text.contains("  rule 1      1 file, which would fail\n") && text.contains("hint: "),
        "{text}"
    );

    place.file(
        "default.yaml",
        "[{type: dicom, defaults: {subject.label: unknown}}]",
    );
    let ran = place
        .run("rules test default.yaml study --headers-as-they-are --json")
        .exits(0);
    let line = decided(&ran, "MUSTER_MAX/20231130/T1/1.dcm");
    assert_eq!(line["fields"]["subject.label"], "unknown");
    assert_eq!(line["from"]["subject.label"], "default");

    let ran = place
        .run(&format!("{run} --headers-as-they-are --folder-labels"))
        .exits(0);
    let line = decided(&ran, "MUSTER_MAX/20231130/T1/1.dcm");
    assert_eq!(line["fields"]["subject.label"], "MUSTER_MAX");
    assert_eq!(line["from"]["subject.label"], "folder");
    ran.says("taken from the paths of files, as they are: subject, session, acquisition");
}

/// Traps 4 and 5.
#[test]
fn names_come_from_mappings_only_and_no_date_out_of_a_uid() {
    let place = Place::with([("rules.yaml", "[{type: dicom}]")]);
    let mut dated = image("P-1", 1, 1).text(
        tags::STUDY_INSTANCE_UID,
        VR::UI,
        "1.2.826.0.1.3680043.10.9999.20240311101112.1",
    );
    for tag in [
        tags::STUDY_DATE,
        tags::SERIES_DATE,
        tags::ACQUISITION_DATE,
        tags::STUDY_TIME,
    ] {
        dated = dated.without(tag);
    }
    place.file("study/1.dcm", dated.bytes());
    let ran = place
        .run("rules test rules.yaml study --headers-as-they-are --json")
        .exits(0);
    let fields = &decided(&ran, "1.dcm")["fields"];
    assert_eq!(fields["subject.label"], "P-1");
    for absent in [
        "subject.firstname",
        "subject.lastname",
        "session.operator",
        "session.timestamp",
        "acquisition.timestamp",
    ] {
        assert_eq!(fields[absent], Value::Null, "{absent}");
    }
}

/// Traps 6 and 7, and the one sentence of all: values come from the cleaned header alone.
#[test]
fn under_a_profile_cleaned_values_alone_are_shown() {
    let rules = "
- include: ['PatientID=CANARY-0001', 'path=~^never$']
  type: dicom
  group_by: '{StudyInstanceUID}'
  dicom_instance_name: '{SOPInstanceUID}.{Modality}.dcm'
  mappings:
    - '{PatientID}={subject.label}'
    - 'PatientName={subject.lastname}'
    - '{PatientName/^.*$/\\g<0>}={subject.info.name}'
    - 'PatientBirthDate={subject.info.born}'
    - 'AccessionNumber={session.info.accession}'
    - 'StudyInstanceUID={session.info.uid}'
    - 'PatientAddress={acquisition.info.address}'
    - 'InstitutionName={session.tags}'
    - 'OperatorsName={session.operator}'
- type: dicom
  mappings: ['PatientComments={sub}', '{PatientID}_{PatientName}={ses}']
";
    let place = Place::with([("rules.yaml", rules), ("coded.yaml", CODED)]);
    for (number, person) in [Person::plain(), Person::latin(), Person::japanese()]
        .iter()
        .enumerate()
    {
        place.file(format!("study/{number}/ct"), Dicom::ct(person, 1).bytes());
        place.file(format!("study/{number}/mr"), Dicom::mr(person).bytes());
        place.file(format!("study/{number}/sr"), Dicom::sr(person).bytes());
    }
    place.file(
        "study/broken",
        damaged::truncated(&Dicom::ct(&Person::plain(), 1).bytes()),
    );
    for profile in ["basic", "strict", "longitudinal", "coded.yaml"] {
        for form in ["", "--all", "--json"] {
            let ran = place
                .run(&format!(
                    "rules test rules.yaml study --profile {profile} {form}"
                ))
                .ends();
            let found = [&ran.stdout, &ran.stderr]
                .map(|text| fixture::found_in(text.as_bytes()))
                .concat();
            assert!(
                found.is_empty(),
                "{found:?} under {profile} {form}\n{}\n{}",
                ran.stdout,
                ran.stderr
            );
            assert!(
                ran.stdout.contains("0/ct"),
                "{}\n{}",
                ran.stdout,
                ran.stderr
            );
        }
    }
    let ran = place
        .run("rules test rules.yaml study --profile basic --json")
        .exits(3);
    let line = decided(&ran, "0/ct");
    assert_eq!(line["rule"], 0, "the original Patient ID decides");
    assert_eq!(decided(&ran, "1/ct")["rule"], 1);
    assert_eq!(line["group"], "(by values of the header)");
    assert!(
        line["fields"]["subject.label"]
            .as_str()
            .unwrap()
            .starts_with("P-"),
        "{line}"
    );
    assert!(
        line["member_name"]
            .as_str()
            .unwrap()
            .starts_with("2.25."),
        "{line}"
    );
    let ran = place
        .run("rules test rules.yaml study --headers-as-they-are --json")
        .exits(3);
    assert_eq!(
        decided(&ran, "0/ct")["fields"]["subject.label"],
        "CANARY-0001",
        "where it was asked for"
    );
}

/// Trap 8.
#[test]
fn what_cleaning_removed_is_found_in_all_that_a_rule_takes_from_the_path() {
    let place = Place::with([
        ("label.yaml", "[{type: dicom, mappings: ['path={sub}/*']}]"),
        (
            "info.yaml",
            "[{type: dicom, mappings: ['path={session.info.folder}/*']}]",
        ),
        (
            "member.yaml",
            "[{type: dicom, dicom_instance_name: '{dir}.{SOPInstanceUID}'}]",
        ),
    ]);
    place.file(
        "study/Quillfeather/1.dcm",
        Dicom::ct(&Person::plain(), 1).bytes(),
    );
    for (rules, place_of_it) in [
        ("label.yaml", "subject"),
        ("info.yaml", "session.info.folder"),
        ("member.yaml", "the name in the package"),
    ] {
        let run = format!("rules test {rules} study --profile basic --json");
        let ran = place.run(&run).exits(3);
        let line = decided(&ran, "Quillfeather/1.dcm");
        assert_eq!(line["code"], "route.identifier-in-label", "{line}");
        let message = line["message"].as_str().unwrap();
        assert!(
            message.contains("Patient's Name") || message.contains("PatientName"),
            "{message}"
        );
        assert!(
            message.contains(place_of_it) && !message.contains("Quillfeather"),
            "{message}"
        );
        place
            .run(&format!("{run} --residual warn"))
            .exits(0);
    }
    let text = place
        .run("rules test label.yaml study --profile basic --residual warn")
        .exits(0)
        .stdout;
    assert!(text.contains("    left         what stood in"), "{text}");
}

/// Traps 11 and 15.
#[test]
fn several_patients_that_become_one_subject_are_told() {
    let place = Place::with([(
        "rules.yaml",
        "[{type: dicom, mappings: ['{PatientID/^.*$/X}={sub}']}]",
    )]);
    for number in 1..=2 {
        place.file(
            format!("study/{number}"),
            image(&format!("P-{number}"), number, 1).bytes(),
        );
    }
    let run = "rules test rules.yaml study --profile coded.yaml";
    place.file("coded.yaml", CODED);
    let ran = place.run(run).exits(3);
    assert!(
        ran.stdout
            .contains("subject X: files of 2 patients; an upload stops there"),
        "{}",
        ran.stdout
    );
    place
        .run(&format!("{run} --json"))
        .exits(3)
        .says("1 subject would get files of several patients");
    place
        .run(&format!("{run} --merge-patients"))
        .exits(0);
    place.file("study/2", image("P-1", 2, 1).bytes());
    place.run(run).exits(0);
}

/// Trap 12.
#[test]
fn a_rule_for_files_that_are_not_cleaned_has_to_say_so() {
    let place = Place::with([("rules.yaml", "[{mappings: ['path={sub}/{ses}/{acq}/*']}]")]);
    place.file("study/s/v/a/table.csv", "x");
    let run = "rules test rules.yaml study --json";
    let ran = place.run(run).exits(3);
    let line = decided(&ran, "s/v/a/table.csv");
    assert_eq!(
        (labels(&line).as_str(), &line["include"]),
        ("s/v/a", &json!(true))
    );
    assert_eq!(line["code"], "route.uncleaned");
    place.file(
        "rules.yaml",
        "[{allow-uncleaned: true, mappings: ['path={sub}/{ses}/{acq}/*']}]",
    );
    let ran = place.run(run).exits(0);
    assert_eq!(decided(&ran, "s/v/a/table.csv")["code"], Value::Null);
}

/// A stray file does not fail an upload by a rule for images, and does not fail its test.
#[test]
fn a_rule_for_dicom_has_no_say_over_other_files() {
    let place = place("[{type: dicom}]");
    let ran = place
        .run("rules test rules.yaml study --headers-as-they-are --json")
        .exits(0);
    let line = decided(&ran, "S1/notes.txt");
    assert_eq!(
        (&line["rule"], &line["include"]),
        (&json!(0), &json!(false))
    );
    assert!(
        line["error"]
            .as_str()
            .unwrap()
            .contains("for DICOM files")
    );
    assert_eq!(line["code"], Value::Null);
    let ran = place
        .run("rules test rules.yaml study --headers-as-they-are")
        .exits(0);
    assert!(
        ran.stdout
            .contains("it is no DICOM file"),
        "{}",
        ran.stdout
    );
}

/// Trap 13.
#[test]
fn a_date_of_the_path_beside_dates_that_move_is_refused() {
    let place = Place::with([
        (
            "times.yaml",
            "[{type: dicom, mappings: ['path={session.timestamp:%Y%m%d}_{sub}/*']}]",
        ),
        ("labels.yaml", "[{type: dicom, mappings: ['path={ses}/*']}]"),
        (
            "allowed.yaml",
            "{dates-from-path: true, rules: [{type: dicom, mappings: ['path={ses}/*']}]}",
        ),
        ("coded.yaml", CODED),
    ]);
    let path = "20240311_S7/1.dcm";
    place.file(format!("study/{path}"), image("P-1", 1, 1).bytes());
    let run = |rules: &str, profile: &str, code| {
        place
            .run(&format!(
                "rules test {rules} study --profile {profile} --json"
            ))
            .exits(code)
    };
    let ran = run("times.yaml", "longitudinal", 5);
    assert_eq!(
        ran.events()[0]["refused"],
        "rule 1 maps session.timestamp from the path"
    );
    run("times.yaml", "coded.yaml", 0);
    let ran = run("labels.yaml", "longitudinal", 3);
    let line = decided(&ran, path);
    assert_eq!(line["code"], "route.date-from-path", "{line}");
    let message = line["message"].as_str().unwrap();
    assert!(
        message.contains("session") && !message.contains("2024"),
        "{message}"
    );
    run("labels.yaml", "coded.yaml", 0);
    let ran = run("allowed.yaml", "longitudinal", 0);
    assert_eq!(
        decided(&ran, path)["fields"]["session.label"],
        "20240311_S7"
    );
}

#[test]
fn a_file_that_cannot_be_read_or_cleaned_would_fail_and_the_others_are_shown() {
    let place = place("[{type: dicom}]");
    place.file(
        "study/broken",
        damaged::truncated(&image("P-1", 1, 9).bytes()),
    );
    let ran = place
        .run("rules test rules.yaml study --profile basic --json")
        .exits(3);
    let line = decided(&ran, "broken");
    assert_eq!(line["code"], "read.truncated");
    assert_eq!(
        (&line["rule"], &line["include"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(decided(&ran, "S1/visit/t2/IM3")["include"], true);
}

#[test]
fn the_zone_of_times_is_named_as_the_clock_goes() {
    let place = place("[{type: dicom}]");
    for zone in ["UTC", "Europe/Berlin"] {
        let ran = place
            .run("rules test rules.yaml study --headers-as-they-are --json")
            .env("TZ", zone)
            .exits(0);
        let line = decided(&ran, "S1/visit/t1/IM1");
        assert_eq!(line["fields"]["session.timezone"], zone);
    }
}

#[test]
fn a_template_of_fw_ingest_becomes_rules() {
    let place = Place::with([("study/sub-7/ses-b/t1/x.dat", "x")]);
    let ran = place
        .run("rules convert sub-{subject}:ses-{session}:{acquisition} --exclude *.txt --exclude-dirs raw")
        .exits(0);
    assert!(
        ran.stdout
            .contains("'path=sub-{subject}/ses-{session}/{acquisition}/**/*'"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .starts_with("# Converted from a template"),
        "{}",
        ran.stdout
    );
    place.file("rules.yaml", &ran.stdout);
    place.file("study/sub-7/ses-b/t1/notes.txt", "x");
    place.file("study/sub-7/raw/t1/x.dat", "x");
    let ran = place
        .run("rules test rules.yaml study --json")
        .exits(3);
    assert_eq!(labels(&decided(&ran, "sub-7/ses-b/t1/x.dat")), "7/b/t1");
    for left_out in ["sub-7/ses-b/t1/notes.txt", "sub-7/raw/t1/x.dat"] {
        assert_eq!(decided(&ran, left_out)["rule"], Value::Null);
    }
}

#[test]
fn a_template_in_a_file_is_read_and_a_wrong_one_is_refused() {
    let place = Place::with([
        (
            "template.yml",
            "- pattern: '{subject}'\n- pattern: '{session}'\n  packfile_type: zip\n",
        ),
        (
            "wrong.yaml",
            "- select: ['{session}']\n- pattern: '{subject}'\n",
        ),
        ("plain", "- '{subject}'\n"),
    ]);
    let ran = place
        .run("rules convert template.yml")
        .exits(0);
    assert!(
        ran.stdout
            .contains("'path={subject}/{session}/**/*'")
            && ran.stdout.contains("zip: true"),
        "{}",
        ran.stdout
    );
    let ran = place
        .run("rules convert plain")
        .exits(0);
    assert!(
        ran.stdout
            .contains("'path={subject}/**/*'"),
        "{}",
        ran.stdout
    );
    for (template, says) in [
        ("wrong.yaml", "line "),
        ("{subject}:{nonsense}", "`nonsense`"),
        ("missing.yaml", "missing.yaml"),
    ] {
        let ran = place
            .run(&format!("rules convert {template}"))
            .exits(5);
        ran.says("error[rules.invalid]")
            .says(says);
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn help_has_examples() {
    let place = Place::new();
    for command in ["rules --help", "rules test --help", "rules convert --help"] {
        let ran = place.run(command).exits(0);
        assert!(ran.stdout.contains("Examples:"), "{}", ran.stdout);
    }
    assert!(
        place
            .run("rules --help")
            .exits(0)
            .stdout
            .contains("Exit codes:")
    );
}
