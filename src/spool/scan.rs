//! Looking at the drop folder: which manifests are there, which are complete.
//!
//! The listing is the truth. Whether a file is complete cannot be known, only judged: one that
//! came by rename is, if it parses; any other must have kept still for a while, by the monotonic
//! clock, because writers pause and wall clocks jump. See [`Settle`].

use std::collections::{HashMap, HashSet};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::Dir;

use super::accept::{Cleared, Content, Outcome, drop_error, open_folder};
use super::backlog::Backlog;
use super::record::{JobId, MOST_MANIFEST_BYTES, OVERSIZE_KEPT_BYTES, Record};
use super::{Home, Spool, SpoolError, disk};
use crate::fs::{OpenError, RelPath, Root, Stamp};

/// How many manifests one scan accepts, so that a flood does not keep its caller from all else.
pub(super) const MOST_PER_SCAN: usize = 1024;
/// How many of them go to the disk together; each keeps two files open meanwhile.
const MOST_AT_ONCE: usize = 128;
/// How soon it is looked again whether what was in the way is gone.
const AFTER_TROUBLE: Duration = Duration::from_secs(10);

/// How long a file must keep still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settle {
    /// Before a file that did not come by rename is taken, if it parses; and before one that came
    /// by rename is taken although it does not parse. Default 2 s.
    pub quiet: Duration,
    /// Before a file that did not come by rename is taken although it does not parse. Default 10 s.
    pub patience: Duration,
}

impl Default for Settle {
    fn default() -> Self {
        Self { quiet: Duration::from_secs(2), patience: Duration::from_secs(10) }
    }
}

/// One look at the drop folder.
pub struct Look<'a> {
    /// The monotonic clock.
    pub now: Instant,
    /// The wall clock, for the records.
    pub wall: Timestamp,
    /// How long files must keep still.
    pub settle: Settle,
    /// Names that came by rename since the last look.
    pub moved_in: &'a HashSet<String>,
    /// Tells whether these bytes are a whole manifest; asked once for each state of a file.
    pub complete: &'a dyn Fn(&[u8], Came) -> bool,
}

/// How a manifest came into the drop folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// By a rename that was seen: it was whole before it had its name.
    ByRename,
    /// Otherwise: it may be written at present.
    Otherwise,
}

/// A manifest that is not taken as complete yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    /// Its file name.
    pub name: String,
    /// How long it has been seen in the folder, whatever happened to it.
    pub known: Duration,
    /// How long until it is looked at again, unless it changes.
    pub wait: Duration,
}

/// An entry that will not be taken; said once for each state of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its name, for people.
    pub name: String,
    /// Why; lower case, no full stop.
    pub reason: String,
}

/// What a scan found.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The records of what is in the queue now and was not before, in the order of arrival.
    pub accepted: Vec<Record>,
    /// What is still being written, or may be.
    pub settling: Vec<Settling>,
    /// What is newly found to be no manifest although its name says so.
    pub skipped: Vec<Skipped>,
    /// Why not everything could be done; the manifests concerned are still in the drop folder.
    pub trouble: Option<SpoolError>,
    /// How long until the next look is useful, if nothing happens before; `None` when nothing is
    /// waited for.
    pub next: Option<Duration>,
}

impl Scanned {
    fn look_again(&mut self, after: Duration) {
        self.next = Some(self.next.map_or(after, |next| next.min(after)));
    }
}

/// Tells whether a file of that name in the drop folder is a manifest.
///
/// `*.toml`, not beginning with `.`, `_` or `~`. All names by which editors, browsers and transfer
/// programs call unfinished files fall out by that.
#[must_use]
pub fn is_manifest_name(name: &str) -> bool {
    name.ends_with(".toml") && !name.starts_with(['.', '_', '~'])
}

/// What is known of the drop folder from earlier scans.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    files: HashMap<String, Seen>,
    /// Names with what was said about them; as listed, so that names we cannot read are here too.
    told: HashMap<Vec<u8>, String>,
    /// Whether the folder was read through once since the start.
    scanned: bool,
    backlog: Backlog,
}

#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    /// When this stamp was first seen.
    since: Instant,
    /// When the name was first seen.
    known: Instant,
    renamed: bool,
    state: Judged,
}

/// What is known of the content of a file in its present state.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Judged {
    Unread,
    Incomplete,
    Unreadable,
    /// In the spool, but it cannot be removed from the drop folder.
    Accepted(JobId),
}

/// What to do with a file now, the more urgent first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Wait(Duration),
    Read,
    Clear,
}

impl Seen {
    /// Updates what is known with what was found now.
    fn look(&mut self, stamp: Stamp, now: Instant, moved_in: bool) {
        if self.stamp != stamp {
            *self = Self { known: self.known, ..Self::new(stamp, now) };
        }
        self.renamed |= moved_in;
    }

