//! What arrives on the server: packages, names, containers; and what happens when something is
//! there already.

use std::collections::BTreeSet;

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::archive::{is_zip, members};
use crate::fixture::{CODED, Dicom, Person};
use crate::run::Place;
use crate::server::{Request, Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml";

/// A CT series of three slices and a single MR instance of one person.
fn place() -> Place {
    let person = Person::plain();
    let place =
        Place::with((1..=3).map(|n| (format!("study/ct{n}.dcm"), Dicom::ct(&person, n).bytes())));
    place.file("study/mr.dcm", Dicom::mr(&person).bytes());
    place.file("coded.yaml", CODED);
    place
}

fn uploads(site: &Site) -> Vec<Request> {
    site.requests_to("POST", "/api/acquisitions/*/files")
}

fn names(site: &Site) -> Vec<String> {
    let mut names: Vec<String> = site
        .uploaded()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    names.sort();
    names
}

#[test]
fn a_series_is_one_zip_also_while_it_has_one_instance() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .at(&site)
        .exits(0)
        .says("4 files");
    assert_eq!(
        names(&site),
        ["1 - Thorax 1.0 B30f.dicom.zip", "2 - t1 mprage.dicom.zip"]
    );
}

#[test]
fn members_are_named_by_the_cleaned_instance_and_read_back() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    let (_, zip) = site
        .uploaded()
        .into_iter()
        .find(|(_, bytes)| is_zip(bytes))
        .unwrap();
    let members = members(&zip);
    assert_eq!(members.len(), 3);
    for (name, bytes) in members {
        let file = dicom_object::from_reader(&bytes[..]).unwrap();
        let uid = file
            .element_by_name("SOPInstanceUID")
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches('\0')
            .to_owned();
        assert_eq!(name, format!("{uid}.CT.dcm"));
        assert_eq!(
            file.meta()
                .media_storage_sop_instance_uid(),
            uid
        );
        assert!(
            bytes[..128]
                .iter()
                .all(|byte| *byte == 0),
            "the preamble is empty"
        );
        assert_eq!(
            file.meta()
                .source_application_entity_title(),
            None
        );
    }
}

#[test]
fn by_instance_each_goes_alone() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--package", "instance"])
        .at(&site)
        .exits(0);
    let told = |r: &crate::server::Request| {
        r.everything()
            .windows(19)
            .any(|w| w == b"\"application/dicom\"")
    };
    assert!(
        site.requests_to("POST", "/api/acquisitions/*/files")
            .iter()
            .all(told),
        "each is said to be DICOM"
    );
    let uploaded = site.uploaded();
    assert_eq!(uploaded.len(), 4);
    assert_eq!(
        names(&site)
            .iter()
            .collect::<BTreeSet<_>>()
            .len(),
        4,
        "each has a name of its own"
    );
    assert!(
        uploaded
            .iter()
            .all(|(_, bytes)| dicom_object::from_reader(&bytes[..]).is_ok())
    );
}

#[test]
fn containers_follow_the_cleaned_header() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    let bodies = |path| {
        site.requests_to("POST", path)
            .into_iter()
            .map(|r| serde_json::from_slice::<serde_json::Value>(&r.body).unwrap())
    };
    assert_eq!(bodies("/api/subjects").count(), 1);
    let session: Vec<_> = bodies("/api/sessions").collect();
    assert_eq!(session.len(), 1);
    let labels: BTreeSet<String> = bodies("/api/acquisitions")
        .map(|b| {
            b["label"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        labels,
        ["1 - Thorax 1.0 B30f", "2 - t1 mprage"]
            .map(String::from)
            .into()
    );
    let (_, zip) = site
        .uploaded()
        .into_iter()
        .find(|(_, bytes)| is_zip(bytes))
        .unwrap();
    let file = dicom_object::from_reader(&members(&zip)[0].1[..]).unwrap();
    let study = file
        .element_by_name("StudyInstanceUID")
        .unwrap()
        .to_str()
        .unwrap()
        .trim_end_matches('\0')
        .to_owned();
    assert_eq!(session[0]["uid"], study.as_str());
}

#[test]
fn subject_and_session_can_be_named() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--subject", "s 01", "--session", "baseline"])
        .at(&site)
        .exits(0);
    let subject = String::from_utf8(
        site.requests_to("POST", "/api/subjects")[0]
            .body
            .clone(),
    )
    .unwrap();
    let session = String::from_utf8(
        site.requests_to("POST", "/api/sessions")[0]
            .body
            .clone(),
    )
    .unwrap();
    assert!(
        subject.contains("\"s 01\"") && session.contains("\"baseline\""),
        "{subject} {session}"
    );
}

