//! How far a task has come: which of its outputs are made, and whom a broken worker is blamed on.
//!
//! A worker makes the outputs of one picture together, in an order of its own, and reports each.
//! When it breaks before the first, the picture is to blame, and every output fails. When it
//! breaks later, the picture can be read and one of the outputs is too much for a worker; those
//! that are left are then asked for one at a time, so that the right one is blamed and the others
//! are made. That ends after a few broken workers: a picture that breaks every one of them must
//! not hold up the job.

use std::os::fd::{AsFd, BorrowedFd};

use super::wire::{Convert, Report, Request};
use super::{Answer, Task, Written};
use crate::diag::{Fault, phrase};
use crate::fs::ContentHash;
use crate::imaging::Showing;
use crate::imaging::thumbnail::Thumbnail;

/// Broken workers a task may leave behind before the rest of it is given up.
const MOST_BROKEN: usize = 3;

/// What to do after a report.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Wait for the next one.
    Wait,
    /// The request is over, but not the task: ask again.
    Ask,
    /// The task is over and the worker is sound.
    Over(Result<Answer, Fault>),
    /// The worker is broken, for this reason.
    Broken(Fault),
}

/// How far one task has come.
#[derive(Debug)]
pub(super) struct Progress<'t> {
    task: &'t Task,
    /// Address space of a worker in bytes.
    memory: u64,
    /// One per plan; empty unless the task is a conversion.
    replies: Vec<Option<Result<Written, Fault>>>,
    /// The plans of the present request: a plan's number there → its number in the task.
    asked: Vec<usize>,
    /// Whether the present request has shown the source.
    seen: bool,
    /// What the source looks like.
    source: Option<Thumbnail>,
    /// Workers that broke so far.
    broken: usize,
    /// How many threads may work on it.
    threads: usize,
}

impl<'t> Progress<'t> {
    /// Begins a task for so many threads; `memory` is what a worker may use, in bytes.
    pub(super) fn of(task: &'t Task, memory: u64, threads: usize) -> Self {
        let plans = match task {
            Task::Convert { plans, .. } => plans.len(),
            Task::Probe { .. } | Task::Copy { .. } | Task::Show { .. } => 0,
        };
        let replies = vec![None; plans];
        Self {
            task,
            memory,
            replies,
            asked: Vec::new(),
            seen: false,
            source: None,
            broken: 0,
            threads,
        }
    }

    /// Returns how many threads may work on what is left.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Returns the request for what is left to do, with its descriptors.
    pub(super) fn request(&mut self) -> (Request, Vec<BorrowedFd<'t>>) {
        match self.task {
            Task::Probe { input } => (Request::Probe, vec![input.as_fd()]),
            Task::Copy { input, output } => (Request::Copy, vec![input.as_fd(), output.as_fd()]),
            Task::Show { input } => (Request::Show, vec![input.as_fd()]),
            Task::Convert { input, aux, plans, outputs, showing } => {
                let most = if self.broken == 0 { plans.len() } else { 1 };
                self.asked = self.missing().take(most).collect();
                self.seen = false;
                let plans = self.asked.iter().map(|&n| plans[n].clone()).collect();
                let outputs = self.asked.iter().filter_map(|&n| outputs.get(n));
                let beside = aux.iter().map(|(_, file)| file);
                let files = std::iter::once(input).chain(beside).chain(outputs);
                let names = aux.iter().map(|(aux, _)| aux.clone()).collect();
                let threads = self.threads();
                let convert = Convert { aux: names, plans, showing: *showing, threads };
                (Request::Convert(convert), files.map(AsFd::as_fd).collect())
            }
        }
    }

