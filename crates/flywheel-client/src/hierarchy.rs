//! Subjects, sessions and acquisitions: found, or made where they are missing.
//!
//! Owns the rule that nothing is made twice: every container is looked for, exactly, before it is
//! made, again after a creation, and never two of the same kind under one parent at the same time.
//! Of twins that several runs made at once all take the oldest; a run removes its own again while
//! it is empty. A rehearsal looks in the same way and makes nothing. Labels may identify, so none
//! gets into a message.

mod container;
mod matching;
mod subjects;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::client::Client;
use crate::error::{ClientError, Operation, RequestError, RequestFailure};
use crate::listing::{ContainerAnswer, Created, RemoteFile};
use crate::notice::ClientNotice;
use crate::project::Project;
use crate::reference::{ContainerKind, ContainerRef, segment};
use crate::retry::Tries;
use crate::target::{Destination, SubjectTarget};
use container::Step;
pub use container::{Container, Origin};
use matching::{Child, Choice, Wanted, choose, twins};
use subjects::Subject;

/// A list older than this is fetched again before something is made: another program may have made
/// it meanwhile.
const STALE: Duration = Duration::from_secs(10);

/// What happens to a study that is in the project already, under another subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StudyElsewhere {
    /// The client tells it.
    #[default]
    Warn,
    /// It is not sent.
    Fail,
}

/// The containers of one project, each found or made once per run.
pub struct Hierarchy {
    client: Client,
    project: Project,
    subjects: Slots<OnceCell<Subject>>,
    families: Slots<tokio::sync::Mutex<Family>>,
    /// Nothing is made: what is not there is a container that would be.
    pub rehearsal: bool,
    /// What happens to studies that are under another subject.
    pub study_elsewhere: StudyElsewhere,
    /// The server is from before subjects were containers.
    without_subjects: OnceCell<bool>,
}

/// Where containers of one kind lie side by side.
struct Siblings {
    kind: ContainerKind,
    /// Where they are listed, below `/api`; none below a container that is not there.
    list: Option<String>,
    /// Of all that are listed there, only those of this subject count.
    code: Option<String>,
    /// What tells them from others.
    key: String,
    /// The containers above them.
    above: Vec<Step>,
}

impl Siblings {
    fn under(parent: &Container, kind: ContainerKind) -> Self {
        let list = format!("{}/{}", parent.reference.path(), kind.plural());
        Self {
            kind,
            key: list.clone(),
            list: Some(list).filter(|_| !parent.is_rehearsed()),
            code: None,
            above: parent.steps(),
        }
    }

    /// Those of a subject that is no more than a code which they bear.
    fn of_code(self, code: String) -> Self {
        let above = vec![Step {
            id: code.clone(),
            label: code.clone(),
        }];
        Self {
            key: format!("{}\u{0}{code}", self.key),
            code: Some(code),
            above,
            ..self
        }
    }
}

/// What is known of the children of one container.
#[derive(Default)]
struct Family {
    children: Option<(Instant, Vec<Child>)>,
    settled: HashMap<Wanted, Arc<Container>>,
}

/// One slot per key, so that work on one key waits and work on others does not.
struct Slots<T>(Mutex<HashMap<String, Arc<T>>>);

impl<T: Default> Slots<T> {
    fn get(&self, key: &str) -> Arc<T> {
        let mut slots = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            slots
                .entry(key.to_owned())
                .or_default(),
        )
    }
}

impl Hierarchy {
    /// Nothing is asked of the server yet.
    pub fn new(client: Client, project: Project) -> Self {
        Self {
            client,
            project,
            subjects: Slots(Mutex::default()),
            families: Slots(Mutex::default()),
            rehearsal: false,
            study_elsewhere: StudyElsewhere::default(),
            without_subjects: OnceCell::new(),
        }
    }

    /// The project itself as a container, with its files.
    ///
    /// # Errors
    /// [`ClientError::Request`].
    pub async fn project_container(&self) -> Result<Arc<Container>, ClientError> {
        Ok(Arc::new(if self.is_project_rehearsed() {
            self.project_itself()
        } else {
            self.known(self.project_reference())
                .await?
        }))
    }

    /// The subject of a destination as a container; the project where subjects are no containers.
    ///
    /// # Errors
    /// [`ClientError::Request`].
    pub async fn subject_container(
        &self,
        target: &SubjectTarget,
    ) -> Result<Arc<Container>, ClientError> {
        match self.subject(target).await? {
            Subject::Container(subject) => Ok(subject),
            Subject::Code(_) => self.project_container().await,
        }
    }

