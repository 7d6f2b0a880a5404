//! Sending one package: is it there already, whose is it, send it, note it down.
//!
//! Owns the rule that nothing is sent twice and nobody else's file is replaced unasked.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flywheel_client::{ClientError, Container, DeidRecord, RemoteFile, UploadFile, UploadReceipt};
use sha2::Sha384;

use crate::client_failure::UploadError;
use crate::config::{Compression, IfExists};
use crate::event::{Event, PackageBytes, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::journal::{self, Journal, Member, Parcel, Standing, Word};
use crate::package::Package;
use crate::phi::escape_for_terminal;
use crate::plan::{Target, WayOut};

use super::deliver::{Job, Shared};
use super::place::Place;

/// A package that the server has, or in a rehearsal would have.
pub struct Sent {
    /// It had it before.
    pub there_before: bool,
    /// The container that it lies in.
    pub container: Arc<Container>,
    /// The file's database id, where the server states one.
    pub file: Option<String>,
}

/// Has the server have a package.
pub(super) async fn send(
    shared: &Arc<Shared>,
    target: &Target,
    job: &Job,
) -> Result<Sent, UploadError> {
    let delivery = Delivery::new(shared, target, job).await?;
    let there = match delivery.look().await? {
        Look::There(sent) => return Ok(sent),
        Look::Missing(there) => there,
    };
    let under_way = Arc::new(UnderWay::new(shared, job));
    let record = match job.package.originals() {
        Some(originals) => {
            let record = DeidRecord::new(originals.for_the_log());
            Some(target.client.record_deid(&record).await?)
        }
        None => None,
    };
    let file = delivery.upload_file(there.as_ref(), &under_way);
    let file = target.client.logged(file, record).await?;
    delivery.announce()?;
    under_way.begins();
    let receipt = target
        .client
        .upload(&delivery.container.reference, &file)
        .await;
    under_way.ends();
    let receipt = receipt?;
    delivery.note(Word::from(&receipt));
    delivery.tell_of_rivals(&receipt, there.as_ref());
    delivery.settle_superseded(target).await;
    Ok(delivery.sent(false, receipt.file_id.as_deref()))
}

/// What sending a package would come to. Nothing is sent, made or noted.
pub(super) async fn rehearse(
    shared: &Arc<Shared>,
    target: &Target,
    job: &Job,
) -> Result<Sent, UploadError> {
    let delivery = Delivery::new(shared, target, job).await?;
    match delivery.look().await? {
        Look::There(sent) => Ok(sent),
        Look::Missing(_) => Ok(delivery.sent(false, None)),
    }
}

/// Whether the name of a file that is not DICOM is its own where it goes: free, or that of the same
/// file before.
pub(super) async fn is_free(
    shared: &Arc<Shared>,
    target: &Target,
    job: &Job,
) -> Result<bool, UploadError> {
    let delivery = Delivery::new(shared, target, job).await?;
    let files = target.hierarchy.files_now(&delivery.container).await?;
    match files.iter().find(|file| file.name == job.package.name) {
        Some(there) => Ok(!matches!(
            delivery.judge(there).await?,
            Verdict::AnotherFile
        )),
        None => Ok(true),
    }
}

async fn container(target: &Target, place: &Place) -> Result<Arc<Container>, ClientError> {
    match place {
        Place::Acquisition(to) => target.hierarchy.acquisition(to).await,
        Place::Session(to) => target.hierarchy.session(to).await,
        Place::Subject(to) => target.hierarchy.subject_container(&to.subject).await,
        Place::Project => target.hierarchy.project_container().await,
    }
}

/// What a look at the container showed.
enum Look {
    /// The server has the package.
    There(Sent),
    /// It does not; with the file whose place the package takes.
    Missing(Option<RemoteFile>),
}

/// The bytes of a package on their way: progress is told of them as they go, not when the package
/// has arrived.
struct UnderWay {
    shared: Arc<Shared>,
    bytes: PackageBytes,
    sent: AtomicU64,
    begun: AtomicBool,
}

impl UnderWay {
    fn new(shared: &Arc<Shared>, job: &Job) -> Self {
        let source = job.sources.iter().map(|source| source.file.len()).sum();
        let bytes = PackageBytes {
            source,
            size: job.package.len(),
            sent: 0,
        };
        Self {
            shared: Arc::clone(shared),
            bytes,
            sent: AtomicU64::new(0),
            begun: AtomicBool::new(false),
        }
    }

    fn tell(&self, event: Event) {
        self.shared.outcomes.events().send(event);
    }

    fn begins(&self) {
        self.begun.store(true, Ordering::Relaxed);
        self.tell(Event::Sending(self.bytes));
    }

    fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        self.shared.lanes.sent(bytes);
        self.tell(Event::Sent { bytes });
    }

    fn ends(&self) {
        if self.begun.swap(false, Ordering::Relaxed) {
            self.tell(Event::SendingEnded(PackageBytes {
                sent: self.sent.load(Ordering::Relaxed),
                ..self.bytes
            }));
        }
    }
}

