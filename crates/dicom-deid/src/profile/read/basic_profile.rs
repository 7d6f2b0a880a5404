//! Reads the sections `confidentiality`, `dates`, `pseudonyms` and `residual`.

use super::super::basic_profile::{
    Confidentiality, DateShift, EDITION, Options, Pseudonyms, ResidualRule,
};
use super::super::model::DicomRules;
use super::super::tree::{Entry, Node, NodeKind, Problem, shown};
use super::super::vocabulary::{CONFIDENTIALITY, DATES, PSEUDONYMS, RESIDUAL};
use crate::standard;
use crate::standard::confidentiality::ConfidentialityOption;

/// Conflicting options, in the words of the standard (PS3.15 section E.3.6).
const FULL_AND_MODIFIED: &str =
    "`retain-full-dates` and `retain-modified-dates` exclude each other";
const DEVICE_AND_MODIFIED: &str = "under `retain-device-identity` the standard keeps calibration \
    dates that `retain-modified-dates` has to change";

/// One of the sections, if the entry is one.
pub(super) fn section(entry: &Entry, rules: &mut DicomRules) -> Result<(), Problem> {
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
pub(super) fn conflicts(node: &Node, settings: &Confidentiality) -> Result<(), Problem> {
    use ConfidentialityOption::{RetainDeviceIdentity, RetainFullDates, RetainModifiedDates};
    let modified = settings
        .options
        .has(RetainModifiedDates);
    for (other, why) in [
        (RetainFullDates, FULL_AND_MODIFIED),
        (RetainDeviceIdentity, DEVICE_AND_MODIFIED),
    ] {
        if modified && settings.options.has(other) {
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
            "days" => settings.shift = DateShift::Days(days(value)?),
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
fn days(node: &Node) -> Result<i64, Problem> {
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
