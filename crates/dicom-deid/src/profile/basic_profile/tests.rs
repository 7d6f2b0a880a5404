//! What is read, what is refused and how, what the digest sees, and what is decided of which
//! attribute.

use dicom_core::Tag;
use dicom_core::VR;

use super::*;
use crate::profile::{Document, Language, Profile};
use crate::standard::confidentiality::ActionCode;
use crate::standard::confidentiality::ConfidentialityOption as O;
use crate::standard::{IdentifyingRole, tag_of_keyword, vr};

fn toml(text: &str) -> Result<Profile, String> {
    let read = Document::parse(text, Language::Toml, "p.toml", "p")
        .and_then(|document| document.profile());
    read.map_err(|error| {
        format!(
            "{} | {}",
            error.what,
            error
                .remedy
                .as_deref()
                .unwrap_or_default()
        )
    })
}

/// Where the position is hint enough.
const NO_HINT: &str = "";

/// The section on confidentiality with these lines, and what else stands in the document.
fn section(lines: &str, more: &str) -> String {
    format!("[dicom.confidentiality]\nprofile = \"basic\"\n{lines}\n{more}")
}

fn asked(lines: &str, more: &str) -> Confidentiality {
    toml(&section(lines, more))
        .unwrap()
        .dicom
        .confidentiality
        .unwrap()
}

#[track_caller]
fn refused(text: &str, message: &str, hint: &str) {
    assert_eq!(
        toml(text).unwrap_err(),
        format!("profile p.toml:{message} | {hint}"),
        "{text}"
    );
}

#[test]
fn every_setting_is_read_and_has_its_default() {
    assert_eq!(asked("", ""), Confidentiality::default());
    let lines = "options = [\"clean-descriptors\", \"retain-modified-dates\"]\nunlisted \
        = \"remove\"\nencapsulated = \"keep\"\nedition = \"2026d\"";
    let more = "[dicom.dates]\ndays = -17\nunparseable = \"remove\"\n[dicom.pseudonyms]\nprefix \
        = \"SITE.1_\"\nwidth = 20";
    let read = asked(lines, more);
    assert_eq!(
        read.options
            .iter()
            .collect::<Vec<_>>(),
        [O::RetainModifiedDates, O::CleanDescriptors]
    );
    assert_eq!(
        (read.unlisted, read.encapsulated),
        (Unlisted::Remove, Encapsulated::Keep)
    );
    assert_eq!(
        (read.shift, read.unparseable),
        (DateShift::Days(-17), Unparseable::Remove)
    );
    assert_eq!(
        read.pseudonyms,
        Pseudonyms {
            prefix: "SITE.1_".to_owned(),
            width: 20
        }
    );
    let residual = toml("[dicom.residual]\non-leak = \"warn\"\nmin-length = 6")
        .unwrap()
        .dicom;
    assert_eq!(
        residual.residual,
        ResidualRule {
            on_leak: OnLeak::Warn,
            min_length: 6
        }
    );
    assert_eq!(
        residual.confidentiality, None,
        "the check is for every profile"
    );
    for option in O::ALL {
        assert!(
            asked(&format!("options = [\"{}\"]", option.slug()), "")
                .options
                .has(option)
        );
    }
}

#[test]
fn the_section_itself_is_checked() {
    let text = "put it in quotes";
    refused(
        "[dicom]\nconfidentiality = 1",
        "2:19: `confidentiality` must be a section of keys and values, not a number",
        NO_HINT,
    );
    refused(
        "[dicom.confidentiality]\nunlisted = \"keep\"",
        "1:1: `confidentiality` needs `profile = \"basic\"`",
        NO_HINT,
    );
    refused(
        "[dicom.confidentiality]\nprofile = \"strict\"",
        "2:11: `profile` must be `basic`: the standard has no other",
        NO_HINT,
    );
    refused(
        "[dicom.confidentiality]\nprofile = 1",
        "2:11: `profile` must be text, not a number",
        text,
    );
    refused(
        &section("unlistd = 1", ""),
        "3:1: unknown key `unlistd`",
        "did you mean `unlisted`?",
    );
    refused(
        &section("unlisted = \"drop\"", ""),
        "3:12: `unlisted` must be `keep-known-safe` or `keep` or `remove`",
        NO_HINT,
    );
    refused(
        &section("encapsulated = \"pass\"", ""),
        "3:16: `encapsulated` must be `refuse` or `remove` or `keep`",
        NO_HINT,
    );
    refused(
        &section("edition = \"2024b\"", ""),
        "3:11: the tables that are built in are those of edition 2026d",
        "look at what changed, then write `edition = \"2026d\"`",
    );
}

