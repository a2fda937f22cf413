//! Wake-ups from the drop folder; the only door to `notify`.
//!
//! Events are a hint and nothing more. The kernel drops them when its queue is full, network and
//! stacked file systems never send them for what happens elsewhere, and a watch goes deaf without
//! a word when its folder is unmounted, mounted over or replaced. So an event sets one flag, wakes
//! whoever waits, and at most leaves a name behind (those that came by rename, of which the first
//! few thousand are kept). What is in the folder is told by listing it, and [`Mode::interval`] says
//! how often that is done although nobody woke us.
//!
//! Order at the start and at each new arming: watch first, then list, so that nothing falls into
//! the gap.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind, RemoveKind, RenameMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use rustix::fs::{AtFlags, CWD, StatxFlags};
use rustix::io::Errno;

use super::accept::CORNER;
use super::control::CONTROL;
use super::scan::is_manifest_name;

/// How often the folder is listed although no event came.
const RESCAN: Duration = Duration::from_secs(60);
/// How often it is listed when events cannot be relied on.
const POLL: Duration = Duration::from_secs(5);
/// How often it is looked whether the watched folder is still the one of that path.
const CHECK: Duration = Duration::from_secs(10);
/// How often arming is tried again after it failed.
const RETRY: Duration = Duration::from_secs(60);
/// Most names kept of files that came by rename; the others must keep still like any file.
const MOST_MOVED_IN: usize = 4096;

/// How news of the drop folder arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// By events of the kernel.
    Events,
    /// By listing it every few seconds, and by events where there are some.
    Polling(Why),
}

/// Why events are not relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The file system, by its name, does not report changes made elsewhere.
    FileSystem(&'static str),
    /// The kernel's limit of watches or of watchers (`fs.inotify.max_user_*`) is reached.
    Limit,
    /// There is no such folder.
    Gone,
    /// Something else, in the system's words.
    Other(String),
}

impl Mode {
    /// Returns how long to wait at most before listing the folder again.
    #[must_use]
    pub const fn interval(&self) -> Duration {
        match self {
            Self::Events => RESCAN,
            Self::Polling(_) => POLL,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.interval().as_secs();
        match self {
            Self::Events => write!(f, "woken by events"),
            Self::Polling(Why::FileSystem(name)) => {
                write!(f, "looking every {seconds} s, because {name} does not report all changes")
            }
            Self::Polling(Why::Limit) => write!(
                f,
                "looking every {seconds} s, because fs.inotify.max_user_watches or \
                 max_user_instances is reached"
            ),
            Self::Polling(Why::Gone) => {
                write!(f, "looking every {seconds} s, because the folder is not there")
            }
            Self::Polling(Why::Other(reason)) => write!(f, "looking every {seconds} s: {reason}"),
        }
    }
}

/// What has been heard since the last time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Whether a listing is called for.
    pub changed: bool,
    /// Names that came by rename.
    pub moved_in: HashSet<String>,
}

/// A watch on the drop folder that never fails, only degrades.
#[derive(Debug)]
pub struct Watch {
    folder: PathBuf,
    heard: Arc<Heard>,
    armed: Option<(RecommendedWatcher, Identity)>,
    /// Whether the folder of requests is watched too.
    requests: bool,
    mode: Mode,
    checked: Instant,
    tried: Instant,
}

/// Shared with the thread of `notify`.
struct Heard {
    changed: AtomicBool,
    /// The watched folder itself was removed or renamed.
    lost: AtomicBool,
    moved_in: Mutex<HashSet<String>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard").field("changed", &self.changed).finish_non_exhaustive()
    }
}

/// What tells one folder from another that has its path; with the time of birth, because a
/// removed folder's inode number is soon used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    dev: (u32, u32),
    ino: u64,
    born: Option<(i64, u32)>,
}

impl Identity {
    fn of(folder: &Path) -> rustix::io::Result<Self> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = rustix::fs::statx(CWD, folder, AtFlags::empty(), wanted)?;
        let has_birth = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
        Ok(Self {
            dev: (stat.stx_dev_major, stat.stx_dev_minor),
            ino: stat.stx_ino,
            born: has_birth.then_some((stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec)),
        })
    }
}

