//! What a profile does to images: areas that are blanked where a condition holds (`alter_pixels`),
//! what is blanked by device, and where text is looked for and what becomes of it
//! (`[dicom.pixels]`).
//!
//! Owns the filter language of the Python package `deid` (`when` of `alter_pixels`), as Flywheel's
//! engine reads it. What that engine reads in another way than it is written is refused: otherwise
//! an image could stay as it is unnoticed. `read` reads the sections.

use dicom_core::{Tag, VR};
use python_regex::PythonRegex;

use super::basic_profile::Confidentiality;
use super::selector::{hex, tag_of_number};
use super::tree::{Problem, named, shown};
use crate::standard;

/// The value of `blank` that is no list.
pub const OUTSIDE: &str = "outside-ultrasound-regions";

/// What is blanked in images.
#[derive(Debug, Clone)]
pub struct AlterPixels {
    /// The regions, in the order in which they apply.
    pub regions: Vec<Region>,
}

/// A rectangle that is blanked, or kept, where a condition holds.
#[derive(Debug, Clone)]
pub struct Region {
    /// When it counts.
    pub when: Condition,
    /// Whether what an earlier region blanks here comes back; else everything here is blanked.
    pub keep: bool,
    /// First column, first row, and the column and row behind the last. Negative numbers count from
    /// the far edge.
    pub corners: [i64; 4],
}

/// What becomes of images, beside what is blanked by regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelRules {
    /// Of one whose header says that it may show text, and that no region speaks of.
    pub burned_in: BurnedIn,
    /// Of one whose header says nothing of the kind.
    pub other_images: OtherImages,
    /// Whether what is likely text is blanked in those others too.
    pub blank_finds: bool,
    /// Of marks of orientation and scales: up to three letters by themselves.
    pub markers: Markers,
    /// Of series of which a face can be made.
    pub faces: Faces,
}

named! {
    /// What becomes of an image that may show text and that no region speaks of.
    pub enum BurnedIn {
        /// Text is looked for and blanked.
        Detect = "detect",
        /// Its file fails.
        Refuse = "refuse",
        /// It is sent unchanged.
        Keep = "keep",
    }
}

named! {
    /// What becomes of an image that is not expected to show text.
    pub enum OtherImages {
        /// Some frames are looked at. A find that another one confirms, or that is very plain, fails
        /// the file; others are told.
        Detect = "detect",
        /// It is sent unchanged.
        Keep = "keep",
    }
}

named! {
    /// What becomes of marks of orientation and scales.
    pub enum Markers {
        /// They stay.
        Keep = "keep",
        /// They are text like any other.
        Blank = "blank",
    }
}

named! {
    /// What becomes of series of which a face can be made.
    pub enum Faces {
        /// They are sent, which is told.
        Keep = "keep",
        /// Their files fail.
        Refuse = "refuse",
    }
}

impl PixelRules {
    /// What holds where the profile sets nothing of it.
    pub(super) fn default_for(confidentiality: Option<&Confidentiality>) -> Self {
        Self::default_with(BurnedIn::default_for(confidentiality))
    }

    /// What holds where the profile sets no more than this.
    pub(super) fn default_with(burned_in: BurnedIn) -> Self {
        Self {
            burned_in,
            other_images: match burned_in {
                BurnedIn::Detect => OtherImages::Detect,
                BurnedIn::Refuse | BurnedIn::Keep => OtherImages::Keep,
            },
            blank_finds: false,
            markers: Markers::Keep,
            faces: Faces::Keep,
        }
    }

    /// Whether text is looked for in images of any kind.
    pub fn looks_for_text(self) -> bool {
        self.burned_in == BurnedIn::Detect || self.other_images == OtherImages::Detect
    }
}

impl BurnedIn {
    /// What holds where the profile does not set it.
    pub(super) fn default_for(confidentiality: Option<&Confidentiality>) -> Self {
        match confidentiality {
            Some(_) => Self::Refuse,
            None => Self::Keep,
        }
    }
}

