//! What shells complete, asked as their scripts ask.

use crate::run::{Place, Run, native};

/// What bash is answered when the last of these words is being typed.
fn completed(place: &Place, words: &[&str]) -> Vec<String> {
    asked(place.run("--"), words)
}

fn asked(run: Run<'_>, words: &[&str]) -> Vec<String> {
    let answer = run
        .args(["fwupload"])
        .args(words)
        .env("_FWUPLOAD_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .exits(0);
    answer
        .stdout
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn flags_are_completed_after_a_path_and_names_where_names_stand() {
    let place = Place::with([("study/in.dcm", ""), ("basal.toml", "")]);
    place.file(
        place
            .home()
            .join(".config/fwupload/config.toml"),
        "[preset.nightly]\njobs = 1\n[site.main]\naddress = \"main.example\"\n",
    );
    assert_eq!(
        completed(&place, &["study", "--proj"]),
        ["--project"],
        "a flag after a path"
    );
    assert_eq!(completed(&place, &["stu"]), [native("study/")]);
    assert_eq!(
        completed(&place, &["study", "--profile", "bas"]),
        ["basic", "basal.toml"]
    );
    assert_eq!(
        completed(&place, &["profile", "lint", "flywheel"]),
        ["flywheel-minimal"]
    );
    assert_eq!(completed(&place, &["study", "--preset", ""]), ["nightly"]);
    assert_eq!(completed(&place, &["status", "--site", "m"]), ["main"]);
    assert_eq!(
        completed(&place, &["study", "--if-exists", "re"]),
        ["replace"]
    );
    assert_eq!(
        completed(&place, &["explain", "deid.burned"]),
        ["deid.burned-in"]
    );
    assert_eq!(completed(&place, &["rules", "con"]), ["convert"]);
}

#[test]
fn a_damaged_file_leaves_what_the_program_knows_by_itself() {
    let place = Place::new();
    place.file("fwupload.toml", "nonsense = [");
    assert_eq!(completed(&place, &["--preset", ""]), Vec::<String>::new());
    assert_eq!(completed(&place, &["--proj"]), ["--project"]);
}

#[test]
fn there_is_a_script_for_each_shell() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = place
            .run(&format!("completions {shell}"))
            .exits(0)
            .stdout;
        assert!(script.contains("_FWUPLOAD_COMPLETE"), "{shell}: {script}");
    }
    place
        .run("completions tcsh")
        .exits(2);
}

#[cfg(unix)]
#[test]
fn bash_completes_with_the_script() {
    let place = Place::with([("study/in.dcm", "")]);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_fwupload"))
        .parent()
        .unwrap()
        .display();
    let script = format!(
        "PATH={folder}:$PATH; source <(fwupload completions bash)\n\
            complete -p fwupload\n\
            COMP_WORDS=(fwupload study --proj); COMP_CWORD=2; COMP_TYPE=9\n\
            _clap_complete_fwupload fwupload --proj study\n\
            printf '<%s>\\n' \"${{COMPREPLY[@]}}\"\n"
    );
    let shown = place
        .program("bash")
        .args(["--norc", "-c", &script])
        .exits(0)
        .stdout;
    assert!(
        shown.contains("-F _clap_complete_fwupload fwupload"),
        "{shown}"
    );
    assert!(shown.contains("<--project>"), "{shown}");
}
