//! Structured reports: by concept, or a dummy.

use super::*;

fn code(value: &str, scheme: &str, meaning: &str) -> Vec<Element> {
    vec![text("CodeValue", value), text("CodingSchemeDesignator", scheme), text("CodeMeaning", meaning)]
}

fn item(kind: &str, concept: (&str, &str, &str), value: Vec<Element>) -> Vec<Element> {
    let mut elements = vec![
        text("RelationshipType", "CONTAINS"),
        text("ValueType", kind),
        sequence("ConceptNameCodeSequence", vec![code(concept.0, concept.1, concept.2)]),
    ];
    elements.extend(value);
    elements.sort_by_key(|element| element.tag);
    elements
}

fn image() -> Vec<Element> {
    let reference =
        vec![text("ReferencedSOPClassUID", "1.2.840.10008.5.1.4.1.1.2"), text("ReferencedSOPInstanceUID", "1.2.3.4.5.6.7.9")];
    item("IMAGE", ("121191", "DCM", "Referenced Segment"), vec![sequence("ReferencedSOPSequence", vec![reference])])
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
    item("TEXT", ("121071", "DCM", "Finding"), vec![text("TextValue", value)])
}

fn observer() -> Vec<Element> {
    item("PNAME", ("121008", "DCM", "Person Observer Name"), vec![text("PersonName", "Who^Doctor")])
}

fn items(data: &DataSet) -> Vec<&DataSet> {
    let sequence = data.get(Tag(0x0040, 0xA730)).unwrap().items().unwrap();
    sequence.items.iter().map(|item| &item.data).collect()
}

#[test]
fn without_the_option_references_stay_and_nothing_else() {
    let data = clean(&[], report(vec![finding("Brain of Xyzzyqua"), image(), observer()]));
    let left = items(&data);
    assert_eq!(left.len(), 1);
    assert_eq!(at(left[0], "ReferencedSOPSequence.ReferencedSOPInstanceUID").unwrap(), key().uid(b"1.2.3.4.5.6.7.9"));
    let nothing = clean(&[], report(vec![finding("Brain of Xyzzyqua")]));
    assert_eq!(at(items(&nothing)[0], "TextValue").unwrap(), "REMOVED");
}

#[test]
fn with_the_option_concepts_decide() {
    let options = ["clean-structured-content"];
    let acquired = item("DATE", ("126201", "DCM", "Acquisition Date"), vec![raw(0x0040, 0xA121, VR::DA, "20040119")]);
    let number = item(
        "NUM",
        ("103339001", "SCT", "Long Axis"),
        vec![sequence("MeasuredValueSequence", vec![vec![text("NumericValue", "12.5")]])],
    );
    let data = clean(&options, report(vec![finding("Brain of Xyzzyqua"), image(), observer(), acquired.clone(), number]));
    let kinds: Vec<String> = items(&data).iter().map(|item| at(item, "ValueType").unwrap()).collect();
    assert!(kinds.contains(&"IMAGE".to_owned()) && kinds.contains(&"NUM".to_owned()), "{kinds:?}");
    assert!(!format!("{data:?}").contains("yzzyqua") && !format!("{data:?}").contains("Who"));
    assert!(!format!("{data:?}").contains("20040119"));
    let modified = clean(&["clean-structured-content", "retain-modified-dates"], report(vec![acquired.clone()]));
    let moved = at(items(&modified)[0], "Date").unwrap();
    assert!(moved != "20040119" && moved.len() == 8);
    let full = clean(&["clean-structured-content", "retain-full-dates"], report(vec![acquired]));
    assert_eq!(at(items(&full)[0], "Date").unwrap(), "20040119");
}

#[test]
fn where_items_are_counted_none_goes() {
    let by_number = vec![
        text("RelationshipType", "INFERRED FROM"),
        Element::new(Tag(0x0040, 0xDB73), VR::UL, vec![1_u8, 0, 0, 0, 2, 0, 0, 0]),
    ];
    let mut pointing = image();
    pointing.push(sequence("ContentSequence", vec![by_number]));
    let somebody = item("PNAME", ("4711", "99X", "Somebody"), vec![text("PersonName", "Who^Doctor")]);
    let data = clean(&["clean-structured-content"], report(vec![somebody, finding("Brain"), pointing]));
    let left = items(&data);
    assert_eq!(left.len(), 3);
    assert_eq!(at(left[0], "ValueType").unwrap(), "TEXT");
    assert_eq!(at(left[0], "TextValue").unwrap(), "REMOVED");
}

#[test]
fn an_item_of_an_unknown_type_fails_the_file() {
    let strange = item("HOLOGRAM", ("1", "99X", "Something"), vec![]);
    let failed = clean_by(&with_options(&["clean-structured-content"]), DataSet::from_elements(report(vec![strange])));
    assert_eq!(failed.unwrap_err().code, crate::failure::FileCode::DeidTarget);
}
