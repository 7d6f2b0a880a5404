//! A look into a file that is not read as DICOM, before it goes as it is: whether it holds DICOM
//! all the same.
//!
//! Owns the bounds of that look. What cannot be looked into to its end is refused and never passed.
//! Nothing is written anywhere, and no name or content of a member is told.

mod tar;
mod zip_reader;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use flate2::bufread::{MultiGzDecoder, ZlibDecoder};

use super::archive::Archive;
use super::formats;
use crate::failure::{FileCode, FileFailure};
use dicom_lossless::{self as dicom, OpenFile, Sniff, SourceFile};

/// Bytes of a file, and of each file inside an archive, in which DICOM is looked for at any offset.
const HEAD: u64 = 1 << 20;
/// Bytes that one file may inflate to, all that it holds taken together.
const MOST_INFLATED: u64 = 4 << 30;
/// Files that one archive may hold, those of archives inside it counted too.
const MOST_MEMBERS: u32 = 100_000;
/// Archives inside one another.
const MOST_NESTED: usize = 6;
/// The end of a zip: its last record and the longest comment.
const ZIP_END: u64 = 22 + 65_535;

/// A file that was looked into and holds no DICOM: only such a file may go as it is.
#[derive(Debug, Clone)]
pub struct OtherFile {
    file: Arc<SourceFile>,
    formats: BTreeSet<&'static str>,
}

impl OtherFile {
    /// Looks into a file.
    ///
    /// # Errors
    /// `discover.holds-dicom`, `discover.archive` where that cannot be found out, and `read.*`
    /// where the file cannot be read or changed meanwhile.
    pub fn look(file: Arc<SourceFile>) -> Result<Self, FileFailure> {
        file.verify()?;
        let look = Look::default();
        let seen = look.whole_file(&file);
        // A file that changed under the look was not looked into.
        file.is_as_it_was()?;
        let formats = look.formats.take();
        if let Some(error) = look.failed.take() {
            return Err(FileFailure::new(FileCode::ReadIo, error.kind().to_string()));
        }
        Err(match seen {
            Ok(()) => return Ok(Self { file, formats }),
            Err(Refusal::HoldsDicom) => FileFailure::new(FileCode::DiscoverHoldsDicom, ""),
            Err(_) if look.spent.get() => closed("it inflates to more than 4 GiB"),
            Err(Refusal::Closed(why)) => closed(why),
            Err(Refusal::Format(name)) => closed(format!("{name} is not unpacked")),
            Err(Refusal::Source(failure)) => failure,
        })
    }

    /// The file.
    pub fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// Formats in it whose own header may identify a person, in words.
    pub fn formats(&self) -> impl Iterator<Item = &'static str> {
        self.formats.iter().copied()
    }
}

fn closed(why: impl Into<String>) -> FileFailure {
    let hint =
        "unpack it, so that each file in it is judged by itself, or leave it out with `--exclude`";
    FileFailure::new(FileCode::DiscoverArchive, why).with_hint(hint)
}

/// Why a file may not go as it is.
#[derive(Debug)]
enum Refusal {
    HoldsDicom,
    Closed(&'static str),
    Format(&'static str),
    Source(FileFailure),
}

const DAMAGED: Refusal = Refusal::Closed("it is damaged or ambiguous");

impl From<io::Error> for Refusal {
    fn from(_: io::Error) -> Self {
        DAMAGED
    }
}

/// One look, and what is left of its bounds.
struct Look {
    left: Cell<u64>,
    members: Cell<u32>,
    /// The bound on inflated bytes was reached.
    spent: Cell<bool>,
    /// Reading the file itself failed.
    failed: Cell<Option<io::Error>>,
    formats: RefCell<BTreeSet<&'static str>>,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            left: Cell::new(MOST_INFLATED),
            members: Cell::new(MOST_MEMBERS),
            spent: Cell::default(),
            failed: Cell::default(),
            formats: RefCell::default(),
        }
    }
}

impl Look {
    fn whole_file(&self, file: &SourceFile) -> Result<(), Refusal> {
        let open = file
            .open()
            .map_err(|error| Refusal::Source(error.into()))?;
        let mut stream = BufReader::new(Watched {
            file: open,
            look: self,
        });
        self.at(&mut stream, 0)?;
        let mut open = stream.into_inner().file;
        match ends_as_zip(&mut open) {
            Ok(true) => Err(Refusal::Closed("a zip stands behind other data")),
            Ok(false) => Ok(()),
            Err(error) => {
                self.failed.set(Some(error));
                Err(DAMAGED)
            }
        }
    }

