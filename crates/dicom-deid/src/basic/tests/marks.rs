//! What outputs say of themselves, for every combination of options.

use super::*;
use crate::profile::Profile;
use crate::standard::confidentiality::ConfidentialityOption as O;

fn codes(data: &DataSet) -> Vec<String> {
    let sequence = data
        .get(Tag(0x0012, 0x0064))
        .and_then(Element::items);
    sequence
        .into_iter()
        .flat_map(|sequence| &sequence.items)
        .map(|item| at(&item.data, "CodeValue").unwrap())
        .collect()
}

fn instance() -> Vec<Element> {
    vec![
        text("SOPInstanceUID", "1.2.3.4.5.6.7.1"),
        text("PatientID", "PAT-0042"),
        text("PatientBirthDate", "19500101"),
    ]
}

fn is_refused(options: &[O]) -> bool {
    options.contains(&O::RetainModifiedDates)
        && (options.contains(&O::RetainFullDates) || options.contains(&O::RetainDeviceIdentity))
}

/// The codes of CID 7050 as the standard prints them.
fn expected(option: O) -> &'static str {
    match option {
        O::CleanPixelData => "113101",
        O::CleanGraphics => "113103",
        O::CleanStructuredContent => "113104",
        O::CleanDescriptors => "113105",
        O::RetainFullDates => "113106",
        O::RetainModifiedDates => "113107",
        O::RetainPatientCharacteristics => "113108",
        O::RetainDeviceIdentity => "113109",
        O::RetainUids => "113110",
        O::RetainSafePrivate => "113111",
        O::RetainInstitutionIdentity => "113112",
    }
}

#[test]
fn every_combination_of_options_claims_exactly_itself() {
    let mut seen = 0;
    for set in 0..1_u32 << O::ALL.len() {
        let options: Vec<O> = O::ALL
            .into_iter()
            .filter(|option| set & 1 << *option as u32 != 0 && *option != O::CleanPixelData)
            .collect();
        if is_refused(&options) || set & 1 << O::CleanPixelData as u32 != 0 {
            continue;
        }
        let slugs: Vec<&str> = options
            .iter()
            .map(|option| option.slug())
            .collect();
        let data = clean(&slugs, instance());
        let claimed: Vec<&str> = ["113100"]
            .into_iter()
            .chain(
                options
                    .iter()
                    .map(|option| expected(*option)),
            )
            .collect();
        assert_eq!(codes(&data), claimed);
        let temporal = match (
            options.contains(&O::RetainFullDates),
            options.contains(&O::RetainModifiedDates),
        ) {
            (true, _) => "UNMODIFIED",
            (_, true) => "MODIFIED",
            _ => "REMOVED",
        };
        assert_eq!(
            at(&data, "LongitudinalTemporalInformationModified").unwrap(),
            temporal
        );
        assert_eq!(at(&data, "PatientIdentityRemoved").unwrap(), "YES");
        assert!(
            at(&data, "DeidentificationMethod")
                .unwrap()
                .split('\\')
                .all(|value| value.len() <= 64)
        );
        assert_eq!(at(&data, "BurnedInAnnotation"), None);
        seen += 1;
    }
    assert_eq!(seen, 1024 - 256 - 128);
}

#[test]
fn earlier_marks_stay_and_none_is_repeated() {
    let earlier = vec![
        text("CodeValue", "113100"),
        text("CodingSchemeDesignator", "DCM"),
        text("CodeMeaning", "Basic Application Confidentiality Profile"),
    ];
    let mut elements = instance();
    elements.extend([
        text("PatientIdentityRemoved", "NO"),
        text("DeidentificationMethod", "by hand"),
        sequence("DeidentificationMethodCodeSequence", vec![earlier]),
    ]);
    let once = clean(&["clean-descriptors"], elements);
    assert!(
        at(&once, "DeidentificationMethod")
            .unwrap()
            .starts_with("by hand\\FWUPLOAD_")
    );
    assert_eq!(codes(&once), ["113100", "113105"]);
    assert_eq!(at(&once, "PatientIdentityRemoved").unwrap(), "YES");
    let twice = clean_by(&with_options(&["clean-descriptors"]), once.clone()).unwrap();
    for path in [
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
        "ContributingEquipmentSequence",
    ] {
        assert_eq!(at(&twice, path), at(&once, path), "{path}");
    }
    assert_eq!(
        at(
            &once,
            "ContributingEquipmentSequence.PurposeOfReferenceCodeSequence.CodeValue"
        )
        .unwrap(),
        "109104"
    );
}

#[test]
fn a_date_that_a_field_moves_is_not_said_to_be_removed() {
    let moving = profile(
        "",
        r#", "date-increment": -17, "fields": [{"name": "StudyDate", "increment-date": true}]"#,
    );
    let mut elements = instance();
    elements.insert(1, text("StudyDate", "20040119"));
    let data = clean_by(&moving, DataSet::from_elements(elements)).unwrap();
    assert_eq!(at(&data, "StudyDate").unwrap(), "20040102");
    assert_eq!(
        (
            codes(&data),
            at(&data, "LongitudinalTemporalInformationModified")
        ),
        (Vec::new(), None)
    );
}

#[test]
fn with_an_exception_the_basic_profile_is_not_claimed() {
    let keeping: Profile = profile(
        "",
        r#", "fields": [{"name": "PatientBirthDate", "keep": true}]"#,
    );
    let data = clean_by(&keeping, DataSet::from_elements(instance())).unwrap();
    assert!(codes(&data).is_empty());
    assert!(
        at(&data, "DeidentificationMethod")
            .unwrap()
            .contains("exceptions")
    );
    let mut without = instance();
    without.retain(|element| element.tag != Tag(0x0010, 0x0030));
    assert_eq!(
        codes(&clean_by(&keeping, DataSet::from_elements(without)).unwrap()),
        ["113100"],
        "there was nothing to keep"
    );
}
