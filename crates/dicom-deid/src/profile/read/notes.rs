//! What the user should know of a profile that is valid: rules in an order that gives another
//! result at Flywheel, and settings that nothing uses.

use dicom_core::Tag;

use super::super::action::Action;
use super::super::model::{DicomRules, Rule};
use super::super::selector::Selector;
use super::super::tree::Node;
use crate::standard::{self, hex_digits};

/// Where carrying rules out in the order of the document gives another result than Flywheel's
/// engine, which takes `regex-sub` fields first and the last of them before the others.
pub fn of_order(rules: &[Rule]) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, rule) in rules.iter().enumerate() {
        if !is_substitution(rule) {
            continue;
        }
        let before = rules
            .iter()
            .take(at)
            .filter(|earlier| !earlier.action.changes_nothing());
        if let Some(earlier) = before
            .clone()
            .find(|earlier| reads(rule, earlier))
        {
            notes.push(format!(
                "{} reads what {} changes; Flywheel's engine would apply it first",
                rule.describe(),
                earlier.describe()
            ));
        } else if let Some(earlier) = before
            .filter(|earlier| is_substitution(earlier))
            .find(|earlier| reads(earlier, rule))
        {
            notes.push(format!(
                "{} changes what {} reads; Flywheel's engine would apply it first",
                rule.describe(),
                earlier.describe()
            ));
        }
    }
    notes
}

fn is_substitution(rule: &Rule) -> bool {
    matches!(rule.action, Action::RegexSub(_))
}

/// Whether a substitution reads what another rule addresses.
fn reads(rule: &Rule, other: &Rule) -> bool {
    let Action::RegexSub(items) = &rule.action else {
        return false;
    };
    let variables = items
        .iter()
        .flat_map(|item| &item.groups)
        .filter_map(|group| group.tag);
    let own = match &rule.selector {
        Selector::Tag(tag) => addresses(&other.selector, *tag),
        selector => selector.to_string() == other.selector.to_string(),
    };
    own || variables
        .into_iter()
        .any(|tag| addresses(&other.selector, tag))
}

/// Whether a selector addresses this attribute of the data set itself.
fn addresses(selector: &Selector, tag: Tag) -> bool {
    match selector {
        Selector::Tag(other) => *other == tag,
        Selector::Regex(regex) => {
            let number = hex_digits(tag);
            let matches = |path: &str| {
                regex
                    .is_match_start(path)
                    .unwrap_or(false)
            };
            matches(&number) || standard::keyword(tag).is_some_and(matches)
        }
        Selector::Private { .. } | Selector::Path(_) | Selector::Repeater { .. } => false,
    }
}

/// Whether an action uses a setting.
type Uses = fn(&Action) -> bool;

/// Settings, what they are for, and which actions need that.
const SETTINGS: [(&str, &str, Uses); 11] = [
    ("date-increment", "shifts dates by it", |action| {
        matches!(action, Action::Shift { days: None, .. })
    }),
    ("salt", "hashes", |action| {
        matches!(action, Action::Hash | Action::HashUid)
    }),
    ("hash-digits", "hashes texts", |action| {
        matches!(action, Action::Hash)
    }),
    ("uid-prefix-fields", "hashes UIDs", hashes_uids),
    ("uid-suffix-fields", "hashes UIDs", hashes_uids),
    ("uid-numeric-name", "hashes UIDs", hashes_uids),
    ("date-format", "reads dates by it", |action| {
        matches!(
            action,
            Action::Shift {
                with_time: false,
                format: None,
                ..
            }
        )
    }),
    (
        "datetime-format",
        "reads dates with times by it",
        |action| {
            matches!(
                action,
                Action::Shift {
                    with_time: true,
                    format: None,
                    ..
                }
            )
        },
    ),
    (
        "jitter-range",
        "changes numbers by it",
        |action| matches!(action, Action::Jitter(jitter) if jitter.range.is_none()),
    ),
    ("replace-with-insert", "replaces by it", |action| {
        matches!(action, Action::ReplaceWith { insert: None, .. })
    }),
    ("patient-age-units", "computes an age", |_| false),
];

/// Settings that `patient-age-from-birthdate` uses.
const OF_AGE: [&str; 2] = ["date-format", "patient-age-units"];

fn hashes_uids(action: &Action) -> bool {
    matches!(action, Action::HashUid)
}

