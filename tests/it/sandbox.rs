//! The embedded server as users meet it: inside the uploader, and as a process of its own.

use crate::fixture::{Dicom, Person};
use crate::run::{Place, tree};
use crate::{archive, example_study, fixture};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// What the README tells a stranger to type, with the folders of this test.
#[test]
fn the_readmes_first_command() {
    let place = example_study::place();
    let ran = place
        .run("study --project demo/phantom --sandbox ./sandbox-data")
        .exits(3);
    ran.says("Uploaded")
        .says("15 files")
        .says("Text blanked in 1 of 5 images")
        .says("1 read.truncated");
    assert_eq!(
        ran.failures(),
        [("IM0013.dcm".into(), "read.truncated".into())]
    );
    let kept = tree(&place.path("sandbox-data"));
    assert!(kept.len() >= 5, "four series and an index");
    for (name, bytes) in kept {
        assert!(fixture::found_in(name.as_bytes()).is_empty(), "{name}");
        assert!(
            fixture::found_in(&bytes).is_empty(),
            "{name}: {:?}",
            fixture::found_in(&bytes)
        );
        if archive::is_zip(&bytes) {
            for (name, content) in archive::members(&bytes) {
                assert!(
                    fixture::found_in(name.as_bytes()).is_empty()
                        && fixture::found_in(&content).is_empty(),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_new_sandbox_is_a_careful_site_unless_the_user_says_what_to_do() {
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    place
        .run("in.dcm -p demo/phantom --sandbox careful")
        .exits(0)
        .says("\"basic\" (from the site");
    place
        .run("in.dcm -p demo/phantom --sandbox careful --profile flywheel-minimal")
        .exits(5)
        .says("error[profile.conflict]");
    place
        .run("in.dcm -p demo/phantom --sandbox told --profile basic")
        .exits(0)
        .says("given locally");
    place
        .run("in.dcm -p demo/phantom --sandbox told")
        .exits(5)
        .says("error[profile.missing]");
}

#[test]
fn a_second_run_on_the_same_sandbox_folder_finds_everything_there() {
    let place = example_study::place();
    let line = "study/ct-thorax/IM0001.dcm --project demo/phantom --profile basic --sandbox ./sandbox-data --json";
    let first = place.run(line).exits(0);
    assert_eq!(first.end()["totals"]["uploaded"], 1);
    let second = place.run(line).exits(0);
    assert_eq!(second.end()["totals"]["already_there"], 1);
}

#[cfg(unix)]
#[test]
fn as_a_process_of_its_own_with_the_profile_at_each_level() {
    for level in ["project", "group", "site"] {
        for signed in [&[][..], &["--signed-urls"]] {
            let place = Place::with([("coded.yaml", fixture::CODED)]);
            place.file("in.dcm", Dicom::ct(&Person::plain(), 1).bytes());
            let options = format!(
                "sandbox box --project demo/phantom --profile coded.yaml --profile-level {level}"
            );
            let server = place
                .run(&options)
                .args(signed)
                .start();
            let ready: serde_json::Value = serde_json::from_str(&server.first_line()).unwrap();
            let key = ready["key"].as_str().unwrap();
            let ran = place
                .run("in.dcm -p demo/phantom")
                .env("FWUPLOAD_API_KEY", key)
                .exits(0);
            ran.says("coded").says(level);
            server.signal("TERM");
            server.end();
            assert!(
                tree(&place.path("box"))
                    .iter()
                    .any(|(name, _)| name.contains(".dicom"))
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn what_it_received_is_still_there_after_a_restart() {
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    let mut settled = Vec::new();
    for _ in 0..2 {
        let server = place
            .run("sandbox box --project demo/phantom")
            .start();
        let ready: serde_json::Value = serde_json::from_str(&server.first_line()).unwrap();
        let key = ready["key"].as_str().unwrap();
        let ran = place
            .run("in.dcm -p demo/phantom --profile basic --json")
            .env("FWUPLOAD_API_KEY", key)
            .exits(0);
        settled.push((
            ran.end()["totals"]["uploaded"].as_u64(),
            ran.end()["totals"]["already_there"].as_u64(),
        ));
        server.signal("INT");
        server.end();
    }
    assert_eq!(settled, [(Some(1), Some(0)), (Some(0), Some(1))]);
}

/// What `fwupload sandbox` with these options says at `path`, asked without a key.
#[cfg(unix)]
fn asked(options: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let place = Place::new();
    let server = place
        .run(&format!("sandbox {options}"))
        .start();
    let ready: serde_json::Value = serde_json::from_str(&server.first_line()).unwrap();
    let host = ready["url"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .unwrap();
    server.signal("TERM");
    assert_eq!(server.end().code, Some(0));
    assert!(
        place.path("box").is_dir(),
        "the folder is the one that was named"
    );
    answer
}

#[cfg(unix)]
#[test]
fn its_flags_choose_the_era_and_what_the_site_announces() {
    for (options, signed, parts) in [
        ("box", false, Some(false)),
        ("--signed-urls box", true, Some(false)),
        (
            "--signed-urls=single --storage azure box",
            true,
            Some(false),
        ),
        (
            "--signed-urls=multipart --part-size 5MiB --storage google box",
            true,
            Some(true),
        ),
        ("--era mid --signed-urls box", true, None),
    ] {
        let config = asked(options, "/api/config");
        assert!(
            config.contains(&format!("\"signed_url\":{signed}")),
            "{options}: {config}"
        );
        let announced =
            ["false", "true"].map(|it| config.contains(&format!("\"multipart_signed_url\":{it}")));
        assert_eq!(
            announced,
            [parts == Some(false), parts == Some(true)],
            "{options}: {config}"
        );
    }
    assert!(asked("--deid-log box", "/api/config").contains("/deid-log\""));
    assert!(asked("--era old box", "/api/auth/status").starts_with("HTTP/1.1 404"));
    assert!(asked("--era current box", "/api/auth/status").starts_with("HTTP/1.1 403"));
}

#[cfg(unix)]
#[test]
fn a_signal_right_after_it_said_that_it_is_there_is_heard() {
    let place = Place::new();
    for _ in 0..5 {
        let server = place.run("sandbox box").start();
        server.first_line();
        server.signal("TERM");
        assert_eq!(server.end().code, Some(0));
    }
}

#[test]
fn a_profile_that_cannot_be_read_is_refused() {
    let place = Place::with([
        ("list.yaml", "- x"),
        ("open.yaml", "a: ["),
        ("number.json", "7"),
        ("half.toml", "a ="),
        ("profile.txt", "{}"),
    ]);
    for name in [
        "list.yaml",
        "open.yaml",
        "number.json",
        "half.toml",
        "profile.txt",
        "nowhere.yaml",
    ] {
        place
            .run(&format!(
                "sandbox box --project demo/phantom --profile {name}"
            ))
            .exits(5)
            .says("error[profile.invalid]");
        assert!(!place.path("box").exists(), "{name}");
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let place = Place::with([("coded.yaml", fixture::CODED)]);
    for options in [
        "--era old --signed-urls",
        "--era mid --signed-urls=multipart",
        "--era mid --deid-log",
        "--era mid --profile coded.yaml",
        "--storage google",
        "--part-size 5MiB",
        "--signed-urls --part-size 5MiB",
        "--signed-urls=multipart --part-size 0",
        "--signed-urls=twice",
        "--era ancient",
    ] {
        place
            .run(&format!("sandbox {options} box"))
            .exits(2);
        assert!(!place.path("box").exists(), "{options}");
    }
}

#[test]
fn its_help_shows_how_to_start_it() {
    let place = Place::new();
    let help = place.run("sandbox --help").exits(0);
    for text in [
        "Examples:",
        "--era old",
        "--signed-urls=multipart --part-size 5MiB",
        "--deid-log",
    ] {
        assert!(help.stdout.contains(text), "{text}");
    }
}

/// Uploads a series of a good MiB to a sandbox started with these options: what the sandbox knows
/// of it afterwards.
#[cfg(unix)]
fn uploaded_to(options: &str) -> serde_json::Value {
    let place = Place::with([1, 2].map(|n| {
        (
            format!("in/{n}.dcm"),
            Dicom::image(&Person::plain(), CT, "CT", 1, n, 600).bytes(),
        )
    }));
    let server = place
        .run(&format!("sandbox --project demo/phantom {options} box"))
        .start();
    let ready: serde_json::Value = serde_json::from_str(&server.first_line()).unwrap();
    let key = ready["key"].as_str().unwrap();
    let ran = place
        .run("in -p demo/phantom --profile basic --json")
        .env("FWUPLOAD_API_KEY", key)
        .exits(0);
    assert_eq!(ran.end()["totals"]["uploaded"], 2, "{options}");
    let again = place
        .run("in -p demo/phantom --profile basic --json")
        .env("FWUPLOAD_API_KEY", key)
        .exits(0);
    assert_eq!(again.end()["totals"]["already_there"], 2, "{options}");
    server.signal("TERM");
    server.end();
    let index = std::fs::read(
        place
            .path("box")
            .join(".fwupload-sandbox/index.json"),
    )
    .unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    index["files"]
        .as_object()
        .unwrap()
        .values()
        .next()
        .unwrap()[0]["current"]
        .clone()
}

#[cfg(unix)]
#[test]
fn every_storage_takes_an_upload_whole_and_in_parts() {
    for storage in ["s3", "google", "azure"] {
        for parts in [
            "--signed-urls",
            "--signed-urls=multipart --part-size 256KiB",
        ] {
            let options = format!("{parts} --storage {storage}");
            let file = uploaded_to(&options);
            assert_eq!(file["hash"], "", "{options}: the file came by the form");
            assert!(
                file["size"].as_u64().unwrap() > 2 * 256 * 1024,
                "{options}: {}",
                file["size"]
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn servers_of_every_era_take_an_upload() {
    for (options, by_form) in [
        ("--era old", true),
        ("--era mid", true),
        ("--era mid --signed-urls", false),
        ("--era current", true),
    ] {
        let file = uploaded_to(options);
        assert_eq!(
            !file["hash"]
                .as_str()
                .unwrap()
                .is_empty(),
            by_form,
            "{options}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_site_with_a_deidentification_log_takes_an_upload_that_is_in_it() {
    for options in ["--deid-log", "--deid-log --signed-urls"] {
        let file = uploaded_to(options);
        assert!(
            file["metadata"]["deid_log_id"].is_string(),
            "{options}: {file}"
        );
    }
}
