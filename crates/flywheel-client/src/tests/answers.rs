//! Answers that are hostile or broken.

use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;

use super::{LOOK, container, entry, failed, is_of_network, is_unexpected};
use crate::scripted::{Reply, Server, key, quick};
use crate::{
    BodyStream, Client, ClientError, ClientNotice, ProjectRef, RequestFailure, Settings, UploadFile,
};

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
        let error = failed(
            server
                .client_with(once())
                .site_config()
                .await,
        );
        assert!(
            matches!(error.failure, RequestFailure::Stalled { .. }),
            "{head}: {error}"
        );
    }
}

#[tokio::test]
async fn the_status_of_an_error_that_comes_in_drops_counts() {
    let head = "HTTP/1.1 403 X\r\nContent-Length: 900000\r\n\r\n";
    let server =
        Server::start(move |_, _| Reply::Drip(head.to_owned(), Duration::from_millis(10))).await;
    let error = failed(
        server
            .client_with(once())
            .check_key()
            .await,
    );
    assert_eq!(error.to_string(), "127.0.0.1 answered 403");
}

#[tokio::test]
async fn a_server_that_never_finishes_the_handshake_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap();
    let key = key(&format!("{}:topsecretkey", listener.local_addr().unwrap()));
    let settings = Settings {
        connect_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_secs(600),
        ..once()
    };
    let client = Client::new(&key, settings).unwrap();
    assert!(is_of_network(&failed(client.site_config().await)));
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
    assert!(is_unexpected(&failed(client.site_config().await)));
    assert_eq!(
        client
            .resolve_project(&ProjectRef::Label("L".into()))
            .await
            .unwrap()
            .id,
        Some("p".to_owned())
    );
}

#[tokio::test]
async fn a_length_that_is_not_true_and_nesting_without_end_are_no_answers() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (bytes, unexpected) in [
        (
            "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{}".to_owned(),
            false,
        ),
        (
            "HTTP/1.1 200 X\r\nContent-Length: 8\r\n\r\n{\"site\": {}}".to_owned(),
            true,
        ),
        (
            "HTTP/1.1 200 X\r\nContent-Length: -1\r\n\r\n{}".to_owned(),
            false,
        ),
        ("garbage\r\n\r\n".to_owned(), false),
        (
            format!(
                "HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n{nested}",
                nested.len()
            ),
            true,
        ),
    ] {
        let shown: String = bytes.chars().take(60).collect();
        let server = Server::start(move |_, _| Reply::Bytes(bytes.clone())).await;
        let settings = Settings {
            tries: 1,
            ..quick()
        };
        let error = failed(
            server
                .client_with(settings)
                .site_config()
                .await,
        );
        assert_eq!(
            (is_of_network(&error), is_unexpected(&error)),
            (!unexpected, unexpected),
            "{shown}: {error}"
        );
    }
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
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 8192];
                let read = stream
                    .read(&mut head)
                    .await
                    .unwrap();
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
                stream
                    .write_all(answer.as_bytes())
                    .await
                    .unwrap();
                // Stays open, and reads no further.
                std::future::pending::<()>().await;
                drop(stream);
            });
        }
    });
    let key = key(&format!("{address}:__force_insecure:topsecretkey"));
    let big = UploadFile::new("s.dicom.zip", 64 << 20, || {
        Box::pin(futures_util::stream::repeat_with(|| {
            Ok(bytes::Bytes::from(vec![0; 65536]))
        }))
    });
    let result = Client::new(&key, once())
        .unwrap()
        .upload(&container(), &big)
        .await;
    assert!(matches!(result, Err(ClientError::Request(_))), "{result:?}");
}

#[tokio::test]
async fn a_file_that_never_went_out_whole_is_not_found_there() {
    let server = Server::start(|asked, _| match asked.line.as_str() {
        LOOK => Reply::Json(200, json!({ "files": [entry(20)] })),
        _ => Reply::Json(200, json!({})),
    })
    .await;
    // The body stands still in the middle: what the server lists under this name is another
    // file.
    let stuck = || -> BodyStream {
        use futures_util::StreamExt;
        let first = futures_util::stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]);
        Box::pin(first.chain(futures_util::stream::pending()))
    };
    let file = UploadFile::new("s.dicom.zip", 20, stuck);
    let result = server
        .client_with(once())
        .upload(&container(), &file)
        .await;
    assert!(matches!(result, Err(ClientError::Request(_))), "{result:?}");
}