impl Drop for UnderWay {
    /// A package that is given up midway is not on its way any more.
    fn drop(&mut self) {
        self.ends();
    }
}

/// What becomes of a package in whose place a file lies.
enum Verdict {
    /// It is sent.
    Send,
    /// The server has it; with what is news to the journal.
    Leave(Option<Word>),
    /// The file is another one that fwupload sent, and has nothing to do with the package.
    AnotherFile,
}

impl Verdict {
    fn leave_if(same: bool, word: Word) -> Self {
        if same {
            Self::Leave(Some(word))
        } else {
            Self::Send
        }
    }
}

/// A package and the container that it goes to.
struct Delivery<'a> {
    shared: &'a Arc<Shared>,
    target: &'a Target,
    job: &'a Job,
    container: Arc<Container>,
    noted: Option<Noted<'a>>,
}

/// The package as the journal knows it.
struct Noted<'a> {
    journal: &'a Journal,
    parcel: Parcel,
}

impl<'a> Noted<'a> {
    fn new(shared: &'a Shared, job: &Job, container: &Container) -> Option<Self> {
        let journal = shared.journal.as_ref()?;
        let marker = journal.marker();
        let sources: Vec<_> = job
            .sources
            .iter()
            .map(|source| marker.source(&source.file))
            .collect();
        let instances: Vec<_> = match job.sources.as_slice() {
            [file] if job.package.is_other_file() => vec![marker.other_file(&file.path)],
            _ => job
                .package
                .instances()
                .map(|uid| marker.instance(uid))
                .collect(),
        };
        let members = instances.into_iter().zip(job.package.sums());
        let members = members
            .map(|(instance, sum)| Member {
                instance,
                size: sum.len,
                crc32: sum.crc32,
            })
            .collect();
        let place = marker.place(&container.reference.id, &job.package.name);
        let parcel = Parcel {
            place,
            sources: marker.sources(sources),
            size: job.package.len(),
            members,
        };
        Some(Self { journal, parcel })
    }

    /// The parcel with the checksums that are known by now.
    fn summed(&self, package: &Package) -> Parcel {
        let members = self.parcel.members.iter().zip(package.sums());
        let members = members
            .map(|(member, sum)| Member {
                crc32: sum.crc32,
                ..*member
            })
            .collect();
        Parcel {
            members,
            ..self.parcel.clone()
        }
    }
}

impl<'a> Delivery<'a> {
    async fn new(
        shared: &'a Arc<Shared>,
        target: &'a Target,
        job: &'a Job,
    ) -> Result<Self, UploadError> {
        let container = container(target, &job.place).await?;
        let noted = Noted::new(shared, job, &container);
        Ok(Self {
            shared,
            target,
            job,
            container,
            noted,
        })
    }

    fn sent(&self, there_before: bool, file: Option<&str>) -> Sent {
        Sent {
            there_before,
            container: Arc::clone(&self.container),
            file: file.map(escape_for_terminal),
        }
    }

    /// Looks whether the server has the package now: another run may have sent it since the
    /// container was found.
    async fn look(&self) -> Result<Look, UploadError> {
        let files = self.target.hierarchy.files_now(&self.container).await?;
        let Some(there) = files.iter().find(|file| file.name == self.job.package.name) else {
            return Ok(Look::Missing(None));
        };
        match self.judge(there).await? {
            Verdict::Send => Ok(Look::Missing(Some(there.clone()))),
            Verdict::Leave(word) => {
                if let Some(word) = word {
                    self.note(word);
                }
                Ok(Look::There(self.sent(true, there.database_id())))
            }
            Verdict::AnotherFile => Err(FileFailure::new(
                FileCode::PackageName,
                "a file of another path was sent under it",
            )
            .into()),
        }
    }

    /// Notes what is about to be sent. A run that cannot do so stops before it.
    fn announce(&self) -> Result<(), UploadError> {
        let Some(Noted { journal, parcel }) = &self.noted else {
            return Ok(());
        };
        on_disk(|| journal.sending(parcel)).map_err(UploadError::Run)
    }

    /// Notes what the server has. Should that fail, this package has arrived all the same, and the
    /// run stops after it.
    fn note(&self, word: Word) {
        let Some(noted) = &self.noted else { return };
        let parcel = noted.summed(&self.job.package);
        if let Err(error) = on_disk(|| {
            noted
                .journal
                .confirmed(&parcel, &self.container.reference, word)
        }) {
            self.shared.stop.because(error);
        }
    }

