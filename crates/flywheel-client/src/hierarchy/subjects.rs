//! Subjects: containers of a project, or on old servers no more than a code that sessions bear.
//!
//! Owns the rule that a subject is this project's own: a server that is given the id of another one
//! moves it, with all that lies in it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::container::{Container, Origin};
use super::matching::{Choice, Wanted, choose};
use super::{Hierarchy, Siblings, again};
use crate::client::optional;
use crate::error::RequestError;
use crate::listing::ContainerAnswer;
use crate::reference::{ContainerKind, ContainerRef};
use crate::target::SubjectTarget;

/// Whose sessions they are.
#[derive(Debug, Clone)]
pub enum Subject {
    /// A container of this project.
    Container(Arc<Container>),
    /// Nothing but a code that sessions bear, on old servers.
    Code(String),
}

impl Hierarchy {
    /// Subjects are unique per project on the server, so one is looked up by itself: a project may
    /// have very many.
    pub(super) async fn find_or_make_subject(
        &self,
        target: &SubjectTarget,
    ) -> Result<Subject, RequestError> {
        let label = target.label.as_str();
        let mut tries = self
            .client
            .tries("POST /api/subjects");
        let mut collided = false;
        loop {
            if self.without_subjects.get() == Some(&true) {
                return Ok(Subject::Code(label.to_owned()));
            }
            if self.is_project_rehearsed() {
                return Ok(Subject::Container(Arc::new(rehearsed(label))));
            }
            let found = if collided {
                self.subject_in_list(label).await?
            } else {
                self.subject_by_lookup(label)
                    .await?
            };
            if let Some(subject) = found {
                return Ok(Subject::Container(Arc::new(subject)));
            }
            if self.rehearsal {
                return Ok(Subject::Container(Arc::new(rehearsed(label))));
            }
            let mut body = json!({ "project": self.project.id, "label": label, "code": label });
            target.fields.add_to(&mut body);
            match self
                .make(ContainerKind::Subject, label, &body)
                .await
            {
                Ok(subject) => return Ok(Subject::Container(Arc::new(subject))),
                Err(error) if is_absence(&error) && self.has_no_subjects().await? => {}
                Err(error) => collided = again(&mut tries, error, collided).await?,
            }
        }
    }

    /// Whether the server knows no subjects at all, rather than not this project.
    async fn has_no_subjects(&self) -> Result<bool, RequestError> {
        let ask = || async {
            let list = format!("{}/subjects?limit=1", self.project_reference().path());
            match self
                .client
                .get_listing::<Value>(&list)
                .await
            {
                Err(error) if is_absence(&error) => self
                    .known(self.project_reference())
                    .await
                    .map(|_| true),
                listed => listed.map(|_| false),
            }
        };
        self.without_subjects
            .get_or_try_init(ask)
            .await
            .copied()
    }

    async fn subject_by_lookup(&self, label: &str) -> Result<Option<Container>, RequestError> {
        // These are not labels to a lookup.
        if matches!(label, "files" | "analyses") || label.starts_with("<id:") {
            return self.subject_in_list(label).await;
        }
        let path = json!({ "path": [self.project.group, format!("<id:{}>", self.project_reference().id), label] });
        let answer: Option<ContainerAnswer> = match optional(
            self.client
                .ask("/lookup", &path)
                .await,
        ) {
            // The path leads through the group, which users without a role in it are refused.
            Err(error) if error.status() == Some(403) => {
                return self.subject_in_list(label).await;
            }
            answer => answer?,
        };
        let Some(answer) = answer else {
            return Ok(None);
        };
        let is_subject =
            answer.container_type.as_deref() == Some("subject") && !answer.id.is_empty();
        let is_ours = answer
            .project_id()
            .is_some_and(|project| self.is_here(project));
        if answer.label.as_deref() != Some(label) || !is_subject || !is_ours {
            return self.subject_in_list(label).await;
        }
        let reference = ContainerRef::new(ContainerKind::Subject, answer.id);
        Ok(Some(Container::new(
            reference,
            label.to_owned(),
            Origin::Found,
            answer.files,
        )))
    }

    async fn subject_in_list(&self, label: &str) -> Result<Option<Container>, RequestError> {
        let subjects = match self
            .list(&Siblings::under(
                &self.project_itself(),
                ContainerKind::Subject,
            ))
            .await
        {
            // No list, no subject in it; making one tells what the matter is.
            Err(error) if is_absence(&error) => return Ok(None),
            listed => listed?,
        };
        let wanted = Wanted {
            label: label.to_owned(),
            uid: None,
            label_alone: true,
        };
        match choose(&subjects, &wanted) {
            Choice::Take(child) => self
                .known(ContainerRef::new(ContainerKind::Subject, &child.id))
                .await
                .map(Some),
            Choice::Make(_) => Ok(None),
        }
    }
}

/// A subject that would be made. On a server without subjects it would be a code, which makes no
/// difference here.
fn rehearsed(label: &str) -> Container {
    let reference = ContainerRef::new(ContainerKind::Subject, label);
    Container::new(reference, label.to_owned(), Origin::Rehearsed, Vec::new())
}

fn is_absence(error: &RequestError) -> bool {
    matches!(error.status(), Some(404 | 405))
}
