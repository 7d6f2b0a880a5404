//! Hostile and broken requests: refused in the API's own way, with nothing left behind.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Bench, raw};

#[test]
fn only_the_right_key_opens_anything() {
    let bench = Bench::new();
    for path in ["/api/config", "/api/version"] {
        assert_eq!(
            bench
                .send("GET", path, &[], b"")
                .status,
            200,
            "{path}"
        );
    }
    for path in [
        "/api/users/self",
        "/api/auth/status",
        "/api/groups",
        "/api/site/settings",
        "/deid-log/logs/x",
    ] {
        assert_eq!(
            bench
                .send("GET", path, &[], b"")
                .status,
            403,
            "{path}"
        );
        assert_eq!(
            bench
                .send("GET", path, &["Authorization: scitran-user wrong"], b"")
                .status,
            401,
            "{path}"
        );
        assert_eq!(
            bench
                .send("GET", path, &["Authorization: Bearer wrong"], b"")
                .status,
            401,
            "{path}"
        );
    }
    let me = bench.get("/api/users/self");
    assert!(!String::from_utf8_lossy(&me.body).contains(bench.key()));
    let with_host = format!(
        "Authorization: scitran-user 127.0.0.1:{}:{}",
        bench.addr().port(),
        bench.key()
    );
    assert_eq!(
        bench
            .send("GET", "/api/auth/status", &[&with_host], b"")
            .json()["user_is_admin"],
        true
    );
}

#[test]
fn every_error_has_the_api_s_shape() {
    let bench = Bench::new();
    let auth = bench.auth();
    let deep = "[".repeat(100_000);
    for (method, path, body, status) in [
        ("GET", "/nothing", "", 404),
        ("GET", "/api/nothing/here/at/all", "", 404),
        ("GET", "/api/colours", "", 404),
        ("GET", "/api/groups/%ff", "", 400),
        ("PATCH", "/api/groups", "{}", 405),
        ("POST", "/api/groups", "{", 400),
        ("POST", "/api/groups", "[]", 400),
        ("POST", "/api/groups", "", 400),
        ("POST", "/api/lookup", deep.as_str(), 400),
        ("POST", "/api/groups", &"x".repeat(2 << 20), 413),
        ("GET", "/api/groups?limit=0", "", 422),
        ("GET", "/api/groups?filter=label%3D%22a,b%22", "", 422),
        ("GET", "/api/groups/none", "", 404),
        ("GET", "/api/groups/none/groups", "", 404),
    ] {
        let answer = bench.send(method, path, &[&auth], body.as_bytes());
        assert_eq!(answer.status, status, "{method} {path}");
        let error = answer.json();
        assert_eq!(error["status_code"], status, "{method} {path}");
        assert!(error["message"].is_string() && error["request_id"].is_string());
    }
    assert_eq!(raw(bench.addr(), b"garbage\r\n\r\n").status, 400);
    assert_eq!(bench.get("/api/config").status, 200);
}

#[test]
fn labels_and_names_from_outside_stay_inside() {
    let bench = Bench::new();
    let group = bench.make("groups", &json!({"_id": "grp"}));
    let labels = [
        "../../../up",
        "..",
        ".",
        "a/b",
        "a\\b",
        "C:\\x",
        "\u{0}nul",
        "~",
        "CON",
        "x\ny",
        "a_b",
        "A_B",
        ".fwupload-sandbox",
    ];
    for label in labels {
        let project = bench.make("projects", &json!({"group": group, "label": label}));
        assert_eq!(
            bench
                .get(&format!("/api/projects/{project}"))
                .json()["label"],
            label
        );
        let answer = bench.upload(&format!("projects/{project}"), None, "filename=f", b"x");
        assert_eq!(answer.status, 200, "{label:?}");
    }
    let stored = bench.stored();
    assert_eq!(stored.len(), labels.len(), "{stored:?}");
    assert!(
        stored
            .iter()
            .all(|path| path.starts_with("grp/") && path.split('/').count() == 3),
        "{stored:?}"
    );
    let outside = std::fs::read_dir(bench.dir.path())
        .unwrap()
        .count();
    assert_eq!(
        outside, 1,
        "something was written beside the sandbox's folder"
    );
}

