//! What people and programs see.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::command::profile::example_profiles::{built_in, careful, flywheel, pooled};

fn explained(selected: &SelectedProfile, all: bool) -> String {
    text(selected, &profile::explain(&selected.profile), all)
        .replace(env!("CARGO_PKG_VERSION"), "0.0.0")
}

#[test]
fn the_built_in_profiles() {
    insta::assert_snapshot!("minimal", explained(&built_in("flywheel-minimal"), false));
    insta::assert_snapshot!("basic", explained(&built_in("basic"), true));
}

/// The paragraphs of a section of a statement, and its tables' first lines, without the attributes.
fn outline(selected: &SelectedProfile) -> String {
    let said = explained(selected, false);
    said.lines()
        .filter(|line| !line.starts_with('|') && !line.is_empty())
        .flat_map(|line| [line, "\n"])
        .collect()
}

#[test]
fn statements_follow_the_options() {
    insta::assert_snapshot!("longitudinal", outline(&built_in("longitudinal")));
    insta::assert_snapshot!("exceptions", outline(&pooled()));
}

#[test]
fn a_statement_lists_every_row_of_the_table_and_of_the_list_beside_it_once() {
    for name in ["basic", "longitudinal", "strict", "uids-and-dates-kept"] {
        let stated = profile::explain(&built_in(name).profile)
            .statement
            .unwrap();
        let reported: Vec<&str> = stated
            .sections
            .iter()
            .flat_map(|part| &part.entries)
            .flat_map(|entry| &entry.attributes)
            .filter_map(|(_, tag)| tag.as_deref())
            .collect();
        let rows = dicom_deid::standard::attributes()
            .iter()
            .map(|row| row.covers.to_string());
        for tag in rows.chain(
            dicom_deid::standard::unlisted_attributes()
                .iter()
                .map(|listed| listed.covers.to_string()),
        ) {
            assert_eq!(
                reported
                    .iter()
                    .filter(|reported| **reported == tag)
                    .count(),
                1,
                "{tag} under {name}"
            );
        }
    }
}

#[test]
fn the_document_holds_the_facts_of_the_statement() {
    let selected = built_in("longitudinal");
    let explanation = profile::explain(&selected.profile);
    let (json, markdown) = (
        document(&selected, &explanation),
        explained(&selected, false),
    );
    assert_eq!(json["statement"]["edition"], "2026d");
    assert_eq!(
        json["statement"]["options"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    for part in json["statement"]["sections"]
        .as_array()
        .unwrap()
    {
        assert!(markdown.contains(&format!("\n## {}\n", part["title"].as_str().unwrap())));
        for said in part["says"].as_array().unwrap() {
            assert!(markdown.contains(said.as_str().unwrap()), "{said}");
        }
        for attribute in part["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|entry| {
                entry["attributes"]
                    .as_array()
                    .unwrap()
            })
        {
            assert!(
                markdown.contains(attribute["tag"].as_str().unwrap()),
                "{attribute}"
            );
        }
    }
    assert!(
        document(&flywheel(), &profile::explain(&flywheel().profile))
            .get("statement")
            .is_none()
    );
}

#[test]
fn text_of_the_profile_is_no_markup() {
    let said = explained(&pooled(), false);
    assert!(
        said.contains(r"poo\*led\|") && said.contains(r#""\<b\>X\|Y""#),
        "{said}"
    );
}

#[test]
fn a_flywheel_profile() {
    insta::assert_snapshot!("flywheel", explained(&flywheel(), false));
    insta::assert_snapshot!("careful", explained(&careful(), false));
}

#[test]
fn the_document() {
    let selected = flywheel();
    let mut json = document(&selected, &profile::explain(&selected.profile));
    // The rows of the table that no rule names all say the same.
    json["attributes"]
        .as_array_mut()
        .unwrap()
        .truncate(14);
    insta::assert_snapshot!("document", serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn no_secret_is_shown() {
    let said = explained(&flywheel(), true);
    assert!(said.contains("salted") && !said.contains("hush"));
}
