//! Templates: text built from fields. There are two, which differ in what they may see: a
//! [`ValueTemplate`] builds what is written and sees the cleaned header; a [`GroupTemplate`] builds a
//! key that is never shown and sees the original one.

use std::collections::BTreeMap;

use python_regex::{PythonRegex, Replacement};

use super::file::{FileFields, PathField};
use super::format::Format;
use super::header::{CleanedHeader, HeaderField, OriginalHeader, ValueKind};
use super::metadata::Metadata;
use super::refusal::{Refusal, closest, shown};
use super::target::Target;
use super::value::Value;

/// What stands for a value that is missing, where there is no default.
const UNKNOWN: &str = "UNKNOWN";

/// What a rule's templates may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceScope {
    /// DICOM fields too.
    pub header: bool,
}

/// Why a template gives no text for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// The format of this field does not fit its value.
    Format(String),
    /// The search of this field would take too long.
    TooComplex(String),
}

#[derive(Debug, Clone, PartialEq)]
struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    Field(Block),
}

#[derive(Debug, Clone, PartialEq)]
struct Block {
    source: Source,
    substitution: Option<(PythonRegex, Replacement)>,
    format: Option<Format>,
    default: Option<String>,
}

/// Where the value of a block comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Path(PathField),
    Header(HeaderField),
    Target(Target),
    Temporary(String),
}

/// A template of what is written: mappings, names of members.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueTemplate(Template);

/// A template of a group's key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupTemplate(Template);

/// What a value template sees.
pub(crate) struct ValueSources<'a> {
    pub file: &'a FileFields,
    pub header: Option<&'a dyn CleanedHeader>,
    pub metadata: &'a Metadata,
    pub temporaries: &'a BTreeMap<String, String>,
}

impl ValueTemplate {
    pub fn parse(text: &str, scope: SourceScope) -> Result<Self, Refusal> {
        Template::parse(text, scope, true).map(Self)
    }

    /// The sources that it names.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.sources()
    }

    /// Whether it reads what patterns set for templates alone.
    pub fn reads_temporaries(&self) -> bool {
        self.sources()
            .any(|source| matches!(source, Source::Temporary(_)))
    }

    /// Whether it reads the path, name, folder, size or times of the file.
    pub fn reads_path(&self) -> bool {
        self.sources()
            .any(|source| matches!(source, Source::Path(_)))
    }

    /// Refuses defaults, which have no effect in mappings.
    pub fn without_defaults(self) -> Result<Self, Refusal> {
        let with = self
            .0
            .blocks()
            .any(|block| block.default.is_some());
        if with {
            return Err(Refusal::new(
                "`|` gives a default, which has no effect in a mapping: without the field the \
                 mapping is skipped",
            )
            .with_hint("take it out, and write a further mapping or `defaults`"));
        }
        Ok(self)
    }

    /// The text; none where a field is missing or empty.
    pub fn text_if_complete(
        &self,
        sources: &ValueSources<'_>,
    ) -> Result<Option<String>, TemplateError> {
        let complete = self.0.blocks().all(|block| {
            sources
                .value(&block.source)
                .is_some_and(|value| !is_empty(&value))
        });
        if !complete {
            return Ok(None);
        }
        self.0
            .text(&|source| sources.value(source))
            .map(Some)
    }

    /// The text, with defaults for what is missing.
    pub fn text(&self, sources: &ValueSources<'_>) -> Result<String, TemplateError> {
        self.0
            .text(&|source| sources.value(source))
    }
}

impl ValueSources<'_> {
    fn value(&self, source: &Source) -> Option<Value> {
        match source {
            Source::Path(field) => self.file.value(*field),
            Source::Header(field) => self
                .header
                .and_then(|header| field.value(&header.cleaned_values(field))),
            Source::Target(target) => self.metadata.get(target),
            Source::Temporary(name) => self
                .temporaries
                .get(name)
                .map(Value::text),
        }
    }
}

impl GroupTemplate {
    pub fn parse(text: &str, scope: SourceScope) -> Result<Self, Refusal> {
        Template::parse(text, scope, false).map(Self)
    }

    /// Whether the key holds anything of the header, which nothing may show.
    pub fn sees_header(&self) -> bool {
        self.0
            .sources()
            .any(|source| matches!(source, Source::Header(_)))
    }

    pub fn text(
        &self,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
    ) -> Result<String, TemplateError> {
        self.0.text(&|source| match source {
            Source::Path(field) => file.value(*field),
            Source::Header(field) => {
                header.and_then(|header| field.value(&header.original_values(field)))
            }
            Source::Target(_) | Source::Temporary(_) => None,
        })
    }
}

fn is_empty(value: &Value) -> bool {
    value
        .as_text()
        .is_some_and(str::is_empty)
}

