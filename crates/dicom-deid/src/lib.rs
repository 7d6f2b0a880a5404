//! De-identification of DICOM: PS3.15 Annex E and Flywheel's profiles, carried out byte for byte.
//!
//! A [`profile::Profile`] says what is done to a file; a [`Cleaner`] does it, in memory that does not
//! grow with the file. Where a rule cannot be carried out, or a value that was removed stands
//! elsewhere, the file fails with a [`DeidError`]: a [`CleanInstance`] was cleaned whole. What no
//! rule touches comes out as it went in.
//!
//! ```
//! use dicom_deid::{Cleaner, Limits, PseudonymKey, Source, profile, read};
//!
//! # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/study/mr-head");
//! # let path = std::fs::read_dir(folder)?.next().expect("a file")?.path();
//! let limits = Limits::default();
//! let key = PseudonymKey::random()?;
//! let cleaner = Cleaner::new(&profile::load("basic")?, Some(key), limits)?;
//! let clean = cleaner.deidentify(read(Source::open(path)?, &limits)?, "")?;
//! let mut file = Vec::new();
//! std::io::copy(&mut clean.body().reader(), &mut file)?;
//! # assert_eq!(file.get(128..132), Some(&b"DICM"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Code map
//!
//! | module | what it owns |
//! | --- | --- |
//! | `clean` | what each rule does to the bytes, and the check of what was written |
//! | [`profile`] | three languages for one checked profile; what is said about it |
//! | [`standard`] | the tables of PS3.3, PS3.6, PS3.15 and PS3.16 |
//! | [`pseudonym`] | keyed UIDs, patient pseudonyms and date shifts |
//! | [`envelope`] | sealing and opening CMS envelopes |
//! | [`byte_order_mark`] | texts as editors save them |
//!
//! It must never show a value of a data element, in whatever it says, and knows no command line.

#![forbid(unsafe_code)]

pub mod byte_order_mark;
mod clean;
pub mod envelope;
mod error;
mod pixel_look;
pub mod profile;
pub mod pseudonym;
pub mod standard;

pub use clean::{
    By, Change, CleanInstance, Cleaner, Counts, Finding, HeaderAsSent, IdentifiedConsent,
    Originals, RoutingAttributes, Sendable, SurveyedImage, UncleanedInstance, What, as_it_is,
    is_dummy_date, look_at_series, survey,
};
pub use dicom_lossless::{Limits, Source, read};
pub use error::{DeidError, DeidErrorKind, MissingKey, ProfileError, ProfileErrorKind};
pub use pixel_look::{FrameSink, LookVerdict, PixelLook, ShownFrame, TextFind};
pub use pseudonym::PseudonymKey;
