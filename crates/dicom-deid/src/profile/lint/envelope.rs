//! Originals that travel with the file in an encrypted envelope, and the key to it.

use super::{Finding, Kind, Severity};
use crate::envelope::Keys;
use crate::profile::action::Action;
use crate::profile::model::Profile;

const KEY: &str =
    "use certificates (`asymmetric-encryption`), so that the profile holds nothing secret";
const ENVELOPE: &str =
    "whoever has the key reads the originals, now and later; leave it out where nobody has to";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    let mut found = Vec::new();
    if rules.envelope.as_ref().is_some_and(Keys::is_shared) {
        let message = "the key of the envelope stands in the profile: whoever can read the \
            profile can open every file's envelope";
        found.push(Finding::new(
            Kind::Salted,
            Severity::Warning,
            "secret-key",
            message,
            KEY,
        ));
    }
    let sealed = rules
        .fields
        .iter()
        .filter(|rule| rule.action == Action::Encrypt)
        .count();
    let (subject, message) = match (rules.retain, sealed) {
        (true, _) => (
            "retain",
            "the original of everything that is changed or removed goes with the file, encrypted"
                .to_owned(),
        ),
        (false, 0) => return found,
        (false, 1) => (
            "encrypt",
            "the original of an attribute goes with the file, encrypted".to_owned(),
        ),
        (false, many) => (
            "encrypt",
            format!("the originals of {many} attributes go with the file, encrypted"),
        ),
    };
    found.push(Finding::new(
        Kind::Envelope,
        Severity::Note,
        subject,
        message,
        ENVELOPE,
    ));
    found
}
