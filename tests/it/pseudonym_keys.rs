//! Where the key of pseudonyms comes from, when one is made, and that it stays secret.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::fixture::{Dicom, Person};
use crate::run::{PSEUDONYM_KEY, Place, Ran, Run, tree};
use crate::server::Site;

/// A profile that makes pseudonyms.
const KEYED: &str = "name = 'keyed'\n[dicom.confidentiality]\nprofile = \
    'basic'\n[dicom.residual]\non-leak = 'fail'\n";
const UPLOAD: &str = "in.dcm -p demo/phantom --profile keyed.toml --json";
const OFFLINE: &str = "in.dcm -p demo/phantom --profile keyed.toml --json --offline --output";

fn place() -> Place {
    Place::with([
        ("in.dcm", Dicom::ct(&Person::plain(), 1).bytes()),
        ("keyed.toml", KEYED.into()),
    ])
}

/// A key that no other test has.
fn key(digit: char) -> String {
    format!("01{}", digit.to_string().repeat(62))
}

/// A key in a file of its owner's.
fn key_file(place: &Place, name: &str, text: impl AsRef<[u8]>) {
    let path = place.file(name, text);
    #[cfg(unix)]
    set_mode(&path, 0o600);
    #[cfg(not(unix))]
    let _ = path;
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The fingerprint that the start event names.
#[track_caller]
fn used(ran: &Ran<'_>) -> String {
    ran.events_of("start")[0]["profile"]["pseudonym_key"]
        .as_str()
        .expect("a key is used")
        .to_owned()
}

/// The fingerprint of a key.
fn fingerprint(place: &Place, key: &str) -> String {
    let ran = place
        .run("profile key --json")
        .env("FWUPLOAD_PSEUDONYM_KEY", key)
        .exits(0);
    ran.end_of("pseudonym-key")["fingerprint"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The files of kept keys, by their path in the folder of state.
fn kept(place: &Place) -> Vec<String> {
    tree(&place.state())
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.contains("/pseudonym-keys/") && name.contains(".key"))
        .collect()
}

fn new_key(run: Run<'_>) -> Run<'_> {
    run.without_pseudonym_key()
        .args(["--new-pseudonym-key"])
}

#[cfg(unix)]
#[test]
fn a_file_goes_before_a_command_and_a_command_before_the_environment() {
    let place = place();
    key_file(&place, "a.key", format!("\n{}\n", key('a')));
    let run = |out: &str, flags: &[&str]| {
        used(
            &place
                .run(OFFLINE)
                .args([out])
                .args(flags)
                .exits(0),
        )
    };
    let command = ["--pseudonym-key-command", "echo; printf %064d 7"];
    let file = ["--pseudonym-key-file", "a.key"];
    assert_eq!(
        run("1", &[file, command].concat()),
        fingerprint(&place, &key('a'))
    );
    assert_eq!(
        run("2", &command),
        fingerprint(&place, &format!("{:064}", 7))
    );
    assert_eq!(run("3", &[]), fingerprint(&place, PSEUDONYM_KEY));
    let from_environment = place
        .run(OFFLINE)
        .args(["4"])
        .env("FWUPLOAD_PSEUDONYM_KEY_FILE", "a.key")
        .exits(0);
    assert_eq!(
        used(&from_environment),
        fingerprint(&place, &key('a')),
        "as every setting"
    );
    assert!(kept(&place).is_empty(), "none is made where one was named");
}

#[test]
fn without_a_terminal_a_first_key_has_to_be_asked_for() {
    let (place, site) = (place(), Site::start());
    for line in [UPLOAD.to_owned(), format!("{OFFLINE} out")] {
        let ran = place
            .run(&line)
            .without_pseudonym_key()
            .at(&site)
            .exits(5);
        ran.says("error[pseudonym.key-missing]")
            .says("--new-pseudonym-key")
            .says("--pseudonym-key-file");
        ran.says("phantom.key");
        assert_eq!(ran.end()["stopped_by"]["code"], "pseudonym.key-missing");
        place
            .run(&line)
            .env("FWUPLOAD_PSEUDONYM_KEY", "")
            .at(&site)
            .exits(5);
        place
            .run(&line)
            .without_pseudonym_key()
            .env("FWUPLOAD_NEW_PSEUDONYM_KEY", "1")
            .at(&site)
            .exits(5);
        place
            .run(&line)
            .without_pseudonym_key()
            .args(["-y"])
            .at(&site)
            .exits(5);
    }
    assert!(site.uploaded().is_empty() && kept(&place).is_empty());
}

#[test]
fn a_key_is_made_once_named_with_its_file_and_used_from_then_on() {
    let (place, site) = (place(), Site::start());
    let first = new_key(place.run(UPLOAD))
        .at(&site)
        .exits(0);
    let made = used(&first);
    first
        .says(&format!("pseudonyms: key {made} was made for demo/phantom"))
        .says("phantom.key")
        .says("back that file up");
    assert_eq!(
        kept(&place),
        ["fwupload/pseudonym-keys/127.0.0.1/demo/phantom.key"]
    );
    let second = place
        .run(UPLOAD)
        .args(["-v"])
        .without_pseudonym_key()
        .at(&site)
        .exits(0);
    assert_eq!(used(&second), made);
    second
        .says(&format!("pseudonyms: key {made} from "))
        .does_not_say("was made");
    assert_eq!(
        used(
            &new_key(place.run(UPLOAD))
                .at(&site)
                .exits(0)
        ),
        made,
        "the flag replaces no key that is there"
    );
    let quiet = place
        .run("in.dcm -p demo/phantom --profile keyed.toml")
        .without_pseudonym_key()
        .at(&site)
        .exits(0);
    quiet.says(&format!("key {made}"));
}

#[test]
fn another_key_than_that_of_earlier_runs_stops_the_run_unless_that_is_typed() {
    let (place, site) = (place(), Site::start());
    let made = used(
        &new_key(place.run(UPLOAD))
            .at(&site)
            .exits(0),
    );
    key_file(&place, "a.key", key('a'));
    let (sent, other) = (site.uploaded().len(), fingerprint(&place, &key('a')));
    let another = |flags: &str| {
        place
            .run(&format!("{UPLOAD} --pseudonym-key-file a.key {flags}"))
            .without_pseudonym_key()
            .at(&site)
    };
    for flags in ["", "-y", "--dry-run", "--output out", "--new-pseudonym-key"] {
        let ran = another(flags).exits(5);
        ran.says("error[pseudonym.key-changed]")
            .says(&made)
            .says(&other)
            .says("--change-pseudonym-key");
    }
    another("")
        .env("FWUPLOAD_CHANGE_PSEUDONYM_KEY", "1")
        .exits(5);
    assert_eq!(site.uploaded().len(), sent);
    assert_eq!(used(&another("--change-pseudonym-key").exits(0)), other);
    assert_eq!(
        used(&another("").exits(0)),
        other,
        "from then on it is the project's"
    );
    place
        .run(UPLOAD)
        .without_pseudonym_key()
        .at(&site)
        .exits(5)
        .says("pseudonym.key-changed")
        .says(&other);
}

#[test]
fn where_a_key_was_used_that_is_not_there_no_other_is_made() {
    let (place, site) = (place(), Site::start());
    let line = format!("{UPLOAD} --new-pseudonym-key");
    let given = used(
        &place
            .run(&line)
            .env("FWUPLOAD_PSEUDONYM_KEY", key('b'))
            .at(&site)
            .exits(0),
    );
    for flags in ["", "--dry-run"] {
        let ran = place
            .run(&format!("{line} {flags}"))
            .without_pseudonym_key()
            .at(&site)
            .exits(5);
        ran.says("error[pseudonym.key-missing]")
            .says(&given);
    }
    assert!(kept(&place).is_empty());
    let changed = place
        .run(&format!("{line} --change-pseudonym-key"))
        .without_pseudonym_key()
        .at(&site)
        .exits(0);
    assert_ne!(used(&changed), given);
}

#[cfg(unix)]
#[test]
fn a_kept_key_is_for_its_owner_alone_and_refused_where_it_is_not() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    new_key(place.run(OFFLINE).args(["1"])).exits(0);
    assert_eq!(
        kept(&place),
        ["fwupload/pseudonym-keys/offline/demo/phantom.key"]
    );
    let path = place.state().join(&kept(&place)[0]);
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    set_mode(&path, 0o644);
    let ran = place
        .run(OFFLINE)
        .args(["2"])
        .without_pseudonym_key()
        .exits(5);
    ran.says("error[pseudonym.key-source]")
        .says("chmod 600");
}

#[test]
fn each_project_has_its_own_key() {
    let (place, site) = (place(), Site::setup().start());
    let run = |project: &str, out: &str| {
        let line =
            format!("in.dcm -p {project} --profile keyed.toml --json --offline --output {out}");
        used(&new_key(place.run(&line)).exits(0))
    };
    let keys = [
        run("demo/phantom", "1"),
        run("demo/Phantom", "2"),
        run("other/phantom", "3"),
        {
            used(
                &new_key(place.run(UPLOAD))
                    .at(&site)
                    .exits(0),
            )
        },
    ];
    assert_eq!(
        keys.iter()
            .collect::<BTreeSet<_>>()
            .len(),
        4,
        "{keys:?}"
    );
    assert_eq!(run("demo/phantom", "5"), keys[0]);
    assert_eq!(kept(&place).len(), 4);
}

#[test]
fn a_rehearsal_makes_no_key_that_stays_and_says_so() {
    let (place, site) = (place(), Site::start());
    for flags in [
        "--dry-run",
        "--dry-run --offline",
        "--dry-run --sandbox box",
        "--dry-run --new-pseudonym-key",
    ] {
        let ran = place
            .run(UPLOAD)
            .args(flags.split_whitespace())
            .without_pseudonym_key()
            .at(&site)
            .exits(0);
        ran.says("for this rehearsal only");
        assert_eq!(
            ran.stderr
                .contains("the run itself needs a key"),
            ["--dry-run", "--dry-run --offline"].contains(&flags)
        );
    }
    assert!(kept(&place).is_empty());
    assert!(
        tree(&place.path("box"))
            .iter()
            .all(|(name, _)| !name.contains("phantom.key"))
    );
    let made = used(
        &new_key(place.run(UPLOAD))
            .at(&site)
            .exits(0),
    );
    let ran = place
        .run(UPLOAD)
        .args(["--dry-run"])
        .without_pseudonym_key()
        .at(&site)
        .exits(0);
    assert_eq!(used(&ran), made, "a key that is there is used");
}

#[test]
fn a_sandbox_makes_its_key_without_asking_in_a_place_that_is_not_served() {
    let place = place();
    let run = || {
        place
            .run("in.dcm -p demo/phantom --profile keyed.toml --json --sandbox box")
            .without_pseudonym_key()
            .exits(0)
    };
    let (first, second) = (run(), run());
    assert_eq!(used(&first), used(&second));
    first.says("was made for demo/phantom");
    let keys: Vec<_> = tree(&place.path("box"))
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name.contains("phantom.key"))
        .collect();
    assert_eq!(
        keys,
        [".fwupload-sandbox/pseudonym-keys/127.0.0.1/demo/phantom.key"]
    );
    assert_eq!(
        second.end()["totals"]["already_there"],
        1,
        "the same key gives the same instance"
    );
    assert!(kept(&place).is_empty());
}

#[test]
fn what_is_no_key_is_refused_and_not_repeated() {
    let place = place();
    let run = |key: &str| {
        place
            .run(OFFLINE)
            .args(["out"])
            .env("FWUPLOAD_PSEUDONYM_KEY", key)
            .exits(5)
    };
    run("SECRETWORDS")
        .says("error[pseudonym.key-invalid]")
        .says("hexadecimal")
        .does_not_say("SECRETWORDS");
    run("00ff00ff")
        .says("error[pseudonym.key-invalid]")
        .says("16 bytes")
        .does_not_say("00ff00ff");
    key_file(&place, "bad.key", "SECRETWORDS");
    let ran = place
        .run(OFFLINE)
        .args(["out", "--pseudonym-key-file", "bad.key"])
        .exits(5);
    ran.says("error[pseudonym.key-invalid]")
        .says("bad.key")
        .does_not_say("SECRETWORDS");
    let ran = place
        .run(OFFLINE)
        .args(["out", "--pseudonym-key-file", "none.key"])
        .exits(5);
    ran.says("error[pseudonym.key-source]")
        .says("none.key");
    let ran = place
        .run(OFFLINE)
        .args(["out", "--pseudonym-key-command", "exit 3"])
        .exits(5);
    ran.says("error[pseudonym.key-source]");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_cure() {
    let place = place();
    set_mode(&place.file("a.key", key('a')), 0o640);
    let ran = place
        .run(OFFLINE)
        .args(["out", "--pseudonym-key-file", "a.key"])
        .exits(5);
    ran.says("error[pseudonym.key-source]")
        .says("chmod 600 a.key")
        .does_not_say("aaaa");
}

#[test]
fn a_key_on_the_command_line_is_refused_and_not_repeated() {
    let place = place();
    for argument in [
        vec!["--pseudonym-key".to_owned(), key('a')],
        vec![format!("--pseudonym-key={}", key('a'))],
    ] {
        place
            .run(UPLOAD)
            .args(argument)
            .exits(2)
            .says("--pseudonym-key-file")
            .does_not_say("aaaa");
    }
}

#[test]
fn at_no_verbosity_is_the_key_shown() {
    let (place, site) = (place(), Site::start());
    let shown = |ran: &Ran<'_>, key: &str| ran.stdout.contains(key) || ran.stderr.contains(key);
    let made = new_key(place.run(UPLOAD))
        .args(["-vv"])
        .env("RUST_LOG", "trace")
        .at(&site)
        .exits(0);
    let secret = std::fs::read_to_string(place.state().join(&kept(&place)[0])).unwrap();
    assert!(secret.trim().len() == 64 && !shown(&made, secret.trim()));
    let given = place
        .run(UPLOAD)
        .args(["-vv", "--change-pseudonym-key"])
        .env("RUST_LOG", "trace")
        .at(&site)
        .exits(0);
    assert!(!shown(&given, PSEUDONYM_KEY));
    for line in [
        "profile key",
        "profile key --json",
        "profile test keyed.toml in.dcm",
        "profile test keyed.toml in.dcm --json",
    ] {
        assert!(!shown(&place.run(line).exits(0), PSEUDONYM_KEY), "{line}");
    }
    for request in site.requests() {
        let all = request.everything();
        assert!(
            all.windows(64)
                .all(|part| part != secret.trim().as_bytes() && part != PSEUDONYM_KEY.as_bytes())
        );
    }
}

#[test]
fn of_runs_that_start_at_once_one_makes_the_key_and_all_use_it() {
    let place = place();
    let running: Vec<_> = (0..6)
        .map(|n| new_key(place.run(&format!("{OFFLINE} out{n} --report {n}.jsonl"))).start())
        .collect();
    let ran: Vec<_> = running
        .into_iter()
        .map(crate::run::Running::end)
        .collect();
    for ran in &ran {
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    assert_eq!(
        ran.iter()
            .map(used)
            .collect::<BTreeSet<_>>()
            .len(),
        1
    );
    assert_eq!(
        ran.iter()
            .filter(|ran| ran.stderr.contains("was made"))
            .count(),
        1
    );
    assert_eq!(kept(&place).len(), 1, "no half-made file is left");
}

#[test]
fn a_profile_without_pseudonyms_needs_no_key_and_flags_for_one_do_no_harm() {
    let place = Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())]);
    let line = "in.dcm -p demo/phantom --subject s --profile flywheel-minimal --residual warn \
        --json --offline --output";
    let ran = place
        .run(line)
        .args(["1"])
        .without_pseudonym_key()
        .exits(0);
    assert_eq!(
        ran.events_of("start")[0]["profile"]["pseudonym_key"],
        Value::Null
    );
    let flags = ["--new-pseudonym-key", "--pseudonym-key-file", "none.key"];
    place
        .run(line)
        .args(["2"])
        .args(flags)
        .without_pseudonym_key()
        .exits(0)
        .does_not_say("pseudonyms:");
    assert!(kept(&place).is_empty());
}

