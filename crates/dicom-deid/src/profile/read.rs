//! Reads the vocabulary: from the tree of a document to a checked profile. It must never pass over
//! a key in silence.

use super::burned_in::{self, BurnedIn};
use super::confidentiality::{self, Confidentiality};
use super::date_format::DateFormat;
use super::envelope_keys;
use super::jitter;
use super::model::{AgeUnit, DicomRules, Profile};
use super::pixels;
use super::rule;
use super::tree::{Entry, Kind, Node, Problem, Problems, shown};
use super::{filename, order, unused};
use dicom_lossless::Phi;

/// Sections for other kinds of file that Flywheel profiles may have.
const OTHER_SECTIONS: &[&str] = &[
    "zip",
    "jpg",
    "png",
    "tiff",
    "xml",
    "json",
    "csv",
    "tsv",
    "table",
    "key-value-text-file",
    "nifti",
    "filename",
];

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
        "subject labels come from the cleaned PatientID, or from what the upload is told",
    ),
    ("deid-log", "no original value is written down"),
];

/// Keys of the `dicom` section that this version carries out.
const DICOM_KEYS: &[&str] = &[
    "fields",
    "date-increment",
    "date-format",
    "datetime-format",
    "salt",
    "hash-digits",
    "uid-prefix-fields",
    "uid-suffix-fields",
    "uid-numeric-name",
    "recurse-sequence",
    "remove-private-tags",
    "remove-undefined",
    "patient-age-from-birthdate",
    "patient-age-units",
    "replace-with-insert",
    "file-filter",
    "enforce-file-filter",
    "filenames",
    "jitter-range",
    "jitter-type",
    "alter_pixels",
    "decode",
];

/// The section on images, which Flywheel's vocabulary does not have.
const PIXELS: &str = "pixels";

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
    match entry.key.as_str() {
        "name" | "description" | "dicom" if entry.value.is_null() => {}
        "name" => entry.value.text("name")?.clone_into(&mut profile.name),
        "description" => profile.description = Some(entry.value.text("description")?.to_owned()),
        "dicom" => dicom(&entry.value, profile)?,
        // Documents of several of these tools count their versions; it means nothing to any engine.
        "only-config-profiles" | "secret-key" | "version" => {}
        key if OTHER_SECTIONS.contains(&key) && entry.value.is_null() => {}
        key if OTHER_SECTIONS.contains(&key) => profile.other_sections.push(key.to_owned()),
        key if OF_OTHER_TOOLS.iter().any(|(known, _)| *known == key) => {
            profile.notes.extend(of_other_tool(entry));
        }
        _ => {
            let keys = &[
                "name",
                "description",
                "dicom",
                "secret-key",
                "version",
                "map-subjects",
                "deid-log",
                "export",
            ];
            return Err(unknown(entry, &[keys, OTHER_SECTIONS]));
        }
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
    if profile.name == "none" && !profile.is_empty() {
        return Err(root
            .problem(
                "the profile is called `none`, which at Flywheel means that nothing is done, \
                and yet it has rules",
            )
            .with_hint("give it another name, or take the rules out"));
    }
    if profile.dicom.remove_undefined && profile.dicom.fields.is_empty() {
        return Err(root
            .problem(
                "`remove-undefined` with no fields would remove everything; Flywheel's own \
                engine removes nothing then",
            )
            .with_hint("list the fields to keep"));
    }
    if !profile.dicom.filenames.is_empty() && profile.is_empty() {
        return Err(root
            .problem(
                "the profile names files and changes nothing in them, so data would go as it \
                is under other names",
            )
            .with_hint("add the fields to clean"));
    }
    let refuses = profile.dicom.burned_in == BurnedIn::Refuse || !profile.dicom.regions.is_empty();
    if refuses && profile.is_empty() {
        return Err(root
            .problem(
                "the profile speaks of text in images and cleans nothing, so data would go \
                as it is",
            )
            .with_hint("add the fields to clean"));
    }
    Ok(profile)
}

fn dicom(section: &Node, profile: &mut Profile) -> Result<(), Problem> {
    let (mut fields, mut filenames, mut problems) = (None, None, Problems::default());
    for entry in section.entries("`dicom`")? {
        match entry.key.as_str() {
            "fields" => fields = Some(&entry.value),
            "filenames" if !entry.value.is_null() => filenames = Some(&entry.value),
            key if confidentiality::DICOM_KEYS.contains(&key) || key == PIXELS => {}
            _ => drop(problems.take(setting(entry, profile))),
        }
    }
    problems.take(numeric_name_fits(section, &profile.dicom));
    problems.take(sections_of_our_own(section, &mut profile.dicom));
    let nodes = fields.map(|fields| fields.items("fields")).transpose();
    for (index, node) in problems
        .take(nodes)
        .flatten()
        .into_iter()
        .flatten()
        .enumerate()
    {
        if let Some((rule, notes)) = problems.take(rule::read(node, index, &profile.dicom)) {
            profile.notes.extend(notes);
            profile.dicom.fields.push(rule);
        }
    }
    // What only shows when all rules are known would be a consequence of what is wrong with them.
    problems.settled()?;
    profile.notes.extend(order::notes(&profile.dicom.fields));
    if let Some(filenames) = filenames {
        profile.dicom.filenames = filename::read(filenames, &profile.dicom)?;
    }
    profile.notes.extend(unused::notes(section, &profile.dicom));
    Ok(())
}

