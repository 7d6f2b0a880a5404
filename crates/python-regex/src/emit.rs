//! Writes an expression in the notation of the engines. Must never rely on a default of theirs.

use std::fmt::Write as _;

use super::tree::{Category, Class, Greediness, Item, Node};

/// The texts that the expression will be matched against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haystack {
    /// Any text, by the engine that looks around.
    AnyText,
    /// Text of one line in ASCII, for which the engine without looking around has the same ends and
    /// boundaries.
    PlainText,
}

/// `\w` as Python has it: without the combining marks that the engines count as well.
const WORD: &str = "[\\p{L}\\p{N}_]";
const ASCII_WORD: &str = "[0-9A-Za-z_]";

pub fn emit(node: &Node, text: Haystack) -> String {
    let mut out = String::new();
    piece(node, text, false, &mut out);
    out
}

fn piece(node: &Node, text: Haystack, fold: bool, out: &mut String) {
    let mut grouped = |open: &str, inner: &Node, fold: bool| {
        out.push_str(open);
        piece(inner, text, fold, out);
        out.push(')');
    };
    match node {
        Node::Sequence(pieces) => pieces
            .iter()
            .for_each(|one| piece(one, text, fold, out)),
        Node::Choice(branches) => choice(branches, text, fold, out),
        Node::Capture(_, inner) => grouped("(", inner, fold),
        Node::Fold(on, inner) => grouped(if *on { "(?i:" } else { "(?-i:" }, inner, *on),
        Node::Atomic(inner) => grouped("(?>", inner, fold),
        Node::Look { ahead, not, inner } => {
            let open = match (ahead, not) {
                (true, false) => "(?=",
                (true, true) => "(?!",
                (false, false) => "(?<=",
                (false, true) => "(?<!",
            };
            grouped(open, inner, fold);
        }
        Node::Char(c) => literal(*c, fold, out),
        Node::Class(set) => class(set, fold, out),
        Node::Back(group, _) => {
            let _ = write!(out, "(?:\\{group})");
        }
        Node::Repeat {
            inner,
            min,
            max,
            kind,
        } => repeat(inner, (*min, *max), *kind, (text, fold), out),
        Node::Any { .. }
        | Node::Start { .. }
        | Node::End { .. }
        | Node::VeryEnd
        | Node::Boundary { .. } => {
            leaf(node, text, out);
        }
    }
}

/// Pieces without anything inside.
fn leaf(node: &Node, text: Haystack, out: &mut String) {
    let fixed = match node {
        Node::Any { newline: true } => "(?s:.)",
        Node::Any { newline: false } => "[^\\x{0A}]",
        Node::Start { of_line: false } => "\\A",
        Node::Start { of_line: true } if text == Haystack::PlainText => "\\A",
        Node::Start { of_line: true } => "(?:\\A|(?<=\\x{0A}))",
        Node::End { .. } if text == Haystack::PlainText => "\\z",
        Node::End { of_line: false } => "(?=\\x{0A}?\\z)",
        Node::End { of_line: true } => "(?=\\x{0A}|\\z)",
        Node::Boundary { not: false, .. } if text == Haystack::PlainText => "\\b",
        Node::Boundary { not: true, .. } if text == Haystack::PlainText => "\\B",
        Node::Boundary { not, ascii } => {
            return boundary(*not, if *ascii { ASCII_WORD } else { WORD }, out);
        }
        _ => "\\z",
    };
    out.push_str(fixed);
}

fn boundary(not: bool, word: &str, out: &mut String) {
    let _ = if not {
        // Python's `\B` does not match in an empty text.
        write!(
            out,
            "(?:(?<={word})(?={word})|(?<!{word})(?!{word})(?:(?<=(?s:.))|(?=(?s:.))))"
        )
    } else {
        write!(out, "(?:(?<={word})(?!{word})|(?<!{word})(?={word}))")
    };
}

fn choice(branches: &[Node], text: Haystack, fold: bool, out: &mut String) {
    out.push_str("(?:");
    for (index, branch) in branches.iter().enumerate() {
        if index > 0 {
            out.push('|');
        }
        piece(branch, text, fold, out);
    }
    out.push(')');
}

fn repeat(
    inner: &Node,
    (min, max): (u32, Option<u32>),
    kind: Greediness,
    (text, fold): (Haystack, bool),
    out: &mut String,
) {
    // What matches only the empty text does so any number of times.
    if *inner == Node::EMPTY {
        return;
    }
    if kind == Greediness::Possessive {
        out.push_str("(?>");
    }
    let simple = matches!(
        inner,
        Node::Char(_) | Node::Class(_) | Node::Any { .. } | Node::Capture(..)
    ) && !fold;
    out.push_str(if simple { "" } else { "(?:" });
    piece(inner, text, fold, out);
    out.push_str(if simple { "" } else { ")" });
    match (min, max) {
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (0, Some(1)) => out.push('?'),
        (min, None) => drop(write!(out, "{{{min},}}")),
        (min, Some(max)) => drop(write!(out, "{{{min},{max}}}")),
    }
    match kind {
        Greediness::Greedy => {}
        Greediness::Lazy => out.push('?'),
        Greediness::Possessive => out.push(')'),
    }
}

/// The letters that Python takes for one another where case does not count, and the engines do not.
const DOTTED: [char; 4] = ['i', 'I', '\u{130}', '\u{131}'];

fn literal(c: char, fold: bool, out: &mut String) {
    if fold && DOTTED.contains(&c) {
        class(
            &Class {
                not: false,
                items: vec![Item::Range(c, c)],
            },
            fold,
            out,
        );
    } else {
        character(c, out);
    }
}

fn character(c: char, out: &mut String) {
    if c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric()) {
        out.push(c);
    } else {
        let _ = write!(out, "\\x{{{:02X}}}", u32::from(c));
    }
}

fn class(class: &Class, fold: bool, out: &mut String) {
    out.push_str(if class.not { "[^" } else { "[" });
    for item in &class.items {
        match *item {
            Item::Range(from, to) => {
                character(from, out);
                if from != to {
                    out.push('-');
                    character(to, out);
                }
            }
            Item::Category(category, not) => out.push_str(set(category, not)),
        }
    }
    let dotted = |item: &Item| matches!(item, Item::Range(from, to) if DOTTED.iter().any(|c| (from..=to).contains(&c)));
    if fold && class.items.iter().any(dotted) {
        out.extend(DOTTED);
    }
    out.push(']');
}

/// A category as it stands inside a class.
fn set(category: Category, not: bool) -> &'static str {
    match (category, not) {
        (Category::Digit, false) => "\\p{Nd}",
        (Category::Digit, true) => "[^\\p{Nd}]",
        (Category::Space, false) => "\\s\\x{1C}-\\x{1F}",
        (Category::Space, true) => "[^\\s\\x{1C}-\\x{1F}]",
        (Category::Word, false) => "\\p{L}\\p{N}_",
        (Category::Word, true) => "[^\\p{L}\\p{N}_]",
    }
}
