//! Every fault of a network, a proxy and a server, by name: what the user sees, what the server
//! holds afterwards, and that the same command completes the work once the fault is gone.
//!
//! `SECURITY.md` has the table; `tidy` holds it against the names in here.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fixture::{CODED, Dicom, Person};
use crate::run::{Place, Ran};
use crate::server::{Rule, Setup, Site, on};

const USUAL: &str =
    "study -p demo/phantom --profile coded.yaml --idle-timeout 1 --uploads 1 --json";

/// Cases that are carried out at a time: they mostly wait.
const AT_A_TIME: usize = 8;

/// A CT series of two slices.
fn place() -> Place {
    let place = Place::with((1..=2).map(|n| {
        (
            format!("study/{n}.dcm"),
            Dicom::ct(&Person::plain(), n).bytes(),
        )
    }));
    place.file("coded.yaml", CODED);
    place
}

/// A call of a run: its name, the request, how many of the same kind come before it, and whether it
/// is one of a site with signed URLs.
type Call = (&'static str, (&'static str, &'static str), usize, bool);

/// Calls before anything is read.
const BEFORE: [Call; 6] = [
    ("configuration", ("GET", "/api/config"), 0, false),
    ("key check", ("GET", "/api/auth/status"), 0, false),
    ("project lookup", ("POST", "/api/lookup"), 0, false),
    (
        "project settings",
        ("GET", "/api/projects/*/settings"),
        0,
        false,
    ),
    (
        "group settings",
        ("GET", "/api/groups/*/settings"),
        0,
        false,
    ),
    ("site settings", ("GET", "/api/site/settings"), 0, false),
];

/// Calls while packages are sent.
const DURING: [Call; 10] = [
    ("subject lookup", ("POST", "/api/lookup"), 1, false),
    ("subject creation", ("POST", "/api/subjects"), 0, false),
    (
        "list of sessions",
        ("GET", "/api/subjects/*/sessions"),
        0,
        false,
    ),
    ("session creation", ("POST", "/api/sessions"), 0, false),
    (
        "list of acquisitions",
        ("GET", "/api/sessions/*/acquisitions"),
        0,
        false,
    ),
    (
        "acquisition creation",
        ("POST", "/api/acquisitions"),
        0,
        false,
    ),
    (
        "form upload",
        ("POST", "/api/acquisitions/*/files"),
        0,
        false,
    ),
    (
        "ticket",
        ("POST", "/api/acquisitions/*/files?ticket="),
        0,
        true,
    ),
    ("storage", ("PUT", "/storage/*/*/*"), 0, true),
    (
        "ticket's end",
        ("POST", "/api/acquisitions/*/files?ticket="),
        1,
        true,
    ),
];

fn at((_, (method, pattern), before, _): Call) -> Rule {
    on(method, pattern).after(before)
}

fn site_for((_, _, _, signed): Call) -> Setup {
    if signed {
        Site::setup().signed_urls()
    } else {
        Site::setup()
    }
}

/// One subject, session, acquisition and file, whole, and nothing else.
#[track_caller]
fn everything_is_there_once(site: &Site, case: &str) {
    let project = site.ask("POST", "/api/lookup", r#"{"path":["demo","phantom"]}"#)["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    for kind in ["subjects", "sessions", "acquisitions"] {
        let listed = site.ask("GET", &format!("/api/projects/{project}/{kind}"), "");
        assert_eq!(listed.as_array().unwrap().len(), 1, "{case}: {kind}");
    }
    let uploaded = site.uploaded();
    assert_eq!(uploaded.len(), 1, "{case}: files");
    let zip = zip::ZipArchive::new(std::io::Cursor::new(&uploaded[0].1));
    assert_eq!(
        zip.unwrap_or_else(|error| panic!("{case}: {error}"))
            .len(),
        2,
        "{case}: members"
    );
}

/// The same command again, with the fault gone.
#[track_caller]
fn completes_afterwards(place: &Place, site: &Site, case: &str) {
    site.heal();
    let ran = place.run(USUAL).at(site).ends();
    assert_eq!(ran.code, Some(0), "{case}, run again: {}", ran.stderr);
    everything_is_there_once(site, case);
}

/// Carries cases out side by side; each says what it is when it fails.
fn side_by_side<T: Sync>(cases: &[T], carry_out: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    carry_out(case);
                }
            });
        }
    });
}

