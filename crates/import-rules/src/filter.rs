//! Filters: which files a rule takes. They look at paths and at the original header and answer yes
//! or no; nothing that they see is written anywhere.

use std::cmp::Ordering;
use std::fmt;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use python_regex::{PythonRegex, TooComplex};

use super::file::{FileFields, PathField};
use super::header::{HeaderField, OriginalHeader, ValueKind};
use super::notation::{Options, likely_class, translate};
use super::refusal::{Refusal, closest, shown};
use super::timestamp::{Zone, read_offset};

/// A condition on a file: `path=~*.dcm$`, `size>1MB`, `Modality=MR`.
#[derive(Clone)]
pub struct Filter {
    text: String,
    field: FilterField,
    operator: Operator,
    test: Test,
    /// For members of archives: what the archive's path must fit, if anything, and the member's.
    halves: Option<(Option<Test>, Test)>,
    pub(crate) note: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum FilterField {
    Path(PathField),
    Header(HeaderField),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    More,
    AtMost,
    AtLeast,
    Fits,
    FitsNot,
    Exists,
    ExistsNot,
}

/// Longer ones first: the first that stands there is meant.
const OPERATORS: [(&str, Operator); 9] = [
    ("=~", Operator::Fits),
    ("!~", Operator::FitsNot),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::More),
];

/// What a value is compared with.
#[derive(Clone)]
enum Test {
    /// In lower case.
    Text(String),
    Pattern(PythonRegex),
    Number(f64),
    /// In bytes.
    Size(i64),
    /// The digits of a local time, from the year on.
    LocalTime(String),
    /// Seconds since 1970.
    Moment(i64),
    Presence,
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filter")
            .field(&self.field)
            .finish()
    }
}

impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Operator {
    fn is_pattern(self) -> bool {
        matches!(self, Self::Fits | Self::FitsNot)
    }

    fn negates(self) -> bool {
        matches!(self, Self::NotEqual | Self::FitsNot)
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::More => order.is_gt(),
            Self::AtMost => order.is_le(),
            Self::AtLeast => order.is_ge(),
            _ => false,
        }
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// ```
    /// use import_rules::Filter;
    ///
    /// assert!(Filter::parse("path!~**/localizer/**").is_ok());
    /// assert!(Filter::parse("ImageType=DERIVED").is_ok());
    /// assert!(Filter::parse("AccessionNumber exists").is_ok());
    /// assert!(Filter::parse("Modalty=MR").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let (name, operator, value) = split(text)?;
        let field = FilterField::parse(name)?;
        let mut note = None;
        let comparison = match operator {
            Operator::Exists | Operator::ExistsNot => {
                if matches!(field, FilterField::Path(_)) {
                    return Err(Refusal::new("every file has this field")
                        .with_hint("`exists` is for DICOM fields"));
                }
                Test::Presence
            }
            _ => field.test(operator, value, &mut note)?,
        };
        let halves = match (&field, value.split_once("::")) {
            (FilterField::Path(PathField::Path), Some((archive, member))) => {
                if member.is_empty() {
                    return Err(
                        Refusal::new("nothing is said of the member behind the `::`")
                            .with_hint("such as `path=~*.zip::*.dcm`"),
                    );
                }
                let archive = match archive {
                    "" => None,
                    archive => Some(field.test(operator, archive, &mut note)?),
                };
                Some((archive, field.test(operator, member, &mut note)?))
            }
            _ => None,
        };
        Ok(Self {
            text: text.to_owned(),
            field,
            operator,
            test: comparison,
            halves,
            note,
        })
    }

    /// As it was written. It may hold an identifier.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it looks at the header.
    pub fn needs_header(&self) -> bool {
        matches!(self.field, FilterField::Header(_))
    }

    /// Whether it is for members of archives alone.
    pub(crate) fn is_for_members(&self) -> bool {
        self.halves.is_some()
    }

    /// Whether it fits a file: one with `::` a member of an archive, another one the file, or the
    /// archive in which it lies. A field that has no value never fits.
    pub fn fits(
        &self,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
        zone: &Zone,
    ) -> Result<bool, TooComplex> {
        if let Some((archive, member)) = &self.halves {
            let Some((archive_path, member_path)) = file.halves() else {
                return Ok(false);
            };
            let first = match archive {
                Some(test) => self.text_fits(test, archive_path)?,
                None => true,
            };
            return Ok(first && self.text_fits(member, member_path)?);
        }
        let outer = file.outermost();
        match &self.field {
            FilterField::Path(field) => match (outer.text(*field), outer.number(*field)) {
                (Some(text), _) => self.text_fits(&self.test, text),
                (None, Some(number)) => Ok(self.number_fits(number, zone)),
                (None, None) => Ok(false),
            },
            FilterField::Header(field) => {
                let values = header
                    .map(|header| header.original_values(field))
                    .unwrap_or_default();
                self.values_fit(&values, header.is_some())
            }
        }
    }

    fn values_fit(&self, values: &[String], is_dicom: bool) -> Result<bool, TooComplex> {
        match self.operator {
            Operator::Exists => return Ok(!values.is_empty()),
            Operator::ExistsNot => return Ok(is_dicom && values.is_empty()),
            _ => {}
        }
        if values.is_empty() {
            return Ok(false);
        }
        // Of several values one is enough, or for a negation all.
        let all = self.operator.negates();
        for value in values {
            let fits = match &self.test {
                Test::Number(wanted) => value
                    .trim()
                    .parse::<f64>()
                    .ok()
                    .and_then(|number| number.partial_cmp(wanted))
                    .is_some_and(|order| self.operator.holds(order)),
                test => self.text_fits(test, value.trim_end())?,
            };
            if fits != all {
                return Ok(fits);
            }
        }
        Ok(all)
    }

    fn text_fits(&self, test: &Test, value: &str) -> Result<bool, TooComplex> {
        let lower = value.to_lowercase();
        Ok(match test {
            Test::Text(wanted) => self
                .operator
                .holds(lower.cmp(wanted)),
            Test::Pattern(pattern) => pattern.search(&lower)? == (self.operator == Operator::Fits),
            _ => false,
        })
    }

    fn number_fits(&self, number: i64, zone: &Zone) -> bool {
        let digits = |seconds: i64| {
            zone.local(seconds).map(|local| {
                local
                    .format("%Y%m%d%H%M%S")
                    .to_string()
            })
        };
        let order = match &self.test {
            Test::Size(wanted) => Some(number.cmp(wanted)),
            // Depths are small.
            #[allow(clippy::cast_precision_loss)]
            Test::Number(wanted) => (number as f64).partial_cmp(wanted),
            Test::LocalTime(wanted) => digits(number).map(|time| {
                time.get(..wanted.len())
                    .unwrap_or(&time)
                    .cmp(wanted)
            }),
            Test::Moment(wanted) => digits(number)
                .zip(digits(*wanted))
                .map(|(time, wanted)| time.cmp(&wanted)),
            _ => None,
        };
        order.is_some_and(|order| self.operator.holds(order))
    }
}

