//! Which DICOM lies beside a file that is not DICOM: where that goes follows from it.
//!
//! Owns, for each folder, what all DICOM files in it and below it have in common. It must never
//! place a file by guess: where a DICOM file beside it failed, that is said.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use flywheel_client::Destination;

use super::place::Place;

/// What the DICOM files of each folder have in common.
#[derive(Debug, Default)]
pub struct Beside(HashMap<PathBuf, Common>);

#[derive(Debug, Default)]
struct Common {
    place: Option<Place>,
    /// Some failed before it was known where they belong.
    unknown: bool,
}

/// Where a file goes that is not DICOM.
#[derive(Debug)]
pub enum Whereabouts {
    /// To this container; the project where no folder at or above it has DICOM.
    To(Place),
    /// No DICOM lies beside it.
    Nowhere,
    /// It cannot be known, since DICOM beside it failed.
    Unknown,
}

impl Beside {
    /// Takes note that DICOM of a folder goes to this acquisition.
    pub fn goes(&mut self, folder: &Path, root: &Path, to: &Destination) {
        self.at_and_above(folder, root, |common| {
            common.place = Some(match common.place.take() {
                None => Place::Acquisition(to.clone()),
                Some(place) => together(place, to),
            });
        });
    }

    /// Takes note that DICOM of a folder failed, wherever it belongs.
    pub fn is_unknown(&mut self, folder: &Path, root: &Path) {
        self.at_and_above(folder, root, |common| common.unknown = true);
    }

    /// Where a file of this folder goes: the nearest folder at or above it that has DICOM decides.
    pub fn of(&self, folder: &Path, root: &Path) -> Whereabouts {
        let Some(common) = levels(folder, root).find_map(|level| self.0.get(level)) else {
            return Whereabouts::Nowhere;
        };
        match &common.place {
            // Nothing that is not known can make it wider.
            Some(Place::Project) => Whereabouts::To(Place::Project),
            Some(place) if !common.unknown => Whereabouts::To(place.clone()),
            _ => Whereabouts::Unknown,
        }
    }

    fn at_and_above(&mut self, folder: &Path, root: &Path, mut note: impl FnMut(&mut Common)) {
        for level in levels(folder, root) {
            match self.0.get_mut(level) {
                Some(common) => note(common),
                None => note(self.0.entry(level.to_path_buf()).or_default()),
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
fn together(place: Place, to: &Destination) -> Place {
    let same_subject = |with: &Destination| with.subject == to.subject;
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
    match place {
        Place::Acquisition(with) if same_acquisition(&with) => Place::Acquisition(with),
        Place::Acquisition(with) | Place::Session(with) if same_session(&with) => {
            Place::Session(with)
        }
        Place::Acquisition(with) | Place::Session(with) | Place::Subject(with)
            if same_subject(&with) =>
        {
            Place::Subject(with)
        }
        _ => Place::Project,
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;
    use flywheel_client::{AcquisitionTarget, SessionTarget, SubjectTarget};

    fn to(path: &str) -> Destination {
        let labels: Vec<_> = path.split('/').map(str::to_owned).collect();
        Destination {
            subject: SubjectTarget {
                label: labels[0].clone(),
            },
            session: SessionTarget {
                label: labels[1].clone(),
                uid: Some(labels[1].clone()),
                timestamp: None,
                forced: false,
            },
            acquisition: AcquisitionTarget {
                label: labels[2].clone(),
                uid: Some(labels[2].clone()),
                timestamp: None,
            },
        }
    }

    fn found(beside: &Beside, folder: &str) -> String {
        match beside.of(Path::new(folder), Path::new("study")) {
            Whereabouts::To(place) => place.labels().join("/"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn the_nearest_folder_with_dicom_decides_by_what_all_of_it_has_in_common() {
        let mut beside = Beside::default();
        for (folder, destination) in [
            ("study/1/a", "p/1/a"),
            ("study/1/a", "p/1/a"),
            ("study/1/b", "p/1/b"),
            ("study/2/mixed", "p/2/a"),
            ("study/2/mixed", "p/2/b"),
            ("study/3/x", "q/3/a"),
        ] {
            beside.goes(Path::new(folder), Path::new("study"), &to(destination));
        }
        for (folder, place) in [
            ("study/1/a", "p/1/a"),
            ("study/1/a/derived/deep", "p/1/a"),
            ("study/1", "p/1"),
            ("study/2/mixed", "p/2"),
            ("study/1/c", "p/1"),
            ("study", ""),
            ("study/3", "q/3/a"),
            ("elsewhere", "Nowhere"),
        ] {
            assert_eq!(found(&beside, folder), place, "{folder}");
        }
    }

    #[test]
    fn sessions_of_one_subject_have_the_subject_in_common() {
        let mut beside = Beside::default();
        beside.goes(Path::new("study/p/1"), Path::new("study"), &to("p/1/a"));
        beside.goes(Path::new("study/p/2"), Path::new("study"), &to("p/2/a"));
        assert_eq!(
            (found(&beside, "study/p"), found(&beside, "study")),
            ("p".to_owned(), "p".to_owned())
        );
    }

    #[test]
    fn where_dicom_failed_nothing_is_guessed() {
        let mut beside = Beside::default();
        beside.goes(Path::new("study/1"), Path::new("study"), &to("p/1/a"));
        beside.is_unknown(Path::new("study/3"), Path::new("study"));
        let all = ["study/1", "study/3", "study/4"].map(|folder| found(&beside, folder));
        assert_eq!(all, ["p/1/a", "Unknown", "Unknown"]);
        beside.goes(Path::new("study/5"), Path::new("study"), &to("q/1/a"));
        assert_eq!(
            found(&beside, "study/4"),
            "",
            "of several subjects in any case"
        );
    }
}