type Spoil = fn(Rule) -> Rule;

/// Faults that pass: the call is made again, or the server looked at, and no one has to do
/// anything.
const PASSING: [(&str, Spoil); 11] = [
    ("connection reset", Rule::reset),
    ("connection cut", |rule| rule.cut_after(100)),
    ("server stalls", Rule::stall),
    ("server takes no data", Rule::stall_unread),
    ("answer lost", Rule::lose_answer),
    ("answer stops in the middle", Rule::half_answer),
    ("answer is shorter than announced", |rule| {
        rule.wrong_length(10)
    }),
    ("500", |rule| {
        rule.answer(500)
            .header("retry-after", "0")
    }),
    ("502 with a web page", |rule| {
        rule.answer_with(502, "<html><title>Bad Gateway</title></html>")
            .header("retry-after", "0")
    }),
    ("503", |rule| {
        rule.answer(503)
            .header("retry-after", "0")
    }),
    ("429 with Retry-After", |rule| {
        rule.answer(429)
            .header("retry-after", "0")
    }),
];

#[test]
fn faults_that_pass_are_got_over_at_every_call() {
    let cases: Vec<_> = BEFORE
        .iter()
        .chain(&DURING)
        .flat_map(|call| {
            PASSING
                .iter()
                .map(move |fault| (*call, fault))
        })
        .collect();
    side_by_side(&cases, |(call, (fault, spoil))| {
        let case = format!("{fault} at {}", call.0);
        let (place, site) = (
            place(),
            site_for(*call)
                .rule(spoil(at(*call)).times(1))
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        assert_eq!(ran.code, Some(0), "{case}: {}", ran.stderr);
        everything_is_there_once(&site, &case);
    });
}

/// How a run ends when a call is answered with a status for good: its exit code and the code of the
/// error or failure.
#[track_caller]
fn ends_with(ran: &Ran<'_>, case: &str, exit: i32, code: &str) {
    assert_eq!(ran.code, Some(exit), "{case}: {}", ran.stderr);
    assert!(
        ran.stderr.contains(code),
        "{case}: {code} is missing in {}",
        ran.stderr
    );
}

#[test]
fn refusals_before_the_first_file_stop_the_run_with_nothing_sent() {
    let cases = [
        (BEFORE[0], 503, 7, "network.unavailable"),
        (BEFORE[1], 401, 4, "auth.rejected"),
        (BEFORE[1], 403, 4, "auth.rejected"),
        (BEFORE[1], 503, 7, "network.unavailable"),
        (BEFORE[2], 429, 7, "network.unavailable"),
        (BEFORE[3], 403, 4, "profile.unknown"),
        (BEFORE[4], 403, 4, "profile.unknown"),
        (BEFORE[5], 403, 4, "profile.unknown"),
        (BEFORE[5], 500, 7, "network.unavailable"),
    ];
    side_by_side(&cases, |(call, status, exit, code)| {
        let case = format!("{status} at {}", call.0);
        let (place, site) = (
            place(),
            site_for(*call)
                .rule(
                    at(*call)
                        .answer(*status)
                        .header("retry-after", "0"),
                )
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        ends_with(&ran, &case, *exit, code);
        assert!(
            site.requests()
                .iter()
                .all(|request| !request.target.contains("/files")),
            "{case}: something was sent"
        );
        completes_afterwards(&place, &site, &case);
    });
}

#[test]
fn refusals_while_sending_fail_the_package_and_the_next_run_completes() {
    let form = DURING[6];
    let mut cases = vec![
        (form, 400, "upload.rejected"),
        (form, 403, "upload.forbidden"),
        (form, 404, "upload.not-found"),
        (form, 409, "upload.conflict"),
        (form, 413, "upload.too-large"),
        (form, 422, "upload.conflict"),
        (form, 429, "upload.throttled"),
        (form, 500, "upload.server-error"),
        (form, 503, "upload.server-error"),
    ];
    for creation in [DURING[1], DURING[3], DURING[5]] {
        cases.extend([
            (creation, 409, "upload.conflict"),
            (creation, 422, "upload.conflict"),
            (creation, 503, "upload.server-error"),
        ]);
    }
    cases.extend([
        (DURING[2], 403, "upload.forbidden"),
        (DURING[4], 404, "upload.not-found"),
    ]);
    side_by_side(&cases, |(call, status, code)| {
        let case = format!("{status} at {}", call.0);
        let (place, site) = (
            place(),
            site_for(*call)
                .rule(
                    at(*call)
                        .answer(*status)
                        .header("retry-after", "0"),
                )
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        ends_with(&ran, &case, 9, code);
        assert_eq!(ran.failures().len(), 2, "{case}: each file has its failure");
        assert!(site.uploaded().is_empty(), "{case}");
        completes_afterwards(&place, &site, &case);
    });
}

#[test]
fn who_may_create_nothing_learns_it_from_the_first_refusal() {
    for creation in [DURING[1], DURING[3], DURING[5]] {
        let case = format!("403 at {}", creation.0);
        let (place, site) = (
            place(),
            site_for(creation)
                .rule(at(creation).answer(403))
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        ends_with(&ran, &case, 4, "auth.forbidden");
        assert!(site.uploaded().is_empty(), "{case}");
        completes_afterwards(&place, &site, &case);
    }
}

#[test]
fn who_may_not_write_learns_it_before_anything_is_read() {
    fn one_user(answer: &str) -> String {
        answer.replace("\"user_is_admin\":true", "\"user_is_admin\":false")
    }
    fn reads(answer: &str) -> String {
        answer.replace(
            r#""access":"admin","role_ids":["admin"]"#,
            r#""access":"ro""#,
        )
    }
    fn has_role(answer: &str) -> String {
        answer.replace(
            r#""access":"admin","role_ids":["admin"]"#,
            r#""role_ids":["r1"]"#,
        )
    }
    let roles = |actions: &str| {
        on("GET", "/api/roles/r1")
            .answer_with(200, &format!(r#"{{"_id":"r1","actions":[{actions}]}}"#))
    };
    let site = |project: fn(&str) -> String| {
        Site::setup()
            .rule(on("GET", "/api/auth/status").edit(one_user))
            .rule(on("GET", "/api/projects/*").edit(project))
    };
    let place = place();
    for (case, site, exit) in [
        ("reads only", site(reads), 4),
        (
            "a role that reads only",
            site(has_role).rule(roles(r#""files_view_contents","containers_view_metadata""#)),
            4,
        ),
        (
            "a role that uploads",
            site(has_role).rule(roles(r#""files_view_contents","files_create_single""#)),
            0,
        ),
        (
            "a role of other words",
            site(has_role).rule(roles(r#""all""#)),
            0,
        ),
        (
            "a role that is not told",
            site(has_role).rule(on("GET", "/api/roles/r1").answer(403)),
            0,
        ),
        (
            "an administrator",
            Site::setup().rule(on("GET", "/api/projects/*").edit(reads)),
            0,
        ),
        (
            "a project that does not tell",
            site(|answer| answer.replace("permissions", "others")),
            0,
        ),
    ] {
        let site = site.start();
        for rehearsal in ["--dry-run", ""] {
            let ran = place
                .run(&format!("{USUAL} {rehearsal}"))
                .at(&site)
                .ends();
            assert_eq!(ran.code, Some(exit), "{case}: {}", ran.stderr);
            if exit == 4 {
                ran.says("error[auth.forbidden]")
                    .says("may read demo/phantom and not write to it")
                    .does_not_say("scanned");
            }
        }
        if exit == 4 {
            assert!(site.uploaded().is_empty(), "{case}");
            place
                .run(&format!("{USUAL} --output out"))
                .at(&site)
                .exits(0);
            std::fs::remove_dir_all(place.path("out")).unwrap();
        }
    }
}

#[test]
fn a_key_that_is_no_longer_accepted_stops_the_run_and_the_next_one_goes_on() {
    // A storage host that says 401 says nothing about our key.
    let site_calls: Vec<_> = DURING
        .into_iter()
        .filter(|call| call.0 != "storage")
        .collect();
    side_by_side(&site_calls, |call| {
        let case = format!("401 at {}", call.0);
        let (place, site) = (
            place(),
            site_for(*call)
                .rule(at(*call).answer(401))
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        ends_with(&ran, &case, 4, "auth.rejected");
        completes_afterwards(&place, &site, &case);
    });
}

#[test]
fn a_container_that_vanished_fails_its_package() {
    let gone = r#"{"status_code":500,"message":"'NoneType' object has no attribute 'values'"}"#;
    for (status, body) in [(404, "{}"), (500, gone)] {
        let case = format!("vanished: {status}");
        let upload = on("POST", "/api/acquisitions/*/files").answer_with(status, body);
        let site = Site::setup()
            .rule(upload)
            .rule(on("GET", "/api/acquisitions/*").answer(404))
            .start();
        let place = place();
        let ran = place.run(USUAL).at(&site).ends();
        ends_with(&ran, &case, 9, "upload.not-found");
        completes_afterwards(&place, &site, &case);
    }
}

#[test]
fn a_server_that_is_not_there_is_said_not_to_be_there() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let key = format!(
        "127.0.0.1:{}:__force_insecure:abcdefgh12345678",
        closed.port()
    );
    let place = place();
    let ran = place
        .run(USUAL)
        .env("FWUPLOAD_API_KEY", key)
        .ends();
    ends_with(&ran, "connection refused", 7, "network.unavailable");
    ran.says("cannot be reached")
        .says("run the same command again");
}

#[test]
fn what_is_no_flywheel_site_is_told_apart() {
    let page = "<html><title>Guest network</title></html>";
    let cases: [(&str, Spoil); 5] = [
        ("a web page with status 200", |rule| {
            rule.answer_with(200, "<html><title>Guest network</title></html>")
        }),
        ("JSON of another kind", |rule| rule.answer_with(200, "[]")),
        ("no JSON at all", |rule| rule.answer_with(200, "\u{0}\u{1}")),
        ("an answer that never ends", Rule::drip),
        ("a redirect to another host", |rule| {
            rule.answer(302)
                .header("location", "http://elsewhere.example/api/config")
        }),
    ];
    side_by_side(&cases, |(case, spoil)| {
        let (place, site) = (
            place(),
            Site::setup()
                .rule(spoil(on("GET", "/api/config")))
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        assert_eq!(ran.code, Some(7), "{case}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains(page) && !ran.stderr.contains('\u{0}'),
            "{case}: {}",
            ran.stderr
        );
        completes_afterwards(&place, &site, case);
    });
}

#[test]
fn a_storage_host_that_a_firewall_blocks_is_named_and_the_site_used_instead() {
    fn blocked(answer: &str) -> String {
        let (before, after) = answer
            .split_once("http://127.0.0.1:")
            .unwrap();
        let path = after.split_once('/').unwrap().1;
        format!("{before}http://127.0.0.1:9/{path}")
    }
    let site = Site::setup()
        .signed_urls()
        .rule(at(DURING[7]).edit(blocked))
        .start();
    let place = place();
    let ran = place.run(USUAL).at(&site).exits(0);
    ran.says("127.0.0.1")
        .says("firewall")
        .says("--no-signed-urls");
    everything_is_there_once(&site, "storage host blocked");
}

#[test]
fn signed_urls_that_are_refused_lead_to_a_new_ticket_or_the_form() {
    let cases: [(&str, Call, Spoil); 4] = [
        ("address expired once", DURING[8], |rule| {
            rule.times(1).answer(403)
        }),
        ("addresses always expired", DURING[8], |rule| {
            rule.answer(403)
        }),
        ("ticket of another address", DURING[9], |rule| {
            rule.answer(404)
        }),
        ("no ticket for this project", DURING[7], |rule| {
            rule.answer_with(200, "")
        }),
    ];
    side_by_side(&cases, |(case, call, spoil)| {
        let (place, site) = (
            place(),
            Site::setup()
                .signed_urls()
                .rule(spoil(at(*call)))
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        assert_eq!(ran.code, Some(0), "{case}: {}", ran.stderr);
        everything_is_there_once(&site, case);
    });
}

#[test]
fn a_success_that_the_server_does_not_stand_by_is_none() {
    let cases: [(&str, Spoil); 4] = [
        ("no file in the answer", |rule| rule.answer_with(200, "[]")),
        ("another size", |rule| {
            rule.answer_with(
                200,
                r#"[{"name":"1 - Thorax 1.0 B30f.dicom.zip","size":3}]"#,
            )
        }),
        ("an answer cut short", |rule| {
            rule.answer_with(200, "[{\"name\":")
        }),
        ("a web page", |rule| rule.answer_with(200, "<html></html>")),
    ];
    side_by_side(&cases, |(case, spoil)| {
        let (place, site) = (
            place(),
            Site::setup()
                .rule(spoil(at(DURING[6])))
                .start(),
        );
        let ran = place.run(USUAL).at(&site).ends();
        ends_with(&ran, case, 9, "upload.unconfirmed");
        completes_afterwards(&place, &site, case);
    });
}

#[test]
fn a_huge_answer_is_not_read_to_its_end() {
    let huge = format!("{{\"x\":\"{}\"}}", "y".repeat(80 << 20));
    let (place, site) = (
        place(),
        Site::setup()
            .rule(on("POST", "/api/lookup").answer_with(200, &huge))
            .start(),
    );
    let ran = place.run(USUAL).at(&site).exits(7);
    assert!(
        ran.peak_kib
            .is_none_or(|peak| peak < 256 << 10),
        "{:?} KiB",
        ran.peak_kib
    );
    ran.does_not_say("yyyy");
}

#[test]
fn labels_of_a_server_cannot_steer_a_terminal() {
    let rule = on("GET", "/api/projects/*")
        .edit(|answer| answer.replace("phantom", "ph\\u001b[2J\\u202eantom"));
    let (place, site) = (place(), Site::setup().rule(rule).start());
    let project = site.ask("POST", "/api/lookup", r#"{"path":["demo","phantom"]}"#)["_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let ran = place
        .run(&USUAL.replace("demo/phantom", &project))
        .args(["-vv"])
        .at(&site)
        .exits(0);
    ran.says("ph\\u{1b}[2J\\u{202e}antom");
    assert!(
        !ran.stderr
            .contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        ran.stderr
    );
}

#[test]
fn what_servers_say_cannot_steer_a_terminal() {
    let hostile =
        "{\"message\":\"\u{1b}[2J\u{202e}no\\u001b]0;x\\u0007\",\"request_id\":\"\u{1b}[31m\"}";
    side_by_side(&BEFORE, |call| {
        let (place, site) = (
            place(),
            site_for(*call)
                .rule(at(*call).answer_with(400, hostile))
                .start(),
        );
        let ran = place
            .run(USUAL)
            .args(["-vv"])
            .at(&site)
            .ends();
        assert!(
            ran.code != Some(0)
                && !ran
                    .stderr
                    .contains(['\u{1b}', '\u{202e}', '\u{7}']),
            "{}: {:?}",
            call.0,
            ran.stderr
        );
    });
}
