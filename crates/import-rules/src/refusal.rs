//! What is wrong with a rule, where, and what may have been meant. A message names keys, fields and
//! places, and never quotes the value of a filter or default, which may be an identifier.

use std::fmt;

/// Line and column, in characters, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// Why a rule, or a part of one, is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where in the file; none for what was given by itself.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Refusal {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            position: None,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says "did you mean" where a known word comes close, else what is given.
    pub(crate) fn did_you_mean(self, word: Option<&str>, otherwise: &str) -> Self {
        match word {
            Some(word) => self.with_hint(format!("did you mean `{word}`?")),
            None => self.with_hint(otherwise),
        }
    }

    /// At a place, unless it already has one.
    pub(crate) fn at(mut self, position: Position) -> Self {
        self.position
            .get_or_insert(position);
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Position { line, column }) = self.position {
            write!(f, "line {line}, column {column}: ")?;
        }
        write!(f, "{}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Refusal {}

/// A rule file that is refused: everything that is wrong with it, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", joined(.0))]
pub struct RefusedRules(pub Vec<Refusal>);

fn joined(refusals: &[Refusal]) -> String {
    let lines: Vec<_> = refusals
        .iter()
        .map(ToString::to_string)
        .collect();
    lines.join("\n")
}

/// What is wrong so far: reading goes on, so that everything is reported at once.
#[derive(Default)]
pub(crate) struct Refusals(Vec<Refusal>);

impl Refusals {
    pub fn add(&mut self, refusal: Refusal) {
        self.0.push(refusal);
    }

    /// The value, unless it is refused.
    pub fn take<T>(&mut self, read: Result<T, Refusal>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.add(refusal);
                None
            }
        }
    }

    /// The value, unless anything was refused.
    pub fn settle<T>(mut self, value: T) -> Result<T, RefusedRules> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0
            .sort_by_key(|refusal| refusal.position);
        Err(RefusedRules(self.0))
    }
}

/// What is longer is no misspelt word, and comparing takes time by length.
const LONGEST_WORD: usize = 64;

/// Of several known words the one that looks most like what was written, if one comes close.
pub(crate) fn closest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
    least: f64,
) -> Option<&'a str> {
    if written.len() > LONGEST_WORD {
        return None;
    }
    let written = written.to_ascii_lowercase();
    let (score, word) = known
        .into_iter()
        .map(|word| {
            (
                strsim::jaro_winkler(&written, &word.to_ascii_lowercase()),
                word,
            )
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > least).then_some(word)
}

/// A word of the rule file for a message: escaped and not endless.
pub(crate) fn shown(text: &str) -> String {
    let short: String = text
        .chars()
        .take(60)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().count() > 60 {
        format!("{short}...")
    } else {
        short
    }
}
