//! What a failure of the client means here: the stable code, what is said, and what to do about it.
//!
//! Owns the texts with flags and settings of this program, and escapes what a server wrote. It must
//! never decide about a request.

use flywheel_client::{
    ClientError, ConnectFault, FormReason, KeyError, Operation, Project, ProjectRef,
    ProjectRefError, RequestError, RequestFailure,
};

use crate::failure::{Error, FileCode, FileFailure, RunCode};
use dicom_lossless::{display_path, escape_for_terminal};

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

impl From<ClientError> for UploadError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Request(error) => of_upload(&error),
            ClientError::StudyElsewhere { session } => {
                let session = escape_for_terminal(&session);
                let detail = format!("session {session} has its StudyInstanceUID");
                Self::File(FileFailure::new(FileCode::UploadStudyElsewhere, detail))
            }
            ClientError::NothingToRecord => Self::File(FileFailure::new(
                FileCode::UploadDeidLog,
                "there are no identifiers to record",
            )),
            other => Self::Run(other.into()),
        }
    }
}

/// Who may not create one container may create none, and a key that is refused once is refused for
/// every file: no other package could do better.
fn of_upload(error: &RequestError) -> UploadError {
    let status = error.status();
    let log = error.operation == Operation::RecordDeid;
    let creating = matches!(error.operation, Operation::Create(_));
    if !log && (matches!(status, Some(401 | 402)) || (creating && status == Some(403))) {
        return UploadError::Run(of_request(error));
    }
    let failure = if log {
        FileFailure::new(FileCode::UploadDeidLog, cause_of(error))
    } else if let Some(failure) = of_body(error) {
        return UploadError::File(failure);
    } else {
        FileFailure::new(file_code(error), cause_of(error))
    };
    UploadError::File(FileFailure {
        http_status: status,
        attempts: error.attempts,
        ..failure
    })
}

/// The failure of a file whose body could not be produced.
fn of_body(error: &RequestError) -> Option<FileFailure> {
    match &error.failure {
        RequestFailure::Body(fault) => {
            let own = fault
                .get_ref()
                .and_then(|fault| fault.downcast_ref());
            let other = || FileFailure::new(FileCode::ReadIo, fault.kind().to_string());
            Some(own.cloned().unwrap_or_else(other))
        }
        RequestFailure::BodyLength => Some(FileFailure::new(
            FileCode::ReadChanged,
            "the body is not as long as announced",
        )),
        _ => None,
    }
}

fn file_code(error: &RequestError) -> FileCode {
    match (&error.failure, error.status()) {
        (RequestFailure::Unexpected { .. }, _) => FileCode::UploadUnconfirmed,
        (_, None | Some(408)) => FileCode::UploadNetwork,
        (_, Some(403)) => FileCode::UploadForbidden,
        (_, Some(404 | 410)) => FileCode::UploadNotFound,
        (_, Some(409 | 422)) => FileCode::UploadConflict,
        (_, Some(413)) => FileCode::UploadTooLarge,
        (_, Some(429)) => FileCode::UploadThrottled,
        (_, Some(500..=599)) => FileCode::UploadServer,
        (_, Some(_)) => FileCode::UploadRejected,
    }
}

/// What happened to a request, on one line and fit for a terminal.
pub fn cause_of(error: &RequestError) -> String {
    if let Some(failure) = of_body(error) {
        return failure.message();
    }
    let cause = escape_for_terminal(&error.to_string());
    if matches!(error.failure, RequestFailure::NoHandle) {
        let hint = "raise the limit on open files (`ulimit -n`) or use fewer `--uploads`";
        return format!("{cause}; {hint}");
    }
    cause
}

/// Why a file goes through the site itself.
pub fn cause_of_form(reason: &FormReason) -> String {
    match reason {
        FormReason::NoTicket => "the site gives no usable ticket here".to_owned(),
        // Hospitals often let the site through and not the storage behind it.
        FormReason::Unreachable { host, error } => format!(
            "the storage host {host} cannot be reached from here (a firewall?); \
             `--no-signed-urls` leaves it out: {}",
            cause_of(error)
        ),
        FormReason::Failed(error) => cause_of(error),
        FormReason::GivenUp { files } => format!(
            "direct storage failed {files} times in a row and is not tried again in this run"
        ),
    }
}

