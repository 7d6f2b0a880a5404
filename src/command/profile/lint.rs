//! `fwupload profile lint`: what a profile leaves behind, as a table or as JSON.

use serde_json::{Map, Value, json};

use crate::cli::LintArgs;
use crate::exit::ExitStatus;
use crate::failure::Error;
use dicom_deid::profile::{self, LintFinding, LintReport, Severity};
use dicom_lossless::escape_for_terminal;

use super::super::{plural, say};
use super::layout::{heading, is_folded, list, wrap};
use super::selection::{SelectedProfile, select};

/// Where the text of a finding begins.
const INDENT: usize = 9;
/// Where the attributes of a sort begin.
const NAMES: usize = 49;

/// Says what the profile leaves behind. Something identifying that may remain is exit status 3.
pub fn run(args: &LintArgs) -> Result<ExitStatus, Error> {
    let selected = select(&args.selection)?.required()?;
    let lint = profile::lint(&selected.profile);
    let text = if args.json {
        document(&selected, &lint).to_string()
    } else {
        table(&selected, &lint, args.all)
    };
    say(text.trim_end())?;
    Ok(if lint.is_clean() {
        ExitStatus::Success
    } else {
        ExitStatus::SomeFailed
    })
}

/// The stable document: fields may be added, none is renamed.
fn document(selected: &SelectedProfile, lint: &LintReport) -> Value {
    let mut kinds = Map::new();
    for finding in &lint.findings {
        let count = kinds
            .entry(finding.kind.slug())
            .or_insert_with(|| json!(0));
        *count = json!(count.as_u64().unwrap_or_default() + 1);
    }
    json!({
        "v": 1,
        "profile": selected.record(),
        "counts": { "warnings": lint.count(Severity::Warning), "notes": lint.count(Severity::Note), "kinds": kinds },
        "findings": lint.findings.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry(finding: &LintFinding) -> Value {
    json!({
        "kind": finding.kind.slug(),
        "severity": finding.severity.as_str(),
        "theme": finding.theme.map(profile::Theme::slug),
        "subject": finding.subject,
        "tag": finding.tag,
        "message": finding.message,
        "advice": finding.advice,
    })
}

/// What was found, by what is to be done about it.
fn table(selected: &SelectedProfile, lint: &LintReport, all: bool) -> String {
    let alike = |a: &LintFinding, b: &LintFinding| {
        (a.severity, a.kind, a.advice) == (b.severity, b.kind, b.advice)
    };
    let sections: Vec<String> = lint
        .findings
        .chunk_by(alike)
        .map(|group| section(group, all))
        .collect();
    let of_one_sort = |a: &LintFinding, b: &LintFinding| alike(a, b) && a.theme == b.theme;
    let folded = !all
        && lint
            .findings
            .chunk_by(of_one_sort)
            .any(|sort| is_folded(sort.len()));
    let more = if folded {
        "\n--all names every attribute.\n"
    } else {
        ""
    };
    format!(
        "{}\n{}\n\n{}{more}",
        heading(selected),
        verdict(lint),
        sections.join("\n")
    )
}

fn verdict(lint: &LintReport) -> String {
    let (warnings, notes) = (lint.count(Severity::Warning), lint.count(Severity::Note));
    match (warnings, notes) {
        (0, 0) => "Nothing was found that may remain. That is no proof: look at cleaned files too."
            .to_owned(),
        (0, notes) => format!(
            "Nothing identifying was found to remain; {}.",
            plural(notes, "note")
        ),
        (warnings, notes) => format!(
            "{}, {}: this may remain.",
            plural(warnings, "warning"),
            plural(notes, "note")
        ),
    }
}

/// One kind of finding: what, how many, which attributes, what to do.
fn section(group: &[LintFinding], all: bool) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let (title, single) = (first.kind.title(), group.len() == 1);
    let what = if single {
        format!("{title}: {}", first.message)
    } else {
        format!("{title} ({})", group.len())
    };
    let sorts = group
        .chunk_by(|a, b| a.theme == b.theme)
        .filter(|_| !single);
    let names: String = sorts
        .map(|sort| names(sort, all))
        .collect();
    let advice = wrap(&format!("{:INDENT$}->", ""), first.advice, INDENT + 3);
    wrap(first.severity.as_str(), &what, INDENT) + &names + &advice
}

/// The attributes of one sort.
fn names(sort: &[LintFinding], all: bool) -> String {
    let title = sort
        .first()
        .and_then(|finding| finding.theme)
        .map_or("settings and rules", profile::Theme::title);
    let names: Vec<String> = sort
        .iter()
        .map(|finding| escape_for_terminal(&finding.subject))
        .collect();
    wrap(
        &format!("{:INDENT$}{title:33} {:>4}", "", sort.len()),
        &list(&names, all),
        NAMES,
    )
}

#[cfg(test)]
mod tests;
