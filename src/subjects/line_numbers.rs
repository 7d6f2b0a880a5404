//! Lines of a table in words, by which its rows are named.

use std::fmt::Write as _;

/// Lines that are named one by one.
const NAMED: usize = 20;

/// Lines in words: `line 3`, `lines 3, 5-9 and 12`.
pub fn in_words(lines: &[u32]) -> String {
    let mut sorted = lines.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for line in &sorted {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => runs.push((*line, *line)),
        }
    }
    let more: u32 = runs
        .iter()
        .skip(NAMED)
        .map(|(first, last)| last - first + 1)
        .sum();
    let mut words = String::from(if sorted.len() == 1 { "line " } else { "lines " });
    let named = runs.len().min(NAMED);
    for (at, (first, last)) in runs.iter().take(NAMED).enumerate() {
        let before = match at {
            0 => "",
            _ if at + 1 == named && more == 0 => " and ",
            _ => ", ",
        };
        // Writing to a string cannot fail.
        let _ = match last - first {
            0 => write!(words, "{before}{first}"),
            1 => write!(words, "{before}{first}, {last}"),
            _ => write!(words, "{before}{first}-{last}"),
        };
    }
    if more > 0 {
        let _ = write!(words, " and {more} more");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_in_runs() {
        assert_eq!(in_words(&[3]), "line 3");
        assert_eq!(in_words(&[4, 3]), "lines 3, 4");
        assert_eq!(in_words(&[12, 3, 5, 6, 7, 8, 9, 3]), "lines 3, 5-9 and 12");
        let odd: Vec<u32> = (0..30).map(|n| 2 * n + 1).collect();
        assert!(in_words(&odd).ends_with(", 39 and 10 more"));
    }
}
