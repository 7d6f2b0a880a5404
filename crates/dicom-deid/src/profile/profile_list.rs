//! The configuration files in which Flywheel's own tools keep profiles: a list of profiles, and a
//! key that selects one.
//!
//! Owns the selection and what is said about it. Where more than one could be meant, none is
//! taken.

use super::tree::{Entry, Node, NodeKind, Problem, shown};
use super::{builtin, toml};

/// Keys that hold profiles, each with a name.
const LISTS: [&str; 2] = ["deid-profiles", "deid_profiles"];

/// Keys that say which profile counts.
const CHOICES: [&str; 3] = ["deid-profile", "deid_profile", "profile"];

/// Flywheel's word for doing nothing.
const NONE: &str = "none";

/// The profile that a document is, or that it names, and what the user should know about that.
pub fn chosen(root: Node) -> Result<(Node, Vec<String>), Problem> {
    let NodeKind::Map(entries) = &root.kind else {
        return Ok((root, Vec::new()));
    };
    let given = |keys: &'static [&str], fits: fn(&Entry) -> bool| {
        entries
            .iter()
            .filter(move |entry| keys.contains(&entry.key.as_str()) && fits(entry))
    };
    // `profile` is a key of these files only where it names one.
    let names_one = |entry: &Entry| {
        !entry.value.is_null()
            && (entry.key != "profile" || matches!(entry.value.kind, NodeKind::Text(_)))
    };
    let (list, choice) = (
        only(given(&LISTS, |entry| !entry.value.is_null()))?,
        only(given(&CHOICES, names_one))?,
    );
    if list.is_none() && choice.is_none() {
        return Ok((root, Vec::new()));
    }
    if let Some(beside) = entries
        .iter()
        .find(|entry| entry.key == "dicom")
    {
        let other = list
            .or(choice)
            .map_or("", |entry| entry.key.as_str());
        return Err(beside
            .problem(format!(
                "a `dicom` section stands beside `{other}`, and either could be meant"
            ))
            .with_hint("leave one of the two in the file"));
    }
    let (profile, why) = pick(list, choice)?;
    let aside = |entry: &&Entry| {
        !LISTS.contains(&entry.key.as_str()) && !CHOICES.contains(&entry.key.as_str())
    };
    let aside: Vec<_> = entries
        .iter()
        .filter(aside)
        .map(|entry| format!("`{}`", shown(&entry.key)))
        .collect();
    let mut notes = vec![why];
    if !aside.is_empty() {
        notes.push(format!(
            "what else the file says is for Flywheel's own tools and has no effect: {}",
            aside.join(", ")
        ));
    }
    Ok((profile, notes))
}

/// The one entry of its kind, if there is one.
fn only<'a>(mut entries: impl Iterator<Item = &'a Entry>) -> Result<Option<&'a Entry>, Problem> {
    let first = entries.next();
    match (first, entries.next()) {
        (Some(first), Some(second)) => Err(second
            .problem(format!(
                "`{}` and `{}` say the same thing twice",
                first.key, second.key
            ))
            .with_hint("leave one of the two in the file")),
        _ => Ok(first),
    }
}

