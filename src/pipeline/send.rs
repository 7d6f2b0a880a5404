//! Sending one package: is it there already, whose is it, send it, note it down.
//!
//! Owns the rule that nothing is sent twice and nobody else's file is replaced unasked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::Sha384;

use crate::config::{Compression, IfExists};
use crate::event::{Event, PackageBytes, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::flywheel::{Container, RemoteFile, UploadError, UploadFile};
use crate::journal::{Journal, Member, Parcel, Standing, Word};
use crate::package::Package;
use crate::phi::escape_for_terminal;
use crate::plan::Target;

use super::deliver::{Job, Shared};
use super::place::Place;

/// A package that the server has.
pub struct Sent {
    /// It had it before.
    pub there_before: bool,
    /// The container's database id.
    pub container: String,
    /// The file's database id, where the server states one.
    pub file: Option<String>,
}

/// Has the server have a package.
pub(super) async fn send(shared: &Arc<Shared>, target: &Target, job: &Job) -> Result<Sent, UploadError> {
    let container = match &job.place {
        Place::Acquisition(to) => target.hierarchy.acquisition(to).await?,
        Place::Session(to) => target.hierarchy.session(to).await?,
        Place::Project => target.hierarchy.project_container().await?,
    };
    let delivery = Delivery { shared, job, container: &container, noted: Noted::new(shared, job, &container) };
    let there = container.files.iter().find(|file| file.name == job.package.name);
    if let Some(there) = there
        && let Verdict::Leave(word) = delivery.judge(there).await?
    {
        if let Some(word) = word {
            delivery.note(word);
        }
        return Ok(delivery.sent(true, there.database_id()));
    }
    let under_way = Arc::new(UnderWay::new(shared, job));
    let file = target.client.logged(delivery.upload_file(there, &under_way), job.package.originals()).await?;
    delivery.announce()?;
    under_way.begins();
    let receipt = target.client.upload(&container.reference, &file).await;
    under_way.ends();
    let receipt = receipt?;
    delivery.note(Word::from(&receipt));
    delivery.tell_of_superseded();
    Ok(delivery.sent(false, receipt.file_id()))
}

/// The bytes of a package on their way: progress is told of them as they go, not when the package has arrived.
struct UnderWay {
    shared: Arc<Shared>,
    bytes: PackageBytes,
    sent: AtomicU64,
    begun: AtomicBool,
}

impl UnderWay {
    fn new(shared: &Arc<Shared>, job: &Job) -> Self {
        let source = job.sources.iter().map(|source| source.file.len()).sum();
        let bytes = PackageBytes { source, size: job.package.len(), sent: 0 };
        Self { shared: Arc::clone(shared), bytes, sent: AtomicU64::new(0), begun: AtomicBool::new(false) }
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
            self.tell(Event::SendingEnded(PackageBytes { sent: self.sent.load(Ordering::Relaxed), ..self.bytes }));
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
}

impl Verdict {
    fn leave_if(same: bool, word: Word) -> Self {
        if same { Self::Leave(Some(word)) } else { Self::Send }
    }
}

/// A package and the container that it goes to.
struct Delivery<'a> {
    shared: &'a Arc<Shared>,
    job: &'a Job,
    container: &'a Container,
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
        let sources: Vec<_> = job.sources.iter().map(|source| marker.source(&source.file)).collect();
        let members = sources.iter().zip(job.package.sums());
        let members = members.map(|(source, sum)| Member { source: *source, size: sum.len, crc32: sum.crc32 }).collect();
        let place = marker.place(&container.reference.id, &job.package.name);
        let parcel = Parcel { place, sources: marker.sources(sources), size: job.package.len(), members };
        Some(Self { journal, parcel })
    }

    /// The parcel with the checksums that are known by now.
    fn summed(&self, package: &Package) -> Parcel {
        let members = self.parcel.members.iter().zip(package.sums());
        let members = members.map(|(member, sum)| Member { crc32: sum.crc32, ..*member }).collect();
        Parcel { members, ..self.parcel.clone() }
    }
}

