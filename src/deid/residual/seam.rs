//! What the check has to know of the standard: which attributes identify, which words everybody uses, and how a date may
//! be spelled.

use chrono::NaiveDate;

use crate::dicom::{Tag, VR};

/// Whether the values of an attribute are identifiers, whose parts identify as well.
pub(super) fn is_identifier(tag: Tag, vr: VR) -> bool {
    vr == VR::PN || IDENTIFIERS.contains(&tag)
}

const IDENTIFIERS: [Tag; 16] = [
    Tag(0x0008, 0x0050),
    Tag(0x0010, 0x0020),
    Tag(0x0010, 0x1000),
    Tag(0x0010, 0x1001),
    Tag(0x0010, 0x1040),
    Tag(0x0010, 0x1090),
    Tag(0x0010, 0x2154),
    Tag(0x0018, 0x1000),
    Tag(0x0020, 0x0010),
    Tag(0x0038, 0x0010),
    Tag(0x0040, 0x0253),
    Tag(0x0040, 0x1001),
    Tag(0x0040, 0x2016),
    Tag(0x0040, 0x2017),
    Tag(0x0012, 0x0040),
    Tag(0x0012, 0x0042),
];

/// Whether a word in lower case is one that everybody uses.
pub(super) fn is_common_word(lower: &str) -> bool {
    WORDS.binary_search(&lower).is_ok()
}

#[rustfmt::skip]
const WORDS: [&str; 220] = [
    "abdomen", "abdominal", "acquisition", "adult", "after", "angio", "ankle", "anon", "anonymized",
    "anonymous", "anterior", "aorta", "arterial", "axial", "baby", "base", "baseline", "before",
    "bilateral", "biopsy", "bone", "brain", "breast", "cardiac", "center", "central", "cervical",
    "chest", "child", "clinic", "clinical", "compressed", "contrast", "control", "coronal", "coronary",
    "cranial", "data", "default", "delayed", "department", "derived", "diffusion", "digital", "dose",
    "dynamic", "early", "echo", "elbow", "emergency", "enhanced", "exam", "examination", "extremity",
    "female", "femur", "field", "film", "finger", "flair", "flow", "follow", "foot",
    "frame", "full", "function", "general", "group", "hand", "head", "heart", "helical",
    "high", "hospital", "image", "images", "imaging", "implant", "inferior", "initial", "institute",
    "institution", "internal", "jpeg", "kidney", "knee", "large", "lateral", "left", "liver",
    "localizer", "lossless", "lossy", "lower", "lumbar", "lung", "lungs", "male", "mammo",
    "mammography", "manual", "mapping", "mask", "measurement", "mediastinum", "medical", "medicine", "medium",
    "model", "monitor", "mouse", "multi", "name", "neck", "neuro", "none", "normal",
    "nuclear", "number", "oblique", "original", "other", "outside", "patient", "pelvis", "perfusion",
    "person", "phantom", "phase", "physician", "planar", "plane", "planning", "position", "posterior",
    "preview", "primary", "processed", "protocol", "proton", "quality", "radiation", "radiology", "rapid",
    "reading", "recon", "reconstruction", "reference", "referring", "region", "report", "research", "right",
    "routine", "sagittal", "sample", "samples", "scan", "scanner", "scout", "screen", "screening",
    "secondary", "section", "segment", "sequence", "series", "service", "short", "shoulder", "side",
    "single", "skull", "slice", "slow", "small", "soft", "source", "spin", "spine",
    "standard", "standing", "static", "station", "stress", "structure", "study", "subject", "superior",
    "supine", "survey", "system", "technique", "template", "test", "thick", "thin", "thoracic",
    "thorax", "time", "tissue", "total", "treatment", "turbo", "ultrasound", "unit", "university",
    "unknown", "unspecified", "upper", "value", "vascular", "venous", "vessel", "view", "volume",
    "whole", "wrist", "xray", "zoom",
];

/// A date as people and programs write it, besides its eight digits.
pub(super) fn spellings(date: NaiveDate) -> Vec<String> {
    const FORMATS: [&str; 17] = [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%d-%m-%Y",
        "%m/%d/%Y",
        "%m-%d-%Y",
        "%-d.%-m.%Y",
        "%-d/%-m/%Y",
        "%-m/%-d/%Y",
        "%d-%b-%Y",
        "%d %b %Y",
        "%b %-d %Y",
        "%b %-d, %Y",
        "%-d %B %Y",
        "%B %-d, %Y",
    ];
    FORMATS.iter().map(|format| date.format(format).to_string()).collect()
}
