//! Coded entries (PS3.3 section 8): what of a code may stay.
//!
//! A code of a published scheme says no more than its meaning, where the tables of the standard
//! give it that very meaning. Everything else that stands in a coded entry was typed by people:
//! meanings keep known words, designators and codes that may be names become keyed ones, so that
//! different ones stay different. Nothing is trusted by the name of its scheme.

use dicom_dictionary_std::tags::{
    CODE_MEANING, CODE_VALUE, CODING_SCHEME_DESIGNATOR, CODING_SCHEME_EXTERNAL_ID,
    CODING_SCHEME_NAME, CODING_SCHEME_REGISTRY, CODING_SCHEME_RESOURCES_SEQUENCE,
    CODING_SCHEME_UID, CODING_SCHEME_VERSION, CONTEXT_UID, EXTENDED_CODE_VALUE, LONG_CODE_VALUE,
    MAPPING_RESOURCE_UID, URN_CODE_VALUE,
};
use dicom_lossless::{DataSet, Element, VR};

use super::identifiers::Identifiers;
use super::{DataSetContext, ElementEffect, InstanceCleaner, Removed, Unchanged, put_text};
use crate::elements::element_value::without_padding;
use crate::elements::temporal;
use crate::elements::uid_text::is_uid;
use crate::error::DeidError;
use crate::standard::confidentiality::ConfidentialityOption as O;
use crate::standard::{self, is_known_word};

/// The arcs of UIDs under which schemes, context groups and mappings are published: DICOM's own,
/// and that of the coding systems which HL7 registers.
const PUBLISHED_ARCS: [&str; 2] = ["1.2.840.10008.", "2.16.840.1.113883.6."];
/// Modalities that codes of procedures begin with.
const MODALITIES: [&str; 14] = [
    "ct", "mri", "mr", "us", "xr", "cr", "dx", "mg", "nm", "pet", "pt", "rf", "xa", "io",
];
/// Up to this many letters side by side are a short form rather than a name.
const SHORT_FORM: usize = 3;

/// What is known of the code that a data set is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodedEntry {
    /// Its scheme is a published one.
    published: bool,
    /// The published scheme gives the code that it has the meaning that it has.
    known: bool,
}

impl CodedEntry {
    /// What is known of a coded entry, or of an item that describes a coding scheme; none of any
    /// other data set.
    pub fn of(data: &DataSet) -> Option<Self> {
        if data
            .iter()
            .next()
            .is_none_or(|first| first.tag > URN_CODE_VALUE)
        {
            return None;
        }
        let text = |tag| {
            data.get(tag)
                .and_then(Element::bytes)
                .map(|bytes| plain(bytes))
        };
        let (meaning, scheme) = (text(CODE_MEANING), text(CODING_SCHEME_DESIGNATOR));
        meaning
            .or(scheme)
            .or_else(|| text(URN_CODE_VALUE))
            .or_else(|| text(LONG_CODE_VALUE))?;
        let published = scheme
            .flatten()
            .is_some_and(standard::is_published_scheme);
        let is_known = |tag| {
            let (Some(Some(scheme)), Some(Some(meaning)), Some(Some(value))) =
                (scheme, meaning, text(tag))
            else {
                return false;
            };
            standard::is_meaning_of(scheme, value, meaning)
        };
        // Where two values stand there, one of them is no code.
        let values = [
            CODE_VALUE,
            EXTENDED_CODE_VALUE,
            LONG_CODE_VALUE,
            URN_CODE_VALUE,
        ]
        .into_iter()
        .filter(|tag| data.get(*tag).is_some());
        let known = published && values.clone().count() == 1 && values.into_iter().all(is_known);
        Some(Self { published, known })
    }
}

/// A value as text, without padding; none where it is not of the default repertoire or UTF-8.
fn plain(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .map(|text| text.trim_matches([' ', '\0']))
}

