//! What a configuration file may say that others may have written.
//!
//! A file in the current folder may have come with data from elsewhere. Unless the user's own file
//! trusts the folder, it may not turn off what protects the data, name keys or commands, replace
//! what lies on the server, or name places outside of its folder.

use std::path::Path;

use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

use super::document::Document;

/// Settings that need trust, whatever their value. A key that names no site goes to the one that
/// `site` names.
const NEED_TRUST: [&str; 12] = [
    "site",
    "no-deid",
    "residual",
    "other-files",
    "keep-names",
    "folder-labels",
    "if-exists",
    "api-key-file",
    "api-key-command",
    "pseudonym-key-file",
    "pseudonym-key-command",
    "ca-cert",
];

/// Profiles that leave less than any other: where none governs on the server, a weaker one would send
/// what its absence keeps back.
const SAFE_PROFILES: [&str; 2] = ["basic", "strict"];

/// Switches that protect: a file that is not trusted may set them, and not take them back.
const PROTECT: [&str; 2] = ["redact-paths", "fail-on-skip"];

/// Refuses what a file may not say unless its folder is trusted.
///
/// # Errors
/// `config.untrusted`.
pub fn check(document: &Document, own: Option<&Document>) -> Result<(), Error> {
    if trusts(own, &document.path) {
        return Ok(());
    }
    let refused = |place: &str, what: &str| {
        let folder = document
            .path
            .parent()
            .unwrap_or(Path::new("."));
        Error::new(
            RunCode::ConfigUntrusted,
            format!("{place}: {what} in a folder that you have not trusted"),
        )
        .with_hint(format!(
            "take it out, or write into your own config.toml, under [trust]: folders = [\"{}\"]",
            display_path(folder)
        ))
    };
    let file = display_path(&document.path);
    if document.trusts {
        return Err(refused(&file, "[trust] is not read"));
    }
    if !document.sites.is_empty() {
        return Err(refused(&file, "[site] tables are not read"));
    }
    for (name, value) in document.all_values() {
        let says = |safe: &[&str]| {
            value
                .values
                .iter()
                .all(|value| safe.contains(&value.as_str()))
        };
        let weakens = match name.as_str() {
            "profile" => !says(&SAFE_PROFILES),
            name if PROTECT.contains(&name) => says(&["false"]),
            name => NEED_TRUST.contains(&name),
        };
        if weakens {
            return Err(refused(&value.place, &format!("`{name}` is not taken")));
        }
    }
    match document.outside.first() {
        Some((name, place)) => Err(refused(
            place,
            &format!("`{name}` leads out of the folder, which is not followed"),
        )),
        None => Ok(()),
    }
}

/// Whether the user's own file trusts the folder of a file, or one above it.
fn trusts(own: Option<&Document>, path: &Path) -> bool {
    let Some(folder) = path
        .parent()
        .and_then(|folder| folder.canonicalize().ok())
    else {
        return false;
    };
    own.into_iter()
        .flat_map(|own| &own.trusted)
        .filter_map(|trusted| trusted.canonicalize().ok())
        .any(|trusted| folder.starts_with(trusted))
}
