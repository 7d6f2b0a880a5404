//! `--review`: one page that shows in a browser what would be sent.
//!
//! Owns the page: everything is in it, and its policy lets it load nothing. Text of files is data that
//! a script sets as text. Pictures lie in the page up to a bound, and beyond it in a folder beside it.
//! It is its owner's alone, takes its place once the run ends, and replaces nothing but an earlier one.
//! Must never hold a path, nor an original value of what cleaning changed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::EventConsumer;
use super::audit_file::OwnFile;
use super::counters::Counters;
use super::redact::Paths;
use crate::config::{AuditKind, PageForReview};
use crate::credential::make_private_folder;
use crate::event::{Event, FileOutcome, RunEnd, RunStart, Severity};
use crate::failure::{Error, FileFailure, RunCode};
use crate::pictures::new_file;
use crate::review::{ChangeRow, Originals, ReviewedSeries, ShownPicture, VERSION};
use dicom_lossless::escape_for_terminal;

const SKELETON: &str = include_str!("review_page/page.html");
const STYLE: &str = include_str!("review_page/page.css");
const SCRIPT: &str = include_str!("review_page/page.js");

/// How a page begins, by which an earlier one is known.
pub const BEGIN: &str = "<!doctype html><!-- fwupload review -->";
/// The most bytes of pictures inside a page.
const MOST_INSIDE: u64 = 40 << 20;
/// The most warnings, and kinds of refusal.
const MOST_WARNINGS: usize = 200;
const MOST_REFUSALS: usize = 500;

/// Writes the page.
pub struct ReviewPage {
    out: OwnFile,
    /// The folder for pictures that the page has no room for.
    beside: PathBuf,
    paths: Paths,
    run: Option<RunShown>,
    rows: Rows,
    /// The series, one on each line.
    series: BufWriter<File>,
    /// Bytes of pictures inside, and pictures beside it.
    inside: u64,
    outside: u64,
    refusals: BTreeMap<(&'static str, String), (FileFailure, u64)>,
    warnings: Vec<String>,
    /// Where originals are noted, where the page is served.
    served: Option<Arc<Originals>>,
}

/// Every kind of change by its number.
#[derive(Default)]
struct Rows {
    numbers: HashMap<Arc<ChangeRow>, usize>,
    all: Vec<[String; 4]>,
}

impl Rows {
    fn number(&mut self, row: &Arc<ChangeRow>) -> usize {
        *self
            .numbers
            .entry(Arc::clone(row))
            .or_insert_with(|| {
                self.all.push([
                    row.place.clone(),
                    row.tag.clone(),
                    row.action.to_owned(),
                    row.rule.clone(),
                ]);
                self.all.len() - 1
            })
    }
}

/// The run, as the page has it.
#[derive(Serialize)]
struct RunShown {
    version: &'static str,
    project: String,
    site: Option<String>,
    profile: ProfileShown,
    made: String,
}

#[derive(Serialize)]
struct ProfileShown {
    name: String,
    level: &'static str,
    digest: String,
    key: Option<String>,
}

#[derive(Serialize)]
struct SeriesShown<'a> {
    id: &'a str,
    sha256: &'a str,
    labels: &'a [String],
    modality: &'a str,
    instances: u64,
    bytes: u64,
    refused: u64,
    blanked: u64,
    uncertain: u64,
    hidden: u64,
    without: Option<&'a str>,
    changes: Vec<(usize, u64, &'a [String])>,
    kept: &'a [(String, String)],
    pictures: Vec<PictureShown>,
}

#[derive(Serialize)]
struct PictureShown {
    src: String,
    width: usize,
    height: usize,
    instance: u64,
    frame: u64,
    found: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<String>,
}

#[derive(Serialize)]
struct RefusalShown<'a> {
    code: &'a str,
    sentence: &'a str,
    hint: &'a str,
    files: u64,
}

