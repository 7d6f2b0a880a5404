//! The mark that some editors put before a text, Notepad and PowerShell among them (Unicode 16,
//! section 23.8).
//!
//! Owns what becomes of it in every text that a user hands over: lists, keys, profiles, reports. It
//! never guesses an encoding from anything else.

/// The text behind the mark of UTF-8, where it has one.
///
/// # Errors
/// What is wrong, in words, where the mark says that the text is UTF-16.
pub fn without_mark(bytes: &[u8]) -> Result<&[u8], &'static str> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("it is UTF-16 text; save it as UTF-8");
    }
    Ok(bytes
        .strip_prefix(&[0xEF, 0xBB, 0xBF])
        .unwrap_or(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_utf8_goes_and_utf16_is_named() {
        assert_eq!(without_mark(b"\xEF\xBB\xBFa"), Ok(&b"a"[..]));
        assert_eq!(without_mark(b"\xEF\xBBa"), Ok(&b"\xEF\xBBa"[..]));
        assert_eq!(without_mark(b""), Ok(&b""[..]));
        for text in [&b"\xFF\xFEa\0"[..], b"\xFE\xFF\0a"] {
            assert!(without_mark(text).is_err_and(|why| why.contains("UTF-16")));
        }
    }
}
