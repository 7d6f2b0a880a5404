//! Dummy values (action D of PS3.15 table E.1-1): legal for the VR, good enough where an IOD needs
//! a value, and not mistaken for a real one.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

/// Text where a name, identifier or description was. Its length is even.
const TEXT: &[u8] = b"REMOVED ";

/// Zeroes for the binary VRs.
const ZEROES: [u8; 16] = [0; 16];

/// The day that stands for an unknown one everywhere.
const DATE: &[u8] = b"19000101";

/// Whether a date is none: a container is not named or dated by it.
pub fn is_dummy_date(date: &str) -> bool {
    date.as_bytes() == DATE
}

/// The dummy value of an attribute, padded to even length and the same in every encoding. None
/// where a value depends on the instance: UIDs and sequences.
pub fn dummy(tag: Tag, vr: VR) -> Option<&'static [u8]> {
    of_tag(tag)
        .filter(|(of, _)| *of == vr)
        .map(|(_, value)| value)
        .or_else(|| of_vr(vr))
}

/// Values where the standard says more than the VR does.
fn of_tag(tag: Tag) -> Option<(VR, &'static [u8])> {
    Some(match tag {
        // Its other defined term, CORRECT, would say that the values had been wrong.
        tags::REASON_FOR_THE_ATTRIBUTE_MODIFICATION => (VR::CS, b"COERCE"),
        // The nil UUID.
        tags::FLOW_IDENTIFIER | tags::SOURCE_IDENTIFIER => (VR::OB, &ZEROES),
        // Seconds (6 bytes) and nanoseconds (4) of the precision time protocol.
        tags::FRAME_ORIGIN_TIMESTAMP => (VR::OB, zeroes(10)),
        _ => return None,
    })
}

fn of_vr(vr: VR) -> Option<&'static [u8]> {
    Some(match vr {
        VR::AE | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT => TEXT,
        // No person lives to 999, and no age of 0 slips into the means of a study of infants.
        VR::AS => b"999Y",
        VR::CS => b"UNKNOWN ",
        VR::DA => DATE,
        VR::DT => b"19000101000000",
        VR::TM => b"000000",
        VR::DS | VR::IS => b"0 ",
        VR::UR => b"about:blank ",
        VR::OB | VR::OW | VR::UN | VR::SS | VR::US => zeroes(2),
        VR::AT | VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => zeroes(4),
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => zeroes(8),
        VR::SQ | VR::UI => return None,
    })
}

fn zeroes(count: usize) -> &'static [u8] {
    ZEROES
        .get(..count)
        .unwrap_or(&ZEROES)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::standard::confidentiality::{ActionCode, attributes};
    use crate::standard::vr;

    /// Whether a value has the length and the characters of its VR (PS3.5 section 6.2).
    fn is_legal(vr: VR, bytes: &[u8]) -> bool {
        let text = std::str::from_utf8(bytes).unwrap();
        let value = text.trim_end_matches(' ');
        let at_most = |length: usize| {
            !value.is_empty() && value.len() <= length && !value.contains(['\\', '\0'])
        };
        match vr {
            VR::AE | VR::SH => at_most(16),
            VR::CS => {
                at_most(16)
                    && value
                        .bytes()
                        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b" _".contains(&b))
            }
            VR::LO | VR::PN => at_most(64),
            VR::ST => at_most(1024),
            VR::LT => at_most(10240),
            VR::UC | VR::UT => at_most(usize::MAX),
            VR::UR => {
                at_most(usize::MAX)
                    && value
                        .split_once(':')
                        .is_some_and(|(scheme, _)| scheme == "about")
            }
            VR::AS => {
                bytes.len() == 4
                    && bytes
                        .iter()
                        .take(3)
                        .all(u8::is_ascii_digit)
                    && b"DWMY".contains(bytes.last().unwrap())
            }
            VR::DA | VR::DT | VR::TM => crate::elements::temporal::shift(value, vr, -7).is_ok(),
            VR::DS | VR::IS => value.parse::<i32>().is_ok() && at_most(12),
            VR::SS | VR::US => bytes.len() == 2,
            VR::AT | VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => bytes.len() == 4,
            VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => bytes.len() == 8,
            VR::OB | VR::OW | VR::UN => !bytes.is_empty(),
            VR::SQ | VR::UI => false,
        }
    }

    #[test]
    fn every_row_that_asks_for_a_dummy_gets_a_legal_one() {
        let asking = [
            ActionCode::Dummy,
            ActionCode::ZeroOrDummy,
            ActionCode::RemoveOrDummy,
            ActionCode::RemoveOrZeroOrDummy,
        ];
        let rows: Vec<_> = attributes()
            .iter()
            .filter(|row| asking.contains(&row.basic))
            .collect();
        assert_eq!(rows.len(), 130);
        for row in rows {
            let tag = row.tag().unwrap();
            let vr = vr(tag).unwrap();
            match dummy(tag, vr) {
                Some(value) => assert!(
                    value.len().is_multiple_of(2) && is_legal(vr, value),
                    "{} {vr}",
                    row.name
                ),
                None => assert!(matches!(vr, VR::SQ | VR::UI), "{} {vr}", row.name),
            }
        }
    }

    #[test]
    fn every_vr_has_a_legal_dummy() {
        use VR::{
            AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SS,
            ST, SV, TM, UC, UL,
        };
        for vr in [
            AE,
            AS,
            AT,
            CS,
            DA,
            DS,
            DT,
            FD,
            FL,
            IS,
            LO,
            LT,
            OB,
            OD,
            OF,
            OL,
            OV,
            OW,
            PN,
            SH,
            SL,
            SS,
            ST,
            SV,
            TM,
            UC,
            UL,
            VR::UN,
            VR::UR,
            VR::US,
            VR::UT,
            VR::UV,
        ] {
            let value = dummy(Tag(0x0009, 0x1001), vr).unwrap();
            assert!(value.len().is_multiple_of(2) && is_legal(vr, value), "{vr}");
        }
    }

    #[test]
    fn defined_terms_and_lengths_are_those_of_the_attribute() {
        assert_eq!(
            dummy(tags::REASON_FOR_THE_ATTRIBUTE_MODIFICATION, VR::CS).unwrap(),
            b"COERCE"
        );
        assert_eq!(
            dummy(tags::FLOW_IDENTIFIER, VR::OB)
                .unwrap()
                .len(),
            16
        );
        assert_eq!(
            dummy(tags::FRAME_ORIGIN_TIMESTAMP, VR::OB)
                .unwrap()
                .len(),
            10
        );
        // A file may give it another VR.
        assert_eq!(
            dummy(tags::FLOW_IDENTIFIER, VR::UN)
                .unwrap()
                .len(),
            2
        );
    }
}
