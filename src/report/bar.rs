//! Progress on a terminal: three lines, redrawn in place. Never one per file.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::printer::Printer;
use super::standing;
use super::tally::Tally;

/// How often a second the lines are drawn at most.
const HERTZ: u8 = 10;

/// Where the lines are drawn: a terminal, and nothing any more once it went away.
pub(super) fn terminal(terminal: impl TermLike + 'static) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(
        Box::new(UntilGone {
            terminal,
            gone: AtomicBool::new(false),
        }),
        HERTZ,
    )
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
    lines: [ProgressBar; 3],
    width: Box<dyn Fn() -> u16 + Send>,
}

impl Bars {
    /// `width` tells how wide the terminal is at the moment.
    pub(super) fn new(
        target: ProgressDrawTarget,
        width: impl Fn() -> u16 + Send + 'static,
    ) -> Self {
        let all = MultiProgress::with_draw_target(target);
        // A template that does not parse shows the bar in the default style.
        let style =
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let lines = [(); 3].map(|()| all.add(ProgressBar::new(1).with_style(style.clone())));
        Self {
            all,
            lines,
            width: Box::new(width),
        }
    }

    /// What draws them, for those who write lines above.
    pub(super) fn group(&self) -> MultiProgress {
        self.all.clone()
    }

    /// Shows where the run stands.
    pub(super) fn show(&self, tally: &Tally, printer: &Printer) {
        // A line that fills the last column begins another one on some terminals.
        let width = usize::from((self.width)()).saturating_sub(1).max(1);
        for (bar, line) in self
            .lines
            .iter()
            .zip(standing::lines(tally, printer, width))
        {
            bar.set_message(line);
        }
    }

    /// Takes them off the screen.
    pub(super) fn clear(&self) {
        for bar in &self.lines {
            bar.finish_and_clear();
        }
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
        let bars = Bars::new(terminal(Closed), || 80);
        let mut printer = Printer::new(Box::new(io::sink()), false);
        printer.above(Some(bars.group()));
        bars.show(
            &Tally {
                files: 4,
                ..Tally::default()
            },
            &printer,
        );
        printer.line("a file failed");
        bars.clear();
    }

    #[test]
    fn three_lines_that_say_where_the_run_stands() {
        let terminal = InMemoryTerm::new(6, 100);
        let bars = Bars::new(
            ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 255),
            || 100,
        );
        let printer = Printer::new(Box::new(std::io::sink()), false);
        let mut tally = Tally {
            elapsed: Duration::from_secs(10),
            files: 1204,
            bytes: 4000,
            walked: true,
            ..Tally::default()
        };
        tally.deidentified = 602;
        (
            tally.totals.uploaded,
            tally.totals.failed,
            tally.totals.found,
        ) = (300, 1, 301);
        bars.show(&tally, &printer);
        insta::assert_snapshot!(terminal.contents(), @r"
        scanned        1,204 files, 3.9 KiB
        de-identified  [===========>            ] 602 files
        uploaded       [                        ] 0 %, 300 files, 1 failed
        ");
        bars.clear();
        assert_eq!(terminal.contents(), "");
    }
}
