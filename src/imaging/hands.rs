//! How many threads may work on one picture, and how they share it.
//!
//! A picture is cut into parts (bands of rows, strips of a file), and whoever is free takes the
//! next one. What comes out is the same however many there are: a part is made of nothing but the
//! parts it is given. The caller works too, so that one thread is the plain loop it would be anyway.

use std::sync::{Mutex, PoisonError};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

/// Parts a picture is cut into for each thread: the last one is not waited for long.
const PARTS: usize = 4;

/// Most bytes that all threads but the caller may take to work in, together.
const BESIDE: usize = 32 << 20;

/// Threads that wait for parts of pictures; none, where they cannot be had.
#[derive(Debug, Default)]
pub struct Helpers(Option<ThreadPool>);

impl Helpers {
    /// Starts so many, with stacks of so many bytes, and waits until each of them is there.
    #[must_use]
    pub fn start(count: usize, stack: usize) -> Self {
        if count == 0 {
            return Self(None);
        }
        let named = |_| "exportd-helper".to_owned();
        let builder = ThreadPoolBuilder::new().num_threads(count).stack_size(stack);
        let pool = builder.thread_name(named).build().ok();
        if let Some(pool) = &pool {
            pool.broadcast(|_| ());
        }
        Self(pool)
    }

    /// Lends as many as it takes for so many threads to work, the caller's included.
    #[must_use]
    pub fn hands(&self, threads: usize) -> Hands<'_> {
        let pool = self.0.as_ref();
        let most = pool.map_or(0, ThreadPool::current_num_threads) + 1;
        Hands { pool, threads: threads.clamp(1, most) }
    }
}

/// The threads that may work on one picture, the caller's included.
#[derive(Debug, Clone, Copy)]
pub struct Hands<'h> {
    pool: Option<&'h ThreadPool>,
    threads: usize,
}

impl Default for Hands<'_> {
    fn default() -> Self {
        Self::ALONE
    }
}

