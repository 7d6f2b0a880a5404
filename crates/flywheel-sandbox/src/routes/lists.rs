//! Lists of containers: all of a type, or those below one container.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{Shared, accepts, unknown_route};
use crate::api_error::ApiError;
use crate::model::ContainerType;
use crate::query::{Parameters, select};

type Answer = Result<Json<Value>, ApiError>;

/// `GET /api/<kind>`.
pub async fn all(
    State(app): Shared,
    Path(word): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Answer {
    let kind = ContainerType::from_plural(&word).ok_or_else(unknown_route)?;
    let docs = app.read(|documents| {
        let all = documents.index.all(kind);
        all.map(|it| documents.container(it))
            .collect()
    });
    answer(docs, &parameters, &headers)
}

/// `GET /api/<kind>/{id}/<kind below>`. The list below a missing container is empty, which is no
/// error here.
pub async fn below(
    State(app): Shared,
    Path((word, id, children)): Path<(String, String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Answer {
    let (kind, below) = ContainerType::from_plural(&word)
        .zip(ContainerType::from_plural(&children))
        .ok_or_else(unknown_route)?;
    if kind >= below {
        return Err(unknown_route());
    }
    let docs = app.read(|documents| {
        let index = documents.index;
        let found = match index.get_kind(kind, &id) {
            Some(_) if kind.child() == Some(below) => index.children(Some(&id)).collect(),
            Some(_) => index.descendants(&id, below),
            None => Vec::new(),
        };
        let found = found.into_iter();
        found
            .map(|it| documents.container(it))
            .collect()
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
