//! Rules whose result can be undone, does not fit together, or passes on what was there: hashes,
//! pieces of texts and paths, UIDs, dates, and the encrypted envelope.

use std::collections::BTreeSet;

use dicom_core::{Tag, VR};

use super::{LintKind, LintReport, Theme, selector_name, tags};
use crate::envelope::EnvelopeKeys;
use crate::profile::action::{Action, Substitution};
use crate::profile::effect::Effect;
use crate::profile::effect::NestingLevel::{Items, Top};
use crate::profile::model::{AgeUnit, DicomRules, Rule};
use crate::profile::table_outcome::TableOutcome;
use crate::standard;
use crate::standard::confidentiality::{ConfidentialityOption, attributes};

pub fn lint(rules: &DicomRules, report: &mut LintReport) {
    copied_texts(rules, report);
    hashes(rules, report);
    envelope(rules, report);
    uids(rules, report);
    birth_date(rules, report);
    age(rules, report);
    dates(rules, report);
}

/// Below this many digits two patients of a large site may share a hash.
const ENOUGH_DIGITS: usize = 16;

fn hashes(rules: &DicomRules, report: &mut LintReport) {
    let hashed: Vec<&Rule> = rules
        .fields
        .iter()
        .filter(|rule| is_hash(&rule.action))
        .collect();
    for rule in &hashed {
        if rules.salt.is_none() {
            unsalted(rule, report);
        }
        on_date(rule, report);
    }
    if rules.salt.is_some() && !hashed.is_empty() {
        report.note(
            LintKind::Salted,
            "salt",
            "the salt stands in the profile, and no secret is ever part of a profile that is \
                shared",
            "a reader of the profile can try values out; share it without the secret",
        );
    }
    let does = |action| {
        hashed
            .iter()
            .any(|rule| rule.action == action)
    };
    let digits = rules.hash_digits;
    if does(Action::Hash) && (1..ENOUGH_DIGITS).contains(&digits) {
        report.note(
            LintKind::HashDigits,
            "hash-digits",
            format!("hashes keep {digits} hex digits, and so two patients may come to share one"),
            "leave `hash-digits` at 16 or above",
        );
    }
    if does(Action::HashUid) {
        uid_parts(rules, report);
    }
}

fn is_hash(action: &Action) -> bool {
    match action {
        Action::Hash | Action::HashUid => true,
        Action::RegexSub(substitutions) => substitutions
            .iter()
            .flat_map(|one| &one.groups)
            .any(|group| is_hash(&group.action)),
        _ => false,
    }
}

fn unsalted(rule: &Rule, report: &mut LintReport) {
    let (why, theme) = match rule.action {
        Action::HashUid => (
            "the holder of an original UID can confirm which new one it became",
            Theme::Uids,
        ),
        _ => (
            "short identifiers, dates and common names can be found by trying them all",
            Theme::Identifiers,
        ),
    };
    let message = format!("hashed without a salt ({}): {why}", rule.location());
    let advice =
        "put a long random `salt` into your own copy of the profile, and keep that copy secret";
    report
        .warn(LintKind::Unsalted, selector_name(rule), message, advice)
        .about(theme)
        .tag = tag_of(rule);
}

fn tag_of(rule: &Rule) -> Option<String> {
    Some(rule.selector.tag()?.to_string())
}

fn on_date(rule: &Rule, report: &mut LintReport) {
    if rule.action != Action::Hash {
        return;
    }
    let vr = rule
        .selector
        .leaf()
        .and_then(standard::vr);
    if let Some(vr @ (VR::DA | VR::DT | VR::TM | VR::AS)) = vr {
        let message = format!(
            "hashed ({}), and a hash is no {}; there are few enough dates to try them all",
            rule.location(),
            vr.to_string()
        );
        let advice = "shift dates (`increment-date`), empty or remove them";
        report
            .warn(LintKind::HashOnDate, selector_name(rule), message, advice)
            .about(Theme::Times)
            .tag = tag_of(rule);
    }
}

