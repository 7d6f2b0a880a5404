//! The upload: config, report, server, plan, pipeline, exit status.

use std::ffi::OsString;
use std::time::Instant;

use flywheel_client::{ApiKey, Client, ClientNotice};
use tokio::runtime::Runtime;

use crate::cli::UploadArgs;
use crate::client_failure::{cause_of, cause_of_form, path_of};
use crate::config::{Config, Environment, Server};
use crate::credential::{KeyOrigin, PseudonymKeySources};
use crate::event::{Event, Events, Mode, ProfileFacts, RunEnd, RunStart, Severity, TWIN_CONTAINER};
use crate::exit::ExitStatus;
use crate::failure::{Error, RunCode};
use crate::pipeline::{self, Signals, Stop};
use crate::plan::{self, Review, Sink, UploadPlan};
use crate::report::{self, Paths, Reporter};
use dicom_lossless::{display_path, escape_for_terminal};

use super::sandbox::Sandbox;
use super::{key_sources, pseudonym_key_sources, run_journal, runtime, sandbox, state_folder};

/// Runs an upload from what was typed to the exit status.
pub fn run(args: &UploadArgs, arguments: &[OsString], environment: &Environment) -> ExitStatus {
    run_with(args, arguments, environment, |_| Ok(()))
}

/// The same with settings that no flag makes.
pub fn run_with(
    args: &UploadArgs,
    arguments: &[OsString],
    environment: &Environment,
    change: impl FnOnce(&mut Config) -> Result<(), Error>,
) -> ExitStatus {
    let named: Vec<_> = args
        .named_paths()
        .into_iter()
        .chain(state_folder())
        .collect();
    let refuse = |error: &Error, paths: &Paths| {
        report::print_error(error, environment.color(args.output.color), paths);
        ExitStatus::of_error(error.code)
    };
    let paths = match Paths::new(args.report.redact_paths, &named) {
        Ok(paths) => paths,
        Err(error) => return refuse(&error, &Paths::Plain),
    };
    let ready = Config::new(args, environment).and_then(|mut config| {
        config.report.fallback = state_folder();
        change(&mut config)?;
        let reporter = Reporter::start(config.output, &config.report, arguments, &paths)?;
        Ok((config, reporter))
    });
    match ready {
        Ok((config, reporter)) => reported(&config, reporter, &paths),
        Err(error) => refuse(&error, &paths),
    }
}

/// The run with its reporter attached: whatever happens, the end is reported.
fn reported(config: &Config, reporter: Reporter, paths: &Paths) -> ExitStatus {
    let started = Instant::now();
    let events = Events::new(reporter.events());
    let stopped_by = work(config, &events).err();
    let totals = events.with_totals(|totals| totals.clone());
    let stopping_code = stopped_by
        .as_ref()
        .map(|error| error.code);
    let status = ExitStatus::of_run(stopping_code, &totals, config.report.strictness);
    let end = RunEnd {
        totals,
        duration: started.elapsed(),
        exit_code: status.code(),
        stopped_by,
    };
    events.send(Event::Ended(Box::new(end)));
    drop(events);
    match reporter.finish() {
        Ok(()) => status,
        Err(error) => {
            report::print_error(&error, config.output.color, paths);
            if status == ExitStatus::Success {
                ExitStatus::of_error(error.code)
            } else {
                status
            }
        }
    }
}

fn work(config: &Config, events: &Events) -> Result<(), Error> {
    let runtime = runtime()?;
    let stop = Stop::default();
    let signals = runtime.block_on(async { Signals::listen() })?;
    runtime.spawn(stop.clone().on_signals(signals));
    let (client, sandbox) = server(config, events)?;
    if let Some(client) = client.clone() {
        let stop = stop.clone();
        runtime.spawn(async move {
            stop.wait().await;
            client.wait_no_more();
        });
    }
    let done = resolve(
        &runtime,
        config,
        client,
        pseudonym_keys(config, sandbox.as_ref()),
        &stop,
    )
    .and_then(|plan| {
        let folder = run_journal::folder(sandbox.as_ref());
        let journal = run_journal::open(&plan, config.residual, folder, (events, &stop))?;
        announce(&plan, config, events);
        run_journal::announce(journal.as_ref(), events);
        pipeline::run(plan, journal, events, &runtime, &stop)
    });
    // What was dropped midway, or still waits for an answer to be typed, must not hold up the end
    // of the program.
    runtime.shutdown_background();
    done
}

/// Resolves on a thread of its own: a question and a list on standard input may wait for ever, and
/// Ctrl-C must be heard meanwhile.
fn resolve(
    runtime: &Runtime,
    config: &Config,
    client: Option<Client>,
    keys: PseudonymKeySources,
    stop: &Stop,
) -> Result<UploadPlan, Error> {
    let config = config.clone();
    let plan =
        runtime.spawn(async move { plan::resolve(config, client, &keys, &mut { ask }).await });
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = stop.wait() => Err(stop.reason().unwrap_or(RunCode::Interrupted.into())),
            plan = plan => plan.unwrap_or_else(|e| Err(Error::new(RunCode::Internal, format!("the plan was not made: {e}")))),
        }
    })
}

/// A sandbox keeps its keys in its own folder: they go with the data that they belong to.
fn pseudonym_keys(config: &Config, sandbox: Option<&Sandbox>) -> PseudonymKeySources {
    let mut sources = pseudonym_key_sources(&config.pseudonym_key.source);
    if let Some(sandbox) = sandbox {
        sources.kept = Some(
            sandbox
                .home()
                .join("pseudonym-keys"),
        );
    }
    sources
}

