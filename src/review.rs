//! Series as a person reviews them before they are sent, and the list of those that were approved.
//!
//! Owns what tells a series from another one and from an earlier form of itself, what of it is shown,
//! and how a list of approvals is read. Must never show an original value of an attribute that
//! cleaning changed, nor a path: pages get mailed. What a list does not name is not approved.

mod approvals;
mod changes;
mod frames;
mod served;

use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use approvals::{Approvals, ApprovedFor, Verdict};
pub use changes::{ChangeRow, ChangeRows, NotedChange};
pub use frames::{FrameSource, Instances, ReviewInstance, ShownPicture};
pub use served::{Originals, Progress};

/// The form of pages, and of lists of approvals.
pub const VERSION: u64 = 1;

/// A series as it would go, for a person who decides about it.
#[derive(Debug)]
pub struct ReviewedSeries {
    /// Which one it is.
    pub id: String,
    /// The SHA-256 over everything that would go.
    pub sha256: String,
    /// Labels of subject, session and acquisition, what does not show in them escaped.
    pub labels: Vec<String>,
    /// The modality as it goes.
    pub modality: String,
    /// Instances that would go.
    pub instances: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of it that were refused.
    pub refused: u64,
    /// What cleaning did to its header.
    pub changes: Vec<SeriesChange>,
    /// Texts of the first instance that nothing changed, by attribute.
    pub kept: Vec<(String, String)>,
    /// Frames as they would go.
    pub pictures: Vec<ShownPicture>,
    /// Frames in which something was blanked or found, and which are not shown.
    pub not_shown: u64,
    /// Why there is no picture of some or all of it.
    pub without_picture: Option<String>,
    /// Instances in which something was blanked.
    pub blanked: u64,
    /// Instances in which something stays that may be text.
    pub uncertain: u64,
}

/// What cleaning did to an attribute of a series.
#[derive(Debug)]
pub struct SeriesChange {
    /// The attribute, and what was done.
    pub row: Arc<ChangeRow>,
    /// Instances in which it was done.
    pub instances: u64,
    /// The values that the instances have which are shown; none where it is gone.
    pub now: Vec<String>,
}

/// What of a series is sent, by which its approval is recognized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesIdentity {
    /// Which series it is: from UIDs as they are sent, so that it does not depend on where files lie.
    pub id: String,
    /// The SHA-256 over labels, and UIDs and bytes of the instances.
    pub sha256: String,
}

/// Makes a [`SeriesIdentity`].
#[derive(Debug)]
pub struct SeriesDigest {
    id: String,
    content: Sha256,
}

impl ReviewedSeries {
    /// Of which nothing is said yet but which one it is.
    pub fn new(identity: SeriesIdentity) -> Self {
        Self {
            id: identity.id,
            sha256: identity.sha256,
            labels: Vec::new(),
            modality: String::new(),
            instances: 0,
            bytes: 0,
            refused: 0,
            changes: Vec::new(),
            kept: Vec::new(),
            pictures: Vec::new(),
            not_shown: 0,
            without_picture: None,
            blanked: 0,
            uncertain: 0,
        }
    }
}

impl SeriesDigest {
    /// Begins with what names the series, `of` (UIDs and suffixes of names as they are sent), and
    /// where it goes.
    pub fn new<'a>(
        of: impl IntoIterator<Item = &'a str>,
        labels: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut digest = Sha256::new();
        of.into_iter()
            .for_each(|part| add(&mut digest, part));
        let id: String = hex::encode(digest.finalize())
            .chars()
            .take(32)
            .collect();
        let mut content = Sha256::new();
        labels
            .into_iter()
            .for_each(|label| add(&mut content, label));
        Self { id, content }
    }

    /// Adds an instance; always in the order of their UIDs.
    pub fn add(&mut self, sop_instance: &str, sha256: &str) {
        add(&mut self.content, sop_instance);
        add(&mut self.content, sha256);
    }

    /// The identity of everything that was added.
    pub fn finish(self) -> SeriesIdentity {
        SeriesIdentity {
            id: self.id,
            sha256: hex::encode(self.content.finalize()),
        }
    }
}

/// Parts with their lengths, so that no two lists of parts come out alike.
fn add(digest: &mut Sha256, part: &str) {
    digest.update((part.len() as u64).to_le_bytes());
    digest.update(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_keeps_its_id_and_changes_its_hash_with_what_is_sent() {
        let identity = |of: [&str; 2], label: &str, hash: &str| {
            let mut digest = SeriesDigest::new(of, [label]);
            digest.add("1.2", hash);
            digest.finish()
        };
        let first = identity(["2.25.1", "2.25.2"], "S1", "aa");
        assert_eq!(first, identity(["2.25.1", "2.25.2"], "S1", "aa"));
        for (label, hash) in [("S2", "aa"), ("S1", "ab")] {
            let other = identity(["2.25.1", "2.25.2"], label, hash);
            assert_eq!(other.id, first.id);
            assert_ne!(other.sha256, first.sha256);
        }
        let shifted = identity(["2.25.12", ".25.2"], "S1", "aa");
        assert_ne!(shifted.id, first.id, "parts do not run into each other");
        assert_eq!(first.id.len(), 32);
    }
}
