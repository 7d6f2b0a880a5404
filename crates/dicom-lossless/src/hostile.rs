//! Tests: what is broken, hostile or beyond a limit is refused with the right code, quickly and
//! without a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::fixture::*;
use super::*;
use crate::error::FileErrorKind;

fn code_of(data: &Bytework) -> FileErrorKind {
    read_bytes(&native(data))
        .expect_err("it is to be refused")
        .kind
}

#[test]
fn claims_beyond_the_end_are_refused_without_memory() {
    for length in [0x7FFF_FFFF, 0xFFFF_FFFE] {
        for letters in ["OB", "UT", "UN", "SQ"] {
            assert_eq!(
                code_of(
                    &start(EXPLICIT)
                        .head(0x0009_1001, letters, length)
                        .raw(b"abcd")
                ),
                FileErrorKind::Truncated
            );
        }
        assert_eq!(
            code_of(
                &start(EXPLICIT)
                    .head(0x7FE0_0010, "OW", length)
                    .raw(b"abcd")
            ),
            FileErrorKind::Truncated
        );
        let fragment = start(EXPLICIT)
            .head(0x7FE0_0010, "OB", UNDEFINED)
            .head(0xFFFE_E000, "", length)
            .raw(b"abcd");
        assert_eq!(code_of(&fragment), FileErrorKind::Truncated);
        let item = start(EXPLICIT)
            .head(0x0008_1140, "SQ", UNDEFINED)
            .head(0xFFFE_E000, "", length)
            .raw(b"abcd");
        assert_eq!(code_of(&item), FileErrorKind::Truncated);
    }
}

#[test]
fn claims_beyond_what_is_around_are_refused() {
    let item = Bytework::new(EXPLICIT)
        .head(0x0008_0100, "SH", 40)
        .raw(b"code");
    let data = start(EXPLICIT)
        .sequence(0x0008_1140, true, &[item])
        .element(0x0010_0010, "PN", [b'x'; 60]);
    assert_eq!(code_of(&data), FileErrorKind::Overrun);
    let long_item = Bytework::new(EXPLICIT)
        .head(0xFFFE_E000, "", 100)
        .1;
    assert_eq!(
        code_of(
            &start(EXPLICIT)
                .element(0x0008_1140, "SQ", long_item)
                .element(0x0010_0010, "PN", [b'x'; 120])
        ),
        FileErrorKind::Overrun
    );
}

#[test]
fn missing_and_stray_delimiters_are_refused() {
    let open = start(EXPLICIT)
        .head(0x7FE0_0010, "OB", UNDEFINED)
        .head(0xFFFE_E000, "", 4)
        .raw(b"abcd");
    assert_eq!(code_of(&open), FileErrorKind::Truncated);
    assert_eq!(
        code_of(&open.raw(b"something else")),
        FileErrorKind::Malformed
    );
    assert_eq!(
        code_of(&start(EXPLICIT).head(0x0008_1140, "SQ", UNDEFINED)),
        FileErrorKind::Truncated
    );
    for stray in [0xFFFE_E00D, 0xFFFE_E0DD, 0xFFFE_E000] {
        assert_eq!(
            code_of(
                &start(EXPLICIT)
                    .head(stray, "", 0)
                    .element(0x0010_0010, "PN", "")
            ),
            FileErrorKind::Malformed
        );
    }
    assert_eq!(
        code_of(&start(EXPLICIT).head(0x0008_2111, "UT", UNDEFINED)),
        FileErrorKind::Malformed
    );
}

#[test]
fn duplicates_are_refused_wherever_they_are() {
    let name = |data: Bytework| data.element(0x0010_0010, "PN", "No");
    let other = |data: Bytework| data.element(0x0018_0010, "LO", "");
    assert_eq!(
        code_of(&name(name(start(EXPLICIT)))),
        FileErrorKind::DuplicateElement
    );
    assert_eq!(
        code_of(&name(other(name(start(EXPLICIT))))),
        FileErrorKind::DuplicateElement
    );
    let item = name(other(name(Bytework::new(EXPLICIT))));
    assert_eq!(
        code_of(&start(EXPLICIT).sequence(0x0008_1140, false, &[item])),
        FileErrorKind::DuplicateElement
    );
    let pixels = |data: Bytework| data.element(0x7FE0_0010, "OW", [1; 8]);
    assert_eq!(
        code_of(&name(pixels(name(start(EXPLICIT))))),
        FileErrorKind::DuplicateElement
    );
    assert_eq!(
        code_of(&pixels(pixels(start(EXPLICIT)))),
        FileErrorKind::DuplicateElement
    );
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| {
        let mut data = Bytework::new(EXPLICIT);
        for _ in 0..levels {
            data = data
                .head(0x0008_1140, "SQ", UNDEFINED)
                .head(0xFFFE_E000, "", UNDEFINED);
        }
        for _ in 0..levels {
            data = data
                .head(0xFFFE_E00D, "", 0)
                .head(0xFFFE_E0DD, "", 0);
        }
        start(EXPLICIT).raw(&data.1)
    };
    let instance = read_bytes(&native(&nested(64))).unwrap();
    assert_eq!(written_data(&instance), nested(64).1);
    assert_eq!(code_of(&nested(65)), FileErrorKind::TooDeep);
    assert_eq!(code_of(&nested(100_000)), FileErrorKind::TooDeep);
}

