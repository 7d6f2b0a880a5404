//! The headers that identify us to the site.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::credential::ApiKey;
use crate::failure::{Error, RunCode};

/// What newer servers do only for clients that can take it. Never `pagination`: it changes the
/// shape of lists.
const FEATURES: &str = "subject-container,multipart_signed_url,safe-redirect";

/// Keys of exactly this length are of the newer kind and travel under another word.
const BEARER_LENGTH: usize = 57;

/// The headers of every request to the site itself; nothing of this goes to a storage host.
pub(super) fn site_headers(key: &ApiKey) -> Result<HeaderMap, Error> {
    let secret = key.expose_secret();
    let authorization = if is_bearer(key) {
        secret_value("Bearer ", secret)
    } else {
        secret_value("scitran-user ", secret)
    }?;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        HeaderName::from_static("x-accept-feature"),
        HeaderValue::from_static(FEATURES),
    );
    Ok(headers)
}

/// What identifies us to the site's log of de-identification, a service that may lie on another
/// host: an older key goes there with the name of the site that it is for.
pub(super) fn log_authorization(key: &ApiKey) -> Result<HeaderValue, Error> {
    if is_bearer(key) {
        return secret_value("Bearer ", key.expose_secret());
    }
    let base = key.base_url();
    let site = base.split_once("://").map_or(base.as_str(), |(_, site)| {
        site.strip_suffix(":443").unwrap_or(site)
    });
    secret_value(&format!("scitran-user {site}:"), key.expose_secret())
}

fn is_bearer(key: &ApiKey) -> bool {
    key.expose_secret().len() == BEARER_LENGTH
}

fn secret_value(before: &str, secret: &str) -> Result<HeaderValue, Error> {
    let line = Zeroizing::new(format!("{before}{secret}"));
    let mut value = HeaderValue::from_str(&line).map_err(|_| {
        Error::new(
            RunCode::AuthMalformed,
            "the API key cannot be sent in a header",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_exactly_57_characters_are_bearer_tokens() {
        for (length, word) in [(56, "scitran-user"), (57, "Bearer"), (58, "scitran-user")] {
            let secret = "k".repeat(length);
            let headers =
                site_headers(&ApiKey::parse(&format!("site.example:{secret}")).unwrap()).unwrap();
            assert_eq!(
                headers.get(AUTHORIZATION).unwrap().to_str().unwrap(),
                format!("{word} {secret}")
            );
            assert!(!format!("{headers:?}").contains(&secret));
        }
    }

    #[test]
    fn the_log_is_told_for_which_site_an_older_key_is() {
        let bearer = "k".repeat(57);
        for (given, line) in [
            (
                "site.example:old",
                "scitran-user site.example:old".to_owned(),
            ),
            (
                "site.example:8443:old",
                "scitran-user site.example:8443:old".to_owned(),
            ),
            (
                &format!("site.example:{bearer}"),
                format!("Bearer {bearer}"),
            ),
        ] {
            let value = log_authorization(&ApiKey::parse(given).unwrap()).unwrap();
            assert_eq!(
                (value.to_str().unwrap(), value.is_sensitive()),
                (line.as_str(), true)
            );
        }
    }
}
