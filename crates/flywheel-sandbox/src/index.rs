//! The index: every container, file and setting of the sandbox, and the changes that lead from one
//! state to the next.
//!
//! Pure data: a change is applied in the same way when it happens and when it is replayed after a
//! restart. Must never touch the disk.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::object_id;
use crate::layout::folded;
use crate::model::{Container, ContainerType, FileRecord};

/// The version of the index's form on disk.
pub const FORMAT: u32 = 1;

/// One step from one state to the next.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The container is now this.
    Container(Container),
    /// The file is now this.
    File(FileRecord),
    /// The settings of a level are now these; null removes them.
    Settings {
        /// `site`, or the id of the group or project.
        scope: String,
        /// The whole settings.
        value: Value,
    },
    /// The container of this id is gone, and has nothing below it.
    Removed(String),
    /// Everything is gone.
    Emptied,
}

/// A change with its place in the sequence, as one line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Counts from 1 over the life of the sandbox's folder.
    pub sequence: u64,
    /// What changed.
    pub change: Change,
}

/// The whole state of a sandbox.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Index {
    /// See [`FORMAT`].
    pub format: u32,
    /// The number of the last change that is in here.
    pub sequence: u64,
    containers: BTreeMap<String, Container>,
    files: BTreeMap<String, Vec<FileRecord>>,
    settings: BTreeMap<String, Value>,
    #[serde(skip)]
    children: HashMap<String, Vec<String>>,
    #[serde(skip)]
    taken: HashMap<String, HashSet<String>>,
}

impl Index {
    /// An index without any entry.
    pub fn empty() -> Self {
        Self {
            format: FORMAT,
            ..Self::default()
        }
    }

    /// Derives the lookup tables that are not in the index's file.
    pub fn rebuild(&mut self) {
        self.children.clear();
        self.taken.clear();
        for container in self
            .containers
            .clone()
            .into_values()
        {
            self.link(&container);
        }
        for file in self
            .every_file()
            .cloned()
            .collect::<Vec<_>>()
        {
            self.take(&file.container, &file.current.stored);
        }
    }

    /// Carries out one change.
    pub fn apply(&mut self, entry: Entry) {
        self.sequence = entry.sequence;
        match entry.change {
            Change::Container(container) => self.put_container(container),
            Change::File(file) => self.put_file(file),
            Change::Settings {
                scope,
                value: Value::Null,
            } => drop(self.settings.remove(&scope)),
            Change::Settings { scope, value } => drop(self.settings.insert(scope, value)),
            Change::Removed(id) => self.remove_container(&id),
            Change::Emptied => {
                *self = Self {
                    sequence: self.sequence,
                    ..Self::empty()
                };
            }
        }
    }

    fn put_container(&mut self, container: Container) {
        if !self
            .containers
            .contains_key(&container.id)
        {
            self.link(&container);
        }
        self.containers
            .insert(container.id.clone(), container);
    }

    fn remove_container(&mut self, id: &str) {
        let Some(container) = self.containers.remove(id) else {
            return;
        };
        let parent = container.parent.unwrap_or_default();
        if let Some(children) = self.children.get_mut(&parent) {
            children.retain(|child| child != id);
        }
        if let Some(names) = self.taken.get_mut(&parent) {
            names.remove(&folded(last_component(&container.folder)));
        }
    }

    fn put_file(&mut self, file: FileRecord) {
        let files = self
            .files
            .entry(file.container.clone())
            .or_default();
        let names = self
            .taken
            .entry(file.container.clone())
            .or_default();
        let known = files
            .iter_mut()
            .find(|known| known.file_id == file.file_id);
        if let Some(known) = &known {
            names.remove(&folded(last_component(&known.current.stored)));
        }
        if file.deleted.is_none() {
            names.insert(folded(last_component(&file.current.stored)));
        }
        match known {
            Some(known) => *known = file,
            None => files.push(file),
        }
    }

