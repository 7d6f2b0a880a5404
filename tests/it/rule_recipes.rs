//! The rules of `examples/rules`: each makes of its layout what it says, and those of `docs/rules.md`
//! are rules.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use import_rules::{
    CleanedHeader, Decision, FileFields, HeaderField, OriginalHeader, RuleSet, Settings,
};
use serde_json::Value;

use crate::archives;
use crate::fixture::{Dicom, Person};
use crate::run::Place;
use crate::server::Site;

/// A file, and what becomes of it: the number of the rule from 0 with subject, session and
/// acquisition, or nothing where no rule takes it.
type LayoutFile = (&'static str, Kind, Option<(u64, &'static str)>);

/// What lies there.
struct Layout {
    rules: &'static str,
    files: &'static [LayoutFile],
}

#[derive(Clone, Copy)]
enum Kind {
    /// An image of this series.
    Image(u32),
    /// An image of a patient with this ID.
    Of(&'static str),
    Other,
}
use Kind::{Image, Of, Other};

const LAYOUTS: [Layout; 11] = [
    Layout {
        rules: "bids-sourcedata",
        files: &[
            (
                "sourcedata/sub-001/ses-mri01/002-t1_mprage_sag_p2_iso_1.0/00001_1.3.12.2.1107.5.2.IMA",
                Image(2),
                Some((0, "001 mri01 t1_mprage_sag_p2_iso_1.0")),
            ),
            (
                "sourcedata/sub-001/ses-mri02/001-localizer/00001_1.3.12.2.1107.5.2.IMA",
                Image(1),
                Some((0, "001 mri02 localizer")),
            ),
            (
                "sub-002/ses-a/003-t2/1.IMA",
                Image(3),
                Some((0, "002 a t2")),
            ),
            ("sourcedata/participants.tsv", Other, None),
        ],
    },
    Layout {
        rules: "bids",
        files: &[
            ("dataset_description.json", Other, Some((0, "- - -"))),
            ("participants.tsv", Other, Some((0, "- - -"))),
            (
                "sub-01/ses-pre/anat/sub-01_ses-pre_T1w.json",
                Other,
                Some((2, "01 pre anat")),
            ),
            (
                "sub-01/ses-pre/anat/sub-01_ses-pre_T1w.nii.gz",
                Other,
                Some((2, "01 pre anat")),
            ),
            ("sub-01/sub-01_sessions.tsv", Other, Some((1, "01 - -"))),
            (
                "sub-02/func/sub-02_task-rest_bold.nii.gz",
                Other,
                Some((3, "02 ses-1 func")),
            ),
        ],
    },
    Layout {
        rules: "pacs-store",
        files: &[(
            "MRN0001/1.2.3.4/1.2.3.4.5/MR.1.2.3.4.5.6",
            Image(2),
            Some((0, "X1 20240102 2 t1 mprage")),
        )],
    },
    Layout {
        rules: "xnat",
        files: &[
            (
                "PROJ/arc001/S01_MR2/SCANS/1/DICOM/a.dcm",
                Image(2),
                Some((0, "S01 MR2 2 - t1 mprage")),
            ),
            ("PROJ/arc001/S01_MR2/SCANS/1/DICOM/catalog.xml", Other, None),
            ("PROJ/arc001/S01_MR2/SCANS/1/SNAPSHOTS/a.gif", Other, None),
            (
                "dl/S01_MR2/scans/2-T1/resources/DICOM/files/b.dcm",
                Image(2),
                Some((1, "S01 MR2 2 - t1 mprage")),
            ),
        ],
    },
    Layout {
        rules: "horos",
        files: &[
            (
                "MUSTER_MAX/Brain_1/T1_MPR_2/IM-0001-0001.dcm",
                Image(2),
                Some((0, "X1 20240102 2 - t1 mprage")),
            ),
            (
                "MUSTER_MAX/Brain_1/T1_MPR_2/IM-0001-0002.dcm",
                Image(2),
                Some((0, "X1 20240102 2 - t1 mprage")),
            ),
        ],
    },
    Layout {
        rules: "dicomdir",
        files: &[
            ("AUTORUN.INF", Other, None),
            (
                "DICOM/PAT00001/STU00001/SER00001/IMG00001",
                Image(2),
                Some((0, "X1 Brain 2 - t1 mprage")),
            ),
            (
                "DICOM/PAT00001/STU00001/SER00002/IMG00001",
                Image(3),
                Some((0, "X1 Brain 3 - t1 mprage")),
            ),
            ("DICOM/DICOMDIR", Other, None),
            ("VIEWER/viewer.exe", Other, None),
        ],
    },
    Layout {
        rules: "siemens-console",
        files: &[(
            "MUSTER_20231130_0815_123456/T1_MPR_0002/MUSTER.MR.HEAD.0002.0001.2023.11.30.IMA",
            Image(2),
            Some((0, "123456 Brain T1_MPR")),
        )],
    },
    Layout {
        rules: "philips-export",
        files: &[
            (
                "P07/DICOM/000001/IM_0001",
                Image(2),
                Some((0, "P07 Brain 2 - t1 mprage")),
            ),
            (
                "P07/DICOM/IM_0001",
                Image(2),
                Some((0, "P07 Brain 2 - t1 mprage")),
            ),
            ("P07/DICOM/PS_0003", Image(9), None),
            ("P07/DICOM/XX_0002", Image(9), None),
        ],
    },
    Layout {
        rules: "ge-exams",
        files: &[
            ("e1234/P56789.7", Other, None),
            (
                "e1234/s5/i7.MRDCM.1",
                Image(5),
                Some((0, "X1 1234 5 - t1 mprage")),
            ),
        ],
    },
    Layout {
        rules: "visit-in-patient-id",
        files: &[
            (
                "flat/1.dcm",
                Of("ADPRC_0057_F0"),
                Some((0, "ADPRC0057 F0 2 - t1 mprage")),
            ),
            (
                "flat/2.dcm",
                Of("ADPRC_0057_F1"),
                Some((0, "ADPRC0057 F1 2 - t1 mprage")),
            ),
            ("flat/3.dcm", Of("0057"), None),
        ],
    },
    Layout {
        rules: "sites-with-dates",
        files: &[
            (
                "BOS/P07_20240102_wave1/1.dcm",
                Image(2),
                Some((0, "P07 wave1 2 - t1 mprage")),
            ),
            (
                "NYC/P08_03.02.2024_wave2/1.dcm",
                Image(2),
                Some((0, "P08 wave2 2 - t1 mprage")),
            ),
        ],
    },
];

fn recipes() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rules"))
}

