//! Where an instance belongs: labels, UIDs and times of subject, session and acquisition, from the cleaned header only.

/// Where a package goes below its project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The subject.
    pub subject: SubjectPlace,
    /// The session.
    pub session: SessionPlace,
    /// The acquisition.
    pub acquisition: AcquisitionPlace,
}

/// A subject to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubjectPlace {
    /// Its label, which is its code as well.
    pub label: String,
}

/// A session to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionPlace {
    /// Its label.
    pub label: String,
    /// The study's UID after cleaning.
    pub uid: Option<String>,
    /// The study's date and time after cleaning, RFC 3339 with a zone.
    pub timestamp: Option<String>,
    /// The user chose the label: it alone decides which session is meant.
    pub forced: bool,
}

/// An acquisition to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AcquisitionPlace {
    /// Its label.
    pub label: String,
    /// The series' UID after cleaning.
    pub uid: Option<String>,
    /// The series' or acquisition's date and time after cleaning, RFC 3339 with a zone.
    pub timestamp: Option<String>,
}
