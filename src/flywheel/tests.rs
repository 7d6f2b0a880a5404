//! The client against scripted servers.

mod answers;
mod containers;
mod deid_log;
mod eras;
mod outages;
mod parts;
mod projects;
mod requests;
mod signed;
mod tls;
mod uploads;

use serde_json::{Value, json};

use super::scripted::{Asked, Reply, Server};
use super::{ContainerKind, ContainerRef, UploadError, UploadFile, UploadReceipt};
use crate::failure::FileFailure;

const FORM: &str = "POST /api/acquisitions/a1/files";
const LOOK: &str = "GET /api/acquisitions/a1";

fn container() -> ContainerRef {
    ContainerRef {
        kind: ContainerKind::Acquisition,
        id: "a1".into(),
    }
}

fn entry(size: u64) -> Value {
    json!({ "name": "s.dicom.zip", "size": size, "file_id": "f1", "version": 1 })
}

fn signed_site(asked: &Asked) -> Option<Reply> {
    let features = json!({ "features": { "signed_url": true, "multipart_signed_url": true } });
    (asked.line == "GET /api/config").then(|| Reply::Json(200, features))
}

async fn send(server: &Server, file: &UploadFile) -> Result<UploadReceipt, UploadError> {
    server.client().upload(&container(), file).await
}

fn failure(result: Result<UploadReceipt, UploadError>) -> FileFailure {
    match result {
        Err(UploadError::File(failure)) => failure,
        other => panic!("{other:?}"),
    }
}