fn image(kind: Kind) -> Vec<u8> {
    let (patient, series) = match kind {
        Image(series) => ("X1", series),
        Of(patient) => (patient, 2),
        Other => return b"no DICOM".to_vec(),
    };
    Dicom::ct(&Person::plain(), 1)
        .text(tags::PATIENT_ID, VR::LO, patient)
        .text(tags::STUDY_DATE, VR::DA, "20240102")
        .text(tags::STUDY_DESCRIPTION, VR::LO, "Brain")
        .text(tags::SERIES_NUMBER, VR::IS, &series.to_string())
        .text(tags::SERIES_DESCRIPTION, VR::LO, "t1 mprage")
        .bytes()
}

/// A place in which all files of a layout lie.
fn laid_out(layout: &Layout) -> Place {
    let place = Place::new();
    for (path, kind, _) in layout.files {
        place.file(format!("study/{path}"), image(*kind));
    }
    place
}

/// What was decided, as the tables here have it.
fn decision(line: &Value) -> Option<(u64, String)> {
    let rule = line["rule"].as_u64()?;
    let labels = ["subject", "session", "acquisition"].map(|level| {
        line["fields"][format!("{level}.label")]
            .as_str()
            .unwrap_or("-")
            .to_owned()
    });
    Some((rule, labels.join(" ")))
}

