//! The table of codes: why a file failed, why a run stopped, and the exit codes.
//!
//! Owns everything that is said about a code in general. Each row is written once; messages,
//! reports, exit codes, `fwupload explain` and docs/codes.md read it. A code is never renamed or
//! removed within a major version, and no row may name what only one case knows.

use serde::Serialize;

pub use exit::ExitStatus;
pub use file::FileCode;
pub use run::RunCode;

/// One row of the table.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct CodeEntry {
    /// The stable name: `stage.slug`, or the number of an exit code.
    pub code: &'static str,
    /// What has the code.
    pub kind: CodeKind,
    /// What happened, as one sentence without a full stop.
    pub sentence: &'static str,
    /// What to do about it.
    pub hint: &'static str,
    /// The exit code that it leads to. Files that failed lead to [`ExitStatus::SomeFailed`], or to
    /// [`ExitStatus::AllFailed`] where no file arrived.
    #[serde(rename = "exit_code")]
    pub exit: ExitStatus,
    /// Whether running the same command again may succeed without anything being changed.
    pub retryable: bool,
    /// What it means, why fwupload does not go on, what to do and whom to ask.
    pub explanation: &'static str,
}

/// What has a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeKind {
    /// A file that failed.
    File,
    /// A run that stopped.
    Run,
    /// The end of the process.
    Exit,
}

impl CodeEntry {
    /// Every row: files, runs, exit codes.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        FileCode::entries()
            .chain(RunCode::entries())
            .chain(ExitStatus::entries())
    }

    /// The part of the code before the dot: the stage of the work that it belongs to.
    pub fn stage(&self) -> &'static str {
        self.code
            .split('.')
            .next()
            .unwrap_or_default()
    }

    /// What a row says unless it says otherwise.
    const fn of(kind: CodeKind) -> Self {
        Self {
            code: "",
            kind,
            sentence: "",
            hint: "",
            exit: ExitStatus::SomeFailed,
            retryable: false,
            explanation: "",
        }
    }
}

/// Declares an enum of codes, each with its row of the table. An exit code has no other name than
/// its number.
macro_rules! codes {
    ($(#[$attribute:meta])* $name:ident, $kind:ident: $($variant:ident $(= $number:literal)? {
        $(code: $code:literal,)?
        sentence: $sentence:literal,
        hint: $hint:literal,
        $(exit: $exit:ident,)?
        $(retryable: $retryable:literal,)?
        explanation: $explanation:literal,
    })*) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $sentence] $variant $(= $number)?,)* }

        impl $name {
            /// Every code, in the order of the published list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) fn entries() -> impl Iterator<Item = &'static CodeEntry> {
                Self::ALL.iter().map(|code| code.entry())
            }

            /// The row of the table.
            pub fn entry(self) -> &'static CodeEntry {
                match self {
                    $(Self::$variant => {
                        const ENTRY: CodeEntry = CodeEntry {
                            code: concat!($($number)? $($code)?),
                            sentence: $sentence,
                            hint: $hint,
                            $(exit: ExitStatus::$exit,)?
                            $(retryable: $retryable,)?
                            explanation: $explanation,
                            ..CodeEntry::of(CodeKind::$kind)
                        };
                        &ENTRY
                    })*
                }
            }

            /// The stable name.
            pub fn as_str(self) -> &'static str {
                self.entry().code
            }

            /// What happened, as one sentence without a full stop.
            pub fn sentence(self) -> &'static str {
                self.entry().sentence
            }

            /// What to do about it.
            pub fn hint(self) -> &'static str {
                self.entry().hint
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

mod exit;
mod file;
mod run;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_says_what_happened_what_it_means_and_what_to_do() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in CodeEntry::all() {
            let CodeEntry {
                code,
                sentence,
                hint,
                explanation,
                ..
            } = entry;
            assert!(seen.insert(code), "{code} appears twice");
            let dots = usize::from(entry.kind != CodeKind::Exit);
            assert_eq!(code.matches('.').count(), dots, "{code} is not stage.slug");
            for phrase in [sentence, hint] {
                assert!(
                    !phrase.is_empty() && !phrase.ends_with('.'),
                    "{code}: {phrase}"
                );
            }
            let sentences = explanation.matches(". ").count() + 1;
            assert!(
                explanation.ends_with('.') && sentences <= 4,
                "{code}: {explanation}"
            );
        }
    }
}
