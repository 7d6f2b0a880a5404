//! What is typed, and the settings that come of it.

use super::*;
use crate::cli::FileSettings;
use crate::failure::{Error, RunCode};

const MEBIBYTE: u64 = 1 << 20;
const TERMINAL: Environment = Environment {
    stdin_tty: true,
    stdout_tty: true,
    stderr_tty: true,
    no_color: false,
    term: None,
    cores: 6,
    step_summary: None,
};

fn config_in(line: &str, environment: &Environment) -> Result<Config, Error> {
    let arguments = std::iter::once("fwupload")
        .chain(line.split_whitespace())
        .map(Into::into);
    let cli = crate::cli::parse(arguments, &FileSettings::default())
        .map_err(|stop| stop.text())
        .expect("the line parses");
    Config::new(&cli.upload, environment)
}

fn config(line: &str) -> Config {
    config_in(line, &TERMINAL).unwrap_or_else(|error| panic!("{line}: {error}"))
}

#[test]
fn the_everyday_command_gets_the_defaults() {
    let config = config("./study --project neuro/adni");
    assert_eq!(
        config.transfer,
        Transfer {
            jobs: 6,
            uploads: None,
            compression: Compression::Auto,
            memory: 64 * MEBIBYTE,
            signed_urls: true,
            idle_timeout: std::time::Duration::from_secs(60),
            patience: Some(Patience {
                at_start: std::time::Duration::from_secs(60),
                later: std::time::Duration::from_secs(900)
            }),
            wait_lock: std::time::Duration::from_secs(5),
            bandwidth: None,
            fresh: false,
            max_failures: None,
            profile_recheck: std::time::Duration::from_secs(120)
        }
    );
    assert_eq!(
        (config.deid, config.sink),
        (DeidChoice::Unsaid, SinkChoice::Upload)
    );
    assert_eq!(
        (config.input.max_header, config.input.files.other_files),
        (64 * MEBIBYTE, OtherFiles::Skip)
    );
    assert_eq!(
        (config.report.format, config.report.named),
        (ReportFormat::JsonLines, false)
    );
    assert_eq!(
        (
            config.output.progress,
            config.output.color,
            config.output.interactive
        ),
        (Progress::Bar, true, true)
    );
}

#[test]
fn contradictions_are_usage_errors_that_say_what_to_do() {
    let lines = [
        "a",
        "-p x",
        "a -p x/y --offline --profile basic",
        "a -p x/y --offline --dry-run",
        "a -p label --offline --dry-run --no-deid",
        "a -p x --profile basic --no-deid",
        "a -p x --pictures look --no-deid",
        "a -p x --dry-run --output out",
        "a -p x --sandbox --site https://s.example",
        "a -p x/y --sandbox --offline --dry-run --no-deid",
        "a -p x --null",
        "a -p x --keep-names",
        "a -p x --memory lots",
        "a -p x --memory 1KiB",
        "a -p x --jobs 0",
        "a -p x --report failures",
        "a -p x --max-failures 0",
        "a -p x --max-failures 3 --fail-fast",
        "a -p x --bwlimit 1K",
        "a -p x --bwlimit 20mbit",
        "a -p x --idle-timeout 0",
        "a -p x --wait-lock ever",
        "a -p x --retry-for soon",
        "a -p x --retry-for 1h30",
        "a -p x --retry-for 999h",
    ];
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let error = config_in(line, &TERMINAL).expect_err(line);
            assert_eq!(error.code, RunCode::Usage, "{line}");
            format!("{} -> {}", error.what, error.hint())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    no destination: `--project` is missing -> add `--project group/project`, its id or its label
    nothing to read: neither a PATH nor `--files-from` -> name a folder, as in `fwupload ./study --project group/project`
    `--offline` sends nothing -> add `--dry-run`, `--review FILE.html` or `--output DIR`
    `--offline` cannot ask the server for a de-identification profile -> add `--profile basic`, or `--no-deid` if the data may go as it is
    `--offline` cannot look up a project by id or label alone -> write it as group/project
    `--profile` and `--no-deid` exclude each other -> leave out one of the two
    `--pictures` and `--no-deid` exclude each other -> leave out one of the two
    `--dry-run` and `--output` exclude each other -> leave out one of the two
    `--sandbox` and `--site` exclude each other -> leave out one of the two
    `--sandbox` and `--offline` exclude each other -> leave out one of the two
    `--null` is about `--files-from`, which is missing -> add `--files-from FILE`, or `--files-from -` for standard input
    `--keep-names` is about other files, which are not uploaded -> add `--other-files upload`
    `--memory` is not a size: lots -> write it as 512MiB, 2GiB or a number of bytes
    `--memory` is too small -> give at least 32.0 MiB
    `--jobs` is out of range -> give a number from 1 to 1024
    the name given to `--report` does not say which format is meant -> end the name with .jsonl, .json, .csv, .xml for JUnit, or .md for a summary
    `--max-failures` is out of range -> give the number of failed files after which to stop, 1 or more
    `--max-failures` and `--fail-fast` exclude each other -> leave out one of the two
    `--bwlimit` is too small -> give at least 16.0 KiB
    `--bwlimit` is not a rate: 20mbit -> write bytes a second, as in 20M, 512K or 2.5MiB; 20 megabits are 2.5M
    `--idle-timeout` is out of range -> give seconds from 1 to 3600
    `--wait-lock` is not a duration: ever -> write it as 90s, 15m, 2h or 1h30m
    `--retry-for` is not a duration: soon -> write it as 90s, 15m, 2h or 1h30m
    `--retry-for` is not a duration: 1h30 -> write it as 90s, 15m, 2h or 1h30m
    `--retry-for` is too long -> give at most 168h
    ");
}

