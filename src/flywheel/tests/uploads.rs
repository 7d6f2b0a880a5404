//! Files by form and by signed address.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::failure::{FileCode, FileFailure, RunCode};
use crate::flywheel::scripted::{Asked, Reply, Server, file, quick};
use crate::flywheel::{
    BodyStream, ContainerKind, ContainerRef, RemoteFile, RetryNotice, Route, Settings, UploadError, UploadFile, UploadReceipt,
};

const FORM: &str = "POST /api/acquisitions/a1/files";
const TICKET: &str = "POST /api/acquisitions/a1/files?ticket=";
const FINISH: &str = "POST /api/acquisitions/a1/files?ticket=t1";
const LOOK: &str = "GET /api/acquisitions/a1";

fn container() -> ContainerRef {
    ContainerRef { kind: ContainerKind::Acquisition, id: "a1".into() }
}

fn entry(size: u64) -> Value {
    json!({ "name": "s.dicom.zip", "size": size, "file_id": "f1", "version": 1 })
}

fn plain_site(asked: &Asked) -> Option<Reply> {
    (asked.line == "GET /api/config").then(|| Reply::Json(200, json!({})))
}

fn signed_site(asked: &Asked) -> Option<Reply> {
    let features = json!({ "features": { "signed_url": true, "multipart_signed_url": true } });
    (asked.line == "GET /api/config").then(|| Reply::Json(200, features))
}

async fn send(server: &Server, file: &UploadFile) -> Result<UploadReceipt, UploadError> {
    server.client().upload(&container(), file).await
}

fn failure(result: Result<UploadReceipt, UploadError>) -> FileFailure {
    match result {
        Err(UploadError::File(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_form_has_its_description_first_and_an_exact_length() {
    let server = Server::start(|asked, _| plain_site(asked).unwrap_or_else(|| Reply::Json(200, json!([entry(20)])))).await;
    let bytes = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&bytes);
    let progress: crate::flywheel::Progress = Arc::new(move |more| _ = counted.fetch_add(more, Ordering::Relaxed));
    let file = UploadFile {
        zip_member_count: Some(2),
        modality: Some("MR".into()),
        progress: Some(progress),
        ..file("s.dicom.zip", 20)
    };
    let receipt = send(&server, &file).await.unwrap();
    assert_eq!((receipt.name(), receipt.size(), receipt.file_id(), receipt.version()), ("s.dicom.zip", 20, Some("f1"), Some(1)));
    assert_eq!((receipt.route(), bytes.load(Ordering::Relaxed)), (Route::Form, 20));
    let asked = server.asked().pop().unwrap();
    let boundary = asked.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap().to_owned();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n\
         {{\"name\":\"s.dicom.zip\",\"type\":\"dicom\",\"zip_member_count\":2,\"modality\":\"MR\"}}\r\n--{boundary}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"s.dicom.zip\"\r\nContent-Type: application/octet-stream\r\n\r\n\
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
        (json!([{ "name": "S.dicom.zip", "size": 20 }]), json!([]), false),
        (json!([{ "name": "s.dicom.zip" }]), json!([{ "name": "s.dicom.zip" }]), false),
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
            other => assert_eq!((failure(other).code, good), (FileCode::UploadUnconfirmed, false), "{text}"),
        }
        assert_eq!(server.count(FORM), 1);
    }
}

#[tokio::test]
async fn a_checksum_of_other_bytes_is_not_believed() {
    for (ours, good) in [("AB12", true), ("ab13", false)] {
        let held = json!({ "name": "s.dicom.zip", "size": 20, "hash": "v0-sha384-ab12" });
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            FORM => Reply::Json(200, json!([held])),
            LOOK => Reply::Json(200, json!({ "files": [held] })),
            _ => plain_site(asked).unwrap(),
        })
        .await;
        let file = UploadFile { sha384: Some(ours.into()), ..file("s.dicom.zip", 20) };
        assert_eq!(send(&server, &file).await.is_ok(), good);
    }
}

#[tokio::test]
async fn a_cut_connection_after_the_body_is_looked_up_before_it_is_sent_again() {
    for (arrived, sent) in [(true, 1), (false, 2)] {
        let server = Server::start(move |asked, before| match asked.line.as_str() {
            FORM if before == 0 => Reply::Cut,
            FORM => Reply::Json(200, json!([entry(20)])),
            LOOK => Reply::Json(200, json!({ "files": if arrived { json!([entry(20)]) } else { json!([]) } })),
            _ => plain_site(asked).unwrap(),
        })
        .await;
        send(&server, &file("s.dicom.zip", 20)).await.unwrap();
        assert_eq!((server.count(FORM), server.count(LOOK)), (sent, 1));
        assert!(
            server
                .asked()
                .iter()
                .filter(|asked| asked.line == FORM)
                .all(|asked| asked.body.windows(20).any(|w| w == b"abcdefghijklmnopqrst"))
        );
    }
}

#[tokio::test]
async fn the_file_that_is_replaced_does_not_pass_for_the_new_one() {
    let old: RemoteFile = serde_json::from_value(entry(20)).unwrap();
    let server = Server::start(move |asked, before| match asked.line.as_str() {
        FORM if before == 0 => Reply::Cut,
        FORM => Reply::Json(200, json!([{ "name": "s.dicom.zip", "size": 20, "version": 2 }])),
        LOOK => Reply::Json(200, json!({ "files": [entry(20)] })),
        _ => plain_site(asked).unwrap(),
    })
    .await;
    let file = UploadFile { previous: Some(old), ..file("s.dicom.zip", 20) };
    assert_eq!(send(&server, &file).await.unwrap().version(), Some(2));
    assert_eq!(server.count(FORM), 2);
}

#[tokio::test]
async fn refusals_have_their_codes_and_only_transient_ones_are_repeated() {
    for (status, code, sent) in [
        (400, FileCode::UploadRejected, 1),
        (403, FileCode::UploadForbidden, 1),
        (404, FileCode::UploadNotFound, 1),
        (409, FileCode::UploadConflict, 1),
        (413, FileCode::UploadTooLarge, 1),
        (422, FileCode::UploadConflict, 1),
        (429, FileCode::UploadThrottled, 3),
        (500, FileCode::UploadServer, 3),
        (503, FileCode::UploadServer, 3),
    ] {
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            FORM => Reply::Json(status, json!({ "message": "about s.dicom.zip" })),
            LOOK => Reply::Json(200, json!({ "files": [] })),
            _ => plain_site(asked).unwrap(),
        })
        .await;
        let failure = failure(send(&server, &file("s.dicom.zip", 20)).await);
        assert_eq!((failure.code, failure.http_status, failure.attempts), (code, Some(status), sent));
        assert_eq!(server.count(FORM), usize::try_from(sent).unwrap());
        assert!(failure.detail.contains("(..)") && !failure.detail.contains("s.dicom"), "{failure}");
    }
}

