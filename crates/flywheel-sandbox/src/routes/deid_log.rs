//! The de-identification log service: takes a record with the original identifiers, answers an id
//! for the file's metadata.
//!
//! Records are kept apart from the index, in a file of their own, and must never be written
//! anywhere else, nor answered but to who has the key: here and in the page.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::{Answer, Shared, unknown_route};
use crate::api_error::ApiError;
use crate::app::App;
use crate::ids::uuid;
use crate::model::stamp;
use crate::schema;
use crate::store::private_options;

const FILE: &str = "deid-log.jsonl";

/// `POST /deid-log/logs`.
pub async fn add(State(app): Shared, bytes: Bytes) -> Answer {
    is_kept(&app)?;
    let mut record = schema::object(&bytes)?;
    for (key, value) in &record {
        if !matches!(key.as_str(), "indexed_fields" | "deidentified_tags") || !value.is_object() {
            return Err(ApiError::unprocessable(
                "a log has the objects indexed_fields and deidentified_tags",
            ));
        }
    }
    if !record.contains_key("indexed_fields") {
        return Err(ApiError::unprocessable("indexed_fields is missing"));
    }
    let id = uuid();
    record.insert("id".into(), json!(id));
    record.insert("created".into(), json!(stamp(chrono::Utc::now())));
    let line = format!("{}\n", Value::Object(record));
    let mut file = private_options()
        .append(true)
        .create(true)
        .open(path(&app))?;
    file.write_all(line.as_bytes())?;
    Ok(Json(json!({"id": id})))
}

/// `GET /deid-log/logs/{id}`.
pub async fn show(State(app): Shared, Path(id): Path<String>) -> Answer {
    is_kept(&app)?;
    record(&app, &id)
        .map(Json)
        .ok_or_else(|| ApiError::not_found("no such log"))
}

/// Refuses a file that names a missing record, and one that must name a record and does not.
pub fn check(app: &App, metadata: &Map<String, Value>) -> Result<(), ApiError> {
    let text = |key: &str| {
        metadata
            .get(key)
            .and_then(Value::as_str)
    };
    match (text("deid_log_id"), text("deid_log_skip_reason")) {
        (Some(id), _) if record(app, id).is_none() => Err(ApiError::bad_request(
            "unable to resolve de-identification ID",
        )),
        (None, None) if app.options.deid_log && text("type") == Some("dicom") => {
            Err(ApiError::bad_request("unable to log de-identified data"))
        }
        (_, Some(reason)) if !matches!(reason, "unsupported_type" | "manual_override") => Err(
            ApiError::invalid("'deid_log_skip_reason' must be unsupported_type or manual_override"),
        ),
        _ => Ok(()),
    }
}

/// The file that holds the records.
pub fn path(app: &App) -> PathBuf {
    app.store.home().join(FILE)
}

/// The record of this id.
pub fn record(app: &App, id: &str) -> Option<Value> {
    let file = std::fs::File::open(path(app)).ok()?;
    let lines = std::io::BufReader::new(file)
        .lines()
        .map_while(Result::ok);
    let mut records = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    records.find(|record| {
        record
            .get("id")
            .is_some_and(|it| it == id)
    })
}

/// Refuses where the site keeps no log.
fn is_kept(app: &App) -> Result<(), ApiError> {
    if app.options.deid_log {
        Ok(())
    } else {
        Err(unknown_route())
    }
}
