//! What is blanked in an image: which entries of `alter_pixels` and `[[dicom.pixels.regions]]` are
//! about it, by its header as it was read, and which rectangles they name.
//!
//! Owns the conditions, as Flywheel's engine decides them (by the text of Python, several values as
//! a list in brackets), and the removal of icons and overlays that may repeat what was blanked. A
//! rectangle that misses the image is a failure, for then the entry is not about this image. No
//! value reaches a message.

use std::cell::OnceCell;

use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Instance, Tag, VR, Value, character_set_of, values,
};

use super::layout::{Area, Image};
use super::pixel_error;
use crate::clean::compiled_action::effective_vr;
use crate::clean::element_value::{numbers, separate};
use crate::error::DeidError;
use crate::profile::{
    AttributeTest, BlankedArea, Condition, ConditionLine, Conjunction, DeviceRegions, Rectangle,
    RequiredValue, TestKind, has_character_set, is_number_text, is_text,
};
use crate::standard::{self, burned_in};

/// Sequence of Ultrasound Regions (PS3.3 section C.8.5.5).
const REGIONS: Tag = Tag(0x0018, 0x6011);
/// Region Location Min X0, Min Y0, Max X1 and Max Y1, the latter two inclusive.
const CORNERS: [Tag; 4] = [
    Tag(0x0018, 0x6018),
    Tag(0x0018, 0x601A),
    Tag(0x0018, 0x601C),
    Tag(0x0018, 0x601E),
];

/// What an entry blanks in an image; nothing where it says that nothing is burned in.
pub(super) fn device_layer(
    region: &DeviceRegions,
    instance: &Instance,
    image: &Image,
) -> Result<Vec<Area>, DeidError> {
    match &region.blank {
        BlankedArea::Rectangles(all) => all
            .iter()
            .map(|rectangle| rectangle_area(*rectangle, image))
            .collect(),
        BlankedArea::OutsideUltrasoundRegions => outside(instance, image),
    }
}

fn rectangle_area(rectangle: Rectangle, image: &Image) -> Result<Area, DeidError> {
    let [x, y, width, height] =
        [rectangle.x, rectangle.y, rectangle.width, rectangle.height].map(i64::from);
    let area = Area::new(
        false,
        [x, y, x + width, y + height],
        image.columns,
        image.rows,
    );
    if area.is_empty() {
        let hint = "name Rows and Columns in the entry's `when`, so that it speaks of images of \
            one size only";
        return Err(
            pixel_error("a rectangle of `regions` lies beside the image").with_remedy(hint),
        );
    }
    Ok(area)
}

/// The whole image, but for what the device calls its regions.
fn outside(instance: &Instance, image: &Image) -> Result<Vec<Area>, DeidError> {
    let whole = [0, 0, i64::from(image.columns), i64::from(image.rows)];
    let mut layer = vec![Area::new(false, whole, image.columns, image.rows)];
    let found = instance
        .get(REGIONS)
        .and_then(|element| element.items())
        .filter(|sequence| !sequence.items.is_empty());
    let sequence = found.ok_or_else(|| {
        let hint = "blank rectangles in images of this device instead";
        pixel_error(format!(
            "there is no {} to blank around",
            standard::name_of(REGIONS)
        ))
        .with_remedy(hint)
    })?;
    for item in &sequence.items {
        let [x0, y0, x1, y1] = corners(&item.data, sequence.encoding)?;
        layer.push(Area::new(
            true,
            [x0, y0, x1 + 1, y1 + 1],
            image.columns,
            image.rows,
        ));
    }
    Ok(layer)
}

fn corners(item: &DataSet, encoding: Encoding) -> Result<[i64; 4], DeidError> {
    let mut corners = [0; 4];
    for (corner, tag) in corners.iter_mut().zip(CORNERS) {
        let bytes = item
            .get(tag)
            .and_then(|element| element.bytes());
        let word = bytes.and_then(|bytes| {
            bytes
                .first_chunk::<4>()
                .filter(|_| bytes.len() == 4)
        });
        let word = word
            .ok_or_else(|| pixel_error(format!("{} is not one number", standard::name_of(tag))))?;
        *corner = i64::from(encoding.u32(*word));
    }
    let [x0, y0, x1, y1] = corners;
    if x1 < x0 || y1 < y0 {
        Err(pixel_error("an ultrasound region ends before it begins"))
    } else {
        Ok(corners)
    }
}

