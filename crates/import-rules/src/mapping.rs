//! Mappings: a template builds a text, a pattern takes it apart into fields. Owns the pattern's
//! notation and the choice of which side is which.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use python_regex::PythonRegex;

use super::metadata::{Given, Metadata, Origin};
use super::notation::{Options, has_open_alternatives, lazy, likely_class, translate};
use super::refusal::{Refusal, shown};
use super::target::Target;
use super::template::{
    Source, SourceScope, TemplateError, ValueSources, ValueTemplate, closing_brace, count,
};
use super::timestamp::{DateFormat, Zone};
use super::value::Value;

/// A template and a pattern.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    template: ValueTemplate,
    pattern: Pattern,
}

/// A pattern that takes a text apart.
#[derive(Debug, Clone)]
struct Pattern {
    regex: PythonRegex,
    groups: Vec<Group>,
}

#[derive(Debug, Clone)]
struct Group {
    /// In the expression.
    name: String,
    sets: Sets,
    /// How a moment is written.
    format: Option<DateFormat>,
}

/// What a group of a pattern sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sets {
    Target(Target),
    Temporary(String),
}

/// What earlier mappings have set for a file, beside its fields.
pub(crate) type Temporaries = BTreeMap<String, String>;

/// What became of a mapping for a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MappingOutcome {
    /// Whether all fields of its template had a value.
    pub complete: bool,
    /// Whether its pattern matched.
    pub matched: bool,
    /// Fields whose text is no value that they can hold: nothing was set.
    pub dropped: Vec<Target>,
}

/// Why a mapping stops a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MappingError {
    Template(TemplateError),
    TooComplex,
    /// The field is a whole number, and the text is none.
    NotANumber(Target),
}

impl Mapping {
    /// `template=pattern`, or the other way round where only that has a meaning.
    pub fn parse(text: &str, scope: SourceScope) -> Result<Self, Refusal> {
        let (left, right) = text
            .split_once('=')
            .ok_or_else(|| {
                Refusal::new("a mapping needs a source, `=` and a pattern")
                    .with_hint("such as `path={subject}/{session}/*`")
            })?;
        Self::of_sides(left, right, scope)
    }

    /// Of its two sides, whichever is the template.
    pub fn of_sides(left: &str, right: &str, scope: SourceScope) -> Result<Self, Refusal> {
        if left.trim_end() != left || right.trim_start() != right {
            return Err(Refusal::new("a blank stands beside the `=` of a mapping")
                .with_hint("take it out: blanks belong to what is read and matched"));
        }
        let of = |template: Result<ValueTemplate, Refusal>, pattern: &str| {
            template
                .and_then(ValueTemplate::without_defaults)
                .and_then(|template| {
                    Ok(Self {
                        template,
                        pattern: Pattern::parse(pattern)?,
                    })
                })
        };
        let forwards = ValueTemplate::parse(left, scope);
        let backwards = ValueTemplate::parse(right, scope);
        let sources_left = forwards.is_ok();
        match (of(forwards, right), backwards) {
            (Ok(mapping), _) => Ok(mapping),
            (Err(refusal), Ok(template)) => match of(Ok(template), left) {
                Ok(mapping) => Ok(mapping),
                Err(reversed) => Err(if sources_left { refusal } else { reversed }),
            },
            (Err(refusal), Err(_)) => Err(refusal),
        }
    }

    /// What its pattern sets.
    pub fn sets(&self) -> impl Iterator<Item = &Sets> {
        self.pattern
            .groups
            .iter()
            .map(|group| &group.sets)
    }

    /// Refuses a reference to what no earlier mapping sets.
    pub fn check_references(&self, earlier: &[Sets]) -> Result<(), Refusal> {
        for source in self.template.sources() {
            let (wanted, name) = match source {
                Source::Target(target) => (Sets::Target(target.clone()), target.name()),
                Source::Temporary(name) => (Sets::Temporary(name.clone()), format!("@{name}")),
                _ => continue,
            };
            if !earlier.contains(&wanted) {
                return Err(Refusal::new(format!(
                    "`!{}` is read before any mapping sets it",
                    shown(&name)
                ))
                .with_hint("put the mapping that sets it before this one"));
            }
        }
        Ok(())
    }

