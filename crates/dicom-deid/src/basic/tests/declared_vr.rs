//! The VR that a file claims: no attribute of the standard passes anything under a wrong one that
//! it would not pass under its own, and what is harmless stays.

use bytes::Bytes;
use dicom_lossless::{LengthForm, Value};

use super::*;
use crate::error::DeidErrorKind;
use crate::standard::confidentiality::attributes;

const CANARY: &str = "Quellhorst";
const PROSE: &str = "Brought in by her brother Anton Quellhorst of Ostrand ";
/// What the attributes are put into once more: Referenced Series Sequence.
const AROUND: Tag = Tag(0x0008, 0x1115);
const CLAIMS: [VR; 33] = [
    VR::AE,
    VR::AS,
    VR::AT,
    VR::CS,
    VR::DA,
    VR::DS,
    VR::DT,
    VR::FD,
    VR::FL,
    VR::IS,
    VR::LO,
    VR::LT,
    VR::OB,
    VR::OD,
    VR::OF,
    VR::OL,
    VR::OV,
    VR::OW,
    VR::PN,
    VR::SH,
    VR::SL,
    VR::SS,
    VR::ST,
    VR::SV,
    VR::TM,
    VR::UC,
    VR::UI,
    VR::UL,
    VR::UN,
    VR::UR,
    VR::US,
    VR::UT,
    VR::UV,
];

/// What the shipped profiles ask for, and everything kept that can be.
fn profiles() -> Vec<Profile> {
    let keeping = r#", "encapsulated": "remove", "options": ["retain-uids", "retain-full-dates", "retain-device-identity",
        "retain-institution-identity", "retain-patient-characteristics", "retain-safe-private"]"#;
    vec![
        with_options(&[]),
        profile(r#", "encapsulated": "remove", "unlisted": "remove""#, ""),
        with_options(&[
            "clean-descriptors",
            "clean-graphics",
            "clean-structured-content",
        ]),
        profile(keeping, ""),
    ]
}

/// The attributes of the dictionary that a data set may hold, repeating groups among them, but for
/// those without which a file fails, and ages, which fail as ages.
fn attributes_of_the_dictionary() -> Vec<(Tag, VR)> {
    let failing = |tag: Tag| {
        matches!(
            tag,
            Tag(0x0008, 0x0005 | 0x0016 | 0x0018)
                | Tag(0x0028, 0x0002 | 0x0004 | 0x0010 | 0x0011 | 0x0100..=0x0103)
        ) || matches!(tag.group(), 0..=7 | 0x7FE0 | 0xFFFA..)
    };
    let groups = standard::GROUPS
        .iter()
        .copied()
        .chain([0x5000, 0x6000, 0x6002]);
    let tags = groups.flat_map(|group| (1..=u16::MAX).map(move |element| Tag(group, element)));
    let known = tags
        .filter(|tag| !failing(*tag))
        .filter_map(|tag| Some((tag, standard::vr(tag)?)));
    known
        .filter(|(_, vr)| *vr != VR::AS)
        .collect()
}

fn items(encoding: Encoding) -> Vec<u8> {
    let item = DataSet::from_elements(vec![
        text("StudyDescription", PROSE),
        text("PatientName", "Quellhorst^Anton"),
        text("BodyPartExamined", PROSE),
    ]);
    let bytes = DataSet::from_elements(vec![Element::sequence(
        Tag(8, 0x1140),
        vec![item],
        encoding,
    )]);
    let bytes = bytes
        .to_bytes(encoding, &Limits::default())
        .unwrap();
    bytes[if encoding.explicit { 12 } else { 8 }..bytes.len() - 8].to_vec()
}

/// The attributes under which the text still stands, in what comes out of a data set and of the
/// same one in an item.
fn leaking(profile: &Profile, elements: &[Element]) -> Vec<Tag> {
    let elements: Vec<Element> = elements
        .iter()
        .filter(|element| element.tag != AROUND)
        .cloned()
        .collect();
    let mut top = elements.clone();
    top.push(text("SOPInstanceUID", "1.2.3.4.5.6.7.1"));
    let nested = sequence("ReferencedSeriesSequence", vec![elements]);
    let mut found = Vec::new();
    for mut elements in [top, vec![text("SOPInstanceUID", "1.2.3.4.5.6.7.1"), nested]] {
        elements.sort_by_key(|element| element.tag);
        let data = clean_by(profile, DataSet::from_elements(elements)).unwrap();
        let whole = data
            .to_bytes(LITTLE, &Limits::default())
            .unwrap();
        if memchr::memmem::find(&whole, CANARY.as_bytes()).is_none() {
            continue;
        }
        let inside = data
            .iter()
            .flat_map(|element| match element.tag {
                AROUND => element.items().unwrap().items[0]
                    .data
                    .clone()
                    .into_elements(),
                _ => vec![element.clone()],
            });
        let holds = |element: &Element| {
            let bytes = DataSet::from_elements(vec![element.clone()])
                .to_bytes(LITTLE, &Limits::default())
                .unwrap();
            memchr::memmem::find(&bytes, CANARY.as_bytes()).is_some()
        };
        found.extend(
            inside
                .filter(holds)
                .map(|element| element.tag),
        );
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn padded_to(value: &str, vr: VR) -> Bytes {
    let mut bytes = value.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), b' ');
    padded(vr, bytes)
}

