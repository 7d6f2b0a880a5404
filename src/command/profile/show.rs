//! `fwupload profile show`: where a profile comes from, its digest, and what it says.

use crate::cli::ShowArgs;
use crate::exit::ExitStatus;
use crate::failure::Error;
use crate::phi::escape_for_terminal;

use super::super::say;
use super::which::{Choice, Chosen, choose};

/// Shows the profile that was asked for.
pub fn run(args: &ShowArgs) -> Result<ExitStatus, Error> {
    match choose(&args.which)? {
        Choice::Profile(chosen) => facts(&chosen).iter().try_for_each(|line| say(&format!("# {line}")))?,
        none @ Choice::NoneGoverns { .. } => say(&format!("# {}", none.sentence()))?,
    }
    Ok(ExitStatus::Success)
}

/// What is to be known about the profile besides what it says itself.
fn facts(chosen: &Chosen) -> Vec<String> {
    let name = escape_for_terminal(&chosen.profile.name);
    let whose = match chosen.level {
        "built-in" => format!("the built-in profile \"{name}\""),
        "local" => format!("the profile \"{name}\" in {}", chosen.origin),
        level => format!("{} is governed by \"{name}\" at the {level}", chosen.origin),
    };
    vec![whose, chosen.digest.clone()]
}
