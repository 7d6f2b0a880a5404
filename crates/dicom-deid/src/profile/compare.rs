//! What two profiles mean differently, whatever language and order of keys they are written in.
//!
//! Decides on the meaning, shows the author's own words. It must never show a secret.

use dicom_dictionary_std::tags;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::basic_profile::Confidentiality;
use super::convert::{in_words, is_secret};
use super::document::Document;
use super::model::{Profile, Rule};
use super::selector::Selector;

/// Settings that show only in what rules do.
const SILENT: &[&str] = &[
    "date-increment",
    "datetime-format",
    "replace-with-insert",
    "jitter-range",
];

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// A setting.
    Setting {
        /// Its key.
        key: String,
        /// Both values as TOML; none where the value is a secret.
        values: Option<(String, String)>,
    },
    /// A rule that only one of them has.
    Only {
        /// The first has it, else the second.
        first: bool,
        /// What it addresses.
        field: String,
        /// What it does.
        options: String,
    },
    /// A rule for the same elements that does something else.
    Changed {
        /// What it addresses.
        field: String,
        /// What it does, in the first and in the second.
        options: (String, String),
        /// It is written alike, and means something else by the profile's settings.
        by_settings: bool,
    },
    /// Two rules that may meet at one element stand in another order.
    Order {
        /// What comes first in the first profile.
        earlier: String,
        /// What comes first in the second.
        later: String,
    },
}

/// A profile with the document that it came from.
#[derive(Clone, Copy)]
pub struct ComparedProfile<'a> {
    /// The document.
    pub document: &'a Document,
    /// What it means.
    pub profile: &'a Profile,
}

/// Everything in which two profiles differ; their names and descriptions do not count. Nothing is
/// left out: without a difference both do the same to every file.
pub fn compare(a: ComparedProfile<'_>, b: ComparedProfile<'_>) -> Vec<Difference> {
    let (first, second) = (a.profile.canonical(), b.profile.canonical());
    let mut all = settings((a.document, &first), (b.document, &second));
    all.extend(own_settings(a.profile, b.profile));
    let (first, second) = (compared_rules(a, &first), compared_rules(b, &second));
    let pairs = pairs(&first, &second);
    let changed: Vec<_> = pairs
        .iter()
        .filter_map(|(one, other, _)| changed(one, other))
        .collect();
    let by_settings = |change: &Difference| {
        matches!(
            change,
            Difference::Changed {
                by_settings: true,
                ..
            }
        )
    };
    if changed.iter().any(by_settings) {
        all.extend(
            SILENT
                .iter()
                .filter_map(|key| silent(key, a.document, b.document)),
        );
    }
    all.extend(only(true, &first, &second));
    all.extend(only(false, &second, &first));
    all.extend(changed);
    all.extend(order(&pairs));
    all
}

/// Settings that mean something else, in the authors' words where they wrote any.
fn settings((first, a): (&Document, &Value), (second, b): (&Document, &Value)) -> Vec<Difference> {
    let keys = [a, b]
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(|map| map.keys());
    let mut seen = HashSet::new();
    let elsewhere =
        |key: &str| ["format", "name", "fields"].contains(&key) || OWN_KEYS.contains(&key);
    let keys = keys.filter(|key| !elsewhere(key) && seen.insert(key.as_str()));
    let meant = |side: &Value, key: &str| {
        side.get(key)
            .map_or_else(|| "not set".to_owned(), in_words)
    };
    let difference = |key: &String| {
        let effective = (meant(a, key), meant(b, key));
        let written = |document: &Document, meant: &str| {
            document
                .setting(key)
                .unwrap_or_else(|| meant.to_owned())
        };
        let words = (written(first, &effective.0), written(second, &effective.1));
        let values = if words.0 == words.1 { effective } else { words };
        // The keys of an envelope have a fingerprint, which tells a reader nothing.
        let shown = !is_secret(key) && key != "envelope";
        Difference::Setting {
            key: key.clone(),
            values: shown.then_some(values),
        }
    };
    keys.filter(|key| a.get(key.as_str()) != b.get(key.as_str()))
        .map(difference)
        .collect()
}

