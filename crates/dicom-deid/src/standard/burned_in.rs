//! Which instances may show text in their picture, as their header shows. Data and its reading only:
//! pixels are looked at elsewhere, and what is done with such an instance is not decided here.

use std::sync::OnceLock;

use dicom_core::Tag;
use dicom_dictionary_std::tags::{BURNED_IN_ANNOTATION, SOP_CLASS_UID};

use super::dictionary::tag_of_keyword;
use super::iod_types::{Iod, is_asked_for_beside};

/// Effect, reason, test, keywords, value. The first row that applies decides.
const TABLE: &str = include_str!("burned-in-risk.csv");

/// The reason of rules that exempt what has no picture at all.
const NO_PICTURE: &str = "no-picture";

/// Reasons that all but state that there is text: where none is found, it was missed.
const TEXT_IS_SURE: [&str; 10] = [
    "burned-in-yes",
    "digitized-film",
    "dose-screen",
    "encapsulated-document",
    "patient-protocol",
    "printed-film",
    "report-screen",
    "scanned-document",
    "screen-save",
    "slide-label",
];

/// Modules in which Burned In Annotation is YES or NO. In all others that ask for it NO is the only
/// value (PS3.3, annex C), and `dciodvfy` of dicom3tools takes no other.
const YES_IS_KNOWN: [&str; 5] = [
    "dx-image",
    "encapsulated-document",
    "ophthalmic-photography-image",
    "sc-multi-frame-image",
    "whole-slide-microscopy-image",
];

/// Whether an IOD asks for Burned In Annotation and has NO as its only value.
pub fn knows_no_alone(iod: Iod) -> bool {
    is_asked_for_beside(iod, BURNED_IN_ANNOTATION, &YES_IS_KNOWN)
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BurnedInRule {
    /// Why, in a word: `ultrasound`, `secondary-capture`, `dose-screen`...
    pub reason: &'static str,
    /// The attribute that it is about.
    pub tag: Tag,
    /// What one of the attribute's values has to be.
    pub test: Test,
    /// What follows where it applies.
    pub effect: RuleEffect,
}

/// What follows where a rule applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEffect {
    /// The picture may well show text.
    Risk,
    /// It may show text, though too seldom to refuse it unseen.
    Look,
    /// It is not expected to show any, whatever the rules behind this one say.
    Exempt,
}

/// What the header tells of an instance's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureClass {
    /// Its class has none.
    NoPicture,
    /// It may show text, by this rule.
    Risky(&'static BurnedInRule),
    /// No rule speaks for text.
    Other {
        /// Whether Burned In Annotation (0028,0301) is NO.
        stated_no: bool,
    },
}

/// What a value has to be for a rule to apply. Values are compared without regard to case and to
/// space around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// The SOP class is this one, or below it: `1.2.840.10008.5.1.4.1.1.7` has
    /// `1.2.840.10008.5.1.4.1.1.7.1` below it.
    SopClass(&'static str),
    /// It is this one.
    Value(&'static str),
    /// It has these words in it, one behind the other, which stand here without what is between
    /// them: `DOSE INFO` is in `DOSE_INFO`, in `doseinfo 2` and in `DOSE INFOS`, and not in
    /// `LOW_DOSE INFORMED`.
    Words(String),
    /// It is there, whichever.
    Present,
}

impl BurnedInRule {
    /// Whether a look that finds nothing is taken for a miss, not for a picture without text.
    pub fn needs_a_find(&self) -> bool {
        TEXT_IS_SURE.contains(&self.reason)
    }

    /// Whether a picture that cannot be looked at is refused.
    pub fn is_refused_unseen(&self) -> bool {
        self.effect == RuleEffect::Risk
    }

    /// Whether it applies where its attribute has these values.
    fn applies(&self, values: &[Comparable]) -> bool {
        values
            .iter()
            .any(|value| match &self.test {
                Test::SopClass(class) => value
                    .text
                    .strip_prefix(class)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
                Test::Value(wanted) => value.text == *wanted,
                Test::Words(joined) => value.has_words(joined),
                Test::Present => !value.text.is_empty(),
            })
    }
}

/// Every rule, in the order in which they are tried: what exempts comes before the rules that it
/// exempts from.
///
/// A device that says YES in Burned In Annotation (0028,0301) is always believed. One that says NO
/// is not believed for captures, documents, ultrasound and what calls itself a screen or a report,
/// where it is often wrong; its word ends the search before the rules for endoscopes, cameras,
/// fluoroscopes and the weaker marks.
pub fn rules() -> &'static [BurnedInRule] {
    static RULES: OnceLock<Vec<BurnedInRule>> = OnceLock::new();
    RULES.get_or_init(|| {
        TABLE
            .lines()
            .skip(1)
            .flat_map(read)
            .collect()
    })
}

