//! Reads one entry of `fields` or `filenames`: its selector, its action, and the options of the
//! action.

use dicom_core::Tag;
use python_regex::PythonRegex;

use super::super::action::{
    Action, DateBound, DateBounds, DateJitter, Group, Jitter, JitterUnit, Replacement, Scalar,
    Substitution, Template, tag_of,
};
use super::super::date_format::DateFormat;
use super::super::model::{DicomRules, Position, Rule};
use super::super::selector::{Selector, tag_of_number};
use super::super::tree::{Entry, Node, NodeKind, Problem, find, option, shown};
use super::super::vocabulary::{ACTIONS, FIELD, SUBSTITUTION};
use super::{date_format, days, envelope_keys};
use crate::standard;

/// The range of `jitter-date` where the field states none.
const DEFAULT_DATE_RANGE: u32 = 10;
/// No calendar and no measurement needs more.
const LARGEST_RANGE: f64 = 1e15;

/// The rule that an entry describes, and what the user should know about it.
pub fn read(node: &Node, index: usize, rules: &DicomRules) -> Result<(Rule, Vec<String>), Problem> {
    let entries = FIELD.entries(node, &format!("fields[{index}]"))?;
    let (selector, at) = selector(node, entries, rules)?;
    let action = action(node, entries, rules)?;
    let line = Some(node.position.line).filter(|line| *line > 0);
    let rule = Rule {
        selector,
        action,
        position: Position { index, line },
    };
    check_fit(&rule, at)?;
    let idle = idle(&rule, entries, rules);
    if idle.is_some() && rules.confidentiality.is_some() {
        let message = format!(
            "{} has no action, and would keep what the Basic Profile does not",
            rule.describe()
        );
        return Err(node.problem(message).with_hint(
            "say what is to be done: `keep = true` if it is to stay, `remove = true`, ...",
        ));
    }
    let of_meta = rule
        .selector
        .leaf()
        .is_some_and(|tag| tag.group() == 0x0002);
    let afresh = (of_meta && rule.action != Action::Keep).then_some(
        " has no effect: file meta information is written afresh and follows the cleaned data",
    );
    let notes = [afresh, without_effect(entries, rule.action.name()), idle]
        .into_iter()
        .flatten()
        .map(|why| format!("{}{why}", rule.describe()))
        .chain(envelope_keys::nonce_note(entries)?)
        .collect();
    Ok((rule, notes))
}

/// Why a rule does nothing, where its author may have meant something else. A name alone keeps the
/// element, as at Flywheel, which is of use where the profile removes what no rule names.
fn idle(rule: &Rule, entries: &[Entry], rules: &DicomRules) -> Option<&'static str> {
    let names = rules.remove_undefined
        || (rules.remove_private_tags && matches!(rule.selector, Selector::Private { .. }));
    let acts = entries
        .iter()
        .any(|entry| options_of(&entry.key).is_some());
    match &rule.action {
        Action::Keep if !acts && !names => {
            Some(" has no action and no effect: what it names stays as it is")
        }
        Action::ReplaceWith {
            value: Replacement::Nothing,
            ..
        } => Some(" has no effect: `null` replaces nothing, as at Flywheel"),
        _ => None,
    }
}

fn selector<'a>(
    node: &Node,
    entries: &'a [Entry],
    rules: &DicomRules,
) -> Result<(Selector, &'a Node), Problem> {
    let (selector, value) = match (find(entries, "name"), find(entries, "regex")) {
        (Some(name), None) => (named(&name.value)?, &name.value),
        (None, Some(regex)) => (
            Selector::Regex(expression(&regex.value, "regex")?),
            &regex.value,
        ),
        (Some(_), Some(both)) => {
            return Err(both.problem("a field has either `name` or `regex`, not both"));
        }
        (None, None) => return Err(node.problem("a field needs a `name` or a `regex`")),
    };
    if rules.recurse_sequence && matches!(selector, Selector::Path(_) | Selector::Regex(_)) {
        let message = "paths and `regex` do not go with `recurse-sequence`: every rule acts in \
            all items already";
        return Err(value
            .problem(message)
            .with_hint("name the attribute alone"));
    }
    Ok((selector, value))
}

