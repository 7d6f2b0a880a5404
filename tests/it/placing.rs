//! Files placed by the user's own rules, and files kept out by filters: `--rules`, `--map`,
//! `--folder-labels`, `--filter` and the everyday forms. What decides sees the original header; what
//! is written comes from the path by explicit mapping, from the cleaned header, or from a constant.

use std::io::{Cursor, Write};

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixture::{Dicom, PATH_MARK, Person, coded_to_the_last_uid, found_in};
use crate::run::{Place, tree};
use crate::server::Site;

const RUN: &str = "study -p demo/phantom --profile coded.yaml --json";

fn place(files: &[(&str, Dicom)]) -> Place {
    let place = Place::new();
    for (name, file) in files {
        place.file(format!("study/{name}"), file.bytes());
    }
    place.file("coded.yaml", coded_to_the_last_uid());
    place
}

fn ct(number: u32) -> Dicom {
    Dicom::ct(&Person::numbered(number), 1)
}

/// Where files lie on the server: `subject/session/acquisition/file`, sorted.
fn stored(site: &Site) -> Vec<String> {
    let mut paths: Vec<_> = site
        .kept()
        .into_iter()
        .filter_map(|(name, _)| {
            Some(
                name.strip_prefix("demo/phantom/")?
                    .to_owned(),
            )
        })
        .collect();
    paths.sort();
    paths
}

/// The bodies with which containers of a kind were made.
fn made(site: &Site, pattern: &'static str) -> Vec<Value> {
    site.requests_to("POST", pattern)
        .iter()
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect()
}

#[track_caller]
fn nothing_leaked(place: &Place, site: &Site) {
    for request in site.requests() {
        assert_eq!(found_in(&request.everything()), [""; 0]);
    }
    for (name, bytes) in tree(&place.state()) {
        assert_eq!(found_in(&bytes), [""; 0], "{name}");
    }
}

#[test]
fn a_mapping_gives_labels_from_folders_and_the_cleaned_header_the_rest() {
    let place = place(&[("S001/baseline/1.dcm", ct(1)), ("S002/month6/1.dcm", ct(2))]);
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["--map", "path={subject}/{session}/*"])
        .at(&site)
        .exits(0);
    assert_eq!(
        ran.notice("labels-from-paths"),
        "taken from the paths of files, as they are: subject, session"
    );
    let paths = stored(&site);
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(
        paths[0].starts_with("S001/baseline/") && paths[1].starts_with("S002/month6/"),
        "{paths:?}"
    );
    assert!(paths[0].contains("Thorax 1.0 B30f"), "{paths:?}");
    nothing_leaked(&place, &site);
    let again = place
        .run(RUN)
        .args(["--map", "path={subject}/{session}/*"])
        .at(&site)
        .exits(0);
    assert_eq!(again.end()["totals"]["already_there"], 2);
    place
        .run(RUN)
        .args(["--map", "path={session}/{acquisition}/*"])
        .at(&site)
        .exits(0);
    assert_eq!(stored(&site).len(), 4, "another rule, another place");
}

#[test]
fn of_a_path_nothing_leaves_but_what_a_rule_took() {
    let folder = format!("{PATH_MARK}/S001/{PATH_MARK}-visit");
    let place = place(&[(&format!("{folder}/{PATH_MARK}.dcm"), ct(1))]);
    place.file(format!("study/{folder}/{PATH_MARK}.dat"), b"beside it");
    place.file("table.csv", format!("path,session\n{folder},V1\n"));
    let site = Site::start();
    place
        .run(RUN)
        .args(["--map", "path=*/{subject}/*/*", "--subjects", "table.csv"])
        .args([
            "--other-files",
            "upload",
            "-y",
            "--associate",
            "**/*{SeriesNumber}.dat",
        ])
        .at(&site)
        .exits(0);
    assert!(
        stored(&site)
            .iter()
            .all(|path| path.starts_with("S001/V1/")),
        "{:?}",
        stored(&site)
    );
    let is_there = |bytes: &[u8]| {
        bytes
            .windows(PATH_MARK.len())
            .any(|window| window == PATH_MARK.as_bytes())
    };
    assert!(
        site.requests()
            .iter()
            .all(|request| !is_there(&request.everything()))
    );
    assert!(
        tree(&place.state())
            .iter()
            .all(|(_, bytes)| !is_there(bytes))
    );
}

