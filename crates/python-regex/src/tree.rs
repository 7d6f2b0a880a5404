//! A regular expression as Python understands it. Owns its shape; must never depend on an engine.

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// One piece after the other; none matches the empty text.
    Sequence(Vec<Node>),
    /// The first that matches.
    Choice(Vec<Node>),
    Char(char),
    /// `.`, with or without the newline.
    Any {
        newline: bool,
    },
    Class(Class),
    /// `^`.
    Start {
        of_line: bool,
    },
    /// `$`: before a last newline too.
    End {
        of_line: bool,
    },
    /// `\Z`.
    VeryEnd,
    /// `\b`, or `\B`.
    Boundary {
        not: bool,
        ascii: bool,
    },
    Capture(usize, Box<Node>),
    /// Flags in force: whether case counts.
    Fold(bool, Box<Node>),
    Atomic(Box<Node>),
    Look {
        ahead: bool,
        not: bool,
        inner: Box<Node>,
    },
    /// What a group captured, and how wide that is.
    Back(usize, Width),
    Repeat {
        inner: Box<Node>,
        min: u32,
        /// None: without end.
        max: Option<u32>,
        kind: Greediness,
    },
}

/// The order in which a repetition tries lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Greediness {
    Greedy,
    Lazy,
    Possessive,
}

/// A set of characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Class {
    pub not: bool,
    pub items: Vec<Item>,
}

/// What is in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Range(char, char),
    /// `\d`, `\s`, `\w` as Python defines them for text, or the complement.
    Category(Category, bool),
}

/// The classes that have a letter of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    Digit,
    Space,
    Word,
}

/// The fewest and the most characters that a piece can match.
pub type Width = (u64, u64);

impl Node {
    pub const EMPTY: Self = Self::Sequence(Vec::new());

    pub fn width(&self) -> Width {
        match self {
            Self::Char(_) | Self::Any { .. } | Self::Class(_) => (1, 1),
            Self::Start { .. }
            | Self::End { .. }
            | Self::VeryEnd
            | Self::Boundary { .. }
            | Self::Look { .. } => (0, 0),
            Self::Sequence(pieces) => pieces
                .iter()
                .map(Self::width)
                .fold((0, 0), |sum: Width, width| {
                    (sum.0.saturating_add(width.0), sum.1.saturating_add(width.1))
                }),
            Self::Choice(branches) => branches
                .iter()
                .map(Self::width)
                .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
                .unwrap_or_default(),
            Self::Capture(_, inner) | Self::Fold(_, inner) | Self::Atomic(inner) => inner.width(),
            Self::Back(_, width) => *width,
            Self::Repeat {
                inner, min, max, ..
            } => {
                let width = inner.width();
                let most = max.map_or(u64::MAX, u64::from);
                (
                    width
                        .0
                        .saturating_mul((*min).into()),
                    width.1.saturating_mul(most),
                )
            }
        }
    }

    /// Whether this holds for the piece or for any piece inside it.
    pub fn has(&self, what: &impl Fn(&Self) -> bool) -> bool {
        what(self)
            || match self {
                Self::Sequence(pieces) | Self::Choice(pieces) => pieces
                    .iter()
                    .any(|piece| piece.has(what)),
                Self::Capture(_, inner)
                | Self::Fold(_, inner)
                | Self::Atomic(inner)
                | Self::Look { inner, .. }
                | Self::Repeat { inner, .. } => inner.has(what),
                _ => false,
            }
    }
}
