//! The check after cleaning: the very bytes about to be sent are searched for the values that were
//! removed or changed.
//!
//! Owns the rules for what raises it, and the exceptions. It knows no rule of the profile but what that keeps on
//! purpose, changes nothing, and says where a value stood and stands, never which.
//!
//! Looked for are the values of elements that are gone or have other bytes, if their VR is for
//! text, names, UIDs, dates or unknown bytes. Names of products, codes, numbers, ages and times of
//! day are not: they coincide.
//! - Names and identifiers: whole, and the parts between `^ = \ - space , _ . /`. Parts that are
//!   common words, that are shorter than `min-length`, or fewer than 6 digits do not count;
//!   ideographs count twice.
//! - Free text and values of private elements: whole, unless it is made of common words and
//!   numbers, or longer than 1 MiB.
//! - Dates: in many forms. UIDs: whole; not those of the standard, nor those that the instance
//!   keeps as its own study, series, instance or frame of reference.
//! - Not looked for are values in an item that the same attribute keeps at the top of the data set,
//!   and values of private elements that say no more than manufacturer, model or software versions,
//!   where these are kept.
//!
//! Everything is looked for in the bytes that it had, in UTF-8, UTF-16, Latin-1 and the character
//! sets that the instance declares, in upper and lower case. What has fewer than 8 characters must
//! stand between word boundaries, digits apart from other digits.
//!
//! A place does not raise it where
//! - the element is for numbers or times, or no element's value holds it whole;
//! - it is a date in a DA or DT, which the profile decides one by one and lint reports, or in a
//!   UID;
//! - a `keep` of the profile names the element, or an option keeps it that the Basic Profile would
//!   not;
//! - it is the whole of a code string or of a part of a coded entry of the standard, or, for a
//!   value of a private element, of any attribute of the standard;
//! - cleaning wrote it: a date, time, UID, name or identifier; a value that the profile states; the
//!   marks of what was done; whatever was made of the very value.
//!
//! A value that stands somewhere on purpose may stand in labels and file names too.

mod patterns;
mod removals;
mod search;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use dicom_dictionary_std::tags;
use dicom_lossless::{
    DataSet, Element, ElementLocation, Encoding, FileErrorKind, Instance, Limits, Tag, VR,
    ValueVisitor, Written, visit_values,
};
use patterns::Boundary;
use removals::{FormerLocation, ValueKind, is_code, is_identifier};
use search::{Hit, IndexCache, SearchEnd, ValueIndex};

use crate::elements::private_elements::PrivateName;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{
    Action, Confidentiality, DecisionSource, DicomRules, ItemChoice, OnLeak, ResidualRule, Scalar,
    Selector,
};
use crate::standard;
use crate::standard::confidentiality::ActionCode;

/// The check of one profile, made ready once per run.
pub struct ResidualCheck {
    rule: ResidualRule,
    intent: ProfileIntent,
    indexes: IndexCache,
}

/// What was removed from an instance, for names that are made of it later.
#[derive(Clone)]
pub struct TextCheck {
    index: Arc<ValueIndex>,
    /// Values that stand in what is sent on purpose, by number, in order.
    intended: Arc<[usize]>,
    on_leak: OnLeak,
}

impl ResidualCheck {
    pub fn new(dicom: &DicomRules) -> Self {
        Self {
            rule: dicom.residual,
            intent: ProfileIntent::of(dicom),
            indexes: IndexCache::default(),
        }
    }

    /// What was removed from the data set. `deid.too-costly` where it is too much to look for.
    pub fn removed_values(
        &self,
        before: &DataSet,
        after: &DataSet,
    ) -> Result<ValueIndex, DeidError> {
        let removals = removals::removals(before, after)?;
        Ok(ValueIndex::new(
            removals,
            &self.indexes,
            self.rule.min_length,
        )?)
    }

    /// Searches what was written of an instance. Fails where a value is left, or reports it
    /// where the profile says so; `deid.too-costly` where what is gone stands at too many places.
    pub fn check(
        &self,
        index: ValueIndex,
        written: &Written,
        before: &DataSet,
        instance: &Instance,
        limits: &Limits,
    ) -> Result<(TextCheck, Vec<Finding>), DeidError> {
        let on_leak = self.rule.on_leak;
        let mut scan = OutputScan {
            index: &index,
            context: VerdictContext {
                before,
                instance,
                intent: &self.intent,
            },
            on_leak,
            bytes: &[],
            lower: Vec::new(),
            budget: WorkBudget::of(written.head.len() + written.tail.len()),
            findings: Vec::new(),
            intended: Vec::new(),
            is_intended: vec![false; index.values.len()],
        };
        if !index.values.is_empty() {
            let (meta, header) = written
                .head
                .split_at_checked(written.data_at)
                .unwrap_or((&written.head, &[]));
            let encoding = instance.syntax.encoding;
            let meta = meta
                .get(PREAMBLE..)
                .unwrap_or_default();
            scan.data_set(meta, Encoding::EXPLICIT_LITTLE, limits)?;
            scan.data_set(header, encoding, limits)?;
            scan.data_set(&written.tail, encoding, limits)?;
        }
        let OutputScan {
            findings,
            mut intended,
            ..
        } = scan;
        intended.sort_unstable();
        let findings = decide(findings, on_leak)?;
        Ok((
            TextCheck {
                index: Arc::new(index),
                intended: intended.into(),
                on_leak,
            },
            findings,
        ))
    }
}

