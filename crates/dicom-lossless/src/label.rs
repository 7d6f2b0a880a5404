//! Whether pixel data is of the kind that its transfer syntax promises (PS3.5 annex A), looked at
//! before a file goes.
//!
//! Owns how a frame begins in each transfer syntax. It decodes nothing, and reads a few bytes of
//! the first frame.

use std::ops::Range;

use super::read::{Instance, PixelElement, Scrubbed};
use super::source::Input;
use super::visit::{Fragment, fragment};
use crate::error::{FileError, FileErrorKind};

/// Segments before the one that tells how an image is coded.
const SEGMENTS: usize = 1000;
/// Bytes of an RLE header (PS3.5 section G.5).
const RLE_HEADER: u64 = 64;

/// What the pixel data of a transfer syntax consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Native,
    /// Pixels are elsewhere: JPIP.
    Elsewhere,
    Rle,
    /// With a lossy process, a lossless one, or either.
    Jpeg(Option<bool>),
    JpegLs,
    Jpeg2000,
    HighThroughput,
    JpegXl,
    Mpeg2,
    Mpeg4,
    /// Fragments of which no more is known.
    Fragments,
    Unknown,
}

impl Kind {
    fn of(uid: &str) -> Self {
        let Some(number) = uid.strip_prefix("1.2.840.10008.1.2") else {
            return Self::Unknown;
        };
        let mut parts = number
            .trim_start_matches('.')
            .split('.');
        let mut part = || {
            parts
                .next()
                .and_then(|part| part.parse::<u32>().ok())
        };
        match (part(), part()) {
            (None | Some(1 | 2), None) | (Some(1), Some(99)) => Self::Native,
            (Some(5), None) => Self::Rle,
            (Some(4), Some(50..=56)) => Self::Jpeg(Some(false)),
            (Some(4), Some(57 | 58 | 70)) => Self::Jpeg(Some(true)),
            (Some(4), Some(59..=66)) => Self::Jpeg(None),
            (Some(4), Some(80 | 81)) => Self::JpegLs,
            (Some(4), Some(90..=93)) => Self::Jpeg2000,
            (Some(4), Some(94 | 95 | 204 | 205)) => Self::Elsewhere,
            (Some(4), Some(100 | 101)) => Self::Mpeg2,
            (Some(4), Some(102..=108)) => Self::Mpeg4,
            (Some(4), Some(110..=112)) => Self::JpegXl,
            (Some(4), Some(201..=203)) => Self::HighThroughput,
            (Some(1), Some(98)) | (Some(8), Some(1)) => Self::Fragments,
            _ => Self::Unknown,
        }
    }
}

/// Checks that the pixel data that is written has the form that the transfer syntax has, and begins
/// as its frames do. Pixel data without a byte in it is of every kind.
///
/// # Errors
/// [`FileErrorKind::Mislabelled`] where it does not, and faults of reading.
pub fn check(instance: &Instance) -> Result<(), FileError> {
    let Some(pixels) = &instance.pixels else {
        return Ok(());
    };
    let kind = Kind::of(&instance.syntax.uid);
    match kind {
        Kind::Unknown => Ok(()),
        Kind::Native if pixels.encapsulated => Err(mislabelled(
            "it is uncompressed, and the pixel data consists of fragments",
        )),
        Kind::Native => has_a_frame(pixels),
        _ if !pixels.encapsulated && pixels.value.is_empty() => Ok(()),
        Kind::Elsewhere => Err(mislabelled(
            "it is JPIP, and there is pixel data all the same",
        )),
        _ if !pixels.encapsulated => Err(mislabelled(
            "it is a compressed one, and the pixel data does not consist of fragments",
        )),
        Kind::Fragments => Ok(()),
        _ => {
            let begins =
                First::of(instance, pixels)?.map_or(Ok(true), |mut first| first.is(kind))?;
            if begins {
                Ok(())
            } else {
                Err(mislabelled(
                    "the first frame does not begin as frames of it do",
                ))
            }
        }
    }
}

fn has_a_frame(pixels: &PixelElement) -> Result<(), FileError> {
    let length = match &pixels.scrubbed {
        Some(Scrubbed::Replaced(value)) => value.len(),
        Some(Scrubbed::Kept(kept)) => kept.len(),
        Some(Scrubbed::Masked(_)) | None => pixels.value.end - pixels.value.start,
    };
    match pixels.frame_len {
        Some(frame_len) if length > 0 && length < frame_len => Err(mislabelled(
            "it is uncompressed, and the pixel data is shorter than one frame",
        )),
        _ => Ok(()),
    }
}

