//! Which images are refused for the text that they may show, and what is blanked by device.

use dicom_lossless::{Element, VR};

use super::*;

const US: &str = "1.2.840.10008.5.1.4.1.1.6.1\0";

/// A profile that removes private elements, with these sections besides.
fn toml(sections: &str) -> Profile {
    let text = format!("name = \"t\"\n[dicom]\nremove-private-tags = true\n{sections}");
    from_toml(&text)
}

/// What is done to an instance, and the instance afterwards.
fn scrubbed(instance: Instance, sections: &str) -> Result<(PixelWork, Instance), DeidError> {
    let mut instance = instance;
    let work = PixelCleaning::of(&toml(sections).dicom).clean(&mut instance, Shown::default())?;
    Ok((work, instance))
}

/// The blanked pixels of an instance that is written under a profile.
fn blanked(made: &Made, sections: &str) -> Vec<u8> {
    let cleaner = Cleaner::new(&toml(sections), None, Limits::default()).unwrap();
    read_back(
        cleaner
            .deidentify(made.instance(), "a.dcm")
            .unwrap()
            .body(),
    )
    .2
}

fn made(elements: impl FnOnce(Made) -> Made) -> Made {
    elements(Made::new(EXPLICIT))
        .image(&gray(3, 4, 8))
        .element(PIXEL_DATA, *b"OB", [7; 12])
}

/// An ultrasound image with a manufacturer.
fn ultrasound() -> Made {
    made(|made| {
        made.element(0x0008_0060, *b"CS", "US")
            .element(0x0008_0070, *b"LO", "Acme ")
    })
}

fn region(when: &str, blank: &str) -> String {
    format!("[[dicom.pixels.regions]]\nwhen = {{ {when} }}\nblank = {blank}\n")
}

const REFUSE: &str = "[dicom.pixels]\nburned-in = \"refuse\"\n";
const BASIC: &str = "[dicom.confidentiality]\nprofile = \"basic\"\n";

#[test]
fn an_image_that_may_show_text_is_refused_unless_an_entry_is_about_it() {
    for sections in [REFUSE, BASIC] {
        let failure = scrubbed(ultrasound().instance(), sections).unwrap_err();
        assert_eq!(
            (failure.kind, failure.detail.as_str()),
            (
                DeidErrorKind::BurnedIn,
                "by its header it is of the kind `ultrasound`"
            )
        );
        let other = region("Manufacturer = \"Other\"", "[]");
        assert!(scrubbed(ultrasound().instance(), &format!("{sections}{other}")).is_err());
        let known = region("Manufacturer = \"ACME\", Modality = \"US\", Rows = 3", "[]");
        let (work, instance) =
            scrubbed(ultrasound().instance(), &format!("{sections}{known}")).unwrap();
        assert!(work.settled && !work.blanked);
        assert!(
            instance
                .pixels
                .unwrap()
                .scrubbed
                .is_none()
        );
        let plain = made(|made| made.element(0x0008_0060, *b"CS", "MR"));
        let (work, _) = scrubbed(plain.instance(), sections).unwrap();
        assert!(!work.settled);
    }
    let (work, _) = scrubbed(
        ultrasound().instance(),
        &format!("[dicom.pixels]\nburned-in = \"keep\"\n{BASIC}"),
    )
    .unwrap();
    assert!(!work.settled);
    assert!(
        scrubbed(ultrasound().instance(), "").is_ok(),
        "Flywheel's vocabulary asks for nothing of the kind"
    );
}

#[test]
fn a_file_without_pixels_or_whose_pixels_go_anyway_is_no_risk() {
    let without = Made::new(EXPLICIT).element(0x0008_0060, *b"CS", "US");
    assert!(scrubbed(without.instance(), REFUSE).is_ok());
    let text = format!(
        "name = \"t\"\n[dicom]\nfields = [{{ name = \"PixelData\", remove = true }}]\n{REFUSE}"
    );
    let profile = from_toml(&text);
    let clean = Cleaner::new(&profile, None, Limits::default())
        .unwrap()
        .deidentify(ultrasound().instance(), "a.dcm");
    assert!(clean.is_ok());
}

#[test]
fn an_image_that_alter_pixels_blanks_is_not_refused() {
    let alter = |remove: &str| {
        format!(
            "[[dicom.alter_pixels.pixels]]\nwhen = \"equals Modality US\"\nremove = \
                {remove}\n{REFUSE}"
        )
    };
    let (work, _) = scrubbed(ultrasound().instance(), &alter("[0, 0, 2, 1]")).unwrap();
    assert!(work.blanked && work.settled && work.by == "alter_pixels");
    assert!(
        scrubbed(ultrasound().instance(), &alter("[9, 9, 12, 12]")).is_err(),
        "it lies beside the image"
    );
}

