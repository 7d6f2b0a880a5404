//! The JSON documents that the API answers with, built from the index.
//!
//! Reads only. Must never show the API key or a path on disk.

use serde_json::{Map, Value, json};

use super::index::Index;
use super::model::{Container, FileRecord, Kind, USER, Version, stamp};
use super::options::Era;

/// A container as `GET` by id shows it, with its files and the ids of those above it.
pub fn container(era: Era, index: &Index, container: &Container) -> Value {
    let mut doc = Map::new();
    doc.insert("_id".into(), json!(container.id));
    doc.insert("label".into(), json!(container.label));
    doc.insert("info".into(), json!({}));
    doc.insert("tags".into(), json!([]));
    doc.extend(container.fields.clone());
    doc.insert("created".into(), json!(stamp(container.created)));
    doc.insert("modified".into(), json!(stamp(container.modified)));
    if era == Era::Current {
        doc.insert("revision".into(), json!(1));
    }
    doc.insert(
        "permissions".into(),
        json!([permission(era, container.kind)]),
    );
    if container.kind != Kind::Group {
        add_place(era, index, container, &mut doc);
        doc.insert(
            "files".into(),
            index
                .files(&container.id)
                .map(|it| file(era, index, it, &it.current))
                .collect(),
        );
        doc.insert("notes".into(), json!([]));
        doc.insert("analyses".into(), json!([]));
    }
    let may_have_settings =
        era == Era::Current && matches!(container.kind, Kind::Group | Kind::Project);
    if let Some(settings) = index.settings(&container.id).filter(|_| may_have_settings) {
        doc.insert("settings".into(), settings.clone());
    }
    Value::Object(doc)
}

fn permission(era: Era, kind: Kind) -> Value {
    if era < Era::Current || kind == Kind::Group {
        return json!({"_id": USER, "access": "admin"});
    }
    json!({"_id": USER, "access": "admin", "role_ids": ["admin"]})
}

/// The same with the word for its level, as lookups show it.
pub fn found(era: Era, index: &Index, it: &Container) -> Value {
    let mut doc = container(era, index, it);
    if let Value::Object(doc) = &mut doc {
        doc.insert("container_type".into(), json!(it.kind.name()));
        doc.insert("node_type".into(), json!(it.kind.name()));
    }
    doc
}

fn add_place(era: Era, index: &Index, container: &Container, doc: &mut Map<String, Value>) {
    let parents = parents(index, container);
    let direct: &[&str] = match container.kind {
        Kind::Group => &[],
        Kind::Project => &["group"],
        Kind::Subject => &["project"],
        Kind::Session => &["group", "project"],
        Kind::Acquisition => &["session"],
    };
    for key in direct {
        doc.insert(
            (*key).to_owned(),
            parents.get(*key).cloned().unwrap_or_default(),
        );
    }
    let subject = container
        .parent
        .as_deref()
        .and_then(|id| index.get_kind(Kind::Subject, id));
    if let (Kind::Session, Some(subject)) = (container.kind, subject) {
        doc.insert("subject".into(), embedded(era, index, subject));
    }
    if era > Era::Old {
        doc.insert(
            "info_exists".into(),
            json!(container.fields.contains_key("info")),
        );
        doc.insert("parents".into(), Value::Object(parents));
    }
}

/// A subject inside its session: where there are no subjects otherwise, just what it is called.
fn embedded(era: Era, index: &Index, subject: &Container) -> Value {
    match era {
        Era::Old => json!({"_id": subject.id, "code": subject.fields.get("code")}),
        Era::Mid | Era::Current => container(era, index, subject),
    }
}

fn parents(index: &Index, container: &Container) -> Map<String, Value> {
    index
        .lineage(container)
        .skip(1)
        .map(|it| (it.kind.name().to_owned(), json!(it.id)))
        .collect()
}

/// A version of a file as the API shows it.
pub fn file(era: Era, index: &Index, file: &FileRecord, version: &Version) -> Value {
    let mut doc = Map::from_iter([
        ("type".to_owned(), Value::Null),
        ("mimetype".to_owned(), json!(mimetype(&file.name))),
        ("modality".to_owned(), Value::Null),
        ("tags".to_owned(), json!([])),
        ("info".to_owned(), json!({})),
    ]);
    match era {
        Era::Old => doc.insert("measurements".into(), json!([])),
        Era::Mid | Era::Current => doc.insert("classification".into(), json!({})),
    };
    doc.extend(version.metadata.clone());
    doc.extend(Map::from_iter([
        ("name".to_owned(), json!(file.name)),
        ("size".to_owned(), json!(version.size)),
        ("hash".to_owned(), json!(version.hash)),
        ("origin".to_owned(), json!({"type": "user", "id": USER})),
        ("created".to_owned(), json!(stamp(file.created()))),
        ("modified".to_owned(), json!(stamp(version.created))),
    ]));
    if era > Era::Old {
        doc.insert("_id".into(), json!(version.id));
        doc.insert("provider_id".into(), json!("sandbox"));
        if version.number > 1 {
            doc.insert("replaced".into(), json!(stamp(version.created)));
        }
    }
    if era == Era::Current {
        add_identity(index, file, version, &mut doc);
    }
    Value::Object(doc)
}

/// What only servers with versions tell of a file.
fn add_identity(index: &Index, file: &FileRecord, version: &Version, doc: &mut Map<String, Value>) {
    doc.insert("file_id".into(), json!(file.file_id));
    doc.insert("version".into(), json!(version.number));
    doc.insert(
        "info_exists".into(),
        json!(version.metadata.contains_key("info")),
    );
    if let Some(container) = index.get(&file.container) {
        let mut parents = parents(index, container);
        parents.insert(container.kind.name().to_owned(), json!(container.id));
        doc.insert("parents".into(), Value::Object(parents));
        doc.insert(
            "parent_ref".into(),
            json!({"type": container.kind.name(), "id": container.id}),
        );
    }
}

/// The media type that a file's name suggests.
pub fn mimetype(name: &str) -> &'static str {
    match name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .as_deref()
    {
        Some("dcm" | "dicom") => "application/dicom",
        Some("zip") => "application/zip",
        Some("json") => "application/json",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}
