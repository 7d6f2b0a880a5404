//! CMS envelopes (RFC 5652): sealed with a shared key or for the holders of certificates, and
//! opened again.
//!
//! Owns all encryption that profiles ask for. It reads no file, never shows a key in a message or a
//! `Debug` output, and reports of an envelope that does not open only that.

mod content;
mod error;
mod keys;
mod pem;
mod recipient;
mod structure;

use std::sync::Arc;

use der::asn1::OctetString;
pub use error::{EnvelopeError, KeyError};
pub use keys::{Certificate, PrivateKey, SharedKey};
use sha2::{Digest, Sha256};
use structure::ParsedEnvelope;
use zeroize::Zeroizing;

/// Bytes of an envelope, sealed or open, that are accepted. Text of this length still fits beside a
/// header's limit.
const LONGEST: usize = 128 << 20;

/// Bytes that are overwritten where they are dropped.
type SecretBytes = Zeroizing<Vec<u8>>;

/// The keys of a profile: what envelopes are sealed with and opened with.
#[derive(Clone)]
pub enum EnvelopeKeys {
    /// One key that both seals and opens.
    Shared(SharedKey),
    /// Certificates to seal for, and the private key of one of them to open with. Either may be
    /// missing.
    Certificates {
        /// Those to seal for.
        recipients: Vec<Certificate>,
        /// What to open with.
        private: Option<Arc<PrivateKey>>,
    },
}

impl EnvelopeKeys {
    /// The same as [`Self::Certificates`], made of a key that is not shared yet.
    pub fn certificates(recipients: Vec<Certificate>, private: Option<PrivateKey>) -> Self {
        Self::Certificates {
            recipients,
            private: private.map(Arc::new),
        }
    }

    /// Whether it is one shared key, which every reader of the profile holds.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// Whether they can seal.
    pub fn can_seal(&self) -> bool {
        self.is_shared()
            || matches!(self, Self::Certificates { recipients, .. } if !recipients.is_empty())
    }

    /// Whether they can open.
    pub fn can_open(&self) -> bool {
        let is_private_missing = matches!(self, Self::Certificates { private: None, .. });
        !is_private_missing
    }

    /// What may be shown of the keys: of certificates their SHA-256 in hex, of secrets only that
    /// they are there.
    pub fn public_fingerprint(&self) -> String {
        match self {
            Self::Shared(_) => "secret".to_owned(),
            Self::Certificates {
                recipients,
                private,
            } => {
                let mut hash = Sha256::new();
                for certificate in recipients {
                    hash.update(Sha256::digest(&certificate.der));
                }
                let private = if private.is_some() {
                    " and a private key"
                } else {
                    ""
                };
                format!("{}{private}", hex::encode(hash.finalize()))
            }
        }
    }

    /// The SHA-256 of the keys, in hex: tells two profiles apart. Not to be shown: a key that
    /// was thought up can be found by trying.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        match self {
            Self::Shared(key) => {
                hash.update(b"shared");
                hash.update(key.bytes());
            }
            Self::Certificates {
                recipients,
                private,
            } => {
                hash.update(b"certificates");
                for certificate in recipients {
                    hash.update(Sha256::digest(&certificate.der));
                }
                if let Some(private) = private {
                    hash.update(b"private");
                    hash.update(private.fingerprint);
                }
            }
        }
        hex::encode(hash.finalize())
    }

    /// The setting of a profile that states them.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Shared(_) => "secret-key",
            Self::Certificates { .. } => "public-key",
        }
    }

    /// Seals bytes for all recipients under a fresh AES-256 key. Gives PEM text.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        if plain.len() > LONGEST / 2 {
            return Err(EnvelopeError::TooLarge);
        }
        let mut key = Zeroizing::new([0_u8; content::AES_256_KEY]);
        getrandom::fill(&mut *key).map_err(|_| EnvelopeError::NoRandomness)?;
        let recipients = match self {
            Self::Shared(shared) => vec![recipient::for_shared_key(shared, &*key)?],
            Self::Certificates { recipients, .. } if recipients.is_empty() => {
                return Err(EnvelopeError::NoKey);
            }
            Self::Certificates { recipients, .. } => recipients
                .iter()
                .map(|certificate| recipient::for_certificate(certificate, &*key))
                .collect::<Result<_, _>>()?,
        };
        let (algorithm, content) = content::encrypt(&key, plain)?;
        let content = OctetString::new(content).map_err(|_| EnvelopeError::TooLarge)?;
        structure::to_pem(recipients, algorithm, content)
    }

    /// Opens an envelope: PEM text, padding after it allowed.
    pub fn open(&self, pem: &[u8]) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        if pem.len() > LONGEST {
            return Err(EnvelopeError::TooLarge);
        }
        let sealed = ParsedEnvelope::from_pem(pem)?;
        let candidates = match self {
            Self::Shared(key) => recipient::keys_for_shared_key(&sealed.recipients, key)?,
            Self::Certificates { private: None, .. } => return Err(EnvelopeError::NoKey),
            Self::Certificates {
                private: Some(key), ..
            } => recipient::keys_for_private_key(&sealed.recipients, key)?,
        };
        if candidates.is_empty() {
            return Err(EnvelopeError::OtherKind);
        }
        let decrypt = content::decryptor(&sealed.algorithm)?;
        candidates
            .iter()
            .flatten()
            .find_map(|key| decrypt(key, sealed.content.as_bytes()))
            .ok_or(EnvelopeError::WrongKey)
    }
}

/// Shows which kind of keys there are and nothing of them.
impl std::fmt::Debug for EnvelopeKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shared(_) => "EnvelopeKeys(shared)",
            Self::Certificates { .. } => "EnvelopeKeys(certificates)",
        })
    }
}

#[cfg(test)]
mod tests;
