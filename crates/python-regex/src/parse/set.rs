//! Classes: `[...]`.

use super::class_member::{Member, range};
use super::{Flags, Parser};
use crate::tree::{Class, Item, Node};

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
