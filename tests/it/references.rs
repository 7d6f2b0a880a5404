//! Whether what belonged together before cleaning belongs together after it: references between
//! files, intervals between dates, and the same answers for the same key in whatever order and on
//! whatever machine.
//!
//! The files are cleaned through the library and read back by dicom-object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use dicom_core::dictionary::DataDictionaryEntry;
use dicom_core::{DataDictionary, Tag, VR};
use dicom_deid::Cleaner;
use dicom_deid::PseudonymKey;
use dicom_deid::profile::{Profile, builtin_names, load};
use dicom_deid::standard::is_registered_uid;
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_lossless::{Limits, Source, SourceFile, read};
use dicom_object::{DefaultDicomObject, InMemDicomObject};

use crate::fixture::UID_ROOT;
use crate::linked_study::files;
use crate::run::Place;

/// Attributes that Table E.1-1 removes or empties with whatever they refer to, unless UIDs are
/// retained.
const REMOVED_BY_THE_TABLE: [&str; 3] = [
    "ReferencedStudySequence",
    "ReferencedPerformedProcedureStepSequence",
    "RequestAttributesSequence",
];
/// Values of content items: without the option that cleans them content is a dummy, of which the
/// table asks no more.
const REMOVED_WITH_CONTENT: &str = "UID";

/// Files by name.
type Files = Vec<(String, Vec<u8>)>;
/// The values of an element, by the keywords of the elements that lead to it; items are not told
/// apart, but keep their order.
type Values = BTreeMap<Vec<String>, Vec<String>>;

fn key(byte: u8) -> PseudonymKey {
    PseudonymKey::from_bytes(&[byte; 32]).unwrap()
}

/// A profile of the table and some options.
fn profile(options: &[&str]) -> Profile {
    from_toml(&format!(
        "[dicom.confidentiality]\nprofile = \"basic\"\noptions = {options:?}\n"
    ))
}

fn from_toml(text: &str) -> Profile {
    let place = Place::with([("profile.toml", text)]);
    load(
        place
            .path("profile.toml")
            .to_str()
            .unwrap(),
    )
    .unwrap()
}

/// The profiles to try, by what they are called: combinations of options, and each that comes with
/// the program.
fn profiles() -> Vec<(String, Profile)> {
    let chosen: [&[&str]; 6] = [
        &[],
        &["clean-structured-content"],
        &["retain-modified-dates"],
        &["retain-device-identity", "clean-descriptors"],
        &["retain-uids"],
        &[
            "clean-structured-content",
            "clean-graphics",
            "clean-descriptors",
            "retain-safe-private",
            "retain-modified-dates",
        ],
    ];
    let shipped = builtin_names().map(|name| (name.to_owned(), load(name).unwrap()));
    let shipped = shipped.filter(|(_, profile)| profile.needs_key());
    chosen
        .into_iter()
        .map(|options| (format!("{options:?}"), profile(options)))
        .chain(shipped)
        .collect()
}

/// The files cleaned, by a cleaner and in a thread of their own, in the order that they are given
/// in.
fn cleaned(profile: &Profile, key: &PseudonymKey, files: &Files) -> Files {
    let place = Place::with(
        files
            .iter()
            .map(|(name, bytes)| (name, bytes)),
    );
    let cleaner = Cleaner::new(profile, Some(key.clone()), Limits::default()).unwrap();
    let one = |name: &String| {
        let file = Arc::new(SourceFile::new(place.path(name)).unwrap());
        let instance = read(Source::File(file), &Limits::default()).unwrap();
        let clean = cleaner
            .deidentify(instance, name)
            .unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        (name.clone(), clean.body().to_vec().unwrap())
    };
    std::thread::scope(|scope| {
        scope
            .spawn(|| {
                files
                    .iter()
                    .map(|(name, _)| one(name))
                    .collect()
            })
            .join()
            .unwrap()
    })
}

fn study() -> Files {
    files()
        .into_iter()
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .collect()
}

fn sorted(mut files: Files) -> Files {
    files.sort();
    files
}

