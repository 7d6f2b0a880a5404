//! When a run gives up: after as many failures as the user allows, or when the network is gone.

use crate::fixture::{CODED, Dicom, Person, damaged};
use crate::run::Place;
use crate::server::{Site, on};

const USUAL: &str = "study -p demo/phantom --profile coded.yaml --json -j 1 --uploads 1";

/// `good` files of one instance each, and `bad` ones that are cut short.
fn place(good: u32, bad: u32) -> Place {
    let whole = |n| Dicom::ct(&Person::numbered(n), 1).bytes();
    let place = Place::with((1..=good).map(|n| (format!("study/good-{n}.dcm"), whole(n))));
    for n in 1..=bad {
        place.file(
            format!("study/bad-{n}.dcm"),
            damaged::truncated(&whole(100 + n)),
        );
    }
    place.file("coded.yaml", CODED);
    place
}

#[test]
fn it_goes_on_to_the_end_unless_told_otherwise() {
    let (place, site) = (place(3, 5), Site::start());
    let ran = place.run(USUAL).at(&site).exits(3);
    assert_eq!(ran.end()["totals"]["uploaded"], 3);
}

#[test]
fn as_many_failures_as_allowed_end_the_run_and_the_rest_waits_for_the_next() {
    let (place, site) = (place(30, 3), Site::start());
    for (flags, failures) in [("--max-failures 2", "2 files"), ("--fail-fast", "1 file")] {
        let ran = place
            .run(&format!("{USUAL} {flags}"))
            .at(&site)
            .ends();
        assert!(matches!(ran.code, Some(3 | 9)), "{}", ran.stderr);
        ran.says("error[run.too-many-failures]")
            .says(&format!("stopped after {failures} failed"));
        let codes: Vec<_> = ran
            .failures()
            .into_iter()
            .map(|(_, code)| code)
            .collect();
        assert!(
            codes
                .iter()
                .any(|code| code == "upload.stopped"),
            "{codes:?}"
        );
        assert_eq!(ran.end()["totals"]["found"], 33);
    }
    let last = place.run(USUAL).at(&site).exits(3);
    assert_eq!(last.failures().len(), 3);
    assert_eq!(site.uploaded().len(), 30);
}

#[test]
fn fewer_failures_than_allowed_change_nothing() {
    let (place, site) = (place(3, 2), Site::start());
    place
        .run(USUAL)
        .args(["--max-failures", "3"])
        .at(&site)
        .exits(3)
        .does_not_say("too-many-failures");
    assert_eq!(site.uploaded().len(), 3);
}

#[test]
fn packages_that_fail_in_a_row_for_the_same_network_reason_end_the_run() {
    let rule = on("POST", "/api/acquisitions/*/files")
        .answer(503)
        .header("retry-after", "0");
    let (place, site) = (place(12, 0), Site::setup().rule(rule).start());
    let ran = place.run(USUAL).at(&site).exits(7);
    ran.says("error[network.unavailable]")
        .says("5 packages in a row failed for the same reason")
        .says("goes on where it stopped");
    let count = |code: &str| {
        ran.failures()
            .iter()
            .filter(|(_, found)| found == code)
            .count()
    };
    assert_eq!(
        (count("upload.server-error"), count("upload.stopped")),
        (5, 7)
    );
    site.heal();
    let again = place.run(USUAL).at(&site).exits(0);
    assert_eq!(again.end()["totals"]["uploaded"], 12);
    assert_eq!(
        site.requests_to("POST", "/api/acquisitions")
            .len(),
        12,
        "containers are found again"
    );
}
