//! The files that a login leaves behind: fwupload's own, and that of Flywheel's own client, which is only
//! ever read.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use dicom_lossless::display_path;
use etcetera::BaseStrategy;
use flywheel_client::{ApiKey, SiteMatch};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::keyring;
use super::secret::{Secret, read_limited};
use crate::failure::{Error, RunCode};

/// Where `fwupload login` keeps its key: `fwupload/login.json` in the platform's folder for
/// configuration, or directly in `config_home` (what `FWUPLOAD_CONFIG_HOME` holds) where that is
/// given. `None` on an account without a home.
pub fn login_file(config_home: Option<&OsStr>) -> Option<PathBuf> {
    Some(config_folder(config_home)?.join("login.json"))
}

/// The folder for configuration, by the same rule.
pub fn config_folder(config_home: Option<&OsStr>) -> Option<PathBuf> {
    match config_home.filter(|home| !home.is_empty()) {
        Some(home) => Some(PathBuf::from(home)),
        None => Some(
            etcetera::choose_base_strategy()
                .ok()?
                .config_dir()
                .join("fwupload"),
        ),
    }
}

/// The user's home, where the account has one.
pub fn home_folder() -> Option<PathBuf> {
    etcetera::home_dir().ok()
}

/// Where Flywheel's own client keeps its key: `.config/flywheel/user.json` under `user_home` (what
/// `FLYWHEEL_USER_HOME` holds), else under the user's home.
pub fn flywheel_user_json(user_home: Option<&OsStr>) -> Option<PathBuf> {
    let home = match user_home.filter(|home| !home.is_empty()) {
        Some(home) => PathBuf::from(home),
        None => home_folder()?,
    };
    Some(
        home.join(".config")
            .join("flywheel")
            .join("user.json"),
    )
}

/// What helps where the login file is damaged.
const FORGET: &str = "`fwupload logout --all` removes the file with all logins in it";

/// The keys that `fwupload login` keeps, one for each site.
#[derive(Clone, Default)]
pub struct Logins {
    keys: Vec<ApiKey>,
    /// Addresses of the sites whose keys are in the keyring; the file names them alone.
    in_keyring: BTreeSet<String>,
}

