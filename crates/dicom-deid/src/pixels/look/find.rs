//! Where text stands in the pictures of a frame, at one or two scales, and which finds are marks.
//!
//! Owns the sizes at which the detector looks, and what a mark is: up to three letters or digits by
//! themselves, such as `L`, `R` or the numbers of a scale. It does not decide what becomes of a
//! find.

use rayon::prelude::*;
use text_detector::{Picture, find_text};

use super::views::GreyPicture;

/// Pictures up to this side are looked at enlarged as well, larger ones reduced.
const LARGE: usize = 1024;
/// How much they are enlarged.
const ENLARGED: f32 = 1.5;
/// A picture of which neither side is as long has no room for a name.
const SMALLEST: usize = 32;
/// The edges of one text may lie as many pixels apart at two sizes.
const ROUNDED: usize = 6;
/// Letters of a mark.
const LETTERS: usize = 3;
/// Ink differs from its ground by more levels than this.
const FAINTEST: u8 = 16;
/// Strokes of a scale are as thin as this, in pixels,
const THICKEST_STROKE: usize = 3;
/// no longer than this,
const LONGEST_STROKE: usize = 40;
/// and no nearer to one another than this: bars of a code are.
const NEAREST_STROKES: usize = 4;
/// A scale has as many strokes.
const FEWEST_STROKES: usize = 4;
/// Pixels around a find in which the strokes of its scale are looked for.
const AROUND_A_SCALE: usize = 100;

/// A rectangle of pixels; right and bottom are the first that it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl Place {
    pub fn width(&self) -> usize {
        self.right.saturating_sub(self.left)
    }

    pub fn height(&self) -> usize {
        self.bottom.saturating_sub(self.top)
    }

    pub fn area(&self) -> usize {
        self.width() * self.height()
    }

    /// The shorter side, which is the height of letters.
    pub fn short(&self) -> usize {
        self.width().min(self.height())
    }

    /// Larger by a number of pixels on each side, as far as the picture goes.
    pub fn grown(&self, by: usize, width: usize, height: usize) -> Self {
        Self {
            left: self.left.saturating_sub(by),
            top: self.top.saturating_sub(by),
            right: (self.right + by).min(width),
            bottom: (self.bottom + by).min(height),
        }
    }

    /// What is blanked for it: letters have parts that the detector does not see.
    pub fn with_margin(&self, width: usize, height: usize) -> Self {
        self.grown((self.short() / 6).clamp(3, 4), width, height)
    }

    pub fn shared(&self, other: &Self) -> usize {
        let width = self
            .right
            .min(other.right)
            .saturating_sub(self.left.max(other.left));
        let height = self
            .bottom
            .min(other.bottom)
            .saturating_sub(self.top.max(other.top));
        width * height
    }

    /// Whether both are the same text: half of the smaller one lies in the other.
    pub fn is_same(&self, other: &Self) -> bool {
        self.shared(other) * 2 >= self.area().min(other.area()).max(1)
    }

    /// With what another size shows beyond it, but for what its coarser cells add by themselves.
    fn extended(&self, other: &Self) -> Self {
        let lower = |own: usize, other: usize| if other + ROUNDED < own { other } else { own };
        let upper = |own: usize, other: usize| if other > own + ROUNDED { other } else { own };
        Self {
            left: lower(self.left, other.left),
            top: lower(self.top, other.top),
            right: upper(self.right, other.right),
            bottom: upper(self.bottom, other.bottom),
        }
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// What is likely text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Find {
    pub place: Place,
    /// How likely, from 0 to 1.
    pub peak: f32,
    /// The lower peak of two scales; 0 where one of them shows nothing.
    pub confirmed: f32,
    /// Whether it is a mark.
    pub mark: bool,
}

/// At which sizes pictures are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scales {
    /// As they are.
    One,
    /// In another size too, and what either shows counts.
    Both,
    /// In another size too where there is a find.
    Confirming,
}

/// What is likely text in the pictures of one frame.
pub fn text_in(pictures: &[GreyPicture], scales: Scales) -> Vec<Find> {
    let has_room = |picture: &&GreyPicture| picture.width.max(picture.height) >= SMALLEST;
    let of_pictures: Vec<Vec<Find>> = pictures
        .par_iter()
        .filter(has_room)
        .map(|picture| finds_in(picture, scales))
        .collect();
    let mut finds: Vec<Find> = Vec::new();
    for find in of_pictures.into_iter().flatten() {
        merge(&mut finds, find);
    }
    finds
}

