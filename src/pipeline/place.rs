//! Where packages go, and what went there in this run.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use crate::plan::UploadPlan;
use crate::routing::{self, Destination};

/// Where a delivery goes: an acquisition, or for files that are not DICOM a container above one.
#[derive(Debug, Clone)]
pub enum Place {
    /// The acquisition.
    Acquisition(Destination),
    /// The session of this destination.
    Session(Destination),
    /// The project itself.
    Project,
}

impl Place {
    /// The labels from the subject downwards.
    pub fn labels(&self) -> Vec<&str> {
        match self {
            Self::Acquisition(to) => vec![&to.subject.label, &to.session.label, &to.acquisition.label],
            Self::Session(to) => vec![&to.subject.label, &to.session.label],
            Self::Project => Vec::new(),
        }
    }

    /// The labels with the UIDs by which a server keeps containers of one label apart.
    fn names_and_uids(&self) -> Vec<(&str, Option<&str>)> {
        let (Self::Acquisition(to) | Self::Session(to)) = self else { return Vec::new() };
        // A label that the user chose decides alone.
        let study = to.session.uid.as_deref().filter(|_| !to.session.forced);
        let mut names = vec![(to.subject.label.as_str(), None), (to.session.label.as_str(), study)];
        if matches!(self, Self::Acquisition(_)) {
            names.push((to.acquisition.label.as_str(), to.acquisition.uid.as_deref()));
        }
        names
    }

    /// `group/project` and the labels.
    pub fn path(&self, plan: &UploadPlan) -> String {
        self.names(plan).collect::<Vec<_>>().join("/")
    }

    /// The folder that stands for it in an output folder.
    pub fn folder(&self, plan: &UploadPlan) -> PathBuf {
        self.names(plan).map(routing::file_name).collect()
    }

    fn names<'a>(&'a self, plan: &'a UploadPlan) -> impl Iterator<Item = &'a str> {
        [plan.project.group.as_str(), plan.project.label.as_str()].into_iter().chain(self.labels())
    }
}

/// What tells one container from another.
#[derive(PartialEq, Eq, Hash)]
pub enum Container {
    /// On a server, labels and UIDs do: it keeps two acquisitions of one label apart.
    Remote(Destination),
    /// On disk, the path alone does.
    Folder(PathBuf),
}

/// What was delivered where.
#[derive(Default)]
pub struct Places {
    /// Where every package goes and its name, to catch two that would overwrite each other.
    taken: HashSet<(Container, String)>,
    /// Containers that received something, as paths; their depth tells the kind.
    filled: HashSet<String>,
    /// The destinations of the instances in a folder, for the files beside them.
    by_folder: HashMap<PathBuf, BTreeSet<usize>>,
    destinations: Vec<Destination>,
}

impl Places {
    /// Takes a name in a container; false when it was taken before.
    pub fn take(&mut self, container: Container, name: &str) -> bool {
        self.taken.insert((container, name.to_owned()))
    }

    /// Notes where instances of a folder go.
    pub fn remember(&mut self, folder: PathBuf, to: &Destination) {
        let known = self.by_folder.entry(folder).or_default();
        if !known.iter().any(|at| self.destinations.get(*at) == Some(to)) {
            known.insert(self.destinations.len());
            self.destinations.push(to.clone());
        }
    }

    /// Where the instances of a folder went.
    pub fn destinations_of(&self, folder: &std::path::Path) -> Vec<Destination> {
        let indices = self.by_folder.get(folder).into_iter().flatten();
        indices.filter_map(|at| self.destinations.get(*at).cloned()).collect()
    }

    /// Depths, from the subject as 1, of the containers that received something for the first time. `on_disk` they are folders,
    /// which labels alone tell apart.
    pub fn fill(&mut self, place: &Place, on_disk: bool) -> Vec<usize> {
        let names =
            if on_disk { place.labels().into_iter().map(|label| (label, None)).collect() } else { place.names_and_uids() };
        let path = |depth: &usize| {
            let above = names.get(..*depth).unwrap_or_default();
            above.iter().flat_map(|(label, uid)| [label, "\u{0}", uid.unwrap_or_default(), "\u{0}"]).collect::<String>()
        };
        (1..=names.len()).filter(|depth| self.filled.insert(path(depth))).collect()
    }
}
