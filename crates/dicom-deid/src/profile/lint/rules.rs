//! Rules whose result can be undone, does not fit together, or passes on what was there: hashes,
//! pieces of texts and paths, UIDs, dates, and the encrypted envelope.

use std::collections::BTreeSet;

use dicom_core::{Tag, VR};
use python_regex::PythonRegex;

use super::{LintFinding, LintKind, Severity, Theme, selector_name, tags};
use crate::envelope::EnvelopeKeys;
use crate::profile::action::{Action, Group, Substitution};
use crate::profile::basic_profile::Confidentiality;
use crate::profile::effect::{Effect, NestingLevel, TableOutcome};
use crate::profile::model::{AgeUnit, DicomRules, FileName, Profile, Rule};
use crate::profile::template::Template;
use crate::standard;
use crate::standard::confidentiality::{ConfidentialityOption, attributes};

const SALT: &str =
    "put a long random `salt` into your own copy of the profile, and keep that copy secret";
const SECRET: &str = "a reader of the profile can try values out; share it without the secret";
const DIGITS: &str = "leave `hash-digits` at 16 or above";
const SHIFT_DATES: &str = "shift dates (`increment-date`), empty or remove them";
const PREFIX: &str = "set `uid-numeric-name` to a root of your own (with `uid-prefix-fields` to \
    match), or `uid-prefix-fields: 0`";
const SUFFIX: &str = "set `uid-suffix-fields: 0`";

/// Below this many digits two patients of a large site may share a hash.
const ENOUGH_DIGITS: usize = 16;

