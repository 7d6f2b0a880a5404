//! The storages behind signed addresses, each with its own ways.

use serde_json::{Value, json};

use super::signed::{path, ticket};
use super::{Answer, Bench};
use crate::Storage;

const UNIT: usize = 256 << 10;

fn storing(storage: Storage, part: u64) -> Bench {
    Bench::with(|options| {
        options.signed_urls = true;
        options.storage = storage;
        options.multipart_threshold = Some(part);
    })
}

/// A bench with an acquisition, and an upload in parts that has been started.
struct Started {
    bench: Bench,
    target: String,
    ticket: String,
    urls: Vec<String>,
}

fn started(storage: Storage, part: u64, size: u64) -> Started {
    let bench = storing(storage, part);
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let (ticket, urls) = ticket(&bench, &target, Some(size));
    let urls = urls
        .as_array()
        .unwrap()
        .iter()
        .map(|url| path(&bench, url))
        .collect();
    Started {
        bench,
        target,
        ticket,
        urls,
    }
}

impl Started {
    fn put(&self, part: usize, header: &str, body: &[u8]) -> Answer {
        self.bench
            .send("PUT", &self.urls[part], &[header], body)
    }

    fn finish(&self, body: &Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.bench.send(
            "POST",
            &format!("/api/{}/files?ticket={}", self.target, self.ticket),
            &[&self.bench.auth()],
            body.as_bytes(),
        )
    }

    fn stored(&self) -> Vec<u8> {
        assert_eq!(self.bench.arriving(), 0);
        self.bench
            .get(&format!("/api/{}/files/a.zip", self.target))
            .body
    }
}

fn tag(answer: &Answer) -> String {
    let line = answer
        .head
        .lines()
        .find(|line| {
            line.to_lowercase()
                .starts_with("etag:")
        })
        .unwrap();
    line.split('"')
        .nth(1)
        .unwrap()
        .to_owned()
}

#[test]
fn addresses_tell_whose_storage_it_is_and_only_azure_wants_a_header() {
    for (storage, sign, headers) in [
        (Storage::S3, ".s3.", json!({})),
        (Storage::Google, ".googleapis.", json!({})),
        (
            Storage::Azure,
            ".blob.",
            json!({"x-ms-blob-type": "BlockBlob"}),
        ),
    ] {
        let bench = storing(storage, 4);
        let target = format!("/api/acquisitions/{}/files?ticket=", bench.branch()[4]);
        let answer = bench
            .post(&target, &json!({"metadata": {}, "filenames": ["a.zip"]}))
            .json();
        let url = answer["urls"]["a.zip"]
            .as_str()
            .unwrap();
        assert!(url.contains(sign) && !url.contains("uploadId"), "{url}");
        assert_eq!(answer["headers"], headers);
    }
}

