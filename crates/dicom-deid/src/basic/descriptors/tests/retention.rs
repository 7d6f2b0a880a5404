//! How much remains of descriptors that name no person.

use super::*;

/// Series, study and protocol descriptions as scanners and departments write them, one a line. None
/// is of a patient.
const DESCRIPTIONS: &str = include_str!("descriptions.txt");

/// The share of words that must remain, in percent.
const AT_LEAST: f64 = 95.0;

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn descriptors_that_name_no_person_remain() {
    let (mut total, mut kept, mut changed) = (0, 0, Vec::new());
    let lines: Vec<_> = DESCRIPTIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    for line in &lines {
        let rest = cleaned(line);
        let (before, after) = (words(line).len(), words(&rest).len());
        (total, kept) = (total + before, kept + after);
        if before != after {
            changed.push(format!("{line} -> {rest}"));
        }
    }
    assert!(lines.len() >= 150, "{}", lines.len());
    #[allow(clippy::cast_precision_loss)]
    let share =
        100.0 * f64::from(u32::try_from(kept).unwrap()) / f64::from(u32::try_from(total).unwrap());
    let report = format!(
        "{kept} of {total} words remain ({share:.1} %) in {} lines, lost from:\n{}",
        lines.len(),
        changed.join("\n")
    );
    assert!(share >= AT_LEAST, "{report}");
    println!("{report}");
}