#[test]
fn profile_key_says_which_key_a_run_would_use() {
    let (place, site) = (place(), Site::start());
    let named = place.run("profile key").exits(0);
    assert_eq!(
        named.stdout,
        format!(
            "key   {}\nfrom  FWUPLOAD_PSEUDONYM_KEY\n",
            fingerprint(&place, PSEUDONYM_KEY)
        )
    );
    let ask = |line: &str| {
        place
            .run(line)
            .without_pseudonym_key()
            .at(&site)
    };
    ask("profile key")
        .exits(2)
        .says("no project is named");
    ask("profile key --project phantom")
        .exits(2)
        .says("group/project");
    ask("profile key --project demo/phantom")
        .exits(5)
        .says("error[pseudonym.key-missing]");
    assert!(kept(&place).is_empty(), "to look makes none");
    let made = used(
        &new_key(place.run(UPLOAD))
            .at(&site)
            .exits(0),
    );
    let found = ask("profile key --project demo/phantom --json")
        .exits(0)
        .end_of("pseudonym-key");
    assert_eq!(
        (found["fingerprint"].as_str(), found["from"].as_str()),
        (Some(made.as_str()), Some("kept"))
    );
    assert!(
        found["path"]
            .as_str()
            .unwrap()
            .ends_with("phantom.key")
    );
    ask("profile key --project demo/phantom --offline")
        .exits(5)
        .says("offline");
    place
        .run("profile key --project demo/phantom")
        .without_pseudonym_key()
        .exits(4)
        .says("--offline");
}