    /// Whether path and header are read, given what earlier mappings read for what they set.
    pub fn reads(&self, earlier: &BTreeMap<Sets, (bool, bool)>) -> (bool, bool) {
        let mut reads = (false, false);
        for source in self.template.sources() {
            let found = match source {
                Source::Path(_) => (true, false),
                Source::Header(_) => (false, true),
                Source::Target(target) => earlier
                    .get(&Sets::Target(target.clone()))
                    .copied()
                    .unwrap_or_default(),
                Source::Temporary(name) => earlier
                    .get(&Sets::Temporary(name.clone()))
                    .copied()
                    .unwrap_or_default(),
            };
            reads = (reads.0 || found.0, reads.1 || found.1);
        }
        reads
    }

    /// Sets what it finds, where nothing is set yet.
    pub fn apply(
        &self,
        file: &super::file::FileFields,
        header: Option<&dyn super::header::CleanedHeader>,
        metadata: &mut Metadata,
        temporaries: &mut Temporaries,
        origin: Origin,
        zone: &Zone,
    ) -> Result<MappingOutcome, MappingError> {
        let mut outcome = MappingOutcome::default();
        let sources = ValueSources {
            file,
            header,
            metadata,
            temporaries,
        };
        let text = self
            .template
            .text_if_complete(&sources)
            .map_err(MappingError::Template)?;
        let Some(text) = text else {
            return Ok(outcome);
        };
        outcome.complete = true;
        let found = self
            .pattern
            .regex
            .match_start(&text)
            .map_err(|_| MappingError::TooComplex)?;
        let Some(found) = found else {
            return Ok(outcome);
        };
        outcome.matched = true;
        for group in &self.pattern.groups {
            let Some(value) = found
                .get(&group.name)
                .filter(|value| !value.is_empty())
            else {
                continue;
            };
            match &group.sets {
                Sets::Temporary(name) => {
                    temporaries
                        .entry(name.clone())
                        .or_insert_with(|| value.to_owned());
                }
                Sets::Target(target) => {
                    let format = group.format.as_ref();
                    match metadata.offer(target, &Value::text(value), format, origin, zone) {
                        Given::Set | Given::AlreadySet => {}
                        Given::Dropped => outcome.dropped.push(target.clone()),
                        Given::Unreadable => {
                            return Err(MappingError::NotANumber(target.clone()));
                        }
                    }
                }
            }
        }
        Ok(outcome)
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let (text, options) = Options::split(text)?;
        if text.is_empty() {
            return Err(Refusal::new("a pattern is empty"));
        }
        let whole;
        let text = if text.contains(['{', '}']) || text.contains("(?P<") {
            text
        } else {
            Sets::parse(text).map_err(|refusal| {
                if text.contains(['*', '/']) {
                    Refusal::new("a pattern sets nothing")
                        .with_hint("put fields into braces: `path={subject}/{session}/*`")
                } else {
                    refusal
                }
            })?;
            whole = format!("{{{text}}}");
            &whole
        };
        let mut reader = PatternReader {
            options,
            expression: String::new(),
            groups: Vec::new(),
        };
        reader.read(text)?;
        reader.finish()
    }
}

struct PatternReader {
    options: Options,
    expression: String,
    groups: Vec<Group>,
}

impl PatternReader {
    fn translated(&self, text: &str) -> String {
        lazy(&if self.options.raw {
            text.to_owned()
        } else {
            translate(text, true)
        })
    }

    fn read(&mut self, text: &str) -> Result<(), Refusal> {
        let mut literal_from = 0;
        let mut at = 0;
        while let Some(c) = text
            .get(at..)
            .and_then(|rest| rest.chars().next())
        {
            let rest = text.get(at..).unwrap_or_default();
            match c {
                '\\' => {
                    at += 1 + rest
                        .chars()
                        .nth(1)
                        .map_or(0, char::len_utf8);
                }
                '}' => return Err(Refusal::new("a `}` without its `{`")),
                '{' => {
                    if let Some(length) = count(rest) {
                        at += length;
                        continue;
                    }
                    let inner = rest.get(1..).unwrap_or_default();
                    let end = closing_brace(inner)?;
                    let literal = text
                        .get(literal_from..at)
                        .unwrap_or_default();
                    self.expression
                        .push_str(&self.translated(literal));
                    self.group(inner.get(..end).unwrap_or_default())?;
                    at += end + 2;
                    literal_from = at;
                }
                c => at += c.len_utf8(),
            }
        }
        let literal = text
            .get(literal_from..)
            .unwrap_or_default();
        self.expression
            .push_str(&self.translated(literal));
        Ok(())
    }

