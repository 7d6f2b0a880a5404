//! Destinations from what a rule made of a file: labels, UIDs, times and further fields.
//!
//! Owns which fields are sent: those that a rule states, and of those that the header gives by
//! itself the labels, UIDs and times alone.

use flywheel_client::{AcquisitionTarget, Destination, Fields, SessionTarget, SubjectTarget};
use import_rules::{Extracted, Field, Level, Origin, Target, Value};

use super::{ForcedLabels, LabelOf};
use crate::failure::{FileCode, FileFailure};

/// Fields that have a place of their own, or none.
const ELSEWHERE: [&str; 11] = [
    "label",
    "_id",
    "routing_field",
    "uid",
    "timestamp",
    "path",
    "provider_id",
    "reference",
    "size",
    "client_hash",
    "zip_member_count",
];

/// Where a rule sends a file, and what it says of it.
#[derive(Debug, Clone)]
pub struct ByRules {
    /// The containers; below the rule's level they are of no account.
    pub destination: Destination,
    /// What the file is to be called.
    pub name: Option<String>,
    /// What else is said of the file.
    pub fields: Fields,
}

/// Where a file belongs by what a rule of this level made of it. What was given by flag or table
/// goes before it.
///
/// # Errors
/// `route.missing-label`.
pub fn by_rules(
    extracted: &Extracted,
    level: Level,
    forced: ForcedLabels<'_>,
) -> Result<ByRules, FileFailure> {
    let fields = Taken(extracted);
    let subject = label(&fields, Level::Subject, forced.subject, LabelOf::Subject);
    let session = label(&fields, Level::Session, forced.session, LabelOf::Session);
    let acquisition = label(
        &fields,
        Level::Acquisition,
        forced.acquisition,
        LabelOf::Acquisition,
    );
    let needed = [
        (Level::Subject, &subject),
        (Level::Session, &session),
        (Level::Acquisition, &acquisition),
    ];
    let missing: Vec<_> = needed
        .into_iter()
        .filter(|(of, label)| *of <= level && label.is_none())
        .map(|(of, _)| of.name())
        .collect();
    if !missing.is_empty() {
        let detail = format!("no {} label", missing.join(" and no "));
        return Err(FileFailure::new(FileCode::RouteMissingLabel, detail));
    }
    let destination = Destination {
        subject: SubjectTarget {
            label: subject.unwrap_or_default(),
            fields: fields.stated("subject."),
        },
        session: SessionTarget {
            label: session.unwrap_or_default(),
            uid: fields.text("session.uid"),
            timestamp: fields.text("session.timestamp"),
            // One that a header gave may be that of many studies: their UIDs tell them apart.
            forced: forced.session.is_some() || fields.is_chosen("session.label"),
            fields: fields.stated_without_tags("session."),
        },
        acquisition: AcquisitionTarget {
            label: acquisition.unwrap_or_default(),
            uid: fields.text("acquisition.uid"),
            timestamp: fields.text("acquisition.timestamp"),
            fields: fields.stated_without_tags("acquisition."),
        },
    };
    let name = fields.text("file.name");
    let mut of_file = fields.stated("file.");
    of_file.remove("name");
    Ok(ByRules {
        destination,
        name,
        fields: of_file,
    })
}

fn label(fields: &Taken<'_>, level: Level, forced: Option<&str>, of: LabelOf) -> Option<String> {
    forced
        .map(|text| of.label(text))
        .or_else(|| fields.text(&Target::label_of(level).name()))
        .filter(|label| !label.is_empty())
}

/// The fields that a rule took.
struct Taken<'a>(&'a Extracted);

impl Taken<'_> {
    fn field(&self, name: &str) -> Option<&Field> {
        self.0
            .metadata
            .iter()
            .find(|(target, _)| target.name() == name)
            .map(|(_, field)| field)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.field(name)
            .map(|field| field.value.to_text())
    }

    /// Whether path, folder or a constant gave it, and no header.
    fn is_chosen(&self, name: &str) -> bool {
        self.field(name)
            .is_some_and(|field| match field.origin {
                Origin::Mapping { reads_header, .. } => !reads_header,
                Origin::Folder | Origin::Default | Origin::Override => true,
                Origin::HeaderDefault | Origin::Type => false,
            })
    }

    /// The same for a container that a server makes with no tags.
    fn stated_without_tags(&self, prefix: &str) -> Fields {
        let mut fields = self.stated(prefix);
        fields.remove("tags");
        fields
    }

    /// What the rule states of a container or file, but for what has a place of its own.
    fn stated(&self, prefix: &str) -> Fields {
        let mut fields = Fields::default();
        for (target, field) in self.0.metadata.iter() {
            let is_stated = matches!(
                field.origin,
                Origin::Mapping { .. } | Origin::Default | Origin::Override
            );
            let name = target.name();
            let Some(name) = name
                .strip_prefix(prefix)
                .filter(|_| is_stated)
            else {
                continue;
            };
            if !ELSEWHERE.contains(&name)
                && let Ok(value) = serde_json::to_value(&field.value)
            {
                let path: Vec<_> = name.split('.').collect();
                fields.set(&path, value);
            }
        }
        fields
    }
}

/// Every text in a value.
pub fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::List(items) => items
            .iter()
            .flat_map(texts_of)
            .collect(),
        Value::Object(entries) => entries
            .iter()
            .flat_map(|(name, value)| std::iter::once(name.clone()).chain(texts_of(value)))
            .collect(),
        value => vec![value.to_text()],
    }
}

impl ByRules {
    /// All that a server is told by it, each text with what it is.
    pub fn texts(&self) -> Vec<(String, String)> {
        let Destination {
            subject,
            session,
            acquisition,
        } = &self.destination;
        let labels = self
            .destination
            .texts()
            .map(|(what, text)| (what.to_owned(), text.to_owned()));
        let fields = [
            ("a field of the subject", &subject.fields),
            ("a field of the session", &session.fields),
            ("a field of the acquisition", &acquisition.fields),
            ("a field of the file", &self.fields),
        ]
        .into_iter()
        .flat_map(|(what, fields)| {
            fields
                .texts()
                .into_iter()
                .map(move |text| (what.to_owned(), text))
        });
        let name = self
            .name
            .iter()
            .map(|name| ("the name of the file".to_owned(), name.clone()));
        labels
            .chain(fields)
            .chain(name)
            .collect()
    }
}