#[test]
fn a_trial_without_a_key_makes_one_for_itself_and_says_so() {
    let place = place();
    let trial = || {
        place
            .run("profile test keyed.toml in.dcm --json")
            .without_pseudonym_key()
            .exits(0)
    };
    let (one, other) = (trial(), trial());
    one.says("random key that is not kept");
    assert_ne!(used(&one), used(&other));
    let given = place
        .run("profile test keyed.toml in.dcm --json")
        .exits(0);
    assert_eq!(used(&given), fingerprint(&place, PSEUDONYM_KEY));
    given
        .says("from FWUPLOAD_PSEUDONYM_KEY")
        .does_not_say("random");
    assert!(kept(&place).is_empty());
}

#[test]
fn a_looser_residual_check_is_a_warning_and_has_to_be_typed() {
    let place = place();
    let run = |out: &str, flags: &[&str]| {
        place
            .run(OFFLINE)
            .args([out])
            .args(flags)
            .exits(0)
    };
    run("1", &["--residual", "warn", "-q"])
        .says("warning[residual]")
        .says("sent all the same");
    run("2", &["--residual", "fail"]).does_not_say("[residual]");
    place
        .run(OFFLINE)
        .args(["3"])
        .env("FWUPLOAD_RESIDUAL", "warn")
        .exits(0)
        .does_not_say("[residual]");
    place
        .run(OFFLINE)
        .args(["4", "--residual", "ignore"])
        .exits(2);
    place
        .run("profile test keyed.toml in.dcm --residual warn")
        .exits(0)
        .says("--residual warn");
    place.file("keyed.toml", KEYED.replace("'fail'", "'warn'"));
    run("5", &["--residual", "warn"]).does_not_say("[residual]");
}
