//! What a profile did not do in a whole run: said at its end.

use crate::event::Severity;
use crate::plan::Treatment;
use dicom_lossless::escape_for_terminal;

use super::context::RunContext;

/// Rules that are named.
const NAMED: usize = 5;

/// Tells of a profile that changed nothing, and of rules that found nothing.
pub fn tell(context: &RunContext) {
    let RunContext { plan, events, .. } = context;
    let (Some(governing), Treatment::Clean(cleaner)) = (&plan.governing, &plan.treatment) else {
        return;
    };
    let (files, changed) = context.outcomes.cleaned();
    if files == 0 {
        return;
    }
    let name = escape_for_terminal(&governing.name);
    if changed == 0 {
        let them = if files == 1 {
            "the one file that it was applied to".to_owned()
        } else {
            format!("any of {files} files")
        };
        let text = format!(
            "the profile \"{name}\" changed not one element of {them}: what is identifying in \
                them is in them still\n\
             look whether it is the right profile for these files"
        );
        events.notice(Severity::Warning, "profile-idle", text);
    }
    let (idle, all) = cleaner.idle_rules();
    if let Some(last) = idle.len().checked_sub(1) {
        let named = idle
            .iter()
            .take(NAMED)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let more = if last < NAMED {
            String::new()
        } else {
            format!(" and {} more", idle.len() - NAMED)
        };
        let (which, found) = if idle.len() == all {
            ("no rule".to_owned(), "found anything")
        } else {
            (format!("{} of {all} rules", idle.len()), "found nothing")
        };
        let text = format!("{which} of the profile \"{name}\" {found} in any file: {named}{more}");
        // Most profiles have rules for other files than these.
        let severity = if changed == 0 || idle.len() == all {
            Severity::Notice
        } else {
            Severity::Detail
        };
        events.notice(severity, "rules-idle", text);
    }
}
