//! What a daemon shows of itself while it runs: the board, the status line, the figures.

use std::collections::btree_map::Entry;
use std::time::Instant;

use jiff::Timestamp;

use super::board::{self, Board, Posting, ScheduleState};
use super::metrics::{self, Standing};
use super::post::Troubles;
use super::{Daemon, systemd};
use crate::spool::{Listed, State};

/// Waiting and scheduled jobs that the board shows, of each.
const MOST_POSTINGS: usize = 1000;
/// The board is not made again for so many times as long as it took: with very many jobs in the
/// queue, counting them is work.
const BOARD_PAUSE: u32 = 20;

impl Daemon {
    /// Writes the figures for machines that watch machines.
    pub(super) fn measure(&mut self, now: Instant) {
        let Some(path) = &self.epoch.settings.metrics else { return };
        if now < self.clock.metrics {
            return;
        }
        self.clock.metrics = now + metrics::PAUSE;
        let (settings, troubles) = (&self.epoch.settings, self.hall.mail.troubles());
        let count = |state: State| self.spool.ids(state).map_or(0, |ids| ids.len());
        let standing = Standing {
            now: super::now(),
            jobs: [
                ("running", self.running.len()),
                ("waiting", count(State::Queue)),
                ("scheduled", count(State::Scheduled)),
                ("resting", count(State::Hold)),
            ],
            relay: troubles.mail.is_none(),
            webhook: settings.webhook.as_ref().map(|_| troubles.webhook.is_none()),
            folders: &settings.folders,
        };
        if let Err(error) = self.hall.metrics.write(path, &standing) {
            tracing::warn!(file = %path.display(), %error, "no figures for Prometheus");
        }
    }

    /// Writes the board and the status line when they have changed.
    pub(super) fn post(&mut self) {
        let begun = Instant::now();
        if begun < self.clock.post {
            return;
        }
        let quiet = !std::mem::take(&mut self.news) && self.running.is_empty();
        let troubles = self.hall.mail.troubles();
        if quiet && self.posted.as_ref().is_some_and(|board| board.shows(&troubles)) {
            return;
        }
        let mut jobs: Vec<Posting> = self.hall.postings().values().cloned().collect();
        let [queued, scheduled] = [State::Queue, State::Scheduled]
            .map(|state| self.spool.list_oldest(state, MOST_POSTINGS).unwrap_or_default());
        let status = self.status(queued.1);
        jobs.extend(queued.0.into_iter().chain(scheduled.0).filter_map(|job| self.waits(job)));
        jobs.extend(self.rests());
        self.clock.post = begun + begun.elapsed() * BOARD_PAUSE;
        let Troubles { mail, webhook } = troubles;
        let pid = std::process::id();
        let begun = board::begun(pid).unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let at = self.posted_at();
        let mut board = Board { pid, begun, version, at, status, mail, webhook, jobs };
        if self.posted.as_ref() == Some(&board) {
            return;
        }
        board.at = super::now();
        if let Err(error) = board.write(&self.epoch.settings.folders.drop) {
            tracing::debug!(%error, "the board cannot be written");
        }
        systemd::status(&board.status);
        self.posted = Some(board);
    }

    /// When the board was written last.
    fn posted_at(&self) -> Timestamp {
        self.posted.as_ref().map_or(Timestamp::UNIX_EPOCH, |board| board.at)
    }

    /// Shows a job that waits; of a schedule also whether a run of it is going.
    fn waits(&self, job: Listed) -> Option<Posting> {
        let firing = format!("{}-", job.id);
        let mut posting = Posting::waiting(job)?;
        if let Some(state) = &mut posting.schedule_state
            && self.running.keys().any(|id| id.starts_with(&firing))
        {
            *state = ScheduleState::Blocked;
        }
        Some(posting)
    }

    /// Leaves the board as things are when the daemon ends.
    pub(super) fn post_last(&mut self) {
        self.hall.postings().clear();
        self.news = true;
        self.clock.post = Instant::now();
        self.post();
    }

    /// Shows the jobs on hold; each is looked at once.
    fn rests(&mut self) -> Vec<Posting> {
        let ids = self.spool.ids(State::Hold).unwrap_or_default();
        self.held.retain(|id, _| ids.contains(id));
        if ids.iter().any(|id| !self.held.contains_key(id)) {
            let reports = &self.epoch.settings.folders.reports;
            for job in self.spool.list_oldest(State::Hold, MOST_POSTINGS).unwrap_or_default().0 {
                if let Entry::Vacant(place) = self.held.entry(job.id.clone()) {
                    let steps = self.spool.steps(&job.id);
                    if let Some(posting) = Posting::resting(job, &steps, reports) {
                        place.insert(posting);
                    }
                }
            }
        }
        self.held.values().cloned().collect()
    }

    /// Counts the jobs that wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.spool.ids(State::Queue).map_or(0, |ids| ids.len())
    }

    pub(super) fn status(&self, waiting: usize) -> String {
        let mut text = format!(
            "{} running, {waiting} waiting; drop folder {}",
            self.running.len(),
            self.watch.mode()
        );
        if let Some(full) = self.hall.full.words() {
            text.push_str("; ");
            text.push_str(&full);
        }
        let Troubles { mail, webhook } = self.hall.mail.troubles();
        for (what, why) in [("mail does not leave", mail), ("the webhook is not reached", webhook)]
        {
            if let Some(why) = why {
                text.push_str(&format!("; {what}: {}", crate::diag::shown(&why)));
            }
        }
        text
    }
}
