//! `--subjects`: whose files they are by a table of the user's own, and what keeps a file from being
//! sent under a wrong one; `--extend-subjects`: who is new in a table of codes.

use std::io::{Cursor, Write};

use dicom_core::VR;
use dicom_dictionary_std::tags;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixture::{self, Dicom, PATH_MARK, Person, coded_to_the_last_uid};
use crate::run::{Place, Run, tree};
use crate::server::Site;

const RUN: &str = "study -p demo/phantom --profile coded.yaml --json --subjects";

/// The first slice of each of three patients, in a folder for each.
fn place(table: impl AsRef<[u8]>) -> Place {
    let place = Place::new();
    for number in 1..=3 {
        let file = Dicom::ct(&Person::numbered(number), 1);
        place.file(format!("study/p{number}/1.dcm"), file.bytes());
    }
    place.file("coded.yaml", coded_to_the_last_uid());
    place.file("table.csv", table);
    place
}

fn labels(site: &Site, kind: &str) -> Vec<String> {
    let mut labels: Vec<_> = site
        .containers(kind)
        .iter()
        .map(|container| {
            container["label"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    labels.sort();
    labels
}

/// A workbook whose cells are as given: `<c ...>` elements of each row, without place.
fn workbook(rows: &[&[&str]], shared: &[&str]) -> Vec<u8> {
    let cell = |row: usize, column: usize, cell: &&str| {
        let at = format!(
            " r=\"{}{row}\"",
            char::from(b'A' + u8::try_from(column).unwrap())
        );
        cell.replacen("<c", &format!("<c{at}"), 1)
    };
    let rows: String = (1..)
        .zip(rows)
        .map(|(row, cells)| {
            let cells: String = cells
                .iter()
                .enumerate()
                .map(|(column, text)| cell(row, column, text))
                .collect();
            format!("<row r=\"{row}\">{cells}</row>")
        })
        .collect();
    let strings: String = shared
        .iter()
        .map(|text| format!("<si><t>{text}</t></si>"))
        .collect();
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let relations = |all: &str| {
        format!("<Relationships xmlns=\"{package}/relationships\">{all}</Relationships>")
    };
    let members = [
        (
            "[Content_Types].xml",
            format!("<Types xmlns=\"{package}/content-types\"/>"),
        ),
        (
            "_rels/.rels",
            relations(&format!(
                "<Relationship Id=\"rId1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/>"
            )),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"codes\" \
                    sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&format!(
                "<Relationship Id=\"rId1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/>\
                    <Relationship Id=\"rId2\" Type=\"{office}/sharedStrings\" Target=\"sharedStrings.xml\"/>"
            )),
        ),
        (
            "xl/sharedStrings.xml",
            format!("<sst xmlns=\"{main}\">{strings}</sst>"),
        ),
        (
            // What it claims to hold is not believed.
            "xl/worksheets/sheet1.xml",
            format!(
                "<worksheet xmlns=\"{main}\"><dimension ref=\"A1:XFD1048576\"/>\
                    <sheetData>{rows}</sheetData></worksheet>"
            ),
        ),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in members {
        zip.start_file(name, SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes())
            .unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn subjects_and_sessions_come_from_the_table_and_nothing_else_of_it_is_sent() {
    let place = place(
        "# codes of the trial\npatient_id;subject;session\n canary-0001 ;S001;baseline\n\n\
            CANARY-0002;S002;\nCANARY-0003;S003;baseline\nCANARY-9999;S999;x\n",
    );
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["table.csv", "-vv"])
        .at(&site)
        .exits(0);
    assert_eq!(labels(&site, "subjects"), ["S001", "S002", "S003"]);
    assert_eq!(
        labels(&site, "sessions"),
        ["2023-09-14 10:15:30", "baseline", "baseline"]
    );
    assert!(
        ran.notice("subject-table")
            .contains("subject, session")
    );
    assert!(
        ran.notice("unused-rows")
            .ends_with("line 7")
    );
    let mut written = tree(&place.state());
    written.push((
        "said".into(),
        [ran.stdout, ran.stderr]
            .concat()
            .into(),
    ));
    written.extend(
        site.requests()
            .iter()
            .map(|request| (request.target.clone(), request.everything())),
    );
    for (what, bytes) in &written {
        assert_eq!(fixture::found_in(bytes), [""; 0], "{what}");
        assert!(
            !bytes
                .windows(4)
                .any(|part| part == b"S999"),
            "{what}"
        );
    }
}

#[test]
fn a_file_without_a_row_fails_and_near_misses_are_named_by_line_alone() {
    let place = place("patient_id,subject\nCANARY-1,S001\nCANARY-0002,S002\nCANARY-0004,S004\n");
    for flags in ["--dry-run", ""] {
        let site = Site::start();
        let ran = place
            .run(RUN)
            .args(["table.csv"])
            .args(flags.split_whitespace())
            .at(&site)
            .exits(3);
        let failed = ran.events_of("failed");
        assert_eq!(failed.len(), 2);
        for failure in &failed {
            assert_eq!(failure["code"], "route.not-in-table");
            assert!(
                failure["hint"]
                    .as_str()
                    .unwrap()
                    .contains("`PatientID`")
            );
            let near = failure["path"]
                .as_str()
                .unwrap()
                .contains("p1");
            let message = failure["message"].as_str().unwrap();
            assert_eq!(message.contains("line 2 comes near"), near, "{message}");
        }
        assert!(
            ran.notice("not-in-table")
                .starts_with("2 files without a row")
        );
        assert!(
            ran.notice("unused-rows")
                .ends_with("2 of 3 rows in the table of `--subjects`: lines 2 and 4")
        );
        let said = format!("{}{}{:?}", ran.stdout, ran.stderr, ran.report());
        assert_eq!(fixture::found_in(said.as_bytes()), [""; 0]);
        if flags.is_empty() {
            assert_eq!(labels(&site, "subjects"), ["S002"]);
        }
    }
    let nameless = Dicom::ct(&Person::plain(), 1).without(tags::PATIENT_ID);
    place.file("study/p1/1.dcm", nameless.bytes());
    let ran = place
        .run(RUN)
        .args(["table.csv", "--dry-run"])
        .at(&Site::start())
        .exits(3);
    assert!(
        ran.stdout
            .contains("the file has no PatientID (0010,0020)")
    );
}

#[test]
fn the_longest_path_wins_and_a_tie_is_not_guessed() {
    let table = "path,subject,session,acquisition\n.,REST,,\np1,A,one,\np1/1.dcm,B,one,T1 w\np?,C,,\np*,D,,\n";
    let place = place(table);
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["table.csv"])
        .at(&site)
        .exits(3);
    assert_eq!(labels(&site, "subjects"), ["B"]);
    assert_eq!(labels(&site, "acquisitions"), ["T1 w"]);
    let failures = ran.report();
    assert_eq!(failures.len(), 2);
    for failure in failures {
        assert_eq!(failure["code"], "route.table-unclear");
        assert!(
            failure["message"]
                .as_str()
                .unwrap()
                .contains("lines 5, 6")
        );
    }
}

#[test]
fn a_listed_file_is_not_taken_for_one_of_the_same_name() {
    let place = place("path,subject\n1.dcm,WRONG\np1,S1\np2,S2\np3,S3\n");
    let site = Site::start();
    let ran = place
        .run("study/p1/1.dcm -p demo/phantom --profile coded.yaml --json --subjects table.csv")
        .at(&site)
        .exits(9);
    assert_eq!(
        ran.failures(),
        [("1.dcm".to_owned(), "route.not-in-table".to_owned())]
    );
    assert!(
        ran.stdout
            .contains("name the folder")
    );
    assert!(site.uploaded().is_empty());
}

#[test]
fn several_keys_must_all_agree_and_any_keyword_is_one() {
    let place = place(
        "StudyInstanceUID,patient_name,accession_number,subject\n\
            1.2.826.0.1.3680043.10.9999.1.0.0,canary-quillfeather^ottoline,CANARY-ACC1,S1\n\
            1.2.826.0.1.3680043.10.9999.2.0.0,CANARY-Quillfeather^Ottoline,CANARY-ACC2,S2\n",
    );
    let site = Site::start();
    place
        .run(RUN)
        .args(["table.csv"])
        .at(&site)
        .exits(3);
    assert_eq!(labels(&site, "subjects"), ["S1"]);
}

#[test]
fn encodings_separators_and_quotes_are_those_of_spreadsheets() {
    let text = "patient_name;subject\r\n\"CANARY-Müller^Jürgen\";\"S;1\"\r\n";
    let utf16: Vec<u8> = std::iter::once(0xFEFF)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let tabbed = text
        .replace(';', "\t")
        .replace("S\t1", "S;1");
    for (name, bytes) in [
        ("t.csv", text.as_bytes().to_vec()),
        ("t.csv", [b"\xEF\xBB\xBF", text.as_bytes()].concat()),
        ("t.csv", utf16),
        ("t.tsv", tabbed.into_bytes()),
    ] {
        let place = Place::new();
        place.file("study/1.dcm", Dicom::ct(&Person::latin(), 1).bytes());
        place.file("coded.yaml", coded_to_the_last_uid());
        place.file(name, bytes);
        let site = Site::start();
        place
            .run(RUN)
            .args([name])
            .at(&site)
            .exits(0);
        assert_eq!(labels(&site, "subjects"), ["S;1"]);
    }
}

#[test]
fn a_workbook_keeps_leading_zeros_and_its_numbers_and_formulas_are_checked() {
    let place = Place::new();
    let file = Dicom::ct(&Person::plain(), 1).text(tags::PATIENT_ID, VR::LO, "00123");
    place.file("study/1.dcm", file.bytes());
    let file = Dicom::ct(&Person::numbered(2), 1).text(tags::PATIENT_ID, VR::LO, "4711");
    place.file("study/2.dcm", file.bytes());
    place.file("coded.yaml", coded_to_the_last_uid());
    let text = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let (zeros, subject) = (text("00123"), text("S2"));
    let good = workbook(
        &[
            &["<c t=\"s\"><v>0</v></c>", "<c t=\"s\"><v>1</v></c>"],
            &[],
            &[&zeros, "<c><v>7</v></c>"],
            &["<c><v>4711</v></c>", &subject],
        ],
        &["patient_id", "subject"],
    );
    place.file("good.xlsx", &good);
    let site = Site::start();
    place
        .run(RUN)
        .args(["good.xlsx"])
        .at(&site)
        .exits(0);
    assert_eq!(labels(&site, "subjects"), ["7", "S2"]);
    let bad = workbook(
        &[
            &["<c t=\"s\"><v>0</v></c>", "<c t=\"s\"><v>1</v></c>"],
            &["<c><v>1.5</v></c>", &subject],
            &["<c><f>A1&amp;B1</f><v>3</v></c>", &subject],
            &["<c t=\"b\"><v>1</v></c>", &subject],
            &[&zeros, &subject, &subject],
            &[&zeros],
            &["<c><v>123456789012345678</v></c>", &subject],
        ],
        &["patient_id", "subject"],
    );
    place.file("bad.xlsx", bad);
    place.file("torn.xlsx", &good[..good.len() / 2]);
    let ran = place
        .run(RUN)
        .args(["bad.xlsx"])
        .at(&Site::start())
        .exits(2);
    ran.says("error[subjects.invalid]")
        .says("line 2: column 1 holds a number that is not whole")
        .says("line 3: column 1 holds a formula")
        .says("line 4: column 1 holds a truth value")
        .says("line 5: it has 3 cells")
        .says("line 6: column 2 is an empty subject")
        .says("line 7: column 1 holds a number")
        .does_not_say("00123");
    place
        .run(RUN)
        .args(["torn.xlsx"])
        .at(&Site::start())
        .exits(2)
        .says("it cannot be read as a workbook");
}

#[test]
fn a_bad_table_stops_the_run_with_all_its_faults_by_line() {
    for (table, said) in [
        (
            "patient_id,subject\nCANARY-1,S1,more\n,S2\nCANARY-3,\n=1+1,S4\nCANARY-5,S5\nCanary-5 ,S6\nCANARY-7,S7\nCANARY-7,S7\n",
            &[
                "line 2: it has 3 cells",
                "line 3: column 1 is an empty key",
                "line 4: column 2 is an empty subject",
                "line 5: column 1 holds a formula",
                "lines 6, 7: they have the same key and do not give the same",
                "lines 8, 9: they are the same row",
            ] as &[&str],
        ),
        (
            "CANARY-1,S1\n",
            &["line 1: column 1 has no name", "line 1: column 2"],
        ),
        ("patent_id,subjekt\n1,2\n", &["`PatientID`", "`subject`"]),
        (
            "patient_id,accession_number\n1,2\n",
            &["no column is a result"],
        ),
        ("subject,session\n1,2\n", &["no column is a key"]),
        ("patient_id,subject\n", &["no row stands below"]),
        ("# nothing\n", &["no line with anything in it"]),
        (
            "patient_id,subject\n\"CANARY,S1\n2,S2\n",
            &["line 2: a cell goes on"],
        ),
        (
            "patient_id,subject\n1,a/b\n2,a:b\n",
            &["lines 2, 3: they give different subjects"],
        ),
    ] {
        let place = place(table);
        let site = Site::start();
        let ran = place
            .run(RUN)
            .args(["table.csv"])
            .at(&site)
            .exits(2);
        ran.says("error[subjects.invalid]");
        for text in said {
            ran.says(text);
        }
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!(fixture::found_in(all.as_bytes()), [""; 0]);
        assert!(site.uploaded().is_empty());
    }
    for name in ["missing.csv", "table.ods", "study"] {
        place("")
            .run(RUN)
            .args([name])
            .at(&Site::start())
            .exits(2)
            .says("error[subjects.invalid]");
    }
}

#[test]
fn a_table_of_flywheels_own_client_is_read_and_no_code_is_made() {
    let place = place(
        "S{SubjectCode:03},PatientID,PatientBirthDate\nS001,canary-0001,19330717\nS007,CANARY-0002,19330717\n",
    );
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["table.csv"])
        .at(&site)
        .exits(3);
    assert_eq!(labels(&site, "subjects"), ["S001", "S007"]);
    assert_eq!(
        ran.failures(),
        [("1.dcm".to_owned(), "route.not-in-table".to_owned())]
    );
}

fn table_of(place: &Place) -> String {
    std::fs::read_to_string(place.path("table.csv")).unwrap()
}

#[test]
fn a_table_of_codes_is_continued_in_the_order_of_its_keys_before_anything_is_sent() {
    let begun = "\u{FEFF}# ours\r\nS{SubjectCode:03},PatientID\r\nS007,CANARY-0002";
    let place = place(begun);
    let site = Site::start();
    let run = || {
        place
            .run(RUN)
            .args(["table.csv", "--extend-subjects"])
            .at(&site)
    };
    let ran = run().args(["--dry-run"]).exits(0);
    assert!(
        ran.notice("new-subjects")
            .starts_with("2 rows would be added"),
    );
    assert_eq!(table_of(&place), begun, "a dry run writes nothing");

    let ran = run().exits(0);
    assert_eq!(
        ran.notice("new-subjects"),
        "2 rows are added to the table of `--subjects`, lines 4, 5: S008 to S009"
    );
    let continued = format!("{begun}\r\nS008,canary-0001\r\nS009,canary-0003\r\n");
    assert_eq!(table_of(&place), continued);
    assert_eq!(labels(&site, "subjects"), ["S007", "S008", "S009"]);

    let ran = run().exits(0);
    assert!(ran.events_of("uploaded").is_empty(), "all is there");
    assert_eq!(table_of(&place), continued);

    let file = Dicom::ct(&Person::numbered(0), 1);
    place.file("study/p0/1.dcm", file.bytes());
    run().exits(0);
    assert_eq!(
        table_of(&place),
        format!("{continued}S010,canary-0000\r\n"),
        "who comes first in the order and later in time gets a later code"
    );
    assert_eq!(labels(&site, "subjects").len(), 4);
}

#[test]
fn a_table_of_codes_may_begin_without_a_row_and_on_any_number_of_cores_gives_the_same() {
    let written = ["1", "2"].map(|jobs| {
        let place = place("{SubjectCode}\tPatientID\tPatientBirthDate\n");
        let table = place.path("table.tsv");
        std::fs::rename(place.path("table.csv"), &table).unwrap();
        place
            .run(RUN)
            .args(["table.tsv", "--extend-subjects", "--jobs", jobs])
            .at(&Site::start())
            .exits(0);
        std::fs::read_to_string(table).unwrap()
    });
    assert_eq!(
        written,
        ["{SubjectCode}\tPatientID\tPatientBirthDate\n1\tcanary-0001\t19330717\n\
            2\tcanary-0002\t19330717\n3\tcanary-0003\t19330717\n"; 2]
    );
}

#[cfg(unix)]
#[test]
fn a_table_keeps_its_mode_and_lies_behind_its_link_when_it_is_continued() {
    use std::os::unix::fs::PermissionsExt;
    let place = place("S{SubjectCode},PatientID\n");
    let (table, real) = (place.path("table.csv"), place.path("real.csv"));
    std::fs::rename(&table, &real).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.csv", &table).unwrap();
    place
        .run(RUN)
        .args(["table.csv", "--extend-subjects"])
        .at(&Site::start())
        .exits(0);
    assert!(table.is_symlink());
    assert_eq!(table_of(&place).lines().count(), 4);
    let mode = std::fs::metadata(real)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// Continues an empty table, in the place of which another stands before the first file is read:
/// the pseudonym key is asked for in between.
fn while_the_table_becomes<'a>(place: &'a Place, other: &str, site: &Site) -> Run<'a> {
    place.file("other.csv", other);
    let command = if cfg!(windows) {
        format!("copy /y other.csv table.csv >nul & echo {:064}", 7)
    } else {
        "cp other.csv table.csv; printf %064d 7".to_owned()
    };
    place
        .run("study -p demo/phantom --profile basic --subjects table.csv --extend-subjects")
        .args(["--pseudonym-key-command", &command])
        .without_pseudonym_key()
        .at(site)
}

