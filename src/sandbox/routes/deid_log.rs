//! The de-identification log service: takes a record with the original identifiers, gives an id for the file's metadata.
//!
//! Records are kept apart from the index, in a file of their own, and must never show up anywhere else.

use std::io::{BufRead as _, Write as _};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::Shared;
use crate::sandbox::errors::ApiError;
use crate::sandbox::model::{stamp, uuid};
use crate::sandbox::schema;
use crate::sandbox::store::private_options;

const FILE: &str = "deid-log.jsonl";

/// `POST /deid-log/logs`.
pub async fn add(State(app): Shared, bytes: Bytes) -> Result<Json<Value>, ApiError> {
    let mut record = schema::object(&bytes)?;
    for (key, value) in &record {
        if !matches!(key.as_str(), "indexed_fields" | "deidentified_tags") || !value.is_object() {
            return Err(ApiError::unprocessable("a log has the objects indexed_fields and deidentified_tags"));
        }
    }
    if !record.contains_key("indexed_fields") {
        return Err(ApiError::unprocessable("indexed_fields is missing"));
    }
    let id = uuid();
    record.insert("id".into(), json!(id));
    record.insert("created".into(), json!(stamp(chrono::Utc::now())));
    let line = format!("{}\n", Value::Object(record));
    let path = app.store.home().join(FILE);
    let written = private_options().append(true).create(true).open(path).and_then(|mut file| file.write_all(line.as_bytes()));
    written.map_err(|error| ApiError::disk(&error))?;
    Ok(Json(json!({"id": id})))
}

/// `GET /deid-log/logs/{id}`.
pub async fn show(State(app): Shared, Path(id): Path<String>) -> Result<Json<Value>, ApiError> {
    let missing = || ApiError::not_found("no such log");
    let file = std::fs::File::open(app.store.home().join(FILE)).map_err(|_| missing())?;
    let lines = std::io::BufReader::new(file).lines().map_while(Result::ok);
    let mut records = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    records.find(|record| record.get("id") == Some(&json!(id))).map(Json).ok_or_else(missing)
}