/// The profile that counts, and why it does.
fn pick(list: Option<&Entry>, choice: Option<&Entry>) -> Result<(Node, String), Problem> {
    let profiles = list
        .map(|entry| entry.value.items(&entry.key))
        .transpose()?
        .unwrap_or_default();
    let known = || {
        profiles
            .iter()
            .filter_map(name_of)
            .map(shown)
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (choice, profiles) {
        (None, [only]) => {
            let name = name_of(only)
                .map(|name| format!(" \"{}\"", shown(name)))
                .unwrap_or_default();
            Ok((
                only.clone(),
                format!("the profile{name} counts: it is the only one in the file"),
            ))
        }
        (None, _) => {
            let message = format!(
                "the file holds {} profiles, and does not say which of them counts",
                profiles.len()
            );
            let position = list
                .map(|list| list.position)
                .unwrap_or_default();
            Err(Problem::new(message)
                .at(position)
                .with_hint(format!("name one with `deid-profile`: {}", known())))
        }
        (Some(choice), _) if matches!(choice.value.kind, NodeKind::Map(_)) => match list {
            None => Ok((
                choice.value.clone(),
                format!("the profile under `{}` counts", choice.key),
            )),
            Some(list) => Err(choice
                .value
                .problem(format!(
                    "`{}` is a profile, and `{}` holds others",
                    choice.key, list.key
                ))
                .with_hint("leave one of the two in the file")),
        },
        (Some(choice), _) => {
            let name = choice.value.text(&choice.key)?;
            let mut called = profiles
                .iter()
                .filter(|profile| name_of(profile) == Some(name));
            match (called.next(), called.next()) {
                (Some(_), Some(second)) => {
                    Err(second.problem(format!("two profiles are called \"{}\"", shown(name))))
                }
                (Some(found), None) => Ok((
                    found.clone(),
                    format!(
                        "the profile \"{}\" counts: `{}` names it",
                        shown(name),
                        choice.key
                    ),
                )),
                (None, _) => of_flywheel(name, choice).unwrap_or_else(|| {
                    let problem = choice.value.problem(format!(
                        "no profile of the file is called \"{}\"",
                        shown(name)
                    ));
                    Err(problem.with_hint(format!(
                        "name one that is there ({}), or `none` or `minimal`",
                        known()
                    )))
                }),
            }
        }
    }
}

fn name_of(profile: &Node) -> Option<&str> {
    match &profile.find("name")?.kind {
        NodeKind::Text(name) => Some(name),
        _ => None,
    }
}

/// The profiles that Flywheel's own tools bring along.
fn of_flywheel(name: &str, choice: &Entry) -> Option<Result<(Node, String), Problem>> {
    let why = |what: &str| {
        format!(
            "`{}: {name}` means, as at Flywheel, that {what}",
            choice.key
        )
    };
    match name {
        NONE => {
            let name = Entry {
                key: "name".to_owned(),
                position: choice.position,
                value: choice.value.clone(),
            };
            Some(Ok((
                Node::new(NodeKind::Map(vec![name]), choice.position),
                why("nothing is done to the data"),
            )))
        }
        "minimal" => {
            let read = toml::parse(builtin("flywheel-minimal").unwrap_or_default());
            Some(read.map(|node| {
                (
                    node,
                    why("PatientName, PatientID and PatientBirthDate are removed and nothing else"),
                )
            }))
        }
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use crate::error::ProfileError;
    use crate::profile::{Document, Language, Profile};

    fn read(text: &str) -> Result<Profile, ProfileError> {
        Document::parse(text, Language::Yaml, "cli.yml", "cli")?.profile()
    }

    const TWO: &str = "
deid_profiles:
- name: one
  dicom: {fields: [{name: PatientName, remove: true}]}
- name: two
  dicom: {fields: [{name: PatientID, remove: true}, {name: PatientName, remove: true}]}
";

    #[test]
    fn the_profile_that_the_file_names_counts() {
        for key in ["deid_profile", "deid-profile", "profile"] {
            let profile = read(&format!("group: neuro\n{key}: two\n{TWO}")).unwrap();
            assert_eq!(
                (profile.name.as_str(), profile.dicom.fields.len()),
                ("two", 2),
                "{key}"
            );
            assert!(
                profile
                    .notes
                    .iter()
                    .any(|note| note.contains("\"two\" counts") && note.contains(key)),
                "{:?}",
                profile.notes
            );
            assert!(
                profile
                    .notes
                    .iter()
                    .any(|note| note.contains("no effect: `group`")),
                "{:?}",
                profile.notes
            );
        }
        let one =
            "deid-profiles: [{name: one, dicom: {fields: [{name: PatientName, remove: true}]}}]";
        assert_eq!(read(one).unwrap().name, "one");
        let within =
            "deid-profile: {name: within, dicom: {fields: [{name: PatientName, remove: true}]}}";
        assert_eq!(read(within).unwrap().name, "within");
    }

    #[test]
    fn the_names_of_flywheels_own_profiles_mean_what_they_mean_there() {
        for text in [
            "profile: none",
            "deid-profile: none",
            &format!("deid-profile: none\n{TWO}"),
        ] {
            let none = read(text).unwrap();
            assert!(
                none.is_empty() && none.name == "none" && none.notes[0].contains("nothing is done"),
                "{text}"
            );
        }
        let minimal = read("deid-profile: minimal").unwrap();
        assert_eq!(minimal.dicom.fields.len(), 3);
        let own = "deid-profile: minimal\ndeid-profiles: \
            [{name: minimal, dicom: {remove-private-tags: true}}]";
        assert!(
            read(own)
                .unwrap()
                .dicom
                .remove_private_tags,
            "the file's own goes before it"
        );
    }

    #[test]
    fn ambiguous_files_are_refused() {
        for (text, said) in [
            (TWO, "which of them counts"),
            ("deid-profiles: []", "holds 0 profiles"),
            (&format!("deid-profile: three\n{TWO}"), "called \"three\""),
            (
                &format!("deid-profile: {{dicom: {{}}}}\n{TWO}"),
                "holds others",
            ),
            (&format!("deid-profile: one\nprofile: two\n{TWO}"), "twice"),
            ("deid-profile: x\ndicom: {fields: []}", "beside"),
            ("deid-profiles: {a: 1}", "must be a list"),
            ("deid-profile: 5", "must be text"),
            (
                "deid-profiles: [{name: a, dicom: {}}, {name: a, dicom: {}}]\ndeid-profile: a",
                "two profiles",
            ),
            ("profile: {dicom: {fields: []}}", "unknown key `profile`"),
            ("deid-profiles: [x]", "a profile must be a section"),
        ] {
            let error = read(text)
                .map(|profile| panic!("{text}: {profile:?}"))
                .unwrap_err();
            assert!(error.what.contains(said), "{text}: {}", error.what);
        }
    }
}
