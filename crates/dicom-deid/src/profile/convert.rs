//! From one language to another, without loss: on the document's tree, not on its meaning, so that
//! nothing is lost. What was written is read back, and must say the
//! same.

use serde_json::{Map, Value};

use super::document::{Document, Language};
use super::tree::{Entry, Node, NodeKind, Problem, shown};
use super::vocabulary::DICOM;
use super::{emit, json};
use crate::error::ProfileError;

/// Keys whose values are as secret as what they protect.
const SECRETS: &[&str] = &["salt", "secret-key"];

/// A document in another language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The text.
    pub text: String,
    /// What was spelled out or left out.
    pub remarks: Vec<String>,
    /// Whether a secret was left out.
    pub hides_secrets: bool,
}

/// A document's tree, what was spelled out or left out in it, and whether a secret was.
type Translated = (Map<String, Value>, Vec<String>, bool);

/// What a translation is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ConversionPurpose {
    /// A file that replaces the other.
    File,
    /// Something to look at: what the language cannot express is named in a remark.
    Display { secrets: bool },
}

impl Document {
    /// The document in this language.
    ///
    /// # Errors
    /// A profile that is not valid, or that the language cannot express; and a text that does not
    /// read back as it should.
    pub fn convert(&self, to: Language) -> Result<Converted, ProfileError> {
        let profile = self.profile()?;
        let (map, remarks, hides_secrets) = self
            .translated(to, ConversionPurpose::File)
            .map_err(|problem| self.error(problem))?;
        let text = emit::document(&map, to);
        let differs = |why: String| {
            ProfileError::defect(
                "what was written does not read back as the same profile; it is not kept",
            )
            .because(why)
        };
        let back = self
            .respelled(&text, to)
            .map_err(|error| differs(error.to_string()))?;
        let (again, ..) = back
            .translated(to, ConversionPurpose::File)
            .map_err(|problem| differs(back.error(problem).to_string()))?;
        if again != map {
            return Err(differs("a value came back changed".to_owned()));
        }
        let (identity, written) = (
            profile.identity(),
            back.profile()
                .map_err(|error| differs(error.to_string()))?
                .identity(),
        );
        if identity != written {
            return Err(differs(format!(
                "{} instead of {}",
                written.digest, identity.digest
            )));
        }
        Ok(Converted {
            text,
            remarks,
            hides_secrets,
        })
    }

    /// The document in a language, to look at: secrets only on request, and what the language
    /// cannot express named in a remark.
    ///
    /// # Errors
    /// Only those of a document that is no profile.
    pub fn shown(&self, language: Language, secrets: bool) -> Result<Converted, ProfileError> {
        let (map, remarks, hides_secrets) = self
            .translated(language, ConversionPurpose::Display { secrets })
            .map_err(|problem| self.error(problem))?;
        Ok(Converted {
            text: emit::document(&map, language),
            remarks,
            hides_secrets,
        })
    }

    /// What a field does, spelled as in TOML on one line, without its selector.
    pub fn field_options(&self, index: usize) -> String {
        let field = self
            .dicom_setting("fields")
            .and_then(|fields| {
                fields
                    .items("fields")
                    .ok()?
                    .get(index)
            });
        let entries = field
            .and_then(|field| field.entries("a field").ok())
            .unwrap_or_default();
        let texts = entries
            .iter()
            .filter(|entry| entry.key != "name" && entry.key != "regex")
            .filter_map(|entry| {
                let value = as_json(&entry.value, &entry.key)?;
                Some(format!("{} = {}", entry.key, emit::inline(&value)))
            });
        emit::joined(texts)
    }

    /// What a setting of the `dicom` section is written as, as TOML.
    pub(super) fn setting(&self, key: &str) -> Option<String> {
        let value = as_json(self.dicom_setting(key)?, key)?;
        Some(in_words(&value))
    }

    fn dicom_setting(&self, key: &str) -> Option<&Node> {
        self.root.find("dicom")?.find(key)
    }