fn finds_in(picture: &GreyPicture, scales: Scales) -> Vec<Find> {
    let mut here = boxes(picture, 1.0);
    let looks_again = match scales {
        Scales::One => false,
        Scales::Both => true,
        Scales::Confirming => !here.is_empty(),
    };
    if looks_again {
        for other in in_other_size(picture) {
            match here
                .iter_mut()
                .find(|find| find.place.is_same(&other.place))
            {
                Some(find) => {
                    find.confirmed = find
                        .confirmed
                        .max(find.peak.min(other.peak));
                    find.peak = find.peak.max(other.peak);
                    find.place = find.place.extended(&other.place);
                }
                None if scales == Scales::Both => here.push(other),
                None => {}
            }
        }
    }
    let places: Vec<Place> = here
        .iter()
        .map(|find| find.place)
        .collect();
    for find in &mut here {
        find.mark = is_mark(picture, &find.place, &places) || is_scale(picture, &find.place);
    }
    here
}

/// Several pictures of a frame may show the same text. It is a mark where all that show it say so.
fn merge(finds: &mut Vec<Find>, find: Find) {
    match finds
        .iter_mut()
        .find(|known| known.place.is_same(&find.place))
    {
        Some(known) => {
            known.place = known.place.with(&find.place);
            known.peak = known.peak.max(find.peak);
            known.confirmed = known.confirmed.max(find.confirmed);
            known.mark &= find.mark;
        }
        None => finds.push(find),
    }
}

fn in_other_size(picture: &GreyPicture) -> Vec<Find> {
    if picture.width.max(picture.height) > LARGE {
        boxes(&halved(picture), 0.5)
    } else {
        boxes(&enlarged(picture), ENLARGED)
    }
}

/// The finds in a picture that was brought to another scale, in the pixels of the original.
fn boxes(picture: &GreyPicture, scale: f32) -> Vec<Find> {
    let Some(seen) = Picture::new(picture.width, picture.height, &picture.values) else {
        return Vec::new();
    };
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    // Sides have 16 bits.
    let back = |at: usize| (at as f32 / scale).round() as usize;
    find_text(seen)
        .into_iter()
        .map(|found| Find {
            place: Place {
                left: back(found.left),
                top: back(found.top),
                right: back(found.right).max(back(found.left) + 1),
                bottom: back(found.bottom).max(back(found.top) + 1),
            },
            peak: found.peak,
            confirmed: 0.0,
            mark: false,
        })
        .collect()
}

fn halved(picture: &GreyPicture) -> GreyPicture {
    let (width, height) = (picture.width / 2, picture.height / 2);
    let mut values = Vec::with_capacity(width * height);
    let rows: Vec<&[u8]> = picture
        .values
        .chunks_exact(picture.width)
        .collect();
    for two in rows.as_chunks::<2>().0 {
        let [upper, lower] = two;
        let pairs = upper
            .as_chunks::<2>()
            .0
            .iter()
            .zip(lower.as_chunks::<2>().0);
        values.extend(pairs.map(|([a, b], [c, d])| {
            let sum = [a, b, c, d]
                .map(|value| u16::from(*value))
                .iter()
                .sum::<u16>();
            u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX)
        }));
    }
    GreyPicture {
        width,
        height,
        values,
    }
}

/// Larger by a half, with straight lines between pixels.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)] // Sides have 16 bits.
fn enlarged(picture: &GreyPicture) -> GreyPicture {
    let sized = |side: usize| (side as f32 * ENLARGED) as usize;
    let (width, height) = (sized(picture.width), sized(picture.height));
    let between = |at: usize, side: usize| {
        let place = ((at as f32 + 0.5) / ENLARGED - 0.5).clamp(0.0, (side - 1) as f32);
        let first = place as usize;
        (first, (first + 1).min(side - 1), place - first as f32)
    };
    let columns: Vec<_> = (0..width)
        .map(|column| between(column, picture.width))
        .collect();
    let row = |number: usize| {
        picture
            .values
            .chunks_exact(picture.width)
            .nth(number)
            .unwrap_or_default()
    };
    let mut values = Vec::with_capacity(width * height);
    for line in 0..height {
        let (above, below, near) = between(line, picture.height);
        let mixed: Vec<f32> = row(above)
            .iter()
            .zip(row(below))
            .map(|(above, below)| f32::from(*above) * (1.0 - near) + f32::from(*below) * near)
            .collect();
        let at = |column: usize| {
            mixed
                .get(column)
                .copied()
                .unwrap_or_default()
        };
        values.extend(
            columns
                .iter()
                .map(|(left, right, near)| {
                    (at(*left) * (1.0 - near) + at(*right) * near + 0.5) as u8
                }),
        );
    }
    GreyPicture {
        width,
        height,
        values,
    }
}

