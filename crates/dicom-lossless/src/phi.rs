//! Values that may identify a person, and hostile text on its way to a terminal.
//!
//! Owns the wrapper that keeps such values out of messages. It must never offer a way to print one.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// A value that may identify a person: it can be used, not shown. No `Display`, no `Serialize`, and
/// a `Debug` that prints nothing of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for work on it. What comes of that work must not be printed either.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phi(..)")
    }
}

/// Makes text from outside (file names, server answers, labels) safe to show on a terminal: control
/// characters, bidirectional overrides and other invisible characters come out as `\u{..}`, newline
/// and tab as `\n` and `\t`.
pub fn escape_for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if is_hostile(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A path as text for people: invalid UTF-8 as the replacement character, hostile characters
/// escaped, and the separators of [`native_path`].
pub fn display_path(path: &Path) -> String {
    escape_for_terminal(&native_path(path).to_string_lossy())
}

/// A path with one kind of separator. Windows takes `/` too, so that what is found below a folder
/// that was typed with it would have both; other systems have one kind, and `\` in names.
pub fn native_path(path: &Path) -> Cow<'_, Path> {
    match path.to_str() {
        Some(text) if cfg!(windows) && text.contains('/') => {
            Cow::Owned(separated_for_windows(text).into())
        }
        _ => Cow::Borrowed(path),
    }
}

/// With `\` alone, but for the name of a member behind its archive's `::`: that is written as the
/// archive has it.
fn separated_for_windows(path: &str) -> String {
    let (on_disk, member) = path.split_at(
        path.find("::")
            .unwrap_or(path.len()),
    );
    on_disk.replace('/', "\\") + member
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_value_shows_nothing_of_itself() {
        assert_eq!(format!("{:?}", Phi::new("Doe^Jane")), "Phi(..)");
    }

    #[test]
    fn escapes_what_could_steer_a_terminal_and_nothing_else() {
        assert_eq!(
            escape_for_terminal("a\u{1b}[2Jb\n\u{202e}c"),
            "a\\u{1b}[2Jb\\n\\u{202e}c"
        );
        assert_eq!(escape_for_terminal("Jürgen 山田 x-1"), "Jürgen 山田 x-1");
    }

    #[test]
    fn paths_on_windows_have_one_kind_of_separator_up_to_the_member_of_an_archive() {
        let shown = [
            ("C:/study\\a/1.dcm", "C:\\study\\a\\1.dcm"),
            ("//server/share/a", "\\\\server\\share\\a"),
            ("in/a.zip::s1/b.tar::1.dcm", "in\\a.zip::s1/b.tar::1.dcm"),
            ("a.zip::odd\\name", "a.zip::odd\\name"),
        ];
        for (path, expected) in shown {
            assert_eq!(separated_for_windows(path), expected);
        }
        let typed = Path::new("in/1.dcm");
        assert_eq!(display_path(typed).contains('/'), !cfg!(windows));
    }
}
