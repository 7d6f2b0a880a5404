//! Reads JSON, from a file or from the server, into a tree. It must never pass over a key that is
//! written twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::tree::{Entry, Kind, Node, Place, Problem, without_repeated_keys};
use super::yaml;

/// JSON as it was written: an object has every key that stands in it, also one that stands in it
/// twice.
#[derive(Clone)]
pub struct Json(pub(super) Node);

impl Default for Json {
    fn default() -> Self {
        Self(Node::new(Kind::Null, Place::default()))
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
            .map(|kind| Self(Node::new(kind, Place::default())))
    }
}

/// Takes whatever comes.
struct AsWritten;

impl<'de> Visitor<'de> for AsWritten {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Kind, E> {
        Ok(Kind::Integer(number, None))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "no number of a profile is as large as this"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Kind, E> {
        Ok(
            i64::try_from(number).map_or(Kind::Float(number as f64), |number| {
                Kind::Integer(number, None)
            }),
        )
    }

    fn visit_f64<E>(self, number: f64) -> Result<Kind, E> {
        Ok(Kind::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Kind, E> {
        Ok(Kind::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kind, A::Error> {
        let mut list = Vec::new();
        while let Some(Json(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Kind::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, Json(value))) = members.next_entry()? {
            entries.push(Entry {
                key,
                place: Place::default(),
                value,
            });
        }
        Ok(Kind::Map(entries))
    }
}

/// The document as a tree, or the first place at which it is not JSON. JSON is YAML too, and only
/// the YAML reader knows places: its tree is taken where it says exactly the same.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let Json(node) = serde_json::from_str(text).map_err(|error| {
        Problem::new(
            Place {
                line: error.line(),
                column: error.column(),
            },
            format!("not JSON: {error}"),
        )
    })?;
    match yaml::parse_json(text) {
        Ok(placed) if same(&placed, &node) => Ok(placed),
        Err(problem) if problem.message.contains("written twice") => Err(problem),
        _ => unambiguous(node),
    }
}

/// The tree as JSON, which has neither places nor unquoted dates.
pub(super) fn value(node: &Node) -> Result<Value, Problem> {
    Ok(match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(flag) => (*flag).into(),
        Kind::Integer(number, _) => (*number).into(),
        Kind::Float(number) => (*number).into(),
        Kind::Text(text) => text.as_str().into(),
        Kind::List(items) => items.iter().map(value).collect::<Result<_, _>>()?,
        Kind::Map(entries) => {
            let members = entries
                .iter()
                .map(|entry| Ok((entry.key.clone(), value(&entry.value)?)));
            Value::Object(members.collect::<Result<_, _>>()?)
        }
        Kind::Unquoted(what) => {
            let problem = node.problem(format!("a value is {what}"));
            return Err(problem.with_hint("put it in quotes"));
        }
    })
}

/// The tree, if no key is written twice anywhere in it.
pub(super) fn unambiguous(node: Node) -> Result<Node, Problem> {
    let kind = match node.kind {
        Kind::List(items) => Kind::List(
            items
                .into_iter()
                .map(unambiguous)
                .collect::<Result<_, _>>()?,
        ),
        Kind::Map(entries) => {
            let entries = without_repeated_keys(entries)?.into_iter();
            let checked = entries.map(|entry| {
                Ok(Entry {
                    value: unambiguous(entry.value)?,
                    ..entry
                })
            });
            Kind::Map(checked.collect::<Result<_, _>>()?)
        }
        kind => kind,
    };
    Ok(Node { kind, ..node })
}

fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(a), Kind::Bool(b)) => a == b,
        (Kind::Integer(a, _), Kind::Integer(b, _)) => a == b,
        // Both were read from the same text.
        #[expect(clippy::float_cmp, reason = "the same digits give the same number")]
        (Kind::Float(a), Kind::Float(b)) => a == b,
        (Kind::Text(a), Kind::Text(b)) => a == b,
        (Kind::List(a), Kind::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Kind::Map(a), Kind::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|(a, b)| a.key == b.key && same(&a.value, &b.value))
        }
        _ => false,
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
                problem.message.contains("written twice"),
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
        let dated = yaml::parse("description: 2004-01-19").ok().unwrap();
        let problem = value(&dated).unwrap_err();
        assert_eq!((problem.place.line, problem.place.column), (1, 14));
    }

    #[test]
    fn json_is_read_as_it_was_written() {
        let Json(node) =
            serde_json::from_str(r#"{"b":-1,"a":[1.5,"x",null,true,18446744073709551615],"b":{}}"#)
                .unwrap();
        let Kind::Map(entries) = &node.kind else {
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
            kind: Kind::List(items),
            ..
        }) = node.find("a")
        else {
            panic!("no list")
        };
        assert_eq!(
            items.iter().map(Node::describe).collect::<Vec<_>>(),
            ["a number", "text", "null", "true or false", "a number"]
        );
        assert_eq!(format!("{:?}", Json(node)), "Json(a section)");
    }
}