    /// The files in a container now.
    ///
    /// # Errors
    /// [`ClientError::Request`], with status 404 where it is gone.
    pub async fn files_now(&self, container: &Container) -> Result<Arc<[RemoteFile]>, ClientError> {
        if container.is_rehearsed() || container.is_recent() {
            return Ok(container.files());
        }
        let now = self
            .client
            .get_listing::<ContainerAnswer>(&container.reference.path())
            .await;
        Ok(container.has_now(now?.files))
    }

    /// The project would be made.
    fn is_project_rehearsed(&self) -> bool {
        self.rehearsal && self.project.id.is_none()
    }

    /// The reference of the project. Where it would be made, its label stands for its id, as with
    /// subjects that would be made; no request is made with it then.
    fn project_reference(&self) -> ContainerRef {
        let Project { id, label, .. } = &self.project;
        ContainerRef::new(ContainerKind::Project, id.as_ref().unwrap_or(label))
    }

    /// Whether this is the id of the project.
    fn is_here(&self, project: &str) -> bool {
        self.project.id.as_deref() == Some(project)
    }

    /// The project without a look at its files.
    fn project_itself(&self) -> Container {
        let origin = if self.is_project_rehearsed() {
            Origin::Rehearsed
        } else {
            Origin::Found
        };
        Container::new(
            self.project_reference(),
            self.project.label.clone(),
            origin,
            Vec::new(),
        )
    }

    /// The subject of this label; made where there is none.
    async fn subject(&self, target: &SubjectTarget) -> Result<Subject, ClientError> {
        let slot = self.subjects.get(&target.label);
        let subject = slot
            .get_or_try_init(|| self.find_or_make_subject(target))
            .await?;
        Ok(subject.clone())
    }

    /// The session of a destination: by UID, else by a label without UID; a forced label counts
    /// alone.
    ///
    /// # Errors
    /// [`ClientError::StudyElsewhere`], [`ClientError::Request`].
    pub async fn session(&self, target: &Destination) -> Result<Arc<Container>, ClientError> {
        let subject = self
            .subject(&target.subject)
            .await?;
        let session = &target.session;
        // A session that the user named may take several studies: none of their UIDs is its own.
        let uid = session
            .uid
            .clone()
            .filter(|_| !session.forced);
        let wanted = Wanted {
            label: session.label.clone(),
            uid,
            label_alone: session.forced,
        };
        let (siblings, whose) = match subject {
            Subject::Container(subject) => (
                Siblings::under(&subject, ContainerKind::Session),
                json!({ "_id": subject.reference.id }),
            ),
            Subject::Code(code) => {
                let all = Siblings::under(&self.project_itself(), ContainerKind::Session);
                (all.of_code(code.clone()), json!({ "code": code }))
            }
        };
        let mut body = json!({ "project": self.project.id, "subject": whose });
        session.fields.add_to(&mut body);
        add_timestamp(&mut body, session.timestamp.as_deref());
        self.find_or_make(&siblings, wanted, body)
            .await
    }

    /// The acquisition of a destination, with everything above it.
    ///
    /// # Errors
    /// [`ClientError::StudyElsewhere`], [`ClientError::Request`].
    pub async fn acquisition(&self, target: &Destination) -> Result<Arc<Container>, ClientError> {
        let session = self.session(target).await?;
        let acquisition = &target.acquisition;
        let wanted = Wanted {
            label: acquisition.label.clone(),
            uid: acquisition.uid.clone(),
            label_alone: false,
        };
        let mut body = json!({ "session": session.reference.id });
        acquisition.fields.add_to(&mut body);
        add_timestamp(&mut body, acquisition.timestamp.as_deref());
        self.find_or_make(
            &Siblings::under(&session, ContainerKind::Acquisition),
            wanted,
            body,
        )
        .await
    }

    async fn find_or_make(
        &self,
        among: &Siblings,
        wanted: Wanted,
        body: Value,
    ) -> Result<Arc<Container>, ClientError> {
        let family = self.families.get(&among.key);
        let mut family = family.lock().await;
        if let Some(container) = family.settled.get(&wanted) {
            return Ok(Arc::clone(container));
        }
        let container = self
            .settle(&mut family, among, &wanted, body)
            .await;
        let container = Arc::new(container?.below(among.above.clone()));
        family
            .settled
            .insert(wanted, Arc::clone(&container));
        Ok(container)
    }

