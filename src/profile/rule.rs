//! Reads one entry of `fields`.

use dicom_core::Tag;

use super::action::{Action, Replacement, Scalar};
use super::envelope_keys;
use super::jitter;
use super::model::{DicomRules, Position, Rule};
use super::read::{date_format, days, unknown};
use super::selector::{Selector, tag_of_number};
use super::substitution;
use super::tree::{Entry, Kind, Node, Problem, find, option, shown};
use crate::standard;
use python_regex::PythonRegex;

/// Actions.
const ACTIONS: &[&str] = &[
    "keep",
    "identity",
    "remove",
    "replace-with",
    "hash",
    "hashuid",
    "increment-date",
    "increment-datetime",
    "jitter",
    "regex-sub",
    "encrypt",
    "decrypt",
];

/// Options of actions.
const OPTIONS: &[&str] = &[
    "replace-with-insert",
    "date-increment-override",
    "date-format",
    "datetime-format",
    "jitter-date",
    "jitter-range",
    "jitter-unit",
    "jitter-type",
    "jitter-min",
    "jitter-max",
    "datetime-min",
    "datetime-max",
    "force-nonce",
];

/// The rule that an entry describes, and what the user should know about it.
pub(super) fn read(
    node: &Node,
    index: usize,
    rules: &DicomRules,
) -> Result<(Rule, Vec<String>), Problem> {
    let entries = node.entries(&format!("fields[{index}]"))?;
    known(entries)?;
    let (selector, at) = selector(node, entries, rules)?;
    let action = action(node, entries, rules)?;
    let line = Some(node.place.line).filter(|line| *line > 0);
    let rule = Rule {
        selector,
        action,
        position: Position { index, line },
    };
    check_fit(&rule, at)?;
    let idle = idle(&rule, entries, rules);
    if let (Some(_), Some(_)) = (&idle, &rules.confidentiality) {
        let message = format!(
            "{} has no action, and would keep what the Basic Profile does not",
            rule.describe()
        );
        return Err(node.problem(message).with_hint(
            "say what is to be done: `keep = true` if it is to stay, `remove = true`, ...",
        ));
    }
    let mut notes = notes(&rule, entries);
    notes.extend(idle.map(|why| format!("{} {why}", rule.describe())));
    notes.extend(envelope_keys::nonce(entries)?.then(envelope_keys::nonce_note));
    Ok((rule, notes))
}

/// Why a rule does nothing, where its author may have meant something else. A name alone keeps the
/// element, as at Flywheel, which is of use where the profile removes what no rule names.
fn idle(rule: &Rule, entries: &[Entry], rules: &DicomRules) -> Option<&'static str> {
    let names = rules.remove_undefined
        || (rules.remove_private_tags && matches!(rule.selector, Selector::Private { .. }));
    let acts = entries
        .iter()
        .any(|entry| ACTIONS.contains(&entry.key.as_str()));
    match &rule.action {
        Action::Keep if !acts && !names => {
            Some("has no action and no effect: what it names stays as it is")
        }
        Action::ReplaceWith {
            value: Replacement::Nothing,
            ..
        } => Some("has no effect: `null` replaces nothing, as at Flywheel"),
        _ => None,
    }
}

fn notes(rule: &Rule, entries: &[Entry]) -> Vec<String> {
    let mut notes = Vec::new();
    if rule
        .selector
        .leaf()
        .is_some_and(|tag| tag.group() == 0x0002)
        && rule.action != Action::Keep
    {
        let why =
            "has no effect: file meta information is written afresh and follows the cleaned data";
        notes.push(format!("{} {why}", rule.describe()));
    }
    if let Some(why) = jitter::without_effect(entries, rule.action.name()) {
        notes.push(format!("{}: {why}", rule.describe()));
    }
    notes
}

pub(super) fn known(entries: &[Entry]) -> Result<(), Problem> {
    for entry in entries {
        let key = entry.key.as_str();
        if !ACTIONS.contains(&key) && !OPTIONS.contains(&key) && key != "name" && key != "regex" {
            return Err(unknown(entry, &[&["name", "regex"], ACTIONS, OPTIONS]));
        }
    }
    Ok(())
}

