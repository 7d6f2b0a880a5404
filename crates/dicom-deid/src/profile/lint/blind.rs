//! Attributes that Table E.1-1 does not name and that may identify all the same.

use super::coverage::is_kept_by_table;
use dicom_core::Tag;

use super::{Finding, Kind, Severity};
use crate::profile::confidentiality::Unlisted;
use crate::profile::effect::{Fate, Place};
use crate::profile::model::{DicomRules, Profile};
use crate::standard::confidentiality::Covers;
use crate::standard::{self, BlindSpot, Concern, blind_spots};

const TELLING: &str = "remove them, or name what may stay and set `remove-undefined`";
const STRICT: &str = "`unlisted = \"remove\"` takes them, but for codes";
/// How many attributes are named as examples.
const NAMED: usize = 8;
const LOOK: &str =
    "look at what your data holds there; an allow list (`remove-undefined`) settles it";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let spots = blind_spots()
        .iter()
        .filter_map(|spot| finding(profile, spot));
    spots.chain(texts(&profile.dicom)).collect()
}

/// Texts that the Basic Profile leaves, since equipment writes them and they are codes in all but
/// their VR.
fn texts(rules: &DicomRules) -> Option<Finding> {
    let asked = rules
        .confidentiality
        .as_ref()
        .filter(|asked| asked.unlisted != Unlisted::Keep)?;
    let stays = |tag: &Tag| !rules.effect_on(*tag, Place::Top).fate.protects();
    let kept: Vec<_> = standard::texts_of_no_concern()
        .into_iter()
        .filter(stays)
        .collect();
    let named = kept
        .iter()
        .filter_map(|tag| standard::keyword(*tag))
        .take(NAMED)
        .collect::<Vec<_>>()
        .join(", ");
    let more = if kept.len() > NAMED { " and more" } else { "" };
    let what = if asked.unlisted == Unlisted::Remove {
        "codes"
    } else {
        "codes, and settings of equipment"
    };
    let message = format!(
        "{} texts that Table E.1-1 does not list stay as they are: {what} ({named}{more})",
        kept.len()
    );
    let advice = if asked.unlisted == Unlisted::Remove {
        LOOK
    } else {
        STRICT
    };
    (!kept.is_empty())
        .then(|| Finding::new(Kind::Unlisted, Severity::Note, "texts", message, advice))
}

fn finding(profile: &Profile, spot: &BlindSpot) -> Option<Finding> {
    let rules = &profile.dicom;
    let fate = rules.effect_on_covered(spot.covers, Place::Top).fate;
    if fate.protects() || is_known_safe(rules, spot) {
        return None;
    }
    let telling = matches!(spot.concern, Concern::Identity | Concern::Uid);
    let untouched = matches!(fate, Fate::Stays | Fate::Tabled(_));
    let (severity, advice) = if telling && untouched {
        (Severity::Warning, TELLING)
    } else {
        (Severity::Note, LOOK)
    };
    let says = match spot.concern {
        Concern::Identity => "may say who somebody is, or lead to the original",
        Concern::Uid => "names an instance or a thing",
        Concern::Time => "says when",
        Concern::Text => "holds whatever people type",
        Concern::Device | Concern::Product => "says where, and with which equipment",
    };
    let outcome = if untouched {
        "goes out as it came in"
    } else {
        "is kept"
    };
    let message = format!(
        "{} {says}, Table E.1-1 does not name it, and it {outcome}",
        spot.keyword
    );
    let finding = Finding::new(Kind::BlindSpot, severity, &spot.keyword, message, advice);
    Some(
        finding
            .about(spot.concern.into())
            .tagged(spot.covers.text()),
    )
}

/// Whether the Basic Profile looked at its role and lets it stay.
fn is_known_safe(rules: &DicomRules, spot: &BlindSpot) -> bool {
    let by_role = rules
        .confidentiality
        .as_ref()
        .is_some_and(|asked| asked.unlisted != Unlisted::Keep);
    by_role && matches!(spot.covers, Covers::One(tag) if is_kept_by_table(rules, tag))
}