    fn translated(&self, to: Language, purpose: ConversionPurpose) -> Result<Translated, Problem> {
        let mut translation = Translation::new(to, purpose);
        let mut map = Map::new();
        // Without a name of its own it goes by that of its file, and another file may have another.
        let is_unnamed = self.root.given("name").is_none();
        if is_unnamed {
            map.insert("name".to_owned(), self.fallback_name.clone().into());
            translation.remarks.push(
                "the document has no `name`; it is written with the one that it goes by".to_owned(),
            );
        }
        for entry in self.root.entries("a profile")? {
            if entry.key != "name" || !is_unnamed {
                translation.entry(entry, "", &mut map)?;
            }
        }
        Ok((map, translation.remarks, translation.hides_secrets))
    }
}

/// A value as JSON, where JSON has it.
fn as_json(node: &Node, path: &str) -> Option<Value> {
    Translation::new(Language::Json, ConversionPurpose::File)
        .value(node, path)
        .ok()
}

/// A value as TOML, for messages.
pub fn in_words(value: &Value) -> String {
    if value.is_null() {
        "not set".to_owned()
    } else {
        emit::inline(value)
    }
}

/// Whether the value of this key must not be shown.
pub fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key)
}

/// A translation under way.
struct Translation {
    to: Language,
    purpose: ConversionPurpose,
    remarks: Vec<String>,
    hides_secrets: bool,
}

impl Translation {
    fn new(to: Language, purpose: ConversionPurpose) -> Self {
        Self {
            to,
            purpose,
            remarks: Vec::new(),
            hides_secrets: false,
        }
    }

    fn entry(
        &mut self,
        entry: &Entry,
        section: &str,
        into: &mut Map<String, Value>,
    ) -> Result<(), Problem> {
        let path = if section.is_empty() {
            entry.key.clone()
        } else {
            format!("{section}.{}", entry.key)
        };
        if self.purpose == (ConversionPurpose::Display { secrets: false })
            && is_secret(&entry.key)
            && !entry.value.is_null()
        {
            self.remarks
                .push(format!("`{}` is set, and not shown", shown(&path)));
            self.hides_secrets = true;
            return Ok(());
        }
        if self.to != Language::Toml
            && self.purpose == ConversionPurpose::File
            && section == "dicom"
            && DICOM.is_own_section(&entry.key)
        {
            let problem = entry.problem(format!("`{}` can only be written in TOML", shown(&path)));
            return Err(problem.with_hint(
                "Flywheel knows no such section: keep the profile as TOML, or take the section out",
            ));
        }
        if entry.value.is_null() && self.to == Language::Toml {
            return self.null(entry, section, &path, into);
        }
        let value = self.value(&entry.value, &path)?;
        into.insert(entry.key.clone(), value);
        Ok(())
    }

    /// TOML has no null. Where null means that the key might as well not be there, it is left out.
    fn null(
        &mut self,
        entry: &Entry,
        section: &str,
        path: &str,
        into: &mut Map<String, Value>,
    ) -> Result<(), Problem> {
        let is_value = entry.key == "replace-with";
        let foreign = !section.is_empty() && section != "dicom" && !section.starts_with("dicom.");
        match self.purpose {
            ConversionPurpose::Display { .. } if is_value => {
                self.remarks.push(format!(
                    "`{}` is null, which does nothing and is shown as `keep`",
                    shown(path)
                ));
                into.insert("keep".to_owned(), true.into());
            }
            ConversionPurpose::File if is_value || foreign => {
                let problem =
                    entry.problem(format!("`{}` is null, which TOML cannot say", shown(path)));
                let hint = if is_value {
                    "`replace-with: null` does nothing: write `keep: true`"
                } else {
                    "take the key out"
                };
                return Err(problem.with_hint(hint));
            }
            _ => self.remarks.push(format!(
                "`{}` is null, which is as if it were not there; TOML has no null",
                shown(path)
            )),
        }
        Ok(())
    }