#[test]
fn nothing_is_sent_by_a_table_that_changed_while_it_was_to_be_continued() {
    let place = place("S{SubjectCode},PatientID\n");
    let site = Site::start();
    let other = "S{SubjectCode},PatientID\nS1,canary-0003\n";
    while_the_table_becomes(&place, other, &site)
        .exits(1)
        .says("error[subjects.unwritable]")
        .says("it has changed since it was read");
    assert!(site.uploaded().is_empty());
    assert_eq!(table_of(&place), other);
}

#[test]
fn a_shard_goes_on_with_the_table_that_another_has_continued_alike() {
    let place = place("S{SubjectCode},PatientID\n");
    let site = Site::start();
    let all = "S{SubjectCode},PatientID\nS1,canary-0001\nS2,canary-0002\nS3,canary-0003\n";
    while_the_table_becomes(&place, all, &site).exits(0);
    assert_eq!(labels(&site, "subjects"), ["S1", "S2", "S3"]);
    assert_eq!(table_of(&place), all);
}

#[test]
fn what_is_near_a_row_is_not_new_and_new_rows_near_each_other_are_named() {
    let place = place("S{SubjectCode},PatientID\nS1,canary-1\n");
    let mut person = Person::numbered(4);
    person.id = "CANARY-00002".to_owned();
    place.file("study/p4/1.dcm", Dicom::ct(&person, 1).bytes());
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["table.csv", "--extend-subjects"])
        .at(&site)
        .exits(3);
    assert_eq!(
        ran.failures(),
        [("1.dcm".to_owned(), "route.not-in-table".to_owned())]
    );
    ran.says("line 2 comes near");
    assert!(
        ran.notice("near-subjects")
            .contains("lines 3, 4")
    );
    assert_eq!(labels(&site, "subjects"), ["S2", "S3", "S4"]);
}

