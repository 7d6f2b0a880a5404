//! Settings that concern the whole file or the whole profile, and the options of the Basic Profile
//! that let something stay.

use dicom_core::Tag;
use dicom_lossless::escape_for_terminal;

use super::{LintKind, LintReport, Severity, Theme};
use crate::profile::action::{Replacement, Scalar};
use crate::profile::basic_profile::{Confidentiality, DateShift, Encapsulated, OnLeak, Unlisted};
use crate::profile::effect::Effect;
use crate::profile::effect::NestingLevel::Top;
use crate::profile::model::{DicomRules, Profile};
use crate::standard::confidentiality::ConfidentialityOption as O;

const PIXELS: Tag = Tag(0x7FE0, 0x0010);
const IDENTITY_REMOVED: Tag = Tag(0x0012, 0x0062);
const METHOD: Tag = Tag(0x0012, 0x0063);
const METHOD_CODES: Tag = Tag(0x0012, 0x0064);

pub(super) fn lint(profile: &Profile, report: &mut LintReport) {
    let rules = &profile.dicom;
    if profile.is_empty() {
        report.warn(
            LintKind::Empty,
            "fields",
            "every file goes out as it came in",
            "write rules, or start from the built-in profile `basic`",
        );
    }
    pixels(rules, report);
    match &rules.confidentiality {
        Some(confidentiality) => basic_profile(confidentiality, report),
        // The Basic Profile writes its marks by itself.
        None => markers(rules, report),
    }
    if rules.residual.on_leak == OnLeak::Warn {
        report.warn(
            LintKind::Residual,
            "residual.on-leak",
            "a file in which a removed value still stands is sent all the same, with a warning",
            "leave `on-leak` at `fail`: a find is a value that was meant to be gone",
        );
    }
    for section in &profile.other_sections {
        report.note(
            LintKind::OtherSections,
            section,
            format!("the section `{section}` is not carried out: only DICOM is cleaned"),
            "files of these kinds are not cleaned, and not uploaded unless that is asked for",
        );
    }
    for note in &profile.notes {
        report.note(
            LintKind::Notice,
            "profile",
            escape_for_terminal(note),
            "a run under this profile says so too; see that it is what you mean",
        );
    }
}

fn pixels(rules: &DicomRules, report: &mut LintReport) {
    if rules
        .effect_on(PIXELS, Top)
        .effect
        .is_gone()
    {
        return;
    }
    let message = if !rules.keeps_burned_in() {
        "images that may show text are refused, as far as their attributes tell; the pixels \
            themselves are not read"
    } else if rules.alter_pixels.is_some() || !rules.regions.is_empty() {
        "text burned into the image is not looked for beyond the regions of `alter_pixels` and \
            `pixels`"
    } else {
        "text burned into the image is not looked for"
    };
    // A profile that asks for the Basic Profile and keeps such images takes back what it is for.
    let severity = if rules.confidentiality.is_some() && rules.keeps_burned_in() {
        Severity::Warning
    } else {
        Severity::Note
    };
    let advice = "look at ultrasound, secondary captures, dose sheets and scanned documents \
        before they are shared";
    report
        .add(severity, LintKind::Pixels, "PixelData", message, advice)
        .about(Theme::Graphics)
        .tagged(&PIXELS);
}

fn markers(rules: &DicomRules, report: &mut LintReport) {
    let set = |tag| match rules.effect_on(tag, Top).effect {
        Effect::Replaced(value) => Some(value),
        _ => None,
    };
    let mut note = |tag: Tag, keyword: &str, message: &str| {
        let advice = "add `replace-with` rules that set it, once the other rules make it true";
        report
            .note(LintKind::Markers, keyword, message, advice)
            .tagged(&tag);
    };
    let yes = Replacement::One(Scalar::Text("YES".to_owned()));
    if set(IDENTITY_REMOVED) != Some(&yes) {
        note(
            IDENTITY_REMOVED,
            "PatientIdentityRemoved",
            "not set to YES, which PS3.15 asks for",
        );
    }
    if set(METHOD).is_none() && set(METHOD_CODES).is_none() {
        note(
            METHOD,
            "DeidentificationMethod",
            "not set: later readers cannot see how the file was de-identified",
        );
    }
}

fn basic_profile(confidentiality: &Confidentiality, report: &mut LintReport) {
    for option in confidentiality.options.iter() {
        kept_under(option, report);
    }
    if confidentiality.unlisted == Unlisted::Keep {
        report.warn(
            LintKind::Unlisted,
            "unlisted",
            "what Table E.1-1 does not list stays, whatever it may tell",
            "leave `unlisted` at `keep-known-safe`: it keeps codes, numbers and structure",
        );
    }
    if let DateShift::Days(_) = confidentiality.shift {
        report
            .warn(
                LintKind::Shift,
                "dates.days",
                "all patients' dates move by the same days, which stand in the profile: one known \
                    date gives away every other",
                "leave `days` out: each patient's dates then move by weeks of their own",
            )
            .about(Theme::Times);
    }
    if confidentiality.encapsulated == Encapsulated::Keep {
        report.warn(
            LintKind::Encapsulated,
            "encapsulated",
            "documents inside DICOM files are sent unchanged and unchecked",
            "leave `encapsulated` at `refuse`, or take documents out with `remove`",
        );
    }
}

/// What an option keeps that may identify a person, a time or a place.
fn kept_under(option: O, report: &mut LintReport) {
    let check = "check that it is meant, and that who gets the data may know it";
    let (severity, theme, message, advice) = match option {
        O::RetainUids => (
            Severity::Warning,
            Theme::Uids,
            "original UIDs stay, and lead to the originals where these are",
            "leave the option out: new UIDs are keyed and still fit each other",
        ),
        O::RetainFullDates => (
            Severity::Warning,
            Theme::Times,
            "dates and times stay as they are",
            "take `retain-modified-dates`: intervals stay right, and days of the calendar do not",
        ),
        O::RetainDeviceIdentity => (
            Severity::Note,
            Theme::Device,
            "equipment stays named, and with it often the place",
            check,
        ),
        O::RetainInstitutionIdentity => (
            Severity::Note,
            Theme::Institution,
            "institutions stay named",
            check,
        ),
        O::RetainPatientCharacteristics => (
            Severity::Note,
            Theme::Patient,
            "age, sex, size, weight and the like stay; together they may identify a person",
            check,
        ),
        _ => return,
    };
    report
        .add(severity, LintKind::Retained, option.slug(), message, advice)
        .about(theme);
}
