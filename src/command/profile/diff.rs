//! `fwupload profile diff`: what two profiles mean differently.

use serde_json::{Value, json};

use crate::cli::DiffArgs;
use crate::exit::ExitStatus;
use crate::failure::Error;
use dicom_deid::profile::{ComparedProfile, Difference, compare};
use dicom_lossless::escape_for_terminal;

use super::super::say;
use super::selection::{ProfileSelection, SelectedProfile, governing, named};

/// Pairs of rules in another order that are listed one by one.
const MOST_ORDERS: usize = 20;

/// Compares two profiles: 0 where they mean the same, 3 where they do not.
pub fn run(args: &DiffArgs) -> Result<ExitStatus, Error> {
    let (first, second) = sides(args)?;
    let [a, b] = [&first, &second].map(|selected| ComparedProfile {
        document: &selected.document,
        profile: &selected.profile,
    });
    let differences = compare(a, b);
    if args.json {
        say(&record(&first, &second, &differences).to_string())?;
    } else {
        show(&first, &second, &differences)?;
    }
    Ok(if differences.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::SomeFailed
    })
}

/// Both profiles; the project's stands for the one that was not typed.
fn sides(args: &DiffArgs) -> Result<(SelectedProfile, SelectedProfile), Error> {
    let usage = |what: &str| {
        Err(Error::usage(
            what,
            "name two profiles, or one beside `--project`",
        ))
    };
    match (args.profiles.as_slice(), &args.project) {
        ([first, second], None) => Ok((named(first)?, named(second)?)),
        ([one], Some(project)) => Ok((
            governing(project, &args.connection).and_then(ProfileSelection::required)?,
            named(one)?,
        )),
        ([_, _], Some(_)) => usage("two profiles and `--project` are three to compare"),
        ([_], None) => usage("there is nothing to compare it with"),
        _ => usage("no profile is named"),
    }
}

fn show(
    first: &SelectedProfile,
    second: &SelectedProfile,
    differences: &[Difference],
) -> Result<(), Error> {
    if differences.is_empty() {
        let order = first.digest != second.digest && first.profile.name == second.profile.name;
        return say(if order {
            "equal in meaning: only the order of rules that never meet differs"
        } else {
            "equal in meaning"
        });
    }
    for (mark, selected) in [("---", first), ("+++", second)] {
        say(&format!(
            "{mark} {} ({}) {}",
            selected.origin, selected.level, selected.digest
        ))?;
    }
    let (orders, others): (Vec<_>, Vec<_>) = differences
        .iter()
        .partition(|d| matches!(d, Difference::Order { .. }));
    let shown = others.into_iter().chain(
        orders
            .iter()
            .copied()
            .take(MOST_ORDERS),
    );
    shown
        .map(line)
        .try_for_each(|line| say(&escape_for_terminal(&line)))?;
    match orders
        .len()
        .saturating_sub(MOST_ORDERS)
    {
        0 => Ok(()),
        more => say(&format!(
            "~ and {more} more pairs of rules in another order"
        )),
    }
}

fn line(difference: &Difference) -> String {
    match difference {
        Difference::Setting {
            key,
            values: Some((a, b)),
        } => format!("~ {key}: {a} -> {b}"),
        Difference::Setting { key, values: None } => format!("~ {key}: differs (not shown)"),
        Difference::Only {
            first,
            field,
            options,
        } => format!("{} {field}: {options}", if *first { '-' } else { '+' }),
        Difference::Changed {
            field,
            options: (a, b),
            by_settings: false,
        } => format!("~ {field}: {a} -> {b}"),
        Difference::Changed {
            field,
            options: (a, b),
            by_settings: true,
        } => {
            format!("~ {field}: {a} -> {b} (written alike; the profile's settings differ)")
        }
        Difference::Order { earlier, later } => {
            format!("~ order: {earlier} before {later} -> {later} before {earlier}")
        }
    }
}

fn record(first: &SelectedProfile, second: &SelectedProfile, differences: &[Difference]) -> Value {
    let difference = |difference: &Difference| match difference {
        Difference::Setting { key, values } => {
            let (a, b) = values.clone().unzip();
            json!({ "what": "setting", "key": key, "a": a, "b": b })
        }
        Difference::Only {
            first,
            field,
            options,
        } => {
            json!({ "what": if *first { "only-in-a" } else { "only-in-b" }, "field": field, "options": options })
        }
        Difference::Changed {
            field,
            options: (a, b),
            by_settings,
        } => {
            json!({ "what": "changed", "field": field, "a": a, "b": b, "by_settings": by_settings })
        }
        Difference::Order { earlier, later } => {
            json!({ "what": "order", "a": [earlier, later], "b": [later, earlier] })
        }
    };
    let all: Vec<_> = differences
        .iter()
        .map(difference)
        .collect();
    json!({ "type": "diff", "v": 1, "equal": all.is_empty(), "a": first.record(), "b": second.record(), "differences": all })
}
