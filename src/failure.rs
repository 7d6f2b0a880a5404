//! Why a file was not uploaded ([`FileFailure`]) and why a run stopped ([`Error`]).
//!
//! Owns the published list of stable codes. It must never hold an attribute value: a tag, a
//! keyword, a rule's position in the profile or a length are fine, what a data element holds is
//! not.

mod of_libraries;

use std::borrow::Cow;
use std::fmt;

/// Declares an enum of stable codes, each with its `stage.slug`, a sentence and a hint.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $slug:literal, $sentence:literal, $hint:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $(#[doc = $sentence] $variant,)* }

        impl $name {
            /// Every code, in the order of the published list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name, `stage.slug`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $slug,)* }
            }

            /// What happened, as one sentence without a full stop.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// The next thing to do about it.
            pub fn hint(self) -> &'static str {
                match self { $(Self::$variant => $hint,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

codes! {
    /// Why one file failed. The part before the dot is the stage that gave up.
    FileCode {
        DiscoverNotFound = "discover.not-found", "the path does not exist", "check the path or the list that named it";
        DiscoverUnreadable = "discover.unreadable", "the path cannot be read", "check the permissions of the file and of the folders above it";
        DiscoverSpecial = "discover.special-file", "the path is neither a file nor a folder", "name regular files and folders only";
        DiscoverLoop = "discover.symlink-loop", "a symbolic link leads back to a folder above it", "remove the link, or run without `--follow`";
        DiscoverOther = "discover.other-file", "the file is not DICOM and `--other-files fail` \
            was given", "move the file elsewhere, or use `--other-files skip`";
        DiscoverArchive = "discover.archive", "the file is an archive and cannot be read", "unpack it and name the folder that it was unpacked into";
        DiscoverHoldsDicom = "discover.holds-dicom", "the file is not read as DICOM, and DICOM \
            stands in it, which cannot be cleaned there", "make DICOM files of it (unpack it, or \
                repair its beginning), so that they are cleaned, or leave it out with `--exclude`";
        ReadNotDicom = "read.not-dicom", "the file was named and is not DICOM", "name DICOM files, or a folder to have other files skipped";
        ReadDicomdir = "read.dicomdir", "a DICOMDIR was named; its byte offsets would be wrong \
            after cleaning", "name the folder instead: DICOMDIR is skipped and the files it lists \
                are read";
        ReadIo = "read.io", "reading the file failed", "check the disk or share it lies on and \
            run again";
        ReadChanged = "read.changed", "the file changed while it was being worked on", "wait until nothing writes to it and run again";
        ReadTruncated = "read.truncated", "the file ends inside a data element", "export or copy the file again from where it came from";
        ReadOverrun = "read.overrun", "a data element claims more bytes than there are around it", "the file is damaged: export it again from where it came from";
        ReadTooDeep = "read.too-deep", "sequences are nested deeper than 64 levels", "no scanner writes such a file: check where it came from";
        ReadHeaderTooLarge = "read.header-too-large", "the data elements around the pixel data \
            exceed the header limit", "raise `--max-header` if the file is what it should be";
        ReadSyntax = "read.unsupported-syntax", "the transfer syntax is unknown or cannot be \
            carried over unchanged", "convert the file to a standard transfer syntax first";
        ReadMalformed = "read.malformed", "the bytes are not a DICOM data set", "the file is damaged: export it again from where it came from";
        ReadDuplicateElement = "read.duplicate-element", "a data element appears twice in one \
            data set", "repair the file: it is unclear which of the two values counts";
        ReadTrailing = "read.trailing-data", "bytes follow the end of the data set", "repair the file: bytes outside the data set cannot be cleaned";
        ReadMislabelled = "read.mislabelled", "the pixel data is not what the transfer syntax \
            says", "export the file again from where it came from, or correct its transfer syntax";
        ReadDeflate = "read.deflate", "the deflated data set is damaged or grows beyond the limit", "export the file again, or raise `--max-header` if it is what it should be";
        DeidRule = "deid.rule-failed", "a rule of the profile cannot be carried out on this file", "ask an administrator to change the rule that the message names";
        DeidDate = "deid.unparseable-date", "a date does not have the format that the profile \
            states", "correct the file, or have the rule changed to `remove` or `replace-with`";
        DeidText = "deid.unencodable-text", "a new value cannot be written in the file's \
            character set", "have the rule changed to write plain ASCII";
        DeidTarget = "deid.unsupported-target", "the rule's action does not apply to a data \
            element of this VR", "have the rule changed to an action that fits the VR, often \
                `remove`";
        DeidValue = "deid.unreadable-value", "an attribute that the file cannot do without holds \
            what is none of its values", "repair the file: export it again from where it came from";
        DeidCharacterSet = "deid.character-set", "the file names a character set that the \
            standard does not have", "correct SpecificCharacterSet in the file";
        DeidDocument = "deid.document", "the file holds a document, which cannot be looked into", "have the profile say `encapsulated = \"remove\"` or `\"keep\"` in `[dicom.confidentiality]`";
        DeidPixels = "deid.pixels", "what the profile wants done to the image cannot be done on \
            this file", "convert the file to an uncompressed transfer syntax, or have the \
                profile's `alter_pixels` or `regions` leave such files out";
        DeidBurnedIn = "deid.burned-in", "the image may show text that identifies the patient, \
            and the profile does not say what to blank", "add a `[[dicom.pixels.regions]]` entry \
                for the device (`blank = []` where nothing is burned in), or say `burned-in \
                = \"keep\"` in `[dicom.pixels]`";
        DeidEnvelope = "deid.envelope", "the encrypted envelope of the file cannot be used", "give the profile the key that the envelope was sealed with";
        DeidFilename = "deid.filename", "the profile's `filenames` give this file no name", "ask an administrator to change the `filenames` entry that the message names, or to add one for such files";
        DeidLongUid = "deid.uid-too-long", "a UID that would be written has more than 64 \
            characters", "correct the file, or have the profile map its UIDs";
        DeidVerify = "deid.verification", "what was written does not read back as intended", "report this as a bug; the file was not sent";
        ResidualLeft = "residual.identifier-left", "a value that was removed or changed still \
            stands in what would be sent", "have the profile remove or clean the attribute that \
                the message names, or send it all the same with `--residual warn`";
        DeidTooCostly = "deid.too-costly", "checking the file for what was removed from it would \
            take more time or memory than one file may", "no scanner writes such a file: look \
                where it came from, and leave it out or have it exported again";
        DeidPanic = "deid.internal", "cleaning this file hit a defect in fwupload", "report this as a bug; the file was not sent";
        RouteMissingUid = "route.missing-uid", "the instance has no SOP, series or study UID \
            after cleaning", "the file cannot be placed: correct it, or have the profile keep or \
                map its UIDs";
        RouteNoSubject = "route.no-subject", "no Patient ID is left after cleaning, so there is \
            no subject label", "have the profile replace PatientID instead of removing it; or \
                send each patient by a run of its own, with `--subject LABEL`";
        RouteDuplicate = "route.duplicate-instance", "two different files carry the same SOP \
            Instance UID", "remove the wrong one, or have the profile map instance UIDs one to one";
        RouteUnclear = "route.unclear", "the file is not DICOM, and which container it belongs to \
            is not known", "have the DICOM files beside it sent first, then run again; or leave \
                it out with `--exclude`";
        PackageName = "package.name", "the package's name cannot be made unique in its \
            acquisition", "pass other labels, or upload the series one at a time";
        OutputWrite = "output.write", "writing into the output folder failed", "check space and permissions of the folder";
        UploadExists = "upload.exists", "a file of this name is already there", "use `--if-exists skip` to leave it, or `--if-exists replace` to add a new version";
        UploadPartOfSeries = "upload.part-of-series", "the package on the server holds instances \
            of this series that are not among the files of this run", "run again with all files \
                of the series; or, if they are to go, let `--supersede` replace the package by \
                what this run has";
        UploadStudyElsewhere = "upload.study-elsewhere", "the study is in the project already, \
            under another subject", "look at both subjects on the server: one of them may have \
                the wrong label; or leave `--if-study-elsewhere fail` out to have it sent all the \
                same";
        UploadRejected = "upload.rejected", "the server refused the upload", "read the server's message; the request id helps its support";
        UploadForbidden = "upload.forbidden", "the server does not let you upload here", "ask for write permission in the project";
        UploadNotFound = "upload.not-found", "the destination vanished while uploading", "check on the server whether it was deleted and run again";
        UploadConflict = "upload.conflict", "the server reports a conflict that did not go away", "run again; if it stays, look at the container on the server";
        UploadTooLarge = "upload.too-large", "the server or a proxy refused the size of the \
            upload", "try `--package instance`, or have the limit raised";
        UploadThrottled = "upload.throttled", "the server asked to slow down until the retries \
            were used up", "run again later, or with fewer `--uploads`";
        UploadServer = "upload.server-error", "the server failed until the retries were used up", "run again later; what is there already is not sent twice";
        UploadNetwork = "upload.network", "the connection failed until the retries were used up", "check network and proxy and run again";
        UploadUnconfirmed = "upload.unconfirmed", "the server did not confirm name and size of \
            the file", "look at the acquisition on the server and run again";
        UploadDeidLog = "upload.deid-log", "the site's de-identification log did not take the \
            record", "run again later; if it stays, ask the site's administrator about its log: \
                nothing is sent without a record";
        UploadStopped = "upload.stopped", "the run stopped before this file was sent", "run the same command again";
    }
}

codes! {
    /// Why a whole run stopped. `exit.rs` gives each its exit code.
    RunCode {
        Usage = "usage.arguments", "the command line cannot be carried out as written", "see `fwupload --help`";
        AuthMissing = "auth.missing", "there is no API key", "run `fwupload login`, or set \
            FWUPLOAD_API_KEY";
        AuthMalformed = "auth.malformed-key", "the API key has no usable form", "copy the key from your Flywheel profile page; it reads `host:key`";
        AuthKeySource = "auth.key-source", "the API key's source cannot be used", "check the file or command; a key file must be yours alone (chmod 600)";
        AuthRejected = "auth.rejected", "the server refused your API key", "run `fwupload login`, \
            or check FWUPLOAD_API_KEY";
        AuthForbidden = "auth.forbidden", "you lack a permission that this needs", "ask an administrator of the project for it";
        ConfigInvalid = "config.invalid", "the configuration cannot be used", "`fwupload --help` has every setting and what it may be";
        ProfileMissing = "profile.missing", "no de-identification profile applies", "pass `--profile basic`, or `--no-deid` if the data may go as it is";
        ProfileInvalid = "profile.invalid", "the de-identification profile is not valid", "`profiles/README.md` has the vocabulary, and `fwupload profile show basic` an example";
        ProfileConflict = "profile.conflict", "a local profile was given although the server has \
            one", "leave out `--profile` and `--no-deid`: the server's profile governs";
        ProfileUnknown = "profile.unknown", "whether a profile governs cannot be found out", "ask an administrator for permission to view the settings; nothing was sent";
        ProfileChanged = "profile.changed", "the de-identification profile that governs changed \
            during the run", "run the same command again: it reads the profile anew, and what was \
                sent is in the report";
        ProfileUnconfirmed = "profile.unconfirmed", "sending data as it is was not confirmed", "confirm at the prompt, or pass `--no-deid` with `-y`";
        DeidLog = "profile.deid-log", "the site keeps a de-identification log and requires that \
            data is de-identified", "pass `--profile basic`, or have a profile set on the site";
        PseudonymKeyMissing = "pseudonym.key-missing", "the profile makes pseudonyms, and there \
            is no key for them yet", "give one with `--pseudonym-key-file` or \
                FWUPLOAD_PSEUDONYM_KEY, or have one made with `--new-pseudonym-key`";
        PseudonymKeyChanged = "pseudonym.key-changed", "earlier runs made the pseudonyms of this \
            project with another key", "use the key of earlier runs; `--change-pseudonym-key` \
                takes the other one from now on, and gives the same patients other pseudonyms";
        PseudonymKeySource = "pseudonym.key-source", "the pseudonym key's source cannot be used", "check the file or command; a key file must be yours alone (chmod 600)";
        PseudonymKeyInvalid = "pseudonym.key-invalid", "the pseudonym key has no usable form", "a key is 64 hexadecimal digits, as `openssl rand -hex 32` prints them";
        ProjectNotFound = "project.not-found", "the project does not exist or you cannot see it", "check spelling and case, or pass `--create-project`";
        ProjectAmbiguous = "project.ambiguous", "several projects have this label", "name it as group/project";
        SeveralPatients = "route.several-patients", "the files are those of several patients, and \
            `--subject` would make them one subject", "run once for each patient, or leave \
                `--subject` out and have the profile give each a label; `--merge-patients` if it \
                is one person";
        NetworkUnavailable = "network.unavailable", "the server cannot be reached", "check network, proxy and `--site`, then run the same command again";
        ServerUnexpected = "network.unexpected-answer", "the server answered in a way that \
            fwupload does not understand", "check that `--site` is a Flywheel site; a proxy may \
                be in the way";
        InputNothing = "input.nothing", "there is nothing to upload", "check the paths and filters; `-v` shows why each file was skipped";
        ReportUnwritable = "report.unwritable", "the report cannot be written", "name another place with `--report`";
        LogUnwritable = "log.unwritable", "the log cannot be written", "name another place with \
            `--log-file`";
        ReportInvalid = "report.invalid", "the failure report cannot be used", "name reports that fwupload wrote, ending in .jsonl, .json or .csv";
        ReportMismatch = "report.mismatch", "the failure reports do not belong together", "merge only reports of runs of the same job, and leave the others out";
        OutputUnwritable = "output.unwritable", "the output folder cannot be used", "name an empty or new folder with `--output`";
        JournalLocked = "journal.locked", "another run is sending the same inputs to this project", "wait until it has ended, or stop it, and run again";
        JournalUnwritable = "journal.unwritable", "the journal of what was sent cannot be written", "check space and permissions of that folder, or name another with FWUPLOAD_STATE_HOME";
        TooManyFailures = "run.too-many-failures", "as many files failed as `--max-failures` \
            allows", "see the report, then run again: what arrived is not sent twice";
        SandboxUnavailable = "sandbox.unavailable", "the sandbox cannot run", "check its folder and whether the address is free";
        Interrupted = "run.interrupted", "the run was interrupted", "run the same command again: \
            what arrived is not sent twice";
        Terminated = "run.terminated", "the run was asked to end", "run the same command again: \
            what arrived is not sent twice";
        HungUp = "run.hung-up", "the terminal of the run was closed", "run the same command again, under nohup, tmux or screen: what arrived is not sent twice";
        Internal = "run.internal", "fwupload hit a defect of its own", "report this as a bug";
    }
}

impl FileCode {
    /// The part before the dot: which stage gave up.
    pub fn stage(self) -> &'static str {
        self.as_str().split('.').next().unwrap_or_default()
    }

    /// Whether running the same command again may succeed without anything being changed.
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::ReadIo
                | Self::ReadChanged
                | Self::RouteUnclear
                | Self::UploadConflict
                | Self::UploadThrottled
                | Self::UploadServer
                | Self::UploadNetwork
                | Self::UploadUnconfirmed
                | Self::UploadDeidLog
                | Self::UploadStopped
        )
    }
}