#[test]
fn options_are_checked_one_by_one() {
    refused(
        &section("options = \"retain-uids\"", ""),
        "3:11: `options` must be a list, not text",
        NO_HINT,
    );
    refused(
        &section("options = [1]", ""),
        "3:12: `an option` must be text, not a number",
        "put it in quotes",
    );
    refused(
        &section("options = [\"retain-uids\", \"retain-uid\"]", ""),
        "3:27: there is no option `retain-uid`",
        "did you mean `retain-uids`?",
    );
    let said = toml(&section("options = [\"x\"]", "")).unwrap_err();
    assert!(
        said.contains("there is no option `x` | the options are retain-safe-private, retain-uids"),
        "{said}"
    );
    refused(
        &section("options = [\"retain-uids\", \"retain-uids\"]", ""),
        "3:27: the option `retain-uids` is there twice",
        NO_HINT,
    );
}

#[test]
fn options_that_conflict_are_refused() {
    let both = |other: &str| {
        section(
            &format!("options = [\"retain-modified-dates\", \"{other}\"]"),
            "",
        )
    };
    for (other, said) in [
        (
            "retain-full-dates",
            "`retain-full-dates` and `retain-modified-dates` exclude each other",
        ),
        (
            "retain-device-identity",
            "under `retain-device-identity` the standard keeps calibration dates that \
                `retain-modified-dates`",
        ),
    ] {
        let error = toml(&both(other)).unwrap_err();
        assert!(
            error.contains(said) && error.ends_with("| leave one of the two out"),
            "{error}"
        );
    }
    toml(&section(
        "options = [\"retain-full-dates\", \"retain-device-identity\"]",
        "",
    ))
    .unwrap();
}

#[test]
fn dates_are_checked() {
    let moving = |lines: &str| {
        section(
            "options = [\"retain-modified-dates\"]",
            &format!("[dicom.dates]\n{lines}"),
        )
    };
    refused(
        &moving("shift = \"weekly\""),
        "5:9: `shift` must be `per-patient`",
        "`days = -17` moves all dates alike",
    );
    refused(
        &moving("days = 0"),
        "5:8: `days` is 0, and dates would stay",
        NO_HINT,
    );
    refused(
        &moving("days = 54001"),
        "5:8: `days` moves dates by more than 54000 days",
        NO_HINT,
    );
    refused(
        &moving("days = 1.5"),
        "5:8: `days` takes a whole number, not a number",
        NO_HINT,
    );
    refused(
        &moving("unparseable = \"keep\""),
        "5:15: `unparseable` must be `by-type` or `fail` or `remove`",
        NO_HINT,
    );
    refused(
        &moving("day = 1"),
        "5:1: unknown key `day`",
        "did you mean `days`?",
    );
    let error = toml(&moving("shift = \"per-patient\"\ndays = 3")).unwrap_err();
    assert!(
        error.contains("`dates` has both `shift` and `days` | leave one of the two out"),
        "{error}"
    );
    for lines in ["shift = \"per-patient\"", "days = 3"] {
        let error = toml(&section("", &format!("[dicom.dates]\n{lines}"))).unwrap_err();
        assert!(
            error.ends_with("no option lets them | add the option `retain-modified-dates`"),
            "{error}"
        );
    }
    assert_eq!(
        asked("", "[dicom.dates]\nunparseable = \"remove\"").unparseable,
        Unparseable::Remove
    );
}

