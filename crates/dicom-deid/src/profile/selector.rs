//! Which elements a rule addresses.

use std::fmt;

use dicom_core::Tag;

use super::tree::{Problem, shown};
use crate::standard;
use python_regex::PythonRegex;

/// The elements that a rule addresses.
#[derive(Debug, Clone)]
pub enum Selector {
    /// One attribute, public or private by its absolute number.
    Tag(Tag),
    /// A private element by its creator (PS3.5 section 7.8.1), in whatever block the creator has.
    Private {
        /// The odd group.
        group: u16,
        /// The private creator, compared exactly.
        creator: String,
        /// The last two digits of the element number.
        element: u8,
    },
    /// An attribute inside sequence items.
    Path(SequencePath),
    /// An attribute of all groups 50xx or 60xx.
    Repeater {
        /// 0x5000 or 0x6000.
        group: u16,
        /// The element number.
        element: u16,
    },
    /// All attributes whose path matches.
    Regex(PythonRegex),
}

/// A way into sequences: from the data set's sequence down to an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequencePath {
    /// Each sequence with the item to enter.
    pub sequences: Vec<(Tag, ItemChoice)>,
    /// The attribute in the innermost item.
    pub leaf: Tag,
}

/// Which items of a sequence a path enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemChoice {
    /// The item with this number, from 0.
    At(usize),
    /// Every item that exists.
    Every,
}

/// No sequence of a real file has more items; a path beyond would create them all.
const LARGEST_INDEX: usize = 9_999;

impl Selector {
    /// Reads a `name`. The error says what is wrong, and what may have been meant.
    pub(super) fn parse(written: &str) -> Result<Self, Problem> {
        let text = written.trim();
        if text.is_empty() {
            return Err(Problem::new("an empty `name` addresses nothing"));
        }
        if let Some(inside) = text.strip_prefix('(') {
            return bracketed(inside, text);
        }
        if let Some(repeater) = repeater(text) {
            return Ok(repeater);
        }
        if text.contains('.') {
            return Ok(Self::Path(path(text)?));
        }
        attribute(text).map(Self::Tag)
    }

    /// The one attribute it addresses, if it is one without a path.
    pub fn tag(&self) -> Option<Tag> {
        match self {
            Self::Tag(tag) => Some(*tag),
            _ => None,
        }
    }

    /// The attribute that is acted on in the end, where that is certain.
    pub fn leaf(&self) -> Option<Tag> {
        match self {
            Self::Tag(tag) | Self::Path(SequencePath { leaf: tag, .. }) => Some(*tag),
            Self::Repeater { group, element } => Some(Tag(*group, *element)),
            Self::Private { .. } | Self::Regex(_) => None,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.write_str(&plain(*tag)),
            Self::Private {
                group,
                creator,
                element,
            } => {
                write!(f, "({group:04X},\"{}\",{element:02X})", shown(creator))
            }
            Self::Path(path) => {
                for (sequence, item) in &path.sequences {
                    match item {
                        ItemChoice::At(index) => write!(f, "{}.{index}.", plain(*sequence))?,
                        ItemChoice::Every => write!(f, "{}.*.", plain(*sequence))?,
                    }
                }
                f.write_str(&plain(path.leaf))
            }
            Self::Repeater { group, element } => write!(f, "{:02X}xx{element:04X}", group >> 8),
            Self::Regex(regex) => write!(f, "regex {}", shown(regex.as_str())),
        }
    }
}

/// The keyword, else eight hex digits.
fn plain(tag: Tag) -> String {
    standard::keyword(tag).map_or_else(
        || format!("{:04X}{:04X}", tag.group(), tag.element()),
        str::to_owned,
    )
}

/// Forms in brackets: `(0010,0010)`, `(60xx,3000)`, `(0009,"CREATOR",01)`. What follows the bracket
/// does not count.
fn bracketed(inside: &str, text: &str) -> Result<Selector, Problem> {
    let forms = "write (gggg,eeee), or (gggg,\"CREATOR\",ee) for a private element";
    let wrong = || Problem::new(format!("`{}` is no tag", shown(text))).with_hint(forms);
    let (inside, _) = inside
        .split_once(')')
        .ok_or_else(wrong)?;
    let (group, rest) = inside
        .split_once(',')
        .ok_or_else(wrong)?;
    let (group, rest) = (group.trim(), rest.trim());
    if let Some((creator, element)) = rest.rsplit_once(',') {
        return private(group, creator.trim(), element.trim()).ok_or_else(wrong)?;
    }
    if let Some(repeater) = repeater(&format!("{group}{rest}")) {
        return Ok(repeater);
    }
    let (group, element) = (
        hex(group, 4).ok_or_else(wrong)?,
        hex(rest, 4).ok_or_else(wrong)?,
    );
    usable(Tag(low(group), low(element))).map(Selector::Tag)
}

