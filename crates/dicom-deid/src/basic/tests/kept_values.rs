//! Values that stay: code strings, character sets, UIDs.

use super::*;
use crate::error::DeidErrorKind;

fn with(elements: Vec<Element>) -> Vec<Element> {
    let mut all = vec![text("SOPInstanceUID", "1.2.3.4.5.6.7.1")];
    all.extend(elements);
    all.sort_by_key(|element| element.tag);
    all
}

fn code(keyword: &str, value: &str) -> Option<String> {
    at(&clean(&[], with(vec![text(keyword, value)])), keyword)
}

#[test]
fn code_strings_stay_and_texts_in_their_place_are_cleaned_value_by_value() {
    let some = |text: &str| Some(text.to_owned());
    for (keyword, value, expected) in [
        ("BodyPartExamined", "CHEST", "CHEST"),
        ("BodyPartExamined", "Chest", "Chest"),
        ("BodyPartExamined", "L-SPINE", "L-SPINE"),
        (
            "BodyPartExamined",
            "Brought by her brother Quellhorst",
            "by",
        ),
        ("BodyPartExamined", "Quellhorst", ""),
        (
            "ImageType",
            "ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE",
            "ORIGINAL\\PRIMARY\\M_FFE\\M\\FFE",
        ),
        (
            "ImageType",
            "Original\\Primary\\Axial",
            "Original\\Primary\\Axial",
        ),
        (
            "ImageType",
            "DERIVED\\SECONDARY\\for Mrs. Quellhorst\\MPR",
            "DERIVED\\SECONDARY\\for Mrs\\MPR",
        ),
        (
            "ImageType",
            "DERIVED\\SECONDARY\\Quellhorst\\\\MPR\\PARALLEL",
            "DERIVED\\SECONDARY\\\\\\MPR\\PARALLEL",
        ),
        (
            "ImageType",
            "DERIVED\\SECONDARY\\MULTIPLANAR_RECONSTRUCTION",
            "DERIVED\\SECONDARY\\MULTIPLANAR_RECONSTRUCTION",
        ),
        ("Modality", "mr", "mr"),
        ("Modality", "Quellhorst's", "OT"),
        ("ImageLaterality", "r", "r"),
        ("PhotometricInterpretation", "monochrome2", "MONOCHROME2"),
        (
            "PhotometricInterpretation",
            "Palette Color",
            "PALETTE COLOR",
        ),
        ("PhotometricInterpretation", "RGB\0", "RGB"),
        ("PatientPosition", "HFS ", "HFS"),
    ] {
        assert_eq!(code(keyword, value), some(expected), "{keyword} {value}");
    }
}