/// One file's failure: a stable code, what exactly, and what to do. Holds no attribute value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFailure {
    /// The stable code.
    pub code: FileCode,
    /// What exactly happened, in addition to the code's sentence; may be empty.
    pub detail: String,
    /// What to do about it, where more is known than the code's own hint.
    pub specific_hint: Option<String>,
    /// The HTTP status of the last answer, if a server gave one.
    pub http_status: Option<u16>,
    /// How often it was tried; 0 where trying is not a notion.
    pub attempts: u32,
}

impl FileFailure {
    /// A failure with its code and the particulars of this case.
    pub fn new(code: FileCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            specific_hint: None,
            http_status: None,
            attempts: 0,
        }
    }

    /// Replaces the code's general hint by one for this case.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.specific_hint = Some(hint.into());
        self
    }

    /// What to do about it.
    pub fn hint(&self) -> Cow<'_, str> {
        self.specific_hint
            .as_deref()
            .map_or(Cow::Borrowed(self.code.hint()), Cow::Borrowed)
    }

    /// Sentence and particulars on one line.
    pub fn message(&self) -> String {
        if self.detail.is_empty() {
            self.code.sentence().to_owned()
        } else {
            format!("{}: {}", self.code.sentence(), self.detail)
        }
    }
}

impl fmt::Display for FileFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.code, self.message())
    }
}