fn uid_parts(rules: &DicomRules, report: &mut LintReport) {
    let (first, last) = (rules.uid_prefix_fields, rules.uid_suffix_fields);
    if first > 0 && rules.uid_numeric_name.is_none() {
        report.warn(
            LintKind::UidParts,
            "uid-prefix-fields",
            format!(
                "`hashuid` keeps the beginning of a UID ({first} of its components): the root of \
                    the vendor or institution"
            ),
            "set `uid-numeric-name` to a root of your own (with `uid-prefix-fields` to match), or \
                `uid-prefix-fields: 0`",
        );
    }
    if last > 0 {
        report.warn(
            LintKind::UidParts,
            "uid-suffix-fields",
            format!(
                "`hashuid` keeps the end of a UID ({last} of its components): instance numbers, \
                    serial numbers, dates and times"
            ),
            "set `uid-suffix-fields: 0`",
        );
    }
}

fn copied_texts(rules: &DicomRules, report: &mut LintReport) {
    for rule in &rules.fields {
        if let Action::RegexSub(substitutions) = &rule.action {
            kept_pieces(rule, substitutions, report);
            copies(rule, substitutions, rules, report);
        }
    }
    for variable in rules
        .filenames
        .iter()
        .flat_map(passed)
    {
        report.warn(
            LintKind::FileNames,
            format!("filenames ({variable})"),
            format!("the piece `{variable}` of the path of a file goes into its name as it is"),
            "give the group an action in `groups`, or name files by attributes: folder names \
                often tell who it is",
        );
    }
}

/// A rule that keeps captured pieces of a value.
fn kept_pieces(rule: &Rule, substitutions: &[Substitution], report: &mut LintReport) {
    if substitutions
        .iter()
        .flat_map(passed)
        .next()
        .is_some()
    {
        report
            .note(
                LintKind::Text,
                selector_name(rule),
                format!(
                    "pieces of the original value stay as they are ({})",
                    rule.location()
                ),
                "give the piece an action in `groups`, or let the expression match nothing but \
                    known words",
            )
            .about(Theme::Text);
    }
}

/// The identifying attributes whose original value a rule writes into another.
fn copies(
    rule: &Rule,
    substitutions: &[Substitution],
    rules: &DicomRules,
    report: &mut LintReport,
) {
    let original = |tag: &Tag| {
        standard::attribute(*tag).is_some()
            && !rules
                .effect_before(*tag, rule)
                .protects()
    };
    let copied: BTreeSet<Tag> = substitutions
        .iter()
        .flat_map(|one| &one.groups)
        .filter(|group| group.action.changes_nothing())
        .filter_map(|group| group.tag)
        .filter(original)
        .collect();
    for tag in copied {
        let message = format!(
            "the original value of {} is written into it ({})",
            standard::name_of(tag),
            rule.location()
        );
        let advice = "give the attribute an action in `groups`, or let its own rule stand first";
        report
            .warn(LintKind::Text, selector_name(rule), message, advice)
            .about(Theme::Text);
    }
}

/// The variables for captured text that no group of the profile changes.
fn passed(substitution: &Substitution) -> impl Iterator<Item = &str> {
    let unchanged = |name: &&str| {
        substitution
            .groups
            .iter()
            .all(|group| group.name != *name || group.action.changes_nothing())
    };
    substitution
        .output
        .variables()
        .filter(|name| substitution.captures(name))
        .filter(unchanged)
}

fn envelope(rules: &DicomRules, report: &mut LintReport) {
    if rules
        .envelope
        .as_ref()
        .is_some_and(EnvelopeKeys::is_shared)
    {
        report.warn(
            LintKind::Salted,
            "secret-key",
            "the key of the envelope stands in the profile: every reader of the profile can open \
                every file's envelope",
            "use certificates (`asymmetric-encryption`), so that the profile holds nothing secret",
        );
    }
    let sealed = rules
        .fields
        .iter()
        .filter(|rule| rule.action == Action::Encrypt)
        .count();
    let (subject, what) = match (rules.retain, sealed) {
        (true, _) => (
            "retain",
            "the original of everything that is changed or removed goes".to_owned(),
        ),
        (false, 0) => return,
        (false, 1) => ("encrypt", "the original of an attribute goes".to_owned()),
        (false, many) => ("encrypt", format!("the originals of {many} attributes go")),
    };
    report.note(
        LintKind::Envelope,
        subject,
        format!("{what} with the file, encrypted"),
        "the holder of the key reads the originals, now and later; leave it out where that is not \
            needed",
    );
}

/// What an instance is found by.
const INSTANCE_UIDS: &[&str] = &[
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
];

