//! Answers that are hostile or broken.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::{FORM, LOOK, container, entry, send};
use crate::scripted::{Reply, Server, file, quick};
use crate::{Client, ClientNotice, ProjectRef, Settings, UploadError};

fn once() -> Settings {
    Settings {
        idle_timeout: Duration::from_millis(100),
        tries: 1,
        ..quick()
    }
}

#[tokio::test]
async fn an_answer_that_comes_in_drops_ends() {
    for head in [
        "HTTP/1.1 200 X\r\nContent-Length: 900000\r\n\r\n",
        "HTTP/1.1 200 X\r\nX-Slow: ",
    ] {
        let server =
            Server::start(move |_, _| Reply::Drip(head.to_owned(), Duration::from_millis(10)))
                .await;
        let error = server.client_with(once()).site_config().await.unwrap_err();
        assert_eq!(error.code, RunCode::NetworkUnavailable, "{head}");
        assert!(
            error
                .why
                .iter()
                .any(|why| why.contains("did not answer or take data")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_status_of_an_error_that_comes_in_drops_counts() {
    let head = "HTTP/1.1 403 X\r\nContent-Length: 900000\r\n\r\n";
    let server =
        Server::start(move |_, _| Reply::Drip(head.to_owned(), Duration::from_millis(10))).await;
    let error = server.client_with(once()).check_key().await.unwrap_err();
    assert_eq!(
        (error.code, error.why.as_slice()),
        (
            RunCode::AuthRejected,
            ["127.0.0.1 answered 403".to_owned()].as_slice()
        )
    );
}

#[tokio::test]
async fn a_server_that_never_finishes_the_handshake_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let key = ApiKey::parse(&format!("{}:topsecretkey", listener.local_addr().unwrap())).unwrap();
    let settings = Settings {
        connect_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_secs(600),
        ..once()
    };
    let error = Client::new(&key, settings)
        .unwrap()
        .site_config()
        .await
        .unwrap_err();
    assert_eq!(error.code, RunCode::NetworkUnavailable);
}

#[tokio::test]
async fn only_lists_may_be_long() {
    let padding = "x".repeat(5 * 1024 * 1024);
    let project = json!({ "_id": "p", "group": "g", "label": "L", "info": padding });
    let server = Server::start(move |asked, _| match asked.line.as_str() {
        "GET /api/projects" => Reply::Json(200, json!([project])),
        _ => Reply::Json(200, json!({ "padding": padding })),
    })
    .await;
    let client = server.client();
    assert_eq!(
        client.site_config().await.unwrap_err().code,
        RunCode::ServerUnexpected
    );
    assert_eq!(
        client
            .resolve_project(&ProjectRef::Label("L".into()))
            .await
            .unwrap()
            .id,
        "p"
    );
}

#[tokio::test]
async fn a_length_that_is_not_true_and_nesting_without_end_are_no_answers() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (wire, code) in [
        (
            "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{}".to_owned(),
            RunCode::NetworkUnavailable,
        ),
        (
            "HTTP/1.1 200 X\r\nContent-Length: 8\r\n\r\n{\"site\": {}}".to_owned(),
            RunCode::ServerUnexpected,
        ),
        (
            "HTTP/1.1 200 X\r\nContent-Length: -1\r\n\r\n{}".to_owned(),
            RunCode::NetworkUnavailable,
        ),
        ("garbage\r\n\r\n".to_owned(), RunCode::NetworkUnavailable),
        (
            format!(
                "HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{nested}",
                nested.len()
            ),
            RunCode::ServerUnexpected,
        ),
    ] {
        let shown: String = wire.chars().take(60).collect();
        let server = Server::start(move |_, _| Reply::Bytes(wire.clone())).await;
        assert_eq!(
            server
                .client_with(once())
                .site_config()
                .await
                .unwrap_err()
                .code,
            code,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_label_in_an_answer_cannot_steer_a_terminal() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        "GET /api/groups/g/projects" => Reply::Json(
            200,
            json!([{ "_id": "1", "group": "g", "label": "ADNI\u{1b}[2J" }]),
        ),
        _ => Reply::Json(404, json!({ "message": "none\u{1b}[31m\r\nhere" })),
    })
    .await;
    let error = server
        .client()
        .resolve_project(&ProjectRef::parse("g/ADNI").unwrap())
        .await
        .unwrap_err();
    assert_eq!(
        error.hint(),
        "close matches: g/ADNI\\u{1b}[2J (labels are case-sensitive)"
    );
}

#[tokio::test]
async fn a_file_id_in_an_answer_cannot_steer_a_terminal() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        FORM => Reply::Json(
            200,
            json!([{ "name": "s.dicom.zip", "size": 20, "file_id": "f\u{1b}[2J" }]),
        ),
        _ => Reply::Json(200, json!({})),
    })
    .await;
    assert_eq!(
        send(&server, &file("s.dicom.zip", 20))
            .await
            .unwrap()
            .file_id,
        Some("f\\u{1b}[2J")
    );
}

#[tokio::test]
async fn a_time_to_come_back_is_read_by_the_clock_of_the_server() {
    let told = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let server = Server::start(|_, before| {
        let dates = vec![
            ("Date", "Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
            ("Retry-After", "Sun, 06 Nov 1994 08:49:38 GMT".to_owned()),
        ];
        if before == 0 {
            Reply::Raw(503, dates, String::new())
        } else {
            Reply::Json(200, json!({}))
        }
    })
    .await;
    let log = std::sync::Arc::clone(&told);
    let client = server
        .client()
        .on_notice(move |notice| log.lock().unwrap().push(notice));
    client.site_config().await.unwrap();
    let waits = told
        .lock()
        .unwrap()
        .iter()
        .filter_map(|notice| match notice {
            ClientNotice::Waiting { wait, .. } => Some(wait.as_secs()),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert_eq!(waits, [1]);
}

#[tokio::test]
async fn success_before_the_file_was_read_is_not_believed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 8192];
                let read = stream.read(&mut head).await.unwrap();
                let asks = String::from_utf8_lossy(&head[..read]).into_owned();
                let body = if asks.starts_with("POST") {
                    json!([entry(64 << 20)])
                } else {
                    json!({})
                }
                .to_string();
                let answer = format!(
                    "HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            });
        }
    });
    let key = ApiKey::parse(&format!("{address}:__force_insecure:topsecretkey")).unwrap();
    let big = crate::UploadFile::new("s.dicom.zip", 64 << 20, || {
        Box::pin(futures_util::stream::repeat_with(|| {
            Ok(bytes::Bytes::from(vec![0; 65536]))
        }))
    });
    let result = Client::new(&key, once())
        .unwrap()
        .upload(&container(), &big)
        .await;
    assert!(matches!(result, Err(UploadError::File(_))), "{result:?}");
}

#[tokio::test]
async fn a_file_that_never_went_out_whole_is_not_found_there() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        LOOK => Reply::Json(200, json!({ "files": [entry(20)] })),
        _ => Reply::Json(200, json!({})),
    })
    .await;
    // The body stands still in the middle: what the server lists under this name is somebody
    // else's.
    let stuck = || -> crate::BodyStream {
        use futures_util::StreamExt;
        let first = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]);
        Box::pin(first.chain(futures_util::stream::pending()))
    };
    let file = crate::UploadFile::new("s.dicom.zip", 20, stuck);
    let result = server.client_with(once()).upload(&container(), &file).await;
    assert!(matches!(result, Err(UploadError::File(_))), "{result:?}");
}
