//! What goes, goes by the Type of the attribute in its IOD; what tells things apart goes on to do
//! so.

use super::*;
use crate::clean::CleaningRun;
use crate::error::DeidErrorKind;

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const PET: &str = "1.2.840.10008.5.1.4.1.1.128";
const SEGMENTATION: &str = "1.2.840.10008.5.1.4.1.1.66.4";
const SLIDE: &str = "1.2.840.10008.5.1.4.1.1.77.1.6";
const PRESENTATION: &str = "1.2.840.10008.5.1.4.1.1.11.1";
/// Retired, so that its IOD is not known.
const ULTRASOUND_OF_1993: &str = "1.2.840.10008.5.1.4.1.1.6";

fn strict() -> Profile {
    profile(r#", "unlisted": "remove""#, "")
}

fn instance(class: &str, mut elements: Vec<Element>) -> DataSet {
    elements.push(text("SOPClassUID", class));
    elements.push(text("SOPInstanceUID", "1.2.3.4.5.6.7.1"));
    elements.sort_by_key(|element| element.tag);
    DataSet::from_elements(elements)
}

fn cleaned(profile: &Profile, class: &str, elements: Vec<Element>) -> DataSet {
    clean_by(profile, instance(class, elements)).unwrap()
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "what is expected stands beside None"
)]
fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn unlisted_attributes_are_removed_by_type() {
    let equipment = || {
        vec![
            text("Manufacturer", "Quellhorst"),
            text("ManufacturerModelName", "Quellhorst 3"),
            text("SoftwareVersions", "Quellhorst 3.1"),
            text("ConvolutionKernel", "Quellhorst"),
            text("EnvironmentalConditions", "Quellhorst"),
        ]
    };
    let names = [
        "Manufacturer",
        "ManufacturerModelName",
        "SoftwareVersions",
        "ConvolutionKernel",
        "EnvironmentalConditions",
    ];
    let of = |class| names.map(|name| at(&cleaned(&strict(), class, equipment()), name));
    assert_eq!(of(CT), [some(""), None, None, None, None]);
    assert_eq!(
        of(SEGMENTATION),
        [
            some("REMOVED"),
            some("REMOVED"),
            some("REMOVED"),
            None,
            None
        ]
    );
    let unknown = of(ULTRASOUND_OF_1993);
    assert_eq!(
        (&unknown[0], &unknown[4]),
        (&some("REMOVED"), &None),
        "whatever any IOD asks for"
    );
}

#[test]
fn listed_attributes_are_removed_by_type() {
    let dates = || {
        vec![
            text("PresentationCreationDate", "20170612"),
            text("PresentationCreationTime", "101530"),
        ]
    };
    let of = |class| {
        at(
            &cleaned(&with_options(&[]), class, dates()),
            "PresentationCreationDate",
        )
    };
    assert_eq!((of(CT), of(PRESENTATION)), (None, some("19000101")));
}

#[test]
fn under_strict_only_codes_stay_of_texts() {
    let code = vec![
        text("CodeValue", "X1"),
        text("CodingSchemeDesignator", "SCT"),
        text("CodingSchemeVersion", "2024"),
        text("LongCodeValue", "621566751000087104"),
    ];
    let kept = [
        "CodeValue",
        "CodingSchemeDesignator",
        "CodingSchemeVersion",
        "LongCodeValue",
    ];
    // What stands there may be a code.
    let codes = ["CodeValue", "CodingSchemeDesignator"];
    let mut elements = vec![sequence("ProcedureCodeSequence", vec![code])];
    elements.extend([
        text("RescaleType", "HU"),
        text("ImagedNucleus", "1H"),
        text("ModalityLUTType", "Quellhorst"),
    ]);
    let mut texts = 0;
    for tag in standard::texts_without_identifying_role() {
        let Some(keyword) =
            standard::keyword(tag).filter(|keyword| is_single(tag) && !codes.contains(keyword))
        else {
            continue;
        };
        if elements
            .iter()
            .all(|element| element.tag != tag)
        {
            elements.push(text(keyword, "Quellhorst"));
            texts += 1;
        }
    }
    assert!(texts > 150, "{texts}");
    for class in [CT, SEGMENTATION, SLIDE, ULTRASOUND_OF_1993] {
        let data = cleaned(&strict(), class, elements.clone());
        let left: Vec<_> = data
            .iter()
            .filter(|element| shown(element).contains("Quellhorst"))
            .map(|element| element.tag)
            .collect();
        assert_eq!(left, [], "{class}");
        assert_eq!(
            kept.map(|name| at(&data, &format!("ProcedureCodeSequence.{name}")).is_some()),
            [true; 4]
        );
        assert_eq!(
            (at(&data, "RescaleType"), at(&data, "ImagedNucleus")),
            (some("HU"), some("1H"))
        );
    }
}

