//! Whole profiles that encrypt, retain and decrypt, and what is in the envelopes that they make.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::clean::Cleaner;
use crate::profile::{Profile, from_server_json};
use crate::standard;

const BIG: Encoding = Encoding {
    explicit: true,
    big_endian: true,
};
const LITTLE: Encoding = Encoding::EXPLICIT_LITTLE;
const KEY: &str = "000102030405060708090a0b0c0d0e0f";

fn profile(dicom: &str) -> Profile {
    from_server_json(
        &json!(format!("name: t\nsecret-key: '{KEY}'\ndicom: {dicom}")),
        "test",
    )
    .unwrap()
    .unwrap()
}

fn run(dicom: &str, mut data: DataSet, encoding: Encoding) -> Result<DataSet, DeidError> {
    Cleaner::new(&profile(dicom), None, Limits::default())
        .unwrap()
        .clean(&mut data, encoding)?;
    Ok(data)
}

fn tag(keyword: &str) -> Tag {
    standard::tag_of_keyword(keyword).unwrap()
}

fn named(keyword: &str, value: &[u8]) -> Element {
    let vr = standard::vr(tag(keyword)).unwrap();
    Element::new(tag(keyword), vr, padded(vr, value.to_vec()))
}

fn number(keyword: &str, value: u16, encoding: Encoding) -> Element {
    Element::new(tag(keyword), VR::US, encoding.put_u16(value).to_vec())
}

fn data(elements: Vec<Element>) -> DataSet {
    DataSet::from_elements(elements)
}

/// What stands in the envelope of a cleaned data set.
fn inside(cleaned: &DataSet) -> DataSet {
    let item = &cleaned
        .get(tags::ENCRYPTED_ATTRIBUTES_SEQUENCE)
        .unwrap()
        .items()
        .unwrap()
        .items[0]
        .data;
    assert_eq!(
        item.get(tags::ENCRYPTED_CONTENT_TRANSFER_SYNTAX_UID)
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"1.2.840.10008.1.2.1\0"
    );
    let content = item
        .get(tags::ENCRYPTED_CONTENT)
        .unwrap();
    assert_eq!(
        (content.vr, content.bytes().unwrap().len() % 2),
        (VR::OB, 0)
    );
    let plain = profile("{fields: [{name: PatientID, encrypt: true}]}")
        .dicom
        .envelope
        .unwrap()
        .open(content.bytes().unwrap());
    let plain = Bytes::from(plain.unwrap().to_vec());
    let all = DataSet::from_bytes(&plain, LITTLE, &Limits::default()).unwrap();
    assert_eq!(all.len(), 1);
    all.get(tags::MODIFIED_ATTRIBUTES_SEQUENCE)
        .unwrap()
        .items()
        .unwrap()
        .items[0]
        .data
        .clone()
}

fn tags(data: &DataSet) -> Vec<Tag> {
    data.iter()
        .map(|element| element.tag)
        .collect()
}

fn person(encoding: Encoding) -> DataSet {
    let other = data(vec![
        named("PatientID", b"INNER"),
        named("IssuerOfPatientID", b"ISS"),
    ]);
    data(vec![
        named("PatientName", b"Doe^Jane"),
        named("PatientID", b"PAT-0042"),
        Element::sequence(tag("OtherPatientIDsSequence"), vec![other], encoding),
        number("Rows", 258, encoding),
    ])
}

const ENCRYPT: &str = "{fields: [{name: PatientID, encrypt: true}, {name: Rows, encrypt: true}, {name: StudyID, encrypt: true},
    {name: OtherPatientIDsSequence, encrypt: true}]}";
const DECRYPT: &str = "{fields: [{name: PatientID, decrypt: true}, {name: Rows, decrypt: true}, {name: StudyID, decrypt: true},
    {name: OtherPatientIDsSequence, decrypt: true}]}";

