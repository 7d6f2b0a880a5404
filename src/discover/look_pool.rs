//! Threads that wait for files: what a list gives is looked at on several of them while the list
//! goes on, and comes out in the order of the list.
//!
//! Owns how many threads there are and how far they may be ahead. What comes out never depends on
//! either. It knows nothing of files.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

/// Items that are passed on together.
const CHUNK: usize = 16;
/// Chunks that are listed before the first of them is taken.
const MOST_AHEAD: usize = 128;
/// A look that takes longer waits for something: another thread is worth its while.
const LONG: Duration = Duration::from_micros(250);
/// Stack of a thread in bytes: see the worker threads of the pipeline, which do the same work.
const STACK: usize = 16 << 20;

/// How many threads look.
#[derive(Debug, Clone, Copy)]
pub struct LookThreads {
    /// As long as looks are quick, which leaves the processor's cores to the work; 0 looks while
    /// listing, on the caller's thread.
    pub quick: usize,
    /// The most, where looks wait for a disk or a network.
    pub waiting: usize,
}

/// Threads that wait for files, where files are slow to open: more than these bring no more from most
/// servers.
pub const MOST_WAITING: usize = 32;

impl LookThreads {
    /// Beside a number of threads for work.
    pub fn beside(jobs: usize) -> Self {
        Self {
            quick: jobs,
            waiting: MOST_WAITING.max(jobs),
        }
    }
}

/// What one pass came to.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Whether it went to its end.
    pub flow: ControlFlow<()>,
    /// The time that listing took, without that in which it had to wait.
    pub listing: Duration,
    /// Whether looks had to wait for files.
    pub is_slow: bool,
}

/// Takes an item of the list; breaks where no more are wanted.
pub type Give<'a, I> = &'a mut dyn FnMut(I) -> ControlFlow<()>;

struct Job<I, O> {
    items: Vec<I>,
    looked: Sender<Vec<O>>,
}

struct LookPool<'a, I, O> {
    jobs: Receiver<Job<I, O>>,
    look: &'a (dyn Fn(I) -> O + Sync),
    threads: AtomicUsize,
    most: usize,
    /// Nothing more is wanted.
    has_ended: AtomicBool,
}

