//! Finding the files: walking, lists, filters and a look at the first bytes. Never decides what is done with them.

mod skip;

pub use skip::SkipReason;
