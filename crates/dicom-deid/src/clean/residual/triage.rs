//! Judges places where a lost value stands: what identifies, and what only looks alike or stands
//! there on purpose.
//!
//! Owns the exceptions; each is listed in the comment of the module above.

use std::cell::OnceCell;

use super::collect::{Kind, Place, is_code};
use super::known::is_identifier;
use super::search::Hit;
use super::spell::Border;
use crate::standard;
use dicom_lossless::{DataSet, Element, ElementLocation, Tag, VR};

/// Attributes that say how an instance was cleaned.
const MARKS: [Tag; 2] = [Tag(0x0012, 0x0063), Tag(0x0012, 0x0064)];
/// The most padding that a value is taken to have.
const PADDING: usize = 1024;

/// What a place where a value stands means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The value is still there.
    Left,
    /// It is no such value.
    Alike,
    /// It is there because somebody wants it there, and may stand in names too.
    OnPurpose,
}

/// Whether the profile keeps the element at these items and this tag on purpose.
pub(super) type Kept<'a> = &'a dyn Fn(&[(Tag, usize)], Tag) -> bool;

/// The data sets that a place is judged by.
pub(super) struct Judge<'a> {
    pub(super) before: &'a DataSet,
    pub(super) header: &'a DataSet,
    pub(super) tail: &'a DataSet,
    /// Whether the profile keeps an element on purpose.
    pub(super) kept: Kept<'a>,
    /// Whether the profile states this value itself.
    pub(super) stated: &'a dyn Fn(&[u8]) -> bool,
}

/// An element in which something stands, with what is found out about it, once for all that stands
/// there.
pub(super) struct Spot<'a> {
    at: &'a ElementLocation<'a>,
    /// Its VR, or the dictionary's where the file states none.
    vr: VR,
    value: &'a [u8],
    kept: OnceCell<bool>,
    /// Whether cleaning made it what it is.
    new: OnceCell<bool>,
    /// Whether what cleaning makes of such an element is its business.
    owned: OnceCell<bool>,
}

impl<'a> Spot<'a> {
    /// None where a spelling can only stand by chance.
    pub(super) fn of(at: &'a ElementLocation<'a>, bytes: &'a [u8]) -> Option<Self> {
        let vr = if at.vr == VR::UN {
            standard::vr(at.tag).unwrap_or(VR::UN)
        } else {
            at.vr
        };
        let value = bytes
            .get(at.value.clone())
            .filter(|value| !value.is_empty() && !holds_numbers(vr))?;
        Some(Self {
            at,
            vr,
            value,
            kept: OnceCell::new(),
            new: OnceCell::new(),
            owned: OnceCell::new(),
        })
    }
}

impl Judge<'_> {
    /// The verdict on what stands in an element and stood elsewhere.
    pub(super) fn verdict(
        &self,
        hit: &Hit,
        spot: &Spot<'_>,
        (place, kind): &(Place, Kind),
    ) -> Verdict {
        let Spot { at, vr, value, .. } = spot;
        if !borders_hold(hit, value) || (*kind == Kind::Date && *vr == VR::UI) {
            return Verdict::Alike;
        }
        let dated = *kind == Kind::Date && matches!(*vr, VR::DA | VR::DT);
        if dated || *spot.kept.get_or_init(|| (self.kept)(at.items, at.tag)) {
            return Verdict::OnPurpose;
        }
        // Codes coincide with anything but the name of a person.
        let coincides =
            *kind == Kind::Private || (*kind != Kind::Name && (*vr == VR::CS || is_code(at.tag)));
        if coincides && !standard::is_private(at.tag) && is_whole(hit, value) {
            return Verdict::OnPurpose;
        }
        if !*spot.new.get_or_init(|| self.is_new(at)) {
            return Verdict::Left;
        }
        if place.is(at.items, at.tag) {
            return Verdict::Alike;
        }
        if *spot.owned.get_or_init(|| self.is_owned(spot)) {
            Verdict::OnPurpose
        } else {
            Verdict::Left
        }
    }

    /// Whether an element that cleaning wrote is one whose values it makes or states.
    fn is_owned(&self, Spot { at, vr, value, .. }: &Spot<'_>) -> bool {
        let coded = matches!(*vr, VR::DA | VR::DT | VR::TM | VR::UI) || is_identifier(at.tag, *vr);
        let mark = MARKS.contains(&at.tag)
            || at
                .items
                .iter()
                .any(|(sequence, _)| MARKS.contains(sequence));
        coded || mark || (self.stated)(value)
    }

    /// Whether an element is not what it was. Where items went away it cannot be told which one it
    /// was in, so it may be.
    fn is_new(&self, at: &ElementLocation<'_>) -> bool {
        let after = if self.header.get(first(at)).is_some() {
            self.header
        } else {
            self.tail
        };
        let (mut before, mut after) = (self.before, after);
        for (sequence, index) in at.items {
            let Some(new) = after.get(*sequence).and_then(Element::items) else {
                return false;
            };
            let Some(old) = before.get(*sequence).and_then(Element::items) else {
                return true;
            };
            if old.items.len() > new.items.len() {
                return false;
            }
            let (Some(old), Some(new)) = (old.items.get(*index), new.items.get(*index)) else {
                return true;
            };
            (before, after) = (&old.data, &new.data);
        }
        before.get(at.tag).and_then(Element::bytes) != after.get(at.tag).and_then(Element::bytes)
    }
}

