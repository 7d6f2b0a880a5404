//! Where an instance belongs: labels, UIDs and times of subject, session and acquisition, from the
//! cleaned header, or from what the user's rules made.
//!
//! Labels are made as Flywheel's own client makes them, so that data of both lies side by side. No
//! source path and no original value is ever looked at here.

mod by_rules;
mod dates_in_text;

use std::fmt;

use chrono::{FixedOffset, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use flywheel_client::{AcquisitionTarget, Destination, Fields, SessionTarget, SubjectTarget};

pub use by_rules::{ByRules, by_rules, texts_of};
pub use dates_in_text::holds_a_date;

use crate::failure::{FileCode, FileFailure};
use dicom_deid::{RoutingAttributes, is_dummy_date};
use dicom_lossless::Phi;

/// The longest subject or session label that the platform's own mapper makes, in characters.
const SHORT_LABEL: usize = 64;
/// The longest acquisition label, in characters.
const LONG_LABEL: usize = 128;

/// Labels that the user gave, by flag or by table, and that replace those of the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForcedLabels<'a> {
    /// `--subject`, or what a table gives.
    pub subject: Option<&'a str>,
    /// `--session`, or what a table gives.
    pub session: Option<&'a str>,
    /// What a table gives.
    pub acquisition: Option<&'a str>,
}

/// The container that a label is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelOf {
    /// A subject.
    Subject,
    /// A session.
    Session,
    /// An acquisition.
    Acquisition,
}

impl LabelOf {
    /// The label that a text which the user gave comes out as.
    pub fn label(self, text: &str) -> String {
        match self {
            Self::Subject | Self::Session => label(text, SHORT_LABEL),
            Self::Acquisition => label(text, LONG_LABEL),
        }
    }
}

impl fmt::Display for LabelOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        })
    }
}

/// Where an instance belongs.
///
/// # Errors
/// `route.no-subject` without a Patient ID or a forced label, `route.missing-uid` where nothing is
/// left to label a session or acquisition with.
pub fn destination(
    cleaned: &RoutingAttributes,
    forced: ForcedLabels<'_>,
) -> Result<Destination, FileFailure> {
    Ok(Destination {
        subject: subject(cleaned, forced)?,
        session: session(cleaned, forced)?,
        acquisition: acquisition(cleaned, forced)?,
    })
}

fn subject(
    cleaned: &RoutingAttributes,
    forced: ForcedLabels<'_>,
) -> Result<SubjectTarget, FileFailure> {
    let label = forced
        .subject
        .or(text(cleaned.patient_id.as_ref()))
        .map(|t| LabelOf::Subject.label(t));
    match label {
        Some(label) if !label.is_empty() => Ok(SubjectTarget {
            label,
            fields: Fields::default(),
        }),
        _ => Err(FileFailure::new(FileCode::RouteNoSubject, "")),
    }
}

fn session(
    cleaned: &RoutingAttributes,
    forced: ForcedLabels<'_>,
) -> Result<SessionTarget, FileFailure> {
    let uid = text(cleaned.study_uid.as_ref()).map(str::to_owned);
    let time = moment(cleaned.study_date.as_ref(), cleaned.study_time.as_ref());
    let timestamp = time.and_then(|t| rfc3339(t, cleaned));
    if let Some(chosen) = forced.session {
        return Ok(SessionTarget {
            label: LabelOf::Session.label(chosen),
            uid,
            timestamp,
            forced: true,
            fields: Fields::default(),
        });
    }
    let label = time
        .map(readable)
        .or_else(|| {
            uid.as_deref()
                .map(|u| label(u, SHORT_LABEL))
        })
        .ok_or_else(|| missing("study"))?;
    Ok(SessionTarget {
        label,
        uid,
        timestamp,
        forced: false,
        fields: Fields::default(),
    })
}

fn acquisition(
    cleaned: &RoutingAttributes,
    forced: ForcedLabels<'_>,
) -> Result<AcquisitionTarget, FileFailure> {
    let uid = text(cleaned.series_uid.as_ref()).map(str::to_owned);
    let time = acquisition_moment(cleaned);
    let timestamp = time.and_then(|t| rfc3339(t, cleaned));
    if let Some(chosen) = forced.acquisition {
        return Ok(AcquisitionTarget {
            label: LabelOf::Acquisition.label(chosen),
            uid,
            timestamp,
            fields: Fields::default(),
        });
    }
    let named = |t: &str| label(t, LONG_LABEL);
    let name = text(cleaned.series_description.as_ref())
        .map(named)
        .filter(|n| !n.is_empty());
    let name = name
        .or_else(|| time.map(readable))
        .or_else(|| uid.as_deref().map(named))
        .ok_or_else(|| missing("series"))?;
    let full = match text(cleaned.series_number.as_ref()).map(named) {
        Some(number) => format!("{number} - {name}"),
        None => name,
    };
    Ok(AcquisitionTarget {
        label: full
            .chars()
            .take(LONG_LABEL)
            .collect::<String>()
            .trim_end()
            .to_owned(),
        uid,
        timestamp,
        fields: Fields::default(),
    })
}