/// What the header tells of an instance's picture. Where pictures are looked at, more of them count
/// as risky than those that are refused unseen, since a look costs less than a refusal. `lookup`
/// gives the values of an attribute at the top of the data set, none where it is not there; it is
/// asked once for each attribute. Classes without pictures are exempt by their SOP class: whether
/// there are pixels all the same is not looked at.
pub fn class_of_picture(lookup: impl Fn(Tag) -> Vec<String>) -> PictureClass {
    let mut header = Header::new(lookup);
    match header.first_rule() {
        Some(rule) if rule.reason == NO_PICTURE => PictureClass::NoPicture,
        Some(rule) if rule.effect != RuleEffect::Exempt => PictureClass::Risky(
            header
                .rule_that_needs_a_find(rule)
                .unwrap_or(rule),
        ),
        _ => PictureClass::Other {
            stated_no: header
                .values(BURNED_IN_ANNOTATION)
                .iter()
                .any(|value| value.text == "NO"),
        },
    }
}

/// The attributes of an instance, each asked for once.
struct Header<L> {
    lookup: L,
    seen: Vec<(Tag, Vec<Comparable>)>,
}

impl<L: Fn(Tag) -> Vec<String>> Header<L> {
    fn new(lookup: L) -> Self {
        Self {
            lookup,
            seen: Vec::new(),
        }
    }

    /// This rule or one behind it by which there must be text: a capture may be a dose sheet too.
    fn rule_that_needs_a_find(&mut self, first: &BurnedInRule) -> Option<&'static BurnedInRule> {
        rules()
            .iter()
            .skip_while(|rule| *rule != first)
            .filter(|rule| rule.applies(self.values(rule.tag)))
            .take_while(|rule| rule.effect != RuleEffect::Exempt)
            .find(|rule| rule.needs_a_find())
    }

    /// The rule that decides.
    fn first_rule(&mut self) -> Option<&'static BurnedInRule> {
        rules()
            .iter()
            .find(|rule| rule.applies(self.values(rule.tag)))
    }

    fn values(&mut self, tag: Tag) -> &[Comparable] {
        let known = self
            .seen
            .iter()
            .position(|(known, _)| *known == tag);
        let at = known.unwrap_or_else(|| {
            let values = (self.lookup)(tag)
                .iter()
                .map(|value| Comparable::of(value))
                .collect();
            self.seen.push((tag, values));
            self.seen.len() - 1
        });
        self.seen
            .get(at)
            .map_or(&[], |(_, values)| values)
    }
}

/// A value made ready to be compared.
struct Comparable {
    /// Trimmed, in upper case.
    text: String,
    /// Where its words end and begin in `joined`: letters, or digits, with something else or
    /// nothing on both sides.
    borders: Vec<usize>,
    /// Its words, without what is between them.
    joined: String,
}

impl Comparable {
    fn of(value: &str) -> Self {
        let text = value
            .trim_matches([' ', '\0'])
            .to_ascii_uppercase();
        let (mut borders, mut joined, mut last) = (Vec::new(), String::new(), None);
        for letter in text.chars() {
            let kind = letter
                .is_alphanumeric()
                .then(|| letter.is_numeric());
            if kind != last {
                borders.push(joined.len());
            }
            if kind.is_some() {
                joined.push(letter);
            }
            last = kind;
        }
        borders.push(joined.len());
        Self {
            text,
            borders,
            joined,
        }
    }

    /// Whether these words stand in it, in the plural or not.
    fn has_words(&self, words: &str) -> bool {
        let is_border = |at: usize| {
            self.borders
                .binary_search(&at)
                .is_ok()
        };
        let joined = self.joined.as_bytes();
        words.len() <= joined.len()
            && self.borders.iter().any(|from| {
                let end = from + words.len();
                // Most words begin otherwise, which is seen sooner than that they differ.
                let stands = joined.get(*from) == words.as_bytes().first()
                    && joined.get(*from..end) == Some(words.as_bytes());
                stands && (is_border(end) || (joined.get(end) == Some(&b'S') && is_border(end + 1)))
            })
    }
}