fn opened(files: &Files) -> Vec<DefaultDicomObject> {
    files
        .iter()
        .map(|(_, bytes)| dicom_object::from_reader(&bytes[..]).unwrap())
        .collect()
}

/// The values of these VRs, at every depth.
fn values(object: &InMemDicomObject, vrs: &[VR]) -> Values {
    let mut found = Values::new();
    collect(object, vrs, &mut Vec::new(), &mut found);
    found
}

fn collect(object: &InMemDicomObject, vrs: &[VR], at: &mut Vec<String>, found: &mut Values) {
    for element in object {
        at.push(keyword(element.header().tag));
        if vrs.contains(&element.header().vr()) {
            let texts = element.to_multi_str().unwrap();
            let texts = texts.iter().map(|text| {
                text.trim_end_matches([' ', '\0'])
                    .to_owned()
            });
            found
                .entry(at.clone())
                .or_default()
                .extend(texts.filter(|text| !text.is_empty()));
        }
        for item in element
            .items()
            .into_iter()
            .flatten()
        {
            collect(item, vrs, at, found);
        }
        at.pop();
    }
}

fn keyword(tag: Tag) -> String {
    StandardDataDictionary
        .by_tag(tag)
        .map_or_else(|| tag.to_string(), |entry| entry.alias().to_owned())
}

/// What files say that they are or define: the UID of each instance, series, study, frame of
/// reference and so on, before and after.
fn identities(
    before: &[DefaultDicomObject],
    after: &[DefaultDicomObject],
) -> BTreeMap<String, String> {
    const DEFINING: [&[&str]; 7] = [
        &["SOPInstanceUID"],
        &["SeriesInstanceUID"],
        &["StudyInstanceUID"],
        &["FrameOfReferenceUID"],
        &["IrradiationEventUID"],
        &["DimensionOrganizationSequence", "DimensionOrganizationUID"],
        &["SegmentSequence", "TrackingUID"],
    ];
    let mut known = BTreeMap::new();
    for (before, after) in before.iter().zip(after) {
        let (before, after) = (values(before, &[VR::UI]), values(after, &[VR::UI]));
        for path in DEFINING.map(|path| {
            path.iter()
                .map(|part| (*part).to_owned())
                .collect::<Vec<_>>()
        }) {
            let Some(old) = before.get(&path) else {
                continue;
            };
            assert_eq!(
                old.len(),
                after[&path].len(),
                "{path:?} is there before and after"
            );
            for (old, new) in old.iter().zip(&after[&path]) {
                let earlier = known.insert(old.clone(), new.clone());
                assert!(
                    earlier.is_none_or(|earlier| earlier == *new),
                    "{path:?}: one thing, two new UIDs"
                );
            }
        }
    }
    let distinct: BTreeSet<_> = known.values().collect();
    assert_eq!(
        distinct.len(),
        known.len(),
        "two things must not become one"
    );
    known
}

/// Whether a reference may go, by the path to it.
fn may_go(path: &[String], profile: &Profile) -> bool {
    let options: Vec<&str> = profile
        .dicom
        .options()
        .map(dicom_deid::standard::ConfidentialityOption::slug)
        .collect();
    let by_table = path
        .iter()
        .any(|part| REMOVED_BY_THE_TABLE.contains(&part.as_str()));
    let with_content = path
        .last()
        .is_some_and(|last| last == REMOVED_WITH_CONTENT);
    by_table && !options.contains(&"retain-uids")
        || with_content && !options.contains(&"clean-structured-content")
}

/// How many references of the files still resolve after cleaning, and where one does not that
/// should.
fn references(
    before: &[DefaultDicomObject],
    after: &[DefaultDicomObject],
    profile: &Profile,
) -> (usize, Vec<String>) {
    let known = identities(before, after);
    let (mut resolved, mut broken) = (0, Vec::new());
    for (before, after) in before.iter().zip(after) {
        let (old, new) = (values(before, &[VR::UI]), values(after, &[VR::UI]));
        for (path, old) in old {
            let expected: Vec<&String> = old
                .iter()
                .filter_map(|uid| known.get(uid))
                .collect();
            let new: Vec<&String> = new
                .get(&path)
                .into_iter()
                .flatten()
                .filter(|uid| !is_registered_uid(uid))
                .collect();
            if new == expected {
                resolved += expected.len();
            } else if !new.is_empty() || !may_go(&path, profile) {
                broken.push(path.join("/"));
            }
        }
    }
    (resolved, broken)
}

