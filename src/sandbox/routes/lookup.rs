//! Finding by path: group id, then labels; and whether UIDs are there already.

use std::collections::HashSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::{Shared, accepts};
use crate::sandbox::App;
use crate::sandbox::docs;
use crate::sandbox::errors::ApiError;
use crate::sandbox::index::Index;
use crate::sandbox::model::{Container, FileRecord, Kind};
use crate::sandbox::options::Era;
use crate::sandbox::schema;

type Answer = Result<Json<Value>, ApiError>;

const MOST_UIDS: usize = 20_000;

/// What lies at the end of a path.
enum Target<'a> {
    Container(&'a Container),
    File(&'a FileRecord),
}

/// `POST /api/lookup`: the one thing at the end of the path.
pub async fn lookup(State(app): Shared, headers: HeaderMap, bytes: Bytes) -> Answer {
    let path = path(&bytes).map_err(|error| as_the_era_has_it(&app, error))?;
    let levels = Levels::of(&app, &headers);
    app.store.read(|index| {
        let nodes = walk(index, levels, &path)?;
        let end = nodes
            .last()
            .map(|node| Json(show(app.options.era, index, node)));
        end.ok_or_else(|| ApiError::not_found("the path is empty"))
    })
}

/// `POST /api/resolve`: everything along the path, and what lies right below its end.
pub async fn resolve(State(app): Shared, headers: HeaderMap, bytes: Bytes) -> Answer {
    let path = path(&bytes).map_err(|error| as_the_era_has_it(&app, error))?;
    let (era, levels) = (app.options.era, Levels::of(&app, &headers));
    app.store.read(|index| {
        let nodes = walk(index, levels, &path)?;
        let at = match nodes.last() {
            None => None,
            Some(Target::Container(container)) => Some(*container),
            Some(Target::File(_)) => {
                return Ok(Json(
                    json!({"path": shown(era, index, &nodes), "children": []}),
                ));
            }
        };
        let below = levels
            .below(at)
            .map(|kind| levels.children(index, at, kind))
            .unwrap_or_default();
        let files = at.into_iter().flat_map(|at| index.files(&at.id));
        let children: Vec<_> = below
            .into_iter()
            .map(Target::Container)
            .chain(files.map(Target::File))
            .collect();
        Ok(Json(
            json!({"path": shown(era, index, &nodes), "children": shown(era, index, &children)}),
        ))
    })
}

/// Servers of 2019 break down over a body that they cannot read.
fn as_the_era_has_it(app: &App, error: ApiError) -> ApiError {
    match app.options.era {
        Era::Mid => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.message()),
        Era::Old | Era::Current => error,
    }
}

/// The levels of a path: with or without the subject between project and session.
#[derive(Debug, Clone, Copy)]
struct Levels {
    subjects: bool,
}

impl Levels {
    fn of(app: &App, headers: &HeaderMap) -> Self {
        let subjects = match app.options.era {
            Era::Old => false,
            Era::Mid => accepts(headers, "subject_container"),
            Era::Current => true,
        };
        Self { subjects }
    }

    /// The level below a container; of groups for none.
    fn below(self, at: Option<&Container>) -> Option<Kind> {
        match at.map(|it| it.kind) {
            None => Some(Kind::Group),
            Some(Kind::Project) if !self.subjects => Some(Kind::Session),
            Some(kind) => kind.child(),
        }
    }

    fn children<'a>(
        self,
        index: &'a Index,
        at: Option<&Container>,
        kind: Kind,
    ) -> Vec<&'a Container> {
        match at {
            Some(at) if !self.subjects => index.descendants(&at.id, kind),
            at => index.children(at.map(|it| it.id.as_str())).collect(),
        }
    }
}

