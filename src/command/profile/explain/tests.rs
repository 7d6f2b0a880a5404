//! What people and programs see.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::command::profile::sample::{built_in, careful, flywheel};

fn explained(chosen: &Chosen, all: bool) -> String {
    table(chosen, &profile::explain(&chosen.profile), all)
}

#[test]
fn the_built_in_profiles() {
    insta::assert_snapshot!("minimal", explained(&built_in("flywheel-minimal"), false));
    insta::assert_snapshot!("basic", explained(&built_in("basic"), true));
}

#[test]
fn a_flywheel_profile() {
    insta::assert_snapshot!("flywheel", explained(&flywheel(), false));
    insta::assert_snapshot!("careful", explained(&careful(), false));
}

#[test]
fn the_document() {
    let chosen = flywheel();
    let mut json = document(&chosen, &profile::explain(&chosen.profile));
    // The rows of the table that no rule names all say the same.
    json["attributes"].as_array_mut().unwrap().truncate(14);
    insta::assert_snapshot!("document", serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn no_secret_is_shown() {
    let said = explained(&flywheel(), true);
    assert!(said.contains("salted") && !said.contains("hush"));
}
