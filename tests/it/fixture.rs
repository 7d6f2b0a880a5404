//! DICOM files made in code with dicom-object, so that the product's own writer does not vouch for
//! itself.
//!
//! No real person. Every identifying value holds a mark ([`needles`] lists them all), so that one
//! search through everything that leaves the machine finds a leak. Values that are no secret
//! (modality, descriptions, image geometry) never hold one. Each byte is determined by the
//! arguments.

// Two crates use this file, the tests and `examples/make_study.rs`, and neither uses all of it.
#![allow(dead_code)]

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

/// Stands in every identifying text.
pub const MARK: &str = "CANARY";
/// Stands in names of files and folders that a test wants never to leave the machine.
pub const PATH_MARK: &str = "PATHMARK";
/// The root of every UID made here: a documentation arc, so the UIDs name nothing.
pub const UID_ROOT: &str = "1.2.826.0.1.3680043.10.9999";
/// The person's birth date in every fixture.
pub const BIRTH_DATE: &str = "19330717";
/// The date of every study made here.
pub const STUDY_DATE: &str = "20230914";
/// Written into the preamble and other places that no data element covers.
pub const PREAMBLE_TEXT: &[u8] = b"CANARY in the preamble";

/// A profile that cleans every fixture and keeps descriptions and dates, so that labels tell the
/// series apart.
pub const CODED: &str = "name: coded
dicom:
  recurse-sequence: true
  remove-private-tags: true
  fields:
    - {name: PatientID, hash: true}
    - {name: PatientName, remove: true}
    - {name: PatientBirthDate, remove: true}
    - {name: InstitutionName, remove: true}
    - {name: InstitutionAddress, remove: true}
    - {name: InstitutionalDepartmentName, remove: true}
    - {name: ReferringPhysicianName, remove: true}
    - {name: PerformingPhysicianName, remove: true}
    - {name: OperatorsName, remove: true}
    - {name: StationName, remove: true}
    - {name: PersonName, remove: true}
    - {name: DataSetTrailingPadding, remove: true}
    - {name: AccessionNumber, remove: true}
    - {name: RequestedProcedureID, remove: true}
    - {name: StudyID, remove: true}
    - {name: OtherPatientIDsSequence, remove: true}
    - {name: PatientAddress, remove: true}
    - {name: PatientTelephoneNumbers, remove: true}
    - {name: PatientComments, remove: true}
    - {name: SOPInstanceUID, hashuid: true}
    - {name: SeriesInstanceUID, hashuid: true}
    - {name: StudyInstanceUID, hashuid: true}
";

/// [`CODED`], and all UIDs that point elsewhere.
pub fn coded_to_the_last_uid() -> String {
    CODED.to_owned()
        + "    - {name: FrameOfReferenceUID, hashuid: true}
    - {name: ReferencedSOPInstanceUID, hashuid: true}
"
}

