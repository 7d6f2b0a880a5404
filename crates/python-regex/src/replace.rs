//! What Python's `re.sub` puts in place of a match: text, escapes and references to groups. Refused
//! when it is read where Python refuses it.

use super::{PatternError, PythonRegex, Span};

/// What is put in place of a match, for one expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

impl PythonRegex {
    /// Reads what is to be put in place of this expression's matches.
    pub fn replacement(&self, text: &str) -> Result<Replacement, PatternError> {
        let mut reader = Reader {
            regex: self,
            rest: text,
            pieces: Vec::new(),
        };
        while let Some(c) = reader.next() {
            if c == '\\' {
                reader
                    .escape()
                    .map_err(PatternError)?;
            } else {
                reader.push(c);
            }
        }
        Ok(Replacement(reader.pieces))
    }
}

impl Replacement {
    /// Writes it for one match, whose groups lie there in the text.
    pub(super) fn write(&self, text: &str, groups: &[Option<Span>], out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(group) => {
                    let found = groups
                        .get(*group)
                        .copied()
                        .flatten()
                        .and_then(|(from, to)| text.get(from..to));
                    out.push_str(found.unwrap_or_default());
                }
            }
        }
    }
}

struct Reader<'a> {
    regex: &'a PythonRegex,
    rest: &'a str,
    pieces: Vec<Piece>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    fn push(&mut self, c: char) {
        if let Some(Piece::Text(text)) = self.pieces.last_mut() {
            text.push(c);
        } else {
            self.pieces
                .push(Piece::Text(c.to_string()));
        }
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.next() else {
            return Err("the replacement ends in a single backslash".to_owned());
        };
        match c {
            'g' => return self.named(),
            '0'..='9' => return self.number(c),
            'a' => self.push('\x07'),
            'b' => self.push('\x08'),
            'f' => self.push('\x0c'),
            'n' => self.push('\n'),
            'r' => self.push('\r'),
            't' => self.push('\t'),
            'v' => self.push('\x0b'),
            '\\' => self.push('\\'),
            c if c.is_ascii_alphabetic() => {
                return Err(format!("`\\{c}` means nothing in a replacement"));
            }
            c => {
                self.push('\\');
                self.push(c);
            }
        }
        Ok(())
    }

    /// `\g<name>` or `\g<number>`.
    fn named(&mut self) -> Result<(), String> {
        let wrong = || "`\\g` needs the name of a group: `\\g<name>`".to_owned();
        let (name, rest) = self
            .rest
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .ok_or_else(wrong)?;
        self.rest = rest;
        let known = self
            .regex
            .inner
            .names
            .iter()
            .find(|(known, _)| known == name);
        let group = match known {
            Some((_, group)) => *group,
            None if !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_digit()) =>
            {
                return self.group(name.parse().unwrap_or(usize::MAX));
            }
            None => return Err("a reference to a group that there is not".to_owned()),
        };
        self.group(group)
    }

    /// `\1`, `\12`, or an octal escape.
    fn number(&mut self, first: char) -> Result<(), String> {
        let mut digits = first.to_string();
        let next = |rest: &str| rest.chars().next();
        let octal = |c: char| c.is_digit(8);
        if first == '0' {
            while digits.len() < 3
                && let Some(c) = next(self.rest).filter(|c| octal(*c))
            {
                digits.push(c);
                self.next();
            }
            return self.character(&digits);
        }
        if let Some(second) = next(self.rest).filter(char::is_ascii_digit) {
            digits.push(second);
            self.next();
            let third = next(self.rest).filter(|c| octal(*c));
            if let Some(third) = third.filter(|_| digits.chars().all(octal)) {
                digits.push(third);
                self.next();
                return self.character(&digits);
            }
        }
        self.group(digits.parse().unwrap_or(usize::MAX))
    }

    fn character(&mut self, octal: &str) -> Result<(), String> {
        let code = u32::from_str_radix(octal, 8).unwrap_or(u32::MAX);
        let character = char::from_u32(code).filter(|_| code <= 0o377);
        self.push(character.ok_or("an octal escape is at most \\377")?);
        Ok(())
    }

    fn group(&mut self, group: usize) -> Result<(), String> {
        if group > self.regex.inner.groups {
            return Err("a reference to a group that there is not".to_owned());
        }
        self.pieces
            .push(Piece::Group(group));
        Ok(())
    }
}
