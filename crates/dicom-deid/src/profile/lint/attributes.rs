//! Attributes that stay, or that a hash stands for where cleaning was meant: those of Table E.1-1,
//! those beside it, private ones, and those in sequence items.

use dicom_core::Tag;

use super::{LintFinding, LintKind, Severity, Theme, selector_name, tags};
use crate::profile::action::Action;
use crate::profile::basic_profile::Unlisted;
use crate::profile::effect::{AttributeEffect, Effect, NestingLevel};
use crate::profile::model::{DicomRules, Profile, Rule};
use crate::profile::selector::Selector;
use crate::standard::confidentiality::{Attribute, ConfidentialityOption, TagPattern, attributes};
use crate::standard::{
    self, IdentifyingRole, UnlistedAttribute, attribute, is_listed_as_safe, is_private, name_of,
    unlisted_attribute, unlisted_attributes,
};

const COVER: &str =
    "remove, empty or replace them, or name what may stay and set `remove-undefined`";
const KEEP: &str = "remove, empty, replace or hash them: no option of PS3.15 lets them stay";
const MAY_KEEP: &str = "PS3.15 has an option under which they may stay; check that it is meant";
const TEXT: &str = "remove it, or keep known words with `regex-sub`: people type names and dates \
    into such attributes";
const HASHED_TEXT: &str =
    "remove it: the hash of a text says nothing, and common texts can be tried out";
const RESTORED: &str = "leave out `decrypt` where the result is to be sent";

pub(super) fn table_rows(profile: &Profile) -> Vec<LintFinding> {
    // What becomes of private elements has rules of its own.
    let mut rows: Vec<&Attribute> = attributes()
        .iter()
        .filter(|row| row.covers != TagPattern::Private)
        .collect();
    // What files of today have comes first: long lists are cut.
    rows.sort_by_key(|row| row.retired || !row.in_standard_iod);
    let rules = &profile.dicom;
    let rows = rows.into_iter().filter(|row| {
        !row.tag()
            .is_some_and(|tag| is_kept_by_table(rules, tag))
    });
    rows.filter_map(|row| of_row(row, &rules.effect_on_pattern(row.covers, NestingLevel::Top)))
        .collect()
}

/// Whether an option keeps it, so that a field that does the same is no exception.
fn is_kept_by_table(rules: &DicomRules, tag: Tag) -> bool {
    rules
        .table_effect(tag)
        .is_some_and(|by_table| !by_table.outcome.protects())
}

fn of_row(row: &Attribute, effect: &AttributeEffect<'_>) -> Option<LintFinding> {
    let found = match &effect.effect {
        Effect::Untouched => {
            let message = format!(
                "{} goes out as it came in; PS3.15 says {}",
                row.name,
                row.basic.as_str()
            );
            LintFinding::warning(LintKind::Uncovered, row_name(row), message, COVER)
        }
        Effect::Kept => kept_row(row, effect),
        Effect::Decrypted => {
            let message = format!(
                "{} is taken back out of the encrypted envelope{}",
                row.name,
                by_rule(effect)
            );
            LintFinding::warning(LintKind::Kept, row_name(row), message, RESTORED)
        }
        Effect::Changed(actions)
            if is_text(row)
                && actions
                    .iter()
                    .any(|action| matches!(action, Action::Hash)) =>
        {
            let message = format!(
                "{} is hashed instead of cleaned{}",
                row.name,
                by_rule(effect)
            );
            LintFinding::note(LintKind::Text, row_name(row), message, HASHED_TEXT)
        }
        _ => return None,
    };
    Some(
        found
            .about(Theme::of(row))
            .tagged(&row.covers),
    )
}

fn kept_row(row: &Attribute, effect: &AttributeEffect<'_>) -> LintFinding {
    let message = format!("{} is kept as it is{}", row.name, by_rule(effect));
    match row.kept_under() {
        _ if is_text(row) => LintFinding::warning(LintKind::Text, row_name(row), message, TEXT),
        Some(option) => {
            let message = format!("{message}, as the option {} allows", option.name());
            LintFinding::note(LintKind::Kept, row_name(row), message, MAY_KEEP)
        }
        None => LintFinding::warning(LintKind::Kept, row_name(row), message, KEEP),
    }
}

/// Whether the standard wants the text of the attribute cleaned rather than kept.
fn is_text(row: &Attribute) -> bool {
    row.under(ConfidentialityOption::CleanDescriptors)
        .is_some()
        && row.kept_under().is_none()
}

