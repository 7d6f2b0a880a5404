//! The ways in which a day may be written in text, for searches.

use chrono::{Datelike, NaiveDate};

use super::dates_in_text::month_names;

/// The spellings of a day, each once, names of months in small letters: searches fold. Two-digit
/// years stand only between separators; `YYMMDD` is left out, since it is any six digits.
pub fn spellings(day: NaiveDate) -> Vec<String> {
    let mut found = numeric(day);
    for name in month_names(day.month()) {
        found.extend(named(day, name));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn numeric(day: NaiveDate) -> Vec<String> {
    let (y, m, d, short) = (
        day.year(),
        day.month(),
        day.day(),
        day.year().rem_euclid(100),
    );
    let mut found = vec![
        format!("{y:04}{m:02}{d:02}"),
        format!("{d:02}{m:02}{y:04}"),
        format!("{m:02}{d:02}{y:04}"),
    ];
    for s in ["-", "/", ".", "_"] {
        found.push(format!("{y:04}{s}{m:02}{s}{d:02}"));
        found.push(format!("{d:02}{s}{m:02}{s}{y:04}"));
        found.push(format!("{m:02}{s}{d:02}{s}{y:04}"));
    }
    for s in ["-", "/", "."] {
        found.push(format!("{y:04}{s}{m}{s}{d}"));
        found.push(format!("{d}{s}{m}{s}{y:04}"));
        found.push(format!("{m}{s}{d}{s}{y:04}"));
        found.push(format!("{d:02}{s}{m:02}{s}{short:02}"));
        found.push(format!("{m:02}{s}{d:02}{s}{short:02}"));
        found.push(format!("{d}{s}{m}{s}{short:02}"));
        found.push(format!("{m}{s}{d}{s}{short:02}"));
    }
    found
}

fn named(day: NaiveDate, name: &str) -> [String; 10] {
    let (y, d) = (day.year(), day.day());
    [
        format!("{d} {name} {y:04}"),
        format!("{d:02} {name} {y:04}"),
        format!("{d}. {name} {y:04}"),
        format!("{d:02}-{name}-{y:04}"),
        format!("{d:02}{name}{y:04}"),
        format!("{d} de {name} de {y:04}"),
        format!("{y:04}-{name}-{d:02}"),
        format!("{name} {d}, {y:04}"),
        format!("{name} {d:02}, {y:04}"),
        format!("{name} {d} {y:04}"),
    ]
}
