//! A profile as the rest of the crate sees it: checked, with every default filled in or named.

use dicom_lossless::Phi;

use super::action::{Action, Substitution};
use super::basic_profile::{Confidentiality, ResidualRule};
use super::date_format::DateFormat;
use super::image_rules::{AlterPixels, DeviceRegions, PixelRules};
use super::selector::Selector;
use super::tree::Named;
use crate::envelope::EnvelopeKeys;
use crate::standard::ConfidentialityOption;

/// A de-identification profile.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name; of a profile without one, the name that the loader gives it.
    pub name: String,
    /// What its author says about it.
    pub description: Option<String>,
    /// What happens to DICOM files.
    pub dicom: DicomRules,
    /// Sections for other kinds of file, which are not carried out.
    pub other_sections: Vec<String>,
    /// What the user should know: rules that have no effect here, and why.
    pub notes: Vec<String>,
}

/// What a profile does to a DICOM file.
#[derive(Debug, Clone)]
// Each is a switch of its own in the profile format.
#[allow(clippy::struct_excessive_bools)]
pub struct DicomRules {
    /// The rules in document order.
    pub(crate) fields: Vec<Rule>,
    /// Days that the `increment-*` actions add.
    pub(crate) date_increment: Option<f64>,
    /// How `increment-date` and the age read dates.
    pub(crate) date_format: DateFormat,
    /// How `increment-datetime` reads and writes.
    pub(crate) datetime_format: DateFormat,
    /// Text put before what is hashed. It is no attribute value, but as secret as one.
    pub(crate) salt: Option<Phi<String>>,
    /// How many hex digits `hash` keeps; 0 for all 64.
    pub(crate) hash_digits: usize,
    /// How many leading components `hashuid` keeps.
    pub(crate) uid_prefix_fields: usize,
    /// How many trailing components `hashuid` keeps.
    pub(crate) uid_suffix_fields: usize,
    /// What `hashuid` writes instead of the leading components.
    pub(crate) uid_numeric_name: Option<String>,
    /// Whether every rule acts inside sequence items too.
    pub(crate) recurse_sequence: bool,
    /// Whether private elements are removed, those excepted that rules name by creator.
    pub(crate) remove_private_tags: bool,
    /// Whether elements that no rule names are removed.
    pub(crate) remove_undefined: bool,
    /// Whether the patient's age is computed from birth and study date.
    pub(crate) patient_age_from_birthdate: bool,
    /// The first unit to try for the age.
    pub(crate) patient_age_units: Option<AgeUnit>,
    /// Whether `replace-with` creates absent elements.
    pub(crate) replace_with_insert: bool,
    /// The range of `jitter` rules that state none.
    pub(crate) jitter_range: f64,
    /// What is blanked in images.
    pub(crate) alter_pixels: Option<AlterPixels>,
    /// What becomes of images, beside what is blanked.
    pub pixels: PixelRules,
    /// What is blanked in images, by device.
    pub(crate) regions: Vec<DeviceRegions>,
    /// Whether the originals of what is changed or removed go into the encrypted envelope.
    pub(crate) retain: bool,
    /// The keys of the envelope, where something needs them.
    pub(crate) envelope: Option<EnvelopeKeys>,
    /// What files are called in a package, by their path below the folder that was named; without
    /// entries by their UID.
    pub(crate) filenames: Vec<Substitution>,
    /// The Basic Profile of PS3.15 and its options, where the profile asks for them; `fields` go
    /// before it.
    pub(crate) confidentiality: Option<Confidentiality>,
    /// The check of what is about to be sent.
    pub residual: ResidualRule,
}

/// Unit of an age string (PS3.5 section 6.2, AS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeUnit {
    /// Days.
    Days,
    /// Months.
    Months,
    /// Years.
    Years,
}

/// One entry of `fields`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Which elements it addresses.
    pub(crate) selector: Selector,
    /// What it does to them.
    pub(crate) action: Action,
    /// Where it stands.
    pub(crate) position: Position,
}

/// Where a rule stands in its profile, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its number in `fields`, from 0.
    pub index: usize,
    /// The line in the file, if it came from one.
    pub line: Option<usize>,
}

