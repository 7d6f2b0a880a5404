//! One action on one element.

use super::date::{Shift, Unshiftable};
use super::hash::Hasher;
use super::jitter::{Noise, Unjittered};
use super::private;
use super::substitute::{Others, Substitutes};
use super::text::{Reading, Unwritable, read, write_text, write_value};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Replacement, Scalar, is_binary_number, is_number_text};
use crate::standard;
use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, Tag, VR, character_set_of};

/// Specific Character Set.
pub(super) const CHARACTER_SET: Tag = Tag(0x0008, 0x0005);

/// An action with every option settled.
pub(super) enum Act {
    Keep,
    Remove,
    Replace {
        value: Replacement,
        insert: bool,
    },
    Hash,
    HashUid,
    Shift(Shift),
    Jitter(Noise),
    Substitute(Substitutes),
    /// Into the envelope, which [`super::apply::Rules`] sees to.
    Encrypt,
    /// Out of the envelope, likewise.
    Decrypt,
}

/// What an action needs to know of the data set that the element is in.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) encoding: Encoding,
    /// The character set of the data set around this one.
    pub(super) inherited: &'a CharacterSet,
    /// What the action reads beside its own element.
    pub(super) others: Others<'a>,
}

/// What an action did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Nothing,
    Changed,
    Inserted,
}

/// Why an action failed, before the rule is named. Holds no value.
pub(super) struct Misstep {
    pub(super) kind: DeidErrorKind,
    pub(super) why: String,
}

impl Misstep {
    pub(super) fn new(kind: DeidErrorKind, why: impl Into<String>) -> Self {
        Self {
            kind,
            why: why.into(),
        }
    }

    /// The same, with the group of a regular expression named.
    pub(super) fn inside(self, group: &str) -> Self {
        Self {
            why: format!("in the group `{group}`: {}", self.why),
            ..self
        }
    }

    /// The failure of a file, with the rule and the element named.
    pub(super) fn of(self, rule: &str, tag: Tag) -> DeidError {
        DeidError::new(
            self.kind,
            format!("{rule}, at {}: {}", standard::name_of(tag), self.why),
        )
    }
}

impl Act {
    /// Whether it may create an element that is absent.
    pub(super) fn inserts(&self) -> bool {
        matches!(self, Self::Replace { insert: true, value } if *value != Replacement::Nothing)
            || matches!(self, Self::Decrypt)
    }

    /// Whether something of the value that was there may stand in what it leaves.
    pub(super) fn passes_on(&self) -> bool {
        match self {
            Self::Keep | Self::Shift(_) | Self::Jitter(_) | Self::Substitute(_) | Self::Decrypt => {
                true
            }
            Self::Replace { value, .. } => *value == Replacement::Nothing,
            Self::Remove | Self::Hash | Self::HashUid | Self::Encrypt => false,
        }
    }

    /// The attributes of the instance that it reads beside its own element.
    pub(super) fn reads(&self) -> Vec<Tag> {
        match self {
            Self::Substitute(items) => items.tags(),
            _ => Vec::new(),
        }
    }

    /// Carries the action out on the element with this tag, present or not.
    pub(super) fn on(
        &self,
        data: &mut DataSet,
        tag: Tag,
        scope: Scope<'_>,
        hasher: &Hasher,
    ) -> Result<Done, Misstep> {
        match self {
            Self::Keep
            | Self::Replace {
                value: Replacement::Nothing,
                ..
            } => Ok(Done::Nothing),
            Self::Remove => Ok(if data.remove(tag).is_some() {
                Done::Changed
            } else {
                Done::Nothing
            }),
            Self::Replace { value, insert } => replace(data, tag, scope, value, *insert),
            Self::Hash | Self::HashUid | Self::Shift(_) | Self::Jitter(_) | Self::Substitute(_) => {
                self.rewrite(data, tag, scope, hasher)
            }
            Self::Encrypt | Self::Decrypt => Err(Misstep::new(
                DeidErrorKind::Rule,
                "there is no envelope here",
            )),
        }
    }

    /// Makes a new text from the old one, where there is any.
    fn rewrite(
        &self,
        data: &mut DataSet,
        tag: Tag,
        scope: Scope<'_>,
        hasher: &Hasher,
    ) -> Result<Done, Misstep> {
        let Some(element) = data.get(tag) else {
            return Ok(Done::Nothing);
        };
        let vr = effective_vr(element, data);
        let text = match read(element, vr, scope.encoding, || {
            character_set_of(data, scope.inherited)
        }) {
            Reading::Nothing => return Ok(Done::Nothing),
            // An empty value may match a regular expression; for other actions it is nothing.
            Reading::Text(text) if text.is_empty() && !matches!(self, Self::Substitute(_)) => {
                return Ok(Done::Nothing);
            }
            Reading::Text(text) => text,
            Reading::Opaque if element.bytes().is_some_and(bytes::Bytes::is_empty) => {
                return Ok(Done::Nothing);
            }
            Reading::Opaque => return Err(no_text(vr)),
        };
        let new = match self {
            Self::HashUid => hasher.hashuid(&text),
            Self::Shift(shift) => shift.apply(&text).map_err(|why| unshiftable(why, shift))?,
            Self::Substitute(items) => items.text(&text, scope.others, hasher)?,
            Self::Jitter(noise) => return jittered(noise, &text, vr, data, tag, scope),
            _ => hasher.hash(&text),
        };
        let new = write_text(tag, vr, &new, || character_set_of(data, scope.inherited))
            .map_err(unwritable)?;
        Ok(put(data, new))
    }
}

