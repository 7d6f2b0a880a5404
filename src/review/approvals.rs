//! The list of series that a person approved, as the page saves it.
//!
//! JSON lines: a head, which says under what the series were shown and who decided, and a line for
//! each series. A list that was made under anything else than a run has is not used for it at all.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::{SeriesIdentity, VERSION};
use dicom_lossless::escape_for_terminal;

/// The longest line, and the most series.
const LONGEST: u64 = 64 << 10;
const MOST: usize = 10_000_000;
/// The most characters of a name.
const LONGEST_NAME: usize = 100;

/// What series were shown under.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ApprovedFor {
    /// The version of the program.
    pub version: String,
    /// `group/project`.
    pub project: String,
    /// The digest of the profile.
    pub profile: String,
    /// The fingerprint of the pseudonym key; none where the profile makes no pseudonyms.
    pub key: Option<String>,
}

/// What was decided about a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was approved as it is.
    Approved,
    /// It was approved in another form.
    Changed,
    /// It was rejected, or nothing was decided about it.
    NotApproved,
}

/// A list of approvals.
#[derive(Debug)]
pub struct Approvals {
    /// What the series were shown under.
    pub made_for: ApprovedFor,
    /// Who decided, as the list says.
    pub reviewer: String,
    /// When, as the list says; empty where it does not.
    pub time: String,
    /// The hash of each series that was approved.
    approved: HashMap<String, String>,
    /// Those that were asked for.
    seen: Mutex<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line {
    Review {
        v: u64,
        reviewer: String,
        #[serde(default)]
        time: String,
        #[serde(flatten)]
        made_for: ApprovedFor,
    },
    Series {
        id: String,
        sha256: String,
        verdict: String,
    },
    /// The number of lines of series: a list that was cut has none.
    End { series: u64 },
}

impl Approvals {
    /// Reads a list.
    ///
    /// # Errors
    /// Why it is none, for people.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        Self::of_lines(BufReader::new(file))
    }

    /// Reads a list from its lines.
    ///
    /// # Errors
    /// Why it is none, for people.
    pub fn of_lines(mut lines: impl BufRead) -> Result<Self, String> {
        let number = |number: u64| format!("line {number} is not as the page writes it");
        let first = next(&mut lines).map_err(|error| error.to_string())?;
        let Some(Line::Review {
            v,
            reviewer,
            time,
            made_for,
        }) = first.and_then(|line| serde_json::from_slice(&line).ok())
        else {
            return Err("it is no list that a page for review has saved".to_owned());
        };
        if v != VERSION {
            return Err("it is of a form that this version does not know".to_owned());
        }
        let mut list = Self {
            made_for,
            reviewer: shown_name(&reviewer),
            time: shown_name(&time),
            approved: HashMap::new(),
            seen: Mutex::default(),
        };
        let (mut series, mut known) = (0, BTreeSet::new());
        while let Some(line) = next(&mut lines).map_err(|error| error.to_string())? {
            match serde_json::from_slice(&line) {
                Ok(Line::Series {
                    id,
                    sha256,
                    verdict,
                }) if known.len() < MOST => {
                    series += 1;
                    if !known.insert(id.clone()) {
                        return Err(format!(
                            "series {} is there twice",
                            escape_for_terminal(&id)
                        ));
                    }
                    match verdict.as_str() {
                        "approved" => drop(list.approved.insert(id, sha256)),
                        "rejected" => {}
                        _ => return Err(number(series + 1)),
                    }
                }
                Ok(Line::End { series: all }) if all == series => {
                    let rest = next(&mut lines).map_err(|error| error.to_string())?;
                    return match rest {
                        None => Ok(list),
                        Some(_) => Err("it goes on behind its end".to_owned()),
                    };
                }
                _ => return Err(number(series + 2)),
            }
        }
        Err("its end is missing".to_owned())
    }

    /// How many series were approved.
    pub fn len(&self) -> usize {
        self.approved.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.approved.is_empty()
    }