impl InstanceCleaner<'_> {
    /// Does with an element what a coded entry asks for; none where it is treated like any other.
    pub fn clean_code_part(
        &mut self,
        element: &mut Element,
        code: CodedEntry,
        context: DataSetContext<'_>,
    ) -> Result<Option<ElementEffect>, DeidError> {
        let uids_stay = self
            .settings
            .options
            .has(O::RetainUids);
        Ok(Some(match element.tag {
            CODE_MEANING | CODE_VALUE | EXTENDED_CODE_VALUE | LONG_CODE_VALUE if code.known => {
                Unchanged
            }
            CODING_SCHEME_DESIGNATOR => self.scheme(element),
            CODE_VALUE | EXTENDED_CODE_VALUE | LONG_CODE_VALUE => self.code_value(element, code),
            URN_CODE_VALUE => self.urn(element),
            CODING_SCHEME_VERSION if is_version(element, &self.identifiers) => Unchanged,
            CODING_SCHEME_UID | CONTEXT_UID | MAPPING_RESOURCE_UID if is_published_uid(element) => {
                Unchanged
            }
            CODING_SCHEME_UID | CONTEXT_UID | MAPPING_RESOURCE_UID if uids_stay => {
                self.keep(element, VR::UI, context)?
            }
            CODING_SCHEME_UID | CONTEXT_UID | MAPPING_RESOURCE_UID => self.replace_uids(element),
            CODING_SCHEME_REGISTRY | CODING_SCHEME_EXTERNAL_ID | CODING_SCHEME_NAME
                if code.published =>
            {
                let vr = element.vr;
                self.clean_text(element, vr, context)?
            }
            CODING_SCHEME_VERSION
            | CODING_SCHEME_REGISTRY
            | CODING_SCHEME_EXTERNAL_ID
            | CODING_SCHEME_NAME
            | CODING_SCHEME_RESOURCES_SEQUENCE => Removed,
            _ => return Ok(None),
        }))
    }

    /// The designator of a published scheme, or of a product's, stays. Any other is mostly the name
    /// of the site.
    fn scheme(&self, element: &mut Element) -> ElementEffect {
        let Some(bytes) = element.bytes() else {
            return Removed;
        };
        let text = plain(bytes).unwrap_or("?");
        let local = text
            .strip_prefix("99")
            .map(str::to_ascii_lowercase);
        let is_product = local.is_some_and(|name| {
            name == "local" || (is_known_word(&name) && !self.identifiers.has_word(&name))
        });
        if text.is_empty() || text == "L" || is_product || standard::is_published_scheme(text) {
            return Unchanged;
        }
        let new = self
            .key
            .coding_scheme(bytes.trim_ascii_end());
        put_text(element, &new)
    }

    /// A code that may be a name, a date or an identifier becomes one that only distinguishes codes.
    fn code_value(&self, element: &mut Element, code: CodedEntry) -> ElementEffect {
        let Some(bytes) = element.bytes() else {
            return Removed;
        };
        let is_plain =
            plain(bytes).is_some_and(|text| is_plain_code(text, &self.identifiers, code.published));
        if is_plain || without_padding(bytes).is_empty() {
            return Unchanged;
        }
        let new = self
            .key
            .code(bytes.trim_ascii_end());
        put_text(element, &new)
    }

    /// The URN of a published object identifier stays; any other becomes that of a new one.
    fn urn(&self, element: &mut Element) -> ElementEffect {
        let Some(bytes) = element.bytes() else {
            return Removed;
        };
        let uid = plain(bytes).and_then(|text| text.strip_prefix("urn:oid:"));
        if uid.is_some_and(|uid| {
            is_published_arc(uid)
                || self
                    .settings
                    .options
                    .has(O::RetainUids)
                    && is_uid(uid.as_bytes())
        }) {
            return Unchanged;
        }
        let new = self
            .key
            .uid(uid.map_or(bytes.trim_ascii_end(), str::as_bytes));
        put_text(element, &format!("urn:oid:{new}"))
    }
}

fn is_published_arc(uid: &str) -> bool {
    is_uid(uid.as_bytes())
        && PUBLISHED_ARCS
            .iter()
            .any(|arc| uid.starts_with(arc))
}

fn is_published_uid(element: &Element) -> bool {
    let text = element
        .bytes()
        .and_then(|bytes| plain(bytes));
    element.vr == VR::UI
        && text.is_some_and(|uid| is_published_arc(uid) || standard::is_registered_uid(uid))
}

/// Whether a version is digits with at most a few letters, and no day of the instance's own.
fn is_version(element: &Element, own: &Identifiers) -> bool {
    let Some(text) = element
        .bytes()
        .and_then(|bytes| plain(bytes))
    else {
        return false;
    };
    let is_version = |c: char| c.is_ascii_alphanumeric() || " ._-".contains(c);
    text.chars().all(is_version)
        && letters(text).all(|run| run.len() <= SHORT_FORM)
        && !is_own(text, own)
}

/// Whether a code says nothing that a person, a day or a number of the instance's own could be made
/// of: digits and short forms, or known words.
fn is_plain_code(text: &str, own: &Identifiers, published: bool) -> bool {
    let is_day = !published && text.len() >= 6 && !temporal::dates_in_text(text).is_empty();
    !is_day && !is_own(text, own) && letters(text).all(|run| is_short_or_known(&run.to_lowercase()))
}

fn is_short_or_known(run: &str) -> bool {
    let is_one = |part: &str| part.chars().count() <= SHORT_FORM || is_known_word(part);
    is_one(run)
        || MODALITIES.iter().any(|modality| {
            run.strip_prefix(modality)
                .is_some_and(is_one)
        })
}

/// Whether a name or a number of the instance is in a text, or the text is one of its days.
fn is_own(text: &str, own: &Identifiers) -> bool {
    let compact: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let is_day = |day: &chrono::NaiveDate| compact.contains(&day.format("%Y%m%d").to_string());
    own.has_word(&compact)
        || letters(text).any(|run| own.has_word(&run.to_lowercase()))
        || own.ids().any(|id| {
            if id.len() > 4 {
                compact.contains(id)
            } else {
                compact == id
            }
        })
        || own.dates().iter().any(is_day)
}

fn letters(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic())
        .filter(|run| !run.is_empty())
}
