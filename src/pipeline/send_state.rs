//! What all packages of a run share on their way to the sink: the journal, the upload slots, and
//! what went where.
//!
//! Owns what is said of a package that arrived. It must never say a label or a name of data that
//! goes as it is: they are values that identify.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::context::RunContext;
use super::guard::locked;
use super::pack::OutgoingPackage;
use super::recheck::Recheck;
use super::target::{SentNames, TargetContainer};
use super::upload_slots::UploadConcurrency;
use crate::config::PackageBy;
use crate::event::{Event, Stored};
use crate::journal::Journal;
use crate::series::Indexed;
use flywheel_client::{Container, RemoteFile};

/// Stands for a name that is not said.
const WITHHELD: &str = "(name withheld)";

/// What all packages of a run share.
pub struct SendState {
    /// What all stages share.
    pub context: Arc<RunContext>,
    /// What earlier runs have sent; none where nothing is sent.
    pub journal: Option<Journal>,
    /// How many uploads go on at a time.
    pub slots: UploadConcurrency,
    /// Whether the profile still governs.
    pub recheck: Recheck,
    names: Mutex<SentNames>,
    /// Folders with DICOM that could not be read.
    unread: HashSet<PathBuf>,
}

/// A package that the sink has, or in a dry run would have.
#[derive(Default)]
pub struct Delivered {
    /// It had it before.
    pub there_before: bool,
    /// The container on a server that it lies in.
    pub container: Option<Arc<Container>>,
    /// The file's database id, where the server states one.
    pub file_id: Option<String>,
}

impl SendState {
    /// For a run that has sent nothing yet.
    pub fn new(
        context: &Arc<RunContext>,
        journal: Option<Journal>,
        unread: HashSet<PathBuf>,
    ) -> Self {
        Self {
            journal,
            slots: UploadConcurrency::new(context.plan.transfer.uploads, Instant::now()),
            recheck: Recheck::default(),
            names: Mutex::default(),
            unread,
            context: Arc::clone(context),
        }
    }

    /// Works on what went where.
    pub fn names<T>(&self, work: impl FnOnce(&mut SentNames) -> T) -> T {
        work(&mut locked(&self.names))
    }

    /// Says that a file has to be tried again together with one that failed. Where an instance is a
    /// package, none has to.
    pub fn tell_of_companion(&self, source: &Indexed, incomplete: bool) {
        let of_unread = || {
            self.unread
                .contains(&source.folder())
        };
        let by_series = self.context.plan.packaging.package == PackageBy::Series;
        if by_series && (incomplete || of_unread()) {
            self.context
                .events
                .send(Event::Companion {
                    path: Arc::clone(&source.path),
                });
        }
    }

    /// Counts the containers that received something for the first time.
    pub fn count_containers(&self, keys: Vec<String>) {
        for depth in self.names(|names| names.fill(keys)) {
            self.context
                .events
                .with_totals(|totals| match depth {
                    1 => totals.subjects += 1,
                    2 => totals.sessions += 1,
                    _ => totals.acquisitions += 1,
                });
        }
    }

    fn said_name(&self, name: &str) -> String {
        if self
            .context
            .plan
            .governing
            .is_some()
        {
            name.to_owned()
        } else {
            WITHHELD.to_owned()
        }
    }

    /// What is said of a package, with the labels that the containers bear on the server.
    pub fn stored(&self, outgoing: &OutgoingPackage, delivered: &Delivered) -> Stored {
        let (plan, package) = (&self.context.plan, &outgoing.package);
        let container = delivered.container.as_ref();
        let destination = match (&plan.governing, container) {
            (None, _) => TargetContainer::Project.path(plan),
            (Some(_), None) => outgoing.target.path(plan),
            (Some(_), Some(container)) => TargetContainer::path_to(plan, container.labels()),
        };
        Stored {
            destination,
            container_id: container
                .filter(|container| !container.is_rehearsed())
                .map(|container| container.reference.id.clone()),
            file: self.said_name(&package.name),
            size: package.len(),
            file_id: delivered.file_id.clone(),
            other_file: package.is_other_file(),
            container_ids: container
                .map(|container| container.ids())
                .unwrap_or_default(),
        }
    }

    /// What is said of a package that an earlier run sent and the server still has. Its files are
    /// not read again, so the labels are not known.
    pub fn stored_before(&self, container: &str, there: &RemoteFile) -> Stored {
        Stored {
            destination: TargetContainer::Project.path(&self.context.plan),
            container_id: Some(container.to_owned()),
            file: self.said_name(&there.name),
            size: there.size.unwrap_or_default(),
            file_id: there
                .database_id()
                .map(str::to_owned),
            other_file: false,
            container_ids: Vec::new(),
        }
    }
}
