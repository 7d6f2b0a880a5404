//! The SHA-384 of a file, computed while its bytes pass on their way out.
//!
//! Owns the proof that every byte went out at least once: without it there is neither a checksum nor a receipt.

use std::sync::{Arc, OnceLock};

use futures_util::StreamExt;
use sha2::{Digest, Sha384};

use super::body::BodyStream;

/// Lower-case hexadecimal digits, known once the whole file has passed in one of its tries.
#[derive(Clone)]
pub(super) struct Checksum {
    length: u64,
    known: Arc<OnceLock<String>>,
}

impl Checksum {
    /// Of a file of `length` bytes, none of which has passed yet.
    pub(super) fn new(length: u64) -> Self {
        let known = OnceLock::new();
        if length == 0 {
            let _ = known.set(hex::encode(Sha384::new().finalize()));
        }
        Self { length, known: Arc::new(known) }
    }

    pub(super) fn get(&self) -> Option<&str> {
        self.known.get().map(String::as_str)
    }

    /// The same body from its first byte. A try after a whole one is not computed again.
    pub(super) fn watch(&self, body: BodyStream) -> BodyStream {
        if self.known.get().is_some() {
            return body;
        }
        let (known, mut hasher, mut left) = (Arc::clone(&self.known), Sha384::new(), self.length);
        Box::pin(body.inspect(move |chunk| {
            let Ok(bytes) = chunk else { return };
            hasher.update(bytes);
            left = left.saturating_sub(bytes.len() as u64);
            if left == 0 {
                let _ = known.set(hex::encode(hasher.finalize_reset()));
            }
        }))
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
        Box::pin(futures_util::stream::iter(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect::<Vec<_>>()))
    }

    #[tokio::test]
    async fn only_a_whole_pass_has_a_checksum() {
        let checksum = Checksum::new(3);
        let _ = checksum.watch(body(&[b"a", b"b"])).count().await;
        assert_eq!(checksum.get(), None);
        let _ = checksum.watch(body(&[b"ab", b"c"])).count().await;
        assert_eq!(checksum.get(), Some(ABC));
        let _ = checksum.watch(body(&[b"xyz"])).count().await;
        assert_eq!(checksum.get(), Some(ABC));
    }

    #[test]
    fn nothing_has_passed_from_the_beginning() {
        assert_eq!(Checksum::new(0).get(), Some(NOTHING));
    }
}
