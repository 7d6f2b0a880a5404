//! The fields that a rule can set: their names, their short names, and what becomes of a value that
//! is given to one.

use serde::Serialize;

use super::label::clean_label;
use super::refusal::{Refusal, closest, shown};
use super::timestamp::{DateFormat, Zone, is_zone, read_freely};
use super::value::Value;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    AsIs,
    GroupId,
    ContainerId,
    /// A label of at most that many characters.
    Label(usize),
    Sex,
    SubjectType,
    Age,
    Weight,
    Timestamp,
    Timezone,
    List,
    Info,
    WholeNumber,
    Flag,
}

/// Every field, in the order in which fields are listed.
const FIELDS: [(&str, Kind); 48] = [
    ("external_routing_id", Kind::AsIs),
    ("group._id", Kind::GroupId),
    ("group.label", Kind::Label(64)),
    ("project._id", Kind::ContainerId),
    ("project.label", Kind::Label(64)),
    ("project.info.*", Kind::Info),
    ("subject._id", Kind::ContainerId),
    ("subject.routing_field", Kind::AsIs),
    ("subject.label", Kind::Label(64)),
    ("subject.firstname", Kind::AsIs),
    ("subject.lastname", Kind::AsIs),
    ("subject.sex", Kind::Sex),
    ("subject.type", Kind::SubjectType),
    ("subject.species", Kind::AsIs),
    ("subject.strain", Kind::AsIs),
    ("subject.tags", Kind::List),
    ("subject.info.*", Kind::Info),
    ("session._id", Kind::ContainerId),
    ("session.uid", Kind::AsIs),
    ("session.routing_field", Kind::AsIs),
    ("session.label", Kind::Label(64)),
    ("session.age", Kind::Age),
    ("session.weight", Kind::Weight),
    ("session.operator", Kind::AsIs),
    ("session.timestamp", Kind::Timestamp),
    ("session.timezone", Kind::Timezone),
    ("session.tags", Kind::List),
    ("session.info.*", Kind::Info),
    ("acquisition._id", Kind::ContainerId),
    ("acquisition.uid", Kind::AsIs),
    ("acquisition.routing_field", Kind::AsIs),
    ("acquisition.label", Kind::Label(128)),
    ("acquisition.timestamp", Kind::Timestamp),
    ("acquisition.timezone", Kind::Timezone),
    ("acquisition.tags", Kind::List),
    ("acquisition.info.*", Kind::Info),
    ("file.name", Kind::Label(255)),
    ("file.type", Kind::AsIs),
    ("file.tags", Kind::List),
    ("file.info.*", Kind::Info),
    ("file.classification.*", Kind::List),
    ("file.modality", Kind::AsIs),
    ("file.path", Kind::AsIs),
    ("file.provider_id", Kind::AsIs),
    ("file.reference", Kind::Flag),
    ("file.size", Kind::WholeNumber),
    ("file.client_hash", Kind::AsIs),
    ("file.zip_member_count", Kind::WholeNumber),
];

/// A field that a rule can set, such as `subject.label` or `session.info.site`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The number of the field in the list above.
    field: usize,
    /// What stands for the star.
    rest: String,
}

/// A container level of Flywheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The project.
    Project,
    /// A subject.
    Subject,
    /// A session.
    Session,
    /// An acquisition.
    #[default]
    Acquisition,
}

impl Level {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("project", Self::Project),
        ("subject", Self::Subject),
        ("session", Self::Session),
        ("acquisition", Self::Acquisition),
    ];

    /// Its name in a rule file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        }
    }

    /// The labels that a file at this level needs, from the outermost.
    pub fn labels(self) -> Vec<Target> {
        Self::ALL
            .iter()
            .filter(|(_, level)| *level != Self::Project && *level <= self)
            .map(|(_, level)| Target::label_of(*level))
            .collect()
    }
}

/// What became of a value that was given to a field.
pub(crate) enum Coerced {
    Set(Value),
    /// A timestamp, as text; it sets the zone too.
    Moment(String),
    /// An object, which becomes fields of its own.
    Nested(Vec<(String, Value)>),
    /// The value is none that the field can hold.
    Dropped,
    /// Flywheel's own reading stops here.
    Unreadable,
}

fn whole_words(head: &str) -> Option<&'static str> {
    Some(match head {
        "sub" | "subj" | "su" | "subject" => "subject",
        "ses" | "sess" | "se" | "session" => "session",
        "acq" | "ac" | "acquisition" => "acquisition",
        "prj" | "proj" | "pro" | "project" => "project",
        "grp" | "gr" | "group" => "group",
        _ => return None,
    })
}

