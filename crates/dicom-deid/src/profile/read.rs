//! Reads the vocabulary: from the tree of a document to a checked profile. It must never pass over
//! a key in silence.

mod basic_profile;
mod envelope_keys;
mod field;
mod image_sections;
mod notes;

use dicom_lossless::Phi;

use super::basic_profile::Confidentiality;
use super::date_format::DateFormat;
use super::image_rules::BurnedIn;
use super::model::{DicomRules, Profile};
use super::tree::{Entry, Node, NodeKind, Problem, Problems};
use super::vocabulary::{DICOM, PROFILE};

/// Keys at the top that other tools of Flywheel read, older commands and the export gear, and what
/// that means here.
const OF_OTHER_TOOLS: &[(&str, &str)] = &[
    (
        "export",
        "only what is uploaded is cleaned, and containers have no other metadata than labels, \
            UIDs and times",
    ),
    (
        "map-subjects",
        "subject labels come from the cleaned PatientID, or from the flags of the upload",
    ),
    ("deid-log", "no original value is written down"),
];

/// The profile that a document describes, and whether it has a `dicom` section at all.
pub(super) fn profile(root: &Node, fallback_name: &str) -> Result<Profile, Problem> {
    let mut profile = Profile {
        name: fallback_name.to_owned(),
        description: None,
        dicom: DicomRules::default(),
        other_sections: Vec::new(),
        notes: Vec::new(),
    };
    let mut problems = Problems::default();
    for entry in root.entries("a profile")? {
        problems.take(at_the_top(entry, &mut profile));
    }
    problems.take(envelope_keys::read(root, &mut profile));
    problems.settled()?;
    checked(profile, root)
}

fn at_the_top(entry: &Entry, profile: &mut Profile) -> Result<(), Problem> {
    let (key, value) = (entry.key.as_str(), &entry.value);
    match key {
        _ if !PROFILE.has(key) => return Err(PROFILE.unknown(entry)),
        _ if PROFILE.is_for_other_files(key) && !value.is_null() => {
            profile
                .other_sections
                .push(key.to_owned());
        }
        _ if value.is_null() => {}
        "name" => value
            .text(key)?
            .clone_into(&mut profile.name),
        "description" => profile.description = Some(value.text(key)?.to_owned()),
        "dicom" => dicom(value, profile)?,
        // Keys of other tools, and what `envelope_keys` reads.
        _ => profile
            .notes
            .extend(of_other_tool(entry)),
    }
    Ok(())
}

fn of_other_tool(entry: &Entry) -> Option<String> {
    let (key, instead) = OF_OTHER_TOOLS
        .iter()
        .find(|(key, _)| *key == entry.key && !entry.value.is_falsy())?;
    Some(format!(
        "`{key}` has no effect, as with Flywheel's own ingest: {instead}"
    ))
}

/// What only shows when all keys are known.
fn checked(profile: Profile, root: &Node) -> Result<Profile, Problem> {
    let (rules, is_empty) = (&profile.dicom, profile.is_empty());
    let refused = [
        (
            profile.name == "none" && !is_empty,
            "the profile is called `none`, which at Flywheel means that nothing is done, and yet \
                it has rules",
            "give it another name, or take the rules out",
        ),
        (
            rules.remove_undefined && rules.fields.is_empty(),
            "`remove-undefined` with no fields would remove everything; Flywheel's own engine \
                removes nothing then",
            "list the fields to keep",
        ),
        (
            !rules.filenames.is_empty() && is_empty,
            "the profile names files and changes nothing in them, so data would go as it is under \
                other names",
            "add the fields to clean",
        ),
        (
            (rules.burned_in == BurnedIn::Refuse || !rules.regions.is_empty()) && is_empty,
            "the profile speaks of text in images and cleans nothing, so data would go as it is",
            "add the fields to clean",
        ),
    ];
    match refused
        .into_iter()
        .find(|(applies, ..)| *applies)
    {
        Some((_, message, hint)) => Err(root.problem(message).with_hint(hint)),
        None => Ok(profile),
    }
}

fn dicom(section: &Node, profile: &mut Profile) -> Result<(), Problem> {
    let mut problems = Problems::default();
    for entry in section.entries("`dicom`")? {
        problems.take(setting(entry, profile));
    }
    problems.take(numeric_name_fits(section, &profile.dicom));
    problems.take(own_sections(section, &mut profile.dicom));
    let fields = section
        .find("fields")
        .map(|fields| fields.items("fields"));
    let fields = problems
        .take(fields.transpose())
        .flatten()
        .unwrap_or_default();
    for (index, node) in fields.iter().enumerate() {
        if let Some((rule, notes)) = problems.take(field::read(node, index, &profile.dicom)) {
            profile.notes.extend(notes);
            profile.dicom.fields.push(rule);
        }
    }
    // What only shows when all rules are known would be a consequence of what is wrong with them.
    problems.settled()?;
    profile
        .notes
        .extend(notes::of_order(&profile.dicom.fields));
    if let Some(names) = section
        .find("filenames")
        .filter(|names| !names.is_null())
    {
        profile.dicom.filenames = field::read_filenames(names, &profile.dicom)?;
    }
    profile
        .notes
        .extend(notes::of_unused_settings(section, &profile.dicom));
    Ok(())
}

