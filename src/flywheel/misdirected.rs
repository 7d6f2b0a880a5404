//! Connections that do not come about because something other than the network is wrong: no waiting
//! helps.
//!
//! Owns what is recognised, by the words of the libraries below, and what to do about it.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misdirected {
    /// There is no host of this name. A network that is away makes every host unknown too.
    UnknownHost,
    /// https, and the port speaks plain http.
    PlainPort,
    /// Plain http, and the port speaks https.
    EncryptedPort,
    /// The certificate is that of another host.
    OtherHost,
    /// The certificate is no longer valid, or not yet.
    Expired,
    /// No authority that is trusted stands behind the certificate.
    Untrusted,
}

/// What stands for [`Misdirected::EncryptedPort`], which no library finds out.
pub(super) const ENCRYPTED_PORT: &str = "the port answers in TLS";

impl Misdirected {
    /// What the causes of a failed connection say, if they say one of these.
    pub(super) fn of(cause: &str) -> Option<Self> {
        let says = |words: &[&str]| words.iter().any(|word| cause.contains(word));
        Some(if says(&[ENCRYPTED_PORT]) {
            Self::EncryptedPort
        } else if says(&["InvalidContentType"]) {
            Self::PlainPort
        } else if says(&["not valid for name", "NotValidForName"]) {
            Self::OtherHost
        } else if says(&[
            "certificate expired",
            "certificate not valid yet",
            "Expired",
            "NotValidYet",
        ]) {
            Self::Expired
        } else if says(&["certificate"]) {
            Self::Untrusted
        } else if says(&["dns error"]) && !says(&["emporary failure", "try again"]) {
            Self::UnknownHost
        } else {
            return None;
        })
    }

    /// What happened, in place of what was being done.
    pub(super) fn what(self, host: &str) -> String {
        match self {
            Self::UnknownHost => format!("there is no host {host}"),
            Self::PlainPort => format!("{host} does not speak https at this port"),
            Self::EncryptedPort => {
                format!("{host} speaks https at this port, and the key asks for plain http")
            }
            Self::OtherHost => format!("the server's certificate is not one for {host}"),
            Self::Expired => "the server's certificate is not valid today".to_owned(),
            Self::Untrusted => "the server's certificate is not trusted".to_owned(),
        }
    }

    /// What to do about it.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::UnknownHost => {
                "check the spelling of the host in the API key or `--site`, and the network"
            }
            Self::PlainPort => {
                "check the port; a site without encryption is reached with a key that reads \
                    `host:port:__force_insecure:key`"
            }
            Self::EncryptedPort => {
                "leave `__force_insecure` out of the API key, or write https:// in `--site`"
            }
            Self::OtherHost => {
                "write the host that the certificate is for, in the API key or `--site`; else \
                    something on the way answers in the \
                 server's place"
            }
            Self::Expired => {
                "check the clock of this machine; if it is right, the site has to renew its \
                    certificate"
            }
            Self::Untrusted => {
                "if your site has a certificate authority of its own, pass its certificate with \
                    `--ca-cert FILE`"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_libraries_say_is_recognised() {
        for (cause, is) in [
            (
                "client error (Connect): received corrupt message of type InvalidContentType",
                Some(Misdirected::PlainPort),
            ),
            (
                "client error (Connect): invalid peer certificate: certificate not valid for \
                    name \"localhost\"; certificate is \
                 only valid for IpAddress(127.0.0.1)",
                Some(Misdirected::OtherHost),
            ),
            (
                "invalid peer certificate: NotValidForName",
                Some(Misdirected::OtherHost),
            ),
            (
                "invalid peer certificate: UnknownIssuer",
                Some(Misdirected::Untrusted),
            ),
            (
                "invalid peer certificate: certificate expired: verification time 3 (UNIX)",
                Some(Misdirected::Expired),
            ),
            (
                "dns error: failed to lookup address information: Name or service not known",
                Some(Misdirected::UnknownHost),
            ),
            (
                "dns error: failed to lookup address information: Temporary failure in name \
                    resolution",
                None,
            ),
            ("tcp connect error: Connection refused (os error 111)", None),
        ] {
            assert_eq!(Misdirected::of(cause), is, "{cause}");
        }
    }
}
