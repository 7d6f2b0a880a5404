//! The progress of an upload as the page for review shows that began it.

use std::sync::Arc;

use super::EventConsumer;
use super::counters::Counters;
use super::figures::count;
use crate::event::Event;
use crate::failure::Error;
use crate::review::Progress;

/// Notes the progress.
pub struct PageProgress(pub Arc<Progress>);

impl EventConsumer for PageProgress {
    fn event(&mut self, event: &Event, counters: &Counters) -> Result<(), Error> {
        if let Event::Ended(end) = event {
            let totals = &counters.totals;
            let mut text = format!(
                "Ended: {} sent, {} on the server before, {} skipped, {} failed.",
                count(totals.uploaded + totals.prepared),
                count(totals.already_there),
                count(totals.skipped),
                count(totals.failed)
            );
            if let Some(error) = &end.stopped_by {
                text = format!("{text} Stopped: {}. {}", error.what, error.hint());
            }
            self.0.note(text, true);
        }
        Ok(())
    }

    fn tick(&mut self, counters: &Counters) -> Result<(), Error> {
        let text = format!(
            "Sending: {} of {} files",
            count(counters.arrived()),
            count(counters.files)
        );
        self.0.note(text, false);
        Ok(())
    }
}
