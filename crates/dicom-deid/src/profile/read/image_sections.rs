//! Reads `alter_pixels` and `[dicom.pixels]`.
//!
//! A region of `alter_pixels` is two corners, a rectangle of `[dicom.pixels]` a corner with a width
//! and a height. One that reaches beyond the image that its own entry names is refused, as it may
//! have been written as two corners. What would be carried out in part only is refused.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

use super::super::basic_profile::Confidentiality;
use super::super::image_rules::{
    AlterPixels, BlankedArea, BurnedIn, Condition, DeviceRegions, Markers, OUTSIDE, OtherImages,
    PixelRules, Rectangle, Region, RequiredAttribute, RequiredValue,
};
use super::super::tree::{Entry, Node, NodeKind, Problem, find, option};
use super::super::vocabulary::{ALTER_PIXELS, ALTERED_REGION, PIXELS, REGION};
use crate::standard;
use crate::standard::confidentiality::ConfidentialityOption::CleanPixelData;
use crate::standard::{is_binary_number, is_number_text, is_text};

const RECTANGLE: &str =
    "write [x, y, width, height]: the column and row where it begins, then how many of each";

/// Reads the value of `alter_pixels`; none where it asks for nothing.
pub fn alter_pixels(node: &Node) -> Result<Option<AlterPixels>, Problem> {
    let mut regions = Vec::new();
    for entry in node.entries("`alter_pixels`")? {
        match entry.key.as_str() {
            "pixels" | "detect" if entry.value.is_falsy() => {}
            "pixels" => {
                for item in entry.value.items("pixels")? {
                    regions.push(altered_region(item)?);
                }
            }
            "detect" => return Err(detect(&entry.value)),
            _ => return Err(ALTER_PIXELS.unknown(entry)),
        }
    }
    Ok((!regions.is_empty()).then_some(AlterPixels { regions }))
}

fn detect(node: &Node) -> Problem {
    node.problem(
        "`detect` names recipe files of a Python package that Flywheel's engine brings along; \
            they are not part of fwupload",
    )
    .with_hint("write what the recipe blanks for your devices as entries of `pixels`")
}

fn altered_region(node: &Node) -> Result<Region, Problem> {
    let (mut when, mut area) = (None, None);
    for entry in node.entries("an entry of `pixels`")? {
        match entry.key.as_str() {
            "when" => {
                let condition = Condition::parse(entry.value.text("when")?);
                when = Some(condition.map_err(|error| error.at(entry.value.position))?);
            }
            "remove" | "keep" if area.is_some() => {
                return Err(
                    entry.problem("an entry of `pixels` has either `remove` or `keep`, not both")
                );
            }
            key @ ("remove" | "keep") => area = Some((key == "keep", corners(&entry.value, key)?)),
            _ => return Err(ALTERED_REGION.unknown(entry)),
        }
    }
    let when = when.ok_or_else(|| node.problem("an entry of `pixels` needs `when`"))?;
    let (keep, corners) =
        area.ok_or_else(|| node.problem("an entry of `pixels` needs `remove` or `keep`"))?;
    Ok(Region {
        when,
        keep,
        corners,
    })
}

/// `[x0, y0, x1, y1]`.
fn corners(node: &Node, key: &str) -> Result<[i64; 4], Problem> {
    let numbers = node
        .items(key)?
        .iter()
        .map(|item| corner(item, key))
        .collect::<Result<Vec<_>, _>>()?;
    let corners: [i64; 4] = numbers
        .try_into()
        .map_err(|numbers: Vec<_>| {
            let problem = node.problem(format!(
                "`{key}` has {} numbers instead of 4",
                numbers.len()
            ));
            problem.with_hint(
                "write [x0, y0, x1, y1]: first column and row, and those behind the last",
            )
        })?;
    let [x0, y0, x1, y1] = corners;
    let nothing = |from: i64, to: i64| (from < 0) == (to < 0) && to <= from;
    if nothing(x0, x1) || nothing(y0, y1) {
        let problem = node.problem(format!("`{key}` covers nothing"));
        return Err(problem.with_hint(
            "[x0, y0, x1, y1] ends at the column and row behind the last: not width and height",
        ));
    }
    Ok(corners)
}

