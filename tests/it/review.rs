//! `--review` and `--approved`: what would be sent is shown once on a page, and only what a person
//! approved there, in the form that was shown, is sent.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use dicom_core::VR;
use dicom_dictionary_std::tags;

use crate::fixture::{CODED, Dicom, Person, found_in};
use crate::run::{Place, Ran, Running};
use crate::server::Site;

/// CT Image Storage.
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const FLAGS: &str = "-p demo/phantom --profile coded.yaml";

fn slice(person: u32, number: u32) -> Vec<u8> {
    Dicom::image(&Person::numbered(person), CT, "CT", 1, number, 4).bytes()
}

/// Three studies of two instances.
fn place() -> Place {
    let place = Place::new();
    for person in 1..=3 {
        for number in 1..=2 {
            place.file(
                format!("study/{person}/{number}.dcm"),
                slice(person, number),
            );
        }
    }
    place.file("coded.yaml", CODED);
    place
}

fn page(place: &Place) -> String {
    fs::read_to_string(place.path("page.html")).unwrap()
}

/// What the page shows.
fn data(place: &Place) -> Value {
    data_of(&page(place))
}

fn data_of(page: &str) -> Value {
    let begin = "<script type=\"application/json\" id=\"data\">";
    let data = page.split_once(begin).unwrap().1;
    serde_json::from_str(
        data.split_once("</script>")
            .unwrap()
            .0,
    )
    .unwrap()
}

/// The list that the page saves, with these verdicts for the series in the order of their labels.
fn list(data: &Value, verdicts: &[&str]) -> String {
    let run = &data["run"];
    let mut series = data["series"]
        .as_array()
        .unwrap()
        .clone();
    series.sort_by_key(|one| one["labels"].to_string());
    let head = json!({
        "type": "review", "v": 1, "version": run["version"], "project": run["project"],
        "profile": run["profile"]["digest"], "key": run["profile"]["key"], "reviewer": "A. Reviewer",
        "time": "2026-12-01T10:00:00.000Z",
    });
    let decided = series.iter().zip(verdicts).map(|(one, verdict)| {
        json!({"type": "series", "id": one["id"], "sha256": one["sha256"], "verdict": verdict})
    });
    let end = json!({"type": "end", "series": verdicts.len()});
    [head]
        .into_iter()
        .chain(decided)
        .chain([end])
        .map(|line| format!("{line}\n"))
        .collect()
}

fn reviewed<'a>(place: &'a Place, site: &Site) -> Ran<'a> {
    place
        .run(&format!("study {FLAGS} --review page.html"))
        .at(site)
        .exits(0)
}

fn approved<'a>(place: &'a Place, site: &Site, more: &str) -> Ran<'a> {
    place
        .run(&format!(
            "study {FLAGS} --approved approved.jsonl --json {more}"
        ))
        .at(site)
        .ends()
}

