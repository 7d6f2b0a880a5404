//! Where the API key may come from, and in which order.

use std::fmt;
use std::path::{Path, PathBuf};

use flywheel_client::ApiKey;
use zeroize::Zeroizing;

use super::login::{Logins, read_of_flywheel};
use super::secret::Secret;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// The places that an API key may come from, first one that has a key counts: a file, a command,
/// the environment (`FWUPLOAD_API_KEY`), the login file, Flywheel's own `user.json`.
#[derive(Clone, Default)]
pub struct KeySources {
    /// `--api-key-file`: its first line that is not blank.
    pub file: Option<PathBuf>,
    /// `--api-key-command`: the first line that it prints.
    pub command: Option<String>,
    /// What `FWUPLOAD_API_KEY` holds; empty counts as unset.
    pub environment: Option<Zeroizing<String>>,
    /// The file of `fwupload login`, see [`super::login_file`].
    pub login_file: Option<PathBuf>,
    /// The file of Flywheel's own client, see [`super::flywheel_user_json`].
    pub flywheel_user_json: Option<PathBuf>,
    /// `--site`: completes a bare key, and must agree with a full one.
    pub site: Option<String>,
}

/// Where the key that is used came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The file of `--api-key-file`.
    File(PathBuf),
    /// The command of `--api-key-command`.
    Command,
    /// `FWUPLOAD_API_KEY`.
    Environment,
    /// The file that `fwupload login` wrote.
    Login(PathBuf),
    /// The operating system's keyring, where `fwupload login` put it.
    Keyring,
    /// Flywheel's own file. Worth saying once: the user did not name it.
    FlywheelUserJson(PathBuf),
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "the key file {}", display_path(path)),
            Self::Command => f.write_str("the key command"),
            Self::Environment => f.write_str("FWUPLOAD_API_KEY"),
            Self::Login(path) => write!(f, "the login in {}", display_path(path)),
            Self::Keyring => f.write_str("the login in the keyring"),
            Self::FlywheelUserJson(path) => {
                write!(f, "Flywheel's own login in {}", display_path(path))
            }
        }
    }
}

impl KeySources {
    /// The first key there is, and where it came from. A source that was named but cannot be used
    /// is an error, never passed over; a stored login for another site than `--site` is passed
    /// over. Among several logins nothing is guessed.
    ///
    /// # Errors
    /// `auth.missing` without any, `auth.several-sites` where several are stored and none is named,
    /// and those of a source that cannot be used.
    pub fn resolve(&self) -> Result<(ApiKey, KeyOrigin), Error> {
        let (text, origin) = if let Some(path) = &self.file {
            (
                Secret::ApiKey.read_file(path)?,
                KeyOrigin::File(path.clone()),
            )
        } else if let Some(command) = &self.command {
            (Secret::ApiKey.read_command(command)?, KeyOrigin::Command)
        } else if let Some(text) = self
            .environment
            .as_ref()
            .filter(|text| !text.trim().is_empty())
        {
            (text.clone(), KeyOrigin::Environment)
        } else {
            return self.resolve_stored();
        };
        Ok((ApiKey::parse_for(&text, self.site.as_deref())?, origin))
    }

    /// Every key that `fwupload login` keeps, and where it came from.
    ///
    /// # Errors
    /// The login file cannot be used.
    pub fn stored(&self) -> Result<Vec<(ApiKey, KeyOrigin)>, Error> {
        let Some(path) = &self.login_file else {
            return Ok(Vec::new());
        };
        let logins = Logins::read(path)?;
        let keys = logins.keys().iter();
        Ok(keys
            .map(|key| (key.clone(), origin_of(&logins, key, path)))
            .collect())
    }

