//! What the user must be told before anything is sent, and how much it matters.

/// Something that the user must be told before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// How much it matters.
    pub weight: Weight,
    /// A stable word for it.
    pub code: &'static str,
    /// The text.
    pub text: String,
}

/// How much an announcement matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The first line of a run has the gist of it.
    Detail,
    /// A fact.
    Notice,
    /// A danger.
    Warning,
}

impl Announcement {
    pub(super) fn detail(code: &'static str, text: String) -> Self {
        Self {
            weight: Weight::Detail,
            code,
            text,
        }
    }

    pub(super) fn notice(code: &'static str, text: String) -> Self {
        Self {
            weight: Weight::Notice,
            code,
            text,
        }
    }

    pub(super) fn warning(code: &'static str, text: String) -> Self {
        Self {
            weight: Weight::Warning,
            code,
            text,
        }
    }

    pub(super) fn is_warning(&self) -> bool {
        self.weight == Weight::Warning
    }
}
