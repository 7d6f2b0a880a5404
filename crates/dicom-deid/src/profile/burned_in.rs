//! `[dicom.pixels]`: what becomes of images that may show text, and what is blanked by device.
//!
//! Owns reading the section. A rectangle is a corner with a width and a height, and one that
//! reaches beyond the image that its own entry names is refused: who wrote two corners instead
//! blanks more than was meant, never less.

use dicom_core::{Tag, VR};
use serde_json::{Value, json};

use super::action::{is_binary_number, is_number_text, is_text};
use super::model::DicomRules;
use super::read::unknown;
use super::tree::{Entry, Kind, Node, Problem, shown};
use crate::standard;
use crate::standard::confidentiality::ConfidentialityOption::CleanPixelData;

const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
/// The word of `blank` that is no list.
const OUTSIDE: &str = "outside-ultrasound-regions";
const RECTANGLE: &str =
    "write [x, y, width, height]: the column and row where it begins, then how many of each";

/// What becomes of an image that may show text and that no region speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurnedIn {
    /// Its file fails.
    Refuse,
    /// It goes as it is.
    Keep,
}

/// What is blanked in the images of one kind of device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRegions {
    /// What must hold of a file, all of it.
    pub when: Vec<Trait>,
    /// What is blanked in it.
    pub blank: Blank,
}

/// An attribute of the outermost data set and the values that it must have: as many, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Trait {
    /// The attribute.
    pub tag: Tag,
    /// Its values.
    pub values: Vec<Expected>,
}

/// A value that an attribute must have.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// This text, which is in lower case: case does not count, nor space around it.
    Text(String),
    /// This number, however it is written.
    Number(f64),
}

/// What is blanked in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blank {
    /// These rectangles. None of them: somebody looked, and nothing is burned in.
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
    /// How many columns.
    pub width: u16,
    /// How many rows.
    pub height: u16,
}

/// Reads the section, after the one on confidentiality, which decides what holds where this one is
/// silent.
pub(super) fn read(node: Option<&Node>, rules: &mut DicomRules) -> Result<(), Problem> {
    rules.burned_in = default(rules);
    let Some(node) = node.filter(|node| !node.is_null()) else {
        return Ok(());
    };
    for entry in node.entries("`pixels`")? {
        match entry.key.as_str() {
            "burned-in" => rules.burned_in = burned_in(&entry.value)?,
            "regions" => {
                rules.regions = entry
                    .value
                    .items("regions")?
                    .iter()
                    .map(region)
                    .collect::<Result<_, _>>()?;
            }
            _ => return Err(unknown(entry, &[&["burned-in", "regions"]])),
        }
    }
    let cleans = rules
        .confidentiality
        .as_ref()
        .is_some_and(|asked| asked.options.has(CleanPixelData));
    if cleans && rules.burned_in == BurnedIn::Keep {
        let problem = node
            .problem("the option `clean-pixel-data` and `burned-in = \"keep\"` exclude each other");
        return Err(problem.with_hint(
            "leave one of the two out: pixels that stay as they are have not been cleaned",
        ));
    }
    Ok(())
}

fn default(rules: &DicomRules) -> BurnedIn {
    if rules.confidentiality.is_some() {
        BurnedIn::Refuse
    } else {
        BurnedIn::Keep
    }
}

fn burned_in(node: &Node) -> Result<BurnedIn, Problem> {
    match node.text("burned-in")? {
        "refuse" => Ok(BurnedIn::Refuse),
        "keep" => Ok(BurnedIn::Keep),
        _ => Err(node.problem("`burned-in` must be `refuse` or `keep`")),
    }
}

fn region(node: &Node) -> Result<DeviceRegions, Problem> {
    let (mut when, mut blank) = (None, None);
    for entry in node.entries("an entry of `regions`")? {
        match entry.key.as_str() {
            "when" => when = Some(traits(&entry.value)?),
            "blank" => blank = Some(&entry.value),
            _ => return Err(unknown(entry, &[&["when", "blank"]])),
        }
    }
    let when = when.ok_or_else(|| node.problem("an entry of `regions` needs `when`"))?;
    let Some(blank) = blank else {
        let problem = node.problem("an entry of `regions` needs `blank`");
        return Err(problem.with_hint("where nothing is burned in, write `blank = []`"));
    };
    Ok(DeviceRegions {
        blank: areas(blank, &when)?,
        when,
    })
}

