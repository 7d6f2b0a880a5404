//! Who may look at the page: browsers that the key was typed into.
//!
//! A browser holds a random token and never the key. Tokens go with the process. Must never show
//! one, nor reveal by its timing how much of a wrong one is right.

use std::collections::VecDeque;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use sha2::{Digest as _, Sha256};

use crate::ids::random_hex;

/// Browsers at the same time; the one that came first has to type the key again.
const MOST: usize = 64;

/// The digests of the tokens that were given out.
#[derive(Debug, Default)]
pub struct Sessions(VecDeque<[u8; 32]>);

impl Sessions {
    /// A new token.
    pub fn open(&mut self) -> String {
        let token = random_hex::<32>();
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(digest(&token));
        token
    }

    /// Whether a token was given out.
    pub fn knows(&self, token: &str) -> bool {
        self.0.contains(&digest(token))
    }

    /// Takes a token back.
    pub fn close(&mut self, token: &str) {
        let closed = digest(token);
        self.0
            .retain(|digest| *digest != closed);
    }
}

/// What is compared: the time that this takes tells nothing about the token.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// The name of the cookie. Browsers do not tell ports apart, and there may be several sandboxes.
pub fn cookie_name(port: u16) -> String {
    format!("fwupload-sandbox-{port}")
}

/// The header that gives a browser a token, until it is closed.
pub fn cookie(port: u16, token: &str) -> String {
    format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Strict",
        cookie_name(port)
    )
}

/// The token that a browser brings.
pub fn token(headers: &HeaderMap, port: u16) -> Option<&str> {
    let name = cookie_name(port);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(other, _)| *other == name)
        .map(|(_, token)| token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_good_until_they_are_closed_or_too_many() {
        let mut sessions = Sessions::default();
        let first = sessions.open();
        let second = sessions.open();
        assert!(sessions.knows(&first) && sessions.knows(&second) && first != second);
        assert!(!sessions.knows("") && !sessions.knows(&second.to_uppercase()));
        sessions.close(&second);
        assert!(sessions.knows(&first) && !sessions.knows(&second));
        for _ in 0..MOST {
            sessions.open();
        }
        assert!(!sessions.knows(&first));
    }
}