#[test]
fn files_come_in_parts_only_where_site_client_and_size_agree() {
    let bench = storing(Storage::S3, 4);
    let features = &bench
        .send("GET", "/api/config", &[], b"")
        .json()["features"];
    assert_eq!(
        (&features["signed_url"], &features["multipart_signed_url"]),
        (&json!(true), &json!(true))
    );
    let target = format!("acquisitions/{}", bench.branch()[4]);
    assert_eq!(
        ticket(&bench, &target, Some(10))
            .1
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert!(
        ticket(&bench, &target, Some(4))
            .1
            .is_string()
    );
    assert!(
        ticket(&bench, &target, None)
            .1
            .is_string()
    );
    let silent = json!({"metadata": {"size": 10}, "filenames": ["a.zip"]});
    let silent = bench
        .post(&format!("/api/{target}/files?ticket="), &silent)
        .json();
    assert!(
        silent["urls"]["a.zip"].is_string(),
        "the client did not say that it takes several"
    );

    let single = Bench::with(|options| options.signed_urls = true);
    assert_eq!(
        single
            .send("GET", "/api/config", &[], b"")
            .json()["features"]["multipart_signed_url"],
        false
    );
    let target = format!("acquisitions/{}", single.branch()[4]);
    assert!(
        ticket(&single, &target, Some(10))
            .1
            .is_string()
    );
}

#[test]
fn s3_joins_the_parts_that_the_end_names_by_their_tags() {
    let s3 = started(Storage::S3, 4, 10);
    let upload_id = s3.urls[0]
        .split("uploadId=")
        .nth(1)
        .unwrap()
        .to_owned();
    let tags: Vec<String> = ["abcd", "efgh", "ij"]
        .iter()
        .enumerate()
        .map(|(at, part)| tag(&s3.put(at, "X: 1", part.as_bytes())))
        .collect();
    let [first, second, third] = &tags[..] else {
        panic!("three parts")
    };
    for wrong in [
        Value::Null,
        json!({}),
        json!({"multipart": {}}),
        json!({"multipart": []}),
        json!({"multipart": {"e_tags": tags}}),
        json!({"multipart": {"e_tags": [first, second], "upload_id": upload_id}}),
        json!({"multipart": {"e_tags": [second, first, third], "upload_id": upload_id}}),
        json!({"multipart": {"e_tags": tags, "upload_id": "another"}}),
    ] {
        assert_eq!(s3.finish(&wrong).status, 400, "{wrong}");
    }
    let done = s3.finish(&json!({"multipart": {"e_tags": tags, "upload_id": upload_id}}));
    assert_eq!(
        (&done.json()[0]["size"], &done.json()[0]["hash"]),
        (&json!(10), &json!(""))
    );
    assert_eq!(s3.stored(), b"abcdefghij");
}

#[test]
fn s3_wants_every_part_with_its_upload_id_and_takes_one_again() {
    let s3 = started(Storage::S3, 4, 10);
    let upload_id = s3.urls[0]
        .split("uploadId=")
        .nth(1)
        .unwrap()
        .to_owned();
    let end = |tags: &[String]| {
        s3.finish(&json!({"multipart": {"e_tags": tags, "upload_id": upload_id}}))
            .status
    };
    let elsewhere = s3.urls[0].replace(&upload_id, "another");
    assert_eq!(
        s3.bench
            .send("PUT", &elsewhere, &[], b"abcd")
            .status,
        403
    );
    assert_eq!(s3.put(0, "X: 1", b"").status, 400, "an empty part");
    // in any order
    let second = tag(&s3.put(1, "X: 1", b"efgh"));
    let first = tag(&s3.put(0, "X: 1", b"abcd"));
    assert_eq!(
        end(&[first.clone(), second.clone()]),
        400,
        "a part is missing"
    );
    let short = tag(&s3.put(2, "X: 1", b"i"));
    assert_eq!(
        end(&[first.clone(), second.clone(), short]),
        400,
        "a part is short"
    );
    let third = tag(&s3.put(2, "X: 1", b"ij"));
    assert_eq!(end(&[first, second, third]), 200);
    assert_eq!(s3.stored(), b"abcdefghij");
}

#[test]
fn google_wants_whole_units_in_order_with_their_exact_range() {
    let total = 2 * UNIT + 5;
    let google = started(Storage::Google, 1, total as u64);
    assert_eq!(google.urls.len(), 3, "parts are rounded up to whole units");
    let content: Vec<u8> = (0..total)
        .map(|at| at.to_le_bytes()[0] ^ at.to_le_bytes()[1])
        .collect();
    let range = |from: usize, to: usize| format!("Content-Range: bytes {from}-{}/{total}", to - 1);
    let put = |part: usize, range: &str, from: usize, to: usize| {
        google
            .put(part, range, &content[from..to])
            .status
    };
    assert_eq!(put(0, "X: 1", 0, UNIT), 400, "no range");
    assert_eq!(put(0, &range(1, UNIT + 1), 0, UNIT), 400, "another range");
    assert_eq!(
        put(
            0,
            &format!("Content-Range: bytes 0-{}/*", UNIT - 1),
            0,
            UNIT
        ),
        400,
        "no total"
    );
    assert_eq!(
        put(0, &range(0, UNIT - 1), 0, UNIT - 1),
        400,
        "not a whole unit"
    );
    assert_eq!(
        put(1, &range(UNIT, 2 * UNIT), UNIT, 2 * UNIT),
        400,
        "the part before has not come"
    );
    assert_eq!(put(0, &range(0, UNIT), 0, UNIT), 308);
    assert_eq!(put(1, &range(UNIT, 2 * UNIT), UNIT, 2 * UNIT), 308);
    assert_eq!(
        google.finish(&Value::Null).status,
        400,
        "the last has not come"
    );
    assert_eq!(
        put(2, &range(2 * UNIT, total - 1), 2 * UNIT, total - 1),
        400,
        "the last does not reach the end"
    );
    assert_eq!(put(2, &range(2 * UNIT, total), 2 * UNIT, total), 200);
    assert_eq!(google.finish(&Value::Null).json()[0]["size"], total);
    assert!(google.stored() == content);
}

#[test]
fn google_takes_one_piece_with_or_without_its_range() {
    let bench = storing(Storage::Google, 1);
    let target = format!("acquisitions/{}", bench.branch()[4]);
    for (header, status) in [
        ("X: 1", 200),
        ("Content-Range: bytes 0-4/5", 200),
        ("Content-Range: bytes 0-4/6", 400),
    ] {
        let (_, url) = ticket(&bench, &target, Some(5));
        assert_eq!(
            bench
                .send("PUT", &path(&bench, &url), &[header], b"hello")
                .status,
            status,
            "{header}"
        );
    }
}

#[test]
fn azure_wants_the_headers_of_the_ticket_with_every_part() {
    let azure = started(Storage::Azure, 4, 6);
    for wrong in ["X: 1", "x-ms-blob-type: PageBlob"] {
        assert_eq!(azure.put(0, wrong, b"abcd").status, 400, "{wrong}");
    }
    assert_eq!(
        azure
            .put(0, "x-ms-blob-type: BlockBlob", b"abcd")
            .status,
        200
    );
    assert_eq!(azure.put(1, "X: 1", b"ef").status, 400);
    assert_eq!(
        azure
            .put(1, "x-ms-blob-type: BlockBlob", b"ef")
            .status,
        200
    );
    assert_eq!(azure.finish(&Value::Null).status, 200);
    assert_eq!(azure.stored(), b"abcdef");
}
