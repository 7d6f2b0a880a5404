//! Whether the end of the terminal ends the run.
//!
//! Owns how an ignored SIGHUP is recognised: who starts a run under nohup means it to go on, and a
//! handler would undo that.

/// Whether SIGHUP is to be heard: not where it was ignored when the program began.
pub fn is_heard() -> bool {
    let ignored = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| is_ignored_by_status(&status));
    !ignored.unwrap_or_else(is_ignored_by_children)
}

/// By what Linux tells of a process (`proc_pid_status(5)`): bit 0 of `SigIgn` is signal 1.
fn is_ignored_by_status(status: &str) -> Option<bool> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))?;
    Some(u64::from_str_radix(mask.trim(), 16).ok()? & 1 == 1)
}

/// By a child, which inherits what is ignored (POSIX execve): a shell that sends the signal to
/// itself lives on then.
fn is_ignored_by_children() -> bool {
    let shell = std::process::Command::new("sh")
        .args(["-c", "kill -HUP $$"])
        .status();
    shell.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_looking_agree() {
        assert_eq!(
            is_ignored_by_status("SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n"),
            Some(true)
        );
        assert_eq!(
            is_ignored_by_status("SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n"),
            Some(false)
        );
        assert_eq!(is_ignored_by_status("Name:\tfwupload\n"), None);
        if let Some(ignored) = std::fs::read_to_string("/proc/self/status")
            .ok()
            .and_then(|status| is_ignored_by_status(&status))
        {
            assert_eq!(is_ignored_by_children(), ignored);
        }
    }
}
