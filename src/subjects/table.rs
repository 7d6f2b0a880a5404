//! A table that was read and found free of faults.
//!
//! Owns the checks of its rows: a key is there once and gives one thing, and no two things that
//! it gives come out as one label.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::Path;

use crate::failure::Error;
use crate::routing::LabelOf;
use dicom_lossless::{Instance, Phi};

use super::cells::{self, Line};
use super::code_format::{self, CodeFormat};
use super::columns::{self, Column, KeyColumn};
use super::continued::{Addition, Continued, Unwritable};
use super::fault::{self, Fault};
use super::lookup::{self, NoRow};
use super::paths::{PathIndex, PathPattern};
use super::row::{GivenLabels, Row, nearly};

/// Which labels a table gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gives {
    /// Subjects.
    pub subject: bool,
    /// Sessions.
    pub session: bool,
    /// Acquisitions.
    pub acquisition: bool,
}

/// A row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(NonZeroU32);

impl RowId {
    /// Of the row at this place.
    fn new(at: usize) -> Option<Self> {
        let number = u32::try_from(at)
            .ok()?
            .checked_add(1)?;
        NonZeroU32::new(number).map(Self)
    }

    fn at(self) -> usize {
        usize::try_from(self.0.get() - 1).unwrap_or(usize::MAX)
    }
}

/// What the rows of one key are told apart by.
enum Rows {
    One(RowId),
    ByPath(PathIndex<RowId>),
}

/// A table of subjects.
pub struct SubjectTable {
    keys: Vec<KeyColumn>,
    has_path: bool,
    gives: Gives,
    rows: Vec<Row>,
    by_key: HashMap<Vec<Phi<String>>, Rows>,
    /// Lines by their keys without what is easily lost.
    near: HashMap<Vec<Phi<String>>, Vec<u32>>,
    /// How codes are written, where the table is one of codes.
    format: Option<CodeFormat>,
    /// Where who is not in the table gets the next code.
    continued: Option<Continued>,
}

impl fmt::Debug for SubjectTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubjectTable({} rows)", self.rows.len())
    }
}

impl SubjectTable {
    /// Of lines, the first of which names the columns.
    pub(super) fn new(lines: Vec<Line>) -> Result<Self, Vec<Fault>> {
        let mut lines = lines.into_iter();
        let Some(first) = lines.next() else {
            return Err(vec![Fault::whole("it has no line with anything in it")]);
        };
        let (columns, format) = if code_format::is_one(&first) {
            let (columns, format) = code_format::read(&first)?;
            (columns, Some(format))
        } else {
            (columns::read(&first)?, None)
        };
        let by_code = format.is_some();
        let (mut rows, mut faults) = (Vec::new(), Vec::new());
        for line in lines {
            match Row::new(line, &columns, by_code) {
                Ok(row) => rows.push(row),
                Err(wrong) => faults.extend(wrong),
            }
        }
        faults.extend(check_keys(&rows));
        faults.extend(check_labels(&rows, by_code));
        if faults.is_empty() {
            Ok(Self::of_rows(&columns, rows, format))
        } else {
            Err(faults)
        }
    }

    /// Lets who is not in it get the next code. `path` and `bytes` are those that it was read from.
    ///
    /// # Errors
    /// A table that is not one of codes, or to which no row can be added.
    pub(super) fn continued(mut self, path: &Path, bytes: Vec<u8>) -> Result<Self, Vec<Fault>> {
        let Some(format) = self.format.clone() else {
            return Err(vec![Fault::whole(
                "only a table whose first line begins with a code format, as in \
                    S{SubjectCode:03},PatientID, says how new codes are made",
            )]);
        };
        let continued =
            Continued::new(path, bytes, format, &self.rows).map_err(|fault| vec![fault])?;
        self.continued = Some(continued);
        Ok(self)
    }