    const fn new(stamp: Stamp, now: Instant) -> Self {
        Self { stamp, since: now, known: now, renamed: false, state: Judged::Unread }
    }

    /// Returns how long it must keep still before it is taken although it does not parse.
    const fn limit(&self, settle: Settle) -> Duration {
        if self.renamed { settle.quiet } else { settle.patience }
    }

    fn verdict(&self, now: Instant, settle: Settle) -> Verdict {
        let still = now.saturating_duration_since(self.since);
        let until = |limit: Duration| match limit.checked_sub(still) {
            Some(rest) if !rest.is_zero() => Verdict::Wait(rest),
            _ => Verdict::Read,
        };
        match &self.state {
            Judged::Unread if self.renamed => Verdict::Read,
            Judged::Unread => until(settle.quiet),
            Judged::Incomplete => until(self.limit(settle)),
            Judged::Unreadable => until(settle.patience),
            Judged::Accepted(_) => match until(AFTER_TROUBLE) {
                Verdict::Read => Verdict::Clear,
                wait => wait,
            },
        }
    }
}

impl Tracker {
    /// Tells whether there may be a file of that name in the drop folder.
    pub(super) fn may_hold(&self, name: &str) -> bool {
        !self.scanned || self.files.contains_key(name)
    }

    fn tell(&mut self, name: &[u8], reason: String, scanned: &mut Scanned) {
        if self.told.get(name) != Some(&reason) {
            self.told.insert(name.to_owned(), reason.clone());
            let name = String::from_utf8_lossy(name).escape_debug().to_string();
            scanned.skipped.push(Skipped { name, reason });
        }
    }

    /// Brings what is known up to date with the folder.
    fn observe(
        &mut self,
        drop: &Root,
        look: &Look<'_>,
        scanned: &mut Scanned,
    ) -> Result<(), OpenError> {
        let listed = open_folder(drop)?;
        let heard = self.backlog.heard();
        let mut before = std::mem::take(&mut self.files);
        let mut gone: HashSet<Vec<u8>> = self.told.keys().cloned().collect();
        for entry in Dir::read_from(&listed).map_err(io::Error::from)? {
            let entry = entry.map_err(io::Error::from)?;
            let raw = entry.file_name().to_bytes();
            if !looks_like_manifest(raw) {
                continue;
            }
            gone.remove(raw);
            let name = match manifest_name(raw) {
                Ok(name) => name,
                Err(reason) => {
                    self.tell(raw, reason, scanned);
                    continue;
                }
            };
            let stamp = match drop.look(&name) {
                Ok(stamp) => stamp,
                Err(OpenError::NotFound) => continue,
                Err(error) => {
                    if matches!(error, OpenError::Io(_) | OpenError::Denied) {
                        scanned.look_again(AFTER_TROUBLE);
                    }
                    let reason = match error {
                        OpenError::Outside => "it is a symbolic link, not a file".to_owned(),
                        other => other.to_string(),
                    };
                    self.tell(raw, reason, scanned);
                    continue;
                }
            };
            let name = String::from(name);
            let moved_in = heard.contains(&name);
            let mut seen = before.remove(&name).unwrap_or_else(|| Seen::new(stamp, look.now));
            if seen.stamp != stamp {
                self.told.remove(raw);
            }
            seen.look(stamp, look.now, moved_in);
            self.files.insert(name, seen);
        }
        for name in gone {
            self.told.remove(&name);
        }
        Ok(())
    }
}

impl Tracker {
    /// Puts what is due in order; what could not be removed before comes last: it must not keep new
    /// ones waiting.
    fn find_due(&mut self, look: &Look<'_>, scanned: &mut Scanned) {
        let mut order: Vec<(Verdict, i128, &str)> = Vec::new();
        for (name, seen) in &self.files {
            match (seen.verdict(look.now, look.settle), &seen.state) {
                (Verdict::Wait(wait), Judged::Unreadable | Judged::Accepted(_)) => {
                    scanned.look_again(wait);
                }
                (Verdict::Wait(wait), Judged::Unread | Judged::Incomplete) => {
                    scanned.settling.push(seen.settling(name, look.now, wait));
                }
                (due @ (Verdict::Read | Verdict::Clear), _) => {
                    order.push((due, seen.stamp.ctime_ns, name));
                }
            }
        }
        order.sort_unstable();
        self.backlog.fill(order.into_iter().map(|(_, _, name)| name.to_owned()), look.now);
    }
}

/// Tells, before anything else is known, whether an entry is worth a word.
fn looks_like_manifest(name: &[u8]) -> bool {
    let end = name.len().saturating_sub(5);
    name[end..].eq_ignore_ascii_case(b".toml") && !matches!(name[0], b'.' | b'_' | b'~')
}

