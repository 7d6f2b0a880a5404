//! What is sent: a series as one zip, or where each instance travels alone, that instance bare.
//! Owns member names, the exact length and a body that can be produced again for a retry. It takes
//! cleaned (or knowingly uncleaned) instances and other files that were looked into, never a path.

mod deflate;
mod names;
mod zip_writer;

use std::io;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::StreamExt;

use sha2::Digest;
use tokio::task::JoinHandle;

pub use deflate::DeflateLevel;
pub use names::{Names, member_name, member_names};
use zip_writer::Zip;

use crate::discover::OtherFile;
use crate::failure::{FileCode, FileFailure};
use crate::routing;
use dicom_deid::{Originals, Sendable};
use dicom_lossless::{Body, FileError, OpenFile, Segment};
use flywheel_client::{BodyStream, Fields};

/// How much of a file goes to the network at a time, in bytes: smaller steps cost a system call
/// each.
const CHUNK: u64 = 256 * 1024;

/// The file type that Flywheel gives to DICOM.
const DICOM: &str = "dicom";

/// A package ready to be sent.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name on the server.
    pub name: String,
    /// What kind of file it is, in Flywheel's words; none lets the server decide.
    pub kind: Option<&'static str>,
    /// How many instances a zip holds; none for a bare instance.
    pub members: Option<u32>,
    /// The modality that all instances share, if they do.
    pub modality: Option<String>,
    /// What else is said of it.
    pub fields: Fields,
    body: Body,
    sums: Arc<[Sum]>,
    /// The SOP Instance UIDs of the members, in their order; empty for a file that is not DICOM.
    instances: Arc<[Box<str>]>,
    /// The CRC-32 of what travels bare from a file: known once it has passed.
    passed: Arc<OnceLock<u32>>,
    /// The members of a zip as they were before it was made, for the same zip in another form.
    made_of: Option<MadeOf>,
    originals: Option<Arc<Originals>>,
}

/// A zip, and what its members came to.
type Zipped = (Body, Arc<[Sum]>);

/// What a zip was made of.
#[derive(Debug, Clone)]
struct MadeOf {
    members: Arc<[Member]>,
    level: Option<DeflateLevel>,
}

#[derive(Debug)]
struct Member {
    name: String,
    body: Body,
    /// Nothing in it is compressed.
    native: bool,
}

/// What a member of a package came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Its length in bytes.
    pub len: u64,
    /// Its CRC-32; none for what travels bare from a file and has not passed yet.
    pub crc32: Option<u32>,
}

impl Package {
    /// A single instance as it is, by its own name.
    pub fn bare(name: String, instance: &Sendable) -> Self {
        Self {
            kind: Some(DICOM),
            modality: Some(routing::modality(instance.routing())),
            instances: uids(std::slice::from_ref(instance)),
            originals: instance.originals().cloned(),
            ..Self::one_file(name, instance.body().clone())
        }
    }

    /// A series as a zip, whose members have these names, in their order, and are deflated where a
    /// level is given and that shortens them.
    /// Reads what is not in memory once, for the checksums.
    ///
    /// # Errors
    /// `read.*` when a source file cannot be read again or has changed; the index is that of the
    /// instance at fault.
    pub fn zip(
        name: String,
        names: Vec<String>,
        instances: &[Sendable],
        level: Option<DeflateLevel>,
    ) -> Result<Self, (usize, FileFailure)> {
        let names = names.into_iter().zip(instances);
        let member = |(name, instance): (_, &Sendable)| Member {
            name,
            body: instance.body().clone(),
            native: instance.is_native(),
        };
        let made_of = MadeOf {
            members: names.map(member).collect(),
            level,
        };
        let (body, sums) = made_of.zip(level)?;
        let modality = instances
            .first()
            .map(|i| routing::modality(i.routing()));
        let modality = modality.filter(|m| {
            instances
                .iter()
                .all(|i| routing::modality(i.routing()) == *m)
        });
        let members = u32::try_from(instances.len()).ok();
        let originals = instances
            .first()
            .and_then(Sendable::originals)
            .cloned();
        let (instances, passed, made_of) = (uids(instances), Arc::default(), Some(made_of));
        Ok(Self {
            name,
            kind: Some(DICOM),
            members,
            modality,
            fields: Fields::default(),
            sums,
            instances,
            passed,
            made_of,
            body,
            originals,
        })
    }

    /// The same zip as it would have been deflated, or stored where it was deflated; none of what
    /// is no zip, or holds nothing that is not compressed already.
    ///
    /// # Errors
    /// `read.*` when a source file cannot be read again or has changed.
    pub fn in_other_form(&self) -> Result<Option<Self>, FileFailure> {
        let made_of = self
            .made_of
            .as_ref()
            .filter(|made_of| {
                made_of
                    .members
                    .iter()
                    .any(|member| member.native)
            });
        let Some(made_of) = made_of else {
            return Ok(None);
        };
        let level = if made_of.level.is_some() {
            None
        } else {
            Some(DeflateLevel::FAST)
        };
        let (body, _) = made_of
            .zip(level)
            .map_err(|(_, failure)| failure)?;
        Ok(Some(Self {
            body,
            made_of: Some(MadeOf {
                level,
                ..made_of.clone()
            }),
            ..self.clone()
        }))
    }

