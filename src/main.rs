//! The program: arguments in, exit code out. The only place that ends the process.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Headers are thousands of small values, which the system's allocator takes a fifth longer over.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fwupload::run(std::env::args_os())
}
