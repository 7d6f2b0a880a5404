//! Progress on a terminal: three lines, redrawn in place. Never one per file.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::figures;
use super::printer::{Printer, Tone};
use super::tally::Tally;

/// How often a second the lines are drawn at most.
const HERTZ: u8 = 10;

/// Where the lines are drawn: a terminal, and nothing any more once it went away.
pub(super) fn terminal(terminal: impl TermLike + 'static) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(UntilGone { terminal, gone: AtomicBool::new(false) }), HERTZ)
}

/// A terminal that may be closed while the run goes on. Errors of drawing would end in a panic.
#[derive(Debug)]
struct UntilGone<T> {
    terminal: T,
    gone: AtomicBool,
}

impl<T> UntilGone<T> {
    fn draw(&self, draw: impl FnOnce(&T) -> io::Result<()>) {
        if !self.gone.load(Ordering::Relaxed) && draw(&self.terminal).is_err() {
            self.gone.store(true, Ordering::Relaxed);
        }
    }
}

impl<T: TermLike> TermLike for UntilGone<T> {
    fn width(&self) -> u16 {
        self.terminal.width()
    }

    fn height(&self) -> u16 {
        self.terminal.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_up(n));
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_down(n));
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_right(n));
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_left(n));
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.draw(|terminal| terminal.write_line(line));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(|terminal| terminal.write_str(text));
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw(TermLike::clear_line);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.draw(TermLike::flush);
        Ok(())
    }
}

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

    /// A terminal that was closed.
    #[derive(Debug)]
    struct Closed;

    impl TermLike for Closed {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
        fn write_line(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
        fn write_str(&self, _: &str) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
        fn clear_line(&self) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
        fn flush(&self) -> io::Result<()> {
            Err(io::ErrorKind::NotConnected.into())
        }
    }

    #[test]
    fn lines_above_bars_do_no_harm_where_the_terminal_is_gone() {
        let bars = Bars::new(terminal(Closed));
        let mut printer = Printer::new(Box::new(io::sink()), false);
        printer.above(Some(bars.group()));
        bars.show(&Tally { files: 4, ..Tally::default() }, &printer);
        printer.line("a file failed");
        bars.clear();
    }

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
