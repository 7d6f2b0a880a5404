//! Sending one package to the server: is it there already, whose is it, send it, note it down.
//!
//! Owns the rule that nothing is sent twice and no other program's file is replaced unasked. A dry
//! run does the same up to the first request that changes something.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::Sha384;

use crate::client_failure::UploadError;
use crate::config::{Compression, IfExists};
use crate::event::{Event, PackageBytes, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::journal::{
    Confirmation, Journal, MemberRecord, PackageRecord, Provenance, SharedInstances,
};
use crate::package::Package;
use crate::plan::UploadServer;
use dicom_lossless::escape_for_terminal;
use flywheel_client::{Container, DeidRecord, RemoteFile, UploadFile, UploadReceipt};

use super::pack::OutgoingPackage;
use super::send_state::{Delivered, SendState};
use super::target::TargetContainer;

/// Sends a package, if the profile that it was cleaned under still governs and the server does not
/// have the package already.
pub(super) async fn transmit(
    state: &Arc<SendState>,
    server: &UploadServer,
    outgoing: &OutgoingPackage,
) -> Result<Delivered, UploadError> {
    let dry_run = state.context.plan.sink.is_dry_run();
    if !dry_run {
        let stop = &state.context.stop;
        let unchanged = state
            .recheck
            .before_sending(&server.watch, stop)
            .await;
        unchanged.map_err(UploadError::Run)?;
    }
    let upload = PackageUpload::new(state, server, outgoing).await?;
    let previous = match upload.look().await? {
        Look::There(delivered) => return Ok(delivered),
        Look::Missing(_) if dry_run => return Ok(upload.delivered(false, None)),
        Look::Missing(previous) => previous,
    };
    let progress = Arc::new(UploadProgress::new(state, outgoing));
    let record = match outgoing.package.originals() {
        Some(originals) => {
            let record = DeidRecord::new(originals.for_the_log());
            Some(
                server
                    .client
                    .record_deid(&record)
                    .await?,
            )
        }
        None => None,
    };
    let file = upload.upload_file(previous.as_ref(), &progress);
    let file = server
        .client
        .logged(file, record)
        .await?;
    upload.announce()?;
    progress.begins();
    let receipt = server
        .client
        .upload(&upload.container.reference, &file)
        .await;
    progress.ends();
    let receipt = receipt?;
    upload.note(Confirmation::from(&receipt));
    upload.tell_of_rivals(&receipt, previous.as_ref());
    upload.settle_superseded().await;
    Ok(upload.delivered(false, receipt.file_id.as_deref()))
}

/// Whether the name of a file that is not DICOM is its own where it goes: free, or that of the same
/// file before.
pub(super) async fn is_free(
    state: &Arc<SendState>,
    server: &UploadServer,
    outgoing: &OutgoingPackage,
) -> Result<bool, UploadError> {
    let upload = PackageUpload::new(state, server, outgoing).await?;
    let files = server
        .hierarchy
        .files_now(&upload.container)
        .await?;
    match files
        .iter()
        .find(|file| file.name == outgoing.package.name)
    {
        Some(there) => Ok(!matches!(upload.judge(there).await?, Verdict::AnotherFile)),
        None => Ok(true),
    }
}

async fn container(
    server: &UploadServer,
    target: &TargetContainer,
) -> Result<Arc<Container>, UploadError> {
    let container = match target {
        TargetContainer::Acquisition(to) => server.hierarchy.acquisition(to).await?,
        TargetContainer::Session(to) => server.hierarchy.session(to).await?,
        TargetContainer::Subject(to) => {
            server
                .hierarchy
                .subject_container(&to.subject)
                .await?
        }
        TargetContainer::Project => {
            server
                .hierarchy
                .project_container()
                .await?
        }
    };
    Ok(container)
}

/// What a look at the container showed.
enum Look {
    /// The server has the package.
    There(Delivered),
    /// It does not; with the file whose place the package takes.
    Missing(Option<RemoteFile>),
}

/// The bytes of a package on their way: progress is told of them as they go, not when the package
/// has arrived.
struct UploadProgress {
    state: Arc<SendState>,
    bytes: PackageBytes,
    sent: AtomicU64,
    begun: AtomicBool,
}

impl UploadProgress {
    fn new(state: &Arc<SendState>, outgoing: &OutgoingPackage) -> Self {
        let source = outgoing
            .sources
            .iter()
            .map(|source| source.file.len())
            .sum();
        let bytes = PackageBytes {
            source,
            size: outgoing.package.len(),
            sent: 0,
        };
        Self {
            state: Arc::clone(state),
            bytes,
            sent: AtomicU64::new(0),
            begun: AtomicBool::new(false),
        }
    }

    fn tell(&self, event: Event) {
        self.state.context.events.send(event);
    }

    fn begins(&self) {
        self.begun
            .store(true, Ordering::Relaxed);
        self.tell(Event::Sending(self.bytes));
    }

    fn sent(&self, bytes: u64) {
        self.sent
            .fetch_add(bytes, Ordering::Relaxed);
        self.state.slots.sent(bytes);
        self.tell(Event::Sent { bytes });
    }

    fn ends(&self) {
        if self
            .begun
            .swap(false, Ordering::Relaxed)
        {
            self.tell(Event::SendingEnded(PackageBytes {
                sent: self.sent.load(Ordering::Relaxed),
                ..self.bytes
            }));
        }
    }
}

impl Drop for UploadProgress {
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
    Leave(Option<Confirmation>),
    /// The file is another one that fwupload sent, and has nothing to do with the package.
    AnotherFile,
}

impl Verdict {
    fn leave_if(same: bool, confirmation: Confirmation) -> Self {
        if same {
            Self::Leave(Some(confirmation))
        } else {
            Self::Send
        }
    }
}

/// A package and the container that it goes to.
struct PackageUpload<'a> {
    state: &'a Arc<SendState>,
    server: &'a UploadServer,
    outgoing: &'a OutgoingPackage,
    container: Arc<Container>,
    entry: Option<JournalEntry<'a>>,
}

