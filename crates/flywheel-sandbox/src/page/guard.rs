//! From where the page may be asked, and what browsers are told about it.
//!
//! A page of another site may make a browser ask the loopback, under the sandbox's address or under
//! a name of its own that resolves to it. So every request, also one that only reads, must name
//! the sandbox as its host, and none may come from a page of another origin. Must never answer one
//! that does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::api_error::ApiError;
use crate::app::App;

/// What a browser may do with the page: load its own script, style, pictures and data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const EMBEDDING: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Lets a request through that comes from the page itself, or from a person who typed its address.
pub async fn from_here(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match refusal(request.method(), request.headers(), app.port) {
        None => next.run(request).await,
        Some(why) => ApiError::new(StatusCode::FORBIDDEN, why).into_response(),
    }
}

/// Why a request is not answered.
fn refusal(method: &Method, headers: &HeaderMap, port: u16) -> Option<&'static str> {
    let Some(host) = only(headers, &HOST).filter(|host| is_ours(host, port)) else {
        return Some("the page is not at this address");
    };
    let site = only(headers, &SITE);
    if headers.contains_key(&SITE) && !matches!(site, Some("same-origin" | "none")) {
        return Some("the page does not answer other sites");
    }
    let origin = only(headers, &ORIGIN);
    let is_own = origin.and_then(|origin| origin.strip_prefix("http://")) == Some(host);
    // Browsers hide the origin of a form where the page sends no referrer.
    let is_own_form = origin == Some("null") && site == Some("same-origin");
    let may_lack_one = method.is_safe() && !headers.contains_key(ORIGIN);
    if is_own || is_own_form || may_lack_one {
        None
    } else {
        Some("the page does not answer other origins")
    }
}

/// The value of a header that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values
        .next()
        .is_none()
        .then_some(first)
}

/// Whether a host, as a browser names it, is this sandbox.
fn is_ours(host: &str, port: u16) -> bool {
    ["127.0.0.1", "localhost", "[::1]"]
        .into_iter()
        .filter_map(|name| host.strip_prefix(name))
        .any(|rest| {
            rest.strip_prefix(':')
                .is_some_and(|given| given == port.to_string())
                || (rest.is_empty() && port == 80)
        })
}

/// Tells browsers to keep nothing of it, to guess nothing, and to let no other page have it.
pub async fn hardened(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (EMBEDDING, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn is_answered(method: &Method, given: &[(&HeaderName, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, value.parse().unwrap());
        }
        refusal(method, &headers, 8080).is_none()
    }

    #[test]
    fn only_the_sandbox_itself_is_a_host() {
        for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            assert!(is_answered(&Method::GET, &[(&HOST, host)]), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:8080.evil.example",
            "localhost.evil.example:8080",
            "evil.example:8080",
            "evil.example",
            "",
        ] {
            assert!(!is_answered(&Method::GET, &[(&HOST, host)]), "{host}");
        }
        assert!(!is_answered(&Method::GET, &[]));
        let twice = [(&HOST, "localhost:8080"), (&HOST, "localhost:8080")];
        assert!(!is_answered(&Method::GET, &twice));
        assert!(is_ours("localhost", 80) && !is_ours("localhost:", 80));
    }

    #[test]
    fn other_origins_and_sites_are_not_answered() {
        let host = (&HOST, "localhost:8080");
        let with = |method: &Method, more: &[(&HeaderName, &str)]| {
            is_answered(method, &[&[host], more].concat())
        };
        for method in [Method::GET, Method::POST] {
            assert!(with(&method, &[(&ORIGIN, "http://localhost:8080")]));
            for origin in [
                "http://evil.example",
                "http://127.0.0.1:8080",
                "https://localhost:8080",
                "http://localhost:8081",
                "null",
            ] {
                assert!(!with(&method, &[(&ORIGIN, origin)]), "{origin}");
            }
            for site in ["cross-site", "same-site", "sideways"] {
                let more = [(&ORIGIN, "http://localhost:8080"), (&SITE, site)];
                assert!(!with(&method, &more), "{site}");
            }
        }
        assert!(with(&Method::GET, &[(&SITE, "none")]));
        assert!(!with(&Method::POST, &[]), "a browser names its origin");
        let form = [(&ORIGIN, "null"), (&SITE, "same-origin")];
        assert!(with(&Method::POST, &form));
    }
}
