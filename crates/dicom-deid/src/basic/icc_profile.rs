//! ICC profiles (ISO 15076-1) without what they say beside colours: maker, date, device and
//! descriptions.
//!
//! Keeps the length, and the bytes of what it keeps. A profile that it cannot read it does not
//! pass.

/// Bytes of the header.
const HEADER: usize = 128;
/// Bytes of an entry of the table of tags.
const ENTRY: usize = 12;
/// The most tags that a profile may have; real ones have up to 40.
const MOST_TAGS: usize = 128;

/// Device classes.
const CLASSES: [&[u8]; 7] = [
    b"scnr", b"mntr", b"prtr", b"link", b"spac", b"abst", b"nmcl",
];
/// Colour spaces, except those with a number of colours (`2CLR` to `FCLR`).
const SPACES: [&[u8]; 11] = [
    b"XYZ ", b"Lab ", b"Luv ", b"YCbr", b"Yxy ", b"RGB ", b"GRAY", b"HSV ", b"HLS ", b"CMYK",
    b"CMY ",
];
/// Tags that say how colours are meant.
const COLOURS: [&[u8]; 24] = [
    b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"B2D0", b"B2D1", b"B2D2", b"B2D3",
    b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC",
    b"kTRC", b"wtpt", b"bkpt", b"chad",
];
/// Types of numbers.
const NUMBERS: [&[u8]; 8] = [
    b"XYZ ", b"curv", b"para", b"sf32", b"mft1", b"mft2", b"mAB ", b"mBA ",
];
/// Tags of text that every profile must have.
const TEXTS: [&[u8]; 2] = [b"desc", b"cprt"];
/// Types of text: what one of them without a letter begins with, its length field included.
const EMPTY: [(&[u8], &[u8]); 3] = [
    (b"desc", b"desc\0\0\0\0\0\0\0\x01"),
    (b"text", b"text\0\0\0\0"),
    (b"mluc", b"mluc\0\0\0\0\0\0\0\0\0\0\0\x0C"),
];
/// What of the header says how to read the rest: size, version to connection space, signature,
/// intent and illuminant.
const READ_BY: [(usize, usize); 5] = [(0, 4), (8, 12), (12, 24), (36, 40), (64, 80)];

/// The profile with nothing in it but what says how colours are meant; as long as it was. None
/// where it is none, or its parts do not lie where it says.
pub fn colours_only(profile: &[u8]) -> Option<Vec<u8>> {
    let size = number(profile, 0)?;
    let body = profile.get(..size)?;
    let count = number(body, HEADER).filter(|count| *count <= MOST_TAGS)?;
    let is_space = |at| {
        body.get(at..at + 4)
            .is_some_and(|space| SPACES.contains(&space) || space.ends_with(b"CLR"))
    };
    let is_profile = body.get(36..40)? == b"acsp"
        && CLASSES.contains(&body.get(12..16)?)
        && is_space(16)
        && is_space(20);
    if !is_profile || number(body, 64)? > 3 {
        return None;
    }
    let mut new = vec![0; profile.len()];
    for (from, to) in READ_BY {
        new.get_mut(from..to)?
            .copy_from_slice(body.get(from..to)?);
    }
    let first = HEADER + 4 + ENTRY * count;
    let mut kept = 0;
    for entry in body
        .get(HEADER + 4..first)?
        .chunks_exact(ENTRY)
    {
        let (tag, from, length) = (entry.get(..4)?, number(entry, 4)?, number(entry, 8)?);
        let data = body
            .get(from..from.checked_add(length)?)
            .filter(|_| from >= first)?;
        if !keep(tag, data, new.get_mut(from..from + length)?) {
            continue;
        }
        let at = HEADER + 4 + ENTRY * kept;
        new.get_mut(at..at + ENTRY)?
            .copy_from_slice(entry);
        kept += 1;
    }
    new.get_mut(HEADER..HEADER + 4)?
        .copy_from_slice(
            &u32::try_from(kept)
                .ok()?
                .to_be_bytes(),
        );
    Some(new)
}

/// Copies what may stay of the data of a tag; false where the tag goes.
fn keep(tag: &[u8], data: &[u8], new: &mut [u8]) -> bool {
    let kind = data.get(..4).unwrap_or_default();
    if COLOURS.contains(&tag) && NUMBERS.contains(&kind) {
        new.copy_from_slice(data);
        return true;
    }
    let empty = EMPTY
        .iter()
        .find(|(text, _)| TEXTS.contains(&tag) && *text == kind);
    let head = empty.and_then(|(_, empty)| Some((empty, new.get_mut(..empty.len())?)));
    head.map(|(empty, head)| head.copy_from_slice(empty))
        .is_some()
}