#[test]
fn a_value_under_a_wrong_vr_is_cleaned_as_under_the_right_one() {
    let all = attributes_of_the_dictionary();
    assert!(all.len() > 4500, "{}", all.len());
    for (number, profile) in profiles().iter().enumerate() {
        let right: Vec<Element> = all
            .iter()
            .filter(|(_, vr)| *vr != VR::SQ)
            .map(|(tag, vr)| Element::new(*tag, *vr, padded_to(PROSE, *vr)))
            .collect();
        let passing = leaking(profile, &right);
        // Names of makers and products stay as they are; nothing that is no text does.
        for tag in &passing {
            let vr = standard::vr(*tag).unwrap();
            assert!(
                matches!(
                    vr,
                    VR::LO | VR::SH | VR::LT | VR::ST | VR::UT | VR::UC | VR::AE | VR::UR | VR::PN
                ),
                "{tag} {vr:?}"
            );
        }
        for claimed in CLAIMS {
            let wrong: Vec<Element> = all
                .iter()
                .map(|(tag, _)| Element::new(*tag, claimed, padded_to(PROSE, claimed)))
                .collect();
            let found = leaking(profile, &wrong);
            let more: Vec<_> = found
                .iter()
                .filter(|tag| !passing.contains(tag))
                .collect();
            assert!(
                more.is_empty(),
                "under {claimed:?} by profile {number}: {more:?}"
            );
        }
        let item = || {
            DataSet::from_elements(vec![
                text("PatientName", "Quellhorst^Anton"),
                text("StudyDescription", PROSE),
            ])
        };
        let others = all
            .iter()
            .filter(|(_, vr)| *vr != VR::SQ);
        let wrong: Vec<Element> = others
            .map(|(tag, _)| Element::sequence(*tag, vec![item()], LITTLE))
            .collect();
        assert_eq!(leaking(profile, &wrong), [], "under SQ by profile {number}");
    }
}

#[test]
fn sequences_under_any_vr_are_opened_and_cleaned_or_removed() {
    let sequences: Vec<Tag> = attributes()
        .iter()
        .filter_map(crate::standard::confidentiality::Attribute::tag)
        .chain([
            Tag(0x0070, 0x0001),
            Tag(0x0008, 0x1140),
            Tag(0x0008, 0x2112),
            Tag(0x0018, 0x9346),
        ])
        .filter(|tag| standard::vr(*tag) == Some(VR::SQ))
        .collect();
    assert!(sequences.len() > 75, "{}", sequences.len());
    for profile in profiles() {
        for claimed in CLAIMS {
            for value in [items(LITTLE), items(Encoding::IMPLICIT_LITTLE)] {
                let elements: Vec<Element> = sequences
                    .iter()
                    .map(|tag| Element::new(*tag, claimed, padded(claimed, value.clone())))
                    .collect();
                assert_eq!(leaking(&profile, &elements), [], "{claimed:?}");
            }
        }
        let fragments = [items(LITTLE), vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]].concat();
        let fragments = |tag: &Tag| Element {
            tag: *tag,
            vr: VR::OB,
            odd_vr: None,
            value: Value::Fragments(fragments.clone().into()),
        };
        assert_eq!(
            leaking(
                &profile,
                &sequences
                    .iter()
                    .map(fragments)
                    .collect::<Vec<_>>()
            ),
            []
        );
    }
}

