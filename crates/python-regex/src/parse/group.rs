//! Round brackets: groups, looking around, flags, comments.

use super::{DEEPEST, Flags, Parser};
use crate::tree::Node;

/// What a flag group says: to add, to take away.
type Change = (Vec<char>, Vec<char>);

impl Parser {
    /// `(?i)` at the start, which holds for the whole expression; comments may stand before it.
    pub fn leading_flags(&mut self) -> Result<Flags, String> {
        let mut flags = Flags::default();
        loop {
            let here = self.at;
            if flags.verbose
                && self
                    .peek()
                    .is_some_and(|c| self.blank(c))
            {
                continue;
            }
            if self.eat_all("(?#") {
                self.comment()?;
                continue;
            }
            if self.eat_all("(?")
                && self
                    .peek()
                    .is_some_and(|c| c.is_ascii_alphabetic() && c != 'P')
                && let (on, None) = self.flags()?
            {
                flags = flags.with(&on, &[]);
                continue;
            }
            self.at = here;
            return Ok(flags);
        }
    }

    fn blank(&mut self, c: char) -> bool {
        self.at += 1;
        let skipped = self.skipped(c);
        self.at -= usize::from(!skipped);
        skipped
    }

    /// A group, its bracket already read.
    pub fn group(&mut self, flags: Flags) -> Result<Option<Node>, String> {
        if !self.eat('?') {
            return self.capture(None, flags).map(Some);
        }
        let Some(c) = self.next() else {
            return Err(self.error("a `(` without its `)`"));
        };
        match c {
            ':' => self.inside(flags).map(Some),
            '>' => Ok(Some(Node::Atomic(Box::new(self.inside(flags)?)))),
            '=' | '!' => {
                let inner = Box::new(self.inside(flags)?);
                Ok(Some(Node::Look {
                    ahead: true,
                    not: c == '!',
                    inner,
                }))
            }
            '<' => self.behind(flags).map(Some),
            'P' => self.named(flags).map(Some),
            '#' => self.comment().map(|()| None),
            '(' => Err(self.error("a group that depends on another is not supported")),
            c if c == '-' || c.is_ascii_alphabetic() => {
                self.at -= 1;
                self.flagged(flags).map(Some)
            }
            _ => Err(self.error("an unknown kind of group")),
        }
    }

    /// What a group holds, and its closing bracket.
    fn inside(&mut self, flags: Flags) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(&format!("more than {DEEPEST} groups inside one another")));
        }
        let node = self.choice(flags)?;
        self.depth -= 1;
        if self.eat(')') {
            Ok(node)
        } else {
            Err(self.error("a `(` without its `)`"))
        }
    }

    fn capture(&mut self, name: Option<String>, flags: Flags) -> Result<Node, String> {
        self.groups.push(None);
        let number = self.groups.len();
        self.names
            .extend(name.map(|name| (name, number)));
        let node = self.inside(flags)?;
        if let Some(group) = self.groups.get_mut(number - 1) {
            *group = Some(node.width());
        }
        Ok(Node::Capture(number, Box::new(node)))
    }

    fn behind(&mut self, flags: Flags) -> Result<Node, String> {
        let not = match self.next() {
            Some('=') => false,
            Some('!') => true,
            _ => {
                return Err(
                    self.error("an unknown kind of group; Python writes names as (?P<name>...)")
                );
            }
        };
        let outer = self.behind;
        self.behind = outer.or(Some(self.groups.len()));
        let inner = Box::new(self.inside(flags)?);
        self.behind = outer;
        let (least, most) = inner.width();
        if least != most {
            return Err(self.error("looking behind needs text of one fixed length"));
        }
        Ok(Node::Look {
            ahead: false,
            not,
            inner,
        })
    }

    /// `(?P<name>...)` and `(?P=name)`.
    fn named(&mut self, flags: Flags) -> Result<Node, String> {
        match self.next() {
            Some('<') => {
                let name = self.name('>')?;
                if self
                    .names
                    .iter()
                    .any(|(other, _)| *other == name)
                {
                    return Err(self.error("two groups of the same name"));
                }
                self.capture(Some(name), flags)
            }
            Some('=') => {
                let name = self.name(')')?;
                match self
                    .names
                    .iter()
                    .find(|(other, _)| *other == name)
                {
                    Some((_, group)) => self.back(*group, flags),
                    None => Err(self.error("a reference to a name that no group before has")),
                }
            }
            _ => Err(self.error("an unknown kind of group")),
        }
    }

    fn name(&mut self, end: char) -> Result<String, String> {
        let mut name = String::new();
        loop {
            match self.next() {
                Some(c) if c == end && !name.is_empty() => return Ok(name),
                Some(c)
                    if c == '_' || c.is_alphabetic() || (c.is_numeric() && !name.is_empty()) =>
                {
                    name.push(c);
                }
                _ => {
                    return Err(self
                        .error("the name of a group is letters, digits and `_`, no digit first"));
                }
            }
        }
    }

    fn comment(&mut self) -> Result<(), String> {
        loop {
            match self.next() {
                Some(')') => return Ok(()),
                Some(_) => {}
                None => return Err(self.error("a comment without its `)`")),
            }
        }
    }

    /// `(?i:...)`.
    fn flagged(&mut self, flags: Flags) -> Result<Node, String> {
        let (on, Some(off)) = self.flags()? else {
            return Err(self.error(
                "flags for the whole expression stand at its start; (?i:...) is for a part",
            ));
        };
        let new = flags.with(&on, &off);
        let node = self.inside(new)?;
        let folds = |flags: Flags| flags.ignore_case && !flags.ascii;
        Ok(if folds(new) == folds(flags) {
            grouped(node)
        } else {
            Node::Fold(folds(new), Box::new(node))
        })
    }

    /// The letters up to `)`, or up to `:`, where there is a list to take away too.
    fn flags(&mut self) -> Result<(Vec<char>, Option<Vec<char>>), String> {
        let (mut on, mut off): Change = Default::default();
        let mut away = false;
        loop {
            match self.next() {
                Some(c @ ('a' | 'i' | 'm' | 's' | 'u' | 'x')) if !away => on.push(c),
                Some(c @ ('i' | 'm' | 's' | 'x')) => off.push(c),
                Some('-') if !away => away = true,
                Some(')') if !away && !on.is_empty() => return Ok((self.agreeing(on, &[])?, None)),
                Some(':') if !away || !off.is_empty() => {
                    return Ok((self.agreeing(on, &off)?, Some(off)));
                }
                _ => return Err(self.error("an unknown flag")),
            }
        }
    }

    fn agreeing(&self, on: Vec<char>, off: &[char]) -> Result<Vec<char>, String> {
        if on
            .iter()
            .any(|flag| off.contains(flag))
            || (on.contains(&'a') && on.contains(&'u'))
        {
            return Err(self.error("flags that contradict one another"));
        }
        Ok(on)
    }
}

/// Keeps a group apart, so that a repetition after it repeats all of it.
fn grouped(node: Node) -> Node {
    match node {
        Node::Sequence(_) | Node::Choice(_) => node,
        other => Node::Sequence(vec![other]),
    }
}

impl Flags {
    fn with(mut self, on: &[char], off: &[char]) -> Self {
        for (flags, value) in [(on, true), (off, false)] {
            for flag in flags {
                match flag {
                    'a' => self.ascii = value,
                    'u' => self.ascii = !value,
                    'i' => self.ignore_case = value,
                    'm' => self.multiline = value,
                    's' => self.dot_all = value,
                    _ => self.verbose = value,
                }
            }
        }
        self
    }
}
