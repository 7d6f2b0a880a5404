//! Reads YAML into a tree with positions, with the meaning that YAML 1.1 gives to bare words and
//! numbers: that is what Flywheel reads, and it differs from YAML 1.2 just where tags look like
//! octal numbers.

use std::collections::HashMap;
use std::sync::LazyLock;

use granit_parser::{Event, Marker, Parser, ScalarStyle};
use regex::Regex;

use super::tree::{Entry, Node, NodeKind, Problem, SourcePosition, refuse_repeated_keys};

/// The values that a document may hold, aliases counted each time they are used.
const NODES: usize = 200_000;

/// The document as a tree, or the first position at which it is not YAML.
pub fn parse(text: &str) -> Result<Node, Problem> {
    build(text, resolve)
}

/// The same for JSON text, whose bare words mean what JSON says.
pub fn parse_json(text: &str) -> Result<Node, Problem> {
    build(text, resolve_json)
}

/// Whether a bare word is text, and neither number, truth value, date nor null.
pub fn is_text(word: &str) -> bool {
    matches!(resolve(word), NodeKind::Text(_))
}

/// Whether there are comments.
pub fn has_comments(text: &str) -> bool {
    let mut parser = Parser::new_from_str(text);
    std::iter::from_fn(|| parser.next_event())
        .any(|event| matches!(event, Ok((Event::Comment(..), _))))
}

struct Builder {
    resolve: fn(&str) -> NodeKind,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// A list or section whose end has not been reached.
struct Open {
    position: SourcePosition,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        merged: Vec<Entry>,
        key: Option<(String, SourcePosition)>,
    },
}

fn build(text: &str, resolve: fn(&str) -> NodeKind) -> Result<Node, Problem> {
    let mut builder = Builder {
        resolve,
        open: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            Problem::new(format!("not YAML: {}", error.info())).at(position(error.marker()))
        })?;
        builder.take(event, position(&span.start))?;
    }
    let start = SourcePosition { line: 1, column: 1 };
    Ok(builder
        .root
        .unwrap_or_else(|| Node::new(NodeKind::Null, start)))
}

fn position(mark: &Marker) -> SourcePosition {
    SourcePosition {
        line: mark.line(),
        column: mark.col() + 1,
    }
}

