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

use crate::scripted::{Asked, Reply, Server};
use crate::{
    ClientError, ContainerKind, ContainerRef, RequestError, RequestFailure, UploadFile,
    UploadReceipt,
};

const FORM: &str = "POST /api/acquisitions/a1/files";
const LOOK: &str = "GET /api/acquisitions/a1";

fn container() -> ContainerRef {
    ContainerRef::new(ContainerKind::Acquisition, "a1")
}

fn entry(size: u64) -> Value {
    json!({ "name": "s.dicom.zip", "size": size, "file_id": "f1", "version": 1 })
}

fn signed_site(asked: &Asked) -> Option<Reply> {
    let features = json!({ "features": { "signed_url": true, "multipart_signed_url": true } });
    (asked.line == "GET /api/config").then(|| Reply::Json(200, features))
}

async fn send(server: &Server, file: &UploadFile) -> Result<UploadReceipt, ClientError> {
    server
        .client()
        .upload(&container(), file)
        .await
}

/// The request that failed.
fn failed<T>(result: Result<T, ClientError>) -> RequestError {
    match result {
        Err(ClientError::Request(error)) => *error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it worked"),
    }
}

fn is_of_network(error: &RequestError) -> bool {
    matches!(
        error.failure,
        RequestFailure::Connect { .. }
            | RequestFailure::Stalled { .. }
            | RequestFailure::Cut { .. }
    )
}

fn is_unexpected(error: &RequestError) -> bool {
    matches!(error.failure, RequestFailure::Unexpected { .. })
}
