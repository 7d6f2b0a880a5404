//! What is shown of the instances of a series: some frames as they would go, the values that changed
//! attributes have now, and texts that nothing changed.
//!
//! Owns which frames these are. Everything is read from what was written, never from the source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dicom_deid::{LookVerdict, PixelLook, Sendable, TextFind};
use dicom_lossless::{Instance, Limits, SourceFile, escape_for_terminal};
use dicom_pictures::{HeaderLine, Picture, ShownImage, header_lines};

use super::changes::{ChangeRow, NotedChange};
use super::{ReviewedSeries, SeriesChange};

/// Pixels of a picture in the longer direction.
const SIDE: usize = 128;
/// The most frames of a series that are shown for what was blanked or found in them, beside first,
/// middle and last.
const MOST_SHOWN: u32 = 24;
/// The most characters of a value, and values of an attribute.
const LONGEST: usize = 200;
const MOST_VALUES: usize = 3;
/// The most lines of a header that are looked through for texts, and texts that are listed.
const MOST_LINES: usize = 2000;
const MOST_TEXTS: usize = 80;
/// Kinds of value that a person typed (PS3.5 section 6.2).
const TEXTS: [&str; 7] = ["LO", "SH", "ST", "LT", "UT", "UC", "PN"];

/// A frame as it would go.
#[derive(Debug, Clone)]
pub struct ShownPicture {
    /// PNG.
    pub png: Vec<u8>,
    /// Columns and rows of the picture.
    pub size: [usize; 2],
    /// The instance, from 1 in the order of the series, and the frame in it, from 1.
    pub place: [u64; 2],
    /// Something was blanked or found in it: places are outlined.
    pub found: bool,
    /// Where its original is.
    pub source: FrameSource,
}

/// Where a frame comes from.
#[derive(Debug, Clone)]
pub struct FrameSource {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The frame in it, from 0.
    pub frame: u32,
}

/// An instance of a series.
pub struct ReviewInstance<'a> {
    /// As it would go.
    pub instance: &'a Sendable,
    /// The file that it was made of.
    pub source: &'a Arc<SourceFile>,
    /// What cleaning did to its attributes.
    pub changes: &'a [NotedChange],
    /// What was seen in its image.
    pub look: Option<&'a PixelLook>,
}

impl ReviewInstance<'_> {
    fn finds(&self) -> &[TextFind] {
        self.look
            .map_or(&[], |look| &look.finds)
    }
}

/// The instances of a series in the order of their numbers.
pub struct Instances<'a> {
    all: Vec<ReviewInstance<'a>>,
    limits: &'a Limits,
}

/// Frames that are shown, by instance, both from 0.
type Chosen = BTreeMap<usize, BTreeSet<Frame>>;

/// A frame that is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Frame {
    Number(u32),
    /// How many there are is known once it is read.
    Middle,
    Last,
}

impl<'a> Instances<'a> {
    /// Puts them into order.
    pub fn new(mut all: Vec<ReviewInstance<'a>>, limits: &'a Limits) -> Self {
        all.sort_by_cached_key(|one| {
            let number = one
                .instance
                .routing()
                .instance_number
                .as_ref()
                .and_then(|number| {
                    number
                        .expose()
                        .trim()
                        .parse::<i64>()
                        .ok()
                });
            (number.unwrap_or(i64::MAX), one.source.path().to_owned())
        });
        Self { all, limits }
    }

    /// Fills in what is shown of them.
    pub fn show(&self, series: &mut ReviewedSeries) {
        let usual = self.usual();
        let (found, not_shown) = self.found(&usual);
        series.not_shown = not_shown;
        for one in &self.all {
            let is = |seen: fn(&PixelLook) -> bool| u64::from(one.look.is_some_and(seen));
            series.blanked += is(|look| look.blanked > 0);
            series.uncertain += is(|look| look.verdict == LookVerdict::Uncertain);
        }
        let mut values = Values::of(&self.all);
        let mut chosen = usual.clone();
        for (at, frames) in found {
            chosen
                .entry(at)
                .or_default()
                .extend(frames);
        }
        for (at, frames) in chosen {
            let Some(one) = self.all.get(at) else {
                continue;
            };
            let instance = match one
                .instance
                .body()
                .instance(self.limits)
            {
                Ok(instance) => instance,
                Err(error) => {
                    series
                        .without_picture
                        .get_or_insert_with(|| error.detail());
                    continue;
                }
            };
            if usual.contains_key(&at) {
                values.add(one, &instance);
                if at == 0 {
                    series.kept = texts(one, &instance);
                }
            }
            if let Err(why) = show_frames((at, one), instance, &frames, &mut series.pictures) {
                series
                    .without_picture
                    .get_or_insert(why);
            }
        }
        series.changes = values.into_changes();
    }

    /// First, middle and last.
    fn usual(&self) -> Chosen {
        let [first, middle, last] = [Frame::Number(0), Frame::Middle, Frame::Last];
        let all = self.all.len();
        if all <= 2 {
            return (0..all)
                .map(|at| (at, BTreeSet::from([first, middle, last])))
                .collect();
        }
        [(0, first), (all / 2, middle), (all - 1, last)]
            .map(|(at, frame)| (at, BTreeSet::from([frame])))
            .into()
    }

