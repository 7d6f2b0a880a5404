//! A journal across runs, cuts and strangers.

use std::io::Write as _;

use flywheel_client::ContainerKind;

use super::*;

const WHOSE: JournalIdentity<'_> = JournalIdentity {
    site: "site.example",
    project: "p1",
    profile: Some("sha256:aa"),
    key: None,
    shard: None,
};

/// A run without inputs.
const OF_RUN: JournalScope<'_> = JournalScope {
    identity: WHOSE,
    inputs: &[],
    settings: "",
    fresh: false,
};

const SHORTLY: WaitForRun<'_> = WaitForRun {
    for_long: std::time::Duration::from_millis(1),
    meanwhile: &|| true,
};

fn open(folder: &Path, fresh: bool) -> Journal {
    Journal::open(folder, JournalScope { fresh, ..OF_RUN }, SHORTLY).unwrap()
}

fn container() -> ContainerRef {
    ContainerRef {
        kind: ContainerKind::Acquisition,
        id: "0123456789abcdef01234567".to_owned(),
    }
}

/// A package `name` made of sources that stand in for files of these names.
fn record(journal: &Journal, name: &str, sources: &[&str]) -> PackageRecord {
    let digester = &journal.digester;
    let sources: Vec<_> = sources
        .iter()
        .map(|source| digester.location("source", source))
        .collect();
    let members = sources
        .iter()
        .map(|source| MemberRecord {
            instance: *source,
            size: 10,
            crc32: Some(7),
        })
        .collect();
    PackageRecord {
        location: digester.location(&container().id, name),
        sources: digester.sources(sources),
        size: 100,
        members,
    }
}

fn sources(record: &PackageRecord) -> Vec<KeyedDigest> {
    record
        .members
        .iter()
        .map(|member| member.instance)
        .collect()
}

fn on_server() -> RemoteFile {
    RemoteFile {
        size: Some(100),
        file_id: Some("f1".to_owned()),
        version: Some(1),
        ..RemoteFile::default()
    }
}

fn confirmation() -> Confirmation {
    Confirmation {
        sha384: Some("ab".to_owned()),
        ..Confirmation::from(&on_server())
    }
}

fn file_of(folder: &Path) -> PathBuf {
    file_of_other(folder, WHOSE)
}

/// The file of a run without inputs.
fn file_of_other(folder: &Path, identity: JournalIdentity<'_>) -> PathBuf {
    let salt = salt::of(folder, &identity.stem()).unwrap();
    JournalScope { identity, ..OF_RUN }
        .own_path(folder, &salt)
        .0
}

#[test]
fn what_was_confirmed_is_recalled_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let sent = record(&journal, "a.zip", &["1", "2"]);
    assert_eq!(journal.recall(&sources(&sent)), None);
    journal.sending(&sent).unwrap();
    journal
        .confirmed(&sent, &container(), confirmation())
        .unwrap();
    drop(journal);

    let journal = open(folder.path(), false);
    assert_eq!(journal.confirmed_before(), 1);
    let recalled = journal
        .recall(&sources(&sent))
        .unwrap();
    assert_eq!(
        (recalled.len(), &recalled[0].container, recalled[0].location),
        (1, &container(), sent.location)
    );
    assert!(recalled[0].is(&on_server()));
    assert_eq!(
        journal.provenance(&sent, &on_server()),
        Provenance::SameSources
    );
    assert_eq!(
        journal.recall(&sources(&sent)[..1]),
        None,
        "a part of a package is not the package"
    );
}

#[test]
fn files_that_went_alone_are_recalled_together() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (one, two) = (
        record(&journal, "1.dcm", &["1"]),
        record(&journal, "2.dcm", &["2"]),
    );
    journal
        .confirmed(&one, &container(), confirmation())
        .unwrap();
    let both = [sources(&one), sources(&two)].concat();
    assert_eq!(journal.recall(&both), None);
    journal
        .confirmed(&two, &container(), confirmation())
        .unwrap();
    assert_eq!(
        journal
            .recall(&both)
            .unwrap()
            .iter()
            .map(|sent| sent.location)
            .collect::<Vec<_>>(),
        [one.location, two.location]
    );
}

