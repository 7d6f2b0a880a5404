//! What is said of the configuration files that a run takes settings from.

use crate::config::Config;
use crate::event::Notice;

/// A notice for each file: what steers a run is not to be found out afterwards. The user's own file
/// says the same for every run, and is told to those who look closer.
pub fn announcements(config: &Config) -> Vec<Notice> {
    config
        .settings_files
        .iter()
        .map(|file| {
            let names = file.settings.join(", ");
            match (file.settings.is_empty(), file.own) {
                (true, _) => Notice::fact(
                    "config",
                    format!(
                        "{} lies among the inputs and is not read; if it is yours, name it with \
                            `--config`",
                        file.named
                    ),
                ),
                (false, true) => Notice::detail("config", format!("{} sets {names}", file.named)),
                (false, false) => Notice::fact("config", format!("{} sets {names}", file.named)),
            }
        })
        .collect()
}
