//! Delivery: a package goes to the server, into the output folder or, in a dry run, nowhere; its
//! files get their outcome.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flywheel_client::{Destination, RemoteFile};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use crate::client_failure::UploadError;
use crate::config::{OtherFiles, PackageBy};
use crate::deid::Sendable;
use crate::event::{Event, Events, Outcome, Stored};
use crate::failure::{FileCode, FileFailure};
use crate::journal::Journal;
use crate::package::{Level, Package};
use crate::plan::{Target, UploadPlan, WayOut};
use crate::series::Indexed;

use super::beside::{Beside, Whereabouts};
use super::compression::Decision;
use super::find::stopped;
use super::lanes::Lanes;
use super::outcomes::{Outcomes, is_of_network};
use super::place::{Container, Place, Places};
use super::recheck::Recheck;
use super::{Runtime, Stop, folder, send};

/// A package, where it goes, and the files that it was made of, in the order of its members.
pub struct Job {
    /// Where it goes.
    pub place: Place,
    /// What goes there.
    pub package: Package,
    /// What it was made of.
    pub sources: Vec<Indexed>,
    /// Files of the same series failed, and are missing in it.
    pub incomplete: bool,
}

/// All deliveries of a run.
pub struct Deliveries {
    shared: Arc<Shared>,
    handle: Handle,
    tasks: TaskTracker,
    /// The task that tells of a stop.
    watch_stop: AbortHandle,
}

/// What every delivery needs to know.
pub(super) struct Shared {
    pub(super) plan: Arc<UploadPlan>,
    pub(super) outcomes: Outcomes,
    pub(super) stop: Stop,
    /// What earlier runs have sent; none where nothing is sent.
    pub(super) journal: Option<Journal>,
    budget: Arc<Semaphore>,
    pub(super) lanes: Lanes,
    recheck: Recheck,
    compression: Decision,
    places: Mutex<Places>,
    beside: Mutex<Beside>,
    /// Folders with DICOM that could not be read.
    unread: HashSet<PathBuf>,
}

/// The budget is counted in KiB, because a semaphore counts to 2^32 only on some machines.
const UNIT: u64 = 1024;

/// Stands for a name that is not said.
const WITHHELD: &str = "(name withheld)";

impl Deliveries {
    /// Ready to take packages.
    pub fn new(
        plan: &Arc<UploadPlan>,
        journal: Option<Journal>,
        outcomes: &Outcomes,
        runtime: &Runtime,
        (beside, unread): (Beside, HashSet<PathBuf>),
    ) -> Self {
        let budget = usize::try_from(plan.memory / UNIT)
            .unwrap_or(Semaphore::MAX_PERMITS)
            .clamp(1, u32::MAX as usize);
        let shared = Shared {
            plan: Arc::clone(plan),
            outcomes: outcomes.clone(),
            stop: outcomes.stop().clone(),
            journal,
            budget: Arc::new(Semaphore::new(budget)),
            lanes: Lanes::new(plan.uploads, Instant::now()),
            recheck: Recheck::default(),
            compression: Decision::of(plan),
            places: Mutex::default(),
            beside: Mutex::new(beside),
            unread,
        };
        let shared = Arc::new(shared);
        let watch_stop = runtime
            .spawn(Arc::clone(&shared).tell_of_stop())
            .abort_handle();
        Self {
            shared,
            handle: runtime.handle().clone(),
            tasks: TaskTracker::new(),
            watch_stop,
        }
    }

    /// The plan that is carried out.
    pub fn plan(&self) -> &UploadPlan {
        &self.shared.plan
    }

    /// What earlier runs have sent; none where nothing is sent.
    pub fn journal(&self) -> Option<&Journal> {
        self.shared.journal.as_ref()
    }

    /// Where files get their outcomes.
    pub fn outcomes(&self) -> &Outcomes {
        &self.shared.outcomes
    }

    /// Where events go.
    pub fn events(&self) -> &Events {
        self.shared.outcomes.events()
    }

    /// The switch that stops the run.
    pub fn stop(&self) -> &Stop {
        &self.shared.stop
    }

