//! Byte-faithful reading and writing of DICOM files. Knows nothing of profiles, and never decodes what nobody asks for.

mod dataset;

pub use dataset::{DataSet, Element, Encoding, Item, LengthForm, Sequence, Tag, VR, Value};