fn mislabelled(why: &'static str) -> FileError {
    FileErrorKind::Mislabelled.error(why)
}

/// The first fragment that has bytes.
struct First {
    input: Input,
    place: Range<u64>,
    /// Whether the frame may go on in another fragment.
    goes_on: bool,
}

impl First {
    fn of(instance: &Instance, pixels: &PixelElement) -> Result<Option<Self>, FileError> {
        let mut input = Input::new(instance.source.clone())?;
        let (mut at, mut place, mut table) = (pixels.value.start, None, true);
        while let Some(header) = input.eight(at)? {
            let Some(Fragment::Bytes(length)) = fragment(header, instance.syntax.encoding) else {
                break;
            };
            let bytes = at + 8..at + 8 + u64::from(length);
            at = bytes.end;
            if std::mem::take(&mut table) || bytes.is_empty() {
                continue;
            }
            if let Some(place) = place {
                return Ok(Some(Self {
                    input,
                    place,
                    goes_on: true,
                }));
            }
            place = Some(bytes);
        }
        Ok(place.map(|place| Self {
            input,
            place,
            goes_on: false,
        }))
    }

    /// Up to a number of bytes from an offset.
    fn bytes(&mut self, offset: u64, count: u64) -> Result<bytes::Bytes, FileError> {
        let from = self
            .place
            .start
            .saturating_add(offset)
            .min(self.place.end);
        self.input.range(
            from..from
                .saturating_add(count)
                .min(self.place.end),
        )
    }

    fn is(&mut self, kind: Kind) -> Result<bool, FileError> {
        let head = self.bytes(0, 192)?;
        let transport = |head: &[u8]| {
            head.first() == Some(&0x47)
                && head
                    .get(188)
                    .is_none_or(|byte| *byte == 0x47)
        };
        Ok(match kind {
            Kind::Rle => self.is_rle(&head),
            Kind::Jpeg(lossless) => {
                head.starts_with(&[0xFF, 0xD8])
                    && self.is_coded_so(|code| is_jpeg(code, lossless))?
            }
            Kind::JpegLs => {
                head.starts_with(&[0xFF, 0xD8]) && self.is_coded_so(|code| code == 0xF7)?
            }
            Kind::Jpeg2000 => {
                head.starts_with(b"\0\0\0\x0CjP  ")
                    || (is_codestream(&head) && !is_high_throughput(&head))
            }
            Kind::HighThroughput => {
                head.starts_with(b"\0\0\0\x0CjP  ")
                    || (is_codestream(&head) && is_high_throughput(&head))
            }
            Kind::JpegXl => head.starts_with(&[0xFF, 0x0A]) || head.starts_with(b"\0\0\0\x0CJXL "),
            // A sequence header or a pack; or else a transport stream.
            Kind::Mpeg2 => matches!(*head, [0, 0, 1, 0xB3 | 0xBA, ..]) || transport(&head),
            Kind::Mpeg4 => {
                matches!(
                    *head,
                    [0, 0, 1, 0..=0x7F | 0xBA, ..] | [0, 0, 0, 1, 0..=0x7F, ..]
                ) || head.get(4..8) == Some(b"ftyp")
                    || transport(&head)
            }
            _ => true,
        })
    }

    /// Segments that lie one after the other behind the header.
    fn is_rle(&self, head: &[u8]) -> bool {
        let words: Vec<u64> = head
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word).into())
            .collect();
        let Some((count, offsets)) = words
            .split_first()
            .filter(|(count, _)| (1..=15).contains(*count))
        else {
            return false;
        };
        let length = self.place.end - self.place.start;
        let used = usize::try_from(*count)
            .ok()
            .and_then(|count| offsets.get(..count))
            .unwrap_or_default();
        let within = |offset: &u64| *offset >= RLE_HEADER && (*offset < length || self.goes_on);
        length >= RLE_HEADER
            && !used.is_empty()
            && used.iter().all(within)
            && used.is_sorted_by(|a, b| a < b)
    }

    /// Goes from segment to segment up to the one that names the process. A frame that goes on
    /// elsewhere is believed.
    fn is_coded_so(&mut self, wanted: impl Fn(u8) -> bool) -> Result<bool, FileError> {
        let (mut at, mut segments) = (2_u64, 0);
        while segments < SEGMENTS {
            let four = self.bytes(at, 4)?;
            match *four {
                [0xFF, 0xFF, ..] => at += 1,
                [0xFF, 0x01 | 0xD0..=0xD8, ..] => at += 2,
                [
                    0xFF,
                    code @ (0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7),
                    ..,
                ] => return Ok(wanted(code)),
                [0xFF, 0xC4..=0xFE, high, low] => {
                    at += 2 + u64::from(u16::from_be_bytes([high, low]).max(2));
                    segments += 1;
                }
                [_, _, ..] => {
                    // Bytes between segments, which decoders pass over.
                    let ahead = self.bytes(at + 1, 4096)?;
                    at += 1 + memchr::memchr(0xFF, &ahead).unwrap_or(ahead.len()) as u64;
                    segments += 1;
                }
                _ => return Ok(self.goes_on),
            }
        }
        Ok(false)
    }
}

