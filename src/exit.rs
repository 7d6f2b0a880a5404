//! How a run comes to its exit code.
//!
//! Owns which status takes precedence over which; the codes themselves are in the table of
//! [`crate::failure`]. It must never end the process itself: `main.rs` does that.

use crate::event::RunTotals;
pub use crate::failure::ExitStatus;
use crate::failure::RunCode;

/// The flags that move a result from one status to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Strictness {
    /// `--fail-on-skip`: a skipped file counts as a failed one.
    pub fail_on_skip: bool,
    /// `--allow-empty`: nothing to upload is fine.
    pub allow_empty: bool,
}

impl ExitStatus {
    /// Which status wins when several apply, the first before the others. Those not listed stop a
    /// run before anything else can apply.
    const PRECEDENCE: [Self; 9] = [
        Self::Interrupted,
        Self::Terminated,
        Self::HungUp,
        Self::Auth,
        Self::Config,
        Self::Destination,
        Self::Unavailable,
        Self::AllFailed,
        Self::SomeFailed,
    ];

    /// The status of an exit code; none where there is no such code.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|status| status.code() == code)
    }

    /// The status that an error which stops a run leads to.
    pub fn of_error(code: RunCode) -> Self {
        code.entry().exit
    }

    /// The status that the outcomes of all files lead to.
    pub fn of_totals(totals: &RunTotals, strictness: Strictness) -> Self {
        let arrived = totals.uploaded + totals.prepared + totals.already_there;
        // They count there.
        let others: u64 = totals
            .skipped_by
            .iter()
            .filter(|(reason, _)| reason.is_left_to_another_run())
            .map(|(_, count)| *count)
            .sum();
        let skip_counts = strictness.fail_on_skip && totals.skipped > others;
        match (totals.failed, arrived) {
            (1.., 0) => Self::AllFailed,
            (1.., _) => Self::SomeFailed,
            (0, _) if skip_counts => Self::SomeFailed,
            (0, 0) if !strictness.allow_empty && others == 0 => Self::Nothing,
            (0, _) => Self::Success,
        }
    }

    /// The status of a whole run: of what stopped it, if anything did, and of the outcomes of its
    /// files.
    pub fn of_run(stopped_by: Option<RunCode>, totals: &RunTotals, strictness: Strictness) -> Self {
        let outcome = Self::of_totals(totals, strictness);
        match stopped_by {
            None => outcome,
            Some(RunCode::InputNothing) if strictness.allow_empty => outcome,
            Some(code) => Self::of_error(code).or_preferred(outcome),
        }
    }

    /// The exit code of several runs taken as one, for example of the shards of a job, from the
    /// code and the totals of each and the totals of all. What stopped one of them counts for all, and
    /// of several such codes the one that running again does not change; otherwise the outcomes of
    /// all files decide, so that 9 says that every file of every run failed.
    pub fn of_runs(runs: &[(u8, RunTotals)], totals: &RunTotals) -> u8 {
        let by_files = [
            Self::Success,
            Self::SomeFailed,
            Self::Nothing,
            Self::AllFailed,
        ]
        .map(Self::code);
        let stopped = runs
            .iter()
            .map(|(code, _)| *code)
            .filter(|code| !by_files.contains(code));
        // A run without a file to upload ends with 0 only where `--allow-empty` was given.
        let allowed = |totals| Self::of_totals(totals, Strictness::default()) == Self::Nothing;
        let strictness = Strictness {
            fail_on_skip: runs
                .iter()
                .any(|(code, _)| *code == Self::SomeFailed.code()),
            allow_empty: runs
                .iter()
                .any(|(code, totals)| *code == Self::Success.code() && allowed(totals)),
        };
        // Codes that are not listed (1, 2 and those of later versions) come first: running again
        // does not help.
        stopped
            .min_by_key(|code| (Self::rank(*code), *code))
            .unwrap_or_else(|| Self::of_totals(totals, strictness).code())
    }

    /// The place of an exit code in the order of precedence.
    fn rank(code: u8) -> Option<usize> {
        Self::PRECEDENCE
            .iter()
            .position(|status| status.code() == code)
    }

    /// This status, unless the other one takes precedence.
    fn or_preferred(self, other: Self) -> Self {
        match (Self::rank(self.code()), Self::rank(other.code())) {
            (Some(mine), Some(theirs)) if theirs < mine => other,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::SkipReason;

    fn totals(arrived: u64, skipped: u64, failed: u64) -> RunTotals {
        RunTotals {
            found: arrived + skipped + failed,
            uploaded: arrived,
            skipped,
            failed,
            ..RunTotals::default()
        }
    }

    #[test]
    fn the_published_numbers_stay() {
        use ExitStatus as S;
        let all = [
            (S::Success, 0),
            (S::Unexpected, 1),
            (S::Usage, 2),
            (S::SomeFailed, 3),
            (S::Auth, 4),
            (S::Config, 5),
            (S::Destination, 6),
            (S::Unavailable, 7),
            (S::Nothing, 8),
            (S::AllFailed, 9),
            (S::HungUp, 129),
            (S::Interrupted, 130),
            (S::Terminated, 143),
        ];
        assert!(
            all.iter()
                .all(|(status, code)| status.code() == *code)
        );
    }

    #[test]
    fn no_error_that_stops_a_run_looks_like_success_or_like_failed_files() {
        // Too many failed files are failed files.
        for code in RunCode::ALL
            .iter()
            .filter(|code| **code != RunCode::TooManyFailures)
        {
            let status = ExitStatus::of_error(*code);
            assert!(
                !matches!(
                    status,
                    ExitStatus::Success | ExitStatus::SomeFailed | ExitStatus::AllFailed
                ),
                "{code}"
            );
        }
    }

    #[test]
    fn outcomes_give_0_3_9_and_8() {
        let status = |t: &RunTotals| ExitStatus::of_totals(t, Strictness::default()).code();
        assert_eq!(status(&totals(2, 1, 0)), 0);
        assert_eq!(status(&totals(2, 0, 1)), 3);
        assert_eq!(status(&totals(0, 4, 1)), 9);
        assert_eq!(status(&totals(0, 3, 0)), 8);
        assert_eq!(status(&totals(0, 0, 0)), 8);
        let there = RunTotals {
            found: 1,
            already_there: 1,
            ..RunTotals::default()
        };
        assert_eq!(status(&there), 0);
    }

    #[test]
    fn flags_move_skips_to_3_and_nothing_to_0() {
        let strict = Strictness {
            fail_on_skip: true,
            allow_empty: false,
        };
        let lenient = Strictness {
            fail_on_skip: false,
            allow_empty: true,
        };
        assert_eq!(ExitStatus::of_totals(&totals(2, 1, 0), strict).code(), 3);
        assert_eq!(ExitStatus::of_totals(&totals(0, 1, 0), lenient).code(), 0);
        assert_eq!(
            ExitStatus::of_run(Some(RunCode::InputNothing), &totals(0, 1, 0), lenient).code(),
            0
        );
        assert_eq!(
            ExitStatus::of_run(
                Some(RunCode::InputNothing),
                &totals(0, 1, 0),
                Strictness::default()
            )
            .code(),
            8
        );
    }

    #[test]
    fn a_shard_without_work_has_done_its_work() {
        let shard = |skipped| RunTotals {
            skipped_by: [(SkipReason::OtherShard, 3)].into(),
            ..totals(0, skipped, 0)
        };
        let strict = Strictness {
            fail_on_skip: true,
            allow_empty: false,
        };
        assert_eq!(ExitStatus::of_totals(&shard(3), strict).code(), 0);
        assert_eq!(ExitStatus::of_totals(&shard(4), strict).code(), 3);
    }

    #[test]
    fn of_several_runs_what_stopped_one_stands_for_all_and_else_their_files_decide() {
        let of = |codes: &[u8], arrived, failed| {
            let runs: Vec<_> = codes
                .iter()
                .map(|code| (*code, totals(1, 0, 0)))
                .collect();
            ExitStatus::of_runs(&runs, &totals(arrived, 1, failed))
        };
        assert_eq!(of(&[0, 0], 2, 0), 0);
        assert_eq!(of(&[0, 3], 2, 1), 3);
        assert_eq!(of(&[9, 0], 2, 1), 3, "some arrived with another run");
        assert_eq!(
            of(&[9, 8, 0], 0, 1),
            9,
            "every file failed, where there was any"
        );
        assert_eq!(of(&[8, 0], 1, 0), 0);
        assert_eq!(of(&[8, 8], 0, 0), 8);
        assert_eq!(of(&[3, 0], 2, 0), 3, "skips counted as failures");
        assert_eq!(of(&[0, 7, 4, 9], 2, 1), 4);
        assert_eq!(of(&[7, 130, 143], 2, 1), 130);
        assert_eq!(of(&[130, 1, 3], 2, 1), 1);
        assert_eq!(
            of(&[0, 77], 2, 0),
            77,
            "a code of a later version is not lost"
        );
    }

    #[test]
    fn shards_without_work_are_together_a_job_that_had_nothing() {
        let idle = RunTotals {
            skipped_by: [(SkipReason::OtherShard, 3)].into(),
            ..totals(0, 4, 0)
        };
        assert_eq!(
            ExitStatus::of_runs(&[(0, idle.clone()), (0, idle)], &totals(0, 4, 0)),
            8
        );
        let allowed = (0, totals(0, 2, 0));
        assert_eq!(
            ExitStatus::of_runs(&[allowed.clone(), allowed], &totals(0, 4, 0)),
            0,
            "`--allow-empty`"
        );
    }

    #[test]
    fn what_stopped_the_run_outweighs_what_became_of_the_files() {
        let run = |code, totals: &RunTotals| {
            ExitStatus::of_run(code, totals, Strictness::default()).code()
        };
        assert_eq!(run(Some(RunCode::Interrupted), &totals(0, 0, 2)), 130);
        assert_eq!(run(Some(RunCode::AuthRejected), &totals(1, 0, 2)), 4);
        assert_eq!(run(Some(RunCode::NetworkUnavailable), &totals(0, 0, 2)), 7);
        assert_eq!(run(Some(RunCode::Internal), &totals(0, 0, 2)), 1);
        assert_eq!(run(None, &totals(1, 0, 2)), 3);
    }
}