/// Field, operator and value: the first operator that directly follows a word.
fn split(text: &str) -> Result<(&str, Operator, &str), Refusal> {
    for (word, operator) in [
        (" !exists", Operator::ExistsNot),
        (" exists", Operator::Exists),
    ] {
        if let Some(field) = text.strip_suffix(word) {
            return Ok((field, operator, ""));
        }
    }
    let from = if text.starts_with('(') {
        text.find("\")")
            .map_or(0, |at| at + 2)
    } else {
        0
    };
    let mut before = from > 0;
    for (at, c) in text.char_indices() {
        if at < from {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let found = OPERATORS
            .iter()
            .find(|(written, _)| rest.starts_with(written));
        if let Some((written, operator)) = found.filter(|_| before) {
            let value = rest
                .get(written.len()..)
                .unwrap_or_default();
            return Ok((text.get(..at).unwrap_or_default(), *operator, value));
        }
        before = c.is_alphanumeric() || c == '_';
    }
    Err(
        Refusal::new("a filter needs a field, an operator and a value").with_hint(
            "such as `path=~*.dcm$` or `size>1MB`; no blank may stand before the operator",
        ),
    )
}

impl FilterField {
    fn parse(name: &str) -> Result<Self, Refusal> {
        if name.starts_with('(') {
            return HeaderField::parse_private(name).map(Self::Header);
        }
        let alias = match name {
            "filepath" => Some(PathField::Path),
            "filename" => Some(PathField::Name),
            "dirname" => Some(PathField::Dir),
            "created" => Some(PathField::Ctime),
            "modified" => Some(PathField::Mtime),
            "ext" => Some(PathField::Ext),
            name => PathField::source(name),
        };
        if let Some(field) = alias {
            return Ok(Self::Path(field));
        }
        let with = |fits: &dyn Fn(&str) -> bool| -> Vec<(&'static str, PathField)> {
            PathField::SOURCES
                .into_iter()
                .filter(|(known, _)| fits(known))
                .collect()
        };
        let mut candidates = with(&|known| known.starts_with(name));
        if candidates.is_empty() {
            candidates = with(&|known| known.contains(name));
        }
        match candidates.as_slice() {
            [(_, field)] => return Ok(Self::Path(*field)),
            [] => {}
            several => {
                let names: Vec<_> = several
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect();
                return Err(Refusal::new(format!(
                    "`{}` may mean more than one field",
                    shown(name)
                ))
                .with_hint(format!("write {}", names.join(" or "))));
            }
        }
        HeaderField::parse(name)
            .map(Self::Header)
            .map_err(|refusal| {
                let known = PathField::SOURCES
                    .iter()
                    .map(|(name, _)| *name)
                    .chain(["ext"]);
                match closest(name, known, 0.84) {
                    Some(near) => {
                        Refusal::new(format!("`{}` is no field of a filter", shown(name)))
                            .with_hint(format!("did you mean `{near}`?"))
                    }
                    None => Refusal {
                        message: refusal
                            .message
                            .replace("is no source", "is no field of a filter"),
                        hint: refusal
                            .hint
                            .map(|hint| hint.replace("sources are path,", "fields are path, ext,")),
                        ..refusal
                    },
                }
            })
    }

    fn test(
        &self,
        operator: Operator,
        value: &str,
        note: &mut Option<String>,
    ) -> Result<Test, Refusal> {
        let comparing = |test: Result<Test, Refusal>| {
            if operator.is_pattern() {
                Err(
                    Refusal::new("`=~` and `!~` are for text, and this field is a number")
                        .with_hint("use = != < > <= >="),
                )
            } else {
                test
            }
        };
        match self {
            Self::Path(PathField::Depth) => comparing(decimal(value)),
            Self::Path(PathField::Size) => comparing(size(value)),
            Self::Path(PathField::Ctime | PathField::Mtime) => comparing(time(value)),
            Self::Header(field) if field.kind() != ValueKind::Text => comparing(decimal(value)),
            _ if operator.is_pattern() => pattern(value, note).map(Test::Pattern),
            _ => Ok(Test::Text(value.to_lowercase())),
        }
    }
}

fn pattern(value: &str, note: &mut Option<String>) -> Result<PythonRegex, Refusal> {
    let (text, options) = Options::split(value)?;
    let expression = if options.raw {
        text.to_owned()
    } else {
        if let Some(class) = likely_class(text) {
            let message = "brackets hold what is optional here, and no class of characters";
            let hint = "for a class write `\\[` and `\\]`, or end the pattern with `!r`";
            if text.contains(&format!("[{class}]+")) {
                return Err(Refusal::new(message).with_hint(hint));
            }
            *note = Some(format!("{message}: {hint}"));
        }
        translate(text, false)
    };
    PythonRegex::new(&format!("(?i){expression}")).map_err(|error| {
        Refusal::new(format!(
            "the pattern is no regular expression: {error} (of it as it is translated)"
        ))
    })
}

fn decimal(value: &str) -> Result<Test, Refusal> {
    value
        .trim()
        .replace('_', "")
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map(Test::Number)
        .ok_or_else(|| Refusal::new("the field is a number, and what it is compared with is none"))
}

/// A number with a unit of powers of 1024.
fn size(value: &str) -> Result<Test, Refusal> {
    let wrong = || {
        Refusal::new("this is no size")
            .with_hint("such as `10`, `1.5MB` or `2 GiB`; units are powers of 1024")
    };
    let end = value
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(value.len());
    let (number, unit) = value.split_at(end);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: f64 = number
        .parse()
        .map_err(|_| wrong())?;
    let unit = unit
        .trim_start()
        .to_ascii_uppercase();
    let unit = unit
        .strip_suffix('B')
        .unwrap_or(&unit);
    let unit = unit
        .strip_suffix('I')
        .unwrap_or(unit);
    let power = match unit {
        "" => 0,
        "B" => return Err(wrong()),
        unit if unit.len() == 1 => match "KMGTPEZY".find(unit) {
            Some(at) => at + 1,
            None => return Err(wrong()),
        },
        _ => return Err(wrong()),
    };
    let bytes = number * 1024_f64.powi(i32::try_from(power).unwrap_or_default());
    #[allow(clippy::cast_possible_truncation)] // It saturates, which no file reaches.
    Ok(Test::Size(bytes as i64))
}

/// A time from the year on, as far as it is written.
fn time(value: &str) -> Result<Test, Refusal> {
    let wrong = || {
        Refusal::new("this is no time").with_hint(
            "write the year and as much of `YYYY-MM-DD hh:mm:ss` as counts, each of two digits; \
             an offset such as +02:00 stands behind the seconds",
        )
    };
    let mut rest = value;
    let mut digits = String::new();
    for width in [4, 2, 2, 2, 2, 2] {
        let separated = rest
            .strip_prefix(['-', '_', '/', 'T', ' ', ':'])
            .filter(|_| !digits.is_empty())
            .unwrap_or(rest);
        let Some(part) = separated
            .get(..width)
            .filter(|part| {
                part.bytes()
                    .all(|byte| byte.is_ascii_digit())
            })
        else {
            break;
        };
        digits.push_str(part);
        rest = separated
            .get(width..)
            .unwrap_or_default();
    }
    let local = moment(&digits).ok_or_else(wrong)?;
    let offset = match rest.trim_start() {
        "" => {
            return if rest.is_empty() {
                Ok(Test::LocalTime(digits))
            } else {
                Err(wrong())
            };
        }
        "Z" => 0,
        offset => read_offset(offset).ok_or_else(wrong)?,
    };
    if digits.len() < 14 {
        return Err(wrong());
    }
    Ok(Test::Moment(
        local.and_utc().timestamp() - i64::from(offset),
    ))
}

/// The earliest time with these digits, if there is one.
fn moment(digits: &str) -> Option<NaiveDateTime> {
    let part = |from: usize, to: usize, otherwise: u32| match digits.get(from..to) {
        Some(part) => part.parse().ok(),
        None => Some(otherwise),
    };
    let date = NaiveDate::from_ymd_opt(
        digits.get(..4)?.parse().ok()?,
        part(4, 6, 1)?,
        part(6, 8, 1)?,
    )?;
    let time = NaiveTime::from_hms_opt(part(8, 10, 0)?, part(10, 12, 0)?, part(12, 14, 0)?)?;
    Some(date.and_time(time))
}

/// The filters of a rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Filters {
    pub include: Vec<Filter>,
    pub exclude: Vec<Filter>,
}

