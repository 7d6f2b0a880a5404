//! Every row of Table E.1-1 under the Basic Profile and under each option: at the top, and in an
//! item. What is expected is read from the table's columns here, not asked of the code under test.

use super::*;
use crate::standard::confidentiality::ConfidentialityOption;
use crate::standard::{TemporalRole, temporal_role};

const TABLE: &str = include_str!("../../standard/ps3.15-table-e1-1.csv");
/// A sequence that no list names, so that it stays and is entered.
pub const AROUND: Tag = Tag(0x0008, 0x1115);
const UID: &str = "1.2.826.0.1.3680043.10.999.4711";

/// A row: where, and what is to happen.
struct Row {
    tag: Tag,
    name: String,
    code: String,
    basic: String,
    /// The column of the option that spoke; empty where none did.
    column: &'static str,
}

/// The column of an option that the table has one for.
fn column(option: &str) -> Option<&'static str> {
    let columns = [
        ("retain-safe-private", "retain_safe_private"),
        ("retain-uids", "retain_uids"),
        ("retain-device-identity", "retain_device"),
        ("retain-institution-identity", "retain_institution"),
        ("retain-patient-characteristics", "retain_patient"),
        ("retain-full-dates", "retain_long_full"),
        ("retain-modified-dates", "retain_long_modified"),
        ("clean-descriptors", "clean_desc"),
        ("clean-structured-content", "clean_struct"),
        ("clean-graphics", "clean_graph"),
    ];
    columns
        .into_iter()
        .find(|(known, _)| *known == option)
        .map(|(_, column)| column)
}

fn rows(option: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let place = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .unwrap()
    };
    let records: Vec<csv::StringRecord> = reader
        .records()
        .map(Result::unwrap)
        .collect();
    let read = |record: &csv::StringRecord| {
        let said = column(option)
            .map(|column| (column, record[place(column)].to_owned()))
            .filter(|(_, code)| !code.is_empty());
        let basic = record[place("basic")].to_owned();
        let (column, code) = said.unwrap_or(("", basic.clone()));
        Row {
            tag: sample_tag(&record[place("tag")]),
            name: record[place("name")].to_owned(),
            code,
            basic,
            column,
        }
    };
    records.iter().map(read).collect()
}

fn sample_tag(written: &str) -> Tag {
    match written {
        "(gggg,eeee)" => Tag(0x0009, 0x1001),
        "(50xx,xxxx)" => Tag(0x5004, 0x3000),
        "(60xx,3000)" => Tag(0x6002, 0x3000),
        "(60xx,4000)" => Tag(0x6002, 0x4000),
        one => {
            let number = |from: usize| u16::from_str_radix(&one[from..from + 4], 16).unwrap();
            Tag(number(1), number(6))
        }
    }
}

/// A value that is worth protecting, as the VR wants it.
pub fn sample(tag: Tag) -> Element {
    let vr = standard::vr(tag).unwrap_or(VR::LO);
    let text = match vr {
        VR::SQ => {
            let inner = vec![
                text("ReferencedSOPInstanceUID", UID),
                text("PatientName", "Xyzzyqua^Anna"),
            ];
            return Element::sequence(tag, vec![DataSet::from_elements(inner)], LITTLE);
        }
        VR::PN => "Xyzzyqua^Anna",
        VR::DA => "20040119",
        VR::DT => "20040119101530",
        VR::TM => "101530",
        VR::UI => UID,
        VR::AS => "045Y",
        VR::CS | VR::AE => "XYZZYQUA",
        VR::DS | VR::IS => "3",
        VR::UR => "http://host.example/xyzzyqua",
        VR::OB | VR::OW | VR::UN => "\u{1}\u{2}",
        VR::US | VR::SS => "\u{3}\0",
        VR::FL | VR::UL => "\u{3}\0\0\0",
        VR::FD => "\u{3}\0\0\0\0\0\0\0",
        // A word of an identifier is taken out of every other text.
        vr if standard::identifier_kind(tag, vr).is_some() => "Xyzzyqua",
        _ => "BRAIN Xyzzyqua",
    };
    Element::new(tag, vr, padded(vr, text.as_bytes().to_vec()))
}

pub fn everything() -> Vec<Element> {
    let mut elements: Vec<Element> = rows("")
        .iter()
        .map(|row| sample(row.tag))
        .collect();
    elements.push(raw(0x0009, 0x0010, VR::LO, "ACME 1.0"));
    elements.sort_by_key(|element| element.tag);
    elements
}

#[test]
fn every_row_gets_its_action_at_the_top_and_nested() {
    let mut checked = 0;
    for option in [""]
        .into_iter()
        .chain(ConfidentialityOption::ALL.map(ConfidentialityOption::slug))
    {
        let mut elements = everything();
        elements.push(Element::sequence(
            AROUND,
            vec![DataSet::from_elements(everything())],
            LITTLE,
        ));
        elements.sort_by_key(|element| element.tag);
        let options: Vec<&str> = [option]
            .into_iter()
            .filter(|option| !option.is_empty())
            .collect();
        let after = clean(&options, elements);
        let nested = &after
            .get(AROUND)
            .unwrap()
            .items()
            .unwrap()
            .items[0]
            .data;
        for row in rows(option) {
            check(&row, option, &after, "at the top");
            check(&row, option, nested, "nested");
            checked += 2;
        }
    }
    assert_eq!(checked, 657 * 12 * 2);
}

