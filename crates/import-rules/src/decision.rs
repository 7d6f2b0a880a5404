//! What the rules decide for a file, in one object as JSON: the form in which decisions are shown
//! and compared. It holds values, and is written only where values were asked for.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::file::FileFields;
use super::filter::NotTaken;
use super::header::{CleanedHeader, OriginalHeader};
use super::rule::{Choice, Extracted, RuleSet, Settings};
use super::target::Target;
use super::value::Value;

/// What the rules decide for one file.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The file's path, of members with `::` behind the archive's.
    pub path: String,
    /// Which rule takes the file.
    pub choice: Choice,
    kind: Option<String>,
    level: Option<&'static str>,
    group: Option<String>,
    /// What the rule made of it; none where no rule takes it or something is wrong.
    pub extracted: Option<Extracted>,
    /// Why the file cannot be uploaded, though a rule takes it.
    pub error: Option<String>,
}

/// Shown instead of a group's text where that holds values of the original header.
const HIDDEN_GROUP: &str = "(by values of the header)";

impl Decision {
    /// Decides for a file: the original header chooses the rule, the cleaned one gives values.
    pub fn of(
        rules: &RuleSet,
        file: &FileFields,
        original: Option<&dyn OriginalHeader>,
        cleaned: Option<&dyn CleanedHeader>,
        settings: &Settings,
    ) -> Self {
        let mut decision = Self {
            path: file.path(),
            choice: Choice::None(Vec::new()),
            kind: None,
            level: None,
            group: None,
            extracted: None,
            error: None,
        };
        match rules.choose(file, original, &settings.zone) {
            Ok(choice) => decision.choice = choice,
            Err(error) => {
                decision.choice = Choice::Rule(error.rule, Vec::new());
                decision.error = Some(error.to_string());
                return decision;
            }
        }
        let Some(rule) = decision
            .choice
            .rule()
            .and_then(|number| rules.rules().get(number))
        else {
            return decision;
        };
        decision.kind = rule
            .kind()
            .name()
            .map(str::to_owned);
        decision.level = Some(rule.level().name());
        let hidden = rule
            .group_by
            .as_ref()
            .is_some_and(super::template::GroupTemplate::sees_header);
        let group = if hidden {
            Ok(Some(HIDDEN_GROUP.to_owned()))
        } else {
            rule.group_text(file, original)
        };
        match group.and_then(|group| {
            decision.group = group;
            rule.extract(file, cleaned, settings)
        }) {
            Ok(extracted) => decision.extracted = Some(extracted),
            Err(error) => decision.error = Some(error.to_string()),
        }
        decision
    }

    /// Whether a rule takes the file and nothing is wrong with it. Labels may be missing.
    pub fn is_included(&self) -> bool {
        self.extracted.is_some()
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("path", &self.path)?;
        map.serialize_entry("rule", &self.choice.rule())?;
        map.serialize_entry("include", &self.is_included())?;
        if let Some(level) = self.level {
            map.serialize_entry("type", &self.kind)?;
            map.serialize_entry("level", level)?;
            map.serialize_entry("group", &self.group)?;
        } else {
            map.serialize_entry("why", &self.reasons())?;
        }
        if let Some(extracted) = &self.extracted {
            map.serialize_entry("fields", &Fields(extracted))?;
            map.serialize_entry("from", &Origins(extracted))?;
            if let Some(name) = &extracted.member_name {
                map.serialize_entry("member_name", name)?;
            }
            if !extracted.missing.is_empty() {
                let missing: Vec<_> = extracted
                    .missing
                    .iter()
                    .map(Target::name)
                    .collect();
                map.serialize_entry("missing", &missing)?;
            }
        }
        if let Some(error) = &self.error {
            map.serialize_entry("error", error)?;
        }
        map.end()
    }
}

impl Decision {
    /// Of each rule, why it does not take the file.
    pub fn reasons(&self) -> Vec<String> {
        match &self.choice {
            Choice::Rule(_, passed) | Choice::None(passed) => passed
                .iter()
                .enumerate()
                .map(|(number, reason)| format!("rule {}: {}", number + 1, said(reason)))
                .collect(),
            Choice::OutsidePrefixes => vec!["outside of `scan_params.prefixes`".to_owned()],
        }
    }
}

fn said(reason: &NotTaken) -> String {
    match reason {
        NotTaken::NotIncluded => "no filter of `include` fits".to_owned(),
        NotTaken::Excluded(filter) => format!("filter {} of `exclude` fits", filter + 1),
        NotTaken::MembersOnly => "it is for members of archives".to_owned(),
    }
}

struct Fields<'a>(&'a Extracted);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.metadata.iter();
        serializer.collect_map(
            fields.map(|(target, field)| -> (String, &Value) { (target.name(), &field.value) }),
        )
    }
}

struct Origins<'a>(&'a Extracted);

impl Serialize for Origins<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.metadata.iter();
        serializer
            .collect_map(fields.map(|(target, field)| (target.name(), field.origin.to_string())))
    }
}
