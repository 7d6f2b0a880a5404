//! Files that are not DICOM, when the user asked for them: looked into, and attached as they are,
//! after the DICOM files beside them. What a look finds DICOM in, or does not see to its end, never
//! goes.

mod by_rules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::discover::{DiscoveredFile, OtherFile, SkipReason};
use crate::event::{FileOutcome, Severity};
use crate::failure::{FileCode, FileFailure};
use crate::package::{Names, Package};
use crate::routing;
use crate::rules::Associated;
use crate::series::Indexed;
use import_rules::GroupKey;

use super::audit;
use super::context::RunContext;
use super::deliver;
use super::guard::{guarded, locked};
use super::neighbours::{NeighbourTarget, Neighbours};
use super::outcomes::stopped;
use super::pack::OutgoingPackage;
use super::send::Sender;
use super::target::TargetContainer;
use by_rules::PlacedOther;

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
    other: OtherFile,
    package: Package,
    placed: Option<PlacedOther>,
}

/// Looks into all files and sends them one by one; each has its outcome afterwards.
pub fn send(
    sender: &Sender,
    files: Vec<DiscoveredFile>,
    neighbours: &Neighbours,
    pool: &ThreadPool,
) {
    let context = sender.context();
    let Sorted { groups, zips } = inspect(context, files, pool);
    let associated = Associated::new(std::mem::take(&mut *locked(&context.associated)));
    for ((folder, ..), group) in groups {
        send_group(sender, &folder, group, (neighbours, &associated));
    }
    for (_, group) in zips {
        send_zip(sender, group);
    }
}

/// Files that go one by one: by folder, the stem of their names, and where rules put them.
type Groups = BTreeMap<(PathBuf, String, Option<Vec<String>>), Vec<InspectedFile>>;

/// Files that may go.
#[derive(Default)]
struct Sorted {
    groups: Groups,
    /// Files that rules pack together, first found first.
    zips: Vec<(ZipKey, Vec<InspectedFile>)>,
}

/// What tells zips apart.
type ZipKey = (Vec<String>, GroupKey);

fn inspect(context: &RunContext, files: Vec<DiscoveredFile>, pool: &ThreadPool) -> Sorted {
    let look = |(file, placed): (DiscoveredFile, _)| {
        let looked = if context.stop.requested() {
            Err(stopped())
        } else {
            guarded(|| OtherFile::look(Arc::new(file.source()?)))
        };
        (file, placed, looked)
    };
    let files = by_rules::judged(context, files);
    let looked: Vec<_> = pool.install(|| {
        files
            .into_par_iter()
            .map(look)
            .collect()
    });
    let all = looked
        .iter()
        .filter_map(|(_, _, looked)| looked.as_ref().ok());
    warn(context, all);
    let mut sorted = Sorted::default();
    for (file, placed, looked) in looked {
        let (path, len) = (Arc::new(file.path), file.len);
        match looked {
            Ok(other) => {
                let package = Package::other_file(String::new(), &other);
                let source = Indexed {
                    path,
                    root: Arc::new(file.root),
                    file: Arc::clone(other.file()),
                    read: None,
                    row: None,
                    rule: None,
                    sent: audit::sent_as_it_is(context, &package),
                };
                sorted.add(InspectedFile {
                    source,
                    other,
                    package,
                    placed,
                });
            }
            Err(failure) => context
                .outcomes
                .settle_path(&path, len, FileOutcome::Failed(failure)),
        }
    }
    sorted.single_zips();
    sorted
}

impl Sorted {
    fn add(&mut self, file: InspectedFile) {
        let key = file
            .placed
            .as_ref()
            .and_then(|placed| {
                let (group, _) = placed.zip.as_ref()?;
                Some((placed.target.keys(false), group.clone()))
            });
        let Some(key) = key else {
            return self.add_by_itself(file);
        };
        match self
            .zips
            .iter_mut()
            .find(|(known, _)| *known == key)
        {
            Some((_, files)) => files.push(file),
            None => self.zips.push((key, vec![file])),
        }
    }

    fn add_by_itself(&mut self, file: InspectedFile) {
        let folder = file.source.folder();
        let placed = file.placed.as_ref();
        let named = placed.and_then(|placed| placed.name.as_deref());
        let stem = match named {
            Some(name) => split(Path::new(name)).0,
            None => split(&file.source.path).0,
        };
        let target = placed.map(|placed| placed.target.keys(false));
        self.groups
            .entry((folder, stem, target))
            .or_default()
            .push(file);
    }

    /// A group of one file is no zip, unless the rule wants that too.
    fn single_zips(&mut self) {
        let (single, zips) = std::mem::take(&mut self.zips)
            .into_iter()
            .partition::<Vec<_>, _>(|(_, files)| {
                let alone_too = files
                    .iter()
                    .filter_map(|file| file.placed.as_ref()?.zip.as_ref())
                    .any(|(_, alone)| *alone);
                files.len() == 1 && !alone_too
            });
        self.zips = zips;
        for file in single
            .into_iter()
            .flat_map(|(_, files)| files)
        {
            self.add_by_itself(file);
        }
    }
}

