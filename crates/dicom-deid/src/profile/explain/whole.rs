//! What holds for the whole file, a sentence each.

use dicom_core::Tag;

use crate::profile::action::Action;
use crate::profile::burned_in::BurnedIn;
use crate::profile::effect::Place;
use crate::profile::model::{AgeUnit, DicomRules, Profile};
use crate::profile::selector::Selector;
use crate::standard::confidentiality::ConfidentialityOption;
use dicom_lossless::escape_for_terminal;

const PIXELS: Tag = Tag(0x7FE0, 0x0010);

pub(super) fn sentences(profile: &Profile) -> Vec<String> {
    let rules = &profile.dicom;
    let mut said = [private(rules), recursion(rules), undefined(rules)]
        .map(str::to_owned)
        .to_vec();
    said.extend(age(rules));
    said.extend(uids(rules));
    said.extend(envelope(rules).map(str::to_owned));
    said.push(pixels(rules).to_owned());
    said.extend(by_device(rules).map(str::to_owned));
    said.push(names(rules).to_owned());
    let always = "Whatever the profile says: preamble and file meta information are written \
        afresh, group lengths dropped.";
    said.push(always.to_owned());
    if !profile.other_sections.is_empty() {
        said.push(format!(
            "Sections for other kinds of file are not carried out: {}.",
            profile.other_sections.join(", ")
        ));
    }
    said.extend(
        profile
            .notes
            .iter()
            .map(|note| format!("Note: {}", escape_for_terminal(note))),
    );
    said
}

fn private(rules: &DicomRules) -> &'static str {
    let named = rules
        .fields
        .iter()
        .any(|rule| matches!(rule.selector, Selector::Private { .. }));
    if let (Some(asked), false) = (&rules.confidentiality, rules.remove_private_tags) {
        return if asked.options.has(ConfidentialityOption::RetainSafePrivate) {
            "Private elements are removed unless they are known safe; what stays is cleaned."
        } else {
            "Private elements that no field names are removed, in sequence items too."
        };
    }
    match (rules.remove_private_tags, named) {
        (true, false) => "Private elements are removed, in sequence items too.",
        (true, true) => {
            "Private elements are removed, in sequence items too, but for those that rules name \
                by creator."
        }
        (false, _) if rules.remove_undefined => "Private elements that no rule names are removed.",
        (false, _) => "Private elements stay as they are unless a rule names them.",
    }
}

fn recursion(rules: &DicomRules) -> &'static str {
    if rules.recurse_sequence {
        "Every rule acts at the top of the data set and in all sequence items."
    } else {
        "Rules act at the top of the data set; only paths and expressions reach into sequence \
            items."
    }
}

fn undefined(rules: &DicomRules) -> &'static str {
    if rules.remove_undefined {
        "What no rule names is removed, in sequence items too."
    } else if rules.confidentiality.is_some() {
        "What no rule names is treated as PS3.15 Table E.1-1 and the options say, at every level; \
            what they do not list by its role."
    } else {
        "What no rule names goes out as it came in, byte for byte."
    }
}

fn age(rules: &DicomRules) -> Option<String> {
    let from = match rules.patient_age_units {
        None | Some(AgeUnit::Days) => {
            "days, or in months or years where that gives too large a number"
        }
        Some(AgeUnit::Months) => "months, or in years where that gives too large a number",
        Some(AgeUnit::Years) => "years",
    };
    let says = || {
        format!(
            "The patient's age is computed from the original birth and study date, in {from}, \
                before the rules act."
        )
    };
    rules.patient_age_from_birthdate.then(says)
}

fn uids(rules: &DicomRules) -> Option<String> {
    let first = if rules.uid_numeric_name.is_some() {
        0
    } else {
        rules.uid_prefix_fields
    };
    let kept = match (first, rules.uid_suffix_fields) {
        (0, 0) => "nothing of the original UID stays".to_owned(),
        (first, 0) => format!("of the original UID's components the first {first} stay"),
        (0, last) => format!("of the original UID's components the last {last} stay"),
        (first, last) => {
            format!("of the original UID's components the first {first} and the last {last} stay")
        }
    };
    let mapped = rules
        .fields
        .iter()
        .any(|rule| rule.action == Action::HashUid);
    mapped.then(|| {
        format!("The same UID is mapped to the same new one wherever a rule maps it; {kept}.")
    })
}

fn names(rules: &DicomRules) -> &'static str {
    if rules.filenames.is_empty() {
        "File names, labels and the UIDs of containers are made from the cleaned header."
    } else {
        "Files are named as `filenames` says; labels and the UIDs of containers are made from the \
            cleaned header."
    }
}

fn envelope(rules: &DicomRules) -> Option<&'static str> {
    let encrypts = rules
        .fields
        .iter()
        .any(|rule| rule.action == Action::Encrypt);
    match (rules.retain, encrypts) {
        (true, _) => Some(
            "The originals of all that is changed or removed go into an encrypted envelope in the \
                file.",
        ),
        (false, true) => {
            Some("What `encrypt` takes out goes into an encrypted envelope in the file.")
        }
        (false, false) => None,
    }
}

fn pixels(rules: &DicomRules) -> &'static str {
    if rules.effect_on(PIXELS, Place::Top).fate.is_gone() {
        "Pixel data is removed."
    } else if !rules.keeps_burned_in() {
        "Images that may show text, as far as their attributes tell, are refused; the pixels \
            themselves are not read."
    } else if rules.alter_pixels.is_some() {
        "Regions of the image are blanked by `alter_pixels` where their condition holds; other \
            burned-in text is not looked for."
    } else {
        "Pixel data goes out as it came in: text burned into the image is not looked for."
    }
}

/// What `[dicom.pixels]` adds; Flywheel's vocabulary has nothing of the kind.
fn by_device(rules: &DicomRules) -> Option<&'static str> {
    match (rules.burned_in, rules.regions.is_empty()) {
        (BurnedIn::Refuse, true) => {
            Some("Images whose header says that they may show text are refused.")
        }
        (BurnedIn::Refuse, false) => Some(
            "Images whose header says that they may show text are refused unless `regions` name \
                them, and blanked as they say.",
        ),
        (BurnedIn::Keep, false) => Some(
            "Images that `regions` name are blanked as they say; others that show text go as they \
                are.",
        ),
        (BurnedIn::Keep, true) => None,
    }
}