impl Target {
    /// The field of a name, which may be short: `sub`, `ses.ts`, `info.x`.
    pub fn parse(name: &str) -> Result<Self, Refusal> {
        let (head, tail) = name
            .split_once('.')
            .map_or((name, None), |(head, tail)| (head, Some(tail)));
        if name.split('.').any(str::is_empty) {
            return Err(unknown(name));
        }
        let candidates = match (head, tail) {
            ("timestamp", None) => exact("acquisition.timestamp"),
            ("file", None) => exact("file.name"),
            ("group" | "grp" | "gr", None) => exact("group._id"),
            (head, None) => match whole_words(head) {
                Some(level) => exact(&format!("{level}.label")),
                None => by_word(head),
            },
            ("info" | "classification", Some(rest)) => {
                return Self::open(&format!("file.{head}.*"), rest).ok_or_else(|| unknown(name));
            }
            (head, Some(tail)) => return Self::dotted(name, head, tail),
        };
        one_of(name, &candidates)
    }

    fn dotted(name: &str, head: &str, tail: &str) -> Result<Self, Refusal> {
        let head = whole_words(head).unwrap_or(head);
        let (part, rest) = tail
            .split_once('.')
            .map_or((tail, None), |(part, rest)| (part, Some(rest)));
        let part = match part {
            "id" => "_id",
            "ts" | "time" if matches!(head, "session" | "acquisition") => "timestamp",
            part => part,
        };
        let fits = |(field, _): &(&str, Kind)| {
            let mut parts = field.split('.');
            parts
                .next()
                .is_some_and(|known| known.starts_with(head))
                && parts
                    .next()
                    .is_some_and(|known| known.starts_with(part))
                && parts.next().is_some() == rest.is_some()
        };
        let target = one_of(name, &numbers(fits))?;
        Ok(Self {
            rest: rest.unwrap_or_default().to_owned(),
            ..target
        })
    }

    fn open(field: &str, rest: &str) -> Option<Self> {
        let field = exact(field).first().copied()?;
        Some(Self {
            field,
            rest: rest.to_owned(),
        })
    }

    fn named(name: &str) -> Self {
        Self {
            field: exact(name)
                .first()
                .copied()
                .unwrap_or_default(),
            rest: String::new(),
        }
    }

    /// The label of a level.
    pub fn label_of(level: Level) -> Self {
        Self::named(&format!("{}.label", level.name()))
    }

    pub(crate) fn of(name: &str) -> Self {
        Self::parse(name).unwrap_or_else(|_| Self::named("file.name"))
    }

    fn entry(&self) -> (&'static str, Kind) {
        FIELDS
            .get(self.field)
            .copied()
            .unwrap_or(("", Kind::AsIs))
    }

    /// Its full name.
    pub fn name(&self) -> String {
        let (name, _) = self.entry();
        match name.strip_suffix('*') {
            Some(open) => format!("{open}{}", self.rest),
            None => name.to_owned(),
        }
    }

    /// Whether it names a container or file: a label, a group id or a file name.
    pub fn is_label(&self) -> bool {
        matches!(self.entry().1, Kind::Label(_) | Kind::GroupId)
    }

    /// Whether it holds a moment.
    pub fn is_timestamp(&self) -> bool {
        self.entry().1 == Kind::Timestamp
    }

    /// Whether it holds text alone, so that a number in a rule file has lost something.
    pub(crate) fn wants_text(&self) -> bool {
        matches!(
            self.entry().1,
            Kind::AsIs
                | Kind::GroupId
                | Kind::ContainerId
                | Kind::Label(_)
                | Kind::Sex
                | Kind::SubjectType
                | Kind::Timestamp
                | Kind::Timezone
        )
    }

    pub(crate) fn wants_list(&self) -> bool {
        self.entry().1 == Kind::List
    }

    pub(crate) fn is_info(&self) -> bool {
        self.entry().1 == Kind::Info
    }

    /// The zone that goes with a timestamp.
    pub(crate) fn zone_beside(&self) -> Option<Self> {
        let (name, kind) = self.entry();
        (kind == Kind::Timestamp).then(|| Self::named(&name.replace("timestamp", "timezone")))
    }

