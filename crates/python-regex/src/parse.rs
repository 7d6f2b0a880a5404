//! Reads Python's notation (module `re`, Python 3.11), and refuses what Python refuses. Must never
//! panic, whatever the text, and never go deeper than a fixed number of groups.

use super::tree::{Greediness, Node, Width};

mod class_member;
mod escape;
mod group;
mod set;

/// Groups inside one another.
const DEEPEST: usize = 30;

/// Characters in an expression.
const LONGEST: usize = 32 << 10;

/// Flags in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
// Each is a switch of its own in the notation.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Flags {
    pub(super) ascii: bool,
    pub(super) ignore_case: bool,
    pub(super) multiline: bool,
    pub(super) dot_all: bool,
    pub(super) verbose: bool,
}

/// An expression that was read, with the names of its groups.
pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) names: Vec<(String, usize)>,
}

/// A group that was opened; its width is known when it is closed.
struct Group {
    width: Option<Width>,
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    groups: Vec<Group>,
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

pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let chars: Vec<char> = text.chars().take(LONGEST + 1).collect();
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
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
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
        return class_member::both_cases(c);
    }
    Node::Char(c)
}