impl Delivery<'_> {
    fn sent(&self, there_before: bool, file: Option<&str>) -> Sent {
        Sent { there_before, container: self.container.reference.id.clone(), file: file.map(str::to_owned) }
    }

    /// Notes what is about to be sent. A run that cannot do so stops before it.
    fn announce(&self) -> Result<(), UploadError> {
        let Some(Noted { journal, parcel }) = &self.noted else { return Ok(()) };
        on_disk(|| journal.sending(parcel)).map_err(UploadError::Run)
    }

    /// Notes what the server has. Should that fail, this package has arrived all the same, and the run stops after it.
    fn note(&self, word: Word) {
        let Some(noted) = &self.noted else { return };
        let parcel = noted.summed(&self.job.package);
        if let Err(error) = on_disk(|| noted.journal.confirmed(&parcel, &self.container.reference, word)) {
            self.shared.stop.because(error);
        }
    }

    /// Decides about a file of the same name that is there. What this program put there is its own to replace; about
    /// everything else `--if-exists` decides.
    async fn judge(&self, there: &RemoteFile) -> Result<Verdict, UploadError> {
        let standing = self.noted.as_ref().map_or(Standing::Foreign, |noted| noted.journal.standing(&noted.parcel, there));
        match standing {
            Standing::Ours => Ok(Verdict::Leave(None)),
            Standing::Earlier(hash) => {
                let same = match &hash {
                    Some(_) if self.holds(&self.job.package, there, hash.as_deref()).await? => true,
                    _ => self.is_as_before().await?,
                };
                if !same {
                    self.tell_of_changes();
                }
                Ok(Verdict::leave_if(same, Word { sha384: hash, ..Word::from(there) }))
            }
            Standing::Begun if self.same_content(there).await? => Ok(Verdict::Leave(Some(Word::from(there)))),
            Standing::Begun | Standing::Foreign => {
                let word = Word { found: true, ..Word::from(there) };
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
                Err(failure.with_hint("use `--if-exists replace` to add a new version").into())
            }
            IfExists::Fail => Err(FileFailure::new(FileCode::UploadExists, "`--if-exists fail` was given").into()),
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

    /// Whether a file on the server is a package: by its size, and by its SHA-384 where that is known.
    async fn holds(&self, package: &Package, there: &RemoteFile, sha384: Option<&str>) -> Result<bool, FileFailure> {
        let (true, Some(expected)) = (there.size == Some(package.len()), sha384) else {
            return Ok(there.size == Some(package.len()));
        };
        let hash = off_thread(package, Package::hash::<Sha384>).await?;
        Ok(hash.eq_ignore_ascii_case(expected))
    }

    /// Whether the members are those that an earlier run sent, by lengths and checksums, in whatever form. False where
    /// that run did not note them.
    async fn is_as_before(&self) -> Result<bool, FileFailure> {
        let Some(noted) = &self.noted else { return Ok(false) };
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
        let Some(changes) = self.noted.as_ref().and_then(|noted| on_disk(|| noted.journal.changes(&noted.parcel))) else {
            return;
        };
        let text = format!(
            "a package that was sent before has changed and is sent again: {} instances then, {} now; {} are new or changed, {} of before are gone",
            changes.before, changes.now, changes.new, changes.gone
        );
        self.shared.outcomes.events().notice(Severity::Notice, "changed", text);
    }

    /// A series that outgrew its first package goes under another name: nothing is deleted on a server unasked, so somebody
    /// has to know.
    fn tell_of_superseded(&self) {
        let Some(Noted { journal, parcel }) = &self.noted else { return };
        let container = &self.container.reference.id;
        let others = self.container.files.iter().filter(|file| file.name != self.job.package.name);
        let superseded =
            |file: &&RemoteFile| on_disk(|| journal.is_superseded(journal.marker().place(container, &file.name), file, parcel));
        for file in others.filter(superseded) {
            let id = escape_for_terminal(file.database_id().unwrap_or("without id"));
            let text = format!(
                "acquisition {container} still holds an earlier package (file {id}) with instances that were now sent in another: \
                 delete it there"
            );
            self.shared.outcomes.events().notice(Severity::Warning, "superseded", text);
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