#[test]
fn pseudonyms_and_the_residual_check_are_checked() {
    let looks = |lines: &str| section("", &format!("[dicom.pseudonyms]\n{lines}"));
    let few =
        "`width` must be between 8 and 32: with fewer characters patients may share a pseudonym";
    for width in [7, 33] {
        let error = toml(&looks(&format!("width = {width}"))).unwrap_err();
        assert!(error.contains(few), "{error}");
    }
    refused(
        &looks("width = -1"),
        "5:9: `width` must be a whole number of 0 or more",
        NO_HINT,
    );
    for prefix in ["A B", "A^B", "12345678901234567", "é"] {
        refused(
            &looks(&format!("prefix = \"{prefix}\"")),
            "5:10: `prefix` takes up to 16 letters, digits and `-`, `_`, `.`",
            NO_HINT,
        );
    }
    refused(
        &looks("prefx = \"P\""),
        "5:1: unknown key `prefx`",
        "did you mean `prefix`?",
    );
    refused(
        "[dicom.residual]\non-leak = \"pass\"",
        "2:11: `on-leak` must be `fail` or `warn`",
        NO_HINT,
    );
    refused(
        "[dicom.residual]\non-leaks = \"fail\"",
        "2:1: unknown key `on-leaks`",
        "did you mean `on-leak`?",
    );
    for length in [1, 65] {
        let error = toml(&format!("[dicom.residual]\nmin-length = {length}")).unwrap_err();
        assert!(
            error.contains("`min-length` must be between 2 and 64"),
            "{error}"
        );
    }
}

#[test]
fn a_section_that_would_mean_nothing_is_refused() {
    let hint = "add `[dicom.confidentiality]` with `profile = \"basic\"`, or take the section out";
    for key in ["dates", "pseudonyms"] {
        refused(
            &format!("[dicom.{key}]\n"),
            &format!("1:8: `{key}` has no meaning without a section `confidentiality`"),
            hint,
        );
    }
}

#[test]
fn the_digest_sees_every_setting_and_nothing_else() {
    let digest = |lines: &str, more: &str| {
        toml(&format!("name = \"p\"\n{}", section(lines, more)))
            .unwrap()
            .digest()
    };
    let plain = digest("", "");
    let moved = "options = [\"retain-modified-dates\"]";
    let changed = [
        digest("options = [\"retain-uids\"]", ""),
        digest("unlisted = \"keep\"", ""),
        digest("encapsulated = \"remove\"", ""),
        digest(moved, ""),
        digest(moved, "[dicom.dates]\ndays = -17"),
        digest(moved, "[dicom.dates]\ndays = -18"),
        digest(moved, "[dicom.dates]\nunparseable = \"remove\""),
        digest("", "[dicom.pseudonyms]\nprefix = \"X\""),
        digest("", "[dicom.pseudonyms]\nwidth = 13"),
        digest("", "[dicom.residual]\non-leak = \"warn\""),
        digest("", "[dicom.residual]\nmin-length = 5"),
        toml("name = \"p\"\n[dicom]\nfields = []")
            .unwrap()
            .digest(),
    ];
    let all: std::collections::BTreeSet<&String> = changed
        .iter()
        .chain([&plain])
        .collect();
    assert_eq!(all.len(), changed.len() + 1);
    let options = |list: &str| digest(&format!("options = [{list}]"), "");
    assert_eq!(
        options("\"retain-uids\", \"clean-graphics\""),
        options("\"clean-graphics\", \"retain-uids\"")
    );
    assert_eq!(
        digest(
            "edition = \"2026d\"\nunlisted = \"keep-known-safe\"\noptions = []",
            ""
        ),
        plain,
        "defaults, spelled out"
    );
    let described = toml(&format!(
        "name = \"p\"\ndescription = \"d\"\n{}",
        section("", "")
    ))
    .unwrap();
    assert_eq!(described.digest(), plain);
}

