//! Reading just enough of a file to know which series it belongs to.
//!
//! Owns the index's view of a file. It checks only what it walks over; reading the file for real
//! checks the rest.

use dicom_dictionary_std::tags;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::dataset::{Encoding, LengthForm};
use super::error::Halt;
use super::read::Opened;
use super::source::{Source, SourceFile};
use super::visit::{Field, Opening, Visitor};
use super::{Limits, Phi, Tag, meta};
use crate::error::FileError;

/// What places a file in its series, before cleaning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// SOP Class UID.
    pub sop_class: Option<Phi<String>>,
    /// SOP Instance UID.
    pub sop_instance: Option<Phi<String>>,
    /// Study Instance UID.
    pub study: Option<Phi<String>>,
    /// Series Instance UID.
    pub series: Option<Phi<String>>,
    /// Patient ID, without the spaces around it.
    pub patient: Option<Phi<String>>,
    /// Issuer of Patient ID, likewise.
    pub issuer: Option<Phi<String>>,
    /// Length of the file in bytes.
    pub len: u64,
    /// Whether the file is a media directory.
    pub dicomdir: bool,
    /// The whole file, where it is so small that all of it was read.
    pub whole: Option<Bytes>,
}

/// Reads a file's identity; normally with one read.
///
/// # Errors
/// The file cannot be read, is no DICOM, or is broken before its series is known.
pub fn identify(file: &Arc<SourceFile>, limits: &Limits) -> Result<Identity, FileError> {
    let source = Source::File(file.clone());
    let mut opened = Opened::new(source, Limits::INDEX_WINDOW, limits)?;
    let is_whole = !opened.syntax.deflated && opened.window.len() as u64 == file.len();
    let whole = is_whole.then(|| opened.window.clone());
    let (finder, ..) = opened.walk_header(limits, |buffer| Finder {
        buffer,
        depth: 0,
        last: Tag(0, 0),
        ordered: true,
        found: Identity::default(),
    })?;
    Ok(Identity {
        len: file.len(),
        dicomdir: finder.found.dicomdir || opened.meta.is_dicomdir(),
        whole,
        ..finder.found
    })
}

/// Notes four UIDs and the patient of the outermost data set.
struct Finder {
    buffer: Bytes,
    depth: usize,
    last: Tag,
    ordered: bool,
    found: Identity,
}

impl Finder {
    fn note_order(&mut self, tag: Tag) {
        self.ordered &= self.last <= tag;
        self.last = tag;
    }
}

fn uid(bytes: &[u8]) -> Option<Phi<String>> {
    present(String::from_utf8_lossy(meta::uid(bytes)).into_owned())
}

/// A value as a text that is the same where its bytes are, whatever character set they are in.
fn text(bytes: &[u8]) -> Option<Phi<String>> {
    let text: String = bytes
        .trim_ascii()
        .iter()
        .filter(|byte| **byte != 0)
        .map(|byte| char::from(*byte))
        .collect();
    present(text.trim().to_owned())
}

fn present(text: String) -> Option<Phi<String>> {
    (!text.is_empty()).then(|| Phi::new(text))
}

impl Visitor for Finder {
    fn value(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        if self.depth > 0 {
            return Ok(());
        }
        self.note_order(field.tag);
        let bytes = self
            .buffer
            .get(range)
            .unwrap_or_default();
        match field.tag {
            Tag(0x0008, 0x0016) => self.found.sop_class = uid(bytes),
            Tag(0x0008, 0x0018) => self.found.sop_instance = uid(bytes),
            Tag(0x0020, 0x000D) => self.found.study = uid(bytes),
            Tag(0x0020, 0x000E) => self.found.series = uid(bytes),
            Tag(0x0010, 0x0020) => self.found.patient = text(bytes),
            Tag(0x0010, 0x0021) => self.found.issuer = text(bytes),
            Tag(0x0004, _) => self.found.dicomdir = true,
            _ => {}
        }
        Ok(())
    }

    fn opens(&mut self, _: &Field) -> Opening {
        Opening::Leave
    }

    fn sequence_begins(&mut self, field: &Field, _: LengthForm, _: Encoding) -> Result<(), Halt> {
        if self.depth == 0 {
            self.note_order(field.tag);
        }
        self.depth += 1;
        Ok(())
    }

    fn sequence_ends(&mut self) -> Result<(), Halt> {
        self.depth -= 1;
        Ok(())
    }

    fn has_enough(&self) -> bool {
        let found = &self.found;
        let all = [
            &found.sop_class,
            &found.sop_instance,
            &found.study,
            &found.series,
        ]
        .iter()
        .all(|uid| uid.is_some());
        // Of a data set out of order the patient may come last.
        (all && (self.ordered || found.patient.is_some()))
            || found.dicomdir
            || (self.ordered && self.last >= tags::SERIES_INSTANCE_UID)
    }
}
