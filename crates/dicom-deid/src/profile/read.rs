//! Reads the vocabulary: from the tree of a document to a checked profile. It must never pass over
//! a key in silence.

mod envelope_keys;
mod field;
mod image_sections;
mod notes;

use dicom_lossless::Phi;

use super::basic_profile::{
    Confidentiality, DateShift, EDITION, Options, Pseudonyms, ResidualRule,
};
use super::date_format::DateFormat;
use super::image_rules::PixelRules;
use super::model::{DicomRules, Profile};
use super::tree::{Entry, Node, NodeKind, Problem, Problems, shown};
use super::vocabulary::{CONFIDENTIALITY, DATES, DICOM, PROFILE, PSEUDONYMS, RESIDUAL};
use crate::standard;
use crate::standard::confidentiality::ConfidentialityOption;

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
pub fn profile(root: &Node, fallback_name: &str) -> Result<Profile, Problem> {
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
            (rules.pixels != PixelRules::default_for(None) || !rules.regions.is_empty())
                && is_empty,
            "the profile speaks of what images show and cleans nothing, so data would go as it is",
            "add the fields to clean",
        ),
    ];
    match refused
        .into_iter()
        .find(|(applies, ..)| *applies)
    {
        Some((_, message, hint)) => Err(root
            .problem(message)
            .with_hint(hint)),
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
    if let Some(names) = section.given("filenames") {
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
    rules.confidentiality = section
        .given("confidentiality")
        .map(|_| Confidentiality::default());
    let mut problems = Problems::default();
    for entry in section.entries("`dicom`")? {
        if !entry.value.is_null() {
            problems.take(own_section(entry, rules));
        }
    }
    if let Some(confidentiality) = &rules.confidentiality {
        problems.take(conflicts(section, confidentiality));
    }
    let pixels =
        image_sections::device_regions(section.given("pixels"), rules.confidentiality.as_ref());
    if let Some((pixels, regions)) = problems.take(pixels) {
        (rules.pixels, rules.regions) = (pixels, regions);
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
        "file-filter" => profile
            .notes
            .push(file_filter(value)?),
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
        _ => value
            .text("file-filter")
            .map(|_| ())?,
    }
    Ok("`file-filter` has no effect: every DICOM file is cleaned, whatever its name".to_owned())
}

/// Days to add; more than the calendar has are refused.
pub fn days(value: &Node, key: &str) -> Result<f64, Problem> {
    let days = value.number(key)?;
    if days.abs() < 4_000_000.0 {
        Ok(days)
    } else {
        Err(value.problem(format!("`{key}` is more days than the calendar has")))
    }
}

/// A date format that can be carried out.
pub fn date_format(value: &Node, key: &str) -> Result<DateFormat, Problem> {
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

/// Conflicting options, in the words of the standard (PS3.15 section E.3.6).
const FULL_AND_MODIFIED: &str =
    "`retain-full-dates` and `retain-modified-dates` exclude each other";
const DEVICE_AND_MODIFIED: &str = "under `retain-device-identity` the standard keeps calibration \
    dates that `retain-modified-dates` has to change";

/// One of the sections `confidentiality`, `dates`, `pseudonyms` and `residual`, if the entry is one.
fn own_section(entry: &Entry, rules: &mut DicomRules) -> Result<(), Problem> {
    let (key, value) = (entry.key.as_str(), &entry.value);
    match (key, &mut rules.confidentiality) {
        ("residual", _) => rules.residual = read_residual(value)?,
        ("confidentiality", Some(settings)) => table(value, settings)?,
        ("dates", Some(settings)) => dates(value, settings)?,
        ("pseudonyms", Some(settings)) => settings.pseudonyms = pseudonyms(value)?,
        ("dates" | "pseudonyms", None) => {
            let problem = entry.problem(format!(
                "`{key}` has no meaning without a section `confidentiality`"
            ));
            return Err(problem.with_hint(
                "add `[dicom.confidentiality]` with `profile = \"basic\"`, or take the section out",
            ));
        }
        _ => {}
    }
    Ok(())
}

fn table(node: &Node, settings: &mut Confidentiality) -> Result<(), Problem> {
    let mut named = false;
    for entry in node.entries("`confidentiality`")? {
        let value = &entry.value;
        match entry.key.as_str() {
            "profile" if value.text("profile")? == "basic" => named = true,
            "profile" => {
                return Err(value.problem("`profile` must be `basic`: the standard has no other"));
            }
            "options" => settings.options = options(value)?,
            "unlisted" => settings.unlisted = value.one_of("unlisted")?,
            "encapsulated" => {
                settings.encapsulated = value.one_of("encapsulated")?;
            }
            "edition" if value.text("edition")? == EDITION => {}
            "edition" => {
                let problem = value.problem(format!(
                    "the tables that are built in are those of edition {EDITION}"
                ));
                return Err(problem.with_hint(format!(
                    "look at what changed, then write `edition = \"{EDITION}\"`"
                )));
            }
            _ => {
                return Err(CONFIDENTIALITY.unknown(entry));
            }
        }
    }
    if named {
        Ok(())
    } else {
        Err(node.problem("`confidentiality` needs `profile = \"basic\"`"))
    }
}

fn options(node: &Node) -> Result<Options, Problem> {
    let mut options = Options::default();
    for item in node.items("options")? {
        let written = item.text("an option")?;
        let found = ConfidentialityOption::ALL
            .into_iter()
            .find(|option| option.slug() == written);
        let Some(option) = found else {
            return Err(no_option(item, written));
        };
        if options.has(option) {
            return Err(item.problem(format!("the option `{written}` is there twice")));
        }
        options = options.with(option);
    }
    Ok(options)
}

fn no_option(node: &Node, written: &str) -> Problem {
    let known = ConfidentialityOption::ALL.map(ConfidentialityOption::slug);
    let problem = node.problem(format!("there is no option `{}`", shown(written)));
    match standard::closest(written, known) {
        Some(slug) => problem.with_hint(format!("did you mean `{slug}`?")),
        None => problem.with_hint(format!("the options are {}", known.join(", "))),
    }
}

/// What only shows when all sections are read.
fn conflicts(node: &Node, settings: &Confidentiality) -> Result<(), Problem> {
    use ConfidentialityOption::{RetainDeviceIdentity, RetainFullDates, RetainModifiedDates};
    let modified = settings.has(RetainModifiedDates);
    for (other, why) in [
        (RetainFullDates, FULL_AND_MODIFIED),
        (RetainDeviceIdentity, DEVICE_AND_MODIFIED),
    ] {
        if modified && settings.has(other) {
            return Err(node
                .problem(why)
                .with_hint("leave one of the two out"));
        }
    }
    let moves = settings.shift != DateShift::PerPatient
        || node
            .find("dates")
            .is_some_and(|dates| dates.find("shift").is_some());
    if moves && !modified {
        let problem = node.problem("`dates` says how dates move, and no option lets them");
        return Err(problem.with_hint("add the option `retain-modified-dates`"));
    }
    Ok(())
}

fn dates(node: &Node, settings: &mut Confidentiality) -> Result<(), Problem> {
    for entry in node.entries("`dates`")? {
        let value = &entry.value;
        match entry.key.as_str() {
            "shift" if value.text("shift")? == "per-patient" => {
                settings.shift = DateShift::PerPatient;
            }
            "shift" => {
                return Err(value
                    .problem("`shift` must be `per-patient`")
                    .with_hint("`days = -17` moves all dates alike"));
            }
            "days" => settings.shift = DateShift::Days(shift_days(value)?),
            "unparseable" => settings.unparseable = value.one_of("unparseable")?,
            _ => return Err(DATES.unknown(entry)),
        }
    }
    if node.find("days").is_some() && node.find("shift").is_some() {
        return Err(node
            .problem("`dates` has both `shift` and `days`")
            .with_hint("leave one of the two out"));
    }
    Ok(())
}

/// At most a century and a half, so that no date can leave the calendar.
fn shift_days(node: &Node) -> Result<i64, Problem> {
    match &node.kind {
        NodeKind::Integer(0, _) => Err(node.problem("`days` is 0, and dates would stay")),
        NodeKind::Integer(days, _) if days.abs() <= 54_000 => Ok(*days),
        NodeKind::Integer(..) => Err(node.problem("`days` moves dates by more than 54000 days")),
        _ => Err(node.problem(format!(
            "`days` takes a whole number, not {}",
            node.describe()
        ))),
    }
}

fn pseudonyms(node: &Node) -> Result<Pseudonyms, Problem> {
    let mut pseudonyms = Pseudonyms::default();
    for entry in node.entries("`pseudonyms`")? {
        let value = &entry.value;
        match entry.key.as_str() {
            "prefix" => pseudonyms.prefix = prefix(value)?,
            "width" => pseudonyms.width = value.count("width")?,
            _ => return Err(PSEUDONYMS.unknown(entry)),
        }
    }
    if (8..=32).contains(&pseudonyms.width) {
        Ok(pseudonyms)
    } else {
        // 40 bits: among 100 000 patients two share a pseudonym with a chance of 1 in 200.
        Err(node.problem(
            "`width` must be between 8 and 32: with fewer characters patients may \
            share a pseudonym",
        ))
    }
}

fn prefix(node: &Node) -> Result<String, Problem> {
    let text = node.text("prefix")?;
    let fits = text.len() <= 16
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(node.problem("`prefix` takes up to 16 letters, digits and `-`, `_`, `.`"))
    }
}

fn read_residual(node: &Node) -> Result<ResidualRule, Problem> {
    let mut rule = ResidualRule::default();
    for entry in node.entries("`residual`")? {
        let value = &entry.value;
        match entry.key.as_str() {
            "on-leak" => rule.on_leak = value.one_of("on-leak")?,
            "min-length" => rule.min_length = value.count("min-length")?,
            _ => return Err(RESIDUAL.unknown(entry)),
        }
    }
    if (2..=64).contains(&rule.min_length) {
        Ok(rule)
    } else {
        Err(node.problem("`min-length` must be between 2 and 64"))
    }
}
