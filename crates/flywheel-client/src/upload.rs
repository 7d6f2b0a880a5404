//! Sending one file to one container.
//!
//! Owns the choice of the route. Whatever route is taken, only a receipt counts as success.

mod checksum;
mod confirm;
mod form;
mod signed;
mod ticket;

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::body::{BodyStream, Exact, Gauge, Progress};
use crate::client::Client;
use crate::error::{ClientError, RequestError};
use crate::learnt::{STORAGE_PATIENCE, Told};
use crate::listing::RemoteFile;
use crate::notice::{ClientNotice, FormReason};
use crate::reference::ContainerRef;
use crate::target::Fields;
use checksum::Checksum;
pub use confirm::{Route, UploadReceipt};

/// What the site's log of de-identification has to do with a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LogEntry {
    /// The site keeps none.
    #[default]
    NotKept,
    /// The log has it under this id.
    Recorded(String),
    /// It is of a kind that no log is kept of.
    NotDicom,
}

impl LogEntry {
    /// The id, or the reason why there is none, as members of a file's description.
    fn members(&self) -> (Option<&str>, Option<&'static str>) {
        match self {
            Self::NotKept => (None, None),
            Self::Recorded(id) => (Some(id), None),
            Self::NotDicom => (None, Some("unsupported_type")),
        }
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
    /// What else is said of it; goes before what is said above.
    pub fields: Fields,
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
            fields: Fields::default(),
            log: LogEntry::default(),
            previous: None,
            progress: None,
            body: Arc::new(body),
        }
    }

    /// What the server is told about it.
    fn metadata(&self, told: Told) -> Value {
        let mut metadata = json!({ "name": self.name });
        let size = Some(self.len).filter(|_| told.size);
        let members = self
            .zip_member_count
            .filter(|_| told.members);
        let (log_id, no_log) = self.log.members();
        // A zip of instances has no type of its own: servers go by the name.
        let bare = self.file_type == Some("dicom") && self.zip_member_count.is_none();
        let members = [
            ("type", self.file_type.map(Value::from)),
            ("mimetype", bare.then(|| Value::from("application/dicom"))),
            ("size", size.map(Value::from)),
            ("zip_member_count", members.map(Value::from)),
            (
                "modality",
                self.modality
                    .clone()
                    .map(Value::from),
            ),
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
        self.fields.add_to(&mut metadata);
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
    ///
    /// # Errors
    /// [`ClientError::Request`].
    pub async fn upload(
        &self,
        container: &ContainerRef,
        file: &UploadFile,
    ) -> Result<UploadReceipt, ClientError> {
        let transfer = Transfer {
            client: self,
            container,
            file,
            sent: Checksum::new(file.len),
        };
        let receipt = transfer.by_best_route().await;
        receipt.map_err(|error| error.without(&[&file.name]).into())
    }
}

/// One file on its way to one container, in one or more tries.
struct Transfer<'t> {
    client: &'t Client,
    container: &'t ContainerRef,
    file: &'t UploadFile,
    sent: Checksum,
}

impl Transfer<'_> {
    async fn by_best_route(&self) -> Result<UploadReceipt, RequestError> {
        let (config, learnt) = (self.client.features().await?, &self.client.learnt);
        let direct = config.signed_url
            && self
                .client
                .transport
                .settings
                .signed_urls
            && learnt.storage_may_work();
        // A site that gives out an address wants to know for how much; a form says it by its
        // length.
        if direct
            && let Some(receipt) = self
                .by_ticket(learnt.told())
                .await?
        {
            learnt.storage_worked();
            return Ok(receipt);
        }
        let told = learnt.told();
        let told = Told {
            size: told.size && config.multipart_signed_url,
            ..told
        };
        let receipt = self.by_form(told).await?;
        // Where the site did not take it either, the network is at fault and says nothing about the
        // storage.
        if direct && learnt.storage_failed() {
            self.tell_of_form(FormReason::GivenUp {
                files: STORAGE_PATIENCE,
            });
        }
        Ok(receipt)
    }

    fn tell_of_form(&self, cause: FormReason) {
        self.client
            .transport
            .tell(ClientNotice::FormInstead { cause });
    }

    /// The description less what a refusal is about, for this file and all further ones; the error
    /// where it is about something else.
    fn told_less(&self, told: Told, error: RequestError) -> Result<Told, RequestError> {
        let less = told.less(&error).ok_or(error)?;
        self.client.learnt.takes_only(less);
        Ok(less)
    }

    /// Where the files of the container are posted, below `/api`.
    fn files(&self) -> String {
        format!("{}/files", self.container.path())
    }

    /// The part of a body that `gauge` watches, counted and held back to the bandwidth.
    fn exact(&self, body: BodyStream, length: u64, gauge: &Arc<Gauge>) -> Exact {
        let pace = self.client.transport.pace.clone();
        let progress = self.file.progress.clone();
        Exact::new(body, length, Arc::clone(gauge), progress, pace)
    }
}
