//! Reads JSON, from a file or from the server, into a tree. It must never pass over a key that is
//! written twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::tree::{Entry, Node, NodeKind, Problem, SourcePosition, refuse_repeated_keys};
use super::yaml;

/// JSON as it was written: an object has every key that stands in it, also one that stands in it
/// twice.
#[derive(Clone)]
pub struct Json(pub(super) Node);

impl Default for Json {
    fn default() -> Self {
        Self(Node::new(NodeKind::Null, SourcePosition::default()))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A profile may hold secrets.
        write!(f, "Json({})", self.0.describe())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AsWritten)
            .map(|kind| Self(Node::new(kind, SourcePosition::default())))
    }
}

/// Takes whatever comes.
struct AsWritten;

impl<'de> Visitor<'de> for AsWritten {
    type Value = NodeKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<NodeKind, E> {
        Ok(NodeKind::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<NodeKind, E> {
        Ok(NodeKind::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<NodeKind, E> {
        Ok(NodeKind::Integer(number, None))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "no number of a profile is as large as this"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<NodeKind, E> {
        Ok(
            i64::try_from(number).map_or(NodeKind::Float(number as f64), |number| {
                NodeKind::Integer(number, None)
            }),
        )
    }

    fn visit_f64<E>(self, number: f64) -> Result<NodeKind, E> {
        Ok(NodeKind::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<NodeKind, E> {
        Ok(NodeKind::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NodeKind, A::Error> {
        let mut list = Vec::new();
        while let Some(Json(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(NodeKind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<NodeKind, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Json(value))) = members.next_entry()? {
            entries.push(Entry {
                key,
                position: SourcePosition::default(),
                value,
            });
        }
        Ok(NodeKind::Map(entries))
    }
}

/// Sets a member of a JSON object.
pub fn set(object: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(key.to_owned(), value);
    }
}

/// The document as a tree, or the first position at which it is not JSON. JSON is YAML too, and
/// only the YAML reader knows positions: its tree is taken where it says exactly the same.
pub fn parse(text: &str) -> Result<Node, Problem> {
    let Json(node) = serde_json::from_str(text).map_err(|error| {
        Problem::new(format!("not JSON: {error}")).at(SourcePosition {
            line: error.line(),
            column: error.column(),
        })
    })?;
    match yaml::parse_json(text) {
        Ok(positioned) if positioned == node => Ok(positioned),
        Err(problem)
            if problem
                .message
                .contains("written twice") =>
        {
            Err(problem)
        }
        _ => {
            check_keys(&node)?;
            Ok(node)
        }
    }
}

/// The tree as JSON, which has neither places nor unquoted dates.
pub fn value(node: &Node) -> Result<Value, Problem> {
    Ok(match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Bool(flag) => (*flag).into(),
        NodeKind::Integer(number, _) => (*number).into(),
        NodeKind::Float(number) => (*number).into(),
        NodeKind::Text(text) => text.as_str().into(),
        NodeKind::List(items) => items
            .iter()
            .map(value)
            .collect::<Result<_, _>>()?,
        NodeKind::Map(entries) => {
            let members = entries
                .iter()
                .map(|entry| Ok((entry.key.clone(), value(&entry.value)?)));
            Value::Object(members.collect::<Result<_, _>>()?)
        }
        NodeKind::Unquoted(what) => {
            let problem = node.problem(format!("a value is {what}"));
            return Err(problem.with_hint("put it in quotes"));
        }
    })
}

/// Refuses a key that is written twice anywhere in the tree.
pub fn check_keys(node: &Node) -> Result<(), Problem> {
    match &node.kind {
        NodeKind::List(items) => items
            .iter()
            .try_for_each(check_keys),
        NodeKind::Map(entries) => {
            refuse_repeated_keys(entries)?;
            entries
                .iter()
                .try_for_each(|entry| check_keys(&entry.value))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_written_twice_is_noticed_at_every_depth() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":{"b":[{"c":null,"d":1,"c":{}}]}}"#,
            // The second spelling is an escape of the first, which the YAML reader does not take
            // for one.
            r#"{"dicom":{},"di\u0063om":null}"#,
            "{\n\t\"a\": {\n\t\t\"b\": 1,\n\t\t\"b\": 2}}",
        ] {
            let problem = parse(text).err().unwrap();
            assert!(
                problem
                    .message
                    .contains("written twice"),
                "{text}: {}",
                problem.message
            );
        }
        assert!(parse(r#"{"a":{"b":1},"b":[{"b":1},{"b":1}]}"#).is_ok());
    }

    #[test]
    fn a_document_in_each_language_is_the_same_json() {
        let expected =
            serde_json::json!({"dicom": {"fields": [{"name": "PatientName", "remove": true}]}});
        let yaml = "dicom:\n  fields:\n    - name: PatientName\n      remove: true\n";
        let toml = "[[dicom.fields]]\nname = \"PatientName\"\nremove = true\n";
        for read in [
            yaml::parse(yaml),
            crate::profile::toml::parse(toml),
            parse(&expected.to_string()),
        ] {
            assert_eq!(value(&read.ok().unwrap()).ok(), Some(expected.clone()));
        }
        let dated = yaml::parse("description: 2004-01-19")
            .ok()
            .unwrap();
        let problem = value(&dated).unwrap_err();
        assert_eq!((problem.position.line, problem.position.column), (1, 14));
    }

    #[test]
    fn json_is_read_as_it_was_written() {
        let Json(node) =
            serde_json::from_str(r#"{"b":-1,"a":[1.5,"x",null,true,18446744073709551615],"b":{}}"#)
                .unwrap();
        let NodeKind::Map(entries) = &node.kind else {
            panic!("no object")
        };
        assert_eq!(
            entries
                .iter()
                .map(|entry| entry.key.as_str())
                .collect::<Vec<_>>(),
            ["b", "a", "b"]
        );
        let Some(Node {
            kind: NodeKind::List(items),
            ..
        }) = node.find("a")
        else {
            panic!("no list")
        };
        assert_eq!(
            items
                .iter()
                .map(Node::describe)
                .collect::<Vec<_>>(),
            ["a number", "text", "null", "true or false", "a number"]
        );
        assert_eq!(format!("{:?}", Json(node)), "Json(a section)");
    }
}
