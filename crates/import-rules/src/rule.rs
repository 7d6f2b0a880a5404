//! Rules: which takes a file, and what becomes of the file's fields. Pure: everything that is known
//! of a file is given, and nothing is read or written.

use std::collections::BTreeMap;

use python_regex::TooComplex;

use super::file::FileFields;
use super::filter::{Filter, Filters, NotTaken};
use super::header::{CleanedHeader, HeaderField, OriginalHeader, Tag};
use super::header_defaults;
use super::label::clean_label;
use super::mapping::{Mapping, MappingError, MappingOutcome, Sets, Temporaries};
use super::metadata::{Given, Metadata, Origin};
use super::refusal::{Position, Refusal};
use super::target::{Level, Target};
use super::template::{GroupTemplate, SourceScope, TemplateError, ValueSources, ValueTemplate};
use super::timestamp::Zone;
use super::value::Value;

/// What kind of files a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RuleType {
    /// Any files, of which paths alone are known.
    #[default]
    Any,
    /// DICOM files, whose headers give values.
    Dicom,
    /// Files of another type, which becomes `file.type`.
    Other(String),
}

impl RuleType {
    /// Its name in a rule file; none where the rule has no `type`.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::Dicom => Some("dicom"),
            Self::Other(name) => Some(name),
        }
    }

    pub(crate) fn scope(&self) -> SourceScope {
        SourceScope {
            header: *self == Self::Dicom,
        }
    }
}

/// One rule: the files that it takes, and where they go.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    pub(crate) level: Level,
    pub(crate) kind: RuleType,
    pub(crate) filters: Filters,
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) defaults: Vec<(Target, Value)>,
    /// None takes the field away.
    pub(crate) overrides: Vec<(Target, Option<Value>)>,
    pub(crate) group_by: Option<GroupTemplate>,
    /// `group_by` stands in the rule.
    pub(crate) groups_by_own: bool,
    pub(crate) zip: bool,
    pub(crate) zip_single: Option<bool>,
    pub(crate) dicom_group_by: Vec<HeaderField>,
    pub(crate) dicom_instance_name: Option<ValueTemplate>,
    pub(crate) dicom_split_localizer: Option<bool>,
    pub(crate) allow_uncleaned: bool,
}

/// How fields are worked out, whatever the rule.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether names of folders may become labels where nothing else gives one.
    pub folder_labels: bool,
    /// The zone of times that name none.
    pub zone: Zone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            folder_labels: false,
            zone: Zone::utc(),
        }
    }
}

/// What a rule made of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extracted {
    /// The fields.
    pub metadata: Metadata,
    /// Of each mapping, what became of it.
    pub mappings: Vec<MappingOutcome>,
    /// The labels that the level needs and nothing gave: the file cannot be uploaded.
    pub missing: Vec<Target>,
    /// The name of the file inside a package, if the rule builds one.
    pub member_name: Option<Value>,
}

impl Extracted {
    /// The labels, group ids and file names that came from the path: mappings from it, or folders.
    pub fn labels_from_path(&self) -> Vec<&Target> {
        self.metadata
            .iter()
            .filter(|(target, field)| target.is_label() && field.origin.is_from_path())
            .map(|(target, _)| target)
            .collect()
    }
}

/// Why a rule that takes a file cannot say where it goes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// The rule is for DICOM files, and there is no header.
    #[error("the rule is for DICOM files, and this is none")]
    NotDicom,
    /// The format of a field does not fit its value.
    #[error("{place}: the format of {field} does not fit its value")]
    Format {
        /// Which part of the rule.
        place: String,
        /// The field.
        field: String,
    },
    /// Matching would take too long.
    #[error("{place}: matching would take too long")]
    TooComplex {
        /// Which part of the rule.
        place: String,
    },
    /// A field that is a whole number was given something else.
    #[error("{place}: {target} is a whole number, and the text is none")]
    NotANumber {
        /// Which part of the rule.
        place: String,
        /// The field.
        target: String,
    },
}

impl ExtractError {
    fn of_template(error: TemplateError, place: String) -> Self {
        match error {
            TemplateError::Format(field) => Self::Format { place, field },
            TemplateError::TooComplex(_) => Self::TooComplex { place },
        }
    }

    fn of_mapping(error: MappingError, number: usize) -> Self {
        let place = format!("mapping {}", number + 1);
        match error {
            MappingError::Template(error) => Self::of_template(error, place),
            MappingError::TooComplex => Self::TooComplex { place },
            MappingError::NotANumber(target) => Self::NotANumber {
                place,
                target: target.name(),
            },
        }
    }
}

