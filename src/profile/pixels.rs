//! The option `alter_pixels`: parts of images to blank, and when.
//!
//! Owns reading it. What it would only carry out in part it refuses, for an image that stays as it is tells nobody.

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
    /// First column, first row, and the column and row behind the last. Negative numbers count from the far edge.
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
        Self { message: message.into(), hint: None }
    }

    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says in which part of the value it is.
    pub(super) fn at(mut self, part: String) -> Self {
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
        "`detect` names recipe files of a Python package that Flywheel's engine brings along; they are not part of fwupload",
    )
    .with_hint("write what the recipe blanks for your devices as entries of `pixels`")
}

fn region(node: &Node) -> Result<Region, Problem> {
    let (mut when, mut area) = (None, None);
    for entry in node.entries("an entry of `pixels`")? {
        match entry.key.as_str() {
            "when" => when = Some(Condition::read(entry.value.text("when")?).map_err(|complaint| complaint.of(&entry.value))?),
            "remove" | "keep" if area.is_some() => {
                return Err(Problem::new(entry.place, "an entry of `pixels` has either `remove` or `keep`, not both"));
            }
            key @ ("remove" | "keep") => area = Some((key == "keep", corners(&entry.value, key)?)),
            key => {
                let problem = Problem::new(entry.place, format!("unknown key `{}`", shown(key)));
                return Err(problem.with_hint("an entry of `pixels` has `when` and one of `remove` and `keep`"));
            }
        }
    }
    let when = when.ok_or_else(|| node.problem("an entry of `pixels` needs `when`"))?;
    let (keep, corners) = area.ok_or_else(|| node.problem("an entry of `pixels` needs `remove` or `keep`"))?;
    Ok(Region { when, keep, corners })
}

/// `[x0, y0, x1, y1]`.
fn corners(node: &Node, key: &str) -> Result<[i64; 4], Problem> {
    let numbers = node.items(key)?.iter().map(|item| corner(item, key)).collect::<Result<Vec<_>, _>>()?;
    let corners: [i64; 4] = numbers.try_into().map_err(|numbers: Vec<_>| {
        let problem = node.problem(format!("`{key}` has {} numbers instead of 4", numbers.len()));
        problem.with_hint("write [x0, y0, x1, y1]: first column and row, and those behind the last")
    })?;
    let [x0, y0, x1, y1] = corners;
    let nothing = |from: i64, to: i64| (from < 0) == (to < 0) && to <= from;
    if nothing(x0, x1) || nothing(y0, y1) {
        let problem = node.problem(format!("`{key}` covers nothing"));
        return Err(problem.with_hint("[x0, y0, x1, y1] ends at the column and row behind the last: not width and height"));
    }
    Ok(corners)
}

fn corner(node: &Node, key: &str) -> Result<i64, Problem> {
    match &node.kind {
        Kind::Integer(number, _) => Ok(*number),
        _ => Err(node.problem(format!("`{key}` takes whole numbers, not {}", node.describe()))),
    }
}

impl AlterPixels {
    /// The option in one fixed form, for telling profiles apart.
    pub(super) fn canonical(&self) -> Value {
        self.regions.iter().map(|region| json!([region.when.canonical(), region.keep, region.corners])).collect()
    }
}