/// The package as the journal knows it.
struct JournalEntry<'a> {
    journal: &'a Journal,
    record: PackageRecord,
}

impl<'a> JournalEntry<'a> {
    fn new(
        state: &'a SendState,
        outgoing: &OutgoingPackage,
        container: &Container,
    ) -> Option<Self> {
        let journal = state.journal.as_ref()?;
        let digester = journal.digester();
        let sources: Vec<_> = outgoing
            .sources
            .iter()
            .map(|source| digester.source(&source.file))
            .collect();
        let instances: Vec<_> = match outgoing.sources.as_slice() {
            [file] if outgoing.package.is_other_file() => vec![digester.other_file(&file.path)],
            _ => outgoing
                .package
                .instances()
                .map(|uid| digester.instance(uid))
                .collect(),
        };
        let members = instances
            .into_iter()
            .zip(outgoing.package.sums());
        let members = members
            .map(|(instance, sum)| MemberRecord {
                instance,
                size: sum.len,
                crc32: sum.crc32,
            })
            .collect();
        let location = digester.location(&container.reference.id, &outgoing.package.name);
        let record = PackageRecord {
            location,
            sources: digester.sources(sources),
            size: outgoing.package.len(),
            members,
        };
        Some(Self { journal, record })
    }

    /// The record with the checksums that are known by now.
    fn summed(&self, package: &Package) -> PackageRecord {
        let members = self
            .record
            .members
            .iter()
            .zip(package.sums());
        let members = members
            .map(|(member, sum)| MemberRecord {
                crc32: sum.crc32,
                ..*member
            })
            .collect();
        PackageRecord {
            members,
            ..self.record.clone()
        }
    }
}

impl<'a> PackageUpload<'a> {
    async fn new(
        state: &'a Arc<SendState>,
        server: &'a UploadServer,
        outgoing: &'a OutgoingPackage,
    ) -> Result<Self, UploadError> {
        let container = container(server, &outgoing.target).await?;
        let entry = JournalEntry::new(state, outgoing, &container);
        Ok(Self {
            state,
            server,
            outgoing,
            container,
            entry,
        })
    }

