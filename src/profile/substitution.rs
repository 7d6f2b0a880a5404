//! `regex-sub`: what it says, read and checked.

use dicom_core::Tag;
use serde_json::{Value, json};

use super::action::{Action, Replacement};
use super::model::DicomRules;
use super::rule;
use super::template::Template;
use super::tree::{Entry, Node, Problem, find, shown};
use crate::standard;
use python_regex::PythonRegex;

/// One item of `regex-sub`: what it matches, and what is written then.
#[derive(Debug, Clone, PartialEq)]
pub struct Substitution {
    /// Matched from the start of the value.
    pub regex: PythonRegex,
    /// The new value.
    pub output: Template,
    /// What is done to the variables of the output.
    pub groups: Vec<Group>,
}

/// What is done to one variable of an output.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The variable.
    pub name: String,
    /// The attribute that has this name as its keyword.
    pub tag: Option<Tag>,
    /// What is done to the captured text, or to the attribute's value.
    pub action: Action,
}

impl Substitution {
    /// The attributes beside its own that it may read.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        self.groups.iter().filter_map(|group| group.tag)
    }

    pub(super) fn canonical(&self, rules: &DicomRules) -> Value {
        canonical(&self.regex, &self.output, &self.groups, rules)
    }
}

/// An item of `regex-sub` or `filenames` in one fixed form.
pub(super) fn canonical(
    regex: &PythonRegex,
    output: &Template,
    groups: &[Group],
    rules: &DicomRules,
) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|group| {
            json!([
                group.name,
                group.action.name(),
                rules.canonical_action(&group.action)
            ])
        })
        .collect();
    json!([regex.as_str(), output.as_str(), groups])
}

/// The list of a `regex-sub` field.
pub(super) fn read(value: &Node, rules: &DicomRules) -> Result<Vec<Substitution>, Problem> {
    let items = value.items("regex-sub")?;
    if items.is_empty() {
        return Err(value
            .problem("`regex-sub` has no item, so it matches no value and every file would fail"));
    }
    items.iter().map(|item| substitution(item, rules)).collect()
}

fn substitution(item: &Node, rules: &DicomRules) -> Result<Substitution, Problem> {
    let parts = Parts::read(item, "an item of `regex-sub`", rules)?;
    for group in &parts.groups {
        if group.tag.is_none() && !parts.captures(&group.name) {
            let message = format!(
                "`{}` is neither a group of the `input-regex` nor a keyword",
                shown(&group.name)
            );
            return Err(item.problem(message).with_hint(
                "name a group `(?P<name>...)` of the regular expression, or a keyword",
            ));
        }
    }
    for name in parts.output.variables() {
        if !parts.captures(name) && !parts.groups.iter().any(|group| group.name == name) {
            return Err(unknown_variable(item, name));
        }
    }
    Ok(Substitution {
        regex: parts.regex,
        output: parts.output,
        groups: parts.groups,
    })
}

/// What items of `regex-sub` and of `filenames` have alike.
pub(super) struct Parts {
    pub(super) regex: PythonRegex,
    pub(super) output: Template,
    pub(super) groups: Vec<Group>,
}

const KEYS: &[&str] = &["input-regex", "output", "groups"];

impl Parts {
    pub(super) fn read(item: &Node, what: &str, rules: &DicomRules) -> Result<Self, Problem> {
        let entries = item.entries(what)?;
        if let Some(entry) = entries
            .iter()
            .find(|entry| !KEYS.contains(&entry.key.as_str()))
        {
            return Err(super::read::unknown(entry, &[KEYS]));
        }
        let needed = |key: &str| {
            let missing = || item.problem(format!("{what} needs `{key}`"));
            find(entries, key)
                .filter(|entry| !entry.value.is_null())
                .map(|entry| &entry.value)
                .ok_or_else(missing)
        };
        let (regex, output) = (needed("input-regex")?, needed("output")?);
        let compiled = PythonRegex::new(regex.text("input-regex")?);
        let template = Template::new(output.text("output")?);
        Ok(Self {
            regex: compiled.map_err(|why| regex.problem(format!("`input-regex`: {why}")))?,
            output: template.map_err(|why| output.problem(format!("`output`: {why}")))?,
            groups: groups(find(entries, "groups"), rules)?,
        })
    }

    pub(super) fn captures(&self, name: &str) -> bool {
        self.regex.group_names().any(|group| group == name)
    }
}

fn unknown_variable(item: &Node, name: &str) -> Problem {
    let problem = item.problem(format!(
        "nothing says what `{{{}}}` in the `output` stands for",
        shown(name)
    ));
    match standard::tag_of_keyword_any_case(name) {
        Some(_) => problem.with_hint(format!(
            "add `{{name: {name}, keep: true}}`, or another action, to its `groups`"
        )),
        None => problem.with_hint(
            "name a group `(?P<name>...)` of the `input-regex`, or an entry of `groups`",
        ),
    }
}

fn groups(entry: Option<&Entry>, rules: &DicomRules) -> Result<Vec<Group>, Problem> {
    let Some(entry) = entry.filter(|entry| !entry.value.is_null()) else {
        return Ok(Vec::new());
    };
    let mut groups: Vec<Group> = Vec::new();
    for node in entry.value.items("groups")? {
        let group = group(node, rules)?;
        if groups.iter().any(|other| other.name == group.name) {
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
    let entries = node.entries("an entry of `groups`")?;
    rule::known(entries)?;
    if let Some(regex) = find(entries, "regex") {
        return Err(Problem::new(
            regex.place,
            "an entry of `groups` has a `name`, no `regex`",
        ));
    }
    let Some(name) = find(entries, "name") else {
        return Err(node.problem("an entry of `groups` needs a `name`"));
    };
    let text = name.value.text("name")?.trim();
    let tag = standard::tag_of_keyword_any_case(text).map(|(tag, _)| tag);
    if tag.is_some_and(|tag| tag.group() == 0x0002) {
        return Err(name
            .value
            .problem("file meta information is written afresh and has nothing to read"));
    }
    let action = rule::action(node, entries, rules)?;
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

#[cfg(test)]
mod tests;
