//! What tells profiles apart: one fixed form of what a profile means, and digests over it.
//!
//! The same for TOML, YAML and JSON, for any order of keys and for any spelling of a tag. What is
//! shown covers no secret. The form must never change for a profile that means what it meant.

use dicom_lossless::Phi;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::action::{
    Action, DateBound, DateBounds, DateJitter, Group, Replacement, Scalar, Substitution,
};
use super::basic_profile::{Confidentiality, DateShift, EDITION, ResidualRule};
use super::date_format::DateFormat;
use super::image_rules::{
    AlterPixels, AttributeTest, BlankedArea, Condition, DeviceRegions, OUTSIDE, PixelRules,
    RequiredValue, TestKind,
};
use super::json::set;
use super::model::{AgeUnit, DicomRules, Profile, Rule};
use super::selector::Selector;
use super::tree::Named;
use crate::standard::confidentiality::ConfidentialityOption;
use crate::standard::hex_digits;

/// What tells profiles apart: the digest that is shown and, where the profile holds secrets, one
/// over all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `sha256:<64 hex>`, without secrets.
    pub digest: String,
    secret: Option<Phi<String>>,
}

impl Identity {
    /// A digest of the secrets, for the journal alone, which hashes it under a key of its own; none
    /// where there are none.
    pub fn of_secrets(&self) -> Option<&str> {
        self.secret
            .as_ref()
            .map(|secret| secret.expose().as_str())
    }
}

impl Profile {
    /// `sha256:` and the SHA-256 of what the profile means, in hex. The name counts, the
    /// description does not. It is shown and written down, so of salts and keys it covers only
    /// whether there are any: a short salt could be found by trying.
    pub fn digest(&self) -> String {
        let mut canonical = self.canonical();
        if self.dicom.salt.is_some() {
            set(&mut canonical, "salt", json!(true));
        }
        if let Some(keys) = &self.dicom.envelope {
            set(
                &mut canonical,
                keys.setting(),
                json!(keys.public_fingerprint()),
            );
        }
        format!("sha256:{}", sha256(&canonical))
    }

    /// A digest that covers the secrets too: two profiles of the same identity do the same to every
    /// file. Never shown.
    pub fn identity(&self) -> Identity {
        let secrets = self.dicom.salt.is_some() || self.dicom.envelope.is_some();
        Identity {
            digest: self.digest(),
            secret: secrets.then(|| Phi::new(sha256(&self.canonical()))),
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
            "patient-age-units": rules.patient_age_units.map(AgeUnit::name),
            "alter_pixels": rules.alter_pixels.as_ref().map(alter_pixels),
            "date-format": rules.date_format.as_str(),
            "fields": rules.fields.iter().map(|rule| field(rules, rule)).collect::<Vec<_>>(),
        });
        // Later additions to the vocabulary count only where they are used: digests of profiles
        // without them stay as they were.
        if let Some(keys) = &rules.envelope {
            set(&mut canonical, keys.setting(), json!(keys.fingerprint()));
            set(&mut canonical, "retain", json!(rules.retain));
        }
        if !rules.filenames.is_empty() {
            let names = substitutions(rules, &rules.filenames);
            set(&mut canonical, "filenames", names);
        }
        if let Some(settings) = &rules.confidentiality {
            set(&mut canonical, "confidentiality", confidentiality(settings));
        }
        if rules.pixels != PixelRules::default_for(rules.confidentiality.as_ref())
            || !rules.regions.is_empty()
        {
            set(&mut canonical, "pixels", pixels(rules));
        }
        if rules.residual != ResidualRule::default() {
            let ResidualRule {
                on_leak,
                min_length,
            } = rules.residual;
            set(
                &mut canonical,
                "residual",
                json!([on_leak.name(), min_length]),
            );
        }
        canonical
    }
}

fn sha256(canonical: &Value) -> String {
    hex::encode(Sha256::digest(canonical.to_string().as_bytes()))
}

fn field(rules: &DicomRules, rule: &Rule) -> Value {
    // What messages shorten or escape must still tell two profiles apart.
    let selector = match &rule.selector {
        Selector::Regex(regex) => format!("regex {}", regex.as_str()),
        Selector::Private {
            group,
            creator,
            element,
        } => format!("{group:04x},{creator},{element:02x}"),
        other => other.to_string(),
    };
    json!([selector, rule.action.name(), options(rules, &rule.action)])
}

