//! Configuration files: what they set, which goes before which, and what they may not say.

use serde_json::Value;

use crate::fixture::{Dicom, Person};
use crate::run::{Place, Run, native};
use crate::server::Site;

const USUAL: &str = "study -p demo/phantom";

fn place() -> Place {
    Place::with([("study/in.dcm", Dicom::ct(&Person::plain(), 1).bytes())])
}

/// The user's own file.
fn own(place: &Place, text: &str) {
    place.file(
        place
            .home()
            .join(".config/fwupload/config.toml"),
        text,
    );
}

/// The value and the source of a setting, as `status --config` has it.
fn setting(run: Run<'_>, name: &str) -> (String, String) {
    let listed = run.exits(0).stdout;
    let records = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let record = records
        .into_iter()
        .find(|record| record["name"] == name)
        .unwrap();
    let values: Vec<_> = record["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap())
        .collect();
    (
        values.join(","),
        record["source"]
            .as_str()
            .unwrap()
            .to_owned(),
    )
}

#[test]
fn what_is_nearer_to_the_run_goes_first() {
    let place = place();
    let jobs = |run: Run<'_>| setting(run, "jobs");
    let listed = "status --config --json";
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(jobs(place.run(listed)), pair("", "default"));
    own(
        &place,
        "jobs = 2\nretry-for = \"2h\"\n[site.main]\naddress = \"main.example\"\njobs = 3\n\
            [preset.night]\njobs = 5\nexclude = [\"a\", \"b\"]\n",
    );
    assert_eq!(jobs(place.run(listed)), pair("2", "user file"));
    assert_eq!(
        jobs(
            place
                .run(listed)
                .args(["--site", "main"])
        ),
        pair("3", "site")
    );
    place.file("fwupload.toml", "jobs = 4\n");
    assert_eq!(
        jobs(
            place
                .run(listed)
                .args(["--site", "main"])
        ),
        pair("4", "project file")
    );
    let night = || {
        place
            .run(listed)
            .args(["--preset", "night"])
    };
    assert_eq!(jobs(night()), pair("5", "preset"));
    assert_eq!(setting(night(), "exclude"), pair("a,b", "preset"));
    assert_eq!(
        jobs(night().env("FWUPLOAD_JOBS", "6")),
        pair("6", "environment")
    );
    assert_eq!(
        jobs(
            place
                .run("status --json --no-config --config")
                .env("FWUPLOAD_JOBS", "")
        ),
        pair("", "default")
    );
    // A file that is named stands for both others.
    place.file("other.toml", "memory = \"128MiB\"\n");
    let named = || place.run("status --json --config other.toml");
    assert_eq!(setting(named(), "memory"), pair("128MiB", "named file"));
    assert_eq!(jobs(named()), pair("", "default"));
}

#[test]
fn the_list_names_files_and_lines_for_people() {
    let place = place();
    own(&place, "# of mine\n\ncompression = \"none\"\nverbose = 1\n");
    let listed = place
        .run("status --config")
        .env("FWUPLOAD_MEMORY", "64MiB")
        .exits(0)
        .stdout;
    for said in [
        "none  (user file, ",
        "config.toml:3)",
        "64MiB  (FWUPLOAD_MEMORY)",
    ] {
        assert!(listed.contains(said), "{said}: {listed}");
    }
    assert!(!listed.contains("dry-run"), "{listed}");
}

#[test]
fn a_run_takes_what_it_does_from_files_and_says_from_which() {
    let (place, site) = (place(), Site::start());
    place.file(
        "fwupload.toml",
        "project = \"demo/phantom\"\nprofile = \"basic\"\nredact-paths = false\n",
    );
    // Taking protection back needs trust.
    place
        .run("study")
        .at(&site)
        .exits(5)
        .says("error[config.untrusted]")
        .says("fwupload.toml:3")
        .says("redact-paths");
    place.file(
        "fwupload.toml",
        "project = \"demo/phantom\"\nprofile = \"basic\"\n",
    );
    place
        .run("study")
        .at(&site)
        .exits(0)
        .says("notice[config]")
        .says("fwupload.toml sets profile, project");
    assert_eq!(site.uploaded().len(), 1);
    // What is typed goes first.
    place
        .run("study -p demo/nowhere")
        .at(&site)
        .exits(6)
        .says("nowhere");
    // The user's own file says the same each time, and is not told unless asked.
    std::fs::remove_file(place.path("fwupload.toml")).unwrap();
    own(&place, "project = \"demo/phantom\"\nprofile = \"basic\"\n");
    place
        .run("study --fresh")
        .at(&site)
        .exits(0)
        .does_not_say("notice[config]");
    place
        .run("study --fresh -v")
        .at(&site)
        .exits(0)
        .says("config.toml sets profile, project");
}

#[test]
fn what_a_file_cannot_say_is_an_error_with_its_line_and_what_is_meant() {
    let place = place();
    let wrong = [
        ("\nprojct = \"a/b\"", ":2", "did you mean `project`?"),
        ("jobs = \"four\"", ":1", "write a whole number"),
        ("jobs = 1.5", ":1", "a text or a whole number"),
        ("follow = \"yes\"", ":1", "true or false"),
        ("verbose = 3", ":1", "0, 1 or 2"),
        ("archives = \"open\"", ":1", "read, skip, fail"),
        ("exclude = [1.5]", ":1", "a list of texts"),
        ("dry-run = true", ":1", "type `--dry-run`"),
        ("jobs = 1\njobs = 2", ":2", "duplicate key"),
        ("preset = 3", ":1", "has to be a table"),
        ("[preset.x]\nyes = true", ":2", "type `--yes`"),
        ("[site.a]\njobs = 1", ":1", "no address"),
        ("[site.\"a.b\"]\naddress = \"x\"", ":1", "letters, digits"),
        (
            "[site.a]\naddress = \"x\"\ndefault = 1",
            ":3",
            "true or false",
        ),
        (
            "[site.a]\naddress = \"x\"\ndefault = true\n[site.b]\naddress = \"y\"\ndefault = true",
            ":4",
            "another site is the default",
        ),
        ("[trust]\nfolder = \"x\"", ":2", "`folders`"),
    ];
    for (text, line, said) in wrong {
        own(&place, text);
        place
            .run(USUAL)
            .exits(5)
            .says("error[config.invalid]")
            .says(&format!("config.toml{line}"))
            .says(said);
    }
    // A key in a file is not repeated.
    own(&place, "api-key = \"flywheel.example:CANARY0123456789\"");
    place
        .run(USUAL)
        .exits(5)
        .says("error[config.invalid]")
        .says("api-key-file")
        .does_not_say("CANARY");
    own(&place, "");
    place
        .run(USUAL)
        .args(["--preset", "night"])
        .exits(5)
        .says("error[config.invalid]")
        .says("`night`");
    place
        .run(USUAL)
        .args(["--config", "none.toml"])
        .exits(5)
        .says("none.toml is not there");
    // Commands that no setting matters to go on.
    own(&place, "nonsense = 1");
    for line in [
        "explain 3",
        "man",
        "--version",
        "profile show basic --no-config",
    ] {
        place.run(line).exits(0);
    }
}

#[test]
fn values_that_do_not_go_together_are_named_by_their_place() {
    let place = place();
    own(&place, "profile = \"basic\"\n");
    // Whether a profile or the user's word counts is not guessed.
    place
        .run(USUAL)
        .args(["--no-deid", "--offline", "-n"])
        .exits(2)
        .says("config.toml:1")
        .says("`--no-deid`");
    // The other way round the stronger word cleans.
    own(&place, "no-deid = true\n");
    place
        .run(USUAL)
        .args(["--profile", "basic", "--offline", "-n"])
        .exits(0)
        .says("de-identified with \"basic\"");
    // Data does not go as it is by a file alone.
    place
        .run(USUAL)
        .args(["--offline", "-n"])
        .exits(0);
    let site = Site::start();
    place
        .run(USUAL)
        .at(&site)
        .exits(5)
        .says("-y");
    assert!(site.uploaded().is_empty());
}

#[test]
fn a_file_that_comes_with_data_may_not_weaken_what_protects_it() {
    let (place, site) = (place(), Site::start());
    let refused = [
        "no-deid = true",
        "residual = \"warn\"",
        "other-files = \"upload\"",
        "api-key-command = \"touch ran\"",
        "pseudonym-key-file = \"key\"",
        "ca-cert = \"ca.pem\"",
        "site = \"other.example\"",
        "if-exists = \"replace\"",
        "report = \"../out.jsonl\"",
        "log-file = \"~/log\"",
        "log-file = \"link/log\"",
        "profile = \"weak.toml\"",
        "profile = \"flywheel-minimal\"",
        "[preset.x]\napi-key-command = \"touch ran\"",
        "[site.a]\naddress = \"other.example\"",
        "[trust]\nfolders = [\".\"]",
    ];
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.home(), place.path("link")).unwrap();
    for text in refused {
        if cfg!(not(unix)) && text.contains("link/") {
            continue;
        }
        place.file("fwupload.toml", text);
        place
            .run(USUAL)
            .args(["--profile", "basic", "-y"])
            .at(&site)
            .exits(5)
            .says("error[config.untrusted]")
            .says("[trust]");
    }
    assert!(!place.path("ran").exists());
    assert!(site.uploaded().is_empty());
    // Once the user's own file trusts the folder, it may.
    let folder = place.path("");
    own(
        &place,
        &format!("[trust]\nfolders = ['{}']\n", folder.display()),
    );
    place.file(
        "fwupload.toml",
        "residual = \"warn\"\nprofile = \"basic\"\n",
    );
    place
        .run(USUAL)
        .at(&site)
        .exits(0)
        .says("residual");
}

