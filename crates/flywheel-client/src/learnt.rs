//! What earlier uploads taught about a site, so that not every file has to learn it again.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::error::RequestError;

/// After this number of failures in a row direct storage is no longer tried.
pub const STORAGE_PATIENCE: u32 = 3;

/// What earlier uploads taught, so that not every file has to learn it again.
#[derive(Default)]
pub struct Learnt {
    /// Uploads in a row for which direct storage was of no use.
    storage_failures: AtomicU32,
    /// The site gives no tickets for this project, whatever it announces.
    no_tickets: AtomicBool,
    /// The site refuses `size` in descriptions.
    no_size: AtomicBool,
    /// The site refuses `zip_member_count` in descriptions.
    no_members: AtomicBool,
    /// The site states hashes of what goes through it.
    hashes: AtomicBool,
}

/// What a site is told of a file beyond what every site takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// Its size; sites that give out addresses, or cut files into parts, want to know.
    pub size: bool,
    /// How many files a zip holds.
    pub members: bool,
}

impl Told {
    /// The same less what this refusal is about; `None` where it is about something else. Sites
    /// refuse what they do not know, by name or as a property that is one too many.
    pub fn less(self, error: &RequestError) -> Option<Self> {
        let said = error.refused_with(400)?;
        if self.members && said.contains("zip_member_count") {
            return Some(Self {
                members: false,
                ..self
            });
        }
        (self.size && (said.contains("size") || said.contains("propert"))).then_some(Self {
            size: false,
            ..self
        })
    }
}

impl Learnt {
    pub fn storage_may_work(&self) -> bool {
        !self
            .no_tickets
            .load(Ordering::Relaxed)
            && self
                .storage_failures
                .load(Ordering::Relaxed)
                < STORAGE_PATIENCE
    }

    pub fn storage_worked(&self) {
        self.storage_failures
            .store(0, Ordering::Relaxed);
    }

    pub fn gives_no_tickets(&self) {
        self.no_tickets
            .store(true, Ordering::Relaxed);
    }

    /// Whether files are better hashed while they go through the site than afterwards.
    pub fn states_hashes(&self) -> bool {
        self.hashes.load(Ordering::Relaxed)
    }

    pub fn stated_a_hash(&self) {
        self.hashes
            .store(true, Ordering::Relaxed);
    }

    /// Counts a file that the site took and the storage did not. Whether patience ends with this
    /// one.
    pub fn storage_failed(&self) -> bool {
        self.storage_failures
            .fetch_add(1, Ordering::Relaxed)
            + 1
            == STORAGE_PATIENCE
    }

    /// What this site may be told, as far as is known.
    pub fn told(&self) -> Told {
        let [size, members] =
            [&self.no_size, &self.no_members].map(|refused| !refused.load(Ordering::Relaxed));
        Told { size, members }
    }

    /// What sites refused once they are not told again.
    pub fn takes_only(&self, told: Told) {
        self.no_members
            .fetch_or(!told.members, Ordering::Relaxed);
        self.no_size
            .fetch_or(!told.size, Ordering::Relaxed);
    }
}
