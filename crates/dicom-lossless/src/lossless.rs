//! Tests: what no rule touches comes out as it went in.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use dicom_dictionary_std::tags;
use std::sync::Arc;

use super::fixture::*;
use super::meta::IMPLEMENTATION_CLASS_UID;
use super::*;
use crate::error::FileErrorKind;

#[test]
fn every_kind_of_element_comes_out_as_it_went_in() {
    for encoding in [EXPLICIT, IMPLICIT, BIG] {
        for encapsulated in [false, true] {
            let data = everything(encoding, encapsulated);
            let instance = read_bytes(&native(&data)).unwrap();
            assert_eq!(
                written_data(&instance),
                data.1,
                "{encoding:?} {encapsulated}"
            );
            assert_eq!(
                instance
                    .pixels
                    .as_ref()
                    .unwrap()
                    .encapsulated,
                encapsulated
            );
            assert_eq!(instance.tail.len(), 2);
            assert!(instance.notes.is_empty(), "{:?}", instance.notes);
        }
    }
}

#[test]
fn un_holding_a_sequence_is_opened_and_un_holding_bytes_is_not() {
    for encoding in [EXPLICIT, IMPLICIT, BIG] {
        let instance = read_bytes(&native(&everything(encoding, false))).unwrap();
        for element in [0x1001, 0x1002] {
            let sequence = instance
                .header
                .get(Tag(0x0009, element))
                .unwrap()
                .items()
                .unwrap();
            assert_eq!(sequence.encoding, IMPLICIT);
            let name = sequence.items[0]
                .data
                .get(tags::PATIENT_NAME)
                .unwrap();
            assert_eq!(
                (name.vr, name.bytes().unwrap().as_ref()),
                (VR::PN, b"Nobody".as_slice())
            );
        }
        assert!(
            instance
                .header
                .get(Tag(0x0009, 0x1003))
                .unwrap()
                .bytes()
                .is_some()
        );
    }
}

#[test]
fn preamble_and_meta_are_fresh_and_group_lengths_go() {
    let data = start(EXPLICIT)
        .element(0x0010_0000, "UL", [4, 0, 0, 0])
        .element(0x0010_0010, "PN", "No")
        .element(0x0000_1000, "UI", "CANARY")
        .element(0x0002_0016, "AE", "CANARY");
    let instance = read_bytes(&native(&data)).unwrap();
    let all = write(&instance, &Limits::default())
        .unwrap()
        .to_vec()
        .unwrap();
    assert_eq!(&all[..132], [[0; 128].as_slice(), b"DICM"].concat());
    assert!(
        !all.windows(6)
            .any(|w| w == b"CANARY")
    );
    let again = dicom_object::from_reader(&all[..]).unwrap();
    assert_eq!(
        again
            .meta()
            .media_storage_sop_instance_uid
            .trim_end_matches('\0'),
        "2.25.1234"
    );
    assert_eq!(
        again
            .meta()
            .media_storage_sop_class_uid
            .trim_end_matches('\0'),
        "1.2.840.10008.5.1.4.1.1.2"
    );
    assert_eq!(
        again
            .meta()
            .implementation_class_uid
            .trim_end_matches('\0'),
        IMPLEMENTATION_CLASS_UID
    );
    assert_eq!(
        u32::from_le_bytes(all[140..144].try_into().unwrap()) as usize,
        all.len() - 144 - written_data(&instance).len()
    );
    assert!(
        again
            .element(Tag(0x0010, 0x0000))
            .is_err()
    );
    assert!(IMPLEMENTATION_VERSION.len() <= 16 && IMPLEMENTATION_CLASS_UID.len() <= 64);
}

