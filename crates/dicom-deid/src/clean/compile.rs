//! Settles what rules leave to the profile. Holds no step of the work itself.

use super::act::Act;
use super::apply::{Compiled, Target};
use super::date::{Shift, settled, span};
use super::jitter::Noise;
use super::output_name::{Entry, Names, Piece};
use super::private::PrivateName;
use super::substitute::{Group, Item, Substitutes};
use crate::profile::{Action, DicomRules, FileName, Rule, Selector, Substitution};

/// The rules of a profile, in order. Attributes that output names speak of count as named, so that
/// they are kept where what no rule names is removed.
pub(super) fn rules(dicom: &DicomRules) -> Vec<Compiled> {
    let named = dicom
        .filenames
        .iter()
        .enumerate()
        .flat_map(|(at, entry)| entry.tags().map(move |tag| (at, tag)));
    let kept = named.map(|(at, tag)| Compiled {
        name: format!("filenames[{at}]"),
        index: usize::MAX,
        target: Target::Tag(tag),
        act: Act::Keep,
    });
    dicom
        .fields
        .iter()
        .map(|each| rule(each, dicom))
        .chain(kept)
        .collect()
}

/// The output names of a profile, if it has any.
pub(super) fn names(dicom: &DicomRules) -> Option<Names> {
    let entries: Vec<Entry> = dicom
        .filenames
        .iter()
        .map(|each| name(each, dicom))
        .collect();
    (!entries.is_empty()).then_some(Names { entries })
}

fn name(entry: &FileName, rules: &DicomRules) -> Entry {
    let pieces = entry.groups.iter().map(|group| Piece {
        name: group.name.clone(),
        act: act(&group.action, rules),
    });
    Entry {
        regex: entry.regex.clone(),
        output: entry.output.clone(),
        pieces: pieces.collect(),
    }
}

fn rule(rule: &Rule, rules: &DicomRules) -> Compiled {
    let target = match &rule.selector {
        Selector::Tag(tag) => Target::Tag(*tag),
        Selector::Private {
            group,
            creator,
            element,
        } => Target::Private(PrivateName {
            group: *group,
            creator: creator.clone(),
            element: *element,
        }),
        Selector::Path(path) => Target::Path(path.clone()),
        Selector::Repeater { group, element } => Target::Repeater {
            group: *group,
            element: *element,
        },
        Selector::Regex(regex) => Target::Regex(regex.clone()),
    };
    Compiled {
        name: rule.describe(),
        index: rule.position.index,
        target,
        act: act(&rule.action, rules),
    }
}

/// An action with every option settled.
fn act(action: &Action, rules: &DicomRules) -> Act {
    let by = |days: &Option<f64>| span(days.or(rules.date_increment).unwrap_or_default());
    match action {
        Action::Keep => Act::Keep,
        Action::Remove => Act::Remove,
        Action::ReplaceWith { value, insert } => Act::Replace {
            value: value.clone(),
            insert: rules.inserts(*insert),
        },
        Action::Hash => Act::Hash,
        Action::HashUid => Act::HashUid,
        Action::IncrementDate {
            days,
            format,
            jitter,
        } => Act::Shift(Shift {
            by: by(days),
            format: format.as_ref().unwrap_or(&rules.date_format).clone(),
            with_time: false,
            jitter: jitter.clone(),
            between: (None, None),
        }),
        Action::IncrementDateTime {
            days,
            format,
            jitter,
            bounds,
        } => Act::Shift(Shift {
            by: by(days),
            format: format.as_ref().unwrap_or(&rules.datetime_format).clone(),
            with_time: true,
            jitter: jitter.clone(),
            between: settled(bounds),
        }),
        Action::Jitter(jitter) => Act::Jitter(Noise::new(jitter, rules.jitter_range)),
        Action::RegexSub(items) => Act::Substitute(Substitutes {
            items: items.iter().map(|item| substitution(item, rules)).collect(),
        }),
        Action::Encrypt => Act::Encrypt,
        Action::Decrypt => Act::Decrypt,
    }
}

fn substitution(item: &Substitution, rules: &DicomRules) -> Item {
    let groups = item.groups.iter().map(|group| Group {
        name: group.name.clone(),
        tag: group.tag,
        act: act(&group.action, rules),
    });
    Item {
        regex: item.regex.clone(),
        output: item.output.clone(),
        groups: groups.collect(),
    }
}
