//! House rules of the source, held by tests: who may import whom, which crate belongs in which
//! room, and what never gets committed.

pub mod links;
mod modules;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use modules::Crate;

/// Crates that are used in the named rooms of the program only.
const CRATES: [(&str, &[&str]); 4] = [
    ("anyhow", &[]),
    ("clap", &["cli"]),
    ("flywheel_sandbox", &["command"]),
    ("indicatif", &["report"]),
];

/// What a library must be able to do without, directly and through others.
const NOT_NEEDED: [(&str, &str); 6] = [
    (
        "dicom-lossless",
        "reqwest tokio axum clap indicatif dicom-deid",
    ),
    (
        "dicom-deid",
        "reqwest tokio axum clap indicatif flywheel-client",
    ),
    ("python-regex", "tokio clap dicom-lossless dicom-deid"),
    (
        "import-rules",
        "reqwest tokio axum clap dicom-lossless dicom-deid flywheel-client",
    ),
    (
        "flywheel-client",
        "axum clap indicatif dicom-lossless dicom-deid",
    ),
    (
        "flywheel-sandbox",
        "clap dicom-lossless dicom-deid flywheel-client",
    ),
];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` of the project, with its path inside the project.
fn files(folder: &str) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut folders = vec![project().join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)
            .into_iter()
            .flatten()
        {
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
        .filter(|(name, _)| {
            Path::new(name)
                .extension()
                .is_some_and(|e| e == "rs")
        });
    rust.map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

#[test]
fn no_modules_of_a_crate_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for (name, _) in sources("src")
        .into_iter()
        .chain(sources("crates"))
    {
        if name.ends_with("src/lib.rs") {
            let found = Crate::read(&project().join(&name)).circles();
            circles.extend(
                found
                    .into_iter()
                    .map(|circle| format!("{name}: {circle}")),
            );
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn each_crate_stays_in_its_room() {
    let program = Crate::read(&project().join("src/lib.rs"));
    for (krate, rooms) in CRATES {
        let elsewhere = program
            .modules_that_name(krate)
            .filter(|at| {
                !at.first()
                    .is_some_and(|room| rooms.contains(&room.as_str()))
            });
        let elsewhere: Vec<String> = elsewhere
            .map(|at| at.join("::"))
            .collect();
        assert!(
            elsewhere.is_empty(),
            "{krate} is named in {}",
            elsewhere.join(", ")
        );
    }
}

#[test]
fn libraries_need_neither_what_they_may_not_nor_one_another() {
    for (library, unwanted) in NOT_NEEDED {
        let tree = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "--package",
            ])
            .arg(library)
            .current_dir(project())
            .output()
            .unwrap();
        assert!(
            tree.status.success(),
            "{}",
            String::from_utf8_lossy(&tree.stderr)
        );
        let tree = String::from_utf8(tree.stdout).unwrap();
        let needed = tree
            .lines()
            .filter_map(|line| line.split(' ').next());
        let wrong: Vec<&str> = needed
            .filter(|name| {
                unwanted
                    .split(' ')
                    .any(|other| other == *name)
            })
            .collect();
        assert!(
            tree.starts_with(library) && wrong.is_empty(),
            "{library} needs {wrong:?}"
        );
    }
}

#[test]
fn a_build_without_the_sandbox_needs_no_server() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--package", "fwupload", "--no-default-features"])
        .current_dir(project())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let servers = ["axum ", "flywheel-sandbox "];
    let needed = |line: &str| {
        servers
            .iter()
            .any(|server| line.starts_with(server))
    };
    assert!(
        tree.starts_with("fwupload ") && !tree.lines().any(needed),
        "{tree}"
    );
}

#[test]
fn consent_to_send_data_as_it_is_is_given_in_one_place() {
    let consents = |text: &str| text.contains("a_person_agrees_that_nothing_is_deidentified");
    let named: Vec<String> = sources("src")
        .into_iter()
        .filter(|(_, text)| consents(text))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(named, ["src/plan/consent.rs"]);
}

#[test]
fn what_is_uploaded_is_made_of_a_package_in_one_place() {
    let made: Vec<String> = sources("src")
        .into_iter()
        .filter(|(_, text)| text.contains("UploadFile::new"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(made, ["src/pipeline/transmit.rs"]);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut wrong = Vec::new();
    for (name, text) in sources("src")
        .into_iter()
        .chain(sources("crates"))
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
    for (name, _) in sources("src")
        .into_iter()
        .chain(sources("crates"))
    {
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
    ["rs", "toml", "md", "py", "sh", "yml", "yaml", "json", "js"].contains(&extension)
        || [".ci/run", "justfile", "packaging/container/Containerfile"].contains(&name)
}

fn refuse(marks: &[&str], of_interest: impl Fn(&str) -> bool) {
    let top = [
        "Cargo.toml",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "deny.toml",
        "justfile",
        "pyproject.toml",
    ]
    .map(|name| (name.to_owned(), project().join(name)));
    let folders = [
        "src",
        "crates",
        "tools",
        "tests",
        "examples",
        "benches",
        "profiles",
        "docs",
        ".ci",
        "packaging",
        ".github",
    ];
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
    let first = text
        .lines()
        .find(|line| line.starts_with("## "));
    assert_eq!(first, Some("## [Unreleased]"));
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
    for path in page.split('`').filter(|word| {
        ["tests/", "src/", "crates/"]
            .iter()
            .any(|top| word.starts_with(top))
    }) {
        assert!(project().join(path).exists(), "{path}");
    }
}
