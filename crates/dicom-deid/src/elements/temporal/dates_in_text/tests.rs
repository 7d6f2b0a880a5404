//! Dates in text, by example and for every spelling.

use chrono::NaiveDate;
use dicom_core::VR;
use proptest::prelude::*;

use super::dates_in_text;
use crate::elements::temporal::{cap_age, shift, spellings};

/// What was found, joined by `|`.
fn found(text: &str) -> String {
    dates_in_text(text)
        .into_iter()
        .map(|range| {
            text.get(range)
                .unwrap_or("not a boundary")
        })
        .collect::<Vec<_>>()
        .join("|")
}

#[test]
fn dates_in_text_are_found_whole() {
    for date in [
        "20040119",
        "2004-01-19",
        "2004/01/19",
        "2004.1.19",
        "2004_01_19",
        "2004 01 19",
        "19.01.2004",
        "19. 1. 2004",
        "19/01/2004",
        "01/19/2004",
        "1/9/04",
        "9.1.04",
        "96-12-31",
        "19012004",
        "19-Jan-2004",
        "19Jan2004",
        "19-JAN-04",
        "Jan 19, 2004",
        "January 19th 2004",
        "January 19th, 2004",
        "19 January 2004",
        "19th of January 2004",
        "2004-Jan-19",
        "2004Jan19",
        "Jan 19",
        "19. Januar 2004",
        "3. M\u{e4}rz 2004",
        "3. M\u{c4}RZ 2004",
        "1er janvier 2004",
        "14 f\u{e9}vrier 2004",
        "2 AO\u{db}T 2004",
        "19 de enero de 2004",
        "Dezember 2003",
        "enero de 2004",
        "Sept. 2004",
        "01/2004",
        "20040119072730",
        "20040119072730.5+0100",
        "20040119T072730",
        "2004-01-19T07:27:30.123Z",
        "2004-01-19 07:27:30 -05:00",
        "19.01.2004, 07:27",
        "19.01.2004 um 07:27 Uhr",
        "Jan 19, 2004 at 7:27 PM",
        "19/01/2004 07h27",
        "20040119_0727",
        "20040119-072730",
        "20040119072730123",
        "2004年1月19日",
        "2004-01",
        "19 Jan '04",
        "19/Jan/2004:07:27:30 +0100",
    ] {
        assert_eq!(found(date), date);
        assert_eq!(found(&format!("seen {date} by")), date, "in words");
        assert_eq!(found(&format!("({date})")), date, "in brackets");
        assert_eq!(
            found(&format!("\u{dc}bersicht: {date}; \u{e9}")),
            date,
            "among other letters"
        );
    }
    assert_eq!(found("SUBJ_20040119_T1w"), "20040119");
    assert_eq!(found("A20040119B"), "20040119");
    assert_eq!(found("20040119-20040126"), "20040119|20040126");
    assert_eq!(found("2004-01-19-2004-01-26"), "2004-01-19|2004-01-26");
    assert_eq!(found("vs. 19.01.04 and Dec 2003"), "19.01.04|Dec 2003");
    assert_eq!(found("2004-01-19 1.5 mm"), "2004-01-19");
    assert_eq!(found("2004-01-19_07-27-59"), "2004-01-19|07-27-59");
}

#[test]
fn other_numbers_are_no_dates() {
    for text in [
        "",
        "no digit here, May or march",
        "12345678",
        "99999999",
        "20041319",
        "18790101",
        "21010101",
        "040119",
        "072730",
        "2004",
        "T1 3D MPRAGE 1.0x1.0x1.0",
        "TR/TE 2000/10",
        "512x512",
        "b=1000",
        "1.2.840.113619.2.55.3.604688119.969",
        "3.14",
        "10/12",
        "555-1234",
        "32.13.2004",
        "iMAR 3 mm",
        "T2 mar",
        "3dec",
        "1.2.3.04.05",
        "ISO 9001:2015",
        "L4-L5-S1",
        "5 x 5 x 10",
        "jan",
        "mar10",
        "1234-56-78",
        "0.5.5.20",
    ] {
        assert_eq!(found(text), "", "{text}");
    }
}

proptest! {
    #[test]
    fn every_form_of_a_day_is_found(day in 686_500..767_000_i32) {
        let day = NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default();
        for spelling in spellings(day) {
            prop_assert_eq!(found(&format!("on {spelling} x")), spelling.as_str());
            let capitals = spelling.to_uppercase();
            prop_assert_eq!(found(&format!("ON {capitals} X")), capitals.as_str());
        }
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "[0-9a-jA-J \\-./_,:+TéMärz年]{0,40}|\\PC{0,40}", days in any::<i64>()) {
        let mut end = 0;
        for range in dates_in_text(&text) {
            prop_assert!(end <= range.start && range.start < range.end && text.get(range.clone()).is_some());
            end = range.end;
        }
        for vr in [VR::DA, VR::DT, VR::TM] {
            let _ = shift(&text, vr, days);
        }
        let _ = cap_age(&text);
    }
}

#[test]
fn there_are_many_forms_of_a_day_and_each_is_listed_once() {
    let day = NaiveDate::from_ymd_opt(2004, 1, 9).unwrap_or_default();
    let all = spellings(day);
    for spelling in [
        "20040109",
        "2004-01-09",
        "09.01.2004",
        "9/1/04",
        "1/9/2004",
        "9 january 2004",
        "jan 9, 2004",
        "9 de enero de 2004",
    ] {
        assert!(
            all.iter()
                .any(|one| one == spelling),
            "{spelling}"
        );
    }
    let mut once = all.clone();
    once.dedup();
    assert_eq!(once, all);
}
