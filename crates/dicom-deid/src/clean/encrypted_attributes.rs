//! The encrypted envelope of a file (PS3.15 annex E.1.2): what `encrypt` and `retain` put in, and
//! `decrypt` takes out.
//!
//! Owns the Modified Attributes Sequence inside and the Encrypted Attributes Sequence around it.
//! All state is of one file. Values leave a data set into the envelope and nowhere else. An
//! original that cannot be kept fails the file; what stands inside an envelope that came with a
//! file is as little trusted as the file.

use bytes::Bytes;
use dicom_dictionary_std::tags;
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Item, LengthForm, Limits, Tag, VR, Value,
    character_set_of, padded,
};

use crate::elements::element_value::is_plain;
use crate::elements::private_elements::{PrivateName, effective_vr};
use crate::elements::{CHARACTER_SET, ItemStep, is_pixel_data};
use crate::envelope::{EnvelopeError, EnvelopeKeys};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Action, DicomRules, has_character_set, is_number_text, is_text};
use crate::rules::action::{ActionEffect, ActionError, ActionScope, no_envelope, put};
use crate::rules::run::Envelopes;

/// The content's transfer syntax, in every file.
const INSIDE: Encoding = Encoding::EXPLICIT_LITTLE;
const INSIDE_UID: &[u8] = b"1.2.840.10008.1.2.1";

/// What a profile does with envelopes.
pub struct EnvelopeSettings {
    pub keys: EnvelopeKeys,
    /// Whether files get one.
    fills: bool,
    /// Whether the one that a file came with is opened.
    pub opens: bool,
    /// Whether it takes the original of all that is changed or removed.
    pub retains: bool,
}

impl EnvelopeSettings {
    /// None where the profile has nothing to do with envelopes.
    pub fn of(rules: &DicomRules) -> Option<Self> {
        let some = |action: &Action| {
            rules
                .fields
                .iter()
                .any(|rule| rule.action == *action)
        };
        let fills = rules.retain || some(&Action::Encrypt);
        let keys = rules.envelope.clone()?;
        Some(Self {
            keys,
            fills,
            opens: some(&Action::Decrypt),
            retains: rules.retain,
        })
    }

    /// The setting to be named for the envelope.
    pub fn setting(&self) -> &'static str {
        if self.retains { "retain" } else { "encrypt" }
    }

    /// An empty envelope for a file that nothing was done to, where files get one.
    pub fn new_envelope(&self, data: &DataSet) -> Option<NewEnvelope> {
        self.fills.then(|| NewEnvelope {
            item: DataSet::new(),
            charset: character_set_of(data, &CharacterSet::default()),
            charset_element: data.get(CHARACTER_SET).cloned(),
            charset_matters: false,
        })
    }

    /// The first envelope that a file came with, opened, where rules read it.
    pub fn opened_envelope(
        &self,
        data: &DataSet,
        limits: &Limits,
    ) -> Result<Option<OpenedEnvelope>, DeidError> {
        if !self.opens {
            return Ok(None);
        }
        let content = first_item(data, tags::ENCRYPTED_ATTRIBUTES_SEQUENCE)
            .and_then(|item| item.get(tags::ENCRYPTED_CONTENT))
            .and_then(Element::bytes)
            .ok_or_else(|| {
                DeidError::new(
                    DeidErrorKind::Envelope,
                    "it has none, and the profile decrypts",
                )
                .with_remedy("decrypt only files that this profile's key encrypted")
            })?;
        let plain = self
            .keys
            .open(content)
            .map_err(|why| failed(&why))?;
        // Whatever is wrong in there came from a wrong key or from damage, and its tags are not to
        // be named.
        let unreadable = || {
            DeidError::new(
                DeidErrorKind::Envelope,
                "it holds no data set that can be read",
            )
        };
        let inside = DataSet::from_bytes(&Bytes::from_owner(plain), INSIDE, limits)
            .map_err(|_| unreadable())?;
        let item = first_item(&inside, tags::MODIFIED_ATTRIBUTES_SEQUENCE)
            .ok_or_else(unreadable)?
            .clone();
        let charset = character_set_of(&item, &CharacterSet::default());
        Ok(Some(OpenedEnvelope { item, charset }))
    }
}