/// The rule that has the last word.
fn by_rule(effect: &AttributeEffect<'_>) -> String {
    effect
        .rules
        .last()
        .map(|rule| format!(" ({})", rule.location()))
        .unwrap_or_default()
}

fn row_name(row: &Attribute) -> String {
    row.keyword
        .map_or_else(|| row.name.clone(), str::to_owned)
}

const REMOVE_OR_ALLOW: &str = "remove them, or name what may stay and set `remove-undefined`";
const STRICT: &str = "`unlisted = \"remove\"` takes them, but for codes";
/// How many attributes are named as examples.
const EXAMPLES: usize = 8;
const LOOK_AT_DATA: &str =
    "look at what your data holds there; an allow list (`remove-undefined`) settles it";

pub(super) fn outside_table(profile: &Profile) -> Vec<LintFinding> {
    let all = unlisted_attributes()
        .iter()
        .filter_map(|listed| outside_table_row(profile, listed));
    all.chain(harmless_texts(&profile.dicom))
        .collect()
}

/// Texts that the Basic Profile leaves, since equipment writes them and they are codes in all but
/// their VR.
fn harmless_texts(rules: &DicomRules) -> Option<LintFinding> {
    let confidentiality = rules
        .confidentiality
        .as_ref()
        .filter(|confidentiality| confidentiality.unlisted != Unlisted::Keep)?;
    let stays = |tag: &Tag| !rules.protects(*tag, NestingLevel::Top);
    let kept: Vec<_> = standard::texts_without_identifying_role()
        .into_iter()
        .filter(stays)
        .collect();
    let named = kept
        .iter()
        .filter_map(|tag| standard::keyword(*tag))
        .take(EXAMPLES)
        .collect::<Vec<_>>()
        .join(", ");
    let more = if kept.len() > EXAMPLES {
        " and more"
    } else {
        ""
    };
    let what = if confidentiality.unlisted == Unlisted::Remove {
        "codes"
    } else {
        "codes, and settings of equipment"
    };
    let message = format!(
        "{} texts that Table E.1-1 does not list stay as they are: {what} ({named}{more})",
        kept.len()
    );
    let advice = if confidentiality.unlisted == Unlisted::Remove {
        LOOK_AT_DATA
    } else {
        STRICT
    };
    (!kept.is_empty()).then(|| LintFinding::note(LintKind::Unlisted, "texts", message, advice))
}

fn outside_table_row(profile: &Profile, listed: &UnlistedAttribute) -> Option<LintFinding> {
    let rules = &profile.dicom;
    let effect = rules
        .effect_on_pattern(listed.covers, NestingLevel::Top)
        .effect;
    if effect.protects() || is_known_safe(rules, listed) {
        return None;
    }
    let telling = matches!(
        listed.role,
        IdentifyingRole::Identity | IdentifyingRole::Uid
    );
    let untouched = matches!(effect, Effect::Untouched | Effect::ByTable(_));
    let (severity, advice) = if telling && untouched {
        (Severity::Warning, REMOVE_OR_ALLOW)
    } else {
        (Severity::Note, LOOK_AT_DATA)
    };
    let says = match listed.role {
        IdentifyingRole::Identity => "may identify a person, or lead to the original",
        IdentifyingRole::Uid => "names an instance or a thing",
        IdentifyingRole::Time => "says when",
        IdentifyingRole::Text => "holds whatever people type",
        IdentifyingRole::Device | IdentifyingRole::Product => {
            "says where, and with which equipment"
        }
    };
    let outcome = if untouched {
        "goes out as it came in"
    } else {
        "is kept"
    };
    let message = format!(
        "{} {says}, Table E.1-1 does not name it, and it {outcome}",
        listed.keyword
    );
    let finding = LintFinding::new(
        LintKind::BlindSpot,
        severity,
        &listed.keyword,
        message,
        advice,
    );
    Some(
        finding
            .about(listed.role.into())
            .tagged(&listed.covers),
    )
}

/// Whether the Basic Profile looked at its role and lets it stay.
fn is_known_safe(rules: &DicomRules, listed: &UnlistedAttribute) -> bool {
    let by_role = rules
        .confidentiality
        .as_ref()
        .is_some_and(|confidentiality| confidentiality.unlisted != Unlisted::Keep);
    by_role && matches!(listed.covers, TagPattern::One(tag) if is_kept_by_table(rules, tag))
}