/// Moves a number by a random one.
fn jittered(
    noise: &Noise,
    text: &str,
    vr: VR,
    data: &mut DataSet,
    tag: Tag,
    scope: Scope<'_>,
) -> Result<Done, Misstep> {
    if !(is_number_text(vr) || is_binary_number(vr)) {
        return Err(Misstep::new(
            DeidErrorKind::Target,
            format!("the element is {}, which holds no number", vr.to_string()),
        ));
    }
    let number = noise.apply(text, vr).map_err(|why| match why {
        Unjittered::NotANumber if noise.whole => {
            Misstep::new(DeidErrorKind::Target, "the value is not one whole number")
        }
        Unjittered::NotANumber => {
            Misstep::new(DeidErrorKind::Target, "the value is not one number")
        }
        Unjittered::NoRandomness => no_randomness(),
    })?;
    let value = Replacement::One(if is_number_text(vr) {
        Scalar::Text(number)
    } else {
        Scalar::of_number(&number, vr)
    });
    let new =
        write_value(tag, vr, &value, scope.encoding, CharacterSet::default).map_err(unwritable)?;
    Ok(put(data, new))
}

pub(super) fn unshiftable(why: Unshiftable, shift: &Shift) -> Misstep {
    match why {
        Unshiftable::Format => Misstep::new(
            DeidErrorKind::Date,
            format!("not in the format {}", shift.format.as_str()),
        ),
        Unshiftable::Range => Misstep::new(
            DeidErrorKind::Date,
            "the shifted date would lie outside the years 1 to 9999",
        ),
        Unshiftable::NoRandomness => no_randomness(),
    }
}

pub(super) fn no_randomness() -> Misstep {
    Misstep::new(
        DeidErrorKind::Rule,
        "the operating system gave no random numbers",
    )
}

fn replace(
    data: &mut DataSet,
    tag: Tag,
    scope: Scope<'_>,
    value: &Replacement,
    insert: bool,
) -> Result<Done, Misstep> {
    if matches!(tag, Tag(0x7FE0, 0x0008..=0x0010)) && data.get(tag).is_some() {
        return Err(Misstep::new(
            DeidErrorKind::Target,
            "pixel data can be kept or removed, nothing else",
        ));
    }
    let vr = match data.get(tag) {
        Some(element) => {
            let vr = effective_vr(element, data);
            if !insert
                && read(element, vr, scope.encoding, || {
                    character_set_of(data, scope.inherited)
                }) == Reading::Nothing
            {
                return Ok(Done::Nothing);
            }
            vr
        }
        None if !insert => return Ok(Done::Nothing),
        None => new_vr(tag, data)?,
    };
    let new = write_value(tag, vr, value, scope.encoding, || {
        character_set_of(data, scope.inherited)
    })
    .map_err(unwritable)?;
    Ok(put(data, new))
}

/// Puts the new element in place, if it is not the same.
pub(super) fn put(data: &mut DataSet, new: Element) -> Done {
    match data.get_mut(new.tag) {
        Some(old) if *old == new => Done::Nothing,
        Some(old) => {
            *old = new;
            Done::Changed
        }
        None => {
            data.put(new);
            Done::Inserted
        }
    }
}

/// The VR that an element really has: where the file says UN, that of the dictionary.
pub(super) fn effective_vr(element: &Element, data: &DataSet) -> VR {
    match element.vr {
        VR::UN => standard::vr(element.tag)
            .or_else(|| private::vr_of(element.tag, data))
            .unwrap_or(VR::UN),
        known => known,
    }
}

/// The VR for an element that is to be created.
fn new_vr(tag: Tag, data: &DataSet) -> Result<VR, Misstep> {
    let signed = || {
        let representation = data.get(Tag(0x0028, 0x0103)).and_then(Element::bytes);
        representation.is_some_and(|bytes| bytes.contains(&1))
    };
    match standard::vr(tag).or_else(|| private::vr_of(tag, data)) {
        // "US or SS" follows Pixel Representation.
        Some(VR::US) if standard::is_us_or_ss(tag) && signed() => Ok(VR::SS),
        Some(vr) => Ok(vr),
        None => Err(Misstep::new(
            DeidErrorKind::Rule,
            "the element is absent and cannot be created, as its VR is not known",
        )),
    }
}

fn no_text(vr: VR) -> Misstep {
    Misstep::new(
        DeidErrorKind::Target,
        format!("the element is {}, which holds no text", vr.to_string()),
    )
}

fn unwritable(why: Unwritable) -> Misstep {
    match why {
        Unwritable::Character => Misstep::new(
            DeidErrorKind::Text,
            "the new value has characters that the element cannot hold",
        ),
        Unwritable::Vr(why) => Misstep::new(DeidErrorKind::Target, why),
    }
}
