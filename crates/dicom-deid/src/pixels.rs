//! What happens to images, which is the first thing that happens to a file: regions are blanked,
//! text is looked for and blanked or refused, and comments inside compressed frames are emptied.
//!
//! Owns the option `alter_pixels` and the section `[dicom.pixels]`. Native pixel data stays where
//! it is and is blanked when it is sent; compressed frames are decoded one by one. Where something
//! is to be blanked and cannot be, the file fails.

mod beside_image;
mod decode;
mod frame_comments;
mod frames;
mod image_frames;
mod layout;
mod look;
mod regions;

use std::sync::Arc;

use dicom_dictionary_std::tags;
use dicom_lossless::{Instance, Mask, PixelElement, Scrubbed};
use frames::{FrameReader, Palette};
pub use image_frames::{FrameSamples, ImageFrames};
use layout::{Area, Image};
use look::{Blanking, InstanceFrames};
pub use look::{HeadSlices, Shown, Slice, SurveyedImage, look_at_slices, refused, survey};
use regions::ImageHeader;

use crate::error::{DeidError, DeidErrorKind};
use crate::pixel_look::{LookVerdict, PixelLook};
use crate::profile::{
    AlterPixels, BurnedIn, DeviceRegions, DicomRules, Faces, Markers, NestingLevel, OtherImages,
    PixelRules, Region,
};
use crate::standard::burned_in::PictureClass;

/// What a profile does to images.
pub struct PixelCleaning {
    alter: Option<AlterPixels>,
    regions: Vec<DeviceRegions>,
    rules: PixelRules,
    /// Whether the Basic Profile of PS3.15 is carried out.
    confidential: bool,
    /// Whether rules remove the pixel data anyway.
    removed: bool,
}

/// What was done to an image.
#[derive(Debug, Clone, Default)]
pub struct PixelWork {
    /// Pixels were blanked: by `alter_pixels`, by regions, or because text was found there.
    pub blanked: bool,
    /// Bytes beside the image, such as comments inside compressed frames, were emptied or cut, here
    /// or in an icon image.
    pub segments_blanked: bool,
    /// An entry of `[[dicom.pixels.regions]]` is about this image, be it to say that nothing is
    /// burned in; or `alter_pixels` blanked some of it. Only then has pixel data been cleaned.
    pub settled: bool,
    /// Which part of the profile is to be named for it.
    pub by: &'static str,
    /// What was seen in it.
    pub look: PixelLook,
    /// The slice, where it is to be looked at with the others of its series.
    pub slice: Option<Box<Slice>>,
    /// The slices of a head that it has.
    pub head: Option<HeadSlices>,
}

impl PixelWork {
    /// How many elements of the image count as changed.
    pub fn changes(&self) -> u32 {
        u32::from(self.blanked || self.segments_blanked)
    }

    /// Whether text was found and blanked, and a second look found none.
    pub fn is_verified(&self) -> bool {
        self.look.verdict == LookVerdict::Blanked
    }

    /// Whether something stays that may be text.
    pub fn is_doubtful(&self) -> bool {
        self.look.verdict == LookVerdict::Uncertain
    }
}

/// What is to be looked for in an image.
enum Search {
    Nothing,
    /// The file is refused by its header, for this reason.
    Refuse(&'static str),
    /// Text is blanked in every frame; none found refuses the file where there is a reason.
    Blank(Blanking),
    /// Regions say what to blank: what is found beside them refuses the file.
    CheckAll {
        /// Whether the header says that it may show text.
        risky: bool,
    },
    /// Some frames are looked at, and what is certain refuses the file.
    Check {
        alone: bool,
    },
}

impl PixelCleaning {
    pub fn of(rules: &DicomRules) -> Self {
        Self {
            alter: rules.alter_pixels.clone(),
            regions: rules.regions.clone(),
            rules: rules.pixels,
            confidential: rules.confidentiality.is_some(),
            removed: rules
                .effect_on(tags::PIXEL_DATA, NestingLevel::Top)
                .effect
                .is_gone(),
        }
    }

