//! `fwupload man`: manual pages, to standard output or into a folder.

use std::io::{self, Write};

use crate::cli::{ManArgs, ManPage, man_pages};
use crate::failure::{Error, RunCode};
use dicom_lossless::{display_path, escape_for_terminal};

use super::unwritten;

/// Writes the page of a command, or all pages into a folder.
///
/// # Errors
/// There is no such command, or something cannot be written.
pub fn run(args: &ManArgs) -> Result<(), Error> {
    let pages = man_pages().map_err(|error| unwritten(&error))?;
    let Some(folder) = &args.output else {
        let page = pages
            .iter()
            .find(|page| page.words == args.command)
            .ok_or_else(|| no_such(&args.command, &pages))?;
        return io::stdout()
            .lock()
            .write_all(&page.text)
            .map_err(|error| unwritten(&error));
    };
    let failed = |error: io::Error| {
        Error::new(
            RunCode::OutputUnwritable,
            format!("{} cannot be written to", display_path(folder)),
        )
        .because(error.to_string())
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    pages.iter().try_for_each(|page| {
        std::fs::write(folder.join(page.file_name()), &page.text).map_err(failed)
    })
}

fn no_such(words: &[String], pages: &[ManPage]) -> Error {
    let commands: Vec<_> = pages
        .iter()
        .filter(|page| page.words.len() == 1)
        .flat_map(|page| page.words.clone())
        .collect();
    Error::usage(
        format!(
            "there is no command `{}`",
            escape_for_terminal(&words.join(" "))
        ),
        format!("commands are {}", commands.join(", ")),
    )
}
