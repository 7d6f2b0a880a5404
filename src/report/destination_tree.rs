//! Where a dry run would store its packages: an indented tree of labels after cleaning.

use std::collections::BTreeMap;

use super::figures::{bytes, count, plural};
use crate::event::Stored;
use dicom_lossless::escape_for_terminal;

/// The most lines that are shown.
const MAX_LINES: usize = 60;

/// The packages of a run by destination.
#[derive(Debug, Default)]
pub struct DestinationTree {
    packages: BTreeMap<(String, String), (u64, Stored)>,
}

impl DestinationTree {
    /// Counts one instance of a package, or one file that stays unchanged.
    pub fn add(&mut self, stored: &Stored) {
        let package = (stored.destination.clone(), stored.file.clone());
        let package = self.packages.entry(package);
        package
            .or_insert_with(|| (0, stored.clone()))
            .0 += 1;
    }

    /// A line for each container and package, containers once.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut above: Vec<&str> = Vec::new();
        for ((destination, file), (instances, stored)) in &self.packages {
            let labels: Vec<&str> = destination.split('/').collect();
            let shared = labels
                .iter()
                .zip(&above)
                .take_while(|(a, b)| a == b)
                .count();
            let deeper = labels
                .iter()
                .enumerate()
                .skip(shared);
            lines.extend(deeper.map(|(depth, label)| {
                format!("{}{}", "  ".repeat(depth), escape_for_terminal(label))
            }));
            let content = if stored.other_file {
                "as it is".to_owned()
            } else {
                plural(*instances, "instance")
            };
            let (indent, file) = ("  ".repeat(labels.len()), escape_for_terminal(file));
            lines.push(format!(
                "{indent}{file}  ({content}, {})",
                bytes(stored.size)
            ));
            above = labels;
        }
        if lines.len() > MAX_LINES {
            let more = lines.len() - MAX_LINES;
            lines.truncate(MAX_LINES);
            lines.push(format!(
                "… and {} more lines; `-v` names every file",
                count(more as u64)
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_named_once_above_their_packages() {
        let mut tree = DestinationTree::default();
        for (destination, file) in [
            ("g/p/s/t/a", "a.dicom.zip"),
            ("g/p/s/t/a", "a.dicom.zip"),
            ("g/p/s/t/b", "b.dicom"),
            ("g/p/s/t/b", "n.txt"),
        ] {
            let other_file = file == "n.txt";
            let (destination, file) = (destination.to_owned(), file.to_owned());
            tree.add(&Stored {
                destination,
                file,
                container_id: None,
                size: 2048,
                file_id: None,
                other_file,
                container_ids: Vec::new(),
            });
        }
        insta::assert_snapshot!(tree.lines().join("\n"), @r"
        g
          p
            s
              t
                a
                  a.dicom.zip  (2 instances, 2.0 KiB)
                b
                  b.dicom  (1 instance, 2.0 KiB)
                  n.txt  (as it is, 2.0 KiB)
        ");
    }
}
