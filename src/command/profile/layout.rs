//! Long lists on a terminal: folded, wrapped, in columns.

use dicom_lossless::escape_for_terminal;

use super::selection::SelectedProfile;

/// Lines end here; names are not broken.
const WIDTH: usize = 110;

/// How many names of a list are shown before it is folded.
const SHOWN: usize = 6;

/// The heading of a text about a profile: its name, where it comes from, its digest.
pub fn heading(selected: &SelectedProfile) -> String {
    let name = escape_for_terminal(&selected.profile.name);
    let whose = match selected.level {
        "built-in" => format!("profile \"{name}\" (built-in)"),
        "local" => format!("profile \"{name}\" ({})", selected.origin),
        level => format!(
            "profile \"{name}\" (at the {level}, for {})",
            selected.origin
        ),
    };
    format!("{whose}\n{}\n", selected.digest)
}

/// Whether a list with this number of names is cut. One name more takes no more room than saying
/// that there is one.
pub fn is_folded(names: usize) -> bool {
    names > SHOWN + 1
}

/// The names, or the first few of them and how many more there are.
pub fn list<S: AsRef<str>>(names: &[S], all: bool) -> String {
    let shown = if !all && is_folded(names.len()) {
        SHOWN
    } else {
        names.len()
    };
    let listed = names
        .iter()
        .take(shown)
        .map(AsRef::as_ref)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len() - shown {
        0 => listed,
        more => format!("{listed}, and {more} more"),
    }
}

/// A line that begins with a few characters, and a text behind them that stays to the right of a
/// column.
pub fn wrap(lead: &str, text: &str, column: usize) -> String {
    let mut out = format!("{lead:column$}");
    let mut at = column;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 && at + 1 + length > WIDTH {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', column));
            at = column;
        } else if index > 0 {
            out.push(' ');
            at += 1;
        }
        out.push_str(word);
        at += length;
    }
    out.push('\n');
    out
}

/// Rows of cells as columns, each as wide as its widest cell up to a limit; the last is not padded.
pub fn columns<const N: usize>(rows: &[[String; N]], limit: usize) -> String {
    let length = |cell: &String| cell.chars().count();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(length)
            .max()
            .unwrap_or_default()
            .min(limit)
    };
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line += cell;
            let missing = (width(column) + 2)
                .saturating_sub(length(cell))
                .max(2);
            line.extend(std::iter::repeat_n(' ', missing));
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_folded_when_they_are_long() {
        let names: Vec<String> = (0..20)
            .map(|number| format!("N{number}"))
            .collect();
        assert_eq!(list(&names, false), "N0, N1, N2, N3, N4, N5, and 14 more");
        assert_eq!(
            list(names.get(..7).unwrap_or_default(), false),
            "N0, N1, N2, N3, N4, N5, N6",
            "one more line says as much"
        );
        assert_eq!(
            list(&names, true)
                .matches(',')
                .count(),
            19
        );
    }

    #[test]
    fn lines_stay_in_their_column() {
        let out = wrap("", &["word"; 60].join(" "), 2);
        assert!(
            out.lines()
                .all(|line| line.starts_with("  word") && line.len() <= WIDTH),
            "{out}"
        );
        assert!(out.lines().count() > 2);
    }

    #[test]
    fn columns_line_up() {
        let rows = [
            ["a".to_owned(), "b".to_owned()],
            ["long one".to_owned(), "c".to_owned()],
        ];
        assert_eq!(columns(&rows, 40), "a         b\nlong one  c\n");
    }
}
