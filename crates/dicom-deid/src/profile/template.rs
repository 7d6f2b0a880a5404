//! Output templates: text with `{variables}` in it.

use dicom_core::Tag;

use crate::standard;

/// A template, split into what is written as it stands and what is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    /// Its parts in order.
    pub parts: Vec<TemplatePart>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// Written as it stands.
    Text(String),
    /// Filled in.
    Variable(String),
}

impl Template {
    /// Reads a template. The error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, found) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = found.strip_prefix("}}") {
                plain.push('}');
                rest = after;
                continue;
            }
            let inside = found
                .strip_prefix('{')
                .ok_or("a `}` without its `{`; write `}}` for the character")?;
            let (name, after) = inside
                .split_once('}')
                .ok_or("a `{` without its `}`")?;
            if !plain.is_empty() {
                parts.push(TemplatePart::Text(std::mem::take(&mut plain)));
            }
            parts.push(TemplatePart::Variable(variable(name)?.to_owned()));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(TemplatePart::Text(plain));
        }
        Ok(Self {
            text: text.to_owned(),
            parts,
        })
    }

    /// The template as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its variables, in order; one that is used twice comes twice.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                TemplatePart::Text(_) => None,
                TemplatePart::Variable(name) => Some(name.as_str()),
            })
    }
}

/// Python's own notation has more behind a name; Flywheel's engine takes none of it.
fn variable(name: &str) -> Result<&str, String> {
    if name.is_empty() {
        return Err("`{}` names nothing".to_owned());
    }
    if name.contains('{') {
        return Err("a `{` cannot be written in an output".to_owned());
    }
    if !name
        .chars()
        .all(|c| c == '_' || c.is_alphanumeric())
    {
        return Err("a variable is the name of a group or a keyword, nothing else".to_owned());
    }
    Ok(name)
}

/// The attribute that a variable names.
pub fn tag_of(variable: &str) -> Option<Tag> {
    standard::tag_of_keyword_any_case(variable).map(|(tag, _)| tag)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_split_into_parts() {
        let template = Template::new("a{b}-{PatientID}}}c").unwrap();
        let text = |text: &str| TemplatePart::Text(text.to_owned());
        let variable = |name: &str| TemplatePart::Variable(name.to_owned());
        assert_eq!(
            template.parts,
            [
                text("a"),
                variable("b"),
                text("-"),
                variable("PatientID"),
                text("}c")
            ]
        );
        assert_eq!(template.variables().collect::<Vec<_>>(), ["b", "PatientID"]);
        assert_eq!(Template::new("").unwrap().parts, []);
    }

    #[test]
    fn templates_that_flywheel_does_not_read_are_refused() {
        for wrong in [
            "{", "}", "a{b", "{}", "{{a}}", "{a!r}", "{a:5}", "{a.b}", "{a}}",
        ] {
            assert!(Template::new(wrong).is_err(), "{wrong}");
        }
    }
}
