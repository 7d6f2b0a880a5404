//! A profile document as a tree in which each value knows its position in the text, whatever
//! language it was written in, and what can be wrong with it.

use crate::standard;

/// Line and column, in characters, in a document, both from 1; 0 where there is no text, as in the
/// server's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourcePosition {
    pub line: usize,
    pub column: usize,
}

/// What is wrong with a document, where, and what may have been meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    pub position: SourcePosition,
    pub message: String,
    pub hint: Option<String>,
    /// What else is wrong, in the order in which it was found.
    pub also: Vec<Problem>,
}

impl Problem {
    /// A problem that has no position yet.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            position: SourcePosition::default(),
            message: message.into(),
            hint: None,
            also: Vec::new(),
        }
    }

    pub fn at(mut self, position: SourcePosition) -> Self {
        self.position = position;
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A keyword that the dictionary does not have, with the one that comes closest.
    pub fn no_attribute(written: &str, otherwise: &str) -> Self {
        let hint = standard::suggested_keyword(written).map_or_else(
            || otherwise.to_owned(),
            |keyword| format!("did you mean `{keyword}`?"),
        );
        Self::new(format!("`{}` names no attribute", shown(written))).with_hint(hint)
    }
}

/// What is wrong with a document so far: reading goes on, so that all problems are reported at once.
#[derive(Default)]
pub struct Problems(Option<Problem>);

impl Problems {
    /// The value, unless something is wrong with it.
    pub fn take<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        match (read, &mut self.0) {
            (Ok(value), _) => return Some(value),
            (Err(problem), None) => self.0 = Some(problem),
            (Err(mut problem), Some(first)) => {
                let others = std::mem::take(&mut problem.also);
                first.also.push(problem);
                first.also.extend(others);
            }
        }
        None
    }

    /// All that is wrong, as one.
    pub fn settled(self) -> Result<(), Problem> {
        self.0.map_or(Ok(()), Err)
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub struct Node {
    pub kind: NodeKind,
    pub position: SourcePosition,
}

/// The values that all three languages share.
#[derive(Clone, PartialEq)]
pub enum NodeKind {
    Null,
    Bool(bool),
    /// With its spelling where that differs from the number: `0x00100010`, or `00100010`, which
    /// YAML reads as octal.
    Integer(i64, Option<String>),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that looks like text and that Flywheel would read as a date or a base-60 number.
    /// Never used as is.
    Unquoted(&'static str),
}

/// A key with its value.
#[derive(Clone)]
pub struct Entry {
    pub key: String,
    pub position: SourcePosition,
    pub value: Node,
}

// Two values are equal wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

/// A setting whose values are a few names.
pub trait Named: Copy + PartialEq + 'static {
    /// The values with the names that they have in a profile.
    const NAMES: &'static [(&'static str, Self)];

    /// The name of a value.
    fn name(self) -> &'static str {
        let known = Self::NAMES
            .iter()
            .find(|(_, value)| *value == self);
        known.map_or("", |(name, _)| name)
    }

    /// All names, in order.
    fn names() -> Vec<&'static str> {
        Self::NAMES
            .iter()
            .map(|(name, _)| *name)
            .collect()
    }
}

/// Declares a [`Named`] setting: each value with the name that it has in a profile.
macro_rules! named {
    ($(#[$attribute:meta])* pub enum $setting:ident {
        $($(#[$documentation:meta])* $value:ident = $name:literal,)+
    }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $setting {
            $($(#[$documentation])* $value,)+
        }

        impl $crate::profile::tree::Named for $setting {
            const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self::$value),)+];
        }
    };
}
pub(super) use named;

impl Entry {
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(message).at(self.position)
    }
}

