//! Each profile that comes with the program, before and after on one image: a snapshot for each, so
//! that a profile without one fails, and a change of what a profile does shows line by line.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use dicom_core::dictionary::DataDictionaryEntry;
use dicom_core::{DataDictionary, DataElement, PrimitiveValue, Tag, VR};
use dicom_deid::PseudonymKey;
use dicom_deid::profile::{
    BurnedIn, Faces, Markers, OnLeak, OtherImages, PixelRules, builtin_names, load,
};
use dicom_deid::{Cleaner, DeidError, DeidErrorKind};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_lossless::{IMPLEMENTATION_VERSION, Limits, Source, SourceFile, read};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;

use crate::fixture::{Dicom, Person, items, object, put};
use crate::run::Place;

/// Where an element stands (tag and number of the item, from the outermost), and its line.
type Lines = BTreeMap<Vec<(Tag, usize)>, String>;

/// An image with something for every rule: names, dates, descriptions, device and institution,
/// private elements of which one block is known to be safe, sequences, an overlay, and attributes
/// that Table E.1-1 does not list.
fn image() -> Dicom {
    let code = |value: &str, scheme: &str, meaning: &str| {
        object([
            put(tags::CODE_VALUE, VR::SH, value),
            put(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme),
            put(tags::CODE_MEANING, VR::LO, meaning),
        ])
    };
    let device = object([
        put(tags::MANUFACTURER, VR::LO, "ACME"),
        put(tags::DEVICE_SERIAL_NUMBER, VR::LO, "CANARY-SN2"),
        put(tags::DATE_OF_LAST_CALIBRATION, VR::DA, "20230901"),
        items(
            tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
            vec![code("109102", "DCM", "Processing Equipment")],
        ),
    ]);
    Dicom::ct(&Person::plain(), 1)
        .text(
            tags::IMAGE_COMMENTS,
            VR::LT,
            "Ask CANARY-Quillfeather about the 14 September scan",
        )
        .text(
            tags::PROTOCOL_NAME,
            VR::LO,
            "CHEST CANARY-Quillfeather ROUTINE",
        )
        .text(tags::CONTRAST_BOLUS_AGENT, VR::LO, "Iohexol")
        .text(tags::PATIENT_AGE, VR::AS, "093Y")
        .text(tags::PATIENT_WEIGHT, VR::DS, "71.5")
        .text(tags::PATIENT_SIZE, VR::DS, "1.68")
        .text(tags::OCCUPATION, VR::SH, "CANARY group")
        .text(tags::PATIENT_SEX, VR::CS, "F")
        .text(
            tags::ACQUISITION_DATE_TIME,
            VR::DT,
            "20230914101801.500000+0200",
        )
        .text(tags::CONTENT_DATE, VR::DA, "20230914")
        .text(tags::CONTENT_TIME, VR::TM, "101802.25")
        .text(tags::DATE_OF_LAST_CALIBRATION, VR::DA, "20230901")
        .text(tags::DEVICE_SERIAL_NUMBER, VR::LO, "CANARY-SN1")
        .text(tags::MANUFACTURER_MODEL_NAME, VR::LO, "Scanomat 7")
        .text(tags::SOFTWARE_VERSIONS, VR::LO, "VA1.2")
        .text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO")
        .text(tags::FILTER_TYPE, VR::SH, "WEDGE")
        .text(tags::CONVOLUTION_KERNEL, VR::SH, "B30f")
        .text(tags::COUNTRY_OF_RESIDENCE, VR::LO, "CANARY land")
        .text(tags::IMAGE_ID, VR::SH, "CANARY-IMG")
        .text(tags::TRACKING_ID, VR::UT, "lesion of CANARY-Quillfeather")
        .text(
            tags::IRRADIATION_EVENT_UID,
            VR::UI,
            &Person::plain().uid(92, 1),
        )
        .element(items(
            tags::PROCEDURE_CODE_SEQUENCE,
            vec![code("CT-THX", "99LOCAL", "CANARY thorax")],
        ))
        .element(items(
            tags::ANATOMIC_REGION_SEQUENCE,
            vec![code("51185008", "SCT", "Thorax")],
        ))
        .element(items(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, vec![device]))
        .text(Tag(0x7053, 0x0010), VR::LO, "Philips PET Private Group")
        .text(Tag(0x7053, 0x1000), VR::DS, "0.000551")
        .text(Tag(0x7053, 0x1001), VR::LO, "CANARY beside a safe element")
        .text(Tag(0x0019, 0x0010), VR::LO, "ACME HEADER 1")
        .text(Tag(0x0019, 0x1001), VR::LO, "CANARY private text")
        .element(number(Tag(0x6000, 0x0010), 8))
        .element(number(Tag(0x6000, 0x0011), 8))
        .text(Tag(0x6000, 0x0040), VR::CS, "G")
        .element(number(Tag(0x6000, 0x0100), 1))
        .element(number(Tag(0x6000, 0x0102), 0))
        .text(Tag(0x6000, 0x4000), VR::LT, "CANARY overlay")
        .raw(Tag(0x6000, 0x3000), VR::OW, vec![0xFF; 8])
}

