//! Lines as people type them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod reference;

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::upload::{DEID, DESTINATION, INPUT, OUTPUT, REPORTS, TRANSFER};
use super::*;
use crate::failure::RunCode;

fn parse_line(line: &str) -> Result<Cli, Stop> {
    parse(
        std::iter::once("fwupload")
            .chain(line.split_whitespace())
            .map(OsString::from),
        &FileSettings::default(),
    )
}

#[test]
fn the_definition_is_consistent() {
    definition(&FileSettings::default()).debug_assert();
}

#[test]
fn flags_stand_before_and_after_paths() {
    let cli = parse_line("-p g/p a b --jobs 3 c -vv").unwrap();
    assert_eq!(
        cli.upload.input.walk.paths,
        ["a", "b", "c"].map(PathBuf::from)
    );
    assert_eq!(
        cli.upload
            .destination
            .project
            .as_deref(),
        Some("g/p")
    );
    assert_eq!(
        (cli.upload.transfer.jobs, cli.upload.output.verbose),
        (Some(3), 2)
    );
}

#[test]
fn a_reserved_word_is_a_command_only_when_it_stands_first() {
    assert!(matches!(
        parse_line("status --json")
            .unwrap()
            .command,
        Some(Command::Status { json: true, .. })
    ));
    for line in ["./status -p x", "-- status", "-p x status", "a status -p x"] {
        let cli = parse_line(line).unwrap();
        assert!(cli.command.is_none(), "{line}");
        assert!(
            cli.upload
                .input
                .walk
                .paths
                .iter()
                .any(|path| path.ends_with("status")),
            "{line}"
        );
    }
}

#[test]
fn commands_are_not_abbreviated_and_each_is_a_reserved_word() {
    assert!(
        parse_line("stat -p x")
            .unwrap()
            .command
            .is_none()
    );
    let mut built = definition(&FileSettings::default());
    built.build();
    let commands = built
        .get_subcommands()
        .map(Definition::get_name);
    let kept_for_later = ["man", "config"];
    assert_eq!(
        commands
            .chain(kept_for_later)
            .collect::<BTreeSet<_>>(),
        RESERVED.into_iter().collect()
    );
}

#[test]
fn a_reserved_word_that_is_not_a_command_yet_is_refused_in_first_position() {
    let refuse = |line: &str| {
        let words: Vec<_> = line
            .split(' ')
            .map(OsString::from)
            .collect();
        refuse_reserved_word(&words)
    };
    let error = refuse("config -p x").unwrap_err();
    assert_eq!(error.code, RunCode::Usage);
    assert!(error.what.contains("reserved word"), "{error}");
    assert!(error.hint().contains("`./config`"), "{error}");
    for path in ["./config -p x", "-- config", "a config"] {
        assert!(refuse(path).is_ok(), "{path}");
    }
    for command in ["explain", "help", "status"] {
        assert!(refuse(command).is_ok(), "{command}");
    }
}

#[test]
fn a_key_on_the_command_line_is_refused_and_not_repeated() {
    for line in [
        "./a -p x --api-key site:SECRET",
        "./a --api-key=site:SECRET",
    ] {
        let stop = parse_line(line).unwrap_err();
        assert_eq!(stop.error.exit_code(), 2);
        let text = stop.text();
        assert!(
            text.contains("--api-key-file")
                && text.contains("fwupload login")
                && !text.contains("SECRET"),
            "{text}"
        );
    }
    for line in [
        "./a -p x --pseudonym-key SECRET",
        "profile test basic a --pseudonym-key=SECRET",
    ] {
        let text = parse_line(line).unwrap_err().text();
        assert!(
            text.contains("--pseudonym-key-file") && !text.contains("SECRET"),
            "{text}"
        );
    }
}

#[test]
fn filters_keep_the_order_in_which_they_were_typed() {
    let cli = parse_line("a -p x --include *.dcm --exclude scout* --include keep").unwrap();
    let kinds: Vec<_> = cli
        .upload
        .filters
        .iter()
        .map(|f| (f.include, f.glob.as_str()))
        .collect();
    assert_eq!(kinds, [(true, "*.dcm"), (false, "scout*"), (true, "keep")]);
}

#[test]
fn the_sandbox_folder_is_optional() {
    assert_eq!(
        parse_line("a -p x --sandbox")
            .unwrap()
            .upload
            .destination
            .sandbox,
        Some(None)
    );
    let with = parse_line("a -p x --sandbox ./box")
        .unwrap()
        .upload
        .destination
        .sandbox;
    assert_eq!(with, Some(Some(PathBuf::from("./box"))));
}

#[test]
fn short_help_fits_a_screen_and_long_help_has_headings_and_exit_codes() {
    let short = parse_line("-h").unwrap_err();
    assert_eq!(short.error.exit_code(), 0);
    let lines = short.text().lines().count();
    assert!(lines <= 52, "{lines} lines:\n{}", short.text());
    let long = parse_line("--help")
        .unwrap_err()
        .text();
    let at = |needle: &str| {
        long.find(needle)
            .unwrap_or_else(|| panic!("{needle} is missing from\n{long}"))
    };
    let order = [INPUT, DEID, DESTINATION, TRANSFER, OUTPUT, REPORTS]
        .map(|heading| at(&format!("\n{heading}:\n")));
    assert!(order.is_sorted(), "{long}");
    assert!(at("Exit codes:") > at("Examples:"));
}

#[test]
fn a_bare_call_shows_the_short_help_and_is_an_error() {
    let stop = parse_line("").unwrap_err();
    assert_eq!(stop.error.exit_code(), 2);
    assert!(stop.text().contains("Examples:"), "{}", stop.text());
}

#[test]
fn a_value_that_is_none_is_answered_with_an_example() {
    for (line, said) in [
        ("a -p x --jobs lots", "write a whole number, as in 4"),
        ("a -p x --uploads 2.5", "write a whole number, as in 4"),
        (
            "a -p x --shard 5/4",
            "there is no part 5 of 4: the last one is 4/4",
        ),
        ("a -p x --shard 0/4", "the first of 8 is 1/8"),
        ("a -p x --shard first", "as in 2/8"),
    ] {
        let text = parse_line(line).unwrap_err().text();
        assert!(text.contains(said), "{text}");
    }
}
