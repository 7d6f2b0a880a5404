//! What a file is called in its package, where the profile names files.
//!
//! Names are made of the cleaned data set and of those pieces of the path that the profile asks
//! for, nothing else. A file for which there is no name fails: it must neither vanish nor fall back
//! to a name that gives something away.

mod dates;
mod sanitise;

use super::act::{Act, Misstep};
use super::hash::Hasher;
use super::substitute::{Others, too_complex, values};
use super::text::Reading;
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{Captured, PythonRegex, Template, TemplatePart, tag_of};
use dicom_lossless::{CharacterSet, DataSet, Encoding, Tag};

/// The entries of `filenames`, with every option settled.
pub(super) struct Names {
    pub(super) entries: Vec<Entry>,
}

/// One entry.
pub(super) struct Entry {
    pub(super) regex: PythonRegex,
    pub(super) output: Template,
    pub(super) pieces: Vec<Piece>,
}

/// What is done to a captured piece of the path.
pub(super) struct Piece {
    pub(super) name: String,
    pub(super) act: Act,
}

/// What Flywheel's engine writes for a value that is not there.
const NOTHING: &str = "None";

impl Names {
    /// The name for a file: that of the first entry which matches its path.
    pub(super) fn name(
        &self,
        path: &str,
        cleaned: &DataSet,
        encoding: Encoding,
        hasher: &Hasher,
    ) -> Result<String, DeidError> {
        for (at, entry) in self.entries.iter().enumerate() {
            let failed = |misstep: Misstep| failure(format!("filenames[{at}]: {}", misstep.why));
            if let Some(captured) = entry
                .regex
                .match_start(path)
                .map_err(too_complex)
                .map_err(failed)?
            {
                let name = entry
                    .output(&captured, cleaned, encoding, hasher)
                    .map_err(failed)?;
                let empty = || failure(format!("filenames[{at}]: the name comes out empty"));
                return sanitise::file_name(&name).ok_or_else(empty);
            }
        }
        Err(failure(
            "no `input-regex` matches its path below the folder that was named".to_owned(),
        ))
    }
}

fn failure(why: String) -> DeidError {
    DeidError::new(DeidErrorKind::Filename, why)
}

impl Entry {
    fn output(
        &self,
        captured: &Captured<'_, '_>,
        cleaned: &DataSet,
        encoding: Encoding,
        hasher: &Hasher,
    ) -> Result<String, Misstep> {
        let tags: Vec<Tag> = self.output.variables().filter_map(tag_of).collect();
        let tags: Vec<Tag> = tags
            .into_iter()
            .chain(self.pieces.iter().flat_map(|piece| piece.act.reads()))
            .collect();
        let others = values(&tags, cleaned, encoding, &CharacterSet::default());
        let mut out = String::new();
        for part in &self.output.parts {
            match part {
                TemplatePart::Text(text) => out.push_str(text),
                TemplatePart::Variable(name) => {
                    out.push_str(&self.variable(name, captured, &others, hasher)?);
                }
            }
        }
        Ok(out)
    }

    fn variable(
        &self,
        name: &str,
        captured: &Captured<'_, '_>,
        others: Others<'_>,
        hasher: &Hasher,
    ) -> Result<String, Misstep> {
        if let Some(tag) = tag_of(name) {
            return match others
                .iter()
                .find(|(other, _)| *other == tag)
                .map(|(_, reading)| reading)
            {
                Some(Reading::Text(text)) => Ok(text.clone()),
                Some(Reading::Opaque) => Err(Misstep::new(
                    DeidErrorKind::Filename,
                    format!("`{name}` holds no text"),
                )),
                Some(Reading::Nothing) | None => Ok(NOTHING.to_owned()),
            };
        }
        let text = captured.get(name);
        let piece = self.pieces.iter().find(|piece| piece.name == name);
        let new = piece.map_or_else(
            || Ok(text.map(str::to_owned)),
            |piece| piece.of(text, others, hasher),
        );
        new.map(|new| new.unwrap_or_else(|| NOTHING.to_owned()))
            .map_err(|misstep| misstep.inside(name))
    }
}

impl Piece {
    /// What becomes of a captured piece. Dates are first brought into the rule's format.
    fn of(
        &self,
        text: Option<&str>,
        others: Others<'_>,
        hasher: &Hasher,
    ) -> Result<Option<String>, Misstep> {
        let Act::Shift(shift) = &self.act else {
            return self.act.on_text(text, others, hasher);
        };
        let missing = || Misstep::new(DeidErrorKind::Filename, "there is no date");
        let unread = || {
            let format = shift.format.as_str();
            Misstep::new(
                DeidErrorKind::Filename,
                format!("neither in the format {format} nor in one that is read without doubt"),
            )
        };
        let date = dates::in_format(text.ok_or_else(missing)?, &shift.format).ok_or_else(unread)?;
        self.act.on_text(Some(&date), others, hasher)
    }
}