fn private(group: &str, creator: &str, element: &str) -> Option<Result<Selector, Problem>> {
    let group = low(hex(group, 4)?);
    let element = u8::try_from(hex(element, 2)?).ok()?;
    let unquoted = |quote| {
        creator
            .strip_prefix(quote)
            .and_then(|rest: &str| rest.strip_suffix(quote))
    };
    let creator = unquoted('"')
        .or_else(|| unquoted('\''))
        .unwrap_or(creator)
        .trim_end();
    if creator.is_empty()
        || creator.chars().count() > 64
        || creator.contains(['\\', '"', '\'', '(', '[', ']'])
    {
        return None;
    }
    if group.is_multiple_of(2) {
        return Some(Err(Problem::new(format!(
            "group {group:04X} is not private: private groups are odd"
        ))));
    }
    Some(Ok(Selector::Private {
        group,
        creator: creator.to_owned(),
        element,
    }))
}

/// `60XX3000`, `0x50xx0010`: the groups that repeat.
fn repeater(text: &str) -> Option<Selector> {
    let digits = without_0x(text);
    let (group, rest) = digits.split_at_checked(2)?;
    let (open, element) = rest.split_at_checked(2)?;
    if !open.eq_ignore_ascii_case("xx") || !matches!(group, "50" | "60") {
        return None;
    }
    let group = low(hex(group, 2)?) << 8;
    Some(Selector::Repeater {
        group,
        element: low(hex(element, 4)?),
    })
}

/// A keyword or eight hex digits.
fn attribute(text: &str) -> Result<Tag, Problem> {
    if let Some(number) = hex(without_0x(text), 8) {
        return usable(tag_of_number(number));
    }
    if let Some((tag, _)) = standard::tag_of_keyword_any_case(text) {
        return Ok(tag);
    }
    Err(Problem::no_attribute(
        text,
        "write a keyword, eight hex digits, (gggg,eeee) or (gggg,\"CREATOR\",ee)",
    ))
}

fn path(text: &str) -> Result<SequencePath, Problem> {
    let mut words = text.split('.').peekable();
    let mut sequences = Vec::new();
    loop {
        let tag = attribute(words.next().unwrap_or_default())?;
        if sequences.len() > 60 {
            return Err(Problem::new("the path is too long"));
        }
        if tag.group() == 0x0002 {
            return Err(Problem::new("file meta information has no place in a path"));
        }
        let Some(item) = words.next() else {
            return Ok(SequencePath {
                sequences,
                leaf: tag,
            });
        };
        let item = match item {
            "*" => ItemChoice::Every,
            number => match number.parse() {
                Ok(index) if index <= LARGEST_INDEX => ItemChoice::At(index),
                _ => {
                    return Err(Problem::new(format!(
                        "`{}` is neither an item number nor `*`",
                        shown(number)
                    )));
                }
            },
        };
        sequences.push((tag, item));
        if words.peek().is_none() {
            return Err(Problem::new(
                "a path must end in an attribute, not in an item number",
            ));
        }
    }
}

/// The tag that an integer stands for.
pub fn tag_of_number(number: u32) -> Tag {
    Tag(low(number >> 16), low(number & 0xFFFF))
}

/// Delimiters are no attributes.
fn usable(tag: Tag) -> Result<Tag, Problem> {
    if tag.group() == 0xFFFE || tag.group() == 0 {
        return Err(Problem::new(format!("{tag} is no attribute of a data set")));
    }
    Ok(tag)
}

fn without_0x(text: &str) -> &str {
    text.strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text)
}