impl ReviewPage {
    /// Begins the page. Errors: [`RunCode::AuditUnwritable`].
    pub fn open(page: &PageForReview) -> Result<Self, Error> {
        let path = page.path.as_path();
        let out = OwnFile::open(path, AuditKind::ReviewPage)?;
        let spool = tempfile::tempfile()
            .map_err(|error| Error::from(RunCode::AuditUnwritable).because(error.to_string()))?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".pictures");
        Ok(Self {
            out,
            beside: beside.into(),
            // A page gets mailed.
            paths: Paths::new(true, &page.named_paths)?,
            run: None,
            rows: Rows::default(),
            series: BufWriter::new(spool),
            inside: 0,
            outside: 0,
            refusals: BTreeMap::new(),
            warnings: Vec::new(),
            served: page.served.clone(),
        })
    }

    fn started(&mut self, start: &RunStart) {
        let Some(profile) = &start.profile else {
            return;
        };
        self.run = Some(RunShown {
            version: start.version,
            project: start.project.clone(),
            site: start.site.clone(),
            profile: ProfileShown {
                name: profile.name.clone(),
                level: profile.level,
                digest: profile.digest.clone(),
                key: profile.key.clone(),
            },
            made: Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        });
    }

    fn add(&mut self, series: &ReviewedSeries) -> io::Result<()> {
        if let Some(originals) = &self.served {
            originals.note(series);
        }
        let pictures = series
            .pictures
            .iter()
            .enumerate()
            .map(|(at, picture)| self.picture(&series.id, at, picture))
            .collect::<io::Result<_>>()?;
        let changes = series
            .changes
            .iter()
            .map(|change| {
                (
                    self.rows.number(&change.row),
                    change.instances,
                    change.now.as_slice(),
                )
            })
            .collect();
        let shown = SeriesShown {
            id: &series.id,
            sha256: &series.sha256,
            labels: &series.labels,
            modality: &series.modality,
            instances: series.instances,
            bytes: series.bytes,
            refused: series.refused,
            blanked: series.blanked,
            uncertain: series.uncertain,
            hidden: series.not_shown,
            without: series.without_picture.as_deref(),
            changes,
            kept: &series.kept,
            pictures,
        };
        serde_json::to_writer(&mut self.series, &shown)?;
        self.series.write_all(b"\n")
    }

    fn picture(&mut self, id: &str, at: usize, picture: &ShownPicture) -> io::Result<PictureShown> {
        let length = picture.png.len() as u64;
        let src = if self.inside + length <= MOST_INSIDE {
            self.inside += length;
            format!("data:image/png;base64,{}", BASE64.encode(&picture.png))
        } else {
            self.outside += 1;
            self.put_beside(&picture.png)?
        };
        let [width, height] = picture.size;
        let [instance, frame] = picture.place;
        Ok(PictureShown {
            src,
            width,
            height,
            instance,
            frame,
            found: picture.found,
            original: self
                .served
                .as_ref()
                .map(|_| format!("original/{id}/{at}")),
        })
    }

    /// Writes a picture into the folder beside the page and gives its address from there.
    fn put_beside(&mut self, png: &[u8]) -> io::Result<String> {
        if self.outside == 1 {
            new_folder(&self.beside)?;
        }
        let name = format!("{}.png", self.outside);
        new_file(&self.beside.join(&name))?.write_all(png)?;
        let folder = self
            .beside
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        Ok(format!("{}/{name}", percent_encoded(&folder)))
    }

    fn refused(&mut self, failure: &FileFailure) {
        let hint = self
            .paths
            .redact_text(failure.hint());
        let is_full = self.refusals.len() >= MOST_REFUSALS;
        let key = (
            failure.code.as_str(),
            if is_full {
                failure.code.hint().to_owned()
            } else {
                hint
            },
        );
        self.refusals
            .entry(key)
            .or_insert_with(|| (failure.clone(), 0))
            .1 += 1;
    }

    fn ended(&mut self, end: &RunEnd) -> Result<(), Error> {
        let Some(run) = self.run.take() else {
            self.out.discard();
            return Ok(());
        };
        self.compose(&run, end)
            .and_then(|()| self.out.put_in_place())
            .map_err(|error| self.out.unwritable(&error))
    }

    fn compose(&mut self, run: &RunShown, end: &RunEnd) -> io::Result<()> {
        let style = format!("<style>{STYLE}</style>");
        let sources = if self.served.is_some() {
            "img-src 'self' data:; connect-src 'self'"
        } else if self.outside > 0 {
            "img-src data: file:"
        } else {
            "img-src data:"
        };
        let policy = format!(
            "default-src 'none'; style-src '{}'; script-src '{}'; {sources}; base-uri 'none'; \
                form-action 'none'",
            digest(STYLE),
            digest(SCRIPT)
        );
        let served = if self.served.is_some() { "yes" } else { "no" };
        let Some(out) = self.out.writer() else {
            return Ok(());
        };
        write!(
            out,
            "{BEGIN}<html lang=\"en\" data-served=\"{served}\"><head><meta charset=\"utf-8\">\
                <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\
                <meta name=\"referrer\" content=\"no-referrer\">\
                <link rel=\"icon\" href=\"data:,\">\
                <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
                <title>fwupload: what would be sent</title>{style}</head><body>{SKELETON}\
                <script type=\"application/json\" id=\"data\">{{\"v\":{VERSION},\"run\":"
        )?;
        write_json(out, run)?;
        out.write_all(b",\"series\":[")?;
        let mut series = self.series.get_ref().try_clone()?;
        self.series.flush()?;
        series.seek(SeekFrom::Start(0))?;
        for (at, line) in BufReader::new(series)
            .split(b'\n')
            .enumerate()
        {
            out.write_all(if at == 0 { b"\n" } else { b",\n" })?;
            write_harmless(out, &line?)?;
        }
        out.write_all(b"],\"rows\":")?;
        write_json(out, &self.rows.all)?;
        let refusals: Vec<_> = self
            .refusals
            .iter()
            .map(|((code, hint), (failure, files))| RefusalShown {
                code,
                sentence: failure.code.sentence(),
                hint,
                files: *files,
            })
            .collect();
        out.write_all(b",\"refusals\":")?;
        write_json(out, &refusals)?;
        let skipped: Vec<_> = end
            .totals
            .skipped_by
            .iter()
            .map(|(reason, files)| (files, reason.counted()))
            .collect();
        out.write_all(b",\"skipped\":")?;
        write_json(out, &skipped)?;
        out.write_all(b",\"warnings\":")?;
        write_json(out, &self.warnings)?;
        writeln!(
            out,
            ",\"complete\":{}}}</script><script>{SCRIPT}</script></body></html>",
            end.stopped_by.is_none()
        )
    }
}

