//! Files that are not DICOM, when the user asked for them: attached as they are, after the DICOM files beside them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::Sha256;

use crate::dicom::SourceFile;
use crate::discover::DiscoveredFile;
use crate::event::Outcome;
use crate::failure::FileFailure;
use crate::package::Package;
use crate::routing::{self, Destination};
use crate::series::Indexed;

use super::deliver::{Deliveries, Job};
use super::find::stopped;
use super::place::Place;

/// Delivers the files one by one; each has its outcome afterwards.
pub fn deliver(files: Vec<DiscoveredFile>, deliveries: &Deliveries) {
    for file in files {
        let (path, len): (Arc<PathBuf>, u64) = (Arc::new(file.path), file.len);
        let job = if deliveries.stop().requested() { Err(stopped()) } else { job(&path, file.root, deliveries) };
        match job {
            Ok(job) => deliveries.deliver_now(job),
            Err(failure) => deliveries.outcomes().settle_path(&path, len, Outcome::Failed(failure)),
        }
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

fn job(path: &Arc<PathBuf>, root: PathBuf, deliveries: &Deliveries) -> Result<Job, FileFailure> {
    let file = Arc::new(SourceFile::new(path.as_path())?);
    let package = package(path, &file, deliveries.plan().keep_names)?;
    let place = place(&deliveries.destinations_of(path.parent().unwrap_or(Path::new(""))));
    Ok(Job { place, package, sources: vec![Indexed { path: Arc::clone(path), root: Arc::new(root), file, read: None }] })
}

fn package(path: &Path, file: &Arc<SourceFile>, keep_names: bool) -> Result<Package, FileFailure> {
    let mut package = Package::other_file(String::new(), file);
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
