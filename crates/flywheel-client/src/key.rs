//! The API key: its forms, the site that it is for, and the headers that carry it.
//!
//! Owns parsing and the rule that a key goes to its own site only, encrypted unless that was asked
//! for. It never shows a key, and has no say in where one comes from.

mod site;

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use site::Site;
pub use site::is_loopback;

/// The part of a key that allows plain http to any host.
const FORCE_INSECURE: &str = "__force_insecure";

/// Keys of exactly this length are of the newer kind and travel under another word.
const BEARER_LENGTH: usize = 57;

/// An API key and the site that it belongs to. It cannot be printed, and the secret is wiped when
/// dropped.
#[derive(Clone)]
pub struct ApiKey {
    site: Site,
    secret: Zeroizing<String>,
}

/// Why a text is no API key, or not one for the site that was given apart. Holds nothing of a key
/// but its host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is a bare key, and no site was given.
    #[error("the API key names no site")]
    NoSite,
    /// What should be the secret cannot be one.
    #[error("the API key has no usable form")]
    Form,
    /// The address of the site has another scheme than http or https.
    #[error("a site's address starts with https:// or with its host")]
    SiteScheme,
    /// The address of the site is not `host` or `host:port`.
    #[error("the site's address is not of the form host:port")]
    SiteForm,
    /// The key is for another host than the site that was given apart.
    #[error("the API key is for {key}, and the site is {site}")]
    OtherSite {
        /// The host of the key.
        key: String,
        /// The host of the site.
        site: String,
    },
    /// The key would travel unencrypted, which it does not itself ask for.
    #[error("plain http to {host} would show the API key to the network")]
    PlainHttp {
        /// The host.
        host: String,
    },
}

/// How much of a key's site an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteMatch {
    /// Host and port.
    Site,
    /// The host, and another port.
    Host,
    /// Another host.
    None,
}

