//! Numbers of a frame as grey pictures of 8 bits, so that text at any level is in one of them.
//!
//! Owns the choice of levels. Levels that lie far apart from the others get a picture of their own:
//! what a viewer's window would cut off (padding, values beyond white) is seen as well.

use crate::pixels::frames::{FrameSamples, Plane};

/// A grey picture.
pub struct GreyPicture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row after row.
    pub values: Vec<u8>,
}

/// No plane is looked at in more pictures than this.
const MOST_WINDOWS: usize = 4;
/// Levels are apart where this part of the whole range lies between them.
const GAP: u32 = 8;
/// A level apart from others is text only where it has as many pixels.
const FEWEST_PIXELS: u32 = 40;
/// Fewer levels than this are not spread further.
const NARROWEST: u16 = 48;
/// Colours that differ by less are grey,
const GREY: u16 = 16;
/// and so is a picture of which no more pixels than this are coloured.
const FEWEST_COLOURED: usize = 24;

/// The pictures of a frame: of each sample, or of one where all are the same; none where it is even.
pub fn grey_pictures(frame: &FrameSamples, width: usize, height: usize) -> Vec<GreyPicture> {
    let planes = match &frame.planes[..] {
        [_, green, _] if !is_coloured(&frame.planes) => std::slice::from_ref(green),
        [index, colours @ ..] if colours.len() == 3 && !is_coloured(colours) => {
            // An index may differ where the colours do not, and the other way round.
            return pictures(
                &[
                    index.clone(),
                    colours
                        .first()
                        .cloned()
                        .unwrap_or_default(),
                ],
                frame,
                width,
                height,
            );
        }
        planes => planes,
    };
    pictures(planes, frame, width, height)
}

fn pictures(
    planes: &[Plane],
    frame: &FrameSamples,
    width: usize,
    height: usize,
) -> Vec<GreyPicture> {
    planes
        .iter()
        .chain(&frame.unused_bits)
        .flat_map(|plane| {
            windows(plane)
                .into_iter()
                .map(move |window| GreyPicture {
                    width,
                    height,
                    values: through(plane, window),
                })
        })
        .collect()
}

fn is_coloured(planes: &[Plane]) -> bool {
    let [red, green, blue] = planes else {
        return false;
    };
    // Samples of 16 bits differ by more than those of 8.
    let most = planes
        .iter()
        .flatten()
        .max()
        .copied()
        .unwrap_or_default();
    let unit = (most / 255).max(1);
    let grey = GREY.saturating_mul(unit);
    red.iter()
        .zip(green)
        .zip(blue)
        .filter(|((red, green), blue)| {
            red.abs_diff(**green) > grey || green.abs_diff(**blue) > grey
        })
        .nth(FEWEST_COLOURED)
        .is_some()
}

/// The lowest and the highest level of a picture: what lies beyond is as dark or as bright.
type Window = (u16, u16);

/// Levels that belong together.
struct Cluster {
    levels: Vec<(u16, u32)>,
    pixels: u32,
}

impl Cluster {
    /// Whether it is looked at by itself: what is of one level, or rare, has no picture in it.
    fn has_window(&self) -> bool {
        self.levels.len() > 1 && self.pixels >= FEWEST_PIXELS
    }

    /// Its lowest and its highest level.
    fn ends(&self) -> Window {
        let level = |end: Option<&(u16, u32)>| end.map_or(0, |(level, _)| *level);
        (level(self.levels.first()), level(self.levels.last()))
    }

    /// All levels but for the rarest at both ends.
    fn window(&self) -> Option<Window> {
        let (first, last) = (self.levels.first()?.0, self.levels.last()?.0);
        let rare = self.pixels / 300;
        let within = |mut levels: Box<dyn Iterator<Item = &(u16, u32)> + '_>| {
            let mut seen = 0;
            levels
                .find(|(_, count)| {
                    seen += count;
                    seen > rare
                })
                .map(|(level, _)| *level)
        };
        let low = within(Box::new(self.levels.iter()))?;
        let high = within(Box::new(self.levels.iter().rev()))?;
        let edge = high.saturating_sub(low) / 7;
        let window = (
            low.saturating_sub(edge).max(first),
            high.saturating_add(edge).min(last),
        );
        Some(if window.0 < window.1 {
            window
        } else {
            (first, last)
        })
    }
}

fn windows(plane: &Plane) -> Vec<Window> {
    let levels = levels(plane);
    let (Some((least, _)), Some((most, _))) = (levels.first(), levels.last()) else {
        return Vec::new();
    };
    let whole = (*least, *most);
    if least == most {
        return Vec::new();
    }
    let range = most - least;
    if *most < 256 {
        // Eight bits are looked at as they are, unless they are few.
        return vec![if range < 100 { spread(whole) } else { (0, 255) }];
    }
    let clusters = clusters(&levels, range);
    let mut of_clusters: Vec<(&Cluster, Window)> = clusters
        .iter()
        .filter(|cluster| cluster.has_window())
        .filter_map(|cluster| Some((cluster, spread(cluster.window()?))))
        .collect();
    of_clusters.sort_by_key(|(cluster, _)| std::cmp::Reverse(cluster.pixels));
    let windows = of_clusters
        .iter()
        .map(|(_, window)| *window);
    let needs_whole = of_clusters
        .first()
        .is_none_or(|(main, window)| needs_whole(&clusters, main, *window));
    let mut chosen: Vec<Window> = windows.take(MOST_WINDOWS).collect();
    if needs_whole {
        chosen.insert(chosen.len().min(1), whole);
        chosen.truncate(MOST_WINDOWS);
    }
    chosen
}