/// The options of an action, those of the profile in place of absent ones.
fn options(rules: &DicomRules, action: &Action) -> Value {
    match action {
        Action::Keep
        | Action::Remove
        | Action::Hash
        | Action::HashUid
        | Action::Encrypt
        | Action::Decrypt => Value::Null,
        Action::Jitter(jitter) => json!([
            jitter
                .range
                .unwrap_or(rules.jitter_range),
            jitter.whole,
            jitter.min,
            jitter.max
        ]),
        Action::ReplaceWith { value, insert } => {
            json!([replacement(value), rules.inserts(*insert)])
        }
        Action::Shift {
            with_time,
            days,
            format,
            jitter,
            bounds,
        } => shift(
            days.or(rules.date_increment),
            format
                .as_ref()
                .unwrap_or(rules.format(*with_time)),
            jitter.as_ref(),
            bounds,
        ),
        Action::RegexSub(items) => substitutions(rules, items),
    }
}

fn substitutions(rules: &DicomRules, items: &[Substitution]) -> Value {
    let group = |group: &Group| {
        let action = &group.action;
        json!([group.name, action.name(), options(rules, action)])
    };
    let item = |item: &Substitution| {
        let groups: Vec<_> = item
            .groups
            .iter()
            .map(group)
            .collect();
        json!([item.regex.as_str(), item.output.as_str(), groups])
    };
    items.iter().map(item).collect()
}

fn shift(
    days: Option<f64>,
    format: &DateFormat,
    jitter: Option<&DateJitter>,
    bounds: &DateBounds,
) -> Value {
    if jitter.is_none() && *bounds == DateBounds::default() {
        return json!([days, format.as_str()]);
    }
    let bound = |bound: &DateBound| match bound {
        DateBound::On(day) => json!(day.to_string()),
        DateBound::FromToday(days) => json!(days),
    };
    let random = json!([
        jitter.map(|jitter| json!([jitter.range, jitter.unit.name()])),
        bounds.min.as_ref().map(bound),
        bounds.max.as_ref().map(bound)
    ]);
    json!([days, format.as_str(), random])
}

fn replacement(value: &Replacement) -> Value {
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

fn confidentiality(settings: &Confidentiality) -> Value {
    let options: Vec<_> = settings
        .options
        .iter()
        .map(ConfidentialityOption::slug)
        .collect();
    json!({
        "profile": "basic",
        "edition": EDITION,
        "options": options,
        "unlisted": settings.unlisted.name(),
        "encapsulated": settings.encapsulated.name(),
        "shift": match settings.shift {
            DateShift::PerPatient => json!("per-patient"),
            DateShift::Days(days) => json!(days),
        },
        "unparseable": settings.unparseable.name(),
        "pseudonyms": [json!(settings.pseudonyms.prefix), json!(settings.pseudonyms.width)],
    })
}

/// What is looked at beyond what follows from `burned-in` came later, and counts where it is used.
fn pixels(rules: &DicomRules) -> Value {
    let regions: Vec<_> = rules
        .regions
        .iter()
        .map(device_regions)
        .collect();
    let PixelRules {
        burned_in,
        other_images,
        blank_finds,
        markers,
        faces,
    } = rules.pixels;
    if rules.pixels == PixelRules::default_with(burned_in) {
        return json!([burned_in.name(), regions]);
    }
    let looks = json!([
        other_images.name(),
        blank_finds,
        markers.name(),
        faces.name()
    ]);
    json!([burned_in.name(), regions, looks])
}

fn device_regions(device: &DeviceRegions) -> Value {
    let value = |value: &RequiredValue| match value {
        RequiredValue::Text(text) => json!(text),
        RequiredValue::Number(number) => json!(number),
    };
    let when = device.when.iter().map(|attribute| {
        let values: Vec<_> = attribute
            .values
            .iter()
            .map(value)
            .collect();
        json!([hex_digits(attribute.tag), values])
    });
    let blank = match &device.blank {
        BlankedArea::Rectangles(all) => all
            .iter()
            .map(|area| json!([area.x, area.y, area.width, area.height]))
            .collect(),
        BlankedArea::OutsideUltrasoundRegions => json!(OUTSIDE),
    };
    json!([when.collect::<Vec<_>>(), blank])
}

fn alter_pixels(pixels: &AlterPixels) -> Value {
    let regions = pixels.regions.iter();
    regions
        .map(|region| json!([condition(&region.when), region.keep, region.corners]))
        .collect()
}

fn condition(condition: &Condition) -> String {
    let lines = condition.lines.iter().map(|line| {
        let rest = line.rest.iter();
        let rest = rest.map(|(join, next)| format!(" {join:?} {}", test(next)));
        test(&line.first) + &rest.collect::<String>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn test(test: &AttributeTest) -> String {
    let kind = match &test.kind {
        TestKind::Contains(regex) => format!("contains {}", regex.as_str()),
        TestKind::Equals(value) => format!("equals {value}"),
        TestKind::Missing => "missing".to_owned(),
        TestKind::Empty => "empty".to_owned(),
    };
    let tag = hex_digits(test.tag);
    format!("{tag} {} {} {kind}", test.by_number, test.negated)
}
