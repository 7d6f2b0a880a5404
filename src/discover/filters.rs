//! `--include` and `--exclude`: patterns in gitignore syntax, relative to each root; the last match
//! wins. A pattern with `::` is one for archives and one for what is in them.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::members::SEPARATOR;
use crate::cli::Filter;
use crate::failure::{Error, RunCode};

/// Compiled filters.
#[derive(Debug)]
pub struct Filters {
    rules: Vec<Rule>,
    /// What becomes of files that no filter matches.
    otherwise: bool,
}

/// One pattern.
#[derive(Debug)]
struct Rule {
    include: bool,
    /// One for a path, or for the parts between each `::`; none of a part that matches anything.
    parts: Vec<Option<Gitignore>>,
}

impl Rule {
    /// None where it does not match.
    fn decides(&self, path: &FilteredPath<'_>) -> Option<bool> {
        if let [Some(whole)] = self.parts.as_slice() {
            return match whole.matched_path_or_any_parents(path.slashes, false) {
                Match::None => None,
                Match::Ignore(_) => Some(self.include),
                // The pattern itself was negated with `!`.
                Match::Whitelist(_) => Some(!self.include),
            };
        }
        let fits = |(part, path): (&Option<Gitignore>, &&str)| {
            part.as_ref().is_none_or(|part| {
                part.matched_path_or_any_parents(path, false)
                    .is_ignore()
            })
        };
        // What names an archive in an archive speaks for all in it.
        (self.parts.len() <= path.parts.len()
            && self
                .parts
                .iter()
                .zip(&path.parts)
                .all(fits))
        .then_some(self.include)
    }
}

/// A path that is filtered, relative to its root.
pub struct FilteredPath<'a> {
    /// With `/` between an archive and its members.
    pub slashes: &'a Path,
    /// The archive on disk, archives in it, and the member; none of a file on disk.
    pub parts: Vec<&'a str>,
}

impl<'a> FilteredPath<'a> {
    /// A file on disk.
    pub fn on_disk(relative: &'a Path) -> Self {
        Self {
            slashes: relative,
            parts: Vec::new(),
        }
    }
}

impl Filters {
    pub fn new(filters: &[Filter]) -> Result<Self, Error> {
        let rules = filters.iter().map(rule);
        // A list that starts with an include names what is wanted, one that starts with an exclude
        // what is not.
        let otherwise = filters
            .first()
            .is_none_or(|first| !first.include);
        Ok(Self {
            rules: rules.collect::<Result<_, Error>>()?,
            otherwise,
        })
    }

    /// Whether a file is taken. A pattern that matches a folder speaks for all in it.
    pub fn take(&self, path: &FilteredPath<'_>) -> bool {
        self.decides(path)
            .unwrap_or(self.otherwise)
    }

    fn decides(&self, path: &FilteredPath<'_>) -> Option<bool> {
        self.rules
            .iter()
            .rev()
            .find_map(|rule| rule.decides(path))
    }

    /// Whether members of an archive that is not taken itself may be: no pattern matched it, or one
    /// that is for members includes some.
    pub fn may_take_members(&self, archive: &FilteredPath<'_>) -> bool {
        let is_for_members = |rule: &Rule| rule.include && rule.parts.len() > 1;
        self.decides(archive).is_none()
            || self
                .rules
                .iter()
                .any(is_for_members)
    }
}

fn rule(filter: &Filter) -> Result<Rule, Error> {
    if !filter.glob.contains(SEPARATOR) {
        return Ok(Rule {
            include: filter.include,
            parts: vec![Some(compile(&filter.glob)?)],
        });
    }
    let (glob, include) = match filter.glob.strip_prefix('!') {
        Some(negated) => (negated, !filter.include),
        None => (filter.glob.as_str(), filter.include),
    };
    let parts: Vec<&str> = glob.split(SEPARATOR).collect();
    if parts
        .last()
        .is_none_or(|last| last.is_empty())
    {
        let what = format!(
            "`{}` is not a pattern: nothing stands behind `::`",
            filter.glob
        );
        return Err(Error::new(RunCode::Usage, what)
            .with_hint("write `*.zip::*` for everything in archives"));
    }
    let compiled = parts.into_iter().map(|part| {
        let any = part.is_empty();
        (!any)
            .then(|| compile(part))
            .transpose()
    });
    Ok(Rule {
        include,
        parts: compiled.collect::<Result<_, _>>()?,
    })
}

/// One matcher per pattern, so that patterns of both flags can be asked in typing order.
fn compile(glob: &str) -> Result<Gitignore, Error> {
    // A line that starts with `#` would be a comment.
    let line = if glob.starts_with('#') {
        format!("\\{glob}")
    } else {
        glob.to_owned()
    };
    let mut builder = GitignoreBuilder::new("");
    let compiled = builder
        .add_line(None, &line)
        .and_then(|builder| builder.build());
    let cause = match compiled {
        Ok(compiled) if compiled.is_empty() => "it is empty".to_owned(),
        Ok(compiled) => return Ok(compiled),
        Err(error) => error.to_string(),
    };
    let what = format!("`{glob}` is not a pattern: {cause}");
    Err(Error::new(RunCode::Usage, what)
        .with_hint("patterns are written as in .gitignore, for instance `*.dcm` or `scout/`"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// `+glob` includes, `-glob` excludes.
    fn taken<'a>(rules: &[&str], paths: &[&'a str]) -> Vec<&'a str> {
        let filters: Vec<_> = rules
            .iter()
            .map(|rule| Filter {
                include: rule.starts_with('+'),
                glob: rule[1..].to_owned(),
            })
            .collect();
        let filters = Filters::new(&filters).unwrap();
        paths
            .iter()
            .copied()
            .filter(|path| filters.take(&FilteredPath::on_disk(Path::new(path))))
            .collect()
    }

    const PATHS: [&str; 5] = [
        "a.dcm",
        "notes.txt",
        "scout/a.dcm",
        "scout/keep.dcm",
        "x/scout/b.dcm",
    ];

    #[test]
    fn without_filters_everything_is_taken() {
        assert_eq!(taken(&[], &PATHS), PATHS);
    }

    #[test]
    fn an_include_alone_leaves_out_the_rest() {
        assert_eq!(taken(&["+*.txt"], &PATHS), ["notes.txt"]);
    }

    #[test]
    fn the_last_match_wins_and_folders_speak_for_their_content() {
        assert_eq!(taken(&["-scout/"], &PATHS), ["a.dcm", "notes.txt"]);
        assert_eq!(
            taken(&["-scout/", "+scout/keep.dcm"], &PATHS),
            ["a.dcm", "notes.txt", "scout/keep.dcm"]
        );
        assert_eq!(
            taken(&["+*.dcm", "-/scout"], &PATHS),
            ["a.dcm", "x/scout/b.dcm"]
        );
        assert_eq!(taken(&["+keep.dcm", "-scout/"], &PATHS), [""; 0]);
    }

    #[test]
    fn names_that_look_like_comments_or_negations_work() {
        assert_eq!(taken(&["-#tmp#"], &["#tmp#", "a"]), ["a"]);
        assert_eq!(taken(&["-!*.dcm"], &["a.dcm"]), ["a.dcm"]);
    }

    #[test]
    fn a_broken_pattern_is_a_usage_error() {
        for glob in ["{a", "", "  "] {
            let error = Filters::new(&[Filter {
                include: true,
                glob: glob.to_owned(),
            }])
            .unwrap_err();
            assert_eq!(error.code, RunCode::Usage, "{glob:?}");
        }
    }
}
