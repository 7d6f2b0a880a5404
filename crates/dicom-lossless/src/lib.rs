//! Reads and writes DICOM files byte for byte: what is not changed comes out as it went in.
//!
//! [`read()`] gives an [`Instance`]: the elements around the pixel data as a tree of slices of the
//! file, and where the pixel data lies. Pixel data is never loaded, so that memory does not grow
//! with the file; [`write()`] gives a [`Body`] that streams it from the source. Every length that a
//! file claims is checked, nesting is bounded, and what is damaged is refused with a [`FileError`].
//!
//! ```
//! use dicom_lossless::{Element, Limits, Source, Tag, VR, read, write};
//!
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/study/mr-head");
//! # let path = std::fs::read_dir(folder)?.next().expect("a file")?.path();
//! let limits = Limits::default();
//! let mut instance = read(Source::open(path)?, &limits)?;
//! instance.header.put(Element::new(Tag(0x0010, 0x0010), VR::PN, "Anonymous "));
//! let file = write(&instance, &limits)?.to_vec()?;
//! # assert_eq!(file.get(128..132), Some(&b"DICM"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It knows nothing of profiles or of what a value means, and decodes no value unasked.

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod body;
mod charset;
mod dataset;
mod deflate;
mod error;
mod fragments;
mod identify;
mod label;
mod layout;
mod limits;
mod mask;
mod meta;
mod phi;
mod read;
mod read_body;
mod recode;
mod reopen;
mod sniff;
mod source;
mod syntax;
mod temporary;
mod text;
mod trace;
mod tree;
mod values;
mod visit;
mod vr;
mod walk;
mod write;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lossless;

pub use body::{Body, BodyReader, Segment};
pub use charset::defined_terms;
pub use charset::{CharacterSet, Unencodable};
pub use dataset::Items;
pub use dataset::{DataSet, Element, Encoding, Item, LengthForm, Sequence, Tag, VR, Value};
pub use error::{FileError, FileErrorKind};
pub use fragments::Fragments;
pub use identify::{Identity, identify};
pub use label::check as check_label;
pub use layout::Layout;
pub use limits::Limits;
pub use mask::{Band, Mask};
pub use meta::IMPLEMENTATION_VERSION;
pub use phi::{Phi, display_path, escape_for_terminal, native_path};
pub use read::{Instance, Kept, Note, PixelElement, Scrubbed, read};
pub use sniff::{Sniff, sniff};
pub use source::{OpenFile, ReadSeek, Source, SourceFile, Stored};
pub use syntax::TransferSyntax;
pub use temporary::TemporaryFile;
pub use text::own_character_set;
pub use text::{character_set_of, padded, text, values};
pub use trace::trace;
pub use values::{ElementLocation, ValueVisitor, visit_values};
pub use write::{Written, write_and_inspect};
pub use write::{serialise_unchecked, write};