/// `POST /api/uids`: which of these UIDs sessions or acquisitions anywhere carry.
pub async fn uids(State(app): Shared, bytes: Bytes) -> Answer {
    let body = schema::object(&bytes)?;
    let mut answer = Map::new();
    for (key, kind) in [
        ("sessions", Kind::Session),
        ("acquisitions", Kind::Acquisition),
    ] {
        let wanted = words(body.get(key).unwrap_or(&Value::Null), key)?;
        if wanted.len() > MOST_UIDS {
            return Err(ApiError::unprocessable("too many uids in one request"));
        }
        let projects = projects(&body);
        let there: HashSet<String> = app.store.read(|index| {
            let inside = |it: &&Container| {
                projects.is_empty() || index.lineage(it).any(|above| projects.contains(&above.id))
            };
            let uids = index
                .all(kind)
                .filter(inside)
                .filter_map(|it| it.fields.get("uid").and_then(Value::as_str));
            uids.map(str::to_owned).collect()
        });
        answer.insert(
            key.to_owned(),
            wanted
                .into_iter()
                .filter(|uid| there.contains(uid))
                .map(Value::from)
                .collect(),
        );
    }
    Ok(Json(Value::Object(answer)))
}

fn projects(body: &Map<String, Value>) -> Vec<String> {
    let many = body
        .get("project_ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    many.chain(body.get("project_id"))
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}

fn words(value: &Value, key: &str) -> Result<Vec<String>, ApiError> {
    let invalid = || ApiError::invalid(format!("'{key}' must be a list of texts"));
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(words) => words
            .iter()
            .map(|it| it.as_str().map(str::to_owned).ok_or_else(invalid))
            .collect(),
        _ => Err(invalid()),
    }
}

fn path(bytes: &[u8]) -> Result<Vec<String>, ApiError> {
    let body = schema::object(bytes)?;
    words(
        body.get("path")
            .ok_or_else(|| ApiError::invalid("'path' is a required property"))?,
        "path",
    )
}

fn shown(era: Era, index: &Index, targets: &[Target<'_>]) -> Vec<Value> {
    targets
        .iter()
        .map(|target| show(era, index, target))
        .collect()
}

fn show(era: Era, index: &Index, target: &Target<'_>) -> Value {
    match target {
        Target::Container(container) => docs::found(era, index, container),
        Target::File(file) => {
            let mut doc = docs::file(era, index, file, &file.current);
            if let Value::Object(doc) = &mut doc {
                doc.insert("container_type".into(), json!("file"));
                doc.insert("node_type".into(), json!("file"));
            }
            doc
        }
    }
}

/// Everything along a path; the elements are exact and case counts. Of twins the older one is
/// found.
fn walk<'a>(
    index: &'a Index,
    levels: Levels,
    path: &[String],
) -> Result<Vec<Target<'a>>, ApiError> {
    let mut nodes = Vec::new();
    let mut at: Option<&Container> = None;
    let mut rest = path.iter();
    while let Some(element) = rest.next() {
        if let (Some(container), true) = (at, element == "files") {
            let name = rest.next().map(String::as_str).unwrap_or_default();
            let file = index
                .file(&container.id, name)
                .filter(|_| rest.next().is_none());
            nodes.push(Target::File(file.ok_or_else(|| {
                ApiError::not_found(format!("No {name} file found."))
            })?));
            return Ok(nodes);
        }
        let kind = levels
            .below(at)
            .ok_or_else(|| ApiError::not_found("the path is too long"))?;
        let next = child(levels.children(index, at, kind), kind, element);
        let next = next
            .ok_or_else(|| ApiError::not_found(format!("No {element} {} found.", kind.name())))?;
        nodes.push(Target::Container(next));
        at = Some(next);
    }
    Ok(nodes)
}

fn child<'a>(children: Vec<&'a Container>, kind: Kind, element: &str) -> Option<&'a Container> {
    let id = element
        .strip_prefix("<id:")
        .and_then(|rest| rest.strip_suffix('>'));
    let mut children = children.into_iter();
    match id.or((kind == Kind::Group).then_some(element)) {
        Some(id) => children.find(|it| it.id == id),
        None => children.find(|it| it.label == element),
    }
}
