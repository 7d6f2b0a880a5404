//! Dates, times and ages by example, and what holds for all of them.

use chrono::{Datelike, NaiveDate};
use dicom_core::VR;
use proptest::prelude::*;

use super::*;

fn da(text: &str) -> Result<String, Unreadable> {
    shift(text, VR::DA, -14)
}

fn dt(text: &str) -> Result<String, Unreadable> {
    shift(text, VR::DT, -14)
}

#[test]
fn dates_keep_their_form() {
    for (text, expected) in [
        ("20040119", "20040105"),
        ("20040110", "20031227"),
        ("20040301", "20040216"),
        ("20050301", "20050215"),
        ("2004.01.19", "2004.01.05"),
        ("20040119 ", "20040105"),
        ("20040119\0", "20040105"),
        ("20040119\\20040120", "20040105\\20040106"),
        ("20040119 \\\\2004.01.20", "20040105\\\\2004.01.06"),
        ("20040119-20040120", "20040105-20040106"),
        ("-20040119", "-20040105"),
        ("20040119-", "20040105-"),
        ("2004.01.19-2004.01.20", "2004.01.05-2004.01.06"),
        ("00010115", "00010101"),
        ("", ""),
        ("  ", ""),
        ("\\", "\\"),
    ] {
        assert_eq!(da(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(shift("99991217", VR::DA, 14).as_deref(), Ok("99991231"));
}

#[test]
fn values_that_are_no_date_are_never_passed() {
    for text in [
        "2004",
        "200401",
        "2004119",
        "2004-01-19",
        "19.01.2004",
        "2004.1.19",
        "2004.0119",
        "20040119120000",
        "072730",
        "-",
        "--",
        "20040119-20040120-20040121",
        " 20040119",
        "2004 119",
        "２００４０１１９",
        "+2004011",
        "20040119\\x",
        "ééééé",
        "200401\u{e9}",
    ] {
        assert_eq!(da(text), Err(Unreadable::Form), "{text}");
    }
    for text in [
        "20040230",
        "20050229",
        "20041301",
        "20040100",
        "00000101",
        "00000000",
        "20040230-20040301",
        "2004.02.30",
    ] {
        assert_eq!(da(text), Err(Unreadable::Day), "{text}");
    }
    assert_eq!(da("00010114"), Err(Unreadable::Range));
    assert_eq!(shift("99991218", VR::DA, 14), Err(Unreadable::Range));
    assert_eq!(shift("20040119", VR::DA, i64::MAX), Err(Unreadable::Range));
    assert_eq!(shift("20040119", VR::LO, -14), Err(Unreadable::Form));
}

#[test]
fn datetimes_keep_precision_fraction_and_offset() {
    for (text, expected) in [
        ("20040119", "20040105"),
        ("2004011907", "2004010507"),
        ("200401190727", "200401050727"),
        ("20040119072730", "20040105072730"),
        ("20040119072760", "20040105072760"),
        ("20040119072730.5", "20040105072730.5"),
        ("20040119072730.123456", "20040105072730.123456"),
        ("20040119072730.123456+0100", "20040105072730.123456+0100"),
        ("20040119-0500", "20040105-0500"),
        ("2004011907+1400 ", "2004010507+1400"),
        ("20040119072730-20040120", "20040105072730-20040106"),
        ("20040119-0500-20040120-0500", "20040105-0500-20040106-0500"),
        ("20040119-1300", "20040105-1300"),
        ("-20040119", "-20040105"),
        ("20040119+0100-", "20040105+0100-"),
        ("20040119\\20040120", "20040105\\20040106"),
        ("", ""),
    ] {
        assert_eq!(dt(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_year_or_month_moves_from_its_middle() {
    assert_eq!(dt("2004").as_deref(), Ok("2004"));
    assert_eq!(shift("2004", VR::DT, -364).as_deref(), Ok("2003"));
    assert_eq!(shift("2004-0500", VR::DT, -364).as_deref(), Ok("2003-0500"));
    assert_eq!(dt("200401").as_deref(), Ok("200401"));
    assert_eq!(shift("200401", VR::DT, -21).as_deref(), Ok("200312"));
    assert_eq!(
        shift("200401-200403", VR::DT, -21).as_deref(),
        Ok("200312-200402")
    );
}

#[test]
fn values_that_are_no_datetime_are_never_passed() {
    for text in [
        "200",
        "20040",
        "2004011",
        "200401190",
        "20040119072730.",
        "20040119072730.1234567890",
        "20040119.5",
        "200401190727.5",
        "2004011924",
        "200401190760",
        "20040119072761",
        "20040119T072730",
        "2004.01.19",
        "20040119072730Z",
        "20040119+0160",
        "20040119+1500",
        "20040119 0727",
        "-",
        "20040119 +0100",
        "20040119072730.-1",
        "2004\u{e9}",
        "+0100",
    ] {
        assert_eq!(dt(text), Err(Unreadable::Form), "{text}");
    }
    for text in ["200413", "20040230", "0000", "20040230072730+0100"] {
        assert_eq!(dt(text), Err(Unreadable::Day), "{text}");
    }
    assert_eq!(shift("9999", VR::DT, 364), Err(Unreadable::Range));
}

#[test]
fn times_are_checked_and_stay() {
    for text in [
        "07",
        "0727",
        "072730",
        "072730.5",
        "072730.123456 ",
        "235960",
        "07:27",
        "07:27:30",
        "07:27:30.5",
        "09:11:02.00000000",
        "072730.1234567",
        "0727-0827",
        "-0727",
        "0727-",
        "0727\\0827",
        "",
        " ",
    ] {
        assert_eq!(
            shift(text, VR::TM, -14).as_deref(),
            Ok(text.trim_end()),
            "{text}"
        );
    }
    for text in [
        "7",
        "24",
        "0760",
        "072761",
        "0727.5",
        "072730.",
        "072730.1234567890",
        "7:27",
        "07:2730",
        "07:27:3",
        "noon",
        "07 27",
    ] {
        assert_eq!(shift(text, VR::TM, -14), Err(Unreadable::Form), "{text}");
    }
}

#[test]
fn ages_above_89_years_become_090y() {
    for (text, expected) in [
        ("089Y", None),
        ("090Y", None),
        ("091Y", Some("090Y")),
        ("120Y ", Some("090Y")),
        ("999D", None),
        ("999M", None),
        ("1079M", None),
        ("1080M", Some("090Y")),
        ("4695W", None),
        ("4696W", Some("090Y")),
        ("32872D", Some("090Y")),
        ("45Y", None),
        ("95Y", Some("090Y")),
        ("095y", Some("090Y")),
        ("045Y\\095Y", Some("045Y\\090Y")),
        ("24", None),
        ("94", Some("090Y")),
        ("094 ", Some("090Y")),
        ("89\\90", Some("89\\090Y")),
        ("95 Y", Some("090Y")),
        ("", None),
        ("  ", None),
    ] {
        assert_eq!(cap_age(text), Ok(expected.map(str::to_owned)), "{text}");
    }
    for text in [
        "Y",
        "-95Y",
        "-95",
        "9.4",
        "95YY",
        "095Z",
        "95 years",
        "123456Y",
        "095Y\\old",
        "9\u{e9}",
    ] {
        assert_eq!(cap_age(text), Err(Unreadable::Form), "{text}");
    }
}

proptest! {
    #[test]
    fn shifting_a_date_back_gives_the_same_date(day in 400_000..3_000_000_i32, weeks in 1..520_i64) {
        let day = NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default();
        let text = format!("{:04}{:02}{:02}", day.year(), day.month(), day.day());
        let gone = shift(&text, VR::DA, -7 * weeks);
        prop_assert!(gone.as_deref() != Ok(text.as_str()));
        let to = gone.as_deref().ok().and_then(|gone| NaiveDate::parse_from_str(gone, "%Y%m%d").ok());
        prop_assert_eq!(to.map(|to| to.weekday()), Some(day.weekday()));
        prop_assert_eq!(gone.and_then(|gone| shift(&gone, VR::DA, 7 * weeks)), Ok(text));
    }

    #[test]
    fn shifting_a_datetime_back_gives_the_same_datetime(day in 400_000..3_000_000_i32, clock in "(0[0-9]|1[0-9]|2[0-3])([0-5][0-9]([0-5][0-9](\\.[0-9]{1,6})?)?)?([+-]0[0-9][0-5][0-9])?", days in -4000..4000_i64) {
        let day = NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default();
        let text = format!("{:04}{:02}{:02}{clock}", day.year(), day.month(), day.day());
        prop_assert_eq!(shift(&text, VR::DT, days).and_then(|gone| shift(&gone, VR::DT, -days)), Ok(text));
    }
}