#[test]
fn the_form_states_name_type_and_members_before_the_file() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    for request in uploads(&site) {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let (metadata, file) = (
            body.find("name=\"metadata\"")
                .unwrap(),
            body.find("name=\"file\"").unwrap(),
        );
        assert!(metadata < file);
        assert!(
            !body[metadata..file]
                .lines()
                .next()
                .unwrap()
                .contains("filename"),
            "the metadata is no file"
        );
        assert!(body[metadata..file].contains("\"type\":\"dicom\""));
    }
}

#[test]
fn every_body_states_its_exact_length_and_the_key_travels_in_the_header_alone() {
    for setup in [Site::setup(), Site::setup().signed_urls()] {
        let (place, site) = (place(), setup.start());
        place.run(USUAL).at(&site).exits(0);
        for request in site.requests() {
            let target = format!("{} {}", request.method, request.target);
            assert_ne!(request.answered, 411, "{target}");
            let states_length = request
                .header("content-length")
                .is_some()
                || request.body.is_empty();
            assert!(states_length, "{target}");
            assert!(
                !request
                    .target
                    .contains("sandbox-key"),
                "{target}"
            );
            assert!(
                !String::from_utf8_lossy(&request.body).contains("sandbox-key"),
                "{target}"
            );
        }
    }
}

#[test]
fn signed_urls_take_the_bytes_past_the_api() {
    let (place, site) = (place(), Site::setup().signed_urls().start());
    place.run(USUAL).at(&site).exits(0);
    let puts: Vec<Request> = site
        .requests()
        .into_iter()
        .filter(|r| r.method == "PUT")
        .collect();
    assert_eq!(puts.len(), 2);
    for put in &puts {
        assert!(
            put.header("authorization")
                .is_none(),
            "the storage host must not see the key"
        );
        assert_eq!(
            put.header("content-length"),
            Some(put.body.len().to_string().as_str())
        );
    }
    assert!(
        uploads(&site)
            .iter()
            .all(|r| r.target.contains("?ticket=") && r.body.len() < 1000)
    );
    assert_eq!(
        names(&site),
        ["1 - Thorax 1.0 B30f.dicom.zip", "2 - t1 mprage.dicom.zip"]
    );
}

#[test]
fn both_ways_of_uploading_bring_the_same_bytes() {
    let place = place();
    let [form, signed] = [Site::start(), Site::setup().signed_urls().start()];
    place.run(USUAL).at(&form).exits(0);
    place
        .run(USUAL)
        .at(&signed)
        .exits(0);
    assert!(form.uploaded() == signed.uploaded());
}

#[test]
fn without_a_ticket_the_form_is_used() {
    let site = Site::setup()
        .signed_urls()
        .rule(on("POST", "/api/acquisitions/*/files?ticket=").answer_with(200, "null"))
        .start();
    let place = place();
    place.run(USUAL).at(&site).exits(0);
    assert_eq!(names(&site).len(), 2);
}

#[test]
fn signed_urls_can_be_declined() {
    let (place, site) = (place(), Site::setup().signed_urls().start());
    place
        .run(USUAL)
        .args(["--no-signed-urls"])
        .at(&site)
        .exits(0);
    assert!(
        site.requests()
            .iter()
            .all(|r| r.method != "PUT")
    );
    assert_eq!(names(&site).len(), 2);
}

#[test]
fn running_it_again_sends_nothing_twice() {
    let (place, site) = (place(), Site::start());
    place.run(USUAL).at(&site).exits(0);
    let sent = uploads(&site).len();
    let ran = place
        .run(USUAL)
        .args(["--json"])
        .at(&site)
        .exits(0);
    assert_eq!(ran.end()["totals"]["already_there"], 4);
    ran.says("Already");
    assert_eq!(uploads(&site).len(), sent);
}

