//! Pieces that `regex-sub` and `filenames` pass on as they are.

use std::collections::BTreeSet;

use dicom_core::Tag;

use super::{Finding, Kind, Severity, Theme};
use crate::phi::escape_for_terminal;
use crate::profile::action::{Action, Replacement};
use crate::profile::filename::FileName;
use crate::profile::model::{DicomRules, Profile, Rule};
use crate::profile::substitution::{Group, Substitution};
use crate::profile::template::Template;
use crate::standard;
use python_regex::PythonRegex;

const PIECE: &str =
    "give the piece an action in `groups`, or let the expression match nothing but known words";
const COPY: &str = "give the attribute an action in `groups`, or let its own rule stand first";
const PATH: &str = "give the group an action in `groups`, or name files by attributes: folder \
    names often tell who it is";

pub(super) fn findings(profile: &Profile) -> Vec<Finding> {
    let rules = &profile.dicom;
    let mut found: Vec<Finding> = rules.fields.iter().filter_map(pieces).collect();
    found.extend(rules.fields.iter().flat_map(|rule| copies(rule, rules)));
    found.extend(rules.filenames.iter().flat_map(of_name));
    found
}

/// A rule that keeps captured pieces of a value.
fn pieces(rule: &Rule) -> Option<Finding> {
    let Action::RegexSub(substitutions) = &rule.action else {
        return None;
    };
    let passes = |one: &Substitution| {
        passed(&one.output, &one.groups, &one.regex)
            .next()
            .is_some()
    };
    let message = format!(
        "pieces of the original value stay as they are ({})",
        rule.place()
    );
    let subject = escape_for_terminal(&rule.selector.to_string());
    let finding =
        Finding::new(Kind::Text, Severity::Note, subject, message, PIECE).about(Theme::Text);
    substitutions.iter().any(passes).then_some(finding)
}

/// The identifying attributes whose original value a rule writes into another.
fn copies(rule: &Rule, rules: &DicomRules) -> Vec<Finding> {
    let Action::RegexSub(substitutions) = &rule.action else {
        return Vec::new();
    };
    let idle = substitutions
        .iter()
        .flat_map(|one| &one.groups)
        .filter(|group| is_idle(&group.action));
    let original = |tag: &Tag| {
        standard::attribute(*tag).is_some() && !rules.fate_before(*tag, rule).protects()
    };
    let tags: BTreeSet<Tag> = idle
        .filter_map(|group| group.tag)
        .filter(original)
        .collect();
    let copied = tags.into_iter().map(|tag| {
        let message = format!(
            "the original value of {} is written into it ({})",
            standard::name_of(tag),
            rule.place()
        );
        let subject = escape_for_terminal(&rule.selector.to_string());
        Finding::new(Kind::Text, Severity::Warning, subject, message, COPY).about(Theme::Text)
    });
    copied.collect()
}

fn of_name(name: &FileName) -> impl Iterator<Item = Finding> {
    passed(&name.output, &name.groups, &name.regex).map(|variable| {
        let message =
            format!("the piece `{variable}` of the path of a file goes into its name as it is");
        Finding::new(
            Kind::FileNames,
            Severity::Warning,
            format!("filenames ({variable})"),
            message,
            PATH,
        )
    })
}

/// The variables that stand for captured text and that nothing is done to.
fn passed<'a>(
    output: &'a Template,
    groups: &'a [Group],
    regex: &'a PythonRegex,
) -> impl Iterator<Item = &'a str> {
    let captured = |name: &&str| regex.group_names().any(|group| group == *name);
    output.variables().filter(captured).filter(|name| {
        groups
            .iter()
            .all(|group| group.name != *name || is_idle(&group.action))
    })
}

fn is_idle(action: &Action) -> bool {
    matches!(
        action,
        Action::Keep
            | Action::ReplaceWith {
                value: Replacement::Nothing,
                ..
            }
    )
}