/// What must not be found in anything that was cleaned: each byte string is an identifying value or
/// a part of one.
pub fn needles() -> Vec<Vec<u8>> {
    let mut needles: Vec<Vec<u8>> = [
        MARK,
        UID_ROOT,
        BIRTH_DATE,
        "Ottoline",
        "Quillfeather",
        "Gallowglass",
        "555-0142",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    needles.extend(
        [Person::latin(), Person::japanese(), Person::unicode()]
            .into_iter()
            .map(|p| p.name),
    );
    needles
}

/// The needles found in `bytes`, ASCII letters compared without regard to case.
pub fn found_in(bytes: &[u8]) -> Vec<String> {
    let lower = bytes.to_ascii_lowercase();
    let found = |needle: &Vec<u8>| {
        lower
            .windows(needle.len())
            .any(|window| window == needle.to_ascii_lowercase())
    };
    needles()
        .iter()
        .filter(|n| found(n))
        .map(|n| String::from_utf8_lossy(n).into_owned())
        .collect()
}

/// A synthetic person, with the character set that the name is written in.
#[derive(Clone)]
pub struct Person {
    /// Specific Character Set (0008,0005).
    pub character_set: &'static str,
    /// Patient's Name as bytes in that set.
    pub name: Vec<u8>,
    /// Patient ID.
    pub id: String,
    /// Tells the UIDs of one person from those of another.
    pub number: u32,
}

impl Person {
    /// A person whose name is plain ASCII.
    pub fn plain() -> Self {
        Self::numbered(1)
    }

    /// One of several persons.
    pub fn numbered(number: u32) -> Self {
        Self::new("ISO_IR 100", b"CANARY-Quillfeather^Ottoline", number)
    }

    /// A Latin-1 name.
    pub fn latin() -> Self {
        Self::new("ISO_IR 100", b"CANARY-M\xfcller^J\xfcrgen", 2)
    }

    /// A Japanese name in three component groups with ISO 2022 escapes (as in PS3.5 annex H.3).
    pub fn japanese() -> Self {
        let name = b"CANARY-Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        Self::new("\\ISO 2022 IR 87", name, 3)
    }

    /// A UTF-8 name.
    pub fn unicode() -> Self {
        Self::new("ISO_IR 192", "CANARY-Łęcka^Żaneta=王^小東".as_bytes(), 4)
    }

    fn new(character_set: &'static str, name: &[u8], number: u32) -> Self {
        Self {
            character_set,
            name: name.to_vec(),
            id: format!("CANARY-{number:04}"),
            number,
        }
    }

    /// A UID of this person's: the study, a series of it, an instance of that.
    pub fn uid(&self, series: u32, instance: u32) -> String {
        format!("{UID_ROOT}.{}.{series}.{instance}", self.number)
    }
}

/// A DICOM file in the making.
#[derive(Clone)]
pub struct Dicom {
    data: InMemDicomObject,
    syntax: &'static str,
}

impl Dicom {
    /// Slice `number` (from 1) of a small CT series: 32 by 32 pixels of 16 bits.
    pub fn ct(person: &Person, number: u32) -> Self {
        Self::image(person, uids::CT_IMAGE_STORAGE, "CT", 1, number, 32)
            .text(tags::SERIES_DESCRIPTION, VR::LO, "Thorax 1.0 B30f")
            .text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\AXIAL")
            .text(tags::KVP, VR::DS, "120")
            .text(tags::SLICE_THICKNESS, VR::DS, "1.0")
            .text(
                tags::IMAGE_POSITION_PATIENT,
                VR::DS,
                &format!("-16\\-16\\{number}"),
            )
            .text(tags::RESCALE_INTERCEPT, VR::DS, "-1024")
            .text(tags::RESCALE_SLOPE, VR::DS, "1")
    }

    /// A single MR image of 48 by 48 pixels, with a private block, a private sequence in UN, and
    /// padding after the pixels.
    pub fn mr(person: &Person) -> Self {
        Self::image(person, uids::MR_IMAGE_STORAGE, "MR", 2, 1, 48)
            .text(tags::SERIES_DESCRIPTION, VR::LO, "t1 mprage")
            .text(tags::MAGNETIC_FIELD_STRENGTH, VR::DS, "3")
            .text(tags::ECHO_TIME, VR::DS, "2.98")
            .text(Tag(0x0019, 0x0010), VR::LO, "ACME HEADER 1")
            .text(Tag(0x0019, 0x1001), VR::LO, "CANARY private text")
            .raw(
                Tag(0x0019, 0x1002),
                VR::UN,
                implicit_sequence(tags::PATIENT_NAME, b"CANARY^in UN"),
            )
            .raw(
                tags::DATA_SET_TRAILING_PADDING,
                VR::OB,
                b"CANARY after the pixels.".to_vec(),
            )
    }

    /// A structured report: content three levels deep that names persons, and references to the CT
    /// series.
    pub fn sr(person: &Person) -> Self {
        let observer = content(
            "PNAME",
            vec![put(tags::PERSON_NAME, VR::PN, "CANARY-Reader^Perpetua")],
        );
        let finding = content(
            "TEXT",
            vec![put(tags::TEXT_VALUE, VR::UT, "No abnormality seen.")],
        );
        let image = items(
            tags::REFERENCED_SOP_SEQUENCE,
            vec![object([
                put(
                    tags::REFERENCED_SOP_CLASS_UID,
                    VR::UI,
                    uids::CT_IMAGE_STORAGE,
                ),
                put(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &person.uid(1, 1)),
            ])],
        );
        let nested = content(
            "CONTAINER",
            vec![items(
                tags::CONTENT_SEQUENCE,
                vec![finding, content("IMAGE", vec![image])],
            )],
        );
        Self::identified(person, uids::BASIC_TEXT_SR_STORAGE, "SR", 3, 1)
            .text(tags::SERIES_DESCRIPTION, VR::LO, "Report")
            .text(tags::VALUE_TYPE, VR::CS, "CONTAINER")
            .text(tags::COMPLETION_FLAG, VR::CS, "COMPLETE")
            .text(tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED")
            .element(items(tags::CONTENT_SEQUENCE, vec![observer, nested]))
    }

    /// An ultrasound clip of frames with one byte a pixel.
    pub fn ultrasound(person: &Person, columns: u16, frames: &[Vec<u8>]) -> Self {
        let rows = u16::try_from(frames[0].len()).unwrap() / columns;
        let class = uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE;
        let sizes = [
            (tags::COLUMNS, columns),
            (tags::ROWS, rows),
            (tags::BITS_ALLOCATED, 8),
            (tags::BITS_STORED, 8),
            (tags::HIGH_BIT, 7),
        ];
        let mut clip = Self::image(person, class, "US", 4, 1, 0);
        for (tag, size) in sizes {
            clip = clip.element(DataElement::new(tag, VR::US, PrimitiveValue::from(size)));
        }
        clip.without(tags::PIXEL_SPACING)
            .without(tags::IMAGE_ORIENTATION_PATIENT)
            .without(tags::FRAME_OF_REFERENCE_UID)
            .text(tags::SERIES_DESCRIPTION, VR::LO, "Apical four chamber")
            .text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY")
            .text(tags::NUMBER_OF_FRAMES, VR::IS, &frames.len().to_string())
            .text(tags::FRAME_TIME, VR::DS, "40")
            .element(DataElement::new(
                tags::FRAME_INCREMENT_POINTER,
                VR::AT,
                PrimitiveValue::from(tags::FRAME_TIME),
            ))
            .raw(tags::PIXEL_DATA, VR::OB, frames.concat())
    }

    /// An image with a number of pixels a side, in a series of its own frame of reference.
    pub fn image(
        person: &Person,
        class: &str,
        modality: &str,
        series: u32,
        number: u32,
        side: u16,
    ) -> Self {
        Self::identified(person, class, modality, series, number)
            .element(DataElement::new(
                tags::SAMPLES_PER_PIXEL,
                VR::US,
                PrimitiveValue::from(1_u16),
            ))
            .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
            .element(DataElement::new(
                tags::ROWS,
                VR::US,
                PrimitiveValue::from(side),
            ))
            .element(DataElement::new(
                tags::COLUMNS,
                VR::US,
                PrimitiveValue::from(side),
            ))
            .element(DataElement::new(
                tags::BITS_ALLOCATED,
                VR::US,
                PrimitiveValue::from(16_u16),
            ))
            .element(DataElement::new(
                tags::BITS_STORED,
                VR::US,
                PrimitiveValue::from(12_u16),
            ))
            .element(DataElement::new(
                tags::HIGH_BIT,
                VR::US,
                PrimitiveValue::from(11_u16),
            ))
            .element(DataElement::new(
                tags::PIXEL_REPRESENTATION,
                VR::US,
                PrimitiveValue::from(0_u16),
            ))
            .text(tags::PIXEL_SPACING, VR::DS, "1.0\\1.0")
            .text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0")
            .text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &person.uid(series, 0))
            .pixels(side, number)
    }

    /// All that says who, when and where.
    pub fn identified(
        person: &Person,
        class: &str,
        modality: &str,
        series: u32,
        number: u32,
    ) -> Self {
        let study = person.uid(0, 0);
        let series_uid = format!("{UID_ROOT}.{}.{series}", person.number);
        let other_id = object([
            put(tags::PATIENT_ID, VR::LO, "CANARY-OTHER-ID"),
            put(tags::TYPE_OF_PATIENT_ID, VR::CS, "TEXT"),
        ]);
        let request = object([
            put(tags::ACCESSION_NUMBER, VR::SH, "CANARY-ACC2"),
            put(tags::REQUESTED_PROCEDURE_ID, VR::SH, "CANARY-RP"),
        ]);
        let referenced = object([
            put(tags::REFERENCED_SOP_CLASS_UID, VR::UI, class),
            put(
                tags::REFERENCED_SOP_INSTANCE_UID,
                VR::UI,
                &person.uid(series, 900),
            ),
        ]);
        Self {
            data: InMemDicomObject::new_empty(),
            syntax: uids::EXPLICIT_VR_LITTLE_ENDIAN,
        }
        .raw(
            tags::SPECIFIC_CHARACTER_SET,
            VR::CS,
            padded(person.character_set.as_bytes(), b' '),
        )
        .text(tags::SOP_CLASS_UID, VR::UI, class)
        .text(tags::SOP_INSTANCE_UID, VR::UI, &person.uid(series, number))
        .text(tags::STUDY_DATE, VR::DA, STUDY_DATE)
        .text(tags::SERIES_DATE, VR::DA, STUDY_DATE)
        .text(tags::ACQUISITION_DATE, VR::DA, STUDY_DATE)
        .text(tags::STUDY_TIME, VR::TM, "101530")
        .text(tags::SERIES_TIME, VR::TM, "101742")
        .text(tags::ACQUISITION_TIME, VR::TM, "101801")
        .text(tags::ACCESSION_NUMBER, VR::SH, "CANARY-ACC1")
        .text(tags::MODALITY, VR::CS, modality)
        .text(tags::MANUFACTURER, VR::LO, "ACME")
        .text(tags::INSTITUTION_NAME, VR::LO, "CANARY Hospital")
        .text(
            tags::INSTITUTION_ADDRESS,
            VR::ST,
            "1 Gallowglass Lane, CANARY Town",
        )
        .text(
            tags::REFERRING_PHYSICIAN_NAME,
            VR::PN,
            "CANARY-Referrer^Leopold",
        )
        .text(tags::STATION_NAME, VR::SH, "CANARY-CT7")
        .text(tags::STUDY_DESCRIPTION, VR::LO, "Follow up")
        .text(
            tags::INSTITUTIONAL_DEPARTMENT_NAME,
            VR::LO,
            "CANARY Radiology",
        )
        .text(
            tags::PERFORMING_PHYSICIAN_NAME,
            VR::PN,
            "CANARY-Performer^Fenella",
        )
        .text(tags::OPERATORS_NAME, VR::PN, "CANARY-Operator^Ignatius")
        .element(items(tags::REFERENCED_IMAGE_SEQUENCE, vec![referenced]))
        .raw(tags::PATIENT_NAME, VR::PN, padded(&person.name, b' '))
        .text(tags::PATIENT_ID, VR::LO, &person.id)
        .text(tags::PATIENT_BIRTH_DATE, VR::DA, BIRTH_DATE)
        .text(tags::PATIENT_SEX, VR::CS, "O")
        .element(items(tags::OTHER_PATIENT_I_DS_SEQUENCE, vec![other_id]))
        .text(tags::PATIENT_AGE, VR::AS, "090Y")
        .text(tags::PATIENT_ADDRESS, VR::LO, "2 Gallowglass Lane CANARY")
        .text(tags::PATIENT_TELEPHONE_NUMBERS, VR::SH, "555-0142 CANARY")
        .text(
            tags::PATIENT_COMMENTS,
            VR::LT,
            "CANARY comment about the patient",
        )
        .text(tags::STUDY_INSTANCE_UID, VR::UI, &study)
        .text(tags::SERIES_INSTANCE_UID, VR::UI, &series_uid)
        .text(tags::STUDY_ID, VR::SH, "CANARY-ST")
        .text(tags::SERIES_NUMBER, VR::IS, &series.to_string())
        .text(tags::INSTANCE_NUMBER, VR::IS, &number.to_string())
        .element(items(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![request]))
    }

    fn pixels(self, side: u16, number: u32) -> Self {
        let value = |x: u16, y: u16| {
            x.wrapping_mul(40)
                .wrapping_add(y.wrapping_mul(25))
                .wrapping_add(u16::try_from(number % 100).unwrap_or(0))
                % 4096
        };
        let samples: Vec<u16> = (0..side)
            .flat_map(|y| (0..side).map(move |x| value(x, y)))
            .collect();
        self.element(DataElement::new(
            tags::PIXEL_DATA,
            VR::OW,
            PrimitiveValue::U16(samples.into()),
        ))
    }

    /// Sets a text value, ASCII only.
    pub fn text(self, tag: Tag, vr: VR, value: &str) -> Self {
        self.element(put(tag, vr, value))
    }

    /// Sets a value as bytes of even length, whatever the VR.
    pub fn raw(self, tag: Tag, vr: VR, value: Vec<u8>) -> Self {
        self.element(DataElement::new(tag, vr, PrimitiveValue::U8(value.into())))
    }

    /// Sets an element.
    pub fn element(mut self, element: DataElement<InMemDicomObject>) -> Self {
        self.data.put(element);
        self
    }

    /// Takes an element out.
    pub fn without(mut self, tag: Tag) -> Self {
        self.data.remove_element(tag);
        self
    }

    /// Sets the transfer syntax to be written in.
    pub fn syntax(mut self, uid: &'static str) -> Self {
        self.syntax = uid;
        self
    }

    /// The data set, to edit at will.
    pub fn data(&mut self) -> &mut InMemDicomObject {
        &mut self.data
    }

    fn value(&self, tag: Tag) -> String {
        self.data
            .get(tag)
            .and_then(|e| e.to_str().ok())
            .map(|v| v.trim_end_matches('\0').to_owned())
            .unwrap_or_default()
    }

    /// The file: preamble and file meta information with marks of their own, then the data set.
    pub fn bytes(&self) -> Vec<u8> {
        let instance = match self.value(tags::SOP_INSTANCE_UID) {
            none if none.is_empty() => format!("{UID_ROOT}.0"),
            uid => uid,
        };
        let class = match self.value(tags::SOP_CLASS_UID) {
            none if none.is_empty() => uids::CT_IMAGE_STORAGE.to_owned(),
            uid => uid,
        };
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(self.syntax)
            .media_storage_sop_class_uid(class)
            .media_storage_sop_instance_uid(instance)
            .source_application_entity_title("CANARY_AE");
        let mut bytes = Vec::new();
        self.data
            .clone()
            .with_meta(meta)
            .unwrap()
            .write_all(&mut bytes)
            .unwrap();
        bytes[..PREAMBLE_TEXT.len()].copy_from_slice(PREAMBLE_TEXT);
        bytes
    }
}

/// A text element.
pub fn put(tag: Tag, vr: VR, value: &str) -> DataElement<InMemDicomObject> {
    assert!(value.is_ascii(), "other text goes in as bytes");
    DataElement::new(tag, vr, PrimitiveValue::from(value))
}

/// A sequence element.
pub fn items(tag: Tag, items: Vec<InMemDicomObject>) -> DataElement<InMemDicomObject> {
    DataElement::new(tag, VR::SQ, DataSetSequence::from(items))
}

/// A nested data set.
pub fn object(
    elements: impl IntoIterator<Item = DataElement<InMemDicomObject>>,
) -> InMemDicomObject {
    InMemDicomObject::from_element_iter(elements)
}

fn content(value_type: &str, mut elements: Vec<DataElement<InMemDicomObject>>) -> InMemDicomObject {
    elements.push(put(tags::RELATIONSHIP_TYPE, VR::CS, "CONTAINS"));
    elements.push(put(tags::VALUE_TYPE, VR::CS, value_type));
    object(elements)
}

fn padded(value: &[u8], pad: u8) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(pad);
    }
    value
}

