//! What a person looks at before anything is sent: whether that is possible, and what was approved.
//!
//! Owns that approvals count only under what they were given for. A list that does not fit stops the
//! run.

use std::path::Path;
use std::sync::Arc;

use super::governing::GoverningProfile;
use crate::client_failure::path_of;
use crate::config::Config;
use crate::event::Notice;
use crate::failure::{Error, RunCode};
use crate::review::{Approvals, ApprovedFor, ChangeRows};
use dicom_deid::profile::Profile;
use dicom_lossless::display_path;
use flywheel_client::Project;

/// How far a person is asked.
#[derive(Debug)]
pub enum Review {
    /// Not at all.
    No,
    /// Everything that would be sent is shown on a page.
    Page(ChangeRows),
    /// Only what was approved is sent.
    Approved(Arc<Approvals>),
}

/// Refuses a review of what does not come out the same twice, or is not cleaned.
///
/// # Errors
/// `review.unsupported`.
pub fn refuse_unrepeatable(config: &Config, profile: Option<&Profile>) -> Result<(), Error> {
    if config.report.review.is_none() && config.approved.is_none() {
        return Ok(());
    }
    let why = match profile {
        None => Some("nothing is de-identified, and a page would show what identifies".to_owned()),
        Some(profile) => profile.randomness().map(|what| {
            format!("the profile has {what}, so that each run sends other bytes than were shown")
        }),
    };
    why.map_or(Ok(()), |why| {
        Err(Error::from(RunCode::ReviewUnsupported).because(why))
    })
}

/// How far a person is asked in a run under this profile, and what the user must be told of that.
///
/// # Errors
/// `review.invalid`.
pub fn resolve(
    config: &Config,
    governing: Option<&GoverningProfile>,
    project: &Project,
) -> Result<(Review, Option<Notice>), Error> {
    let Some(governing) = governing else {
        return Ok((Review::No, None));
    };
    if let Some(page) = &config.report.review {
        let text = if page.served.is_some() {
            "nothing is sent before it is approved on a page that shows what would be; frames are \
                samples, which is no proof of the others"
                .to_owned()
        } else {
            format!(
                "nothing is sent: {} will show in a browser what would be, frames as samples, which is no \
                proof of the others",
                display_path(&page.path)
            )
        };
        return Ok((
            Review::Page(ChangeRows::default()),
            Some(Notice::fact("review", text)),
        ));
    }
    let Some(path) = &config.approved else {
        return Ok((Review::No, None));
    };
    let list = Approvals::read(path).map_err(|why| invalid(path, why))?;
    let here = ApprovedFor {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        project: path_of(project),
        profile: governing.identity.digest.clone(),
        key: governing.key.clone(),
    };
    refuse_other(path, &list.made_for, &here)?;
    let count = match list.len() {
        1 => "1 series".to_owned(),
        count => format!("{count} series"),
    };
    let time = if list.time.is_empty() {
        String::new()
    } else {
        format!(" on {}", list.time)
    };
    let text = format!(
        "only what was approved is sent: {count}, by {}{time}",
        list.reviewer
    );
    let notice = Notice::fact("approved", text);
    Ok((Review::Approved(Arc::new(list)), Some(notice)))
}

/// Compares what a list was made for with what governs now.
fn refuse_other(path: &Path, list: &ApprovedFor, here: &ApprovedFor) -> Result<(), Error> {
    let differs = [
        ("the project", list.project == here.project),
        ("the profile", list.profile == here.profile),
        ("the pseudonym key", list.key == here.key),
        ("the version of fwupload", list.version == here.version),
    ];
    match differs
        .iter()
        .find(|(_, same)| !same)
    {
        None => Ok(()),
        Some((what, _)) => Err(invalid(
            path,
            format!("{what} is not the one that the series were shown under"),
        )),
    }
}

fn invalid(path: &Path, why: String) -> Error {
    let what = format!(
        "the list of approvals cannot be used: {}",
        display_path(path)
    );
    Error::new(RunCode::ReviewInvalid, what).because(why)
}