#[test]
fn a_mistyped_command_is_told_from_a_path() {
    let hint = |line: &str| {
        config_in(line, &TERMINAL)
            .expect_err(line)
            .hint()
            .to_owned()
    };
    for (typed, meant) in [
        ("stauts", "status"),
        ("profiel", "profile"),
        ("loging", "login"),
        ("sandbx", "sandbox"),
    ] {
        assert!(
            hint(typed).contains(&format!("`fwupload {meant}`")),
            "{typed}: {}",
            hint(typed)
        );
    }
    for path in ["study", "./status", "stauts other", "data"] {
        assert!(
            !hint(path).contains("did you mean"),
            "{path}: {}",
            hint(path)
        );
    }
}

#[test]
fn a_sandbox_that_swallowed_the_path_is_explained() {
    let error = config_in("-p x --sandbox ./study", &TERMINAL).expect_err("there is no path");
    assert!(
        error
            .hint()
            .contains("write the paths before it"),
        "{error}"
    );
}

#[test]
fn combinations_that_make_sense_pass() {
    let offline = config("a -p fw://g/p --offline --output out --no-deid --memory 1GiB");
    assert!(matches!(offline.server, Server::Offline));
    assert_eq!(
        (offline.sink, offline.deid),
        (SinkChoice::Folder("out".into()), DeidChoice::AsItIs)
    );
    assert_eq!(offline.transfer.memory, 1024 * MEBIBYTE);
    let sandbox = config("a -p g/p --sandbox box --dry-run");
    assert!(matches!(sandbox.server, Server::Sandbox(Some(_))));
    assert_eq!(
        config("a -p x --report r.CSV")
            .report
            .format,
        ReportFormat::Csv
    );
}

#[test]
fn levels_of_speech_compose() {
    let of = |flags: &str| {
        config(&format!("a -p x {flags}"))
            .output
            .verbosity
    };
    assert_eq!(
        ["-qq", "-q", "", "-v", "-vv"].map(of),
        [
            Verbosity::Silent,
            Verbosity::Quiet,
            Verbosity::Normal,
            Verbosity::Verbose,
            Verbosity::Trace
        ]
    );
    assert_eq!(
        config("a -p x -q --progress bar")
            .output
            .progress,
        Progress::Off
    );
}

#[test]
fn a_pipe_gets_lines_without_colour_and_no_questions() {
    let pipe = Environment {
        cores: 1,
        ..Environment::default()
    };
    let output = config_in("a -p x", &pipe)
        .unwrap()
        .output;
    assert_eq!(
        (output.progress, output.color, output.interactive),
        (Progress::Lines, false, false)
    );
    let listed = config_in("--files-from - -p x", &TERMINAL).unwrap();
    assert!(!listed.output.interactive && listed.input.files.lists == [PathList::Stdin]);
    let plain = Environment {
        no_color: true,
        ..TERMINAL
    };
    assert!(
        !config_in("a -p x", &plain)
            .unwrap()
            .output
            .color
    );
    assert!(
        config_in("a -p x --color always", &plain)
            .unwrap()
            .output
            .color
    );
}

#[test]
fn a_shard_is_one_of_several_and_takes_no_other_files() {
    let shard = config("d -p g/p --shard 2/8")
        .input
        .shard
        .map(|shard| shard.to_string());
    assert_eq!(shard.as_deref(), Some("2/8"));
    let line = "d -p g/p --shard 1/2 --other-files upload";
    assert_eq!(
        config_in(line, &TERMINAL)
            .unwrap_err()
            .code,
        RunCode::Usage
    );
    for wrong in ["0/8", "9/8", "1/0", "1", "a/b", "1/200000"] {
        let arguments = ["fwupload", "d", "-p", "g/p", "--shard", wrong].map(Into::into);
        assert!(
            crate::cli::parse(arguments, &FileSettings::default()).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn every_number_belongs_to_one_shard() {
    let shards: Vec<Shard> = (1..=3)
        .map(|n| format!("{n}/3").parse().unwrap())
        .collect();
    for number in [0, 1, 2, 3, u64::MAX] {
        assert_eq!(
            shards
                .iter()
                .filter(|shard| shard.takes(number))
                .count(),
            1
        );
    }
}

#[test]
fn compression_is_automatic_off_or_a_level() {
    let chosen = |how: &str| {
        config(&format!("d -p g/p --compression {how}"))
            .transfer
            .compression
    };
    assert_eq!(
        ["auto", "none", "1", "9"].map(chosen),
        [
            Compression::Auto,
            Compression::None,
            Compression::Level(1),
            Compression::Level(9)
        ]
    );
    for wrong in ["0", "10", "fast", ""] {
        assert!(
            crate::cli::parse(
                ["fwupload", "d", "-p", "g/p", "--compression", wrong].map(Into::into),
                &FileSettings::default(),
            )
            .is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_duration_is_a_number_with_a_unit_or_several() {
    let both = |text: &str| {
        config(&format!("a -p x --retry-for {text}"))
            .transfer
            .patience
            .map(|p| (p.at_start, p.later))
    };
    for (text, seconds) in [
        ("90", 90),
        ("90s", 90),
        ("15m", 900),
        ("15min", 900),
        ("2h", 7200),
        ("1h30m", 5400),
    ] {
        let duration = std::time::Duration::from_secs(seconds);
        assert_eq!(both(text), Some((duration, duration)), "{text}");
    }
    assert_eq!(both("0"), None);
}
