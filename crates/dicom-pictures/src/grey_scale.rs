//! From stored values to the grey levels of a screen: modality LUT, VOI LUT, presentation (PS3.3
//! sections C.11.1, C.11.2 and C.11.6).
//!
//! Owns which of them a frame has and what they do to a value. What is absent or impossible counts
//! as not there, so that any image has a picture.

use dicom_deid::{FrameSamples, ImageFrames};
use dicom_dictionary_std::tags;
use dicom_lossless::Instance;

use crate::attributes::Group;
use crate::picture::level;
use crate::table::{FirstValue, Table};

/// How the values of a frame become grey.
pub struct GreyScale {
    modality: Modality,
    voi: Option<Voi>,
    inverted: bool,
    padding: Option<(f64, f64)>,
    /// The least and the most that a stored value can be, where that is known.
    possible: Option<(f64, f64)>,
}

/// What the stored values measure.
enum Modality {
    Table(Table),
    Rescale { slope: f64, intercept: f64 },
}

/// Which of the measured values are to be seen.
enum Voi {
    Table(Table),
    Window(Window),
    Range(f64, f64),
}

struct Window {
    center: f64,
    width: f64,
    function: Function,
}

enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

impl GreyScale {
    /// How the values of a frame, from 0, become grey.
    pub fn of(frames: &ImageFrames, number: u32) -> Self {
        let instance = frames.instance();
        let outermost = Group::outermost(instance);
        let inputs = if frames.is_signed() {
            FirstValue::Signed
        } else {
            FirstValue::Unsigned
        };
        let modality = Modality::of(instance, number, inputs);
        let bits = u32::from(frames.bits_stored());
        let possible = frames.is_small().then(|| {
            let values = f64::from(1_u32 << bits.min(16));
            if frames.is_signed() {
                (-values / 2.0, values / 2.0 - 1.0)
            } else {
                (0.0, values - 1.0)
            }
        });
        let voi_inputs = match &modality {
            Modality::Rescale { intercept, .. } if *intercept < 0.0 => FirstValue::Signed,
            Modality::Rescale { .. } => inputs,
            Modality::Table(_) => FirstValue::Unsigned,
        };
        let shape = outermost.term(tags::PRESENTATION_LUT_SHAPE);
        Self {
            voi: Voi::of(instance, number, voi_inputs),
            modality,
            inverted: frames.photometric() == "MONOCHROME1"
                || shape.is_some_and(|shape| shape == "INVERSE"),
            padding: padding(frames),
            possible,
        }
    }

    /// The grey levels of a frame of a number of pixels.
    pub fn levels(&self, samples: &FrameSamples, pixels: usize) -> Vec<u8> {
        let automatic;
        let voi = if let Some(voi) = &self.voi {
            voi
        } else {
            automatic = self.range(samples);
            &automatic
        };
        let level_of = |value: f64| {
            let part = voi.part(self.modality.measured(value));
            level(if self.inverted { 1.0 - part } else { part })
        };
        let mut levels = Vec::with_capacity(pixels);
        // A table of all values is shorter than nearly every image.
        let tabled = self
            .possible
            .filter(|(least, most)| {
                u32::try_from(pixels).is_ok_and(|pixels| f64::from(pixels) > most - least)
            });
        let Some((least, most)) = tabled else {
            samples.for_each(|value| levels.push(level_of(value)));
            return levels;
        };
        #[allow(clippy::cast_possible_truncation)] // They have 16 bits.
        let all: Vec<u8> = (least as i32..=most as i32)
            .map(|value| level_of(f64::from(value)))
            .collect();
        samples.for_each(|value| {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let at = (value - least) as usize;
            levels.push(
                all.get(at)
                    .copied()
                    .unwrap_or_default(),
            );
        });
        levels
    }

    /// The range of the values that are no padding; that of all possible ones where they are alike.
    fn range(&self, samples: &FrameSamples) -> Voi {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        samples.for_each(|value| {
            let is_padding = self
                .padding
                .is_some_and(|(low, high)| (low..=high).contains(&value));
            let measured = self.modality.measured(value);
            if measured.is_finite() && !is_padding {
                least = least.min(measured);
                most = most.max(measured);
            }
        });
        if least < most {
            return Voi::Range(least, most);
        }
        let (low, high) = self.possible.unwrap_or((0.0, 1.0));
        let (low, high) = (self.modality.measured(low), self.modality.measured(high));
        Voi::Range(low.min(high), low.max(high))
    }
}

