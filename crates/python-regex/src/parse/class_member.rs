//! The members of classes, as the items of the tree.

use super::Flags;
use crate::tree::{Category, Class, Item, Node};

/// A member of a class.
pub(super) enum Member {
    Char(char),
    /// A category, or its complement.
    Category(Category, bool),
}

impl Member {
    /// As items of a class.
    pub(super) fn items(&self, flags: Flags) -> Vec<Item> {
        match self {
            Self::Char(c) => range(*c, *c, flags),
            Self::Category(of, not) => category(*of, *not, flags.ascii),
        }
    }
}

/// A range; under the flags `a` and `i` with the other case of its ASCII letters.
pub(super) fn range(from: char, to: char, flags: Flags) -> Vec<Item> {
    let mut items = vec![Item::Range(from, to)];
    if flags.ascii && flags.ignore_case {
        let letters = ('A'..='Z')
            .chain('a'..='z')
            .filter(|c| (from..=to).contains(c));
        items.extend(
            letters
                .map(other_case)
                .map(|c| Item::Range(c, c)),
        );
    }
    items
}

fn other_case(c: char) -> char {
    if c.is_ascii_uppercase() {
        c.to_ascii_lowercase()
    } else {
        c.to_ascii_uppercase()
    }
}

pub(super) fn both_cases(c: char) -> Node {
    Node::Class(Class {
        not: false,
        items: [c, other_case(c)]
            .map(|c| Item::Range(c, c))
            .to_vec(),
    })
}

/// A category as items; under the flag `a` only what ASCII has of it.
fn category(category: Category, not: bool, ascii: bool) -> Vec<Item> {
    if !ascii {
        return vec![Item::Category(category, not)];
    }
    let ranges: &[(char, char)] = match category {
        Category::Digit => &[('0', '9')],
        Category::Space => &[('\t', '\r'), (' ', ' ')],
        Category::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
    };
    if !not {
        return ranges
            .iter()
            .map(|(from, to)| Item::Range(*from, *to))
            .collect();
    }
    let step = |c: char, by: i32| {
        char::from_u32(u32::from(c).saturating_add_signed(by)).unwrap_or_default()
    };
    let mut items = Vec::new();
    let mut from = '\0';
    for (first, last) in ranges {
        items.push(Item::Range(from, step(*first, -1)));
        from = step(*last, 1);
    }
    items.push(Item::Range(from, char::MAX));
    items
}
