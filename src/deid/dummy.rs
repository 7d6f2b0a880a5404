//! stub
use crate::dicom::{Tag, VR};
pub(super) fn dummy(_: Tag, _: VR) -> Option<bytes::Bytes> { Some(bytes::Bytes::from_static(b"REMOVED ")) }
