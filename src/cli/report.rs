//! The flags of `fwupload report` and its help.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
Examples:
  fwupload report merge shard-*.jsonl --output all.jsonl   one report of the shards of a job
  fwupload --files-from all.jsonl --project neuro/adni     try again what failed in any of them
  fwupload report merge shard-*.jsonl | jq -r 'select(.type == \"failed\") | .code' | sort | uniq -c
  fwupload report merge failures.jsonl -o failures.csv     the same report for a spreadsheet";

const MERGE_EXIT_CODES: &str = "
Exit codes:
    0  merged, whatever the reports say; the exit code of the whole is `exit_code` in the last line
    1  unexpected error, or the merged report cannot be written
    2  the command line is wrong
    5  a report is missing, damaged or none, or they do not belong together";

/// What can be done with failure reports.
#[derive(Debug, Clone, Subcommand)]
pub enum ReportCommand {
    /// Merge the failure reports of several runs, as of the shards of a job
    ///
    /// A file that failed in several runs is listed once, by its exact path, as the report named
    /// last has it. Files are sorted by path. What the merged report says works as `--files-from`
    /// and can be merged again.
    ///
    /// Totals are added up, each file once; subjects, sessions and acquisitions are left out, for
    /// two runs may have sent into the same one. What stopped a run is the exit code of the whole
    /// (1 and 2 before 130, 143, 129, 4, 5, 6 and 7); otherwise it is 9 if every file failed in
    /// every run, 3 if some did, 8 if no run had anything, else 0. Both stand in the record `end`,
    /// which only .jsonl has. There is none where the whole is not known: a run has not ended, a
    /// shard is missing or there twice, or a report is in JSON or CSV, which hold failures alone.
    ///
    /// Project, site, kind of run, profile, key of pseudonyms and redaction must be the same in all
    /// reports. A run with `--redact-paths` hashes paths in its own way: a file that failed in two
    /// such runs is listed twice. A file that failed in one run and arrived with a later one stays
    /// listed, since reports hold failures alone.
    #[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n{MERGE_EXIT_CODES}"))]
    Merge(MergeArgs),
}

/// Flags of `report merge`. The environment sets none of them: its variables are meant for uploads.
#[derive(Debug, Clone, Args)]
pub struct MergeArgs {
    /// Reports that fwupload wrote: .jsonl, .json or .csv, also mixed
    #[arg(value_name = "REPORT", required = true)]
    pub reports: Vec<PathBuf>,
    /// Write to FILE (.jsonl, .json or .csv) instead of standard output, in one step, readable by
    /// you alone
    ///
    /// `-` is standard output, which gets JSON lines. What is in FILE is replaced once everything
    /// is read and merged.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
