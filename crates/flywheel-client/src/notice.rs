//! What the client tells while it works: waits, answers, outages, twins.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Local};

use crate::error::RequestError;
use crate::reference::ContainerKind;

/// What the client is doing.
#[derive(Debug, Clone)]
pub enum ClientNotice {
    /// A request is going to be repeated after a wait.
    Waiting {
        /// The request, as method and path.
        what: String,
        /// What went wrong.
        error: RequestError,
        /// How long until it is repeated.
        wait: Duration,
        /// Which attempt comes next; the first repetition is 2.
        attempt: u32,
    },
    /// A request was answered, or came to nothing.
    Answered {
        /// The request, as method and path; of a signed address only the host, since the rest is a
        /// secret.
        what: String,
        /// The status of the answer; none where there was no answer.
        status: Option<u16>,
        /// From the start of the request to the end of the answer.
        took: Duration,
    },
    /// Two containers are the same: several programs made them at the same time.
    Twin {
        /// What they are.
        kind: ContainerKind,
        /// The database id of the older one, which is used.
        taken: String,
        /// The database id of the other.
        twin: String,
        /// Nothing lies in the other: this run made it, and may not remove it.
        empty: bool,
    },
    /// A study that is about to be sent is in the project already, under another subject.
    StudyElsewhere {
        /// The session there.
        session: String,
    },
    /// The site cannot be reached, or says that it cannot work now: nothing is sent until it
    /// answers.
    Outage {
        /// What went wrong.
        error: RequestError,
        /// When that began.
        since: DateTime<Local>,
        /// Until when it is waited for.
        until: DateTime<Local>,
    },
    /// It answers again.
    OutageOver {
        /// How long it did not.
        lasted: Duration,
    },
    /// A file goes through the site itself because the storage behind it cannot be used directly.
    FormInstead {
        /// What went wrong.
        cause: FormReason,
    },
}

/// Why a file does not go straight to the storage.
#[derive(Debug, Clone)]
pub enum FormReason {
    /// The site gives no usable ticket for this container.
    NoTicket,
    /// No connection to the storage comes about.
    Unreachable {
        /// The host of the storage.
        host: String,
        /// What went wrong.
        error: RequestError,
    },
    /// A request to the storage, or the one that hands the ticket back, failed.
    Failed(RequestError),
    /// Several files in a row did not get through: the storage is not tried again.
    GivenUp {
        /// How many.
        files: u32,
    },
}

/// Called with each notice.
pub type OnNotice = Arc<dyn Fn(ClientNotice) + Send + Sync>;
