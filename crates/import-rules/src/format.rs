//! Python's format notation: `03`, `>8`, `.2f`. Refused when it is read where no value could take
//! it, and an error of the file where its value cannot.

use super::refusal::Refusal;
use super::value::{Value, float_text};

/// The most characters that a format may ask for.
const WIDEST: usize = 1000;

/// How a value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    alternate: bool,
    zero: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// A format that does not fit the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DoesNotFit;

impl Format {
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let chars: Vec<char> = text.chars().collect();
        let mut reader = Reader { chars, at: 0 };
        let align = |c: Option<char>| c.filter(|c| "<>=^".contains(*c));
        let mut format = Self {
            fill: None,
            align: None,
            sign: None,
            alternate: false,
            zero: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        };
        if let Some(found) = align(reader.ahead(1)) {
            format.fill = reader.ahead(0);
            format.align = Some(found);
            reader.at += 2;
        } else if let Some(found) = align(reader.ahead(0)) {
            format.align = Some(found);
            reader.at += 1;
        }
        format.sign = reader.one_of("+- ");
        format.alternate = reader.one_of("#").is_some();
        format.zero = reader.one_of("0").is_some();
        format.width = reader.number()?.unwrap_or_default();
        format.grouping = reader.one_of(",_");
        if reader.one_of(".").is_some() {
            let precision = reader.number()?;
            format.precision =
                Some(precision.ok_or_else(|| Refusal::new("a format's `.` needs a number"))?);
        }
        format.kind = reader.one_of("bcdeEfFgGnosxX%");
        if reader.at < reader.chars.len() {
            return Err(Refusal::new("the format of a field is not one of Python's")
                .with_hint("such as `03`, `>8`, `.3` or `.2f`"));
        }
        Ok(format)
    }

    /// The value written so.
    pub fn apply(&self, value: &Value) -> Result<String, DoesNotFit> {
        match value {
            Value::Text(text) => self.of_text(text),
            Value::Integer(number) => self.of_integer(*number),
            Value::Bool(flag) if self.kind.is_some() => self.of_integer(i64::from(*flag)),
            Value::Float(number) => self.of_float(*number),
            _ => Err(DoesNotFit),
        }
    }

    fn of_text(&self, text: &str) -> Result<String, DoesNotFit> {
        let unfit = self.sign.is_some() || self.alternate || self.grouping.is_some();
        if unfit || !matches!(self.kind, None | Some('s')) || self.align == Some('=') {
            return Err(DoesNotFit);
        }
        let cut: String = match self.precision {
            Some(most) => text.chars().take(most).collect(),
            None => text.to_owned(),
        };
        let fill = self
            .fill
            .unwrap_or(if self.zero { '0' } else { ' ' });
        Ok(self.padded("", &cut, fill, self.align.unwrap_or('<')))
    }

    fn of_integer(&self, number: i64) -> Result<String, DoesNotFit> {
        let positive = number.unsigned_abs();
        let (prefix, digits) = match self.kind {
            None | Some('d' | 'n') => ("", positive.to_string()),
            Some('b') => ("0b", format!("{positive:b}")),
            Some('o') => ("0o", format!("{positive:o}")),
            Some('x') => ("0x", format!("{positive:x}")),
            Some('X') => ("0X", format!("{positive:X}")),
            Some('c' | 's') => return Err(DoesNotFit),
            // Labels hold no numbers of that size.
            #[allow(clippy::cast_precision_loss)]
            Some(_) => return self.of_float(number as f64),
        };
        if self.precision.is_some() {
            return Err(DoesNotFit);
        }
        let step = if matches!(self.kind, Some('b' | 'o' | 'x' | 'X')) {
            4
        } else {
            3
        };
        let digits = match self.grouping {
            Some(',') if step == 4 => return Err(DoesNotFit),
            Some(mark) => grouped(&digits, mark, step),
            None => digits,
        };
        let prefix = if self.alternate { prefix } else { "" };
        Ok(self.numeric(number < 0, prefix, &digits))
    }

    fn of_float(&self, number: f64) -> Result<String, DoesNotFit> {
        if !number.is_finite() {
            return Err(DoesNotFit);
        }
        let positive = number.abs();
        let precision = self.precision.unwrap_or(6);
        let (text, tail) = match self.kind {
            None => match self.precision {
                None => (float_text(positive), ""),
                Some(precision) => (general(positive, precision, true), ""),
            },
            Some('f' | 'F') => (format!("{positive:.precision$}"), ""),
            Some('%') => (format!("{:.precision$}", positive * 100.0), "%"),
            Some('e') => (exponential(positive, precision), ""),
            Some('E') => (exponential(positive, precision).to_uppercase(), ""),
            Some('g' | 'n') => (general(positive, precision, false), ""),
            Some('G') => (general(positive, precision, false).to_uppercase(), ""),
            Some(_) => return Err(DoesNotFit),
        };
        let text = match (self.grouping, text.split_once('.')) {
            (Some(mark), Some((whole, rest))) => format!("{}.{rest}", grouped(whole, mark, 3)),
            (Some(mark), None)
                if text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit()) =>
            {
                grouped(&text, mark, 3)
            }
            _ => text,
        };
        let negative = number.is_sign_negative() && number != 0.0;
        Ok(self.numeric(negative, "", &format!("{text}{tail}")))
    }

    fn numeric(&self, negative: bool, prefix: &str, digits: &str) -> String {
        let sign = match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            _ => "",
        };
        let (fill, align) = match (self.align, self.zero) {
            (None, true) => ('0', '='),
            (align, zero) => (if zero { '0' } else { ' ' }, align.unwrap_or('>')),
        };
        self.padded(
            &format!("{sign}{prefix}"),
            digits,
            self.fill.unwrap_or(fill),
            align,
        )
    }

    /// With `head` before what is padded where the filling goes in between.
    fn padded(&self, head: &str, text: &str, fill: char, align: char) -> String {
        let missing = self
            .width
            .saturating_sub(head.chars().count() + text.chars().count());
        let filling = |count: usize| fill.to_string().repeat(count);
        match align {
            '<' => format!("{head}{text}{}", filling(missing)),
            '^' => format!(
                "{}{head}{text}{}",
                filling(missing / 2),
                filling(missing - missing / 2)
            ),
            '=' => format!("{head}{}{text}", filling(missing)),
            _ => format!("{}{head}{text}", filling(missing)),
        }
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn ahead(&self, by: usize) -> Option<char> {
        self.chars
            .get(self.at + by)
            .copied()
    }

    fn one_of(&mut self, wanted: &str) -> Option<char> {
        let found = self
            .ahead(0)
            .filter(|c| wanted.contains(*c));
        self.at += usize::from(found.is_some());
        found
    }

    fn number(&mut self) -> Result<Option<usize>, Refusal> {
        let mut digits = String::new();
        while let Some(digit) = self.one_of("0123456789") {
            digits.push(digit);
        }
        if digits.is_empty() {
            return Ok(None);
        }
        let number = digits
            .parse()
            .ok()
            .filter(|number| *number <= WIDEST);
        number
            .map(Some)
            .ok_or_else(|| Refusal::new(format!("a format asks for more than {WIDEST} characters")))
    }
}

