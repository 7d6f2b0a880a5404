//! The de-identification setting of one level of the server: none, switched off, or a profile.
//!
//! Owns that decision, which is made nowhere else. What is none of the three is invalid.

use serde::Deserialize;
use serde_json::Value;

use super::document::{Document, error};
use super::json::{Json, check_keys};
use super::model::Profile;
use super::tree::{Node, NodeKind, Problem, shown};
use super::yaml;
use crate::error::ProfileError;
use dicom_lossless::escape_for_terminal;

/// The setting that holds the profile.
const SETTING: &str = "deid_profile";

/// The setting of one level.
pub enum Served {
    /// No profile: the next level counts.
    Nothing,
    /// A profile with an empty list of fields, which switches de-identification off.
    OptsOut,
    /// A profile, checked.
    Profile(Box<(Document, Profile)>),
}

impl Served {
    /// Reads the settings of a level (`project`, `group`, `site`).
    ///
    /// # Errors
    /// `profile.invalid`, naming the level: a profile that is not valid, or an answer that is
    /// neither one nor none.
    pub fn read(settings: &Json, level: &str) -> Result<Self, ProfileError> {
        let origin = origin(level);
        let Some(stated) = stated(&settings.0).map_err(|problem| error(problem, &origin))? else {
            return Ok(Self::Nothing);
        };
        let Some((document, profile)) = document(stated, level)? else {
            return Ok(Self::Nothing);
        };
        if !profile.is_empty() {
            return Ok(Self::Profile(Box::new((document, profile))));
        }
        match document
            .root
            .find("dicom")
            .and_then(|dicom| dicom.find("fields"))
            .map(|fields| &fields.kind)
        {
            Some(NodeKind::List(fields)) if fields.is_empty() => Ok(Self::OptsOut),
            _ => {
                let problem = document.root.problem(
                    "nothing in it changes a DICOM file, and it does not say that this is meant",
                );
                let hint = "have a rule with an action added, or `dicom` set to \
                    `{\"fields\": []}` where nothing is to be de-identified";
                Err(error(problem.with_hint(hint), &origin))
            }
        }
    }
}

fn origin(level: &str) -> String {
    format!("of the {}", escape_for_terminal(level))
}

/// What stands under `deid_profile`; none where it is absent or null.
fn stated(settings: &Node) -> Result<Option<Node>, Problem> {
    let NodeKind::Map(entries) = &settings.kind else {
        return Err(settings.problem(format!(
            "the settings are {} instead of a section",
            settings.describe()
        )));
    };
    let resembles = |key: &str| {
        key.chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .eq("deidprofile".chars())
    };
    if let Some(odd) = entries
        .iter()
        .find(|entry| entry.key != SETTING && resembles(&entry.key))
    {
        let problem = odd.problem(format!("the settings have the key `{}`", shown(&odd.key)));
        return Err(problem.with_hint(format!("have it called `{SETTING}`, or taken out")));
    }
    let mut keys: Vec<_> = entries
        .iter()
        .map(|entry| entry.key.as_str())
        .collect();
    keys.sort_unstable();
    if let Some((twice, _)) = keys
        .iter()
        .zip(keys.iter().skip(1))
        .find(|(one, next)| one == next)
    {
        return Err(settings.problem(format!(
            "the settings have the key `{}` twice",
            shown(twice)
        )));
    }
    Ok(settings.given(SETTING).cloned())
}

/// The profile that a `deid_profile` is, every key of it checked; none where it has no `dicom`
/// section, or nothing in it.
fn document(stated: Node, level: &str) -> Result<Option<(Document, Profile)>, ProfileError> {
    let origin = origin(level);
    // The server takes the document as text as well as parsed.
    let (root, is_text) = match &stated.kind {
        NodeKind::Text(text) => (yaml::parse(text), true),
        _ => (check_keys(&stated).map(|()| stated), false),
    };
    let document = Document::served(
        root.map_err(|problem| error(problem, &origin))?,
        origin.clone(),
    );
    let profile = document.profile()?;
    let empty = |dicom: &Node| {
        dicom.is_null() || matches!(&dicom.kind, NodeKind::Map(entries) if entries.is_empty())
    };
    match document.root.find("dicom") {
        Some(dicom) if !empty(dicom) => Ok(Some((document, profile))),
        _ if is_text => Err(error(
            document
                .root
                .problem("it is a text without a `dicom` section"),
            &origin,
        )),
        _ => Ok(None),
    }
}

impl Document {
    /// The document that a `deid_profile` is, or that settings hold, `level` saying whose it is.
    /// None where it has no section for DICOM.
    ///
    /// # Errors
    /// `profile.invalid`.
    pub fn from_server_json(value: &Value, level: &str) -> Result<Option<Self>, ProfileError> {
        // Every `Value` can be read so.
        let Json(node) = Json::deserialize(value).unwrap_or_default();
        let stated = node
            .find(SETTING)
            .cloned()
            .unwrap_or(node);
        if stated.is_null() {
            return Ok(None);
        }
        Ok(document(stated, level)?.map(|(document, _)| document))
    }
}

