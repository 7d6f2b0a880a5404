//! Files by ticket and signed address.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{FORM, LOOK, container, entry, failed, is_unexpected, send, signed_site};
use crate::scripted::{Asked, Reply, Server, file, quick};
use crate::{ClientNotice, FormReason, Route, Settings, UploadFile};

pub(super) const TICKET: &str = "POST /api/acquisitions/a1/files?ticket=";
pub(super) const FINISH: &str = "POST /api/acquisitions/a1/files?ticket=t1";

/// A site and a storage that are the same server; `urls` are paths on it.
pub(super) async fn storing(
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

pub(super) fn stored() -> Reply {
    Reply::Raw(200, vec![("ETag", "\"tag\"".to_owned())], String::new())
}

#[tokio::test]
async fn a_ticket_leads_to_the_storage_which_learns_nothing_of_us() {
    let (server, _) = storing(&["/store?sig=x"], |_, _| stored()).await;
    let receipt = send(&server, &file("s.dicom.zip", 20))
        .await
        .unwrap();
    assert_eq!(receipt.route, Route::Signed);
    let asked = server.asked();
    assert_eq!(
        server.lines(),
        ["GET /api/config", TICKET, "PUT /store?sig=x", FINISH]
    );
    let [_, ticket, put, finish] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert_eq!(
        ticket.json(),
        json!({
            "metadata": { "name": "s.dicom.zip", "type": "dicom", "mimetype": "application/dicom", "size": 20 },
            "filenames": ["s.dicom.zip"],
        })
    );
    assert_eq!(
        (
            put.header("authorization"),
            put.header("x-accept-feature"),
            put.header("x-kind")
        ),
        (None, None, Some("Block"))
    );
    assert_eq!(
        (put.header("content-length"), put.body.as_slice()),
        (Some("20"), b"abcdefghijklmnopqrst".as_slice())
    );
    assert_eq!(
        (finish.header("content-type"), finish.body.len()),
        (None, 0)
    );
}

#[tokio::test]
async fn a_failed_put_gets_a_new_ticket_and_is_never_finished() {
    for reply in [403, 503] {
        let (server, _) = storing(&["/store"], move |_, before| {
            if before == 0 {
                Reply::Json(reply, json!({}))
            } else {
                stored()
            }
        })
        .await;
        assert_eq!(
            send(&server, &file("s.dicom.zip", 20))
                .await
                .unwrap()
                .route,
            Route::Signed
        );
        assert_eq!(
            server.lines(),
            [
                "GET /api/config",
                TICKET,
                "PUT /store",
                TICKET,
                "PUT /store",
                FINISH
            ]
        );
    }
}

#[tokio::test]
async fn where_direct_storage_does_not_work_the_form_does() {
    let (server, _) = storing(&["/store"], |_, _| Reply::Json(403, json!({}))).await;
    assert_eq!(
        send(&server, &file("s.dicom.zip", 20))
            .await
            .unwrap()
            .route,
        Route::Form
    );
    assert_eq!((server.count(FINISH), server.count(FORM)), (0, 1));

    let (server, base) = storing(&["/store"], |_, _| stored()).await;
    // A port without a listener.
    *base.lock().unwrap() = "http://127.0.0.1:1".to_owned();
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let client = server
        .client()
        .on_notice(move |notice| log.lock().unwrap().push(notice));
    for _ in 0..5 {
        assert_eq!(
            client
                .upload(&container(), &file("s.dicom.zip", 20))
                .await
                .unwrap()
                .route,
            Route::Form
        );
    }
    assert_eq!((server.count(TICKET), server.count(FORM)), (3, 5));
    let told = told.lock().unwrap();
    let causes: Vec<_> = told
        .iter()
        .filter_map(|notice| match notice {
            ClientNotice::FormInstead { cause } => Some(cause),
            _ => None,
        })
        .collect();
    let blocked = |cause: &&FormReason| {
        matches!(cause, FormReason::Unreachable { host, error }
            if host == "127.0.0.1" && error.to_string().starts_with("no connection"))
    };
    let (last, first) = causes.split_last().unwrap();
    assert!(first.len() == 3 && first.iter().all(blocked), "{causes:?}");
    assert!(
        matches!(last, FormReason::GivenUp { files: 3 }),
        "{causes:?}"
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
        assert_eq!(
            send(&server, &file("s.dicom.zip", 20))
                .await
                .unwrap()
                .route,
            Route::Form,
            "{line} {status}"
        );
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
        assert_eq!(
            send(&server, &file("s.dicom.zip", 20))
                .await
                .unwrap()
                .route,
            Route::Signed
        );
        assert_eq!(
            (server.count(FINISH), server.count("PUT /store")),
            (finished, 1)
        );
    }
}

#[tokio::test]
async fn a_ticket_that_served_though_its_answer_was_lost_is_not_followed_by_a_form() {
    let base = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&base);
    let server = Server::start(move |asked, before| match asked.line.as_str() {
        TICKET => {
            Reply::Json(200, json!({ "ticket": "t1", "urls": { "s.dicom.zip": format!("{}/store", known.lock().unwrap()) } }))
        }
        FINISH if before == 0 => Reply::Cut,
        FINISH => Reply::Json(404, json!({ "message": "no such ticket" })),
        // The server takes its time to list the file, and then lists a new version of what was
        // there before.
        LOOK if before == 0 => Reply::Json(200, json!({ "files": [entry(20)] })),
        LOOK => Reply::Json(200, json!({ "files": [{ "name": "s.dicom.zip", "size": 20, "file_id": "f1", "version": 2 }] })),
        "PUT /store" => stored(),
        _ => signed_site(asked).unwrap(),
    })
    .await;
    *base.lock().unwrap() = format!("http://{}", server.address);
    let file = UploadFile {
        previous: serde_json::from_value(entry(20)).ok(),
        ..file("s.dicom.zip", 20)
    };
    let receipt = send(&server, &file).await.unwrap();
    assert_eq!(
        (receipt.version, server.count(FINISH), server.count(FORM)),
        (Some(2), 2, 0)
    );
}

