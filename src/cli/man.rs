//! Manual pages, made of the definition that help and parsing come from.

use std::io;

use clap::{Command as Definition, CommandFactory};
use clap_mangen::Man;

use super::Cli;

/// The page of one command.
pub struct ManPage {
    /// The words of the command; none for the program itself.
    pub words: Vec<String>,
    /// The page in roff.
    pub text: Vec<u8>,
}

impl ManPage {
    /// The name of its file: `fwupload-profile-lint.1`.
    pub fn file_name(&self) -> String {
        let words = std::iter::once("fwupload").chain(
            self.words
                .iter()
                .map(String::as_str),
        );
        format!("{}.1", words.collect::<Vec<_>>().join("-"))
    }
}

/// The pages of the program and of all its commands.
///
/// # Errors
/// None but those of a writer into memory.
pub fn man_pages() -> io::Result<Vec<ManPage>> {
    let mut program = whole(Cli::command());
    program.build();
    let mut pages = Vec::new();
    add(&program, &[], &mut pages)?;
    Ok(pages)
}

/// The definition with no flag left out: what the short help hides has its place in a manual.
fn whole(command: Definition) -> Definition {
    command
        .mut_args(|arg| arg.hide_short_help(false))
        .mut_subcommands(whole)
}

fn add(command: &Definition, words: &[String], pages: &mut Vec<ManPage>) -> io::Result<()> {
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    pages.push(ManPage {
        words: words.to_vec(),
        text,
    });
    let inner = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help" && !inner.is_hide_set());
    for inner in inner {
        let words: Vec<_> = words
            .iter()
            .cloned()
            .chain([inner.get_name().to_owned()])
            .collect();
        add(inner, &words, pages)?;
    }
    Ok(())
}