fn named(value: &Node) -> Result<Selector, Problem> {
    match &value.kind {
        NodeKind::Text(text) => Selector::parse(text).map_err(|error| error.at(value.position)),
        NodeKind::Integer(number, spelling) => numbered(*number, spelling.as_deref(), value),
        NodeKind::Unquoted(what) => Err(value
            .problem(format!("`name` is {what}"))
            .with_hint("put it in quotes")),
        _ => Err(value.problem(format!("`name` must be text, not {}", value.describe()))),
    }
}

/// An integer as `name`. YAML reads `00100010` as an octal number, which is another tag; Flywheel's
/// engine then leaves `PatientName` as it is and says nothing. JSON that was made from such YAML
/// holds the same wrong number.
fn numbered(number: i64, spelling: Option<&str>, value: &Node) -> Result<Selector, Problem> {
    let tag = u32::try_from(number)
        .ok()
        .map(tag_of_number);
    let is_meant = |tag: &Tag| match spelling {
        Some(spelling) => spelling.starts_with("0x") && tag.group() > 0,
        None => standard::keyword(*tag).is_some(),
    };
    if let Some(tag) = tag.filter(is_meant) {
        return Ok(Selector::Tag(tag));
    }
    let octal = format!("{number:08o}");
    let written = spelling.unwrap_or(&octal);
    let Ok(intended) = Selector::parse(written) else {
        return Err(value
            .problem(format!("`name` is the number {number}, which is no tag"))
            .with_hint("put the tag in quotes, as eight hex digits"));
    };
    let written = shown(written);
    let meaning = tag
        .map(|tag| format!(" and would mean {tag}"))
        .unwrap_or_default();
    let message = format!("`name: {written}` is read as a number{meaning}, not {intended}");
    Err(value
        .problem(message)
        .with_hint(format!("write \"{written}\" in quotes")))
}

/// The one action of a field; a name alone keeps the element.
fn action(node: &Node, entries: &[Entry], rules: &DicomRules) -> Result<Action, Problem> {
    let mut actions = entries
        .iter()
        .filter(|entry| options_of(&entry.key).is_some());
    let first = actions.next();
    if let (Some(_), Some(second)) = (first, actions.next()) {
        let key = &second.key;
        return Err(second.problem(format!("a field has one action: `{key}` is a second one")));
    }
    let Some(entry) = first else {
        if entries.len() > 1 {
            return Err(node.problem("a field with options needs an action"));
        }
        return Ok(Action::Keep);
    };
    let key = entry.key.as_str();
    if !matches!(key, "replace-with" | "regex-sub")
        && !matches!(entry.value.kind, NodeKind::Bool(true))
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
        "regex-sub" => Action::RegexSub(substitutions(&entry.value, rules)?),
        "jitter" => Action::Jitter(read_jitter(entries, rules.jitter_range)?),
        "increment-date" => Action::Shift {
            with_time: false,
            days: shift(entry, entries, rules)?,
            format: option(entries, "date-format", date_format)?,
            jitter: read_date_jitter(entries)?,
            bounds: DateBounds::default(),
        },
        "increment-datetime" => Action::Shift {
            with_time: true,
            days: shift(entry, entries, rules)?,
            format: option(entries, "datetime-format", date_format)?,
            jitter: read_date_jitter(entries)?,
            bounds: read_bounds(entries)?,
        },
        _ => Action::Keep,
    })
}

/// The options that go with an action; none where the key is no action.
fn options_of(action: &str) -> Option<&'static [&'static str]> {
    let known = ACTIONS
        .iter()
        .find(|(known, _)| *known == action)?;
    Some(known.1)
}

/// Refuses options of another action: they would do nothing.
fn only_options(entries: &[Entry], action: &str) -> Result<(), Problem> {
    let own = options_of(action).unwrap_or_default();
    let foreign = |entry: &&Entry| {
        let key = entry.key.as_str();
        !own.contains(&key)
            && ACTIONS
                .iter()
                .any(|(_, options)| options.contains(&key))
    };
    match entries.iter().find(foreign) {
        Some(entry) => Err(entry.problem(format!("`{}` does not go with `{action}`", entry.key))),
        None => Ok(()),
    }
}

