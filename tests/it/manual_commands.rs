//! What the manual tells readers to type is typed here, page by page: every command in a block of
//! `console` runs in a place that has the files it names, ends with the code that the page says,
//! and prints what the page shows.
//!
//! How a page says what is expected:
//!
//! - Behind `console` stands the exit code of the calls of fwupload where it is not 0: `exit=3`. Where
//!   `$ echo $?` follows a command, the number below it counts.
//! - Lines below a command are what it prints, but for what differs from run to run. `...` stands
//!   for any lines.
//! - `$ cat FILE` shows a file that is there from then on. So is a block with `file=NAME` behind its
//!   language.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use dicom_dictionary_std::tags;
use flywheel_sandbox::ProfileLevel;
use regex::Regex;

use crate::run::{PSEUDONYM_KEY, Place, Run};
use crate::server::Site;
use crate::tidy::links::{chapters, text};
use crate::{certificates, study};

/// Programs that are run as they stand: the one at hand, and those that look at files.
const RUN: [&str; 3] = ["fwupload", "find", "cat"];

/// Programs that are others' or too large to be run here. A command that begins with none of these and
/// none of those above fails the test.
const NOT_RUN: [&str; 9] = [
    "benches/peers.py",
    "cargo",
    "just",
    "npm",
    "pip",
    "podman",
    "sh",
    "sudo",
    "tar",
];

/// Commands that cannot be run here as they stand, and why.
const ELSEWHERE: [(&str, &str); 3] = [
    ("fwupload login", "it asks for the key at a terminal"),
    (
        "fwupload review ./study --project neuro/adni",
        "it waits for a person: .ci/browser/test_review.py is one",
    ),
    (
        "fwupload ./study --project neuro/adni --approved approved.jsonl",
        "it needs a list that a person saves: tests/it/review.rs has some",
    ),
];

/// Pages whose commands are tried elsewhere.
const PAGES_ELSEWHERE: [(&str, &str); 1] = [(
    "examples/shards/README.md",
    "tests/it/shard_recipes.rs runs what it describes, with eight shards",
)];

/// A profile in Flywheel's own vocabulary.
const FLYWHEEL_PROFILE: &str = "\
name: site
dicom:
  remove-private-tags: true
  fields:
    - {name: PatientName, remove: true}
    - {name: PatientID, hash: true}
";

/// The profile of a careful site.
const CAREFUL: &str = "\
name: careful
dicom:
  confidentiality: {profile: basic}
  pixels: {burned-in: detect}
";

const RULES: &str = r#"- exclude: ["path=~/scout/"]
  type: dicom
  mappings:
    - "path={subject}/{session}/**/*"
"#;

const SHARD: &str = r#"{"type":"report","v":1,"project":"neuro/adni","settings":{"shard":"1/1"},"redacted":false}
{"type":"failed","path":"study/ct-thorax/IM0013.dcm","code":"read.truncated"}
{"type":"end","found":2,"uploaded":1,"skipped":0,"failed":1,"exit_code":3}
"#;

/// A block of code in a page.
#[derive(Debug)]
struct Block {
    /// The line of its first line, from 1.
    line: usize,
    language: String,
    /// What stands behind the language: names with values.
    notes: BTreeMap<String, String>,
    lines: Vec<String>,
}

