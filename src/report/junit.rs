//! The `JUnit` form of a failure report, which pages of CI systems show: the run is a test case, and
//! so is each file that failed.
//!
//! Owns its elements. A run of which nothing but the beginning is known has failed.

use std::fmt::Write;

use quick_xml::escape::escape;

use super::record::{EndRecord, FailedRecord, RunFacts};
use crate::failure::ExitStatus;

/// Everything before the first test case.
pub fn head(facts: &RunFacts) -> String {
    let project = facts
        .project
        .as_deref()
        .unwrap_or("fwupload");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"fwupload\">\n\
            <testsuite name=\"{}\">\n",
        attribute(project)
    )
}

/// A file that failed.
pub fn case(failed: &FailedRecord) -> String {
    let FailedRecord {
        file,
        stage,
        code,
        message,
        hint,
        ..
    } = failed;
    format!(
        "<testcase classname=\"fwupload.{}\" name=\"{}\">\n\
            <failure type=\"{}\" message=\"{}\">{}</failure>\n</testcase>\n",
        attribute(stage),
        attribute(&file.path),
        attribute(code),
        attribute(message),
        text(&format!("{message}\nhint: {hint}")),
    )
}

/// The run itself, and everything after it. That files failed is said by these, where there are
/// some: `--fail-on-skip` has the same exit code.
pub fn end(end: Option<&EndRecord>, some_failed: bool) -> String {
    let mut xml = String::from("<testcase classname=\"fwupload\" name=\"the run\">");
    let failure = match end {
        Some(end) if end.exit_code == ExitStatus::Success.code() => None,
        Some(end) if some_failed && end.exit_code == ExitStatus::SomeFailed.code() => None,
        Some(end) => Some(format!(
            "it ended with exit code {0} (`fwupload explain {0}`)",
            end.exit_code
        )),
        None => Some("it did not end".to_owned()),
    };
    if let Some(failure) = failure {
        let _ = write!(
            xml,
            "<failure type=\"run\" message=\"{}\"/>",
            attribute(&failure)
        );
    }
    xml.push_str("</testcase>\n");
    if let Some(end) = end {
        xml.push_str("<system-out>");
        for (name, count) in &end.totals {
            if count.is_number() {
                let _ = writeln!(xml, "{}: {count}", text(name));
            }
        }
        xml.push_str("</system-out>\n");
    }
    xml + "</testsuite>\n</testsuites>\n"
}

/// A text between tags: without what no XML may hold, however it is written (XML 1.0, section 2.2).
fn text(value: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    let kept: String = value
        .chars()
        .filter(allowed)
        .collect();
    escape(kept.as_str()).into_owned()
}

/// The value of an attribute: on one line, since readers make blanks of line ends there.
fn attribute(value: &str) -> String {
    text(&value.replace(['\n', '\r', '\t'], " "))
}