/// Whether the code that begins a frame is of a lossless process, or of one that is not (ISO
/// 10918-1 table B.1).
fn is_jpeg(code: u8, lossless: Option<bool>) -> bool {
    code != 0xF7
        && lossless.is_none_or(|lossless| lossless == matches!(code, 0xC3 | 0xC7 | 0xCB | 0xCF))
}

fn is_codestream(head: &[u8]) -> bool {
    head.starts_with(&[0xFF, 0x4F, 0xFF, 0x51])
}

/// Whether the segment behind the image size states the capability of part 15 (ISO 15444-1 section
/// A.5.2).
fn is_high_throughput(head: &[u8]) -> bool {
    let length = head
        .get(4..6)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |word| usize::from(u16::from_be_bytes(*word)));
    matches!(head.get(4 + length..), Some([0xFF, 0x50, _, _, _, bits, ..]) if bits & 0x02 != 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_possible_truncation)]
mod tests {
    use super::super::fixture::*;
    use super::super::{Element, Tag, VR};
    use super::*;

    fn image() -> Bytework {
        let image = start(EXPLICIT)
            .element(0x0028_0002, "US", [1, 0])
            .element(0x0028_0010, "US", [4, 0]);
        image
            .element(0x0028_0011, "US", [4, 0])
            .element(0x0028_0100, "US", [8, 0])
    }

    fn labelled(process: &str, data: &Bytework) -> Result<(), FileErrorKind> {
        let bytes = file(&format!("1.2.840.10008.1.2{process}"), &data.1);
        check(&read_bytes(&bytes).unwrap()).map_err(|failure| failure.kind)
    }

    fn jpeg(code: u8) -> Vec<u8> {
        [
            &[0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2][..],
            &[0xFF, 0xFF, 0xDB, 0, 4, 0, 0],
            &[0xFF, code, 0, 11, 8, 0],
        ]
        .concat()
    }

    fn codestream(capable: bool) -> Vec<u8> {
        let size = [&[0xFF, 0x4F, 0xFF, 0x51, 0, 41][..], &[0; 39]].concat();
        let capability: &[u8] = if capable {
            &[0xFF, 0x50, 0, 8, 0, 2, 0, 0, 0, 0]
        } else {
            &[0xFF, 0x52, 0, 12, 0, 2, 0, 0, 0, 0]
        };
        [&size, capability].concat()
    }

    fn rle(words: &[u32]) -> Vec<u8> {
        let mut words = words.to_vec();
        words.resize(16, 0);
        [
            words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect(),
            vec![0xFD, 7, 0xFD, 7],
        ]
        .concat()
    }

