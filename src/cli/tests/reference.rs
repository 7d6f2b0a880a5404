//! The pages of the manual that list flags, commands and environment variables: made of the
//! definition, and held current.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction};

use super::*;

/// What is read from the environment besides settings of uploads.
const VARIABLES: [(&str, &str); 14] = [
    (
        "FWUPLOAD_API_KEY",
        "the API key, before one that `fwupload login` keeps; `--api-key-file` and \
            `--api-key-command` go before it",
    ),
    (
        "FWUPLOAD_PSEUDONYM_KEY",
        "the key of pseudonyms, 64 hexadecimal digits",
    ),
    (
        "FWUPLOAD_STATE_HOME",
        "the folder for state: the journal, and the keys of pseudonyms that fwupload keeps",
    ),
    (
        "FWUPLOAD_CONFIG_HOME",
        "the folder for configuration: `config.toml`, and what `fwupload login` keeps",
    ),
    (
        "_FWUPLOAD_COMPLETE",
        "set by completion scripts, which ask the program with it",
    ),
    (
        "FLYWHEEL_USER_HOME",
        "where Flywheel's own tools keep `user.json`, whose key is the last to be tried",
    ),
    (
        "GITHUB_STEP_SUMMARY",
        "a file to which a summary is appended, set by GitHub Actions",
    ),
    ("NO_COLOR", "no colour, unless `--color always` is typed"),
    ("TERM", "`dumb` turns colour and bars off"),
    (
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY",
        "the proxy, `http://` or `socks5h://`",
    ),
    ("NO_PROXY", "hosts that are asked without the proxy"),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "certificates to trust in place of the system's",
    ),
    (
        "XDG_STATE_HOME, XDG_CONFIG_HOME",
        "where the folders for state and configuration lie, where the variables above do not say",
    ),
    ("TZ", "the zone of times of files in rules and filters"),
];

const MADE: &str = "This page is made by `UPDATE_DOCS=1 cargo test generated`.";

/// A command with the words that call it, and all below it.
fn commands<'a>(command: &'a Definition, words: &[&'a str]) -> Vec<(Vec<&'a str>, &'a Definition)> {
    let inner = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help" && !inner.is_hide_set())
        .flat_map(|inner| commands(inner, &[words, &[inner.get_name()]].concat()));
    std::iter::once((words.to_vec(), command))
        .chain(inner)
        .collect()
}

/// A text of the help in Markdown: what is not code must not be taken for markup.
fn markdown(text: &str) -> String {
    let mut code = false;
    let mut written = String::new();
    for letter in text.trim().chars() {
        code ^= letter == '`';
        if !code && "*_<[]|".contains(letter) {
            written.push('\\');
        }
        written.push(letter);
    }
    written
}

fn help(
    short: Option<&clap::builder::StyledStr>,
    long: Option<&clap::builder::StyledStr>,
) -> String {
    let text = long
        .or(short)
        .map(ToString::to_string);
    markdown(&text.unwrap_or_default())
}

/// How a flag or a path is typed.
fn form(arg: &Arg) -> String {
    let names = arg
        .get_value_names()
        .unwrap_or_default()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let several = match arg.get_num_args() {
        Some(range) if range.max_values() > 1 => "...",
        _ => "",
    };
    if arg.is_positional() {
        return format!("{}{several}", names.join(" "));
    }
    let flags = arg
        .get_short()
        .map(|short| format!("-{short}"))
        .into_iter()
        .chain(
            arg.get_long()
                .map(|long| format!("--{long}")),
        );
    let mut form = flags.collect::<Vec<_>>().join(", ");
    if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        let optional = arg
            .get_num_args()
            .is_some_and(|range| range.min_values() == 0);
        let names = names.join(" ");
        let names = if optional {
            format!(" [{names}]")
        } else {
            format!(" {names}")
        };
        form += &names;
    }
    form
}

fn facts(arg: &Arg, own: Option<&[&str]>, from_files: bool) -> String {
    let mut facts = String::new();
    let values = arg.get_possible_values();
    if arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
        for value in values
            .iter()
            .filter(|value| !value.is_hide_set())
        {
            let help = value
                .get_help()
                .map(|help| format!(": {}", markdown(&help.to_string())));
            writeln!(
                facts,
                "- `{}`{}",
                value.get_name(),
                help.unwrap_or_default()
            )
            .unwrap();
        }
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        writeln!(facts, "- Default: `{}`", defaults.join(" ")).unwrap();
    }
    if matches!(arg.get_action(), ArgAction::Append) && !arg.is_positional() {
        writeln!(facts, "- May be repeated").unwrap();
    }
    if let Some(variable) = own.and_then(|own| settings::variable_of(arg, own)) {
        writeln!(facts, "- Environment: `{variable}`").unwrap();
    }
    if from_files {
        writeln!(
            facts,
            "- Key of configuration files: `{}`",
            arg.get_long().unwrap()
        )
        .unwrap();
    }
    facts
}

fn arguments(command: &Definition, words: &[&str], level: &str) -> String {
    let in_files: Vec<_> = settings::file_settings()
        .into_iter()
        .map(|setting| setting.name)
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    let shown: Vec<_> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !["help", "version"].contains(&arg.get_id().as_str()))
        .collect();
    for arg in &shown {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    let mut page = String::new();
    for heading in headings {
        if let (Some(heading), []) = (heading, words) {
            write!(page, "\n## {heading}\n").unwrap();
        }
        for arg in shown
            .iter()
            .filter(|arg| arg.get_help_heading() == heading)
        {
            let from_files = words.is_empty()
                && arg.get_long().is_some_and(|long| {
                    in_files
                        .iter()
                        .any(|name| name == long)
                });
            let facts = facts(arg, own_flags(words), from_files);
            let text = help(arg.get_help(), arg.get_long_help());
            write!(page, "\n{level} `{}`\n\n{text}\n", form(arg)).unwrap();
            if !facts.is_empty() {
                write!(page, "\n{facts}").unwrap();
            }
        }
    }
    page
}

