//! Where a run stands, in words and bars, made to fit a width: what matters least is left out
//! first.

use super::figures;
use super::printer::{Printer, Tone};
use super::tally::Tally;

/// Room for the word at the beginning of each line.
const LABEL: usize = 14;
/// The lengths that a bar may have; none of them where there is no room.
const BARS: [usize; 2] = [24, 10];
/// What has this rank is left out before the bar is.
const LESS_THAN_BAR: u8 = 5;

/// One thing to say. Of several, the one of the highest rank is left out first.
struct Part {
    rank: u8,
    text: String,
}

fn part(rank: u8, text: String) -> Part {
    Part { rank, text }
}

/// The three lines of a terminal: found, de-identified, arrived.
pub(super) fn lines(tally: &Tally, printer: &Printer, width: usize) -> [String; 3] {
    let found = [
        Some(part(0, figures::plural(tally.files, "file"))),
        Some(part(2, figures::bytes(tally.bytes))),
        (!tally.walked).then(|| part(1, "still looking".to_owned())),
    ];
    let cleaned = figures::percent(tally.deidentified, tally.files);
    let deidentified = vec![part(0, figures::plural(tally.deidentified, "file"))];
    [
        line(
            "scanned",
            None,
            found.into_iter().flatten().collect(),
            width,
        ),
        line("de-identified", Some(cleaned), deidentified, width),
        line(
            tally.arrived_word(),
            Some(tally.percent().unwrap_or_default()),
            arrived(tally, Some(printer)),
            width,
        ),
    ]
}

/// The line of a log.
pub(super) fn log_line(tally: &Tally) -> String {
    let (files, bytes) = (
        figures::plural(tally.files, "file"),
        figures::bytes(tally.bytes),
    );
    let looking = if tally.walked { "" } else { ", still looking" };
    let arrived = texts(arrived(tally, None));
    let cleaned = figures::count(tally.deidentified);
    format!(
        "scanned {files}, {bytes}{looking}; de-identified {cleaned}; {} {arrived}",
        tally.arrived_word()
    )
}

/// What arrived and how fast: `25 %, 640 files, 1.2 GiB sent, 12.3 MiB/s, 4m 10s left, 1 failed`.
fn arrived(tally: &Tally, printer: Option<&Printer>) -> Vec<Part> {
    let (sent, rate, failed) = (
        tally.network.total(),
        tally.rate(),
        tally.totals.truly_failed(),
    );
    let paint =
        |text: String| printer.map_or(text.clone(), |printer| printer.paint(Tone::Bad, &text));
    let parts = [
        tally
            .percent()
            .map(|percent| part(0, format!("{percent} %"))),
        Some(part(3, figures::plural(tally.arrived(), "file"))),
        (sent > 0).then(|| part(LESS_THAN_BAR, format!("{} sent", figures::bytes(sent)))),
        (rate > 0).then(|| part(4, format!("{}/s", figures::bytes(rate)))),
        tally
            .left()
            .map(|left| part(1, format!("{} left", figures::about(left)))),
        (failed > 0).then(|| part(2, paint(format!("{} failed", figures::count(failed))))),
    ];
    parts.into_iter().flatten().collect()
}

fn texts(parts: Vec<Part>) -> String {
    parts
        .into_iter()
        .map(|part| part.text)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A line that is not wider than this.
fn line(label: &str, percent: Option<u64>, mut parts: Vec<Part>, width: usize) -> String {
    let bars: Vec<_> = percent
        .into_iter()
        .flat_map(|percent| BARS.map(|length| bar(percent, length) + " "))
        .collect();
    loop {
        let said = parts
            .iter()
            .map(|part| part.text.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let plain = [format!("{label:<LABEL$} {said}"), format!("{label} {said}")];
        let goes_before_bar = parts.iter().any(|part| part.rank >= LESS_THAN_BAR);
        let plain = plain
            .into_iter()
            .filter(|_| bars.is_empty() || !goes_before_bar);
        let forms = bars
            .iter()
            .map(|bar| format!("{label:<LABEL$} {bar}{said}"))
            .chain(plain);
        let mut fitting = forms.filter(|form| console::measure_text_width(form) <= width);
        let Some(last) = parts
            .iter()
            .enumerate()
            .max_by_key(|(_, part)| part.rank)
            .map(|(at, _)| at)
            .filter(|_| parts.len() > 1)
        else {
            return fitting.next().unwrap_or_else(|| {
                console::truncate_str(&format!("{label} {said}"), width, "…").into_owned()
            });
        };
        if let Some(form) = fitting.next() {
            return form;
        }
        parts.remove(last);
    }
}

/// `[=====>    ]`.
fn bar(percent: u64, length: usize) -> String {
    let done = usize::try_from(percent).unwrap_or(100).min(100) * length / 100;
    let head = if (1..length).contains(&done) { ">" } else { "" };
    format!(
        "[{:<length$}]",
        "=".repeat(done - head.len().min(done)) + head
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::event::{Event, Mode, Outcome, PackageBytes, Settled};
    use crate::failure::{FileCode, FileFailure};

    /// Half of a package of 600 MiB under way at 10 MiB/s, and as much again to come; one file
    /// failed.
    fn tally() -> Tally {
        const MIB: u64 = 1 << 20;
        let mut tally = Tally {
            mode: Some(Mode::Upload),
            deidentified: 12_345,
            ..Tally::default()
        };
        let failure = Outcome::Failed(FileFailure::new(FileCode::ReadIo, ""));
        let package = PackageBytes {
            source: 600 * MIB,
            size: 600 * MIB,
            sent: 0,
        };
        tally.take(
            &Event::Discovered {
                files: 123_456,
                bytes: 1210 * MIB,
                done: true,
            },
            Duration::ZERO,
        );
        tally.take(
            &Event::Settled(Settled {
                path: Arc::default(),
                bytes: 10 * MIB,
                outcome: failure,
            }),
            Duration::ZERO,
        );
        tally.take(&Event::Sending(package), Duration::ZERO);
        tally.take(&Event::Sent { bytes: 0 }, Duration::ZERO);
        for second in 1..=30 {
            tally.take(
                &Event::Sent { bytes: 10 * MIB },
                Duration::from_secs(second),
            );
        }
        tally
    }

    #[test]
    fn every_width_is_kept_to() {
        let printer = Printer::new(Box::new(std::io::sink()), false);
        let tally = tally();
        for width in 20..140 {
            for line in lines(&tally, &printer, width) {
                assert!(
                    console::measure_text_width(&line) <= width,
                    "{width}: {line}"
                );
            }
        }
        let shown = [40, 80, 120].map(|width| lines(&tally, &printer, width).join("\n"));
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
    fn a_log_says_all() {
        insta::assert_snapshot!(log_line(&tally()), @"scanned 123,456 files, 1.2 GiB; \
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
}
