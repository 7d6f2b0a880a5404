//! `fwupload plan` and `--from-plan`: one walk for all shards, which together do what one run does,
//! and nothing of a plan that is not what was planned.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};

use serde_json::Value;

use crate::archives::zip;
use crate::fixture::{CODED, Dicom, Person, damaged, found_in};
use crate::run::{Place, Ran, native};
use crate::server::Site;

/// CT Image Storage.
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
const FLAGS: &str = "-p demo/phantom --profile coded.yaml --json";

fn slice(person: u32, series: u32, number: u32) -> Vec<u8> {
    Dicom::image(&Person::numbered(person), CT, "CT", series, number, 4).bytes()
}

/// Six studies of two series, a file that is no DICOM and one that is broken.
fn place() -> Place {
    let place = Place::new();
    for person in 1..=6 {
        for series in 1..=2 {
            for number in 1..=2 {
                place.file(
                    format!("study/{person}/{series}/{number}.dcm"),
                    slice(person, series, number),
                );
            }
        }
    }
    place.file("study/notes.txt", "no DICOM");
    place.file("study/broken.dcm", damaged::truncated(&slice(1, 1, 9)));
    place.file("coded.yaml", CODED);
    place
}

fn packages(site: &Site) -> BTreeSet<Vec<u8>> {
    site.uploaded()
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect()
}

/// Every shard of the plan in `plan`, each with a report.
fn shards<'a>(place: &'a Place, site: &Site, of: u32) -> Vec<Ran<'a>> {
    (1..=of)
        .map(|n| shard(place, site, &format!("{n}/{of} --report {n}.jsonl")))
        .collect()
}

fn shard<'a>(place: &'a Place, site: &Site, shard: &str) -> Ran<'a> {
    place
        .run(&format!("--from-plan plan {FLAGS} --shard {shard}"))
        .at(site)
        .ends()
}

fn counts(totals: &Value) -> BTreeMap<String, Value> {
    let totals = totals.as_object().unwrap().iter();
    let names = [
        "found",
        "uploaded",
        "already_there",
        "skipped",
        "failed",
        "skipped_by",
        "failed_by",
    ];
    totals
        .filter(|(name, _)| names.contains(&name.as_str()))
        .map(|(name, count)| (name.clone(), count.clone()))
        .collect()
}

