//! `examples/shards`: each recipe is carried out here as far as one machine can, with a program in
//! the place of the upload.
//!
//! What stands in for `fwupload` notes how it was called and writes a report; merging is left to
//! the real one.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{Place, Run};

/// Every shard has two files of its own; in shard 2 one of them fails.
const UPLOAD: &str = r#"#!/bin/sh
[ "$1" = report ] && exec "$REAL" "$@"
before=
for word; do
    case $before in --report) report=$word ;; --shard) shard=$word ;; esac
    before=$word
done
number=${shard%/*} shards=${shard#*/}
mkdir -p "$CALLS"
{ printf '<%s>' "$@"; echo; echo "state $FWUPLOAD_STATE_HOME"; echo "keys ${FWUPLOAD_API_KEY-} ${FWUPLOAD_PSEUDONYM_KEY-}"; } >"$CALLS/$number"
[ "$number" = 2 ] && failed=1 || failed=0
{
    printf '{"type":"report","v":1,"project":"neuro/adni","settings":{"shard":"%s"},"redacted":false}\n' "$shard"
    [ $failed = 0 ] || printf '{"type":"failed","path":"%s.dcm","code":"read.io"}\n' "$number"
    printf '{"type":"end","found":%d,"uploaded":%d,"skipped":%d,"failed":%d,' $((2 * shards)) $((2 - failed)) $((2 * shards - 2)) $failed
    printf '"skipped_by":{"other-shard":%d},"exit_code":%d}\n' $((2 * shards - 2)) $((3 * failed))
} >"$report"
exit $((3 * failed))
"#;

/// A queue that runs everything at once, and ends as the job does where it is told to wait.
const SBATCH: &str = r#"#!/bin/sh
before= wait= array= wrap=
echo "$*" >>"$CALLS-of-sbatch"
for word; do
    case $word in --array=*) array=${word#*=} ;; --wait) wait=yes ;; esac
    [ "$before" = --wrap ] && wrap=$word
    before=$word
done
if [ -n "$wrap" ]; then
    code=0
    sh -c "$wrap" || code=$?
    echo 'Submitted batch job 124'
    [ -z "$wait" ] || exit $code
    exit 0
fi
case $array in
    *-*) numbers=$(seq "${array%-*}" "${array#*-}") ;;
    *) numbers=$(echo "$array" | tr , ' ') ;;
esac
for number in $numbers; do
    SLURM_ARRAY_TASK_ID=$number SLURM_CPUS_PER_TASK=2 sh "$before" >&2
done
echo '123;cluster'
"#;

/// As much of GNU parallel as the recipe uses.
const PARALLEL: &str = r#"#!/bin/sh
while [ "$1" != sh ]; do shift; done
ended=0
while read -r number; do
    (
        for word; do
            shift
            set -- "$@" "$(printf %s "$word" | sed "s/{}/$number/g")"
        done
        exec "$@" </dev/null
    ) || ended=1
done
exit $ended
"#;

fn recipe(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/shards")
        .join(name)
}

/// Text of a recipe, as YAML documents.
fn documents(name: &str) -> Vec<Value> {
    let text = fs::read_to_string(recipe(name)).unwrap();
    text.split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

/// A place where these programs go before those of the system.
fn place(programs: &[(&str, &str)]) -> Place {
    let place = Place::new();
    for (name, text) in programs {
        let path = place.file(format!("bin/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    place
}

/// A shell with what stands in for other programs.
fn shell<'a>(place: &'a Place, arguments: &[&str]) -> Run<'a> {
    let path = format!(
        "{}:{}",
        place.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let run = place
        .program("sh")
        .args(arguments)
        .env("PATH", path)
        .env("CALLS", place.path("calls"));
    run.env("REAL", env!("CARGO_BIN_EXE_fwupload"))
}

/// How the upload of a shard was called, in a way that the real program understands.
#[track_caller]
fn call(place: &Place, shard: u64) -> String {
    let path = place
        .path("calls")
        .join(shard.to_string());
    let call = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("shard {shard} was not called: {error}"));
    let typed = call
        .lines()
        .next()
        .unwrap()
        .trim_start_matches('<')
        .trim_end_matches('>')
        .split("><");
    let parsed = fwupload::cli::parse(
        std::iter::once("fwupload")
            .chain(typed)
            .map(Into::into),
        &fwupload::cli::FileSettings::default(),
    );
    parsed.unwrap_or_else(|stop| panic!("{call}{}", stop.text()));
    call
}

/// The last record of a merged report: all shards are in it, and two files of each.
#[track_caller]
fn whole(report: &Path, shards: u64) {
    let text = fs::read_to_string(report).unwrap();
    let end: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&end["type"], &end["found"], &end["failed"]),
        (&"end".into(), &(2 * shards).into(), &1.into()),
        "{text}"
    );
    assert_eq!(
        (&end["uploaded"], &end["skipped"], &end["exit_code"]),
        (&(2 * shards - 1).into(), &0.into(), &3.into()),
        "{text}"
    );
}