    #[test]
    fn frames_are_of_the_kind_that_the_label_says_and_of_no_other() {
        let transport = |every| {
            [0x47]
                .into_iter()
                .chain([0; 187])
                .cycle()
                .take(if every { 376 } else { 188 })
                .collect::<Vec<u8>>()
        };
        let kinds: [(&[&str], Vec<Vec<u8>>); 8] = [
            (&[".5"], vec![rle(&[1, 64]), rle(&[2, 64, 66])]),
            (
                &[".4.50", ".4.51", ".4.55"],
                vec![jpeg(0xC0), jpeg(0xC1), jpeg(0xC2)],
            ),
            (&[".4.57", ".4.70"], vec![jpeg(0xC3)]),
            (&[".4.80", ".4.81"], vec![jpeg(0xF7)]),
            (&[".4.90", ".4.91", ".4.93"], vec![codestream(false)]),
            (&[".4.201", ".4.203"], vec![codestream(true)]),
            (
                &[".4.110", ".4.112"],
                vec![vec![0xFF, 0x0A, 0, 0], b"\0\0\0\x0CJXL \r\n".to_vec()],
            ),
            (&[".4.100", ".4.101.1"], vec![vec![0, 0, 1, 0xB3, 1, 2]]),
        ];
        for (at, (processes, _)) in kinds.iter().enumerate() {
            for process in *processes {
                for (other, (_, frames)) in kinds.iter().enumerate() {
                    for frame in frames {
                        let wanted = if at == other {
                            Ok(())
                        } else {
                            Err(FileErrorKind::Mislabelled)
                        };
                        let data = image().encapsulated(0x7FE0_0010, &[b"", frame]);
                        assert_eq!(
                            labelled(process, &data),
                            wanted,
                            "{process} against {frame:?}"
                        );
                        let later = image().encapsulated(0x7FE0_0010, &[&[0, 0, 0, 0], b"", frame]);
                        assert_eq!(labelled(process, &later), wanted);
                    }
                }
                let prose = image().encapsulated(0x7FE0_0010, &[b"", b"Quellhorst 030 5550199"]);
                assert_eq!(
                    labelled(process, &prose),
                    Err(FileErrorKind::Mislabelled),
                    "{process}"
                );
                let native = image().element(0x7FE0_0010, "OB", [7; 16]);
                assert_eq!(
                    labelled(process, &native),
                    Err(FileErrorKind::Mislabelled),
                    "{process}"
                );
                assert_eq!(
                    labelled(process, &image().encapsulated(0x7FE0_0010, &[b""])),
                    Ok(())
                );
                assert_eq!(labelled(process, &image()), Ok(()));
            }
        }
        for frame in [
            vec![0, 0, 0, 1, 0x67, 0x42],
            b"\0\0\0\x18ftypmp42".to_vec(),
            transport(true),
            transport(false),
        ] {
            assert_eq!(
                labelled(".4.102", &image().encapsulated(0x7FE0_0010, &[b"", &frame])),
                Ok(())
            );
        }
        for words in [&[0, 64][..], &[16, 64], &[2, 66, 64], &[1, 60], &[1, 6000]] {
            assert!(
                labelled(
                    ".5",
                    &image().encapsulated(0x7FE0_0010, &[b"", &rle(words)])
                )
                .is_err(),
                "{words:?}"
            );
        }
    }

    #[test]
    fn uncompressed_pixel_data_is_no_fragments_and_has_a_frame() {
        for process in ["", ".1"] {
            let encoding = if process.is_empty() {
                IMPLICIT
            } else {
                EXPLICIT
            };
            let data = Bytework::new(encoding).element(0x0008_0005, "CS", "ISO_IR 100");
            let fragments = data
                .clone()
                .encapsulated(0x7FE0_0010, &[b"", b"fragment"]);
            assert_eq!(
                labelled(process, &fragments),
                Err(FileErrorKind::Mislabelled)
            );
            assert_eq!(
                labelled(process, &data.element(0x7FE0_0010, "OB", "of any length")),
                Ok(())
            );
        }
        for (length, wanted) in [
            (16, Ok(())),
            (20, Ok(())),
            (14, Err(FileErrorKind::Mislabelled)),
            (0, Ok(())),
        ] {
            assert_eq!(
                labelled(".1", &image().element(0x7FE0_0010, "OB", vec![7; length])),
                wanted,
                "{length}"
            );
        }
    }

    #[test]
    fn a_size_that_a_rule_writes_does_not_make_the_label_wrong() {
        let bytes = file(
            "1.2.840.10008.1.2.1",
            &image()
                .element(0x7FE0_0010, "OB", [7; 16])
                .1,
        );
        let mut instance = read_bytes(&bytes).unwrap();
        instance
            .header
            .put(Element::new(Tag(0x0028, 0x0010), VR::US, vec![0, 1]));
        check(&instance).unwrap();
    }

    #[test]
    fn jpip_has_no_pixel_data() {
        assert_eq!(labelled(".4.94", &image()), Ok(()));
        assert_eq!(
            labelled(".4.94", &image().element(0x7FE0_0010, "OB", [7; 16])),
            Err(FileErrorKind::Mislabelled)
        );
        assert_eq!(
            labelled(
                ".4.94",
                &image().encapsulated(0x7FE0_0010, &[b"", &jpeg(0xC0)])
            ),
            Err(FileErrorKind::Mislabelled)
        );
    }
}
