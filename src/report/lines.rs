//! Progress where nothing can be redrawn: one plain line every 30 seconds and at each tenth of the work.

use std::time::Duration;

use super::figures;
use super::tally::Tally;

/// A line comes at least this often, even when nothing finishes.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Tenths do not follow each other faster than this.
const LEAST_GAP: Duration = Duration::from_secs(2);

/// When the last line was written, and what it said.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: Duration,
    tenths: u64,
}

impl Lines {
    /// The next line, when it is time for one.
    pub(super) fn due(&mut self, tally: &Tally) -> Option<String> {
        let since = tally.elapsed.saturating_sub(self.last);
        let tenths = tally.percent().map_or(0, |percent| percent / 10);
        let new_tenth = tenths > self.tenths && tenths < 10 && since >= LEAST_GAP;
        if !new_tenth && since < HEARTBEAT {
            return None;
        }
        (self.last, self.tenths) = (tally.elapsed, tenths.max(self.tenths));
        Some(line(tally))
    }
}

fn line(tally: &Tally) -> String {
    let share = tally.percent().map_or_else(|| "looking".to_owned(), |percent| format!("{percent} %"));
    let failed = match tally.totals.failed {
        0 => String::new(),
        failed => format!("; {} failed", figures::count(failed)),
    };
    format!(
        "{share}: scanned {}, {}; de-identified {}; {} {}{failed}",
        figures::plural(tally.files, "file"),
        figures::bytes(tally.bytes),
        figures::count(tally.deidentified),
        tally.arrived_word(),
        tally.transfer()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_every_thirty_seconds_and_at_each_tenth() {
        let mut lines = Lines::default();
        let mut tally = Tally { files: 100, bytes: 1000, walked: true, ..Tally::default() };
        let mut written = Vec::new();
        for second in 0..=100 {
            tally.elapsed = Duration::from_secs(second);
            // All is done within the first 20 seconds but for the last file.
            tally.totals.found = (second * 5).min(99);
            tally.settled_bytes = tally.totals.found * 10;
            tally.totals.failed = u64::from(second > 10);
            written.extend(lines.due(&tally).map(|line| format!("{second}s {line}")));
        }
        insta::assert_snapshot!(written.join("\n"), @r"
        2s 10 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 18s left
        4s 20 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 16s left
        6s 30 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 14s left
        8s 40 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 12s left
        10s 50 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 10s left
        12s 60 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 8s left; 1 failed
        14s 70 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 6s left; 1 failed
        16s 80 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 4s left; 1 failed
        18s 90 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 2s left; 1 failed
        48s 99 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 1s left; 1 failed
        78s 99 %: scanned 100 files, 1000 B; de-identified 0; uploaded 0 files, 1s left; 1 failed
        ");
    }
}