/// The field's own days; without them the profile must have some.
fn shift(action: &Entry, entries: &[Entry], rules: &DicomRules) -> Result<Option<f64>, Problem> {
    let own = option(entries, "date-increment-override", days)?;
    if own.is_none() && rules.date_increment.is_none() {
        let problem = action.problem(format!("`{}` needs days to add", action.key));
        return Err(problem.with_hint(
            "set `date-increment` for the profile or `date-increment-override` for the field",
        ));
    }
    Ok(own)
}

fn replacement(value: &Node) -> Result<Replacement, Problem> {
    Ok(match &value.kind {
        NodeKind::Null => Replacement::Nothing,
        NodeKind::Text(text) if text.is_empty() => Replacement::Empty,
        NodeKind::List(items) if items.is_empty() => Replacement::Empty,
        NodeKind::List(items) => Replacement::List(
            items
                .iter()
                .map(scalar)
                .collect::<Result<_, _>>()?,
        ),
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
        NodeKind::Text(text) => Ok(Scalar::Text(text.clone())),
        NodeKind::Integer(number, Some(spelling))
            if spelling.trim_start_matches('+') != number.to_string() =>
        {
            quotes(&format!(
                "written {} and read as the number {number}",
                shown(spelling)
            ))
        }
        NodeKind::Integer(number, _) => Ok(Scalar::Integer(*number)),
        NodeKind::Float(number) if number.is_finite() => Ok(Scalar::Float(*number)),
        NodeKind::Bool(flag) => quotes(&format!("read as {flag}, which is no DICOM value")),
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
            && !matches!(&at.kind, NodeKind::Text(text) if is_keyword(text)));
    match standard::vr(tag)
        .filter(|_| !lenient)
        .and_then(|vr| rule.action.misfit(vr))
    {
        Some(why) => Err(at.problem(format!("{}: {why}", standard::name_of(tag)))),
        None => Ok(()),
    }
}

fn is_keyword(text: &str) -> bool {
    let leaf = text
        .trim()
        .rsplit('.')
        .next()
        .unwrap_or_default();
    standard::tag_of_keyword_any_case(leaf).is_some()
}

/// The options of `jitter`.
fn read_jitter(entries: &[Entry], profile_range: f64) -> Result<Jitter, Problem> {
    let kind = find(entries, "jitter-type").filter(|entry| !entry.value.is_null());
    let whole = match kind.map(|entry| (entry, &entry.value.kind)) {
        None => false,
        Some((_, NodeKind::Text(text))) if text == "float" => false,
        Some((_, NodeKind::Text(text))) if text == "int" => true,
        Some((entry, _)) => {
            return Err(entry
                .value
                .problem("`jitter-type` must be float or int"));
        }
    };
    let jitter = Jitter {
        range: option(entries, "jitter-range", range)?,
        whole,
        min: option(entries, "jitter-min", Node::number)?,
        max: option(entries, "jitter-max", Node::number)?,
    };
    if whole
        && jitter
            .range
            .unwrap_or(profile_range)
            < 1.0
    {
        let entry = find(entries, "jitter-range").or(kind);
        let position = entry
            .map(|entry| entry.position)
            .unwrap_or_default();
        let message = "`jitter-range` must be 1 or more where whole numbers are drawn";
        return Err(Problem::new(message).at(position));
    }
    Ok(jitter)
}

/// A range: a number above 0. With 0 no number could be drawn that is not 0.
pub fn range(value: &Node, key: &str) -> Result<f64, Problem> {
    let range = value.number(key)?.abs();
    if range > 0.0 && range < LARGEST_RANGE {
        Ok(range)
    } else {
        Err(value.problem(format!("`{key}` must be more than 0")))
    }
}

/// The options of `jitter-date`; none where it is off.
fn read_date_jitter(entries: &[Entry]) -> Result<Option<DateJitter>, Problem> {
    let unit = option(entries, "jitter-unit", Node::one_of)?.unwrap_or(JitterUnit::Days);
    let range = option(entries, "jitter-range", date_range)?.unwrap_or(DEFAULT_DATE_RANGE);
    let on = option(entries, "jitter-date", Node::flag)?.unwrap_or(false);
    Ok(on.then_some(DateJitter { range, unit }))
}

fn date_range(value: &Node, key: &str) -> Result<u32, Problem> {
    let range = value.number(key)?.abs().trunc();
    if (1.0..=f64::from(u32::MAX)).contains(&range) {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Checked above.
        Ok(range as u32)
    } else {
        Err(value.problem(format!("`{key}` must be a whole number of 1 or more")))
    }
}

/// `datetime-min` and `datetime-max`.
fn read_bounds(entries: &[Entry]) -> Result<DateBounds, Problem> {
    Ok(DateBounds {
        min: option(entries, "datetime-min", bound)?,
        max: option(entries, "datetime-max", bound)?,
    })
}

/// `yyyymmdd`, or `+3years`, `-2weeks`, `+10days`: a year has 365.25 days.
fn bound(value: &Node, key: &str) -> Result<DateBound, Problem> {
    let wrong = || {
        let problem = value.problem(format!(
            "`{key}` must be yyyymmdd, or a sign, a number and years, weeks or days"
        ));
        problem.with_hint("for example \"20000101\" or \"-5years\", in quotes")
    };
    let text = value
        .text(key)
        .map_err(|_| wrong())?;
    if let Some(span) = text.strip_prefix(['+', '-']) {
        let unit = span.trim_start_matches(|c: char| c.is_ascii_digit());
        let amount: f64 = span
            .strip_suffix(unit)
            .unwrap_or_default()
            .parse()
            .map_err(|_| wrong())?;
        let each = match unit {
            "years" => 365.25,
            "weeks" => 7.0,
            "days" => 1.0,
            _ => return Err(wrong()),
        };
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        let span = NodeKind::Float(sign * amount * each);
        return days(&Node::new(span, value.position), key).map(DateBound::FromToday);
    }
    let format = DateFormat::new("%Y%m%d").map_err(|_| wrong())?;
    format
        .parse(text)
        .map(|day| DateBound::On(day.date()))
        .ok_or_else(wrong)
}

/// Options that are written and have no effect, as in Flywheel's engine.
fn without_effect(entries: &[Entry], action: &str) -> Option<&'static str> {
    let has = |key| find(entries, key).is_some_and(|entry| !entry.value.is_falsy());
    if action == "increment-date" && (has("datetime-min") || has("datetime-max")) {
        return Some(": `datetime-min` and `datetime-max` have no effect on `increment-date`");
    }
    let idle = action.starts_with("increment-")
        && !has("jitter-date")
        && (has("jitter-range") || has("jitter-unit"));
    idle.then_some(": `jitter-range` and `jitter-unit` have no effect without `jitter-date: true`")
}