/// What a policy says of a style or a script that stands in the page.
fn digest(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(Sha256::digest(text)))
}

fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    write_harmless(out, &serde_json::to_vec(value)?)
}

/// JSON in which nothing can end the element that it stands in: `<` stands in texts alone.
fn write_harmless(out: &mut impl Write, json: &[u8]) -> io::Result<()> {
    for (at, piece) in json
        .split(|byte| *byte == b'<')
        .enumerate()
    {
        if at > 0 {
            out.write_all(b"\\u003c")?;
        }
        out.write_all(piece)?;
    }
    Ok(())
}

/// A name of a folder in an address.
fn percent_encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Makes an empty folder, in the place of one that an earlier page had.
fn new_folder(folder: &Path) -> io::Result<()> {
    make_private_folder(folder)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_own = name
            .to_str()
            .and_then(|name| name.strip_suffix(".png"))
            .is_some_and(|name| {
                name.bytes()
                    .all(|byte| byte.is_ascii_digit())
            });
        if !is_own || !entry.file_type()?.is_file() {
            return Err(io::Error::other(
                "the folder for its pictures holds other files",
            ));
        }
        std::fs::remove_file(entry.path())?;
    }
    Ok(())
}

impl EventConsumer for ReviewPage {
    fn event(&mut self, event: &Event, _: &Counters) -> Result<(), Error> {
        match event {
            Event::Started(start) => self.started(start),
            Event::Reviewed(reviewed) => {
                if let Err(error) = self.add(&reviewed.series) {
                    self.out.discard();
                    return Err(self.out.unwritable(&error));
                }
            }
            Event::Notice(notice)
                if notice.severity == Severity::Warning && self.warnings.len() < MOST_WARNINGS =>
            {
                let text = self.paths.redact_text(&notice.text);
                let lines: Vec<_> = text
                    .lines()
                    .map(escape_for_terminal)
                    .collect();
                self.warnings.push(lines.join("\n"));
            }
            Event::Settled(settled) => {
                if let FileOutcome::Failed(failure) = &settled.outcome {
                    self.refused(failure);
                }
            }
            Event::Ended(end) => return self.ended(end),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_beside_a_page_loses_earlier_pictures_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let folder = root
            .path()
            .join("page.html.pictures");
        new_folder(&folder).unwrap();
        std::fs::write(folder.join("1.png"), "of an earlier page").unwrap();
        new_folder(&folder).unwrap();
        assert_eq!(
            std::fs::read_dir(&folder)
                .unwrap()
                .count(),
            0
        );
        let other = folder.join("notes.txt");
        std::fs::write(&other, "of a person").unwrap();
        let refused = new_folder(&folder)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("other files"), "{refused}");
        assert!(other.exists());
    }

    #[test]
    fn no_value_can_end_the_element_that_it_stands_in() {
        let mut out = Vec::new();
        write_json(&mut out, &["</script><!--", "a < b"]).unwrap();
        assert!(!out.contains(&b'<'));
        let read: Vec<String> = serde_json::from_slice(&out).unwrap();
        assert_eq!(read, ["</script><!--", "a < b"]);
    }
}
