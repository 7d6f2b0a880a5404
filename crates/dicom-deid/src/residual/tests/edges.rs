//! Where a value is no identifier, where a code is one, and what one file may cost.

use super::*;

fn issuer(keyword: &str, value: &str) -> Element {
    sequence(
        "IssuerOfAccessionNumberSequence",
        vec![vec![named(keyword, value)]],
    )
}

/// Whether a value, with its sequence gone, is found in a text.
fn found_of(value: &str, text: &str) -> bool {
    let fields = "{fields: [{name: IssuerOfAccessionNumberSequence, remove: true}]}";
    left_by(
        fields,
        vec![
            issuer("UniversalEntityID", value),
            named("ImageComments", text),
        ],
    )
    .is_some()
}

#[test]
fn the_scheme_of_an_address_is_not_looked_for() {
    for value in [
        "http://acc.ferndaal.example/a",
        "https://acc.ferndaal.example/a",
        "HTTPS://acc.ferndaal.example",
        "ftp://ferndaal.example",
        "ldap+tls://ferndaal.example",
        "urn:oid:1.2.826.0.1.77.5",
        "urn:uuid:0b0ffb35-4ca8-4f6c-8b4e-6a3a1f0d2c11",
        "mailto:desk@ferndaal.example",
        "URN:ferndaal:desk",
        "http:",
    ] {
        for text in [
            "http://snomed.info/sct",
            "HTTPS://x",
            "ftp://x",
            "ldap+tls://x",
            "urn:oid:1.2.3.4.5.6",
            "urn:uuid:7",
            "mailto:x",
        ] {
            assert!(!found_of(value, text), "{value} in {text}");
        }
    }
}

#[test]
fn what_stands_behind_the_scheme_of_an_address_is_looked_for() {
    for (value, text) in [
        ("http://acc.ferndaal.example/a", "of ferndaal"),
        (
            "http://acc.ferndaal.example/a",
            "https://ACC.FERNDAAL.EXAMPLE/a",
        ),
        ("https://ferndaal", "ferndaal"),
        ("urn:oid:1.2.826.0.1.77.5", "1.2.826.0.1.77.5"),
        ("mailto:desk@ferndaal.example", "desk@ferndaal"),
        ("see http://ferndaal.example", "ferndaal"),
        ("a:b://ferndaal.example", "ferndaal"),
    ] {
        assert!(found_of(value, text), "{value} in {text}");
    }
}

/// Whether a value that an attribute loses is found in the manufacturer.
fn in_manufacturer(keyword: &str, value: &str, manufacturer: &str) -> bool {
    let fields = format!("{{fields: [{{name: {keyword}, remove: true}}]}}");
    let elements = vec![
        named("SOPInstanceUID", "1.2.3"),
        named("Manufacturer", manufacturer),
        named(keyword, value),
    ];
    cleaned(&fields, elements).is_err()
}

#[test]
fn a_product_name_in_an_attribute_that_programs_fill_is_not_looked_for() {
    for keyword in [
        "ContentCreatorName",
        "StationName",
        "StationAETitle",
        "PerformedStationName",
        "DeviceID",
        "DeviceSerialNumber",
    ] {
        for (value, manufacturer) in [
            ("ORBVIEW", "Orbview"),
            ("Orbview", "The Orbview Company"),
            ("Orb view", "ORB-VIEW 7"),
        ] {
            assert!(
                !in_manufacturer(keyword, value, manufacturer),
                "{keyword}: {value}"
            );
        }
    }
    for keyword in ["ContentCreatorName", "DeviceID"] {
        assert!(
            in_manufacturer(keyword, "Weber^Anneliese", "Weber"),
            "more than the maker: {keyword}"
        );
        assert!(
            in_manufacturer(keyword, "Anneliese", "Anneliesenwerk"),
            "no word of it: {keyword}"
        );
    }
    assert!(
        !in_manufacturer("ContentCreatorName", "dcmqi", "built with dcmqi"),
        "a program that many use"
    );
}

#[test]
fn the_patients_own_attributes_are_looked_for_whatever_the_manufacturer_is_called() {
    for keyword in [
        "PatientName",
        "PatientID",
        "OtherPatientIDs",
        "ReferringPhysicianName",
        "OperatorsName",
        "AccessionNumber",
    ] {
        assert!(in_manufacturer(keyword, "Orbview", "Orbview"), "{keyword}");
    }
    assert!(in_manufacturer(
        "InstitutionName",
        "Clinic of Saltmarsh",
        "Clinic of Saltmarsh"
    ));
}

#[test]
fn a_name_in_a_code_is_a_leak() {
    let with = |keyword: &str, name: &str, code: &str| {
        let elements = vec![
            named("SOPInstanceUID", "1.2.3"),
            named(keyword, name),
            named("BodyPartExamined", code),
        ];
        cleaned(
            &format!("{{fields: [{{name: {keyword}, remove: true}}]}}"),
            elements,
        )
        .is_err()
    };
    for keyword in ["PatientName", "ReferringPhysicianName", "OperatorsName"] {
        assert!(
            with(keyword, "Oxblatt^Jane", "OXBLATT") && with(keyword, "Oxblatt^Jane", "JANE"),
            "{keyword}"
        );
        for (name, code) in [
            ("Head^Jane", "HEAD"),
            ("Doe^M", "M"),
            ("Ct^Ann", "CT"),
            ("Ng^Li", "NG"),
            ("Brain", "BRAIN"),
        ] {
            assert!(!with(keyword, name, code), "{name} and {code} coincide");
        }
    }
    assert!(
        !with("InstitutionName", "Saltmarsh", "SALTMARSH"),
        "a place"
    );
    let types = vec![named("ImageType", "ORIGINAL\\PRIMARY\\OXBLATT")];
    assert!(
        left(types)
            .unwrap()
            .ends_with("ImageType (0008,0008)")
    );
    let meaning = sequence(
        "AnatomicRegionSequence",
        vec![vec![named("CodeMeaning", "Oxblatt")]],
    );
    assert!(left(vec![meaning]).is_some());
}

