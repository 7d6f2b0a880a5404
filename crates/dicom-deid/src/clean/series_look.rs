//! Looks at the images of a series that were not looked at one by one when they were cleaned, and
//! decides whether a face can be made of them. All of that comes before the first of them is sent.

use super::instance::CleanInstance;
use crate::error::{DeidError, DeidErrorKind};
use crate::pixel_look::{FrameSink, LookVerdict, PixelLook};
use crate::pixels::{HeadSlices, Shown, look_at_slices};

/// Looks at the images of a series, as they would be sent, and gives for each what was seen: first,
/// middle and last, what eight of them have in common, and all as soon as one shows text. Each comes
/// with where its file lies below the folder that was named.
///
/// # Errors
/// Of an instance: `TextFound`, or `Face` where the profile refuses that.
pub fn look_at_series(
    instances: &[(&CleanInstance, &str)],
    shown_to: Option<&dyn FrameSink>,
) -> Vec<Result<PixelLook, DeidError>> {
    let mut seen: Vec<Result<PixelLook, DeidError>> = instances
        .iter()
        .map(|(instance, _)| Ok(instance.look().clone()))
        .collect();
    let later: Vec<_> = instances
        .iter()
        .enumerate()
        .filter_map(|(at, (instance, path))| {
            let slice = instance.image.slice.as_deref()?;
            let shown = Shown { to: shown_to, path };
            Some((at, slice, shown))
        })
        .collect();
    let markers = instances
        .iter()
        .find_map(|(instance, _)| instance.image.markers);
    if let Some(markers) = markers {
        let slices: Vec<_> = later
            .iter()
            .map(|(_, slice, shown)| (*slice, *shown))
            .collect();
        let looks = look_at_slices(&slices, markers);
        for ((at, ..), look) in later.iter().zip(looks) {
            if let Some(place) = seen.get_mut(*at) {
                let was_seen = place
                    .as_ref()
                    .is_ok_and(|own| own.verdict != LookVerdict::NotLookedAt);
                // By itself a slice was looked at no less closely.
                if look.is_err() || !was_seen {
                    *place = look;
                }
            }
        }
    }
    tell_of_faces(instances, &mut seen);
    seen
}

fn tell_of_faces(instances: &[(&CleanInstance, &str)], seen: &mut [Result<PixelLook, DeidError>]) {
    let all = instances
        .iter()
        .filter_map(|(instance, _)| instance.image.head)
        .fold(HeadSlices::default(), |all, head| all + head);
    if !all.show_a_face() {
        return;
    }
    for ((instance, _), look) in instances.iter().zip(seen) {
        if instance.image.head.is_none() {
            continue;
        }
        if let Ok(seen) = look {
            seen.face = true;
            if instance.image.refuses_faces {
                let mut error = DeidError::new(DeidErrorKind::Face, "");
                error.look = Some(Box::new(PixelLook {
                    verdict: LookVerdict::Refused,
                    ..std::mem::take(seen)
                }));
                *look = Err(error);
            }
        }
    }
}