    /// What was decided about a series.
    pub fn verdict(&self, series: &SeriesIdentity) -> Verdict {
        let Some(sha256) = self.approved.get(&series.id) else {
            return Verdict::NotApproved;
        };
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(series.id.clone());
        if *sha256 == series.sha256 {
            Verdict::Approved
        } else {
            Verdict::Changed
        }
    }

    /// How many approved series nothing asked for.
    pub fn missing(&self) -> usize {
        let seen = self
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.approved.len() - seen.len()
    }
}

/// The next line that is not blank, without its end.
fn next(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        let read = lines
            .by_ref()
            .take(LONGEST + 1)
            .read_until(b'\n', &mut line)?;
        if read as u64 > LONGEST {
            return Err(io::Error::other("a line is longer than 64 KiB"));
        }
        if read == 0 {
            return Ok(None);
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            return Ok(Some(text.to_owned()));
        }
    }
}

/// A name that may stand in reports and on a terminal.
fn shown_name(name: &str) -> String {
    let short: String = name
        .trim()
        .chars()
        .take(LONGEST_NAME)
        .collect();
    escape_for_terminal(&short)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"type":"review","v":1,"version":"0.2.0","project":"g/p","profile":"sha256:1","key":null,"reviewer":"A. Person","time":"2026-12-01T10:00:00Z"}"#;

    fn line(id: &str, verdict: &str) -> String {
        format!(r#"{{"type":"series","id":"{id}","sha256":"{id}{id}","verdict":"{verdict}"}}"#)
    }

    fn read(lines: &[&str]) -> Result<Approvals, String> {
        Approvals::of_lines(lines.join("\n").as_bytes())
    }

    #[test]
    fn a_list_approves_what_it_names_in_the_form_that_was_shown() {
        let list = read(&[
            HEAD,
            &line("a", "approved"),
            &line("b", "rejected"),
            &line("c", "approved"),
            r#"{"type":"end","series":3}"#,
        ])
        .unwrap();
        assert_eq!((list.len(), list.reviewer.as_str()), (2, "A. Person"));
        let verdict = |id: &str, sha256: &str| {
            list.verdict(&SeriesIdentity {
                id: id.to_owned(),
                sha256: sha256.to_owned(),
            })
        };
        assert_eq!(verdict("a", "aa"), Verdict::Approved);
        assert_eq!(verdict("a", "ab"), Verdict::Changed);
        assert_eq!(verdict("b", "bb"), Verdict::NotApproved);
        assert_eq!(verdict("d", "dd"), Verdict::NotApproved);
        assert_eq!(list.missing(), 1, "c was not asked for");
    }

    #[test]
    fn what_is_not_a_whole_list_is_none() {
        let (series, end) = (line("a", "approved"), r#"{"type":"end","series":1}"#);
        let newer = HEAD.replace("\"v\":1", "\"v\":2");
        let long = " ".repeat(70_000);
        for (lines, why) in [
            (vec![], "no list"),
            (vec!["{}"], "no list"),
            (vec![series.as_str(), end], "no list"),
            (vec![newer.as_str(), series.as_str(), end], "form"),
            (vec![HEAD, series.as_str()], "end is missing"),
            (vec![HEAD, end], "line 2"),
            (vec![HEAD, series.as_str(), series.as_str(), end], "twice"),
            (vec![HEAD, &line("a", "maybe"), end], "line 2"),
            (vec![HEAD, series.as_str(), "{", end], "line 3"),
            (vec![HEAD, series.as_str(), end, end], "behind its end"),
            (vec![HEAD, long.as_str(), end], "longer"),
        ] {
            let said = read(&lines).unwrap_err();
            assert!(said.contains(why), "{said}: {why}");
        }
    }

    #[test]
    fn names_cannot_move_the_cursor_nor_go_on_for_ever() {
        let long = format!("\\u001b[2J{}", "x".repeat(500));
        let head = HEAD.replace("A. Person", &long);
        let list = read(&[&head, r#"{"type":"end","series":0}"#]).unwrap();
        assert!(!list.reviewer.contains('\u{1b}'));
        assert!(list.reviewer.len() < 120, "{}", list.reviewer);
    }
}