    /// Looks into what a stream holds, at this depth of nesting. What is no archive is not read to
    /// its end.
    fn at(&self, stream: &mut dyn BufRead, depth: usize) -> Result<(), Refusal> {
        let mut head = Vec::new();
        (&mut *stream)
            .take(HEAD)
            .read_to_end(&mut head)?;
        let head = Bytes::from(head);
        let whole = (head.len() as u64) < HEAD;
        if dicom::sniff(&head) != Sniff::No || dicom::trace(&head, whole).is_some() {
            return Err(Refusal::HoldsDicom);
        }
        let Some(archive) = Archive::of(&head) else {
            self.formats
                .borrow_mut()
                .extend(formats::that_may_identify(&head));
            return Archive::behind(&head).map_or(Ok(()), |_| {
                Err(Refusal::Closed("an archive stands behind other data"))
            });
        };
        if depth == MOST_NESTED {
            return Err(Refusal::Closed("archives are nested too deep in it"));
        }
        let mut rest = Cursor::new(head).chain(stream);
        match archive {
            Archive::Closed(name) => Err(Refusal::Format(name)),
            Archive::Zip => zip_reader::members(&mut rest, self, depth),
            Archive::Tar => tar::members(&mut rest, self, depth),
            Archive::Gzip => self
                .content(MultiGzDecoder::new(rest), depth)
                .map(drop),
            Archive::Zlib => {
                self.content(ZlibDecoder::new(&mut rest), depth)?;
                if rest.fill_buf()?.is_empty() {
                    Ok(())
                } else {
                    Err(DAMAGED)
                }
            }
        }
    }

    /// Looks into one file inside an archive and reads it to its end. Gives its checksum and length
    /// in bytes.
    fn content(&self, member: impl Read, depth: usize) -> Result<(u32, u64), Refusal> {
        let mut passed = Passed {
            member,
            look: self,
            crc: crc32fast::Hasher::new(),
            length: 0,
        };
        let mut stream = BufReader::new(&mut passed);
        self.at(&mut stream, depth + 1)?;
        io::copy(&mut stream, &mut io::sink())?;
        Ok((passed.crc.finalize(), passed.length))
    }

    /// Counts a member of an archive.
    fn member(&self) -> Result<(), Refusal> {
        let left = self
            .members
            .get()
            .checked_sub(1)
            .ok_or(Refusal::Closed("it holds more than 100,000 files"))?;
        self.members.set(left);
        Ok(())
    }
}

/// The file itself: an error of the system is not one of the archive.
struct Watched<'a> {
    file: OpenFile,
    look: &'a Look,
}

impl Read for Watched<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file
            .read(into)
            .inspect_err(|error| {
                self.look
                    .failed
                    .set(Some(error.kind().into()));
            })
    }
}

/// What comes out of an archive, within the bounds of the look.
struct Passed<'a, R> {
    member: R,
    look: &'a Look,
    crc: crc32fast::Hasher,
    length: u64,
}

impl<R: Read> Read for Passed<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.member.read(into)?;
        let Some(left) = self
            .look
            .left
            .get()
            .checked_sub(got as u64)
        else {
            self.look.spent.set(true);
            return Err(io::ErrorKind::FileTooLarge.into());
        };
        self.look.left.set(left);
        self.length += got as u64;
        self.crc
            .update(into.get(..got).unwrap_or_default());
        Ok(got)
    }
}

/// Whether a file that does not begin as a zip ends as one, which programs that look at the end
/// would unpack.
fn ends_as_zip(file: &mut OpenFile) -> io::Result<bool> {
    let mut first = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref()
        .take(4)
        .read_to_end(&mut first)?;
    if Archive::of(&first) == Some(Archive::Zip) {
        // It was read to its end.
        return Ok(false);
    }
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(ZIP_END)))?;
    let mut end = Vec::new();
    file.take(ZIP_END)
        .read_to_end(&mut end)?;
    let is_record = |at: usize| {
        let record = end
            .get(at..)
            .and_then(<[u8]>::first_chunk::<22>);
        record.is_some_and(|record| {
            let comment = usize::from(u16::from_le_bytes([record[20], record[21]]));
            record[4..8] == [0; 4] && at + 22 + comment <= end.len()
        })
    };
    Ok(memchr::memmem::find_iter(&end, b"PK\x05\x06").any(is_record))
}

#[cfg(test)]
mod tests;