#[test]
fn if_exists_replace_makes_a_new_version_and_fail_fails() {
    let (first, site) = (place(), Site::start());
    first.run(USUAL).at(&site).exits(0);
    // Another machine does not know that these are the same.
    let place = place();
    let ran = place
        .run(USUAL)
        .args(["--if-exists", "fail"])
        .at(&site)
        .exits(9);
    assert!(
        ran.failures()
            .iter()
            .all(|(_, code)| code == "upload.exists")
    );
    let sent = uploads(&site).len();
    place
        .run(USUAL)
        .args(["--if-exists", "replace", "-y"])
        .at(&site)
        .exits(0)
        .says("Uploaded");
    assert_eq!(uploads(&site).len(), sent + 2);
}

#[test]
fn two_persons_go_to_two_subjects() {
    let place = Place::with([1, 5].map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::numbered(n), 1).bytes(),
        )
    }));
    place.file("coded.yaml", CODED);
    let site = Site::start();
    place
        .run(USUAL)
        .at(&site)
        .exits(0)
        .says("2 subjects");
    assert_eq!(
        site.requests_to("POST", "/api/subjects")
            .len(),
        2
    );
}

#[test]
fn every_way_to_name_the_project() {
    let place = place();
    let site = Site::start();
    place.run(USUAL).at(&site).exits(0);
    let lookup = site.requests_to("GET", "/api/projects/*/settings");
    let id = lookup[0]
        .target
        .split('/')
        .nth(3)
        .unwrap()
        .to_owned();
    for name in ["fw://demo/phantom", &id, "phantom"] {
        place
            .run("study --profile coded.yaml")
            .args(["-p", name])
            .at(&site)
            .exits(0)
            .says("demo/phantom");
    }
    for name in ["demo", "Phantom", "demo/phantom/sub", "demo/Phantom"] {
        let ran = place
            .run("study --profile coded.yaml")
            .args(["-p", name])
            .at(&site)
            .ends();
        assert!(
            matches!(ran.code, Some(2 | 6)),
            "{name}: {:?}\n{}",
            ran.code,
            ran.stderr
        );
    }
}

#[test]
fn a_missing_project_is_created_on_request_only() {
    let (place, site) = (place(), Site::setup().start());
    let new = "study -p demo/new --profile coded.yaml";
    place.run(new).at(&site).exits(6);
    assert!(
        site.requests_to("POST", "/api/projects")
            .is_empty()
    );
    place
        .run(new)
        .args(["--create-project", "-y"])
        .at(&site)
        .exits(0);
    assert_eq!(
        site.requests_to("POST", "/api/projects")
            .len(),
        1
    );
    assert_eq!(names(&site).len(), 2);
}

#[test]
fn other_files_stay_unless_asked_for() {
    let place = place();
    place.file("study/scan PATHMARK.txt", "parameters");
    let site = Site::start();
    place.run(USUAL).at(&site).exits(0);
    assert_eq!(names(&site).len(), 2);
    let ran = place
        .run(USUAL)
        .args(["--other-files", "fail"])
        .at(&site)
        .exits(3);
    assert_eq!(
        ran.failures(),
        [("scan PATHMARK.txt".into(), "discover.other-file".into())]
    );
}

#[test]
fn other_files_go_without_their_names_unless_those_are_kept() {
    let place = place();
    place.file("study/scan PATHMARK.txt", "parameters");
    let site = Site::start();
    let ran = place
        .run(USUAL)
        .args(["--other-files", "upload", "-y"])
        .at(&site)
        .exits(0);
    ran.says("warning");
    let others: Vec<_> = site
        .uploaded()
        .into_iter()
        .filter(|(_, bytes)| bytes == b"parameters")
        .collect();
    assert_eq!(others.len(), 1);
    assert!(!others[0].0.contains("PATHMARK"), "{}", others[0].0);
    let keeping = Site::start();
    place
        .run(USUAL)
        .args(["--other-files", "upload", "--keep-names", "-y"])
        .at(&keeping)
        .exits(0);
    assert!(
        names(&keeping).contains(&"scan PATHMARK.txt".to_owned()),
        "{:?}",
        names(&keeping)
    );
}

