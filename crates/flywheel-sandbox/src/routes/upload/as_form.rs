//! Upload as a form: the metadata and the bytes of one file.

use axum::Json;
use axum::extract::Request;
use serde_json::{Map, json};

use super::{Answer, FileDescription, base_name, check_container, describe, store, wrong_size};
use crate::api_error::ApiError;
use crate::app::App;
use crate::blob::{Incoming, NewFile, Received};
use crate::model::ContainerType;
use crate::multipart_form::{Form, Part};
use crate::options::Era;
use crate::schema;

const LONGEST_METADATA: usize = 1 << 20;

/// Reads a form and stores the file in it.
pub async fn upload(app: &App, kind: ContainerType, id: &str, request: Request) -> Answer {
    let mut form = Form::new(request).await?;
    check_container(app, kind, id)?;
    let (mut metadata, mut file) = (Map::new(), None);
    while let Some(part) = form.next_part().await? {
        let is_metadata = part.name()? == "metadata";
        match part.file_name() {
            Some(_) if is_metadata => {
                return Err(ApiError::invalid("wrong format for field \"metadata\""));
            }
            Some(_) if file.is_some() => {
                return Err(ApiError::bad_request(
                    "Targeted uploads can only send one file",
                ));
            }
            Some(name) if name.is_empty() && app.options.era == Era::Mid => {
                part.text(0).await?;
            }
            Some(name) => file = Some((base_name(&name)?, receive(app, part).await?)),
            None if is_metadata => {
                metadata = schema::object(&part.text(LONGEST_METADATA).await?)?;
            }
            None => drop(part.text(LONGEST_METADATA).await?),
        }
    }
    let Some((name, received)) = file else {
        // servers of 2019 accept a form without a file
        return match app.options.era {
            Era::Mid => Ok(Json(json!([]))),
            Era::Old | Era::Current => Err(ApiError::bad_request("No files selected for upload")),
        };
    };
    let FileDescription {
        name,
        size,
        metadata,
    } = describe(app, &name, metadata)?;
    if size.is_some_and(|size| size != received.size) {
        return Err(wrong_size(received.size));
    }
    let file = NewFile {
        container: id,
        name: &name,
        hash: received.hash(),
        metadata,
    };
    store(app, received, file)
}

async fn receive(app: &App, mut part: Part<'_>) -> Result<Received, ApiError> {
    let mut incoming = Incoming::create(&app.store, app.options.discard)?;
    while let Some(chunk) = part.chunk().await? {
        incoming.write(&chunk).await?;
    }
    Ok(incoming.finish().await?)
}
