//! How long to wait before a request is repeated.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// No wait that the client chooses itself is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// No wait that a server asks for is obeyed for longer.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// Full jitter: anything up to the doubled base, so that many clients do not come back together. A
/// server's own wish counts in full, with up to one base added.
pub fn wait_before(failed: u32, base: Duration, asked: Option<Duration>) -> Duration {
    if let Some(asked) = asked {
        return asked.min(LONGEST_RETRY_AFTER) + base.mul_f64(fastrand::f64());
    }
    let ceiling = base
        .saturating_mul(1 << failed.min(16))
        .min(LONGEST_WAIT);
    ceiling.mul_f64(fastrand::f64())
}

/// Reads `Retry-After`: seconds, or a date as HTTP writes it.
pub fn parse_retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
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