pub(super) fn hashes(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    let hashed: Vec<&Rule> = rules
        .fields
        .iter()
        .filter(|rule| is_hash(&rule.action))
        .collect();
    let mut found = Vec::new();
    if rules.salt.is_none() {
        found.extend(hashed.iter().map(|rule| unsalted(rule)));
    } else if !hashed.is_empty() {
        let message = "the salt stands in the profile, and no secret is ever part of a profile \
            that is shared";
        found.push(LintFinding::note(LintKind::Salted, "salt", message, SECRET));
    }
    found.extend(
        hashed
            .iter()
            .filter_map(|rule| on_date(rule)),
    );
    if hashed
        .iter()
        .any(|rule| rule.action == Action::Hash)
    {
        found.extend(digits(rules));
    }
    if hashed
        .iter()
        .any(|rule| rule.action == Action::HashUid)
    {
        found.extend(uid_parts(rules));
    }
    found
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

fn of_rule(finding: LintFinding, rule: &Rule, theme: Theme) -> LintFinding {
    let finding = finding.about(theme);
    match rule.selector.tag() {
        Some(tag) => finding.tagged(&tag),
        None => finding,
    }
}

fn unsalted(rule: &Rule) -> LintFinding {
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
    of_rule(
        LintFinding::warning(LintKind::Unsalted, selector_name(rule), message, SALT),
        rule,
        theme,
    )
}

fn on_date(rule: &Rule) -> Option<LintFinding> {
    let vr = rule
        .selector
        .leaf()
        .and_then(standard::vr)?;
    if rule.action != Action::Hash || !matches!(vr, VR::DA | VR::DT | VR::TM | VR::AS) {
        return None;
    }
    let message = format!(
        "hashed ({}), and a hash is no {}; there are few enough dates to try them all",
        rule.location(),
        vr.to_string()
    );
    let finding = LintFinding::warning(
        LintKind::HashOnDate,
        selector_name(rule),
        message,
        SHIFT_DATES,
    );
    Some(of_rule(finding, rule, Theme::Times))
}

fn digits(rules: &DicomRules) -> Option<LintFinding> {
    let digits = rules.hash_digits;
    let message =
        format!("hashes keep {digits} hex digits, and so two patients may come to share one");
    let short = (1..ENOUGH_DIGITS).contains(&digits);
    short.then(|| LintFinding::note(LintKind::HashDigits, "hash-digits", message, DIGITS))
}

fn uid_parts(rules: &DicomRules) -> Vec<LintFinding> {
    let mut found = Vec::new();
    let (first, last) = (rules.uid_prefix_fields, rules.uid_suffix_fields);
    if first > 0 && rules.uid_numeric_name.is_none() {
        let message = format!(
            "`hashuid` keeps the beginning of a UID ({first} of its components): the root of the \
                vendor or institution"
        );
        found.push(LintFinding::warning(
            LintKind::UidParts,
            "uid-prefix-fields",
            message,
            PREFIX,
        ));
    }
    if last > 0 {
        let message = format!(
            "`hashuid` keeps the end of a UID ({last} of its components): instance numbers, \
                serial numbers, dates and times"
        );
        found.push(LintFinding::warning(
            LintKind::UidParts,
            "uid-suffix-fields",
            message,
            SUFFIX,
        ));
    }
    found
}

const PIECE: &str =
    "give the piece an action in `groups`, or let the expression match nothing but known words";
const COPY: &str = "give the attribute an action in `groups`, or let its own rule stand first";
const PATH_PIECE: &str = "give the group an action in `groups`, or name files by attributes: folder \
    names often tell who it is";

pub(super) fn copied_texts(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    let mut found: Vec<LintFinding> = rules
        .fields
        .iter()
        .filter_map(kept_pieces)
        .collect();
    found.extend(
        rules
            .fields
            .iter()
            .flat_map(|rule| copies(rule, rules)),
    );
    found.extend(
        rules
            .filenames
            .iter()
            .flat_map(path_pieces),
    );
    found
}

/// A rule that keeps captured pieces of a value.
fn kept_pieces(rule: &Rule) -> Option<LintFinding> {
    let Action::RegexSub(substitutions) = &rule.action else {
        return None;
    };
    let passes = |one: &Substitution| {
        passed(&one.output, &one.groups, &one.regex)
            .next()
            .is_some()
    };
    let message = format!(
        "pieces of the original value stay as they are ({})",
        rule.location()
    );
    let subject = selector_name(rule);
    let finding = LintFinding::note(LintKind::Text, subject, message, PIECE).about(Theme::Text);
    substitutions
        .iter()
        .any(passes)
        .then_some(finding)
}

/// The identifying attributes whose original value a rule writes into another.
fn copies(rule: &Rule, rules: &DicomRules) -> Vec<LintFinding> {
    let Action::RegexSub(substitutions) = &rule.action else {
        return Vec::new();
    };
    let idle = substitutions
        .iter()
        .flat_map(|one| &one.groups)
        .filter(|group| group.action.changes_nothing());
    let original = |tag: &Tag| {
        standard::attribute(*tag).is_some()
            && !rules
                .effect_before(*tag, rule)
                .protects()
    };
    let tags: BTreeSet<Tag> = idle
        .filter_map(|group| group.tag)
        .filter(original)
        .collect();
    let copied = tags.into_iter().map(|tag| {
        let message = format!(
            "the original value of {} is written into it ({})",
            standard::name_of(tag),
            rule.location()
        );
        let subject = selector_name(rule);
        LintFinding::warning(LintKind::Text, subject, message, COPY).about(Theme::Text)
    });
    copied.collect()
}

fn path_pieces(name: &FileName) -> impl Iterator<Item = LintFinding> {
    passed(&name.output, &name.groups, &name.regex).map(|variable| {
        let message =
            format!("the piece `{variable}` of the path of a file goes into its name as it is");
        LintFinding::warning(
            LintKind::FileNames,
            format!("filenames ({variable})"),
            message,
            PATH_PIECE,
        )
    })
}

/// The variables for captured text that no group of the profile changes.
fn passed<'a>(
    output: &'a Template,
    groups: &'a [Group],
    regex: &'a PythonRegex,
) -> impl Iterator<Item = &'a str> {
    let captured = |name: &&str| {
        regex
            .group_names()
            .any(|group| group == *name)
    };
    output
        .variables()
        .filter(captured)
        .filter(|name| {
            groups
                .iter()
                .all(|group| group.name != *name || group.action.changes_nothing())
        })
}

const CERTIFICATES: &str =
    "use certificates (`asymmetric-encryption`), so that the profile holds nothing secret";
const WHO_READS: &str = "the holder of the key reads the originals, now and later; leave it out \
    where that is not needed";

