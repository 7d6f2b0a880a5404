//! The codes and texts that failures of the client have here.

use std::sync::Arc;

use flywheel_client::{ApiKey, Level, Refusal};

use super::*;

fn request(operation: Operation, failure: RequestFailure) -> ClientError {
    ClientError::Request(Box::new(RequestError {
        operation,
        failure,
        attempts: 3,
    }))
}

fn refused(operation: Operation, status: u16, message: &str) -> ClientError {
    request(
        operation,
        RequestFailure::Refused(Box::new(Refusal {
            host: "site.example".into(),
            status,
            message: message.into(),
            request_id: Some("r1".into()),
            retry_after: None,
        })),
    )
}

fn unexpected() -> RequestFailure {
    RequestFailure::Unexpected {
        host: "site.example".into(),
        what: "a web page came".into(),
    }
}

fn connect(cause: &str) -> RequestFailure {
    RequestFailure::Connect {
        host: "site.example".into(),
        cause: cause.into(),
    }
}

fn of_file(error: ClientError) -> FileFailure {
    match UploadError::from(error) {
        UploadError::File(failure) => failure,
        UploadError::Run(error) => panic!("{error}"),
    }
}

fn of_run(error: ClientError) -> Error {
    match UploadError::from(error) {
        UploadError::Run(error) => error,
        UploadError::File(failure) => panic!("{failure}"),
    }
}

#[test]
fn each_status_fails_a_file_with_its_code() {
    for (status, code) in [
        (400, FileCode::UploadRejected),
        (403, FileCode::UploadForbidden),
        (404, FileCode::UploadNotFound),
        (408, FileCode::UploadNetwork),
        (409, FileCode::UploadConflict),
        (410, FileCode::UploadNotFound),
        (413, FileCode::UploadTooLarge),
        (422, FileCode::UploadConflict),
        (429, FileCode::UploadThrottled),
        (500, FileCode::UploadServer),
        (503, FileCode::UploadServer),
    ] {
        let failure = of_file(refused(Operation::Upload, status, "no"));
        assert_eq!(
            (failure.code, failure.http_status, failure.attempts),
            (code, Some(status), 3)
        );
        assert_eq!(
            failure.detail,
            format!("site.example answered {status}: no (request id r1)")
        );
    }
    for (failure, code) in [
        (connect("refused"), FileCode::UploadNetwork),
        (RequestFailure::NoHandle, FileCode::UploadNetwork),
        (unexpected(), FileCode::UploadUnconfirmed),
        (RequestFailure::BodyLength, FileCode::ReadChanged),
    ] {
        assert_eq!(of_file(request(Operation::Upload, failure)).code, code);
    }
}

#[test]
fn a_refused_key_and_a_container_that_may_not_be_made_stop_the_run() {
    for status in [401, 402] {
        let error = of_run(refused(Operation::Upload, status, ""));
        assert_eq!(error.code, RunCode::AuthRejected);
    }
    let create = Operation::Create(flywheel_client::ContainerKind::Session);
    let error = of_run(refused(create, 403, ""));
    assert_eq!(
        (error.code, error.what.as_str()),
        (
            RunCode::AuthForbidden,
            "creating a session in the project is not allowed to you"
        )
    );
    assert_eq!(error.why.last().map(String::as_str), Some("tried 3 times"));
}

#[test]
fn a_log_that_takes_no_record_fails_the_file_alone() {
    for status in [400, 401, 403, 500] {
        let failure = of_file(refused(Operation::RecordDeid, status, ""));
        assert_eq!(
            (failure.code, failure.http_status),
            (FileCode::UploadDeidLog, Some(status))
        );
    }
    let failure = of_file(ClientError::NothingToRecord);
    assert_eq!(failure.code, FileCode::UploadDeidLog);
}

#[test]
fn a_body_that_fails_fails_the_file_with_its_own_code() {
    let own = FileFailure::new(FileCode::ReadChanged, "while sending");
    let fault = std::io::Error::other(own.clone());
    let body = RequestFailure::Body(Arc::new(fault));
    assert_eq!(of_file(request(Operation::Upload, body)), own);
    let fault = std::io::Error::from(std::io::ErrorKind::NotFound);
    let body = RequestFailure::Body(Arc::new(fault));
    assert_eq!(
        of_file(request(Operation::Upload, body)).code,
        FileCode::ReadIo
    );
}