impl Node {
    pub fn new(kind: NodeKind, position: SourcePosition) -> Self {
        Self { kind, position }
    }

    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(message).at(self.position)
    }

    /// What kind of value it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Null => "null",
            NodeKind::Bool(_) => "true or false",
            NodeKind::Integer(..) | NodeKind::Float(_) => "a number",
            NodeKind::Text(_) => "text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a section",
            NodeKind::Unquoted(what) => what,
        }
    }

    fn instead_of(&self, what: &str, wanted: &str) -> Problem {
        self.problem(format!(
            "`{what}` must be {wanted}, not {}",
            self.describe()
        ))
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }

    /// Null, false, zero, or nothing inside: what Python calls false.
    pub fn is_falsy(&self) -> bool {
        match &self.kind {
            NodeKind::Null | NodeKind::Bool(false) | NodeKind::Integer(0, _) => true,
            NodeKind::Text(text) => text.is_empty(),
            NodeKind::List(items) => items.is_empty(),
            NodeKind::Map(entries) => entries.is_empty(),
            NodeKind::Float(number) => *number == 0.0,
            NodeKind::Bool(true) | NodeKind::Integer(..) | NodeKind::Unquoted(..) => false,
        }
    }

    /// The value of a key, if this is a section that has it.
    pub fn find(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            NodeKind::Map(entries) => find(entries, key).map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The value of a key, if this is a section that has it and it is not null.
    pub fn given(&self, key: &str) -> Option<&Self> {
        self.find(key)
            .filter(|value| !value.is_null())
    }

    /// The entries of a section.
    pub fn entries(&self, what: &str) -> Result<&[Entry], Problem> {
        match &self.kind {
            NodeKind::Map(entries) => Ok(entries),
            _ => Err(self.problem(format!(
                "{what} must be a section of keys and values, not {}",
                self.describe()
            ))),
        }
    }

    /// The items of a list.
    pub fn items(&self, what: &str) -> Result<&[Node], Problem> {
        match &self.kind {
            NodeKind::List(items) => Ok(items),
            _ => Err(self.instead_of(what, "a list")),
        }
    }

    /// Text, quoted where YAML would otherwise read something else.
    pub fn text(&self, what: &str) -> Result<&str, Problem> {
        match &self.kind {
            NodeKind::Text(text) => Ok(text),
            _ => Err(self
                .instead_of(what, "text")
                .with_hint("put it in quotes")),
        }
    }

    /// `true` or `false`.
    pub fn flag(&self, what: &str) -> Result<bool, Problem> {
        match self.kind {
            NodeKind::Bool(flag) => Ok(flag),
            _ => Err(self.instead_of(what, "true or false")),
        }
    }

    /// One of a few names.
    pub fn one_of<T: Named>(&self, what: &str) -> Result<T, Problem> {
        let written = self.text(what)?;
        let found = T::NAMES
            .iter()
            .find(|(name, _)| *name == written);
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let known: Vec<_> = T::names()
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect();
                self.problem(format!("`{what}` must be {}", known.join(" or ")))
            })
    }

    /// A whole number of 0 or more.
    pub fn count(&self, what: &str) -> Result<usize, Problem> {
        match self.kind {
            NodeKind::Integer(number, _) if number >= 0 => {
                Ok(usize::try_from(number).unwrap_or(usize::MAX))
            }
            _ => Err(self.problem(format!("`{what}` must be a whole number of 0 or more"))),
        }
    }

    /// A number, as days.
    pub fn number(&self, what: &str) -> Result<f64, Problem> {
        match self.kind {
            // Days beyond 2^53 are refused later: no date has them.
            #[allow(clippy::cast_precision_loss)]
            NodeKind::Integer(number, _) => Ok(number as f64),
            NodeKind::Float(number) if number.is_finite() => Ok(number),
            _ => Err(self.instead_of(what, "a number")),
        }
    }
}

/// The entry with this key.
pub fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries
        .iter()
        .find(|entry| entry.key == key)
}

/// An option's value, if it is there and not null.
pub fn option<T>(
    entries: &[Entry],
    key: &str,
    read: impl Fn(&Node, &str) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    match find(entries, key) {
        Some(entry) if !entry.value.is_null() => read(&entry.value, key).map(Some),
        _ => Ok(None),
    }
}

/// Refuses a key that is written twice: which of the two was meant is unclear.
pub fn refuse_repeated_keys(entries: &[Entry]) -> Result<(), Problem> {
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        if !seen.insert(entry.key.as_str()) {
            return Err(entry.problem(format!("the key `{}` is written twice", shown(&entry.key))));
        }
    }
    Ok(())
}

/// A piece of the document for a message: escaped and not endless.
pub fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    let escaped = dicom_lossless::escape_for_terminal(&short);
    if short.len() < text.len() {
        format!("{escaped}...")
    } else {
        escaped
    }
}
