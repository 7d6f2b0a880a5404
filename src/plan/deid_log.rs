//! The site's log of de-identification: what the user is told of it, and when a run cannot go on
//! because of it.

use super::DeidDecision;
use crate::config::SinkChoice;
use crate::event::Notice;
use crate::failure::{Error, RunCode};
use dicom_deid::Originals;
use flywheel_client::Client;

/// The host of the log that this run tells whom its files are about; none where there is no log, or
/// nothing is sent.
///
/// # Errors
/// `profile.deid-log` where the site keeps one and the data goes as it is, or the log cannot be
/// reached.
pub async fn ask(
    client: Option<&Client>,
    decision: &DeidDecision,
    sink: &SinkChoice,
) -> Result<Option<String>, Error> {
    let Some(client) = client else {
        return Ok(None);
    };
    if client.site_config().await?.deid_log && matches!(decision, DeidDecision::AsItIs { .. }) {
        return Err(Error::from(RunCode::DeidLog).because(format!("{} says so", client.host())));
    }
    match sink {
        SinkChoice::Folder(_) => Ok(None),
        SinkChoice::Upload | SinkChoice::DryRun => Ok(client.deid_log_host().await?),
    }
}

/// What must be said before original identifiers go anywhere.
pub fn announcement(host: &str) -> Notice {
    let names: Vec<_> = Originals::names().collect();
    let text = format!(
        "the site keeps a de-identification log: the original identifiers of each series go to \
            the log service at {host}, as the \
         site demands, and to nobody else ({})",
        names.join(", ")
    );
    Notice::warning("deid-log", text)
}
