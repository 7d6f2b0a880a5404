//! How Flywheel writes labels: which characters it replaces, and where it cuts.

/// A label as Flywheel stores it: stars written out, each run of characters that file systems
/// refuse one underscore, at most `longest` characters, no dot at the end. May be empty.
pub fn clean_label(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut replaced = false;
    for c in text.chars() {
        let refused = c.is_ascii_control() || "/:<>?\\|".contains(c);
        match c {
            '*' => out.push_str("star"),
            _ if refused && !replaced => out.push('_'),
            _ if refused => {}
            c => out.push(c),
        }
        replaced = refused;
    }
    let cut = out
        .char_indices()
        .nth(longest)
        .map_or(out.len(), |(at, _)| at);
    out.truncate(cut);
    out.truncate(out.trim_end_matches('.').len());
    out
}