fn selector<'a>(
    node: &Node,
    entries: &'a [Entry],
    rules: &DicomRules,
) -> Result<(Selector, &'a Node), Problem> {
    let (selector, value) = match (find(entries, "name"), find(entries, "regex")) {
        (Some(name), None) => (named(&name.value)?, &name.value),
        (None, Some(regex)) => {
            let compiled = PythonRegex::new(regex.value.text("regex")?);
            (
                Selector::Regex(
                    compiled.map_err(|why| regex.value.problem(format!("`regex`: {why}")))?,
                ),
                &regex.value,
            )
        }
        (Some(_), Some(both)) => {
            return Err(Problem::new(
                both.place,
                "a field has either `name` or `regex`, not both",
            ));
        }
        (None, None) => return Err(node.problem("a field needs a `name` or a `regex`")),
    };
    if rules.recurse_sequence && matches!(selector, Selector::Path(_) | Selector::Regex(_)) {
        let message = "paths and `regex` do not go with `recurse-sequence`: every rule acts in \
            all items already";
        return Err(value.problem(message).with_hint("name the attribute alone"));
    }
    Ok((selector, value))
}

fn named(value: &Node) -> Result<Selector, Problem> {
    match &value.kind {
        Kind::Text(text) => Selector::parse(text).map_err(|error| {
            let problem = value.problem(error.message);
            error
                .hint
                .map_or(problem.clone(), |hint| problem.with_hint(hint))
        }),
        Kind::Integer(number, spelling) => numbered(*number, spelling.as_deref(), value),
        Kind::Unquoted(what) => Err(value
            .problem(format!("`name` is {what}"))
            .with_hint("put it in quotes")),
        _ => Err(value.problem(format!("`name` must be text, not {}", value.describe()))),
    }
}

/// An integer as `name`. YAML reads `00100010` as an octal number, which is another tag; Flywheel's
/// engine then leaves `PatientName` as it is and says nothing. JSON that was made from such YAML
/// holds the same wrong number.
fn numbered(number: i64, spelling: Option<&str>, value: &Node) -> Result<Selector, Problem> {
    let tag = u32::try_from(number).ok().map(tag_of_number);
    let in_hex = spelling.is_some_and(|spelling| spelling.starts_with("0x"));
    let octal = format!("{number:08o}");
    let intended = match spelling {
        Some(spelling) => spelling,
        None => octal.as_str(),
    };
    match tag {
        Some(tag) if in_hex && tag.group() > 0 => return Ok(Selector::Tag(tag)),
        Some(tag) if spelling.is_none() && standard::keyword(tag).is_some() => {
            return Ok(Selector::Tag(tag));
        }
        _ => {}
    }
    let problem = value.problem(format!("`name` is the number {number}, which is no tag"));
    Err(match Selector::parse(intended) {
        Ok(meant) => {
            let message = match tag {
                Some(tag) => format!(
                    "is read as a number and would mean ({:04X},{:04X})",
                    tag.group(),
                    tag.element()
                ),
                None => "is read as a number".to_owned(),
            };
            let message = format!("`name: {}` {message}, not {meant}", shown(intended));
            value
                .problem(message)
                .with_hint(format!("write \"{}\" in quotes", shown(intended)))
        }
        Err(_) => problem.with_hint("put the tag in quotes, as eight hex digits"),
    })
}

/// The one action of a field; a name alone keeps the element.
pub(super) fn action(
    node: &Node,
    entries: &[Entry],
    rules: &DicomRules,
) -> Result<Action, Problem> {
    let mut actions = entries
        .iter()
        .filter(|entry| ACTIONS.contains(&entry.key.as_str()));
    let first = actions.next();
    if let (Some(_), Some(second)) = (first, actions.next()) {
        return Err(Problem::new(
            second.place,
            format!("a field has one action: `{}` is a second one", second.key),
        ));
    }
    let Some(entry) = first else {
        if entries.len() > 1 {
            return Err(node.problem("a field with options needs an action"));
        }
        return Ok(Action::Keep);
    };
    let key = entry.key.as_str();
    if !matches!(key, "replace-with" | "regex-sub") && !matches!(entry.value.kind, Kind::Bool(true))
    {
        return Err(entry.value.problem(format!(
            "`{key}` must be true; leave the line out if it is not wanted"
        )));
    }
    only_options(entries, key)?;
    Ok(match key {
        "remove" => Action::Remove,
        "hash" => Action::Hash,
        "hashuid" => Action::HashUid,
        "replace-with" => Action::ReplaceWith {
            value: replacement(&entry.value)?,
            insert: option(entries, "replace-with-insert", Node::flag)?,
        },
        "encrypt" => Action::Encrypt,
        "decrypt" => Action::Decrypt,
        "regex-sub" => Action::RegexSub(substitution::read(&entry.value, rules)?),
        "jitter" => Action::Jitter(jitter::read_jitter(entries, rules.jitter_range)?),
        "increment-date" => Action::IncrementDate {
            days: shift(entry, entries, rules)?,
            format: option(entries, "date-format", date_format)?,
            jitter: jitter::read_date_jitter(entries)?,
        },
        "increment-datetime" => Action::IncrementDateTime {
            days: shift(entry, entries, rules)?,
            format: option(entries, "datetime-format", date_format)?,
            jitter: jitter::read_date_jitter(entries)?,
            bounds: jitter::read_bounds(entries)?,
        },
        _ => Action::Keep,
    })
}

