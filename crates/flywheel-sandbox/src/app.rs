//! What every route can reach.
//!
//! Must never show the API key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::documents::Documents;
use crate::options::Options;
use crate::session::Sessions;
use crate::store::Store;
use crate::ticket::Tickets;
use crate::viewer::Inflated;

/// The state that the routes share.
pub struct App {
    /// The index and the files.
    pub store: Store,
    /// The API key that requests must carry.
    pub key: Zeroizing<String>,
    /// The base URL.
    pub url: String,
    /// The port that it listens on.
    pub port: u16,
    /// The options, without the key and the profile.
    pub options: Options,
    /// When the sandbox was started.
    pub started: DateTime<Utc>,
    /// The open tickets.
    pub tickets: Mutex<Tickets>,
    /// Who may look at the page.
    pub sessions: Mutex<Sessions>,
    /// The member of an archive that was looked at last. A request that looks into a file holds it,
    /// so that one is in memory at a time.
    pub inflated: Arc<tokio::sync::Mutex<Option<Inflated>>>,
}

impl App {
    /// The open tickets, held by one request at a time.
    pub fn tickets(&self) -> MutexGuard<'_, Tickets> {
        self.tickets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Who may look at the page, held by one request at a time.
    pub fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the index, and the documents that are made of it.
    pub fn read<T>(&self, look: impl FnOnce(Documents<'_>) -> T) -> T {
        let era = self.options.era;
        self.store
            .read(|index| look(Documents { era, index }))
    }
}