/// `group/project`, fit for a terminal.
pub fn path_of(project: &Project) -> String {
    escape_for_terminal(&project.path())
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Request(error) => of_request(&error),
            ClientError::Key(error) => error.into(),
            ClientError::CaCert { path, cause } => Self::new(
                RunCode::ConfigInvalid,
                format!("`--ca-cert` {} cannot be used", display_path(&path)),
            )
            .because(cause)
            .with_hint("name a PEM file with the certificate of your site's authority"),
            ClientError::NoCertificates { cause } => Self::new(
                RunCode::ConfigInvalid,
                "this machine has no certificates of authorities to check the site's by",
            )
            .because(cause)
            .with_hint(
                "install them (the package is mostly called ca-certificates), or name a file \
                 with them by `--ca-cert FILE` or SSL_CERT_FILE",
            ),
            ClientError::Setup { cause } => Self::new(
                RunCode::ConfigInvalid,
                "the network client cannot be set up",
            )
            .because(cause),
            ClientError::ProjectNotFound { wanted, close } => not_found(&wanted, &close),
            ClientError::ProjectAmbiguous { found } => ambiguous(&found),
            ClientError::GroupNotFound { group } => Self::new(
                RunCode::ProjectNotFound,
                format!(
                    "no group \"{}\" exists or you cannot see it",
                    escape_for_terminal(&group)
                ),
            )
            .with_hint("check its spelling: the group's id is meant, in lower case"),
            ClientError::ProjectLost => Self::new(
                RunCode::ServerUnexpected,
                "the project was created but cannot be found",
            ),
            ClientError::ReadOnly { host, project } => Self::new(
                RunCode::AuthForbidden,
                format!("you may read {} and not write to it", path_of(&project)),
            )
            .because(format!(
                "{host} says so of the user that the API key belongs to"
            )),
            ClientError::NoLogAddress { host } => Self::new(
                RunCode::DeidLog,
                "the site keeps a de-identification log and states no usable address for it",
            )
            .because(format!("{host} says so; an address over https is needed"))
            .with_hint("ask the site's administrator; nothing was sent"),
            // These fail one file; where there is none they are defects.
            other @ (ClientError::NothingToRecord | ClientError::StudyElsewhere { .. }) => {
                Self::new(RunCode::Internal, escape_for_terminal(&other.to_string()))
            }
        }
    }
}

/// The end of the run.
fn of_request(error: &RequestError) -> Error {
    let (doing, status) = (error.operation, error.status());
    let rejected = || Error::new(RunCode::AuthRejected, "the server refused your API key");
    let cause = cause_of(error);
    match (doing, status) {
        // The first refusal is about the key, whatever number a server of some age gives it.
        (Operation::CheckKey, Some(401..=403)) => return rejected().because(cause),
        (Operation::CheckKey, Some(404)) => {
            let what = format!("{} does not answer like a Flywheel site", host_of(error));
            return Error::new(RunCode::ServerUnexpected, what);
        }
        (Operation::ReadSettings(level), _) => {
            let unreadable = |code| {
                let what = format!("the {level}'s settings cannot be read");
                Error::new(code, what).because(cause.clone())
            };
            match (&error.failure, status) {
                (RequestFailure::Unexpected { .. }, _) => {
                    return unreadable(RunCode::ProfileInvalid).with_hint(
                        "ask an administrator of the site what is kept there; nothing was sent",
                    );
                }
                (_, None | Some(401 | 402 | 408 | 429 | 500..)) => {}
                (_, Some(_)) => return unreadable(RunCode::ProfileUnknown),
            }
        }
        _ => {}
    }
    let failed = |code| Error::new(code, format!("{doing} failed"));
    let error_of_run = match (&error.failure, status) {
        (_, Some(401 | 402)) => rejected(),
        (_, Some(403)) => Error::new(
            RunCode::AuthForbidden,
            format!("{doing} is not allowed to you"),
        ),
        (RequestFailure::Connect { host, .. }, _) => unreachable(host, error.connect_fault()),
        (_, Some(408 | 429 | 500..=599))
        | (
            RequestFailure::NoHandle | RequestFailure::Stalled { .. } | RequestFailure::Cut { .. },
            _,
        ) => failed(RunCode::NetworkUnavailable),
        _ => failed(RunCode::ServerUnexpected),
    }
    .because(cause);
    if error.attempts > 1 {
        error_of_run.because(format!("tried {} times", error.attempts))
    } else {
        error_of_run
    }
}

