//! `fwupload profile convert`: a profile in another language, checked before and after.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::cli::{ConvertArgs, ProfileLanguage};
use crate::failure::{Error, RunCode};
use dicom_deid::profile::{Document, Language};
use dicom_lossless::display_path;

use super::super::{remark, say};

/// Converts a profile and writes it to a file or to standard output.
pub fn run(args: &ConvertArgs) -> Result<(), Error> {
    let to = language(args)?;
    let document = Document::load(&args.input)?;
    let converted = document.convert(to)?;
    match &args.output {
        Some(path) => write(path, &converted.text, args.force)?,
        None => say(converted.text.trim_end())?,
    }
    for text in &converted.remarks {
        remark(text);
    }
    if document.has_comments {
        remark("its comments are not carried over");
    }
    Ok(())
}

/// The language that the flag or the name of the file states; else TOML for Flywheel's languages,
/// and YAML for TOML.
fn language(args: &ConvertArgs) -> Result<Language, Error> {
    let by_flag = args.to.map(|to| match to {
        ProfileLanguage::Toml => Language::Toml,
        ProfileLanguage::Yaml => Language::Yaml,
        ProfileLanguage::Json => Language::Json,
    });
    let Some(output) = &args.output else {
        // Flywheel's languages become TOML, and TOML, which the built-in ones are in, becomes YAML.
        let from_flywheel = matches!(
            Language::of(Path::new(&args.input)),
            Some(Language::Yaml | Language::Json)
        );
        return Ok(by_flag.unwrap_or(if from_flywheel {
            Language::Toml
        } else {
            Language::Yaml
        }));
    };
    match (by_flag, Language::of(output)) {
        (_, None) => Err(Error::usage(
            "the name of the output does not say what is in it",
            "end it with .toml, .yaml, .yml or .json",
        )),
        (Some(to), Some(named)) if to != named => Err(Error::usage(
            "`--to` and the name of the output say different things",
            "leave out `--to`",
        )),
        (_, Some(named)) => Ok(named),
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true);
    let options = if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let unwritable = Error::new(
            RunCode::OutputUnwritable,
            format!("{} cannot be written: {error}", display_path(path)),
        );
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        unwritable.with_hint(if exists {
            "add `--force` to replace it"
        } else {
            "name another place with `--output`"
        })
    })
}