    /// The whole budget in bytes.
    pub fn budget(&self) -> u64 {
        self.shared.plan.memory
    }

    /// What is said of a package that an earlier run sent and the server still has.
    pub fn stored_before(&self, container: &str, there: &RemoteFile) -> Stored {
        self.shared.stored_before(container, there)
    }

    /// Tells of a file that has to be tried again together with one that failed beside it, if one
    /// did.
    pub fn tell_of_companion(&self, source: &Indexed) {
        self.shared.tell_of_companion(source, false);
    }

    /// How packages are deflated when they are made.
    pub fn level(&self) -> Option<Level> {
        self.shared.compression.level()
    }

    /// Makes a package of these instances at a level, and takes note of how long that took.
    pub fn deflate<T>(
        &self,
        level: Option<Level>,
        instances: &[Sendable],
        work: impl FnOnce() -> T,
    ) -> T {
        match level {
            Some(_) => {
                let bytes = instances.iter().map(|instance| instance.body().len()).sum();
                self.shared
                    .compression
                    .deflated
                    .work(instances.len() as u64, bytes, work)
            }
            None => work(),
        }
    }

    /// Gives a file its outcome.
    pub fn settle(&self, file: &Indexed, outcome: Outcome) {
        self.shared.outcomes.settle(file, outcome);
    }

    /// Waits for something that has to do with the server.
    pub fn wait_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.handle.block_on(work)
    }

    /// Waits until so many bytes of the budget are free; what is larger than the budget waits for
    /// all of it. None when the run is stopped.
    pub fn reserve(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let budget = u32::try_from(self.budget() / UNIT)
            .unwrap_or(u32::MAX)
            .max(1);
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .clamp(1, budget);
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
        self.beside(
            |beside, folder| beside.goes(folder, &source.root, to),
            source,
        );
    }

    /// Notes that it is not known where an instance of a folder goes.
    pub fn remember_unknown(&self, source: &Indexed) {
        self.beside(
            |beside, folder| beside.is_unknown(folder, &source.root),
            source,
        );
    }

    fn beside(&self, note: impl FnOnce(&mut Beside, &Path), source: &Indexed) {
        if self.plan().other_files == OtherFiles::Upload {
            let folder = source.path.parent().unwrap_or(Path::new(""));
            note(
                &mut self
                    .shared
                    .beside
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner),
                folder,
            );
        }
    }

    /// Where a file of a folder goes that is not DICOM.
    pub fn whereabouts(&self, folder: &Path, root: &Path) -> Whereabouts {
        self.shared
            .beside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .of(folder, root)
    }

    /// Whether the name of a file that is not DICOM is free in this run, and not that of another
    /// one on the server. Where the server does not answer, sending it will tell.
    pub fn is_name_free(&self, job: &Job) -> bool {
        let (shared, container) = (&self.shared, self.shared.container_of(&job.place));
        if !shared.places(|places| places.is_free(container, &job.package.name)) {
            return false;
        }
        let Some(target) = shared.plan.way_out.target() else {
            return true;
        };
        self.handle
            .block_on(send::is_free(shared, target, job))
            .unwrap_or(true)
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
    pub fn deliver_now(&self, job: Job) {
        self.handle.block_on(self.shared.deliver(job));
    }

    /// Has the journal on the disk to its last line.
    pub fn close(&self) {
        self.watch_stop.abort();
        self.shared.recheck.end();
        if let Some(Err(error)) = self.journal().map(Journal::sync) {
            self.shared.stop.because(error);
        }
    }

    /// Waits until everything was delivered.
    pub fn finish(&self) {
        self.tasks.close();
        self.handle.block_on(self.tasks.wait());
        self.tasks.reopen();
    }
}

