//! Files as bytes, for tests. Owns their building; they hold no real person's data.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::sync::Arc;

use bytes::Bytes;

use super::dataset::Encoding;
use super::{Instance, Limits, Source, SourceFile, read, vr, write};
use crate::error::FileError;

pub(crate) const EXPLICIT: Encoding = Encoding::EXPLICIT_LITTLE;
pub(crate) const IMPLICIT: Encoding = Encoding::IMPLICIT_LITTLE;
pub(crate) const BIG: Encoding = Encoding {
    explicit: true,
    big_endian: true,
};
pub(crate) const UNDEFINED: u32 = u32::MAX;

/// A data set being written down.
#[derive(Clone)]
pub(crate) struct Bytework(pub Encoding, pub Vec<u8>);

impl Bytework {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self(encoding, Vec::new())
    }

    /// The header of an element with any length at all.
    pub(crate) fn head(mut self, tag: u32, letters: &str, length: u32) -> Self {
        self.1
            .extend_from_slice(&self.0.put_u16((tag >> 16) as u16));
        self.1.extend_from_slice(
            &self
                .0
                .put_u16((tag & 0xFFFF) as u16),
        );
        if tag >> 16 == 0xFFFE || !self.0.explicit {
            self.1
                .extend_from_slice(&self.0.put_u32(length));
            return self;
        }
        self.1
            .extend_from_slice(letters.as_bytes());
        let letters = letters
            .as_bytes()
            .try_into()
            .unwrap();
        if vr::from_bytes(letters).is_none_or(vr::has_long_length) {
            self.1.extend_from_slice(&[0, 0]);
            self.1
                .extend_from_slice(&self.0.put_u32(length));
        } else {
            self.1
                .extend_from_slice(&self.0.put_u16(length as u16));
        }
        self
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.1.extend_from_slice(bytes);
        self
    }

    pub(crate) fn element(self, tag: u32, letters: &str, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.head(tag, letters, value.len() as u32)
            .raw(value)
    }

    /// A sequence, both it and its items with or without a stated length.
    pub(crate) fn sequence(mut self, tag: u32, defined: bool, items: &[Self]) -> Self {
        let encoding = items
            .first()
            .map_or(self.0, |item| item.0);
        let mut inside = Self::new(encoding);
        for item in items {
            inside = inside
                .head(
                    0xFFFE_E000,
                    "",
                    if defined {
                        item.1.len() as u32
                    } else {
                        UNDEFINED
                    },
                )
                .raw(&item.1);
            if !defined {
                inside = inside.head(0xFFFE_E00D, "", 0);
            }
        }
        if !defined {
            inside = inside.head(0xFFFE_E0DD, "", 0);
        }
        let letters = if encoding == self.0 { "SQ" } else { "UN" };
        self = self.head(
            tag,
            letters,
            if defined {
                inside.1.len() as u32
            } else {
                UNDEFINED
            },
        );
        self.raw(&inside.1)
    }

    /// Encapsulated pixel data of these fragments.
    pub(crate) fn encapsulated(mut self, tag: u32, fragments: &[&[u8]]) -> Self {
        self = self.head(tag, "OB", UNDEFINED);
        for fragment in fragments {
            self = self
                .head(0xFFFE_E000, "", fragment.len() as u32)
                .raw(fragment);
        }
        self.head(0xFFFE_E0DD, "", 0)
    }
}

/// The first elements of a CT's data set.
pub(crate) fn start(encoding: Encoding) -> Bytework {
    Bytework::new(encoding)
        .element(0x0008_0005, "CS", "ISO_IR 100")
        .element(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2\0")
        .element(0x0008_0018, "UI", "2.25.1234\0")
}

/// A file of every kind of element that the walker knows.
pub(crate) fn everything(encoding: Encoding, encapsulated: bool) -> Bytework {
    let inner = Bytework::new(encoding).element(0x0008_0104, "LO", "deep");
    let icon = Bytework::new(encoding)
        .element(0x0028_0010, "US", [1, 0])
        .encapsulated(0x7FE0_0010, &[b"", b"icon"]);
    let item = Bytework::new(encoding)
        .element(0x0008_0100, "SH", "code")
        .sequence(0x0040_A730, false, std::slice::from_ref(&inner));
    let un = Bytework::new(IMPLICIT).element(0x0010_0010, "", "Nobody");
    let file = start(encoding)
        .sequence(0x0008_1140, true, &[item.clone(), Bytework::new(encoding)])
        .sequence(0x0008_2112, false, &[item.clone(), item])
        .element(0x0009_0010, "LO", "MAKER ")
        .sequence(0x0009_1001, false, std::slice::from_ref(&un))
        .sequence(0x0009_1002, true, std::slice::from_ref(&un))
        .element(
            0x0009_1003,
            "UN",
            b"\xFE\xFF\x00\xE0\xFF\x00\x00\x00 no sequence",
        )
        .element(0x0010_0010, "PN", b"Nobody^N\xE0\x20")
        .sequence(0x0088_0200, true, &[icon]);
    let file = if encapsulated {
        file.encapsulated(0x7FE0_0010, &[b"", b"fragment", b"", b"another "])
    } else {
        file.element(0x7FE0_0010, "OW", [7; 64])
    };
    file.element(0x7FE1_0010, "LO", "TAIL")
        .sequence(0xFFFA_FFFA, false, &[inner])
}

/// Preamble and meta in front of a data set.
pub(crate) fn file(syntax: &str, data: &[u8]) -> Vec<u8> {
    let uid = format!("{syntax}{}", if syntax.len() % 2 == 1 { "\0" } else { "" });
    let meta = Bytework::new(EXPLICIT)
        .element(0x0002_0001, "OB", [0, 1])
        .element(0x0002_0010, "UI", uid)
        .element(0x0002_0016, "AE", "CANARY")
        .element(0x0002_0102, "OB", "CANARY");
    let length =
        Bytework::new(EXPLICIT).element(0x0002_0000, "UL", (meta.1.len() as u32).to_le_bytes());
    [
        b"CANARY".repeat(22)[..128].to_vec(),
        b"DICM".to_vec(),
        length.1,
        meta.1,
        data.to_vec(),
    ]
    .concat()
}

pub(crate) fn syntax_of(encoding: Encoding) -> String {
    super::TransferSyntax::native(encoding).uid
}

/// A native file of a data set.
pub(crate) fn native(data: &Bytework) -> Vec<u8> {
    file(&syntax_of(data.0), &data.1)
}

/// A source in memory. The file that it names is never opened.
pub(crate) fn memory(bytes: Vec<u8>) -> Source {
    let file = Arc::new(SourceFile::new("Cargo.toml").unwrap());
    Source::Memory {
        file,
        bytes: Bytes::from(bytes),
    }
}

pub(crate) fn read_bytes(bytes: &[u8]) -> Result<Instance, FileError> {
    read(memory(bytes.to_vec()), &Limits::default())
}

/// What is written, from the data set on.
pub(crate) fn written_data(instance: &Instance) -> Vec<u8> {
    let all = write(instance, &Limits::default())
        .unwrap()
        .to_vec()
        .unwrap();
    let meta = super::meta::parse(&Bytes::from(all.clone()), all.len()).unwrap();
    all[meta.data_at..].to_vec()
}
