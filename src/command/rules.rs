//! `fwupload rules`: rules tried on files, and made of templates.
//!
//! Owns the output of these commands. What rules mean is for `import_rules`. It must never send
//! anything.

mod convert;
mod test;

use crate::cli::RulesCommand;
use crate::config::Environment;
use crate::exit::ExitStatus;
use crate::failure::Error;

/// Answers a question about rules.
pub fn run(command: RulesCommand, environment: &Environment) -> Result<ExitStatus, Error> {
    match command {
        RulesCommand::Test(args) => test::run(&args, environment),
        RulesCommand::Convert(args) => convert::run(&args).map(|()| ExitStatus::Success),
    }
}
