//! Jobs that wait for their time: `execTime` and `execSchedule`.
//!
//! The times are in the spool; here is decided what happens when one has come. A firing that was
//! missed, because no daemon ran, is made up for once, late. One that comes while an earlier run of
//! the same schedule is going is skipped. What was paused over its time is not made up for: whoever
//! paused it did not want it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Daemon;
use crate::job::manifest;
use crate::spool::{Due, JobId, SpoolError, State};

/// Scheduled jobs are looked at this often, whatever their time.
pub(super) const SCHEDULES: Duration = Duration::from_secs(30);

impl Daemon {
    /// Lets jobs run whose time has come.
    pub(super) fn schedules(&mut self) -> Result<(), SpoolError> {
        let wall = super::now();
        let jobs = self.spool.scheduled()?;
        let busy: Vec<JobId> = if jobs.is_empty() { Vec::new() } else { self.under_way()? };
        for job in &jobs {
            let Due::Repeats(due) = job.due else { continue };
            if due > wall {
                continue;
            }
            let next = next_firing(&job.manifest, wall);
            let id = &job.record.id;
            if busy.iter().any(|other| other.schedule() == *id) {
                tracing::warn!(%id, "an earlier run is still going: this firing is skipped");
                self.spool.skip(id, next)?;
            } else {
                self.spool.fire(id, due, next, wall)?;
            }
        }
        self.spool.release_due(wall)?;
        // It begins at once, so that the next firing does not find it waiting for its turn.
        self.unbegun |= !jobs.is_empty();
        // The clock may be set: no more than half a minute is taken on trust.
        let earliest = self.spool.scheduled()?.first().map(|job| job.due.at());
        let wait = earliest.map_or(SCHEDULES, |due| {
            Duration::try_from(due.duration_since(wall)).unwrap_or_default().min(SCHEDULES)
        });
        self.clock.schedules = Instant::now() + wait;
        Ok(())
    }

    /// Returns the jobs that run or wait for their turn.
    pub(super) fn under_way(&self) -> Result<Vec<JobId>, SpoolError> {
        let queued = self.spool.ids(State::Queue)?.into_iter();
        let running = self.running.keys().filter_map(|id| JobId::parse(id).ok());
        Ok(queued.chain(running).collect())
    }

    /// Leaves out the firings that a schedule missed while it was paused; returns the next one.
    pub(super) fn skip_missed(
        &self,
        id: &JobId,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, SpoolError> {
        if due > now {
            return Ok(Some(due));
        }
        let next = self.spool.manifest(id).and_then(|manifest| next_firing(&manifest, now));
        self.spool.skip(id, next)?;
        Ok(next)
    }
}

/// Asks a manifest's schedule for its next time.
fn next_firing(manifest: &[u8], now: Timestamp) -> Option<Timestamp> {
    let schedule = manifest::parse(manifest).manifest?.exec_schedule?.value;
    Some(schedule.next_after(&now.to_zoned(TimeZone::system()))?.timestamp())
}
