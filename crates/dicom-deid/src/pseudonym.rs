//! Keyed pseudonyms: new UIDs, patient pseudonyms and date shifts that only the holder of a key can
//! compute.
//!
//! Owns the key and everything derived from it, one domain for each use, so that nothing learnt
//! from one use helps with another. Keeps no state: the same key gives the same pseudonyms on any
//! machine, in any order. It never shows the key.

use std::fmt::{self, Write as _};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Fewest bytes that count as a key.
const SHORTEST: usize = 16;
/// Bytes of a key that is made here.
const MADE: usize = 32;
/// Weeks by which dates may shift: one to ten years.
const WEEKS: std::ops::RangeInclusive<u64> = 52..=520;

/// What a pseudonym is for; it is part of what is hashed (domain separation).
#[derive(Clone, Copy)]
enum Domain {
    Uid,
    Patient,
    Identifier,
    Shift,
    Scheme,
    Code,
    Fingerprint,
    Crosswalk,
}

impl Domain {
    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Uid => b"fwupload uid 1\0",
            Self::Patient => b"fwupload patient 1\0",
            Self::Identifier => b"fwupload identifier 1\0",
            Self::Shift => b"fwupload date shift 1\0",
            Self::Scheme => b"fwupload coding scheme 1\0",
            Self::Code => b"fwupload code 1\0",
            Self::Fingerprint => b"fwupload key fingerprint 1\0",
            Self::Crosswalk => b"fwupload crosswalk 1\0",
        }
    }
}

/// The key of a project's pseudonyms. Its holder can link pseudonyms to guessed originals.
#[derive(Clone)]
pub struct PseudonymKey {
    /// HMAC with the key already taken in, so that each use costs two blocks less.
    primed: Hmac<Sha256>,
    secret: Zeroizing<Vec<u8>>,
}

/// Why a text or bytes are no key. Holds nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PseudonymKeyError {
    /// It has fewer than 16 bytes.
    #[error("the pseudonym key is shorter than 16 bytes (32 hexadecimal digits)")]
    TooShort,
    /// It is text and not hexadecimal digits in pairs.
    #[error("the pseudonym key is not written in hexadecimal digits")]
    NotHex,
    /// All its bytes are the same, so that it can be guessed.
    #[error("the pseudonym key is one byte again and again, which is no secret")]
    Constant,
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers for a pseudonym key")]
    NoRandomness,
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(..)")
    }
}

impl PseudonymKey {
    /// A key of these bytes: 16 at least, 32 are right.
    ///
    /// # Errors
    /// [`PseudonymKeyError::TooShort`].
    pub fn from_bytes(secret: &[u8]) -> Result<Self, PseudonymKeyError> {
        if secret.len() < SHORTEST {
            return Err(PseudonymKeyError::TooShort);
        }
        let primed =
            Hmac::<Sha256>::new_from_slice(secret).map_err(|_| PseudonymKeyError::TooShort)?;
        Ok(Self {
            primed,
            secret: Zeroizing::new(secret.to_vec()),
        })
    }

    /// A key as files and variables hold it: hexadecimal digits, white space around them.
    ///
    /// # Errors
    /// [`PseudonymKeyError::NotHex`], [`PseudonymKeyError::Constant`] and [`PseudonymKeyError::TooShort`].
    pub fn parse(text: &str) -> Result<Self, PseudonymKeyError> {
        let bytes =
            Zeroizing::new(hex::decode(text.trim()).map_err(|_| PseudonymKeyError::NotHex)?);
        if bytes.len() >= SHORTEST
            && bytes
                .iter()
                .all(|byte| Some(byte) == bytes.first())
        {
            return Err(PseudonymKeyError::Constant);
        }
        Self::from_bytes(&bytes)
    }

    /// A new key of 32 random bytes.
    ///
    /// # Errors
    /// [`PseudonymKeyError::NoRandomness`].
    pub fn random() -> Result<Self, PseudonymKeyError> {
        let mut secret = Zeroizing::new([0; MADE]);
        getrandom::fill(secret.as_mut()).map_err(|_| PseudonymKeyError::NoRandomness)?;
        Self::from_bytes(secret.as_ref())
    }

