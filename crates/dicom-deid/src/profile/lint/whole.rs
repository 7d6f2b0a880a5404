//! Settings that concern the whole file or the whole profile, and the options of the Basic Profile
//! that let something stay.

use dicom_core::Tag;
use dicom_lossless::escape_for_terminal;

use super::{LintFinding, LintKind, Severity, Theme};
use crate::profile::action::{Replacement, Scalar};
use crate::profile::basic_profile::{Confidentiality, DateShift, Encapsulated, OnLeak, Unlisted};
use crate::profile::effect::{Effect, NestingLevel};
use crate::profile::model::{DicomRules, Profile};
use crate::standard::confidentiality::ConfidentialityOption as O;

const PIXELS: Tag = Tag(0x7FE0, 0x0010);
const IDENTITY_REMOVED: Tag = Tag(0x0012, 0x0062);
const METHOD: Tag = Tag(0x0012, 0x0063);
const METHOD_CODES: Tag = Tag(0x0012, 0x0064);

const EMPTY: &str = "write rules, or start from the built-in profile `basic`";
const LOOK: &str = "look at ultrasound, secondary captures, dose sheets and scanned documents \
    before they are shared";
const MARK: &str = "add `replace-with` rules that set it, once the other rules make it true";
const OTHERS: &str =
    "files of these kinds are not cleaned, and not uploaded unless that is asked for";
const NOTED: &str = "a run under this profile says so too; see that it is what you mean";

pub(super) fn whole_profile(profile: &Profile) -> Vec<LintFinding> {
    let mut found = Vec::new();
    if profile.is_empty() {
        let message = "every file goes out as it came in";
        found.push(LintFinding::warning(
            LintKind::Empty,
            "fields",
            message,
            EMPTY,
        ));
    }
    found.extend(pixels(&profile.dicom));
    // The Basic Profile writes its marks by itself.
    if profile.dicom.confidentiality.is_none() {
        found.extend(markers(&profile.dicom));
    }
    found.extend(
        profile
            .other_sections
            .iter()
            .map(|section| {
                let message =
                    format!("the section `{section}` is not carried out: only DICOM is cleaned");
                LintFinding::note(LintKind::OtherSections, section, message, OTHERS)
            }),
    );
    found.extend(profile.notes.iter().map(|note| {
        LintFinding::note(
            LintKind::Notice,
            "profile",
            escape_for_terminal(note),
            NOTED,
        )
    }));
    found
}

fn pixels(rules: &DicomRules) -> Option<LintFinding> {
    let gone = rules
        .effect_on(PIXELS, NestingLevel::Top)
        .effect
        .is_gone();
    if !rules.keeps_burned_in() {
        return (!gone).then(refused);
    }
    let message = if rules.alter_pixels.is_some() || !rules.regions.is_empty() {
        "text burned into the image is not looked for beyond the regions of `alter_pixels` and \
            `pixels`"
    } else {
        "text burned into the image is not looked for"
    };
    // Who asks for the Basic Profile and keeps such images takes back what it is for.
    let severity = if rules.confidentiality.is_some() {
        Severity::Warning
    } else {
        Severity::Note
    };
    let finding = || {
        LintFinding::new(LintKind::Pixels, severity, "PixelData", message, LOOK)
            .about(Theme::Graphics)
    };
    (!gone).then(|| finding().tagged(&PIXELS))
}

fn refused() -> LintFinding {
    let message = "images that may show text are refused, as far as their attributes tell; the \
        pixels themselves are not read";
    LintFinding::note(LintKind::Pixels, "PixelData", message, LOOK)
        .about(Theme::Graphics)
        .tagged(&PIXELS)
}

