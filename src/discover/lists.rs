//! `--files-from`: paths one per line or NUL-separated, or the files of an earlier run's report:
//! those that failed, and the others of their series, which go in one package with them.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::cli::PathList;
use crate::failure::{Error, RunCode};
use dicom_deid::byte_order_mark::without_mark;
use dicom_lossless::display_path;

/// Reads a list to its end.
pub fn read(list: &PathList, null: bool, stdin: &mut dyn Read) -> Result<Vec<PathBuf>, Error> {
    let (name, bytes) = match list {
        PathList::Stdin => {
            let mut bytes = Vec::new();
            let read = stdin.read_to_end(&mut bytes);
            ("standard input".to_owned(), read.map(|_| bytes))
        }
        PathList::File(path) => (display_path(path), fs::read(path)),
    };
    let bytes = bytes.map_err(|error| unusable(&name, &error.to_string()))?;
    let paths = without_mark(&bytes).and_then(|text| {
        let reported = match list {
            PathList::File(path) if !null => reported(path, text),
            PathList::File(_) | PathList::Stdin => None,
        };
        reported.unwrap_or_else(|| plain(text, null))
    });
    paths.map_err(|cause| unusable(&name, cause))
}

fn unusable(name: &str, cause: &str) -> Error {
    Error::new(
        RunCode::Usage,
        format!("the list of files cannot be used: {name}"),
    )
    .because(cause)
    .with_hint(
        "`--files-from` takes one path per line, NUL-separated paths with `--null`, or \
            a failure report",
    )
}

fn plain(bytes: &[u8], null: bool) -> Result<Vec<PathBuf>, &'static str> {
    let separator = if null { 0 } else { b'\n' };
    if !null && bytes.contains(&0) {
        return Err("it holds NUL characters; was `--null` meant?");
    }
    let entries = bytes.split(|byte| *byte == separator);
    let entries = entries.map(|entry| {
        if null {
            entry
        } else {
            entry
                .strip_suffix(b"\r")
                .unwrap_or(entry)
        }
    });
    entries
        .filter(|entry| !entry.is_empty())
        .map(path_from_bytes)
        .collect()
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "fallible on other systems")]
pub fn path_from_bytes(bytes: &[u8]) -> Result<PathBuf, &'static str> {
    use std::os::unix::ffi::OsStringExt;
    Ok(OsString::from_vec(bytes.to_vec()).into())
}

#[cfg(not(unix))]
pub fn path_from_bytes(bytes: &[u8]) -> Result<PathBuf, &'static str> {
    String::from_utf8(bytes.to_vec())
        .map(|path| OsString::from(path).into())
        .map_err(|_| "it is not UTF-8")
}

/// The files of a report. `None`: by name or content this is no report, so it is a plain list.
fn reported(path: &Path, bytes: &[u8]) -> Option<Result<Vec<PathBuf>, &'static str>> {
    let extension = path
        .extension()?
        .to_str()?
        .to_lowercase();
    match extension.as_str() {
        "jsonl" | "ndjson" => from_json_lines(bytes),
        "json" => from_json(bytes),
        "csv" => from_csv(bytes),
        _ => None,
    }
}

const DAMAGED: &str = "it begins like a failure report and goes on otherwise";
const REDACTED: &str =
    "the report was written with `--redact-paths`, so it does not say where the files are";

fn from_json_lines(bytes: &[u8]) -> Option<Result<Vec<PathBuf>, &'static str>> {
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    let first: Value = serde_json::from_slice(lines.next()?).ok()?;
    if first.get("type")? != "report" {
        return None;
    }
    if is_redacted(&first) {
        return Some(Err(REDACTED));
    }
    let records = lines.map(|line| serde_json::from_slice::<Value>(line).map_err(|_| DAMAGED));
    let counts = |record: &Value| {
        record
            .get("type")
            .is_some_and(|t| t == "failed" || t == "companion")
    };
    let listed = records.filter(|record| record.as_ref().map_or(true, counts));
    Some(
        listed
            .map(|record| path_of(&record?))
            .collect(),
    )
}

fn from_json(bytes: &[u8]) -> Option<Result<Vec<PathBuf>, &'static str>> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let run = document.get("run")?;
    if is_redacted(run) {
        return Some(Err(REDACTED));
    }
    let failures = document
        .get("failures")?
        .as_array()?;
    let companions = document
        .get("companions")
        .and_then(Value::as_array);
    Some(
        failures
            .iter()
            .chain(companions.into_iter().flatten())
            .map(path_of)
            .collect(),
    )
}

fn from_csv(bytes: &[u8]) -> Option<Result<Vec<PathBuf>, &'static str>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().ok()?.clone();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
    };
    let (path, path_bytes) = (column("path")?, column("path_bytes")?);
    column("code")?;
    let redacted = column("redacted")?;
    let rows = reader.into_records().map(|row| {
        let row = row.map_err(|_| DAMAGED)?;
        if row.get(redacted) == Some("true") {
            return Err(REDACTED);
        }
        decode(
            row.get(path),
            row.get(path_bytes)
                .filter(|encoded| !encoded.is_empty()),
        )
    });
    Some(rows.collect())
}

