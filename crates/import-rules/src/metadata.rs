//! The fields of a file: their values, and where each came from. Values may identify, and are never
//! printed for debugging.

use std::collections::BTreeMap;
use std::fmt;

use super::target::{Coerced, Target};
use super::timestamp::{DateFormat, Zone};
use super::value::Value;

/// Where the value of a field came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A mapping of the rule.
    Mapping {
        /// Its number, from 0.
        number: usize,
        /// Whether it reads the path, name, folder, size or times of the file.
        reads_path: bool,
        /// Whether it reads the cleaned header.
        reads_header: bool,
    },
    /// What DICOM files give where no mapping does: the cleaned header.
    HeaderDefault,
    /// The name of a folder, because rules may take labels from folders.
    Folder,
    /// The rule's `defaults`.
    Default,
    /// The rule's `overrides`.
    Override,
    /// The rule's `type`.
    Type,
}

impl Origin {
    /// Whether anything of the file's path is in the value.
    pub fn is_from_path(self) -> bool {
        matches!(
            self,
            Self::Folder
                | Self::Mapping {
                    reads_path: true,
                    ..
                }
        )
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mapping {
                number,
                reads_path,
                reads_header,
            } => {
                write!(f, "mapping {}", number + 1)?;
                f.write_str(match (reads_path, reads_header) {
                    (true, true) => " from path and header",
                    (true, false) => " from path",
                    (false, true) => " from header",
                    (false, false) => "",
                })
            }
            Self::HeaderDefault => f.write_str("header default"),
            Self::Folder => f.write_str("folder"),
            Self::Default => f.write_str("default"),
            Self::Override => f.write_str("override"),
            Self::Type => f.write_str("type"),
        }
    }
}

/// The value of a field and where it came from.
#[derive(Clone, PartialEq)]
pub struct Field {
    /// The value.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// The fields of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    fields: BTreeMap<Target, Field>,
}

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    Set,
    /// The field has a value already.
    AlreadySet,
    /// No value that the field can hold.
    Dropped,
    /// The field is a number and the text is none.
    Unreadable,
}

impl Metadata {
    /// The value of a field; for an `info` field that is an object, its parts together.
    pub fn get(&self, target: &Target) -> Option<Value> {
        if let Some(field) = self.fields.get(target) {
            return Some(field.value.clone());
        }
        let parts: Vec<(String, Value)> = self
            .fields
            .iter()
            .filter_map(|(other, field)| {
                Some((other.under(target)?.to_owned(), field.value.clone()))
            })
            .collect();
        (target.is_info() && !parts.is_empty()).then_some(Value::Object(parts))
    }

    /// A field with its origin.
    pub fn field(&self, target: &Target) -> Option<&Field> {
        self.fields.get(target)
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Target, &Field)> {
        self.fields.iter()
    }

    /// Gives a field a value unless it has one.
    pub(crate) fn offer(
        &mut self,
        target: &Target,
        value: &Value,
        format: Option<&DateFormat>,
        origin: Origin,
        zone: &Zone,
    ) -> Given {
        if self.fields.contains_key(target) {
            return Given::AlreadySet;
        }
        self.put(
            target,
            target.coerce(value, format, zone),
            origin,
            zone,
            false,
        )
    }

    /// Gives a field a value whatever it has; a value that it cannot hold takes the field away.
    pub(crate) fn replace(&mut self, target: &Target, value: &Value, zone: &Zone) -> Given {
        self.fields.remove(target);
        self.put(
            target,
            target.coerce(value, None, zone),
            Origin::Override,
            zone,
            true,
        )
    }

    /// Takes a field away.
    pub(crate) fn remove(&mut self, target: &Target) {
        self.fields.remove(target);
    }

    fn put(
        &mut self,
        target: &Target,
        value: Coerced,
        origin: Origin,
        zone: &Zone,
        replacing: bool,
    ) -> Given {
        match value {
            Coerced::Set(value) => {
                self.fields
                    .insert(target.clone(), Field { value, origin });
            }
            Coerced::Moment(text) => {
                let value = Value::Text(text);
                self.fields
                    .insert(target.clone(), Field { value, origin });
                if let Some(beside) = target.zone_beside() {
                    let value = Value::text(zone.name());
                    self.fields
                        .insert(beside, Field { value, origin });
                }
            }
            Coerced::Nested(entries) => {
                for (key, value) in entries {
                    let below = target.below(&key);
                    if let Value::Object(entries) = value {
                        self.put(&below, Coerced::Nested(entries), origin, zone, replacing);
                    } else if replacing || !self.fields.contains_key(&below) {
                        self.fields
                            .insert(below, Field { value, origin });
                    }
                }
            }
            Coerced::Dropped => return Given::Dropped,
            Coerced::Unreadable => return Given::Unreadable,
        }
        Given::Set
    }
}