/// Why a rule does not take a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// None of the filters in `include` fits.
    NotIncluded,
    /// This filter of `exclude` fits, counted from 0.
    Excluded(usize),
    /// The rule is for members of archives alone.
    MembersOnly,
}

impl Filters {
    /// Why they pass over a file; none where they take it.
    pub fn refuse(
        &self,
        file: &FileFields,
        header: Option<&dyn OriginalHeader>,
        zone: &Zone,
    ) -> Result<Option<NotTaken>, TooComplex> {
        let is_member = file.halves().is_some();
        let has = |members: bool| {
            self.include
                .iter()
                .any(|filter| filter.is_for_members() == members)
        };
        if !is_member && has(true) && !has(false) {
            return Ok(Some(NotTaken::MembersOnly));
        }
        for members in [false, true] {
            if members && !is_member || !has(members) {
                continue;
            }
            let mut any = false;
            for filter in &self.include {
                any =
                    any || filter.is_for_members() == members && filter.fits(file, header, zone)?;
            }
            if !any {
                return Ok(Some(NotTaken::NotIncluded));
            }
        }
        for (index, filter) in self.exclude.iter().enumerate() {
            if filter.fits(file, header, zone)? {
                return Ok(Some(NotTaken::Excluded(index)));
            }
        }
        Ok(None)
    }

    pub fn need_header(&self) -> bool {
        self.include
            .iter()
            .chain(&self.exclude)
            .any(Filter::needs_header)
    }
}
