//! `--manifest` and `--deid-log`: what is written down of each source file, and who may read it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fixture::{self, Dicom, PATH_MARK, Person, damaged};
use crate::reports::schema::Schema;
use crate::run::{Place, native};
use crate::server::{Gate, Site, on};
use crate::{archive, archives};

const USUAL: &str = "study -p demo/phantom --profile basic";

fn slice(number: u32) -> Vec<u8> {
    Dicom::ct(&Person::plain(), number).bytes()
}

/// Two good slices, one that is cut short, one file that is not DICOM, and a zip with two instances
/// of another person.
fn place() -> Place {
    let other = Person::numbered(7);
    let zip = archives::zip(&[
        ("x/1.dcm", Dicom::ct(&other, 1).bytes()),
        ("x/notes.txt", b"text".to_vec()),
    ]);
    Place::with([
        ("study/1.dcm", slice(1)),
        ("study/2.dcm", slice(2)),
        ("study/3.dcm", damaged::truncated(&slice(3))),
        ("study/notes.txt", b"text".to_vec()),
        ("study/more.zip", zip),
    ])
}

fn text(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).unwrap()
}

/// The records of the JSON form of one type.
fn records(place: &Place, name: &str, kind: &str) -> Vec<Value> {
    let text = text(place, name);
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    records
        .filter(|record| record["type"] == kind)
        .collect()
}

/// The rows of the CSV form, by the names of the columns.
fn rows(place: &Place, name: &str) -> Vec<BTreeMap<String, String>> {
    let text = text(place, name);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    rows.deserialize()
        .map(Result::unwrap)
        .collect()
}

