//! Files that belong to images by their names (`--associate`): a glob made of fields of the cleaned
//! header, such as `raw/{SeriesNumber}_*.dat`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use import_rules::{CleanedHeader, HeaderField, Refusal};

use super::header::Cleaned;

/// A pattern with fields in it.
#[derive(Debug, Clone)]
pub struct Association(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Glob(String),
    Field(HeaderField),
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssociationError {
    /// A field that is none.
    #[error("{}", .0.message)]
    Field(Refusal),
    /// A brace without the other one.
    #[error("a `{{` or `}}` stands alone")]
    Brace,
    /// Every series would claim the same files.
    #[error("it has no field of the header in it")]
    NoField,
    /// It is no glob.
    #[error("it is no pattern for paths")]
    Glob,
}

impl Association {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, AssociationError> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or(AssociationError::Brace)?;
            parts.push(Part::Glob(before.to_owned()));
            let field = HeaderField::parse(name).map_err(AssociationError::Field)?;
            parts.push(Part::Field(field));
            rest = after;
        }
        parts.push(Part::Glob(rest.to_owned()));
        let stray = parts
            .iter()
            .any(|part| matches!(part, Part::Glob(glob) if glob.contains('}')));
        if stray {
            return Err(AssociationError::Brace);
        }
        if parts.len() == 1 {
            return Err(AssociationError::NoField);
        }
        let pattern = Self(parts);
        let sample = pattern
            .glob_of(|_| Some("1".to_owned()))
            .unwrap_or_default();
        compile(&sample)
            .map(|_| pattern)
            .ok_or(AssociationError::Glob)
    }

    /// The glob that files of an image fit; none where the image lacks a field of it.
    pub fn glob(&self, header: &Cleaned) -> Option<String> {
        self.glob_of(|field| {
            let value = header
                .cleaned_values(field)
                .into_iter()
                .next()?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        })
    }

    fn glob_of(&self, value: impl Fn(&HeaderField) -> Option<String>) -> Option<String> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Glob(text) => Some(text.clone()),
                // What a header says is never a pattern.
                Part::Field(field) => value(field).map(|value| globset::escape(&value)),
            })
            .collect()
    }
}

fn compile(glob: &str) -> Option<globset::Glob> {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .ok()
}

/// Which image a path belongs to, of many globs.
#[derive(Debug, Default)]
pub struct Associated<T> {
    globs: GlobSet,
    targets: Vec<T>,
}

impl<T: Clone> Associated<T> {
    /// Of globs and what belongs to each.
    pub fn new(all: impl IntoIterator<Item = (String, T)>) -> Self {
        let (mut globs, mut targets) = (GlobSetBuilder::new(), Vec::new());
        for (glob, target) in all {
            if let Some(glob) = compile(&glob) {
                globs.add(glob);
                targets.push(target);
            }
        }
        Self {
            globs: globs.build().unwrap_or_default(),
            targets,
        }
    }

    /// What a path belongs to: of all globs that it fits.
    pub fn of(&self, path: &str) -> Vec<T> {
        self.globs
            .matches(path)
            .into_iter()
            .filter_map(|at| self.targets.get(at).cloned())
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_becomes_a_glob_and_values_are_no_patterns() {
        let pattern = Association::parse("raw/{SeriesNumber}_{Modality}*.dat").unwrap();
        let glob = pattern.glob_of(|field| {
            let number = HeaderField::parse("SeriesNumber").unwrap();
            Some(if *field == number { "7" } else { "M*" }.to_owned())
        });
        let associated = Associated::new([(glob.unwrap(), 'a')]);
        assert_eq!(associated.of("raw/7_M*1.dat"), ['a']);
        assert_eq!(associated.of("raw/7_MR1.dat"), [' '; 0]);
        assert_eq!(associated.of("raw/7_M*/1.dat"), [' '; 0]);
        assert_eq!(pattern.glob_of(|_| None), None);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| Association::parse(text).unwrap_err();
        assert_eq!(wrong("raw/*.dat"), AssociationError::NoField);
        assert_eq!(wrong("raw/{SeriesNumber"), AssociationError::Brace);
        assert_eq!(wrong("raw/{SeriesNumber}}"), AssociationError::Brace);
        assert_eq!(wrong("raw/{SeriesNumber}[a"), AssociationError::Glob);
        assert!(matches!(wrong("{SeriesNumbr}"), AssociationError::Field(_)));
    }
}