#[tokio::test]
async fn a_key_that_is_refused_meanwhile_stops_the_run() {
    let server = Server::start(|asked, _| plain_site(asked).unwrap_or_else(|| Reply::Json(401, json!({})))).await;
    let Err(UploadError::Run(error)) = send(&server, &file("s.dicom.zip", 20)).await else { panic!("no error") };
    assert_eq!(error.code, RunCode::AuthRejected);
}

#[tokio::test]
async fn a_source_that_fails_fails_the_file_with_its_own_code_at_once() {
    let server = Server::start(|asked, _| plain_site(asked).unwrap_or(Reply::Cut)).await;
    let broken = || -> BodyStream {
        let fault = std::io::Error::other(FileFailure::new(FileCode::ReadChanged, "while sending"));
        Box::pin(futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"abc")), Err(fault)]))
    };
    let failure = failure(send(&server, &UploadFile::new("s.dicom.zip", 20, broken)).await);
    assert_eq!((failure.code, failure.detail.as_str()), (FileCode::ReadChanged, "while sending"));
    assert_eq!(server.count(FORM), 0);
}

#[tokio::test]
async fn a_server_that_knows_no_size_gets_none() {
    let server = Server::start(|asked, before| match asked.line.as_str() {
        FORM if before == 0 => {
            Reply::Json(400, json!({ "message": "Additional properties are not allowed ('size' was unexpected)" }))
        }
        FORM => Reply::Json(200, json!([entry(20)])),
        _ => signed_site(asked).unwrap(),
    })
    .await;
    let client = server.client_with(Settings { signed_urls: false, ..quick() });
    client.upload(&container(), &file("s.dicom.zip", 20)).await.unwrap();
    let sizes: Vec<bool> =
        server.asked().iter().skip(1).map(|asked| String::from_utf8_lossy(&asked.body).contains("\"size\":20")).collect();
    assert_eq!(sizes, [true, false]);
}

