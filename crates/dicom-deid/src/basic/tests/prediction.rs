//! What lint and explain say of an attribute beforehand is what is done to it: every row of Table
//! E.1-1, at the top and in an item, under any options and under the actions of Flywheel's
//! vocabulary.

use proptest::prelude::*;

use super::table::{AROUND, dummy, emptied, everything, kept, new_uid, sample};
use super::*;
use crate::profile::{
    Action, AttributeEffect, Effect, Encapsulated, NestingLevel, TableEffect, TableOutcome,
};
use crate::standard::confidentiality::{ConfidentialityOption, attributes};

/// What is in the samples of the table and may not be read any more.
const NAME: &str = "yzzyqua";

/// Everything in the table, at the top and in an item.
fn twice() -> DataSet {
    let mut elements = everything();
    elements.push(Element::sequence(
        AROUND,
        vec![DataSet::from_elements(everything())],
        LITTLE,
    ));
    elements.sort_by_key(|element| element.tag);
    DataSet::from_elements(elements)
}

/// Compares each prediction with the deed, and gives the number of them.
fn compare(profile: &Profile, after: &DataSet) -> usize {
    let around = after
        .get(AROUND)
        .and_then(Element::items);
    let nested = &around.unwrap().items[0].data;
    let everything = everything();
    for before in &everything {
        compare_one(profile, before, after, NestingLevel::Top);
        compare_one(profile, before, nested, NestingLevel::Items);
    }
    2 * everything.len()
}

fn compare_one(profile: &Profile, before: &Element, after: &DataSet, level: NestingLevel) {
    let AttributeEffect { effect, .. } = profile
        .dicom
        .effect_on(before.tag, level);
    let what = format!("{} {level:?}: {}", before.tag, effect.slug());
    let found = after.get(before.tag);
    match effect {
        Effect::ByTable(TableEffect {
            outcome: TableOutcome::References | TableOutcome::ItemsCleaned,
            ..
        }) => entered(profile, before, found, &what),
        Effect::ByTable(by_table) => as_the_table_says(by_table, before, found, &what),
        effect => as_the_rules_say(&effect, before, found, &what),
    }
}

/// What is in the items is as is said of attributes in items.
fn entered(profile: &Profile, before: &Element, found: Option<&Element>, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: gone"));
    let item = &found.items().unwrap().items[0].data;
    for before in &before.items().unwrap().items[0].data {
        compare_one(profile, before, item, NestingLevel::Items);
    }
}

fn as_the_table_says(said: TableEffect, before: &Element, found: Option<&Element>, what: &str) {
    use TableOutcome as T;
    match said.outcome {
        T::Removed | T::SafePrivate => assert!(found.is_none(), "{what}"),
        T::Emptied | T::Pseudonym => emptied(before, found, what),
        T::Dummy => dummy(before, found, what),
        T::NewUid if before.items().is_none() => new_uid(found, what),
        T::Kept => kept(before, found, what),
        T::Moved => moved(before, found, what),
        T::Document(Encapsulated::Remove) => {
            assert_eq!(
                found
                    .and_then(Element::bytes)
                    .unwrap(),
                &[0, 0][..],
                "{what}"
            );
        }
        T::AsNeeded
        | T::KnownWords
        | T::NewUid
        | T::DummyItems
        | T::Content
        | T::DummyContent
        | T::DummyGraphics => unreadable(before, found, what),
        T::References | T::ItemsCleaned | T::Document(_) => panic!("{what}"),
    }
}

/// By whole weeks, which leave the time of day.
fn moved(before: &Element, found: Option<&Element>, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: gone"));
    assert_eq!(found == before, before.vr == VR::TM, "{what}");
}

fn unreadable(before: &Element, found: Option<&Element>, what: &str) {
    assert_ne!(found, Some(before), "{what}: as it was");
    assert!(!format!("{found:?}").contains(NAME), "{what}: still there");
}

fn as_the_rules_say(said: &Effect<'_>, before: &Element, found: Option<&Element>, what: &str) {
    match said {
        Effect::Untouched | Effect::Kept => {
            // Fields of a profile may still reach into the items of a sequence.
            if before.items().is_none() {
                assert_eq!(found, Some(before), "{what}");
            } else {
                assert!(found.is_some(), "{what}");
            }
        }
        _ if said.is_gone() => assert!(found.is_none(), "{what}"),
        Effect::Emptied => emptied_by_a_rule(found, what),
        // Of a whole number the draw may be 0.
        Effect::Changed(actions) if matches!(actions[..], [Action::Jitter(_)]) => {
            assert!(found.is_some(), "{what}");
        }
        Effect::Replaced(_) | Effect::Changed(_) => unreadable(before, found, what),
        // It is no part of a data set.
        Effect::WrittenAfresh => {}
        other => panic!("{what}: {other:?}"),
    }
}

fn emptied_by_a_rule(found: Option<&Element>, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: gone"));
    assert!(matches!(shown(found).as_str(), "" | "0 items"), "{what}");
}

/// Any options together, but for those that may not stand beside one that moves dates.
fn options() -> impl Strategy<Value = Vec<&'static str>> {
    let all = ConfidentialityOption::ALL.map(ConfidentialityOption::slug);
    let some = proptest::sample::subsequence(all.to_vec(), 0..=all.len());
    some.prop_map(|mut options| {
        if options.contains(&"retain-modified-dates") {
            options.retain(|option| {
                !matches!(*option, "retain-full-dates" | "retain-device-identity")
            });
        }
        options
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_said_of_the_options_is_done(
        options in options(),
        unlisted in prop::sample::select(vec!["keep-known-safe", "keep", "remove"]),
    ) {
        let options = serde_json::json!(options);
        let profile = profile(
            &format!(r#", "encapsulated": "remove", "unlisted": "{unlisted}", "options": {options}"#),
            "",
        );
        let after = clean_by(&profile, twice()).unwrap();
        prop_assert_eq!(compare(&profile, &after), 2 * (attributes().len() + 1));
    }
}

/// Each action on each row by itself: an action that cannot be carried out on a VR fails the file,
/// and then nothing is sent of which something else was said.
#[test]
fn what_is_said_of_the_actions_is_done() {
    let actions = [
        r#""keep": true"#,
        r#""remove": true"#,
        r#""replace-with": """#,
        r#""replace-with": "1""#,
        r#""hash": true"#,
        r#""hashuid": true"#,
        r#""increment-date": true"#,
        r#""increment-datetime": true"#,
        r#""jitter": true"#,
    ];
    let mut done = std::collections::BTreeMap::new();
    for row in attributes() {
        let Some(tag) = row.tag() else {
            continue;
        };
        for action in actions {
            let json = format!(
                r#"{{"name": "t", "dicom": {{"date-increment": -17, "jitter-range": 2, "fields": [{{"name": "{tag}", {action}}}]}}}}"#
            );
            let json = serde_json::from_str(&json).unwrap();
            let Ok(Some(profile)) = from_server_json(&json, "test") else {
                continue;
            };
            let before = sample(tag);
            let data = DataSet::from_elements(vec![before.clone()]);
            let Ok(after) = clean_by(&profile, data) else {
                continue;
            };
            let effect = profile
                .dicom
                .effect_on(tag, NestingLevel::Top)
                .effect;
            let what = format!("{tag} {action}: {}", effect.slug());
            as_the_rules_say(&effect, &before, after.get(tag), &what);
            *done.entry(action).or_insert(0) += 1;
        }
    }
    assert!(
        actions
            .iter()
            .all(|action| done.get(action) > Some(&10)),
        "{done:?}"
    );
}
