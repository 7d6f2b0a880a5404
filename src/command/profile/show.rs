//! `fwupload profile show`: where a profile comes from, its digest, and what it says.

use flywheel_client::Level;
use serde_json::{Map, Value, json};

use crate::cli::ShowArgs;
use crate::exit::ExitStatus;
use crate::failure::Error;
use dicom_deid::profile::Language;
use dicom_lossless::escape_for_terminal;

use super::super::say;
use super::which::{Choice, Chosen, choose};

/// Shows the profile that was asked for.
pub fn run(args: &ShowArgs) -> Result<ExitStatus, Error> {
    let choice = choose(&args.which)?;
    if args.json {
        say(&Value::Object(record(&choice, args.show_secrets)?).to_string())?;
        return Ok(ExitStatus::Success);
    }
    match choice {
        Choice::Profile(chosen) => text(&chosen, args.show_secrets)?,
        none @ Choice::NoneGoverns { .. } => say(&format!("# {}", none.sentence()))?,
    }
    Ok(ExitStatus::Success)
}

/// The facts as comments, so that all of it is TOML.
fn text(chosen: &Chosen, secrets: bool) -> Result<(), Error> {
    let shown = chosen.document.shown(Language::Toml, secrets)?;
    let remarks = shown
        .remarks
        .iter()
        .map(|remark| escape_for_terminal(remark));
    for line in facts(chosen).into_iter().chain(remarks) {
        say(&format!("# {line}"))?;
    }
    say(&format!("\n{}", shown.text.trim_end()))
}

/// What is to be known about the profile besides what it says itself.
fn facts(chosen: &Chosen) -> Vec<String> {
    let name = escape_for_terminal(&chosen.profile.name);
    let whose = match chosen.level {
        "built-in" => format!("\"{name}\", which comes with fwupload"),
        "local" => format!("\"{name}\", from {}", chosen.origin),
        level => format!("{} is governed by \"{name}\" at the {level}", chosen.origin),
    };
    let mut facts = vec![whose, chosen.digest.clone()];
    if chosen.profile.is_empty() {
        facts.push("warning: this profile changes nothing".to_owned());
    }
    if !chosen.profile.other_sections.is_empty() {
        let sections = escape_for_terminal(&chosen.profile.other_sections.join(", "));
        facts.push(format!(
            "not applied, as these sections are for other kinds of files: {sections}"
        ));
    }
    facts.extend(
        chosen
            .profile
            .notes
            .iter()
            .map(|note| format!("note: {}", escape_for_terminal(note))),
    );
    facts
}

fn record(choice: &Choice, secrets: bool) -> Result<Map<String, Value>, Error> {
    let record = match choice {
        Choice::NoneGoverns { project, opted_out } => json!({
            "type": "profile", "v": 1, "level": Value::Null, "project": project,
            "opted_out": opted_out.map(Level::as_str), "message": choice.sentence(),
        }),
        Choice::Profile(chosen) => {
            let shown = chosen.document.shown(Language::Json, secrets)?;
            json!({
                "type": "profile", "v": 1, "level": chosen.level, "origin": chosen.origin, "name": chosen.profile.name,
                "digest": chosen.digest, "description": chosen.profile.description, "empty": chosen.profile.is_empty(),
                "notes": chosen.profile.notes, "other_sections": chosen.profile.other_sections, "remarks": shown.remarks,
                "profile": serde_json::from_str::<Value>(&shown.text).unwrap_or_default(),
            })
        }
    };
    Ok(match record {
        Value::Object(record) => record,
        _ => Map::new(),
    })
}
