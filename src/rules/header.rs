//! Headers as rules see them: the original one, which decides, and the one after cleaning, from
//! which values come. Two types, so that neither is taken for the other.

use dicom_deid::HeaderAsSent;
use dicom_lossless::{CharacterSet, Instance, Tag, character_set_of, values};
use import_rules::{CleanedHeader, HeaderField, OriginalHeader};

/// The header of a file as it was found.
pub struct Original<'a> {
    instance: &'a Instance,
    charset: CharacterSet,
}

impl<'a> Original<'a> {
    /// Of an instance as it was read.
    pub fn of(instance: &'a Instance) -> Self {
        let charset = character_set_of(&instance.header, &CharacterSet::default());
        Self { instance, charset }
    }
}

impl OriginalHeader for Original<'_> {
    fn original_values(&self, field: &HeaderField) -> Vec<String> {
        values_of(field, |tag| {
            self.instance
                .get(tag)
                .map(|element| values(element, self.instance.syntax.encoding, &self.charset))
                .unwrap_or_default()
        })
    }
}

/// The header of a file as it is sent.
#[derive(Debug)]
pub struct Cleaned(pub Box<HeaderAsSent>);

impl CleanedHeader for Cleaned {
    fn cleaned_values(&self, field: &HeaderField) -> Vec<String> {
        values_of(field, |tag| self.0.values(tag))
    }
}

fn values_of(field: &HeaderField, of: impl Fn(Tag) -> Vec<String>) -> Vec<String> {
    let (group, element, creator) = match field {
        HeaderField::Standard(tag) => return of(*tag),
        HeaderField::Private {
            group,
            element,
            creator,
        } => (*group, *element, creator),
    };
    // The elements that reserve blocks of a group (PS3.5 section 7.8.1).
    let block = (0x10..=0xff).find(|block| of(Tag(group, *block)).first() == Some(creator));
    block
        .map(|block| of(Tag(group, block << 8 | u16::from(element))))
        .unwrap_or_default()
}