fn first_item(data: &DataSet, sequence: Tag) -> Option<&DataSet> {
    data.get(sequence)?
        .items()?
        .items
        .first()
        .map(|item| &item.data)
}

fn failed(why: &EnvelopeError) -> DeidError {
    DeidError::new(DeidErrorKind::Envelope, why.to_string())
}

fn uncarried() -> ActionError {
    ActionError::new(
        DeidErrorKind::Target,
        "the value cannot be carried between the file's encoding and the envelope's",
    )
}

/// Whether some text in the element can only be read with its data set's character set.
fn depends_on_character_set(element: &Element) -> bool {
    match &element.value {
        // Text of private elements is often unknown to the dictionary.
        Value::Bytes(bytes) => {
            (has_character_set(element.vr) || element.vr == VR::UN) && !is_plain(bytes)
        }
        Value::Items(sequence) => sequence.items.iter().any(|item| {
            item.data
                .get(CHARACTER_SET)
                .is_none()
                && item
                    .data
                    .iter()
                    .any(depends_on_character_set)
        }),
        Value::Fragments(_) => false,
    }
}

/// The element with its text in another character set, items that state their own excepted.
fn in_character_set(
    element: &Element,
    from: &CharacterSet,
    to: &CharacterSet,
) -> Result<Element, ActionError> {
    if from == to || !depends_on_character_set(element) {
        return Ok(element.clone());
    }
    let mut element = element.clone();
    match &mut element.value {
        Value::Bytes(bytes) if has_character_set(element.vr) => {
            let text = from.decode(bytes, element.vr == VR::PN);
            let unencodable = |_| {
                ActionError::new(
                    DeidErrorKind::Text,
                    "the value has characters that the character set lacks",
                )
            };
            *bytes = padded(
                element.vr,
                to.encode(&text)
                    .map_err(unencodable)?,
            );
        }
        Value::Items(sequence) => {
            for item in sequence
                .items
                .iter_mut()
                .filter(|item| {
                    item.data
                        .get(CHARACTER_SET)
                        .is_none()
                })
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

/// An envelope that is being filled.
pub struct NewEnvelope {
    item: DataSet,
    /// The file's own Specific Character Set as it was read, which text in the envelope follows.
    charset: CharacterSet,
    charset_element: Option<Element>,
    /// Whether some text in the envelope depends on it.
    charset_matters: bool,
}

impl NewEnvelope {
    /// Moves an element into the envelope.
    pub fn encrypt(
        &mut self,
        data: &mut DataSet,
        tag: Tag,
        scope: ActionScope<'_>,
        character_set_changed: bool,
    ) -> Result<ActionEffect, ActionError> {
        let Some(element) = data.get(tag) else {
            return Ok(ActionEffect::Unchanged);
        };
        if character_set_changed && depends_on_character_set(element) {
            let why = "the value is written in a character set that an earlier rule changed";
            return Err(ActionError::new(DeidErrorKind::Text, why));
        }
        let own = character_set_of(data, scope.inherited);
        self.add(element, data, scope.encoding, &own)?;
        data.remove(tag);
        Ok(ActionEffect::Changed)
    }

    /// Puts an element of a data set in, which has this encoding and character set. Of several with
    /// one tag, wherever they were, the first stays: the envelope has one level.
    pub fn add(
        &mut self,
        element: &Element,
        data: &DataSet,
        encoding: Encoding,
        own: &CharacterSet,
    ) -> Result<(), ActionError> {
        let foreign =
            element.tag == CHARACTER_SET && self.charset_element.as_ref() != Some(element);
        if foreign || self.item.get(element.tag).is_some() {
            return Ok(());
        }
        if is_pixel_data(element.tag) {
            return Err(ActionError::new(
                DeidErrorKind::Target,
                "pixel data cannot be kept in the encrypted envelope",
            ));
        }
        let inside = element
            .recoded(encoding, INSIDE)
            .ok_or_else(uncarried)?;
        let inside = Element {
            vr: known_vr(&inside, data, encoding),
            ..inside
        };
        let inside = in_character_set(&inside, own, &self.charset)?;
        self.charset_matters |= depends_on_character_set(&inside);
        self.item.put(inside);
        Ok(())
    }

    /// Puts in what `after` lacks of `before`; with `changed`, also what it holds otherwise.
    pub fn add_differences(
        &mut self,
        before: &DataSet,
        after: &DataSet,
        encoding: Encoding,
        changed: bool,
    ) -> Result<(), DeidError> {
        let inherited = self.charset.clone();
        self.differences(before, after, encoding, &inherited, changed)
    }

    fn differences(
        &mut self,
        before: &DataSet,
        after: &DataSet,
        encoding: Encoding,
        inherited: &CharacterSet,
        changed: bool,
    ) -> Result<(), DeidError> {
        let own = character_set_of(before, inherited);
        let mut deeper = Vec::new();
        // Of the envelope that a file came with, nothing is put into the new one.
        for old in before
            .iter()
            .filter(|old| old.tag != tags::ENCRYPTED_ATTRIBUTES_SEQUENCE)
        {
            let gone = match (after.get(old.tag), old.items()) {
                (None, _) => true,
                (Some(new), Some(items))
                    if new
                        .items()
                        .is_some_and(|new| new.items.len() >= items.items.len()) =>
                {
                    deeper.push((items, new));
                    false
                }
                (Some(new), _) => changed && new != old,
            };
            if gone {
                self.add(old, before, encoding, &own)
                    .map_err(|error| error.of("`retain`", old.tag))?;
            }
        }
        for (old, new) in deeper {
            let new = new
                .items()
                .into_iter()
                .flat_map(|sequence| &sequence.items);
            for (old_item, new_item) in old.items.iter().zip(new) {
                self.differences(&old_item.data, &new_item.data, old.encoding, &own, changed)?;
            }
        }
        Ok(())
    }

    /// The element that holds the sealed envelope, for a data set of this encoding.
    pub fn seal(
        mut self,
        keys: &EnvelopeKeys,
        encoding: Encoding,
        limits: &Limits,
    ) -> Result<Element, DeidError> {
        if let (true, Some(charset)) = (self.charset_matters, self.charset_element) {
            self.item.put(charset);
        }
        let mut holder = Element::sequence(tags::MODIFIED_ATTRIBUTES_SEQUENCE, Vec::new(), INSIDE);
        if let Some(sequence) = holder.items_mut() {
            sequence.length = LengthForm::Defined;
            sequence.items.push(Item {
                data: self.item,
                length: LengthForm::Defined,
            });
        }
        let plain =
            zeroize::Zeroizing::new(DataSet::from_elements(vec![holder]).to_bytes(INSIDE, limits)?);
        let sealed = keys
            .seal(&plain)
            .map_err(|why| failed(&why))?;
        let item = DataSet::from_elements(vec![
            Element::new(
                tags::ENCRYPTED_CONTENT_TRANSFER_SYNTAX_UID,
                VR::UI,
                padded(VR::UI, INSIDE_UID.to_vec()),
            ),
            Element::new(tags::ENCRYPTED_CONTENT, VR::OB, padded(VR::OB, sealed)),
        ]);
        Ok(Element::sequence(
            tags::ENCRYPTED_ATTRIBUTES_SEQUENCE,
            vec![item],
            encoding,
        ))
    }
}

/// An implicit file states no VR; inside the envelope, where its creator may be missing, a private
/// element has the one that is known for it.
fn known_vr(element: &Element, data: &DataSet, encoding: Encoding) -> VR {
    let unstated = !encoding.explicit
        && element
            .bytes()
            .is_some_and(|bytes| bytes.len() < usize::from(u16::MAX));
    if unstated {
        effective_vr(element, data)
    } else {
        element.vr
    }
}

/// An envelope that came with the file, opened.
pub struct OpenedEnvelope {
    /// Its one level.
    pub item: DataSet,
    charset: CharacterSet,
}

impl OpenedEnvelope {
    /// The element that the envelope has at a place, if it has a value.
    fn get(&self, items: &[(Tag, usize)], tag: Tag) -> Option<(&Element, CharacterSet)> {
        let (mut data, mut charset) = (&self.item, self.charset.clone());
        for (sequence, index) in items {
            data = &data
                .get(*sequence)?
                .items()?
                .items
                .get(*index)?
                .data;
            charset = character_set_of(data, &charset);
        }
        let element = data.get(tag)?;
        (!is_blank(element)).then_some((element, charset))
    }

    /// Whether the envelope has a value for this place.
    pub fn holds(&self, items: &[(Tag, usize)], tag: Tag) -> bool {
        self.get(items, tag).is_some()
    }

    /// Gives an element the value that the envelope has for its place, which `items` lead to.
    /// Without one it stays as it is.
    pub fn decrypt(
        &self,
        data: &mut DataSet,
        items: &[(Tag, usize)],
        tag: Tag,
        scope: ActionScope<'_>,
    ) -> Result<ActionEffect, ActionError> {
        let Some((stored, charset)) = self.get(items, tag) else {
            return Ok(ActionEffect::Unchanged);
        };
        if is_pixel_data(tag) {
            return Err(ActionError::new(
                DeidErrorKind::Target,
                "pixel data can be kept or removed, nothing else",
            ));
        }
        let own = character_set_of(data, scope.inherited);
        let outside = stored
            .recoded(INSIDE, scope.encoding)
            .ok_or_else(uncarried)?;
        Ok(put(data, in_character_set(&outside, &charset, &own)?))
    }
}

/// The envelope that a file gets, and the one that it came with.
#[derive(Default)]
pub struct FileEnvelopes {
    /// Where the profile makes one.
    pub new: Option<NewEnvelope>,
    /// Where the profile opens it.
    pub opened: Option<OpenedEnvelope>,
}

impl Envelopes for FileEnvelopes {
    fn encrypt(
        &mut self,
        data: &mut DataSet,
        tag: Tag,
        scope: ActionScope<'_>,
        character_set_changed: bool,
    ) -> Result<ActionEffect, ActionError> {
        self.new
            .as_mut()
            .ok_or_else(no_envelope)?
            .encrypt(data, tag, scope, character_set_changed)
    }

    fn decrypt(
        &self,
        data: &mut DataSet,
        items: &[ItemStep],
        tag: Tag,
        scope: ActionScope<'_>,
    ) -> Result<ActionEffect, ActionError> {
        self.opened
            .as_ref()
            .ok_or_else(no_envelope)?
            .decrypt(data, items, tag, scope)
    }

    fn holds(&self, items: &[ItemStep], tag: Tag) -> bool {
        self.opened
            .as_ref()
            .is_some_and(|envelope| envelope.holds(items, tag))
    }

    fn private_tag(&self, name: PrivateName<'_>) -> Option<Tag> {
        name.tags(&self.opened.as_ref()?.item)
            .first()
            .copied()
    }
}

/// Whether an element has no value, padding left out.
fn is_blank(element: &Element) -> bool {
    let textual = is_text(element.vr) || is_number_text(element.vr);
    let padding = |byte: &u8| textual && matches!(byte, 0 | b' ');
    element
        .bytes()
        .is_some_and(|bytes| bytes.iter().all(padding))
}

#[cfg(test)]
mod tests;