#[test]
fn two_patients_do_not_get_one_new_code() {
    let begun = "S{SubjectCode},PatientBirthDate\n";
    let place = place(begun);
    let site = Site::start();
    place
        .run(RUN)
        .args(["table.csv", "--extend-subjects"])
        .at(&site)
        .exits(6)
        .says("error[route.several-patients]");
    assert!(site.uploaded().is_empty());
    assert_eq!(table_of(&place), begun);
}

#[test]
fn a_table_that_cannot_be_continued_is_refused_before_anything_is_read() {
    let utf_16: Vec<u8> = "\u{FEFF}S{SubjectCode},PatientID\nS1,a\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (table, said) in [
        (
            &b"patient_id,subject\na,S1\n"[..],
            "begins with a code format",
        ),
        (
            b"S{SubjectCode:3},PatientID\nS1,a\n",
            "fills short numbers with blanks",
        ),
        (b"S1-{SubjectCode},PatientID\n", "digits beside the number"),
        (
            b"S{SubjectCode},PatientID\nS99999999999999999999,a\n",
            "line 2",
        ),
        (&utf_16, "save it as CSV UTF-8"),
    ] {
        place(table)
            .run(RUN)
            .args(["table.csv", "--extend-subjects"])
            .at(&Site::start())
            .exits(2)
            .says("error[subjects.invalid]")
            .says(said);
    }
    place("")
        .run("study -p demo/phantom --extend-subjects")
        .at(&Site::start())
        .exits(2)
        .says("--subjects");
}

