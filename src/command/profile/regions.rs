//! `fwupload profile regions`: entries of `[[dicom.pixels.regions]]` proposed from images, for a
//! person to confirm. Asks no server and changes no file.
//!
//! Owns what counts as one device and one place, and the TOML that is written. What tells a device
//! is shown; no other value of a file is.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use rayon::prelude::*;

use crate::cli::RegionsArgs;
use crate::config::{self, Environment};
use crate::discover::{DiscoveredFile, Discovery, Found};
use crate::failure::{Error, RunCode};
use crate::pipeline::{guarded, workers};
use dicom_deid::{SurveyedImage, survey};
use dicom_lossless::{Limits, Source, escape_for_terminal, read};

use super::super::{remark, say};
use super::inputs;

/// A place where images of a device show text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SharedPlace {
    /// First column, first row, columns and rows.
    area: [u16; 4],
    /// Images that show something there.
    images: usize,
}

/// What tells a device, and columns and rows.
type DeviceAndSize = (Vec<(&'static str, String)>, [u16; 2]);

/// The images of a device that have one size.
#[derive(Debug, Default)]
struct DeviceImages {
    images: usize,
    places: Vec<SharedPlace>,
}

/// Looks at images and writes what could be blanked in those of each device.
pub fn run(args: &RegionsArgs, environment: &Environment) -> Result<(), Error> {
    let discovery = Discovery::prepare(inputs(&args.paths, &args.folders), &mut io::empty())?;
    let pool = workers(config::jobs(args.jobs, environment)?)?;
    let mut files = Vec::new();
    let _ = discovery.run(&mut |found| {
        if let Found::Dicom(file) = found {
            files.push(file);
        }
        ControlFlow::Continue(())
    });
    let seen: Vec<Option<SurveyedImage>> = pool.install(|| {
        files
            .par_iter()
            .map(|file| guarded(|| look(file)).unwrap_or_default())
            .collect()
    });
    let unseen = seen
        .iter()
        .filter(|image| image.is_none())
        .count();
    let mut devices: BTreeMap<DeviceAndSize, DeviceImages> = BTreeMap::new();
    for image in seen.into_iter().flatten() {
        devices
            .entry((image.device.clone(), image.size))
            .or_default()
            .add(&image);
    }
    if devices.is_empty() {
        return Err(Error::new(
            RunCode::InputNothing,
            "there is no image that could be looked at",
        )
        .with_hint("name files or folders with DICOM images"));
    }
    for ((device, size), images) in &devices {
        say(&entry(device, *size, images))?;
    }
    if unseen > 0 {
        remark(&format!(
            "{unseen} of {} DICOM files have no image, or one that cannot be decoded",
            files.len()
        ));
    }
    remark(
        "this is a proposal: look at images of each device before you put an entry into a profile",
    );
    Ok(())
}

fn look(file: &DiscoveredFile) -> Result<Option<SurveyedImage>, crate::failure::FileFailure> {
    let instance = read(Source::File(Arc::new(file.source()?)), &Limits::default())?;
    Ok(survey(&instance)?)
}

impl DeviceImages {
    /// Counts an image, and joins what it shows with what others show there.
    fn add(&mut self, image: &SurveyedImage) {
        self.images += 1;
        let mut places: Vec<SharedPlace> = image
            .places
            .iter()
            .map(|area| SharedPlace {
                area: *area,
                images: 1,
            })
            .collect();
        join(&mut places);
        // Several places of one image are one image.
        for place in &mut places {
            place.images = 1;
        }
        self.places.extend(places);
        join(&mut self.places);
        for place in &mut self.places {
            place.images = place.images.min(self.images);
        }
    }
}

/// Makes one of places that touch, until none do.
fn join(places: &mut Vec<SharedPlace>) {
    let mut joined: Vec<SharedPlace> = Vec::new();
    while let Some(mut place) = places.pop() {
        while let Some(at) = joined
            .iter()
            .position(|other| touch(place.area, other.area))
        {
            let other = joined.swap_remove(at);
            place = SharedPlace {
                area: around(place.area, other.area),
                images: place.images + other.images,
            };
        }
        joined.push(place);
    }
    joined.sort_by_key(|place| (place.area[1], place.area[0]));
    *places = joined;
}

/// The columns and the rows behind the last, wider than a side can be.
fn ends([x, y, width, height]: [u16; 4]) -> (u32, u32) {
    (
        u32::from(x) + u32::from(width),
        u32::from(y) + u32::from(height),
    )
}

fn touch(one: [u16; 4], other: [u16; 4]) -> bool {
    let ((right, bottom), (other_right, other_bottom)) = (ends(one), ends(other));
    u32::from(one[0]) <= other_right
        && u32::from(other[0]) <= right
        && u32::from(one[1]) <= other_bottom
        && u32::from(other[1]) <= bottom
}

fn around(one: [u16; 4], other: [u16; 4]) -> [u16; 4] {
    let ((right, bottom), (other_right, other_bottom)) = (ends(one), ends(other));
    let (x, y) = (one[0].min(other[0]), one[1].min(other[1]));
    let side = |end: u32, from: u16| u16::try_from(end - u32::from(from)).unwrap_or(u16::MAX);
    [
        x,
        y,
        side(right.max(other_right), x),
        side(bottom.max(other_bottom), y),
    ]
}

/// An entry in TOML, with what it rests on as comments.
fn entry(
    device: &[(&'static str, String)],
    [columns, rows]: [u16; 2],
    images: &DeviceImages,
) -> String {
    let mut lines = vec![format!(
        "# {} {} of {columns} x {rows} pixels",
        images.images,
        if images.images == 1 {
            "image"
        } else {
            "images"
        },
    )];
    for place in &images.places {
        lines.push(format!("# {:?}: in {} of them", place.area, place.images));
    }
    let mut when: Vec<String> = device
        .iter()
        .map(|(keyword, value)| format!("{keyword} = {}", toml_text(value)))
        .collect();
    when.push(format!("Rows = {rows}"));
    when.push(format!("Columns = {columns}"));
    let blank: Vec<String> = images
        .places
        .iter()
        .map(|place| format!("{:?}", place.area))
        .collect();
    lines.push("[[dicom.pixels.regions]]".to_owned());
    lines.push(format!("when = {{ {} }}", when.join(", ")));
    if blank.is_empty() {
        // Nothing found is no proof, and `blank = []` says that a person looked.
        lines
            .push("# blank = []    nothing was found: look at images before you say so".to_owned());
    } else {
        lines.push(format!("blank = [{}]", blank.join(", ")));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A basic string of TOML that a terminal shows as it is.
fn toml_text(value: &str) -> String {
    let shown = escape_for_terminal(value);
    format!(
        "\"{}\"",
        shown
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(places: &[[u16; 4]]) -> SurveyedImage {
        SurveyedImage {
            device: vec![
                ("Modality", "US".to_owned()),
                ("Manufacturer", "AC\"ME".to_owned()),
            ],
            size: [800, 600],
            places: places.to_vec(),
        }
    }

    #[test]
    fn places_of_several_images_are_joined_and_counted() {
        let mut images = DeviceImages::default();
        images.add(&image(&[
            [0, 0, 100, 20],
            [90, 10, 50, 20],
            [700, 500, 40, 20],
        ]));
        images.add(&image(&[[10, 0, 200, 18]]));
        assert_eq!(
            images.places,
            [
                SharedPlace {
                    area: [0, 0, 210, 30],
                    images: 2
                },
                SharedPlace {
                    area: [700, 500, 40, 20],
                    images: 1
                },
            ]
        );
    }

    #[test]
    fn an_entry_is_one_that_profiles_take() {
        let mut images = DeviceImages::default();
        images.add(&image(&[[0, 0, 800, 56]]));
        let text = entry(&image(&[]).device, [800, 600], &images);
        assert_eq!(
            text,
            "# 1 image of 800 x 600 pixels\n# [0, 0, 800, 56]: in 1 of them\n\
            [[dicom.pixels.regions]]\n\
            when = { Modality = \"US\", Manufacturer = \"AC\\\"ME\", Rows = 600, Columns = 800 }\n\
            blank = [[0, 0, 800, 56]]\n"
        );
        let digest_with = |entry: &str| {
            let profile =
                format!("name = \"p\"\n[dicom.confidentiality]\nprofile = \"basic\"\n{entry}");
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("p.toml");
            std::fs::write(&path, profile)?;
            dicom_deid::profile::load(&path.to_string_lossy())
                .map(|profile| profile.digest())
                .map_err(std::io::Error::other)
        };
        let (with, without) = (digest_with(&text), digest_with(""));
        assert!(
            matches!((&with, &without), (Ok(with), Ok(without)) if with != without),
            "{with:?}, {without:?}"
        );
    }

    #[test]
    fn nothing_found_is_no_entry_that_says_so() {
        let mut images = DeviceImages::default();
        images.add(&image(&[]));
        let text = entry(&image(&[]).device, [800, 600], &images);
        assert!(text.contains("\n# blank = []"), "{text}");
    }
}
