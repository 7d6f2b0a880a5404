//! stub
use crate::dicom::{DataSet, Encoding};
pub(super) struct Identifiers;
impl Identifiers {
    pub(super) fn of(_: &DataSet, _: Encoding) -> Self {
        Self
    }
}
