//! Values that flags take.

use std::path::PathBuf;

use clap::ValueEnum;

/// One `--include` or `--exclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Whether what matches is taken or left out.
    pub include: bool,
    /// The pattern, in gitignore syntax.
    pub glob: String,
}

/// Where further paths are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathList {
    /// In this file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

impl From<PathBuf> for PathList {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdin } else { Self::File(path) }
    }
}

/// What to do with files that are not DICOM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OtherFiles {
    /// Leave them out and count them.
    #[default]
    Skip,
    /// Attach them as they are.
    Upload,
    /// Count each as failed.
    Fail,
}

/// What one package holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PackageBy {
    /// A whole series, zipped.
    #[default]
    Series,
    /// One instance, bare.
    Instance,
}

/// What to do when a file of the same name is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum IfExists {
    /// Leave what is there.
    #[default]
    Skip,
    /// Upload a new version.
    Replace,
    /// Count the new one as failed.
    Fail,
}

/// What becomes of a file in which a removed value still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Residual {
    /// It fails.
    Fail,
    /// It is sent, with a warning.
    Warn,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProgressStyle {
    /// Bars on a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Bars.
    Bar,
    /// A line now and then.
    Lines,
    /// None.
    None,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set or TERM is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A language that profiles are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileLanguage {
    /// TOML.
    Toml,
    /// YAML, with quotes where versions of YAML differ.
    Yaml,
    /// JSON.
    Json,
}

/// The level of Flywheel's settings at which a profile lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProfileLevel {
    /// The project's own settings.
    #[default]
    Project,
    /// The settings of the group.
    Group,
    /// The settings of the site.
    Site,
}