fn missing(what: &str) -> FileFailure {
    FileFailure::new(
        FileCode::RouteMissingUid,
        format!("nothing is left that could name the {what}"),
    )
}

/// When the acquisition took place: of Siemens by series, of others by acquisition, as Flywheel's
/// client has it.
fn acquisition_moment(cleaned: &RoutingAttributes) -> Option<NaiveDateTime> {
    let series = moment(cleaned.series_date.as_ref(), cleaned.series_time.as_ref());
    let acquisition = moment(
        cleaned.acquisition_date.as_ref(),
        cleaned.acquisition_time.as_ref(),
    );
    let siemens = text(cleaned.manufacturer.as_ref()).is_some_and(|m| {
        m.to_ascii_lowercase()
            .contains("siemens")
    });
    if siemens {
        series.or(acquisition)
    } else {
        acquisition.or(series)
    }
}

/// The modality for member names and metadata, `NA` where there is none.
pub fn modality(cleaned: &RoutingAttributes) -> String {
    text(cleaned.modality.as_ref()).map_or_else(|| "NA".to_owned(), file_name)
}

fn text(value: Option<&Phi<String>>) -> Option<&str> {
    value
        .map(|v| v.expose().trim())
        .filter(|v| !v.is_empty())
}

fn moment(date: Option<&Phi<String>>, time: Option<&Phi<String>>) -> Option<NaiveDateTime> {
    let date = text(date).filter(|date| !is_dummy_date(date))?;
    let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
    Some(
        date.and_time(
            text(time)
                .and_then(time_of_day)
                .unwrap_or_default(),
        ),
    )
}

/// A TM value (PS3.5 section 6.2): `HH[MM[SS[.F]]]`; fractions are not part of labels.
fn time_of_day(value: &str) -> Option<NaiveTime> {
    let digits = value.split('.').next()?;
    let part = |at: usize| {
        digits
            .get(at..at + 2)
            .map_or(Some(0), |t| t.parse::<u32>().ok())
    };
    NaiveTime::from_hms_opt(part(0)?, part(2)?, part(4)?)
}