#[test]
fn data_does_not_steer_the_program_that_reads_it() {
    let (place, site) = (place(), Site::start());
    place.file(
        "fwupload.toml",
        "project = \"demo/other\"\nfilter = [\"Modality=US\"]\n",
    );
    place
        .run(". -p demo/phantom --profile basic")
        .at(&site)
        .exits(0)
        .says("notice[config]")
        .says("is not read");
    assert_eq!(site.uploaded().len(), 1);
    place
        .run(". -p demo/phantom --profile basic --config fwupload.toml")
        .at(&site)
        .exits(8);
}

#[cfg(unix)]
#[test]
fn a_file_that_everyone_may_change_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    let path = place.file("fwupload.toml", "jobs = 1\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    place
        .run(USUAL)
        .exits(5)
        .says("error[config.invalid]")
        .says("chmod o-w");
}

#[test]
fn a_site_has_a_name_and_settings_of_its_own() {
    let (place, one, other) = (place(), Site::start(), Site::start());
    for site in [&one, &other] {
        place
            .run("login --with-key-stdin")
            .stdin(site.key())
            .exits(0);
    }
    own(
        &place,
        &format!(
            "profile = \"basic\"\n[site.main]\naddress = \"{}\"\nproject = \"demo/phantom\"\n\
                [site.trial]\naddress = \"{}\"\ndefault = true\n",
            one.url(),
            other.url()
        ),
    );
    place
        .run("study --site main")
        .exits(0);
    assert_eq!((one.uploaded().len(), other.uploaded().len()), (1, 0));
    place
        .run("study --site trial")
        .exits(2)
        .says("--project");
    place
        .run("study -p demo/phantom")
        .exits(0);
    assert_eq!(
        (one.uploaded().len(), other.uploaded().len()),
        (1, 1),
        "the default"
    );
    let shown = place
        .run("status --site trial")
        .exits(0)
        .stdout;
    assert!(shown.contains(&other.url()), "{shown}");
    place
        .run("logout --site main")
        .exits(0);
    let shown = place
        .run("status --no-config")
        .exits(0)
        .stdout;
    assert!(
        !shown.contains(&one.url()) && shown.contains(&other.url()),
        "{shown}"
    );
}

