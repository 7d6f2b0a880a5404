//! When a request is tried again, and how long to wait before.
//!
//! Owns the waits. Whether a repetition is safe is the caller's question: a request that may have
//! worked is looked up first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Local, Utc};

use super::answer::ContainerKind;
use super::client::Client;
use super::error::{ApiError, Kind};
use super::misdirected::ENCRYPTED_PORT;
use super::outage::Look;

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
        cause: String,
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
        cause: String,
    },
}

/// What is told about repetitions.
pub(super) type OnNotice = Arc<dyn Fn(ClientNotice) + Send + Sync>;

/// A request that the site puts off is tried this often at least, however short an outage is waited
/// for.
const LEAST_TRIES: u32 = 3;

/// The tries of one request.
pub(super) struct Tries<'c> {
    client: &'c Client,
    what: String,
    made: u32,
    /// When the first of them failed.
    since: Option<Instant>,
    /// Outages that it went through.
    outages: u32,
}

impl<'c> Tries<'c> {
    pub(super) fn new(client: &'c Client, what: impl Into<String>) -> Self {
        Self {
            client,
            what: what.into(),
            made: 0,
            since: None,
            outages: 0,
        }
    }

    /// Waits until the next try is due: after an outage once that is over, else after a while.
    /// Gives the error back when another try is pointless or none is left.
    pub(super) async fn wait(&mut self, error: ApiError) -> Result<(), ApiError> {
        let outage = self.client.outage();
        self.made += 1;
        let since = *self.since.get_or_insert_with(Instant::now);
        let passes = error.is_transient() || (error.is_of_unknown_host() && outage.has_answered());
        if !passes {
            return self.give_up(error);
        }
        if self.client.meets_tls(&error).await {
            let (host, cause) = (self.client.host().to_owned(), ENCRYPTED_PORT.to_owned());
            return self.give_up(Kind::Connect { host, cause }.into());
        }
        let look = if error.is_of_outage() {
            outage.look(self.client, &error).await
        } else {
            Look::Up
        };
        match look {
            Look::Down => return self.give_up(error),
            Look::Back if self.outages < self.client.behaviour().tries => {
                (self.made, self.since) = (0, None);
                self.outages += 1;
                return Ok(());
            }
            Look::Up | Look::Back => {}
        }
        // What the site puts off is a matter of time; what fails while the site answers, of tries.
        let limit = outage
            .limit()
            .filter(|_| error.is_put_off_by(self.client.host()));
        let left = limit.map(|limit| limit.saturating_sub(since.elapsed()));
        let over = match left {
            Some(left) => left.is_zero() && self.made >= LEAST_TRIES,
            None => self.made >= self.client.behaviour().tries.max(1),
        };
        if over {
            return self.give_up(error);
        }
        // A look has waited for as long as the server asked for.
        let asked = error.retry_after().map(|asked| {
            if limit.is_some() {
                Duration::ZERO
            } else {
                asked
            }
        });
        let wait = wait_before(self.made, self.client.behaviour().backoff, asked)
            .min(left.unwrap_or(LONGEST_RETRY_AFTER * 2));
        let (what, cause) = (self.what.clone(), error.cause());
        self.client.tell(ClientNotice::Waiting {
            what,
            cause,
            wait,
            attempt: self.made + 1,
        });
        if outage.sleep(wait).await {
            Ok(())
        } else {
            self.give_up(error)
        }
    }

    fn give_up(&self, error: ApiError) -> Result<(), ApiError> {
        Err(ApiError {
            attempts: self.made,
            ..error
        })
    }
}

/// Full jitter: anything up to the doubled base, so that many clients do not come back together. A
/// server's own wish counts in full, with up to one base added.
pub(super) fn wait_before(failed: u32, base: Duration, asked: Option<Duration>) -> Duration {
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
    Some(
        (due.with_timezone(&Utc) - now)
            .to_std()
            .unwrap_or(Duration::ZERO),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("1994-11-06T08:49:30Z")
            .unwrap()
            .with_timezone(&Utc);
        assert_eq!(parse_retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now),
            Some(Duration::ZERO)
        );
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
        assert!(
            wait_before(1, base, Some(Duration::from_secs(1 << 40))) <= LONGEST_RETRY_AFTER + base
        );
    }
}
