//! Settings of the sections on confidentiality that let something stay, or let it through.

use super::{Finding, Kind, Severity, Theme};
use crate::profile::confidentiality::{Confidentiality, Encapsulated, OnLeak, Shift, Unlisted};
use crate::profile::model::Profile;
use crate::standard::confidentiality::ConfidentialityOption as O;

const UNLISTED: &str =
    "leave `unlisted` at `keep-known-safe`: it keeps codes, numbers and structure";
const CHECK: &str = "check that it is meant, and that who gets the data may know it";
const UIDS: &str = "leave the option out: new UIDs are keyed and still fit each other";
const DATES: &str =
    "take `retain-modified-dates`: intervals stay right, and days of the calendar do not";
const PER_PATIENT: &str = "leave `days` out: each patient's dates then move by weeks of their own";
const DOCUMENTS: &str = "leave `encapsulated` at `refuse`, or take documents out with `remove`";
const RESIDUAL: &str = "leave `on-leak` at `fail`: a find is a value that was meant to be gone";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    let mut found = Vec::new();
    if let Some(asked) = &rules.confidentiality {
        found.extend(asked.options.iter().filter_map(option));
        found.extend(settings(asked));
    }
    if rules.residual.on_leak == OnLeak::Warn {
        let message =
            "a file in which a removed value still stands is sent all the same, with a warning";
        found.push(Finding::new(
            Kind::Residual,
            Severity::Warning,
            "residual.on-leak",
            message,
            RESIDUAL,
        ));
    }
    found
}

/// What an option keeps that says who, when or where.
fn option(option: O) -> Option<Finding> {
    let (severity, theme, message, advice) = match option {
        O::RetainUids => (
            Severity::Warning,
            Theme::Uids,
            "original UIDs stay, and lead to the originals where these are",
            UIDS,
        ),
        O::RetainFullDates => (
            Severity::Warning,
            Theme::Times,
            "dates and times stay as they are",
            DATES,
        ),
        O::RetainDeviceIdentity => (
            Severity::Note,
            Theme::Device,
            "equipment stays named, and with it often the place",
            CHECK,
        ),
        O::RetainInstitutionIdentity => (
            Severity::Note,
            Theme::Institution,
            "institutions stay named",
            CHECK,
        ),
        O::RetainPatientCharacteristics => (
            Severity::Note,
            Theme::Patient,
            "age, sex, size, weight and the like stay; together they may single somebody out",
            CHECK,
        ),
        _ => return None,
    };
    Some(Finding::new(Kind::Retained, severity, option.slug(), message, advice).about(theme))
}

fn settings(asked: &Confidentiality) -> Vec<Finding> {
    let warning = |kind, subject: &str, message: &str, advice| {
        Finding::new(kind, Severity::Warning, subject, message, advice)
    };
    let mut found = Vec::new();
    if asked.unlisted == Unlisted::Keep {
        let message = "what Table E.1-1 does not list stays, whatever it may tell";
        found.push(warning(Kind::Unlisted, "unlisted", message, UNLISTED));
    }
    if let Shift::Days(_) = asked.shift {
        let message = "all patients' dates move by the same days, which stand in the profile: one \
            known date gives away every other";
        found.push(warning(Kind::Shift, "dates.days", message, PER_PATIENT).about(Theme::Times));
    }
    if asked.encapsulated == Encapsulated::Keep {
        let message = "documents inside DICOM files go as they are, and nobody looks into them";
        found.push(warning(
            Kind::Encapsulated,
            "encapsulated",
            message,
            DOCUMENTS,
        ));
    }
    found
}
