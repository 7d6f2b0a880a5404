//! Walk and index: which files there are, and which series the DICOM ones belong to.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::config::{AuditKind, UNFINISHED_REPORT};
use crate::discover::{DiscoveredFile, Found, LookThreads, OpenedFile, SkipReason, split_member};
use crate::event::{Event, Events, FileOutcome, RunTotals};
use crate::failure::{Error, FileCode, FileFailure, RunCode};
use crate::plan::UploadPlan;
use crate::rules::{LeftOut, RuleNumber, Verdict};
use crate::series::{self, Indexed, Patients, Series, SeriesIndex};
use crate::shard_plan::{ExpectedFile, NewPlan, PlannedFile};
use crate::subjects::{RowId, SubjectTable};
use dicom_lossless::{self as dicom, Identity, Instance, Source, SourceFile};

use super::arriving::{Arriving, WAITS};
use super::context::RunContext;
use super::guard::guarded;
use super::neighbours::Neighbours;
use super::outcomes::{counted, stopped};
use super::placing;
use super::placing_counts::SubjectsByRules;
use super::subject_rows::{self, RowUse};

/// How often the running totals of the walk are reported.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// Files that are found before they get their places, all at once.
const BATCH: usize = 2048;
/// The most that is kept of small files after the index has read them, in bytes.
const MOST_KEPT: u64 = 32 << 20;

/// What there is to work on.
#[derive(Default)]
pub struct FoundFiles {
    /// How many files were found in all.
    pub found: u64,
    /// Whether they are slow to open, as on a network.
    pub is_slow: bool,
    /// The series, first found first.
    pub series: Vec<Series>,
    /// Files that are not DICOM and are to be uploaded all the same.
    pub others: Vec<DiscoveredFile>,
    /// Folders with DICOM that failed, so that it is not known where it goes.
    pub neighbours: Neighbours,
    /// Folders with DICOM that could not be read: its series may be any of those beside it.
    pub unread: HashSet<PathBuf>,
    /// The patients that all files name, those of other shards too.
    pub patients: Patients,
    /// Which rows of the table of subjects are used, by files of other shards too.
    pub rows: RowUse,
    /// Which patients become which subject by rules, of other shards too.
    pub subjects: SubjectsByRules,
}

/// Walks the inputs and indexes every DICOM file. What is skipped or failed has its outcome
/// afterwards.
pub fn find(context: &RunContext, pool: &ThreadPool) -> FoundFiles {
    let kept = (context.plan.transfer.memory / 8).min(MOST_KEPT);
    let mut finder = Finder {
        context,
        pool,
        index: SeriesIndex::keeping(kept),
        room: kept,
        batch: Vec::new(),
        root: Arc::default(),
        arriving: Arriving::new(context),
        noted: None,
        work: FoundFiles::default(),
    };
    let found = finder.walk();
    finder.index_batch();
    // What a plan lists for the other shards was not looked up.
    finder.work.rows.complete = !context.stop.requested()
        && context
            .plan
            .discovery
            .plan()
            .is_none();
    let (series, others) = finder.arriving.hold(
        (context, pool),
        finder.index.into_series(),
        std::mem::take(&mut finder.work.others),
    );
    FoundFiles {
        found,
        series,
        others,
        ..finder.work
    }
}

/// Walks the inputs and notes every file in a plan of shards, which say later what becomes of it.
///
/// # Errors
/// A file cannot be noted.
pub fn note_all(
    context: &RunContext,
    pool: &ThreadPool,
    plan: NewPlan,
) -> io::Result<(FoundFiles, NewPlan)> {
    let mut finder = Finder {
        context,
        pool,
        index: SeriesIndex::default(),
        room: 0,
        batch: Vec::new(),
        root: Arc::default(),
        arriving: Arriving::new(context),
        noted: Some(Noted {
            plan,
            fault: Ok(()),
        }),
        work: FoundFiles::default(),
    };
    let found = finder.walk();
    finder.index_batch();
    finder.work.rows.complete = !context.stop.requested();
    let work = FoundFiles {
        found,
        ..finder.work
    };
    match finder.noted {
        Some(Noted { plan, fault }) => fault.map(|()| (work, plan)),
        None => Err(io::Error::other("nothing was noted")),
    }
}

/// A plan of shards that is being made, and what went wrong.
struct Noted {
    plan: NewPlan,
    fault: io::Result<()>,
}

/// Where a file belongs, or why that is not known.
type Identification = Result<Identified, FileFailure>;

