//! Finds a profile's text and makes every problem in it an error that says where.

use std::path::Path;

use super::model::Profile;
use super::tree::{Kind, Node, Problem};
use super::{builtin, builtin_names, json, read, toml, yaml};
use crate::failure::{Error, RunCode};
use crate::phi::{display_path, escape_for_terminal};

/// No profile is as long as this.
const LONGEST: u64 = 8 << 20;

/// The language of a profile's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Toml,
    Yaml,
    Json,
}

impl Language {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The built-in profile of this name, else the profile in this file: TOML, YAML or JSON by its extension.
pub fn load(name_or_path: &str) -> Result<Profile, Error> {
    Document::load(name_or_path)?.profile()
}

/// A profile as it was written, not yet checked for what it means.
#[derive(Clone)]
pub struct Document {
    pub(super) root: Node,
    /// How messages name it.
    origin: String,
    /// Its name if it does not say one itself.
    fallback_name: String,
}

impl Document {
    /// Reads a built-in profile or a file; what fails is whatever is no TOML, YAML or JSON.
    pub fn load(name_or_path: &str) -> Result<Self, Error> {
        if let Some(text) = builtin(name_or_path) {
            return Self::parse(text, Language::Toml, name_or_path, name_or_path);
        }
        let path = Path::new(name_or_path);
        let shown = display_path(path);
        let Some(language) = Language::of(path) else { return Err(not_found(name_or_path, &shown)) };
        let text = read_file(path).map_err(|why| {
            Error::new(RunCode::ProfileInvalid, format!("the profile {shown} cannot be read: {why}"))
                .with_hint(format!("name a file, or a built-in profile: {}", names()))
        })?;
        let stem = path.file_stem().map(|stem| escape_for_terminal(&stem.to_string_lossy())).unwrap_or_default();
        Self::parse(&text, language, &shown, &stem)
    }

    /// The document in a server's answer, `level` saying whose it is (`project`, `group`, `site`). The value is the
    /// `deid_profile` itself, or settings that hold one. None where it has no `dicom` section, or nothing in it: then the
    /// next level counts. A section that is there and does nothing gives an empty profile.
    pub fn from_server_json(value: &serde_json::Value, level: &str) -> Result<Option<Self>, Error> {
        let origin = format!("of the {}", escape_for_terminal(level));
        let value = value.get("deid_profile").unwrap_or(value);
        // The server takes the document as text as well as parsed.
        let root = match value.as_str() {
            Some(text) => yaml::parse(text),
            None => json::from_value(value),
        };
        let root = root.map_err(|problem| error(problem, &origin))?;
        Ok(has_dicom(&root).then(|| Self { root, origin, fallback_name: "server_deid_profile".to_owned() }))
    }

    fn parse(text: &str, language: Language, origin: &str, fallback_name: &str) -> Result<Self, Error> {
        let tree = match language {
            Language::Toml => toml::parse(text),
            Language::Yaml => yaml::parse(text),
            Language::Json => json::parse(text),
        };
        let root = tree.map_err(|problem| error(problem, origin))?;
        Ok(Self { root, origin: origin.to_owned(), fallback_name: fallback_name.to_owned() })
    }

