//! Looks for text in an image or a series, and decides what becomes of it.
//!
//! Owns which frames are looked at, when a find is certain enough to refuse a file, and that what
//! was blanked is looked at again. Nothing found is never taken for a proof.

use dicom_lossless::Mask;
use rayon::prelude::*;

use super::find::{Find, Place, Scales, text_in};
use super::views::grey_pictures;
use crate::error::{DeidError, DeidErrorKind};
use crate::pixel_look::{FrameSink, LookVerdict, PixelLook, ShownFrame, TextFind};
use crate::pixels::frames::{FrameReader, FrameSamples};
use crate::pixels::layout::{Area, Image};
use crate::profile::Markers;

/// Frames of which the minimum and the maximum are looked at.
const SPREAD: u32 = 8;
/// What is blanked is looked at again and blanked further at most as often as this.
const ROUNDS: usize = 3;
/// A picture of which more would be blanked is refused, in thousandths.
const MOST_BLANKED: u16 = 500;
/// A find that is as likely is plain: at two scales it is certain.
const PLAIN: f32 = 0.8;
/// Gaps in time up to this many frames are blanked as well: a line does not go away for a moment.
const SHORT_GAP: u32 = 8;
/// Finds that a report names.
const NAMED: usize = 200;

/// Frames that can be looked at: those of an instance, or the instances of a series.
pub trait Frames {
    /// How many there are.
    fn count(&self) -> u32;

    /// Columns and rows.
    fn size(&self) -> (usize, usize);

    /// The samples of one; none where it cannot be decoded.
    fn samples(&mut self, number: u32) -> Option<FrameSamples>;

    /// What is likely text in each of these.
    fn finds(&mut self, numbers: &[u32], scales: Scales) -> Vec<(u32, Vec<Find>)> {
        let (width, height) = self.size();
        numbers
            .iter()
            .filter_map(|number| {
                let samples = self.samples(*number)?;
                Some((
                    *number,
                    text_in(&grey_pictures(&samples, width, height), scales),
                ))
            })
            .collect()
    }
}

/// What was found where anatomy is not blanked.
pub struct Checked {
    /// Frames that were looked at.
    pub looked_at: Vec<u32>,
    /// In each of them.
    pub finds: Vec<(u32, Vec<Find>)>,
    /// In what spread frames have in common.
    pub common: Vec<Find>,
}

impl Checked {
    /// What was seen in frames, of `count`, those that `is_of` this look.
    pub fn look(&self, count: u32, is_of: impl Fn(u32) -> bool) -> PixelLook {
        let of_frames = self
            .finds
            .iter()
            .filter(|(number, _)| is_of(*number))
            .flat_map(|(number, finds)| {
                finds
                    .iter()
                    .map(|find| ([*number, *number], *find))
            });
        let common = self
            .common
            .iter()
            .map(|find| ([0, count.saturating_sub(1)], *find));
        let finds = named(common.chain(of_frames));
        let looked_at = self
            .looked_at
            .iter()
            .filter(|number| is_of(**number))
            .count();
        PixelLook {
            verdict: match (finds.is_empty(), looked_at) {
                (false, _) => LookVerdict::Uncertain,
                (true, 0) => LookVerdict::NotLookedAt,
                (true, _) => LookVerdict::NothingFound,
            },
            frames: count,
            frames_looked_at: u32::try_from(looked_at).unwrap_or(u32::MAX),
            finds,
            ..PixelLook::default()
        }
    }