#[test]
fn two_patients_do_not_become_one_subject_by_a_table_unless_asked_to() {
    let place = place("path,subject\np1,S1\np2,S1\np3,S2\n");
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["table.csv"])
        .at(&site)
        .exits(6);
    ran.says("error[route.several-patients]")
        .says("lines 2, 3: one subject for 2 patients")
        .says("--merge-patients");
    assert!(site.uploaded().is_empty());
    place
        .run(RUN)
        .args(["table.csv", "--merge-patients"])
        .at(&site)
        .exits(0);
    assert_eq!(labels(&site, "subjects"), ["S1", "S2"]);
}

#[test]
fn a_label_of_the_table_is_searched_for_what_cleaning_removed() {
    let place = place(
        "patient_id,subject,session\nCANARY-0001,S1,Quillfeather\nCANARY-0002,S2,x\nCANARY-0003,S3,x\n",
    );
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args(["table.csv"])
        .at(&site)
        .exits(3);
    assert_eq!(
        ran.failures(),
        [("1.dcm".to_owned(), "residual.identifier-left".to_owned())]
    );
    assert_eq!(labels(&site, "subjects"), ["S2", "S3"]);
    ran.does_not_say("Quillfeather");
}

#[test]
fn a_flag_and_a_table_do_not_give_the_same_and_may_give_different_things() {
    let place = place("patient_id,session\nCANARY-0001,a\nCANARY-0002,b\nCANARY-0003,c\n");
    place
        .run(RUN)
        .args(["table.csv", "--session", "x"])
        .at(&Site::start())
        .exits(2)
        .says("the table of `--subjects` and `--session` both");
    let site = Site::start();
    place
        .run(RUN)
        .args(["table.csv", "--subject", "ONE", "--merge-patients"])
        .at(&site)
        .exits(0);
    assert_eq!(labels(&site, "subjects"), ["ONE"]);
    assert_eq!(labels(&site, "sessions"), ["a", "b", "c"]);
}

