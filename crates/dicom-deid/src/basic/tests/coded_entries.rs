//! Coded entries: what is the standard's stays, what people typed does not.

use super::*;

/// A code with these elements in a sequence that stays, cleaned.
fn of(options: &[&str], elements: Vec<Element>) -> DataSet {
    let patient = vec![
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        text("StudyDate", "20040119"),
        text("PatientName", "Xyzzyqua^Anna"),
        text("PatientID", "PAT-0042"),
    ];
    let mut all = patient;
    all.push(sequence("ProcedureCodeSequence", vec![elements]));
    all.sort_by_key(|element| element.tag);
    let data = clean(options, all);
    data.get(Tag(0x0008, 0x1032))
        .unwrap()
        .items()
        .unwrap()
        .items[0]
        .data
        .clone()
}

fn code(value: &str, scheme: &str, meaning: &str) -> DataSet {
    of(
        &[],
        vec![
            text("CodeValue", value),
            text("CodingSchemeDesignator", scheme),
            text("CodeMeaning", meaning),
        ],
    )
}

#[test]
fn a_meaning_stays_where_it_is_that_of_the_code() {
    for (value, scheme, meaning) in [
        ("121033", "DCM", "Subject Age"),
        ("69536005", "SCT", "head"),
        ("T-D1100", "SRT", "Head"),
        ("R-10226", "SRT", "medio-lateral oblique"),
        ("{counts}", "UCUM", "Counts"),
    ] {
        let data = code(value, scheme, meaning);
        assert_eq!(at(&data, "CodeMeaning").unwrap(), meaning);
        assert_eq!(
            (
                at(&data, "CodeValue").unwrap(),
                at(&data, "CodingSchemeDesignator").unwrap()
            ),
            (value.into(), scheme.into())
        );
    }
}

#[test]
fn a_sentence_is_no_meaning_under_the_name_of_any_scheme() {
    for scheme in [
        "DCM",
        "SCT",
        "SRT",
        "LN",
        "UCUM",
        "99SIEMENS",
        "99SDM",
        "DCMX",
        "",
    ] {
        for value in ["CTABD", "121033", "69536005"] {
            assert_eq!(
                at(&code(value, scheme, "CT for Mrs Xyzzyqua"), "CodeMeaning").unwrap(),
                "CT for Mrs",
                "{scheme} {value}"
            );
        }
        assert_eq!(
            at(&code("121033", scheme, "Xyzzyqua"), "CodeMeaning").unwrap(),
            "REMOVED",
            "Type 1"
        );
    }
}

#[test]
fn only_known_designators_stay_and_the_others_stay_distinct() {
    let scheme = |name: &str| at(&code("X1", name, "Brain"), "CodingSchemeDesignator").unwrap();
    assert_eq!(
        ["99SIEMENS", "SCT", "DCM", "99LOCAL", "99SDM", "L"].map(scheme),
        ["99SIEMENS", "SCT", "DCM", "99LOCAL", "99SDM", "L"]
    );
    let new = [
        "99XYZZYQUA",
        "99FERNDAAL",
        "FERNDAAL",
        "DCM-FERNDAAL",
        "SCT of Ferndaal",
        "99ANNA",
    ]
    .map(scheme);
    for (index, token) in new.iter().enumerate() {
        assert!(token.starts_with("99") && token.len() == 12, "{token}");
        assert!(!new[..index].contains(token), "{new:?}");
    }
    assert_eq!(
        new[0],
        key().coding_scheme(b"99XYZZYQUA"),
        "the same in every file"
    );
}

#[test]
fn a_code_that_may_be_a_name_a_day_or_a_number_becomes_a_keyed_one() {
    let value = |text: &str| at(&code(text, "99X", "Brain"), "CodeValue").unwrap();
    for kept in [
        "CT-THX", "CTABD", "MRBRAIN", "P5-09051", "RID10312", "77014", "IMG4711", "12.3",
        "CT CHEST",
    ] {
        assert_eq!(value(kept), kept);
    }
    for gone in [
        "Xyzzyqua",
        "XYZZYQUA-CT",
        "PAT-0042",
        "PAT0042",
        "for Mrs Smith",
        "20040119",
        "19.01.2004",
        "MULLER",
        "ANNA",
    ] {
        assert_eq!(value(gone), key().code(gone.as_bytes()), "{gone}");
    }
    let long = |tag: &str, text_: &str| {
        at(
            &of(&[], vec![text(tag, text_), text("CodeMeaning", "Brain")]),
            tag,
        )
        .unwrap()
    };
    assert_eq!(
        long("LongCodeValue", "brought in by Xyzzyqua from Ostrand"),
        key().code(b"brought in by Xyzzyqua from Ostrand")
    );
    assert_eq!(
        long("LongCodeValue", "1234567890123456789"),
        "1234567890123456789"
    );
    assert_eq!(
        long("URNCodeValue", "urn:oid:2.16.840.1.113883.6.96"),
        "urn:oid:2.16.840.1.113883.6.96"
    );
    assert_eq!(
        long("URNCodeValue", "urn:oid:1.2.3.4"),
        format!("urn:oid:{}", key().uid(b"1.2.3.4"))
    );
    assert_eq!(
        long("URNCodeValue", "http://xyzzyqua.example/7"),
        format!("urn:oid:{}", key().uid(b"http://xyzzyqua.example/7"))
    );
}