    /// The two files that a login left behind.
    fn resolve_stored(&self) -> Result<(ApiKey, KeyOrigin), Error> {
        let site = self.site.as_deref();
        let mut missing = Error::new(RunCode::AuthMissing, "there is no API key");
        if let Some(path) = &self.login_file {
            let logins = Logins::read(path)?;
            let key = match site {
                Some(site) => logins.for_site(site)?,
                None => logins.only()?,
            };
            if let Some(key) = key {
                let origin = origin_of(&logins, key, path);
                return Ok((ApiKey::parse_for(&key.expose_whole(), site)?, origin));
            }
            missing = logins
                .keys()
                .iter()
                .fold(missing, |missing, key| {
                    let origin = origin_of(&logins, key, path);
                    missing.because(format!("{origin} is for {}", key.host()))
                });
        }
        if let Some(path) = &self.flywheel_user_json
            && let Some(text) = read_of_flywheel(path)?
        {
            let origin = KeyOrigin::FlywheelUserJson(path.clone());
            let stored = ApiKey::parse(&text)
                .map_err(|error| Error::from(error).because(format!("read from {origin}")))?;
            match ApiKey::parse_for(&text, site) {
                Ok(key) => return Ok((key, origin)),
                Err(_) => missing = missing.because(format!("{origin} is for {}", stored.host())),
            }
        }
        Err(missing)
    }
}

fn origin_of(logins: &Logins, key: &ApiKey, path: &Path) -> KeyOrigin {
    if logins.is_in_keyring(key) {
        KeyOrigin::Keyring
    } else {
        KeyOrigin::Login(path.to_owned())
    }
}

impl fmt::Debug for KeySources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySources")
            .field("file", &self.file)
            .field("command", &self.command.is_some())
            .field("environment", &self.environment.is_some())
            .field("login_file", &self.login_file)
            .field("flywheel_user_json", &self.flywheel_user_json)
            .field("site", &self.site)
            .finish()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::fs;

    use super::*;

    fn key(host: &str) -> String {
        format!("{host}:abcdefgh12345678")
    }

    fn written(folder: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_first_source_that_has_a_key_counts() {
        let folder = tempfile::tempdir().unwrap();
        let stored = |host: &str| format!("{{\"key\":\"{}\",\"root\":false}}", key(host));
        let mut sources = KeySources {
            file: Some(written(
                folder.path(),
                "key",
                &format!("\n {} \nrest", key("file.example")),
                0o600,
            )),
            command: Some(format!("echo {}", key("command.example"))),
            environment: Some(Zeroizing::new(key("env.example"))),
            login_file: Some(written(
                folder.path(),
                "login.json",
                &stored("login.example"),
                0o600,
            )),
            flywheel_user_json: Some(written(
                folder.path(),
                "user.json",
                &stored("fw.example"),
                0o644,
            )),
            site: None,
        };
        let host = |sources: &KeySources| {
            sources
                .resolve()
                .unwrap()
                .0
                .host()
                .to_owned()
        };
        assert_eq!(host(&sources), "file.example");
        sources.file = None;
        assert_eq!(host(&sources), "command.example");
        sources.command = None;
        assert_eq!(host(&sources), "env.example");
        sources.environment = Some(Zeroizing::new(String::new()));
        assert_eq!(host(&sources), "login.example");
        sources.site = Some("fw.example".to_owned());
        assert!(matches!(
            sources.resolve().unwrap().1,
            KeyOrigin::FlywheelUserJson(_)
        ));
        sources.site = Some("third.example".to_owned());
        let error = sources.resolve().err().unwrap();
        assert_eq!((error.code, error.why.len()), (RunCode::AuthMissing, 2));
        assert!(!format!("{sources:?}").contains("abcdefgh"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_can_read_is_refused_with_the_cure() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), "key", &key("a.example"), 0o640);
        let error = KeySources {
            file: Some(path),
            ..KeySources::default()
        }
        .resolve()
        .err()
        .unwrap();
        assert_eq!(error.code, RunCode::AuthKeySource);
        assert!(
            error
                .hint()
                .starts_with("run `chmod 600 "),
            "{error}"
        );
    }

    #[test]
    fn a_named_source_that_fails_is_not_passed_over() {
        let environment = Some(Zeroizing::new(key("env.example")));
        let missing = KeySources {
            file: Some("/does/not/exist".into()),
            environment: environment.clone(),
            ..KeySources::default()
        };
        assert_eq!(
            missing
                .resolve()
                .err()
                .unwrap()
                .code,
            RunCode::AuthKeySource
        );
        let failing = KeySources {
            command: Some("exit 3".to_owned()),
            environment,
            ..KeySources::default()
        };
        assert_eq!(
            failing
                .resolve()
                .err()
                .unwrap()
                .code,
            RunCode::AuthKeySource
        );
        assert_eq!(
            KeySources::default()
                .resolve()
                .err()
                .unwrap()
                .code,
            RunCode::AuthMissing
        );
    }
}