fn host_of(error: &RequestError) -> &str {
    match &error.failure {
        RequestFailure::Refused(refusal) => &refusal.host,
        _ => "the server",
    }
}

fn unreachable(host: &str, fault: Option<ConnectFault>) -> Error {
    let (what, hint) = match fault {
        None => {
            return Error::new(RunCode::NetworkUnavailable, "the server cannot be reached");
        }
        Some(ConnectFault::UnknownHost) => (
            format!("there is no host {host}"),
            "check the spelling of the host in the API key or `--site`, and the network",
        ),
        Some(ConnectFault::PlainPort) => (
            format!("{host} does not speak https at this port"),
            "check the port; a site without encryption is reached with a key that reads \
             `host:port:__force_insecure:key`",
        ),
        Some(ConnectFault::EncryptedPort) => (
            format!("{host} speaks https at this port, and the key asks for plain http"),
            "leave `__force_insecure` out of the API key, or write https:// in `--site`",
        ),
        Some(ConnectFault::OtherHost) => (
            format!("the server's certificate is not one for {host}"),
            "write the host that the certificate is for, in the API key or `--site`; else \
             something on the way answers in the server's place",
        ),
        Some(ConnectFault::Expired) => (
            "the server's certificate is not valid today".to_owned(),
            "check the clock of this machine; if it is right, the site has to renew its \
             certificate",
        ),
        Some(ConnectFault::Untrusted) => (
            "the server's certificate is not trusted".to_owned(),
            "if your site has a certificate authority of its own, pass its certificate with \
             `--ca-cert FILE`",
        ),
    };
    Error::new(RunCode::NetworkUnavailable, what).with_hint(hint)
}

fn not_found(wanted: &ProjectRef, close: &[Project]) -> Error {
    let shown = escape_for_terminal;
    let what = match wanted {
        ProjectRef::GroupAndLabel { group, label } => {
            format!(
                "no project \"{}\" in group \"{}\"",
                shown(label),
                shown(group)
            )
        }
        ProjectRef::Id(id) => format!("no project has the id {id}"),
        ProjectRef::Label(label) => format!("no project \"{}\" that you can see", shown(label)),
    };
    let error = Error::new(RunCode::ProjectNotFound, what);
    if close.is_empty() {
        return error;
    }
    let names: Vec<_> = close.iter().map(path_of).collect();
    error.with_hint(format!(
        "close matches: {} (labels are case-sensitive)",
        names.join(", ")
    ))
}

fn ambiguous(found: &[Project]) -> Error {
    let label = found
        .first()
        .map(|project| project.label.as_str());
    let what = format!(
        "{} projects are labelled \"{}\"",
        found.len(),
        escape_for_terminal(label.unwrap_or_default())
    );
    let mut names: Vec<_> = found.iter().map(path_of).collect();
    names.sort_unstable();
    names
        .into_iter()
        .fold(Error::new(RunCode::ProjectAmbiguous, what), Error::because)
}

impl From<ProjectRefError> for Error {
    fn from(error: ProjectRefError) -> Self {
        match error {
            ProjectRefError::Form => Self::new(
                RunCode::Usage,
                "the project is not of the form group/project",
            ),
            ProjectRefError::Address => Self::new(
                RunCode::Usage,
                "the address given to `--project` is not that of a page of a project",
            )
            .with_hint(
                "write group/project, or copy the address of a page of the project, in which \
                 /projects/ and its id stand",
            ),
        }
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        let malformed = |what: String| Self::new(RunCode::AuthMalformed, what);
        match &error {
            KeyError::OtherSite { key, site } => malformed(format!(
                "the API key is for {key}, but `--site` names {site}"
            )),
            KeyError::NoSite => malformed(error.to_string())
                .with_hint("write it as `host:key`, or add `--site URL`"),
            KeyError::PlainHttp { .. } => malformed(error.to_string()).with_hint(
                "use https, or write the key as `host:port:__force_insecure:key` if you mean it",
            ),
            KeyError::Form | KeyError::SiteScheme | KeyError::SiteForm => {
                malformed(error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests;