    fn value(&mut self, node: &Node, path: &str) -> Result<Value, Problem> {
        Ok(match &node.kind {
            NodeKind::Null if self.to != Language::Toml => Value::Null,
            NodeKind::Null | NodeKind::Unquoted(_) if self.purpose != ConversionPurpose::File => {
                self.remarks.push(format!(
                    "`{}` is {}, which is shown as text",
                    shown(path),
                    node.describe()
                ));
                node.describe().into()
            }
            NodeKind::Null => {
                return Err(node.problem(format!(
                    "`{}` holds null, which TOML cannot say",
                    shown(path)
                )));
            }
            NodeKind::Unquoted(what) => {
                let problem = node.problem(format!(
                    "`{}` is {what}, which cannot be carried over",
                    shown(path)
                ));
                return Err(problem.with_hint("put it in quotes"));
            }
            // A tag that is written as a number would not be one in every language.
            NodeKind::Integer(number, _)
                if path.starts_with("dicom.fields[") && path.ends_with("].name") =>
            {
                format!("{number:08X}").into()
            }
            NodeKind::List(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| self.value(item, &format!("{path}[{index}]")))
                    .collect::<Result<_, _>>()?
            }
            NodeKind::Map(entries) => {
                let mut map = Map::new();
                for entry in entries {
                    self.entry(entry, path, &mut map)?;
                }
                Value::Object(map)
            }
            NodeKind::Bool(_) | NodeKind::Integer(..) | NodeKind::Float(_) | NodeKind::Text(_) => {
                json::value(node)?
            }
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ALL: [Language; 3] = [Language::Toml, Language::Yaml, Language::Json];

    fn document(text: &str, language: Language) -> Document {
        Document::parse(text, language, "p", "p").unwrap()
    }

    fn yaml(text: &str) -> Document {
        document(text, Language::Yaml)
    }

    fn complaint(document: &Document, to: Language) -> String {
        let error = document.convert(to).unwrap_err();
        format!(
            "{} | {}",
            error.what,
            error
                .remedy
                .as_deref()
                .unwrap_or_default()
        )
    }

    /// What Flywheel profiles hold, in one.
    const EVERYTHING: &str = r#"
description: "two lines\nof text"
name: everything
dicom:
  date-increment: -17.5
  salt: "00123"
  hash-digits: 0
  patient-age-from-birthdate: yes
  file-filter: ["*.dcm", '*.IMA']
  fields:
    - {name: PatientName, replace-with: "it's \"X\""}
    - {name: 0x00100020, hash: true}
    - {name: '00080018', hashuid: true}
    - name: (0009, "GEMS_IDEN_01", 01)
    - {regex: '^(?P<a>Study|\d+)\.Date$', increment-date: true, date-increment-override: 0, date-format: '%Y%m%d'}
    - {name: PatientWeight, replace-with: [70, 1.5, 1.0], replace-with-insert: false}
    - {name: StudyID, replace-with: "yes"}
    - {name: AccessionNumber, replace-with: "1_000"}
    - {name: StudyDescription, replace-with: "A very long description that does not fit on one line any more, whatever is done to the rest of the line"}
    - {name: OtherPatientIDsSequence.*.PatientID, remove: true}
    - {name: PatientSize, jitter: true, jitter-range: 0.5, jitter-min: 0}
    - name: SeriesDescription
      regex-sub:
        - input-regex: '^(?P<head>[^ ]+) (?P<tail>.*)$'
          output: '{head}-{tail}-{Modality}'
          groups: [{name: tail, hash: true}, {name: Modality, keep: true}]
  filenames:
    - {output: '{stem}_{SOPInstanceUID}.dcm', input-regex: '^(?P<stem>[^/]+)\.dcm$', groups: [{name: stem, hash: true}]}
  alter_pixels:
    pixels:
      - {when: "contains Modality CT", remove: [0, 0, 8, 8]}
csv: {delimiter: "\t", "odd key": [1, [2, "2004-01-19"], {x: "12:30:00"}], empty: {}, none: []}
"#;

    #[test]
    fn every_language_says_everything_and_reads_back() {
        let first = yaml(EVERYTHING);
        for one in ALL {
            let text = first.convert(one).unwrap().text;
            let second = document(&text, one);
            for other in ALL {
                let third = document(&second.convert(other).unwrap().text, other);
                assert_eq!(
                    third.profile().unwrap().digest(),
                    first.profile().unwrap().digest(),
                    "{one:?} to {other:?}"
                );
                assert_eq!(
                    third.translated(Language::Json, ConversionPurpose::File),
                    first.translated(Language::Json, ConversionPurpose::File)
                );
            }
        }
    }

    #[test]
    fn each_language_looks_as_if_written_by_hand() {
        insta::assert_snapshot!(
            "toml",
            yaml(EVERYTHING)
                .convert(Language::Toml)
                .unwrap()
                .text
        );
        insta::assert_snapshot!(
            "yaml",
            yaml(EVERYTHING)
                .convert(Language::Yaml)
                .unwrap()
                .text
        );
    }

    #[test]
    fn what_older_yaml_would_misread_is_quoted() {
        let words = [
            "00100010",
            "yes",
            "NO",
            "on",
            "y",
            "~",
            "null",
            "1_000",
            "2004-01-19",
            "12:30",
            "0x10",
            "1e5",
            "-",
            "",
            " x",
            "a: b",
        ];
        let document = document(&json!({ "csv": words }).to_string(), Language::Json);
        let text = document
            .convert(Language::Yaml)
            .unwrap()
            .text;
        for word in words {
            assert!(text.contains(&format!("'{word}'")), "{word} in\n{text}");
        }
    }

    #[test]
    fn null_is_left_out_of_toml_where_it_means_nothing_and_refused_elsewhere() {
        let absent = yaml(
            "name: p\ndescription: null\ndicom: \
                {salt: null, fields: [{name: PatientID, hash: true}]}",
        );
        let converted = absent
            .convert(Language::Toml)
            .unwrap();
        assert!(
            !converted.text.contains("salt") && converted.remarks.len() == 2,
            "{converted:?}"
        );
        assert!(
            absent
                .convert(Language::Json)
                .unwrap()
                .text
                .contains("\"salt\": null")
        );
        let value = yaml("name: p\ndicom:\n  fields:\n    - {name: PatientID, replace-with: null}");
        assert_eq!(
            complaint(&value, Language::Toml),
            "profile p:4:25: `dicom.fields[0].replace-with` is null, which TOML cannot say | \
                `replace-with: null` does nothing: write `keep: true`"
        );
        assert!(
            complaint(&yaml("name: p\ncsv: {a: [null]}"), Language::Toml)
                .contains("`csv.a[0]` holds null")
        );
        assert!(
            complaint(&yaml("name: p\ncsv: {a: null}"), Language::Toml).contains("`csv.a` is null")
        );
        assert!(
            complaint(&yaml("name: p\ncsv: {a: 2004-01-19}"), Language::Json)
                .contains("`csv.a` is a date")
        );
    }

    #[test]
    fn sections_that_only_toml_has_stay_in_toml() {
        let sections = [
            ("confidentiality", ""),
            ("dates", "unparseable = \"remove\""),
            ("pseudonyms", "width = 16"),
            ("residual", "on-leak = \"warn\""),
        ];
        let asked = "name = \"p\"\n[dicom.confidentiality]\nprofile = \"basic\"\noptions = \
            [\"retain-uids\"]\n";
        for (section, setting) in sections.into_iter().skip(1) {
            let text = format!("{asked}[dicom.{section}]\n{setting}\n");
            let kept = document(&text, Language::Toml)
                .convert(Language::Toml)
                .unwrap()
                .text;
            assert!(
                kept.contains(&format!("[dicom.{section}]\n{setting}"))
                    && kept.contains("retain-uids"),
                "{kept}"
            );
        }
        for to in [Language::Yaml, Language::Json] {
            assert_eq!(
                complaint(&document(asked, Language::Toml), to),
                "profile p:2:8: `dicom.confidentiality` can only be written in TOML | \
                 Flywheel knows no such section: keep the profile as TOML, or take the section out"
            );
            let residual = "name = \"p\"\n[dicom.residual]\nmin-length = 5\n";
            assert!(
                complaint(&document(residual, Language::Toml), to)
                    .contains("`dicom.residual` can only be written in TOML")
            );
        }
        // A server may hold them all the same.
        let held =
            yaml("name: p\ndicom: {confidentiality: {profile: basic, options: [retain-uids]}}");
        let toml = held
            .convert(Language::Toml)
            .unwrap();
        assert_eq!(
            document(&toml.text, Language::Toml)
                .profile()
                .unwrap()
                .digest(),
            held.profile().unwrap().digest()
        );
        assert!(
            held.shown(Language::Json, false)
                .unwrap()
                .text
                .contains("confidentiality")
        );
    }

    #[test]
    fn an_invalid_profile_is_refused_with_its_position() {
        let said = complaint(
            &yaml("name: p\ndicom:\n  fields:\n    - {name: PatientNam, remove: true}"),
            Language::Toml,
        );
        assert!(
            said.starts_with("profile p:4:14: `PatientNam` names no attribute"),
            "{said}"
        );
    }

    #[test]
    fn a_document_keeps_the_name_that_it_goes_by() {
        let converted = yaml("dicom: {fields: [{name: PatientID, hash: true}]}")
            .convert(Language::Toml)
            .unwrap();
        assert!(
            converted
                .text
                .starts_with("name = \"p\"\n"),
            "{}",
            converted.text
        );
    }

    #[test]
    fn secrets_are_shown_only_when_asked_for() {
        let document = yaml(
            "name: p\ndicom: {salt: PEPPER, fields: [{name: PatientID, hash: true}]}\ncsv: \
                {salt: PEPPER}",
        );
        for language in ALL {
            let shown = document
                .shown(language, false)
                .unwrap();
            assert!(
                !shown.text.contains("PEPPER") && shown.remarks.len() == 2,
                "{}",
                shown.text
            );
            assert!(
                document
                    .shown(language, true)
                    .unwrap()
                    .text
                    .contains("PEPPER")
            );
        }
    }

    #[test]
    fn what_a_language_cannot_express_is_shown_with_a_remark() {
        let document = yaml(
            "name: p\ndicom: {fields: [{name: PatientID, replace-with: null}]}\ncsv: \
                {a: [null, 2004-01-19]}",
        );
        let shown = document
            .shown(Language::Toml, false)
            .unwrap();
        assert!(
            shown.text.contains("keep = true") && shown.remarks.len() == 3,
            "{shown:?}"
        );
        Document::parse(&shown.text, Language::Toml, "p", "p").unwrap();
    }

    #[test]
    fn text_that_could_steer_a_terminal_is_escaped() {
        let document = document(
            &json!({ "csv": { "a\u{1b}": "\u{202e}x\u{1b}[2J\u{85}\u{1d173}" } }).to_string(),
            Language::Json,
        );
        for language in [Language::Toml, Language::Yaml] {
            let text = document
                .convert(language)
                .unwrap()
                .text;
            assert!(
                dicom_lossless::escape_for_terminal(&text.replace('\n', ""))
                    == text.replace('\n', ""),
                "{text}"
            );
        }
    }

    /// Any value that all languages have.
    fn value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[ -~\n\t]{0,80}",
            "[-+0-9_.:eExXoO]{1,12}",
            "(yes|no|on|off|null|true|~|nan|y|-.inf)"
        ];
        let key = prop_oneof!["[a-z-]{1,8}", "[ -~]{0,9}", "\\PC{0,5}"]
            .prop_filter("`<<` merges", |key| key != "<<");
        let leaf = prop_oneof![
            text.prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_reads_back(value in value(), salt in any::<String>(), description in "[ -~\n]{0,60}") {
            let written = json!({
                "description": description, "csv": value,
                "dicom": { "salt": salt, "fields": [{ "name": "PatientID", "replace-with": salt }] },
            });
            let document = document(&written.to_string(), Language::Json);
            for language in ALL {
                let converted = document.convert(language);
                prop_assert!(converted.is_ok(), "{language:?}: {:?}", converted);
            }
        }
    }
}
