//! Private elements: all go, but for those that are known safe where the option keeps them. What
//! stays is cleaned.
//!
//! Known safe is what the file's own characteristics say so of (PS3.3 section C.12.1.1.7), else
//! what Table E.3.10-1 lists, by creator and not by number.

use bytes::Bytes;

use super::{Place, Stays, Work};
use crate::clean::dummy;
use crate::clean::private::{creator_text, is_creator};
use crate::error::DeidError;
use crate::profile::{AttributeDecision, Confidentiality, DecisionSource, is_text};
use crate::standard;
use crate::standard::confidentiality::{ActionCode, ConfidentialityOption as O};
use dicom_lossless::{DataSet, Element, Encoding, Tag, VR, Value};

const CHARACTERISTICS: Tag = Tag(0x0008, 0x0300);
const GROUP: Tag = Tag(0x0008, 0x0301);
const CREATOR: Tag = Tag(0x0008, 0x0302);
const STATUS: Tag = Tag(0x0008, 0x0303);
const NONIDENTIFYING: Tag = Tag(0x0008, 0x0304);
const ACTIONS: Tag = Tag(0x0008, 0x0305);
const IDENTIFYING: Tag = Tag(0x0008, 0x0306);
const ACTION: Tag = Tag(0x0008, 0x0307);

/// What of the private elements of one data set is known safe.
pub(super) struct Safe {
    wanted: bool,
    elements: Vec<(Tag, Known)>,
    creators: Vec<Tag>,
}

/// What is known of a private element.
#[derive(Clone, Copy)]
struct Known {
    vr: VR,
    /// What the file itself says is to be done; none where the element is safe.
    action: Option<ActionCode>,
}

/// What a file says of the elements of one creator.
struct Said {
    group: u16,
    creator: String,
    safe: bool,
    nonidentifying: Vec<u16>,
    actions: Vec<(Vec<u16>, ActionCode)>,
}

impl Safe {
    pub(super) fn of(data: &DataSet, asked: &Confidentiality) -> Self {
        let wanted = asked.options.has(O::RetainSafePrivate);
        let mut safe = Self {
            wanted,
            elements: Vec::new(),
            creators: Vec::new(),
        };
        if !wanted || data.iter().all(|element| !element.is_private()) {
            return safe;
        }
        let said = said(data);
        let mut last: Option<(Tag, String)> = None;
        for element in data
            .iter()
            .filter(|element| element.is_private() && !is_creator(element.tag))
        {
            let block = Tag(element.tag.group(), element.tag.element() >> 8);
            if last.as_ref().is_none_or(|(of, _)| *of != block) {
                last = data
                    .get(block)
                    .filter(|_| is_creator(block))
                    .map(|creator| (block, creator_text(creator, data)));
            }
            let Some((_, creator)) = &last else { continue };
            if let Some(known) = known(element, creator, &said) {
                safe.elements.push((element.tag, known));
                safe.creators.push(block);
            }
        }
        safe
    }

    /// Whether safe private elements stay at all.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }
}

/// What is known of an element; none where nothing says that it is safe, or its VR is not the one
/// that was looked at.
fn known(element: &Element, creator: &str, said: &[Said]) -> Option<Known> {
    let (group, number) = (element.tag.group(), element.tag.element() & 0xFF);
    let low = u8::try_from(number).ok()?;
    let listed = || standard::private_vr(creator, group, low).unwrap_or(VR::UN);
    let vr = if element.vr == VR::UN {
        listed()
    } else {
        element.vr
    };
    if let Some(said) = said
        .iter()
        .find(|said| said.group == group && said.creator == creator)
    {
        let action = said
            .actions
            .iter()
            .find(|(numbers, _)| numbers.contains(&number))
            .map(|(_, action)| *action);
        let safe = said.safe || said.nonidentifying.contains(&number);
        return (safe || action.is_some()).then_some(Known { vr, action });
    }
    let fits = standard::safe_private_vr(creator, group, low)
        .is_some_and(|listed| listed.is_none_or(|listed| listed == vr));
    fits.then_some(Known { vr, action: None })
}

