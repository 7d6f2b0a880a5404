//! A profile as the rest of the program sees it: checked, with every default filled in or named.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::action::{Action, Replacement, Scalar};
use super::burned_in::{BurnedIn, DeviceRegions};
use super::confidentiality::{Confidentiality, ResidualRule};
use super::date_format::DateFormat;
use super::filename::FileName;
use super::jitter::{Bounds, DEFAULT_RANGE, DateJitter, canonical_date};
use super::pixels::AlterPixels;
use super::selector::Selector;
use crate::envelope::Keys;
use dicom_lossless::Phi;

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

/// What tells profiles apart: the digest that is shown and, where the profile holds secrets, one
/// over all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `sha256:<64 hex>`, without secrets.
    pub digest: String,
    secret: Option<Phi<String>>,
}

impl Identity {
    /// What stands for the secrets, for the journal alone, which hashes it under a key of its own;
    /// none where there are none.
    pub fn of_secrets(&self) -> Option<&str> {
        self.secret.as_ref().map(|secret| secret.expose().as_str())
    }
}

/// What a profile does to a DICOM file.
#[derive(Debug, Clone)]
// Each is a switch of its own in the profile format.
#[allow(clippy::struct_excessive_bools)]
pub struct DicomRules {
    /// The rules in document order.
    pub fields: Vec<Rule>,
    /// Days that the `increment-*` actions add.
    pub date_increment: Option<f64>,
    /// How `increment-date` and the age read dates.
    pub date_format: DateFormat,
    /// How `increment-datetime` reads and writes.
    pub datetime_format: DateFormat,
    /// Text put before what is hashed. It is no attribute value, but as secret as one.
    pub salt: Option<Phi<String>>,
    /// How many hex digits `hash` keeps; 0 for all 64.
    pub hash_digits: usize,
    /// How many leading components `hashuid` keeps.
    pub uid_prefix_fields: usize,
    /// How many trailing components `hashuid` keeps.
    pub uid_suffix_fields: usize,
    /// What `hashuid` writes instead of the leading components.
    pub uid_numeric_name: Option<String>,
    /// Whether every rule acts inside sequence items too.
    pub recurse_sequence: bool,
    /// Whether private elements are removed, those excepted that rules name by creator.
    pub remove_private_tags: bool,
    /// Whether elements that no rule names are removed.
    pub remove_undefined: bool,
    /// Whether the patient's age is computed from birth and study date.
    pub patient_age_from_birthdate: bool,
    /// The first unit to try for the age.
    pub patient_age_units: Option<AgeUnit>,
    /// Whether `replace-with` creates absent elements.
    pub replace_with_insert: bool,
    /// The range of `jitter` rules that state none.
    pub jitter_range: f64,
    /// What is blanked in images.
    pub alter_pixels: Option<AlterPixels>,
    /// What becomes of images that may show text.
    pub burned_in: BurnedIn,
    /// What is blanked in images, by device.
    pub regions: Vec<DeviceRegions>,
    /// Whether the originals of what is changed or removed go into the encrypted envelope.
    pub retain: bool,
    /// The keys of the envelope, where something needs them.
    pub envelope: Option<Keys>,
    /// What files are called in a package; without entries by their UID.
    pub filenames: Vec<FileName>,
    /// The Basic Profile of PS3.15 and its options, where the profile asks for them; `fields` go
    /// before it.
    pub confidentiality: Option<Confidentiality>,
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
    pub selector: Selector,
    /// What it does to them.
    pub action: Action,
    /// Where it stands.
    pub position: Position,
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
            jitter_range: DEFAULT_RANGE,
            alter_pixels: None,
            burned_in: BurnedIn::Keep,
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
        let idle = |rule: &Rule| {
            matches!(
                rule.action,
                Action::Keep
                    | Action::ReplaceWith {
                        value: Replacement::Nothing,
                        ..
                    }
            )
        };
        !rules.remove_private_tags
            && !rules.remove_undefined
            && !rules.patient_age_from_birthdate
            && rules.alter_pixels.is_none()
            && !rules.regions.iter().any(DeviceRegions::blanks)
            && !rules.retain
            && rules.confidentiality.is_none()
            && rules.fields.iter().all(idle)
    }

    /// Whether pseudonyms are made that need a key.
    pub fn needs_key(&self) -> bool {
        self.dicom.confidentiality.is_some()
    }

    /// `sha256:` and the SHA-256 of what the profile means, in hex: the same for TOML, YAML and
    /// JSON, for any order of keys and for any spelling of a tag. The name counts, the description
    /// does not. It is shown and written down, so of salts and keys it covers only whether there
    /// are any: a short salt could be found by trying.
    pub fn digest(&self) -> String {
        let mut canonical = self.canonical();
        if let Some(canonical) = canonical.as_object_mut() {
            if self.dicom.salt.is_some() {
                canonical.insert("salt".to_owned(), json!(true));
            }
            if let Some(keys) = &self.dicom.envelope {
                canonical.insert(keys.setting().to_owned(), json!(keys.public_fingerprint()));
            }
        }
        format!(
            "sha256:{}",
            hex::encode(Sha256::digest(canonical.to_string().as_bytes()))
        )
    }

    /// A digest that covers the secrets too: two profiles of the same identity do the same to every
    /// file. Never shown.
    pub fn identity(&self) -> Identity {
        let secrets = self.dicom.salt.is_some() || self.dicom.envelope.is_some();
        Identity {
            digest: self.digest(),
            secret: secrets.then(|| {
                Phi::new(hex::encode(Sha256::digest(
                    self.canonical().to_string().as_bytes(),
                )))
            }),
        }
    }

    /// The profile in one fixed form, secrets included.
    pub(super) fn canonical(&self) -> Value {
        let rules = &self.dicom;
        let mut others = self.other_sections.clone();
        others.sort();
        let mut canonical = json!({
            "format": 1,
            "name": self.name,
            "other-sections": others,
            "salt": rules.salt.as_ref().map(Phi::expose),
            "hash-digits": rules.hash_digits,
            "uid-prefix-fields": rules.uid_prefix_fields,
            "uid-suffix-fields": rules.uid_suffix_fields,
            "uid-numeric-name": rules.uid_numeric_name,
            "recurse-sequence": rules.recurse_sequence,
            "remove-private-tags": rules.remove_private_tags,
            "remove-undefined": rules.remove_undefined,
            "patient-age-from-birthdate": rules.patient_age_from_birthdate,
            "patient-age-units": rules.patient_age_units.map(AgeUnit::letter),
            "alter_pixels": rules.alter_pixels.as_ref().map(AlterPixels::canonical),
            "date-format": rules.date_format.as_str(),
            "fields": rules.fields.iter().map(|rule| rules.canonical_rule(rule)).collect::<Vec<_>>(),
        });
        if let Some(canonical) = canonical.as_object_mut() {
            if let Some(keys) = &rules.envelope {
                canonical.insert(keys.setting().to_owned(), json!(keys.fingerprint()));
                canonical.insert("retain".to_owned(), json!(rules.retain));
            }
            if !rules.filenames.is_empty() {
                let names = rules
                    .filenames
                    .iter()
                    .map(|name| name.canonical(rules))
                    .collect();
                canonical.insert("filenames".to_owned(), names);
            }
            if let Some(confidentiality) = &rules.confidentiality {
                canonical.insert("confidentiality".to_owned(), confidentiality.canonical());
            }
            if let Some(pixels) = rules.canonical_pixels() {
                canonical.insert("pixels".to_owned(), pixels);
            }
            if rules.residual != ResidualRule::default() {
                canonical.insert("residual".to_owned(), rules.residual.canonical());
            }
        }
        canonical
    }
}

