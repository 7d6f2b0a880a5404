//! Sequence items that the rules do not reach.

use super::{Finding, Kind, Severity, Theme, tag_text, tags};
use crate::profile::effect::{Fate, Place};
use crate::profile::model::{DicomRules, Profile};
use crate::standard::confidentiality::{Covers, attributes};

/// Sequences whose items commonly name the patient, other people, or original UIDs.
const TELLING: &[&str] = &[
    "OtherPatientIDsSequence",
    "OriginalAttributesSequence",
    "RequestAttributesSequence",
    "ReferencedPatientSequence",
    "ReferencedStudySequence",
    "ReferencedPerformedProcedureStepSequence",
    "ReferencedSeriesSequence",
    "ReferencedInstanceSequence",
    "ReferencedImageSequence",
    "SourceImageSequence",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ContributingEquipmentSequence",
    "ScheduledStepAttributesSequence",
    "PerformedSeriesSequence",
    "ContentSequence",
    "CurrentRequestedProcedureEvidenceSequence",
    "PertinentOtherEvidenceSequence",
    "PredecessorDocumentsSequence",
    "VerifyingObserverSequence",
    "AuthorObserverSequence",
    "PersonIdentificationCodeSequence",
    "AcquisitionContextSequence",
    "SpecimenDescriptionSequence",
    "ReferencedFrameOfReferenceSequence",
    "RTReferencedStudySequence",
    "StructureSetROISequence",
    "IconImageSequence",
    "GraphicAnnotationSequence",
    "DigitalSignaturesSequence",
];

const RECURSE: &str = "set `recurse-sequence: true`, so that every rule acts in all items";
const SEQUENCE: &str = "set `recurse-sequence: true`, or remove the sequences";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    let open = attributes()
        .iter()
        .filter(|row| row.covers != Covers::Private && top_only(rules, row.covers))
        .count();
    if open == 0 {
        return Vec::new();
    }
    let message = match open {
        1 => "an attribute is covered at the top of the data set and not inside sequence items"
            .to_owned(),
        many => format!(
            "{many} attributes are covered at the top of the data set and not inside sequence items"
        ),
    };
    let mut found = vec![Finding::new(
        Kind::Nested,
        Severity::Warning,
        "recurse-sequence",
        message,
        RECURSE,
    )];
    found.extend(
        tags(TELLING)
            .filter(|(_, tag)| leaves_items(&rules.effect_on(*tag, Place::Top).fate))
            .map(|(keyword, tag)| {
                let message = format!(
                    "items of {keyword} commonly identify, and the rules do not reach them"
                );
                let finding =
                    Finding::new(Kind::Nested, Severity::Warning, keyword, message, SEQUENCE);
                finding.about(Theme::Sequences).tagged(tag_text(tag))
            }),
    );
    found
}

fn top_only(rules: &DicomRules, covers: Covers) -> bool {
    rules.effect_on_covered(covers, Place::Top).fate.protects()
        && !rules
            .effect_on_covered(covers, Place::Items)
            .fate
            .protects()
}

fn leaves_items(fate: &Fate<'_>) -> bool {
    !fate.protects()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_one() {
        assert_eq!(tags(TELLING).count(), TELLING.len());
    }
}
