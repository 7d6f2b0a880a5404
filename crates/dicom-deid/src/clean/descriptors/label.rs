//! Names that devices give to kernels, coils and sequences: short, and none of them a word. They
//! stay, unless they read like a day or like the number of a person.
//!
//! Owns the shapes. It looks at one value and at nothing around it.

use std::sync::OnceLock;

use regex::Regex;

/// A day and a month, a month by its name beside a day, three groups of digits, two halves of a
/// postcode or a chart number.
const SHAPES: &str = r"(?xi)
    (?:^|[^0-9a-z.]) (?: (?:0?[1-9]|[12][0-9]|3[01]) \s?[/-]\s? (?:0?[1-9]|1[0-2])
                       | (?:0?[1-9]|1[0-2]) \s?[/-]\s? (?:0?[1-9]|[12][0-9]|3[01])
                       | (?:0[1-9]|[12][0-9]|3[01]) \. (?:0[1-9]|1[0-2])
                       | [0-9]{1,2} \. [0-9]{1,2} \. ) (?:[^0-9a-z]|$)
  | \b [0-9]{1,2} [.]?[\ -]? (?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez) [a-zä]{0,6} \b
  | \b (?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez) [a-zä]{0,6} [.]?[\ -]? [0-9]{1,2} \b
  | \b [0-9]+ [-/.\ ] [0-9]+ [-/.\ ] [0-9a-z]+ \b
  | \b [a-z]{1,2}[0-9][0-9a-z]? \s [0-9][a-z]{2} \b
  | \b [a-z][0-9]{2,3} \s [a-z][0-9]{2,3} \b
  | [0-9]{5,}
";

/// Whether a name of a kernel, a coil or a sequence may be a day or the number of a person.
pub(in crate::clean) fn tells_a_day_or_number(label: &str) -> bool {
    static SHAPE: OnceLock<Option<Regex>> = OnceLock::new();
    if !label.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let shape = SHAPE.get_or_init(|| Regex::new(SHAPES).ok());
    label
        .split('\\')
        .any(|value| shape.as_ref().is_none_or(|shape| shape.is_match(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_stay() {
        for label in [
            "B30f",
            "I31f\\3",
            "Br40d\\3",
            "FC51",
            "BONEPLUS",
            "HE1-4;NE1,2",
            "Head_32",
            "*tfl3d1_16ns",
            "C:HEA;HEP",
            "STANDARD",
            "*fl2d1",
            "SP6,7,8",
            "Body 24 AC",
            "epfid2d1_64",
            "8HRBRAIN",
            "GR",
            "QD 1.5",
            "Hr38 3",
            "WFBP_3D",
        ] {
            assert!(!tells_a_day_or_number(label), "{label}");
        }
    }

    #[test]
    fn days_and_numbers_are_told_from_them() {
        for label in [
            "04-21",
            "04/09",
            "12 Dec",
            "Sep 07",
            "14.05.",
            "77-34-92",
            "SW1 2AA",
            "4-117-B",
            "Z9 4QX",
            "K23 W12",
            "B30f 14.05.",
            "20170612",
            "PX48213097",
            "3. März",
        ] {
            assert!(tells_a_day_or_number(label), "{label}");
        }
    }
}