struct Finder<'a> {
    context: &'a RunContext,
    pool: &'a ThreadPool,
    index: SeriesIndex,
    /// The most that it keeps of small files, in bytes.
    room: u64,
    /// Files that were found and have no place yet; it is known of those on disk where they belong.
    batch: Vec<(DiscoveredFile, Option<Identification>)>,
    root: Arc<PathBuf>,
    arriving: Arriving,
    /// Where files are noted, in the place of being indexed.
    noted: Option<Noted>,
    work: FoundFiles,
}

impl Finder<'_> {
    /// Gives the number of files found.
    fn walk(&mut self) -> u64 {
        let RunContext {
            plan,
            events,
            stop,
            timers,
            ..
        } = self.context;
        let (mut files, mut bytes, mut told) = (0, 0, Instant::now());
        let threads = LookThreads::beside(plan.transfer.jobs);
        let room = AtomicU64::new(self.room);
        let further = |file: &DiscoveredFile, opened: &OpenedFile| {
            let identified = identify(file, Some(opened), plan).map(|found| found.within(&room));
            timers
                .index
                .worked(1, file.len, opened.begun.elapsed());
            identified
        };
        let walked = plan
            .discovery
            .look(threads, &further, &mut |found, identified| {
                files += 1;
                bytes += found.size();
                self.take(found, identified);
                if self.batch.len() >= BATCH {
                    self.index_batch();
                }
                if told.elapsed() > TELL_EVERY {
                    events.send(Event::Discovered {
                        files,
                        bytes,
                        done: false,
                    });
                    told = Instant::now();
                }
                let is_faulty = self
                    .noted
                    .as_ref()
                    .is_some_and(|noted| noted.fault.is_err());
                if stop.requested() || is_faulty {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
        self.work.is_slow = walked.is_slow;
        timers
            .walk
            .worked(files, bytes, walked.busy);
        events.send(Event::Discovered {
            files,
            bytes,
            done: true,
        });
        files
    }

    fn take(&mut self, found: Found, identified: Option<Identification>) {
        let RunContext { plan, outcomes, .. } = self.context;
        let skip = |path: PathBuf, len, reason| {
            outcomes.settle_path(&Arc::new(path), len, FileOutcome::Skipped(reason));
        };
        match found {
            found if self.noted.is_some() && !matches!(found, Found::Dicom(_)) => {
                self.note_unread(&found);
            }
            found
                if is_named(
                    found.path(),
                    plan.packaging
                        .table
                        .subjects
                        .as_deref(),
                ) =>
            {
                skip(
                    found.path().to_path_buf(),
                    found.size(),
                    SkipReason::SubjectTable,
                );
            }
            found
                if is_named(
                    found.path(),
                    plan.packaging
                        .placing
                        .rules
                        .as_deref(),
                ) =>
            {
                skip(
                    found.path().to_path_buf(),
                    found.size(),
                    SkipReason::RulesFile,
                );
            }
            found if is_own_report(found.path(), &plan.reports) => {
                skip(
                    found.path().to_path_buf(),
                    found.size(),
                    SkipReason::OwnReport,
                );
            }
            Found::Other(file) if is_audit(&file) => {
                skip(file.path, file.len, SkipReason::OwnReport);
            }
            Found::Dicom(file) => self.batch.push((file, identified)),
            Found::Other(file) => self.work.others.push(file),
            // One shard reports it, or all would.
            Found::Skipped { path, len, .. }
                if is_of_others(plan, || series::share_of_name(&path)) =>
            {
                skip(path, len, SkipReason::OtherShard);
            }
            Found::Skipped { path, len, reason } => skip(path, len, reason),
            // Behind a folder that cannot be read there may be series of every shard.
            Found::Failed { path, failure } => {
                outcomes.settle_path(&Arc::new(path), 0, FileOutcome::Failed(failure));
            }
        }
    }

    /// Puts the files of the batch where they belong. Members of archives are looked into here, on all
    /// cores.
    fn index_batch(&mut self) {
        let context = self.context;
        let identify_member = |(file, known): (DiscoveredFile, Option<Identification>)| {
            let identify = || {
                if context.stop.requested() {
                    Err(stopped())
                } else {
                    identify(&file, None, &context.plan)
                }
            };
            let identified = known.unwrap_or_else(|| {
                context
                    .timers
                    .index
                    .work(1, file.len, identify)
            });
            (file, identified)
        };
        let mut batch = std::mem::take(&mut self.batch);
        if context.stop.requested() {
            for (_, known) in &mut batch {
                *known = Some(Err(stopped()));
            }
        }
        let identified: Vec<_> = if batch
            .iter()
            .all(|(_, known)| known.is_some())
        {
            batch
                .into_iter()
                .map(identify_member)
                .collect()
        } else {
            self.pool.install(|| {
                batch
                    .into_par_iter()
                    .map(identify_member)
                    .collect()
            })
        };
        for (file, identity) in identified {
            self.index(file, identity);
        }
    }

    /// Notes whose file it is, to see whether one subject is made of several patients.
    fn note(&mut self, found: &Identified) {
        let work = &mut self.work;
        work.patients.add(&found.identity);
        if let Ok(Some(row)) = found.row {
            work.rows.note(row, &found.identity);
        }
        if let Some(subject) = &found.subject {
            work.subjects
                .note(subject, &found.identity);
        }
    }

    /// Notes a file in the plan of shards.
    fn note_in_plan(&mut self, note: impl FnOnce(&mut NewPlan) -> io::Result<()>) {
        if let Some(noted) = self
            .noted
            .as_mut()
            .filter(|noted| noted.fault.is_ok())
        {
            noted.fault = note(&mut noted.plan);
        }
    }

    /// Notes what is not indexed: a shard looks at it again, where there is something to look at.
    fn note_unread(&mut self, found: &Found) {
        let path = found.path();
        let root = self
            .context
            .plan
            .discovery
            .paths()
            .iter()
            .filter(|root| path.starts_with(root))
            .max_by_key(|root| root.as_os_str().len())
            .cloned();
        let root = root.unwrap_or_else(|| path.to_owned());
        let planned = |path| PlannedFile {
            path,
            root: &root,
            named: root == path,
        };
        if let Some((archive, _)) = split_member(path) {
            self.note_in_plan(|plan| plan.member(&planned(&archive), None));
            return;
        }
        let file = fs::metadata(path)
            .ok()
            .filter(Metadata::is_file);
        match (found, file) {
            (Found::Skipped { reason, .. }, file) if file.is_none() || reason.is_seen_at_once() => {
                self.note_in_plan(|plan| plan.skipped(path, reason.as_str()));
            }
            (Found::Failed { failure, .. }, None) => {
                self.note_in_plan(|plan| plan.failed(path, failure.code.as_str()));
            }
            (_, Some(file)) => {
                let expected = ExpectedFile::new(file.len(), file.modified().ok());
                self.note_in_plan(|plan| plan.file(&planned(path), expected, None));
            }
            (_, None) => {
                let code = FileCode::DiscoverNotFound.as_str();
                self.note_in_plan(|plan| plan.failed(path, code));
            }
        }
    }

    /// Notes a DICOM file, with the study that it states.
    fn note_dicom(&mut self, file: &DiscoveredFile, identity: &Result<Identified, FileFailure>) {
        let study = identity
            .as_ref()
            .ok()
            .and_then(|found| found.identity.study.as_ref())
            .map(|study| study.expose().clone());
        let on_disk = file.on_disk();
        let planned = PlannedFile {
            path: on_disk,
            root: &file.root,
            named: file.root == on_disk,
        };
        if file.inside.is_some() {
            self.note_in_plan(|plan| plan.member(&planned, study.as_deref()));
            return;
        }
        let modified = match identity {
            Ok(found) => found.file.modified(),
            Err(_) => fs::metadata(on_disk)
                .and_then(|metadata| metadata.modified())
                .ok(),
        };
        let expected = ExpectedFile::new(file.len, modified);
        self.note_in_plan(|plan| plan.file(&planned, expected, study.as_deref()));
    }

    /// Whether a file is of another study than the plan says by which it is read.
    fn is_of_another_study(&self, file: &DiscoveredFile, found: &Identified) -> bool {
        let plan = self.context.plan.discovery.plan();
        plan.zip(file.expected)
            .is_some_and(|(plan, expected)| {
                let study = found
                    .identity
                    .study
                    .as_ref()
                    .map(|study| plan.digester.digest(study.expose()));
                study != expected.study
            })
    }

    /// Leaves a file out, which says nothing of where others beside it belong.
    fn leave_out(&mut self, path: &Arc<PathBuf>, folder: &Path, len: u64, by: LeftOut) {
        self.work
            .neighbours
            .is_left_out(folder, &self.root);
        self.context.placing.left_out(by);
        let outcome = FileOutcome::Skipped(SkipReason::Filtered);
        self.context
            .outcomes
            .settle_path(path, len, outcome);
    }

    fn index(&mut self, file: DiscoveredFile, identity: Result<Identified, FileFailure>) {
        let identity = identity.and_then(|found| {
            if self.is_of_another_study(&file, &found) {
                return Err(FileFailure::new(
                    FileCode::DiscoverChangedSincePlan,
                    "it is of another study",
                ));
            }
            Ok(found)
        });
        if self.noted.is_some() {
            self.note_dicom(&file, &identity);
            if let Ok(found) = &identity
                && found.left_out.is_none()
            {
                self.note(found);
            }
            return;
        }
        let (folder, on_disk) = (file.folder(), file.on_disk().to_path_buf());
        if *self.root != file.root {
            self.root = Arc::new(file.root);
        }
        let (path, len) = (Arc::new(file.path), file.len);
        let of_study = identity
            .as_ref()
            .ok()
            .and_then(|found| series::share_of_study(&found.identity));
        if let Ok(found) = &identity
            && found.left_out.is_none()
        {
            self.note(found);
        }
        if is_of_others(&self.context.plan, || {
            of_study.unwrap_or_else(|| series::share_of_name(&path))
        }) {
            self.context.outcomes.settle_path(
                &path,
                len,
                FileOutcome::Skipped(SkipReason::OtherShard),
            );
            return;
        }
        if let Ok(Identified {
            left_out: Some(by), ..
        }) = &identity
        {
            self.leave_out(&path, &folder, len, *by);
            return;
        }
        let added = identity.and_then(|found| {
            let indexed = Indexed {
                path: Arc::clone(&path),
                root: Arc::clone(&self.root),
                file: found.file,
                read: None,
                row: found.row?,
                rule: found.rule,
                sent: None,
            };
            self.index
                .add(found.identity, indexed)
        });
        if let Err(failure) = added {
            self.work
                .neighbours
                .is_unknown(&folder, &self.root);
            let may_wait = failure.code != FileCode::UploadStopped;
            let waits = may_wait
                && self
                    .arriving
                    .takes(&folder, &on_disk);
            self.work.unread.insert(folder);
            let outcome = if waits {
                WAITS
            } else {
                FileOutcome::Failed(failure)
            };
            self.context
                .outcomes
                .settle_path(&path, len, outcome);
        }
    }
}

/// Whether another shard takes what counts under this number.
fn is_of_others(plan: &UploadPlan, number: impl FnOnce() -> u64) -> bool {
    // A plan has only what belongs to the shard.
    plan.discovery.plan().is_none()
        && plan
            .input
            .shard
            .is_some_and(|shard| !shard.takes(number()))
}

/// Whether a file is one that a flag names, such as the table of subjects: it must not be sent as a
/// file that is not DICOM.
fn is_named(path: &Path, named: Option<&Path>) -> bool {
    named.is_some_and(|named| path.file_name() == named.file_name() && is_same_file(path, named))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| {
        other
            .canonicalize()
            .is_ok_and(|other| one == other)
    })
}

/// Whether a file is one of those that this run writes, or that one before it left in the same
/// place. A report that is being made may be gone from one look to the next.
fn is_own_report(path: &Path, reports: &[PathBuf]) -> bool {
    let name = path
        .file_name()
        .and_then(OsStr::to_str);
    if name.is_some_and(|name| name.starts_with(UNFINISHED_REPORT)) {
        return reports
            .iter()
            .any(|report| folder_of(report) == folder_of(path));
    }
    reports
        .iter()
        .any(|report| path.file_name() == report.file_name() && is_same_file(path, report))
}

/// Whether a file is a manifest, a log of changes or a page for review of any run, also one that was
/// not finished: they name files or patients' new labels, and are never sent.
fn is_audit(file: &DiscoveredFile) -> bool {
    let name = file
        .path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let may_be = name.starts_with(UNFINISHED_REPORT)
        || [".csv", ".jsonl", ".ndjson", ".html"]
            .iter()
            .any(|extension| name.ends_with(extension));
    let begin = || {
        let source = file.source().ok()?;
        let mut begin = Vec::new();
        source
            .open()
            .ok()?
            .take(AuditKind::LONGEST as u64)
            .read_to_end(&mut begin)
            .ok()?;
        Some(begin)
    };
    may_be
        && begin().is_some_and(|begin| {
            AuditKind::ALL
                .iter()
                .any(|kind| kind.begins(&begin))
        })
}

/// The folder in which a path lies, with links followed.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder
        .unwrap_or(Path::new("."))
        .canonicalize()
        .ok()
}

