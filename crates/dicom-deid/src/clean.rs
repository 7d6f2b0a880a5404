//! De-identification: the one way from an instance that was read to one that may be sent.
//!
//! Owns what each rule does to the bytes. It fails a file rather than leave a rule undone, and
//! never puts a value into a failure: the rule's place in the profile and the tag say enough.

mod act;
mod afterwards;
mod age;
mod apply;
mod attributes;
mod cleaner;
mod compile;
mod confidentiality;
mod date;
mod descriptors;
mod dummy;
mod enveloped;
mod hash;
mod identifiers;
mod instance;
mod jitter;
mod originals;
mod output_name;
mod paths;
mod pixels;
mod private;
mod record;
mod residual;
mod substitute;
mod temporal;
mod text;
mod text_action;
mod uid_text;
mod undefined;

pub use attributes::RoutingAttributes;
pub use cleaner::Cleaner;
pub use dummy::is_dummy_date;
pub use instance::{CleanInstance, IdentifiedConsent, Sendable, UncleanedInstance, as_it_is};
pub use originals::Originals;
pub use record::{By, Change, Counts, What};
pub use residual::Finding;

#[cfg(test)]
mod tests;
