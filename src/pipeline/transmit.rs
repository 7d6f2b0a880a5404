//! Sending one package to the server: is it there already, whose is it, send it, note it down.
//!
//! Owns the rule that nothing is sent twice and no other program's file is replaced unasked. A dry
//! run does the same up to the first request that changes something.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::Sha384;

use crate::client_failure::UploadError;
use crate::config::{Compression, IfExists};
use crate::event::{Event, PackageBytes, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::journal::{
    Confirmation, Journal, MemberRecord, PackageRecord, Provenance, SharedInstances,
};
use crate::package::Package;
use crate::plan::{UploadPlan, UploadServer};
use dicom_lossless::escape_for_terminal;
use flywheel_client::{Container, DeidRecord, RemoteFile, UploadFile, UploadReceipt};

use super::outcomes::counted;
use super::pack::OutgoingPackage;
use super::send_state::{Delivered, SendState};
use super::target::TargetContainer;

/// Sends a package, if the profile that it was cleaned under still governs and the server does not
/// have the package already.
pub async fn transmit(
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
    let previous = upload.there().await?;
    if let Some(there) = &previous {
        match upload.judge(there).await? {
            Verdict::Send => {}
            Verdict::Leave(confirmation) => {
                if let Some(confirmation) = confirmation {
                    upload.note(confirmation);
                }
                return Ok(upload.delivered(true, there.database_id()));
            }
            Verdict::AnotherFile => {
                let detail = "a file of another path was sent under it";
                return Err(FileFailure::new(FileCode::PackageName, detail).into());
            }
        }
    }
    if dry_run {
        return Ok(upload.delivered(false, None));
    }
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
    let sent = Arc::default();
    let file = upload.upload_file(previous.as_ref(), &sent);
    let file = server
        .client
        .logged(file, record)
        .await?;
    upload.announce()?;
    let sending = Sending::begin(state, outgoing, sent);
    let receipt = server
        .client
        .upload(&upload.container.reference, &file)
        .await;
    drop(sending);
    let receipt = receipt?;
    upload.note(Confirmation::from(&receipt));
    upload.tell_of_rivals(&receipt, previous.as_ref());
    upload.settle_superseded().await;
    Ok(upload.delivered(false, receipt.file_id.as_deref()))
}

/// Whether the name of a file that is not DICOM is its own where it goes: free, or that of the same
/// file before.
pub async fn is_free(
    state: &Arc<SendState>,
    server: &UploadServer,
    outgoing: &OutgoingPackage,
) -> Result<bool, UploadError> {
    let upload = PackageUpload::new(state, server, outgoing).await?;
    match upload.there().await? {
        Some(there) => Ok(!matches!(upload.judge(&there).await?, Verdict::AnotherFile)),
        None => Ok(true),
    }
}

/// A package on its way, until this is dropped: also one that is given up midway is not on its way
/// any more.
struct Sending<'a> {
    state: &'a SendState,
    bytes: PackageBytes,
    /// How many bytes went out by now.
    sent: Arc<AtomicU64>,
}

impl<'a> Sending<'a> {
    fn begin(state: &'a SendState, outgoing: &OutgoingPackage, sent: Arc<AtomicU64>) -> Self {
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
        state
            .context
            .events
            .send(Event::Sending(bytes));
        Self { state, bytes, sent }
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let ended = Event::SendingEnded(PackageBytes {
            sent: self.sent.load(Ordering::Relaxed),
            ..self.bytes
        });
        self.state
            .context
            .events
            .send(ended);
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
        let (digester, plan) = (&journal.digester, &state.context.plan);
        let sources: Vec<_> = outgoing
            .sources
            .iter()
            .map(|source| plan.fingerprint(digester, source))
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
        let mut record = self.record.clone();
        for (member, sum) in record
            .members
            .iter_mut()
            .zip(package.sums())
        {
            member.crc32 = sum.crc32;
        }
        record
    }
}

impl<'a> PackageUpload<'a> {
    async fn new(
        state: &'a Arc<SendState>,
        server: &'a UploadServer,
        outgoing: &'a OutgoingPackage,
    ) -> Result<Self, UploadError> {
        let hierarchy = &server.hierarchy;
        let container = match &outgoing.target {
            TargetContainer::Acquisition(to) => hierarchy.acquisition(to).await,
            TargetContainer::Session(to) => hierarchy.session(to).await,
            TargetContainer::Subject(to) => {
                hierarchy
                    .subject_container(&to.subject)
                    .await
            }
            TargetContainer::Project => hierarchy.project_container().await,
        }?;
        let entry = JournalEntry::new(state, outgoing, &container);
        Ok(Self {
            state,
            server,
            outgoing,
            container,
            entry,
        })
    }

