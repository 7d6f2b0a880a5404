//! Recipients: how the content's key is put into an envelope and taken from it again.
//!
//! A shared key wraps it with AES (RFC 3394), a certificate takes it by RSA (RFC 8017, PKCS#1 v1.5
//! as OpenSSL does by default; OAEP is read as well).

use aes::{Aes128, Aes192, Aes256};
use aes_kw::AesKw;
use aes_kw::cipher::KeyInit;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm,
};
use cms::content_info::CmsVersion;
use cms::enveloped_data::{
    KekIdentifier, KekRecipientInfo, KeyTransRecipientInfo, RecipientIdentifier, RecipientInfo,
};
use der::asn1::{Null, OctetString};
use der::oid::ObjectIdentifier;
use der::{Any, Sequence};
use x509_cert::spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::SecretBytes;
use super::error::EnvelopeError;
use super::keys::{Certificate, PrivateKey, RSA, SharedKey};

const WRAP_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.5");
const WRAP_192: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.25");
const WRAP_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.45");
const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
const OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");

/// The name of the shared key in every envelope that Flywheel's engine seals.
const KEY_NAME: &[u8] = &[0];
/// What key wrap adds.
const WRAP_EXTRA: usize = 8;
/// No content key is longer.
const LONGEST_KEY: usize = 64;

/// The content key that a recipient gave; none where it is for another key.
type ContentKey = Option<SecretBytes>;

/// The recipient who holds the shared key.
pub fn for_shared_key(shared: &SharedKey, key: &[u8]) -> Result<RecipientInfo, EnvelopeError> {
    let mut wrapped = vec![0; key.len() + WRAP_EXTRA];
    let bytes = shared.bytes();
    let oid = match bytes.len() {
        16 => wrap::<Aes128>(bytes, key, &mut wrapped).map(|()| WRAP_128),
        24 => wrap::<Aes192>(bytes, key, &mut wrapped).map(|()| WRAP_192),
        _ => wrap::<Aes256>(bytes, key, &mut wrapped).map(|()| WRAP_256),
    }?;
    Ok(RecipientInfo::Kekri(KekRecipientInfo {
        version: CmsVersion::V4,
        kek_id: KekIdentifier {
            kek_identifier: octets(KEY_NAME.to_vec())?,
            date: None,
            other: None,
        },
        key_enc_alg: AlgorithmIdentifierOwned {
            oid,
            parameters: None,
        },
        encrypted_key: octets(wrapped)?,
    }))
}

fn wrap<C>(shared: &[u8], key: &[u8], wrapped: &mut [u8]) -> Result<(), EnvelopeError>
where
    AesKw<C>: KeyInit,
    C: aes::cipher::BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
{
    let shared = AesKw::<C>::new_from_slice(shared).map_err(|_| EnvelopeError::Refused)?;
    shared
        .wrap_key(key, wrapped)
        .map(|_| ())
        .map_err(|_| EnvelopeError::Refused)
}

fn octets(bytes: Vec<u8>) -> Result<OctetString, EnvelopeError> {
    OctetString::new(bytes).map_err(|_| EnvelopeError::TooLarge)
}

/// The recipient who holds the private key of a certificate.
pub fn for_certificate(
    certificate: &Certificate,
    key: &[u8],
) -> Result<RecipientInfo, EnvelopeError> {
    Ok(RecipientInfo::Ktri(KeyTransRecipientInfo {
        version: CmsVersion::V0,
        rid: RecipientIdentifier::IssuerAndSerialNumber(certificate.name.clone()),
        key_enc_alg: AlgorithmIdentifierOwned {
            oid: RSA,
            parameters: Some(Any::from(Null)),
        },
        enc_key: octets(certificate.encrypt(key)?)?,
    }))
}

/// What each recipient that holds a shared key gives; more than one key is tried in turn. The name of the key is not looked at, as with OpenSSL where none is asked for: the wrap itself
/// tells the right key.
pub fn keys_for_shared_key(
    recipients: &[RecipientInfo],
    shared: &SharedKey,
) -> Result<Vec<ContentKey>, EnvelopeError> {
    recipients
        .iter()
        .filter_map(|recipient| match recipient {
            RecipientInfo::Kekri(info) => Some(unwrapped(info, shared.bytes())),
            _ => None,
        })
        .collect()
}

