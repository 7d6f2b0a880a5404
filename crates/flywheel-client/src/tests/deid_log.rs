//! The site's log of de-identification.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{FORM, container, entry, failed};
use crate::scripted::{Asked, Reply, Server, file};
use crate::{Client, ClientError, DeidRecord, LogEntry, Operation, UploadFile};

const LOG: &str = "POST /log/logs";

/// A site that keeps a log at itself; `log` answers for that.
async fn keeping(log: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Server {
    let base = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&base);
    let server = Server::start(move |asked, before| match asked.line.as_str() {
        "GET /api/config" => {
            let url = format!("{}/log/", known.lock().unwrap());
            Reply::Json(
                200,
                json!({ "features": { "deid_log": true }, "site": { "deid_log_url": url } }),
            )
        }
        LOG => log(asked, before),
        _ => Reply::Json(200, json!([entry(20)])),
    })
    .await;
    *base.lock().unwrap() = format!("http://{}", server.address);
    server
}

fn doe() -> Value {
    let fields = json!({ "PatientID": "4711", "PatientName": "Doe^Jane" });
    json!({ "indexed_fields": fields, "deidentified_tags": {} })
}

async fn record(client: &Client) -> Result<String, ClientError> {
    client
        .record_deid(&DeidRecord::new(doe()))
        .await
}

/// What a form says about its file.
fn description(asked: &Asked) -> Value {
    let body = String::from_utf8_lossy(&asked.body).into_owned();
    let metadata = body
        .split("\r\n\r\n")
        .nth(1)
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap();
    serde_json::from_str(metadata).unwrap()
}

#[tokio::test]
async fn an_instance_is_recorded_before_it_is_sent_and_the_file_bears_the_id() {
    let server = keeping(|_, _| Reply::Json(200, json!({ "id": "log-1" }))).await;
    let client = server.client();
    let id = record(&client).await.unwrap();
    let file = file("s.dicom.zip", 20);
    let file = client
        .logged(file, Some(id))
        .await
        .unwrap();
    assert_eq!(file.log, LogEntry::Recorded("log-1".into()));
    client
        .upload(&container(), &file)
        .await
        .unwrap();
    assert_eq!(server.lines(), ["GET /api/config", LOG, FORM]);
    let asked = server.asked();
    let [_, record, form] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(
        record.header("authorization"),
        Some(format!("scitran-user {}:topsecretkey", server.address).as_str())
    );
    assert_eq!(record.header("content-type"), Some("application/json"));
    assert_eq!(record.json(), doe());
    assert_eq!(description(form)["deid_log_id"], "log-1");
}

#[tokio::test]
async fn other_files_say_why_they_have_no_record_and_dicom_never_goes_without() {
    let server = keeping(|_, _| Reply::Cut).await;
    let client = server.client();
    let other = client
        .logged(
            UploadFile {
                file_type: None,
                ..file("notes.txt", 20)
            },
            None,
        )
        .await
        .unwrap();
    let _ = client
        .upload(&container(), &other)
        .await;
    let form = server
        .asked()
        .into_iter()
        .find(|asked| asked.line == FORM)
        .unwrap();
    assert_eq!(
        description(&form)["deid_log_skip_reason"],
        "unsupported_type"
    );
    assert!(matches!(
        client
            .logged(file("s.dicom.zip", 20), None)
            .await,
        Err(ClientError::NothingToRecord)
    ));
    assert_eq!(server.count(LOG), 0);
}

#[tokio::test]
async fn a_log_that_is_briefly_away_is_asked_again_and_its_words_are_not_passed_on() {
    for (status, asked) in [(401, 1), (403, 1), (400, 1), (500, 3), (503, 3), (307, 1)] {
        let server = keeping(move |_, _| {
            let elsewhere = vec![("Location", "/log/other".to_owned())];
            Reply::Raw(
                status,
                elsewhere,
                json!({ "message": "no patient 4711 (Doe^Jane) here" }).to_string(),
            )
        })
        .await;
        let error = failed(record(&server.client()).await);
        assert_eq!(
            (error.operation, error.status(), error.attempts),
            (Operation::RecordDeid, Some(status), asked)
        );
        assert_eq!(server.count(LOG), usize::try_from(asked).unwrap());
        assert!(
            !server
                .lines()
                .iter()
                .any(|line| line.contains("other")),
            "a redirect was followed"
        );
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains("patient 4711") && !text.contains("Doe"),
            "{text}"
        );
    }
    let server = keeping(|_, before| {
        if before == 0 {
            Reply::Cut
        } else {
            Reply::Json(200, json!({ "id": "log-1" }))
        }
    })
    .await;
    assert!(
        record(&server.client())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_answer_without_a_usable_id_is_no_record() {
    for answer in [
        json!({}),
        json!({ "id": "" }),
        json!({ "id": 7 }),
        json!({ "id": "a b" }),
        json!({ "id": "x".repeat(201) }),
    ] {
        let server = keeping(move |_, _| Reply::Json(200, answer.clone())).await;
        let error = failed(record(&server.client()).await);
        assert_eq!(error.operation, Operation::RecordDeid, "{error}");
    }
}

#[tokio::test]
async fn a_site_that_keeps_a_log_must_say_where() {
    for (url, usable) in [
        (json!("https://log.example/api/"), true),
        (json!("http://log.example"), false),
        (json!("https://user:secret@log.example"), false),
        (json!("https://log.example/?token=x"), false),
        (json!("ftp://log.example"), false),
        (json!("/deid-log"), false),
        (json!(""), false),
        (json!(null), false),
    ] {
        let shown = url.to_string();
        let config = json!({ "features": { "deid_log": true }, "site": { "deid_log_url": url } });
        let server = Server::start(move |_, _| Reply::Json(200, config.clone())).await;
        match server
            .client()
            .deid_log_host()
            .await
        {
            Ok(host) => assert_eq!(
                (host.as_deref(), usable),
                (Some("log.example"), true),
                "{shown}"
            ),
            Err(ClientError::NoLogAddress { .. }) => assert!(!usable, "{shown}"),
            Err(other) => panic!("{other}"),
        }
    }
    let server = Server::start(|_, _| {
        Reply::Json(
            200,
            json!({ "site": { "deid_log_url": "https://log.example" } }),
        )
    })
    .await;
    assert_eq!(
        server
            .client()
            .deid_log_host()
            .await
            .unwrap(),
        None
    );
}
