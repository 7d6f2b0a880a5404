//! Why a run stopped, and with which exit code.

use super::{CodeEntry, CodeKind, ExitStatus};

codes! {
    /// Why a whole run stopped.
    RunCode, Run:

    Usage {
        code: "usage.arguments",
        sentence: "the command line cannot be carried out as written",
        hint: "see `fwupload --help`",
        exit: Usage,
        explanation: "A flag, a value or a combination of them does not make sense, or a necessary \
            one is missing. Nothing was read and nothing was sent. The message says which; \
            `fwupload --help` and `fwupload COMMAND --help` describe all flags.",
    }
    AuthMissing {
        code: "auth.missing",
        sentence: "there is no API key",
        hint: "run `fwupload login`, or set FWUPLOAD_API_KEY",
        exit: Auth,
        explanation: "To talk to a Flywheel site fwupload needs an API key, and found none in a \
            file, a command, the environment or the login. Copy the key from your profile page on \
            the site and run `fwupload login` once. In scripts, set FWUPLOAD_API_KEY or use \
            `--api-key-file`.",
    }
    AuthSeveralSites {
        code: "auth.several-sites",
        sentence: "you are logged in to several sites, and none is named",
        hint: "name the site with `--site`; `fwupload status` lists them",
        exit: Auth,
        explanation: "Keys for several sites are stored, and a guess could send data to the wrong \
            one. Name the site with `--site HOST`, or forget a login that is no longer needed with \
            `fwupload logout --site HOST`.",
    }
    AuthMalformed {
        code: "auth.malformed-key",
        sentence: "the API key has no usable form",
        hint: "copy the key from your Flywheel profile page; it reads `host:key`",
        exit: Auth,
        explanation: "A key was found, but it is not one of a Flywheel site. A key names its site \
            and reads `site.flywheel.io:abc123`, without blanks or quotes. Copy it again from your \
            profile page on the site.",
    }
    AuthKeySource {
        code: "auth.key-source",
        sentence: "the API key's source cannot be used",
        hint: "check the file or command; a key file must be yours alone (chmod 600)",
        exit: Auth,
        explanation: "The file or command that should give the API key cannot be read, gives \
            nothing, or may be read by other users of this machine. A key that others can read is \
            refused, because it lets other people act as you. Correct the path or the command, or \
            run `chmod 600` on the file.",
    }
    AuthRejected {
        code: "auth.rejected",
        sentence: "the server refused your API key",
        hint: "run `fwupload login`, or check FWUPLOAD_API_KEY",
        exit: Auth,
        explanation: "The site knows no such key: it was revoked, replaced or has expired, or it \
            belongs to another site. Make a new key on your profile page and run `fwupload login`. \
            Where the run had begun, what arrived stays and is not sent twice.",
    }
    AuthForbidden {
        code: "auth.forbidden",
        sentence: "you lack a permission that this needs",
        hint: "ask an administrator of the project for it",
        exit: Auth,
        explanation: "Your key is valid, but your role does not include something that the run \
            needs, for example viewing the project or creating subjects in it. The message names \
            it. Ask an administrator of the project for that permission.",
    }
    ConfigInvalid {
        code: "config.invalid",
        sentence: "the configuration cannot be used",
        hint: "`fwupload --help` has every setting and what it may be",
        exit: Config,
        explanation: "Something in the setup of this machine or account cannot be used, for \
            example a configuration file, the file of `--ca-cert` or the folder where the login is \
            kept. Nothing was sent. The message names the setting and where it comes from.",
    }
    ConfigUntrusted {
        code: "config.untrusted",
        sentence: "a configuration file says what only a trusted one may",
        hint: "take it out, or trust the folder in your own config.toml",
        exit: Config,
        explanation: "`fwupload.toml` in the current folder may have come with data from \
            elsewhere. Unless your own `config.toml` lists the folder under `[trust] folders`, it \
            may not turn off what protects the data, name keys or commands, or lead out of its \
            folder. Nothing was sent. The message names file, line and setting.",
    }
    ProfileMissing {
        code: "profile.missing",
        sentence: "no de-identification profile applies",
        hint: "pass `--profile basic`, or `--no-deid` if the data may go as it is",
        exit: Config,
        explanation: "Neither the project nor its group nor the site has a de-identification \
            profile, and none was named. fwupload never sends data as it is unasked. `--profile \
            basic` cleans by DICOM PS3.15; an administrator can set a profile for the project. \
            `--no-deid` sends the data with all identities in it.",
    }
    ProfileInvalid {
        code: "profile.invalid",
        sentence: "the de-identification profile is not valid",
        hint: "`profiles/README.md` has the vocabulary, and `fwupload profile show basic` an \
            example",
        exit: Config,
        explanation: "The profile, from the server or from a file, has an error: an unknown key or \
            action, a wrong value, or nothing that it would do. A part of a profile is never \
            carried out, since what the rest would have removed would be sent. The message gives \
            line and column, and often a suggestion; the owner of the file corrects it, or an \
            administrator where it came from the server. `fwupload profile lint FILE` checks it \
            without sending anything.",
    }
    ProfileConflict {
        code: "profile.conflict",
        sentence: "a local profile was given although the server has one",
        hint: "leave out `--profile` and `--no-deid`: the server's profile governs",
        exit: Config,
        explanation: "The server has a profile for this project, and it governs everything that is \
            sent there. Another profile beside it, or none, is refused rather than ignored. Leave \
            `--profile` and `--no-deid` out, or ask an administrator to change the profile on the \
            server. `fwupload profile show --project PROJECT` prints it.",
    }
    ProfileUnknown {
        code: "profile.unknown",
        sentence: "whether a profile governs cannot be found out",
        hint: "ask an administrator for permission to view the settings; nothing was sent",
        exit: Auth,
        explanation: "Your role may not view the settings of the project, its group or the site, \
            so a profile that is stricter than yours may be hidden there. Sending would be a \
            guess, and nothing was sent. Ask an administrator for permission to view the settings; \
            or confirm at the terminal or with `-y` that your own `--profile` may be used.",
    }
    ProfileChanged {
        code: "profile.changed",
        sentence: "the de-identification profile that governs changed during the run",
        hint: "run the same command again: it reads the profile anew, and what was sent is in the \
            report",
        exit: Config,
        retryable: true,
        explanation: "The profile on the server was changed while the run went on. Files of one \
            run are not cleaned by two profiles, so the run stopped. What had arrived was cleaned \
            by the profile whose digest is in the report. Run the same command again; it cleans \
            the rest, and what the change concerns, by the new profile.",
    }
    ProfileUnconfirmed {
        code: "profile.unconfirmed",
        sentence: "sending data as it is was not confirmed",
        hint: "confirm at the prompt, or pass `--no-deid` with `-y`",
        exit: Config,
        explanation: "Data that no profile cleans is sent only after a person has agreed to it, at \
            the prompt or by `-y` on the command line. That did not happen. Confirm it, or choose \
            a profile with `--profile`. No environment variable stands for the confirmation.",
    }
    DeidLog {
        code: "profile.deid-log",
        sentence: "the site keeps a de-identification log and requires that data is de-identified",
        hint: "pass `--profile basic`, or have a profile set on the site",
        exit: Config,
        explanation: "The site records for each series which original identifiers belong to it, \
            and takes only data that was de-identified. `--no-deid` cannot be used there, and a \
            log without an address over https cannot either. Choose a profile with `--profile \
            basic`, or ask the site's administrator to set one or to correct the log's address.",
    }
    PseudonymKeyMissing {
        code: "pseudonym.key-missing",
        sentence: "the profile makes pseudonyms, and there is no key for them yet",
        hint: "give one with `--pseudonym-key-file` or FWUPLOAD_PSEUDONYM_KEY, or have one made \
            with `--new-pseudonym-key`",
        exit: Config,
        explanation: "The profile replaces identifiers by pseudonyms made with a secret key, and \
            this project has no key yet. A key that was made anew in each job would give the same \
            patient another pseudonym each time, so away from a terminal none is made unasked. Use \
            the key of the other machines with `--pseudonym-key-file`, or make the first one with \
            `--new-pseudonym-key` and keep a copy.",
    }
    PseudonymKeyChanged {
        code: "pseudonym.key-changed",
        sentence: "earlier runs made the pseudonyms of this project with another key",
        hint: "use the key of earlier runs; `--change-pseudonym-key` takes the other one from now \
            on, and gives the same patients other pseudonyms",
        exit: Config,
        explanation: "Earlier runs into this project used another pseudonym key than this one. \
            With a different key the same patients would appear as new subjects. Find the earlier \
            key (`fwupload profile key` shows fingerprints). `--change-pseudonym-key` uses the new \
            one from now on.",
    }
    PseudonymKeySource {
        code: "pseudonym.key-source",
        sentence: "the pseudonym key's source cannot be used",
        hint: "check the file or command; a key file must be yours alone (chmod 600)",
        exit: Config,
        explanation: "The file or command that should give the pseudonym key cannot be read, gives \
            nothing, or may be read by other users of this machine. With the key, guesses of \
            patient IDs can be tested against pseudonyms. Correct the path or the command, or run \
            `chmod 600` on the file.",
    }
    PseudonymKeyInvalid {
        code: "pseudonym.key-invalid",
        sentence: "the pseudonym key has no usable form",
        hint: "a key is 64 hexadecimal digits, as `openssl rand -hex 32` prints them",
        exit: Config,
        explanation: "A pseudonym key is 64 hexadecimal digits (32 bytes), and what was found is \
            something else, for example a passphrase or a file with more than the key in it. \
            `openssl rand -hex 32` makes a new key; to continue an earlier project its own key is \
            needed.",
    }
    ProjectNotFound {
        code: "project.not-found",
        sentence: "the project does not exist or you cannot see it",
        hint: "check spelling and case, or pass `--create-project`",
        exit: Destination,
        explanation: "The server shows your user no such project: the name is misspelt, the case \
            differs, it lies in another group, or your role may not see it. The message lists \
            names that come close. Write it as group/project, ask its administrator for access, or \
            create it with `--create-project`.",
    }
    ProjectAmbiguous {
        code: "project.ambiguous",
        sentence: "several projects have this label",
        hint: "name it as group/project",
        exit: Destination,
        explanation: "More than one project that you can see has this label, in different groups. \
            Sending into the wrong one would show data to the wrong people. Write it as \
            group/project; the message lists them.",
    }
    SeveralPatients {
        code: "route.several-patients",
        sentence: "the files are those of several patients, and would become one subject",
        hint: "run once for each patient, or leave `--subject` out and have the profile give each \
            a label; `--merge-patients` if it is one person",
        exit: Destination,
        explanation: "`--subject`, or the table of `--subjects`, gives one subject to files of more \
            than one patient. Nothing was sent, because images of several people under one subject \
            are hard to tell apart again. Correct the rows that the message names, or run once for \
            each patient without a table. Where it is one person with several IDs, \
            `--merge-patients` says so.",
    }
    SubjectsInvalid {
        code: "subjects.invalid",
        sentence: "the table of `--subjects` cannot be used",
        hint: "correct the lines that are named; docs/subjects.md says what a table may hold",
        exit: Usage,
        explanation: "The table cannot be read, or something in it is wrong or contradicts itself: \
            an unknown column, a row of another length, an empty key, a formula, one key in two \
            rows. All faults are named at once, by line and without what stands there, since keys \
            identify. Nothing was read or sent. Correct the table and run again.",
    }
    RulesInvalid {
        code: "rules.invalid",
        sentence: "the rules cannot be used",
        hint: "correct what is named; docs/rules.md says what rules may hold",
        exit: Config,
        explanation: "The file of `--rules` cannot be read, something in it is wrong, or it asks for             what is not done here: an unknown key or field, a pattern that cannot be compiled, a             date from a path under a profile that moves dates. All faults are named at once, by \
            line and column, and nothing was read or sent. Correct the rules, and try them with \
            `fwupload rules test`.",
    }
    NetworkUnavailable {
        code: "network.unavailable",
        sentence: "the server cannot be reached",
        hint: "check network, proxy and `--site`, then run the same command again",
        exit: Unavailable,
        retryable: true,
        explanation: "The site could not be reached, or did not answer as it should, for as long \
            as `--retry-for` allows. Check the network, the VPN, the proxy and the name of the \
            site in the API key. Then run the same command again: what arrived is not sent twice.",
    }
    ServerUnexpected {
        code: "network.unexpected-answer",
        sentence: "the server answered in a way that fwupload does not understand",
        hint: "check that `--site` is a Flywheel site; a proxy may be in the way",
        exit: Unavailable,
        retryable: true,
        explanation: "Something answered at this address, but not as a Flywheel site does: a login \
            page of a network, a proxy's error page, or a site in the middle of an update. Open \
            the site in a browser on the same machine to see what is there. If the site works \
            there, report the message as a bug.",
    }
    InputNothing {
        code: "input.nothing",
        sentence: "there is nothing to upload",
        hint: "check the paths and filters; `-v` shows why each file was skipped",
        exit: Nothing,
        explanation: "No file was found that could be sent: the folders hold no DICOM files, or \
            filters and skips left nothing. `-v` shows for each file why it was skipped. In \
            scripts that may find nothing, `--allow-empty` exits with 0.",
    }
    PlanInvalid {
        code: "plan.invalid",
        sentence: "the plan of shards cannot be used",
        hint: "make it again with `fwupload plan`",
        exit: Usage,
        explanation: "The folder of `--from-plan` holds no plan, or one that is not complete, was \
            changed, has another number of shards, or was made with other flags for filters, rules or \
            subjects. Part of a plan is never carried out, since files of the rest would be missed. \
            Nothing was sent. The message says which; make a new plan with `fwupload plan`.",
    }
    ReviewInvalid {
        code: "review.invalid",
        sentence: "the list of approvals cannot be used",
        hint: "write a new page with `--review FILE.html`, and save the list there",
        exit: Usage,
        explanation: "The file of `--approved` is no list that a page for review has saved, is cut, or \
            was made for another project, profile, pseudonym key or version of fwupload than this run \
            has. What was approved under other rules may look different now. Nothing was sent. Write a \
            new page with `--review FILE.html`, decide there and save the list again.",
    }
    ReviewUnserved {
        code: "review.unserved",
        sentence: "the page for review cannot be shown",
        hint: "write the page to a file with `--review FILE.html`",
        exit: Unexpected,
        explanation: "`fwupload review` keeps a page in the folder for temporary files and serves it on \
            this machine's own address, 127.0.0.1. One of the two failed; the message says why. Nothing \
            was sent. `--review FILE.html` and `--approved FILE` do the same with files.",
    }
    ReviewUnsupported {
        code: "review.unsupported",
        sentence: "what this run sends cannot be reviewed beforehand",
        hint: "use a profile without `jitter` and without an encrypted envelope, or leave out \
            `--review` and `--approved`",
        exit: Usage,
        explanation: "`--review` shows cleaned data, and `--approved` cleans it again and compares it \
            with what was shown, byte for byte. Where nothing is cleaned the page would show what \
            identifies, and a profile that draws random numbers or encrypts gives other bytes each \
            time. The message says which it is. Nothing was sent.",
    }
    ReportUnwritable {
        code: "report.unwritable",
        sentence: "the report cannot be written",
        hint: "name another place with `--report`",
        exit: Unexpected,
        explanation: "The failure report, or the output of a command, cannot be written: the \
            folder is missing, the disk is full, or the file belongs to another user or is a link. \
            Without a report it would stay unknown what failed, so the run stops. Name another \
            place with `--report`.",
    }
    ReportInvalid {
        code: "report.invalid",
        sentence: "the failure report cannot be used",
        hint: "name reports that fwupload wrote, ending in .jsonl, .json or .csv",
        exit: Config,
        explanation: "A file that was given as a failure report is missing, damaged or not written \
            by fwupload. A merge that left it out would hide failures. Name the reports that the \
            runs wrote with `--report`, unchanged.",
    }
    ReportMismatch {
        code: "report.mismatch",
        sentence: "the failure reports do not belong together",
        hint: "merge only reports of runs of the same job, and leave the others out",
        exit: Config,
        explanation: "The reports come from runs that do not belong to one job: they differ in \
            project, site, profile, pseudonym key or kind of run, or a shard is there twice. Their \
            totals would mean nothing together. Merge each job for itself.",
    }
    AuditUnwritable {
        code: "audit.unwritable",
        sentence: "a manifest or log of changes cannot be written",
        hint: "name another place with `--manifest` or `--deid-log`",
        exit: Unexpected,
        explanation: "The file cannot be written where it was named, or a file of another kind lies \
            there and is not replaced. Name another place, or move that file. Nothing that was sent \
            is lost, and running the same command again writes down what is there.",
    }
    LogUnwritable {
        code: "log.unwritable",
        sentence: "the log cannot be written",
        hint: "name another place with `--log-file`",
        exit: Unexpected,
        explanation: "The file of `--log-file` cannot be opened or written, or other users may \
            read it. Name another place, or run `chmod 600` on the file. Nothing that was sent is \
            lost.",
    }
    OutputUnwritable {
        code: "output.unwritable",
        sentence: "the output folder cannot be used",
        hint: "name an empty or new folder with `--output`",
        exit: Unexpected,
        explanation: "The folder or file of `--output` cannot be created or written, or it is \
            there already and must not be replaced. The message says which. Name a new folder or \
            file on a disk with enough room, where you may write.",
    }
    PicturesUnwritable {
        code: "pictures.unwritable",
        sentence: "pictures cannot be written",
        hint: "name a folder with `--pictures` in which you may write",
        exit: Unexpected,
        explanation: "The folder of `--pictures` cannot be created, or no file can be written in it. \
            Nothing was cleaned or sent. The message says why. Name a folder on a disk with enough \
            room, where you may write; it may hold pictures of earlier runs, which stay.",
    }
    SubjectsUnwritable {
        code: "subjects.unwritable",
        sentence: "the table of subjects cannot be continued",
        hint: "run again; it is read anew. Let its folder be writable, or leave out `--extend-subjects`",
        exit: Unexpected,
        explanation: "With `--extend-subjects` the table of `--subjects` gets a row for each new \
            patient before anything is sent. It could not be written, or it has changed since this \
            run read it: another run or a person has written it. Nothing was sent, and the table is \
            as it was. Make sure that you may write in its folder, and run the same command again.",
    }
    CrosswalkUnwritable {
        code: "crosswalk.unwritable",
        sentence: "the crosswalk cannot be written",
        hint: "name a new file, or a crosswalk of an earlier run that is yours alone (chmod 600)",
        exit: Unexpected,
        explanation: "The file of `--save-subjects` or `--save-subjects-keyed` cannot be created, \
            is not a crosswalk that fwupload wrote, may be read by other users, or another run \
            writes it. No data leaves before its row is in the crosswalk, so the run stopped. Name \
            another file, or make room on the disk, and run the same command again.",
    }
    JournalLocked {
        code: "journal.locked",
        sentence: "another run is sending the same inputs to this project",
        hint: "wait until it has ended, or stop it, and run again",
        exit: Unexpected,
        retryable: true,
        explanation: "Two runs of the same inputs into the same project would send everything \
            twice. The other one is still going on; the message names its process. Wait for it, \
            give `--wait-lock 2h` to wait automatically, or stop it.",
    }
    JournalUnwritable {
        code: "journal.unwritable",
        sentence: "the journal of what was sent cannot be written",
        hint: "check space and permissions of that folder, or name another with \
            FWUPLOAD_STATE_HOME",
        exit: Unexpected,
        explanation: "The journal remembers what the server confirmed, so that a later run sends \
            only what is missing. It cannot be written: the disk is full, or this account has no \
            folder for state. Make room, or name a folder with FWUPLOAD_STATE_HOME. What arrived \
            is not sent twice.",
    }
    SandboxUnavailable {
        code: "sandbox.unavailable",
        sentence: "the sandbox cannot run",
        hint: "check its folder and whether the address is free",
        exit: Unexpected,
        explanation: "The server for trying things out could not start or went down: its folder \
            cannot be written, its address is taken, or it is not an address of this machine. \
            Choose another folder, or leave `--listen` out to get a free port.",
    }
    TooManyFailures {
        code: "run.too-many-failures",
        sentence: "the number of failed files reached the limit of `--max-failures`",
        hint: "see the report, then run again: what arrived is not sent twice",
        exit: SomeFailed,
        retryable: true,
        explanation: "The limit that you set with `--max-failures` or `--fail-fast` was reached, \
            so the run did not go on. The report lists the files that failed and why. Once the \
            cause is corrected, run the same command again: it sends what is missing.",
    }
    Interrupted {
        code: "run.interrupted",
        sentence: "the run was interrupted",
        hint: "run the same command again: what arrived is not sent twice",
        exit: Interrupted,
        retryable: true,
        explanation: "Ctrl-C (SIGINT) stopped the run. Uploads under way could finish; the rest \
            counts as `upload.stopped`. Run the same command again: it goes on where this run \
            stopped.",
    }
    Terminated {
        code: "run.terminated",
        sentence: "the run was asked to end",
        hint: "run the same command again: what arrived is not sent twice",
        exit: Terminated,
        retryable: true,
        explanation: "The system or a scheduler asked the run to end (SIGTERM), for example at a \
            time limit of a job. Uploads under way could finish. Run the same command again, in a \
            job with more time where that was the cause: it goes on where this run stopped.",
    }
    HungUp {
        code: "run.hung-up",
        sentence: "the terminal of the run was closed",
        hint: "run the same command again, under nohup, tmux or screen: what arrived is not sent \
            twice",
        exit: HungUp,
        retryable: true,
        explanation: "The terminal or SSH connection in which the run was started was closed \
            (SIGHUP). Run the same command again under nohup, tmux or screen: it goes on where \
            this run stopped.",
    }
    Internal {
        code: "run.internal",
        sentence: "fwupload hit a defect of its own",
        hint: "report this as a bug",
        exit: Unexpected,
        explanation: "fwupload ran into a defect of its own. What had arrived at the server stays \
            and is not sent twice. Please report the message and the version (`fwupload \
            --version`), without patient data.",
    }
}