fn corner(node: &Node, key: &str) -> Result<i64, Problem> {
    match &node.kind {
        NodeKind::Integer(number, _) => Ok(*number),
        _ => Err(node.problem(format!(
            "`{key}` takes whole numbers, not {}",
            node.describe()
        ))),
    }
}

/// Reads `[dicom.pixels]`.
pub fn device_regions(
    node: Option<&Node>,
    confidentiality: Option<&Confidentiality>,
) -> Result<(PixelRules, Vec<DeviceRegions>), Problem> {
    let default = PixelRules::default_for(confidentiality);
    let Some(node) = node else {
        return Ok((default, Vec::new()));
    };
    let entries = PIXELS.entries(node, "`pixels`")?;
    let burned_in = option(entries, "burned-in", Node::one_of)?;
    let default = PixelRules::default_with(burned_in.unwrap_or(default.burned_in));
    let rules = PixelRules {
        other_images: option(entries, "other-images", Node::one_of)?
            .unwrap_or(default.other_images),
        blank_finds: option(entries, "blank-finds", Node::flag)?.unwrap_or(default.blank_finds),
        markers: option(entries, "markers", Node::one_of)?.unwrap_or(default.markers),
        faces: option(entries, "faces", Node::one_of)?.unwrap_or(default.faces),
        ..default
    };
    blanked_where_looked(entries, rules)?;
    let regions = option(entries, "regions", |list, key| {
        list.items(key)?
            .iter()
            .map(region)
            .collect()
    })?;
    let cleans = confidentiality.is_some_and(|settings| settings.has(CleanPixelData));
    if cleans && rules.burned_in == BurnedIn::Keep {
        let problem = node
            .problem("the option `clean-pixel-data` and `burned-in = \"keep\"` exclude each other");
        return Err(problem.with_hint(
            "leave one of the two out: pixels that stay as they are have not been cleaned",
        ));
    }
    Ok((rules, regions.unwrap_or_default()))
}

/// Refuses what would blank nothing, as it may look as if it did.
fn blanked_where_looked(entries: &[Entry], rules: PixelRules) -> Result<(), Problem> {
    let refused = [
        (
            "blank-finds",
            rules.blank_finds && rules.other_images == OtherImages::Keep,
            "`blank-finds` is about images that the header does not call risky, and in these text \
                is not looked for",
            "add `other-images = \"detect\"`, or take `blank-finds` out",
        ),
        (
            "markers",
            rules.markers == Markers::Blank && !rules.looks_for_text(),
            "`markers = \"blank\"` blanks nothing where text is not looked for",
            "add `burned-in = \"detect\"` or `other-images = \"detect\"`, or take `markers` out",
        ),
    ];
    for (key, is_refused, message, hint) in refused {
        if let Some(entry) = find(entries, key).filter(|_| is_refused) {
            return Err(entry
                .problem(message)
                .with_hint(hint));
        }
    }
    Ok(())
}

fn region(node: &Node) -> Result<DeviceRegions, Problem> {
    let (mut when, mut blank) = (None, None);
    for entry in node.entries("an entry of `regions`")? {
        match entry.key.as_str() {
            "when" => when = Some(required_attributes(&entry.value)?),
            "blank" => blank = Some(&entry.value),
            _ => return Err(REGION.unknown(entry)),
        }
    }
    let when = when.ok_or_else(|| node.problem("an entry of `regions` needs `when`"))?;
    let Some(blank) = blank else {
        let problem = node.problem("an entry of `regions` needs `blank`");
        return Err(problem.with_hint("where nothing is burned in, write `blank = []`"));
    };
    Ok(DeviceRegions {
        blank: blanked_area(blank, &when)?,
        when,
    })
}

fn required_attributes(node: &Node) -> Result<Vec<RequiredAttribute>, Problem> {
    let entries = node.entries("`when`")?;
    if entries.is_empty() {
        let problem = node.problem("`when` is empty, and would hold of every image");
        return Err(problem
            .with_hint("name what the images have in common: `when = { Modality = \"US\" }`"));
    }
    let mut all: Vec<RequiredAttribute> = entries
        .iter()
        .map(required_attribute)
        .collect::<Result<_, _>>()?;
    all.sort_by_key(|required| required.tag);
    Ok(all)
}