/// Whether something could stand out in the whole range alone. A window shows what lies beyond it as
/// black or white, so that levels apart from others are seen in the window of either.
fn needs_whole(clusters: &[Cluster], main: &Cluster, window: Window) -> bool {
    let (least, most) = main.ends();
    let has_rare_ends = u32::from(most - least) * 10 > u32::from(window.1 - window.0) * 16;
    // White beside what is bright is not plain.
    let is_brighter = |cluster: &Cluster| !cluster.has_window() && cluster.ends().0 > most;
    let are_alike = clusters
        .iter()
        .zip(clusters.iter().skip(1))
        .any(|(one, next)| !one.has_window() && !next.has_window());
    has_rare_ends || are_alike || clusters.iter().any(is_brighter)
}

/// Noise of a few levels is not made a picture.
fn spread((low, high): Window) -> Window {
    let missing = NARROWEST.saturating_sub(high - low);
    let low = low.saturating_sub(missing / 2);
    (low, high.max(low.saturating_add(NARROWEST)))
}

/// Every level that occurs, and how often.
fn levels(plane: &Plane) -> Vec<(u16, u32)> {
    let most = plane
        .iter()
        .max()
        .copied()
        .unwrap_or_default();
    // Two at a time: to count the same level again has to wait for the first.
    let mut counts = vec![[0_u32; 2]; usize::from(most) + 1];
    let mut count = |value: u16, place: usize| {
        if let Some(count) = counts
            .get_mut(usize::from(value))
            .and_then(|counts| counts.get_mut(place))
        {
            *count += 1;
        }
    };
    let (pairs, rest) = plane.as_chunks::<2>();
    for [one, other] in pairs {
        count(*one, 0);
        count(*other, 1);
    }
    for value in rest {
        count(*value, 0);
    }
    (0..=most)
        .zip(
            counts
                .iter()
                .map(|two| two.iter().sum()),
        )
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn clusters(levels: &[(u16, u32)], range: u16) -> Vec<Cluster> {
    let gap = u32::from(range) / GAP;
    levels
        .chunk_by(|(one, _), (next, _)| u32::from(next - one) <= gap)
        .map(|levels| Cluster {
            levels: levels.to_vec(),
            pixels: levels
                .iter()
                .map(|(_, count)| count)
                .sum(),
        })
        .collect()
}

fn through(plane: &Plane, (low, high): Window) -> Vec<u8> {
    let range = f32::from(high - low).max(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // It is between 0 and 255.
    let greys: Vec<u8> = (0..=high - low)
        .map(|above| (f32::from(above) * (255.0 / range) + 0.5) as u8)
        .collect();
    let brightest = greys
        .last()
        .copied()
        .unwrap_or_default();
    let grey = |value: &u16| {
        greys
            .get(usize::from(value.saturating_sub(low)))
            .copied()
            .unwrap_or(brightest)
    };
    plane.iter().map(grey).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures_of(planes: Vec<Plane>) -> Vec<GreyPicture> {
        let width = planes.first().map_or(0, Vec::len) / 64;
        let frame = FrameSamples {
            planes,
            unused_bits: None,
        };
        grey_pictures(&frame, width, 64)
    }

    /// 64 rows of 64 levels from `first` on, and a word of 60 pixels at `level`.
    fn with_word(first: u16, step: u16, level: u16) -> Plane {
        let mut plane: Plane = (0..64 * 64)
            .map(|at| first + at % 64 * step)
            .collect();
        plane
            .iter_mut()
            .skip(64 * 20)
            .take(60)
            .for_each(|value| *value = level);
        plane
    }

    /// The least difference, over the pictures, between the word and what stands above it.
    fn contrast(pictures: &[GreyPicture]) -> u8 {
        let of_one = |picture: &GreyPicture| {
            let (above, word) = (picture.values.get(64 * 19..), picture.values.get(64 * 20..));
            above
                .into_iter()
                .flatten()
                .zip(word.into_iter().flatten())
                .take(60)
                .map(|(above, word)| above.abs_diff(*word))
                .min()
                .unwrap_or_default()
        };
        pictures
            .iter()
            .map(of_one)
            .max()
            .unwrap_or_default()
    }

    #[test]
    fn levels_beyond_all_others_are_seen() {
        for level in [32_767, 60_000] {
            assert!(contrast(&pictures_of(vec![with_word(1000, 20, level)])) > 100);
        }
    }

    #[test]
    fn a_level_just_above_padding_is_seen() {
        let mut plane = with_word(30_000, 20, 2_030);
        for value in plane.iter_mut().take(64 * 20) {
            *value = 2_000;
        }
        assert!(contrast(&pictures_of(vec![plane])) > 100);
    }

    #[test]
    fn flat_padding_below_all_else_takes_no_picture_of_its_own() {
        let mut plane = with_word(30_000, 20, 30_600);
        assert_eq!(pictures_of(vec![plane.clone()]).len(), 1);
        plane
            .iter_mut()
            .take(64 * 10)
            .for_each(|level| *level = 2_000);
        assert_eq!(pictures_of(vec![plane.clone()]).len(), 1);
        // A name of one level on padding would be as black as that.
        plane
            .iter_mut()
            .skip(64 * 2)
            .take(60)
            .for_each(|level| *level = 9_000);
        let pictures = pictures_of(vec![plane]);
        assert_eq!(pictures.len(), 2);
    }

    #[test]
    fn one_colour_of_the_same_brightness_is_seen() {
        let ground: Plane = vec![100; 64 * 64];
        let mut red = ground.clone();
        for value in red
            .iter_mut()
            .skip(64 * 20)
            .take(60)
        {
            *value = 180;
        }
        assert!(contrast(&pictures_of(vec![red, ground.clone(), ground])) > 50);
    }

    #[test]
    fn an_even_picture_is_not_looked_at() {
        assert!(pictures_of(vec![vec![700; 64 * 64]]).is_empty());
    }
}
