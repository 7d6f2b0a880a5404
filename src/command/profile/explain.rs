//! `fwupload profile explain`: what happens to each attribute, as a table or as JSON; of a profile
//! with `confidentiality` the conformance statement, as Markdown.

mod statement;

use serde_json::{Value, json};

use crate::cli::ExplainArgs;
use crate::exit::ExitStatus;
use crate::failure::Error;
use dicom_deid::profile::{self, Explained, Explanation};
use dicom_lossless::escape_for_terminal;

use super::super::say;
use super::layout::{columns, heading, list, wrap};
use super::which::{Chosen, choose};

/// Cells wider than this push the next one to the right.
const WIDEST: usize = 46;

/// Explains the profile.
pub fn run(args: &ExplainArgs) -> Result<ExitStatus, Error> {
    let chosen = choose(&args.which)?.required()?;
    let explanation = profile::explain(&chosen.profile);
    let text = if args.json {
        document(&chosen, &explanation).to_string()
    } else {
        text(&chosen, &explanation, args.all)
    };
    say(text.trim_end())?;
    Ok(ExitStatus::Success)
}

/// What people read. A statement is whole, whatever else is asked for.
fn text(chosen: &Chosen, explanation: &Explanation, all: bool) -> String {
    match &explanation.statement {
        Some(stated) => statement::markdown(chosen, stated),
        None => table(chosen, explanation, all),
    }
}

/// The stable document: fields may be added, none is renamed.
fn document(chosen: &Chosen, explanation: &Explanation) -> Value {
    let mut document = json!({
        "v": 1,
        "profile": { "name": chosen.profile.name, "level": chosen.level, "origin": chosen.origin, "digest": chosen.digest },
        "whole_file": explanation.whole,
        "attributes": explanation.attributes.iter().map(entry).collect::<Vec<_>>(),
    });
    if let (Some(document), Some(stated)) = (document.as_object_mut(), &explanation.statement) {
        document.insert("statement".to_owned(), statement::record(stated));
    }
    document
}

fn entry(row: &Explained) -> Value {
    json!({
        "attribute": row.subject,
        "tag": row.tag,
        "ps3_15": row.standard,
        "fate": row.fate,
        "words": row.words,
        "reach": row.reach,
        "in_items": row.in_items,
        "rules": row.rules,
    })
}

fn table(chosen: &Chosen, explanation: &Explanation, all: bool) -> String {
    let mut out = heading(chosen);
    out.push('\n');
    for sentence in &explanation.whole {
        out += &wrap("- ", sentence, 2);
    }
    let (shown, folded): (Vec<_>, Vec<_>) = explanation
        .attributes
        .iter()
        .partition(|row| all || !row.rules.is_empty());
    if !shown.is_empty() {
        let mut cells = vec![["attribute", "what happens", "where", "rule"].map(str::to_owned)];
        cells.extend(shown.into_iter().map(line));
        out.push('\n');
        out += &columns(&cells, WIDEST);
    }
    out + &rest(&folded)
}

fn line(row: &Explained) -> [String; 4] {
    let place = match row.in_items.as_deref() {
        None => row.reach.to_owned(),
        Some("left as it is") => format!("{} only", row.reach),
        Some("removed because nothing names it") => format!("{}; removed in items", row.reach),
        Some(other) => format!("{}; in items {other}", row.reach),
    };
    [
        escape_for_terminal(&row.subject),
        row.words.clone(),
        place,
        row.rules.join("; "),
    ]
}

/// The attributes of Table E.1-1 that no rule names, by what becomes of them.
fn rest(rows: &[&Explained]) -> String {
    let mut fates: Vec<&str> = rows.iter().map(|row| row.words.as_str()).collect();
    fates.sort_unstable();
    fates.dedup();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = "\nOf PS3.15 Table E.1-1, and named by no rule:\n".to_owned();
    for words in fates {
        let names: Vec<&str> = rows
            .iter()
            .filter(|row| row.words == words)
            .map(|row| row.subject.as_str())
            .collect();
        out += &wrap(
            &format!("{:5}", names.len()),
            &format!("{words}: {}", list(&names, false)),
            7,
        );
    }
    out + "\n--all shows each of them.\n"
}

#[cfg(test)]
mod tests;