    fn link(&mut self, container: &Container) {
        let parent = container
            .parent
            .as_deref()
            .unwrap_or_default();
        self.children
            .entry(parent.to_owned())
            .or_default()
            .push(container.id.clone());
        self.take(parent, &container.folder);
    }

    /// Notes the last component of a path as taken in the folder of a container.
    fn take(&mut self, container: &str, path: &str) {
        self.taken
            .entry(container.to_owned())
            .or_default()
            .insert(folded(last_component(path)));
    }

    /// The container of this id.
    pub fn get(&self, id: &str) -> Option<&Container> {
        self.containers.get(id)
    }

    /// The container of this id if it is of this type.
    pub fn get_kind(&self, kind: ContainerType, id: &str) -> Option<&Container> {
        self.containers
            .get(id)
            .filter(|container| container.kind == kind)
    }

    /// Every container of a type, oldest first (groups by id).
    pub fn all(&self, kind: ContainerType) -> impl Iterator<Item = &Container> {
        self.containers
            .values()
            .filter(move |container| container.kind == kind)
    }

    /// The containers right below one, in the order in which they were made; all groups for none.
    pub fn children(&self, id: Option<&str>) -> impl Iterator<Item = &Container> {
        self.children
            .get(id.unwrap_or_default())
            .into_iter()
            .flatten()
            .filter_map(|child| self.containers.get(child))
    }

    /// The containers of a type anywhere below one.
    pub fn descendants(&self, id: &str, kind: ContainerType) -> Vec<&Container> {
        let mut found = Vec::new();
        let mut open: Vec<_> = self.children(Some(id)).collect();
        while let Some(container) = open.pop() {
            if container.kind == kind {
                found.push(container);
            } else {
                open.extend(self.children(Some(&container.id)));
            }
        }
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    /// The container itself and those above it, nearest first.
    pub fn lineage<'a>(&'a self, container: &'a Container) -> impl Iterator<Item = &'a Container> {
        std::iter::successors(Some(container), |it| {
            it.parent
                .as_deref()
                .and_then(|parent| self.get(parent))
        })
    }

    /// The files of a container that are not deleted.
    pub fn files(&self, container: &str) -> impl Iterator<Item = &FileRecord> {
        self.files
            .get(container)
            .into_iter()
            .flatten()
            .filter(|file| file.deleted.is_none())
    }

    /// The file of this name that is not deleted.
    pub fn file(&self, container: &str, name: &str) -> Option<&FileRecord> {
        self.files(container)
            .find(|file| file.name == name)
    }

    /// Every file that is not deleted.
    pub fn every_file(&self) -> impl Iterator<Item = &FileRecord> {
        self.files
            .values()
            .flatten()
            .filter(|file| file.deleted.is_none())
    }

    /// Whether a file of this name was there and was deleted.
    pub fn was_deleted(&self, container: &str, name: &str) -> bool {
        self.files
            .get(container)
            .into_iter()
            .flatten()
            .any(|file| file.name == name && file.deleted.is_some())
    }

    /// The file of this id, wherever it is, if it is not deleted.
    pub fn file_by_id(&self, file_id: &str) -> Option<&FileRecord> {
        self.every_file()
            .find(|file| file.file_id == file_id)
    }

    /// The settings of a level, if it has any.
    pub fn settings(&self, scope: &str) -> Option<&Value> {
        self.settings.get(scope)
    }

    /// Whether a name is taken in the folder of a container (none: the sandbox's own). Case makes
    /// no difference.
    pub fn is_taken(&self, container: Option<&str>, name: &str) -> bool {
        self.taken
            .get(container.unwrap_or_default())
            .is_some_and(|names| names.contains(&folded(name)))
    }

    /// An id that no container has.
    pub fn fresh_id(&self) -> String {
        loop {
            let id = object_id();
            if !self.containers.contains_key(&id) {
                return id;
            }
        }
    }
}

fn last_component(path: &str) -> &str {
    path.rsplit('/')
        .next()
        .unwrap_or_default()
}
