//! The published exit codes. The list only grows, and no number ever changes.

use serde::Serialize;

use super::{CodeEntry, CodeKind};

codes! {
    /// How the process ends. The number is the exit code.
    #[derive(Serialize)]
    #[serde(into = "u8")]
    #[repr(u8)]
    ExitStatus, Exit:

    Success = 0 {
        sentence: "every file found is uploaded, already there, or skipped for a stated reason",
        hint: "go on",
        exit: Success,
        explanation: "Each file was found on the server after the upload, was there before, or was \
            left out for a reason that the summary states. `--fail-on-skip` makes skipped files an \
            error.",
    }
    Unexpected = 1 {
        sentence: "unexpected error, another run in the way, or a report or folder that cannot be \
            written",
        hint: "read the message; its code says what stopped the run",
        exit: Unexpected,
        explanation: "Something on this machine is in the way, for example a journal or a report \
            that cannot be written. The message begins with `error[CODE]`, and `fwupload explain \
            CODE` says what to do about it.",
    }
    Usage = 2 {
        sentence: "the command line is wrong, or a list or table that it names",
        hint: "correct the command, which `fwupload --help` describes, or the file",
        exit: Usage,
        explanation: "The command cannot be carried out as it was typed, or a list of files or a \
            table of subjects that it names cannot be used. Nothing was sent.",
    }
    SomeFailed = 3 {
        sentence: "finished, some files failed",
        hint: "read the report, correct what it names, and run the same command again",
        exit: SomeFailed,
        retryable: true,
        explanation: "Some files arrived and others did not. The failure report lists each with \
            its code and a hint, and `--files-from` takes the report to try exactly those again. \
            Commands that check or compare exit with 3 when they found something.",
    }
    Auth = 4 {
        sentence: "not logged in, key refused, or no permission",
        hint: "correct the API key, or ask for the permission that the message names",
        exit: Auth,
        explanation: "The site does not accept the key, there is none, or its user may not do or \
            see what the run needs.",
    }
    Config = 5 {
        sentence: "configuration or de-identification profile invalid or missing",
        hint: "correct the file or setting that the message names",
        exit: Config,
        explanation: "A setting, a profile, a pseudonym key or a report to be merged cannot be \
            used. Nothing was sent, unless the profile on the server changed during the run.",
    }
    Destination = 6 {
        sentence: "destination not found or ambiguous, or several patients under one `--subject`",
        hint: "correct `--project` or `--subject`",
        exit: Destination,
        explanation: "It is not clear where the data should go, and fwupload does not guess.",
    }
    Unavailable = 7 {
        sentence: "server or network unavailable",
        hint: "run the same command again later",
        exit: Unavailable,
        retryable: true,
        explanation: "The site could not be reached, or did not answer as a Flywheel site does, \
            for as long as `--retry-for` allows. What arrived is not sent twice.",
    }
    Nothing = 8 {
        sentence: "nothing to upload",
        hint: "check paths and filters; `-v` shows why each file was skipped",
        exit: Nothing,
        explanation: "No file was found that could be sent. `--allow-empty` exits with 0 instead.",
    }
    AllFailed = 9 {
        sentence: "finished, every file failed",
        hint: "read the report before running again",
        exit: AllFailed,
        explanation: "When not one file arrived there is mostly one cause for all, as a rule of \
            the profile or a missing permission. The failure report shows it.",
    }
    HungUp = 129 {
        sentence: "the terminal was closed",
        hint: "run the same command again, under nohup, tmux or screen",
        exit: HungUp,
        retryable: true,
        explanation: "The run received SIGHUP. It wrote its summary and report, and the same \
            command goes on where it stopped.",
    }
    Interrupted = 130 {
        sentence: "interrupted",
        hint: "run the same command again",
        exit: Interrupted,
        retryable: true,
        explanation: "The run received SIGINT (Ctrl-C). Uploads under way could finish, and the \
            same command goes on where it stopped.",
    }
    Terminated = 143 {
        sentence: "terminated",
        hint: "run the same command again",
        exit: Terminated,
        retryable: true,
        explanation: "The run received SIGTERM, as from a scheduler. Uploads under way could \
            finish, and the same command goes on where it stopped.",
    }
}

impl ExitStatus {
    /// The number for the shell.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitStatus> for u8 {
    fn from(status: ExitStatus) -> Self {
        status.code()
    }
}

impl From<ExitStatus> for std::process::ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}