#[test]
fn each_recipe_makes_of_its_layout_what_it_says() {
    for layout in &LAYOUTS {
        let place = laid_out(layout);
        let rules = recipes().join(format!("{}.yaml", layout.rules));
        let ran = place
            .run("rules test")
            .args([&rules])
            .args([
                "study",
                "--headers-as-they-are",
                "--json",
                "--merge-patients",
            ])
            .exits(0);
        let mut decided: Vec<_> = ran
            .events()
            .iter()
            .map(|line| {
                let path = line["path"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                (path, decision(line))
            })
            .collect();
        let mut expected: Vec<_> = layout
            .files
            .iter()
            .map(|(path, _, decision)| {
                let decision = decision.map(|(rule, labels)| (rule, labels.to_owned()));
                ((*path).to_owned(), decision)
            })
            .collect();
        decided.sort();
        expected.sort();
        assert_eq!(decided, expected, "{}", layout.rules);
    }
}

#[test]
fn no_recipe_takes_a_date_that_a_profile_moves_out_of_a_path() {
    for layout in &LAYOUTS {
        let place = laid_out(layout);
        let rules = recipes().join(format!("{}.yaml", layout.rules));
        let ran = place
            .run("rules test")
            .args([&rules])
            .args(["study", "--profile", "longitudinal", "--json"])
            .ends();
        for line in ran.events() {
            assert_ne!(line["code"], "route.date-from-path", "{line}");
            assert_ne!(line["code"], "route.identifier-in-label", "{line}");
            assert_eq!(line.get("refused"), None, "{line}");
        }
    }
}

/// Makes images of which those of one patient and date are one study, those that get other labels
/// other series, and all others further instances.
#[derive(Default)]
struct Scanner {
    studies: Vec<String>,
    series: Vec<String>,
    images: u32,
}

impl Scanner {
    fn image(&mut self, kind: Kind, date: &str, labels: &str) -> Vec<u8> {
        let (patient, series_number) = match kind {
            Image(series) => ("X1", series),
            Of(patient) => (patient, 2),
            Other => return b"no DICOM".to_vec(),
        };
        let number = |known: &mut Vec<String>, text: String| {
            let at = known
                .iter()
                .position(|known| *known == text);
            let at = at.unwrap_or_else(|| {
                known.push(text);
                known.len() - 1
            });
            u32::try_from(at + 1).unwrap()
        };
        let subject = labels
            .split(' ')
            .next()
            .unwrap_or_default();
        let study = number(&mut self.studies, format!("{patient} {date} {subject}"));
        let series = number(&mut self.series, labels.to_owned());
        self.images += 1;
        Dicom::image(
            &Person::numbered(study),
            uids::CT_IMAGE_STORAGE,
            "CT",
            series,
            self.images,
            16,
        )
        .text(tags::PATIENT_ID, VR::LO, patient)
        .text(tags::STUDY_DATE, VR::DA, date)
        .text(tags::STUDY_DESCRIPTION, VR::LO, "Brain")
        .text(tags::SERIES_NUMBER, VR::IS, &series_number.to_string())
        .text(tags::SERIES_DESCRIPTION, VR::LO, "t1 mprage")
        .bytes()
    }
}

/// Uploads what lies in a place by a recipe, and gives the containers in which something lies.
fn uploaded_by(place: &Place, rules: &str, more: &[&str]) -> Vec<String> {
    let site = Site::start();
    place
        .run("study -p demo/phantom --no-deid -y --merge-patients --json --rules")
        .args([recipes().join(format!("{rules}.yaml"))])
        .args(more)
        .at(&site)
        .exits(0);
    let mut containers: Vec<_> = site
        .kept()
        .into_iter()
        .filter_map(|(name, _)| {
            let path = name.strip_prefix("demo/phantom/")?;
            let (container, _) = path
                .rsplit_once('/')
                .unwrap_or(("", path));
            Some(container.replace('/', " "))
        })
        .collect();
    containers.sort();
    containers.dedup();
    containers
}

fn expected_containers<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut containers: Vec<_> = labels
        .map(|labels| {
            let parts = labels
                .split(' ')
                .filter(|part| *part != "-" || labels.contains(" - t1"));
            parts.collect::<Vec<_>>().join(" ")
        })
        .collect();
    containers.sort();
    containers.dedup();
    containers
}

#[test]
fn each_layout_is_uploaded_to_where_its_recipe_says() {
    for layout in &LAYOUTS {
        let (place, mut scanner) = (Place::new(), Scanner::default());
        for (path, kind, decision) in layout.files {
            let labels = decision.map_or("", |(_, labels)| labels);
            let file = scanner.image(*kind, "20240102", labels);
            place.file(format!("study/{path}"), file);
        }
        let more: &[&str] = match layout.rules {
            "bids" => &["--other-files", "upload"],
            _ => &[],
        };
        let taken = layout
            .files
            .iter()
            .filter_map(|(_, _, decision)| decision.map(|(_, labels)| labels));
        assert_eq!(
            uploaded_by(&place, layout.rules, more),
            expected_containers(taken),
            "{}",
            layout.rules
        );
    }
}

#[test]
fn each_layout_of_archives_is_uploaded_to_where_its_recipe_says() {
    for (rules, members) in ARCHIVES {
        let (place, mut scanner) = (Place::new(), Scanner::default());
        let mut by_archive: BTreeMap<&str, Vec<(&str, Vec<u8>)>> = BTreeMap::new();
        for (archive, member, date, labels) in members {
            let kind = if labels.is_some() { Image(2) } else { Other };
            let file = scanner.image(kind, date, labels.unwrap_or_default());
            by_archive
                .entry(archive)
                .or_default()
                .push((member, file));
        }
        for (archive, members) in by_archive {
            let bytes = if archive.contains(".zip") {
                archives::zip(&members)
            } else {
                archives::gzip(&archives::tar(&members))
            };
            place.file(format!("study/{archive}"), bytes);
        }
        let taken = members
            .iter()
            .filter_map(|(.., labels)| *labels);
        assert_eq!(
            uploaded_by(&place, rules, &[]),
            expected_containers(taken),
            "{rules}"
        );
    }
}

/// A header of an image in an archive.
struct InArchive {
    date: &'static str,
}