fn readable(moment: NaiveDateTime) -> String {
    moment
        .format("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// The file's own offset decides (0008,0201), else the zone of this machine, which mostly stands
/// where the scanner does.
fn rfc3339(moment: NaiveDateTime, cleaned: &RoutingAttributes) -> Option<String> {
    let zone = match text(cleaned.timezone.as_ref()).and_then(offset) {
        Some(zone) => zone,
        None => Local
            .offset_from_local_datetime(&moment)
            .earliest()?,
    };
    let time = zone
        .from_local_datetime(&moment)
        .earliest()?;
    Some(time.to_rfc3339())
}

fn offset(value: &str) -> Option<FixedOffset> {
    let sign = if value.starts_with('-') { -1 } else { 1 };
    let digits = value.trim_start_matches(['+', '-']);
    let (hours, minutes) = (
        digits
            .get(..2)?
            .parse::<i32>()
            .ok()?,
        digits
            .get(2..4)?
            .parse::<i32>()
            .ok()?,
    );
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

/// A label as the platform takes it: `*` becomes `star`, runs of characters that mean something in
/// paths become `_`, trailing dots go, and it is cut to `longest` characters.
pub fn label(text: &str, longest: usize) -> String {
    let cut: String = replaced(text, "/:<>?\\|")
        .chars()
        .take(longest)
        .collect();
    without_trailing_dots(&cut).to_owned()
}

/// A file name that is valid on every platform.
pub fn file_name(text: &str) -> String {
    let name = replaced(text, "/:<>?\\|\"");
    let name = without_trailing_dots(&name);
    if name.chars().all(|c| c == '.') {
        "_".to_owned()
    } else if is_device(name) {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

/// Whether Windows takes a name for a device, whatever extension it has: what is written there is
/// gone.
fn is_device(name: &str) -> bool {
    let stem = name.split(['.', ':']).next();
    let stem = stem
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let numbered = ["COM", "LPT"]
        .iter()
        .filter_map(|device| stem.strip_prefix(device))
        .any(|number| matches!(number.as_bytes(), [b'0'..=b'9']));
    numbered || ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
}

fn without_trailing_dots(text: &str) -> &str {
    text.trim()
        .trim_end_matches('.')
        .trim_end()
}

fn replaced(text: &str, forbidden: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_run = false;
    for c in text.chars() {
        let bad = c.is_control() || forbidden.contains(c);
        match c {
            '*' => out.push_str("star"),
            _ if bad && in_run => {}
            _ if bad => out.push('_'),
            c => out.push(c),
        }
        in_run = bad;
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_takes_for_devices_are_none() {
        for (name, written) in [
            ("con", "_con"),
            ("NUL.dcm", "_NUL.dcm"),
            ("aux .x", "_aux .x"),
            ("Com1", "_Com1"),
            ("lpt0.a.b", "_lpt0.a.b"),
            ("console", "console"),
            ("com10", "com10"),
            ("CON.", "_CON"),
        ] {
            assert_eq!(file_name(name), written);
        }
    }

    fn attributes() -> RoutingAttributes {
        let phi = |v: &str| Some(Phi::new(v.to_owned()));
        RoutingAttributes {
            patient_id: phi("P-1"),
            study_uid: phi("1.2.3"),
            series_uid: phi("1.2.3.4"),
            series_number: phi("3 "),
            series_description: phi("T2* axial/fast"),
            study_date: phi("20040119"),
            study_time: phi("072730.123"),
            timezone: phi("+0100"),
            ..RoutingAttributes::default()
        }
    }

    #[test]
    fn labels_are_those_of_flywheels_own_client() {
        let to = destination(&attributes(), ForcedLabels::default()).unwrap();
        assert_eq!(to.path(), "P-1/2004-01-19 07:27:30/3 - T2star axial_fast");
        assert_eq!(
            to.session.timestamp.as_deref(),
            Some("2004-01-19T07:27:30+01:00")
        );
        assert_eq!(to.acquisition.uid.as_deref(), Some("1.2.3.4"));
    }

    #[test]
    fn what_is_missing_falls_back_to_time_and_uid() {
        let bare = RoutingAttributes {
            series_description: None,
            series_number: None,
            study_date: None,
            ..attributes()
        };
        let to = destination(&bare, ForcedLabels::default()).unwrap();
        assert_eq!(
            (to.session.label.as_str(), to.acquisition.label.as_str()),
            ("1.2.3", "1.2.3.4")
        );
    }

    #[test]
    fn a_dummy_date_is_no_date() {
        let dummy = || Some(Phi::new("19000101".to_owned()));
        let cleaned = RoutingAttributes {
            series_description: None,
            study_date: dummy(),
            series_date: dummy(),
            acquisition_date: Some(Phi::new("20040120".to_owned())),
            ..attributes()
        };
        let to = destination(&cleaned, ForcedLabels::default()).unwrap();
        assert_eq!(
            (to.session.label.as_str(), to.session.timestamp),
            ("1.2.3", None)
        );
        assert_eq!(to.acquisition.label, "3 - 2004-01-20 00:00:00");
        let to = destination(
            &RoutingAttributes {
                acquisition_date: dummy(),
                ..cleaned
            },
            ForcedLabels::default(),
        )
        .unwrap();
        assert_eq!(
            (to.acquisition.label.as_str(), to.acquisition.timestamp),
            ("3 - 1.2.3.4", None)
        );
    }

    #[test]
    fn without_a_patient_id_a_subject_must_be_given() {
        let anonymous = RoutingAttributes {
            patient_id: None,
            ..attributes()
        };
        let failure = destination(&anonymous, ForcedLabels::default()).unwrap_err();
        assert_eq!(failure.code, FileCode::RouteNoSubject);
        assert!(failure.hint().contains("--subject"));
        let forced = ForcedLabels {
            subject: Some("S 1"),
            session: Some("baseline"),
            acquisition: Some("T1/a"),
        };
        let to = destination(&anonymous, forced).unwrap();
        assert_eq!(
            (
                to.subject.label.as_str(),
                to.session.label.as_str(),
                to.session.forced,
                to.acquisition.label.as_str()
            ),
            ("S 1", "baseline", true, "T1_a")
        );
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        assert_eq!(file_name("../../etc/passwd"), ".._.._etc_passwd");
        assert_eq!(file_name(".."), "_");
        assert_eq!(label("a\u{0}\u{1}/:b...", 64), "a_b");
        assert_eq!(label(&"x".repeat(200), 64).len(), 64);
    }
}
