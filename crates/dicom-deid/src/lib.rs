//! De-identification of DICOM: PS3.15 Annex E and Flywheel's profiles, carried out byte for byte.
//!
//! A [`profile::Profile`] says what is done to a file; a [`clean::Cleaner`] does it. Where a rule
//! cannot be carried out, or a value that was removed stands elsewhere, the file fails with a
//! [`DeidError`]: what comes out as a [`clean::CleanInstance`] was cleaned whole.

#![forbid(unsafe_code)]

pub mod byte_order_mark;
mod clean;
pub mod envelope;
mod error;
pub mod profile;
pub mod pseudonym;
pub mod standard;

pub use clean::{
    By, Change, CleanInstance, Cleaner, Counts, Finding, IdentifiedConsent, Originals,
    RoutingAttributes, Sendable, UncleanedInstance, What, as_it_is, is_dummy_date,
};
pub use error::{DeidError, DeidErrorKind, ProfileError, ProfileErrorKind};
