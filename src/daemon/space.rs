//! Full disks: a job that meets one waits for room and goes on by itself.
//!
//! What a disk has left costs nothing to ask, so it is asked all the time: when there is clearly
//! more room than when the job gave up, it is tried at once. Where asking tells nothing (a quota,
//! a disk of its own below the folder) the job is tried after a second, then after two, and so on
//! up to ten minutes. One incident is told to whoever runs the daemon once, however many jobs meet it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::job::run::{Ask, Cancel};

/// How long a job waits although the disk does not seem to have changed, at first.
const FIRST: Duration = Duration::from_secs(60);
/// The same when the disk seems to have had room all along.
const UNEXPLAINED: Duration = Duration::from_secs(1);
/// And at most.
const MOST: Duration = Duration::from_secs(600);
/// How often the disk is asked.
const LOOK: Duration = Duration::from_millis(250);

/// What a disk can still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// Bytes.
    pub bytes: u64,
    /// Files and folders.
    pub files: u64,
}

impl Room {
    /// Less than this more is no reason to try again.
    const STEP: Self = Self { bytes: 64 << 10, files: 4 };

    /// Asks how much is left where a folder is; nothing when that cannot be told.
    #[must_use]
    pub fn left(folder: &Path) -> Self {
        let Ok(stat) = rustix::fs::statvfs(folder) else { return Self::default() };
        // Some file systems have no fixed number of files, and say zero.
        let files = if stat.f_files == 0 { u64::MAX } else { stat.f_favail };
        Self { bytes: stat.f_bavail.saturating_mul(stat.f_frsize), files }
    }

    const fn covers(self, need: Self) -> bool {
        self.bytes >= need.bytes && self.files >= need.files
    }

    /// Tells whether this is so much more than before that it may make a difference.
    fn has_grown(self, before: Self) -> bool {
        let more =
            |now: u64, before: u64, step: u64| now.saturating_sub(before) >= step.max(before / 16);
        more(self.bytes, before.bytes, Self::STEP.bytes)
            || more(self.files, before.files, Self::STEP.files)
    }
}

/// A disk on which something did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// A folder on it.
    pub folder: PathBuf,
    /// How much is known to be needed.
    pub need: Room,
    /// What it could still take when the job gave up.
    pub left: Room,
}

impl Shortage {
    /// Describes the disk as it is now, after something of that size did not fit.
    #[must_use]
    pub fn now(folder: &Path, tried: Room) -> Self {
        let need = Room {
            bytes: tried.bytes.saturating_add((tried.bytes / 8).max(Room::STEP.bytes)),
            files: tried.files.saturating_add(Room::STEP.files),
        };
        Self { folder: folder.to_owned(), need, left: Room::left(folder) }
    }
}

/// Decides when a job that waits for room is tried again.
struct Patience<'s> {
    short: &'s Shortage,
    pause: Duration,
    again: Instant,
}

impl<'s> Patience<'s> {
    /// `tries` is how often the job has waited before.
    fn new(short: &'s Shortage, tries: u32, now: Instant) -> Self {
        // Room came between the failure and the look, or it is a quota or one large file.
        let first = if short.left.covers(short.need) { UNEXPLAINED } else { FIRST };
        let pause = first.saturating_mul(1 << tries.min(10)).min(MOST);
        Self { short, pause, again: now + pause }
    }

    fn is_over(&mut self, room: Room, now: Instant) -> bool {
        let may_fit = room.covers(self.short.need);
        if may_fit && (now >= self.again || room.has_grown(self.short.left)) {
            return true;
        }
        if now >= self.again {
            self.pause = self.pause.saturating_mul(2).min(MOST);
            self.again = now + self.pause;
        }
        false
    }
}

/// Waits until there may be room; `false` when the daemon stops or the job is paused. A person who stops the job does
/// not have to wait for room.
pub(super) fn wait(short: &Shortage, tries: u32, cancel: &Cancel) -> bool {
    let mut patience = Patience::new(short, tries, Instant::now());
    loop {
        match cancel.asked() {
            Ask::Pause | Ask::Suspend => return false,
            Ask::Stop => return true,
            Ask::Nothing => {}
        }
        if patience.is_over(Room::left(&short.folder), Instant::now()) {
            return true;
        }
        std::thread::sleep(LOOK);
    }
}

/// The full disks that are known, each with those that wait for room on it.
#[derive(Debug, Default)]
pub(super) struct Incidents(Mutex<BTreeMap<PathBuf, BTreeSet<String>>>);

impl Incidents {
    fn folders(&self) -> MutexGuard<'_, BTreeMap<PathBuf, BTreeSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something did not fit there; tells whether that is a new incident.
    pub(super) fn begin(&self, folder: &Path, who: &str) -> bool {
        let mut folders = self.folders();
        let is_new = !folders.contains_key(folder);
        folders.entry(folder.to_owned()).or_default().insert(who.to_owned());
        is_new
    }

    /// Notes that somebody has found room; tells whether that ends the incident.
    pub(super) fn end(&self, folder: &Path, who: &str) -> bool {
        let mut folders = self.folders();
        let Some(waiting) = folders.get_mut(folder) else { return false };
        waiting.remove(who);
        waiting.is_empty() && folders.remove(folder).is_some()
    }