#[test]
fn what_resolved_before_resolves_after() {
    let files = study();
    let before = opened(&files);
    for (name, profile) in profiles() {
        let (resolved, broken) = references(
            &before,
            &opened(&cleaned(&profile, &key(1), &files)),
            &profile,
        );
        assert!(broken.is_empty(), "{name}: {broken:?}");
        assert!(
            resolved > 100,
            "{name}: only {resolved} references were looked at"
        );
    }
}

#[test]
fn a_rule_that_breaks_references_is_noticed() {
    for rule in [
        r#"{ name = "ReferencedImageSequence.*.ReferencedSOPInstanceUID", hashuid = true }"#,
        r#"{ name = "DimensionIndexSequence", remove = true }"#,
    ] {
        let breaking = from_toml(&format!(
            "[dicom.confidentiality]\nprofile = \"basic\"\n[dicom]\nfields = [{rule}]\n"
        ));
        let files = study();
        let (_, broken) = references(
            &opened(&files),
            &opened(&cleaned(&breaking, &key(1), &files)),
            &breaking,
        );
        assert!(!broken.is_empty(), "{rule}");
    }
}

#[test]
fn every_kind_of_file_refers_to_another_one() {
    let kinds: [(&str, &[&str]); 9] = [
        (
            "ct-1",
            &[
                "ReferencedImageSequence/ReferencedSOPInstanceUID",
                "ReferencedStudySequence/ReferencedSOPInstanceUID",
            ],
        ),
        (
            "rtstruct",
            &[
                "ReferencedFrameOfReferenceSequence/FrameOfReferenceUID",
                "ReferencedFrameOfReferenceSequence/RTReferencedStudySequence/ReferencedSOPInstanceUID",
                "ReferencedFrameOfReferenceSequence/RTReferencedStudySequence/RTReferencedSeriesSequence/SeriesInstanceUID",
                "ReferencedFrameOfReferenceSequence/RTReferencedStudySequence/RTReferencedSeriesSequence/ContourImageSequence\
                 /ReferencedSOPInstanceUID",
                "StructureSetROISequence/ReferencedFrameOfReferenceUID",
                "ROIContourSequence/ContourSequence/ContourImageSequence/ReferencedSOPInstanceUID",
            ],
        ),
        (
            "rtplan",
            &[
                "ReferencedStructureSetSequence/ReferencedSOPInstanceUID",
                "FrameOfReferenceUID",
            ],
        ),
        (
            "seg",
            &[
                "ReferencedSeriesSequence/ReferencedInstanceSequence/ReferencedSOPInstanceUID",
                "SharedFunctionalGroupsSequence/DerivationImageSequence/SourceImageSequence/ReferencedSOPInstanceUID",
                "PerFrameFunctionalGroupsSequence/DerivationImageSequence/SourceImageSequence/ReferencedSOPInstanceUID",
                "DimensionIndexSequence/DimensionOrganizationUID",
            ],
        ),
        (
            "sr",
            &[
                "CurrentRequestedProcedureEvidenceSequence/StudyInstanceUID",
                "CurrentRequestedProcedureEvidenceSequence/ReferencedSeriesSequence/ReferencedSOPSequence/ReferencedSOPInstanceUID",
                "PredecessorDocumentsSequence/ReferencedSeriesSequence/ReferencedSOPSequence/ReferencedSOPInstanceUID",
                "ContentSequence/ContentSequence/ReferencedSOPSequence/ReferencedSOPInstanceUID",
                "ContentSequence/ContentSequence/ReferencedSOPSequence/ReferencedSOPSequence/ReferencedSOPInstanceUID",
                "ContentSequence/ContentSequence/ContentSequence/ReferencedSOPSequence/ReferencedSOPInstanceUID",
                "ContentSequence/ContentSequence/ReferencedFrameOfReferenceUID",
                "ContentSequence/ContentSequence/UID",
            ],
        ),
        (
            "ko",
            &["ContentSequence/ReferencedSOPSequence/ReferencedSOPInstanceUID"],
        ),
        (
            "pr",
            &[
                "ReferencedSeriesSequence/ReferencedImageSequence/ReferencedSOPInstanceUID",
                "GraphicAnnotationSequence/ReferencedImageSequence/ReferencedSOPInstanceUID",
                "DisplayedAreaSelectionSequence/ReferencedImageSequence/ReferencedSOPInstanceUID",
            ],
        ),
        (
            "enhanced",
            &[
                "PerFrameFunctionalGroupsSequence/ReferencedImageSequence/ReferencedSOPInstanceUID",
                "SourceImageEvidenceSequence/ReferencedSeriesSequence/SeriesInstanceUID",
                "SynchronizationFrameOfReferenceUID",
            ],
        ),
        ("stranger", &["FrameOfReferenceUID"]),
    ];
    let files = study();
    let objects = opened(&files);
    let known = identities(&objects, &objects);
    for (file, paths) in kinds {
        let at = files
            .iter()
            .position(|(name, _)| name == file)
            .unwrap();
        let found = values(&objects[at], &[VR::UI]);
        for path in paths {
            let path: Vec<String> = path
                .split('/')
                .map(str::to_owned)
                .collect();
            let uids = found
                .get(&path)
                .unwrap_or_else(|| panic!("{file}: {path:?}"));
            assert!(
                uids.iter()
                    .any(|uid| known.contains_key(uid)),
                "{file}: {path:?} resolves"
            );
        }
    }
}

