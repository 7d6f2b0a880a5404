//! Each decoder on images whose pixels are known, and on what is left of them when they are cut.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::{CORNER, Made, cleaned, gray, read_back, rle_frame};
use crate::pixels::decode::{decode_jpeg, decode_jpeg2000, decode_rle};
use crate::pixels::layout::Image;

const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";

#[test]
fn damaged_rle_fails() {
    let good = rle_frame(&[&[1, 2, 3]]);
    assert_eq!(decode_rle(&good, &gray(1, 3, 8)).unwrap(), [1, 2, 3]);
    assert_eq!(
        decode_rle(&[&good[..64], &[0xFE, 9]].concat(), &gray(1, 3, 8)).unwrap(),
        [9, 9, 9]
    );
    for length in 0..good.len() {
        assert!(
            decode_rle(&good[..length], &gray(1, 3, 8)).is_err(),
            "{length}"
        );
    }
    assert!(decode_rle(&good, &gray(1, 3, 16)).is_err());
    assert!(decode_rle(&good, &gray(1, 4, 8)).is_err());
    let mut elsewhere = good;
    elsewhere[4] = 3;
    assert!(decode_rle(&elsewhere, &gray(1, 3, 8)).is_err());
}

/// Lossless JPEG with the left neighbour as prediction and a code of five bits for each length of a
/// difference.
fn lossless_jpeg(values: &[u16], rows: u16, columns: u16, precision: u8) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let mut put = |value: u32, count: u32| {
        bits.extend(
            (0..count)
                .rev()
                .map(|at| value >> at & 1 == 1),
        );
    };
    for (at, value) in values.iter().enumerate() {
        let (row, column) = (at / usize::from(columns), at % usize::from(columns));
        let before = match (row, column) {
            (0, 0) => 1 << (precision - 1),
            (_, 0) => values[at - usize::from(columns)],
            _ => values[at - 1],
        };
        let difference = i32::from(
            value
                .wrapping_sub(before)
                .cast_signed(),
        );
        let size = 32
            - difference
                .unsigned_abs()
                .leading_zeros();
        put(size, 5);
        put(
            (if difference < 0 {
                difference + (1 << size) - 1
            } else {
                difference
            })
            .cast_unsigned(),
            size,
        );
    }
    bits.resize(bits.len().next_multiple_of(8), true);
    let data = bits.chunks(8).map(|byte| {
        byte.iter()
            .fold(0, |sum, bit| sum << 1 | u8::from(*bit))
    });
    let data: Vec<u8> = data
        .flat_map(|byte| {
            if byte == 0xFF {
                vec![0xFF, 0]
            } else {
                vec![byte]
            }
        })
        .collect();
    let segment = |marker: u8, body: &[u8]| {
        [
            &[0xFF, marker],
            &(body.len() as u16 + 2).to_be_bytes()[..],
            body,
        ]
        .concat()
    };
    let [[r0, r1], [c0, c1]] = [rows, columns].map(u16::to_be_bytes);
    let table = [
        &[0, 0, 0, 0, 0, 17][..],
        &[0; 11],
        &(0..17).collect::<Vec<u8>>(),
    ]
    .concat();
    let start = [
        segment(0xC3, &[precision, r0, r1, c0, c1, 1, 1, 0x11, 0]),
        segment(0xC4, &table),
    ]
    .concat();
    [
        vec![0xFF, 0xD8],
        start,
        segment(0xDA, &[1, 1, 0, 1, 0, 0]),
        data,
        vec![0xFF, 0xD9],
    ]
    .concat()
}

#[test]
fn lossless_jpeg_is_exact_and_keeps_its_sign() {
    let values: Vec<i16> = (0..35)
        .map(|at: i32| ((at * 977 % 4001) - 2000) as i16)
        .collect();
    let image = Image {
        bits_stored: 12,
        signed: true,
        ..gray(5, 7, 16)
    };
    let coded = lossless_jpeg(
        &values
            .iter()
            .map(|value| value.cast_unsigned() & 0xFFF)
            .collect::<Vec<_>>(),
        5,
        7,
        12,
    );
    let expected: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    assert_eq!(decode_jpeg(&coded, &image).unwrap(), expected);
    let made = Made::new(JPEG_LOSSLESS)
        .image(&image)
        .fragments(&[b"", &coded[..30], &coded[30..]]);
    let pixels = read_back(&cleaned(made.instance(), CORNER).unwrap()).2;
    assert_eq!((&pixels[..4], &pixels[4..]), (&[0; 4][..], &expected[4..]));
}