fn required_attribute(entry: &Entry) -> Result<RequiredAttribute, Problem> {
    let tag = standard::tag_of_keyword(&entry.key).ok_or_else(|| {
        let otherwise = "write the keyword of an attribute, such as `Manufacturer`";
        Problem::no_attribute(&entry.key, otherwise).at(entry.position)
    })?;
    let name = standard::name_of(tag);
    if tag.group() == 0x0002 {
        return Err(entry.problem(format!(
            "{name} belongs to the file meta information, which `when` does not see"
        )));
    }
    let vr = standard::vr(tag).filter(|vr| is_text(*vr) || is_number(*vr));
    let vr = vr.ok_or_else(|| {
        entry.problem(format!(
            "{name} has no text or number that could be compared"
        ))
    })?;
    let values = match &entry.value.kind {
        NodeKind::List(items) if !items.is_empty() => items
            .iter()
            .map(|item| required_value(item, vr, &name))
            .collect::<Result<_, _>>()?,
        _ => vec![required_value(&entry.value, vr, &name)?],
    };
    Ok(RequiredAttribute { tag, values })
}

fn is_number(vr: VR) -> bool {
    is_number_text(vr) || is_binary_number(vr)
}

fn required_value(node: &Node, vr: VR, name: &str) -> Result<RequiredValue, Problem> {
    match &node.kind {
        NodeKind::Text(text) if is_text(vr) && !text.trim().is_empty() => {
            Ok(RequiredValue::Text(text.trim().to_lowercase()))
        }
        NodeKind::Integer(..) | NodeKind::Float(_) if is_number(vr) => node
            .number(name)
            .map(RequiredValue::Number),
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

fn blanked_area(node: &Node, when: &[RequiredAttribute]) -> Result<BlankedArea, Problem> {
    match &node.kind {
        NodeKind::Text(text) if text == OUTSIDE => Ok(BlankedArea::OutsideUltrasoundRegions),
        NodeKind::List(items) => items
            .iter()
            .map(|item| rectangle(item, when))
            .collect::<Result<_, _>>()
            .map(BlankedArea::Rectangles),
        _ => Err(wrong_rectangle(
            node,
            &format!("`blank` must be a list of rectangles or `{OUTSIDE}`"),
        )),
    }
}

fn wrong_rectangle(node: &Node, message: &str) -> Problem {
    node.problem(message)
        .with_hint(RECTANGLE)
}

fn rectangle(node: &Node, when: &[RequiredAttribute]) -> Result<Rectangle, Problem> {
    let numbers = node
        .items("a rectangle of `blank`")?
        .iter()
        .map(pixels)
        .collect::<Result<Vec<u16>, _>>()?;
    let [x, y, width, height] = numbers
        .try_into()
        .map_err(|numbers: Vec<u16>| {
            let count = numbers.len();
            wrong_rectangle(
                node,
                &format!("a rectangle of `blank` has {count} numbers instead of 4"),
            )
        })?;
    if width == 0 || height == 0 {
        return Err(wrong_rectangle(
            node,
            "a rectangle of `blank` covers nothing",
        ));
    }
    for (what, tag, end) in [
        ("columns", tags::COLUMNS, u32::from(x) + u32::from(width)),
        ("rows", tags::ROWS, u32::from(y) + u32::from(height)),
    ] {
        if required_number(when, tag).is_some_and(|length| f64::from(end) > length) {
            let message =
                format!("a rectangle of `blank` ends beyond the {what} that `when` states");
            return Err(wrong_rectangle(node, &message));
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
        NodeKind::Integer(number, _) => u16::try_from(number).ok(),
        _ => None,
    };
    let message = "a rectangle of `blank` takes whole numbers from 0 to 65535";
    number.ok_or_else(|| wrong_rectangle(node, message))
}

/// The number that `when` wants an attribute to have.
fn required_number(when: &[RequiredAttribute], tag: Tag) -> Option<f64> {
    match when
        .iter()
        .find(|required| required.tag == tag)?
        .values
        .first()?
    {
        RequiredValue::Number(number) => Some(*number),
        RequiredValue::Text(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
