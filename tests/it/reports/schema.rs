//! Checks JSON against a schema of `docs/schemas`, with the keywords that those use.

use serde_json::Value;

/// A schema with its definitions.
pub struct Schema(Value);

impl Schema {
    /// Reads one by its name.
    pub fn read(name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas");
        let text = std::fs::read_to_string(format!("{folder}/{name}.schema.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    /// Insists that a value is valid.
    #[track_caller]
    pub fn accepts(&self, value: &Value) {
        assert!(self.is_valid(&self.0, value), "invalid: {value}");
    }

    /// Insists that a value is not valid.
    #[track_caller]
    pub fn rejects(&self, value: &Value) {
        assert!(!self.is_valid(&self.0, value), "valid: {value}");
    }

    fn is_valid(&self, schema: &Value, value: &Value) -> bool {
        let Some(keywords) = schema.as_object() else {
            return schema.as_bool().unwrap();
        };
        let valid = |schema: &&Value| self.is_valid(schema, value);
        keywords
            .iter()
            .all(|(keyword, with)| match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
                "$ref" => {
                    let pointer = with
                        .as_str()
                        .unwrap()
                        .trim_start_matches('#');
                    self.is_valid(self.0.pointer(pointer).unwrap(), value)
                }
                "anyOf" => with
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| valid(&one)),
                "oneOf" => {
                    with.as_array()
                        .unwrap()
                        .iter()
                        .filter(valid)
                        .count()
                        == 1
                }
                "allOf" => with
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|one| valid(&one)),
                "const" => with == value,
                "enum" => with
                    .as_array()
                    .unwrap()
                    .contains(value),
                "type" => match with {
                    Value::Array(types) => types
                        .iter()
                        .any(|name| is_of_type(name, value)),
                    name => is_of_type(name, value),
                },
                "minimum" => value
                    .as_f64()
                    .is_none_or(|it| it >= with.as_f64().unwrap()),
                "maximum" => value
                    .as_f64()
                    .is_none_or(|it| it <= with.as_f64().unwrap()),
                "minItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 >= with.as_u64().unwrap()),
                "maxItems" => value
                    .as_array()
                    .is_none_or(|items| items.len() as u64 <= with.as_u64().unwrap()),
                "items" => value
                    .as_array()
                    .is_none_or(|items| {
                        items
                            .iter()
                            .all(|item| self.is_valid(with, item))
                    }),
                "required" => value
                    .as_object()
                    .is_none_or(|fields| {
                        let mut names = with.as_array().unwrap().iter();
                        names.all(|name| fields.contains_key(name.as_str().unwrap()))
                    }),
                "properties" => value
                    .as_object()
                    .is_none_or(|fields| {
                        let known = |name: &str| {
                            with.get(name)
                                .unwrap_or(&Value::Bool(true))
                        };
                        let mut fields = fields.iter();
                        fields.all(|(name, field)| self.is_valid(known(name), field))
                    }),
                "additionalProperties" => value
                    .as_object()
                    .is_none_or(|fields| {
                        let named = schema
                            .get("properties")
                            .unwrap_or(&Value::Null);
                        let mut others = fields
                            .iter()
                            .filter(|(name, _)| named.get(name).is_none());
                        others.all(|(_, field)| self.is_valid(with, field))
                    }),
                other => panic!("the keyword `{other}` is not checked"),
            })
    }
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type `{other}`"),
    }
}