impl Builder {
    fn take(&mut self, event: Event<'_>, position: SourcePosition) -> Result<(), Problem> {
        let wrong = |message: &str| Err(Problem::new(message).at(position));
        let tagged = "YAML type tags are not supported here";
        let mut open = |anchor, content| {
            self.open.push(Open {
                position,
                anchor,
                content,
            });
        };
        match event {
            Event::SequenceStart(_, _, Some(_)) | Event::MappingStart(_, _, Some(_)) => {
                return wrong(tagged);
            }
            Event::SequenceStart(_, anchor, None) => open(anchor, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, None) => {
                let content = Content::Map {
                    entries: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                };
                open(anchor, content);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let kind = match tag
                    .as_deref()
                    .map(|tag| tag.core_suffix().unwrap_or("other"))
                {
                    Some("str") => NodeKind::Text(text.into_owned()),
                    Some(_) => return wrong(tagged),
                    None if style != ScalarStyle::Plain => NodeKind::Text(text.into_owned()),
                    None => (self.resolve)(&text),
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
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let kind = match open.content {
            Content::List(items) => NodeKind::List(items),
            Content::Map {
                entries, merged, ..
            } => {
                refuse_repeated_keys(&entries)?;
                NodeKind::Map(with_merged(entries, merged))
            }
        };
        self.add(Node::new(kind, open.position), open.anchor)
    }

    /// Puts a finished value where it belongs: into the list, as key, as value, or as the document.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.nodes += size(&node);
        if self.nodes > NODES {
            return Err(node.problem("the document is too large for a profile"));
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
                None => *key = Some((key_text(&node)?, node.position)),
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

fn key_text(node: &Node) -> Result<String, Problem> {
    match &node.kind {
        NodeKind::Text(text) => Ok(text.clone()),
        _ => Err(node.problem(format!("a key must be text, not {}", node.describe()))),
    }
}

/// Takes over the keys of `<<`: a section or a list of sections.
fn merge(merged: &mut Vec<Entry>, node: Node) -> Result<(), Problem> {
    match node.kind {
        NodeKind::Map(entries) => merged.extend(entries),
        NodeKind::List(items) => {
            for item in items {
                merge(merged, item)?;
            }
        }
        _ => return Err(node.problem("`<<` must name a section")),
    }
    Ok(())
}

/// Keys written in place win over merged ones, earlier merged ones over later.
fn with_merged(mut entries: Vec<Entry>, merged: Vec<Entry>) -> Vec<Entry> {
    for entry in merged {
        if entries
            .iter()
            .all(|known| known.key != entry.key)
        {
            entries.push(entry);
        }
    }
    entries
}

fn resolve_json(word: &str) -> NodeKind {
    match word {
        "null" => NodeKind::Null,
        "true" => NodeKind::Bool(true),
        "false" => NodeKind::Bool(false),
        _ => match (word.parse(), word.parse()) {
            (Ok(integer), _) => NodeKind::Integer(integer, None),
            (_, Ok(float)) => NodeKind::Float(float),
            _ => NodeKind::Text(word.to_owned()),
        },
    }
}

/// What a bare word is in YAML 1.1.
fn resolve(word: &str) -> NodeKind {
    match word {
        "" | "~" | "null" | "Null" | "NULL" => NodeKind::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            NodeKind::Bool(true)
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            NodeKind::Bool(false)
        }
        _ => number(word).unwrap_or_else(|| NodeKind::Text(word.to_owned())),
    }
}

fn number(word: &str) -> Option<NodeKind> {
    // Names and free text are the common case: they begin with neither digit, sign nor point.
    if !word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    if let Some(kind) = integer(word) {
        return Some(kind);
    }
    if FLOAT.is_match(word) {
        let plain = word.replace('_', "");
        return plain
            .parse()
            .ok()
            .map(NodeKind::Float);
    }
    let what = if SIXTIES.is_match(word) {
        "a number in base 60, which is how YAML reads it without quotes"
    } else if DATE.is_match(word) {
        "a date, which is how YAML reads it without quotes"
    } else if NOT_FINITE.is_match(word) {
        "a number that is not finite"
    } else {
        return None;
    };
    Some(NodeKind::Unquoted(what))
}

fn integer(word: &str) -> Option<NodeKind> {
    let digits = word
        .strip_prefix(['+', '-'])
        .unwrap_or(word);
    let (radix, digits) = if digits == "0" {
        (10, digits)
    } else if let Some(hex) = digits.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = digits.strip_prefix('0') {
        (8, octal)
    } else {
        (10, digits)
    };
    let plain = digits.replace('_', "");
    if plain.is_empty()
        || !plain
            .chars()
            .all(|c| c.is_digit(radix))
    {
        return None;
    }
    Some(match i64::from_str_radix(&plain, radix) {
        Ok(read) => {
            let number = if word.starts_with('-') { -read } else { read };
            NodeKind::Integer(number, Some(word.to_owned()))
        }
        Err(_) => NodeKind::Unquoted("a number that is too large"),
    })
}

#[allow(clippy::expect_used)] // The patterns are constants below, and a test uses each.
fn pattern(text: &'static str) -> Regex {
    Regex::new(text).expect("constant pattern")
}

static FLOAT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?$"));
static SIXTIES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$"));
static DATE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$"));
static NOT_FINITE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"));

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn kind(text: &str) -> NodeKind {
        parse(text)
            .unwrap_or_else(|problem| panic!("{text}: {}", problem.message))
            .kind
    }

    #[test]
    fn bare_words_mean_what_yaml_1_1_says() {
        assert!(
            matches!(kind("00100010"), NodeKind::Integer(0o10_0010, Some(s)) if s == "00100010")
        );
        assert!(matches!(
            kind("0x00100010"),
            NodeKind::Integer(0x0010_0010, Some(_))
        ));
        assert!(matches!(kind("00080018"), NodeKind::Text(_)));
        assert!(matches!(
            kind("10010010"),
            NodeKind::Integer(10_010_010, Some(_))
        ));
        assert!(matches!(kind("-17"), NodeKind::Integer(-17, Some(_))));
        assert!(matches!(kind("1.5"), NodeKind::Float(n) if (n - 1.5).abs() < 1e-9));
        assert!(matches!(kind("1e5"), NodeKind::Text(_)));
        assert!(matches!(kind("NO"), NodeKind::Bool(false)));
        assert!(matches!(kind("'NO'"), NodeKind::Text(_)));
        assert!(matches!(kind("!!str 00100010"), NodeKind::Text(_)));
        assert!(matches!(kind("12:30"), NodeKind::Unquoted(..)));
        assert!(matches!(kind("2004-01-19"), NodeKind::Unquoted(..)));
        assert!(matches!(kind(".nan"), NodeKind::Unquoted(..)));
        assert!(matches!(kind("~"), NodeKind::Null));
        assert!(matches!(kind(""), NodeKind::Null));
    }

    #[test]
    fn anchors_and_merges_are_followed() {
        let NodeKind::Map(entries) = kind("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n") else {
            panic!()
        };
        let NodeKind::Map(used) = &entries[1].value.kind else {
            panic!()
        };
        let keys: Vec<_> = used
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        assert_eq!(keys, ["y", "x"]);
        assert_eq!(entries[1].position, SourcePosition { line: 2, column: 1 });
    }

    #[test]
    fn hostile_documents_are_refused() {
        for text in [
            "a: 1\na: 2",
            "a: 1\n---\nb: 2",
            "[",
            "&a [*a]",
            "!!python/object:os.system x",
            "? [1]\n: 2",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let mut bomb = "a: &a [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for (from, to) in ('a'..='i').zip('b'..='j') {
            bomb.extend([
                format!("{to}: &{to} ["),
                vec![format!("*{from}"); 10].join(","),
                "]\n".to_owned(),
            ]);
        }
        assert!(parse(&bomb).is_err());
    }
}
