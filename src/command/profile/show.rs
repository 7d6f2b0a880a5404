//! `fwupload profile show`: where a profile comes from, its digest, and its text.

use flywheel_client::Level;
use serde_json::{Value, json};

use crate::cli::ShowArgs;
use crate::failure::Error;
use dicom_deid::profile::Language;
use dicom_lossless::escape_for_terminal;

use super::super::say;
use super::selection::{ProfileSelection, SelectedProfile, select};

/// Shows the selected profile.
pub fn run(args: &ShowArgs) -> Result<(), Error> {
    let selection = select(&args.selection)?;
    if args.json {
        return say(&record(&selection, args.show_secrets)?.to_string());
    }
    match selection {
        ProfileSelection::Profile(selected) => text(&selected, args.show_secrets),
        none @ ProfileSelection::NoneGoverns { .. } => say(&format!("# {}", none.sentence())),
    }
}

/// The facts as comments, so that all of it is TOML.
fn text(selected: &SelectedProfile, secrets: bool) -> Result<(), Error> {
    let shown = selected
        .document
        .shown(Language::Toml, secrets)?;
    let remarks = shown
        .remarks
        .iter()
        .map(|remark| escape_for_terminal(remark));
    let how = shown
        .hides_secrets
        .then(|| "`--show-secrets` shows what is set".to_owned());
    for line in facts(selected)
        .into_iter()
        .chain(remarks)
        .chain(how)
    {
        say(&format!("# {line}"))?;
    }
    say(&format!("\n{}", shown.text.trim_end()))
}

/// Facts about the profile that are not in its text.
fn facts(selected: &SelectedProfile) -> Vec<String> {
    let name = escape_for_terminal(&selected.profile.name);
    let whose = match selected.level {
        "built-in" => format!("\"{name}\", which comes with fwupload"),
        "local" => format!("\"{name}\", from {}", selected.origin),
        level => format!(
            "{} is governed by \"{name}\" at the {level}",
            selected.origin
        ),
    };
    let mut facts = vec![whose, selected.digest.clone()];
    if selected.profile.is_empty() {
        facts.push("warning: this profile changes nothing".to_owned());
    }
    if !selected
        .profile
        .other_sections
        .is_empty()
    {
        let sections = escape_for_terminal(
            &selected
                .profile
                .other_sections
                .join(", "),
        );
        facts.push(format!(
            "not applied, as these sections are for other kinds of files: {sections}"
        ));
    }
    facts.extend(
        selected
            .profile
            .notes
            .iter()
            .map(|note| format!("note: {}", escape_for_terminal(note))),
    );
    facts
}

fn record(selection: &ProfileSelection, secrets: bool) -> Result<Value, Error> {
    Ok(match selection {
        ProfileSelection::NoneGoverns { project, opted_out } => json!({
            "type": "profile", "v": 1, "level": Value::Null, "project": project,
            "opted_out": opted_out.map(Level::as_str), "message": selection.sentence(),
        }),
        ProfileSelection::Profile(selected) => {
            let shown = selected
                .document
                .shown(Language::Json, secrets)?;
            json!({
                "type": "profile", "v": 1, "level": selected.level, "origin": selected.origin, "name": selected.profile.name,
                "digest": selected.digest, "description": selected.profile.description, "empty": selected.profile.is_empty(),
                "notes": selected.profile.notes, "other_sections": selected.profile.other_sections, "remarks": shown.remarks,
                "profile": serde_json::from_str::<Value>(&shown.text).unwrap_or_default(),
            })
        }
    })
}