/// A command of a block.
#[derive(Debug)]
struct Command {
    line: usize,
    typed: String,
    printed: Vec<String>,
    exit: i32,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.lines.push(line.to_owned()),
            (None, Some(info)) => {
                let mut words = info.split_whitespace();
                open = Some(Block {
                    line: number + 2,
                    language: words
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    notes: words
                        .filter_map(|word| word.split_once('='))
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .collect(),
                    lines: Vec::new(),
                });
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block does not end");
    blocks
}

fn commands(block: &Block) -> Vec<Command> {
    let usual = block
        .notes
        .get("exit")
        .map_or(0, |code| code.parse().unwrap());
    let mut commands: Vec<Command> = Vec::new();
    let mut asks_for_code = false;
    for (offset, line) in block.lines.iter().enumerate() {
        let last = commands.last_mut();
        match (line.strip_prefix("$ "), last) {
            (Some("echo $?"), Some(_)) => asks_for_code = true,
            (Some(typed), _) => {
                asks_for_code = false;
                commands.push(Command {
                    line: block.line + offset,
                    typed: typed.to_owned(),
                    printed: Vec::new(),
                    exit: if typed.contains("fwupload") { usual } else { 0 },
                });
            }
            (None, Some(last)) if asks_for_code => last.exit = line.parse().unwrap(),
            (None, Some(last)) if last.typed.ends_with('\\') => {
                last.typed.pop();
                last.typed += line.trim_start();
            }
            (None, Some(last)) => last.printed.push(line.clone()),
            (None, None) => panic!("{line} stands before any command"),
        }
    }
    commands
}

/// The program that a command calls, without variables before it.
fn program(typed: &str) -> &str {
    typed
        .split_whitespace()
        .find(|word| !word.contains('='))
        .unwrap_or_default()
}

/// Without what differs from run to run.
fn masked(line: &str) -> String {
    let masks = [
        (r"\bin [0-9.]+m?s\b", "in TIME"),
        (r"\b[0-9.]+ [KM]iB\b", "SIZE"),
        (r"\bsha256:[0-9a-f]+", "DIGEST"),
        (r"\b(key|digest) [0-9a-f]{16}\b", "$1 DIGEST"),
        (r"\b2\.25\.[0-9]+", "UID"),
        (r"\bP-[0-9A-Z]{12}\b", "PSEUDONYM"),
        (r"\bhttp://127\.0\.0\.1:[0-9]+", "SITE"),
        (
            r"\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\b",
            "TIME",
        ),
    ];
    masks
        .iter()
        .fold(line.trim_end().to_owned(), |line, (mask, name)| {
            Regex::new(mask)
                .unwrap()
                .replace_all(&line, *name)
                .into_owned()
        })
}

/// Whether lines are those that a page shows, in which `...` stands for any.
fn fits(shown: &[String], printed: &[String]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, further)| line == first && fits(rest, further)),
    }
}

fn patient() -> String {
    let (_, slice) = study::files()
        .into_iter()
        .find(|(name, _)| name.ends_with("ct-thorax/IM0001.dcm"))
        .unwrap();
    let slice = dicom_object::from_reader(&slice[..]).unwrap();
    let id = slice
        .element(tags::PATIENT_ID)
        .unwrap();
    id.to_str()
        .unwrap()
        .trim()
        .to_owned()
}

