//! Judges places where a lost value stands: what identifies, and what only looks alike or stands there on purpose.
//!
//! Owns the exceptions; each is listed in the comment of the module above.

use super::collect::{Kind, Place, is_code};
use super::known::is_identifier;
use super::search::{Hit, Wanted};
use super::spell::Border;
use crate::dicom::{DataSet, Element, Standing, Tag, VR};
use crate::standard;

/// Attributes that say how an instance was cleaned.
const MARKS: [Tag; 2] = [Tag(0x0012, 0x0063), Tag(0x0012, 0x0064)];

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

/// The data sets that a place is judged by.
pub(super) struct Judge<'a> {
    pub(super) before: &'a DataSet,
    pub(super) header: &'a DataSet,
    pub(super) tail: &'a DataSet,
    /// Whether the profile keeps an element on purpose.
    pub(super) kept: &'a dyn Fn(&[(Tag, usize)], Tag) -> bool,
    /// Whether the profile states this value itself.
    pub(super) stated: &'a dyn Fn(&[u8]) -> bool,
}

impl Judge<'_> {
    pub(super) fn verdict(&self, hit: &Hit, at: &Standing, bytes: &[u8], wanted: &Wanted) -> Verdict {
        let Some((place, kind)) = usize::try_from(hit.value).ok().and_then(|value| wanted.values.get(value)) else {
            return Verdict::Alike;
        };
        let vr = if at.vr == VR::UN { standard::vr(at.tag).unwrap_or(VR::UN) } else { at.vr };
        let value = bytes.get(at.value.clone()).unwrap_or_default();
        if holds_numbers(vr) || !stands_alone(hit, at, value) || (*kind == Kind::Date && vr == VR::UI) {
            return Verdict::Alike;
        }
        if *kind == Kind::Date && matches!(vr, VR::DA | VR::DT) || (self.kept)(&at.items, at.tag) {
            return Verdict::OnPurpose;
        }
        let whole = is_whole(hit, at, value);
        let public = !standard::is_private(at.tag);
        if whole && public && (vr == VR::CS || is_code(at.tag) || *kind == Kind::Private) {
            return Verdict::OnPurpose;
        }
        self.as_written(place, at, vr, value).unwrap_or(Verdict::Left)
    }

    /// The verdict on a value that cleaning wrote.
    fn as_written(&self, place: &Place, at: &Standing, vr: VR, value: &[u8]) -> Option<Verdict> {
        if !self.is_new(at) {
            return None;
        }
        if place.tag == at.tag && *place.items == *at.items {
            return Some(Verdict::Alike);
        }
        let coded = matches!(vr, VR::DA | VR::DT | VR::TM | VR::UI) || is_identifier(at.tag, vr);
        let mark = MARKS.contains(&at.tag) || at.items.iter().any(|(sequence, _)| MARKS.contains(sequence));
        (coded || mark || (self.stated)(value)).then_some(Verdict::OnPurpose)
    }

    /// Whether an element is not what it was. Where items went away it cannot be told which one it was in, so it may be.
    fn is_new(&self, at: &Standing) -> bool {
        let after = if self.header.get(first(at)).is_some() { self.header } else { self.tail };
        let (mut before, mut after) = (self.before, after);
        for (sequence, index) in &at.items {
            let Some(new) = after.get(*sequence).and_then(Element::items) else { return false };
            let Some(old) = before.get(*sequence).and_then(Element::items) else { return true };
            if old.items.len() > new.items.len() {
                return false;
            }
            let (Some(old), Some(new)) = (old.items.get(*index), new.items.get(*index)) else { return true };
            (before, after) = (&old.data, &new.data);
        }
        before.get(at.tag).and_then(Element::bytes) != after.get(at.tag).and_then(Element::bytes)
    }
}

/// The outermost element that leads to a place.
fn first(at: &Standing) -> Tag {
    at.items.first().map_or(at.tag, |(sequence, _)| *sequence)
}

/// Whether a VR is for numbers and times of day, in which a spelling can only stand by chance.
fn holds_numbers(vr: VR) -> bool {
    use VR::{AS, AT, DS, FD, FL, IS, OD, OF, OL, OV, SL, SS, SV, TM, UL, US, UV};
    matches!(vr, AS | AT | DS | FD | FL | IS | OD | OF | OL | OV | SL | SS | SV | TM | UL | US | UV)
}

/// Whether a value, or one of several, is nothing but what was found.
fn is_whole(hit: &Hit, at: &Standing, value: &[u8]) -> bool {
    let (start, end) = (hit.start.saturating_sub(at.value.start), hit.end.saturating_sub(at.value.start));
    let before = value.get(..start).unwrap_or_default();
    let after = value.get(end..).unwrap_or_default();
    let before = before.rsplit(|byte| *byte == b'\\').next().unwrap_or_default();
    let after = after.split(|byte| *byte == b'\\').next().unwrap_or_default();
    before.iter().chain(after).all(|byte| matches!(byte, b' ' | 0))
}

/// Whether what stands beside a spelling, inside the value, lets it be one.
pub(super) fn stands_alone(hit: &Hit, at: &Standing, value: &[u8]) -> bool {
    let (start, end) = (hit.start.saturating_sub(at.value.start), hit.end.saturating_sub(at.value.start));
    borders_hold(hit, start..end, value)
}

/// The same for a spelling at a place in a text.
pub(super) fn borders_hold(hit: &Hit, at: std::ops::Range<usize>, text: &[u8]) -> bool {
    let before = at.start.checked_sub(hit.stride).and_then(|before| text.get(before)).copied();
    let after = text.get(at.end + hit.stride - 1).copied();
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    match hit.border {
        Border::Anything => true,
        Border::Word => [before, after].into_iter().flatten().all(divides),
        Border::Number => !digit(before) && !digit(after),
        Border::Day => !digit(before) && before != Some(b'.') && (!digit(after) || is_time(text, at.end, hit.stride)),
    }
}

/// Whether a byte may stand between words. In binary values few bytes do, which keeps chance out.
fn divides(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | b'\x0c' | b'\r' | 0x1b | b' '..=b'~') && !byte.is_ascii_alphanumeric()
}

/// Whether hours and minutes begin here.
fn is_time(text: &[u8], at: usize, stride: usize) -> bool {
    let digit = |n: usize| text.get(at + (n + 1) * stride - 1).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
    let two = |n: usize| Some(digit(n)? * 10 + digit(n + 1)?);
    two(0).is_some_and(|hours| hours < 24) && two(2).is_some_and(|minutes| minutes < 60)
}
