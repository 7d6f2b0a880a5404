//! The envelope that a file came with: what `decrypt` takes out.
//!
//! Owns its opening. What stands inside is as little trusted as the file.

use bytes::Bytes;

use super::{
    ENCRYPTED_ATTRIBUTES, ENCRYPTED_CONTENT, INSIDE, MODIFIED_ATTRIBUTES, failed, in_character_set,
    is_pixel_data, uncarried,
};
use crate::clean::act::Misstep;
use crate::envelope::EnvelopeKeys;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{is_number_text, is_text};
use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, Limits, Tag, character_set_of};

/// An envelope that came with the file, opened.
pub(in crate::clean) struct Opened {
    item: DataSet,
    charset: CharacterSet,
}

impl Opened {
    /// Opens the first envelope of a file.
    pub(in crate::clean) fn of(
        data: &DataSet,
        keys: &EnvelopeKeys,
        limits: &Limits,
    ) -> Result<Self, DeidError> {
        let item = data
            .get(ENCRYPTED_ATTRIBUTES)
            .and_then(Element::items)
            .and_then(|sequence| sequence.items.first());
        let content = item
            .and_then(|item| item.data.get(ENCRYPTED_CONTENT))
            .and_then(Element::bytes);
        let missing = || {
            DeidError::new(
                DeidErrorKind::Envelope,
                "it has none, and the profile decrypts",
            )
        };
        let content = content.ok_or_else(|| {
            missing().with_remedy("decrypt only files that this profile's key encrypted")
        })?;
        let plain = Bytes::from_owner(keys.open(content).map_err(|why| failed(&why))?);
        // Whatever is wrong in there came from a wrong key or from damage, and its tags are not to
        // be named.
        let unreadable = || {
            DeidError::new(
                DeidErrorKind::Envelope,
                "it holds no data set that can be read",
            )
        };
        let inside = DataSet::from_bytes(&plain, INSIDE, limits).map_err(|_| unreadable())?;
        let item = inside
            .get(MODIFIED_ATTRIBUTES)
            .and_then(Element::items)
            .and_then(|sequence| sequence.items.first());
        let item = item.ok_or_else(unreadable)?.data.clone();
        let charset = character_set_of(&item, &CharacterSet::default());
        Ok(Self { item, charset })
    }

    /// The element that the envelope has at a place, if it has a value.
    fn get(&self, items: &[(Tag, usize)], tag: Tag) -> Option<(&Element, CharacterSet)> {
        let (mut data, mut charset) = (&self.item, self.charset.clone());
        for (sequence, index) in items {
            data = &data.get(*sequence)?.items()?.items.get(*index)?.data;
            charset = character_set_of(data, &charset);
        }
        let element = data.get(tag)?;
        (!is_blank(element)).then_some((element, charset))
    }

    /// Whether the envelope has a value for this place.
    pub(in crate::clean) fn holds(&self, items: &[(Tag, usize)], tag: Tag) -> bool {
        self.get(items, tag).is_some()
    }

    /// The envelope's one level, for names that depend on what else is there.
    pub(in crate::clean) fn item(&self) -> &DataSet {
        &self.item
    }

    /// The element for a place, as a data set of this encoding and character set holds it; none
    /// where the envelope has no value for it.
    pub(in crate::clean) fn element(
        &self,
        items: &[(Tag, usize)],
        tag: Tag,
        encoding: Encoding,
        own: &CharacterSet,
    ) -> Result<Option<Element>, Misstep> {
        let Some((stored, charset)) = self.get(items, tag) else {
            return Ok(None);
        };
        if is_pixel_data(tag) {
            return Err(Misstep::new(
                DeidErrorKind::Target,
                "pixel data can be kept or removed, nothing else",
            ));
        }
        let outside = stored.recoded(INSIDE, encoding).ok_or_else(uncarried)?;
        in_character_set(&outside, &charset, own).map(Some)
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
