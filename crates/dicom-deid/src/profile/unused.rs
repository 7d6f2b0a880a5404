//! Settings that stand in a profile and that nothing in it uses: their author may have meant
//! something by them.

use super::action::Action;
use super::model::DicomRules;
use super::tree::Node;

/// Whether something uses a setting: the rules, and all actions in them.
type Uses = fn(&DicomRules, &[&Action]) -> bool;

/// Settings, what they are for, and whether that is there.
const SETTINGS: [(&str, &str, Uses); 11] = [
    ("date-increment", "shifts dates by it", |_, all| {
        all.iter().any(|action| shifts(action))
    }),
    ("salt", "hashes", |_, all| {
        all.iter()
            .any(|action| matches!(action, Action::Hash | Action::HashUid))
    }),
    ("hash-digits", "hashes texts", |_, all| {
        all.iter().any(|action| matches!(action, Action::Hash))
    }),
    ("uid-prefix-fields", "hashes UIDs", hashes_uids),
    ("uid-suffix-fields", "hashes UIDs", hashes_uids),
    ("uid-numeric-name", "hashes UIDs", hashes_uids),
    ("date-format", "reads dates by it", |rules, all| {
        rules.patient_age_from_birthdate
            || all
                .iter()
                .any(|action| matches!(action, Action::IncrementDate { format: None, .. }))
    }),
    (
        "datetime-format",
        "reads dates with times by it",
        |_, all| {
            all.iter()
                .any(|action| matches!(action, Action::IncrementDateTime { format: None, .. }))
        },
    ),
    ("jitter-range", "changes numbers by it", |_, all| {
        all.iter()
            .any(|action| matches!(action, Action::Jitter(jitter) if jitter.range.is_none()))
    }),
    ("replace-with-insert", "replaces by it", |_, all| {
        all.iter()
            .any(|action| matches!(action, Action::ReplaceWith { insert: None, .. }))
    }),
    ("patient-age-units", "computes an age", |rules, _| {
        rules.patient_age_from_birthdate
    }),
];

fn shifts(action: &Action) -> bool {
    matches!(
        action,
        Action::IncrementDate { days: None, .. } | Action::IncrementDateTime { days: None, .. }
    )
}

fn hashes_uids(_: &DicomRules, all: &[&Action]) -> bool {
    all.iter().any(|action| matches!(action, Action::HashUid))
}

/// What to say of the settings of a `dicom` section.
pub(super) fn notes(section: &Node, rules: &DicomRules) -> Vec<String> {
    let fields = rules.fields.iter().map(|rule| &rule.action);
    let names = rules
        .filenames
        .iter()
        .flat_map(|name| &name.groups)
        .map(|group| &group.action);
    let mut all: Vec<&Action> = fields.chain(names).collect();
    let items = all.iter().flat_map(|action| match action {
        Action::RegexSub(items) => items.as_slice(),
        _ => &[],
    });
    let groups: Vec<&Action> = items
        .flat_map(|item| &item.groups)
        .map(|group| &group.action)
        .collect();
    all.extend(groups);
    let stated = |key: &str| section.find(key).is_some_and(|value| !value.is_null());
    let idle = SETTINGS
        .iter()
        .filter(|(key, _, used)| stated(key) && !used(rules, &all));
    idle.map(|(key, what, _)| format!("`{key}` has no effect: no rule {what}"))
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
    fn a_setting_that_nothing_uses_is_told_and_one_that_is_used_is_not() {
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
            let told = notes(setting, REMOVES);
            assert!(
                told.len() == 1 && told[0].contains(key) && told[0].contains("no effect"),
                "{setting}: {told:?}"
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
        let told = notes(
            "date-increment: -17",
            "{name: StudyDate, increment-date: true, date-increment-override: 5}",
        );
        assert!(
            told[0].contains("`date-increment` has no effect"),
            "{told:?}"
        );
    }
}
