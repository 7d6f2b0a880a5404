//! Servers that refuse, stumble or vanish: what is tried again, what is given up, and that nothing
//! arrives twice.

use crate::fixture::{CODED, Dicom, Person};
use crate::run::Place;
use crate::server::{Rule, Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml";

/// A CT series of two slices.
fn place() -> Place {
    let person = Person::plain();
    let place =
        Place::with((1..=2).map(|n| (format!("study/{n}.dcm"), Dicom::ct(&person, n).bytes())));
    place.file("coded.yaml", CODED);
    place
}

/// The upload of a file to an acquisition.
fn upload() -> Rule {
    on("POST", "/api/acquisitions/*/files")
}

#[track_caller]
fn fails_with(rule: Rule, code: &str, status: Option<u16>) {
    let (place, site) = (place(), Site::setup().rule(rule).start());
    let ran = place.run(USUAL).at(&site).exits(9);
    assert_eq!(
        ran.failures(),
        [
            ("1.dcm".into(), code.to_owned()),
            ("2.dcm".into(), code.to_owned())
        ]
    );
    if let Some(status) = status {
        assert_eq!(ran.report()[0]["http_status"], status);
    }
    assert!(site.uploaded().is_empty());
}

#[track_caller]
fn arrives_despite(rule: Rule) -> Site {
    let (place, site) = (place(), Site::setup().rule(rule).start());
    place.run(USUAL).at(&site).exits(0);
    assert_eq!(site.uploaded().len(), 1);
    site
}

#[test]
fn what_the_server_refuses_for_good_is_not_tried_again() {
    for (status, code) in [
        (400, "upload.rejected"),
        (403, "upload.forbidden"),
        (404, "upload.not-found"),
        (413, "upload.too-large"),
    ] {
        let (place, site) = (
            place(),
            Site::setup()
                .rule(upload().answer(status))
                .start(),
        );
        let ran = place.run(USUAL).at(&site).exits(9);
        assert_eq!(ran.failures()[0].1, code);
        assert_eq!(ran.report()[0]["http_status"], status);
        assert_eq!(
            site.requests_to("POST", "/api/acquisitions/*/files")
                .len(),
            1,
            "{status}"
        );
    }
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    for status in [408, 429, 500, 502, 503, 504] {
        let site = arrives_despite(
            upload()
                .times(2)
                .answer(status)
                .header("retry-after", "0"),
        );
        assert_eq!(
            site.requests_to("POST", "/api/acquisitions/*/files")
                .len(),
            3,
            "{status}"
        );
    }
}

#[test]
fn retries_are_shown_once() {
    let (place, site) = (
        place(),
        Site::setup()
            .rule(
                upload()
                    .times(2)
                    .answer(503)
                    .header("retry-after", "0"),
            )
            .start(),
    );
    let ran = place
        .run(USUAL)
        .args(["--json"])
        .at(&site)
        .exits(0);
    assert_eq!(ran.events_of("retrying").len(), 2);
    assert!(ran.stderr.contains("503"), "{}", ran.stderr);
}

#[test]
fn a_connection_that_is_cut_in_the_middle_is_made_again_with_the_whole_body() {
    let site = arrives_despite(upload().times(2).cut_after(600));
    assert_eq!(
        site.requests_to("POST", "/api/acquisitions/*/files")
            .len(),
        3
    );
}

#[test]
fn a_connection_that_is_always_cut_is_given_up() {
    fails_with(upload().cut_after(600), "upload.network", None);
}

#[test]
fn an_answer_that_is_lost_does_not_make_a_second_version() {
    let site = arrives_despite(upload().times(1).lose_answer());
    assert_eq!(
        site.requests_to("POST", "/api/acquisitions/*/files")
            .len(),
        1,
        "the container is looked at first"
    );
}

#[test]
fn a_lost_answer_does_not_make_a_second_container() {
    for path in ["/api/subjects", "/api/sessions", "/api/acquisitions"] {
        let site = arrives_despite(
            on("POST", path)
                .times(1)
                .lose_answer(),
        );
        assert_eq!(
            site.requests_to("POST", path).len(),
            1,
            "{path} is looked up before it is created again"
        );
    }
}

#[test]
fn one_series_that_fails_does_not_take_the_others_along() {
    let place = place();
    place.file("study/mr.dcm", Dicom::mr(&Person::plain()).bytes());
    let site = Site::setup()
        .rule(upload().times(1).answer(403))
        .start();
    let ran = place
        .run(USUAL)
        .args(["--uploads", "1", "--json"])
        .at(&site)
        .exits(3);
    assert_eq!(site.uploaded().len(), 1);
    let totals = &ran.end()["totals"];
    let outcomes = ["uploaded", "already_there", "skipped", "failed"]
        .iter()
        .map(|key| totals[key].as_u64().unwrap())
        .sum::<u64>();
    assert_eq!(totals["found"], outcomes);
}

#[test]
fn a_signed_url_that_fails_is_asked_for_anew() {
    for rule in [
        on("PUT", "/storage/*/*/*")
            .times(1)
            .answer(503)
            .header("retry-after", "0"),
        on("PUT", "/storage/*/*/*")
            .times(1)
            .cut_after(600),
        on("PUT", "/storage/*/*/*")
            .times(1)
            .answer(403),
    ] {
        let (place, site) = (
            place(),
            Site::setup()
                .signed_urls()
                .rule(rule)
                .start(),
        );
        place.run(USUAL).at(&site).exits(0);
        assert_eq!(site.uploaded().len(), 1);
    }
}

#[test]
fn a_lost_answer_at_the_end_of_a_signed_upload_does_not_make_a_second_version() {
    let finish = on("POST", "/api/acquisitions/*/files?ticket=")
        .times(1)
        .lose_answer();
    for rule in [
        finish,
        on("PUT", "/storage/*/*/*")
            .times(1)
            .lose_answer(),
    ] {
        let (place, site) = (
            place(),
            Site::setup()
                .signed_urls()
                .rule(rule)
                .start(),
        );
        place.run(USUAL).at(&site).exits(0);
        assert_eq!(site.uploaded().len(), 1);
        let kept = site.kept();
        assert!(
            !kept
                .iter()
                .any(|(name, _)| name.contains("/versions/")),
            "{:?}",
            kept.iter()
                .map(|(n, _)| n)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn the_servers_words_are_escaped_and_its_request_id_is_kept() {
    let body = "{\"status_code\":403,\"message\":\"no \\u001b[2Jentry\",\"request_id\":\"req-42\"}";
    let (place, site) = (
        place(),
        Site::setup()
            .rule(upload().answer_with(403, body))
            .start(),
    );
    let ran = place.run(USUAL).at(&site).exits(9);
    assert!(!ran.stderr.contains('\u{1b}'));
    assert!(
        ran.report()[0]
            .to_string()
            .contains("req-42"),
        "{}",
        ran.report()[0]
    );
}