/// The header of a file, by the values of its attributes.
pub(super) struct ImageHeader<'a> {
    instance: &'a Instance,
    /// Made when a value needs it first.
    charset: OnceCell<CharacterSet>,
}

impl<'a> ImageHeader<'a> {
    pub(super) fn of(instance: &'a Instance) -> Self {
        Self {
            instance,
            charset: OnceCell::new(),
        }
    }

    /// Why the image may show text, in a word of the table; none where nothing speaks for it.
    pub(super) fn risk(&self) -> Option<&'static str> {
        burned_in::risk(|tag| self.values(tag)).map(|rule| rule.reason)
    }

    /// Whether all conditions of an entry hold.
    pub(super) fn fits(&self, region: &DeviceRegions) -> bool {
        region.when.iter().all(|one| {
            let found = self.values(one.tag);
            found.len() == one.values.len()
                && found
                    .iter()
                    .zip(&one.values)
                    .all(|(found, wanted)| equals(found, wanted))
        })
    }

    /// The values of an attribute of the outermost data set.
    fn values(&self, tag: Tag) -> Vec<String> {
        let Instance { header, tail, .. } = self.instance;
        let data = if header.get(tag).is_some() {
            header
        } else {
            tail
        };
        let Some(element) = data.get(tag) else {
            return Vec::new();
        };
        let charset = self
            .charset
            .get_or_init(|| character_set_of(header, &CharacterSet::default()));
        // The content of UN is little endian, whatever surrounds it (PS3.5 section 6.2.2).
        let encoding = if element.vr == VR::UN {
            Encoding::IMPLICIT_LITTLE
        } else {
            self.instance.syntax.encoding
        };
        values(
            &Element {
                vr: effective_vr(element, data),
                ..element.clone()
            },
            encoding,
            charset,
        )
    }
}

fn equals(found: &str, wanted: &RequiredValue) -> bool {
    match wanted {
        RequiredValue::Text(text) => {
            found
                .trim_matches([' ', '\0'])
                .to_lowercase()
                == *text
        }
        RequiredValue::Number(number) => found
            .trim_matches([' ', '\0'])
            .parse::<f64>()
            .is_ok_and(|found| found.total_cmp(number).is_eq()),
    }
}

/// Whether a condition holds cannot be found out: its expression is too expensive, or the value is
/// no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UndecidedCondition;