    /// Decides about a file of the same name that is there. What this program put there is its own
    /// to replace; about everything else `--if-exists` decides.
    async fn judge(&self, there: &RemoteFile) -> Result<Verdict, UploadError> {
        let standing = self.noted.as_ref().map_or(Standing::Foreign, |noted| {
            noted.journal.standing(&noted.parcel, there)
        });
        match standing {
            Standing::Ours => Ok(Verdict::Leave(None)),
            Standing::Earlier(hash) => {
                let same = match &hash {
                    Some(_)
                        if self
                            .holds(&self.job.package, there, hash.as_deref())
                            .await? =>
                    {
                        true
                    }
                    _ => self.is_as_before().await?,
                };
                if !same {
                    let missing = self
                        .shared_with(&self.job.package.name, there)
                        .map_or(0, |shared| shared.missing);
                    if missing > 0 && self.job.package.is_other_file() {
                        return Ok(Verdict::AnotherFile);
                    }
                    if missing > 0 && !self.shared.plan.supersede {
                        return Err(part_of_series(missing).into());
                    }
                    self.tell_of_changes();
                }
                Ok(Verdict::leave_if(
                    same,
                    Word {
                        sha384: hash,
                        ..Word::from(there)
                    },
                ))
            }
            Standing::Begun if self.same_content(there).await? => {
                Ok(Verdict::Leave(Some(Word::from(there))))
            }
            Standing::Begun | Standing::Foreign => {
                let word = Word {
                    found: true,
                    ..Word::from(there)
                };
                Ok(Verdict::leave_if(self.leave_to_others(there).await?, word))
            }
        }
    }

    /// True to leave it.
    async fn leave_to_others(&self, there: &RemoteFile) -> Result<bool, UploadError> {
        match self.shared.plan.if_exists {
            IfExists::Replace => Ok(false),
            IfExists::Skip if self.same_content(there).await? => Ok(true),
            IfExists::Skip => {
                let detail = "its content is another";
                let failure = FileFailure::new(FileCode::UploadExists, detail);
                Err(failure
                    .with_hint("use `--if-exists replace` to add a new version")
                    .into())
            }
            IfExists::Fail => {
                Err(FileFailure::new(FileCode::UploadExists, "`--if-exists fail` was given").into())
            }
        }
    }

    /// Name and size must agree, and the hash where the server states one.
    async fn same_content(&self, there: &RemoteFile) -> Result<bool, FileFailure> {
        if self.holds(&self.job.package, there, there.sha384()).await? {
            return Ok(true);
        }
        // Another run may have found the network slower, or faster.
        if self.shared.plan.compression != Compression::Auto {
            return Ok(false);
        }
        match self.off_thread(Package::in_other_form).await? {
            Some(other) => self.holds(&other, there, there.sha384()).await,
            None => Ok(false),
        }
    }

    /// Whether a file on the server is a package: by its size, and by its SHA-384 where that is
    /// known.
    async fn holds(
        &self,
        package: &Package,
        there: &RemoteFile,
        sha384: Option<&str>,
    ) -> Result<bool, FileFailure> {
        let (true, Some(expected)) = (there.size == Some(package.len()), sha384) else {
            return Ok(there.size == Some(package.len()));
        };
        let hash = off_thread(package, Package::hash::<Sha384>).await?;
        Ok(hash.eq_ignore_ascii_case(expected))
    }