    /// Does to an instance, as it was read, what the profile does to images.
    pub fn clean(&self, instance: &mut Instance, shown: Shown<'_>) -> Result<PixelWork, DeidError> {
        let mut work = PixelWork {
            by: "alter_pixels",
            ..PixelWork::default()
        };
        if let Some(pixels) = instance.pixels.clone() {
            self.clean_image(instance, pixels, &mut work, shown)?;
        }
        if self.confidential {
            work.segments_blanked = self.remove_beside_image(instance)?;
            if !work.blanked {
                work.by = "confidentiality";
            }
        }
        Ok(work)
    }

    fn clean_image(
        &self,
        instance: &mut Instance,
        pixels: PixelElement,
        work: &mut PixelWork,
        shown: Shown<'_>,
    ) -> Result<(), DeidError> {
        let devices = self.devices(instance);
        let blanks_by_device = devices
            .iter()
            .any(|region| region.blanks());
        let plan = self.plan(instance, &pixels, &devices)?;
        work.settled = plan.is_some() || !devices.is_empty();
        let class = ImageHeader::of(instance).class();
        let search = self.search(&class, work.settled);
        if let Search::Refuse(reason) = search {
            let why = format!("by its header it is of the kind `{reason}`");
            return Err(DeidError::new(DeidErrorKind::BurnedIn, why));
        }
        if self.confidential || self.looks() {
            work.head = look::head_slices(&ImageHeader::of(instance));
        }
        let blanking = match self.look(instance, &pixels, plan, &search, shown)? {
            Looked::Not(plan) => plan.and_then(|plan| {
                let mask = plan.mask(&pixels)?;
                Some((plan.image, mask))
            }),
            Looked::At(seen, blanking) => {
                work.look = seen;
                blanking
            }
            Looked::Later(seen, slice) => {
                work.look = seen;
                work.slice = Some(slice);
                None
            }
        };
        work.blanked = blanking.is_some();
        if work.is_verified() || !self.regions.is_empty() {
            work.by = "pixels";
        }
        let removes_copies =
            work.blanked && (blanks_by_device || work.is_verified() || self.confidential);
        if let Some((image, mask)) = blanking {
            blank(instance, &image, mask, pixels)?;
        }
        if removes_copies {
            regions::remove_copies(instance, self.confidential);
        }
        Ok(())
    }

    /// Whether series of which a face can be made are refused.
    pub fn refuses_faces(&self) -> bool {
        self.rules.faces == Faces::Refuse
    }

    /// What becomes of marks of orientation.
    pub fn markers(&self) -> Markers {
        self.rules.markers
    }

    /// Whether any image is looked at.
    fn looks(&self) -> bool {
        self.rules.burned_in == BurnedIn::Detect || self.rules.other_images == OtherImages::Detect
    }

    /// What the profile wants looked for, by the header.
    fn search(&self, class: &PictureClass, settled: bool) -> Search {
        let rules = &self.rules;
        if self.removed || (rules.burned_in == BurnedIn::Keep && !self.looks()) {
            return Search::Nothing;
        }
        let of_others = |stated_no: bool| match rules.other_images {
            OtherImages::Keep => Search::Nothing,
            OtherImages::Detect if settled => Search::CheckAll { risky: false },
            OtherImages::Detect if rules.blank_finds => Search::Blank(Blanking {
                markers: rules.markers,
                needs_a_find: None,
                nothing: LookVerdict::NothingFound,
            }),
            OtherImages::Detect => Search::Check { alone: stated_no },
        };
        match (class, rules.burned_in) {
            (PictureClass::Other { stated_no }, _) => of_others(*stated_no),
            (PictureClass::NoPicture, _) | (PictureClass::Risky(_), BurnedIn::Keep) => {
                Search::Nothing
            }
            (PictureClass::Risky(rule), BurnedIn::Refuse) if rule.is_refused_unseen() => {
                if settled {
                    Search::Nothing
                } else {
                    Search::Refuse(rule.reason)
                }
            }
            (PictureClass::Risky(_), BurnedIn::Refuse) => of_others(false),
            (PictureClass::Risky(_), BurnedIn::Detect) if settled => {
                Search::CheckAll { risky: true }
            }
            (PictureClass::Risky(rule), BurnedIn::Detect) => Search::Blank(Blanking {
                markers: rules.markers,
                needs_a_find: rule
                    .needs_a_find()
                    .then_some(rule.reason),
                nothing: LookVerdict::NothingFoundInRiskyImage,
            }),
        }
    }

