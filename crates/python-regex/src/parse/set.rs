//! Classes: `[...]`.

use super::escape::Member;
use super::{Flags, Parser};
use crate::tree::{Category, Class, Item, Node};

impl Parser {
    /// A class, its bracket already read. `[`, `&&`, `--` and `~~` inside count as themselves.
    pub(super) fn set(&mut self, flags: Flags) -> Result<Node, String> {
        let not = self.eat('^');
        let mut items = Vec::new();
        loop {
            let Some(c) = self.next() else {
                return Err(self.error("a `[` without its `]`"));
            };
            if c == ']' && !items.is_empty() {
                break;
            }
            let from = if c == '\\' {
                self.member()?
            } else {
                Member::Char(c)
            };
            // A `-` before the closing bracket counts as itself.
            if self.peek() != Some('-') || self.chars.get(self.at + 1) == Some(&']') {
                items.extend(from.items(flags));
                continue;
            }
            self.at += 1;
            items.extend(self.range_from(&from, flags)?);
        }
        Ok(Node::Class(Class { not, items }))
    }

    fn range_from(&mut self, from: &Member, flags: Flags) -> Result<Vec<Item>, String> {
        let Some(c) = self.next() else {
            return Err(self.error("a `[` without its `]`"));
        };
        let to = if c == '\\' {
            self.member()?
        } else {
            Member::Char(c)
        };
        match (from, to) {
            (Member::Char(from), Member::Char(to)) if *from <= to => Ok(range(*from, to, flags)),
            _ => Err(self.error("a range in a class that is none")),
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
        items.extend(letters.map(other_case).map(|c| Item::Range(c, c)));
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
        items: [c, other_case(c)].map(|c| Item::Range(c, c)).to_vec(),
    })
}

/// A category as items; under the flag `a` only what ASCII has of it.
pub(super) fn category(category: Category, not: bool, ascii: bool) -> Vec<Item> {
    if !ascii {
        return vec![Item::Kind(category, not)];
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