impl Logins {
    /// Those of the login file; none where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, may be read by others, or holds something else; a key that it says
    /// is in the keyring cannot be had.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut logins = Self::default();
        for stored in read_stored(path, true)?
            .into_iter()
            .flat_map(StoredLogins::all)
        {
            let (text, from) = match stored {
                StoredLogin::Key(key) => (key, format!("read from {}", display_path(path))),
                StoredLogin::InKeyring(site) => {
                    let key = keyring::key_for(&site).map_err(|why| no_key(&site, &why))?;
                    logins.in_keyring.insert(site);
                    (key, "read from the keyring".to_owned())
                }
            };
            let key = ApiKey::parse(&text).map_err(|error| {
                Error::from(error)
                    .because(from)
                    .with_hint(FORGET)
            })?;
            logins.keys.push(key);
        }
        Ok(logins)
    }

    /// The addresses of the sites, without asking the keyring; none of a file that cannot be used.
    pub fn sites(path: &Path) -> Vec<String> {
        let stored = read_stored(path, true)
            .ok()
            .flatten();
        stored
            .into_iter()
            .flat_map(StoredLogins::all)
            .filter_map(|stored| match stored {
                StoredLogin::Key(key) => Some(ApiKey::parse(&key).ok()?.base_url()),
                StoredLogin::InKeyring(site) => Some(site),
            })
            .collect()
    }

    /// The keys, in the order of their logins.
    pub fn keys(&self) -> &[ApiKey] {
        &self.keys
    }

    /// Whether the key for a site is in the keyring.
    pub fn is_in_keyring(&self, key: &ApiKey) -> bool {
        self.in_keyring
            .contains(&key.base_url())
    }

    /// Adds a key, in place of one for the same site: to the keyring where there is one, else to
    /// what [`Self::save`] writes.
    pub fn add(&mut self, key: &ApiKey) {
        let site = key.base_url();
        self.keys
            .retain(|other| other.base_url() != site);
        self.keys.push(key.clone());
        if keyring::keep(&site, &key.expose_whole()) {
            self.in_keyring.insert(site);
        } else {
            self.in_keyring.remove(&site);
        }
    }

    /// Takes out the key for a site.
    ///
    /// # Errors
    /// The keyring does not let go of it.
    pub fn remove(&mut self, key: &ApiKey) -> Result<(), Error> {
        let site = key.base_url();
        if self.in_keyring.contains(&site) {
            keyring::forget(&site).map_err(|why| no_key(&site, &why))?;
            self.in_keyring.remove(&site);
        }
        self.keys
            .retain(|other| other.base_url() != site);
        Ok(())
    }

    /// The key for a site, by its address: with its port where several are on the host.
    ///
    /// # Errors
    /// `auth.several-sites` where the host alone does not tell, and what is no address.
    pub fn for_site(&self, site: &str) -> Result<Option<&ApiKey>, Error> {
        let mut on_host = Vec::new();
        for key in &self.keys {
            match key.is_for(site)? {
                SiteMatch::Site => return Ok(Some(key)),
                SiteMatch::Host => on_host.push(key),
                SiteMatch::None => {}
            }
        }
        match on_host[..] {
            [] => Ok(None),
            [key] => Ok(Some(key)),
            _ => Err(several(&on_host)),
        }
    }

    /// The only key there is.
    ///
    /// # Errors
    /// `auth.several-sites` where there are more.
    pub fn only(&self) -> Result<Option<&ApiKey>, Error> {
        match &self.keys[..] {
            [] => Ok(None),
            [key] => Ok(Some(key)),
            keys => Err(several(&keys.iter().collect::<Vec<_>>())),
        }
    }

    /// Writes the login file, readable by its owner alone from its first byte, in place of an older
    /// one in one step. Without a key there is none.
    ///
    /// # Errors
    /// It cannot be written, or removed.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let failed = |error: std::io::Error| Secret::ApiKey.unusable(path, &error.to_string());
        if self.keys.is_empty() {
            return remove_login(path).map(drop);
        }
        let mut text = Zeroizing::new(String::from("{\"logins\":["));
        for (number, key) in self.keys.iter().enumerate() {
            let login = if self.is_in_keyring(key) {
                serde_json::json!({ "keyring": key.base_url() })
            } else {
                serde_json::json!({ "key": *key.expose_whole() })
            };
            let key = Zeroizing::new(login.to_string());
            text.push_str(if number > 0 { "," } else { "" });
            text.push_str(&key);
        }
        text.push_str("]}");
        written_beside(path, &text)
            .and_then(|file| Ok(file.persist(path).map(drop)?))
            .map_err(failed)
    }
}

/// Deletes the login file, whatever is in it, and what it says is in the keyring; `false` when there
/// was none.
///
/// # Errors
/// It cannot be removed, or the keyring does not let go of a key.
pub fn remove_login(path: &Path) -> Result<bool, Error> {
    let stored = read_stored(path, true)
        .ok()
        .flatten();
    for stored in stored
        .into_iter()
        .flat_map(StoredLogins::all)
    {
        if let StoredLogin::InKeyring(site) = stored {
            keyring::forget(&site).map_err(|why| no_key(&site, &why))?;
        }
    }
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Secret::ApiKey.unusable(path, &error.to_string())),
    }
}

/// The keyring does not do what it was asked for.
fn no_key(site: &str, why: &str) -> Error {
    Error::new(
        RunCode::AuthKeySource,
        format!("the key for {site} is in the keyring, which does not give it"),
    )
    .because(why)
    .with_hint("unlock the keyring, or delete the entry of fwupload in it and log in again")
}

/// Which of these is meant cannot be told.
fn several(keys: &[&ApiKey]) -> Error {
    let sites: Vec<_> = keys
        .iter()
        .map(|key| key.base_url())
        .collect();
    Error::from(RunCode::AuthSeveralSites).because(format!("logged in to {}", sites.join(", ")))
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

/// Makes a folder, and those above it, for their owner alone; what is there stays as it is.
pub fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The key of Flywheel's own client; none where there is no such file or it has no key.
pub fn read_of_flywheel(path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    let stored = read_stored(path, false)?;
    Ok(stored
        .and_then(|stored| stored.own)
        .and_then(StoredKey::into_text))
}

/// What a login left behind; none where there is no such file.
fn read_stored(path: &Path, private: bool) -> Result<Option<StoredLogins>, Error> {
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
    let damaged = |why: &str| {
        let error = Secret::ApiKey.unusable(path, why);
        if private {
            error.with_hint(FORGET)
        } else {
            error
        }
    };
    let text = read_limited(file).ok_or_else(|| damaged("it is not UTF-8 text"))?;
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|_| damaged("it is not the JSON of a login"))
}

