//! Keys that are kept, made and refused.

use std::collections::BTreeSet;
use std::fs;

use super::*;

const WHOSE: KeptFor<'_> = KeptFor {
    site: Some("site.example"),
    group: "neuro",
    project: "adni",
};

fn hex_of(byte: u8) -> String {
    format!("01{}", hex::encode([byte + 1; 31]))
}

fn keeping(folder: &Path) -> PseudonymKeySources {
    PseudonymKeySources {
        kept: Some(folder.join("keys")),
        ..PseudonymKeySources::default()
    }
}

#[test]
fn a_key_is_made_once_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let sources = keeping(folder.path());
    assert_eq!(
        sources
            .resolve(WHOSE, FirstUse::Refuse)
            .unwrap_err()
            .code,
        RunCode::PseudonymKeyMissing
    );
    assert!(matches!(
        sources
            .resolve(WHOSE, FirstUse::Once)
            .unwrap()
            .1,
        PseudonymKeyOrigin::Nowhere
    ));
    assert!(
        !folder.path().join("keys").exists(),
        "neither leaves anything behind"
    );
    let (first_key, origin) = sources
        .resolve(WHOSE, FirstUse::Make)
        .unwrap();
    let path = folder
        .path()
        .join("keys/site.example/neuro/adni.key");
    assert_eq!(origin, PseudonymKeyOrigin::Made(path.clone()));
    for first in [FirstUse::Make, FirstUse::Once, FirstUse::Refuse] {
        let (found, origin) = sources
            .resolve(WHOSE, first)
            .unwrap();
        assert_eq!(
            (found.fingerprint(), origin),
            (
                first_key.fingerprint(),
                PseudonymKeyOrigin::Kept(path.clone())
            )
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| {
            fs::metadata(path)
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    }
    assert_eq!(
        fs::read_dir(path.parent().unwrap())
            .unwrap()
            .count(),
        1,
        "no temporary file is left"
    );
}

#[test]
fn of_many_that_ask_at_once_one_makes_the_key_and_all_have_it() {
    let folder = tempfile::tempdir().unwrap();
    let sources = keeping(folder.path());
    let asked: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    sources
                        .resolve(WHOSE, FirstUse::Make)
                        .unwrap()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        asked
            .iter()
            .map(|(key, _)| key.fingerprint())
            .collect::<BTreeSet<_>>()
            .len(),
        1
    );
    assert_eq!(
        asked
            .iter()
            .filter(|(_, origin)| matches!(origin, PseudonymKeyOrigin::Made(_)))
            .count(),
        1
    );
}

#[test]
fn a_kept_file_that_holds_no_key_is_an_error_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let sources = keeping(folder.path());
    let (_, origin) = sources
        .resolve(WHOSE, FirstUse::Make)
        .unwrap();
    let PseudonymKeyOrigin::Made(path) = origin else {
        unreachable!()
    };
    fs::write(&path, "SPOILT").unwrap();
    let error = sources
        .resolve(WHOSE, FirstUse::Make)
        .unwrap_err();
    assert_eq!(error.code, RunCode::PseudonymKeyInvalid);
    assert!(
        error
            .to_string()
            .contains("adni.key")
            && !error.to_string().contains("SPOILT"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(path).unwrap(), "SPOILT");
}

#[test]
fn the_first_source_that_was_named_counts_and_debug_shows_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, format!("\n {}\n", hex_of(1))).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut sources = PseudonymKeySources {
        file: Some(path),
        command: Some(format!("echo {}", hex_of(2))),
        environment: Some(Zeroizing::new(hex_of(3))),
        ..keeping(folder.path())
    };
    assert!(!format!("{sources:?}").contains(&hex_of(3)));
    let made = |byte| {
        PseudonymKey::parse(&hex_of(byte))
            .unwrap()
            .fingerprint()
    };
    let used = |sources: &PseudonymKeySources| {
        sources
            .named()
            .unwrap()
            .map(|(key, origin)| (key.fingerprint(), origin.as_str()))
    };
    assert_eq!(used(&sources), Some((made(1), "file")));
    sources.file = None;
    assert_eq!(used(&sources), Some((made(2), "command")));
    sources.command = None;
    assert_eq!(used(&sources), Some((made(3), "environment")));
    sources.environment = Some(Zeroizing::new(" ".to_owned()));
    assert_eq!(used(&sources), None);
}

#[test]
fn a_named_source_that_fails_is_not_passed_over() {
    let environment = Some(Zeroizing::new(hex_of(3)));
    let failing = PseudonymKeySources {
        command: Some("exit 3".to_owned()),
        environment,
        ..PseudonymKeySources::default()
    };
    assert_eq!(
        failing.named().unwrap_err().code,
        RunCode::PseudonymKeySource
    );
    let short = PseudonymKeySources {
        environment: Some(Zeroizing::new("0011".to_owned())),
        ..PseudonymKeySources::default()
    };
    assert_eq!(
        short.named().unwrap_err().code,
        RunCode::PseudonymKeyInvalid
    );
}

#[test]
fn names_become_single_components_that_stay_apart() {
    for name in ["adni", "site.example", "a-b_c.1"] {
        assert_eq!(component(name), name);
    }
    let long = "x".repeat(200);
    let awkward = [
        "", ".", "..", "../x", "ADNI", "Adni", "nul", "com1", "a/b", "a\\b", "a_b~", "für", "fur.",
        "[::1]", &long,
    ];
    let made: BTreeSet<String> = awkward
        .iter()
        .map(|name| component(name))
        .collect();
    assert_eq!(made.len(), awkward.len(), "{made:?}");
    for name in made {
        assert!(name.contains('~') && name.len() < 60, "{name}");
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.~".contains(&b)),
            "{name}"
        );
    }
}

#[test]
fn the_folder_follows_the_given_home() {
    assert_eq!(state_folder(Some(OsStr::new("/x"))), Some("/x".into()));
}

#[test]
fn the_key_in_use_is_the_noted_one_else_the_kept_one_and_no_doubt_counts_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let sources = keeping(folder.path());
    assert_eq!(sources.used_before(WHOSE).unwrap(), None);
    let (kept, _) = sources
        .resolve(WHOSE, FirstUse::Make)
        .unwrap();
    assert_eq!(
        sources.used_before(WHOSE).unwrap(),
        Some(kept.fingerprint())
    );
    sources
        .note_use(WHOSE, "0011223344556677")
        .unwrap();
    assert_eq!(
        sources
            .used_before(WHOSE)
            .unwrap()
            .as_deref(),
        Some("0011223344556677")
    );
    let note = WHOSE
        .path(&folder.path().join("keys"))
        .with_extension(USED);
    fs::remove_file(&note).unwrap();
    fs::create_dir(&note).unwrap();
    assert_eq!(
        sources
            .used_before(WHOSE)
            .unwrap_err()
            .code,
        RunCode::PseudonymKeySource
    );
}