#[test]
fn code_strings_are_cleaned_at_every_level_and_in_safe_private_elements() {
    let nested = sequence(
        "ViewCodeSequence",
        vec![vec![text("PatientOrientation", "A\\Quellhorst's side")]],
    );
    let data = clean(&[], with(vec![nested]));
    assert_eq!(
        at(&data, "ViewCodeSequence.PatientOrientation").unwrap(),
        "A\\side"
    );
    let strict = clean_by(
        &profile(r#", "unlisted": "remove""#, ""),
        DataSet::from_elements(with(vec![
            text("BodyPartExamined", "Brought by Quellhorst"),
            text("ScanOptions", "FS\\Quellhorst!"),
        ])),
    )
    .unwrap();
    assert_eq!(
        (
            at(&strict, "BodyPartExamined").unwrap(),
            at(&strict, "ScanOptions").unwrap()
        ),
        ("by".into(), "FS\\".into())
    );
}

#[test]
fn character_sets_are_spelled_as_the_standard_does_or_the_file_fails() {
    for (written, expected) in [
        ("ISO IR 100", "ISO_IR 100"),
        ("latin1", "ISO_IR 100"),
        ("UTF8", "ISO_IR 192"),
        ("\\ISO2022IR87", "\\ISO 2022 IR 87"),
    ] {
        let mut elements = with(vec![text("SpecificCharacterSet", written)]);
        let nested = sequence(
            "ReferencedSeriesSequence",
            vec![vec![text("SpecificCharacterSet", written)]],
        );
        elements.insert(2, nested);
        let data = clean(&[], elements);
        assert_eq!(at(&data, "SpecificCharacterSet").unwrap(), expected);
        assert_eq!(
            at(&data, "ReferencedSeriesSequence.SpecificCharacterSet").unwrap(),
            expected
        );
    }
    for written in [
        "Ward Quellhorst",
        "ISO_IR 100\\Ward Quellhorst",
        "Shift_JIS",
    ] {
        let nested = sequence(
            "ReferencedSeriesSequence",
            vec![vec![text("SpecificCharacterSet", written)]],
        );
        for element in [
            text("SpecificCharacterSet", written),
            nested,
            raw(0x0008, 0x0005, VR::OB, written),
        ] {
            let failed = clean_by(
                &with_options(&[]),
                DataSet::from_elements(with(vec![element])),
            )
            .unwrap_err();
            assert_eq!(failed.kind, DeidErrorKind::CharacterSet, "{written}");
            assert!(
                !failed
                    .to_string()
                    .contains("Quellhorst")
            );
        }
    }
}

#[test]
fn a_misspelt_character_set_is_used_as_the_one_that_it_means() {
    for (set, manufacturer) in [
        ("ISO IR 100", &b"Schn\xE4bele"[..]),
        ("UTF-8", "Schnäbele".as_bytes()),
    ] {
        let name = Element::new(
            Tag(0x0008, 0x0070),
            VR::LO,
            padded(VR::LO, manufacturer.to_vec()),
        );
        let data = clean(
            &[],
            with(vec![text("SpecificCharacterSet", set), name.clone()]),
        );
        assert_eq!(data.get(name.tag), Some(&name), "{set}");
    }
}

#[test]
fn bytes_behind_the_nul_of_a_uid_are_removed() {
    let hidden = |keyword: &str, uid: &str| text(keyword, &format!("{uid}\0Quellhorst"));
    let class = "1.2.840.10008.5.1.4.1.1.2";
    let elements = || {
        with(vec![
            hidden("SOPClassUID", class),
            hidden("StudyInstanceUID", "1.2.3.4.5.6.7.2"),
            sequence(
                "ReferencedImageSequence",
                vec![vec![
                    hidden("ReferencedSOPClassUID", class),
                    text("ReferencedSOPInstanceUID", "1.2.3.4.5.6.7.9"),
                ]],
            ),
            text(
                "RelatedGeneralSOPClassUID",
                &format!("{class}\0Quellhorst\\{class}"),
            ),
            text("ContextUID", "Quellhorst"),
        ])
    };
    for options in [&[][..], &["retain-uids"]] {
        let data = clean(options, elements());
        assert_eq!(at(&data, "SOPClassUID").unwrap(), class);
        assert_eq!(
            at(&data, "ReferencedImageSequence.ReferencedSOPClassUID").unwrap(),
            class
        );
        assert_eq!(
            at(&data, "RelatedGeneralSOPClassUID").unwrap(),
            format!("{class}\\{class}")
        );
        let study = key().uid(b"1.2.3.4.5.6.7.2");
        assert_eq!(
            at(&data, "StudyInstanceUID").unwrap(),
            if options.is_empty() {
                &study
            } else {
                "1.2.3.4.5.6.7.2"
            }
        );
        let bytes = data
            .to_bytes(LITTLE, &Limits::default())
            .unwrap();
        assert!(
            memchr::memmem::find(&bytes, b"Quellhorst").is_none(),
            "{options:?}"
        );
    }
}

#[test]
fn the_padding_of_a_uid_stays() {
    for value in [
        &b"1.2.840.10008.5.1.4.1.1.2\0"[..],
        b"1.2.840.10008.5.1.4.1.1.2 ",
        b"1.2.840.10008.5.1.4.1.1.2",
    ] {
        let element = Element::new(Tag(0x0008, 0x0016), VR::UI, value.to_vec());
        assert_eq!(
            clean(&[], with(vec![element.clone()])).get(element.tag),
            Some(&element)
        );
    }
}