#[test]
fn the_first_rule_that_fits_takes_a_file_and_what_none_takes_is_left_out() {
    let place = place(&[("a/1.dcm", ct(1)), ("b/1.dcm", ct(2)), ("c/1.dcm", ct(3))]);
    place.file(
        "rules.yaml",
        r#"
- include: ["dir=a"]
  type: dicom
  overrides: ["subject.label=first"]
- include: ["path=~^[ab]?/", "dir=b"]
  exclude: ["dir=c"]
  type: dicom
  overrides: ["subject.label=second"]
"#,
    );
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["--rules", "rules.yaml"])
        .at(&site)
        .exits(0);
    let subjects: Vec<_> = stored(&site)
        .iter()
        .map(|path| {
            path.split('/')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(subjects, ["first", "second"]);
    assert_eq!(ran.end()["totals"]["skipped_by"]["filtered"], 1);
    assert_eq!(ran.notice("filtered"), "files left out: 1 taken by no rule");
    assert!(
        ran.notice("rules")
            .starts_with("files are placed by 2 rules")
    );
}

#[test]
fn filters_keep_files_out_by_what_their_original_headers_say() {
    let localizer = Dicom::ct(&Person::numbered(1), 2).text(
        tags::IMAGE_TYPE,
        VR::CS,
        "ORIGINAL\\PRIMARY\\LOCALIZER",
    );
    let derived = Dicom::ct(&Person::numbered(1), 3).text(
        tags::IMAGE_TYPE,
        VR::CS,
        "DERIVED\\PRIMARY\\AXIAL",
    );
    let place = place(&[
        ("1/ct.dcm", ct(1)),
        ("1/localizer.dcm", localizer),
        ("1/derived.dcm", derived),
        ("2/mr.dcm", Dicom::mr(&Person::numbered(2))),
        ("3/ct.dcm", ct(3)),
    ]);
    let taken = |flags: &[&str]| {
        let ran = place
            .run(RUN)
            .args(flags)
            .args(["--dry-run", "--offline"])
            .ends();
        let totals = &ran.end()["totals"];
        (totals["prepared"].clone(), ran.notice("filtered"))
    };
    let said = |count: u32, by: &str| (Value::from(count), format!("files left out: {by}"));
    assert_eq!(taken(&["--modality", "mr"]), said(1, "4 `--modality`"));
    assert_eq!(
        taken(&["--filter", "PatientID=CANARY-0003"]),
        said(1, "4 `--filter`")
    );
    assert_eq!(
        taken(&["--filter", "Modality=CT", "--filter", "path!~^3/"]),
        said(3, "1 `--filter` 1, 1 `--filter` 2")
    );
    assert_eq!(
        taken(&["--skip-localizers", "--skip-derived"]),
        said(3, "1 `--skip-localizers`, 1 `--skip-derived`")
    );
    assert_eq!(
        taken(&["--filter", "SeriesDescription=~(?i)thorax!r"]),
        said(4, "1 `--filter`")
    );
    assert_eq!(
        taken(&[
            "--filter",
            "PatientComments !exists",
            "--filter",
            "KVP exists"
        ])
        .0,
        taken(&[
            "--filter",
            "KVP exists",
            "--filter",
            "PatientComments !exists"
        ])
        .0
    );
    let refused = place
        .run(RUN)
        .args(["--filter", "Modalty=MR", "--dry-run", "--offline"])
        .exits(2);
    refused.says("`--filter`");
    refused.says("did you mean `Modality`?");
}

#[test]
fn a_file_that_a_path_filter_keeps_out_is_not_even_read() {
    let place = place(&[("1/ct.dcm", ct(1))]);
    place.file(
        "study/broken/1.dcm",
        &Dicom::ct(&Person::numbered(2), 1).bytes()[..400],
    );
    let run = |filter: &str| {
        place
            .run(RUN)
            .args(["--filter", filter, "--dry-run", "--offline"])
            .ends()
    };
    assert_eq!(run("dir!=broken").end()["totals"]["failed"], 0);
    assert_eq!(run("name=~dcm").end()["totals"]["failed"], 1);
}

/// Section by section what may go wrong with labels from rules.
mod traps {
    use super::*;

    fn rules(place: &Place, text: &str) {
        place.file("rules.yaml", text);
    }

    fn without_patient_id(place: &Place) {
        place.file(
            "coded.yaml",
            coded_to_the_last_uid().replace(
                "{name: PatientID, hash: true}",
                "{name: PatientID, remove: true}",
            ),
        );
    }

    #[test]
    fn folder_names_are_labels_only_where_that_was_asked_for() {
        let place = place(&[("MUSTER_MAX/visit/T1/x.dcm", ct(1))]);
        without_patient_id(&place);
        rules(&place, "- {type: dicom, defaults: [session.label=once]}");
        let site = Site::start();
        rules(
            &place,
            "- {type: dicom, mappings: [\"path={subject}/nowhere/*\"], defaults: [session.label=once]}",
        );
        let ran = place
            .run(RUN)
            .args(["--rules", "rules.yaml"])
            .at(&site)
            .exits(9);
        assert_eq!(
            ran.failures(),
            [("x.dcm".to_owned(), "route.missing-label".to_owned())]
        );
        ran.says("no subject label");
        assert_eq!(stored(&site), [""; 0]);
        let ran = place
            .run(RUN)
            .args(["--folder-labels"])
            .at(&site)
            .exits(0);
        assert!(
            ran.notice("labels-from-paths")
                .contains("subject")
        );
        assert!(stored(&site)[0].starts_with("MUSTER_MAX/"));
    }

    #[test]
    fn a_pattern_that_does_not_fit_gives_no_other_folder_and_a_default_holds() {
        let place = place(&[("extra/S1/visit/x.dcm", ct(1))]);
        without_patient_id(&place);
        rules(
            &place,
            "- {type: dicom, mappings: [\"path=^{subject}/{session}/*.dcm$\"], \
                defaults: [subject.label=from default]}",
        );
        let site = Site::start();
        let ran = place
            .run(RUN)
            .args(["--rules", "rules.yaml"])
            .at(&site)
            .exits(0);
        let paths = stored(&site);
        assert!(paths[0].starts_with("from default/"), "{paths:?}");
        assert!(!paths[0].contains("extra") && !paths[0].contains("visit"));
        assert!(
            ran.notice("unmapped")
                .starts_with("no mapping of its rule fits 1 file:")
        );
    }

    #[test]
    fn metadata_of_the_header_goes_only_where_it_is_mapped() {
        let with = |more: &str| {
            let place = place(&[("a/1.dcm", ct(1))]);
            rules(
                &place,
                &format!("- type: dicom\n  mappings: [\"path={{subject}}/*\"{more}]"),
            );
            let site = Site::start();
            place
                .run(RUN)
                .args(["--rules", "rules.yaml"])
                .at(&site)
                .exits(0);
            nothing_leaked(&place, &site);
            (
                made(&site, "/api/subjects").remove(0),
                made(&site, "/api/sessions").remove(0),
            )
        };
        let (subject, session) = with("");
        for field in ["sex", "firstname", "lastname"] {
            assert!(subject.get(field).is_none(), "{subject}");
        }
        for field in ["age", "weight", "operator"] {
            assert!(session.get(field).is_none(), "{session}");
        }
        let (subject, session) = with(
            ", \"{PatientSex}={sub.sex}\", \"{Modality}={sub.info.scanner.kind}\", \"{Modality}={sub.tags}\", \"{Modality}={session.tags}\"",
        );
        assert_eq!(subject["info"]["scanner"]["kind"], "CT");
        assert_eq!(subject["tags"], serde_json::json!(["CT"]));
        assert!(session.get("tags").is_none(), "{session}");
    }

    #[test]
    fn a_date_inside_a_uid_is_no_source() {
        let dated = ct(1)
            .text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.20231130101112.4")
            .without(tags::STUDY_DATE)
            .without(tags::SERIES_DATE)
            .without(tags::ACQUISITION_DATE)
            .without(tags::CONTENT_DATE)
            .without(tags::STUDY_DESCRIPTION);
        let place = place(&[("a/1.dcm", dated)]);
        place.file(
            "coded.yaml",
            coded_to_the_last_uid().replace("    - {name: StudyInstanceUID, hashuid: true}\n", ""),
        );
        let site = Site::start();
        place
            .run(RUN)
            .args(["--map", "path={subject}/*"])
            .at(&site)
            .exits(0);
        let session = made(&site, "/api/sessions").remove(0);
        assert!(session.get("timestamp").is_none(), "{session}");
        assert_eq!(session["label"], "1.2.3.20231130101112.4");
    }

    #[test]
    fn names_in_packages_come_from_cleaned_values_and_groups_name_nothing() {
        let second = Dicom::ct(&Person::numbered(1), 2);
        let place = place(&[("CANARY-one/IM.dcm", ct(1)), ("CANARY-two/IM.dcm", second)]);
        rules(
            &place,
            "- type: dicom\n  group_by: dir\n  overrides: [\"subject.label=S1\"]\n  \
                dicom_instance_name: \"{InstanceNumber}_{Modality}.dcm\"\n",
        );
        let site = Site::start();
        place
            .run(RUN)
            .args(["--rules", "rules.yaml"])
            .at(&site)
            .exits(0);
        let names: Vec<_> = site
            .uploaded()
            .into_iter()
            .map(|(name, bytes)| {
                let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
                let first = zip.by_index(0).unwrap();
                (name, first.name().unwrap().into_owned())
            })
            .collect();
        assert_eq!(names.len(), 2, "one for each folder: {names:?}");
        assert!(
            names
                .iter()
                .any(|(_, member)| member == "1_CT.dcm"),
            "{names:?}"
        );
        nothing_leaked(&place, &site);
        rules(
            &place,
            "- type: dicom\n  overrides: [\"subject.label=S1\"]\n  dicom_instance_name: \
                \"{Modality}.dcm\"\n",
        );
        let ran = place
            .run(RUN)
            .args(["--rules", "rules.yaml", "--dry-run", "--offline"])
            .ends();
        assert_eq!(ran.failures().len(), 2, "both would have one name");
        assert_eq!(ran.failures()[0].1, "route.rule-failed");
    }

    #[test]
    fn what_cleaning_removed_does_not_come_back_in_a_label_field_or_tag() {
        for mapping in [
            "path={subject}/*",
            "path={session.info.note}/*",
            "path={subject.tags}/*",
        ] {
            let place = place(&[("Quillfeather/1.dcm", ct(1))]);
            let site = Site::start();
            let ran = place
                .run(RUN)
                .args(["--map", mapping])
                .at(&site)
                .exits(9);
            assert_eq!(
                ran.failures(),
                [("1.dcm".to_owned(), "route.identifier-in-label".to_owned())],
                "{mapping}"
            );
            for request in site.requests() {
                assert_eq!(found_in(&request.everything()), [""; 0], "{mapping}");
            }
            place
                .run(RUN)
                .args(["--map", mapping, "--residual", "warn"])
                .at(&site)
                .exits(0);
        }
    }

    #[test]
    fn rules_with_identifiers_in_them_stay_where_they_are() {
        let place = place(&[("a/1.dcm", ct(1)), ("b/1.dcm", ct(2))]);
        rules(
            &place,
            "- include: [\"PatientID=~^CANARY-0001\"]\n  type: dicom\n  \
                overrides: [\"subject.label=P01\"]\n",
        );
        let site = Site::start();
        let ran = place
            .run(RUN)
            .args(["--rules", "rules.yaml", "--log-file", "log.txt", "-vv"])
            .at(&site)
            .exits(0);
        assert!(stored(&site)[0].starts_with("P01/"));
        std::fs::rename(place.path("rules.yaml"), place.path("study/rules.yaml")).unwrap();
        let among_data = place
            .run(RUN)
            .args([
                "--rules",
                "study/rules.yaml",
                "--other-files",
                "upload",
                "-y",
            ])
            .at(&site)
            .exits(0);
        assert_eq!(among_data.end()["totals"]["skipped_by"]["rules-file"], 1);
        nothing_leaked(&place, &site);
        assert_eq!(
            found_in(&std::fs::read(place.path("log.txt")).unwrap()),
            [""; 0]
        );
        assert_eq!(found_in(ran.stdout.as_bytes()), [""; 0]);
        assert_eq!(found_in(ran.stderr.as_bytes()), [""; 0]);
    }

    #[test]
    fn several_patients_do_not_become_one_subject_unasked() {
        let mut ways = vec![
            ("{path/^.*$/everyone}={subject}", ["a", "b"]),
            ("{PatientID/^.*$/everyone}={subject}", ["a", "b"]),
        ];
        // Windows takes no star in names.
        if cfg!(unix) {
            ways.push(("path={subject}/*", ["x*", "xstar"]));
        }
        for (mapping, folders) in ways {
            let files = [
                (format!("{}/1.dcm", folders[0]), ct(1)),
                (format!("{}/1.dcm", folders[1]), ct(2)),
            ];
            let named: Vec<_> = files
                .iter()
                .map(|(name, file)| (name.as_str(), file.clone()))
                .collect();
            let place = place(&named);
            let site = Site::start();
            let ran = place
                .run(RUN)
                .args(["--map", mapping, "--jobs", "1"])
                .at(&site)
                .ends();
            assert_eq!(ran.code.unwrap(), 6, "{mapping}");
            ran.says("route.several-patients");
            let sent = stored(&site).len();
            assert!(sent < 2, "{mapping}");
            if !mapping.contains("PatientID") {
                assert_eq!(sent, 0, "{mapping}: known before anything is sent");
            }
            place
                .run(RUN)
                .args(["--map", mapping, "--merge-patients"])
                .at(&site)
                .exits(0);
            assert_eq!(stored(&site).len(), 2, "{mapping}");
        }
    }

    #[test]
    fn files_that_are_not_cleaned_need_a_rule_that_allows_it() {
        let place = place(&[("S1/visit/1.dcm", ct(1))]);
        place.file("study/S1/visit/T1.nii", b"not really");
        place.file("study/S1/visit/notes.txt", b"not really either");
        let with = |more: &str| {
            rules(
                &place,
                &format!(
                    "- type: dicom\n  include: [\"name=~.dcm$\"]\n  mappings: [\"path={{subject}}/{{session}}/*\"]\n\
                     - type: nifti\n  include: [\"name=~.nii$\"]\n  mappings: \
                        [\"path={{subject}}/{{session}}/{{acquisition}}.nii\"]\n{more}"
                ),
            );
            let site = Site::start();
            let ran = place
                .run(RUN)
                .args(["--rules", "rules.yaml", "--other-files", "upload", "-y"])
                .at(&site)
                .ends();
            (
                ran.failures(),
                stored(&site),
                ran.end()["totals"]["skipped_by"]["filtered"].clone(),
            )
        };
        let (failures, paths, filtered) = with("");
        assert_eq!(
            failures,
            [("T1.nii".to_owned(), "route.uncleaned".to_owned())]
        );
        assert_eq!((paths.len(), filtered), (1, Value::from(1)), "{paths:?}");
        let (failures, paths, _) = with("  allow-uncleaned: true\n");
        assert_eq!(failures, []);
        assert!(
            paths
                .iter()
                .any(|path| path.starts_with("S1/visit/T1/file-") && path.contains(".nii")),
            "{paths:?}"
        );
    }

    #[test]
    fn dates_from_paths_do_not_stand_beside_dates_that_were_moved() {
        let place = place(&[("S1/2023-11-30/1.dcm", ct(1)), ("S2/visit/1.dcm", ct(2))]);
        let run = |arguments: &[&str]| {
            place
                .run("study -p demo/phantom --profile basic --json --dry-run --offline")
                .args(arguments)
                .ends()
        };
        let time = run(&["--map", "path={subject}/{session.timestamp}/*"]);
        assert_eq!(time.code.unwrap(), 5);
        time.says("rule 1 maps session.timestamp from the path");
        let label = run(&["--map", "path={subject}/{session}/*"]);
        assert_eq!(
            label.failures(),
            [("1.dcm".to_owned(), "route.date-from-path".to_owned())]
        );
        label.says("in the session");
        rules(
            &place,
            "dates-from-path: true\nrules:\n- type: dicom\n  mappings: \
                [\"path={subject}/{session}/*\"]\n",
        );
        let allowed = run(&["--rules", "rules.yaml"]);
        assert_eq!(allowed.failures(), []);
        assert!(
            allowed
                .notice("dates-from-paths")
                .contains("may undo that")
        );
    }

    #[test]
    fn rules_that_would_do_nothing_in_silence_are_refused_with_their_places() {
        let place = place(&[("a/1.dcm", ct(1))]);
        rules(
            &place,
            "- includes: [\"path=a\"]\n  type: dicom\n  mappings:\n  - \"{PatientIdd}={subject}\"\n  \
                - \"path={sub:[a-z]+}/*\"\n",
        );
        let ran = place
            .run(RUN)
            .args(["--rules", "rules.yaml", "--dry-run", "--offline"])
            .exits(5);
        ran.says("rules.invalid");
        for place in ["line 1,", "line 4,", "line 5,"] {
            ran.says(place);
        }
        ran.says("did you mean `include`?");
        rules(&place, "- {type: dicom, overrides: [subject._id=5f9]}");
        place
            .run(RUN)
            .args(["--rules", "rules.yaml", "--dry-run", "--offline"])
            .exits(5)
            .says("names a container by its id");
    }
}

#[test]
fn flags_go_before_the_table_the_table_before_rules_and_rules_before_the_header() {
    let place = place(&[("folder/1.dcm", ct(1))]);
    place.file("table.csv", "patient_id,subject\nCANARY-0001,table\n");
    let subject = |flags: &[&str]| {
        let site = Site::start();
        place
            .run(RUN)
            .args(flags)
            .at(&site)
            .exits(0);
        stored(&site)[0]
            .split('/')
            .take(2)
            .collect::<Vec<_>>()
            .join("/")
    };
    let map = ["--map", "path={subject}/*"];
    assert!(subject(&map).starts_with("folder/"));
    let with_table = [&map[..], &["--subjects", "table.csv"]].concat();
    assert!(subject(&with_table).starts_with("table/"));
    let with_flags = [&map[..], &["--subject", "flag", "--session", "once"]].concat();
    assert_eq!(subject(&with_flags), "flag/once");
}

#[test]
fn rules_say_at_which_level_and_in_how_many_packages_files_go() {
    let localizer = Dicom::ct(&Person::numbered(1), 2).text(
        tags::IMAGE_TYPE,
        VR::CS,
        "ORIGINAL\\PRIMARY\\LOCALIZER",
    );
    let place = place(&[("a/1.dcm", ct(1)), ("a/2.dcm", localizer)]);
    let paths = |rule: &str| {
        place.file(
            "rules.yaml",
            format!("- {{type: dicom, overrides: [subject.label=S, session.label=V, acquisition.label=A], {rule}}}"),
        );
        let site = Site::start();
        place
            .run(RUN)
            .args(["--rules", "rules.yaml"])
            .at(&site)
            .exits(0);
        stored(&site)
    };
    assert_eq!(paths("zip_single: true"), ["S/V/A/A.dicom.zip"]);
    assert_eq!(
        paths("dicom_split_localizer: true"),
        ["S/V/A/A.dicom.zip", "S/V/A/A_localizer.dicom.zip"]
    );
    assert_eq!(paths("level: session"), ["S/V/A.dicom.zip"]);
    assert_eq!(
        paths("dicom_group_by: [InstanceNumber]"),
        ["S/V/A/A-2.dicom.zip", "S/V/A/A.dicom.zip"]
    );
    let single = paths("dicom_split_localizer: true, zip_single: false");
    assert!(
        single
            .iter()
            .all(|path| path.ends_with(".CT.dcm")),
        "{single:?}"
    );
    assert_eq!(
        paths("mappings: [\"{Modality}={file.name}\"]"),
        ["S/V/A/CT.dicom.zip"]
    );
}

#[test]
fn a_field_on_which_the_files_of_a_package_do_not_agree_is_left_out() {
    let place = place(&[
        ("a/1.dcm", ct(1)),
        ("a/2.dcm", Dicom::ct(&Person::numbered(1), 2)),
    ]);
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args([
            "--map",
            "{InstanceNumber}={acquisition.info.number}",
            "--map",
            "{Modality}={acquisition.info.kind}",
        ])
        .at(&site)
        .exits(0);
    let made = made(&site, "/api/acquisitions").remove(0);
    assert_eq!(made["info"], serde_json::json!({ "kind": "CT" }));
    ran.notice("fields-differ");
}

#[test]
fn one_instance_in_two_places_by_its_paths_goes_to_neither() {
    let place = place(&[
        ("S1/1.dcm", ct(1)),
        ("S2/1.dcm", ct(1)),
        ("S2/copy.dcm", ct(1)),
    ]);
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["--map", "path={subject}/*"])
        .at(&site)
        .exits(9);
    assert_eq!(
        ran.failures()
            .into_iter()
            .map(|(_, code)| code)
            .collect::<Vec<_>>(),
        ["route.duplicate-instance"; 3]
    );
    assert_eq!(stored(&site), [""; 0]);
}