impl Template {
    fn parse(text: &str, scope: SourceScope, references: bool) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Err(Refusal::new("a template is empty"));
        }
        if !text.contains(['{', '}']) {
            return Ok(Self(vec![Piece::Field(Block::parse(
                text, scope, references,
            )?)]));
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => {
                    literal.push(c);
                    literal.extend(chars.next().map(|(_, c)| c));
                }
                '}' => return Err(Refusal::new("a `}` without its `{`")),
                '{' => {
                    let rest = text
                        .get(at + 1..)
                        .unwrap_or_default();
                    let end = closing_brace(rest)?;
                    let inner = rest.get(..end).unwrap_or_default();
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Field(Block::parse(inner, scope, references)?));
                    chars = text.char_indices();
                    let next = at + 1 + end;
                    while chars
                        .next()
                        .is_some_and(|(at, _)| at < next)
                    {}
                }
                c => literal.push(c),
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.0
            .iter()
            .filter_map(|piece| match piece {
                Piece::Field(block) => Some(block),
                Piece::Text(_) => None,
            })
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        self.blocks()
            .map(|block| &block.source)
    }

    fn text(&self, value: &dyn Fn(&Source) -> Option<Value>) -> Result<String, TemplateError> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(block) => {
                    let value = value(&block.source).filter(|value| !is_empty(value));
                    out.push_str(&match value {
                        Some(value) => block.text(&value)?,
                        None => block
                            .default
                            .clone()
                            .unwrap_or_else(|| UNKNOWN.to_owned()),
                    });
                }
            }
        }
        Ok(out)
    }
}

/// Where the brace of a group ends: counts such as `{3}` inside are passed over.
pub(crate) fn closing_brace(text: &str) -> Result<usize, Refusal> {
    let mut at = 0;
    while let Some(c) = text
        .get(at..)
        .and_then(|rest| rest.chars().next())
    {
        let rest = text.get(at..).unwrap_or_default();
        at += match c {
            '\\' => {
                1 + rest
                    .chars()
                    .nth(1)
                    .map_or(0, char::len_utf8)
            }
            '}' => return Ok(at),
            '{' => match count(rest) {
                Some(length) if at > 0 => length,
                _ => {
                    return Err(Refusal::new("a `{` inside of braces")
                        .with_hint("counts such as `{3}` or `{2,4}` alone may stand there"));
                }
            },
            c => c.len_utf8(),
        };
    }
    Err(Refusal::new("a `{` without its `}`"))
}

/// The length of a count such as `{3}` or `{2,}` at the start of a text.
pub(crate) fn count(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let inner = text.get(1..end)?;
    let (least, most) = inner
        .split_once(',')
        .unwrap_or((inner, "0"));
    let digits = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
    };
    (!least.is_empty() && digits(least) && digits(most)).then_some(end + 1)
}

impl Block {
    fn parse(text: &str, scope: SourceScope, references: bool) -> Result<Self, Refusal> {
        let end = text
            .find(['/', ':', '|'])
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name.is_empty() {
            return Err(Refusal::new("braces of a template hold no field"));
        }
        let source = Source::parse(name, scope, references)?;
        let (substitution, rest) = match rest.strip_prefix('/') {
            Some(rest) => substitution(name, rest)?,
            None => (None, rest),
        };
        let (format, rest) = match rest.strip_prefix(':') {
            Some(rest) => {
                let (format, rest) = rest
                    .find('|')
                    .map_or((rest, ""), |at| rest.split_at(at));
                if format.is_empty() {
                    return Err(Refusal::new(format!(
                        "no format stands behind the `:` of `{}`",
                        shown(name)
                    )));
                }
                (Some(Format::parse(format)?), rest)
            }
            None => (None, rest),
        };
        let default = match rest.strip_prefix('|') {
            Some("") => {
                return Err(Refusal::new(format!(
                    "no default stands behind the `|` of `{}`",
                    shown(name)
                )));
            }
            default => default.map(str::to_owned),
        };
        let block = Self {
            source,
            substitution,
            format,
            default,
        };
        block.try_format(name)?;
        Ok(block)
    }

    /// Refuses a format that no value of the source can take.
    fn try_format(&self, name: &str) -> Result<(), Refusal> {
        let Some(format) = &self.format else {
            return Ok(());
        };
        let sample = match (&self.source, &self.substitution) {
            (_, Some(_)) => Value::text("x"),
            (
                Source::Path(
                    PathField::Depth | PathField::Size | PathField::Ctime | PathField::Mtime,
                ),
                _,
            ) => Value::Integer(1),
            (Source::Path(_) | Source::Temporary(_), _) => Value::text("x"),
            (Source::Header(field), _) => match field.kind() {
                ValueKind::Text => Value::text("x"),
                ValueKind::Whole => Value::Integer(1),
                ValueKind::Number => Value::Float(1.5),
            },
            (Source::Target(_), _) => return Ok(()),
        };
        let what = match sample {
            Value::Text(_) => "text",
            _ => "a number",
        };
        format
            .apply(&sample)
            .map(drop)
            .map_err(|_| {
                Refusal::new(format!(
                    "the format of `{}` is none for {what}",
                    shown(name)
                ))
            })
    }