    fn delivered(&self, there_before: bool, file_id: Option<&str>) -> Delivered {
        Delivered {
            there_before,
            container: Some(Arc::clone(&self.container)),
            file_id: file_id.map(str::to_owned),
        }
    }

    /// Looks whether the server has the package now: another run may have sent it since the
    /// container was found.
    async fn look(&self) -> Result<Look, UploadError> {
        let files = self
            .server
            .hierarchy
            .files_now(&self.container)
            .await?;
        let Some(there) = files
            .iter()
            .find(|file| file.name == self.outgoing.package.name)
        else {
            return Ok(Look::Missing(None));
        };
        match self.judge(there).await? {
            Verdict::Send => Ok(Look::Missing(Some(there.clone()))),
            Verdict::Leave(confirmation) => {
                if let Some(confirmation) = confirmation {
                    self.note(confirmation);
                }
                Ok(Look::There(self.delivered(true, there.database_id())))
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
        let Some(JournalEntry { journal, record }) = &self.entry else {
            return Ok(());
        };
        on_disk(|| journal.sending(record)).map_err(UploadError::Run)
    }

    /// Notes what the server has. Should that fail, this package has arrived all the same, and the
    /// run stops after it.
    fn note(&self, confirmation: Confirmation) {
        let Some(entry) = &self.entry else { return };
        let record = entry.summed(&self.outgoing.package);
        if let Err(error) = on_disk(|| {
            entry
                .journal
                .confirmed(&record, &self.container.reference, confirmation)
        }) {
            self.state.context.stop.because(error);
        }
    }

    /// Decides about a file of the same name that is there. What this program put there is its own
    /// to replace; about everything else `--if-exists` decides.
    async fn judge(&self, there: &RemoteFile) -> Result<Verdict, UploadError> {
        let provenance = self
            .entry
            .as_ref()
            .map_or(Provenance::Foreign, |entry| {
                entry
                    .journal
                    .provenance(&entry.record, there)
            });
        match provenance {
            Provenance::SameSources => Ok(Verdict::Leave(None)),
            Provenance::OtherSources(hash) => {
                let same = match &hash {
                    Some(_)
                        if self
                            .holds(&self.outgoing.package, there, hash.as_deref())
                            .await? =>
                    {
                        true
                    }
                    _ => self.is_as_before().await?,
                };
                if !same {
                    let missing = self
                        .shared_with(&self.outgoing.package.name, there)
                        .map_or(0, |shared| shared.missing);
                    if missing > 0 && self.outgoing.package.is_other_file() {
                        return Ok(Verdict::AnotherFile);
                    }
                    if missing > 0
                        && !self
                            .state
                            .context
                            .plan
                            .packaging
                            .supersede
                    {
                        return Err(part_of_series(missing).into());
                    }
                    self.tell_of_changes();
                }
                Ok(Verdict::leave_if(
                    same,
                    Confirmation {
                        sha384: hash,
                        ..Confirmation::from(there)
                    },
                ))
            }
            Provenance::Unconfirmed if self.same_content(there).await? => {
                Ok(Verdict::Leave(Some(Confirmation::from(there))))
            }
            Provenance::Unconfirmed | Provenance::Foreign => {
                let confirmation = Confirmation {
                    found: true,
                    ..Confirmation::from(there)
                };
                Ok(Verdict::leave_if(
                    self.leave_to_others(there).await?,
                    confirmation,
                ))
            }
        }
    }

    /// True to leave it.
    async fn leave_to_others(&self, there: &RemoteFile) -> Result<bool, UploadError> {
        match self
            .state
            .context
            .plan
            .packaging
            .if_exists
        {
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
        if self
            .holds(&self.outgoing.package, there, there.sha384())
            .await?
        {
            return Ok(true);
        }
        // Another run may have found the network slower, or faster.
        if self
            .state
            .context
            .plan
            .transfer
            .compression
            != Compression::Auto
        {
            return Ok(false);
        }
        match off_thread(&self.outgoing.package, Package::in_other_form).await? {
            Some(other) => {
                self.holds(&other, there, there.sha384())
                    .await
            }
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
        let Some(entry) = &self.entry else {
            return Ok(false);
        };
        off_thread(&self.outgoing.package, Package::settle_sums).await?;
        let record = entry.summed(&self.outgoing.package);
        Ok(on_disk(|| entry.journal.is_the_same(&record)))
    }

    fn tell_of_changes(&self) {
        let Some(changes) = self
            .entry
            .as_ref()
            .and_then(|entry| on_disk(|| entry.journal.changes(&entry.record)))
        else {
            return;
        };
        let sent = if self
            .state
            .context
            .plan
            .sink
            .is_dry_run()
        {
            "would be"
        } else {
            "is"
        };
        let text = format!(
            "a package that was sent before has changed and {sent} sent again: {} instances then, \
                {} now; {} are new or changed, {} of before are gone",
            changes.before, changes.now, changes.new, changes.gone
        );
        self.state
            .context
            .events
            .notice(Severity::Notice, "changed", text);
    }

    /// What a file in the container, which an earlier run put there, has in common with the
    /// package.
    fn shared_with(&self, name: &str, there: &RemoteFile) -> Option<SharedInstances> {
        let JournalEntry { journal, record } = self.entry.as_ref()?;
        on_disk(|| {
            journal.shared_with(
                journal
                    .digester()
                    .location(&self.container.reference.id, name),
                there,
                record,
            )
        })
    }

    /// Says where two runs sent a file of one name at the same time: the look before cannot see
    /// what is still under way.
    fn tell_of_rivals(&self, receipt: &UploadReceipt, previous: Option<&RemoteFile>) {
        if receipt.took_the_place_of_another(previous) {
            let id = escape_for_terminal(
                receipt
                    .file_id
                    .as_deref()
                    .unwrap_or("without id"),
            );
            let text = format!(
                "another program sent a file of the same name to {} {} at the same time: file \
                    {id} holds what this run sent last",
                self.container.reference.kind.as_str(),
                self.container.reference.id
            );
            self.state
                .context
                .events
                .notice(Severity::Warning, "sent-at-the-same-time", text);
        }
    }

    /// Names packages of earlier runs whose instances were now sent in this one, as where a file
    /// stayed behind whose series came to be called otherwise. Nothing is deleted on a server
    /// unasked.
    async fn settle_superseded(&self) {
        let package = &self.outgoing.package;
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
        for file in self
            .container
            .files_before
            .iter()
            .filter(may_hold)
        {
            let shared = self
                .shared_with(&file.name, file)
                .filter(|shared| shared.again > 0);
            let alone = package.name.strip_suffix(".zip") == Some(file.name.as_str());
            match shared {
                Some(shared)
                    if shared.missing == 0
                        && self
                            .state
                            .context
                            .plan
                            .packaging
                            .supersede =>
                {
                    let removed = self
                        .server
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
        if self
            .state
            .names(|names| names.tell(container, &file.name))
        {
            let id = escape_for_terminal(
                file.database_id()
                    .unwrap_or("without id"),
            );
            let text = format!(
                "acquisition {container} still holds an earlier package (file {id}), {why}"
            );
            self.state
                .context
                .events
                .notice(Severity::Warning, "superseded", text);
        }
    }

    fn upload_file(
        &self,
        previous: Option<&RemoteFile>,
        progress: &Arc<UploadProgress>,
    ) -> UploadFile {
        let package: &Package = &self.outgoing.package;
        let (whole, progress) = (package.clone(), Arc::clone(progress));
        UploadFile {
            file_type: package.kind,
            zip_member_count: package.members,
            modality: package.modality.clone(),
            previous: previous.cloned(),
            progress: Some(Arc::new(move |bytes| progress.sent(bytes))),
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
