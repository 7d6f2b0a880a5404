//! Reads Python's notation (module `re`, Python 3.11), and refuses what Python refuses. Must never
//! panic, whatever the text, and never go deeper than a fixed number of groups.

use super::tree::{Category, Class, Greediness, Item, Node, Width};

mod group;

/// Groups inside one another.
const DEEPEST: usize = 30;

/// Characters in an expression.
const LONGEST: usize = 32 << 10;

/// Flags in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
// Each is a switch of its own in the notation.
#[allow(clippy::struct_excessive_bools)]
pub struct Flags {
    pub ascii: bool,
    pub ignore_case: bool,
    pub multiline: bool,
    pub dot_all: bool,
    pub verbose: bool,
}

/// An expression that was read, with the names of its groups.
pub struct Parsed {
    pub node: Node,
    pub names: Vec<(String, usize)>,
    /// The number of groups, with names and without.
    pub groups: usize,
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    /// The groups that were opened; the width of one is known when it is closed.
    groups: Vec<Option<Width>>,
    names: Vec<(String, usize)>,
    depth: usize,
    /// The number of groups where the outermost look-behind began.
    behind: Option<usize>,
}

/// The piece before a repetition.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Position,
    Repeated,
    Item,
}

pub fn parse(text: &str) -> Result<Parsed, String> {
    let chars: Vec<char> = text
        .chars()
        .take(LONGEST + 1)
        .collect();
    if chars.len() > LONGEST {
        return Err(format!(
            "the expression is longer than {LONGEST} characters"
        ));
    }
    let mut parser = Parser {
        chars,
        at: 0,
        groups: Vec::new(),
        names: Vec::new(),
        depth: 0,
        behind: None,
    };
    let flags = parser.leading_flags()?;
    let node = parser.choice(flags)?;
    if parser.peek().is_some() {
        return Err(parser.error("a `)` without its `(`"));
    }
    let node = if flags.ignore_case && !flags.ascii {
        Node::Fold(true, Box::new(node))
    } else {
        node
    };
    Ok(Parsed {
        node,
        names: parser.names,
        groups: parser.groups.len(),
    })
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn eat_all(&mut self, wanted: &str) -> bool {
        let rest = self.chars.iter().skip(self.at);
        let found = wanted.chars().count() <= rest.len()
            && wanted
                .chars()
                .zip(rest)
                .all(|(a, b)| a == *b);
        self.at += if found { wanted.chars().count() } else { 0 };
        found
    }

    fn error(&self, what: &str) -> String {
        format!("{what}, at character {}", self.at.max(1))
    }

    /// `a|b|c`, up to a closing bracket or the end.
    fn choice(&mut self, flags: Flags) -> Result<Node, String> {
        let mut branches = vec![self.sequence(flags)?];
        while self.eat('|') {
            branches.push(self.sequence(flags)?);
        }
        Ok(if branches.len() == 1 {
            branches.remove(0)
        } else {
            Node::Choice(branches)
        })
    }

    fn sequence(&mut self, flags: Flags) -> Result<Node, String> {
        let mut pieces: Vec<Node> = Vec::new();
        let mut last = Last::Nothing;
        while let Some(c) = self
            .peek()
            .filter(|c| !matches!(c, '|' | ')'))
        {
            self.at += 1;
            if flags.verbose && self.skipped(c) {
                continue;
            }
            if let Some((min, max)) = self.quantifier(c)? {
                let inner = match last {
                    Last::Nothing | Last::Position => return Err(self.error("nothing to repeat")),
                    Last::Repeated => return Err(self.error("a repetition of a repetition")),
                    Last::Item => pieces.pop().unwrap_or(Node::EMPTY),
                };
                let kind = self.greediness();
                pieces.push(Node::Repeat {
                    inner: Box::new(inner),
                    min,
                    max,
                    kind,
                });
                last = Last::Repeated;
            } else if let Some(node) = self.item(c, flags)? {
                let position = matches!(
                    node,
                    Node::Start { .. } | Node::End { .. } | Node::VeryEnd | Node::Boundary { .. }
                );
                // In a group of its own such a position may be repeated.
                last = if position && c != '(' {
                    Last::Position
                } else {
                    Last::Item
                };
                pieces.push(node);
            }
        }
        Ok(if pieces.len() == 1 {
            pieces.remove(0)
        } else {
            Node::Sequence(pieces)
        })
    }

    /// Blanks and comments of the verbose notation.
    fn skipped(&mut self, c: char) -> bool {
        if c == '#' {
            while !matches!(self.next(), None | Some('\n')) {}
        }
        matches!(c, '#' | ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
    }

    fn greediness(&mut self) -> Greediness {
        if self.eat('?') {
            Greediness::Lazy
        } else if self.eat('+') {
            Greediness::Possessive
        } else {
            Greediness::Greedy
        }
    }

    /// The limits of a repetition, if this is a quantifier; any other brace is a literal.
    fn quantifier(&mut self, c: char) -> Result<Option<(u32, Option<u32>)>, String> {
        Ok(Some(match c {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            '{' => {
                let here = self.at;
                let found = self.braces()?;
                if found.is_none() {
                    self.at = here;
                }
                return Ok(found);
            }
            _ => return Ok(None),
        }))
    }

    fn braces(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        if self.peek() == Some('}') {
            return Ok(None);
        }
        let min = self.digits();
        let max = if self.eat(',') {
            self.digits()
        } else {
            min.clone()
        };
        if !self.eat('}') {
            return Ok(None);
        }
        let number = |digits: &str| {
            digits
                .parse::<u32>()
                .ok()
                .filter(|number| *number <= 10_000)
        };
        let large = || "a repetition of more than 10000 times".to_owned();
        let least = if min.is_empty() {
            0
        } else {
            number(&min).ok_or_else(large)?
        };
        let most = if max.is_empty() {
            None
        } else {
            Some(number(&max).ok_or_else(large)?)
        };
        if most.is_some_and(|most| most < least) {
            return Err(self.error("the repetition's least is more than its most"));
        }
        Ok(Some((least, most)))
    }

    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(digit) = self
            .peek()
            .filter(char::is_ascii_digit)
        {
            digits.push(digit);
            self.at += 1;
        }
        digits
    }

    /// One item; none for a comment.
    fn item(&mut self, c: char, flags: Flags) -> Result<Option<Node>, String> {
        Ok(Some(match c {
            '\\' => self.escape(flags)?,
            '[' => self.set(flags)?,
            '.' => Node::Any {
                newline: flags.dot_all,
            },
            '^' => Node::Start {
                of_line: flags.multiline,
            },
            '$' => Node::End {
                of_line: flags.multiline,
            },
            '(' => return self.group(flags),
            c => literal(c, flags),
        }))
    }
}

