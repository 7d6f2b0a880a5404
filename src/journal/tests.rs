//! A journal across runs, cuts and strangers.

use std::io::Write as _;

use flywheel_client::ContainerKind;

use super::*;

const WHOSE: Identity<'_> = Identity {
    site: "site.example",
    project: "p1",
    profile: Some("sha256:aa"),
    key: None,
    shard: None,
};

const SHORTLY: Waiting<'_> = Waiting {
    for_long: std::time::Duration::from_millis(1),
    meanwhile: &|| true,
};

fn open(folder: &Path, fresh: bool) -> Journal {
    Journal::open(folder, WHOSE, &[], ("", fresh), SHORTLY).unwrap()
}

fn container() -> ContainerRef {
    ContainerRef {
        kind: ContainerKind::Acquisition,
        id: "0123456789abcdef01234567".to_owned(),
    }
}

/// A package `name` made of sources that stand in for files of these names.
fn parcel(journal: &Journal, name: &str, sources: &[&str]) -> Parcel {
    let marker = journal.marker();
    let sources: Vec<_> = sources
        .iter()
        .map(|source| marker.place("source", source))
        .collect();
    let members = sources
        .iter()
        .map(|source| Member {
            instance: *source,
            size: 10,
            crc32: Some(7),
        })
        .collect();
    Parcel {
        place: marker.place(&container().id, name),
        sources: marker.sources(sources),
        size: 100,
        members,
    }
}

fn sources(parcel: &Parcel) -> Vec<Mark> {
    parcel
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

fn word() -> Word {
    Word {
        sha384: Some("ab".to_owned()),
        ..Word::from(&on_server())
    }
}

fn file_of(folder: &Path) -> PathBuf {
    file_of_other(folder, WHOSE)
}

/// The file of a run without inputs.
fn file_of_other(folder: &Path, identity: Identity<'_>) -> PathBuf {
    let salt = salt::of(folder, &identity.stem()).unwrap();
    own_path(folder, identity, &Marker::new(&salt, ""), &[])
}

#[test]
fn what_was_confirmed_is_recalled_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let sent = parcel(&journal, "a.zip", &["1", "2"]);
    assert_eq!(journal.recall(&sources(&sent)), None);
    journal.sending(&sent).unwrap();
    journal.confirmed(&sent, &container(), word()).unwrap();
    drop(journal);

    let journal = open(folder.path(), false);
    assert_eq!(journal.confirmed_before(), 1);
    let recalled = journal.recall(&sources(&sent)).unwrap();
    assert_eq!(
        (recalled.len(), &recalled[0].container, recalled[0].place),
        (1, &container(), sent.place)
    );
    assert!(recalled[0].is(&on_server()));
    assert_eq!(journal.standing(&sent, &on_server()), Standing::Ours);
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
        parcel(&journal, "1.dcm", &["1"]),
        parcel(&journal, "2.dcm", &["2"]),
    );
    journal.confirmed(&one, &container(), word()).unwrap();
    let both = [sources(&one), sources(&two)].concat();
    assert_eq!(journal.recall(&both), None);
    journal.confirmed(&two, &container(), word()).unwrap();
    assert_eq!(
        journal
            .recall(&both)
            .unwrap()
            .iter()
            .map(|sent| sent.place)
            .collect::<Vec<_>>(),
        [one.place, two.place]
    );
}

#[test]
fn whose_a_file_is_depends_on_all_that_both_sides_say_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let sent = parcel(&journal, "a.zip", &["1"]);
    assert_eq!(journal.standing(&sent, &on_server()), Standing::Foreign);
    journal.sending(&sent).unwrap();
    assert_eq!(journal.standing(&sent, &on_server()), Standing::Begun);
    assert_eq!(
        journal.standing(&parcel(&journal, "a.zip", &["1", "2"]), &on_server()),
        Standing::Earlier(None)
    );
    journal.confirmed(&sent, &container(), word()).unwrap();
    let hash = |hex: &str| Some(format!("v0-sha384-{hex}"));
    for (there, standing) in [
        (on_server(), Standing::Ours),
        (
            RemoteFile {
                file_id: None,
                version: None,
                hash: hash("ab"),
                ..on_server()
            },
            Standing::Ours,
        ),
        (
            RemoteFile {
                hash: hash("cd"),
                ..on_server()
            },
            Standing::Foreign,
        ),
        (
            RemoteFile {
                size: Some(99),
                ..on_server()
            },
            Standing::Foreign,
        ),
        (
            RemoteFile {
                version: Some(2),
                ..on_server()
            },
            Standing::Foreign,
        ),
        (
            RemoteFile {
                file_id: Some("f2".to_owned()),
                ..on_server()
            },
            Standing::Foreign,
        ),
    ] {
        assert_eq!(journal.standing(&sent, &there), standing, "{there:?}");
    }
    let grown = parcel(&journal, "a.zip", &["1", "2"]);
    assert_eq!(
        journal.standing(&grown, &on_server()),
        Standing::Earlier(Some("ab".to_owned()))
    );
}