fn markers(rules: &DicomRules) -> Vec<LintFinding> {
    let set = |tag| match rules
        .effect_on(tag, NestingLevel::Top)
        .effect
    {
        Effect::Replaced(value) => Some(value),
        _ => None,
    };
    let yes = Replacement::One(Scalar::Text("YES".to_owned()));
    let finding = |tag, keyword: &str, message| {
        LintFinding::note(LintKind::Markers, keyword, message, MARK).tagged(&tag)
    };
    let mut found = Vec::new();
    if set(IDENTITY_REMOVED) != Some(&yes) {
        found.push(finding(
            IDENTITY_REMOVED,
            "PatientIdentityRemoved",
            "not set to YES, which PS3.15 asks for",
        ));
    }
    if set(METHOD).is_none() && set(METHOD_CODES).is_none() {
        found.push(finding(
            METHOD,
            "DeidentificationMethod",
            "not set: later readers cannot see how the file was de-identified",
        ));
    }
    found
}

const UNLISTED: &str =
    "leave `unlisted` at `keep-known-safe`: it keeps codes, numbers and structure";
const CHECK: &str = "check that it is meant, and that who gets the data may know it";
const KEYED_UIDS: &str = "leave the option out: new UIDs are keyed and still fit each other";
const MODIFIED_DATES: &str =
    "take `retain-modified-dates`: intervals stay right, and days of the calendar do not";
const PER_PATIENT: &str = "leave `days` out: each patient's dates then move by weeks of their own";
const DOCUMENTS: &str = "leave `encapsulated` at `refuse`, or take documents out with `remove`";
const RESIDUAL: &str = "leave `on-leak` at `fail`: a find is a value that was meant to be gone";

pub(super) fn basic_profile(profile: &Profile) -> Vec<LintFinding> {
    let rules = &profile.dicom;
    let mut found = Vec::new();
    if let Some(confidentiality) = &rules.confidentiality {
        found.extend(
            confidentiality
                .options
                .iter()
                .filter_map(option),
        );
        found.extend(settings(confidentiality));
    }
    if rules.residual.on_leak == OnLeak::Warn {
        let message =
            "a file in which a removed value still stands is sent all the same, with a warning";
        found.push(LintFinding::warning(
            LintKind::Residual,
            "residual.on-leak",
            message,
            RESIDUAL,
        ));
    }
    found
}

/// What an option keeps that may identify a person, a time or a place.
fn option(option: O) -> Option<LintFinding> {
    let (severity, theme, message, advice) = match option {
        O::RetainUids => (
            Severity::Warning,
            Theme::Uids,
            "original UIDs stay, and lead to the originals where these are",
            KEYED_UIDS,
        ),
        O::RetainFullDates => (
            Severity::Warning,
            Theme::Times,
            "dates and times stay as they are",
            MODIFIED_DATES,
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
            "age, sex, size, weight and the like stay; together they may identify a person",
            CHECK,
        ),
        _ => return None,
    };
    Some(
        LintFinding::new(LintKind::Retained, severity, option.slug(), message, advice).about(theme),
    )
}

fn settings(confidentiality: &Confidentiality) -> Vec<LintFinding> {
    let warning = |kind, subject: &str, message: &str, advice| {
        LintFinding::new(kind, Severity::Warning, subject, message, advice)
    };
    let mut found = Vec::new();
    if confidentiality.unlisted == Unlisted::Keep {
        let message = "what Table E.1-1 does not list stays, whatever it may tell";
        found.push(warning(LintKind::Unlisted, "unlisted", message, UNLISTED));
    }
    if let DateShift::Days(_) = confidentiality.shift {
        let message = "all patients' dates move by the same days, which stand in the profile: one \
            known date gives away every other";
        found
            .push(warning(LintKind::Shift, "dates.days", message, PER_PATIENT).about(Theme::Times));
    }
    if confidentiality.encapsulated == Encapsulated::Keep {
        let message = "documents inside DICOM files are sent unchanged and unchecked";
        found.push(warning(
            LintKind::Encapsulated,
            "encapsulated",
            message,
            DOCUMENTS,
        ));
    }
    found
}
