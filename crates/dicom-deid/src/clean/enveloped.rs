//! The encrypted envelope of a file (PS3.15 annex E.1.2): what `encrypt` and `retain` put in, and
//! `decrypt` takes out.
//!
//! Owns the Modified Attributes Sequence inside and the Encrypted Attributes Sequence around it.
//! All state is of one file. Values leave a data set into the envelope and nowhere else.

mod filling;
mod opened;

pub(super) use filling::Filling;
pub(super) use opened::Opened;

use super::act::{CHARACTER_SET, Done, Misstep, Scope, put};
use super::apply::{Compiled, Rules, Run};
use super::private::PrivateName;
use super::text::is_plain;
use crate::envelope::{EnvelopeError, EnvelopeKeys};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Action, DicomRules, ItemChoice, SequencePath, has_character_set};
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Limits, Tag, VR, Value, character_set_of, padded,
};

const ENCRYPTED_ATTRIBUTES: Tag = Tag(0x0400, 0x0500);
const ENCRYPTED_SYNTAX: Tag = Tag(0x0400, 0x0510);
const ENCRYPTED_CONTENT: Tag = Tag(0x0400, 0x0520);
const MODIFIED_ATTRIBUTES: Tag = Tag(0x0400, 0x0550);
/// The content's transfer syntax, in every file.
const INSIDE: Encoding = Encoding::EXPLICIT_LITTLE;
const INSIDE_UID: &[u8] = b"1.2.840.10008.1.2.1";

/// What a profile does with envelopes.
pub(super) struct Handling {
    keys: EnvelopeKeys,
    /// Whether files get one.
    fills: bool,
    /// Whether the one that a file came with is opened.
    opens: bool,
    /// Whether it takes the original of all that is changed or removed.
    retains: bool,
}

impl Handling {
    /// None where the profile has nothing to do with envelopes.
    pub(super) fn of(rules: &DicomRules) -> Option<Self> {
        let some = |action: &Action| rules.fields.iter().any(|rule| rule.action == *action);
        let fills = rules.retain || some(&Action::Encrypt);
        let keys = rules.envelope.clone()?;
        Some(Self {
            keys,
            fills,
            opens: some(&Action::Decrypt),
            retains: rules.retain,
        })
    }

    /// Whether rules read the envelope that a file came with.
    pub(super) fn opens(&self) -> bool {
        self.opens
    }

    /// To be called before anything is done to a file. Gives the data set as it is, where originals
    /// are retained.
    pub(super) fn begin(
        &self,
        data: &DataSet,
        run: &mut Run,
        limits: &Limits,
    ) -> Result<Option<DataSet>, DeidError> {
        run.filling = self.fills.then(|| Filling::new(data));
        if self.opens {
            run.opened = Some(Opened::of(data, &self.keys, limits)?);
        }
        Ok(self.retains.then(|| data.clone()))
    }

    /// To be called when everything is done: puts the envelope into the data set, in the place of
    /// one that was there. A file to which nothing was done, by a profile without rules, gets none.
    pub(super) fn end(
        &self,
        data: &mut DataSet,
        encoding: Encoding,
        run: &mut Run,
        limits: &Limits,
        no_rules: bool,
    ) -> Result<(), DeidError> {
        let Some(filling) = run.filling.take().filter(|_| !no_rules || run.changed > 0) else {
            return Ok(());
        };
        let sealed = filling.seal(&self.keys, encoding, limits)?;
        run.step(
            if self.retains { "retain" } else { "encrypt" },
            data,
            |data| {
                data.put(sealed);
                1
            },
        );
        Ok(())
    }
}

impl Run {
    /// Puts into the envelope what is no longer there, and takes the data set as it is now for what
    /// follows.
    pub(super) fn retain_removed(
        &mut self,
        before: &mut DataSet,
        after: &DataSet,
        encoding: Encoding,
    ) -> Result<(), DeidError> {
        if let Some(filling) = &mut self.filling {
            filling.add_differences(before, after, encoding, false)?;
        }
        before.clone_from(after);
        Ok(())
    }

    /// Puts into the envelope what is no longer there or no longer the same.
    pub(super) fn retain_changed(
        &mut self,
        before: &DataSet,
        after: &DataSet,
        encoding: Encoding,
    ) -> Result<(), DeidError> {
        self.filling.as_mut().map_or(Ok(()), |filling| {
            filling.add_differences(before, after, encoding, true)
        })
    }

    /// Moves an element into the envelope.
    pub(super) fn encrypt(
        &mut self,
        data: &mut DataSet,
        tag: Tag,
        scope: Scope<'_>,
    ) -> Result<Done, Misstep> {
        let Some(element) = data.get(tag) else {
            return Ok(Done::Nothing);
        };
        let filling = self.filling.as_mut().ok_or_else(no_envelope)?;
        if self.character_set_changed && depends_on_character_set(element) {
            let why = "the value is written in a character set that an earlier rule changed";
            return Err(Misstep::new(DeidErrorKind::Text, why));
        }
        filling.add(
            element,
            data,
            scope.encoding,
            &character_set_of(data, scope.inherited),
        )?;
        data.remove(tag);
        Ok(Done::Changed)
    }

    /// Gives an element the value that the envelope has for its place. Without one it stays as it
    /// is.
    pub(super) fn decrypt(
        &self,
        data: &mut DataSet,
        tag: Tag,
        scope: Scope<'_>,
    ) -> Result<Done, Misstep> {
        let opened = self.opened.as_ref().ok_or_else(no_envelope)?;
        let own = character_set_of(data, scope.inherited);
        let restored = opened.element(&self.at, tag, scope.encoding, &own)?;
        Ok(restored.map_or(Done::Nothing, |element| put(data, element)))
    }
}

