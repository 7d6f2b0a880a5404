//! Start, restart, sudden death and stop.

use std::path::Path;

use serde_json::json;

use super::Bench;
use crate::store::HOME;
use crate::{Options, ProfileLevel, SandboxError, start};

#[test]
fn a_restart_remembers_everything() {
    let mut bench = Bench::new();
    let [_, _, _, _, acquisition] = bench.branch();
    let target = format!("acquisitions/{acquisition}");
    bench.upload(&target, None, "filename=a.txt", b"one");
    bench.upload(&target, None, "filename=a.txt", b"two!");
    bench.send(
        "PUT",
        "/api/site/settings",
        &[&bench.auth()],
        br#"{"deid_profile":{"dicom":{}}}"#,
    );
    let key = bench.key().to_owned();
    bench.restart(|options| options.project = Some(("grp".to_owned(), "Proj".to_owned())));
    assert_eq!(bench.key(), key);
    let shown = bench
        .get(&format!("/api/{target}"))
        .json();
    assert_eq!(
        (&shown["files"][0]["version"], &shown["files"][0]["size"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(
        bench
            .get(&format!("/api/{target}/files/a.txt?version=1"))
            .body,
        b"one"
    );
    assert_eq!(
        bench
            .get("/api/site/settings")
            .json()["deid_profile"],
        json!({"dicom": {}})
    );
    assert_eq!(
        bench
            .get("/api/projects")
            .json()
            .as_array()
            .unwrap()
            .len(),
        1,
        "the project was there already"
    );
    let again = bench.post(
        "/api/subjects",
        &json!({"project": shown["parents"]["project"], "code": "S1"}),
    );
    assert_eq!(again.status, 422);
}

/// Copies a folder much as a process that is killed leaves it: the journal before the index, which
/// takes it over.
fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
    {
        let target = to.join(
            entry
                .path()
                .strip_prefix(from)
                .unwrap(),
        );
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else if !entry.path().ends_with("lock") && !entry.path().ends_with("index.new") {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_was_confirmed_survives_a_sudden_death() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    bench.upload(&target, None, "filename=a.txt", b"one");
    bench.upload(&target, None, "filename=b.txt", b"two");
    let file_id = bench
        .get(&format!("/api/{target}"))
        .json()["files"][1]["file_id"]
        .as_str()
        .unwrap()
        .to_owned();
    copy(&bench.root(), dir.path());
    let home = dir.path().join(HOME);
    // a change that was being written, an upload under way, and a replacement that was never
    // confirmed
    let mut journal = std::fs::read(home.join("changes.jsonl")).unwrap();
    journal.extend_from_slice(b"{\"sequence\":99,\"chan");
    std::fs::write(home.join("changes.jsonl"), journal).unwrap();
    std::fs::write(home.join("incoming/half"), b"half").unwrap();
    let (kept, stored) = (
        home.join("versions").join(file_id),
        dir.path()
            .join("grp/Proj/S1/ses/acq/b.txt"),
    );
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::rename(&stored, kept.join("1")).unwrap();
    std::fs::write(&stored, b"never confirmed").unwrap();

    let revived = Bench { dir, sandbox: None };
    let sandbox = start(Options::new(revived.dir.path())).unwrap();
    let revived = Bench {
        sandbox: Some(sandbox),
        ..revived
    };
    for (name, content) in [("a.txt", b"one"), ("b.txt", b"two")] {
        assert_eq!(
            revived
                .get(&format!("/api/{target}/files/{name}"))
                .body,
            content,
            "{name}"
        );
    }
    assert_eq!(
        std::fs::read_dir(home.join("incoming"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(
        std::fs::read_to_string(home.join("changes.jsonl")).unwrap(),
        ""
    );
}

#[test]
fn it_starts_only_where_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |options: Options| start(options).unwrap_err();
    let mut options = Options::new(dir.path().join("a"));
    options.listen = "0.0.0.0:0".parse().unwrap();
    assert!(matches!(refused(options), SandboxError::NotLoopback));
    assert!(!dir.path().join("a").exists());

    std::fs::create_dir(dir.path().join("full")).unwrap();
    std::fs::write(dir.path().join("full/thesis.tex"), "x").unwrap();
    let refused_folder = |dir| matches!(refused(Options::new(dir)), SandboxError::Folder { .. });
    assert!(refused_folder(dir.path().join("full")));
    assert!(refused_folder(dir.path().join("full/thesis.tex")));

    let first = start(Options::new(dir.path().join("b"))).unwrap();
    assert!(refused_folder(dir.path().join("b")));
    let mut options = Options::new(dir.path().join("c"));
    options.listen = first.addr();
    assert!(matches!(refused(options), SandboxError::Listen { .. }));
    drop(first);
    assert!(start(Options::new(dir.path().join("b"))).is_ok());

    let mut options = Options::new(dir.path().join("d"));
    options.project = Some(("Bad Group".to_owned(), "P".to_owned()));
    assert!(matches!(refused(options), SandboxError::Setup(_)));
}

#[test]
fn a_profile_of_a_project_needs_one() {
    let dir = tempfile::tempdir().unwrap();
    for level in [ProfileLevel::Project, ProfileLevel::Group] {
        let mut options = Options::new(dir.path().join("box"));
        options.profile = Some(json!({}));
        options.profile_level = level;
        let error = start(options).unwrap_err();
        assert!(matches!(error, SandboxError::ProjectMissing));
    }
}

#[test]
fn an_enhanced_key_is_taken_as_bearer() {
    let key = "k".repeat(57);
    let bench = Bench::with(|options| options.api_key = Some(format!("localhost:{key}")));
    assert_eq!(bench.key(), key);
    assert_eq!(
        bench
            .send(
                "GET",
                "/api/users/self",
                &[&format!("Authorization: Bearer {key}")],
                b""
            )
            .status,
        200
    );
}

#[test]
fn the_ready_line_and_the_key_say_how_to_reach_it() {
    let bench = Bench::new();
    let sandbox = bench.sandbox.as_ref().unwrap();
    let line: serde_json::Value = serde_json::from_str(&sandbox.ready_line()).unwrap();
    assert_eq!(line["url"], format!("http://{}", sandbox.addr()));
    assert_eq!(
        line["key"],
        format!(
            "127.0.0.1:{}:__force_insecure:{}",
            sandbox.addr().port(),
            sandbox.api_key()
        )
    );
    assert_eq!((&line["type"], &line["v"]), (&json!("sandbox"), &json!(1)));
    assert!(!format!("{sandbox:?}").contains(sandbox.api_key()));
    #[cfg(unix)]
    for entry in walkdir::WalkDir::new(bench.root())
        .into_iter()
        .map(Result::unwrap)
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&entry.metadata().unwrap());
        assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
    }
}

#[tokio::test]
async fn it_can_be_started_and_dropped_inside_another_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = start(Options::new(dir.path())).unwrap();
    assert!(
        tokio::net::TcpStream::connect(sandbox.addr())
            .await
            .is_ok()
    );
    drop(sandbox);
    assert!(
        dir.path()
            .join(HOME)
            .join("index.json")
            .is_file()
    );
}
