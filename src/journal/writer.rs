//! The file of a journal: read whole at the start, made anew where little of it still counts, appended to from then on.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::index::Index;
use super::line::{Confirmation, Header, Line, VERSION};
use super::{Identity, Mark, private};

/// Lines that may wait for the disk.
const BATCH: u32 = 64;
/// How long one may wait while others follow.
const PATIENCE: Duration = Duration::from_secs(1);
/// A longer line is none of ours: a series of a hundred thousand instances has some eight megabytes.
const LONGEST_LINE: u64 = 64 << 20;
/// Lines that may have lost their meaning before the file is made anew.
const DEAD: usize = 1000;

/// What the file says, if it is that of this identity; else a new header. `fresh` passes over what is there.
pub(super) fn load(path: &Path, identity: Identity<'_>, fresh: bool) -> io::Result<(Header, Index)> {
    let mut index = Index::default();
    let mut header = None;
    let mut lines = Lines::open(path)?;
    while let Some((offset, line)) = lines.next()? {
        match (line, &header) {
            (Some(Line::Journal(first)), None) if first.is_of(identity) => header = Some(first),
            (_, None) => break,
            (Some(Line::Confirmed(line)), _) if !fresh => index.confirm(&line, offset),
            (Some(Line::Sending(intent)), _) if !fresh => index.begin(&intent, offset),
            _ => {}
        }
    }
    let header = header.map_or_else(|| Header::new(identity), Ok)?;
    // What was not looked at may still count.
    index.dead = if fresh { 0 } else { lines.count.saturating_sub(index.live_lines()) };
    Ok((header, index))
}

/// Renames a journal whose lines have another form than ours, which would be read wrongly; whether there was one.
pub(super) fn set_older_form_aside(path: &Path) -> io::Result<bool> {
    let header = Lines::open(path)?.next()?.and_then(|(_, line)| line);
    let older = matches!(header, Some(Line::Journal(header)) if header.v != VERSION);
    if older {
        std::fs::rename(path, path.with_extension("older.jsonl"))?;
    }
    Ok(older)
}

/// The confirmation whose line begins at this offset.
pub(super) fn confirmation_at(path: &Path, offset: u64) -> Option<Confirmation> {
    match line_at(path, offset)? {
        Line::Confirmed(confirmation) => Some(confirmation),
        Line::Journal(_) | Line::Sending(_) => None,
    }
}

/// What the package holds whose line begins at this offset.
pub(super) fn instances_at(path: &Path, offset: u64) -> Option<Vec<Mark>> {
    match line_at(path, offset)? {
        Line::Confirmed(confirmation) => Some(confirmation.members.iter().map(|member| member.instance).collect()),
        Line::Sending(intent) => Some(intent.instances),
        Line::Journal(_) => None,
    }
}

fn line_at(path: &Path, offset: u64) -> Option<Line> {
    let mut lines = Lines::open(path).ok()?;
    lines.source.as_mut()?.seek(SeekFrom::Start(offset)).ok()?;
    lines.next().ok()??.1
}

/// The lines of a file and where they begin; what is no line of ours comes as `None`.
struct Lines {
    source: Option<BufReader<File>>,
    at: u64,
    count: usize,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let source = match File::open(path) {
            Ok(file) => Some(BufReader::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self { source, at: 0, count: 0 })
    }

    fn next(&mut self) -> io::Result<Option<(u64, Option<Line>)>> {
        let Some(source) = &mut self.source else { return Ok(None) };
        let (begin, mut text) = (self.at, Vec::new());
        let read = source.take(LONGEST_LINE).read_until(b'\n', &mut text)?;
        self.at += read as u64;
        self.count += 1;
        // A line without its end was torn: what it says may be less than what was meant.
        let whole = text.ends_with(b"\n");
        let line = Some(text).filter(|_| whole).and_then(|text| serde_json::from_slice(&text).ok());
        Ok((read > 0).then_some((begin, line)))
    }
}

/// Appends lines.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    /// Where the next line begins.
    end: u64,
    waiting: u32,
    synced: Instant,
}

impl Writer {
    /// Opens the file for appending: a new one with its header, one of another identity begun anew, one that holds mostly
    /// what no longer counts made smaller.
    pub(super) fn open(path: &Path, header: &Header, index: &mut Index) -> io::Result<Self> {
        let is_ours = Lines::open(path)?.next()?.is_some_and(|(_, line)| line == Some(Line::Journal(header.clone())));
        if !is_ours {
            replace(path, header, &Index::default(), path)?;
        } else if index.dead > DEAD.max(index.len()) {
            replace(path, header, index, path)?;
            *index = load(path, header.identity(), false)?.1;
        }
        let mut file = private(path)?;
        let mut end = file.seek(SeekFrom::End(0))?;
        if ends_torn(&mut file, end)? {
            file.write_all(b"\n")?;
            end += 1;
        }
        Ok(Self { file, end, waiting: 0, synced: Instant::now() })
    }

    /// Appends a line and says where it begins.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<u64> {
        let text = written(line)?;
        self.file.write_all(&text)?;
        let begin = self.end;
        self.end += text.len() as u64;
        self.waiting += 1;
        if self.waiting >= BATCH || self.synced.elapsed() >= PATIENCE {
            self.sync()?;
        }
        Ok(begin)
    }

    /// Has all lines on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.waiting > 0 {
            self.file.sync_data()?;
        }
        (self.waiting, self.synced) = (0, Instant::now());
        Ok(())
    }
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
fn replace(path: &Path, header: &Header, index: &Index, from: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // A temporary file of this crate is made with mode 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&written(&Line::Journal(header.clone()))?)?;
    for line in index.live().into_iter().filter_map(|offset| line_at(from, offset)) {
        file.write_all(&written(&line)?)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}