    fn plan(&self) -> &UploadPlan {
        &self.state.context.plan
    }

    fn tell(&self, severity: Severity, code: &'static str, text: String) {
        self.state
            .context
            .events
            .notice(severity, code, text);
    }

    fn delivered(&self, there_before: bool, file_id: Option<&str>) -> Delivered {
        Delivered {
            there_before,
            container: Some(Arc::clone(&self.container)),
            file_id: file_id.map(str::to_owned),
        }
    }

    /// The file that has the name of the package now: another run may have sent it since the
    /// container was found.
    async fn there(&self) -> Result<Option<RemoteFile>, UploadError> {
        let files = self
            .server
            .hierarchy
            .files_now(&self.container)
            .await?;
        let same_name = |file: &&RemoteFile| file.name == self.outgoing.package.name;
        Ok(files
            .iter()
            .find(same_name)
            .cloned())
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
            self.state
                .context
                .stop
                .because(error);
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
                    if missing > 0
                        && self
                            .outgoing
                            .package
                            .is_other_file()
                    {
                        return Ok(Verdict::AnotherFile);
                    }
                    if missing > 0 && !self.plan().packaging.supersede {
                        let instances = counted(missing as u64, "instance");
                        let detail = format!("{instances} of the package there would be missing");
                        return Err(FileFailure::new(FileCode::UploadPartOfSeries, detail).into());
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
        match self.plan().packaging.if_exists {
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
        if self.plan().transfer.compression != Compression::Auto {
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
        let same_size = there.size == Some(package.len());
        let (true, Some(expected)) = (same_size, sha384) else {
            return Ok(same_size);
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
        let sent = if self.plan().sink.is_dry_run() {
            "would be"
        } else {
            "is"
        };
        let text = format!(
            "a package that was sent before has changed and {sent} sent again: {} instances then, \
                {} now; {} are new or changed, {} of before are gone",
            changes.before, changes.now, changes.new, changes.gone
        );
        self.tell(Severity::Notice, "changed", text);
    }

    /// What a file in the container, which an earlier run put there, has in common with the
    /// package.
    fn shared_with(&self, name: &str, there: &RemoteFile) -> Option<SharedInstances> {
        let JournalEntry { journal, record } = self.entry.as_ref()?;
        on_disk(|| {
            journal.shared_with(
                journal
                    .digester
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
                self.container
                    .reference
                    .kind
                    .as_str(),
                self.container.reference.id
            );
            self.tell(Severity::Warning, "sent-at-the-same-time", text);
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
            let why = match shared {
                Some(shared) if shared.missing == 0 && self.plan().packaging.supersede => {
                    let removed = self
                        .server
                        .client
                        .remove_file(&self.container.reference, &file.name)
                        .await;
                    if removed.is_ok() {
                        continue;
                    }
                    "with instances that were now sent in another, and it could not be deleted"
                }
                Some(_) => {
                    "with instances that were now sent in another: delete it there, or let \
                        `--supersede` do it"
                }
                None if alone => {
                    "as earlier versions and other programs name a series of one instance: if \
                        that was now sent again, delete it there"
                }
                None => continue,
            };
            self.tell_of_superseded(file, why);
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
            self.tell(Severity::Warning, "superseded", text);
        }
    }

    fn upload_file(&self, previous: Option<&RemoteFile>, sent: &Arc<AtomicU64>) -> UploadFile {
        let package = &self.outgoing.package;
        let (whole, state, sent) = (package.clone(), Arc::clone(self.state), Arc::clone(sent));
        // Told of as they go, not when the package has arrived.
        let progress = move |bytes| {
            sent.fetch_add(bytes, Ordering::Relaxed);
            state.slots.sent(bytes);
            state
                .context
                .events
                .send(Event::Sent { bytes });
        };
        UploadFile {
            file_type: package.kind,
            zip_member_count: package.members,
            modality: package.modality.clone(),
            fields: package.fields.clone(),
            previous: previous.cloned(),
            progress: Some(Arc::new(progress)),
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
