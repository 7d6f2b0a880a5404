//! What can go wrong: a request that failed, with its host, status and request id, or an answer
//! that rules out what was asked for.
//!
//! It never holds a key or a signed address, and of values that were sent only what the server says
//! about them, with the values taken out. What servers write is kept as it came: who shows it on a
//! terminal escapes it.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::connect_fault::ConnectFault;
use crate::key::KeyError;
use crate::project::{Project, ProjectRef};
use crate::reference::{ContainerKind, Level};

/// Longest text of a server that is passed on in a message.
const LONGEST_TEXT: usize = 300;

/// Why the client did not do what it was asked to.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// A request failed.
    #[error("{operation} failed: {0}", operation = .0.operation)]
    Request(Box<RequestError>),
    /// The API key cannot be sent.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file with further certificates cannot be used.
    #[error("the certificates in {} cannot be used: {cause}", path.display())]
    CaCert {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The machine has no certificates of authorities.
    #[error("this machine has no certificates of authorities to check the site's by: {cause}")]
    NoCertificates {
        /// What the TLS library says.
        cause: String,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {cause}")]
    Setup {
        /// What the library says.
        cause: String,
    },
    /// No project is the one that was named.
    #[error("no such project")]
    ProjectNotFound {
        /// How it was named.
        wanted: ProjectRef,
        /// Projects with labels like it, the most alike first.
        close: Vec<Project>,
    },
    /// Several projects have the label.
    #[error("{} projects have that label", found.len())]
    ProjectAmbiguous {
        /// All of them.
        found: Vec<Project>,
    },
    /// The group of a project that is to be created does not exist, or the user cannot see it.
    #[error("no such group")]
    GroupNotFound {
        /// Its id.
        group: String,
    },
    /// A project was created, and the server does not have it.
    #[error("the project was created and cannot be found")]
    ProjectLost,
    /// The user may read the project and not write to it.
    #[error("{host} lets the user read the project and not write to it")]
    ReadOnly {
        /// The site.
        host: String,
        /// The project.
        project: Project,
    },
    /// The site keeps a log of de-identification and states no address that identifiers may go to.
    #[error("{host} keeps a de-identification log and states no usable address for it")]
    NoLogAddress {
        /// The site.
        host: String,
    },
    /// The site keeps a log of de-identification, and nothing was given to record there.
    #[error("there are no identifiers to record in the de-identification log")]
    NothingToRecord,
    /// The study is in the project already, under another subject.
    #[error("session {session} has the UID of the study")]
    StudyElsewhere {
        /// The database id of the session there.
        session: String,
    },
}

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Asking the site what it can do.
    ReadSiteConfig,
    /// Proving that the key is good.
    CheckKey,
    /// Looking up a project.
    FindProject,
    /// Looking up a group.
    FindGroup,
    /// Creating a project.
    CreateProject,
    /// Reading the settings at a level.
    ReadSettings(Level),
    /// Creating a container.
    Create(ContainerKind),
    /// Recording identifiers in the site's log of de-identification.
    RecordDeid,
    /// Anything else on the way of a file to its container.
    Upload,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadSiteConfig => f.write_str("asking the site for its configuration"),
            Self::CheckKey => f.write_str("checking the API key"),
            Self::FindProject => f.write_str("looking up the project"),
            Self::FindGroup => f.write_str("looking up the group"),
            Self::CreateProject => f.write_str("creating the project"),
            Self::ReadSettings(level) => write!(f, "reading the {level}'s settings"),
            Self::Create(kind) => write!(f, "creating a {} in the project", kind.as_str()),
            Self::RecordDeid => f.write_str("writing to the de-identification log"),
            Self::Upload => f.write_str("sending to the server"),
        }
    }
}

/// A request that did not bring what it should.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{failure}")]
pub struct RequestError {
    /// What it was for.
    pub operation: Operation,
    /// What happened.
    pub failure: RequestFailure,
    /// How often it was tried.
    pub attempts: u32,
}