#[test]
fn all_conditions_of_an_entry_must_hold() {
    let made = made(|made| {
        made.element(0x0008_0008, *b"CS", "ORIGINAL\\PRIMARY")
            .element(0x0008_0060, *b"CS", "US")
            .element(0x0008_0070, *b"LO", " Acme Ltd ")
            .element(0x0018_0050, *b"DS", "1.50")
            .element(0x0018_1000, *b"LO", "")
    });
    for (when, expected) in [
        ("Modality = \"us\"", true),
        ("Modality = \"US\", Rows = 3, Columns = 4", true),
        ("Modality = \"US\", Rows = 3, Columns = 5", false),
        ("Manufacturer = \"ACME LTD\"", true),
        ("Manufacturer = \"Acme\"", false),
        ("SliceThickness = 1.5", true),
        ("SliceThickness = 1", false),
        ("ImageType = [\"ORIGINAL\", \"PRIMARY\"]", true),
        ("ImageType = \"ORIGINAL\"", false),
        ("ImageType = [\"ORIGINAL\", \"PRIMARY\", \"AXIAL\"]", false),
        ("DeviceSerialNumber = \"x\"", false),
        ("StationName = \"x\"", false),
    ] {
        let pixels = blanked(&made, &region(when, "[[0, 0, 4, 3]]"));
        assert_eq!(pixels == [0; 12], expected, "{when}");
    }
}

#[test]
fn rectangles_are_a_corner_and_a_size() {
    let pixels = blanked(
        &ultrasound(),
        &region("Modality = \"US\"", "[[1, 1, 2, 1], [3, 2, 1, 1]]"),
    );
    assert_eq!(pixels, [7, 7, 7, 7, 7, 0, 0, 7, 7, 7, 7, 0]);
    let beyond = blanked(
        &ultrasound(),
        &region("Modality = \"US\"", "[[2, 1, 900, 900]]"),
    );
    assert_eq!(beyond, [7, 7, 7, 7, 7, 7, 0, 0, 7, 7, 0, 0]);
    let failure = scrubbed(
        ultrasound().instance(),
        &region("Modality = \"US\"", "[[0, 3, 4, 1]]"),
    )
    .unwrap_err();
    assert!(
        failure
            .detail
            .contains("beside the image")
            && failure
                .remedy
                .as_deref()
                .unwrap_or_default()
                .contains("Rows and Columns"),
        "{failure}"
    );
}

#[test]
fn all_entries_that_are_about_an_image_apply_and_nothing_brings_back_what_they_blank() {
    let sections = format!(
        "[[dicom.alter_pixels.pixels]]\nwhen = \"present Rows\"\nkeep = [0, 0, 4, 3]\n{}{}{}",
        region("Modality = \"US\"", "[[0, 0, 1, 3]]"),
        region("Rows = 3", "[[0, 0, 4, 1]]"),
        region("Columns = 4", "[]"),
    );
    assert_eq!(
        blanked(&ultrasound(), &sections),
        [0, 0, 0, 0, 0, 7, 7, 7, 0, 7, 7, 7]
    );
}

#[test]
fn every_frame_and_sample_is_blanked_native_and_compressed() {
    let image = Image {
        samples: 3,
        frames: 2,
        photometric: "RGB".to_owned(),
        ..gray(1, 3, 8)
    };
    let values: Vec<u8> = (1..=18).collect();
    let native = Made::new(EXPLICIT)
        .image(&image)
        .element(PIXEL_DATA, *b"OB", &values);
    let sections = region("Rows = 1", "[[0, 0, 1, 1]]");
    let expected = [0, 0, 0, 4, 5, 6, 7, 8, 9, 0, 0, 0, 13, 14, 15, 16, 17, 18];
    assert_eq!(blanked(&native, &sections), expected);
    let frame = |at: usize| {
        let plane = |sample: usize| [0, 3, 6].map(|pixel| values[at + pixel + sample]);
        rle_frame(&[&plane(0), &plane(1), &plane(2)])
    };
    let rle = Made::new(RLE)
        .image(&image)
        .fragments(&[b"", &frame(0), &frame(9)]);
    assert_eq!(blanked(&rle, &sections), expected);
}

/// An item of Sequence of Ultrasound Regions.
fn echoes(corners: [u32; 4]) -> DataSet {
    let tags = [0x6018, 0x601A, 0x601C, 0x601E];
    let elements = tags.into_iter().zip(corners);
    let elements = elements
        .map(|(tag, number)| Element::new(Tag(0x0018, tag), VR::UL, number.to_le_bytes().to_vec()));
    DataSet::from_elements(elements.collect())
}