/// What to say of the settings of a `dicom` section.
pub fn of_unused_settings(section: &Node, rules: &DicomRules) -> Vec<String> {
    let fields = rules
        .fields
        .iter()
        .map(|rule| &rule.action);
    let names = rules
        .filenames
        .iter()
        .flat_map(|name| &name.groups)
        .map(|group| &group.action);
    let mut all: Vec<&Action> = fields.chain(names).collect();
    let items = all
        .iter()
        .flat_map(|action| match action {
            Action::RegexSub(items) => items.as_slice(),
            _ => &[],
        });
    let groups: Vec<&Action> = items
        .flat_map(|item| &item.groups)
        .map(|group| &group.action)
        .collect();
    all.extend(groups);
    let idle = |(key, _, uses): &&(&str, &str, Uses)| {
        let of_age = rules.patient_age_from_birthdate && OF_AGE.contains(key);
        section.given(key).is_some()
            && !of_age
            && !all
                .iter()
                .any(|action| uses(action))
    };
    SETTINGS
        .iter()
        .filter(idle)
        .map(|(key, what, _)| format!("`{key}` has no effect: no rule {what}"))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use crate::profile::{Document, Language};

    fn notes(settings: &str, field: &str) -> Vec<String> {
        let text = format!("name: p\ndicom:\n  {settings}\n  fields:\n  - {field}\n");
        Document::parse(&text, Language::Yaml, "p.yaml", "p")
            .unwrap()
            .profile()
            .unwrap()
            .notes
    }

    const REMOVES: &str = "{name: PatientName, remove: true}";

    #[test]
    fn a_setting_that_no_rule_uses_is_noted() {
        let substitutes = |action: &str| {
            format!(
                "{{name: StudyDescription, regex-sub: [{{input-regex: '(?P<a>x)', output: \
                    '{{a}}', groups: [{{name: a, {action}: true}}]}}]}}"
            )
        };
        for (setting, user) in [
            (
                "date-increment: -17",
                "{name: StudyDate, increment-date: true}".to_owned(),
            ),
            ("date-increment: -17", substitutes("increment-date")),
            ("salt: pepper", "{name: PatientID, hash: true}".to_owned()),
            (
                "salt: pepper",
                "{name: StudyInstanceUID, hashuid: true}".to_owned(),
            ),
            ("salt: pepper", substitutes("hash")),
            (
                "hash-digits: 20",
                "{name: PatientID, hash: true}".to_owned(),
            ),
            (
                "uid-prefix-fields: 3",
                "{name: StudyInstanceUID, hashuid: true}".to_owned(),
            ),
            (
                "uid-suffix-fields: 0",
                "{name: StudyInstanceUID, hashuid: true}".to_owned(),
            ),
            (
                "date-format: '%Y%m%d'",
                "{name: StudyDate, increment-date: true, date-increment-override: 1}".to_owned(),
            ),
            (
                "datetime-format: '%Y%m%d'",
                "{name: AcquisitionDateTime, increment-datetime: true, date-increment-override: 1}"
                    .to_owned(),
            ),
            (
                "jitter-range: 3",
                "{name: PatientWeight, jitter: true}".to_owned(),
            ),
            (
                "replace-with-insert: false",
                "{name: PatientID, replace-with: x}".to_owned(),
            ),
        ] {
            let key = setting.split(':').next().unwrap();
            let reported = notes(setting, REMOVES);
            assert!(
                reported.len() == 1
                    && reported[0].contains(key)
                    && reported[0].contains("no effect"),
                "{setting}: {reported:?}"
            );
            assert_eq!(
                notes(setting, &user),
                Vec::<String>::new(),
                "{setting} with {user}"
            );
        }
        assert!(notes("patient-age-units: Y", REMOVES)[0].contains("patient-age-units"));
        assert!(
            notes(
                "patient-age-units: Y\n  patient-age-from-birthdate: true",
                REMOVES
            )
            .is_empty()
        );
    }

    #[test]
    fn a_field_with_its_own_days_does_not_use_those_of_the_profile() {
        let reported = notes(
            "date-increment: -17",
            "{name: StudyDate, increment-date: true, date-increment-override: 5}",
        );
        assert!(
            reported[0].contains("`date-increment` has no effect"),
            "{reported:?}"
        );
    }
}
