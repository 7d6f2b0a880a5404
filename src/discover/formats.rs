//! Formats other than DICOM whose own header may identify a person.
//!
//! Owns that list, told by content. It never gives what a header says.

use memchr::memmem;

/// The format of bytes that begin a file, with the parts of its header that may identify; none
/// where that is not known.
pub fn that_may_identify(head: &[u8]) -> Option<&'static str> {
    let begins = |mark: &[u8]| head.starts_with(mark);
    let stands = |at: usize, mark: &[u8]| {
        head.get(at..)
            .is_some_and(|rest| rest.starts_with(mark))
    };
    let holds = |mark: &[u8]| memmem::find(head.get(..HEADER).unwrap_or(head), mark).is_some();
    let either = |number: u32| begins(&number.to_le_bytes()) || begins(&number.to_be_bytes());
    let text = |mark: &[u8]| {
        memmem::find(
            head.get(..FIRST_LINES)
                .unwrap_or(head),
            mark,
        )
        .is_some()
    };
    let told = [
        (
            either(348) && (stands(344, b"n+1\0") || stands(344, b"ni1\0")),
            "NIfTI (descrip, db_name, aux_file)",
        ),
        (
            either(540) && (stands(4, b"n+2\0") || stands(4, b"ni2\0")),
            "NIfTI (descrip, aux_file)",
        ),
        (
            either(348) && head.len() >= 348,
            "Analyze 7.5 (descrip, db_name, patient_id)",
        ),
        (
            text(b"DATA DESCRIPTION FILE") || text(b"<PRIDE_V5>"),
            "Philips PAR/REC (patient and examination name)",
        ),
        (
            text(b"examination_name :") || text(b"patient_name :"),
            "Philips SPAR (patient and examination name)",
        ),
        (
            begins(b">>> Begin of header <<<"),
            "Siemens rda (patient name, ID, birth date)",
        ),
        (
            holds(b"<XProtocol>") || holds(b"<ParamMap.\""),
            "Siemens raw data (patient name, ID, birth date)",
        ),
        (
            stands(34, b"GE_MED_NMR") || stands(34, b"INVALIDNMR"),
            "GE raw data (patient name, ID, birth date)",
        ),
        (
            text(b"##$SUBJECT_") || text(b"##TITLE="),
            "Bruker ParaVision (subject, operator)",
        ),
        (text(b"!INTERFILE"), "Interfile (patient name, ID)"),
        (begins(b"MATRIX7"), "ECAT (patient name, ID, birth date)"),
        (
            begins(b"0       ") || begins(b"\xFFBIOSEMI"),
            "EDF or BDF (patient, recording)",
        ),
        (
            begins(b"\x89HDF\r\n") || begins(b"CDF\x01") || begins(b"CDF\x02"),
            "HDF5, MINC or ISMRMRD (patient attributes)",
        ),
        (begins(b"NRRD000"), "NRRD (key/value pairs)"),
        (
            begins(b"\xFF\xD8") && holds(b"Exif\0"),
            "JPEG with EXIF (artist, description, place)",
        ),
        (
            begins(b"\xFF\xD8") && (holds(b"http://ns.adobe.com/xap") || holds(b"\xFF\xFE")),
            "JPEG with XMP or comments",
        ),
        (
            begins(b"II*\0") || begins(b"MM\0*") || begins(b"II+\0") || begins(b"MM\0+"),
            "TIFF (EXIF: artist, description, place)",
        ),
        (
            begins(b"\x89PNG")
                && [&b"tEXt"[..], b"iTXt", b"zTXt", b"eXIf"]
                    .iter()
                    .any(|mark| holds(mark)),
            "PNG with texts or EXIF",
        ),
        (
            stands(4, b"ftyphei") || stands(4, b"ftypmif1") || stands(4, b"ftypavif"),
            "HEIF or AVIF (EXIF: artist, place)",
        ),
        (begins(b"%PDF-"), "PDF (author, title, text)"),
        (
            text(b"\"00100010\"") || text(b"<NativeDicomModel") || text(b"tag=\"00100010\""),
            "DICOM written as JSON or XML",
        ),
    ];
    told.into_iter()
        .find(|(is, _)| *is)
        .map(|(_, name)| name)
}

/// Bytes in which the headers of images and raw data stand.
const HEADER: usize = 1 << 20;
/// Bytes in which a text says what it is.
const FIRST_LINES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn with(length: usize, parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for (at, part) in parts {
            bytes.splice(at..&(at + part.len()), part.iter().copied());
        }
        bytes
    }

    #[test]
    fn content_tells_formats_that_may_identify() {
        let cases: [(&str, Vec<u8>); 14] = [
            (
                "NIfTI",
                with(352, &[(0, &348_u32.to_le_bytes()), (344, b"n+1\0")]),
            ),
            (
                "NIfTI",
                with(352, &[(0, &348_u32.to_be_bytes()), (344, b"ni1\0")]),
            ),
            (
                "NIfTI",
                with(540, &[(0, &540_u32.to_le_bytes()), (4, b"n+2\0")]),
            ),
            ("Analyze", with(348, &[(0, &348_u32.to_le_bytes())])),
            (
                "Philips PAR",
                b"# === DATA DESCRIPTION FILE ======================\n".to_vec(),
            ),
            (
                "Philips SPAR",
                b"! Philips\nexamination_name : x\n".to_vec(),
            ),
            (
                "Siemens rda",
                b">>> Begin of header <<<\r\nPatientName: x".to_vec(),
            ),
            ("Siemens raw", with(20_000, &[(10_000, b"<XProtocol>")])),
            ("GE raw", with(200, &[(34, b"GE_MED_NMR")])),
            ("JPEG with EXIF", b"\xFF\xD8\xFF\xE1\0\x10Exif\0\0".to_vec()),
            ("TIFF", b"II*\0\x08\0\0\0".to_vec()),
            ("PNG", b"\x89PNG\r\n\x1a\n\0\0\0\x05tEXtTitle".to_vec()),
            ("PDF", b"%PDF-1.7\n".to_vec()),
            (
                "DICOM written as JSON",
                br#"{"00100010": {"vr": "PN"}}"#.to_vec(),
            ),
        ];
        for (name, bytes) in cases {
            assert!(
                that_may_identify(&bytes).is_some_and(|told| told.starts_with(name)),
                "{name}"
            );
        }
        for other in [
            b"".as_slice(),
            b"calibration of monday",
            b"\x89PNG\r\n\x1a\n",
            &[0; 999],
        ] {
            assert_eq!(that_may_identify(other), None);
        }
    }
}
