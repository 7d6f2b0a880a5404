//! De-identification: the one way from an instance that was read to one that may be sent.
//!
//! Owns what each rule does to the bytes. It fails a file rather than leave a rule undone, and
//! never puts a value into a failure: the rule's place in the profile and the tag say enough.

mod cleaner;
mod encrypted_attributes;
mod final_checks;
mod header_as_sent;
mod instance;
mod originals;
mod routing_attributes;
mod series_look;

pub use cleaner::Cleaner;
#[cfg(test)]
pub(crate) use cleaner::CleaningRun;
pub use header_as_sent::HeaderAsSent;
pub use instance::{CleanInstance, IdentifiedConsent, Sendable, UncleanedInstance, as_it_is};
pub use originals::Originals;
pub use routing_attributes::RoutingAttributes;
pub use series_look::look_at_series;

#[cfg(test)]
mod tests;