pub(super) fn envelope(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    let mut found = Vec::new();
    if rules
        .envelope
        .as_ref()
        .is_some_and(EnvelopeKeys::is_shared)
    {
        let message = "the key of the envelope stands in the profile: every reader of the \
            profile can open every file's envelope";
        found.push(LintFinding::warning(
            LintKind::Salted,
            "secret-key",
            message,
            CERTIFICATES,
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
    found.push(LintFinding::note(
        LintKind::Envelope,
        subject,
        message,
        WHO_READS,
    ));
    found
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

const MAP_ALIKE: &str = "give every one of these UIDs the same `hashuid` rule";
const LEAVE_UIDS: &str = "leave UIDs to the Basic Profile: take the field out";
const RECURSE_UIDS: &str = "set `recurse-sequence: true`: references stand in sequence items";
const DISTINCT: &str = "use `hashuid`: each instance, series and study needs a UID of its own";

pub(super) fn uids(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    let is_mapped = |tag| {
        let effect = rules
            .effect_on(tag, NestingLevel::Top)
            .effect;
        !effect.changes().is_empty()
    };
    let mut found: Vec<LintFinding> = tags(INSTANCE_UIDS)
        .filter_map(|(keyword, tag)| lost(rules, keyword, tag))
        .collect();
    if !tags(INSTANCE_UIDS).any(|(_, tag)| is_mapped(tag)) {
        return found;
    }
    let all: Vec<_> = tags(INSTANCE_UIDS)
        .chain(tags(REFERENCE_UIDS))
        .collect();
    let (mapped, others): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|(_, tag)| is_mapped(*tag));
    if all
        .iter()
        .any(|(_, tag)| is_keyed(rules, *tag))
    {
        found.extend(mapped.iter().map(|(keyword, tag)| {
            let message = format!(
                "{keyword} is mapped by a field and other UIDs by the project's key: references \
                    break"
            );
            of_uid(keyword, *tag, message, LEAVE_UIDS)
        }));
    }
    let left = others
        .iter()
        .filter(|(_, tag)| !rules.protects(*tag, NestingLevel::Top));
    found.extend(left.map(|(keyword, tag)| {
        let message = format!(
            "other UIDs are mapped and {keyword} is not: references break, or the original UID \
                survives"
        );
        of_uid(keyword, *tag, message, MAP_ALIKE)
    }));
    let nested = mapped
        .iter()
        .filter(|(_, tag)| !rules.protects(*tag, NestingLevel::Items));
    found.extend(nested.map(|(keyword, tag)| {
        let message = format!(
            "{keyword} is mapped at the top of the data set and keeps the original UID in \
                sequence items"
        );
        of_uid(keyword, *tag, message, RECURSE_UIDS)
    }));
    found
}

/// A UID that every object needs, and needs for itself, is gone or the same everywhere.
fn lost(rules: &DicomRules, keyword: &str, tag: Tag) -> Option<LintFinding> {
    let what = match rules
        .effect_on(tag, NestingLevel::Top)
        .effect
    {
        Effect::Replaced(_) => "becomes the same for all",
        effect if effect.is_gone() => "is removed",
        Effect::Emptied => "is emptied",
        _ => return None,
    };
    let message = format!("{keyword} {what}: files of different instances cannot be told apart");
    // Nothing identifies, but such files are of little use.
    let found = LintFinding {
        severity: Severity::Note,
        ..of_uid(keyword, tag, message, DISTINCT)
    };
    (keyword != "FrameOfReferenceUID").then_some(found)
}

/// Whether the Basic Profile gives it a new UID, at the top or in items.
fn is_keyed(rules: &DicomRules, tag: Tag) -> bool {
    let keyed = |place| matches!(rules.effect_on(tag, place).effect, Effect::ByTable(by_table) if by_table.outcome == TableOutcome::NewUid);
    [NestingLevel::Top, NestingLevel::Items]
        .into_iter()
        .any(keyed)
}

fn of_uid(keyword: &str, tag: Tag, message: String, advice: &'static str) -> LintFinding {
    let finding = LintFinding::warning(LintKind::UidInconsistent, keyword, message, advice);
    finding.about(Theme::Uids).tagged(&tag)
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
const LEAVE_DATES: &str = "leave dates to the option: take the fields out that shift";
const FIXED: &str =
    "use another shift for each patient or delivery, and keep it as secret as the salt";
const MOVE: &str = "give `date-increment` a number of days that is not 0";
const TIMES: &str =
    "no action shifts a time of day; empty or remove them where the hour may tell something";
const AGE_STAYS: &str = "remove it, or replace ages over 89";
const AGE_UNITS: &str =
    "set `patient-age-units: Y`, and remove the age where the patient may be over 89";
const REMOVE_BIRTH_DATE: &str = "remove or empty it: a known birthday gives the shift away, and \
    with it every date";

pub(super) fn dates(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    let mut found = birth_date(rules);
    found.extend(age(rules));
    found.extend(
        rules
            .fields
            .iter()
            .filter(|rule| stands_still(rule, rules))
            .map(still),
    );
    let shifts: BTreeSet<String> = rules
        .fields
        .iter()
        .filter_map(|rule| days(rule, rules))
        .map(|days| days.to_string())
        .collect();
    if shifts.is_empty() {
        return found;
    }
    found.extend(
        tags(EXAMINATION_DATES)
            .filter(|(_, tag)| !rules.protects(*tag, NestingLevel::Top))
            .map(unshifted),
    );
    found.push(offsets(&shifts));
    found.extend(apart(rules));
    found.extend(times(rules));
    found
}

/// The days by which a rule shifts.
fn days(rule: &Rule, rules: &DicomRules) -> Option<f64> {
    match &rule.action {
        Action::IncrementDate { days, .. } | Action::IncrementDateTime { days, .. } => {
            days.or(rules.date_increment)
        }
        _ => None,
    }
}

/// Whether a rule shifts by nothing at all.
fn stands_still(rule: &Rule, rules: &DicomRules) -> bool {
    let random = matches!(
        &rule.action,
        Action::IncrementDate {
            jitter: Some(_),
            ..
        } | Action::IncrementDateTime {
            jitter: Some(_),
            ..
        }
    );
    days(rule, rules) == Some(0.0) && !random
}

fn still(rule: &Rule) -> LintFinding {
    let subject = selector_name(rule);
    let message = format!("shifted by 0 days ({}): the date stays", rule.location());
    LintFinding::warning(LintKind::Dates, subject, message, MOVE).about(Theme::Times)
}

fn unshifted((keyword, tag): (&'static str, Tag)) -> LintFinding {
    let message =
        format!("other dates are shifted and {keyword} stays: the difference gives the shift away");
    LintFinding::warning(LintKind::Dates, keyword, message, SHIFT_ALIKE)
        .about(Theme::Times)
        .tagged(&tag)
}

fn offsets(shifts: &BTreeSet<String>) -> LintFinding {
    if shifts.len() > 1 {
        let message = format!(
            "dates are shifted by different days ({}): intervals are wrong",
            listed(shifts)
        );
        return LintFinding::warning(LintKind::Dates, "date-increment", message, SHIFT_ALIKE);
    }
    let message =
        "one shift for all patients stands in the profile: one known date gives away every other";
    LintFinding::note(LintKind::Dates, "date-increment", message, FIXED)
}

/// Fields that shift dates where the Basic Profile moves the others.
fn apart(rules: &DicomRules) -> Option<LintFinding> {
    let moves = |confidentiality: &Confidentiality| {
        confidentiality
            .options
            .has(ConfidentialityOption::RetainModifiedDates)
    };
    let message = "fields shift some dates, and `retain-modified-dates` moves the others by other \
        days: intervals are wrong";
    let finding = || {
        LintFinding::warning(
            LintKind::Dates,
            "retain-modified-dates",
            message,
            LEAVE_DATES,
        )
        .about(Theme::Times)
    };
    rules
        .confidentiality
        .as_ref()
        .is_some_and(moves)
        .then(finding)
}

fn listed(shifts: &BTreeSet<String>) -> String {
    shifts
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn times(rules: &DicomRules) -> Option<LintFinding> {
    let times = attributes()
        .iter()
        .filter_map(|row| Some((row.tag()?, row)))
        .filter(|(tag, _)| standard::vr(*tag) == Some(VR::TM));
    let kept = times
        .filter(|(tag, _)| !rules.protects(*tag, NestingLevel::Top))
        .count();
    let message = format!("dates are shifted, and {kept} times of day stay as they are");
    (kept > 0).then(|| {
        LintFinding::note(LintKind::Times, "times of day", message, TIMES).about(Theme::Times)
    })
}

fn age(rules: &DicomRules) -> Option<LintFinding> {
    let finding = |message: String, advice| {
        LintFinding::warning(LintKind::Age, "PatientAge", message, advice)
            .about(Theme::Patient)
            .tagged(&AGE)
    };
    match rules
        .effect_on(AGE, NestingLevel::Top)
        .effect
    {
        Effect::Computed => {
            let exact = match rules.patient_age_units {
                Some(AgeUnit::Years) => "to the year, and ages over 89 with it",
                Some(AgeUnit::Months) => "to the month",
                Some(AgeUnit::Days) | None => {
                    "to the day while it is below 960 days, and to the month below 80 years"
                }
            };
            Some(finding(
                format!("the age is computed from the birth date {exact}"),
                AGE_UNITS,
            ))
        }
        // Under the Basic Profile ages over 89 become 090Y.
        Effect::ByTable(_) => None,
        effect if !effect.protects() => Some(finding(
            "the age stays, and ages over 89 with it".to_owned(),
            AGE_STAYS,
        )),
        _ => None,
    }
}

fn birth_date(rules: &DicomRules) -> Vec<LintFinding> {
    let shifted = |action: &&Action| {
        matches!(
            action,
            Action::IncrementDate { .. } | Action::IncrementDateTime { .. }
        )
    };
    let effect = rules.effect_on(BIRTH_DATE, NestingLevel::Top);
    let message = match &effect.effect {
        Effect::Changed(actions) if actions.iter().any(shifted) => {
            "the birth date is shifted like other dates"
        }
        _ => return Vec::new(),
    };
    let finding = LintFinding::warning(
        LintKind::BirthDate,
        "PatientBirthDate",
        message,
        REMOVE_BIRTH_DATE,
    );
    vec![
        finding
            .about(Theme::Times)
            .tagged(&BIRTH_DATE),
    ]
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
