//! What is known of a file whose bytes pass on their way out: that all of them did, and their
//! SHA-384 where it is wanted.
//!
//! Owns the proof that every byte went out at least once: without it there is no receipt.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use futures_util::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha384};

use crate::body::BodyStream;

/// The passage of one file, in one or more tries.
#[derive(Clone)]
pub struct Checksum {
    length: u64,
    whole: Arc<AtomicBool>,
    sha384: Arc<OnceLock<String>>,
}

impl Checksum {
    /// Of a file of `length` bytes, none of which has passed yet.
    pub fn new(length: u64) -> Self {
        Self {
            length,
            whole: Arc::new(AtomicBool::new(length == 0)),
            sha384: Arc::default(),
        }
    }

    /// Whether the whole file has passed in one of its tries.
    pub fn is_whole(&self) -> bool {
        self.whole.load(Ordering::Relaxed)
    }

    /// In lower-case hexadecimal digits, once the whole file has passed in a try that was hashed.
    pub fn sha384(&self) -> Option<&str> {
        self.sha384
            .get()
            .map(String::as_str)
    }

    /// The same body from its first byte; hashed where that is wanted and was not done before.
    /// Hashing costs more than all else that is done to a file on its way out.
    pub fn watch(&self, body: BodyStream, hash: bool) -> BodyStream {
        let (known, whole, mut left) = (
            Arc::clone(&self.sha384),
            Arc::clone(&self.whole),
            self.length,
        );
        let mut hasher = (hash && known.get().is_none()).then(Sha384::new);
        Box::pin(body.inspect(move |chunk| {
            let Ok(bytes) = chunk else { return };
            left = left.saturating_sub(bytes.len() as u64);
            if let Some(hasher) = &mut hasher {
                hasher.update(bytes);
            }
            if left == 0 {
                whole.store(true, Ordering::Relaxed);
                if let Some(hasher) = hasher.take() {
                    let _ = known.set(hex::encode(hasher.finalize()));
                }
            }
        }))
    }

    /// The hash of a file that passed without being hashed, from a body that is produced for this
    /// alone.
    ///
    /// # Errors
    /// What goes wrong while the body is produced.
    pub async fn settle(&self, mut body: BodyStream) -> io::Result<&str> {
        let mut hasher = Sha384::new();
        while let Some(bytes) = body.try_next().await? {
            hasher.update(&bytes);
        }
        Ok(self
            .sha384
            .get_or_init(|| hex::encode(hasher.finalize())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// FIPS 180-4, of "abc" and of nothing.
    const ABC: &str = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
    const NOTHING: &str = "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b";

    fn body(chunks: &[&'static [u8]]) -> BodyStream {
        Box::pin(futures_util::stream::iter(
            chunks
                .iter()
                .map(|chunk| Ok(Bytes::from_static(chunk)))
                .collect::<Vec<_>>(),
        ))
    }

    #[tokio::test]
    async fn only_a_whole_pass_counts() {
        let checksum = Checksum::new(3);
        let _ = checksum
            .watch(body(&[b"a", b"b"]), true)
            .count()
            .await;
        assert_eq!((checksum.is_whole(), checksum.sha384()), (false, None));
        let _ = checksum
            .watch(body(&[b"ab", b"c"]), true)
            .count()
            .await;
        assert_eq!((checksum.is_whole(), checksum.sha384()), (true, Some(ABC)));
        let _ = checksum
            .watch(body(&[b"xyz"]), true)
            .count()
            .await;
        assert_eq!(checksum.sha384(), Some(ABC));
    }

    #[tokio::test]
    async fn what_was_not_hashed_on_its_way_can_be_afterwards() {
        let checksum = Checksum::new(3);
        let _ = checksum
            .watch(body(&[b"abc"]), false)
            .count()
            .await;
        assert_eq!((checksum.is_whole(), checksum.sha384()), (true, None));
        assert_eq!(
            checksum
                .settle(body(&[b"a", b"bc"]))
                .await
                .unwrap(),
            ABC
        );
        assert_eq!(checksum.sha384(), Some(ABC));
    }

    #[tokio::test]
    async fn nothing_has_passed_from_the_beginning() {
        let checksum = Checksum::new(0);
        assert!(checksum.is_whole());
        assert_eq!(
            checksum
                .settle(body(&[]))
                .await
                .unwrap(),
            NOTHING
        );
    }
}
