//! Who may call: the API key in the `Authorization` header, in the forms that Flywheel takes; and
//! whether what a person typed is the key.
//!
//! Must never show the key, nor reveal by its timing how much of a wrong one is right.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::api_error::ApiError;
use crate::app::App;
use crate::ids::random_hex;
use crate::options::Era;
use crate::store::{private_options, unless_missing};

/// The length of an enhanced key, which goes as `Bearer`; older keys are shorter.
const ENHANCED: usize = 57;
const LONGEST: u64 = 1024;

/// Lets a request through if it carries the key.
pub async fn required(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    match check(request.headers(), &app) {
        Err(_) if asks_who_it_is_without_a_key(&app, &request) => {
            Err(ApiError::bad_request("no user is logged in"))
        }
        checked => {
            checked?;
            Ok(next.run(request).await)
        }
    }
}

/// The same for the de-identification log, a service of its own: it takes either scheme, and an
/// older key only with the name of its site.
pub async fn required_by_log(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    check_for_log(request.headers(), &app.key)?;
    Ok(next.run(request).await)
}

/// Older servers have another answer where this request carries no key.
fn asks_who_it_is_without_a_key(app: &App, request: &Request) -> bool {
    app.options.era < Era::Current
        && request.uri().path() == "/api/users/self"
        && !request
            .headers()
            .contains_key(AUTHORIZATION)
}

/// Whether the headers carry the key, in the form that servers of the era take.
pub fn check(headers: &HeaderMap, app: &App) -> Result<(), ApiError> {
    check_key(
        headers,
        &app.key,
        app.options.era == Era::Current && app.key.len() == ENHANCED,
    )
}

fn check_key(headers: &HeaderMap, key: &str, enhanced: bool) -> Result<(), ApiError> {
    match given(headers)? {
        ("Bearer", given) if enhanced && same(given, key) => Ok(()),
        ("Bearer", _) => Err(refused("Invalid session token")),
        ("scitran-user", given) if !enhanced && same(bare(given), key) => Ok(()),
        _ => Err(refused("Invalid API key")),
    }
}

fn check_for_log(headers: &HeaderMap, key: &str) -> Result<(), ApiError> {
    match given(headers)? {
        ("Bearer", given) if same(given, key) => Ok(()),
        ("scitran-user", given) if given.contains(':') && same(bare(given), key) => Ok(()),
        _ => Err(refused("the key is not valid")),
    }
}

/// The scheme of the header, and the key as it was given.
fn given(headers: &HeaderMap) -> Result<(&str, &str), ApiError> {
    let header = headers.get(AUTHORIZATION);
    let header = header.ok_or_else(|| {
        ApiError::new(
            StatusCode::FORBIDDEN,
            "is_user privilege required for action.",
        )
    })?;
    header
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(|| refused("Invalid API key"))
}

fn refused(why: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, why)
}

/// An older key may carry its host and port in front.
pub fn bare(given: &str) -> &str {
    given
        .trim()
        .rsplit(':')
        .next()
        .unwrap_or_default()
}

/// Compares digests, so that the time it takes tells nothing about the key.
pub fn same(given: &str, key: &str) -> bool {
    Sha256::digest(given) == Sha256::digest(key)
}

/// The key of a sandbox: the one given, else the one kept in its folder, else a new one. It is
/// kept in the folder, with mode 0600.
pub fn load_or_make_key(home: &Path, given: Option<&str>) -> io::Result<Zeroizing<String>> {
    let path = home.join("api-key");
    if let Some(key) = given {
        let key = Zeroizing::new(bare(key).to_owned());
        keep(&path, &key)?;
        return Ok(key);
    }
    let mut kept = Zeroizing::new(String::new());
    if let Some(file) = unless_missing(std::fs::File::open(&path))? {
        file.take(LONGEST)
            .read_to_string(&mut kept)?;
    }
    if kept.trim().is_empty() {
        kept = Zeroizing::new(random_hex::<16>());
        keep(&path, &kept)?;
    }
    Ok(Zeroizing::new(kept.trim().to_owned()))
}

fn keep(path: &Path, key: &str) -> io::Result<()> {
    let usable = (8..=256).contains(&key.len())
        && key
            .chars()
            .all(|c| c.is_ascii_graphic() && c != ':');
    if !usable {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "an API key has 8 to 256 visible ASCII characters",
        ));
    }
    unless_missing(std::fs::remove_file(path))?;
    let mut file = private_options()
        .write(true)
        .create_new(true)
        .open(path)?;
    writeln!(file, "{key}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn checked(header: &str, key: &str) -> Option<StatusCode> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
        check_key(&headers, key, key.len() == ENHANCED)
            .err()
            .map(|error| error.status())
    }

    #[test]
    fn the_log_takes_either_scheme_but_an_older_key_only_with_its_site() {
        let checked = |header: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
            check_for_log(&headers, "abcdefgh12").is_ok()
        };
        assert!(checked("scitran-user site.example:abcdefgh12") && checked("Bearer abcdefgh12"));
        for header in [
            "scitran-user abcdefgh12",
            "scitran-user site.example:wrong",
            "Bearer wrong",
            "abcdefgh12",
            "",
        ] {
            assert!(!checked(header), "{header}");
        }
    }

    #[test]
    fn keys_go_in_the_form_that_their_length_asks_for() {
        let (old, enhanced) = ("abcdefgh12", "e".repeat(57));
        assert_eq!(checked("scitran-user abcdefgh12", old), None);
        assert_eq!(checked("scitran-user 127.0.0.1:8080:abcdefgh12", old), None);
        assert_eq!(checked(&format!("Bearer {enhanced}"), &enhanced), None);
        for header in [
            "Bearer abcdefgh12",
            "bearer abcdefgh12",
            "scitran-user wrong",
            "scitran-user",
            "abcdefgh12",
            "",
        ] {
            assert_eq!(
                checked(header, old),
                Some(StatusCode::UNAUTHORIZED),
                "{header}"
            );
        }
        assert_eq!(
            checked(&format!("scitran-user {enhanced}"), &enhanced),
            Some(StatusCode::UNAUTHORIZED)
        );
        assert_eq!(
            check_key(&HeaderMap::new(), old, false)
                .unwrap_err()
                .status(),
            StatusCode::FORBIDDEN
        );
    }

    #[test]
    fn a_key_is_made_once_and_kept_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let key = load_or_make_key(dir.path(), None).unwrap();
        assert_eq!(load_or_make_key(dir.path(), None).unwrap(), key);
        assert_eq!(
            load_or_make_key(dir.path(), Some("localhost:given-key"))
                .unwrap()
                .as_str(),
            "given-key"
        );
        assert_eq!(
            load_or_make_key(dir.path(), None)
                .unwrap()
                .as_str(),
            "given-key"
        );
        assert!(load_or_make_key(dir.path(), Some("short")).is_err());
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::MetadataExt::mode(
                &dir.path()
                    .join("api-key")
                    .metadata()
                    .unwrap(),
            );
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
