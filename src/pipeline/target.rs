//! Containers that packages go to, and what went there in this run.

use std::collections::HashSet;

use flywheel_client::Destination;
use import_rules::Level;

use crate::client_failure::path_of;
use crate::plan::UploadPlan;
use crate::routing;

/// Where a package goes: an acquisition, or for files that are not DICOM a container above one.
#[derive(Debug, Clone)]
pub enum TargetContainer {
    /// The acquisition.
    Acquisition(Destination),
    /// The session of this destination.
    Session(Destination),
    /// Its subject.
    Subject(Destination),
    /// The project itself.
    Project,
}

impl TargetContainer {
    /// The container of a level.
    pub fn at(level: Level, to: Destination) -> Self {
        match level {
            Level::Acquisition => Self::Acquisition(to),
            Level::Session => Self::Session(to),
            Level::Subject => Self::Subject(to),
            Level::Project => Self::Project,
        }
    }

    /// The labels from the subject downwards.
    pub fn labels(&self) -> Vec<&str> {
        match self {
            Self::Acquisition(to) => {
                vec![&to.subject.label, &to.session.label, &to.acquisition.label]
            }
            Self::Session(to) => vec![&to.subject.label, &to.session.label],
            Self::Subject(to) => vec![&to.subject.label],
            Self::Project => Vec::new(),
        }
    }

    /// What stands for it and for each container above it, from the subject downwards, where no
    /// server says: labels, with the UIDs by which a server keeps containers of one label apart.
    /// `on_disk` they are folders, which labels alone tell apart.
    pub fn keys(&self, on_disk: bool) -> Vec<String> {
        let (Self::Acquisition(to) | Self::Session(to) | Self::Subject(to)) = self else {
            return Vec::new();
        };
        // A label that the user chose decides alone.
        let study = to
            .session
            .uid
            .as_deref()
            .filter(|_| !to.session.forced);
        let all = [
            (to.subject.label.as_str(), None),
            (to.session.label.as_str(), study),
            (to.acquisition.label.as_str(), to.acquisition.uid.as_deref()),
        ];
        let mut path = String::new();
        let key = |(label, uid): &(&str, Option<&str>)| {
            path.extend([
                label,
                "\u{0}",
                uid.filter(|_| !on_disk)
                    .unwrap_or_default(),
                "\u{0}",
            ]);
            path.clone()
        };
        all.iter()
            .take(self.labels().len())
            .map(key)
            .collect()
    }

    /// `group/project` and the labels.
    pub fn path(&self, plan: &UploadPlan) -> String {
        self.names(plan)
            .collect::<Vec<_>>()
            .join("/")
    }

    /// `group/project` and labels that a server gave.
    pub fn path_to(plan: &UploadPlan, labels: Vec<String>) -> String {
        [path_of(&plan.project)]
            .into_iter()
            .chain(labels)
            .collect::<Vec<_>>()
            .join("/")
    }

    /// The folders that stand for it in an output folder, one in the other.
    pub fn folders(&self, plan: &UploadPlan) -> Vec<String> {
        self.names(plan)
            .map(routing::file_name)
            .collect()
    }

    fn names<'a>(&'a self, plan: &'a UploadPlan) -> impl Iterator<Item = &'a str> {
        [plan.project.group.as_str(), &plan.project.label]
            .into_iter()
            .chain(self.labels())
    }
}

/// What went where in this run.
#[derive(Default)]
pub struct SentNames {
    /// Where every package goes and its name, to catch two that would overwrite each other.
    taken: HashSet<(Vec<String>, String)>,
    /// Containers that received something.
    filled: HashSet<String>,
    /// Packages on the server of which the user was told.
    told: HashSet<(String, String)>,
}

impl SentNames {
    /// Takes a name in a container; false when it was taken before.
    pub fn take(&mut self, container: Vec<String>, name: &str) -> bool {
        self.taken
            .insert((container, name.to_owned()))
    }

    /// Whether a name in a container is free in this run.
    pub fn is_free(&self, container: Vec<String>, name: &str) -> bool {
        !self
            .taken
            .contains(&(container, name.to_owned()))
    }

    /// Whether a file in a container is told of for the first time.
    pub fn tell(&mut self, container: &str, name: &str) -> bool {
        self.told
            .insert((container.to_owned(), name.to_owned()))
    }

    /// Depths, from the subject as 1, of the containers that received something for the first time,
    /// by what stands for each.
    pub fn fill(&mut self, keys: Vec<String>) -> Vec<usize> {
        (1..)
            .zip(keys)
            .filter_map(|(depth, key)| {
                self.filled
                    .insert(key)
                    .then_some(depth)
            })
            .collect()
    }
}