/// A setting that has no effect of its own.
fn silent(key: &str, a: &Document, b: &Document) -> Option<Difference> {
    let [first, second] = [a, b].map(|document| {
        document
            .setting(key)
            .unwrap_or_else(|| "not set".to_owned())
    });
    (first != second).then(|| Difference::Setting {
        key: key.to_owned(),
        values: Some((first, second)),
    })
}

/// Sections that Flywheel's vocabulary does not have, which are compared setting by setting.
const OWN_KEYS: [&str; 2] = ["confidentiality", "residual"];

fn own_settings(a: &Profile, b: &Profile) -> Vec<Difference> {
    let [first, second] = [a, b].map(|profile| {
        let confidentiality = profile
            .dicom
            .confidentiality
            .as_ref();
        let named = confidentiality.map(|_| "the Basic Profile of PS3.15".to_owned());
        let mut all: Vec<_> = named
            .map(|name| ("confidentiality", name))
            .into_iter()
            .collect();
        all.extend(
            confidentiality
                .map(Confidentiality::settings)
                .unwrap_or_default(),
        );
        all.extend(profile.dicom.residual.settings());
        all
    });
    let value = |side: &[(&str, String)], key: &str| {
        let found = side
            .iter()
            .find(|(known, _)| *known == key);
        found.map_or_else(|| "not set".to_owned(), |(_, value)| value.clone())
    };
    // The longer of the two has all keys of the other.
    let keys = if first.len() < second.len() {
        &second
    } else {
        &first
    };
    let values = keys
        .iter()
        .map(|(key, _)| (key, value(&first, key), value(&second, key)));
    values
        .filter(|(_, a, b)| a != b)
        .map(|(key, a, b)| Difference::Setting {
            key: (*key).to_owned(),
            values: Some((a, b)),
        })
        .collect()
}

/// A rule of one of the profiles.
struct ComparedRule<'a> {
    rule: &'a Rule,
    /// What it is and does, in one fixed form.
    canonical: &'a Value,
    /// What it addresses, and how many rules up to it address the same: the n-th of one profile is
    /// compared with the n-th of the other.
    nth: (&'a str, usize),
    /// What it does, in its author's words.
    written: String,
}

impl ComparedRule<'_> {
    fn field(&self) -> String {
        self.rule.selector.to_string()
    }
}

fn compared_rules<'a>(side: ComparedProfile<'a>, canonical: &'a Value) -> Vec<ComparedRule<'a>> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let canonical = canonical
        .get("fields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let rules = side
        .profile
        .dicom
        .fields
        .iter()
        .zip(canonical)
        .enumerate();
    let compared = rules.map(|(at, (rule, canonical))| {
        let addressed = canonical
            .get(0)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let count = counts.entry(addressed).or_default();
        *count += 1;
        let written = side.document.field_options(at);
        ComparedRule {
            rule,
            canonical,
            nth: (addressed, *count),
            written: if written.is_empty() {
                "keep".to_owned()
            } else {
                written
            },
        }
    });
    compared.collect()
}

/// A rule of the first profile, that of the second for the same elements, and where this one stands.
type Pair<'a> = (&'a ComparedRule<'a>, &'a ComparedRule<'a>, usize);

