//! The summary at the end of a run: what happened, the time that it took, what failed, what to do
//! next.

use std::ffi::OsString;

use super::figures::{bytes, count, duration, plural};
use crate::event::{Changes, Mode, RunEnd, RunStart, RunTotals};
use crate::failure::FileCode;
use dicom_lossless::escape_for_terminal;

/// What the summary shows besides the counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct SummaryContext<'a> {
    /// The start of the run; none when it stopped before.
    pub start: Option<&'a RunStart>,
    /// The path of the failure report, if one was written.
    pub report: Option<&'a str>,
    /// The new path of the report of an earlier run, if it was renamed.
    pub earlier: Option<&'a str>,
    /// The command that repeats the run.
    pub command: Option<&'a str>,
}

/// The whole summary. Rows other than the first are left out where they are empty.
pub fn lines(end: &RunEnd, context: SummaryContext<'_>) -> Vec<String> {
    let totals = &end.totals;
    let mut lines = vec![format!(
        "{:<10} {}",
        label(context.start),
        headline(end, context.start)
    )];
    lines.extend(
        as_they_are(totals, context.start).map(|details| format!("{:<10} {details}", "Other")),
    );
    lines.extend(text_blanked(totals));
    lines.extend(row("Already", totals.already_there, String::new()));
    let skipped = totals.skipped_by.iter();
    let skipped = counted(skipped.map(|(reason, n)| (*n, reason.counted())));
    lines.extend(row("Skipped", totals.skipped, skipped));
    lines.extend(
        totals
            .skipped_by
            .keys()
            .filter_map(|reason| reason.hint())
            .map(|hint| format!("  → {hint}")),
    );
    let failed = totals
        .failed_by
        .iter()
        .filter(|(code, _)| **code != FileCode::UploadStopped.as_str());
    let most = failed
        .clone()
        .max_by_key(|(_, n)| **n);
    let failed = counted(failed.map(|(code, n)| (*n, code.as_str())));
    lines.extend(row("Failed", totals.truly_failed(), failed));
    lines.extend(
        (totals.not_sent() > 0).then(|| format!("{} not sent", plural(totals.not_sent(), "file"))),
    );
    lines.extend(row(
        "Unreadable",
        totals.unreadable,
        "dates, times and ages that are none: removed or emptied".to_owned(),
    ));
    if totals.failed > 0 || end.stopped_by.is_some() {
        lines.extend(
            context
                .report
                .map(|report| format!("  → details: {}", escape_for_terminal(report))),
        );
        lines.extend(most.map(|(code, _)| format!("  → meaning: fwupload explain {code}")));
        lines.extend(
            context
                .command
                .map(|command| format!("  → try again: {}", escape_for_terminal(command))),
        );
    }
    lines.extend(context.earlier.map(|earlier| {
        format!(
            "  → the report of an earlier run is now {}",
            escape_for_terminal(earlier)
        )
    }));
    let page = context
        .start
        .and_then(|start| start.project_url.as_deref());
    lines.extend(page.map(|page| format!("  → project: {}", escape_for_terminal(page))));
    lines
}

/// What was counted at all: `12 not DICOM, 2 DICOMDIR`.
fn counted<'a>(counts: impl IntoIterator<Item = (u64, &'a str)>) -> String {
    let counted = counts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", count(number)));
    counted
        .collect::<Vec<_>>()
        .join(", ")
}

fn row(label: &str, number: u64, details: String) -> Option<String> {
    let details = if details.is_empty() {
        details
    } else {
        format!("  ({details})")
    };
    (number > 0).then(|| format!("{label:<10} {}{details}", count(number)))
}

/// The files that are not DICOM, which no profile changes: `14 sent as they are, not
/// de-identified`.
fn as_they_are(totals: &RunTotals, start: Option<&RunStart>) -> Option<String> {
    let verb = match start.map(|start| start.mode) {
        Some(Mode::DryRun) => "would be sent",
        Some(Mode::Output) => "written",
        Some(Mode::Upload) | None => "sent",
    };
    let number = totals.as_they_are;
    let size = bytes(totals.bytes_as_they_are);
    (number > 0).then(|| {
        format!(
            "{} {verb} as they are, not de-identified  {size}",
            count(number)
        )
    })
}

/// `Text blanked in 12 of 300 images`, where some was.
fn text_blanked(totals: &RunTotals) -> Option<String> {
    let images = &totals.images;
    let looked_at = plural(images.looked_at, "image");
    (images.blanked > 0)
        .then(|| format!("Text blanked in {} of {looked_at}", count(images.blanked)))
}

/// The number of changed attributes that are named.
const NAMED: usize = 6;

