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
//! | `clean` | the steps from an instance that was read to one that may be sent |
//! | `pixels` | what happens to images: regions, text that is found, comments in frames |
//! | `basic` | the Basic Profile of PS3.15 and its options, attribute by attribute |
//! | `rules` | the rules of Flywheel's vocabulary, in their order |
//! | `residual` | the search of what was written for what was removed |
//! | `elements` | values of data elements, for all of these |
//! | `change_log` | what was done to which attribute |
//! | [`profile`] | three languages for one checked profile; what is said about it |
//! | [`standard`] | the tables of PS3.3, PS3.6, PS3.15 and PS3.16 |
//! | `pseudonym` | keyed UIDs, patient pseudonyms and date shifts |
//! | `envelope` | sealing and opening CMS envelopes |
//! | [`byte_order_mark`] | texts as editors save them |
//!
//! It must never show a value of a data element, in whatever it says, and knows no command line.

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod basic;
pub mod byte_order_mark;
mod change_log;
mod clean;
mod elements;
mod envelope;
mod error;
mod pixel_look;
mod pixels;
pub mod profile;
mod pseudonym;
mod residual;
mod rules;
pub mod standard;

pub use basic::dummy::is_dummy_date;
pub use change_log::{By, Change, Counts, What};
pub use clean::{
    CleanInstance, Cleaner, HeaderAsSent, IdentifiedConsent, Originals, RoutingAttributes,
    Sendable, UncleanedInstance, as_it_is, look_at_series,
};
pub use dicom_lossless::{Limits, Source, read};
pub use error::{DeidError, DeidErrorKind, MissingKey, ProfileError, ProfileErrorKind};
pub use pixel_look::{FrameSink, LookVerdict, PixelLook, ShownFrame, TextFind};
pub use pixels::{FrameSamples, ImageFrames, SurveyedImage, survey};
pub use pseudonym::{PseudonymKey, PseudonymKeyError};
pub use residual::Finding;
