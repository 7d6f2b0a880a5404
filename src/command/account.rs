//! `login`, `logout` and `status`. The key is checked with the server before it is kept, and never
//! shown.

use std::io::Read;

use flywheel_client::ApiKey;
use serde_json::json;
use zeroize::Zeroizing;

use crate::cli::ConnectionArgs;
use crate::config::Environment;
use crate::credential::{self, KeyOrigin, Logins};
use crate::failure::{Error, RunCode};
use crate::plan;
use dicom_lossless::{display_path, escape_for_terminal};

use super::{key_sources, login_file, runtime, say};

/// Longest key that is read from standard input, in bytes.
const LONGEST: u64 = 64 << 10;

/// Asks for a key, checks it and keeps it.
pub fn login(
    from_stdin: bool,
    connection: &ConnectionArgs,
    environment: &Environment,
) -> Result<(), Error> {
    let sources = key_sources(connection);
    let key = if sources.file.is_some() || sources.command.is_some() {
        sources.resolve()?.0
    } else {
        ApiKey::parse_for(
            typed(from_stdin, environment)?.trim(),
            connection.site.as_deref(),
        )?
    };
    let client = plan::client(&key, connection.ca_cert.clone(), None)?;
    let user = runtime()?.block_on(client.check_key())?;
    let path = login_file().ok_or_else(|| {
        Error::new(
            RunCode::ConfigInvalid,
            "this account has no home folder to keep the key in",
        )
        .with_hint(
            "name a folder with FWUPLOAD_CONFIG_HOME, or give the key to each run with \
                FWUPLOAD_API_KEY or `--api-key-file`",
        )
    })?;
    let mut logins = Logins::read(&path)?;
    logins.add(&key);
    logins.save(&path)?;
    say(&format!(
        "logged in to {} as {}; the key is in {}{}",
        key.host(),
        escape_for_terminal(&user.id),
        if logins.is_in_keyring(&key) {
            "the keyring".to_owned()
        } else {
            display_path(&path)
        },
        if logins.keys().len() > 1 {
            ", beside those for other sites"
        } else {
            ""
        }
    ))
}

fn typed(from_stdin: bool, environment: &Environment) -> Result<Zeroizing<String>, Error> {
    let unreadable = |e: std::io::Error| {
        Error::new(RunCode::AuthKeySource, "the key cannot be read").because(e.to_string())
    };
    if from_stdin {
        let mut text = Zeroizing::new(String::new());
        std::io::stdin()
            .lock()
            .take(LONGEST)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        return Ok(text);
    }
    if !environment.stdin_tty {
        let error = Error::new(
            RunCode::AuthKeySource,
            "there is no terminal to ask for the key",
        );
        return Err(error.with_hint("pipe the key in and add `--with-key-stdin`"));
    }
    rpassword::prompt_password("API key (from your Flywheel profile page): ")
        .map(Zeroizing::new)
        .map_err(unreadable)
}

/// Forgets the key for a site, the only one there is, or all.
pub fn logout(site: Option<&str>, all: bool) -> Result<(), Error> {
    let Some(path) = login_file() else {
        return say("there was no stored login");
    };
    if all {
        // A file that cannot be used is forgotten like any other.
        return say(if credential::remove_login(&path)? {
            "logged out"
        } else {
            "there was no stored login"
        });
    }
    let mut logins = Logins::read(&path)?;
    let key = match site {
        Some(site) => logins.for_site(site)?,
        None => logins.only().map_err(|error| {
            error.with_hint("name one with `--site`, or forget all of them with `--all`")
        })?,
    };
    let Some(key) = key.cloned() else {
        return say("there was no stored login");
    };
    logins.remove(&key)?;
    logins.save(&path)?;
    say(&format!("logged out of {}", key.host()))
}

/// Says which site and user a key is for, and where it came from: the one that a run would use, or
/// where that has to be told one by one, all that are stored.
pub fn status(as_json: bool, connection: &ConnectionArgs) -> Result<(), Error> {
    let sources = key_sources(connection);
    let keys = match sources.resolve() {
        Ok(found) => vec![found],
        Err(error) if error.code == RunCode::AuthSeveralSites && connection.site.is_none() => {
            sources.stored()?
        }
        Err(error) => return Err(error),
    };
    let several = keys.len() > 1;
    let mut refused = None;
    for (key, origin) in keys {
        let shown = status_of(&key, &origin, as_json, connection);
        if let Err(error) = shown {
            if !several {
                return Err(error);
            }
            say_refused(&key, &error, as_json)?;
            refused = refused.or(Some(error));
        }
    }
    if !as_json {
        say(&format!("version  {}", env!("CARGO_PKG_VERSION")))?;
    }
    refused.map_or(Ok(()), Err)
}

fn status_of(
    key: &ApiKey,
    origin: &KeyOrigin,
    as_json: bool,
    connection: &ConnectionArgs,
) -> Result<(), Error> {
    let (user, release) = runtime()?.block_on(async {
        let client = plan::client(key, connection.ca_cert.clone(), None)?;
        Ok::<_, Error>((client.check_key().await?, client.release().await))
    })?;
    let (id, release) = (
        escape_for_terminal(&user.id),
        release.map(|release| escape_for_terminal(&release)),
    );
    if as_json {
        let status = json!({
            "type": "status", "v": 1, "version": env!("CARGO_PKG_VERSION"), "site": key.base_url(), "user": id,
            "admin": user.is_admin, "release": release, "key_from": origin.to_string(),
        });
        return say(&status.to_string());
    }
    let release = release
        .map(|release| format!(" (release {release})"))
        .unwrap_or_default();
    say(&format!("site     {}{release}", key.base_url()))?;
    say(&format!(
        "user     {id}{}",
        if user.is_admin {
            " (administrator)"
        } else {
            ""
        }
    ))?;
    say(&format!("key      from {origin}"))
}

/// One of several sites, whose key is not good or that cannot be asked.
fn say_refused(key: &ApiKey, error: &Error, as_json: bool) -> Result<(), Error> {
    if as_json {
        let status = json!({
            "type": "status", "v": 1, "version": env!("CARGO_PKG_VERSION"), "site": key.base_url(),
            "error": error.code.as_str(),
        });
        return say(&status.to_string());
    }
    say(&format!("site     {}", key.base_url()))?;
    say(&format!("error    {}: {}", error.code.as_str(), error.what))
}
