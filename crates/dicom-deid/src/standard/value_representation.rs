//! What the values of each VR are: text, numbers written as text, or numbers in binary (PS3.5
//! section 6.2).

use dicom_core::VR;

/// Whether DS or IS can hold this text: each value between backslashes a number, or empty.
pub fn is_numeric(text: &str, vr: VR) -> Result<(), String> {
    let good = |value: &str| {
        let value = value.trim();
        // Python's float() knows these words as well; no DICOM reader does.
        let is_word = value.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E'));
        let is_number = value
            .parse::<f64>()
            .is_ok_and(|number| number.is_finite() && (vr == VR::DS || number.fract() == 0.0));
        value.is_empty() || (is_number && !is_word)
    };
    if text.split('\\').all(good) {
        Ok(())
    } else {
        Err(format!(
            "the value is no number, which {} must be",
            vr.to_string()
        ))
    }
}

/// VRs that hold text, numbers written as text left out.
pub fn is_text(vr: VR) -> bool {
    has_character_set(vr)
        || matches!(
            vr,
            VR::AE | VR::AS | VR::CS | VR::DA | VR::DT | VR::TM | VR::UI | VR::UR
        )
}

/// VRs whose text follows the data set's Specific Character Set (PS3.5 section 6.1.2.3).
pub fn has_character_set(vr: VR) -> bool {
    matches!(
        vr,
        VR::SH | VR::LO | VR::ST | VR::LT | VR::UC | VR::UT | VR::PN
    )
}

/// VRs that hold numbers written as text.
pub fn is_number_text(vr: VR) -> bool {
    matches!(vr, VR::DS | VR::IS)
}

/// VRs that hold numbers in binary.
pub fn is_binary_number(vr: VR) -> bool {
    matches!(
        vr,
        VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD
    )
}
