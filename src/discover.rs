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
mod first_look;
mod formats;
mod lists;
mod look_pool;
mod members;
mod opened;
mod other;
mod skip;
mod walk;

use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use look_pool::{LookThreads, MOST_WAITING};
pub use members::split as split_member;
pub use opened::OpenedFile;
pub use other::OtherFile;
pub use skip::SkipReason;

use crate::cli::{Archives, Filter, OtherFiles, PathList, Shard};
use crate::failure::{Error, FileFailure, RunCode};
use crate::shard_plan::{ExpectedFile, PlannedList};
use dicom_lossless::{SourceFile, Stored, display_path, native_path};
use filters::Filters;
use first_look::{FirstLook, Looked};
use members::SEPARATOR;

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
    /// What becomes of archives.
    pub archives: Archives,
    /// The folder of a plan whose files are read in the place of walking, and which part of it. It
    /// says which filters, links and archives count.
    pub plan: Option<(PathBuf, Shard)>,
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

/// A regular file or a member of an archive, not yet opened for more than its first bytes.
#[derive(Debug, Clone)]
pub struct DiscoveredFile {
    /// Where it is, spelled as the root was; of a member, `::` stands behind each archive.
    pub path: PathBuf,
    /// Its size in bytes.
    pub len: u64,
    /// It was named or listed, not found by walking.
    pub named: bool,
    /// The named path that led to it; the file itself where it was named, and of a member of a
    /// named archive that.
    pub root: PathBuf,
    /// Where it lies, if that is inside an archive.
    pub inside: Option<Arc<dyn Stored>>,
    /// What a plan says of it, where it is read by one.
    pub expected: Option<ExpectedFile>,
}

impl DiscoveredFile {
    /// Where it lies below the folder that was named, as in `study.zip::series/IM0001`.
    pub fn relative(&self) -> String {
        below(&self.path, &self.root)
    }

    /// The same with archives as folders, as in `study.zip/series/IM0001`.
    pub fn relative_with_slashes(&self) -> String {
        with_slashes(self.relative(), self.inside.as_ref())
    }

    /// The path of the file on disk: its own, or that of the archive around it.
    pub fn on_disk(&self) -> &Path {
        self.inside
            .as_ref()
            .map_or(&self.path, |inside| inside.outermost().path())
    }

    /// The folder that it lies in, archives being folders.
    pub fn folder(&self) -> PathBuf {
        folder_of(&self.path, self.inside.as_ref())
    }

    /// The file to be opened, as it is now.
    ///
    /// # Errors
    /// `discover.*` and `read.*` where it cannot be looked at.
    pub fn source(&self) -> Result<SourceFile, FileFailure> {
        Ok(match &self.inside {
            Some(inside) => SourceFile::inside(&self.path, self.len, Arc::clone(inside)),
            None => SourceFile::new(&self.path)?,
        })
    }
}

/// The path of a file with archives as folders.
pub fn with_slashes(relative: String, inside: Option<&Arc<dyn Stored>>) -> String {
    match inside {
        Some(_) => relative.replace(SEPARATOR, "/"),
        None => relative,
    }
}

/// The folder that a file lies in. Of a member, each archive around it counts as a folder of its
/// name.
pub fn folder_of(path: &Path, inside: Option<&Arc<dyn Stored>>) -> PathBuf {
    let parent = |path: &Path| {
        path.parent()
            .unwrap_or(Path::new(""))
            .to_path_buf()
    };
    let Some(inside) = inside else {
        return parent(path);
    };
    let archive = inside.outermost().path();
    let behind = path
        .as_os_str()
        .as_encoded_bytes()
        .get(archive.as_os_str().len()..)
        .unwrap_or_default();
    let behind = String::from_utf8_lossy(behind).replace(SEPARATOR, "/");
    let mut folder = archive.as_os_str().to_owned();
    folder.push(behind);
    parent(Path::new(&folder))
}

/// Where a file lies below the folder that was named, with `/` between the parts on every system; a
/// file that was named itself has its name alone, and a member of a named archive the name of that
/// before its own.
pub fn below(path: &Path, root: &Path) -> String {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let member = path
        .as_os_str()
        .as_encoded_bytes()
        .strip_prefix(root.as_os_str().as_encoded_bytes())
        .filter(|behind| behind.starts_with(SEPARATOR.as_bytes()));
    if let Some(member) = member {
        return name(root) + &String::from_utf8_lossy(member);
    }
    let inside = path
        .strip_prefix(root)
        .ok()
        .filter(|inside| !inside.as_os_str().is_empty());
    let Some(inside) = inside else {
        return name(path);
    };
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
    archives: Archives,
    planned: Option<PlannedList>,
}