/// Whether an attribute is of no group that repeats.
fn is_single(tag: Tag) -> bool {
    !matches!(tag.group() >> 8, 0x50 | 0x60)
}

#[test]
fn a_segment_keeps_its_label_and_its_tracking_pair() {
    let segment = |id: &str| {
        vec![
            text("SegmentNumber", ""),
            text("SegmentLabel", &format!("Liver {id}")),
            text("TrackingID", id),
            text("TrackingUID", "1.2.3.4.5.6.7.8"),
        ]
    };
    for profile in [with_options(&[]), strict()] {
        let data = cleaned(
            &profile,
            SEGMENTATION,
            vec![sequence(
                "SegmentSequence",
                vec![segment("one"), segment("two"), segment("one")],
            )],
        );
        let items = &data
            .get(standard::tag_of_keyword("SegmentSequence").unwrap())
            .unwrap()
            .items()
            .unwrap()
            .items;
        let ids: Vec<String> = items
            .iter()
            .map(|item| at(&item.data, "TrackingID").unwrap())
            .collect();
        assert!(
            ids[0] == ids[2]
                && ids[0] != ids[1]
                && ids
                    .iter()
                    .all(|id| id.starts_with("ID-") && id.len() == 15),
            "{ids:?}"
        );
        for item in items {
            assert_eq!(
                at(&item.data, "TrackingUID").unwrap(),
                key().uid(b"1.2.3.4.5.6.7.8")
            );
            assert!(
                !at(&item.data, "SegmentLabel")
                    .unwrap()
                    .is_empty()
            );
        }
    }
}

#[test]
fn different_slides_and_specimens_stay_distinct_and_equal_ones_equal() {
    let slide = |container: &str, specimen: &str| {
        let item = vec![
            text("SpecimenIdentifier", specimen),
            text("SpecimenUID", "1.2.3.4.5.6.7.9"),
        ];
        let elements = vec![
            text("ContainerIdentifier", container),
            sequence("SpecimenDescriptionSequence", vec![item]),
        ];
        let data = cleaned(&with_options(&[]), SLIDE, elements);
        let specimen = at(&data, "SpecimenDescriptionSequence.SpecimenIdentifier").unwrap();
        let uid = at(&data, "SpecimenDescriptionSequence.SpecimenUID").unwrap();
        assert_eq!(uid, key().uid(b"1.2.3.4.5.6.7.9"));
        (at(&data, "ContainerIdentifier").unwrap(), specimen)
    };
    let (one, first) = slide("GLASS-1-58", "SP-1");
    let (two, second) = slide("GLASS-2-58", "SP-2");
    assert!(one != two && first != second && one != first);
    assert!(
        [&one, &two, &first, &second]
            .iter()
            .all(|id| id.starts_with("ID-") && id.len() == 15)
    );
    assert_eq!(
        slide("GLASS-1-58 ", "GLASS-1-58"),
        (one.clone(), one),
        "by the identifier alone"
    );
    assert_eq!(
        slide("", "SP-1"),
        (String::new(), first),
        "nothing stays nothing"
    );
}

#[test]
fn an_issuer_is_removed_with_its_identifier() {
    let issuer = || {
        vec![vec![
            text("UniversalEntityID", "http://acc.quellhorst.example"),
            text("UniversalEntityIDType", "URI"),
        ]]
    };
    for name in [
        "IssuerOfAccessionNumberSequence",
        "IssuerOfPatientIDQualifiersSequence",
        "OrderPlacerIdentifierSequence",
        "OrderFillerIdentifierSequence",
        "IssuerOfAdmissionIDSequence",
    ] {
        for profile in [with_options(&[]), strict()] {
            assert_eq!(
                at(&cleaned(&profile, CT, vec![sequence(name, issuer())]), name),
                None,
                "{name}"
            );
        }
    }
    let name = "IssuerOfTheContainerIdentifierSequence";
    assert_eq!(
        at(
            &cleaned(&with_options(&[]), SLIDE, vec![sequence(name, issuer())]),
            name
        ),
        some("0 items"),
        "Type 2"
    );
}

