//! Files in several parts, and what each storage wants.

use super::signed::{FINISH, TICKET, stored, storing};
use super::{FORM, failed, is_unexpected, send};
use crate::scripted::{Asked, Reply, Server, file};
use crate::{Route, UploadFile};
use serde_json::json;

const S3: &[&str] = &["/b.s3.x/1?uploadId=up&n=1", "/b.s3.x/2?uploadId=up&n=2"];

fn bodies(server: &Server) -> Vec<String> {
    let puts = server
        .asked()
        .into_iter()
        .filter(|asked| asked.line.starts_with("PUT"));
    puts.map(|asked| String::from_utf8_lossy(&asked.body).into_owned())
        .collect()
}

fn second(asked: &Asked) -> bool {
    asked.line.ends_with('2')
}

#[tokio::test]
async fn parts_go_to_their_addresses_and_a_failed_one_is_put_again() {
    let (server, _) = storing(
        &[
            "/b.s3.x/1?uploadId=up&n=1",
            "/b.s3.x/2?uploadId=up&n=2",
            "/b.s3.x/3?uploadId=up&n=3",
        ],
        |asked, before| {
            if asked.line.ends_with("n=2") && before == 0 {
                Reply::Json(503, json!({}))
            } else {
                stored()
            }
        },
    )
    .await;
    send(&server, &file("s.dicom.zip", 20))
        .await
        .unwrap();
    let bodies: Vec<String> = server
        .asked()
        .iter()
        .filter(|asked| asked.line.starts_with("PUT"))
        .map(|asked| String::from_utf8_lossy(&asked.body).into_owned())
        .collect();
    assert_eq!(bodies, ["abcdefg", "hijklmn", "hijklmn", "opqrst"]);
    assert_eq!(
        server
            .asked()
            .last()
            .unwrap()
            .json(),
        json!({ "multipart": { "e_tags": ["tag", "tag", "tag"], "upload_id": "up" } })
    );
    assert_eq!(server.count(TICKET), 1);
}

#[tokio::test]
async fn google_parts_state_their_range_and_308_means_go_on() {
    let (server, _) = storing(&["/x.googleapis.y/1", "/x.googleapis.y/2"], |asked, _| {
        if asked.line.ends_with("/1") {
            Reply::Raw(308, vec![], String::new())
        } else {
            stored()
        }
    })
    .await;
    let big = UploadFile {
        len: 300_000,
        ..file("s.dicom.zip", 300_000)
    };
    // The script's answer states 20 bytes.
    assert!(is_unexpected(&failed(send(&server, &big).await)));
    let ranges: Vec<String> = server
        .asked()
        .iter()
        .filter_map(|asked| {
            asked
                .header("content-range")
                .map(str::to_owned)
        })
        .collect();
    assert_eq!(
        ranges,
        ["bytes 0-262143/300000", "bytes 262144-299999/300000"]
    );
}

#[tokio::test]
async fn an_address_that_expired_gets_a_new_ticket_and_the_whole_file_anew() {
    for status in [400, 401, 403, 404, 410] {
        let (server, _) = storing(S3, move |asked, before| {
            if second(asked) && before == 0 {
                Reply::Json(status, json!({ "message": "Request has expired" }))
            } else {
                stored()
            }
        })
        .await;
        let receipt = send(&server, &file("s.dicom.zip", 20))
            .await
            .unwrap();
        assert_eq!(
            (receipt.route, receipt.sha384),
            (Route::Signed, None),
            "{status}"
        );
        assert_eq!(
            bodies(&server),
            ["abcdefghij", "klmnopqrst", "abcdefghij", "klmnopqrst"],
            "{status}"
        );
        assert_eq!((server.count(TICKET), server.count(FINISH)), (2, 1));
    }
}

#[tokio::test]
async fn parts_without_a_tag_are_never_handed_back_as_a_file() {
    let (server, _) = storing(S3, |asked, _| {
        if second(asked) {
            Reply::Raw(200, vec![], String::new())
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
        Route::Form
    );
    assert_eq!((server.count(FINISH), server.count(FORM)), (0, 1));
}

#[tokio::test]
async fn a_single_address_at_s3_has_nothing_to_join() {
    let (server, _) = storing(&["/b.s3.x/1?X-Amz-Signature=x"], |_, _| stored()).await;
    send(&server, &file("s.dicom.zip", 20))
        .await
        .unwrap();
    let finish = server.asked().pop().unwrap();
    assert_eq!((finish.line.as_str(), finish.body.len()), (FINISH, 0));
}

#[tokio::test]
async fn a_part_of_which_google_has_less_is_no_success() {
    let (server, _) = storing(
        &["/x.googleapis.y/1", "/x.googleapis.y/2"],
        |asked, before| match (second(asked), before) {
            (true, _) => stored(),
            (false, 0) => Reply::Raw(308, vec![("Range", "bytes=0-99".to_owned())], String::new()),
            (false, _) => Reply::Raw(
                308,
                vec![("Range", "bytes=0-262143".to_owned())],
                String::new(),
            ),
        },
    )
    .await;
    let big = UploadFile {
        len: 300_000,
        ..file("s.dicom.zip", 300_000)
    };
    let _ = send(&server, &big).await;
    assert_eq!(server.count(TICKET), 2);
    let lengths: Vec<usize> = bodies(&server)
        .iter()
        .map(String::len)
        .collect();
    assert_eq!(lengths, [262_144, 262_144, 37_856]);
}

#[tokio::test]
async fn a_receipt_states_what_the_server_said() {
    let (server, _) = storing(S3, |asked, before| {
        if second(asked) && before == 0 {
            Reply::Cut
        } else {
            stored()
        }
    })
    .await;
    let receipt = send(&server, &file("s.dicom.zip", 20))
        .await
        .unwrap();
    assert_eq!(
        (receipt.size, receipt.file_id, receipt.version),
        (20, Some("f1".to_owned()), Some(1))
    );
    let (server, _) = storing(&["/store"], |_, _| Reply::Json(413, json!({}))).await;
    let receipt = send(&server, &file("s.dicom.zip", 20))
        .await
        .unwrap();
    assert_eq!((receipt.route, receipt.sha384), (Route::Form, None));
}