    /// Frames in which something was blanked or found, as many as are shown, and how many are not.
    fn found(&self, usual: &Chosen) -> (Chosen, u64) {
        let (mut found, mut shown, mut not_shown) = (Chosen::new(), 0, 0);
        for (at, one) in self.all.iter().enumerate() {
            let frames: BTreeSet<u32> = one
                .finds()
                .iter()
                .flat_map(|find| {
                    let [first, last] = find.frames;
                    // A find in all frames of a long clip is no reason to list all of them.
                    let end = last.min(first.saturating_add(2 * MOST_SHOWN));
                    not_shown += u64::from(last.saturating_sub(end));
                    first..=end
                })
                .collect();
            for frame in frames {
                let frame = Frame::Number(frame.saturating_sub(1));
                let is_usual = usual
                    .get(&at)
                    .is_some_and(|frames| frames.contains(&frame));
                if is_usual || shown < MOST_SHOWN {
                    shown += u32::from(!is_usual);
                    found
                        .entry(at)
                        .or_default()
                        .insert(frame);
                } else {
                    not_shown += 1;
                }
            }
        }
        (found, not_shown)
    }
}

/// Adds pictures of frames of an instance.
///
/// # Errors
/// Why there is none of a frame, for people.
fn show_frames(
    (at, one): (usize, &ReviewInstance<'_>),
    instance: Instance,
    frames: &BTreeSet<Frame>,
    pictures: &mut Vec<ShownPicture>,
) -> Result<(), String> {
    let image = ShownImage::of(instance).map_err(|error| error.to_string())?;
    let Some(mut image) = image else {
        return Ok(());
    };
    let last = image.frames().saturating_sub(1);
    let numbers: BTreeSet<u32> = frames
        .iter()
        .map(|frame| match frame {
            Frame::Number(number) => (*number).min(last),
            Frame::Middle => last.div_ceil(2),
            Frame::Last => last,
        })
        .collect();
    for number in numbers {
        let picture = image
            .frame(number)
            .map_err(|error| error.to_string())?;
        let here: Vec<_> = one
            .finds()
            .iter()
            .filter(|find| (find.frames[0]..=find.frames[1]).contains(&(number + 1)))
            .collect();
        let thumbnail = with_outlines(&picture, &here);
        let png = thumbnail
            .to_png()
            .map_err(|error| error.to_string())?;
        pictures.push(ShownPicture {
            png,
            size: [thumbnail.width, thumbnail.height],
            place: [at as u64 + 1, u64::from(number) + 1],
            found: !here.is_empty(),
            source: FrameSource {
                file: Arc::clone(one.source),
                frame: number,
            },
        });
    }
    Ok(())
}

/// A small picture with a line around each place, in colour where there is one.
fn with_outlines(picture: &Picture, finds: &[&TextFind]) -> Picture {
    let mut small = picture.thumbnail(SIDE);
    let (width, height) = (small.width, small.height);
    for find in finds {
        let [left, top, columns, rows] = find.area.map(usize::from);
        let scaled = |at: usize, small: usize, large: usize| at * small / large.max(1);
        let x = |at| scaled(at, width, picture.width);
        let y = |at| scaled(at, height, picture.height);
        small.outline([
            x(left),
            y(top),
            (x(left + columns) - x(left)).max(1),
            (y(top + rows) - y(top)).max(1),
        ]);
    }
    small
}

/// What became of attributes, over the instances of a series.
struct Values {
    order: Vec<Arc<ChangeRow>>,
    by_row: BTreeMap<usize, SeriesChange>,
}

impl Values {
    fn of(all: &[ReviewInstance<'_>]) -> Self {
        let (mut order, mut by_row) = (Vec::new(), BTreeMap::<usize, SeriesChange>::new());
        for change in all
            .iter()
            .flat_map(|one| one.changes)
        {
            let change = by_row
                .entry(key(&change.row))
                .or_insert_with(|| {
                    order.push(Arc::clone(&change.row));
                    SeriesChange {
                        row: Arc::clone(&change.row),
                        instances: 0,
                        now: Vec::new(),
                    }
                });
            change.instances += 1;
        }
        Self { order, by_row }
    }

    fn add(&mut self, one: &ReviewInstance<'_>, instance: &Instance) {
        for change in one.changes {
            let now = change.value_in(instance);
            if let (Some(series), Some(now)) = (
                self.by_row
                    .get_mut(&key(&change.row)),
                now,
            ) {
                let now = shortened(&now);
                if series.now.len() < MOST_VALUES && !series.now.contains(&now) {
                    series.now.push(now);
                }
            }
        }
    }

    /// In the order in which the first instance has them.
    fn into_changes(mut self) -> Vec<SeriesChange> {
        self.order
            .iter()
            .filter_map(|row| self.by_row.remove(&key(row)))
            .collect()
    }
}

/// Kinds of change are there once, so their address tells them apart.
fn key(row: &Arc<ChangeRow>) -> usize {
    Arc::as_ptr(row).addr()
}

/// Texts that nothing changed, by attribute.
fn texts(one: &ReviewInstance<'_>, instance: &Instance) -> Vec<(String, String)> {
    let changed: BTreeSet<_> = one
        .changes
        .iter()
        .filter_map(NotedChange::outermost)
        .collect();
    let is_text = |line: &HeaderLine| {
        let is_new = line.depth == 0 && changed.contains(&line.tag);
        TEXTS.contains(&line.vr) && !line.value.trim().is_empty() && !is_new
    };
    header_lines(instance, LONGEST, MOST_LINES)
        .into_iter()
        .filter(is_text)
        .take(MOST_TEXTS)
        .map(|line| {
            let name = line
                .keyword
                .map_or_else(|| line.tag.to_string(), str::to_owned);
            (name, line.value)
        })
        .collect()
}

/// A value as the page has it.
fn shortened(value: &str) -> String {
    let value = escape_for_terminal(value);
    let count = value.chars().count();
    if count <= LONGEST {
        return value;
    }
    let begin: String = value
        .chars()
        .take(LONGEST)
        .collect();
    format!("{begin}... ({count} characters)")
}