/// What belongs into one package: files of one rule, one group and one set of labels. It may hold
/// values of the original header, so it can be compared and nothing else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GroupKey {
    rule: usize,
    group: Option<String>,
    values: Vec<Vec<String>>,
    localizer: bool,
    labels: Vec<Option<String>>,
}

impl std::fmt::Debug for GroupKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GroupKey(..)")
    }
}

impl GroupKey {
    /// Whether its images are localizers that the rule keeps apart.
    pub fn is_localizer(&self) -> bool {
        self.localizer
    }
}

const IMAGE_TYPE: Tag = Tag(0x0008, 0x0008);

impl Rule {
    /// A rule for DICOM files of one mapping: `path={subject}/{session}/*`.
    pub fn from_mapping(mapping: &str) -> Result<Self, Refusal> {
        Self::from_mappings([mapping])
    }

    /// A rule for DICOM files of several mappings, of which earlier ones come first.
    pub fn from_mappings<'a>(mappings: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut rule = Self {
            kind: RuleType::Dicom,
            ..Self::default()
        };
        for text in mappings {
            let mapping = Mapping::parse(text, rule.kind.scope())?;
            mapping.check_references(&rule.set_by_mappings())?;
            rule.mappings.push(mapping);
        }
        rule.group_by = Some(GroupTemplate::parse("dir", rule.kind.scope())?);
        Ok(rule)
    }

    /// With one more filter of which any must fit.
    #[must_use]
    pub fn including(mut self, filter: Filter) -> Self {
        self.filters.include.push(filter);
        self
    }

    /// With one more filter that must not fit.
    #[must_use]
    pub fn excluding(mut self, filter: Filter) -> Self {
        self.filters.exclude.push(filter);
        self
    }

    /// Where its files are attached.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What kind of files it is for.
    pub fn kind(&self) -> &RuleType {
        &self.kind
    }

    /// Whether files of a group are packed into one zip.
    pub fn zips(&self) -> bool {
        self.zip || self.kind == RuleType::Dicom
    }

    /// Whether a group of one file is packed too, if the rule says.
    pub fn zip_single(&self) -> Option<bool> {
        self.zip_single
    }

    /// Whether its files may be uploaded although they are not cleaned.
    pub fn allows_uncleaned(&self) -> bool {
        self.allow_uncleaned
    }

    /// Whether the header of a file must be read to tell whether the rule takes it.
    pub fn filters_need_header(&self) -> bool {
        self.filters.need_header()
    }

    pub(crate) fn set_by_mappings(&self) -> Vec<Sets> {
        self.mappings
            .iter()
            .flat_map(Mapping::sets)
            .cloned()
            .collect()
    }

    /// The labels that its mappings read from paths: what a notice before a run names.
    pub fn labels_read_from_path(&self) -> Vec<Target> {
        let mut fields = self.fields_read_from_path();
        fields.retain(Target::is_label);
        fields
    }

    /// The fields that its mappings, defaults and overrides may set.
    pub fn fields_set(&self) -> Vec<Target> {
        let mapped = self
            .mappings
            .iter()
            .flat_map(Mapping::sets)
            .filter_map(|sets| match sets {
                Sets::Target(target) => Some(target),
                Sets::Temporary(_) => None,
            });
        let constant = self
            .defaults
            .iter()
            .map(|(target, _)| target)
            .chain(
                self.overrides
                    .iter()
                    .map(|(target, _)| target),
            );
        let mut fields: Vec<_> = mapped
            .chain(constant)
            .cloned()
            .collect();
        fields.sort();
        fields.dedup();
        fields
    }

    /// The fields that its mappings read from headers.
    pub fn fields_read_from_header(&self) -> Vec<Target> {
        self.fields_read(|(_, header)| header)
    }

    /// The fields that its mappings read from paths.
    pub fn fields_read_from_path(&self) -> Vec<Target> {
        self.fields_read(|(path, _)| path)
    }

    fn fields_read(&self, wanted: impl Fn((bool, bool)) -> bool) -> Vec<Target> {
        let mut reads = BTreeMap::new();
        let mut fields = Vec::new();
        for mapping in &self.mappings {
            let read = mapping.reads(&reads);
            for sets in mapping.sets() {
                reads
                    .entry(sets.clone())
                    .or_insert(read);
                if let Sets::Target(target) = sets
                    && wanted(read)
                    && !fields.contains(target)
                {
                    fields.push(target.clone());
                }
            }
        }
        fields
    }

    /// Whether names of members are built of paths: a notice before a run names that too.
    pub fn names_members_from_path(&self) -> bool {
        self.dicom_instance_name
            .as_ref()
            .is_some_and(ValueTemplate::reads_path)
    }

    /// The fields of a file that it takes. Values come from the path, from the cleaned header and
    /// from the rule itself.
    pub fn extract(
        &self,
        file: &FileFields,
        header: Option<&dyn CleanedHeader>,
        settings: &Settings,
    ) -> Result<Extracted, ExtractError> {
        let zone = &settings.zone;
        let header = match (&self.kind, header) {
            (RuleType::Dicom, None) => return Err(ExtractError::NotDicom),
            (RuleType::Dicom, header) => header,
            _ => None,
        };
        let mut extracted = Extracted::default();
        self.apply_mappings(file, header, &mut extracted, zone)?;
        let metadata = &mut extracted.metadata;
        if let Some(header) = header {
            header_defaults::apply(header, metadata, zone);
        }
        if settings.folder_labels {
            self.apply_folders(file, metadata, zone);
        }
        self.apply_constants(metadata, zone)?;
        extracted.missing = self
            .level
            .labels()
            .into_iter()
            .filter(|label| {
                extracted
                    .metadata
                    .field(label)
                    .is_none()
            })
            .collect();
        if let Some(template) = &self.dicom_instance_name {
            let sources = ValueSources {
                file,
                header,
                metadata: &extracted.metadata,
                temporaries: &BTreeMap::new(),
            };
            let name = template
                .text(&sources)
                .map_err(|error| {
                    ExtractError::of_template(error, "dicom_instance_name".to_owned())
                })?;
            extracted.member_name = Some(Value::Text(clean_label(&name, 255)));
        }
        Ok(extracted)
    }

    fn apply_mappings(
        &self,
        file: &FileFields,
        header: Option<&dyn CleanedHeader>,
        extracted: &mut Extracted,
        zone: &Zone,
    ) -> Result<(), ExtractError> {
        let mut temporaries = Temporaries::new();
        let mut reads = BTreeMap::new();
        for (number, mapping) in self.mappings.iter().enumerate() {
            let read = mapping.reads(&reads);
            for sets in mapping.sets() {
                let before = reads
                    .entry(sets.clone())
                    .or_insert((false, false));
                *before = (before.0 || read.0, before.1 || read.1);
            }
            let origin = Origin::Mapping {
                number,
                reads_path: read.0,
                reads_header: read.1,
            };
            let outcome = mapping
                .apply(
                    file,
                    header,
                    &mut extracted.metadata,
                    &mut temporaries,
                    origin,
                    zone,
                )
                .map_err(|error| ExtractError::of_mapping(error, number))?;
            extracted.mappings.push(outcome);
        }
        Ok(())
    }

    fn apply_folders(&self, file: &FileFields, metadata: &mut Metadata, zone: &Zone) {
        let labels = self.level.labels();
        for (label, folder) in labels
            .iter()
            .rev()
            .zip(file.folders())
        {
            if !folder.is_empty() {
                metadata.offer(label, &Value::text(folder), None, Origin::Folder, zone);
            }
        }
    }

    fn apply_constants(&self, metadata: &mut Metadata, zone: &Zone) -> Result<(), ExtractError> {
        let unreadable = |place: &str, target: &Target| ExtractError::NotANumber {
            place: place.to_owned(),
            target: target.name(),
        };
        for (target, value) in &self.defaults {
            if metadata.offer(target, value, None, Origin::Default, zone) == Given::Unreadable {
                return Err(unreadable("defaults", target));
            }
        }
        for (target, value) in &self.overrides {
            let Some(value) = value else {
                metadata.remove(target);
                continue;
            };
            if metadata.replace(target, value, zone) == Given::Unreadable {
                return Err(unreadable("overrides", target));
            }
        }
        if let Some(name) = self.kind.name() {
            let target = Target::of("file.type");
            let removed = self
                .overrides
                .iter()
                .any(|(other, value)| *other == target && value.is_none());
            if !removed {
                metadata.offer(&target, &Value::text(name), None, Origin::Type, zone);
            }
        }
        Ok(())
    }

    /// The group's text, which may hold values of the original header.
    pub(crate) fn group_text(
        &self,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
    ) -> Result<Option<String>, ExtractError> {
        self.group_by
            .as_ref()
            .map(|template| template.text(file, header))
            .transpose()
            .map_err(|error| ExtractError::of_template(error, "group_by".to_owned()))
    }

    /// Whether the original header says which files belong together.
    pub fn groups_by_header(&self) -> bool {
        !self.dicom_group_by.is_empty()
            || self.dicom_split_localizer == Some(true)
            || (self.groups_by_own
                && self
                    .group_by
                    .as_ref()
                    .is_some_and(GroupTemplate::sees_header))
    }

    /// Which files belong into one package with this one; `number` is the rule's. Series stay apart
    /// all the same; a `group_by` that the rule does not state divides nothing.
    pub fn group_key(
        &self,
        number: usize,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
        extracted: &Extracted,
    ) -> Result<GroupKey, ExtractError> {
        let values = |field: &HeaderField| {
            header
                .map(|header| header.original_values(field))
                .unwrap_or_default()
        };
        let localizer = self.dicom_split_localizer == Some(true)
            && values(&HeaderField::Standard(IMAGE_TYPE))
                .iter()
                .any(|value| {
                    value
                        .trim()
                        .eq_ignore_ascii_case("LOCALIZER")
                });
        // Groups by header values reach across folders, as series do: folders divide them only where
        // the rule says so.
        let group = if self.dicom_group_by.is_empty() && self.groups_by_own {
            self.group_text(file, header)?
        } else {
            None
        };
        Ok(GroupKey {
            rule: number,
            group,
            values: self
                .dicom_group_by
                .iter()
                .map(values)
                .collect(),
            localizer,
            labels: Level::Acquisition
                .labels()
                .iter()
                .map(|label| {
                    let field = extracted.metadata.field(label)?;
                    field
                        .value
                        .as_text()
                        .map(str::to_owned)
                })
                .collect(),
        })
    }
}

