//! One action of a rule: on an element, or on a piece of text, for the groups of `regex-sub` and
//! `filenames`.
//!
//! Owns what each action makes of a value. `regex-sub` never gives out a piece that no entry of the
//! rule mentions, and never writes a value where nothing matches.

use dicom_dictionary_std::tags::PIXEL_REPRESENTATION;
use dicom_lossless::{CharacterSet, DataSet, Element, Encoding, Tag, VR, character_set_of};

use super::date_shift::{DateShift, DateShiftError, settled, span};
use super::hash::Hasher;
use super::number_jitter::{JitterError, NumberJitter};
use crate::elements::element_value::{
    Reading, WriteError, python_float, read, write_text, write_value,
};
use crate::elements::is_pixel_data;
use crate::elements::private_elements::{self, effective_vr};
use crate::error::{DeidError, DeidErrorKind};
use crate::profile::{
    self, Action, Captured, DicomRules, PythonRegex, Replacement, Scalar, Template, TemplatePart,
    TooComplex, is_binary_number, is_number_text,
};
use crate::standard;

/// An action with every option settled.
pub enum CompiledAction {
    Keep,
    Remove,
    Replace {
        value: Replacement,
        insert: bool,
    },
    Hash,
    HashUid,
    Shift(DateShift),
    Jitter(NumberJitter),
    Substitute(Vec<Substitution>),
    /// Into the envelope, by [`crate::clean::encrypted_attributes::NewEnvelope`].
    Encrypt,
    /// Out of the envelope, by [`crate::clean::encrypted_attributes::OpenedEnvelope`].
    Decrypt,
}

/// What an action needs to know of the data set that the element is in.
#[derive(Clone, Copy)]
pub struct ActionScope<'a> {
    pub encoding: Encoding,
    /// The character set of the data set around this one.
    pub inherited: &'a CharacterSet,
    /// What the action reads beside its own element.
    pub others: OtherValues<'a>,
}

/// What an action did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionEffect {
    Unchanged,
    Changed,
    Inserted,
}

/// Why an action failed, before the rule is named. Holds no value.
pub struct ActionError {
    pub kind: DeidErrorKind,
    pub why: String,
}

impl ActionError {
    pub fn new(kind: DeidErrorKind, why: impl Into<String>) -> Self {
        Self {
            kind,
            why: why.into(),
        }
    }

    /// The same, with the group of a regular expression named.
    pub fn inside(self, group: &str) -> Self {
        Self {
            why: format!("in the group `{group}`: {}", self.why),
            ..self
        }
    }

    /// The failure of a file, with the rule and the element named.
    pub fn of(self, rule: &str, tag: Tag) -> DeidError {
        DeidError::new(
            self.kind,
            format!("{rule}, at {}: {}", standard::name_of(tag), self.why),
        )
    }
}

impl CompiledAction {
    /// The action of a rule with what it leaves to the profile settled.
    pub fn new(action: &Action, dicom: &DicomRules) -> Self {
        match action {
            Action::Keep => Self::Keep,
            Action::Remove => Self::Remove,
            Action::ReplaceWith { value, insert } => Self::Replace {
                value: value.clone(),
                insert: dicom.inserts(*insert),
            },
            Action::Hash => Self::Hash,
            Action::HashUid => Self::HashUid,
            Action::Shift {
                with_time,
                days,
                format,
                jitter,
                bounds,
            } => Self::Shift(DateShift {
                by: span(
                    days.or(dicom.date_increment)
                        .unwrap_or_default(),
                ),
                format: format
                    .as_ref()
                    .unwrap_or(dicom.format(*with_time))
                    .clone(),
                with_time: *with_time,
                jitter: jitter.clone(),
                between: settled(bounds),
            }),
            Action::Jitter(jitter) => Self::Jitter(NumberJitter::new(jitter, dicom.jitter_range)),
            Action::RegexSub(items) => Self::Substitute(
                items
                    .iter()
                    .map(|item| Substitution::new(item, dicom))
                    .collect(),
            ),
            Action::Encrypt => Self::Encrypt,
            Action::Decrypt => Self::Decrypt,
        }
    }

    /// Whether it may create an element that is absent.
    pub fn inserts(&self) -> bool {
        matches!(self, Self::Replace { insert: true, value } if *value != Replacement::Nothing)
            || matches!(self, Self::Decrypt)
    }

    /// Whether something of the value that was there may stand in what it leaves.
    pub fn passes_on(&self) -> bool {
        match self {
            Self::Keep | Self::Shift(_) | Self::Jitter(_) | Self::Substitute(_) | Self::Decrypt => {
                true
            }
            Self::Replace { value, .. } => *value == Replacement::Nothing,
            Self::Remove | Self::Hash | Self::HashUid | Self::Encrypt => false,
        }
    }

