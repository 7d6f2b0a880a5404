//! What is blanked in an image: which entries of `alter_pixels` and `[[dicom.pixels.regions]]` are
//! about it, by its header as it was read, and which rectangles they name.
//!
//! Owns the conditions, as Flywheel's engine decides them (by the text of Python, several values as
//! a list in brackets), and the removal of icons and overlays that may repeat what was blanked. A
//! rectangle that misses the image is a failure, for then the entry is not about this image. No
//! value reaches a message.

use std::cell::OnceCell;

use dicom_dictionary_std::tags;
use dicom_lossless::{
    CharacterSet, DataSet, Element, Encoding, Instance, Tag, VR, Value, character_set_of, values,
};

use super::layout::{Area, Image, not_one_number};
use super::pixel_error;
use crate::elements::element_value::{numbers, separate};
use crate::elements::private_elements::effective_vr;
use crate::error::DeidError;
use crate::profile::{
    AttributeTest, BlankedArea, Condition, ConditionLine, Conjunction, DeviceRegions, Rectangle,
    RequiredValue, TestKind, has_character_set, is_number_text, is_text,
};
use crate::standard;
use crate::standard::burned_in::{self, PictureClass};

/// Region Location Min X0, Min Y0, Max X1 and Max Y1, the latter two inclusive.
const CORNERS: [Tag; 4] = [
    tags::REGION_LOCATION_MIN_X0,
    tags::REGION_LOCATION_MIN_Y0,
    tags::REGION_LOCATION_MAX_X1,
    tags::REGION_LOCATION_MAX_Y1,
];