#[test]
fn a_request_that_arrives_late_is_still_known_to_be_ours() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (early, later) = (
        parcel(&journal, "a.zip", &["1"]),
        Parcel {
            size: 200,
            ..parcel(&journal, "a.zip", &["1", "2"])
        },
    );
    journal.sending(&early).unwrap();
    journal.sending(&later).unwrap();
    drop(journal);
    let journal = open(folder.path(), false);
    assert_eq!(
        journal.standing(&later, &on_server()),
        Standing::Earlier(None)
    );
    journal.confirmed(&later, &container(), word()).unwrap();
    assert_eq!(
        journal.standing(&later, &on_server()),
        Standing::Earlier(None),
        "its own confirmation alone settles it"
    );
    journal.confirmed(&early, &container(), word()).unwrap();
    assert_eq!(
        journal.standing(
            &later,
            &RemoteFile {
                size: Some(200),
                ..on_server()
            }
        ),
        Standing::Foreign
    );
}

#[test]
fn a_package_that_changed_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let mut sent = parcel(&journal, "a.zip", &["1", "2", "3"]);
    journal.confirmed(&sent, &container(), word()).unwrap();
    sent.members[0].crc32 = Some(8);
    sent.members.pop();
    assert_eq!(
        journal.changes(&sent),
        Some(Changes {
            before: 3,
            now: 2,
            new: 1,
            gone: 2
        })
    );
    assert_eq!(journal.changes(&parcel(&journal, "b.zip", &[])), None);
}

#[test]
fn a_torn_line_and_lines_that_nobody_can_read_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (one, two) = (parcel(&journal, "a", &["1"]), parcel(&journal, "b", &["2"]));
    journal.confirmed(&one, &container(), word()).unwrap();
    drop(journal);
    let mut file = File::options()
        .append(true)
        .open(file_of(folder.path()))
        .unwrap();
    file.write_all(b"{\"type\":\"confirmed\",\"place\n\xff\xfe\n[]\n{\"type\":\"confi")
        .unwrap();
    let journal = open(folder.path(), false);
    journal.confirmed(&two, &container(), word()).unwrap();
    drop(journal);
    let journal = open(folder.path(), false);
    assert!(journal.recall(&sources(&one)).is_some() && journal.recall(&sources(&two)).is_some());
    assert_eq!(
        journal.changes(&two),
        Some(Changes {
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
    let sent = ["1", "2"].map(|name| parcel(&journal, name, &[name]));
    for parcel in &sent {
        journal.confirmed(parcel, &container(), word()).unwrap();
    }
    drop(journal);
    let whole = std::fs::read(file_of(folder.path())).unwrap();
    for length in 0..whole.len() {
        std::fs::write(file_of(folder.path()), &whole[..length]).unwrap();
        let journal = open(folder.path(), false);
        let known = sent
            .iter()
            .filter(|parcel| journal.recall(&sources(parcel)).is_some())
            .count();
        let lines = whole[..length].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(known, lines.saturating_sub(1), "cut at {length}");
        let more = parcel(&journal, "3", &["3"]);
        journal.confirmed(&more, &container(), word()).unwrap();
        drop(journal);
        assert!(
            open(folder.path(), false).recall(&sources(&more)).is_some(),
            "cut at {length}"
        );
    }
}

#[test]
fn another_identity_knows_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let names: std::collections::BTreeSet<_> = [
        WHOSE,
        Identity {
            site: "other.example",
            ..WHOSE
        },
        Identity {
            project: "p2",
            ..WHOSE
        },
        Identity {
            profile: None,
            ..WHOSE
        },
        Identity {
            key: Some("k"),
            ..WHOSE
        },
        Identity {
            shard: Some("1/2"),
            ..WHOSE
        },
        Identity {
            shard: Some("2/2"),
            ..WHOSE
        },
    ]
    .map(|identity| identity.stem())
    .into();
    assert_eq!(names.len(), 7);
    // A file that was copied over that of another identity is not believed.
    drop(open(folder.path(), false));
    let other = Identity {
        project: "p2",
        ..WHOSE
    };
    std::fs::copy(file_of(folder.path()), file_of_other(folder.path(), other)).unwrap();
    let journal = Journal::open(folder.path(), other, &[], ("", false), SHORTLY).unwrap();
    assert_ne!(
        journal.marker().place("a", "b"),
        Marker::new("", "").place("a", "b")
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
    let (one, two) = (parcel(&journal, "a", &["1"]), parcel(&journal, "b", &["2"]));
    journal.confirmed(&one, &container(), word()).unwrap();
    drop(journal);
    let journal = open(folder.path(), true);
    assert_eq!(
        (journal.confirmed_before(), journal.recall(&sources(&one))),
        (0, None)
    );
    journal.confirmed(&two, &container(), word()).unwrap();
    drop(journal);
    assert_eq!(open(folder.path(), false).confirmed_before(), 2);
}

#[test]
fn lines_that_no_longer_count_are_dropped_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let (kept, begun) = (parcel(&journal, "a", &["1"]), parcel(&journal, "c", &["3"]));
    for _ in 0..1200 {
        journal.confirmed(&kept, &container(), word()).unwrap();
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
    assert!(journal.recall(&sources(&kept)).is_some());
    assert_eq!(
        journal.changes(&kept).map(|changes| changes.before),
        Some(1)
    );
    assert_eq!(journal.standing(&begun, &on_server()), Standing::Begun);
}

#[test]
fn nobody_else_gets_in_meanwhile_and_nobody_else_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path(), false);
    let error = Journal::open(folder.path(), WHOSE, &[], ("", false), SHORTLY).unwrap_err();
    assert_eq!(error.code, RunCode::JournalLocked);
    assert!(
        error.what.contains(&std::process::id().to_string()),
        "{error}"
    );
    #[cfg(unix)]
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            entry.path()
        );
    }
    // Who is told to give up while waiting does so, however long the wait may be.
    let waiting = Waiting {
        for_long: std::time::Duration::MAX,
        meanwhile: &|| false,
    };
    assert_eq!(
        Journal::open(folder.path(), WHOSE, &[], ("", false), waiting)
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
    let error =
        Journal::open(&blocked.join("journal"), WHOSE, &[], ("", false), SHORTLY).unwrap_err();
    assert_eq!(error.code, RunCode::JournalUnwritable);
}

