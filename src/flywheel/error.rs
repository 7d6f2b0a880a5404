//! What can go wrong with a request, and how that reads as the failure of a file or of the run.

use std::error::Error as _;
use std::time::Duration;

use super::ContainerKind;
use super::misdirected::Misdirected;
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use dicom_lossless::escape_for_terminal;

/// Longest text of a server that is shown.
const SHOWN_CHARS: usize = 300;

/// Why an upload did not happen: this file's own fault, or one that stops the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadError {
    /// The file failed; the next one may do better.
    File(FileFailure),
    /// No further file can succeed, for example because the key is no longer accepted.
    Run(Error),
}

impl From<FileFailure> for UploadError {
    fn from(failure: FileFailure) -> Self {
        Self::File(failure)
    }
}

/// A request that did not bring what it should.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) kind: Kind,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// What was to be created by it.
    pub(super) creating: Option<ContainerKind>,
}

/// What happened to the request.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// No connection came about, so nothing arrived.
    Connect { host: String, cause: String },
    /// This machine gave us no further file handle for a connection.
    NoHandle,
    /// Nothing moved for too long.
    Stalled { host: String, seconds: u64 },
    /// The connection broke; the request may have arrived.
    Cut { host: String, cause: String },
    /// The server answered with something else than success.
    Refused(Box<Refusal>),
    /// The answer cannot be made sense of.
    Unexpected { host: String, what: String },
    /// Our own side could not produce the body.
    Source(Box<FileFailure>),
}

/// An answer outside 200 to 299.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) host: String,
    pub(super) status: u16,
    /// The server's own words, escaped; may be empty.
    pub(super) message: String,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
}

impl From<Kind> for ApiError {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            attempts: 1,
            creating: None,
        }
    }
}

impl ApiError {
    /// A failure of the transport. The address is left out: a signed one is a secret.
    pub(super) fn transport(host: &str, error: &reqwest::Error) -> Self {
        if is_out_of_handles(error) {
            return Kind::NoHandle.into();
        }
        let (host, cause) = (host.to_owned(), innermost_causes(error));
        if error.is_connect() {
            Kind::Connect { host, cause }
        } else {
            Kind::Cut { host, cause }
        }
        .into()
    }

    pub(super) fn unexpected(host: &str, what: impl Into<String>) -> Self {
        Kind::Unexpected {
            host: host.to_owned(),
            what: what.into(),
        }
        .into()
    }

    /// The same, of a request that was to create a container.
    #[must_use]
    pub(super) fn while_creating(self, kind: ContainerKind) -> Self {
        Self {
            creating: Some(kind),
            ..self
        }
    }