/// A sequence of one item with one element as implicit VR little endian, as UN holds it (PS3.5
/// section 6.2.2).
fn implicit_sequence(tag: Tag, value: &[u8]) -> Vec<u8> {
    let value = padded(value, b' ');
    let mut item = implicit_header(tag, value.len());
    item.extend(value);
    let mut sequence = implicit_header(Tag(0xFFFE, 0xE000), item.len());
    sequence.extend(item);
    sequence
}

/// Letters of 5 by 7 dots: which stand side by side, and the seven rows of dots of all of them.
const BLOCK_LETTERS: [(&str, [&str; 7]); 3] = [
    (
        "ABCDEFGHIJKLM",
        [
            ".###. ####. .###. ####. ##### ##### .###. #...# .###. ....# #...# #.... #...#",
            "#...# #...# #...# #...# #.... #.... #...# #...# ..#.. ....# #..#. #.... ##.##",
            "#...# #...# #.... #...# #.... #.... #.... #...# ..#.. ....# #.#.. #.... #.#.#",
            "##### ####. #.... #...# ####. ####. #.### ##### ..#.. ....# ##... #.... #.#.#",
            "#...# #...# #.... #...# #.... #.... #...# #...# ..#.. ....# #.#.. #.... #...#",
            "#...# #...# #...# #...# #.... #.... #...# #...# ..#.. #...# #..#. #.... #...#",
            "#...# ####. .###. ####. ##### #.... .#### #...# .###. .###. #...# ##### #...#",
        ],
    ),
    (
        "NOPQRSTUVWXYZ",
        [
            "#...# .###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# #####",
            "##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....#",
            "#.#.# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#.",
            "#..## #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#..",
            "#...# #...# #.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#...",
            "#...# #...# #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #....",
            "#...# .###. #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. #####",
        ],
    ),
    (
        "0123456789 .",
        [
            ".###. ..#.. .###. .###. ...#. ##### .###. ##### .###. .###. ..... .....",
            "#...# .##.. #...# #...# ..##. #.... #.... ....# #...# #...# ..... .....",
            "#..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...# ..... .....",
            "#.#.# ..#.. ..##. ..##. #..#. ....# ####. ..#.. .###. .#### ..... .....",
            "##..# ..#.. .#... ....# ##### ....# #...# ..#.. #...# ....# ..... .....",
            "#...# ..#.. #.... #...# ...#. #...# #...# .#... #...# ....# ..... .##..",
            ".###. .###. ##### .###. ...#. .###. .###. .#... .###. .###. ..... .##..",
        ],
    ),
];
/// How many dots a block letter and the gap behind it take of a line.
const BLOCK_PITCH: usize = 6;

