//! Files that are not DICOM, when the user asked for them: looked into, and attached as they are, after the DICOM files
//! beside them. What a look finds DICOM in, or does not see to its end, never goes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;
use sha2::Sha256;

use crate::dicom::SourceFile;
use crate::discover::{DiscoveredFile, OtherFile};
use crate::event::{Outcome, Severity};
use crate::failure::FileFailure;
use crate::package::Package;
use crate::routing::{self, Destination};
use crate::series::Indexed;

use super::deliver::{Deliveries, Job};
use super::find::stopped;
use super::guard::guarded;
use super::place::Place;

/// Looks into all files at a time and delivers them one by one; each has its outcome afterwards.
pub fn deliver(files: Vec<DiscoveredFile>, deliveries: &Deliveries, pool: &ThreadPool) {
    let look = |file: DiscoveredFile| {
        let looked = if deliveries.stop().requested() { Err(stopped()) } else { guarded(|| look(&file.path)) };
        (file, looked)
    };
    let looked: Vec<_> = pool.install(|| files.into_par_iter().map(look).collect());
    warn(looked.iter().filter_map(|(_, looked)| looked.as_ref().ok()), deliveries);
    for (file, looked) in looked {
        let (path, len): (Arc<PathBuf>, u64) = (Arc::new(file.path), file.len);
        let looked = if deliveries.stop().requested() { Err(stopped()) } else { looked };
        let job = looked.and_then(|other| job(&path, file.root, &other, deliveries));
        match job {
            Ok(job) => deliveries.deliver_now(job),
            Err(failure) => deliveries.outcomes().settle_path(&path, len, Outcome::Failed(failure)),
        }
    }
}

fn look(path: &Path) -> Result<OtherFile, FileFailure> {
    OtherFile::look(Arc::new(SourceFile::new(path)?))
}

/// Says which formats that may identify are about to be sent.
fn warn<'a>(others: impl Iterator<Item = &'a OtherFile>, deliveries: &Deliveries) {
    let mut formats: BTreeMap<&str, u64> = BTreeMap::new();
    for format in others.flat_map(OtherFile::formats) {
        *formats.entry(format).or_default() += 1;
    }
    if !formats.is_empty() {
        let named: Vec<_> = formats.into_iter().map(|(format, files)| format!("{files} {format}")).collect();
        let text =
            format!("among the files that are sent as they are, formats whose own header may identify: {}", named.join("; "));
        deliveries.events().notice(Severity::Warning, "other-files", text);
    }
}

/// The acquisition of the DICOM files in the same folder, if they share one; else their session; else the project.
fn place(beside: &[Destination]) -> Place {
    let sessions: BTreeSet<_> = beside.iter().map(|d| (&d.subject.label, &d.session.label, &d.session.uid)).collect();
    match (beside, sessions.len()) {
        ([only], _) => Place::Acquisition(only.clone()),
        ([first, ..], 1) => Place::Session(first.clone()),
        _ => Place::Project,
    }
}

fn job(path: &Arc<PathBuf>, root: PathBuf, other: &OtherFile, deliveries: &Deliveries) -> Result<Job, FileFailure> {
    let file = Arc::clone(other.file());
    let package = package(path, other, deliveries.plan().keep_names)?;
    let place = place(&deliveries.destinations_of(path.parent().unwrap_or(Path::new(""))));
    Ok(Job { place, package, sources: vec![Indexed { path: Arc::clone(path), root: Arc::new(root), file, read: None }] })
}

fn package(path: &Path, other: &OtherFile, keep_names: bool) -> Result<Package, FileFailure> {
    let mut package = Package::other_file(String::new(), other);
    package.name = match path.file_name() {
        Some(name) if keep_names => routing::file_name(&name.to_string_lossy()),
        _ => silent_name(path, &package)?,
    };
    Ok(package)
}

/// A name that says nothing: the beginning of the content's SHA-256, so that a re-run finds the file again.
fn silent_name(path: &Path, package: &Package) -> Result<String, FileFailure> {
    let hash = package.hash::<Sha256>()?;
    let short = hash.get(..16).unwrap_or(&hash);
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let harmless = |e: &String| e.len() <= 5 && e.chars().all(|c| c.is_ascii_alphanumeric());
    Ok(extension.filter(harmless).map_or_else(|| format!("file-{short}"), |e| format!("file-{short}.{e}")))
}