    /// A field below this one: for objects in `info`.
    pub(crate) fn below(&self, key: &str) -> Self {
        Self {
            field: self.field,
            rest: format!("{}.{key}", self.rest),
        }
    }

    /// The part of this field's name below another one's.
    pub(crate) fn under(&self, other: &Self) -> Option<&str> {
        if self.field != other.field {
            return None;
        }
        self.rest
            .strip_prefix(&other.rest)?
            .strip_prefix('.')
    }

    /// What the field makes of a value; `format` is how a timestamp is written.
    pub(crate) fn coerce(
        &self,
        value: &Value,
        format: Option<&DateFormat>,
        zone: &Zone,
    ) -> Coerced {
        let (_, kind) = self.entry();
        match (kind, value) {
            (_, Value::Null) => Coerced::Dropped,
            (Kind::Info, Value::Text(text)) => info(text),
            (Kind::Info, Value::Object(entries)) => Coerced::Nested(entries.clone()),
            (Kind::Info, value) => Coerced::Set(value.clone()),
            (Kind::List, Value::Text(text)) => Coerced::Set(Value::List(
                text.split(',')
                    .map(Value::text)
                    .collect(),
            )),
            (Kind::List, Value::List(items)) => Coerced::Set(Value::List(items.clone())),
            (Kind::Age, value) => set(whole_number(value).map(Value::Integer)),
            (Kind::Weight, value) => set(number(value).map(Value::Float)),
            (Kind::WholeNumber, value) => match whole_number(value) {
                Some(number) => Coerced::Set(Value::Integer(number)),
                None => Coerced::Unreadable,
            },
            (Kind::Flag, Value::Bool(flag)) => Coerced::Set(Value::Bool(*flag)),
            (Kind::Flag, Value::Text(text)) => Coerced::Set(Value::Bool(!text.is_empty())),
            (kind, Value::Text(text)) => of_text(kind, text, format, zone),
            _ => Coerced::Dropped,
        }
    }
}

fn set(value: Option<Value>) -> Coerced {
    value.map_or(Coerced::Dropped, Coerced::Set)
}

fn of_text(kind: Kind, text: &str, format: Option<&DateFormat>, zone: &Zone) -> Coerced {
    let kept = |text: String| {
        if text.is_empty() {
            Coerced::Dropped
        } else {
            Coerced::Set(Value::Text(text))
        }
    };
    let when = |holds: bool, text: String| if holds { kept(text) } else { Coerced::Dropped };
    let lower = text.to_lowercase();
    match kind {
        Kind::Label(longest) => kept(clean_label(text, longest)),
        Kind::GroupId => when(is_group_id(&lower), lower),
        Kind::ContainerId => when(
            lower.len() == 24
                && lower
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit()),
            lower,
        ),
        Kind::Sex => {
            let full = match lower.as_str() {
                "m" => "male".to_owned(),
                "f" => "female".to_owned(),
                "o" => "other".to_owned(),
                _ => lower,
            };
            let known = ["male", "female", "other"]
                .iter()
                .any(|sex| full.starts_with(sex));
            when(known || full == "unknown", full)
        }
        Kind::SubjectType => {
            let known = lower.starts_with("human") || lower.starts_with("animal");
            when(known || lower == "phantom", lower)
        }
        Kind::Timezone => when(is_zone(text), text.to_owned()),
        Kind::Timestamp => {
            let moment = match format {
                Some(format) => format.read(text, zone),
                None => read_freely(text, zone),
            };
            moment
                .and_then(|moment| moment.stored(zone))
                .map_or(Coerced::Dropped, Coerced::Moment)
        }
        _ => kept(text.to_owned()),
    }
}

fn is_group_id(text: &str) -> bool {
    let ends = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let bytes = text.as_bytes();
    (2..=64).contains(&bytes.len())
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes
            .iter()
            .all(|byte| ends(Some(byte)) || b".@_-".contains(byte))
}

/// Text of `info`: JSON, read a second time where it holds text; else text.
fn info(text: &str) -> Coerced {
    let once = Value::from_json(text).unwrap_or_else(|| Value::text(text));
    let twice = match &once {
        Value::Text(inner) => Value::from_json(inner).unwrap_or(once),
        _ => once,
    };
    match twice {
        Value::Null => Coerced::Dropped,
        Value::Text(text) if text.is_empty() => Coerced::Dropped,
        Value::Object(entries) => Coerced::Nested(entries),
        value => Coerced::Set(value),
    }
}