/// A file of which it is known where it belongs.
struct Identified {
    identity: Identity,
    file: Arc<SourceFile>,
    /// Its row in the table of subjects, where there is a table.
    row: Result<Option<RowId>, FileFailure>,
    /// The rule that takes it, where there are rules.
    rule: Option<RuleNumber>,
    /// The subject that rules give it whatever its header says.
    subject: Option<String>,
    /// What leaves it out.
    left_out: Option<LeftOut>,
}

impl Identified {
    fn left_out(file: Arc<SourceFile>, identity: Identity, by: LeftOut) -> Self {
        Self {
            identity,
            file,
            row: Ok(None),
            rule: None,
            subject: None,
            left_out: Some(by),
        }
    }

    /// Lets go of what was read of the file where there is no room for it.
    fn within(mut self, room: &AtomicU64) -> Self {
        self.identity.whole = self.identity.whole.filter(|bytes| {
            let len = bytes.len() as u64;
            let taken = |room: u64| room.checked_sub(len);
            room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
                .is_ok()
        });
        self
    }
}

/// Finds out where a file belongs; `opened` is how it can be read without opening it again.
fn identify(
    file: &DiscoveredFile,
    opened: Option<&OpenedFile>,
    plan: &UploadPlan,
) -> Identification {
    let fields = (!plan.rules.is_empty()).then(|| placing::fields(file));
    let known = match &fields {
        Some(fields) => guarded(|| placing::judge_by_path(plan, fields))?,
        None => Some(Verdict::NoRules),
    };
    let source = match opened {
        Some(opened) => Arc::clone(&opened.source),
        None => Arc::new(file.source()?),
    };
    if let Some(Verdict::LeftOut(by)) = known {
        return Ok(Identified::left_out(source, Identity::default(), by));
    }
    let readable = opened.map_or_else(|| Arc::clone(&source), OpenedFile::as_source);
    let mut identity = guarded(|| Ok(dicom::identify(&readable, &plan.limits)?))?;
    let needs_header = known.is_none()
        || plan
            .subjects
            .as_ref()
            .is_some_and(SubjectTable::needs_header);
    let header = needs_header
        .then(|| guarded(|| header_of(&readable, &identity, plan)))
        .transpose()?;
    let verdict = match (known, &fields) {
        (Some(verdict), _) => verdict,
        (None, Some(fields)) => guarded(|| placing::judge(plan, fields, header.as_ref()))?,
        (None, None) => Verdict::NoRules,
    };
    let rule = match verdict {
        Verdict::Rule(rule) => Some(rule),
        Verdict::NoRules => None,
        Verdict::LeftOut(by) => {
            identity.whole = None;
            return Ok(Identified::left_out(source, identity, by));
        }
    };
    let relative = (!file.named).then(|| file.relative_with_slashes());
    let row = guarded(|| subject_rows::row_of(plan, relative.as_deref(), header.as_ref()));
    // A flag or a table goes before rules, and has been looked at by itself.
    let given = plan.packaging.subject.is_some()
        || row
            .as_ref()
            .is_ok_and(|row| row.is_some() && plan.table_gives_subject());
    let subject = rule
        .zip(fields.as_ref())
        .filter(|_| !given)
        .and_then(|(rule, fields)| {
            plan.rules
                .subject_by_path(rule, fields)
        });
    Ok(Identified {
        identity,
        file: source,
        row,
        rule,
        subject,
        left_out: None,
    })
}