#[test]
fn versions_and_uids_of_schemes_do_not_name_the_site() {
    let more = |keyword: &str, value: &str| {
        let elements = vec![
            text("CodeValue", "X1"),
            text("CodingSchemeDesignator", "99X"),
            text(keyword, value),
        ];
        let mut elements = elements;
        elements.push(text("CodeMeaning", "Brain"));
        elements.sort_by_key(|element| element.tag);
        at(&of(&[], elements), keyword)
    };
    assert_eq!(more("CodingSchemeVersion", "2008b").unwrap(), "2008b");
    assert_eq!(more("CodingSchemeVersion", "20130731").unwrap(), "20130731");
    assert_eq!(
        more("CodingSchemeVersion", "20040119"),
        None,
        "the day of the study"
    );
    assert_eq!(more("CodingSchemeVersion", "Xyzzyqua 2"), None);
    assert_eq!(
        more("CodingSchemeUID", "2.16.840.1.113883.6.96").unwrap(),
        "2.16.840.1.113883.6.96"
    );
    assert_eq!(
        more("CodingSchemeUID", "1.2.3.4.5").unwrap(),
        key().uid(b"1.2.3.4.5")
    );
    assert_eq!(
        more("ContextUID", "1.2.840.10008.6.1.1").unwrap(),
        "1.2.840.10008.6.1.1"
    );
}

#[test]
fn descriptions_of_coding_schemes_agree_with_the_codes() {
    let scheme = |designator: &str, name: &str| {
        vec![
            text("CodingSchemeDesignator", designator),
            text("CodingSchemeRegistry", "HL7"),
            text("CodingSchemeUID", "1.2.3.4.5"),
            text("CodingSchemeName", name),
            text("CodingSchemeResponsibleOrganization", "Ferndaal Hospital"),
        ]
    };
    let schemes = vec![
        scheme("99FERNDAAL", "Codes of Ferndaal"),
        scheme("DCM", "DICOM Controlled Terminology for Xyzzyqua"),
    ];
    let elements = vec![
        sequence("CodingSchemeIdentificationSequence", schemes),
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        text("PatientName", "Xyzzyqua^Anna"),
        text("PatientID", "PAT-0042"),
    ];
    let mut elements = elements;
    elements.sort_by_key(|element| element.tag);
    let data = clean(&[], elements);
    let items = data
        .get(Tag(0x0008, 0x0110))
        .unwrap()
        .items()
        .unwrap();
    let local = &items.items[0].data;
    assert_eq!(
        at(local, "CodingSchemeDesignator").unwrap(),
        at(&code("X1", "99FERNDAAL", "Brain"), "CodingSchemeDesignator").unwrap()
    );
    assert_eq!(
        at(local, "CodingSchemeUID").unwrap(),
        key().uid(b"1.2.3.4.5")
    );
    let left = format!("{data:?}");
    assert!(
        !left.contains("erndaal") && !left.contains("yzzyqua"),
        "{left}"
    );
    assert_eq!(
        at(&items.items[1].data, "CodingSchemeDesignator").unwrap(),
        "DCM"
    );
}

#[test]
fn codes_stay_as_they_are_where_the_profile_keeps_what_is_unlisted() {
    let item = vec![
        text("CodeValue", "Xyzzyqua"),
        text("CodingSchemeDesignator", "99FERN"),
        text("CodeMeaning", "Brain of Xyzzyqua"),
    ];
    let elements = vec![
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        sequence("ProcedureCodeSequence", vec![item.clone()]),
    ];
    let data = clean_by(
        &profile(r#", "unlisted": "keep""#, ""),
        DataSet::from_elements(elements),
    )
    .unwrap();
    assert_eq!(
        data.get(Tag(0x0008, 0x1032))
            .unwrap()
            .items()
            .unwrap()
            .items[0]
            .data,
        DataSet::from_elements(item)
    );
}