/// The big-endian number of four bytes.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes
        .get(at..)?
        .first_chunk::<4>()?;
    usize::try_from(u32::from_be_bytes(*four)).ok()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A profile of these tags, each with its data.
    fn profile(tags: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
        let mut header = vec![0; HEADER];
        header[4..12].copy_from_slice(b"JANE\x02\x10\0\0");
        header[12..24].copy_from_slice(b"mntrRGB XYZ ");
        header[24..36].copy_from_slice(&[0x07, 0xE1, 0, 6, 0, 12, 0, 0, 0, 0, 0, 0]);
        header[36..64].copy_from_slice(b"acspJANEJANEJANEJANEJANEJANE");
        header[80..128].copy_from_slice(&b"JANE".repeat(12));
        let mut table = u32::try_from(tags.len())
            .unwrap()
            .to_be_bytes()
            .to_vec();
        let mut data = Vec::new();
        for (tag, value) in tags {
            let from = HEADER + 4 + ENTRY * tags.len() + data.len();
            table.extend_from_slice(*tag);
            table.extend(
                u32::try_from(from)
                    .unwrap()
                    .to_be_bytes(),
            );
            table.extend(
                u32::try_from(value.len())
                    .unwrap()
                    .to_be_bytes(),
            );
            data.extend_from_slice(value);
        }
        let mut all = [header, table, data].concat();
        let size = u32::try_from(all.len())
            .unwrap()
            .to_be_bytes();
        all[..4].copy_from_slice(&size);
        all
    }

    fn value(kind: &[u8], rest: &[u8]) -> Vec<u8> {
        [kind, &[0; 4], rest].concat()
    }

    fn holds(bytes: &[u8], text: &str) -> bool {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    }

    #[test]
    fn colour_data_stays_where_it_was() {
        let white = value(b"XYZ ", &[0, 0, 0xF6, 0xD6, 0, 1, 0, 0, 0, 0, 0xD3, 0x2D]);
        let curve = value(b"curv", &[0, 0, 0, 1, 2, 0x33]);
        let old = profile(&[
            (
                b"desc",
                value(b"desc", b"\0\0\0\x1AJane Quellhorst's monitor\0"),
            ),
            (b"wtpt", white.clone()),
            (b"jane", value(b"text", b"Jane Quellhorst\0")),
            (b"rTRC", curve.clone()),
            (b"cprt", value(b"text", b"Jane Quellhorst 2017\0")),
            (b"dmnd", value(b"mluc", b"\0\0\0\x01\0\0\0\x0CenUS")),
        ]);
        let new = colours_only(&old).unwrap();
        assert_eq!(new.len(), old.len());
        for gone in ["Jane", "JANE", "jane", "Quellhorst", "2017", "enUS"] {
            assert!(!holds(&new, gone), "{gone}");
        }
        assert_eq!(&new[12..24], b"mntrRGB XYZ ");
        assert_eq!(number(&new, HEADER), Some(4));
        let tags: Vec<&[u8]> = new[HEADER + 4..]
            .chunks(ENTRY)
            .take(4)
            .map(|entry| &entry[..4])
            .collect();
        assert_eq!(tags, [b"desc", b"wtpt", b"rTRC", b"cprt"]);
        assert!(
            new.windows(white.len())
                .any(|window| window == white)
                && new
                    .windows(curve.len())
                    .any(|window| window == curve)
        );
        assert_eq!(
            colours_only(&new),
            Some(new.clone()),
            "what is clean stays as it is"
        );
    }

    #[test]
    fn text_under_the_tag_of_a_colour_and_behind_the_end_is_removed() {
        let old = profile(&[
            (b"wtpt", value(b"text", b"Jane")),
            (b"A2B0", value(b"ut8 ", b"Jane")),
        ]);
        let new = colours_only(&[old.as_slice(), b"Jane"].concat()).unwrap();
        assert!(!holds(&new, "Jane"));
        assert_eq!(number(&new, HEADER), Some(0));
    }

    #[test]
    fn invalid_profiles_are_refused() {
        let good = profile(&[(b"wtpt", value(b"XYZ ", &[0; 12]))]);
        assert!(colours_only(&good).is_some());
        let with = |at: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[at..at + bytes.len()].copy_from_slice(bytes);
            bad
        };
        let bad = [
            Vec::new(),
            b"made for Jane Quellhorst".repeat(20),
            good[..HEADER + 3].to_vec(),
            with(0, &[0x7F; 4]),
            with(12, b"Jane"),
            with(16, b"Jane"),
            with(36, b"Jane"),
            with(64, b"Jane"),
            with(HEADER, &[0xFF; 4]),
            with(HEADER + 8, &[0; 4]),
            with(HEADER + 12, &[0xFF; 4]),
        ];
        for (index, profile) in bad.iter().enumerate() {
            assert_eq!(colours_only(profile), None, "{index}");
        }
    }
}
