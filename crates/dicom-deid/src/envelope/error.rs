//! What can go wrong with envelopes and keys. Holds no byte of either.

/// Why an envelope could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The bytes are no CMS envelope in PEM.
    #[error("the encrypted content is no CMS envelope in PEM")]
    NotAnEnvelope,
    /// More than is accepted.
    #[error("the envelope is too large")]
    TooLarge,
    /// The keys lack the part that this needs.
    #[error("the profile has no key for it")]
    NoKey,
    /// The envelope is for another kind of key.
    #[error("the envelope is sealed for another kind of key than the profile has")]
    OtherKind,
    /// No recipient's key could be taken out, or the content does not decrypt: a wrong key, or damage.
    #[error("the envelope does not open: the key is another one, or the envelope is damaged")]
    WrongKey,
    /// A cipher that is not supported, by its object identifier.
    #[error("the envelope uses an algorithm that is not supported ({0})")]
    Cipher(String),
    /// A certificate or key refused the operation.
    #[error("the key could not be used")]
    Refused,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

/// Why a key or certificate cannot be used, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A shared key that is not 32, 48 or 64 hex digits.
    #[error("is not 32, 48 or 64 hex digits")]
    NotHex,
    /// No certificate in PEM or DER.
    #[error("holds no X.509 certificate")]
    NotACertificate,
    /// A certificate whose key is not RSA of 2048 to 8192 bits.
    #[error("holds a certificate whose key cannot take an envelope")]
    CertificateKind,
    /// No private key in PEM or DER.
    #[error("holds no private key")]
    NotAPrivateKey,
    /// A private key under a passphrase.
    #[error("holds a private key under a passphrase")]
    Locked,
    /// A private key that is not RSA of 2048 to 8192 bits.
    #[error("holds a private key that cannot open an envelope")]
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
