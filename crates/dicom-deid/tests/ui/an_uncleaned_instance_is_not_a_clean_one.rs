//! What was agreed to go as it is does not pass for cleaned.

use dicom_deid::{CleanInstance, UncleanedInstance};

fn pass(uncleaned: UncleanedInstance) -> CleanInstance {
    uncleaned.into()
}

fn main() {}