fn manifest_name(raw: &[u8]) -> Result<RelPath, String> {
    let name = std::str::from_utf8(raw).map_err(|_| "its name is not UTF-8".to_owned())?;
    if !is_manifest_name(name) {
        return Err("the names of manifests end in \".toml\", in small letters".into());
    }
    RelPath::parse(name).map_err(|error| error.to_string())
}

impl Spool {
    /// Looks through the drop folder and accepts what is complete, at most about a thousand
    /// manifests; the oldest first. When there are more, the next scans go on with what this one
    /// has found, before the folder is looked through anew.
    ///
    /// Never waits: what needs time is in [`Scanned::settling`]. A folder that is gone, not
    /// readable or not writable, and a full disk, are [`Scanned::trouble`]: nothing was accepted
    /// that could not be, and the next scan may succeed.
    ///
    /// # Errors
    /// The spool's disk, other than a lack of space.
    pub fn scan(&self, look: &Look<'_>) -> Result<Scanned, SpoolError> {
        let mut tracker = self.home.tracker();
        self.home.shared().unreadable.clear();
        let mut scanned = Scanned::default();
        match self.home.scan(&mut tracker, look, &mut scanned) {
            Ok(()) => {}
            Err(Stop::Trouble(error)) => {
                tracker.backlog.forget();
                scanned.trouble = Some(error);
                scanned.next = Some(AFTER_TROUBLE);
            }
            Err(Stop::Fatal(error)) => return Err(error),
        }
        let waits = scanned.settling.iter().map(|settling| settling.wait);
        scanned.next = waits.chain(scanned.next).min();
        Ok(scanned)
    }
}

/// Why a scan ends early.
enum Stop {
    Trouble(SpoolError),
    Fatal(SpoolError),
}

impl From<SpoolError> for Stop {
    fn from(error: SpoolError) -> Self {
        if error.is_fatal() { Self::Fatal(error) } else { Self::Trouble(error) }
    }
}

/// A manifest that is complete, as read.
struct Ready {
    path: RelPath,
    bytes: Vec<u8>,
    stamp: Stamp,
    oversize: bool,
}

impl Ready {
    fn content(&self) -> Content<'_> {
        Content { name: &self.path, bytes: &self.bytes, stamp: self.stamp, oversize: self.oversize }
    }
}

/// The drop folder as open for one scan.
struct Open {
    drop: Root,
    taken: OwnedFd,
}

impl Home {
    fn scan(
        &self,
        tracker: &mut Tracker,
        look: &Look<'_>,
        scanned: &mut Scanned,
    ) -> Result<(), Stop> {
        let trouble = |doing, error| Stop::Trouble(drop_error(self, doing, error));
        let drop = Root::open(&self.folders.drop).map_err(|e| trouble("open", e.into()))?;
        if !tracker.scanned {
            let taken = self.taken_folder(&drop).map_err(|e| trouble("use", e))?;
            let _shared = self.shared();
            self.empty_taken(&drop, &taken).map_err(|e| trouble("clear", e.into()))?;
        }
        tracker.backlog.hear(look.moved_in);
        let listed = !tracker.backlog.serves(look.now);
        if listed {
            tracker.observe(&drop, look, scanned).map_err(|e| trouble("list", e))?;
            tracker.scanned = true;
            tracker.find_due(look, scanned);
        }
        let due = tracker.backlog.take(MOST_PER_SCAN);
        if !due.is_empty() {
            let taken = self.taken_folder(&drop).map_err(|e| trouble("use", e))?;
            self.take_all(tracker, &due, &Open { drop, taken }, (look, scanned))?;
        }
        // What was not due when the folder was listed may be now.
        if !tracker.backlog.is_empty() || !listed {
            scanned.next = Some(Duration::ZERO);
        }
        scanned.settling.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }

