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
use super::route::Routed;
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
    fn of_series(destination: &Destination, package: Package, sources: Vec<Indexed>) -> Self {
        Self {
            target: TargetContainer::Acquisition(destination.clone()),
            package,
            sources,
            incomplete: false,
            originals: BTreeSet::new(),
        }
    }
}

/// Packs instances. A series is a zip also while it has one instance: it may grow, and must not
/// leave a file of another name behind.
pub fn pack(context: &RunContext, routed: Routed) -> Vec<OutgoingPackage> {
    let Routed {
        destination,
        mut members,
    } = routed;
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
    let pack = || match context.plan.packaging.package {
        PackageBy::Instance => bare(&destination, members),
        PackageBy::Series => zip(context, &destination, members)
            .into_iter()
            .collect(),
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

fn bare(destination: &Destination, members: Vec<CleanFile>) -> Vec<OutgoingPackage> {
    let names = package::member_names(
        members
            .iter()
            .map(|file| &file.instance),
    );
    let bare = |(file, name): (CleanFile, String)| {
        let package = Package::bare(name, &file.instance);
        OutgoingPackage::of_series(destination, package, vec![file.source])
    };
    members
        .into_iter()
        .zip(names)
        .map(bare)
        .collect()
}

/// A member whose file cannot be read again fails alone; the others go on without it.
fn zip(
    context: &RunContext,
    destination: &Destination,
    members: Vec<CleanFile>,
) -> Option<OutgoingPackage> {
    let title = routing::file_name(&destination.acquisition.label);
    let name = format!("{title}.dicom.zip");
    let (mut sources, mut instances): (Vec<_>, Vec<_>) = members
        .into_iter()
        .map(|file| (file.source, file.instance))
        .unzip();
    let level = context.compression.level();
    while !instances.is_empty() {
        let zip = || Package::zip(name.clone(), &instances, level);
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
                return Some(OutgoingPackage::of_series(destination, package, sources));
            }
            Err((at, failure)) => {
                drop(instances.remove(at));
                let source = sources.remove(at);
                context
                    .outcomes
                    .settle(&source, FileOutcome::Failed(failure));
            }
        }
    }
    None
}
