//! Numbers, sizes and durations as text for people.

use std::time::Duration;

use bytesize::ByteSize;

use crate::event::Stage;

/// `1204` as `1,204`.
pub fn count(number: u64) -> String {
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
pub fn plural(number: u64, noun: &str) -> String {
    format!(
        "{} {noun}{}",
        count(number),
        if number == 1 { "" } else { "s" }
    )
}

/// `3.1 GiB`.
pub fn bytes(bytes: u64) -> String {
    ByteSize::b(bytes)
        .display()
        .iec()
        .to_string()
}

/// `0.4s`, `12s`, `6m 12s`, `1h 02m`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// A table of what the stages did: the one that is busy all the time limits the run.
pub fn stages(stages: &[Stage]) -> Vec<String> {
    let row = |name: &str, files: &str, size: &str, busy: &str, waiting: &str| {
        format!("  {name:<6} {files:>10} {size:>10} {busy:>8} {waiting:>8}")
    };
    let head = row("stage", "files", "bytes", "busy", "waiting");
    let filled = stages.iter().map(|stage| {
        let (busy, waiting) = (precise(stage.busy), precise(stage.waiting));
        row(
            stage.name,
            &count(stage.files),
            &bytes(stage.bytes),
            &busy,
            &waiting,
        )
    });
    std::iter::once(head)
        .chain(filled)
        .collect()
}

/// The same with milliseconds where there is less than a second: `12ms`.
fn precise(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{}ms", time.as_millis())
    } else {
        duration(time)
    }
}

/// An estimated duration, without fractions of a second.
pub fn about(guess: Duration) -> String {
    if guess < Duration::from_secs(10) {
        format!("{}s", guess.as_secs().max(1))
    } else {
        duration(guess)
    }
}

/// `part` of `whole` in whole per cent, rounded down; 0 where `whole` is 0.
pub fn percent(part: u64, whole: u64) -> u64 {
    let of = u128::from(part.min(whole)) * 100 / u128::from(whole.max(1));
    u64::try_from(of).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [0, 999, 1204, 1_234_567].map(count),
            ["0", "999", "1,204", "1,234,567"]
        );
        assert_eq!([1, 2].map(|n| plural(n, "file")), ["1 file", "2 files"]);
        assert_eq!(bytes(3 << 30), "3.0 GiB");
        let shown =
            [400, 12_000, 372_000, 3_720_000].map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(shown, ["0.4s", "12s", "6m 12s", "1h 02m"]);
        let stage = Stage {
            name: "clean",
            files: 1204,
            bytes: 3 << 30,
            busy: Duration::from_secs(12),
            waiting: Duration::from_millis(400),
        };
        assert_eq!(
            stages(&[stage]),
            [
                "  stage       files      bytes     busy  waiting",
                "  clean       1,204    3.0 GiB      12s    400ms"
            ]
        );
        assert_eq!((percent(0, 0), percent(1, 3), percent(5, 4)), (0, 33, 100));
    }
}
