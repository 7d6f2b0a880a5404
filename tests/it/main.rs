//! The one integration binary: the built program, run as its users run it.
//!
//! Each theme is a file. A test reads as an example of use: what is there, what is typed, what comes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod example_study;
mod fixture;
mod study;
mod tidy;
