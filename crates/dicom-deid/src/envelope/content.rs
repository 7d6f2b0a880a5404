//! Content encryption: block ciphers in CBC mode (RFC 3370, RFC 3565).
//!
//! Seals with AES-256; opens what else Flywheel's tools and OpenSSL write. CBC does not
//! show that the content was changed: the reader must check that it makes sense.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use der::asn1::OctetStringRef;
use der::{Any, oid::ObjectIdentifier};
use des::TdesEde3;
use x509_cert::spki::AlgorithmIdentifierOwned;
use zeroize::Zeroizing;

use super::SecretBytes;
use super::error::EnvelopeError;

/// Bytes of an AES-256 key.
pub const AES_256_KEY: usize = 32;
const AES_BLOCK: usize = 16;

const AES_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_192: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");
const TRIPLE_DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");

/// Encrypts under a fresh initialisation vector.
pub fn encrypt(
    key: &[u8; AES_256_KEY],
    plain: &[u8],
) -> Result<(AlgorithmIdentifierOwned, Vec<u8>), EnvelopeError> {
    let mut iv = [0_u8; AES_BLOCK];
    getrandom::fill(&mut iv).map_err(|_| EnvelopeError::NoRandomness)?;
    let content =
        Encryptor::<Aes256>::new(key.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(plain);
    let parameter = OctetStringRef::new(&iv).map_err(|_| EnvelopeError::TooLarge)?;
    let algorithm = AlgorithmIdentifierOwned {
        oid: AES_256,
        parameters: Some(Any::from(parameter)),
    };
    Ok((algorithm, content))
}

/// Decrypts by the cipher and the initialisation vector that an algorithm identifier names. A key
/// or vector of another length, or invalid padding, is a wrong key.
pub fn decryptor(
    algorithm: &AlgorithmIdentifierOwned,
) -> Result<impl Fn(&[u8], &[u8]) -> Option<SecretBytes>, EnvelopeError> {
    let decrypt = match algorithm.oid {
        AES_128 => decrypt::<Decryptor<Aes128>>,
        AES_192 => decrypt::<Decryptor<Aes192>>,
        AES_256 => decrypt::<Decryptor<Aes256>>,
        TRIPLE_DES => decrypt::<Decryptor<TdesEde3>>,
        other => return Err(EnvelopeError::Cipher(other.to_string())),
    };
    let iv = algorithm
        .parameters
        .as_ref()
        .and_then(|any| {
            any.decode_as::<&OctetStringRef>()
                .ok()
        })
        .ok_or(EnvelopeError::NotAnEnvelope)?
        .as_bytes();
    Ok(move |key: &[u8], content: &[u8]| decrypt(key, iv, content))
}

fn decrypt<D: BlockModeDecrypt + KeyIvInit>(
    key: &[u8],
    iv: &[u8],
    content: &[u8],
) -> Option<SecretBytes> {
    let decryptor = D::new_from_slices(key, iv).ok()?;
    let plain = decryptor
        .decrypt_padded_vec::<Pkcs7>(content)
        .ok()?;
    Some(Zeroizing::new(plain))
}
