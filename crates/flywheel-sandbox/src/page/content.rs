//! What is in a file: members, header lines, pictures.
//!
//! One file or member is looked into at a time. Must never show what is not kept, and never more of
//! it than asked for.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::tree::{found, number};
use super::{Answer, Shared, archive};
use crate::api_error::ApiError;
use crate::app::App;
use crate::query::Parameters;
use crate::viewer::{Content, Inflated, Viewer};

/// Members of an archive in one answer.
const BATCH: usize = 100;

/// `GET /page/files/{id}/{version}/members`: some members of a zip, from a place on.
pub async fn members(
    State(app): Shared,
    Path((id, version)): Path<(String, u32)>,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let from = number(&parameters, "from")?.unwrap_or_default();
    let (_, path) = stored(&app, &id, version)?;
    let listing = tokio::task::spawn_blocking(move || archive::list(&path, from, BATCH))
        .await
        .map_err(|_| defect())?
        .map_err(ApiError::unprocessable)?;
    Ok(Json(json!({
        "members": listing.members,
        "next": from.saturating_add(listing.members.len()),
        "more": listing.more,
    })))
}

/// `GET /page/files/{id}/{version}/header`: the elements of a file, or of a member of a zip.
pub async fn header(
    State(app): Shared,
    Path((id, version)): Path<(String, u32)>,
    Query(parameters): Query<Parameters>,
) -> Answer {
    let member = number(&parameters, "member")?;
    let header = look(&app, &id, version, member, |viewer, content| {
        (viewer.header)(content)
    })
    .await?;
    Ok(Json(json!(header)))
}

/// `GET /page/files/{id}/{version}/picture`: a frame as PNG, smaller where a `side` is asked for.
pub async fn picture(
    State(app): Shared,
    Path((id, version)): Path<(String, u32)>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    let member = number(&parameters, "member")?;
    let side = number(&parameters, "side")?;
    let frame = number(&parameters, "frame")?.unwrap_or_default();
    let frame = u32::try_from(frame).unwrap_or(u32::MAX);
    let png = look(&app, &id, version, member, move |viewer, content| {
        (viewer.picture)(content, frame, side)
    })
    .await?;
    Ok(([(CONTENT_TYPE, "image/png")], png).into_response())
}

/// The id of a version, and where its bytes lie.
fn stored(app: &App, id: &str, number: u32) -> Result<(String, PathBuf), ApiError> {
    app.store.read(|index| {
        let version = found(index, id)?
            .version(number)
            .ok_or_else(|| ApiError::not_found("there is no such version"))?;
        let path = app.store.path(&version.stored);
        if !path.is_file() {
            return Err(ApiError::not_found("the bytes of this file were not kept"));
        }
        Ok((version.id.clone(), path))
    })
}

/// Looks into a file or a member of a zip, while no one else does.
async fn look<T: Send + 'static>(
    app: &Arc<App>,
    id: &str,
    number: u32,
    member: Option<usize>,
    look: impl FnOnce(&Viewer, &Content) -> Result<T, String> + Send + 'static,
) -> Result<T, ApiError> {
    let viewer = app
        .options
        .viewer
        .ok_or_else(|| ApiError::unprocessable("this sandbox does not look into files"))?;
    let (version, path) = stored(app, id, number)?;
    let mut inflated = app
        .inflated
        .clone()
        .lock_owned()
        .await;
    let looked = tokio::task::spawn_blocking(move || {
        let content = match member {
            None => Content::File(path),
            Some(member) => {
                let is_at_hand = inflated
                    .as_ref()
                    .is_some_and(|kept| {
                        kept.version == version && usize::try_from(kept.number) == Ok(member)
                    });
                if !is_at_hand {
                    *inflated = None;
                    *inflated = Some(Inflated {
                        bytes: archive::inflate(&path, member)?,
                        version,
                        number: member as u64,
                    });
                }
                let bytes = inflated
                    .as_ref()
                    .map(|kept| kept.bytes.clone());
                Content::Member(bytes.unwrap_or_default())
            }
        };
        look(&viewer, &content)
    });
    looked
        .await
        .map_err(|_| defect())?
        .map_err(ApiError::unprocessable)
}

fn defect() -> ApiError {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the sandbox hit a defect",
    )
}
