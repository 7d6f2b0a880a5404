//! The stage that routes: which instances of a series go to which acquisition.
//!
//! Owns the rule that instances whose subject or session differ, or that a table gives different
//! acquisitions, never end up in one package, and
//! that nothing said of an instance holds a value that was removed from it.

use std::collections::BTreeMap;

use crate::event::FileOutcome;
use crate::failure::FileFailure;
use crate::package;
use crate::routing::{self, ForcedLabels};
use crate::series::CleanFile;
use crate::subjects::GivenLabels;
use dicom_deid::Finding;
use flywheel_client::Destination;

use super::context::RunContext;

/// Instances of a series that go to the same acquisition.
pub struct Routed {
    /// Where they go.
    pub destination: Destination,
    /// The instances.
    pub members: Vec<CleanFile>,
}

/// Groups the instances of a series by destination, which they mostly share.
pub fn route(context: &RunContext, kept: Vec<CleanFile>) -> Vec<Routed> {
    let mut by_session: BTreeMap<_, Routed> = BTreeMap::new();
    for file in kept {
        match destination(context, &file) {
            Ok((destination, findings)) => {
                context
                    .outcomes
                    .report_findings(&file.source, &findings);
                let key = (
                    destination.subject.label.clone(),
                    destination.session.label.clone(),
                    destination.session.uid.clone(),
                    given(context, &file)
                        .acquisition
                        .clone(),
                );
                by_session
                    .entry(key)
                    .or_insert_with(|| Routed {
                        destination,
                        members: Vec::new(),
                    })
                    .members
                    .push(file);
            }
            Err(failure) => context
                .outcomes
                .settle(&file.source, FileOutcome::Failed(failure)),
        }
    }
    by_session.into_values().collect()
}

/// What the table of subjects gives a file.
fn given<'p>(context: &'p RunContext, file: &CleanFile) -> &'p GivenLabels {
    context.plan.given(file.source.row)
}

/// Where an instance belongs, if all that is said of it there is free of values that were removed
/// from it.
fn destination(
    context: &RunContext,
    file: &CleanFile,
) -> Result<(Destination, Vec<Finding>), FileFailure> {
    let (instance, packaging) = (&file.instance, &context.plan.packaging);
    let given = given(context, file);
    let forced = ForcedLabels {
        subject: given
            .subject
            .as_deref()
            .or(packaging.subject.as_deref()),
        session: given
            .session
            .as_deref()
            .or(packaging.session.as_deref()),
        acquisition: given.acquisition.as_deref(),
    };
    let destination = routing::destination(instance.routing(), forced)?;
    let (name, modality) = (
        package::member_name(instance),
        routing::modality(instance.routing()),
    );
    let said = destination.texts().chain([
        ("the name of the file", name.as_str()),
        ("the modality of the file", modality.as_str()),
    ]);
    let findings = instance.check_texts(said)?;
    Ok((destination, findings))
}