    fn group(&mut self, text: &str) -> Result<(), Refusal> {
        let (name, expression) = text
            .split_once(':')
            .map_or((text, ""), |(name, expression)| (name, expression));
        if name.is_empty() {
            return Err(Refusal::new("braces of a pattern hold no field"));
        }
        let sets = Sets::parse(name)?;
        let full = sets.name();
        let dated = ["date", "time"]
            .iter()
            .any(|word| full.contains(word));
        let (expression, format) = if expression.is_empty() {
            (sets.any_value().to_owned(), None)
        } else if dated && expression.contains('%') {
            let (expression, format) = DateFormat::parse(expression, |text| self.translated(text))?;
            (expression, Some(format))
        } else {
            if has_date_code(expression) {
                return Err(Refusal::new(format!(
                    "a date format counts as text in `{}`",
                    shown(name)
                ))
                .with_hint(
                    "codes such as `%Y` are for fields whose name has `date` or `time` in it, in \
                     lower case",
                ));
            }
            self.refuse_class(expression, name)?;
            (self.translated(expression), None)
        };
        let moment = matches!(&sets, Sets::Target(target) if target.is_timestamp());
        let format = format.filter(|_| moment);
        if format
            .as_ref()
            .is_some_and(|format| !format.has_year())
        {
            return Err(Refusal::new(format!(
                "the date format of `{}` has no year",
                shown(name)
            )));
        }
        if self
            .groups
            .iter()
            .any(|group| group.sets == sets)
        {
            return Err(Refusal::new(format!(
                "`{}` stands in the pattern twice",
                shown(&full)
            )));
        }
        let name = format!("g{}", self.groups.len());
        let _ = write!(self.expression, "(?P<{name}>{expression})");
        self.groups
            .push(Group { name, sets, format });
        Ok(())
    }

    /// Refuses brackets that look like a class of characters.
    fn refuse_class(&self, expression: &str, name: &str) -> Result<(), Refusal> {
        if self.options.raw {
            return Ok(());
        }
        let Some(class) = likely_class(expression) else {
            return Ok(());
        };
        let name = shown(name);
        let fixed = expression.replace(&format!("[{class}]"), &format!("\\[{class}\\]"));
        Err(
            Refusal::new("brackets hold what is optional here, and no class of characters")
                .with_hint(format!(
                    "write `{{{name}:{}}}`, or end the pattern with `!r`",
                    shown_regex(&fixed)
                )),
        )
    }

    fn finish(mut self) -> Result<Pattern, Refusal> {
        if has_open_alternatives(&self.expression) {
            return Err(
                Refusal::new("alternatives of a pattern stand in no parentheses")
                    .with_hint("write `(a|b)`: otherwise each side matches by itself"),
            );
        }
        let flags = if self.options.ignore_case { "(?i)" } else { "" };
        let regex =
            PythonRegex::new(&format!("{flags}^{}$", self.expression)).map_err(|error| {
                Refusal::new(format!(
                    "the pattern is no regular expression: {error} (of it as it is translated)"
                ))
            })?;
        let known: Vec<String> = self
            .groups
            .iter()
            .map(|group| group.name.clone())
            .collect();
        for name in regex.group_names() {
            if known
                .iter()
                .any(|known| known == name)
            {
                continue;
            }
            // A group that is named as Python names it sets a field too.
            let sets = Sets::parse(name)?;
            if self
                .groups
                .iter()
                .any(|group| group.sets == sets)
            {
                return Err(Refusal::new(format!(
                    "`{}` stands in the pattern twice",
                    shown(name)
                )));
            }
            self.groups.push(Group {
                name: name.to_owned(),
                sets,
                format: None,
            });
        }
        if self.groups.is_empty() {
            return Err(Refusal::new("a pattern sets nothing")
                .with_hint("put fields into braces: `path={subject}/{session}/*`"));
        }
        Ok(Pattern {
            regex,
            groups: self.groups,
        })
    }
}

/// Whether a code of a date stands in an expression.
fn has_date_code(expression: &str) -> bool {
    ["%Y", "%m", "%d", "%H", "%M", "%S", "%y"]
        .iter()
        .any(|code| expression.contains(code))
}

fn shown_regex(text: &str) -> String {
    text.chars().take(60).collect()
}

impl Sets {
    fn parse(name: &str) -> Result<Self, Refusal> {
        match name.strip_prefix('@') {
            Some("") => Err(Refusal::new("a temporary has no name").with_hint("such as `{@site}`")),
            Some(temporary) => Ok(Self::Temporary(temporary.to_owned())),
            None => Target::parse(name).map(Self::Target),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Target(target) => target.name(),
            Self::Temporary(name) => format!("@{name}"),
        }
    }

    /// What a group takes that says nothing of it.
    fn any_value(&self) -> &'static str {
        match self {
            Self::Target(target) if target.is_label() => "[^/]+?",
            _ => ".+?",
        }
    }
}
