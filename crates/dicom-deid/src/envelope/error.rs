//! What can go wrong with envelopes and keys. Holds no byte of either.

use std::fmt;

/// Why an envelope could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvelopeError {
    /// The bytes are no CMS envelope in PEM.
    NotAnEnvelope,
    /// More than is accepted.
    TooLarge,
    /// The keys lack the part that this needs.
    NoKey,
    /// The envelope is for another kind of key.
    OtherKind,
    /// No recipient's key could be had, or the content does not decrypt: a wrong key, or damage.
    WrongKey,
    /// A cipher that is not supported, by its object identifier.
    Cipher(String),
    /// A certificate or key refused the operation.
    Refused,
    /// The operating system gave no random bytes.
    NoRandomness,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnEnvelope => "the encrypted content is no CMS envelope in PEM",
            Self::TooLarge => "the envelope is too large",
            Self::NoKey => "the profile has no key for it",
            Self::OtherKind => {
                "the envelope is sealed for another kind of key than the profile has"
            }
            Self::WrongKey => {
                "the envelope does not open: the key is another one, or the envelope is damaged"
            }
            Self::Cipher(id) => {
                return write!(
                    f,
                    "the envelope uses an algorithm that is not supported ({id})"
                );
            }
            Self::Refused => "the key could not be used",
            Self::NoRandomness => "the operating system gave no random bytes",
        })
    }
}

impl std::error::Error for EnvelopeError {}

/// Why a key or certificate cannot be used, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// A shared key that is not 32, 48 or 64 hex digits.
    NotHex,
    /// No certificate in PEM or DER.
    NotACertificate,
    /// A certificate whose key is not RSA of 2048 to 8192 bits.
    CertificateKind,
    /// No private key in PEM or DER.
    NotAPrivateKey,
    /// A private key under a passphrase.
    Locked,
    /// A private key that is not RSA of 2048 to 8192 bits.
    PrivateKeyKind,
}

impl KeyError {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NotHex => "`openssl rand -hex 32` makes one",
            Self::NotACertificate => {
                "name an X.509 certificate, PEM or DER; a bare public key is not enough"
            }
            Self::CertificateKind | Self::PrivateKeyKind => "use an RSA key of 2048 bits or more",
            Self::NotAPrivateKey => "name an RSA private key, PKCS#8 or PKCS#1, PEM or DER",
            Self::Locked => {
                "`openssl pkey -in KEY -out PLAIN` takes the passphrase off; keep the result \
                    readable for you alone"
            }
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHex => "is not 32, 48 or 64 hex digits",
            Self::NotACertificate => "holds no X.509 certificate",
            Self::CertificateKind => "holds a certificate whose key cannot take an envelope",
            Self::NotAPrivateKey => "holds no private key",
            Self::Locked => "holds a private key under a passphrase",
            Self::PrivateKeyKind => "holds a private key that cannot open an envelope",
        })
    }
}

impl std::error::Error for KeyError {}
