//! Delivery: a package goes to the server, into the output folder or, in a dry run, nowhere; its files get their outcome.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::Sha384;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use crate::config::{IfExists, OtherFiles};
use crate::event::{Event, Events, Outcome, Stored};
use crate::failure::{FileCode, FileFailure};
use crate::flywheel::{RemoteFile, UploadError, UploadFile};
use crate::package::Package;
use crate::plan::{UploadPlan, WayOut};
use crate::routing::{self, Destination};
use crate::series::Indexed;

use super::find::stopped;
use super::{Runtime, Stop, folder};

/// A package, where it goes, and the files that it was made of.
pub struct Job {
    /// Where it goes.
    pub destination: Destination,
    /// What goes there.
    pub package: Package,
    /// What it was made of.
    pub sources: Vec<Indexed>,
}

/// All deliveries of a run.
pub struct Deliveries {
    shared: Arc<Shared>,
    handle: Handle,
    tasks: TaskTracker,
}

/// What every delivery needs to know.
struct Shared {
    plan: Arc<UploadPlan>,
    events: Events,
    stop: Stop,
    budget: Arc<Semaphore>,
    slots: Semaphore,
    places: Mutex<Places>,
}

/// What was delivered where.
#[derive(Default)]
struct Places {
    /// Where every package goes and its name, to catch two that would overwrite each other.
    taken: HashSet<(Container, String)>,
    /// Containers that received something, as paths; their depth tells the kind.
    filled: HashSet<String>,
    /// The destinations of the instances in a folder, for the files beside them.
    by_folder: HashMap<PathBuf, BTreeSet<usize>>,
    destinations: Vec<Destination>,
}

/// What tells one container from another.
#[derive(PartialEq, Eq, Hash)]
enum Container {
    /// On a server, labels and UIDs do: it keeps two acquisitions of one label apart.
    Remote(Destination),
    /// On disk, the path alone does.
    Folder(PathBuf),
}

/// The budget is counted in KiB, because a semaphore counts to 2^32 only on some machines.
const UNIT: u64 = 1024;

/// Stands for a name that is not said.
const WITHHELD: &str = "(name withheld)";

impl Deliveries {
    /// Ready to take packages.
    pub fn new(plan: &Arc<UploadPlan>, events: &Events, runtime: &Runtime, stop: &Stop) -> Self {
        let budget = usize::try_from(plan.memory / UNIT).unwrap_or(Semaphore::MAX_PERMITS).clamp(1, u32::MAX as usize);
        let shared = Shared {
            plan: Arc::clone(plan),
            events: events.clone(),
            stop: stop.clone(),
            budget: Arc::new(Semaphore::new(budget)),
            slots: Semaphore::new(plan.uploads),
            places: Mutex::default(),
        };
        Self { shared: Arc::new(shared), handle: runtime.handle().clone(), tasks: TaskTracker::new() }
    }

    /// The plan that is carried out.
    pub fn plan(&self) -> &UploadPlan {
        &self.shared.plan
    }

    /// Where events go.
    pub fn events(&self) -> &Events {
        &self.shared.events
    }

    /// The switch that stops the run.
    pub fn stop(&self) -> &Stop {
        &self.shared.stop
    }

    /// The whole budget in bytes.
    pub fn budget(&self) -> u64 {
        self.shared.plan.memory
    }

    /// Gives a file its outcome.
    pub fn settle(&self, file: &Indexed, outcome: Outcome) {
        self.shared.events.settle(&file.path, file.file.len(), outcome);
    }

