//! The sentences of the conformance statement, by section. None says more than is done: what depends
//! on the file or its IOD is said to depend on it.

use super::{Topic, images};
use crate::profile::basic_profile::{
    Confidentiality, DateShift, Encapsulated, OnLeak, Unlisted, Unparseable,
};
use crate::profile::image_rules::{BurnedIn, Faces};
use crate::profile::model::Profile;
use crate::standard::confidentiality::ConfidentialityOption as O;
use dicom_lossless::escape_for_terminal;

/// The sections in their order: topic, name for programs, title, and the sentences that hold for all
/// of it.
pub const SECTIONS: [(Topic, &str, &str, Sentences); 16] = [
    (Topic::Patient, "patient", "The patient", patient),
    (Topic::Removed, "removed", "Removed", removed),
    (
        Topic::Replaced,
        "replaced",
        "Emptied or replaced by dummies",
        replaced,
    ),
    (Topic::Uids, "uids", "UIDs", uids),
    (Topic::Kept, "kept", "Kept", kept),
    (Topic::Dates, "dates", "Dates and times", dates),
    (Topic::Private, "private", "Private elements", private),
    (
        Topic::Descriptors,
        "descriptors",
        "Descriptors and other text",
        descriptors,
    ),
    (
        Topic::Content,
        "structured-content",
        "Structured content",
        content,
    ),
    (
        Topic::Graphics,
        "graphics",
        "Graphics, overlays and curves",
        graphics,
    ),
    (Topic::Pixels, "pixels", "Pixel data", pixels),
    (
        Topic::Documents,
        "documents",
        "Encapsulated documents",
        documents,
    ),
    (
        Topic::Unlisted,
        "unlisted",
        "Attributes that Table E.1-1 does not list",
        unlisted,
    ),
    (Topic::Exceptions, "fields", "Fields of the profile", fields),
    (Topic::Marks, "marks", "Attributes inserted", marks),
    (
        Topic::Residual,
        "residual",
        "Check before sending",
        residual,
    ),
];

type Sentences = fn(&Profile, &Confidentiality) -> Vec<String>;

fn sentences<const N: usize>(all: [&str; N]) -> Vec<String> {
    all.map(str::to_owned).to_vec()
}

fn patient(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let looks = &confidentiality.pseudonyms;
    vec![
        format!(
            "Patient ID and Patient's Name become `{}` and {} letters and digits: HMAC-SHA256 of \
                the Patient ID with the project's key, the same in every file, run and machine \
                that has the key. The table has Z/D and Z; a dummy is what it allows.",
            looks.prefix, looks.width
        ),
        "An instance without a usable Patient ID gets a pseudonym of its study, with a warning; \
            an absent Patient ID is inserted."
            .to_owned(),
    ]
}

fn removed(_: &Profile, _: &Confidentiality) -> Vec<String> {
    sentences([
        "At every nesting level, a sequence with all that is in it.",
        "The preamble is zeroed and file meta information written afresh; group lengths go.",
    ])
}

fn replaced(_: &Profile, _: &Confidentiality) -> Vec<String> {
    sentences([
        "A dummy is a constant that is legal for the VR: `REMOVED` for text and names, `UNKNOWN` \
            for CS, 19000101 for dates and 000000 for times, `999Y` for ages, 0 for numbers, \
            zeroes for bytes. A sequence of codes holds the code for \"unknown\" (261665006, \
            SCT). An empty value stays empty, and nothing is put where there was nothing. \
            Identifiers of containers, specimens and lesions, and those of other things that an \
            IOD asks for, become `ID-` and 12 letters and digits, keyed as those of patients.",
        "Where the table leaves a choice, it is the first that the Type of the attribute in the \
            IOD allows: removal for Type 3, an empty value for Type 2, a dummy for Type 1. Where \
            the IOD or the Type is not known, it is the last, which breaks no IOD. By the same \
            Types what would be removed is emptied or gets a dummy, and what would be emptied \
            gets a dummy.",
    ])
}

fn uids(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    if confidentiality.has(O::RetainUids) {
        return sentences([
            "UIDs stay as they are, at every nesting level, in text too, but for those that are \
                named here.",
        ]);
    }
    sentences([
        "Keyed: `2.25.` and a number made by HMAC-SHA256 of the original with the project's key. \
            The same original UID gives the same new one in every file, run and machine that has \
            the key, so references stay intact; without the key the original cannot be computed or \
            confirmed.",
        "UIDs that a standard registers (SOP classes, transfer syntaxes, coding schemes, \
            well-known frames of reference) are unchanged. UIDs of instances are replaced in text \
            attributes that stay, too.",
    ])
}

fn kept(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let mut said = sentences([
        "What neither table nor list names stays where it is a code, a number, pixels or \
            structure.",
        "Numbers, dates and UIDs that hold anything but digits and signs are emptied.",
    ]);
    if confidentiality.has(O::RetainPatientCharacteristics) {
        said.push("Ages over 89 become `090Y`.".to_owned());
    }
    said
}

