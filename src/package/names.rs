//! What instances are called inside a package. No two members share a name: one would hide the
//! other.

use std::collections::HashMap;

use crate::routing;
use dicom_deid::Sendable;

/// The names of instances that go to one place, each once.
pub fn member_names<'a>(instances: impl Iterator<Item = &'a Sendable>) -> Vec<String> {
    let mut names = Names::default();
    instances
        .map(|instance| names.of(instance))
        .collect()
}

/// The name of an instance: the one that the profile gives it, else as Flywheel's engine names it,
/// `<SOPInstanceUID>.<Modality>.dcm`.
pub fn member_name(instance: &Sendable) -> String {
    match instance.file_name() {
        Some(name) => name.to_owned(),
        None => routing::file_name(&format!(
            "{}.{}.dcm",
            instance.sop_instance(),
            routing::modality(instance.routing())
        )),
    }
}

/// The names given so far in one place, without regard to case: not every file system knows any.
#[derive(Debug, Default)]
pub struct Names {
    /// In lower case, with the number that was given last to one that is alike.
    taken: HashMap<String, u32>,
}

impl Names {
    /// The name of an instance, or where it is taken, the first free one with `-2`, `-3` and so on
    /// before its extension.
    pub fn of(&mut self, instance: &Sendable) -> String {
        self.free(member_name(instance))
    }

    /// The name, or where it is taken, the first free one.
    pub fn free(&mut self, name: String) -> String {
        let key = name.to_lowercase();
        let Some(last) = self.taken.get(&key).copied() else {
            self.taken.insert(key, 1);
            return name;
        };
        let (stem, extension) = match name.rfind('.') {
            Some(at) if at > 0 => name.split_at(at),
            _ => (name.as_str(), ""),
        };
        // Counting on from the last number keeps the work in proportion to the names, however many
        // are alike.
        let (mut number, mut candidate) = (last, name.clone());
        while self
            .taken
            .contains_key(&candidate.to_lowercase())
        {
            number += 1;
            candidate = format!("{stem}-{number}{extension}");
        }
        self.taken.insert(key, number);
        self.taken
            .insert(candidate.to_lowercase(), 1);
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_are_numbered_in_their_order() {
        let mut names = Names::default();
        let given = [
            "a.dcm", "A.DCM", "b", "a.dcm", "b", ".x", ".x", "a-2.dcm", "a.dcm",
        ]
        .map(|name| names.free(name.to_owned()));
        assert_eq!(
            given,
            [
                "a.dcm",
                "A-2.DCM",
                "b",
                "a-3.dcm",
                "b-2",
                ".x",
                ".x-2",
                "a-2-2.dcm",
                "a-4.dcm"
            ]
        );
    }

    #[test]
    fn many_alike_names_take_no_longer_each_than_few() {
        let mut names = Names::default();
        let last = (0..100_000)
            .map(|_| names.free("x.dcm".to_owned()))
            .last();
        assert_eq!(last.as_deref(), Some("x-100000.dcm"));
    }
}
