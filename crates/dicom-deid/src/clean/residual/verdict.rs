//! Judges places where a removed value stands: what identifies, and what only looks alike or is
//! intended by the profile.
//!
//! Owns the exceptions; each is listed in the comment of the module above. It changes nothing.

use std::cell::OnceCell;
use std::collections::HashSet;

use dicom_dictionary_std::tags;
use dicom_lossless::{DataSet, Element, ElementLocation, Instance, Tag, VR};

use super::patterns::Boundary;
use super::removals::{FormerLocation, ValueKind, is_code, is_identifier};
use super::search::Hit;
use crate::clean::private_elements::PrivateName;
use crate::profile::{
    Action, Confidentiality, DecisionSource, DicomRules, ItemChoice, Scalar, Selector,
};
use crate::standard;
use crate::standard::confidentiality::ActionCode;

/// Attributes that say how an instance was cleaned.
const MARKS: [Tag; 2] = [
    tags::DEIDENTIFICATION_METHOD,
    tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
];
/// The most padding that a value is taken to have.
const PADDING: usize = 1024;

/// What a place where a value stands means.
pub enum HitVerdict {
    /// The value is still there.
    Leak,
    /// It is no such value.
    Coincidence,
    /// The profile keeps or states it there, and it may stand in names too.
    Intended,
}

/// What a place is judged by.
pub struct VerdictContext<'a> {
    pub before: &'a DataSet,
    /// The instance as it was written.
    pub instance: &'a Instance,
    pub intent: &'a ProfileIntent,
}

/// An element in which something stands, with what is found out about it, once for all that stands
/// there.
pub struct ScannedElement<'a> {
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

