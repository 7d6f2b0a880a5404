//! The headers that identify us to the site.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::credential::ApiKey;
use crate::failure::{Error, RunCode};

/// What newer servers do only for clients that can take it. Never `pagination`: it changes the shape of lists.
const FEATURES: &str = "subject-container,multipart_signed_url,safe-redirect";

/// Keys of exactly this length are of the newer kind and travel under another word.
const BEARER_LENGTH: usize = 57;

/// The headers of every request to the site itself; nothing of this goes to a storage host.
pub(super) fn site_headers(key: &ApiKey) -> Result<HeaderMap, Error> {
    let word = if key.expose_secret().len() == BEARER_LENGTH { "Bearer" } else { "scitran-user" };
    let line = Zeroizing::new(format!("{word} {}", key.expose_secret()));
    let mut authorization =
        HeaderValue::from_str(&line).map_err(|_| Error::new(RunCode::AuthMalformed, "the API key cannot be sent in a header"))?;
    authorization.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, authorization);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(HeaderName::from_static("x-accept-feature"), HeaderValue::from_static(FEATURES));
    Ok(headers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_exactly_57_characters_are_bearer_tokens() {
        for (length, word) in [(56, "scitran-user"), (57, "Bearer"), (58, "scitran-user")] {
            let secret = "k".repeat(length);
            let headers = site_headers(&ApiKey::parse(&format!("site.example:{secret}")).unwrap()).unwrap();
            assert_eq!(headers.get(AUTHORIZATION).unwrap().to_str().unwrap(), format!("{word} {secret}"));
            assert!(!format!("{headers:?}").contains(&secret));
        }
    }
}