/// A site and a storage that are the same server; `urls` are paths on it.
async fn storing(
    urls: &'static [&'static str],
    put: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
) -> (Server, Arc<Mutex<String>>) {
    let base = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&base);
    let server = Server::start(move |asked, before| match asked.line.as_str() {
        TICKET => {
            let base = known.lock().unwrap().clone();
            let urls: Vec<String> = urls.iter().map(|path| format!("{base}{path}")).collect();
            let urls = if let [url] = urls.as_slice() { json!(url) } else { json!(urls) };
            Reply::Json(200, json!({ "ticket": "t1", "urls": { "s.dicom.zip": urls }, "headers": { "x-kind": "Block" } }))
        }
        FINISH => Reply::Json(200, json!([entry(20)])),
        line if line.starts_with("PUT") => put(asked, before),
        FORM => Reply::Json(200, json!([entry(20)])),
        LOOK => Reply::Json(200, json!({ "files": [] })),
        _ => signed_site(asked).unwrap(),
    })
    .await;
    *base.lock().unwrap() = format!("http://{}", server.address);
    (server, base)
}

fn stored() -> Reply {
    Reply::Raw(200, vec![("ETag", "\"tag\"".to_owned())], String::new())
}

#[tokio::test]
async fn a_ticket_leads_to_the_storage_which_learns_nothing_of_us() {
    let (server, _) = storing(&["/store?sig=x"], |_, _| stored()).await;
    let receipt = send(&server, &file("s.dicom.zip", 20)).await.unwrap();
    assert_eq!(receipt.route(), Route::Signed);
    let asked = server.asked();
    assert_eq!(server.lines(), ["GET /api/config", TICKET, "PUT /store?sig=x", FINISH]);
    let [_, ticket, put, finish] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(
        ticket.json(),
        json!({ "metadata": { "name": "s.dicom.zip", "type": "dicom", "size": 20 }, "filenames": ["s.dicom.zip"] })
    );
    assert_eq!((put.header("authorization"), put.header("x-accept-feature"), put.header("x-kind")), (None, None, Some("Block")));
    assert_eq!((put.header("content-length"), put.body.as_slice()), (Some("20"), b"abcdefghijklmnopqrst".as_slice()));
    assert_eq!((finish.header("content-type"), finish.body.len()), (None, 0));
}

#[tokio::test]
async fn parts_go_to_their_addresses_and_a_failed_one_is_put_again() {
    let (server, _) =
        storing(&["/b.s3.x/1?uploadId=up&n=1", "/b.s3.x/2?uploadId=up&n=2", "/b.s3.x/3?uploadId=up&n=3"], |asked, before| {
            if asked.line.ends_with("n=2") && before == 0 { Reply::Json(503, json!({})) } else { stored() }
        })
        .await;
    send(&server, &file("s.dicom.zip", 20)).await.unwrap();
    let bodies: Vec<String> = server
        .asked()
        .iter()
        .filter(|asked| asked.line.starts_with("PUT"))
        .map(|asked| String::from_utf8_lossy(&asked.body).into_owned())
        .collect();
    assert_eq!(bodies, ["abcdefg", "hijklmn", "hijklmn", "opqrst"]);
    assert_eq!(
        server.asked().last().unwrap().json(),
        json!({ "multipart": { "e_tags": ["tag", "tag", "tag"], "upload_id": "up" } })
    );
    assert_eq!(server.count(TICKET), 1);
}

#[tokio::test]
async fn google_parts_state_their_range_and_308_means_go_on() {
    let (server, _) = storing(&["/x.googleapis.y/1", "/x.googleapis.y/2"], |asked, _| {
        if asked.line.ends_with("/1") { Reply::Raw(308, vec![], String::new()) } else { stored() }
    })
    .await;
    let big = UploadFile { len: 300_000, ..file("s.dicom.zip", 300_000) };
    let failure = failure(send(&server, &big).await);
    assert_eq!(failure.code, FileCode::UploadUnconfirmed); // the script's answer states 20 bytes
    let ranges: Vec<String> =
        server.asked().iter().filter_map(|asked| asked.header("content-range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes 0-262143/300000", "bytes 262144-299999/300000"]);
}

