//! Value representations: their two letters, their length field, and the dictionary's answer for
//! implicit VR.
//!
//! Owns facts about VRs (PS3.5 section 6.2 and table 7.1-1). It never looks at a value.

use std::cell::Cell;

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

/// The VR that these two bytes name, if the standard has it.
#[inline]
pub fn from_bytes([first, second]: [u8; 2]) -> Option<VR> {
    let (first, second) = (first.wrapping_sub(b'A'), second.wrapping_sub(b'A'));
    if first >= LETTERS || second >= LETTERS {
        return None;
    }
    let at = usize::from(first) * usize::from(LETTERS) + usize::from(second);
    NAMED.get(at).copied().flatten()
}

const LETTERS: u8 = 26;

/// By the first and the second letter: every element of every file asks.
static NAMED: [Option<VR>; 676] = named();

#[allow(clippy::indexing_slicing)]
const fn named() -> [Option<VR>; 676] {
    let mut all = [None; 676];
    let (mut at, mut first) = (0, 0);
    while first < LETTERS {
        let mut second = 0;
        while second < LETTERS {
            all[at] = of_letters([b'A' + first, b'A' + second]);
            at += 1;
            second += 1;
        }
        first += 1;
    }
    all
}

const fn of_letters(letters: [u8; 2]) -> Option<VR> {
    Some(match &letters {
        b"AE" => VR::AE,
        b"AS" => VR::AS,
        b"AT" => VR::AT,
        b"CS" => VR::CS,
        b"DA" => VR::DA,
        b"DS" => VR::DS,
        b"DT" => VR::DT,
        b"FD" => VR::FD,
        b"FL" => VR::FL,
        b"IS" => VR::IS,
        b"LO" => VR::LO,
        b"LT" => VR::LT,
        b"OB" => VR::OB,
        b"OD" => VR::OD,
        b"OF" => VR::OF,
        b"OL" => VR::OL,
        b"OV" => VR::OV,
        b"OW" => VR::OW,
        b"PN" => VR::PN,
        b"SH" => VR::SH,
        b"SL" => VR::SL,
        b"SQ" => VR::SQ,
        b"SS" => VR::SS,
        b"ST" => VR::ST,
        b"SV" => VR::SV,
        b"TM" => VR::TM,
        b"UC" => VR::UC,
        b"UI" => VR::UI,
        b"UL" => VR::UL,
        b"UN" => VR::UN,
        b"UR" => VR::UR,
        b"US" => VR::US,
        b"UT" => VR::UT,
        b"UV" => VR::UV,
        _ => return None,
    })
}

/// The two letters of a VR.
pub fn letters(vr: VR) -> [u8; 2] {
    let mut letters = *b"UN";
    if let Some(two) = vr
        .to_string()
        .as_bytes()
        .first_chunk()
    {
        letters = *two;
    }
    letters
}

/// Whether two bytes could be a VR of a later edition: two capital letters, or the question marks
/// some writers put.
pub fn could_name_one(letters: [u8; 2]) -> bool {
    letters
        .iter()
        .all(u8::is_ascii_uppercase)
        || letters == *b"??"
}

/// Whether an explicit element of this VR has two reserved bytes and a 32-bit length.
pub fn has_long_length(vr: VR) -> bool {
    use VR::{OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT, UV};
    matches!(
        vr,
        OB | OD | OF | OL | OV | OW | SQ | SV | UC | UN | UR | UT | UV
    )
}

/// Whether the value is text, which is decoded before anything is done with it.
pub fn is_text(vr: VR) -> bool {
    use VR::{AE, AS, CS, DA, DS, DT, IS, LO, LT, PN, SH, ST, TM, UC, UI, UR, UT};
    matches!(
        vr,
        AE | AS | CS | DA | DS | DT | IS | LO | LT | PN | SH | ST | TM | UC | UI | UR | UT
    )
}

/// Whether the value field holds numbers or tags, not text and not bulk data.
pub fn is_number(vr: VR) -> bool {
    matches!(
        vr,
        VR::AT | VR::FD | VR::FL | VR::SL | VR::SS | VR::SV | VR::UL | VR::US | VR::UV
    )
}

/// Whether the value field holds bytes or words that may also be encapsulated.
pub fn may_be_encapsulated(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW)
}

/// Bytes per number of a binary VR whose byte order matters; 1 for all others.
pub fn word_size(vr: VR) -> usize {
    match vr {
        VR::AT | VR::OW | VR::SS | VR::US => 2,
        VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}

/// The byte that pads a value of this VR to even length (PS3.5 section 6.2).
pub fn padding(vr: VR) -> u8 {
    if is_text(vr) && vr != VR::UI { b' ' } else { 0 }
}

const SLOTS: usize = 512;

thread_local! {
    /// The dictionary's last answers, by the tag's low bits: a study asks for the same few hundred
    /// tags over and over.
    static RECENT: [Cell<(u32, VR)>; SLOTS] = const { [const { Cell::new((u32::MAX, VR::UN)) }; SLOTS] };
}

/// The VR of a tag by the standard's dictionary; UN where it knows none. Of several, the one that
/// loses nothing.
pub fn of_tag(tag: Tag) -> VR {
    let key = (u32::from(tag.group()) << 16) | u32::from(tag.element());
    let slot = usize::from((tag.element() ^ tag.group().rotate_left(3)) & 0x1ff);
    RECENT.with(|recent| match recent.get(slot) {
        Some(cell) if cell.get().0 == key => cell.get().1,
        Some(cell) => {
            let vr = look_up(tag);
            cell.set((key, vr));
            vr
        }
        None => look_up(tag),
    })
}

fn look_up(tag: Tag) -> VR {
    StandardDataDictionary
        .by_tag(tag)
        .map_or(VR::UN, |entry| entry.vr().relaxed())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_vr_of_the_standard_has_its_letters() {
        for vr in ["AE", "AT", "OV", "SV", "UV", "UN", "SQ", "PN"] {
            let letters: [u8; 2] = vr.as_bytes().try_into().unwrap();
            assert_eq!(
                from_bytes(letters)
                    .unwrap()
                    .to_string(),
                vr
            );
        }
        assert_eq!(from_bytes(*b"ZZ"), None);
    }

    #[test]
    fn the_dictionary_answers_alike_the_second_time() {
        for _ in 0..2 {
            assert_eq!(of_tag(Tag(0x0010, 0x0010)), VR::PN);
            assert_eq!(of_tag(Tag(0x0008, 0x1140)), VR::SQ);
            assert_eq!(of_tag(Tag(0x0009, 0x0010)), VR::LO);
            assert_eq!(of_tag(Tag(0x0009, 0x1001)), VR::UN);
            assert_eq!(of_tag(Tag(0x6002, 0x3000)), VR::OW);
        }
    }
}
