//! What rules make of one file: read, judged, cleaned where a profile is named, and placed, as an
//! upload does it.
//!
//! Owns why an upload of the file would fail. Values of the original header decide, and come into
//! what is shown only by [`AsFound`].

use std::path::PathBuf;
use std::sync::Arc;

use crate::discover::{DiscoveredFile, Found, SkipReason};
use crate::failure::{FileCode, FileFailure};
use crate::pipeline::{READ_WHOLE, guarded};
use crate::rules::{Cleaned, LeftOut, Original, Rules, TooLong, Verdict, fields_of, shown};
use dicom_deid::{Cleaner, Finding, Sendable};
use dicom_lossless::{Identity, Instance, Limits, Phi, Source, read};
use import_rules::{
    CleanedHeader, Decision, Extracted, FileFields, HeaderField, OriginalHeader, RuleSet, RuleType,
    Tag,
};

use super::tested_file::{DecidedFile, TestOutcome, TestedFile, is_asked_for, relative, text};
use crate::routing::holds_a_date;

/// The headers that values come from.
pub enum Headers {
    /// As this cleans them.
    Cleaned {
        cleaner: Box<Cleaner>,
        /// The profile changes dates.
        changes_dates: bool,
    },
    /// As they were found.
    AsFound,
    /// No rule asks for any.
    None,
}

/// A header as it was found, in the place of a cleaned one: where the user asked to see values as
/// they are, and nothing is sent.
struct AsFound<'a>(&'a Original<'a>);

impl CleanedHeader for AsFound<'_> {
    fn cleaned_values(&self, field: &HeaderField) -> Vec<String> {
        self.0.original_values(field)
    }
}

const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const ISSUER_OF_PATIENT_ID: Tag = Tag(0x0010, 0x0021);

/// What is done with each file.
pub struct RulesTrial {
    pub rules: Rules,
    pub headers: Headers,
    pub limits: Limits,
    /// The paths that were named.
    pub roots: Vec<PathBuf>,
}

/// What cleaning a file came to.
#[derive(Default)]
struct Cleaning {
    header: Option<Cleaned>,
    sendable: Option<Sendable>,
    failure: Option<FileFailure>,
}

