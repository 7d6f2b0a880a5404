//! What a profile leaves in place, against the standard's table of identifying attributes and what
//! lies outside it.
//!
//! Reads the profile and the standard, never a file. No finding is no proof: what a site writes into
//! an attribute, and what is burned into pixels, is not known from a profile.

mod attributes;
mod rules;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_lossless::escape_for_terminal;

use super::action::{Replacement, Scalar};
use super::basic_profile::{Confidentiality, DateShift, Encapsulated, OnLeak, Unlisted};
use super::effect::Effect;
use super::effect::NestingLevel::Top;
use super::image_rules::{BurnedIn, OtherImages};
use super::model::{DicomRules, Profile, Rule};
use super::theme::Theme;
use crate::standard;
use crate::standard::confidentiality::ConfidentialityOption as O;

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub struct LintReport {
    /// One for each attribute, rule or setting; by concern, and within one in the order of the
    /// standard's table.
    pub findings: Vec<LintFinding>,
}

/// One attribute that the profile leaves in place, or a fact that its author should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// What it is about.
    pub kind: LintKind,
    /// Whether something identifying may remain.
    pub severity: Severity,
    /// What sort of attribute it is, where it is one.
    pub theme: Option<Theme>,
    /// The attribute, rule or setting.
    pub subject: String,
    /// The attribute's tag as the standard writes it.
    pub tag: Option<String>,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something identifying may remain.
    Warning,
    /// Good to know.
    Note,
}

/// The kinds of finding. Their slugs stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LintKind {
    /// The profile changes nothing.
    Empty,
    /// An attribute of Table E.1-1 that no rule covers.
    Uncovered,
    /// An attribute of Table E.1-1 that the profile keeps.
    Kept,
    /// Attributes that an option of the Basic Profile keeps.
    Retained,
    /// Fields that keep what the Basic Profile does not.
    Exception,
    /// Free text that is kept or hashed instead of cleaned.
    Text,
    /// Rules that do not reach sequence items.
    Nested,
    /// Private elements that stay.
    Private,
    /// Everything outside Table E.1-1 stays.
    Unlisted,
    /// Attributes outside Table E.1-1 that may identify.
    BlindSpot,
    /// Hashes without a salt.
    Unsalted,
    /// A secret in the profile.
    Salted,
    /// Originals that travel with the file, encrypted.
    Envelope,
    /// Hashes that are short.
    HashDigits,
    /// Hashes where dates belong.
    HashOnDate,
    /// Parts of original UIDs that stay.
    UidParts,
    /// UIDs that no longer fit each other.
    UidInconsistent,
    /// Dates shifted apart.
    Dates,
    /// One shift of dates for all patients.
    Shift,
    /// Times of day that stay.
    Times,
    /// Ages.
    Age,
    /// The birth date.
    BirthDate,
    /// Pieces of original paths in the names of files.
    FileNames,
    /// Text burned into the image.
    Pixels,
    /// Documents that are not looked into.
    Encapsulated,
    /// What the check of the bytes to be sent does about a find.
    Residual,
    /// The marks of a de-identified object.
    Markers,
    /// Sections for other kinds of file.
    OtherSections,
    /// What loading the profile has to say: parts without effect, rules that act in another order
    /// at Flywheel.
    Notice,
}

impl LintKind {
    /// Its name for programs.
    pub fn slug(self) -> &'static str {
        self.names().0
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Empty => ("empty", "the profile changes nothing"),
            Self::Uncovered => ("uncovered", "not covered"),
            Self::Kept => ("kept", "kept on purpose"),
            Self::Retained => ("retained", "kept by an option"),
            Self::Exception => ("exception", "exceptions from the table"),
            Self::Text => ("text", "free text not cleaned"),
            Self::Nested => ("nested", "sequence items not reached"),
            Self::Private => ("private", "private data"),
            Self::Unlisted => ("unlisted", "what Table E.1-1 does not list"),
            Self::BlindSpot => ("blind-spot", "outside Table E.1-1"),
            Self::Unsalted => ("unsalted", "hashed without a salt"),
            Self::Salted => ("salted", "secret in the profile"),
            Self::Envelope => ("envelope", "originals in the envelope"),
            Self::HashDigits => ("hash-digits", "short hashes"),
            Self::HashOnDate => ("hash-on-date", "hash in place of a date"),
            Self::UidParts => ("uid-parts", "parts of original UIDs kept"),
            Self::UidInconsistent => ("uid-inconsistent", "UIDs out of step"),
            Self::Dates => ("dates", "dates out of step"),
            Self::Shift => ("shift", "one shift for all"),
            Self::Times => ("times", "times of day kept"),
            Self::Age => ("age", "age"),
            Self::BirthDate => ("birth-date", "birth date"),
            Self::FileNames => ("file-names", "names of files"),
            Self::Pixels => ("pixels", "burned-in text"),
            Self::Encapsulated => ("encapsulated", "documents"),
            Self::Residual => ("residual", "residual check"),
            Self::Markers => ("markers", "not marked as de-identified"),
            Self::OtherSections => ("other-sections", "sections for other files"),
            Self::Notice => ("notice", "notice"),
        }
    }
}

