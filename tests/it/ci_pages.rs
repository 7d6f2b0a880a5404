//! What a run leaves for people who look at it later: the link to the project, and the summary for the
//! page of a CI job.

use crate::fixture::{Dicom, PATH_MARK, Person, damaged};
use crate::run::{Place, Ran, native};
use crate::server::Site;

const USUAL: &str = "study -p demo/phantom --profile basic";

fn slice(number: u32) -> Vec<u8> {
    Dicom::ct(&Person::plain(), number).bytes()
}

/// Two good slices, one that is cut short, one file that is not DICOM.
fn place() -> Place {
    Place::with([
        ("study/1.dcm", slice(1)),
        ("study/2.dcm", slice(2)),
        ("study/3.dcm", damaged::truncated(&slice(3))),
        ("study/notes.txt", b"text".to_vec()),
    ])
}

fn text(place: &Place, name: &str) -> String {
    std::fs::read_to_string(place.path(name)).unwrap()
}

/// The address of the project on the last line of the summary.
#[track_caller]
fn link(ran: &Ran<'_>) -> String {
    let last = ran.stderr.lines().last().unwrap();
    let link = last.strip_prefix("  → project: ");
    link.unwrap_or_else(|| panic!("no link in {last}"))
        .to_owned()
}

#[test]
fn the_summary_ends_with_the_address_of_the_project_which_names_it_again() {
    let (place, site) = (place(), Site::start());
    let ran = place.run(USUAL).at(&site).exits(3);
    let page = link(&ran);
    let id = page.strip_prefix(&format!("{}/#/projects/", site.url()));
    assert!(id.is_some_and(|id| id.len() == 24), "{page}");
    let again = place
        .run("study --profile basic --json -p")
        .args([&page])
        .at(&site)
        .exits(3);
    assert_eq!(again.end()["totals"]["already_there"], 2);
    assert_eq!(again.end()["project_url"], page);
    assert_eq!(again.events()[0]["project_url"], page);
}

#[test]
fn what_goes_to_no_site_that_stays_has_no_address() {
    let (place, site) = (place(), Site::start());
    for flags in ["--dry-run", "--output out", "--sandbox sandbox", "-q"] {
        place
            .run(USUAL)
            .args(flags.split_whitespace())
            .at(&site)
            .exits(3)
            .does_not_say("#/projects/");
    }
}

/// A path as it stands in Markdown.
fn in_markdown(path: &str) -> String {
    native(path).replace('\\', r"\\")
}

#[test]
fn a_ci_job_gets_a_summary_behind_what_its_page_has() {
    let (place, site) = (place(), Site::start());
    place.file("summary.md", "# Before\n");
    let cut = in_markdown("study/3.dcm");
    for times in 1..=2 {
        let ran = place
            .run(USUAL)
            .env("GITHUB_STEP_SUMMARY", place.path("summary.md"))
            .at(&site)
            .exits(3);
        let page = link(&ran);
        let summary = text(&place, "summary.md");
        assert!(summary.starts_with("# Before\n## fwupload: demo/phantom\n"));
        for said in [
            "| skipped | 1 |",
            "| **found** | 4 |",
            "| read.truncated | 1 |",
            &format!("| {cut} | read.truncated |"),
            "- de-identified with basic (local, `sha256:",
            "- exit code 3: finished, some files failed",
            &format!("- project: <{page}>"),
        ] {
            assert_eq!(summary.matches(said).count(), times, "{said} in\n{summary}");
        }
    }
    let summary = text(&place, "summary.md");
    assert!(summary.contains("| uploaded | 2 |") && summary.contains("| already there | 2 |"));
}

#[test]
fn a_report_that_ends_in_md_is_the_same_and_cannot_be_read_again() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--report", "r.md"])
        .env("GITHUB_STEP_SUMMARY", "s.md")
        .at(&site)
        .exits(3);
    let report = text(&place, "r.md");
    assert_eq!(report.trim_end(), text(&place, "s.md").trim_end());
    assert!(!report.contains("has not ended"), "{report}");
    place
        .run("report merge r.md")
        .exits(5)
        .says("the Markdown form holds too little");
}

#[test]
fn names_are_no_markup_and_only_the_first_failures_are_named() {
    // Windows takes neither angle brackets nor bars in names.
    let (marked, shown) = if cfg!(windows) {
        ("", "")
    } else {
        ("<b>|", r"\<b\>\|")
    };
    let place = Place::with((10..30).map(|n| {
        (
            format!("study/{n}_{marked}`x`[y](https&colon;z)@all.dcm"),
            damaged::truncated(&slice(n)),
        )
    }));
    let run = |more: &[&str], name: &str| {
        place
            .run(USUAL)
            .args(["--dry-run", "--offline", "--report", name])
            .args(more)
            .exits(9);
        text(&place, name)
    };
    let plain = run(&[], "r.md");
    assert!(
        plain.contains(&format!(
            r"| {}10\_{shown}\`x\`\[y\](https\&colon;z)\@all.dcm |",
            in_markdown("study/")
        )),
        "{plain}"
    );
    assert_eq!(
        plain
            .matches(&format!("| {}", in_markdown("study/")))
            .count(),
        10
    );
    assert!(plain.contains("\nand 10 more\n") && plain.contains("| read.truncated | 20 |"));
    let redacted = run(&["--redact-paths"], "redacted.md");
    assert!(
        !redacted.contains(&in_markdown("study/")) && redacted.contains("| path:"),
        "{redacted}"
    );
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning_alone() {
    let (place, site) = (Place::with([("study/1.dcm", slice(1))]), Site::start());
    let folder = format!("{PATH_MARK}/none/summary.md");
    let ran = place
        .run(USUAL)
        .args(["--json"])
        .env("GITHUB_STEP_SUMMARY", &folder)
        .at(&site)
        .exits(0);
    ran.says("warning[step-summary]: the summary for the CI job's page")
        .does_not_say(PATH_MARK);
    assert!(
        ran.notice("step-summary")
            .contains("GITHUB_STEP_SUMMARY")
    );
    place
        .run(USUAL)
        .env("GITHUB_STEP_SUMMARY", "")
        .at(&site)
        .exits(0)
        .does_not_say("step-summary");
}

#[cfg(target_os = "linux")]
#[test]
fn a_summary_that_is_lost_at_the_end_is_said_after_the_last_line() {
    let (place, site) = (Place::with([("study/1.dcm", slice(1))]), Site::start());
    let run = |flags: &[&str]| {
        place
            .run(USUAL)
            .args(flags)
            .env("GITHUB_STEP_SUMMARY", "/dev/full")
            .at(&site)
            .exits(0)
    };
    run(&[]).says("warning[step-summary]");
    assert_eq!(run(&["-qq"]).stderr, "");
}

#[cfg(unix)]
#[test]
fn a_summary_that_is_made_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    place
        .run(USUAL)
        .args(["--dry-run", "--offline"])
        .env("GITHUB_STEP_SUMMARY", "summary.md")
        .exits(3);
    let mode = std::fs::metadata(place.path("summary.md"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_run_that_does_not_begin_has_a_summary_too() {
    let (place, site) = (place(), Site::start());
    place
        .run("study -p demo/none --profile basic")
        .env("GITHUB_STEP_SUMMARY", "summary.md")
        .at(&site)
        .exits(6);
    let summary = text(&place, "summary.md");
    assert!(
        summary.contains("- exit code 6: destination not found")
            && summary.contains("- stopped by `project.not-found`: "),
        "{summary}"
    );
}
