//! What was written, read again as its receiver reads it.
//!
//! Owns the way from a [`Body`] to an [`Instance`]. Nothing is copied into memory that reading a file
//! would not copy.

use std::sync::Arc;

use super::Limits;
use super::body::{Body, Segment};
use super::read::{Instance, read};
use super::source::{ReadSeek, Source, SourceFile, Stored};
use crate::error::FileError;

impl Body {
    /// Reads it as a file: what was written, as its receiver reads it. Nothing is
    /// copied into memory that reading a file would not copy.
    ///
    /// # Errors
    /// As for [`read()`].
    pub fn instance(&self, limits: &Limits) -> Result<Instance, FileError> {
        let outermost = self.outermost();
        let path = outermost.path().to_owned();
        let source = if let [Segment::Bytes(bytes)] = self.segments() {
            Source::Memory {
                file: Arc::new(outermost),
                bytes: bytes.clone(),
            }
        } else {
            let body = self.clone();
            let stored = Arc::new(StoredBody { body, outermost });
            Source::File(Arc::new(SourceFile::inside(path, self.len(), stored)))
        };
        read(source, limits)
    }

    /// The first file on disk that it streams from; one that is never opened where there is none.
    fn outermost(&self) -> SourceFile {
        let file = self
            .segments()
            .iter()
            .find_map(|segment| match segment {
                Segment::File { file, .. } => Some(file),
                Segment::Bytes(_) => None,
            });
        match file.map(|file| (file, file.stored())) {
            Some((_, Some(stored))) => stored.outermost().clone(),
            Some((file, None)) => SourceFile::clone(file),
            None => SourceFile::as_it_was("", self.len(), None),
        }
    }
}

/// A body that is read as a file is.
#[derive(Debug)]
struct StoredBody {
    body: Body,
    outermost: SourceFile,
}

impl Stored for StoredBody {
    fn open(&self) -> Result<Box<dyn ReadSeek>, FileError> {
        Ok(Box::new(self.body.reader()))
    }

    fn has_checksum(&self) -> bool {
        false
    }

    fn outermost(&self) -> &SourceFile {
        &self.outermost
    }

    fn fingerprint(&self) -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::{FileErrorKind, Mask, PixelElement, Scrubbed, fixture, write};

    #[test]
    fn what_was_written_is_read_again_from_where_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let data = fixture::everything(fixture::EXPLICIT, false);
        for bytes in [
            fixture::native(&data),
            fixture::native(&data)[132..].to_vec(),
        ] {
            let path = folder.path().join("f");
            std::fs::write(&path, &bytes).unwrap();
            let mut instance = read(Source::open(&path).unwrap(), &Limits::default()).unwrap();
            let pixels = instance.pixels.clone().unwrap();
            let mask = Mask::of_ranges(64, std::iter::once(8..64).collect());
            instance.pixels = Some(PixelElement {
                scrubbed: Some(Scrubbed::Masked(Arc::new(mask))),
                ..pixels
            });
            let body = write(&instance, &Limits::default()).unwrap();
            assert!(body.in_memory() < body.len(), "pixel data is not loaded");
            let again = body
                .instance(&Limits::default())
                .unwrap();
            assert_eq!(again.header, instance.header);
            let place = again.pixels.clone().unwrap().value;
            let expected = [[7; 8].to_vec(), vec![0; 56]].concat();
            assert_eq!(again.source_bytes(place).unwrap(), expected);
            let whole = Body::new(vec![Segment::Bytes(body.to_vec().unwrap().into())]);
            let loaded = whole
                .instance(&Limits::default())
                .unwrap();
            assert_eq!(
                (loaded.header, loaded.tail),
                (again.header.clone(), again.tail.clone())
            );
            std::fs::write(&path, b"0123").unwrap();
            let place = again.pixels.clone().unwrap().value;
            let error = again
                .source_bytes(place)
                .unwrap_err();
            assert_eq!(error.kind, FileErrorKind::Changed);
        }
    }
}