#[test]
fn what_is_encrypted_is_gone_and_comes_back_as_it_was_in_every_encoding() {
    for encoding in [LITTLE, BIG, Encoding::IMPLICIT_LITTLE] {
        let cleaned = run(ENCRYPT, person(encoding), encoding).unwrap();
        assert_eq!(
            tags(&cleaned),
            [tag("PatientName"), tags::ENCRYPTED_ATTRIBUTES_SEQUENCE]
        );
        let envelope = inside(&cleaned);
        assert_eq!(
            tags(&envelope),
            [
                tag("PatientID"),
                tag("OtherPatientIDsSequence"),
                tag("Rows")
            ]
        );
        assert_eq!(
            envelope
                .get(tag("Rows"))
                .unwrap()
                .bytes()
                .unwrap()
                .as_ref(),
            [2, 1],
            "little endian inside"
        );
        let mut restored = run(DECRYPT, cleaned, encoding).unwrap();
        assert!(
            restored
                .remove(tags::ENCRYPTED_ATTRIBUTES_SEQUENCE)
                .is_some(),
            "the envelope stays"
        );
        assert_eq!(restored, person(encoding));
    }
}

#[test]
fn the_envelope_has_the_bytes_that_flywheels_engine_writes() {
    let cleaned = run(
        "{fields: [{name: PatientID, encrypt: true}]}",
        person(LITTLE),
        LITTLE,
    )
    .unwrap();
    let content = cleaned
        .get(tags::ENCRYPTED_ATTRIBUTES_SEQUENCE)
        .unwrap()
        .items()
        .unwrap()
        .items[0]
        .data
        .get(tags::ENCRYPTED_CONTENT)
        .unwrap();
    let keys = profile(ENCRYPT)
        .dicom
        .envelope
        .unwrap();
    let expected =
        b"\x00\x04\x50\x05SQ\0\0\x18\0\0\0\xfe\xff\x00\xe0\x10\0\0\0\x10\0\x20\0LO\x08\0PAT-0042";
    assert_eq!(
        keys.open(content.bytes().unwrap())
            .unwrap()
            .as_slice(),
        expected
    );
}

#[test]
fn an_absent_element_still_makes_an_envelope() {
    let cleaned = run(
        "{fields: [{name: StudyID, encrypt: true}]}",
        person(LITTLE),
        LITTLE,
    )
    .unwrap();
    assert!(inside(&cleaned).is_empty());
}

