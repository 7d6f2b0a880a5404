//! What was seen in images: the fields of records, and the text for people.
//!
//! Owns the names of verdicts and fields, which may be added to, never renamed or removed. Says
//! where something was found and never what it says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures;
use dicom_deid::{LookVerdict, PixelLook, TextFind};

/// What was seen in an image, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PixelsRecord {
    /// What it came to: `uncertain` where something stays that may be text, `refused` where the file
    /// fails for what was found or because nothing was.
    #[schemars(extend("enum" = VERDICTS))]
    pub verdict: String,
    /// The number of frames that the image has.
    #[serde(default)]
    pub frames: u32,
    /// The number of them that were looked at.
    #[serde(default)]
    pub frames_looked_at: u32,
    /// What is likely text.
    #[serde(default)]
    pub finds: Vec<FindRecord>,
    /// What was blanked of the frame that lost most, in thousandths of its pixels, rounded up.
    #[serde(default)]
    pub blanked_permille: u16,
    /// Whether a face can be made of the series.
    #[serde(default)]
    pub face: bool,
}

/// A place in an image that is likely text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindRecord {
    /// The first and the last frame in which it stands, from 1.
    pub frames: [u32; 2],
    /// First column, first row, columns and rows, from 0.
    pub area: [u16; 4],
    /// How likely it is text, in percent.
    pub likelihood: u8,
}

/// The names of all verdicts.
const VERDICTS: [&str; 7] = [
    "not-looked-at",
    "not-decoded",
    "nothing-found",
    "nothing-found-in-risky-image",
    "blanked",
    "uncertain",
    "refused",
];

/// The name of a verdict in records.
fn name(verdict: LookVerdict) -> &'static str {
    match verdict {
        LookVerdict::NotLookedAt => "not-looked-at",
        LookVerdict::NotDecoded => "not-decoded",
        LookVerdict::NothingFound => "nothing-found",
        LookVerdict::NothingFoundInRiskyImage => "nothing-found-in-risky-image",
        LookVerdict::Blanked => "blanked",
        LookVerdict::Uncertain => "uncertain",
        LookVerdict::Refused => "refused",
    }
}

impl From<&PixelLook> for PixelsRecord {
    fn from(look: &PixelLook) -> Self {
        Self {
            verdict: name(look.verdict).to_owned(),
            frames: look.frames,
            frames_looked_at: look.frames_looked_at,
            finds: look
                .finds
                .iter()
                .map(FindRecord::from)
                .collect(),
            blanked_permille: look.blanked,
            face: look.face,
        }
    }
}

impl From<&TextFind> for FindRecord {
    fn from(find: &TextFind) -> Self {
        Self {
            frames: find.frames,
            area: find.area,
            likelihood: find.likelihood,
        }
    }
}

/// What was seen, in one line: `text blanked; 3 of 3 frames looked at; 1.2 % blanked`.
pub fn sentence(look: &PixelLook) -> String {
    let verdict = match look.verdict {
        LookVerdict::NotLookedAt => "not looked at",
        LookVerdict::NotDecoded => "not looked at, since it cannot be decoded",
        LookVerdict::NothingFound => "no text found",
        LookVerdict::NothingFoundInRiskyImage => {
            "no text found, though images of its kind often show some"
        }
        LookVerdict::Blanked => "text blanked",
        LookVerdict::Uncertain => "something may be text, and stays",
        LookVerdict::Refused => "refused",
    };
    let mut parts = vec![verdict.to_owned()];
    if look.frames_looked_at > 0 {
        let frames = figures::plural(u64::from(look.frames), "frame");
        parts.push(format!("{} of {frames} looked at", look.frames_looked_at));
    }
    if look.blanked > 0 {
        let (whole, tenths) = (look.blanked / 10, look.blanked % 10);
        parts.push(format!("{whole}.{tenths} % blanked"));
    }
    if look.face {
        parts.push("a face can be made of the series".to_owned());
    }
    parts.join("; ")
}

/// A line for each find: `frames 1 to 3, columns 10 to 129, rows 5 to 24: 97 % likely text`.
pub fn find_lines(look: &PixelLook) -> impl Iterator<Item = String> {
    look.finds.iter().map(|find| {
        let [first, last] = find.frames;
        let frames = if first == last {
            format!("frame {first}")
        } else {
            format!("frames {first} to {last}")
        };
        let [left, top, columns, rows] = find.area.map(u32::from);
        let (right, bottom) = (
            (left + columns).saturating_sub(1),
            (top + rows).saturating_sub(1),
        );
        format!(
            "{frames}, columns {left} to {right}, rows {top} to {bottom}: {} % likely text",
            find.likelihood
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_reads_as_a_sentence_and_a_line_for_each_find() {
        let look = PixelLook {
            verdict: LookVerdict::Blanked,
            frames: 40,
            frames_looked_at: 40,
            finds: vec![
                TextFind {
                    frames: [1, 40],
                    area: [10, 5, 120, 20],
                    likelihood: 97,
                },
                TextFind {
                    frames: [3, 3],
                    area: [0, 0, 1, 1],
                    likelihood: 61,
                },
            ],
            blanked: 12,
            face: false,
        };
        assert_eq!(
            sentence(&look),
            "text blanked; 40 of 40 frames looked at; 1.2 % blanked"
        );
        assert_eq!(
            find_lines(&look).collect::<Vec<_>>(),
            [
                "frames 1 to 40, columns 10 to 129, rows 5 to 24: 97 % likely text",
                "frame 3, columns 0 to 0, rows 0 to 0: 61 % likely text",
            ]
        );
        let face = PixelLook {
            verdict: LookVerdict::NotDecoded,
            face: true,
            ..PixelLook::default()
        };
        assert_eq!(
            sentence(&face),
            "not looked at, since it cannot be decoded; a face can be made of the series"
        );
    }

    #[test]
    fn records_name_verdicts_as_the_library_does() {
        let all = [
            LookVerdict::NotLookedAt,
            LookVerdict::NotDecoded,
            LookVerdict::NothingFound,
            LookVerdict::NothingFoundInRiskyImage,
            LookVerdict::Blanked,
            LookVerdict::Uncertain,
            LookVerdict::Refused,
        ];
        assert_eq!(all.map(name), VERDICTS);
        for verdict in all {
            assert_eq!(
                serde_json::to_value(verdict).ok(),
                Some(name(verdict).into())
            );
        }
    }
}
