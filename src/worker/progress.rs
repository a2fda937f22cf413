//! How far a task has come: which of its outputs are made, and whom a broken worker is blamed on.
//!
//! A worker makes the outputs of one picture in order and reports each. When it breaks after some
//! of them, the picture can be decoded, so only the output it was at is to blame; the ones behind
//! are untouched and go to another worker. When it breaks before the first, the picture is to
//! blame, and every output fails.

use std::os::fd::{AsFd, BorrowedFd};

use super::wire::{Report, Request};
use super::{Answer, Task, Written};
use crate::diag::Fault;

/// What to do after a report.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Wait for the next one.
    Wait,
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
    /// Whether the present request has brought anything yet.
    moved: bool,
}

impl<'t> Progress<'t> {
    /// Begins a task; `memory` is what a worker may use, in bytes.
    pub(super) fn of(task: &'t Task, memory: u64) -> Self {
        let plans = match task {
            Task::Convert { plans, .. } => plans.len(),
            Task::Probe { .. } | Task::Copy { .. } => 0,
        };
        Self { task, memory, replies: vec![None; plans], asked: Vec::new(), moved: false }
    }

    /// Returns the request for what is left to do, with its descriptors.
    pub(super) fn request(&mut self) -> (Request, Vec<BorrowedFd<'t>>) {
        self.moved = false;
        match self.task {
            Task::Probe { input } => (Request::Probe, vec![input.as_fd()]),
            Task::Copy { input, output } => (Request::Copy, vec![input.as_fd(), output.as_fd()]),
            Task::Convert { input, plans, outputs } => {
                self.asked = (0..plans.len()).filter(|&n| self.replies[n].is_none()).collect();
                let plans = self.asked.iter().map(|&n| plans[n].clone()).collect();
                let outputs = self.asked.iter().filter_map(|&n| outputs.get(n));
                let files = std::iter::once(input).chain(outputs).map(AsFd::as_fd).collect();
                (Request::Convert(plans), files)
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
            (Task::Convert { .. }, Report::Rendered { index, result }) => {
                self.note(index, result).map_or_else(|| Step::Broken(nonsense()), |()| Step::Wait)
            }
            (Task::Convert { .. }, Report::Finished) => {
                let missing = Fault::Internal { detail: "an output was left out".into() };
                Step::Over(self.conclude(&missing))
            }
            (_, Report::Failed(fault)) => Step::Over(self.conclude(&fault)),
            (_, Report::Panicked { message }) => {
                tracing::warn!(message, "the engine panicked in a worker");
                Step::Broken(if is_about_memory(&message) {
                    Fault::OutOfMemory { limit: self.memory }
                } else {
                    Fault::Damaged { detail: "the decoder gave up".into() }
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
        self.moved = true;
        Some(())
    }

    /// Blames a broken worker; returns the answer unless another worker can do the rest.
    pub(super) fn blame(&mut self, fault: &Fault) -> Option<Result<Answer, Fault>> {
        if self.moved
            && let Some(culprit) = self.replies.iter_mut().find(|reply| reply.is_none())
        {
            *culprit = Some(Err(fault.clone()));
            if self.replies.iter().any(Option::is_none) {
                return None;
            }
        }
        Some(self.conclude(fault))
    }

    /// Ends the task; what is not made has this fault.
    pub(super) fn conclude(&mut self, fault: &Fault) -> Result<Answer, Fault> {
        if self.replies.iter().all(Option::is_none) && !self.is_empty_conversion() {
            return Err(fault.clone());
        }
        let fill = |reply: Option<_>| reply.unwrap_or_else(|| Err(fault.clone()));
        Ok(Answer::Converted(std::mem::take(&mut self.replies).into_iter().map(fill).collect()))
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
    Fault::WorkerDied { how: "it answered something that was not asked".into() }
}

fn is_sound(written: &Written) -> bool {
    written.sha256.len() == 64
        && written.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
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
            plans: vec![plan(); count],
            outputs: (0..count).map(|_| null()).collect(),
        }
    }

    fn written(bytes: u64) -> Written {
        Written { bytes, sha256: "0".repeat(64) }
    }

    fn rendered(index: usize, bytes: u64) -> Report {
        Report::Rendered { index, result: Ok(written(bytes)) }
    }

    const FAULT: Fault = Fault::DiskFull;

    #[test]
    fn a_worker_that_breaks_before_the_first_output_blames_the_picture() {
        let task = conversion(3);
        let mut progress = Progress::of(&task, 1 << 30);
        let _ = progress.request();
        assert_eq!(progress.blame(&FAULT), Some(Err(FAULT)));
    }

    #[test]
    fn a_worker_that_breaks_later_blames_one_output_and_the_rest_is_asked_again() {
        let task = conversion(4);
        let mut progress = Progress::of(&task, 1 << 30);
        let _ = progress.request();
        assert_eq!(progress.take(rendered(0, 10)), Step::Wait);
        assert_eq!(progress.blame(&FAULT), None);
        let (request, files) = progress.request();
        assert!(matches!(request, Request::Convert(plans) if plans.len() == 2));
        assert_eq!(files.len(), 3);
        // Numbers now count within the second request.
        assert_eq!(progress.take(rendered(0, 12)), Step::Wait);
        assert_eq!(progress.take(rendered(1, 13)), Step::Wait);
        let answer = vec![Ok(written(10)), Err(FAULT), Ok(written(12)), Ok(written(13))];
        assert_eq!(progress.take(Report::Finished), Step::Over(Ok(Answer::Converted(answer))));
    }

    #[test]
    fn a_second_request_that_brings_nothing_is_not_followed_by_a_third() {
        let task = conversion(4);
        let mut progress = Progress::of(&task, 1 << 30);
        let _ = progress.request();
        let _ = progress.take(rendered(0, 1));
        assert_eq!(progress.blame(&FAULT), None);
        let _ = progress.request();
        let answer = vec![Ok(written(1)), Err(FAULT), Err(FAULT), Err(FAULT)];
        assert_eq!(progress.blame(&FAULT), Some(Ok(Answer::Converted(answer))));
    }

    #[test]
    fn reports_that_do_not_fit_break_the_worker() {
        let unsound = Written { bytes: 1, sha256: "../../etc".into() };
        let cases = [
            (conversion(1), rendered(1, 1)),
            (conversion(1), Report::Rendered { index: 0, result: Ok(unsound.clone()) }),
            (conversion(1), Report::Copied(written(1))),
            (conversion(1), Report::Started),
            (Task::Copy { input: null(), output: null() }, Report::Copied(unsound)),
            (Task::Copy { input: null(), output: null() }, Report::Finished),
            (Task::Probe { input: null() }, rendered(0, 1)),
        ];
        for (task, report) in cases {
            let mut progress = Progress::of(&task, 1 << 30);
            let _ = progress.request();
            assert_eq!(progress.take(report), Step::Broken(nonsense()), "{task:?}");
        }
        let task = conversion(2);
        let mut progress = Progress::of(&task, 1 << 30);
        let _ = progress.request();
        assert_eq!(progress.take(rendered(0, 1)), Step::Wait);
        assert_eq!(progress.take(rendered(0, 1)), Step::Broken(nonsense()));
    }

    #[test]
    fn a_panic_for_want_of_memory_is_told_from_others() {
        let task = Task::Probe { input: null() };
        let mut progress = Progress::of(&task, 1 << 30);
        let panicked = |message: &str| Report::Panicked { message: message.into() };
        let fault = Fault::OutOfMemory { limit: 1 << 30 };
        assert_eq!(progress.take(panicked("Insufficient memory (case 4)")), Step::Broken(fault));
        let fault = Fault::Damaged { detail: "the decoder gave up".into() };
        assert_eq!(progress.take(panicked("index out of bounds")), Step::Broken(fault));
    }

    #[test]
    fn an_output_that_was_left_out_has_failed() {
        let task = conversion(2);
        let mut progress = Progress::of(&task, 1 << 30);
        let _ = progress.request();
        let _ = progress.take(rendered(1, 1));
        let Step::Over(Ok(Answer::Converted(replies))) = progress.take(Report::Finished) else {
            panic!("not over");
        };
        assert!(matches!(replies[0], Err(Fault::Internal { .. })) && replies[1].is_ok());
    }
}
