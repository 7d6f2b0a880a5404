//! What concerns the whole file, or the whole profile.

use dicom_core::Tag;

use super::{Finding, Kind, Severity, Theme, tag_text};
use crate::profile::action::{Replacement, Scalar};
use crate::profile::effect::{Fate, Place};
use crate::profile::model::{DicomRules, Profile};
use dicom_lossless::escape_for_terminal;

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

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let mut found = Vec::new();
    if profile.is_empty() {
        let message = "every file goes out as it came in";
        found.push(Finding::new(
            Kind::Empty,
            Severity::Warning,
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
    found.extend(profile.other_sections.iter().map(|section| {
        let message = format!("the section `{section}` is not carried out: only DICOM is cleaned");
        Finding::new(
            Kind::OtherSections,
            Severity::Note,
            section,
            message,
            OTHERS,
        )
    }));
    found.extend(profile.notes.iter().map(|note| {
        Finding::new(
            Kind::Notice,
            Severity::Note,
            "profile",
            escape_for_terminal(note),
            NOTED,
        )
    }));
    found
}

fn pixels(rules: &DicomRules) -> Option<Finding> {
    let gone = rules.effect_on(PIXELS, Place::Top).fate.is_gone();
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
    let finding =
        || Finding::new(Kind::Pixels, severity, "PixelData", message, LOOK).about(Theme::Graphics);
    (!gone).then(|| finding().tagged(tag_text(PIXELS)))
}

fn refused() -> Finding {
    let message = "images that may show text are refused, as far as their attributes tell; the \
        pixels themselves are not read";
    Finding::new(Kind::Pixels, Severity::Note, "PixelData", message, LOOK)
        .about(Theme::Graphics)
        .tagged(tag_text(PIXELS))
}

fn markers(rules: &DicomRules) -> Vec<Finding> {
    let set = |tag| match rules.effect_on(tag, Place::Top).fate {
        Fate::Replaced(value) => Some(value),
        _ => None,
    };
    let yes = Replacement::One(Scalar::Text("YES".to_owned()));
    let finding = |tag, keyword: &str, message| {
        Finding::new(Kind::Markers, Severity::Note, keyword, message, MARK).tagged(tag_text(tag))
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
            "not set: nobody can see later how the file was de-identified",
        ));
    }
    found
}