/// [`Document::from_server_json`], with its meaning.
///
/// # Errors
/// Those.
pub fn from_server_json(value: &Value, level: &str) -> Result<Option<Profile>, ProfileError> {
    Document::from_server_json(value, level)?
        .map(|document| document.profile())
        .transpose()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::ProfileErrorKind;

    const RULES: &str = r#"{"fields":[{"name":"PatientName","remove":true}]}"#;

    /// What the settings say in a word, or the error.
    fn said(settings: &str) -> Result<&'static str, ProfileError> {
        let settings: Json = serde_json::from_str(settings).unwrap();
        Served::read(&settings, "group").map(|served| match served {
            Served::Nothing => "nothing",
            Served::OptsOut => "opts out",
            Served::Profile(_) => "profile",
        })
    }

    fn of(profile: &str) -> String {
        format!(
            r#"{{"center_gears":[],"deid_profile":{}}}"#,
            profile.replace("RULES", RULES)
        )
    }

    #[test]
    fn a_level_says_nothing_only_in_these_ways() {
        for settings in ["{}", r#"{"center_gears":[],"created":"now"}"#] {
            assert_eq!(said(settings).unwrap(), "nothing", "{settings}");
        }
        for profile in [
            "null",
            "{}",
            r#"{"dicom":null}"#,
            r#"{"dicom":{}}"#,
            r#"{"name":"x","description":null}"#,
            r#"{"name":"tables","csv":{"fields":[]},"zip":null,"secret-key":"k","version":1,"only-config-profiles":true}"#,
            r#"{"map-subjects":"a.csv","deid-log":"b.csv","export":{},"dicom":{}}"#,
        ] {
            assert_eq!(said(&of(profile)).unwrap(), "nothing", "{profile}");
        }
    }

    #[test]
    fn an_empty_list_of_fields_opts_out_and_a_profile_is_one() {
        for profile in [
            r#"{"dicom":{"fields":[]}}"#,
            r#"{"name":"none","dicom":{"fields":[]}}"#,
            r#""dicom: {fields: []}""#,
        ] {
            assert_eq!(said(&of(profile)).unwrap(), "opts out", "{profile}");
        }
        for profile in [
            r#"{"dicom":RULES}"#,
            r#"{"dicom":{"fields":[],"remove-private-tags":true}}"#,
            r#"{"dicom":{"remove-private-tags":true}}"#,
            r#""dicom:\n  fields:\n  - {name: PatientName, remove: true}\n""#,
        ] {
            assert_eq!(said(&of(profile)).unwrap(), "profile", "{profile}");
        }
    }

    #[test]
    fn everything_else_is_invalid_and_names_the_level() {
        let odd = [
            "true",
            "false",
            "0",
            "1.5",
            "[]",
            "[RULES]",
            r#""""#,
            r#"" ""#,
            r#""none""#,
            r#""{}""#,
            r#""null""#,
            r#""name: x""#,
            r#""dicom: [""#,
            r#""dicom: {fields: [], fields: []}""#,
            r#"{"dicom":[]}"#,
            r#"{"dicom":[RULES]}"#,
            r#"{"dicom":false}"#,
            r#"{"dicom":0}"#,
            r#"{"dicom":""}"#,
            r#"{"dicom":"remove"}"#,
            r#"{"Dicom":RULES}"#,
            r#"{"DICOM":RULES}"#,
            r#"{"dicom ":RULES}"#,
            r#"{"profile":{"dicom":RULES}}"#,
            r#"{"deid_profile":{"dicom":RULES}}"#,
            r#"{"deid-profiles":[{"dicom":RULES}]}"#,
            r#"{"fields":[]}"#,
            r#"{"dicom":RULES,"dicom":null}"#,
            r#"{"dicom":null,"dicom":RULES}"#,
            r#"{"name":"x","name":"y"}"#,
            r#"{"dicom":{"fields":[],"fields":[{"name":"PatientName","remove":true}]}}"#,
            r#"{"dicom":{"fields":[{"name":"PatientName","remove":true,"remove":true}]}}"#,
            r#"{"dicom":{"fields":null}}"#,
            r#"{"dicom":{"fields":{}}}"#,
            r#"{"dicom":{"Fields":[]}}"#,
            r#"{"dicom":{"date-increment":-17}}"#,
            r#"{"dicom":{"fields":[{"name":"PatientName"}]}}"#,
            r#"{"dicom":{"fields":[{"name":"PatientName","replace-with":null}]}}"#,
        ];
        let key_twice = format!(r#"{{"deid_profile":{{"dicom":{RULES}}},"deid_profile":null}}"#);
        let other_twice = r#"{"center_gears":[],"center_gears":[]}"#.to_owned();
        let misspelt = [
            "Deid_Profile",
            "deid-profile",
            "deid_profile ",
            "deidProfile",
        ]
        .map(|key| format!(r#"{{"{key}":{{"dicom":{RULES}}}}}"#));
        let settings = ["null", "[]", "7", "true", r#""""#].map(str::to_owned);
        let all = odd
            .into_iter()
            .map(of)
            .chain([key_twice, other_twice])
            .chain(misspelt)
            .chain(settings);
        for settings in all {
            let error = said(&settings)
                .map(|said| panic!("{settings}: {said}"))
                .unwrap_err();
            assert_eq!(error.kind, ProfileErrorKind::Invalid, "{settings}");
            assert!(
                error.what.contains("of the group"),
                "{settings}: {}",
                error.what
            );
        }
    }
}
