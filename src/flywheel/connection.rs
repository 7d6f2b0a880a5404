//! The HTTP connection pool: timeouts, proxies and certificates.
//!
//! Owns what a connection may do by itself: nothing. It follows no redirect and repeats no request.

use std::path::PathBuf;
use std::time::Duration;

use super::client::Settings;
use super::error::innermost_causes;
use crate::credential::ApiKey;
use crate::failure::{Error, RunCode};
use dicom_lossless::display_path;

/// Kept shorter than servers keep an idle connection, so that we seldom write into one that they
/// just closed.
const POOL_IDLE: Duration = Duration::from_secs(20);

pub(super) fn build_http(key: &ApiKey, settings: &Settings) -> Result<reqwest::Client, Error> {
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
        .map_err(|error| not_built(&innermost_causes(&error)))
}

/// Images made for containers often come without certificates, and the library then does not begin.
fn not_built(cause: &str) -> Error {
    if cause.to_lowercase().contains("no ca certificates") {
        let what = "this machine has no certificates of authorities to check the site's by";
        return Error::new(RunCode::ConfigInvalid, what)
            .because(cause)
            .with_hint(
                "install them (the package is mostly called ca-certificates), or name a \
                file with them by `--ca-cert FILE` or SSL_CERT_FILE",
            );
    }
    Error::new(
        RunCode::ConfigInvalid,
        "the network client cannot be set up",
    )
    .because(cause)
}

fn read_certificates(path: &PathBuf) -> Result<Vec<reqwest::Certificate>, Error> {
    let failed = |why: &str| {
        Error::new(
            RunCode::ConfigInvalid,
            format!("`--ca-cert` {} cannot be used", display_path(path)),
        )
        .because(why)
        .with_hint("name a PEM file with the certificate of your site's authority")
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
