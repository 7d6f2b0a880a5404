//! Python's regular expressions in Rust: a pattern means what module `re` of Python 3.11 says, or it
//! is refused when it is read.
//!
//! Owns what a pattern means. It never panics, and work on a text is bounded: where an expression
//! would backtrack without end, matching fails with [`TooComplex`].
//!
//! ```
//! use python_regex::PythonRegex;
//!
//! let pattern = PythonRegex::new(r"(?P<subject>\w+)_(?P<visit>\d+)\Z")?;
//! let found = pattern.match_start("mouse_07")?.expect("it matches");
//! assert_eq!(found.get("visit"), Some("07"));
//! assert!(PythonRegex::new(r"(?<=a+)b").is_err(), "Python knows no look-behind of unknown width");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

use std::sync::{Arc, OnceLock};

use fancy_regex::RegexBuilder as FancyBuilder;
use regex::RegexBuilder;

mod emit;
mod parse;
mod replace;
mod tree;

pub use replace::Replacement;

use emit::Haystack;
use parse::Parsed;
use tree::{Greediness, Node};

/// A regular expression in Python's notation.
#[derive(Clone)]
pub struct PythonRegex {
    inner: Arc<Inner>,
}

struct Inner {
    text: String,
    node: Node,
    names: Vec<(String, usize)>,
    /// From the start, with an open end: Python's `re.match`.
    start: Engine,
    anywhere: OnceLock<Option<Engine>>,
    whole: OnceLock<Option<Engine>>,
    /// Anywhere, but not the empty text where the search begins.
    onwards: OnceLock<Option<Engine>>,
    groups: usize,
}

/// A text on which an expression would take too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("matching the regular expression would take too long")]
pub struct TooComplex;

/// A pattern that Python refuses, or that is not supported here. Says what is wrong with it and at
/// which character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// What the named groups of a match hold: attribute values, so it is never printed.
pub struct Captured<'r, 't> {
    names: &'r [(String, usize)],
    groups: Vec<Option<&'t str>>,
}

impl<'t> Captured<'_, 't> {
    /// The text of a named group; none where it took no part in the match, or there is no such
    /// group.
    pub fn get(&self, name: &str) -> Option<&'t str> {
        let (_, group) = self
            .names
            .iter()
            .find(|(other, _)| other == name)?;
        self.groups
            .get(*group)
            .copied()
            .flatten()
    }

    /// The text of a group by its number; 0 is the whole match.
    pub fn at(&self, group: usize) -> Option<&'t str> {
        self.groups
            .get(group)
            .copied()
            .flatten()
    }
}

/// Where a match may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Start,
    Anywhere,
    Whole,
    Onwards,
}

/// The compiled forms of one expression. `quick` takes time in proportion to the text, `exact` may
/// backtrack.
struct Engine {
    quick: Option<regex::Regex>,
    /// None where `quick` is right for any text.
    exact: Option<fancy_regex::Regex>,
}

/// The number of backtracking steps before a match is given up.
const MOST_STEPS: usize = 1_000_000;

/// Bytes that a text may have after replacing.
const LONGEST_RESULT: usize = 1 << 20;

/// Bytes that one compiled expression may take.
const LARGEST: usize = 4 << 20;

