//! Days without a year, and short codes, beside the numbers of protocols that look like them.

use super::*;

/// With the dates that are found in the text, as texts of files are cleaned.
fn rest(text: &str) -> String {
    clean(
        text,
        &Identifiers::default(),
        &crate::elements::temporal::dates_in_text(text),
    )
    .into_owned()
}

#[test]
fn a_day_and_a_month_are_removed_in_every_form() {
    for day in [
        "12.06.",
        "12.06",
        "14.05.",
        "1.5.",
        "14. 5.",
        "05-14",
        "5/14",
        "12/6",
        "6/12",
        "12-06",
        "12_06",
        "12 06",
        "5 / 14",
        "5 - 14",
        "14\u{2013}05",
        "14.05.17",
        "14-05-17",
        "5/14/17",
        "17-05-14",
        "14. Mai",
        "14 May",
        "May 14",
        "MAY 14TH",
        "14.Mai",
        "14mai",
        "mai14",
        "31.12",
        "12.31",
        "01.05",
        "10/12",
        "am 14.05.",
        "14.05./15.05.",
        "05/17",
        "12.VI.",
        "12/VI",
        "12|06",
        "12,06",
        "12'06",
        "3.7.",
        "24.12",
        "12.06-13.06",
        "0612",
    ] {
        for text in [
            format!("chest {day}"),
            format!("{day} chest"),
            format!("chest {day} axial"),
            format!("chest ({day})"),
            format!("chest, {day}"),
        ] {
            let rest = rest(&text);
            assert!(
                !rest.contains(|c: char| c.is_ascii_digit()),
                "{text} -> {rest}"
            );
            assert!(rest.contains("chest"), "{text} -> {rest}");
        }
    }
    for text in [
        "chest17-06",
        "chest 12.06.axial",
        "t2_12.06_axial",
        "CHEST5.12",
        "ct-12.06.",
        "C3-12",
        "series 12/6",
        "b 12/6",
    ] {
        let rest = rest(text);
        for piece in ["17", "06", "12", "5."] {
            assert!(!rest.contains(piece), "{text} -> {rest}");
        }
    }
}

#[test]
fn short_codes_are_removed_as_a_whole() {
    for code in [
        "S17-4471",
        "S19-1234",
        "77-34-92",
        "48-21-30",
        "77 34 92",
        "48_21_30",
        "SW1 2AA",
        "K23 W12",
        "CT1 3BB",
        "K1A 0B1",
        "S-17-4471",
        "H31/4471",
        "48-21",
        "77.34.92",
        "T12-44-71",
        "A-4711-B",
        "W12",
        "12a",
        "EC1A 1BB",
        "M1 1AE",
        "0815/17",
        "3/4711",
        "R2-D2-77412",
    ] {
        for text in [
            format!("chest {code}"),
            format!("{code} chest axial"),
            format!("chest {code}, axial"),
        ] {
            let rest = rest(&text);
            assert!(
                !rest.contains(|c: char| c.is_ascii_digit()),
                "{text} -> {rest}"
            );
            let short = rest
                .split(|c: char| !c.is_alphanumeric())
                .find(|word| word.len() < 3 && !word.is_empty());
            assert_eq!(short, None, "{text} -> {rest}");
        }
    }
}

#[test]
fn numbers_of_protocols_stay() {
    let mut wrong = Vec::new();
    for text in [
        "L4/5 T2 sagittal",
        "L4/L5",
        "C3-C7",
        "C5/6/7",
        "C3-7",
        "Th11/12",
        "L5/S1",
        "LWS 4/5",
        "T2 3mm",
        "TE 90",
        "T1 TE 9.5",
        "1.5T",
        "3x3x3",
        "B1000",
        "20s",
        "b50_400_800",
        "ep2d_diff_b50_400_800_tra",
        "20-40 min",
        "50-75%",
        "12.5 mm",
        "12.06 mm",
        "10.5 x 3 mm",
        "Head 5.0 H31s",
        "Thorax 1.0 B70f 3",
        "Lung 1.0 Br60",
        "Qr36 70%",
        "PE CHEST 1.25",
        "slice 2.5",
        "0.6",
        "3D FLAIR",
        "T2N0M0",
        "part 1/2",
        "phase 2/4",
        "LAO 30 CRAN 20",
        "MAG3",
        "mb8",
        "p2",
        "4ch",
        "2nd trimester",
        "30-40 kV",
        "fov 230/75%",
        "4D CT 50%",
        "1.0-3.0 mm",
        "Ga68",
        "99%",
        "sag 5",
        "10^-6 mm/s",
        "TE 30 12",
        "MIP 10x2",
        "1+5",
        "B1 map",
        "iso 0.9",
        "1,25 mm",
        "slice 2,5",
        "12,5 mm",
        "Chest 1-2 views",
        "Hand 3+ views",
        "FA 8/15",
        "Abdomen 5.0/3.0",
    ] {
        if rest(text) != text {
            wrong.push(format!("{text} -> {}", rest(text)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_word_beside_an_unreadable_character_is_removed() {
    for (text, left) in [
        ("S\u{FFFD}hand thorax", "thorax"),
        ("thorax Hand-S\u{FFFD}rensen", "thorax"),
        ("\u{FFFD} thorax", "thorax"),
        ("thorax hand\u{FFFD}", "thorax"),
    ] {
        assert_eq!(rest(text), left);
    }
}