/// The sections that Flywheel's vocabulary does not have. The one on confidentiality says what the
/// others mean.
fn own_sections(section: &Node, rules: &mut DicomRules) -> Result<(), Problem> {
    let given = |key| {
        section
            .find(key)
            .filter(|value| !value.is_null())
    };
    rules.confidentiality = given("confidentiality").map(|_| Confidentiality::default());
    let mut problems = Problems::default();
    for entry in section.entries("`dicom`")? {
        if !entry.value.is_null() {
            problems.take(basic_profile::section(entry, rules));
        }
    }
    if let Some(confidentiality) = &rules.confidentiality {
        problems.take(basic_profile::conflicts(section, confidentiality));
    }
    let pixels = image_sections::device_regions(given("pixels"), rules.confidentiality.as_ref());
    if let Some((burned_in, regions)) = problems.take(pixels) {
        (rules.burned_in, rules.regions) = (burned_in, regions);
    }
    problems.settled()
}

/// One key of the `dicom` section; those that need others have functions of their own.
fn setting(entry: &Entry, profile: &mut Profile) -> Result<(), Problem> {
    let (key, value, rules) = (entry.key.as_str(), &entry.value, &mut profile.dicom);
    if !DICOM.has(key) {
        return Err(DICOM.unknown(entry));
    }
    if value.is_null() {
        return Ok(());
    }
    match key {
        "date-increment" => rules.date_increment = Some(days(value, key)?),
        "date-format" => rules.date_format = date_format(value, key)?,
        "datetime-format" => rules.datetime_format = date_format(value, key)?,
        "salt" => rules.salt = Some(Phi::new(value.text(key)?.to_owned())),
        "hash-digits" => rules.hash_digits = value.count(key)?,
        "uid-prefix-fields" => rules.uid_prefix_fields = value.count(key)?,
        "uid-suffix-fields" => rules.uid_suffix_fields = value.count(key)?,
        "uid-numeric-name" => rules.uid_numeric_name = Some(value.text(key)?.to_owned()),
        "recurse-sequence" => rules.recurse_sequence = value.flag(key)?,
        "remove-private-tags" => rules.remove_private_tags = value.flag(key)?,
        "remove-undefined" => rules.remove_undefined = value.flag(key)?,
        "patient-age-from-birthdate" => rules.patient_age_from_birthdate = value.flag(key)?,
        "patient-age-units" => rules.patient_age_units = Some(value.one_of(key)?),
        "replace-with-insert" => rules.replace_with_insert = value.flag(key)?,
        "jitter-range" => rules.jitter_range = field::range(value, key)?,
        "alter_pixels" => rules.alter_pixels = image_sections::alter_pixels(value)?,
        "file-filter" => profile.notes.push(file_filter(value)?),
        "enforce-file-filter" => drop(value.flag(key)?),
        "jitter-type" => {
            value.text(key)?;
            profile.notes.push(
                "`jitter-type` of the profile has no effect, as at Flywheel: state \
                it with the field"
                    .to_owned(),
            );
        }
        "decode" if !value.flag(key)? => profile.notes.push(
            "`decode: false` has no effect: rules reach into every sequence all the same, and \
                values that no rule touches are never decoded"
                .to_owned(),
        ),
        _ => {}
    }
    Ok(())
}

/// The filter of loose files: globs, or `r!` and an expression. Flywheel's client asks it nothing
/// about files that it takes in as DICOM, and neither does this program: no DICOM file goes
/// uncleaned for its name.
fn file_filter(value: &Node) -> Result<String, Problem> {
    match &value.kind {
        NodeKind::List(items) => items
            .iter()
            .try_for_each(|item| item.text("file-filter").map(|_| ()))?,
        _ => value.text("file-filter").map(|_| ())?,
    }
    Ok("`file-filter` has no effect: every DICOM file is cleaned, whatever its name".to_owned())
}

/// Days to add; more than the calendar has are refused.
pub(super) fn days(value: &Node, key: &str) -> Result<f64, Problem> {
    let days = value.number(key)?;
    if days.abs() < 4_000_000.0 {
        Ok(days)
    } else {
        Err(value.problem(format!("`{key}` is more days than the calendar has")))
    }
}

/// A date format that can be carried out.
pub(super) fn date_format(value: &Node, key: &str) -> Result<DateFormat, Problem> {
    DateFormat::new(value.text(key)?).map_err(|why| value.problem(format!("`{key}`: {why}")))
}

/// Flywheel's own root, which only takes one registered branch below it.
const FLYWHEEL_ROOT: &str = "2.16.840.1.114570";

fn numeric_name_fits(section: &Node, rules: &DicomRules) -> Result<(), Problem> {
    let Some(name) = &rules.uid_numeric_name else {
        return Ok(());
    };
    let components = name.split('.').count();
    if !name.split('.').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit())
    }) {
        return Err(section.problem("`uid-numeric-name` must be numbers with dots between them"));
    }
    if components != rules.uid_prefix_fields {
        let wanted = rules.uid_prefix_fields;
        return Err(section
            .problem(format!(
                "`uid-numeric-name` has {components} components, and \
                `uid-prefix-fields` says {wanted}"
            ))
            .with_hint(format!("set `uid-prefix-fields` to {components}")));
    }
    if name.starts_with(FLYWHEEL_ROOT) && name != "2.16.840.1.114570.2.2" {
        return Err(section.problem(format!(
            "`uid-numeric-name` under {FLYWHEEL_ROOT} must be 2.16.840.1.114570.2.2"
        )));
    }
    Ok(())
}
