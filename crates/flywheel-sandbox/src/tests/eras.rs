//! Servers of 2018 and 2019, as far as they differ from those of today.

use serde_json::{Value, json};

use super::{Answer, Bench};
use crate::{Era, Options, SandboxError, Storage, start};

fn of(era: Era) -> Bench {
    Bench::with(|options| options.era = era)
}

/// Makes a branch as servers of 2018 have it; project, session and acquisition.
fn old_branch(bench: &Bench) -> [String; 3] {
    bench.make("groups", &json!({"_id": "grp"}));
    let project = bench.make("projects", &json!({"group": "grp", "label": "Proj"}));
    let session = bench.make(
        "sessions",
        &json!({"project": project, "label": "ses", "subject": {"code": "S1"}}),
    );
    let acquisition = bench.make("acquisitions", &json!({"session": session, "label": "acq"}));
    [project, session, acquisition]
}

fn ask(bench: &Bench, route: &str, features: &str, path: &Value) -> Answer {
    let features = format!("X-Accept-Feature: {features}");
    bench.send(
        "POST",
        &format!("/api/{route}"),
        &[&bench.auth(), &features],
        json!({"path": path})
            .to_string()
            .as_bytes(),
    )
}

#[test]
fn the_oldest_have_no_lookup_no_subjects_and_no_settings() {
    let bench = of(Era::Old);
    let [project, ..] = old_branch(&bench);
    for path in [
        "/api/auth/status",
        "/api/subjects",
        "/api/site/settings",
        "/api/groups/grp/settings",
        &format!("/api/projects/{project}/subjects"),
        &format!("/api/projects/{project}/settings"),
    ] {
        assert_eq!(bench.get(path).status, 404, "{path}");
    }
    assert_eq!(
        ask(&bench, "lookup", "", &json!(["grp", "Proj"])).status,
        404
    );
    assert_eq!(
        bench
            .post("/api/subjects", &json!({"project": project, "code": "S2"}))
            .status,
        404
    );
    assert_eq!(bench.get("/api/users/self").status, 200);
    assert_eq!(
        bench
            .send("GET", "/api/users/self", &[], b"")
            .status,
        400
    );
    assert_eq!(
        bench
            .post("/api/groups", &json!({"_id": "grp"}))
            .status,
        201
    );
    assert_eq!(
        bench
            .send("GET", "/api/config", &[], b"")
            .json()["features"],
        Value::Null
    );
}

#[test]
fn the_oldest_resolve_paths_without_a_subject() {
    let bench = of(Era::Old);
    let [_, session, acquisition] = old_branch(&bench);
    let resolve = |path: Value| ask(&bench, "resolve", "subject-container", &path);
    let found = resolve(json!(["grp", "Proj"])).json();
    let kinds: Vec<&Value> = found["path"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["container_type"])
        .collect();
    assert_eq!(kinds, ["group", "project"]);
    assert_eq!(
        (
            &found["children"][0]["_id"],
            &found["children"][0]["node_type"]
        ),
        (&json!(session), &json!("session"))
    );
    let found = resolve(json!(["grp", "Proj", "ses", "acq"])).json();
    assert_eq!(found["path"][3]["_id"], acquisition);
    assert_eq!(resolve(json!(["grp", "Proj", "S1"])).status, 404);
}

