//! The records of a failure report, and those that the event stream shares with it.
//!
//! Owns the names and the order of their fields: runs write these types, `report merge` reads and
//! writes them, the schemas are generated from them. Fields may be added, never renamed or removed.
//! Must never hold an attribute value.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::pixels::PixelsRecord;
use super::redact::{FilePath, Paths};
use crate::event::{Mode, Notice, RunStart, RunTotals, Settled, Severity};
use crate::failure::FileFailure;

/// The version of the records.
pub const VERSION: u64 = 1;

/// The code of a companion in the CSV form, which has no types.
const COMPANION: &str = "companion";

/// A cell that begins with one of these is a formula to a spreadsheet.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A record of a failure report: one line of the `.jsonl` form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ReportRecord {
    /// The first record: the run that the report is about.
    Report {
        /// The version of the records.
        v: u64,
        /// The run.
        #[serde(flatten)]
        facts: RunFacts,
    },
    /// A warning of the run.
    Notice(NoticeRecord),
    /// A file that failed.
    Failed(FailedRecord),
    /// A file to be tried again together with one that failed.
    Companion(FilePath),
    /// The last record: the counts of the run and its exit code.
    End(EndRecord),
    /// A record that a later version added.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The `.json` form of a failure report.
#[derive(Deserialize, JsonSchema)]
#[serde(bound(deserialize = "Record: Deserialize<'de>"))]
pub struct ReportDocument<Record> {
    /// The version of the records.
    #[expect(dead_code, reason = "checked before the rest is read")]
    v: u64,
    /// The run that the report is about.
    pub run: RunFacts,
    /// The files that failed.
    pub failures: Vec<Record>,
    /// The warnings of the run; in a merged report those of all runs, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Record>,
    /// The files to be tried again together with those that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<Record>,
}

/// The settings of a run, or what is true of all runs of a merged report. A fact that is unknown is
/// absent: a run that stopped early knows little, and the CSV form has no place for most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::option_option, reason = "absent and null differ")]
pub struct RunFacts {
    /// The version of the program; several of a merged report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What the run does with the packages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// `group/project`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The address of the server; null when offline.
    #[serde(
        default,
        deserialize_with = "stated",
        skip_serializing_if = "Option::is_none"
    )]
    pub site: Option<Option<String>>,
    /// The address of the project's page, where the run sends something and the site stays after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_url: Option<String>,
    /// The governing profile; null when data is sent unchanged.
    #[serde(
        default,
        deserialize_with = "stated",
        skip_serializing_if = "Option::is_none"
    )]
    pub profile: Option<Option<ProfileRecord>>,
    /// The settings in force, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub settings: Option<Map<String, Value>>,
    /// Whether paths are replaced by hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redacted: Option<bool>,
    /// The reports that a merged report was made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<MergedRecord>,
}

/// A profile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[expect(clippy::option_option, reason = "absent and null differ")]
pub struct ProfileRecord {
    /// Its name.
    pub name: String,
    /// Where it comes from: `project`, `group`, `site` or `local`.
    pub level: String,
    /// `sha256:<64 hex>` of its canonical form.
    pub digest: String,
    /// The fingerprint of the pseudonym key; null where the profile makes no pseudonyms.
    #[serde(
        default,
        deserialize_with = "stated",
        skip_serializing_if = "Option::is_none"
    )]
    pub pseudonym_key: Option<Option<String>>,
}

/// The reports that a merged report was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MergedRecord {
    /// Their number.
    pub reports: u64,
    /// Whether the counts of the whole are known.
    pub complete: bool,
    /// The shards that they are of, as `I/N`.
    pub shards: Vec<String>,
}

/// Information for the user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NoticeRecord {
    /// The file that it is about, if it is about one.
    #[serde(flatten)]
    pub file: Option<FilePath>,
    /// Its importance.
    #[schemars(extend("enum" = ["notice", "warning"]))]
    pub severity: String,
    /// Its stable code.
    pub code: String,
    /// The text; further lines explain.
    pub text: String,
}

/// A file that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedRecord {
    /// The file.
    #[serde(flatten)]
    pub file: FilePath,
    /// The part of the code before the dot.
    #[serde(default)]
    pub stage: String,
    /// The stable code.
    pub code: String,
    /// What happened.
    #[serde(default)]
    pub message: String,
    /// What to do about it.
    #[serde(default)]
    pub hint: String,
    /// Whether running the same command again may succeed without a change.
    #[serde(default)]
    pub retryable: bool,
    /// The HTTP status of the last answer, if a server gave one.
    pub http_status: Option<u16>,
    /// The number of attempts; 0 where the failure was not one of an attempt.
    #[serde(default)]
    pub attempts: u32,
    /// What was seen in its image, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelsRecord>,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndRecord {
    /// The counts of its files; those of containers are missing in a merged report.
    #[serde(flatten)]
    #[schemars(with = "RunTotals")]
    pub totals: Map<String, Value>,
    /// Its exit code.
    pub exit_code: u8,
}

/// Reads a fact that may be null as one that is present.
#[expect(clippy::option_option, reason = "absent and null differ")]
fn stated<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    fact: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(fact).map(Some)
}

