//! The JSON documents that the API answers with, built from the index.
//!
//! Reads only. Must never show the API key or a path on disk.

use serde_json::{Map, Value, json};

use super::index::Index;
use super::model::{Container, FileRecord, Kind, USER, Version, stamp};

/// A container as `GET` by id shows it, with its files and the ids of those above it.
pub fn container(index: &Index, container: &Container) -> Value {
    let mut doc = Map::new();
    doc.insert("_id".into(), json!(container.id));
    doc.insert("label".into(), json!(container.label));
    doc.insert("info".into(), json!({}));
    doc.insert("tags".into(), json!([]));
    doc.extend(container.fields.clone());
    doc.insert("created".into(), json!(stamp(container.created)));
    doc.insert("modified".into(), json!(stamp(container.modified)));
    doc.insert("revision".into(), json!(1));
    if container.kind == Kind::Group {
        doc.insert("permissions".into(), json!([{"_id": USER, "access": "admin"}]));
    } else {
        doc.insert("permissions".into(), json!([{"_id": USER, "access": "admin", "role_ids": ["admin"]}]));
        add_place(index, container, &mut doc);
        doc.insert("files".into(), index.files(&container.id).map(|it| file(index, it, &it.current)).collect());
        doc.insert("notes".into(), json!([]));
        doc.insert("analyses".into(), json!([]));
    }
    if let (Kind::Group | Kind::Project, Some(settings)) = (container.kind, index.settings(&container.id)) {
        doc.insert("settings".into(), settings.clone());
    }
    Value::Object(doc)
}

/// The same with the word for its level, as lookups show it.
pub fn found(index: &Index, it: &Container) -> Value {
    let mut doc = container(index, it);
    if let Value::Object(doc) = &mut doc {
        doc.insert("container_type".into(), json!(it.kind.name()));
        doc.insert("node_type".into(), json!(it.kind.name()));
    }
    doc
}

fn add_place(index: &Index, container: &Container, doc: &mut Map<String, Value>) {
    let parents = parents(index, container);
    let direct: &[&str] = match container.kind {
        Kind::Group => &[],
        Kind::Project => &["group"],
        Kind::Subject => &["project"],
        Kind::Session => &["group", "project"],
        Kind::Acquisition => &["session"],
    };
    for key in direct {
        doc.insert((*key).to_owned(), parents.get(*key).cloned().unwrap_or_default());
    }
    let subject = container.parent.as_deref().and_then(|id| index.get_kind(Kind::Subject, id));
    if let (Kind::Session, Some(subject)) = (container.kind, subject) {
        doc.insert("subject".into(), self::container(index, subject));
    }
    doc.insert("info_exists".into(), json!(container.fields.contains_key("info")));
    doc.insert("parents".into(), Value::Object(parents));
}

fn parents(index: &Index, container: &Container) -> Map<String, Value> {
    index.lineage(container).skip(1).map(|it| (it.kind.name().to_owned(), json!(it.id))).collect()
}

/// A version of a file as the API shows it.
pub fn file(index: &Index, file: &FileRecord, version: &Version) -> Value {
    let mut doc = Map::from_iter([
        ("type".to_owned(), Value::Null),
        ("mimetype".to_owned(), json!(mimetype(&file.name))),
        ("modality".to_owned(), Value::Null),
        ("classification".to_owned(), json!({})),
        ("tags".to_owned(), json!([])),
        ("info".to_owned(), json!({})),
        ("info_exists".to_owned(), json!(version.metadata.contains_key("info"))),
    ]);
    doc.extend(version.metadata.clone());
    doc.extend(Map::from_iter([
        ("_id".to_owned(), json!(version.id)),
        ("file_id".to_owned(), json!(file.file_id)),
        ("version".to_owned(), json!(version.number)),
        ("name".to_owned(), json!(file.name)),
        ("size".to_owned(), json!(version.size)),
        ("hash".to_owned(), json!(version.hash)),
        ("provider_id".to_owned(), json!("sandbox")),
        ("origin".to_owned(), json!({"type": "user", "id": USER})),
        ("created".to_owned(), json!(stamp(file.created()))),
        ("modified".to_owned(), json!(stamp(version.created))),
    ]));
    if version.number > 1 {
        doc.insert("replaced".into(), json!(stamp(version.created)));
    }
    if let Some(container) = index.get(&file.container) {
        let mut parents = parents(index, container);
        parents.insert(container.kind.name().to_owned(), json!(container.id));
        doc.insert("parents".into(), Value::Object(parents));
        doc.insert("parent_ref".into(), json!({"type": container.kind.name(), "id": container.id}));
    }
    Value::Object(doc)
}

/// The media type that a file's name suggests.
pub fn mimetype(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).as_deref() {
        Some("dcm" | "dicom") => "application/dicom",
        Some("zip") => "application/zip",
        Some("json") => "application/json",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}