impl InArchive {
    fn values(&self, field: &HeaderField) -> Vec<String> {
        let known = [
            ("PatientID", "X1"),
            ("StudyDate", self.date),
            ("StudyDescription", "Brain"),
            ("SeriesNumber", "2"),
            ("SeriesDescription", "t1 mprage"),
        ];
        known
            .into_iter()
            .filter(|(name, _)| HeaderField::parse(name).as_ref() == Ok(field))
            .map(|(_, value)| value.to_owned())
            .collect()
    }
}

impl OriginalHeader for InArchive {
    fn original_values(&self, field: &HeaderField) -> Vec<String> {
        self.values(field)
    }
}

impl CleanedHeader for InArchive {
    fn cleaned_values(&self, field: &HeaderField) -> Vec<String> {
        self.values(field)
    }
}

/// Recipes for archives: archive, member, date of the study, what becomes of it.
type Member = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);
const ARCHIVES: [(&str, &[Member]); 4] = [
    (
        "bids-sourcedata-tarballs",
        &[(
            "sourcedata/sub-x/ses-y/sub-x_ses-y.dicom.tgz",
            "DICOM/0001/a.dcm",
            "20240102",
            Some("x y 2 - t1 mprage"),
        )],
    ),
    (
        "zip-per-visit",
        &[
            (
                "incoming/PSC001_123456_V2_rescan.zip",
                "scan/1.dcm",
                "20240102",
                Some("PSC001 V2 2 - t1 mprage"),
            ),
            (
                "incoming/PSC002_123457_V1.zip",
                "1.dcm",
                "20240102",
                Some("PSC002 V1 2 - t1 mprage"),
            ),
            (
                "incoming/PSC001_123456_V2_rescan.zip",
                "scan/readme.txt",
                "20240102",
                None,
            ),
        ],
    ),
    (
        "tarball-per-subject",
        &[
            (
                "41622.tar.gz",
                "41622/MR/Dicoms/1.dcm",
                "20240102",
                Some("41622 20240102 2 - t1 mprage"),
            ),
            (
                "41622.tar.gz",
                "41622/CT/Dicoms/2.dcm",
                "20240501",
                Some("41622 20240501 2 - t1 mprage"),
            ),
        ],
    ),
    (
        "zip-per-subject",
        &[
            (
                "S07.zip",
                "Exam_1/series1/1.dcm",
                "20240102",
                Some("S07 Exam_1 series1"),
            ),
            (
                "S07.zip",
                "Exam_2/series2/2.dcm",
                "20240102",
                Some("S07 Exam_2 series2"),
            ),
        ],
    ),
];

#[test]
fn each_recipe_for_archives_makes_of_members_what_it_says() {
    for (name, members) in ARCHIVES {
        let text = fs::read_to_string(recipes().join(format!("{name}.yaml"))).unwrap();
        let rules = RuleSet::from_yaml(&text).unwrap();
        for (archive, member, date, expected) in members {
            let file = FileFields::new(*archive, 1000).member(member, 100, None);
            let header = InArchive { date };
            let decided = Decision::of(
                &rules,
                &file,
                Some(&header),
                Some(&header),
                &Settings::default(),
            );
            let line = serde_json::to_value(&decided).unwrap();
            let labels = decision(&line).map(|(_, labels)| labels);
            assert_eq!(labels.as_deref(), *expected, "{archive}::{member}: {line}");
        }
    }
}

#[test]
fn each_recipe_is_tried_and_listed_with_what_it_is_for() {
    let listed = fs::read_to_string(recipes().join("README.md")).unwrap();
    let tried: Vec<_> = LAYOUTS
        .iter()
        .map(|layout| layout.rules)
        .chain(
            ARCHIVES
                .iter()
                .map(|(name, _)| *name),
        )
        .collect();
    let mut count = 0;
    for entry in fs::read_dir(recipes()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "yaml")
        {
            continue;
        }
        let name = path
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        assert!(tried.contains(&name.as_str()), "{name} is tried by no test");
        assert!(
            listed.contains(&format!("({name}.yaml)")),
            "{name} is not listed"
        );
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# "), "{name} does not say what it is for");
        count += 1;
    }
    assert_eq!(count, tried.len());
}

#[test]
fn the_rules_of_the_documentation_are_rules() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md")).unwrap();
    let examples: Vec<_> = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        RuleSet::from_yaml(example).unwrap_or_else(|refused| panic!("{refused}\n{example}"));
    }
    let mappings: Vec<_> = page
        .lines()
        .skip_while(|line| !line.starts_with("| mapping | does |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cell = line.split('|').nth(1).unwrap();
            let parts = cell.split('`');
            parts
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(mappings.len() > 5, "{mappings:?}");
    for mapping in mappings {
        import_rules::Rule::from_mappings(mapping.iter().map(String::as_str))
            .unwrap_or_else(|refusal| panic!("{refusal} in {mapping:?}"));
    }
}
