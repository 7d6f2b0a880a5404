//! File names that every platform takes, made as Flywheel's engine makes them.

/// Bytes in a file name.
const LONGEST: usize = 255;

/// Names that Windows keeps for devices.
const RESERVED: &[&str] = &["CON", "PRN", "AUX", "CLOCK$", "NUL"];

/// A valid name; none where nothing is left that could be one.
pub(super) fn file_name(text: &str) -> Option<String> {
    let mut name: String = starred(text)
        .chars()
        .map(|c| if is_forbidden(c) { '_' } else { c })
        .collect();
    if name.trim().is_empty() {
        return None;
    }
    while name.len() > LONGEST {
        name.pop();
    }
    let root = name.split('.').next().unwrap_or_default();
    let name = if is_reserved(root) {
        name.replace(root, &format!("{root}_"))
    } else {
        name.trim_matches(' ')
            .trim_end_matches([' ', '.'])
            .to_owned()
    };
    (!name.is_empty()).then_some(name)
}

/// `T2*` is a contrast and no wildcard.
fn starred(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let before = || out.to_ascii_lowercase();
        if c == '*'
            && ["t2", "t2 ", "t2_", "t2 _"]
                .iter()
                .any(|end| before().ends_with(end))
        {
            out.push_str("star");
        } else {
            out.push(c);
        }
    }
    out
}

fn is_forbidden(c: char) -> bool {
    c.is_ascii_control() || "/\\:*?\"<>|".contains(c)
}

fn is_reserved(root: &str) -> bool {
    let root = root.to_uppercase();
    let numbered = root
        .strip_prefix("COM")
        .or_else(|| root.strip_prefix("LPT"));
    let number = |rest: &str| {
        rest.chars().count() == 1
            && rest
                .chars()
                .all(|c| c.is_ascii_digit() || "¹²³".contains(c))
    };
    RESERVED.contains(&root.as_str()) || numbered.is_some_and(number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_engine() {
        for (text, expected) in [
            ("CT/PAT-0042.dcm", "CT_PAT-0042.dcm"),
            ("a:b*c?d<e>\"|^t2*.dcm", "a_b_c_d_e___^t2star.dcm"),
            ("T2 _*\u{1}\n.dcm", "T2 _star__.dcm"),
            ("t2**", "t2star_"),
            ("con.dcm", "con_.dcm"),
            ("LPT1", "LPT1_"),
            ("COM¹.x", "COM¹_.x"),
            ("COMA.x", "COMA.x"),
            (" a. .", "a"),
            (".hidden", ".hidden"),
            ("Äü山.dcm", "Äü山.dcm"),
        ] {
            assert_eq!(file_name(text).unwrap(), expected);
        }
        assert_eq!(file_name(&"山".repeat(100)).unwrap(), "山".repeat(85));
        for nothing in ["", "  ", ".", "..", "...", " . "] {
            assert_eq!(file_name(nothing), None, "{nothing}");
        }
    }
}
