//! What a rule does to an element, and which elements it can be done to.

use dicom_core::VR;

use super::date_format::DateFormat;
use super::jitter::{Bounds, DateJitter, Jitter};
use super::substitution::Substitution;

/// The action of a rule, with its options; an absent option means the profile's own setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Leaves the element as it is, and protects it where a profile removes what it does not name.
    Keep,
    /// Takes the element out.
    Remove,
    /// Writes a value.
    ReplaceWith {
        /// The value.
        value: Replacement,
        /// Whether an absent element is created.
        insert: Option<bool>,
    },
    /// Writes the first digits of the SHA-256 of salt and text.
    Hash,
    /// Writes a UID that keeps some components and has the others from the SHA-256 of salt and
    /// text.
    HashUid,
    /// Adds days to a date.
    IncrementDate {
        /// Days to add instead of the profile's.
        days: Option<f64>,
        /// Format to read and write instead of the profile's.
        format: Option<DateFormat>,
        /// A random part of the shift.
        jitter: Option<DateJitter>,
    },
    /// Adds days to a date with time.
    IncrementDateTime {
        /// Days to add instead of the profile's.
        days: Option<f64>,
        /// Format to read and write instead of the profile's.
        format: Option<DateFormat>,
        /// A random part of the shift.
        jitter: Option<DateJitter>,
        /// Between what the result is held.
        bounds: Bounds,
    },
    /// Adds a random number to a number.
    Jitter(Jitter),
    /// Writes a text that is put together from pieces of the old one: the first item that matches
    /// counts.
    RegexSub(Vec<Substitution>),
    /// Moves the element into the encrypted envelope.
    Encrypt,
    /// Takes the element's value back out of the encrypted envelope.
    Decrypt,
}

impl Action {
    /// Its name in a profile.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Remove => "remove",
            Self::ReplaceWith { .. } => "replace-with",
            Self::Hash => "hash",
            Self::HashUid => "hashuid",
            Self::IncrementDate { .. } => "increment-date",
            Self::IncrementDateTime { .. } => "increment-datetime",
            Self::Jitter(_) => "jitter",
            Self::RegexSub(_) => "regex-sub",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
        }
    }

    /// Why this action can never work on an element of this VR, or nothing where it can.
    pub fn misfit(&self, vr: VR) -> Option<String> {
        match self {
            Self::Keep | Self::Remove | Self::Encrypt | Self::Decrypt => None,
            Self::ReplaceWith { value, .. } => value.misfit(vr),
            Self::Jitter(jitter) => jitter.misfit(vr),
            Self::Hash if vr == VR::UI => {
                Some("`hash` does not give a UID; use `hashuid`".to_owned())
            }
            _ if is_text(vr) || is_number_text(vr) => None,
            _ => Some(format!(
                "`{}` needs text, and the element is {}",
                self.name(),
                vr.to_string()
            )),
        }
    }
}

/// The value of `replace-with`.
#[derive(Debug, Clone, PartialEq)]
pub enum Replacement {
    /// `null`: the rule does nothing.
    Nothing,
    /// An empty element.
    Empty,
    /// One value.
    One(Scalar),
    /// Several values.
    List(Vec<Scalar>),
}

/// A single value as the profile writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
}

impl Replacement {
    /// The single values.
    pub fn scalars(&self) -> &[Scalar] {
        match self {
            Self::Nothing | Self::Empty => &[],
            Self::One(scalar) => std::slice::from_ref(scalar),
            Self::List(scalars) => scalars,
        }
    }

    fn misfit(&self, vr: VR) -> Option<String> {
        self.scalars().iter().find_map(|scalar| scalar.misfit(vr))
    }
}