/// Each path with its status and reason, in the order of the paths.
fn outcomes(place: &Place, name: &str) -> Vec<(String, String, String)> {
    let word = |value: &Value| {
        value
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut outcomes: Vec<_> = records(place, name, "file")
        .iter()
        .map(|file| {
            let reason = word(&file["reason"]);
            (word(&file["path"]), word(&file["status"]), reason)
        })
        .collect();
    outcomes.sort();
    outcomes
}

fn expected(status: &str) -> Vec<(String, String, String)> {
    [
        ("study/1.dcm", status, ""),
        ("study/2.dcm", status, ""),
        ("study/3.dcm", "failed", "read.truncated"),
        ("study/more.zip::x/1.dcm", status, ""),
        ("study/more.zip::x/notes.txt", "skipped", "not-dicom"),
        ("study/notes.txt", "skipped", "not-dicom"),
    ]
    .map(|(path, status, reason)| (native(path), status.to_owned(), reason.to_owned()))
    .into()
}

#[test]
fn the_manifest_names_every_file_once_in_each_kind_of_run() {
    let (place, site) = (place(), Site::start());
    let runs = [
        ("--dry-run", "would-upload"),
        ("--output out", "written"),
        ("", "uploaded"),
        ("", "already-there"),
        ("--fresh", "already-there"),
    ];
    for (flags, status) in runs {
        let ran = place
            .run(USUAL)
            .args(["--manifest", "m.jsonl", "--json"])
            .args(flags.split_whitespace())
            .at(&site)
            .exits(3);
        assert_eq!(outcomes(&place, "m.jsonl"), expected(status), "{flags}");
        let totals = &ran.end()["totals"];
        let end = &records(&place, "m.jsonl", "end")[0];
        assert_eq!(end["files"], totals["found"], "{end}");
        assert_eq!(
            (&end["complete"], &end["exit_code"]),
            (&true.into(), &3.into())
        );
        assert!(
            ran.notice("manifest")
                .contains("joins the paths of files to the UIDs")
        );
    }
}

#[test]
fn the_manifest_says_where_each_file_is_and_as_what() {
    let (place, site) = (place(), Site::start());
    let ran = place
        .run(USUAL)
        .args(["--manifest", "m.jsonl", "--json", "--compression", "none"])
        .at(&site)
        .exits(3);
    let events: BTreeMap<_, _> = ran
        .events_of("uploaded")
        .into_iter()
        .map(|event| (event["path"].to_string(), event["receipt"].clone()))
        .collect();
    let sent: BTreeSet<String> = site
        .uploaded()
        .iter()
        .flat_map(|(_, zip)| archive::members(zip))
        .map(|(_, bytes)| hex::encode(Sha256::digest(&bytes)))
        .collect();
    let digest = &ran.events()[0]["profile"]["digest"];
    let files = records(&place, "m.jsonl", "file");
    let mut hashes = BTreeSet::new();
    for file in files
        .iter()
        .filter(|file| file["status"] == "uploaded")
    {
        let receipt = &events[&file["path"].to_string()];
        for (mine, theirs) in [
            ("destination", "destination"),
            ("container_id", "container_id"),
            ("acquisition_id", "container_id"),
            ("file", "file"),
            ("file_bytes", "size"),
            ("file_id", "file_id"),
        ] {
            assert!(!file[mine].is_null(), "{mine} in {file}");
            assert_eq!(file[mine], receipt[theirs], "{mine} in {file}");
        }
        assert_eq!(&file["profile_digest"], digest);
        for id in ["subject_id", "session_id"] {
            assert_eq!(file[id].as_str().unwrap().len(), 24, "{id} in {file}");
        }
        for uid in ["study_uid", "series_uid", "instance_uid"] {
            assert!(
                file[uid]
                    .as_str()
                    .unwrap()
                    .starts_with("2.25."),
                "{file}"
            );
        }
        hashes.insert(
            file["sha256"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(hashes, sent, "the hashes are those of what arrived");
    for file in files
        .iter()
        .filter(|file| file["status"] != "uploaded")
    {
        assert!(
            file["sha256"].is_null() && file["destination"].is_null(),
            "{file}"
        );
    }
}

#[test]
fn both_forms_say_the_same_and_are_valid_by_their_schemas() {
    let (place, site) = (place(), Site::start());
    let run = |extension: &str| {
        place
            .run(USUAL)
            .args(["--dry-run", "-j", "1"])
            .args(["--manifest", &format!("m.{extension}")])
            .args(["--deid-log", &format!("d.{extension}")])
            .at(&site)
            .exits(3);
    };
    run("jsonl");
    run("csv");
    for (name, kind, fewest) in [("m", "file", 6), ("d", "change", 60)] {
        let schema = Schema::read(if name == "m" { "manifest" } else { "deid-log" });
        for line in text(&place, &format!("{name}.jsonl")).lines() {
            schema.accepts(&serde_json::from_str(line).unwrap());
        }
        schema.rejects(&serde_json::json!({ "type": kind, "path": "x" }));
        let cell = |value: &Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut of_json: Vec<BTreeMap<String, String>> =
            records(&place, &format!("{name}.jsonl"), kind)
                .iter()
                .map(|record| {
                    let fields = record.as_object().unwrap();
                    fields
                        .iter()
                        .filter(|(name, _)| *name != "type")
                        .map(|(name, value)| (name.clone(), cell(value)))
                        .collect()
                })
                .collect();
        let mut of_csv = rows(&place, &format!("{name}.csv"));
        of_json.sort();
        of_csv.sort();
        assert!(of_csv.len() >= fewest, "{}", of_csv.len());
        assert_eq!(of_json, of_csv);
    }
}

#[test]
fn the_log_says_what_happened_to_which_attribute_and_by_which_rule() {
    let place = place();
    place.file(
        "profile.yaml",
        "name: two\ndicom:\n  remove-private-tags: true\n  fields:\n  - name: PatientName\n    \
            replace-with: Coded\n  - name: PatientID\n    remove: true\n  - regex: .*UID\n    \
            hashuid: true\n  - name: ReferencedStudySequence\n    remove: true\n",
    );
    place
        .run("study/1.dcm -p demo/phantom --profile profile.yaml --residual warn")
        .args([
            "--dry-run",
            "--offline",
            "--deid-log",
            "d.csv",
            "--subject",
            "s",
        ])
        .exits(0);
    let rows = rows(&place, "d.csv");
    let of = |place: &str| {
        let row = rows
            .iter()
            .find(|row| row["place"] == place);
        let row = row.unwrap_or_else(|| panic!("no {place} in {rows:?}"));
        (
            row["tag"].clone(),
            row["action"].clone(),
            row["rule"].clone(),
        )
    };
    let expected =
        |tag: &str, action: &str, rule: &str| (tag.to_owned(), action.to_owned(), rule.to_owned());
    assert_eq!(
        of("PatientName"),
        expected("(0010,0010)", "changed", "fields[0]")
    );
    assert_eq!(
        of("PatientID"),
        expected("(0010,0020)", "removed", "fields[1]")
    );
    assert_eq!(
        of("SOPInstanceUID"),
        expected("(0008,0018)", "changed", "fields[2]")
    );
    place
        .run("study/1.dcm -p demo/phantom --profile basic --dry-run --offline")
        .args(["--deid-log", "d.csv"])
        .exits(0);
    let by_table: BTreeSet<_> = self::rows(&place, "d.csv")
        .into_iter()
        .filter(|row| row["place"] == "PatientName")
        .map(|row| (row["rule"].clone(), row["table_code"].clone()))
        .collect();
    assert_eq!(
        by_table,
        BTreeSet::from([("confidentiality".to_owned(), "Z".to_owned())])
    );
}

#[test]
fn a_log_of_changes_changes_nothing_of_what_is_sent() {
    let place = place();
    let written = |flags: &[&str], out: &str| {
        let ran = place
            .run(USUAL)
            .args(["--offline", "--json", "--output", out])
            .args(flags)
            .exits(3);
        let changed: Vec<_> = ran
            .events_of("deidentified")
            .iter()
            .map(|event| event["changed"].clone())
            .collect();
        (place.tree(out), changed.len())
    };
    let plain = written(&[], "plain");
    let logged = written(&["--deid-log", "d.csv", "--manifest", "m.csv"], "logged");
    assert_eq!(plain, logged);
    let dry_run = |flags: &[&str]| {
        let ran = place
            .run(USUAL)
            .args(["--offline", "--dry-run", "--json"])
            .args(flags)
            .exits(3);
        ran.events_of("changes")
    };
    assert_eq!(dry_run(&[]), dry_run(&["--deid-log", "d.csv"]));
}

#[test]
fn neither_holds_a_value_that_was_removed() {
    let place = Place::new();
    for (at, person) in [Person::plain(), Person::latin(), Person::japanese()]
        .iter()
        .enumerate()
    {
        place.file(format!("study/{at}/ct.dcm"), Dicom::ct(person, 1).bytes());
        place.file(format!("study/{at}/sr.dcm"), Dicom::sr(person).bytes());
        place.file(format!("study/{at}/mr.dcm"), Dicom::mr(person).bytes());
    }
    let site = Site::start();
    for (manifest, log) in [("m.jsonl", "d.jsonl"), ("m.csv", "d.csv")] {
        let ran = place
            .run("study -p demo/phantom --profile basic --json -vv --log-file log --fresh")
            .args(["--manifest", manifest, "--deid-log", log])
            .at(&site)
            .exits(0);
        for name in [manifest, log] {
            let written = text(&place, name);
            let found = fixture::found_in(written.as_bytes());
            assert!(found.is_empty(), "{found:?} in {name}");
            assert!(written.lines().count() > 9, "{name}");
        }
        let uid = rows_or_records(&place, manifest);
        for (what, said) in [
            ("standard output", &ran.stdout),
            ("the log", &text(&place, "log")),
        ] {
            assert!(!said.contains(&uid), "an instance's UID stands in {what}");
        }
        for request in site.requests() {
            let everything = String::from_utf8_lossy(&request.everything()).into_owned();
            assert!(
                !everything.contains("path,path_bytes") && !everything.contains("\"manifest\""),
                "{}",
                request.target
            );
        }
    }
}

/// The SOP Instance UID of the first file in a manifest of either form.
fn rows_or_records(place: &Place, name: &str) -> String {
    if name.ends_with("csv") {
        rows(place, name)[0]["instance_uid"].clone()
    } else {
        let first = &records(place, name, "file")[0];
        first["instance_uid"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

#[test]
fn what_goes_uncleaned_has_no_uid_in_it() {
    let (place, site) = (place(), Site::start());
    place
        .run("study -p demo/phantom --no-deid -y --manifest m.csv --deid-log d.csv")
        .at(&site)
        .exits(3);
    let written = text(&place, "m.csv");
    assert!(
        fixture::found_in(written.as_bytes()).is_empty(),
        "{written}"
    );
    for row in rows(&place, "m.csv")
        .iter()
        .filter(|row| row["status"] == "uploaded")
    {
        assert_eq!(
            (row["instance_uid"].as_str(), row["profile_digest"].as_str()),
            ("", "")
        );
        assert_eq!(row["sha256"].len(), 64);
    }
    assert!(rows(&place, "d.csv").is_empty());
}

#[test]
fn redacted_paths_stand_in_neither() {
    let person = Person::numbered(3);
    let place = Place::with([
        (format!("{PATH_MARK}/1.dcm"), Dicom::ct(&person, 1).bytes()),
        (format!("{PATH_MARK}/{PATH_MARK}.txt"), b"text".to_vec()),
    ]);
    let (manifest, log) = (format!("{PATH_MARK}-m.csv"), format!("{PATH_MARK}-d.jsonl"));
    let ran = place
        .run(PATH_MARK)
        .args([
            "-p",
            "demo/phantom",
            "--profile",
            "basic",
            "--offline",
            "--dry-run",
        ])
        .args([
            "--redact-paths",
            "--json",
            "--manifest",
            &manifest,
            "--deid-log",
            &log,
        ])
        .exits(0);
    for said in [
        &ran.stdout,
        &ran.stderr,
        &text(&place, &manifest),
        &text(&place, &log),
    ] {
        assert!(
            !said.contains(PATH_MARK) && said.contains("path:"),
            "{said}"
        );
    }
    let hashes: BTreeSet<_> = rows(&place, &manifest)
        .into_iter()
        .map(|row| row["path"].clone())
        .collect();
    assert_eq!(hashes.len(), 2);
    let change = &records(&place, &log, "change")[0];
    assert!(hashes.contains(change["path"].as_str().unwrap()));
}

#[test]
fn a_cell_of_a_manifest_is_no_formula() {
    let place = Place::with([("=1+1.txt", b"text")]);
    place
        .run("=1+1.txt -p demo/phantom --profile basic --offline --dry-run --manifest m.csv")
        .ends();
    assert_eq!(rows(&place, "m.csv")[0]["path"], "./=1+1.txt");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_one_that_says_that_it_is_not_whole() {
    for (manifest, log) in [("m.jsonl", "d.jsonl"), ("m.csv", "d.csv")] {
        let gate = Gate::default();
        let site = Site::setup()
            .rule(on("POST", "/api/acquisitions/*/files").hold(&gate))
            .start();
        let place = Place::with((1..=6).map(|n| {
            (
                format!("study/{n}.dcm"),
                Dicom::ct(&Person::numbered(n), 1).bytes(),
            )
        }));
        let running = place
            .run("study -p demo/phantom --profile basic --uploads 1 --json")
            .args(["--manifest", manifest, "--deid-log", log])
            .at(&site)
            .start();
        gate.wait_for_request();
        let unfinished: Vec<_> = std::fs::read_dir(place.path(""))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.to_string_lossy()
                    .contains(".fwupload-report-")
            })
            .collect();
        assert!(unfinished.len() >= 2, "{unfinished:?}");
        for path in &unfinished {
            assert_eq!(mode(path), 0o600, "{}", path.display());
        }
        assert!(
            !place.path(manifest).exists(),
            "it is there at the end alone"
        );
        running.signal("INT");
        running.wait_until_it_says("finishing 1 upload");
        gate.open();
        let ran = running.end();
        assert_eq!(ran.code, Some(130), "{}", ran.stderr);
        assert_eq!(
            (mode(&place.path(manifest)), mode(&place.path(log))),
            (0o600, 0o600)
        );
        if manifest.ends_with("csv") {
            let rows = rows(&place, manifest);
            let last = rows.last().unwrap();
            assert_eq!(
                (
                    last["status"].as_str(),
                    last["reason"].as_str(),
                    last["path"].as_str()
                ),
                ("incomplete", "run.interrupted", "")
            );
            assert_eq!(rows.len(), 7);
            assert_eq!(
                self::rows(&place, log)
                    .last()
                    .unwrap()["action"],
                "incomplete"
            );
        } else {
            let end = &records(&place, manifest, "end")[0];
            assert_eq!(
                (&end["complete"], &end["stopped_by"], &end["files"]),
                (&false.into(), &"run.interrupted".into(), &6.into())
            );
            let statuses: BTreeSet<_> = outcomes(&place, manifest)
                .into_iter()
                .map(|(_, status, reason)| (status, reason))
                .collect();
            assert!(
                statuses.contains(&("failed".to_owned(), "upload.stopped".to_owned())),
                "{statuses:?}"
            );
            assert_eq!(records(&place, log, "end")[0]["complete"], false);
        }
    }
}

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(path).unwrap();
    metadata.permissions().mode() & 0o777
}

#[test]
fn a_manifest_among_the_inputs_is_never_sent() {
    let (place, site) = (Place::with([("study/1.dcm", slice(1))]), Site::start());
    let run = |manifest: &str| {
        let ran = place
            .run("study -p demo/phantom --profile basic --other-files upload -y --json")
            .args(["--manifest", manifest, "--deid-log", "study/d.csv"])
            .at(&site)
            .exits(0);
        let end = ran.end();
        end["totals"]["skipped_by"]["own-report"].as_u64()
    };
    // What is being written counts too: two files are under way, and those of earlier runs lie there.
    assert!(run("study/m.csv") >= Some(2));
    assert!(run("study/other.jsonl") >= Some(4));
    // Also inside an archive, and left by a run that was killed elsewhere.
    let manifest = std::fs::read(place.path("study/other.jsonl")).unwrap();
    let zip = archives::zip(&[("old.jsonl", manifest.clone())]);
    place.file("study/old.zip", zip);
    place.file("study/deep/.fwupload-report-abc", manifest);
    assert!(run("study/m.csv") >= Some(6));
    for (name, bytes) in site.kept() {
        let sent = String::from_utf8_lossy(&bytes);
        assert!(
            !sent.contains("path,path_bytes") && !sent.contains("\"type\":\"manifest\""),
            "{name}"
        );
    }
}

#[test]
fn a_file_of_another_kind_is_not_replaced() {
    let place = Place::with([
        ("study/1.dcm", slice(1)),
        ("table.csv", b"patient_id,subject\n1,2\n".to_vec()),
    ]);
    let run = |flags: &str| {
        place
            .run("study -p demo/phantom --profile basic --offline --dry-run")
            .args(flags.split_whitespace())
    };
    run("--manifest m.csv").exits(0);
    run("--manifest m.csv").exits(0);
    for flags in [
        "--manifest table.csv",
        "--deid-log table.csv",
        "--deid-log m.csv",
    ] {
        run(flags)
            .exits(1)
            .says("error[audit.unwritable]")
            .says("is not replaced");
    }
    assert_eq!(text(&place, "table.csv"), "patient_id,subject\n1,2\n");
    run("--manifest none/m.csv")
        .exits(1)
        .says("error[audit.unwritable]");
    run("--manifest m.txt")
        .exits(2)
        .says("end the name with .csv or .jsonl");
    run("--manifest m.csv --deid-log m.csv")
        .exits(2)
        .says("`--manifest` and `--deid-log` name one file");
}

#[test]
fn a_run_that_does_not_begin_leaves_the_earlier_one() {
    let (place, site) = (place(), Site::start());
    let run = |project: &str| {
        place
            .run("study --profile basic --dry-run --manifest m.csv -p")
            .args([project])
            .at(&site)
    };
    run("demo/phantom").exits(3);
    let earlier = text(&place, "m.csv");
    run("demo/none").exits(6);
    assert_eq!(text(&place, "m.csv"), earlier);
    let left: Vec<_> = place
        .tree("")
        .into_iter()
        .filter(|(name, _)| name.contains(".fwupload"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[cfg(unix)]
#[test]
fn a_manifest_in_which_lines_are_missing_does_not_take_its_place() {
    let place = Place::with((1..=9).map(|n| (format!("study/{n}.dcm"), slice(n))));
    let line = "study -p demo/phantom --profile basic --offline --dry-run --json --manifest m.csv";
    place.run(line).exits(0);
    let earlier = text(&place, "m.csv");
    let ran = place
        .run_limited("-f 1", line)
        .exits(1);
    ran.says("error[audit.unwritable]");
    assert_eq!(ran.events_of("would-upload").len(), 9, "the run went on");
    assert_eq!(text(&place, "m.csv"), earlier);
}