#[test]
fn whose_a_file_is_depends_on_all_that_both_sides_say_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let sent = record(&journal, "a.zip", &["1"]);
    assert_eq!(journal.provenance(&sent, &on_server()), Provenance::Foreign);
    journal.sending(&sent).unwrap();
    assert_eq!(
        journal.provenance(&sent, &on_server()),
        Provenance::Unconfirmed
    );
    assert_eq!(
        journal.provenance(&record(&journal, "a.zip", &["1", "2"]), &on_server()),
        Provenance::OtherSources(None)
    );
    journal
        .confirmed(&sent, &container(), confirmation())
        .unwrap();
    let hash = |hex: &str| Some(format!("v0-sha384-{hex}"));
    for (there, provenance) in [
        (on_server(), Provenance::SameSources),
        (
            RemoteFile {
                file_id: None,
                version: None,
                hash: hash("ab"),
                ..on_server()
            },
            Provenance::SameSources,
        ),
        (
            RemoteFile {
                hash: hash("cd"),
                ..on_server()
            },
            Provenance::Foreign,
        ),
        (
            RemoteFile {
                size: Some(99),
                ..on_server()
            },
            Provenance::Foreign,
        ),
        (
            RemoteFile {
                version: Some(2),
                ..on_server()
            },
            Provenance::Foreign,
        ),
        (
            RemoteFile {
                file_id: Some("f2".to_owned()),
                ..on_server()
            },
            Provenance::Foreign,
        ),
    ] {
        assert_eq!(journal.provenance(&sent, &there), provenance, "{there:?}");
    }
    let grown = record(&journal, "a.zip", &["1", "2"]);
    assert_eq!(
        journal.provenance(&grown, &on_server()),
        Provenance::OtherSources(Some("ab".to_owned()))
    );
}

#[test]
fn a_request_that_arrives_late_is_still_known_to_be_ours() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (early, later) = (
        record(&journal, "a.zip", &["1"]),
        PackageRecord {
            size: 200,
            ..record(&journal, "a.zip", &["1", "2"])
        },
    );
    journal.sending(&early).unwrap();
    journal.sending(&later).unwrap();
    drop(journal);
    let journal = open(folder.path(), false);
    assert_eq!(
        journal.provenance(&later, &on_server()),
        Provenance::OtherSources(None)
    );
    journal
        .confirmed(&later, &container(), confirmation())
        .unwrap();
    assert_eq!(
        journal.provenance(&later, &on_server()),
        Provenance::OtherSources(None),
        "its own confirmation alone settles it"
    );
    journal
        .confirmed(&early, &container(), confirmation())
        .unwrap();
    assert_eq!(
        journal.provenance(
            &later,
            &RemoteFile {
                size: Some(200),
                ..on_server()
            }
        ),
        Provenance::Foreign
    );
}

#[test]
fn a_package_that_changed_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let mut sent = record(&journal, "a.zip", &["1", "2", "3"]);
    journal
        .confirmed(&sent, &container(), confirmation())
        .unwrap();
    sent.members[0].crc32 = Some(8);
    sent.members.pop();
    assert_eq!(
        journal.changes(&sent),
        Some(MemberChanges {
            before: 3,
            now: 2,
            new: 1,
            gone: 2
        })
    );
    assert_eq!(journal.changes(&record(&journal, "b.zip", &[])), None);
}

#[test]
fn a_torn_line_and_lines_that_cannot_be_read_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (one, two) = (record(&journal, "a", &["1"]), record(&journal, "b", &["2"]));
    journal
        .confirmed(&one, &container(), confirmation())
        .unwrap();
    drop(journal);
    let mut file = File::options()
        .append(true)
        .open(file_of(folder.path()))
        .unwrap();
    file.write_all(b"{\"type\":\"confirmed\",\"place\n\xff\xfe\n[]\n{\"type\":\"confi")
        .unwrap();
    let journal = open(folder.path(), false);
    journal
        .confirmed(&two, &container(), confirmation())
        .unwrap();
    drop(journal);
    let journal = open(folder.path(), false);
    assert!(
        journal
            .recall(&sources(&one))
            .is_some()
            && journal
                .recall(&sources(&two))
                .is_some()
    );
    assert_eq!(
        journal.changes(&two),
        Some(MemberChanges {
            before: 1,
            now: 1,
            new: 0,
            gone: 0
        }),
        "lines are found again"
    );
}

#[test]
fn every_truncation_leaves_a_journal_that_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let sent = ["1", "2"].map(|name| record(&journal, name, &[name]));
    for record in &sent {
        journal
            .confirmed(record, &container(), confirmation())
            .unwrap();
    }
    drop(journal);
    let whole = std::fs::read(file_of(folder.path())).unwrap();
    for length in 0..whole.len() {
        std::fs::write(file_of(folder.path()), &whole[..length]).unwrap();
        let journal = open(folder.path(), false);
        let known = sent
            .iter()
            .filter(|record| {
                journal
                    .recall(&sources(record))
                    .is_some()
            })
            .count();
        let lines = whole[..length]
            .split(|byte| *byte == b'\n')
            .count()
            - 1;
        assert_eq!(known, lines.saturating_sub(1), "cut at {length}");
        let more = record(&journal, "3", &["3"]);
        journal
            .confirmed(&more, &container(), confirmation())
            .unwrap();
        drop(journal);
        assert!(
            open(folder.path(), false)
                .recall(&sources(&more))
                .is_some(),
            "cut at {length}"
        );
    }
}

