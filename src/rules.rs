//! The rules of a run (`--rules`, `--map`) and its filters (`--filter` and the everyday forms): which
//! files are taken, and what becomes of their labels.
//!
//! Owns how files and headers are shown to rules, and the sentence that holds for all of it: what
//! decides may look at the original; what is written comes only from the path by explicit mapping,
//! from the cleaned header, or from a constant or table that the user wrote. No text of a filter is
//! told, since it may hold an identifier: filters are named by their numbers.

mod associate;
mod filters;
mod header;
mod read;

use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use chrono::{Local, Offset, TimeZone};
use import_rules::{
    Choice, CleanedHeader, ExtractError, Extracted, FileFields, GroupKey, HeaderField, Level,
    Origin, OriginalHeader, Rule, RuleSet, RuleType, Settings, Target, Zone,
};

pub use associate::{Associated, Association, AssociationError};
pub use filters::{FilterFlags, Filters};
pub use header::{Cleaned, Original};
pub use read::{RulesFile, read};

/// Which rule takes a file, from 0.
pub type RuleNumber = u16;

/// The rules and filters of a run.
#[derive(Debug, Default)]
pub struct Rules {
    /// The rules; none where labels come from the header as always.
    pub set: Option<RuleSet>,
    /// Which other files belong to an image by their names.
    pub associations: Vec<Association>,
    /// What files have to pass before a rule is asked.
    pub filters: Arc<Filters>,
    /// How fields are worked out.
    pub settings: Settings,
    /// Dates and times may be taken from paths, whatever the profile does with dates.
    pub dates_from_path: bool,
    /// The profile changes dates, and no date may come from a path beside them.
    pub refuses_dates: bool,
    /// What stands for all that decides labels, in the journal.
    pub identity: String,
}

/// Why a file is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// By the filter of this number, from 0.
    ByFilter(usize),
    /// No rule takes it.
    NoRule,
    /// The rules are for other beginnings of paths.
    OtherPrefix,
}

/// What rules and filters say of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// This rule takes it.
    Rule(RuleNumber),
    /// There are no rules, and the filters let it pass.
    NoRules,
    /// It is not to be sent.
    LeftOut(LeftOut),
}

/// A pattern for which matching would take too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLong {
    /// A filter of the command line, from 0.
    Filter(usize),
    /// A filter of a rule, from 0.
    Rule(usize),
}

impl Rules {
    /// Whether headers are read as they are sent.
    pub fn need_cleaned_headers(&self) -> bool {
        self.set.is_some() || !self.associations.is_empty()
    }

    /// The globs of other files that belong to an image.
    pub fn globs(&self, header: &Cleaned) -> Vec<String> {
        self.associations
            .iter()
            .filter_map(|association| association.glob(header))
            .collect()
    }

    /// Whether nothing is to be decided.
    pub fn is_empty(&self) -> bool {
        self.set.is_none() && self.filters.is_empty()
    }

    /// Whether the header of a file must be read to decide.
    pub fn need_header(&self) -> bool {
        self.filters.need_header()
            || self
                .set
                .as_ref()
                .is_some_and(RuleSet::filters_need_header)
    }

    /// What is known of a file's verdict before its header is read; none where that decides.
    ///
    /// # Errors
    /// A pattern that would take too long.
    pub fn judge_by_path(&self, file: &FileFields) -> Result<Option<Verdict>, TooLong> {
        if self.need_header() {
            let number = self
                .filters
                .refuse(file, None, &self.settings.zone)
                .map_err(TooLong::Filter)?;
            return Ok(number.map(|number| Verdict::LeftOut(LeftOut::ByFilter(number))));
        }
        self.judge(file, None).map(Some)
    }

    /// The subject that a rule gives a file whatever its header says; none where that has a say.
    pub fn subject_by_path(&self, number: RuleNumber, file: &FileFields) -> Option<String> {
        struct Nothing;
        impl CleanedHeader for Nothing {
            fn cleaned_values(&self, _: &HeaderField) -> Vec<String> {
                Vec::new()
            }
        }
        let rule = self.rule(number)?;
        let subject = Target::label_of(Level::Subject);
        if rule
            .fields_read_from_header()
            .contains(&subject)
        {
            return None;
        }
        let extracted = rule
            .extract(file, Some(&Nothing), &self.settings)
            .ok()?;
        let field = extracted.metadata.field(&subject)?;
        let fixed = matches!(field.origin, Origin::Mapping { .. } | Origin::Override);
        fixed.then(|| field.value.to_text())
    }

    /// The rule of a number.
    pub fn rule(&self, number: RuleNumber) -> Option<&Rule> {
        self.set
            .as_ref()?
            .rules()
            .get(usize::from(number))
    }

    /// Whether a rule is there for files that are not DICOM.
    pub fn speak_of_other_files(&self) -> bool {
        self.set.iter().any(|set| {
            set.rules()
                .iter()
                .any(|rule| *rule.kind() != RuleType::Dicom)
        })
    }