    /// Notes that somebody no longer waits, though nothing is known of the room.
    pub(super) fn leave(&self, who: &str) {
        self.folders().retain(|_, waiting| {
            waiting.remove(who);
            !waiting.is_empty()
        });
    }

    /// Says where there is no room, for the status line.
    pub(super) fn words(&self) -> Option<String> {
        let folders = self.folders();
        let shown: Vec<String> = folders.keys().map(|f| f.display().to_string()).collect();
        (!shown.is_empty()).then(|| format!("no room left in {}", shown.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_ends_with_the_last_that_waits() {
        let incidents = Incidents::default();
        let (out, mail) = (Path::new("/out"), Path::new("/mail"));
        assert!(incidents.begin(out, "one") && !incidents.begin(out, "two"));
        assert!(incidents.begin(mail, "one"));
        // Paused: nobody knows whether there is room.
        incidents.leave("one");
        assert_eq!(incidents.words().as_deref(), Some("no room left in /out"));
        incidents.leave("two");
        assert_eq!(incidents.words(), None);
        assert!(incidents.begin(out, "two"), "the next one is a new incident");
        assert!(incidents.end(out, "two") && !incidents.end(out, "two"));
    }

    const MB: u64 = 1 << 20;

    fn room(bytes: u64, files: u64) -> Room {
        Room { bytes, files }
    }

    fn short(need: Room, left: Room) -> Shortage {
        Shortage { folder: PathBuf::from("/out"), need, left }
    }

    #[test]
    fn a_job_is_tried_at_once_when_there_is_more_room_and_enough() {
        let short = short(room(2 * MB, 20), room(MB, 1000));
        let now = Instant::now();
        let mut patience = Patience::new(&short, 0, now);
        assert!(!patience.is_over(room(MB, 1000), now), "nothing has changed");
        assert!(!patience.is_over(room(MB + MB / 2, 1000), now), "more, but not enough");
        assert!(patience.is_over(room(2 * MB, 1000), now));
        assert!(!patience.is_over(room(2 * MB, 10), now), "too few files");
    }

    #[test]
    fn a_disk_that_stays_full_is_tried_after_minutes() {
        let short = short(room(2 * MB, 5), room(MB, 1000));
        let now = Instant::now();
        let mut patience = Patience::new(&short, 0, now);
        assert!(!patience.is_over(room(2 * MB, 4), now + FIRST), "it cannot fit");
        let pause = patience.again - (now + FIRST);
        assert_eq!(pause, FIRST * 2);
    }

    #[test]
    fn files_may_be_what_was_lacking() {
        let short = short(room(MB, 5), room(60 * MB, 0));
        let now = Instant::now();
        let mut patience = Patience::new(&short, 0, now);
        assert!(!patience.is_over(room(60 * MB, 3), now));
        assert!(patience.is_over(room(60 * MB, 5), now));
    }

    #[test]
    fn what_the_disk_does_not_tell_is_tried_with_growing_pauses() {
        // A quota: the disk itself has room all the time.
        let short = short(room(MB, 5), room(1000 * MB, 1000));
        let now = Instant::now();
        let left = short.left;
        for (tries, seconds) in [(0, 1), (1, 2), (2, 4), (6, 64), (9, 512), (10, 600), (99, 600)] {
            let mut patience = Patience::new(&short, tries, now);
            assert!(!patience.is_over(left, now + Duration::from_secs(seconds - 1)), "{tries}");
            assert!(patience.is_over(left, now + Duration::from_secs(seconds)), "{tries}");
        }
    }

    #[test]
    fn what_cannot_fit_is_not_tried_however_long_it_waits() {
        let short = short(room(2 * MB, 5), room(MB, 1000));
        let now = Instant::now();
        let mut patience = Patience::new(&short, 0, now);
        for hours in 1..5 {
            assert!(!patience.is_over(room(MB, 1000), now + Duration::from_secs(hours * 3600)));
        }
    }

    #[test]
    fn a_disk_is_asked_and_an_incident_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let left = Room::left(dir.path());
        assert!(left.bytes > 0 && left.files > 0, "{left:?}");
        let short = Shortage::now(dir.path(), room(8 * MB, 3));
        assert_eq!(short.need, room(9 * MB, 7));
        let incidents = Incidents::default();
        let out = Path::new("/out");
        assert!(incidents.begin(out, "a"));
        assert!(!incidents.begin(out, "b") && !incidents.begin(out, "a"));
        assert_eq!(incidents.words().unwrap(), "no room left in /out");
        assert!(!incidents.end(out, "a"), "another still waits");
        assert!(incidents.end(out, "b"));
        assert!(!incidents.end(out, "b"));
        assert_eq!(incidents.words(), None);
    }

    #[test]
    fn a_stop_ends_the_waiting() {
        let short = short(room(u64::MAX, 0), room(0, 0));
        let cancel = Cancel::default();
        cancel.ask(Ask::Stop);
        assert!(wait(&short, 0, &cancel));
        cancel.ask(Ask::Suspend);
        assert!(!wait(&short, 0, &cancel));
    }
}