#[test]
fn the_table_goes_before_a_header_that_has_no_patient_id_left() {
    let place = place("patient_id,subject\nCANARY-0001,S1\nCANARY-0002,S2\nCANARY-0003,S3\n");
    place.file(
        "coded.yaml",
        coded_to_the_last_uid().replace("PatientID, hash: true", "PatientID, remove: true"),
    );
    let site = Site::start();
    place
        .run(RUN)
        .args(["table.csv"])
        .at(&site)
        .exits(0);
    assert_eq!(labels(&site, "subjects"), ["S1", "S2", "S3"]);
}

#[test]
fn what_was_sent_under_another_row_does_not_count_as_done() {
    let place = place("patient_id,subject\nCANARY-0001,S1\nCANARY-0002,S2\nCANARY-0003,S3\n");
    let site = Site::start();
    let run = || {
        place
            .run(RUN)
            .args(["table.csv"])
            .at(&site)
            .exits(0)
            .end()
    };
    run();
    assert_eq!(run()["totals"]["already_there"], 3);
    place.file(
        "table.csv",
        "patient_id,subject\nCANARY-0001,S1\nCANARY-0002,S2b\nCANARY-0003,S3\nCANARY-0005,S5\n",
    );
    let totals = &run()["totals"];
    assert_eq!(
        (&totals["already_there"], &totals["uploaded"]),
        (&2.into(), &1.into())
    );
    assert_eq!(labels(&site, "subjects"), ["S1", "S2", "S2b", "S3"]);
}

