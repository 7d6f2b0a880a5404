//! Private elements: those that the standard describes (PS3.15 Table E.3.10-1), and the VRs that
//! vendors' documents give.

use std::sync::LazyLock;

use dicom_core::VR;
use foldhash::HashMap;

/// The table as it stands in PS3.15, edition 2026d: creator, tag with its block open, VR, VM, name.
const TABLE: &str = include_str!("safe-private.csv");

/// VRs beyond the standard's table, as Flywheel's engine knows them; the file says where they come
/// from.
const DICTIONARY: &str = include_str!("private-dictionary.tsv");

type Name = (&'static str, u16, u8);

/// The VR of each element that the table lists; none where it gives none or a choice.
static ROWS: LazyLock<HashMap<Name, Option<VR>>> = LazyLock::new(|| {
    TABLE
        .lines()
        .skip(1)
        .filter_map(row)
        .collect()
});

static VENDORS: LazyLock<HashMap<Name, VR>> = LazyLock::new(|| {
    DICTIONARY
        .lines()
        .filter_map(vendor_row)
        .flatten()
        .collect()
});

/// The VR of a private element by creator, group and the last two digits of the element number.
/// What vendors say comes first, as in Flywheel's engine.
pub fn private_vr(creator: &str, group: u16, element: u8) -> Option<VR> {
    let vendors: &HashMap<(&str, u16, u8), VR> = &VENDORS;
    vendors
        .get(&(creator, group, element))
        .copied()
        .or_else(|| *listed(creator, group, element)?)
}

/// Whether the standard lists a private element as one that is safe to retain, once its value was
/// looked at.
pub fn is_listed_as_safe(creator: &str, group: u16, element: u8) -> bool {
    listed(creator, group, element).is_some()
}

/// Whether the standard lists a private element as safe under this VR; under any, where the list
/// gives none or a choice.
pub fn is_listed_as_safe_under(vr: VR, creator: &str, group: u16, element: u8) -> bool {
    listed(creator, group, element).is_some_and(|listed| listed.is_none_or(|listed| listed == vr))
}

/// The row of the table.
fn listed(creator: &str, group: u16, element: u8) -> Option<&Option<VR>> {
    // The lifetime of the key is shortened by the lookup, so borrowing for less than 'static does.
    let table: &HashMap<(&str, u16, u8), Option<VR>> = &ROWS;
    table.get(&(creator, group, element))
}

fn row(line: &'static str) -> Option<(Name, Option<VR>)> {
    let (creator, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",")?,
        None => line.split_once(',')?,
    };
    let (tag, rest) = rest
        .strip_prefix("\"(")?
        .split_once(")\",")?;
    let (group, element) = tag.split_once(",xx")?;
    let vr = rest.split(',').next()?.parse().ok();
    Some((
        (
            creator,
            u16::from_str_radix(group, 16).ok()?,
            u8::from_str_radix(element, 16).ok()?,
        ),
        vr,
    ))
}

/// The elements of one creator in one group; none for a comment.
fn vendor_row(line: &'static str) -> Option<impl Iterator<Item = (Name, VR)>> {
    let mut columns = line.split('\t');
    let (creator, group, elements) = (columns.next()?, columns.next()?, columns.next()?);
    let group = u16::from_str_radix(group, 16).ok()?;
    let elements = elements.split_ascii_whitespace();
    Some(elements.filter_map(move |entry| {
        let (element, vr) = entry.split_at_checked(2)?;
        Some((
            (creator, group, u8::from_str_radix(element, 16).ok()?),
            vr.parse().ok()?,
        ))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        // 479 rows; five have no VR and two leave a choice.
        assert_eq!(
            (
                ROWS.len(),
                ROWS.values()
                    .filter(|row| row.is_some())
                    .count()
            ),
            (479, 472)
        );
        assert_eq!(
            private_vr("Philips PET Private Group", 0x7053, 0x00),
            Some(VR::DS)
        );
        assert_eq!(private_vr("philips pet private group", 0x7053, 0x00), None);
        assert_eq!(VENDORS.len(), 8550);
        assert_eq!(private_vr("GEMS_IDEN_01", 0x0009, 0x01), Some(VR::LO));
        assert!(is_listed_as_safe("ELSCINT1", 0x00E1, 0x21));
        assert!(!is_listed_as_safe("ELSCINT1", 0x00E1, 0x22));
    }
}
