//! Words as they compare: lower case, without accents, in the two ways in which umlauts are written
//! without dots.
//!
//! Owns the spelling alone. What it makes is for comparing and never written anywhere.

/// How ä, ö, ü, å and ø are spelled with plain letters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UmlautSpelling {
    /// As two letters: ae, oe, ue, aa, oe.
    Long,
    /// As the letter without its mark.
    Short,
}

/// Whether a character only marks the one before it.
pub fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36F}').contains(&c)
}

/// Appends a word as it compares. Letters of other scripts stay, in lower case.
pub fn fold_into(folded: &mut String, word: &str, spelling: UmlautSpelling) {
    if word.is_ascii() {
        let from = folded.len();
        folded.push_str(word);
        folded
            .get_mut(from..)
            .unwrap_or_default()
            .make_ascii_lowercase();
        return;
    }
    for c in word.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else if is_mark(c) {
            // A separate diaeresis over a letter that has one.
            if c == '\u{308}'
                && spelling == UmlautSpelling::Long
                && folded.ends_with(['a', 'o', 'u'])
            {
                folded.push('e');
            }
        } else {
            c.to_lowercase()
                .for_each(|lower| push_plain(folded, lower, spelling));
        }
    }
}

/// A word as it compares.
pub fn folded(word: &str, spelling: UmlautSpelling) -> String {
    let mut text = String::with_capacity(word.len());
    fold_into(&mut text, word, spelling);
    text
}

fn push_plain(folded: &mut String, lower: char, spelling: UmlautSpelling) {
    match plain(lower) {
        Some(letters) if spelling == UmlautSpelling::Short && is_shortened(lower) => {
            folded.extend(letters.chars().take(1));
        }
        Some(letters) => folded.push_str(letters),
        None if is_mark(lower) => {}
        None => folded.push(lower),
    }
}

/// The letters that people drop the mark of instead of writing two.
fn is_shortened(lower: char) -> bool {
    matches!(lower, 'ä' | 'ö' | 'ü' | 'å' | 'ø')
}

/// The plain letters for one of Latin script with a mark.
fn plain(lower: char) -> Option<&'static str> {
    Some(match lower {
        'ä' | 'æ' => "ae",
        'å' => "aa",
        'ö' | 'ø' | 'œ' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'þ' => "th",
        'à' | 'á' | 'â' | 'ã' | 'ā' | 'ă' | 'ą' | 'ª' => "a",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ŏ' | 'ő' | 'º' => "o",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'µ' | 'μ' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn umlauts_have_two_spellings_and_accents_one() {
        let both = |word: &str| {
            (
                folded(word, UmlautSpelling::Long),
                folded(word, UmlautSpelling::Short),
            )
        };
        let same = |word: &str, expected: &str| {
            assert_eq!(both(word), (expected.to_owned(), expected.to_owned()));
        };
        assert_eq!(
            both("SCHÄDEL"),
            ("schaedel".to_owned(), "schadel".to_owned())
        );
        assert_eq!(
            both("Scha\u{308}del"),
            ("schaedel".to_owned(), "schadel".to_owned())
        );
        assert_eq!(
            both("Sørensen"),
            ("soerensen".to_owned(), "sorensen".to_owned())
        );
        same("Crâne", "crane");
        same("Muñeca", "muneca");
        same("Fuß", "fuss");
        same("I\u{307}", "i");
        same("山田", "山田");
    }
}