/// A character; where case does not count and only ASCII has case, both cases of it.
fn literal(c: char, flags: Flags) -> Node {
    if flags.ignore_case && flags.ascii && c.is_ascii_alphabetic() {
        return both_cases(c);
    }
    Node::Char(c)
}

/// Escapes: a backslash and what follows it.
impl Parser {
    /// An escape outside of classes.
    fn escape(&mut self, flags: Flags) -> Result<Node, String> {
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
    fn member(&mut self) -> Result<Member, String> {
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
            let Some(digit) = self
                .peek()
                .and_then(|c| c.to_digit(8))
            else {
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
            let Some(digit) = self
                .peek()
                .and_then(|c| c.to_digit(16))
            else {
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
        if let Some(second) = self
            .peek()
            .filter(char::is_ascii_digit)
        {
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
    pub fn back(&mut self, group: usize, flags: Flags) -> Result<Node, String> {
        let width = match group
            .checked_sub(1)
            .and_then(|index| self.groups.get(index))
        {
            Some(Some(width)) => *width,
            Some(None) => return Err(self.error("a reference to a group from inside of it")),
            None => return Err(self.error(&format!("there is no group {group} before this"))),
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

/// Classes: `[...]`.
impl Parser {
    /// A class, its bracket already read. `[`, `&&`, `--` and `~~` inside count as themselves.
    fn set(&mut self, flags: Flags) -> Result<Node, String> {
        let not = self.eat('^');
        let mut items = Vec::new();
        loop {
            if !items.is_empty() && self.eat(']') {
                return Ok(Node::Class(Class { not, items }));
            }
            let from = self.class_member()?;
            // A `-` before the closing bracket counts as itself.
            if self.peek() != Some('-') || self.chars.get(self.at + 1) == Some(&']') {
                items.extend(from.items(flags));
                continue;
            }
            self.at += 1;
            match (from, self.class_member()?) {
                (Member::Char(from), Member::Char(to)) if from <= to => {
                    items.extend(range(from, to, flags));
                }
                _ => return Err(self.error("a range in a class that is none")),
            }
        }
    }

    fn class_member(&mut self) -> Result<Member, String> {
        match self.next() {
            Some('\\') => self.member(),
            Some(c) => Ok(Member::Char(c)),
            None => Err(self.error("a `[` without its `]`")),
        }
    }
}

/// A member of a class.
enum Member {
    Char(char),
    /// A category, or its complement.
    Category(Category, bool),
}

impl Member {
    /// As items of a class.
    fn items(&self, flags: Flags) -> Vec<Item> {
        match self {
            Self::Char(c) => range(*c, *c, flags),
            Self::Category(of, not) => category(*of, *not, flags.ascii),
        }
    }
}

/// A range; under the flags `a` and `i` with the other case of its ASCII letters.
fn range(from: char, to: char, flags: Flags) -> Vec<Item> {
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

fn both_cases(c: char) -> Node {
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