/// The list of a `regex-sub` field.
fn substitutions(value: &Node, rules: &DicomRules) -> Result<Vec<Substitution>, Problem> {
    let items = value.items("regex-sub")?;
    if items.is_empty() {
        return Err(value
            .problem("`regex-sub` has no item, so it matches no value and every file would fail"));
    }
    items
        .iter()
        .map(|item| of_value(item, rules))
        .collect()
}

/// An item of `regex-sub`.
fn of_value(item: &Node, rules: &DicomRules) -> Result<Substitution, Problem> {
    let read = substitution(item, "an item of `regex-sub`", rules)?;
    let stray = |group: &&Group| group.tag.is_none() && !read.captures(&group.name);
    if let Some(group) = read.groups.iter().find(stray) {
        let message = format!(
            "`{}` is neither a group of the `input-regex` nor a keyword",
            shown(&group.name)
        );
        return Err(item
            .problem(message)
            .with_hint("name a group `(?P<name>...)` of the regular expression, or a keyword"));
    }
    let explained = |name: &&str| {
        read.captures(name)
            || read
                .groups
                .iter()
                .any(|group| group.name == *name)
    };
    if let Some(name) = read
        .output
        .variables()
        .find(|name| !explained(name))
    {
        return Err(unknown_variable(item, name));
    }
    Ok(read)
}

/// What items of `regex-sub` and of `filenames` have alike.
fn substitution(item: &Node, what: &str, rules: &DicomRules) -> Result<Substitution, Problem> {
    let entries = SUBSTITUTION.entries(item, what)?;
    let needed = |key: &str| {
        item.given(key)
            .ok_or_else(|| item.problem(format!("{what} needs `{key}`")))
    };
    let (regex, output) = (needed("input-regex")?, needed("output")?);
    let template = Template::new(output.text("output")?);
    Ok(Substitution {
        regex: expression(regex, "input-regex")?,
        output: template.map_err(|why| output.problem(format!("`output`: {why}")))?,
        groups: groups(find(entries, "groups"), rules)?,
    })
}