impl RulesTrial {
    /// What the rules make of a file that was found.
    pub fn test(&self, found: Found) -> TestedFile {
        let relative = relative(&found, &self.roots);
        let outcome = match found {
            Found::Dicom(file) => {
                guarded(|| Ok(self.dicom(&file, &relative))).unwrap_or_else(TestOutcome::Failed)
            }
            Found::Other(file) => self.other(&fields(&file, &relative)),
            Found::Skipped {
                path,
                reason: reason @ (SkipReason::Empty | SkipReason::Dicomdir),
                len,
            } => {
                let fields = fields_of(&path, &relative, len, false);
                self.undecoded(&fields, |decided| decided.skipped = Some(reason))
            }
            Found::Skipped { reason, .. } => TestOutcome::Skipped(reason),
            Found::Failed { path, failure } => match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    let fields = fields_of(&path, &relative, metadata.len(), false);
                    self.undecoded(&fields, |decided| decided.fail(failure))
                }
                _ => TestOutcome::Failed(failure),
            },
        };
        TestedFile { relative, outcome }
    }

    fn set(&self) -> &RuleSet {
        static NONE: std::sync::LazyLock<RuleSet> = std::sync::LazyLock::new(RuleSet::default);
        self.rules
            .set
            .as_ref()
            .unwrap_or(&NONE)
    }

    fn dicom(&self, file: &DiscoveredFile, relative: &str) -> TestOutcome {
        let fields = fields(file, relative);
        let by_path = !self.rules.need_header();
        if by_path && !matches!(self.rules.judge(&fields, None), Ok(Verdict::Rule(_))) {
            return self.undecoded(&fields, |_| {});
        }
        let instance = match guarded(|| self.read(file)) {
            Ok(instance) => instance,
            Err(failure) => {
                return self.undecoded(&fields, |decided| decided.fail(failure));
            }
        };
        let original = Original::of(&instance);
        let taken = match self
            .rules
            .judge(&fields, Some(&original))
        {
            Ok(Verdict::LeftOut(LeftOut::ByFilter(number))) => return self.left_out(number),
            Err(TooLong::Filter(number)) => return self.too_long(number),
            verdict => matches!(verdict, Ok(Verdict::Rule(_))),
        };
        let cleaning = match &self.headers {
            Headers::Cleaned { cleaner, .. } if taken => clean(cleaner, &instance, relative),
            _ => Cleaning::default(),
        };
        let as_found = AsFound(&original);
        let header: Option<&dyn CleanedHeader> = match &self.headers {
            Headers::AsFound => Some(&as_found),
            Headers::Cleaned { .. } => cleaning
                .header
                .as_ref()
                .map(|header| header as _),
            Headers::None => None,
        };
        let decision = Decision::of(
            self.set(),
            &fields,
            Some(&original),
            header,
            &self.rules.settings,
        );
        let mut decided = DecidedFile::of(decision);
        decided.identity = identity(&original);
        match (cleaning.failure, cleaning.sendable) {
            (Some(failure), _) => decided.fail(failure),
            (None, sendable) => self.check(&mut decided, sendable.as_ref()),
        }
        TestOutcome::Decided(Box::new(decided))
    }

    fn read(&self, file: &DiscoveredFile) -> Result<Instance, FileFailure> {
        let source = Arc::new(file.source()?);
        // Headers alone are looked at where nothing is cleaned.
        let cleans = matches!(self.headers, Headers::Cleaned { .. });
        let source = if cleans && source.len() <= READ_WHOLE {
            Source::load(source)?
        } else {
            Source::File(source)
        };
        Ok(read(source, &self.limits)?)
    }

    fn other(&self, fields: &FileFields) -> TestOutcome {
        self.undecoded(fields, |decided| {
            let rule = decided
                .rule()
                .and_then(|number| Some((number, self.set().rules().get(number)?)));
            match rule {
                // It goes where the DICOM beside it goes, or stays: a rule for DICOM has no say.
                Some((_, rule)) if *rule.kind() == RuleType::Dicom => decided.not_dicom = true,
                Some((number, rule)) if !rule.allows_uncleaned() => {
                    let detail = format!("rule {}", number + 1);
                    decided.failure = Some(FileFailure::new(FileCode::RouteUncleaned, detail));
                }
                _ => self.check(decided, None),
            }
        })
    }

    /// What rules make of a file without a header.
    fn undecoded(&self, fields: &FileFields, settle: impl FnOnce(&mut DecidedFile)) -> TestOutcome {
        match self.rules.judge(fields, None) {
            Ok(Verdict::LeftOut(LeftOut::ByFilter(number))) => return self.left_out(number),
            Err(TooLong::Filter(number)) => return self.too_long(number),
            _ => {}
        }
        let decision = Decision::of(self.set(), fields, None, None, &self.rules.settings);
        let mut decided = DecidedFile::of(decision);
        settle(&mut decided);
        TestOutcome::Decided(Box::new(decided))
    }

    fn left_out(&self, filter: usize) -> TestOutcome {
        TestOutcome::LeftOut(
            self.rules
                .filters
                .name(filter)
                .to_owned(),
        )
    }

    fn too_long(&self, filter: usize) -> TestOutcome {
        let what = format!("{} would take too long", self.rules.filters.name(filter));
        TestOutcome::Failed(FileFailure::new(FileCode::RouteRuleFailed, what))
    }

    /// Notes why an upload of the file would fail, if it would.
    fn check(&self, decided: &mut DecidedFile, sendable: Option<&Sendable>) {
        match self.checked(decided, sendable) {
            Ok(findings) => decided.findings = findings,
            Err(failure) => decided.failure = Some(failure),
        }
    }

    fn checked(
        &self,
        decided: &DecidedFile,
        sendable: Option<&Sendable>,
    ) -> Result<Vec<Finding>, FileFailure> {
        if let Some(error) = &decided.decision.error {
            let rule = decided
                .rule()
                .filter(|_| !error.starts_with("rule "))
                .map(|number| format!("rule {}: ", number + 1));
            let detail = format!("{}{error}", rule.unwrap_or_default());
            return Err(FileFailure::new(FileCode::RouteRuleFailed, detail));
        }
        let Some(extracted) = &decided.decision.extracted else {
            return Ok(Vec::new());
        };
        if !extracted.missing.is_empty() {
            let missing: Vec<_> = extracted
                .missing
                .iter()
                .map(shown)
                .collect();
            let detail = format!("no {} label", missing.join(" and no "));
            return Err(FileFailure::new(FileCode::RouteMissingLabel, detail));
        }
        self.refuse_dates(extracted)?;
        sendable.map_or(Ok(Vec::new()), |sendable| {
            removed_values(extracted, sendable)
        })
    }

    fn refuse_dates(&self, extracted: &Extracted) -> Result<(), FileFailure> {
        let changes_dates = matches!(
            self.headers,
            Headers::Cleaned {
                changes_dates: true,
                ..
            }
        );
        if !changes_dates || self.rules.dates_from_path {
            return Ok(());
        }
        let dated = extracted
            .metadata
            .iter()
            .filter(|(_, field)| field.origin.is_from_path())
            .find(|(_, field)| holds_a_date(&text(&field.value)));
        dated.map_or(Ok(()), |(target, _)| {
            let detail = format!("in the {}", shown(target));
            Err(FileFailure::new(FileCode::RouteDateFromPath, detail))
        })
    }
}

