//! A study whose files refer to each other in every way that files of a study do: three CT images,
//! a structure set and a plan, a segmentation, a report, a key object selection, a presentation
//! state and an enhanced multi-frame image; and an image of another patient.

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;

use crate::fixture::{Dicom, Person, UID_ROOT, items, object, put};

/// The series of the study, by what is in them.
const CT: u32 = 1;
const STRUCTURES: u32 = 2;
const PLAN: u32 = 3;
const SEGMENTS: u32 = 4;
const REPORT: u32 = 5;
const KEYS: u32 = 6;
const DRAWING: u32 = 7;
const ENHANCED: u32 = 8;

/// The retired class that structure sets refer to a study by (PS3.3 section C.8.8.5).
const DETACHED_STUDY: &str = "1.2.840.10008.3.1.2.3.1";

type Object = InMemDicomObject;
type Sequence = DataElement<InMemDicomObject>;

/// The files by name.
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    let study = Study(Person::plain());
    let all = [
        ("ct-1", study.ct(1)),
        ("ct-2", study.ct(2)),
        ("ct-3", study.ct(3)),
        ("rtstruct", study.structure_set()),
        ("rtplan", study.plan()),
        ("seg", study.segmentation()),
        ("sr", study.report()),
        ("ko", study.key_objects()),
        ("pr", study.presentation()),
        ("enhanced", study.enhanced()),
        (
            "stranger",
            Dicom::ct(&Person::numbered(9), 1).without(tags::REFERENCED_IMAGE_SEQUENCE),
        ),
    ];
    all.into_iter()
        .map(|(name, file)| (name, file.bytes()))
        .collect()
}

/// The study of one person.
struct Study(Person);

impl Study {
    fn uid(&self) -> String {
        self.0.uid(0, 0)
    }

    fn series(&self, series: u32) -> String {
        format!("{UID_ROOT}.{}.{series}", self.0.number)
    }

    /// The frame of reference that all images share.
    fn frame(&self) -> String {
        self.0.uid(90, 1)
    }

    /// What segmentation and report call the same finding by.
    fn tracking(&self) -> String {
        self.0.uid(91, 1)
    }

    /// An instance that nothing refers to yet.
    fn part(&self, class: &str, modality: &str, series: u32) -> Dicom {
        Dicom::identified(&self.0, class, modality, series, 1)
            .without(tags::REFERENCED_IMAGE_SEQUENCE)
            .text(tags::CONTENT_DATE, VR::DA, "20230915")
            .text(tags::CONTENT_TIME, VR::TM, "083000")
    }

