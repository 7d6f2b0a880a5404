//! The flags of `fwupload explain` and its help.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command};

use crate::failure::CodeEntry;

pub(super) const EXAMPLES: &str = "\
Examples:
  fwupload explain deid.burned-in    the code of a failed file, as in reports and messages
  fwupload explain auth.rejected     the code of an error that stopped a run
  fwupload explain 3                 an exit code
  fwupload explain --list            every code, by stage
  fwupload explain --list --json | jq -r '.codes[] | select(.retryable) | .code'";

/// Flags of `fwupload explain`.
#[derive(Debug, Clone, Args)]
pub struct ExplainCodeArgs {
    /// A code as messages and reports have it, or the number of an exit code
    #[arg(required_unless_present = "list", value_parser = CodeParser, hide_possible_values = true)]
    pub code: Option<String>,
    /// List every code with its sentence
    #[arg(long, conflicts_with = "code")]
    pub list: bool,
    /// Write one JSON object to standard output
    #[arg(long)]
    pub json: bool,
}

/// Accepts any text, so that an unknown code gets an answer with the codes that come close; shells
/// complete the codes of the table.
#[derive(Debug, Clone)]
struct CodeParser;

impl TypedValueParser for CodeParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(CodeEntry::all().map(|entry| {
            PossibleValue::new(entry.code).help(entry.sentence)
        })))
    }
}
