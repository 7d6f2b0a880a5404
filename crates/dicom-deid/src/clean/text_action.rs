//! Actions on a piece of text, for the groups of `regex-sub` and `filenames`.

use super::act::{Act, Misstep, no_randomness, unshiftable};
use super::date::Shift;
use super::hash::Hasher;
use super::jitter::{Noise, Unjittered};
use super::substitute::Others;
use super::text::python_float;
use crate::error::DeidErrorKind;
use crate::profile::{Replacement, Scalar};
use dicom_lossless::VR;

impl Act {
    /// What becomes of a piece of text, or of one that is not there; none where nothing is left.
    pub(super) fn on_text(
        &self,
        text: Option<&str>,
        others: Others<'_>,
        hasher: &Hasher,
    ) -> Result<Option<String>, Misstep> {
        let filled = text.filter(|text| !text.is_empty());
        Ok(match self {
            Self::Keep => text.map(str::to_owned),
            Self::Replace { insert: false, .. } if text.is_none() => None,
            Self::Replace { value, .. } => written(value),
            Self::Hash => filled.map(|text| hasher.hash(text)),
            Self::HashUid => filled.map(|text| hasher.hashuid(text)),
            Self::Shift(shift) => filled.map(|text| shifted(shift, text)).transpose()?,
            Self::Jitter(noise) => text.map(|text| moved(noise, text)).transpose()?,
            Self::Substitute(items) => text
                .map(|text| items.text(text, others, hasher))
                .transpose()?,
            // The loader lets no other action through.
            _ => None,
        })
    }
}

/// The value of `replace-with` as Python prints it.
fn written(value: &Replacement) -> Option<String> {
    match value {
        Replacement::Nothing => None,
        Replacement::Empty | Replacement::List(_) => Some(String::new()),
        Replacement::One(Scalar::Text(text)) => Some(text.clone()),
        Replacement::One(Scalar::Integer(number)) => Some(number.to_string()),
        Replacement::One(Scalar::Float(number)) => Some(python_float(*number)),
    }
}

/// Several dates between commas stay several.
fn shifted(shift: &Shift, text: &str) -> Result<String, Misstep> {
    let dates = text
        .split(',')
        .map(|date| shift.apply(date).map_err(|why| unshiftable(why, shift)));
    Ok(dates.collect::<Result<Vec<_>, _>>()?.join(","))
}

fn moved(noise: &Noise, text: &str) -> Result<String, Misstep> {
    let vr = if noise.whole { VR::IS } else { VR::FD };
    noise.apply(text, vr).map_err(|why| match why {
        Unjittered::NotANumber => Misstep::new(DeidErrorKind::Target, "the text is not one number"),
        Unjittered::NoRandomness => no_randomness(),
    })
}
