//! Reads the sections `confidentiality`, `dates`, `pseudonyms` and `residual`.

use super::{
    Confidentiality, EDITION, Encapsulated, OnLeak, Options, Pseudonyms, ResidualRule, Shift,
    Unlisted, Unparseable,
};
use crate::profile::read::unknown;
use crate::profile::tree::{Entry, Kind, Node, Problem, shown};
use crate::standard::confidentiality::ConfidentialityOption;

/// The sections of `dicom` that are read here.
pub(in crate::profile) const DICOM_KEYS: &[&str] =
    &["confidentiality", "dates", "pseudonyms", "residual"];

/// Conflicting options, in the words of the standard (PS3.15 section E.3.6).
const FULL_AND_MODIFIED: &str =
    "`retain-full-dates` and `retain-modified-dates` exclude each other";
const DEVICE_AND_MODIFIED: &str = "under `retain-device-identity` the standard keeps calibration \
    dates that `retain-modified-dates` has to change";

/// The sections as far as the profile has them.
pub(in crate::profile) fn section(
    entry: &Entry,
    asked: &mut Option<Confidentiality>,
    residual: &mut ResidualRule,
) -> Result<(), Problem> {
    match (entry.key.as_str(), asked) {
        ("residual", _) => *residual = read_residual(&entry.value)?,
        ("confidentiality", Some(asked)) => table(&entry.value, asked)?,
        ("dates", Some(asked)) => dates(entry, asked)?,
        ("pseudonyms", Some(asked)) => asked.pseudonyms = pseudonyms(&entry.value)?,
        (key, _) => {
            let problem = Problem::new(
                entry.place,
                format!("`{key}` has no meaning without a section `confidentiality`"),
            );
            return Err(problem.with_hint(
                "add `[dicom.confidentiality]` with `profile = \"basic\"`, or take the section out",
            ));
        }
    }
    Ok(())
}

fn table(node: &Node, asked: &mut Confidentiality) -> Result<(), Problem> {
    let mut named = false;
    for entry in node.entries("`confidentiality`")? {
        let value = &entry.value;
        match entry.key.as_str() {
            "profile" if value.text("profile")? == "basic" => named = true,
            "profile" => {
                return Err(value.problem("`profile` must be `basic`: the standard has no other"));
            }
            "options" => asked.options = options(value)?,
            "unlisted" => asked.unlisted = one_of(value, "unlisted", &Unlisted::ALL)?,
            "encapsulated" => {
                asked.encapsulated = one_of(value, "encapsulated", &Encapsulated::ALL)?;
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
                return Err(unknown(
                    entry,
                    &[&["profile", "options", "unlisted", "encapsulated", "edition"]],
                ));
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
    let scored = ConfidentialityOption::ALL.map(|option| {
        (
            crate::standard::likeness(written, option.slug()),
            option.slug(),
        )
    });
    let problem = node.problem(format!("there is no option `{}`", shown(written)));
    match scored.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((score, slug)) if score > 0.8 => problem.with_hint(format!("did you mean `{slug}`?")),
        _ => problem.with_hint(format!(
            "the options are {}",
            ConfidentialityOption::ALL
                .map(ConfidentialityOption::slug)
                .join(", ")
        )),
    }
}

/// What only shows when all sections are read.
pub(in crate::profile) fn conflicts(node: &Node, asked: &Confidentiality) -> Result<(), Problem> {
    use ConfidentialityOption::{RetainDeviceIdentity, RetainFullDates, RetainModifiedDates};
    let modified = asked.options.has(RetainModifiedDates);
    for (other, why) in [
        (RetainFullDates, FULL_AND_MODIFIED),
        (RetainDeviceIdentity, DEVICE_AND_MODIFIED),
    ] {
        if modified && asked.options.has(other) {
            return Err(node.problem(why).with_hint("leave one of the two out"));
        }
    }
    let moves = asked.shift != Shift::PerPatient
        || node
            .find("dates")
            .is_some_and(|dates| dates.find("shift").is_some());
    if moves && !modified {
        let problem = node.problem("`dates` says how dates move, and no option lets them");
        return Err(problem.with_hint("add the option `retain-modified-dates`"));
    }
    Ok(())
}

fn dates(entry: &Entry, asked: &mut Confidentiality) -> Result<(), Problem> {
    for entry in entry.value.entries("`dates`")? {
        let value = &entry.value;
        match entry.key.as_str() {
            "shift" if value.text("shift")? == "per-patient" => asked.shift = Shift::PerPatient,
            "shift" => {
                return Err(value
                    .problem("`shift` must be `per-patient`")
                    .with_hint("`days = -17` moves all dates alike"));
            }
            "days" => asked.shift = Shift::Days(days(value)?),
            "unparseable" => asked.unparseable = one_of(value, "unparseable", &Unparseable::ALL)?,
            _ => return Err(unknown(entry, &[&["shift", "days", "unparseable"]])),
        }
    }
    let node = &entry.value;
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
        Kind::Integer(0, _) => Err(node.problem("`days` is 0, and dates would stay")),
        Kind::Integer(days, _) if days.abs() <= 54_000 => Ok(*days),
        Kind::Integer(..) => Err(node.problem("`days` moves dates by more than 54000 days")),
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
            _ => return Err(unknown(entry, &[&["prefix", "width"]])),
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
            "on-leak" => rule.on_leak = one_of(value, "on-leak", &OnLeak::ALL)?,
            "min-length" => rule.min_length = value.count("min-length")?,
            _ => return Err(unknown(entry, &[&["on-leak", "min-length"]])),
        }
    }
    if (2..=64).contains(&rule.min_length) {
        Ok(rule)
    } else {
        Err(node.problem("`min-length` must be between 2 and 64"))
    }
}

fn one_of<T: Copy>(node: &Node, key: &str, words: &[(&'static str, T)]) -> Result<T, Problem> {
    let written = node.text(key)?;
    words
        .iter()
        .find(|(word, _)| *word == written)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let known = words
                .iter()
                .map(|(word, _)| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(" or ");
            node.problem(format!("`{key}` must be {known}"))
        })
}
