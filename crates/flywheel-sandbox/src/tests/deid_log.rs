//! The de-identification log, and the files that must be in it.

use serde_json::{Value, json};

use super::{Answer, Bench};
use crate::store::HOME;

fn logging() -> Bench {
    Bench::with(|options| options.deid_log = true)
}

fn post(bench: &Bench, authorization: &str, body: &Value) -> Answer {
    bench.send(
        "POST",
        "/deid-log/logs",
        &[authorization],
        body.to_string().as_bytes(),
    )
}

/// A key as the log takes it, which is not how the API does.
fn with_site(bench: &Bench) -> String {
    format!("Authorization: scitran-user site.example:{}", bench.key())
}

fn record() -> Value {
    json!({"indexed_fields": {"PatientID": "canary-7"}, "deidentified_tags": {}})
}

fn upload(bench: &Bench, target: &str, metadata: &Value) -> Answer {
    bench.upload(target, Some(&metadata.to_string()), "filename=a.dcm", b"x")
}

#[test]
fn it_gives_an_id_and_keeps_identities_out_of_the_index() {
    let bench = logging();
    let config = bench
        .send("GET", "/api/config", &[], b"")
        .json();
    assert_eq!(config["features"]["deid_log"], true);
    assert_eq!(
        config["site"]["deid_log_url"],
        format!("http://{}/deid-log", bench.addr())
    );
    let auth = with_site(&bench);
    let id = post(&bench, &auth, &record()).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = bench
        .send("GET", &format!("/deid-log/logs/{id}"), &[&auth], b"")
        .json();
    assert_eq!(shown["indexed_fields"]["PatientID"], "canary-7");
    assert_eq!(post(&bench, &auth, &json!({"x": {}})).status, 422);
    for name in ["index.json", "changes.jsonl"] {
        assert!(
            !std::fs::read_to_string(bench.root().join(HOME).join(name))
                .unwrap()
                .contains("canary-7")
        );
    }
}

#[test]
fn it_needs_the_key_with_either_word() {
    let bench = logging();
    let key = bench.key().to_owned();
    for (authorization, status) in [
        (with_site(&bench), 200),
        (format!("Authorization: Bearer {key}"), 200),
        (format!("Authorization: scitran-user {key}"), 401),
        ("Authorization: Bearer wrong".to_owned(), 401),
        ("X-Nothing: 1".to_owned(), 403),
    ] {
        assert_eq!(
            post(&bench, &authorization, &record()).status,
            status,
            "{authorization}"
        );
    }
}

#[test]
fn a_site_without_a_log_announces_none_and_has_none() {
    let bench = Bench::new();
    let config = bench
        .send("GET", "/api/config", &[], b"")
        .json();
    assert_eq!(
        (
            &config["features"]["deid_log"],
            &config["site"]["deid_log_url"]
        ),
        (&json!(false), &Value::Null)
    );
    assert_eq!(post(&bench, &with_site(&bench), &record()).status, 404);
}

#[test]
fn a_dicom_file_must_be_in_the_log_or_say_why_not() {
    let bench = logging();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let id = post(&bench, &with_site(&bench), &record()).json()["id"].clone();
    for (metadata, status) in [
        (json!({"type": "dicom", "deid_log_id": id}), 200),
        (
            json!({"type": "dicom", "deid_log_skip_reason": "manual_override"}),
            200,
        ),
        (json!({"type": "pdf"}), 200),
        (json!({"type": "dicom"}), 400),
        (
            json!({"type": "dicom", "deid_log_id": "8d6bcf66-0000-4000-8000-000000000000"}),
            400,
        ),
        (
            json!({"type": "dicom", "deid_log_skip_reason": "no time"}),
            400,
        ),
    ] {
        assert_eq!(
            upload(&bench, &target, &metadata).status,
            status,
            "{metadata}"
        );
    }
    let unknown = upload(&bench, &target, &json!({"deid_log_id": "none"})).json();
    assert_eq!(unknown["message"], "unable to resolve de-identification ID");
}

#[test]
fn signed_uploads_are_held_to_the_log_too() {
    let bench = Bench::with(|options| {
        options.deid_log = true;
        options.signed_urls = true;
    });
    let target = format!("/api/acquisitions/{}/files?ticket=", bench.branch()[4]);
    let start = |metadata: Value| {
        bench
            .post(
                &target,
                &json!({"metadata": metadata, "filenames": ["a.dcm"]}),
            )
            .status
    };
    assert_eq!(start(json!({"type": "dicom"})), 400);
    assert_eq!(
        start(json!({"type": "dicom", "deid_log_skip_reason": "unsupported_type"})),
        200
    );
}
