//! Byte-faithful reading and writing of DICOM files. Knows nothing of profiles, and never decodes
//! what nobody asks for.

mod body;
mod charset;
mod dataset;
mod deflate;
mod error;
mod fragments;
mod identify;
mod items;
mod label;
mod layout;
mod limits;
mod mask;
mod meta;
mod phi;
mod read;
mod recode;
mod reopen;
mod repertoire;
mod sniff;
mod source;
mod syntax;
mod temporary;
mod terms;
mod text;
mod trace;
mod tree;
mod values;
mod verify;
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
pub use charset::{CharacterSet, Unencodable};
pub use dataset::{DataSet, Element, Encoding, Item, LengthForm, Sequence, Tag, VR, Value};
pub use error::{FileError, FileErrorKind};
pub use fragments::Fragments;
pub use identify::{Identity, identify};
pub use items::Items;
pub use label::check as check_label;
pub use layout::Layout;
pub use limits::Limits;
pub use mask::{Band, Mask};
pub use meta::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION};
pub use phi::{Phi, display_path, escape_for_terminal};
pub use read::{Instance, Kept, Note, PixelElement, Scrubbed, read};
pub use sniff::{Sniff, sniff, sniff_bytes};
pub use source::{Source, SourceFile};
pub use syntax::TransferSyntax;
pub use temporary::TemporaryFile;
pub use terms::defined_terms;
pub use text::own_character_set;
pub use text::{character_set_of, padded, text, values};
pub use trace::trace;
pub use values::{ElementLocation, ValueVisitor, visit_values};
pub use write::{Written, write_and_inspect};
pub use write::{serialise_unchecked, write};
