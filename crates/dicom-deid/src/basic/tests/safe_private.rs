//! Private elements under Retain Safe Private.

use super::*;

const OPTION: [&str; 1] = ["retain-safe-private"];
const CREATOR: &str = "Philips PET Private Group";

fn instance(mut private: Vec<Element>) -> Vec<Element> {
    private.insert(0, text("SOPInstanceUID", "1.2.3.4.5.6.7.1"));
    private.sort_by_key(|element| element.tag);
    private
}

fn private_tags(data: &DataSet) -> Vec<Tag> {
    data.iter()
        .map(|element| element.tag)
        .filter(|tag| standard::is_private(*tag))
        .collect()
}

#[test]
fn listed_elements_stay_by_creator_in_whatever_block() {
    for block in [0x10_u16, 0x42] {
        let elements = instance(vec![
            raw(0x7053, block, VR::LO, CREATOR),
            raw(0x7053, block << 8, VR::DS, "1.5"),
            raw(0x7053, block << 8 | 0x77, VR::LO, "not listed"),
            raw(0x7053, 0x50, VR::LO, "SOMEBODY ELSE"),
            raw(0x7053, 0x5000, VR::DS, "2.5"),
        ]);
        let data = clean(&OPTION, elements.clone());
        assert_eq!(
            private_tags(&data),
            [Tag(0x7053, block), Tag(0x7053, block << 8)]
        );
        assert!(private_tags(&clean(&[], elements)).is_empty());
    }
}

#[test]
fn another_vr_than_the_listed_one_is_not_safe() {
    let of = |vr| {
        private_tags(&clean(
            &OPTION,
            instance(vec![
                raw(0x7053, 0x10, VR::LO, CREATOR),
                raw(0x7053, 0x1000, vr, "1.5"),
            ]),
        ))
        .len()
    };
    assert_eq!((of(VR::DS), of(VR::UN), of(VR::LO)), (2, 2, 0));
}

#[test]
fn elements_without_their_creator_are_removed() {
    assert!(
        private_tags(&clean(
            &OPTION,
            instance(vec![raw(0x7053, 0x1000, VR::DS, "1.5")])
        ))
        .is_empty()
    );
}

fn characteristics(status: &str, nonidentifying: &[u16], action: Option<(u16, &str)>) -> Element {
    let words = |words: &[u16]| {
        words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<u8>>()
    };
    let us = |element, value: &[u16]| Element::new(Tag(0x0008, element), VR::US, words(value));
    let mut item = vec![
        us(0x0301, &[0x0009]),
        raw(0x0008, 0x0302, VR::LO, "ACME 1.0"),
        raw(0x0008, 0x0303, VR::CS, status),
    ];
    item.extend((!nonidentifying.is_empty()).then(|| us(0x0304, nonidentifying)));
    item.extend(action.map(|(number, action)| {
        let one = DataSet::from_elements(vec![
            us(0x0306, &[number]),
            raw(0x0008, 0x0307, VR::CS, action),
        ]);
        Element::sequence(Tag(0x0008, 0x0305), vec![one], LITTLE)
    }));
    Element::sequence(
        Tag(0x0008, 0x0300),
        vec![DataSet::from_elements(item)],
        LITTLE,
    )
}

#[test]
fn characteristics_that_the_file_declares_apply() {
    let elements = |characteristics| {
        instance(vec![
            characteristics,
            raw(0x0009, 0x10, VR::LO, "ACME 1.0"),
            raw(0x0009, 0x1001, VR::DS, "1.5"),
            raw(0x0009, 0x1002, VR::UI, "1.2.3.4.5.6.7.9"),
            raw(0x0009, 0x1003, VR::LO, "BRAIN Xyzzyqua"),
        ])
    };
    let all = clean(&OPTION, elements(characteristics("SAFE", &[], None)));
    let value = |data: &DataSet, element| {
        data.get(Tag(0x0009, element))
            .map(shown)
    };
    assert_eq!(value(&all, 0x1001).as_deref(), Some("1.5"));
    assert_eq!(
        value(&all, 0x1002),
        Some(key().uid(b"1.2.3.4.5.6.7.9")),
        "values are cleaned all the same"
    );
    assert_eq!(value(&all, 0x1003).as_deref(), Some("BRAIN"));
    let one = clean(
        &OPTION,
        elements(characteristics("MIXED", &[0x01], Some((0x03, "D")))),
    );
    assert_eq!(
        (value(&one, 0x1001).as_deref(), value(&one, 0x1002)),
        (Some("1.5"), None)
    );
    assert_eq!(
        value(&one, 0x1003).as_deref(),
        Some("REMOVED"),
        "the file asks for a dummy"
    );
    let none = clean(&OPTION, elements(characteristics("UNSAFE", &[], None)));
    assert!(private_tags(&none).is_empty());
    assert!(
        clean(&[], elements(characteristics("SAFE", &[], None)))
            .get(Tag(0x0008, 0x0300))
            .is_none()
    );
}
