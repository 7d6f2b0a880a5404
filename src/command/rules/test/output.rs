//! What rules make of files, on standard output: as text, by rule or file by file, or as JSON.
//!
//! Shows values, which is what the command is for.

use std::collections::HashMap;

use serde::Serialize;

use crate::discover::SkipReason;
use crate::failure::{Error, FileFailure, RunCode};
use crate::rules::Rules;
use dicom_lossless::escape_for_terminal;
use import_rules::{Decision, RuleSet, RuleType};

use super::super::super::{plural, say, warn};
use super::coverage::Coverage;
use super::tested_file::{DecidedFile, ShownField, TestOutcome, TestedFile};

/// Where results are written, file by file.
pub trait TestOutput {
    fn file(&mut self, file: &TestedFile) -> Result<(), Error>;
    fn end(&mut self, coverage: &Coverage) -> Result<(), Error>;
}

/// Results of a rule that are shown before the rest is counted.
const SHOWN: usize = 10;
/// Values are padded up to this width.
const VALUE: usize = 24;

/// The lines below a file's path: its fields, why it would fail, or why no rule takes it.
fn lines(decided: &DecidedFile, all: bool) -> Vec<String> {
    let fields = decided.fields(all);
    let widest = |length: fn(&ShownField) -> usize, most: usize| {
        fields
            .iter()
            .map(length)
            .filter(|length| *length <= most)
            .max()
            .unwrap_or_default()
    };
    let name = widest(|field| field.name.chars().count(), 32).max(11);
    let value = widest(|field| shown_value(field).chars().count(), VALUE);
    let mut lines: Vec<String> = fields
        .iter()
        .map(|field| {
            let line = format!(
                "{:name$}  {:value$}  {}",
                escape_for_terminal(&field.name),
                shown_value(field),
                field.origin
            );
            line.trim_end().to_owned()
        })
        .collect();
    if decided.rule().is_none() {
        lines.extend(decided.decision.reasons());
    }
    if decided.not_dicom {
        lines.push(
            "it is no DICOM file: with `--other-files upload` it goes where the DICOM files beside it go"
                .to_owned(),
        );
    }
    lines.extend(
        decided
            .findings
            .iter()
            .map(|finding| format!("{:name$}  {finding}", "left")),
    );
    if let Some(failure) = &decided.failure {
        let (code, message) = (failure.code, failure.message());
        lines.push(format!(
            "{:name$}  [{code}] {}",
            "would fail",
            escape_for_terminal(&message)
        ));
    }
    lines
}

fn shown_value(field: &ShownField) -> String {
    field.value.as_ref().map_or_else(
        || "(missing)".to_owned(),
        |value| escape_for_terminal(value),
    )
}

/// What a rule is for, in words.
fn about(rules: &Rules, number: usize) -> String {
    let rule = rules
        .set
        .iter()
        .flat_map(RuleSet::rules)
        .nth(number);
    let Some(rule) = rule else {
        return String::new();
    };
    let kind = match rule.kind() {
        RuleType::Any => "files of any type".to_owned(),
        RuleType::Dicom => "DICOM".to_owned(),
        RuleType::Other(name) => format!("type {}", escape_for_terminal(name)),
    };
    format!("{kind}, level {}", rule.level().name())
}

/// How much each rule took, and what would fail.
fn say_coverage(coverage: &Coverage) -> Result<(), Error> {
    say("coverage")?;
    for (number, (taken, failing)) in coverage.rules.iter().enumerate() {
        let taken = match (taken, failing) {
            (0, _) => "no file".to_owned(),
            (_, 0) => plural(*taken, "file"),
            (1, 1) => "1 file, which would fail".to_owned(),
            _ => format!("{}, {failing} of them would fail", plural(*taken, "file")),
        };
        say(&format!("  rule {:<6} {taken}", number + 1))?;
    }
    let left_out = coverage
        .left_out
        .iter()
        .map(|(flag, count)| (flag.replace('`', ""), *count));
    let skipped = coverage
        .skipped
        .iter()
        .map(|(reason, count)| (format!("skipped, {}", reason.sentence()), *count));
    let no_rule = (coverage.no_rule > 0).then(|| ("no rule".to_owned(), coverage.no_rule));
    for (what, count) in no_rule
        .into_iter()
        .chain(left_out)
        .chain(skipped)
    {
        say(&format!("  {what:11} {}", plural(count, "file")))?;
    }
    for (code, count) in &coverage.failed {
        say(&format!(
            "would fail [{code}] {}: {}",
            code.sentence(),
            plural(*count, "file")
        ))?;
        say(&format!("  hint: {}", code.hint()))?;
    }
    for (subject, patients) in coverage.shared_subjects() {
        say(&format!(
            "subject {}: files of {patients} patients; an upload stops there unless \
                `--merge-patients` is given",
            escape_for_terminal(subject)
        ))?;
    }
    say(&format!(
        "{}: {} taken by rules, {} would fail",
        plural(coverage.files(), "file"),
        coverage.taken(),
        coverage.failing()
    ))
}

