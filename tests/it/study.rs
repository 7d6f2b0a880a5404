//! The files of `examples/study/`: what a small export looks like, with one file that cannot be
//! cleaned.

use crate::fixture::{Dicom, Person, damaged};

/// Each file of the example with its path inside the folder. The same bytes on every machine.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let person = Person::plain();
    let mut files: Vec<(String, Vec<u8>)> = (1..=12)
        .map(|n| {
            (
                format!("ct-thorax/IM{n:04}.dcm"),
                Dicom::ct(&person, n).bytes(),
            )
        })
        .collect();
    // The copy of the thirteenth slice was interrupted. It must be reported and never sent.
    files.push((
        "ct-thorax/IM0013.dcm".into(),
        damaged::truncated(&Dicom::ct(&person, 13).bytes()),
    ));
    files.push(("mr-head/IM0001".into(), Dicom::mr(&person).bytes()));
    files.push(("report/SR0001.dcm".into(), Dicom::sr(&person).bytes()));
    files.push((
        "notes.txt".into(),
        b"Collected by CANARY-Operator. Not DICOM, so it stays here.\n".to_vec(),
    ));
    files
}
