//! De-identification: the one way from an instance that was read to one that may be sent.
//!
//! Owns what each rule does to the bytes. It fails a file rather than leave a rule undone, and
//! never puts a value into a failure: the rule's place in the profile and the tag say enough.

mod apply_rules;
mod attribute_table;
mod basic_profile;
mod change_log;
mod cleaner;
mod compiled_action;
mod date_shift;
mod descriptors;
mod dummy;
mod element_value;
mod encrypted_attributes;
mod final_checks;
mod hash;
mod header_as_sent;
mod identifiers;
mod instance;
mod number_jitter;
mod originals;
mod output_name;
mod patient_age;
mod pixel_data;
mod private_elements;
mod recent;
mod residual;
mod routing_attributes;
mod rules;
mod series_look;
mod temporal;
mod uid_text;

pub use change_log::{By, Change, Counts, What};
pub use cleaner::Cleaner;
pub use dummy::is_dummy_date;
pub use header_as_sent::HeaderAsSent;
pub use instance::{CleanInstance, IdentifiedConsent, Sendable, UncleanedInstance, as_it_is};
pub use originals::Originals;
pub use pixel_data::{SurveyedImage, survey};
pub use residual::Finding;
pub use routing_attributes::RoutingAttributes;
pub use series_look::look_at_series;

#[cfg(test)]
mod tests;
