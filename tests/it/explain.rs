//! Codes explained on the command line and on a page, and words that are kept for later commands.

use std::fmt::Write;
use std::{env, fs};

use serde_json::Value;

use crate::run::Place;

/// Every code, as the program lists them.
fn codes() -> Vec<Value> {
    let listed = Place::new()
        .run("explain --list --json")
        .exits(0)
        .stdout
        .clone();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    listed["codes"]
        .as_array()
        .unwrap()
        .clone()
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap()
}

#[test]
fn a_code_is_explained_with_its_exit_code_and_what_to_do() {
    let place = Place::new();
    let shown = |line: &str| {
        place
            .run(line)
            .exits(0)
            .stdout
            .clone()
    };
    insta::assert_snapshot!(shown("explain deid.burned-in"));
    insta::assert_snapshot!(shown("explain network.unavailable"));
    insta::assert_snapshot!(shown("explain 8"));
    assert_eq!(
        shown("explain error[Auth.Rejected]:"),
        shown("explain auth.rejected"),
        "as it stands in a message"
    );
}

#[test]
fn a_code_has_stable_keys_in_json() {
    let shown = Place::new()
        .run("explain upload.network --json")
        .exits(0)
        .stdout
        .clone();
    let entry: Value = serde_json::from_str(&shown).unwrap();
    let keys: Vec<_> = entry
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let stable = [
        "code",
        "kind",
        "sentence",
        "hint",
        "exit_code",
        "retryable",
        "explanation",
    ];
    assert_eq!(keys, stable);
    assert_eq!(
        (&entry["kind"], &entry["exit_code"]),
        (&"file".into(), &3.into())
    );
    assert_eq!(entry["retryable"], true);
}

#[test]
fn an_unknown_code_is_a_usage_error_that_names_the_nearest() {
    let place = Place::new();
    place
        .run("explain deid.burned_in")
        .exits(2)
        .says("error[usage.arguments]")
        .says("deid.burned-in");
    place
        .run("explain truncated")
        .exits(2)
        .says("read.truncated");
    place
        .run("explain 77")
        .exits(2)
        .says("fwupload explain --list");
    place
        .run("explain")
        .exits(2)
        .says("CODE");
}

#[test]
fn all_codes_are_listed_by_stage() {
    let listed = Place::new()
        .run("explain --list")
        .exits(0)
        .stdout
        .clone();
    let codes = codes();
    assert!(codes.len() > 100, "{}", codes.len());
    let mut rest = listed.as_str();
    for entry in &codes {
        let line = format!(
            "\n  {:<26} {}",
            text(entry, "code"),
            text(entry, "sentence")
        );
        let at = rest
            .find(&line)
            .unwrap_or_else(|| panic!("{line} is missing or out of order"));
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn reserved_words_of_later_commands_are_refused_and_their_folders_are_not() {
    let place = Place::with([("plan/notes.txt", "text")]);
    place
        .run("config -p demo/phantom --profile basic")
        .exits(2)
        .says("error[usage.arguments]")
        .says("reserved word")
        .says("./config");
    let line = "--profile basic -p demo/phantom --offline --dry-run";
    for path in ["./plan", "-- plan"] {
        let arguments = match path {
            "-- plan" => format!("{line} {path}"),
            _ => format!("{path} {line}"),
        };
        place
            .run(&arguments)
            .exits(8)
            .says("nothing to upload");
    }
}

/// Holds docs/codes.md current: with `UPDATE_DOCS=1` it is written anew.
#[test]
fn the_generated_page_of_codes_says_what_the_program_says() {
    let page = page(&codes());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/codes.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, &page).unwrap();
    }
    let there = fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == page,
        "docs/codes.md is not current: UPDATE_DOCS=1 cargo test generated"
    );
}

fn page(codes: &[Value]) -> String {
    let of_kind = |kind: &'static str| {
        codes
            .iter()
            .filter(move |entry| entry["kind"] == kind)
    };
    let mut page = "\
# Codes

`fwupload explain CODE` prints the same, `fwupload explain --list --json` as JSON. The codes stand in
messages, reports and events. They are never renamed or removed within a major version. This page is
made by `UPDATE_DOCS=1 cargo test generated`.

## Exit codes

| exit code | meaning | what to do | running again may help |
|---|---|---|---|
"
    .to_owned();
    let again = |entry: &Value| {
        if entry["retryable"] == true {
            "yes"
        } else {
            "no"
        }
    };
    for entry in of_kind("exit") {
        let [code, sentence, hint] = ["code", "sentence", "hint"].map(|key| text(entry, key));
        writeln!(page, "| {code} | {sentence} | {hint} | {} |", again(entry)).unwrap();
    }
    for (title, kind) in [("Why a file failed", "file"), ("Why a run stopped", "run")] {
        write!(page, "\n## {title}\n").unwrap();
        for entry in of_kind(kind) {
            let [code, explanation] = ["code", "explanation"].map(|key| text(entry, key));
            let [sentence, hint] = ["sentence", "hint"].map(|key| capitalised(text(entry, key)));
            let exit = match kind {
                "file" => "3, or 9 where no file arrived".to_owned(),
                _ => entry["exit_code"].to_string(),
            };
            write!(
                page,
                "\n### `{code}`\n\n**{sentence}.**\n\n{explanation}\n\n- {hint}.\n- Exit code: \
                    {exit}\n- Running again may help: {}\n",
                again(entry)
            )
            .unwrap();
        }
    }
    page
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|first| first.to_ascii_uppercase());
    first
        .into_iter()
        .chain(letters)
        .collect()
}
