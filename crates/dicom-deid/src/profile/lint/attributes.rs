//! Attributes that stay, or that a hash stands for where cleaning was meant: those of Table E.1-1,
//! those beside it, private ones, and those in sequence items.

use super::{LintKind, LintReport, Severity, Theme, selector_name, tags};
use crate::profile::action::Action;
use crate::profile::basic_profile::Unlisted;
use crate::profile::effect::NestingLevel::{Items, Top};
use crate::profile::effect::{AttributeEffect, Effect};
use crate::profile::model::{DicomRules, Rule};
use crate::profile::selector::Selector;
use crate::standard::confidentiality::{Attribute, ConfidentialityOption, TagPattern, attributes};
use crate::standard::{
    self, IdentifyingRole, UnlistedAttribute, attribute, is_listed_as_safe, is_private, name_of,
    unlisted_attribute, unlisted_attributes,
};

pub fn lint(rules: &DicomRules, report: &mut LintReport) {
    table_rows(rules, report);
    for rule in &rules.fields {
        exception(rules, rule, report);
    }
    sequence_items(rules, report);
    private_elements(rules, report);
    for listed in unlisted_attributes() {
        outside_table(rules, listed, report);
    }
    harmless_texts(rules, report);
}

fn table_rows(rules: &DicomRules, report: &mut LintReport) {
    // What becomes of private elements has rules of its own. Where an option keeps an attribute, a
    // field that does the same is no exception.
    let mut rows: Vec<&Attribute> = attributes()
        .iter()
        .filter(|row| row.covers != TagPattern::Private && !is_kept_by_table(rules, row.covers))
        .collect();
    // What files of today have comes first: long lists are cut.
    rows.sort_by_key(|row| row.retired || !row.in_standard_iod);
    for row in rows {
        table_row(row, &rules.effect_on_pattern(row.covers, Top), report);
    }
}

/// Whether the Basic Profile or an option of it lets the one attribute of a row stay.
fn is_kept_by_table(rules: &DicomRules, covers: TagPattern) -> bool {
    matches!(covers, TagPattern::One(tag) if rules
        .table_effect(tag)
        .is_some_and(|by_table| !by_table.outcome.protects()))
}

fn table_row(row: &Attribute, effect: &AttributeEffect<'_>, report: &mut LintReport) {
    use Severity::{Note, Warning};
    // The standard wants the text cleaned rather than kept.
    let is_text = row
        .under(ConfidentialityOption::CleanDescriptors)
        .is_some()
        && row.kept_under().is_none();
    // The rule that has the last word.
    let by_rule = effect
        .rules
        .last()
        .map(|rule| format!(" ({})", rule.location()))
        .unwrap_or_default();
    let (severity, kind, what, advice) = match &effect.effect {
        Effect::Untouched => (
            Warning,
            LintKind::Uncovered,
            format!("goes out as it came in; PS3.15 says {}", row.basic.as_str()),
            "remove, empty or replace them, or name what may stay and set `remove-undefined`",
        ),
        Effect::Kept if is_text => (
            Warning,
            LintKind::Text,
            format!("is kept as it is{by_rule}"),
            "remove it, or keep known words with `regex-sub`: people type names and dates into \
                such attributes",
        ),
        Effect::Kept => match row.kept_under() {
            Some(option) => (
                Note,
                LintKind::Kept,
                format!(
                    "is kept as it is{by_rule}, as the option {} allows",
                    option.name()
                ),
                "PS3.15 has an option under which they may stay; check that it is meant",
            ),
            None => (
                Warning,
                LintKind::Kept,
                format!("is kept as it is{by_rule}"),
                "remove, empty, replace or hash them: no option of PS3.15 lets them stay",
            ),
        },
        Effect::Decrypted => (
            Warning,
            LintKind::Kept,
            format!("is taken back out of the encrypted envelope{by_rule}"),
            "leave out `decrypt` where the result is to be sent",
        ),
        Effect::Changed(actions) if is_text && actions.contains(&&Action::Hash) => (
            Note,
            LintKind::Text,
            format!("is hashed instead of cleaned{by_rule}"),
            "remove it: the hash of a text says nothing, and common texts can be tried out",
        ),
        _ => return,
    };
    let message = format!("{} {what}", row.name);
    report
        .add(
            severity,
            kind,
            row.keyword.unwrap_or(&row.name),
            message,
            advice,
        )
        .about(Theme::of(row))
        .tagged(&row.covers);
}

/// How many attributes are named as examples.
const EXAMPLES: usize = 8;
const LOOK_AT_DATA: &str =
    "look at what your data holds there; an allow list (`remove-undefined`) settles it";

/// Texts that the Basic Profile leaves, since equipment writes them and they are codes in all but
/// their VR.
fn harmless_texts(rules: &DicomRules, report: &mut LintReport) {
    let (what, advice) = match rules
        .confidentiality
        .as_ref()
        .map(|confidentiality| confidentiality.unlisted)
    {
        None | Some(Unlisted::Keep) => return,
        Some(Unlisted::Remove) => ("codes", LOOK_AT_DATA),
        Some(Unlisted::KeepKnownSafe) => (
            "codes, and settings of equipment",
            "`unlisted = \"remove\"` takes them, but for codes",
        ),
    };
    let mut kept = standard::texts_without_identifying_role();
    kept.retain(|tag| !rules.protects(*tag, Top));
    if kept.is_empty() {
        return;
    }
    let named: Vec<_> = kept
        .iter()
        .filter_map(|tag| standard::keyword(*tag))
        .take(EXAMPLES)
        .collect();
    let more = if kept.len() > EXAMPLES {
        " and more"
    } else {
        ""
    };
    let message = format!(
        "{} texts that Table E.1-1 does not list stay as they are: {what} ({}{more})",
        kept.len(),
        named.join(", ")
    );
    report.note(LintKind::Unlisted, "texts", message, advice);
}

