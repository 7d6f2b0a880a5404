//! What is noted of files for the manifest and the log of changes, in runs that write them.
//!
//! Owns what that costs: nothing in other runs, and the bytes of what is sent read once more.

use std::path::PathBuf;
use std::sync::Arc;

use dicom_deid::Change;
use rayon::prelude::*;
use sha2::Sha256;

use super::context::RunContext;
use crate::event::SentInstance;
use crate::package::{self, Package};
use crate::series::CleanFile;

/// Notes as what the instances of a series are sent. What cannot be read again has no hash, and fails
/// where it is packed or sent.
pub fn note_sent(context: &RunContext, files: &mut [CleanFile]) {
    if !context.plan.audits.manifest || context.stop.requested() {
        return;
    }
    // The files were counted when they were cleaned.
    context.timers.clean.work(0, 0, || {
        files
            .par_iter_mut()
            .for_each(|file| {
                let sha256 = package::hash::<Sha256>(file.instance.body()).ok();
                let sent = SentInstance::new(&file.instance, sha256);
                file.source.sent = Some(Arc::new(sent));
            });
    });
}

/// Notes as what a file that is not DICOM is sent.
pub fn sent_as_it_is(context: &RunContext, package: &Package) -> Option<Arc<SentInstance>> {
    let sha256 = || SentInstance {
        sha256: package.hash::<Sha256>().ok(),
        ..SentInstance::default()
    };
    (context.plan.audits.manifest && !context.stop.requested()).then(|| Arc::new(sha256()))
}

/// Has what cleaning did to the attributes of a file written down.
pub fn log_changes(context: &RunContext, path: &Arc<PathBuf>, changes: Vec<Change>) {
    let plan = &context.plan;
    if plan.audits.deid_log && plan.governing.is_some() {
        context
            .events
            .cleaned(path, changes);
    }
}