fn block_letter(letter: char) -> [&'static str; 7] {
    let (number, rows) = BLOCK_LETTERS
        .iter()
        .find_map(|(letters, rows)| Some((letters.find(letter)?, rows)))
        .expect("the alphabet has the letter");
    rows.map(|row| &row[number * BLOCK_PITCH..][..5])
}

/// Draws block letters into a picture of one byte a pixel: the upper left corner of the first
/// letter as column and row, the side of a dot in pixels, and the value of ink.
pub fn write(
    picture: &mut [u8],
    columns: usize,
    [left, top]: [usize; 2],
    text: &str,
    dot: usize,
    ink: u8,
) {
    for (number, letter) in text.chars().enumerate() {
        for (row, dots) in block_letter(letter)
            .iter()
            .enumerate()
        {
            for (column, _) in dots.match_indices('#') {
                let x = left + (number * BLOCK_PITCH + column) * dot;
                for y in top + row * dot..top + (row + 1) * dot {
                    picture[y * columns + x..][..dot].fill(ink);
                }
            }
        }
    }
}

fn implicit_header(tag: Tag, len: usize) -> Vec<u8> {
    let mut header = tag.group().to_le_bytes().to_vec();
    header.extend(tag.element().to_le_bytes());
    header.extend(
        u32::try_from(len)
            .unwrap()
            .to_le_bytes(),
    );
    header
}