/// Each shard was called, told which one it is, and keeps its journal in this folder.
#[track_caller]
fn all_called(place: &Place, shards: u64, state: &str) {
    for shard in 1..=shards {
        let call = call(place, shard);
        assert!(
            call.contains(&format!("<--shard><{shard}/{shards}>")),
            "{call}"
        );
        assert!(
            call.lines()
                .any(|line| line.starts_with("state ") && line.ends_with(state)),
            "{call}"
        );
    }
}

/// `slurm.sh` as it is typed.
fn slurm<'a>(place: &'a Place, arguments: &[&str]) -> Run<'a> {
    let script = recipe("slurm.sh");
    let arguments = [&[script.to_str().unwrap()], arguments].concat();
    shell(place, &arguments).env("INPUT", "my study")
}

#[test]
fn slurm_runs_every_shard_and_merges_after_all_of_them() {
    let place = place(&[("fwupload", UPLOAD), ("sbatch", SBATCH)]);
    slurm(&place, &[])
        .env("PROFILE", "basic")
        .exits(0);
    all_called(&place, 8, "state");
    let call = call(&place, 3);
    assert!(
        call.starts_with(
            "<my study><--project><neuro/adni><--profile><basic><--shard><3/8><--jobs><2>"
        ),
        "{call}"
    );
    assert!(
        call.contains("<--api-key-file><flywheel.key><--pseudonym-key-file><adni.key><--report><reports/shard-3.jsonl>"),
        "{call}"
    );
    let submitted = fs::read_to_string(place.path("calls-of-sbatch")).unwrap();
    let merge = submitted.lines().nth(1).unwrap();
    for option in ["--dependency=afterany:123 ", "--mem=1G", "--exit-code"] {
        assert!(merge.contains(option), "{option}: {submitted}");
    }
    whole(&place.path("reports/all.jsonl"), 8);
}

#[test]
fn slurm_takes_the_number_of_shards_and_ends_as_the_merge_when_it_waits() {
    let place = place(&[("fwupload", UPLOAD), ("sbatch", SBATCH)]);
    slurm(&place, &[])
        .env("SHARDS", "3")
        .env("WAIT", "yes")
        .exits(3);
    all_called(&place, 3, "state");
    assert!(!place.path("calls/4").exists());
    whole(&place.path("reports/all.jsonl"), 3);
}

