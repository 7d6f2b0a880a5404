//! What an instance's cleaned header says about where it belongs.

use dicom_lossless::{CharacterSet, DataSet, Encoding, Phi, Tag, character_set_of, values};

/// Attributes that labels, UIDs and times of containers are made from. All are read from the data
/// set as it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingAttributes {
    /// Study Instance UID.
    pub study_uid: Option<Phi<String>>,
    /// Series Instance UID.
    pub series_uid: Option<Phi<String>>,
    /// SOP Instance UID.
    pub sop_instance: Option<Phi<String>>,
    /// Modality.
    pub modality: Option<Phi<String>>,
    /// Patient ID.
    pub patient_id: Option<Phi<String>>,
    /// Study ID.
    pub study_id: Option<Phi<String>>,
    /// Study Description.
    pub study_description: Option<Phi<String>>,
    /// Study Date, as in the file.
    pub study_date: Option<Phi<String>>,
    /// Study Time, as in the file.
    pub study_time: Option<Phi<String>>,
    /// Series Number.
    pub series_number: Option<Phi<String>>,
    /// Series Description.
    pub series_description: Option<Phi<String>>,
    /// Protocol Name.
    pub protocol_name: Option<Phi<String>>,
    /// Series Date, as in the file.
    pub series_date: Option<Phi<String>>,
    /// Series Time, as in the file.
    pub series_time: Option<Phi<String>>,
    /// Acquisition Number.
    pub acquisition_number: Option<Phi<String>>,
    /// Acquisition Date, as in the file.
    pub acquisition_date: Option<Phi<String>>,
    /// Acquisition Time, as in the file.
    pub acquisition_time: Option<Phi<String>>,
    /// Acquisition `DateTime`, as in the file.
    pub acquisition_datetime: Option<Phi<String>>,
    /// Instance Number.
    pub instance_number: Option<Phi<String>>,
    /// Manufacturer.
    pub manufacturer: Option<Phi<String>>,
    /// Timezone Offset From UTC.
    pub timezone: Option<Phi<String>>,
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