/// What is blanked in the images of one kind of device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRegions {
    /// What must hold of a file, all of it.
    pub when: Vec<RequiredAttribute>,
    /// What is blanked in it.
    pub blank: BlankedArea,
}

/// An attribute at the top of the data set and the values that it must have: this number of them,
/// in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct RequiredAttribute {
    /// The attribute.
    pub tag: Tag,
    /// Its values.
    pub values: Vec<RequiredValue>,
}

/// A value that an attribute must have.
#[derive(Debug, Clone, PartialEq)]
pub enum RequiredValue {
    /// This text, which is in lower case: case does not count, nor space around it.
    Text(String),
    /// This number, however it is written.
    Number(f64),
}

/// What is blanked in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlankedArea {
    /// These rectangles. An empty list states that nothing is burned in.
    Rectangles(Vec<Rectangle>),
    /// All that lies outside the regions of Sequence of Ultrasound Regions (0018,6011).
    OutsideUltrasoundRegions,
}

/// A rectangle in an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rectangle {
    /// The first column, from 0.
    pub x: u16,
    /// The first row, from 0.
    pub y: u16,
    /// The number of columns.
    pub width: u16,
    /// The number of rows.
    pub height: u16,
}

impl DeviceRegions {
    /// Whether anything is blanked where it applies.
    pub fn blanks(&self) -> bool {
        self.blank != BlankedArea::Rectangles(Vec::new())
    }
}

/// What must hold of a file: every line.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The lines.
    pub lines: Vec<ConditionLine>,
}

/// Tests in a row, taken from left to right without precedence.
#[derive(Debug, Clone)]
pub struct ConditionLine {
    /// The first test.
    pub first: AttributeTest,
    /// How each further one is joined to what stands before it.
    pub rest: Vec<(Conjunction, AttributeTest)>,
}

/// How two tests are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conjunction {
    /// Written `+`.
    And,
    /// Written `||`.
    Or,
}

/// One test of one attribute of the outermost data set.
#[derive(Debug, Clone)]
pub struct AttributeTest {
    /// The attribute.
    pub tag: Tag,
    /// Whether it was named by its number, which looks at the element and not at its value.
    pub by_number: bool,
    /// Whether the opposite is wanted.
    pub negated: bool,
    /// What is tested.
    pub kind: TestKind,
}

/// What is tested. Case never counts.
#[derive(Debug, Clone)]
pub enum TestKind {
    /// The expression is found in the value.
    Contains(PythonRegex),
    /// The value is this text, which is in lower case.
    Equals(String),
    /// There is no such element.
    Missing,
    /// The element is there and has nothing in it.
    Empty,
}

/// The words that begin a test.
const WORDS: [&str; 7] = [
    "contains",
    "notcontains",
    "equals",
    "notequals",
    "missing",
    "present",
    "empty",
];

impl Condition {
    /// Reads the text of `when`.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let text = text
            .replace("\r\n", "\n")
            .replace('\r', "\n");
        let mut lines: Vec<ConditionLine> = Vec::new();
        for (number, line) in text
            .split('\n')
            .enumerate()
            .map(|(at, line)| (at + 1, strip(line)))
            .filter(|(_, l)| !l.is_empty())
        {
            let at = |mut error: Problem| {
                error.message = format!("`when`, line {number}: {}", error.message);
                error
            };
            let bare = match line.strip_prefix("||") {
                Some(_) if !lines.is_empty() => return Err(at(leading_or())),
                Some(after) => strip(after),
                None => strip(
                    line.strip_prefix('+')
                        .unwrap_or(line),
                ),
            };
            if !bare.starts_with('#') {
                lines.push(ConditionLine::parse(bare).map_err(at)?);
            }
        }
        if lines.is_empty() {
            let hint = "for every image, write a condition that always holds, such as `present \
                SOPInstanceUID`";
            return Err(Problem::new("`when` holds no condition").with_hint(hint));
        }
        Ok(Self { lines })
    }
}

fn leading_or() -> Problem {
    Problem::new(
        "a line that begins with `||` is not an alternative: Flywheel's engine wants \
        every line to hold",
    )
    .with_hint(
        "write the alternatives on one line (`equals A x || equals B y`), or as \
            entries of their own",
    )
}

