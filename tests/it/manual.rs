//! Manual pages and the long version.

use crate::run::Place;

#[test]
fn there_is_a_page_for_every_command() {
    let place = Place::new();
    let page = place.run("man").exits(0).stdout;
    assert!(page.contains(".TH fwupload 1"), "{page}");
    // Of a flag that the short help hides, and of one that it shows.
    for said in ["The Flywheel site", "group/project"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let page = place
        .run("man profile lint")
        .exits(0)
        .stdout;
    assert!(page.contains(".TH fwupload-profile-lint 1"), "{page}");
    place
        .run("man nonsense")
        .exits(2)
        .says("`nonsense`")
        .says("profile");
    place
        .run("man --output pages")
        .exits(0);
    let help = place.run("--help").exits(0).stdout;
    let commands = help
        .split_once("\nCommands:\n")
        .and_then(|(_, rest)| rest.split_once("\n\n"))
        .map_or("", |(commands, _)| commands);
    let names: Vec<_> = commands
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.contains(&"login"), "{help}");
    for name in names {
        let page = place.path(format!("pages/fwupload-{name}.1"));
        assert!(page.exists(), "{}", page.display());
    }
    assert!(
        place
            .path("pages/fwupload-profile-lint.1")
            .exists()
    );
}

#[test]
fn the_long_version_says_what_was_built() {
    let place = Place::new();
    let short = place.run("-V").exits(0).stdout;
    let long = place
        .run("--version")
        .exits(0)
        .stdout;
    assert_eq!(long.lines().next(), short.lines().next());
    for what in ["commit ", "target ", "features "] {
        assert!(long.contains(&format!("\n{what}")), "{long}");
    }
    assert!(long.contains(std::env::consts::ARCH), "{long}");
}