/// A text of which the finds that touch are parts.
fn whole(place: &Place, all: &[Place]) -> Place {
    let mut text = *place;
    loop {
        let around = text.grown(1, usize::MAX, usize::MAX);
        let larger = all
            .iter()
            .filter(|part| around.shared(part) > 0)
            .fold(text, |text, part| text.with(part));
        if larger == text {
            return text;
        }
        text = larger;
    }
}

/// Whether no other find stands beside a text.
fn is_alone(text: &Place, all: &[Place]) -> bool {
    let around = text.grown(text.short() * 2, usize::MAX, usize::MAX);
    all.iter()
        .all(|other| text.shared(other) > 0 || around.shared(other) == 0)
}

/// The ink of a find and around it, which differs from the ground by more than half of what any pixel
/// of the find does.
struct Ink {
    islands: Vec<Island>,
    /// The find itself, where islands have their places too.
    inside: Place,
}

impl Ink {
    /// None where the find is as even as its ground.
    fn of(picture: &GreyPicture, place: &Place, around: usize) -> Option<Self> {
        let area = place.grown(around, picture.width, picture.height);
        let inside = Place {
            left: place.left - area.left,
            top: place.top - area.top,
            right: place.right - area.left,
            bottom: place.bottom - area.top,
        };
        let rows: Vec<&[u8]> = picture
            .values
            .chunks_exact(picture.width)
            .skip(area.top)
            .take(area.height())
            .filter_map(|row| row.get(area.left..area.right))
            .collect();
        let values = rows.concat();
        let of_rows = |part: &Place| -> Vec<u8> {
            rows.iter()
                .skip(part.top)
                .take(part.height())
                .filter_map(|row| row.get(part.left..part.right))
                .flatten()
                .copied()
                .collect()
        };
        // Far from it the ground may be another.
        let near = inside.grown(place.short().max(8), area.width(), area.height());
        let mut near = of_rows(&near);
        near.sort_unstable();
        let ground = near.get(near.len() / 2).copied()?;
        let farthest = of_rows(&inside)
            .into_iter()
            .map(|value| value.abs_diff(ground))
            .max()?;
        let ink: Vec<bool> = values
            .iter()
            .map(|value| u16::from(value.abs_diff(ground)) * 2 > u16::from(farthest))
            .collect();
        let islands = islands(&ink, area.width());
        (farthest > FAINTEST).then_some(Self { islands, inside })
    }
}

/// Whether a find is up to three letters by themselves, in a line which does not go on.
fn is_mark(picture: &GreyPicture, place: &Place, all: &[Place]) -> bool {
    let text = whole(place, all);
    let short = text.short();
    let most = (picture.width.min(picture.height) / 8).max(40);
    if short > most || text.width().max(text.height()) > short * 3 + 8 || !is_alone(&text, all) {
        return false;
    }
    let Some(Ink { islands, inside }) = Ink::of(picture, &text, short.max(8)) else {
        return false;
    };
    let (letters, others): (Vec<_>, Vec<_>) = islands
        .into_iter()
        .partition(|island| island.place.shared(&inside) * 2 > island.place.area());
    let Some(height) = letters
        .iter()
        .map(|letter| letter.place.height())
        .max()
    else {
        return false;
    };
    // Ink of the size of these letters goes on in their line: they are the end of a word.
    let upright = inside.height() > inside.width() * 3 / 2;
    let goes_on = others
        .iter()
        .any(|Island { place: other, .. }| {
            let follows = if upright {
                overlap(other.left, other.right, inside.left, inside.right)
            } else {
                overlap(other.top, other.bottom, inside.top, inside.bottom)
            };
            follows && other.height() * 2 > height && other.height() < height * 2
        });
    letters.len() <= LETTERS
        && !goes_on
        && !letters.iter().any(Island::is_field)
        && letters.iter().all(|one| {
            letters
                .iter()
                .all(|other| is_in_line(&one.place, &other.place))
        })
}

