//! A profile document as a tree in which each value knows its place, whatever it was written in.

/// Line and column in a document, both from 1; 0 where there is no text, as in the server's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// What else is wrong, in the order in which it was found.
    pub(super) also: Vec<Problem>,
}

impl Problem {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
            hint: None,
            also: Vec::new(),
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What is wrong with a document so far: the reading goes on, so that all of it is told at once.
#[derive(Default)]
pub(super) struct Problems(Option<Problem>);

impl Problems {
    /// The value, unless something is wrong with it.
    pub(super) fn take<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
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
    pub(super) fn settled(self) -> Result<(), Problem> {
        self.0.map_or(Ok(()), Err)
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// The values that all three languages share.
#[derive(Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// With its spelling where that tells more than the number: `0x00100010`, or `00100010`, which
    /// YAML reads as octal.
    Integer(i64, Option<String>),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that Flywheel would not read as text although it looks so: a date, a base-60
    /// number. Never used as is.
    Unquoted(&'static str),
}

/// A key with its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn new(kind: Kind, place: Place) -> Self {
        Self { kind, place }
    }

    pub(super) fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.place, message)
    }

    /// What kind of value it is, for messages.
    pub(super) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "true or false",
            Kind::Integer(..) | Kind::Float(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a section",
            Kind::Unquoted(what) => what,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Null, false, zero, or nothing inside: what Python calls false.
    pub(super) fn is_falsy(&self) -> bool {
        match &self.kind {
            Kind::Null | Kind::Bool(false) | Kind::Integer(0, _) => true,
            Kind::Text(text) => text.is_empty(),
            Kind::List(items) => items.is_empty(),
            Kind::Map(entries) => entries.is_empty(),
            Kind::Float(number) => *number == 0.0,
            Kind::Bool(true) | Kind::Integer(..) | Kind::Unquoted(..) => false,
        }
    }

    /// The value of a key, if this is a section that has it.
    pub(super) fn find(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| &entry.value),
            _ => None,
        }
    }

    /// The entries of a section.
    pub(super) fn entries(&self, what: &str) -> Result<&[Entry], Problem> {
        match &self.kind {
            Kind::Map(entries) => Ok(entries),
            _ => Err(self.problem(format!(
                "{what} must be a section of keys and values, not {}",
                self.describe()
            ))),
        }
    }

    /// The items of a list.
    pub(super) fn items(&self, what: &str) -> Result<&[Node], Problem> {
        match &self.kind {
            Kind::List(items) => Ok(items),
            _ => Err(self.problem(format!("`{what}` must be a list, not {}", self.describe()))),
        }
    }

    /// Text, quoted where YAML would otherwise read something else.
    pub(super) fn text(&self, what: &str) -> Result<&str, Problem> {
        match &self.kind {
            Kind::Text(text) => Ok(text),
            _ => Err(self
                .problem(format!("`{what}` must be text, not {}", self.describe()))
                .with_hint("put it in quotes")),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, what: &str) -> Result<bool, Problem> {
        match self.kind {
            Kind::Bool(flag) => Ok(flag),
            _ => Err(self.problem(format!(
                "`{what}` must be true or false, not {}",
                self.describe()
            ))),
        }
    }

    /// A whole number of 0 or more.
    pub(super) fn count(&self, what: &str) -> Result<usize, Problem> {
        match self.kind {
            Kind::Integer(number, _) if number >= 0 => {
                Ok(usize::try_from(number).unwrap_or(usize::MAX))
            }
            _ => Err(self.problem(format!("`{what}` must be a whole number of 0 or more"))),
        }
    }

    /// A number, as days.
    pub(super) fn number(&self, what: &str) -> Result<f64, Problem> {
        match self.kind {
            // Days beyond 2^53 are refused later: no date has them.
            #[allow(clippy::cast_precision_loss)]
            Kind::Integer(number, _) => Ok(number as f64),
            Kind::Float(number) if number.is_finite() => Ok(number),
            _ => Err(self.problem(format!(
                "`{what}` must be a number, not {}",
                self.describe()
            ))),
        }
    }
}

/// The entry with this key.
pub(super) fn find<'a>(entries: &'a [Entry], key: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key)
}

/// An option's value, if it is there and not null.
pub(super) fn option<T>(
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
pub(super) fn without_repeated_keys(entries: Vec<Entry>) -> Result<Vec<Entry>, Problem> {
    let mut seen = std::collections::BTreeSet::new();
    for entry in &entries {
        if !seen.insert(entry.key.as_str()) {
            return Err(Problem::new(
                entry.place,
                format!("the key `{}` is written twice", shown(&entry.key)),
            ));
        }
    }
    Ok(entries)
}

/// A piece of the document for a message: escaped and not endless.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    let escaped = dicom_lossless::escape_for_terminal(&short);
    if short.len() < text.len() {
        format!("{escaped}...")
    } else {
        escaped
    }
}
