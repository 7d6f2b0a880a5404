//! Private elements: all of them, or those that a rule keeps by their creator.

use super::{Finding, Kind, Severity, Theme};
use crate::profile::effect::Place;
use crate::profile::model::{Profile, Rule};
use crate::profile::selector::Selector;
use crate::standard::confidentiality::Covers;
use crate::standard::is_listed_as_safe;
use dicom_lossless::escape_for_terminal;

const REMOVE: &str = "set `remove-private-tags: true`, and name those to keep by their creator";
const UNKNOWN: &str =
    "remove it, or make sure what the vendor puts there: PS3.15 does not list it as safe";
const LISTED: &str = "PS3.15 lists it as safe to retain, once its value was looked at";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    if !rules
        .effect_on_covered(Covers::Private, Place::Top)
        .fate
        .protects()
    {
        let message = "private elements stay; vendors put names, identifiers and dates into them, \
            sequences among them";
        let finding = Finding::new(
            Kind::Private,
            Severity::Warning,
            "remove-private-tags",
            message,
            REMOVE,
        );
        return vec![finding.about(Theme::Private).tagged(Covers::Private.text())];
    }
    rules
        .fields
        .iter()
        .filter_map(|rule| kept(profile, rule))
        .collect()
}

/// A rule that keeps what would have gone with all private elements.
fn kept(profile: &Profile, rule: &Rule) -> Option<Finding> {
    let Selector::Private {
        group,
        creator,
        element,
    } = &rule.selector
    else {
        return None;
    };
    let effect = profile.dicom.effect_on_private(*group, creator, *element);
    if effect.fate.protects()
        || effect
            .rules
            .first()
            .is_none_or(|first| first.position != rule.position)
    {
        return None;
    }
    let listed = is_listed_as_safe(creator, *group, *element);
    let (severity, advice) = if listed {
        (Severity::Note, LISTED)
    } else {
        (Severity::Warning, UNKNOWN)
    };
    let message = format!("the private element is kept ({})", rule.place());
    let subject = escape_for_terminal(&rule.selector.to_string());
    Some(Finding::new(Kind::Private, severity, subject, message, advice).about(Theme::Private))
}
