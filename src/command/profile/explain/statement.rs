//! The conformance statement as Markdown and as JSON: the same facts.
//!
//! Text of the profile is escaped, so that it can be no markup.

use serde_json::{Value, json};

use dicom_deid::profile::{Acted, Section, Statement};
use dicom_deid::standard::confidentiality::ConfidentialityOption;
use dicom_lossless::escape_for_terminal;

use super::super::which::Chosen;

/// The statement as a document of its own.
pub fn markdown(chosen: &Chosen, stated: &Statement) -> String {
    let mut out = title(chosen, stated);
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

fn section_record(part: &Section) -> Value {
    json!({
        "section": part.slug,
        "title": part.title,
        "says": part.says,
        "attributes": part.acted.iter().map(acted_record).collect::<Vec<_>>(),
    })
}

fn acted_record(acted: &Acted) -> Value {
    let attribute =
        |(name, tag): &(String, Option<String>)| json!({ "attribute": name, "tag": tag });
    json!({
        "code": acted.code,
        "fate": acted.fate,
        "words": acted.words,
        "theme": acted.theme.slug(),
        "attributes": acted.attributes.iter().map(attribute).collect::<Vec<_>>(),
    })
}

/// What is stated, of which profile, by what.
fn title(chosen: &Chosen, stated: &Statement) -> String {
    let name = escaped(&chosen.profile.name);
    let description = chosen
        .profile
        .description
        .as_deref()
        .map(|text| format!("{}\n\n", escaped(text)));
    let facts = [
        format!(
            "Profile: {name} ({}, {})",
            chosen.level,
            escaped(&chosen.origin)
        ),
        format!("Digest: `{}`", chosen.digest),
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

fn options(chosen: &[ConfidentialityOption]) -> String {
    if chosen.is_empty() {
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
        chosen.iter().map(line).collect::<String>()
    )
}

fn section(part: &Section) -> String {
    let says: String = part
        .says
        .iter()
        .map(|said| ["\n", said, "\n"].concat())
        .collect();
    let alike = |a: &Acted, b: &Acted| (a.code, &a.words) == (b.code, &b.words);
    let tables: String = part.acted.chunk_by(alike).map(table).collect();
    format!("\n## {}\n{says}{tables}", part.title)
}

/// What has one thing done to it, by its sort.
fn table(group: &[Acted]) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let count: usize = group.iter().map(|acted| acted.attributes.len()).sum();
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

fn row(acted: &Acted) -> String {
    let named = |(name, tag): &(String, Option<String>)| match tag {
        Some(tag) if !name.starts_with('(') => format!("{} {tag}", escaped(name)),
        _ => escaped(name),
    };
    format!(
        "| {} | {} |\n",
        acted.theme.title(),
        acted
            .attributes
            .iter()
            .map(named)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

/// Text in which Markdown sees no markup.
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
