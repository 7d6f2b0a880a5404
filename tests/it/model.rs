//! Journal and server as a model: whatever is killed, cut, lost or refused on the way, and however
//! the inputs shrink, grow and move between runs, running again until it succeeds leaves the server
//! with every instance once, in one container each, and with nothing else.
//!
//! Each schedule is made from its number. To see one alone: `FWUPLOAD_SCHEDULE=17 cargo test --test
//! it model`.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dicom_dictionary_std::uids;

use crate::fixture::{CODED, Dicom, Person};
use crate::run::Place;
use crate::server::{Rule, Setup, Site, on};

/// How many schedules are carried out.
const SCHEDULES: u64 = 500;
/// Schedules that are carried out at a time: a run mostly waits.
const AT_A_TIME: usize = 10;
/// Runs until a schedule must have succeeded: faults and kills are used up before.
const MOST_RUNS: usize = 12;

const CALLS: [(&str, &str); 8] = [
    ("POST", "/api/lookup"),
    ("POST", "/api/subjects"),
    ("POST", "/api/sessions"),
    ("POST", "/api/acquisitions"),
    ("GET", "/api/acquisitions/*"),
    ("GET", "/api/sessions/*/acquisitions"),
    ("POST", "/api/acquisitions/*/files"),
    ("PUT", "/storage/*/*/*"),
];

/// The study of a schedule: how many slices each series of each person has.
struct Study {
    persons: Vec<Vec<u32>>,
    /// How often its folder was moved.
    moves: u32,
}

impl Study {
    fn random(rng: &mut fastrand::Rng) -> Self {
        let persons = (0..rng.usize(1..=2)).map(|_| {
            (0..rng.usize(1..=2))
                .map(|_| rng.u32(2..=3))
                .collect()
        });
        Self {
            persons: persons.collect(),
            moves: 0,
        }
    }

    fn write(&self, place: &Place) {
        for (person, series) in (1..).zip(&self.persons) {
            for (number, slices) in (1..).zip(series) {
                for slice in 1..=*slices {
                    let name = format!("study/{}/{person}/{number}/{slice}.dcm", self.moves);
                    if !place.path(&name).exists() {
                        let person = Person::numbered(person);
                        place.file(
                            name,
                            Dicom::image(&person, uids::CT_IMAGE_STORAGE, "CT", number, slice, 4)
                                .bytes(),
                        );
                    }
                }
            }
        }
    }

    /// A scanner goes on: one series gets one more slice.
    fn grow(&mut self, rng: &mut fastrand::Rng) {
        let person = rng.usize(..self.persons.len());
        let series = rng.usize(..self.persons[person].len());
        self.persons[person][series] += 1;
    }

    /// Its folder gets another name.
    fn move_away(&mut self, place: &Place) {
        let at = |moves: u32| place.path(format!("study/{moves}"));
        std::fs::rename(at(self.moves), at(self.moves + 1)).unwrap();
        self.moves += 1;
    }

    /// Takes some of its files out of sight; gives back where they were.
    fn hide(place: &Place, rng: &mut fastrand::Rng) -> Vec<(String, PathBuf)> {
        let files = place
            .tree("study")
            .into_iter()
            .map(|(name, _)| name);
        let hidden: Vec<_> = files
            .filter(|_| rng.u8(..3) == 0)
            .collect();
        let away = |(at, name): (usize, String)| {
            let kept = place.path(format!("hidden-{at}"));
            std::fs::rename(place.path("study").join(&name), &kept).unwrap();
            (name, kept)
        };
        hidden
            .into_iter()
            .enumerate()
            .map(away)
            .collect()
    }

    fn series(&self) -> usize {
        self.persons
            .iter()
            .map(Vec::len)
            .sum()
    }

    fn instances(&self) -> usize {
        self.persons
            .iter()
            .flatten()
            .map(|slices| *slices as usize)
            .sum()
    }
}

/// A few faults, each of which happens once or twice.
fn faulty(rng: &mut fastrand::Rng, signed: bool) -> Setup {
    let mut setup = if signed {
        Site::setup().signed_urls()
    } else {
        Site::setup()
    };
    for _ in 0..rng.usize(..=3) {
        let (method, path) = CALLS[rng.usize(..CALLS.len())];
        setup = setup.rule(fault(rng, on(method, path)).times(rng.usize(1..=2)));
    }
    setup
}