    /// Waits until so many bytes of the budget are free; what is larger than the budget waits for all of it. None when
    /// the run is stopped.
    pub fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let budget = u32::try_from(self.budget() / UNIT).unwrap_or(u32::MAX).max(1);
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, budget);
        let free = Arc::clone(&self.shared.budget).acquire_many_owned(units);
        let stop = &self.shared.stop;
        self.handle.block_on(async {
            tokio::select! {
                biased;
                () = stop.wait() => None,
                permit = free => permit.ok(),
            }
        })
    }

    /// Notes where the instances of a folder go, if files that are not DICOM are to follow them.
    pub fn remember_folder(&self, source: &Indexed, to: &Destination) {
        if self.plan().other_files == OtherFiles::Upload {
            let folder = source.path.parent().unwrap_or(Path::new("")).to_path_buf();
            self.shared.places(|places| places.remember(folder, to));
        }
    }

    /// The destinations of the instances that lay in a folder.
    pub fn destinations_of(&self, folder: &Path) -> Vec<Destination> {
        self.shared.places(|places| {
            let indices = places.by_folder.get(folder).into_iter().flatten();
            indices.filter_map(|at| places.destinations.get(*at).cloned()).collect()
        })
    }

    /// Takes packages over. The permit is given back when the last of them was delivered.
    pub fn hand_over(&self, jobs: Vec<Job>, permit: OwnedSemaphorePermit) {
        let permit = Arc::new(permit);
        for job in jobs {
            let (shared, permit) = (Arc::clone(&self.shared), Arc::clone(&permit));
            self.tasks.spawn_on(
                async move {
                    shared.deliver(job).await;
                    drop(permit);
                },
                &self.handle,
            );
        }
    }

    /// Delivers one thing now and waits for it.
    pub fn deliver_now(&self, place: Place, package: Package, sources: &[(Arc<PathBuf>, u64)]) {
        self.handle.block_on(self.shared.deliver_to(place, package, sources));
    }

    /// Waits until everything was delivered, and counts the containers.
    pub fn finish(&self) {
        self.tasks.close();
        self.handle.block_on(self.tasks.wait());
        self.tasks.reopen();
    }
}

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
    fn labels(&self) -> Vec<&str> {
        match self {
            Self::Acquisition(to) => vec![&to.subject.label, &to.session.label, &to.acquisition.label],
            Self::Session(to) => vec![&to.subject.label, &to.session.label],
            Self::Project => Vec::new(),
        }
    }
}

impl Places {
    fn remember(&mut self, folder: PathBuf, to: &Destination) {
        let known = self.by_folder.entry(folder).or_default();
        if !known.iter().any(|at| self.destinations.get(*at) == Some(to)) {
            known.insert(self.destinations.len());
            self.destinations.push(to.clone());
        }
    }
}