#[test]
fn another_identity_knows_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let names: std::collections::BTreeSet<_> = [
        WHOSE,
        JournalIdentity {
            site: "other.example",
            ..WHOSE
        },
        JournalIdentity {
            project: "p2",
            ..WHOSE
        },
        JournalIdentity {
            profile: None,
            ..WHOSE
        },
        JournalIdentity {
            key: Some("k"),
            ..WHOSE
        },
        JournalIdentity {
            shard: Some("1/2"),
            ..WHOSE
        },
        JournalIdentity {
            shard: Some("2/2"),
            ..WHOSE
        },
    ]
    .map(|identity| identity.stem())
    .into();
    assert_eq!(names.len(), 7);
    // A file that was copied over that of another identity is not believed.
    drop(open(folder.path(), false));
    let other = JournalIdentity {
        project: "p2",
        ..WHOSE
    };
    std::fs::copy(file_of(folder.path()), file_of_other(folder.path(), other)).unwrap();
    let journal = Journal::open(
        folder.path(),
        JournalScope {
            identity: other,
            ..OF_RUN
        },
        SHORTLY,
    )
    .unwrap();
    assert_ne!(
        journal.digester.location("a", "b"),
        Digester::new("", "").location("a", "b")
    );
    drop(journal);
    let text = std::fs::read_to_string(file_of_other(folder.path(), other)).unwrap();
    assert!(
        text.contains(r#""project":"p2""#) && text.lines().count() == 1,
        "{text}"
    );
}

#[test]
fn a_fresh_run_looks_at_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (one, two) = (record(&journal, "a", &["1"]), record(&journal, "b", &["2"]));
    journal
        .confirmed(&one, &container(), confirmation())
        .unwrap();
    drop(journal);
    let journal = open(folder.path(), true);
    assert_eq!(
        (journal.confirmed_before(), journal.recall(&sources(&one))),
        (0, None)
    );
    journal
        .confirmed(&two, &container(), confirmation())
        .unwrap();
    drop(journal);
    assert_eq!(open(folder.path(), false).confirmed_before(), 2);
}

#[test]
fn lines_that_no_longer_count_are_dropped_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (kept, begun) = (record(&journal, "a", &["1"]), record(&journal, "c", &["3"]));
    for _ in 0..1200 {
        journal
            .confirmed(&kept, &container(), confirmation())
            .unwrap();
    }
    journal.sending(&begun).unwrap();
    drop(journal);
    let lines = || {
        std::fs::read_to_string(file_of(folder.path()))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!(lines(), 1202);
    let journal = open(folder.path(), false);
    assert_eq!(lines(), 3);
    assert!(
        journal
            .recall(&sources(&kept))
            .is_some()
    );
    assert_eq!(
        journal
            .changes(&kept)
            .map(|changes| changes.before),
        Some(1)
    );
    assert_eq!(
        journal.provenance(&begun, &on_server()),
        Provenance::Unconfirmed
    );
}

#[test]
fn no_other_run_gets_in_meanwhile_and_no_other_user_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let error = Journal::open(folder.path(), OF_RUN, SHORTLY).unwrap_err();
    assert_eq!(error.code, RunCode::JournalLocked);
    assert!(
        error
            .what
            .contains(&std::process::id().to_string()),
        "{error}"
    );
    #[cfg(unix)]
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let entry = entry.unwrap();
        assert_eq!(
            entry
                .metadata()
                .unwrap()
                .permissions()
                .mode()
                & 0o077,
            0,
            "{:?}",
            entry.path()
        );
    }
    // A run that is told to give up while it waits does so, however long the wait may be.
    let waiting = WaitForRun {
        for_long: std::time::Duration::MAX,
        meanwhile: &|| false,
    };
    assert_eq!(
        Journal::open(folder.path(), OF_RUN, waiting)
            .unwrap_err()
            .code,
        RunCode::JournalLocked
    );
    drop(journal);
    open(folder.path(), false);
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, b"").unwrap();
    let error = Journal::open(&blocked.join("journal"), OF_RUN, SHORTLY).unwrap_err();
    assert_eq!(error.code, RunCode::JournalUnwritable);
}

