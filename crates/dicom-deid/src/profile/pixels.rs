//! The option `alter_pixels`: parts of images to blank, and when.
//!
//! Owns reading it. What it would only carry out in part it refuses, for an image that stays as it
//! is tells nobody.

use serde_json::{Value, json};

use super::condition::Condition;
use super::tree::{Kind, Node, Problem, shown};

/// What is blanked in images.
#[derive(Debug, Clone)]
pub struct AlterPixels {
    /// The regions, in the order in which they apply.
    pub regions: Vec<Region>,
}

/// A rectangle that is blanked, or kept, where a condition holds.
#[derive(Debug, Clone)]
pub struct Region {
    /// When it counts.
    pub when: Condition,
    /// Whether what an earlier region blanks here comes back; else everything here is blanked.
    pub keep: bool,
    /// First column, first row, and the column and row behind the last. Negative numbers count from
    /// the far edge.
    pub corners: [i64; 4],
}

/// What is wrong with a text inside a value, before it is known where that stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    message: String,
    hint: Option<String>,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says in which part of the value it is.
    pub(super) fn at(mut self, part: &str) -> Self {
        self.message = format!("{part}: {}", self.message);
        self
    }

    fn of(self, node: &Node) -> Problem {
        let problem = node.problem(self.message);
        match self.hint {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }
    }
}

/// Reads the value of `alter_pixels`; none where it asks for nothing.
pub(super) fn read(node: &Node) -> Result<Option<AlterPixels>, Problem> {
    let mut regions = Vec::new();
    for entry in node.entries("`alter_pixels`")? {
        match entry.key.as_str() {
            "pixels" | "detect" if entry.value.is_falsy() => {}
            "pixels" => {
                for item in entry.value.items("pixels")? {
                    regions.push(region(item)?);
                }
            }
            "detect" => return Err(detect(&entry.value)),
            key => {
                let problem = Problem::new(entry.place, format!("unknown key `{}`", shown(key)));
                return Err(problem.with_hint("`alter_pixels` has `pixels` and `detect`"));
            }
        }
    }
    Ok((!regions.is_empty()).then_some(AlterPixels { regions }))
}

fn detect(node: &Node) -> Problem {
    node.problem(
        "`detect` names recipe files of a Python package that Flywheel's engine brings along; \
            they are not part of fwupload",
    )
    .with_hint("write what the recipe blanks for your devices as entries of `pixels`")
}

fn region(node: &Node) -> Result<Region, Problem> {
    let (mut when, mut area) = (None, None);
    for entry in node.entries("an entry of `pixels`")? {
        match entry.key.as_str() {
            "when" => {
                when = Some(
                    Condition::read(entry.value.text("when")?)
                        .map_err(|complaint| complaint.of(&entry.value))?,
                );
            }
            "remove" | "keep" if area.is_some() => {
                return Err(Problem::new(
                    entry.place,
                    "an entry of `pixels` has either `remove` or `keep`, not both",
                ));
            }
            key @ ("remove" | "keep") => area = Some((key == "keep", corners(&entry.value, key)?)),
            key => {
                let problem = Problem::new(entry.place, format!("unknown key `{}`", shown(key)));
                return Err(problem
                    .with_hint("an entry of `pixels` has `when` and one of `remove` and `keep`"));
            }
        }
    }
    let when = when.ok_or_else(|| node.problem("an entry of `pixels` needs `when`"))?;
    let (keep, corners) =
        area.ok_or_else(|| node.problem("an entry of `pixels` needs `remove` or `keep`"))?;
    Ok(Region {
        when,
        keep,
        corners,
    })
}

/// `[x0, y0, x1, y1]`.
fn corners(node: &Node, key: &str) -> Result<[i64; 4], Problem> {
    let numbers = node
        .items(key)?
        .iter()
        .map(|item| corner(item, key))
        .collect::<Result<Vec<_>, _>>()?;
    let corners: [i64; 4] = numbers.try_into().map_err(|numbers: Vec<_>| {
        let problem = node.problem(format!(
            "`{key}` has {} numbers instead of 4",
            numbers.len()
        ));
        problem.with_hint("write [x0, y0, x1, y1]: first column and row, and those behind the last")
    })?;
    let [x0, y0, x1, y1] = corners;
    let nothing = |from: i64, to: i64| (from < 0) == (to < 0) && to <= from;
    if nothing(x0, x1) || nothing(y0, y1) {
        let problem = node.problem(format!("`{key}` covers nothing"));
        return Err(problem.with_hint(
            "[x0, y0, x1, y1] ends at the column and row behind the last: not width and height",
        ));
    }
    Ok(corners)
}

fn corner(node: &Node, key: &str) -> Result<i64, Problem> {
    match &node.kind {
        Kind::Integer(number, _) => Ok(*number),
        _ => Err(node.problem(format!(
            "`{key}` takes whole numbers, not {}",
            node.describe()
        ))),
    }
}