/// What is decided of an attribute under options, by the VR of the dictionary.
fn decided(options: &[O], unlisted: Unlisted, keyword: &str) -> (&'static str, DecisionSource) {
    let options = options
        .iter()
        .fold(Options::default(), |all, option| all.with(*option));
    let asked = Confidentiality {
        options,
        unlisted,
        ..Confidentiality::default()
    };
    let tag = tag_of_keyword(keyword).unwrap();
    let decision = asked.decide(tag, vr(tag).unwrap());
    (decision.code.as_str(), decision.source)
}

#[test]
fn the_table_decides_and_options_go_before_it() {
    let safe = Unlisted::KeepKnownSafe;
    for (options, keyword, code, why) in [
        (&[][..], "PatientName", "Z", DecisionSource::Table),
        (&[], "PatientID", "Z/D", DecisionSource::Table),
        (&[], "SOPInstanceUID", "U", DecisionSource::Table),
        (
            &[],
            "ReferencedImageSequence",
            "X/Z/U*",
            DecisionSource::Table,
        ),
        (
            &[O::RetainUids],
            "SOPInstanceUID",
            "K",
            DecisionSource::Option(O::RetainUids),
        ),
        (&[O::RetainUids], "PatientName", "Z", DecisionSource::Table),
        (
            &[O::RetainPatientCharacteristics],
            "PatientAge",
            "K",
            DecisionSource::Option(O::RetainPatientCharacteristics),
        ),
        (
            &[O::RetainPatientCharacteristics],
            "Allergies",
            "C",
            DecisionSource::Option(O::RetainPatientCharacteristics),
        ),
        (
            &[O::RetainFullDates],
            "StudyDate",
            "K",
            DecisionSource::Option(O::RetainFullDates),
        ),
        (
            &[O::RetainModifiedDates],
            "StudyDate",
            "C",
            DecisionSource::Option(O::RetainModifiedDates),
        ),
        (
            &[O::RetainModifiedDates],
            "PatientBirthDate",
            "Z",
            DecisionSource::Table,
        ),
        (
            &[O::RetainInstitutionIdentity],
            "InstitutionName",
            "K",
            DecisionSource::Option(O::RetainInstitutionIdentity),
        ),
        (
            &[O::CleanDescriptors],
            "StudyDescription",
            "C",
            DecisionSource::Option(O::CleanDescriptors),
        ),
        (
            &[O::CleanStructuredContent],
            "ContentSequence",
            "C",
            DecisionSource::Option(O::CleanStructuredContent),
        ),
        (
            &[O::CleanGraphics],
            "GraphicAnnotationSequence",
            "C",
            DecisionSource::Option(O::CleanGraphics),
        ),
        // Of one option that keeps and one that cleans, the one that cleans.
        (
            &[O::RetainDeviceIdentity, O::CleanDescriptors],
            "StationName",
            "K",
            DecisionSource::Option(O::RetainDeviceIdentity),
        ),
    ] {
        assert_eq!(
            decided(options, safe, keyword),
            (code, why),
            "{keyword} under {options:?}"
        );
    }
}

#[test]
fn where_one_option_keeps_and_another_cleans_it_is_cleaned() {
    let mut met = 0;
    for row in crate::standard::confidentiality::attributes() {
        for (keep, clean) in O::ALL
            .iter()
            .flat_map(|a| O::ALL.iter().map(move |b| (*a, *b)))
        {
            if row.under(keep) == Some(ActionCode::Keep)
                && row.under(clean) == Some(ActionCode::Clean)
            {
                let asked = Confidentiality {
                    options: Options::default()
                        .with(keep)
                        .with(clean),
                    ..Confidentiality::default()
                };
                let tag = row.tag().unwrap();
                let decision = asked.decide(tag, vr(tag).unwrap_or(VR::UN));
                assert_eq!(
                    (decision.code, decision.source),
                    (ActionCode::Clean, DecisionSource::Option(clean)),
                    "{}",
                    row.name
                );
                met += 1;
            }
        }
    }
    assert!(met > 150, "full with modified dates alone are 169");
}

