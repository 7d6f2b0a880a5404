//! `EnvelopedData` as PEM text, in and out (RFC 5652 section 6.1).
//!
//! Reads DER only, as OpenSSL writes it. It trusts no length: the parser checks each against what
//! is there.

use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, RecipientIdentifier, RecipientInfo, RecipientInfos,
};
use der::asn1::OctetString;
use der::oid::ObjectIdentifier;
use der::{Any, Decode, Encode};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::error::EnvelopeError;
use super::pem;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENVELOPED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.3");
/// The labels that OpenSSL's tools write; the first is ours.
const LABELS: [&str; 2] = ["CMS", "PKCS7"];
/// Each recipient costs a decryption, so a hostile envelope must not have any number of them.
const MOST_RECIPIENTS: usize = 64;

/// What an envelope holds.
pub struct ParsedEnvelope {
    pub recipients: Vec<RecipientInfo>,
    pub algorithm: AlgorithmIdentifierOwned,
    pub content: OctetString,
}

impl ParsedEnvelope {
    /// Takes an envelope apart.
    pub fn from_pem(text: &[u8]) -> Result<Self, EnvelopeError> {
        let der = pem::find(text, &LABELS)
            .and_then(|block| block.decode())
            .ok_or(EnvelopeError::NotAnEnvelope)?;
        let info = ContentInfo::from_der(&der).map_err(|_| EnvelopeError::NotAnEnvelope)?;
        if info.content_type != ENVELOPED_DATA {
            return Err(EnvelopeError::NotAnEnvelope);
        }
        let data: EnvelopedData = info
            .content
            .decode_as()
            .map_err(|_| EnvelopeError::NotAnEnvelope)?;
        let recipients: Vec<RecipientInfo> = data.recip_infos.0.into_vec();
        if recipients.len() > MOST_RECIPIENTS {
            return Err(EnvelopeError::TooLarge);
        }
        let content = data.encrypted_content;
        let bytes = content
            .encrypted_content
            .ok_or(EnvelopeError::NotAnEnvelope)?;
        Ok(Self {
            recipients,
            algorithm: content.content_enc_alg,
            content: bytes,
        })
    }
}

/// Puts an envelope together.
pub fn to_pem(
    recipients: Vec<RecipientInfo>,
    algorithm: AlgorithmIdentifierOwned,
    content: OctetString,
) -> Result<Vec<u8>, EnvelopeError> {
    let version = if recipients.iter().all(is_plain) {
        CmsVersion::V0
    } else {
        CmsVersion::V2
    };
    let data = EnvelopedData {
        version,
        originator_info: None,
        recip_infos: RecipientInfos::try_from(recipients).map_err(|_| EnvelopeError::Refused)?,
        encrypted_content: EncryptedContentInfo {
            content_type: DATA,
            content_enc_alg: algorithm,
            encrypted_content: Some(content),
        },
        unprotected_attrs: None,
    };
    let content = Any::encode_from(&data).map_err(|_| EnvelopeError::TooLarge)?;
    let der = ContentInfo {
        content_type: ENVELOPED_DATA,
        content,
    }
    .to_der()
    .map_err(|_| EnvelopeError::TooLarge)?;
    Ok(pem::encode(LABELS[0], &der).into_bytes())
}

/// Whether a recipient is of the first edition of the syntax, which decides the version (RFC 5652
/// section 6.1).
fn is_plain(recipient: &RecipientInfo) -> bool {
    matches!(recipient, RecipientInfo::Ktri(info) if matches!(info.rid, RecipientIdentifier::IssuerAndSerialNumber(_)))
}
