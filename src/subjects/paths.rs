//! Paths in a table: a file, a folder or a glob, relative to what was named as input. The longest
//! that fits wins.
//!
//! Owns what a path in a table may be and which of several is meant. Case counts, as it does on most
//! file systems.

use std::collections::HashMap;

use globset::{GlobBuilder, GlobMatcher};

/// A path or a glob of a table, in the form in which it is compared.
#[derive(Clone)]
pub struct PathPattern {
    text: String,
    glob: Option<GlobMatcher>,
}

impl PathPattern {
    /// Of the text in a cell, `/` and `\` alike.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(cell: &str) -> Result<Self, &'static str> {
        let text = cell.replace('\\', "/");
        let drive = text.get(1..3) == Some(":/");
        if text.starts_with('/') || drive {
            return Err("is an absolute path: write it relative to the input");
        }
        let parts: Vec<_> = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if parts.contains(&"..") {
            return Err("is a path that leads out of the input");
        }
        let text = parts.join("/");
        let glob = if text.contains(['*', '?', '[', '{']) {
            let glob = GlobBuilder::new(&text)
                .literal_separator(true)
                .build()
                .map_err(|_| "is no pattern: a bracket or brace is not closed")?;
            Some(glob.compile_matcher())
        } else {
            None
        };
        Ok(Self { text, glob })
    }

    /// The text that tells it from others.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The paths of rows whose other keys are the same.
#[derive(Default)]
pub struct PathIndex<R> {
    /// Files and folders by their path.
    literal: HashMap<String, R>,
    /// Globs, the longest first.
    globs: Vec<(PathPattern, R)>,
}

impl<R: Copy> PathIndex<R> {
    /// Of the patterns of rows, no two of them the same.
    pub fn new(patterns: impl IntoIterator<Item = (PathPattern, R)>) -> Self {
        let mut index = Self {
            literal: HashMap::new(),
            globs: Vec::new(),
        };
        for (pattern, row) in patterns {
            // A name may hold brackets and be meant as it is.
            index
                .literal
                .insert(pattern.text.clone(), row);
            if pattern.glob.is_some() {
                index.globs.push((pattern, row));
            }
        }
        index
            .globs
            .sort_by_key(|(pattern, _)| std::cmp::Reverse(length(&pattern.text)));
        index
    }

    /// The rows with the longest path that fits a file: one, or several globs of one length; none
    /// where no path fits. A path as it stands goes before a glob of its length.
    pub fn longest(&self, file: &str) -> Vec<R> {
        let literal =
            at_and_above(file).find_map(|path| Some((length(path), *self.literal.get(path)?)));
        let fits = |pattern: &&(PathPattern, R)| {
            let glob = pattern.0.glob.as_ref();
            glob.is_some_and(|glob| at_and_above(file).any(|path| glob.is_match(path)))
        };
        let mut globs = self
            .globs
            .iter()
            .filter(fits)
            .peekable();
        let longest_glob = globs
            .peek()
            .map(|(pattern, _)| length(&pattern.text));
        match (literal, longest_glob) {
            (Some((literal, row)), glob) if glob.is_none_or(|glob| glob <= literal) => vec![row],
            (_, Some(longest)) => globs
                .take_while(|(pattern, _)| length(&pattern.text) == longest)
                .map(|(_, row)| *row)
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// A path and the folders above it, the input itself last, as an empty path.
fn at_and_above(path: &str) -> impl Iterator<Item = &str> {
    let above = path
        .rmatch_indices('/')
        .filter_map(|(at, _)| path.get(..at));
    std::iter::once(path)
        .chain(above)
        .chain([""])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn longest(patterns: &[&'static str], file: &str) -> Vec<&'static str> {
        let patterns = patterns
            .iter()
            .map(|text| (PathPattern::new(text).unwrap(), *text));
        PathIndex::new(patterns).longest(file)
    }

    #[test]
    fn a_file_a_folder_or_a_glob_fits_and_the_longest_wins() {
        let all = ["a", "a/b", "a/b/1.dcm", "a/*/2.dcm", "**/*.ima", "."];
        for (file, row) in [
            ("a/x.dcm", "a"),
            ("a/b/x.dcm", "a/b"),
            ("a/b/1.dcm", "a/b/1.dcm"),
            ("a/b/2.dcm", "a/*/2.dcm"),
            ("a/b/c.ima", "**/*.ima"),
            ("ab/x.dcm", "."),
        ] {
            assert_eq!(longest(&all, file), [row], "{file}");
        }
        assert_eq!(longest(&["a/b"], "a/bc/1.dcm"), [""; 0]);
        assert_eq!(longest(&["sub-*"], "sub-01/ses-1/1.dcm"), ["sub-*"]);
        assert_eq!(longest(&["sub-*"], "x/sub-01/1.dcm"), [""; 0]);
        assert_eq!(longest(&[".\\a\\b\\", "a"], "a/b/1"), [".\\a\\b\\"]);
    }

    #[test]
    fn a_path_as_it_stands_goes_before_a_glob_and_equal_globs_are_all_given() {
        assert_eq!(longest(&["a/b", "a/*"], "a/b/1.dcm"), ["a/b"]);
        assert_eq!(longest(&["[a]"], "[a]/1.dcm"), ["[a]"]);
        assert_eq!(longest(&["a/?", "a/*"], "a/b/1.dcm").len(), 2);
    }

    #[test]
    fn a_path_stays_in_the_input() {
        for cell in ["/data/a", "C:\\data", "a/../../b", "[a"] {
            assert!(PathPattern::new(cell).is_err(), "{cell}");
        }
    }
}
