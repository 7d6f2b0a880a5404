//! Regular expressions over attribute paths, in Python's notation.

use regex::{Regex, RegexBuilder};

/// An expression that must match from the start of a path and may leave its end open, as Python's `re.match` does.
#[derive(Debug, Clone)]
pub struct PathRegex {
    text: String,
    regex: Regex,
}

impl PathRegex {
    /// Compiles an expression. The error says what of Python's notation is not supported.
    pub fn new(text: &str) -> Result<Self, String> {
        let translated = translate(text)?;
        let regex = RegexBuilder::new(&translated).size_limit(4 << 20).nest_limit(100).build();
        let regex = regex.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
            // The last line says what is wrong; those before draw the expression.
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        })?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches from the start of this path.
    pub fn matches(&self, path: &str) -> bool {
        // The first match found is the leftmost, so one at the start is found if there is any.
        self.regex.find(path).is_some_and(|found| found.start() == 0)
    }
}

/// Turns Python's notation into that of the regex crate, and refuses what means something else there.
fn translate(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    let mut class: Option<usize> = None;
    while let Some(c) = chars.next() {
        // How many characters of a class have been seen: a `]` counts as itself when it comes first.
        let at = class.map(|seen| seen + 1);
        match (c, at) {
            ('\\', _) => escape(chars.next(), &mut out)?,
            ('[', None) => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                class = Some(0);
                continue;
            }
            (']', Some(1)) => out.push_str("\\]"),
            (']', Some(_)) => {
                out.push(']');
                class = None;
                continue;
            }
            ('[' | '&' | '~', Some(_)) => out.extend(['\\', c]),
            ('-', Some(_)) if chars.peek() == Some(&'-') => return Err("`--` inside a class is not supported".to_owned()),
            ('(', None) if chars.peek() == Some(&'?') => group(&mut chars, &mut out)?,
            _ => out.push(c),
        }
        class = at;
    }
    Ok(out)
}

fn escape(letter: Option<char>, out: &mut String) -> Result<(), String> {
    match letter {
        None => return Err("the expression ends in a single backslash".to_owned()),
        Some('Z') => out.push_str("\\z"),
        Some(c @ ('A' | 'b' | 'B' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'n' | 'r' | 't' | 'f' | 'v' | 'a' | 'x')) => {
            out.extend(['\\', c]);
        }
        Some(c) if c.is_ascii_alphanumeric() => return Err(format!("`\\{c}` is not supported")),
        Some(c) => out.push_str(&regex::escape(&c.to_string())),
    }
    Ok(())
}

/// What follows `(?`: groups, names and flags that mean the same in both notations pass.
fn group(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Result<(), String> {
    chars.next();
    let next = chars.peek().copied();
    match next {
        Some(':' | 'i' | 'm' | 's' | 'x' | '-') => out.push_str("(?"),
        Some('P') => {
            chars.next();
            if chars.peek() != Some(&'<') {
                return Err("a reference back to a group is not supported".to_owned());
            }
            out.push_str("(?P");
        }
        Some('=' | '!' | '<') => return Err("looking ahead or behind is not supported".to_owned()),
        _ => return Err("this kind of group is not supported".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn matches(regex: &str, path: &str) -> bool {
        PathRegex::new(regex).unwrap_or_else(|error| panic!("{regex}: {error}")).matches(path)
    }

    #[test]
    fn matches_from_the_start_with_an_open_end() {
        assert!(matches("Patient", "PatientID"));
        assert!(!matches("Accession", "RequestAttributesSequence.0.AccessionNumber"));
        assert!(matches(".*Accession", "RequestAttributesSequence.0.AccessionNumber"));
        assert!(matches("a|PatientID", "PatientID"));
        assert!(!matches("^0020000D$", "0020000d"));
        assert!(matches("(?i)^0020000D$", "0020000d"));
        assert!(matches(r"PatientID\Z", "PatientID"));
        assert!(matches("[]P]atient", "PatientID"));
        assert!(matches("[[P&&]", "PatientID"));
        assert!(matches(r"\<?Patient", "PatientID"));
        assert!(matches("^0009.{4}$", "00091001"));
    }

    #[test]
    fn what_cannot_be_translated_is_refused() {
        for regex in
            ["(?=x)", "(?!x)", "(?<=x)", r"(a)\1", "(?P=x)", r"\p{L}", "[", "(", "[a--b]", "\\", "(?#c)", "(?P<n>a){1000}{1000}"]
        {
            assert!(PathRegex::new(regex).is_err(), "{regex}");
        }
    }
}
