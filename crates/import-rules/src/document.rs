//! A rule file as a tree in which each value knows its place, from YAML or TOML. Bare words of YAML
//! mean what YAML 1.1 says, which is what Flywheel reads.

use std::collections::{BTreeSet, HashMap};

use granit_parser::{Event, Marker, Parser, ScalarStyle};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::refusal::{Position, Refusal, shown};

/// The values that a document may hold, aliases counted each time they are used.
const NODES: usize = 100_000;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub kind: NodeKind,
    pub position: Position,
}

#[derive(Debug, Clone)]
pub(crate) enum NodeKind {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that looks like text and that YAML reads otherwise. Never used as it is.
    Unquoted(&'static str),
}

/// A key with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub position: Position,
    pub value: Node,
}

impl Node {
    fn new(kind: NodeKind, position: Position) -> Self {
        Self { kind, position }
    }

    pub fn refuse(&self, message: impl Into<String>) -> Refusal {
        Refusal::new(message).at(self.position)
    }

    /// What kind of value it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Null => "null",
            NodeKind::Bool(_) => "true or false",
            NodeKind::Integer(_) | NodeKind::Float(_) => "a number",
            NodeKind::Text(_) => "text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a table",
            NodeKind::Unquoted(what) => what,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }

    pub fn instead_of(&self, what: &str, wanted: &str) -> Refusal {
        self.refuse(format!(
            "`{what}` must be {wanted}, not {}",
            self.describe()
        ))
    }

    pub fn text(&self, what: &str) -> Result<&str, Refusal> {
        match &self.kind {
            NodeKind::Text(text) => Ok(text),
            _ => Err(self
                .instead_of(what, "text")
                .with_hint("put it in quotes")),
        }
    }

    pub fn items(&self, what: &str) -> Result<&[Node], Refusal> {
        match &self.kind {
            NodeKind::List(items) => Ok(items),
            NodeKind::Text(_) => Err(self
                .instead_of(what, "a list")
                .with_hint("put it in brackets, or on a line of its own behind `- `")),
            _ => Err(self.instead_of(what, "a list")),
        }
    }

    pub fn entries(&self, what: &str) -> Result<&[Entry], Refusal> {
        match &self.kind {
            NodeKind::Map(entries) => Ok(entries),
            _ => Err(self.instead_of(what, "a table of keys and values")),
        }
    }

    pub fn flag(&self, what: &str) -> Result<bool, Refusal> {
        match &self.kind {
            NodeKind::Bool(flag) => Ok(*flag),
            NodeKind::Text(word) if matches!(word.as_str(), "yes" | "true" | "on") => Ok(true),
            NodeKind::Text(word) if matches!(word.as_str(), "no" | "false" | "off") => Ok(false),
            _ => Err(self.instead_of(what, "true or false")),
        }
    }
}

/// YAML text as a tree.
pub(crate) fn parse_yaml(text: &str) -> Result<Node, Refusal> {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            Refusal::new(format!("not YAML: {}", error.info())).at(position(error.marker()))
        })?;
        builder.take(event, position(&span.start))?;
    }
    Ok(builder
        .root
        .unwrap_or_else(|| Node::new(NodeKind::Null, START)))
}

const START: Position = Position { line: 1, column: 1 };

