//! `fwupload explain`: what a code or an exit code means, and what to do about it.
//!
//! Owns how the table of codes is shown. It must never hold a text about one code: those are the
//! table's.

use serde_json::json;

use super::say;
use crate::cli::ExplainCodeArgs;
use crate::failure::{CodeEntry, CodeKind, Error};
use crate::report::{width_of, wrapped};
use dicom_deid::standard::likeness;

/// Codes that come close enough to be suggested have at least this likeness.
const CLOSE: f64 = 0.85;

/// Explains one code, or lists all of them.
pub fn run(args: &ExplainCodeArgs) -> Result<(), Error> {
    let text = match args
        .code
        .as_deref()
        .map(find)
        .transpose()?
    {
        Some(entry) if args.json => json!(entry).to_string(),
        Some(entry) => explanation(entry),
        None if args.json => json!({ "codes": CodeEntry::all().collect::<Vec<_>>() }).to_string(),
        None => list(),
    };
    say(&text)
}

/// The row of a code as it is typed: also `[deid.pixels]`, as in messages, and in capitals.
fn find(typed: &str) -> Result<&'static CodeEntry, Error> {
    let word = typed.trim_start_matches("error");
    let word = word
        .trim_matches(['[', ']', ':', ' '])
        .to_lowercase();
    let found = CodeEntry::all().find(|entry| entry.code == word);
    found.ok_or_else(|| {
        let close: Vec<_> = close_to(&word)
            .iter()
            .map(|code| format!("`{code}`"))
            .collect();
        let list = "`fwupload explain --list` has all of them";
        let hint = match close.as_slice() {
            [] => list.to_owned(),
            close => format!("did you mean {}? {list}", close.join(" or ")),
        };
        Error::usage("there is no such code", hint)
    })
}

/// Up to three codes that look like the word, or whose part before or after the dot does.
fn close_to(word: &str) -> Vec<&'static str> {
    let likeness_of = |entry: &CodeEntry| {
        let parts = std::iter::once(entry.code).chain(entry.code.split('.'));
        parts
            .map(|part| likeness(word, part))
            .fold(0.0, f64::max)
    };
    let mut scored: Vec<_> = CodeEntry::all()
        .map(|entry| (likeness_of(entry), entry.code))
        .filter(|(score, _)| *score > CLOSE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored
        .into_iter()
        .take(3)
        .map(|(_, code)| code)
        .collect()
}

fn explanation(entry: &CodeEntry) -> String {
    let again = if entry.retryable {
        "  Running the same command again may help."
    } else {
        "  Running the same command again does not help while nothing else changes."
    };
    let (what, exit) = match entry.kind {
        CodeKind::File => ("", "  Exit code: 3, or 9 where no file arrived".to_owned()),
        CodeKind::Run => (
            "",
            format!("  Exit code: {} ({})", entry.exit, entry.exit.sentence()),
        ),
        CodeKind::Exit => ("exit code ", String::new()),
    };
    let mut paragraphs = vec![
        format!("{what}{}: {}", entry.code, entry.sentence),
        String::new(),
        format!("  {}", entry.explanation),
        String::new(),
    ];
    // What an exit code means for another run stands in its hint.
    if entry.kind != CodeKind::Exit {
        paragraphs.extend([exit, again.to_owned()]);
    }
    paragraphs.push(format!("  Hint: {}", entry.hint));
    let width = usize::from(width_of(&console::Term::stdout())).clamp(40, 100);
    let lines = paragraphs
        .iter()
        .flat_map(|text| wrapped(text, width));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every code with its sentence, a blank line between stages.
fn list() -> String {
    let mut lines = Vec::new();
    let mut before: Option<&CodeEntry> = None;
    for entry in CodeEntry::all() {
        let kind = before.map(|entry| entry.kind);
        if kind != Some(entry.kind) {
            let title = match entry.kind {
                CodeKind::File => "Why a file failed (exit code 3, or 9 where no file arrived):",
                CodeKind::Run => "Why a run stopped:",
                CodeKind::Exit => "Exit codes:",
            };
            lines.extend(kind.map(|_| String::new()));
            lines.push(title.to_owned());
        } else if entry.kind != CodeKind::Exit
            && before.is_some_and(|before| before.stage() != entry.stage())
        {
            lines.push(String::new());
        }
        let exit = match entry.kind {
            CodeKind::Run => format!(" (exit code {})", entry.exit),
            CodeKind::File | CodeKind::Exit => String::new(),
        };
        lines.push(format!("  {:<26} {}{exit}", entry.code, entry.sentence));
        before = Some(entry);
    }
    lines.push(String::new());
    lines.push("`fwupload explain CODE` says what it means and what to do.".to_owned());
    lines.join("\n")
}
