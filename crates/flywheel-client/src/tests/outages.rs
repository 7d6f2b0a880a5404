//! Outages: what is waited for, by whom, and for how long.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::{FORM, container, entry, failed, is_of_network};
use crate::scripted::{Asked, Reply, Server, file, quick};
use crate::{Client, ClientNotice, Patience, Settings};

fn patient(for_long: Duration) -> Settings {
    Settings {
        patience: Some(Patience {
            at_start: for_long,
            later: for_long,
        }),
        ..quick()
    }
}

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(50);

type Told = Arc<Mutex<Vec<ClientNotice>>>;

fn client(server: &Server, settings: Settings) -> (Client, Told) {
    let told = Told::default();
    let log = Arc::clone(&told);
    (
        server
            .client_with(settings)
            .on_notice(move |notice| log.lock().unwrap().push(notice)),
        told,
    )
}

fn count(told: &Told, counts: impl Fn(&ClientNotice) -> bool) -> usize {
    told.lock()
        .unwrap()
        .iter()
        .filter(|notice| counts(notice))
        .count()
}

/// Answers like a site that is out for a number of requests after the first.
fn out_for(requests: usize, how: impl Fn() -> Reply) -> impl Fn(&Asked, usize) -> Reply {
    let came = AtomicUsize::new(0);
    move |asked, _| {
        let out = (1..=requests).contains(&came.fetch_add(1, Ordering::Relaxed));
        match asked.line.as_str() {
            _ if out => how(),
            FORM => Reply::Json(200, json!([entry(9)])),
            _ => Reply::Json(200, json!({ "files": [] })),
        }
    }
}

#[tokio::test]
async fn an_outage_of_many_tries_is_got_over_by_all_requests_and_told_once() {
    let hows: [fn() -> Reply; 3] = [
        || Reply::Cut,
        || Reply::Json(503, json!({})),
        || Reply::Raw(429, vec![("Retry-After", "0".to_owned())], String::new()),
    ];
    for how in hows {
        let server = Server::start(out_for(8, how)).await;
        let (client, told) = client(&server, patient(LONG));
        client.site_config().await.unwrap();
        let (container, file) = (container(), file("s.dicom.zip", 9));
        let sent =
            futures_util::future::join_all((0..4).map(|_| client.upload(&container, &file))).await;
        assert!(sent.iter().all(Result::is_ok), "{sent:?}");
        assert_eq!(
            count(&told, |notice| matches!(
                notice,
                ClientNotice::Outage { .. }
            )),
            1
        );
        assert_eq!(
            count(&told, |notice| matches!(
                notice,
                ClientNotice::OutageOver { .. }
            )),
            1
        );
    }
}

#[tokio::test]
async fn a_probe_bears_no_key_and_is_the_only_request_while_the_site_is_out() {
    let server = Server::start(out_for(7, || Reply::Json(502, json!({})))).await;
    let (client, _) = client(&server, patient(LONG));
    client.site_config().await.unwrap();
    client
        .upload(&container(), &file("s.dicom.zip", 9))
        .await
        .unwrap();
    let asked = server.asked();
    let out: Vec<_> = asked
        .iter()
        .skip(2)
        .take(6)
        .map(|asked| (asked.line.as_str(), asked.header("authorization")))
        .collect();
    assert_eq!(out, [("GET /api/version", None); 6]);
}

#[tokio::test]
async fn patience_ends_and_the_error_is_that_of_the_request() {
    let server = Server::start(|_, _| Reply::Cut).await;
    let (client, told) = client(&server, patient(SHORT));
    assert!(is_of_network(&failed(client.site_config().await)));
    let sent = client
        .upload(&container(), &file("s.dicom.zip", 9))
        .await;
    assert!(is_of_network(&failed(sent)));
    // Where the machine is so busy that the first probe takes longer, nothing was waited for.
    assert!(
        count(&told, |notice| matches!(
            notice,
            ClientNotice::Outage { .. }
        )) <= 1,
        "one outage, told once"
    );
}

#[tokio::test]
async fn what_fails_while_the_site_answers_is_a_matter_of_tries_and_what_it_puts_off_of_time() {
    for reply in [None, Some(503)] {
        let server = Server::start(move |asked, _| match (asked.line.as_str(), reply) {
            (FORM, None) => Reply::Cut,
            (FORM, Some(status)) => Reply::Json(status, json!({})),
            _ => Reply::Json(200, json!({ "files": [] })),
        })
        .await;
        let (client, told) = client(&server, patient(SHORT));
        let error = failed(
            client
                .upload(&container(), &file("s.dicom.zip", 9))
                .await,
        );
        assert_eq!((error.status(), error.attempts >= 3), (reply, true));
        assert_eq!(is_of_network(&error), reply.is_none());
        assert_eq!(
            count(&told, |notice| matches!(
                notice,
                ClientNotice::Outage { .. }
            )),
            0
        );
    }
}

#[tokio::test]
async fn a_run_that_stops_waits_no_more() {
    let out = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&out);
    let server = Server::start(move |_, _| {
        if switch.load(Ordering::Relaxed) {
            Reply::Cut
        } else {
            Reply::Json(200, json!({}))
        }
    });
    let server = server.await;
    let outage = Arc::new(tokio::sync::Notify::new());
    let began = Arc::clone(&outage);
    let settings = Settings {
        backoff: LONG,
        ..patient(LONG)
    };
    let client = server
        .client_with(settings)
        .on_notice(move |notice| {
            if matches!(notice, ClientNotice::Outage { .. }) {
                began.notify_one();
            }
        });
    client.site_config().await.unwrap();
    out.store(true, Ordering::Relaxed);
    let asking = tokio::spawn({
        let client = client.clone();
        async move {
            client
                .upload(&container(), &file("s.dicom.zip", 9))
                .await
        }
    });
    outage.notified().await;
    client.wait_no_more();
    assert!(asking.await.unwrap().is_err());
}
