//! What happens to images, which is the first thing that happens to a file: those that may show
//! text are refused, parts are blanked, and comments inside compressed frames are emptied.
//!
//! Owns the option `alter_pixels` and the section `[dicom.pixels]`. Native pixel data stays where
//! it is and is blanked on its way out; compressed frames are decoded one by one. Nothing that
//! cannot be blanked is passed on: the file fails.

mod beside_image;
mod decode;
mod frame_comments;
mod layout;
mod regions;

use std::sync::Arc;

use dicom_dictionary_std::tags;
use dicom_lossless::{Instance, Mask, PixelElement, Scrubbed};
use layout::{Area, Image};
use regions::ImageHeader;

use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{AlterPixels, BurnedIn, DeviceRegions, DicomRules, NestingLevel, Region};

/// What a profile does to images.
pub struct PixelCleaning {
    alter: Option<AlterPixels>,
    regions: Vec<DeviceRegions>,
    burned_in: BurnedIn,
    /// Whether the Basic Profile of PS3.15 is carried out.
    confidential: bool,
    /// Whether rules remove the pixel data anyway.
    removed: bool,
}

/// What was done to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PixelWork {
    /// Pixels were blanked, by `alter_pixels` or by regions.
    pub blanked: bool,
    /// Bytes beside the image, such as comments inside compressed frames, were emptied or cut, here
    /// or in an icon image.
    pub segments_blanked: bool,
    /// An entry of `[[dicom.pixels.regions]]` is about this image, be it to say that nothing is
    /// burned in; or `alter_pixels` blanked some of it. Only then has pixel data been cleaned.
    pub settled: bool,
    /// Which part of the profile is to be named for it.
    pub by: &'static str,
}

impl PixelWork {
    /// How many elements of the image count as changed.
    pub fn changes(self) -> u32 {
        u32::from(self.blanked || self.segments_blanked)
    }
}

impl PixelCleaning {
    pub fn of(rules: &DicomRules) -> Self {
        Self {
            alter: rules.alter_pixels.clone(),
            regions: rules.regions.clone(),
            burned_in: rules.burned_in,
            confidential: rules.confidentiality.is_some(),
            removed: rules
                .effect_on(tags::PIXEL_DATA, NestingLevel::Top)
                .effect
                .is_gone(),
        }
    }

    /// Does to an instance, as it was read, what the profile does to images.
    pub fn clean(&self, instance: &mut Instance) -> Result<PixelWork, DeidError> {
        let mut work = PixelWork {
            by: "alter_pixels",
            ..PixelWork::default()
        };
        if let Some(pixels) = instance.pixels.clone() {
            let devices = self.devices(instance);
            let plan = self.plan(instance, &pixels, &devices)?;
            work.blanked = plan.is_some();
            work.settled = work.blanked || !devices.is_empty();
            if !self.regions.is_empty() {
                work.by = "pixels";
            }
            if self.burned_in == BurnedIn::Refuse
                && !work.settled
                && !self.removed
                && let Some(reason) = ImageHeader::of(instance).risk()
            {
                let why = format!("by its header it is of the kind `{reason}`");
                return Err(DeidError::new(DeidErrorKind::BurnedIn, why));
            }
            if let Some((image, mask)) = plan {
                blank(instance, &image, mask, pixels)?;
            }
            let by_device = devices
                .iter()
                .any(|region| region.blanks());
            if work.blanked && (by_device || self.confidential) {
                regions::remove_copies(instance, self.confidential);
            }
        }
        if self.confidential {
            work.segments_blanked = self.remove_beside_image(instance)?;
            if !work.blanked {
                work.by = "confidentiality";
            }
        }
        Ok(work)
    }