/// A number of exactly this number of hex digits.
pub fn hex(text: &str, digits: usize) -> Option<u32> {
    let good = text.len() == digits
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit());
    if good {
        u32::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

#[allow(clippy::cast_possible_truncation)] // Callers pass at most 16 bits.
fn low(number: u32) -> u16 {
    (number & 0xFFFF) as u16
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> String {
        Selector::parse(text)
            .unwrap_or_else(|error| panic!("{text}: {}", error.message))
            .to_string()
    }

    #[test]
    fn every_form_is_understood() {
        for (written, meant) in [
            ("PatientName", "PatientName"),
            ("patientid", "PatientID"),
            ("00100010", "PatientName"),
            ("0x00100010", "PatientName"),
            ("( 0010 , 0010 )", "PatientName"),
            ("(0010,0010) Patient's Name", "PatientName"),
            ("00091001", "00091001"),
            ("(0009,1001)", "00091001"),
            ("(0009, \"GEMS_IDEN_01\", 01)", "(0009,\"GEMS_IDEN_01\",01)"),
            (
                "(0019, SIEMENS MR HEADER, 0c)",
                "(0019,\"SIEMENS MR HEADER\",0C)",
            ),
            (
                "RequestAttributesSequence.0.AccessionNumber",
                "RequestAttributesSequence.0.AccessionNumber",
            ),
            (
                "00400275.*.00080050",
                "RequestAttributesSequence.*.AccessionNumber",
            ),
            ("60XX3000", "60xx3000"),
            ("(60xx,3000)", "60xx3000"),
            ("0x50XX0010", "50xx0010"),
        ] {
            assert_eq!(canonical(written), meant, "{written}");
            assert_eq!(
                canonical(&canonical(written)),
                meant,
                "{written} does not round-trip"
            );
        }
    }

    /// Any selector but a regular expression, as it could be written.
    fn written() -> impl Strategy<Value = String> {
        let tag = || (1_u16..0xFFFE, any::<u16>()).prop_map(|(group, element)| (group, element));
        let plain = tag().prop_map(|(group, element)| format!("{group:04x}{element:04X}"));
        let bracketed =
            tag().prop_map(|(group, element)| format!("( {group:04X} ,{element:04x} ) text"));
        let private = (
            "[A-Za-z0-9_ .:-]{0,20}[A-Za-z0-9]",
            0_u16..0x7FFE,
            any::<u8>(),
        )
            .prop_map(|(creator, group, element)| {
                format!("({:04X}, \"{creator}\", {element:02x})", group * 2 + 1)
            });
        let step = (
            tag(),
            prop_oneof![
                Just("*".to_owned()),
                (0_u16..500).prop_map(|index| index.to_string())
            ],
        )
            .prop_map(|((group, element), item)| {
                format!("{:04x}{element:04x}.{item}", group.max(3))
            });
        let path = (
            prop::collection::vec(step, 1..5),
            prop_oneof![Just("PatientID"), Just("00091001"), Just("60003000")],
        )
            .prop_map(|(steps, leaf)| format!("{}.{leaf}", steps.join(".")));
        let repeater = (prop_oneof![Just("50"), Just("60")], any::<u16>())
            .prop_map(|(group, element)| format!("{group}xx{element:04x}"));
        prop_oneof![plain, bracketed, private, path, repeater]
    }

    proptest! {
        #[test]
        fn selectors_round_trip(text in written()) {
            let selector = Selector::parse(&text).map_err(|error| TestCaseError::fail(error.message))?;
            let again = Selector::parse(&selector.to_string()).map_err(|error| TestCaseError::fail(error.message))?;
            prop_assert_eq!(format!("{again:?}"), format!("{selector:?}"));
        }

        #[test]
        fn any_text_is_a_selector_or_an_error(text in any::<String>()) {
            if let Ok(selector) = Selector::parse(&text) {
                prop_assert!(!selector.to_string().is_empty());
            }
        }
    }

    #[test]
    fn wrong_ones_are_refused_with_a_suggestion() {
        for wrong in [
            "",
            "0009xx01",
            "(0009,xx01)",
            "10,10",
            "Patient Name",
            "OverlayData",
            "OtherPatientIDsSequence.0",
            "OtherPatientIDsSequence.x.PatientID",
            "(0008,\"X\",01)",
            "(0009,\"X\",001)",
            "(0009,\"a\\b\",01)",
            "(",
            "(,)",
            "70xx3000",
            "FFFEE000",
            "00000000",
            "é",
            "(0009,\"\",01)",
            "OtherPatientIDsSequence.99999999.PatientID",
            "5é",
            "50é1",
        ] {
            assert!(Selector::parse(wrong).is_err(), "{wrong}");
        }
        let error = Selector::parse("PatientsName").unwrap_err();
        assert_eq!(error.hint.as_deref(), Some("did you mean `PatientName`?"));
    }
}
