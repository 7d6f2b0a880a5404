//! The progress of a run: three lines that are redrawn on a terminal, or a plain line every 30
//! seconds.
//!
//! Owns what is left out where a terminal is narrow: the least important first. Must never write one
//! line per file.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::counters::Counters;
use super::figures;
use super::printer::{Printer, Tone};

/// The width of the label of each line.
const LABEL_WIDTH: usize = 14;
/// The widths that a bar may have; a line that is too narrow has none.
const BAR_WIDTHS: [usize; 2] = [24, 10];
/// The rank from which a status is left out before the bar is.
const BELOW_BAR: u8 = 5;

/// A part of a line and its rank. The part of the highest rank is left out first.
type Status = (u8, String);

/// The three lines of a terminal: found, de-identified, uploaded.
fn status_lines(counters: &Counters, printer: &Printer, width: usize) -> [String; 3] {
    let mut found = vec![
        (0, figures::plural(counters.files, "file")),
        (2, figures::bytes(counters.bytes)),
    ];
    if !counters.walked {
        found.push((1, "still looking".to_owned()));
    }
    let cleaned = figures::percent(counters.deidentified, counters.files);
    let deidentified = vec![(0, figures::plural(counters.deidentified, "file"))];
    let percent = counters
        .percent()
        .unwrap_or_default();
    let arrived = arrived(counters, |text| printer.paint(Tone::Bad, &text));
    [
        line("scanned", None, found, width),
        line("de-identified", Some(cleaned), deidentified, width),
        line(counters.arrived_word(), Some(percent), arrived, width),
    ]
}

/// The plain line.
fn log_line(counters: &Counters) -> String {
    let files = figures::plural(counters.files, "file");
    let bytes = figures::bytes(counters.bytes);
    let looking = if counters.walked {
        ""
    } else {
        ", still looking"
    };
    let cleaned = figures::count(counters.deidentified);
    let (verb, arrived) = (counters.arrived_word(), arrived(counters, |text| text));
    let arrived = joined(&arrived);
    format!("scanned {files}, {bytes}{looking}; de-identified {cleaned}; {verb} {arrived}")
}

/// The upload and its rate: `25 %, 640 files, 1.2 GiB sent, 12.3 MiB/s, 4m 10s left, 1 failed`.
fn arrived(counters: &Counters, paint: impl FnOnce(String) -> String) -> Vec<Status> {
    let (sent, rate) = (counters.network.total, counters.rate());
    let failed = counters.totals.truly_failed();
    let percent = counters.percent();
    let left = counters.left();
    let statuses = [
        percent.map(|percent| (0, format!("{percent} %"))),
        Some((3, figures::plural(counters.arrived(), "file"))),
        (sent > 0).then(|| (BELOW_BAR, format!("{} sent", figures::bytes(sent)))),
        (rate > 0).then(|| (4, format!("{}/s", figures::bytes(rate)))),
        left.map(|left| (1, format!("{} left", figures::about(left)))),
        (failed > 0).then(|| (2, paint(format!("{} failed", figures::count(failed))))),
    ];
    statuses
        .into_iter()
        .flatten()
        .collect()
}

fn joined(statuses: &[Status]) -> String {
    let texts = statuses
        .iter()
        .map(|(_, text)| text.as_str());
    texts.collect::<Vec<_>>().join(", ")
}

/// A line of at most this width.
fn line(label: &str, percent: Option<u64>, mut statuses: Vec<Status>, width: usize) -> String {
    let bars: Vec<_> = percent
        .into_iter()
        .flat_map(|percent| BAR_WIDTHS.map(|length| bar(percent, length)))
        .collect();
    loop {
        let text = joined(&statuses);
        let highest = statuses
            .iter()
            .map(|(rank, _)| *rank)
            .max();
        let highest = highest.unwrap_or_default();
        let mut forms = bars.clone();
        for form in &mut forms {
            *form = format!("{label:<LABEL_WIDTH$} {form} {text}");
        }
        if bars.is_empty() || highest < BELOW_BAR {
            forms.push(format!("{label:<LABEL_WIDTH$} {text}"));
            forms.push(format!("{label} {text}"));
        }
        let fits = |form: &String| console::measure_text_width(form) <= width;
        if let Some(form) = forms.into_iter().find(fits) {
            return form;
        }
        if statuses.len() < 2 {
            let form = format!("{label} {text}");
            return console::truncate_str(&form, width, "…").into_owned();
        }
        statuses.retain(|(rank, _)| *rank < highest);
    }
}

