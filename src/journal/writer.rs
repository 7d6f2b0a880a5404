//! The files of a journal: all of them are read whole at the start, the run's own is made anew
//! where little of it still counts and appended to from then on.
//!
//! Owns the bytes. Files of other runs are never changed, and none is held open: there may be many.
//! A run that makes its own anew meanwhile is noticed, since a line is believed only if it is about
//! what was asked for.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::index::{Index, LinePosition};
use super::line::{ConfirmedLine, Header, Line};
use super::{KeyedDigest, private};

/// Lines that may wait for the disk.
const BATCH: u32 = 64;
/// How long one may wait while others follow.
const PATIENCE: Duration = Duration::from_secs(1);
/// A longer line is none of ours: a series of a hundred thousand instances has some eight
/// megabytes.
const LONGEST_LINE: u64 = 64 << 20;
/// Lines that may have lost their meaning before the file is made anew.
const DEAD: usize = 1000;

/// The files that are read together, in their order.
#[derive(Debug)]
pub struct JournalFiles(Vec<PathBuf>);

/// What the files say, as far as they are of this header; the first is the run's own. `fresh`
/// passes over what they say.
pub fn load(paths: &[PathBuf], header: &Header, fresh: bool) -> io::Result<(JournalFiles, Index)> {
    load_all(paths, header, fresh).map(|(files, index, _)| (files, index))
}

/// The same, and whether there is an own file.
fn load_all(
    paths: &[PathBuf],
    header: &Header,
    fresh: bool,
) -> io::Result<(JournalFiles, Index, bool)> {
    let (mut index, mut own) = (Index::default(), false);
    for (number, path) in paths.iter().enumerate() {
        let ours = match File::open(path) {
            Ok(file) => take(&file, number, header, fresh, &mut index)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        own |= ours && number == 0;
    }
    Ok((JournalFiles(paths.to_vec()), index, own))
}

/// Takes what a file says; false where it is none of this header.
fn take(
    file: &File,
    number: usize,
    header: &Header,
    fresh: bool,
    index: &mut Index,
) -> io::Result<bool> {
    let mut lines = Lines::of(file);
    let ours = lines
        .next()?
        .is_some_and(|(_, line)| line.as_ref() == Some(&Line::Journal(header.clone())));
    if !ours || fresh {
        return Ok(ours);
    }
    while let Some((offset, line)) = lines.next()? {
        let position = LinePosition {
            file: number,
            offset,
        };
        if let Some(line) = line {
            index.take(&line, position);
        }
    }
    if number == 0 {
        index.dead = lines
            .count
            .saturating_sub(1 + index.live().len());
    }
    Ok(true)
}

impl JournalFiles {
    /// The confirmation of this location whose line begins there.
    pub fn confirmed_at(
        &self,
        position: LinePosition,
        location: KeyedDigest,
    ) -> Option<ConfirmedLine> {
        match self.line_at(position)? {
            Line::Confirmed(confirmed) => {
                Some(confirmed).filter(|confirmed| confirmed.location == location)
            }
            Line::Journal(_) | Line::Sending(_) => None,
        }
    }

    /// What the package of this location holds whose line begins there.
    pub fn instances_at(
        &self,
        position: LinePosition,
        location: KeyedDigest,
    ) -> Option<Vec<KeyedDigest>> {
        match self.line_at(position)? {
            Line::Confirmed(confirmed) if confirmed.location == location => Some(
                confirmed
                    .members
                    .iter()
                    .map(|member| member.instance)
                    .collect(),
            ),
            Line::Sending(intent) if intent.location == location => Some(intent.instances),
            Line::Confirmed(_) | Line::Sending(_) | Line::Journal(_) => None,
        }
    }

    fn line_at(&self, position: LinePosition) -> Option<Line> {
        let mut file = File::open(self.0.get(position.file)?).ok()?;
        file.seek(SeekFrom::Start(position.offset))
            .ok()?;
        Lines::of(&file).next().ok()??.1
    }
}

/// Renames a journal whose lines have another form than ours, which would be read wrongly; whether
/// there was one.
pub fn set_older_form_aside(
    path: &Path,
    is_older: impl FnOnce(&Header) -> bool,
) -> io::Result<bool> {
    let first = match File::open(path) {
        Ok(file) => Lines::of(&file)
            .next()?
            .and_then(|(_, line)| line),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let older = matches!(first, Some(Line::Journal(header)) if is_older(&header));
    if older {
        std::fs::rename(path, path.with_extension("older.jsonl"))?;
    }
    Ok(older)
}

/// The lines of a file and where they begin; what is no line of ours comes as `None`.
struct Lines<'f> {
    source: BufReader<&'f File>,
    at: u64,
    count: usize,
}

impl<'f> Lines<'f> {
    /// From where the file is at.
    fn of(file: &'f File) -> Self {
        Self {
            source: BufReader::new(file),
            at: 0,
            count: 0,
        }
    }

    fn next(&mut self) -> io::Result<Option<(u64, Option<Line>)>> {
        let (begin, mut text) = (self.at, Vec::new());
        let read = self
            .source
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut text)?;
        self.at += read as u64;
        if read == 0 {
            return Ok(None);
        }
        self.count += 1;
        // A line without its end was torn: what it says may be less than what was meant.
        let line = text
            .strip_suffix(b"\n")
            .and_then(|text| serde_json::from_slice(text).ok());
        Ok(Some((begin, line)))
    }
}

