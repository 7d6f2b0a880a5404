//! What rules address: private elements, paths by regular expression, repeating groups, and what
//! none addresses.

use super::*;

#[test]
fn private_elements_are_found_by_their_creator() {
    let before = || {
        vec![
            text(Tag(9, 0x10), VR::LO, "OTHER"),
            text(Tag(9, 0x11), VR::LO, "ACME"),
            text(Tag(9, 0x1001), VR::LO, "a"),
            text(Tag(9, 0x1101), VR::LO, "PAT-0042"),
        ]
    };
    let result = cleaned(
        "{fields: [{name: '(0009, \"ACME\", 01)', hash: true}]}",
        before(),
    );
    assert!(
        result.ends_with("(0009,1001) LO [a]\n(0009,1101) LO [a0f7295c61144f61]\n"),
        "{result}"
    );
    let kept = cleaned(
        "{remove-private-tags: true, fields: [{name: '(0009, \"ACME\", 01)', keep: true}]}",
        before(),
    );
    assert_eq!(kept, "(0009,0011) LO [ACME]\n(0009,1101) LO [PAT-0042]\n");
    let wrong_case = "{fields: [{name: '(0009, \"acme\", 01)', replace-with: x}]}";
    assert_eq!(
        clean(wrong_case, before())
            .unwrap_err()
            .kind,
        DeidErrorKind::Rule
    );
    let known = "{fields: [{name: '(7053, \"Philips PET Private Group\", 00)', replace-with: 1}]}";
    assert_eq!(
        cleaned(known, vec![]),
        "(7053,0010) LO [Philips PET Private Group]\n(7053,1000) DS [1.0]\n"
    );
    let number = clean("{fields: [{name: '00091001', replace-with: x}]}", vec![]).unwrap_err();
    assert_eq!(number.kind, DeidErrorKind::Rule);
}

#[test]
fn regular_expressions_match_paths_in_both_forms() {
    let before = || {
        vec![
            named("PatientID", "PAT-0042"),
            sequence(
                "RequestAttributesSequence",
                vec![vec![named("AccessionNumber", "A")]],
            ),
        ]
    };
    let twice = cleaned(
        "{fields: [{regex: '^(PatientID|00100020)$', hash: true}]}",
        before(),
    );
    assert!(
        twice.starts_with("PatientID LO [9eb4d76c4025c98c]\n"),
        "{twice}"
    );
    assert_eq!(
        clean("{fields: [{regex: Accession, remove: true}]}", before()).unwrap(),
        DataSet::from_elements(before())
    );
    let nested = cleaned(
        "{fields: [{regex: '.*Accession', remove: true}, {regex: '.*Patient', remove: true}]}",
        before(),
    );
    assert_eq!(nested, "RequestAttributesSequence SQ\n  -\n");
    let family = cleaned(
        "{fields: [{regex: 'Request', remove: true}, {regex: 'x', replace-with: y}]}",
        before(),
    );
    assert_eq!(family, "PatientID LO [PAT-0042]\n");
    let on_sequence = clean(
        "{fields: [{regex: 'Request.*Sequence$', replace-with: y}]}",
        before(),
    )
    .unwrap_err();
    assert_eq!(on_sequence.kind, DeidErrorKind::Target);
}

#[test]
fn repeaters_reach_all_their_groups() {
    let before = [0x6000, 0x6001, 0x6002, 0x6100]
        .map(|group| Element::new(Tag(group, 0x3000), VR::OW, vec![0_u8; 2]))
        .to_vec();
    assert_eq!(
        cleaned("{fields: [{name: 60XX3000, remove: true}]}", before)
            .lines()
            .count(),
        1
    );
}

#[test]
fn undefined_elements_are_removed() {
    let before = vec![
        named("StudyID", "gone"),
        named("PatientID", "P"),
        sequence(
            "OtherPatientIDsSequence",
            vec![vec![
                named("PatientID", "a"),
                named("IssuerOfPatientID", "b"),
            ]],
        ),
        sequence(
            "RequestAttributesSequence",
            vec![vec![named("AccessionNumber", "A")]],
        ),
    ];
    let fields = "{remove-undefined: true, fields: [{name: PatientID}, {name: OtherPatientIDsSequence.*.PatientID, hash: true}, {name: RequestAttributesSequence}]}";
    assert_eq!(
        cleaned(fields, before),
        "PatientID LO [P]\nOtherPatientIDsSequence SQ\n  -\n    PatientID LO \
            [ca978112ca1bbdca]\nRequestAttributesSequence SQ\n  -\n"
    );
    // A path by indices keeps the sequences on its way, one with a wildcard only what it leads to.
    for (path, kept) in [("0", "RequestAttributesSequence SQ\n  -\n"), ("*", "")] {
        let fields = format!(
            "{{remove-undefined: true, fields: [{{name: \
                RequestAttributesSequence.{path}.StudyInstanceUID}}]}}"
        );
        let before = vec![sequence(
            "RequestAttributesSequence",
            vec![vec![named("AccessionNumber", "A")]],
        )];
        assert_eq!(cleaned(&fields, before), kept);
    }
}