impl Rules {
    /// Restores a private element of the outermost data set, with its creator if that went into the
    /// envelope as well.
    pub(super) fn restore_private(
        &self,
        rule: &Compiled,
        name: &PrivateName,
        data: &mut DataSet,
        scope: Scope<'_>,
        run: &mut Run,
    ) -> Result<Option<Tag>, DeidError> {
        let kept: Vec<Tag> = run
            .opened
            .as_ref()
            .map(|opened| name.tags(opened.item()))
            .unwrap_or_default();
        if let (true, Some(tag)) = (name.tags(data).is_empty(), kept.first()) {
            let creator = Tag(tag.group(), tag.element() >> 8);
            if data.get(creator).is_none() {
                self.on(rule, data, creator, scope, run)?;
            }
        }
        for tag in name.tags(data) {
            self.on(rule, data, tag, scope, run)?;
        }
        Ok(None)
    }

    /// Restores what a path leads to, making the items on the way only where the envelope has a
    /// value for their end.
    pub(super) fn restore_along(
        &self,
        rule: &Compiled,
        path: &SequencePath,
        data: &mut DataSet,
        scope: Scope<'_>,
        run: &mut Run,
    ) -> Result<Option<Tag>, DeidError> {
        let mut made = None;
        for items in places(data, path) {
            if run
                .opened
                .as_ref()
                .is_some_and(|opened| opened.holds(&items, path.leaf))
            {
                let steps: Vec<_> = items
                    .iter()
                    .map(|(tag, index)| (*tag, ItemChoice::At(*index)))
                    .collect();
                made = self
                    .along(rule, data, &steps, path.leaf, scope, run)?
                    .or(made);
            }
        }
        Ok(made)
    }
}

/// The items to enter, one after another: the sequence and the item's number from 0.
type Steps = Vec<(Tag, usize)>;

/// The items that a path leads through: those that are there where it says "every", else the one
/// that it names.
fn places(data: &DataSet, path: &SequencePath) -> Vec<Steps> {
    let mut places: Vec<(Steps, Option<&DataSet>)> = vec![(Vec::new(), Some(data))];
    for (tag, choice) in &path.sequences {
        let deeper = places.into_iter().flat_map(|(steps, data)| {
            let sequence = data
                .and_then(|data| data.get(*tag))
                .and_then(Element::items);
            let indices = match choice {
                ItemChoice::At(index) => *index..*index + 1,
                ItemChoice::Every => 0..sequence.map_or(0, |sequence| sequence.items.len()),
            };
            indices.map(move |index| {
                let inside = sequence
                    .and_then(|sequence| sequence.items.get(index))
                    .map(|item| &item.data);
                (
                    steps
                        .iter()
                        .copied()
                        .chain([(*tag, index)])
                        .collect::<Steps>(),
                    inside,
                )
            })
        });
        places = deeper.collect();
    }
    places.into_iter().map(|(steps, _)| steps).collect()
}

fn no_envelope() -> Misstep {
    Misstep::new(DeidErrorKind::Rule, "there is no envelope")
}

fn failed(why: &EnvelopeError) -> DeidError {
    DeidError::new(DeidErrorKind::Envelope, why.to_string())
}

fn uncarried() -> Misstep {
    Misstep::new(
        DeidErrorKind::Target,
        "the value cannot be carried between the file's encoding and the envelope's",
    )
}

fn is_pixel_data(tag: Tag) -> bool {
    matches!(tag, Tag(0x7FE0, 0x0008..=0x0010))
}

/// Whether some text in the element can only be read with its data set's character set.
fn depends_on_character_set(element: &Element) -> bool {
    match &element.value {
        // Text of private elements is often unknown to the dictionary.
        Value::Bytes(bytes) => {
            (has_character_set(element.vr) || element.vr == VR::UN) && !is_plain(bytes)
        }
        Value::Items(sequence) => sequence.items.iter().any(|item| {
            item.data.get(CHARACTER_SET).is_none() && item.data.iter().any(depends_on_character_set)
        }),
        Value::Fragments(_) => false,
    }
}

/// The element with its text in another character set, items that state their own excepted.
fn in_character_set(
    element: &Element,
    from: &CharacterSet,
    to: &CharacterSet,
) -> Result<Element, Misstep> {
    if from == to || !depends_on_character_set(element) {
        return Ok(element.clone());
    }
    let mut element = element.clone();
    match &mut element.value {
        Value::Bytes(bytes) if has_character_set(element.vr) => {
            let text = from.decode(bytes, element.vr == VR::PN);
            let unencodable = |_| {
                Misstep::new(
                    DeidErrorKind::Text,
                    "the value has characters that the character set lacks",
                )
            };
            *bytes = padded(element.vr, to.encode(&text).map_err(unencodable)?);
        }
        Value::Items(sequence) => {
            for item in sequence
                .items
                .iter_mut()
                .filter(|item| item.data.get(CHARACTER_SET).is_none())
            {
                for nested in &mut item.data {
                    *nested = in_character_set(nested, from, to)?;
                }
            }
        }
        Value::Bytes(_) | Value::Fragments(_) => {}
    }
    Ok(element)
}

#[cfg(test)]
mod tests;
