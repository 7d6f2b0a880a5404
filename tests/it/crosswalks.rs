//! `--save-subjects`: the way back from what was uploaded, written as it goes and never sent.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::fixture::{self, Dicom, Person, coded_to_the_last_uid};
use crate::run::{PSEUDONYM_KEY, Place, tree};
use crate::server::{Gate, Site, on};

const RUN: &str = "study -p demo/phantom --profile coded.yaml --json --subjects table.csv";
const HEADER: &str = "patient_id,issuer_of_patient_id,patient_name,accession_number,\
    study_instance_uid,series_instance_uid,project,subject,session,acquisition\n";

fn place() -> Place {
    let place = Place::new();
    for number in 1..=3 {
        for slice in 1..=2 {
            let file = Dicom::ct(&Person::numbered(number), slice);
            place.file(format!("study/p{number}/{slice}.dcm"), file.bytes());
        }
    }
    place.file("coded.yaml", coded_to_the_last_uid());
    place.file(
        "table.csv",
        "patient_id,subject\nCANARY-0001,S1\nCANARY-0002,S2\nCANARY-0003,S3\n",
    );
    place
}

fn crosswalk(place: &Place) -> Vec<String> {
    let text = std::fs::read_to_string(place.path("private.csv")).unwrap();
    let rows = text
        .strip_prefix(HEADER)
        .unwrap_or_else(|| panic!("{text}"));
    let mut rows: Vec<_> = rows
        .lines()
        .map(str::to_owned)
        .collect();
    rows.sort();
    rows
}

fn row(number: u32) -> String {
    let uid = format!("{}.{number}", fixture::UID_ROOT);
    format!(
        "CANARY-{number:04},,CANARY-Quillfeather^Ottoline,CANARY-ACC1,{uid}.0.0,{uid}.1,\
            demo/phantom,S{number},2023-09-14 10:15:30,1 - Thorax 1.0 B30f"
    )
}