/// Text, a paragraph for each file in the order of their paths.
pub struct EachFile {
    rules: Vec<String>,
}

impl EachFile {
    pub fn new(rules: &Rules) -> Self {
        Self {
            rules: abouts(rules),
        }
    }
}

fn abouts(rules: &Rules) -> Vec<String> {
    let count = rules
        .set
        .as_ref()
        .map_or(0, |set| set.rules().len());
    (0..count)
        .map(|number| about(rules, number))
        .collect()
}

impl TestOutput for EachFile {
    fn file(&mut self, file: &TestedFile) -> Result<(), Error> {
        let path = escape_for_terminal(&file.relative);
        let decided = match &file.outcome {
            TestOutcome::Decided(decided) => decided,
            other => return say(&format!("{path}: {}", passed_over(other))),
        };
        if let Some(reason) = decided.skipped {
            return say(&format!("{path}: skipped, {}", reason.sentence()));
        }
        let taken = match decided.rule() {
            Some(number) => format!(
                "rule {} ({})",
                number + 1,
                self.rules
                    .get(number)
                    .map_or("", String::as_str)
            ),
            None => "no rule".to_owned(),
        };
        say(&format!("{path}: {taken}"))?;
        lines(decided, true)
            .iter()
            .try_for_each(|line| say(&format!("  {line}")))
    }

    fn end(&mut self, coverage: &Coverage) -> Result<(), Error> {
        say("")?;
        say_coverage(coverage)
    }
}

/// Why rules were not asked.
fn passed_over(outcome: &TestOutcome) -> String {
    match outcome {
        TestOutcome::LeftOut(flag) => format!("kept out by {flag}"),
        TestOutcome::Skipped(reason) => format!("skipped, {}", reason.sentence()),
        TestOutcome::Failed(failure) => format!(
            "would fail [{}] {}",
            failure.code,
            escape_for_terminal(&failure.message())
        ),
        TestOutcome::Decided(_) => String::new(),
    }
}

/// Files with the same result.
struct Alike {
    first: String,
    files: usize,
}

/// Results in the order in which they came, each once.
#[derive(Default)]
struct Results {
    numbers: HashMap<Vec<String>, usize>,
    all: Vec<(Vec<String>, Alike)>,
    files: usize,
}

impl Results {
    fn add(&mut self, lines: Vec<String>, path: &str) {
        self.files += 1;
        let next = self.all.len();
        let number = *self
            .numbers
            .entry(lines.clone())
            .or_insert(next);
        match self.all.get_mut(number) {
            Some((_, alike)) => alike.files += 1,
            None => self.all.push((
                lines,
                Alike {
                    first: path.to_owned(),
                    files: 1,
                },
            )),
        }
    }

    fn say(&self) -> Result<(), Error> {
        let shown = if self.all.len() > SHOWN + 1 {
            SHOWN
        } else {
            self.all.len()
        };
        for (lines, alike) in self.all.iter().take(shown) {
            let path = escape_for_terminal(&alike.first);
            say(&match alike.files {
                1 => format!("  {path}"),
                files => format!("  {path} and {} more", files - 1),
            })?;
            lines
                .iter()
                .try_for_each(|line| say(&format!("    {line}")))?;
        }
        match self.all.len() - shown {
            0 => Ok(()),
            more => {
                let files: usize = self
                    .all
                    .iter()
                    .skip(shown)
                    .map(|(_, alike)| alike.files)
                    .sum();
                say(&format!(
                    "  and {more} other results of {}; `--all` shows every file",
                    plural(files, "file")
                ))
            }
        }
    }
}