impl std::error::Error for FileFailure {}

/// What stops a run: a stable code, what happened, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The stable code.
    pub code: RunCode,
    /// What happened in this case; replaces the code's sentence.
    pub what: String,
    /// Further lines that explain it; may be empty.
    pub why: Vec<String>,
    /// What to do about it, where more is known than the code's own hint.
    pub specific_hint: Option<String>,
}

impl Error {
    /// An error with its code and what happened in this case.
    pub fn new(code: RunCode, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            why: Vec::new(),
            specific_hint: None,
        }
    }

    /// Adds a line that explains it.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why.push(why.into());
        self
    }

    /// Replaces the code's general hint by one for this case.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.specific_hint = Some(hint.into());
        self
    }

    /// What to do next.
    pub fn hint(&self) -> &str {
        self.specific_hint
            .as_deref()
            .unwrap_or_else(|| self.code.hint())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.code, self.what)?;
        for why in &self.why {
            write!(f, "\n  {why}")?;
        }
        write!(f, "\nhint: {}", self.hint())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_unique_and_says_what_and_what_next() {
        let mut seen = std::collections::BTreeSet::new();
        let all = FileCode::ALL
            .iter()
            .map(|c| (c.as_str(), c.sentence(), c.hint()));
        for (slug, sentence, hint) in all.chain(
            RunCode::ALL
                .iter()
                .map(|c| (c.as_str(), c.sentence(), c.hint())),
        ) {
            assert!(seen.insert(slug), "{slug} appears twice");
            assert_eq!(slug.matches('.').count(), 1, "{slug} is not stage.slug");
            assert!(
                !sentence.is_empty() && !sentence.ends_with('.'),
                "{slug}: {sentence}"
            );
            assert!(!hint.is_empty() && !hint.ends_with('.'), "{slug}: {hint}");
        }
    }

    #[test]
    fn an_error_reads_as_what_why_and_what_next() {
        let error = Error::new(RunCode::AuthRejected, "the server refused your API key")
            .because("site.example answered 401");
        assert_eq!(
            error.to_string(),
            "error[auth.rejected]: the server refused your API key\n  site.example answered \
                401\nhint: run `fwupload login`, or check FWUPLOAD_API_KEY"
        );
    }
}
