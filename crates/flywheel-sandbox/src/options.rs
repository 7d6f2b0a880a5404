//! What kind of server a sandbox plays.
//!
//! Plain settings and which of them can go together. Must never allow a combination that no real
//! server has.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::error::SandboxError;
use crate::ticket::LIFETIME;
use crate::viewer::Viewer;

/// The level at which a sandbox serves its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProfileLevel {
    /// The project that is made at the start.
    #[default]
    Project,
    /// That project's group.
    Group,
    /// The whole site.
    Site,
}

/// The age of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Era {
    /// Of 2018: no lookup, no tickets, subjects only inside sessions, no settings.
    Old,
    /// From 2019 on: lookup, subjects and tickets, but no profile of its own and no versions of
    /// files.
    Mid,
    /// Of today: profiles at three levels, versions, a de-identification log.
    #[default]
    Current,
}

/// The storage behind signed URLs; each has rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// Amazon's, or a compatible one: parts have tags, which the end of the upload must name.
    #[default]
    S3,
    /// Google's: parts come in order, and each says which bytes it is.
    Google,
    /// Microsoft's: a header of the ticket must come along.
    Azure,
}

impl Storage {
    /// What stands for the storage's host in signed URLs: clients tell storages apart by it.
    pub(crate) fn host(self) -> &'static str {
        match self {
            Self::S3 => "bucket.s3.sandbox",
            Self::Google => "storage.googleapis.sandbox",
            Self::Azure => "account.blob.sandbox",
        }
    }

    /// The headers that every `PUT` must bring.
    pub(crate) fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::S3 | Self::Google => &[],
            Self::Azure => &[("x-ms-blob-type", "BlockBlob")],
        }
    }

    /// The step in which the lengths of parts are counted, all but the last.
    pub(crate) fn unit(self) -> u64 {
        if self == Self::Google { 256 << 10 } else { 1 }
    }
}

/// What kind of sandbox to start, made from [`Options::new`].
#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent traits of a server"
)]
pub struct Options {
    /// The folder that holds what is received: new, empty, or one that a sandbox used before.
    pub dir: PathBuf,
    /// Where to listen; port 0 picks a free one. Only loopback addresses are taken.
    pub listen: SocketAddr,
    /// A group id and project label to make unless they are there.
    pub project: Option<(String, String)>,
    /// A de-identification profile to serve. The sandbox does not judge it.
    pub profile: Option<Value>,
    /// The level at which it is served; the first two need `project`.
    pub profile_level: ProfileLevel,
    /// Reads a profile that a client puts as text, which Flywheel takes in YAML; none where it is not
    /// valid.
    pub read_profile: fn(&str) -> Option<Value>,
    /// The key to accept; without it the one kept in the folder, or a new one.
    pub api_key: Option<String>,
    /// The age of the server that it plays.
    pub era: Era,
    /// Whether uploads get signed URLs.
    pub signed_urls: bool,
    /// The storage that the signed URLs lead to.
    pub storage: Storage,
    /// The size in bytes above which an upload gets several of them, for parts of at most this
    /// size, if the client takes that and says the size (Google's: rounded up to a multiple of 256
    /// KiB). None: never.
    pub multipart_threshold: Option<u64>,
    /// Whether the site announces signed URLs although the storage of its projects has none.
    pub unsigned_storage: bool,
    /// How long a signed URL is good for.
    pub ticket_lifetime: Duration,
    /// Whether the bytes of files are thrown away as they arrive. Such a site has no hash to state,
    /// and no download.
    pub discard: bool,
    /// Whether the site keeps a de-identification log, and wants every DICOM file in it.
    pub deid_log: bool,
    /// Whether there is a page at `/` for a browser.
    pub page: bool,
    /// How the page shows what is in files; without it, it shows what is said of them.
    pub viewer: Option<Viewer>,
}

impl Options {
    /// A sandbox of today in this folder, on a free port of 127.0.0.1, empty, without a profile, and
    /// with JSON as the only notation of a profile.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            project: None,
            profile: None,
            profile_level: ProfileLevel::default(),
            read_profile: |text| serde_json::from_str(text).ok(),
            api_key: None,
            era: Era::default(),
            signed_urls: false,
            storage: Storage::default(),
            multipart_threshold: None,
            unsigned_storage: false,
            ticket_lifetime: LIFETIME,
            discard: false,
            deid_log: false,
            page: true,
            viewer: None,
        }
    }

    /// Refuses what no server of the era has.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        let old = self.era == Era::Old;
        let before = self.era < Era::Current;
        let absent = [
            (
                old && (self.signed_urls || self.unsigned_storage),
                "signed addresses",
            ),
            (
                before && self.multipart_threshold.is_some(),
                "signed addresses for parts of a file",
            ),
            (
                before && self.signed_urls && self.storage == Storage::Azure,
                "signed addresses of this storage",
            ),
            (
                before && self.profile.is_some(),
                "de-identification profiles",
            ),
            (before && self.deid_log, "a de-identification log"),
        ];
        match absent
            .into_iter()
            .find(|(asked, _)| *asked)
        {
            Some((_, what)) => Err(SandboxError::NotInEra(what)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the key is a secret
        f.debug_struct("Options")
            .field("dir", &self.dir)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}
