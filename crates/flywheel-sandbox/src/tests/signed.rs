//! Uploads by ticket and signed URL.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Bench};

pub fn signing() -> Bench {
    Bench::with(|options| options.signed_urls = true)
}

pub fn ticket(bench: &Bench, target: &str, size: Option<u64>) -> (String, Value) {
    let body = json!({"metadata": {"name": "a.zip", "size": size, "type": "dicom"}, "filenames": ["a.zip"]});
    let headers = [
        bench.auth(),
        "X-Accept-Feature: safe-redirect,multipart_signed_url".to_owned(),
    ];
    let headers: Vec<&str> = headers
        .iter()
        .map(String::as_str)
        .collect();
    let answer = bench.send(
        "POST",
        &format!("/api/{target}/files?ticket="),
        &headers,
        body.to_string().as_bytes(),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    (
        answer["ticket"]
            .as_str()
            .unwrap()
            .to_owned(),
        answer["urls"]["a.zip"].clone(),
    )
}

pub fn path(bench: &Bench, url: &Value) -> String {
    url.as_str()
        .unwrap()
        .strip_prefix(&format!("http://{}", bench.addr()))
        .unwrap()
        .to_owned()
}

fn finish(bench: &Bench, target: &str, ticket: &str) -> Answer {
    bench.send(
        "POST",
        &format!("/api/{target}/files?ticket={ticket}"),
        &[&bench.auth()],
        b"",
    )
}

#[test]
fn an_address_that_has_expired_is_refused() {
    let bench = Bench::with(|options| {
        options.signed_urls = true;
        options.ticket_lifetime = Duration::ZERO;
    });
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let (id, url) = ticket(&bench, &target, Some(5));
    let put = bench.send("PUT", &path(&bench, &url), &[], b"hello");
    assert_eq!(put.status, 403);
    assert!(String::from_utf8_lossy(&put.body).contains("expired"));
    assert_eq!(finish(&bench, &target, &id).status, 400);
}

#[test]
fn a_site_may_announce_what_the_storage_of_its_projects_does_not_have() {
    for signed in [true, false] {
        let bench = Bench::with(|options| {
            options.signed_urls = signed;
            options.unsigned_storage = true;
        });
        assert_eq!(
            bench
                .send("GET", "/api/config", &[], b"")
                .json()["features"]["signed_url"],
            true
        );
        let target = format!("acquisitions/{}", bench.branch()[4]);
        let answer = bench.post(
            &format!("/api/{target}/files?ticket="),
            &json!({"metadata": {}, "filenames": ["a"]}),
        );
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
        assert_eq!(
            bench
                .upload(&target, None, "filename=a", b"x")
                .status,
            200,
            "the form is open"
        );
    }
}

#[test]
fn a_signed_upload_is_filed_when_its_ticket_ends() {
    let bench = signing();
    let config = bench
        .send("GET", "/api/config", &[], b"")
        .json();
    assert_eq!(
        (&config["signed_url"], &config["features"]["signed_url"]),
        (&json!(true), &json!(true))
    );
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let (ticket, url) = ticket(&bench, &target, Some(5));
    assert_eq!(
        finish(&bench, &target, &ticket).status,
        400,
        "nothing has been put yet"
    );
    let put = bench.send("PUT", &path(&bench, &url), &[], b"hello");
    assert!(
        put.status == 200
            && put
                .head
                .to_lowercase()
                .contains("etag: \""),
        "{put:?}"
    );
    assert_eq!(
        bench
            .get(&format!("/api/{target}"))
            .json()["files"],
        json!([])
    );
    let file = finish(&bench, &target, &ticket).json()[0].clone();
    assert_eq!(
        (&file["name"], &file["size"], &file["hash"], &file["type"]),
        (&json!("a.zip"), &json!(5), &json!(""), &json!("dicom"))
    );
    assert_eq!(
        bench
            .get(&format!("/api/{target}/files/a.zip"))
            .body,
        b"hello"
    );
    assert_eq!(finish(&bench, &target, &ticket).status, 404);
    assert_eq!(bench.arriving(), 0);
}

#[test]
fn the_storage_takes_nothing_but_what_was_signed() {
    let bench = signing();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let (id, url) = ticket(&bench, &target, Some(5));
    let url = path(&bench, &url);
    let auth = bench.auth();
    let forged = url.replace("signature=", "signature=0");
    let other = url.replace("/0?", "/1?");
    let chunked = ["Transfer-Encoding: chunked"];
    for (url, headers, body, status) in [
        (&url, &[auth.as_str()][..], &b"hello"[..], 400),
        (&url, &chunked, b"5\r\nhello\r\n0\r\n\r\n", 501),
        (&forged, &[], b"hello", 403),
        (&other, &[], b"hello", 403),
        (&url.replace(".s3.", ".googleapis."), &[], b"hello", 403),
        (&"/storage/x/y/0".to_owned(), &[], b"hello", 403),
        (&url, &[], b"hello world", 400),
    ] {
        let answer = bench.send("PUT", url, headers, body);
        assert_eq!(answer.status, status, "{url} {headers:?} {answer:?}");
        assert!(answer.body.starts_with(b"<?xml"));
    }
    assert_eq!(
        bench
            .send("PUT", "/storage/x/y/z?signature=z", &[], b"")
            .status,
        400
    );
    assert_eq!(
        finish(&bench, &target, &id).status,
        400,
        "nothing of that was kept"
    );
    assert_eq!(bench.arriving(), 0);
}

#[test]
fn tickets_are_checked_at_both_ends() {
    let bench = signing();
    let [_, project, _, _, acquisition] = bench.branch();
    let target = format!("acquisitions/{acquisition}");
    let start = |body: &Value| {
        bench
            .post(&format!("/api/{target}/files?ticket="), body)
            .status
    };
    for body in [
        json!({"filenames": ["a"]}),
        json!({"metadata": {}}),
        json!({"metadata": {}, "filenames": []}),
        json!({"metadata": {}, "filenames": ["a", "b"]}),
        json!({"metadata": {}, "filenames": [".."]}),
        json!({"metadata": {"colour": "red"}, "filenames": ["a"]}),
        json!({"metadata": [], "filenames": ["a"]}),
    ] {
        assert_eq!(start(&body), 400, "{body}");
    }
    assert_eq!(start(&json!({"metadata": {}, "filenames": ["a"]})), 200);
    let (id, url) = ticket(&bench, &target, Some(5));
    bench.send("PUT", &path(&bench, &url), &[], b"hello");
    assert_eq!(
        finish(&bench, &format!("projects/{project}"), &id).status,
        400,
        "a ticket of another container"
    );
    assert_eq!(finish(&bench, &target, "none").status, 404);
    let long = bench.send(
        "POST",
        &format!("/api/{target}/files?ticket={id}"),
        &[&bench.auth()],
        &vec![b' '; 2 << 20],
    );
    assert_eq!(long.status, 413);
    assert_eq!(finish(&bench, &target, &id).status, 200);
}

#[test]
fn without_signed_urls_no_ticket_is_given() {
    let bench = Bench::new();
    let target = format!("acquisitions/{}", bench.branch()[4]);
    let answer = bench.post(
        &format!("/api/{target}/files?ticket="),
        &json!({"metadata": {}, "filenames": ["a"]}),
    );
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b""[..]));
}
