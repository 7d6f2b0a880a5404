//! Structured reports: by concept, or a dummy.

use super::*;

fn code(value: &str, scheme: &str, meaning: &str) -> Vec<Element> {
    vec![
        text("CodeValue", value),
        text("CodingSchemeDesignator", scheme),
        text("CodeMeaning", meaning),
    ]
}

fn item(kind: &str, concept: (&str, &str, &str), value: Vec<Element>) -> Vec<Element> {
    let mut elements = vec![
        text("RelationshipType", "CONTAINS"),
        text("ValueType", kind),
        sequence(
            "ConceptNameCodeSequence",
            vec![code(concept.0, concept.1, concept.2)],
        ),
    ];
    elements.extend(value);
    elements.sort_by_key(|element| element.tag);
    elements
}

fn image() -> Vec<Element> {
    let reference = vec![
        text("ReferencedSOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
        text("ReferencedSOPInstanceUID", "1.2.3.4.5.6.7.9"),
    ];
    item(
        "IMAGE",
        ("121191", "DCM", "Referenced Segment"),
        vec![sequence("ReferencedSOPSequence", vec![reference])],
    )
}

fn report(items: Vec<Vec<Element>>) -> Vec<Element> {
    vec![
        text("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.22"),
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        text("PatientName", "Xyzzyqua^Anna"),
        text("PatientID", "PAT-0042"),
        sequence("ContentSequence", items),
    ]
}

fn finding(value: &str) -> Vec<Element> {
    item(
        "TEXT",
        ("121071", "DCM", "Finding"),
        vec![text("TextValue", value)],
    )
}

fn observer() -> Vec<Element> {
    item(
        "PNAME",
        ("121008", "DCM", "Person Observer Name"),
        vec![text("PersonName", "Who^Doctor")],
    )
}

fn items(data: &DataSet) -> Vec<&DataSet> {
    let sequence = data
        .get(Tag(0x0040, 0xA730))
        .unwrap()
        .items()
        .unwrap();
    sequence
        .items
        .iter()
        .map(|item| &item.data)
        .collect()
}

#[test]
fn without_the_option_references_stay_and_nothing_else() {
    let data = clean(
        &[],
        report(vec![finding("Brain of Xyzzyqua"), image(), observer()]),
    );
    let left = items(&data);
    assert_eq!(left.len(), 1);
    assert_eq!(
        at(left[0], "ReferencedSOPSequence.ReferencedSOPInstanceUID").unwrap(),
        key().uid(b"1.2.3.4.5.6.7.9")
    );
    let nothing = clean(&[], report(vec![finding("Brain of Xyzzyqua")]));
    assert_eq!(at(items(&nothing)[0], "TextValue").unwrap(), "REMOVED");
}

#[test]
fn with_the_option_concepts_decide() {
    let options = ["clean-structured-content"];
    let acquired = item(
        "DATE",
        ("126201", "DCM", "Acquisition Date"),
        vec![raw(0x0040, 0xA121, VR::DA, "20040119")],
    );
    let number = item(
        "NUM",
        ("103339001", "SCT", "Long Axis"),
        vec![sequence(
            "MeasuredValueSequence",
            vec![vec![text("NumericValue", "12.5")]],
        )],
    );
    let data = clean(
        &options,
        report(vec![
            finding("Brain of Xyzzyqua"),
            image(),
            observer(),
            acquired.clone(),
            number,
        ]),
    );
    let kinds: Vec<String> = items(&data)
        .iter()
        .map(|item| at(item, "ValueType").unwrap())
        .collect();
    assert!(
        kinds.contains(&"IMAGE".to_owned()) && kinds.contains(&"NUM".to_owned()),
        "{kinds:?}"
    );
    assert!(!format!("{data:?}").contains("yzzyqua") && !format!("{data:?}").contains("Who"));
    assert!(!format!("{data:?}").contains("20040119"));
    let modified = clean(
        &["clean-structured-content", "retain-modified-dates"],
        report(vec![acquired.clone()]),
    );
    let moved = at(items(&modified)[0], "Date").unwrap();
    assert!(moved != "20040119" && moved.len() == 8);
    let full = clean(
        &["clean-structured-content", "retain-full-dates"],
        report(vec![acquired]),
    );
    assert_eq!(at(items(&full)[0], "Date").unwrap(), "20040119");
}

#[test]
fn items_that_are_referred_to_by_number_are_replaced_and_not_removed() {
    let by_number = vec![
        text("RelationshipType", "INFERRED FROM"),
        Element::new(Tag(0x0040, 0xDB73), VR::UL, vec![1_u8, 0, 0, 0, 2, 0, 0, 0]),
    ];
    let mut pointing = image();
    pointing.push(sequence("ContentSequence", vec![by_number]));
    let patient = item(
        "PNAME",
        ("4711", "99X", "Somebody"),
        vec![text("PersonName", "Who^Doctor")],
    );
    let data = clean(
        &["clean-structured-content"],
        report(vec![patient, finding("Brain"), pointing]),
    );
    let left = items(&data);
    assert_eq!(left.len(), 3);
    assert_eq!(at(left[0], "ValueType").unwrap(), "TEXT");
    assert_eq!(at(left[0], "TextValue").unwrap(), "REMOVED");
}

const LONGITUDINAL: [&str; 5] = [
    "retain-modified-dates",
    "retain-safe-private",
    "retain-patient-characteristics",
    "clean-descriptors",
    "clean-structured-content",
];

/// An item with a local concept, every value at once, and what it says of its type.
fn mixed(kind: Option<&str>) -> Vec<Element> {
    let mut elements = vec![
        sequence(
            "ConceptNameCodeSequence",
            vec![code("T77", "99FERN", "Radiographer")],
        ),
        raw(0x0040, 0xA120, VR::DT, "20040119083000"),
        raw(0x0040, 0xA121, VR::DA, "20040119"),
        raw(0x0040, 0xA122, VR::TM, "083000"),
        text("PersonName", "Xyzzyqua^Anna"),
        raw(0x0040, 0xA124, VR::UI, "1.2.3.4.5.6.7.9"),
        text("TextValue", "Brain of Xyzzyqua"),
        sequence(
            "ConceptCodeSequence",
            vec![code("7", "99FERN", "yes, says Xyzzyqua")],
        ),
    ];
    elements.extend(kind.map(|kind| text("ValueType", kind)));
    elements.sort_by_key(|element| element.tag);
    elements
}

/// Sequences of the Content Item Macro (PS3.3 section 10.2), and one that only looks like it.
const WHERE: [&str; 10] = [
    "ContentSequence",
    "AcquisitionContextSequence",
    "ProtocolContextSequence",
    "ContentItemModifierSequence",
    "SpecimenPreparationStepContentItemSequence",
    "SpecimenLocalizationContentItemSequence",
    "QuantityDefinitionSequence",
    "ScheduledProcessingParametersSequence",
    "PerformedProcessingParametersSequence",
    "WaveformAnnotationSequence",
];

fn holding(sequences: &str, items: Vec<Vec<Element>>) -> Vec<Element> {
    let mut elements = report(Vec::new());
    elements.retain(|element| element.tag != Tag(0x0040, 0xA730));
    elements.push(sequence(sequences, items));
    elements.sort_by_key(|element| element.tag);
    elements
}

#[test]
fn values_are_treated_as_what_they_are_whatever_the_value_type_says() {
    let kinds = [
        None,
        Some(""),
        Some("HOLOGRAM"),
        Some("CODE"),
        Some("NUM"),
        Some("NUMERIC"),
        Some("IMAGE"),
        Some("text"),
        Some("DATE"),
    ];
    for place in WHERE {
        for kind in kinds {
            for options in [
                &LONGITUDINAL[..],
                &["clean-structured-content"],
                &["retain-modified-dates"],
                &[],
            ] {
                let data = clean(options, holding(place, vec![mixed(kind)]));
                let left = format!("{data:?}");
                for value in ["yzzyqua", "Anna", "20040119", "1.2.3.4.5.6.7.9"] {
                    assert!(
                        !left.contains(value),
                        "{value} in {place} {kind:?} {options:?}: {left}"
                    );
                }
            }
        }
    }
}

#[test]
fn values_without_a_type_stay_cleaned() {
    let one = |tag: u16, vr, value: &str| {
        vec![
            sequence(
                "ConceptNameCodeSequence",
                vec![code("T77", "99FERN", "Phase")],
            ),
            raw(0x0040, tag, vr, value),
        ]
    };
    let items = vec![
        one(0xA121, VR::DA, "20040119"),
        one(0xA160, VR::UT, "Brain of Xyzzyqua"),
        one(0xA124, VR::UI, "1.2.3.9"),
    ];
    for place in ["AcquisitionContextSequence", "ProtocolContextSequence"] {
        let data = clean(&LONGITUDINAL, holding(place, items.clone()));
        let left = data
            .get(standard::tag_of_keyword(place).unwrap())
            .unwrap()
            .items()
            .unwrap();
        let left: Vec<&DataSet> = left
            .items
            .iter()
            .map(|item| &item.data)
            .collect();
        let day = |text: &str| chrono::NaiveDate::parse_from_str(text, "%Y%m%d").unwrap();
        assert_eq!(
            (day(&at(left[0], "Date").unwrap()) - day("20040119")).num_days(),
            key().shift_days("PAT-0042")
        );
        assert_eq!(at(left[1], "TextValue").unwrap(), "Brain of");
        assert_eq!(at(left[2], "UID").unwrap(), key().uid(b"1.2.3.9"));
    }
}

#[test]
fn a_value_that_the_value_type_does_not_call_for_is_removed_alone() {
    let mut elements = item(
        "CODE",
        ("T77", "99FERN", "Phase"),
        vec![sequence(
            "ConceptCodeSequence",
            vec![code("7", "99FERN", "Left")],
        )],
    );
    elements.push(text("PersonName", "Xyzzyqua^Anna"));
    elements.sort_by_key(|element| element.tag);
    let data = clean(&LONGITUDINAL, report(vec![elements]));
    assert_eq!(
        at(&data, "ContentSequence.ConceptCodeSequence.CodeMeaning").unwrap(),
        "Left"
    );
    assert_eq!(at(&data, "ContentSequence.PersonName"), None);
}

#[test]
fn numbers_of_the_content_item_macro_stay() {
    let units = sequence(
        "MeasurementUnitsCodeSequence",
        vec![code("mm", "UCUM", "mm")],
    );
    let elements = item(
        "NUMERIC",
        ("113961", "DCM", "Reconstruction Algorithm"),
        vec![text("NumericValue", "1.5"), units],
    );
    for options in [&LONGITUDINAL[..], &[]] {
        let data = clean(
            options,
            holding("ProtocolContextSequence", vec![elements.clone()]),
        );
        assert_eq!(
            at(&data, "ProtocolContextSequence.NumericValue").unwrap(),
            "1.5"
        );
    }
}

fn measured(concept: (&str, &str, &str), unit: (&str, &str), values: Vec<Element>) -> Vec<Element> {
    let mut values = values;
    values.push(sequence(
        "MeasurementUnitsCodeSequence",
        vec![code(unit.0, "UCUM", unit.1)],
    ));
    values.sort_by_key(|element| element.tag);
    item(
        "NUM",
        concept,
        vec![sequence("MeasuredValueSequence", vec![values])],
    )
}

#[test]
fn ages_above_89_years_end_at_90_in_their_unit() {
    let age = ("121033", "DCM", "Subject Age");
    for (concept, unit, value, expected) in [
        (age, ("a", "year"), "94", "90"),
        (age, ("a", "year"), "89", "89"),
        (age, ("a", "year"), "90.5", "90"),
        (age, ("mo", "month"), "1130", "1080"),
        (age, ("wk", "week"), "4900", "4696"),
        (age, ("d", "day"), "34000", "32872"),
        (age, ("d", "day"), "400", "400"),
        (age, ("J", "Jahre"), "97", "90"),
        (age, ("X", ""), "97", "90"),
        (("397669002", "SCT", "Age"), ("a", "year"), "94", "90"),
        (("30525-0", "LN", "Age"), ("a", "year"), "94", "90"),
        (
            ("4711", "99X", "Patientenalter"),
            ("a", "Jahre"),
            "94",
            "90",
        ),
        (("4712", "99X", "Something"), ("a", "year"), "94", "90"),
        (
            ("4712", "99X", "Something"),
            ("mo", "month"),
            "1130",
            "1130",
        ),
        (("103339001", "SCT", "Long Axis"), ("mm", "mm"), "94", "94"),
    ] {
        let path = "ContentSequence.MeasuredValueSequence.NumericValue";
        let data = clean(
            &LONGITUDINAL,
            report(vec![measured(
                concept,
                unit,
                vec![text("NumericValue", value)],
            )]),
        );
        assert_eq!(
            at(&data, path).unwrap(),
            expected,
            "{concept:?} {unit:?} {value}"
        );
    }
    let number =
        |element: u16, vr, bytes: &[u8]| Element::new(Tag(0x0040, element), vr, bytes.to_vec());
    let values = vec![
        text("NumericValue", "94"),
        number(0xA161, VR::FD, &94.25_f64.to_le_bytes()),
        number(0xA162, VR::SL, &188_i32.to_le_bytes()),
        number(0xA163, VR::UL, &2_u32.to_le_bytes()),
    ];
    let data = clean(
        &LONGITUDINAL,
        report(vec![measured(age, ("a", "year"), values)]),
    );
    let item = &items(&data)[0]
        .get(Tag(0x0040, 0xA300))
        .unwrap()
        .items()
        .unwrap()
        .items[0]
        .data;
    let bytes = |element| {
        item.get(Tag(0x0040, element))
            .unwrap()
            .bytes()
            .unwrap()
            .to_vec()
    };
    assert_eq!(bytes(0xA161), 90_f64.to_le_bytes());
    assert_eq!(
        (bytes(0xA162), bytes(0xA163)),
        (90_i32.to_le_bytes().to_vec(), 1_u32.to_le_bytes().to_vec())
    );
}

#[test]
fn an_age_in_words_ends_at_90_too() {
    let age = |value: &str| {
        let told = item(
            "TEXT",
            ("121033", "DCM", "Subject Age"),
            vec![text("TextValue", value)],
        );
        at(
            &clean(&LONGITUDINAL, report(vec![told])),
            "ContentSequence.TextValue",
        )
        .unwrap()
    };
    assert_eq!(
        ["094Y", "94", "94 years", "65 years"].map(age),
        ["REMOVED", "090Y", "years", "65 years"]
    );
}

#[test]
fn an_age_is_removed_where_patient_characteristics_are() {
    for concept in [
        ("121033", "DCM", "Subject Age"),
        ("397669002", "SCT", "Age"),
        ("4711", "99X", "Age at exam"),
    ] {
        let told = measured(concept, ("a", "year"), vec![text("NumericValue", "45")]);
        for place in ["ContentSequence", "ProtocolContextSequence"] {
            let data = clean(
                &["clean-structured-content"],
                holding(place, vec![told.clone()]),
            );
            assert!(!format!("{data:?}").contains("45"), "{concept:?} {place}");
        }
    }
}

#[test]
fn what_a_field_names_in_an_item_is_left_to_the_field() {
    let keeping = profile(
        r#", "options": ["clean-structured-content"]"#,
        r#", "fields": [{"name": "AcquisitionContextSequence.*.TextValue", "keep": true}]"#,
    );
    let told = item(
        "TEXT",
        ("T77", "99FERN", "Phase"),
        vec![text("TextValue", "as Xyzzyqua said")],
    );
    let data = clean_by(
        &keeping,
        DataSet::from_elements(holding("AcquisitionContextSequence", vec![told])),
    )
    .unwrap();
    assert_eq!(
        at(&data, "AcquisitionContextSequence.TextValue").unwrap(),
        "as Xyzzyqua said"
    );
}