/// Sends files that a rule packs together.
fn send_zip(sender: &Sender, group: Vec<InspectedFile>) {
    let context = sender.context();
    let keep_names = context.plan.input.keep_names;
    let Some((target, title, fields)) = group.first().and_then(|first| {
        let placed = first.placed.as_ref()?;
        let title = placed
            .name
            .clone()
            .or_else(|| {
                placed
                    .target
                    .labels()
                    .last()
                    .map(ToString::to_string)
            })
            .unwrap_or_else(|| context.plan.project.label.clone());
        Some((placed.target.clone(), title, placed.fields.clone()))
    }) else {
        return;
    };
    let fail = |file: &InspectedFile, failure: &FileFailure| {
        let outcome = FileOutcome::Failed(failure.clone());
        context
            .outcomes
            .settle(&file.source, outcome);
    };
    let mut group = group;
    loop {
        let named: Result<Vec<_>, FileFailure> = member_names(&group, keep_names).map(|names| {
            names
                .into_iter()
                .zip(&group)
                .map(|(name, file)| (name, &file.other))
                .collect()
        });
        let stem = title
            .strip_suffix(".zip")
            .unwrap_or(&title);
        let name = routing::file_name(&format!("{stem}.zip"));
        let zipped = named
            .map_err(|failure| (None, failure))
            .and_then(|named| {
                Package::zip_of_other_files(name, &named)
                    .map_err(|(at, failure)| (Some(at), failure))
            });
        match zipped {
            Ok(mut package) => {
                package.fields = fields;
                return sender.send_now(OutgoingPackage {
                    target,
                    package,
                    sources: group
                        .into_iter()
                        .map(|file| file.source)
                        .collect(),
                    incomplete: false,
                    originals: BTreeSet::new(),
                });
            }
            Err((Some(at), failure)) if at < group.len() => {
                fail(&group.remove(at), &failure);
                if group.is_empty() {
                    return;
                }
            }
            Err((_, failure)) => {
                return group
                    .iter()
                    .for_each(|file| fail(file, &failure));
            }
        }
    }
}

/// What files are called in a zip: as outside of it.
fn member_names(group: &[InspectedFile], keep_names: bool) -> Result<Vec<String>, FileFailure> {
    let mut names = Names::default();
    group
        .iter()
        .map(|file| {
            let stem = stem(std::slice::from_ref(file), keep_names)?;
            let extension = split(&file.source.path).1;
            Ok(names.free(routing::file_name(&format!("{stem}{extension}"))))
        })
        .collect()
}

/// Files of one folder that differ in their extension alone belong together, and keep that in their
/// names.
fn send_group(
    sender: &Sender,
    folder: &Path,
    group: Vec<InspectedFile>,
    beside: (&Neighbours, &Associated<TargetContainer>),
) {
    let context = sender.context();
    let target_and_stem = target(context, folder, &group, beside)
        .and_then(|target| Ok((target, stem(&group, context.plan.input.keep_names)?)));
    match target_and_stem {
        Ok((None, _)) => {
            for file in group {
                let outcome = FileOutcome::Skipped(SkipReason::Filtered);
                context
                    .outcomes
                    .settle(&file.source, outcome);
            }
        }
        Ok((Some(target), stem)) => {
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

/// Where a group goes; none where the DICOM beside it was left out.
fn target(
    context: &RunContext,
    folder: &Path,
    group: &[InspectedFile],
    (neighbours, associated): (&Neighbours, &Associated<TargetContainer>),
) -> Result<Option<TargetContainer>, FileFailure> {
    if context.stop.requested() {
        return Err(stopped());
    }
    let placed = group
        .first()
        .and_then(|first| first.placed.as_ref());
    if let Some(placed) = placed {
        return Ok(Some(placed.target.clone()));
    }
    if let Some(target) = associated_with(group, associated)? {
        return Ok(Some(target));
    }
    let root = group
        .first()
        .map_or(folder, |first| &first.source.root);
    match neighbours.of(folder, root) {
        NeighbourTarget::To(target) => Ok(Some(*target)),
        NeighbourTarget::NoDicom => Ok(Some(TargetContainer::Project)),
        NeighbourTarget::LeftOut => Ok(None),
        NeighbourTarget::Unknown => Err(FileFailure::new(
            FileCode::RouteUnclear,
            "DICOM files beside it failed",
        )),
    }
}

/// The container of the image that the files of a group belong to by their names; none where they
/// belong to no image so.
fn associated_with(
    group: &[InspectedFile],
    associated: &Associated<TargetContainer>,
) -> Result<Option<TargetContainer>, FileFailure> {
    let mut targets: BTreeMap<Vec<String>, TargetContainer> = BTreeMap::new();
    for file in group {
        for target in associated.of(&file.source.relative_with_slashes()) {
            targets.insert(target.keys(false), target);
        }
    }
    let several = targets.len() > 1;
    match targets.into_values().next() {
        Some(_) if several => {
            let detail = "by `--associate` it belongs to images of several containers";
            Err(FileFailure::new(FileCode::RouteUnclear, detail))
        }
        target => Ok(target),
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
    let mut package = file.package;
    package.fields = file
        .placed
        .map(|placed| placed.fields)
        .unwrap_or_default();
    OutgoingPackage {
        target: target.clone(),
        package,
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
    let named = first
        .placed
        .as_ref()
        .and_then(|placed| placed.name.as_deref());
    if let Some(name) = named {
        return Ok(split(Path::new(name)).0);
    }
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
        .to_string_lossy();
    // Of a member at the top of an archive, its own.
    let name = name
        .rsplit("::")
        .next()
        .unwrap_or_default()
        .to_owned();
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