#[test]
fn nested_elements_are_flattened_and_the_first_of_equal_tags_stays() {
    let rules = "{fields: [{name: OtherPatientIDsSequence.0.PatientID, encrypt: true}, {name: PatientID, encrypt: true}]}";
    let cleaned = run(rules, person(LITTLE), LITTLE).unwrap();
    assert_eq!(
        inside(&cleaned)
            .get(tag("PatientID"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"INNER "
    );
    assert_eq!(cleaned.get(tag("PatientID")), None);
    let cleaned = run(
        "{recurse-sequence: true, fields: [{name: PatientID, encrypt: true}]}",
        person(LITTLE),
        LITTLE,
    )
    .unwrap();
    assert_eq!(
        inside(&cleaned)
            .get(tag("PatientID"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"PAT-0042"
    );
    let other = &cleaned
        .get(tag("OtherPatientIDsSequence"))
        .unwrap()
        .items()
        .unwrap()
        .items[0]
        .data;
    assert_eq!(tags(other), [tag("IssuerOfPatientID")]);
}

#[test]
fn originals_are_retained_while_the_actions_still_happen() {
    let mut elements = person(LITTLE).into_elements();
    elements.extend([
        Element::new(Tag(0x0009, 0x0010), VR::LO, b"ACME".to_vec()),
        Element::new(Tag(0x0009, 0x1001), VR::UN, b"priv".to_vec()),
        named("PatientBirthDate", b"19500615"),
        named("StudyDate", b"20040119"),
        named("PatientAge", b"001Y"),
    ]);
    let rules = "{retain: true, remove-private-tags: true, patient-age-from-birthdate: true, fields: [
        {name: PatientName, remove: true}, {name: PatientID, hash: true}, {name: PatientID, replace-with: X}, {name: StudyID, replace-with: new},
        {name: OtherPatientIDsSequence.0.IssuerOfPatientID, remove: true}, {name: StudyDate, encrypt: true}, {name: Rows}]}";
    let cleaned = run(rules, data(elements), LITTLE).unwrap();
    let envelope = inside(&cleaned);
    let kept = ["StudyDate", "PatientName", "PatientID", "IssuerOfPatientID"].map(tag);
    let expected = [
        kept[0],
        Tag(9, 0x10),
        Tag(9, 0x1001),
        kept[1],
        kept[2],
        kept[3],
    ];
    assert_eq!(tags(&envelope), expected);
    assert_eq!(
        envelope
            .get(tag("PatientID"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"PAT-0042"
    );
    assert_eq!(
        cleaned
            .get(tag("PatientID"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"X "
    );
    assert_eq!(
        cleaned
            .get(tag("PatientAge"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"643M"
    );
    for gone in ["PatientName", "StudyDate"] {
        assert_eq!(cleaned.get(tag(gone)), None);
    }
}

#[test]
fn elements_that_remove_undefined_removes_are_retained_with_their_items() {
    let rules = "{retain: true, remove-undefined: true, fields: [{name: PatientID, hash: true}]}";
    let cleaned = run(rules, person(LITTLE), LITTLE).unwrap();
    assert_eq!(
        tags(&cleaned),
        [tag("PatientID"), tags::ENCRYPTED_ATTRIBUTES_SEQUENCE]
    );
    assert_eq!(inside(&cleaned), person(LITTLE));
}

#[test]
fn a_file_to_which_nothing_was_done_gets_no_envelope() {
    let nothing = run(
        "{retain: true, remove-private-tags: true}",
        person(LITTLE),
        LITTLE,
    )
    .unwrap();
    assert_eq!(nothing, person(LITTLE));
    let kept = run(
        "{retain: true, fields: [{name: PatientID}]}",
        person(LITTLE),
        LITTLE,
    )
    .unwrap();
    assert!(inside(&kept).is_empty());
}

#[test]
fn text_stays_what_it_is_across_character_sets() {
    let latin = || named("SpecificCharacterSet", b"ISO_IR 100");
    let rules = "{fields: [{name: PatientName, encrypt: true}]}";
    let cleaned = run(
        rules,
        data(vec![latin(), named("PatientName", b"M\xfcller")]),
        LITTLE,
    )
    .unwrap();
    let envelope = inside(&cleaned);
    assert_eq!(
        envelope.get(CHARACTER_SET),
        Some(&latin()),
        "without it the name could not be read"
    );
    assert_eq!(
        envelope
            .get(tag("PatientName"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"M\xfcller"
    );
    // The file was converted to another character set in between.
    let mut converted = cleaned.clone();
    converted.put(named("SpecificCharacterSet", b"ISO_IR 192"));
    let restored = run(
        "{fields: [{name: PatientName, decrypt: true}]}",
        converted,
        LITTLE,
    )
    .unwrap();
    assert_eq!(
        restored
            .get(tag("PatientName"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        "Müller ".as_bytes()
    );
    let mut narrow = cleaned;
    narrow.remove(CHARACTER_SET);
    let failure = run(
        "{fields: [{name: PatientName, decrypt: true}]}",
        narrow,
        LITTLE,
    )
    .unwrap_err();
    assert_eq!(failure.kind, DeidErrorKind::Text);
    assert!(!failure.to_string().contains("ller"));
}

#[test]
fn a_nested_character_set_is_carried_into_the_files_own() {
    let inner = data(vec![
        named("SpecificCharacterSet", b"ISO_IR 100"),
        named("PatientName", b"M\xfcller"),
    ]);
    let elements = vec![
        named("SpecificCharacterSet", b"ISO_IR 192"),
        Element::sequence(tag("OtherPatientIDsSequence"), vec![inner], LITTLE),
    ];
    let rules = "{fields: [{name: OtherPatientIDsSequence.0.PatientName, encrypt: true}]}";
    let envelope = inside(&run(rules, data(elements.clone()), LITTLE).unwrap());
    assert_eq!(
        envelope
            .get(tag("PatientName"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        "Müller ".as_bytes()
    );
    let whole = inside(
        &run(
            "{fields: [{name: OtherPatientIDsSequence, encrypt: true}]}",
            data(elements.clone()),
            LITTLE,
        )
        .unwrap(),
    );
    assert_eq!(
        whole
            .get(tag("OtherPatientIDsSequence"))
            .unwrap()
            .items(),
        elements[1].items()
    );
    let changed = "{fields: [{name: SpecificCharacterSet, replace-with: ISO_IR 192}, {name: PatientName, encrypt: true}]}";
    let latin = vec![
        named("SpecificCharacterSet", b"ISO_IR 100"),
        named("PatientName", b"M\xfcller"),
    ];
    assert_eq!(
        run(changed, data(latin), LITTLE)
            .unwrap_err()
            .kind,
        DeidErrorKind::Text
    );
}

#[test]
fn decrypting_makes_what_is_missing_and_leaves_what_the_envelope_lacks() {
    let rules = "{retain: true, fields: [{name: OtherPatientIDsSequence, remove: true}, {name: PatientID, replace-with: X}]}";
    let cleaned = run(rules, person(LITTLE), LITTLE).unwrap();
    let back = "{fields: [{name: OtherPatientIDsSequence.0.PatientID, decrypt: true}, {name: OtherPatientIDsSequence.1.PatientID, decrypt: true},
        {name: OtherPatientIDsSequence.*.IssuerOfPatientID, decrypt: true}, {name: PatientName, decrypt: true}, {regex: Rows, decrypt: true}]}";
    let restored = run(back, cleaned, LITTLE).unwrap();
    let items = &restored
        .get(tag("OtherPatientIDsSequence"))
        .unwrap()
        .items()
        .unwrap()
        .items;
    assert_eq!(items.len(), 1);
    assert_eq!(
        tags(&items[0].data),
        [tag("PatientID"), tag("IssuerOfPatientID")]
    );
    assert_eq!(
        restored
            .get(tag("PatientID"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"X "
    );
    assert_eq!(
        restored.get(tag("PatientName")),
        person(LITTLE).get(tag("PatientName"))
    );
}

#[test]
fn a_private_element_comes_back_with_its_creator() {
    let creator = Element::new(Tag(0x0009, 0x0011), VR::LO, b"ACME".to_vec());
    let value = Element::new(Tag(0x0009, 0x1101), VR::LO, b"priv".to_vec());
    let original = data(vec![creator, value, named("PatientID", b"PAT-0042")]);
    let cleaned = run(
        "{retain: true, remove-private-tags: true}",
        original.clone(),
        LITTLE,
    )
    .unwrap();
    assert_eq!(
        tags(&cleaned),
        [tag("PatientID"), tags::ENCRYPTED_ATTRIBUTES_SEQUENCE]
    );
    let mut restored = run(
        "{fields: [{name: '(0009,\"ACME\",01)', decrypt: true}]}",
        cleaned,
        LITTLE,
    )
    .unwrap();
    restored.remove(tags::ENCRYPTED_ATTRIBUTES_SEQUENCE);
    assert_eq!(restored, original);
}

#[test]
fn a_private_element_of_an_implicit_file_gets_the_vr_that_is_known_for_it() {
    let implicit = Encoding::IMPLICIT_LITTLE;
    let creator = Element::new(Tag(0x0009, 0x0010), VR::LO, b"GEMS_IDEN_01".to_vec());
    let value = Element::new(Tag(0x0009, 0x1027), VR::UN, 5_u32.to_le_bytes().to_vec());
    let rules = "{fields: [{name: '(0009,\"GEMS_IDEN_01\",27)', encrypt: true}]}";
    let cleaned = run(rules, data(vec![creator, value]), implicit).unwrap();
    assert_eq!(
        inside(&cleaned)
            .get(Tag(0x0009, 0x1027))
            .unwrap()
            .vr,
        VR::SL
    );
}

#[test]
fn an_envelope_that_was_there_is_replaced_as_at_flywheel() {
    let first = run(
        "{fields: [{name: PatientID, encrypt: true}]}",
        person(LITTLE),
        LITTLE,
    )
    .unwrap();
    let second = run(
        "{fields: [{name: PatientName, encrypt: true}, {name: PatientID, decrypt: true}]}",
        first,
        LITTLE,
    )
    .unwrap();
    assert_eq!(tags(&inside(&second)), [tag("PatientName")]);
    assert_eq!(
        second
            .get(tag("PatientID"))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        b"PAT-0042"
    );
    assert_eq!(
        second
            .get(tags::ENCRYPTED_ATTRIBUTES_SEQUENCE)
            .unwrap()
            .items()
            .unwrap()
            .items
            .len(),
        1
    );
}

#[test]
fn what_cannot_be_opened_or_kept_fails_the_file() {
    let decrypt = "{fields: [{name: PatientID, decrypt: true}]}";
    assert_eq!(
        run(decrypt, person(LITTLE), LITTLE)
            .unwrap_err()
            .kind,
        DeidErrorKind::Envelope
    );
    let mut cleaned = run(ENCRYPT, person(LITTLE), LITTLE).unwrap();
    let other = format!(
        "{{secret-key: '{}', fields: [{{name: PatientID, decrypt: true}}]}}",
        KEY.replace('0', "1")
    );
    let failure = run(&other, cleaned.clone(), LITTLE).unwrap_err();
    assert_eq!(failure.kind, DeidErrorKind::Envelope);
    assert!(
        failure
            .to_string()
            .contains("does not open")
            && !failure
                .remedy
                .as_deref()
                .unwrap_or_default()
                .contains(KEY)
    );
    let keys = profile(decrypt)
        .dicom
        .envelope
        .unwrap();
    for plain in [&b"no data set"[..], b"", b"\x10\0\x20\0LO\x08\0PAT-0042"] {
        let content = Element::new(
            tags::ENCRYPTED_CONTENT,
            VR::OB,
            padded(VR::OB, keys.seal(plain).unwrap()),
        );
        cleaned.put(Element::sequence(
            tags::ENCRYPTED_ATTRIBUTES_SEQUENCE,
            vec![data(vec![content])],
            LITTLE,
        ));
        let failure = run(decrypt, cleaned.clone(), LITTLE).unwrap_err();
        assert_eq!(failure.kind, DeidErrorKind::Envelope);
        assert!(!failure.to_string().contains("PAT"));
    }
    let pixels = Element {
        tag: Tag(0x7FE0, 0x0010),
        vr: VR::OW,
        odd_vr: None,
        value: Value::Fragments(Bytes::new()),
    };
    for rules in [
        "{fields: [{name: PixelData, encrypt: true}]}",
        "{retain: true, fields: [{name: PixelData, remove: true}]}",
    ] {
        let refused = from_server_json(
            &json!(format!("name: t\nsecret-key: '{KEY}'\ndicom: {rules}")),
            "test",
        );
        let Ok(Some(profile)) = refused else { continue };
        let mut with_pixels = person(LITTLE);
        with_pixels.put(pixels.clone());
        let refusing = Cleaner::new(&profile, None, Limits::default()).unwrap();
        assert_eq!(
            refusing
                .clean(&mut with_pixels, LITTLE)
                .unwrap_err()
                .kind,
            DeidErrorKind::Target,
            "{rules}"
        );
    }
}
