//! What a DICOM file gives where no mapping does. Reads the cleaned header alone. Never takes a date
//! out of a UID, and gives no name of a person: names come from mappings only.

use super::header::{CleanedHeader, HeaderField, Tag};
use super::metadata::{Metadata, Origin};
use super::target::Target;
use super::timestamp::{Moment, Zone, of_header, of_header_datetime, read_offset};
use super::value::Value;

const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
const SERIES_DATE: Tag = Tag(0x0008, 0x0021);
const ACQUISITION_DATE: Tag = Tag(0x0008, 0x0022);
const ACQUISITION_DATE_TIME: Tag = Tag(0x0008, 0x002A);
const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const SERIES_TIME: Tag = Tag(0x0008, 0x0031);
const ACQUISITION_TIME: Tag = Tag(0x0008, 0x0032);
const TIMEZONE_OFFSET: Tag = Tag(0x0008, 0x0201);
const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
const SERIES_DESCRIPTION: Tag = Tag(0x0008, 0x103E);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
const PATIENT_SEX: Tag = Tag(0x0010, 0x0040);
const PATIENT_AGE: Tag = Tag(0x0010, 0x1010);
const PATIENT_WEIGHT: Tag = Tag(0x0010, 0x1030);
const PROTOCOL_NAME: Tag = Tag(0x0018, 0x1030);
const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);

/// The seconds of a year, of 30 days, of a week and of a day.
const UNITS: [(char, i64); 4] = [
    ('Y', 31_557_600),
    ('M', 2_592_000),
    ('W', 604_800),
    ('D', 86_400),
];

struct Header<'a> {
    source: &'a dyn CleanedHeader,
    zone: &'a Zone,
}

impl Header<'_> {
    fn text(&self, tag: Tag) -> Option<String> {
        let values = self
            .source
            .cleaned_values(&HeaderField::Standard(tag));
        let first = values.into_iter().next()?;
        let text = first.trim_end();
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn moment(&self, date: Tag, time: Tag) -> Option<Moment> {
        let offset = self.offset();
        let time = self.text(time);
        of_header(&self.text(date)?, time.as_deref(), offset, self.zone)
    }

    fn acquired(&self) -> Option<Moment> {
        let whole = self.text(ACQUISITION_DATE_TIME);
        whole
            .and_then(|text| of_header_datetime(&text, self.offset(), self.zone))
            .or_else(|| self.moment(ACQUISITION_DATE, ACQUISITION_TIME))
    }

    fn offset(&self) -> Option<i32> {
        read_offset(&self.text(TIMEZONE_OFFSET)?)
    }

    fn session_time(&self) -> Option<Moment> {
        self.moment(STUDY_DATE, STUDY_TIME)
            .or_else(|| self.moment(SERIES_DATE, SERIES_TIME))
            .or_else(|| self.acquired())
    }

    fn acquisition_time(&self) -> Option<Moment> {
        self.acquired()
            .or_else(|| self.moment(SERIES_DATE, SERIES_TIME))
            .or_else(|| self.moment(STUDY_DATE, STUDY_TIME))
    }

    fn age(&self) -> Option<i64> {
        if let Some(text) = self.text(PATIENT_AGE) {
            let text = text.trim();
            let end = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            let number: i64 = text.get(..end)?.parse().ok()?;
            let unit = text
                .chars()
                .last()
                .map(|c| c.to_ascii_uppercase());
            let seconds = UNITS
                .iter()
                .find(|(letter, _)| Some(*letter) == unit)
                .map_or(31_557_600, |(_, seconds)| *seconds);
            number.checked_mul(seconds)
        } else {
            let birth = of_header(&self.text(PATIENT_BIRTH_DATE)?, None, None, self.zone)?;
            let scan = self.acquisition_time()?;
            let days = (scan.date(self.zone)? - birth.date(self.zone)?).num_days();
            (days >= 0).then_some(days * 86_400)
        }
    }

    fn session_label(&self) -> Option<String> {
        self.text(STUDY_DESCRIPTION)
            .or_else(|| {
                self.session_time()?
                    .label(self.zone)
            })
            .or_else(|| self.text(STUDY_INSTANCE_UID))
    }

    fn acquisition_label(&self) -> Option<String> {
        let label = self
            .text(SERIES_DESCRIPTION)
            .or_else(|| self.text(PROTOCOL_NAME))
            .or_else(|| {
                self.acquisition_time()?
                    .label(self.zone)
            })
            .or_else(|| self.text(SERIES_INSTANCE_UID))?;
        let number: Option<i64> = self
            .text(SERIES_NUMBER)
            .and_then(|text| text.trim().parse().ok());
        Some(match number {
            None | Some(0) => label,
            Some(number) => format!("{number} - {label}"),
        })
    }
}

/// Sets what the cleaned header gives, where nothing is set yet.
pub(crate) fn apply(header: &dyn CleanedHeader, metadata: &mut Metadata, zone: &Zone) {
    let header = Header {
        source: header,
        zone,
    };
    let stored = |moment: Option<Moment>| moment.and_then(|moment| moment.stored(zone));
    let texts = [
        ("subject.label", header.text(PATIENT_ID)),
        ("subject.sex", header.text(PATIENT_SEX)),
        ("session.uid", header.text(STUDY_INSTANCE_UID)),
        ("session.label", header.session_label()),
        ("session.timestamp", stored(header.session_time())),
        ("session.weight", header.text(PATIENT_WEIGHT)),
        ("acquisition.uid", header.text(SERIES_INSTANCE_UID)),
        ("acquisition.label", header.acquisition_label()),
        ("acquisition.timestamp", stored(header.acquisition_time())),
        ("file.type", Some("dicom".to_owned())),
    ];
    let values = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, Value::Text(text?))))
        .chain(
            header
                .age()
                .map(|age| ("session.age", Value::Integer(age))),
        );
    for (name, value) in values {
        metadata.offer(&Target::of(name), &value, None, Origin::HeaderDefault, zone);
    }
}