#[test]
fn each_series_has_a_row_that_leads_back_and_nothing_of_it_is_sent_or_said() {
    let (place, site) = (place(), Site::start());
    let run = || {
        place
            .run(RUN)
            .args(["--save-subjects", "private.csv", "-vv"])
            .at(&site)
            .exits(0)
    };
    let ran = run();
    ran.says("[save-subjects]")
        .says("keep it as safe as the originals");
    assert_eq!(crosswalk(&place), [row(1), row(2), row(3)]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(place.path("private.csv")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
    for request in site.requests() {
        assert_eq!(fixture::found_in(&request.everything()), [""; 0]);
    }
    for text in [&ran.stdout, &ran.stderr] {
        assert_eq!(fixture::found_in(text.as_bytes()), [""; 0]);
    }
    for (name, bytes) in tree(&place.state()) {
        assert_eq!(fixture::found_in(&bytes), [""; 0], "{name}");
    }
    assert_eq!(run().end()["totals"]["already_there"], 6);
    assert_eq!(
        crosswalk(&place),
        [row(1), row(2), row(3)],
        "a second run adds nothing"
    );
}

#[test]
fn a_crosswalk_that_is_begun_later_has_what_was_sent_before() {
    let (place, site) = (place(), Site::start());
    place.run(RUN).at(&site).exits(0);
    place
        .run(RUN)
        .args(["--save-subjects", "private.csv"])
        .at(&site)
        .exits(0);
    assert_eq!(crosswalk(&place).len(), 3);
}

#[test]
fn the_label_that_a_study_has_on_the_server_is_written_down_too() {
    let (place, site) = (place(), Site::start());
    place.run(RUN).at(&site).exits(0);
    place.file(
        "coded.yaml",
        coded_to_the_last_uid() + "    - {name: StudyTime, remove: true}\n",
    );
    place
        .run(RUN)
        .args([
            "--save-subjects",
            "private.csv",
            "--if-exists",
            "replace",
            "-y",
        ])
        .at(&site)
        .exits(0);
    let rows = crosswalk(&place);
    assert!(rows.contains(&row(1)), "{rows:?}");
    let planned = row(1).replace("10:15:30", "00:00:00");
    assert!(rows.contains(&planned) && rows.len() == 6, "{rows:?}");
}

#[test]
fn a_rehearsal_writes_none_and_an_output_folder_has_one_too() {
    let place = place();
    place
        .run(RUN)
        .args(["--save-subjects", "private.csv", "--dry-run"])
        .at(&Site::start())
        .exits(0);
    assert!(!place.path("private.csv").exists());
    place
        .run(RUN)
        .args([
            "--save-subjects",
            "private.csv",
            "--output",
            "out",
            "--offline",
        ])
        .exits(0);
    assert_eq!(crosswalk(&place), [row(1), row(2), row(3)]);
}

#[test]
fn what_a_killed_run_sent_is_in_the_crosswalk() {
    let gate = Gate::default();
    let site = Site::setup()
        .rule(on("POST", "/api/acquisitions/*/files").hold(&gate))
        .start();
    let place = place();
    let mut running = place
        .run(RUN)
        .args(["--save-subjects", "private.csv", "--uploads", "1"])
        .at(&site)
        .start();
    gate.wait_for_request();
    running.kill_when(|| true);
    running.end();
    gate.open();
    site.settle();
    let rows = crosswalk(&place);
    assert!(!rows.is_empty(), "a row before its package");
    assert!(
        rows.iter()
            .all(|written| [row(1), row(2), row(3)].contains(written)),
        "{rows:?}"
    );
    // A line that was being written when the power went.
    let torn = [
        std::fs::read(place.path("private.csv")).unwrap(),
        b"CANARY-00".to_vec(),
    ];
    std::fs::write(place.path("private.csv"), torn.concat()).unwrap();
    place
        .run(RUN)
        .args(["--save-subjects", "private.csv"])
        .at(&site)
        .exits(0);
    assert_eq!(crosswalk(&place), [row(1), row(2), row(3)]);
}

#[test]
fn a_place_among_data_and_a_file_that_is_no_crosswalk_are_refused() {
    let place = place();
    place.file("notes.csv", "mine\n");
    for (file, more, code, said) in [
        ("study/c.csv", "", 2, "lies in an input"),
        ("study/p1/c.csv", "", 2, "lies in an input"),
        (
            "out/c.csv",
            "--output out --offline",
            2,
            "the folder of `--output`",
        ),
        ("box/c.csv", "--sandbox box", 2, "the folder of `--sandbox`"),
        ("notes.csv", "", 1, "error[crosswalk.unwritable]"),
        ("nowhere/c.csv", "", 1, "error[crosswalk.unwritable]"),
    ] {
        for flag in ["--save-subjects", "--save-subjects-keyed"] {
            let site = Site::start();
            let run = place
                .run(RUN)
                .args([flag, file])
                .args(more.split_whitespace());
            let run = if more.is_empty() { run.at(&site) } else { run };
            run.exits(code).says(said);
            assert!(site.uploaded().is_empty() && place.tree("out").is_empty());
        }
    }
    assert_eq!(std::fs::read(place.path("notes.csv")).unwrap(), b"mine\n");
}

#[cfg(unix)]
#[test]
fn a_crosswalk_that_others_may_read_is_not_continued() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    place.file("private.csv", HEADER);
    std::fs::set_permissions(
        place.path("private.csv"),
        std::fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    place
        .run(RUN)
        .args(["--save-subjects", "private.csv"])
        .at(&Site::start())
        .exits(1)
        .says("chmod 600");
}

#[cfg(unix)]
#[test]
fn nothing_leaves_whose_row_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let (place, site) = (place(), Site::start());
    let full = HEADER.to_owned() + &"9,,A^B,,1.2,1.2.3,g/p,S9,v,a\n".repeat(3000);
    place.file("private.csv", &full);
    std::fs::set_permissions(
        place.path("private.csv"),
        std::fs::Permissions::from_mode(0o600),
    )
    .unwrap();
    // Also of packages that share a row with one before them.
    for package in ["series", "instance"] {
        place
            .run_limited("-f 64", RUN)
            .args(["--save-subjects", "private.csv", "--package", package])
            .at(&site)
            .exits(1)
            .says("error[crosswalk.unwritable]");
        assert!(site.uploaded().is_empty());
        assert_eq!(
            std::fs::read_to_string(place.path("private.csv")).unwrap(),
            full
        );
    }
    place
        .run(RUN)
        .args(["--save-subjects", "private.csv"])
        .at(&site)
        .exits(0);
    assert_eq!(crosswalk(&place).len(), 3003);
}

#[test]
fn with_a_key_digests_stand_in_place_of_values_and_the_holder_finds_a_patient() {
    let (place, site) = (place(), Site::start());
    let run = || {
        place
            .run(RUN)
            .args(["--save-subjects-keyed", "keyed.csv"])
            .at(&site)
            .exits(0)
    };
    run().says("keep the two apart");
    let text = std::fs::read_to_string(place.path("keyed.csv")).unwrap();
    assert_eq!(fixture::found_in(text.as_bytes()), [""; 0]);
    let mut mac = Hmac::<Sha256>::new_from_slice(&hex::decode(PSEUDONYM_KEY).unwrap()).unwrap();
    mac.update(b"fwupload crosswalk 1\0patient_id\0CANARY-0002");
    let digest = hex::encode(mac.finalize().into_bytes());
    let found: Vec<_> = text
        .lines()
        .filter(|line| line.contains(&digest))
        .collect();
    assert!(found.len() == 1 && found[0].contains(",S2,"), "{text}");
    let cells: Vec<_> = found[0].split(',').collect();
    assert_eq!(
        (cells.len(), cells[2]),
        (11, ""),
        "what is empty stays empty"
    );
    run();
    assert_eq!(
        std::fs::read_to_string(place.path("keyed.csv")).unwrap(),
        text
    );
    place
        .run(RUN)
        .args(["--save-subjects-keyed", "keyed.csv"])
        .without_pseudonym_key()
        .at(&site)
        .exits(5)
        .says("pseudonym.key-");
}

#[test]
fn cells_that_spreadsheets_would_run_are_harmless() {
    let place = place();
    let mut formula = Person::numbered(1);
    formula.id = "=CANARY".to_owned();
    formula.name = b"@CANARY^A, \"B\"".to_vec();
    let _ = std::fs::remove_dir_all(place.path("study"));
    place.file("study/1.dcm", Dicom::ct(&formula, 1).bytes());
    place.file("table.csv", "patient_id,subject\n'=CANARY,S1\n");
    place
        .run(RUN)
        .args(["--save-subjects", "private.csv"])
        .at(&Site::start())
        .exits(0);
    let rows = crosswalk(&place);
    assert!(
        rows[0].starts_with("'=CANARY,,\"'@CANARY^A, \"\"B\"\"\","),
        "{rows:?}"
    );
}
