//! Transfer syntaxes: how a data set is encoded by its label, and how by its bytes.
//!
//! Owns what a transfer syntax UID means for reading. An unknown one is refused: nothing is guessed
//! from a name.

use dicom_encoding::transfer_syntax::{Endianness, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;

use super::dataset::Encoding;
use super::vr;
use crate::error::{FileError, FileErrorKind};

const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";
/// Deflated data sets: Deflated Explicit VR Little Endian, JPIP Referenced Deflate, JPIP HTJ2K
/// Referenced Deflate.
const DEFLATED: [&str; 3] = [
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.95",
    "1.2.840.10008.1.2.4.205",
];
/// Retired JPEG processes 1.2.840.10008.1.2.4.52 to .66, which the registry leaves out: explicit
/// little endian.
const RETIRED_JPEG: &str = "1.2.840.10008.1.2.4.";

/// How a data set is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferSyntax {
    /// The transfer syntax UID, as it is written into the file meta.
    pub uid: String,
    /// How its elements are encoded, inside the deflated stream where it is one.
    pub encoding: Encoding,
    /// Whether the whole data set is one raw deflate stream.
    pub deflated: bool,
}

impl TransferSyntax {
    /// What a UID stands for.
    ///
    /// # Errors
    /// [`FileErrorKind::UnsupportedSyntax`] where it is unknown.
    pub fn from_uid(uid: &str) -> Result<Self, FileError> {
        let encoding = known_encoding(uid).ok_or_else(|| {
            FileErrorKind::UnsupportedSyntax.error("it is not one of the standard's")
        })?;
        Ok(Self {
            uid: uid.to_owned(),
            encoding,
            deflated: DEFLATED.contains(&uid),
        })
    }

    /// The uncompressed transfer syntax of an encoding.
    pub fn native(encoding: Encoding) -> Self {
        let uid = match encoding {
            Encoding {
                explicit: false, ..
            } => IMPLICIT_LITTLE,
            Encoding {
                big_endian: false, ..
            } => EXPLICIT_LITTLE,
            Encoding {
                big_endian: true, ..
            } => EXPLICIT_BIG,
        };
        Self {
            uid: uid.to_owned(),
            encoding,
            deflated: false,
        }
    }

    /// Whether pixel data is native and the data set plain: the three uncompressed transfer
    /// syntaxes.
    pub fn is_native(&self) -> bool {
        [IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG].contains(&self.uid.as_str())
    }

    /// Takes the bytes' word over the label's. An uncompressed label is corrected; a compressed one
    /// says more than the encoding and is kept. Tells whether they disagreed.
    pub(crate) fn follow_bytes(&mut self, first: &[u8]) -> bool {
        let found = sniff_encoding(first, self.encoding);
        if found == self.encoding {
            return false;
        }
        self.encoding = found;
        if self.is_native() {
            Self::native(found)
                .uid
                .clone_into(&mut self.uid);
        }
        true
    }
}

fn known_encoding(uid: &str) -> Option<Encoding> {
    if uid == IMPLICIT_LITTLE {
        return Some(Encoding::IMPLICIT_LITTLE);
    }
    if let Some(syntax) = TransferSyntaxRegistry
        .get(uid)
        .filter(|syntax| syntax.uid() == uid)
    {
        return Some(Encoding {
            explicit: true,
            big_endian: syntax.endianness() == Endianness::Big,
        });
    }
    let process: u32 = uid
        .strip_prefix(RETIRED_JPEG)?
        .parse()
        .ok()?;
    (52..=66)
        .contains(&process)
        .then_some(Encoding::EXPLICIT_LITTLE)
}

/// How a data set is encoded by the look of its first element, where that is plain to see; else as
/// expected.
pub fn sniff_encoding(first: &[u8], expected: Encoding) -> Encoding {
    let Some([g0, g1, _, _, v0, v1]) = first.first_chunk::<6>() else {
        return expected;
    };
    let big_endian = match (g0, g1) {
        // A composite instance begins with group 0008: where its 08 stands tells the order.
        (0, 8) => true,
        (8, 0) => false,
        _ => expected.big_endian,
    };
    let letters = [*v0, *v1];
    if vr::from_bytes(letters).is_some() {
        return Encoding {
            explicit: true,
            big_endian,
        };
    }
    if expected.explicit && vr::could_name_one(letters) {
        return expected;
    }
    Encoding::IMPLICIT_LITTLE
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_standards_syntaxes_and_refuses_others() {
        assert_eq!(
            TransferSyntax::from_uid(IMPLICIT_LITTLE)
                .unwrap()
                .encoding,
            Encoding::IMPLICIT_LITTLE
        );
        assert!(
            TransferSyntax::from_uid(EXPLICIT_BIG)
                .unwrap()
                .encoding
                .big_endian
        );
        assert!(
            TransferSyntax::from_uid("1.2.840.10008.1.2.1.99")
                .unwrap()
                .deflated
        );
        for uid in [
            "1.2.840.10008.1.2.4.50",
            "1.2.840.10008.1.2.4.57",
            "1.2.840.10008.1.2.4.64",
            "1.2.840.10008.1.2.5",
        ] {
            assert_eq!(
                TransferSyntax::from_uid(uid)
                    .unwrap()
                    .encoding,
                Encoding::EXPLICIT_LITTLE,
                "{uid}"
            );
        }
        for uid in [
            "1.2.840.113619.5.2",
            "1.2.3",
            "",
            "1.2.840.10008.1.2.4.9999",
        ] {
            assert_eq!(
                TransferSyntax::from_uid(uid)
                    .unwrap_err()
                    .kind,
                FileErrorKind::UnsupportedSyntax,
                "{uid}"
            );
        }
    }

    #[test]
    fn trusts_the_bytes_over_the_label() {
        let implicit = b"\x08\x00\x05\x00\x0a\x00\x00\x00";
        let mut syntax = TransferSyntax::from_uid(EXPLICIT_LITTLE).unwrap();
        assert!(syntax.follow_bytes(implicit));
        assert_eq!(syntax, TransferSyntax::native(Encoding::IMPLICIT_LITTLE));
        let mut jpeg = TransferSyntax::from_uid("1.2.840.10008.1.2.4.50").unwrap();
        assert!(jpeg.follow_bytes(implicit));
        assert_eq!(
            (jpeg.uid.as_str(), jpeg.encoding.explicit),
            ("1.2.840.10008.1.2.4.50", false)
        );
        assert!(
            TransferSyntax::native(Encoding::EXPLICIT_LITTLE)
                .follow_bytes(b"\x00\x08\x00\x05CS\x00\x0a")
        );
    }
}
