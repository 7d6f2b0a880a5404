//! Connections that do not come about because something other than the network is wrong: no waiting
//! helps.
//!
//! Owns what is recognised, by the words of the libraries below.

/// What keeps a connection from coming about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFault {
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

/// What stands for [`ConnectFault::EncryptedPort`], which no library finds out.
pub const ENCRYPTED_PORT: &str = "the port answers in TLS";

impl ConnectFault {
    /// What the causes of a failed connection say, if they say one of these.
    pub(crate) fn of(cause: &str) -> Option<Self> {
        let says = |words: &[&str]| {
            words
                .iter()
                .any(|word| cause.contains(word))
        };
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_libraries_say_is_recognised() {
        for (cause, is) in [
            (
                "client error (Connect): received corrupt message of type InvalidContentType",
                Some(ConnectFault::PlainPort),
            ),
            (
                "client error (Connect): invalid peer certificate: certificate not valid for \
                    name \"localhost\"; certificate is \
                 only valid for IpAddress(127.0.0.1)",
                Some(ConnectFault::OtherHost),
            ),
            (
                "invalid peer certificate: NotValidForName",
                Some(ConnectFault::OtherHost),
            ),
            (
                "invalid peer certificate: UnknownIssuer",
                Some(ConnectFault::Untrusted),
            ),
            (
                "invalid peer certificate: certificate expired: verification time 3 (UNIX)",
                Some(ConnectFault::Expired),
            ),
            (
                "dns error: failed to lookup address information: Name or service not known",
                Some(ConnectFault::UnknownHost),
            ),
            (
                "dns error: failed to lookup address information: Temporary failure in name \
                    resolution",
                None,
            ),
            ("tcp connect error: Connection refused (os error 111)", None),
        ] {
            assert_eq!(ConnectFault::of(cause), is, "{cause}");
        }
    }
}