fn expression(value: &Node, key: &str) -> Result<PythonRegex, Problem> {
    PythonRegex::new(value.text(key)?).map_err(|why| value.problem(format!("`{key}`: {why}")))
}

fn unknown_variable(item: &Node, name: &str) -> Problem {
    let hint = if tag_of(name).is_some() {
        format!("add `{{name: {name}, keep: true}}`, or another action, to its `groups`")
    } else {
        "name a group `(?P<name>...)` of the `input-regex`, or an entry of `groups`".to_owned()
    };
    item.problem(format!(
        "nothing says what `{{{}}}` in the `output` stands for",
        shown(name)
    ))
    .with_hint(hint)
}

fn groups(entry: Option<&Entry>, rules: &DicomRules) -> Result<Vec<Group>, Problem> {
    let Some(entry) = entry.filter(|entry| !entry.value.is_null()) else {
        return Ok(Vec::new());
    };
    let mut groups: Vec<Group> = Vec::new();
    for node in entry.value.items("groups")? {
        let group = group(node, rules)?;
        if groups
            .iter()
            .any(|other| other.name == group.name)
        {
            return Err(node.problem(format!(
                "`{}` has two entries in `groups`",
                shown(&group.name)
            )));
        }
        groups.push(group);
    }
    Ok(groups)
}

fn group(node: &Node, rules: &DicomRules) -> Result<Group, Problem> {
    let entries = FIELD.entries(node, "an entry of `groups`")?;
    if let Some(regex) = find(entries, "regex") {
        return Err(regex.problem("an entry of `groups` has a `name`, no `regex`"));
    }
    let Some(name) = find(entries, "name") else {
        return Err(node.problem("an entry of `groups` needs a `name`"));
    };
    let text = name.value.text("name")?.trim();
    let tag = tag_of(text);
    if tag.is_some_and(|tag| tag.group() == 0x0002) {
        return Err(name
            .value
            .problem("file meta information is written afresh and has nothing to read"));
    }
    let action = action(node, entries, rules)?;
    match action {
        Action::Encrypt | Action::Decrypt => Err(node.problem(format!(
            "`{}` acts on data elements and not on pieces of text",
            action.name()
        ))),
        Action::ReplaceWith {
            value: Replacement::List(_),
            ..
        } => Err(node.problem("`replace-with` takes one value here")),
        action => Ok(Group {
            name: text.to_owned(),
            tag,
            action,
        }),
    }
}

/// The list of `filenames`.
pub fn read_filenames(value: &Node, rules: &DicomRules) -> Result<Vec<Substitution>, Problem> {
    let items = value.items("filenames")?.iter();
    items
        .map(|item| filename(item, rules))
        .collect()
}

fn filename(item: &Node, rules: &DicomRules) -> Result<Substitution, Problem> {
    let read = substitution(item, "an entry of `filenames`", rules)?;
    if let Some(name) = read
        .regex
        .group_names()
        .find(|name| tag_of(name).is_some())
    {
        let message = format!(
            "the group `{}` of the `input-regex` has the name of a keyword",
            shown(name)
        );
        return Err(item
            .problem(message)
            .with_hint("give it another name: it is unclear which of the two is meant"));
    }
    if let Some(group) = read
        .groups
        .iter()
        .find(|group| !read.captures(&group.name))
    {
        let message = format!(
            "`{}` in `groups` is no group of the `input-regex`",
            shown(&group.name)
        );
        return Err(item
            .problem(message)
            .with_hint("attributes are taken as `fields` leave them: write a field for it"));
    }
    for name in read
        .output
        .variables()
        .filter(|name| !read.captures(name))
    {
        match tag_of(name) {
            Some(tag) if tag.group() != 0x0002 => {}
            Some(_) => return Err(item.problem("file meta information cannot be part of a name")),
            None => {
                let message = format!(
                    "`{{{}}}` in the `output` is neither a group of the `input-regex` nor a \
                        keyword",
                    shown(name)
                );
                let hint = standard::suggested_keyword(name).map_or_else(
                    || "tags cannot be part of a name".to_owned(),
                    |keyword| format!("did you mean `{keyword}`?"),
                );
                return Err(item
                    .problem(message)
                    .with_hint(hint));
            }
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests;