impl Hands<'_> {
    /// The caller's alone.
    pub const ALONE: Self = Self { pool: None, threads: 1 };

    /// Counts them.
    #[must_use]
    pub const fn threads(self) -> usize {
        self.threads
    }

    /// Tells whether there is nobody but the caller.
    #[must_use]
    pub const fn is_alone(self) -> bool {
        self.threads == 1
    }

    /// Returns as many of them as memory is there for, when each takes so many bytes to work in:
    /// what a picture takes must not grow with the number of threads.
    #[must_use]
    pub fn taking(self, bytes: usize) -> Self {
        let helpers = BESIDE.checked_div(bytes).unwrap_or(usize::MAX);
        Self { threads: helpers.saturating_add(1).min(self.threads), ..self }
    }

    /// Returns how many rows a band has when so many are shared: all of them for one thread.
    #[must_use]
    pub fn band(self, rows: usize) -> usize {
        if self.is_alone() { rows.max(1) } else { rows.div_ceil(self.threads * PARTS).max(1) }
    }

    /// Does something with each part.
    pub fn each<T: Send>(self, parts: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
        let whole: Result<(), std::convert::Infallible> = self.try_each(
            parts,
            || (),
            |(), part| {
                work(part);
                Ok(())
            },
        );
        match whole {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Does something with each part until it fails; `prepare` makes what a thread works with.
    ///
    /// # Errors
    /// That of the first part, in their order, that fails, as if there were one thread.
    pub fn try_each<T: Send, S, E: Send>(
        self,
        mut parts: impl Iterator<Item = T> + Send,
        prepare: impl Fn() -> S + Sync,
        work: impl Fn(&mut S, T) -> Result<(), E> + Sync,
    ) -> Result<(), E> {
        let Some(pool) = self.pool.filter(|_| !self.is_alone()) else {
            let mut own = prepare();
            return parts.try_for_each(|part| work(&mut own, part));
        };
        let parts = Mutex::new(parts.enumerate());
        let failed: Mutex<Option<(usize, E)>> = Mutex::new(None);
        // Parts are taken in their order: when one fails, all before it are done or being done.
        let next = || {
            let over = failed.lock().unwrap_or_else(PoisonError::into_inner).is_some();
            if over { None } else { parts.lock().unwrap_or_else(PoisonError::into_inner).next() }
        };
        let help = || {
            let Some(mut part) = next() else { return };
            let mut own = prepare();
            loop {
                if let Err(error) = work(&mut own, part.1) {
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    if failed.as_ref().is_none_or(|(first, _)| part.0 < *first) {
                        *failed = Some((part.0, error));
                    }
                    return;
                }
                let Some(another) = next() else { return };
                part = another;
            }
        };
        pool.in_place_scope(|scope| {
            for _ in 1..self.threads {
                scope.spawn(|_| help());
            }
            help();
        });
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.map_or(Ok(()), |(_, error)| Err(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread::ThreadId;

    const STACK: usize = 1 << 20;

    #[test]
    fn each_part_is_done_once_by_as_many_as_are_lent() {
        let helpers = Helpers::start(3, STACK);
        for threads in [1, 2, 4, 9] {
            let hands = helpers.hands(threads);
            let there = threads.min(4);
            let (meeting, seen) = (Barrier::new(there), Mutex::new(BTreeSet::new()));
            let mut parts = vec![0; there];
            hands.each(parts.iter_mut(), |part| {
                // Nobody does two of them: each waits for all the others.
                meeting.wait();
                *part += 1;
                seen.lock().unwrap().insert(id(std::thread::current().id()));
            });
            assert_eq!(parts, vec![1; there]);
            assert_eq!(seen.into_inner().unwrap().len(), there);
        }
    }

    fn id(thread: ThreadId) -> String {
        format!("{thread:?}")
    }

    #[test]
    fn the_first_failure_counts_and_ends_the_work() {
        let helpers = Helpers::start(3, STACK);
        for threads in [1, 2, 3, 4] {
            let (later, done) = (AtomicBool::new(false), AtomicUsize::new(0));
            let work = |(): &mut (), n: usize| {
                done.fetch_add(1, Ordering::Relaxed);
                match n {
                    // One that comes before, and fails after.
                    40 => {
                        while threads > 1 && !later.load(Ordering::Acquire) {
                            std::thread::yield_now();
                        }
                        Err(40)
                    }
                    41 => {
                        later.store(true, Ordering::Release);
                        Err(41)
                    }
                    _ => Ok(()),
                }
            };
            assert_eq!(helpers.hands(threads).try_each(0..1_000_000, || (), work), Err(40));
            assert!(done.into_inner() < 1_000_000);
        }
    }

    #[test]
    fn a_panic_of_a_helper_is_the_caller_s() {
        let helpers = Helpers::start(1, STACK);
        let caller = std::thread::current().id();
        let meeting = Barrier::new(2);
        let all = std::panic::AssertUnwindSafe(|| {
            helpers.hands(2).each(0..2, |_| {
                meeting.wait();
                assert_eq!(std::thread::current().id(), caller, "told to");
            });
        });
        let payload = std::panic::catch_unwind(all).unwrap_err();
        assert!(payload.downcast_ref::<String>().unwrap().contains("told to"));
        // And it helps again.
        helpers.hands(2).each(0..2, |_| {
            meeting.wait();
        });
    }

    #[test]
    fn without_helpers_the_caller_is_alone() {
        assert!(Helpers::start(0, STACK).hands(5).is_alone());
        let helpers = Helpers::start(2, STACK);
        assert_eq!(helpers.hands(3).taking(0).threads(), 3);
        assert_eq!(helpers.hands(3).taking(BESIDE).threads(), 2);
        assert!(helpers.hands(3).taking(BESIDE + 1).is_alone());
        assert_eq!(Hands::ALONE.band(77), 77);
        assert_eq!(Helpers::start(1, STACK).hands(2).band(80), 10);
    }
}