impl DicomRules {
    /// Whether a `replace-with` rule creates absent elements.
    pub fn inserts(&self, insert: Option<bool>) -> bool {
        insert.unwrap_or(self.replace_with_insert)
    }

    fn canonical_rule(&self, rule: &Rule) -> Value {
        json!([
            selector_text(&rule.selector),
            rule.action.name(),
            self.canonical_action(&rule.action)
        ])
    }

    /// The options of an action, those of the profile in place of absent ones.
    pub(super) fn canonical_action(&self, action: &Action) -> Value {
        let days = |own: &Option<f64>| own.or(self.date_increment);
        match action {
            Action::Keep
            | Action::Remove
            | Action::Hash
            | Action::HashUid
            | Action::Encrypt
            | Action::Decrypt => Value::Null,
            Action::Jitter(jitter) => jitter.canonical(self.jitter_range),
            Action::ReplaceWith { value, insert } => {
                json!([canonical_value(value), self.inserts(*insert)])
            }
            Action::IncrementDate {
                days: own,
                format,
                jitter,
            } => {
                let format = format.as_ref().unwrap_or(&self.date_format);
                shifted(days(own), format, jitter.as_ref(), &Bounds::default())
            }
            Action::IncrementDateTime {
                days: own,
                format,
                jitter,
                bounds,
            } => shifted(
                days(own),
                format.as_ref().unwrap_or(&self.datetime_format),
                jitter.as_ref(),
                bounds,
            ),
            Action::RegexSub(items) => items.iter().map(|item| item.canonical(self)).collect(),
        }
    }
}

fn shifted(
    days: Option<f64>,
    format: &DateFormat,
    jitter: Option<&DateJitter>,
    bounds: &Bounds,
) -> Value {
    let mut all = vec![json!(days), json!(format.as_str())];
    all.extend(canonical_date(jitter, bounds));
    Value::Array(all)
}

/// The selector in full: what messages shorten or escape must still tell two profiles apart.
fn selector_text(selector: &Selector) -> String {
    match selector {
        Selector::Regex(regex) => format!("regex {}", regex.as_str()),
        Selector::Private {
            group,
            creator,
            element,
        } => format!("{group:04x},{creator},{element:02x}"),
        other => other.to_string(),
    }
}

fn canonical_value(value: &Replacement) -> Value {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Text(text) => json!(text),
        Scalar::Integer(number) => json!(number),
        Scalar::Float(number) => json!(number),
    };
    match value {
        Replacement::Nothing => Value::Null,
        Replacement::Empty => json!(""),
        Replacement::One(one) => scalar(one),
        Replacement::List(list) => list.iter().map(scalar).collect(),
    }
}

impl AgeUnit {
    /// Its letter in an age string.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Days => "D",
            Self::Months => "M",
            Self::Years => "Y",
        }
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

    /// Where it stands, for people: its number and, where there is one, its line.
    pub fn place(&self) -> String {
        match self.position.line {
            Some(line) => format!("fields[{}], line {line}", self.position.index),
            None => format!("fields[{}]", self.position.index),
        }
    }
}