impl ApiKey {
    /// Reads `host:key`, `host:port:key` or `host:port:__force_insecure:key`, with or without
    /// `http(s)://` before the host and `bearer` or `scitran-user` before everything. A bare key is
    /// refused: it needs a site.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        Self::parse_for(text, None)
    }

    /// Like [`ApiKey::parse`], for a site given apart. A bare key takes that site; a key that names
    /// a host is refused unless it is the same host, since a key must not be shown to another
    /// server.
    pub fn parse_for(text: &str, site: Option<&str>) -> Result<Self, KeyError> {
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
            (None, None) => return Err(KeyError::NoSite),
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

    /// The host alone.
    pub fn host(&self) -> &str {
        &self.site.host
    }

    /// Whether a site's address, as people write it, names the site of this key.
    ///
    /// # Errors
    /// The text is no address of a site.
    pub fn is_for(&self, site: &str) -> Result<SiteMatch, KeyError> {
        let site = Site::parse(site, false)?;
        let (host, port) = (site.host == self.site.host, site.port == self.site.port);
        Ok(match (host, port) {
            (true, true) => SiteMatch::Site,
            (true, false) => SiteMatch::Host,
            (false, _) => SiteMatch::None,
        })
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.site.host)
    }

    /// Whether it travels encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.site.tls
    }

    /// The secret alone, for a server that is to accept it. It must not be printed.
    pub fn expose_secret(&self) -> &str {
        &self.secret
    }

    /// The whole key in the form that [`ApiKey::parse`] reads, for the file that keeps it.
    pub fn expose_whole(&self) -> Zeroizing<String> {
        let Site {
            host, port, tls, ..
        } = &self.site;
        let marker = if *tls {
            String::new()
        } else {
            format!("{FORCE_INSECURE}:")
        };
        Zeroizing::new(format!("{host}:{port}:{marker}{}", *self.secret))
    }

    /// What identifies the user to the site itself.
    pub(crate) fn authorization(&self) -> Result<HeaderValue, KeyError> {
        self.header("")
    }

    /// What identifies the user to the site's log of de-identification, a service that may lie on
    /// another host: an older key goes there with the name of the site that it is for.
    pub(crate) fn log_authorization(&self) -> Result<HeaderValue, KeyError> {
        let base = self.base_url();
        let site = base
            .split_once("://")
            .map_or(base.as_str(), |(_, site)| {
                site.strip_suffix(":443")
                    .unwrap_or(site)
            });
        self.header(&format!("{site}:"))
    }

    /// The value of an `Authorization` header, marked as one that is not shown. `site` goes before
    /// an older key.
    fn header(&self, site: &str) -> Result<HeaderValue, KeyError> {
        let secret = self.secret.as_str();
        let line = Zeroizing::new(if secret.len() == BEARER_LENGTH {
            format!("Bearer {secret}")
        } else {
            format!("scitran-user {site}{secret}")
        });
        let mut value = HeaderValue::from_str(&line).map_err(|_| KeyError::Form)?;
        value.set_sensitive(true);
        Ok(value)
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
fn site_of(place: &str) -> Result<Site, KeyError> {
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
fn check_secret(secret: &str) -> Result<(), KeyError> {
    let port_like = secret.len() <= 5
        && secret
            .bytes()
            .all(|b| b.is_ascii_digit());
    let usable = !port_like
        && secret.len() <= 1024
        && secret
            .bytes()
            .all(|b| b.is_ascii_graphic());
    if usable { Ok(()) } else { Err(KeyError::Form) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const KEY: &str = "abcdefgh12345678";

    fn error(text: &str, site: Option<&str>) -> KeyError {
        ApiKey::parse_for(text, site)
            .err()
            .unwrap()
    }

    fn base_url(text: &str, site: &str) -> String {
        ApiKey::parse_for(text, Some(site))
            .ok()
            .unwrap()
            .base_url()
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
            let key = ApiKey::parse(&text.replace("KEY", KEY))
                .ok()
                .unwrap();
            assert_eq!(
                (key.base_url().as_str(), key.secret.as_str()),
                (base, KEY),
                "{text}"
            );
        }
    }

    #[test]
    fn the_whole_key_reads_back() {
        for text in ["site.example:443:KEY", "[::1]:8080:__force_insecure:KEY"] {
            let text = text.replace("KEY", KEY);
            assert_eq!(
                *ApiKey::parse(&text)
                    .ok()
                    .unwrap()
                    .expose_whole(),
                text
            );
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
            let error = error(text, None);
            assert!(
                !format!("{error} {error:?}").contains("12345678"),
                "{error}"
            );
        }
    }

    #[test]
    fn plain_http_goes_to_this_machine_only_unless_the_key_says_so() {
        let host = "site.example".to_owned();
        let plain = KeyError::PlainHttp { host };
        assert_eq!(error("http://site.example:abcdefgh12345678", None), plain);
        assert_eq!(error(KEY, Some("http://site.example")), plain);
        let here = ApiKey::parse_for(KEY, Some("http://127.0.0.1:9000/api/"));
        assert!(here.is_ok_and(|key| key.is_loopback()));
    }

    #[test]
    fn a_site_given_apart_completes_a_bare_key_and_must_match_a_full_one() {
        assert_eq!(base_url(KEY, "site.example"), "https://site.example:443");
        let full = format!("site.example:{KEY}");
        let other_port = "https://site.example:8443";
        assert_eq!(base_url(&full, other_port), other_port);
        assert_eq!(
            error(&full, Some("https://other.example")),
            KeyError::OtherSite {
                key: "site.example".into(),
                site: "other.example".into()
            }
        );
    }

    #[test]
    fn keys_of_exactly_57_characters_are_bearer_tokens() {
        for (length, word) in [(56, "scitran-user"), (57, "Bearer"), (58, "scitran-user")] {
            let secret = "k".repeat(length);
            let key = ApiKey::parse(&format!("site.example:{secret}"))
                .ok()
                .unwrap();
            let header = key.authorization().unwrap();
            assert_eq!(header.to_str().unwrap(), format!("{word} {secret}"));
            assert!(!format!("{header:?}").contains(&secret));
        }
    }

    #[test]
    fn the_log_is_told_for_which_site_an_older_key_is() {
        let bearer = "k".repeat(57);
        for (given, line) in [
            ("site.example:old", "scitran-user site.example:old"),
            (
                "site.example:8443:old",
                "scitran-user site.example:8443:old",
            ),
            (
                &format!("site.example:{bearer}"),
                &format!("Bearer {bearer}"),
            ),
        ] {
            let key = ApiKey::parse(given).ok().unwrap();
            let value = key.log_authorization().unwrap();
            assert_eq!(
                (value.to_str().unwrap(), value.is_sensitive()),
                (line, true)
            );
        }
    }
}
