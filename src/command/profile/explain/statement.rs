//! The conformance statement as Markdown and as JSON: the same facts.
//!
//! Text of the profile is escaped, so that it can be no markup.

use serde_json::{Value, json};

use dicom_deid::profile::{Statement, StatementEntry, StatementSection};
use dicom_deid::standard::ConfidentialityOption;
use dicom_lossless::escape_for_terminal;

use super::super::selection::SelectedProfile;

/// The statement as a document of its own.
pub fn markdown(selected: &SelectedProfile, stated: &Statement) -> String {
    let mut out = title(selected, stated);
    for part in &stated.sections {
        out += &section(part);
    }
    out
}

/// The statement as a part of the stable document.
pub fn record(stated: &Statement) -> Value {
    let option = |option: &ConfidentialityOption| json!({ "option": option.slug(), "name": option.name(), "code": option.method_code() });
    json!({
        "standard": "PS3.15 Annex E",
        "edition": stated.edition,
        "options": stated.options.iter().map(option).collect::<Vec<_>>(),
        "sections": stated.sections.iter().map(section_record).collect::<Vec<_>>(),
    })
}

fn section_record(part: &StatementSection) -> Value {
    json!({
        "section": part.slug,
        "title": part.title,
        "says": part.says,
        "attributes": part.entries.iter().map(entry_record).collect::<Vec<_>>(),
    })
}

fn entry_record(entry: &StatementEntry) -> Value {
    let attribute =
        |(name, tag): &(String, Option<String>)| json!({ "attribute": name, "tag": tag });
    json!({
        "code": entry.code,
        "fate": entry.effect,
        "words": entry.words,
        "theme": entry.theme.slug(),
        "attributes": entry.attributes.iter().map(attribute).collect::<Vec<_>>(),
    })
}

/// What is stated, of which profile, by what.
fn title(selected: &SelectedProfile, stated: &Statement) -> String {
    let name = escaped(&selected.profile.name);
    let description = selected
        .profile
        .description
        .as_deref()
        .map(|text| format!("{}\n\n", escaped(text)));
    let facts = [
        format!(
            "Profile: {name} ({}, {})",
            selected.level,
            escaped(&selected.origin)
        ),
        format!("Digest: `{}`", selected.digest),
        format!("Program: fwupload {}", env!("CARGO_PKG_VERSION")),
        format!(
            "Standard: DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile, \
                edition {}",
            stated.edition
        ),
    ];
    let facts: String = facts
        .iter()
        .map(|fact| ["- ", fact, "\n"].concat())
        .collect();
    let title = format!("# De-identification with the profile \"{name}\"\n\n");
    [
        title,
        description.unwrap_or_default(),
        facts,
        options(&stated.options),
    ]
    .concat()
}

fn options(selected: &[ConfidentialityOption]) -> String {
    if selected.is_empty() {
        return "- Options: none\n".to_owned();
    }
    let line = |option: &ConfidentialityOption| {
        format!(
            "  - {} (`{}`, {})\n",
            option.name(),
            option.slug(),
            option.method_code()
        )
    };
    format!(
        "- Options:\n{}",
        selected
            .iter()
            .map(line)
            .collect::<String>()
    )
}

fn section(part: &StatementSection) -> String {
    let says: String = part
        .says
        .iter()
        .map(|said| ["\n", said, "\n"].concat())
        .collect();
    let alike = |a: &StatementEntry, b: &StatementEntry| (a.code, &a.words) == (b.code, &b.words);
    let tables: String = part
        .entries
        .chunk_by(alike)
        .map(table)
        .collect();
    format!("\n## {}\n{says}{tables}", part.title)
}

/// Attributes to which the same is done, by sort.
fn table(group: &[StatementEntry]) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let count: usize = group
        .iter()
        .map(|entry| entry.attributes.len())
        .sum();
    let code = first
        .code
        .map(|code| format!("**{code}** "))
        .unwrap_or_default();
    let rows: String = group.iter().map(row).collect();
    format!(
        "\n{code}{} ({count})\n\n| sort | attributes |\n|---|---|\n{rows}",
        escaped(&first.words)
    )
}

fn row(entry: &StatementEntry) -> String {
    let named = |(name, tag): &(String, Option<String>)| match tag {
        Some(tag) if !name.starts_with('(') => format!("{} {tag}", escaped(name)),
        _ => escaped(name),
    };
    format!(
        "| {} | {} |\n",
        entry.theme.title(),
        entry
            .attributes
            .iter()
            .map(named)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// Text without characters that Markdown takes for markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escape_for_terminal(text).chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '|' | '#' | '~'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
