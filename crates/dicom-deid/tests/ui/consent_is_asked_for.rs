//! Data as it is needs a person's consent, which cannot be made up by the way.

use dicom_deid::{IdentifiedConsent, Limits, Source, as_it_is, read};

fn main() {
    let instance = read(Source::open("a.dcm").unwrap(), &Limits::default()).unwrap();
    let _ = as_it_is(&instance, &Limits::default(), &IdentifiedConsent(()));
    let _ = as_it_is(&instance, &Limits::default(), &Default::default());
}
