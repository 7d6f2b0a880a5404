//! Settings of project, group and site, which hold the de-identification profile.
//!
//! Unset settings are answered in three ways, as on Flywheel: a project with an empty object, a
//! group with 404, the site with an object without a profile.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::{Answer, Shared, container, unknown_route};
use crate::api_error::ApiError;
use crate::app::App;
use crate::index::Change;
use crate::model::{ContainerType, stamp};
use crate::options::Era;
use crate::schema;

/// The scope of the site's settings; no container can have this id.
pub const SITE: &str = "<site>";

/// `GET /api/projects/{id}/settings`.
pub async fn project(State(app): Shared, Path(id): Path<String>) -> Answer {
    Ok(Json(
        of(&app, ContainerType::Project, &id)?.unwrap_or_else(|| json!({})),
    ))
}

/// `GET /api/groups/{id}/settings`.
pub async fn group(State(app): Shared, Path(id): Path<String>) -> Answer {
    of(&app, ContainerType::Group, &id)?
        .map(Json)
        .ok_or_else(unknown_route)
}

/// `GET /api/site/settings`.
pub async fn site(State(app): Shared) -> Answer {
    let mut settings = json!({
        "_id": "site", "center_gears": [], "providers": {}, "created": stamp(app.started), "modified": stamp(app.started),
    });
    let kept = app
        .store
        .read(|index| index.settings(SITE).cloned())
        .filter(|_| app.options.era == Era::Current);
    if let (Value::Object(settings), Some(Value::Object(kept))) = (&mut settings, kept) {
        settings.extend(kept);
    }
    Ok(Json(settings))
}

/// `PUT /api/projects/{id}/settings`: replaces what it names; a null profile removes it.
pub async fn put_project(State(app): Shared, Path(id): Path<String>, bytes: Bytes) -> Answer {
    of(&app, ContainerType::Project, &id)?;
    change(&app, &id, &bytes)
}

/// `PUT /api/groups/{id}/settings`.
pub async fn put_group(State(app): Shared, Path(id): Path<String>, bytes: Bytes) -> Answer {
    of(&app, ContainerType::Group, &id)?;
    change(&app, &id, &bytes)
}

/// `PUT /api/site/settings`.
pub async fn put_site(State(app): Shared, bytes: Bytes) -> Answer {
    change(&app, SITE, &bytes)
}

fn of(app: &App, kind: ContainerType, id: &str) -> Result<Option<Value>, ApiError> {
    app.store.read(|index| {
        container(index, kind, id)?;
        Ok(index.settings(id).cloned())
    })
}

fn change(app: &App, scope: &str, bytes: &[u8]) -> Answer {
    let mut given = schema::object(bytes)?;
    let profile = given.remove("deid_profile");
    let mut given = schema::settings(given)?;
    if let Some(profile) = profile {
        given.insert("deid_profile".into(), as_object(app, profile)?);
    }
    app.store.write(|writer| {
        let mut settings = match writer.index().settings(scope) {
            Some(Value::Object(settings)) => settings.clone(),
            _ => Map::new(),
        };
        settings.extend(given);
        settings.retain(|_, value| !value.is_null());
        let value = if settings.is_empty() {
            Value::Null
        } else {
            Value::Object(settings)
        };
        writer.put(Change::Settings {
            scope: scope.to_owned(),
            value: value.clone(),
        })?;
        Ok(Json(value))
    })
}

/// A profile is put as an object or as text, and read back as an object.
fn as_object(app: &App, profile: Value) -> Result<Value, ApiError> {
    match profile {
        Value::Object(_) | Value::Null => Ok(profile),
        Value::String(text) => (app.options.read_profile)(&text)
            .filter(Value::is_object)
            .ok_or_else(|| ApiError::unprocessable("the profile is not a valid mapping")),
        _ => Err(ApiError::invalid(
            "'deid_profile' must be a text or an object",
        )),
    }
}