/// Refuses options of another action: they would do nothing.
fn only_options(entries: &[Entry], action: &str) -> Result<(), Problem> {
    let own: &[&str] = match action {
        "replace-with" => &["replace-with-insert"],
        "encrypt" => &["force-nonce"],
        "jitter" => &["jitter-range", "jitter-type", "jitter-min", "jitter-max"],
        "increment-date" => &[
            "date-increment-override",
            "date-format",
            "jitter-date",
            "jitter-range",
            "jitter-unit",
            "datetime-min",
            "datetime-max",
        ],
        "increment-datetime" => &[
            "date-increment-override",
            "datetime-format",
            "jitter-date",
            "jitter-range",
            "jitter-unit",
            "datetime-min",
            "datetime-max",
        ],
        _ => &[],
    };
    match entries
        .iter()
        .find(|entry| OPTIONS.contains(&entry.key.as_str()) && !own.contains(&entry.key.as_str()))
    {
        Some(entry) => Err(Problem::new(
            entry.place,
            format!("`{}` does not go with `{action}`", entry.key),
        )),
        None => Ok(()),
    }
}

/// The field's own days; without them the profile must have some.
fn shift(action: &Entry, entries: &[Entry], rules: &DicomRules) -> Result<Option<f64>, Problem> {
    let own = option(entries, "date-increment-override", days)?;
    if own.is_none() && rules.date_increment.is_none() {
        return Err(
            Problem::new(action.place, format!("`{}` needs days to add", action.key)).with_hint(
                "set `date-increment` for the profile or `date-increment-override` for the field",
            ),
        );
    }
    Ok(own)
}

fn replacement(value: &Node) -> Result<Replacement, Problem> {
    Ok(match &value.kind {
        Kind::Null => Replacement::Nothing,
        Kind::Text(text) if text.is_empty() => Replacement::Empty,
        Kind::List(items) if items.is_empty() => Replacement::Empty,
        Kind::List(items) => Replacement::List(items.iter().map(scalar).collect::<Result<_, _>>()?),
        _ => Replacement::One(scalar(value)?),
    })
}

fn scalar(value: &Node) -> Result<Scalar, Problem> {
    let quotes = |what: &str| {
        Err(value
            .problem(format!("`replace-with` is {what}"))
            .with_hint("put it in quotes"))
    };
    match &value.kind {
        Kind::Text(text) => Ok(Scalar::Text(text.clone())),
        Kind::Integer(number, Some(spelling))
            if spelling.trim_start_matches('+') != number.to_string() =>
        {
            quotes(&format!(
                "written {} and read as the number {number}",
                shown(spelling)
            ))
        }
        Kind::Integer(number, _) => Ok(Scalar::Integer(*number)),
        Kind::Float(number) if number.is_finite() => Ok(Scalar::Float(*number)),
        Kind::Bool(flag) => quotes(&format!("read as {flag}, which is no DICOM value")),
        _ => quotes(value.describe()),
    }
}

/// Refuses an action that can never work on the attribute that the field names.
fn check_fit(rule: &Rule, at: &Node) -> Result<(), Problem> {
    let Some(tag) = rule.selector.leaf() else {
        return Ok(());
    };
    let pixels = matches!(tag, Tag(0x7FE0, 0x0008..=0x0010)) && rule.selector.tag().is_some();
    if pixels && !matches!(rule.action, Action::Keep | Action::Remove) {
        return Err(at.problem(format!(
            "`{}` does not apply to {}",
            rule.action.name(),
            standard::name_of(tag)
        )));
    }
    // An absolute private number may be anything. Hashing a UID named by number gives text that is
    // no UID, which Flywheel does as well and authors may count on.
    let lenient = standard::is_private(tag)
        || (rule.action == Action::Hash
            && !matches!(&at.kind, Kind::Text(text) if is_keyword(text)));
    match standard::vr(tag)
        .filter(|_| !lenient)
        .and_then(|vr| rule.action.misfit(vr))
    {
        Some(why) => Err(at.problem(format!("{}: {why}", standard::name_of(tag)))),
        None => Ok(()),
    }
}

fn is_keyword(text: &str) -> bool {
    let leaf = text.trim().rsplit('.').next().unwrap_or_default();
    standard::tag_of_keyword_any_case(leaf).is_some()
}