/// `[=====>    ]`.
fn bar(percent: u64, length: usize) -> String {
    let done = usize::try_from(percent)
        .unwrap_or(100)
        .min(100)
        * length
        / 100;
    let head = if (1..length).contains(&done) { ">" } else { "" };
    format!(
        "[{:<length$}]",
        "=".repeat(done - head.len().min(done)) + head
    )
}

/// The most redraws per second.
const HERTZ: u8 = 10;

/// Draws on a terminal until it is closed.
pub fn terminal(terminal: impl TermLike + 'static) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(
        Box::new(UntilClosed {
            terminal,
            is_closed: AtomicBool::new(false),
        }),
        HERTZ,
    )
}

/// A terminal that may be closed during the run, after which an error of drawing would be a panic.
#[derive(Debug)]
struct UntilClosed<T> {
    terminal: T,
    is_closed: AtomicBool,
}

impl<T> UntilClosed<T> {
    #[expect(clippy::unnecessary_wraps, reason = "the trait's methods return that")]
    fn draw(&self, draw: impl FnOnce(&T) -> io::Result<()>) -> io::Result<()> {
        if !self
            .is_closed
            .load(Ordering::Relaxed)
            && draw(&self.terminal).is_err()
        {
            self.is_closed
                .store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl<T: TermLike> TermLike for UntilClosed<T> {
    fn width(&self) -> u16 {
        self.terminal.width()
    }

    fn height(&self) -> u16 {
        self.terminal.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.draw(|terminal| terminal.move_cursor_left(n))
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.draw(|terminal| terminal.write_line(line))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(|terminal| terminal.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw(TermLike::clear_line)
    }

    fn flush(&self) -> io::Result<()> {
        self.draw(TermLike::flush)
    }
}

/// The three lines on a terminal.
pub struct ProgressBars {
    /// What draws them, for writing lines above.
    pub all: MultiProgress,
    lines: [ProgressBar; 3],
    /// The current width of the terminal.
    width: fn() -> u16,
}

impl ProgressBars {
    pub fn new(target: ProgressDrawTarget, width: fn() -> u16) -> Self {
        let all = MultiProgress::with_draw_target(target);
        // A template that does not parse shows the bar in the default style.
        let style =
            ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let lines = [(); 3].map(|()| all.add(ProgressBar::new(1).with_style(style.clone())));
        Self { all, lines, width }
    }

    /// Shows the progress.
    pub fn show(&self, counters: &Counters, printer: &Printer) {
        // A line that fills the last column begins another one on some terminals.
        let width = usize::from((self.width)())
            .saturating_sub(1)
            .max(1);
        for (bar, line) in self
            .lines
            .iter()
            .zip(status_lines(counters, printer, width))
        {
            bar.set_message(line);
        }
    }

    /// Removes them from the screen.
    pub fn clear(&self) {
        for bar in &self.lines {
            bar.finish_and_clear();
        }
    }
}

/// The time between two plain lines, also when nothing changes.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// The plain lines.
#[derive(Debug, Default)]
pub struct ProgressLines {
    /// When the last one was written.
    last: Duration,
}

impl ProgressLines {
    /// The next line, when it is time for one.
    pub fn due(&mut self, counters: &Counters) -> Option<String> {
        if counters
            .elapsed
            .saturating_sub(self.last)
            < LINE_INTERVAL
        {
            return None;
        }
        self.last = counters.elapsed;
        Some(log_line(counters))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indicatif::InMemoryTerm;

    use super::*;
    use crate::event::{Event, FileOutcome, Mode, PackageBytes, Settled};
    use crate::failure::{FileCode, FileFailure};

    /// Half of a package of 600 MiB under way at 10 MiB/s, and as much again to come; one file
    /// failed.
    fn counters() -> Counters {
        const MIB: u64 = 1 << 20;
        let mut counters = Counters {
            mode: Some(Mode::Upload),
            deidentified: 12_345,
            ..Counters::default()
        };
        let failure = FileOutcome::Failed(FileFailure::new(FileCode::ReadIo, ""));
        let package = PackageBytes {
            source: 600 * MIB,
            size: 600 * MIB,
            sent: 0,
        };
        counters.count(
            &Event::Discovered {
                files: 123_456,
                bytes: 1210 * MIB,
                done: true,
            },
            Duration::ZERO,
        );
        counters.count(
            &Event::Settled(Settled {
                path: Arc::default(),
                bytes: 10 * MIB,
                outcome: failure,
                sent: None,
            }),
            Duration::ZERO,
        );
        counters.count(&Event::Sending(package), Duration::ZERO);
        counters.count(&Event::Sent { bytes: 0 }, Duration::ZERO);
        for second in 1..=30 {
            counters.count(
                &Event::Sent { bytes: 10 * MIB },
                Duration::from_secs(second),
            );
        }
        counters
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let printer = Printer::new(Box::new(io::sink()), false);
        let counters = counters();
        for width in 20..140 {
            for line in status_lines(&counters, &printer, width) {
                assert!(
                    console::measure_text_width(&line) <= width,
                    "{width}: {line}"
                );
            }
        }
        let shown = [40, 80, 120].map(|width| status_lines(&counters, &printer, width).join("\n"));
        insta::assert_snapshot!(shown.join("\n\n"), @r"
        scanned        123,456 files, 1.2 GiB
        de-identified  [          ] 12,345 files
        uploaded 25 %, 1m 30s left, 1 failed

        scanned        123,456 files, 1.2 GiB
        de-identified  [=>                      ] 12,345 files
        uploaded       [=>        ] 25 %, 0 files, 10.0 MiB/s, 1m 30s left, 1 failed

        scanned        123,456 files, 1.2 GiB
        de-identified  [=>                      ] 12,345 files
        uploaded       [=====>                  ] 25 %, 0 files, 300.0 MiB sent, 10.0 MiB/s, 1m 30s left, 1 failed
        ");
    }

    #[test]
    fn a_plain_line_leaves_nothing_out() {
        insta::assert_snapshot!(log_line(&counters()), @"scanned 123,456 files, 1.2 GiB; \
            de-identified 12,345; uploaded 25 %, 0 files, 300.0 MiB sent, 10.0 MiB/s, 1m 30s \
            left, 1 failed");
    }

    #[test]
    fn a_bar_is_full_when_all_is_done_and_not_before() {
        assert_eq!(
            [0, 9, 50, 99, 100].map(|percent| bar(percent, 10)),
            [
                "[          ]",
                "[          ]",
                "[====>     ]",
                "[========> ]",
                "[==========]"
            ]
        );
    }

    /// A closed terminal.
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
    fn lines_above_bars_are_harmless_once_the_terminal_is_closed() {
        let bars = ProgressBars::new(terminal(Closed), || 80);
        let mut printer = Printer::new(Box::new(io::sink()), false);
        printer.bars = Some(bars.all.clone());
        bars.show(
            &Counters {
                files: 4,
                ..Counters::default()
            },
            &printer,
        );
        printer.line("a file failed");
        bars.clear();
    }

    #[test]
    fn three_lines_show_the_progress() {
        let terminal = InMemoryTerm::new(6, 100);
        let bars = ProgressBars::new(
            ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 255),
            || 100,
        );
        let printer = Printer::new(Box::new(io::sink()), false);
        let mut counters = Counters {
            elapsed: Duration::from_secs(10),
            files: 1204,
            bytes: 4000,
            walked: true,
            ..Counters::default()
        };
        counters.deidentified = 602;
        (
            counters.totals.uploaded,
            counters.totals.failed,
            counters.totals.found,
        ) = (300, 1, 301);
        bars.show(&counters, &printer);
        insta::assert_snapshot!(terminal.contents(), @r"
        scanned        1,204 files, 3.9 KiB
        de-identified  [===========>            ] 602 files
        uploaded       [                        ] 0 %, 300 files, 1 failed
        ");
        bars.clear();
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn a_line_every_thirty_seconds() {
        let mut lines = ProgressLines::default();
        let mut counters = Counters {
            files: 100,
            bytes: 1000,
            walked: true,
            ..Counters::default()
        };
        let mut written = Vec::new();
        for second in 0..=100 {
            counters.elapsed = Duration::from_secs(second);
            (counters.totals.uploaded, counters.totals.found) = (second, second);
            written.extend(
                lines
                    .due(&counters)
                    .map(|line| format!("{second}s {line}")),
            );
        }
        assert_eq!(written.len(), 3, "{written:?}");
        let first = written.first().map(String::as_str);
        assert_eq!(
            first,
            Some("30s scanned 100 files, 1000 B; de-identified 0; uploaded 0 %, 30 files")
        );
    }
}
