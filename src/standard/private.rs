//! Private elements that the standard describes (PS3.15 Table E.3.10-1): the one public list that gives their VRs.

use std::collections::HashMap;
use std::sync::LazyLock;

use dicom_core::VR;

/// The table as it stands in PS3.15, edition 2026d: creator, tag with its block open, VR, VM, name.
const TABLE: &str = include_str!("safe-private.csv");

static VRS: LazyLock<HashMap<(&'static str, u16, u8), VR>> = LazyLock::new(|| TABLE.lines().skip(1).filter_map(row).collect());

/// The VR of a private element by creator, group and the last two digits of the element number.
pub fn private_vr(creator: &str, group: u16, element: u8) -> Option<VR> {
    // The lifetime of the key is shortened by the lookup, so borrowing for less than 'static does.
    let table: &HashMap<(&str, u16, u8), VR> = &VRS;
    table.get(&(creator, group, element)).copied()
}

fn row(line: &'static str) -> Option<((&'static str, u16, u8), VR)> {
    let (creator, rest) = match line.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",")?,
        None => line.split_once(',')?,
    };
    let (tag, rest) = rest.strip_prefix("\"(")?.split_once(")\",")?;
    let (group, element) = tag.split_once(",xx")?;
    let vr: VR = rest.split(',').next()?.parse().ok()?;
    Some(((creator, u16::from_str_radix(group, 16).ok()?, u8::from_str_radix(element, 16).ok()?), vr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_whole() {
        // 479 rows; five have no VR and two leave a choice.
        assert_eq!(VRS.len(), 472);
        assert_eq!(private_vr("Philips PET Private Group", 0x7053, 0x00), Some(VR::DS));
        assert_eq!(private_vr("philips pet private group", 0x7053, 0x00), None);
    }
}