    /// The status of the answer, where there was one.
    pub(super) fn status(&self) -> Option<u16> {
        match &self.kind {
            Kind::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// What the server said with this status, if it answered with it.
    pub(super) fn refused_with(&self, status: u16) -> Option<&str> {
        match &self.kind {
            Kind::Refused(refusal) if refusal.status == status => Some(&refusal.message),
            _ => None,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_transient(&self) -> bool {
        match &self.kind {
            Kind::Connect { cause, .. } => Misdirected::of(cause).is_none(),
            Kind::NoHandle | Kind::Stalled { .. } | Kind::Cut { .. } => true,
            Kind::Refused(refusal) => {
                matches!(refusal.status, 408 | 429 | 500..=599) && !self.names_nothing()
            }
            Kind::Unexpected { .. } | Kind::Source(_) => false,
        }
    }

    /// Whether a host was not found by its name: no more than an outage where it was found before.
    pub(super) fn is_of_unknown_host(&self) -> bool {
        matches!(&self.kind, Kind::Connect { cause, .. } if Misdirected::of(cause) == Some(Misdirected::UnknownHost))
    }

    /// Whether it may be an outage: nothing came through, or the answer says that the server cannot
    /// work now.
    pub(super) fn is_of_outage(&self) -> bool {
        match &self.kind {
            Kind::Connect { .. } | Kind::Stalled { .. } | Kind::Cut { .. } => {
                self.is_transient() || self.is_of_unknown_host()
            }
            Kind::Refused(refusal) => means_outage(refusal.status),
            Kind::NoHandle | Kind::Unexpected { .. } | Kind::Source(_) => false,
        }
    }

    /// Whether this host itself said that it cannot do it now.
    pub(super) fn is_put_off_by(&self, host: &str) -> bool {
        matches!(&self.kind, Kind::Refused(refusal) if refusal.host == host && means_outage(refusal.status))
    }

    /// Whether the server may have carried the request out all the same.
    pub(super) fn may_have_worked(&self) -> bool {
        match &self.kind {
            Kind::Stalled { .. } | Kind::Cut { .. } | Kind::Unexpected { .. } => true,
            Kind::Refused(refusal) => refusal.status >= 500,
            Kind::Connect { .. } | Kind::NoHandle | Kind::Source(_) => false,
        }
    }

    /// Whether a 500 says, in the words of the server's own language, that what was named is not
    /// there. Servers of some age answer so where 404 is meant; asking again changes nothing.
    pub(super) fn names_nothing(&self) -> bool {
        matches!(&self.kind, Kind::Refused(refusal) if refusal.status == 500 && refusal.message.contains("'NoneType' object"))
    }

    /// How long the server wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            Kind::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// Takes texts that we sent out of what the server says about them: they may be values of data
    /// elements.
    #[must_use]
    pub(super) fn without(mut self, sent: &[&str]) -> Self {
        if let Kind::Refused(refusal) = &mut self.kind {
            for text in sent.iter().filter(|text| !text.is_empty()) {
                refusal.message = refusal.message.replace(&escape_for_terminal(text), "(..)");
            }
        }
        self
    }

    /// What happened, on one line.
    pub(super) fn cause(&self) -> String {
        match &self.kind {
            Kind::Connect { host, cause } => format!("no connection to {host}: {cause}"),
            Kind::NoHandle => "this machine has no file handle left for a connection; raise the \
                limit on open files (`ulimit -n`) or use fewer `--uploads`"
                .to_owned(),
            Kind::Stalled { host, seconds } => format!(
                "{host} did not answer or take data for \
                {seconds} s"
            ),
            Kind::Cut { host, cause } => format!("the connection to {host} broke: {cause}"),
            Kind::Refused(refusal) => refusal.to_line(),
            Kind::Unexpected { host, what } => format!("{host}: {what}"),
            Kind::Source(failure) => failure.message(),
        }
    }

    /// The failure of one file, or of the run where no other file could do better.
    pub(super) fn into_upload(self) -> UploadError {
        if matches!(self.status(), Some(401 | 402)) {
            return UploadError::Run(self.into_run("sending to the server"));
        }
        // Who may not create one container may create none: no other package could do better.
        if let (Some(kind), Some(403)) = (self.creating, self.status()) {
            return UploadError::Run(
                self.into_run(&format!("creating a {} in the project", kind.as_str())),
            );
        }
        if let Kind::Source(failure) = self.kind {
            return UploadError::File(*failure);
        }
        let mut failure = FileFailure::new(self.file_code(), self.cause());
        failure.http_status = self.status();
        failure.attempts = self.attempts;
        UploadError::File(failure)
    }

    fn file_code(&self) -> FileCode {
        match (&self.kind, self.status().unwrap_or_default()) {
            (Kind::Source(failure), _) => failure.code,
            (Kind::Unexpected { .. }, _) => FileCode::UploadUnconfirmed,
            (Kind::Refused(_), 403) => FileCode::UploadForbidden,
            (Kind::Refused(_), 404 | 410) => FileCode::UploadNotFound,
            (Kind::Refused(_), 409 | 422) => FileCode::UploadConflict,
            (Kind::Refused(_), 413) => FileCode::UploadTooLarge,
            (Kind::Refused(_), 429) => FileCode::UploadThrottled,
            (Kind::Refused(_), 500..=599) => FileCode::UploadServer,
            (Kind::Refused(_), 408)
            | (
                Kind::Connect { .. } | Kind::NoHandle | Kind::Stalled { .. } | Kind::Cut { .. },
                _,
            ) => FileCode::UploadNetwork,
            (Kind::Refused(_), _) => FileCode::UploadRejected,
        }
    }

    /// The end of the run. `doing` says what the request was for: "looking up the project".
    pub(super) fn into_run(self, doing: &str) -> Error {
        let error = match (&self.kind, self.status().unwrap_or_default()) {
            (Kind::Refused(_), 401 | 402) => {
                Error::new(RunCode::AuthRejected, "the server refused your API key")
            }
            (Kind::Refused(_), 403) => Error::new(
                RunCode::AuthForbidden,
                format!("{doing} is not allowed to you"),
            ),
            (Kind::Refused(_), 408 | 429 | 500..=599)
            | (Kind::NoHandle | Kind::Stalled { .. } | Kind::Cut { .. }, _) => {
                Error::new(RunCode::NetworkUnavailable, format!("{doing} failed"))
            }
            (Kind::Connect { host, cause }, _) => match Misdirected::of(cause) {
                Some(wrong) => Error::new(RunCode::NetworkUnavailable, wrong.what(host))
                    .with_hint(wrong.hint()),
                None => Error::new(RunCode::NetworkUnavailable, "the server cannot be reached"),
            },
            _ => Error::new(RunCode::ServerUnexpected, format!("{doing} failed")),
        };
        let error = error.because(self.cause());
        if self.attempts > 1 {
            error.because(format!("tried {} times", self.attempts))
        } else {
            error
        }
    }
}

impl Refusal {
    fn to_line(&self) -> String {
        let mut line = format!("{} answered {}", self.host, self.status);
        if !self.message.is_empty() {
            line = format!("{line}: {}", shown(&self.message));
        }
        match &self.request_id {
            Some(id) => format!("{line} (request id {id})"),
            None => line,
        }
    }
}

/// Text from outside, fit to be shown: escaped, on one line, not longer than needed.
pub(super) fn shown(text: &str) -> String {
    let mut kept: String = text.trim().chars().take(SHOWN_CHARS).collect();
    if text.trim().chars().nth(SHOWN_CHARS).is_some() {
        kept.push('…');
    }
    escape_for_terminal(&kept)
}

/// EMFILE and ENFILE, and what Windows has in their place.
const OUT_OF_HANDLES: [i32; 3] = [24, 23, 10024];

/// Whether some cause of a failure is that no file can be opened any more.
fn is_out_of_handles(error: &(dyn std::error::Error + 'static)) -> bool {
    let number = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::raw_os_error);
    number.is_some_and(|number| OUT_OF_HANDLES.contains(&number))
        || error.source().is_some_and(is_out_of_handles)
}

/// What servers and the proxies before them answer while they cannot work, or want fewer requests.
/// Other failures of a server are those of one request.
pub(super) fn means_outage(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// The causes below the outermost, which only repeats the address.
pub(super) fn innermost_causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = shown(&cause.to_string());
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
    struct Around(std::io::Error);

    impl std::fmt::Display for Around {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
        assert!(is_out_of_handles(&Around(
            std::io::Error::from_raw_os_error(24)
        )));
        assert!(!is_out_of_handles(&Around(
            std::io::Error::from_raw_os_error(111)
        )));
        let error = ApiError::from(Kind::NoHandle);
        assert!(error.is_transient() && !error.may_have_worked());
        assert!(error.cause().contains("ulimit -n") && error.cause().contains("--uploads"));
        let UploadError::File(failure) = error.into_upload() else {
            panic!("a full table of files stops the run")
        };
        assert_eq!(failure.code, FileCode::UploadNetwork);
    }

    #[test]
    fn what_was_sent_is_taken_out_before_the_words_are_shortened() {
        let message = format!("{}SECRET-1", "x".repeat(SHOWN_CHARS - 3));
        let refusal = Refusal {
            host: "h".into(),
            status: 400,
            message,
            request_id: None,
            retry_after: None,
        };
        let error = ApiError::from(Kind::Refused(Box::new(refusal))).without(&["SECRET-1"]);
        assert!(!error.cause().contains("SEC"), "{}", error.cause());
    }
}
