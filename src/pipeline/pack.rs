//! The stage that packs: the instances of one acquisition become packages.

use std::collections::BTreeSet;

use crate::config::PackageBy;
use crate::event::FileOutcome;
use crate::package::{self, Package};
use crate::routing;
use crate::series::{CleanFile, Indexed};
use crate::subjects::OriginalIdentifiers;
use flywheel_client::Destination;

use super::context::RunContext;
use super::route::{PackageRules, Routed};
use super::target::TargetContainer;

/// A package, where it goes, and the files that it was made of, in the order of its members.
pub struct OutgoingPackage {
    /// Where it goes.
    pub target: TargetContainer,
    /// What goes there.
    pub package: Package,
    /// What it was made of.
    pub sources: Vec<Indexed>,
    /// Files of the same series failed, and are missing in it.
    pub incomplete: bool,
    /// What identified its instances, where a crosswalk is kept.
    pub originals: BTreeSet<OriginalIdentifiers>,
}

impl OutgoingPackage {
    fn of_series(to: &PackageTarget, mut package: Package, sources: Vec<Indexed>) -> Self {
        let destination = to.destination.clone();
        package.fields = to.by_rules.fields.clone();
        Self {
            target: TargetContainer::at(to.by_rules.level, destination),
            package,
            sources,
            incomplete: false,
            originals: BTreeSet::new(),
        }
    }
}

/// Where a package goes, and what rules say of it.
struct PackageTarget {
    destination: Destination,
    by_rules: PackageRules,
}

/// Packs instances. A series is a zip also while it has one instance: it may grow, and must not
/// leave a file of another name behind.
pub fn pack(context: &RunContext, routed: Routed) -> Vec<OutgoingPackage> {
    let Routed {
        destination,
        mut members,
        by_rules,
    } = routed;
    let to = PackageTarget {
        destination,
        by_rules,
    };
    let is_bare = context.plan.packaging.package == PackageBy::Instance
        || (to.by_rules.bare_single && members.len() == 1);
    let originals: BTreeSet<_> = members
        .iter_mut()
        .filter_map(|member| member.originals.take())
        .map(|originals| *originals)
        .collect();
    let (files, bytes) = (
        members.len() as u64,
        members
            .iter()
            .map(|file| file.source.file.len())
            .sum(),
    );
    let pack = || {
        if is_bare {
            bare(&to, members)
        } else {
            zip(context, &to, members)
                .into_iter()
                .collect()
        }
    };
    let mut packages = context
        .timers
        .pack
        .work(files, bytes, pack);
    for outgoing in &mut packages {
        outgoing
            .originals
            .clone_from(&originals);
    }
    packages
}

fn bare(to: &PackageTarget, members: Vec<CleanFile>) -> Vec<OutgoingPackage> {
    let single = match to.by_rules.name.as_deref() {
        Some(name) if members.len() == 1 => Some(vec![routing::file_name(name)]),
        _ => None,
    };
    let names = single
        .or_else(|| to.by_rules.member_names.clone())
        .unwrap_or_else(|| usual_names(&members));
    let bare = |(file, name): (CleanFile, String)| {
        let package = Package::bare(name, &file.instance);
        OutgoingPackage::of_series(to, package, vec![file.source])
    };
    members
        .into_iter()
        .zip(names)
        .map(bare)
        .collect()
}

fn usual_names(members: &[CleanFile]) -> Vec<String> {
    package::member_names(
        members
            .iter()
            .map(|file| &file.instance),
    )
}

/// The name of a zip: the acquisition's, unless rules have another.
fn zip_name(to: &PackageTarget) -> String {
    let PackageRules { name, suffix, .. } = &to.by_rules;
    let is_zip = |name: &&String| {
        name.to_lowercase()
            .ends_with(".zip")
    };
    match name {
        Some(name) if suffix.is_empty() && is_zip(&name) => routing::file_name(name),
        Some(name) => {
            let stem = name
                .strip_suffix(".zip")
                .unwrap_or(name);
            let stem = stem
                .strip_suffix(".dicom")
                .unwrap_or(stem);
            format!(
                "{}.dicom.zip",
                routing::file_name(&format!("{stem}{suffix}"))
            )
        }
        None => {
            let Destination {
                subject,
                session,
                acquisition,
            } = &to.destination;
            let label = [&acquisition.label, &session.label, &subject.label]
                .into_iter()
                .find(|label| !label.is_empty());
            let title = format!("{}{suffix}", label.map_or("", String::as_str));
            format!("{}.dicom.zip", routing::file_name(&title))
        }
    }
}

/// A member whose file cannot be read again fails alone; the others go on without it.
fn zip(
    context: &RunContext,
    to: &PackageTarget,
    members: Vec<CleanFile>,
) -> Option<OutgoingPackage> {
    let name = zip_name(to);
    let mut own_names = to.by_rules.member_names.clone();
    let (mut sources, mut instances): (Vec<_>, Vec<_>) = members
        .into_iter()
        .map(|file| (file.source, file.instance))
        .unzip();
    let level = context.compression.level();
    while !instances.is_empty() {
        let names = own_names
            .clone()
            .unwrap_or_else(|| package::member_names(instances.iter()));
        let zip = || Package::zip(name.clone(), names, &instances, level);
        let zipped = if level.is_some() {
            let bytes = instances
                .iter()
                .map(|instance| instance.body().len())
                .sum();
            let deflate = &context.timers.deflate;
            deflate.work(instances.len() as u64, bytes, zip)
        } else {
            zip()
        };
        match zipped {
            Ok(package) => {
                return Some(OutgoingPackage::of_series(to, package, sources));
            }
            Err((at, failure)) => {
                drop(instances.remove(at));
                if let Some(names) = &mut own_names {
                    names.remove(at);
                }
                let source = sources.remove(at);
                context
                    .outcomes
                    .settle(&source, FileOutcome::Failed(failure));
            }
        }
    }
    None
}
