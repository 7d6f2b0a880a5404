//! Which rules act on which attributes, at the top of the data set and in sequence items.

use std::sync::OnceLock;

use dicom_core::Tag;

use super::super::model::Rule;
use super::super::selector::Selector;
use crate::standard::confidentiality::TagPattern;
use crate::standard::{hex_digits, keyword, vr};
use python_regex::PythonRegex;

/// Ways into items, by keyword and by number, of any depth and any index. An expression that
/// matches behind all of them is taken to reach every item.
const WAYS: [(&str, &str); 5] = [
    ("RequestAttributesSequence.0.", "00400275.0."),
    ("ReferencedSeriesSequence.12.", "00081115.12."),
    (
        "SharedFunctionalGroupsSequence.0.PlanePositionSequence.0.",
        "52009229.0.00209113.0.",
    ),
    (
        "OriginalAttributesSequence.1.ModifiedAttributesSequence.0.",
        "04000561.1.04000550.0.",
    ),
    ("00091010.0.", "00091010.0."),
];

/// Representatives of all private elements: of several vendors' groups, in several blocks.
const PRIVATE: [Tag; 6] = [
    Tag(0x0009, 0x1001),
    Tag(0x0019, 0x100C),
    Tag(0x0029, 0x1120),
    Tag(0x0051, 0x10FF),
    Tag(0x2005, 0x140F),
    Tag(0x7FE1, 0x1010),
];

/// How often a rule acts on an attribute at the top of the data set.
pub(super) fn at_top(rule: &Rule, tag: Tag) -> usize {
    match &rule.selector {
        Selector::Regex(regex) => {
            let (keyword, number) = (keyword(tag), hex_digits(tag));
            let by_keyword = keyword.is_some_and(|keyword| matches(regex, keyword));
            usize::from(by_keyword) + usize::from(matches(regex, &number))
        }
        selector => usize::from(names(selector, tag)),
    }
}

/// How often a rule acts on an attribute in every item of every sequence.
pub(super) fn in_all_items(rule: &Rule, tag: Tag, recurse: bool) -> usize {
    match &rule.selector {
        Selector::Regex(regex) => WAYS
            .iter()
            .map(|way| behind(way, regex, tag))
            .min()
            .unwrap_or_default(),
        selector => usize::from(recurse && names(selector, tag)),
    }
}

fn names(selector: &Selector, tag: Tag) -> bool {
    match selector {
        Selector::Tag(named) => *named == tag,
        Selector::Repeater { group, element } => {
            tag.group() & 0xFF00 == *group && tag.element() == *element
        }
        _ => false,
    }
}

fn behind((keywords, numbers): &(&str, &str), regex: &PythonRegex, tag: Tag) -> usize {
    let by_keyword =
        keyword(tag).is_some_and(|keyword| matches(regex, &format!("{keywords}{keyword}")));
    usize::from(by_keyword) + usize::from(matches(regex, &format!("{numbers}{}", hex_digits(tag))))
}

/// An expression that is too much work to try fails every file, so nothing is missed by taking it
/// for no match.
fn matches(regex: &PythonRegex, path: &str) -> bool {
    regex
        .is_match_start(path)
        .unwrap_or(false)
}

/// Representatives of all attributes that a row covers.
pub(super) fn representatives(covers: TagPattern) -> Vec<Tag> {
    match covers {
        TagPattern::One(tag) => vec![tag],
        TagPattern::Repeating {
            group,
            element: Some(element),
        } => groups(group)
            .map(|group| Tag(group, element))
            .collect(),
        TagPattern::Repeating {
            group,
            element: None,
        } => groups(group)
            .flat_map(|group| {
                elements_of_curves()
                    .iter()
                    .map(move |element| Tag(group, *element))
            })
            .collect(),
        TagPattern::Private => PRIVATE.to_vec(),
    }
}

/// First, second and last of the sixteen groups that repeat.
fn groups(first: u16) -> impl Iterator<Item = u16> {
    [0, 2, 0x1E]
        .into_iter()
        .map(move |offset| first + offset)
}

/// The elements that the dictionary has in the groups of curves.
fn elements_of_curves() -> &'static [u16] {
    static ELEMENTS: OnceLock<Vec<u16>> = OnceLock::new();
    ELEMENTS.get_or_init(|| {
        (1..=0x3000)
            .filter(|element| vr(Tag(0x5000, *element)).is_some())
            .collect()
    })
}
