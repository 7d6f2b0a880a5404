//! How many numbers an attribute may hold: the value multiplicity of PS3.6. Data only: knows no
//! values.

use std::sync::OnceLock;

use dicom_core::Tag;
use foldhash::HashMap;

use super::confidentiality::Covers;

/// Tag and the most numbers that it holds, of every attribute that may hold more than one; nothing
/// where there is no limit.
const MULTIPLICITIES: &str = include_str!("value-multiplicity.csv");

/// The most numbers that an attribute of a numeric VR may hold; none where there is no limit.
pub fn most_numbers(tag: Tag) -> Option<usize> {
    static BY_TAG: OnceLock<HashMap<Tag, Option<usize>>> = OnceLock::new();
    BY_TAG
        .get_or_init(multiplicities)
        .get(&tag)
        .copied()
        .unwrap_or(Some(1))
}

fn multiplicities() -> HashMap<Tag, Option<usize>> {
    let mut reader = csv::Reader::from_reader(MULTIPLICITIES.as_bytes());
    reader
        .records()
        .filter_map(|record| row(&record.ok()?))
        .collect()
}

fn row(record: &csv::StringRecord) -> Option<(Tag, Option<usize>)> {
    let Covers::One(tag) = Covers::parse(record.get(0)?)? else {
        return None;
    };
    match record.get(1)? {
        "" => Some((tag, None)),
        most => Some((tag, Some(most.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use dicom_dictionary_std::tags;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_list_is_the_pinned_one_and_read_whole() {
        let digest = hex::encode(Sha256::digest(MULTIPLICITIES));
        assert_eq!(
            digest,
            "6f822a28b481ad763163d790bbf1636c143b504525d89628aced676adfadf45f"
        );
        assert_eq!(
            (MULTIPLICITIES.lines().count(), multiplicities().len()),
            (387, 386)
        );
    }

    #[test]
    fn multiplicities_are_those_of_ps3_6() {
        for (tag, most) in [
            (tags::ROWS, Some(1)),
            (tags::PIXEL_SPACING, Some(2)),
            (tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, Some(3)),
            (tags::IMAGE_ORIENTATION_PATIENT, Some(6)),
            (tags::FRAME_INCREMENT_POINTER, None),
            (tags::GRAPHIC_DATA, None),
        ] {
            assert_eq!(most_numbers(tag), most, "{tag}");
        }
    }
}
