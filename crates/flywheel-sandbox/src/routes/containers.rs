//! Making and showing groups, projects, subjects, sessions and acquisitions.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::Utc;
use serde_json::{Map, Value, json};

use super::{Shared, container, missing, unknown_route};
use crate::api_error::ApiError;
use crate::blob;
use crate::index::Change;
use crate::model::{Container, ContainerType};
use crate::options::Era;
use crate::schema;
use crate::store::{Writer, private_dir};

type Answer = Result<(StatusCode, Json<Value>), ApiError>;
type Body = Map<String, Value>;

/// `GET /api/<kind>/{id}`, also with `containers` for any kind.
pub async fn show(
    State(app): Shared,
    Path((word, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let kind = ContainerType::from_plural(&word);
    if kind.is_none() && word != "containers" {
        return Err(unknown_route());
    }
    app.read(|documents| {
        let container = documents.index.get(&id);
        container
            .filter(|it| kind.is_none_or(|kind| it.kind == kind))
            .map(|it| Json(documents.container(it)))
            .ok_or_else(|| missing(&word, &id))
    })
}

/// `POST /api/<kind>`.
pub async fn create(State(app): Shared, Path(word): Path<String>, bytes: Bytes) -> Answer {
    let kind = ContainerType::from_plural(&word).ok_or_else(unknown_route)?;
    let body = schema::container(kind, schema::object(&bytes)?)?;
    let era = app.options.era;
    let (status, id) = app.store.write(|writer| match kind {
        ContainerType::Group => group(writer, era, body),
        ContainerType::Project => project(writer, body).map(made),
        ContainerType::Subject => subject(writer, body).map(made),
        ContainerType::Session => session(writer, era, body).map(made),
        ContainerType::Acquisition => acquisition(writer, body).map(made),
    })?;
    Ok((status, Json(json!({"_id": id}))))
}

/// `DELETE /api/<kind>/{id}`, with everything in it.
pub async fn remove(
    State(app): Shared,
    Path((word, id)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let kind = ContainerType::from_plural(&word)
        .filter(|kind| *kind > ContainerType::Project)
        .ok_or_else(unknown_route)?;
    app.store.write(|writer| {
        container(writer.index(), kind, &id)?;
        remove_with_content(writer, &id)?;
        Ok(Json(json!({"deleted": 1})))
    })
}

fn remove_with_content(writer: &mut Writer<'_>, id: &str) -> Result<(), ApiError> {
    let below: Vec<_> = writer
        .index()
        .children(Some(id))
        .map(|child| child.id.clone())
        .collect();
    below
        .iter()
        .try_for_each(|child| remove_with_content(writer, child))?;
    let files: Vec<_> = writer
        .index()
        .files(id)
        .cloned()
        .collect();
    files
        .into_iter()
        .try_for_each(|file| blob::delete(writer, file))?;
    let folder = writer
        .index()
        .get(id)
        .map(|container| writer.store().path(&container.folder));
    writer.put(Change::Removed(id.to_owned()))?;
    // fails where the folder holds files that were not uploaded: they stay
    let _ = folder.map(std::fs::remove_dir);
    Ok(())
}

/// Makes a group and a project in it unless both are there; returns the project's id.
pub fn ensure_project(
    writer: &mut Writer<'_>,
    group_id: &str,
    label: &str,
) -> Result<String, ApiError> {
    group(
        writer,
        Era::default(),
        checked(
            ContainerType::Group,
            json!({"_id": group_id, "label": group_id}),
        )?,
    )?;
    let known = writer
        .index()
        .children(Some(group_id))
        .find(|it| it.label == label)
        .map(|it| it.id.clone());
    match known {
        Some(id) => Ok(id),
        None => project(
            writer,
            checked(
                ContainerType::Project,
                json!({"group": group_id, "label": label}),
            )?,
        ),
    }
}

fn checked(kind: ContainerType, body: Value) -> Result<Body, ApiError> {
    match body {
        Value::Object(body) => schema::container(kind, body),
        _ => Err(ApiError::invalid("an object is expected")),
    }
}

fn made(id: String) -> (StatusCode, String) {
    (StatusCode::OK, id)
}

/// Making a group that exists is no error: it is answered with 202 (in 2018 with 201) and left
/// unchanged.
fn group(
    writer: &mut Writer<'_>,
    era: Era,
    mut body: Body,
) -> Result<(StatusCode, String), ApiError> {
    let id = schema::required(&mut body, "_id")?;
    if !schema::is_group_id(&id) {
        return Err(ApiError::invalid(
            "'_id' must be 2 to 32 lower-case letters, digits and .@_-",
        ));
    }
    match writer
        .index()
        .get(&id)
        .map(|it| it.kind)
    {
        Some(ContainerType::Group) if era == Era::Old => return Ok((StatusCode::CREATED, id)),
        Some(ContainerType::Group) => return Ok((StatusCode::ACCEPTED, id)),
        Some(_) => {
            return Err(ApiError::new(
                StatusCode::CONFLICT,
                format!("Object with id {id} already exists."),
            ));
        }
        None => {}
    }
    let label = schema::optional(&mut body, "label").unwrap_or_else(|| id.clone());
    let folder = writer.free_path(None, &id);
    let new = Container {
        id,
        kind: ContainerType::Group,
        parent: None,
        label,
        fields: body,
        folder,
        created: Utc::now(),
        modified: Utc::now(),
    };
    insert(writer, new).map(made)
}

/// A second project of the same label in a group is made without complaint, as on Flywheel.
fn project(writer: &mut Writer<'_>, mut body: Body) -> Result<String, ApiError> {
    let parent = parent(writer, ContainerType::Group, &mut body, "group")?;
    let label = schema::required(&mut body, "label")?;
    add(writer, ContainerType::Project, parent, label, body)
}

/// Label and code of a subject are one value; the code wins, and it is unique in its project.
fn subject(writer: &mut Writer<'_>, mut body: Body) -> Result<String, ApiError> {
    let parent = parent(writer, ContainerType::Project, &mut body, "project")?;
    let label = schema::optional(&mut body, "label");
    let code = schema::optional(&mut body, "code").or(label);
    let code = code.ok_or_else(|| ApiError::invalid("'code' is a required property"))?;
    if writer
        .index()
        .children(Some(&parent))
        .any(|it| it.label == code)
    {
        return Err(ApiError::unprocessable(format!(
            "subject code \"{code}\" already exists in project {parent}"
        )));
    }
    body.insert("code".into(), json!(code));
    add(writer, ContainerType::Subject, parent, code, body)
}

fn session(writer: &mut Writer<'_>, era: Era, mut body: Body) -> Result<String, ApiError> {
    let project = schema::optional(&mut body, "project");
    let label = schema::required(&mut body, "label")?;
    let subject = match (body.remove("subject"), &project) {
        (Some(Value::String(_)), _) if era < Era::Current => {
            Err(ApiError::invalid("'subject' must be an object"))
        }
        (Some(Value::Object(given)), _) if era == Era::Old && given.contains_key("label") => Err(
            ApiError::invalid("Additional properties are not allowed ('label' was unexpected)"),
        ),
        (Some(subject), _) => session_subject(writer, subject, project),
        (None, Some(project)) if era < Era::Current => unnamed_subject(writer, project),
        (None, _) => Err(ApiError::invalid("'subject' is a required property")),
    }?;
    add(writer, ContainerType::Session, subject, label, body)
}

/// Older servers give each session without a subject one of its own, all of the same label.
fn unnamed_subject(writer: &mut Writer<'_>, project: &str) -> Result<String, ApiError> {
    container(writer.index(), ContainerType::Project, project)?;
    add(
        writer,
        ContainerType::Subject,
        project.to_owned(),
        "unknown".to_owned(),
        Body::new(),
    )
}

/// The subject of a new session: by id, or by code, made where there is none of that code.
fn session_subject(
    writer: &mut Writer<'_>,
    subject: Value,
    project: Option<String>,
) -> Result<String, ApiError> {
    let mut given = match subject {
        Value::String(id) => Map::from_iter([("_id".to_owned(), json!(id))]),
        Value::Object(given) => given,
        _ => return Err(ApiError::invalid("'subject' must be a text or an object")),
    };
    if let Some(id) = schema::optional(&mut given, "_id") {
        let known = container(writer.index(), ContainerType::Subject, &id)?;
        // older servers move the subject to the other project instead
        if project.is_some() && known.parent != project {
            return Err(ApiError::unprocessable(format!(
                "subject {id} belongs to another project"
            )));
        }
        return Ok(id);
    }
    let project = project.ok_or_else(|| ApiError::invalid("'project' is a required property"))?;
    let mut given = schema::container(ContainerType::Subject, given)?;
    let code = given
        .get("code")
        .or_else(|| given.get("label"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let known = writer
        .index()
        .children(Some(&project))
        .find(|it| Some(&it.label) == code.as_ref())
        .map(|it| it.id.clone());
    given.insert("project".into(), json!(project));
    known.map_or_else(|| self::subject(writer, given), Ok)
}

fn acquisition(writer: &mut Writer<'_>, mut body: Body) -> Result<String, ApiError> {
    let parent = parent(writer, ContainerType::Session, &mut body, "session")?;
    let label = schema::required(&mut body, "label")?;
    add(writer, ContainerType::Acquisition, parent, label, body)
}

/// The id of the container that the body names as the one above.
fn parent(
    writer: &Writer<'_>,
    kind: ContainerType,
    body: &mut Body,
    key: &str,
) -> Result<String, ApiError> {
    let id = schema::required(body, key)?;
    container(writer.index(), kind, &id)?;
    Ok(id)
}

fn add(
    writer: &mut Writer<'_>,
    kind: ContainerType,
    parent: String,
    label: String,
    fields: Body,
) -> Result<String, ApiError> {
    let id = writer.index().fresh_id();
    let folder = writer.free_path(Some(&parent), &label);
    let new = Container {
        id,
        kind,
        parent: Some(parent),
        label,
        fields,
        folder,
        created: Utc::now(),
        modified: Utc::now(),
    };
    insert(writer, new)
}

fn insert(writer: &mut Writer<'_>, new: Container) -> Result<String, ApiError> {
    private_dir(&writer.store().path(&new.folder))?;
    let id = new.id.clone();
    writer.put(Change::Container(new))?;
    Ok(id)
}
