//! The program: arguments in, exit code out. The only place that ends the process.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    fwupload::run(std::env::args_os())
}
