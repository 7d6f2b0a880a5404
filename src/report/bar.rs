//! Progress on a terminal: three lines, redrawn in place. Never one per file.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::figures;
use super::printer::{Printer, Tone};
use super::tally::Tally;

/// The three lines.
pub(super) struct Bars {
    all: MultiProgress,
    scanned: ProgressBar,
    deidentified: ProgressBar,
    arrived: ProgressBar,
}

impl Bars {
    pub(super) fn new(target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        // A template that does not parse shows the bar in the default style.
        let plain = ProgressStyle::with_template("{prefix:<14} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressStyle::with_template("{prefix:<14} [{bar:24}] {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let line = |prefix: &'static str, style: ProgressStyle| {
            all.add(ProgressBar::new(1).with_style(style.progress_chars("=> ")).with_prefix(prefix))
        };
        let scanned = line("scanned", plain);
        let deidentified = line("de-identified", bar.clone());
        let arrived = line("uploaded", bar);
        Self { all, scanned, deidentified, arrived }
    }

    /// What draws them, for those who write lines above.
    pub(super) fn group(&self) -> MultiProgress {
        self.all.clone()
    }

    /// Shows where the run stands.
    pub(super) fn show(&self, tally: &Tally, printer: &Printer) {
        let walking = if tally.walked { "" } else { ", still looking" };
        let scanned = format!("{}, {}{walking}", figures::plural(tally.files, "file"), figures::bytes(tally.bytes));
        self.scanned.set_message(scanned);
        let files = tally.files.max(1);
        self.deidentified.set_length(files);
        self.deidentified.set_position(tally.deidentified);
        self.deidentified.set_message(figures::plural(tally.deidentified, "file"));
        self.arrived.set_prefix(tally.arrived_word());
        self.arrived.set_length(files);
        self.arrived.set_position(tally.totals.found);
        self.arrived.set_message(last_line(tally, printer));
    }

    /// Takes them off the screen.
    pub(super) fn clear(&self) {
        for bar in [&self.scanned, &self.deidentified, &self.arrived] {
            bar.finish_and_clear();
        }
    }
}

fn last_line(tally: &Tally, printer: &Printer) -> String {
    match tally.totals.failed {
        0 => tally.transfer(),
        failed => format!("{}, {}", tally.transfer(), printer.paint(Tone::Bad, &format!("{} failed", figures::count(failed)))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use indicatif::InMemoryTerm;

    use super::*;

    #[test]
    fn three_lines_that_say_where_the_run_stands() {
        let terminal = InMemoryTerm::new(6, 100);
        let bars = Bars::new(ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 255));
        let printer = Printer::new(Box::new(std::io::sink()), false);
        let mut tally = Tally { elapsed: Duration::from_secs(10), files: 1204, bytes: 4000, walked: true, ..Tally::default() };
        (tally.deidentified, tally.settled_bytes, tally.sent) = (602, 1000, 2048);
        (tally.totals.uploaded, tally.totals.failed, tally.totals.found) = (300, 1, 301);
        bars.show(&tally, &printer);
        insta::assert_snapshot!(terminal.contents(), @r"
        scanned        1,204 files, 3.9 KiB
        de-identified  [============>           ] 602 files
        uploaded       [======>                 ] 300 files, 2.0 KiB sent, 30s left, 1 failed
        ");
        bars.clear();
        assert_eq!(terminal.contents(), "");
    }
}