impl ConditionLine {
    fn parse(line: &str) -> Result<Self, Problem> {
        no_other_statement(line)?;
        let (first, mut next) = first_of(line);
        let first = AttributeTest::parse(first)?;
        let mut rest = Vec::new();
        while let Some((join, text)) = next {
            let (this, after) = first_of(strip(text));
            rest.push((join, AttributeTest::parse(this)?));
            next = after;
        }
        let line = Self { first, rest };
        line.values_belong_to_their_tests()?;
        Ok(line)
    }

    /// The engine assigns the values of a line from the left, whether a test takes one or not.
    fn values_belong_to_their_tests(&self) -> Result<(), Problem> {
        let takes_value =
            |test: &AttributeTest| matches!(test.kind, TestKind::Contains(_) | TestKind::Equals(_));
        let mut without = !takes_value(&self.first);
        for (_, test) in &self.rest {
            if without && takes_value(test) {
                let why = "on one line, Flywheel's engine mixes up values where `missing`, \
                    `present` or `empty` come first";
                return Err(Problem::new(why).with_hint(
                    "put the tests with values first, or each test on a line of its own",
                ));
            }
            without |= !takes_value(test);
        }
        Ok(())
    }
}

/// What a recipe may hold at the start of a line besides tests, and what `when` has no room for.
fn no_other_statement(line: &str) -> Result<(), Problem> {
    let lower = line.to_lowercase();
    if [
        "coordinates",
        "keepcoordinates",
        "ctpcoordinates",
        "ctpkeepcoordinates",
    ]
    .iter()
    .any(|word| lower.starts_with(word))
    {
        let hint = "say it with `remove` or `keep` of the entry";
        return Err(Problem::new("coordinates cannot be given in `when`").with_hint(hint));
    }
    if !WORDS
        .iter()
        .any(|word| lower.starts_with(word))
    {
        return Err(unknown_word(line));
    }
    Ok(())
}

fn unknown_word(text: &str) -> Problem {
    let word = text
        .split(' ')
        .next()
        .unwrap_or_default();
    Problem::new(format!("`{}` is no test", shown(word)))
        .with_hint(format!("tests begin with {}", WORDS.join(", ")))
}

/// The text up to the first `+` or `||`, and what follows it, if that holds a test; else all of it.
fn first_of(text: &str) -> (&str, Option<(Conjunction, &str)>) {
    let (and, or) = (text.find('+'), text.find("||"));
    let (at, len, join) = match (and, or) {
        (None, None) => return (text, None),
        (Some(and), or) if or.is_none_or(|or| or >= and) => (and, 1, Conjunction::And),
        (_, or) => (or.unwrap_or_default(), 2, Conjunction::Or),
    };
    let (before, after) = (
        text.get(..at).unwrap_or_default(),
        text.get(at + len..)
            .unwrap_or_default(),
    );
    if WORDS
        .iter()
        .any(|word| after.contains(word))
    {
        (before, Some((join, after)))
    } else {
        (text, None)
    }
}

impl AttributeTest {
    fn parse(text: &str) -> Result<Self, Problem> {
        let (word, operands) = text
            .split_once(' ')
            .ok_or_else(|| incomplete(text))?;
        let word = word.to_lowercase();
        if !WORDS.contains(&word.as_str()) {
            return Err(unknown_word(text));
        }
        let negated = word.starts_with("not") || word == "present";
        if matches!(word.as_str(), "missing" | "present" | "empty") {
            let (tag, by_number) = field(strip(operands))?;
            let kind = if word == "empty" {
                TestKind::Empty
            } else {
                TestKind::Missing
            };
            return Ok(Self {
                tag,
                by_number,
                negated,
                kind,
            });
        }
        let (name, value) = operands
            .split_once(' ')
            .ok_or_else(|| incomplete(text))?;
        let (tag, by_number) = field(strip(name))?;
        if by_number {
            let why = "a value cannot be looked at by number: Flywheel's engine looks at a \
                description of the element instead";
            return Err(Problem::new(why).with_hint("name the attribute by its keyword"));
        }
        has_text(tag)?;
        let value = strip(value);
        if value.is_empty() {
            return Err(incomplete(text));
        }
        let kind = value_test(word.ends_with("contains"), value)?;
        Ok(Self {
            tag,
            by_number,
            negated,
            kind,
        })
    }
}

