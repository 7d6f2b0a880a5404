//! Files by form.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::{FORM, LOOK, container, entry, failed, is_unexpected, send, signed_site};
use crate::scripted::{Asked, Reply, Server, file, quick};
use crate::{BodyStream, RemoteFile, RequestFailure, Route, Settings, UploadFile};

fn plain_site(asked: &Asked) -> Option<Reply> {
    (asked.line == "GET /api/config").then(|| Reply::Json(200, json!({})))
}

#[tokio::test]
async fn a_form_has_its_description_first_and_an_exact_length() {
    let server = Server::start(|asked, _| {
        plain_site(asked).unwrap_or_else(|| Reply::Json(200, json!([entry(20)])))
    })
    .await;
    let bytes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&bytes);
    let progress: crate::Progress =
        Arc::new(move |more| _ = counted.fetch_add(more, Ordering::Relaxed));
    let file = UploadFile {
        zip_member_count: Some(2),
        modality: Some("MR".into()),
        progress: Some(progress),
        ..file("s.dicom.zip", 20)
    };
    let receipt = send(&server, &file).await.unwrap();
    assert_eq!(
        (receipt.name, receipt.size, receipt.file_id, receipt.version),
        ("s.dicom.zip".into(), 20, Some("f1".into()), Some(1))
    );
    assert_eq!(
        (receipt.route, bytes.load(Ordering::Relaxed)),
        (Route::Form, 20)
    );
    let asked = server.asked().pop().unwrap();
    let boundary = asked
        .header("content-type")
        .unwrap()
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap()
        .to_owned();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n\
         {{\"name\":\"s.dicom.zip\",\"type\":\"dicom\",\"zip_member_count\":2,\"modality\":\"MR\"}}\r\n--{boundary}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"s.dicom.zip\"\r\nContent-Type: \
         application/octet-stream\r\n\r\n\
         abcdefghijklmnopqrst\r\n--{boundary}--\r\n"
    );
    assert_eq!(String::from_utf8(asked.body).unwrap(), expected);
}

#[tokio::test]
async fn success_without_the_file_in_the_answer_is_looked_up_and_else_not_believed() {
    for (answer, held, good) in [
        (json!([]), json!([entry(20)]), true),
        (json!([]), json!([]), false),
        (json!([entry(19)]), json!([entry(19)]), false),
        (
            json!([{ "name": "S.dicom.zip", "size": 20 }]),
            json!([]),
            false,
        ),
        (
            json!([{ "name": "s.dicom.zip" }]),
            json!([{ "name": "s.dicom.zip" }]),
            false,
        ),
        (json!(null), json!([entry(20)]), true),
    ] {
        let text = answer.to_string();
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            FORM => Reply::Json(200, answer.clone()),
            LOOK => Reply::Json(200, json!({ "files": held })),
            _ => plain_site(asked).unwrap(),
        })
        .await;
        match send(&server, &file("s.dicom.zip", 20)).await {
            Ok(_) => assert!(good, "{text}"),
            other => assert_eq!(
                (is_unexpected(&failed(other)), good),
                (true, false),
                "{text}"
            ),
        }
        assert_eq!(server.count(FORM), 1);
    }
}

#[tokio::test]
async fn a_checksum_of_other_bytes_is_not_believed() {
    // SHA-384 of the twenty letters that are sent.
    const OURS: &str = "bc1511cd8b813544cb60b13d1ceb63e81f46aa3ca114a23fc5c3aba54f9965cdf9afa68e2dc2a680934e429dff5aa7f2";
    for (theirs, good) in [(OURS.to_uppercase(), true), (OURS.replace('a', "b"), false)] {
        let held =
            json!({ "name": "s.dicom.zip", "size": 20, "hash": format!("v0-sha384-{theirs}") });
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            FORM => Reply::Json(200, json!([held])),
            LOOK => Reply::Json(200, json!({ "files": [held] })),
            _ => plain_site(asked).unwrap(),
        })
        .await;
        // The first file is hashed afterwards, the next on its way.
        let client = server.client();
        for _ in 0..2 {
            let receipt = client
                .upload(&container(), &file("s.dicom.zip", 20))
                .await;
            assert_eq!(
                receipt
                    .ok()
                    .and_then(|receipt| receipt.sha384),
                good.then(|| OURS.to_owned())
            );
        }
    }
}