/// No SOP Class UID is there, so no IOD is known and a choice comes to the least destructive
/// member.
fn check(row: &Row, option: &str, after: &DataSet, place: &str) {
    let what = format!(
        "{} {} {} under `{option}` {place}",
        row.name, row.tag, row.code
    );
    let before = sample(row.tag);
    let found = after.get(row.tag);
    match row.code.as_str() {
        "K" => kept(&before, found, &what),
        "C" => cleaned(row, &before, found, &what),
        code => done(code, &before, found, &what),
    }
}

fn done(code: &str, before: &Element, found: Option<&Element>, what: &str) {
    match code {
        "X" => assert!(found.is_none(), "{what}: still there"),
        "Z" | "X/Z" => emptied(before, found, what),
        "D" | "Z/D" | "X/D" | "X/Z/D" => dummy(before, found, what),
        "U" => new_uid(found, what),
        "X/Z/U*" => entered(found, what),
        other => panic!("{what}: {other}"),
    }
}

pub fn kept(before: &Element, found: Option<&Element>, what: &str) {
    if before.items().is_some() {
        let item = &found
            .unwrap_or_else(|| panic!("{what}: gone"))
            .items()
            .unwrap()
            .items[0]
            .data;
        assert_ne!(
            at(item, "PatientName").unwrap(),
            "Xyzzyqua^Anna",
            "{what}: not entered"
        );
    } else {
        assert_eq!(found, Some(before), "{what}: not the same");
    }
}

pub fn emptied(before: &Element, found: Option<&Element>, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: gone"));
    match before.tag {
        Tag(0x0010, 0x0010 | 0x0020) => {
            assert!(shown(found).starts_with("P-"), "{what}: no pseudonym");
        }
        _ => assert!(
            matches!(shown(found).as_str(), "" | "0 items"),
            "{what}: {}",
            shown(found)
        ),
    }
}

pub fn dummy(before: &Element, found: Option<&Element>, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: gone"));
    assert!(!matches!(shown(found).as_str(), "0 items"), "{what}: empty");
    assert!(
        found
            .bytes()
            .is_none_or(|bytes| !bytes.is_empty()),
        "{what}: empty"
    );
    assert_ne!(found, before, "{what}: as it was");
    assert!(
        !format!("{found:?}").contains("yzzyqua"),
        "{what}: the value is still there"
    );
}

pub fn new_uid(found: Option<&Element>, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: gone"));
    assert_eq!(shown(found), key().uid(UID.as_bytes()), "{what}");
}

fn entered(found: Option<&Element>, what: &str) {
    let item = &found
        .unwrap_or_else(|| panic!("{what}: gone"))
        .items()
        .unwrap()
        .items[0]
        .data;
    assert_eq!(
        at(item, "ReferencedSOPInstanceUID").unwrap(),
        key().uid(UID.as_bytes()),
        "{what}"
    );
}

fn cleaned(row: &Row, before: &Element, found: Option<&Element>, what: &str) {
    if row.column == "retain_long_modified" && before.vr == VR::TM && moves(row.tag) {
        assert_eq!(
            found,
            Some(before),
            "{what}: whole weeks leave the time of day"
        );
        return;
    }
    assert_ne!(found, Some(before), "{what}: as it was");
    if let Some(found) = found {
        assert!(
            !format!("{found:?}").contains("yzzyqua"),
            "{what}: the value is still there"
        );
    }
    match row.column {
        "retain_long_modified" if matches!(before.vr, VR::DA | VR::DT) && moves(row.tag) => {
            let moved = shown(found.unwrap_or_else(|| panic!("{what}: gone")));
            let day = |text: &str| chrono::NaiveDate::parse_from_str(&text[..8], "%Y%m%d").unwrap();
            let days = (day(&moved) - day("20040119")).num_days();
            assert!(days < 0 && days % 7 == 0, "{what}: by {days} days");
            assert_eq!(moved[8..], shown(before)[8..], "{what}: the time of day");
        }
        "clean_desc" | "retain_patient"
            if matches!(
                before.vr,
                VR::LO | VR::SH | VR::LT | VR::ST | VR::UT | VR::UC
            ) =>
        {
            match shown(before).as_str() {
                "Xyzzyqua" => done(&row.basic, before, found, what),
                _ => assert_eq!(
                    shown(found.unwrap_or_else(|| panic!("{what}: gone"))),
                    "BRAIN",
                    "{what}"
                ),
            }
        }
        "clean_desc" if before.vr == VR::SQ => entered(found, what),
        "clean_desc" | "retain_device" | "retain_long_modified" => {
            done(&row.basic, before, found, what);
        }
        "retain_safe_private" => assert!(found.is_none(), "{what}: nothing says that it is safe"),
        _ => {}
    }
}

/// Whether the dates of an attribute are those of the patient's story.
fn moves(tag: Tag) -> bool {
    temporal_role(tag).is_none_or(|role| role == TemporalRole::Subject)
}
