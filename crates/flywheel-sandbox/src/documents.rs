//! The JSON documents that the API answers with, built from the index.
//!
//! Reads only. Must never show the API key or a path on disk.

use serde_json::{Map, Value, json};

use crate::index::Index;
use crate::model::{Container, ContainerType, FileRecord, USER, Version, stamp};
use crate::options::Era;

/// The documents of an index, as servers of an era write them.
#[derive(Debug, Clone, Copy)]
pub struct Documents<'a> {
    /// The era.
    pub era: Era,
    /// The index.
    pub index: &'a Index,
}

impl Documents<'_> {
    /// A container as `GET` by id shows it, with its files and the ids of the containers above it.
    pub fn container(self, container: &Container) -> Value {
        let mut doc = members(json!({
            "_id": container.id,
            "label": container.label,
            "info": {},
            "tags": [],
        }));
        doc.extend(container.fields.clone());
        doc.extend(members(json!({
            "created": stamp(container.created),
            "modified": stamp(container.modified),
            "permissions": [self.permission(container.kind)],
        })));
        if self.era == Era::Current {
            doc.insert("revision".into(), json!(1));
        }
        if container.kind != ContainerType::Group {
            self.add_parents(container, &mut doc);
            let files: Value = self
                .index
                .files(&container.id)
                .map(|it| self.file(it))
                .collect();
            doc.extend(members(
                json!({"files": files, "notes": [], "analyses": []}),
            ));
        }
        let may_have_settings = self.era == Era::Current
            && matches!(
                container.kind,
                ContainerType::Group | ContainerType::Project
            );
        let settings = self.index.settings(&container.id);
        if let Some(settings) = settings.filter(|_| may_have_settings) {
            doc.insert("settings".into(), settings.clone());
        }
        Value::Object(doc)
    }

    fn permission(self, kind: ContainerType) -> Value {
        if self.era < Era::Current || kind == ContainerType::Group {
            return json!({"_id": USER, "access": "admin"});
        }
        json!({"_id": USER, "access": "admin", "role_ids": ["admin"]})
    }

    fn add_parents(self, container: &Container, doc: &mut Map<String, Value>) {
        let parents = self.parents(container);
        let direct: &[&str] = match container.kind {
            ContainerType::Group => &[],
            ContainerType::Project => &["group"],
            ContainerType::Subject => &["project"],
            ContainerType::Session => &["group", "project"],
            ContainerType::Acquisition => &["session"],
        };
        for key in direct {
            doc.insert(
                (*key).to_owned(),
                parents
                    .get(*key)
                    .cloned()
                    .unwrap_or_default(),
            );
        }
        let parent = container.parent.as_deref();
        let subject = parent.and_then(|id| {
            self.index
                .get_kind(ContainerType::Subject, id)
        });
        if let (ContainerType::Session, Some(subject)) = (container.kind, subject) {
            doc.insert("subject".into(), self.embedded(subject));
        }
        if self.era > Era::Old {
            doc.extend(members(json!({
                "info_exists": container.fields.contains_key("info"),
                "parents": parents,
            })));
        }
    }

    /// A subject inside its session: its code alone where servers have no subjects otherwise.
    fn embedded(self, subject: &Container) -> Value {
        match self.era {
            Era::Old => json!({"_id": subject.id, "code": subject.fields.get("code")}),
            Era::Mid | Era::Current => self.container(subject),
        }
    }

    fn parents(self, container: &Container) -> Map<String, Value> {
        self.index
            .lineage(container)
            .skip(1)
            .map(|it| (it.kind.name().to_owned(), json!(it.id)))
            .collect()
    }

    /// The current version of a file as the API shows it.
    pub fn file(self, file: &FileRecord) -> Value {
        self.version(file, &file.current)
    }

    /// A version of a file as the API shows it.
    pub fn version(self, file: &FileRecord, version: &Version) -> Value {
        let mut doc = members(json!({
            "type": null,
            "mimetype": mimetype(&file.name),
            "modality": null,
            "tags": [],
            "info": {},
        }));
        match self.era {
            Era::Old => doc.insert("measurements".into(), json!([])),
            Era::Mid | Era::Current => doc.insert("classification".into(), json!({})),
        };
        doc.extend(version.metadata.clone());
        doc.extend(members(json!({
            "name": file.name,
            "size": version.size,
            "hash": version.hash,
            "origin": {"type": "user", "id": USER},
            "created": stamp(file.created()),
            "modified": stamp(version.created),
        })));
        if self.era > Era::Old {
            doc.extend(members(
                json!({"_id": version.id, "provider_id": "sandbox"}),
            ));
            if version.number > 1 {
                doc.insert("replaced".into(), json!(stamp(version.created)));
            }
        }
        if self.era == Era::Current {
            self.add_identity(file, version, &mut doc);
        }
        Value::Object(doc)
    }

    /// The fields of a file that only servers with versions have.
    fn add_identity(self, file: &FileRecord, version: &Version, doc: &mut Map<String, Value>) {
        doc.extend(members(json!({
            "file_id": file.file_id,
            "version": version.number,
            "info_exists": version.metadata.contains_key("info"),
        })));
        if let Some(container) = self.index.get(&file.container) {
            let (name, id) = (container.kind.name(), &container.id);
            let mut parents = self.parents(container);
            parents.insert(name.to_owned(), json!(id));
            doc.extend(members(json!({
                "parents": parents,
                "parent_ref": {"type": name, "id": id},
            })));
        }
    }
}

/// The members of a literal object.
pub fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The media type that a file's name suggests.
fn mimetype(name: &str) -> &'static str {
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
