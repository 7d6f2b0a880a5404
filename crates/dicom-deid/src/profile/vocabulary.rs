//! Every key that a profile may have, with the form of its value.
//!
//! The readers refuse a key that is not here, and the JSON Schema of profiles is made from it: it
//! is the only list of keys. What a value means is for the readers.

use serde_json::{Map, Value, json};

use super::action::JitterUnit;
use super::basic_profile::{EDITION, Encapsulated, OnLeak, Unlisted, Unparseable};
use super::image_rules::{BurnedIn, Faces, Markers, OUTSIDE, OtherImages};
use super::json::set;
use super::model::AgeUnit;
use super::tree::{Entry, Named, Node, Problem, shown};
use crate::standard;
use crate::standard::confidentiality::ConfidentialityOption;

/// A section: the keys that it may have.
pub struct Section(&'static [Key]);

/// A key, the form of its value, and what it is for.
struct Key(&'static str, Form, &'static str);

/// The form of a value.
enum Form {
    /// Whatever stands there: it is for other tools, or its form depends on its key.
    Any,
    /// `true` or `false`.
    Flag,
    /// `true`; the key is left out where it does not hold.
    True,
    /// A whole number of 0 or more.
    Count,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text.
    Text,
    /// One of these texts.
    OneOf(fn() -> Vec<&'static str>),
    /// A list.
    List(&'static Form),
    /// A section.
    Nested(&'static Section),
    /// A section that Flywheel's own tools pass over.
    OwnSection(&'static Section),
    /// A section for another kind of file, which is not carried out.
    OtherFiles,
    /// Either of two forms.
    Either(&'static Form, &'static Form),
}

use Form::{
    Any, Count, Either, Flag, Integer, List, Nested, Number, OneOf, OtherFiles, OwnSection, Text,
    True,
};

impl Section {
    /// The names of its keys.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|key| key.0)
    }

    /// Whether it has a key.
    pub fn has(&self, key: &str) -> bool {
        self.form(key).is_some()
    }

    /// Whether a key of it is a section for another kind of file.
    pub fn is_for_other_files(&self, key: &str) -> bool {
        matches!(self.form(key), Some(OtherFiles))
    }

    /// Whether a key of it is a section that Flywheel's own tools pass over.
    pub fn is_own_section(&self, key: &str) -> bool {
        matches!(self.form(key), Some(OwnSection(_)))
    }

    fn form(&self, key: &str) -> Option<&Form> {
        let known = self
            .0
            .iter()
            .find(|known| known.0 == key)?;
        Some(&known.1)
    }

    /// The entries of a section, all of whose keys it has.
    pub fn entries<'a>(&self, node: &'a Node, what: &str) -> Result<&'a [Entry], Problem> {
        let entries = node.entries(what)?;
        match entries
            .iter()
            .find(|entry| !self.has(&entry.key))
        {
            Some(entry) => Err(self.unknown(entry)),
            None => Ok(entries),
        }
    }

    /// What to say of a key that it does not have, with the one that comes closest.
    pub fn unknown(&self, entry: &Entry) -> Problem {
        let problem = entry.problem(format!("unknown key `{}`", shown(&entry.key)));
        match standard::closest(&entry.key, self.keys()) {
            Some(key) => problem.with_hint(format!("did you mean `{key}`?")),
            None => problem.with_hint("take it out: a key that does nothing may look as if it did"),
        }
    }
}

/// A profile as a whole.
pub static PROFILE: Section = Section(&[
    Key("name", Text, "what the profile is called"),
    Key("description", Text, "what its author says about it"),
    Key("dicom", Nested(&DICOM), "what happens to DICOM files"),
    Key("secret-key", Text, SECRET_KEY),
    Key("version", Any, "has no effect"),
    Key("only-config-profiles", Any, "has no effect"),
    Key("export", Any, "for other tools"),
    Key("map-subjects", Any, "for other tools"),
    Key("deid-log", Any, "for other tools"),
    Key("zip", OtherFiles, OTHER),
    Key("jpg", OtherFiles, OTHER),
    Key("png", OtherFiles, OTHER),
    Key("tiff", OtherFiles, OTHER),
    Key("xml", OtherFiles, OTHER),
    Key("json", OtherFiles, OTHER),
    Key("csv", OtherFiles, OTHER),
    Key("tsv", OtherFiles, OTHER),
    Key("table", OtherFiles, OTHER),
    Key("key-value-text-file", OtherFiles, OTHER),
    Key("nifti", OtherFiles, OTHER),
    Key("filename", OtherFiles, OTHER),
]);

const OTHER: &str = "for another kind of file; not carried out";
const SECRET_KEY: &str = "the key that seals and opens the encrypted envelope, in hex digits";
const NONCE: &str = "for another kind of file; has no effect";
const HASHED: &str = "leading components of the original UID that `hashuid` keeps";

/// The section `dicom`.
pub static DICOM: Section = Section(&[
    Key(
        "fields",
        List(&Nested(&FIELD)),
        "rules, carried out in this order",
    ),
    Key(
        "date-increment",
        Number,
        "days that `increment-*` rules add",
    ),
    Key(
        "date-format",
        Text,
        "how dates are read and written, in the notation of `strptime`",
    ),
    Key(
        "datetime-format",
        Text,
        "how dates with times are read and written",
    ),
    Key("salt", Text, "put before what is hashed; a secret"),
    Key(
        "hash-digits",
        Count,
        "hex digits that `hash` keeps; 0 for all 64",
    ),
    Key("uid-prefix-fields", Count, HASHED),
    Key(
        "uid-suffix-fields",
        Count,
        "trailing components that `hashuid` keeps",
    ),
    Key(
        "uid-numeric-name",
        Text,
        "what `hashuid` writes instead of the leading components",
    ),
    Key(
        "recurse-sequence",
        Flag,
        "whether every rule acts inside sequence items too",
    ),
    Key(
        "remove-private-tags",
        Flag,
        "whether private elements that no rule names are removed",
    ),
    Key(
        "remove-undefined",
        Flag,
        "whether elements that no rule names are removed",
    ),
    Key(
        "patient-age-from-birthdate",
        Flag,
        "whether the patient's age is computed",
    ),
    Key(
        "patient-age-units",
        OneOf(AgeUnit::names),
        "the first unit to try for the age",
    ),
    Key(
        "replace-with-insert",
        Flag,
        "whether `replace-with` creates absent elements",
    ),
    Key("file-filter", Either(&Text, &List(&Text)), "has no effect"),
    Key("enforce-file-filter", Flag, "has no effect"),
    Key(
        "filenames",
        List(&Nested(&SUBSTITUTION)),
        "what files are called",
    ),
    Key(
        "jitter-range",
        Number,
        "the range of `jitter` rules that state none",
    ),
    Key(
        "jitter-type",
        Text,
        "has no effect; state it with the field",
    ),
    Key(
        "alter_pixels",
        Nested(&ALTER_PIXELS),
        "parts of images to blank",
    ),
    Key("decode", Flag, "has no effect"),
    Key("secret-key", Text, SECRET_KEY),
    Key("force-nonce", Text, NONCE),
    Key(
        "asymmetric-encryption",
        Flag,
        "whether certificates are used",
    ),
    Key(
        "public-key",
        List(&Text),
        "files of the certificates that envelopes are sealed for",
    ),
    Key(
        "private-key",
        Text,
        "the file of the private key that opens envelopes",
    ),
    Key(
        "retain",
        Flag,
        "whether originals of what changes go into the envelope",
    ),
    Key(
        "confidentiality",
        OwnSection(&CONFIDENTIALITY),
        "the Basic Profile of PS3.15",
    ),
    Key(
        "dates",
        OwnSection(&DATES),
        "how dates move under retain-modified-dates",
    ),
    Key(
        "pseudonyms",
        OwnSection(&PSEUDONYMS),
        "what pseudonyms of patients look like",
    ),
    Key(
        "residual",
        OwnSection(&RESIDUAL),
        "the check of what is about to be sent",
    ),
    Key(
        "pixels",
        OwnSection(&PIXELS),
        "images that may show text, and areas to blank",
    ),
]);

/// Keys of a field or group that name what it is for, or say what is done; in this order.
pub static FIELD: Section = Section(&[
    Key(
        "name",
        Either(&Text, &Integer),
        "the element: keyword, tag, path, or private element",
    ),
    Key(
        "regex",
        Text,
        "an expression that the path of an element matches",
    ),
    Key("keep", True, "leaves the element as it is"),
    Key("identity", True, "the same as `keep`"),
    Key("remove", True, "removes the element"),
    Key(
        "replace-with",
        Any,
        "the new value: text, a number, or a list of them",
    ),
    Key("hash", True, "writes the first hex digits of a SHA-256"),
    Key("hashuid", True, "writes a UID made from a SHA-256"),
    Key("increment-date", True, "adds days to a date"),
    Key("increment-datetime", True, "adds days to a date with time"),
    Key("jitter", True, "adds a random number"),
    Key(
        "regex-sub",
        List(&Nested(&SUBSTITUTION)),
        "writes a text made from pieces of the old one",
    ),
    Key(
        "encrypt",
        True,
        "moves the element into the encrypted envelope",
    ),
    Key(
        "decrypt",
        True,
        "takes the value back out of the encrypted envelope",
    ),
    Key(
        "replace-with-insert",
        Flag,
        "whether an absent element is created",
    ),
    Key(
        "date-increment-override",
        Number,
        "days to add instead of the profile's",
    ),
    Key("date-format", Text, "format instead of the profile's"),
    Key("datetime-format", Text, "format instead of the profile's"),
    Key(
        "jitter-date",
        Flag,
        "whether a random part is added to the days",
    ),
    Key("jitter-range", Number, "the largest random number"),
    Key(
        "jitter-unit",
        OneOf(JitterUnit::names),
        "the unit of the random part of a date",
    ),
    Key(
        "jitter-type",
        OneOf(|| vec!["float", "int"]),
        "which random numbers are drawn",
    ),
    Key("jitter-min", Number, "the least result"),
    Key("jitter-max", Number, "the largest result"),
    Key("datetime-min", Text, "the earliest result"),
    Key("datetime-max", Text, "the latest result"),
    Key("force-nonce", Text, NONCE),
]);

/// The actions of a field, each with the options that go with it.
pub const ACTIONS: &[(&str, &[&str])] = &[
    ("keep", &[]),
    ("identity", &[]),
    ("remove", &[]),
    ("replace-with", &["replace-with-insert"]),
    ("hash", &[]),
    ("hashuid", &[]),
    (
        "increment-date",
        &[
            "date-increment-override",
            "date-format",
            "jitter-date",
            "jitter-range",
            "jitter-unit",
            "datetime-min",
            "datetime-max",
        ],
    ),
    (
        "increment-datetime",
        &[
            "date-increment-override",
            "datetime-format",
            "jitter-date",
            "jitter-range",
            "jitter-unit",
            "datetime-min",
            "datetime-max",
        ],
    ),
    (
        "jitter",
        &["jitter-range", "jitter-type", "jitter-min", "jitter-max"],
    ),
    ("regex-sub", &[]),
    ("encrypt", &["force-nonce"]),
    ("decrypt", &[]),
];

/// An item of `regex-sub` or `filenames`.
pub static SUBSTITUTION: Section = Section(&[
    Key(
        "input-regex",
        Text,
        "matched from the start of the value or path",
    ),
    Key("output", Text, "the new text, with variables in braces"),
    Key(
        "groups",
        List(&Nested(&FIELD)),
        "what is done to the variables",
    ),
]);

/// `alter_pixels`.
pub static ALTER_PIXELS: Section = Section(&[
    Key(
        "pixels",
        List(&Nested(&ALTERED_REGION)),
        "regions, in the order in which they apply",
    ),
    Key("detect", Any, "cannot be carried out"),
]);

/// An entry of `alter_pixels.pixels`.
pub static ALTERED_REGION: Section = Section(&[
    Key(
        "when",
        Text,
        "conditions, one a line, all of which must hold",
    ),
    Key(
        "remove",
        List(&Integer),
        "the area to blank: [x0, y0, x1, y1]",
    ),
    Key("keep", List(&Integer), "the area to keep: [x0, y0, x1, y1]"),
]);

/// `confidentiality`.
pub static CONFIDENTIALITY: Section = Section(&[
    Key("profile", OneOf(|| vec!["basic"]), "the profile of PS3.15"),
    Key(
        "options",
        List(&OneOf(options)),
        "the options of PS3.15 section E.3",
    ),
    Key(
        "unlisted",
        OneOf(Unlisted::names),
        "attributes that Table E.1-1 does not list",
    ),
    Key(
        "encapsulated",
        OneOf(Encapsulated::names),
        "documents inside DICOM files",
    ),
    Key(
        "edition",
        OneOf(|| vec![EDITION]),
        "the edition of the tables",
    ),
]);

fn options() -> Vec<&'static str> {
    ConfidentialityOption::ALL
        .map(ConfidentialityOption::slug)
        .to_vec()
}

/// `dates`.
pub static DATES: Section = Section(&[
    Key(
        "shift",
        OneOf(|| vec!["per-patient"]),
        "by weeks drawn for each patient",
    ),
    Key("days", Integer, "by this number of days for every patient"),
    Key(
        "unparseable",
        OneOf(Unparseable::names),
        "dates that cannot be read",
    ),
]);

/// `pseudonyms`.
pub static PSEUDONYMS: Section = Section(&[
    Key("prefix", Text, "what stands in front"),
    Key(
        "width",
        Count,
        "the number of letters and digits that follow",
    ),
]);

/// `residual`.
pub static RESIDUAL: Section = Section(&[
    Key(
        "on-leak",
        OneOf(OnLeak::names),
        "what a removed value that is found does",
    ),
    Key("min-length", Count, "shorter values are not looked for"),
]);

/// `pixels`.
pub static PIXELS: Section = Section(&[
    Key(
        "burned-in",
        OneOf(BurnedIn::names),
        "images whose header says that they may show text",
    ),
    Key(
        "other-images",
        OneOf(OtherImages::names),
        "all other images",
    ),
    Key(
        "blank-finds",
        Flag,
        "whether likely text is blanked in other images too, where it may be anatomy",
    ),
    Key(
        "markers",
        OneOf(Markers::names),
        "up to three letters or digits by themselves, such as L and R",
    ),
    Key(
        "faces",
        OneOf(Faces::names),
        "series of a head of which a face can be made",
    ),
    Key(
        "regions",
        List(&Nested(&REGION)),
        "what is blanked, by device",
    ),
]);

/// An entry of `pixels.regions`.
pub static REGION: Section = Section(&[
    Key(
        "when",
        Any,
        "attributes with the values that they must have",
    ),
    Key(
        "blank",
        Either(&List(&List(&Count)), &OneOf(|| vec![OUTSIDE])),
        "rectangles [x, y, width, height], or all outside the ultrasound regions",
    ),
]);

/// The JSON Schema of a profile, for editors: every key and the form of its value. What only shows
/// in several values together is not in it.
pub fn json_schema() -> Value {
    let mut schema = section(&PROFILE);
    set(
        &mut schema,
        "$schema",
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    set(&mut schema, "title", json!("De-identification profile"));
    // Substitutions nest, so the schema of a field refers to itself.
    set(&mut schema, "$defs", json!({ "field": section(&FIELD) }));
    schema
}

fn section(section: &Section) -> Value {
    let property = |Key(name, form, about): &Key| {
        let mut described = value(form);
        set(&mut described, "description", json!(about));
        (name.to_string(), described)
    };
    json!({
        "type": "object",
        "properties": section.0.iter().map(property).collect::<Map<_, _>>(),
        "additionalProperties": false,
    })
}

/// A key with the value null is as good as absent, so that each form has it.
fn value(form: &Form) -> Value {
    match form {
        Any | OtherFiles => json!({}),
        Flag => json!({ "type": ["boolean", "null"] }),
        True => json!({ "const": true }),
        Count => json!({ "type": ["integer", "null"], "minimum": 0 }),
        Integer => json!({ "type": ["integer", "null"] }),
        Number => json!({ "type": ["number", "null"] }),
        Text => json!({ "type": ["string", "null"] }),
        OneOf(names) => {
            let allowed = names().into_iter().map(Value::from);
            json!({ "enum": allowed.chain([Value::Null]).collect::<Vec<_>>() })
        }
        List(item) => json!({ "type": ["array", "null"], "items": value(item) }),
        Nested(inner) if std::ptr::eq(*inner, &raw const FIELD) => {
            json!({ "$ref": "#/$defs/field" })
        }
        Nested(inner) | OwnSection(inner) => {
            let mut schema = section(inner);
            set(&mut schema, "type", json!(["object", "null"]));
            schema
        }
        Either(one, other) => json!({ "anyOf": [value(one), value(other)] }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::profile::from_server_json;

    #[test]
    fn the_generated_schema_is_current() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/schemas/profile.schema.json"
        );
        let schema = format!("{:#}\n", json_schema());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == schema,
            "run this test with UPDATE_DOCS=1 and commit {path}"
        );
    }

    /// A value that has a form, and one that has not; none where anything has it.
    fn values(form: &Form) -> Option<(Value, Value)> {
        let (right, wrong) = match form {
            Any | OtherFiles => return None,
            Flag => (json!(false), json!("no")),
            True => (json!(true), json!(false)),
            Count => (json!(12), json!(-1)),
            Integer => (json!(-17), json!("x")),
            Number => (json!(1.5), json!("x")),
            Text => (json!("text"), json!(1)),
            OneOf(names) => (json!(names().last()), json!("no such name")),
            List(_) => (json!([]), json!(true)),
            Nested(_) | OwnSection(_) => (json!({}), json!(true)),
            Either(one, _) => (values(one)?.0, json!(true)),
        };
        Some((right, wrong))
    }

    #[test]
    fn every_setting_is_read_in_the_form_that_the_vocabulary_states() {
        for Key(name, form, _) in DICOM.0 {
            // Files of keys are read only where certificates are used.
            if *name == "private-key" {
                continue;
            }
            let needed = json!([{ "name": "PatientID", "encrypt": true }]);
            let read = |value: &Value| {
                let mut dicom = json!({ "fields": needed, "secret-key": "00".repeat(16) });
                dicom[name] = value.clone();
                from_server_json(&json!({ "dicom": dicom }), "test").map_err(|error| error.what)
            };
            let Some((right, wrong)) = values(form) else {
                continue;
            };
            assert!(read(&wrong).is_err(), "{name}: {wrong}");
            if let Err(why) = read(&right) {
                let form = [
                    "must be a list",
                    "must be text",
                    "must be a section",
                    "true or false",
                ];
                assert!(
                    !form
                        .iter()
                        .any(|form| why.contains(form)),
                    "{name}: {why}"
                );
            }
        }
    }

    #[test]
    fn options_of_actions_are_keys_of_fields() {
        for (action, options) in ACTIONS {
            let known = |key: &&str| FIELD.has(key);
            assert!(known(action) && options.iter().all(known), "{action}");
        }
    }
}