#[test]
fn no_uid_of_the_study_is_left() {
    for (name, profile) in profiles()
        .into_iter()
        .filter(|(_, profile)| !retains_uids(profile))
    {
        for (file, bytes) in cleaned(&profile, &key(1), &study()) {
            let found = bytes
                .windows(UID_ROOT.len())
                .any(|window| window == UID_ROOT.as_bytes());
            assert!(!found, "{name}: {file}");
        }
    }
}

fn retains_uids(profile: &Profile) -> bool {
    profile
        .dicom
        .options()
        .any(|option| option.slug() == "retain-uids")
}

#[test]
fn a_uid_inside_a_text_that_stays_follows_its_instance() {
    let files = study();
    let after = cleaned(&profile(&["retain-device-identity"]), &key(1), &files);
    let known = identities(&opened(&files), &opened(&after));
    let serial = |object: &DefaultDicomObject| {
        object
            .element(tags::DEVICE_SERIAL_NUMBER)
            .unwrap()
            .to_str()
            .unwrap()
            .into_owned()
    };
    let (before, after) = (serial(&opened(&files)[1]), serial(&opened(&after)[1]));
    let old = before.strip_prefix("of ").unwrap();
    assert_eq!(after.trim_end(), format!("of {}", known[old]));
}

#[test]
fn file_meta_follows_the_data_set() {
    for (name, profile) in profiles() {
        for object in opened(&cleaned(&profile, &key(1), &study())) {
            let own = object
                .element(tags::SOP_INSTANCE_UID)
                .unwrap()
                .to_str()
                .unwrap()
                .trim_end_matches('\0')
                .to_owned();
            assert_eq!(
                object
                    .meta()
                    .media_storage_sop_instance_uid(),
                own,
                "{name}"
            );
        }
    }
}

#[test]
fn runs_shards_and_orders_agree_byte_for_byte() {
    let files = study();
    for (name, profile) in profiles() {
        let once = sorted(cleaned(&profile, &key(1), &files));
        assert!(
            once == sorted(cleaned(&profile, &key(1), &files)),
            "{name}: again"
        );
        let (front, back) = files.split_at(files.len() / 2);
        let shards = [front, back].map(|shard| cleaned(&profile, &key(1), &shard.to_vec()));
        assert!(once == sorted(shards.concat()), "{name}: in two shards");
        let reversed = files
            .iter()
            .rev()
            .cloned()
            .collect();
        assert!(
            once == sorted(cleaned(&profile, &key(1), &reversed)),
            "{name}: in the other order"
        );
    }
}