/// The stored values that stand for no pixel (PS3.3 section C.7.5.1.1.2).
fn padding(frames: &ImageFrames) -> Option<(f64, f64)> {
    const BY_KIND: [(dicom_lossless::Tag, dicom_lossless::Tag); 3] = [
        (tags::PIXEL_PADDING_VALUE, tags::PIXEL_PADDING_RANGE_LIMIT),
        (
            tags::FLOAT_PIXEL_PADDING_VALUE,
            tags::FLOAT_PIXEL_PADDING_RANGE_LIMIT,
        ),
        (
            tags::DOUBLE_FLOAT_PIXEL_PADDING_VALUE,
            tags::DOUBLE_FLOAT_PIXEL_PADDING_RANGE_LIMIT,
        ),
    ];
    let outermost = Group::outermost(frames.instance());
    let (value, limit) = BY_KIND
        .into_iter()
        .find(|(value, _)| outermost.element(*value).is_some())?;
    let stored = |tag| {
        // The VR says US where the dictionary was asked, whatever the image's values are.
        if let [word] = outermost.words(tag)[..] {
            Some(if frames.is_signed() {
                f64::from(word.cast_signed())
            } else {
                f64::from(word)
            })
        } else {
            outermost.number(tag)
        }
    };
    let value = stored(value)?;
    let limit = stored(limit).unwrap_or(value);
    Some((value.min(limit), value.max(limit)))
}

impl Modality {
    fn of(instance: &Instance, number: u32, inputs: FirstValue) -> Self {
        let outermost = Group::outermost(instance);
        let table = outermost
            .item(tags::MODALITY_LUT_SEQUENCE, 0)
            .and_then(|item| Table::of_item(item, inputs));
        if let Some(table) = table {
            return Self::Table(table);
        }
        let groups = Group::of_frame(instance, number, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
        let found = groups.into_iter().find(|group| {
            group
                .element(tags::RESCALE_SLOPE)
                .is_some()
                || group
                    .element(tags::RESCALE_INTERCEPT)
                    .is_some()
        });
        let of = |tag, otherwise| {
            found
                .and_then(|group| group.number(tag))
                .unwrap_or(otherwise)
        };
        Self::Rescale {
            slope: of(tags::RESCALE_SLOPE, 1.0),
            intercept: of(tags::RESCALE_INTERCEPT, 0.0),
        }
    }

    fn measured(&self, value: f64) -> f64 {
        match self {
            Self::Table(table) => f64::from(table.entry(value)),
            Self::Rescale { slope, intercept } => value * slope + intercept,
        }
    }
}

impl Voi {
    fn of(instance: &Instance, number: u32, inputs: FirstValue) -> Option<Self> {
        let groups = Group::of_frame(instance, number, tags::FRAME_VOILUT_SEQUENCE);
        groups
            .into_iter()
            .find_map(|group| {
                let table = group
                    .item(tags::VOILUT_SEQUENCE, 0)
                    .and_then(|item| Table::of_item(item, inputs));
                match table {
                    Some(table) => Some(Self::Table(table)),
                    None => Window::of(group).map(Self::Window),
                }
            })
    }

    /// Where a measured value lies between black (0) and white (1).
    fn part(&self, value: f64) -> f64 {
        match self {
            Self::Table(table) => table.part(value),
            Self::Window(window) => window.part(value),
            Self::Range(least, most) => (value - least) / (most - least),
        }
    }
}

impl Window {
    /// The first window; none where it is impossible.
    fn of(group: Group<'_>) -> Option<Self> {
        let function = group.term(tags::VOILUT_FUNCTION);
        let function = match function.as_deref() {
            Some("SIGMOID") => Function::Sigmoid,
            Some("LINEAR_EXACT") => Function::LinearExact,
            _ => Function::Linear,
        };
        let width = group.number(tags::WINDOW_WIDTH)?;
        let is_possible = match function {
            Function::Linear => width >= 1.0,
            Function::LinearExact | Function::Sigmoid => width > 0.0,
        };
        is_possible.then_some(Self {
            center: group.number(tags::WINDOW_CENTER)?,
            width,
            function,
        })
    }

    fn part(&self, value: f64) -> f64 {
        let (center, width) = (self.center, self.width);
        match self.function {
            Function::Linear => {
                let (center, width) = (center - 0.5, width - 1.0);
                if value <= center - width / 2.0 {
                    0.0
                } else if value > center + width / 2.0 {
                    1.0
                } else {
                    (value - center) / width + 0.5
                }
            }
            Function::LinearExact => (value - center) / width + 0.5,
            Function::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - center) / width).exp()),
        }
    }
}
