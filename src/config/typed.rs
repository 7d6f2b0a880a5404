//! The arguments on their way to a [`Config`]: each group of settings completed, contradictions
//! refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;

use super::{
    Audit, Config, DEFAULT_REPORT, DeidChoice, Environment, Input, Inputs, Output, PageForReview,
    PathList, Patience, Progress, PseudonymKeyChoice, Report, ReportFormat, Server, SinkChoice,
    Transfer, Verbosity,
};
use crate::cli::{
    self, Archives, FieldFilterArgs, OtherFiles, ProgressStyle, Residual, Shard, UploadArgs,
};
use crate::exit::Strictness;
use crate::failure::Error;
use crate::rules::{Association, AssociationError, FilterFlags, Filters};
use dicom_deid::profile::OnLeak;

const MEBIBYTE: u64 = 1 << 20;
/// The least that one large file in flight needs.
const LEAST_MEMORY: u64 = 32 * MEBIBYTE;
/// More uploads at a time than any server gains from.
const MOST_UPLOADS: usize = 64;
const MOST_JOBS: usize = 1024;
const LEAST_HEADER: u64 = 1024;
/// Seconds without a byte that servers and networks at their worst still recover from.
const IDLE_TIMEOUT: u64 = 60;
const MOST_IDLE: u64 = 3600;
/// Seconds until the server is asked again whether the same profile governs, and the most that this
/// may be.
const PROFILE_RECHECK: u64 = 120;
const MOST_RECHECK: u64 = 300;
/// How long a server that is out is waited for, in seconds: until it has answered in this run,
/// afterwards, and at most.
const RETRY_AT_START: u64 = 60;
const RETRY_FOR: u64 = 15 * 60;
const MOST_WAIT: u64 = 7 * 24 * 3600;
const MOST_AGE: u64 = MOST_WAIT;
/// How long another run that is in the way is waited for.
const WAIT_LOCK: Duration = Duration::from_secs(5);
/// A slower connection would look like one that stalls.
const LEAST_RATE: u64 = 16 * 1024;

impl Config {
    /// Completes and checks what was typed. Errors: [`Error::usage`].
    pub fn new(args: &UploadArgs, environment: &Environment) -> Result<Self, Error> {
        let typed = Typed(args);
        typed.refuse_pairs()?;
        typed.refuse_offline_without_answers()?;
        typed.refuse_lone_companions()?;
        Ok(Self {
            input: typed.input()?,
            deid: typed.deid(),
            pseudonym_key: PseudonymKeyChoice {
                source: args.deid.pseudonym_key.clone(),
                make: args.deid.new_pseudonym_key,
                change: args.deid.change_pseudonym_key,
            },
            residual: args.deid.residual.map(on_leak),
            pictures: args.deid.pictures.clone(),
            project: typed.project()?,
            packaging: args.destination.packaging.clone(),
            server: typed.server(),
            sink: typed.sink(),
            approved: args
                .destination
                .review
                .approved
                .clone(),
            transfer: typed.transfer(environment)?,
            output: typed.output(environment),
            report: typed.report(environment)?,
            settings_files: args.settings_files.clone(),
        })
    }
}

/// The arguments on their way to a [`Config`].
struct Typed<'a>(&'a UploadArgs);

