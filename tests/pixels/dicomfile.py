"""Pictures as DICOM files, in six transfer syntaxes, and the numbers of pixels out of files."""

import io

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from pictures import EXPLICIT, IMPLICIT, JPEG, JPEG_2000, JPEG_LOSSLESS, RLE, SCENES, Picture

LETTERS = str.maketrans("0123456789", "BCDFGHJKLM")
ROOT = "1.2.826.0.1.3680043.10.999"
SYNTAXES = {
    EXPLICIT: ExplicitVRLittleEndian,
    IMPLICIT: ImplicitVRLittleEndian,
    RLE: RLELossless,
    JPEG: JPEGBaseline8Bit,
    JPEG_LOSSLESS: JPEGLosslessSV1,
    JPEG_2000: JPEG2000Lossless,
}
MULTI_FRAME = {
    "1.2.840.10008.5.1.4.1.1.6.1": "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.4": "1.2.840.10008.5.1.4.1.1.4.1",
}


def data_sets(picture: Picture):
    """A data set for each instance, and its pixels as a reader gets them: other than what was painted where compression loses."""
    for number, stored in enumerate(picture.stored, 1):
        yield _data_set(picture, number, stored)


def _data_set(picture, number, stored):
    spec, scene = picture.spec, SCENES[picture.spec.scene]
    data = Dataset()
    data.SOPClassUID = MULTI_FRAME.get(scene.sop_class, scene.sop_class) if len(stored) > 1 else scene.sop_class
    data.SOPInstanceUID = f"{ROOT}.{spec.seed}.{spec.number}.{number}"
    data.StudyInstanceUID, data.SeriesInstanceUID = f"{ROOT}.{spec.seed}.{spec.number}", f"{ROOT}.{spec.seed}.{spec.number}.0"
    data.FrameOfReferenceUID = f"{ROOT}.{spec.seed}.{spec.number}.99"
    # No number of the header, or else what is left of it would be found again.
    data.PatientID, data.PatientName = "QX" + str(spec.number).translate(LETTERS), "ZZYZX^WREN"
    data.PatientBirthDate, data.PatientSex, data.ReferringPhysicianName = "", "O", ""
    data.StudyDate, data.StudyTime, data.StudyID, data.AccessionNumber = "20240307", "101500", "1", ""
    data.Modality, data.SeriesNumber, data.InstanceNumber = scene.modality, spec.number, number
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 5.0 * number], [1, 0, 0, 0, 1, 0]
    for keyword, value in scene.extra:
        setattr(data, keyword, value)
    if spec.flag:
        data.BurnedInAnnotation = spec.flag
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = SYNTAXES[spec.syntax]
    _describe(data, picture, stored)
    return data, _put(data, spec, stored)


