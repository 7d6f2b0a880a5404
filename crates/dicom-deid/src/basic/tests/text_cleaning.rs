//! Texts in another character set than the file declares.

use super::*;

fn description(set: Option<&str>, name: &[u8], value: &[u8]) -> String {
    let mut elements = vec![
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        Element::new(Tag(0x0008, 0x103E), VR::LO, padded(VR::LO, value.to_vec())),
        Element::new(Tag(0x0010, 0x0010), VR::PN, padded(VR::PN, name.to_vec())),
        text("PatientID", "PAT-0042"),
    ];
    elements.extend(set.map(|set| text("SpecificCharacterSet", set)));
    elements.sort_by_key(|element| element.tag);
    at(
        &clean(&["clean-descriptors"], elements),
        "SeriesDescription",
    )
    .unwrap_or_default()
}

#[test]
fn letters_beside_what_cannot_be_read_are_no_words() {
    for (set, value) in [
        (Some("ISO_IR 192"), b"S\xF6hand thorax".as_slice()),
        (Some("ISO_IR 192"), b"Hand-S\xF6rensen thorax"),
        (Some("ISO_IR 192"), b"thorax hand\xF8"),
        (Some("ISO_IR 100"), "Söhand thorax".as_bytes()),
        (None, "Söhand thorax".as_bytes()),
        (None, b"thorax \x8ER\x93chand"),
        (None, b"S\xF6hand thorax"),
        (Some("ISO_IR 100"), b"\x8ER/hand thorax"),
        (Some("ISO_IR 192"), b"\x1B$B;3hand\x1B(B thorax"),
        (Some("ISO_IR 13"), b"\x8ER\xEAhand thorax"),
    ] {
        assert_eq!(
            description(set, b"Doe^Jane", value),
            "thorax",
            "{set:?} {value:?}"
        );
    }
}

#[test]
fn words_that_are_read_in_their_own_character_set_stay() {
    for (set, value) in [
        (Some("ISO_IR 100"), b"Sch\xE4del 5 mm".as_slice()),
        (Some("ISO_IR 192"), "Schädel 5 mm".as_bytes()),
        (None, b"Sch\xE4del 5 mm"),
    ] {
        let expected = String::from_utf8_lossy(value).into_owned();
        assert_eq!(description(set, b"Doe^Jane", value), expected, "{set:?}");
    }
}
