//! The envelope that a file gets: what `encrypt` and `retain` put in.
//!
//! Owns which original goes in, and how. An original that cannot be kept fails the file.

use super::{
    ENCRYPTED_ATTRIBUTES, ENCRYPTED_CONTENT, ENCRYPTED_SYNTAX, INSIDE, INSIDE_UID,
    MODIFIED_ATTRIBUTES, depends_on_character_set, failed, in_character_set, is_pixel_data,
    uncarried,
};
use crate::clean::act::{CHARACTER_SET, Misstep, effective_vr};
use crate::envelope::EnvelopeKeys;
use crate::error::{DeidError, DeidErrorKind};
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Item, LengthForm, Limits, VR, character_set_of,
    padded,
};

/// An envelope that is being filled.
pub(in crate::clean) struct Filling {
    item: DataSet,
    /// The file's own Specific Character Set as it was read, which text in the envelope follows.
    charset: CharacterSet,
    charset_element: Option<Element>,
    /// Whether some text in the envelope depends on it.
    charset_matters: bool,
}

impl Filling {
    /// An empty envelope for a file that nothing was done to.
    pub(in crate::clean) fn new(data: &DataSet) -> Self {
        Self {
            item: DataSet::new(),
            charset: character_set_of(data, &CharacterSet::default()),
            charset_element: data.get(CHARACTER_SET).cloned(),
            charset_matters: false,
        }
    }

    /// Puts an element of a data set in, which has this encoding and character set. Of several with
    /// one tag, wherever they were, the first stays: the envelope has one level.
    pub(in crate::clean) fn add(
        &mut self,
        element: &Element,
        data: &DataSet,
        encoding: Encoding,
        own: &CharacterSet,
    ) -> Result<(), Misstep> {
        let foreign =
            element.tag == CHARACTER_SET && self.charset_element.as_ref() != Some(element);
        if foreign || self.item.get(element.tag).is_some() {
            return Ok(());
        }
        if is_pixel_data(element.tag) {
            return Err(Misstep::new(
                DeidErrorKind::Target,
                "pixel data cannot be kept in the encrypted envelope",
            ));
        }
        let inside = element.recoded(encoding, INSIDE).ok_or_else(uncarried)?;
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
    pub(in crate::clean) fn add_differences(
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
        for old in before.iter().filter(|old| old.tag != ENCRYPTED_ATTRIBUTES) {
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
                    .map_err(|misstep| misstep.of("`retain`", old.tag))?;
            }
        }
        for (old, new) in deeper {
            let new = new.items().into_iter().flat_map(|sequence| &sequence.items);
            for (old_item, new_item) in old.items.iter().zip(new) {
                self.differences(&old_item.data, &new_item.data, old.encoding, &own, changed)?;
            }
        }
        Ok(())
    }

    /// The element that holds the sealed envelope, for a data set of this encoding.
    pub(in crate::clean) fn seal(
        mut self,
        keys: &EnvelopeKeys,
        encoding: Encoding,
        limits: &Limits,
    ) -> Result<Element, DeidError> {
        if let (true, Some(charset)) = (self.charset_matters, self.charset_element) {
            self.item.put(charset);
        }
        let mut holder = Element::sequence(MODIFIED_ATTRIBUTES, Vec::new(), INSIDE);
        if let Some(sequence) = holder.items_mut() {
            sequence.length = LengthForm::Defined;
            sequence.items.push(Item {
                data: self.item,
                length: LengthForm::Defined,
            });
        }
        let plain =
            zeroize::Zeroizing::new(DataSet::from_elements(vec![holder]).to_bytes(INSIDE, limits)?);
        let sealed = keys.seal(&plain).map_err(|why| failed(&why))?;
        let item = DataSet::from_elements(vec![
            Element::new(
                ENCRYPTED_SYNTAX,
                VR::UI,
                padded(VR::UI, INSIDE_UID.to_vec()),
            ),
            Element::new(ENCRYPTED_CONTENT, VR::OB, padded(VR::OB, sealed)),
        ]);
        Ok(Element::sequence(
            ENCRYPTED_ATTRIBUTES,
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
