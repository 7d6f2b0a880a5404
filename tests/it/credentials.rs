//! Where the API key comes from, and that it stays secret.

use crate::fixture::{Dicom, Person};
use crate::run::{Place, tree};
use crate::server::{Site, on};

const USUAL: &str = "in.dcm -p demo/phantom --profile basic";

fn place() -> Place {
    Place::with([("in.dcm", Dicom::ct(&Person::plain(), 1).bytes())])
}

#[cfg(unix)]
fn set_mode(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn login_keeps_the_key_for_later_runs_and_logout_forgets_it() {
    let (place, site) = (place(), Site::start());
    let ran = place
        .run("login --with-key-stdin")
        .stdin(format!("{}\n", site.key()))
        .exits(0);
    ran.does_not_say("sandbox-key");
    place
        .run(USUAL)
        .exits(0)
        .does_not_say("sandbox-key");
    place.run("status").exits(0);
    place.run("logout").exits(0);
    place.run("status").exits(4);
    place
        .run(USUAL)
        .exits(4)
        .says("error[auth.missing]");
    let left = tree(&place.home());
    assert!(
        left.iter()
            .all(|(_, bytes)| !String::from_utf8_lossy(bytes).contains("sandbox-key")),
        "nothing of it is left"
    );
}

#[test]
fn each_site_keeps_its_key_and_none_is_guessed() {
    let (place, one, other) = (place(), Site::start(), Site::start());
    for site in [&one, &other] {
        place
            .run("login --with-key-stdin")
            .stdin(site.key())
            .exits(0);
    }
    place
        .run(USUAL)
        .exits(4)
        .says("error[auth.several-sites]")
        .says(&one.url())
        .says(&other.url())
        .says("--site")
        .does_not_say("sandbox-key");
    place
        .run(USUAL)
        .args(["--site", &one.url()])
        .exits(0);
    assert_eq!(
        (one.uploaded().len(), other.uploaded().len()),
        (1, 0),
        "it went to the site that was named"
    );
    let listed = place.run("status").exits(0).stdout;
    assert!(
        [&one, &other]
            .iter()
            .all(|site| listed.contains(&site.url())),
        "{listed}"
    );
    let listed = place
        .run("status --json")
        .exits(0)
        .stdout;
    assert_eq!(listed.lines().count(), 2, "{listed}");
    place
        .run("logout")
        .exits(4)
        .says("error[auth.several-sites]")
        .says("--all");
    place
        .run("logout")
        .args(["--site", &one.url()])
        .exits(0);
    place.run(USUAL).exits(0);
    assert_eq!(other.uploaded().len(), 1, "one login is left, and is meant");
}

#[test]
fn a_damaged_login_file_is_told_and_can_be_forgotten() {
    let (place, site) = (place(), Site::start());
    let login = || {
        place
            .run("login --with-key-stdin")
            .stdin(site.key())
    };
    login().exits(0);
    let (name, _) = tree(&place.home())
        .into_iter()
        .find(|(name, _)| name.ends_with("login.json"))
        .unwrap();
    std::fs::write(place.home().join(name), "{\"logins\": [").unwrap();
    for ran in [login(), place.run("status"), place.run(USUAL)] {
        ran.exits(4)
            .says("error[auth.key-source]")
            .says("logout --all");
    }
    place.run("logout --all").exits(0);
    login().exits(0);
}

#[test]
fn a_key_that_is_no_longer_good_is_told_among_those_that_are() {
    let (place, one) = (place(), Site::start());
    let revoked = on("GET", "/api/auth/status")
        .after(1)
        .answer(401);
    let other = Site::setup().rule(revoked).start();
    for site in [&one, &other] {
        place
            .run("login --with-key-stdin")
            .stdin(site.key())
            .exits(0);
    }
    let ran = place.run("status").exits(4);
    ran.says("error[auth.rejected]");
    for line in [&one.url(), "error    auth.rejected: "] {
        assert!(ran.stdout.contains(line), "{line} in {}", ran.stdout);
    }
    let listed = place
        .run("status --json")
        .exits(4)
        .stdout;
    assert!(listed.contains("\"error\":\"auth.rejected\""), "{listed}");
    place.run("logout --all").exits(0);
    place.run("status").exits(4);
    assert!(tree(&place.home()).is_empty());
}

#[cfg(unix)]
#[test]
fn the_login_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (place, site) = (place(), Site::start());
    place
        .run("login --with-key-stdin")
        .stdin(site.key())
        .exits(0);
    let (name, _) = tree(&place.home())
        .into_iter()
        .find(|(_, bytes)| String::from_utf8_lossy(bytes).contains("sandbox-key"))
        .unwrap();
    let path = place.home().join(name);
    assert_eq!(
        std::fs::metadata(path)
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
}

#[test]
fn login_checks_the_key_before_it_keeps_it() {
    let (place, site) = (place(), Site::start());
    let wrong = site
        .key()
        .replace("sandbox-key", "another-key");
    place
        .run("login --with-key-stdin")
        .stdin(wrong)
        .exits(4)
        .says("error[auth.rejected]")
        .does_not_say("another-key");
    assert!(tree(&place.home()).is_empty());
}

#[cfg(unix)]
#[test]
fn a_key_file_must_be_private() {
    let (place, site) = (place(), Site::start());
    let file = place.file("key", site.key());
    set_mode(&file, 0o644);
    let ran = place
        .run(USUAL)
        .args(["--api-key-file", "key"])
        .exits(4);
    ran.says("error[auth.key-source]")
        .says("chmod 600")
        .does_not_say("sandbox-key");
    set_mode(&file, 0o600);
    place
        .run(USUAL)
        .args(["--api-key-file", "key"])
        .exits(0);
}

#[cfg(unix)]
#[test]
fn a_command_can_give_the_key() {
    let (place, site) = (place(), Site::start());
    place
        .run(USUAL)
        .args(["--api-key-command", "cat key; echo"])
        .exits(4)
        .says("error[auth.key-source]");
    place.file("key", site.key());
    place
        .run(USUAL)
        .args(["--api-key-command", "cat key; echo"])
        .exits(0);
}

#[test]
fn flywheels_own_login_is_the_last_resort_and_is_named() {
    let (place, site) = (place(), Site::start());
    let file = place
        .home()
        .join(".config/flywheel/user.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(
        file,
        format!("{{\"key\":\"{}\",\"root\":false}}", site.key()),
    )
    .unwrap();
    let ran = place.run(USUAL).exits(0);
    assert_eq!(
        ran.stderr
            .matches("user.json")
            .count(),
        1,
        "{}",
        ran.stderr
    );
}

#[test]
fn at_no_verbosity_is_the_key_shown() {
    let (place, site) = (place(), Site::setup().signed_urls().start());
    let ran = place
        .run(USUAL)
        .args(["-vv", "--json"])
        .env("RUST_LOG", "trace")
        .at(&site)
        .exits(0);
    assert!(
        !ran.stderr.contains("sandbox-key") && !ran.stdout.contains("sandbox-key"),
        "{}",
        ran.stderr
    );
}
