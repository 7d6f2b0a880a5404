"""Objects that no package carries, made with highdicom from slices of pydicom's: segmentations, reports, key objects,
presentation states, maps, multi-frame images, a slide and notes on it. They are what highdicom writes for people.
"""

import copy
import pathlib
from collections.abc import Iterator

import highdicom as hd
import numpy as np
from highdicom import ann, ko, legacy, pm, pr, seg, sr
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.sr.codedict import codes
from pydicom.uid import (
    ExplicitVRLittleEndian,
    RLELossless,
    VLWholeSlideMicroscopyImageStorage,
)

ROOT = "1.2.826.0.1.3680043.10.999.13"
EQUIPMENT = {
    "manufacturer": "Synthetica",
    "manufacturer_model_name": "Segmenter",
    "software_versions": "1.0",
    "device_serial_number": "SN-5",
}
ALGORITHM = hd.AlgorithmIdentificationSequence("liver finder", codes.cid7162.ArtificialIntelligence, "2.1")
CREATOR = "Quellhorst^Ada"


def save(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, dataset in _all():
        dataset.save_as(folder / f"{name}.dcm", enforce_file_format=True)


def _all() -> Iterator[tuple[str, Dataset]]:
    ct, mr = _slices("CT_small.dcm"), _slices("MR_small.dcm")
    yield from _segmentations(ct, "ct")
    yield from _segmentations(mr, "mr")
    segmentation = _segmentation(ct, seg.SegmentationTypeValues.BINARY, 90)
    yield "report-3d", _report(sr.Comprehensive3DSR, ct, segmentation, 20)
    yield "report-comprehensive", _report(sr.ComprehensiveSR, ct, segmentation, 21)
    yield "report-enhanced", _report(sr.EnhancedSR, ct, None, 22)
    yield "key-objects", _key_objects(ct)
    yield "presentation", _presentation(ct)
    yield "map", _map(mr)
    yield "legacy-ct", legacy.LegacyConvertedEnhancedCTImage(ct, **_own(40))
    yield "legacy-mr", legacy.LegacyConvertedEnhancedMRImage(mr, **_own(41))
    for number, container in enumerate(("S17-4471-A", "S17-4471-B")):
        slide = _slide(number, container)
        yield f"slide-{number + 1}", slide
        yield f"slide-{number + 1}-notes", _notes(slide, number)


def _own(number: int) -> dict:
    """The identity of the series and instance of a number."""
    return {
        "series_instance_uid": f"{ROOT}.1.{number}",
        "series_number": number,
        "sop_instance_uid": f"{ROOT}.2.{number}",
        "instance_number": 1,
    }


def _slices(name: str) -> list[Dataset]:
    """Three slices, one above the other, from pydicom's only one."""
    one = dcmread(get_testdata_file(name))
    one.PatientBirthDate, one.AccessionNumber = "19530607", "ACX0004711"
    slices = []
    for number in range(3):
        each = copy.deepcopy(one)
        each.SOPInstanceUID = f"{one.SOPInstanceUID}.{number}"
        each.InstanceNumber = number + 1
        each.ImagePositionPatient = [*one.ImagePositionPatient[:2], one.ImagePositionPatient[2] + number * 5]
        slices.append(each)
    return slices


def _mask(slices: list[Dataset]) -> np.ndarray:
    mask = np.zeros((len(slices), slices[0].Rows, slices[0].Columns), dtype=np.uint8)
    mask[:, 10:20, 12:24] = 1
    mask[1, 30:40, 30:40] = 2
    return mask


def _segments() -> list[seg.SegmentDescription]:
    tissue = codes.SCT.Tissue
    return [
        seg.SegmentDescription(1, "Liver of Quellhorst", tissue, codes.SCT.Liver, "AUTOMATIC", ALGORITHM),
        seg.SegmentDescription(
            2, "lesion one", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, "MANUAL",
            tracking_uid=f"{ROOT}.3.1", tracking_id="QZ0004711-1",
        ),
    ]  # fmt: skip


def _segmentation(slices, kind, number, syntax=ExplicitVRLittleEndian) -> Dataset:
    mask = _mask(slices)
    if kind == seg.SegmentationTypeValues.FRACTIONAL:
        mask = np.stack([mask == 1, mask == 2], axis=-1).astype(np.float32) * 0.5
    return seg.Segmentation(
        slices, mask, kind, _segments(), transfer_syntax_uid=syntax,
        content_label="SEGMENTS", content_description="as Quellhorst drew it", content_creator_name=CREATOR, **_own(number), **EQUIPMENT,
    )  # fmt: skip


def _segmentations(slices: list[Dataset], name: str) -> Iterator[tuple[str, Dataset]]:
    start = 1 if name == "ct" else 10
    kinds = seg.SegmentationTypeValues
    yield f"segmentation-{name}-binary", _segmentation(slices, kinds.BINARY, start)
    yield f"segmentation-{name}-fractional", _segmentation(slices, kinds.FRACTIONAL, start + 1)
    yield f"segmentation-{name}-rle", _segmentation(slices, kinds.FRACTIONAL, start + 2, RLELossless)
    yield f"segmentation-{name}-labels", _segmentation(slices, kinds.LABELMAP, start + 3)


def _report(kind, slices: list[Dataset], segmentation, number: int) -> Dataset:
    """A measurement report (TID 1500) with a person, a device, and a tracked lesion."""
    person = sr.PersonObserverIdentifyingAttributes(CREATOR, organization_name="Ferndaal Hall")
    observers = sr.ObservationContext(
        observer_person_context=sr.ObserverContext(codes.DCM.Person, person),
        observer_device_context=sr.ObserverContext(codes.DCM.Device, sr.DeviceObserverIdentifyingAttributes(f"{ROOT}.4", "SN-5")),
    )
    size = sr.Measurement(codes.SCT.Diameter, 12.5, codes.UCUM.Millimeter)
    tracked = sr.TrackingIdentifier(f"{ROOT}.3.1", "QZ0004711-1")
    if kind is sr.Comprehensive3DSR:
        corners = np.array([[0, 0, 0], [5, 0, 0], [5, 5, 0], [0, 5, 0], [0, 0, 0]], dtype=float)
        where = {"referenced_region": sr.ImageRegion3D("POLYGON", corners, slices[0].FrameOfReferenceUID)}
    elif segmentation is not None:
        where = {"referenced_segment": sr.ReferencedSegmentationFrame.from_segmentation(segmentation, segment_number=2)}
    else:
        source = sr.SourceImageForRegion(slices[0].SOPClassUID, slices[0].SOPInstanceUID)
        where = {"referenced_region": sr.ImageRegion("CIRCLE", np.array([[10.0, 10.0], [15.0, 10.0]]), source)}
    group = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracked, finding_type=codes.SCT.Lesion, measurements=[size], finding_sites=[sr.FindingSite(codes.SCT.Liver)], **where
    )
    report = sr.MeasurementReport(observers, codes.LN.CTUnspecifiedBodyRegion, [group], title=codes.DCM.ImagingMeasurementReport)
    evidence = slices if segmentation is None else [*slices, segmentation]
    return kind(
        evidence, report[0], manufacturer="Synthetica", is_complete=True, is_final=True, is_verified=True,
        verifying_observer_name=CREATOR, verifying_organization="Ferndaal Hall", institution_name="Ferndaal Hall", **_own(number),
    )  # fmt: skip