#[test]
fn a_dry_run_does_everything_but_write() {
    let (place, site) = (place(), Site::start());
    let ran = place
        .run(USUAL)
        .args(["--dry-run", "--json"])
        .at(&site)
        .exits(0);
    assert_eq!(ran.end()["totals"]["prepared"], 4);
    assert!(site.uploaded().is_empty());
    for request in site.requests() {
        let reads = request.method == "GET"
            || request
                .target
                .starts_with("/api/lookup")
            || request
                .target
                .starts_with("/api/resolve");
        assert!(reads, "{} {}", request.method, request.target);
    }
}

#[test]
fn the_output_folder_holds_what_would_have_been_sent() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--output", "out"])
        .at(&site)
        .exits(0);
    assert!(site.uploaded().is_empty());
    let written = place.tree("out");
    let paths: Vec<Vec<&str>> = written
        .iter()
        .map(|(path, _)| path.split('/').collect())
        .collect();
    assert_eq!(paths.len(), 2);
    for path in &paths {
        assert_eq!(
            path.len(),
            6,
            "group/project/subject/session/acquisition/file: {path:?}"
        );
        assert_eq!(path[..2], ["demo", "phantom"]);
    }
    place.run(USUAL).at(&site).exits(0);
    let mut sent: Vec<Vec<u8>> = site
        .uploaded()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    let mut wrote: Vec<Vec<u8>> = written
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    sent.sort();
    wrote.sort();
    assert!(sent == wrote, "byte for byte");
}

/// Twelve series that carry the same number and description, as repeated scans may.
fn alike() -> Place {
    let series = (1..=12).map(|n| {
        let slice = Dicom::ct(&Person::plain(), n).text(
            tags::SERIES_INSTANCE_UID,
            VR::UI,
            &format!("1.2.3.{n}"),
        );
        (format!("study/{n}.dcm"), slice.bytes())
    });
    let place = Place::with(series);
    place.file("coded.yaml", CODED);
    place
}

#[test]
fn series_that_are_labelled_alike_stay_apart_on_the_server() {
    let (place, site) = (alike(), Site::start());
    place
        .run(USUAL)
        .args(["--uploads", "8"])
        .at(&site)
        .exits(0);
    assert_eq!(site.uploaded().len(), 12);
    assert_eq!(
        site.requests_to("POST", "/api/subjects")
            .len(),
        1,
        "one request for each container, however many want it"
    );
    assert_eq!(
        site.requests_to("POST", "/api/sessions")
            .len(),
        1
    );
    assert_eq!(
        site.requests_to("POST", "/api/acquisitions")
            .len(),
        12
    );
    let again = place
        .run(USUAL)
        .args(["--uploads", "8", "--json"])
        .at(&site)
        .exits(0);
    assert_eq!(again.end()["totals"]["already_there"], 12);
}

#[test]
fn in_the_output_folder_nothing_is_overwritten_and_counted_as_written() {
    let place = alike();
    let ran = place
        .run(USUAL)
        .args(["--output", "out", "--offline", "--json"])
        .ends();
    assert_eq!(
        ran.end()["totals"]["prepared"].as_u64(),
        Some(place.tree("out").len() as u64)
    );
    assert_eq!(ran.failures().len() + place.tree("out").len(), 12);
}

#[test]
fn writing_into_the_same_folder_again_follows_if_exists() {
    let place = place();
    let run = |more: &str| {
        place
            .run(USUAL)
            .args("--output out --offline --json".split(' '))
            .args(more.split_whitespace())
    };
    run("").exits(0);
    let first = place.tree("out");
    assert_eq!(run("").exits(0).end()["totals"]["already_there"], 4);
    run("--if-exists fail").exits(9);
    place.file(
        "study/ct1.dcm",
        Dicom::ct(&Person::plain(), 1)
            .text(tags::KVP, VR::DS, "80")
            .bytes(),
    );
    let ran = run("").exits(3);
    assert!(
        ran.failures()
            .iter()
            .all(|(name, code)| name.starts_with("ct") && code == "upload.exists"),
        "{:?}",
        ran.failures()
    );
    assert!(place.tree("out") == first, "nothing was written over");
    run("--if-exists replace -y").exits(0);
    assert!(place.tree("out") != first);
}