impl Default for DicomRules {
    fn default() -> Self {
        // Both formats are constants that a test below reads.
        let format =
            |text| DateFormat::new(text).unwrap_or_else(|_| unreachable!("constant format"));
        Self {
            fields: Vec::new(),
            date_increment: None,
            date_format: format("%Y%m%d"),
            datetime_format: format("%Y%m%d%H%M%S.%f"),
            salt: None,
            hash_digits: 16,
            uid_prefix_fields: 4,
            uid_suffix_fields: 1,
            uid_numeric_name: None,
            recurse_sequence: false,
            remove_private_tags: false,
            remove_undefined: false,
            patient_age_from_birthdate: false,
            patient_age_units: None,
            replace_with_insert: true,
            jitter_range: 2.0,
            alter_pixels: None,
            pixels: PixelRules::default_for(None),
            regions: Vec::new(),
            retain: false,
            envelope: None,
            filenames: Vec::new(),
            confidentiality: None,
            residual: ResidualRule::default(),
        }
    }
}

impl Profile {
    /// Whether it leaves every DICOM file as it is.
    pub fn is_empty(&self) -> bool {
        let rules = &self.dicom;
        !rules.remove_private_tags
            && !rules.remove_undefined
            && !rules.patient_age_from_birthdate
            && rules.alter_pixels.is_none()
            && !rules
                .regions
                .iter()
                .any(DeviceRegions::blanks)
            && !rules.retain
            && rules.confidentiality.is_none()
            && rules
                .fields
                .iter()
                .all(|rule| rule.action.changes_nothing())
    }

    /// Whether pseudonyms are made that need a key.
    pub fn needs_key(&self) -> bool {
        self.dicom.confidentiality.is_some()
    }

    /// What in it makes cleaning the same file twice give two results, as a profile names it: random
    /// numbers, or an envelope, whose encryption is never twice the same. None where cleaning is
    /// repeatable.
    pub fn randomness(&self) -> Option<&'static str> {
        let rules = &self.dicom;
        let of_rule = rules
            .fields
            .iter()
            .find_map(|rule| rule.action.randomness());
        of_rule.or_else(|| {
            rules
                .envelope
                .is_some()
                .then_some("an encrypted envelope")
        })
    }
}

impl DicomRules {
    /// The options of the Basic Profile of PS3.15 that are chosen; none where it is not asked for.
    pub fn options(&self) -> impl Iterator<Item = ConfidentialityOption> {
        self.confidentiality
            .iter()
            .flat_map(|asked| asked.options.iter())
    }

    /// What each rule of `fields` does, by the name of its action, in order.
    pub fn action_names(&self) -> impl Iterator<Item = &'static str> {
        self.fields
            .iter()
            .map(|rule| rule.action.name())
    }

    /// How rules read and write dates that state no format of their own.
    pub fn format(&self, with_time: bool) -> &DateFormat {
        if with_time {
            &self.datetime_format
        } else {
            &self.date_format
        }
    }

    /// Whether a `replace-with` rule creates absent elements.
    pub fn inserts(&self, insert: Option<bool>) -> bool {
        insert.unwrap_or(self.replace_with_insert)
    }
}

impl Named for AgeUnit {
    const NAMES: &'static [(&'static str, Self)] =
        &[("D", Self::Days), ("M", Self::Months), ("Y", Self::Years)];
}

impl AgeUnit {
    /// Its letter in an age string.
    pub fn letter(self) -> &'static str {
        self.name()
    }
}

impl Rule {
    /// How messages name the rule: its position, what it addresses, and its line where there is
    /// one.
    pub fn describe(&self) -> String {
        let Position { index, line } = &self.position;
        let line = line
            .map(|line| format!(", line {line}"))
            .unwrap_or_default();
        format!(
            "fields[{index}] ({} of {}{line})",
            self.action.name(),
            self.selector
        )
    }

    /// Where it stands: its number and, where there is one, its line.
    pub fn location(&self) -> String {
        match self.position.line {
            Some(line) => format!("fields[{}], line {line}", self.position.index),
            None => format!("fields[{}]", self.position.index),
        }
    }
}
