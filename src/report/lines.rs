//! Progress where nothing can be redrawn: one plain line every 30 seconds.

use std::time::Duration;

use super::standing;
use super::tally::Tally;

/// A line comes this often, also when nothing moves.
const EVERY: Duration = Duration::from_secs(30);

/// When the last line was written.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: Duration,
}

impl Lines {
    /// The next line, when it is time for one.
    pub(super) fn due(&mut self, tally: &Tally) -> Option<String> {
        if tally.elapsed.saturating_sub(self.last) < EVERY {
            return None;
        }
        self.last = tally.elapsed;
        Some(standing::log_line(tally))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_every_thirty_seconds() {
        let mut lines = Lines::default();
        let mut tally = Tally {
            files: 100,
            bytes: 1000,
            walked: true,
            ..Tally::default()
        };
        let mut written = Vec::new();
        for second in 0..=100 {
            tally.elapsed = Duration::from_secs(second);
            (tally.totals.uploaded, tally.totals.found) = (second, second);
            written.extend(lines.due(&tally).map(|line| format!("{second}s {line}")));
        }
        assert_eq!(written.len(), 3, "{written:?}");
        let first = written.first().map(String::as_str);
        assert_eq!(
            first,
            Some("30s scanned 100 files, 1000 B; de-identified 0; uploaded 0 %, 30 files")
        );
    }
}