#[test]
fn sequences_that_are_opened_keep_harmless_values() {
    let referenced = DataSet::from_elements(vec![
        text("ReferencedSOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
        text("ReferencedSOPInstanceUID", "1.2.3.4.5.6.7.9"),
    ]);
    for encoding in [LITTLE, Encoding::IMPLICIT_LITTLE] {
        let whole = DataSet::from_elements(vec![Element::sequence(
            Tag(8, 0x1140),
            vec![referenced.clone()],
            encoding,
        )]);
        let bytes = whole
            .to_bytes(encoding, &Limits::default())
            .unwrap();
        let value = bytes[if encoding.explicit { 12 } else { 8 }..].to_vec();
        for claimed in [VR::LO, VR::OB, VR::UT, VR::UN, VR::US] {
            let elements = vec![
                text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
                Element::new(Tag(8, 0x1140), claimed, value.clone()),
            ];
            let data = clean(&[], elements);
            let found = at(&data, "ReferencedImageSequence.ReferencedSOPInstanceUID");
            assert_eq!(found, Some(key().uid(b"1.2.3.4.5.6.7.9")), "{claimed:?}");
            let element = data.get(Tag(8, 0x1140)).unwrap();
            assert_eq!(
                element.vr,
                if encoding.explicit { VR::SQ } else { VR::UN },
                "as others read it"
            );
        }
    }
}

#[test]
fn harmless_vrs_stay_as_they_are() {
    let numbers = |numbers: &[f64]| {
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let ramp: Vec<u8> = (0..=255_u16)
        .flat_map(|number| (number * 257).to_le_bytes())
        .collect();
    let harmless = [
        (Tag(0x0018, 0x0050), VR::FD, numbers(&[1.25])),
        (Tag(0x0018, 0x0081), VR::IS, b"90".to_vec()),
        (Tag(0x0020, 0x0013), VR::US, vec![7, 0]),
        (Tag(0x0020, 0x0032), VR::FD, numbers(&[-1.5, 2.0, 33.4])),
        (Tag(0x0028, 0x0010), VR::IS, b"512 ".to_vec()),
        (Tag(0x0028, 0x0106), VR::SS, vec![0, 0x80]),
        (Tag(0x0028, 0x0120), VR::UL, vec![0, 8, 0, 0]),
        (Tag(0x0028, 0x3006), VR::US, ramp.clone()),
        (Tag(0x0028, 0x3006), VR::OW, ramp),
        (Tag(0x0018, 0x0024), VR::LO, b"T1 MPRAGE ".to_vec()),
        (Tag(0x0018, 0x1030), VR::UT, b"HEAD".to_vec()),
    ];
    for (tag, vr, value) in harmless {
        let element = Element::new(tag, vr, value);
        let mut elements = vec![text("SOPInstanceUID", "1.2.3.4.5.6.7.1"), element.clone()];
        elements.sort_by_key(|element| element.tag);
        let data = clean(&["clean-descriptors"], elements);
        assert_eq!(data.get(tag), Some(&element), "{tag} {vr:?}");
    }
}

#[test]
fn what_can_be_read_as_its_own_vr_is_written_under_it() {
    let study = |vr, value: &str| {
        let elements = vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            Element::new(Tag(8, 0x0020), vr, padded(vr, value.into())),
        ];
        let data = clean(&["retain-full-dates"], elements);
        (
            data.get(Tag(8, 0x0020)).unwrap().vr,
            at(&data, "StudyDate").unwrap(),
        )
    };
    for vr in [VR::LO, VR::OB, VR::TM, VR::CS] {
        assert_eq!(
            study(vr, "20040119"),
            (VR::DA, "20040119".to_owned()),
            "{vr:?}"
        );
    }
    let wrong = vec![
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        raw(0x0008, 0x0060, VR::LO, "MR"),
        raw(0x0018, 0x0050, VR::SH, "1.25"),
        raw(0x0018, 0x1314, VR::OB, "90"),
        Element::new(Tag(0x0028, 0x0010), VR::OB, vec![0_u8, 2]),
        raw(0x0028, 0x0011, VR::LO, "512"),
        Element::new(Tag(0x0028, 0x0101), VR::OW, vec![12_u8, 0]),
    ];
    let data = clean(&[], wrong);
    let found = |group, element| {
        let element = data
            .get(Tag(group, element))
            .unwrap();
        (element.vr, shown(element))
    };
    assert_eq!(found(0x0008, 0x0060), (VR::CS, "MR".to_owned()));
    assert_eq!(found(0x0018, 0x0050), (VR::DS, "1.25".to_owned()));
    assert_eq!(found(0x0018, 0x1314), (VR::DS, "90".to_owned()));
    assert_eq!(found(0x0028, 0x0010).0, VR::US);
    assert_eq!(found(0x0028, 0x0011), (VR::DS, "512".to_owned()));
    assert_eq!(found(0x0028, 0x0101).0, VR::US);
}

#[test]
fn identifiers_under_a_wrong_vr_become_what_they_would_under_the_right_one() {
    let expected = format!("P-{}", key().patient("PAT-0042", 12));
    for claimed in [VR::OB, VR::UN, VR::US, VR::DS, VR::PN, VR::UI, VR::OW] {
        let elements = vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            raw(0x0010, 0x0010, claimed, "Doe^Jane"),
            raw(0x0010, 0x0020, claimed, "PAT-0042"),
            raw(0x0020, 0x000D, claimed, "1.2.3.4.5.6.7.2 "),
        ];
        let data = clean(&[], elements);
        assert_eq!(at(&data, "PatientID").unwrap(), expected, "{claimed:?}");
        assert_eq!(at(&data, "PatientName").unwrap(), expected, "{claimed:?}");
        assert_eq!(
            at(&data, "StudyInstanceUID").unwrap(),
            key().uid(b"1.2.3.4.5.6.7.2"),
            "{claimed:?}"
        );
    }
    let items = Element::sequence(
        Tag(0x10, 0x20),
        vec![DataSet::from_elements(vec![text("PatientID", "PAT-0042")])],
        LITTLE,
    );
    let data = clean(
        &[],
        vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            items,
            text("StudyInstanceUID", "1.2.3.4.5"),
        ],
    );
    assert!(
        at(&data, "PatientID")
            .unwrap()
            .starts_with("P-")
    );
    assert_eq!(
        data.get(Tag(0x10, 0x20))
            .unwrap()
            .vr,
        VR::LO
    );
}

