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
    let mut builder = reqwest::Client::builder()
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
        builder = builder.no_proxy();
    }
    if let Some(path) = &settings.ca_cert {
        builder = builder.tls_certs_merge(read_certificates(path)?);
    }
    builder
        .build()
        .map_err(|error| not_built(innermost_causes(&error)))
}

/// Images made for containers often come without certificates, and the library then does not begin.
fn not_built(cause: String) -> ClientError {
    if cause
        .to_lowercase()
        .contains("no ca certificates")
    {
        ClientError::NoCertificates { cause }
    } else {
        ClientError::Setup { cause }
    }
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