/// Preamble and prefix, which are written anew and hold nothing.
const PREAMBLE: usize = 132;

impl TextCheck {
    /// Searches texts that are sent beside the instance: labels, names, metadata. `what` says which
    /// text it is.
    pub fn check_texts<'a, 'b>(
        &self,
        texts: impl IntoIterator<Item = (&'a str, &'b str)>,
    ) -> Result<Vec<Finding>, DeidError> {
        let mut findings = Vec::new();
        for (what, text) in texts {
            let mut first = None;
            let lower = text.to_ascii_lowercase();
            let searched = self.index.search(
                lower.as_bytes(),
                &mut WorkBudget::of(text.len()),
                &mut |hit, _| {
                    if !boundaries_hold(hit, text.as_bytes())
                        || self
                            .intended
                            .binary_search(&hit.value)
                            .is_ok()
                    {
                        return Ok(());
                    }
                    first = self.index.values.get(hit.value);
                    Err(SearchEnd::Done)
                },
            );
            if let Err(SearchEnd::TooCostly(costly)) = searched {
                return Err(costly.into());
            }
            findings.extend(first.map(|(place, _)| Finding::in_text(place, what)));
        }
        decide(findings, self.on_leak)
    }
}

fn decide(findings: Vec<Finding>, on_leak: OnLeak) -> Result<Vec<Finding>, DeidError> {
    match (findings.first(), on_leak) {
        (Some(first), OnLeak::Fail) => Err(first.failure(findings.len() - 1)),
        _ => Ok(findings),
    }
}

/// The most findings that are reported of one file.
const MOST_FINDINGS: usize = 100;
/// What a verdict on an element in which something stands costs, in units of [`WorkBudget`].
const COST_OF_ELEMENT: usize = 64;

/// One pass over what was written of an instance: value after value, each hit judged as it is
/// found. No list of places is made; what is remembered is bounded.
struct OutputScan<'a> {
    index: &'a ValueIndex,
    context: VerdictContext<'a>,
    on_leak: OnLeak,
    /// The data set that is scanned, as it was written and with its letters in lower case.
    bytes: &'a [u8],
    lower: Vec<u8>,
    budget: WorkBudget,
    findings: Vec<Finding>,
    /// Values that stand somewhere on purpose, in the order in which they were found, and by number
    /// whether they do.
    intended: Vec<usize>,
    is_intended: Vec<bool>,
}

impl<'a> OutputScan<'a> {
    /// Scans a data set as it was written.
    fn data_set(
        &mut self,
        bytes: &'a [u8],
        encoding: Encoding,
        limits: &Limits,
    ) -> Result<(), DeidError> {
        (self.bytes, self.lower) = (bytes, bytes.to_ascii_lowercase());
        visit_values(bytes, encoding, limits, self)?;
        Ok(())
    }
}

impl ValueVisitor for OutputScan<'_> {
    type Mark = (usize, usize);

    /// Scans one value. Of several findings in it the first is reported.
    fn value(&mut self, at: &ElementLocation<'_>) -> Result<(), FileErrorKind> {
        let stops = self.on_leak == OnLeak::Fail;
        if stops && self.findings.len() >= MOST_FINDINGS {
            return Ok(());
        }
        let Some(scanned) = ScannedElement::of(at, self.bytes) else {
            return Ok(());
        };
        let Self {
            index,
            context,
            lower,
            budget,
            findings,
            intended,
            is_intended,
            ..
        } = self;
        let (mut reported, mut asked) = (false, false);
        let lower = lower
            .get(at.value.clone())
            .unwrap_or_default();
        let searched = index.search(lower, budget, &mut |hit, budget| {
            let Some(value) = index.values.get(hit.value) else {
                return Ok(());
            };
            if !std::mem::replace(&mut asked, true) {
                budget.spend(COST_OF_ELEMENT)?;
            }
            match context.verdict(hit, &scanned, value) {
                HitVerdict::Coincidence => {}
                HitVerdict::Intended => {
                    let known = is_intended.get_mut(hit.value);
                    if known.is_some_and(|known| !std::mem::replace(known, true)) {
                        intended.push(hit.value);
                    }
                }
                HitVerdict::Leak => {
                    if !std::mem::replace(&mut reported, true) && findings.len() < MOST_FINDINGS {
                        findings.push(Finding::in_element(&value.0, at));
                    }
                    // The file fails, so that nothing else in this element matters.
                    if stops {
                        return Err(SearchEnd::Done);
                    }
                }
            }
            Ok(())
        });
        match searched {
            Ok(()) | Err(SearchEnd::Done) => Ok(()),
            Err(SearchEnd::TooCostly(_)) => Err(FileErrorKind::TooCostly),
        }
    }

    fn mark(&self) -> (usize, usize) {
        (self.findings.len(), self.intended.len())
    }

    fn take_back(&mut self, (findings, intended): (usize, usize)) {
        self.findings.truncate(findings);
        for value in self.intended.drain(intended..) {
            if let Some(known) = self.is_intended.get_mut(value) {
                *known = false;
            }
        }
    }
}