impl RunFacts {
    pub fn of(start: &RunStart, redacted: bool) -> Self {
        let profile = start
            .profile
            .as_ref()
            .map(|profile| ProfileRecord {
                name: profile.name.clone(),
                level: profile.level.to_owned(),
                digest: profile.digest.clone(),
                pseudonym_key: Some(profile.key.clone()),
            });
        let settings = start.settings.iter();
        let settings = settings.map(|(name, value)| (name.clone(), value.clone().into()));
        Self {
            version: Some(start.version.to_owned()),
            mode: Some(start.mode),
            project: Some(start.project.clone()),
            site: Some(start.site.clone()),
            project_url: start.project_url.clone(),
            profile: Some(profile),
            settings: Some(settings.collect()),
            redacted: Some(redacted),
            merged: None,
        }
    }
}

impl From<&Notice> for NoticeRecord {
    fn from(notice: &Notice) -> Self {
        let severity = match notice.severity {
            Severity::Detail | Severity::Notice => "notice",
            Severity::Warning => "warning",
        };
        Self {
            file: None,
            severity: severity.to_owned(),
            code: notice.code.to_owned(),
            text: notice.text.clone(),
        }
    }
}

impl FailedRecord {
    pub fn of(paths: &Paths, settled: &Settled, failure: &FileFailure) -> Self {
        Self {
            file: paths.written(&settled.path),
            stage: failure.code.stage().to_owned(),
            code: failure.code.to_string(),
            message: paths.message(&failure.message(), &settled.path),
            hint: paths.message(failure.hint(), &settled.path),
            retryable: failure.code.retryable(),
            http_status: failure.http_status,
            attempts: failure.attempts,
            pixels: failure
                .look
                .as_deref()
                .map(PixelsRecord::from),
        }
    }
}

impl EndRecord {
    pub fn of(totals: &RunTotals, exit_code: u8) -> Self {
        let totals = match serde_json::to_value(totals) {
            Ok(Value::Object(totals)) => totals,
            _ => Map::new(),
        };
        Self { totals, exit_code }
    }
}

/// The exact bytes of a path, without the guard that only the CSV form puts before it. None: they
/// are not base64.
pub fn exact_path(file: &FilePath) -> Option<Vec<u8>> {
    if let Some(encoded) = &file.path_bytes {
        return BASE64.decode(encoded).ok();
    }
    let unguarded = file.path.strip_prefix("./");
    let unguarded = unguarded.filter(|rest| rest.starts_with(FORMULA));
    Some(
        unguarded
            .unwrap_or(&file.path)
            .as_bytes()
            .to_vec(),
    )
}

/// A row of the CSV form: a failed file or a companion, with facts of the run.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CsvRow {
    path: String,
    path_bytes: Option<String>,
    stage: String,
    code: String,
    message: String,
    hint: String,
    #[serde(deserialize_with = "csv::invalid_option")]
    retryable: Option<bool>,
    #[serde(deserialize_with = "csv::invalid_option")]
    http_status: Option<u16>,
    #[serde(deserialize_with = "csv::invalid_option")]
    attempts: Option<u32>,
    version: Option<String>,
    project: Option<String>,
    profile: String,
    profile_level: String,
    profile_digest: String,
    #[serde(deserialize_with = "csv::invalid_option")]
    redacted: Option<bool>,
}

impl CsvRow {
    /// The row of a record; none where the form has no place for it.
    pub fn of(facts: &RunFacts, record: &ReportRecord) -> Option<Self> {
        let (file, row) = match record {
            ReportRecord::Failed(failed) => {
                let row = Self {
                    stage: failed.stage.clone(),
                    code: failed.code.clone(),
                    message: failed.message.clone(),
                    hint: failed.hint.clone(),
                    retryable: Some(failed.retryable),
                    http_status: failed.http_status,
                    attempts: Some(failed.attempts),
                    ..Self::default()
                };
                (&failed.file, row)
            }
            ReportRecord::Companion(file) => {
                let code = COMPANION.to_owned();
                (
                    file,
                    Self {
                        code,
                        ..Self::default()
                    },
                )
            }
            _ => return None,
        };
        let guard = if file.path.starts_with(FORMULA) {
            "./"
        } else {
            ""
        };
        let profile = facts.profile.clone().flatten();
        let profile = profile.map(|profile| (profile.name, profile.level, profile.digest));
        let (profile, profile_level, profile_digest) = profile.unwrap_or_default();
        Some(Self {
            path: format!("{guard}{}", file.path),
            path_bytes: file.path_bytes.clone(),
            version: facts.version.clone(),
            project: facts.project.clone(),
            profile,
            profile_level,
            profile_digest,
            redacted: facts.redacted,
            ..row
        })
    }

    /// The facts of the run and the record, as the other forms have them.
    pub fn into_record(self) -> (RunFacts, ReportRecord) {
        let profile = (!self.profile_digest.is_empty()).then_some(ProfileRecord {
            name: self.profile,
            level: self.profile_level,
            digest: self.profile_digest,
            pseudonym_key: None,
        });
        let facts = RunFacts {
            version: self.version,
            project: self.project,
            profile: Some(profile),
            redacted: self.redacted,
            ..RunFacts::default()
        };
        let file = FilePath {
            path: self.path,
            path_bytes: self.path_bytes,
        };
        if self.code == COMPANION {
            return (facts, ReportRecord::Companion(file));
        }
        let failed = FailedRecord {
            file,
            stage: self.stage,
            code: self.code,
            message: self.message,
            hint: self.hint,
            retryable: self.retryable.unwrap_or_default(),
            http_status: self.http_status,
            attempts: self.attempts.unwrap_or_default(),
            pixels: None,
        };
        (facts, ReportRecord::Failed(failed))
    }
}
