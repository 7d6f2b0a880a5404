//! The unkeyed hashes of Flywheel profiles, bit for bit: `hash` and `hashuid`.

use dicom_lossless::Phi;
use sha2::{Digest, Sha256};

use crate::profile::DicomRules;

/// The longest UID (PS3.5 section 9.1).
const LONGEST_UID: usize = 64;

/// What `hash` and `hashuid` of a profile write.
#[derive(Clone)]
pub struct Hasher {
    salt: String,
    /// Hex digits to keep; 0 for all.
    digits: usize,
    /// Components to put in front; else the leading ones of the text.
    numeric_name: Option<String>,
    prefix: usize,
    suffix: usize,
}

impl Hasher {
    pub fn new(dicom: &DicomRules) -> Self {
        Self {
            salt: dicom
                .salt
                .as_ref()
                .map(Phi::expose)
                .cloned()
                .unwrap_or_default(),
            digits: dicom.hash_digits,
            numeric_name: dicom.uid_numeric_name.clone(),
            prefix: dicom.uid_prefix_fields,
            suffix: dicom.uid_suffix_fields,
        }
    }

    fn digest(&self, text: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.salt.as_bytes())
            .chain_update(text.as_bytes())
            .finalize()
            .into()
    }

    /// The first digits of the hash, in lower case hex.
    pub fn hash(&self, text: &str) -> String {
        let nibbles = self
            .digest(text)
            .into_iter()
            .flat_map(|byte| [byte >> 4, byte & 15]);
        let count = if self.digits == 0 { 64 } else { self.digits };
        nibbles
            .take(count)
            .filter_map(|nibble| char::from_digit(nibble.into(), 16))
            .collect()
    }

    /// Leading components, six groups of digits from the hash, trailing components; at most 64
    /// characters.
    pub fn hashuid(&self, text: &str) -> String {
        let parts: Vec<&str> = text.split('.').collect();
        let (before, trailing) = parts.split_at(
            parts
                .len()
                .saturating_sub(self.suffix),
        );
        let leading: Vec<&str> = match &self.numeric_name {
            Some(name) => name.split('.').collect(),
            None => before
                .iter()
                .take(self.prefix)
                .copied()
                .collect(),
        };
        let uid = leading
            .into_iter()
            .map(str::to_owned)
            .chain(self.groups(text))
            .chain(
                trailing
                    .iter()
                    .map(|part| last_six(part)),
            );
        shortened(uid.collect()).join(".")
    }

    /// The bytes of the hash in decimal, without padding, cut into six groups of six digits. A
    /// group that would begin with 0 begins with 1.
    fn groups(&self, text: &str) -> Vec<String> {
        let decimals: String = self
            .digest(text)
            .iter()
            .map(u8::to_string)
            .collect();
        let group = |digits: &[u8]| {
            let digits = String::from_utf8_lossy(digits);
            match digits.strip_prefix('0') {
                Some(rest) => format!("1{rest}"),
                None => digits.into_owned(),
            }
        };
        decimals
            .as_bytes()
            .chunks(6)
            .take(6)
            .map(group)
            .collect()
    }
}

fn last_six(part: &str) -> String {
    let count = part.chars().count();
    part.chars()
        .skip(count.saturating_sub(6))
        .collect()
}

