//! `fwupload review` of a program that was compiled without it.

use std::ffi::OsString;

use crate::cli::UploadArgs;
use crate::config::Environment;
use crate::exit::ExitStatus;
use crate::failure::Error;

/// Says that it is missing.
pub fn run(_: &UploadArgs, _: &[OsString], environment: &Environment) -> ExitStatus {
    let error = Error::usage(
        "this program was compiled without `fwupload review`",
        "use `--review FILE.html` and `--approved FILE`, or a program with the feature `review`",
    );
    super::refuse(&error, environment)
}
