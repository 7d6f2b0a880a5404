//! Dates in file names, which people write in many ways. Only ways that can mean one day are read.

use crate::profile::DateFormat;

const DATES: &[&str] = &[
    "%Y-%m-%d",
    "%Y.%m.%d",
    "%Y/%m/%d",
    "%Y %m %d",
    "%Y%m%d",
    "%Y-%b-%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d%b%Y",
    "%b %d %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d %Y",
    "%B %d, %Y",
];

const TIMES: &[&str] = &[
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    "T%H:%M",
    "T%H:%M:%S",
    "T%H:%M:%S.%f",
    " %H%M",
    " %H%M%S",
    "T%H%M",
    "T%H%M%S",
];

/// Times that follow a date of digits without anything between them.
const JOINED: &[&str] = &["%H%M", "%H%M%S"];

/// A date in this format, or in another that leaves no doubt, written in this format.
pub(super) fn in_format(text: &str, format: &DateFormat) -> Option<String> {
    if format.parse(text).is_some() {
        return Some(text.to_owned());
    }
    let usual = DATES
        .iter()
        .flat_map(|date| TIMES.iter().map(move |time| format!("{date}{time}")));
    let joined = JOINED.iter().map(|time| format!("%Y%m%d{time}"));
    let read = usual
        .chain(joined)
        .find_map(|other| DateFormat::new(&other).ok()?.parse(text));
    read.map(|date| format.format(date))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        in_format(text, &DateFormat::new("%Y%m%d_%H%M%S").unwrap())
    }

    #[test]
    fn usual_ways_to_write_a_date_are_read() {
        for text in [
            "2004-01-19",
            "2004.01.19",
            "2004/01/19",
            "20040119",
            "19 Jan 2004",
            "19JAN2004",
            "January 19, 2004",
        ] {
            assert_eq!(read(text).unwrap(), "20040119_000000", "{text}");
        }
        for text in [
            "2004-01-19 07:27",
            "2004-01-19T07:27:00",
            "20040119072700",
            "200401190727",
            "20040119T0727",
            "20040119_072700",
        ] {
            assert_eq!(read(text).unwrap(), "20040119_072700", "{text}");
        }
    }

    #[test]
    fn what_may_mean_several_days_is_not() {
        for text in [
            "01/02/2004",
            "02.01.2004",
            "040102",
            "200401",
            "2004",
            "2004-01",
            "2004-1-9",
            "",
            "scan",
            "20041301",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