#[test]
fn another_key_shares_neither_uid_nor_pseudonym() {
    let files = study();
    let own = |object: &DefaultDicomObject, tags: &[Tag]| {
        let text = |tag: &Tag| {
            object
                .element(*tag)
                .unwrap()
                .to_str()
                .unwrap()
                .trim_end_matches([' ', '\0'])
                .to_owned()
        };
        tags.iter()
            .map(text)
            .collect::<Vec<_>>()
    };
    for (name, profile) in profiles() {
        let all = |byte, tags: &[Tag]| -> BTreeSet<String> {
            opened(&cleaned(&profile, &key(byte), &files))
                .iter()
                .flat_map(|object| own(object, tags))
                .collect()
        };
        let patient = [tags::PATIENT_ID, tags::PATIENT_NAME];
        assert_eq!(
            all(1, &patient).len(),
            2,
            "{name}: two patients, each with one pseudonym"
        );
        assert!(all(1, &patient).is_disjoint(&all(2, &patient)), "{name}");
        if retains_uids(&profile) {
            continue;
        }
        let uids = |byte| -> BTreeSet<String> {
            let objects = opened(&cleaned(&profile, &key(byte), &files));
            let all = objects.iter().flat_map(|object| {
                values(object, &[VR::UI])
                    .into_values()
                    .flatten()
                    .collect::<Vec<_>>()
            });
            all.filter(|uid| !is_registered_uid(uid))
                .collect()
        };
        let (one, other) = (uids(1), uids(2));
        assert!(
            one.len() > 20 && one.is_disjoint(&other),
            "{name}: {:?}",
            one.intersection(&other)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn dates_of_a_patient_move_together_by_whole_weeks_and_times_stay() {
    let files = study();
    let before = opened(&files);
    let after = opened(&cleaned(
        &profile(&["retain-modified-dates"]),
        &key(1),
        &files,
    ));
    let mut shifts: BTreeMap<bool, BTreeSet<i64>> = BTreeMap::new();
    let mut moved = 0;
    for ((file, _), (before, after)) in files
        .iter()
        .zip(before.iter().zip(&after))
    {
        let (old, new) = (
            values(before, &[VR::DA, VR::DT]),
            values(after, &[VR::DA, VR::DT]),
        );
        for (path, old) in &old {
            let new = new
                .get(path)
                .cloned()
                .unwrap_or_default();
            assert!(new.is_empty() || new.len() == old.len(), "{file}: {path:?}");
            for (old, new) in old.iter().zip(&new) {
                assert_eq!(
                    old[8..],
                    new[8..],
                    "{file}: {path:?}: the time of day and the offset stay"
                );
                shifts
                    .entry(file == "stranger")
                    .or_default()
                    .insert(days(new) - days(old));
                moved += 1;
            }
        }
        let times = |object: &DefaultDicomObject| values(object, &[VR::TM]);
        assert_eq!(times(before), times(after), "{file}");
    }
    assert!(moved > 40, "{moved} dates moved");
    let [one, other] = [false, true].map(|stranger| {
        shifts[&stranger]
            .iter()
            .copied()
            .collect::<Vec<_>>()
    });
    assert!(
        one.len() == 1 && other.len() == 1,
        "one shift for a patient: {one:?} {other:?}"
    );
    assert!(
        one != other && one[0] < 0 && one[0] % 7 == 0,
        "{one:?} {other:?}"
    );
    assert!(
        after[0]
            .element_opt(tags::DATE_OF_LAST_CALIBRATION)
            .unwrap()
            .is_none(),
        "a service log knows that date"
    );
}

fn days(date: &str) -> i64 {
    let date = NaiveDate::parse_from_str(&date[..8], "%Y%m%d").unwrap();
    date.signed_duration_since(NaiveDate::default())
        .num_days()
}