/// Attributes that repeat such a UID: most of them only ever stand in sequence items.
const REFERENCE_UIDS: &[&str] = &[
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

fn uids(rules: &DicomRules, report: &mut LintReport) {
    let is_mapped = |tag| {
        let effect = rules.effect_on(tag, Top).effect;
        !effect.changes().is_empty()
    };
    for (keyword, tag) in tags(INSTANCE_UIDS) {
        lost(rules, keyword, tag, report);
    }
    if !tags(INSTANCE_UIDS).any(|(_, tag)| is_mapped(tag)) {
        return;
    }
    let all = || tags(INSTANCE_UIDS).chain(tags(REFERENCE_UIDS));
    let (mapped, others): (Vec<_>, Vec<_>) = all().partition(|(_, tag)| is_mapped(*tag));
    let mut warn = |keyword: &str, tag: Tag, message: String, advice| {
        report
            .warn(LintKind::UidInconsistent, keyword, message, advice)
            .about(Theme::Uids)
            .tagged(&tag);
    };
    if all().any(|(_, tag)| is_keyed(rules, tag)) {
        for (keyword, tag) in &mapped {
            let message = format!(
                "{keyword} is mapped by a field and other UIDs by the project's key: references \
                    break"
            );
            let advice = "leave UIDs to the Basic Profile: take the field out";
            warn(keyword, *tag, message, advice);
        }
    }
    for (keyword, tag) in others {
        if !rules.protects(tag, Top) {
            let message = format!(
                "other UIDs are mapped and {keyword} is not: references break, or the original \
                    UID survives"
            );
            let advice = "give every one of these UIDs the same `hashuid` rule";
            warn(keyword, tag, message, advice);
        }
    }
    for (keyword, tag) in mapped {
        if !rules.protects(tag, Items) {
            let message = format!(
                "{keyword} is mapped at the top of the data set and keeps the original UID in \
                    sequence items"
            );
            let advice = "set `recurse-sequence: true`: references stand in sequence items";
            warn(keyword, tag, message, advice);
        }
    }
}

/// A UID that every object needs, and needs for itself, is gone or the same everywhere. Nothing
/// identifies then, but such files are of little use.
fn lost(rules: &DicomRules, keyword: &str, tag: Tag, report: &mut LintReport) {
    let what = match rules.effect_on(tag, Top).effect {
        _ if keyword == "FrameOfReferenceUID" => return,
        Effect::Replaced(_) => "becomes the same for all",
        effect if effect.is_gone() => "is removed",
        Effect::Emptied => "is emptied",
        _ => return,
    };
    report
        .note(
            LintKind::UidInconsistent,
            keyword,
            format!("{keyword} {what}: files of different instances cannot be told apart"),
            "use `hashuid`: each instance, series and study needs a UID of its own",
        )
        .about(Theme::Uids)
        .tagged(&tag);
}

/// Whether the Basic Profile gives it a new UID, at the top or in items.
fn is_keyed(rules: &DicomRules, tag: Tag) -> bool {
    [Top, Items]
        .into_iter()
        .any(|level| {
            matches!(rules.effect_on(tag, level).effect,
            Effect::ByTable(by_table) if by_table.outcome == TableOutcome::NewUid)
        })
}

/// Dates of one examination: from two of them the shift of one can be computed.
const EXAMINATION_DATES: &[&str] = &[
    "StudyDate",
    "SeriesDate",
    "AcquisitionDate",
    "ContentDate",
    "AcquisitionDateTime",
    "InstanceCreationDate",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepEndDate",
    "ScheduledProcedureStepStartDate",
    "RadiopharmaceuticalStartDateTime",
    "DateOfSecondaryCapture",
    "StructureSetDate",
    "RTPlanDate",
    "TreatmentDate",
    "PresentationCreationDate",
    "FrameAcquisitionDateTime",
    "FrameReferenceDateTime",
];

const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
const AGE: Tag = Tag(0x0010, 0x1010);

const SHIFT_ALIKE: &str =
    "shift every date and date-time of the examination by the same days, or remove them";

fn dates(rules: &DicomRules, report: &mut LintReport) {
    let mut shifts = BTreeSet::new();
    for rule in &rules.fields {
        let Action::Shift { days, jitter, .. } = &rule.action else {
            continue;
        };
        let Some(days) = days.or(rules.date_increment) else {
            continue;
        };
        shifts.insert(days.to_string());
        if days == 0.0 && jitter.is_none() {
            let message = format!("shifted by 0 days ({}): the date stays", rule.location());
            let advice = "give `date-increment` a number of days that is not 0";
            report
                .warn(LintKind::Dates, selector_name(rule), message, advice)
                .about(Theme::Times);
        }
    }
    if shifts.is_empty() {
        return;
    }
    for (keyword, tag) in tags(EXAMINATION_DATES) {
        if !rules.protects(tag, Top) {
            let message = format!(
                "other dates are shifted and {keyword} stays: the difference gives the shift away"
            );
            report
                .warn(LintKind::Dates, keyword, message, SHIFT_ALIKE)
                .about(Theme::Times)
                .tagged(&tag);
        }
    }
    if shifts.len() > 1 {
        let listed: Vec<_> = shifts.into_iter().collect();
        let message = format!(
            "dates are shifted by different days ({}): intervals are wrong",
            listed.join(", ")
        );
        report.warn(LintKind::Dates, "date-increment", message, SHIFT_ALIKE);
    } else {
        report.note(
            LintKind::Dates,
            "date-increment",
            "one shift for all patients stands in the profile: one known date gives away every \
                other",
            "use another shift for each patient or delivery, and keep it as secret as the salt",
        );
    }
    // Fields shift dates where the Basic Profile moves the others.
    if rules
        .confidentiality
        .as_ref()
        .is_some_and(|settings| settings.has(ConfidentialityOption::RetainModifiedDates))
    {
        report
            .warn(
                LintKind::Dates,
                "retain-modified-dates",
                "fields shift some dates, and `retain-modified-dates` moves the others by other \
                    days: intervals are wrong",
                "leave dates to the option: take the fields out that shift",
            )
            .about(Theme::Times);
    }
    times(rules, report);
}

fn times(rules: &DicomRules, report: &mut LintReport) {
    let kept = attributes()
        .iter()
        .filter_map(standard::confidentiality::Attribute::tag)
        .filter(|tag| standard::vr(*tag) == Some(VR::TM) && !rules.protects(*tag, Top))
        .count();
    if kept > 0 {
        report
            .note(
                LintKind::Times,
                "times of day",
                format!("dates are shifted, and {kept} times of day stay as they are"),
                "no action shifts a time of day; empty or remove them where the hour may tell \
                    something",
            )
            .about(Theme::Times);
    }
}

fn age(rules: &DicomRules, report: &mut LintReport) {
    let (message, advice) = match rules.effect_on(AGE, Top).effect {
        Effect::Computed => {
            let exact = match rules.patient_age_units {
                Some(AgeUnit::Years) => "to the year, and ages over 89 with it",
                Some(AgeUnit::Months) => "to the month",
                Some(AgeUnit::Days) | None => {
                    "to the day while it is below 960 days, and to the month below 80 years"
                }
            };
            (
                format!("the age is computed from the birth date {exact}"),
                "set `patient-age-units: Y`, and remove the age where the patient may be over 89",
            )
        }
        // Under the Basic Profile ages over 89 become 090Y.
        Effect::ByTable(_) => return,
        effect if effect.protects() => return,
        _ => (
            "the age stays, and ages over 89 with it".to_owned(),
            "remove it, or replace ages over 89",
        ),
    };
    report
        .warn(LintKind::Age, "PatientAge", message, advice)
        .about(Theme::Patient)
        .tagged(&AGE);
}

fn birth_date(rules: &DicomRules, report: &mut LintReport) {
    let is_shift = |action: &&Action| matches!(action, Action::Shift { .. });
    let effect = rules
        .effect_on(BIRTH_DATE, Top)
        .effect;
    if effect
        .changes()
        .iter()
        .any(is_shift)
    {
        report
            .warn(
                LintKind::BirthDate,
                "PatientBirthDate",
                "the birth date is shifted like other dates",
                "remove or empty it: a known birthday gives the shift away, and with it every date",
            )
            .about(Theme::Times)
            .tagged(&BIRTH_DATE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_in_the_dictionary() {
        for keywords in [INSTANCE_UIDS, REFERENCE_UIDS, EXAMINATION_DATES] {
            assert_eq!(tags(keywords).count(), keywords.len());
        }
    }
}