#[test]
fn slurm_runs_some_shards_again_and_merges_them_with_the_others() {
    let place = place(&[("fwupload", UPLOAD), ("sbatch", SBATCH)]);
    for arguments in [&[] as &[&str], &["3,5"]] {
        let _ = fs::remove_dir_all(place.path("calls"));
        slurm(&place, arguments)
            .env("SHARDS", "6")
            .env("WAIT", "yes")
            .exits(3);
        whole(&place.path("reports/all.jsonl"), 6);
    }
    let mut called: Vec<_> = fs::read_dir(place.path("calls"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    called.sort();
    assert_eq!(called, ["3", "5"]);
    assert!(call(&place, 5).contains("<--shard><5/6>"));
}

#[test]
fn slurm_leaves_no_report_of_before_where_a_shard_does_not_begin() {
    let idle = SBATCH.replace("sh \"$before\" >&2", "true");
    let stand_ins = [("fwupload", UPLOAD), ("sbatch", SBATCH)];
    for (again, left) in [
        ("3,5", vec![1, 2, 4, 6]),
        ("2-4", vec![1, 5, 6]),
        ("1-6:2%1", vec![2, 4, 6]),
    ] {
        let place = place(&stand_ins);
        slurm(&place, &[])
            .env("SHARDS", "6")
            .exits(0);
        let sbatch = place.file("bin/sbatch", &idle);
        fs::set_permissions(sbatch, fs::Permissions::from_mode(0o755)).unwrap();
        slurm(&place, &[again])
            .env("SHARDS", "6")
            .env("WAIT", "yes")
            .exits(1);
        let kept: Vec<_> = (1..=6)
            .filter(|shard| {
                place
                    .path(format!("reports/shard-{shard}.jsonl"))
                    .exists()
            })
            .collect();
        assert_eq!(kept, left, "{again}");
    }
}

#[test]
fn a_slurm_task_without_the_number_of_shards_does_not_guess() {
    let place = place(&[("fwupload", UPLOAD)]);
    let ran = slurm(&place, &[])
        .env("SLURM_ARRAY_TASK_ID", "5")
        .ends();
    assert_ne!(ran.code, Some(0));
    ran.says("SHARDS");
    assert!(!place.path("calls").exists());
}

#[test]
fn slurm_reads_all_of_its_lines() {
    let text = fs::read_to_string(recipe("slurm.sh")).unwrap();
    let before_commands = text
        .lines()
        .take_while(|line| line.starts_with('#'))
        .filter(|line| line.starts_with("#SBATCH "))
        .count();
    assert_eq!(
        before_commands,
        text.lines()
            .filter(|line| line.starts_with("#SBATCH "))
            .count()
    );
    assert!(before_commands > 3);
}

#[test]
fn parallel_runs_every_shard_and_ends_as_one_run_would() {
    let installed = std::process::Command::new("parallel")
        .arg("--version")
        .output();
    let installed = installed.is_ok_and(|said| {
        said.stdout
            .starts_with(b"GNU parallel")
    });
    let stand_in = [("fwupload", UPLOAD), ("parallel", PARALLEL)];
    let places = [place(&stand_in), place(&stand_in[..1])];
    for place in places
        .iter()
        .take(if installed { 2 } else { 1 })
    {
        let script = recipe("parallel.sh");
        let ran = shell(place, &[script.to_str().unwrap()])
            .env("INPUT", "my study")
            .env("SHARDS", "3")
            .exits(3);
        ran.says("merged 3 reports: 1 file failed of 6 found");
        all_called(place, 3, "state");
        assert!(
            call(place, 1)
                .starts_with("<my study><--project><neuro/adni><--shard><1/3><--api-key-file>"),
            "{}",
            call(place, 1)
        );
        whole(&place.path("reports/all.jsonl"), 3);
    }
}

#[test]
fn parallel_does_not_end_well_when_a_shard_came_to_nothing() {
    let dies = UPLOAD.replace("mkdir -p", "[ \"$number\" = 3 ] && exit 1; mkdir -p");
    let place = place(&[("fwupload", &dies), ("parallel", PARALLEL)]);
    place.file("reports/shard-3.jsonl", "of an earlier run");
    let script = recipe("parallel.sh");
    let ran = shell(&place, &[script.to_str().unwrap()])
        .env("SHARDS", "3")
        .exits(1);
    ran.says("warning: the report of shard 3/3 is missing");
}

/// What a container says, with its environment: what secrets give comes from the test.
fn container<'a>(place: &'a Place, container: &Value) -> Run<'a> {
    assert_eq!(container["command"], serde_json::json!(["/bin/sh", "-c"]));
    let mut run = shell(
        place,
        &[
            "-c",
            container["args"][0]
                .as_str()
                .unwrap(),
        ],
    );
    for variable in container["env"].as_array().unwrap() {
        let name = variable["name"].as_str().unwrap();
        let secret = variable["valueFrom"]["secretKeyRef"]["key"]
            .as_str()
            .map(|key| format!("from-{key}"));
        let value = variable["value"]
            .as_str()
            .map(str::to_owned)
            .or(secret)
            .expect("a value or a secret");
        // What is mounted in a pod lies elsewhere here.
        run = run.env(
            name,
            if name == "STATE" {
                place
                    .path("mounted")
                    .into_os_string()
            } else {
                value.into()
            },
        );
    }
    run
}

#[test]
fn kubernetes_gives_every_index_its_shard_and_merges_when_told() {
    let place = place(&[("fwupload", UPLOAD)]);
    let [upload, merge] = <[Value; 2]>::try_from(documents("kubernetes.yaml")).unwrap();
    let spec = &upload["spec"];
    let shards = spec["completions"]
        .as_u64()
        .unwrap();
    assert_eq!(spec["completionMode"], "Indexed");
    let pod = &spec["template"]["spec"]["containers"][0];
    for index in 0..shards {
        let code = if index == 1 { 3 } else { 0 };
        let ran = container(&place, pod)
            .env("JOB_COMPLETION_INDEX", index.to_string())
            .exits(code);
        assert_eq!(ran.stderr, "");
    }
    all_called(&place, shards, "mounted/state");
    assert!(
        call(&place, 1).contains("keys from-api-key from-pseudonym-key"),
        "{}",
        call(&place, 1)
    );
    assert!(
        call(&place, 1).starts_with("</study><--project><neuro/adni>"),
        "{}",
        call(&place, 1)
    );
    assert_eq!(
        merge["spec"]["suspend"], true,
        "nothing orders jobs but who wakes this one"
    );
    container(&place, pod)
        .env("JOB_COMPLETION_INDEX", "0")
        .env("PROFILE", "basic")
        .exits(0);
    assert!(
        call(&place, 1).starts_with("</study><--project><neuro/adni><--profile><basic>"),
        "{}",
        call(&place, 1)
    );
    container(&place, &merge["spec"]["template"]["spec"]["containers"][0])
        .exits(3)
        .says("merged 8 reports");
    whole(&place.path("mounted/reports/all.jsonl"), shards);
}