/// The original header, of a small file from what the index has read of it.
fn header_of(
    file: &Arc<SourceFile>,
    identity: &Identity,
    plan: &UploadPlan,
) -> Result<Instance, FileFailure> {
    let source = match &identity.whole {
        Some(bytes) => Source::Memory {
            file: Arc::clone(file),
            bytes: bytes.clone(),
        },
        None => Source::File(Arc::clone(file)),
    };
    Ok(dicom::read(source, &plan.limits)?)
}

/// Whether a run without a series to send is to be told apart from one that did its work.
pub fn has_nothing(totals: &mut RunTotals) -> bool {
    totals.failed == 0
        && !totals
            .skipped_by
            .keys()
            .any(|reason| reason.is_left_to_another_run())
}

/// The error for a run that has nothing to send, with what was found instead.
pub fn nothing(events: &Events) -> Error {
    let totals = events.with_totals(|totals| totals.clone());
    let error = Error::new(
        RunCode::InputNothing,
        format!("nothing to upload: {}", what_was_found(&totals)),
    );
    match totals
        .skipped_by
        .keys()
        .find_map(|reason| reason.hint())
    {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn what_was_found(totals: &RunTotals) -> String {
    if totals.found == 0 {
        return "no file was found".to_owned();
    }
    let reasons: Vec<_> = totals
        .skipped_by
        .iter()
        .map(|(reason, n)| format!("{n} {}", reason.sentence()))
        .collect();
    format!(
        "{} found, all skipped ({})",
        counted(totals.found, "file"),
        reasons.join(", ")
    )
}