/// Appends lines.
#[derive(Debug)]
pub struct Writer {
    file: File,
    /// Where the next line begins.
    end: u64,
    waiting: u32,
    synced: Instant,
}

impl Writer {
    /// Opens the run's own file for appending: a new one with its header, one of another identity
    /// begun anew.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = private(path)?;
        let mut end = file.seek(SeekFrom::End(0))?;
        if ends_torn(&mut file, end)? {
            file.write_all(b"\n")?;
            end += 1;
        }
        Ok(Self {
            file,
            end,
            waiting: 0,
            synced: Instant::now(),
        })
    }

    /// Appends a line and says where it begins.
    pub fn append(&mut self, line: &Line) -> io::Result<LinePosition> {
        let text = written(line)?;
        self.file.write_all(&text)?;
        let begin = self.end;
        self.end += text.len() as u64;
        self.waiting += 1;
        if self.waiting >= BATCH || self.synced.elapsed() >= PATIENCE {
            self.sync()?;
        }
        Ok(LinePosition {
            file: 0,
            offset: begin,
        })
    }

    /// Has all lines on the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.waiting > 0 {
            self.file.sync_data()?;
        }
        (self.waiting, self.synced) = (0, Instant::now());
        Ok(())
    }
}

/// Loads the files of a run that appends to the first of them: that one is made where it is missing
/// or none of ours, and made smaller where it holds mostly what no longer counts.
pub fn load_for_writing(
    paths: &[PathBuf],
    header: &Header,
    fresh: bool,
) -> io::Result<(JournalFiles, Index)> {
    let (files, index, is_ours) = load_all(paths, header, fresh)?;
    let Some(own) = paths.first() else {
        return Ok((files, index));
    };
    if is_ours && index.dead <= DEAD.max(index.live().len()) {
        return Ok((files, index));
    }
    let live = if is_ours { index.live() } else { Vec::new() };
    replace(own, header, &files, live)?;
    load(paths, header, fresh)
}

fn written(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

fn ends_torn(file: &mut File, end: u64) -> io::Result<bool> {
    if end == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(end - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Puts a file with the lines that count in the place of the one at hand, in one step.
fn replace(path: &Path, header: &Header, files: &JournalFiles, live: Vec<u64>) -> io::Result<()> {
    let folder = path
        .parent()
        .unwrap_or(Path::new("."));
    // A temporary file of this crate is made with mode 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&written(&Line::Journal(header.clone()))?)?;
    for line in live
        .into_iter()
        .filter_map(|offset| files.line_at(LinePosition { file: 0, offset }))
    {
        file.write_all(&written(&line)?)?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