#[test]
fn nesting_inside_un_is_bounded_too() {
    let mut data = Bytework::new(IMPLICIT).element(0x0010_0010, "", "Nobody");
    for _ in 0..70 {
        data = Bytework::new(IMPLICIT).sequence(0x0009_1001, true, &[data]);
    }
    assert_eq!(
        code_of(&start(EXPLICIT).element(0x0009_1001, "UN", &data.1[8..])),
        FileErrorKind::TooDeep
    );
}

#[test]
fn the_header_limit_holds() {
    let small = Limits {
        header_bytes: 1000,
        ..Limits::default()
    };
    let refused = |data: &Bytework| {
        read(memory(native(data)), &small)
            .unwrap_err()
            .kind
    };
    assert_eq!(
        refused(&start(EXPLICIT).element(0x0008_2111, "UT", [b'x'; 1000])),
        FileErrorKind::HeaderTooLarge
    );
    let text = |length: usize| {
        read_bytes(&native(&start(EXPLICIT).element(
            0x0008_2111,
            "UT",
            vec![b'x'; length],
        )))
    };
    assert!(text(8 << 20).is_ok(), "an eighth of the limit");
    assert_eq!(
        text((8 << 20) + 2)
            .unwrap_err()
            .kind,
        FileErrorKind::HeaderTooLarge
    );
    let pixels = start(EXPLICIT).element(0x7FE0_0010, "OW", [7; 5000]);
    assert!(read(memory(native(&pixels)), &small).is_ok());
    assert_eq!(
        refused(&pixels.element(0x7FE1_1001, "OB", [7; 1000])),
        FileErrorKind::HeaderTooLarge
    );
    let items = Bytework::new(EXPLICIT)
        .head(0xFFFE_E000, "", 0)
        .1
        .repeat(Limits::NODES + 1);
    let many = start(EXPLICIT)
        .head(0x0008_1140, "SQ", u32::try_from(items.len()).unwrap())
        .raw(&items);
    assert_eq!(code_of(&many), FileErrorKind::HeaderTooLarge);
}

#[test]
fn only_zeros_may_follow_the_end() {
    for end in [
        start(EXPLICIT),
        everything(EXPLICIT, false),
        everything(EXPLICIT, true),
    ] {
        for zeros in [1, 7, 8, 17, 100_000] {
            let instance = read_bytes(&native(&end.clone().raw(&vec![0; zeros]))).unwrap();
            assert_eq!(instance.notes, [Note::TrailingZeros(zeros as u64)]);
        }
        assert_eq!(
            code_of(
                &end.clone()
                    .raw(&[0; 100])
                    .raw(b"Doe^Jane")
            ),
            FileErrorKind::TrailingData
        );
    }
    let pixels = start(EXPLICIT).element(0x7FE0_0010, "OW", [7; 64]);
    for junk in [
        b"x".as_slice(),
        b"Doe^Jane",
        b"Doe^Jane was here and left this text",
        b"\x01\x00\x00",
    ] {
        assert_eq!(
            code_of(&pixels.clone().raw(junk)),
            FileErrorKind::TrailingData
        );
    }
}

#[test]
fn other_files_and_syntaxes_are_refused() {
    assert_eq!(read_bytes(b"").unwrap_err().kind, FileErrorKind::NotDicom);
    assert_eq!(
        read_bytes(&[7; 500])
            .unwrap_err()
            .kind,
        FileErrorKind::NotDicom
    );
    let data = start(EXPLICIT);
    for uid in ["1.2.840.113619.5.2", "1.2.3.4"] {
        assert_eq!(
            read_bytes(&file(uid, &data.1))
                .unwrap_err()
                .kind,
            FileErrorKind::UnsupportedSyntax
        );
    }
    assert_eq!(
        code_of(&start(EXPLICIT).raw(b"\x10\x00\x10\x00..\x02\x00No")),
        FileErrorKind::Malformed
    );
}

#[test]
fn a_file_cut_off_anywhere_does_no_harm() {
    for encoding in [EXPLICIT, IMPLICIT, BIG] {
        for encapsulated in [false, true] {
            let whole = native(&everything(encoding, encapsulated));
            for end in 0..whole.len() {
                if let Ok(instance) = read_bytes(&whole[..end]) {
                    written_data(&instance);
                }
            }
        }
    }
}

#[test]
fn a_mutated_file_is_refused_or_reads_back_as_it_was_read() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut accepted = 0;
    for round in 0..6000 {
        let encoding = [EXPLICIT, IMPLICIT, BIG][round % 3];
        let mut bytes = native(&everything(encoding, round % 2 == 0));
        for _ in 0..random.usize(1..6) {
            let at = random.usize(128..bytes.len());
            match random.u8(0..4) {
                0 => bytes[at] = random.u8(..),
                1 => bytes[at] ^= 1 << random.u8(0..8),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(
                    at,
                    *random
                        .choice(&[0, 1, 0xFF, 0xFE, b'U', b'N', b'S', b'Q'])
                        .unwrap(),
                ),
            }
        }
        let Ok(instance) = read_bytes(&bytes) else {
            continue;
        };
        let body = write(&instance, &Limits::default()).expect("what was read can be written");
        let again = read_bytes(&body.to_vec().unwrap()).expect("what was written can be read");
        let mut read = instance;
        read.header
            .retain(|e| e.tag.element() != 0);
        read.tail
            .retain(|e| e.tag.element() != 0);
        assert_eq!(read.header.len(), again.header.len());
        assert_eq!(read.tail.len(), again.tail.len());
        accepted += 1;
    }
    assert!(accepted > 200, "only {accepted} were accepted");
}
