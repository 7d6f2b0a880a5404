//! The files that a login leaves behind: fwupload's own, and that of Flywheel's own client, which is only
//! ever read.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use flywheel_client::ApiKey;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::secret::{Secret, read_limited};
use crate::failure::Error;

/// Where `fwupload login` keeps its key: `fwupload/login.json` in the platform's folder for
/// configuration, or directly in `config_home` (what `FWUPLOAD_CONFIG_HOME` holds) where that is
/// given. `None` on an account without a home.
pub fn login_file(config_home: Option<&OsStr>) -> Option<PathBuf> {
    let folder = match config_home.filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => etcetera::choose_base_strategy()
            .ok()?
            .config_dir()
            .join("fwupload"),
    };
    Some(folder.join("login.json"))
}

/// Where Flywheel's own client keeps its key: `.config/flywheel/user.json` under `user_home` (what
/// `FLYWHEEL_USER_HOME` holds), else under the user's home.
pub fn flywheel_user_json(user_home: Option<&OsStr>) -> Option<PathBuf> {
    let home = match user_home.filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => etcetera::home_dir().ok()?,
    };
    Some(
        home.join(".config")
            .join("flywheel")
            .join("user.json"),
    )
}

/// Writes the login file, readable by its owner alone from its first byte, in place of an older one
/// in one step.
pub fn save_login(key: &ApiKey, path: &Path) -> Result<(), Error> {
    let whole = key.expose_whole();
    let text = Zeroizing::new(serde_json::json!({ "key": *whole }).to_string());
    written_beside(path, &text)
        .and_then(|file| Ok(file.persist(path).map(drop)?))
        .map_err(|error| Secret::ApiKey.unusable(path, &error.to_string()))
}

/// A file with this text that is to take a place in one step, in the same folder, which is made
/// where it is missing.
pub fn written_beside(path: &Path, text: &str) -> std::io::Result<NamedTempFile> {
    let folder = path
        .parent()
        .unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    // A temporary file of this crate is made with mode 0600; there is no moment at which others
    // could open it.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Deletes the login file; `false` when there was none.
pub fn remove_login(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Secret::ApiKey.unusable(path, &error.to_string())),
    }
}

/// Makes a folder, and those above it, for their owner alone; what is there stays as it is.
pub fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The `key` of a stored login; `None` when there is no such file or it has no key.
pub fn read_stored(path: &Path, private: bool) -> Result<Option<Zeroizing<String>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Secret::ApiKey.unusable(path, &error.to_string())),
    };
    if private {
        Secret::ApiKey.refuse_if_shared(&file, path)?;
    }
    let text =
        read_limited(file).ok_or_else(|| Secret::ApiKey.unusable(path, "it is not UTF-8 text"))?;
    let stored: StoredLogin = serde_json::from_str(&text)
        .map_err(|_| Secret::ApiKey.unusable(path, "it is not the JSON of a login"))?;
    Ok(stored
        .key
        .map(Zeroizing::new)
        .filter(|key| !key.trim().is_empty()))
}

/// What both login files hold that matters here.
#[derive(serde::Deserialize)]
struct StoredLogin {
    key: Option<String>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::credential::KeySources;

    #[test]
    fn a_login_is_written_for_its_owner_alone_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = login_file(Some(
            folder
                .path()
                .join("new")
                .as_os_str(),
        ))
        .unwrap();
        save_login(&ApiKey::parse("a.example:abcdefgh12345678").unwrap(), &path).unwrap();
        save_login(&ApiKey::parse("b.example:abcdefgh12345678").unwrap(), &path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(&path)
                    .unwrap()
                    .permissions()
                    .mode()
                    & 0o777,
                0o600
            );
        }
        let sources = KeySources {
            login_file: Some(path.clone()),
            ..KeySources::default()
        };
        assert_eq!(sources.resolve().unwrap().0.host(), "b.example");
        assert!(remove_login(&path).unwrap());
        assert!(!remove_login(&path).unwrap());
    }

    #[test]
    fn the_places_follow_the_given_homes() {
        assert_eq!(
            login_file(Some(OsStr::new("/x"))),
            Some("/x/login.json".into())
        );
        assert_eq!(
            flywheel_user_json(Some(OsStr::new("/y"))),
            Some("/y/.config/flywheel/user.json".into())
        );
    }
}