def _describe(data, picture, stored):
    form = picture.spec.form
    data.Rows, data.Columns = stored.shape[1:3]
    if len(stored) > 1:
        data.NumberOfFrames = len(stored)
    data.SamplesPerPixel = 3 if stored.ndim == 4 else 1
    data.BitsAllocated = stored.dtype.itemsize * 8
    data.BitsStored = 12 if form in {"grey12", "inverse12", "high bits"} else data.BitsAllocated
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = 1 if stored.dtype == np.int16 else 0
    data.PhotometricInterpretation = "MONOCHROME1" if form.startswith("inverse") else "MONOCHROME2"
    if stored.ndim == 4:
        data.PhotometricInterpretation, data.PlanarConfiguration = "RGB", 1 if form == "rgb planes" else 0
    if stored.dtype == np.int16:
        data.RescaleIntercept, data.RescaleSlope = 0, 1
        data.PixelPaddingValue = -2000
        data.WindowCenter, data.WindowWidth = 1000, 4000
    elif data.BitsAllocated == 16:
        data.WindowCenter, data.WindowWidth = 2048, 4096
    if picture.palette is not None:
        data.PhotometricInterpretation = "PALETTE COLOR"
        for colour, values in zip(("Red", "Green", "Blue"), picture.palette.T, strict=True):
            setattr(data, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
            setattr(data, f"{colour}PaletteColorLookupTableData", (values.astype("<u2") * 257).tobytes())


def _put(data, spec, stored):
    """Puts the pixels into a data set, and gives them as they can be read from it."""
    seen = stored
    if spec.syntax in {EXPLICIT, IMPLICIT}:
        raw = np.moveaxis(stored, -1, 1) if spec.form == "rgb planes" else stored
        raw = np.ascontiguousarray(raw).tobytes()
        data.PixelData = raw + b"\0" * (len(raw) % 2)
    elif spec.syntax == JPEG:
        coded = [_jpeg(frame) for frame in stored]
        seen = np.stack([np.asarray(Image.open(io.BytesIO(each)).convert("RGB" if stored.ndim == 4 else "L")) for each in coded])
        data.PixelData = encapsulate(coded)
        data.LossyImageCompression, data.LossyImageCompressionRatio, data.LossyImageCompressionMethod = "01", 8, "ISO_10918_1"
        if stored.ndim == 4:
            data.PhotometricInterpretation = "YBR_FULL"
    elif spec.syntax == JPEG_LOSSLESS:
        data.PixelData = encapsulate([lossless_jpeg(frame, data.BitsStored) for frame in stored])
    else:
        if stored.ndim == 4 and spec.syntax == JPEG_2000:
            data.PhotometricInterpretation = "YBR_RCT"
        syntax = data.file_meta.TransferSyntaxUID
        # High bits would be cut off where only Bits Stored are compressed.
        bits, data.BitsStored, data.HighBit = data.BitsStored, data.BitsAllocated, data.BitsAllocated - 1
        if spec.form != "high bits":
            data.BitsStored, data.HighBit = bits, bits - 1
        data.compress(syntax, np.squeeze(stored, 0) if len(stored) == 1 else stored, generate_instance_uid=False)
        data.BitsStored, data.HighBit = bits, bits - 1
    data["PixelData"].VR = "OW" if data.BitsAllocated == 16 and spec.syntax in {EXPLICIT, IMPLICIT} else "OB"
    if spec.syntax not in {EXPLICIT, IMPLICIT}:
        data["PixelData"].is_undefined_length = True
    return seen


def _jpeg(frame):
    coded = io.BytesIO()
    Image.fromarray(frame).save(coded, "JPEG", quality=92, subsampling=0)
    return coded.getvalue()


def lossless_jpeg(frame: np.ndarray, bits: int) -> bytes:
    """A grey frame as JPEG, Process 14, first-order prediction (ISO 10918-1, annex H). All 17 categories have codes of five bits."""
    numbers = frame.astype(np.int64)
    predicted = np.empty_like(numbers)
    predicted[:, 1:], predicted[1:, 0], predicted[0, 0] = numbers[:, :-1], numbers[:-1, 0], 1 << (bits - 1)
    change = (numbers - predicted + (1 << 15)) % (1 << 16) - (1 << 15)
    change = change.ravel()
    category = np.where(change == 0, 0, np.floor(np.log2(np.maximum(np.abs(change), 1))).astype(np.int64) + 1)
    rest = np.where(change < 0, change + (1 << category) - 1, change)
    word, length = (category << category) | rest, category + 5
    place = np.arange(21)
    bit_fields = (word[:, None] >> np.maximum(length[:, None] - 1 - place, 0)) & 1
    stream = np.packbits(np.concatenate([bit_fields[place < length[:, None]], np.ones(-int(length.sum()) % 8, np.int64)]).astype(np.uint8))
    scan = stream.tobytes().replace(b"\xff", b"\xff\x00")
    height, width = frame.shape
    start = bytes([0xFF, 0xC3, 0, 11, bits]) + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([1, 1, 0x11, 0])
    table = bytes([0xFF, 0xC4, 0, 36, 0, 0, 0, 0, 0, 17] + [0] * 11 + list(range(17)))
    return b"\xff\xd8" + start + table + bytes([0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0]) + scan + b"\xff\xd9"


def fragments(data: Dataset) -> list[bytes]:
    """The frames of a compressed picture, as they are coded."""
    return [frame.rstrip(b"\0") for frame in generate_frames(data.PixelData, number_of_frames=int(data.get("NumberOfFrames", 1)))]


def pixels(data: Dataset) -> np.ndarray:
    """Stored numbers as frames, rows, columns and, where there are colours, samples in red, green and blue."""
    frames, samples = int(data.get("NumberOfFrames", 1) or 1), data.SamplesPerPixel
    shape = (frames, data.Rows, data.Columns) + ((samples,) if samples > 1 else ())
    if data.file_meta.TransferSyntaxUID.is_compressed:
        data.pixel_array_options(correct_unused_bits=False)
        return data.pixel_array.reshape(shape)
    number = np.dtype({8: "u1", 16: "<i2" if data.PixelRepresentation else "<u2"}[data.BitsAllocated])
    numbers = np.frombuffer(data.PixelData, number, int(np.prod(shape)))
    if samples > 1 and data.PlanarConfiguration == 1:
        return np.moveaxis(numbers.reshape(frames, samples, data.Rows, data.Columns), 1, -1)
    return numbers.reshape(shape)