#[test]
fn what_the_table_does_not_list_is_decided_by_role() {
    use DecisionSource as S;
    use IdentifyingRole as R;
    let (safe, strict) = (Unlisted::KeepKnownSafe, Unlisted::Remove);
    for (unlisted, options, keyword, code, why) in [
        (
            safe,
            &[][..],
            "PatientBirthDateInAlternativeCalendar",
            "X",
            S::Role(R::Identity),
        ),
        (
            safe,
            &[],
            "MultiFrameSourceSOPInstanceUID",
            "U",
            S::Role(R::Uid),
        ),
        (
            safe,
            &[O::RetainUids],
            "MultiFrameSourceSOPInstanceUID",
            "K",
            S::Role(R::Uid),
        ),
        (safe, &[], "ManufacturerModelName", "K", S::Role(R::Product)),
        (
            strict,
            &[],
            "ManufacturerModelName",
            "X",
            S::Role(R::Product),
        ),
        (safe, &[], "CodeMeaning", "C", S::Role(R::Text)),
        (strict, &[], "CodeMeaning", "C", S::Role(R::Text)),
        (safe, &[], "SegmentLabel", "C", S::Role(R::Text)),
        (strict, &[], "SegmentLabel", "X", S::Role(R::Text)),
        (safe, &[], "ExpiryDate", "X", S::Role(R::Time)),
        (
            safe,
            &[O::RetainFullDates],
            "ExpiryDate",
            "K",
            S::Role(R::Time),
        ),
        (safe, &[], "Rows", "K", S::Vr),
        (strict, &[], "Rows", "K", S::Vr),
        (strict, &[], "PixelData", "K", S::Vr),
        (safe, &[], "SOPClassUID", "K", S::Vr),
        (strict, &[], "Modality", "K", S::Vr),
        (
            Unlisted::Keep,
            &[],
            "PatientBirthDateInAlternativeCalendar",
            "K",
            S::Vr,
        ),
        (strict, &[], "SpecificCharacterSet", "K", S::Structure),
        (safe, &[], "DeidentificationMethod", "K", S::Structure),
        (strict, &[], "DeidentificationMethod", "X", S::Vr),
        (strict, &[], "ConvolutionKernel", "X", S::Vr),
        (safe, &[], "ConvolutionKernel", "K", S::Vr),
        (strict, &[], "CodeValue", "K", S::Vr),
        (safe, &[], "TrackingID", "D", S::Role(R::Identity)),
        (
            safe,
            &[],
            "IssuerOfAccessionNumberSequence",
            "X",
            S::Role(R::Identity),
        ),
    ] {
        assert_eq!(
            decided(options, unlisted, keyword),
            (code, why),
            "{keyword} under {options:?}, {unlisted:?}"
        );
    }
}

#[test]
fn private_and_unknown_elements_go() {
    let mut asked = Confidentiality::default();
    for unlisted in [Unlisted::KeepKnownSafe, Unlisted::Keep, Unlisted::Remove] {
        asked.unlisted = unlisted;
        let private = asked.decide(Tag(0x0019, 0x100C), VR::IS);
        assert_eq!(
            (private.code, private.source),
            (ActionCode::Remove, DecisionSource::Table),
            "{unlisted:?}"
        );
    }
    asked.options = asked
        .options
        .with(O::RetainSafePrivate);
    assert_eq!(
        asked
            .decide(Tag(0x0019, 0x100C), VR::IS)
            .code,
        ActionCode::Clean
    );
    asked.unlisted = Unlisted::KeepKnownSafe;
    assert_eq!(
        asked
            .decide(Tag(0x0018, 0xFFF0), VR::US)
            .code,
        ActionCode::Remove,
        "the dictionary does not know it"
    );
    assert_eq!(
        asked
            .decide(Tag(0x0028, 0x0010), VR::UN)
            .code,
        ActionCode::Remove,
        "its VR is lost"
    );
}