#[tokio::test]
async fn an_empty_file_is_put_with_its_length() {
    let (server, _) = storing(&["/store"], |_, _| stored()).await;
    let _ = send(&server, &file("s.dicom.zip", 0)).await;
    let put = server
        .asked()
        .into_iter()
        .find(|asked| asked.line == "PUT /store")
        .unwrap();
    assert_eq!(
        (put.header("content-length"), put.body.len()),
        (Some("0"), 0)
    );
}

#[tokio::test]
async fn a_network_that_is_away_altogether_says_nothing_about_the_storage() {
    let (server, base) = storing(&["/store"], |_, _| stored()).await;
    let good = base.lock().unwrap().clone();
    let client = server.client();
    let away = UploadFile::new("s.dicom.zip", 20, || {
        let fault = std::io::Error::other("it changed");
        Box::pin(futures_util::stream::iter([Err(fault)]))
    });
    *base.lock().unwrap() = "http://127.0.0.1:1".to_owned();
    for _ in 0..4 {
        // Neither the storage nor the site takes this one.
        assert!(
            client
                .upload(&container(), &away)
                .await
                .is_err()
        );
    }
    *base.lock().unwrap() = good;
    assert_eq!(
        client
            .upload(&container(), &file("s.dicom.zip", 20))
            .await
            .unwrap()
            .route,
        Route::Signed
    );
}

#[tokio::test(start_paused = true)]
async fn both_routes_keep_to_the_bandwidth_and_holding_back_is_no_standstill() {
    let wide = || UploadFile {
        len: 3000,
        ..file("s.dicom.zip", 3000)
    };
    for signed_urls in [true, false] {
        let (server, _) = storing(&["/store"], |_, _| stored()).await;
        let client = server.client_with(Settings {
            bandwidth: Some(1),
            signed_urls,
            ..quick()
        });
        // At one byte in a second the first piece goes at once, and each next one after a quarter
        // of an hour, many times the idle timeout. The answer states another length.
        let start = Instant::now();
        let error = failed(
            client
                .upload(&container(), &wide())
                .await,
        );
        assert!(is_unexpected(&error), "{error}");
        assert!(start.elapsed() >= Duration::from_secs(2 * 1024));
        let sent = if signed_urls { "PUT /store" } else { FORM };
        assert_eq!(server.count(sent), 1);
    }
}

#[tokio::test]
async fn a_size_that_is_not_wanted_is_told_once_at_the_start_or_the_end_of_a_ticket() {
    for refusing in [TICKET, FINISH] {
        let (refused, base) = (Mutex::new(true), Arc::new(Mutex::new(String::new())));
        let address = Arc::clone(&base);
        let server = Server::start(move |asked, _| match asked.line.as_str() {
            "GET /api/config" => Reply::Json(200, json!({ "features": { "signed_url": true } })),
            line if line == refusing && std::mem::take(&mut *refused.lock().unwrap()) => {
                Reply::Json(
                    400,
                    json!({ "message": "Additional properties are not allowed \
                    ('size' was unexpected)" }),
                )
            }
            TICKET => {
                let url = format!("{}/store", address.lock().unwrap());
                Reply::Json(
                    200,
                    json!({ "ticket": "t1", "urls": { "s.dicom.zip": url } }),
                )
            }
            line if line.starts_with("PUT") => stored(),
            _ => Reply::Json(200, json!([entry(20)])),
        })
        .await;
        *base.lock().unwrap() = format!("http://{}", server.address);
        let client = server.client();
        for _ in 0..2 {
            assert_eq!(
                client
                    .upload(&container(), &file("s.dicom.zip", 20))
                    .await
                    .unwrap()
                    .route,
                Route::Signed
            );
        }
        let tickets = server
            .asked()
            .into_iter()
            .filter(|asked| asked.line == TICKET);
        let sizes: Vec<_> = tickets
            .map(|asked| asked.json()["metadata"]["size"].as_u64())
            .collect();
        assert_eq!(sizes, [Some(20), None, None], "{refusing}");
    }
}
