//! What `[[dicom.pixels.regions]]` blanks in an image: rectangles, or all but where an ultrasound
//! device draws its echoes.
//!
//! Owns the way from an entry to a layer of areas. A rectangle that misses the image is a failure,
//! for then the entry is not about this image.

use super::areas::Area;
use super::cannot;
use super::image::Image;
use crate::error::DeidError;
use crate::profile::{BlankedArea, DeviceRegions, Rectangle};
use crate::standard;
use dicom_lossless::{DataSet, Encoding, Instance, Tag};

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
pub(super) fn layer(
    region: &DeviceRegions,
    instance: &Instance,
    image: &Image,
) -> Result<Vec<Area>, DeidError> {
    match &region.blank {
        BlankedArea::Rectangles(all) => all
            .iter()
            .map(|rectangle| area(*rectangle, image))
            .collect(),
        BlankedArea::OutsideUltrasoundRegions => outside(instance, image),
    }
}

fn area(rectangle: Rectangle, image: &Image) -> Result<Area, DeidError> {
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
        return Err(cannot("a rectangle of `regions` lies beside the image").with_remedy(hint));
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
        cannot(format!(
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
        let bytes = item.get(tag).and_then(|element| element.bytes());
        let word = bytes.and_then(|bytes| bytes.first_chunk::<4>().filter(|_| bytes.len() == 4));
        let word =
            word.ok_or_else(|| cannot(format!("{} is not one number", standard::name_of(tag))))?;
        *corner = i64::from(encoding.u32(*word));
    }
    let [x0, y0, x1, y1] = corners;
    if x1 < x0 || y1 < y0 {
        Err(cannot("an ultrasound region ends before it begins"))
    } else {
        Ok(corners)
    }
}