fn outside_table(rules: &DicomRules, listed: &UnlistedAttribute, report: &mut LintReport) {
    let effect = rules
        .effect_on_pattern(listed.covers, Top)
        .effect;
    // Where the Basic Profile looks at roles, what it lets stay is known to be safe.
    let by_role = rules
        .confidentiality
        .as_ref()
        .is_some_and(|confidentiality| confidentiality.unlisted != Unlisted::Keep);
    if effect.protects() || (by_role && is_kept_by_table(rules, listed.covers)) {
        return;
    }
    let telling = matches!(
        listed.role,
        IdentifyingRole::Identity | IdentifyingRole::Uid
    );
    let untouched = matches!(effect, Effect::Untouched | Effect::ByTable(_));
    let (severity, advice) = if telling && untouched {
        (
            Severity::Warning,
            "remove them, or name what may stay and set `remove-undefined`",
        )
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
    report
        .add(
            severity,
            LintKind::BlindSpot,
            &listed.keyword,
            message,
            advice,
        )
        .about(listed.role.into())
        .tagged(&listed.covers);
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

fn sequence_items(rules: &DicomRules, report: &mut LintReport) {
    let top_only = |covers| rules.protects_all(covers, Top) && !rules.protects_all(covers, Items);
    let open = attributes()
        .iter()
        .filter(|row| row.covers != TagPattern::Private && top_only(row.covers))
        .count();
    let what = match open {
        0 => return,
        1 => "an attribute is".to_owned(),
        many => format!("{many} attributes are"),
    };
    report.warn(
        LintKind::Nested,
        "recurse-sequence",
        format!("{what} covered at the top of the data set and not inside sequence items"),
        "set `recurse-sequence: true`, so that every rule acts in all items",
    );
    for (keyword, tag) in tags(IDENTIFYING_SEQUENCES) {
        if !rules.protects(tag, Top) {
            let message =
                format!("items of {keyword} commonly identify, and the rules do not reach them");
            let advice = "set `recurse-sequence: true`, or remove the sequences";
            report
                .warn(LintKind::Nested, keyword, message, advice)
                .about(Theme::Sequences)
                .tagged(&tag);
        }
    }
}

fn private_elements(rules: &DicomRules, report: &mut LintReport) {
    if rules.protects_all(TagPattern::Private, Top) {
        for rule in &rules.fields {
            kept_private(rules, rule, report);
        }
        return;
    }
    report
        .warn(
            LintKind::Private,
            "remove-private-tags",
            "private elements stay; vendors put names, identifiers and dates into them, sequences \
                among them",
            "set `remove-private-tags: true`, and name those to keep by their creator",
        )
        .about(Theme::Private)
        .tagged(&TagPattern::Private);
}

/// A rule that keeps what would have gone with all private elements.
fn kept_private(rules: &DicomRules, rule: &Rule, report: &mut LintReport) {
    let Selector::Private {
        group,
        creator,
        element,
    } = &rule.selector
    else {
        return;
    };
    let effect = rules.effect_on_private(*group, creator, *element);
    let is_first = effect
        .rules
        .first()
        .is_some_and(|first| first.position == rule.position);
    if effect.effect.protects() || !is_first {
        return;
    }
    let (severity, advice) = if is_listed_as_safe(creator, *group, *element) {
        (
            Severity::Note,
            "PS3.15 lists it as safe to retain, once its value was looked at",
        )
    } else {
        (
            Severity::Warning,
            "remove it, or make sure what the vendor puts there: PS3.15 does not list it as safe",
        )
    };
    let message = format!("the private element is kept ({})", rule.location());
    report
        .add(
            severity,
            LintKind::Private,
            selector_name(rule),
            message,
            advice,
        )
        .about(Theme::Private);
}

/// A rule that keeps what the Basic Profile does not.
fn exception(rules: &DicomRules, rule: &Rule, report: &mut LintReport) {
    let (tag, what) = match &rule.selector {
        Selector::Path(path) => (path.leaf, "where the path leads"),
        // Rows of both lists have findings of their own.
        Selector::Tag(tag)
            if is_private(*tag)
                || (attribute(*tag).is_none() && unlisted_attribute(*tag).is_none()) =>
        {
            (*tag, "as it is")
        }
        _ => return,
    };
    let taken = rules
        .table_effect(tag)
        .is_some_and(|by_table| by_table.outcome.protects());
    if !taken
        || rules
            .effect_of(rule)
            .effect
            .protects()
    {
        return;
    }
    let message = format!(
        "{} is kept {what} ({}), and the Basic Profile does not keep it",
        name_of(tag),
        rule.location()
    );
    let advice = "leave it to the table, or make sure that nothing identifying can stand there";
    report
        .warn(LintKind::Exception, selector_name(rule), message, advice)
        .tagged(&tag);
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
