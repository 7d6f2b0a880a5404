//! Keys as files and profiles hold them: hex digits, certificates and private keys in PEM or DER.
//!
//! Owns what a usable key is. None is shown: there is no `Debug` of a secret here, and an error
//! names the fault alone.

use aws_lc_rs::rsa::{
    OaepAlgorithm, OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use cms::cert::IssuerAndSerialNumber;
use der::asn1::{Null, OctetStringRef};
use der::oid::ObjectIdentifier;
use der::{Any, Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use x509_cert::spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::error::{EnvelopeError, KeyError};
use super::{SecretBytes, pem};

/// The algorithm of RSA keys, PKCS#1 v1.5.
pub const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A key that both seals and opens, of 128, 192 or 256 bits.
#[derive(Clone)]
pub struct SharedKey(SecretBytes);

impl SharedKey {
    /// Reads 32, 48 or 64 hex digits.
    pub fn from_hex(digits: &str) -> Result<Self, KeyError> {
        if !matches!(digits.len(), 32 | 48 | 64) {
            return Err(KeyError::NotHex);
        }
        hex::decode(digits)
            .map(|bytes| Self(Zeroizing::new(bytes)))
            .map_err(|_| KeyError::NotHex)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The certificate of a recipient, who may open what is sealed for it. Whether it is valid today is not
/// looked at: an envelope is meant to be opened years later.
#[derive(Clone)]
pub struct Certificate {
    pub(super) der: Vec<u8>,
    /// How envelopes name it.
    pub(super) name: IssuerAndSerialNumber,
    public_key: Vec<u8>,
}

impl Certificate {
    /// Reads an X.509 certificate, PEM (the first in the text) or DER, with an RSA key.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        let der = match pem::find(bytes, &["CERTIFICATE", "X509 CERTIFICATE"]) {
            Some(block) => block
                .decode()
                .ok_or(KeyError::NotACertificate)?
                .to_vec(),
            None => bytes.to_vec(),
        };
        let certificate =
            x509_cert::Certificate::from_der(&der).map_err(|_| KeyError::NotACertificate)?;
        let inner = certificate.tbs_certificate();
        let name = IssuerAndSerialNumber {
            issuer: inner.issuer().clone(),
            serial_number: inner.serial_number().clone(),
        };
        let public_key = inner
            .subject_public_key_info()
            .to_der()
            .map_err(|_| KeyError::NotACertificate)?;
        let certificate = Self {
            der,
            name,
            public_key,
        };
        certificate
            .encryptor()
            .map_err(|_| KeyError::CertificateKind)?;
        Ok(certificate)
    }

    fn encryptor(&self) -> Result<Pkcs1PublicEncryptingKey, EnvelopeError> {
        let key =
            PublicEncryptingKey::from_der(&self.public_key).map_err(|_| EnvelopeError::Refused)?;
        Pkcs1PublicEncryptingKey::new(key).map_err(|_| EnvelopeError::Refused)
    }

    /// Encrypts a content key.
    pub(super) fn encrypt(&self, key: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let encryptor = self.encryptor()?;
        let mut encrypted = vec![0; encryptor.ciphertext_size()];
        let length = encryptor
            .encrypt(key, &mut encrypted)
            .map_err(|_| EnvelopeError::Refused)?
            .len();
        encrypted.truncate(length);
        Ok(encrypted)
    }
}

/// The private key of a certificate.
pub struct PrivateKey {
    pkcs1: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    pub(super) fingerprint: [u8; 32],
}

/// `PrivateKeyInfo` (RFC 5208), to carry a PKCS#1 key.
#[derive(Sequence)]
struct PrivateKeyInfo<'a> {
    version: u8,
    algorithm: AlgorithmIdentifierOwned,
    key: &'a OctetStringRef,
}

impl PrivateKey {
    /// Reads an RSA private key without a passphrase: PKCS#8 or PKCS#1, PEM or DER.
    pub fn read(bytes: &[u8]) -> Result<Self, KeyError> {
        match pem::find(
            bytes,
            &[
                "PRIVATE KEY",
                "RSA PRIVATE KEY",
                "ENCRYPTED PRIVATE KEY",
                "EC PRIVATE KEY",
            ],
        ) {
            Some(block) if block.is_locked() || block.label.starts_with("ENCRYPTED") => {
                Err(KeyError::Locked)
            }
            Some(block) if block.label.starts_with("EC") => Err(KeyError::PrivateKeyKind),
            Some(block) => Self::from_der(
                &block
                    .decode()
                    .ok_or(KeyError::NotAPrivateKey)?,
            ),
            None => Self::from_der(bytes),
        }
    }

    fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let (wrapped, rejected) = if PrivateKeyInfo::from_der(der).is_ok() {
            (Zeroizing::new(der.to_vec()), KeyError::PrivateKeyKind)
        } else {
            (as_pkcs8(der)?, KeyError::NotAPrivateKey)
        };
        let key = || PrivateDecryptingKey::from_pkcs8(&wrapped).map_err(|_| rejected);
        Ok(Self {
            pkcs1: Pkcs1PrivateDecryptingKey::new(key()?).map_err(|_| rejected)?,
            oaep: OaepPrivateDecryptingKey::new(key()?).map_err(|_| rejected)?,
            fingerprint: Sha256::digest(&*wrapped).into(),
        })
    }

    /// Decrypts a content key, by OAEP where that is named, else by PKCS#1 v1.5; none where it was
    /// encrypted for another key.
    pub(super) fn decrypt(
        &self,
        oaep: Option<&'static OaepAlgorithm>,
        encrypted: &[u8],
    ) -> Option<SecretBytes> {
        let mut key = Zeroizing::new(vec![0; self.pkcs1.min_output_size()]);
        let decrypted = match oaep {
            Some(algorithm) => self
                .oaep
                .decrypt(algorithm, encrypted, &mut key, None),
            None => self
                .pkcs1
                .decrypt(encrypted, &mut key),
        };
        let length = decrypted.ok()?.len();
        key.truncate(length);
        Some(key)
    }
}

fn as_pkcs8(pkcs1: &[u8]) -> Result<SecretBytes, KeyError> {
    let key = OctetStringRef::new(pkcs1).map_err(|_| KeyError::NotAPrivateKey)?;
    let algorithm = AlgorithmIdentifierOwned {
        oid: RSA,
        parameters: Some(Any::from(Null)),
    };
    let info = PrivateKeyInfo {
        version: 0,
        algorithm,
        key,
    };
    info.to_der()
        .map(Zeroizing::new)
        .map_err(|_| KeyError::NotAPrivateKey)
}