/// Looks at what `list` gives and passes it to `take` in that order. `list` runs once, on a thread
/// of its own.
pub fn in_order<I: Send, O: Send>(
    threads: LookThreads,
    list: &mut (dyn FnMut(Give<'_, I>) + Send),
    look: &(dyn Fn(I) -> O + Sync),
    take: Give<'_, O>,
) -> Pass {
    let (to_look, jobs) = unbounded();
    let pool = LookPool {
        jobs,
        look,
        threads: AtomicUsize::new(0),
        most: threads.waiting.max(threads.quick),
        has_ended: AtomicBool::new(false),
    };
    let listing_apart = &mut *list;
    let on_threads = std::thread::scope(|scope| {
        for _ in 0..threads.quick {
            pool.start(scope);
        }
        if pool.threads.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let (in_turn, chunks) = bounded(MOST_AHEAD);
        let lister = Builder::new()
            .name("walk".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, move || listed(listing_apart, &to_look, &in_turn))
            .ok()?;
        let flow = taken(&chunks, take);
        // What was listed ahead is not wanted, and neither is more of it.
        drop(chunks);
        pool.has_ended
            .store(true, Ordering::Relaxed);
        let listing = lister
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Some((flow, listing))
    });
    if let Some((flow, listing)) = on_threads {
        let started = pool.threads.load(Ordering::Relaxed);
        return Pass {
            flow,
            listing,
            is_slow: started > threads.quick,
        };
    }
    alone(list, look, take)
}

/// The same on the caller's thread, where the system gives no others.
fn alone<I, O>(
    list: &mut (dyn FnMut(Give<'_, I>) + Send),
    look: &(dyn Fn(I) -> O + Sync),
    take: Give<'_, O>,
) -> Pass {
    let (begin, mut elsewhere) = (Instant::now(), Duration::ZERO);
    let mut flow = ControlFlow::Continue(());
    list(&mut |item| {
        let begin = Instant::now();
        flow = take(look(item));
        elsewhere += begin.elapsed();
        flow
    });
    Pass {
        flow,
        listing: begin
            .elapsed()
            .saturating_sub(elsewhere),
        is_slow: false,
    }
}

/// Lists in chunks, and gives the time that this took.
fn listed<I, O>(
    list: &mut (dyn FnMut(Give<'_, I>) + Send),
    to_look: &Sender<Job<I, O>>,
    in_turn: &Sender<Receiver<Vec<O>>>,
) -> Duration {
    let (begin, mut waited) = (Instant::now(), Duration::ZERO);
    let mut items = Vec::with_capacity(CHUNK);
    let mut pass_on = |items: &mut Vec<I>| {
        let items = std::mem::replace(items, Vec::with_capacity(CHUNK));
        let (looked, result) = bounded(1);
        let begin = Instant::now();
        let is_wanted = in_turn.send(result).is_ok()
            && to_look
                .send(Job { items, looked })
                .is_ok();
        waited += begin.elapsed();
        if is_wanted {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    list(&mut |item| {
        items.push(item);
        if items.len() < CHUNK {
            return ControlFlow::Continue(());
        }
        pass_on(&mut items)
    });
    if !items.is_empty() {
        let _ = pass_on(&mut items);
    }
    begin
        .elapsed()
        .saturating_sub(waited)
}

impl<I: Send, O: Send> LookPool<'_, I, O> {
    /// Starts one thread, if the system gives one.
    fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        let may = self
            .threads
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |threads| {
                (threads < self.most).then_some(threads + 1)
            });
        let Ok(number) = may else { return };
        let started = Builder::new()
            .name(format!("look-{number}"))
            .stack_size(STACK)
            .spawn_scoped(scope, || self.work(scope));
        if started.is_err() {
            self.threads
                .fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        // One alone may have lost the processor to another program.
        let mut long_in_a_row = 0;
        for job in &self.jobs {
            if self
                .has_ended
                .load(Ordering::Relaxed)
            {
                continue;
            }
            let look = |item| {
                let begin = Instant::now();
                let looked = (self.look)(item);
                if begin.elapsed() < LONG {
                    long_in_a_row = 0;
                } else {
                    long_in_a_row += 1;
                    if long_in_a_row > 1 && !self.jobs.is_empty() {
                        self.start(scope);
                    }
                }
                looked
            };
            let looked = job
                .items
                .into_iter()
                .map(look)
                .collect();
            // Who gave the job may have gone.
            let _ = job.looked.send(looked);
        }
    }
}

fn taken<O>(chunks: &Receiver<Receiver<Vec<O>>>, take: Give<'_, O>) -> ControlFlow<()> {
    for chunk in chunks {
        // A thread that panicked gives nothing, and its panic goes on when it is joined.
        let Ok(items) = chunk.recv() else {
            return ControlFlow::Break(());
        };
        items
            .into_iter()
            .try_for_each(&mut *take)?;
    }
    ControlFlow::Continue(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(threads: LookThreads, wanted: usize, look: Duration) -> (Vec<usize>, Pass) {
        let mut taken = Vec::new();
        let pass = in_order(
            threads,
            &mut |give| {
                let _ = (0..1000).try_for_each(&mut *give);
            },
            &|n: usize| {
                // Some are quicker than those before them.
                std::thread::sleep(look * u32::from(!n.is_multiple_of(3)));
                n * n
            },
            &mut |square| {
                taken.push(square);
                if taken.len() == wanted {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
        );
        (taken, pass)
    }

    #[test]
    fn the_order_is_that_of_the_list_whatever_threads_there_are() {
        let expected: Vec<usize> = (0..1000).map(|n| n * n).collect();
        for (quick, waiting) in [(0, 0), (1, 1), (1, 16), (2, 64), (8, 1)] {
            let threads = LookThreads { quick, waiting };
            let (all, pass) = squares(threads, usize::MAX, Duration::from_micros(10));
            assert_eq!(all, expected, "{threads:?}");
            assert!(pass.flow.is_continue());
            let (some, pass) = squares(threads, 13, Duration::ZERO);
            assert_eq!(
                some.as_slice(),
                expected
                    .get(..13)
                    .unwrap_or_default()
            );
            assert!(pass.flow.is_break());
        }
    }

    #[test]
    fn waiting_brings_more_threads_up_to_the_bound() {
        let threads = LookThreads {
            quick: 1,
            waiting: 24,
        };
        let begin = Instant::now();
        let (all, pass) = squares(threads, usize::MAX, Duration::from_millis(3));
        assert_eq!(all.len(), 1000);
        assert!(pass.is_slow);
        // One after the other they take two seconds.
        assert!(
            begin.elapsed() < Duration::from_millis(1400),
            "{:?}",
            begin.elapsed()
        );
    }

    #[test]
    fn a_look_that_panics_ends_the_pass_with_that_panic() {
        let threads = LookThreads {
            quick: 2,
            waiting: 2,
        };
        let pass = std::panic::catch_unwind(|| {
            in_order(
                threads,
                &mut |give| {
                    let _ = (0..10_000).try_for_each(&mut *give);
                },
                &|n: usize| assert_ne!(n, 500),
                &mut |()| ControlFlow::Continue(()),
            )
        });
        assert!(pass.is_err());
    }
}
