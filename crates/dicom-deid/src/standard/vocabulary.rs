//! The words that a descriptor may keep: those of protocols, anatomy, findings and reports, which
//! name no person.
//!
//! Owns the list and the question whether a word is on it. It must never hold a name of a person or
//! a town that is not needed in protocols: a test holds it against common names.

use std::sync::LazyLock;

use foldhash::HashSet;

/// One word a line, lower case, ASCII, sorted.
const WORDS: &str = include_str!("vocabulary.txt");

static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| words().collect());

fn words() -> impl Iterator<Item = &'static str> {
    WORDS
        .lines()
        .filter(|line| !line.starts_with('#'))
}

/// Whether a word is vocabulary. It must come in lower case and without accents: ä as ae, é as e.
pub fn is_known_word(lower: &str) -> bool {
    KNOWN.contains(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Common family and first names of several countries.
    const NAMES: &str = include_str!("common-names.txt");

    /// Names that protocols cannot do without: anatomy (colon, French and Spanish for head, German
    /// for tooth), planes and views (long, short, Waters), sequences (Dixon), units (min, weeks)
    /// and the little words of languages.
    const NEEDED: [&str; 31] = [
        "cabeza", "colon", "cord", "crane", "da", "day", "de", "der", "dixon", "dos", "du",
        "field", "fields", "head", "key", "le", "li", "long", "max", "min", "pons", "ray", "sharp",
        "short", "small", "smart", "stone", "waters", "weeks", "willis", "zahn",
    ];

    #[test]
    fn the_list_is_sorted_and_of_plain_words() {
        let list: Vec<_> = words().collect();
        assert!(list.is_sorted_by(|a, b| a < b), "sorted, no word twice");
        assert!((2500..=5000).contains(&list.len()), "{}", list.len());
        let plain = |word: &&&str| {
            word.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert_eq!(list.iter().filter(plain).count(), list.len());
        assert!(
            list.iter().all(|word| word
                .bytes()
                .any(|byte| byte.is_ascii_lowercase())),
            "numbers are not words"
        );
    }

    #[test]
    fn common_names_are_no_vocabulary_but_for_those_that_are_needed() {
        let names = NAMES
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::split_ascii_whitespace);
        let names: HashSet<_> = names.collect();
        assert!(names.len() > 4000);
        let mut both: Vec<_> = words()
            .filter(|word| names.contains(word))
            .collect();
        both.sort_unstable();
        assert_eq!(both, NEEDED);
    }

    #[test]
    fn months_and_places_are_no_vocabulary() {
        for word in [
            "jan", "mar", "may", "sept", "oct", "avril", "street", "hospital", "clinic", "boston",
            "berlin", "dob",
        ] {
            assert!(!is_known_word(word), "{word}");
        }
        for word in [
            "t2w", "mprage", "schaedel", "sans", "craneo", "mlo", "ptv", "fdg", "doppler", "kv",
        ] {
            assert!(is_known_word(word), "{word}");
        }
    }
}
