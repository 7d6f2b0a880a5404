//! Configuration files: the user's own `config.toml`, and `fwupload.toml` in the folder in which the
//! program is run.
//!
//! Owns their language, which of them are read, and what a file may say that others may have
//! written: one that comes with the data may not weaken what protects it, nor name keys, commands or
//! places outside of its folder, unless the user's own file trusts that folder. What a value may be
//! is [`crate::cli`]'s. Nothing here is carried out, and no file is written.

mod document;
mod trust;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cli::{Asked, FileSettings, FileValue, SettingsFile};
use crate::credential;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;
use document::{Document, Sort};

/// The user's own file, in the folder for configuration.
const OWN: &str = "config.toml";
/// The file of a project, in the current folder.
const OF_PROJECT: &str = "fwupload.toml";

/// Where configuration files are looked for.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The folder for configuration; none on an account without a home.
    pub own: Option<PathBuf>,
    /// The current folder.
    pub current: Option<PathBuf>,
    /// The home that `~` stands for.
    pub home: Option<PathBuf>,
}

impl Places {
    /// Those of the process; `config_home` is what `FWUPLOAD_CONFIG_HOME` holds.
    pub fn detect(config_home: Option<&OsStr>) -> Self {
        Self {
            own: credential::config_folder(config_home),
            current: std::env::current_dir().ok(),
            home: credential::home_folder(),
        }
    }
}

/// Reads the files that count and puts what they say in order: a preset that was asked for goes
/// first, then the project's file, the table of the site that is meant, and the user's own.
///
/// # Errors
/// `config.invalid` for what cannot be used, and `config.untrusted`.
pub fn read(asked: &Asked, places: &Places) -> Result<FileSettings, Error> {
    let mut settings = FileSettings::default();
    let documents = if asked.no_config {
        Vec::new()
    } else if let Some(path) = &asked.config {
        let named = Document::read(path, Sort::Named, places)?;
        vec![named.ok_or_else(|| {
            invalid(format!("{} is not there", display_path(path)))
                .with_hint("`--config` names the file to read")
        })?]
    } else {
        found(asked, places, &mut settings)?
    };
    settings.sites = sites(&documents);
    if let Some(name) = &asked.preset {
        let presets: Vec<_> = documents
            .iter()
            .filter_map(|document| Some((document, document.presets.get(name)?)))
            .collect();
        if presets.is_empty() {
            return Err(no_such_preset(name, &documents));
        }
        for (document, values) in presets {
            let part = Some(format!("preset {name}"));
            add(&mut settings, document, values, part, asked);
        }
    }
    let own = |document: &&Document| document.sort == Sort::Own;
    for document in documents
        .iter()
        .filter(|document| !own(document))
    {
        add(&mut settings, document, &document.values, None, asked);
    }
    let own = documents.iter().find(own);
    if let Some((document, (address, place))) = documents
        .iter()
        .find_map(|document| Some((document, document.default_site()?)))
    {
        let value = FileValue {
            values: vec![address.to_owned()],
            source: "site",
            place: place.to_owned(),
        };
        let values = BTreeMap::from([("site".to_owned(), value)]);
        add(&mut settings, document, &values, None, asked);
    }
    let site = asked.site.clone().or_else(|| {
        let said = settings
            .values
            .get("site")
            .or_else(|| own?.values.get("site"));
        said?.values.first().cloned()
    });
    if let Some(site) = site {
        for document in &documents {
            if let Some((name, table)) = document.site(&site) {
                let part = Some(format!("site {name}"));
                add(&mut settings, document, &table.values, part, asked);
            }
        }
    }
    if let Some(own) = own {
        add(&mut settings, own, &own.values, None, asked);
    }
    Ok(settings)
}

/// The names of presets and sites, for shells to complete; none of files that cannot be used.
pub fn names(places: &Places) -> (Vec<String>, Vec<String>) {
    let documents = found(&Asked::default(), places, &mut FileSettings::default());
    let documents = documents.unwrap_or_default();
    let presets = documents
        .iter()
        .flat_map(|document| document.presets.keys());
    let sites = documents
        .iter()
        .flat_map(|document| document.sites.keys());
    (presets.cloned().collect(), sites.cloned().collect())
}

/// The project's file and the user's own, those that are there.
fn found(
    asked: &Asked,
    places: &Places,
    settings: &mut FileSettings,
) -> Result<Vec<Document>, Error> {
    let own = match &places.own {
        Some(folder) => Document::read(&folder.join(OWN), Sort::Own, places)?,
        None => None,
    };
    let of_project = places
        .current
        .as_ref()
        .map(|folder| folder.join(OF_PROJECT))
        .filter(|path| path.exists());
    let mut documents = Vec::new();
    if let Some(path) = of_project {
        if is_among(&path, &asked.inputs) {
            settings.told.push(SettingsFile {
                named: display_path(&path),
                path,
                settings: Vec::new(),
                own: false,
            });
        } else if let Some(document) = Document::read(&path, Sort::Project, places)? {
            trust::check(&document, own.as_ref())?;
            documents.push(document);
        }
    }
    documents.extend(own);
    Ok(documents)
}

/// Adds what a file says, as weaker than all before, and keeps that it says something.
fn add(
    settings: &mut FileSettings,
    document: &Document,
    values: &BTreeMap<String, FileValue>,
    part: Option<String>,
    asked: &Asked,
) {
    let names = settings.add_weaker(values.clone(), asked);
    if names.is_empty() {
        return;
    }
    let file = display_path(&document.path);
    settings.told.push(SettingsFile {
        own: document.sort == Sort::Own && part.is_none(),
        named: match part {
            Some(part) => format!("{part} of {file}"),
            None => file,
        },
        path: document.path.clone(),
        settings: names,
    });
}

/// The addresses of all sites, by name.
fn sites(documents: &[Document]) -> BTreeMap<String, String> {
    documents
        .iter()
        .flat_map(|document| &document.sites)
        .map(|(name, site)| (name.clone(), site.address.clone()))
        .collect()
}

/// Whether a file lies in what is read: data must not steer the program that reads it.
fn is_among(file: &Path, inputs: &[PathBuf]) -> bool {
    let Ok(file) = file.canonicalize() else {
        return false;
    };
    inputs
        .iter()
        .filter_map(|input| input.canonicalize().ok())
        .any(|input| file.starts_with(input))
}

fn no_such_preset(name: &str, documents: &[Document]) -> Error {
    let names: Vec<_> = documents
        .iter()
        .flat_map(|document| document.presets.keys())
        .map(String::as_str)
        .collect();
    invalid(format!(
        "no configuration file that is read has a preset `{name}`"
    ))
    .with_hint(if names.is_empty() {
        "write a table [preset.NAME] into config.toml or fwupload.toml".to_owned()
    } else {
        format!("there is {}", names.join(", "))
    })
}

fn invalid(what: String) -> Error {
    Error::new(RunCode::ConfigInvalid, what)
}