fn number(tag: Tag, value: u16) -> DataElement<InMemDicomObject> {
    DataElement::new(tag, VR::US, PrimitiveValue::from(value))
}

/// What a built-in profile makes of a file, with a key that is always the same.
fn cleaned(profile: &str, file: &Dicom, on_leak: OnLeak) -> Result<Vec<u8>, DeidError> {
    let place = Place::with([("in.dcm", file.bytes())]);
    let source = SourceFile::new(place.path("in.dcm")).unwrap();
    let source = Source::Memory {
        file: Arc::new(source),
        bytes: Bytes::from(file.bytes()),
    };
    let mut profile = load(profile).unwrap();
    profile.dicom.residual.on_leak = on_leak;
    let key = PseudonymKey::from_bytes(&[1; 32]).ok();
    let cleaner = Cleaner::new(&profile, key, Limits::default()).unwrap();
    let instance = read(source, &Limits::default()).unwrap();
    cleaner
        .deidentify(instance, "in.dcm")
        .map(|clean| clean.body().to_vec().unwrap())
}

fn lines(bytes: &[u8]) -> Lines {
    let mut lines = Lines::new();
    list(
        &dicom_object::from_reader(bytes).unwrap(),
        &mut Vec::new(),
        &mut lines,
    );
    lines
}

fn list(object: &InMemDicomObject, at: &mut Vec<(Tag, usize)>, lines: &mut Lines) {
    for element in object {
        let tag = element.header().tag;
        at.push((tag, 0));
        let keyword = StandardDataDictionary
            .by_tag(tag)
            .map_or("-", |entry| entry.alias());
        let indent = "  ".repeat(at.len() - 1);
        let line = format!(
            "{indent}{tag} {keyword} {} {}",
            element.header().vr(),
            shown(element)
        );
        lines.insert(at.clone(), line.trim_end().to_owned());
        for (number, item) in element
            .items()
            .into_iter()
            .flatten()
            .enumerate()
        {
            at.last_mut().unwrap().1 = number + 1;
            list(item, at, lines);
        }
        at.pop();
    }
}

fn shown(element: &InMemElement) -> String {
    if let Some(items) = element.items() {
        return format!("{} item(s)", items.len());
    }
    let version = |text: &str| {
        text.replace(IMPLEMENTATION_VERSION, "FWUPLOAD")
            .replace(env!("CARGO_PKG_VERSION"), "VERSION")
    };
    match element.header().vr() {
        VR::OB | VR::OW | VR::UN => format!("{} bytes", element.to_bytes().unwrap().len()),
        _ => version(
            &element
                .to_multi_str()
                .unwrap()
                .join("\\"),
        )
        .trim_end_matches([' ', '\0'])
        .to_owned(),
    }
}

/// Lines in front of which stands what became of the element: `-` as it was, `+` as it is, a space
/// where both are the same.
fn before_and_after(before: &Lines, after: &Lines) -> String {
    let places: std::collections::BTreeSet<_> = before
        .keys()
        .chain(after.keys())
        .collect();
    let mut text = String::new();
    for place in places {
        let marked: Vec<(char, &String)> = match (before.get(place), after.get(place)) {
            (Some(old), Some(new)) if old == new => vec![(' ', old)],
            (old, new) => old
                .map(|line| ('-', line))
                .into_iter()
                .chain(new.map(|line| ('+', line)))
                .collect(),
        };
        text.extend(
            marked
                .into_iter()
                .map(|(mark, line)| format!("{mark} {line}\n")),
        );
    }
    text
}

#[test]
fn each_profile_does_what_its_snapshot_shows() {
    let before = lines(&image().bytes());
    for name in builtin_names() {
        // Flywheel's minimal set leaves names where it does not look, which is what its snapshot
        // shows.
        let on_leak = if name == "flywheel-minimal" {
            OnLeak::Warn
        } else {
            OnLeak::Fail
        };
        let after = cleaned(name, &image(), on_leak)
            .unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        insta::assert_snapshot!(name, before_and_after(&before, &lines(&after)));
    }
}

#[test]
fn what_flywheels_minimal_set_leaves_is_found_by_the_search_for_it() {
    let failure = cleaned("flywheel-minimal", &image(), OnLeak::Fail).unwrap_err();
    assert_eq!(failure.kind, DeidErrorKind::IdentifierLeft);
}

#[test]
fn each_profile_looks_at_the_images_that_its_header_comment_names() {
    let looks = |name: &str| load(name).unwrap().dicom.pixels;
    let detects = PixelRules {
        burned_in: BurnedIn::Detect,
        other_images: OtherImages::Detect,
        blank_finds: false,
        markers: Markers::Keep,
        faces: Faces::Keep,
    };
    for name in ["basic", "longitudinal", "uids-and-dates-kept"] {
        assert_eq!(looks(name), detects, "{name}");
    }
    assert_eq!(
        looks("strict"),
        PixelRules {
            burned_in: BurnedIn::Refuse,
            markers: Markers::Blank,
            ..detects
        }
    );
    let minimal = looks("flywheel-minimal");
    assert!(!minimal.looks_for_text() && minimal.burned_in == BurnedIn::Keep);
}
