//! What a UID looks like, alone and inside text.

use std::ops::Range;

/// Fewer bytes are a version number rather than a UID.
const SHORTEST_IN_TEXT: usize = 12;

/// Fewer components are a version number or an address rather than a UID.
const FEWEST_IN_TEXT: usize = 5;

/// The arc of UIDs made from UUIDs, which have one component more.
const UUID_ARC: &str = "2.25.";

/// A UID without its padding: what stands behind the first NUL is none of it (PS3.5 section 9.1),
/// and nor are spaces.
pub fn before_nul(value: &[u8]) -> &[u8] {
    value
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default()
        .trim_ascii()
}

/// Whether a text has the characters and the length of a UID.
pub fn is_uid(text: &[u8]) -> bool {
    text.len() <= 64
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// Whether these are two and more numbers between points, beneath a root that exists.
fn is_shaped(text: &str) -> bool {
    let mut parts = text.split('.');
    let (Some(root), Some(second)) = (parts.next(), parts.next()) else {
        return false;
    };
    let is_number = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit())
    };
    let rooted = match root {
        "0" | "1" => second
            .parse()
            .is_ok_and(|arc: u8| arc < 40),
        "2" => true,
        _ => false,
    };
    rooted && is_number(second) && parts.all(is_number)
}

/// Where UIDs stand in text: runs of digits and points, without points at either end, with the
/// shape of a UID. They have at least five components and twelve bytes, and one component of three
/// digits or more; or are `2.25.` and at least ten digits. So `1.2.3.4`, `1.10.20.30.40` and
/// `192.168.1.1` are none. Leading zeroes and too great a length, which make a UID illegal, do not
/// make it less telling, and are found.
pub fn uids_in_text(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut rest = text;
    // Every run holds a point; most texts hold none.
    while let Some(point) = rest.find('.') {
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let (before, behind) = rest.split_at(point);
        let start = before
            .trim_end_matches(is_part)
            .len();
        let length = behind
            .find(|c| !is_part(c))
            .unwrap_or(behind.len());
        let offset = text.len() - rest.len();
        let run = rest
            .get(start..point + length)
            .unwrap_or_default();
        found.extend(
            uid_of_run(run).map(|uid| offset + start + uid.start..offset + start + uid.end),
        );
        rest = behind
            .get(length..)
            .unwrap_or_default();
    }
    found
}

/// The UID that a run of digits and points is.
fn uid_of_run(run: &str) -> Option<Range<usize>> {
    let start = run.len() - run.trim_start_matches('.').len();
    let uid = run.trim_matches('.');
    tells_an_instance(uid).then(|| start..start + uid.len())
}

fn tells_an_instance(uid: &str) -> bool {
    if uid.len() < SHORTEST_IN_TEXT || !is_shaped(uid) {
        return false;
    }
    if let Some(uuid) = uid.strip_prefix(UUID_ARC) {
        return uuid.len() >= 10;
    }
    uid.split('.').count() >= FEWEST_IN_TEXT
        && uid
            .split('.')
            .any(|part| part.len() >= 3)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        uids_in_text(text)
            .into_iter()
            .map(|range| text.get(range).unwrap())
            .collect()
    }

    #[test]
    fn uids_are_found_in_text() {
        let uid = "1.2.840.113619.2.55.3.604688119";
        for text in [
            uid.to_owned(),
            format!("UID:{uid}."),
            format!("see {uid}, p. 3"),
            format!("({uid})"),
            format!("é{uid}é ."),
        ] {
            assert_eq!(found(&text), [uid], "{text}");
        }
        assert_eq!(
            found(&format!("{uid}\\2.25.3298007356985866/..{uid}")),
            [uid, "2.25.3298007356985866", uid]
        );
        assert_eq!(
            found("illegal 1.2.840.113619.2.055.03"),
            ["1.2.840.113619.2.055.03"]
        );
        assert_eq!(
            found(
                "long 1.2.840.113619.2.5555555555555555555555555555555555555555555555555555555555"
            )
            .len(),
            1
        );
    }

    #[test]
    fn versions_addresses_and_numbers_are_no_uids() {
        for text in [
            "",
            "no points",
            "1.2.3.4",
            "1.10.20.30.40",
            "192.168.100.101",
            "syngo MR 2004.1.19.5.123",
            "0.5 x 0.5",
            "3.14159265358979",
            "2.25.3",
            "1.2.840.10008",
            "1.2..840.113619.2.55",
            "e. g. ...",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
