//! The stage that looks: what the images of a series show, once all of them are cleaned.
//!
//! Owns what is told of it, file by file and at the end of the run. A file whose image must not go
//! has its outcome here and goes no further. Files that are sent uncleaned are never looked at.

use crate::event::{Event, FileOutcome, ImageCounts, Notice};
use crate::failure::{FileCode, FileFailure};
use crate::series::CleanFile;
use dicom_deid::{CleanInstance, DeidError, FrameSink, PixelLook, Sendable, look_at_series};

use super::context::RunContext;
use super::guard::guarded;
use super::outcomes::stopped;

/// Looks at the images of a series and gives the files that may go.
pub fn look(context: &RunContext, kept: Vec<CleanFile>) -> Vec<CleanFile> {
    let shown_to = context.plan.pictures.as_deref();
    let mut looks = if context.stop.requested() {
        Err(stopped())
    } else {
        // The files were counted when they were cleaned.
        context.timers.clean.work(0, 0, || {
            guarded(|| {
                let shown_to = shown_to.map(|pictures| pictures as &dyn FrameSink);
                Ok(looks_of(&kept, shown_to))
            })
        })
    }
    .map(Vec::into_iter);
    let (mut passed, mut has_face) = (Vec::with_capacity(kept.len()), false);
    for mut file in kept {
        if clean(&file).is_none() {
            passed.push(file);
            continue;
        }
        let look = match &mut looks {
            Ok(looks) => looks
                .next()
                .unwrap_or_else(|| Err(FileFailure::new(FileCode::DeidPanic, ""))),
            Err(failure) => Err(failure.clone()),
        };
        match look {
            Ok(look) => {
                has_face |= look.face;
                context
                    .events
                    .looked(&file.source.path, &look);
                if context.plan.audits.review {
                    file.look = Some(Box::new(look));
                }
                passed.push(file);
            }
            Err(failure) => context
                .outcomes
                .settle(&file.source, FileOutcome::Failed(failure)),
        }
    }
    if has_face {
        context
            .events
            .with_totals(|totals| totals.images.faces += 1);
    }
    passed
}

fn clean(file: &CleanFile) -> Option<&CleanInstance> {
    match &file.instance {
        Sendable::Clean(clean) => Some(clean),
        Sendable::Uncleaned(_) => None,
    }
}

/// What was seen in each cleaned instance of a series, in their order.
fn looks_of(
    kept: &[CleanFile],
    shown_to: Option<&dyn FrameSink>,
) -> Vec<Result<PixelLook, FileFailure>> {
    let cleaned: Vec<_> = kept
        .iter()
        .filter_map(|file| Some((clean(file)?, file.source.relative())))
        .collect();
    let named: Vec<_> = cleaned
        .iter()
        .map(|(instance, path)| (*instance, path.as_str()))
        .collect();
    look_at_series(&named, shown_to)
        .into_iter()
        .map(|look| look.map_err(DeidError::into))
        .collect()
}

/// Tells what was seen in the images of the whole run, and what came of its pictures.
pub fn tell(context: &RunContext) {
    let RunContext { plan, events, .. } = context;
    let images = events.with_totals(|totals| totals.images);
    let pictures = plan.pictures.iter();
    let of_pictures = pictures.flat_map(|pictures| pictures.outcome());
    for notice in notices(&images)
        .into_iter()
        .chain(of_pictures)
    {
        events.send(Event::Notice(notice));
    }
}

/// What the user should know of images that go: one notice for each matter, with its count.
fn notices(images: &ImageCounts) -> Vec<Notice> {
    // What stands before the count, behind that of one and of several, and after both.
    let sentences = [
        (
            "text-uncertain",
            images.uncertain,
            "in ",
            [
                "image something may be text; it goes as it is",
                "images something may be text; they go as they are",
            ],
            "\nlook at such images first: `--dry-run --pictures DIR`",
        ),
        (
            "no-text-found",
            images.nothing_found_in_risky_image,
            "in ",
            [
                "image of a kind that often shows text none was found: it goes",
                "images of kinds that often show text none was found: they go",
            ],
            ", though that is no proof that there is none",
        ),
        (
            "not-looked-at",
            images.not_decoded,
            "",
            [
                "image could not be decoded and was not looked at",
                "images could not be decoded and were not looked at",
            ],
            " (video, JPEG XL, lossy 12 bits)",
        ),
        (
            "face",
            images.faces,
            "",
            ["series is", "series are"],
            " CT or MR of a head of which a face can be made; faces are not altered\n\
                `faces = \"refuse\"` in `[dicom.pixels]` lets no such series through",
        ),
    ];
    sentences
        .into_iter()
        .filter(|(_, count, ..)| *count > 0)
        .map(|(code, count, before, [one, several], after)| {
            let what = if count == 1 { one } else { several };
            Notice::fact(code, format!("{before}{count} {what}{after}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(images: ImageCounts) -> String {
        let lines = notices(&images)
            .into_iter()
            .map(|notice| format!("[{}] {}", notice.code, notice.text));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_goes_unseen_or_unsure_is_told_once_with_its_count() {
        let usual = ImageCounts {
            looked_at: 300,
            blanked: 12,
            refused: 2,
            ..ImageCounts::default()
        };
        assert_eq!(said(usual), "");
        let several = ImageCounts {
            uncertain: 3,
            nothing_found_in_risky_image: 7,
            not_decoded: 5,
            faces: 2,
            ..usual
        };
        insta::assert_snapshot!(said(several), @r#"
        [text-uncertain] in 3 images something may be text; they go as they are
        look at such images first: `--dry-run --pictures DIR`
        [no-text-found] in 7 images of kinds that often show text none was found: they go, though that is no proof that there is none
        [not-looked-at] 5 images could not be decoded and were not looked at (video, JPEG XL, lossy 12 bits)
        [face] 2 series are CT or MR of a head of which a face can be made; faces are not altered
        `faces = "refuse"` in `[dicom.pixels]` lets no such series through
        "#);
        let one = ImageCounts {
            uncertain: 1,
            nothing_found_in_risky_image: 1,
            not_decoded: 1,
            faces: 1,
            ..usual
        };
        insta::assert_snapshot!(said(one), @r#"
        [text-uncertain] in 1 image something may be text; it goes as it is
        look at such images first: `--dry-run --pictures DIR`
        [no-text-found] in 1 image of a kind that often shows text none was found: it goes, though that is no proof that there is none
        [not-looked-at] 1 image could not be decoded and was not looked at (video, JPEG XL, lossy 12 bits)
        [face] 1 series is CT or MR of a head of which a face can be made; faces are not altered
        `faces = "refuse"` in `[dicom.pixels]` lets no such series through
        "#);
    }
}