/// Something that a rule file says and that has another effect than it may seem, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub position: Position,
    /// What.
    pub message: String,
}

/// Rules, of which the first that takes a file is used.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) fail_fast: Option<f64>,
    pub(crate) folder_labels: Option<bool>,
    pub(crate) dates_from_path: Option<bool>,
    pub(crate) notes: Vec<Note>,
}

/// Which rule takes a file, or why none does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This one, counted from 0; of those before it, why they do not.
    Rule(usize, Vec<NotTaken>),
    /// None; of each, why not.
    None(Vec<NotTaken>),
    /// The path begins with none of the prefixes that the rules are for.
    OutsidePrefixes,
}

impl Choice {
    /// The rule that takes the file, counted from 0.
    pub fn rule(&self) -> Option<usize> {
        match self {
            Self::Rule(number, _) => Some(*number),
            _ => None,
        }
    }
}

/// A filter whose matching would take too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rule {}: a filter would take too long", .rule + 1)]
pub struct ChoiceError {
    /// The rule, counted from 0.
    pub rule: usize,
}

impl From<Rule> for RuleSet {
    fn from(rule: Rule) -> Self {
        Self::new(vec![rule])
    }
}

impl RuleSet {
    /// These rules, in this order.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Beginnings of paths, of which a file must have one; none where all files count.
    pub fn prefixes(&self) -> &[String] {
        &self.prefixes
    }

