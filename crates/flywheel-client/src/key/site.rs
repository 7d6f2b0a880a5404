//! The site that a key is for: scheme, host and port.
//!
//! Owns what counts as a host name and when a connection may go without encryption.

use std::net::{IpAddr, Ipv6Addr};

use super::KeyError;

/// Scheme, host and port of a Flywheel site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Lower case; an IPv6 address keeps its brackets.
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// The key itself says that plain http is meant.
    forced: bool,
}

impl Site {
    /// Reads `[http[s]://]host[:port][/api]`. `forced` makes it plain http whatever the scheme
    /// says.
    pub fn parse(text: &str, forced: bool) -> Result<Self, KeyError> {
        let text = text.trim();
        let (scheme, rest) = text
            .split_once("://")
            .unwrap_or(("https", text));
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => !forced,
            "http" => false,
            _ => return Err(KeyError::SiteScheme),
        };
        let rest = rest.trim_end_matches('/');
        let rest = rest
            .strip_suffix("/api")
            .unwrap_or(rest);
        let (host, port) = host_and_port(rest).ok_or(KeyError::SiteForm)?;
        let port = port.unwrap_or(if scheme.eq_ignore_ascii_case("http") {
            80
        } else {
            443
        });
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
            tls,
            forced,
        })
    }

    /// This site for a key that may name its own: same host, or it is refused. What the key says
    /// about plain http counts.
    pub fn merged(self, named: Option<Self>) -> Result<Self, KeyError> {
        match named {
            Some(named) if named.host != self.host => Err(KeyError::OtherSite {
                key: named.host,
                site: self.host,
            }),
            Some(named) => Ok(Self {
                forced: named.forced,
                ..self
            }),
            None => Ok(self),
        }
    }

    /// Plain http shows the key to the network: only to this machine, or where the key itself says
    /// so.
    pub fn check_transport(&self) -> Result<(), KeyError> {
        if self.tls || self.forced || is_loopback(&self.host) {
            return Ok(());
        }
        let host = self.host.clone();
        Err(KeyError::PlainHttp { host })
    }

    pub fn base_url(&self) -> String {
        format!(
            "{}://{}:{}",
            if self.tls { "https" } else { "http" },
            self.host,
            self.port
        )
    }
}

/// Whether a host is this machine; an IPv6 address may have its brackets.
pub fn is_loopback(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`; `None` when it is none of them.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(end) = text.find(']') {
        let (host, rest) = text.split_at_checked(end + 1)?;
        host.strip_prefix('[')?
            .strip_suffix(']')?
            .parse::<Ipv6Addr>()
            .ok()?;
        (
            host,
            if rest.is_empty() {
                None
            } else {
                Some(rest.strip_prefix(':')?)
            },
        )
    } else {
        let (host, port) = text
            .split_once(':')
            .map_or((text, None), |(host, port)| (host, Some(port)));
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        (!host.is_empty() && host.len() <= 253 && host.bytes().all(plain))
            .then_some((host, port))?
    };
    match port {
        Some(port) => Some((
            host,
            Some(
                port.parse()
                    .ok()
                    .filter(|port| *port != 0)?,
            ),
        )),
        None => Some((host, None)),
    }
}