    fn of_rows(columns: &[Column], rows: Vec<Row>, format: Option<CodeFormat>) -> Self {
        let keys = columns
            .iter()
            .filter_map(|column| match column {
                Column::Key(key) => Some(*key),
                _ => None,
            });
        let has_path = columns.contains(&Column::Path);
        let mut grouped: HashMap<_, Vec<_>> = HashMap::new();
        let mut near: HashMap<_, Vec<_>> = HashMap::new();
        for (row, id) in rows
            .iter()
            .enumerate()
            .filter_map(|(at, row)| Some((row, RowId::new(at)?)))
        {
            grouped
                .entry(row.keys.clone())
                .or_default()
                .push((row.path.clone(), id));
            near.entry(nearly(&row.keys))
                .or_default()
                .push(row.line);
        }
        let rows_of = |group: Vec<(Option<PathPattern>, RowId)>| match group.as_slice() {
            [(None, row)] => Rows::One(*row),
            _ => Rows::ByPath(PathIndex::new(
                group
                    .into_iter()
                    .filter_map(|(path, row)| Some((path?, row))),
            )),
        };
        Self {
            keys: keys.collect(),
            has_path,
            gives: Gives {
                subject: columns.contains(&Column::Subject),
                session: columns.contains(&Column::Session),
                acquisition: columns.contains(&Column::Acquisition),
            },
            by_key: grouped
                .into_iter()
                .map(|(keys, group)| (keys, rows_of(group)))
                .collect(),
            near,
            rows,
            format,
            continued: None,
        }
    }

