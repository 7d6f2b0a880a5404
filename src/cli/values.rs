//! Values that flags take.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

/// One `--include` or `--exclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Whether what matches is taken or left out.
    pub include: bool,
    /// The pattern, in gitignore syntax.
    pub glob: String,
}

impl Filter {
    /// As it was typed. Windows has `\` between folders and no name that holds what it would escape;
    /// a plan that is made there may be carried out elsewhere.
    pub fn typed(include: bool, glob: &str) -> Self {
        let glob = if cfg!(windows) {
            glob.replace('\\', "/")
        } else {
            glob.to_owned()
        };
        Self { include, glob }
    }
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
        if path.as_os_str() == "-" {
            Self::Stdin
        } else {
            Self::File(path)
        }
    }
}

/// A number of things.
pub fn whole_number<T: FromStr>(text: &str) -> Result<T, &'static str> {
    text.trim()
        .parse()
        .map_err(|_| "write a whole number, as in 4")
}

/// One of several parts of the work: `2/8` is the second of eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// The most parts that work is divided into.
    pub const MOST: u32 = 100_000;

    /// Which part it is, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// The number of parts.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether what counts under this number belongs to it.
    pub fn takes(self, counted: u64) -> bool {
        counted % u64::from(self.of) == u64::from(self.number - 1)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('/')
            .map(|(number, of)| (number.trim().parse(), of.trim().parse()));
        match parts {
            Some((Ok(number), Ok(of))) if (1..=of).contains(&number) && of <= Self::MOST => {
                Ok(Self { number, of })
            }
            Some((Ok(number), Ok(of))) if of <= Self::MOST && of > 0 && number > of => Err(
                format!("there is no part {number} of {of}: the last one is {of}/{of}"),
            ),
            Some((Ok(0), Ok(1..))) => {
                Err("parts are counted from 1: the first of 8 is 1/8".to_owned())
            }
            _ => Err("write I/N, as in 2/8 for the second of eight parts".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// Whether packages are deflated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// While the network is slower than the cores.
    #[default]
    Auto,
    /// Never.
    None,
    /// Always, from 1 for fast to 9 for small.
    Level(u8),
}

impl FromStr for Compression {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            ("none", _) => Ok(Self::None),
            (_, Ok(level @ 1..=9)) => Ok(Self::Level(level)),
            _ => Err("write auto, none, or a number from 1 (fast) to 9 (small)"),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Level(level) => level.fmt(f),
        }
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

/// What to do with archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Archives {
    /// Read them like folders.
    #[default]
    Read,
    /// Leave them out and count them.
    Skip,
    /// Count each as failed.
    Fail,
}

impl Archives {
    /// As it is typed.
    pub fn word(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// What a word stands for; none where it stands for nothing.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::from_str(word, false).ok()
    }
}

/// What to do with series of which instances are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum IncompleteSeries {
    /// Send what is there.
    #[default]
    Send,
    /// Leave them for the next run.
    Hold,
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

/// `--if-study-elsewhere`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum IfStudyElsewhere {
    /// Say so and send it.
    #[default]
    Warn,
    /// Count it as failed.
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

/// A profile that is named by its path: a built-in one has a name without any of these.
pub fn named_profile(profile: &str) -> Option<PathBuf> {
    profile
        .contains(['/', '\\', '.'])
        .then(|| PathBuf::from(profile))
}