    /// Looks, makes, and looks again after every creation: another run may have made the same
    /// meanwhile.
    async fn settle(
        &self,
        family: &mut Family,
        among: &Siblings,
        wanted: &Wanted,
        mut body: Value,
    ) -> Result<Container, ClientError> {
        let kind = among.kind;
        let mut tries = self
            .client
            .tries(format!("POST /api/{}", kind.plural()));
        let (mut collided, mut made) = (false, None::<Container>);
        loop {
            let children = self.children(family, among).await?;
            let label = match choose(children, wanted) {
                Choice::Take(child) => {
                    return Ok(self
                        .take(among, child, children, made, wanted)
                        .await?);
                }
                Choice::Make(label) => label,
            };
            // A list that lags behind.
            if let Some(made) = made {
                return Ok(made);
            }
            if family.is_stale() && !self.rehearsal {
                family.children = None;
                continue;
            }
            self.look_elsewhere(among, wanted)
                .await?;
            if self.rehearsal {
                return Ok(family.rehearse(among, label, wanted));
            }
            set(&mut body, "label", Some(&label));
            set(&mut body, "uid", wanted.uid.as_deref());
            match self.make(kind, &label, &body).await {
                Ok(container) => made = Some(container),
                // It may have been made all the same: nothing is made here again from the list as
                // it was.
                Err(error) => {
                    collided = again(&mut tries, error, collided).await?;
                }
            }
            family.children = None;
        }
    }

    /// The child that is meant. One that this run made and that is not meant goes again.
    async fn take(
        &self,
        among: &Siblings,
        taken: &Child,
        children: &[Child],
        made: Option<Container>,
        wanted: &Wanted,
    ) -> Result<Container, RequestError> {
        let lost = made
            .as_ref()
            .map(|made| made.reference.id.clone())
            .filter(|id| *id != taken.id);
        for twin in twins(taken, children, wanted) {
            let is_lost = lost.as_ref() == Some(&twin.id);
            let twin = ContainerRef::new(among.kind, &twin.id);
            self.settle_twin(twin, &taken.id, is_lost)
                .await;
        }
        let reference = ContainerRef::new(among.kind, &taken.id);
        match made.filter(|made| made.reference.id == taken.id) {
            Some(made) => Ok(made),
            None if taken.rehearsed => Ok(Container::new(
                reference,
                taken.label.clone(),
                Origin::Rehearsed,
                Vec::new(),
            )),
            None => self.known(reference).await,
        }
    }

    /// Removes a twin that this run made, while it is empty. One that holds something is told of;
    /// an empty one is in no way.
    async fn settle_twin(&self, twin: ContainerRef, taken: &str, made_here: bool) {
        let empty = self
            .is_empty(&twin)
            .await
            .unwrap_or(false);
        let removed = empty
            && made_here
            && self
                .client
                .remove(&twin.path())
                .await
                .is_ok();
        if !removed && (made_here || !empty) {
            let (taken, kind) = (taken.to_owned(), twin.kind);
            self.client
                .transport
                .tell(ClientNotice::Twin {
                    kind,
                    taken,
                    twin: twin.id,
                    empty,
                });
        }
    }

    /// Whether neither a file nor another container lies in one.
    async fn is_empty(&self, container: &ContainerRef) -> Result<bool, RequestError> {
        let answer: ContainerAnswer = self
            .client
            .get_listing(&container.path())
            .await?;
        if !answer.files.is_empty() || answer.id != container.id {
            return Ok(false);
        }
        let below = match container.kind {
            ContainerKind::Acquisition => return Ok(true),
            ContainerKind::Session => ContainerKind::Acquisition,
            ContainerKind::Project | ContainerKind::Subject => ContainerKind::Session,
        };
        let list = format!("{}/{}?limit=1", container.path(), below.plural());
        Ok(self
            .client
            .page(&list)
            .await?
            .0
            .is_empty())
    }

    /// Whether the study of a session that is about to be made is in the project already, under
    /// another subject.
    async fn look_elsewhere(&self, among: &Siblings, wanted: &Wanted) -> Result<(), ClientError> {
        let (ContainerKind::Session, Some(uid), Some(project)) =
            (among.kind, wanted.uid.as_ref(), &self.project.id)
        else {
            return Ok(());
        };
        let filter = format!("project={project},uid=\"{uid}\"");
        let list = format!("/sessions?filter={}&limit=100", segment(&filter));
        // Servers that cannot filter are no reason not to send: the answer is a service to the
        // user.
        let Ok((listed, _)) = self.client.page(&list).await else {
            return Ok(());
        };
        let subject = among
            .above
            .first()
            .map_or("", |subject| subject.id.as_str());
        let elsewhere = listed.into_iter().find(|session| {
            let whose = session.subject_id();
            session.uid.as_ref() == Some(uid)
                && session.project_id() == Some(project)
                && whose.is_some_and(|whose| whose != subject)
        });
        let Some(ContainerAnswer { id: session, .. }) = elsewhere else {
            return Ok(());
        };
        if self.study_elsewhere == StudyElsewhere::Fail {
            return Err(ClientError::StudyElsewhere { session });
        }
        self.client
            .transport
            .tell(ClientNotice::StudyElsewhere { session });
        Ok(())
    }