/// What both login files hold that matters here.
#[derive(serde::Deserialize)]
struct StoredLogins {
    /// Of Flywheel's own client, and of fwupload up to version 0.2.
    #[serde(flatten)]
    own: Option<StoredKey>,
    #[serde(default)]
    logins: Vec<StoredKey>,
}

/// One login of a file.
enum StoredLogin {
    /// Its key.
    Key(Zeroizing<String>),
    /// The address of its site; the key is in the keyring.
    InKeyring(String),
}

impl StoredLogins {
    fn all(self) -> impl Iterator<Item = StoredLogin> {
        self.logins
            .into_iter()
            .chain(self.own)
            .filter_map(|stored| match stored.keyring.clone() {
                Some(site) => Some(StoredLogin::InKeyring(site)),
                None => stored
                    .into_text()
                    .map(StoredLogin::Key),
            })
    }
}

#[derive(serde::Deserialize)]
struct StoredKey {
    key: Option<String>,
    keyring: Option<String>,
}

impl StoredKey {
    fn into_text(self) -> Option<Zeroizing<String>> {
        self.key
            .map(Zeroizing::new)
            .filter(|key| !key.trim().is_empty())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(site: &str) -> ApiKey {
        ApiKey::parse(&format!("{site}:abcdefgh12345678")).unwrap()
    }

    fn sites(logins: &Logins) -> Vec<String> {
        logins
            .keys()
            .iter()
            .map(ApiKey::base_url)
            .collect()
    }

    #[test]
    fn logins_are_written_for_their_owner_alone_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("new");
        let path = login_file(Some(home.as_os_str())).unwrap();
        let mut logins = Logins::read(&path).unwrap();
        for site in ["a.example", "b.example", "a.example"] {
            logins.add(&key(site));
        }
        logins.save(&path).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path)
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let mut read = Logins::read(&path).unwrap();
        assert_eq!(
            sites(&read),
            ["https://b.example:443", "https://a.example:443"]
        );
        for site in ["a.example", "b.example"] {
            read.remove(&key(site)).unwrap();
        }
        read.save(&path).unwrap();
        assert!(!path.exists(), "nothing of it is left");
        read.save(&path).unwrap();
    }

    #[test]
    fn a_login_of_an_earlier_version_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("login.json");
        fs::write(&path, r#"{"key": "a.example:443:abcdefgh12345678"}"#).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(
            sites(&Logins::read(&path).unwrap()),
            ["https://a.example:443"]
        );
    }

    #[test]
    fn a_site_is_told_by_its_host_and_where_that_does_not_tell_by_its_port() {
        let mut logins = Logins::default();
        assert!(logins.only().unwrap().is_none());
        logins.add(&key("a.example"));
        let found = |logins: &Logins, site: &str| {
            logins
                .for_site(site)
                .map(|key| key.map(ApiKey::base_url))
                .map_err(|error| error.code)
        };
        let a = "https://a.example:443".to_owned();
        assert_eq!(
            logins
                .only()
                .unwrap()
                .map(ApiKey::base_url),
            Some(a.clone())
        );
        logins.add(&key("b.example:8443"));
        logins.add(&key("b.example:9443"));
        assert_eq!(found(&logins, "https://A.example/"), Ok(Some(a)));
        assert_eq!(found(&logins, "c.example"), Ok(None));
        assert_eq!(
            found(&logins, "b.example:9443"),
            Ok(Some("https://b.example:9443".to_owned()))
        );
        assert_eq!(found(&logins, "b.example"), Err(RunCode::AuthSeveralSites));
        let several = logins.only().err().unwrap();
        assert_eq!(several.code, RunCode::AuthSeveralSites);
        assert!(
            several
                .to_string()
                .contains("https://b.example:8443")
        );
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