/// One row for each group: its flags, each with a link to what is said of it.
fn overview(program: &Definition) -> String {
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    for arg in program.get_arguments() {
        let (Some(heading), false) = (arg.get_help_heading(), arg.is_hide_set()) else {
            continue;
        };
        let form = form(arg);
        let anchor: String = form
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let link = format!("[`{}`](#{anchor})", form.replace('|', "\\|"));
        match rows
            .iter_mut()
            .find(|(of, _)| *of == heading)
        {
            Some((_, links)) => links.push(link),
            None => rows.push((heading, vec![link])),
        }
    }
    let rows = rows
        .iter()
        .map(|(heading, links)| format!("| {heading} | {} |\n", links.join(", ")));
    format!("| | |\n|---|---|\n{}", rows.collect::<String>())
}

fn flags(program: &Definition) -> String {
    let (overview, arguments) = (overview(program), arguments(program, &[], "###"));
    format!(
        "# Flags of an upload\n\nWhat `fwupload PATH...` takes; `fwupload --help` and `fwupload \
            man` print the same. What is typed goes before\n[the environment](environment.md), that before \
            [configuration files](../configuration.md). No flag takes a key: other users of the\nmachine \
            could read it from the command line. {MADE}\n\n{overview}{arguments}"
    )
}

fn other_commands(program: &Definition) -> String {
    let mut page = format!(
        "# Commands\n\nWhat stands first on the command line is a command where it is one of these \
            words, else [an upload](flags.md) of a path.\n{MADE}\n"
    );
    for (words, command) in commands(program, &[])
        .into_iter()
        .skip(1)
    {
        let about = help(command.get_about(), command.get_long_about());
        let usage = command
            .clone()
            .render_usage()
            .to_string();
        let usage = usage
            .trim_start_matches("Usage: ")
            .replace("\n       ", "\n");
        let arguments = arguments(command, &words, "###");
        write!(
            page,
            "\n## fwupload {}\n\n{about}\n\n```text\n{usage}\n```\n{arguments}",
            words.join(" ")
        )
        .unwrap();
    }
    page
}

fn environment(program: &Definition) -> String {
    let mut page = format!(
        "# Environment\n\nA variable that is empty counts as unset. Switches are on with `1`, `true`, \
            `yes` or `on`. {MADE}\n\n## Read by the program\n\n| variable | what it says |\n|---|---|\n"
    );
    for (names, meaning) in VARIABLES {
        let names = names.replace(", ", "`, `");
        writeln!(page, "| `{names}` | {meaning} |").unwrap();
    }
    page += "\n## Settings\n\nEach stands for [the flag](flags.md) of its name.\n\n";
    page += "| variable | flag | commands |\n|---|---|---|\n";
    let mut of_flags: Vec<(String, String, Vec<String>)> = Vec::new();
    for (words, command) in commands(program, &[]) {
        let called = if words.is_empty() {
            "uploads".to_owned()
        } else {
            format!("`{}`", words.join(" "))
        };
        let Some(own) = own_flags(&words) else {
            continue;
        };
        for arg in command
            .get_arguments()
            .filter(|arg| !arg.is_hide_set())
        {
            let Some(variable) = settings::variable_of(arg, own) else {
                continue;
            };
            let flag = format!("--{}", arg.get_long().unwrap());
            match of_flags
                .iter_mut()
                .find(|(name, ..)| *name == variable)
            {
                Some((_, _, commands)) => commands.push(called.clone()),
                None => of_flags.push((variable, flag, vec![called.clone()])),
            }
        }
    }
    for (variable, flag, commands) in of_flags {
        writeln!(
            page,
            "| `{variable}` | `{flag}` | {} |",
            commands.join(", ")
        )
        .unwrap();
    }
    page
}

#[test]
fn the_generated_pages_of_flags_commands_and_environment_are_current() {
    let mut program = definition(&FileSettings::default());
    program.build();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    for (name, page) in [
        ("flags.md", flags(&program)),
        ("commands.md", other_commands(&program)),
        ("environment.md", environment(&program)),
    ] {
        let path = folder.join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &page).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there.replace('\r', "") == page,
            "docs/reference/{name} is not current: UPDATE_DOCS=1 cargo test generated"
        );
    }
}

#[test]
fn the_page_of_the_environment_has_every_variable_that_is_read() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut read = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("tests/reference.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let named = ["env::var(\"", "env::var_os(\""]
                    .iter()
                    .flat_map(|call| text.split(call).skip(1))
                    .filter_map(|rest| rest.split('"').next());
                read.extend(named.map(str::to_owned));
            }
        }
    }
    assert!(read.len() > 6, "{read:?}");
    for variable in read {
        let listed = VARIABLES.iter().any(|(names, _)| {
            names
                .split(", ")
                .any(|name| name == variable)
        });
        let setting = variable == "FWUPLOAD_REDACT_PATHS" || variable == "UPDATE_DOCS";
        assert!(listed || setting, "{variable} is on no page");
    }
}