fn position(mark: &Marker) -> Position {
    Position {
        line: mark.line(),
        column: mark.col() + 1,
    }
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// A list or table whose end has not been reached.
struct Open {
    position: Position,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        merged: Vec<Entry>,
        key: Option<(String, Position)>,
    },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, position: Position) -> Result<(), Refusal> {
        let wrong = |message: &str| Err(Refusal::new(message).at(position));
        let tagged = "YAML type tags are not supported here";
        let content = match event {
            Event::SequenceStart(_, _, Some(_)) | Event::MappingStart(_, _, Some(_)) => {
                return wrong(tagged);
            }
            Event::SequenceStart(_, anchor, None) => (anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, None) => {
                let content = Content::Map {
                    entries: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                };
                (anchor, content)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text = text.into_owned();
                let kind = match tag
                    .as_deref()
                    .map(|tag| tag.core_suffix().unwrap_or("other"))
                {
                    Some("str") => NodeKind::Text(text),
                    Some(_) => return wrong(tagged),
                    None if style != ScalarStyle::Plain => NodeKind::Text(text),
                    None => bare_word(text),
                };
                return self.add(Node::new(kind, position), anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => return self.end(),
            Event::Alias(id) => {
                return match self.anchors.get(&id).cloned() {
                    Some(node) => self.add(node, 0),
                    None => wrong("an alias refers to a value that contains it"),
                };
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                return wrong("the file holds more than one YAML document");
            }
            _ => return Ok(()),
        };
        self.open.push(Open {
            position,
            anchor: content.0,
            content: content.1,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refusal> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.content {
            Content::List(items) => NodeKind::List(items),
            Content::Map {
                mut entries,
                merged,
                ..
            } => {
                refuse_repeated(&entries)?;
                for entry in merged {
                    if entries
                        .iter()
                        .all(|known| known.key != entry.key)
                    {
                        entries.push(entry);
                    }
                }
                NodeKind::Map(entries)
            }
        };
        self.add(Node::new(kind, open.position), open.anchor)
    }

    /// Puts a finished value where it belongs: into the list, as key, as value, or as the document.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Refusal> {
        self.nodes += size(&node);
        if self.nodes > NODES {
            return Err(node.refuse("the document is too large for rules"));
        }
        if anchor != 0 {
            self.anchors
                .insert(anchor, node.clone());
        }
        match self
            .open
            .last_mut()
            .map(|open| &mut open.content)
        {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map {
                entries,
                merged,
                key,
            }) => match key.take() {
                None => match &node.kind {
                    NodeKind::Text(text) => *key = Some((text.clone(), node.position)),
                    _ => {
                        return Err(node
                            .refuse(format!("a key must be text, not {}", node.describe()))
                            .with_hint("put it in quotes"));
                    }
                },
                Some((name, _)) if name == "<<" => merge(merged, node)?,
                Some((name, position)) => entries.push(Entry {
                    key: name,
                    position,
                    value: node,
                }),
            },
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    let inner: usize = match &node.kind {
        NodeKind::List(items) => items.iter().map(size).sum(),
        NodeKind::Map(entries) => entries
            .iter()
            .map(|entry| size(&entry.value))
            .sum(),
        _ => 0,
    };
    1 + inner
}

/// Takes over the keys of `<<`: a table or a list of tables.
fn merge(merged: &mut Vec<Entry>, node: Node) -> Result<(), Refusal> {
    match node.kind {
        NodeKind::Map(entries) => merged.extend(entries),
        NodeKind::List(items) => {
            for item in items {
                merge(merged, item)?;
            }
        }
        _ => return Err(node.refuse("`<<` must name a table")),
    }
    Ok(())
}

fn refuse_repeated(entries: &[Entry]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    for entry in entries {
        if !seen.insert(entry.key.as_str()) {
            let message = format!("the key `{}` is written twice", shown(&entry.key));
            return Err(Refusal::new(message).at(entry.position));
        }
    }
    Ok(())
}

/// What a word without quotes is in YAML 1.1.
fn bare_word(word: String) -> NodeKind {
    match word.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => NodeKind::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            NodeKind::Bool(true)
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            NodeKind::Bool(false)
        }
        _ => number(&word).unwrap_or(NodeKind::Text(word)),
    }
}

fn number(word: &str) -> Option<NodeKind> {
    let unsigned = word
        .strip_prefix(['+', '-'])
        .unwrap_or(word);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let plain = word.replace('_', "");
    let digits = unsigned.replace('_', "");
    let all = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit())
    };
    if all(&digits) {
        let octal = digits.len() > 1 && digits.starts_with('0');
        return Some(match plain.parse() {
            Ok(_) if octal => NodeKind::Unquoted(
                "a number with leading zeros, which YAML reads as another one without quotes",
            ),
            Ok(number) => NodeKind::Integer(number),
            Err(_) => NodeKind::Unquoted("a number that is too large"),
        });
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0b") {
        return Some(NodeKind::Unquoted("a number in another base"));
    }
    let (mantissa, exponent) = digits
        .split_once(['e', 'E'])
        .map_or((digits.as_str(), None), |(mantissa, exponent)| {
            (mantissa, Some(exponent))
        });
    if let Some((whole, fraction)) = mantissa.split_once('.')
        && (whole.is_empty() || all(whole))
        && (fraction.is_empty() || all(fraction))
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            exponent.starts_with(['+', '-']) && exponent.get(1..).is_some_and(all)
        })
        && let Ok(number) = plain.parse::<f64>()
    {
        return Some(NodeKind::Float(number));
    }
    let sixties = word.contains(':') && word.split(':').all(&all);
    let date = word.len() >= 8
        && word
            .get(..5)
            .is_some_and(|year| all(year.trim_end_matches('-')) && year.ends_with('-'))
        && word
            .get(5..)
            .and_then(|rest| rest.split_once('-'))
            .is_some_and(|(month, day)| {
                all(month) && month.len() <= 2 && day.starts_with(|c: char| c.is_ascii_digit())
            });
    if sixties {
        return Some(NodeKind::Unquoted(
            "a number in base 60, which is how YAML reads it without quotes",
        ));
    }
    if date {
        return Some(NodeKind::Unquoted(
            "a date, which is how YAML reads it without quotes",
        ));
    }
    let special = [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"];
    special
        .contains(&unsigned)
        .then_some(NodeKind::Unquoted("a number that is not finite"))
}

/// TOML text as a tree.
pub(crate) fn parse_toml(text: &str) -> Result<Node, Refusal> {
    let lines = Lines::new(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(Node::new(toml_map(table.get_ref(), &lines), START)),
        Err(error) => {
            let place = error
                .span()
                .map_or(START, |span| lines.position(span.start));
            Err(Refusal::new(format!("not TOML: {}", error.message())).at(place))
        }
    }
}

fn toml_map(table: &DeTable<'_>, lines: &Lines<'_>) -> NodeKind {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            position: lines.position(key.span().start),
            value: toml_node(value, lines),
        })
        .collect();
    entries.sort_by_key(|entry| entry.position);
    NodeKind::Map(entries)
}

fn toml_node(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let kind = match value.get_ref() {
        DeValue::String(text) => NodeKind::Text(text.to_string()),
        DeValue::Boolean(flag) => NodeKind::Bool(*flag),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).map_or(
            NodeKind::Unquoted("a number that is too large"),
            NodeKind::Integer,
        ),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map_or(
                NodeKind::Unquoted("a number that is not finite"),
                NodeKind::Float,
            ),
        DeValue::Datetime(_) => NodeKind::Unquoted("a date"),
        DeValue::Array(items) => NodeKind::List(
            items
                .iter()
                .map(|item| toml_node(item, lines))
                .collect(),
        ),
        DeValue::Table(table) => toml_map(table, lines),
    };
    Node::new(kind, lines.position(value.span().start))
}

/// Turns byte offsets into lines and columns.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let breaks = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0)
                .chain(breaks)
                .collect(),
        }
    }

    fn position(&self, offset: usize) -> Position {
        let line = self
            .starts
            .partition_point(|start| *start <= offset);
        let start = self
            .starts
            .get(line.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |before| before.chars().count())
            + 1;
        Position { line, column }
    }
}