/// What cleaning changes most in a dry run: `Changes    43 attributes, most PatientName (3
/// changed), …`.
pub fn changes(changes: &Changes) -> Option<String> {
    let named = changes
        .most
        .iter()
        .take(NAMED)
        .map(|attribute| {
            let counts = [
                (attribute.removed, "removed"),
                (attribute.changed, "changed"),
                (attribute.inserted, "inserted"),
            ];
            format!("{} ({})", attribute.name, counted(counts))
        });
    let named = named.collect::<Vec<_>>().join(", ");
    let all = plural(changes.attributes, "attribute");
    (changes.attributes > 0).then(|| format!("{:<10} {all}, most often {named}", "Changes"))
}

/// The one line of `-q`.
pub fn final_line(end: &RunEnd, context: SummaryContext<'_>) -> String {
    let totals = &end.totals;
    let mut parts = vec![format!(
        "{} {}",
        label(context.start),
        headline(end, context.start)
    )];
    parts.extend(as_they_are(totals, context.start));
    for (number, word) in [
        (totals.already_there, "already there"),
        (totals.skipped, "skipped"),
        (totals.truly_failed(), "failed"),
        (totals.not_sent(), "not sent"),
    ] {
        if number > 0 {
            parts.push(format!("{} {word}", count(number)));
        }
    }
    parts.join("; ")
}

fn label(start: Option<&RunStart>) -> &'static str {
    match start.map(|start| start.mode) {
        Some(Mode::DryRun) => "Ready",
        Some(Mode::Output) => "Written",
        Some(Mode::Upload) | None => "Uploaded",
    }
}

fn headline(end: &RunEnd, start: Option<&RunStart>) -> String {
    let totals = &end.totals;
    let mut parts = vec![plural(totals.treated(), "file")];
    let treated = totals
        .bytes
        .saturating_sub(totals.bytes_as_they_are);
    if treated > 0 {
        parts.push(bytes(treated));
    }
    parts.push(format!("in {}", duration(end.duration)));
    if let Some(start) = start {
        let preposition = if start.mode == Mode::Upload {
            "to"
        } else {
            "for"
        };
        parts.push(format!(
            "{preposition} {}",
            escape_for_terminal(&start.project)
        ));
    }
    if totals.acquisitions > 0 {
        let containers = [
            (totals.subjects, "subject"),
            (totals.sessions, "session"),
            (totals.acquisitions, "acquisition"),
        ];
        let containers = containers.map(|(number, noun)| plural(number, noun));
        parts.push(format!("({})", containers.join(", ")));
    }
    parts.join("  ")
}

/// Enough of a digest to distinguish profiles; the reports have it whole.
pub fn short_digest(digest: &str) -> String {
    let shown: String = digest
        .chars()
        .take("sha256:".len() + 12)
        .collect();
    if shown.len() < digest.len() {
        shown + "…"
    } else {
        shown
    }
}