/// The rules of a line: one for each of the attributes that it names.
fn read(line: &'static str) -> Vec<BurnedInRule> {
    let mut cells = line.split(',');
    let mut next = || cells.next().unwrap_or_default();
    let (effect, reason, test, attributes, value) = (next(), next(), next(), next(), next());
    let effect = match effect {
        "risk" => RuleEffect::Risk,
        "look" => RuleEffect::Look,
        "exempt" => RuleEffect::Exempt,
        _ => return Vec::new(),
    };
    let one = |keyword: &str| {
        let tag = tag_of_keyword(keyword)?;
        let test = match test {
            "class" if tag == SOP_CLASS_UID => Test::SopClass(value),
            "value" => Test::Value(value),
            "words" => Test::Words(value.replace(' ', "")),
            "present" => Test::Present,
            _ => return None,
        };
        Some(BurnedInRule {
            reason,
            tag,
            test,
            effect,
        })
    };
    attributes
        .split(' ')
        .filter_map(one)
        .collect()
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use std::cell::RefCell;

    use sha2::{Digest, Sha256};

    use super::*;
    use crate::standard::keyword;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

    /// The values of an attribute in an instance with these attributes.
    fn values(header: &[(&str, &str)], tag: Tag) -> Vec<String> {
        let found = header
            .iter()
            .filter(|(name, _)| keyword(tag) == Some(*name));
        found
            .flat_map(|(_, text)| text.split('\\'))
            .map(str::to_owned)
            .collect()
    }

    /// The reason for an instance with these attributes.
    fn reason(header: &[(&str, &str)]) -> Option<&'static str> {
        Header::new(|tag| values(header, tag))
            .first_rule()
            .filter(|rule| rule.effect == RuleEffect::Risk)
            .map(|rule| rule.reason)
    }

    fn class(header: &[(&str, &str)]) -> PictureClass {
        class_of_picture(|tag| values(header, tag))
    }

    /// The rule for which a picture counts as risky where pictures are looked at.
    #[track_caller]
    fn risky(header: &[(&str, &str)]) -> &'static BurnedInRule {
        match class(header) {
            PictureClass::Risky(rule) => rule,
            other => panic!("{header:?}: {other:?}"),
        }
    }

    #[test]
    fn a_capture_that_is_a_dose_sheet_needs_a_find() {
        let capture = ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7");
        assert!(!risky(&[capture]).needs_a_find());
        assert!(risky(&[capture, ("SeriesDescription", "Dose Report")]).needs_a_find());
    }

    #[test]
    fn the_table_is_the_pinned_one_and_read_whole() {
        assert_eq!(
            hex::encode(Sha256::digest(TABLE)),
            "adee30686c15f6ff3d48efa3fe2e7f520ab6b72b20d9acfc25503237acbb3161"
        );
        assert_eq!((TABLE.lines().count(), rules().len()), (113, 170));
        for line in TABLE.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            assert!(
                cells.len() == 5 && ["risk", "look", "exempt"].contains(&cells[0]),
                "{line}"
            );
            assert_eq!(read(line).len(), cells[3].split(' ').count(), "{line}");
            // What is compared is upper case, so the table must be.
            assert_eq!(cells[4], cells[4].trim().to_ascii_uppercase(), "{line}");
        }
    }

    #[test]
    fn words_count_and_parts_of_words_do_not() {
        for image_type in [
            "LOW_DOSE_CT",
            "ACQUIRED_DOSE",
            "RESCANNED",
            "DOSE_MODULATED",
            "SCREENING",
            "REPORTABLE",
            "SAVER",
            "UNSAVED",
        ] {
            assert_eq!(
                reason(&[
                    ("SOPClassUID", CT),
                    ("ImageType", &format!("ORIGINAL\\PRIMARY\\{image_type}"))
                ]),
                None,
                "{image_type}"
            );
        }
        for description in [
            "Thorax LOW_DOSE",
            "rescanned after 2 h",
            "Lung screening",
            "overdose information",
            "consented",
            "Low dose reported",
        ] {
            assert_eq!(
                reason(&[("SOPClassUID", CT), ("SeriesDescription", description)]),
                None,
                "{description}"
            );
        }
        for (attribute, value) in [
            ("ImageType", "DERIVED\\SECONDARY\\DOSE_INFO"),
            ("ImageType", "DERIVED\\SECONDARY\\DoseReport"),
            ("ImageType", "DERIVED\\SECONDARY\\DOSE"),
            ("ImageType", "DERIVED\\SECONDARY\\SCREENSHOT"),
            ("ImageType", "DERIVED\\SECONDARY\\CSA REPORT"),
            ("SeriesDescription", "Dose-Report 2"),
            ("SeriesDescription", "dosereports"),
            ("SeriesDescription", "1_SCANNED (order)"),
            ("ImageComments", "Screen  Capture of viewer"),
            ("ProtocolName", "PatientProtocol1"),
        ] {
            assert!(
                reason(&[("SOPClassUID", CT), (attribute, value)]).is_some(),
                "{attribute} {value}"
            );
        }
    }

    #[test]
    fn ordinary_slices_are_no_risk() {
        assert_eq!(
            reason(&[
                ("SOPClassUID", CT),
                ("Modality", "CT"),
                ("ImageType", "ORIGINAL\\PRIMARY\\AXIAL")
            ]),
            None
        );
        assert_eq!(
            reason(&[
                ("SOPClassUID", CT),
                ("ImageType", "ORIGINAL\\PRIMARY\\LOCALIZER")
            ]),
            None
        );
        assert_eq!(
            reason(&[
                ("SOPClassUID", CT),
                ("ImageType", "DERIVED\\SECONDARY\\REFORMATTED\\AVERAGE")
            ]),
            None
        );
        assert_eq!(reason(&[]), None);
    }

    #[test]
    fn screens_and_documents_are_found_by_their_class_and_their_marks() {
        assert_eq!(
            reason(&[("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7.4")]),
            Some("secondary-capture")
        );
        assert_eq!(
            reason(&[("SOPClassUID", "1.2.840.10008.5.1.4.1.1.77.1.5.1")]),
            None,
            "77 is not below 7"
        );
        assert_eq!(
            reason(&[("SOPClassUID", "1.2.840.10008.5.1.4.1.1.104.1")]),
            Some("encapsulated-document")
        );
        assert_eq!(
            reason(&[
                ("SOPClassUID", CT),
                ("ImageType", "DERIVED\\SECONDARY\\SCREEN SAVE")
            ]),
            Some("screen-save")
        );
        assert_eq!(
            reason(&[
                ("SOPClassUID", CT),
                ("ImageType", "ORIGINAL\\SECONDARY\\DOSE_INFO")
            ]),
            Some("dose-screen")
        );
        assert_eq!(
            reason(&[
                ("SOPClassUID", CT),
                ("SeriesDescription", "Patient Protocol ")
            ]),
            Some("patient-protocol")
        );
        assert_eq!(
            reason(&[("SOPClassUID", CT), ("ConversionType", "DF")]),
            Some("digitized-film")
        );
        assert_eq!(
            reason(&[("SOPClassUID", CT), ("DateOfSecondaryCapture", "20200101")]),
            Some("secondary-capture")
        );
        assert_eq!(
            reason(&[("SOPClassUID", CT), ("DateOfSecondaryCapture", " ")]),
            None
        );
    }

    #[test]
    fn a_device_is_believed_when_it_says_yes_and_not_always_when_it_says_no() {
        assert_eq!(
            reason(&[("SOPClassUID", CT), ("BurnedInAnnotation", "YES")]),
            Some("burned-in-yes")
        );
        for class in ["1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"] {
            assert_eq!(
                reason(&[("SOPClassUID", class), ("BurnedInAnnotation", "NO")]),
                Some("ultrasound")
            );
        }
        let capture = [
            ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"),
            ("BurnedInAnnotation", "NO"),
        ];
        assert_eq!(reason(&capture), Some("secondary-capture"));
        let endoscopy = ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.77.1.1.1");
        assert_eq!(reason(&[endoscopy]), Some("endoscopy"));
        assert_eq!(reason(&[endoscopy, ("BurnedInAnnotation", "NO ")]), None);
    }

    #[test]
    fn classes_without_a_picture_are_no_risk_whatever_they_are_called() {
        let report = ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.67");
        assert_eq!(
            reason(&[report, ("SeriesDescription", "Dose Report")]),
            None
        );
        assert_eq!(
            reason(&[
                ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.2"),
                ("Modality", "RTDOSE")
            ]),
            None
        );
        // Portal images are "digital interface", which elsewhere is a frame grabber.
        assert_eq!(
            reason(&[
                ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.1"),
                ("ConversionType", "DI")
            ]),
            None
        );
        assert_eq!(
            reason(&[("SOPClassUID", CT), ("ConversionType", "DI")]),
            Some("secondary-capture")
        );
        let portal = ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.1");
        for exempt in [
            ("ImageType", "ORIGINAL\\PRIMARY\\PORTAL\\ACQUIRED_DOSE"),
            ("ImageType", "DERIVED\\SECONDARY\\DOSE"),
            ("SeriesDescription", "Dose Report"),
        ] {
            assert_eq!(reason(&[portal, exempt]), None, "{exempt:?}");
        }
        assert_eq!(
            reason(&[portal, ("BurnedInAnnotation", "YES")]),
            Some("burned-in-yes")
        );
        assert_eq!(
            reason(&[portal, ("ImageType", "DERIVED\\SECONDARY\\SCREEN SAVE")]),
            Some("screen-save")
        );
    }

    #[test]
    fn fluoroscopy_is_looked_at_and_not_refused_unseen() {
        for header in [
            [("SOPClassUID", "1.2.840.10008.5.1.4.1.1.12.1")],
            [("SOPClassUID", "1.2.840.10008.5.1.4.1.1.12.1.1")],
            [("SOPClassUID", "1.2.840.10008.5.1.4.1.1.12.2")],
            [("SOPClassUID", "1.2.840.10008.5.1.4.1.1.12.2.1")],
            [("Modality", "XA")],
            [("Modality", "RF")],
        ] {
            let rule = risky(&header);
            assert_eq!(rule.reason, "fluoroscopy");
            assert!(!rule.is_refused_unseen() && !rule.needs_a_find());
            assert_eq!(reason(&header), None);
        }
        // Any other reason weighs more, and a device that says NO is believed.
        let grabbed = [("Modality", "RF"), ("ConversionType", "DI")];
        assert_eq!(risky(&grabbed).reason, "secondary-capture");
        assert_eq!(
            class(&[("Modality", "XA"), ("BurnedInAnnotation", "NO")]),
            PictureClass::Other { stated_no: true }
        );
    }

    #[test]
    fn a_picture_is_risky_or_none_or_another() {
        let other = |stated_no| PictureClass::Other { stated_no };
        let report = ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.67");
        let portal = ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.1");
        let no = ("BurnedInAnnotation", "NO");
        assert_eq!(class(&[]), other(false));
        assert_eq!(class(&[("SOPClassUID", CT)]), other(false));
        assert_eq!(class(&[("SOPClassUID", CT), no]), other(true));
        assert_eq!(class(&[report, no]), PictureClass::NoPicture);
        // The row on treatment images ends the search before the one on NO.
        assert_eq!(class(&[portal]), other(false));
        assert_eq!(class(&[portal, no]), other(true));
        let ultrasound = risky(&[("Modality", "US"), no]);
        assert_eq!(ultrasound.reason, "ultrasound");
        assert!(ultrasound.is_refused_unseen() && !ultrasound.needs_a_find());
    }

    #[test]
    fn nothing_found_is_a_miss_where_text_is_all_but_stated() {
        for header in [
            ("BurnedInAnnotation", "YES"),
            ("Modality", "DOC"),
            ("Modality", "HC"),
            ("Modality", "BMD"),
            ("ConversionType", "DF"),
            ("ImageType", "DERIVED\\SECONDARY\\SCREEN SAVE"),
            ("ImageType", "DERIVED\\SECONDARY\\DOSE_INFO"),
            ("ImageType", "DERIVED\\PRIMARY\\LABEL"),
            ("SeriesDescription", "Patient Protocol"),
            ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.104.1"),
        ] {
            assert!(risky(&[header]).needs_a_find(), "{header:?}");
        }
        for header in [
            ("Modality", "US"),
            ("Modality", "SC"),
            ("Modality", "ES"),
            ("Modality", "XC"),
            ("Modality", "OT"),
        ] {
            assert!(!risky(&[header]).needs_a_find(), "{header:?}");
        }
        for reason in TEXT_IS_SURE {
            let is_known = |rule: &BurnedInRule| rule.reason == reason && rule.is_refused_unseen();
            assert!(rules().iter().any(is_known), "{reason}");
        }
    }

    #[test]
    fn each_attribute_is_looked_up_once() {
        let asked = RefCell::new(Vec::new());
        let answer = class_of_picture(|tag| {
            asked.borrow_mut().push(tag);
            Vec::new()
        });
        assert_eq!(answer, PictureClass::Other { stated_no: false });
        let mut once = asked.borrow().clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), asked.borrow().len());
    }
}