#[test]
fn jpeg_that_is_another_image_or_broken_fails() {
    let coded = lossless_jpeg(&[5; 35], 5, 7, 8);
    assert_eq!(decode_jpeg(&coded, &gray(5, 7, 8)).unwrap(), [5; 35]);
    assert_eq!(
        decode_jpeg(&coded, &gray(5, 7, 16)).unwrap(),
        [5, 0].repeat(35)
    );
    assert!(decode_jpeg(&coded, &gray(7, 5, 8)).is_err());
    assert!(
        decode_jpeg(
            &coded,
            &Image {
                samples: 3,
                ..gray(5, 7, 8)
            }
        )
        .is_err()
    );
    assert!(decode_jpeg(&lossless_jpeg(&[500; 35], 5, 7, 12), &gray(5, 7, 8)).is_err());
    for length in 0..coded.len() - 6 {
        assert!(
            decode_jpeg(&coded[..length], &gray(5, 7, 8)).is_err(),
            "{length}"
        );
    }
    let twelve_bits = [
        0xFF, 0xD8, 0xFF, 0xC1, 0, 11, 12, 0, 5, 0, 7, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0,
        63, 0,
    ];
    assert!(
        decode_jpeg(&twelve_bits, &gray(5, 7, 16))
            .unwrap_err()
            .contains("more than 8 bits")
    );
    let restarts = [&coded[..2], &[0xFF, 0xDD, 0, 4, 0, 7], &coded[2..]].concat();
    assert!(
        decode_jpeg(&restarts, &gray(5, 7, 8))
            .unwrap_err()
            .contains("this kind of lossless")
    );
}

/// Eight by eight pixels of one colour, luminance and colour differences, quality 95.
const RED_JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAARCAAIAAgDAREAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAACP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/xAAVAQEBAAAAAAAAAAAAAAAAAAAECf/EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/ADuOpg//2Q==";
/// 32 by 32 pixels of 13 bits with a sign, the left half -900, the right half 700, without loss.
const HALVES_J2K: &str = "/0//UQApAAAAAAAgAAAAIAAAAAAAAAAAAAAAIAAAACAAAAAAAAAAAAABjAEB/1IADAAAAAEABQQEAAH/XAATQGhwcHhwcHhwcHhwcHhwcHj/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjL/kAAKAAAAAABYAAH/k8P2Awchf8P5AgADB8H7AwAIIHHrv4vB+wYAFyuff5GGu0lLmc/3wfsIACFuB+2H4PbFMU56+jBdEUfB+wYANfI/q2cPtAMFhhyX/9k=";

#[test]
fn baseline_jpeg_becomes_red_green_and_blue() {
    let coded = BASE64_STANDARD
        .decode(RED_JPEG)
        .unwrap();
    // The stream says that it holds colour differences; that the attributes say otherwise does not
    // count.
    for photometric in ["YBR_FULL_422", "RGB"] {
        let image = Image {
            samples: 3,
            photometric: photometric.to_owned(),
            ..gray(8, 8, 8)
        };
        let frame = decode_jpeg(&coded, &image).unwrap();
        let near = |pixel: &[u8]| {
            pixel
                .iter()
                .zip([200, 40, 90])
                .all(|(is, was)| is.abs_diff(was) < 3)
        };
        assert!(
            frame.len() == 192 && frame.chunks(3).all(near),
            "{:?}",
            &frame[..6]
        );
    }
}

#[test]
fn baseline_jpeg_that_is_cut_fails() {
    let coded = BASE64_STANDARD
        .decode(RED_JPEG)
        .unwrap();
    let image = Image {
        samples: 3,
        photometric: "RGB".to_owned(),
        ..gray(8, 8, 8)
    };
    for length in 0..coded.len() - 4 {
        assert!(
            decode_jpeg(&coded[..length], &image).is_err(),
            "{length} of {}",
            coded.len()
        );
    }
}

#[test]
fn jpeg_2000_is_exact_bare_or_in_boxes_and_fails_if_cut() {
    let coded = BASE64_STANDARD
        .decode(HALVES_J2K)
        .unwrap();
    let image = Image {
        bits_stored: 13,
        signed: true,
        ..gray(32, 32, 16)
    };
    let expected = [
        (-900_i16).to_le_bytes().repeat(16),
        700_i16.to_le_bytes().repeat(16),
    ]
    .concat()
    .repeat(32);
    assert_eq!(decode_jpeg2000(&coded, &image).unwrap(), expected);
    let boxed = [
        b"\x00\x00\x00\x0CjP  \r\n\x87\n\x00\x00\x00\x00jp2c",
        &coded[..],
    ]
    .concat();
    assert_eq!(decode_jpeg2000(&boxed, &image).unwrap(), expected);
    let unsigned = decode_jpeg2000(
        &coded,
        &Image {
            signed: false,
            ..image.clone()
        },
    )
    .unwrap();
    assert_eq!(unsigned[..2], (8192_u16 - 900).to_le_bytes());
    for wrong in [
        Image {
            rows: 31,
            ..image.clone()
        },
        Image {
            bits_allocated: 8,
            ..image.clone()
        },
        Image {
            samples: 3,
            ..image.clone()
        },
    ] {
        assert!(decode_jpeg2000(&coded, &wrong).is_err());
    }
    for length in (0..coded.len() - 2).step_by(3) {
        assert!(
            decode_jpeg2000(&coded[..length], &image).is_err(),
            "{length}"
        );
    }
}