#[test]
fn runs_of_different_inputs_go_on_at_the_same_time_and_know_of_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let of =
        |inputs: &str| Journal::open(folder.path(), WHOSE, &[inputs.into()], ("", false), SHORTLY);
    let (first, second) = (of("a").unwrap(), of("b").unwrap());
    assert_eq!(
        of("a").unwrap_err().code,
        RunCode::JournalLocked,
        "the same inputs wait for each other"
    );
    let (one, two) = (
        parcel(&first, "a.zip", &["1", "2"]),
        parcel(&second, "b.zip", &["3"]),
    );
    first.confirmed(&one, &container(), word()).unwrap();
    second.sending(&two).unwrap();
    drop((first, second));
    let third = of("c").unwrap();
    assert!(third.recall(&sources(&one)).is_some());
    assert_eq!(third.standing(&two, &on_server()), Standing::Begun);
    let part = parcel(&third, "a.zip", &["2"]);
    assert_eq!(
        third.shared_with(part.place, &on_server(), &part),
        Some(Shared {
            again: 1,
            missing: 1
        })
    );
    // The later word counts, whichever file it stands in.
    std::thread::sleep(std::time::Duration::from_millis(5));
    let newer = Word {
        version: Some(2),
        ..word()
    };
    third
        .confirmed(&parcel(&third, "a.zip", &["1"]), &container(), newer)
        .unwrap();
    third.confirmed(&two, &container(), word()).unwrap();
    drop(third);
    for inputs in ["a", "b", "c", "d"] {
        let journal = of(inputs).unwrap();
        let there = RemoteFile {
            version: Some(2),
            ..on_server()
        };
        assert_eq!(
            journal.standing(&parcel(&journal, "a.zip", &["1"]), &there),
            Standing::Ours,
            "{inputs}"
        );
        assert_eq!(
            journal.standing(
                &two,
                &RemoteFile {
                    version: Some(9),
                    ..on_server()
                }
            ),
            Standing::Foreign,
            "{inputs}"
        );
        assert_eq!(journal.confirmed_before(), 2);
    }
}

#[test]
fn a_look_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let look = || Journal::look(folder.path(), WHOSE, &[], ("", false)).unwrap();
    assert_eq!(
        (
            look().confirmed_before(),
            std::fs::read_dir(folder.path()).unwrap().count()
        ),
        (0, 0)
    );
    let journal = open(folder.path(), false);
    let sent = parcel(&journal, "a.zip", &["1"]);
    journal.confirmed(&sent, &container(), word()).unwrap();
    let looked = look();
    looked.sending(&parcel(&looked, "b.zip", &["2"])).unwrap();
    assert!(looked.recall(&sources(&sent)).is_some());
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
        Journal::open(folder.path(), WHOSE, &[inputs.into()], ("", false), SHORTLY).unwrap()
    };
    let first = of("a");
    let (one, two) = (
        parcel(&first, "a.zip", &["1"]),
        parcel(&first, "b.zip", &["2"]),
    );
    first.confirmed(&one, &container(), word()).unwrap();
    let path = first.path.clone();
    let reader = of("b");
    assert_eq!(
        reader.shared_with(one.place, &on_server(), &one),
        Some(Shared {
            again: 1,
            missing: 0
        })
    );
    // The same file with another line where that one was.
    first.confirmed(&two, &container(), word()).unwrap();
    let lines = std::fs::read_to_string(&path).unwrap();
    let [header, _, other] = lines.lines().collect::<Vec<_>>()[..] else {
        panic!("{lines}")
    };
    std::fs::write(&path, format!("{header}\n{other}\n")).unwrap();
    assert_eq!(
        reader.shared_with(one.place, &on_server(), &one),
        Some(Shared {
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
        .confirmed(&parcel(&journal, "a", &["1"]), &container(), word())
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
