//! What containers there are and how one is addressed.

use std::fmt;

/// Which kind of container a file can lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContainerKind {
    /// A project.
    Project,
    /// A subject.
    Subject,
    /// A session.
    Session,
    /// An acquisition.
    Acquisition,
}

impl ContainerKind {
    /// The word for one, as servers write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Acquisition => "acquisition",
        }
    }

    /// The kind that a word stands for; the reverse of [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Project,
            Self::Subject,
            Self::Session,
            Self::Acquisition,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }

    /// The word for several, which is part of addresses.
    pub(crate) fn plural(self) -> String {
        format!("{}s", self.as_str())
    }
}

/// One container on the server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContainerRef {
    /// Its kind.
    pub kind: ContainerKind,
    /// Its database id.
    pub id: String,
}

impl ContainerRef {
    pub(crate) fn new(kind: ContainerKind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
        }
    }

    /// Its address below `/api`.
    pub(crate) fn path(&self) -> String {
        format!("/{}/{}", self.kind.plural(), segment(&self.id))
    }
}

/// Makes a text from outside fit to be one segment of an address.
pub fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Where a de-identification profile is kept. The first level that has one governs, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The project.
    Project,
    /// The group that the project belongs to.
    Group,
    /// The whole site.
    Site,
}

impl Level {
    /// All levels, in the order in which they count.
    pub const ALL: [Self; 3] = [Self::Project, Self::Group, Self::Site];

    /// Its word in messages and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Group => "group",
            Self::Site => "site",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_from_its_word() {
        for kind in [
            ContainerKind::Project,
            ContainerKind::Subject,
            ContainerKind::Session,
            ContainerKind::Acquisition,
        ] {
            assert_eq!(ContainerKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(ContainerKind::parse("sessions"), None);
    }
}