    /// The attributes of the instance that it reads beside its own element.
    pub fn reads(&self) -> Vec<Tag> {
        match self {
            Self::Substitute(items) => items
                .iter()
                .flat_map(Substitution::reads)
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Carries the action out on the element with this tag, present or not.
    pub fn apply(
        &self,
        data: &mut DataSet,
        tag: Tag,
        scope: ActionScope<'_>,
        hasher: &Hasher,
    ) -> Result<ActionEffect, ActionError> {
        match self {
            Self::Keep
            | Self::Replace {
                value: Replacement::Nothing,
                ..
            } => Ok(ActionEffect::Unchanged),
            Self::Remove => Ok(if data.remove(tag).is_some() {
                ActionEffect::Changed
            } else {
                ActionEffect::Unchanged
            }),
            Self::Replace { value, insert } => replace(data, tag, scope, value, *insert),
            Self::Hash | Self::HashUid | Self::Shift(_) | Self::Jitter(_) | Self::Substitute(_) => {
                self.rewrite(data, tag, scope, hasher)
            }
            Self::Encrypt | Self::Decrypt => Err(no_envelope()),
        }
    }

    /// Makes a new text from the old one, where there is any.
    fn rewrite(
        &self,
        data: &mut DataSet,
        tag: Tag,
        scope: ActionScope<'_>,
        hasher: &Hasher,
    ) -> Result<ActionEffect, ActionError> {
        let Some(element) = data.get(tag) else {
            return Ok(ActionEffect::Unchanged);
        };
        let vr = effective_vr(element, data);
        let text = match read(element, vr, scope.encoding, || {
            character_set_of(data, scope.inherited)
        }) {
            // An empty value may match a regular expression; for other actions it is nothing.
            Reading::Text(text) if !text.is_empty() || matches!(self, Self::Substitute(_)) => text,
            Reading::Opaque
                if element
                    .bytes()
                    .is_none_or(|bytes| !bytes.is_empty()) =>
            {
                return Err(ActionError::new(
                    DeidErrorKind::Target,
                    format!("the element is {}, which holds no text", vr.to_string()),
                ));
            }
            _ => return Ok(ActionEffect::Unchanged),
        };
        let new = match self {
            Self::HashUid => hasher.hashuid(&text),
            Self::Shift(shift) => shifted(shift, &text)?,
            Self::Substitute(items) => substituted(items, &text, scope.others, hasher)?,
            Self::Jitter(jitter) => {
                let new = jittered(jitter, &text, vr, tag, scope.encoding)?;
                return Ok(put(data, new));
            }
            _ => hasher.hash(&text),
        };
        let new = write_text(tag, vr, &new, || character_set_of(data, scope.inherited))?;
        Ok(put(data, new))
    }
}

/// Moves a number by a random one.
fn jittered(
    jitter: &NumberJitter,
    text: &str,
    vr: VR,
    tag: Tag,
    encoding: Encoding,
) -> Result<Element, ActionError> {
    if !(is_number_text(vr) || is_binary_number(vr)) {
        return Err(ActionError::new(
            DeidErrorKind::Target,
            format!("the element is {}, which holds no number", vr.to_string()),
        ));
    }
    let fault = if jitter.whole {
        "the value is not one whole number"
    } else {
        "the value is not one number"
    };
    let number = moved(jitter, text, vr, fault)?;
    let value = Replacement::One(if is_number_text(vr) {
        Scalar::Text(number)
    } else {
        Scalar::of_number(&number, vr)
    });
    Ok(write_value(
        tag,
        vr,
        &value,
        encoding,
        CharacterSet::default,
    )?)
}

/// The number moved by a random one; `fault` is what to say of a text that is none.
fn moved(
    jitter: &NumberJitter,
    text: &str,
    vr: VR,
    fault: &'static str,
) -> Result<String, ActionError> {
    jitter
        .apply(text, vr)
        .map_err(|why| match why {
            JitterError::NotANumber => ActionError::new(DeidErrorKind::Target, fault),
            JitterError::NoRandomness => no_randomness(),
        })
}

fn shifted(shift: &DateShift, text: &str) -> Result<String, ActionError> {
    shift
        .apply(text)
        .map_err(|why| match why {
            DateShiftError::Format => ActionError::new(
                DeidErrorKind::Date,
                format!("not in the format {}", shift.format.as_str()),
            ),
            DateShiftError::Range => ActionError::new(
                DeidErrorKind::Date,
                "the shifted date would lie outside the years 1 to 9999",
            ),
            DateShiftError::NoRandomness => no_randomness(),
        })
}

fn no_randomness() -> ActionError {
    ActionError::new(
        DeidErrorKind::Rule,
        "the operating system gave no random numbers",
    )
}

fn replace(
    data: &mut DataSet,
    tag: Tag,
    scope: ActionScope<'_>,
    value: &Replacement,
    insert: bool,
) -> Result<ActionEffect, ActionError> {
    if is_pixel_data(tag) && data.get(tag).is_some() {
        return Err(ActionError::new(
            DeidErrorKind::Target,
            "pixel data can be kept or removed, nothing else",
        ));
    }
    let vr = match data.get(tag) {
        Some(element) => {
            let vr = effective_vr(element, data);
            if !insert
                && read(element, vr, scope.encoding, || {
                    character_set_of(data, scope.inherited)
                }) == Reading::Nothing
            {
                return Ok(ActionEffect::Unchanged);
            }
            vr
        }
        None if !insert => return Ok(ActionEffect::Unchanged),
        None => new_vr(tag, data)?,
    };
    let new = write_value(tag, vr, value, scope.encoding, || {
        character_set_of(data, scope.inherited)
    })?;
    Ok(put(data, new))
}

/// There is nothing to encrypt into, or to decrypt from.
pub fn no_envelope() -> ActionError {
    ActionError::new(DeidErrorKind::Rule, "there is no envelope here")
}

/// Puts the new element in place, if it is not the same.
pub fn put(data: &mut DataSet, new: Element) -> ActionEffect {
    match data.get_mut(new.tag) {
        Some(old) if *old == new => ActionEffect::Unchanged,
        Some(old) => {
            *old = new;
            ActionEffect::Changed
        }
        None => {
            data.put(new);
            ActionEffect::Inserted
        }
    }
}

/// The VR for an element that is to be created.
fn new_vr(tag: Tag, data: &DataSet) -> Result<VR, ActionError> {
    let signed = || {
        let representation = data
            .get(PIXEL_REPRESENTATION)
            .and_then(Element::bytes);
        representation.is_some_and(|bytes| bytes.contains(&1))
    };
    match standard::vr(tag).or_else(|| private_elements::vr_of(tag, data)) {
        // "US or SS" follows Pixel Representation.
        Some(VR::US) if standard::is_us_or_ss(tag) && signed() => Ok(VR::SS),
        Some(vr) => Ok(vr),
        None => Err(ActionError::new(
            DeidErrorKind::Rule,
            "the element is absent and cannot be created, as its VR is not known",
        )),
    }
}

impl From<WriteError> for ActionError {
    fn from(why: WriteError) -> Self {
        match why {
            WriteError::Character => Self::new(
                DeidErrorKind::Text,
                "the new value has characters that the element cannot hold",
            ),
            WriteError::Vr(why) => Self::new(DeidErrorKind::Target, why),
        }
    }
}

impl CompiledAction {
    /// What becomes of a piece of text, or of one that is not there; none where nothing is left.
    pub fn apply_to_text(
        &self,
        text: Option<&str>,
        others: OtherValues<'_>,
        hasher: &Hasher,
    ) -> Result<Option<String>, ActionError> {
        let not_empty = text.filter(|text| !text.is_empty());
        Ok(match self {
            Self::Keep => text.map(str::to_owned),
            Self::Replace { insert: false, .. } if text.is_none() => None,
            Self::Replace { value, .. } => written(value),
            Self::Hash => not_empty.map(|text| hasher.hash(text)),
            Self::HashUid => not_empty.map(|text| hasher.hashuid(text)),
            // Several dates between commas stay several.
            Self::Shift(shift) => not_empty
                .map(|text| {
                    text.split(',')
                        .map(|date| shifted(shift, date))
                        .collect::<Result<Vec<_>, _>>()
                })
                .transpose()?
                .map(|dates| dates.join(",")),
            Self::Jitter(jitter) => {
                let vr = if jitter.whole { VR::IS } else { VR::FD };
                text.map(|text| moved(jitter, text, vr, "the text is not one number"))
                    .transpose()?
            }
            Self::Substitute(items) => text
                .map(|text| substituted(items, text, others, hasher))
                .transpose()?,
            // The loader lets no other action through.
            _ => None,
        })
    }
}

/// The value of `replace-with` as Python prints it.
fn written(value: &Replacement) -> Option<String> {
    match value {
        Replacement::Nothing => None,
        Replacement::Empty | Replacement::List(_) => Some(String::new()),
        Replacement::One(Scalar::Text(text)) => Some(text.clone()),
        Replacement::One(Scalar::Integer(number)) => Some(number.to_string()),
        Replacement::One(Scalar::Float(number)) => Some(python_float(*number)),
    }
}

/// One entry of `regex-sub` or of `filenames`.
pub struct Substitution {
    pub regex: PythonRegex,
    pub output: Template,
    groups: Vec<SubstitutionGroup>,
}

/// What is done to one variable.
pub struct SubstitutionGroup {
    name: String,
    tag: Option<Tag>,
    pub action: CompiledAction,
}

/// What other attributes of the instance hold, as rules read them. They are those of the data set
/// itself, also where the rule acts inside of an item.
pub type OtherValues<'a> = &'a [(Tag, Reading)];

/// The new text: that of the first entry which matches.
fn substituted(
    entries: &[Substitution],
    text: &str,
    others: OtherValues<'_>,
    hasher: &Hasher,
) -> Result<String, ActionError> {
    for entry in entries {
        if let Some(captured) = entry
            .regex
            .match_start(text)
            .map_err(too_complex)?
        {
            let variable = |name: &str| entry.variable(name, &captured, others, hasher);
            return filled(&entry.output, variable);
        }
    }
    Err(ActionError::new(
        DeidErrorKind::Rule,
        "the value matches none of its regular expressions",
    ))
}

/// A template with the values of its variables.
pub fn filled(
    template: &Template,
    variable: impl Fn(&str) -> Result<String, ActionError>,
) -> Result<String, ActionError> {
    let mut out = String::new();
    for part in &template.parts {
        match part {
            TemplatePart::Text(text) => out.push_str(text),
            TemplatePart::Variable(name) => out.push_str(&variable(name)?),
        }
    }
    Ok(out)
}

/// What a data set holds under these tags; nothing where an element is absent.
pub fn read_values(
    tags: &[Tag],
    data: &DataSet,
    encoding: Encoding,
    inherited: &CharacterSet,
) -> Vec<(Tag, Reading)> {
    let charset = || character_set_of(data, inherited);
    let value = |tag: &Tag| {
        let reading = data
            .get(*tag)
            .map_or(Reading::Nothing, |element| {
                read(element, effective_vr(element, data), encoding, charset)
            });
        (*tag, reading)
    };
    tags.iter().map(value).collect()
}

pub fn too_complex(why: TooComplex) -> ActionError {
    ActionError::new(DeidErrorKind::Rule, why.to_string())
}

impl Substitution {
    pub fn new(read: &profile::Substitution, dicom: &DicomRules) -> Self {
        let groups = read
            .groups
            .iter()
            .map(|group| SubstitutionGroup {
                name: group.name.clone(),
                tag: group.tag,
                action: CompiledAction::new(&group.action, dicom),
            });
        Self {
            regex: read.regex.clone(),
            output: read.output.clone(),
            groups: groups.collect(),
        }
    }

    /// The attributes beside its own that it may read.
    pub fn reads(&self) -> impl Iterator<Item = Tag> {
        let groups = self.groups.iter();
        groups.flat_map(|group| {
            group
                .tag
                .into_iter()
                .chain(group.action.reads())
        })
    }

    /// What is done to the variable of this name.
    pub fn group(&self, name: &str) -> Option<&SubstitutionGroup> {
        self.groups
            .iter()
            .find(|group| group.name == name)
    }

    fn variable(
        &self,
        name: &str,
        captured: &Captured<'_, '_>,
        others: OtherValues<'_>,
        hasher: &Hasher,
    ) -> Result<String, ActionError> {
        let piece = captured.get(name);
        let Some(group) = self.group(name) else {
            let absent = || {
                ActionError::new(
                    DeidErrorKind::Rule,
                    format!("the group `{name}` took no part in the match"),
                )
            };
            return piece
                .map(str::to_owned)
                .ok_or_else(absent);
        };
        let piece = match piece {
            Some(piece) => Some(piece),
            None => other(group.tag, others, name)?,
        };
        let new = group
            .action
            .apply_to_text(piece, others, hasher);
        new.map(Option::unwrap_or_default)
            .map_err(|error| error.inside(name))
    }
}

/// The value of an attribute; none where it is absent.
pub fn other<'a>(
    tag: Option<Tag>,
    others: OtherValues<'a>,
    name: &str,
) -> Result<Option<&'a str>, ActionError> {
    match others
        .iter()
        .find(|(other, _)| Some(*other) == tag)
        .map(|(_, reading)| reading)
    {
        None | Some(Reading::Nothing) => Ok(None),
        Some(Reading::Text(text)) => Ok(Some(text)),
        Some(Reading::Opaque) => Err(ActionError::new(
            DeidErrorKind::Target,
            format!("`{name}` holds no text"),
        )),
    }
}