impl Typed<'_> {
    /// What the user has to change when this flag is in the way: the flag, or the variable or the
    /// place in a file that set it.
    fn name(&self, flag: &str) -> String {
        self.0
            .not_typed
            .get(flag)
            .cloned()
            .unwrap_or_else(|| format!("`--{flag}`"))
    }

    fn refuse_pairs(&self) -> Result<(), Error> {
        let UploadArgs {
            deid,
            destination,
            connection,
            ..
        } = self.0;
        let (profile, output) = (deid.profile.is_some(), destination.output.is_some());
        let sandbox = destination.sandbox.is_some();
        // A site that was not typed is a standing setting: a sandbox that was asked for goes before
        // it.
        let site = connection.site.is_some()
            && !self
                .0
                .not_typed
                .contains_key("site");
        let (placing, review) = (&destination.packaging.placing, &destination.review);
        let pairs = [
            (profile && deid.no_deid, "profile", "no-deid"),
            (
                deid.pictures.is_some() && deid.no_deid,
                "pictures",
                "no-deid",
            ),
            (
                placing.rules.is_some() && !placing.map.is_empty(),
                "rules",
                "map",
            ),
            (output && destination.dry_run, "dry-run", "output"),
            (output && review.review.is_some(), "review", "output"),
            (
                review.review.is_some() && review.approved.is_some(),
                "review",
                "approved",
            ),
            (review.review.is_some() && deid.no_deid, "review", "no-deid"),
            (
                review.approved.is_some() && deid.no_deid,
                "approved",
                "no-deid",
            ),
            (sandbox && destination.offline, "sandbox", "offline"),
            (sandbox && site, "sandbox", "site"),
        ];
        match pairs
            .iter()
            .find(|(both, ..)| *both)
        {
            Some((_, one, other)) => Err(self.exclude(one, other)),
            None => Ok(()),
        }
    }

    /// Without a server, nothing can be sent and no profile can be asked for.
    fn refuse_offline_without_answers(&self) -> Result<(), Error> {
        let UploadArgs {
            deid, destination, ..
        } = self.0;
        let sends = !destination.dry_run
            && destination.output.is_none()
            && destination.review.review.is_none();
        if destination.offline && sends {
            return Err(Error::usage(
                "`--offline` sends nothing",
                "add `--dry-run`, `--review FILE.html` or `--output DIR`",
            ));
        }
        if destination.offline && deid.profile.is_none() && !deid.no_deid {
            return Err(Error::usage(
                "`--offline` cannot ask the server for a de-identification profile",
                "add `--profile basic`, or `--no-deid` if the data may go as it is",
            ));
        }
        Ok(())
    }

    /// Flags that say something about another flag, which is not there.
    fn refuse_lone_companions(&self) -> Result<(), Error> {
        let UploadArgs { input, .. } = self.0;
        if input.walk.null && input.walk.files_from.is_empty() {
            return Err(Error::usage(
                format!(
                    "{} is about `--files-from`, which is missing",
                    self.name("null")
                ),
                "add `--files-from FILE`, or `--files-from -` for standard input",
            ));
        }
        if input.keep_names && input.other_files != OtherFiles::Upload {
            return Err(Error::usage(
                format!(
                    "{} is about other files, which are not uploaded",
                    self.name("keep-names")
                ),
                "add `--other-files upload`",
            ));
        }
        if !input.associate.is_empty() && input.other_files != OtherFiles::Upload {
            return Err(Error::usage(
                format!(
                    "{} is about other files, which are not uploaded",
                    self.name("associate")
                ),
                "add `--other-files upload`",
            ));
        }
        if self
            .0
            .destination
            .review
            .approved
            .is_some()
            && input.other_files == OtherFiles::Upload
        {
            return Err(Error::usage(
                "`--approved` and `--other-files upload` exclude each other",
                "send other files in a run of their own, after a look at them",
            )
            .because("a page for review shows DICOM files alone"));
        }
        if input.from_plan.is_some()
            && self
                .0
                .destination
                .packaging
                .table
                .extend_subjects
        {
            // No shard knows who is new in the others.
            return Err(Error::usage(
                "`--extend-subjects` and `--from-plan` exclude each other",
                "leave out `--from-plan`: with `--shard` alone every shard sees all files",
            ));
        }
        if input.shard.is_some() && input.other_files == OtherFiles::Upload {
            // They follow the instances beside them, which may belong to several shards.
            return Err(Error::usage(
                format!(
                    "{} cannot upload files that are not DICOM",
                    self.name("shard")
                ),
                "leave out `--other-files upload`, or upload them in a run of their own",
            ));
        }
        Ok(())
    }

    fn exclude(&self, one: &str, other: &str) -> Error {
        Error::usage(
            format!(
                "{} and {} exclude each other",
                self.name(one),
                self.name(other)
            ),
            "leave out one of the two",
        )
    }

    fn input(&self) -> Result<Input, Error> {
        let args = &self.0.input;
        let walk = &args.walk;
        let plan = self.plan()?;
        if walk.paths.is_empty() && walk.files_from.is_empty() && plan.is_none() {
            let hint = match &self.0.destination.sandbox {
                Some(Some(_)) => {
                    "`--sandbox` takes the word after it as its folder: write the paths before it"
                }
                _ => "name a folder, as in `fwupload ./study --project group/project`",
            };
            return Err(Error::usage(
                "nothing to read: neither a PATH nor `--files-from`",
                hint,
            ));
        }
        let max_header = size(
            &self.name("max-header"),
            walk.max_header.as_deref(),
            64 * MEBIBYTE,
            LEAST_HEADER,
        )?;
        Ok(Input {
            files: Inputs {
                paths: walk.paths.clone(),
                lists: walk.files_from.clone(),
                null: walk.null,
                filters: self.0.filters.clone(),
                follow: walk.follow,
                other_files: args.other_files,
                archives: walk.archives,
                plan,
            },
            keep_names: args.keep_names,
            filters: Arc::new(filters(&walk.fields)?),
            associations: self.associations()?,
            shard: args.shard,
            min_age: self.min_age()?,
            incomplete_series: args.incomplete_series,
            max_header,
        })
    }

    /// The plan that is carried out, and the part of it.
    fn plan(&self) -> Result<Option<(PathBuf, Shard)>, Error> {
        let UploadArgs { input, .. } = self.0;
        let Some(folder) = &input.from_plan else {
            return Ok(None);
        };
        let walk = &input.walk;
        let is_typed = |flag: &str| !self.0.not_typed.contains_key(flag);
        let decided_there = [
            (!walk.files_from.is_empty(), "files-from"),
            (!walk.include.is_empty() && is_typed("include"), "include"),
            (!walk.exclude.is_empty() && is_typed("exclude"), "exclude"),
            (walk.follow && is_typed("follow"), "follow"),
            (
                walk.archives != Archives::default() && is_typed("archives"),
                "archives",
            ),
        ];
        if let Some((_, flag)) = decided_there
            .iter()
            .find(|(given, _)| *given)
        {
            return Err(Error::usage(
                format!("{} and `--from-plan` exclude each other", self.name(flag)),
                format!("leave it out: `fwupload plan` takes `--{flag}`"),
            )
            .because("a plan says which files there are"));
        }
        if !walk.paths.is_empty() {
            return Err(Error::usage(
                "a PATH and `--from-plan` exclude each other",
                "leave out the PATH: the plan lists the files",
            ));
        }
        let shard = input.shard.ok_or_else(|| {
            Error::usage(
                "`--from-plan` does not say which part of the plan is meant",
                "add `--shard I/N`, with the N of the plan",
            )
        })?;
        Ok(Some((folder.clone(), shard)))
    }

    fn associations(&self) -> Result<Vec<Association>, Error> {
        let parse = |text: &String| {
            Association::parse(text).map_err(|error| {
                let hint = match &error {
                    AssociationError::Field(refusal) => refusal.hint.clone(),
                    _ => None,
                };
                let hint = hint.unwrap_or_else(|| "such as 'raw/{SeriesNumber}_*.dat'".to_owned());
                Error::usage(format!("{}: {error}", self.name("associate")), hint)
            })
        };
        self.0
            .input
            .associate
            .iter()
            .map(parse)
            .collect()
    }

    fn min_age(&self) -> Result<Option<Duration>, Error> {
        let Some(text) = &self.0.input.min_age else {
            return Ok(None);
        };
        let age = duration(&self.name("min-age"), text, MOST_AGE)?;
        Ok((!age.is_zero()).then_some(age))
    }

    fn deid(&self) -> DeidChoice {
        match (&self.0.deid.profile, self.0.deid.no_deid) {
            (Some(profile), _) => DeidChoice::Profile(profile.clone()),
            (None, true) => DeidChoice::AsItIs,
            (None, false) => DeidChoice::Unsaid,
        }
    }

    fn project(&self) -> Result<String, Error> {
        let args = &self.0.destination;
        let project = args
            .project
            .as_deref()
            .map(str::trim)
            .filter(|project| !project.is_empty());
        let project = project.ok_or_else(|| {
            let add = "add `--project group/project`, its id or its label";
            let meant = match self.0.input.walk.paths.as_slice() {
                [only] => only
                    .to_str()
                    .and_then(cli::command_like),
                _ => None,
            };
            let hint = meant.map_or_else(
                || add.to_owned(),
                |command| format!("did you mean `fwupload {command}`? Else {add}"),
            );
            Error::usage("no destination: `--project` is missing", hint)
        })?;
        if args.offline && !is_group_and_label(project) {
            return Err(Error::usage(
                "`--offline` cannot look up a project by id or label alone",
                "write it as group/project",
            ));
        }
        for (flag, label) in [
            ("subject", &args.packaging.subject),
            ("session", &args.packaging.session),
        ] {
            if label
                .as_deref()
                .is_some_and(|label| label.trim().is_empty())
            {
                return Err(Error::usage(
                    format!("{} is empty", self.name(flag)),
                    "give a label, or leave it out",
                ));
            }
        }
        Ok(project.to_owned())
    }

    fn server(&self) -> Server {
        let args = &self.0.destination;
        match &args.sandbox {
            Some(folder) => Server::Sandbox(folder.clone()),
            None if args.offline => Server::Offline,
            None => Server::Site(self.0.connection.clone()),
        }
    }

    fn sink(&self) -> SinkChoice {
        let args = &self.0.destination;
        match &args.output {
            Some(folder) => SinkChoice::Folder(folder.clone()),
            None if args.dry_run || args.review.review.is_some() => SinkChoice::DryRun,
            None => SinkChoice::Upload,
        }
    }

    fn transfer(&self, environment: &Environment) -> Result<Transfer, Error> {
        let args = &self.0.transfer;
        Ok(Transfer {
            jobs: count(
                &self.name("jobs"),
                args.jobs,
                environment.cores.max(1),
                MOST_JOBS,
            )?,
            uploads: args
                .uploads
                .map(|n| count(&self.name("uploads"), Some(n), n, MOST_UPLOADS))
                .transpose()?,
            compression: args.compression,
            memory: size(
                &self.name("memory"),
                args.memory.as_deref(),
                64 * MEBIBYTE,
                LEAST_MEMORY,
            )?,
            signed_urls: !args.no_signed_urls,
            idle_timeout: self.seconds(
                "idle-timeout",
                args.idle_timeout,
                IDLE_TIMEOUT,
                MOST_IDLE,
            )?,
            patience: self.patience()?,
            wait_lock: args
                .wait_lock
                .as_deref()
                .map_or(Ok(WAIT_LOCK), |text| {
                    duration(&self.name("wait-lock"), text, MOST_WAIT)
                })?,
            bandwidth: args
                .bwlimit
                .as_deref()
                .map(|rate| rate_of(&self.name("bwlimit"), rate))
                .transpose()?,
            fresh: args.fresh,
            max_failures: self.max_failures()?,
            profile_recheck: self.seconds(
                "profile-recheck",
                args.profile_recheck,
                PROFILE_RECHECK,
                MOST_RECHECK,
            )?,
        })
    }

    /// Seconds from 1 to `most`.
    fn seconds(
        &self,
        flag: &str,
        given: Option<u64>,
        default: u64,
        most: u64,
    ) -> Result<Duration, Error> {
        let seconds = given.unwrap_or(default);
        if (1..=most).contains(&seconds) {
            return Ok(Duration::from_secs(seconds));
        }
        Err(Error::usage(
            format!("{} is out of range", self.name(flag)),
            format!("give seconds from 1 to {most}"),
        ))
    }

    fn patience(&self) -> Result<Option<Patience>, Error> {
        let Some(text) = &self.0.transfer.retry_for else {
            let [at_start, later] = [RETRY_AT_START, RETRY_FOR].map(Duration::from_secs);
            return Ok(Some(Patience { at_start, later }));
        };
        let given = duration(&self.name("retry-for"), text, MOST_WAIT)?;
        Ok((!given.is_zero()).then_some(Patience {
            at_start: given,
            later: given,
        }))
    }

    fn max_failures(&self) -> Result<Option<u64>, Error> {
        let args = &self.0.transfer;
        match (args.max_failures, args.fail_fast) {
            (Some(_), true) => Err(self.exclude("max-failures", "fail-fast")),
            (Some(0), false) => Err(Error::usage(
                format!("{} is out of range", self.name("max-failures")),
                "give the number of failed files after which to stop, 1 or more",
            )),
            (given, fail_fast) => Ok(given.or(fail_fast.then_some(1))),
        }
    }

    fn output(&self, environment: &Environment) -> Output {
        let args = &self.0.output;
        let verbosity = match (args.quiet, args.verbose) {
            (2.., _) => Verbosity::Silent,
            (1, _) => Verbosity::Quiet,
            (0, 0) => Verbosity::Normal,
            (0, 1) => Verbosity::Verbose,
            (0, _) => Verbosity::Trace,
        };
        let quiet = verbosity < Verbosity::Normal;
        let progress = match args.progress {
            _ if quiet => Progress::Off,
            ProgressStyle::None => Progress::Off,
            // Bars need a terminal to be drawn on, whatever was asked for.
            ProgressStyle::Bar if environment.stderr_tty => Progress::Bar,
            ProgressStyle::Auto if environment.stderr_tty && !environment.dumb() => Progress::Bar,
            ProgressStyle::Bar | ProgressStyle::Lines | ProgressStyle::Auto => Progress::Lines,
        };
        let stdin_is_a_list = self
            .0
            .input
            .walk
            .files_from
            .contains(&PathList::Stdin);
        let interactive = environment.stdin_tty && environment.stderr_tty && !stdin_is_a_list;
        Output {
            verbosity,
            progress,
            color: environment.color(args.color),
            json: args.json,
            assume_yes: args.yes,
            interactive,
        }
    }

    /// What is written under one name last takes the place of the other.
    fn refuse_one_file_for_two(&self) -> Result<(), Error> {
        let args = &self.0.report;
        let named = [
            ("manifest", &args.manifest),
            ("deid-log", &args.deid_log),
            ("report", &args.report),
            ("log-file", &args.log_file),
            ("review", &self.0.destination.review.review),
            ("approved", &self.0.destination.review.approved),
        ];
        for (at, (one, path)) in named.iter().enumerate() {
            let other = named
                .iter()
                .skip(at + 1)
                .find(|(_, other)| path.is_some() && path == other);
            if let Some((other, _)) = other {
                return Err(Error::usage(
                    format!("{} and {} name one file", self.name(one), self.name(other)),
                    "give each a file of its own",
                ));
            }
        }
        Ok(())
    }

    /// The page for review. A browser goes by the end of its name.
    fn review_page(&self) -> Result<Option<PageForReview>, Error> {
        let Some(path) = &self.0.destination.review.review else {
            return Ok(None);
        };
        let is_page = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
        if is_page {
            return Ok(Some(PageForReview {
                path: path.clone(),
                served: None,
                named_paths: self.0.named_paths(),
            }));
        }
        Err(Error::usage(
            format!(
                "the name given to {} is not that of a page",
                self.name("review")
            ),
            "end the name with .html",
        ))
    }

    fn report(&self, environment: &Environment) -> Result<Report, Error> {
        let args = &self.0.report;
        let path = args
            .report
            .clone()
            .unwrap_or_else(|| DEFAULT_REPORT.into());
        let format = ReportFormat::of_flag(&self.name("report"), &path)?;
        let audit = |flag, path: &Option<PathBuf>| {
            let path = path.as_deref();
            path.map(|path| Audit::of_flag(&self.name(flag), path))
                .transpose()
        };
        let manifest = audit("manifest", &args.manifest)?;
        let deid_log = audit("deid-log", &args.deid_log)?;
        let review = self.review_page()?;
        self.refuse_one_file_for_two()?;
        Ok(Report {
            named: args.report.is_some(),
            // A page names no files: which were refused is in the report.
            rehearsal: self.sink() == SinkChoice::DryRun && review.is_none(),
            fallback: None,
            log: args.log_file.clone(),
            manifest,
            deid_log,
            step_summary: environment.step_summary.clone(),
            review,
            page_progress: None,
            path,
            format,
            redact_paths: args.redact_paths,
            strictness: Strictness {
                fail_on_skip: args.fail_on_skip,
                // A part of a plan may hold nothing: the others have what there is.
                allow_empty: args.allow_empty || self.0.input.from_plan.is_some(),
            },
        })
    }
}

