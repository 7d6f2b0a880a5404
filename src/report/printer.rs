//! Writes lines of text: with colours or without, as wide as the terminal.
//!
//! Owns the streams that it writes to. Must never write into the lines of the progress bars.

use std::io::{self, Write};

use chrono::{SecondsFormat, Utc};
use indicatif::MultiProgress;

use crate::failure::Error;
use dicom_lossless::escape_for_terminal;

/// On a narrower terminal, prose is not wrapped.
const MIN_WIDTH: usize = 20;

/// The meaning of a text, which its words state without the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A failure.
    Bad,
    /// A possible mistake or danger.
    Caution,
    /// A success.
    Good,
}

/// Writes lines of text.
pub struct Printer {
    out: Box<dyn Write + Send>,
    color: bool,
    /// The current width of the terminal, if there is one.
    width: Option<fn() -> u16>,
    /// Each line begins with its time.
    pub timed: bool,
    /// The bars that lines are written above, while there are any.
    pub bars: Option<MultiProgress>,
    /// The first error of writing. On a terminal that was closed it is no reason to fail.
    pub error: Option<io::Error>,
}

impl Printer {
    pub fn new(out: Box<dyn Write + Send>, color: bool) -> Self {
        Self {
            out,
            color,
            width: None,
            timed: false,
            bars: None,
            error: None,
        }
    }

    /// On standard error, as wide as the terminal where that is one.
    pub fn on_stderr(color: bool) -> Self {
        let mut printer = Self::new(Box::new(io::stderr()), color);
        if console::Term::stderr().is_term() {
            printer.width = Some(terminal_width);
        }
        printer
    }

    /// Writes one line.
    pub fn line(&mut self, line: &str) {
        if self.timed {
            self.timed_line(line);
        } else {
            self.write(line);
        }
    }

    /// Writes one line that begins with the time.
    pub fn timed_line(&mut self, line: &str) {
        self.write(&format!(
            "{} {line}",
            Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
        ));
    }

    /// Writes a sentence, wrapped on a terminal. Lines after the first are indented.
    pub fn prose(&mut self, text: &str) {
        match self
            .width
            .map(|width| usize::from(width()))
            .filter(|width| *width >= MIN_WIDTH)
        {
            Some(width) => wrapped(text, width)
                .iter()
                .for_each(|line| self.line(line)),
            None => self.line(text),
        }
    }

    fn write(&mut self, line: &str) {
        let out = &mut self.out;
        let mut write = || writeln!(out, "{line}").and_then(|()| out.flush());
        let written = match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        };
        if let Err(error) = written {
            self.error.get_or_insert(error);
        }
    }

    /// The text in the colour of its tone, if colours are on.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Bad => "31",
            Tone::Caution => "33",
            Tone::Good => "32",
        };
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Writes an error that stops a run: `error[code]: what`, why, and what to do next.
    pub fn stop(&mut self, error: &Error) {
        let label = self.paint(Tone::Bad, &format!("error[{}]:", error.code));
        self.prose(&format!("{label} {}", escape_for_terminal(&error.what)));
        for why in &error.why {
            self.prose(&format!("  {}", escape_for_terminal(why)));
        }
        self.prose(&format!("hint: {}", escape_for_terminal(error.hint())));
    }
}

/// The current width of the terminal on standard error.
pub fn terminal_width() -> u16 {
    width_of(&console::Term::stderr())
}

/// The current width of a terminal; where there is none, the same on every system.
pub fn width_of(terminal: &console::Term) -> u16 {
    terminal
        .size_checked()
        .map_or(80, |(_, columns)| columns)
}

/// Wraps a text at blanks into lines of at most this width; a longer word has a line of its own.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let (mut lines, mut line, mut begun) = (Vec::new(), " ".repeat(indent), false);
    for word in text
        .trim_start_matches(' ')
        .split(' ')
    {
        if begun
            && console::measure_text_width(&line) + 1 + console::measure_text_width(word) > width
        {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent.max(2))));
            begun = false;
        }
        if begun {
            line.push(' ');
        }
        line.push_str(word);
        begun = true;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_at_blanks_and_indented() {
        let text = "warning[residual]: what stood in PatientName still stands in SeriesDescription";
        insta::assert_snapshot!(wrapped(text, 40).join("\n"), @r"
        warning[residual]: what stood in
          PatientName still stands in
          SeriesDescription
        ");
        assert_eq!(wrapped("  a b", 20), ["  a b"]);
        assert_eq!(
            wrapped("  and\u{1b}[33m more\u{1b}[0m words", 12),
            ["  and\u{1b}[33m more\u{1b}[0m", "  words"]
        );
        assert_eq!(
            wrapped("a /very/long/path/that/fits/nowhere b", 20),
            ["a", "  /very/long/path/that/fits/nowhere", "  b"]
        );
    }
}