#[test]
fn a_key_in_the_environment_goes_before_a_command_in_a_file() {
    let (place, site) = (place(), Site::start());
    let command = if cfg!(windows) {
        "echo > ran & exit 1"
    } else {
        "touch ran; exit 1"
    };
    own(
        &place,
        &format!("api-key-command = \"{command}\"\nprofile = \"basic\"\n"),
    );
    place.run(USUAL).at(&site).exits(0);
    assert!(!place.path("ran").exists());
    place
        .run(USUAL)
        .exits(4)
        .says("error[auth.key-source]");
    assert!(place.path("ran").exists());
}

#[test]
fn the_examples_of_the_manual_are_taken() {
    let page = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/configuration.md"
    ));
    let page = page.unwrap();
    let examples: Vec<_> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let [user, project] = examples[..] else {
        panic!("{examples:?}");
    };
    let place = place();
    own(&place, user);
    place.file("fwupload.toml", project);
    let listed = || place.run("status --config --json --preset nightly");
    let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(
        setting(listed(), "site"),
        pair("flywheel.hospital.example", "site")
    );
    assert_eq!(setting(listed(), "bwlimit"), pair("20M", "preset"));
    assert_eq!(
        setting(listed(), "exclude"),
        pair("scout/,*.tmp", "project file")
    );
    let (ca_cert, source) = setting(listed(), "ca-cert");
    assert!(
        ca_cert.ends_with(&native(".config/fwupload/hospital-ca.pem")),
        "{ca_cert}"
    );
    assert_eq!(source, "site");
}

#[test]
fn the_default_of_a_trusted_project_goes_before_the_users_own_site() {
    let place = place();
    let folder = place.path("");
    own(
        &place,
        &format!(
            "site = \"own.example\"\n[trust]\nfolders = ['{}']\n",
            folder.display()
        ),
    );
    let site = || setting(place.run("status --config --json"), "site");
    assert_eq!(site(), ("own.example".to_owned(), "user file".to_owned()));
    place.file(
        "fwupload.toml",
        "[site.trial]\naddress = \"trial.example\"\ndefault = true\n",
    );
    assert_eq!(site(), ("trial.example".to_owned(), "site".to_owned()));
}
