//! The profiles that come with the program.

/// Name and text of each.
const BUILTIN: &[(&str, &str)] = &[
    ("basic", include_str!("../../../../profiles/basic.toml")),
    (
        "longitudinal",
        include_str!("../../../../profiles/longitudinal.toml"),
    ),
    ("strict", include_str!("../../../../profiles/strict.toml")),
    (
        "uids-and-dates-kept",
        include_str!("../../../../profiles/uids-and-dates-kept.toml"),
    ),
    (
        "flywheel-minimal",
        include_str!("../../../../profiles/flywheel-minimal.toml"),
    ),
];

/// The TOML text of a built-in profile.
pub fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// The names of the built-in profiles.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN
        .iter()
        .map(|(name, _)| *name)
}
