//! Subjects, sessions and acquisitions: found, or made where they are missing.
//!
//! Owns the rule that nothing is made twice: every container is looked for, exactly, before it is made, again after a
//! creation that may have worked, and never two of the same kind under one parent at the same time. Labels may identify,
//! so none gets into a message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{ContainerAnswer, ContainerKind, ContainerRef, Created, Listed, RemoteFile};
use super::client::{Client, optional};
use super::error::{ApiError, UploadError};
use super::matching::{Child, Choice, Wanted, choose};
use super::project::Project;
use super::retry::Tries;
use crate::routing::{Destination, SubjectPlace};

/// A list older than this is fetched again before something is made: another program may have made it meanwhile.
const STALE: Duration = Duration::from_secs(10);

/// A container on the server, as it was when this run first met it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// What files are sent to.
    pub reference: ContainerRef,
    /// This run made it.
    pub created: bool,
    /// The files that lay in it before this run.
    pub files: Vec<RemoteFile>,
}

/// The containers of one project, each found or made once per run.
pub struct Hierarchy {
    client: Client,
    project: Project,
    subjects: Slots<Option<Arc<Container>>>,
    families: Slots<Family>,
}

/// What is known of the children of one container.
#[derive(Default)]
struct Family {
    children: Option<(Instant, Vec<Child>)>,
    settled: HashMap<Wanted, Arc<Container>>,
}

/// One lock per key, so that work on one key waits and work on others does not.
struct Slots<T>(Mutex<HashMap<String, Arc<tokio::sync::Mutex<T>>>>);

impl<T: Default> Slots<T> {
    fn get(&self, key: &str) -> Arc<tokio::sync::Mutex<T>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key.to_owned()).or_default())
    }
}

impl Hierarchy {
    /// Nothing is asked of the server yet.
    pub fn new(client: Client, project: Project) -> Self {
        Self { client, project, subjects: Slots(Mutex::default()), families: Slots(Mutex::default()) }
    }

    /// The project that everything lies in.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The project itself as a container, with its files.
    pub async fn project_container(&self) -> Result<Arc<Container>, UploadError> {
        let reference = ContainerRef { kind: ContainerKind::Project, id: self.project.id.clone() };
        self.known(reference).await.map(Arc::new).map_err(ApiError::into_upload)
    }

    /// The subject of this label; made where there is none.
    pub async fn subject(&self, place: &SubjectPlace) -> Result<Arc<Container>, UploadError> {
        let slot = self.subjects.get(&place.label);
        let mut slot = slot.lock().await;
        if let Some(subject) = &*slot {
            return Ok(Arc::clone(subject));
        }
        let subject = self.find_or_make_subject(&place.label).await;
        let subject = Arc::new(subject.map_err(ApiError::into_upload)?);
        *slot = Some(Arc::clone(&subject));
        Ok(subject)
    }

    /// The session of a destination: by UID, else by a label without UID; see [`crate::routing`] for forced labels.
    pub async fn session(&self, place: &Destination) -> Result<Arc<Container>, UploadError> {
        let subject = self.subject(&place.subject).await?;
        let session = &place.session;
        // A session that the user named may take several studies: none of their UIDs is its own.
        let uid = session.uid.clone().filter(|_| !session.forced);
        let wanted = Wanted { label: session.label.clone(), uid, label_alone: session.forced };
        let mut body = json!({ "project": self.project.id, "subject": { "_id": subject.reference.id } });
        add_timestamp(&mut body, session.timestamp.as_deref());
        self.find_or_make(&subject.reference, ContainerKind::Session, wanted, body).await
    }

    /// The acquisition of a destination, with everything above it.
    pub async fn acquisition(&self, place: &Destination) -> Result<Arc<Container>, UploadError> {
        let session = self.session(place).await?;
        let acquisition = &place.acquisition;
        let wanted = Wanted { label: acquisition.label.clone(), uid: acquisition.uid.clone(), label_alone: false };
        let mut body = json!({ "session": session.reference.id });
        add_timestamp(&mut body, acquisition.timestamp.as_deref());
        self.find_or_make(&session.reference, ContainerKind::Acquisition, wanted, body).await
    }

    async fn find_or_make(
        &self,
        parent: &ContainerRef,
        kind: ContainerKind,
        wanted: Wanted,
        body: Value,
    ) -> Result<Arc<Container>, UploadError> {
        let family = self.families.get(&parent.id);
        let mut family = family.lock().await;
        if let Some(container) = family.settled.get(&wanted) {
            return Ok(Arc::clone(container));
        }
        let container = self.settle(&mut family, parent, kind, &wanted, body).await;
        let container = Arc::new(container.map_err(ApiError::into_upload)?);
        family.settled.insert(wanted, Arc::clone(&container));
        Ok(container)
    }

