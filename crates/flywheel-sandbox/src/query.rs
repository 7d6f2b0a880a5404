//! Lists: `filter`, `sort`, `limit`, `skip`, `page` and `after_id` over documents.
//!
//! Keeps Flywheel's pitfalls on purpose, so that tests of a client find them: bare filter values are
//! typed (a bare `123` does not match the label "123"), and a comma cannot be escaped.

use std::cmp::Ordering;
use std::collections::HashMap;

use regex::RegexBuilder;
use serde_json::Value;

use crate::api_error::ApiError;

/// Parameters of a query, decoded.
pub type Parameters = HashMap<String, String>;

const OPERATORS: [&str; 7] = ["=~", "!=", "<=", ">=", "=", "<", ">"];
const LONGEST_FILTER: usize = 4096;

/// One condition of a filter.
#[derive(Debug)]
struct Condition {
    field: String,
    operator: &'static str,
    operand: Operand,
}

/// A filter value with the type that its notation gives it.
#[derive(Debug)]
enum Operand {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    Pattern(regex::Regex),
    /// An id or a date, and the field holds other values.
    Foreign,
}

/// Filters, sorts and cuts a list; also returns its length before it was cut.
pub fn select(
    mut docs: Vec<Value>,
    parameters: &Parameters,
) -> Result<(usize, Vec<Value>), ApiError> {
    let text = |name: &str| {
        parameters
            .get(name)
            .map_or("", String::as_str)
    };
    let conditions = conditions(text("filter"))?;
    docs.retain(|doc| {
        conditions
            .iter()
            .all(|condition| condition.holds(doc))
    });
    let total = docs.len();
    let sorts = sorts(text("sort"))?;
    docs.sort_by(|a, b| {
        sorts
            .iter()
            .map(|(field, down)| compare(at(a, field), at(b, field), *down))
            .find(|it| it.is_ne())
            .unwrap_or(Ordering::Equal)
    });
    let limit = count(parameters, "limit")?;
    let (page, skip) = (count(parameters, "page")?, count(parameters, "skip")?);
    if let Some(after) = parameters.get("after_id") {
        if !text("sort").is_empty() || page.is_some() || skip.is_some() {
            return Err(ApiError::unprocessable(
                "after_id cannot be used with sort, page or skip",
            ));
        }
        docs.retain(|doc| {
            at(doc, "_id")
                .and_then(Value::as_str)
                .is_some_and(|id| id > after.as_str())
        });
        docs.sort_by(|a, b| compare(at(a, "_id"), at(b, "_id"), false));
    }
    let skipped = match (page, limit) {
        (Some(_), None) => return Err(ApiError::unprocessable("page needs a limit")),
        (Some(page), Some(limit)) => page
            .saturating_sub(1)
            .saturating_mul(limit),
        (None, _) => skip.unwrap_or(0),
    };
    Ok((
        total,
        docs.into_iter()
            .skip(skipped)
            .take(limit.unwrap_or(usize::MAX))
            .collect(),
    ))
}

fn count(parameters: &Parameters, name: &str) -> Result<Option<usize>, ApiError> {
    let Some(text) = parameters.get(name) else {
        return Ok(None);
    };
    let least = usize::from(name != "skip");
    match text.parse() {
        Ok(number) if number >= least => Ok(Some(number)),
        _ => Err(ApiError::unprocessable(format!(
            "{name} must be a whole number of at least {least}"
        ))),
    }
}

fn sorts(text: &str) -> Result<Vec<(String, bool)>, ApiError> {
    let one = |part: &str| match part
        .split_once(':')
        .unwrap_or((part, "asc"))
    {
        (field, "asc") => Ok((field.to_owned(), false)),
        (field, "desc") => Ok((field.to_owned(), true)),
        _ => Err(ApiError::unprocessable(
            "sort reads field:asc or field:desc",
        )),
    };
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(one)
        .collect()
}

fn conditions(text: &str) -> Result<Vec<Condition>, ApiError> {
    if text.len() > LONGEST_FILTER {
        return Err(ApiError::unprocessable("the filter is too long"));
    }
    text.split(',')
        .filter(|part| !part.is_empty())
        .map(condition)
        .collect()
}

fn condition(text: &str) -> Result<Condition, ApiError> {
    let invalid = || ApiError::unprocessable("the filter is not valid");
    let start = text
        .find(['=', '!', '<', '>'])
        .ok_or_else(invalid)?;
    let (field, rest) = text.split_at(start);
    let field = field.trim();
    let operator = OPERATORS
        .into_iter()
        .find(|operator| rest.starts_with(operator))
        .ok_or_else(invalid)?;
    let value = rest
        .get(operator.len()..)
        .unwrap_or_default();
    let operand = if operator == "=~" {
        pattern(value)?
    } else {
        operand(field, value).ok_or_else(invalid)?
    };
    Ok(Condition {
        field: field.to_owned(),
        operator,
        operand,
    })
}

fn pattern(value: &str) -> Result<Operand, ApiError> {
    let built = RegexBuilder::new(unquoted(value).unwrap_or(value))
        .size_limit(1 << 20)
        .build();
    built
        .map(Operand::Pattern)
        .map_err(|_| ApiError::unprocessable("the filter's regular expression is not valid"))
}

fn unquoted(value: &str) -> Option<&str> {
    value
        .strip_prefix('"')?
        .strip_suffix('"')
}