#[test]
fn file_names_are_cut_to_their_last_component() {
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    for (disposition, name) in [
        ("filename=\"../../x.dcm\"", "x.dcm"),
        ("filename=\"/etc/passwd\"", "passwd"),
        ("filename=\"a \\\"b\\\".zip\"", "a \"b\".zip"),
        ("filename=\"ü%2F..\"", "ü%2F.."),
        ("filename*=UTF-8''..%2Fn%C3%A4", "nä"),
        ("filename=\"files\"; filename*=UTF-8''other", "files"),
    ] {
        let answer = bench.upload(&target, None, disposition, b"x");
        assert_eq!(answer.status, 200, "{disposition}: {answer:?}");
        assert_eq!(answer.json()[0]["name"], name);
    }
    let long = format!("{}.dicom.zip", "n".repeat(900));
    assert_eq!(
        bench
            .upload(&target, None, &format!("filename={long}"), b"x")
            .json()[0]["name"],
        long
    );
    assert_eq!(
        bench
            .get(&format!("/api/{target}/files/{long}"))
            .body,
        b"x"
    );
    let endless = format!("filename={}", "n".repeat(2000));
    for disposition in [
        "filename=\"\"",
        "filename=\"..\"",
        "filename=\"a/\"",
        "filename=\"a\u{1}\"",
        &endless,
    ] {
        assert_eq!(
            bench
                .upload(&target, None, disposition, b"x")
                .status,
            400,
            "{disposition}"
        );
    }
    assert_eq!(
        bench
            .upload(&target, Some(r#"{"name":"../y"}"#), "filename=z", b"x")
            .json()[0]["name"],
        "y"
    );
}

#[test]
fn broken_forms_are_refused_and_leave_nothing() {
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let part = |rest: &str| format!("--XX\r\nContent-Disposition: form-data; {rest}\r\n\r\nx\r\n");
    let (file, end) = (part("name=file; filename=f"), "--XX--\r\n");
    for body in [
        end.to_owned(),
        String::new(),
        file.clone(),
        format!("{file}{file}{end}"),
        format!("{}{file}{end}", part("name=metadata; filename=m")),
        format!("{}{file}{end}", part("name=metadata")),
        format!(
            "{file}{}{end}",
            part("name=other").replace("name=other", "nothing")
        ),
        format!("--XX\r\n\r\nx\r\n{end}"),
    ] {
        assert_eq!(
            bench
                .form(&target, body.as_bytes())
                .status,
            400,
            "{body:?}"
        );
    }
    for metadata in [
        "[]",
        "{",
        r#"{"colour":"red"}"#,
        r#"{"size":2}"#,
        r#"{"name":""}"#,
        r#"{"zip_member_count":-1}"#,
    ] {
        assert_eq!(
            bench
                .upload(&target, Some(metadata), "filename=f", b"x")
                .status,
            400,
            "{metadata}"
        );
    }
    let wrong = bench.send(
        "POST",
        &format!("/api/{target}/files"),
        &[&bench.auth(), "Content-Type: text/plain"],
        b"x",
    );
    assert_eq!(wrong.status, 400);
    for unknown in [
        "acquisitions/000000000000000000000000",
        "groups/grp",
        "colours/x",
    ] {
        assert_eq!(
            bench
                .upload(unknown, None, "filename=f", &vec![0; 4 << 20])
                .status,
            404,
            "{unknown}"
        );
    }
    assert!(bench.stored().is_empty());
    assert_eq!(bench.arriving(), 0);
}

#[test]
fn a_connection_that_breaks_leaves_nothing() {
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let head = format!(
        "POST /api/{target}/files HTTP/1.1\r\nHost: x\r\n{}\r\nContent-Type: multipart/form-data; \
            boundary=XX\r\nContent-Length: 1000000\r\n\r\n",
        bench.auth()
    );
    let mut stream = TcpStream::connect(bench.addr()).unwrap();
    stream
        .write_all(head.as_bytes())
        .unwrap();
    stream
        .write_all(b"--XX\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n")
        .unwrap();
    stream
        .write_all(&vec![b'x'; 100_000])
        .unwrap();
    let begun = Instant::now();
    while bench.arriving() == 0 && begun.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(stream);
    while bench.arriving() > 0 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(bench.arriving(), 0);
    assert!(bench.stored().is_empty());
}

#[test]
fn of_parallel_requests_for_one_subject_one_wins() {
    let bench = Bench::new();
    let project = bench.branch()[1].clone();
    let body = json!({"project": project, "code": "race"});
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    bench
                        .post("/api/subjects", &body)
                        .status
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        statuses
            .iter()
            .filter(|status| **status == 200)
            .count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses
            .iter()
            .all(|status| matches!(status, 200 | 422)),
        "{statuses:?}"
    );
}
