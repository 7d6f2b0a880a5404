//! `fwupload profile explain`: what happens to each attribute, as a table or as JSON; of a profile
//! with `confidentiality` the conformance statement, as Markdown.

mod statement;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::ExplainArgs;
use crate::failure::Error;
use dicom_deid::profile::{self, AttributeExplanation, Explanation};
use dicom_lossless::escape_for_terminal;

use super::super::say;
use super::layout::{columns, heading, list, wrap};
use super::selection::{SelectedProfile, select};

/// Cells wider than this push the next one to the right.
const WIDEST: usize = 46;

/// Explains the profile.
pub fn run(args: &ExplainArgs) -> Result<(), Error> {
    let selected = select(&args.selection)?.required()?;
    let explanation = profile::explain(&selected.profile);
    let text = if args.json {
        document(&selected, &explanation).to_string()
    } else {
        text(&selected, &explanation, args.all)
    };
    say(text.trim_end())
}

/// The text output. A statement is always whole.
fn text(selected: &SelectedProfile, explanation: &Explanation, all: bool) -> String {
    match &explanation.statement {
        Some(stated) => statement::markdown(selected, stated),
        None => table(selected, explanation, all),
    }
}

/// The stable document: fields may be added, none is renamed.
fn document(selected: &SelectedProfile, explanation: &Explanation) -> Value {
    let mut document = json!({
        "v": 1,
        "profile": selected.record(),
        "whole_file": explanation.whole,
        "attributes": explanation.attributes.iter().map(entry).collect::<Vec<_>>(),
    });
    if let (Some(document), Some(stated)) = (document.as_object_mut(), &explanation.statement) {
        document.insert("statement".to_owned(), statement::record(stated));
    }
    document
}

fn entry(row: &AttributeExplanation) -> Value {
    json!({
        "attribute": row.subject,
        "tag": row.tag,
        "ps3_15": row.standard,
        "fate": row.effect,
        "words": row.words,
        "reach": row.coverage,
        "in_items": row.in_items,
        "rules": row.rules,
    })
}

fn table(selected: &SelectedProfile, explanation: &Explanation, all: bool) -> String {
    let mut out = heading(selected);
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

fn line(row: &AttributeExplanation) -> [String; 4] {
    let place = match row.in_items.as_deref() {
        None => row.coverage.to_owned(),
        Some("left as it is") => format!("{} only", row.coverage),
        Some("removed because nothing names it") => format!("{}; removed in items", row.coverage),
        Some(other) => format!("{}; in items {other}", row.coverage),
    };
    [
        escape_for_terminal(&row.subject),
        row.words.clone(),
        place,
        row.rules.join("; "),
    ]
}

/// The attributes of Table E.1-1 that no rule names, by what becomes of them.
fn rest(rows: &[&AttributeExplanation]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = "\nOf PS3.15 Table E.1-1, and named by no rule:\n".to_owned();
    let mut subjects: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        subjects
            .entry(&row.words)
            .or_default()
            .push(&row.subject);
    }
    for (words, names) in subjects {
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
