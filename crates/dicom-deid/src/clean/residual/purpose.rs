//! What a profile wants to stand in what is sent: elements that it keeps by name, and values that
//! it states.
//!
//! Owns the reading of selectors for this one question. It acts on nothing.

use std::collections::HashSet;

use crate::clean::private::PrivateName;
use crate::profile::{
    Action, Confidentiality, DecisionSource, DicomRules, ItemChoice, Scalar, Selector,
};
use crate::standard;
use crate::standard::confidentiality::ActionCode;
use dicom_lossless::{DataSet, Element, Tag, VR};

/// The intentions of a profile.
pub(super) struct Purpose {
    kept: Vec<Selector>,
    everywhere: bool,
    table: Option<Confidentiality>,
    stated: HashSet<String>,
}

impl Purpose {
    pub(super) fn of(dicom: &DicomRules) -> Self {
        let kept = dicom
            .fields
            .iter()
            .filter(|rule| rule.action == Action::Keep)
            .map(|rule| rule.selector.clone());
        let stated = dicom.fields.iter().filter_map(|rule| match &rule.action {
            Action::ReplaceWith { value, .. } => Some(value.scalars()),
            _ => None,
        });
        let stated = stated.flatten().filter_map(|scalar| match scalar {
            Scalar::Text(text) => Some(text.trim().to_owned()),
            Scalar::Integer(_) | Scalar::Float(_) => None,
        });
        Self {
            kept: kept.collect(),
            everywhere: dicom.recurse_sequence,
            table: dicom.confidentiality.clone(),
            stated: stated.collect(),
        }
    }

    /// Whether the profile states this value, padding aside.
    pub(super) fn states(&self, value: &[u8]) -> bool {
        String::from_utf8_lossy(value)
            .trim_end_matches(['\0', ' '])
            .split('\\')
            .all(|value| self.stated.contains(value.trim()))
    }

    /// Whether the profile keeps an element by name, or by an option that keeps what the Basic
    /// Profile does not.
    pub(super) fn keeps(&self, items: &[(Tag, usize)], tag: Tag, data: &DataSet) -> bool {
        let by_option = |table: &Confidentiality| {
            let decision = table.decide(tag, standard::vr(tag).unwrap_or(VR::UN));
            decision.code == ActionCode::Keep
                && matches!(decision.source, DecisionSource::Option(_))
        };
        self.table.as_ref().is_some_and(by_option)
            || self
                .kept
                .iter()
                .any(|selector| selects(selector, items, tag, data, self.everywhere))
    }
}

fn selects(
    selector: &Selector,
    items: &[(Tag, usize)],
    tag: Tag,
    data: &DataSet,
    everywhere: bool,
) -> bool {
    let here = items.is_empty() || everywhere;
    match selector {
        Selector::Tag(kept) => here && *kept == tag,
        Selector::Path(path) => {
            let fits = |(kept, at): (&(Tag, ItemChoice), &(Tag, usize))| {
                kept.0 == at.0 && (kept.1 == ItemChoice::Every || kept.1 == ItemChoice::At(at.1))
            };
            path.leaf == tag
                && path.sequences.len() == items.len()
                && path.sequences.iter().zip(items).all(fits)
        }
        Selector::Repeater { group, element } => {
            here && tag.group() & 0xFF00 == *group
                && !standard::is_private(tag)
                && tag.element() == *element
        }
        Selector::Private { .. } => here && private(selector, items, tag, data),
        Selector::Regex(regex) => {
            let paths = [path(items, tag, &word), path(items, tag, &number)];
            paths
                .iter()
                .any(|path| regex.is_match_start(path).unwrap_or(false))
        }
    }
}

fn private(selector: &Selector, items: &[(Tag, usize)], tag: Tag, data: &DataSet) -> bool {
    let inside = items.iter().try_fold(data, |data, (sequence, index)| {
        data.get(*sequence)
            .and_then(Element::items)?
            .items
            .get(*index)
            .map(|item| &item.data)
    });
    let name = PrivateName::of(selector);
    inside
        .zip(name)
        .is_some_and(|(data, name)| name.tags(data).contains(&tag))
}

fn path(items: &[(Tag, usize)], tag: Tag, name: &dyn Fn(Tag) -> String) -> String {
    let steps = items
        .iter()
        .map(|(sequence, index)| format!("{}.{index}.", name(*sequence)));
    steps.chain([name(tag)]).collect()
}

fn number(tag: Tag) -> String {
    format!("{:04x}{:04x}", tag.group(), tag.element())
}

fn word(tag: Tag) -> String {
    standard::keyword(tag).map_or_else(|| number(tag), str::to_owned)
}