    /// A file that is not DICOM, as it is. Only what the user asked for and what was looked into
    /// goes this way.
    pub fn other_file(name: String, other: &OtherFile) -> Self {
        let file = other.file();
        let all = Segment::of_file(Arc::clone(file), 0..file.len());
        Self::one_file(name, Body::new(vec![all]))
    }

    /// Files that are not DICOM, as they are, in one zip under these names.
    ///
    /// # Errors
    /// `read.*` when a file cannot be read again or has changed; the index is that of the file at
    /// fault.
    pub fn zip_of_other_files(
        name: String,
        files: &[(String, &OtherFile)],
    ) -> Result<Self, (usize, FileFailure)> {
        let member = |(name, other): &(String, &OtherFile)| {
            let file = other.file();
            Member {
                name: name.clone(),
                body: Body::new(vec![Segment::of_file(Arc::clone(file), 0..file.len())]),
                native: false,
            }
        };
        let made_of = MadeOf {
            members: files.iter().map(member).collect(),
            level: None,
        };
        let (body, sums) = made_of.zip(None)?;
        Ok(Self {
            members: u32::try_from(files.len()).ok(),
            sums,
            ..Self::one_file(name, body)
        })
    }

    fn one_file(name: String, body: Body) -> Self {
        Self {
            name,
            kind: None,
            members: None,
            modality: None,
            fields: Fields::default(),
            sums: bare(&body),
            instances: Arc::default(),
            passed: Arc::default(),
            made_of: None,
            body,
            originals: None,
        }
    }

    /// Whether it is a file that is not DICOM.
    pub fn is_other_file(&self) -> bool {
        self.kind.is_none()
    }

    /// The hash of all bytes in lower-case hexadecimal digits.
    ///
    /// # Errors
    /// `read.*` when a source file cannot be read again or has changed.
    pub fn hash<D: Digest>(&self) -> Result<String, FileFailure> {
        hash::<D>(&self.body)
    }

    /// Who its first instance was about, where the site keeps a log of that.
    pub fn originals(&self) -> Option<&Originals> {
        self.originals.as_deref()
    }

    /// The exact length in bytes.
    pub fn len(&self) -> u64 {
        self.body.len()
    }

    /// The SOP Instance UIDs of the members, in their order; none for a file that is not DICOM.
    pub fn instances(&self) -> impl Iterator<Item = &str> {
        self.instances
            .iter()
            .map(AsRef::as_ref)
    }

    /// What each member came to, in the order in which they were given.
    pub fn sums(&self) -> impl Iterator<Item = Sum> {
        let passed = self.passed.get().copied();
        self.sums
            .iter()
            .map(move |sum| Sum {
                crc32: sum.crc32.or(passed),
                ..*sum
            })
    }

    /// Reads what travels bare from a file for its checksum, unless that is known.
    ///
    /// # Errors
    /// `read.*` when a source file cannot be read again or has changed.
    pub fn settle_sums(&self) -> Result<(), FileFailure> {
        if self
            .sums()
            .any(|sum| sum.crc32.is_none())
        {
            let _ = self
                .passed
                .set(checksum(&self.body)?);
        }
        Ok(())
    }

    /// The bytes as a stream from the first one, as often as it takes.
    pub fn stream(&self) -> BodyStream {
        let stream = stream(&self.body);
        if self
            .sums()
            .all(|sum| sum.crc32.is_some())
        {
            return stream;
        }
        let (passed, mut crc, mut left) = (
            Arc::clone(&self.passed),
            crc32fast::Hasher::new(),
            self.len(),
        );
        Box::pin(stream.inspect(move |chunk| {
            let Ok(bytes) = chunk else { return };
            crc.update(bytes);
            left = left.saturating_sub(bytes.len() as u64);
            if left == 0 {
                let _ = passed.set(crc.clone().finalize());
            }
        }))
    }

    /// Whether it holds no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes, read from memory and source files one after the other.
    pub fn body(&self) -> &Body {
        &self.body
    }
}

impl MadeOf {
    fn zip(&self, level: Option<DeflateLevel>) -> Result<Zipped, (usize, FileFailure)> {
        let packed = deflate::pack(&self.members, level)?;
        let (mut zip, mut sums) = (Zip::default(), Vec::with_capacity(packed.len()));
        for (packed, member) in packed
            .iter()
            .zip(self.members.iter())
        {
            zip.add(&member.name, packed);
            sums.push(packed.sum());
        }
        Ok((zip.finish(), sums.into()))
    }
}

fn uids(instances: &[Sendable]) -> Arc<[Box<str>]> {
    instances
        .iter()
        .map(|instance| instance.sop_instance().into())
        .collect()
}

