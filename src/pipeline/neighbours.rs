//! Which DICOM lies beside a file that is not DICOM: where that file goes follows from it.
//!
//! Owns, for each folder, what all DICOM files in it and below it have in common. It must never
//! guess a target: where a DICOM file beside it failed, that is said.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::series::Indexed;
use flywheel_client::Destination;

use super::route::Routed;
use super::target::TargetContainer;

/// What the DICOM files of each folder have in common.
#[derive(Debug, Default)]
pub struct Neighbours(HashMap<PathBuf, FolderTarget>);

#[derive(Debug, Default)]
struct FolderTarget {
    target: Option<TargetContainer>,
    /// Some failed before it was known where they belong.
    unknown: bool,
    /// Some were left out by filters or rules.
    left_out: bool,
}

/// Where a file goes that is not DICOM.
#[derive(Debug)]
pub enum NeighbourTarget {
    /// To this container; the project where no folder at or above it has DICOM.
    To(Box<TargetContainer>),
    /// No DICOM lies beside it.
    NoDicom,
    /// It cannot be known, since DICOM beside it failed.
    Unknown,
    /// All DICOM beside it was left out.
    LeftOut,
}

impl Neighbours {
    /// Notes where the files of a series go. Where all that came through goes to one acquisition,
    /// that is where the copies and the failed ones belong as well.
    pub fn note(&mut self, files: &[Indexed], routed: &[Routed]) {
        match routed {
            [] => files
                .iter()
                .for_each(|file| self.is_unknown(&file.folder(), &file.root)),
            [one] => files
                .iter()
                .for_each(|file| self.goes(&file.folder(), &file.root, &one.destination)),
            several => {
                for routed in several {
                    for file in routed
                        .members
                        .iter()
                        .map(|member| &member.source)
                    {
                        self.goes(&file.folder(), &file.root, &routed.destination);
                    }
                }
            }
        }
    }

    /// Notes that DICOM of a folder goes to this acquisition.
    pub fn goes(&mut self, folder: &Path, root: &Path, to: &Destination) {
        self.at_and_above(folder, root, |common| {
            common.target = Some(match common.target.take() {
                None => TargetContainer::Acquisition(to.clone()),
                Some(target) => together(target, to),
            });
        });
    }

    /// Notes that DICOM of a folder failed, wherever it belongs.
    pub fn is_unknown(&mut self, folder: &Path, root: &Path) {
        self.at_and_above(folder, root, |common| common.unknown = true);
    }

    /// Notes that DICOM of a folder was left out, wherever it belongs.
    pub fn is_left_out(&mut self, folder: &Path, root: &Path) {
        self.at_and_above(folder, root, |common| common.left_out = true);
    }

    /// Where a file of this folder goes: the nearest folder at or above it that has DICOM decides.
    pub fn of(&self, folder: &Path, root: &Path) -> NeighbourTarget {
        let Some(common) = levels(folder, root).find_map(|level| self.0.get(level)) else {
            return NeighbourTarget::NoDicom;
        };
        match &common.target {
            // Nothing that is not known can make it wider.
            Some(TargetContainer::Project) => {
                NeighbourTarget::To(Box::new(TargetContainer::Project))
            }
            Some(target) if !common.unknown => NeighbourTarget::To(Box::new(target.clone())),
            None if common.left_out && !common.unknown => NeighbourTarget::LeftOut,
            _ => NeighbourTarget::Unknown,
        }
    }

    fn at_and_above(
        &mut self,
        folder: &Path,
        root: &Path,
        mut note: impl FnMut(&mut FolderTarget),
    ) {
        for level in levels(folder, root) {
            match self.0.get_mut(level) {
                Some(common) => note(common),
                None => note(
                    self.0
                        .entry(level.to_path_buf())
                        .or_default(),
                ),
            }
        }
    }
}

/// A folder and those above it, up to the one that was named; of a file that was named itself, its
/// folder alone.
fn levels<'p>(folder: &'p Path, root: &'p Path) -> impl Iterator<Item = &'p Path> {
    folder
        .ancestors()
        .enumerate()
        .take_while(move |(up, level)| *up == 0 || level.starts_with(root))
        .map(|(_, level)| level)
}