#[test]
fn edits_are_written_with_lengths_computed_anew() {
    for encoding in [EXPLICIT, IMPLICIT, BIG] {
        let mut instance = read_bytes(&native(&everything(encoding, true))).unwrap();
        let sequence = instance
            .header
            .get_mut(tags::REFERENCED_IMAGE_SEQUENCE)
            .unwrap()
            .items_mut()
            .unwrap();
        sequence.items[0]
            .data
            .put(Element::new(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM "));
        let un = instance
            .header
            .get_mut(Tag(0x0009, 0x1002))
            .unwrap()
            .items_mut()
            .unwrap();
        un.items[0]
            .data
            .put(Element::new(tags::PATIENT_NAME, VR::PN, "Jane Doe"));
        instance
            .header
            .get_mut(tags::SOURCE_IMAGE_SEQUENCE)
            .unwrap()
            .value = Value::Bytes(bytes::Bytes::new());
        instance
            .tail
            .remove(tags::DIGITAL_SIGNATURES_SEQUENCE);
        let all = write(&instance, &Limits::default())
            .unwrap()
            .to_vec()
            .unwrap();
        let again = read_bytes(&all).unwrap();
        assert_eq!(again.header.len(), instance.header.len());
        let un = again
            .header
            .get(Tag(0x0009, 0x1002))
            .unwrap()
            .items()
            .unwrap();
        assert_eq!(
            un.items[0]
                .data
                .get(tags::PATIENT_NAME)
                .unwrap()
                .bytes()
                .unwrap()
                .as_ref(),
            b"Jane Doe"
        );
        assert_eq!(again.tail.len(), 1);
    }
}

#[test]
fn a_value_too_long_for_its_vr_is_an_error() {
    let mut instance = read_bytes(&native(&start(EXPLICIT))).unwrap();
    instance
        .header
        .put(Element::new(tags::PATIENT_NAME, VR::PN, vec![b'x'; 65536]));
    assert_eq!(
        write(&instance, &Limits::default())
            .unwrap_err()
            .kind,
        FileErrorKind::ValueTooLong
    );
    instance
        .header
        .put(Element::new(tags::PATIENT_NAME, VR::UT, vec![b'x'; 65536]));
    assert!(write(&instance, &Limits::default()).is_ok());
}

#[test]
fn what_would_not_read_back_is_not_written() {
    let mut instance = read_bytes(&native(&start(EXPLICIT))).unwrap();
    instance.header.put(Element::new(
        tags::REFERENCED_IMAGE_SEQUENCE,
        VR::SQ,
        "no items",
    ));
    assert_eq!(
        write(&instance, &Limits::default())
            .unwrap_err()
            .kind,
        FileErrorKind::Verification
    );
    let mut instance = read_bytes(&native(&start(EXPLICIT))).unwrap();
    let twice = Element::new(tags::PATIENT_NAME, VR::PN, "No");
    instance.header = DataSet::from_elements(vec![twice.clone(), twice]);
    assert_eq!(
        write(&instance, &Limits::default())
            .unwrap_err()
            .kind,
        FileErrorKind::Verification
    );
}

#[test]
fn bare_data_sets_get_a_meta() {
    for encoding in [EXPLICIT, IMPLICIT, BIG] {
        let data = everything(encoding, false);
        let instance = read_bytes(&data.1).unwrap();
        assert_eq!(instance.notes, [Note::NoPreamble, Note::NoMeta]);
        assert_eq!(instance.syntax, TransferSyntax::native(encoding));
        assert_eq!(written_data(&instance), data.1);
    }
}

#[test]
fn a_meta_without_length_or_syntax_is_put_up_with() {
    let data = start(IMPLICIT);
    let meta = Bytework::new(EXPLICIT).element(0x0002_0001, "OB", [0, 1]);
    let instance = read_bytes(&[&[0; 128], b"DICM".as_slice(), &meta.1, &data.1].concat()).unwrap();
    assert_eq!(instance.notes, [Note::NoTransferSyntax]);
    assert_eq!(instance.syntax.encoding, IMPLICIT);
    assert_eq!(written_data(&instance), data.1);
    assert!(read_bytes(&[b"DICM".as_slice(), &meta.1, &data.1].concat()).is_ok());
}

#[test]
fn the_bytes_are_trusted_over_the_label() {
    for (label, bytes) in [
        (EXPLICIT, IMPLICIT),
        (IMPLICIT, EXPLICIT),
        (BIG, IMPLICIT),
        (EXPLICIT, BIG),
        (BIG, EXPLICIT),
    ] {
        let data = everything(bytes, false);
        let instance = read_bytes(&file(&syntax_of(label), &data.1)).unwrap();
        assert_eq!(
            (instance.notes.as_slice(), instance.syntax.encoding),
            ([Note::SyntaxDisagrees].as_slice(), bytes)
        );
        assert_eq!(instance.syntax.uid, syntax_of(bytes));
        assert_eq!(written_data(&instance), data.1);
    }
}

#[test]
fn implicit_items_in_an_explicit_file_are_read_and_kept() {
    let item = Bytework::new(IMPLICIT).element(0x0008_0100, "", "code");
    let inside = Bytework::new(IMPLICIT)
        .head(0xFFFE_E000, "", 12)
        .raw(&item.1)
        .1;
    let data = start(EXPLICIT).element(0x0008_1140, "SQ", inside);
    let instance = read_bytes(&native(&data)).unwrap();
    assert_eq!(
        instance
            .header
            .get(tags::REFERENCED_IMAGE_SEQUENCE)
            .unwrap()
            .items()
            .unwrap()
            .encoding,
        IMPLICIT
    );
    assert_eq!(written_data(&instance), data.1);
}

#[test]
fn deflated_data_sets_are_inflated_and_deflated_again() {
    let data = everything(EXPLICIT, false);
    let stream = deflate::deflate([data.1.as_slice()]).unwrap();
    let instance = read_bytes(&file("1.2.840.10008.1.2.1.99", &stream)).unwrap();
    assert!(instance.syntax.deflated && instance.pixels.is_some());
    assert_eq!(
        deflate::inflate(&written_data(&instance), &Limits::default()).unwrap(),
        data.1
    );
    assert!(read_bytes(&file("1.2.840.10008.1.2.1.99", &data.1)).is_err());
}

#[test]
fn odd_lengths_odd_vrs_and_bytes_without_length_are_kept() {
    let data = start(EXPLICIT)
        .element(0x0009_0010, "LO", "MAKER")
        .element(0x0009_1001, "ZZ", "new")
        .element(0x0009_1002, "US", [1, 2, 3])
        .encapsulated(0x0009_1003, &[b"ob outside pixel data"])
        .element(0x0010_0010, "PN", b"M\xFCller \\374");
    let instance = read_bytes(&native(&data)).unwrap();
    assert_eq!(
        instance
            .header
            .get(Tag(0x0009, 0x1001))
            .unwrap()
            .odd_vr,
        Some(*b"ZZ")
    );
    assert_eq!(written_data(&instance), data.1);
}

#[test]
fn disorder_is_kept_and_noted() {
    let data = start(EXPLICIT)
        .element(0x0020_0010, "SH", "id")
        .element(0x0010_0010, "PN", "No")
        .element(0x0018_0010, "LO", "");
    let instance = read_bytes(&native(&data)).unwrap();
    assert_eq!(instance.notes, [Note::Disordered]);
    assert_eq!(written_data(&instance), data.1);
    assert!(
        instance
            .header
            .get(tags::PATIENT_NAME)
            .is_some()
    );
}

#[test]
fn a_file_reads_alike_piece_by_piece_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.dcm");
    for length in [10, 70_000, 300_000] {
        let long = "x".repeat(length);
        for encapsulated in [false, true] {
            let mut data = start(EXPLICIT).element(0x0008_2111, "UT", &long);
            data = if encapsulated {
                data.encapsulated(0x7FE0_0010, &[[1; 999].as_slice(); 99])
            } else {
                data.element(0x7FE0_0010, "OW", vec![7; 80_000])
            };
            data = data
                .element(0x7FE1_0010, "LO", "TAIL")
                .raw(&[0; 100]);
            std::fs::write(&path, native(&data)).unwrap();
            let source = Arc::new(SourceFile::new(&path).unwrap());
            let pieces = read(Source::File(source.clone()), &Limits::default()).unwrap();
            let whole = read(Source::load(source.clone()).unwrap(), &Limits::default()).unwrap();
            assert_eq!(
                (&pieces.header, &pieces.tail, &pieces.pixels),
                (&whole.header, &whole.tail, &whole.pixels)
            );
            assert_eq!(pieces.notes, [Note::TrailingZeros(100)]);
            assert_eq!(written_data(&pieces), written_data(&whole));
            assert_eq!(written_data(&pieces), data.1[..data.1.len() - 100]);
            assert!(
                write(&pieces, &Limits::default())
                    .unwrap()
                    .in_memory()
                    < 1000 + length as u64
            );
            let identity = identify(&source, &Limits::default()).unwrap();
            assert_eq!(
                identity
                    .sop_instance
                    .unwrap()
                    .expose(),
                "2.25.1234"
            );
            assert!(identity.study.is_none() && !identity.dicomdir);
        }
    }
}

#[test]
fn a_file_that_changes_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.dcm");
    std::fs::write(&path, native(&everything(EXPLICIT, false))).unwrap();
    let source = Arc::new(SourceFile::new(&path).unwrap());
    let body = write(
        &read(Source::File(source.clone()), &Limits::default()).unwrap(),
        &Limits::default(),
    )
    .unwrap();
    std::fs::write(&path, b"something else").unwrap();
    assert_eq!(source.open().unwrap_err().kind, FileErrorKind::Changed);
    assert!(body.to_vec().is_err());
}