    /// Takes a report of the present request.
    ///
    /// Reports come from a process that has read hostile bytes: whatever does not fit the request
    /// counts as a broken worker.
    pub(super) fn take(&mut self, report: Report) -> Step {
        match (self.task, report) {
            (Task::Probe { .. }, Report::Probed(info)) => Step::Over(Ok(Answer::Probed(info))),
            (Task::Copy { .. }, Report::Copied(written)) if is_sound(&written) => {
                Step::Over(Ok(Answer::Copied(written)))
            }
            (Task::Show { .. }, Report::Shown(shown)) => Step::Over(Ok(Answer::Shown(shown))),
            // Once: each report gives the worker its time anew.
            (Task::Convert { showing: Showing::Thumbnails, .. }, Report::Seen(thumbnail))
                if !self.seen =>
            {
                self.seen = true;
                self.source = Some(thumbnail);
                Step::Wait
            }
            (Task::Convert { .. }, Report::Rendered { index, result }) => {
                self.note(index, result).map_or_else(|| Step::Broken(nonsense()), |()| Step::Wait)
            }
            (Task::Convert { .. }, Report::Finished) => {
                self.settle(&Fault::Internal { detail: "an output was left out".into() })
            }
            (_, Report::Failed(fault)) => self.settle(&fault),
            (_, Report::Panicked { message }) => {
                tracing::warn!(message, "the engine panicked in a worker");
                Step::Broken(if is_about_memory(&message) {
                    Fault::OutOfMemory { limit: self.memory }
                } else {
                    Fault::Damaged { detail: phrase!("decoder-gave-up", "it could not be decoded") }
                })
            }
            (_, _) => Step::Broken(nonsense()),
        }
    }

    fn note(&mut self, index: usize, result: Result<Written, Fault>) -> Option<()> {
        let reply = self.replies.get_mut(*self.asked.get(index)?)?;
        if reply.is_some() || result.as_ref().is_ok_and(|written| !is_sound(written)) {
            return None;
        }
        *reply = Some(result);
        Some(())
    }

    /// Ends a request; what it asked for and is not made has this fault.
    fn settle(&mut self, fault: &Fault) -> Step {
        if self.asked.len() == self.replies.len() {
            return Step::Over(self.conclude(fault));
        }
        for &number in &self.asked {
            self.replies[number].get_or_insert_with(|| Err(fault.clone()));
        }
        if self.missing().next().is_some() { Step::Ask } else { Step::Over(self.conclude(fault)) }
    }

    /// Blames a broken worker; returns the answer unless another worker can do the rest.
    ///
    /// Several threads take a little more memory than one: whether there is too little of it is
    /// decided by one.
    pub(super) fn blame(&mut self, fault: &Fault) -> Option<Result<Answer, Fault>> {
        let several = std::mem::replace(&mut self.threads, 1) > 1;
        if several && matches!(fault, Fault::OutOfMemory { .. }) {
            return None;
        }
        self.broken += 1;
        if self.missing().count() == self.replies.len() {
            return Some(self.conclude(fault));
        }
        if let Ok([culprit]) = <[usize; 1]>::try_from(self.asked_and_missing()) {
            self.replies[culprit] = Some(Err(fault.clone()));
        }
        let over = self.broken >= MOST_BROKEN || self.missing().next().is_none();
        over.then(|| self.conclude(fault))
    }

    fn missing(&self) -> impl Iterator<Item = usize> {
        (0..self.replies.len()).filter(|&n| self.replies[n].is_none())
    }

    fn asked_and_missing(&self) -> Vec<usize> {
        self.asked.iter().copied().filter(|&n| self.replies[n].is_none()).collect()
    }

    /// Ends the task; what is not made has this fault.
    pub(super) fn conclude(&mut self, fault: &Fault) -> Result<Answer, Fault> {
        // One that was seen is shown beside its fault.
        let nothing = self.replies.iter().all(Option::is_none) && self.source.is_none();
        if nothing && !self.is_empty_conversion() {
            return Err(fault.clone());
        }
        let fill = |reply: Option<_>| reply.unwrap_or_else(|| Err(fault.clone()));
        let replies = std::mem::take(&mut self.replies).into_iter().map(fill).collect();
        Ok(Answer::Converted(replies, self.source.take()))
    }

