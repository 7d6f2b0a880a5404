"""Folders of files to decide on. Everything in them is invented; UIDs and times are fixed."""

import calendar
import io
import os

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

ROOT = "1.2.826.0.1.3680043.10.1561.7"
MORNING = (2024, 5, 17, 10, 30, 45)


def dicom(study=1, series=1, number=1, **elements):
    """A small MR image with these elements."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = MRImageStorage
    data.StudyInstanceUID = f"{ROOT}.{study}"
    data.SeriesInstanceUID = f"{ROOT}.{study}.{series}"
    data.SOPInstanceUID = f"{ROOT}.{study}.{series}.{number}"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.Modality = "MR"
    data.InstanceNumber = number
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    data.Rows = data.Columns = 2
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 7, 0, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PixelData = b"\0\1\2\3"
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def patient(number, **elements):
    usual = {
        "PatientID": f"PX-{number:04}",
        "PatientName": "Muster^Eva",
        "PatientSex": "F",
        "PatientAge": "041Y",
        "PatientWeight": "62.5",
        "StudyDate": "20240311",
        "StudyTime": "081530.25",
        "SeriesDate": "20240311",
        "SeriesTime": "0820",
    }
    return {**usual, **elements}


FILES = [
    ("cohort/M001/base/T1/0001.dcm", dicom(1, 1, 1, **patient(1, SeriesNumber=2, SeriesDescription="T1 mprage", StudyDescription="Brain A"))),
    ("cohort/M001/base/T1/0002.dcm", dicom(1, 1, 2, **patient(1, SeriesNumber=2, SeriesDescription="T1 mprage", StudyDescription="Brain A"))),
    ("cohort/M001/base/T2star/I1", dicom(1, 2, 1, **patient(1, SeriesNumber=3, SeriesDescription="T2* fl/2d"))),
    ("cohort/M001/base/scout/S.DCM", dicom(1, 3, 1, **patient(1, SeriesNumber=0, ProtocolName="scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))),
    ("cohort/M002/followup/a/b/c/0001.dcm", dicom(2, 1, 1, **patient(2, StudyDate="", StudyTime="", SeriesDescription="flair", Modality="CT"))),
    ("cohort/M002/followup/dwi/0001.dcm", dicom(2, 2, 1, PatientBirthDate="19810203", AcquisitionDateTime="20240311093000+0100", EchoTime="2.50", PixelSpacing=["0.5", "1"])),
    ("cohort/M003/0001.dcm", dicom(3, 1, 1)),
    ("cohort/M003/notes.txt", b"notes"),
    ("cohort/M003/.hidden.dcm", b"x"),
    ("sites/BER_P07_20240311_v1/scan/x.dat", b"1"),
    ("sites/BER_P08_11.03.2024_v2/scan/x.dat", b"12"),
    ("sites/HAM_P123_240311_v1/scan/y.dat", b"123"),
    ("bids/sub-01/ses-A/anat/sub-01_ses-A_T1w.nii.gz", b"\x1f\x8b" + b"0" * 3000, (2024, 6, 1, 0, 0, 0)),
    ("bids/sub-01/ses-A/anat/sub-01_ses-A_T1w.json", b"{}"),
    ("bids/sub-02/func/sub-02_task-rest_run-2_bold.nii", b"0" * 1048576, (2023, 12, 31, 23, 59, 59)),
    ("bids/participants.tsv", b"a\tb\n"),
    ("odd/na me /v 1./a=b.dat", b"1"),
    ("odd/[x]/y!z/1.2.840.113619.2.55.7.dat", b"2"),
    ("odd/Grö ße/T2*w/q?.dat", b"3"),
    ("odd/" + "l" * 70 + "/" + "m" * 62 + "..v/" + "n" * 140 + "/z.dat", b"4"),
    ("odd/a^b/c:d|e/日本.dat", b"5"),
    ("odd/{k}/v+1/(w).dat", b"6"),
    ("top.pdf", b"%PDF"),
    ("README", b"read"),
]


def write(root, files=FILES):
    for path, content, *when in files:
        real = os.path.join(root, *path.split("/"))
        os.makedirs(os.path.dirname(real), exist_ok=True)
        with open(real, "wb") as out:
            out.write(content)
        seconds = calendar.timegm((*(when[0] if when else MORNING), 0, 0, 0))
        os.utime(real, (seconds, seconds))
