//! The API key and the key of pseudonyms: what they look like and where they may come from.
//!
//! Owns parsing of all forms of the API key, the order of sources of both, the file that `fwupload
//! login` writes, and the files that keep keys of pseudonyms. It must never take a key from the
//! command line's arguments, print one, or write one to a file that others can read. Nothing in
//! here reads the environment: callers hand over what they found, so that tests are sealed off from
//! the machine they run on.

mod login;
mod pseudonym_key;
mod secret;
mod site;
mod sources;

use std::fmt;

use zeroize::Zeroizing;

use crate::failure::{Error, RunCode};
pub use login::{flywheel_user_json, login_file, make_private_folder, remove_login, save_login};
pub use pseudonym_key::{
    FirstUse, KeptFor, PSEUDONYM_KEYS, PseudonymKeyOrigin, PseudonymKeySources, state_folder,
};
use site::Site;
pub use sources::{KeyOrigin, KeySources};

/// The part of a key that allows plain http to any host.
const FORCE_INSECURE: &str = "__force_insecure";

/// An API key and the site that it belongs to. `Debug` shows the site only; the secret is wiped
/// when dropped.
#[derive(Clone)]
pub struct ApiKey {
    site: Site,
    secret: Zeroizing<String>,
}

impl ApiKey {
    /// Reads `host:key`, `host:port:key` or `host:port:__force_insecure:key`, with or without
    /// `http(s)://` before the host and `bearer` or `scitran-user` before everything. A bare key is
    /// refused: it needs a site.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_for(text, None)
    }

    /// Like [`ApiKey::parse`], for a site given apart (`--site`). A bare key takes that site; a key
    /// that names a host is refused unless it is the same host, since a key must not be shown to
    /// another server.
    pub fn parse_for(text: &str, site: Option<&str>) -> Result<Self, Error> {
        let text = without_scheme_word(text.trim());
        let (place, secret) = text
            .rsplit_once(':')
            .map_or((None, text), |(place, secret)| (Some(place), secret));
        check_secret(secret)?;
        let site = match (place, site) {
            (Some(place), None) => site_of(place)?,
            (place, Some(site)) => {
                Site::parse(site, false)?.merged(place.map(site_of).transpose()?)?
            }
            (None, None) => {
                return Err(malformed("the API key names no site")
                    .with_hint("write it as `host:key`, or add `--site URL`"));
            }
        };
        site.check_transport()?;
        Ok(Self {
            site,
            secret: Zeroizing::new(secret.to_owned()),
        })
    }

    /// Scheme, host and port, without a path: `https://site.example:443`.
    pub fn base_url(&self) -> String {
        self.site.base_url()
    }

    /// The host alone, for messages and for the name of a journal.
    pub fn host(&self) -> &str {
        &self.site.host
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.site.is_loopback()
    }

    /// Whether requests go without encryption.
    pub fn is_plain_http(&self) -> bool {
        !self.site.tls
    }

    /// The bare key. Only for the header that carries it and the file that keeps it.
    pub fn expose_secret(&self) -> &str {
        &self.secret
    }

    /// The whole key in the form that [`ApiKey::parse`] reads.
    pub fn expose_whole(&self) -> Zeroizing<String> {
        let Site {
            host, port, tls, ..
        } = &self.site;
        let marker = if *tls {
            String::new()
        } else {
            format!("{FORCE_INSECURE}:")
        };
        Zeroizing::new(format!("{host}:{port}:{marker}{}", self.expose_secret()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}, secret not shown)", self.base_url())
    }
}

/// Drops a leading `bearer ` or `scitran-user `, in any case.
fn without_scheme_word(text: &str) -> &str {
    for word in ["bearer ", "scitran-user "] {
        if let Some((head, rest)) = text.split_at_checked(word.len())
            && head.eq_ignore_ascii_case(word)
        {
            return rest.trim_start();
        }
    }
    text
}

/// The site that the part of a key before the secret names.
fn site_of(place: &str) -> Result<Site, Error> {
    match place
        .strip_suffix(FORCE_INSECURE)
        .and_then(|rest| rest.strip_suffix(':'))
    {
        Some(place) => Site::parse(place, true),
        None => Site::parse(place, false),
    }
}