/// An element in explicit VR little endian whose header claims `claimed` bytes.
fn explicit_element(tag: Tag, vr: [u8; 2], claimed: u32, value: &[u8]) -> Vec<u8> {
    let mut element = tag.group().to_le_bytes().to_vec();
    element.extend(tag.element().to_le_bytes());
    element.extend(vr);
    if matches!(&vr, b"SQ" | b"UT" | b"OB" | b"UN") {
        element.extend([0, 0]);
        element.extend(claimed.to_le_bytes());
    } else {
        element.extend(
            u16::try_from(claimed)
                .unwrap()
                .to_le_bytes(),
        );
    }
    element.extend(value);
    element
}

/// A file without preamble, prefix and file meta information, whose group length says how long that
/// is.
pub fn data_set(bytes: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes(bytes[140..144].try_into().unwrap());
    &bytes[144 + usize::try_from(length).unwrap()..]
}

/// What can be wrong with a file. Each takes the bytes of a good one in explicit VR little endian,
/// or none.
pub mod damaged {
    use super::{Dicom, Person, Tag, data_set, explicit_element, implicit_header, tags};

    /// Ends in the middle of the pixel data.
    pub fn truncated(bytes: &[u8]) -> Vec<u8> {
        bytes[..bytes.len() - 700].to_vec()
    }

