//! Which instances may show text in their picture, as their header shows. Data and its reading only:
//! it looks at no pixels, and does not decide what is done with such an instance.

use std::sync::OnceLock;

use dicom_core::Tag;
use dicom_dictionary_std::tags::SOP_CLASS_UID;

use super::dictionary::tag_of_keyword;

/// Effect, reason, test, keywords, value. The first row that applies decides.
const TABLE: &str = include_str!("burned-in-risk.csv");

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BurnedInRule {
    /// Why, in a word: `ultrasound`, `secondary-capture`, `dose-screen`...
    pub reason: &'static str,
    /// The attribute that it is about.
    pub tag: Tag,
    /// What one of the attribute's values has to be.
    pub test: Test,
    /// Whether it says that there is no text, and so ends the search.
    pub exempts: bool,
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
/// where it is often wrong; its word ends the search before the rules for endoscopes, cameras and
/// the weaker marks.
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

/// The rule by which an instance may show text in its picture; none where no rule speaks of it.
/// `lookup` gives the values of an attribute at the top of the data set, none where it is not
/// there; it is asked once for each attribute. Classes without pictures are exempt by their SOP
/// class: whether there are pixels all the same is not looked at.
pub fn risk(lookup: impl Fn(Tag) -> Vec<String>) -> Option<&'static BurnedInRule> {
    let mut seen: Vec<(Tag, Vec<Comparable>)> = Vec::new();
    let mut applies = |rule: &BurnedInRule| {
        if let Some((_, values)) = seen
            .iter()
            .find(|(known, _)| *known == rule.tag)
        {
            return rule.applies(values);
        }
        let values = lookup(rule.tag)
            .iter()
            .map(|value| Comparable::of(value))
            .collect::<Vec<_>>();
        let answer = rule.applies(&values);
        seen.push((rule.tag, values));
        answer
    };
    rules()
        .iter()
        .find(|rule| applies(rule))
        .filter(|rule| !rule.exempts)
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
                let stands = joined.get(*from..end) == Some(words.as_bytes());
                stands && (is_border(end) || (joined.get(end) == Some(&b'S') && is_border(end + 1)))
            })
    }
}

/// The rules of a line: one for each of the attributes that it names.
fn read(line: &'static str) -> Vec<BurnedInRule> {
    let mut cells = line.split(',');
    let mut next = || cells.next().unwrap_or_default();
    let (effect, reason, test, attributes, value) = (next(), next(), next(), next(), next());
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
            exempts: effect == "exempt",
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

    /// The reason for an instance with these attributes.
    fn reason(header: &[(&str, &str)]) -> Option<&'static str> {
        let values = |tag| {
            let found = header
                .iter()
                .filter(|(name, _)| keyword(tag) == Some(*name));
            found
                .flat_map(|(_, text)| text.split('\\'))
                .map(str::to_owned)
                .collect()
        };
        risk(values).map(|rule| rule.reason)
    }

    #[test]
    fn the_table_is_the_pinned_one_and_read_whole() {
        assert_eq!(
            hex::encode(Sha256::digest(TABLE)),
            "9779a0e617325d7372df2739d401fde377f7bb3a0b8464f17d81b2d49025e5f8"
        );
        assert_eq!((TABLE.lines().count(), rules().len()), (109, 166));
        for line in TABLE.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            assert!(
                cells.len() == 5 && ["risk", "exempt"].contains(&cells[0]),
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
    fn each_attribute_is_looked_up_once() {
        let asked = RefCell::new(Vec::new());
        assert_eq!(
            risk(|tag| {
                asked.borrow_mut().push(tag);
                Vec::new()
            }),
            None
        );
        let mut once = asked.borrow().clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), asked.borrow().len());
    }
}