/// A value that was removed or changed in one place and still stands in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The attribute that it was removed from, with the items that lead to it.
    pub removed_from: String,
    /// The attribute, or the text beside the data set, in which it still stands.
    pub stands_in: String,
    /// What to do about it.
    remedy: String,
}

impl Finding {
    fn in_element(place: &FormerLocation, at: &ElementLocation<'_>) -> Self {
        let remedy = match at.tag.group() {
            0x0002 => "have the profile change the UID that the file is known by".to_owned(),
            _ => format!(
                "have the profile remove or clean {}",
                standard::name_of(at.tag)
            ),
        };
        Self {
            removed_from: path(&place.items(), place.tag),
            stands_in: path(at.items, at.tag),
            remedy,
        }
    }

    fn in_text(place: &FormerLocation, what: &str) -> Self {
        let remedy =
            format!("have the profile clean what {what} is made of, or choose another one");
        Self {
            removed_from: path(&place.items(), place.tag),
            stands_in: what.to_owned(),
            remedy,
        }
    }

    /// The failure that it is, with the number of other findings.
    fn failure(&self, others: usize) -> DeidError {
        let more = match others {
            0 => String::new(),
            1 => ", and 1 more".to_owned(),
            n => format!(", and {n} more"),
        };
        DeidError::new(DeidErrorKind::IdentifierLeft, format!("{self}{more}"))
            .with_remedy(self.remedy.clone())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "what stood in {} still stands in {}",
            self.removed_from, self.stands_in
        )
    }
}

/// The sequences that lead to an attribute, with the numbers of their items from 0, then its name.
fn path(items: &[(Tag, usize)], tag: Tag) -> String {
    path_by(items, standard::name_of(tag), &word)
}

/// Values that are gone, equal ones counted once.
const MOST_REMOVALS: usize = 1 << 20;
/// Patterns of all of them.
const MOST_PATTERNS: usize = 1 << 19;
/// Patterns of one.
const MOST_PATTERNS_OF_VALUE: usize = 1 << 16;
/// Bytes of character sets that nested data sets declare.
const MOST_CHARACTER_SET_BYTES: usize = 16 << 20;

/// Units of work for each byte that is searched, and for a file of no bytes. Looking at a byte
/// takes one.
const BUDGET_PER_BYTE: u64 = 16;
const LEAST_BUDGET: u64 = 16 << 20;

/// Why a file is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooCostly(&'static str);

impl From<TooCostly> for DeidError {
    fn from(TooCostly(what): TooCostly) -> Self {
        Self::new(DeidErrorKind::TooCostly, what)
    }
}

/// The work that is left to one file.
pub struct WorkBudget {
    left: u64,
}

impl WorkBudget {
    /// For a file, by the number of its bytes that are searched.
    fn of(bytes: usize) -> Self {
        Self {
            left: LEAST_BUDGET.saturating_add(BUDGET_PER_BYTE.saturating_mul(bytes as u64)),
        }
    }

    /// Takes some of it.
    #[inline]
    fn spend(&mut self, units: usize) -> Result<(), TooCostly> {
        match self.left.checked_sub(units as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(TooCostly("what was removed stands at too many places")),
        }
    }
}

/// Attributes that say how an instance was cleaned.
const MARKS: [Tag; 2] = [
    tags::DEIDENTIFICATION_METHOD,
    tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
];
/// The most padding that a value is taken to have.
const PADDING: usize = 1024;

/// What a place where a value stands means.
enum HitVerdict {
    /// The value is still there.
    Leak,
    /// It is no such value.
    Coincidence,
    /// The profile keeps or states it there, and it may stand in names too.
    Intended,
}

/// What a place is judged by.
struct VerdictContext<'a> {
    before: &'a DataSet,
    /// The instance as it was written.
    instance: &'a Instance,
    intent: &'a ProfileIntent,
}

/// An element in which something stands, with what is found out about it, once for all that stands
/// there.
struct ScannedElement<'a> {
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
    fn of(at: &'a ElementLocation<'a>, bytes: &'a [u8]) -> Option<Self> {
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
    fn verdict(
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
fn boundaries_hold(hit: &Hit, text: &[u8]) -> bool {
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
struct ProfileIntent {
    kept: Vec<Selector>,
    recurse: bool,
    basic_profile: Option<Confidentiality>,
    stated: HashSet<String>,
}

impl ProfileIntent {
    fn of(dicom: &DicomRules) -> Self {
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
    fn keeps(&self, items: &[(Tag, usize)], tag: Tag, data: &DataSet) -> bool {
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
fn path_by(items: &[(Tag, usize)], own: String, name: &dyn Fn(Tag) -> String) -> String {
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
fn word(tag: Tag) -> String {
    standard::keyword(tag).map_or_else(|| number(tag), str::to_owned)
}

#[cfg(test)]
mod tests;