/// Files cleaned at a time, for a command that takes `--jobs`.
///
/// # Errors
/// A number out of range.
pub fn jobs(given: Option<usize>, environment: &Environment) -> Result<usize, Error> {
    count("`--jobs`", given, environment.cores.max(1), MOST_JOBS)
}

/// The most that the data elements around the pixel data may take, for a command that takes
/// `--max-header`.
///
/// # Errors
/// What is no size, or too small a one.
pub fn max_header(given: Option<&str>) -> Result<u64, Error> {
    size("`--max-header`", given, 64 * MEBIBYTE, LEAST_HEADER)
}

/// The filters of fields, for a command that takes `--filter` and its everyday forms.
///
/// # Errors
/// What is no filter.
pub fn filters(args: &FieldFilterArgs) -> Result<Filters, Error> {
    let flags = FilterFlags {
        filters: &args.filter,
        modalities: &args.modality,
        skip_localizers: args.skip_localizers,
        skip_derived: args.skip_derived,
    };
    Filters::new(flags).map_err(|(flag, refusal)| {
        let hint = refusal
            .hint
            .unwrap_or_else(|| "docs/rules.md says how a filter is written".to_owned());
        Error::usage(format!("{flag}: {}", refusal.message), hint)
    })
}

/// The size of parts, for a command that takes `--part-size`.
pub fn part_size(given: Option<&str>) -> Result<u64, Error> {
    size("`--part-size`", given, 8 * MEBIBYTE, 1)
}