impl Watch {
    /// Begins to watch. `wake` is called from another thread when there is news after none; it
    /// must not block (`sync_channel(1).try_send` is meant).
    #[must_use]
    pub fn start(folder: &Path, now: Instant, wake: impl Fn() + Send + Sync + 'static) -> Self {
        let heard = Arc::new(Heard {
            changed: AtomicBool::new(true),
            lost: AtomicBool::new(false),
            moved_in: Mutex::default(),
            wake: Box::new(wake),
        });
        let mut watch = Self {
            folder: folder.to_owned(),
            heard,
            armed: None,
            requests: false,
            mode: Mode::Polling(Why::Gone),
            checked: now,
            tried: now,
        };
        watch.arm(now);
        watch
    }

    /// Returns how news arrives at present.
    #[must_use]
    pub fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Tells whether requests are news, so that they need not be looked for all the time.
    #[must_use]
    pub fn hears_requests(&self) -> bool {
        self.requests && self.mode == Mode::Events
    }

    /// Takes what has been heard.
    #[must_use]
    pub fn take(&self) -> News {
        // In this order: news between the two lines is told again, not lost.
        let changed = self.heard.changed.swap(false, Ordering::AcqRel);
        News { changed, moved_in: std::mem::take(&mut *self.heard.names()) }
    }

    /// Looks, at most every ten seconds, whether the watch is still on the folder of that path,
    /// and arms it again if not; to be called often.
    pub fn check(&mut self, now: Instant) {
        let lost = self.heard.lost.swap(false, Ordering::AcqRel);
        if !lost && now.saturating_duration_since(self.checked) < CHECK {
            return;
        }
        self.checked = now;
        let there = Identity::of(&self.folder).ok();
        let watched = self.armed.as_ref().map(|(_, identity)| *identity);
        match (there, watched) {
            (Some(there), Some(watched)) if there == watched && !lost => self.arm_requests(),
            (Some(_), Some(_)) => self.arm(now),
            (Some(_), None) => {
                let appeared = self.mode == Mode::Polling(Why::Gone);
                if appeared || now.saturating_duration_since(self.tried) >= RETRY {
                    self.arm(now);
                }
            }
            (None, _) => {
                self.armed = None;
                self.requests = false;
                self.become_mode(Mode::Polling(Why::Gone));
            }
        }
    }

    fn arm(&mut self, now: Instant) {
        self.tried = now;
        // The old one first: the new one may need its place in the kernel's limits.
        self.armed = None;
        self.requests = false;
        let mode = match arm(&self.folder, &self.heard) {
            Ok((watcher, identity)) => {
                self.armed = Some((watcher, identity));
                match file_system(&self.folder) {
                    None => Mode::Events,
                    Some(name) => Mode::Polling(Why::FileSystem(name)),
                }
            }
            Err(why) => Mode::Polling(why),
        };
        self.become_mode(mode);
        self.arm_requests();
        self.heard.news();
    }

    /// Watches the folder of requests as soon as there is one.
    fn arm_requests(&mut self) {
        let Some((watcher, _)) = &mut self.armed else { return };
        if self.requests {
            return;
        }
        let folder = self.folder.join(CORNER).join(CONTROL);
        match watcher.watch(&folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.requests = true;
                self.heard.news();
            }
            Err(error) => tracing::debug!(%error, "no events for requests"),
        }
    }

    fn become_mode(&mut self, mode: Mode) {
        if self.mode != mode {
            tracing::info!(folder = %self.folder.display(), %mode, "drop folder");
            self.mode = mode;
        }
    }
}

/// Sets up a watcher; on success the watch is on the folder of that identity.
fn arm(folder: &Path, heard: &Arc<Heard>) -> Result<(RecommendedWatcher, Identity), Why> {
    let before = Identity::of(folder).map_err(|error| match error {
        Errno::NOENT | Errno::NOTDIR => Why::Gone,
        other => Why::Other(std::io::Error::from(other).to_string()),
    })?;
    let (told, path) = (Arc::clone(heard), folder.to_owned());
    let mut watcher =
        notify::recommended_watcher(move |event| told.hear(&path, event)).map_err(why)?;
    watcher.watch(folder, RecursiveMode::NonRecursive).map_err(why)?;
    match Identity::of(folder) {
        Ok(after) if after == before => Ok((watcher, after)),
        // Replaced while we armed; looked at again at the next check.
        _ => Err(Why::Gone),
    }
}