    /// What it means, every key checked.
    pub fn profile(&self) -> Result<Profile, Error> {
        read::profile(&self.root, &self.fallback_name).map_err(|problem| error(problem, &self.origin))
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LONGEST {
        return Err("it is too large for a profile".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn not_found(name: &str, shown: &str) -> Error {
    let close = builtin_names().find(|known| strsim::jaro_winkler(known, name) > 0.85);
    let hint = match close {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("built-in profiles: {}; a file ends in .toml, .yaml, .yml or .json", names()),
    };
    let what = format!("`{shown}` is neither a built-in profile nor a profile file");
    Error::new(RunCode::ProfileInvalid, what).with_hint(hint)
}

fn names() -> String {
    builtin_names().collect::<Vec<_>>().join(", ")
}

fn error(problem: Problem, origin: &str) -> Error {
    let place = if problem.place.line > 0 { format!(":{}:{}", problem.place.line, problem.place.column) } else { String::new() };
    let error = Error::new(RunCode::ProfileInvalid, format!("profile {origin}{place}: {}", problem.message));
    match problem.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The profile in a server's answer; see [`Document::from_server_json`].
pub fn from_server_json(value: &serde_json::Value, level: &str) -> Result<Option<Profile>, Error> {
    Document::from_server_json(value, level)?.map(|document| document.profile()).transpose()
}

fn has_dicom(root: &Node) -> bool {
    match &root.kind {
        Kind::Map(entries) => entries.iter().any(|entry| entry.key == "dicom" && !entry.value.is_falsy()),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::profile::{Action, Replacement, Scalar, Selector};

    fn parse(text: &str, language: Language, shown: &str, fallback_name: &str) -> Result<Profile, Error> {
        Document::parse(text, language, shown, fallback_name)?.profile()
    }

    fn yaml(text: &str) -> Result<Profile, Error> {
        parse(text, Language::Yaml, "p.yaml", "p")
    }

    fn field(field: &str) -> Result<Profile, Error> {
        yaml(&format!("name: p\ndicom:\n  date-increment: -17\n  fields:\n    - {field}\n"))
    }

    /// What is said about a wrong document, without the fixed parts.
    fn complaint(result: Result<Profile, Error>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.code, RunCode::ProfileInvalid);
        format!("{} | {}", error.what, error.hint())
    }

    #[test]
    fn the_three_languages_mean_the_same() {
        let toml = "name = \"p\"\n[dicom]\nsalt = \"s\"\nfields = [{ name = \"PatientID\", hash = true }, { name = 0x00100010, replace-with = [\"A\", \"B\"] }]";
        let yaml = "dicom:\n  fields:\n  - {hash: true, name: '(0010,0020)'}\n  - {name: 0x00100010, replace-with: [A, B]}\n  salt: s\nname: p\n";
        let json = r#"{"name":"p","dicom":{"fields":[{"name":"00100020","hash":true},{"name":"patientname","replace-with":["A","B"]}],"salt":"s"}}"#;
        let digest = parse(toml, Language::Toml, "p", "p").unwrap().digest();
        assert_eq!(parse(yaml, Language::Yaml, "p", "p").unwrap().digest(), digest);
        assert_eq!(parse(json, Language::Json, "p", "p").unwrap().digest(), digest);
        assert!(digest.starts_with("sha256:") && digest.len() == 71);
        assert_ne!(parse(&toml.replace("\"s\"", "\"t\""), Language::Toml, "p", "p").unwrap().digest(), digest);
    }

    #[test]
    fn builtin_profiles_load() {
        for name in builtin_names() {
            let profile = load(name).unwrap();
            assert_eq!(profile.name, name);
            assert!(!profile.is_empty() && profile.notes.is_empty(), "{name}: {:?}", profile.notes);
        }
        assert!(load("basik").unwrap_err().hint().contains("basic"));
        assert!(load("no-such.yaml").unwrap_err().what.contains("cannot be read"));
    }

    #[test]
    fn actions_and_options_are_read() {
        let profile = field("{name: StudyDate, increment-date: true, date-increment-override: 0}").unwrap();
        assert_eq!(profile.dicom.fields[0].action, Action::IncrementDate { days: Some(0.0), format: None });
        let profile = field("{name: StudyID, replace-with: null}").unwrap();
        assert!(profile.is_empty());
        let profile = field("{name: PatientWeight, replace-with: 70}").unwrap();
        assert_eq!(
            profile.dicom.fields[0].action,
            Action::ReplaceWith { value: Replacement::One(Scalar::Integer(70)), insert: None }
        );
        assert_eq!(field("{name: PatientID}").unwrap().dicom.fields[0].action, Action::Keep);
        let position = &profile.dicom.fields[0].position;
        assert_eq!((position.index, position.line), (0, Some(5)));
    }

    #[test]
    fn unquoted_tags_are_refused_with_the_tag_that_was_meant() {
        let said = complaint(field("{name: 00100010, remove: true}"));
        assert_eq!(
            said,
            "profile p.yaml:5:14: `name: 00100010` is read as a number and would mean (0000,8008), not PatientName | write \"00100010\" in quotes"
        );
        complaint(field("{name: 10010010, remove: true}"));
        assert!(matches!(field("{name: 0x00100010, remove: true}").unwrap().dicom.fields[0].selector, Selector::Tag(_)));
        // YAML that went through the server as JSON has lost its spelling.
        let server = |number: i64| from_server_json(&json!({"dicom": {"fields": [{"name": number, "remove": true}]}}), "site");
        assert!(server(0x0010_0020).is_ok());
        assert!(complaint(server(0o10_0010).map(Option::unwrap)).contains("not PatientName"));
    }

    #[test]
    fn errors_say_where_and_what_may_have_been_meant() {
        let said = complaint(yaml("name: p\ndicom:\n  recurse-sequences: true\n"));
        assert_eq!(said, "profile p.yaml:3:3: unknown key `recurse-sequences` | did you mean `recurse-sequence`?");
        let said = complaint(field("{name: PatientsName, remove: true}"));
        assert_eq!(said, "profile p.yaml:5:14: `PatientsName` names no attribute | did you mean `PatientName`?");
        assert!(complaint(field("{name: PatientID, hsah: true}")).contains("did you mean `hash`?"));
        let said = complaint(parse(
            "name = 'p'\n[dicom]\nfields = [\n  { name = 'PatientID', jitter = true },\n]",
            Language::Toml,
            "p.toml",
            "p",
        ));
        assert!(said.starts_with("profile p.toml:4:25: `jitter` is not carried out"), "{said}");
        assert!(complaint(parse("a = ", Language::Toml, "p.toml", "p")).starts_with("profile p.toml:1:"));
        assert!(complaint(parse("{\n\"a\": }", Language::Json, "p.json", "p")).starts_with("profile p.json:2:"));
        let said = complaint(parse("{\n\t\"dicom\": {\"fieds\": []}}", Language::Json, "p.json", "p"));
        assert_eq!(said, "profile p.json:2:12: unknown key `fieds` | did you mean `fields`?");
    }

    #[test]
    fn what_is_not_carried_out_is_named_and_refused() {
        for key in [
            "jitter-range: 3",
            "filenames: [{output: x}]",
            "decode: false",
            "retain: true",
            "alter_pixels: {}\n  secret-key: x",
            "confidentiality: {profile: basic}",
        ] {
            let said = complaint(yaml(&format!("name: p\ndicom:\n  {key}\n")));
            assert!(said.contains("is not carried out"), "{key}: {said}");
        }
        for action in [
            "jitter: true",
            "regex-sub: []",
            "encrypt: true",
            "increment-date: true, jitter-date: true",
            "increment-datetime: true, datetime-min: '20000101'",
        ] {
            let said = complaint(field(&format!("{{name: StudyDate, {action}}}")));
            assert!(said.contains("is not carried out"), "{action}: {said}");
        }
        assert!(complaint(yaml("name: p\nmap-subjects: x.csv\ndicom: {}")).contains("map-subjects"));
        // Their defaults, spelled out, change nothing.
        yaml("name: p\nsecret-key: null\ndicom: {decode: true, retain: false, filenames: [], alter_pixels: null}").unwrap();
    }

    #[test]
    fn fields_that_cannot_work_are_refused() {
        for wrong in [
            "{name: PatientID, remove: false}",
            "{name: PatientID, hash: 1}",
            "{name: PatientID, hash: true, remove: true}",
            "{name: PatientID, regex: x, remove: true}",
            "{remove: true}",
            "{name: PatientID, hash: true, date-format: '%Y'}",
            "{name: SOPInstanceUID, hash: true}",
            "{name: Rows, hash: true}",
            "{name: PatientName, replace-with: 5}",
            "{name: PatientName, replace-with: yes}",
            "{name: PatientWeight, replace-with: abc}",
            "{name: Rows, replace-with: '5'}",
            "{name: StudyDate, replace-with: 2004-01-19}",
            "{name: PatientID, replace-with: 0010}",
            "{name: PixelData, replace-with: ''}",
            "{name: StudyDate, increment-date: true, date-format: '%Q'}",
            "{name: PatientID, replace-with-insert: false}",
            "[]",
            "x",
        ] {
            assert!(field(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            "fields: null\n  x: 1",
            "fields: [{name: StudyDate, increment-date: true}]",
            "recurse-sequence: 1",
            "salt: 5",
            "hash-digits: -1",
            "uid-numeric-name: 1.2",
            "uid-numeric-name: '1.2'",
            "uid-prefix-fields: 5\n  uid-numeric-name: 2.16.840.1.114570",
            "patient-age-units: W",
            "remove-undefined: true",
            "recurse-sequence: true\n  fields: [{regex: x, remove: true}]",
            "date-increment: '5'",
            "recurse-sequence: true\n  fields: [{name: OtherPatientIDsSequence.0.PatientID, remove: true}]",
            "date-increment: 9999999999",
        ] {
            assert!(yaml(&format!("name: p\ndicom:\n  {wrong}\n")).is_err(), "{wrong}");
        }
        assert!(yaml("name: none\ndicom: {fields: [{name: PatientID, remove: true}]}").is_err());
    }

    #[test]
    fn other_sections_are_listed_and_meta_rules_noted() {
        let profile =
            yaml("name: p\njpg: {remove-gps: true}\ndicom: {fields: [{name: MediaStorageSOPInstanceUID, hashuid: true}]}")
                .unwrap();
        assert_eq!(profile.other_sections, ["jpg"]);
        assert_eq!(profile.notes.len(), 1);
    }

    #[test]
    fn a_level_without_a_dicom_section_has_no_profile() {
        for none in [
            json!(null),
            json!({}),
            json!({"deid_profile": null}),
            json!({"deid_profile": {"name": "x"}}),
            json!({"dicom": {}}),
            json!({"dicom": null}),
            json!(""),
        ] {
            assert!(from_server_json(&none, "project").unwrap().is_none(), "{none}");
        }
        let empty = from_server_json(&json!({"deid_profile": {"dicom": {"fields": []}}}), "project").unwrap().unwrap();
        assert!(empty.is_empty());
        assert_eq!(empty.name, "server_deid_profile");
        let error = from_server_json(&json!({"dicom": {"fields": 5}}), "group").unwrap_err();
        assert_eq!(error.what, "profile of the group: `fields` must be a list, not a number");
        assert!(!from_server_json(&json!("dicom: {remove-private-tags: yes}"), "site").unwrap().unwrap().is_empty());
    }

    /// Text that gets far into the loaders.
    fn document() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("name"),
            Just("dicom"),
            Just("fields"),
            Just("regex"),
            Just("remove"),
            Just("replace-with"),
            Just("hash"),
            Just("PatientID"),
            Just("00100010"),
            Just("(0009,\"A\",01)"),
            Just("60xx3000"),
            Just("A.0.B"),
            Just("[a-"),
            Just("true"),
            Just("-17"),
            Just("1.5"),
            Just("%Y%m%d"),
            Just("date-format"),
            Just(": "),
            Just("\n  "),
            Just("- "),
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just("\""),
            Just("'"),
            Just(" = "),
            Just("&a "),
            Just("*a"),
            Just("<<"),
            Just("é"),
            Just("\u{0}"),
        ];
        proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn any_text_gives_a_profile_or_an_error(text in prop_oneof![document(), any::<String>()]) {
            for language in [Language::Toml, Language::Yaml, Language::Json] {
                let _ = parse(&text, language, "p", "p");
            }
        }

        #[test]
        fn any_field_gives_a_profile_or_an_error(name in any::<String>(), value in any::<String>(), format in "[%YmdHMSfjbBIp a-z]{0,12}") {
            for key in ["name", "regex"] {
                for field in [
                    json!({key: name, "replace-with": value}),
                    json!({key: name, "increment-date": true, "date-format": format, "date-increment-override": 5}),
                ] {
                    let _ = from_server_json(&json!({"dicom": {"fields": [field]}}), &value);
                }
            }
        }

        #[test]
        fn selectors_round_trip(group in any::<u16>(), element in any::<u16>(), creator in "[A-Z][A-Z ._-]{0,20}[A-Z]") {
            for text in [format!("{group:04X}{element:04X}"), format!("({group:04x},{element:04x})"), format!("({group:04x},\"{creator}\",{:02x})", element & 0xFF)] {
                if let Ok(selector) = Selector::parse(&text) {
                    let shown = selector.to_string();
                    prop_assert_eq!(Selector::parse(&shown).unwrap().to_string(), shown);
                }
            }
        }
    }
}