fn pairs<'a>(first: &'a [ComparedRule<'a>], second: &'a [ComparedRule<'a>]) -> Vec<Pair<'a>> {
    let others: HashMap<_, _> = second
        .iter()
        .enumerate()
        .map(|(at, rule)| (rule.nth, (rule, at)))
        .collect();
    first
        .iter()
        .filter_map(|rule| {
            let (other, at) = others.get(&rule.nth)?;
            Some((rule, *other, *at))
        })
        .collect()
}

/// Rules that the others have no counterpart of.
fn only(
    first: bool,
    rules: &[ComparedRule<'_>],
    others: &[ComparedRule<'_>],
) -> impl Iterator<Item = Difference> {
    let matched: HashSet<_> = others
        .iter()
        .map(|rule| rule.nth)
        .collect();
    rules
        .iter()
        .filter(move |rule| !matched.contains(&rule.nth))
        .map(move |rule| Difference::Only {
            first,
            field: rule.field(),
            options: rule.written.clone(),
        })
}

fn changed(one: &ComparedRule<'_>, other: &ComparedRule<'_>) -> Option<Difference> {
    let by_settings = one.written == other.written;
    let options = [one, other].map(|rule| {
        let effective = rule
            .canonical
            .get(2)
            .filter(|_| by_settings);
        effective.map_or_else(|| rule.written.clone(), in_words)
    });
    (one.canonical != other.canonical).then(|| Difference::Changed {
        field: one.field(),
        options: options.into(),
        by_settings,
    })
}

/// Pairs of rules in another order, where it may matter.
fn order(pairs: &[Pair<'_>]) -> Vec<Difference> {
    let mut found = Vec::new();
    for (index, (earlier, _, at)) in pairs.iter().enumerate() {
        for (later, _, moved) in pairs.iter().skip(index + 1) {
            if moved < at && may_meet(&earlier.rule.selector, &later.rule.selector) {
                found.push(Difference::Order {
                    earlier: earlier.field(),
                    later: later.field(),
                });
            }
        }
    }
    found
}

/// Whether the order of two rules can matter. Rules for two attributes by their tags leave each
/// other alone, except where one of them says in which characters the other writes.
fn may_meet(a: &Selector, b: &Selector) -> bool {
    match (a, b) {
        (Selector::Tag(a), Selector::Tag(b)) => {
            a == b || [a, b].contains(&&tags::SPECIFIC_CHARACTER_SET)
        }
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::document::Language;
    use super::*;

    fn differences(a: &str, b: &str) -> Vec<Difference> {
        let [a, b] = [a, b].map(|dicom| {
            let text = format!("name: p\ndicom: {dicom}");
            let document = Document::parse(&text, Language::Yaml, "p", "p").unwrap();
            let profile = document.profile().unwrap();
            (document, profile)
        });
        compare(
            ComparedProfile {
                document: &a.0,
                profile: &a.1,
            },
            ComparedProfile {
                document: &b.0,
                profile: &b.1,
            },
        )
    }

    fn only(first: bool, field: &str, options: &str) -> Difference {
        Difference::Only {
            first,
            field: field.to_owned(),
            options: options.to_owned(),
        }
    }

    #[test]
    fn spelling_makes_no_difference() {
        let a = "{hash-digits: 16, fields: [{name: PatientID, hash: true}, {name: '00100010', remove: true}]}";
        let b = "{fields: [{hash: true, name: '(0010,0020)'}, {name: patientname, remove: true}], remove-private-tags: false}";
        assert_eq!(differences(a, b), []);
    }

    #[test]
    fn rules_are_matched_by_what_they_address() {
        let a = "{fields: [{name: PatientID, hash: true}, {name: PatientID, replace-with: X}, {name: StudyID}]}";
        let b = "{fields: [{name: PatientName, remove: true}, {name: PatientID, hash: true}, {name: PatientID, remove: true}]}";
        let changed = Difference::Changed {
            field: "PatientID".to_owned(),
            options: (
                "replace-with = \"X\"".to_owned(),
                "remove = true".to_owned(),
            ),
            by_settings: false,
        };
        assert_eq!(
            differences(a, b),
            [
                only(true, "StudyID", "keep"),
                only(false, "PatientName", "remove = true"),
                changed
            ]
        );
    }

    #[test]
    fn settings_differ_by_themselves_or_by_what_rules_do_with_them() {
        let setting = |key: &str, a: &str, b: &str| Difference::Setting {
            key: key.to_owned(),
            values: Some((a.to_owned(), b.to_owned())),
        };
        assert_eq!(
            differences("{hash-digits: 8}", "{remove-private-tags: false}"),
            [setting("hash-digits", "8", "16")]
        );
        let dates = |days: i32| {
            format!(
                "{{date-increment: {days}, fields: [{{name: StudyDate, increment-date: true}}]}}"
            )
        };
        let found = differences(&dates(-17), &dates(-20));
        assert_eq!(
            found.first(),
            Some(&setting("date-increment", "-17", "-20"))
        );
        assert!(
            matches!(
                found.get(1),
                Some(Difference::Changed {
                    by_settings: true,
                    ..
                })
            ),
            "{found:?}"
        );
        assert_eq!(
            differences("{date-increment: 5}", "{date-increment: 6}"),
            [],
            "no rule uses it"
        );
    }

    #[test]
    fn sections_on_confidentiality_differ_setting_by_setting() {
        let setting = |key: &str, a: &str, b: &str| Difference::Setting {
            key: key.to_owned(),
            values: Some((a.to_owned(), b.to_owned())),
        };
        let moved = "{confidentiality: {profile: basic, options: [retain-modified-dates]}, dates: {days: -17}}";
        let other = "{confidentiality: {profile: basic, options: [retain-uids, retain-modified-dates], unlisted: remove}}";
        assert_eq!(
            differences(moved, other),
            [
                setting(
                    "confidentiality.options",
                    r#"["retain-modified-dates"]"#,
                    r#"["retain-uids", "retain-modified-dates"]"#
                ),
                setting(
                    "confidentiality.unlisted",
                    r#""keep-known-safe""#,
                    r#""remove""#
                ),
                setting("dates.shift", "by -17 days for all", "per patient"),
            ]
        );
        let found = differences(
            "{}",
            "{confidentiality: {profile: basic}, residual: {on-leak: warn}}",
        );
        assert_eq!(
            found.first(),
            Some(&setting(
                "confidentiality",
                "not set",
                "the Basic Profile of PS3.15"
            ))
        );
        assert!(
            found.contains(&setting("pseudonyms.width", "not set", "12")),
            "{found:?}"
        );
        assert_eq!(
            found.last(),
            Some(&setting("residual.on-leak", r#""fail""#, r#""warn""#))
        );
        assert_eq!(
            differences(
                "{confidentiality: {profile: basic, unlisted: keep-known-safe}}",
                "{confidentiality: {profile: basic}}"
            ),
            []
        );
    }

    #[test]
    fn what_becomes_of_images_differs_in_its_authors_words() {
        let pixels = |keys: &str| format!("{{pixels: {keys}, remove-private-tags: true}}");
        assert_eq!(
            differences(
                &pixels("{burned-in: detect}"),
                &pixels("{burned-in: detect, markers: blank}")
            ),
            [Difference::Setting {
                key: "pixels".to_owned(),
                values: Some((
                    r#"{ burned-in = "detect" }"#.to_owned(),
                    r#"{ burned-in = "detect", markers = "blank" }"#.to_owned()
                )),
            }]
        );
        assert_eq!(
            differences(
                &pixels("{burned-in: detect}"),
                &pixels("{burned-in: detect, faces: keep}")
            ),
            []
        );
    }

    #[test]
    fn a_salt_is_not_shown() {
        let found = differences("{salt: PEPPER}", "{salt: OREGANO}");
        assert_eq!(
            found,
            [Difference::Setting {
                key: "salt".to_owned(),
                values: None
            }]
        );
        let sealed = |key: &str| {
            format!(
                "{{secret-key: '{}', fields: [{{name: PatientID, encrypt: true}}]}}",
                key.repeat(16)
            )
        };
        let found = differences(&sealed("00"), &sealed("ff"));
        assert_eq!(
            found,
            [Difference::Setting {
                key: "secret-key".to_owned(),
                values: None
            }]
        );
    }

    #[test]
    fn order_counts_where_rules_may_meet() {
        let order = |a: &str, b: &str| {
            let fields = |x: &str, y: &str| {
                format!("{{fields: [{{{x}, hash: true}}, {{{y}, remove: true}}]}}")
            };
            let swapped = |x: &str, y: &str| {
                format!("{{fields: [{{{y}, remove: true}}, {{{x}, hash: true}}]}}")
            };
            differences(&fields(a, b), &swapped(a, b))
        };
        assert_eq!(order("name: PatientID", "name: PatientName"), []);
        assert_eq!(order("name: PatientID", "regex: Patient.*").len(), 1);
        assert_eq!(
            order("name: PatientID", "name: SpecificCharacterSet").len(),
            1
        );
    }
}
