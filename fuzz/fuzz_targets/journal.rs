//! The journal: whatever the file holds, it can be opened, asked and written to.

#![no_main]

use fwupload::journal::{Journal, JournalIdentity, JournalScope, PackageRecord, WaitForRun};
use libfuzzer_sys::fuzz_target;

const WHOSE: JournalIdentity<'_> = JournalIdentity {
    site: "site.example",
    project: "p",
    profile: None,
    key: None,
    shard: None,
};

const OF_RUN: JournalScope<'_> = JournalScope {
    identity: WHOSE,
    inputs: &[],
    settings: "",
    fresh: false,
};

const AT_ONCE: WaitForRun<'_> = WaitForRun {
    for_long: std::time::Duration::ZERO,
    meanwhile: &|| true,
};

fuzz_target!(|lines: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Journal::open(folder.path(), OF_RUN, AT_ONCE).expect("a new journal"));
    let file = std::fs::read_dir(folder.path())
        .expect("it is there")
        .flatten()
        .map(|entry| entry.path());
    let file = file
        .into_iter()
        .find(|path| {
            path.extension()
                .is_some_and(|e| e == "jsonl")
        })
        .expect("the journal");
    let header = std::fs::read(&file).expect("it can be read");
    std::fs::write(&file, [&header, lines].concat()).expect("it can be written");
    let journal = Journal::open(folder.path(), OF_RUN, AT_ONCE).expect("it can be opened");
    let source = journal.digester.location("a", "b");
    let _ = journal.recall(&[source]);
    let record = PackageRecord {
        location: source,
        sources: journal
            .digester
            .sources(vec![source]),
        size: 1,
        members: Vec::new(),
    };
    journal
        .sending(&record)
        .expect("it can be written to");
    let _ = journal.changes(&record);
});
