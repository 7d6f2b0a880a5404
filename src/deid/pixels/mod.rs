//! Blanks parts of images, which is the first thing that happens to a file.
//!
//! Owns the option `alter_pixels`. Native pixel data stays where it is and is blanked on its way out; compressed frames are
//! decoded one by one. Nothing that cannot be blanked is passed on: the file fails.

mod areas;
mod colour;
mod condition;
mod decode;
mod image;
mod jpeg;
mod jpeg2000;
mod rle;
mod spool;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use areas::Area;
use image::Image;

use crate::dicom::{Instance, Scrubbed};
use crate::failure::{FileCode, FileFailure};
use crate::profile::{AlterPixels, Region};

/// Blanks what the profile wants blanked. Tells whether anything was.
pub(super) fn scrub(alter: &AlterPixels, instance: &mut Instance) -> Result<bool, FileFailure> {
    let Some(pixels) = instance.pixels.clone() else { return Ok(false) };
    let regions = matching(alter, instance)?;
    if regions.iter().all(|region| region.keep) {
        return Ok(false);
    }
    if image::ALL_PIXELS.iter().any(|tag| instance.get(*tag).is_some()) {
        return Err(cannot("there is pixel data of two kinds, of which only one can be blanked"));
    }
    let image = Image::of(instance, &pixels)?;
    let area = |region: &&Region| Area::new(region.keep, region.corners, image.columns, image.rows);
    let areas: Vec<Area> = regions.iter().map(area).collect();
    let compressed = !instance.syntax.is_native() && !instance.syntax.deflated;
    if compressed != pixels.encapsulated {
        return Err(cannot("the pixel data is not encoded as its transfer syntax says"));
    }
    let Some(mask) = image.mask(&areas, image.planes && !compressed) else { return Ok(false) };
    if compressed {
        decode::replace(instance, &image, &mask)?;
    } else {
        image.fits_native(instance, &pixels)?;
        instance.pixels = Some(crate::dicom::PixelElement { scrubbed: Some(Scrubbed::Masked(Arc::new(mask))), ..pixels });
    }
    Ok(true)
}

/// The regions whose condition holds, in order.
fn matching<'a>(alter: &'a AlterPixels, instance: &Instance) -> Result<Vec<&'a Region>, FileFailure> {
    let mut matching = Vec::new();
    for (index, region) in alter.regions.iter().enumerate() {
        let undecided = |_| cannot(format!("whether the condition of `pixels[{index}]` holds cannot be found out"));
        if condition::holds(&region.when, instance).map_err(undecided)? {
            matching.push(region);
        }
    }
    Ok(matching)
}

fn cannot(why: impl Into<String>) -> FileFailure {
    FileFailure::new(FileCode::DeidPixels, why)
}