fn bare(body: &Body) -> Arc<[Sum]> {
    let at_hand = body.in_memory() == body.len();
    Arc::new([Sum {
        len: body.len(),
        crc32: at_hand
            .then(|| checksum(body).ok())
            .flatten(),
    }])
}

/// CRC-32 of a body, as zip wants it before the first byte.
fn checksum(body: &Body) -> Result<u32, FileFailure> {
    let mut crc = crc32fast::Hasher::new();
    each_chunk(body, |chunk| crc.update(chunk))?;
    Ok(crc.finalize())
}

/// Goes through all bytes of a body: what is in memory at once, files in steps.
/// The hash of all bytes of a body in lower-case hexadecimal digits.
///
/// # Errors
/// `read.*` when a source file cannot be read again or has changed.
pub fn hash<D: Digest>(body: &Body) -> Result<String, FileFailure> {
    let mut hasher = D::new();
    each_chunk(body, |chunk| hasher.update(chunk))?;
    Ok(hex::encode(hasher.finalize()))
}

fn each_chunk(body: &Body, mut work: impl FnMut(&[u8])) -> Result<(), FileFailure> {
    for segment in body.segments() {
        match segment {
            Segment::Bytes(bytes) => work(bytes),
            Segment::File { .. } => {
                let (mut done, mut open) = (0, None);
                while let Some((chunk, source)) = read_chunk(segment, done, open.take())? {
                    work(&chunk);
                    (done, open) = (done + chunk.len() as u64, Some(source));
                }
            }
        }
    }
    Ok(())
}

/// Streams a body from its first byte, so that a retry can have it again: what is in memory without
/// copying, files in steps of 256 KiB read off the async threads. An error ends the request, so that
/// the server never takes a short file for whole.
pub fn stream(body: &Body) -> BodyStream {
    let segments: Arc<[Segment]> = body.segments().to_vec().into();
    let state = Cursor {
        segments,
        at: 0,
        done: 0,
        ahead: None,
    };
    Box::pin(futures_util::stream::unfold(
        state,
        |mut cursor| async move {
            cursor
                .next()
                .await
                .map(|chunk| (chunk, cursor))
        },
    ))
}

/// A chunk of a range of a source file, and that file; none at the end of the range.
type Chunk = Result<Option<(Bytes, OpenFile)>, FileFailure>;

/// Reads the chunk that begins after the first `done` bytes of a range. After the last one the file
/// is looked at again: what changed meanwhile must not count.
fn read_chunk(segment: &Segment, done: u64, opened: Option<OpenFile>) -> Chunk {
    let Segment::File { file, range, mask } = segment else {
        return Ok(None);
    };
    let from = range.start + done;
    let length = CHUNK.min(range.end.saturating_sub(from));
    if length == 0 {
        return Ok(None);
    }
    let mut source = match opened {
        Some(source) => source,
        None => file.open()?,
    };
    let mut chunk = Vec::new();
    source
        .append(from..from + length, &mut chunk)
        .map_err(FileError::from)?;
    if chunk.len() as u64 != length {
        return Err(FileFailure::new(
            FileCode::ReadChanged,
            "the file became shorter",
        ));
    }
    if from + length == range.end {
        file.is_as_it_was()?;
    }
    if let Some(mask) = mask {
        mask.apply(done, &mut chunk);
    }
    Ok(Some((Bytes::from(chunk), source)))
}

struct Cursor {
    segments: Arc<[Segment]>,
    at: usize,
    done: u64,
    /// The next chunk of the same range, which is read while the one before it is sent.
    ahead: Option<JoinHandle<Chunk>>,
}

impl Cursor {
    /// After an error nothing follows.
    fn end(&mut self, error: io::Error) -> io::Error {
        self.segments = Arc::default();
        error
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            match self.segments.get(self.at)?.clone() {
                Segment::Bytes(bytes) => {
                    self.at += 1;
                    if !bytes.is_empty() {
                        return Some(Ok(bytes));
                    }
                }
                segment @ Segment::File { .. } => {
                    let reading = self
                        .ahead
                        .take()
                        .unwrap_or_else(|| read_off_thread(segment.clone(), self.done, None));
                    match reading.await {
                        Ok(Ok(Some((chunk, source)))) => {
                            self.done += chunk.len() as u64;
                            self.ahead = Some(read_off_thread(segment, self.done, Some(source)));
                            return Some(Ok(chunk));
                        }
                        Ok(Ok(None)) => (self.at, self.done) = (self.at + 1, 0),
                        Ok(Err(failure)) => return Some(Err(self.end(io::Error::other(failure)))),
                        Err(stopped) => return Some(Err(self.end(io::Error::other(stopped)))),
                    }
                }
            }
        }
    }
}

fn read_off_thread(segment: Segment, done: u64, opened: Option<OpenFile>) -> JoinHandle<Chunk> {
    tokio::task::spawn_blocking(move || read_chunk(&segment, done, opened))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]
mod tests;