fn private(place: &Place, name: &str, text: &str) {
    let path = place.file(name, text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The files that the manual names.
fn place() -> Place {
    let place = Place::new();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in study::files() {
        place.file(format!("study/{name}"), &bytes);
        if name.ends_with("IM0013.dcm") {
            continue;
        }
        if name.starts_with("mr-head") {
            place.file(format!("incoming/P07/baseline/{name}"), &bytes);
        }
        if name.starts_with("ct-thorax") {
            place.file(format!("incoming/P08/baseline/{name}"), &bytes);
        }
        archive
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        std::io::Write::write_all(&mut archive, &bytes).unwrap();
    }
    place.file(
        "study.zip",
        archive
            .finish()
            .unwrap()
            .into_inner(),
    );
    place.file(
        "codes.csv",
        format!("patient_id,subject\n{},S001\n", patient()),
    );
    place.file("rules.yaml", RULES);
    place.file("site.yaml", FLYWHEEL_PROFILE);
    place.file(
        "site.toml",
        "[dicom.confidentiality]\nprofile = \"basic\"\n",
    );
    place.file("hospital-ca.pem", certificates::AUTHORITY);
    place.file("reports/shard-1.jsonl", SHARD);
    place.file("../private/README", "");
    private(&place, "adni.key", PSEUDONYM_KEY);
    place
}

/// A site with the projects of the manual; `governed` as a careful one is.
fn site(governed: bool) -> Site {
    let setup = Site::setup();
    let site = if governed {
        setup
            .profile(ProfileLevel::Site, CAREFUL)
            .start()
    } else {
        setup.start()
    };
    site.post("/api/groups", r#"{"_id":"neuro","label":"neuro"}"#);
    site.post("/api/projects", r#"{"group":"neuro","label":"adni"}"#);
    site
}

/// The run of a command, at the site that it is meant for.
fn run<'p>(place: &'p Place, command: &Command, sites: &[Site; 2]) -> Run<'p> {
    let typed = command
        .typed
        .split(" | jq ")
        .next()
        .unwrap();
    let folder = Path::new(env!("CARGO_BIN_EXE_fwupload"))
        .parent()
        .unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let run = place
        .program("sh")
        .args(["-c", &format!("exec 2>&1\n{typed}")])
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("LC_ALL", "C");
    if typed.contains("--sandbox") {
        return run.without_pseudonym_key();
    }
    let brings_its_own = [" --profile ", " profile test ", " rules test "];
    let brings_its_own = brings_its_own
        .iter()
        .any(|words| typed.contains(words));
    let site = &sites[usize::from(brings_its_own)];
    private(place, "flywheel.key", &site.key());
    run.at(site)
}

/// Does what a page says, in its order, and gives what is not as it says.
fn faults(page: &str, count: &mut usize) -> Vec<String> {
    let (place, sites) = (place(), [site(true), site(false)]);
    let mut faults = Vec::new();
    for block in blocks(&text(page)) {
        if let Some(name) = block.notes.get("file") {
            place.file(name, block.lines.join("\n") + "\n");
        }
        if block.language != "console" {
            continue;
        }
        for command in commands(&block) {
            let at = format!("{page}:{}: {}", command.line, command.typed);
            let program = program(&command.typed);
            let elsewhere = ELSEWHERE.iter().any(|(typed, _)| {
                command
                    .typed
                    .split(" #")
                    .next()
                    .is_some_and(|words| words.trim() == *typed)
            });
            if NOT_RUN.contains(&program) || elsewhere {
                continue;
            }
            if !RUN.contains(&program) {
                faults.push(format!("{at}\n`{program}` is in no list of this test"));
                continue;
            }
            *count += 1;
            if let Some(name) = command.typed.strip_prefix("cat ") {
                place.file(name, command.printed.join("\n") + "\n");
            }
            let ran = run(&place, &command, &sites).ends();
            let printed: Vec<_> = ran
                .stdout
                .lines()
                .map(masked)
                .collect();
            let mut shown: Vec<_> = command
                .printed
                .iter()
                .map(|line| masked(line))
                .collect();
            while shown
                .last()
                .is_some_and(String::is_empty)
            {
                shown.pop();
            }
            if ran.code != Some(command.exit) {
                faults.push(format!(
                    "{at}\nexits with {:?}, not with {}\n{}",
                    ran.code, command.exit, ran.stdout
                ));
            } else if !shown.is_empty() && !fits(&shown, &printed) {
                faults.push(format!("{at}\nprints\n{}", ran.stdout));
            }
        }
    }
    faults
}

#[test]
fn every_command_of_the_manual_does_what_the_manual_says() {
    let mut count = 0;
    let faults: Vec<_> = chapters()
        .iter()
        .filter(|page| {
            !PAGES_ELSEWHERE
                .iter()
                .any(|(elsewhere, _)| page == elsewhere)
        })
        .flat_map(|page| faults(page, &mut count))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(count > 60, "only {count} commands are seen");
}

#[test]
fn lines_fit_what_a_page_shows() {
    let lines = |text: &str| {
        text.lines()
            .map(masked)
            .collect::<Vec<_>>()
    };
    let printed = lines("a\nsent in 0.1s\nb\nc");
    for (shown, fitting) in [
        ("a\nsent in 12.5s\nb\nc", true),
        ("...\nb\nc", true),
        ("a\n...", true),
        ("a\n...\nb\n...\nc", true),
        ("a\nc", false),
        ("...\nb", false),
        ("a\n...\nd", false),
    ] {
        assert_eq!(fits(&lines(shown), &printed), fitting, "{shown}");
    }
}
