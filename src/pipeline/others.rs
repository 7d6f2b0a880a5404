//! Files that are not DICOM, when the user asked for them: looked into, and attached as they are,
//! after the DICOM files beside them. What a look finds DICOM in, or does not see to its end, never
//! goes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::discover::{DiscoveredFile, OtherFile};
use crate::event::{FileOutcome, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::package::Package;
use crate::routing;
use crate::series::Indexed;
use dicom_lossless::SourceFile;

use super::context::RunContext;
use super::deliver;
use super::guard::guarded;
use super::neighbours::{NeighbourTarget, Neighbours};
use super::outcomes::stopped;
use super::pack::OutgoingPackage;
use super::send::Sender;
use super::target::TargetContainer;

/// Formats that a compressed file is said to be of by what stands before the ending of the
/// compression.
const COMPRESSED: [&str; 22] = [
    "nii", "img", "hdr", "mif", "mih", "mgh", "mnc", "nrrd", "nhdr", "mha", "tck", "trk", "gii",
    "tar", "json", "txt", "csv", "tsv", "xml", "rec", "par", "edf",
];
/// Endings of compressed files.
const COMPRESSIONS: [&str; 6] = ["gz", "bz2", "xz", "zst", "lz4", "z"];
/// What stands before `nii` and `gii` in files of surfaces and grayordinates (CIFTI-2, GIFTI).
const OF_SURFACES: [&str; 22] = [
    "dconn",
    "pconn",
    "dpconn",
    "pdconn",
    "dscalar",
    "pscalar",
    "dtseries",
    "ptseries",
    "dlabel",
    "plabel",
    "dfan",
    "dfibertemp",
    "surf",
    "func",
    "shape",
    "label",
    "coord",
    "time",
    "topo",
    "tensor",
    "vector",
    "rgba",
];
/// What stands before `tif` and `tiff` in images of OME.
const OF_OME: [&str; 1] = ["ome"];

/// A file that was looked into and may go.
struct InspectedFile {
    source: Indexed,
    package: Package,
}

/// Looks into all files and sends them one by one; each has its outcome afterwards.
pub fn send(
    sender: &Sender,
    files: Vec<DiscoveredFile>,
    neighbours: &Neighbours,
    pool: &ThreadPool,
) {
    let context = sender.context();
    for ((folder, _), group) in inspect(context, files, pool) {
        send_group(sender, &folder, group, neighbours);
    }
}

/// Files that may go, by folder and stem of their names.
type Groups = BTreeMap<(PathBuf, String), Vec<InspectedFile>>;

fn inspect(context: &RunContext, files: Vec<DiscoveredFile>, pool: &ThreadPool) -> Groups {
    let look = |file: DiscoveredFile| {
        let looked = if context.stop.requested() {
            Err(stopped())
        } else {
            guarded(|| OtherFile::look(Arc::new(SourceFile::new(&file.path)?)))
        };
        (file, looked)
    };
    let looked: Vec<_> = pool.install(|| {
        files
            .into_par_iter()
            .map(look)
            .collect()
    });
    let all = looked
        .iter()
        .filter_map(|(_, looked)| looked.as_ref().ok());
    warn(context, all);
    let mut groups = Groups::new();
    for (file, looked) in looked {
        let (path, len) = (Arc::new(file.path), file.len);
        match looked {
            Ok(other) => {
                let package = Package::other_file(String::new(), &other);
                let stem = split(&path).0;
                let folder = path
                    .parent()
                    .unwrap_or(Path::new(""))
                    .to_path_buf();
                let source = Indexed {
                    path,
                    root: Arc::new(file.root),
                    file: Arc::clone(other.file()),
                    read: None,
                    row: None,
                };
                groups
                    .entry((folder, stem))
                    .or_default()
                    .push(InspectedFile { source, package });
            }
            Err(failure) => context
                .outcomes
                .settle_path(&path, len, FileOutcome::Failed(failure)),
        }
    }
    groups
}

/// Files of one folder that differ in their extension alone belong together, and keep that in their
/// names.
fn send_group(sender: &Sender, folder: &Path, group: Vec<InspectedFile>, neighbours: &Neighbours) {
    let context = sender.context();
    let target_and_stem = target(context, folder, &group, neighbours)
        .and_then(|target| Ok((target, stem(&group, context.plan.input.keep_names)?)));
    match target_and_stem {
        Ok((target, stem)) => {
            let packages = group
                .into_iter()
                .map(|file| outgoing(file, &target));
            for outgoing in numbered(sender, packages.collect(), &stem) {
                sender.send_now(outgoing);
            }
        }
        Err(failure) => {
            for file in group {
                let outcome = FileOutcome::Failed(failure.clone());
                context
                    .outcomes
                    .settle(&file.source, outcome);
            }
        }
    }
}

fn target(
    context: &RunContext,
    folder: &Path,
    group: &[InspectedFile],
    neighbours: &Neighbours,
) -> Result<TargetContainer, FileFailure> {
    if context.stop.requested() {
        return Err(stopped());
    }
    let root = group
        .first()
        .map_or(folder, |first| &first.source.root);
    match neighbours.of(folder, root) {
        NeighbourTarget::To(target) => Ok(target),
        NeighbourTarget::NoDicom => Ok(TargetContainer::Project),
        NeighbourTarget::Unknown => Err(FileFailure::new(
            FileCode::RouteUnclear,
            "DICOM files beside it failed",
        )),
    }
}

/// The packages under the first names that are free for all of them: `stem.ext`, or with `-2`, `-3`
/// and so on after the stem.
fn numbered(
    sender: &Sender,
    mut packages: Vec<OutgoingPackage>,
    stem: &str,
) -> Vec<OutgoingPackage> {
    let context = sender.context();
    let is_free = |outgoing: &OutgoingPackage| {
        let free = deliver::is_name_free(&sender.state, outgoing);
        context.network.block_on(free)
    };
    for number in 1_u32.. {
        let stem = if number == 1 {
            stem.to_owned()
        } else {
            format!("{stem}-{number}")
        };
        for outgoing in &mut packages {
            let source = outgoing.sources.first();
            let extension = source.map(|source| split(&source.path).1);
            let mut extension = extension.unwrap_or_default();
            if !context.plan.input.keep_names {
                extension = extension.to_lowercase();
            }
            outgoing.package.name = routing::file_name(&format!("{stem}{extension}"));
        }
        if context.stop.requested() || packages.iter().all(is_free) {
            break;
        }
    }
    packages
}

/// Says which formats that may identify are about to be sent.
fn warn<'a>(context: &RunContext, others: impl Iterator<Item = &'a OtherFile>) {
    let mut formats: BTreeMap<&str, u64> = BTreeMap::new();
    for format in others.flat_map(OtherFile::formats) {
        *formats.entry(format).or_default() += 1;
    }
    if !formats.is_empty() {
        let named: Vec<_> = formats
            .into_iter()
            .map(|(format, files)| format!("{files} {format}"))
            .collect();
        let text = format!(
            "among the files that are sent as they are, formats whose own header may identify: {}",
            named.join("; ")
        );
        context
            .events
            .notice(Severity::Warning, "other-files", text);
    }
}

