//! The files of `--subjects` and `--save-subjects`: read or opened before a run, and kept apart from
//! what is read and written as data.

use std::path::Path;

use crate::config::{Config, Packaging, SinkChoice};
use crate::discover::{Discovery, lie_one_in_the_other};
use crate::event::Notice;
use crate::failure::Error;
use crate::subjects::{self, Crosswalk, KeyedFile, PlainFile, SubjectTable};
use dicom_deid::PseudonymKey;
use dicom_lossless::display_path;

/// The table of a run, where there is one.
///
/// # Errors
/// `subjects.invalid`, and a flag that gives what the table gives.
pub fn table(packaging: &Packaging) -> Result<Option<SubjectTable>, Error> {
    let Some(path) = &packaging.table.subjects else {
        return Ok(None);
    };
    let table = subjects::read(path, packaging.table.extend_subjects)?;
    let gives = table.gives();
    let flags = [
        ("subject", packaging.subject.is_some() && gives.subject),
        ("session", packaging.session.is_some() && gives.session),
    ];
    if let Some((flag, _)) = flags.iter().find(|(_, both)| *both) {
        let what =
            format!("the table of `--subjects` and `--{flag}` both say which {flag} files get");
        let hint = format!("leave out `--{flag}`, or the column `{flag}` of the table");
        return Err(Error::usage(what, hint));
    }
    Ok(Some(table))
}

/// What the user should know of a table before anything is sent.
pub fn announcement(table: &SubjectTable) -> Notice {
    let gives = table.gives();
    let levels: Vec<_> = [
        ("subject", gives.subject),
        ("session", gives.session),
        ("acquisition", gives.acquisition),
    ]
    .into_iter()
    .filter_map(|(level, given)| given.then_some(level))
    .collect();
    let rows = match table.len() {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    let new = if table.is_continued() {
        "; who is not in it gets the next code, and it gets a row more"
    } else {
        ""
    };
    let text = format!(
        "labels from the table of `--subjects` ({rows}): {}{new}",
        levels.join(", ")
    );
    Notice::fact("subject-table", text)
}

/// The crosswalks that a run may write, and where data is read and written.
fn crosswalk_flags(packaging: &Packaging) -> impl Iterator<Item = (&'static str, &Path)> {
    let plain = packaging
        .save_subjects
        .as_deref()
        .map(|path| ("--save-subjects", path));
    let keyed = packaging
        .save_subjects_keyed
        .as_deref()
        .map(|path| ("--save-subjects-keyed", path));
    plain.into_iter().chain(keyed)
}

/// Refuses a crosswalk where data is read or written: it would be sent along, or handed on.
///
/// # Errors
/// [`Error::usage`].
pub fn refuse_among_data(
    config: &Config,
    discovery: &Discovery,
    written: &[(&str, &Path)],
) -> Result<(), Error> {
    for (flag, path) in crosswalk_flags(&config.packaging) {
        let input = discovery
            .input_beside(path)
            .map(|input| format!("an input: {}", display_path(input)));
        let folder = || {
            written
                .iter()
                .find(|(_, folder)| lie_one_in_the_other(path, folder))
                .map(|(other, _)| format!("the folder of `{other}`"))
        };
        if let Some(data) = input.or_else(folder) {
            return Err(Error::usage(
                format!("the file of `{flag}` lies in {data}"),
                "name a file that lies apart from what is read and written",
            )
            .because("it says which subject is which patient"));
        }
    }
    Ok(())
}

/// Whether a run needs the pseudonym key for a crosswalk.
pub fn needs_key(config: &Config) -> bool {
    config.sink != SinkChoice::DryRun
        && config
            .packaging
            .save_subjects_keyed
            .is_some()
}

/// The files of a run's crosswalks; a dry run writes none.
///
/// # Errors
/// `crosswalk.unwritable`.
pub fn open(config: &Config) -> Result<(Option<PlainFile>, Option<KeyedFile>), Error> {
    if config.sink == SinkChoice::DryRun {
        return Ok((None, None));
    }
    let packaging = &config.packaging;
    let plain = packaging
        .save_subjects
        .as_deref()
        .map(PlainFile::open);
    let keyed = packaging
        .save_subjects_keyed
        .as_deref()
        .map(KeyedFile::open);
    Ok((plain.transpose()?, keyed.transpose()?))
}

/// The crosswalks of a run, once its key is known.
pub fn crosswalks(
    (plain, keyed): (Option<PlainFile>, Option<KeyedFile>),
    key: Option<PseudonymKey>,
) -> Vec<Crosswalk> {
    let keyed = keyed
        .zip(key)
        .map(|(file, key)| file.crosswalk(key));
    plain
        .map(PlainFile::crosswalk)
        .into_iter()
        .chain(keyed)
        .collect()
}