    /// Those that are certain: they stand at the same place in several frames that are apart, are
    /// plain at two scales, or show at two scales in what frames have in common.
    pub fn certain(&self, count: u32) -> Vec<(Option<u32>, Find)> {
        let apart = (count / 10).max(1);
        let shows = |finds: &[Find], find: &Find| {
            finds
                .iter()
                .any(|other| other.place.is_same(&find.place))
        };
        let repeated = |number: u32, find: &Find| {
            self.finds
                .iter()
                .any(|(other, finds)| other.abs_diff(number) >= apart && shows(finds, find))
        };
        // What one frame alone shows is seen in the extremes of several as well.
        let is_of_one = |find: &Find| {
            let frames = self
                .finds
                .iter()
                .filter(|(_, finds)| shows(finds, find));
            frames.count() == 1
        };
        let common = self
            .common
            .iter()
            .filter(|find| find.confirmed > 0.0 && !is_of_one(find))
            .map(|find| (None, *find));
        let of_frames = self
            .finds
            .iter()
            .flat_map(|(number, finds)| {
                finds
                    .iter()
                    .map(move |find| (*number, find))
            })
            .filter(|(number, find)| find.confirmed >= PLAIN || repeated(*number, find))
            .map(|(number, find)| (Some(number), *find));
        common.chain(of_frames).collect()
    }
}

/// Looks at first, middle and last frame and at what spread frames have in common; at all of them
/// as soon as one shows text.
pub fn check(frames: &mut impl Frames, markers: Markers) -> Checked {
    let count = frames.count();
    let sample = spread(count, 3);
    let mut finds = frames.finds(&sample, Scales::Confirming);
    keep_text(&mut finds, markers);
    let common = common(frames, markers, Scales::Confirming);
    let shows = !common.is_empty()
        || finds
            .iter()
            .any(|(_, finds)| !finds.is_empty());
    if shows && sample.len() < count as usize {
        let others: Vec<u32> = (0..count)
            .filter(|number| !sample.contains(number))
            .collect();
        let mut rest = frames.finds(&others, Scales::Confirming);
        keep_text(&mut rest, markers);
        finds.extend(rest);
        finds.sort_by_key(|(number, _)| *number);
    }
    Checked {
        looked_at: finds
            .iter()
            .map(|(number, _)| *number)
            .collect(),
        finds,
        common,
    }
}

fn keep_text(finds: &mut [(u32, Vec<Find>)], markers: Markers) {
    for (_, finds) in finds {
        finds.retain(|find| is_text(find, markers));
    }
}

fn is_text(find: &Find, markers: Markers) -> bool {
    markers == Markers::Blank || !find.mark
}

/// Where two sizes were looked at, both show a find, or one of them plainly.
fn is_confirmed(find: &Find, scales: Scales) -> bool {
    scales == Scales::One || find.confirmed > 0.0 || find.peak >= PLAIN
}

/// Up to `most` numbers below `count`, the first and the last among them.
pub fn spread(count: u32, most: u32) -> Vec<u32> {
    let taken = count.min(most);
    let mut numbers: Vec<u32> = (0..taken)
        .map(|at| at * count.saturating_sub(1) / taken.saturating_sub(1).max(1))
        .collect();
    numbers.dedup();
    numbers
}

/// What is likely text in the minimum and in the maximum of spread frames: what stays while all
/// else moves, and what stands in one of them by itself. Two frames or fewer are looked at by
/// themselves.
pub fn common(frames: &mut impl Frames, markers: Markers, scales: Scales) -> Vec<Find> {
    let count = frames.count();
    if count < 3 {
        return Vec::new();
    }
    let mut extremes: Option<[FrameSamples; 2]> = None;
    for number in spread(count, SPREAD) {
        let Some(samples) = frames.samples(number) else {
            continue;
        };
        match &mut extremes {
            Some([least, most]) => {
                least.combine(&samples, false);
                most.combine(&samples, true);
            }
            None => extremes = Some([samples.clone(), samples]),
        }
    }
    let (width, height) = frames.size();
    extremes
        .as_ref()
        .map_or(&[][..], |extremes| extremes)
        .par_iter()
        .flat_map_iter(|samples| text_in(&grey_pictures(samples, width, height), scales))
        .filter(|find| is_text(find, markers))
        .collect()
}