#[test]
fn runs_of_different_inputs_go_on_at_the_same_time_and_know_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let of = |inputs: &str| {
        Journal::open(
            folder.path(),
            JournalScope {
                inputs: &[inputs.into()],
                ..OF_RUN
            },
            SHORTLY,
        )
    };
    let (first, second) = (of("a").unwrap(), of("b").unwrap());
    assert_eq!(
        of("a").unwrap_err().code,
        RunCode::JournalLocked,
        "the same inputs wait for each other"
    );
    let (one, two) = (
        record(&first, "a.zip", &["1", "2"]),
        record(&second, "b.zip", &["3"]),
    );
    first
        .confirmed(&one, &container(), confirmation())
        .unwrap();
    second.sending(&two).unwrap();
    drop((first, second));
    let third = of("c").unwrap();
    assert!(
        third
            .recall(&sources(&one))
            .is_some()
    );
    assert_eq!(
        third.provenance(&two, &on_server()),
        Provenance::Unconfirmed
    );
    let part = record(&third, "a.zip", &["2"]);
    assert_eq!(
        third.shared_with(part.location, &on_server(), &part),
        Some(SharedInstances {
            again: 1,
            missing: 1
        })
    );
    // The later word counts, whichever file it stands in.
    std::thread::sleep(std::time::Duration::from_millis(5));
    let newer = Confirmation {
        version: Some(2),
        ..confirmation()
    };
    third
        .confirmed(&record(&third, "a.zip", &["1"]), &container(), newer)
        .unwrap();
    third
        .confirmed(&two, &container(), confirmation())
        .unwrap();
    drop(third);
    for inputs in ["a", "b", "c", "d"] {
        let journal = of(inputs).unwrap();
        let there = RemoteFile {
            version: Some(2),
            ..on_server()
        };
        assert_eq!(
            journal.provenance(&record(&journal, "a.zip", &["1"]), &there),
            Provenance::SameSources,
            "{inputs}"
        );
        assert_eq!(
            journal.provenance(
                &two,
                &RemoteFile {
                    version: Some(9),
                    ..on_server()
                }
            ),
            Provenance::Foreign,
            "{inputs}"
        );
        assert_eq!(journal.confirmed_before(), 2);
    }
}

#[test]
fn a_look_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let look = || Journal::look(folder.path(), OF_RUN).unwrap();
    assert_eq!(
        (
            look().confirmed_before(),
            std::fs::read_dir(folder.path())
                .unwrap()
                .count()
        ),
        (0, 0)
    );
    let journal = open(folder.path(), false);
    let sent = record(&journal, "a.zip", &["1"]);
    journal
        .confirmed(&sent, &container(), confirmation())
        .unwrap();
    let looked = look();
    looked
        .sending(&record(&looked, "b.zip", &["2"]))
        .unwrap();
    assert!(
        looked
            .recall(&sources(&sent))
            .is_some()
    );
    drop((journal, looked));
    assert_eq!(
        std::fs::read_to_string(file_of(folder.path()))
            .unwrap()
            .lines()
            .count(),
        2
    );
}

#[test]
fn a_file_that_its_own_run_made_anew_is_not_believed_where_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let of = |inputs: &str| {
        Journal::open(
            folder.path(),
            JournalScope {
                inputs: &[inputs.into()],
                ..OF_RUN
            },
            SHORTLY,
        )
        .unwrap()
    };
    let first = of("a");
    let (one, two) = (
        record(&first, "a.zip", &["1"]),
        record(&first, "b.zip", &["2"]),
    );
    first
        .confirmed(&one, &container(), confirmation())
        .unwrap();
    let path = first.path.clone();
    let reader = of("b");
    assert_eq!(
        reader.shared_with(one.location, &on_server(), &one),
        Some(SharedInstances {
            again: 1,
            missing: 0
        })
    );
    // The same file with another line where that one was.
    first
        .confirmed(&two, &container(), confirmation())
        .unwrap();
    let lines = std::fs::read_to_string(&path).unwrap();
    let [header, _, other] = lines.lines().collect::<Vec<_>>()[..] else {
        panic!("{lines}")
    };
    std::fs::write(&path, format!("{header}\n{other}\n")).unwrap();
    assert_eq!(
        reader.shared_with(one.location, &on_server(), &one),
        Some(SharedInstances {
            again: 0,
            missing: 1
        }),
        "it may hold more"
    );
    assert_eq!(reader.changes(&one), None);
}

#[test]
fn any_number_of_files_is_read_with_few_open() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    journal
        .confirmed(&record(&journal, "a", &["1"]), &container(), confirmation())
        .unwrap();
    drop(journal);
    for number in 0..3000_u32 {
        let path = folder
            .path()
            .join(format!("{}-{number:032x}.jsonl", WHOSE.stem()));
        std::fs::copy(file_of(folder.path()), path).unwrap();
    }
    assert_eq!(open(folder.path(), false).confirmed_before(), 1);
}
