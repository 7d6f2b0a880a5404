//! When a request is tried again, and how long to wait before.
//!
//! Owns the waits. Whether a repetition is safe is the caller's question: a request that may have worked is looked up first.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::answer::ContainerKind;
use super::client::Client;
use super::error::ApiError;

/// No wait of our own choosing is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// No wait that a server asks for is obeyed for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What the client is doing, for those who want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientNotice {
    /// A request is going to be repeated after a wait.
    Waiting {
        /// The request, as method and path.
        what: String,
        /// What went wrong.
        cause: String,
        /// How long until it is repeated.
        wait: Duration,
        /// Which attempt comes next; the first repetition is 2.
        attempt: u32,
    },
    /// A request was answered, or came to nothing.
    Answered {
        /// The request, as method and path; of a signed address only the host, since the rest is a secret.
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
    /// A file goes through the site itself because the storage behind it cannot be used directly.
    FormInstead {
        /// What went wrong.
        cause: String,
    },
}

/// What is told about repetitions.
pub(super) type OnNotice = Arc<dyn Fn(ClientNotice) + Send + Sync>;

/// The tries of one request.
pub(super) struct Tries<'c> {
    client: &'c Client,
    what: String,
    made: u32,
}

impl<'c> Tries<'c> {
    pub(super) fn new(client: &'c Client, what: impl Into<String>) -> Self {
        Self { client, what: what.into(), made: 0 }
    }

    /// Waits until the next try is due. Gives the error back when another try is pointless or none is left.
    pub(super) async fn wait(&mut self, error: ApiError) -> Result<(), ApiError> {
        self.made += 1;
        if !error.is_transient() || self.made >= self.client.behaviour().tries.max(1) {
            return Err(ApiError { attempts: self.made, ..error });
        }
        let wait = wait_before(self.made, self.client.behaviour().backoff, error.retry_after());
        let (what, cause) = (self.what.clone(), error.cause());
        self.client.tell(ClientNotice::Waiting { what, cause, wait, attempt: self.made + 1 });
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Full jitter: anything up to the doubled base, so that many clients do not come back together. A server's own wish
/// counts in full, with up to one base added.
fn wait_before(failed: u32, base: Duration, asked: Option<Duration>) -> Duration {
    if let Some(asked) = asked {
        return asked.min(LONGEST_RETRY_AFTER) + base.mul_f64(fastrand::f64());
    }
    let ceiling = base.saturating_mul(1 << failed.min(16)).min(LONGEST_WAIT);
    ceiling.mul_f64(fastrand::f64())
}

/// Reads `Retry-After`: seconds, or a date as HTTP writes it.
pub(super) fn parse_retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let due = DateTime::parse_from_rfc2822(text).ok()?;
    Some((due.with_timezone(&Utc) - now).to_std().unwrap_or(Duration::ZERO))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("1994-11-06T08:49:30Z").unwrap().with_timezone(&Utc);
        assert_eq!(parse_retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(parse_retry_after("soon", now), None);
    }

    #[test]
    fn waits_grow_are_bounded_and_obey_the_server() {
        let base = Duration::from_millis(500);
        for failed in 1..100 {
            assert!(wait_before(failed, base, None) <= LONGEST_WAIT);
        }
        assert!(wait_before(1, base, None) <= Duration::from_secs(1));
        let asked = wait_before(1, base, Some(Duration::from_secs(9)));
        assert!((9.0..=9.5).contains(&asked.as_secs_f64()), "{asked:?}");
        assert!(wait_before(1, base, Some(Duration::from_secs(1 << 40))) <= LONGEST_RETRY_AFTER + base);
    }
}