/// A key travels in a header and must not be able to start another one. A lone port number is no
/// key.
fn check_secret(secret: &str) -> Result<(), Error> {
    let port_like = secret.len() <= 5 && secret.bytes().all(|b| b.is_ascii_digit());
    let usable = !port_like && secret.len() <= 1024 && secret.bytes().all(|b| b.is_ascii_graphic());
    if usable {
        Ok(())
    } else {
        Err(malformed("the API key has no usable form"))
    }
}

fn malformed(what: &str) -> Error {
    Error::new(RunCode::AuthMalformed, what)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const KEY: &str = "abcdefgh12345678";

    fn parsed(text: &str) -> (String, String) {
        let key = ApiKey::parse(text).unwrap();
        (key.base_url(), key.expose_secret().to_owned())
    }

    #[test]
    fn reads_every_form_of_a_key() {
        for (text, base) in [
            ("site.example:KEY", "https://site.example:443"),
            ("site.example:8443:KEY", "https://site.example:8443"),
            ("https://site.example:KEY", "https://site.example:443"),
            ("https://Site.Example:8443:KEY", "https://site.example:8443"),
            ("https://site.example/api:KEY", "https://site.example:443"),
            ("bearer site.example:KEY", "https://site.example:443"),
            (
                "Scitran-User site.example:KEY\n",
                "https://site.example:443",
            ),
            (
                "127.0.0.1:8080:__force_insecure:KEY",
                "http://127.0.0.1:8080",
            ),
            (
                "far.example:8080:__force_insecure:KEY",
                "http://far.example:8080",
            ),
            ("http://localhost:8080:KEY", "http://localhost:8080"),
            ("[::1]:8080:__force_insecure:KEY", "http://[::1]:8080"),
        ] {
            assert_eq!(
                parsed(&text.replace("KEY", KEY)),
                (base.to_owned(), KEY.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn the_whole_key_reads_back() {
        for text in ["site.example:443:KEY", "[::1]:8080:__force_insecure:KEY"] {
            let text = text.replace("KEY", KEY);
            assert_eq!(*ApiKey::parse(&text).unwrap().expose_whole(), text);
        }
    }

    #[test]
    fn refuses_what_cannot_be_a_key_and_never_shows_it() {
        for text in [
            "",
            "abc",
            KEY,
            "site.example:",
            "site.example:8443",
            "ho st:abcdefgh12345678",
            "site.example:99999:abcdefgh12345678",
            "site.example:abcdefgh 12345678",
            "a/../b:abcdefgh12345678",
            "x@site.example:abcdefgh12345678",
        ] {
            let error = ApiKey::parse(text).unwrap_err();
            assert_eq!(error.code, RunCode::AuthMalformed, "{text}");
            assert!(!error.to_string().contains("12345678"), "{error}");
        }
        assert!(!format!("{:?}", ApiKey::parse(&format!("site.example:{KEY}"))).contains(KEY));
    }

    #[test]
    fn plain_http_goes_to_this_machine_only_unless_the_key_says_so() {
        let error = ApiKey::parse("http://site.example:abcdefgh12345678").unwrap_err();
        assert!(error.what.contains("plain http"), "{error}");
        assert!(ApiKey::parse_for(KEY, Some("http://site.example")).is_err());
        assert!(
            ApiKey::parse_for(KEY, Some("http://127.0.0.1:9000/api/"))
                .unwrap()
                .is_loopback()
        );
    }

    #[test]
    fn a_site_given_apart_completes_a_bare_key_and_must_match_a_full_one() {
        assert_eq!(
            ApiKey::parse_for(KEY, Some("site.example"))
                .unwrap()
                .base_url(),
            "https://site.example:443"
        );
        let full = format!("site.example:{KEY}");
        assert_eq!(
            ApiKey::parse_for(&full, Some("https://site.example:8443"))
                .unwrap()
                .base_url(),
            "https://site.example:8443"
        );
        let error = ApiKey::parse_for(&full, Some("https://other.example")).unwrap_err();
        assert!(
            error.what.contains("site.example") && error.what.contains("other.example"),
            "{error}"
        );
    }
}