fn last_record(place: &Place, report: &str) -> Value {
    let text = fs::read_to_string(place.path(report)).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// The paths in a list, with their lines.
fn list(place: &Place, shard: u32) -> Vec<Value> {
    fs::read_to_string(place.path(format!("plan/shard-{shard}.jsonl")))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn shards_of_a_plan_together_do_what_one_run_does() {
    let (place, whole, parts) = (place(), Site::start(), Site::start());
    let one = place
        .run(&format!("study {FLAGS} --exclude notes.txt"))
        .at(&whole)
        .exits(3);
    place
        .run("plan study --shards 3 --output plan --exclude notes.txt")
        .exits(0)
        .says("26 files of 6 studies")
        .says("in 3 lists");
    let ran = shards(&place, &parts, 3);
    assert_eq!(packages(&parts), packages(&whole));
    let looked_at: Vec<_> = ran
        .iter()
        .map(|ran| {
            ran.end()["totals"]["found"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(looked_at.iter().sum::<u64>(), 26, "each file by one shard");
    assert!(looked_at.iter().all(|n| *n >= 8), "{looked_at:?}");
    place
        .run("report merge 1.jsonl 2.jsonl 3.jsonl --output all.jsonl --exit-code")
        .exits(3);
    let merged = last_record(&place, "all.jsonl");
    assert_eq!(counts(&merged), counts(&one.end()["totals"]));
    assert_eq!(merged["exit_code"], 3);
    // Up-arrow, enter: nothing is sent again, and the journal knows the part.
    let sent = parts.uploaded().len();
    let again = shard(&place, &parts, "2/3");
    assert_eq!(parts.uploaded().len(), sent);
    assert!(
        again.end()["totals"]["already_there"]
            .as_u64()
            .unwrap()
            >= 8
    );
}

#[test]
fn a_plan_names_paths_and_says_no_value() {
    let place = place();
    place.file("study/7.zip", zip(&[("a", slice(7, 1, 1))]));
    place
        .run("plan study --shards 2 -o plan")
        .exits(0);
    let mut all = String::new();
    for (name, bytes) in place.tree("plan") {
        assert_eq!(found_in(&bytes), [""; 0], "{name}");
        all += &String::from_utf8(bytes).unwrap();
    }
    for person in 1..=7 {
        let uid = Person::numbered(person).uid(1, 1);
        let study = uid.trim_end_matches(".1.1");
        assert!(!all.contains(study), "{study}");
    }
    for path in ["study/3/1/2.dcm", "study/7.zip"] {
        let written = serde_json::to_string(&native(path)).unwrap();
        assert!(all.contains(written.trim_matches('"')), "{written}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| {
            fs::metadata(place.path(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        assert_eq!(mode("plan"), 0o700);
        for (name, _) in place.tree("plan") {
            assert_eq!(mode(&format!("plan/{name}")), 0o600, "{name}");
        }
    }
}

#[test]
fn studies_are_divided_by_their_bytes_and_never_cut() {
    let place = Place::new();
    // One study as large as all the others.
    for number in 1..=9 {
        place.file(format!("study/1/{number}"), slice(1, 1, number));
    }
    for person in 2..=10 {
        place.file(format!("study/{person}/1"), slice(person, 1, 1));
    }
    place
        .run("plan study --shards 2 -o plan")
        .exits(0);
    let (one, two) = (list(&place, 1), list(&place, 2));
    assert_eq!((one.len(), two.len()), (9, 9));
    let studies = |list: &[Value]| -> BTreeSet<String> {
        list.iter()
            .map(|line| {
                line["study"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    assert!(studies(&one).is_disjoint(&studies(&two)));
    assert_eq!(studies(&one).len() + studies(&two).len(), 10);
}

#[test]
fn what_lies_in_one_archive_goes_to_one_shard() {
    let (place, whole, parts) = (Place::new(), Site::start(), Site::start());
    place.file("coded.yaml", CODED);
    // Two studies in one archive, the second of which lies in a folder and in another archive too.
    place.file(
        "study/a.zip",
        zip(&[
            ("readme.txt", b"first, and no DICOM".to_vec()),
            ("1", slice(1, 1, 1)),
            ("2", slice(2, 1, 1)),
        ]),
    );
    place.file("study/b.zip", zip(&[("3", slice(2, 1, 3))]));
    place.file("study/c/2", slice(2, 1, 2));
    for person in 3..=5 {
        place.file(format!("study/{person}"), slice(person, 1, 1));
    }
    place
        .run(&format!("study {FLAGS}"))
        .at(&whole)
        .exits(0);
    place
        .run("plan study --shards 4 -o plan")
        .exits(0);
    let names = |shard| -> Vec<String> {
        list(&place, shard)
            .iter()
            .map(|line| {
                let path = line["path"].as_str().unwrap();
                path.rsplit(['/', '\\'])
                    .next()
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let together = (1..=4)
        .map(names)
        .find(|names| names.contains(&"a.zip".to_owned()))
        .unwrap();
    assert_eq!(together, ["2", "a.zip", "b.zip"]);
    let ran = shards(&place, &parts, 4);
    assert_eq!(packages(&parts), packages(&whole));
    let found: u64 = ran
        .iter()
        .map(|ran| {
            ran.end()["totals"]["found"]
                .as_u64()
                .unwrap()
        })
        .sum();
    assert_eq!(found, 8, "members count by themselves");
}

#[test]
fn what_changed_since_the_plan_fails_by_its_name() {
    let (place, site) = (place(), Site::start());
    place
        .run("plan study --shards 1 -o plan")
        .exits(0);
    fs::remove_file(place.path("study/1/1/1.dcm")).unwrap();
    // Longer, newer, and of another study with the size and time that it had.
    place.file("study/2/1/1.dcm", [slice(2, 1, 1), vec![0; 2]].concat());
    let touched = File::options()
        .write(true)
        .open(place.path("study/3/1/1.dcm"))
        .unwrap();
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    touched.set_modified(later).unwrap();
    let replaced = place.path("study/4/1/1.dcm");
    let before = fs::metadata(&replaced)
        .unwrap()
        .modified()
        .unwrap();
    place.file("study/4/1/1.dcm", slice(5, 1, 1));
    File::options()
        .write(true)
        .open(&replaced)
        .unwrap()
        .set_modified(before)
        .unwrap();
    // In no list, and so not looked at.
    place.file("study/new.dcm", slice(1, 1, 8));
    let ran = shard(&place, &site, "1/1 --report r.jsonl");
    assert_eq!(ran.code, Some(3));
    let failed: BTreeMap<String, String> = fs::read_to_string(place.path("r.jsonl"))
        .unwrap()
        .lines()
        .filter_map(|line| {
            let record: Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| Some(record[name].as_str()?.to_owned());
            let path = text("path")?.replace('\\', "/");
            Some((
                path.split_once("/study/")?
                    .1
                    .to_owned(),
                text("code")?,
            ))
        })
        .collect();
    let changed = "discover.changed-since-plan";
    for (path, code) in [
        ("1/1/1.dcm", "discover.not-found"),
        ("2/1/1.dcm", changed),
        ("3/1/1.dcm", changed),
        ("4/1/1.dcm", changed),
    ] {
        assert_eq!(
            failed.get(path).map(String::as_str),
            Some(code),
            "{path}: {failed:?}"
        );
    }
    assert!(!failed.contains_key("new.dcm"));
}

#[test]
fn a_plan_that_is_not_as_it_was_made_is_not_carried_out() {
    let (place, site) = (place(), Site::start());
    place
        .run("plan study --shards 2 -o plan")
        .exits(0);
    let refused = |shard: &str, says: &str| {
        place
            .run(&format!("--from-plan plan {FLAGS} --shard {shard}"))
            .at(&site)
            .exits(2)
            .says("error[plan.invalid]")
            .says(says)
            .says("fwupload plan");
    };
    refused("1/3", "a plan of 2 shards");
    let index = fs::read_to_string(place.path("plan/plan.json")).unwrap();
    place.file(
        "plan/plan.json",
        index.replace("\"follow\": false", "\"follow\": true"),
    );
    refused("1/2", "not as `fwupload plan` wrote it");
    place.file("plan/plan.json", "{}");
    refused("1/2", "not as `fwupload plan` wrote it");
    place.file("plan/plan.json", index.replace("\"v\": 1", "\"v\": 2"));
    refused("1/2", "does not know");
    fs::remove_file(place.path("plan/plan.json")).unwrap();
    refused("1/2", "did not come to its end");
    place.file("plan/plan.json", index);
    let list = fs::read(place.path("plan/shard-2.jsonl")).unwrap();
    let line = list
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    place.file("plan/shard-2.jsonl", &list[line..]);
    refused("2/2", "shard-2.jsonl");
    assert!(site.uploaded().is_empty());
    assert_eq!(
        shard(&place, &site, "1/2")
            .code
            .unwrap()
            % 3,
        0
    );
}

#[test]
fn a_shard_needs_the_choices_of_its_plan() {
    let (place, site) = (place(), Site::start());
    place.file("codes.csv", "path,subject\n*,S1\nnone,S9\n");
    place
        .run("plan study --shards 1 -o plan --modality CT --subjects codes.csv --merge-patients")
        .exits(0);
    let run = |more: &str| {
        place
            .run(&format!("--from-plan plan {FLAGS} --shard 1/1 {more}"))
            .at(&site)
            .ends()
    };
    for more in [
        "",
        "--modality CT",
        "--modality MR --subjects codes.csv --merge-patients",
        "--modality CT --subjects codes.csv",
        "--modality CT --subject S1 --merge-patients",
        "--modality CT --subjects codes.csv --merge-patients --max-header 2MiB",
    ] {
        let ran = run(more);
        assert_eq!(ran.code, Some(2), "{more}");
        ran.says("error[plan.invalid]")
            .says("--subjects");
    }
    let same = "--modality CT --subjects codes.csv --merge-patients";
    let ran = run(same);
    assert_eq!(ran.code, Some(3));
    // No shard sees which rows no file uses.
    assert!(!ran.stdout.contains("unused-rows"), "{}", ran.stdout);
    place.file("codes.csv", "path,subject\n*,S2\n");
    run(same).says("another table");
}

#[test]
fn several_patients_of_one_subject_are_seen_by_the_plan() {
    let place = place();
    place.file("codes.csv", "path,subject\n*,S1\n");
    for flags in [
        "--subject S1",
        "--subjects codes.csv",
        "--map path=*/{subject}/*",
    ] {
        place
            .run(&format!("plan study --shards 6 -o plan {flags}"))
            .exits(6)
            .says("error[route.several-patients]");
        assert!(!place.path("plan").exists(), "nothing is left of it");
        place
            .run(&format!(
                "plan study --shards 6 -o plan {flags} --merge-patients"
            ))
            .exits(0);
        fs::remove_dir_all(place.path("plan")).unwrap();
    }
}

#[test]
fn command_lines_that_say_two_things_are_refused() {
    let place = place();
    place
        .run("plan study --shards 2 -o plan")
        .exits(0);
    for (arguments, says) in [
        ("study --from-plan plan --shard 1/2", "PATH"),
        ("--from-plan plan --shard 1/2 --exclude *.txt", "--exclude"),
        ("--from-plan plan --shard 1/2 --include *.dcm", "--include"),
        (
            "--from-plan plan --shard 1/2 --files-from list",
            "--files-from",
        ),
        ("--from-plan plan --shard 1/2 --follow", "--follow"),
        ("--from-plan plan --shard 1/2 --archives skip", "--archives"),
        ("--from-plan plan", "--shard"),
        (
            "--from-plan plan --shard 1/2 --subjects codes.csv --extend-subjects",
            "--extend-subjects",
        ),
        (
            "--from-plan plan --shard 1/2 --other-files upload",
            "not DICOM",
        ),
    ] {
        place
            .run(&format!(
                "{arguments} -p demo/phantom --profile basic --offline -n"
            ))
            .exits(2)
            .says("error[usage.arguments]")
            .says(says);
    }
    for (arguments, code, says) in [
        ("study --shards 2 -o study/plan", 2, "--output"),
        ("study --shards 0 -o other", 2, "--shards"),
        ("study --shards 2", 2, "--output"),
        ("--shards 2 -o other", 2, "nothing to read"),
        ("study --shards 2 -o plan", 1, "not empty"),
        (
            "study --shards 2 -o other --exclude *.dcm",
            8,
            "nothing to upload",
        ),
        (
            "study --shards 2 -o other --subjects codes.csv --extend-subjects",
            2,
            "--extend-subjects",
        ),
    ] {
        place
            .run(&format!("plan {arguments}"))
            .exits(code)
            .says(says);
    }
    place.file("a.zip", zip(&[("1", slice(1, 1, 1))]));
    place
        .run("plan a.zip::1 --shards 2 -o other")
        .exits(2)
        .says("name the archive");
    assert!(!place.path("other").exists());
    // Of a folder that was there, the folder is left.
    fs::create_dir(place.path("there")).unwrap();
    place
        .run("plan study --shards 2 -o there --exclude *.dcm")
        .exits(8);
    assert!(place.tree("there").is_empty() && place.path("there").exists());
}

#[test]
fn a_shard_with_an_empty_list_has_done_its_work() {
    let (place, site) = (Place::new(), Site::start());
    place.file("coded.yaml", CODED);
    place.file("study/1.dcm", slice(1, 1, 1));
    place
        .run("plan study --shards 3 -o plan")
        .exits(0)
        .says("2 lists are empty");
    for ran in shards(&place, &site, 3) {
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.does_not_say("error");
    }
    assert_eq!(site.uploaded().len(), 1);
    place
        .run("report merge 1.jsonl 2.jsonl 3.jsonl -o all.jsonl --exit-code")
        .exits(0);
}

#[test]
fn reports_of_two_plans_are_not_merged_and_a_missing_one_is_told() {
    let (place, site) = (place(), Site::start());
    for plan in ["plan", "other"] {
        place
            .run(&format!("plan study --shards 2 -o {plan}"))
            .exits(0);
    }
    shards(&place, &site, 2);
    place
        .run(&format!(
            "--from-plan other {FLAGS} --shard 2/2 --report other.jsonl"
        ))
        .at(&site)
        .ends();
    place
        .run(&format!("study {FLAGS} --shard 2/2 --report without.jsonl"))
        .at(&site)
        .ends();
    for other in ["other.jsonl", "without.jsonl"] {
        place
            .run(&format!("report merge 1.jsonl {other} --exit-code"))
            .exits(5)
            .says("error[report.mismatch]")
            .says("plan of shards");
    }
    place
        .run("report merge 1.jsonl -o all.jsonl --exit-code")
        .exits(1)
        .says("shard 2/2 is missing");
    assert!(place.path("all.jsonl").exists());
    place
        .run("report merge 1.jsonl -o all.jsonl")
        .exits(0);
}

#[test]
#[cfg(unix)]
fn links_and_what_could_not_be_read_have_their_outcome_in_one_shard() {
    let (place, whole, parts) = (place(), Site::start(), Site::start());
    std::os::unix::fs::symlink("1", place.path("study/link")).unwrap();
    let one = place
        .run(&format!("study {FLAGS}"))
        .at(&whole)
        .exits(3);
    place
        .run("plan study --shards 2 -o plan")
        .exits(0);
    shards(&place, &parts, 2);
    place
        .run("report merge 1.jsonl 2.jsonl -o all.jsonl")
        .exits(0);
    assert_eq!(
        counts(&last_record(&place, "all.jsonl")),
        counts(&one.end()["totals"])
    );
    // With `--follow` a link that leads back fails, and what was reached by links is read once.
    fs::remove_dir_all(place.path("plan")).unwrap();
    std::os::unix::fs::symlink("..", place.path("study/2/back")).unwrap();
    place
        .run("plan study --shards 1 -o plan --follow")
        .exits(0);
    let ran = shard(&place, &Site::start(), "1/1 --report r.jsonl");
    assert_eq!(ran.code, Some(3));
    let report = fs::read_to_string(place.path("r.jsonl")).unwrap();
    assert!(report.contains("study/2/back"), "{report}");
    assert!(report.contains("discover.symlink-loop when the plan was made"));
    assert_eq!(ran.end()["totals"]["skipped_by"]["same-file"], 4);
}