/// What happened to a request.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestFailure {
    /// No connection came about, so nothing arrived.
    #[error("no connection to {host}: {cause}")]
    Connect {
        /// The host.
        host: String,
        /// What the libraries say.
        cause: String,
    },
    /// The operating system gave no further file handle for a connection.
    #[error("this machine has no file handle left for a connection")]
    NoHandle,
    /// Nothing moved for too long.
    #[error("{host} did not answer or take data for {seconds} s")]
    Stalled {
        /// The host.
        host: String,
        /// How long that is.
        seconds: u64,
    },
    /// The connection broke; the request may have arrived.
    #[error("the connection to {host} broke: {cause}")]
    Cut {
        /// The host.
        host: String,
        /// What the libraries say.
        cause: String,
    },
    /// The server answered with something else than success.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The answer cannot be made sense of.
    #[error("{host}: {what}")]
    Unexpected {
        /// The host.
        host: String,
        /// What is wrong with it.
        what: String,
    },
    /// The body of the request could not be produced.
    #[error("{0}")]
    Body(Arc<io::Error>),
    /// The body of the request was not as long as announced.
    #[error("the body is not as long as announced")]
    BodyLength,
}

/// An answer with another status than 200 to 299.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// The host.
    pub host: String,
    /// The status.
    pub status: u16,
    /// The server's own words; may be empty.
    pub message: String,
    /// What its operators find the request by.
    pub request_id: Option<String>,
    /// How long it wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}", self.host, self.status)?;
        if !self.message.is_empty() {
            write!(f, ": {}", shortened(&self.message))?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl From<RequestFailure> for RequestError {
    fn from(failure: RequestFailure) -> Self {
        Self {
            operation: Operation::Upload,
            failure,
            attempts: 1,
        }
    }
}

impl From<RequestError> for ClientError {
    fn from(error: RequestError) -> Self {
        Self::Request(Box::new(error))
    }
}

impl RequestError {
    /// A failure of the transport. The address is left out: a signed one is a secret.
    pub(crate) fn transport(host: &str, error: &reqwest::Error) -> Self {
        if is_out_of_handles(error) {
            return RequestFailure::NoHandle.into();
        }
        let (host, cause) = (host.to_owned(), innermost_causes(error));
        if error.is_connect() {
            RequestFailure::Connect { host, cause }
        } else {
            RequestFailure::Cut { host, cause }
        }
        .into()
    }

    pub(crate) fn unexpected(host: &str, what: impl Into<String>) -> Self {
        RequestFailure::Unexpected {
            host: host.to_owned(),
            what: what.into(),
        }
        .into()
    }

    /// The same, of a request for another purpose than an upload.
    #[must_use]
    pub(crate) fn during(self, operation: Operation) -> Self {
        Self { operation, ..self }
    }

    fn refusal(&self) -> Option<&Refusal> {
        match &self.failure {
            RequestFailure::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        self.refusal()
            .map(|refusal| refusal.status)
    }

    /// What a failed connection says about itself, where no waiting helps.
    pub fn connect_fault(&self) -> Option<ConnectFault> {
        match &self.failure {
            RequestFailure::Connect { cause, .. } => ConnectFault::of(cause),
            _ => None,
        }
    }

    /// What the server said with this status, if it answered with it.
    pub(crate) fn refused_with(&self, status: u16) -> Option<&str> {
        self.refusal()
            .filter(|refusal| refusal.status == status)
            .map(|refusal| refusal.message.as_str())
    }

    /// Whether the same request may succeed a moment later.
    pub(crate) fn is_transient(&self) -> bool {
        use RequestFailure as F;
        match &self.failure {
            F::Connect { .. } => self.connect_fault().is_none(),
            F::NoHandle | F::Stalled { .. } | F::Cut { .. } => true,
            F::Refused(refusal) => {
                matches!(refusal.status, 408 | 429 | 500..=599) && !self.names_nothing()
            }
            F::Unexpected { .. } | F::Body(_) | F::BodyLength => false,
        }
    }

    /// Whether a host was not found by its name: no more than an outage where it was found before.
    pub(crate) fn is_of_unknown_host(&self) -> bool {
        self.connect_fault() == Some(ConnectFault::UnknownHost)
    }

    /// Whether it may be an outage: nothing came through, or the answer says that the server cannot
    /// work now.
    pub(crate) fn is_of_outage(&self) -> bool {
        use RequestFailure as F;
        match &self.failure {
            F::Connect { .. } | F::Stalled { .. } | F::Cut { .. } => {
                self.is_transient() || self.is_of_unknown_host()
            }
            F::Refused(refusal) => means_outage(refusal.status),
            F::NoHandle | F::Unexpected { .. } | F::Body(_) | F::BodyLength => false,
        }
    }

    /// Whether this host itself said that it cannot do it now.
    pub(crate) fn is_put_off_by(&self, host: &str) -> bool {
        self.refusal()
            .is_some_and(|refusal| refusal.host == host && means_outage(refusal.status))
    }

    /// Whether the server may have carried the request out all the same.
    pub(crate) fn may_have_worked(&self) -> bool {
        use RequestFailure as F;
        match &self.failure {
            F::Stalled { .. } | F::Cut { .. } | F::Unexpected { .. } => true,
            F::Refused(refusal) => refusal.status >= 500,
            F::Connect { .. } | F::NoHandle | F::Body(_) | F::BodyLength => false,
        }
    }

    /// Whether a 500 says, in the words of the server's own language, that what was named is not
    /// there. Servers of some age answer so where 404 is meant; asking again changes nothing.
    pub(crate) fn names_nothing(&self) -> bool {
        self.refused_with(500)
            .is_some_and(|message| message.contains("'NoneType' object"))
    }

    /// How long the server wants to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    /// Takes texts that were sent out of what the server says about them: they may be values of
    /// data elements.
    #[must_use]
    pub(crate) fn without(mut self, sent: &[&str]) -> Self {
        if let RequestFailure::Refused(refusal) = &mut self.failure {
            for text in sent
                .iter()
                .filter(|text| !text.is_empty())
            {
                refusal.message = refusal
                    .message
                    .replace(text, "(..)");
            }
        }
        self
    }
}

/// Text from outside, not longer than a message needs.
pub fn shortened(text: &str) -> String {
    let text = text.trim();
    match text
        .char_indices()
        .nth(LONGEST_TEXT)
    {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// EMFILE and ENFILE, and what Windows has in their place.
const OUT_OF_HANDLES: [i32; 3] = [24, 23, 10024];

/// Whether some cause of a failure is that no file can be opened any more.
fn is_out_of_handles(error: &(dyn std::error::Error + 'static)) -> bool {
    let number = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::raw_os_error);
    number.is_some_and(|number| OUT_OF_HANDLES.contains(&number))
        || error
            .source()
            .is_some_and(is_out_of_handles)
}

/// What servers and the proxies before them answer while they cannot work, or want fewer requests.
/// Other failures of a server are those of one request.
pub fn means_outage(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// The causes below the outermost, which only repeats the address.
pub fn innermost_causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = shortened(&cause.to_string());
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() {
        "the request could not be sent".to_owned()
    } else {
        causes.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Around(io::Error);

    impl fmt::Display for Around {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("tcp connect error")
        }
    }

    impl std::error::Error for Around {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_machine_without_file_handles_is_no_dead_server() {
        assert!(is_out_of_handles(&Around(io::Error::from_raw_os_error(24))));
        assert!(!is_out_of_handles(&Around(io::Error::from_raw_os_error(
            111
        ))));
        let error = RequestError::from(RequestFailure::NoHandle);
        assert!(error.is_transient() && !error.may_have_worked());
    }

    #[test]
    fn what_was_sent_is_taken_out_before_the_words_are_shortened() {
        let message = format!("{}SECRET-1", "x".repeat(LONGEST_TEXT - 3));
        let refusal = Refusal {
            host: "h".into(),
            status: 400,
            message,
            request_id: None,
            retry_after: None,
        };
        let error =
            RequestError::from(RequestFailure::Refused(Box::new(refusal))).without(&["SECRET-1"]);
        assert!(!error.to_string().contains("SEC"), "{error}");
    }
}