fn traits(node: &Node) -> Result<Vec<Trait>, Problem> {
    let entries = node.entries("`when`")?;
    if entries.is_empty() {
        let problem = node.problem("`when` is empty, and would hold of every image");
        return Err(problem
            .with_hint("name what the images have in common: `when = { Modality = \"US\" }`"));
    }
    let mut traits = entries
        .iter()
        .map(of_attribute)
        .collect::<Result<Vec<Trait>, _>>()?;
    traits.sort_by_key(|one| one.tag);
    Ok(traits)
}

fn of_attribute(entry: &Entry) -> Result<Trait, Problem> {
    let Some(tag) = standard::tag_of_keyword(&entry.key) else {
        return Err(no_attribute(entry));
    };
    let name = standard::name_of(tag);
    if tag.group() == 0x0002 {
        return Err(Problem::new(
            entry.place,
            format!("{name} belongs to the file meta information, which `when` does not see"),
        ));
    }
    let vr = standard::vr(tag).filter(|vr| is_text(*vr) || is_number(*vr));
    let Some(vr) = vr else {
        return Err(Problem::new(
            entry.place,
            format!("{name} has no text or number that could be compared"),
        ));
    };
    let values = match &entry.value.kind {
        Kind::List(items) if !items.is_empty() => items
            .iter()
            .map(|item| expected(item, vr, &name))
            .collect::<Result<_, _>>()?,
        _ => vec![expected(&entry.value, vr, &name)?],
    };
    Ok(Trait { tag, values })
}

fn no_attribute(entry: &Entry) -> Problem {
    let written = entry.key.as_str();
    let close = standard::tag_of_keyword_any_case(written).map(|(_, keyword)| keyword);
    let problem = Problem::new(
        entry.place,
        format!("`{}` names no attribute", shown(written)),
    );
    match close.or_else(|| standard::close_keyword(written)) {
        Some(keyword) => problem.with_hint(format!("did you mean `{keyword}`?")),
        None => problem.with_hint("write the keyword of an attribute, such as `Manufacturer`"),
    }
}

fn is_number(vr: VR) -> bool {
    is_number_text(vr) || is_binary_number(vr)
}

fn expected(node: &Node, vr: VR, name: &str) -> Result<Expected, Problem> {
    match &node.kind {
        Kind::Text(text) if is_text(vr) && !text.trim().is_empty() => {
            Ok(Expected::Text(text.trim().to_lowercase()))
        }
        Kind::Integer(..) | Kind::Float(_) if is_number(vr) => {
            node.number(name).map(Expected::Number)
        }
        _ => {
            let wanted = if is_number(vr) {
                "a number, without quotes"
            } else {
                "text"
            };
            Err(node.problem(format!(
                "{name} is compared with {wanted}, not {}",
                node.describe()
            )))
        }
    }
}

fn areas(node: &Node, when: &[Trait]) -> Result<Blank, Problem> {
    match &node.kind {
        Kind::Text(word) if word == OUTSIDE => Ok(Blank::OutsideUltrasoundRegions),
        Kind::List(items) => items
            .iter()
            .map(|item| rectangle(item, when))
            .collect::<Result<_, _>>()
            .map(Blank::Rectangles),
        _ => Err(node
            .problem(format!(
                "`blank` must be a list of rectangles or `{OUTSIDE}`"
            ))
            .with_hint(RECTANGLE)),
    }
}

