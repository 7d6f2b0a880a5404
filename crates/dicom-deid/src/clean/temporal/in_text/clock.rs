//! The time that stands behind a date.

use super::cursor::Cursor;

/// Past the time behind a date, its fraction and its offset from UTC, where there is one.
pub(super) fn behind(date: Cursor) -> Cursor {
    // A date and time in one run of digits goes on with a fraction or an offset.
    let direct = if date.digits().is_empty() {
        finished(date)
    } else {
        date
    };
    written(date).or_else(|| compact(date)).unwrap_or(direct)
}

/// `, 07:27:30.5 PM +01:00`, ` at 7:27`, `T07:27:30Z`, ` 07h27`, `_07-27-30`.
fn written(date: Cursor) -> Option<Cursor> {
    let apart = date.skip(b",", 1).skip(b" Tt_-@:.", 3);
    let apart = ["at ", "um ", "a las ", "\u{e0} "]
        .iter()
        .find_map(|word| apart.past(word))
        .unwrap_or(apart);
    let (_, after) = apart.number(1, 2).filter(|(hour, _)| *hour < 25)?;
    let (separator, minutes) = after.one_of(b":hH-._")?;
    let (_, after) = minutes.number(2, 2).filter(|(minute, _)| *minute < 60)?;
    let seconds = after
        .one_of(&[separator])
        .and_then(|(_, seconds)| seconds.number(2, 2));
    match seconds {
        Some((_, end)) => Some(finished(end)),
        // `1.25` is rather a number.
        None => matches!(separator, b':' | b'h' | b'H').then(|| finished(after)),
    }
}

/// `T072730`, `_0727`, `-072730`, ` 072730`.
fn compact(date: Cursor) -> Option<Cursor> {
    let (separator, clock) = date.one_of(b"Tt_- ")?;
    let digits = clock.digits();
    let counts: &[usize] = match separator {
        b' ' => &[6],
        b'T' | b't' => &[2, 4, 6],
        _ => &[4, 6],
    };
    let limits = [b"24".as_slice(), b"59", b"60"];
    let fits = digits
        .chunks(2)
        .zip(limits)
        .all(|(pair, limit)| pair <= limit);
    (counts.contains(&digits.len()) && fits).then(|| finished(clock.step(digits.len())))
}

/// Past fraction, half of the day and offset from UTC.
fn finished(time: Cursor) -> Cursor {
    let fraction = time
        .one_of(b".,")
        .map(|(_, fraction)| fraction)
        .filter(|fraction| !fraction.digits().is_empty());
    let time = fraction.map_or(time, |fraction| fraction.step(fraction.digits().len()));
    let spaced = time.skip(b" ", 1);
    let half = ["am", "pm", "a.m.", "p.m.", "uhr", "z"]
        .iter()
        .find_map(|word| spaced.past(word));
    let time = half
        .filter(|after| !after.peek().is_some_and(|byte| byte.is_ascii_alphabetic()))
        .unwrap_or(time);
    offset(time).unwrap_or(time)
}

/// `+0100`, ` -05:00`.
fn offset(time: Cursor) -> Option<Cursor> {
    let (_, zone) = time.skip(b" ", 1).one_of(b"+-")?;
    zone.number(4, 4).map(|(_, end)| end).or_else(|| {
        let (_, hours) = zone.number(2, 2)?;
        hours
            .past(":")
            .and_then(|minutes| minutes.number(2, 2))
            .map(|(_, end)| end)
    })
}