impl Severity {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl LintReport {
    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Whether nothing identifying was found to remain.
    pub fn is_clean(&self) -> bool {
        self.count(Severity::Warning) == 0
    }
}

/// Finds what a profile leaves behind.
pub fn lint(profile: &Profile) -> LintReport {
    let mut report = LintReport::default();
    attributes::lint(&profile.dicom, &mut report);
    rules::lint(&profile.dicom, &mut report);
    whole(profile, &mut report);
    report
        .findings
        .sort_by_key(|finding| (finding.severity, finding.kind, finding.theme));
    report
}

impl LintReport {
    fn add(
        &mut self,
        severity: Severity,
        kind: LintKind,
        subject: impl Into<String>,
        message: impl Into<String>,
        advice: &'static str,
    ) -> &mut LintFinding {
        self.findings.push(LintFinding {
            kind,
            severity,
            theme: None,
            subject: subject.into(),
            tag: None,
            message: message.into(),
            advice,
        });
        self.findings
            .last_mut()
            .unwrap_or_else(|| unreachable!("just added"))
    }

    fn warn(
        &mut self,
        kind: LintKind,
        subject: impl Into<String>,
        message: impl Into<String>,
        advice: &'static str,
    ) -> &mut LintFinding {
        self.add(Severity::Warning, kind, subject, message, advice)
    }

    fn note(
        &mut self,
        kind: LintKind,
        subject: impl Into<String>,
        message: impl Into<String>,
        advice: &'static str,
    ) -> &mut LintFinding {
        self.add(Severity::Note, kind, subject, message, advice)
    }
}

impl LintFinding {
    fn about(&mut self, theme: Theme) -> &mut Self {
        self.theme = Some(theme);
        self
    }

