//! Escapes: a backslash and what follows it.

use super::class_member::Member;
use super::{Flags, Parser, literal};
use crate::tree::{Category, Class, Node};

impl Parser {
    /// An escape outside of classes.
    pub(super) fn escape(&mut self, flags: Flags) -> Result<Node, String> {
        let Some(c) = self.next() else {
            return Err(self.error("the expression ends in a single backslash"));
        };
        Ok(match c {
            'A' => Node::Start { of_line: false },
            'Z' => Node::VeryEnd,
            'b' | 'B' => Node::Boundary {
                not: c == 'B',
                ascii: flags.ascii,
            },
            '0' => {
                let code = self.octal(0, 2);
                literal(char::from_u32(code).unwrap_or_default(), flags)
            }
            '1'..='9' => return self.number(c, flags),
            c => match self.common(c)? {
                Member::Char(c) => literal(c, flags),
                member @ Member::Category(..) => Node::Class(Class {
                    not: false,
                    items: member.items(flags),
                }),
            },
        })
    }

    /// An escape inside a class.
    pub(super) fn member(&mut self) -> Result<Member, String> {
        let Some(c) = self.next() else {
            return Err(self.error("the expression ends in a single backslash"));
        };
        match c {
            'b' => Ok(Member::Char('\x08')),
            '0'..='7' => {
                let code = self.octal(c.to_digit(8).unwrap_or_default(), 2);
                self.in_octal_range(code)
                    .map(Member::Char)
            }
            c => self.common(c),
        }
    }

    /// Escapes that mean the same inside a class and outside.
    fn common(&mut self, c: char) -> Result<Member, String> {
        Ok(Member::Char(match c {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            'd' | 'D' => return Ok(Member::Category(Category::Digit, c == 'D')),
            's' | 'S' => return Ok(Member::Category(Category::Space, c == 'S')),
            'w' | 'W' => return Ok(Member::Category(Category::Word, c == 'W')),
            'N' => {
                return Err(self.error(
                    "`\\N{...}` is not supported; write the character, or \\u and four hex digits",
                ));
            }
            c if c.is_ascii_alphanumeric() => {
                return Err(self.error(&format!("`\\{c}` means nothing")));
            }
            c => c,
        }))
    }

    fn octal(&mut self, first: u32, most: usize) -> u32 {
        let mut code = first;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                break;
            };
            code = code * 8 + digit;
            self.at += 1;
        }
        code
    }

    fn in_octal_range(&self, code: u32) -> Result<char, String> {
        let character = char::from_u32(code).filter(|_| code <= 0o377);
        character.ok_or_else(|| self.error("an octal escape is at most \\377"))
    }

    fn hex(&mut self, digits: usize) -> Result<char, String> {
        let mut code = 0_u32;
        for _ in 0..digits {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                return Err(self.error(&format!("an escape that needs {digits} hex digits")));
            };
            code = code
                .checked_mul(16)
                .unwrap_or(u32::MAX - 15)
                | digit;
            self.at += 1;
        }
        char::from_u32(code).ok_or_else(|| self.error("an escape that stands for no character"))
    }

    /// `\12`: a group's text, or a character if there are three octal digits.
    fn number(&mut self, first: char, flags: Flags) -> Result<Node, String> {
        let mut digits = first.to_string();
        if let Some(second) = self.peek().filter(char::is_ascii_digit) {
            self.at += 1;
            digits.push(second);
            if let Some(third) = self.peek().filter(|third| {
                digits
                    .chars()
                    .chain([*third])
                    .all(|c| c.is_digit(8))
            }) {
                self.at += 1;
                digits.push(third);
                let code = u32::from_str_radix(&digits, 8).unwrap_or(u32::MAX);
                return Ok(literal(self.in_octal_range(code)?, flags));
            }
        }
        self.back(digits.parse().unwrap_or(usize::MAX), flags)
    }

    /// A reference back to a group.
    pub(super) fn back(&mut self, group: usize, flags: Flags) -> Result<Node, String> {
        let Some(found) = group
            .checked_sub(1)
            .and_then(|index| self.groups.get(index))
        else {
            return Err(self.error(&format!("there is no group {group} before this")));
        };
        let Some(width) = found.width else {
            return Err(self.error("a reference to a group from inside of it"));
        };
        if self
            .behind
            .is_some_and(|before| group > before)
        {
            return Err(self.error("a reference to a group of the same looking behind"));
        }
        if flags.ascii && flags.ignore_case {
            return Err(self.error("a reference back under the flags `a` and `i` is not supported"));
        }
        Ok(Node::Back(group, width))
    }
}