/// Finds as a report names them, those that go on from frame to frame as one.
pub fn named(finds: impl IntoIterator<Item = ([u32; 2], Find)>) -> Vec<TextFind> {
    let mut named: Vec<(Place, TextFind)> = Vec::new();
    for ([first, last], find) in finds {
        let has_room = named.len() < NAMED;
        let before = named
            .iter_mut()
            .find(|(place, known)| {
                known.frames[1] >= first
                    && known.frames[0] <= last + 1
                    && place.is_same(&find.place)
            });
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // From 0 to 100.
        let likelihood = (find.peak * 100.0).clamp(0.0, 100.0) as u8;
        match before {
            Some((_, known)) => {
                known.frames = [
                    known.frames[0].min(first + 1),
                    known.frames[1].max(last + 1),
                ];
                known.likelihood = known.likelihood.max(likelihood);
            }
            None if has_room => {
                let side = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
                let place = find.place;
                named.push((
                    place,
                    TextFind {
                        frames: [first + 1, last + 1],
                        area: [place.left, place.top, place.width(), place.height()].map(side),
                        likelihood,
                    },
                ));
            }
            None => {}
        }
    }
    named
        .into_iter()
        .map(|(_, find)| find)
        .collect()
}

/// The frames of one instance, with what regions blank blanked.
pub struct InstanceFrames<'a> {
    pub reader: FrameReader<'a>,
    pub image: &'a Image,
    /// What regions of the profile blank.
    pub regions: Option<&'a Mask>,
    /// What is blanked for finds, by frame.
    pub blanked: Vec<Vec<Place>>,
    /// Whether the bytes of a frame hold one plane behind another.
    pub planes: bool,
    /// Why a frame could not be read; the image is refused then.
    pub failure: Option<DeidError>,
}

impl InstanceFrames<'_> {
    /// The bytes of a frame with all blanked that is to be.
    fn bytes(&mut self, number: u32) -> Result<Vec<u8>, DeidError> {
        let mut bytes = self.reader.bytes(number)?;
        if let Some(mask) = self.regions {
            mask.apply(0, &mut bytes);
        }
        let areas = self.areas(number);
        if let Some(mask) = self
            .image
            .mask(&[areas], self.planes)
        {
            mask.apply(0, &mut bytes);
        }
        Ok(bytes)
    }

    /// What is blanked in a frame for finds.
    pub fn areas(&self, number: u32) -> Vec<Area> {
        let places = usize::try_from(number)
            .ok()
            .and_then(|number| self.blanked.get(number));
        places
            .into_iter()
            .flatten()
            .map(|place| area(place, self.image))
            .collect()
    }

    fn blank(&mut self, number: u32, place: &Place) {
        let (width, height) = self.size();
        let grown = place.with_margin(width, height);
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(places) = self.blanked.get_mut(at)
            && !places.contains(&grown)
        {
            places.push(grown);
        }
    }

    /// The largest share of a frame that is blanked for finds, in thousandths.
    fn share(&self) -> u16 {
        let (width, height) = self.size();
        let most = self
            .blanked
            .iter()
            .map(|places| covered(places, width, height))
            .max()
            .unwrap_or_default();
        u16::try_from((most * 1000).div_ceil((width * height).max(1))).unwrap_or(1000)
    }
}

fn area(place: &Place, image: &Image) -> Area {
    let corner = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
    let corners = [place.left, place.top, place.right, place.bottom].map(corner);
    Area::new(false, corners, image.columns, image.rows)
}

/// How many pixels lie in at least one place.
fn covered(places: &[Place], width: usize, height: usize) -> usize {
    let mut rows: Vec<usize> = places
        .iter()
        .flat_map(|place| [place.top, place.bottom.min(height)])
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows.iter()
        .zip(rows.iter().skip(1))
        .map(|(top, bottom)| {
            let mut runs: Vec<(usize, usize)> = places
                .iter()
                .filter(|place| place.top <= *top && place.bottom >= *bottom)
                .map(|place| (place.left, place.right.min(width)))
                .collect();
            runs.sort_unstable();
            let (mut sum, mut end) = (0, 0);
            for (left, right) in runs {
                sum += right.saturating_sub(left.max(end));
                end = end.max(right);
            }
            sum * (bottom - top)
        })
        .sum()
}

