//! Dates that stand in a text: in doubt a text holds one.

use chrono::NaiveDate;

/// Years that files are from.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2099;

/// Whether a date stands in a text: `20240517`, also before a time of day, `2024-05-17`,
/// `17.05.2024` or `2024-05`, with `-`, `_`, `.`, `/` or a blank between.
pub fn holds_a_date(text: &str) -> bool {
    let runs: Vec<Run<'_>> = runs(text);
    runs.iter()
        .any(|run| is_compact(run.digits))
        || runs
            .windows(2)
            .any(|pair| matches!(pair, [year, month] if month.follows && is_year(year.digits) && is_month(month.digits)))
        || runs
            .windows(3)
            .any(|three| matches!(three, [day, month, year] if month.follows && year.follows && is_day_first(day.digits, month.digits, year.digits)))
}

/// Digits that stand together.
struct Run<'a> {
    digits: &'a str,
    /// One separator alone stands between these and those before.
    follows: bool,
}

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let (mut begin, mut between) = (None, "");
    let mut last_end = 0;
    for (at, c) in text
        .char_indices()
        .chain([(text.len(), ' ')])
    {
        match (begin, c.is_ascii_digit()) {
            (None, true) => {
                begin = Some(at);
                between = text
                    .get(last_end..at)
                    .unwrap_or_default();
            }
            (Some(from), false) => {
                let separator = matches!(between, "-" | "_" | "." | "/" | " ");
                runs.push(Run {
                    digits: text
                        .get(from..at)
                        .unwrap_or_default(),
                    follows: separator && !runs.is_empty(),
                });
                (begin, last_end) = (None, at);
            }
            _ => {}
        }
    }
    runs
}

/// `YYYYMMDD`, or that and a time of day.
fn is_compact(digits: &str) -> bool {
    let part = |from: usize, to: usize| {
        digits
            .get(from..to)
            .and_then(|part| part.parse::<u32>().ok())
    };
    let Some((year, month, day)) = part(0, 4)
        .zip(part(4, 6))
        .zip(part(6, 8))
        .map(|((year, month), day)| (year, month, day))
    else {
        return false;
    };
    i32::try_from(year).is_ok_and(|year| {
        YEARS.contains(&year) && NaiveDate::from_ymd_opt(year, month, day).is_some()
    })
}

fn is_year(digits: &str) -> bool {
    digits.len() == 4
        && digits
            .parse()
            .is_ok_and(|year: i32| YEARS.contains(&year))
}

fn is_month(digits: &str) -> bool {
    digits.len() == 2 && (1..=12).contains(&digits.parse().unwrap_or(0))
}

fn is_day_first(day: &str, month: &str, year: &str) -> bool {
    let is_day = |digits: &str| {
        (1..=2).contains(&digits.len()) && (1..=31).contains(&digits.parse().unwrap_or(0))
    };
    is_day(day) && is_day(month) && is_year(year)
}