    /// What becomes of a file; `header` is the original one, of DICOM files.
    ///
    /// # Errors
    /// A pattern that would take too long.
    pub fn judge(
        &self,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
    ) -> Result<Verdict, TooLong> {
        let zone = &self.settings.zone;
        if let Some(number) = self
            .filters
            .refuse(file, header, zone)
            .map_err(TooLong::Filter)?
        {
            return Ok(Verdict::LeftOut(LeftOut::ByFilter(number)));
        }
        let Some(set) = &self.set else {
            return Ok(Verdict::NoRules);
        };
        let choice = set
            .choose(file, header, zone)
            .map_err(|error| TooLong::Rule(error.rule))?;
        Ok(match choice {
            Choice::Rule(number, _) => match RuleNumber::try_from(number) {
                Ok(number) => Verdict::Rule(number),
                Err(_) => Verdict::LeftOut(LeftOut::NoRule),
            },
            Choice::None(_) => Verdict::LeftOut(LeftOut::NoRule),
            Choice::OutsidePrefixes => Verdict::LeftOut(LeftOut::OtherPrefix),
        })
    }

    /// What a rule makes of a file that it takes.
    ///
    /// # Errors
    /// What keeps the rule from saying where the file goes.
    pub fn extract(
        &self,
        number: RuleNumber,
        file: &FileFields,
        header: Option<&Cleaned>,
    ) -> Result<Extracted, ExtractError> {
        let Some(rule) = self.rule(number) else {
            return Ok(Extracted::default());
        };
        rule.extract(file, header.map(|header| header as _), &self.settings)
    }

    /// What belongs into one package with a file.
    ///
    /// # Errors
    /// As for [`Self::extract`].
    pub fn group(
        &self,
        number: RuleNumber,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
        extracted: &Extracted,
    ) -> Result<Option<GroupKey>, ExtractError> {
        self.rule(number)
            .map(|rule| rule.group_key(number.into(), file, header, extracted))
            .transpose()
    }

    /// The labels and names that rules take from paths: what a notice before the run names.
    pub fn labels_from_paths(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for rule in self
            .set
            .iter()
            .flat_map(RuleSet::rules)
        {
            let folders = if self.settings.folder_labels {
                rule.level().labels()
            } else {
                Vec::new()
            };
            let mapped = rule
                .labels_read_from_path()
                .into_iter()
                .chain(folders)
                .map(|target| shown(&target));
            let members = rule
                .names_members_from_path()
                .then(|| "names in packages".to_owned());
            for name in mapped.chain(members) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// A field as people call it: `subject` for `subject.label`.
pub fn shown(target: &Target) -> String {
    let name = target.name();
    match name
        .strip_suffix(".label")
        .or_else(|| name.strip_suffix("._id"))
    {
        Some(level) => level.to_owned(),
        None => name,
    }
}

/// A file as rules see it, by its path below the folder that was named, where it is or the archive
/// around it is on disk, and its size; with the times that the system has of that.
pub fn fields_of(on_disk: &Path, relative: &str, size: u64, inside: bool) -> FileFields {
    let metadata = std::fs::metadata(on_disk).ok();
    let modified = metadata
        .as_ref()
        .and_then(|metadata| metadata.modified().ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok());
    let times =
        |fields: FileFields| fields.with_times(modified, changed(metadata.as_ref(), modified));
    // A folder may have such a name too: the archive's own tells where its members begin.
    let name = on_disk
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let member = relative
        .find(&format!("{name}::"))
        .filter(|_| inside)
        .and_then(|at| {
            let (archive, member) = relative.split_at_checked(at + name.len())?;
            Some((archive, member.strip_prefix("::")?))
        });
    match member {
        Some((archive, member)) => {
            let whole = metadata
                .as_ref()
                .map_or(0, std::fs::Metadata::len);
            times(FileFields::new(archive, whole)).member(member, size, modified)
        }
        None => times(FileFields::new(relative, size)),
    }
}

#[cfg(unix)]
fn changed(metadata: Option<&std::fs::Metadata>, _: Option<i64>) -> Option<i64> {
    metadata.map(std::os::unix::fs::MetadataExt::ctime)
}

#[cfg(not(unix))]
fn changed(metadata: Option<&std::fs::Metadata>, modified: Option<i64>) -> Option<i64> {
    metadata
        .and_then(|metadata| metadata.created().ok())
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .or(modified)
}

/// The zone of this machine, or that of the variable `TZ`, which stands for times that name none.
pub fn local_zone() -> Zone {
    // The clock goes by the variable, and the name must not be another zone's.
    let name = std::env::var("TZ")
        .ok()
        .map(|name| {
            name.trim_start_matches(':')
                .to_owned()
        })
        .filter(|name| Zone::exists(name))
        .or_else(|| iana_time_zone::get_timezone().ok())
        .unwrap_or_else(|| "UTC".to_owned());
    Zone::new(name, |seconds| {
        Local
            .timestamp_opt(seconds, 0)
            .single()
            .map_or(0, |time| {
                time.offset()
                    .fix()
                    .local_minus_utc()
            })
    })
}