    fn is_empty_conversion(&self) -> bool {
        matches!(self.task, Task::Convert { plans, .. } if plans.is_empty())
    }
}

/// Tells whether a panic is how a library in C reports that `malloc` returned nothing.
fn is_about_memory(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["insufficient memory", "out of memory", "cannot allocate"].iter().any(|w| message.contains(w))
}

fn nonsense() -> Fault {
    Fault::WorkerDied { how: phrase!("answered-otherwise", "the result made no sense") }
}

fn is_sound(written: &Written) -> bool {
    written.sha256.parse::<ContentHash>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::tests::plan;
    use std::fs::File;

    fn null() -> File {
        File::open("/dev/null").unwrap()
    }

    fn conversion(count: usize) -> Task {
        Task::Convert {
            input: null(),
            aux: Vec::new(),
            plans: vec![plan(); count],
            outputs: (0..count).map(|_| null()).collect(),
            showing: Showing::Nothing,
        }
    }

    fn written(bytes: u64) -> Written {
        Written { bytes, sha256: "0".repeat(64), thumbnail: None }
    }

    fn rendered(index: usize, bytes: u64) -> Report {
        Report::Rendered { index, result: Ok(written(bytes)) }
    }

    fn thumbnail() -> Thumbnail {
        Thumbnail::recognise(vec![0xff, 0xd8, 0xff]).unwrap()
    }

    const FAULT: Fault = Fault::DiskFull;

    #[test]
    fn what_several_threads_have_no_memory_for_is_tried_by_one() {
        let task = conversion(2);
        let mut progress = Progress::of(&task, 1 << 30, 4);
        let threads = |progress: &mut Progress<'_>| match progress.request().0 {
            Request::Convert(convert) => (convert.threads, convert.plans.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(threads(&mut progress), (4, 2));
        let memory = Fault::OutOfMemory { limit: 1 };
        assert_eq!(progress.blame(&memory), None);
        assert_eq!((threads(&mut progress), progress.threads()), ((1, 2), 1));
        assert_eq!(progress.blame(&memory), Some(Err(memory)));
    }

    #[test]
    fn a_worker_that_breaks_before_the_first_output_blames_the_picture() {
        let task = conversion(3);
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        assert_eq!(progress.blame(&FAULT), Some(Err(FAULT)));
    }

    #[test]
    fn a_worker_that_breaks_later_has_the_rest_asked_one_by_one() {
        let task = conversion(4);
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        assert_eq!(progress.take(rendered(2, 12)), Step::Wait);
        assert_eq!(progress.blame(&FAULT), None);
        for (number, next) in [(0, Step::Ask), (1, Step::Ask)] {
            let (request, files) = progress.request();
            assert!(matches!(request, Request::Convert(Convert { plans, .. }) if plans.len() == 1));
            assert_eq!(files.len(), 2);
            assert_eq!(progress.take(rendered(0, 10 + number)), Step::Wait);
            assert_eq!(progress.take(Report::Finished), next);
        }
        let _ = progress.request();
        let answer = vec![Ok(written(10)), Ok(written(11)), Ok(written(12)), Err(FAULT)];
        assert_eq!(progress.blame(&FAULT), Some(Ok(Answer::Converted(answer, None))));
    }

    #[test]
    fn the_last_one_missing_is_the_one_to_blame() {
        let task = conversion(2);
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        let _ = progress.take(rendered(1, 1));
        let answer = vec![Err(FAULT), Ok(written(1))];
        assert_eq!(progress.blame(&FAULT), Some(Ok(Answer::Converted(answer, None))));
    }

    #[test]
    fn a_picture_that_breaks_every_worker_is_given_up() {
        let task = conversion(10);
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        let _ = progress.take(rendered(0, 1));
        for _ in 1..MOST_BROKEN {
            assert_eq!(progress.blame(&FAULT), None);
            let _ = progress.request();
        }
        let mut answer = vec![Err(FAULT); 10];
        answer[0] = Ok(written(1));
        assert_eq!(progress.blame(&FAULT), Some(Ok(Answer::Converted(answer, None))));
    }

    #[test]
    fn a_failure_is_that_of_what_was_asked() {
        let task = conversion(3);
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        assert_eq!(progress.take(Report::Failed(FAULT)), Step::Over(Err(FAULT)));
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        let _ = progress.take(rendered(0, 1));
        assert_eq!(progress.blame(&FAULT), None);
        let _ = progress.request();
        assert_eq!(progress.take(Report::Failed(FAULT)), Step::Ask);
        let _ = progress.request();
        let _ = progress.take(rendered(0, 3));
        let answer = vec![Ok(written(1)), Err(FAULT), Ok(written(3))];
        assert_eq!(
            progress.take(Report::Finished),
            Step::Over(Ok(Answer::Converted(answer, None)))
        );
    }

    #[test]
    fn reports_that_do_not_fit_break_the_worker() {
        let unsound = Written { bytes: 1, sha256: "../../etc".into(), thumbnail: None };
        let cases = [
            (conversion(1), rendered(1, 1)),
            (conversion(1), Report::Rendered { index: 0, result: Ok(unsound.clone()) }),
            (conversion(1), Report::Copied(written(1))),
            (conversion(1), Report::Started),
            (conversion(1), Report::Seen(thumbnail())),
            (Task::Copy { input: null(), output: null() }, Report::Copied(unsound)),
            (Task::Copy { input: null(), output: null() }, Report::Finished),
            (Task::Probe { input: null() }, rendered(0, 1)),
        ];
        for (task, report) in cases {
            let mut progress = Progress::of(&task, 1 << 30, 1);
            let _ = progress.request();
            assert_eq!(progress.take(report), Step::Broken(nonsense()), "{task:?}");
        }
        let task = conversion(2);
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        assert_eq!(progress.take(rendered(0, 1)), Step::Wait);
        assert_eq!(progress.take(rendered(0, 1)), Step::Broken(nonsense()));
    }

    #[test]
    fn a_panic_for_want_of_memory_is_told_from_others() {
        let task = Task::Probe { input: null() };
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let panicked = |message: &str| Report::Panicked { message: message.into() };
        let fault = Fault::OutOfMemory { limit: 1 << 30 };
        assert_eq!(progress.take(panicked("Insufficient memory (case 4)")), Step::Broken(fault));
        let detail = phrase!("decoder-gave-up", "it could not be decoded");
        let fault = Fault::Damaged { detail };
        assert_eq!(progress.take(panicked("index out of bounds")), Step::Broken(fault));
    }

    #[test]
    fn an_output_that_was_left_out_has_failed() {
        let task = conversion(2);
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        let _ = progress.take(rendered(1, 1));
        let Step::Over(Ok(Answer::Converted(replies, None))) = progress.take(Report::Finished)
        else {
            panic!("not over");
        };
        assert!(matches!(replies[0], Err(Fault::Internal { .. })) && replies[1].is_ok());
    }

    #[test]
    fn what_was_seen_of_a_picture_that_fails_is_kept() {
        let mut task = conversion(2);
        if let Task::Convert { showing, .. } = &mut task {
            *showing = Showing::Thumbnails;
        }
        let mut progress = Progress::of(&task, 1 << 30, 1);
        let _ = progress.request();
        assert_eq!(progress.take(Report::Seen(thumbnail())), Step::Wait);
        let answer = Answer::Converted(vec![Err(FAULT); 2], Some(thumbnail()));
        assert_eq!(progress.blame(&FAULT), Some(Ok(answer)));
        // The same again is no progress, except for another worker.
        assert_eq!(progress.take(Report::Seen(thumbnail())), Step::Broken(nonsense()));
        let _ = progress.request();
        assert_eq!(progress.take(Report::Seen(thumbnail())), Step::Wait);
    }
}
