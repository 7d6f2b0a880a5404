//! The attributes that a row of one of the standard's tables is about.

use std::fmt;

use dicom_core::Tag;
use serde::Deserialize;

use super::dictionary::is_private;

/// The attributes that a row covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum TagPattern {
    /// One attribute.
    One(Tag),
    /// An attribute of every group 50xx or 60xx, or all attributes of these groups.
    Repeating {
        /// 0x5000 or 0x6000.
        group: u16,
        /// The element number; none for all.
        element: Option<u16>,
    },
    /// Every private attribute.
    Private,
}

impl TagPattern {
    /// Whether an attribute is among those covered.
    pub fn contains(self, tag: Tag) -> bool {
        match self {
            Self::One(one) => one == tag,
            Self::Repeating { group, element } => {
                tag.group() & 0xFF00 == group
                    && !is_private(tag)
                    && element.is_none_or(|element| element == tag.element())
            }
            Self::Private => is_private(tag),
        }
    }

    /// Reads `(0010,0010)`, `(50xx,xxxx)`, `(60xx,3000)` or `(gggg,eeee)`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (group, element) = text
            .strip_prefix('(')?
            .strip_suffix(')')?
            .split_once(',')?;
        if group == "gggg" {
            return Some(Self::Private);
        }
        let number = |digits| u16::from_str_radix(digits, 16).ok();
        match group
            .to_ascii_lowercase()
            .strip_suffix("xx")
        {
            Some(open) => {
                let element = if element == "xxxx" {
                    None
                } else {
                    Some(number(element)?)
                };
                Some(Self::Repeating {
                    group: number(open)? << 8,
                    element,
                })
            }
            None => Some(Self::One(Tag(number(group)?, number(element)?))),
        }
    }
}

impl TryFrom<String> for TagPattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no tag as the tables write them")
    }
}

/// The tag as the table writes it.
impl fmt::Display for TagPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(tag) => tag.fmt(f),
            Self::Repeating {
                group,
                element: Some(element),
            } => write!(f, "({:02X}xx,{element:04X})", group >> 8),
            Self::Repeating {
                group,
                element: None,
            } => write!(f, "({:02X}xx,xxxx)", group >> 8),
            Self::Private => f.write_str("(gggg,eeee)"),
        }
    }
}