/// Texts of an item each, which the profile removes.
fn removed(texts: impl Iterator<Item = String>) -> Element {
    sequence(
        "ReferencedStudySequence",
        texts
            .map(|text| vec![named("PatientComments", &text)])
            .collect(),
    )
}

const AND_SEQUENCE: &str = "{fields: [{name: ReferencedStudySequence, remove: true}]}";

fn outcome(elements: Vec<Element>, warn: bool) -> Result<usize, DeidErrorKind> {
    let mut profile = profile(AND_SEQUENCE);
    if warn {
        profile.dicom.residual.on_leak = OnLeak::Warn;
    }
    let elements = [named("SOPInstanceUID", "1.2.3")]
        .into_iter()
        .chain(elements)
        .collect();
    let (instance, cleaner) = (
        instance(elements),
        Cleaner::new(&profile, None, Limits::default()).unwrap(),
    );
    cleaner
        .deidentify(instance, "x.dcm")
        .map(|clean| clean.findings().len())
        .map_err(|failure| failure.kind)
}

#[test]
fn texts_that_contain_each_other_cost_no_more_than_others() {
    let alike = || (1..400).map(|n| "a".repeat(n));
    let palette = |bytes: Vec<u8>| Element::new(Tag(0x0028, 0x1201), VR::OW, bytes);
    let failed = outcome(vec![removed(alike()), palette(vec![b'a'; 400_000])], false);
    assert_eq!(failed, Err(DeidErrorKind::IdentifierLeft));
    let failed = outcome(
        vec![removed(alike()), palette(b"aaaaaaa ".repeat(60_000))],
        false,
    );
    assert!(failed.is_err(), "{failed:?}");
    // Every place is judged where findings are only reported.
    let reported = outcome(vec![removed(alike()), palette(vec![b'a'; 2 << 20])], true);
    assert!(
        matches!(reported, Ok(1) | Err(DeidErrorKind::TooCostly)),
        "{reported:?}"
    );
}

#[test]
fn a_file_that_would_cost_too_much_fails_and_says_so() {
    let named_so = |from: usize, count: usize| {
        let parts: Vec<_> = (from..from + count)
            .map(|n| format!("w{n:06}"))
            .collect();
        vec![named("OtherPatientNames", &parts.join("^"))]
    };
    let names = |count: usize| {
        sequence(
            "ReferencedStudySequence",
            (0..count)
                .map(|n| named_so(n * 6000, 6000))
                .collect(),
        )
    };
    assert_eq!(outcome(vec![names(2)], false), Ok(0));
    assert_eq!(
        outcome(vec![names(50)], false),
        Err(DeidErrorKind::TooCostly)
    );
    let character = |n: u32| char::from_u32(0x4E00 + n).unwrap();
    let parts: Vec<_> = (0..8000)
        .map(|n| {
            [character(n), character(n * 7 % 20_000)]
                .iter()
                .collect::<String>()
        })
        .collect();
    let utf8 = vec![
        named("SpecificCharacterSet", "ISO_IR 192"),
        named("OtherPatientNames", &parts.join("^")),
    ];
    let one = sequence("ReferencedStudySequence", vec![utf8]);
    let failure = cleaned(AND_SEQUENCE, vec![named("SOPInstanceUID", "1.2.3"), one]).unwrap_err();
    assert!(
        failure
            .to_string()
            .contains("too many parts"),
        "{failure}"
    );
    assert!(failure.to_string().is_ascii(), "{failure}");
}

#[test]
fn at_most_a_hundred_findings_are_counted() {
    let places =
        (0..300_u16).map(|n| Element::new(Tag(0x0009, 0x1000 + n), VR::LO, &b"of Jane "[..]));
    let elements: Vec<Element> = person()
        .into_iter()
        .chain([raw_private(0x10, VR::LO, b"ACME")])
        .chain(places)
        .collect();
    let failure = cleaned(USUAL, elements).unwrap_err();
    assert!(
        failure
            .detail
            .ends_with(", and 99 more"),
        "{failure}"
    );
}

#[test]
fn a_value_inside_a_larger_value_is_found() {
    let begins =
        b"\xFE\xFF\x00\xE0\x18\x00\x00\x00\x10\x00\x00\x40\x08\x00\x00\x00for Jane and more";
    let unknown = vec![
        raw_private(0x10, VR::LO, b"ACME"),
        raw_private(0x1001, VR::UN, begins),
    ];
    assert_eq!(
        left(unknown).unwrap(),
        "what stood in PatientName (0010,0010) still stands in (0009,1001)"
    );
}

#[test]
fn removed_items_are_recognised_by_those_that_are_left() {
    let items = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| vec![named("StudyComments", text)])
            .collect::<Vec<_>>()
    };
    let fields = "{fields: [{name: RequestAttributesSequence.0.StudyComments, remove: true}]}";
    let with = |comment: &str| {
        left_by(
            fields,
            vec![
                sequence(
                    "RequestAttributesSequence",
                    items(&["zanderveld", "netherwich"]),
                ),
                named("ImageComments", comment),
            ],
        )
    };
    assert!(with("zanderveld").is_some() && with("netherwich").is_none());
}
