//! Values: pseudonyms, UIDs, dates, ages, and what fields of the profile say about the table.

use super::*;
use crate::error::{DeidErrorKind, MissingKey};

fn person() -> Vec<Element> {
    vec![
        text("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        text("StudyDate", "20040119"),
        text("Manufacturer", "SIEMENS"),
        text("PatientName", "Doe^Jane"),
        text("PatientID", "PAT-0042"),
        text("PatientBirthDate", "19230228"),
        text("PatientAge", "101Y"),
        text("StudyInstanceUID", "1.2.3.4.5.6.7.2"),
        text("FrameOfReferenceUID", "1.2.840.10008.1.4.1.1"),
    ]
}

#[test]
fn a_patient_has_one_pseudonym_everywhere() {
    let nested = sequence(
        "ReferencedSeriesSequence",
        vec![vec![
            text("PatientName", "Other^Spelling"),
            text("PatientID", " PAT-0042 "),
        ]],
    );
    let mut elements = person();
    elements.insert(4, nested);
    let data = clean(&[], elements);
    let id = at(&data, "PatientID").unwrap();
    assert_eq!(id, format!("P-{}", key().patient("PAT-0042", 12)));
    for path in [
        "PatientName",
        "ReferencedSeriesSequence.PatientID",
        "ReferencedSeriesSequence.PatientName",
    ] {
        assert_eq!(at(&data, path).unwrap(), id, "{path}");
    }
    let own = profile("", r#", "pseudonyms": {"prefix": "S.", "width": 20}"#);
    let data = clean_by(&own, DataSet::from_elements(person())).unwrap();
    assert_eq!(
        at(&data, "PatientID").unwrap(),
        format!("S.{}", key().patient("PAT-0042", 20))
    );
}

#[test]
fn a_patient_id_is_read_in_the_files_character_set() {
    let of = |set: &str, id: &[u8]| {
        let mut elements = person();
        elements.retain(|element| element.tag != Tag(0x0010, 0x0020));
        elements.push(Element::new(
            Tag(0x0010, 0x0020),
            VR::LO,
            padded(VR::LO, id.to_vec()),
        ));
        elements.push(text("SpecificCharacterSet", set));
        elements.sort_by_key(|element| element.tag);
        let data = clean(&[], elements);
        (
            at(&data, "PatientID").unwrap(),
            at(&data, "PatientName").unwrap(),
        )
    };
    let (id, name) = of("ISO_IR 100", b"M\xFCller-7");
    assert_eq!(id, name);
    assert_eq!(of("ISO_IR 192", "Müller-7".as_bytes()), (id, name));
}

#[test]
fn a_patient_without_id_gets_the_pseudonym_of_the_study() {
    let without = |id: Option<&str>, study: &str| {
        let mut elements = person();
        elements
            .retain(|element| !matches!(element.tag, Tag(0x0010, 0x0020) | Tag(0x0020, 0x000D)));
        elements.extend(id.map(|id| text("PatientID", id)));
        elements.push(text("StudyInstanceUID", study));
        elements.sort_by_key(|element| element.tag);
        at(&clean(&[], elements), "PatientID").unwrap()
    };
    let first = without(None, "1.2.3.4.5.1");
    assert!(first.starts_with("P-"));
    for placeholder in ["", "  ", "unknown", "ANONYMOUS", "0"] {
        assert_eq!(
            without(Some(placeholder), "1.2.3.4.5.1"),
            first,
            "{placeholder}"
        );
        assert_ne!(
            without(Some(placeholder), "1.2.3.4.5.2"),
            first,
            "{placeholder}"
        );
    }
    let unidentified = clean_by(
        &with_options(&[]),
        DataSet::from_elements(vec![text("PatientName", "Doe^Jane")]),
    );
    assert_eq!(unidentified.unwrap_err().kind, DeidErrorKind::MissingUid);
}

#[test]
fn uids_of_instances_change_and_registered_ones_do_not() {
    let data = clean(&[], person());
    assert_eq!(
        at(&data, "SOPClassUID").unwrap(),
        "1.2.840.10008.5.1.4.1.1.2"
    );
    assert_eq!(
        at(&data, "FrameOfReferenceUID").unwrap(),
        "1.2.840.10008.1.4.1.1"
    );
    assert_eq!(
        at(&data, "StudyInstanceUID").unwrap(),
        key().uid(b"1.2.3.4.5.6.7.2")
    );
    let several = clean(
        &[],
        vec![
            text("FailedSOPInstanceUIDList", "1.2.3.4.5.6\\1.2.3.4.5.7"),
            text("SOPInstanceUID", "1.2.3.4.5.6"),
        ],
    );
    let expected = format!(
        "{}\\{}",
        key().uid(b"1.2.3.4.5.6"),
        key().uid(b"1.2.3.4.5.7")
    );
    assert_eq!(at(&several, "FailedSOPInstanceUIDList").unwrap(), expected);
    let kept = clean(&["retain-uids"], person());
    assert_eq!(at(&kept, "StudyInstanceUID").unwrap(), "1.2.3.4.5.6.7.2");
}

#[test]
fn a_uid_in_a_text_that_stays_changes_too() {
    let mut elements = person();
    elements.retain(|element| element.tag != Tag(0x0008, 0x0070));
    elements.insert(
        3,
        text("InstitutionName", "see 1.2.826.0.1.3680043.10.999.17 there"),
    );
    let data = clean(&["retain-institution-identity"], elements);
    let expected = format!("see {} there", key().uid(b"1.2.826.0.1.3680043.10.999.17"));
    assert_eq!(at(&data, "InstitutionName").unwrap(), expected);
}

#[test]
fn dates_move_alike_and_ages_end_at_90() {
    let options = ["retain-modified-dates", "retain-patient-characteristics"];
    let mut elements = person();
    elements.insert(3, text("AcquisitionDateTime", "20040120235959.123456+0100"));
    elements.insert(4, text("StudyTime", "101530"));
    elements.sort_by_key(|element| element.tag);
    let data = clean(&options, elements);
    let day = |text: &str| chrono::NaiveDate::parse_from_str(&text[..8], "%Y%m%d").unwrap();
    let (study, acquired) = (
        at(&data, "StudyDate").unwrap(),
        at(&data, "AcquisitionDateTime").unwrap(),
    );
    assert_eq!(
        (day(&study) - day("20040119")).num_days(),
        key().shift_days("PAT-0042")
    );
    assert_eq!((day(&acquired) - day(&study)).num_days(), 1);
    assert!(acquired.ends_with("235959.123456+0100"));
    assert_eq!(at(&data, "StudyTime").unwrap(), "101530");
    assert_eq!(at(&data, "PatientAge").unwrap(), "090Y");
    let constant = profile(
        r#", "options": ["retain-modified-dates"]"#,
        r#", "dates": {"days": -17}"#,
    );
    assert_eq!(
        at(
            &clean_by(&constant, DataSet::from_elements(person())).unwrap(),
            "StudyDate"
        )
        .unwrap(),
        "20040102"
    );
}

#[test]
fn a_date_that_cannot_be_read_fails_or_goes_as_the_profile_says() {
    let mut elements = person();
    elements
        .iter_mut()
        .filter(|element| element.tag == Tag(0x0008, 0x0020))
        .for_each(|element| *element = text("StudyDate", "20042301"));
    let strict = profile(
        r#", "options": ["retain-modified-dates"]"#,
        r#", "dates": {"unparseable": "fail"}"#,
    );
    let failed = clean_by(&strict, DataSet::from_elements(elements.clone())).unwrap_err();
    assert_eq!(failed.kind, DeidErrorKind::Date);
    assert!(
        failed
            .to_string()
            .contains("StudyDate")
            && !failed.to_string().contains("2004")
    );
    let lenient = profile(
        r#", "options": ["retain-modified-dates"]"#,
        r#", "dates": {"unparseable": "remove"}"#,
    );
    assert_eq!(
        at(
            &clean_by(&lenient, DataSet::from_elements(elements)).unwrap(),
            "StudyDate"
        )
        .unwrap(),
        ""
    );
}

#[test]
fn attributes_that_a_field_names_are_left_to_the_field() {
    let fields = r#", "fields": [
        {"name": "PatientID", "hash": true},
        {"name": "PatientBirthDate", "keep": true},
        {"name": "RequestAttributesSequence.*.AccessionNumber", "keep": true},
        {"regex": "^Study(Date|ID)$", "keep": true}]"#;
    let mut elements = person();
    let request = vec![
        text("AccessionNumber", "A-1"),
        text("RequestedProcedureID", "R-1"),
    ];
    elements.push(sequence("RequestAttributesSequence", vec![request]));
    let data = clean_by(&profile("", fields), DataSet::from_elements(elements)).unwrap();
    assert_eq!(at(&data, "PatientID").unwrap(), "a0f7295c61144f61");
    assert_eq!(at(&data, "PatientBirthDate").unwrap(), "19230228");
    assert_eq!(at(&data, "StudyDate").unwrap(), "20040119");
    assert_eq!(
        at(&data, "RequestAttributesSequence.AccessionNumber").unwrap(),
        "A-1"
    );
    assert_eq!(
        at(&data, "RequestAttributesSequence.RequestedProcedureID").unwrap(),
        "REMOVED",
        "1C there"
    );
}

#[test]
fn attributes_that_the_table_does_not_list_go_by_their_role() {
    let elements = || {
        vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            text("Modality", "MR"),
            text("Manufacturer", "Nobody Knows"),
            sequence(
                "ProcedureCodeSequence",
                vec![vec![
                    text("CodeValue", "X1"),
                    text("CodingSchemeDesignator", "99LOCAL"),
                    text("CodeMeaning", "Brain of Xyzzyqua"),
                ]],
            ),
            text("PatientBirthDateInAlternativeCalendar", "S58.2.28"),
            text("SequenceName", "Xyzzyqua"),
            text("RepetitionTime", "500"),
            text("DocumentTitle", "Letter about Xyzzyqua"),
        ]
    };
    let safe = clean(&[], elements());
    let found = [
        "Modality",
        "Manufacturer",
        "ProcedureCodeSequence.CodeMeaning",
        "PatientBirthDateInAlternativeCalendar",
        "SequenceName",
        "RepetitionTime",
        "DocumentTitle",
    ]
    .map(|path| at(&safe, path));
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        found,
        [
            some("MR"),
            some("Nobody Knows"),
            some("Brain of"),
            None,
            some("REMOVED"),
            some("500"),
            None
        ]
    );
    let keep = clean_by(
        &profile(r#", "unlisted": "keep""#, ""),
        DataSet::from_elements(elements()),
    )
    .unwrap();
    assert_eq!(at(&keep, "DocumentTitle").unwrap(), "Letter about Xyzzyqua");
    let strict = clean_by(
        &profile(r#", "unlisted": "remove""#, ""),
        DataSet::from_elements(elements()),
    )
    .unwrap();
    assert_eq!(
        (
            at(&strict, "Manufacturer"),
            at(&strict, "SequenceName"),
            at(&strict, "RepetitionTime")
        ),
        (None, None, some("500"))
    );
}

#[test]
fn a_name_where_a_number_should_be_does_not_stay() {
    let elements = vec![
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        raw(0x0018, 0x0050, VR::DS, "Xyzzyqua"),
        raw(0x0018, 0x0088, VR::DS, "-1.5e+02\\ 3 "),
        raw(0x0020, 0x0011, VR::IS, "Anna 3"),
        text("SeriesDate", "Xyzzyqua"),
    ];
    let data = clean(&["retain-full-dates"], elements);
    let found = [
        "SliceThickness",
        "SpacingBetweenSlices",
        "SeriesNumber",
        "SeriesDate",
    ]
    .map(|path| at(&data, path).unwrap());
    assert_eq!(found, ["", "-1.5e+02\\ 3", "", ""]);
}

#[test]
fn documents_are_refused_emptied_or_kept() {
    let elements = || {
        DataSet::from_elements(vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            raw(0x0042, 0x0011, VR::OB, "%PDF"),
        ])
    };
    let refused = clean_by(&profile("", ""), elements()).unwrap_err();
    assert_eq!(refused.kind, DeidErrorKind::Document);
    let emptied = clean_by(&profile(r#", "encapsulated": "remove""#, ""), elements()).unwrap();
    assert_eq!(
        emptied
            .get(Tag(0x0042, 0x0011))
            .unwrap()
            .bytes()
            .unwrap()
            .as_ref(),
        [0, 0]
    );
    let kept = clean_by(&profile(r#", "encapsulated": "keep""#, ""), elements()).unwrap();
    assert_eq!(at(&kept, "EncapsulatedDocument").unwrap(), "%PDF");
    assert_eq!(
        at(&kept, "DeidentificationMethodCodeSequence"),
        None,
        "a document that stayed is no Basic Profile"
    );
}

#[test]
fn overlays_are_removed_as_a_whole() {
    for bits in [1, 16] {
        let overlay = vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            Element::new(Tag(0x6000, 0x0010), VR::US, vec![2_u8, 0]),
            Element::new(Tag(0x6000, 0x0100), VR::US, vec![bits, 0]),
        ];
        let data = clean(&[], overlay);
        assert!(
            data.iter()
                .all(|element| element.tag.group() != 0x6000)
        );
    }
}

#[test]
fn an_envelope_that_a_file_came_with_goes_unless_it_is_named() {
    let envelope = || {
        let content = DataSet::from_elements(vec![Element::new(
            Tag(0x0400, 0x0520),
            VR::OB,
            b"Quellhorst".to_vec(),
        )]);
        let envelope = |items| Element::sequence(Tag(0x0400, 0x0500), items, LITTLE);
        let deeper = DataSet::from_elements(vec![envelope(vec![content.clone()])]);
        let nested = Element::sequence(Tag(0x0008, 0x1140), vec![deeper], LITTLE);
        DataSet::from_elements(vec![
            text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
            nested,
            envelope(vec![content]),
        ])
    };
    for unlisted in ["", r#", "unlisted": "remove""#, r#", "unlisted": "keep""#] {
        let data = clean_by(&profile(unlisted, ""), envelope()).unwrap();
        assert!(
            data.get(Tag(0x0400, 0x0500))
                .is_none()
        );
        let nested = data
            .get(Tag(0x0008, 0x1140))
            .and_then(Element::items);
        assert!(nested.is_none_or(|nested| {
            nested.items[0]
                .data
                .get(Tag(0x0400, 0x0500))
                .is_none()
        }));
    }
    let named = r#", "fields": [{"name": "EncryptedAttributesSequence", "keep": true}]"#;
    assert!(
        clean_by(&profile("", named), envelope())
            .unwrap()
            .get(Tag(0x0400, 0x0500))
            .is_some()
    );
}

#[test]
fn without_a_pseudonym_key_there_is_no_cleaner() {
    let cleaner = Cleaner::new(&with_options(&[]), None, Limits::default());
    assert_eq!(cleaner.err(), Some(MissingKey));
}

#[test]
fn a_choice_of_actions_follows_the_iod() {
    let of = |class: &str| {
        let mut elements = person();
        elements
            .iter_mut()
            .filter(|element| element.tag == Tag(0x0008, 0x0016))
            .for_each(|element| *element = text("SOPClassUID", class));
        elements.insert(3, text("SeriesDate", "20040119"));
        elements.insert(4, text("ContentDate", "20040119"));
        clean(&[], elements)
    };
    let ct = of("1.2.840.10008.5.1.4.1.1.2");
    assert_eq!(
        (at(&ct, "SeriesDate"), at(&ct, "ContentDate")),
        (None, Some(String::new())),
        "Types 3 and 2C"
    );
    let report = of("1.2.840.10008.5.1.4.1.1.88.22");
    assert!(
        at(&report, "ContentDate").is_some_and(|date| date != "20040119" && date.len() == 8),
        "Type 1"
    );
}