#[test]
fn a_file_fails_where_an_indispensable_value_is_invalid() {
    for (tag, vr, value) in [
        (Tag(0x0028, 0x0010), VR::US, PROSE),
        (Tag(0x0028, 0x0011), VR::LO, PROSE),
        (Tag(0x0028, 0x0004), VR::CS, PROSE),
        (Tag(0x0008, 0x0016), VR::UI, "CT of Quellhorst"),
    ] {
        let mut elements = vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            Element::new(tag, vr, padded(vr, value.into())),
        ];
        elements.sort_by_key(|element| element.tag);
        let failed = clean_by(&with_options(&[]), DataSet::from_elements(elements)).unwrap_err();
        assert_eq!(failed.kind, DeidErrorKind::Value, "{tag}");
        assert!(!failed.to_string().contains(CANARY));
    }
}

#[test]
fn items_in_items_are_opened_to_the_depth_that_a_file_may_have() {
    let nested = |levels: usize| {
        let mut value = b"Quellhorst".to_vec();
        for _ in 0..levels {
            let inner = Element::new(Tag(8, 0x1140), VR::OB, padded(VR::OB, value));
            let item = DataSet::from_elements(vec![inner]);
            let outer =
                DataSet::from_elements(vec![Element::sequence(Tag(8, 0x1140), vec![item], LITTLE)]);
            value = outer
                .to_bytes(LITTLE, &Limits::default())
                .unwrap()[12..]
                .to_vec();
        }
        Element::new(Tag(8, 0x1140), VR::OB, value)
    };
    assert_eq!(leaking(&with_options(&[]), &[nested(20)]), []);
    let data = clean(
        &[],
        vec![nested(80), text("SOPInstanceUID", "1.2.3.4.5.6.7.1")],
    );
    // What lies deeper is not written: the file fails then.
    assert_eq!(
        data.to_bytes(LITTLE, &Limits::default())
            .unwrap_err()
            .kind,
        dicom_lossless::FileErrorKind::TooDeep
    );
}

#[test]
fn fields_of_the_profile_apply_except_to_sequences_that_cannot_be_opened() {
    let fields = r#", "fields": [{"name": "PatientID", "hash": true},
        {"name": "RequestAttributesSequence.*.AccessionNumber", "keep": true}, {"name": "SourceImageSequence", "keep": true}]"#;
    let elements = vec![
        raw(0x0008, 0x2112, VR::LO, PROSE),
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        raw(0x0010, 0x0020, VR::OB, "PAT-0042"),
        raw(0x0040, 0x0275, VR::LO, PROSE),
    ];
    let mut elements = elements;
    elements.sort_by_key(|element| element.tag);
    let data = clean_by(&profile("", fields), DataSet::from_elements(elements)).unwrap();
    assert_eq!(at(&data, "PatientID").unwrap(), "a0f7295c61144f61");
    for tag in [Tag(0x0008, 0x2112), Tag(0x0040, 0x0275)] {
        assert!(
            data.get(tag)
                .is_none_or(|element| element
                    .items()
                    .is_some_and(|sequence| sequence.items.is_empty())),
            "{tag}"
        );
    }
}

#[test]
fn elements_with_the_right_vr_are_not_touched() {
    let mut nested = sequence(
        "ReferencedSeriesSequence",
        vec![vec![text("SeriesInstanceUID", "1.2.3.4.5.6.7.3")]],
    );
    if let Some(sequence) = nested.items_mut() {
        sequence.length = LengthForm::Defined;
    }
    let mut data = DataSet::from_elements(vec![
        nested,
        raw(0x0009, 0x1001, VR::OB, PROSE),
        raw(0x0019, 0x0010, VR::OB, "X"),
    ]);
    let before = data.clone();
    let basic_profile =
        crate::basic::BasicProfile::new(&crate::profile::Confidentiality::default(), false, key());
    assert_eq!(
        basic_profile.correct_vrs(&mut data, LITTLE, &Limits::default()),
        0
    );
    assert_eq!(data, before);
}
