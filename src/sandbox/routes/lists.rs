//! Lists of containers: all of a level, or those below one.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{Shared, accepts, unknown_route};
use crate::sandbox::docs;
use crate::sandbox::errors::ApiError;
use crate::sandbox::model::Kind;
use crate::sandbox::query::{Parameters, select};

type Answer = Result<Json<Value>, ApiError>;

/// `GET /api/<kind>`.
pub async fn all(
    State(app): Shared,
    Path(word): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Answer {
    let kind = Kind::from_plural(&word).ok_or_else(unknown_route)?;
    let era = app.options.era;
    let docs = app.store.read(|index| {
        index
            .all(kind)
            .map(|it| docs::container(era, index, it))
            .collect()
    });
    answer(docs, &parameters, &headers)
}

/// `GET /api/<kind>/{id}/<kind below>`. Below a container that is not there lies nothing, which is
/// no error here.
pub async fn below(
    State(app): Shared,
    Path((word, id, children)): Path<(String, String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Answer {
    let (kind, below) = Kind::from_plural(&word)
        .zip(Kind::from_plural(&children))
        .ok_or_else(unknown_route)?;
    if kind >= below {
        return Err(unknown_route());
    }
    let era = app.options.era;
    let docs = app.store.read(|index| match index.get_kind(kind, &id) {
        Some(_) if kind.child() == Some(below) => index
            .children(Some(&id))
            .map(|it| docs::container(era, index, it))
            .collect(),
        Some(_) => index
            .descendants(&id, below)
            .into_iter()
            .map(|it| docs::container(era, index, it))
            .collect(),
        None => Vec::new(),
    });
    answer(docs, &parameters, &headers)
}

/// A plain list, or an object around it for clients that announce `pagination`.
fn answer(docs: Vec<Value>, parameters: &Parameters, headers: &HeaderMap) -> Answer {
    let (total, docs) = select(docs, parameters)?;
    if accepts(headers, "pagination") {
        return Ok(Json(
            json!({"total": total, "count": docs.len(), "results": docs}),
        ));
    }
    Ok(Json(Value::Array(docs)))
}