    async fn children<'f>(
        &self,
        family: &'f mut Family,
        among: &Siblings,
    ) -> Result<&'f [Child], RequestError> {
        if family.children.is_none() {
            let children = self.list(among).await?;
            family.children = Some((Instant::now(), children));
        }
        Ok(family
            .children
            .as_ref()
            .map(|(_, children)| children.as_slice())
            .unwrap_or_default())
    }

    /// Those that lie in this project. A server lists others too where a subject was moved
    /// between projects.
    async fn list(&self, among: &Siblings) -> Result<Vec<Child>, RequestError> {
        let Some(list) = &among.list else {
            return Ok(Vec::new());
        };
        let listed = self.client.list(list).await?;
        let counts = |answer: &ContainerAnswer| {
            !answer.id.is_empty()
                && answer
                    .project_id()
                    .is_none_or(|project| self.is_here(project))
                && (among.code.is_none() || answer.subject.code == among.code)
        };
        Ok(listed
            .into_iter()
            .filter(counts)
            .map(Child::from)
            .collect())
    }

    /// One creation, tried once.
    async fn make(
        &self,
        kind: ContainerKind,
        label: &str,
        body: &Value,
    ) -> Result<Container, RequestError> {
        let answer = self
            .client
            .post_once(&format!("/{}", kind.plural()), Some(body))
            .await;
        let created: Created = answer
            .map_err(|error| error.during(Operation::Create(kind)))?
            .json()?;
        if created.id.is_empty() {
            return Err(self
                .client
                .unexpected("it does not say what it made"));
        }
        Ok(Container::new(
            ContainerRef::new(kind, created.id),
            label.to_owned(),
            Origin::Made,
            Vec::new(),
        ))
    }

    /// A container that was there before, with its files: lists may leave them out.
    async fn known(&self, reference: ContainerRef) -> Result<Container, RequestError> {
        let answer: ContainerAnswer = self
            .client
            .get_listing(&reference.path())
            .await?;
        if answer
            .project_id()
            .is_some_and(|project| !self.is_here(project))
        {
            let what = format!(
                "a {} that it listed lies in another project",
                reference.kind.as_str()
            );
            return Err(self.client.unexpected(what));
        }
        let label = answer.label.unwrap_or_default();
        Ok(Container::new(
            reference,
            label,
            Origin::Found,
            answer.files,
        ))
    }
}

impl Family {
    fn is_stale(&self) -> bool {
        self.children
            .as_ref()
            .is_some_and(|(listed, _)| listed.elapsed() > STALE)
    }

    /// Takes a container that would be made for one that is there from now on.
    fn rehearse(&mut self, among: &Siblings, label: String, wanted: &Wanted) -> Container {
        let children = &mut self
            .children
            .get_or_insert_with(|| (Instant::now(), Vec::new()))
            .1;
        let id = format!("{}\u{0}{}", among.key, children.len());
        let (uid, created) = (wanted.uid.clone(), String::new());
        children.push(Child {
            id: id.clone(),
            label: label.clone(),
            uid,
            created,
            rehearsed: true,
        });
        Container::new(
            ContainerRef::new(among.kind, id),
            label,
            Origin::Rehearsed,
            Vec::new(),
        )
    }
}

/// Prepares another look after a creation that failed: at once, but only once, where another
/// program may have been first or the answer was no answer; else after a wait.
async fn again(
    tries: &mut Tries<'_>,
    error: RequestError,
    looked: bool,
) -> Result<bool, RequestError> {
    let unclear = matches!(error.status(), Some(409 | 422))
        || matches!(error.failure, RequestFailure::Unexpected { .. });
    if unclear && !looked {
        return Ok(true);
    }
    tries.wait(error).await?;
    Ok(looked)
}

/// Servers refuse a time without a zone; a container without a time is better than none.
fn add_timestamp(body: &mut Value, timestamp: Option<&str>) {
    let zoned = |text: &&str| chrono::DateTime::parse_from_rfc3339(text).is_ok();
    set(body, "timestamp", timestamp.filter(zoned));
}

fn set(body: &mut Value, name: &str, text: Option<&str>) {
    if let (Some(members), Some(text)) = (body.as_object_mut(), text) {
        members.insert(name.to_owned(), Value::from(text));
    }
}
