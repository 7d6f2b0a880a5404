//! Settings of project, group and site, which hold the de-identification profile.
//!
//! Unset settings show the three faces that clients meet: a project answers an empty object, a
//! group 404, the site an object without a profile.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::Shared;
use crate::sandbox::App;
use crate::sandbox::errors::ApiError;
use crate::sandbox::index::Change;
use crate::sandbox::model::{Kind, stamp};
use crate::sandbox::options::Era;
use crate::sandbox::profile;
use crate::sandbox::schema;

type Answer = Result<Json<Value>, ApiError>;

/// The scope of the site's settings; no container can have this id.
pub const SITE: &str = "<site>";

/// `GET /api/projects/{id}/settings`.
pub async fn project(State(app): Shared, Path(id): Path<String>) -> Answer {
    Ok(Json(
        of(&app, Kind::Project, &id)?.unwrap_or_else(|| json!({})),
    ))
}

/// `GET /api/groups/{id}/settings`.
pub async fn group(State(app): Shared, Path(id): Path<String>) -> Answer {
    of(&app, Kind::Group, &id)?
        .map(Json)
        .ok_or_else(|| ApiError::not_found("The resource could not be found."))
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
    of(&app, Kind::Project, &id)?;
    change(&app, &id, &bytes)
}

/// `PUT /api/groups/{id}/settings`.
pub async fn put_group(State(app): Shared, Path(id): Path<String>, bytes: Bytes) -> Answer {
    of(&app, Kind::Group, &id)?;
    change(&app, &id, &bytes)
}

/// `PUT /api/site/settings`.
pub async fn put_site(State(app): Shared, bytes: Bytes) -> Answer {
    change(&app, SITE, &bytes)
}

fn of(app: &App, kind: Kind, id: &str) -> Result<Option<Value>, ApiError> {
    app.store.read(|index| match index.get_kind(kind, id) {
        Some(_) => Ok(index.settings(id).cloned()),
        None => Err(ApiError::not_found(format!(
            "Could not find {} {id}",
            kind.plural()
        ))),
    })
}

fn change(app: &App, scope: &str, bytes: &[u8]) -> Answer {
    let mut given = schema::object(bytes)?;
    let profile = given.remove("deid_profile");
    let mut given = schema::settings(given)?;
    if let Some(profile) = profile {
        given.insert("deid_profile".into(), readable(profile)?);
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

/// A profile is given as an object or as its text, and read back as an object.
fn readable(profile: Value) -> Result<Value, ApiError> {
    match profile {
        Value::Object(_) | Value::Null => Ok(profile),
        Value::String(text) => profile::from_yaml(&text).map_err(ApiError::unprocessable),
        _ => Err(ApiError::invalid(
            "'deid_profile' must be a text or an object",
        )),
    }
}