    /// Has bytes behind the data set, which no rule could reach.
    pub fn trailing(bytes: &[u8]) -> Vec<u8> {
        [bytes, b"CANARY\xff\xff behind the end"].concat()
    }

    /// Has no preamble, prefix or file meta information: a bare data set in explicit VR little
    /// endian.
    pub fn bare(bytes: &[u8]) -> Vec<u8> {
        data_set(bytes).to_vec()
    }

    /// Holds Patient ID twice, with different values.
    pub fn duplicate_element(bytes: &[u8]) -> Vec<u8> {
        insert(
            bytes,
            tags::PATIENT_ID,
            &explicit_element(tags::PATIENT_ID, *b"LO", 8, b"CANARY-2"),
        )
    }

    /// An element in an item claims more than the item holds.
    pub fn overrun(bytes: &[u8]) -> Vec<u8> {
        let inner = explicit_element(tags::PATIENT_ID, *b"LO", 400, b"CANARY");
        let mut item = implicit_header(Tag(0xFFFE, 0xE000), inner.len());
        item.extend(inner);
        let claimed = u32::try_from(item.len()).unwrap();
        insert(
            bytes,
            tags::OTHER_PATIENT_I_DS_SEQUENCE,
            &explicit_element(
                tags::PATIENT_INSURANCE_PLAN_CODE_SEQUENCE,
                *b"SQ",
                claimed,
                &item,
            ),
        )
    }

