//! Profiles as sites write them, for the tests of `lint` and `explain`.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::selection::{SelectedProfile, named};
use dicom_deid::profile::{Document, Profile};

/// In place of the real digest, which changes with the vocabulary.
const DIGEST: &str = "sha256:0123";

/// A built-in one.
pub fn built_in(name: &str) -> SelectedProfile {
    SelectedProfile {
        digest: DIGEST.to_owned(),
        ..named(name).unwrap()
    }
}

/// One that covers the obvious and leaves much.
pub fn flywheel() -> SelectedProfile {
    let text = r#"
name: neuro
description: What many sites begin with
dicom:
  date-increment: -17
  salt: hush
  remove-private-tags: true
  patient-age-from-birthdate: true
  fields:
    - {name: PatientName, replace-with: "anonymous"}
    - {name: PatientID, hash: true}
    - {name: PatientBirthDate, increment-date: true}
    - {name: StudyDate, increment-date: true}
    - {name: SeriesDate, increment-date: true, date-increment-override: -16}
    - {name: AcquisitionDateTime, increment-datetime: true}
    - {name: StudyDescription, keep: true}
    - {name: PatientWeight, jitter: true, jitter-range: 3}
    - {name: SOPInstanceUID, hashuid: true}
    - {name: RequestAttributesSequence.*.AccessionNumber, remove: true}
    - {name: '(0019,"ACME 1.1",0C)', keep: true}
    - {name: 60xx3000, remove: true}
    - {regex: '.*Physician', remove: true}
jpg:
  remove-gps: true
"#;
    selected(text, "neuro.yaml")
}

/// One that names what may stay.
pub fn careful() -> SelectedProfile {
    let text = "
name: careful
dicom:
  salt: hush
  remove-undefined: true
  uid-prefix-fields: 0
  uid-suffix-fields: 0
  fields:
    - {name: SOPClassUID}
    - {name: Modality}
    - {name: PatientSex}
    - {name: SOPInstanceUID, hashuid: true}
    - {name: PatientID, hash: true}
    - {name: PatientIdentityRemoved, replace-with: 'YES'}
    - {name: DeidentificationMethod, replace-with: allow list}
";
    selected(text, "careful.yaml")
}

/// One that asks for the Basic Profile and makes exceptions.
pub fn pooled() -> SelectedProfile {
    let text = r#"
name: poo*led|
dicom:
  confidentiality:
    profile: basic
    options: [retain-full-dates, retain-uids, clean-graphics]
    unlisted: remove
    encapsulated: remove
  pseudonyms: {prefix: "SITE-", width: 16}
  residual: {on-leak: warn, min-length: 6}
  fields:
    - {name: PatientID, keep: true}
    - {name: StudyDescription, replace-with: "<b>X|Y"}
    - {name: '(0019,"ACME 1.1",0C)', keep: true}
    - {name: RequestAttributesSequence.*.AccessionNumber, keep: true}
    - {regex: '.*Physician', remove: true}
"#;
    selected(text, "pooled.yaml")
}

fn selected(text: &str, origin: &str) -> SelectedProfile {
    let document = Document::from_server_json(&Value::String(text.to_owned()), "test")
        .unwrap()
        .unwrap();
    let profile: Profile = document.profile().unwrap();
    SelectedProfile {
        document,
        profile,
        level: "local",
        origin: origin.to_owned(),
        digest: DIGEST.to_owned(),
    }
}
