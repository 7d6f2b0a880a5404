//! Reads TOML into a tree with positions.

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

use super::tree::{Entry, Node, NodeKind, Problem, SourcePosition};

/// The document as a tree, or the first position at which it is not TOML.
pub fn parse(text: &str) -> Result<Node, Problem> {
    let lines = Lines::new(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(Node::new(
            map(table.get_ref(), &lines),
            SourcePosition { line: 1, column: 1 },
        )),
        Err(error) => {
            let position = error
                .span()
                .map(|span| lines.position(span.start))
                .unwrap_or_default();
            Err(Problem::new(format!("not TOML: {}", error.message())).at(position))
        }
    }
}

/// Whether there are comments.
pub fn has_comments(text: &str) -> bool {
    Source::new(text)
        .lex()
        .any(|token| token.kind() == TokenKind::Comment)
}

fn map(table: &DeTable<'_>, lines: &Lines<'_>) -> NodeKind {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            position: lines.position(key.span().start),
            value: node(value, lines),
        })
        .collect();
    entries.sort_by_key(|entry| (entry.position.line, entry.position.column));
    NodeKind::Map(entries)
}

fn node(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let kind = match value.get_ref() {
        DeValue::String(text) => NodeKind::Text(text.to_string()),
        DeValue::Boolean(flag) => NodeKind::Bool(*flag),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(read) if number.radix() == 16 => {
                NodeKind::Integer(read, Some(format!("0x{}", number.as_str())))
            }
            Ok(read) => NodeKind::Integer(read, None),
            Err(_) => NodeKind::Unquoted("a number that is too large"),
        },
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(NodeKind::Unquoted("a number"), NodeKind::Float),
        DeValue::Datetime(_) => NodeKind::Unquoted("a date"),
        DeValue::Array(items) => NodeKind::List(
            items
                .iter()
                .map(|item| node(item, lines))
                .collect(),
        ),
        DeValue::Table(table) => map(table, lines),
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

    fn position(&self, offset: usize) -> SourcePosition {
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
        SourcePosition { line, column }
    }
}
