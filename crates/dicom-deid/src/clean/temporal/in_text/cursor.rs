//! A place in a text, and what stands there.

use super::super::month;

#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    /// In bytes.
    pub(super) at: usize,
}

/// The number that a few digits write.
pub(super) fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |sum, digit| {
        sum.checked_mul(10)?
            .checked_add(u32::from(digit.wrapping_sub(b'0')))
    })
}

impl<'a> Cursor<'a> {
    fn rest(self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn before(self, bytes: usize) -> Option<u8> {
        self.text
            .as_bytes()
            .get(self.at.checked_sub(bytes)?)
            .copied()
    }

    pub(super) fn peek(self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(super) fn step(self, bytes: usize) -> Self {
        Self {
            at: self.at + bytes,
            ..self
        }
    }

    /// All digits from here on.
    pub(super) fn digits(self) -> &'a [u8] {
        let rest = self.rest();
        let count = rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len());
        rest.get(..count).unwrap_or_default()
    }

    /// The number here, if it has as many digits, and what follows it.
    pub(super) fn number(self, fewest: usize, most: usize) -> Option<(u32, Self)> {
        let digits = self.digits();
        if !(fewest..=most).contains(&digits.len()) {
            return None;
        }
        Some((number(digits)?, self.step(digits.len())))
    }

    /// The byte here, if it is one of these, and what follows it.
    pub(super) fn one_of(self, set: &[u8]) -> Option<(u8, Self)> {
        self.peek()
            .filter(|byte| set.contains(byte))
            .map(|byte| (byte, self.step(1)))
    }

    /// Past at most so many of these bytes.
    pub(super) fn skip(self, set: &[u8], most: usize) -> Self {
        let count = self
            .rest()
            .iter()
            .take(most)
            .take_while(|byte| set.contains(byte))
            .count();
        self.step(count)
    }

    /// The word here and what follows it.
    fn word(self) -> (&'a str, Self) {
        let rest = self.rest();
        let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
        let length = rest.iter().take_while(|byte| is_letter(byte)).count();
        (
            self.text.get(self.at..self.at + length).unwrap_or_default(),
            self.step(length),
        )
    }

    /// The month named here, and what follows the name and its full stop.
    pub(super) fn month(self) -> Option<(u32, Self)> {
        self.begins_month().then_some(())?;
        let (word, after) = self.word();
        Some((month::of_name(word)?, after.skip(b".", 1)))
    }

    /// Whether a month's name may begin here.
    pub(super) fn begins_month(self) -> bool {
        matches!(self.rest(), [first, second, ..] if month::may_begin(*first, *second))
    }

    /// Past this very word, if one of them stands here.
    fn past_word(self, words: &[&str]) -> Option<Self> {
        let (word, after) = self.word();
        words
            .iter()
            .any(|one| one.eq_ignore_ascii_case(word))
            .then_some(after)
    }

    /// Past what makes a number an ordinal: `19th`, `1er`.
    pub(super) fn ordinal(self) -> Self {
        match self.peek() {
            Some(byte) if b"snrteSNRTE".contains(&byte) || !byte.is_ascii() => self
                .past_word(&["st", "nd", "rd", "th", "er", "º", "ª"])
                .unwrap_or(self),
            _ => self,
        }
    }

    /// Past `of`, `de` or `del` and a space.
    pub(super) fn connective(self) -> Self {
        match self.peek() {
            Some(b'o' | b'O' | b'd' | b'D') => self
                .past_word(&["of", "de", "del"])
                .map_or(self, |after| after.skip(b" ", 1)),
            _ => self,
        }
    }

    pub(super) fn follows_digit(self) -> bool {
        self.before(1).is_some_and(|byte| byte.is_ascii_digit())
    }

    pub(super) fn follows_letter(self) -> bool {
        self.before(1)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
    }

    /// Whether a digit and this byte stand before.
    pub(super) fn follows_digit_and(self, separator: u8) -> bool {
        self.before(1) == Some(separator)
            && self.before(2).is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Whether a space follows.
    pub(super) fn precedes_space(self) -> bool {
        self.peek() == Some(b' ')
    }

    /// Past this text.
    pub(super) fn past(self, text: &str) -> Option<Self> {
        let here = self.rest().get(..text.len())?;
        here.eq_ignore_ascii_case(text.as_bytes())
            .then(|| self.step(text.len()))
    }
}
