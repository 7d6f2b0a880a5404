//! What people and programs see.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::command::profile::example_profiles::{built_in, careful, flywheel};

fn linted(selected: &SelectedProfile, all: bool) -> String {
    table(selected, &profile::lint(&selected.profile), all)
}

#[test]
fn the_built_in_profiles() {
    insta::assert_snapshot!("minimal", linted(&built_in("flywheel-minimal"), false));
    insta::assert_snapshot!("basic", linted(&built_in("basic"), false));
}

#[test]
fn a_flywheel_profile() {
    insta::assert_snapshot!("flywheel", linted(&flywheel(), false));
    insta::assert_snapshot!("careful", linted(&careful(), true));
}

#[test]
fn the_document() {
    let selected = careful();
    let json = document(&selected, &profile::lint(&selected.profile));
    insta::assert_snapshot!("document", serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn every_name_is_shown_when_all_are_wanted() {
    let selected = built_in("flywheel-minimal");
    let all = linted(&selected, true);
    assert!(!all.contains(" more") && !all.contains("--all"));
    // A name of several words may be broken.
    let words = all
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for finding in profile::lint(&selected.profile)
        .findings
        .iter()
        .filter(|finding| finding.kind == profile::LintKind::Uncovered)
    {
        assert!(words.contains(&finding.subject), "{}", finding.subject);
    }
}

#[test]
fn counts_add_up() {
    let selected = built_in("basic");
    let lint = profile::lint(&selected.profile);
    let json = document(&selected, &lint);
    let sum: u64 = json["counts"]["kinds"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(usize::try_from(sum).unwrap(), lint.findings.len());
    assert_eq!(
        json["findings"]
            .as_array()
            .unwrap()
            .len(),
        lint.findings.len()
    );
}