/// Whether every line holds.
pub(super) fn condition_holds(
    condition: &Condition,
    instance: &Instance,
) -> Result<bool, UndecidedCondition> {
    for line in &condition.lines {
        if !line_holds(line, instance)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn line_holds(line: &ConditionLine, instance: &Instance) -> Result<bool, UndecidedCondition> {
    let mut holds = test_holds(&line.first, instance)?;
    for (join, test) in &line.rest {
        let also = test_holds(test, instance)?;
        holds = if *join == Conjunction::And {
            holds && also
        } else {
            holds || also
        };
    }
    Ok(holds)
}

fn test_holds(test: &AttributeTest, instance: &Instance) -> Result<bool, UndecidedCondition> {
    let seen = SeenValue::of(test, instance);
    let found = match &test.kind {
        TestKind::Missing => {
            seen == SeenValue::Absent || (seen == SeenValue::Nothing && !test.by_number)
        }
        TestKind::Empty if test.by_number => seen == SeenValue::Text(String::new()),
        TestKind::Empty => {
            matches!(
                &seen,
                SeenValue::Nothing | SeenValue::EmptyItems | SeenValue::Zero(_)
            ) || seen == SeenValue::Text(String::new())
        }
        TestKind::Contains(_) | TestKind::Equals(_) if seen == SeenValue::Opaque => {
            return Err(UndecidedCondition);
        }
        TestKind::Contains(regex) => match seen.text() {
            Some(value) => regex
                .search(&value)
                .map_err(|_| UndecidedCondition)?,
            None => false,
        },
        TestKind::Equals(expected) => seen
            .text()
            .is_some_and(|text| text == *expected),
    };
    Ok(found != test.negated)
}

/// What the engine sees of an element.
#[derive(Debug, PartialEq, Eq)]
enum SeenValue {
    Absent,
    /// A number or bulk data without a value.
    Nothing,
    EmptyItems,
    /// Items, or bytes that are no text.
    Opaque,
    /// A single number that is 0.
    Zero(String),
    Text(String),
}

impl SeenValue {
    fn of(test: &AttributeTest, instance: &Instance) -> Self {
        if instance
            .pixels
            .as_ref()
            .is_some_and(|pixels| pixels.tag == test.tag)
        {
            return Self::Opaque;
        }
        let data = if instance.header.get(test.tag).is_some() {
            &instance.header
        } else {
            &instance.tail
        };
        let Some(element) = data.get(test.tag) else {
            return Self::Absent;
        };
        let charset = || character_set_of(&instance.header, &CharacterSet::default());
        Self::of_element(element, data, instance.syntax.encoding, charset)
    }

    fn of_element(
        element: &Element,
        data: &DataSet,
        encoding: Encoding,
        charset: impl Fn() -> CharacterSet,
    ) -> Self {
        let bytes = match &element.value {
            Value::Bytes(bytes) => bytes,
            Value::Items(sequence) if sequence.items.is_empty() => return Self::EmptyItems,
            Value::Items(_) | Value::Fragments(_) => return Self::Opaque,
        };
        let vr = effective_vr(element, data);
        if is_text(vr) || is_number_text(vr) {
            let set = if has_character_set(vr) {
                charset()
            } else {
                CharacterSet::default()
            };
            return Self::of_texts(&separate(&set.decode(bytes, vr == VR::PN), vr), vr);
        }
        match numbers(bytes, vr, encoding) {
            Some(values) => Self::of_numbers(&values),
            None if vr == VR::SQ => Self::EmptyItems,
            None if bytes.is_empty() => Self::Nothing,
            None => Self::Opaque,
        }
    }

    fn of_texts(values: &[String], vr: VR) -> Self {
        match values {
            [] => Self::Nothing,
            [one] if one.is_empty() && is_number_text(vr) => Self::Nothing,
            [one] if is_number_text(vr) && one.parse() == Ok(0.0) => Self::Zero(one.clone()),
            [one] => Self::Text(one.clone()),
            several => {
                // Names and numbers are objects of their own, which print without quotes.
                let plain =
                    |value: &String| (vr == VR::PN || is_number_text(vr)) && !value.is_empty();
                let shown = several.iter().map(|value| {
                    if plain(value) {
                        value.clone()
                    } else {
                        python_repr(value)
                    }
                });
                Self::Text(format!("[{}]", shown.collect::<Vec<_>>().join(", ")))
            }
        }
    }

    fn of_numbers(values: &[String]) -> Self {
        match values {
            [] => Self::Nothing,
            [one] if one.parse() == Ok(0.0) => Self::Zero(one.clone()),
            [one] => Self::Text(one.clone()),
            several => Self::Text(format!("[{}]", several.join(", "))),
        }
    }

    /// The text that is searched: in lower case, without white space around it.
    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Zero(text) => {
                let lower = text.to_lowercase();
                Some(
                    lower
                        .trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
                        .to_owned(),
                )
            }
            Self::Absent | Self::Nothing | Self::EmptyItems | Self::Opaque => None,
        }
    }
}

/// A text as Python's `repr` writes it.
fn python_repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_ascii_control() => out.extend(format!("\\x{:02x}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

/// Icon Image Sequence.
const ICON: Tag = Tag(0x0088, 0x0200);

/// Removes icon images at every level. Overlays and curves too, unless the confidentiality table
/// has its own say on them.
pub(super) fn remove_copies(instance: &mut Instance, table: bool) {
    for data in [&mut instance.header, &mut instance.tail] {
        if !table {
            data.retain(|element| !is_drawn_over(element));
        }
        without_icons(data);
    }
}

/// Overlays (60xx) and curves (50xx).
fn is_drawn_over(element: &Element) -> bool {
    matches!(element.tag.group() >> 8, 0x50 | 0x60) && !element.is_private()
}

/// Goes no deeper than the reader lets a file be nested.
fn without_icons(data: &mut DataSet) {
    data.retain(|element| element.tag != ICON);
    for sequence in data
        .iter_mut()
        .filter_map(Element::items_mut)
    {
        for item in &mut sequence.items {
            without_icons(&mut item.data);
        }
    }
}
