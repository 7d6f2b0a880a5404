//! `regex-sub`: a new text put together from pieces of the old one.
//!
//! Must never give out a piece that no entry of the rule speaks of, and never write a value where
//! nothing matches.

use super::act::{Act, Misstep, effective_vr};
use super::hash::Hasher;
use super::text::{Reading, read};
use crate::error::DeidErrorKind;
use crate::profile::{Captured, PythonRegex, Template, TemplatePart, TooComplex};
use dicom_lossless::{CharacterSet, DataSet, Encoding, Tag, character_set_of};

/// The items of a rule, with every option settled.
pub(super) struct Substitutes {
    pub(super) items: Vec<Item>,
}

/// One item.
pub(super) struct Item {
    pub(super) regex: PythonRegex,
    pub(super) output: Template,
    pub(super) groups: Vec<Group>,
}

/// What is done to one variable.
pub(super) struct Group {
    pub(super) name: String,
    pub(super) tag: Option<Tag>,
    pub(super) act: Act,
}

/// What other attributes of the instance hold, as rules read them. They are those of the data set
/// itself, also where the rule acts inside of an item.
pub(super) type Others<'a> = &'a [(Tag, Reading)];

impl Substitutes {
    /// The attributes beside its own that it may read.
    pub(super) fn tags(&self) -> Vec<Tag> {
        let groups = self.items.iter().flat_map(|item| &item.groups);
        groups
            .flat_map(|group| group.tag.into_iter().chain(group.act.reads()))
            .collect()
    }

    /// The new text: that of the first item which matches.
    pub(super) fn text(
        &self,
        text: &str,
        others: Others<'_>,
        hasher: &Hasher,
    ) -> Result<String, Misstep> {
        for item in &self.items {
            if let Some(captured) = item.regex.match_start(text).map_err(too_complex)? {
                return item.output(&captured, others, hasher);
            }
        }
        Err(Misstep::new(
            DeidErrorKind::Rule,
            "the value matches none of its regular expressions",
        ))
    }
}

/// What a data set holds under these tags; nothing where an element is absent.
pub(super) fn values(
    tags: &[Tag],
    data: &DataSet,
    encoding: Encoding,
    inherited: &CharacterSet,
) -> Vec<(Tag, Reading)> {
    let value = |tag: &Tag| match data.get(*tag) {
        None => (*tag, Reading::Nothing),
        Some(element) => {
            let charset = || character_set_of(data, inherited);
            (
                *tag,
                read(element, effective_vr(element, data), encoding, charset),
            )
        }
    };
    tags.iter().map(value).collect()
}

pub(super) fn too_complex(why: TooComplex) -> Misstep {
    Misstep::new(DeidErrorKind::Rule, why.to_string())
}

impl Item {
    fn output(
        &self,
        captured: &Captured<'_, '_>,
        others: Others<'_>,
        hasher: &Hasher,
    ) -> Result<String, Misstep> {
        let mut out = String::new();
        for part in &self.output.parts {
            match part {
                TemplatePart::Text(text) => out.push_str(text),
                TemplatePart::Variable(name) => {
                    out.push_str(&self.variable(name, captured, others, hasher)?);
                }
            }
        }
        Ok(out)
    }

    fn variable(
        &self,
        name: &str,
        captured: &Captured<'_, '_>,
        others: Others<'_>,
        hasher: &Hasher,
    ) -> Result<String, Misstep> {
        let piece = captured.get(name);
        let Some(group) = self.groups.iter().find(|group| group.name == name) else {
            let absent = || {
                Misstep::new(
                    DeidErrorKind::Rule,
                    format!("the group `{name}` took no part in the match"),
                )
            };
            return piece.map(str::to_owned).ok_or_else(absent);
        };
        let piece = match piece {
            Some(piece) => Some(piece),
            None => other(group.tag, others, name)?,
        };
        let new = group.act.on_text(piece, others, hasher);
        new.map(Option::unwrap_or_default)
            .map_err(|misstep| misstep.inside(name))
    }
}

/// The value of an attribute; none where it is absent.
fn other<'a>(tag: Option<Tag>, others: Others<'a>, name: &str) -> Result<Option<&'a str>, Misstep> {
    match others
        .iter()
        .find(|(other, _)| Some(*other) == tag)
        .map(|(_, reading)| reading)
    {
        None | Some(Reading::Nothing) => Ok(None),
        Some(Reading::Text(text)) => Ok(Some(text)),
        Some(Reading::Opaque) => Err(Misstep::new(
            DeidErrorKind::Target,
            format!("`{name}` holds no text"),
        )),
    }
}