fn why(error: notify::Error) -> Why {
    match error.kind {
        ErrorKind::MaxFilesWatch => Why::Limit,
        ErrorKind::PathNotFound => Why::Gone,
        ErrorKind::Io(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOSPC | Errno::NOMEM) => Why::Limit,
            Some(Errno::NOENT) => Why::Gone,
            _ => Why::Other(error.to_string()),
        },
        ErrorKind::Generic(reason) => Why::Other(reason),
        other @ (ErrorKind::WatchNotFound | ErrorKind::InvalidConfig(_)) => {
            Why::Other(format!("{other:?}"))
        }
    }
}

impl Heard {
    fn names(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.moved_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn news(&self) {
        if !self.changed.swap(true, Ordering::AcqRel) {
            (self.wake)();
        }
    }

    fn hear(&self, folder: &Path, event: notify::Result<Event>) {
        let Ok(event) = event else {
            // Something went wrong in between: whatever it was, the listing will show.
            self.news();
            return;
        };
        // An overflow names no path and must be seen before anything is decided by paths.
        if event.need_rescan() {
            self.news();
            return;
        }
        if !event_matters(event.kind) {
            return;
        }
        let mut news = false;
        for path in &event.paths {
            if path == folder {
                if matches!(
                    event.kind,
                    EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
                ) {
                    self.lost.store(true, Ordering::Release);
                }
                news = true;
            } else if path.parent() == Some(folder) {
                let Some(name) = manifest_name(path) else { continue };
                if is_moved_in(event.kind) {
                    let mut names = self.names();
                    if names.len() < MOST_MOVED_IN {
                        names.insert(name.to_owned());
                    }
                }
                news = true;
            } else if path.extension() == Some(OsStr::new("json")) {
                news = true;
            }
        }
        if news {
            self.news();
        }
    }
}

/// Tells whether an event may mean a new or another manifest; our own reading must not, or
/// listing the folder would call for listing it.
fn event_matters(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Remove(kind) => kind != RemoveKind::File,
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => true,
    }
}

fn is_moved_in(kind: EventKind) -> bool {
    matches!(kind, EventKind::Modify(ModifyKind::Name(RenameMode::To)))
}

fn manifest_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str().filter(|name| is_manifest_name(name))
}