impl AlterPixels {
    /// The option in one fixed form, for telling profiles apart.
    pub(super) fn canonical(&self) -> Value {
        self.regions
            .iter()
            .map(|region| json!([region.when.canonical(), region.keep, region.corners]))
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use serde_json::json;

    use crate::error::ProfileError;
    use crate::profile::{Profile, from_server_json};

    fn load(alter_pixels: &str) -> Result<Profile, ProfileError> {
        let text = format!("name: p\ndicom:\n  alter_pixels: {alter_pixels}\n");
        from_server_json(&json!(text), "site").map(Option::unwrap)
    }

    fn when(when: &str) -> Result<Profile, ProfileError> {
        load(&json!({"pixels": [{"when": when, "remove": [0, 0, 9, 9]}]}).to_string())
    }

    /// What is said about a wrong option, without what all problems share.
    fn complaint(result: Result<Profile, ProfileError>) -> String {
        let error = result.unwrap_err();
        format!(
            "{} | {}",
            error.what.trim_start_matches("profile of the site"),
            error.remedy.as_deref().unwrap_or_default()
        )
    }

    #[test]
    fn regions_are_read_in_order() {
        let profile = load(
            "{pixels: [{when: present Rows, remove: [0, -10, 640, -1]}, {keep: [1, 2, 3, 4], when: missing Rows}]}",
        );
        let profile = profile.unwrap();
        let regions = &profile.dicom.alter_pixels.as_ref().unwrap().regions;
        assert_eq!(
            (regions[0].keep, regions[0].corners),
            (false, [0, -10, 640, -1])
        );
        assert_eq!((regions[1].keep, regions[1].corners), (true, [1, 2, 3, 4]));
        assert!(!profile.is_empty());
        for nothing in ["{}", "{pixels: []}", "{pixels: null, detect: []}"] {
            let profile = load(nothing).unwrap();
            assert!(
                profile.dicom.alter_pixels.is_none() && profile.is_empty(),
                "{nothing}"
            );
        }
    }

    #[test]
    fn every_part_counts_in_the_digest() {
        let digest = |text: &str| load(&format!("{{pixels: [{text}]}}")).unwrap().digest();
        let one = digest("{when: equals Modality US, remove: [0, 0, 9, 9]}");
        assert_eq!(
            one,
            digest("{remove: [0, 0, 9, 9], when: equals Modality us}")
        );
        for other in [
            "{when: equals Modality CT, remove: [0, 0, 9, 9]}",
            "{when: notequals Modality US, remove: [0, 0, 9, 9]}",
            "{when: contains Modality US, remove: [0, 0, 9, 9]}",
            "{when: equals Modality US, keep: [0, 0, 9, 9]}",
            "{when: equals Modality US, remove: [0, 0, 9, 8]}",
        ] {
            assert_ne!(one, digest(other), "{other}");
        }
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_where_it_stands() {
        let said = complaint(load("{pixels: [{when: present Rows, remove: [0, 0, 9]}]}"));
        assert!(said.starts_with(":3:56: `remove` has 3 numbers"), "{said}");
        for (text, part) in [
            ("{detect: [dicom]}", "`detect` names recipe files"),
            ("{detect: dicom}", "`detect` names recipe files"),
            ("{pixel: []}", "unknown key `pixel`"),
            ("{pixels: {when: x}}", "must be a list"),
            ("{pixels: [{remove: [0, 0, 9, 9]}]}", "needs `when`"),
            (
                "{pixels: [{when: present Rows}]}",
                "needs `remove` or `keep`",
            ),
            (
                "{pixels: [{when: present Rows, remove: [0, 0, 9, 9], keep: [0, 0, 9, 9]}]}",
                "not both",
            ),
            (
                "{pixels: [{when: present Rows, delete: [0, 0, 9, 9]}]}",
                "unknown key `delete`",
            ),
            (
                "{pixels: [{when: present Rows, remove: [0, 0, 9, 9.5]}]}",
                "whole numbers, not a number",
            ),
            (
                "{pixels: [{when: present Rows, remove: [10, 0, 5, 9]}]}",
                "covers nothing",
            ),
            (
                "{pixels: [{when: present Rows, remove: [0, -5, 9, -5]}]}",
                "covers nothing",
            ),
            (
                "{pixels: [{when: [present Rows], remove: [0, 0, 9, 9]}]}",
                "must be text",
            ),
        ] {
            let said = complaint(load(text));
            assert!(said.contains(part), "{text}: {said}");
        }
    }

    #[test]
    fn conditions_that_flywheel_reads_otherwise_are_refused() {
        for (text, part) in [
            ("", "no condition"),
            ("# only a remark", "no condition"),
            ("contains", "not complete"),
            ("contains Modality", "not complete"),
            ("contains  Modality CT", "names no attribute"),
            ("contain Modality CT", "`contain` is no test"),
            ("containsX Modality CT", "`containsX` is no test"),
            ("Modality == CT", "`Modality` is no test"),
            ("label x", "`label` is no test"),
            ("present modality", "did you mean `Modality`?"),
            ("present OverlayData", "names no attribute"),
            ("present 0x0010", "is no tag"),
            ("present TransferSyntaxUID", "file meta information"),
            ("present 0x00020010", "file meta information"),
            ("equals 0x00080060 CT", "by number"),
            ("contains PixelData x", "no text or number"),
            ("contains RequestAttributesSequence x", "no text or number"),
            (
                "equals Rows 1\n|| equals Rows 2",
                "`when`, line 2: a line that begins with `||`",
            ),
            ("missing Modality + equals Rows 2", "mixes up values"),
            ("equals Rows 2 + CONTAINS Modality CT", "lower case"),
            ("contains Modality a+ + contains Rows 1", "not complete"),
            ("contains Modality \\S+", "what `\\S` means"),
            ("contains Modality (?P<a>x)", "what `(?P` means"),
            ("contains Modality [", "the expression"),
            ("coordinates 0,0,9,9", "coordinates cannot be given"),
        ] {
            let said = complaint(when(text));
            assert!(said.contains(part), "{text}: {said}");
        }
        for text in [
            "contains ImageComments a+b",
            "|| equals Rows 1",
            "equals Rows 1\r\n+ PRESENT Columns",
            "equals ImageComments a || b",
        ] {
            when(text).unwrap();
        }
    }
}
