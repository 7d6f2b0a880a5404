//! Reads JSON, from a file or from the server, into a tree.

use serde_json::Value;

use super::tree::{Entry, Kind, Node, Place, Problem, without_repeated_keys};
use super::yaml;

/// The document as a tree, or the first place at which it is not JSON. JSON is YAML too, and only the YAML reader knows
/// places: its tree is taken where it says exactly the same.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Problem::new(Place { line: error.line(), column: error.column() }, format!("not JSON: {error}")))?;
    match yaml::parse_json(text) {
        Ok(node) if same(&node, &value) => Ok(node),
        Err(problem) if problem.message.contains("written twice") => Err(problem),
        _ => from_value(&value),
    }
}

/// A JSON value as a tree without places.
pub(super) fn from_value(value: &Value) -> Result<Node, Problem> {
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(flag) => Kind::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Kind::Integer(integer, None),
            (None, Some(float)) => Kind::Float(float),
            (None, None) => Kind::Unquoted("a number that is too large"),
        },
        Value::String(text) => Kind::Text(text.clone()),
        Value::Array(items) => Kind::List(items.iter().map(from_value).collect::<Result<_, _>>()?),
        Value::Object(object) => {
            let entries = object
                .iter()
                .map(|(key, value)| Ok(Entry { key: key.clone(), place: Place::default(), value: from_value(value)? }));
            Kind::Map(without_repeated_keys(entries.collect::<Result<_, _>>()?)?)
        }
    };
    Ok(Node::new(kind, Place::default()))
}

fn same(node: &Node, value: &Value) -> bool {
    match (&node.kind, value) {
        (Kind::Null, Value::Null) => true,
        (Kind::Bool(a), Value::Bool(b)) => a == b,
        (Kind::Integer(a, _), Value::Number(b)) => b.as_i64() == Some(*a),
        (Kind::Float(a), Value::Number(b)) => b.as_i64().is_none() && b.as_f64() == Some(*a),
        (Kind::Text(a), Value::String(b)) => a == b,
        (Kind::List(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Kind::Map(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|entry| b.get(&entry.key).is_some_and(|value| same(&entry.value, value)))
        }
        _ => false,
    }
}
