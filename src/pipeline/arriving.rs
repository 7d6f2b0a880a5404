//! Data that is still arriving is left for the next run: what changed a short while ago
//! (`--min-age`), and series of which instances are missing (`--incomplete-series hold`).
//!
//! Owns that a series goes as a whole or not at all: where one of its files is new, or a new file
//! beside it cannot be read yet, all of it waits, and so do files of other kinds beside it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::config::IncompleteSeries;
use crate::discover::{DiscoveredFile, SkipReason};
use crate::event::{FileOutcome, Severity};
use crate::series::{Indexed, Series};
use dicom_lossless::{self as dicom, Instance, Limits, Phi, Source, Tag};

use super::context::RunContext;

const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const ACQUISITION_NUMBER: Tag = Tag(0x0020, 0x0012);
const IMAGES_IN_ACQUISITION: Tag = Tag(0x0020, 0x1002);
const NUMBER_OF_SERIES_RELATED_INSTANCES: Tag = Tag(0x0020, 0x1209);

/// What is still arriving, as far as it is known.
#[derive(Debug, Default)]
pub struct Arriving {
    /// What changed later is new; none where nothing waits.
    since: Option<SystemTime>,
    /// Folders in which something waits.
    folders: HashSet<PathBuf>,
}

impl Arriving {
    /// At the beginning of a run.
    pub fn new(context: &RunContext) -> Self {
        let age = context.plan.input.min_age;
        Self {
            since: age.and_then(|age| SystemTime::now().checked_sub(age)),
            folders: HashSet::new(),
        }
    }

    /// Whether a time of change is too near; where it cannot be told, it counts as near.
    fn is_new(&self, changed: Option<SystemTime>) -> bool {
        self.since
            .is_some_and(|since| changed.is_none_or(|changed| changed > since))
    }

    /// Whether a file that could not be read may still be written, which is noted for its folder.
    /// `on_disk` is the file, or the archive around it.
    pub fn takes(&mut self, folder: &Path, on_disk: &Path) -> bool {
        if self.since.is_none() {
            return false;
        }
        let changed = std::fs::metadata(on_disk).and_then(|metadata| metadata.modified());
        let is_new = self.is_new(changed.ok());
        if is_new {
            self.folders
                .insert(folder.to_path_buf());
        }
        is_new
    }

    /// Leaves for the next run what is still arriving, and gives the rest.
    pub fn hold(
        mut self,
        (context, pool): (&RunContext, &ThreadPool),
        series: Vec<Series>,
        others: Vec<DiscoveredFile>,
    ) -> (Vec<Series>, Vec<DiscoveredFile>) {
        let series = self.hold_new(context, series);
        let series = self.hold_incomplete(context, pool, series);
        if self.since.is_none() && self.folders.is_empty() {
            return (series, others);
        }
        let (held, others): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|file| {
                let changed =
                    std::fs::metadata(file.on_disk()).and_then(|metadata| metadata.modified());
                self.is_new(changed.ok()) || self.waits_with_others(&file.folder())
            });
        for file in held {
            context
                .outcomes
                .settle_path(&Arc::new(file.path), file.len, WAITS);
        }
        (series, others)
    }

    fn hold_new(&mut self, context: &RunContext, series: Vec<Series>) -> Vec<Series> {
        if self.since.is_none() {
            return series;
        }
        let is_beside = self.folders.clone();
        let (held, series): (Vec<_>, Vec<_>) = series
            .into_iter()
            .partition(|series| {
                series.files.iter().any(|file| {
                    self.is_new(file.file.modified()) || is_beside.contains(&file.folder())
                })
            });
        self.settle(context, &held, SkipReason::StillArriving);
        series
    }

    fn hold_incomplete(
        &mut self,
        context: &RunContext,
        pool: &ThreadPool,
        series: Vec<Series>,
    ) -> Vec<Series> {
        if context.plan.input.incomplete_series == IncompleteSeries::Send {
            return series;
        }
        let limits = &context.plan.limits;
        let (held, complete): (Vec<_>, Vec<_>) = pool.install(|| {
            series
                .into_par_iter()
                .partition(|series| !context.stop.requested() && is_incomplete(series, limits))
        });
        self.settle(context, &held, SkipReason::IncompleteSeries);
        if !held.is_empty() {
            let text = format!(
                "{} series with fewer instances than stated in the headers, left for the next run\n\
                    `--incomplete-series send` sends what is there",
                held.len()
            );
            context
                .events
                .notice(Severity::Notice, "incomplete-series", text);
        }
        complete
    }

    fn settle(&mut self, context: &RunContext, held: &[Series], reason: SkipReason) {
        for file in held
            .iter()
            .flat_map(|series| series.files.iter())
        {
            self.folders.insert(file.folder());
            context
                .outcomes
                .settle(&file, FileOutcome::Skipped(reason));
        }
    }

    /// Whether DICOM that says where files of a folder belong may be waiting.
    fn waits_with_others(&self, folder: &Path) -> bool {
        self.folders
            .iter()
            .any(|waits| waits.starts_with(folder) || folder.starts_with(waits))
    }
}

/// The outcome of what waits.
pub const WAITS: FileOutcome = FileOutcome::Skipped(SkipReason::StillArriving);

/// What an instance states of its series.
struct Stated {
    instance: Option<Phi<String>>,
    of_series: u64,
    acquisition: Option<i64>,
    of_acquisition: u64,
}

impl Stated {
    /// None where the file cannot be read: it fails when it is cleaned, and does not count here.
    fn by(file: Indexed, limits: &Limits) -> Option<Self> {
        let instance = dicom::read(Source::File(file.file), limits).ok()?;
        let number = |tag| whole_number(&instance, tag);
        let count = |tag| {
            number(tag)
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or_default()
        };
        Some(Self {
            instance: text(&instance, SOP_INSTANCE_UID).map(Phi::new),
            of_series: count(NUMBER_OF_SERIES_RELATED_INSTANCES),
            acquisition: number(ACQUISITION_NUMBER),
            of_acquisition: count(IMAGES_IN_ACQUISITION),
        })
    }
}

/// Whether a series has fewer different instances than its files state: Number of Series Related
/// Instances (0020,1209), or the sum of Images in Acquisition (0020,1002) over its acquisitions.
fn is_incomplete(series: &Series, limits: &Limits) -> bool {
    let stated: Vec<Stated> = series
        .files
        .iter()
        .filter_map(|file| Stated::by(file, limits))
        .collect();
    let mut acquisitions: HashMap<Option<i64>, u64> = HashMap::new();
    let mut instances = HashSet::new();
    let mut of_series = 0;
    for file in &stated {
        of_series = of_series.max(file.of_series);
        let most = acquisitions
            .entry(file.acquisition)
            .or_default();
        *most = file.of_acquisition.max(*most);
        instances.extend(&file.instance);
    }
    let of_acquisitions = acquisitions
        .into_values()
        .fold(0, u64::saturating_add);
    (instances.len() as u64) < of_series.max(of_acquisitions)
}

fn text(instance: &Instance, tag: Tag) -> Option<String> {
    let bytes = instance.get(tag)?.bytes()?;
    let text = String::from_utf8_lossy(bytes);
    Some(
        text.trim_matches(['\0', ' '])
            .to_owned(),
    )
}

fn whole_number(instance: &Instance, tag: Tag) -> Option<i64> {
    text(instance, tag)?.parse().ok()
}
