//! A server that is out for a while: the run waits for it, says so, and goes on.

use crate::fixture::{Dicom, Person};
use crate::run::Place;
use crate::server::{Gate, Site, on};

const USUAL: &str =
    "study -p demo/phantom --profile basic --residual warn --uploads 2 --json --retry-for 1h";

fn place() -> Place {
    Place::with((1..=6).map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::numbered(n), 1).bytes(),
        )
    }))
}

#[test]
fn a_server_that_is_out_in_the_middle_of_a_run_is_waited_for() {
    let gate = Gate::default();
    let held = on("POST", "/api/acquisitions/*/files")
        .after(1)
        .hold(&gate);
    let (place, site) = (place(), Site::setup().rule(held).start());
    let running = place.run(USUAL).at(&site).start();
    gate.wait_for_request();
    site.go_out();
    gate.open();
    running.wait_until_it_says("warning[outage]");
    site.heal();
    let ran = running.end();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran.says("has not answered since")
        .says("until")
        .says("`--retry-for`")
        .says("the site answers again");
    let codes: Vec<_> = ran
        .events_of("notice")
        .iter()
        .map(|notice| {
            notice["code"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        codes.contains(&"outage".to_owned()) && codes.contains(&"outage-over".to_owned()),
        "{codes:?}"
    );
    assert_eq!(site.uploaded().len(), 6);
    assert_eq!(ran.end()["totals"]["uploaded"], 6);
}

#[test]
fn a_server_that_is_out_at_the_start_is_waited_for() {
    let (place, site) = (place(), Site::start());
    site.go_out();
    let running = place.run(USUAL).at(&site).start();
    running.wait_until_it_says("warning[outage]");
    site.heal();
    assert_eq!(running.end().code, Some(0));
    assert_eq!(site.uploaded().len(), 6);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_waiting() {
    for begun in [false, true] {
        let gate = Gate::default();
        let (place, site) = (
            place(),
            Site::setup()
                .rule(on("POST", "/api/acquisitions/*/files").hold(&gate))
                .start(),
        );
        if !begun {
            site.go_out();
        }
        let running = place.run(USUAL).at(&site).start();
        if begun {
            gate.wait_for_request();
            site.go_out();
            gate.open();
        }
        running.wait_until_it_says("warning[outage]");
        running.signal("INT");
        let ran = running.end();
        assert_eq!(ran.code, Some(130));
        assert!(
            ran.failures()
                .iter()
                .all(|(_, code)| code == "upload.stopped"),
            "{:?}",
            ran.failures()
        );
    }
}

#[test]
fn a_server_that_stays_out_ends_the_run_as_unavailable() {
    let (place, site) = (place(), Site::start());
    site.go_out();
    let ran = place
        .run(USUAL)
        .args(["--retry-for", "0"])
        .at(&site)
        .ends();
    assert_eq!(ran.code, Some(2), "given twice");
    let once = USUAL.replace("--retry-for 1h", "");
    for patience in ["0", "1s"] {
        place
            .run(&once)
            .env("FWUPLOAD_RETRY_FOR", patience)
            .at(&site)
            .exits(7)
            .says("error[network.unavailable]");
    }
}
