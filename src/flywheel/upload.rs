//! Sending one file to one container.
//!
//! Owns the choice of the route. Whatever route is taken, only a receipt counts as success.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::{Value, json};

use super::answer::{ContainerRef, RemoteFile};
use super::body::{BodyStream, Progress};
use super::checksum::Checksum;
use super::client::Client;
use super::confirm::UploadReceipt;
use super::deid_log::LogEntry;
use super::error::{ApiError, UploadError};
use super::retry::ClientNotice;

/// After so many failures in a row direct storage is no longer tried in this run.
const STORAGE_PATIENCE: u32 = 3;

/// What earlier uploads of this run taught, so that not every file has to learn it again.
#[derive(Default)]
pub(super) struct Learnt {
    /// Uploads in a row for which direct storage was of no use.
    storage_failures: AtomicU32,
    /// The site gives no tickets for this project, whatever it announces.
    no_tickets: AtomicBool,
    /// The site refuses `size` in descriptions.
    no_size: AtomicBool,
    /// The site refuses `zip_member_count` in descriptions.
    no_members: AtomicBool,
    /// The site states hashes of what goes through it.
    hashes: AtomicBool,
}

/// What a site is told of a file beyond what every site takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// Its size; sites that give out addresses, or cut files into parts, want to know.
    pub(super) size: bool,
    /// How many files a zip holds.
    pub(super) members: bool,
}

impl Told {
    /// The same less what this refusal is about; `None` where it is about something else. Sites
    /// refuse what they do not know, by name or as a property that is one too many.
    pub(super) fn less(self, error: &ApiError) -> Option<Self> {
        let said = error.refused_with(400)?;
        if self.members && said.contains("zip_member_count") {
            return Some(Self {
                members: false,
                ..self
            });
        }
        (self.size && (said.contains("size") || said.contains("propert"))).then_some(Self {
            size: false,
            ..self
        })
    }
}

impl Learnt {
    fn storage_may_work(&self) -> bool {
        !self.no_tickets.load(Ordering::Relaxed)
            && self.storage_failures.load(Ordering::Relaxed) < STORAGE_PATIENCE
    }

    pub(super) fn gives_no_tickets(&self) {
        self.no_tickets.store(true, Ordering::Relaxed);
    }

    /// Whether files are better hashed while they go through the site than afterwards.
    pub(super) fn states_hashes(&self) -> bool {
        self.hashes.load(Ordering::Relaxed)
    }

    pub(super) fn stated_a_hash(&self) {
        self.hashes.store(true, Ordering::Relaxed);
    }

    /// Counts a file that the site took and the storage did not. Whether patience ends with this
    /// one.
    fn storage_failed(&self) -> bool {
        self.storage_failures.fetch_add(1, Ordering::Relaxed) + 1 == STORAGE_PATIENCE
    }

    /// What this site may be told, as far as is known.
    fn told(&self) -> Told {
        let [size, members] =
            [&self.no_size, &self.no_members].map(|refused| !refused.load(Ordering::Relaxed));
        Told { size, members }
    }

    /// What sites refused once they are not told again.
    pub(super) fn takes_only(&self, told: Told) {
        self.no_members.fetch_or(!told.members, Ordering::Relaxed);
        self.no_size.fetch_or(!told.size, Ordering::Relaxed);
    }
}

/// A file to send. Its body can be produced as often as needed.
#[derive(Clone)]
pub struct UploadFile {
    /// Its name in the container.
    pub name: String,
    /// Its exact length in bytes.
    pub len: u64,
    /// Its type in Flywheel's terms, such as `dicom`.
    pub file_type: Option<&'static str>,
    /// How many files a zip holds.
    pub zip_member_count: Option<u32>,
    /// The modality of a DICOM series.
    pub modality: Option<String>,
    /// What the site's log of de-identification has to say about it.
    pub log: LogEntry,
    /// The entry of the same name that it replaces, so that the old file is not taken for the new
    /// one.
    pub previous: Option<RemoteFile>,
    /// Told about bytes that were handed to the network.
    pub progress: Option<Progress>,
    /// Produces the body: a fresh stream of exactly `len` bytes each time.
    pub body: Arc<dyn Fn() -> BodyStream + Send + Sync>,
}

impl UploadFile {
    /// A file of which nothing but name, length and body is known.
    pub fn new(
        name: impl Into<String>,
        len: u64,
        body: impl Fn() -> BodyStream + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            len,
            file_type: None,
            zip_member_count: None,
            modality: None,
            log: LogEntry::default(),
            previous: None,
            progress: None,
            body: Arc::new(body),
        }
    }

    /// What the server is told about it.
    pub(super) fn metadata(&self, told: Told) -> Value {
        let mut metadata = json!({ "name": self.name });
        let size = Some(self.len).filter(|_| told.size);
        let members = self.zip_member_count.filter(|_| told.members);
        let (log_id, no_log) = self.log.members();
        // A zip of instances has no type of its own: servers go by the name.
        let bare = self.file_type == Some("dicom") && self.zip_member_count.is_none();
        let members = [
            ("type", self.file_type.map(Value::from)),
            ("mimetype", bare.then(|| Value::from("application/dicom"))),
            ("size", size.map(Value::from)),
            ("zip_member_count", members.map(Value::from)),
            ("modality", self.modality.clone().map(Value::from)),
            ("deid_log_id", log_id.map(Value::from)),
            ("deid_log_skip_reason", no_log.map(Value::from)),
        ];
        if let Some(object) = metadata.as_object_mut() {
            object.extend(
                members
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?))),
            );
        }
        metadata
    }
}

impl fmt::Debug for UploadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name comes from a data element.
        f.debug_struct("UploadFile")
            .field("len", &self.len)
            .field("file_type", &self.file_type)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Sends a file and has it confirmed: straight to the storage where the site offers that, else
    /// through the site.
    pub async fn upload(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
    ) -> Result<UploadReceipt, UploadError> {
        self.upload_by_best_route(container, file)
            .await
            .map_err(|error| error.without(&[&file.name]).into_upload())
    }

    async fn upload_by_best_route(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
    ) -> Result<UploadReceipt, ApiError> {
        let (config, learnt) = (self.features().await?, self.learnt());
        let sent = Checksum::new(file.len);
        let direct = config.signed_url && self.behaviour().signed_urls && learnt.storage_may_work();
        // A site that gives out an address wants to know for how much; a form says it by its
        // length.
        if direct
            && let Some(receipt) = self
                .upload_signed(container, file, learnt.told(), &sent)
                .await?
        {
            learnt.storage_failures.store(0, Ordering::Relaxed);
            return Ok(receipt);
        }
        let told = learnt.told();
        let told = Told {
            size: told.size && config.multipart_signed_url,
            ..told
        };
        let receipt = self.upload_form(container, file, told, &sent).await?;
        // Where the site did not take it either, the network is at fault and says nothing about the
        // storage.
        if direct && learnt.storage_failed() {
            let cause = format!(
                "direct storage failed {STORAGE_PATIENCE} times in a row and is not tried again \
                    in this run"
            );
            self.tell(ClientNotice::FormInstead { cause });
        }
        Ok(receipt)
    }
}
