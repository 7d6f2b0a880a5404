//! The program: arguments in, exit code out. The only place that ends the process.

#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Small headers are allocations above all, and glibc keeps memory for each thread that makes some.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fwupload::run(std::env::args_os())
}
