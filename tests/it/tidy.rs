//! House rules of the source, held by tests: who may import whom, which crate belongs in which
//! room, and what never gets committed.

use std::fs;
use std::path::{Path, PathBuf};

/// Levels of the rooms, the lowest last. A room imports from lower levels only.
const LEVELS: [&[&str]; 9] = [
    &["lib", "main"],
    &["command"],
    &["pipeline", "report", "exit", "sandbox"],
    &["plan", "event", "journal"],
    &["package"],
    &["routing", "series"],
    &["config", "deid", "discover"],
    &["cli", "client_failure", "credential", "profile", "dicom"],
    &[
        "byte_order_mark",
        "envelope",
        "failure",
        "phi",
        "pseudonym",
        "standard",
    ],
];

/// Crates that are used in the named rooms only.
const CRATES: [(&str, &[&str]); 7] = [
    ("clap", &["cli"]),
    ("indicatif", &["report"]),
    ("dicom_object", &["dicom", "deid"]),
    ("axum", &["sandbox"]),
    ("anyhow", &["main", "lib"]),
    ("cms", &["envelope"]),
    ("jpeg2k", &["deid"]),
];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` of the project, with its path inside the project.
fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![project().join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((
                    path.strip_prefix(project())
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .replace('\\', "/"),
                    path,
                ));
            }
        }
    }
    found.sort();
    found
}

/// Every Rust file below `folder`, with its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let rust = files(folder)
        .into_iter()
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|e| e == "rs"));
    rust.map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

/// `src/dicom/walk.rs` and `src/dicom.rs` are of the room `dicom`.
fn room(name: &str) -> &str {
    name.trim_start_matches("src/")
        .split(['/', '.'])
        .next()
        .unwrap()
}

/// The height of a room: 0 is the lowest.
fn level(room: &str) -> Option<usize> {
    LEVELS.iter().rev().position(|rooms| rooms.contains(&room))
}

/// The code of a line: comments taken off.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap()
}

/// The rooms named by `crate::x` in a text, with the braces of `use crate::{a::B, c}` taken apart.
fn imports(text: &str) -> Vec<String> {
    let text: String = text.lines().map(code).collect::<Vec<_>>().join("\n");
    let mut rooms = Vec::new();
    for after in text.split("crate::").skip(1) {
        if let Some(list) = after.strip_prefix('{') {
            rooms.extend(top_level_names(list));
        } else {
            rooms.push(name_at(after));
        }
    }
    rooms.retain(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
    rooms
}

fn name_at(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// The first name of each member of a braced list, up to its closing brace.
fn top_level_names(list: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut at_start) = (0, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            c if at_start && (c.is_alphanumeric() || c == '_') => {
                names.push(name_at(&list[at..]));
                at_start = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn imports_go_strictly_downwards() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src") {
        let from = room(&name);
        let Some(own) = level(from) else {
            panic!("{name}: the room `{from}` is missing in the table of levels")
        };
        for to in imports(&text).into_iter().filter(|to| to != from) {
            match level(&to) {
                Some(other) if other < own => {}
                Some(_) => wrong.push(format!(
                    "{name} imports `{to}`, which is not below `{from}`"
                )),
                // A function or type of lib.rs; nothing below may reach up for one.
                None if own < level("lib").unwrap() => {
                    wrong.push(format!("{name} imports `{to}` from lib.rs"));
                }
                None => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_import_table_sees_what_it_should() {
    assert_eq!(
        imports("use crate::phi::Phi; // crate::cli\nuse crate::{dicom::{self, Tag}, event};"),
        ["phi", "dicom", "event"]
    );
    assert_eq!(
        imports("fn f() -> crate::failure::Error { macro_of!(crate::Thing) }"),
        ["failure"]
    );
}

#[test]
fn each_crate_stays_in_its_room() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src") {
        let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for (line, code) in shipped.lines().map(code).enumerate() {
            for (krate, rooms) in CRATES
                .iter()
                .filter(|(_, rooms)| !rooms.contains(&room(&name)))
            {
                if code.contains(&format!("{krate}::")) || code.trim() == format!("use {krate};") {
                    wrong.push(format!(
                        "{name}:{} uses {krate}, which belongs in {}",
                        line + 1,
                        rooms.join(", ")
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the client sends is made of a package, in one place, and a package of cleaned instances.
#[test]
fn only_a_package_becomes_a_file_to_upload() {
    let all = sources("src");
    let makers: Vec<_> = all
        .iter()
        .filter(|(_, text)| {
            text.lines()
                .map(code)
                .any(|line| line.contains("UploadFile"))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(makers, ["src/pipeline/send.rs"]);
    let (_, text) = all.iter().find(|(name, _)| *name == makers[0]).unwrap();
    assert_eq!(text.matches("UploadFile::new(package.name").count(), 1);
    assert_eq!(text.matches("UploadFile::new(").count(), 1);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src")
        .into_iter()
        .chain(sources("tests"))
        .chain(sources("examples"))
        .chain(sources("benches"))
    {
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not open with a module comment"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_module_is_named_after_nothing() {
    for (name, _) in sources("src") {
        let stem = Path::new(&name)
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            ![
                "utils", "util", "helpers", "helper", "manager", "common", "misc"
            ]
            .contains(&stem.as_str()),
            "{name}"
        );
    }
}

#[test]
fn unsafe_code_is_forbidden() {
    let manifest = fs::read_to_string(project().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    assert!(
        fs::read_to_string(project().join("src/lib.rs"))
            .unwrap()
            .contains("#![forbid(unsafe_code)]")
    );
}

#[test]
fn no_leftovers() {
    // Spelled in halves, so that this file does not find itself.
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("dbg", "!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("#[ig", "nore"),
        concat!("for n", "ow"),
    ];
    refuse(&marks, is_text);
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let marks = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/tmp", "/h/"),
        concat!("../sha", "red"),
        concat!("/Us", "ers/"),
    ];
    refuse(&marks, is_text);
}

fn is_text(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    ["rs", "toml", "md", "py", "sh", "yml", "yaml", "json"].contains(&extension)
        || name == ".ci/run"
}

fn refuse(marks: &[&str], of_interest: impl Fn(&str) -> bool) {
    let top = ["Cargo.toml", "README.md", "CHANGELOG.md", "deny.toml"]
        .map(|name| (name.to_owned(), project().join(name)));
    let folders = ["src", "tests", "examples", "benches", "profiles", ".ci"];
    let mut wrong = Vec::new();
    for (name, path) in folders
        .iter()
        .flat_map(|folder| files(folder))
        .chain(top)
        .filter(|(name, _)| of_interest(name))
    {
        let text = fs::read_to_string(path).unwrap();
        for (number, line) in text.lines().enumerate() {
            wrong.extend(
                marks
                    .iter()
                    .filter(|mark| line.contains(**mark))
                    .map(|mark| format!("{name}:{}: {mark}", number + 1)),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_changelog_has_room_for_the_next_change_on_top() {
    let text = fs::read_to_string(project().join("CHANGELOG.md")).unwrap();
    let first = text.lines().find(|line| line.starts_with("## "));
    assert_eq!(first, Some("## [Unreleased]"));
}

#[test]
fn every_link_and_file_that_the_readme_names_is_there() {
    let text = fs::read_to_string(project().join("README.md")).unwrap();
    for target in text
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap())
    {
        if !target.starts_with("http") && !target.starts_with('#') {
            assert!(
                project().join(target).exists(),
                "README.md links to {target}"
            );
        }
    }
}

#[test]
fn every_test_that_a_page_names_exists() {
    let tests: String = sources("tests/it")
        .into_iter()
        .map(|(name, text)| format!("file {name}\n{text}"))
        .collect();
    let page = fs::read_to_string(project().join("SECURITY.md")).unwrap();
    let named: Vec<&str> = page
        .split('`')
        .filter(|word| word.contains("::") && !word.contains(' '))
        .collect();
    assert!(named.len() > 30, "{named:?}");
    for name in named {
        let (module, test) = name.split_once("::").unwrap();
        let file = tests
            .split("file tests/it/")
            .find(|text| text.starts_with(&format!("{module}.rs\n")));
        assert!(
            file.is_some_and(|text| text.contains(&format!("fn {test}()"))),
            "{name}"
        );
    }
    for path in page
        .split('`')
        .filter(|word| word.starts_with("tests/") || word.starts_with("src/"))
    {
        assert!(project().join(path).exists(), "{path}");
    }
}
