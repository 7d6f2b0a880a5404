//! Subjects, sessions and acquisitions: found, or made where they are missing.
//!
//! Owns the rule that nothing is made twice: every container is looked for, exactly, before it is made, again after a
//! creation that may have worked, and never two of the same kind under one parent at the same time. Where other runs make
//! containers too it looks again after each creation: of twins all runs take the oldest, and the others are told of. Labels
//! may identify, so none gets into a message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::answer::{ContainerAnswer, ContainerKind, ContainerRef, Created, RemoteFile};
use super::client::Client;
use super::error::{ApiError, Kind, UploadError};
use super::matching::{Child, Choice, Wanted, choose, twins};
use super::project::Project;
use super::retry::{ClientNotice, Tries};
use super::subjects::Subject;
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
    pub(super) client: Client,
    pub(super) project: Project,
    subjects: Slots<Option<Subject>>,
    families: Slots<Family>,
    /// Other runs make containers here at the same time.
    shared: bool,
    /// The server is from before subjects were containers.
    pub(super) without_subjects: OnceCell<bool>,
}

/// Where containers of one kind lie side by side.
pub(super) struct Siblings {
    kind: ContainerKind,
    /// Where they are listed, below `/api`.
    pub(super) list: String,
    /// Of all that are listed there, only those of this subject count.
    code: Option<String>,
}

impl Siblings {
    pub(super) fn under(parent: &ContainerRef, kind: ContainerKind) -> Self {
        Self { kind, list: format!("{}/{}", parent.path(), kind.plural()), code: None }
    }