    /// Takes away what lies beside the image in the bytes that hold it.
    fn remove_beside_image(&self, instance: &mut Instance) -> Result<bool, DeidError> {
        let mut changed = false;
        if let Some(pixels) = instance
            .pixels
            .clone()
            .filter(|_| !self.removed)
        {
            if has_second_image(instance) {
                return Err(pixel_error("there is pixel data of two kinds"));
            }
            changed |= match (pixels.encapsulated, &pixels.scrubbed) {
                (true, _) => {
                    beside_image::refuse_in_compressed(instance, pixels.tag)?;
                    frame_comments::empty_comments(instance, pixels)?
                }
                (false, Some(Scrubbed::Replaced(_))) => {
                    beside_image::refuse_in_compressed(instance, pixels.tag).map(|()| false)?
                }
                (false, _) => beside_image::keep_to_frames(instance, pixels)?,
            };
        }
        if instance
            .pixels
            .as_ref()
            .is_none_or(|pixels| !pixels.encapsulated)
        {
            changed |= frame_comments::without_tables(instance);
        }
        Ok(beside_image::clean_nested(instance)? || changed)
    }

    /// The entries of `[[dicom.pixels.regions]]` that are about this image.
    fn devices(&self, instance: &Instance) -> Vec<&DeviceRegions> {
        let header = ImageHeader::of(instance);
        self.regions
            .iter()
            .filter(|region| header.fits(region))
            .collect()
    }

    /// What is blanked in the end; none where nothing is.
    fn plan(
        &self,
        instance: &Instance,
        pixels: &PixelElement,
        devices: &[&DeviceRegions],
    ) -> Result<Option<(Image, Mask)>, DeidError> {
        let altered = self
            .alter
            .as_ref()
            .map_or(Ok(Vec::new()), |alter| matching(alter, instance))?;
        if altered
            .iter()
            .all(|region| region.keep)
            && !devices
                .iter()
                .any(|region| region.blanks())
        {
            return Ok(None);
        }
        if has_second_image(instance) {
            return Err(pixel_error(
                "there is pixel data of two kinds, of which only one can be blanked",
            ));
        }
        let image = Image::of(instance, pixels)?;
        let area =
            |region: &&Region| Area::new(region.keep, region.corners, image.columns, image.rows);
        let mut layers = vec![altered.iter().map(area).collect()];
        for region in devices {
            layers.push(regions::device_layer(region, instance, &image)?);
        }
        if is_compressed(instance) != pixels.encapsulated {
            return Err(pixel_error(
                "the pixel data is not encoded as its transfer syntax says",
            ));
        }
        let mask = image.mask(&layers, image.planes && !pixels.encapsulated);
        Ok(mask.map(|mask| (image, mask)))
    }
}

/// Whether there is pixel data of another kind beside the image.
fn has_second_image(instance: &Instance) -> bool {
    layout::ALL_PIXELS
        .iter()
        .any(|tag| instance.get(*tag).is_some())
}

fn is_compressed(instance: &Instance) -> bool {
    !instance.syntax.is_native() && !instance.syntax.deflated
}

fn blank(
    instance: &mut Instance,
    image: &Image,
    mask: Mask,
    pixels: PixelElement,
) -> Result<(), DeidError> {
    if pixels.encapsulated {
        return decode::replace(instance, image, &mask);
    }
    image.fits_native(instance, &pixels)?;
    instance.pixels = Some(PixelElement {
        scrubbed: Some(Scrubbed::Masked(Arc::new(mask))),
        ..pixels
    });
    Ok(())
}

/// The regions whose condition holds, in order.
fn matching<'a>(alter: &'a AlterPixels, instance: &Instance) -> Result<Vec<&'a Region>, DeidError> {
    let mut matching = Vec::new();
    for (index, region) in alter.regions.iter().enumerate() {
        let undecided = || {
            pixel_error(format!(
                "whether the condition of `pixels[{index}]` holds cannot be found out"
            ))
        };
        if regions::condition_holds(&region.when, instance).ok_or_else(undecided)? {
            matching.push(region);
        }
    }
    Ok(matching)
}

fn pixel_error(why: impl Into<String>) -> DeidError {
    DeidError::new(DeidErrorKind::Pixels, why)
}

#[cfg(test)]
mod tests;
