//! Making, showing and listing groups, projects, subjects, sessions and acquisitions.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use serde_json::{Map, Value, json};

use super::{Answer, Shared, accepts, container, missing, unknown_route};
use crate::api_error::ApiError;
use crate::blob;
use crate::documents::members;
use crate::index::Change;
use crate::model::{Container, ContainerType};
use crate::options::Era;
use crate::query::{Parameters, select};
use crate::schema;
use crate::store::{Writer, private_dir};

type Body = Map<String, Value>;

/// `GET /api/<kind>/{id}`, also with `containers` for any kind.
pub async fn show(State(app): Shared, Path((word, id)): Path<(String, String)>) -> Answer {
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

/// `GET /api/<kind>`.
pub async fn list(
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
    listed(docs, &parameters, &headers)
}

/// `GET /api/<kind>/{id}/<kind below>`. The list below a missing container is empty, which is no
/// error here.
pub async fn list_below(
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
    listed(docs, &parameters, &headers)
}

/// A plain list, or an object around it for clients that announce `pagination`.
fn listed(docs: Vec<Value>, parameters: &Parameters, headers: &HeaderMap) -> Answer {
    let (total, docs) = select(docs, parameters)?;
    if accepts(headers, "pagination") {
        return Ok(Json(
            json!({"total": total, "count": docs.len(), "results": docs}),
        ));
    }
    Ok(Json(Value::Array(docs)))
}

/// `POST /api/<kind>`.
pub async fn create(
    State(app): Shared,
    Path(word): Path<String>,
    bytes: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let kind = ContainerType::from_plural(&word).ok_or_else(unknown_route)?;
    let body = schema::container(kind, schema::object(&bytes)?)?;
    let era = app.options.era;
    let (status, id) = app.store.write(|writer| {
        let id = match kind {
            ContainerType::Group => return group(writer, era, body),
            ContainerType::Project => below(writer, ContainerType::Group, kind, body),
            ContainerType::Subject => subject(writer, body),
            ContainerType::Session => session(writer, era, body),
            ContainerType::Acquisition => below(writer, ContainerType::Session, kind, body),
        };
        Ok((StatusCode::OK, id?))
    })?;
    Ok((status, Json(json!({"_id": id}))))
}

/// `DELETE /api/<kind>/{id}`, with everything in it.
pub async fn remove(State(app): Shared, Path((word, id)): Path<(String, String)>) -> Answer {
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
        .map(|container| {
            writer
                .store()
                .path(&container.folder)
        });
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
    let body = members(json!({"_id": group_id, "label": group_id}));
    let body = schema::container(ContainerType::Group, body)?;
    group(writer, Era::default(), body)?;
    if let Some(known) = child_labelled(writer, group_id, label) {
        return Ok(known);
    }
    let body = members(json!({"group": group_id, "label": label}));
    let body = schema::container(ContainerType::Project, body)?;
    below(writer, ContainerType::Group, ContainerType::Project, body)
}

/// The id of the container of this label right below another one.
fn child_labelled(writer: &Writer<'_>, parent: &str, label: &str) -> Option<String> {
    writer
        .index()
        .children(Some(parent))
        .find(|it| it.label == label)
        .map(|it| it.id.clone())
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
    insert(writer, ContainerType::Group, id.clone(), None, label, body)?;
    Ok((StatusCode::OK, id))
}

/// A container with a label of its own below the one that the body names. A second one of the same
/// label is made without complaint, as on Flywheel.
fn below(
    writer: &mut Writer<'_>,
    above: ContainerType,
    kind: ContainerType,
    mut body: Body,
) -> Result<String, ApiError> {
    let parent = parent(writer, above, &mut body)?;
    let label = schema::required(&mut body, "label")?;
    add(writer, kind, parent, label, body)
}

/// Label and code of a subject are one value; the code wins, and it is unique in its project.
fn subject(writer: &mut Writer<'_>, mut body: Body) -> Result<String, ApiError> {
    let parent = parent(writer, ContainerType::Project, &mut body)?;
    let label = schema::optional(&mut body, "label");
    let code = schema::optional(&mut body, "code").or(label);
    let code = code.ok_or_else(|| ApiError::invalid("'code' is a required property"))?;
    if child_labelled(writer, &parent, &code).is_some() {
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
    let known = given
        .get("code")
        .or_else(|| given.get("label"))
        .and_then(Value::as_str)
        .and_then(|code| child_labelled(writer, &project, code));
    given.insert("project".into(), json!(project));
    known.map_or_else(|| self::subject(writer, given), Ok)
}

/// The id of the container that the body names as the one above.
fn parent(writer: &Writer<'_>, kind: ContainerType, body: &mut Body) -> Result<String, ApiError> {
    let id = schema::required(body, kind.name())?;
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
    insert(writer, kind, id.clone(), Some(parent), label, fields)?;
    Ok(id)
}

fn insert(
    writer: &mut Writer<'_>,
    kind: ContainerType,
    id: String,
    parent: Option<String>,
    label: String,
    fields: Body,
) -> Result<(), ApiError> {
    // Of a group the id is what its users chose.
    let name = if parent.is_none() { &id } else { &label };
    let folder = writer.free_path(parent.as_deref(), name);
    private_dir(&writer.store().path(&folder))?;
    writer.put(Change::Container(Container {
        id,
        kind,
        parent,
        label,
        fields,
        folder,
        created: Utc::now(),
        modified: Utc::now(),
    }))
}