fn unwrapped(info: &KekRecipientInfo, shared: &[u8]) -> Result<ContentKey, EnvelopeError> {
    let wrapped = info.encrypted_key.as_bytes();
    if !(WRAP_EXTRA..=LONGEST_KEY + WRAP_EXTRA).contains(&wrapped.len()) {
        return Ok(None);
    }
    match (info.key_enc_alg.oid, shared.len()) {
        (WRAP_128, 16) => Ok(unwrap::<Aes128>(shared, wrapped)),
        (WRAP_192, 24) => Ok(unwrap::<Aes192>(shared, wrapped)),
        (WRAP_256, 32) => Ok(unwrap::<Aes256>(shared, wrapped)),
        (WRAP_128 | WRAP_192 | WRAP_256, _) => Ok(None),
        (other, _) => Err(EnvelopeError::Cipher(other.to_string())),
    }
}

fn unwrap<C>(shared: &[u8], wrapped: &[u8]) -> ContentKey
where
    AesKw<C>: KeyInit,
    C: aes::cipher::BlockCipherDecrypt<BlockSize = aes::cipher::consts::U16>,
{
    let shared = AesKw::<C>::new_from_slice(shared).ok()?;
    let mut key = Zeroizing::new(vec![0; wrapped.len() - WRAP_EXTRA]);
    shared
        .unwrap_key(wrapped, &mut key)
        .ok()?;
    Some(key)
}

/// The same for recipients that hold a private key.
pub fn keys_for_private_key(
    recipients: &[RecipientInfo],
    private: &PrivateKey,
) -> Result<Vec<ContentKey>, EnvelopeError> {
    recipients
        .iter()
        .filter_map(|recipient| match recipient {
            RecipientInfo::Ktri(info) => Some(decrypted(info, private)),
            _ => None,
        })
        .collect()
}

fn decrypted(
    info: &KeyTransRecipientInfo,
    private: &PrivateKey,
) -> Result<ContentKey, EnvelopeError> {
    let algorithm = match info.key_enc_alg.oid {
        RSA => None,
        OAEP => Some(oaep(&info.key_enc_alg)?),
        other => return Err(EnvelopeError::Cipher(other.to_string())),
    };
    let key = private.decrypt(algorithm, info.enc_key.as_bytes());
    Ok(key.filter(|key| key.len() <= LONGEST_KEY))
}

/// The parameters of OAEP (RFC 8017 appendix A.2.1).
#[derive(Sequence)]
struct OaepParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    label: Option<AlgorithmIdentifierOwned>,
}

/// The kind of OAEP that an identifier names: one hash for both uses, no label.
fn oaep(algorithm: &AlgorithmIdentifierOwned) -> Result<&'static OaepAlgorithm, EnvelopeError> {
    let unsupported = || EnvelopeError::Cipher(OAEP.to_string());
    let parameters = algorithm
        .parameters
        .as_ref()
        .ok_or_else(unsupported)?;
    let parameters: OaepParameters = parameters
        .decode_as()
        .map_err(|_| unsupported())?;
    let hash = parameters
        .hash
        .map_or(SHA_1, |hash| hash.oid);
    let mask = match parameters
        .mask
        .and_then(|mask| mask.parameters)
    {
        Some(of) => {
            of.decode_as::<AlgorithmIdentifierOwned>()
                .map_err(|_| unsupported())?
                .oid
        }
        None => SHA_1,
    };
    match hash {
        _ if mask != hash || parameters.label.is_some() => Err(unsupported()),
        SHA_1 => Ok(&OAEP_SHA1_MGF1SHA1),
        SHA_256 => Ok(&OAEP_SHA256_MGF1SHA256),
        SHA_384 => Ok(&OAEP_SHA384_MGF1SHA384),
        SHA_512 => Ok(&OAEP_SHA512_MGF1SHA512),
        _ => Err(unsupported()),
    }
}