fn with_regions(items: Vec<DataSet>) -> Instance {
    let mut instance = ultrasound().instance();
    let encoding = instance.syntax.encoding;
    instance
        .header
        .put(Element::sequence(Tag(0x0018, 0x6011), items, encoding));
    instance
}

#[test]
fn all_but_the_ultrasound_regions_is_blanked() {
    let sections = format!(
        "{REFUSE}{}",
        region("Modality = \"US\"", "\"outside-ultrasound-regions\"")
    );
    let cleaner = Cleaner::new(&toml(&sections), None, Limits::default()).unwrap();
    let pixels = |items| {
        read_back(
            cleaner
                .deidentify(with_regions(items), "a.dcm")
                .unwrap()
                .body(),
        )
        .2
    };
    assert_eq!(
        pixels(vec![echoes([1, 1, 2, 2])]),
        [0, 0, 0, 0, 0, 7, 7, 0, 0, 7, 7, 0]
    );
    assert_eq!(
        pixels(vec![echoes([0, 0, 0, 0]), echoes([3, 2, 99, 99])]),
        [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
    );
    assert_eq!(pixels(vec![echoes([50, 50, 60, 60])]), [0; 12]);
    let fails = |instance| scrubbed(instance, &sections).unwrap_err();
    assert!(
        fails(ultrasound().instance())
            .detail
            .contains("SequenceOfUltrasoundRegions")
    );
    assert!(
        fails(with_regions(Vec::new()))
            .detail
            .contains("SequenceOfUltrasoundRegions")
    );
    assert!(
        fails(with_regions(vec![echoes([2, 0, 1, 0])]))
            .detail
            .contains("ends before it begins")
    );
    assert!(
        fails(with_regions(vec![DataSet::new()]))
            .detail
            .contains("is not one number")
    );
}

#[test]
fn icons_and_what_is_drawn_over_the_image_go_where_a_region_blanks_it() {
    let instance = || {
        let mut instance = ultrasound().instance();
        let encoding = instance.syntax.encoding;
        let icon = |items| Element::sequence(Tag(0x0088, 0x0200), items, encoding);
        let inner = DataSet::from_elements(vec![icon(vec![DataSet::new()])]);
        instance
            .header
            .put(Element::sequence(
                Tag(0x0008, 0x1140),
                vec![inner],
                encoding,
            ));
        instance
            .header
            .put(Element::new(Tag(0x5000, 0x3000), VR::OW, vec![1, 1]));
        instance
            .header
            .put(Element::new(Tag(0x6002, 0x3000), VR::OW, vec![1, 1]));
        instance
            .header
            .put(icon(vec![DataSet::new()]));
        instance
    };
    let left = |sections: &str| {
        let (_, instance) = scrubbed(instance(), sections).unwrap();
        let inner = &instance
            .header
            .get(Tag(0x0008, 0x1140))
            .unwrap()
            .items()
            .unwrap()
            .items[0]
            .data;
        let there = |data: &DataSet, tag| data.get(tag).is_some();
        [
            there(&instance.header, Tag(0x0088, 0x0200)),
            there(inner, Tag(0x0088, 0x0200)),
            there(&instance.header, Tag(0x5000, 0x3000)),
            there(&instance.header, Tag(0x6002, 0x3000)),
        ]
    };
    let blanks = region("Modality = \"US\"", "[[0, 0, 1, 1]]");
    assert_eq!(left(&blanks), [false; 4]);
    assert_eq!(
        left(&format!("{BASIC}{blanks}")),
        [false, false, true, true],
        "the table has its own say on overlays"
    );
    assert_eq!(left(&region("Modality = \"US\"", "[]")), [true; 4]);
    let alter = "[[dicom.alter_pixels.pixels]]\nwhen = \"present Rows\"\nremove = [0, 0, 1, 1]\n";
    assert_eq!(left(alter), [true; 4], "as with Flywheel's engine");
}

#[test]
fn the_risk_of_burned_in_text_is_judged_by_the_data_set_as_it_was_read() {
    let capture = made(|made| made.element(0x0018_1012, *b"DA", "20200101"));
    assert_eq!(
        scrubbed(capture.instance(), REFUSE)
            .unwrap_err()
            .kind,
        DeidErrorKind::BurnedIn
    );
    let mut by_class = made(|made| made.element(0x0008_0060, *b"CS", "OT")).instance();
    by_class
        .header
        .put(Element::new(Tag(0x0008, 0x0016), VR::UI, US));
    let failure = scrubbed(by_class, REFUSE).unwrap_err();
    assert!(
        failure
            .detail
            .contains("`ultrasound`"),
        "{failure}"
    );
    let said = made(|made| made.element(0x0028_0301, *b"CS", "YES "));
    assert_eq!(
        scrubbed(said.instance(), REFUSE)
            .unwrap_err()
            .kind,
        DeidErrorKind::BurnedIn
    );
}
