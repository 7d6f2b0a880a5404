//! Cells that a spreadsheet would take for a formula: made harmless when they are written, and read
//! back.
//!
//! Owns the notation, an apostrophe before the cell. A cell that would begin with apostrophes and
//! then like a formula gets one more, so that every text comes back as it was.

/// What a spreadsheet takes for the beginning of a formula, or passes over before one.
fn begins_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn is_marked(text: &str) -> bool {
    begins_formula(text.trim_start_matches('\''))
}

/// The text as it stands in a cell.
pub fn write(text: &str) -> String {
    if is_marked(text) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The text of a cell.
pub fn read(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_marked(text) => text,
        _ => cell,
    }
}

/// Whether a cell is a formula, not the text of one.
pub fn is_formula(cell: &str) -> bool {
    cell.starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_marked_and_every_text_comes_back() {
        for (text, cell) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("'=1", "''=1"),
            ("''-", "'''-"),
            ("'t Hooft^Jan", "'t Hooft^Jan"),
            ("00123", "00123"),
            ("", ""),
            ("'", "'"),
        ] {
            assert_eq!(write(text), cell);
            assert_eq!(read(cell), text);
        }
    }
}