impl<'a> ScannedElement<'a> {
    /// None where a pattern can only stand by chance.
    pub fn of(at: &'a ElementLocation<'a>, bytes: &'a [u8]) -> Option<Self> {
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

impl VerdictContext<'_> {
    /// The verdict on what stands in an element and stood elsewhere.
    pub fn verdict(
        &self,
        hit: &Hit,
        scanned: &ScannedElement<'_>,
        (location, kind): &(FormerLocation, ValueKind),
    ) -> HitVerdict {
        let ScannedElement { at, vr, value, .. } = scanned;
        if !boundaries_hold(hit, value) || (*kind == ValueKind::Date && *vr == VR::UI) {
            return HitVerdict::Coincidence;
        }
        let dated = *kind == ValueKind::Date && matches!(*vr, VR::DA | VR::DT);
        if dated
            || *scanned.kept.get_or_init(|| {
                self.intent
                    .keeps(at.items, at.tag, self.after(at))
            })
        {
            return HitVerdict::Intended;
        }
        // Codes coincide with anything but the name of a person.
        let coincides = *kind == ValueKind::Private
            || (*kind != ValueKind::Name && (*vr == VR::CS || is_code(at.tag)));
        if coincides && !standard::is_private(at.tag) && is_whole(hit, value) {
            return HitVerdict::Intended;
        }
        if !*scanned
            .new
            .get_or_init(|| self.is_new(at))
        {
            return HitVerdict::Leak;
        }
        if location.tag == at.tag && location.items() == at.items {
            return HitVerdict::Coincidence;
        }
        if *scanned
            .owned
            .get_or_init(|| self.is_owned(scanned))
        {
            HitVerdict::Intended
        } else {
            HitVerdict::Leak
        }
    }

    /// Whether an element that cleaning wrote is one whose values it makes or states.
    fn is_owned(&self, ScannedElement { at, vr, value, .. }: &ScannedElement<'_>) -> bool {
        let coded = matches!(*vr, VR::DA | VR::DT | VR::TM | VR::UI) || is_identifier(at.tag, *vr);
        let mark = MARKS.contains(&at.tag)
            || at
                .items
                .iter()
                .any(|(sequence, _)| MARKS.contains(sequence));
        coded || mark || self.intent.states(value)
    }

    /// The data set that a place lies in, as it was written.
    fn after(&self, at: &ElementLocation<'_>) -> &DataSet {
        let outermost = at
            .items
            .first()
            .map_or(at.tag, |(sequence, _)| *sequence);
        if self
            .instance
            .header
            .get(outermost)
            .is_some()
        {
            &self.instance.header
        } else {
            &self.instance.tail
        }
    }

    /// Whether an element is not what it was. Where items went away it is not known which one it
    /// was in, so it may be.
    fn is_new(&self, at: &ElementLocation<'_>) -> bool {
        let (mut before, mut after) = (self.before, self.after(at));
        for (sequence, index) in at.items {
            let Some(new) = after
                .get(*sequence)
                .and_then(Element::items)
            else {
                return false;
            };
            let Some(old) = before
                .get(*sequence)
                .and_then(Element::items)
            else {
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
        before
            .get(at.tag)
            .and_then(Element::bytes)
            != after
                .get(at.tag)
                .and_then(Element::bytes)
    }
}

/// Whether a VR is for numbers and times of day, in which a pattern can only stand by chance.
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
    let before = value
        .get(..hit.at.start)
        .unwrap_or_default()
        .iter()
        .rev();
    let after = value
        .get(hit.at.end..)
        .unwrap_or_default()
        .iter();
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

/// Whether what stands beside a hit lets it be one.
pub fn boundaries_hold(hit: &Hit, text: &[u8]) -> bool {
    let before = hit
        .at
        .start
        .checked_sub(hit.stride)
        .and_then(|before| text.get(before))
        .copied();
    let after = text
        .get(hit.at.end + hit.stride - 1)
        .copied();
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    match hit.boundary {
        Boundary::Any => true,
        Boundary::Word => [before, after]
            .into_iter()
            .flatten()
            .all(divides),
        Boundary::Number => !digit(before) && !digit(after),
        Boundary::Day => {
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

/// The intentions of a profile.
pub struct ProfileIntent {
    kept: Vec<Selector>,
    recurse: bool,
    basic_profile: Option<Confidentiality>,
    stated: HashSet<String>,
}

impl ProfileIntent {
    pub fn of(dicom: &DicomRules) -> Self {
        let (mut kept, mut stated) = (Vec::new(), HashSet::new());
        for rule in &dicom.fields {
            match &rule.action {
                Action::Keep => kept.push(rule.selector.clone()),
                Action::ReplaceWith { value, .. } => {
                    let texts = value
                        .scalars()
                        .iter()
                        .filter_map(|scalar| match scalar {
                            Scalar::Text(text) => Some(text.trim().to_owned()),
                            Scalar::Integer(_) | Scalar::Float(_) => None,
                        });
                    stated.extend(texts);
                }
                _ => {}
            }
        }
        Self {
            kept,
            recurse: dicom.recurse_sequence,
            basic_profile: dicom.confidentiality.clone(),
            stated,
        }
    }

    /// Whether the profile states this value, padding aside.
    fn states(&self, value: &[u8]) -> bool {
        String::from_utf8_lossy(value)
            .trim_end_matches(['\0', ' '])
            .split('\\')
            .all(|value| self.stated.contains(value.trim()))
    }

    /// Whether the profile keeps an element by name, or by an option that keeps what the Basic
    /// Profile does not.
    pub fn keeps(&self, items: &[(Tag, usize)], tag: Tag, data: &DataSet) -> bool {
        let by_option = |basic_profile: &Confidentiality| {
            let decision = basic_profile.decide(tag, standard::vr(tag).unwrap_or(VR::UN));
            decision.code == ActionCode::Keep
                && matches!(decision.source, DecisionSource::Option(_))
        };
        self.basic_profile
            .as_ref()
            .is_some_and(by_option)
            || self
                .kept
                .iter()
                .any(|selector| is_selected(selector, items, tag, data, self.recurse))
    }
}

fn is_selected(
    selector: &Selector,
    items: &[(Tag, usize)],
    tag: Tag,
    data: &DataSet,
    recurse: bool,
) -> bool {
    let here = items.is_empty() || recurse;
    match selector {
        Selector::Tag(kept) => here && *kept == tag,
        Selector::Path(path) => {
            let fits = |(kept, at): (&(Tag, ItemChoice), &(Tag, usize))| {
                kept.0 == at.0 && (kept.1 == ItemChoice::Every || kept.1 == ItemChoice::At(at.1))
            };
            path.leaf == tag
                && path.sequences.len() == items.len()
                && path
                    .sequences
                    .iter()
                    .zip(items)
                    .all(fits)
        }
        Selector::Repeater { group, element } => {
            here && tag.group() & 0xFF00 == *group
                && !standard::is_private(tag)
                && tag.element() == *element
        }
        Selector::Private { .. } => here && private(selector, items, tag, data),
        Selector::Regex(regex) => {
            let paths = [
                path_by(items, word(tag), &word),
                path_by(items, number(tag), &number),
            ];
            paths.iter().any(|path| {
                regex
                    .is_match_start(path)
                    .unwrap_or(false)
            })
        }
    }
}

fn private(selector: &Selector, items: &[(Tag, usize)], tag: Tag, data: &DataSet) -> bool {
    let inside = items
        .iter()
        .try_fold(data, |data, (sequence, index)| {
            data.get(*sequence)
                .and_then(Element::items)?
                .items
                .get(*index)
                .map(|item| &item.data)
        });
    let name = PrivateName::of(selector);
    inside
        .zip(name)
        .is_some_and(|(data, name)| name.tags(data).contains(&tag))
}

/// The sequences that lead to an attribute by their names, with the numbers of their items, then
/// its own name.
pub fn path_by(items: &[(Tag, usize)], own: String, name: &dyn Fn(Tag) -> String) -> String {
    items
        .iter()
        .map(|(sequence, index)| format!("{}.{index}.", name(*sequence)))
        .chain([own])
        .collect()
}

fn number(tag: Tag) -> String {
    format!("{:04x}{:04x}", tag.group(), tag.element())
}

/// The keyword of an attribute, or its number.
pub fn word(tag: Tag) -> String {
    standard::keyword(tag).map_or_else(|| number(tag), str::to_owned)
}