def _key_objects(slices: list[Dataset]) -> Dataset:
    content = ko.KeyObjectSelection(codes.DCM.ForReferringProvider, slices[:2], description="for Dr Quellhorst")
    return ko.KeyObjectSelectionDocument(slices[:2], content, manufacturer="Synthetica", institution_name="Ferndaal Hall", **_own(23))


def _presentation(slices: list[Dataset]) -> Dataset:
    layer = pr.GraphicLayer("LAYER1", 1, description="by Quellhorst")
    text = pr.TextObject("lesion of Quellhorst", units=pr.AnnotationUnitsValues.PIXEL, anchor_point=(20.0, 20.0))
    note = pr.GraphicAnnotation(slices, layer, text_objects=[text])
    return pr.GrayscaleSoftcopyPresentationState(
        slices, content_label="MARKED", content_description="for Quellhorst", content_creator_name=CREATOR,
        graphic_annotations=[note], graphic_layers=[layer], concept_name=codes.DCM.PresentationState, **_own(30), **EQUIPMENT,
    )  # fmt: skip


def _map(slices: list[Dataset]) -> Dataset:
    mapping = pm.RealWorldValueMapping("1", "probability", codes.UCUM.NoUnits, [0.0, 1.0], slope=1.0, intercept=0.0)
    values = np.linspace(0, 1, 3 * slices[0].Rows * slices[0].Columns, dtype=np.float32).reshape(3, slices[0].Rows, slices[0].Columns)
    return pm.ParametricMap(
        slices, values, contains_recognizable_visual_features=False, real_world_value_mappings=[mapping],
        window_center=0.5, window_width=1.0, content_creator_name=CREATOR, **_own(31), **EQUIPMENT,
    )  # fmt: skip


