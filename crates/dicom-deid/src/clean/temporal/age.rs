//! Ages: those above 89 years become one.

use super::{Unreadable, number, unpadded};

/// What every age above 89 years becomes.
const CAPPED: &str = "090Y";

/// The fewest days, weeks, months and years that make 90 years.
const LIMITS: [(char, u32); 4] = [('D', 32_872), ('W', 4_696), ('M', 1_080), ('Y', 90)];

/// The ages with every one above 89 years written as `090Y`; none where nothing changes. Strict is
/// `nnnD`, `W`, `M` or `Y`. Fewer or more digits (`45Y`, `1090M`) and a small letter are read too,
/// and left as they are below the limit: they tell an age beyond doubt. A number without a unit
/// counts years, as people write them.
pub(in crate::clean) fn cap_age(text: &str) -> Result<Option<String>, Unreadable> {
    let ages: Vec<_> = text.split('\\').map(unpadded).collect();
    let capped: Vec<_> = ages
        .iter()
        .map(|age| capped(age))
        .collect::<Result<_, _>>()?;
    Ok((capped != ages).then(|| capped.join("\\")))
}

fn capped(age: &str) -> Result<&str, Unreadable> {
    if age.is_empty() {
        return Ok(age);
    }
    let digits = age.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match age.get(digits.len()..).unwrap_or_default().as_bytes() {
        [] => 'Y',
        [letter] => char::from(letter.to_ascii_uppercase()),
        _ => return Err(Unreadable::Form),
    };
    let (_, limit) = LIMITS
        .into_iter()
        .find(|(letter, _)| *letter == unit)
        .ok_or(Unreadable::Form)?;
    let digits = Some(digits.trim_matches(' ')).filter(|digits| (1..=5).contains(&digits.len()));
    let count = digits.and_then(number).ok_or(Unreadable::Form)?;
    Ok(if count >= limit { CAPPED } else { age })
}
