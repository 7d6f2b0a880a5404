//! `filenames`: what it says, read and checked.

use dicom_core::Tag;
use serde_json::Value;

use super::model::DicomRules;
use super::substitution::{Group, Parts, canonical};
use super::template::Template;
use super::tree::{Node, Problem, shown};
use crate::standard;
use python_regex::PythonRegex;

/// One entry of `filenames`: which paths it is for, and the name that such a file gets.
#[derive(Debug, Clone, PartialEq)]
pub struct FileName {
    /// The name.
    pub output: Template,
    /// Matched from the start of the path below the folder that was named.
    pub regex: PythonRegex,
    /// What is done to captured pieces of the path.
    pub groups: Vec<Group>,
}

impl FileName {
    /// The attributes that its output names by keyword.
    pub fn tags(&self) -> impl Iterator<Item = Tag> {
        self.output
            .variables()
            .filter(|name| !self.regex.group_names().any(|group| group == *name))
            .filter_map(tag_of)
    }

    pub(super) fn canonical(&self, rules: &DicomRules) -> Value {
        canonical(&self.regex, &self.output, &self.groups, rules)
    }
}

/// The attribute that a variable names.
pub fn tag_of(variable: &str) -> Option<Tag> {
    standard::tag_of_keyword_any_case(variable).map(|(tag, _)| tag)
}

/// The list of `filenames`.
pub(super) fn read(value: &Node, rules: &DicomRules) -> Result<Vec<FileName>, Problem> {
    value
        .items("filenames")?
        .iter()
        .map(|item| entry(item, rules))
        .collect()
}

fn entry(item: &Node, rules: &DicomRules) -> Result<FileName, Problem> {
    let parts = Parts::read(item, "an entry of `filenames`", rules)?;
    if let Some(name) = parts
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
    if let Some(group) = parts
        .groups
        .iter()
        .find(|group| !parts.captures(&group.name))
    {
        let message = format!(
            "`{}` in `groups` is no group of the `input-regex`",
            shown(&group.name)
        );
        return Err(item
            .problem(message)
            .with_hint("attributes are taken as `fields` leave them: write a field for it"));
    }
    for name in parts
        .output
        .variables()
        .filter(|name| !parts.captures(name))
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
                let close = standard::close_keyword(name)
                    .map(|keyword| format!("did you mean `{keyword}`?"));
                return Err(item.problem(message).with_hint(
                    close.unwrap_or_else(|| "tags have no place in a name".to_owned()),
                ));
            }
        }
    }
    Ok(FileName {
        output: parts.output,
        regex: parts.regex,
        groups: parts.groups,
    })
}