impl Shared {
    fn places<T>(&self, work: impl FnOnce(&mut Places) -> T) -> T {
        work(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says how many packages may still finish, once nothing new is begun.
    async fn tell_of_stop(self: Arc<Self>) {
        self.stop.wait().await;
        if let Some(reason) = self.stop.reason() {
            self.outcomes.events().send(Event::Stopping {
                code: reason.code,
                uploads: self.lanes.used() as u64,
            });
        }
    }

    async fn deliver(self: &Arc<Self>, mut job: Job) {
        let outcome = tokio::select! {
            biased;
            () = self.stop.wait_hard() => Err(stopped()),
            outcome = self.outcome(&mut job) => outcome,
        };
        let outcome = match outcome {
            // What ended the waiting for a server that is out was the end of the run.
            Err(failure) if self.stop.is_by_signal() && is_of_network(failure.code) => {
                Err(stopped())
            }
            outcome => outcome,
        };
        self.outcomes.package(&outcome);
        let outcome = outcome.unwrap_or_else(Outcome::Failed);
        for source in &job.sources {
            if !matches!(outcome, Outcome::Failed(_)) {
                self.tell_of_companion(source, job.incomplete);
            }
            self.outcomes.settle(source, outcome.clone());
        }
    }

    /// Tells of a file that has to be tried again together with one that failed. Where an instance
    /// is a package, none has to.
    fn tell_of_companion(&self, source: &Indexed, incomplete: bool) {
        let of_unread = || {
            source
                .path
                .parent()
                .is_some_and(|folder| self.unread.contains(folder))
        };
        if self.plan.package_by == PackageBy::Series && (incomplete || of_unread()) {
            self.outcomes.events().send(Event::Companion {
                path: Arc::clone(&source.path),
            });
        }
    }

    async fn outcome(self: &Arc<Self>, job: &mut Job) -> Result<Outcome, FileFailure> {
        let begin = Instant::now();
        let _lane = self.lanes.enter().await.map_err(|_| stopped())?;
        let waited = begin.elapsed();
        self.outcomes.stages().send.waited(begin);
        self.lanes.look(self.throttled(), Instant::now());
        if self.stop.requested() {
            return Err(stopped());
        }
        self.take_name(job)?;
        self.deflate_if_worthwhile(job, waited).await;
        let begin = Instant::now();
        let outcome = self.hand_out(job).await;
        self.outcomes
            .stages()
            .send
            .worked(job.sources.len() as u64, job.package.len(), begin);
        self.lanes.look(self.throttled(), Instant::now());
        outcome
    }

    /// Deflates a package whose turn to be sent has come, where that is quicker than sending it as
    /// it is. What goes wrong with that is no reason not to send it.
    async fn deflate_if_worthwhile(&self, job: &mut Job, waited: Duration) {
        if !self
            .compression
            .is_worthwhile(waited, &self.lanes, &self.outcomes.stages().clean)
        {
            return;
        }
        let (package, begin) = (job.package.clone(), Instant::now());
        let deflated = tokio::task::spawn_blocking(move || package.in_other_form()).await;
        if let Ok(Ok(Some(deflated))) = deflated {
            self.compression
                .deflated
                .worked(job.sources.len() as u64, job.package.len(), begin);
            job.package = deflated;
        }
    }

    /// How often the server asked for fewer requests.
    fn throttled(&self) -> u64 {
        match &self.plan.way_out {
            WayOut::Upload(target) => target.client.throttled(),
            WayOut::DryRun(_) | WayOut::Output(_) => 0,
        }
    }

    async fn hand_out(self: &Arc<Self>, job: &Job) -> Result<Outcome, FileFailure> {
        let (sent, outcome): (_, fn(Arc<Stored>) -> Outcome) = match &self.plan.way_out {
            WayOut::Output(root) => return self.write(job, root).await,
            WayOut::DryRun(None) => {
                self.count_containers(job.place.keys(false));
                return Ok(Outcome::Prepared(Arc::new(self.stored(job, None))));
            }
            WayOut::DryRun(Some(target)) => {
                (send::rehearse(self, target, job).await, Outcome::Prepared)
            }
            WayOut::Upload(target) => (self.send(target, job).await, Outcome::Uploaded),
        };
        match sent {
            Ok(sent) => {
                let stored = Arc::new(self.stored(job, Some(&sent)));
                if sent.there_before {
                    return Ok(Outcome::AlreadyThere(stored));
                }
                self.count_containers(sent.container.keys());
                Ok(outcome(stored))
            }
            Err(UploadError::File(failure)) => Err(failure),
            Err(UploadError::Run(error)) => {
                self.stop.because(error);
                Err(stopped())
            }
        }
    }

    /// Sends a package, if the profile that it was cleaned under still governs.
    async fn send(self: &Arc<Self>, target: &Target, job: &Job) -> Result<send::Sent, UploadError> {
        self.recheck
            .before_sending(&self.plan, target, &self.stop)
            .await
            .map_err(UploadError::Run)?;
        send::send(self, target, job).await
    }

    async fn write(&self, job: &Job, root: &Path) -> Result<Outcome, FileFailure> {
        let target = root.join(job.place.folder(&self.plan));
        let (package, if_exists) = (job.package.clone(), self.plan.if_exists);
        let write = tokio::task::spawn_blocking(move || {
            folder::write(&target, &package.name, &package, if_exists)
        });
        let there_before = write
            .await
            .map_err(|e| FileFailure::new(FileCode::OutputWrite, e.to_string()))??;
        let stored = Arc::new(self.stored(job, None));
        if there_before {
            return Ok(Outcome::AlreadyThere(stored));
        }
        self.count_containers(job.place.keys(true));
        Ok(Outcome::Prepared(stored))
    }

    /// Two packages of one name in one acquisition would overwrite each other.
    fn take_name(&self, job: &Job) -> Result<(), FileFailure> {
        let container = self.container_of(&job.place);
        let free = self.places(|places| places.take(container, &job.package.name));
        if free {
            Ok(())
        } else {
            Err(FileFailure::new(
                FileCode::PackageName,
                "two packages of this run come out alike",
            ))
        }
    }

    fn container_of(&self, place: &Place) -> Container {
        match &self.plan.way_out {
            WayOut::Output(_) => Container::Folder(place.folder(&self.plan)),
            WayOut::Upload(_) | WayOut::DryRun(_) => Container::Remote(place.keys(false)),
        }
    }

    /// Whether a file on the server is told of for the first time.
    pub(super) fn told_of_first_time(&self, container: &str, name: &str) -> bool {
        self.places(|places| places.tell(container, name))
    }

    /// What is said of a delivery, with the labels that the containers bear on the server. Labels
    /// and names of data that goes as it is are values that identify: they are not said, the ids
    /// are.
    fn stored(&self, job: &Job, sent: Option<&send::Sent>) -> Stored {
        let container = sent.map(|sent| &sent.container);
        let (destination, file) = match self.plan.governing {
            Some(_) => {
                let labels = container.map(|container| container.labels());
                let path = labels.map_or_else(
                    || job.place.path(&self.plan),
                    |labels| Place::path_to(&self.plan, labels),
                );
                (path, job.package.name.clone())
            }
            None => (Place::Project.path(&self.plan), WITHHELD.to_owned()),
        };
        let container_id = container
            .filter(|container| !container.is_rehearsed())
            .map(|container| container.reference.id.clone());
        let (size, other_file) = (job.package.len(), job.package.is_other_file());
        Stored {
            destination,
            container_id,
            file,
            size,
            file_id: sent.and_then(|sent| sent.file.clone()),
            other_file,
        }
    }

    /// What is said of a package that an earlier run sent and the server still has. Nobody looked
    /// into its files again, so the labels are not known.
    fn stored_before(&self, container: &str, there: &RemoteFile) -> Stored {
        let file = if self.plan.governing.is_some() {
            there.name.clone()
        } else {
            WITHHELD.to_owned()
        };
        Stored {
            destination: Place::Project.path(&self.plan),
            container_id: Some(container.to_owned()),
            file,
            size: there.size.unwrap_or_default(),
            file_id: there.database_id().map(str::to_owned),
            other_file: false,
        }
    }

    fn count_containers(&self, keys: Vec<String>) {
        for depth in self.places(|places| places.fill(keys)) {
            self.outcomes.events().with_totals(|totals| match depth {
                1 => totals.subjects += 1,
                2 => totals.sessions += 1,
                _ => totals.acquisitions += 1,
            });
        }
    }
}