impl Shared {
    fn places<T>(&self, work: impl FnOnce(&mut Places) -> T) -> T {
        work(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn deliver(&self, job: Job) {
        let sources: Vec<_> = job.sources.iter().map(|f| (Arc::clone(&f.path), f.file.len())).collect();
        self.deliver_to(Place::Acquisition(job.destination), job.package, &sources).await;
    }

    async fn deliver_to(&self, place: Place, package: Package, sources: &[(Arc<PathBuf>, u64)]) {
        let outcome = tokio::select! {
            biased;
            () = self.stop.wait_hard() => Err(stopped()),
            outcome = self.outcome(&place, &package) => outcome,
        };
        if matches!(outcome, Ok(Outcome::Uploaded(_) | Outcome::Prepared(_))) {
            self.count_containers(&place);
        }
        let outcome = outcome.unwrap_or_else(Outcome::Failed);
        for (path, len) in sources {
            self.events.settle(path, *len, outcome.clone());
        }
    }

    async fn outcome(&self, place: &Place, package: &Package) -> Result<Outcome, FileFailure> {
        let _slot = self.slots.acquire().await.map_err(|_| stopped())?;
        if self.stop.requested() {
            return Err(stopped());
        }
        self.take_name(place, package)?;
        let stored = |container_id, file_id| self.stored(place, package, container_id, file_id);
        match &self.plan.way_out {
            WayOut::DryRun => Ok(Outcome::Prepared(Arc::new(stored(None, None)))),
            WayOut::Output(root) => {
                let target = self.folder_of(root, place);
                let (package, if_exists) = (package.clone(), self.plan.if_exists);
                let write = tokio::task::spawn_blocking(move || folder::write(&target, &package.name, &package, if_exists));
                let there_before = write.await.map_err(|e| FileFailure::new(FileCode::OutputWrite, e.to_string()))??;
                let stored = Arc::new(stored(None, None));
                Ok(if there_before { Outcome::AlreadyThere(stored) } else { Outcome::Prepared(stored) })
            }
            WayOut::Upload(_) => match self.upload(place, package).await {
                Ok((there_before, container, file)) => {
                    let stored = Arc::new(stored(Some(container), file));
                    Ok(if there_before { Outcome::AlreadyThere(stored) } else { Outcome::Uploaded(stored) })
                }
                Err(UploadError::File(failure)) => Err(failure),
                Err(UploadError::Run(error)) => {
                    self.stop.because(error);
                    Err(stopped())
                }
            },
        }
    }

    /// Two packages of one name in one acquisition would overwrite each other.
    fn take_name(&self, place: &Place, package: &Package) -> Result<(), FileFailure> {
        let Place::Acquisition(to) = place else { return Ok(()) };
        let container = match &self.plan.way_out {
            WayOut::Output(folder) => Container::Folder(self.folder_of(folder, place)),
            WayOut::Upload(_) | WayOut::DryRun => Container::Remote(to.clone()),
        };
        let free = self.places(|places| places.taken.insert((container, package.name.clone())));
        if free { Ok(()) } else { Err(FileFailure::new(FileCode::PackageName, "two packages of this run come out alike")) }
    }

    /// Whether the server had the file before, the container's id and the file's id.
    async fn upload(&self, place: &Place, package: &Package) -> Result<(bool, String, Option<String>), UploadError> {
        let WayOut::Upload(target) = &self.plan.way_out else { return Err(stopped().into()) };
        let container = match place {
            Place::Acquisition(to) => target.hierarchy.acquisition(to).await?,
            Place::Session(to) => target.hierarchy.session(to).await?,
            Place::Project => target.hierarchy.project_container().await?,
        };
        let there = container.files.iter().find(|f| f.name == package.name);
        if let Some(there) = there
            && self.leave(there, package).await?
        {
            return Ok((true, container.reference.id.clone(), there.file_id.clone()));
        }
        let file = target.client.logged(self.upload_file(package, there), package.originals()).await?;
        let receipt = target.client.upload(&container.reference, &file).await?;
        Ok((false, receipt.container().id.clone(), receipt.file_id().map(str::to_owned)))
    }

    /// Decides about a file of the same name that is there: true to leave it.
    async fn leave(&self, there: &RemoteFile, package: &Package) -> Result<bool, UploadError> {
        match self.plan.if_exists {
            IfExists::Replace => Ok(false),
            IfExists::Skip if same_content(there, package).await? => Ok(true),
            IfExists::Skip => {
                let detail = "a file of this name with other content is there";
                Err(FileFailure::new(FileCode::UploadExists, detail)
                    .with_hint("use `--if-exists replace` to add a new version")
                    .into())
            }
            IfExists::Fail => Err(FileFailure::new(FileCode::UploadExists, "").into()),
        }
    }

    fn upload_file(&self, package: &Package, previous: Option<&RemoteFile>) -> UploadFile {
        let (body, events) = (package.body().clone(), self.events.clone());
        UploadFile {
            file_type: package.kind,
            zip_member_count: package.members,
            modality: package.modality.clone(),
            previous: previous.cloned(),
            progress: Some(Arc::new(move |bytes| events.send(Event::Sent { bytes }))),
            ..UploadFile::new(package.name.clone(), package.len(), move || crate::package::stream(&body))
        }
    }

    /// What is said of a delivery. Labels and names of data that goes as it is are values that identify: they are not
    /// said, the ids are.
    fn stored(&self, place: &Place, package: &Package, container_id: Option<String>, file_id: Option<String>) -> Stored {
        let (destination, file) = match self.plan.governing {
            Some(_) => (self.path_of(place), package.name.clone()),
            None => (self.path_of(&Place::Project), WITHHELD.to_owned()),
        };
        Stored { destination, container_id, file, size: package.len(), file_id }
    }

    fn path_of(&self, place: &Place) -> String {
        let project = &self.plan.project;
        let above = [project.group.as_str(), project.label.as_str()];
        above.into_iter().chain(place.labels()).collect::<Vec<_>>().join("/")
    }

    fn folder_of(&self, root: &Path, place: &Place) -> PathBuf {
        let project = &self.plan.project;
        let above = [project.group.as_str(), project.label.as_str()];
        above.into_iter().chain(place.labels()).fold(root.to_path_buf(), |at, label| at.join(routing::file_name(label)))
    }

    fn count_containers(&self, place: &Place) {
        let labels = place.labels();
        for depth in 1..=labels.len() {
            let path = labels.get(..depth).unwrap_or_default().join("\u{0}");
            if self.places(|places| places.filled.insert(path)) {
                self.events.with_totals(|totals| match depth {
                    1 => totals.subjects += 1,
                    2 => totals.sessions += 1,
                    _ => totals.acquisitions += 1,
                });
            }
        }
    }
}

/// Name and size must agree, and the hash where the server states one.
async fn same_content(there: &RemoteFile, package: &Package) -> Result<bool, FileFailure> {
    if there.size != Some(package.len()) {
        return Ok(false);
    }
    let Some(expected) = there.hash.as_deref().and_then(|h| h.strip_prefix("v0-sha384-")).map(str::to_owned) else {
        return Ok(true);
    };
    let package = package.clone();
    let hash = tokio::task::spawn_blocking(move || package.hash::<Sha384>()).await;
    Ok(hash.unwrap_or_else(|e| Err(FileFailure::new(FileCode::ReadIo, e.to_string())))? == expected)
}