    fn take_all(
        &self,
        tracker: &mut Tracker,
        due: &[String],
        open: &Open,
        (look, scanned): (&Look<'_>, &mut Scanned),
    ) -> Result<(), Stop> {
        for group in due.chunks(MOST_AT_ONCE) {
            let names = group.iter().map(String::as_str);
            let ready: Vec<Ready> =
                names.filter_map(|name| self.ready(tracker, name, open, (look, scanned))).collect();
            self.take(tracker, &ready, open, (look, scanned))?;
        }
        // Not durable before this, and need not be: what comes back is known.
        let synced =
            open_folder(&open.drop).and_then(|fd| disk::sync_file(&fd).map_err(OpenError::Io));
        synced.map_err(|error| Stop::Trouble(drop_error(self, "sync", error)))
    }

    /// Takes what is complete: accepts it, then clears it.
    fn take(
        &self,
        tracker: &mut Tracker,
        ready: &[Ready],
        open: &Open,
        (look, scanned): (&Look<'_>, &mut Scanned),
    ) -> Result<(), Stop> {
        let contents: Vec<Content<'_>> = ready.iter().map(Ready::content).collect();
        let (outcomes, result) = self.accept(&contents, look.wall);
        for (one, outcome) in ready.iter().zip(outcomes) {
            let id = match outcome {
                Outcome::New(record) => {
                    let id = record.id.clone();
                    scanned.accepted.push(record);
                    id
                }
                Outcome::Known(id, _) => id,
            };
            if let Some(seen) = tracker.files.get_mut(one.path.as_str()) {
                seen.state = Judged::Accepted(id.clone());
            }
            self.clear_seen(tracker, (&one.path, &id), open, (look, scanned));
        }
        Ok(result?)
    }

    /// Reads one file that is due; `None` when it is not complete, cannot be read, or was accepted
    /// before and only had to be cleared.
    fn ready(
        &self,
        tracker: &mut Tracker,
        name: &str,
        open: &Open,
        (look, scanned): (&Look<'_>, &mut Scanned),
    ) -> Option<Ready> {
        let seen = tracker.files.get_mut(name)?;
        let path = RelPath::parse(name).ok()?;
        if let Judged::Accepted(id) = seen.state.clone() {
            self.clear_seen(tracker, (&path, &id), open, (look, scanned));
            return None;
        }
        let stamp = seen.stamp;
        let bytes = match read(&open.drop, &path, &stamp) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                *seen = Seen { known: seen.known, ..Seen::new(stamp, look.now) };
                scanned.settling.push(seen.settling(name, look.now, look.settle.quiet));
                return None;
            }
            Err(OpenError::NotFound) => {
                tracker.files.remove(name);
                return None;
            }
            Err(error) => {
                // Permissions, or a passing shortage: tried again, said once.
                *seen = Seen {
                    known: seen.known,
                    state: Judged::Unreadable,
                    ..Seen::new(stamp, look.now)
                };
                let reason = match error {
                    OpenError::Denied => "the export service may not read it".to_owned(),
                    other => other.to_string(),
                };
                tracker.tell(name.as_bytes(), reason, scanned);
                scanned.look_again(look.settle.patience);
                return None;
            }
        };
        let oversize = bytes.len() > MOST_MANIFEST_BYTES;
        let came = if seen.renamed { Came::ByRename } else { Came::Otherwise };
        if seen.state == Judged::Unread && (oversize || !(look.complete)(&bytes, came)) {
            seen.state = Judged::Incomplete;
        }
        if seen.state == Judged::Incomplete
            && let Verdict::Wait(wait) = seen.verdict(look.now, look.settle)
        {
            scanned.settling.push(seen.settling(name, look.now, wait));
            return None;
        }
        let mut bytes = bytes;
        if oversize {
            bytes.truncate(OVERSIZE_KEPT_BYTES);
        }
        Some(Ready { path, bytes, stamp, oversize })
    }

    /// Clears an accepted file and notes what came of it.
    fn clear_seen(
        &self,
        tracker: &mut Tracker,
        (path, id): (&RelPath, &JobId),
        open: &Open,
        (look, scanned): (&Look<'_>, &mut Scanned),
    ) {
        let name = path.as_str();
        let Some(seen) = tracker.files.get(name) else { return };
        match self.clear(&open.drop, &open.taken, (path, &seen.stamp), id) {
            // Looked at as a new file by the next scan.
            Cleared::Gone => {
                tracker.files.remove(name);
                tracker.backlog.is_gone(name);
            }
            Cleared::Changed => {
                tracker.files.remove(name);
                scanned.next = Some(Duration::ZERO);
            }
            Cleared::Stuck(error) => {
                if let Some(seen) = tracker.files.get_mut(name) {
                    seen.since = look.now;
                }
                scanned.look_again(AFTER_TROUBLE);
                let reason = format!("it was accepted but cannot be removed: {error}");
                tracker.tell(name.as_bytes(), reason, scanned);
            }
        }
    }
}

impl Seen {
    fn settling(&self, name: &str, now: Instant, wait: Duration) -> Settling {
        let known = now.saturating_duration_since(self.known);
        Settling { name: name.to_owned(), known, wait }
    }
}

/// Reads a manifest, or the beginning of one that is too long; `None` when it is no longer, or
/// does not stay, in the state it was listed in.
fn read(drop: &Root, path: &RelPath, listed: &Stamp) -> Result<Option<Vec<u8>>, OpenError> {
    let (file, before) = drop.open_file(path)?;
    let mut bytes = Vec::new();
    (&file).take(MOST_MANIFEST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let same = before == *listed && Stamp::of(&file)? == before;
    Ok(same.then_some(bytes))
}