impl Discovery {
    /// Reads the lists and compiles the filters. `stdin` is read to its end when a list is
    /// [`PathList::Stdin`]. Errors: a list that cannot be read, a filter that is not a pattern, or
    /// `plan.invalid`.
    pub fn prepare(inputs: Inputs, stdin: &mut dyn Read) -> Result<Self, Error> {
        if let Some((folder, shard)) = &inputs.plan {
            return Self::planned(folder, *shard, inputs.other_files);
        }
        let filters = Filters::new(&inputs.filters)?;
        let mut paths = inputs.paths;
        for list in &inputs.lists {
            paths.extend(lists::read(list, inputs.null, stdin)?);
        }
        // Reports, plans and the redaction of paths have those of the files as they are found.
        let paths = paths
            .iter()
            .map(|path| native_path(path).into_owned())
            .collect();
        Ok(Self {
            paths,
            filters,
            follow: inputs.follow,
            other_files: inputs.other_files,
            archives: inputs.archives,
            planned: None,
        })
    }

    /// The part of a plan.
    fn planned(folder: &Path, shard: Shard, other_files: OtherFiles) -> Result<Self, Error> {
        let parts = (shard.number().into(), shard.of().into());
        let list = PlannedList::open(folder, parts)
            .map_err(|error| invalid_plan(&error.path, error.cause))?;
        let archives = Archives::of_word(&list.plan.archives)
            .ok_or_else(|| invalid_plan(list.path(), "it says of archives what is not known"))?;
        let filters: Vec<_> = list
            .plan
            .filters
            .iter()
            .map(Filter::from)
            .collect();
        Ok(Self {
            paths: list.inputs.clone(),
            filters: Filters::new(&filters)?,
            follow: list.plan.follow,
            other_files,
            archives,
            planned: Some(list),
        })
    }

    /// The plan whose files are read in the place of walking.
    pub fn plan(&self) -> Option<&PlannedList> {
        self.planned.as_ref()
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
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        let threads = LookThreads::beside(cores);
        self.look(threads, &|_, _| (), &mut |found, _| visit(found))
            .flow
    }

    /// The same on threads of its own, the visits in order on this one. `further` is asked of every
    /// DICOM file on disk while that is open, and its answer comes with the visit.
    pub fn look<T: Send>(
        &self,
        threads: LookThreads,
        further: &(dyn Fn(&DiscoveredFile, &OpenedFile) -> T + Sync),
        visit: &mut dyn FnMut(Found, Option<T>) -> ControlFlow<()>,
    ) -> Walked {
        let (mut walk, members) = walk::Walk::new(self);
        let look = FirstLook {
            discovery: self,
            members: &members,
        };
        let mut unpacking = Duration::ZERO;
        let pass = look_pool::in_order(
            threads,
            &mut |give| walk.list(give),
            &|listed| look.at(listed, further),
            &mut |looked| {
                let (begin, mut elsewhere) = (Instant::now(), Duration::ZERO);
                let mut visit_member = |found| {
                    let begin = Instant::now();
                    let flow = visit(found, None);
                    elsewhere += begin.elapsed();
                    flow
                };
                let flow = match looked {
                    Looked::Settled(found, more) => return visit(found, more),
                    Looked::Archive { file, listed } => {
                        look.archive(file, listed, &mut visit_member)
                    }
                    Looked::Members(root) => look.named_members(root, &mut visit_member),
                };
                unpacking += begin
                    .elapsed()
                    .saturating_sub(elsewhere);
                flow
            },
        );
        Walked {
            flow: pass.flow,
            busy: pass.listing + unpacking,
            is_slow: pass.is_slow,
        }
    }
}

/// The error for a plan that cannot be used.
pub fn invalid_plan(path: &Path, cause: impl Into<String>) -> Error {
    Error::new(
        RunCode::PlanInvalid,
        format!("the plan cannot be used: {}", display_path(path)),
    )
    .because(cause)
}

/// What a walk came to.
#[derive(Debug, Clone, Copy)]
pub struct Walked {
    /// Whether it went to its end.
    pub flow: ControlFlow<()>,
    /// The time that listing took, and walking archives.
    pub busy: Duration,
    /// Whether files are slow to open, as on a network.
    pub is_slow: bool,
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
