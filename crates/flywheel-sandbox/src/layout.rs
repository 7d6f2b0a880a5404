//! Names on disk: labels and file names from outside become single path components that stay inside
//! their folder.
//!
//! Pure text work. Must never return a separator, `.`, `..`, an empty name or a name that a file
//! system reserves.

const LONGEST: usize = 180;
const HEAD: usize = 140;
const TAIL: usize = 32;

/// A label as one path component that every common file system takes.
pub fn component(label: &str) -> String {
    let text: String = label
        .chars()
        .map(|c| if is_awkward(c) { '_' } else { c })
        .collect();
    let text = shortened(
        text.trim_end_matches(['.', ' '])
            .trim_start(),
    );
    if text.is_empty() || text.starts_with('.') || is_device(&text) {
        format!("_{text}")
    } else {
        text
    }
}

/// A component that is not taken yet: the plain one, else with `~2`, `~3` and so on before its
/// extension.
pub fn unique(label: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let plain = component(label);
    if !is_taken(&plain) {
        return plain;
    }
    let (stem, extension) = plain
        .find('.')
        .filter(|at| *at > 0)
        .map_or((plain.as_str(), ""), |at| plain.split_at(at));
    let mut number = 2_u32;
    loop {
        let name = format!("{stem}~{number}{extension}");
        if !is_taken(&name) {
            return name;
        }
        number = number.saturating_add(1);
    }
}

/// The form in which names are compared, as on file systems that ignore case.
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

fn is_awkward(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '\u{fffd}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Keeps both ends of a long name, so that the extension survives.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let head = (0..=HEAD)
        .rev()
        .find_map(|at| text.get(..at))
        .unwrap_or_default();
    let tail = (text.len() - TAIL..=text.len())
        .find_map(|at| text.get(at..))
        .unwrap_or_default();
    format!("{head}~{tail}")
}

/// Names that Windows keeps for devices, with or without an extension.
fn is_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|n| {
                n.len() == 1
                    && n.chars()
                        .all(|c| c.is_ascii_digit())
            })
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_labels_become_single_harmless_components() {
        let cases = [
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("..", "_"),
            (".", "_"),
            ("", "_"),
            ("a/b\\c", "a_b_c"),
            ("C:\\x", "C__x"),
            ("nul.txt", "_nul.txt"),
            ("x\u{0}y\n", "x_y_"),
            (".hidden", "_.hidden"),
            ("trailing. .", "trailing"),
            ("3 - T1 für Müller", "3 - T1 für Müller"),
        ];
        for (label, name) in cases {
            assert_eq!(component(label), name, "{label:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension_and_stay_short() {
        let name = component(&format!("{}.dicom.zip", "ü".repeat(400)));
        assert!(name.len() <= LONGEST && name.ends_with(".dicom.zip"));
    }

    #[test]
    fn taken_names_are_numbered_whatever_their_case() {
        let taken =
            |name: &str| ["a.dicom.zip", "a~2.dicom.zip", "b"].contains(&folded(name).as_str());
        assert_eq!(unique("A.dicom.zip", taken), "A~3.dicom.zip");
        assert_eq!(unique("b", taken), "b~2");
        assert_eq!(unique("c", taken), "c");
    }
}
