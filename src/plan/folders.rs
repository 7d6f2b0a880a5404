//! Folders that a run writes to, held against what it reads.
//!
//! Owns the refusal of a folder in an input or around one. It makes no folder and reads no file.

use crate::config::{Config, Server, SinkChoice};
use crate::discover::Discovery;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// Cleaned copies among the inputs would be read as further data, of further patients.
pub(super) fn refuse_beside_inputs(config: &Config, discovery: &Discovery) -> Result<(), Error> {
    let output = match &config.sink {
        SinkChoice::Folder(folder) => Some(("--output", folder)),
        _ => None,
    };
    let sandbox = match &config.server {
        Server::Sandbox(Some(folder)) => Some(("--sandbox", folder)),
        _ => None,
    };
    for (flag, folder) in output.into_iter().chain(sandbox) {
        if let Some(input) = discovery.input_beside(folder) {
            let what = format!(
                "the folder of `{flag}` and an input lie one in the other: {}",
                display_path(input)
            );
            return Err(Error::new(RunCode::Usage, what)
                .because("what is written there would be read as further data")
                .with_hint("name a folder that is neither in an input nor around one"));
        }
    }
    Ok(())
}