#[test]
fn colours_of_an_icc_profile_stay_and_its_texts_are_removed() {
    let icc = |bytes: &[u8]| vec![Element::new(Tag(0x0028, 0x2000), VR::OB, bytes.to_vec())];
    // No signature of a profile, and not printable throughout, or it would count as prose.
    let text_alone = [&[0; 8], &*b"a profile of Quellhorst ".repeat(9)].concat();
    let of = |profile: &Profile, class| {
        cleaned(profile, class, icc(&text_alone))
            .get(Tag(0x0028, 0x2000))
            .map(|e| e.bytes().unwrap().len())
    };
    for profile in [with_options(&[]), strict()] {
        assert_eq!(of(&profile, CT), None);
    }
    assert_eq!(
        of(&profile(r#", "unlisted": "keep""#, ""), CT),
        Some(text_alone.len())
    );
}

/// What comes of an attribute with this value under `retain-modified-dates`, and how many were
/// counted.
fn dated(
    dates: &str,
    class: &str,
    elements: Vec<Element>,
    name: &str,
) -> Result<(Option<String>, Vec<Tag>), DeidError> {
    let options = r#", "options": ["retain-modified-dates", "retain-patient-characteristics", "clean-structured-content"]"#;
    let profile = profile(options, &format!(r#", "dates": {{{dates}}}"#));
    let mut data = instance(class, elements);
    let mut run = CleaningRun::default();
    let outcome = Cleaner::new(&profile, Some(key()), Limits::default())
        .unwrap()
        .steps(&mut data, LITTLE, &mut run)?;
    Ok((at(&data, name), outcome.unwrap().unreadable))
}

#[test]
fn unreadable_dates_and_ages_are_removed_by_type_and_counted() {
    for (class, name, value, expected) in [
        (CT, "AcquisitionDate", "2017-06-12x", None),
        (CT, "AcquisitionDateTime", "June 2017", None),
        (CT, "SeriesTime", "a quarter past ten", None),
        (CT, "PatientAge", "old", None),
        (CT, "StudyDate", "20042301", some("")),
        (CT, "StudyTime", "99", some("")),
        (PET, "AcquisitionTime", "noon", some("")),
        (ULTRASOUND_OF_1993, "StudyDate", "yesterday", some("")),
    ] {
        let found = dated("", class, vec![text(name, value)], name).unwrap();
        assert_eq!(
            found,
            (expected, vec![standard::tag_of_keyword(name).unwrap()]),
            "{name}"
        );
        let failed = dated(
            r#""unparseable": "fail""#,
            class,
            vec![text(name, value)],
            name,
        )
        .unwrap_err();
        assert!(
            failed.kind == DeidErrorKind::Date && !failed.to_string().contains(value),
            "{name}"
        );
    }
    let failed = dated("", PET, vec![text("SeriesDate", "20042301")], "SeriesDate").unwrap_err();
    assert!(
        failed.kind == DeidErrorKind::Date
            && failed
                .to_string()
                .contains("SeriesDate"),
        "Type 1"
    );
    let removed = dated(
        r#""unparseable": "remove""#,
        PET,
        vec![text("SeriesDate", "20042301")],
        "SeriesDate",
    )
    .unwrap();
    assert_eq!(removed, (some("19000101"), vec![Tag(0x0008, 0x0021)]));
    assert_eq!(
        dated("", CT, vec![text("StudyDate", "20170612")], "StudyDate")
            .unwrap()
            .1,
        []
    );
}

#[test]
fn a_content_item_is_removed_with_a_date_that_cannot_be_read() {
    let item = |value: &str| {
        let concept = vec![
            text("CodeValue", "111060"),
            text("CodingSchemeDesignator", "DCM"),
            text("CodeMeaning", "Study Date"),
        ];
        vec![
            text("ValueType", "DATE"),
            sequence("ConceptNameCodeSequence", vec![concept]),
            text("Date", value),
        ]
    };
    let report = "1.2.840.10008.5.1.4.1.1.88.11";
    let found = dated(
        "",
        report,
        vec![sequence(
            "ContentSequence",
            vec![item("20170612"), item("in June")],
        )],
        "ContentSequence",
    )
    .unwrap();
    assert_eq!(found, (some("1 items"), vec![Tag(0x0040, 0xA121)]));
}

#[test]
fn under_strict_a_text_in_the_place_of_a_code_is_removed() {
    let code = |value: &str| {
        let item = vec![
            text("CodeValue", value),
            text("CodingSchemeDesignator", "99LOCAL"),
            text("CodeMeaning", "Brain"),
        ];
        let data = cleaned(
            &strict(),
            CT,
            vec![sequence("ProcedureCodeSequence", vec![item])],
        );
        at(&data, "ProcedureCodeSequence.CodeValue").unwrap()
    };
    assert_eq!(code("X-1"), "X-1");
    let (one, two) = (code("Mrs Quellhorst"), code("Mr Quellhorst"));
    assert!(
        one != two
            && one.len() == 12
            && one
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric()),
        "{one}"
    );
}
