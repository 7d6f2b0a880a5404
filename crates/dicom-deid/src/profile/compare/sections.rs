//! Differences of the sections that Flywheel's vocabulary does not have, setting by setting.

use super::Difference;
use crate::profile::confidentiality::Confidentiality;
use crate::profile::model::Profile;

/// Canonical keys that are compared here.
pub(super) const KEYS: [&str; 2] = ["confidentiality", "residual"];

type Settings = Vec<(&'static str, String)>;

pub(super) fn differences(a: &Profile, b: &Profile) -> Vec<Difference> {
    let [first, second] = [a, b].map(|profile| profile.dicom.confidentiality.as_ref());
    let mut all = match (first, second) {
        (Some(first), Some(second)) => changed(first.settings(), second.settings()),
        (None, None) => Vec::new(),
        (first, second) => one_sided(first, second),
    };
    all.extend(changed(
        a.dicom.residual.settings(),
        b.dicom.residual.settings(),
    ));
    all
}

fn changed(first: Settings, second: Settings) -> Vec<Difference> {
    let pairs = first.into_iter().zip(second).filter(|(a, b)| a.1 != b.1);
    pairs.map(|((key, a), (_, b))| setting(key, a, b)).collect()
}

/// Only one of the two asks for the Basic Profile: that, and each of its settings.
fn one_sided(first: Option<&Confidentiality>, second: Option<&Confidentiality>) -> Vec<Difference> {
    let values =
        |side: Option<&Confidentiality>| side.map(Confidentiality::settings).unwrap_or_default();
    let word = |side: Option<&Confidentiality>| {
        side.map_or("not set", |_| "the Basic Profile of PS3.15")
            .to_owned()
    };
    let mut all = vec![setting("confidentiality", word(first), word(second))];
    let unset = || "not set".to_owned();
    all.extend(
        values(first)
            .into_iter()
            .map(|(key, value)| setting(key, value, unset())),
    );
    all.extend(
        values(second)
            .into_iter()
            .map(|(key, value)| setting(key, unset(), value)),
    );
    all
}

fn setting(key: &str, a: String, b: String) -> Difference {
    Difference::Setting {
        key: key.to_owned(),
        values: Some((a, b)),
    }
}