fn rectangle(node: &Node, when: &[Trait]) -> Result<Rectangle, Problem> {
    let numbers = node
        .items("a rectangle of `blank`")?
        .iter()
        .map(pixels)
        .collect::<Result<Vec<u16>, _>>()?;
    let [x, y, width, height] = numbers.try_into().map_err(|numbers: Vec<u16>| {
        node.problem(format!(
            "a rectangle of `blank` has {} numbers instead of 4",
            numbers.len()
        ))
        .with_hint(RECTANGLE)
    })?;
    if width == 0 || height == 0 {
        return Err(node
            .problem("a rectangle of `blank` covers nothing")
            .with_hint(RECTANGLE));
    }
    for (what, tag, end) in [
        ("columns", COLUMNS, u32::from(x) + u32::from(width)),
        ("rows", ROWS, u32::from(y) + u32::from(height)),
    ] {
        if stated(when, tag).is_some_and(|length| f64::from(end) > length) {
            let problem = node.problem(format!(
                "a rectangle of `blank` ends beyond the {what} that `when` states"
            ));
            return Err(problem.with_hint(RECTANGLE));
        }
    }
    Ok(Rectangle {
        x,
        y,
        width,
        height,
    })
}

fn pixels(node: &Node) -> Result<u16, Problem> {
    let number = match node.kind {
        Kind::Integer(number, _) => u16::try_from(number).ok(),
        _ => None,
    };
    number.ok_or_else(|| {
        node.problem("a rectangle of `blank` takes whole numbers from 0 to 65535")
            .with_hint(RECTANGLE)
    })
}

/// The number that `when` wants an attribute to have.
fn stated(when: &[Trait], tag: Tag) -> Option<f64> {
    match when.iter().find(|one| one.tag == tag)?.values.first()? {
        Expected::Number(number) => Some(*number),
        Expected::Text(_) => None,
    }
}

impl DeviceRegions {
    /// Whether anything is blanked where it applies.
    pub fn blanks(&self) -> bool {
        self.blank != Blank::Rectangles(Vec::new())
    }

    fn canonical(&self) -> Value {
        let value = |value: &Expected| match value {
            Expected::Text(text) => json!(text),
            Expected::Number(number) => json!(number),
        };
        let one = |one: &Trait| {
            let number = u32::from(one.tag.group()) << 16 | u32::from(one.tag.element());
            json!([
                format!("{number:08x}"),
                one.values.iter().map(value).collect::<Vec<_>>()
            ])
        };
        let blank = match &self.blank {
            Blank::Rectangles(all) => all
                .iter()
                .map(|area| json!([area.x, area.y, area.width, area.height]))
                .collect(),
            Blank::OutsideUltrasoundRegions => json!(OUTSIDE),
        };
        json!([self.when.iter().map(one).collect::<Vec<_>>(), blank])
    }
}