fn dates(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    if confidentiality.has(O::RetainFullDates) {
        return sentences(["Dates and times of Table E.1-1 stay as they are (UNMODIFIED)."]);
    }
    if !confidentiality.has(O::RetainModifiedDates) {
        return sentences([
            "None stays: each is removed, emptied or a dummy, as its row says (REMOVED).",
        ]);
    }
    let by = match confidentiality.shift {
        DateShift::PerPatient => {
            "Dates move backwards by whole weeks, 52 to 520 of them, drawn for each patient by \
                HMAC-SHA256 of the Patient ID with the project's key: intervals and days of the \
                week stay, times of day do not change (MODIFIED)."
                .to_owned()
        }
        DateShift::Days(days) => format!(
            "Dates move by {days:+} days, the same for every patient: who knows one original date \
                knows all of them (MODIFIED)."
        ),
    };
    let unread = match confidentiality.unparseable {
        Unparseable::ByType => {
            "A value that is no date, time or age as its VR wants it is removed where the \
                attribute is of Type 3, emptied where it is of Type 2, and fails its file where \
                it is of Type 1."
        }
        Unparseable::Fail => "A value that is no date as its VR wants it fails its file.",
        Unparseable::Remove => {
            "A value that is no date as its VR wants it is treated as without the option."
        }
    };
    let others = "Only events of the patient's story move. Dates of devices, products and \
        vocabularies can be looked up, so moving them would tell by how much: they are treated as \
        without the option.";
    vec![
        by,
        others.to_owned(),
        "A date within a text is removed, not moved.".to_owned(),
        unread.to_owned(),
    ]
}

fn private(profile: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let rules = &profile.dicom;
    if rules.remove_private_tags {
        return sentences(["All are removed, but for those that fields name by creator."]);
    }
    if !confidentiality.has(O::RetainSafePrivate) {
        return sentences([
            "All are removed, at every nesting level, but for those that fields name.",
        ]);
    }
    sentences([
        "Kept is what the file's own Private Data Element Characteristics Sequence calls safe or \
            non-identifying, else what Table E.3.10-1 lists, by creator, group, element and VR, \
            in whatever block the creator has; with it its creator. All others are removed.",
        "What is kept is cleaned: texts keep only words that are known safe, dates and UIDs are \
            treated as elsewhere, names of persons, AE titles and URLs go. A Deidentification \
            Action in the file is carried out.",
    ])
}

fn descriptors(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let how = "A text keeps the words of a built-in list of radiological and protocol vocabulary; \
        every other word, every date, and everything that the instance says of patient, \
        physicians, identifiers and institution goes. Where nothing is left, the attribute is \
        treated as without the option.";
    if confidentiality.has(O::CleanDescriptors) {
        return vec![how.to_owned()];
    }
    let unlisted = "Descriptors of Table E.1-1 go as their rows say.";
    match confidentiality.unlisted {
        Unlisted::KeepKnownSafe => vec![
            unlisted.to_owned(),
            format!("Texts that the table does not list are cleaned. {how}"),
        ],
        Unlisted::Keep | Unlisted::Remove => vec![unlisted.to_owned()],
    }
}

fn content(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    if confidentiality.has(O::CleanStructuredContent) {
        return sentences([
            "Content items are cleaned by concept (Table E.3.4-1) in whatever sequence they \
                stand; where it does not list the concept, each value by what it is, whatever the \
                Value Type says.",
        ]);
    }
    sentences([
        "Content trees keep containers, references and places in what is referenced; all other \
            items go. Where items are referred to by number, a comment that says nothing takes \
            their place, and a tree that would be empty gets one.",
    ])
}

fn graphics(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let overlays = "Overlays and curves are removed: they are pictures, which are not looked into.";
    let drawn = if confidentiality.has(O::CleanGraphics) {
        "Annotations stay: drawings as they are, texts as a dummy, or cleaned under Clean \
            Descriptors."
    } else {
        "Every drawing becomes one point, and every text a dummy."
    };
    sentences([overlays, drawn])
}