impl Frames for InstanceFrames<'_> {
    fn count(&self) -> u32 {
        self.image.frames
    }

    fn size(&self) -> (usize, usize) {
        (
            usize::from(self.image.columns),
            usize::from(self.image.rows),
        )
    }

    fn samples(&mut self, number: u32) -> Option<FrameSamples> {
        match self.bytes(number) {
            Ok(bytes) => Some(self.reader.samples(&bytes)),
            Err(error) => {
                self.failure.get_or_insert(error);
                None
            }
        }
    }
}

/// Who is shown frames, and the path by which these are named.
#[derive(Clone, Copy, Default)]
pub struct Shown<'a> {
    pub to: Option<&'a dyn FrameSink>,
    pub path: &'a str,
}

/// How an image is searched whose text is blanked.
#[derive(Clone, Copy)]
pub struct Blanking {
    pub markers: Markers,
    /// Why an image in which nothing is found is refused.
    pub needs_a_find: Option<&'static str>,
    /// What nothing found comes to.
    pub nothing: LookVerdict,
}

/// Looks at every frame, blanks what is likely text, and looks again until nothing is left.
///
/// # Errors
/// `BurnedIn`, with what was seen: text that stays, too much of a picture that would go, nothing
/// found where something must be. Or that a frame cannot be decoded.
pub fn blank_text(
    frames: &mut InstanceFrames<'_>,
    how: Blanking,
    shown: Shown<'_>,
) -> Result<PixelLook, DeidError> {
    let count = frames.count();
    frames.blanked = vec![Vec::new(); usize::try_from(count).unwrap_or_default()];
    let mut look = PixelLook {
        frames: count,
        frames_looked_at: count,
        verdict: how.nothing,
        ..PixelLook::default()
    };
    let (mut found, mut is_clean) = (Vec::new(), false);
    for round in 0..=ROUNDS {
        let new = text_of_all_frames(frames, how.markers, round == 0);
        if let Some(failure) = frames.failure.take() {
            // Nothing is to be blanked in the others: it is told, as it is where nothing is decoded.
            if round == 0 && new.is_empty() && how.nothing == LookVerdict::NothingFound {
                return Ok(PixelLook {
                    verdict: LookVerdict::NotDecoded,
                    frames: count,
                    ..PixelLook::default()
                });
            }
            return Err(failure);
        }
        is_clean = new.is_empty();
        if is_clean || round == ROUNDS {
            break;
        }
        for ([first, last], find) in &new {
            for number in *first..=*last {
                frames.blank(number, &find.place);
            }
        }
        found.extend(new);
        look.verdict = LookVerdict::Blanked;
    }
    look.finds = named(found.iter().copied());
    look.blanked = frames.share();
    let refusal = if found.is_empty() {
        how.needs_a_find.map(|reason| {
            format!(
                "by its header it is of the kind `{reason}`, in which text is to be expected; \
                none was found, which is no proof"
            )
        })
    } else if look.blanked > MOST_BLANKED {
        Some(format!(
            "{} % of a picture would have to be blanked",
            look.blanked / 10
        ))
    } else if !is_clean {
        Some("after blanking what was found, something that is likely text still stands".to_owned())
    } else {
        None
    };
    show(frames, &look, refusal.is_some(), shown);
    match refusal {
        None => Ok(look),
        Some(why) => Err(refused(DeidErrorKind::BurnedIn, why, look)),
    }
}

