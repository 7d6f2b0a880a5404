//! A container as a run knows it: where it is, what it is called there, and which files lie in it.
//!
//! Owns how old that knowledge may be. It must never be taken for what the server has now without a
//! look.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::listing::RemoteFile;
use crate::project::is_database_id;
use crate::reference::{ContainerKind, ContainerRef};

/// A list of files younger than this is what the server has now, as far as any look can tell.
const RECENT: Duration = Duration::from_millis(250);

/// A container on the server, or one that would be made there.
#[derive(Debug)]
pub struct Container {
    /// What files are sent to.
    pub reference: ContainerRef,
    /// What it is called on the server: the label that was wanted, or that with a number.
    pub label: String,
    /// The containers above it up to the subject, which comes first.
    above: Vec<Step>,
    /// How it came to this run.
    pub origin: Origin,
    /// The files that lay in it when this run found it; none where it made it.
    pub files_before: Arc<[RemoteFile]>,
    files: Mutex<(Instant, Arc<[RemoteFile]>)>,
}

/// A container on the way to another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its database id; its code where the server has no container for it.
    pub id: String,
    /// What it is called there.
    pub label: String,
}

/// How a container came to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was there.
    Found,
    /// This run made it.
    Made,
    /// A rehearsal, which makes nothing, would have made it.
    Rehearsed,
}

impl Container {
    pub(super) fn new(
        reference: ContainerRef,
        label: String,
        origin: Origin,
        files: Vec<RemoteFile>,
    ) -> Self {
        let files_before: Arc<[RemoteFile]> = files.into();
        let files = Mutex::new((Instant::now(), Arc::clone(&files_before)));
        Self {
            reference,
            label,
            above: Vec::new(),
            origin,
            files_before,
            files,
        }
    }

    #[must_use]
    pub(super) fn below(self, above: Vec<Step>) -> Self {
        Self { above, ..self }
    }

    /// It and all above it, from the subject downwards; nothing for a project.
    pub(super) fn steps(&self) -> Vec<Step> {
        if self.reference.kind == ContainerKind::Project {
            return Vec::new();
        }
        let own = Step {
            id: self.reference.id.clone(),
            label: self.label.clone(),
        };
        self.above
            .iter()
            .cloned()
            .chain([own])
            .collect()
    }

    /// What stands for it and for each container above it, from the subject downwards; nothing for
    /// a project.
    pub fn keys(&self) -> Vec<String> {
        self.steps()
            .into_iter()
            .map(|step| step.id)
            .collect()
    }

    /// The database ids of it and of each container above it, from the subject downwards; none of one
    /// that the server does not have.
    pub fn ids(&self) -> Vec<Option<String>> {
        self.keys()
            .into_iter()
            .map(|key| is_database_id(&key).then_some(key))
            .collect()
    }

    /// What it and each container above it is called on the server, from the subject downwards;
    /// nothing for a project.
    pub fn labels(&self) -> Vec<String> {
        self.steps()
            .into_iter()
            .map(|step| step.label)
            .collect()
    }

    /// Whether it is not on the server.
    pub fn is_rehearsed(&self) -> bool {
        self.origin == Origin::Rehearsed
    }

    /// The files that lay in it when it was last looked at.
    pub fn files(&self) -> Arc<[RemoteFile]> {
        Arc::clone(&self.seen().1)
    }

    /// Whether that was a moment ago.
    pub(super) fn is_recent(&self) -> bool {
        self.seen().0.elapsed() < RECENT
    }

    pub(super) fn has_now(&self, files: Vec<RemoteFile>) -> Arc<[RemoteFile]> {
        let files: Arc<[RemoteFile]> = files.into();
        *self.seen() = (Instant::now(), Arc::clone(&files));
        files
    }

    fn seen(&self) -> MutexGuard<'_, (Instant, Arc<[RemoteFile]>)> {
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