/// Text, by rule: files with the same result as one.
pub struct Grouped {
    rules: Vec<(String, Results)>,
    no_rule: Results,
    passed_over: Results,
}

impl Grouped {
    pub fn new(rules: &Rules) -> Self {
        Self {
            rules: abouts(rules)
                .into_iter()
                .map(|about| (about, Results::default()))
                .collect(),
            no_rule: Results::default(),
            passed_over: Results::default(),
        }
    }
}

impl TestOutput for Grouped {
    fn file(&mut self, file: &TestedFile) -> Result<(), Error> {
        let decided = match &file.outcome {
            TestOutcome::Decided(decided) => decided,
            other => {
                self.passed_over
                    .add(vec![passed_over(other)], &file.relative);
                return Ok(());
            }
        };
        if let Some(reason) = decided.skipped {
            let skipped = passed_over(&TestOutcome::Skipped(reason));
            self.passed_over
                .add(vec![skipped], &file.relative);
            return Ok(());
        }
        let results = decided
            .rule()
            .and_then(|number| self.rules.get_mut(number))
            .map_or(&mut self.no_rule, |(_, results)| results);
        results.add(lines(decided, false), &file.relative);
        Ok(())
    }

    fn end(&mut self, coverage: &Coverage) -> Result<(), Error> {
        let of_rules = self
            .rules
            .iter()
            .enumerate()
            .map(|(number, (about, results))| {
                (format!("rule {} ({about}) takes", number + 1), results)
            });
        let others = [
            ("no rule takes".to_owned(), &self.no_rule),
            ("passed over:".to_owned(), &self.passed_over),
        ];
        for (title, results) in of_rules.chain(others) {
            if results.files > 0 {
                say(&format!("{title} {}", plural(results.files, "file")))?;
                results.say()?;
                say("")?;
            }
        }
        say_coverage(coverage)
    }
}

/// JSON: one object a file, the form in which decisions are compared.
pub struct JsonLines;

#[derive(Serialize)]
struct DecisionRecord<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    /// What the upload of the file would fail with.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Why an upload passes the file over.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'static str>,
}

/// A file that a filter of the command line keeps from the rules.
#[derive(Serialize)]
struct LeftOutRecord<'a> {
    path: &'a str,
    rule: Option<usize>,
    include: bool,
    why: [String; 1],
    skipped: &'static str,
}

impl TestOutput for JsonLines {
    fn file(&mut self, file: &TestedFile) -> Result<(), Error> {
        let record = match &file.outcome {
            TestOutcome::Decided(decided) => serde_json::to_string(&DecisionRecord {
                decision: &decided.decision,
                code: decided
                    .failure
                    .as_ref()
                    .map(|failure| failure.code.as_str()),
                message: decided
                    .failure
                    .as_ref()
                    .map(FileFailure::message),
                skipped: decided
                    .skipped
                    .map(SkipReason::as_str),
            }),
            TestOutcome::LeftOut(flag) => serde_json::to_string(&LeftOutRecord {
                path: &file.relative,
                rule: None,
                include: false,
                why: [format!("kept out by {flag}")],
                skipped: "filtered",
            }),
            // What is no file has no decision, and is not passed over in silence.
            TestOutcome::Failed(failure) => {
                warn(&format!(
                    "{}: [{}] {}",
                    file.relative,
                    failure.code,
                    failure.message()
                ));
                return Ok(());
            }
            TestOutcome::Skipped(_) => return Ok(()),
        };
        let record = record.map_err(|error| {
            Error::new(RunCode::Internal, format!("a decision is no JSON: {error}"))
        })?;
        say(&record)
    }

    fn end(&mut self, coverage: &Coverage) -> Result<(), Error> {
        let shared = coverage.shared_subjects().count();
        if shared > 0 {
            warn(&format!(
                "{} would get files of several patients; an upload stops there unless \
                    `--merge-patients` is given",
                plural(shared, "subject")
            ));
        }
        Ok(())
    }
}