fn fault(rng: &mut fastrand::Rng, rule: Rule) -> Rule {
    match rng.u8(..6) {
        0 => rule.cut_after(rng.usize(..2000)),
        1 | 2 => rule.lose_answer(),
        3 => rule
            .answer([500, 502, 503, 504][rng.usize(..4)])
            .header("retry-after", "0"),
        4 => rule
            .answer(429)
            .header("retry-after", "0"),
        _ => rule.delay(Duration::from_millis(rng.u64(5..60))),
    }
}

/// Runs once; may be killed after a number of requests.
fn run(place: &Place, site: &Site, line: &str, kill_after: Option<usize>) -> Option<i32> {
    let mut running = place.run(line).at(site).start();
    if let Some(requests) = kill_after {
        let before = site.requests().len();
        running.kill_when(|| site.requests().len() >= before + requests);
    }
    let ran = running.end();
    if kill_after.is_some() {
        // What reached the server before is still carried out there: a new run that starts
        // meanwhile cannot know.
        site.settle();
    }
    ran.code
}

fn carry_out(schedule: u64) {
    let rng = &mut fastrand::Rng::with_seed(schedule);
    let (place, mut study) = (Place::new(), Study::random(rng));
    place.file("coded.yaml", CODED);
    study.write(&place);
    let signed = rng.bool();
    let site = faulty(rng, signed).start();
    let package = ["series", "series", "instance"][rng.usize(..3)];
    let line = format!(
        "study -p demo/phantom --profile coded.yaml --package {package} --uploads {}",
        rng.u8(1..=4)
    );
    for _ in 0..rng.usize(..=3) {
        let hidden = if rng.u8(..3) == 0 {
            Study::hide(&place, rng)
        } else {
            Vec::new()
        };
        run(&place, &site, &line, rng.bool().then(|| rng.usize(..16)));
        for (name, kept) in hidden {
            std::fs::rename(kept, place.path("study").join(name)).unwrap();
        }
        match rng.u8(..8) {
            0 | 1 => {
                study.grow(rng);
                study.write(&place);
            }
            2 => study.move_away(&place),
            _ => {}
        }
    }
    let mut codes = Vec::new();
    while codes.last() != Some(&Some(0)) {
        assert!(
            codes.len() < MOST_RUNS,
            "schedule {schedule}: it never succeeds: {codes:?}"
        );
        codes.push(run(&place, &site, &line, None));
    }
    check(schedule, &site, &study, package);
}

fn check(schedule: u64, site: &Site, study: &Study, package: &str) {
    let persons = study.persons.len();
    let counts = ["subjects", "sessions", "acquisitions"].map(|what| site.containers(what).len());
    assert_eq!(
        counts,
        [persons, persons, study.series()],
        "schedule {schedule}: containers"
    );
    let files = site.uploaded();
    let packages = if package == "series" {
        study.series()
    } else {
        study.instances()
    };
    assert_eq!(
        files.len(),
        packages,
        "schedule {schedule}: files {:?}",
        files
            .iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    );
    let instances: Vec<String> = files
        .into_iter()
        .flat_map(|(name, bytes)| instances(&name, bytes))
        .collect();
    let distinct: BTreeSet<_> = instances.iter().collect();
    assert_eq!(
        (instances.len(), distinct.len()),
        (study.instances(), study.instances()),
        "schedule {schedule}: instances"
    );
}

/// The SOP Instance UIDs in a package, which its members are called by.
fn instances(name: &str, bytes: Vec<u8>) -> Vec<String> {
    if bytes.starts_with(b"PK") {
        let zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        zip.file_names()
            .map(|name| name.unwrap().into_owned())
            .collect()
    } else {
        vec![name.to_owned()]
    }
}

#[test]
fn whatever_happens_the_server_ends_up_with_every_instance_once() {
    if let Ok(one) = std::env::var("FWUPLOAD_SCHEDULE") {
        return carry_out(one.parse().unwrap());
    }
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let schedule @ ..SCHEDULES = next.fetch_add(1, Ordering::Relaxed) {
                    carry_out(schedule);
                }
            });
        }
    });
}