/// None for a quote that does not close, as a comma inside quotes leaves it.
fn operand(field: &str, value: &str) -> Option<Operand> {
    let text = |text: &str| Operand::Text(text.to_owned());
    if let Some(quoted) = unquoted(value) {
        return Some(text(quoted));
    }
    let is_id = value.len() == 24
        && value
            .chars()
            .all(|c| c.is_ascii_hexdigit());
    let is_foreign =
        (is_id && !holds_id(field)) || (!is_id && is_date(value) && !holds_time(field));
    match value {
        _ if value.starts_with('"') || value.ends_with('"') => None,
        "null" => Some(Operand::Null),
        "true" | "false" => Some(Operand::Flag(value == "true")),
        _ if is_foreign => Some(Operand::Foreign),
        _ if is_id || is_date(value) => Some(text(value)),
        _ => Some(
            value
                .parse()
                .map_or_else(|_| text(value), Operand::Number),
        ),
    }
}

fn is_date(value: &str) -> bool {
    let date = value.get(..10).unwrap_or_default();
    chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok()
        && matches!(value.as_bytes().get(10), None | Some(b'T' | b' '))
}

impl Condition {
    fn holds(&self, doc: &Value) -> bool {
        let order = self.order(at(doc, &self.field));
        match self.operator {
            "!=" => order != Some(Ordering::Equal),
            "<" => order == Some(Ordering::Less),
            ">" => order == Some(Ordering::Greater),
            "<=" => order.is_some_and(Ordering::is_le),
            ">=" => order.is_some_and(Ordering::is_ge),
            _ => order == Some(Ordering::Equal),
        }
    }

    /// How the document's value compares with the filter's; none where the types differ. What a
    /// pattern fits is equal to it.
    fn order(&self, value: Option<&Value>) -> Option<Ordering> {
        match (&self.operand, value) {
            (Operand::Null, None | Some(Value::Null)) => Some(Ordering::Equal),
            (Operand::Flag(wanted), Some(Value::Bool(there))) => Some(there.cmp(wanted)),
            (Operand::Number(wanted), Some(Value::Number(there))) => {
                there.as_f64()?.partial_cmp(wanted)
            }
            (Operand::Text(wanted), Some(Value::String(there))) => Some(there.as_str().cmp(wanted)),
            (Operand::Pattern(regex), Some(Value::String(there))) => regex
                .is_match(there)
                .then_some(Ordering::Equal),
            _ => None,
        }
    }
}

fn holds_id(field: &str) -> bool {
    let last = field
        .rsplit('.')
        .next()
        .unwrap_or_default();
    matches!(
        last,
        "_id" | "file_id" | "id" | "project" | "subject" | "session" | "acquisition" | "group"
    )
}

fn holds_time(field: &str) -> bool {
    matches!(field, "created" | "modified" | "timestamp")
}

/// The value at a dotted path.
fn at<'a>(doc: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(doc, |value, key| value.get(key))
}

fn compare(a: Option<&Value>, b: Option<&Value>, down: bool) -> Ordering {
    let order = match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a
            .as_f64()
            .partial_cmp(&b.as_f64())
            .unwrap_or(Ordering::Equal),
        (a, b) => a
            .and_then(Value::as_str)
            .cmp(&b.and_then(Value::as_str)),
    };
    if down { order.reverse() } else { order }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "0123456789abcdef01234567";

    fn labels(parameters: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let docs = ["w1", "123", "2020-01-01", ID, "a>=b"]
            .iter()
            .enumerate();
        let docs = docs.map(|(at, label)| json!({"_id": format!("{at:024x}"), "label": label, "session": ID, "n": at})).collect();
        let parameters = parameters
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let (_, docs) = select(docs, &parameters).map_err(|error| error.message().to_owned())?;
        Ok(docs
            .iter()
            .map(|doc| {
                doc["label"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect())
    }

    fn filtered(filter: &str) -> Result<usize, String> {
        labels(&[("filter", filter)]).map(|found| found.len())
    }

    #[test]
    fn bare_values_are_typed_and_quoted_ones_are_text() {
        assert_eq!(filtered("label=w1"), Ok(1));
        for label in ["123", "2020-01-01", ID] {
            assert_eq!(filtered(&format!("label={label}")), Ok(0), "{label}");
            assert_eq!(filtered(&format!("label=\"{label}\"")), Ok(1), "{label}");
        }
        assert_eq!(filtered("label=\"a>=b\""), Ok(1));
        assert_eq!(filtered(&format!("session={ID},n>1")), Ok(3));
        assert_eq!(filtered("nothing=x"), Ok(0));
        assert_eq!(filtered("label=~^w"), Ok(1));
    }

    #[test]
    fn invalid_parameters_are_refused() {
        for filter in ["label", "label=\"a,b\"", "label=~(", &"x".repeat(5000)] {
            assert!(filtered(filter).is_err(), "{filter}");
        }
        for (name, value) in [
            ("limit", "0"),
            ("limit", "x"),
            ("page", "2"),
            ("sort", "label:up"),
        ] {
            assert!(labels(&[(name, value)]).is_err(), "{name}={value}");
        }
    }

    #[test]
    fn lists_are_sorted_and_cut() {
        assert_eq!(
            labels(&[("sort", "n:desc"), ("limit", "1")]).unwrap(),
            ["a>=b"]
        );
        assert_eq!(labels(&[("page", "3"), ("limit", "2")]).unwrap(), ["a>=b"]);
        assert_eq!(
            labels(&[("after_id", "000000000000000000000000"), ("limit", "1")]).unwrap(),
            ["123"]
        );
    }
}
