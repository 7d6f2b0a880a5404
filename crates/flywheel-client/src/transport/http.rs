//! The HTTP connection pool: timeouts, proxies and certificates.
//!
//! Owns what a connection may do by itself: nothing. It follows no redirect and repeats no request.

use std::path::Path;
use std::time::Duration;

use super::Settings;
use crate::error::{ClientError, innermost_causes};
use crate::key::ApiKey;

/// Kept shorter than servers keep an idle connection, so that few requests are written into one that
/// they just closed.
const POOL_IDLE: Duration = Duration::from_secs(20);

pub fn build(key: &ApiKey, settings: &Settings) -> Result<reqwest::Client, ClientError> {
    let named = match &settings.ca_cert {
        Some(path) => read_certificates(path)?,
        None => Vec::new(),
    };
    let built = unbuilt(key, settings)
        .tls_certs_merge(named.iter().cloned())
        .build();
    match built {
        // Images made for containers often come without certificates, and the library then does not
        // begin. What is named is enough, and a site without encryption needs none.
        Err(error) if has_no_certificates(&error) && (!named.is_empty() || !key.is_encrypted()) => {
            unbuilt(key, settings)
                .tls_certs_only(named)
                .build()
        }
        built => built,
    }
    .map_err(|error| {
        let cause = innermost_causes(&error);
        if has_no_certificates(&error) {
            ClientError::NoCertificates { cause }
        } else {
            ClientError::Setup { cause }
        }
    })
}

fn unbuilt(key: &ApiKey, settings: &Settings) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        // Packages went up to a quarter slower over HTTP/2, four at a time to one server; only
        // files of a few KB gained.
        .http1_only()
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .referer(false)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    if key.is_loopback() {
        // A proxy cannot reach this machine's own loopback.
        builder.no_proxy()
    } else {
        builder
    }
}

fn has_no_certificates(error: &reqwest::Error) -> bool {
    innermost_causes(error)
        .to_lowercase()
        .contains("no ca certificates")
}

fn read_certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, ClientError> {
    let failed = |cause: &str| ClientError::CaCert {
        path: path.to_owned(),
        cause: cause.to_owned(),
    };
    let pem = std::fs::read(path).map_err(|error| failed(&error.to_string()))?;
    let certificates =
        reqwest::Certificate::from_pem_bundle(&pem).map_err(|_| failed("it is not PEM"))?;
    if certificates.is_empty() {
        Err(failed("it holds no certificate"))
    } else {
        Ok(certificates)
    }
}