/// Names the file system when it is of a kind that does not report changes made elsewhere.
///
/// The numbers are those of statfs(2); overlay is in the list because a change in its lower layer
/// is not reported.
fn file_system(folder: &Path) -> Option<&'static str> {
    const KINDS: [(u64, &str); 10] = [
        (0x6969, "NFS"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB2"),
        (0x517b, "SMB"),
        (0x6573_5546, "FUSE"),
        (0x0102_1997, "9P"),
        (0x794c_7630, "overlay"),
        (0x00c3_6400, "Ceph"),
        (0x5346_414f, "AFS"),
        (0x786f_4256, "vboxsf"),
    ];
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // Sign-extended on some machines; the numbers have 32 bits.
    let kind = u64::try_from(i128::from(kind) & 0xffff_ffff).ok()?;
    KINDS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};

    const LONG: Duration = Duration::from_secs(10);

    fn watch(folder: &Path) -> (Watch, Receiver<()>, Instant) {
        let (send, receive) = sync_channel(1);
        let now = Instant::now();
        let watch = Watch::start(folder, now, move || {
            let _ = send.try_send(());
        });
        (watch, receive, now)
    }

    /// Waits until the names have come by rename.
    fn await_moved_in(watch: &Watch, woken: &Receiver<()>, names: &[&str]) {
        let mut heard = HashSet::new();
        while !names.iter().all(|name| heard.contains(*name)) {
            woken.recv_timeout(LONG).unwrap();
            heard.extend(watch.take().moved_in);
        }
    }

    fn drop_by_rename(folder: &Path, name: &str) {
        crate::fs::write_atomic(&folder.join(name), b"x", 0o600).unwrap();
    }

    #[test]
    fn a_start_calls_for_a_listing_and_a_rename_tells_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let (watch, woken, _) = watch(dir.path());
        assert_eq!(watch.take(), News { changed: true, moved_in: HashSet::new() });
        drop_by_rename(dir.path(), "a.toml");
        await_moved_in(&watch, &woken, &["a.toml"]);
    }

    #[test]
    fn a_replaced_folder_is_watched_anew() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("drop");
        std::fs::create_dir(&folder).unwrap();
        let (mut watch, woken, now) = watch(&folder);
        std::fs::remove_dir(&folder).unwrap();
        watch.check(now + CHECK);
        assert_eq!(*watch.mode(), Mode::Polling(Why::Gone));
        assert_eq!(watch.mode().interval(), POLL);
        std::fs::create_dir(&folder).unwrap();
        watch.check(now + CHECK * 2);
        assert_ne!(*watch.mode(), Mode::Polling(Why::Gone));
        assert!(watch.take().changed, "a new folder calls for a listing");
        drop_by_rename(&folder, "a.toml");
        await_moved_in(&watch, &woken, &["a.toml"]);
        // Replaced between two checks, so that its absence is never seen.
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
        watch.check(now + CHECK * 3);
        drop_by_rename(&folder, "b.toml");
        await_moved_in(&watch, &woken, &["b.toml"]);
    }

    #[test]
    fn requests_are_heard_as_soon_as_there_is_a_folder_for_them() {
        let dir = tempfile::tempdir().unwrap();
        let (mut watch, woken, now) = watch(dir.path());
        assert!(!watch.hears_requests());
        let control = dir.path().join(CORNER).join(CONTROL);
        std::fs::create_dir_all(&control).unwrap();
        watch.check(now + CHECK);
        assert_eq!(watch.hears_requests(), *watch.mode() == Mode::Events);
        let _ = watch.take();
        while woken.try_recv().is_ok() {}
        drop_by_rename(&control, "1-0.json");
        woken.recv_timeout(LONG).unwrap();
        assert!(watch.take().changed);
    }

    #[test]
    fn a_missing_folder_is_no_reason_to_fail() {
        let dir = tempfile::tempdir().unwrap();
        let (watch, _woken, _) = watch(&dir.path().join("none"));
        assert_eq!(*watch.mode(), Mode::Polling(Why::Gone));
    }

    fn heard() -> Heard {
        Heard {
            changed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
            moved_in: Mutex::default(),
            wake: Box::new(|| {}),
        }
    }

    fn after(kind: EventKind, path: &str) -> (bool, HashSet<String>) {
        let heard = heard();
        heard.hear(Path::new("/drop"), Ok(Event::new(kind).add_path(path.into())));
        (heard.changed.into_inner(), heard.moved_in.into_inner().unwrap())
    }

    #[test]
    fn our_own_reading_and_other_files_are_no_news() {
        use notify::event::{CreateKind, DataChange};
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let written = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let created = EventKind::Create(CreateKind::File);
        let none = HashSet::new();
        for (kind, path, news) in [
            (opened, "/drop", false),
            (opened, "/drop/a.toml", false),
            (EventKind::Access(AccessKind::Close(AccessMode::Read)), "/drop/a.toml", false),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), "/drop/a.toml", true),
            (EventKind::Remove(RemoveKind::File), "/drop/a.toml", false),
            (written, "/drop/a.toml", true),
            (created, "/drop/.a.toml.tmp", false),
            (created, "/drop/a.toml.FAILED.txt", false),
            (created, "/drop/a.toml", true),
            (created, "/drop/.exportd/control/1-0.json", true),
        ] {
            assert_eq!(after(kind, path), (news, none.clone()), "{kind:?} {path}");
        }
    }

    #[test]
    fn an_overflow_without_a_path_calls_for_a_listing() {
        let heard = heard();
        let overflow = Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        heard.hear(Path::new("/drop"), Ok(overflow));
        assert!(heard.changed.into_inner());
    }

    #[test]
    fn names_are_kept_up_to_a_bound() {
        let heard = heard();
        let kind = EventKind::Modify(ModifyKind::Name(RenameMode::To));
        for n in 0..MOST_MOVED_IN + 10 {
            let path = format!("/drop/{n}.toml").into();
            heard.hear(Path::new("/drop"), Ok(Event::new(kind).add_path(path)));
        }
        assert_eq!(heard.names().len(), MOST_MOVED_IN);
    }

    #[test]
    fn a_local_disk_is_not_polled() {
        assert_eq!(file_system(Path::new("/proc")), None);
        assert_eq!(file_system(Path::new("/nowhere")), None);
    }
}
