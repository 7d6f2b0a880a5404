//! Containers and files as the page shows them, in lists of bounded length.
//!
//! Reads the index, and whether the bytes of a file are there. Must never show the key or a path on
//! disk.

use std::io::Read as _;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};

use super::{Answer, Shared};
use crate::api_error::ApiError;
use crate::app::App;
use crate::index::Index;
use crate::model::{Container, ContainerType, FileRecord, Version, stamp};
use crate::options::Era;
use crate::query::Parameters;
use crate::routes::{SITE, log_record};

/// Entries of a list in one answer.
const BATCH: usize = 200;
/// How a zip begins.
const ZIP: &[u8] = b"PK\x03\x04";

/// `GET /page/state`: what holds for the whole sandbox.
pub async fn state(State(app): Shared) -> Json<Value> {
    Json(json!({
        "url": app.url,
        "discards": app.options.discard,
        "keeps_log": app.options.deid_log,
        "shows_files": app.options.viewer.is_some(),
    }))
}

/// `GET /page/containers`: the groups.
pub async fn groups(State(app): Shared, Query(parameters): Query<Parameters>) -> Answer {
    let from = number(&parameters, "from")?.unwrap_or_default();
    app.store
        .read(|index| Ok(Json(entries(index, None, from))))
}

/// `GET /page/containers/{id}`: a container, and what is right below it.
pub async fn container(
    State(app): Shared,
    Path(id): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let from = number(&parameters, "from")?.unwrap_or_default();
    app.store.read(|index| {
        let container = index
            .get(&id)
            .ok_or_else(|| gone("container"))?;
        Ok(Json(json!({
            "id": container.id,
            "kind": container.kind.name(),
            "label": container.label,
            "path": path(index, container),
            "ids": ids(index, container),
            "fields": container.fields,
            "created": stamp(container.created),
            "modified": stamp(container.modified),
            "governing": governing(index, container, app.options.era),
            "below": entries(index, Some(&container.id), from),
        })))
    })
}

/// `GET /page/files/{id}`: a file, its versions, and its entry in the de-identification log.
pub async fn file(State(app): Shared, Path(id): Path<String>) -> Answer {
    let (file, path, governing) = app.store.read(|index| {
        let file = found(index, &id)?;
        let container = index.get(&file.container);
        let path = container.map(|container| path(index, container));
        let governing = container.map(|container| governing(index, container, app.options.era));
        Ok::<_, ApiError>((file.clone(), path, governing))
    })?;
    let newest_first = std::iter::once(&file.current).chain(file.older.iter().rev());
    let versions: Vec<Value> = newest_first
        .take(BATCH)
        .map(|it| version(&app, it))
        .collect();
    Ok(Json(json!({
        "id": file.file_id,
        "name": file.name,
        "path": path,
        "governing": governing,
        "versions": versions,
        "more": (file.older.len() + 1).saturating_sub(BATCH),
    })))
}

/// The file of this id.
pub fn found<'a>(index: &'a Index, id: &str) -> Result<&'a FileRecord, ApiError> {
    index
        .file_by_id(id)
        .ok_or_else(|| gone("file"))
}

fn gone(what: &str) -> ApiError {
    ApiError::not_found(format!("this {what} is not there any more"))
}

/// A parameter that is a number.
pub fn number(parameters: &Parameters, name: &str) -> Result<Option<usize>, ApiError> {
    parameters
        .get(name)
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| ApiError::bad_request(format!("{name} must be a whole number")))
}

/// What is right below a container, from a place on: containers, then files.
fn entries(index: &Index, id: Option<&str>, from: usize) -> Value {
    let containers = index
        .children(id)
        .map(|container| summary(index, container));
    let files = index
        .files(id.unwrap_or_default())
        .map(|file| {
            json!({
                "id": file.file_id,
                "kind": "file",
                "label": file.name,
                "below": 0,
                "size": file.current.size,
                "versions": file.older.len() + 1,
            })
        });
    let all = index.children(id).count()
        + index
            .files(id.unwrap_or_default())
            .count();
    let shown: Vec<Value> = containers
        .chain(files)
        .skip(from)
        .take(BATCH)
        .collect();
    let next = from.saturating_add(shown.len());
    json!({"entries": shown, "next": next, "more": all.saturating_sub(next)})
}

fn summary(index: &Index, container: &Container) -> Value {
    let id = &container.id;
    json!({
        "id": id,
        "kind": container.kind.name(),
        "label": container.label,
        "below": index.children(Some(id)).count() + index.files(id).count(),
    })
}

/// The ids of a container and those above it, from the top.
fn ids<'a>(index: &'a Index, container: &'a Container) -> Vec<&'a str> {
    let mut ids: Vec<&str> = index
        .lineage(container)
        .map(|it| it.id.as_str())
        .collect();
    ids.reverse();
    ids
}

/// The labels of a container and those above it, from the top.
fn path(index: &Index, container: &Container) -> Vec<String> {
    let mut labels: Vec<String> = index
        .lineage(container)
        .map(|it| it.label.clone())
        .collect();
    labels.reverse();
    labels
}

/// The profile that governs what is uploaded into a container: that of its project, else of its
/// group, else of the site. Null where there is none; groups have no project.
fn governing(index: &Index, container: &Container, era: Era) -> Value {
    if era < Era::Current {
        return Value::Null;
    }
    let lineage: Vec<&Container> = index.lineage(container).collect();
    let of_kind = |kind| {
        lineage
            .iter()
            .find(|it| it.kind == kind)
            .map(|it| (kind.name(), it.id.as_str()))
    };
    let levels = [
        of_kind(ContainerType::Project),
        of_kind(ContainerType::Group),
        Some(("site", SITE)),
    ];
    let governs = levels
        .into_iter()
        .flatten()
        .find_map(|(level, scope)| {
            let profile = index
                .settings(scope)?
                .get("deid_profile")?;
            (!profile.is_null()).then(|| json!({"level": level, "profile": profile}))
        });
    governs.unwrap_or_default()
}

fn version(app: &App, version: &Version) -> Value {
    let log = version
        .metadata
        .get("deid_log_id")
        .and_then(Value::as_str)
        .and_then(|id| log_record(app, id));
    let mut head = [0; ZIP.len()];
    // Where contents are not kept there is none.
    let opened = std::fs::File::open(app.store.path(&version.stored));
    let is_kept = opened.is_ok();
    let is_zip = opened
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok_and(|()| head == ZIP);
    json!({
        "number": version.number,
        "size": version.size,
        "hash": version.hash,
        "created": stamp(version.created),
        "metadata": version.metadata,
        "is_kept": is_kept,
        "is_zip": is_zip,
        "log": log,
    })
}
