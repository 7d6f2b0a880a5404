//! The key of pseudonyms of commands that clean files and send nothing.

use crate::cli::PseudonymKeyArgs;
use crate::credential::{PseudonymKeyOrigin, PseudonymKeySources};
use crate::failure::Error;
use dicom_deid::PseudonymKey;
use dicom_deid::profile::Profile;

use super::pseudonym_key_sources;

/// The key of pseudonyms, where the profile makes some. Nothing is sent, so without one any key
/// will do.
///
/// # Errors
/// A key that is named and cannot be used.
pub fn of(
    profile: &Profile,
    args: &PseudonymKeyArgs,
) -> Result<Option<(PseudonymKey, PseudonymKeyOrigin)>, Error> {
    if !profile.needs_key() {
        return Ok(None);
    }
    match pseudonym_key_sources(args).named()? {
        Some(named) => Ok(Some(named)),
        None => PseudonymKeySources::once().map(Some),
    }
}

/// Which key it is, for people.
pub fn about(key: &PseudonymKey, origin: &PseudonymKeyOrigin) -> String {
    match origin {
        PseudonymKeyOrigin::Nowhere => {
            "pseudonyms are made with a random key that is not kept: new UIDs, pseudonyms and \
                dates differ from run to run; `--pseudonym-key-file` or \
                FWUPLOAD_PSEUDONYM_KEY names a key"
                .to_owned()
        }
        _ => format!("pseudonyms: key {} from {origin}", key.fingerprint()),
    }
}
