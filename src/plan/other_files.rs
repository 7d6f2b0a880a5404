//! Other files that go as they are: what the user is told of them, and that the user has to accept
//! it.

use super::prompt::{Prompt, Reply};
use crate::config::{Config, OtherFiles};
use crate::event::Notice;
use crate::failure::{Error, RunCode};

/// The warning, where such files are asked for.
pub(super) fn announcement(config: &Config) -> Option<Notice> {
    let text = "files that are not DICOM are sent as they are: nothing in them is de-identified. \
        Many formats name the patient in \
                their own header, as NIfTI in descrip and db_name, PAR/REC, Siemens raw data, and \
                JPEG and TIFF in EXIF";
    let names = if config.input.keep_names {
        "; their names are kept, and names may identify"
    } else {
        ""
    };
    (config.input.files.other_files == OtherFiles::Upload)
        .then(|| Notice::warning("other-files", format!("{text}{names}")))
}

/// The user who asks for them has to accept that nothing cleans them.
///
/// # Errors
/// `profile.unconfirmed` where that was refused, or there was no terminal to ask at.
pub(super) fn consent(config: &Config, prompt: &mut Prompt<'_, '_>) -> Result<(), Error> {
    let Some(warning) = announcement(config) else {
        return Ok(());
    };
    if prompt.ask(&warning.text, "Send these files as they are?") == Reply::Accepted {
        return Ok(());
    }
    let error = Error::new(
        RunCode::ProfileUnconfirmed,
        "sending files that are not DICOM as they are was not confirmed",
    );
    Err(error.with_hint(
        "confirm at the prompt, pass `--other-files upload` with `-y`, or leave \
        `--other-files` out",
    ))
}

#[cfg(test)]
mod tests {
    use super::super::tests::config;
    use super::*;

    /// Whether other files may go, and how many questions were asked, with these answers.
    fn consents(flags: &str, terminal: bool, answer: bool) -> (Result<(), RunCode>, usize) {
        let mut asked = 0;
        let mut person = |question: &str| {
            assert!(question.contains("as they are") && question.contains("NIfTI"));
            asked += 1;
            answer
        };
        let config = config(flags, terminal);
        let given = consent(&config, &mut Prompt::new(&config, &mut person));
        (given.map_err(|error| error.code), asked)
    }

    #[test]
    fn other_files_go_only_after_a_person_or_a_flag_accepted_that() {
        let refused = Err(RunCode::ProfileUnconfirmed);
        for more in [
            "--profile basic",
            "--no-deid",
            "--profile basic --output out",
        ] {
            let upload = format!("--other-files upload {more}");
            assert_eq!(consents(&upload, true, true), (Ok(()), 1));
            assert_eq!(consents(&upload, true, false), (refused, 1));
            assert_eq!(consents(&upload, false, true), (refused, 0));
            assert_eq!(consents(&format!("{upload} -y"), false, false), (Ok(()), 0));
            assert_eq!(consents(&format!("{upload} -y"), true, false), (Ok(()), 0));
        }
        assert_eq!(
            consents("--other-files upload --dry-run", false, false),
            (Ok(()), 0)
        );
        for how in ["", "--other-files skip", "--other-files fail"] {
            assert_eq!(consents(how, false, false), (Ok(()), 0));
        }
    }
}