#[test]
fn more_failures_than_rules_allow_end_the_run() {
    let short = |number| ct(number).without(tags::PATIENT_ID);
    let place = place(&[
        ("a/1.dcm", ct(1)),
        ("b/1.dcm", short(2)),
        ("c/1.dcm", short(3)),
        ("d/1.dcm", ct(4)),
    ]);
    let ends = |share: &str| {
        place.file(
            "rules.yaml",
            format!("type: import\nfail_fast: \"{share}\"\nrules: [{{type: dicom}}]\n"),
        );
        place
            .run(RUN)
            .args(["--rules", "rules.yaml", "--dry-run", "--offline"])
            .ends()
    };
    assert_eq!(ends("50%").end()["stopped_by"], Value::Null);
    let stopped = ends("25%");
    assert!(stopped.end()["stopped_by"].is_object(), "{}", stopped.end());
}

#[test]
fn other_files_follow_the_images_beside_them_unless_those_were_left_out() {
    let other = Dicom::image(&Person::numbered(1), uids::MR_IMAGE_STORAGE, "MR", 2, 1, 16);
    let place = place(&[("S1/ct/1.dcm", ct(1)), ("S1/mr/1.dcm", other)]);
    place.file("study/S1/ct/curve.dat", b"beside the CT");
    place.file("study/S1/mr/curve.dat", b"beside the MR");
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["--map", "path={subject}/*", "--modality", "CT"])
        .args(["--other-files", "upload", "-y"])
        .at(&site)
        .exits(0);
    let kept: Vec<_> = site
        .uploaded()
        .into_iter()
        .filter(|(name, _)| name.contains(".dat"))
        .map(|(_, bytes)| bytes)
        .collect();
    assert_eq!(ran.end()["totals"]["skipped_by"]["filtered"], 2);
    assert_eq!(kept, [b"beside the CT"]);
}

