//! `fwupload profile key`: which key pseudonyms are made with. The key itself is never shown, and
//! none is made.

use flywheel_client::ProjectRef;
use serde_json::json;

use crate::cli::KeyArgs;
use crate::credential::{FirstUse, KeptFor, PseudonymKeyOrigin};
use crate::failure::Error;
use dicom_deid::PseudonymKey;
use dicom_lossless::display_path;

use super::super::{key_sources, pseudonym_key_sources, say};

/// Shows the fingerprint of the key that a run would use, and where it comes from.
pub fn run(args: &KeyArgs) -> Result<(), Error> {
    let sources = pseudonym_key_sources(&args.pseudonym_key);
    let (key, origin) = if let Some(named) = sources.named()? {
        named
    } else {
        let (group, project) = project(args)?;
        let site = site(args)?;
        sources.resolve(
            KeptFor {
                site: site.as_deref(),
                group: &group,
                project: &project,
            },
            FirstUse::Refuse,
        )?
    };
    show(&key, &origin, args.json)
}

fn show(key: &PseudonymKey, origin: &PseudonymKeyOrigin, as_json: bool) -> Result<(), Error> {
    if !as_json {
        say(&format!("key   {}", key.fingerprint()))?;
        return say(&format!("from  {origin}"));
    }
    let path = match origin {
        PseudonymKeyOrigin::File(path)
        | PseudonymKeyOrigin::Kept(path)
        | PseudonymKeyOrigin::Made(path) => Some(display_path(path)),
        PseudonymKeyOrigin::Command
        | PseudonymKeyOrigin::Environment
        | PseudonymKeyOrigin::Nowhere => None,
    };
    let record = json!({
        "type": "pseudonym-key", "v": 1, "fingerprint": key.fingerprint(), "from": origin.as_str(), "path": path,
    });
    say(&record.to_string())
}

/// Keys are kept by the names of group and project, so that no server has to be asked.
fn project(args: &KeyArgs) -> Result<(String, String), Error> {
    let usage = |what: &str| {
        Err(Error::usage(
            what,
            "add `--project group/project`, or name a key",
        ))
    };
    match args
        .project
        .as_deref()
        .map(ProjectRef::parse)
        .transpose()?
    {
        Some(ProjectRef::GroupAndLabel { group, label }) => Ok((group, label)),
        Some(ProjectRef::Id(_) | ProjectRef::Label(_)) => {
            usage("kept keys go by group/project, not by id or label alone")
        }
        None => usage("it is not clear which key is meant: no project is named"),
    }
}

/// The host that an upload would go to.
fn site(args: &KeyArgs) -> Result<Option<String>, Error> {
    if args.offline {
        return Ok(None);
    }
    let (key, _) = key_sources(&args.connection)
        .resolve()
        .map_err(|error| {
            error
                .because("a kept key belongs to a site, which the API key names")
                .with_hint("log in, or add `--offline` for the key of runs without a server")
        })?;
    Ok(Some(key.host().to_owned()))
}