    /// Looks for what is to be looked for, and says what is blanked in the end.
    fn look(
        &self,
        instance: &Instance,
        pixels: &PixelElement,
        plan: Option<Plan>,
        search: &Search,
        shown: Shown<'_>,
    ) -> Result<Looked, DeidError> {
        if matches!(search, Search::Nothing | Search::Refuse(_)) {
            return Ok(Looked::Not(plan));
        }
        let (image, layers) = match plan {
            Some(plan) => (Ok(plan.image), plan.layers),
            None => (Image::of(instance, pixels), Vec::new()),
        };
        let palette = Palette::of(instance);
        let overlays = beside_image::declared_overlays(instance);
        let undecodable = |error| match search {
            Search::Check { .. } | Search::CheckAll { risky: false } if layers.is_empty() => {
                Ok(Looked::At(not_decoded(), None))
            }
            // Regions that cannot be blanked fail the file in any case.
            Search::Check { .. } | Search::CheckAll { risky: false } => Err(error),
            Search::Blank(how) if how.nothing == LookVerdict::NothingFound => {
                Ok(Looked::At(not_decoded(), None))
            }
            _ => Err(unseen(error)),
        };
        let image = match image {
            Ok(image) => image,
            Err(error) => return undecodable(error),
        };
        let reader = match FrameReader::of(instance, pixels, &image, palette.as_ref(), overlays) {
            Ok(reader) => reader,
            Err(error) => return undecodable(error),
        };
        if let Search::Check { alone: false } = search
            && image.frames == 1
        {
            let slice = Slice::new(instance, pixels, image, palette, overlays);
            return Ok(Looked::Later(PixelLook::default(), Box::new(slice)));
        }
        let planes = image.planes && !pixels.encapsulated;
        let regions = image.mask(&layers, planes);
        let mut frames = InstanceFrames {
            reader,
            image: &image,
            regions: regions.as_ref(),
            blanked: Vec::new(),
            planes,
            failure: None,
        };
        let look = match search {
            Search::Blank(how) => look::blank_text(&mut frames, *how, shown)?,
            Search::CheckAll { .. } => look::check_all(&mut frames, self.rules.markers, shown)?,
            _ => look::check_alone(&mut frames, self.rules.markers, shown)?,
        };
        if matches!(search, Search::Check { .. }) && image.frames == 1 {
            let slice = Slice::new(instance, pixels, image, palette, overlays);
            return Ok(Looked::Later(look, Box::new(slice)));
        }
        let of_frames: Vec<Vec<Area>> = (0..image.frames)
            .map(|number| frames.areas(number))
            .collect();
        let mask = image.mask_of_frames(&layers, &of_frames, planes);
        Ok(Looked::At(look, mask.map(|mask| (image.clone(), mask))))
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

    /// What regions blank; none where they blank nothing.
    fn plan(
        &self,
        instance: &Instance,
        pixels: &PixelElement,
        devices: &[&DeviceRegions],
    ) -> Result<Option<Plan>, DeidError> {
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
        let plan = Plan { image, layers };
        Ok(plan
            .mask(pixels)
            .is_some()
            .then_some(plan))
    }
}

/// What regions of the profile blank in an image.
struct Plan {
    image: Image,
    layers: Vec<Vec<Area>>,
}

impl Plan {
    fn mask(&self, pixels: &PixelElement) -> Option<Mask> {
        self.image
            .mask(&self.layers, self.image.planes && !pixels.encapsulated)
    }
}

/// What came of looking at an image.
enum Looked {
    /// It was not looked at: what regions blank is blanked.
    Not(Option<Plan>),
    /// What was seen, and what is blanked.
    At(PixelLook, Option<(Image, Mask)>),
    /// It is looked at with the others of its series; and what was seen in it by itself.
    Later(PixelLook, Box<Slice>),
}

fn not_decoded() -> PixelLook {
    PixelLook {
        verdict: LookVerdict::NotDecoded,
        ..PixelLook::default()
    }
}

/// Why an image that may show text is refused unseen.
fn unseen(error: DeidError) -> DeidError {
    let why = format!(
        "by its header it may show text, and it cannot be looked at: {}",
        error.detail
    );
    DeidError {
        remedy: error.remedy,
        ..DeidError::new(DeidErrorKind::BurnedIn, why)
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