/// The lowest container that holds both.
fn together(target: TargetContainer, to: &Destination) -> TargetContainer {
    let same_subject = |with: &Destination| with.subject.label == to.subject.label;
    let same_session = |with: &Destination| {
        same_subject(with)
            && with.session.label == to.session.label
            && (with.session.forced || with.session.uid == to.session.uid)
    };
    let same_acquisition = |with: &Destination| {
        same_session(with)
            && with.acquisition.label == to.acquisition.label
            && with.acquisition.uid == to.acquisition.uid
    };
    match target {
        TargetContainer::Acquisition(with) if same_acquisition(&with) => {
            TargetContainer::Acquisition(with)
        }
        TargetContainer::Acquisition(with) | TargetContainer::Session(with)
            if same_session(&with) =>
        {
            TargetContainer::Session(with)
        }
        TargetContainer::Acquisition(with)
        | TargetContainer::Session(with)
        | TargetContainer::Subject(with)
            if same_subject(&with) =>
        {
            TargetContainer::Subject(with)
        }
        _ => TargetContainer::Project,
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use flywheel_client::{AcquisitionTarget, Fields, SessionTarget, SubjectTarget};

    fn to(path: &str) -> Destination {
        let labels: Vec<_> = path
            .split('/')
            .map(str::to_owned)
            .collect();
        Destination {
            subject: SubjectTarget {
                label: labels[0].clone(),
                fields: Fields::default(),
            },
            session: SessionTarget {
                label: labels[1].clone(),
                uid: Some(labels[1].clone()),
                timestamp: None,
                forced: false,
                fields: Fields::default(),
            },
            acquisition: AcquisitionTarget {
                label: labels[2].clone(),
                uid: Some(labels[2].clone()),
                timestamp: None,
                fields: Fields::default(),
            },
        }
    }

    fn found(neighbours: &Neighbours, folder: &str) -> String {
        match neighbours.of(Path::new(folder), Path::new("study")) {
            NeighbourTarget::To(target) => target.labels().join("/"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_nearest_folder_with_dicom_decides_by_what_all_of_it_has_in_common() {
        let mut neighbours = Neighbours::default();
        for (folder, destination) in [
            ("study/1/a", "p/1/a"),
            ("study/1/a", "p/1/a"),
            ("study/1/b", "p/1/b"),
            ("study/2/mixed", "p/2/a"),
            ("study/2/mixed", "p/2/b"),
            ("study/3/x", "q/3/a"),
        ] {
            neighbours.goes(Path::new(folder), Path::new("study"), &to(destination));
        }
        for (folder, target) in [
            ("study/1/a", "p/1/a"),
            ("study/1/a/derived/deep", "p/1/a"),
            ("study/1", "p/1"),
            ("study/2/mixed", "p/2"),
            ("study/1/c", "p/1"),
            ("study", ""),
            ("study/3", "q/3/a"),
            ("elsewhere", "NoDicom"),
        ] {
            assert_eq!(found(&neighbours, folder), target, "{folder}");
        }
    }

    #[test]
    fn sessions_of_one_subject_have_the_subject_in_common() {
        let mut neighbours = Neighbours::default();
        neighbours.goes(Path::new("study/p/1"), Path::new("study"), &to("p/1/a"));
        neighbours.goes(Path::new("study/p/2"), Path::new("study"), &to("p/2/a"));
        assert_eq!(
            (found(&neighbours, "study/p"), found(&neighbours, "study")),
            ("p".to_owned(), "p".to_owned())
        );
    }

    #[test]
    fn where_dicom_failed_nothing_is_guessed() {
        let mut neighbours = Neighbours::default();
        neighbours.goes(Path::new("study/1"), Path::new("study"), &to("p/1/a"));
        neighbours.is_unknown(Path::new("study/3"), Path::new("study"));
        let all = ["study/1", "study/3", "study/4"].map(|folder| found(&neighbours, folder));
        assert_eq!(all, ["p/1/a", "Unknown", "Unknown"]);
        neighbours.goes(Path::new("study/5"), Path::new("study"), &to("q/1/a"));
        assert_eq!(
            found(&neighbours, "study/4"),
            "",
            "of several subjects in any case"
        );
    }
}