#[test]
fn rules_pack_other_files_together() {
    let place = place(&[("S1/v/1.dcm", ct(1))]);
    for name in ["S1/v/raw/a.dat", "S1/v/raw/b.dat"] {
        place.file(format!("study/{name}"), format!("content of {name}"));
    }
    place.file(
        "rules.yaml",
        "- {type: dicom, include: [\"name=~.dcm$\"], mappings: [\"path={subject}/{session}/*\"]}\n\
         - {include: [\"name=~.dat$\"], zip: true, allow-uncleaned: true, mappings: \
            [\"path={subject}/{session}/{acquisition}/*\"]}\n",
    );
    let site = Site::start();
    place
        .run(RUN)
        .args([
            "--rules",
            "rules.yaml",
            "--other-files",
            "upload",
            "-y",
            "--keep-names",
        ])
        .at(&site)
        .exits(0);
    let zip = site
        .uploaded()
        .into_iter()
        .find(|(name, _)| name == "raw.zip")
        .expect("a zip by its acquisition");
    let mut zip = zip::ZipArchive::new(Cursor::new(zip.1)).unwrap();
    let mut names: Vec<_> = (0..zip.len())
        .map(|at| {
            zip.by_index(at)
                .unwrap()
                .name()
                .unwrap()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, ["a.dat", "b.dat"]);
}

#[test]
fn a_pattern_of_header_fields_attaches_files_to_their_images() {
    let second = Dicom::image(&Person::numbered(1), uids::MR_IMAGE_STORAGE, "MR", 2, 1, 16)
        .text(tags::SERIES_NUMBER, VR::IS, "2")
        .text(tags::SERIES_DESCRIPTION, VR::LO, "second");
    let place = place(&[("dicom/ct/1.dcm", ct(1)), ("dicom/mr/1.dcm", second)]);
    place.file("study/raw/1_a.dat", b"of the first");
    place.file("study/raw/2_a.dat", b"of the second");
    place.file("study/raw/both.dat", b"of both");
    let site = Site::start();
    let run = |pattern: &str| {
        place
            .run(RUN)
            .args(["--map", "{path/^.*$/S}={subject}", "--session", "V"])
            .args([
                "--other-files",
                "upload",
                "-y",
                "--keep-names",
                "--associate",
                pattern,
            ])
            .at(&site)
            .ends()
    };
    run("raw/{SeriesNumber}_*.dat");
    let paths = stored(&site);
    let of = |name: &str| {
        let found: Vec<_> = paths
            .iter()
            .filter(|path| path.contains(name))
            .collect();
        assert_eq!(found.len(), 1, "{paths:?}");
        found[0].clone()
    };
    assert!(of("1_a.dat").starts_with("S/V/1 - Thorax"), "{paths:?}");
    assert!(of("2_a.dat").starts_with("S/V/2 - second/"), "{paths:?}");
    let unclear = run("raw/b?th{SamplesPerPixel}*.dat");
    assert_eq!(unclear.failures(), [], "nothing fits it");
    place.file("study/raw/both1.dat", b"of both again");
    let unclear = run("raw/both{SamplesPerPixel}.dat");
    assert_eq!(
        unclear.failures(),
        [("both1.dat".to_owned(), "route.unclear".to_owned())]
    );
    let usage = |pattern: &str| {
        place
            .run(RUN)
            .args(["--other-files", "upload", "-y", "--associate", pattern])
            .exits(2);
    };
    usage("raw/*.dat");
    usage("raw/{SeriesNumbr}.dat");
}

#[test]
fn members_of_archives_are_judged_and_mapped_like_files_in_folders() {
    let place = Place::new();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, file) in [("visit/1.dcm", ct(1)), ("scout/1.dcm", ct(2))] {
        zip.start_file(name, SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&file.bytes())
            .unwrap();
    }
    place.file("study/S1.zip", zip.finish().unwrap().into_inner());
    place.file("study/loose/1.dcm", ct(3).bytes());
    place.file("coded.yaml", coded_to_the_last_uid());
    place.file(
        "rules.yaml",
        "- include: [\"path=~*.zip::visit/*\"]\n  type: dicom\n  mappings: \
            [\"path={subject}.zip/{session}/*\"]\n",
    );
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["--rules", "rules.yaml"])
        .at(&site)
        .exits(0);
    assert_eq!(ran.end()["totals"]["skipped_by"]["filtered"], 2);
    let paths = stored(&site);
    assert_eq!(paths.len(), 1, "{paths:?}");
    assert!(paths[0].starts_with("S1/visit/"), "{paths:?}");
    let shown = place
        .run("rules test rules.yaml study --profile coded.yaml --json")
        .exits(0);
    let decided: Vec<_> = shown
        .events()
        .into_iter()
        .map(|file| (file["path"].clone(), file["rule"].clone()))
        .collect();
    assert_eq!(
        decided,
        [
            (Value::from("S1.zip::scout/1.dcm"), Value::Null),
            (Value::from("S1.zip::visit/1.dcm"), Value::from(0)),
            (Value::from("loose/1.dcm"), Value::Null),
        ]
    );
}