def _slide(number: int, container: str) -> Dataset:
    """One tile of a slide, with the specimen's whole way to it."""
    slide = copy.deepcopy(dcmread(get_testdata_file("CT_small.dcm")))
    kept = {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID"}
    for element in list(slide):
        if element.keyword not in kept:
            del slide[element.tag]
    slide.PatientBirthDate, slide.AccessionNumber, slide.ReferringPhysicianName = "19530607", "S17-4471", CREATOR
    slide.SOPClassUID, slide.SOPInstanceUID = VLWholeSlideMicroscopyImageStorage, f"{ROOT}.2.5{number}"
    slide.file_meta.MediaStorageSOPClassUID, slide.file_meta.MediaStorageSOPInstanceUID = slide.SOPClassUID, slide.SOPInstanceUID
    slide.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slide.Modality, slide.SeriesInstanceUID, slide.SeriesNumber, slide.InstanceNumber = "SM", f"{ROOT}.1.5{number}", 50 + number, 1
    slide.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    slide.Manufacturer, slide.ManufacturerModelName, slide.SoftwareVersions, slide.DeviceSerialNumber = "Synthetica", "Scan", "1.0", "SN-7"
    slide.ContentDate = slide.AcquisitionDateTime = "20170612"
    slide.ContentTime = "101112"
    slide.AcquisitionContextSequence, slide.FrameOfReferenceUID, slide.PositionReferenceIndicator = [], f"{ROOT}.6.{number}", "SLIDE_CORNER"
    slide.Rows = slide.Columns = slide.TotalPixelMatrixRows = slide.TotalPixelMatrixColumns = 16
    slide.SamplesPerPixel, slide.PhotometricInterpretation, slide.PlanarConfiguration, slide.NumberOfFrames = 3, "RGB", 0, 1
    slide.BitsAllocated, slide.BitsStored, slide.HighBit, slide.PixelRepresentation = 8, 8, 7, 0
    slide.BurnedInAnnotation, slide.LossyImageCompression, slide.SpecimenLabelInImage, slide.FocusMethod = "NO", "00", "NO", "AUTO"
    slide.VolumetricProperties, slide.DimensionOrganizationType, slide.ExtendedDepthOfField = "VOLUME", "TILED_FULL", "NO"
    slide.ImagedVolumeWidth, slide.ImagedVolumeHeight, slide.ImagedVolumeDepth = 0.008, 0.008, 0.001
    slide.ImageOrientationSlide, slide.TotalPixelMatrixFocalPlanes, slide.NumberOfOpticalPaths = [0, -1, 0, -1, 0, 0], 1, 1
    origin = Dataset()
    origin.XOffsetInSlideCoordinateSystem, origin.YOffsetInSlideCoordinateSystem = 10.0, 20.0
    slide.TotalPixelMatrixOriginSequence = [origin]
    measures, frame_type, shared = Dataset(), Dataset(), Dataset()
    measures.SliceThickness, measures.PixelSpacing, measures.SpacingBetweenSlices = 0.001, [0.0005, 0.0005], 0.001
    frame_type.FrameType = slide.ImageType
    shared.PixelMeasuresSequence, shared.WholeSlideMicroscopyImageFrameTypeSequence = [measures], [frame_type]
    slide.SharedFunctionalGroupsSequence = [shared]
    light = Dataset()
    light.OpticalPathIdentifier = "1"
    light.IlluminationTypeCodeSequence = [hd.sr.CodedConcept("111744", "DCM", "Brightfield illumination")]
    light.IlluminationColorCodeSequence = [hd.sr.CodedConcept("414298005", "SCT", "Full Spectrum")]
    slide.OpticalPathSequence = [light]
    specimen = f"{container}-1"
    steps = [
        hd.SpecimenPreparationStep(
            specimen, hd.SpecimenCollection(procedure=codes.SCT.Biopsy), processing_description="taken by Quellhorst"
        ),
        hd.SpecimenPreparationStep(specimen, hd.SpecimenStaining([codes.SCT.HematoxylinStain, codes.SCT.WaterSolubleEosinStain])),
    ]
    slide.ContainerIdentifier, slide.IssuerOfTheContainerIdentifierSequence, slide.ContainerComponentSequence = container, [], []
    slide.ContainerTypeCodeSequence = [hd.sr.CodedConcept("433466003", "SCT", "Microscope slide")]
    slide.SpecimenDescriptionSequence = [hd.SpecimenDescription(specimen, f"{ROOT}.7.{number}", specimen_preparation_steps=steps)]
    slide.PixelData = bytes((7 * n + 1) % 251 for n in range(16 * 16 * 3))
    slide["PixelData"].VR = "OB"
    return slide


def _notes(slide: Dataset, number: int) -> Dataset:
    group = ann.AnnotationGroup(
        1, f"{ROOT}.8.{number}", "nuclei, said Quellhorst", codes.SCT.AnatomicalStructure, hd.sr.CodedConcept("84640000", "SCT", "Nucleus"),
        "POINT", [np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])], "AUTOMATIC", ALGORITHM,
    )  # fmt: skip
    return ann.MicroscopyBulkSimpleAnnotations(
        [slide], "2D", [group], content_creator_name=CREATOR, content_label="NOTES", **_own(60 + number), **EQUIPMENT
    )
