//! Reading just enough of a file to know which series it belongs to.
//!
//! Owns the index's view of a file. It checks only what it walks over; reading the file for real
//! checks the rest.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::dataset::{Encoding, LengthForm};
use super::error::Halt;
use super::meta::{self, MetaAsRead};
use super::read::{grow, read_meta, syntax_of};
use super::source::{Input, Source, SourceFile};
use super::visit::{Field, Opening, Part, Stretch, Visitor};
use super::walk::Walk;
use super::{Limits, Tag, deflate};
use crate::Phi;
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

/// Reads a file's identity; normally with one read. Fails where the file is
/// broken before its series is known.
pub fn identify(file: &Arc<SourceFile>, limits: &Limits) -> Result<Identity, FileError> {
    let mut input = Input::new(Source::File(file.clone()))?;
    let (window, meta) = read_meta(&mut input, Limits::INDEX_WINDOW, limits)?;
    let mut syntax = syntax_of(&meta, &window, &mut Vec::new())?;
    if syntax.deflated {
        let inflated = deflate::inflate(&input.rest(meta.data_at as u64)?, limits)?;
        syntax.follow_bytes(&inflated);
        let mut input = Input::new(Source::Memory {
            file: file.clone(),
            bytes: inflated.clone(),
        })?;
        let found = collect(&mut input, inflated, 0, syntax.encoding, limits)?;
        return Ok(found.identity(file.len(), &meta));
    }
    syntax.follow_bytes(
        window
            .get(meta.data_at..)
            .unwrap_or_default(),
    );
    let whole = (window.len() as u64 == file.len()).then(|| window.clone());
    let found = collect(&mut input, window, meta.data_at, syntax.encoding, limits)?;
    Ok(Identity {
        whole,
        ..found.identity(file.len(), &meta)
    })
}

fn collect(
    input: &mut Input,
    mut window: Bytes,
    start: usize,
    encoding: Encoding,
    limits: &Limits,
) -> Result<Found, FileError> {
    let total = usize::try_from(input.len()).unwrap_or(usize::MAX);
    loop {
        let mut finder = Finder {
            buffer: &window,
            depth: 0,
            last: Tag(0, 0),
            ordered: true,
            found: Found::default(),
        };
        match Walk::new(
            &Stretch {
                buffer: &window,
                start,
                total,
                encoding,
            },
            Part::BeforePixels,
            limits,
        )
        .run(&mut finder)
        {
            Ok(_) => return Ok(finder.found),
            Err(halt) => window = grow(input, window, halt, start, limits)?,
        }
    }
}

#[derive(Default)]
struct Found {
    class: Option<String>,
    instance: Option<String>,
    study: Option<String>,
    series: Option<String>,
    patient: Option<String>,
    issuer: Option<String>,
    directory: bool,
}

impl Found {
    fn identity(self, len: u64, meta: &MetaAsRead) -> Identity {
        Identity {
            sop_class: self.class.map(Phi::new),
            sop_instance: self.instance.map(Phi::new),
            study: self.study.map(Phi::new),
            series: self.series.map(Phi::new),
            patient: self.patient.map(Phi::new),
            issuer: self.issuer.map(Phi::new),
            len,
            dicomdir: meta.is_dicomdir() || self.directory,
            whole: None,
        }
    }
}

/// Notes four UIDs and the patient of the outermost data set.
struct Finder<'a> {
    buffer: &'a [u8],
    depth: usize,
    last: Tag,
    ordered: bool,
    found: Found,
}

impl Finder<'_> {
    /// A value as a text that is the same where its bytes are, whatever character set they are in.
    fn text(&self, range: Range<usize>) -> Option<String> {
        let bytes = self
            .buffer
            .get(range)
            .unwrap_or_default();
        let text: String = bytes
            .trim_ascii()
            .iter()
            .filter(|byte| **byte != 0)
            .map(|byte| char::from(*byte))
            .collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }
}

impl Visitor for Finder<'_> {
    fn value(&mut self, field: &Field, range: Range<usize>) -> Result<(), Halt> {
        if self.depth > 0 {
            return Ok(());
        }
        self.ordered &= self.last <= field.tag;
        self.last = field.tag;
        let place = match field.tag {
            Tag(0x0008, 0x0016) => &mut self.found.class,
            Tag(0x0008, 0x0018) => &mut self.found.instance,
            Tag(0x0020, 0x000D) => &mut self.found.study,
            Tag(0x0020, 0x000E) => &mut self.found.series,
            Tag(0x0010, 0x0020) => {
                self.found.patient = self.text(range);
                return Ok(());
            }
            Tag(0x0010, 0x0021) => {
                self.found.issuer = self.text(range);
                return Ok(());
            }
            Tag(0x0004, _) => {
                self.found.directory = true;
                return Ok(());
            }
            _ => return Ok(()),
        };
        let uid = meta::uid(
            self.buffer
                .get(range)
                .unwrap_or_default(),
        );
        *place = Some(String::from_utf8_lossy(uid).into_owned()).filter(|uid| !uid.is_empty());
        Ok(())
    }

    fn fragments(&mut self, _field: &Field, _range: Range<usize>) -> Result<(), Halt> {
        Ok(())
    }

    fn opens(&mut self, _field: &Field) -> Opening {
        Opening::Leave
    }

    fn sequence_begins(
        &mut self,
        field: &Field,
        _length: LengthForm,
        _encoding: Encoding,
    ) -> Result<(), Halt> {
        if self.depth == 0 {
            self.ordered &= self.last <= field.tag;
            self.last = field.tag;
        }
        self.depth += 1;
        Ok(())
    }

    fn sequence_ends(&mut self) -> Result<(), Halt> {
        self.depth -= 1;
        Ok(())
    }

    fn item_begins(&mut self, _length: LengthForm) -> Result<(), Halt> {
        Ok(())
    }

    fn item_ends(&mut self) -> Result<(), Halt> {
        Ok(())
    }

    fn take_back(&mut self, _remaining: usize) {}

    fn has_enough(&self) -> bool {
        let all = [
            &self.found.class,
            &self.found.instance,
            &self.found.study,
            &self.found.series,
        ]
        .iter()
        .all(|uid| uid.is_some());
        // Of a data set out of order the patient may come last.
        (all && (self.ordered || self.found.patient.is_some()))
            || self.found.directory
            || (self.ordered && self.last >= Tag(0x0020, 0x000E))
    }
}