    /// Which labels it gives.
    pub fn gives(&self) -> Gives {
        self.gives
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether who is not in it gets the next code.
    pub fn is_continued(&self) -> bool {
        self.continued.is_some()
    }

    /// Whether a file's header has to be read for its row.
    pub fn needs_header(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The original values of a file that rows go by.
    pub fn keys_of(&self, instance: &Instance) -> Vec<Phi<String>> {
        lookup::keys_of(&self.keys, instance)
    }

    /// What rows go by, in words.
    pub fn keys_in_words(&self) -> String {
        let path = self.has_path.then_some("path");
        let names = self
            .keys
            .iter()
            .map(|key| key.keyword);
        path.into_iter()
            .chain(names)
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" and ")
    }

    /// The row of a file, by its path below the folder that was named and the values that
    /// [`Self::keys_of`] gave. A file that was named itself has no such path.
    ///
    /// # Errors
    /// Why it has none.
    pub fn find(&self, path: Option<&str>, keys: &[Phi<String>]) -> Result<RowId, NoRow> {
        let path = match path {
            Some(path) => path,
            None if self.has_path => return Err(NoRow::NoFolder),
            None => "",
        };
        let missing: Vec<_> = self
            .keys
            .iter()
            .zip(keys)
            .filter(|(_, value)| value.expose().is_empty())
            .map(|(column, _)| column.keyword)
            .collect();
        if !missing.is_empty() {
            return Err(NoRow::ValueMissing(missing));
        }
        let index = match self.by_key.get(keys) {
            None => {
                let near = Some(nearly(keys))
                    .filter(|near| {
                        near.iter()
                            .any(|value| !value.expose().is_empty())
                    })
                    .and_then(|near| self.near.get(&near))
                    .cloned();
                return match near {
                    Some(near) => Err(NoRow::NoMatch { near }),
                    None => self.new_row(keys),
                };
            }
            Some(Rows::One(row)) => return Ok(*row),
            Some(Rows::ByPath(index)) => index,
        };
        match index.longest(path).as_slice() {
            [] if self.keys.is_empty() => Err(NoRow::NoMatch { near: Vec::new() }),
            [] => Err(NoRow::OtherPath {
                lines: self.lines_with(keys),
            }),
            [first, others @ ..]
                if others
                    .iter()
                    .all(|other| self.labels(*other) == self.labels(*first)) =>
            {
                Ok(*first)
            }
            several => Err(NoRow::Several {
                lines: several
                    .iter()
                    .map(|row| self.line(*row))
                    .collect(),
            }),
        }
    }

    /// The row that one who is not in the table is to get, where it is continued.
    fn new_row(&self, keys: &[Phi<String>]) -> Result<RowId, NoRow> {
        let continued = self
            .continued
            .as_ref()
            .ok_or(NoRow::NoMatch { near: Vec::new() })?;
        let place = continued
            .place_of(keys)
            .map_err(|Unwritable| NoRow::Unwritable)?;
        RowId::new(self.rows.len() + place).ok_or(NoRow::NoMatch { near: Vec::new() })
    }

    /// Gives codes to who is new among those of whom a file counts; none where no one is. Until
    /// then their rows give nothing.
    ///
    /// # Errors
    /// `subjects.invalid` where a code or a value would not be read back.
    pub fn number_new(&self, counts: impl Fn(RowId) -> bool) -> Result<Option<Addition>, Error> {
        let Some(continued) = &self.continued else {
            return Ok(None);
        };
        let counts = |place| RowId::new(self.rows.len() + place).is_some_and(&counts);
        let addition = continued.number(counts)?;
        if let Some(addition) = &addition {
            Self::read_back(continued, addition)
                .map_err(|faults| fault::invalid(continued.path(), faults))?;
        }
        Ok(addition)
    }

    /// Sees that the longer table says what was meant.
    fn read_back(continued: &Continued, addition: &Addition) -> Result<(), Vec<Fault>> {
        let lines = cells::lines(continued.path(), addition.bytes.clone())?;
        let again = Self::new(lines)?;
        for row in continued.rows() {
            let said = again
                .find(Some(""), &row.keys)
                .ok()
                .map(|found| (again.line(found), again.labels(found)));
            if said != Some((row.line, &row.labels)) {
                return Err(vec![Fault::at(
                    row.line,
                    "the new line would not be read back as it was written",
                )]);
            }
        }
        Ok(())
    }

    /// Writes the table with the rows that were added.
    ///
    /// # Errors
    /// `subjects.unwritable`: nothing may be sent under the new codes then.
    pub fn save(&self, addition: &Addition) -> Result<(), Error> {
        self.continued
            .as_ref()
            .map_or(Ok(()), |continued| continued.save(addition))
    }

    fn row(&self, row: RowId) -> Option<&Row> {
        let at = row.at();
        self.rows.get(at).or_else(|| {
            self.continued
                .as_ref()?
                .row(at.checked_sub(self.rows.len())?)
        })
    }

    fn lines_with(&self, keys: &[Phi<String>]) -> Vec<u32> {
        self.rows
            .iter()
            .filter(|row| row.keys == keys)
            .map(|row| row.line)
            .collect()
    }

    /// What a row gives.
    pub fn labels(&self, row: RowId) -> &GivenLabels {
        const NONE: &GivenLabels = &GivenLabels {
            subject: None,
            session: None,
            acquisition: None,
        };
        self.row(row)
            .map_or(NONE, |row| &row.labels)
    }

    /// The line of a row.
    pub fn line(&self, row: RowId) -> u32 {
        self.row(row)
            .map_or(0, |row| row.line)
    }

    /// The lines of the rows that are not among these.
    pub fn lines_without(&self, used: impl Fn(RowId) -> bool) -> Vec<u32> {
        self.rows
            .iter()
            .enumerate()
            .filter(|(at, _)| RowId::new(*at).is_none_or(|row| !used(row)))
            .map(|(_, row)| row.line)
            .collect()
    }
}

/// Keys that stand in several rows.
fn check_keys(rows: &[Row]) -> Vec<Fault> {
    let mut by_key: HashMap<_, Vec<&Row>> = HashMap::new();
    for row in rows {
        let path = row
            .path
            .as_ref()
            .map(PathPattern::text);
        by_key
            .entry((&row.keys, path))
            .or_default()
            .push(row);
    }
    let several = by_key
        .into_values()
        .filter(|rows| rows.len() > 1);
    several
        .map(|rows| {
            let lines = rows
                .iter()
                .map(|row| row.line)
                .collect();
            let first = rows.first().map(|row| &row.labels);
            let what = if rows
                .iter()
                .all(|row| Some(&row.labels) == first)
            {
                "they are the same row"
            } else {
                "they have the same key and do not give the same"
            };
            Fault::between(lines, what)
        })
        .collect()
}

/// Different texts that come out as one label, and in tables of codes one code of several keys.
fn check_labels(rows: &[Row], by_code: bool) -> Vec<Fault> {
    let of_level = |of: LabelOf, text: fn(&GivenLabels) -> Option<&str>| {
        let mut by_label: HashMap<String, Vec<(&str, u32)>> = HashMap::new();
        for row in rows {
            if let Some(text) = text(&row.labels) {
                by_label
                    .entry(of.label(text))
                    .or_default()
                    .push((text, row.line));
            }
        }
        by_label
            .into_values()
            .filter_map(|rows| {
                let (first, _) = *rows.first()?;
                let lines = || {
                    rows.iter()
                        .map(|(_, line)| *line)
                        .collect()
                };
                if rows
                    .iter()
                    .any(|(text, _)| *text != first)
                {
                    let what = format!(
                        "they give different {of}s that come out as one label: characters that \
                            labels may not hold are replaced, and long ones are cut"
                    );
                    return Some(Fault::between(lines(), what));
                }
                (by_code && rows.len() > 1)
                    .then(|| Fault::between(lines(), "they have the same code for different keys"))
            })
            .collect::<Vec<_>>()
    };
    [
        of_level(LabelOf::Subject, |labels| labels.subject.as_deref()),
        of_level(LabelOf::Session, |labels| labels.session.as_deref()),
        of_level(LabelOf::Acquisition, |labels| labels.acquisition.as_deref()),
    ]
    .concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
