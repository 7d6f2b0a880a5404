//! The containers that a file is to be uploaded to: labels, UIDs and times as they are wanted.

/// Where a file goes below its project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// The subject.
    pub subject: SubjectTarget,
    /// The session.
    pub session: SessionTarget,
    /// The acquisition.
    pub acquisition: AcquisitionTarget,
}

/// A subject to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubjectTarget {
    /// Its label, which is its code as well.
    pub label: String,
}

/// A session to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionTarget {
    /// Its label.
    pub label: String,
    /// The UID of the study.
    pub uid: Option<String>,
    /// The date and time of the study, RFC 3339 with a zone.
    pub timestamp: Option<String>,
    /// The user chose the label: it alone decides which session is meant.
    pub forced: bool,
}

/// An acquisition to find or create.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AcquisitionTarget {
    /// Its label.
    pub label: String,
    /// The UID of the series.
    pub uid: Option<String>,
    /// The date and time of the series or acquisition, RFC 3339 with a zone.
    pub timestamp: Option<String>,
}

impl Destination {
    /// `subject/session/acquisition`.
    pub fn path(&self) -> String {
        format!(
            "{}/{}/{}",
            self.subject.label, self.session.label, self.acquisition.label
        )
    }

    /// All that a server is told of it, each text with what it is.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self {
            subject,
            session,
            acquisition,
        } = self;
        let always = [
            ("the subject label", subject.label.as_str()),
            ("the session label", &session.label),
            ("the acquisition label", &acquisition.label),
        ];
        let some = [
            ("the session's UID", &session.uid),
            ("the session's time", &session.timestamp),
            ("the acquisition's UID", &acquisition.uid),
            ("the acquisition's time", &acquisition.timestamp),
        ];
        always.into_iter().chain(
            some.into_iter()
                .filter_map(|(what, text)| Some((what, text.as_deref()?))),
        )
    }
}
