//! When a request is tried again.
//!
//! Whether a repetition is safe is the caller's question: a request that may have
//! worked is looked up first.

use std::time::{Duration, Instant};

use crate::connect_fault::ENCRYPTED_PORT;
use crate::error::{RequestError, RequestFailure};
use crate::notice::ClientNotice;
use crate::transport::{Look, Transport};
use crate::wait::{LONGEST_RETRY_AFTER, wait_before};

/// A request that the site puts off is tried this often at least, however short an outage is waited
/// for.
const LEAST_TRIES: u32 = 3;

/// The tries of one request.
pub struct Tries<'t> {
    transport: &'t Transport,
    what: String,
    made: u32,
    /// When the first of them failed.
    since: Option<Instant>,
    /// Outages that it went through.
    outages: u32,
}

impl<'t> Tries<'t> {
    pub fn new(transport: &'t Transport, what: impl Into<String>) -> Self {
        Self {
            transport,
            what: what.into(),
            made: 0,
            since: None,
            outages: 0,
        }
    }

    /// Waits until the next try is due: after an outage once that is over, else after a while.
    /// Gives the error back when another try is pointless or none is left.
    pub async fn wait(&mut self, error: RequestError) -> Result<(), RequestError> {
        let (outage, settings) = (&self.transport.outage, &self.transport.settings);
        self.made += 1;
        let since = *self
            .since
            .get_or_insert_with(Instant::now);
        let passes = error.is_transient() || (error.is_of_unknown_host() && outage.has_answered());
        if !passes {
            return self.give_up(error);
        }
        if self
            .transport
            .meets_tls(&error)
            .await
        {
            let (host, cause) = (self.transport.host.clone(), ENCRYPTED_PORT.to_owned());
            return self.give_up(RequestFailure::Connect { host, cause }.into());
        }
        let look = if error.is_of_outage() {
            self.transport.look(&error).await
        } else {
            Look::Up
        };
        match look {
            Look::Down => return self.give_up(error),
            Look::Back if self.outages < settings.tries => {
                (self.made, self.since) = (0, None);
                self.outages += 1;
                return Ok(());
            }
            Look::Up | Look::Back => {}
        }
        // What the site puts off is a matter of time; what fails while the site answers, of tries.
        let limit = outage
            .limit()
            .filter(|_| error.is_put_off_by(&self.transport.host));
        let left = limit.map(|limit| limit.saturating_sub(since.elapsed()));
        let over = match left {
            Some(left) => left.is_zero() && self.made >= LEAST_TRIES,
            None => self.made >= settings.tries.max(1),
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
        let wait = wait_before(self.made, settings.backoff, asked)
            .min(left.unwrap_or(LONGEST_RETRY_AFTER * 2));
        self.transport
            .tell(ClientNotice::Waiting {
                what: self.what.clone(),
                error: error.clone(),
                wait,
                attempt: self.made + 1,
            });
        if outage.sleep(wait).await {
            Ok(())
        } else {
            self.give_up(error)
        }
    }

    fn give_up(&self, error: RequestError) -> Result<(), RequestError> {
        Err(RequestError {
            attempts: self.made,
            ..error
        })
    }
}