/// As Python's `int` reads it; a float is cut.
fn whole_number(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        #[allow(clippy::cast_possible_truncation)]
        // Cut as Python cuts it; larger ones are refused.
        Value::Float(number) if number.abs() < 9.0e15 => Some(*number as i64),
        Value::Text(text) => without_underscores(text.trim())?
            .parse()
            .ok(),
        _ => None,
    }
}

/// As Python's `float` reads it, finite ones only.
fn number(value: &Value) -> Option<f64> {
    let read = match value {
        // Weights have no such digits.
        #[allow(clippy::cast_precision_loss)]
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Text(text) => without_underscores(text.trim())?
            .parse()
            .ok()?,
        _ => return None,
    };
    read.is_finite().then_some(read)
}

/// Python takes single underscores between digits.
fn without_underscores(text: &str) -> Option<String> {
    let misplaced = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!misplaced).then(|| text.replace('_', ""))
}

fn numbers(fits: impl Fn(&(&'static str, Kind)) -> bool) -> Vec<usize> {
    FIELDS
        .iter()
        .enumerate()
        .filter(|(_, field)| fits(field))
        .map(|(number, _)| number)
        .collect()
}

fn exact(name: &str) -> Vec<usize> {
    numbers(|(field, _)| *field == name)
}

/// By one word: the beginning of full names, else a last part, else a piece of a name.
fn by_word(word: &str) -> Vec<usize> {
    let beginning = numbers(|(field, _)| field.starts_with(word));
    if !beginning.is_empty() {
        return beginning;
    }
    let last = numbers(|(field, _)| field.rsplit('.').next() == Some(word));
    if !last.is_empty() {
        return last;
    }
    numbers(|(field, _)| field.contains(word))
}

fn one_of(name: &str, candidates: &[usize]) -> Result<Target, Refusal> {
    match candidates {
        [field] if !is_open(*field) || name.contains('.') => Ok(Target {
            field: *field,
            rest: String::new(),
        }),
        [] | [_] => Err(unknown(name)),
        several => {
            let mut names: Vec<_> = several
                .iter()
                .filter_map(|field| FIELDS.get(*field))
                .map(|(name, _)| format!("`{name}`"))
                .collect();
            names.truncate(4);
            Err(
                Refusal::new(format!("`{}` may mean more than one field", shown(name)))
                    .with_hint(format!("write one of {} in full", names.join(", "))),
            )
        }
    }
}

fn is_open(field: usize) -> bool {
    FIELDS
        .get(field)
        .is_some_and(|(name, _)| name.ends_with('*'))
}

fn unknown(name: &str) -> Refusal {
    let known = FIELDS.iter().map(|(name, _)| *name);
    let near = closest(name, known, 0.85);
    Refusal::new(format!("`{}` is no field that can be set", shown(name))).did_you_mean(
        near,
        "such as `subject.label`, `session.label`, `acquisition.label` or `session.info.NAME`",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_understood_where_one_field_has_them() {
        for (short, full) in [
            ("sub", "subject.label"),
            ("ses.ts", "session.timestamp"),
            ("acq.time", "acquisition.timestamp"),
            ("timestamp", "acquisition.timestamp"),
            ("age", "session.age"),
            ("info.x", "file.info.x"),
            ("sub.i.x", "subject.info.x"),
            ("sub.info.a.b", "subject.info.a.b"),
            ("class.Intent", ""),
            ("classification.Intent", "file.classification.Intent"),
            ("file.cl.X", "file.classification.X"),
            ("name", "file.name"),
            ("hash", "file.client_hash"),
            ("prj.id", "project._id"),
            ("p.label", "project.label"),
            ("ext", "external_routing_id"),
            ("first", "subject.firstname"),
            ("sub.se", "subject.sex"),
            ("acq.timez", "acquisition.timezone"),
        ] {
            let read = Target::parse(short).map(|target| target.name());
            assert_eq!(read.unwrap_or_default(), full, "{short}");
        }
        for name in [
            "a",
            "s",
            "uid",
            "label",
            "type",
            "tags",
            "id",
            "subject.info",
            "subject.race",
            "Subject",
            "sub..label",
            "ses.t",
            "time",
            "grou",
            "subjects",
            "",
            "x.y",
            "info",
        ] {
            assert!(Target::parse(name).is_err(), "{name}");
        }
        let refusal = Target::parse("acquisition.lable").unwrap_err();
        assert_eq!(
            refusal.hint.as_deref(),
            Some("did you mean `acquisition.label`?")
        );
    }
}