fn grouped(digits: &str, mark: char, step: usize) -> String {
    let count = digits.len();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (count - index).is_multiple_of(step) {
            out.push(mark);
        }
        out.push(digit);
    }
    out
}

fn exponential(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text
        .split_once('e')
        .unwrap_or((text.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Python's `g`; as a float's own form it keeps a point.
fn general(number: f64, precision: usize, keep_point: bool) -> String {
    let precision = precision.max(1);
    let scientific = format!("{number:.*e}", precision - 1);
    let exponent: i32 = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or_default();
    let digits = i32::try_from(precision).unwrap_or(i32::MAX);
    let stripped = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0')
                .trim_end_matches('.')
                .to_owned()
        } else {
            text.to_owned()
        }
    };
    let most = if keep_point { digits - 1 } else { digits };
    if exponent < -4 || exponent >= most.max(i32::from(keep_point)) {
        let text = exponential(number, precision - 1);
        let (mantissa, exponent) = text
            .split_once('e')
            .unwrap_or((text.as_str(), "+00"));
        return format!("{}e{exponent}", stripped(mantissa));
    }
    let decimals = usize::try_from(digits - 1 - exponent).unwrap_or_default();
    let text = stripped(&format!("{number:.decimals$}"));
    if keep_point && !text.contains('.') {
        format!("{text}.0")
    } else {
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        let text = |text: &str| Value::text(text);
        let (n, f) = (Value::Integer, Value::Float);
        for (value, format, expected) in [
            (text("MRN-77"), ".3", "MRN"),
            (text("MRN-77"), ">8", "  MRN-77"),
            (text("5"), "03", "500"),
            (text("MRN-77"), "*^10.3", "***MRN****"),
            (text("MRN-77"), ">2", "MRN-77"),
            (text("MRN-77"), "é>9", "éééMRN-77"),
            (n(5), "03", "005"),
            (n(-5), "05", "-0005"),
            (n(-5), "=5", "-   5"),
            (n(5), "#x", "0x5"),
            (n(1_234_567), ",", "1,234,567"),
            (n(255), "_b", "1111_1111"),
            (n(5), ".2f", "5.00"),
            (n(5), "%", "500.000000%"),
            (n(5), "+d", "+5"),
            (f(1.5), ".0f", "2"),
            (f(1.5), "08.3f", "0001.500"),
            (f(1.5), "e", "1.500000e+00"),
            (f(1.5), "g", "1.5"),
            (f(1_234_567.0), "g", "1.23457e+06"),
            (f(100.0), ".2", "1e+02"),
            (f(10.0), ".3", "10.0"),
            (f(70.0), "", "70.0"),
        ] {
            assert_eq!(
                Format::parse(format)
                    .unwrap()
                    .apply(&value)
                    .unwrap(),
                expected,
                "{format}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for (value, format) in [
            (Value::text("a"), "d"),
            (Value::text("a"), "+"),
            (Value::text("a"), "=9"),
            (Value::Integer(5), ".2"),
            (Value::Integer(5), "s"),
            (Value::Float(1.5), "d"),
            (Value::List(Vec::new()), ">9"),
        ] {
            assert_eq!(
                Format::parse(format)
                    .unwrap()
                    .apply(&value),
                Err(DoesNotFit),
                "{format}"
            );
        }
        for format in ["%Y", "a-z", ".x", ">99999", "03q"] {
            assert!(Format::parse(format).is_err(), "{format}");
        }
    }
}