    /// Looks, makes, and looks again whenever making may have worked or collided.
    async fn settle(
        &self,
        family: &mut Family,
        parent: &ContainerRef,
        kind: ContainerKind,
        wanted: &Wanted,
        mut body: Value,
    ) -> Result<Container, ApiError> {
        let mut tries = Tries::new(&self.client, format!("POST /api/{}", kind.plural()));
        let mut collided = false;
        loop {
            let children = self.children(family, parent, kind).await?;
            let label = match choose(children, wanted) {
                Choice::Take(child) => return self.known(ContainerRef { kind, id: child.id.clone() }).await,
                Choice::Make(label) => label,
            };
            if family.is_stale() {
                family.children = None;
                continue;
            }
            set(&mut body, "label", Some(&label));
            set(&mut body, "uid", wanted.uid.as_deref());
            match self.make(kind, &body).await {
                Ok(container) => {
                    family.add(Child {
                        id: container.reference.id.clone(),
                        label,
                        uid: wanted.uid.clone(),
                        created: String::new(),
                    });
                    return Ok(container);
                }
                Err(error) if is_collision(&error) && !collided => collided = true,
                Err(error) => tries.wait(error).await?,
            }
            family.children = None;
        }
    }

    async fn children<'f>(
        &self,
        family: &'f mut Family,
        parent: &ContainerRef,
        kind: ContainerKind,
    ) -> Result<&'f [Child], ApiError> {
        if family.children.is_none() {
            let children = self.list(parent, kind).await?;
            family.children = Some((Instant::now(), children));
        }
        Ok(family.children.as_ref().map(|(_, children)| children.as_slice()).unwrap_or_default())
    }

    async fn list(&self, parent: &ContainerRef, kind: ContainerKind) -> Result<Vec<Child>, ApiError> {
        let listed: Listed<ContainerAnswer> = self.client.get(&format!("{}/{}", parent.path(), kind.plural())).await?;
        Ok(listed.into_vec().into_iter().map(Child::from).filter(|child| !child.id.is_empty()).collect())
    }

    /// One creation, tried once.
    async fn make(&self, kind: ContainerKind, body: &Value) -> Result<Container, ApiError> {
        let answer = self.client.post_once(&format!("/{}", kind.plural()), Some(body)).await?;
        let created: Created = answer.json()?;
        Ok(Container { reference: ContainerRef { kind, id: created.id }, created: true, files: Vec::new() })
    }

    /// A container that was there before, with its files: lists may leave them out.
    async fn known(&self, reference: ContainerRef) -> Result<Container, ApiError> {
        let answer: ContainerAnswer = self.client.get(&reference.path()).await?;
        Ok(Container { reference, created: false, files: answer.files })
    }

    /// Subjects are unique per project on the server, so one is looked up by itself: a project may have very many.
    async fn find_or_make_subject(&self, label: &str) -> Result<Container, ApiError> {
        let mut tries = Tries::new(&self.client, "POST /api/subjects");
        let mut collided = false;
        loop {
            let found = if collided { self.subject_in_list(label).await? } else { self.subject_by_lookup(label).await? };
            if let Some(subject) = found {
                return Ok(subject);
            }
            let body = json!({ "project": self.project.id, "label": label, "code": label });
            match self.make(ContainerKind::Subject, &body).await {
                Ok(subject) => return Ok(subject),
                Err(error) if is_collision(&error) && !collided => collided = true,
                Err(error) => tries.wait(error).await?,
            }
        }
    }

    async fn subject_by_lookup(&self, label: &str) -> Result<Option<Container>, ApiError> {
        // These are not labels to a lookup.
        if matches!(label, "files" | "analyses") || label.starts_with("<id:") {
            return self.subject_in_list(label).await;
        }
        let path = json!({ "path": [self.project.group, format!("<id:{}>", self.project.id), label] });
        let answer: Option<ContainerAnswer> = optional(self.client.ask("/lookup", &path).await)?;
        let Some(answer) = answer else { return Ok(None) };
        let is_subject = answer.container_type.as_deref() == Some("subject") && !answer.id.is_empty();
        let is_ours = answer.project_id() == Some(self.project.id.as_str());
        if answer.label.as_deref() != Some(label) || !is_subject || !is_ours {
            return self.subject_in_list(label).await;
        }
        let reference = ContainerRef { kind: ContainerKind::Subject, id: answer.id };
        Ok(Some(Container { reference, created: false, files: answer.files }))
    }

    async fn subject_in_list(&self, label: &str) -> Result<Option<Container>, ApiError> {
        let project = ContainerRef { kind: ContainerKind::Project, id: self.project.id.clone() };
        let subjects = self.list(&project, ContainerKind::Subject).await?;
        let wanted = Wanted { label: label.to_owned(), uid: None, label_alone: true };
        match choose(&subjects, &wanted) {
            Choice::Take(child) => {
                self.known(ContainerRef { kind: ContainerKind::Subject, id: child.id.clone() }).await.map(Some)
            }
            Choice::Make(_) => Ok(None),
        }
    }
}

impl Family {
    fn is_stale(&self) -> bool {
        self.children.as_ref().is_some_and(|(listed, _)| listed.elapsed() > STALE)
    }

    fn add(&mut self, child: Child) {
        if let Some((_, children)) = &mut self.children {
            children.push(child);
        }
    }
}

/// Somebody else made it first.
fn is_collision(error: &ApiError) -> bool {
    matches!(error.status(), Some(409 | 422))
}

/// Servers refuse a time without a zone; a container without a time is better than none.
fn add_timestamp(body: &mut Value, timestamp: Option<&str>) {
    set(body, "timestamp", timestamp.filter(|text| chrono::DateTime::parse_from_rfc3339(text).is_ok()));
}

fn set(body: &mut Value, name: &str, text: Option<&str>) {
    if let (Some(members), Some(text)) = (body.as_object_mut(), text) {
        members.insert(name.to_owned(), Value::from(text));
    }
}
