//! UIDs in bytes: runs of digits and points, also in UTF-16.
//!
//! Owns what such a run is. A UID is looked for whole: that another one begins with it says
//! nothing.

use std::ops::Range;

use memchr::memchr_iter;

use super::search::Ended;

/// Shorter ones may as well be versions.
const SHORTEST: usize = 8;
const LONGEST: usize = 64;

/// Whether a value has the form of a UID that may tell one instance from another.
pub(super) fn is_uid(value: &[u8]) -> bool {
    let digits = value
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let points = memchr_iter(b'.', value).count();
    digits && points >= 2 && (SHORTEST..=LONGEST).contains(&value.len())
}

/// Who is told of a run. What is given back ends the search.
type Found<'a> = &'a mut dyn FnMut(Range<usize>, &[u8], usize) -> Result<(), Ended>;

/// Tells of every run that may be a UID: where it stands, its characters, and bytes per character.
pub(super) fn tokens(bytes: &[u8], found: Found<'_>) -> Result<(), Ended> {
    let mut done = 0;
    for point in memchr_iter(b'.', bytes) {
        if point < done {
            continue;
        }
        let stride = if belongs(bytes.get(point + 1)) || bytes.get(point + 1) != Some(&0) {
            1
        } else {
            2
        };
        let range = run(bytes, point, stride);
        done = range.end.max(point + 1);
        let token = bytes.get(range.clone()).unwrap_or_default();
        if stride == 1 {
            tell(range.start, token, 1, found)?;
        } else {
            let narrow: Vec<u8> = token.iter().step_by(2).copied().take(LONGEST + 1).collect();
            tell(range.start, &narrow, 2, found)?;
        }
    }
    Ok(())
}

fn belongs(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// The run around a point.
fn run(bytes: &[u8], point: usize, stride: usize) -> Range<usize> {
    let zero = |at: usize| stride == 1 || bytes.get(at) == Some(&0);
    let (mut start, mut end) = (point, point + 1);
    while start >= stride && belongs(bytes.get(start - stride)) && zero(start - 1) {
        start -= stride;
    }
    while belongs(bytes.get(end + stride - 1)) && zero(end) {
        end += stride;
    }
    start..end
}

/// The run without the points of a sentence around it.
fn tell(start: usize, token: &[u8], stride: usize, found: Found<'_>) -> Result<(), Ended> {
    let before = token.iter().take_while(|byte| **byte == b'.').count();
    let token = token.get(before..).unwrap_or_default();
    let length = token
        .iter()
        .rposition(|byte| *byte != b'.')
        .map_or(0, |at| at + 1);
    let token = token.get(..length).unwrap_or_default();
    if !is_uid(token) {
        return Ok(());
    }
    let start = start + before * stride;
    found(start..start + length * stride - (stride - 1), token, stride)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<(String, usize, usize)> {
        let mut all = Vec::new();
        tokens(bytes, &mut |range, token, stride| {
            assert_eq!(range.len(), token.len() * stride - (stride - 1));
            all.push((
                String::from_utf8_lossy(token).into_owned(),
                range.start,
                stride,
            ));
            Ok(())
        })
        .unwrap();
        all
    }

    #[test]
    fn runs_of_digits_and_points_are_told_whole() {
        assert_eq!(
            all(b"see 1.2.826.0.1, 1.250000 and 1.2.840.99.7."),
            [("1.2.826.0.1".into(), 4, 1), ("1.2.840.99.7".into(), 30, 1)]
        );
        assert_eq!(all(b"1.2.3 ....... v1.2.3"), []);
    }

    #[test]
    fn wide_characters_of_either_order_are_read() {
        let wide: Vec<u8> = "x 1.2.826.0.1 y"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(all(&wide), [("1.2.826.0.1".into(), 4, 2)]);
        let wide: Vec<u8> = "x 1.2.826.0.1 y"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(all(&wide), [("1.2.826.0.1".into(), 5, 2)]);
    }
}
