//! One job's queue, and the promise that it hears of every task.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::crew::{Crew, Phase, Queued};
use super::{Answer, Task};
use crate::diag::Fault;

/// One job's way to the workers.
///
/// Dropping it forgets what is queued; tasks that are running end unseen.
#[derive(Debug)]
pub struct Lane {
    id: u64,
    crew: Arc<Crew>,
    sender: Sender<Ended>,
    answers: Receiver<Ended>,
    /// Tasks submitted and not yet ended, as far as [`Lane::wait`] has seen.
    outstanding: Cell<usize>,
}

impl Lane {
    /// Opens the lane of that number.
    pub(super) fn open(id: u64, crew: Arc<Crew>) -> Self {
        let (sender, answers) = channel();
        Self { id, crew, sender, answers, outstanding: Cell::new(0) }
    }

    /// Puts a task at the end of this lane; never blocks. `tag` comes back with the answer.
    ///
    /// A queued task holds its files open: a job with many assets submits as long as there is
    /// [`Lane::room`], then waits for an answer.
    pub fn submit(&self, tag: u64, task: Task) {
        self.outstanding.set(self.outstanding.get() + 1);
        let ticket = Ticket::new(tag, self.sender.clone());
        self.crew.enqueue(self.id, Queued { task, ticket });
    }

    /// Says how many more tasks are about to be submitted, so that no thread is lent to one of
    /// them that another wants.
    pub fn announce(&self, tasks: usize) {
        self.crew.lock().announce(self.id, tasks);
    }

    /// Counts how many more tasks are worth submitting now: enough that no worker waits for this
    /// job, few enough that its open files stay bounded.
    #[must_use]
    pub fn room(&self) -> usize {
        (2 * self.crew.workers).saturating_sub(self.outstanding())
    }

    /// Counts the tasks submitted whose end [`Lane::wait`] has not seen yet.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.get()
    }

    /// Waits for the next answer, which may be to any task of this lane. What it says is written
    /// is on the disk.
    ///
    /// Returns `None` when the time has passed, and at once when nothing is outstanding: nothing
    /// was submitted, everything has been answered, or the pool has dropped what was left (then
    /// [`Lane::is_open`] is false).
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<(u64, Result<Answer, Fault>)> {
        let until = Instant::now() + patience;
        while self.outstanding.get() > 0 {
            let left = until.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(ended) => {
                    self.outstanding.set(self.outstanding.get() - 1);
                    if let Ended::Answered { tag, mut answer, task } = ended {
                        settle(&task, &mut answer);
                        // Closes its files before more are opened; here, because on a file system
                        // that does not answer even that may hang, and only this job's thread may.
                        drop(task);
                        return Some((tag, answer));
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }

    /// Takes back what no worker has begun, for a job that is to stop; running tasks go on and
    /// are answered. Returns the tags.
    #[must_use]
    pub fn withdraw(&self) -> Vec<u64> {
        let queue = self.crew.lock().take_lane(self.id);
        queue.iter().map(|queued| queued.ticket.tag).collect()
    }

    /// Tells whether the pool takes tasks.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.crew.lock().phase == Phase::Open
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.announce(0);
        // Outside the lock: closing files may take its time.
        let queue = self.crew.lock().take_lane(self.id);
        drop(queue);
    }
}

/// Makes the replies of a conversion durable: here, in the job's thread, so that no worker waits
/// for a disk while it could convert. What cannot be made so is not written.
fn settle(task: &Task, answer: &mut Result<Answer, Fault>) {
    let (Task::Convert { outputs, .. }, Ok(Answer::Converted(replies, _))) = (task, answer) else {
        return;
    };
    for (reply, output) in replies.iter_mut().zip(outputs) {
        if reply.is_ok()
            && let Err(error) = output.sync_data()
        {
            *reply = Err(Fault::of_output(&error));
        }
    }
}

/// How a task ended, for its lane.
#[derive(Debug)]
pub(super) enum Ended {
    Answered {
        tag: u64,
        answer: Result<Answer, Fault>,
        /// What was asked, with its files.
        task: Task,
    },
    Dropped,
}

/// The promise that a lane hears of the end of each of its tasks, whatever happens.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) tag: u64,
    /// `None` once it was kept.
    sender: Option<Sender<Ended>>,
}

impl Ticket {
    pub(super) fn new(tag: u64, sender: Sender<Ended>) -> Self {
        Self { tag, sender: Some(sender) }
    }

    /// Gives the answer and the task back to the lane; without an answer the task is as if dropped.
    pub(super) fn end(mut self, answer: Option<Result<Answer, Fault>>, task: Task) {
        if let Some(answer) = answer {
            self.tell(Ended::Answered { tag: self.tag, answer, task });
        }
    }

    fn tell(&mut self, ended: Ended) {
        if let Some(sender) = self.sender.take() {
            // Fails when the lane is gone: the task ends unseen.
            let _ = sender.send(ended);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tell(Ended::Dropped);
    }
}
