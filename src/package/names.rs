//! What instances are called inside a package. No two members share a name: one would hide the other.

use std::collections::HashSet;

use crate::deid::Sendable;
use crate::routing;

/// The names of instances that go to one place, each once.
pub fn member_names<'a>(instances: impl Iterator<Item = &'a Sendable>) -> Vec<String> {
    apart(instances.map(member_name))
}

/// The name of an instance: the one that the profile gives it, else as Flywheel's engine names it,
/// `<SOPInstanceUID>.<Modality>.dcm`.
pub fn member_name(instance: &Sendable) -> String {
    match instance.file_name() {
        Some(name) => name.to_owned(),
        None => routing::file_name(&format!("{}.{}.dcm", instance.sop_instance(), routing::modality(instance.routing()))),
    }
}

/// The same names, each once: of those that are alike, also where only case tells them apart, the second gets `-2`, the
/// third `-3` before its extension.
fn apart(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut taken = HashSet::new();
    let free = |name: String| {
        if taken.insert(name.to_lowercase()) {
            return name;
        }
        let (stem, extension) = match name.rfind('.') {
            Some(at) if at > 0 => name.split_at(at),
            _ => (name.as_str(), ""),
        };
        let mut numbered = (2_u32..).map(|number| format!("{stem}-{number}{extension}"));
        numbered.find(|candidate| taken.insert(candidate.to_lowercase())).unwrap_or(name)
    };
    names.map(free).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_are_numbered_in_their_order() {
        let names = ["a.dcm", "A.DCM", "b", "a.dcm", "b", ".x", ".x", "a-2.dcm"].map(str::to_owned);
        assert_eq!(apart(names.into_iter()), ["a.dcm", "A-2.DCM", "b", "a-3.dcm", "b-2", ".x", ".x-2", "a-2-2.dcm"]);
    }
}