/// What becomes of a file in which a removed value still stands, for a command that takes
/// `--residual`.
pub fn on_leak(typed: Residual) -> OnLeak {
    match typed {
        Residual::Fail => OnLeak::Fail,
        Residual::Warn => OnLeak::Warn,
    }
}

fn count(name: &str, given: Option<usize>, default: usize, most: usize) -> Result<usize, Error> {
    match given.unwrap_or(default) {
        n if (1..=most).contains(&n) => Ok(n),
        n if given.is_none() => Ok(n.clamp(1, most)),
        _ => Err(Error::usage(
            format!("{name} is out of range"),
            format!("give a number from 1 to {most}"),
        )),
    }
}

fn size(name: &str, given: Option<&str>, default: u64, least: u64) -> Result<u64, Error> {
    let Some(text) = given else {
        return Ok(default);
    };
    let size = text
        .trim()
        .parse::<ByteSize>()
        .map_err(|_| {
            Error::usage(
                format!("{name} is not a size: {text}"),
                "write it as 512MiB, 2GiB or a number of bytes",
            )
        })?;
    if size.as_u64() < least {
        let least = ByteSize::b(least).display().iec();
        return Err(Error::usage(
            format!("{name} is too small"),
            format!("give at least {least}"),
        ));
    }
    Ok(size.as_u64())
}

