//! Finding the files: walking, lists, filters and a look at what they are. Never decides what is
//! done with them.
//!
//! Every file that is reached comes out as exactly one [`Found`], in an order that depends on the
//! inputs alone: roots as they were given, folders sorted by name. A file that was named or listed
//! is a promise, so what is wrong with it is a failure; what a walk finds and cannot use is a skip
//! with a reason.

mod archive;
mod classify;
mod filters;
mod formats;
mod lists;
mod other;
mod skip;
mod walk;

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

pub use other::OtherFile;
pub use skip::SkipReason;

use crate::cli::{Filter, OtherFiles, PathList};
use crate::failure::{Error, FileFailure};
use filters::Filters;

/// What to look for, and where.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Files and folders that were named.
    pub paths: Vec<PathBuf>,
    /// Lists of further files and folders; a failure report works as one.
    pub lists: Vec<PathList>,
    /// Paths in lists end with NUL, not with a line break.
    pub null: bool,
    /// Filters for what walks find, in order; the last match wins.
    pub filters: Vec<Filter>,
    /// Follow symbolic links.
    pub follow: bool,
    /// What becomes of files that are not DICOM.
    pub other_files: OtherFiles,
}

/// One file or folder that was reached, and what it is.
#[derive(Debug, Clone)]
pub enum Found {
    /// To be read as DICOM.
    Dicom(DiscoveredFile),
    /// Not read as DICOM, and to be uploaded all the same if a look into it allows that.
    Other(DiscoveredFile),
    /// Left out.
    Skipped {
        /// Where it is.
        path: PathBuf,
        /// Why.
        reason: SkipReason,
        /// Its size in bytes; 0 where it was not looked at.
        len: u64,
    },
    /// Cannot be used.
    Failed {
        /// Where it is.
        path: PathBuf,
        /// Why.
        failure: FileFailure,
    },
}

impl Found {
    /// The path that was reached.
    pub fn path(&self) -> &Path {
        match self {
            Self::Dicom(file) | Self::Other(file) => &file.path,
            Self::Skipped { path, .. } | Self::Failed { path, .. } => path,
        }
    }

    /// Its size in bytes; 0 where it is not known.
    pub fn size(&self) -> u64 {
        match self {
            Self::Dicom(file) | Self::Other(file) => file.len,
            Self::Skipped { len, .. } => *len,
            Self::Failed { .. } => 0,
        }
    }
}

/// A regular file, not yet opened for more than its first bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredFile {
    /// Where it is, spelled as the root was.
    pub path: PathBuf,
    /// Its size in bytes.
    pub len: u64,
    /// It was named or listed, not found by walking.
    pub named: bool,
    /// The named path that led to it; the file itself where it was named.
    pub root: PathBuf,
}

impl DiscoveredFile {
    /// Where it lies below the folder that was named.
    pub fn relative(&self) -> String {
        below(&self.path, &self.root)
    }
}

/// Where a file lies below the folder that was named, with `/` between the parts on every system; a
/// file that was named itself has its name alone.
pub fn below(path: &Path, root: &Path) -> String {
    let inside = path
        .strip_prefix(root)
        .ok()
        .filter(|inside| !inside.as_os_str().is_empty());
    let inside = inside.unwrap_or_else(|| Path::new(path.file_name().unwrap_or_default()));
    inside
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

/// Inputs whose lists are read and whose filters are compiled: ready to be walked.
#[derive(Debug)]
pub struct Discovery {
    paths: Vec<PathBuf>,
    filters: Filters,
    follow: bool,
    other_files: OtherFiles,
}

impl Discovery {
    /// Reads the lists and compiles the filters. `stdin` is read to its end when a list is
    /// [`PathList::Stdin`]. Errors: a list that cannot be read, or a filter that is not a pattern.
    pub fn prepare(inputs: Inputs, stdin: &mut dyn Read) -> Result<Self, Error> {
        let filters = Filters::new(&inputs.filters)?;
        let mut paths = inputs.paths;
        for list in &inputs.lists {
            paths.extend(lists::read(list, inputs.null, stdin)?);
        }
        Ok(Self {
            paths,
            filters,
            follow: inputs.follow,
            other_files: inputs.other_files,
        })
    }

    /// What was named and listed.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The input that a folder lies in, or that lies in the folder, which need not exist yet: what
    /// is written there would be read as input, by this run or the next.
    pub fn input_beside(&self, folder: &Path) -> Option<&Path> {
        self.paths
            .iter()
            .find(|input| lie_one_in_the_other(input, folder))
            .map(PathBuf::as_path)
    }

    /// Walks everything and visits each file. Stops early when the visit says so.
    pub fn run(&self, visit: &mut dyn FnMut(Found) -> ControlFlow<()>) -> ControlFlow<()> {
        walk::Walk::new(self).run(visit)
    }
}

/// Whether of two paths, which need not exist yet, one lies in the other or both are the same.
pub fn lie_one_in_the_other(one: &Path, other: &Path) -> bool {
    let (one, other) = (settled(one), settled(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// The path without links as far as it exists.
fn settled(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let known = path
        .ancestors()
        .find_map(|above| Some((above.canonicalize().ok()?, path.strip_prefix(above).ok()?)));
    known.map_or_else(|| path.clone(), |(above, rest)| above.join(rest))
}

#[cfg(test)]
mod tests;
