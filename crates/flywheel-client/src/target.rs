//! The containers that a file is to be uploaded to: labels, UIDs and times as they are wanted.

use std::fmt;

use serde_json::{Map, Value};

/// Further fields of a container or file under the names that the site has for them, such as `sex`
/// or `info`. They are set where it is made, and never changed where it is there already.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Fields(Option<Box<Map<String, Value>>>);

impl fmt::Debug for Fields {
    // What they hold may identify.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.members().count())
    }
}

impl Fields {
    /// Sets a field by the names that lead to it, one inside the other.
    pub fn set(&mut self, path: &[&str], value: Value) {
        let Some((last, above)) = path.split_last() else {
            return;
        };
        let mut inside = &mut **self.0.get_or_insert_default();
        for name in above {
            let entry = inside
                .entry(*name)
                .or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            let Some(object) = entry.as_object_mut() else {
                return;
            };
            inside = object;
        }
        inside.insert((*last).to_owned(), value);
    }

    /// Takes a field away.
    pub fn remove(&mut self, name: &str) {
        let Some(fields) = &mut self.0 else { return };
        fields.shift_remove(name);
        if fields.is_empty() {
            self.0 = None;
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Leaves those alone in which another one agrees, inside of `info` too. Gives whether any went,
    /// of either.
    pub fn keep_common(&mut self, other: &Self) -> bool {
        fn common(own: &mut Map<String, Value>, other: &Map<String, Value>) -> bool {
            let mut differ = other
                .keys()
                .any(|name| !own.contains_key(name));
            own.retain(|name, value| {
                let stays = match (&mut *value, other.get(name)) {
                    (Value::Object(own), Some(Value::Object(other))) => {
                        differ |= common(own, other);
                        !own.is_empty()
                    }
                    (value, Some(other)) => value == other,
                    (_, None) => false,
                };
                differ |= !stays;
                stays
            });
            differ
        }
        let mut own = std::mem::take(&mut self.0).unwrap_or_default();
        let nothing = Map::new();
        let differ = common(
            &mut own,
            other
                .0
                .as_deref()
                .unwrap_or(&nothing),
        );
        self.0 = Some(own).filter(|own| !own.is_empty());
        differ
    }

    fn members(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0
            .iter()
            .flat_map(|fields| fields.iter())
    }

    /// Every text in them, names inside of `info` too.
    pub fn texts(&self) -> Vec<String> {
        fn collect(value: &Value, texts: &mut Vec<String>) {
            match value {
                Value::Object(object) => {
                    for (name, value) in object {
                        texts.push(name.clone());
                        collect(value, texts);
                    }
                }
                Value::Array(items) => items
                    .iter()
                    .for_each(|item| collect(item, texts)),
                Value::String(text) => texts.push(text.clone()),
                Value::Number(number) => texts.push(number.to_string()),
                Value::Null | Value::Bool(_) => {}
            }
        }
        let mut texts = Vec::new();
        self.members()
            .for_each(|(_, value)| collect(value, &mut texts));
        texts
    }

    /// Adds them to what is said of a container or file.
    pub(crate) fn add_to(&self, body: &mut Value) {
        if let Some(object) = body.as_object_mut() {
            object.extend(
                self.members()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
    }
}

/// Where a file goes below its project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The subject.
    pub subject: SubjectTarget,
    /// The session.
    pub session: SessionTarget,
    /// The acquisition.
    pub acquisition: AcquisitionTarget,
}

/// A subject to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubjectTarget {
    /// Its label, which is its code as well.
    pub label: String,
    /// What else is said of it where it is made.
    pub fields: Fields,
}

/// A session to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionTarget {
    /// Its label.
    pub label: String,
    /// The UID of the study.
    pub uid: Option<String>,
    /// The date and time of the study, RFC 3339 with a zone.
    pub timestamp: Option<String>,
    /// The user chose the label: it alone decides which session is meant.
    pub forced: bool,
    /// What else is said of it where it is made.
    pub fields: Fields,
}

/// An acquisition to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AcquisitionTarget {
    /// Its label.
    pub label: String,
    /// The UID of the series.
    pub uid: Option<String>,
    /// The date and time of the series or acquisition, RFC 3339 with a zone.
    pub timestamp: Option<String>,
    /// What else is said of it where it is made.
    pub fields: Fields,
}

impl Destination {
    /// `subject/session/acquisition`.
    pub fn path(&self) -> String {
        format!(
            "{}/{}/{}",
            self.subject.label, self.session.label, self.acquisition.label
        )
    }

    /// All that a server is told of it, each text with what it is.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self {
            subject,
            session,
            acquisition,
        } = self;
        let always = [
            ("the subject label", subject.label.as_str()),
            ("the session label", &session.label),
            ("the acquisition label", &acquisition.label),
        ];
        let some = [
            ("the session's UID", &session.uid),
            ("the session's time", &session.timestamp),
            ("the acquisition's UID", &acquisition.uid),
            ("the acquisition's time", &acquisition.timestamp),
        ];
        always.into_iter().chain(
            some.into_iter()
                .filter_map(|(what, text)| Some((what, text.as_deref()?))),
        )
    }
}
