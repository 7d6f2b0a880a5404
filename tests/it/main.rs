//! The one integration binary: the built program, run as its users run it.
//!
//! Each theme is a file. A test reads as an example of use: what is there, what is typed, what
//! comes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
// A line per item reads better than a fold.
#![allow(clippy::format_collect)]

mod adversity;
mod archive;
mod archives;
mod arriving;
mod audit_files;
mod bad_files;
mod burned_in;
mod canaries;
mod certificates;
mod ci_pages;
mod claimed_vrs;
mod collisions;
mod completions;
mod compression;
mod configuration;
mod credentials;
mod crosswalks;
mod discovery;
mod envelope;
mod example_study;
mod exit_codes;
mod explain;
mod faults;
mod fixture;
mod governing;
mod hostile;
mod interruption;
mod known_answers;
mod large;
mod linked_study;
mod local_faults;
mod manual;
mod manual_commands;
mod model;
mod mutants;
mod other_files;
mod outages;
mod output_names;
mod parallel;
mod parts;
mod patients;
mod pictures;
mod pixels;
mod placing;
mod plans;
mod profile_commands;
mod profile_errors;
mod profile_lint;
mod proxies;
mod pseudonym_keys;
mod quirks;
mod redaction;
mod reference_pages;
mod references;
mod rehearsal;
mod report_merge;
mod reports;
mod residual;
mod resume;
mod review;
mod rule_recipes;
mod rules_command;
mod run;
mod sandbox;
mod server;
mod shard_recipes;
mod shards;
mod shipped_profiles;
mod stopping;
mod study;
mod subject_tables;
mod temporary_files;
mod text_in_encodings;
mod text_in_images;
mod text_in_series;
mod tidy;
mod upload;