    fn key(&self) -> String {
        format!("{}\u{0}{}", self.list, self.code.as_deref().unwrap_or_default())
    }
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
        let (subjects, families) = (Slots(Mutex::default()), Slots(Mutex::default()));
        Self { client, project, subjects, families, shared: false, without_subjects: OnceCell::new() }
    }

    /// The same, where other runs make containers at the same time, if they do.
    #[must_use]
    pub fn among_others(self, shared: bool) -> Self {
        Self { shared, ..self }
    }

    /// The project that everything lies in.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The project itself as a container, with its files.
    pub async fn project_container(&self) -> Result<Arc<Container>, UploadError> {
        self.known(self.project_reference()).await.map(Arc::new).map_err(ApiError::into_upload)
    }

    pub(super) fn project_reference(&self) -> ContainerRef {
        ContainerRef { kind: ContainerKind::Project, id: self.project.id.clone() }
    }

    /// The subject of this label; made where there is none.
    pub(super) async fn subject(&self, place: &SubjectPlace) -> Result<Subject, UploadError> {
        let slot = self.subjects.get(&place.label);
        let mut slot = slot.lock().await;
        if let Some(subject) = &*slot {
            return Ok(subject.clone());
        }
        let subject = self.find_or_make_subject(&place.label).await.map_err(ApiError::into_upload)?;
        Ok(slot.insert(subject).clone())
    }

    /// The session of a destination: by UID, else by a label without UID; see [`crate::routing`] for forced labels.
    pub async fn session(&self, place: &Destination) -> Result<Arc<Container>, UploadError> {
        let subject = self.subject(&place.subject).await?;
        let session = &place.session;
        // A session that the user named may take several studies: none of their UIDs is its own.
        let uid = session.uid.clone().filter(|_| !session.forced);
        let wanted = Wanted { label: session.label.clone(), uid, label_alone: session.forced };
        let (siblings, whose) = match subject {
            Subject::Container(subject) => {
                (Siblings::under(&subject.reference, ContainerKind::Session), json!({ "_id": subject.reference.id }))
            }
            Subject::Code(code) => {
                let all = Siblings::under(&self.project_reference(), ContainerKind::Session);
                (Siblings { code: Some(code.clone()), ..all }, json!({ "code": code }))
            }
        };
        let mut body = json!({ "project": self.project.id, "subject": whose });
        add_timestamp(&mut body, session.timestamp.as_deref());
        self.find_or_make(&siblings, wanted, body).await
    }

    /// The acquisition of a destination, with everything above it.
    pub async fn acquisition(&self, place: &Destination) -> Result<Arc<Container>, UploadError> {
        let session = self.session(place).await?;
        let acquisition = &place.acquisition;
        let wanted = Wanted { label: acquisition.label.clone(), uid: acquisition.uid.clone(), label_alone: false };
        let mut body = json!({ "session": session.reference.id });
        add_timestamp(&mut body, acquisition.timestamp.as_deref());
        self.find_or_make(&Siblings::under(&session.reference, ContainerKind::Acquisition), wanted, body).await
    }

    async fn find_or_make(&self, among: &Siblings, wanted: Wanted, body: Value) -> Result<Arc<Container>, UploadError> {
        let family = self.families.get(&among.key());
        let mut family = family.lock().await;
        if let Some(container) = family.settled.get(&wanted) {
            return Ok(Arc::clone(container));
        }
        let container = self.settle(&mut family, among, &wanted, body).await;
        let container = Arc::new(container.map_err(ApiError::into_upload)?);
        family.settled.insert(wanted, Arc::clone(&container));
        Ok(container)
    }

    /// Looks, makes, and looks again whenever making may have worked or collided.
    async fn settle(
        &self,
        family: &mut Family,
        among: &Siblings,
        wanted: &Wanted,
        mut body: Value,
    ) -> Result<Container, ApiError> {
        let kind = among.kind;
        let mut tries = Tries::new(&self.client, format!("POST /api/{}", kind.plural()));
        let (mut collided, mut made) = (false, None::<Container>);
        loop {
            let children = self.children(family, among).await?;
            let label = match choose(children, wanted) {
                Choice::Take(child) => {
                    self.tell_of_twins(kind, child, children, wanted);
                    if let Some(made) = made.filter(|made| made.reference.id == child.id) {
                        return Ok(made);
                    }
                    return self.known(ContainerRef { kind, id: child.id.clone() }).await;
                }
                Choice::Make(label) => label,
            };
            // A list that lags behind.
            if let Some(made) = made {
                return Ok(made);
            }
            if family.is_stale() {
                family.children = None;
                continue;
            }
            set(&mut body, "label", Some(&label));
            set(&mut body, "uid", wanted.uid.as_deref());
            match self.make(kind, &body).await {
                // Another run may have made the same between our look and this: of two, both have to take one.
                Ok(container) if self.shared => (family.children, made) = (None, Some(container)),
                Ok(container) => {
                    family.add(Child {
                        id: container.reference.id.clone(),
                        label,
                        uid: wanted.uid.clone(),
                        created: String::new(),
                    });
                    return Ok(container);
                }
                Err(error) => {
                    // It may have been made all the same: nothing is made here again from the list as it was.
                    family.children = None;
                    collided = again(&mut tries, error, collided).await?;
                }
            }
        }
    }

    fn tell_of_twins(&self, kind: ContainerKind, taken: &Child, children: &[Child], wanted: &Wanted) {
        for twin in twins(taken, children, wanted) {
            self.client.tell(ClientNotice::Twin { kind, taken: taken.id.clone(), twin: twin.id.clone() });
        }
    }

    async fn children<'f>(&self, family: &'f mut Family, among: &Siblings) -> Result<&'f [Child], ApiError> {
        if family.children.is_none() {
            let children = self.list(among).await?;
            family.children = Some((Instant::now(), children));
        }
        Ok(family.children.as_ref().map(|(_, children)| children.as_slice()).unwrap_or_default())
    }

    /// Those that lie in this project. A server lists others too where somebody moved a subject between projects.
    pub(super) async fn list(&self, among: &Siblings) -> Result<Vec<Child>, ApiError> {
        let listed = self.client.list(&among.list).await?;
        let counts = |answer: &ContainerAnswer| {
            !answer.id.is_empty()
                && answer.project_id().is_none_or(|project| project == self.project.id)
                && (among.code.is_none() || answer.subject.code == among.code)
        };
        Ok(listed.into_iter().filter(counts).map(Child::from).collect())
    }

    /// One creation, tried once.
    pub(super) async fn make(&self, kind: ContainerKind, body: &Value) -> Result<Container, ApiError> {
        let answer = self.client.post_once(&format!("/{}", kind.plural()), Some(body)).await;
        let created: Created = answer.map_err(|error| error.while_creating(kind))?.json()?;
        if created.id.is_empty() {
            return Err(ApiError::unexpected(self.client.host(), "it does not say what it made"));
        }
        Ok(Container { reference: ContainerRef { kind, id: created.id }, created: true, files: Vec::new() })
    }

    /// A container that was there before, with its files: lists may leave them out.
    pub(super) async fn known(&self, reference: ContainerRef) -> Result<Container, ApiError> {
        let answer: ContainerAnswer = self.client.get_listing(&reference.path()).await?;
        if answer.project_id().is_some_and(|project| project != self.project.id) {
            let what = format!("a {} that it listed lies in another project", reference.kind.as_str());
            return Err(ApiError::unexpected(self.client.host(), what));
        }
        Ok(Container { reference, created: false, files: answer.files })
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

/// Prepares another look after a creation that failed: at once, but only once, where somebody else may have been first or
/// the answer was no answer; else after a wait.
pub(super) async fn again(tries: &mut Tries<'_>, error: ApiError, looked: bool) -> Result<bool, ApiError> {
    let unclear = matches!(error.status(), Some(409 | 422)) || matches!(error.kind, Kind::Unexpected { .. });
    if unclear && !looked {
        return Ok(true);
    }
    tries.wait(error).await?;
    Ok(looked)
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