    fn ct(&self, number: u32) -> Dicom {
        Dicom::ct(&self.0, number)
            .text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &self.frame())
            .text(tags::IRRADIATION_EVENT_UID, VR::UI, &self.0.uid(92, 1))
            .text(
                tags::DEVICE_SERIAL_NUMBER,
                VR::LO,
                &format!("of {}", self.0.uid(CT, 1)),
            )
            .text(
                tags::ACQUISITION_DATE_TIME,
                VR::DT,
                "20230914101801.500000+0200",
            )
            .text(tags::DATE_OF_LAST_CALIBRATION, VR::DA, "20230901")
            .element(items(
                tags::REFERENCED_IMAGE_SEQUENCE,
                vec![self.reference(CT, number % 3 + 1)],
            ))
            .element(items(
                tags::REFERENCED_STUDY_SEQUENCE,
                vec![self.whole_study()],
            ))
    }

    /// Class and instance of something in the study.
    fn reference(&self, series: u32, number: u32) -> Object {
        let class = match series {
            CT => uids::CT_IMAGE_STORAGE,
            STRUCTURES => uids::RT_STRUCTURE_SET_STORAGE,
            SEGMENTS => uids::SEGMENTATION_STORAGE,
            REPORT => uids::COMPREHENSIVE_SR_STORAGE,
            KEYS => uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE,
            DRAWING => uids::GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE,
            _ => uids::ENHANCED_MR_IMAGE_STORAGE,
        };
        object([
            put(tags::REFERENCED_SOP_CLASS_UID, VR::UI, class),
            put(
                tags::REFERENCED_SOP_INSTANCE_UID,
                VR::UI,
                &self.0.uid(series, number),
            ),
        ])
    }

    /// The study as an object of its own, as structure sets refer to it.
    fn whole_study(&self) -> Object {
        object([
            put(tags::REFERENCED_SOP_CLASS_UID, VR::UI, DETACHED_STUDY),
            put(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &self.uid()),
        ])
    }

    fn images(&self) -> Vec<Object> {
        (1..=3)
            .map(|number| self.reference(CT, number))
            .collect()
    }

    /// Study, series and instances, as documents list what they speak of.
    fn evidence(&self, tag: Tag, series: &[(u32, u32)]) -> Sequence {
        let of_series = |(series, count): &(u32, u32)| {
            let instances = (1..=*count)
                .map(|number| self.reference(*series, number))
                .collect();
            object([
                put(tags::SERIES_INSTANCE_UID, VR::UI, &self.series(*series)),
                items(tags::REFERENCED_SOP_SEQUENCE, instances),
            ])
        };
        let listed = items(
            tags::REFERENCED_SERIES_SEQUENCE,
            series
                .iter()
                .map(of_series)
                .collect(),
        );
        items(
            tag,
            vec![object([
                put(tags::STUDY_INSTANCE_UID, VR::UI, &self.uid()),
                listed,
            ])],
        )
    }

    fn structure_set(&self) -> Dicom {
        let series = object([
            put(tags::SERIES_INSTANCE_UID, VR::UI, &self.series(CT)),
            items(tags::CONTOUR_IMAGE_SEQUENCE, self.images()),
        ]);
        let mut study = self.whole_study();
        study.put(items(tags::RT_REFERENCED_SERIES_SEQUENCE, vec![series]));
        let frame = object([
            put(tags::FRAME_OF_REFERENCE_UID, VR::UI, &self.frame()),
            items(tags::RT_REFERENCED_STUDY_SEQUENCE, vec![study]),
        ]);
        let roi = object([
            put(tags::ROI_NUMBER, VR::IS, "1"),
            put(
                tags::REFERENCED_FRAME_OF_REFERENCE_UID,
                VR::UI,
                &self.frame(),
            ),
            put(tags::ROI_NAME, VR::LO, "CANARY liver"),
            put(tags::ROI_GENERATION_ALGORITHM, VR::CS, "MANUAL"),
        ]);
        let contour = |number| {
            object([
                items(
                    tags::CONTOUR_IMAGE_SEQUENCE,
                    vec![self.reference(CT, number)],
                ),
                put(tags::CONTOUR_GEOMETRIC_TYPE, VR::CS, "POINT"),
                put(tags::NUMBER_OF_CONTOUR_POINTS, VR::IS, "1"),
                put(tags::CONTOUR_DATA, VR::DS, &format!("0\\0\\{number}")),
            ])
        };
        let contours = object([
            items(tags::CONTOUR_SEQUENCE, (1..=3).map(contour).collect()),
            put(tags::REFERENCED_ROI_NUMBER, VR::IS, "1"),
        ]);
        self.part(uids::RT_STRUCTURE_SET_STORAGE, "RTSTRUCT", STRUCTURES)
            .text(tags::STRUCTURE_SET_LABEL, VR::SH, "CANARY set")
            .text(tags::STRUCTURE_SET_DATE, VR::DA, "20230920")
            .text(tags::STRUCTURE_SET_TIME, VR::TM, "120000")
            .element(items(
                tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
                vec![frame],
            ))
            .element(items(tags::STRUCTURE_SET_ROI_SEQUENCE, vec![roi]))
            .element(items(tags::ROI_CONTOUR_SEQUENCE, vec![contours]))
    }

    fn plan(&self) -> Dicom {
        self.part(uids::RT_PLAN_STORAGE, "RTPLAN", PLAN)
            .text(tags::RT_PLAN_LABEL, VR::SH, "CANARY plan")
            .text(tags::RT_PLAN_GEOMETRY, VR::CS, "PATIENT")
            .text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &self.frame())
            .element(items(
                tags::REFERENCED_STRUCTURE_SET_SEQUENCE,
                vec![self.reference(STRUCTURES, 1)],
            ))
    }

    /// Two frames, one item of the shared groups and one of each frame's.
    fn frames(&self, file: Dicom, organization: &str) -> Dicom {
        let purpose = object([
            put(tags::CODE_VALUE, VR::SH, "121322"),
            put(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM"),
            put(
                tags::CODE_MEANING,
                VR::LO,
                "Source image for image processing operation",
            ),
        ]);
        let source = |number| {
            let mut source = self.reference(CT, number);
            source.put(items(
                tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
                vec![purpose.clone()],
            ));
            let derivation = object([items(tags::SOURCE_IMAGE_SEQUENCE, vec![source])]);
            object([
                items(tags::DERIVATION_IMAGE_SEQUENCE, vec![derivation]),
                items(
                    tags::REFERENCED_IMAGE_SEQUENCE,
                    vec![self.reference(CT, number)],
                ),
            ])
        };
        let index = object([
            put(tags::DIMENSION_ORGANIZATION_UID, VR::UI, organization),
            DataElement::new(
                tags::DIMENSION_INDEX_POINTER,
                VR::AT,
                PrimitiveValue::from(tags::IMAGE_POSITION_PATIENT),
            ),
        ]);
        file.text(tags::NUMBER_OF_FRAMES, VR::IS, "2")
            .text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &self.frame())
            .without(tags::REFERENCED_IMAGE_SEQUENCE)
            .element(items(
                tags::DIMENSION_ORGANIZATION_SEQUENCE,
                vec![object([put(
                    tags::DIMENSION_ORGANIZATION_UID,
                    VR::UI,
                    organization,
                )])],
            ))
            .element(items(tags::DIMENSION_INDEX_SEQUENCE, vec![index]))
            .element(items(
                tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
                vec![source(1)],
            ))
            .element(items(
                tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
                vec![source(2), source(3)],
            ))
    }

    fn segmentation(&self) -> Dicom {
        let series = object([
            put(tags::SERIES_INSTANCE_UID, VR::UI, &self.series(CT)),
            items(tags::REFERENCED_INSTANCE_SEQUENCE, self.images()),
        ]);
        let segment = object([
            DataElement::new(tags::SEGMENT_NUMBER, VR::US, PrimitiveValue::from(1_u16)),
            put(tags::SEGMENT_LABEL, VR::LO, "CANARY lesion"),
            put(tags::TRACKING_ID, VR::UT, "CANARY lesion 1"),
            put(tags::TRACKING_UID, VR::UI, &self.tracking()),
        ]);
        let file = Dicom::image(&self.0, uids::SEGMENTATION_STORAGE, "SEG", SEGMENTS, 1, 8)
            .raw(tags::PIXEL_DATA, VR::OB, vec![0; 16])
            .element(DataElement::new(
                tags::BITS_ALLOCATED,
                VR::US,
                PrimitiveValue::from(1_u16),
            ))
            .element(DataElement::new(
                tags::BITS_STORED,
                VR::US,
                PrimitiveValue::from(1_u16),
            ))
            .element(DataElement::new(
                tags::HIGH_BIT,
                VR::US,
                PrimitiveValue::from(0_u16),
            ))
            .text(tags::SEGMENTATION_TYPE, VR::CS, "BINARY")
            .text(tags::CONTENT_DATE, VR::DA, "20230916")
            .text(tags::CONTENT_TIME, VR::TM, "090000")
            .element(items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]))
            .element(items(tags::SEGMENT_SEQUENCE, vec![segment]));
        self.frames(file, &self.0.uid(93, 1))
    }

    fn enhanced(&self) -> Dicom {
        let file = Dicom::image(
            &self.0,
            uids::ENHANCED_MR_IMAGE_STORAGE,
            "MR",
            ENHANCED,
            1,
            8,
        )
        .raw(tags::PIXEL_DATA, VR::OW, vec![0; 256])
        .text(tags::IMAGE_TYPE, VR::CS, "DERIVED\\PRIMARY\\M\\NONE")
        .text(tags::ACQUISITION_DATE_TIME, VR::DT, "20230914111500")
        .text(tags::CONTENT_DATE, VR::DA, "20230914")
        .text(tags::CONTENT_TIME, VR::TM, "111530")
        .text(
            tags::SYNCHRONIZATION_FRAME_OF_REFERENCE_UID,
            VR::UI,
            &self.frame(),
        )
        .element(self.evidence(tags::REFERENCED_IMAGE_EVIDENCE_SEQUENCE, &[(CT, 3)]))
        .element(self.evidence(tags::SOURCE_IMAGE_EVIDENCE_SEQUENCE, &[(CT, 3)]));
        self.frames(file, &self.0.uid(93, 2))
    }

    fn report(&self) -> Dicom {
        let mut drawn = self.reference(CT, 1);
        drawn.put(items(
            tags::REFERENCED_SOP_SEQUENCE,
            vec![self.reference(DRAWING, 1)],
        ));
        let image = content(
            "CONTAINS",
            "IMAGE",
            [items(tags::REFERENCED_SOP_SEQUENCE, vec![drawn])],
        );
        let selected = content(
            "SELECTED FROM",
            "IMAGE",
            [items(
                tags::REFERENCED_SOP_SEQUENCE,
                vec![self.reference(CT, 2)],
            )],
        );
        let place = content(
            "CONTAINS",
            "SCOORD",
            [items(tags::CONTENT_SEQUENCE, vec![selected])],
        );
        let in_space = [put(
            tags::REFERENCED_FRAME_OF_REFERENCE_UID,
            VR::UI,
            &self.frame(),
        )];
        let in_space = content("CONTAINS", "SCOORD3D", in_space);
        let name = concept("112040", "Tracking Unique Identifier");
        let tracked = content(
            "HAS OBS CONTEXT",
            "UIDREF",
            [name, put(tags::UID, VR::UI, &self.tracking())],
        );
        let heading = concept("121070", "Findings");
        let findings = content(
            "CONTAINS",
            "CONTAINER",
            [
                heading,
                items(
                    tags::CONTENT_SEQUENCE,
                    vec![tracked, image, place, in_space],
                ),
            ],
        );
        self.part(uids::COMPREHENSIVE_SR_STORAGE, "SR", REPORT)
            .text(tags::VALUE_TYPE, VR::CS, "CONTAINER")
            .text(tags::COMPLETION_FLAG, VR::CS, "COMPLETE")
            .text(tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED")
            .element(self.evidence(
                tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
                &[(CT, 3), (DRAWING, 1)],
            ))
            .element(self.evidence(tags::PREDECESSOR_DOCUMENTS_SEQUENCE, &[(KEYS, 1)]))
            .element(concept("121111", "Summary"))
            .element(items(tags::CONTENT_SEQUENCE, vec![findings]))
    }

    fn key_objects(&self) -> Dicom {
        let of = |kind, series, number| {
            content(
                "CONTAINS",
                kind,
                [items(
                    tags::REFERENCED_SOP_SEQUENCE,
                    vec![self.reference(series, number)],
                )],
            )
        };
        let chosen = vec![
            of("IMAGE", CT, 3),
            of("IMAGE", ENHANCED, 1),
            of("COMPOSITE", SEGMENTS, 1),
        ];
        self.part(uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE, "KO", KEYS)
            .text(tags::VALUE_TYPE, VR::CS, "CONTAINER")
            .element(self.evidence(
                tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
                &[(CT, 3), (ENHANCED, 1), (SEGMENTS, 1)],
            ))
            .element(concept("113000", "Of Interest"))
            .element(items(tags::CONTENT_SEQUENCE, chosen))
    }

    fn presentation(&self) -> Dicom {
        let series = object([
            put(tags::SERIES_INSTANCE_UID, VR::UI, &self.series(CT)),
            items(tags::REFERENCED_IMAGE_SEQUENCE, self.images()),
        ]);
        let text = object([
            put(tags::UNFORMATTED_TEXT_VALUE, VR::ST, "CANARY here"),
            put(tags::ANCHOR_POINT_VISIBILITY, VR::CS, "Y"),
        ]);
        let annotation = object([
            items(tags::REFERENCED_IMAGE_SEQUENCE, vec![self.reference(CT, 2)]),
            put(tags::GRAPHIC_LAYER, VR::CS, "LAYER1"),
            items(tags::TEXT_OBJECT_SEQUENCE, vec![text]),
        ]);
        let area = object([items(tags::REFERENCED_IMAGE_SEQUENCE, self.images())]);
        self.part(
            uids::GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE,
            "PR",
            DRAWING,
        )
        .text(tags::PRESENTATION_CREATION_DATE, VR::DA, "20230917")
        .text(tags::PRESENTATION_CREATION_TIME, VR::TM, "141500")
        .element(items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]))
        .element(items(tags::GRAPHIC_ANNOTATION_SEQUENCE, vec![annotation]))
        .element(items(tags::DISPLAYED_AREA_SELECTION_SEQUENCE, vec![area]))
    }
}

/// A content item.
fn content(
    relationship: &str,
    value_type: &str,
    elements: impl IntoIterator<Item = Sequence>,
) -> Object {
    let mut item = object(elements);
    item.put(put(tags::RELATIONSHIP_TYPE, VR::CS, relationship));
    item.put(put(tags::VALUE_TYPE, VR::CS, value_type));
    item
}

fn concept(value: &str, meaning: &str) -> Sequence {
    let code = object([
        put(tags::CODE_VALUE, VR::SH, value),
        put(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM"),
        put(tags::CODE_MEANING, VR::LO, meaning),
    ]);
    items(tags::CONCEPT_NAME_CODE_SEQUENCE, vec![code])
}
