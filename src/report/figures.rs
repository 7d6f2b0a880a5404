//! Numbers, sizes and durations as people read them.

use std::time::Duration;

use bytesize::ByteSize;

/// `1204` as `1,204`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 file`, `2 files`.
pub(super) fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `3.1 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    ByteSize::b(bytes).display().iec().to_string()
}

/// `0.4s`, `12s`, `6m 12s`, `1h 02m`.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// A duration that is a guess: no fractions of a second.
pub(super) fn about(guess: Duration) -> String {
    if guess < Duration::from_secs(10) { format!("{}s", guess.as_secs().max(1)) } else { duration(guess) }
}

/// `part` of `whole` in whole per cent, rounded down; nothing of nothing is none.
pub(super) fn percent(part: u64, whole: u64) -> u64 {
    let of = u128::from(part.min(whole)) * 100 / u128::from(whole.max(1));
    u64::try_from(of).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([0, 999, 1204, 1_234_567].map(count), ["0", "999", "1,204", "1,234,567"]);
        assert_eq!([1, 2].map(|n| plural(n, "file")), ["1 file", "2 files"]);
        assert_eq!(bytes(3 << 30), "3.0 GiB");
        let shown = [400, 12_000, 372_000, 3_720_000].map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(shown, ["0.4s", "12s", "6m 12s", "1h 02m"]);
        assert_eq!((percent(0, 0), percent(1, 3), percent(5, 4)), (0, 33, 100));
    }
}