#[test]
fn only_what_was_approved_is_sent() {
    let (place, site) = (place(), Site::start());
    reviewed(&place, &site).says("page.html will show in a browser");
    assert!(site.uploaded().is_empty(), "a review sends nothing");
    let shown = data(&place);
    assert_eq!(
        shown["series"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(shown["complete"], true);
    place.file(
        "approved.jsonl",
        list(&shown, &["approved", "rejected", "approved"]),
    );
    let ran = approved(
        &place,
        &site,
        "--manifest manifest.jsonl --report report.jsonl",
    );
    let totals = &ran.end()["totals"];
    assert_eq!(
        (&totals["uploaded"], &totals["skipped"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(totals["skipped_by"]["review.not-approved"], 2);
    ran.says(
        "only what was approved is sent: 2 series, by A. Reviewer on 2026-12-01T10:00:00.000Z",
    );
    assert_eq!(site.uploaded().len(), 2);
    for file in ["manifest.jsonl", "report.jsonl"] {
        let text = fs::read_to_string(place.path(file)).unwrap();
        let head: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(head["settings"]["approved-by"], "A. Reviewer", "{file}");
    }
}

#[test]
fn a_series_that_changed_since_it_was_shown_is_not_sent() {
    let (place, site) = (place(), Site::start());
    reviewed(&place, &site);
    place.file("approved.jsonl", list(&data(&place), &["approved"; 3]));
    place.file("study/1/3.dcm", slice(1, 3));
    let mut other = Dicom::image(&Person::numbered(2), CT, "CT", 1, 1, 4).bytes();
    *other.last_mut().unwrap() ^= 1;
    place.file("study/2/1.dcm", other);
    let ran = approved(&place, &site, "");
    let totals = &ran.end()["totals"];
    assert_eq!(
        (&totals["uploaded"], &totals["failed"]),
        (&json!(2), &json!(5))
    );
    assert_eq!(totals["failed_by"]["review.changed"], 5);
    assert_eq!(site.uploaded().len(), 1);
}

#[test]
fn what_was_approved_and_is_not_there_is_told() {
    let (place, site) = (place(), Site::start());
    reviewed(&place, &site);
    place.file("approved.jsonl", list(&data(&place), &["approved"; 3]));
    fs::remove_dir_all(place.path("study/3")).unwrap();
    approved(&place, &site, "").says("1 of 3 approved series were not sent");
    assert_eq!(site.uploaded().len(), 2);
}

#[test]
fn approvals_count_only_under_what_they_were_given_for() {
    let (place, site) = (place(), Site::start());
    reviewed(&place, &site);
    let whole = list(&data(&place), &["approved"; 3]);
    let other = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        whole.replace(from, to)
    };
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    for (list, why) in [
        (
            other("demo/phantom", "demo/other"),
            "the project is not the one",
        ),
        (
            other("\"profile\":\"sha256:", "\"profile\":\"sha256:0"),
            "the profile is not the one",
        ),
        (
            other("\"key\":null", "\"key\":\"00\""),
            "the pseudonym key is not the one",
        ),
        (
            other(&version, "\"version\":\"0.0.1\""),
            "the version of fwupload is not the one",
        ),
        (
            other("{\"type\":\"end\",\"series\":3}\n", ""),
            "its end is missing",
        ),
        (String::new(), "no list that a page for review has saved"),
    ] {
        place.file("approved.jsonl", list);
        let ran = place
            .run(&format!("study {FLAGS} --approved approved.jsonl"))
            .at(&site)
            .exits(2);
        ran.says("error[review.invalid]")
            .says(why);
    }
    assert!(site.uploaded().is_empty());
}

#[test]
fn what_does_not_come_out_the_same_twice_cannot_be_reviewed() {
    let (place, site) = (place(), Site::start());
    let jitter = "name: j\ndicom:\n  fields:\n    - name: PatientWeight\n      jitter: true\n";
    place.file("jitter.yaml", jitter);
    for flag in ["--review page.html", "--approved approved.jsonl"] {
        let run = format!("study -p demo/phantom --profile jitter.yaml {flag}");
        place
            .run(&run)
            .at(&site)
            .exits(2)
            .says("error[review.unsupported]")
            .says("the profile has `jitter`");
    }
    for (flags, why) in [
        ("--review page.html --no-deid", "exclude each other"),
        ("--approved a.jsonl --no-deid", "exclude each other"),
        ("--review page.html --output out", "exclude each other"),
        (
            "--review page.html --approved a.jsonl",
            "exclude each other",
        ),
        (
            "--approved a.jsonl --other-files upload -y",
            "exclude each other",
        ),
        ("--review page.pdf --profile coded.yaml", ".html"),
    ] {
        place
            .run(&format!("study -p demo/phantom {flags}"))
            .at(&site)
            .exits(2)
            .says(why);
    }
}

#[test]
fn the_page_holds_no_original_value_and_no_path_and_loads_nothing() {
    let (place, site) = (place(), Site::start());
    place.file("study/1/broken.dcm", &slice(1, 9)[..700]);
    let ran = place
        .run(&format!("study {FLAGS} --review page.html"))
        .at(&site)
        .exits(3);
    drop(ran);
    let (text, shown) = (page(&place), data(&place));
    assert_eq!(found_in(text.as_bytes()), Vec::<String>::new());
    let folder = place
        .path("study")
        .display()
        .to_string();
    for path in [
        folder.as_str(),
        "study/1",
        "broken.dcm",
        "coded.yaml",
        "page.html",
    ] {
        assert!(!text.contains(path), "{path}");
    }
    assert!(text.contains("default-src 'none'"));
    assert!(
        !text.contains("http://") && !text.contains("https://"),
        "an address"
    );
    assert_eq!(shown["refusals"][0]["code"], "read.truncated");
    let rows = shown["rows"].as_array().unwrap();
    assert!(
        rows.iter()
            .any(|row| row[0] == "PatientName"),
        "{rows:?}"
    );
    let picture = shown["series"][0]["pictures"][0]["src"]
        .as_str()
        .unwrap();
    assert!(picture.starts_with("data:image/png;base64,"));
}

#[test]
fn values_of_files_are_text_in_the_page_and_never_markup() {
    let (place, site) = (Place::new(), Site::start());
    let hostile = "</script><script>alert(1)</script>\u{202e}";
    let image = Dicom::image(&Person::unicode(), CT, "CT", 1, 1, 4);
    let image = image.raw(
        tags::SERIES_DESCRIPTION,
        VR::LO,
        hostile.as_bytes().to_vec(),
    );
    place.file("study/1.dcm", image.bytes());
    place.file("coded.yaml", CODED);
    reviewed(&place, &site);
    let text = page(&place);
    assert_eq!(text.matches("</script>").count(), 2, "the page's own");
    assert!(!text.contains('\u{202e}'));
    let kept = data(&place)["series"][0]["kept"].to_string();
    assert!(kept.contains("<script>alert(1)"), "{kept}");
}

#[cfg(unix)]
#[test]
fn the_page_is_its_owners_alone_and_replaces_no_other_file() {
    use std::os::unix::fs::PermissionsExt;
    let (place, site) = (place(), Site::start());
    reviewed(&place, &site);
    let mode = fs::metadata(place.path("page.html"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    reviewed(&place, &site);
    place.file("page.html", "<p>of another program</p>");
    place
        .run(&format!("study {FLAGS} --review page.html"))
        .at(&site)
        .exits(1)
        .says("error[audit.unwritable]")
        .says("no page for review");
    assert_eq!(page(&place), "<p>of another program</p>");
}

/// `fwupload review`, and the address that it shows.
fn serving<'a>(place: &'a Place, site: &Site) -> (Running<'a>, String) {
    let running = place
        .run(&format!("review study {FLAGS}"))
        .env("DISPLAY", "")
        .env("WAYLAND_DISPLAY", "")
        .at(site)
        .start();
    running.wait_until_it_says("Ctrl-C ends it");
    let said = running.said();
    let address = said
        .split_once("review is at http://")
        .unwrap()
        .1;
    let address = address
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned();
    (running, address)
}

/// The status of an answer, its head and its body.
fn ask(host: &str, request: &str, headers: &[&str], body: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(host).unwrap();
    let named = headers
        .iter()
        .any(|header| header.starts_with("Host:"));
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n"
    )
    .unwrap();
    if !named {
        write!(stream, "Host: {host}\r\n").unwrap();
    }
    for header in headers {
        write!(stream, "{header}\r\n").unwrap();
    }
    write!(stream, "\r\n{body}").unwrap();
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .unwrap();
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    (status, head, answer[end + 4..].to_vec())
}

#[test]
fn what_is_approved_on_the_served_page_is_sent() {
    let (place, site) = (place(), Site::start());
    let (running, address) = serving(&place, &site);
    let (host, _) = address.split_once('/').unwrap();
    let first = format!("GET {}", address.strip_prefix(host).unwrap());
    let status = |request: &str, headers: &[&str]| ask(host, request, headers, "").0;
    assert_eq!(status("GET /", &[]), 403, "without the token");
    assert_eq!(status("GET /?token=0", &[]), 403, "with another one");
    assert_eq!(
        status(&first, &["Host: example.org"]),
        403,
        "by another name"
    );
    assert_eq!(
        status(&first, &["Sec-Fetch-Site: cross-site"]),
        403,
        "from another site"
    );
    let (code, head, _) = ask(host, &first, &[], "");
    assert_eq!(code, 303);
    let cookie = head
        .split_once("set-cookie: ")
        .unwrap()
        .1
        .lines()
        .next()
        .unwrap();
    assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
    assert_eq!(status(&first, &[]), 403, "a second time");
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    let (code, head, page) = ask(host, "GET /", &[&cookie], "");
    assert_eq!(code, 200);
    assert!(head.contains("cache-control: no-store") && head.contains("x-frame-options: DENY"));
    let shown = data_of(&String::from_utf8(page).unwrap());
    let original = shown["series"][0]["pictures"][0]["original"]
        .as_str()
        .unwrap();
    let (code, _, png) = ask(host, &format!("GET /{original}"), &[&cookie], "");
    assert_eq!((code, &png[1..4]), (200, b"PNG".as_slice()));
    assert_eq!(
        status(&format!("GET /{original}"), &[]),
        403,
        "an original without the cookie"
    );
    for path in [
        "/original/0/0",
        "/page.html.pictures/..%2Fpage.html",
        "/other",
    ] {
        assert_eq!(status(&format!("GET {path}"), &[&cookie]), 404, "{path}");
    }
    let send = |headers: &[&str], list: &str| ask(host, "POST /send", headers, list).0;
    let chosen = list(&shown, &["rejected", "approved", "rejected"]);
    assert_eq!(send(&[&cookie, "Origin: http://example.org"], &chosen), 403);
    assert_eq!(
        send(&[&cookie], &list(&shown, &["rejected"])),
        400,
        "nothing is approved"
    );
    assert_eq!(send(&[&cookie], "{}"), 400);
    assert!(site.uploaded().is_empty(), "nothing was sent until now");
    assert_eq!(
        send(&[&cookie, &format!("Origin: http://{host}")], &chosen),
        204
    );
    let mut ended = Value::Null;
    while ended["ended"] != true {
        let (_, _, answer) = ask(host, "GET /progress", &[&cookie], "");
        ended = serde_json::from_slice(&answer).unwrap();
    }
    assert_eq!(
        ended["text"],
        "Ended: 2 sent, 0 on the server before, 4 skipped, 0 failed."
    );
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(site.uploaded().len(), 1);
}

#[cfg(unix)]
#[test]
fn a_served_page_that_is_given_up_sends_nothing() {
    let (place, site) = (place(), Site::start());
    let (running, _) = serving(&place, &site);
    running.signal("INT");
    let ran = running.end();
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(site.uploaded().is_empty());
}

#[test]
fn a_review_is_no_dry_run_and_needs_something_to_show() {
    let (place, site) = (place(), Site::start());
    for (flags, code, why) in [
        (
            "study --dry-run",
            2,
            "`fwupload review` and `--dry-run` exclude each other",
        ),
        ("study --json", 2, "`--json` exclude each other"),
        (
            "study --review page.html",
            2,
            "`--review` exclude each other",
        ),
        ("nothing", 9, "discover.not-found"),
    ] {
        place
            .run(&format!("review {flags} {FLAGS}"))
            .env("DISPLAY", "")
            .env("WAYLAND_DISPLAY", "")
            .at(&site)
            .exits(code)
            .says(why);
    }
    place
        .run(&format!("review study {FLAGS} --sandbox"))
        .exits(2)
        .says("name a folder: `--sandbox DIR`");
}