    /// The share of files that may fail before a run stops, from 0 to 1.
    pub fn fail_fast(&self) -> Option<f64> {
        self.fail_fast
    }

    /// Whether names of folders may become labels, if the file says.
    pub fn folder_labels(&self) -> Option<bool> {
        self.folder_labels
    }

    /// Whether dates and times may be taken from paths, if the file says.
    pub fn dates_from_path(&self) -> Option<bool> {
        self.dates_from_path
    }

    /// What a reader of the rules may be mistaken about.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Whether the header of a file must be read to choose its rule.
    pub fn filters_need_header(&self) -> bool {
        self.rules
            .iter()
            .any(Rule::filters_need_header)
    }

    /// The first rule that takes a file; `header` is the original one, of DICOM files.
    pub fn choose(
        &self,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
        zone: &Zone,
    ) -> Result<Choice, ChoiceError> {
        let path = file.path();
        let outside = !self.prefixes.is_empty()
            && !self
                .prefixes
                .iter()
                .any(|prefix| path.starts_with(prefix.as_str()));
        if outside {
            return Ok(Choice::OutsidePrefixes);
        }
        let mut passed = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            let refused = rule
                .filters
                .refuse(file, header, zone)
                .map_err(|TooComplex| ChoiceError { rule: number })?;
            match refused {
                None => return Ok(Choice::Rule(number, passed)),
                Some(reason) => passed.push(reason),
            }
        }
        Ok(Choice::None(passed))
    }
}