    /// The key as [`Self::parse`] reads it, for the file that keeps it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.secret.as_slice()))
    }

    fn derive(&self, domain: Domain, text: &[u8]) -> [u8; 32] {
        let mut mac = self.primed.clone();
        mac.update(domain.bytes());
        mac.update(text);
        mac.finalize().into_bytes().into()
    }

    /// 16 hexadecimal digits that tell keys apart and give nothing of them away.
    pub fn fingerprint(&self) -> String {
        hex::encode(
            self.derive(Domain::Fingerprint, b"")
                .first_chunk::<8>()
                .unwrap_or(&[0; 8]),
        )
    }

    /// The UID that takes the place of another: `2.25.` and the integer of a UUID of version 8
    /// (PS3.5 section B.2, RFC 9562). `original` comes without padding.
    pub fn uid(&self, original: &[u8]) -> String {
        let digest = self.derive(Domain::Uid, original);
        let mut number = u128::from_be_bytes(
            *digest
                .first_chunk::<16>()
                .unwrap_or(&[0; 16]),
        );
        number = number & !(0xF << 76) | 0x8 << 76;
        number = number & !(0x3 << 62) | 0x2 << 62;
        let mut uid = String::with_capacity(44);
        // Writing to a string cannot fail.
        let _ = write!(uid, "2.25.{number}");
        uid
    }

    /// A pseudonym of a patient with this number of characters: capital letters and digits without
    /// 0, 1, I and O.
    pub fn patient(&self, original: &str, width: usize) -> String {
        self.letters(Domain::Patient, original.as_bytes(), width)
    }

    /// Twelve such characters that take the place of the identifier of a specimen, a container or a
    /// lesion.
    pub fn identifier(&self, original: &str) -> String {
        self.letters(Domain::Identifier, original.as_bytes(), 12)
    }

    /// The designator that takes the place of a local coding scheme's: 99 (PS3.16 section 8) and
    /// ten characters.
    pub fn coding_scheme(&self, original: &[u8]) -> String {
        format!("99{}", self.letters(Domain::Scheme, original, 10))
    }

    /// Twelve characters that take the place of a code.
    pub fn code(&self, original: &[u8]) -> String {
        self.letters(Domain::Code, original, 12)
    }

    /// 64 hexadecimal digits that stand for an original value in a table for its owner: the holder
    /// of the key finds the row of a value that is known, and without it none can be read out. `what` tells the
    /// kinds of values apart.
    pub fn crosswalk_digest(&self, what: &str, original: &str) -> String {
        let text = [what.as_bytes(), b"\0", original.as_bytes()].concat();
        hex::encode(self.derive(Domain::Crosswalk, &text))
    }

    fn letters(&self, domain: Domain, original: &[u8], width: usize) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let digest = self.derive(domain, original);
        digest
            .iter()
            .take(width)
            .map(|byte| {
                char::from(
                    *LETTERS
                        .get(usize::from(byte & 31))
                        .unwrap_or(&b'A'),
                )
            })
            .collect()
    }

    /// The days by which dates of a patient move: whole weeks, backwards, between one and ten
    /// years.
    pub fn shift_days(&self, patient: &str) -> i64 {
        let digest = self.derive(Domain::Shift, patient.as_bytes());
        let drawn = u64::from_be_bytes(
            *digest
                .first_chunk::<8>()
                .unwrap_or(&[0; 8]),
        );
        let weeks = WEEKS.start() + drawn % (WEEKS.end() - WEEKS.start() + 1);
        -7 * i64::try_from(weeks).unwrap_or(52)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(byte: u8) -> PseudonymKey {
        PseudonymKey::from_bytes(&[byte; 32]).unwrap()
    }

    #[test]
    fn the_same_key_gives_the_same_pseudonyms_and_another_key_gives_others() {
        let (one, other) = (key(1), key(2));
        assert_eq!(one.uid(b"1.2.3"), key(1).uid(b"1.2.3"));
        assert_ne!(one.uid(b"1.2.3"), other.uid(b"1.2.3"));
        assert_ne!(one.uid(b"1.2.3"), one.uid(b"1.2.4"));
        assert_ne!(one.patient("P1", 10), other.patient("P1", 10));
        assert_ne!(one.coding_scheme(b"99SITE"), other.coding_scheme(b"99SITE"));
        assert_ne!(one.coding_scheme(b"99SITE"), one.coding_scheme(b"99ELSE"));
        assert_ne!(
            one.code(b"P1"),
            one.patient("P1", 12),
            "uses do not help each other"
        );
        assert_ne!(one.fingerprint(), other.fingerprint());
    }

    #[test]
    fn pseudonyms_are_pinned_so_that_studies_sent_earlier_still_match() {
        assert_eq!(key(1).uid(b"1.2.3"), PINNED_UID);
        assert_eq!(
            (key(1).patient("P1", 10).as_str(), key(1).shift_days("P1")),
            PINNED_PATIENT
        );
        assert_eq!(key(1).fingerprint(), PINNED_FINGERPRINT);
        assert_eq!(
            (
                key(1)
                    .coding_scheme(b"99SITE")
                    .as_str(),
                key(1).code(b"X1").as_str()
            ),
            PINNED_CODES
        );
        assert_eq!(key(1).crosswalk_digest("patient_id", "P1"), PINNED_DIGEST);
        assert_ne!(
            key(1).crosswalk_digest("accession_number", "P1"),
            PINNED_DIGEST
        );
    }

    // Computed with another HMAC implementation.
    const PINNED_DIGEST: &str = "a5bb832d6defcc4f105254f453dc73e590c8bac870ee90e68f2b668dd424ff8e";
    const PINNED_UID: &str = "2.25.243372789102922848714420710642113861679";
    const PINNED_PATIENT: (&str, i64) = ("MAH2N97NYN", -2912);
    const PINNED_CODES: (&str, &str) = ("99QF9GHC925G", "4HZK8PBR6PL4");
    const PINNED_FINGERPRINT: &str = "d7b4e2ce63090858";

    #[test]
    fn uids_are_uuids_of_version_8() {
        for number in 0..200_u32 {
            let uid = key(3).uid(&number.to_be_bytes());
            let value: u128 = uid
                .strip_prefix("2.25.")
                .unwrap()
                .parse()
                .unwrap();
            assert!(
                uid.len() <= 44 && (value >> 76) & 0xF == 8 && (value >> 62) & 3 == 2,
                "{uid}"
            );
        }
    }

    #[test]
    fn dates_move_by_whole_weeks_backwards_and_never_by_none() {
        let shifts: std::collections::BTreeSet<i64> = (0..2000)
            .map(|n| key(4).shift_days(&format!("P{n}")))
            .collect();
        assert!(
            shifts
                .iter()
                .all(|days| days % 7 == 0 && (-3640..=-364).contains(days))
        );
        assert!(shifts.len() > 400);
    }

    #[test]
    fn keys_are_read_from_hex_and_never_shown() {
        let made = PseudonymKey::random().unwrap();
        let read = PseudonymKey::parse(&format!(" {}\n", made.to_hex().as_str())).unwrap();
        assert_eq!(made.fingerprint(), read.fingerprint());
        assert_eq!(
            PseudonymKey::parse("xyz").unwrap_err(),
            PseudonymKeyError::NotHex
        );
        assert_eq!(
            PseudonymKey::parse("0011").unwrap_err(),
            PseudonymKeyError::TooShort
        );
        assert_eq!(
            PseudonymKey::parse("00").unwrap_err(),
            PseudonymKeyError::TooShort
        );
        for byte in ["00", "a7"] {
            assert_eq!(
                PseudonymKey::parse(&byte.repeat(32)).unwrap_err(),
                PseudonymKeyError::Constant
            );
        }
        assert_eq!(format!("{made:?}"), "PseudonymKey(..)");
    }
}