    /// An element claims four gigabytes in a file of a few kilobytes.
    pub fn boast(bytes: &[u8]) -> Vec<u8> {
        let claim = explicit_element(Tag(0x0010, 0x2110), *b"UT", 0xFFFF_FFF0, b"CANARY");
        insert(bytes, tags::PATIENT_COMMENTS, &claim)
    }

    /// Sequences nested 80 deep.
    pub fn too_deep() -> Vec<u8> {
        let open = [
            explicit_element(tags::REFERENCED_IMAGE_SEQUENCE, *b"SQ", u32::MAX, &[]),
            vec![0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
        ]
        .concat();
        let close = [
            0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0,
        ];
        let nested = [open.repeat(80), close.repeat(80)].concat();
        let good = Dicom::ct(&Person::plain(), 1)
            .without(tags::REFERENCED_IMAGE_SEQUENCE)
            .bytes();
        insert(&good, tags::PATIENT_NAME, &nested)
    }

    /// Puts bytes in front of the first element with this tag.
    fn insert(bytes: &[u8], before: Tag, new: &[u8]) -> Vec<u8> {
        let start = bytes.len() - data_set(bytes).len();
        let tag = [before.group().to_le_bytes(), before.element().to_le_bytes()].concat();
        let at = start
            + bytes[start..]
                .windows(4)
                .position(|w| w == tag)
                .expect("the tag stands at the top level");
        [&bytes[..at], new, &bytes[at..]].concat()
    }
}