    /// Whether the members are those that an earlier run sent, by lengths and checksums, in
    /// whatever form. False where that run did not note them.
    async fn is_as_before(&self) -> Result<bool, FileFailure> {
        let Some(noted) = &self.noted else {
            return Ok(false);
        };
        self.off_thread(Package::settle_sums).await?;
        let parcel = noted.summed(&self.job.package);
        Ok(on_disk(|| noted.journal.is_the_same(&parcel)))
    }

    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Package) -> Result<T, FileFailure> + Send + 'static,
    ) -> Result<T, FileFailure> {
        off_thread(&self.job.package, work).await
    }

    fn tell_of_changes(&self) {
        let Some(changes) = self
            .noted
            .as_ref()
            .and_then(|noted| on_disk(|| noted.journal.changes(&noted.parcel)))
        else {
            return;
        };
        let sent = if matches!(self.shared.plan.way_out, WayOut::DryRun(_)) {
            "would be"
        } else {
            "is"
        };
        let text = format!(
            "a package that was sent before has changed and {sent} sent again: {} instances then, \
                {} now; {} are new or changed, {} of before are gone",
            changes.before, changes.now, changes.new, changes.gone
        );
        self.shared
            .outcomes
            .events()
            .notice(Severity::Notice, "changed", text);
    }

    /// What a file in the container, which an earlier run put there, has in common with the
    /// package.
    fn shared_with(&self, name: &str, there: &RemoteFile) -> Option<journal::Shared> {
        let Noted { journal, parcel } = self.noted.as_ref()?;
        on_disk(|| {
            journal.shared_with(
                journal.marker().place(&self.container.reference.id, name),
                there,
                parcel,
            )
        })
    }

    /// Says where two runs sent a file of one name at the same time: the look before cannot see
    /// what is still under way.
    fn tell_of_rivals(&self, receipt: &UploadReceipt, previous: Option<&RemoteFile>) {
        if receipt.took_the_place_of_another(previous) {
            let id = escape_for_terminal(receipt.file_id.as_deref().unwrap_or("without id"));
            let text = format!(
                "another program sent a file of the same name to {} {} at the same time: file \
                    {id} holds what this run sent last",
                self.container.reference.kind.as_str(),
                self.container.reference.id
            );
            self.shared
                .outcomes
                .events()
                .notice(Severity::Warning, "sent-at-the-same-time", text);
        }
    }

    /// Names packages of earlier runs whose instances were now sent in this one, as where a file
    /// stayed behind whose series came to be called otherwise. Nothing is deleted on a server
    /// unasked.
    async fn settle_superseded(&self, target: &Target) {
        let package = &self.job.package;
        if package.is_other_file() {
            return;
        }
        // An instance by itself may stand in the zip of a series too; its neighbours, which may be
        // thousands, are other instances.
        let is_zip = |file: &RemoteFile| {
            Path::new(&file.name)
                .extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("zip"))
        };
        let may_hold = |file: &&RemoteFile| {
            file.name != package.name && (package.members.is_some() || is_zip(file))
        };
        for file in self.container.files_before.iter().filter(may_hold) {
            let shared = self
                .shared_with(&file.name, file)
                .filter(|shared| shared.again > 0);
            let alone = package.name.strip_suffix(".zip") == Some(file.name.as_str());
            match shared {
                Some(shared) if shared.missing == 0 && self.shared.plan.supersede => {
                    let removed = target
                        .client
                        .remove_file(&self.container.reference, &file.name)
                        .await;
                    if removed.is_err() {
                        self.tell_of_superseded(
                            file,
                            "with instances that were now sent in \
                            another, and it could not be deleted",
                        );
                    }
                }
                Some(_) => self.tell_of_superseded(
                    file,
                    "with instances that were now sent in \
                    another: delete it there, or let `--supersede` do it",
                ),
                None if alone => self.tell_of_superseded(
                    file,
                    "as earlier versions and other programs name a series of one instance: if \
                        that was now sent again, delete it there",
                ),
                None => {}
            }
        }
    }

    fn tell_of_superseded(&self, file: &RemoteFile, why: &str) {
        let container = &self.container.reference.id;
        if self.shared.told_of_first_time(container, &file.name) {
            let id = escape_for_terminal(file.database_id().unwrap_or("without id"));
            let text = format!(
                "acquisition {container} still holds an earlier package (file {id}), {why}"
            );
            self.shared
                .outcomes
                .events()
                .notice(Severity::Warning, "superseded", text);
        }
    }

    fn upload_file(&self, previous: Option<&RemoteFile>, under_way: &Arc<UnderWay>) -> UploadFile {
        let package: &Package = &self.job.package;
        let (whole, under_way) = (package.clone(), Arc::clone(under_way));
        UploadFile {
            file_type: package.kind,
            zip_member_count: package.members,
            modality: package.modality.clone(),
            previous: previous.cloned(),
            progress: Some(Arc::new(move |bytes| under_way.sent(bytes))),
            ..UploadFile::new(package.name.clone(), package.len(), move || whole.stream())
        }
    }
}

/// Why a package does not take the place of one that holds more of the series.
fn part_of_series(missing: usize) -> FileFailure {
    let instances = if missing == 1 {
        "1 instance".to_owned()
    } else {
        format!("{missing} instances")
    };
    FileFailure::new(
        FileCode::UploadPartOfSeries,
        format!("{instances} of the package there would be missing"),
    )
}

/// Work that reads a whole package.
async fn off_thread<T: Send + 'static>(
    package: &Package,
    work: impl FnOnce(&Package) -> Result<T, FileFailure> + Send + 'static,
) -> Result<T, FileFailure> {
    let package = package.clone();
    let done = tokio::task::spawn_blocking(move || work(&package)).await;
    done.unwrap_or_else(|e| Err(FileFailure::new(FileCode::ReadIo, e.to_string())))
}

/// Work with the journal may wait for a disk: said to be blocking, so that other uploads go on.
fn on_disk<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}