#[test]
fn the_oldest_keep_subjects_inside_sessions() {
    let bench = of(Era::Old);
    let [project, session, _] = old_branch(&bench);
    let shown = bench
        .get(&format!("/api/sessions/{session}"))
        .json();
    assert_eq!(shown["subject"]["code"], "S1");
    assert_eq!(
        shown["subject"]
            .as_object()
            .unwrap()
            .len(),
        2,
        "an id and a code"
    );
    assert_eq!(
        (&shown["project"], &shown["parents"]),
        (&json!(project), &Value::Null)
    );
    let again = bench.make(
        "sessions",
        &json!({"project": project, "label": "two", "subject": {"code": "S1"}}),
    );
    let again = bench
        .get(&format!("/api/sessions/{again}"))
        .json();
    assert_eq!(
        again["subject"], shown["subject"],
        "the code is known in this project"
    );
    let other = bench.make("projects", &json!({"group": "grp", "label": "Other"}));
    let other = bench.make(
        "sessions",
        &json!({"project": other, "label": "ses", "subject": {"code": "S1"}}),
    );
    assert_ne!(
        bench
            .get(&format!("/api/sessions/{other}"))
            .json()["subject"]["_id"],
        shown["subject"]["_id"]
    );
    let labels = |path: &str| {
        bench
            .get(path)
            .json()
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["label"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        labels(&format!("/api/projects/{project}/sessions")),
        ["ses", "two"]
    );
    assert_eq!(
        labels(&format!("/api/sessions/{session}/acquisitions")),
        ["acq"]
    );
    for subject in [json!("S1"), json!({"label": "S1"}), json!({"code": ""})] {
        let body = json!({"project": project, "label": "x", "subject": subject});
        assert_eq!(
            bench
                .post("/api/sessions", &body)
                .status,
            400,
            "{subject}"
        );
    }
}

#[test]
fn the_oldest_replace_files_silently_and_give_no_ticket() {
    let bench = of(Era::Old);
    let target = format!("acquisitions/{}", old_branch(&bench)[2]);
    let first = bench
        .upload(
            &target,
            Some(r#"{"type":"dicom"}"#),
            "filename=a.dcm",
            b"one",
        )
        .json();
    assert!(
        first[0]["hash"]
            .as_str()
            .unwrap()
            .starts_with("v0-sha384-")
    );
    let second = bench
        .upload(&target, None, "filename=a.dcm", b"three")
        .json();
    assert_eq!(
        (&second[0]["size"], &second[0]["type"]),
        (&json!(5), &Value::Null)
    );
    for key in ["version", "file_id", "_id"] {
        assert_eq!(second[0][key], Value::Null, "{key}");
    }
    assert_eq!(
        bench
            .get(&format!("/api/{target}"))
            .json()["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let start = bench.post(
        &format!("/api/{target}/files?ticket="),
        &json!({"metadata": {}, "filenames": ["a"]}),
    );
    assert_eq!(start.status, 400);
}

#[test]
fn each_era_takes_its_own_keys_of_a_file() {
    for (era, taken, refused) in [
        (
            Era::Old,
            &["measurements"][..],
            &[
                "classification",
                "zip_member_count",
                "size",
                "deid_log_skip_reason",
            ][..],
        ),
        (
            Era::Mid,
            &["classification", "zip_member_count"],
            &[
                "measurements",
                "size",
                "deid_log_id",
                "deid_log_skip_reason",
            ],
        ),
        (
            Era::Current,
            &[
                "classification",
                "zip_member_count",
                "size",
                "deid_log_skip_reason",
            ],
            &["measurements"],
        ),
    ] {
        let bench = of(era);
        let target = format!("acquisitions/{}", old_branch(&bench)[2]);
        let metadata = json!({
            "measurements": [], "classification": {}, "zip_member_count": 1, "size": 1,
            "deid_log_id": "x", "deid_log_skip_reason": "unsupported_type",
        });
        let with = |key: &str| {
            let metadata =
                json!({"name": "a.dcm", "type": "dicom", "modality": "MR", key: metadata[key]})
                    .to_string();
            bench.upload(&target, Some(&metadata), "filename=a.dcm", b"x")
        };
        for key in taken {
            assert_eq!(with(key).status, 200, "{era:?} {key}");
        }
        for key in refused {
            let answer = with(key);
            assert_eq!(answer.status, 400, "{era:?} {key}");
            assert!(
                answer.json()["message"]
                    .as_str()
                    .unwrap()
                    .contains(key)
            );
        }
    }
}

#[test]
fn servers_of_2019_show_subjects_in_paths_to_clients_that_take_them() {
    let bench = of(Era::Mid);
    let [_, _, _, session, _] = bench.branch();
    let (with, without) = (
        json!(["grp", "Proj", "S1", "ses"]),
        json!(["grp", "Proj", "ses"]),
    );
    for (features, path, status) in [
        ("safe-redirect,subject-container", &with, 200),
        ("Subject-Container", &with, 200),
        ("subject-container", &without, 404),
        ("safe-redirect", &with, 404),
        ("safe-redirect", &without, 200),
    ] {
        let answer = ask(&bench, "lookup", features, path);
        assert_eq!(answer.status, status, "{features} {path}");
        if status == 200 {
            assert_eq!(answer.json()["_id"], session);
        }
    }
    assert_eq!(
        bench
            .post("/api/lookup", &json!({}))
            .status,
        500
    );
    let project = ask(&bench, "lookup", "", &json!(["grp", "Proj"])).json();
    assert_eq!(
        project["permissions"][0],
        json!({"_id": crate::model::USER, "access": "admin"})
    );
    let again = bench.post(
        "/api/subjects",
        &json!({"project": project["_id"], "code": "S1"}),
    );
    assert_eq!(again.status, 422);
}

#[test]
fn servers_of_2019_have_no_profile_at_any_level() {
    let bench = of(Era::Mid);
    let project = bench.branch()[1].clone();
    let site = bench.get("/api/site/settings");
    assert_eq!(
        (site.status, &site.json()["deid_profile"]),
        (200, &Value::Null)
    );
    for path in [
        format!("/api/projects/{project}/settings"),
        "/api/groups/grp/settings".to_owned(),
    ] {
        assert_eq!(bench.get(&path).status, 404, "{path}");
    }
    let config = bench
        .send("GET", "/api/config", &[], b"")
        .json();
    assert_eq!(
        (&config["features"]["deid_profile"], &config["signed_url"]),
        (&Value::Null, &json!(false))
    );
}

#[test]
fn a_profile_that_a_newer_server_left_is_not_shown_by_older_ones() {
    let mut bench = of(Era::Current);
    let project = bench.branch()[1].clone();
    let put = |path: &str| {
        bench
            .send(
                "PUT",
                path,
                &[&bench.auth()],
                br#"{"deid_profile":{"dicom":{}}}"#,
            )
            .status
    };
    assert_eq!(
        (
            put("/api/site/settings"),
            put(&format!("/api/projects/{project}/settings"))
        ),
        (200, 200)
    );
    bench.restart(|options| options.era = Era::Mid);
    assert_eq!(
        bench
            .get("/api/site/settings")
            .json()["deid_profile"],
        Value::Null
    );
    assert_eq!(
        bench
            .get(&format!("/api/projects/{project}"))
            .json()["settings"],
        Value::Null
    );
}

#[test]
fn servers_of_2019_break_down_over_mistakes() {
    let bench = of(Era::Mid);
    let target = format!("acquisitions/{}", bench.branch()[4]);
    assert_eq!(
        bench
            .upload(
                "acquisitions/000000000000000000000000",
                None,
                "filename=a",
                b"x"
            )
            .status,
        500
    );
    let empty = bench.form(&target, b"--XX--\r\n");
    assert_eq!(
        (empty.status, empty.json()),
        (200, json!([])),
        "a form without a file is no mistake to them"
    );
    assert_eq!(
        bench
            .upload(&target, None, "filename=\"\"", b"")
            .json(),
        json!([])
    );
    let me = bench.get("/api/users/self").json();
    assert_eq!(me["api_key"]["key"], bench.key());
}

#[test]
fn servers_of_2019_do_not_know_bearer_keys() {
    let key = "k".repeat(57);
    for era in [Era::Old, Era::Mid] {
        let bench = Bench::with(|options| {
            options.era = era;
            options.api_key = Some(key.clone());
        });
        let me = |word: &str| {
            bench
                .send(
                    "GET",
                    "/api/users/self",
                    &[&format!("Authorization: {word} {key}")],
                    b"",
                )
                .status
        };
        assert_eq!((me("Bearer"), me("scitran-user")), (401, 200), "{era:?}");
    }
}

/// A site of 2019 with signed addresses, and one that has been given: container, ticket, address.
fn signed(metadata: &Value) -> (Bench, String, String, String) {
    let bench = Bench::with(|options| {
        options.era = Era::Mid;
        options.signed_urls = true;
    });
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let answer = bench.post(
        &format!("/api/{target}/files?ticket="),
        &json!({"metadata": metadata, "filenames": ["a.dcm"]}),
    );
    let answer = answer.json();
    assert_eq!(answer["headers"], Value::Null);
    let url = super::signed::path(&bench, &answer["urls"]["a.dcm"]);
    let ticket = answer["ticket"]
        .as_str()
        .unwrap()
        .to_owned();
    (bench, target, ticket, url)
}

#[test]
fn servers_of_2019_look_at_an_upload_when_it_ends() {
    let (bench, target, ticket, url) = signed(&json!({"type": "dicom"}));
    let finish =
        |ticket: &str| bench.post(&format!("/api/{target}/files?ticket={ticket}"), &json!({}));
    assert_eq!(finish(&ticket).status, 500, "nothing has been put yet");
    assert_eq!(
        bench
            .send("PUT", &url, &[], b"hello")
            .status,
        200
    );
    let first = finish(&ticket);
    assert_eq!(
        (
            first.status,
            &first.json()[0]["hash"],
            &first.json()[0]["size"]
        ),
        (200, &json!(""), &json!(5))
    );
    assert_eq!(
        finish(&ticket).json(),
        first.json(),
        "the end may come twice"
    );
    assert_eq!(finish("none").status, 404);

    let (bench, target, ticket, url) = signed(&json!({"size": 5}));
    assert_eq!(
        bench
            .send("PUT", &url, &[], b"hello")
            .status,
        200
    );
    assert_eq!(
        bench
            .post(&format!("/api/{target}/files?ticket={ticket}"), &json!({}))
            .status,
        400
    );
}

/// The whole of 127.0.0.0/8 is this machine only on Linux.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_2019_are_good_for_the_address_that_asked() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (bench, target, ticket, url) = signed(&json!({}));
    assert_eq!(
        bench
            .send("PUT", &url, &[], b"hello")
            .status,
        200
    );
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket
        .bind("127.0.0.2:0".parse().unwrap())
        .unwrap();
    let mut stream = socket
        .connect(bench.addr())
        .await
        .unwrap();
    let auth = bench.auth();
    let head = format!(
        "POST /api/{target}/files?ticket={ticket} HTTP/1.1\r\nHost: x\r\n{auth}\r\nConnection: \
            close\r\n"
    );
    stream
        .write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("source IP"),
        "{answer}"
    );
    assert_eq!(
        bench
            .post(&format!("/api/{target}/files?ticket={ticket}"), &json!({}))
            .status,
        200
    );
}

#[test]
fn what_no_server_of_an_era_has_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |change: fn(&mut Options)| {
        let mut options = Options::new(dir.path().join("box"));
        change(&mut options);
        let error = start(options).unwrap_err();
        assert!(matches!(error, SandboxError::NotInEra(_)));
        assert!(!dir.path().join("box").exists());
    };
    refused(|options| (options.era, options.signed_urls) = (Era::Old, true));
    refused(|options| (options.era, options.deid_log) = (Era::Mid, true));
    refused(|options| (options.era, options.multipart_threshold) = (Era::Mid, Some(4)));
    refused(|options| (options.era, options.profile) = (Era::Mid, Some(json!({}))));
    refused(|options| {
        (options.era, options.signed_urls, options.storage) = (Era::Mid, true, Storage::Azure);
    });
}