/// Looks at every frame of an image of which regions say what is blanked.
///
/// # Errors
/// `BurnedIn` where something beside them is likely text.
pub fn check_all(
    frames: &mut InstanceFrames<'_>,
    markers: Markers,
    shown: Shown<'_>,
) -> Result<PixelLook, DeidError> {
    let count = frames.count();
    let found = text_of_all_frames(frames, markers, true);
    if let Some(failure) = frames.failure.take() {
        return Err(failure);
    }
    let look = PixelLook {
        frames: count,
        frames_looked_at: count,
        verdict: LookVerdict::NothingFound,
        finds: named(found.iter().copied()),
        ..PixelLook::default()
    };
    if look.finds.is_empty() {
        return Ok(look);
    }
    show(frames, &look, true, shown);
    let why = "something is likely text outside of what the profile's regions blank";
    Err(refused(DeidErrorKind::BurnedIn, why, look).with_remedy(
        "look at it (`--pictures FOLDER`), and name that place in the entry of \
            `[[dicom.pixels.regions]]` too",
    ))
}

/// Looks at some frames of an image that is not expected to show text.
///
/// # Errors
/// `TextFound` where something is certain enough.
pub fn check_alone(
    frames: &mut InstanceFrames<'_>,
    markers: Markers,
    shown: Shown<'_>,
) -> Result<PixelLook, DeidError> {
    let checked = check(frames, markers);
    // What cannot be decoded is told, as it is where nothing can.
    let failed = frames.failure.take().is_some();
    let count = frames.count();
    let mut look = checked.look(count, |_| true);
    if failed && look.finds.is_empty() {
        look.verdict = LookVerdict::NotDecoded;
    }
    show(frames, &look, true, shown);
    if checked.certain(count).is_empty() {
        return Ok(look);
    }
    Err(refused(DeidErrorKind::TextFound, CERTAIN, look))
}

/// Why a find in an ordinary image refuses it.
pub const CERTAIN: &str =
    "it stands at the same place in several frames or slices, or is very plain";

/// A refusal that carries what was seen.
pub fn refused(kind: DeidErrorKind, why: impl Into<String>, look: PixelLook) -> DeidError {
    let mut error = DeidError::new(kind, why);
    error.look = Some(Box::new(PixelLook {
        verdict: LookVerdict::Refused,
        ..look
    }));
    error
}

/// What is likely text, with the frames in which it is to be blanked.
fn text_of_all_frames(
    frames: &mut InstanceFrames<'_>,
    markers: Markers,
    first_look: bool,
) -> Vec<([u32; 2], Find)> {
    let count = frames.count();
    let sample = if first_look {
        spread(count, 3)
    } else {
        Vec::new()
    };
    let mut of_frames: Vec<(u32, Find)> = Vec::new();
    for number in 0..count {
        // A frame in which nothing was blanked is as it was when it was looked at.
        if !first_look && frames.areas(number).is_empty() {
            continue;
        }
        let scales = if sample.contains(&number) {
            Scales::Both
        } else {
            Scales::One
        };
        for (_, finds) in frames.finds(&[number], scales) {
            of_frames.extend(
                finds
                    .into_iter()
                    .filter(|find| is_text(find, markers) && is_confirmed(find, scales))
                    .map(|find| (number, find)),
            );
        }
    }
    let scales = if first_look {
        Scales::Both
    } else {
        Scales::One
    };
    let mut all: Vec<([u32; 2], Find)> = common(frames, markers, scales)
        .into_iter()
        .filter(|find| is_confirmed(find, scales))
        .map(|find| ([0, count - 1], find))
        .collect();
    let in_half = |find: &Find| {
        let frames_with = of_frames
            .chunk_by(|(one, _), (next, _)| one == next)
            .filter(|finds| {
                finds
                    .iter()
                    .any(|(_, other)| other.place.is_same(&find.place))
            })
            .count();
        frames_with * 2 > usize::try_from(count).unwrap_or_default()
    };
    let whole = [0, count - 1];
    for (number, find) in &of_frames {
        let known = |range: &[u32; 2], place: &Place| {
            place == &find.place && (range[0]..=range[1]).contains(number)
        };
        if all
            .iter()
            .any(|(range, other)| known(range, &other.place))
        {
            continue;
        }
        let stays =
            |range: &[u32; 2], other: &Find| *range == whole && other.place.is_same(&find.place);
        let constant = all
            .iter()
            .any(|(range, other)| stays(range, other));
        let earlier = all
            .iter()
            .rev()
            .find_map(|([_, last], other)| {
                let follows = *last < *number && number - *last <= SHORT_GAP;
                (follows && other.place.is_same(&find.place)).then_some(*last)
            });
        let range = match earlier {
            _ if constant => [*number, *number],
            _ if count > 2 && in_half(find) => whole,
            // What was there shortly before was there in between.
            Some(last) => [last + 1, *number],
            None => [*number, *number],
        };
        all.push((range, *find));
    }
    all
}