/// Whether a find is a part of a scale: thin strokes of one direction, that begin, end or have their
/// middles in a line, as far from one another as the next.
fn is_scale(picture: &GreyPicture, place: &Place) -> bool {
    let Some(Ink { islands, inside }) = Ink::of(picture, place, AROUND_A_SCALE) else {
        return false;
    };
    let mut of_find = islands
        .iter()
        .filter(|island| island.place.shared(&inside) > 0)
        .peekable();
    if of_find.peek().is_none()
        || !of_find
            .clone()
            .all(Island::is_stroke)
    {
        return false;
    }
    of_find.all(|stroke| {
        [false, true]
            .into_iter()
            .any(|upright| {
                let ends = |place: &Place| {
                    let (start, end) = if upright {
                        (place.top, place.bottom)
                    } else {
                        (place.left, place.right)
                    };
                    [start * 2, end * 2, start + end]
                };
                let mut at: Vec<usize> = islands
                    .iter()
                    .filter(|other| other.is_stroke())
                    .filter(|other| {
                        ends(&other.place)
                            .iter()
                            .zip(ends(&stroke.place))
                            .any(|(other, own)| other.abs_diff(own) <= 2)
                    })
                    .map(|other| {
                        if upright {
                            other.place.left + other.place.right
                        } else {
                            other.place.top + other.place.bottom
                        }
                    })
                    .collect();
                at.sort_unstable();
                are_as_far_apart(&at)
            })
    })
}

/// Whether there are enough of these places, in halves of pixels, and each is as far from the one
/// before as any other is.
fn are_as_far_apart(places: &[usize]) -> bool {
    let gaps = || {
        places
            .windows(2)
            .filter_map(|two| Some(two.last()? - two.first()?))
    };
    let (Some(least), Some(most)) = (gaps().min(), gaps().max()) else {
        return false;
    };
    places.len() >= FEWEST_STROKES && least >= 2 * NEAREST_STROKES && most <= least + least / 4 + 2
}

/// Whether two places stand beside or above one another.
fn is_in_line(one: &Place, other: &Place) -> bool {
    overlap(one.top, one.bottom, other.top, other.bottom)
        || overlap(one.left, one.right, other.left, other.right)
}

fn overlap(start: usize, end: usize, other_start: usize, other_end: usize) -> bool {
    end.min(other_end) > start.max(other_start)
}

/// A piece of ink.
struct Island {
    place: Place,
    pixels: usize,
}

impl Island {
    /// Whether it fills its place and is no stroke: a field, on which something may be written.
    fn is_field(&self) -> bool {
        let (width, height) = (self.place.width(), self.place.height());
        self.pixels * 10 > self.place.area() * 7 && width.min(height) * 3 > width.max(height)
    }

    /// Whether it is a straight stroke, as those of scales are.
    fn is_stroke(&self) -> bool {
        let (width, height) = (self.place.width(), self.place.height());
        self.pixels * 20 > self.place.area() * 17
            && width.min(height) <= THICKEST_STROKE
            && width.max(height) <= LONGEST_STROKE
    }
}