/// The client for the run, and the server that must live as long, where it is our own.
fn server(config: &Config, events: &Events) -> Result<(Option<Client>, Option<Sandbox>), Error> {
    let (key, ca_cert, sandbox) = match &config.server {
        Server::Offline => return Ok((None, None)),
        Server::Site(connection) => {
            let (key, origin) = key_sources(connection).resolve()?;
            if let KeyOrigin::FlywheelUserJson(_) = origin {
                events.notice(Severity::Notice, "key-origin", format!("using {origin}"));
            }
            (key, connection.ca_cert.clone(), None)
        }
        Server::Sandbox(folder) => {
            let sandbox = sandbox::embedded(folder.as_deref(), config)?;
            let text = format!(
                "this is a sandbox: everything stays on this machine, in {}",
                display_path(sandbox.dir())
            );
            events.notice(Severity::Notice, "sandbox", text);
            (ApiKey::parse(&sandbox.site_key())?, None, Some(sandbox))
        }
    };
    let client = plan::client(&key, ca_cert, Some(config.transfer))?;
    let retries = events.clone();
    Ok((
        Some(client.on_notice(move |notice| tell(&retries, notice))),
        sandbox,
    ))
}

fn tell(events: &Events, notice: ClientNotice) {
    match notice {
        ClientNotice::Waiting {
            what,
            error,
            wait,
            attempt,
        } => events.send(Event::Retrying {
            what,
            cause: cause_of(&error),
            wait,
            attempt,
        }),
        ClientNotice::Answered { what, status, took } => {
            events.send(Event::Requested { what, status, took });
        }
        ClientNotice::Twin {
            kind,
            taken,
            twin,
            empty,
        } => {
            let kind = kind.as_str();
            let [taken, twin] = [taken, twin].map(|id| escape_for_terminal(&id));
            let text = if empty {
                format!(
                    "{kind} {twin} was made by this run at the same time as another program made \
                        {kind} {taken}, which takes everything. The first is empty and could not \
                        be removed again: delete it, or have it deleted"
                )
            } else {
                format!(
                    "{kind} {taken} exists twice: {kind} {twin} is the same, made by another \
                        program at the same time. Everything goes to the older one; move what the \
                        other holds, or delete it"
                )
            };
            events.notice(Severity::Warning, TWIN_CONTAINER, text);
        }
        ClientNotice::StudyElsewhere { session } => {
            let session = escape_for_terminal(&session);
            let text = format!(
                "a study that is about to be sent is in the project already, under another \
                    subject: session {session} has its \
                 StudyInstanceUID. One of the two may have the wrong subject label; \
                 `--if-study-elsewhere fail` sends no such study"
            );
            events.notice(Severity::Warning, "study-elsewhere", text);
        }
        ClientNotice::Outage {
            error,
            since,
            until,
        } => {
            let cause = cause_of(&error);
            let text = format!(
                "the site has not answered since {}: {cause}\neverything waits until it does, \
                    until {} at the longest (`--retry-for`)",
                since.format("%H:%M:%S"),
                until.format(if since.date_naive() == until.date_naive() {
                    "%H:%M:%S"
                } else {
                    "%Y-%m-%d %H:%M:%S"
                })
            );
            events.notice(Severity::Warning, "outage", text);
        }
        ClientNotice::OutageOver { lasted } => {
            let text = format!(
                "the site answers again after {} s: the run goes on",
                lasted.as_secs().max(1)
            );
            events.notice(Severity::Notice, "outage-over", text);
        }
        ClientNotice::FormInstead { cause } => {
            let cause = cause_of_form(&cause);
            let text = format!("a file goes through the site itself: {cause}");
            events.notice(Severity::Notice, "storage", text);
        }
    }
}

/// Tells what is about to happen, before the first byte is sent.
fn announce(plan: &UploadPlan, config: &Config, events: &Events) {
    let governing = plan.governing.as_ref();
    events.send(Event::Started(Box::new(RunStart {
        version: env!("CARGO_PKG_VERSION"),
        project: path_of(&plan.project),
        site: plan.site.clone(),
        project_url: project_url(plan, config),
        mode: match plan.sink {
            Sink::Upload(_) => Mode::Upload,
            Sink::Folder(_) => Mode::Output,
            Sink::DryRun(_) => Mode::DryRun,
        },
        profile: governing.map(|g| ProfileFacts {
            name: g.name.clone(),
            level: g.level,
            digest: g.identity.digest.clone(),
            key: g.key.clone(),
        }),
        settings: settings(plan, config),
    })));
    for announcement in &plan.announcements {
        events.send(Event::Notice(announcement.clone()));
    }
}

/// The settings in force, and the plan that the run is a part of.
fn settings(plan: &UploadPlan, config: &Config) -> Vec<(String, String)> {
    let mut settings = config.settings();
    if let Some(list) = plan.discovery.plan() {
        settings.push(("plan".to_owned(), list.plan.digest.clone()));
    }
    if let Review::Approved(list) = &plan.review {
        settings.push(("approved-by".to_owned(), list.reviewer.clone()));
    }
    settings
}

/// The page of the project that is sent to. A server inside this process ends with it, and so do its
/// addresses.
fn project_url(plan: &UploadPlan, config: &Config) -> Option<String> {
    match (&plan.sink, &config.server) {
        (Sink::Upload(server), Server::Site(_)) => server.client.page_of(&plan.project),
        _ => None,
    }
}

/// Asks the person at the terminal. Where the question cannot be put, the answer is no.
fn ask(question: &str) -> bool {
    // Said to be blocking, so that another thread goes on listening for signals.
    let answer = || {
        report::confirm(
            question,
            &mut std::io::stdin().lock(),
            &mut std::io::stderr(),
        )
    };
    tokio::task::block_in_place(answer).unwrap_or(false)
}
