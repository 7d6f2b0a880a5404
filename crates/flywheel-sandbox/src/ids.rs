//! Random ids and keys.
//!
//! Every one is unpredictable, also where the operating system gives no random bytes. Must never
//! draw from a clock alone.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Utc;

/// Unpredictable bytes from the operating system; where it gives none, from the standard library's
/// hasher, which the system seeded earlier.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        for chunk in bytes.chunks_mut(8) {
            let word = RandomState::new().hash_one(Utc::now().timestamp_nanos_opt());
            chunk
                .iter_mut()
                .zip(word.to_le_bytes())
                .for_each(|(byte, drawn)| *byte = drawn);
        }
    }
    bytes
}

/// `2 * N` random hexadecimal digits.
pub fn random_hex<const N: usize>() -> String {
    hex::encode(random_bytes::<N>())
}

/// A random UUID (version 4).
pub fn uuid() -> String {
    let mut bytes = random_bytes::<16>();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    let parts =
        [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| text.get(range).unwrap_or_default());
    parts.join("-")
}

/// An id of 24 hexadecimal digits that sorts by time: seconds, five random bytes, a counter.
pub fn object_id() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    static PROCESS: OnceLock<String> = OnceLock::new();
    let process = PROCESS.get_or_init(random_hex::<5>);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed) & 0x00ff_ffff;
    let seconds = u32::try_from(Utc::now().timestamp()).unwrap_or(u32::MAX);
    format!("{seconds:08x}{process}{count:06x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shapes_and_sort_by_time() {
        let (first, second) = (object_id(), object_id());
        assert!(first < second && first.len() == 24);
        assert_eq!(
            uuid()
                .split('-')
                .map(str::len)
                .collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        assert_ne!(uuid(), uuid());
        assert_eq!(random_hex::<8>().len(), 16);
    }
}
