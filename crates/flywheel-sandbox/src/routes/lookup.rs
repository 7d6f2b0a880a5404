//! Lookup by path (group id, then labels), and of UIDs that the site has already.

use std::collections::HashSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::{Answer, Shared, accepts};
use crate::api_error::ApiError;
use crate::app::App;
use crate::documents::Documents;
use crate::index::Index;
use crate::model::{Container, ContainerType, FileRecord};
use crate::options::Era;
use crate::schema;

const MOST_UIDS: usize = 20_000;

/// What an element of a path names.
enum PathNode<'a> {
    Container(&'a Container),
    File(&'a FileRecord),
}

/// `POST /api/lookup`: the container or file at the end of the path.
pub async fn lookup(State(app): Shared, headers: HeaderMap, bytes: Bytes) -> Answer {
    let path = path(&app, &bytes)?;
    let levels = Levels::of(&app, &headers);
    app.read(|documents| {
        let nodes = walk(documents.index, levels, &path)?;
        let end = nodes
            .last()
            .map(|node| Json(show(documents, node)));
        end.ok_or_else(|| ApiError::not_found("the path is empty"))
    })
}

/// `POST /api/resolve`: the nodes of the path, and the children of the last one.
pub async fn resolve(State(app): Shared, headers: HeaderMap, bytes: Bytes) -> Answer {
    let path = path(&app, &bytes)?;
    let levels = Levels::of(&app, &headers);
    app.read(|documents| {
        let index = documents.index;
        let nodes = walk(index, levels, &path)?;
        let children = match nodes.last() {
            None => levels.below(index, None),
            Some(PathNode::Container(container)) => {
                let mut children = levels.below(index, Some(container));
                children.extend(
                    index
                        .files(&container.id)
                        .map(PathNode::File),
                );
                children
            }
            Some(PathNode::File(_)) => Vec::new(),
        };
        let shown = |nodes: &[PathNode<'_>]| -> Vec<Value> {
            nodes
                .iter()
                .map(|node| show(documents, node))
                .collect()
        };
        Ok(Json(
            json!({"path": shown(&nodes), "children": shown(&children)}),
        ))
    })
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

    /// The type of the containers right below one; of groups for none.
    fn child(self, container: Option<&Container>) -> Option<ContainerType> {
        match container.map(|it| it.kind) {
            None => Some(ContainerType::Group),
            Some(ContainerType::Project) if !self.subjects => Some(ContainerType::Session),
            Some(kind) => kind.child(),
        }
    }

    fn children<'a>(
        self,
        index: &'a Index,
        container: Option<&Container>,
        kind: ContainerType,
    ) -> Vec<&'a Container> {
        match container {
            Some(container) if !self.subjects => index.descendants(&container.id, kind),
            container => index
                .children(container.map(|it| it.id.as_str()))
                .collect(),
        }
    }

    fn below<'a>(self, index: &'a Index, container: Option<&Container>) -> Vec<PathNode<'a>> {
        self.child(container)
            .map(|kind| self.children(index, container, kind))
            .into_iter()
            .flatten()
            .map(PathNode::Container)
            .collect()
    }
}

/// `POST /api/uids`: which of these UIDs sessions or acquisitions anywhere carry.
pub async fn uids(State(app): Shared, bytes: Bytes) -> Answer {
    let body = schema::object(&bytes)?;
    let mut answer = Map::new();
    for (key, kind) in [
        ("sessions", ContainerType::Session),
        ("acquisitions", ContainerType::Acquisition),
    ] {
        let wanted = texts(
            body.get(key)
                .unwrap_or(&Value::Null),
            key,
        )?;
        if wanted.len() > MOST_UIDS {
            return Err(ApiError::unprocessable("too many uids in one request"));
        }
        let projects = projects(&body);
        let there: HashSet<String> = app.store.read(|index| {
            let inside = |it: &&Container| {
                projects.is_empty()
                    || index
                        .lineage(it)
                        .any(|above| projects.contains(&above.id))
            };
            let uids = index
                .all(kind)
                .filter(inside)
                .filter_map(|it| {
                    it.fields
                        .get("uid")
                        .and_then(Value::as_str)
                });
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

fn texts(value: &Value, key: &str) -> Result<Vec<String>, ApiError> {
    Option::deserialize(value)
        .map(Option::unwrap_or_default)
        .map_err(|_| ApiError::invalid(format!("'{key}' must be a list of texts")))
}

fn path(app: &App, bytes: &[u8]) -> Result<Vec<String>, ApiError> {
    let path = schema::object(bytes).and_then(|body| match body.get("path") {
        Some(path) => texts(path, "path"),
        None => Err(ApiError::invalid("'path' is a required property")),
    });
    path.map_err(|error| match app.options.era {
        // These servers fail on a body that they cannot read.
        Era::Mid => ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, error.message()),
        Era::Old | Era::Current => error,
    })
}

fn show(documents: Documents<'_>, node: &PathNode<'_>) -> Value {
    let (mut doc, kind) = match node {
        PathNode::Container(container) => (documents.container(container), container.kind.name()),
        PathNode::File(file) => (documents.file(file), "file"),
    };
    if let Value::Object(doc) = &mut doc {
        doc.insert("container_type".into(), json!(kind));
        doc.insert("node_type".into(), json!(kind));
    }
    doc
}

/// The nodes of a path. Its elements are compared exactly; of two children with the same label the
/// older one is found.
fn walk<'a>(
    index: &'a Index,
    levels: Levels,
    path: &[String],
) -> Result<Vec<PathNode<'a>>, ApiError> {
    let mut nodes = Vec::new();
    let mut at: Option<&Container> = None;
    let mut rest = path.iter();
    while let Some(element) = rest.next() {
        if let (Some(container), true) = (at, element == "files") {
            let name = rest
                .next()
                .map(String::as_str)
                .unwrap_or_default();
            let file = index
                .file(&container.id, name)
                .filter(|_| rest.next().is_none());
            nodes.push(PathNode::File(file.ok_or_else(|| {
                ApiError::not_found(format!("No {name} file found."))
            })?));
            return Ok(nodes);
        }
        let kind = levels
            .child(at)
            .ok_or_else(|| ApiError::not_found("the path is too long"))?;
        let next = child(levels.children(index, at, kind), kind, element);
        let next = next
            .ok_or_else(|| ApiError::not_found(format!("No {element} {} found.", kind.name())))?;
        nodes.push(PathNode::Container(next));
        at = Some(next);
    }
    Ok(nodes)
}

fn child<'a>(
    children: Vec<&'a Container>,
    kind: ContainerType,
    element: &str,
) -> Option<&'a Container> {
    let id = element
        .strip_prefix("<id:")
        .and_then(|rest| rest.strip_suffix('>'));
    let mut children = children.into_iter();
    match id.or((kind == ContainerType::Group).then_some(element)) {
        Some(id) => children.find(|it| it.id == id),
        None => children.find(|it| it.label == element),
    }
}