/// Sequences whose items commonly name the patient, other people, or original UIDs.
const IDENTIFYING_SEQUENCES: &[&str] = &[
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

pub(super) fn sequence_items(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    let open = attributes()
        .iter()
        .filter(|row| row.covers != TagPattern::Private && top_only(rules, row.covers))
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
    let mut found = vec![LintFinding::warning(
        LintKind::Nested,
        "recurse-sequence",
        message,
        RECURSE,
    )];
    found.extend(
        tags(IDENTIFYING_SEQUENCES)
            .filter(|(_, tag)| !rules.protects(*tag, NestingLevel::Top))
            .map(|(keyword, tag)| {
                let message = format!(
                    "items of {keyword} commonly identify, and the rules do not reach them"
                );
                let finding = LintFinding::warning(LintKind::Nested, keyword, message, SEQUENCE);
                finding
                    .about(Theme::Sequences)
                    .tagged(&tag)
            }),
    );
    found
}

fn top_only(rules: &DicomRules, covers: TagPattern) -> bool {
    rules.protects_all(covers, NestingLevel::Top)
        && !rules.protects_all(covers, NestingLevel::Items)
}

const REMOVE_PRIVATE: &str =
    "set `remove-private-tags: true`, and name those to keep by their creator";
const UNKNOWN_PRIVATE: &str =
    "remove it, or make sure what the vendor puts there: PS3.15 does not list it as safe";
const SAFE_PRIVATE: &str = "PS3.15 lists it as safe to retain, once its value was looked at";

pub(super) fn private_elements(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    if !rules.protects_all(TagPattern::Private, NestingLevel::Top) {
        let message = "private elements stay; vendors put names, identifiers and dates into them, \
            sequences among them";
        let finding = LintFinding::warning(
            LintKind::Private,
            "remove-private-tags",
            message,
            REMOVE_PRIVATE,
        );
        return vec![
            finding
                .about(Theme::Private)
                .tagged(&TagPattern::Private),
        ];
    }
    rules
        .fields
        .iter()
        .filter_map(|rule| kept_private(profile, rule))
        .collect()
}

/// A rule that keeps what would have gone with all private elements.
fn kept_private(profile: &Profile, rule: &Rule) -> Option<LintFinding> {
    let Selector::Private {
        group,
        creator,
        element,
    } = &rule.selector
    else {
        return None;
    };
    let effect = profile
        .dicom
        .effect_on_private(*group, creator, *element);
    if effect.effect.protects()
        || effect
            .rules
            .first()
            .is_none_or(|first| first.position != rule.position)
    {
        return None;
    }
    let listed = is_listed_as_safe(creator, *group, *element);
    let (severity, advice) = if listed {
        (Severity::Note, SAFE_PRIVATE)
    } else {
        (Severity::Warning, UNKNOWN_PRIVATE)
    };
    let message = format!("the private element is kept ({})", rule.location());
    let subject = selector_name(rule);
    Some(
        LintFinding::new(LintKind::Private, severity, subject, message, advice)
            .about(Theme::Private),
    )
}

const WEAKENS: &str =
    "leave it to the table, or make sure that nothing identifying can stand there";

pub(super) fn exceptions(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    rules
        .fields
        .iter()
        .filter_map(|rule| weakened(rules, rule))
        .collect()
}

fn weakened(rules: &DicomRules, rule: &Rule) -> Option<LintFinding> {
    let (tag, what) = match &rule.selector {
        Selector::Path(path) => (path.leaf, "where the path leads"),
        // Rows of both lists have findings of their own.
        Selector::Tag(tag)
            if is_private(*tag)
                || (attribute(*tag).is_none() && unlisted_attribute(*tag).is_none()) =>
        {
            (*tag, "as it is")
        }
        _ => return None,
    };
    let taken = rules
        .table_effect(tag)
        .is_some_and(|by_table| by_table.outcome.protects());
    if !taken || rules.effect_of(rule).effect.protects() {
        return None;
    }
    Some(exception(rule, tag, what))
}

fn exception(rule: &Rule, tag: Tag, what: &str) -> LintFinding {
    let message = format!(
        "{} is kept {what} ({}), and the Basic Profile does not keep it",
        name_of(tag),
        rule.location()
    );
    let subject = selector_name(rule);
    LintFinding::warning(LintKind::Exception, subject, message, WEAKENS).tagged(&tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_in_the_dictionary() {
        assert_eq!(
            tags(IDENTIFYING_SEQUENCES).count(),
            IDENTIFYING_SEQUENCES.len()
        );
    }
}