/// A time as people write it: a number with a unit, or several one after another. A bare number
/// counts seconds.
fn duration(name: &str, text: &str, most: u64) -> Result<Duration, Error> {
    let seconds = seconds_in(text.trim());
    let seconds = seconds.ok_or_else(|| {
        Error::usage(
            format!("{name} is not a duration: {text}"),
            "write it as 90s, 15m, 2h or 1h30m",
        )
    })?;
    if seconds > most {
        return Err(Error::usage(
            format!("{name} is too long"),
            format!("give at most {}h", most / 3600),
        ));
    }
    Ok(Duration::from_secs(seconds))
}

fn seconds_in(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let each = match unit.trim() {
            "s" | "sec" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "" if rest.len() == text.len() => 1,
            _ => return None,
        };
        total = total.checked_add(
            number
                .parse::<u64>()
                .ok()?
                .checked_mul(each)?,
        )?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// Bytes a second, with or without the words for that.
fn rate_of(name: &str, text: &str) -> Result<u64, Error> {
    let bytes = text.trim().trim_end_matches("/s");
    if bytes.parse::<ByteSize>().is_err() {
        return Err(Error::usage(
            format!("{name} is not a rate: {text}"),
            "write bytes a second, as in 20M, 512K or 2.5MiB; 20 megabits are 2.5M",
        ));
    }
    size(name, Some(bytes), 0, LEAST_RATE)
}

fn is_group_and_label(project: &str) -> bool {
    let bare = project
        .strip_prefix("fw://")
        .unwrap_or(project);
    bare.split_once('/')
        .is_some_and(|(group, label)| {
            !group.is_empty() && !label.is_empty() && !label.contains('/')
        })
}