impl Scalar {
    /// A number given as text, for a binary VR.
    pub fn of_number(text: &str, vr: VR) -> Self {
        match (text.parse(), text.parse()) {
            (Ok(whole), _) if !matches!(vr, VR::FL | VR::FD) => Self::Integer(whole),
            (_, Ok(number)) => Self::Float(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    /// Why this value cannot be written into an element of this VR.
    pub fn misfit(&self, vr: VR) -> Option<String> {
        let whole = |min: i64, max: i64| match self {
            Self::Integer(number) if (min..=max).contains(number) => None,
            Self::Integer(_) => Some(format!("the number does not fit into {}", vr.to_string())),
            _ => Some(format!("{} takes whole numbers", vr.to_string())),
        };
        match vr {
            VR::US => whole(0, i64::from(u16::MAX)),
            VR::SS => whole(i64::from(i16::MIN), i64::from(i16::MAX)),
            VR::UL => whole(0, i64::from(u32::MAX)),
            VR::SL => whole(i64::from(i32::MIN), i64::from(i32::MAX)),
            VR::UV => whole(0, i64::MAX),
            VR::SV => whole(i64::MIN, i64::MAX),
            VR::FL | VR::FD => match self {
                Self::Text(_) => Some(format!("{} takes numbers, without quotes", vr.to_string())),
                _ => None,
            },
            VR::DS | VR::IS => match self {
                Self::Text(text) => is_numeric(text, vr).err(),
                _ => None,
            },
            _ if is_text(vr) => match self {
                Self::Text(_) => None,
                _ => Some(format!(
                    "{} takes text; put the value in quotes",
                    vr.to_string()
                )),
            },
            _ => Some(format!(
                "a value cannot be written into {}; `remove` works",
                vr.to_string()
            )),
        }
    }
}

/// Whether DS or IS can hold this text: each value between backslashes a number, or empty.
pub fn is_numeric(text: &str, vr: VR) -> Result<(), String> {
    let good = |value: &str| {
        let value = value.trim();
        // Python's float() knows these words as well; no DICOM reader does.
        let number = value.parse::<f64>().is_ok_and(f64::is_finite)
            && !value.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E'));
        value.is_empty()
            || (number && (vr == VR::DS || value.parse::<f64>().is_ok_and(|n| n.fract() == 0.0)))
    };
    if text.split('\\').all(good) {
        Ok(())
    } else {
        Err(format!(
            "the value is no number, which {} must be",
            vr.to_string()
        ))
    }
}

/// VRs that hold text, numbers written as text left out.
pub fn is_text(vr: VR) -> bool {
    has_character_set(vr)
        || matches!(
            vr,
            VR::AE | VR::AS | VR::CS | VR::DA | VR::DT | VR::TM | VR::UI | VR::UR
        )
}

/// VRs whose text follows the data set's Specific Character Set (PS3.5 section 6.1.2.3).
pub fn has_character_set(vr: VR) -> bool {
    matches!(
        vr,
        VR::SH | VR::LO | VR::ST | VR::LT | VR::UC | VR::UT | VR::PN
    )
}

/// VRs that hold numbers written as text.
pub fn is_number_text(vr: VR) -> bool {
    matches!(vr, VR::DS | VR::IS)
}

/// VRs that hold numbers in binary.
pub fn is_binary_number(vr: VR) -> bool {
    matches!(
        vr,
        VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_vr_or_not() {
        let text = |t: &str| Scalar::Text(t.to_owned());
        assert_eq!(text("A").misfit(VR::LO), None);
        assert!(Scalar::Integer(5).misfit(VR::LO).is_some());
        assert!(text("abc").misfit(VR::DS).is_some());
        assert!(text("nan").misfit(VR::DS).is_some());
        assert_eq!(text("7.5").misfit(VR::DS), None);
        assert_eq!(text("1\\2").misfit(VR::IS), None);
        assert!(text("7.5").misfit(VR::IS).is_some());
        assert_eq!(
            Scalar::Float(7.5).misfit(VR::IS),
            None,
            "Flywheel writes it as it is"
        );
        assert!(Scalar::Integer(70_000).misfit(VR::US).is_some());
        assert!(text("x").misfit(VR::OB).is_some());
        assert!(text("x").misfit(VR::SQ).is_some());
        assert_eq!(Replacement::Empty.misfit(VR::SQ), None);
    }

    #[test]
    fn hash_is_no_uid() {
        assert!(
            Action::Hash
                .misfit(VR::UI)
                .is_some_and(|why| why.contains("hashuid"))
        );
        assert_eq!(Action::HashUid.misfit(VR::LO), None);
        assert!(Action::HashUid.misfit(VR::US).is_some());
    }
}
