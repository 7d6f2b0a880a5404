//! The one way onto standard error: colours or not, and never into the middle of the bars.

use std::io::Write;

use indicatif::MultiProgress;

use crate::failure::Error;
use crate::phi::escape_for_terminal;

/// What a piece of text means; colour repeats it, never carries it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// Something failed.
    Bad,
    /// Something to look at.
    Caution,
    /// Something went well.
    Good,
    /// Beside the point.
    Faint,
}

/// Writes lines for people.
pub(super) struct Printer {
    out: Box<dyn Write + Send>,
    color: bool,
    bars: Option<MultiProgress>,
}

impl Printer {
    pub(super) fn new(out: Box<dyn Write + Send>, color: bool) -> Self {
        Self { out, color, bars: None }
    }

    /// From now on lines appear above these bars; `None` when they are gone.
    pub(super) fn above(&mut self, bars: Option<MultiProgress>) {
        self.bars = bars;
    }

    /// Writes one line. A terminal that went away is no reason to fail.
    pub(super) fn line(&mut self, line: &str) {
        let out = &mut self.out;
        let mut write = || {
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    /// The text in the colour of its tone, where colours are wanted.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Bad => "31",
            Tone::Caution => "33",
            Tone::Good => "32",
            Tone::Faint => "2",
        };
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// An error that stops a run: `error[code]: what`, why, and what to do next.
    pub(super) fn stop(&mut self, error: &Error) {
        let label = self.paint(Tone::Bad, &format!("error[{}]:", error.code));
        self.line(&format!("{label} {}", escape_for_terminal(&error.what)));
        for why in &error.why {
            self.line(&format!("  {}", escape_for_terminal(why)));
        }
        self.line(&format!("hint: {}", escape_for_terminal(error.hint())));
    }
}
