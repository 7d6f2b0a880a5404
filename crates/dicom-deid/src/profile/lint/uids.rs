//! UIDs that belong together and are not treated alike.

use dicom_core::Tag;

use super::{Finding, Kind, Severity, Theme, tag_text, tags};
use crate::profile::effect::{Fate, Outcome, Place};
use crate::profile::model::{DicomRules, Profile};

/// What an instance is found by.
const OWN: &[&str] = &[
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
];

/// Attributes that repeat such a UID: most of them only ever stand in sequence items.
const REFERENCES: &[&str] = &[
    "ReferencedSOPInstanceUID",
    "ReferencedFrameOfReferenceUID",
    "RelatedFrameOfReferenceUID",
    "SynchronizationFrameOfReferenceUID",
    "SourceFrameOfReferenceUID",
    "ReferencedSOPInstanceUIDInFile",
    "FailedSOPInstanceUIDList",
    "MultiFrameSourceSOPInstanceUID",
    "SOPInstanceUIDOfConcatenationSource",
    "ConcatenationUID",
    "UID",
];

const MAP: &str = "give every one of these UIDs the same `hashuid` rule";
const LEAVE: &str = "leave UIDs to the Basic Profile: take the field out";
const REACH: &str = "set `recurse-sequence: true`: references stand in sequence items";
const DISTINCT: &str = "use `hashuid`: each instance, series and study needs a UID of its own";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    let mut found: Vec<Finding> = tags(OWN)
        .filter_map(|(keyword, tag)| lost(rules, keyword, tag))
        .collect();
    if !tags(OWN).any(|(_, tag)| is_mapped(rules, tag, Place::Top)) {
        return found;
    }
    if tags(OWN)
        .chain(tags(REFERENCES))
        .any(|(_, tag)| is_keyed(rules, tag))
    {
        found.extend(
            tags(OWN)
                .chain(tags(REFERENCES))
                .filter(|(_, tag)| is_mapped(rules, *tag, Place::Top))
                .map(mixed),
        );
    }
    let left = tags(OWN)
        .chain(tags(REFERENCES))
        .filter(|(_, tag)| stays(rules, *tag, Place::Top));
    found.extend(left.map(|(keyword, tag)| {
        let message = format!(
            "other UIDs are mapped and {keyword} is not: references break, or \
            the original UID survives"
        );
        finding(keyword, tag, message, MAP)
    }));
    let nested = tags(OWN).chain(tags(REFERENCES));
    let nested = nested
        .filter(|(_, tag)| is_mapped(rules, *tag, Place::Top) && stays(rules, *tag, Place::Items));
    found.extend(nested.map(|(keyword, tag)| {
        let message = format!(
            "{keyword} is mapped at the top of the data set and keeps the \
            original UID in sequence items"
        );
        finding(keyword, tag, message, REACH)
    }));
    found
}

/// A UID that every object needs, and needs for itself, is gone or the same everywhere.
fn lost(rules: &DicomRules, keyword: &str, tag: Tag) -> Option<Finding> {
    let what = match rules.effect_on(tag, Place::Top).fate {
        Fate::Replaced(_) => "becomes the same for all",
        fate if fate.is_gone() => "is removed",
        Fate::Emptied => "is emptied",
        _ => return None,
    };
    let message = format!("{keyword} {what}: files of different instances cannot be told apart");
    // Nothing identifies, but such files are of little use to anybody.
    let found = Finding {
        severity: Severity::Note,
        ..finding(keyword, tag, message, DISTINCT)
    };
    (keyword != "FrameOfReferenceUID").then_some(found)
}

/// A UID that a field maps while the Basic Profile gives others new ones.
fn mixed((keyword, tag): (&'static str, Tag)) -> Finding {
    let message = format!(
        "{keyword} is mapped by a field and other UIDs by the project's key: references break"
    );
    finding(keyword, tag, message, LEAVE)
}

/// Whether the Basic Profile gives it a new UID, at the top or in items.
fn is_keyed(rules: &DicomRules, tag: Tag) -> bool {
    let keyed = |place| matches!(rules.effect_on(tag, place).fate, Fate::Tabled(told) if told.outcome == Outcome::NewUid);
    [Place::Top, Place::Items].into_iter().any(keyed)
}

fn finding(keyword: &str, tag: Tag, message: String, advice: &'static str) -> Finding {
    let finding = Finding::new(
        Kind::UidInconsistent,
        Severity::Warning,
        keyword,
        message,
        advice,
    );
    finding.about(Theme::Uids).tagged(tag_text(tag))
}

fn is_mapped(rules: &DicomRules, tag: Tag, place: Place) -> bool {
    !rules.effect_on(tag, place).fate.changes().is_empty()
}

fn stays(rules: &DicomRules, tag: Tag, place: Place) -> bool {
    !rules.effect_on(tag, place).fate.protects()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_one() {
        assert_eq!(
            tags(OWN).count() + tags(REFERENCES).count(),
            OWN.len() + REFERENCES.len()
        );
    }
}
