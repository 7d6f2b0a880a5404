//! fwupload: de-identify DICOM on the user's machine and upload it to Flywheel.

#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod credential;
pub mod deid;
pub mod dicom;
pub mod discover;
pub mod event;
pub mod exit;
pub mod failure;
pub mod flywheel;
pub mod phi;
pub mod profile;
pub mod report;
pub mod routing;
pub mod sandbox;
pub mod standard;