/// The outermost element that leads to a place.
fn first(at: &ElementLocation<'_>) -> Tag {
    at.items.first().map_or(at.tag, |(sequence, _)| *sequence)
}

/// Whether a VR is for numbers and times of day, in which a spelling can only stand by chance.
fn holds_numbers(vr: VR) -> bool {
    use VR::{AS, AT, DS, FD, FL, IS, OD, OF, OL, OV, SL, SS, SV, TM, UL, US, UV};
    matches!(
        vr,
        AS | AT | DS | FD | FL | IS | OD | OF | OL | OV | SL | SS | SV | TM | UL | US | UV
    )
}

/// Whether a value, or one of several, is nothing but what was found. Longer padding than any value
/// has is none.
fn is_whole(hit: &Hit, value: &[u8]) -> bool {
    let before = value.get(..hit.at.start).unwrap_or_default().iter().rev();
    let after = value.get(hit.at.end..).unwrap_or_default().iter();
    ends(before) && ends(after)
}

/// Whether a value ends here, padding aside.
fn ends<'a>(beside: impl Iterator<Item = &'a u8>) -> bool {
    let mut padding = 0;
    for byte in beside {
        match byte {
            b'\\' => return true,
            b' ' | 0 if padding < PADDING => padding += 1,
            _ => return false,
        }
    }
    true
}

/// Whether what stands beside a spelling lets it be one.
pub(super) fn borders_hold(hit: &Hit, text: &[u8]) -> bool {
    let before = hit
        .at
        .start
        .checked_sub(hit.stride)
        .and_then(|before| text.get(before))
        .copied();
    let after = text.get(hit.at.end + hit.stride - 1).copied();
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    match hit.border {
        Border::Anything => true,
        Border::Word => [before, after].into_iter().flatten().all(divides),
        Border::Number => !digit(before) && !digit(after),
        Border::Day => {
            !digit(before)
                && before != Some(b'.')
                && (!digit(after) || is_time(text, hit.at.end, hit.stride))
        }
    }
}

/// Whether a byte may stand between words. In binary values few bytes do, which keeps chance out.
fn divides(byte: u8) -> bool {
    matches!(
        byte,
        0 | b'\t' | b'\n' | b'\x0c' | b'\r' | 0x1b | b' '..=b'~'
    ) && !byte.is_ascii_alphanumeric()
}

/// Whether hours and minutes begin here.
fn is_time(text: &[u8], at: usize, stride: usize) -> bool {
    let digit = |n: usize| {
        text.get(at + (n + 1) * stride - 1)
            .filter(|byte| byte.is_ascii_digit())
            .map(|byte| byte - b'0')
    };
    let two = |n: usize| Some(digit(n)? * 10 + digit(n + 1)?);
    two(0).is_some_and(|hours| hours < 24) && two(2).is_some_and(|minutes| minutes < 60)
}