/// What an entry blanks in an image; nothing where it says that nothing is burned in.
pub fn device_layer(
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
        .get(tags::SEQUENCE_OF_ULTRASOUND_REGIONS)
        .and_then(|element| element.items())
        .filter(|sequence| !sequence.items.is_empty());
    let sequence = found.ok_or_else(|| {
        let hint = "blank rectangles in images of this device instead";
        pixel_error(format!(
            "there is no {} to blank around",
            standard::name_of(tags::SEQUENCE_OF_ULTRASOUND_REGIONS)
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
        let word = item
            .get(tag)
            .and_then(Element::bytes)
            .and_then(|bytes| bytes.as_ref().try_into().ok());
        let word = word.ok_or_else(|| not_one_number(tag))?;
        *corner = i64::from(encoding.u32(word));
    }
    let [x0, y0, x1, y1] = corners;
    if x1 < x0 || y1 < y0 {
        Err(pixel_error("an ultrasound region ends before it begins"))
    } else {
        Ok(corners)
    }
}

/// The header of a file, by the values of its attributes.
pub struct ImageHeader<'a> {
    instance: &'a Instance,
    /// Made when a value needs it first.
    charset: OnceCell<CharacterSet>,
}

impl<'a> ImageHeader<'a> {
    pub fn of(instance: &'a Instance) -> Self {
        Self {
            instance,
            charset: OnceCell::new(),
        }
    }

    /// Whether the image may show text, as far as the header tells.
    pub fn class(&self) -> PictureClass {
        burned_in::class_of_picture(|tag| self.values(tag))
    }

    /// Whether all conditions of an entry hold.
    pub fn fits(&self, region: &DeviceRegions) -> bool {
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
    pub fn values(&self, tag: Tag) -> Vec<String> {
        let Some((element, data)) = found(self.instance, tag) else {
            return Vec::new();
        };
        let charset = self
            .charset
            .get_or_init(|| character_set_of(&self.instance.header, &CharacterSet::default()));
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

/// An element of the outermost data set, and what of it lies on the same side of the pixel data.
fn found(instance: &Instance, tag: Tag) -> Option<(&Element, &DataSet)> {
    [&instance.header, &instance.tail]
        .into_iter()
        .find_map(|data| Some((data.get(tag)?, data)))
}

fn equals(found: &str, wanted: &RequiredValue) -> bool {
    let found = found.trim_matches([' ', '\0']);
    match wanted {
        RequiredValue::Text(text) => found.to_lowercase() == *text,
        RequiredValue::Number(number) => found
            .parse::<f64>()
            .is_ok_and(|found| found.total_cmp(number).is_eq()),
    }
}

/// Whether every line holds. None where that cannot be found out: an expression is too expensive,
/// or the value is no text.
pub fn condition_holds(condition: &Condition, instance: &Instance) -> Option<bool> {
    for line in &condition.lines {
        if !line_holds(line, instance)? {
            return Some(false);
        }
    }
    Some(true)
}

fn line_holds(line: &ConditionLine, instance: &Instance) -> Option<bool> {
    let mut holds = test_holds(&line.first, instance)?;
    for (join, test) in &line.rest {
        let also = test_holds(test, instance)?;
        holds = match join {
            Conjunction::And => holds && also,
            Conjunction::Or => holds || also,
        };
    }
    Some(holds)
}

fn test_holds(test: &AttributeTest, instance: &Instance) -> Option<bool> {
    let seen = SeenValue::of(test, instance);
    let is_empty_text = seen == SeenValue::Text(String::new());
    let found = match &test.kind {
        TestKind::Missing => {
            seen == SeenValue::Absent || (seen == SeenValue::Nothing && !test.by_number)
        }
        TestKind::Empty if test.by_number => is_empty_text,
        TestKind::Empty => {
            is_empty_text
                || matches!(
                    seen,
                    SeenValue::Nothing | SeenValue::EmptyItems | SeenValue::Zero(_)
                )
        }
        TestKind::Contains(_) | TestKind::Equals(_) if seen == SeenValue::Opaque => return None,
        TestKind::Contains(regex) => match seen.text() {
            Some(value) => regex.search(&value).ok()?,
            None => false,
        },
        TestKind::Equals(expected) => seen.text().as_ref() == Some(expected),
    };
    Some(found != test.negated)
}

/// What the engine sees of an element.
#[derive(PartialEq, Eq)]
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
        let Some((element, data)) = found(instance, test.tag) else {
            return Self::Absent;
        };
        let bytes = match &element.value {
            Value::Bytes(bytes) => bytes,
            Value::Items(sequence) if sequence.items.is_empty() => return Self::EmptyItems,
            Value::Items(_) | Value::Fragments(_) => return Self::Opaque,
        };
        let vr = effective_vr(element, data);
        if is_text(vr) || is_number_text(vr) {
            let set = if has_character_set(vr) {
                character_set_of(&instance.header, &CharacterSet::default())
            } else {
                CharacterSet::default()
            };
            // Names and numbers are objects of their own, which print without quotes.
            let quoted = vr != VR::PN && !is_number_text(vr);
            let values = separate(&set.decode(bytes, vr == VR::PN), vr);
            return Self::of_values(&values, is_number_text(vr), quoted);
        }
        match numbers(bytes, vr, instance.syntax.encoding) {
            Some(values) => Self::of_values(&values, true, false),
            None if vr == VR::SQ => Self::EmptyItems,
            None if bytes.is_empty() => Self::Nothing,
            None => Self::Opaque,
        }
    }

    fn of_values(values: &[String], are_numbers: bool, quoted: bool) -> Self {
        match values {
            [] => Self::Nothing,
            [one] if one.is_empty() && are_numbers => Self::Nothing,
            [one] if are_numbers && one.parse() == Ok(0.0) => Self::Zero(one.clone()),
            [one] => Self::Text(one.clone()),
            several => {
                let shown = several.iter().map(|value| {
                    if quoted || value.is_empty() {
                        python_repr(value)
                    } else {
                        value.clone()
                    }
                });
                Self::Text(format!("[{}]", shown.collect::<Vec<_>>().join(", ")))
            }
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

/// Removes icon images at every level. Overlays and curves too, unless the confidentiality table
/// has its own say on them.
pub fn remove_copies(instance: &mut Instance, table: bool) {
    for data in [&mut instance.header, &mut instance.tail] {
        if !table {
            // Overlays (60xx) and curves (50xx).
            data.retain(|element| {
                element.is_private() || !matches!(element.tag.group() >> 8, 0x50 | 0x60)
            });
        }
        without_icons(data);
    }
}

/// Goes no deeper than the reader lets a file be nested.
fn without_icons(data: &mut DataSet) {
    data.retain(|element| element.tag != tags::ICON_IMAGE_SEQUENCE);
    for sequence in data
        .iter_mut()
        .filter_map(Element::items_mut)
    {
        for item in &mut sequence.items {
            without_icons(&mut item.data);
        }
    }
}
