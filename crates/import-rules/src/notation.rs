//! The simple notation of patterns, and how it becomes a regular expression of Python: a dot is a
//! dot, a star any run without a slash, brackets hold what is optional.

use super::refusal::Refusal;

/// Options at the very end of a pattern: `!r`, `!i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Options {
    /// A regular expression as it stands.
    pub raw: bool,
    /// Case does not count.
    pub ignore_case: bool,
}

impl Options {
    /// The pattern without its options.
    pub fn split(text: &str) -> Result<(&str, Self), Refusal> {
        let none = (text, Self::default());
        let Some((pattern, letters)) = text.rsplit_once('!') else {
            return Ok(none);
        };
        if letters.is_empty()
            || !letters
                .bytes()
                .all(|byte| byte.is_ascii_lowercase())
        {
            return Ok(none);
        }
        if !letters
            .bytes()
            .all(|byte| matches!(byte, b'r' | b'i'))
        {
            return Err(Refusal::new(
                "the letters behind the last `!` are no options of a pattern",
            )
            .with_hint("options are `!r` and `!i`; a `!` that counts as itself is `\\!`"));
        }
        let options = Self {
            raw: letters.contains('r'),
            ignore_case: letters.contains('i'),
        };
        Ok((pattern, options))
    }
}

/// A UID of five numbers or more, with or without a prefix of letters and a dot.
const UID: &str = r"(?:[A-Za-z]{2,8}\.)?(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){4,}";

/// The expression of a piece of simple notation. In patterns of mappings `^` counts as itself.
pub(crate) fn translate(text: &str, literal_caret: bool) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let pairs = [
            ("\\uid", UID),
            ("\\[", "["),
            ("\\]", "]"),
            ("\\.", "."),
            ("\\*", "*"),
            ("**/", ".*"),
            ("*", "[^/]*"),
            (".", "\\."),
            ("[", "(?:"),
            ("]", ")?"),
        ];
        let carets = [("\\^", "^"), ("^", "\\^")];
        let found = pairs
            .iter()
            .chain(
                carets
                    .iter()
                    .filter(|_| literal_caret),
            )
            .find(|(written, _)| rest.starts_with(written));
        let taken = if let Some((written, becomes)) = found {
            out.push_str(becomes);
            written.len()
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = rest
            .get(taken..)
            .unwrap_or_default();
    }
    out
}

/// The expression with each `*` and `+` lazy, but for those that are escaped or already followed by
/// `?` or a count.
pub(crate) fn lazy(expression: &str) -> String {
    let mut out = String::with_capacity(expression.len() * 2);
    let mut chars = expression.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '\\' {
            out.extend(chars.next());
        } else if matches!(c, '*' | '+') && !matches!(chars.peek(), Some('?' | '{')) {
            out.push('?');
        }
    }
    out
}

/// Whether an expression has alternatives that no parentheses hold together.
pub(crate) fn has_open_alternatives(expression: &str) -> bool {
    let (mut depth, mut in_class) = (0_usize, false);
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            _ if in_class => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// The content of the first brackets in simple notation that look like a class of characters:
/// `[a-z]`, or brackets with a repetition behind them.
pub(crate) fn likely_class(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes.get(at) {
            Some(b'\\') => at += 1,
            Some(b'[') => {
                let end = text.get(at..)?.find(']')? + at;
                let inner = text.get(at + 1..end)?;
                let repeated = matches!(bytes.get(end + 1), Some(b'+' | b'*' | b'?' | b'{'));
                let ranges = ["a-z", "A-Z", "0-9"];
                let has_range = ranges
                    .iter()
                    .any(|range| inner.contains(range));
                let plain = !inner.contains(['{', '[', '/']);
                if plain && (has_range || repeated && bytes.get(end + 1) == Some(&b'+')) {
                    return Some(inner);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simple_notation_is_translated_in_one_pass() {
        for (simple, expression) in [
            ("a/**/c", "a/.*c"),
            ("*.dcm", r"[^/]*\.dcm"),
            ("[x]", "(?:x)?"),
            (r"\[ab\]", "[ab]"),
            (r"a\*", "a*"),
            (r"a\\*", r"a\*"),
            (r"a\.b", "a.b"),
            (r"\d+", r"\d+"),
            ("a**b", "a[^/]*[^/]*b"),
        ] {
            assert_eq!(translate(simple, false), expression, "{simple}");
        }
        assert_eq!(translate(r"a^b\^", true), r"a\^b^");
    }

    #[test]
    fn repetitions_of_mappings_take_as_little_as_they_can() {
        assert_eq!(lazy(r"\d+a*b+?c\*d*{2}"), r"\d+?a*?b+?c\*d*{2}");
    }

    #[test]
    fn options_stand_at_the_very_end() {
        let raw = Options {
            raw: true,
            ignore_case: true,
        };
        assert_eq!(Options::split("x!ri"), Ok(("x", raw)));
        assert_eq!(Options::split("x!"), Ok(("x!", Options::default())));
        assert_eq!(Options::split("x!R"), Ok(("x!R", Options::default())));
        assert!(Options::split("x!z").is_err());
    }

    #[test]
    fn brackets_that_look_like_a_class_are_found() {
        assert_eq!(likely_class("[a-z]+"), Some("a-z"));
        assert_eq!(likely_class("x[ab]+"), Some("ab"));
        assert_eq!(likely_class(r"\[a-z\]+"), None);
        assert_eq!(likely_class("[_v2]"), None);
    }
}