/// Pieces of ink that touch, but for specks.
fn islands(ink: &[bool], width: usize) -> Vec<Island> {
    const SPECK: usize = 4;
    let height = ink.len() / width.max(1);
    let mut left = ink.to_vec();
    let mut found = Vec::new();
    let mut take = |row: usize, column: usize| {
        left.get_mut(row * width + column)
            .is_some_and(std::mem::take)
    };
    for start in 0..ink.len() {
        let (row, column) = (start / width, start % width);
        if !take(row, column) {
            continue;
        }
        let (mut open, mut pixels) = (vec![(row, column)], 0);
        let mut place = Place {
            left: column,
            top: row,
            right: column + 1,
            bottom: row + 1,
        };
        while let Some((row, column)) = open.pop() {
            pixels += 1;
            place = place.with(&Place {
                left: column,
                top: row,
                right: column + 1,
                bottom: row + 1,
            });
            for near_row in row.saturating_sub(1)..(row + 2).min(height) {
                for near_column in column.saturating_sub(1)..(column + 2).min(width) {
                    if take(near_row, near_column) {
                        open.push((near_row, near_column));
                    }
                }
            }
        }
        if pixels >= SPECK {
            found.push(Island { place, pixels });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(boxes: &[(usize, usize, usize, usize)]) -> GreyPicture {
        let (width, height) = (160, 80);
        let mut values = vec![10; width * height];
        for (left, top, right, bottom) in boxes {
            for row in *top..*bottom {
                for value in values
                    .iter_mut()
                    .skip(row * width + left)
                    .take(right - left)
                {
                    *value = 200;
                }
            }
        }
        GreyPicture {
            width,
            height,
            values,
        }
    }

    fn place(left: usize, top: usize, right: usize, bottom: usize) -> Place {
        Place {
            left,
            top,
            right,
            bottom,
        }
    }

    /// Letters of three strokes, 8 pixels wide, from column 40 on.
    fn letters(count: usize) -> GreyPicture {
        let strokes: Vec<_> = (0..count)
            .map(|number| 40 + 10 * number)
            .flat_map(|left| {
                [
                    (left, 30, left + 2, 42),
                    (left + 6, 30, left + 8, 42),
                    (left + 2, 35, left + 6, 37),
                ]
            })
            .collect();
        picture(&strokes)
    }

    fn is_mark_alone(picture: &GreyPicture, place: &Place) -> bool {
        is_mark(picture, place, &[*place])
    }

    #[test]
    fn up_to_three_letters_alone_are_a_mark() {
        assert!(is_mark_alone(&letters(1), &place(36, 28, 52, 44)));
        assert!(is_mark_alone(&letters(3), &place(36, 28, 72, 44)));
        // Two finds that touch are one text.
        let parts = [place(36, 28, 52, 44), place(52, 28, 72, 44)];
        assert!(
            parts
                .iter()
                .all(|part| is_mark(&letters(3), part, &parts))
        );
    }

    #[test]
    fn letters_of_which_more_follow_are_none() {
        assert!(!is_mark_alone(&letters(4), &place(36, 28, 80, 44)));
        // The detector saw the first two of them only.
        assert!(!is_mark_alone(&letters(4), &place(36, 28, 58, 44)));
    }

    #[test]
    fn a_field_is_no_mark_whatever_is_written_on_it() {
        let field = picture(&[(36, 28, 72, 44)]);
        assert!(!is_mark_alone(&field, &place(36, 28, 72, 44)));
        let mut faint = letters(4);
        for value in faint
            .values
            .iter_mut()
            .take(160 * 20)
        {
            *value = 255;
        }
        assert!(!is_mark_alone(&faint, &place(36, 28, 80, 44)));
    }

    #[test]
    fn strokes_as_far_from_one_another_as_the_next_are_a_scale() {
        let ticks: Vec<_> = (0..6)
            .map(|number| {
                (
                    4,
                    8 + 12 * number,
                    if number % 5 == 0 { 14 } else { 9 },
                    9 + 12 * number,
                )
            })
            .collect();
        assert!(is_scale(&picture(&ticks), &place(0, 16, 12, 40)));
        assert!(!is_scale(&letters(4), &place(36, 28, 80, 44)));
    }

    #[test]
    fn bars_of_a_code_are_no_scale() {
        let bars: Vec<_> = [40, 44, 52, 55, 64, 70]
            .map(|left| (left, 30, left + 2, 50))
            .into();
        assert!(!is_scale(&picture(&bars), &place(36, 28, 76, 52)));
        let close: Vec<_> = (0..8)
            .map(|number| (40 + 3 * number, 30, 41 + 3 * number, 50))
            .collect();
        assert!(!is_scale(&picture(&close), &place(36, 28, 76, 52)));
    }

    #[test]
    fn what_stands_beside_another_find_is_not_alone() {
        let (one, near, far) = (
            place(36, 28, 52, 44),
            place(60, 28, 100, 44),
            place(120, 28, 150, 44),
        );
        assert!(!is_alone(&one, &[one, near]));
        assert!(is_alone(&one, &[one, far]));
    }

    #[test]
    fn pictures_are_brought_to_other_sizes_without_losing_pixels() {
        let made = picture(&[(40, 30, 80, 50)]);
        let (larger, smaller) = (enlarged(&made), halved(&made));
        assert_eq!(
            (larger.width, larger.height, larger.values.len()),
            (240, 120, 240 * 120)
        );
        assert_eq!(
            (smaller.width, smaller.height, smaller.values.len()),
            (80, 40, 80 * 40)
        );
        assert_eq!(larger.values.get(60 * 240 + 90), Some(&200));
        assert_eq!(smaller.values.get(20 * 80 + 30), Some(&200));
    }
}