    fn text(&self, value: &Value) -> Result<String, TemplateError> {
        let replaced = match &self.substitution {
            Some((search, replacement)) => Some(Value::Text(
                search
                    .replace_all(&value.to_text(), replacement)
                    .map_err(|_| TemplateError::TooComplex(self.source.name()))?,
            )),
            None => None,
        };
        let value = replaced.as_ref().unwrap_or(value);
        match &self.format {
            Some(format) => format
                .apply(value)
                .map_err(|_| TemplateError::Format(self.source.name())),
            None => Ok(value.to_text()),
        }
    }
}

/// Search and replacement behind the first slash, and what follows them.
#[allow(clippy::type_complexity)] // A pair and a rest, read in one place.
fn substitution<'t>(
    name: &str,
    text: &'t str,
) -> Result<(Option<(PythonRegex, Replacement)>, &'t str), Refusal> {
    let unescaped = |text: &str, stops: &[char], from: usize| {
        let mut at = 0;
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c == '\\' {
                at += 1 + chars
                    .next()
                    .map_or(0, char::len_utf8);
                continue;
            }
            if at >= from && stops.contains(&c) {
                return Some(at);
            }
            at += c.len_utf8();
        }
        None
    };
    // The first character belongs to the expression, whatever it is but a slash.
    let first = text
        .chars()
        .next()
        .filter(|c| *c != '/')
        .map_or(0, char::len_utf8);
    let slash = unescaped(text, &['/'], 0);
    let stop = unescaped(text, &[':', '|'], first);
    if let (Some(slash), Some(stop)) = (slash, stop)
        && stop < slash
    {
        return Err(Refusal::new(format!(
            "a `:` or `|` ends the expression that is searched in `{}`",
            shown(name)
        ))
        .with_hint("write `\\:` for a colon; instead of alternatives write several mappings"));
    }
    let end = slash.or(stop).unwrap_or(text.len());
    let (expression, rest) = text.split_at(end);
    if expression.is_empty() {
        return Err(Refusal::new(format!(
            "nothing is searched between the slashes of `{}`",
            shown(name)
        )));
    }
    let (by, rest) = match rest.strip_prefix('/') {
        Some(rest) => rest.split_at(unescaped(rest, &[':', '|'], 0).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let refused = |error: python_regex::PatternError| {
        Refusal::new(format!(
            "what is searched and replaced in `{}` is not one of Python's: {error}",
            shown(name)
        ))
    };
    let search = PythonRegex::new(expression).map_err(refused)?;
    let replacement = search
        .replacement(by)
        .map_err(refused)?;
    Ok((Some((search, replacement)), rest))
}

impl Source {
    fn parse(name: &str, scope: SourceScope, references: bool) -> Result<Self, Refusal> {
        if let Some(target) = name.strip_prefix('!') {
            if !references {
                return Err(Refusal::new(
                    "a group cannot depend on what mappings set: it is known before they are",
                ));
            }
            return Ok(match target.strip_prefix('@') {
                Some(temporary) => Self::Temporary(temporary.to_owned()),
                None => Self::Target(Target::parse(target)?),
            });
        }
        if name.starts_with('@') {
            return Err(Refusal::new(format!(
                "`{}` is set by a pattern; a template reads it as `!{}`",
                shown(name),
                shown(name)
            )));
        }
        if let Some(field) = PathField::source(name) {
            return Ok(Self::Path(field));
        }
        let known = PathField::SOURCES
            .iter()
            .map(|(name, _)| *name);
        let near = match name {
            "filepath" => Some("path"),
            "filename" => Some("name"),
            "dirname" => Some("dir"),
            "modified" => Some("mtime"),
            "created" => Some("ctime"),
            name => closest(name.trim(), known, 0.84),
        };
        if name.trim() != name {
            return Err(Refusal::new("a blank stands beside the name of a source")
                .with_hint("take it out: blanks belong to names"));
        }
        if !scope.header {
            let refusal = Refusal::new(format!(
                "`{}` is no source of a rule without `type: dicom`",
                shown(name)
            ));
            let hint = match HeaderField::parse(name) {
                Ok(_) => "it is a DICOM field: add `type: dicom` to the rule",
                Err(_) => "sources are path, name, dir, depth, size, ctime and mtime",
            };
            return Err(refusal.did_you_mean(near, hint));
        }
        HeaderField::parse(name)
            .map(Self::Header)
            .map_err(|refusal| match near {
                Some(near) => refusal.with_hint(format!("did you mean `{near}`?")),
                None => refusal,
            })
    }

    fn name(&self) -> String {
        match self {
            Self::Path(field) => PathField::SOURCES
                .iter()
                .find(|(_, known)| known == field)
                .map_or("", |(name, _)| name)
                .to_owned(),
            Self::Header(HeaderField::Standard(tag)) => tag.to_string(),
            Self::Header(HeaderField::Private { group, element, .. }) => {
                format!("({group:04X},xx{element:02X})")
            }
            Self::Target(target) => format!("!{}", target.name()),
            Self::Temporary(name) => format!("!@{name}"),
        }
    }
}
