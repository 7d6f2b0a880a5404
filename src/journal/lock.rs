//! The lock of a journal: two runs that send the same to the same place would get in each other's
//! way.
//!
//! The operating system gives it back however a run ends.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{private, unwritable};
use crate::failure::{Error, RunCode};

/// How often a run looks whether another one has ended.
const STEP: Duration = Duration::from_millis(100);

/// How a run waits for another one to end.
#[derive(Clone, Copy)]
pub struct WaitForRun<'a> {
    /// How long.
    pub for_long: Duration,
    /// Called while it waits, now and then; false gives it up.
    pub meanwhile: &'a dyn Fn() -> bool,
}

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, and writes down whose it is.
    pub fn take(path: &Path, wait: WaitForRun<'_>) -> Result<Self, Error> {
        let mut file = private(path).map_err(|error| unwritable(path, &error))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock)
                    if begin.elapsed() < wait.for_long && (wait.meanwhile)() =>
                {
                    std::thread::sleep(STEP);
                }
                Err(TryLockError::WouldBlock) => return Err(held(&mut file, wait.for_long)),
                // Some network file systems know no locks; a line is appended whole even so.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    break;
                }
                Err(TryLockError::Error(error)) => return Err(unwritable(path, &error)),
            }
        }
        // Only for the message of a run that waits: that it cannot be written must not stop this one.
        let _ = file
            .set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn held(file: &mut File, waited: Duration) -> Error {
    let mut holder = String::new();
    let _ = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| {
            file.take(32)
                .read_to_string(&mut holder)
        });
    let who = holder
        .trim()
        .parse::<u32>()
        .map_or_else(|_| String::new(), |pid| format!(" (process {pid})"));
    Error::new(
        RunCode::JournalLocked,
        format!("another run{who} is sending the same inputs to this project"),
    )
    .because(format!("waited for {} seconds", waited.as_secs()))
    .with_hint("wait until it has ended (`--wait-lock 2h` does that), or stop it, and run again")
}