/// Shows each frame in which something is blanked; where nothing is, all that have a find.
fn show(frames: &mut InstanceFrames<'_>, look: &PixelLook, stays: bool, shown: Shown<'_>) {
    let Some(sink) = shown.to else { return };
    let (width, height) = frames.size();
    let blanked = std::mem::take(&mut frames.blanked);
    // Where something had to be found, one frame shows what it is about.
    let is_refused_for_nothing = stays && look.finds.is_empty() && !blanked.is_empty();
    let has_find = |number: u32| {
        look.finds
            .iter()
            .any(|find| (find.frames[0]..=find.frames[1]).contains(&(number + 1)))
    };
    for number in 0..frames.count() {
        let places = usize::try_from(number)
            .ok()
            .and_then(|at| blanked.get(at))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let is_shown = !places.is_empty()
            || (stays && has_find(number))
            || (is_refused_for_nothing && number == 0);
        let Some(before) = is_shown
            .then(|| frames.samples(number))
            .flatten()
        else {
            continue;
        };
        let before = visible(&before, width, height);
        let mut after = before.values.clone();
        for place in places {
            for row in place.top..place.bottom {
                let from = (row * width + place.left) * before.samples;
                let to = (row * width + place.right) * before.samples;
                if let Some(run) = after.get_mut(from..to) {
                    run.fill(0);
                }
            }
        }
        let finds: Vec<TextFind> = look
            .finds
            .iter()
            .filter(|find| (find.frames[0]..=find.frames[1]).contains(&(number + 1)))
            .copied()
            .collect();
        sink.take(
            shown.path,
            &ShownFrame {
                number: Some(number + 1),
                width,
                height,
                samples: before.samples,
                before: &before.values,
                after: (!stays).then_some(&after[..]),
                finds: &finds,
            },
        );
    }
    frames.blanked = blanked;
}

/// A frame as a person sees it.
pub struct VisibleFrame {
    /// 1 or 3.
    pub samples: usize,
    pub values: Vec<u8>,
}

/// Grey, or red, green and blue.
pub fn visible(frame: &FrameSamples, width: usize, height: usize) -> VisibleFrame {
    let colours = match &frame.planes[..] {
        [_, red, green, blue] | [red, green, blue] => Some([red, green, blue]),
        _ => None,
    };
    let Some([red, green, blue]) = colours else {
        let grey = grey_pictures(frame, width, height)
            .into_iter()
            .next();
        return VisibleFrame {
            samples: 1,
            values: grey.map_or_else(|| vec![0; width * height], |grey| grey.values),
        };
    };
    let most = [red, green, blue]
        .into_iter()
        .flatten()
        .max()
        .copied()
        .unwrap_or_default();
    let unit = if most > 255 { 257 } else { 1 };
    let byte = |value: u16| u8::try_from(value / unit).unwrap_or(u8::MAX);
    VisibleFrame {
        samples: 3,
        values: red
            .iter()
            .zip(green)
            .zip(blue)
            .flat_map(|((red, green), blue)| [*red, *green, *blue].map(byte))
            .collect(),
    }
}