/// What the Private Data Element Characteristics Sequence says.
fn said(data: &DataSet) -> Vec<Said> {
    let sequence = data.get(CHARACTERISTICS).and_then(Element::items);
    let read = |item: &DataSet, encoding: Encoding| {
        let text = |tag| Some(creator_text(item.get(tag)?, item));
        let actions = item
            .get(ACTIONS)
            .and_then(Element::items)
            .into_iter()
            .flat_map(|actions| &actions.items);
        let actions = actions.filter_map(|one| {
            let action = one.data.get(ACTION)?.bytes()?;
            // X, D, Z and U are what the standard allows here; whatever else is there removes.
            let code = match action.trim_ascii() {
                b"D" => ActionCode::Dummy,
                b"Z" => ActionCode::Zero,
                b"U" => ActionCode::Uid,
                _ => ActionCode::Remove,
            };
            Some((numbers(&one.data, IDENTIFYING, encoding), code))
        });
        Some(Said {
            group: *numbers(item, GROUP, encoding).first()?,
            creator: text(CREATOR)?,
            safe: text(STATUS).is_some_and(|status| status == "SAFE"),
            nonidentifying: numbers(item, NONIDENTIFYING, encoding),
            actions: actions.collect(),
        })
    };
    sequence
        .map(|all| {
            all.items
                .iter()
                .filter_map(|item| read(&item.data, all.encoding))
                .collect()
        })
        .unwrap_or_default()
}

fn numbers(data: &DataSet, tag: Tag, encoding: Encoding) -> Vec<u16> {
    let bytes = data.get(tag).and_then(Element::bytes);
    let words = bytes.into_iter().flat_map(|bytes| bytes.chunks_exact(2));
    words
        .filter_map(|word| word.first_chunk::<2>().map(|word| encoding.u16(*word)))
        .collect()
}

impl Work<'_> {
    pub(super) fn private(
        &mut self,
        element: &mut Element,
        place: Place<'_>,
        safe: &Safe,
    ) -> Result<Stays, DeidError> {
        if safe.creators.contains(&element.tag) {
            return Ok(Stays::Same);
        }
        match safe.elements.iter().find(|(tag, _)| *tag == element.tag) {
            Some((_, Known { vr, action: None })) => self.clean_private(element, *vr, place),
            Some((
                _,
                Known {
                    vr,
                    action: Some(action),
                },
            )) => Ok(self.as_the_file_says(element, *vr, *action)),
            None => Ok(Stays::Gone),
        }
    }

    /// What stays of a safe private element (Table E.1-1: C).
    fn clean_private(
        &mut self,
        element: &mut Element,
        vr: VR,
        place: Place<'_>,
    ) -> Result<Stays, DeidError> {
        if element.items().is_some() {
            return self.items(element, place);
        }
        let full = self.asked.options.has(O::RetainFullDates);
        let modified = self.asked.options.has(O::RetainModifiedDates);
        match vr {
            VR::DA | VR::DT | VR::TM if full => Ok(Stays::Same),
            VR::DA | VR::DT | VR::TM if modified => self.move_dates(element, vr, place),
            VR::DA | VR::DT | VR::TM | VR::SQ | VR::PN | VR::AE | VR::UR => Ok(Stays::Gone),
            VR::UI if !self.asked.options.has(O::RetainUids) => Ok(self.new_uids(element)),
            VR::UI | VR::CS => self.keep(element, vr, place),
            _ if is_text(vr) => self.clean_text(element, vr, place),
            _ => self.carry_out(
                element,
                vr,
                AttributeDecision {
                    code: ActionCode::Keep,
                    source: DecisionSource::Option(O::RetainSafePrivate),
                },
                place,
            ),
        }
    }

    fn as_the_file_says(&self, element: &mut Element, vr: VR, action: ActionCode) -> Stays {
        match action {
            ActionCode::Uid => self.new_uids(element),
            ActionCode::Zero => {
                element.value = Value::Bytes(Bytes::new());
                Stays::Changed
            }
            ActionCode::Dummy => match dummy::dummy(element.tag, vr) {
                Some(value) => {
                    element.value = Value::Bytes(Bytes::from_static(value));
                    Stays::Changed
                }
                None => Stays::Gone,
            },
            _ => Stays::Gone,
        }
    }
}