#[test]
fn kubernetes_lets_a_shard_fail_by_itself() {
    let upload = documents("kubernetes.yaml").swap_remove(0);
    let rule = &upload["spec"]["podFailurePolicy"]["rules"][0];
    let codes: Vec<u64> = rule["onExitCodes"]["values"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    assert!(
        rule["action"] == "FailIndex"
            && codes.contains(&3)
            && codes.contains(&9)
            && !codes.contains(&7),
        "{rule}"
    );
    assert!(
        upload["spec"]["backoffLimitPerIndex"].is_u64(),
        "or one shard ends the job of all"
    );
    assert_eq!(
        upload["spec"]["template"]["spec"]["restartPolicy"], "Never",
        "or the policy does not count"
    );
}

/// A step of a job by its name: script and environment, with what the service fills in for this
/// shard.
fn step<'a>(place: &'a Place, job: &Value, name: &str, shard: u64) -> Run<'a> {
    let step = job["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["name"] == name)
        .unwrap();
    let script = step["run"].as_str().unwrap();
    assert!(
        !script.contains("${{"),
        "what the service fills in is no shell: {script}"
    );
    let mut run = shell(place, &["-ec", script]);
    for (name, value) in step["env"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let text = value
            .as_str()
            .unwrap()
            .replace("${{ matrix.shard }}", &shard.to_string());
        let total = job["strategy"]["matrix"]["shard"]
            .as_array()
            .map_or(0, Vec::len)
            .to_string();
        run = run.env(
            name,
            text.replace("${{ strategy.job-total }}", &total)
                .replace("${{ vars.STUDY }}", "my study")
                .replace("${{ vars.STATE }}", "kept"),
        );
    }
    run
}

#[test]
fn actions_run_every_shard_of_the_matrix_and_merge_what_was_kept() {
    let workflow = documents("github-actions.yml").swap_remove(0);
    let (upload, merge) = (&workflow["jobs"]["upload"], &workflow["jobs"]["merge"]);
    let shards: Vec<u64> = upload["strategy"]["matrix"]["shard"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    assert_eq!(shards, [1, 2, 3, 4]);
    let kept = place(&[("fwupload", UPLOAD)]);
    for shard in &shards {
        let runner = place(&[("fwupload", UPLOAD)]);
        step(&runner, upload, "Upload", *shard).exits(if *shard == 2 { 3 } else { 0 });
        let call = call(&runner, *shard);
        assert!(
            call.starts_with(&format!(
                "<my study><--project><neuro/adni><--shard><{shard}/4><--redact-paths>"
            )),
            "{call}"
        );
        assert!(
            call.contains("state kept\n") && call.contains("${{ secrets.PSEUDONYM_KEY }}"),
            "{call}"
        );
        let report = format!("shard-{shard}.jsonl");
        kept.file(
            format!("reports/{report}"),
            fs::read(runner.path(&report)).unwrap(),
        );
    }
    step(&kept, merge, "Merge", 0)
        .exits(3)
        .says("merged 4 reports: 1 file failed of 8 found");
    whole(&kept.path("failures.jsonl"), 4);
}

#[test]
fn actions_keep_the_report_of_a_shard_that_failed_and_merge_all_the_same() {
    let jobs = documents("github-actions.yml").swap_remove(0)["jobs"].take();
    assert_eq!(jobs["upload"]["strategy"]["fail-fast"], false);
    let keep = jobs["upload"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["name"] == "Keep the report")
        .unwrap();
    assert_eq!(
        (&keep["if"], &keep["with"]["path"]),
        (
            &"always()".into(),
            &"shard-${{ matrix.shard }}.jsonl".into()
        )
    );
    assert_eq!(
        (&jobs["merge"]["needs"], &jobs["merge"]["if"]),
        (&"upload".into(), &"${{ !cancelled() }}".into())
    );
}