#[tokio::test]
async fn a_cut_connection_after_the_body_is_looked_up_before_it_is_sent_again() {
    for (arrived, sent) in [(true, 1), (false, 2)] {
        let server = Server::start(move |asked, before| match asked.line.as_str() {
            FORM if before == 0 => Reply::Cut,
            FORM => Reply::Json(200, json!([entry(20)])),
            LOOK => Reply::Json(
                200,
                json!({ "files": if arrived { json!([entry(20)]) } else { json!([]) } }),
            ),
            _ => plain_site(asked).unwrap(),
        })
        .await;
        send(&server, &file("s.dicom.zip", 20))
            .await
            .unwrap();
        assert_eq!((server.count(FORM), server.count(LOOK)), (sent, 1));
        assert!(
            server
                .asked()
                .iter()
                .filter(|asked| asked.line == FORM)
                .all(|asked| asked
                    .body
                    .windows(20)
                    .any(|w| w == b"abcdefghijklmnopqrst"))
        );
    }
}

#[tokio::test]
async fn the_file_that_is_replaced_does_not_pass_for_the_new_one() {
    let old: RemoteFile = serde_json::from_value(entry(20)).unwrap();
    let server = Server::start(move |asked, before| match asked.line.as_str() {
        FORM if before == 0 => Reply::Cut,
        FORM => Reply::Json(
            200,
            json!([{ "name": "s.dicom.zip", "size": 20, "version": 2 }]),
        ),
        LOOK => Reply::Json(200, json!({ "files": [entry(20)] })),
        _ => plain_site(asked).unwrap(),
    })
    .await;
    let file = UploadFile {
        previous: Some(old),
        ..file("s.dicom.zip", 20)
    };
    assert_eq!(
        send(&server, &file)
            .await
            .unwrap()
            .version,
        Some(2)
    );
    assert_eq!(server.count(FORM), 2);
}

#[tokio::test]
async fn refusals_keep_their_status_and_only_transient_ones_are_repeated() {
    for (status, sent) in [
        (400, 1),
        (403, 1),
        (404, 1),
        (409, 1),
        (413, 1),
        (422, 1),
        (429, 3),
        (500, 3),
        (503, 3),
    ] {
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            FORM => Reply::Json(status, json!({ "message": "about s.dicom.zip" })),
            LOOK => Reply::Json(200, json!({ "files": [] })),
            _ => plain_site(asked).unwrap(),
        })
        .await;
        let error = failed(send(&server, &file("s.dicom.zip", 20)).await);
        assert_eq!((error.status(), error.attempts), (Some(status), sent));
        assert_eq!(server.count(FORM), usize::try_from(sent).unwrap());
        let text = error.to_string();
        assert!(text.contains("(..)") && !text.contains("s.dicom"), "{text}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_meanwhile_is_not_tried_again() {
    let server =
        Server::start(|asked, _| plain_site(asked).unwrap_or_else(|| Reply::Json(401, json!({}))))
            .await;
    let error = failed(send(&server, &file("s.dicom.zip", 20)).await);
    assert_eq!((error.status(), error.attempts), (Some(401), 1));
}

#[tokio::test]
async fn a_body_that_fails_fails_the_upload_with_its_own_error_at_once() {
    let server = Server::start(|asked, _| plain_site(asked).unwrap_or(Reply::Cut)).await;
    let broken = || -> BodyStream {
        let fault = std::io::Error::other("changed while sending");
        Box::pin(futures_util::stream::iter([
            Ok(bytes::Bytes::from_static(b"abc")),
            Err(fault),
        ]))
    };
    let error = failed(send(&server, &UploadFile::new("s.dicom.zip", 20, broken)).await);
    let RequestFailure::Body(fault) = error.failure else {
        panic!("{error}")
    };
    assert_eq!(fault.to_string(), "changed while sending");
    assert_eq!(server.count(FORM), 0);
}

#[tokio::test]
async fn a_server_that_knows_no_size_gets_none() {
    let server = Server::start(|asked, before| match asked.line.as_str() {
        FORM if before == 0 => Reply::Json(
            400,
            json!({ "message": "Additional properties are not allowed ('size' was unexpected)" }),
        ),
        FORM => Reply::Json(200, json!([entry(20)])),
        _ => signed_site(asked).unwrap(),
    })
    .await;
    let client = server.client_with(Settings {
        signed_urls: false,
        ..quick()
    });
    client
        .upload(&container(), &file("s.dicom.zip", 20))
        .await
        .unwrap();
    let sizes: Vec<bool> = server
        .asked()
        .iter()
        .skip(1)
        .map(|asked| String::from_utf8_lossy(&asked.body).contains("\"size\":20"))
        .collect();
    assert_eq!(sizes, [true, false]);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let server = Server::start(|asked, _| {
        plain_site(asked).unwrap_or_else(|| Reply::Json(200, json!([entry(0)])))
    })
    .await;
    assert_eq!(
        send(&server, &file("s.dicom.zip", 0))
            .await
            .unwrap()
            .size,
        0
    );
}
