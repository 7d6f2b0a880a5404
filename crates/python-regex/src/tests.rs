//! What Python 3.11 says of expressions and texts.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn regex(text: &str) -> PythonRegex {
    PythonRegex::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn matches(pattern: &str, text: &str) -> bool {
    regex(pattern)
        .is_match_start(text)
        .unwrap()
}

#[test]
fn matches_from_the_start_with_an_open_end() {
    assert!(matches("Patient", "PatientID"));
    assert!(!matches(
        "Accession",
        "RequestAttributesSequence.0.AccessionNumber"
    ));
    assert!(matches(
        ".*Accession",
        "RequestAttributesSequence.0.AccessionNumber"
    ));
    assert!(matches("a|PatientID", "PatientID"));
    assert!(!matches("^0020000D$", "0020000d"));
    assert!(matches("(?i)^0020000D$", "0020000d"));
    assert!(matches("[]P]atient", "PatientID"));
    assert!(matches("[[P&&]", "PatientID"));
    assert!(matches(r"\<?Patient", "PatientID"));
    assert!(matches("^0009.{4}$", "00091001"));
}

#[test]
fn looking_around_and_references_work() {
    for (pattern, text, expected) in [
        ("^(?!PatientID).*$", "PatientID", false),
        ("^(?!PatientID).*$", "PatientName", true),
        ("(?=Pat)P", "PatientID", true),
        ("Patient(?<=ent)ID", "PatientID", true),
        ("Patient(?<!ent)ID", "PatientID", false),
        (r"(a)(b)\2\1", "abba", true),
        (r"(?P<x>ab)(?P=x)", "abab", true),
        (r"(?P<x>ab)(?P=x)", "aba", false),
        ("(?>a*)a", "aaa", false),
        ("a*+a", "aaa", false),
        ("(?i)(a)\\1", "aA", true),
        (r"(a)|b\1", "b", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn ends_and_boundaries_are_pythons() {
    for (pattern, text, expected) in [
        ("a$", "a\n", true),
        ("a$", "a\n\n", false),
        (r"a\Z", "a\n", false),
        ("(?m)a$", "a\nb", true),
        ("(?s)a.b", "a\nb", true),
        ("a.b", "a\nb", false),
        (r"\B", "", false),
        (r"a\b", "a\u{301}", true),
        (r"\w+$", "a\u{301}", false),
        (r"\w", "²", true),
        (r"\d", "٣", true),
        (r"(?a)\d", "٣", false),
        (r"\s", "\u{1c}", true),
        (r"(?i)\u0131", "I", true),
        (r"(?a)(?i)k", "\u{212a}", false),
        (r"\x41\101\u0041\U00000041\0", "AAAA\0", true),
        ("a{,2}$", "aaa", false),
        ("a{x}", "a{x}", true),
        ("(?x) a b # c", "ab", true),
        ("a(?#c)b", "ab", true),
        ("(?i:a)b", "AB", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn groups_are_found_by_name() {
    let regex = regex(r"^(?P<a>\w+)(?P<b>x)?-(?P<c>.*)$");
    let found = regex
        .match_start("HEAD-äö")
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            found.get("a"),
            found.get("b"),
            found.get("c"),
            found.get("d")
        ),
        (Some("HEAD"), None, Some("äö"), None)
    );
    assert_eq!(
        regex
            .group_names()
            .collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    assert!(
        regex
            .match_start("-")
            .unwrap()
            .is_none()
    );
    assert!(regex.full_match("a-b").unwrap() && !regex.search("-").unwrap());
    let regex = super::tests::regex("a|ab");
    assert!(
        regex.full_match("ab").unwrap()
            && regex.search("xxab").unwrap()
            && !regex.full_match("abc").unwrap()
    );
}

#[test]
fn what_python_refuses_or_cannot_be_carried_out_is_refused() {
    for pattern in [
        "(?(1)a|b)",
        "(?<=a*)b",
        "(?<=a|bc)d",
        r"(a\1)",
        r"\1",
        r"(?P<a>x)(?P<a>y)",
        "(?P=x)",
        "(?<n>a)",
        "a(?i)b",
        r"\p{L}",
        r"\N{DASH}",
        r"\8",
        r"\q",
        r"[\q]",
        r"[\d-a]",
        "[b-a]",
        "[",
        "(",
        ")",
        "\\",
        "*a",
        "^*",
        "a**",
        "a{2,1}",
        "a{99999}",
        "(?i-i:a)",
        "(?L)a",
        "(?P<1>a)",
        "(?#c",
        r"\ud800",
        r"\U00110000",
        "[\\777]",
        r"(?P<a>\w?)*",
        "(?=a)*",
        "(?P<n>a){1000}{1000}",
        "(?:(?:a{1000}){1000}){1000}",
    ] {
        assert!(PythonRegex::new(pattern).is_err(), "{pattern}");
    }
    assert!(PythonRegex::new(&"(".repeat(50_000)).is_err());
    assert!(PythonRegex::new(&"a".repeat(50_000)).is_err());
}

#[test]
fn what_would_take_too_long_is_given_up() {
    let text = format!("{}b", "a".repeat(200));
    assert_eq!(
        regex(r"(a|aa)+(?<=a)b\1").is_match_start(&text),
        Err(TooComplex)
    );
    assert!(!matches("(a+)+$", &text));
}

#[test]
fn replacing_is_pythons() {
    for (pattern, by, text, expected) in [
        ("^.*$", "T1", "a/b", "T1"),
        (".*", "T1", "a/b", "T1T1"),
        ("x*", "-", "abxd", "-a-b--d-"),
        ("|a", "-", "ba", "-b---"),
        ("a*?", "-", "aa", "-----"),
        (r"(\w+)-(\d+)", r"\2_\1", "MRN-77", "77_MRN"),
        ("(?P<q>M)", r"\g<q>x\g<0>", "MRN", "MxMRN"),
        ("(x)?M", r"[\1]", "MRN", "[]RN"),
        ("ä", r"\n\101", "äb", "\nAb"),
        (r"\b", "|", "ab cd", "|ab| |cd|"),
        ("(?i)m", "", "Mm", ""),
        ("(?=b)", "-", "abb", "a-b-b"),
    ] {
        let regex = regex(pattern);
        let by = regex.replacement(by).unwrap();
        assert_eq!(
            regex
                .replace_all(text, &by)
                .unwrap(),
            expected,
            "{pattern} on {text}"
        );
    }
}

#[test]
fn replacements_that_python_refuses_are_refused() {
    let regex = regex("(?P<q>M)");
    for by in [
        r"\2", r"\q", "\\", r"\g<x>", r"\g<2>", r"\g<", r"\g", r"\g<>", r"\400",
    ] {
        assert!(regex.replacement(by).is_err(), "{by}");
    }
    let by = regex.replacement(r"\/\\").unwrap();
    assert_eq!(regex.replace_all("M", &by).unwrap(), "\\/\\");
}

proptest! {
    #[test]
    fn any_text_gives_an_expression_or_an_error(
        pattern in prop_oneof![any::<String>(), r"[ab()\[\]|*+?{}^$.\\0-9<>!=:,#PiswdbBAZx-]{0,24}"],
        text in prop_oneof![any::<String>(), "[abAB0 \n]{0,12}"],
    ) {
        if let Ok(regex) = PythonRegex::new(&pattern) {
            let _ = (regex.match_start(&text).is_ok(), regex.search(&text), regex.full_match(&text));
        }
    }
}