#[test]
fn each_status_stops_a_run_with_its_code() {
    let code = |operation, status| Error::from(refused(operation, status, "")).code;
    for (status, expected) in [
        (400, RunCode::ServerUnexpected),
        (401, RunCode::AuthRejected),
        (403, RunCode::AuthForbidden),
        (404, RunCode::ServerUnexpected),
        (408, RunCode::NetworkUnavailable),
        (429, RunCode::NetworkUnavailable),
        (500, RunCode::NetworkUnavailable),
    ] {
        assert_eq!(code(Operation::FindProject, status), expected, "{status}");
    }
    for status in [401, 402, 403] {
        let error = Error::from(refused(Operation::CheckKey, status, "no"));
        let why = format!("site.example answered {status}: no (request id r1)");
        assert_eq!(
            (error.code, error.why.first()),
            (RunCode::AuthRejected, Some(&why))
        );
    }
    let error = Error::from(refused(Operation::CheckKey, 404, ""));
    assert_eq!(
        error.what,
        "site.example does not answer like a Flywheel site"
    );
    let settings = Operation::ReadSettings(Level::Group);
    for (status, expected) in [
        (400, RunCode::ProfileUnknown),
        (401, RunCode::AuthRejected),
        (500, RunCode::NetworkUnavailable),
    ] {
        assert_eq!(code(settings, status), expected, "{status}");
    }
    let error = Error::from(request(settings, unexpected()));
    assert_eq!(
        (error.code, error.what.as_str()),
        (
            RunCode::ProfileInvalid,
            "the group's settings cannot be read"
        )
    );
}

#[test]
fn a_connection_that_cannot_come_about_says_what_to_do() {
    for (cause, what, hint) in [
        (
            "invalid peer certificate: UnknownIssuer",
            "the server's certificate is not trusted",
            "--ca-cert",
        ),
        (
            "certificate not valid for name \"site.example\"",
            "the server's certificate is not one for site.example",
            "the host that the certificate is for",
        ),
        (
            "the port answers in TLS",
            "site.example speaks https at this port, and the key asks for plain http",
            "leave `__force_insecure` out",
        ),
        (
            "received corrupt message of type InvalidContentType",
            "site.example does not speak https at this port",
            "`host:port:__force_insecure:key`",
        ),
        (
            "dns error: Name or service not known",
            "there is no host site.example",
            "`--site`",
        ),
        (
            "tcp connect error: Connection refused",
            "the server cannot be reached",
            "",
        ),
    ] {
        let error = Error::from(request(Operation::ReadSiteConfig, connect(cause)));
        assert_eq!(
            (error.code, error.what.as_str()),
            (RunCode::NetworkUnavailable, what)
        );
        assert!(error.hint().contains(hint), "{error}");
    }
}

#[test]
fn causes_name_the_flags_that_help() {
    let of = |failure| RequestError {
        operation: Operation::Upload,
        failure,
        attempts: 1,
    };
    let cause = cause_of(&of(RequestFailure::NoHandle));
    assert!(
        cause.contains("ulimit -n") && cause.contains("--uploads"),
        "{cause}"
    );
    let reason = FormReason::Unreachable {
        host: "store.example".into(),
        error: of(connect("refused")),
    };
    assert_eq!(
        cause_of_form(&reason),
        "the storage host store.example cannot be reached from here (a firewall?); \
         `--no-signed-urls` leaves it out: no connection to site.example: refused"
    );
    assert_eq!(
        cause_of_form(&FormReason::GivenUp { files: 3 }),
        "direct storage failed 3 times in a row and is not tried again in this run"
    );
}

#[test]
fn what_a_server_writes_cannot_steer_a_terminal() {
    let said = "none\u{1b}[31m\r\nhere";
    let escaped = "site.example answered 400: none\\u{1b}[31m\\r\\nhere (request id r1)";
    assert_eq!(
        of_file(refused(Operation::Upload, 400, said)).detail,
        escaped
    );
    let error = Error::from(refused(Operation::FindProject, 400, said));
    assert_eq!(
        error
            .why
            .first()
            .map(String::as_str),
        Some(escaped)
    );
    let project = |group: &str, label: &str| Project {
        id: Some("1".into()),
        group: group.into(),
        label: label.into(),
    };
    let error = Error::from(ClientError::ProjectNotFound {
        wanted: ProjectRef::Label("ADNI".into()),
        close: vec![project("g", "ADNI\u{1b}[2J")],
    });
    assert_eq!(
        error.hint(),
        "close matches: g/ADNI\\u{1b}[2J (labels are case-sensitive)"
    );
    let error = Error::from(ClientError::ProjectAmbiguous {
        found: vec![project("neuro", "ADNI"), project("b\u{7}", "ADNI")],
    });
    assert_eq!(
        (error.code, error.what.as_str(), error.why.as_slice()),
        (
            RunCode::ProjectAmbiguous,
            "2 projects are labelled \"ADNI\"",
            ["b\\u{7}/ADNI".to_owned(), "neuro/ADNI".to_owned()].as_slice()
        )
    );
}

#[test]
fn a_key_that_cannot_be_used_says_why_and_never_shows_itself() {
    for (text, site, what) in [
        ("abcdefgh12345678", None, "the API key names no site"),
        (
            "http://site.example:abcdefgh12345678",
            None,
            "plain http to site.example would show the API key to the network",
        ),
        (
            "site.example:abcdefgh12345678",
            Some("other.example"),
            "the API key is for site.example, but `--site` names other.example",
        ),
    ] {
        let error = ApiKey::parse_for(text, site)
            .err()
            .map(Error::from);
        assert!(
            error.is_some_and(|error| error.code == RunCode::AuthMalformed
                && error.what == what
                && !error
                    .to_string()
                    .contains("12345678")),
            "{what}"
        );
    }
}
