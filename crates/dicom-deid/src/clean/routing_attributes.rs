//! What an instance's cleaned header says about where it belongs.

use dicom_lossless::{CharacterSet, DataSet, Encoding, Phi, Tag, character_set_of, values};

/// What may identify and does not show; none where the header has no value.
type PhiText = Option<Phi<String>>;

/// Attributes that labels, UIDs and times of containers are made from. All are read from the data
/// set as it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingAttributes {
    /// Study Instance UID.
    pub study_uid: PhiText,
    /// Series Instance UID.
    pub series_uid: PhiText,
    /// SOP Instance UID.
    pub sop_instance: PhiText,
    /// Modality.
    pub modality: PhiText,
    /// Patient ID.
    pub patient_id: PhiText,
    /// Study ID.
    pub study_id: PhiText,
    /// Study Description.
    pub study_description: PhiText,
    /// Study Date, as in the file.
    pub study_date: PhiText,
    /// Study Time, as in the file.
    pub study_time: PhiText,
    /// Series Number.
    pub series_number: PhiText,
    /// Series Description.
    pub series_description: PhiText,
    /// Protocol Name.
    pub protocol_name: PhiText,
    /// Series Date, as in the file.
    pub series_date: PhiText,
    /// Series Time, as in the file.
    pub series_time: PhiText,
    /// Acquisition Number.
    pub acquisition_number: PhiText,
    /// Acquisition Date, as in the file.
    pub acquisition_date: PhiText,
    /// Acquisition Time, as in the file.
    pub acquisition_time: PhiText,
    /// Acquisition `DateTime`, as in the file.
    pub acquisition_datetime: PhiText,
    /// Instance Number.
    pub instance_number: PhiText,
    /// Manufacturer.
    pub manufacturer: PhiText,
    /// Timezone Offset From UTC.
    pub timezone: PhiText,
}

impl RoutingAttributes {
    /// Reads them from the header; absent and empty ones are none. Of several values the first
    /// counts.
    pub(super) fn of(header: &DataSet, encoding: Encoding) -> Self {
        let charset = character_set_of(header, &CharacterSet::default());
        let get = |group, element| {
            let values = values(header.get(Tag(group, element))?, encoding, &charset);
            values
                .into_iter()
                .next()
                .filter(|value| !value.is_empty())
                .map(Phi::new)
        };
        Self {
            study_uid: get(0x0020, 0x000D),
            series_uid: get(0x0020, 0x000E),
            sop_instance: get(0x0008, 0x0018),
            modality: get(0x0008, 0x0060),
            patient_id: get(0x0010, 0x0020),
            study_id: get(0x0020, 0x0010),
            study_description: get(0x0008, 0x1030),
            study_date: get(0x0008, 0x0020),
            study_time: get(0x0008, 0x0030),
            series_number: get(0x0020, 0x0011),
            series_description: get(0x0008, 0x103E),
            protocol_name: get(0x0018, 0x1030),
            series_date: get(0x0008, 0x0021),
            series_time: get(0x0008, 0x0031),
            acquisition_number: get(0x0020, 0x0012),
            acquisition_date: get(0x0008, 0x0022),
            acquisition_time: get(0x0008, 0x0032),
            acquisition_datetime: get(0x0008, 0x002A),
            instance_number: get(0x0020, 0x0013),
            manufacturer: get(0x0008, 0x0070),
            timezone: get(0x0008, 0x0201),
        }
    }
}
