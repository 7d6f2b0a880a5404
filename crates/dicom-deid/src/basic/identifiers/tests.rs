//! What is found as an identifier, and that nothing else is.

#![allow(clippy::unwrap_used)]

use dicom_lossless::Tag;

use super::*;
use crate::standard::tag_of_keyword;

const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;

fn element(keyword: &str, value: &str) -> Element {
    let tag = tag_of_keyword(keyword).unwrap();
    Element::new(tag, vr(tag).unwrap(), value.as_bytes().to_vec())
}

fn utf8(elements: Vec<Element>) -> DataSet {
    let mut all = vec![element("SpecificCharacterSet", "ISO_IR 192")];
    all.extend(elements);
    DataSet::from_elements(all)
}

fn of(pairs: &[(&str, &str)]) -> Identifiers {
    Identifiers::of(
        &utf8(
            pairs
                .iter()
                .map(|(keyword, value)| element(keyword, value))
                .collect(),
        ),
        LITTLE,
    )
}

fn ids(own: &Identifiers) -> Vec<&str> {
    own.ids().collect()
}

#[test]
fn names_are_split_in_every_component_group() {
    let own = of(&[(
        "PatientName",
        "Meyer-Müller^Jane Ann^D=山田^太郎=やまだ^たろう",
    )]);
    for word in [
        "meyer",
        "mueller",
        "muller",
        "jane",
        "ann",
        "山田",
        "太郎",
        "やまだ",
        "meyermuller",
        "janeann",
        "annjane",
    ] {
        assert!(own.has_word(word), "{word}");
    }
    for word in ["d", "jan", "mey", "anna"] {
        assert!(!own.has_word(word), "{word}");
    }
    let irish = of(&[("ReferringPhysicianName", "O'Brien^Pat")]);
    assert!(irish.has_word("obrien") && irish.has_word("brien"));
}

#[test]
fn titles_and_particles_are_no_names() {
    let own = of(&[
        ("PatientName", "van der Long^Mr John^^Dr^MD"),
        ("OperatorsName", "Do^Pa"),
    ]);
    assert!(own.has_word("long") && own.has_word("john"));
    assert!(
        ["van", "der", "mr", "dr", "md"]
            .into_iter()
            .all(|word| !own.has_word(word))
    );
    assert!(
        own.has_word("do") && own.has_word("pa"),
        "alone they are names"
    );
}

#[test]
fn numbers_are_known_whole_and_without_zeros_and_separators() {
    let own = of(&[
        ("PatientID", "000-123 45"),
        ("AccessionNumber", "A/24-0077"),
        ("StudyID", "1"),
    ]);
    assert_eq!(ids(&own), ["00012345", "0077", "12345", "77", "a240077"]);
    let letters = of(&[("PatientID", "JANEDOE"), ("AdmissionID", "Long Hand")]);
    assert!(letters.has_word("janedoe") && letters.has_pair("long hand"));
}

#[test]
fn places_are_known_by_two_words_and_machines_by_their_number() {
    let own = of(&[
        ("InstitutionName", "Long Beach General"),
        ("StationName", "CT01"),
        ("PatientAddress", "12 Hand Lane"),
    ]);
    assert!(own.has_pair("long beach") && own.has_pair("beach general") && own.has_pair("12 hand"));
    assert!(!own.has_word("long") && !own.has_pair("long general"));
    assert_eq!(ids(&own), ["ct01"]);
    assert_eq!(
        ids(&of(&[("PatientTelephoneNumbers", "+1 (555) 010-4477")])),
        ["15550104477"]
    );
}

#[test]
fn dates_are_days() {
    let own = of(&[
        ("PatientBirthDate", "19580312"),
        ("StudyDate", "2024.01.09"),
        ("AcquisitionDateTime", "20240109101500.0+0100"),
    ]);
    let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
    assert_eq!(own.dates(), [day(1958, 3, 12), day(2024, 1, 9)]);
    let other = of(&[
        ("PatientBirthDateInAlternativeCalendar", "S33.03.12"),
        ("SeriesDate", "19581399"),
    ]);
    assert_eq!(
        (other.dates().len(), ids(&other)),
        (0, vec!["19581399", "s330312"])
    );
}

#[test]
fn items_have_their_own_character_set_and_un_its_real_vr() {
    let latin = DataSet::from_elements(vec![
        element("SpecificCharacterSet", "ISO_IR 100"),
        Element::new(
            tag_of_keyword("PatientName").unwrap(),
            VR::PN,
            &b"Zo\xEB^Long"[..],
        ),
    ]);
    let tag = tag_of_keyword("OtherPatientIDsSequence").unwrap();
    let unknown = Element::new(
        tag_of_keyword("PatientName").unwrap(),
        VR::UN,
        &b"Hand^Al"[..],
    );
    let private = Element::new(Tag(0x0009, 0x1001), VR::PN, &b"Poe^Ed"[..]);
    let own = Identifiers::of(
        &utf8(vec![
            private,
            unknown,
            Element::sequence(tag, vec![latin], LITTLE),
        ]),
        LITTLE,
    );
    assert!(
        ["zoe", "long", "hand", "al", "poe", "ed"]
            .into_iter()
            .all(|word| own.has_word(word))
    );
}

#[test]
fn other_attributes_are_not_read() {
    let own = of(&[
        ("SeriesDescription", "Long Hand 12345"),
        ("Manufacturer", "Jane Ltd"),
    ]);
    assert!(!own.names_someone() && !own.names_a_place() && ids(&own).is_empty());
    assert_eq!(format!("{own:?}"), "Identifiers", "shows nothing");
}

#[test]
fn collecting_is_cheap() {
    let mut elements: Vec<_> = (0..200_u16)
        .map(|n| Element::new(Tag(0x0018, n), VR::DS, &b"1.5 "[..]))
        .collect();
    elements.push(element("PatientName", "Doe^Jane"));
    elements.push(element("PatientID", "12345678"));
    elements.push(element("StudyDate", "20240109"));
    let data = DataSet::from_elements(elements);
    let start = std::time::Instant::now();
    let found = (0..1000)
        .filter(|_| Identifiers::of(&data, LITTLE).names_someone())
        .count();
    let each = start.elapsed() / 1000;
    assert_eq!(found, 1000);
    // Unoptimised, on a busy machine; built for release it takes a few microseconds.
    println!("{each:?} each");
    assert!(each.as_micros() < 2000, "{each:?}");
}