impl DicomRules {
    /// What the section means, in one fixed form; none where it is as if it were not there.
    pub(super) fn canonical_pixels(&self) -> Option<Value> {
        let word = if self.burned_in == BurnedIn::Refuse {
            "refuse"
        } else {
            "keep"
        };
        let silent = self.burned_in == default(self) && self.regions.is_empty();
        (!silent).then(|| {
            json!([
                word,
                self.regions
                    .iter()
                    .map(DeviceRegions::canonical)
                    .collect::<Vec<_>>()
            ])
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::profile::{Document, Language, Profile};

    fn load(pixels: &str) -> Result<Profile, String> {
        let text = format!("name = \"p\"\n[dicom]\nremove-private-tags = true\n{pixels}");
        let document = Document::parse(&text, Language::Toml, "p.toml", "p").unwrap();
        document.profile().map_err(|error| {
            format!(
                "{} | {}",
                error.what,
                error.remedy.as_deref().unwrap_or_default()
            )
        })
    }

    fn entry(entry: &str) -> Result<Profile, String> {
        load(&format!("[[dicom.pixels.regions]]\n{entry}\n"))
    }

    const BASIC: &str = "[dicom.confidentiality]\nprofile = \"basic\"\n";

    #[test]
    fn regions_are_read_as_written() {
        let profile = entry(
            "when = { Rows = 600, Modality = \"US\", Columns = 800, ImageType = [\"ORIGINAL\", \"PRIMARY\"] }\nblank = [[0, 0, 800, 56]]",
        );
        let region = &profile.unwrap().dicom.regions[0];
        assert_eq!(
            region.blank,
            Blank::Rectangles(vec![Rectangle {
                x: 0,
                y: 0,
                width: 800,
                height: 56
            }])
        );
        let tags: Vec<u16> = region.when.iter().map(|one| one.tag.element()).collect();
        assert_eq!(tags, [0x0008, 0x0060, 0x0010, 0x0011]);
        assert_eq!(region.when[0].values.len(), 2);
        assert_eq!(region.when[1].values, [Expected::Text("us".to_owned())]);
        assert_eq!(region.when[2].values, [Expected::Number(600.0)]);
        let outside =
            entry("when = { Modality = \"US\" }\nblank = \"outside-ultrasound-regions\"").unwrap();
        assert_eq!(
            outside.dicom.regions[0].blank,
            Blank::OutsideUltrasoundRegions
        );
        let nothing = entry("when = { Modality = \"US\" }\nblank = []").unwrap();
        assert!(!nothing.dicom.regions[0].blanks() && outside.dicom.regions[0].blanks());
    }

    #[test]
    fn images_that_may_show_text_are_refused_where_confidentiality_is_asked_for() {
        let said = |text: &str| load(text).unwrap().dicom.burned_in;
        assert_eq!(said(""), BurnedIn::Keep);
        assert_eq!(
            said("[dicom.pixels]\nburned-in = \"refuse\"\n"),
            BurnedIn::Refuse
        );
        assert_eq!(said(BASIC), BurnedIn::Refuse);
        assert_eq!(
            said(&format!("[dicom.pixels]\nburned-in = \"keep\"\n{BASIC}")),
            BurnedIn::Keep
        );
        assert_eq!(
            said(&format!("{BASIC}[dicom.pixels]\nregions = []\n")),
            BurnedIn::Refuse
        );
    }

    #[test]
    fn what_changes_the_meaning_changes_the_digest() {
        let digest = |text: &str| load(text).unwrap().digest();
        let plain = digest("");
        assert_eq!(plain, digest("[dicom.pixels]\nburned-in = \"keep\"\n"));
        assert_eq!(
            digest(BASIC),
            digest(&format!("{BASIC}[dicom.pixels]\nburned-in = \"refuse\"\n"))
        );
        let region = |text: &str| digest(&format!("[[dicom.pixels.regions]]\n{text}\n"));
        let one = region("when = { Modality = \"US\", Rows = 9 }\nblank = [[0, 0, 2, 1]]");
        assert_eq!(
            one,
            region("blank = [[0, 0, 2, 1]]\nwhen = { Rows = 9.0, Modality = \"us\" }")
        );
        let others = [
            plain,
            digest("[dicom.pixels]\nburned-in = \"refuse\"\n"),
            region("when = { Modality = \"US\", Rows = 8 }\nblank = [[0, 0, 2, 1]]"),
            region("when = { Modality = \"US\", Rows = 9 }\nblank = [[0, 0, 1, 2]]"),
            region("when = { Modality = \"US\", Rows = 9 }\nblank = []"),
            region(
                "when = { Modality = \"US\", Rows = 9 }\nblank = \"outside-ultrasound-regions\"",
            ),
            region("when = { Modality = \"US\" }\nblank = [[0, 0, 2, 1]]"),
        ];
        assert!(others.iter().all(|other| *other != one), "{others:?}");
    }

    #[test]
    fn the_section_stays_in_toml() {
        let text = "name = \"p\"\n[[dicom.pixels.regions]]\nwhen = { Rows = 9 }\nblank = [[0, 0, \
            2, 1], [3, 3, 1, 1]]\n";
        let document = Document::parse(text, Language::Toml, "p.toml", "p").unwrap();
        let again = document.convert(Language::Toml).unwrap();
        let profile = Document::parse(&again.text, Language::Toml, "p.toml", "p")
            .unwrap()
            .profile()
            .unwrap();
        assert_eq!(profile.digest(), document.profile().unwrap().digest());
        let refused = document.convert(Language::Yaml).unwrap_err();
        assert!(
            refused
                .what
                .contains("`dicom.pixels` can only be written in TOML"),
            "{}",
            refused.what
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_a_way_out() {
        for (text, part) in [
            ("blank = []", "needs `when`"),
            ("when = { Modality = \"US\" }", "`blank = []`"),
            ("when = {}\nblank = []", "would hold of every image"),
            (
                "when = { Modalty = \"US\" }\nblank = []",
                "did you mean `Modality`?",
            ),
            (
                "when = { modality = \"US\" }\nblank = []",
                "did you mean `Modality`?",
            ),
            (
                "when = { TransferSyntaxUID = \"1.2\" }\nblank = []",
                "file meta information",
            ),
            (
                "when = { PixelData = \"x\" }\nblank = []",
                "no text or number",
            ),
            (
                "when = { RequestAttributesSequence = \"x\" }\nblank = []",
                "no text or number",
            ),
            ("when = { Rows = \"600\" }\nblank = []", "without quotes"),
            ("when = { Modality = 7 }\nblank = []", "compared with text"),
            (
                "when = { Manufacturer = \" \" }\nblank = []",
                "compared with text",
            ),
            ("when = { ImageType = [] }\nblank = []", "not a list"),
            (
                "when = \"equals Modality US\"\nblank = []",
                "must be a section",
            ),
            (
                "when = { Rows = 9 }\nblank = \"all\"",
                "`outside-ultrasound-regions`",
            ),
            (
                "when = { Rows = 9 }\nblank = [0, 0, 2, 1]",
                "must be a list",
            ),
            (
                "when = { Rows = 9 }\nblank = [[0, 0, 2]]",
                "3 numbers instead of 4",
            ),
            (
                "when = { Rows = 9 }\nblank = [[0, 0, 2, -1]]",
                "from 0 to 65535",
            ),
            (
                "when = { Rows = 9 }\nblank = [[0, 0, 0, 4]]",
                "covers nothing",
            ),
            (
                "when = { Rows = 600, Columns = 800 }\nblank = [[0, 540, 800, 600]]",
                "beyond the rows that `when` states",
            ),
            (
                "when = { Columns = 800 }\nblank = [[700, 0, 800, 56]]",
                "[x, y, width, height]",
            ),
            (
                "when = { Rows = 9 }\nremove = []\nblank = []",
                "unknown key `remove`",
            ),
        ] {
            let said = entry(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
        assert!(
            load("[dicom.pixels]\nburned_in = \"keep\"\n")
                .unwrap_err()
                .contains("did you mean `burned-in`?")
        );
        assert!(
            load("[dicom.pixels]\nburned-in = \"remove\"\n")
                .unwrap_err()
                .contains("`refuse` or `keep`")
        );
        let clean = format!("{BASIC}options = [\"clean-pixel-data\"]\n");
        assert_eq!(load(&clean).unwrap().dicom.burned_in, BurnedIn::Refuse);
        assert!(
            load(&format!("{clean}[dicom.pixels]\nburned-in = \"keep\"\n"))
                .unwrap_err()
                .contains("exclude each other")
        );
    }

    #[test]
    fn a_profile_that_only_refuses_would_send_data_as_it_is() {
        let alone = |text: &str| {
            let document = Document::parse(
                &format!("name = \"p\"\n{text}"),
                Language::Toml,
                "p.toml",
                "p",
            )
            .unwrap();
            document.profile().map_err(|error| error.what)
        };
        assert!(
            alone("[dicom.pixels]\nburned-in = \"refuse\"\n")
                .unwrap_err()
                .contains("cleans nothing")
        );
        let region = "[[dicom.pixels.regions]]\nwhen = { Modality = \"US\" }\nblank = ";
        assert!(
            alone(&format!("{region}[]\n"))
                .unwrap_err()
                .contains("cleans nothing")
        );
        assert!(
            !alone(&format!("{region}[[0, 0, 1, 1]]\n"))
                .unwrap()
                .is_empty()
        );
        assert!(
            alone("[dicom.pixels]\nburned-in = \"keep\"\n")
                .unwrap()
                .is_empty()
        );
    }
}