fn incomplete(text: &str) -> Problem {
    Problem::new(format!("`{}` is not complete", shown(text))).with_hint(
        "it reads `contains KEYWORD REGEX`, `equals KEYWORD VALUE`, `missing KEYWORD` and so on, \
            with one space between",
    )
}

/// The attribute that a test names.
fn field(name: &str) -> Result<(Tag, bool), Problem> {
    if let Some(digits) = name.strip_prefix("0x") {
        let number = hex(digits, 8).ok_or_else(|| {
            Problem::new(format!("`{}` is no tag", shown(name))).with_hint("write 0xGGGGEEEE")
        })?;
        return Ok((in_data_set(tag_of_number(number))?, true));
    }
    if let Some(tag) = standard::tag_of_keyword(name) {
        return Ok((in_data_set(tag)?, false));
    }
    Err(Problem::no_attribute(
        name,
        "write a keyword, or 0xGGGGEEEE with `missing`, `present` or `empty`",
    ))
}

fn in_data_set(tag: Tag) -> Result<Tag, Problem> {
    if tag.group() == 0x0002 {
        let why = format!(
            "{} belongs to the file meta information, which conditions do not see",
            standard::name_of(tag)
        );
        return Err(Problem::new(why).with_hint("name an attribute of the data set"));
    }
    Ok(tag)
}

fn has_text(tag: Tag) -> Result<(), Problem> {
    use VR::{AT, OB, OD, OF, OL, OV, OW, SQ, UN};
    match standard::vr(tag) {
        Some(AT | SQ | OB | OD | OF | OL | OV | OW | UN) | None => {
            let why = format!(
                "{} has no text or number that could be compared",
                standard::name_of(tag)
            );
            Err(Problem::new(why).with_hint("ask for `present`, `missing` or `empty`"))
        }
        Some(_) => Ok(()),
    }
}

fn value_test(contains: bool, value: &str) -> Result<TestKind, Problem> {
    if hides_a_test(value) {
        return Err(
            Problem::new("a test within a line must be written in lower case")
                .with_hint("write `+ contains ...`"),
        );
    }
    let lower = value.to_lowercase();
    if !contains {
        return Ok(TestKind::Equals(strip(&lower).to_owned()));
    }
    if let Some(part) = changed_by_lower_case(value) {
        let why = format!(
            "Flywheel's engine puts the expression into lower case, which changes what `{part}` \
                means"
        );
        return Err(Problem::new(why)
            .with_hint("write a class such as `[^0-9]` or `[^ ]`; case never counts anyway"));
    }
    PythonRegex::new(strip(&lower))
        .map(TestKind::Contains)
        .map_err(|why| Problem::new(format!("the expression: {why}")))
}

/// Whether a `+` or `||` in a value is followed by a test in capitals, which the engine would take
/// as part of the value.
fn hides_a_test(value: &str) -> bool {
    let begins_test = |after: &str| {
        let word = strip(after)
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_lowercase();
        strip(after).contains(' ') && WORDS.contains(&word.as_str())
    };
    ["+", "||"].iter().any(|operator| {
        value
            .split(operator)
            .skip(1)
            .any(begins_test)
    })
}

/// The first escape or group of an expression that means something else in lower case.
fn changed_by_lower_case(expression: &str) -> Option<String> {
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        if c == '\\'
            && let Some(next) = chars
                .next()
                .filter(char::is_ascii_uppercase)
        {
            return Some(format!("\\{next}"));
        }
    }
    expression
        .contains("(?P")
        .then(|| "(?P".to_owned())
}

/// Text without the white space around it, as Python's `strip` sees it.
fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}
