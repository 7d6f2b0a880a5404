//! Dates that give away by how much others were shifted, times of day, ages, and the birth date.

use std::collections::BTreeSet;

use dicom_core::{Tag, VR};

use super::{Finding, Kind, Severity, Theme, tag_text, tags};
use crate::profile::action::Action;
use crate::profile::confidentiality::Confidentiality;
use crate::profile::effect::{Fate, Place};
use crate::profile::model::{AgeUnit, DicomRules, Profile, Rule};
use crate::standard;
use crate::standard::confidentiality::{ConfidentialityOption, attributes};
use dicom_lossless::escape_for_terminal;

/// Dates of one examination: any two of them tell each other's shift.
const TOGETHER: &[&str] = &[
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

const ALIKE: &str =
    "shift every date and date-time of the examination by the same days, or remove them";
const LEAVE: &str = "leave dates to the option: take the fields out that shift";
const FIXED: &str =
    "use another shift for each patient or delivery, and keep it as secret as the salt";
const MOVE: &str = "give `date-increment` a number of days that is not 0";
const TIMES: &str =
    "no action shifts a time of day; empty or remove them where the hour may tell something";
const AGE_STAYS: &str = "remove it, or replace ages over 89";
const AGE_UNITS: &str =
    "set `patient-age-units: Y`, and remove the age where the patient may be over 89";
const BIRTH: &str = "remove or empty it: a birthday that somebody knows gives the shift away, and \
    with it every date";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
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
        tags(TOGETHER)
            .filter(|(_, tag)| !rules.effect_on(*tag, Place::Top).fate.protects())
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

fn still(rule: &Rule) -> Finding {
    let subject = escape_for_terminal(&rule.selector.to_string());
    let message = format!("shifted by 0 days ({}): the date stays", rule.place());
    Finding::new(Kind::Dates, Severity::Warning, subject, message, MOVE).about(Theme::Times)
}

fn unshifted((keyword, tag): (&'static str, Tag)) -> Finding {
    let message =
        format!("other dates are shifted and {keyword} stays: the difference gives the shift away");
    Finding::new(Kind::Dates, Severity::Warning, keyword, message, ALIKE)
        .about(Theme::Times)
        .tagged(tag_text(tag))
}

fn offsets(shifts: &BTreeSet<String>) -> Finding {
    if shifts.len() > 1 {
        let message = format!(
            "dates are shifted by different days ({}): intervals are wrong",
            listed(shifts)
        );
        return Finding::new(
            Kind::Dates,
            Severity::Warning,
            "date-increment",
            message,
            ALIKE,
        );
    }
    let message =
        "one shift for all patients stands in the profile: one known date gives away every other";
    Finding::new(
        Kind::Dates,
        Severity::Note,
        "date-increment",
        message,
        FIXED,
    )
}

/// Fields that shift dates where the Basic Profile moves the others.
fn apart(rules: &DicomRules) -> Option<Finding> {
    let moves = |asked: &Confidentiality| {
        asked
            .options
            .has(ConfidentialityOption::RetainModifiedDates)
    };
    let message = "fields shift some dates, and `retain-modified-dates` moves the others by other \
        days: intervals are wrong";
    let finding = || {
        Finding::new(
            Kind::Dates,
            Severity::Warning,
            "retain-modified-dates",
            message,
            LEAVE,
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

fn times(rules: &DicomRules) -> Option<Finding> {
    let times = attributes()
        .iter()
        .filter_map(|row| Some((row.tag()?, row)))
        .filter(|(tag, _)| standard::vr(*tag) == Some(VR::TM));
    let kept = times
        .filter(|(tag, _)| !rules.effect_on(*tag, Place::Top).fate.protects())
        .count();
    let message = format!("dates are shifted, and {kept} times of day stay as they are");
    (kept > 0).then(|| {
        Finding::new(Kind::Times, Severity::Note, "times of day", message, TIMES)
            .about(Theme::Times)
    })
}

fn age(rules: &DicomRules) -> Option<Finding> {
    let finding = |message: String, advice| {
        Finding::new(Kind::Age, Severity::Warning, "PatientAge", message, advice)
            .about(Theme::Patient)
            .tagged(tag_text(AGE))
    };
    match rules.effect_on(AGE, Place::Top).fate {
        Fate::Computed => {
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
        Fate::Tabled(_) => None,
        fate if !fate.protects() => Some(finding(
            "the age stays, and ages over 89 with it".to_owned(),
            AGE_STAYS,
        )),
        _ => None,
    }
}

fn birth_date(rules: &DicomRules) -> Vec<Finding> {
    let shifted = |action: &&Action| {
        matches!(
            action,
            Action::IncrementDate { .. } | Action::IncrementDateTime { .. }
        )
    };
    let effect = rules.effect_on(BIRTH_DATE, Place::Top);
    let message = match &effect.fate {
        Fate::Changed(actions) if actions.iter().any(shifted) => {
            "the birth date is shifted like other dates"
        }
        _ => return Vec::new(),
    };
    let finding = Finding::new(
        Kind::BirthDate,
        Severity::Warning,
        "PatientBirthDate",
        message,
        BIRTH,
    );
    vec![finding.about(Theme::Times).tagged(tag_text(BIRTH_DATE))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_is_one() {
        assert_eq!(tags(TOGETHER).count(), TOGETHER.len());
    }
}