impl PythonRegex {
    /// Compiles an expression. The error says what is wrong with it, or what of Python's notation
    /// is not supported.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        Self::compile(text).map_err(PatternError)
    }

    fn compile(text: &str) -> Result<Self, String> {
        let parsed = parse::parse(text)?;
        unambiguous(&parsed)?;
        let start = Engine::new(&parsed.node, Anchor::Start)?;
        let inner = Inner {
            text: text.to_owned(),
            node: parsed.node,
            names: parsed.names,
            start,
            anywhere: OnceLock::new(),
            whole: OnceLock::new(),
            onwards: OnceLock::new(),
            groups: parsed.groups,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The expression as written.
    pub fn as_str(&self) -> &str {
        &self.inner.text
    }

    /// The names of its groups, in order.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.inner
            .names
            .iter()
            .map(|(name, _)| name.as_str())
    }

    /// What its groups hold where it matches from the start of the text, with an open end.
    pub fn match_start<'t>(&self, text: &'t str) -> Result<Option<Captured<'_, 't>>, TooComplex> {
        let groups = self.inner.start.captures(text)?;
        Ok(groups.map(|groups| Captured {
            names: &self.inner.names,
            groups,
        }))
    }

    /// Whether it matches from the start of the text, with an open end.
    pub fn is_match_start(&self, text: &str) -> Result<bool, TooComplex> {
        self.inner.start.is_match(text)
    }

    /// Whether it matches anywhere in the text.
    pub fn search(&self, text: &str) -> Result<bool, TooComplex> {
        self.other(&self.inner.anywhere, Anchor::Anywhere)?
            .is_match(text)
    }

    /// Whether it matches the whole text.
    pub fn full_match(&self, text: &str) -> Result<bool, TooComplex> {
        self.other(&self.inner.whole, Anchor::Whole)?
            .is_match(text)
    }

    /// The text with every match replaced, as Python's `re.sub` does it: after a match that is not
    /// empty, the empty text right behind it is a match too.
    pub fn replace_all(&self, text: &str, by: &Replacement) -> Result<String, TooComplex> {
        let anywhere = self.other(&self.inner.anywhere, Anchor::Anywhere)?;
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut after_empty = false;
        loop {
            let engine = if after_empty {
                self.other(&self.inner.onwards, Anchor::Onwards)?
            } else {
                anywhere
            };
            let found = engine.spans_from(text, at)?;
            let Some((from, to)) = found.first().copied().flatten() else {
                break;
            };
            out.push_str(
                text.get(at..from)
                    .unwrap_or_default(),
            );
            by.write(text, &found, &mut out);
            if out.len() > LONGEST_RESULT {
                return Err(TooComplex);
            }
            after_empty = from == to;
            at = to;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Ok(out)
    }

    fn other<'e>(
        &'e self,
        cell: &'e OnceLock<Option<Engine>>,
        anchor: Anchor,
    ) -> Result<&'e Engine, TooComplex> {
        cell.get_or_init(|| Engine::new(&self.inner.node, anchor).ok())
            .as_ref()
            .ok_or(TooComplex)
    }
}

impl std::fmt::Debug for PythonRegex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PythonRegex")
            .field(&self.as_str())
            .finish()
    }
}

impl PartialEq for PythonRegex {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Engine {
    fn new(node: &Node, anchor: Anchor) -> Result<Self, String> {
        let looks = |node: &Node| match node {
            Node::Look { .. } | Node::Atomic(_) | Node::Back(..) => true,
            Node::Repeat { kind, .. } => *kind == Greediness::Possessive,
            _ => false,
        };
        let differs = |node: &Node| match node {
            Node::Start { of_line } => *of_line,
            Node::End { .. } | Node::Boundary { .. } => true,
            _ => false,
        };
        let plain = !node.has(&looks) && anchor != Anchor::Onwards;
        let quick = if plain {
            Some(quick(&anchored(node, anchor, Haystack::PlainText))?)
        } else {
            None
        };
        let exact = !plain || node.has(&differs);
        let exact = if exact {
            Some(thorough(&anchored(node, anchor, Haystack::AnyText))?)
        } else {
            None
        };
        Ok(Self { quick, exact })
    }

    /// The form without backtracking, where it is right for this text.
    fn quick(&self, text: &str) -> Option<&regex::Regex> {
        let plain = || {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii() && byte != b'\n')
        };
        self.quick
            .as_ref()
            .filter(|_| self.exact.is_none() || plain())
    }

    fn is_match(&self, text: &str) -> Result<bool, TooComplex> {
        match (self.quick(text), &self.exact) {
            (Some(quick), _) => Ok(quick.is_match(text)),
            (None, Some(exact)) => exact
                .is_match(text)
                .map_err(|_| TooComplex),
            (None, None) => Err(TooComplex),
        }
    }