#[tokio::test]
async fn a_failed_put_gets_a_new_ticket_and_is_never_finished() {
    for reply in [403, 503] {
        let (server, _) =
            storing(&["/store"], move |_, before| if before == 0 { Reply::Json(reply, json!({})) } else { stored() }).await;
        assert_eq!(send(&server, &file("s.dicom.zip", 20)).await.unwrap().route(), Route::Signed);
        assert_eq!(server.lines(), ["GET /api/config", TICKET, "PUT /store", TICKET, "PUT /store", FINISH]);
    }
}

#[tokio::test]
async fn where_direct_storage_does_not_work_the_form_does() {
    let (server, _) = storing(&["/store"], |_, _| Reply::Json(403, json!({}))).await;
    assert_eq!(send(&server, &file("s.dicom.zip", 20)).await.unwrap().route(), Route::Form);
    assert_eq!((server.count(FINISH), server.count(FORM)), (0, 1));

    let (server, base) = storing(&["/store"], |_, _| stored()).await;
    // A port that nobody listens on.
    *base.lock().unwrap() = "http://127.0.0.1:1".to_owned();
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let client = server.client().on_retry(move |notice| log.lock().unwrap().push(notice));
    for _ in 0..5 {
        assert_eq!(client.upload(&container(), &file("s.dicom.zip", 20)).await.unwrap().route(), Route::Form);
    }
    assert_eq!((server.count(TICKET), server.count(FORM)), (3, 5));
    assert!(
        told.lock()
            .unwrap()
            .iter()
            .all(|notice| matches!(notice, RetryNotice::FormInstead { cause } if cause.starts_with("no connection")))
    );
}

#[tokio::test]
async fn a_site_that_gives_no_ticket_or_takes_none_back_gets_a_form() {
    for (line, status, body) in [
        (TICKET, 200, ""),
        (TICKET, 200, "null"),
        (TICKET, 405, "{}"),
        (TICKET, 409, "{}"),
        (FINISH, 400, "{}"),
        (FINISH, 404, "{}"),
    ] {
        let base = Arc::new(Mutex::new(String::new()));
        let known = Arc::clone(&base);
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            given if given == line => Reply::Raw(status, vec![], body.to_owned()),
            TICKET => {
                Reply::Json(200, json!({ "ticket": "t1", "urls": { "s.dicom.zip": format!("{}/store", known.lock().unwrap()) } }))
            }
            FORM => Reply::Json(200, json!([entry(20)])),
            "PUT /store" => stored(),
            _ => signed_site(asked).unwrap(),
        })
        .await;
        *base.lock().unwrap() = format!("http://{}", server.address);
        assert_eq!(send(&server, &file("s.dicom.zip", 20)).await.unwrap().route(), Route::Form, "{line} {status}");
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_ticket_is_looked_up_before_it_is_handed_back_again() {
    for (arrived, finished) in [(true, 1), (false, 2)] {
        let base = Arc::new(Mutex::new(String::new()));
        let known = Arc::clone(&base);
        let server = Server::start(move |asked, before| match asked.line.as_str() {
            TICKET => {
                Reply::Json(200, json!({ "ticket": "t1", "urls": { "s.dicom.zip": format!("{}/store", known.lock().unwrap()) } }))
            }
            FINISH if before == 0 => Reply::Cut,
            FINISH => Reply::Json(200, json!([entry(20)])),
            LOOK => Reply::Json(200, json!({ "files": if arrived { json!([entry(20)]) } else { json!([]) } })),
            "PUT /store" => stored(),
            _ => signed_site(asked).unwrap(),
        })
        .await;
        *base.lock().unwrap() = format!("http://{}", server.address);
        assert_eq!(send(&server, &file("s.dicom.zip", 20)).await.unwrap().route(), Route::Signed);
        assert_eq!((server.count(FINISH), server.count("PUT /store")), (finished, 1));
    }
}

#[tokio::test]
async fn an_empty_file_goes_both_ways() {
    let server = Server::start(|asked, _| plain_site(asked).unwrap_or_else(|| Reply::Json(200, json!([entry(0)])))).await;
    assert_eq!(send(&server, &file("s.dicom.zip", 0)).await.unwrap().size(), 0);
    let (server, _) = storing(&["/store"], |_, _| stored()).await;
    let _ = send(&server, &file("s.dicom.zip", 0)).await;
    let put = server.asked().into_iter().find(|asked| asked.line == "PUT /store").unwrap();
    assert_eq!((put.header("content-length"), put.body.len()), (Some("0"), 0));
}
