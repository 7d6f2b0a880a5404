//! A CT image with the header that a scanner writes: some 150 elements of their usual VRs and
//! lengths, sequences, and three private blocks. The person in it is made up.

/// What stands before the sequences and after them, in the order of the tags: group, element, VR,
/// value.
const TEXTS: &[(u16, u16, &str, &str)] = &[
    (0x0008, 0x0005, "CS", "ISO_IR 100"),
    (
        0x0008,
        0x0008,
        "CS",
        "ORIGINAL\\PRIMARY\\AXIAL\\CT_SOM5 SPI",
    ),
    (0x0008, 0x0012, "DA", "20230914"),
    (0x0008, 0x0013, "TM", "101843.031000"),
    (0x0008, 0x0016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
    (
        0x0008,
        0x0018,
        "UI",
        "1.3.12.2.1107.5.1.4.99999.30000023091407301234500012345",
    ),
    (0x0008, 0x0020, "DA", "20230914"),
    (0x0008, 0x0021, "DA", "20230914"),
    (0x0008, 0x0022, "DA", "20230914"),
    (0x0008, 0x0023, "DA", "20230914"),
    (0x0008, 0x002A, "DT", "20230914101801.500000"),
    (0x0008, 0x0030, "TM", "101530.250000"),
    (0x0008, 0x0031, "TM", "101742.468000"),
    (0x0008, 0x0032, "TM", "101801.500000"),
    (0x0008, 0x0033, "TM", "101801.500000"),
    (0x0008, 0x0050, "SH", "A-20230914-4711"),
    (0x0008, 0x0060, "CS", "CT"),
    (0x0008, 0x0070, "LO", "SIEMENS"),
    (0x0008, 0x0080, "LO", "St. Gallowglass General Hospital"),
    (
        0x0008,
        0x0081,
        "ST",
        "1 Gallowglass Lane, Quillfeather Town",
    ),
    (0x0008, 0x0090, "PN", "Referrer^Leopold^^Dr."),
    (0x0008, 0x1010, "SH", "CT99999"),
    (0x0008, 0x1030, "LO", "CT Thorax mit KM"),
    (0x0008, 0x103E, "LO", "Thorax 1.0 B30f"),
    (0x0008, 0x1040, "LO", "Radiology East"),
    (0x0008, 0x1050, "PN", "Performer^Fenella"),
    (0x0008, 0x1060, "PN", "Reader^Perpetua"),
    (0x0008, 0x1070, "PN", "Operator^Ignatius"),
    (0x0008, 0x1090, "LO", "Sensation 64"),
    (0x0010, 0x0010, "PN", "Quillfeather^Ottoline^Maud"),
    (0x0010, 0x0020, "LO", "PAT-00042317"),
    (0x0010, 0x0030, "DA", "19330717"),
    (0x0010, 0x0040, "CS", "F"),
    (0x0010, 0x1010, "AS", "090Y"),
    (0x0010, 0x1020, "DS", "1.68"),
    (0x0010, 0x1030, "DS", "71.5"),
    (0x0010, 0x2154, "SH", "555-0142"),
    (
        0x0010,
        0x21B0,
        "LT",
        "Follow up after surgery in July, referred by Dr. Referrer",
    ),
    (0x0010, 0x4000, "LT", "Patient is hard of hearing"),
    (0x0018, 0x0010, "LO", "Iohexol 350"),
    (0x0018, 0x0015, "CS", "CHEST"),
    (0x0018, 0x0050, "DS", "1"),
    (0x0018, 0x0060, "DS", "120"),
    (0x0018, 0x0090, "DS", "500"),
    (0x0018, 0x1000, "LO", "99999"),
    (0x0018, 0x1020, "LO", "syngo CT 2007C"),
    (0x0018, 0x1030, "LO", "Thorax^ThoraxRoutine (Adult)"),
    (0x0018, 0x1100, "DS", "341"),
    (0x0018, 0x1110, "DS", "1040"),
    (0x0018, 0x1111, "DS", "570"),
    (0x0018, 0x1120, "DS", "0"),
    (0x0018, 0x1130, "DS", "171.5"),
    (0x0018, 0x1140, "CS", "CW"),
    (0x0018, 0x1150, "IS", "500"),
    (0x0018, 0x1151, "IS", "168"),
    (0x0018, 0x1152, "IS", "84"),
    (0x0018, 0x1160, "SH", "0"),
    (0x0018, 0x1170, "IS", "20"),
    (0x0018, 0x1190, "DS", "1.2"),
    (0x0018, 0x1200, "DA", "20230901"),
    (0x0018, 0x1201, "TM", "063015.000000"),
    (0x0018, 0x1210, "SH", "B30f"),
    (0x0018, 0x5100, "CS", "HFS"),
    (
        0x0020,
        0x000D,
        "UI",
        "1.2.826.0.1.3680043.10.9999.30000023091407301234500001",
    ),
    (
        0x0020,
        0x000E,
        "UI",
        "1.3.12.2.1107.5.1.4.99999.30000023091407301234500012000",
    ),
    (0x0020, 0x0010, "SH", "ST-4711"),
    (0x0020, 0x0011, "IS", "3"),
    (0x0020, 0x0012, "IS", "2"),
    (0x0020, 0x0013, "IS", "117"),
    (0x0020, 0x0032, "DS", "-169.66796875\\-306.66796875\\-612.5"),
    (0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"),
    (
        0x0020,
        0x0052,
        "UI",
        "1.3.12.2.1107.5.1.4.99999.30000023091407301234500011999",
    ),
    (0x0020, 0x1040, "LO", ""),
    (0x0020, 0x1041, "DS", "-612.5"),
    (0x0020, 0x4000, "LT", "reconstructed for Dr. Reader"),
    (0x0028, 0x0004, "CS", "MONOCHROME2"),
    (0x0028, 0x0030, "DS", "0.6640625\\0.6640625"),
    (0x0028, 0x0301, "CS", "NO"),
    (0x0028, 0x1050, "DS", "50\\-600"),
    (0x0028, 0x1051, "DS", "350\\1200"),
    (0x0028, 0x1052, "DS", "-1024"),
    (0x0028, 0x1053, "DS", "1"),
    (0x0028, 0x1055, "LO", "WINDOW1\\WINDOW2"),
    (0x0032, 0x1032, "PN", "Referrer^Leopold"),
    (0x0032, 0x1060, "LO", "CT Thorax with contrast"),
    (0x0040, 0x0002, "DA", "20230914"),
    (0x0040, 0x0003, "TM", "100000.000000"),
    (0x0040, 0x0244, "DA", "20230914"),
    (0x0040, 0x0245, "TM", "101530.250000"),
    (0x0040, 0x0253, "SH", "PPS-4711"),
    (0x0040, 0x0254, "LO", "CT Thorax mit KM"),
];

/// Numbers of the image's shape.
const WORDS: &[(u16, u16)] = &[
    (0x0002, 1),
    (0x0010, 32),
    (0x0011, 64),
    (0x0100, 16),
    (0x0101, 12),
    (0x0102, 11),
    (0x0103, 0),
    (0x0106, 0),
    (0x0107, 4095),
];

/// The file, in explicit VR little endian, with some pixels.
pub fn ct_image() -> Vec<u8> {
    let mut elements: Vec<((u16, u16), &str, Vec<u8>)> = TEXTS
        .iter()
        .map(|(group, element, vr, value)| ((*group, *element), *vr, value.as_bytes().to_vec()))
        .collect();
    elements.extend(
        WORDS
            .iter()
            .map(|(element, value)| ((0x0028, *element), "US", value.to_le_bytes().to_vec())),
    );
    elements.extend(sequences());
    for (group, creator) in [
        (0x0009_u16, "SIEMENS CT VA1 DUMMY"),
        (0x0019, "SIEMENS CT VA0  COAD"),
        (0x0021, "SIEMENS MED"),
    ] {
        elements.push(((group, 0x0010), "LO", creator.into()));
        elements
            .extend((0x1010..0x1020).map(|element| ((group, element), "DS", b"1.250000".to_vec())));
    }
    elements.sort_by_key(|(tag, ..)| *tag);
    elements.push(((0x7FE0, 0x0010), "OW", vec![7; 4096]));
    let mut out = vec![0; 128];
    out.extend(b"DICM");
    put(&mut out, (0x0002, 0x0010), "UI", b"1.2.840.10008.1.2.1");
    for (tag, vr, value) in &elements {
        put(&mut out, *tag, vr, value);
    }
    out
}

fn sequences() -> Vec<((u16, u16), &'static str, Vec<u8>)> {
    const INSTANCE: &str = "1.3.12.2.1107.5.1.4.99999.30000023091407301234500009001";
    let reference = one_item(&[
        (0x0008, 0x1150, "UI", "1.2.840.10008.5.1.4.1.1.2"),
        (0x0008, 0x1155, "UI", INSTANCE),
    ]);
    let step = one_item(&[
        (0x0008, 0x1150, "UI", "1.2.840.10008.3.1.2.3.3"),
        (0x0008, 0x1155, "UI", INSTANCE),
    ]);
    let region = one_item(&[
        (0x0008, 0x0100, "SH", "51185008"),
        (0x0008, 0x0102, "SH", "SCT"),
        (0x0008, 0x0104, "LO", "Thorax"),
    ]);
    let procedure = one_item(&[
        (0x0008, 0x0100, "SH", "CT-THX"),
        (0x0008, 0x0102, "SH", "99LOCAL"),
        (0x0008, 0x0104, "LO", "CT Thorax"),
    ]);
    let request = one_item(&[
        (0x0008, 0x0050, "SH", "A-20230914-4711"),
        (0x0032, 0x1060, "LO", "CT Thorax with contrast"),
        (0x0040, 0x0007, "LO", "CT Thorax mit KM"),
        (0x0040, 0x0009, "SH", "SPS-4711"),
        (0x0040, 0x1001, "SH", "RP-4711"),
    ]);
    vec![
        ((0x0008, 0x1111), "SQ", step),
        (
            (0x0008, 0x1140),
            "SQ",
            [reference.clone(), reference.clone()].concat(),
        ),
        ((0x0008, 0x2112), "SQ", reference),
        ((0x0008, 0x1032), "SQ", procedure),
        ((0x0008, 0x2218), "SQ", region),
        ((0x0040, 0x0275), "SQ", request),
    ]
}

fn put(out: &mut Vec<u8>, tag: (u16, u16), vr: &str, value: &[u8]) {
    let padding = if vr == "UI" { 0 } else { b' ' };
    let length = value.len() + value.len() % 2;
    out.extend(tag.0.to_le_bytes());
    out.extend(tag.1.to_le_bytes());
    out.extend(vr.bytes());
    if matches!(vr, "SQ" | "OW") {
        out.extend([0, 0]);
        out.extend(
            u32::try_from(length)
                .unwrap_or_default()
                .to_le_bytes(),
        );
    } else {
        out.extend(
            u16::try_from(length)
                .unwrap_or_default()
                .to_le_bytes(),
        );
    }
    out.extend(value);
    out.resize(out.len() + value.len() % 2, padding);
}

/// The value of a sequence with one item of these texts.
fn one_item(texts: &[(u16, u16, &str, &str)]) -> Vec<u8> {
    let mut content = Vec::new();
    for (group, element, vr, value) in texts {
        put(&mut content, (*group, *element), vr, value.as_bytes());
    }
    let mut item = vec![0xFE, 0xFF, 0x00, 0xE0];
    item.extend(
        u32::try_from(content.len())
            .unwrap_or_default()
            .to_le_bytes(),
    );
    item.extend(content);
    item
}