/// Shortens the component before the last, character by character, until all fits; a component that
/// would become empty is left out.
fn shortened(mut parts: Vec<String>) -> Vec<String> {
    let mut length = parts
        .iter()
        .map(|part| part.chars().count())
        .sum::<usize>()
        + parts.len().saturating_sub(1);
    while length > LONGEST_UID && parts.len() > 1 {
        let at = parts.len() - 2;
        match parts.get_mut(at) {
            Some(part) if part.chars().count() > 1 => {
                part.pop();
                length -= 1;
            }
            _ => {
                let gone = parts.remove(at);
                length -= gone.chars().count() + 1;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hasher() -> Hasher {
        Hasher {
            salt: String::new(),
            digits: 16,
            numeric_name: None,
            prefix: 4,
            suffix: 1,
        }
    }

    fn salted() -> Hasher {
        Hasher {
            salt: "pepper".to_owned(),
            ..hasher()
        }
    }

    #[test]
    fn hash_gives_the_known_answers() {
        for (text, expected) in [
            ("PAT-0042", "a0f7295c61144f61"),
            ("Doe^Jane", "ff37cfdaa95116a3"),
            ("Doe^Jane^^^", "8c728a8de676f513"),
            ("Äneas^Rüdiger=山田^太郎", "2baf7f3a9f2636ee"),
            ("A1,B2", "7082af3b2cd103b1"),
            ("20040119", "13b1ac30a1a7003f"),
            ("F", "f67ab10ad4e4c531"),
            ("a0f7295c61144f61", "9eb4d76c4025c98c"),
        ] {
            assert_eq!(hasher().hash(text), expected, "{text}");
        }
        assert_eq!(salted().hash("PAT-0042"), "4e8d27aa058832de");
        assert_eq!(
            Hasher {
                digits: 8,
                ..hasher()
            }
            .hash("PAT-0042"),
            "a0f7295c"
        );
        let all = "a0f7295c61144f619f2d8ace3d98338072f451357316a1bd193966e81f3e5fff";
        assert_eq!(
            Hasher {
                digits: 0,
                ..hasher()
            }
            .hash("PAT-0042"),
            all
        );
        assert_eq!(
            Hasher {
                digits: 999,
                ..hasher()
            }
            .hash("PAT-0042"),
            all
        );
    }

    #[test]
    fn hashuid_gives_the_known_answers() {
        let uid = "1.2.840.113619.2.30.1.1762295590.1623.978668949.886";
        let with = |prefix, suffix| {
            Hasher {
                prefix,
                suffix,
                ..hasher()
            }
            .hashuid(uid)
        };
        assert_eq!(
            with(4, 1),
            "1.2.840.113619.341778.722318.122657.203411.214044.139247.886"
        );
        assert_eq!(
            salted().hashuid(uid),
            "1.2.840.113619.203984.125529.190117.194188.238151.159238.886"
        );
        assert_eq!(
            with(4, 0),
            "1.2.840.113619.341778.722318.122657.203411.214044.139247"
        );
        assert_eq!(
            with(4, 2),
            "1.2.840.113619.341778.722318.122657.203411.214044.139247.668.886"
        );
        assert_eq!(with(0, 1), "341778.722318.122657.203411.214044.139247.886");
        assert_eq!(
            with(6, 1),
            "1.2.840.113619.2.30.341778.722318.122657.203411.214044.13924.886"
        );
        let named = Hasher {
            numeric_name: Some("2.16.840.1.114570.2.2".to_owned()),
            prefix: 7,
            ..hasher()
        };
        assert_eq!(
            named.hashuid(uid),
            "2.16.840.1.114570.2.2.341778.722318.122657.203411.214044.139.886"
        );
        for (text, expected) in [
            ("1.2", "1.119172.491552.542512.122621.515321.723015.2"),
            ("5", "239451.812522.712314.843170.208976.922975.5"),
            (
                "2.25.329800735698586629295641978511506172918",
                "2.25.922325.976917.291120.117223.203229.861661.172918",
            ),
            (
                "1.2.840.113619.2.5.20040112000042",
                "1.2.840.113619.160753.624821.620416.824719.696147.159215.000042",
            ),
            (
                "1.2.3.4.5,1.2.3.4.6",
                "1.2.3.4.241108.188971.724731.343641.661558.941120.6",
            ),
            (
                "PAT-0042",
                "160247.419297.207997.159451.382066.115251.T-0042",
            ),
        ] {
            assert_eq!(hasher().hashuid(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_hash(text in any::<String>(), prefix in 0_usize..70, suffix in 0_usize..70, digits in 0_usize..70) {
            let hasher = Hasher { digits, prefix, suffix, ..hasher() };
            prop_assert_eq!(hasher.hash(&text).len(), if digits == 0 { 64 } else { digits.min(64) });
            let uid = hasher.hashuid(&text);
            prop_assert!(uid.chars().count() <= 64);
        }
    }
}