#[test]
fn a_table_among_the_data_is_never_sent_and_its_name_is_redacted() {
    let place = place("");
    let name = format!("study/{PATH_MARK}.csv");
    place.file(&name, "path,subject\np1,S1\np2,S2\np3,S3\n");
    let site = Site::start();
    let ran = place
        .run(RUN)
        .args([
            &name,
            "--other-files",
            "upload",
            "-y",
            "--redact-paths",
            "-v",
        ])
        .at(&site)
        .exits(0);
    assert_eq!(ran.end()["totals"]["skipped_by"]["subject-table"], 1);
    assert_eq!(ran.end()["totals"]["uploaded"], 3);
    assert!(!ran.stdout.contains(PATH_MARK) && !ran.stderr.contains(PATH_MARK));
    place.file(&name, "path\n");
    place
        .run(RUN)
        .args([&name, "--redact-paths"])
        .at(&site)
        .exits(2)
        .does_not_say(PATH_MARK);
}

#[test]
fn shards_use_one_table_and_tell_only_what_none_of_them_uses() {
    let place = place(
        "patient_id,subject\nCANARY-0001,S1\nCANARY-0002,S2\nCANARY-0003,S3\nCANARY-0004,S4\n",
    );
    let site = Site::start();
    for shard in ["1/2", "2/2"] {
        let ran = place
            .run(RUN)
            .args(["table.csv", "--shard", shard])
            .at(&site)
            .exits(0);
        assert!(
            ran.notice("unused-rows")
                .ends_with(": line 5")
        );
    }
    assert_eq!(labels(&site, "subjects"), ["S1", "S2", "S3"]);
}
