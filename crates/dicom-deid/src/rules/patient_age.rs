//! `patient-age-from-birthdate`: the patient's age from birth date and study date.

use chrono::{Datelike, Months, NaiveDate};
use dicom_dictionary_std::tags::{PATIENT_AGE, PATIENT_BIRTH_DATE, STUDY_DATE};
use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, VR};

use crate::elements::element_value::{Reading, read};
use crate::profile::{AgeUnit, DateFormat};

/// Counts from here on go to the next larger unit; years end here.
const LARGEST: i64 = 960;

/// Sets the patient's age where both dates can be read; else nothing happens, as with Flywheel.
pub fn set_age(
    data: &mut DataSet,
    encoding: Encoding,
    format: &DateFormat,
    units: Option<AgeUnit>,
) -> bool {
    let day_of = |tag| {
        let element: &Element = data.get(tag)?;
        match read(element, VR::DA, encoding, CharacterSet::default) {
            Reading::Text(text) => format
                .parse(&text)
                .map(|date| date.date()),
            _ => None,
        }
    };
    let (Some(birth), Some(study)) = (day_of(PATIENT_BIRTH_DATE), day_of(STUDY_DATE)) else {
        return false;
    };
    let value = age(birth, study, units).into_bytes();
    data.put(Element::new(PATIENT_AGE, VR::AS, value));
    true
}

/// The age as an age string, in the first unit from `units` on whose count is small enough. Dates
/// may be reversed.
fn age(birth: NaiveDate, study: NaiveDate, units: Option<AgeUnit>) -> String {
    let (from, to) = if birth <= study {
        (birth, study)
    } else {
        (study, birth)
    };
    let months = completed_months(from, to);
    let counts = [
        (AgeUnit::Days, (to - from).num_days()),
        (AgeUnit::Months, months),
        (AgeUnit::Years, months / 12),
    ];
    let first = units.unwrap_or(AgeUnit::Days);
    let mut usable = counts
        .iter()
        .skip_while(|(unit, _)| *unit != first);
    let small = usable.find(|(_, count)| *count < LARGEST);
    let (unit, count) = small
        .copied()
        .unwrap_or((AgeUnit::Years, LARGEST));
    format!("{count:03}{}", unit.letter())
}

/// Months completed, a month from the 31st ending on the last day of a shorter one.
fn completed_months(from: NaiveDate, to: NaiveDate) -> i64 {
    let month = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
    let months = month(to) - month(from);
    let reached = u32::try_from(months)
        .ok()
        .and_then(|months| from.checked_add_months(Months::new(months)));
    if reached.is_some_and(|date| date <= to) {
        months
    } else {
        (months - 1).max(0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ages_give_the_known_answers() {
        for (birth, study, units, expected) in [
            ("19500615", "20040119", None, "643M"),
            ("19500615", "20040119", Some(AgeUnit::Years), "053Y"),
            ("20030115", "20040119", None, "369D"),
            ("20010604", "20040119", None, "959D"),
            ("20010603", "20040119", None, "031M"),
            ("19240219", "20040119", Some(AgeUnit::Months), "959M"),
            ("19240119", "20040119", Some(AgeUnit::Months), "080Y"),
            ("18000101", "20040119", Some(AgeUnit::Years), "204Y"),
            ("20040220", "20040119", None, "032D"),
            ("09000101", "20040119", None, "960Y"),
            ("20040131", "20040229", Some(AgeUnit::Months), "001M"),
            ("20040229", "20050228", Some(AgeUnit::Years), "001Y"),
        ] {
            let date = |text: &str| NaiveDate::parse_from_str(text, "%Y%m%d").unwrap();
            assert_eq!(
                age(date(birth), date(study), units),
                expected,
                "{birth} {study}"
            );
        }
    }
}