#[test]
fn patients_who_share_a_series_uid_are_not_packed_together() {
    let person = Person::plain();
    let other = Dicom::ct(&person, 2).text(tags::PATIENT_ID, VR::LO, "CANARY-OTHER");
    let place = Place::with([
        ("study/1.dcm", Dicom::ct(&person, 1).bytes()),
        ("study/2.dcm", other.bytes()),
    ]);
    place.file("coded.yaml", CODED);
    let site = Site::start();
    place
        .run(USUAL)
        .at(&site)
        .exits(0)
        .says("2 subjects");
    assert_eq!(site.uploaded().len(), 2);
}

#[test]
fn labels_cannot_lead_out_of_the_output_folder() {
    for (id, description) in [
        ("../../../PATHMARK", "t2* a/b\\.."),
        ("/etc/PATHMARK", "C:\\x"),
        ("PATHMARK", ".."),
    ] {
        let file = Dicom::ct(&Person::plain(), 1)
            .text(tags::PATIENT_ID, VR::LO, id)
            .text(tags::SERIES_DESCRIPTION, VR::LO, description);
        let place = Place::with([("study/1.dcm", file.bytes())]);
        place
            .run("study -p demo/phantom --no-deid -y --offline --output out")
            .ends();
        let stray: Vec<String> = place
            .tree("")
            .into_iter()
            .map(|(path, _)| path)
            .filter(|path| path.contains("PATHMARK"))
            .collect();
        assert!(
            stray
                .iter()
                .all(|path| path.starts_with("out/demo/phantom/") && path.split('/').count() == 7),
            "{stray:?}"
        );
        assert!(place.tree("out").len() <= 1);
    }
}

#[test]
fn a_label_that_several_projects_have_is_not_guessed() {
    let (place, site) = (place(), Site::start());
    site.post("/api/groups", r#"{"_id":"other","label":"other"}"#);
    place
        .run("study -p other/phantom --profile coded.yaml --create-project -y")
        .at(&site)
        .exits(0);
    let ran = place
        .run("study -p phantom --profile coded.yaml")
        .at(&site)
        .exits(6);
    ran.says("error[project.ambiguous]")
        .says("demo/phantom")
        .says("other/phantom");
}

#[test]
fn settings_may_come_from_the_environment_but_not_decisions() {
    let (place, site) = (place(), Site::start());
    let base = || {
        place
            .run("study")
            .at(&site)
            .env("FWUPLOAD_PROJECT", "demo/phantom")
    };
    base()
        .env("FWUPLOAD_PROFILE", "coded.yaml")
        .exits(0);
    base()
        .env("FWUPLOAD_PROFILE", "")
        .exits(5)
        .says("error[profile.missing]");
    base()
        .env("FWUPLOAD_NO_DEID", "1")
        .env("FWUPLOAD_YES", "1")
        .exits(5)
        .says("error[profile.missing]");
}

#[test]
fn offline_needs_no_key_and_gives_the_same_bytes() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--output", "asked"])
        .at(&site)
        .exits(0);
    place
        .run(USUAL)
        .args(["--output", "offline", "--offline"])
        .exits(0);
    assert!(place.tree("asked") == place.tree("offline"));
}

#[test]
fn the_same_input_gives_the_same_bytes_in_any_order_on_any_number_of_cores() {
    let place = place();
    let files = "study/mr.dcm study/ct3.dcm study/ct1.dcm study/ct2.dcm";
    place
        .run(USUAL)
        .args(["--output", "a", "--offline", "-j", "1"])
        .exits(0);
    place
        .run(files)
        .args("-p demo/phantom --profile coded.yaml --output b --offline -j 4".split(' '))
        .exits(0);
    assert!(place.tree("a") == place.tree("b"));
}
