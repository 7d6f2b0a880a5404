//! `--pictures`: frames that are changed, doubtful or refused, before and after, as pictures for a
//! person to look at.
//!
//! Owns the folder that they are written into, for their owner alone, and their names. The pictures
//! show what identifies: they are never sent, and nothing but the command line asks for them. Must
//! never replace a file.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use crate::event::Notice;
use crate::failure::{Error, RunCode};
use dicom_deid::{FrameSink, ShownFrame, TextFind};
use dicom_lossless::display_path;
use dicom_pictures::Picture;

/// The most bytes of a path that a name takes up: file systems end names at 255.
const MAX_PATH: usize = 120;
/// Other runs that may take the same number at the same time.
const MAX_TRIES: u32 = 100;

/// The folder that pictures are written into.
#[derive(Debug)]
pub struct Pictures {
    folder: PathBuf,
    /// Whether names go without the paths of the files.
    redacted: bool,
    /// The number of the last frame.
    last: AtomicU64,
    written: AtomicU64,
    /// Frames that were not written, and why the first was not.
    lost: Mutex<(u64, Option<io::Error>)>,
}

impl Pictures {
    /// Opens the folder, which is created where it is missing. Pictures of earlier runs stay.
    ///
    /// # Errors
    /// `pictures.unwritable` where nothing can be written there.
    pub fn open(folder: &Path, redacted: bool) -> Result<Self, Error> {
        let open = || {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            builder.mode(0o700);
            builder.create(folder)?;
            tempfile::tempfile_in(folder)?;
            last_number(folder)
        };
        let last = open().map_err(|error| {
            let what = format!("pictures cannot be written to {}", display_path(folder));
            Error::new(RunCode::PicturesUnwritable, what).because(error.to_string())
        })?;
        Ok(Self {
            folder: folder.to_owned(),
            redacted,
            last: AtomicU64::new(last),
            written: AtomicU64::default(),
            lost: Mutex::default(),
        })
    }

    /// What the user must be told of them before the first is written.
    pub fn warning(&self) -> Notice {
        let folder = display_path(&self.folder);
        let text = format!(
            "the pictures in {folder} show what was found, identifying text among it: delete them \
                after looking"
        );
        Notice::warning("pictures", text)
    }

    /// What came of them: how many were written, and that some could not be.
    pub fn outcome(&self) -> Vec<Notice> {
        let folder = display_path(&self.folder);
        let written = self.written.load(Ordering::Relaxed);
        let mut notices = vec![Notice::fact(
            "pictures",
            match written {
                0 => "no frame was changed or refused, so there is no picture".to_owned(),
                1 => format!("1 frame is shown in {folder}"),
                _ => format!("{written} frames are shown in {folder}"),
            },
        )];
        let lost = self
            .lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let (frames @ 1.., Some(error)) = &*lost {
            let frames = if *frames == 1 {
                "1 frame".to_owned()
            } else {
                format!("{frames} frames")
            };
            let text = format!("{frames} could not be written to {folder}: {error}");
            notices.push(Notice::warning("pictures", text));
        }
        notices
    }

    fn write(&self, path: &str, frame: &ShownFrame<'_>) -> io::Result<()> {
        let png = |pixels: &[u8], finds: &[TextFind]| {
            let mut picture = Picture {
                width: frame.width,
                height: frame.height,
                samples: frame.samples,
                pixels: pixels.to_vec(),
            };
            for find in finds {
                picture.outline(find.area.map(usize::from));
            }
            picture
                .to_png()
                .map_err(io::Error::other)
        };
        let before = png(frame.before, frame.finds)?;
        let after = frame
            .after
            .map(|after| png(after, &[]))
            .transpose()?;
        let path = (!self.redacted).then(|| harmless(path));
        let path = path.map_or_else(String::new, |path| format!("-{path}"));
        // What several frames have in common has no number.
        let number = frame
            .number
            .map_or_else(|| "frames".to_owned(), |number| format!("frame-{number}"));
        let (name, mut file) = self.create(&format!("{path}-{number}"))?;
        file.write_all(&before)?;
        if let Some(after) = after {
            let path = self
                .folder
                .join(format!("{name}-after.png"));
            new_file(&path)?.write_all(&after)?;
        }
        Ok(())
    }

    /// Creates the first picture of a frame under the next number that is free, and gives the name
    /// of the frame.
    fn create(&self, rest: &str) -> io::Result<(String, File)> {
        for _ in 0..MAX_TRIES {
            let number = 1 + self
                .last
                .fetch_add(1, Ordering::Relaxed);
            let name = format!("{number:04}{rest}");
            let path = self
                .folder
                .join(format!("{name}-before.png"));
            match new_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                file => return Ok((name, file?)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl FrameSink for Pictures {
    fn take(&self, path: &str, frame: &ShownFrame<'_>) {
        match self.write(path, frame) {
            Ok(()) => {
                self.written
                    .fetch_add(1, Ordering::Relaxed);
            }
            // The run goes on: what is sent does not depend on it.
            Err(error) => {
                let mut lost = self
                    .lost
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                lost.0 += 1;
                lost.1.get_or_insert(error);
            }
        }
    }
}

/// The highest number of a picture in a folder; 0 where there is none.
fn last_number(folder: &Path) -> io::Result<u64> {
    let mut last = 0;
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let number = name
            .split('-')
            .next()
            .filter(|_| name.ends_with(".png"))
            .and_then(|number| number.parse().ok());
        last = last.max(number.unwrap_or_default());
    }
    Ok(last)
}

/// Creates a file for its owner alone.
///
/// # Errors
/// There is one already, or it cannot be made.
pub fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path)
}

/// The end of a path as a part of a name: letters, digits and what no shell or file system minds.
fn harmless(path: &str) -> String {
    let mut name: String = path
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let begin = name.len().saturating_sub(MAX_PATH);
    let begin = (begin..=name.len()).find(|at| name.is_char_boundary(*at));
    name.drain(..begin.unwrap_or_default());
    name
}

#[cfg(test)]
mod tests;
