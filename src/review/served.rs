//! What a page that is served on this machine has beyond one that is a file: where the originals of
//! its pictures are, and how the upload goes that it began.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{FrameSource, ReviewedSeries};

/// Where the originals of pictures are. It stays in memory.
#[derive(Debug, Default)]
pub struct Originals(Mutex<HashMap<String, Vec<FrameSource>>>);

impl Originals {
    /// Notes those of a series.
    pub fn note(&self, series: &ReviewedSeries) {
        let sources = series
            .pictures
            .iter()
            .map(|picture| picture.source.clone())
            .collect();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(series.id.clone(), sources);
    }

    /// Whether no series was noted.
    pub fn is_empty(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// That of a picture of a series, by its number from 0.
    pub fn get(&self, series: &str, picture: usize) -> Option<FrameSource> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(series)?
            .get(picture)
            .cloned()
    }
}

/// How an upload goes, in one line.
#[derive(Debug, Default)]
pub struct Progress(Mutex<(String, bool)>);

impl Progress {
    /// Notes how it goes, and whether it has ended.
    pub fn note(&self, text: String, has_ended: bool) {
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = (text, has_ended);
    }

    /// The line, and whether the upload has ended.
    pub fn now(&self) -> (String, bool) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
