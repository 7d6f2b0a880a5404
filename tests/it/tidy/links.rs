//! The pages of the manual: each link leads to something that is there, and each page is a chapter.
//! docs/build.py looks at the same in the pages for a browser, where mdBook is installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use super::{files, project};

/// Pages beside those below `docs`, `examples`.
const PAGES: [&str; 7] = [
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "profiles/README.md",
    "packaging/README.md",
    "benches/README.md",
];

const SUMMARY: &str = "docs/SUMMARY.md";

/// Every page, by its path in the project.
pub fn pages() -> Vec<String> {
    let found = ["docs", "examples"]
        .iter()
        .flat_map(|folder| files(folder))
        .map(|(name, _)| name)
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "md")
        });
    PAGES
        .iter()
        .map(|name| (*name).to_owned())
        .chain(found)
        .collect()
}

pub fn text(page: &str) -> String {
    fs::read_to_string(project().join(page)).unwrap_or_else(|e| panic!("{page}: {e}"))
}

/// The text without blocks between fences; spans of code without their content where `spans` go.
fn without_code(text: &str, spans: bool) -> String {
    let mut fence: Option<String> = None;
    let mut kept = String::new();
    for line in text.lines() {
        let marks: String = line
            .chars()
            .take_while(|c| *c == '`')
            .collect();
        match &fence {
            Some(open) if marks.len() >= open.len() => fence = None,
            None if marks.len() >= 3 => fence = Some(marks),
            None => {
                kept += line;
                kept.push('\n');
            }
            Some(_) => {}
        }
    }
    if spans {
        kept = Regex::new("`[^`\n]+`")
            .unwrap()
            .replace_all(&kept, "code")
            .into_owned();
    }
    kept
}

/// What a page links to.
fn links(text: &str) -> Vec<String> {
    let link = Regex::new(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)").unwrap();
    link.captures_iter(&without_code(text, true))
        .map(|found| found[1].to_owned())
        .collect()
}

/// The anchors of a page's headings, as Git hosts and mdBook make them.
fn anchors(text: &str) -> Vec<String> {
    let link = Regex::new(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^()\s]+\)").unwrap();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    for line in without_code(text, false).lines() {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let shown = link.replace_all(heading.trim(), "$1");
        let anchor: String = shown
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let count = seen
            .entry(anchor.clone())
            .or_default();
        anchors.push(match *count {
            0 => anchor,
            more => format!("{anchor}-{more}"),
        });
        *count += 1;
    }
    anchors
}

/// The path in the project of what a link in a page leads to; none outside of it.
fn inside(page: &str, target: &str) -> Option<PathBuf> {
    let folder = Path::new(page).parent()?;
    let mut path = PathBuf::new();
    for part in folder.join(target).components() {
        match part {
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            part => path.push(part),
        }
    }
    Some(path)
}

/// The chapters of the manual, by their paths in the project.
pub fn chapters() -> Vec<String> {
    links(&text(SUMMARY))
        .iter()
        .map(|target| {
            let path = inside(SUMMARY, target).unwrap();
            path.to_str()
                .unwrap()
                .replace('\\', "/")
        })
        .collect()
}

#[test]
fn every_link_of_the_pages_leads_to_something_that_is_there() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text_of_page = text(&page);
        for target in links(&text_of_page) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = target
                .split_once('#')
                .unwrap_or((&target, ""));
            let path = if file.is_empty() {
                Some(PathBuf::from(&page))
            } else {
                inside(&page, file)
            };
            let Some(path) = path.filter(|path| project().join(path).exists()) else {
                wrong.push(format!("{page}: {target} is not there"));
                continue;
            };
            if !anchor.is_empty()
                && !anchors(&text(path.to_str().unwrap()))
                    .iter()
                    .any(|there| there == anchor)
            {
                wrong.push(format!("{page}: {target} has no such heading"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 150, "only {count} links are seen");
}

#[test]
fn every_page_is_a_chapter_of_the_manual() {
    let chapters = chapters();
    let left_out: Vec<_> = pages()
        .into_iter()
        .filter(|page| page != SUMMARY && !chapters.contains(page))
        .collect();
    assert!(left_out.is_empty(), "not in {SUMMARY}: {left_out:?}");
    let mut once = chapters.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), chapters.len(), "a chapter stands twice");
}

#[test]
fn the_readme_fits_on_a_screen_or_two_and_has_the_commands_that_do_all_set_up() {
    let readme = text("README.md");
    assert!(readme.lines().count() <= 90);
    for command in [
        "$ cargo run --release -- examples/study --project demo/phantom --sandbox ./sandbox-data\n",
        "$ cargo test\n",
    ] {
        assert!(readme.contains(command), "{command}");
    }
}
