//! Headers, waits, broken answers, redirects.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::{failed, is_of_network, is_unexpected};
use crate::scripted::{Reply, Server, key, quick};
use crate::{Client, ClientError, ClientNotice, Operation, Settings};

#[tokio::test]
async fn every_request_identifies_itself_and_a_bare_one_has_no_content_type() {
    let server = Server::start(|_, _| {
        Reply::Json(
            200,
            json!({ "features": { "deid_log": true }, "signed_url": true }),
        )
    })
    .await;
    let config = server
        .client()
        .site_config()
        .await
        .unwrap();
    assert!(config.signed_url && config.deid_log && !config.multipart_signed_url);
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.line, "GET /api/config");
    assert_eq!(
        asked.header("authorization"),
        Some("scitran-user topsecretkey")
    );
    assert_eq!(
        asked.header("x-accept-feature"),
        Some("subject-container,multipart_signed_url,safe-redirect")
    );
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert!(
        asked
            .header("user-agent")
            .unwrap()
            .starts_with("flywheel-client/")
    );
    assert_eq!(asked.header("content-type"), None);
}

#[tokio::test]
async fn waits_as_long_as_the_server_asks_and_tells_about_it() {
    for status in [429, 503] {
        let server = Server::start(move |_, before| match before {
            0 => Reply::Raw(
                status,
                vec![("Retry-After", "0".to_owned())],
                "<html><title>busy</title>".to_owned(),
            ),
            1 => Reply::Cut,
            _ => Reply::Json(
                200,
                json!({ "origin": { "id": "me@site" }, "user_is_admin": true }),
            ),
        })
        .await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let client = server
            .client()
            .on_notice(move |notice| log.lock().unwrap().push(notice));
        let user = client.check_key().await.unwrap();
        assert_eq!((user.id.as_str(), user.is_admin), ("me@site", true));
        let told = told.lock().unwrap();
        let waits = told
            .iter()
            .filter(|notice| matches!(notice, ClientNotice::Waiting { .. }));
        let told: Vec<_> = waits.collect();
        assert_eq!(told.len(), 2, "{told:?}");
        let ClientNotice::Waiting {
            what,
            error,
            attempt,
            ..
        } = told.first().unwrap()
        else {
            panic!("{told:?}")
        };
        assert_eq!((what.as_str(), *attempt), ("GET /api/auth/status", 2));
        assert_eq!(
            error.to_string(),
            format!("127.0.0.1 answered {status}: busy")
        );
    }
}

#[tokio::test]
async fn other_refusals_are_not_tried_again() {
    for status in [400, 401, 403] {
        let server = Server::start(move |_, _| {
            Reply::Json(status, json!({ "message": "no", "request_id": "r1" }))
        })
        .await;
        let error = failed(server.client().check_key().await);
        assert_eq!(error.operation, Operation::CheckKey);
        assert_eq!(
            error.to_string(),
            format!("127.0.0.1 answered {status}: no (request id r1)")
        );
        assert_eq!(server.lines().len(), 1);
    }
}

#[tokio::test]
async fn a_silent_or_absent_server_ends_in_a_network_error() {
    let server = Server::start(|_, _| Reply::Silence).await;
    let settings = Settings {
        idle_timeout: Duration::from_millis(30),
        ..quick()
    };
    let error = failed(
        server
            .client_with(settings)
            .site_config()
            .await,
    );
    assert_eq!((is_of_network(&error), error.attempts), (true, 3));

    let address = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let key = key(&format!("{address}:__force_insecure:topsecretkey"));
    let error = failed(
        Client::new(&key, quick())
            .unwrap()
            .site_config()
            .await,
    );
    assert!(is_of_network(&error));
    assert!(
        !format!("{error} {error:?}").contains("topsecret"),
        "{error}"
    );
}

#[tokio::test]
async fn web_pages_and_floods_are_not_answers() {
    for body in [
        "<html>welcome</html>".to_owned(),
        " ".repeat(65 * 1024 * 1024),
        "[]".to_owned(),
        String::new(),
    ] {
        let server = Server::start(move |_, _| Reply::Raw(200, vec![], body.clone())).await;
        assert!(is_unexpected(&failed(server.client().site_config().await)));
    }
    let server = Server::start(|_, _| Reply::Raw(400, vec![], "x".repeat(3_000_000))).await;
    let error = server
        .client()
        .site_config()
        .await
        .unwrap_err();
    assert!(error.to_string().len() < 600, "{}", error.to_string().len());
}

#[tokio::test]
async fn a_redirect_within_the_site_is_followed_and_one_to_another_host_is_not() {
    let other = Server::start(|_, _| Reply::Json(200, json!({}))).await;
    let elsewhere = format!("http://{}/steal?signature=x", other.address);
    let server = Server::start(move |asked, _| match asked.line.as_str() {
        "GET /api/config" => Reply::Raw(
            302,
            vec![("Location", "/api/moved".to_owned())],
            String::new(),
        ),
        "GET /api/moved" => Reply::Json(200, json!({ "features": { "deid_log": true } })),
        _ => Reply::Raw(307, vec![("Location", elsewhere.clone())], String::new()),
    })
    .await;
    let config = server.client().site_config().await;
    assert!(config.unwrap().deid_log);
    let error = failed(server.client().check_key().await);
    assert_eq!(error.status(), Some(307));
    assert!(
        error.to_string().contains("/steal")
            && !error
                .to_string()
                .contains("signature"),
        "{error}"
    );
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_redirect_in_circles_ends() {
    let server = Server::start(|_, _| {
        Reply::Raw(
            302,
            vec![("Location", "/api/config".to_owned())],
            String::new(),
        )
    })
    .await;
    assert!(is_unexpected(&failed(server.client().site_config().await)));
}

#[test]
fn a_certificate_file_that_is_none_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let key = key("site.example:topsecretkey");
    let settings = Settings {
        ca_cert: Some(file.path().to_owned()),
        ..quick()
    };
    assert!(matches!(
        Client::new(&key, settings),
        Err(ClientError::CaCert { path, .. }) if path == file.path()
    ));
}