fn is_redacted(facts: &Value) -> bool {
    facts
        .get("redacted")
        .and_then(Value::as_bool)
        .unwrap_or(false)
}

fn path_of(record: &Value) -> Result<PathBuf, &'static str> {
    let text = |name: &str| {
        record
            .get(name)
            .and_then(Value::as_str)
    };
    decode(text("path"), text("path_bytes"))
}

/// The exact bytes go before the text, which stands for a name that is not UTF-8 only roughly.
fn decode(text: Option<&str>, bytes: Option<&str>) -> Result<PathBuf, &'static str> {
    match (text, bytes) {
        (_, Some(encoded)) => path_from_bytes(
            &BASE64
                .decode(encoded)
                .map_err(|_| DAMAGED)?,
        ),
        (Some(text), None) if !text.is_empty() => Ok(text.into()),
        _ => Err(DAMAGED),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use std::io;

    use super::*;

    fn listed(name: &str, content: &[u8], null: bool) -> Result<Vec<PathBuf>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        read(&PathList::File(path), null, &mut io::empty())
    }

    fn names(paths: &[&str]) -> Vec<PathBuf> {
        paths
            .iter()
            .map(PathBuf::from)
            .collect()
    }

    #[test]
    fn lines_end_in_any_way_and_empty_ones_do_not_count() {
        assert_eq!(
            listed("l.txt", b"a b\r\n\nc\n d", false).unwrap(),
            names(&["a b", "c", " d"])
        );
        assert_eq!(
            listed("l.txt", b"a\nb\0c\0", true).unwrap(),
            names(&["a\nb", "c"])
        );
        assert_eq!(
            read(&PathList::Stdin, false, &mut &b"x\ny\n"[..]).unwrap(),
            names(&["x", "y"])
        );
    }

    #[test]
    fn marks_of_editors_are_no_part_of_a_path() {
        assert_eq!(
            listed("l.txt", b"\xEF\xBB\xBFa.dcm\r\nb.dcm\r\n", false).unwrap(),
            names(&["a.dcm", "b.dcm"])
        );
        let report = b"\xEF\xBB\xBF{\"type\":\"report\"}\n{\"type\":\"failed\",\"path\":\"a\"}\n";
        assert_eq!(listed("r.jsonl", report, false).unwrap(), names(&["a"]));
        assert!(
            listed("l.txt", b"\xFF\xFEa\0\n\0", false)
                .unwrap_err()
                .why
                .concat()
                .contains("UTF-16")
        );
    }

    #[test]
    fn a_forgotten_null_flag_is_noticed() {
        let error = listed("l.txt", b"a\0b\0", false).unwrap_err();
        assert!(
            error
                .why
                .concat()
                .contains("--null"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_survive() {
        use std::os::unix::ffi::OsStrExt;
        let plain = listed("l.txt", b"\xff.dcm\n", false).unwrap();
        assert_eq!(plain[0].as_os_str().as_bytes(), b"\xff.dcm");
        let report = b"{\"type\":\"report\"}\n{\"type\":\"failed\",\"path\":\"?.dcm\",\"path_bytes\":\"/y5kY20=\"}\n";
        assert_eq!(
            listed("r.jsonl", report, false).unwrap()[0]
                .as_os_str()
                .as_bytes(),
            b"\xff.dcm"
        );
    }

    #[test]
    fn reports_give_their_failed_files() {
        let lines = b"{\"type\":\"report\",\"v\":1}\n{\"type\":\"failed\",\"path\":\"a\"}\n{\"type\":\"end\"}\n";
        assert_eq!(listed("r.jsonl", lines, false).unwrap(), names(&["a"]));
        let json = br#"{"v":1,"run":{},"failures":[{"path":"a"},{"path":"b"}]}"#;
        assert_eq!(listed("r.json", json, false).unwrap(), names(&["a", "b"]));
        let csv = b"path,path_bytes,code,redacted\n\"a,b\",,read.io,false\n";
        assert_eq!(listed("r.csv", csv, false).unwrap(), names(&["a,b"]));
    }

    #[test]
    fn a_redacted_report_says_that_it_cannot_help() {
        let error = listed(
            "r.jsonl",
            b"{\"type\":\"report\",\"redacted\":true}\n",
            false,
        )
        .unwrap_err();
        assert!(
            error
                .why
                .concat()
                .contains("--redact-paths"),
            "{error}"
        );
    }

    #[test]
    fn what_only_looks_like_a_report_is_a_list_and_a_missing_list_is_an_error() {
        assert_eq!(
            listed("r.csv", b"scans/a.dcm\n", false).unwrap(),
            names(&["scans/a.dcm"])
        );
        assert_eq!(
            read(
                &PathList::File("missing.txt".into()),
                false,
                &mut io::empty()
            )
            .unwrap_err()
            .code,
            RunCode::Usage
        );
    }
}