/// The command line, quoted for a shell.
pub fn command_line(arguments: &[OsString]) -> String {
    let quoted = arguments.iter().map(|argument| {
        let text = argument.to_string_lossy();
        let harmless = |c: char| c.is_alphanumeric() || "-_./:=,@%+".contains(c);
        if !text.is_empty() && text.chars().all(harmless) {
            text.into_owned()
        } else {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
    });
    let mut words = vec!["fwupload".to_owned()];
    words.extend(quoted);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::discover::SkipReason;
    use crate::event::{ImageCounts, ProfileFacts};

    fn start(mode: Mode) -> RunStart {
        let digest = format!("sha256:{}", "4f1c".repeat(16));
        RunStart {
            version: "1.2.3",
            project: "neuro/adni".into(),
            site: Some("https://site.example".into()),
            project_url: (mode == Mode::Upload)
                .then(|| "https://site.example/#/projects/5e8f0000000000000000abcd".into()),
            mode,
            profile: Some(ProfileFacts {
                name: "basic".into(),
                level: "local",
                digest,
                key: Some("1f2e3d4c5b6a7988".into()),
            }),
            settings: Vec::new(),
        }
    }

    fn end(totals: RunTotals) -> RunEnd {
        RunEnd {
            totals,
            duration: Duration::from_secs(372),
            exit_code: 0,
            stopped_by: None,
        }
    }

    #[test]
    fn a_run_with_failures_shows_where_to_continue() {
        let totals = RunTotals {
            found: 1317,
            uploaded: 1204,
            already_there: 96,
            skipped: 14,
            failed: 3,
            bytes: 3_328_599_654,
            subjects: 3,
            sessions: 5,
            acquisitions: 31,
            skipped_by: BTreeMap::from([(SkipReason::NotDicom, 12), (SkipReason::Dicomdir, 2)]),
            failed_by: BTreeMap::from([
                ("read.truncated".to_owned(), 2),
                ("upload.too-large".to_owned(), 1),
            ]),
            ..RunTotals::default()
        };
        let (start, end) = (start(Mode::Upload), end(totals));
        let command = command_line(&["./study of".into(), "--project".into(), "neuro/adni".into()]);
        let context = SummaryContext {
            start: Some(&start),
            report: Some("fwupload-failures.jsonl"),
            earlier: None,
            command: Some(&command),
        };
        insta::assert_snapshot!(lines(&end, context).join("\n"), @r"
        Uploaded   1,204 files  3.1 GiB  in 6m 12s  to neuro/adni  (3 subjects, 5 sessions, 31 acquisitions)
        Already    96
        Skipped    14  (12 not DICOM, 2 DICOMDIR)
        Failed     3  (2 read.truncated, 1 upload.too-large)
          → details: fwupload-failures.jsonl
          → meaning: fwupload explain read.truncated
          → try again: fwupload './study of' --project neuro/adni
          → project: https://site.example/#/projects/5e8f0000000000000000abcd
        ");
        insta::assert_snapshot!(final_line(&end, context), @"Uploaded 1,204 files  3.1 GiB  in 6m \
            12s  to neuro/adni  (3 subjects, 5 sessions, 31 acquisitions); 96 already there; 14 \
            skipped; 3 failed");
    }

    #[test]
    fn a_run_without_failures_is_short() {
        let totals = RunTotals {
            found: 1,
            prepared: 1,
            bytes: 512,
            ..RunTotals::default()
        };
        let start = start(Mode::DryRun);
        let context = SummaryContext {
            start: Some(&start),
            report: Some("r"),
            earlier: None,
            command: Some("c"),
        };
        insta::assert_snapshot!(lines(&end(totals), context).join("\n"), @"Ready      1 file  512 \
            B  in 6m 12s  for neuro/adni");
        insta::assert_snapshot!(lines(&end(RunTotals::default()), SummaryContext::default()).join("\n"), @"Uploaded   0 files  in 6m 12s");
    }

    #[test]
    fn other_files_are_counted_apart_and_never_under_a_profile() {
        let totals = RunTotals {
            found: 20,
            uploaded: 16,
            as_they_are: 14,
            bytes: 5000,
            bytes_as_they_are: 4000,
            skipped: 4,
            skipped_by: BTreeMap::from([(SkipReason::NotDicom, 1), (SkipReason::Archive, 3)]),
            ..RunTotals::default()
        };
        let start = start(Mode::Upload);
        let context = SummaryContext {
            start: Some(&start),
            ..SummaryContext::default()
        };
        insta::assert_snapshot!(lines(&end(totals.clone()), context).join("\n"), @r"
        Uploaded   2 files  1000 B  in 6m 12s  to neuro/adni
        Other      14 sent as they are, not de-identified  3.9 KiB
        Skipped    4  (1 not DICOM, 3 archives)
          → archives of this kind are not read, and with `--archives skip` none: unpack them, and run again with the folder that they were unpacked into, or use `--archives read`
          → project: https://site.example/#/projects/5e8f0000000000000000abcd
        ");
        insta::assert_snapshot!(final_line(&end(totals.clone()), context), @"Uploaded 2 files  1000 B  in 6m 12s  to neuro/adni; 14 sent as they are, not de-identified  3.9 KiB; 4 skipped");
        let others_alone = RunTotals {
            uploaded: 14,
            bytes: 4000,
            skipped_by: BTreeMap::new(),
            skipped: 0,
            ..totals
        };
        insta::assert_snapshot!(lines(&end(others_alone), context).join("\n"), @r"
        Uploaded   0 files  in 6m 12s  to neuro/adni
        Other      14 sent as they are, not de-identified  3.9 KiB
          → project: https://site.example/#/projects/5e8f0000000000000000abcd
        ");
    }

    #[test]
    fn text_that_was_blanked_is_counted() {
        let blanked = |blanked, looked_at| {
            let images = ImageCounts {
                looked_at,
                blanked,
                ..ImageCounts::default()
            };
            let totals = RunTotals {
                images,
                ..RunTotals::default()
            };
            text_blanked(&totals)
        };
        assert_eq!(blanked(0, 300), None);
        assert_eq!(
            blanked(12, 1300).as_deref(),
            Some("Text blanked in 12 of 1,300 images")
        );
        assert_eq!(
            blanked(1, 1).as_deref(),
            Some("Text blanked in 1 of 1 image")
        );
    }

    #[test]
    fn a_command_can_be_pasted() {
        assert_eq!(
            command_line(&["it's".into(), "a=b".into(), "*".into()]),
            r"fwupload 'it'\''s' a=b '*'"
        );
    }
}