impl DecidedFile {
    fn of(decision: Decision) -> Self {
        Self {
            decision,
            failure: None,
            findings: Vec::new(),
            skipped: None,
            not_dicom: false,
            identity: Identity::default(),
        }
    }

    /// Notes that the file cannot be sent, so that rules give it nothing.
    fn fail(&mut self, failure: FileFailure) {
        self.decision.extracted = None;
        self.decision.error = Some(failure.message());
        self.failure = Some(failure);
    }
}

/// Cleans an instance, of which the original is still needed.
fn clean(cleaner: &Cleaner, instance: &Instance, relative: &str) -> Cleaning {
    let done = guarded(|| Ok(cleaner.deidentify(instance.clone(), relative)?));
    match done.map(Sendable::from) {
        Ok(mut sendable) => Cleaning {
            header: sendable.take_header().map(Cleaned),
            sendable: Some(sendable),
            failure: None,
        },
        Err(failure) => Cleaning {
            failure: Some(failure),
            ..Cleaning::default()
        },
    }
}

/// Looks for values that cleaning removed in all that rules give the file.
fn removed_values(extracted: &Extracted, sendable: &Sendable) -> Result<Vec<Finding>, FileFailure> {
    let fields = extracted
        .metadata
        .iter()
        .filter(|(target, field)| target.is_label() || is_asked_for(field.origin))
        .map(|(target, field)| (shown(target), text(&field.value)));
    let member = extracted
        .member_name
        .iter()
        .map(|name| ("the name in the package".to_owned(), text(name)));
    let texts: Vec<_> = fields.chain(member).collect();
    let texts = texts
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    sendable
        .check_texts(texts)
        .map_err(|error| {
            let found = FileFailure::from(error);
            match found.code {
                FileCode::ResidualLeft => {
                    FileFailure::new(FileCode::RouteIdentifierInLabel, found.detail)
                }
                _ => found,
            }
        })
}

/// Whose file it is, before cleaning.
fn identity(original: &Original<'_>) -> Identity {
    let first = |tag| {
        let values = original.original_values(&HeaderField::Standard(tag));
        let value = values.into_iter().next()?;
        let value = value.trim();
        (!value.is_empty()).then(|| Phi::new(value.to_owned()))
    };
    Identity {
        patient: first(PATIENT_ID),
        issuer: first(ISSUER_OF_PATIENT_ID),
        ..Identity::default()
    }
}

fn fields(file: &DiscoveredFile, relative: &str) -> FileFields {
    fields_of(file.on_disk(), relative, file.len, file.inside.is_some())
}
