//! Where carrying rules out in the order of the document gives another result than Flywheel's
//! engine, which takes `regex-sub` fields first and the last of them before the others.

use dicom_core::Tag;

use super::action::{Action, Replacement};
use super::model::Rule;
use super::selector::Selector;
use crate::standard;

/// What the user should know about the order of these rules.
pub(super) fn notes(rules: &[Rule]) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        if !matches!(rule.action, Action::RegexSub(_)) {
            continue;
        }
        let before = rules.iter().take(at).filter(|earlier| changes(earlier));
        if let Some(earlier) = before.clone().find(|earlier| reads(rule, earlier)) {
            notes.push(format!(
                "{} reads what {} changes; Flywheel's engine would apply it first",
                rule.describe(),
                earlier.describe()
            ));
        } else if let Some(earlier) = before
            .filter(|earlier| is_substitution(earlier))
            .find(|earlier| reads(earlier, rule))
        {
            notes.push(format!(
                "{} changes what {} reads; Flywheel's engine would apply it first",
                rule.describe(),
                earlier.describe()
            ));
        }
    }
    notes
}

fn is_substitution(rule: &Rule) -> bool {
    matches!(rule.action, Action::RegexSub(_))
}

fn changes(rule: &Rule) -> bool {
    !matches!(
        rule.action,
        Action::Keep
            | Action::ReplaceWith {
                value: Replacement::Nothing,
                ..
            }
    )
}

/// Whether a substitution reads what another rule addresses.
fn reads(rule: &Rule, other: &Rule) -> bool {
    let Action::RegexSub(items) = &rule.action else {
        return false;
    };
    let variables = items
        .iter()
        .flat_map(super::substitution::Substitution::tags);
    let own = match &rule.selector {
        Selector::Tag(tag) => addresses(&other.selector, *tag),
        selector => selector.to_string() == other.selector.to_string(),
    };
    own || variables
        .into_iter()
        .any(|tag| addresses(&other.selector, tag))
}

/// Whether a selector addresses this attribute of the data set itself.
fn addresses(selector: &Selector, tag: Tag) -> bool {
    match selector {
        Selector::Tag(other) => *other == tag,
        Selector::Regex(regex) => {
            let number = format!("{:04x}{:04x}", tag.group(), tag.element());
            let matches = |path: &str| regex.is_match_start(path).unwrap_or(false);
            matches(&number) || standard::keyword(tag).is_some_and(matches)
        }
        Selector::Private { .. } | Selector::Path(_) | Selector::Repeater { .. } => false,
    }
}