    fn tagged(&mut self, tag: &impl ToString) {
        self.tag = Some(tag.to_string());
    }
}

/// Settings that concern the whole file or the whole profile.
fn whole(profile: &Profile, report: &mut LintReport) {
    let rules = &profile.dicom;
    if profile.is_empty() {
        report.warn(
            LintKind::Empty,
            "fields",
            "every file goes out as it came in",
            "write rules, or start from the built-in profile `basic`",
        );
    }
    pixels(rules, report);
    match &rules.confidentiality {
        Some(confidentiality) => basic_profile(confidentiality, report),
        // The Basic Profile writes its marks by itself.
        None => markers(rules, report),
    }
    if rules.residual.on_leak == OnLeak::Warn {
        report.warn(
            LintKind::Residual,
            "residual.on-leak",
            "a file in which a removed value still stands is sent all the same, with a warning",
            "leave `on-leak` at `fail`: a find is a value that was meant to be gone",
        );
    }
    for section in &profile.other_sections {
        report.note(
            LintKind::OtherSections,
            section,
            format!("the section `{section}` is not carried out: only DICOM is cleaned"),
            "files of these kinds are not cleaned, and not uploaded unless that is asked for",
        );
    }
    for note in &profile.notes {
        report.note(
            LintKind::Notice,
            "profile",
            escape_for_terminal(note),
            "a run under this profile says so too; see that it is what you mean",
        );
    }
}

fn pixels(rules: &DicomRules, report: &mut LintReport) {
    if rules
        .effect_on(tags::PIXEL_DATA, Top)
        .effect
        .is_gone()
    {
        return;
    }
    let message = match (rules.pixels.burned_in, rules.pixels.other_images) {
        (BurnedIn::Detect, OtherImages::Detect) => {
            "text is looked for in every frame of images that may show some, as far as their \
                attributes tell, and in a few of all others; faint or small text and handwriting \
                can be missed"
        }
        (BurnedIn::Detect, OtherImages::Keep) => {
            "text is looked for in images that may show some, as far as their attributes tell, \
                where faint or small text and handwriting can be missed, and not in others"
        }
        (BurnedIn::Refuse, OtherImages::Detect) => {
            "images that may show text are refused, as far as their attributes tell; text is \
                looked for in a few frames of all others, and can be missed"
        }
        (BurnedIn::Refuse, OtherImages::Keep) => {
            "images that may show text are refused, as far as their attributes tell; the pixels \
                themselves are not read"
        }
        (BurnedIn::Keep, OtherImages::Detect) => {
            "images that may show text, as far as their attributes tell, go as they are; text is \
                looked for in a few frames of all others, and can be missed"
        }
        (BurnedIn::Keep, OtherImages::Keep)
            if rules.alter_pixels.is_some() || !rules.regions.is_empty() =>
        {
            "text burned into the image is not looked for beyond the regions of `alter_pixels` \
                and `pixels`"
        }
        (BurnedIn::Keep, OtherImages::Keep) => "text burned into the image is not looked for",
    };
    // A profile that asks for the Basic Profile and keeps such images takes back what it is for.
    let severity = if rules.confidentiality.is_some() && rules.keeps_burned_in() {
        Severity::Warning
    } else {
        Severity::Note
    };
    let advice = "look at ultrasound, secondary captures, dose sheets and scanned documents \
        before they are shared";
    report
        .add(severity, LintKind::Pixels, "PixelData", message, advice)
        .about(Theme::Graphics)
        .tagged(&tags::PIXEL_DATA);
    if rules.pixels.blank_finds {
        report
            .note(
                LintKind::Pixels,
                "pixels.blank-finds",
                "what is likely text is blanked in images of every kind, where it may be anatomy",
                "look at what would be blanked (`--dry-run --pictures FOLDER`) before the images \
                    are used",
            )
            .about(Theme::Graphics);
    }
}

fn markers(rules: &DicomRules, report: &mut LintReport) {
    let set = |tag| match rules.effect_on(tag, Top).effect {
        Effect::Replaced(value) => Some(value),
        _ => None,
    };
    let mut note = |tag: Tag, keyword: &str, message: &str| {
        let advice = "add `replace-with` rules that set it, once the other rules make it true";
        report
            .note(LintKind::Markers, keyword, message, advice)
            .tagged(&tag);
    };
    let yes = Replacement::One(Scalar::Text("YES".to_owned()));
    if set(tags::PATIENT_IDENTITY_REMOVED) != Some(&yes) {
        note(
            tags::PATIENT_IDENTITY_REMOVED,
            "PatientIdentityRemoved",
            "not set to YES, which PS3.15 asks for",
        );
    }
    if set(tags::DEIDENTIFICATION_METHOD).is_none()
        && set(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE).is_none()
    {
        note(
            tags::DEIDENTIFICATION_METHOD,
            "DeidentificationMethod",
            "not set: later readers cannot see how the file was de-identified",
        );
    }
}

fn basic_profile(confidentiality: &Confidentiality, report: &mut LintReport) {
    for option in confidentiality.options.iter() {
        kept_under(option, report);
    }
    if confidentiality.unlisted == Unlisted::Keep {
        report.warn(
            LintKind::Unlisted,
            "unlisted",
            "what Table E.1-1 does not list stays, whatever it may tell",
            "leave `unlisted` at `keep-known-safe`: it keeps codes, numbers and structure",
        );
    }
    if let DateShift::Days(_) = confidentiality.shift {
        report
            .warn(
                LintKind::Shift,
                "dates.days",
                "all patients' dates move by the same days, which stand in the profile: one known \
                    date gives away every other",
                "leave `days` out: each patient's dates then move by weeks of their own",
            )
            .about(Theme::Times);
    }
    if confidentiality.encapsulated == Encapsulated::Keep {
        report.warn(
            LintKind::Encapsulated,
            "encapsulated",
            "documents inside DICOM files are sent unchanged and unchecked",
            "leave `encapsulated` at `refuse`, or take documents out with `remove`",
        );
    }
}

/// What an option keeps that may identify a person, a time or a place.
fn kept_under(option: O, report: &mut LintReport) {
    let check = "check that it is meant, and that who gets the data may know it";
    let (severity, theme, message, advice) = match option {
        O::RetainUids => (
            Severity::Warning,
            Theme::Uids,
            "original UIDs stay, and lead to the originals where these are",
            "leave the option out: new UIDs are keyed and still fit each other",
        ),
        O::RetainFullDates => (
            Severity::Warning,
            Theme::Times,
            "dates and times stay as they are",
            "take `retain-modified-dates`: intervals stay right, and days of the calendar do not",
        ),
        O::RetainDeviceIdentity => (
            Severity::Note,
            Theme::Device,
            "equipment stays named, and with it often the place",
            check,
        ),
        O::RetainInstitutionIdentity => (
            Severity::Note,
            Theme::Institution,
            "institutions stay named",
            check,
        ),
        O::RetainPatientCharacteristics => (
            Severity::Note,
            Theme::Patient,
            "age, sex, size, weight and the like stay; together they may identify a person",
            check,
        ),
        _ => return,
    };
    report
        .add(severity, LintKind::Retained, option.slug(), message, advice)
        .about(theme);
}

/// The selector of a rule, for a finding about it.
fn selector_name(rule: &Rule) -> String {
    escape_for_terminal(&rule.selector.to_string())
}

/// The attributes of a list of keywords, all of which the dictionary knows.
fn tags(keywords: &'static [&'static str]) -> impl Iterator<Item = (&'static str, Tag)> {
    keywords
        .iter()
        .filter_map(|keyword| Some((*keyword, standard::tag_of_keyword(keyword)?)))
}

#[cfg(test)]
mod tests;