    fn captures<'t>(&self, text: &'t str) -> Result<Option<Vec<Option<&'t str>>>, TooComplex> {
        if let Some(quick) = self.quick(text) {
            let found = quick.captures(text);
            return Ok(found.map(|found| {
                found
                    .iter()
                    .map(|group| group.map(|group| group.as_str()))
                    .collect()
            }));
        }
        let exact = self
            .exact
            .as_ref()
            .ok_or(TooComplex)?;
        let found = exact
            .captures(text)
            .map_err(|_| TooComplex)?;
        Ok(found.map(|found| {
            found
                .iter()
                .map(|group| group.map(|group| group.as_str()))
                .collect()
        }))
    }
}

impl Engine {
    /// Where the groups of the first match at or behind `from` lie; empty where there is none.
    fn spans_from(&self, text: &str, from: usize) -> Result<Vec<Option<Span>>, TooComplex> {
        if let Some(quick) = self.quick(text) {
            let mut places = quick.capture_locations();
            let found = quick.captures_read_at(&mut places, text, from);
            return Ok(found.map_or_else(Vec::new, |_| {
                (0..places.len())
                    .map(|group| places.get(group))
                    .collect()
            }));
        }
        let exact = self
            .exact
            .as_ref()
            .ok_or(TooComplex)?;
        let found = exact
            .captures_from_pos(text, from)
            .map_err(|_| TooComplex)?;
        Ok(found.map_or_else(Vec::new, |found| {
            found
                .iter()
                .map(|group| group.map(|group| (group.start(), group.end())))
                .collect()
        }))
    }
}

/// The first byte of a group and the one behind its last.
type Span = (usize, usize);

/// Refuses a group that something depends on and that may be repeated as the empty text: Python
/// then has the empty text in it, the engines what came before.
fn unambiguous(parsed: &Parsed) -> Result<(), String> {
    let named = |group: usize| {
        parsed
            .names
            .iter()
            .any(|(_, number)| *number == group)
    };
    let referred = |group: usize| {
        parsed
            .node
            .has(&|node: &Node| matches!(node, Node::Back(back, _) if *back == group))
    };
    let counts =
        |node: &Node| matches!(node, Node::Capture(group, _) if named(*group) || referred(*group));
    let unclear = |node: &Node| match node {
        Node::Repeat { inner, max, .. } => {
            !matches!(max, Some(0 | 1)) && inner.width().0 == 0 && inner.has(&counts)
        }
        _ => false,
    };
    if parsed.node.has(&unclear) {
        return Err(
            "a group that is repeated and may match nothing is not supported; let it match \
            something"
                .to_owned(),
        );
    }
    Ok(())
}

fn anchored(node: &Node, anchor: Anchor, text: Haystack) -> String {
    let expression = emit::emit(node, text);
    match anchor {
        Anchor::Start => format!("\\A(?:{expression})"),
        Anchor::Anywhere => expression,
        Anchor::Whole => format!("\\A(?:{expression})\\z"),
        Anchor::Onwards => format!("(?:{expression})(?!\\G)"),
    }
}

fn quick(expression: &str) -> Result<regex::Regex, String> {
    let regex = RegexBuilder::new(expression)
        .size_limit(LARGEST)
        .nest_limit(200)
        .build();
    regex.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the expression is too large".to_owned(),
        _ => "the expression is not supported".to_owned(),
    })
}

fn thorough(expression: &str) -> Result<fancy_regex::Regex, String> {
    let mut builder = FancyBuilder::new(expression);
    builder
        .backtrack_limit(MOST_STEPS)
        .delegate_size_limit(LARGEST)
        .max_prog_size(100_000);
    builder
        .build()
        .map_err(|error| match error {
            fancy_regex::Error::CompileError(_) => {
                "the expression is too large, or looks around in a way that is not supported"
                    .to_owned()
            }
            _ => "the expression repeats or nests looking around in a way that is not supported"
                .to_owned(),
        })
}

#[cfg(test)]
mod tests;