fn outgoing(file: InspectedFile, target: &TargetContainer) -> OutgoingPackage {
    OutgoingPackage {
        target: target.clone(),
        package: file.package,
        sources: vec![file.source],
        incomplete: false,
        originals: BTreeSet::new(),
    }
}

/// What the names of a group begin with: what they are called, or the beginning of the SHA-256 of
/// what they hold, which says nothing and is the same each time.
fn stem(group: &[InspectedFile], keep_names: bool) -> Result<String, FileFailure> {
    let Some(first) = group.first() else {
        return Ok(String::new());
    };
    if keep_names {
        return Ok(split(&first.source.path).0);
    }
    let mut hashes = group
        .iter()
        .map(|file| file.package.hash::<Sha256>())
        .collect::<Result<Vec<_>, _>>()?;
    hashes.sort_unstable();
    let hash = match hashes.as_slice() {
        [one] => one.clone(),
        several => hex::encode(Sha256::digest(several.concat())),
    };
    Ok(format!("file-{}", hash.get(..16).unwrap_or(&hash)))
}

/// A name without its extension, and the extension with its dot, compound ones whole; none where
/// what follows the last dot may be something else.
fn split(path: &Path) -> (String, String) {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let cut = |name: &str| {
        let at = name
            .rfind('.')
            .filter(|at| *at > 0)?;
        Some((name.get(..at)?.to_owned(), name.get(at + 1..)?.to_owned()))
    };
    let harmless = |e: &str| {
        (1..=5).contains(&e.len())
            && e.chars()
                .all(|c| c.is_ascii_alphanumeric())
    };
    let Some((mut stem, last)) = cut(&name).filter(|(_, last)| harmless(last)) else {
        return (name, String::new());
    };
    let (mut extension, mut outer) = (format!(".{last}"), last.to_lowercase());
    while let Some((shorter, inner)) = cut(&stem) {
        let known: &[&str] = match outer.as_str() {
            "nii" | "gii" => &OF_SURFACES,
            "tif" | "tiff" => &OF_OME,
            outer if COMPRESSIONS.contains(&outer) => &COMPRESSED,
            _ => &[],
        };
        let lower = inner.to_lowercase();
        if !known.contains(&lower.as_str()) {
            break;
        }
        (extension, stem, outer) = (format!(".{inner}{extension}"), shorter, lower);
    }
    (stem, extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compound_extension_stays_whole_and_nothing_else_counts_as_one() {
        for (name, stem, extension) in [
            ("T1.nii.gz", "T1", ".nii.gz"),
            ("scan.REC", "scan", ".REC"),
            ("bold.dtseries.nii", "bold", ".dtseries.nii"),
            ("lh.pial.surf.gii.gz", "lh.pial", ".surf.gii.gz"),
            ("slide.ome.tiff", "slide", ".ome.tiff"),
            ("doe.jane.gz", "doe.jane", ".gz"),
            ("doe.jane", "doe", ".jane"),
            ("report of monday", "report of monday", ""),
            ("a.hidden-name", "a.hidden-name", ""),
            (".profile", ".profile", ""),
            ("x.tar.bz2", "x", ".tar.bz2"),
        ] {
            assert_eq!(
                split(Path::new(name)),
                (stem.to_owned(), extension.to_owned()),
                "{name}"
            );
        }
    }
}