/// The sections that Flywheel's vocabulary does not have. The one on confidentiality says what the
/// others mean.
fn sections_of_our_own(section: &Node, rules: &mut DicomRules) -> Result<(), Problem> {
    let own = |key| section.find(key).is_some_and(|value| !value.is_null());
    rules.confidentiality = own("confidentiality").then(Confidentiality::default);
    let mut problems = Problems::default();
    for entry in section.entries("`dicom`")? {
        if confidentiality::DICOM_KEYS.contains(&entry.key.as_str()) && !entry.value.is_null() {
            problems.take(confidentiality::section(
                entry,
                &mut rules.confidentiality,
                &mut rules.residual,
            ));
        }
    }
    if let Some(asked) = &rules.confidentiality {
        problems.take(confidentiality::conflicts(section, asked));
    }
    problems.take(burned_in::read(section.find(PIXELS), rules));
    problems.settled()
}

/// One key of the `dicom` section.
fn setting(entry: &Entry, profile: &mut Profile) -> Result<(), Problem> {
    let (key, value, rules) = (entry.key.as_str(), &entry.value, &mut profile.dicom);
    if value.is_null() && DICOM_KEYS.contains(&key) {
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
        "patient-age-units" => rules.patient_age_units = Some(age_unit(value)?),
        "replace-with-insert" => rules.replace_with_insert = value.flag(key)?,
        "jitter-range" => rules.jitter_range = jitter::range(value, key)?,
        "jitter-type" => {
            value.text(key)?;
            profile.notes.push(
                "`jitter-type` of the profile has no effect, as at Flywheel: state \
                it with the field"
                    .to_owned(),
            );
        }
        "alter_pixels" => rules.alter_pixels = pixels::read(value)?,
        "file-filter" => profile.notes.push(file_filter(value)?),
        "enforce-file-filter" => {
            value.flag(key)?;
        }
        "decode" if !value.flag(key)? => {
            let why = "rules reach into every sequence all the same, and values that no rule \
                touches are never decoded";
            profile
                .notes
                .push(format!("`decode: false` has no effect: {why}"));
        }
        "decode" => {}
        _ if envelope_keys::KEYS.contains(&key) => {}
        _ => {
            return Err(unknown(
                entry,
                &[
                    DICOM_KEYS,
                    envelope_keys::KEYS,
                    &[PIXELS],
                    confidentiality::DICOM_KEYS,
                ],
            ));
        }
    }
    Ok(())
}

/// The filter of loose files: globs, or `r!` and an expression. Flywheel's client asks it nothing
/// about files that it takes in as DICOM, and neither does this program: no DICOM file goes
/// uncleaned for its name.
fn file_filter(value: &Node) -> Result<String, Problem> {
    match &value.kind {
        Kind::List(items) => items
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

fn age_unit(value: &Node) -> Result<AgeUnit, Problem> {
    match value.text("patient-age-units")? {
        "D" => Ok(AgeUnit::Days),
        "M" => Ok(AgeUnit::Months),
        "Y" => Ok(AgeUnit::Years),
        _ => Err(value.problem("`patient-age-units` must be D, M or Y")),
    }
}

/// Flywheel's own root, which only takes one registered branch below it.
const FLYWHEEL_ROOT: &str = "2.16.840.1.114570";

fn numeric_name_fits(section: &Node, rules: &DicomRules) -> Result<(), Problem> {
    let Some(name) = &rules.uid_numeric_name else {
        return Ok(());
    };
    let components = name.split('.').count();
    if !name
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    {
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

/// A key that does not exist, with the one that comes closest.
pub(super) fn unknown(entry: &Entry, known: &[&[&str]]) -> Problem {
    let problem = Problem::new(entry.place, format!("unknown key `{}`", shown(&entry.key)));
    let scored = known
        .iter()
        .flat_map(|keys| keys.iter())
        .map(|key| (crate::standard::likeness(&entry.key, key), key));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((score, key)) if score > 0.8 => problem.with_hint(format!("did you mean `{key}`?")),
        _ => problem.with_hint("take it out: a key that does nothing may look as if it did"),
    }
}