fn pixels(profile: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let rules = &profile.dicom;
    let mut said = if rules.pixels.looks_for_text() {
        images::looks(rules)
    } else if rules.keeps_burned_in() {
        vec!["Pixel data goes as it came: text burned into the image is not looked for."]
    } else {
        vec![
            "Pixels are not read. An image whose attributes say that it may show text (Burned In \
                Annotation, secondary captures, ultrasound, dose screens, scanned documents) is \
                refused, unless the profile has regions for it.",
        ]
    };
    said.extend([
        "Comments and application segments inside compressed frames are overwritten with zeros.",
        "Of an ICC profile stays what says how colours are meant; one that cannot be read goes.",
        match rules.pixels.faces {
            Faces::Keep if rules.pixels.looks_for_text() => {
                "Faces that could be recognised are not removed; CT and MR series of a head with \
                    enough slices to make one of are told."
            }
            Faces::Keep => "Faces that could be recognised are not removed.",
            Faces::Refuse => images::REFUSED_FACES,
        },
    ]);
    if rules.alter_pixels.is_some() {
        said.push("`alter_pixels` blanks regions where its conditions hold.");
    }
    if rules.pixels.burned_in == BurnedIn::Detect || rules.pixels.blank_finds {
        said.push(
            "Clean Pixel Data (113101) is claimed, and Burned In Annotation set to NO, only where \
                something was blanked and a second look found nothing.",
        );
    } else if confidentiality.has(O::CleanPixelData) {
        said.push(
            "Clean Pixel Data is claimed, and Burned In Annotation set to NO, only where regions \
                were blanked or known to need none.",
        );
    }
    if rules.pixels.looks_for_text() {
        said.push("Where text was found and stays, no Burned In Annotation of NO stays beside it.");
    }
    said.into_iter()
        .map(str::to_owned)
        .collect()
}

fn documents(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let what = match confidentiality.encapsulated {
        Encapsulated::Refuse => {
            "A file with a document in it (PDF, CDA, STL and the like) is refused: documents are \
                not looked into."
        }
        Encapsulated::Remove => "The document is taken out, and two zero bytes stay in its place.",
        Encapsulated::Keep => {
            "Documents are sent unchanged and unchecked. Their files do not claim \
                the Basic Profile."
        }
    };
    sentences([what])
}

fn unlisted(_: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let how = match confidentiality.unlisted {
        Unlisted::KeepKnownSafe => {
            "By role: below are those of the dictionary that may tell something. Of all others, \
                names of persons and whatever the dictionary does not know is removed, UIDs of \
                instances are new, and codes, numbers, structure and texts that equipment writes \
                for settings and codes stay; other texts are cleaned."
        }
        Unlisted::Keep => {
            "They stay, whatever they may tell; private ones and those below go as said."
        }
        Unlisted::Remove => {
            "By role, strictly: whatever may hold a text, a time or bytes of unknown meaning \
                goes, by the Type of the attribute. Codes, terms that the standard defines, \
                numbers, pixels and structure stay."
        }
    };
    vec![how.to_owned()]
}

fn fields(profile: &Profile, _: &Confidentiality) -> Vec<String> {
    let rules = &profile.dicom;
    let mut said = Vec::new();
    if rules.fields.is_empty() {
        said.push("None: the table acts everywhere.".to_owned());
    } else {
        said.push(
            "The table leaves alone what a field names; fields then act, in this order. A \
            file in which a field kept or passed on something of what the Basic Profile takes \
            does not claim the Basic Profile in its codes, and says \"with exceptions\"."
                .to_owned(),
        );
    }
    if rules.remove_undefined {
        said.push("What no field names is removed (`remove-undefined`).".to_owned());
    }
    said.extend(
        profile
            .notes
            .iter()
            .map(|note| format!("Note: {}", escape_for_terminal(note))),
    );
    said
}

fn marks(profile: &Profile, confidentiality: &Confidentiality) -> Vec<String> {
    let temporal = match () {
        () if confidentiality.has(O::RetainFullDates) => "UNMODIFIED",
        () if confidentiality.has(O::RetainModifiedDates) => "MODIFIED",
        () => "REMOVED",
    };
    let codes = confidentiality
        .options
        .iter()
        .filter(|option| *option != O::CleanPixelData)
        .map(O::method_code);
    let codes: Vec<&str> = std::iter::once("113100")
        .chain(codes)
        .collect();
    let mut said = vec![
        "PatientIdentityRemoved (0012,0062): YES.".to_owned(),
        "DeidentificationMethod (0012,0063): program, edition and options, added to what is \
            there."
            .to_owned(),
        format!(
            "DeidentificationMethodCodeSequence (0012,0064): {} (DCM), added to what is there; \
                only what was done to the instance.",
            codes.join(", ")
        ),
        format!("LongitudinalTemporalInformationModified (0028,0303): {temporal}."),
        "ContributingEquipmentSequence (0018,A001): an item for fwupload with purpose 109104 \
            (DCM, De-identifying Equipment)."
            .to_owned(),
    ];
    let pixels = &profile.dicom.pixels;
    if pixels.burned_in == BurnedIn::Detect || pixels.blank_finds {
        said.push(
            "BurnedInAnnotation (0028,0301): NO, and 113101 (DCM) among the codes, only where \
                text was blanked and a second look found nothing."
                .to_owned(),
        );
    }
    said
}

fn residual(profile: &Profile, _: &Confidentiality) -> Vec<String> {
    let rules = &profile.dicom;
    let then = match rules.residual.on_leak {
        OnLeak::Fail => "A find fails the file.",
        OnLeak::Warn => "A find is a warning, and the file is sent.",
    };
    vec![format!(
        "The bytes about to be sent, names and labels with them, are searched for the values that \
            were removed or changed, of {} characters and more. {then}",
        rules.residual.min_length
    )]
}
