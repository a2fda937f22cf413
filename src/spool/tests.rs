use super::*;

mod rest;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::disk::crash;
use super::scan::MOST_PER_SCAN;

/// A drop folder and a spool in a folder of their own.
pub(super) struct Place {
    _dir: tempfile::TempDir,
    pub(super) folders: Folders,
    start: Instant,
}

pub(super) const WALL: &str = "2026-11-23T14:00:00Z";

/// What the tests call a whole manifest.
pub(super) fn complete(bytes: &[u8], _: Came) -> bool {
    bytes.ends_with(b"end")
}

impl Place {
    pub(super) fn new() -> Self {
        // Memory where there is some: hundreds of spools are synced to death here.
        let shm = Path::new("/dev/shm");
        let dir = tempfile::tempdir_in(shm).or_else(|_| tempfile::tempdir()).unwrap();
        let aside = dir.path().join("run");
        std::fs::create_dir(&aside).unwrap();
        let folders = Folders {
            drop: dir.path().join("drop"),
            spool: dir.path().join("lib/spool"),
            aside: Some(aside),
        };
        Self { _dir: dir, folders, start: Instant::now() }
    }

    pub(super) fn open(&self) -> (Spool, Recovered) {
        Spool::open(&self.folders).unwrap()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folders.drop.join(name)
    }

    /// Writes into the drop folder in place, as an editor or a copy does.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        let _ = std::fs::remove_file(&path);
        crate::fs::write_new(&path, bytes, 0o640).unwrap();
    }

    /// Puts a file into the drop folder by rename.
    pub(super) fn rename_in(&self, name: &str, bytes: &[u8]) {
        crate::fs::write_atomic(&self.path(name), bytes, 0o640).unwrap();
    }

    /// Looks `ms` milliseconds after the beginning.
    pub(super) fn look(&self, spool: &Spool, ms: u64, moved_in: &[&str]) -> Scanned {
        self.try_look(spool, ms, moved_in).unwrap()
    }

    pub(super) fn try_look(
        &self,
        spool: &Spool,
        ms: u64,
        moved_in: &[&str],
    ) -> Result<Scanned, SpoolError> {
        let moved_in = moved_in.iter().map(|name| (*name).to_owned()).collect();
        spool.scan(&Look {
            now: self.start + Duration::from_millis(ms),
            wall: WALL.parse().unwrap(),
            settle: Settle::default(),
            moved_in: &moved_in,
            complete: &complete,
        })
    }

    /// Drops and accepts one manifest.
    pub(super) fn accepted(&self, spool: &Spool, name: &str, bytes: &[u8]) -> Record {
        self.rename_in(name, bytes);
        let mut scanned = self.look(spool, 0, &[name]);
        assert_eq!(scanned.accepted.len(), 1, "{scanned:?}");
        scanned.accepted.remove(0)
    }

    pub(super) fn ids(&self, state: State) -> Vec<JobId> {
        list(&self.folders, state).unwrap().into_iter().map(|job| job.id).collect()
    }

    fn job(&self, state: State, id: &JobId) -> PathBuf {
        self.folders.spool.join(state.folder()).join(id.as_str())
    }
}

fn names(scanned: &Scanned) -> Vec<&str> {
    scanned.accepted.iter().map(|record| record.name.as_str()).collect()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn names_of_manifests() {
    for name in ["a.toml", "ä b.toml", "spring 2026.v2.toml", "-.toml", "a.toml.toml"] {
        assert!(is_manifest_name(name), "{name}");
    }
    for name in [
        ".toml",
        ".a.toml",
        "_a.toml",
        "~a.toml",
        "~$a.toml",
        "._a.toml",
        ".#a.toml",
        "#a.toml#",
        "a.toml~",
        "a.toml.part",
        "a.toml.filepart",
        "a.toml.crdownload",
        "a.toml.tmp",
        "a.toml.swp",
        ".a.toml.swp",
        "a.toml.FAILED.txt",
        "a.tml",
        "toml",
        "",
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        ".nfs0001.toml",
        ".fuse_hidden01.toml",
        "a.toml ",
        "a.TOML",
    ] {
        assert!(!is_manifest_name(name), "{name}");
    }
}

#[test]
fn a_renamed_manifest_is_taken_at_once_and_leaves_the_folder() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.rename_in("a.toml", b"one end");
    let scanned = place.look(&spool, 0, &["a.toml"]);
    assert_eq!(names(&scanned), ["a.toml"]);
    assert!(scanned.trouble.is_none() && scanned.next.is_none(), "{scanned:?}");
    assert!(!place.path("a.toml").exists());
    let record = &scanned.accepted[0];
    assert_eq!((record.number, record.received), (1, time(WALL)));
    assert_eq!(record.uid, rustix::process::getuid().as_raw());
    let folder = place.job(State::Queue, &record.id);
    assert_eq!(std::fs::read(folder.join("manifest.toml")).unwrap(), b"one end");
    assert_eq!(names(&place.look(&spool, 100, &[])), [""; 0]);
}

#[test]
fn a_renamed_manifest_that_does_not_parse_is_taken_two_seconds_later() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.rename_in("a.toml", b"broken");
    let scanned = place.look(&spool, 0, &["a.toml"]);
    assert_eq!(names(&scanned), [""; 0]);
    assert_eq!(scanned.next, Some(Duration::from_secs(2)));
    assert_eq!(names(&place.look(&spool, 1_999, &[])), [""; 0]);
    assert_eq!(names(&place.look(&spool, 2_000, &[])), ["a.toml"]);
}

#[test]
fn any_other_manifest_must_keep_still_for_two_seconds_or_ten() {
    let place = Place::new();
    drop(place.open());
    place.write("good.toml", b"one end");
    place.write("bad.toml", b"one");
    let (spool, _) = place.open();
    let scanned = place.look(&spool, 0, &[]);
    assert_eq!(scanned.settling.len(), 2);
    assert_eq!(names(&place.look(&spool, 1_999, &[])), [""; 0]);
    assert_eq!(names(&place.look(&spool, 2_000, &[])), ["good.toml"]);
    let scanned = place.look(&spool, 9_000, &[]);
    assert_eq!(names(&scanned), [""; 0]);
    assert_eq!(
        scanned.settling,
        [Settling {
            name: "bad.toml".into(),
            known: Duration::from_secs(9),
            wait: Duration::from_secs(1)
        }]
    );
    assert_eq!(names(&place.look(&spool, 10_000, &[])), ["bad.toml"]);
}

#[test]
fn a_slow_writer_is_waited_for_and_its_prefixes_are_never_taken() {
    let place = Place::new();
    let (spool, _) = place.open();
    let text = b"x end, and more, end";
    for length in 1..=text.len() as u64 {
        // Each prefix keeps still for a little less than two seconds; two of them parse.
        place.write("a.toml", &text[..usize::try_from(length).unwrap()]);
        assert_eq!(names(&place.look(&spool, length * 2_000, &[])), [""; 0]);
        assert_eq!(names(&place.look(&spool, length * 2_000 + 1_900, &[])), [""; 0]);
    }
    let scanned = place.look(&spool, 42_000, &[]);
    assert_eq!(names(&scanned), ["a.toml"]);
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!(claim.manifest(), text);
}

#[test]
fn same_size_same_mtime_is_seen_by_the_change_time() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.write("a.toml", b"1 end");
    let path = place.path("a.toml");
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    place.look(&spool, 0, &[]);
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // The kernel's clock of change times moves in ticks of some milliseconds.
    std::thread::sleep(Duration::from_millis(12));
    io::Write::write_all(&mut file, b"2 end").unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(names(&place.look(&spool, 2_000, &[])), [""; 0]);
    assert_eq!(names(&place.look(&spool, 4_000, &[])), ["a.toml"]);
    assert_eq!(spool.claim().unwrap().unwrap().manifest(), b"2 end");
}

#[test]
fn a_name_written_again_after_its_rename_must_keep_still() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.rename_in("a.toml", b"one");
    place.look(&spool, 0, &["a.toml"]);
    place.write("a.toml", b"other");
    place.look(&spool, 1_000, &[]);
    assert_eq!(names(&place.look(&spool, 10_999, &[])), [""; 0]);
    assert_eq!(names(&place.look(&spool, 11_000, &[])), ["a.toml"]);
}

#[test]
fn what_is_no_file_is_skipped_with_a_reason_once() {
    use rustix::fs::{CWD, FileType, Mode};
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let (spool, _) = place.open();
    std::fs::create_dir(place.path("folder.toml")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place.path("link.toml")).unwrap();
    rustix::fs::mknodat(CWD, place.path("pipe.toml"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    place.write("LOUD.TOML", b"end");
    place.write("bell\u{7}.toml", b"end");
    place.write("notes.txt", b"end");
    let latin = std::ffi::OsStr::from_bytes(b"caf\xe9.toml");
    crate::fs::write_new(&place.folders.drop.join(latin), b"end", 0o600).unwrap();
    let mut skipped = place.look(&spool, 0, &[]).skipped;
    skipped.sort_by(|a, b| a.name.cmp(&b.name));
    let said: Vec<String> = skipped.iter().map(|s| format!("{}: {}", s.name, s.reason)).collect();
    assert_eq!(
        said,
        [
            "LOUD.TOML: the names of manifests end in \".toml\", in small letters",
            "bell\\u{7}.toml: the name has an invisible character (U+0007)",
            "caf\u{fffd}.toml: its name is not UTF-8",
            "folder.toml: it is a folder, not a file",
            "link.toml: it is a symbolic link, not a file",
            "pipe.toml: it is a named pipe, not a file",
        ]
    );
    let again = place.look(&spool, 60_000, &["link.toml", "pipe.toml"]);
    assert!(again.skipped.is_empty() && again.accepted.is_empty(), "{again:?}");
    // Another thing under that name is said again.
    std::fs::remove_dir(place.path("folder.toml")).unwrap();
    std::os::unix::fs::symlink("x", place.path("folder.toml")).unwrap();
    assert_eq!(place.look(&spool, 61_000, &[]).skipped.len(), 1);
}

#[test]
fn a_manifest_that_is_too_long_is_kept_by_its_beginning() {
    let place = Place::new();
    let (spool, _) = place.open();
    let mut bytes = vec![b'x'; MOST_MANIFEST_BYTES];
    bytes.extend_from_slice(b"end");
    place.rename_in("long.toml", &bytes);
    assert_eq!(names(&place.look(&spool, 0, &["long.toml"])), [""; 0]);
    let scanned = place.look(&spool, 2_000, &[]);
    assert!(scanned.accepted[0].oversize);
    assert!(!place.path("long.toml").exists());
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!(claim.manifest(), &bytes[..OVERSIZE_KEPT_BYTES]);
    // One of exactly the greatest length is whole.
    bytes.drain(..3);
    assert!(!place.accepted(&spool, "fits.toml", &bytes).oversize);
}

#[test]
fn dropped_again_is_a_new_job_and_scanned_again_is_not() {
    let place = Place::new();
    let (spool, _) = place.open();
    let first = place.accepted(&spool, "a.toml", b"same end");
    let second = place.accepted(&spool, "a.toml", b"same end");
    assert_ne!(first.id, second.id);
    assert_eq!(second.number, first.number + 1);
    assert_eq!(place.ids(State::Queue).len(), 2);
}

#[test]
fn a_manifest_replaced_while_it_is_accepted_is_a_job_of_its_own() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.rename_in("a.toml", b"first end");
    let replaced = std::cell::Cell::new(false);
    let moved_in = HashSet::from(["a.toml".to_owned()]);
    let complete = |_: &[u8], _: Came| {
        // It has been read; now somebody drops another under that name.
        if !replaced.replace(true) {
            place.rename_in("a.toml", b"second end");
        }
        true
    };
    let mut look = Look {
        now: place.start,
        wall: time(WALL),
        settle: Settle::default(),
        moved_in: &moved_in,
        complete: &complete,
    };
    let scanned = spool.scan(&look).unwrap();
    assert_eq!((names(&scanned), scanned.next), (vec!["a.toml"], Some(Duration::ZERO)));
    assert!(place.path("a.toml").exists());
    look.now += Duration::from_millis(1);
    assert_eq!(names(&spool.scan(&look).unwrap()), ["a.toml"]);
    let manifests: HashSet<Vec<u8>> = std::iter::from_fn(|| spool.claim().unwrap())
        .map(|claim| claim.manifest().to_owned())
        .collect();
    assert_eq!(manifests, HashSet::from([b"first end".to_vec(), b"second end".to_vec()]));
}

#[test]
fn no_crash_while_accepting_loses_or_doubles_a_manifest() {
    for steps in 0.. {
        let place = Place::new();
        let (spool, _) = place.open();
        place.rename_in("a.toml", b"one end");
        crash::after(steps);
        let _ = place.try_look(&spool, 0, &["a.toml"]);
        drop(spool);
        let died = crash::end();
        let (spool, recovered) = place.open();
        assert!(recovered.notices.is_empty(), "step {steps}: {:?}", recovered.notices);
        place.look(&spool, 10_000, &[]);
        place.look(&spool, 12_000, &[]);
        assert_eq!(place.ids(State::Queue).len(), 1, "step {steps}");
        assert!(!place.path("a.toml").exists(), "step {steps}");
        for left in [place.path(".exportd/taken"), place.folders.spool.join("tmp")] {
            assert_eq!(std::fs::read_dir(&left).unwrap().count(), 0, "step {steps}: {left:?}");
        }
        if !died {
            assert!(steps > 10, "the steps are counted");
            break;
        }
    }
}

#[test]
fn what_a_crash_left_on_its_way_out_is_removed_or_put_back() {
    let place = Place::new();
    let (spool, _) = place.open();
    let record = place.accepted(&spool, "a.toml", b"one end");
    let taken = place.path(".exportd/taken").join(record.id.as_str());
    // Not the file of which the job was made, although it was moved under its id.
    crate::fs::write_new(&taken, b"other end", 0o600).unwrap();
    drop(spool);
    let (spool, _) = place.open();
    place.look(&spool, 0, &[]);
    assert!(!taken.exists());
    assert_eq!(std::fs::read(place.path("a.toml")).unwrap(), b"other end");
    assert_eq!(names(&place.look(&spool, 2_000, &[])), ["a.toml"]);
}

#[test]
fn a_drop_folder_that_cannot_be_used_is_trouble_and_nothing_is_taken() {
    let place = Place::new();
    std::fs::create_dir(&place.folders.drop).unwrap();
    place.write(".exportd", b"in the way");
    let (spool, _) = place.open();
    place.write("a.toml", b"end");
    place.look(&spool, 0, &[]);
    let scanned = place.look(&spool, 2_000, &[]);
    assert!(scanned.trouble.is_some() && scanned.accepted.is_empty(), "{scanned:?}");
    std::fs::remove_file(place.path(".exportd")).unwrap();
    place.look(&spool, 4_000, &[]);
    assert_eq!(names(&place.look(&spool, 6_000, &[])), ["a.toml"]);
    std::fs::remove_dir_all(&place.folders.drop).unwrap();
    assert!(place.look(&spool, 7_000, &[]).trouble.is_some());
}

#[test]
fn one_daemon_has_the_spool() {
    let place = Place::new();
    let (_spool, _) = place.open();
    assert!(matches!(Spool::open(&place.folders), Err(SpoolError::AlreadyRunning { .. })));
}

#[test]
fn a_claim_goes_its_way_and_its_journal_stays() {
    let place = Place::new();
    let (spool, _) = place.open();
    let record = place.accepted(&spool, "a.toml", b"end");
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!((claim.record(), claim.attempt()), (&record, 1));
    assert!(spool.claim().unwrap().is_none());
    claim.journal().append(&"asset 1").unwrap();
    claim.journal().append_lazily(&"asset 2").unwrap();
    claim.release().unwrap();
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!(claim.steps::<String>().unwrap(), ["asset 1", "asset 2"]);
    assert_eq!(claim.attempt(), 1, "an orderly stop is no interruption");
    claim.finish(Ended::Failed).unwrap();
    assert_eq!(place.ids(State::Failed), std::slice::from_ref(&record.id));
    // The operator's way to run it once more.
    crate::fs::publish(&place.job(State::Failed, &record.id), &place.job(State::Queue, &record.id))
        .unwrap();
    let claim = spool.claim().unwrap().unwrap();
    claim.finish(Ended::Done).unwrap();
    assert_eq!(place.ids(State::Done), [record.id]);
}

#[test]
fn the_oldest_is_claimed_first_and_each_once() {
    let place = Place::new();
    let (spool, _) = place.open();
    let names: Vec<String> = (0..30).map(|n| format!("{n}.toml")).collect();
    for name in &names {
        place.accepted(&spool, name, b"end");
    }
    let claimed: Vec<String> = std::iter::from_fn(|| spool.claim().unwrap())
        .map(|claim| claim.record().name.clone())
        .collect();
    assert_eq!(claimed, names);
}

#[test]
fn three_interruptions_are_reported_and_then_laid_aside() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    drop(spool);
    for attempt in 1..=MOST_ATTEMPTS {
        let (spool, recovered) = place.open();
        assert!(recovered.poisoned.is_empty());
        assert_eq!(recovered.resumed.len(), usize::from(attempt > 1));
        assert_eq!(spool.claim().unwrap().unwrap().attempt(), attempt);
    }
    let (spool, mut recovered) = place.open();
    let claim = recovered.poisoned.pop().unwrap();
    assert_eq!((claim.attempt(), claim.manifest()), (MOST_ATTEMPTS, &b"end"[..]));
    assert!(spool.claim().unwrap().is_none(), "it is not to be run");
    // Not reported: interrupted again.
    drop((claim, recovered, spool));
    let (spool, recovered) = place.open();
    assert!(recovered.poisoned.is_empty());
    assert_eq!(recovered.notices[0].moved_to, format!("corrupt/{id}"));
    drop((spool, recovered));
    assert_eq!(place.ids(State::Corrupt), [id]);
}

#[test]
fn who_was_excused_was_not_interrupted() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    let other = place.accepted(&spool, "b.toml", b"end").id;
    drop(spool);
    for attempt in 1..=2 * MOST_ATTEMPTS {
        let (spool, recovered) = place.open();
        assert!(recovered.poisoned.len() <= 1 && recovered.notices.len() <= 1);
        // The one that nobody excuses goes its way.
        for claim in recovered.poisoned {
            assert_eq!(claim.record().id, other);
        }
        let claims: Vec<Claim> = std::iter::from_fn(|| spool.claim().unwrap()).collect();
        let claim = claims.iter().find(|claim| claim.record().id == id).unwrap();
        assert_eq!(claim.attempt(), 1, "attempt {attempt}");
        assert_eq!(claims.len() == 2, attempt <= MOST_ATTEMPTS);
        spool.farewell(std::slice::from_ref(&id)).unwrap();
    }
    drop(place.open());
    assert_eq!(place.ids(State::Corrupt), [other]);
    assert!(!place.folders.spool.join("farewell").exists(), "it holds once");
    // Said, but not of this end.
    drop(place.open().0.claim().unwrap().unwrap());
    assert_eq!(place.open().0.claim().unwrap().unwrap().attempt(), 2);
}

#[test]
fn a_given_up_job_that_was_excused_is_reported_on_again() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    drop(spool);
    for _ in 0..MOST_ATTEMPTS {
        let _ = place.open().0.claim().unwrap().unwrap();
    }
    for _ in 0..3 {
        let (spool, recovered) = place.open();
        assert_eq!(recovered.poisoned.len(), 1);
        assert!(spool.claim().unwrap().is_none(), "it is not to be run");
        spool.farewell(std::slice::from_ref(&id)).unwrap();
    }
}

#[test]
fn a_farewell_is_left_elsewhere_when_the_spool_takes_nothing() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    let _claim = spool.claim().unwrap().unwrap();
    crash::after(0);
    spool.farewell(&[id]).unwrap();
    assert!(crash::end());
    drop((_claim, spool));
    let (spool, _) = place.open();
    assert_eq!(spool.claim().unwrap().unwrap().attempt(), 1);
    let aside = place.folders.aside.clone().unwrap();
    assert_eq!(std::fs::read_dir(aside).unwrap().count(), 0, "it holds once");
}

#[test]
fn no_crash_around_a_farewell_loses_a_job_or_counts_twice() {
    for steps in 0.. {
        let place = Place::new();
        let (spool, _) = place.open();
        let id = place.accepted(&spool, "a.toml", b"end").id;
        drop(spool.claim().unwrap().unwrap());
        spool.farewell(&[id]).unwrap();
        drop(spool);
        crash::after(steps);
        let opened = Spool::open(&place.folders).is_ok();
        let died = crash::end();
        let (spool, _) = place.open();
        assert_eq!(spool.claim().unwrap().unwrap().attempt(), 1, "step {steps}");
        if !died {
            assert!(opened && steps > 3);
            break;
        }
    }
}

#[test]
fn what_was_half_written_beside_the_folders_goes_at_the_start() {
    let place = Place::new();
    drop(place.open());
    let halves = ["farewell", Numbers::FILE].map(|name| format!(".{name}.77-3.tmp"));
    let halves = halves.map(|name| place.folders.spool.join(name));
    halves.iter().for_each(|half| crate::fs::write_new(half, b"x", 0o600).unwrap());
    drop(place.open());
    assert!(halves.iter().all(|half| !half.exists()));
}

#[test]
fn what_the_disk_says_is_told_from_what_is_wrong_with_a_job() {
    use rustix::io::Errno;
    for errno in [Errno::IO, Errno::ACCESS, Errno::ROFS, Errno::NOSPC, Errno::DQUOT] {
        assert!(super::is_passing(&errno.into()), "{errno:?}");
    }
    // A link, a folder or nothing in the place of a journal stays what it is.
    for errno in [Errno::LOOP, Errno::ISDIR, Errno::NOENT, Errno::INVAL] {
        assert!(!super::is_passing(&errno.into()), "{errno:?}");
    }
}

#[test]
fn a_waiting_job_that_cannot_be_read_is_passed_over_until_the_next_scan() {
    let place = Place::new();
    let (spool, _) = place.open();
    let first = place.accepted(&spool, "a.toml", b"end").id;
    spool.home.shared().unreadable.insert(first.clone());
    spool.home.shared().waiting = super::Waiting::default();
    assert!(spool.claim().unwrap().is_none() && spool.has_unreadable());
    assert_eq!(place.ids(State::Queue), std::slice::from_ref(&first));
    place.look(&spool, 0, &[]);
    assert!(!spool.has_unreadable());
    assert_eq!(spool.claim().unwrap().unwrap().record().id, first);
}

#[test]
fn what_an_interrupted_attempt_was_writing_is_cleared() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    let _ = spool.claim().unwrap().unwrap();
    drop(spool);
    let left = [
        place.job(State::Active, &id).join(".due.json.12-3.tmp"),
        place.path(".b.toml.FAILED.txt.12-3.tmp"),
        place.path(".exportd/.status.json.12-3.tmp"),
    ];
    // Of those that people write: not ours to remove.
    let theirs = [place.path(".c.toml.12.tmp"), place.path(".d.toml.12-3.tmp")];
    for path in left.iter().chain(&theirs) {
        crate::fs::write_new(path, b"half", 0o600).unwrap();
    }
    let (spool, _) = place.open();
    place.look(&spool, 0, &[]);
    assert!(left.iter().all(|path| !path.exists()));
    assert!(theirs.iter().all(|path| path.exists()));
    assert!(!place.job(State::Queue, &id).join(".due.json.12-3.tmp").exists());
}

#[test]
fn a_reported_poison_rests_in_corrupt() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    drop(spool);
    for _ in 0..MOST_ATTEMPTS {
        let _ = place.open().0.claim().unwrap().unwrap();
    }
    let (_spool, mut recovered) = place.open();
    recovered.poisoned.pop().unwrap().finish(Ended::Corrupt).unwrap();
    assert_eq!(place.ids(State::Corrupt), [id]);
}

#[test]
fn a_finished_job_is_only_moved_whenever_the_crash_came() {
    for steps in 0.. {
        let place = Place::new();
        let (spool, _) = place.open();
        let id = place.accepted(&spool, "a.toml", b"end").id;
        let claim = spool.claim().unwrap().unwrap();
        crash::after(steps);
        let finished = claim.finish(Ended::Done);
        drop(spool);
        let died = crash::end();
        let (spool, recovered) = place.open();
        let again = spool.claim().unwrap();
        match &again {
            Some(claim) => assert!(finished.is_err() && claim.attempt() == 2),
            None => assert_eq!(place.ids(State::Done), std::slice::from_ref(&id)),
        }
        assert_eq!(recovered.resumed.len(), usize::from(again.is_some()));
        if !died {
            assert!(finished.is_ok() && steps >= 3);
            break;
        }
    }
}

#[test]
fn rubbish_in_the_spool_never_stops_the_start() {
    let place = Place::new();
    let (spool, _) = place.open();
    let good = place.accepted(&spool, "good.toml", b"end").id;
    let newer = place.accepted(&spool, "newer.toml", b"end").id;
    let torn = place.accepted(&spool, "torn.toml", b"end").id;
    let huge = place.accepted(&spool, "huge.toml", b"end").id;
    let other = place.accepted(&spool, "other.toml", b"end").id;
    drop(spool);
    let write = |path: PathBuf, bytes: &[u8]| crate::fs::write_atomic(&path, bytes, 0o600).unwrap();
    let job = |id: &JobId, file: &str| place.job(State::Queue, id).join(file);
    write(job(&newer, "job.json"), br#"{"version":2,"id":"x"}"#);
    write(job(&torn, "job.json"), b"{\"vers");
    std::fs::File::create(job(&huge, "job.json")).unwrap().set_len(2 << 30).unwrap();
    write(job(&other, "manifest.toml"), b"not what was accepted");
    for state in State::ALL {
        let folder = place.folders.spool.join(state.folder());
        write(folder.join("rubbish"), b"x");
        std::fs::create_dir(folder.join("20261123T134512Z-0123456789ab")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.join("20261123T134512Z-ba9876543210")).unwrap();
    }
    write(place.folders.spool.join("tmp/rubbish"), b"x");
    write(place.folders.spool.join("number"), b"many");
    std::fs::remove_dir_all(place.folders.spool.join("scheduled")).unwrap();
    write(place.folders.spool.join("scheduled"), b"x");
    let (spool, recovered) = place.open();
    assert!(recovered.notices.iter().any(|n| n.found == "active/rubbish"), "{recovered:?}");
    assert!(recovered.notices.iter().any(|n| n.found == "scheduled"), "{recovered:?}");
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!(claim.record().id, good);
    assert!(spool.claim().unwrap().is_none());
    let notices: Vec<String> = spool.notices().into_iter().map(|notice| notice.moved_to).collect();
    assert!(notices.contains(&format!("hold/{newer}")), "{notices:?}");
    for id in [torn, huge, other] {
        assert!(notices.contains(&format!("corrupt/{id}")), "{notices:?}");
    }
    assert_eq!(
        std::fs::read(place.job(State::Hold, &newer).join("job.json")).unwrap(),
        br#"{"version":2,"id":"x"}"#
    );
    assert_eq!(std::fs::read_dir(place.folders.spool.join("tmp")).unwrap().count(), 0);
    // Numbers go on behind the highest that can still be read.
    assert!(place.accepted(&spool, "b.toml", b"end").number > claim.record().number);
}

#[test]
fn numbers_are_used_once_and_have_no_gap_after_an_orderly_stop() {
    let place = Place::new();
    let mut numbers = Vec::new();
    for round in 0..4 {
        let (spool, _) = place.open();
        for n in 0..20 {
            numbers.push(place.accepted(&spool, &format!("{round}-{n}.toml"), b"end").number);
        }
    }
    assert_eq!(numbers, (1..=80).collect::<Vec<u64>>());
    let (spool, _) = place.open();
    place.accepted(&spool, "x.toml", b"end");
    crash::after(0);
    drop(spool);
    crash::end();
    let (spool, _) = place.open();
    assert!(place.accepted(&spool, "y.toml", b"end").number > 81);
}

#[test]
fn a_deferred_job_comes_back_at_its_time() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    let due = time("2026-12-01T05:00:00Z");
    spool.claim().unwrap().unwrap().defer(Due::Once(due)).unwrap();
    assert!(spool.claim().unwrap().is_none());
    assert_eq!(spool.scheduled().unwrap()[0].due, Due::Once(due));
    assert_eq!(spool.release_due(time("2026-12-01T04:59:59Z")).unwrap(), []);
    drop(spool);
    let (spool, _) = place.open();
    assert_eq!(spool.release_due(due).unwrap(), [id]);
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!((claim.attempt(), claim.deferred_until()), (1, Some(due)));
}

/// A spool with one schedule that is due at the first time.
pub(super) fn scheduled(place: &Place) -> (Spool, JobId, [Timestamp; 2]) {
    let times = [time("2026-12-01T05:00:00Z"), time("2026-12-02T05:00:00Z")];
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "nightly.toml", b"nightly end").id;
    spool.claim().unwrap().unwrap().defer(Due::Repeats(times[0])).unwrap();
    (spool, id, times)
}

#[test]
fn a_firing_is_a_job_of_its_own_and_made_once() {
    let place = Place::new();
    let (spool, id, [first, second]) = scheduled(&place);
    assert_eq!(spool.release_due(second).unwrap(), [], "a schedule is fired, not released");
    let firing = spool.fire(&id, first, Some(second), first).unwrap().unwrap();
    assert_eq!(spool.fire(&id, first, Some(second), first).unwrap(), None);
    let claim = spool.claim().unwrap().unwrap();
    let record = claim.record();
    assert_eq!((&record.id, record.firing, record.number), (&firing, Some(first), 2));
    assert_eq!(claim.manifest(), b"nightly end");
    assert!(spool.claim().unwrap().is_none());
    spool.skip(&id, Some(first)).unwrap();
    assert_eq!(spool.scheduled().unwrap()[0].due, Due::Repeats(first));
    // Asked for a time that has its job: only the schedule moves on, here to its end.
    assert_eq!(spool.fire(&id, first, None, first).unwrap(), Some(firing));
    assert!(spool.claim().unwrap().is_none());
    assert_eq!(place.ids(State::Done), [id]);
}

#[test]
fn no_crash_while_firing_fires_twice_or_never() {
    for steps in 0.. {
        let place = Place::new();
        let (spool, id, [first, second]) = scheduled(&place);
        crash::after(steps);
        let fired = spool.fire(&id, first, Some(second), first);
        drop(spool);
        let died = crash::end();
        assert!(fired.is_ok() || died);
        let (spool, recovered) = place.open();
        assert!(recovered.notices.is_empty());
        // What the daemon does for everything that is due.
        if spool.scheduled().unwrap()[0].due == Due::Repeats(first) {
            spool.fire(&id, first, Some(second), first).unwrap().unwrap();
        }
        assert_eq!(spool.scheduled().unwrap()[0].due, Due::Repeats(second), "step {steps}");
        assert_eq!(place.ids(State::Queue), [id.firing(first)], "step {steps}");
        if !died {
            break;
        }
    }
}

#[test]
fn hold_resume_and_remove() {
    let place = Place::new();
    let (spool, schedule, _) = scheduled(&place);
    let job = place.accepted(&spool, "a.toml", b"end").id;
    for id in [&schedule, &job] {
        spool.hold(id).unwrap();
    }
    assert!(spool.claim().unwrap().is_none() && spool.scheduled().unwrap().is_empty());
    for id in [&schedule, &job] {
        spool.resume(id).unwrap();
    }
    assert_eq!(spool.scheduled().unwrap()[0].record.id, schedule);
    let claim = spool.claim().unwrap().unwrap();
    assert_eq!(claim.record().id, job);
    assert!(matches!(spool.hold(&job), Err(SpoolError::NotWaiting { .. })));
    assert!(matches!(spool.remove(&job), Err(SpoolError::NotWaiting { .. })));
    spool.remove(&schedule).unwrap();
    assert_eq!(place.ids(State::Done), [schedule]);
}

#[test]
fn finished_jobs_are_kept_for_their_days() {
    let place = Place::new();
    let (spool, _) = place.open();
    let keep = Duration::from_secs(30 * 86_400);
    for (name, ended) in [("a.toml", Ended::Done), ("b.toml", Ended::Failed)] {
        place.accepted(&spool, name, b"end");
        spool.claim().unwrap().unwrap().finish(ended).unwrap();
    }
    place.accepted(&spool, "c.toml", b"end");
    let now = Timestamp::now();
    assert_eq!(spool.sweep(now, keep).unwrap(), 0);
    // A clock that was set back removes nothing either.
    assert_eq!(spool.sweep(Timestamp::UNIX_EPOCH, keep).unwrap(), 0);
    let later = now + Duration::from_secs(31 * 86_400);
    drop(spool);
    let (spool, _) = place.open();
    assert_eq!(spool.sweep(later, keep).unwrap(), 0, "not before the first scan");
    place.look(&spool, 0, &[]);
    assert_eq!(spool.sweep(later, keep).unwrap(), 2);
    assert_eq!((place.ids(State::Done), place.ids(State::Failed)), (vec![], vec![]));
    assert_eq!(place.ids(State::Queue).len(), 1);
}

#[test]
fn a_note_stands_until_the_name_is_accepted_again() {
    let place = Place::new();
    let (spool, _) = place.open();
    let note = place.path("a.toml.FAILED.txt");
    spool.refuse_note("a.toml", "line 1: no").unwrap();
    spool.refuse_note("a.toml", "line 2: no").unwrap();
    assert_eq!(std::fs::read(&note).unwrap(), b"line 2: no");
    place.accepted(&spool, "other.toml", b"end");
    assert!(note.exists());
    place.accepted(&spool, "a.toml", b"end");
    assert!(!note.exists());
    spool.clear_note("a.toml").unwrap();
    let long = format!("{}.toml", "ü".repeat(125));
    spool.refuse_note(&long, "no").unwrap();
    place.accepted(&spool, &long, b"end");
    let left = std::fs::read_dir(&place.folders.drop).unwrap().count();
    assert_eq!(left, 1, "only .exportd");
    spool.refuse_note("../a.toml", "no").unwrap();
    assert!(place.path(".._a.toml.FAILED.txt").exists());
}

#[test]
fn looking_wakes_nobody() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.write("a.toml", b"unfinished");
    let (send, woken) = std::sync::mpsc::sync_channel(1);
    let watch = watch::Watch::start(&place.folders.drop, place.start, move || {
        let _ = send.try_send(());
    });
    assert!(watch.take().changed);
    place.look(&spool, 0, &[]);
    // It is opened, read and closed here.
    assert_eq!(place.look(&spool, 2_000, &[]).settling.len(), 1);
    assert_eq!(spool.take_request().unwrap(), None);
    assert!(woken.recv_timeout(Duration::from_millis(100)).is_err());
    place.rename_in("a.toml", b"end");
    woken.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn three_thousand_renamed_at_once_are_all_accepted() {
    const COUNT: usize = 3_000;
    let place = Place::new();
    let (spool, _) = place.open();
    let (send, woken) = std::sync::mpsc::sync_channel(1);
    let start = Instant::now();
    let watch = watch::Watch::start(&place.folders.drop, start, move || {
        let _ = send.try_send(());
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..COUNT {
                place.rename_in(&format!("{n:04}.toml"), format!("{n} end").as_bytes());
            }
        });
        let mut accepted = HashSet::new();
        let mut next = Some(Duration::ZERO);
        while accepted.len() < COUNT {
            assert!(start.elapsed() < Duration::from_secs(60), "{} accepted", accepted.len());
            let _ = woken.recv_timeout(next.unwrap_or(Duration::from_secs(5)));
            let news = watch.take();
            let scanned = spool
                .scan(&Look {
                    now: Instant::now(),
                    wall: time(WALL),
                    settle: Settle::default(),
                    moved_in: &news.moved_in,
                    complete: &complete,
                })
                .unwrap();
            assert!(scanned.trouble.is_none(), "{scanned:?}");
            next = scanned.next;
            for one in scanned.accepted {
                assert!(accepted.insert(one.name), "twice");
            }
        }
    });
    assert_eq!(place.ids(State::Queue).len(), COUNT);
    let mut claimed = HashSet::new();
    while let Some(claim) = spool.claim().unwrap() {
        assert!(claimed.insert(claim.manifest().to_owned()));
    }
    assert_eq!(claimed.len(), COUNT);
}

/// Drops as many at once, and returns their names in the order in which they came.
fn flood(place: &Place, count: usize) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut names: Vec<String> = (0..count).rev().map(|n| format!("{n:04}.toml")).collect();
    names.iter().for_each(|name| place.rename_in(name, b"end"));
    names.sort_by_cached_key(|name| {
        let meta = place.path(name).symlink_metadata().unwrap();
        (meta.ctime(), meta.ctime_nsec(), name.clone())
    });
    names
}

#[test]
fn a_flood_is_taken_in_its_order_and_from_one_listing() {
    let place = Place::new();
    let (spool, _) = place.open();
    let expected = flood(&place, 2 * MOST_PER_SCAN + 10);
    let all: Vec<&str> = expected.iter().map(String::as_str).collect();
    let first = place.look(&spool, 0, &all);
    assert_eq!((names(&first), first.next), (all[..MOST_PER_SCAN].to_vec(), Some(Duration::ZERO)));
    // What comes meanwhile waits until what was there before is taken.
    place.rename_in("0000-late.toml", b"end");
    place.write("slow.toml", b"unfinished");
    let second = place.look(&spool, 1, &["0000-late.toml"]);
    assert_eq!(names(&second), all[MOST_PER_SCAN..2 * MOST_PER_SCAN]);
    assert_eq!(second.settling, [], "the folder was listed again");
    let third = place.look(&spool, 2, &[]);
    assert_eq!(names(&third), all[2 * MOST_PER_SCAN..]);
    assert_eq!((third.settling, third.next), (vec![], Some(Duration::ZERO)));
    let last = place.look(&spool, 3, &[]);
    assert_eq!((names(&last), last.settling.len()), (vec!["0000-late.toml"], 1));
    assert_eq!(last.next, Some(Duration::from_secs(2)));
    assert_eq!(place.ids(State::Queue).len(), all.len() + 1);
}

#[test]
fn a_flood_does_not_hide_for_long_what_had_to_keep_still() {
    let place = Place::new();
    let (spool, _) = place.open();
    let expected = flood(&place, MOST_PER_SCAN + 10);
    let all: Vec<&str> = expected.iter().map(String::as_str).collect();
    place.look(&spool, 0, &all);
    place.write("slow.toml", b"unfinished");
    let second = place.look(&spool, 20_000, &[]);
    assert_eq!(names(&second), all[MOST_PER_SCAN..]);
    assert_eq!(second.settling.len(), 1);
}

#[test]
fn files_that_are_gone_or_others_since_the_listing_are_not_taken_from_it() {
    let place = Place::new();
    let (spool, _) = place.open();
    let expected = flood(&place, MOST_PER_SCAN + 3);
    let all: Vec<&str> = expected.iter().map(String::as_str).collect();
    place.look(&spool, 0, &all);
    let [gone, other, same] = all[MOST_PER_SCAN..] else { unreachable!() };
    std::fs::remove_file(place.path(gone)).unwrap();
    place.write(other, b"another, which is not fini");
    assert_eq!(names(&place.look(&spool, 1, &[])), [same]);
    assert_eq!(names(&place.look(&spool, 2, &[])), [""; 0]);
    place.rename_in(other, b"end");
    assert_eq!(names(&place.look(&spool, 3, &[other])), [other]);
}

#[test]
fn what_could_not_be_removed_is_tried_again_after_a_while() {
    let place = Place::new();
    let (spool, _) = place.open();
    place.look(&spool, 0, &[]);
    place.rename_in("a.toml", b"end");
    let drop = crate::fs::Root::open(&place.folders.drop).unwrap();
    let stamp = drop.look(&crate::fs::RelPath::parse("a.toml").unwrap()).unwrap();
    let taken = place.path(".exportd/taken");
    std::fs::create_dir_all(&taken).unwrap();
    let in_the_way = taken.join(JobId::of("a.toml", &stamp, b"end").as_str());
    std::fs::create_dir(&in_the_way).unwrap();
    let scanned = place.look(&spool, 1_000, &["a.toml"]);
    assert_eq!((names(&scanned), scanned.next), (vec!["a.toml"], Some(Duration::from_secs(10))));
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(place.look(&spool, 7_000, &[]).next, Some(Duration::from_secs(4)));
    assert!(place.path("a.toml").exists());
    assert_eq!(names(&place.look(&spool, 11_000, &[])), [""; 0]);
    assert!(!place.path("a.toml").exists());
    assert_eq!(place.ids(State::Queue).len(), 1);
}

#[test]
fn of_many_jobs_the_oldest_are_listed_and_all_are_counted() {
    let place = Place::new();
    let (spool, _) = place.open();
    flood(&place, 30).iter().for_each(|name| {
        place.look(&spool, 0, &[name]);
    });
    let all = place.ids(State::Queue);
    let (oldest, count) = spool.list_oldest(State::Queue, 7).unwrap();
    let oldest: Vec<JobId> = oldest.into_iter().map(|job| job.id).collect();
    assert_eq!((oldest.as_slice(), count), (&all[..7], 30));
    assert_eq!(spool.list_oldest(State::Queue, 31).unwrap().0.len(), 30);
}

#[test]
fn a_full_disk_is_waited_out_wherever_it_is_met() {
    for steps in 0.. {
        let place = Place::new();
        let (spool, _) = place.open();
        place.rename_in("a.toml", b"one end");
        crash::full_after(steps);
        let scanned = place.look(&spool, 0, &["a.toml"]);
        let met = crash::end();
        assert_eq!(scanned.trouble.is_some(), met, "{scanned:?}");
        assert_eq!(place.path("a.toml").exists(), met);
        // There is room again.
        place.look(&spool, 1_000, &[]);
        assert_eq!(place.ids(State::Queue).len(), 1, "step {steps}");
        assert!(!place.path("a.toml").exists());
        assert_eq!(spool.claim().unwrap().unwrap().manifest(), b"one end");
        if !met {
            assert!(steps >= 4, "number, folder, manifest, record");
            break;
        }
    }
}

#[test]
fn a_claim_without_room_leaves_the_job_waiting() {
    let place = Place::new();
    let (spool, _) = place.open();
    let id = place.accepted(&spool, "a.toml", b"end").id;
    for steps in 0.. {
        crash::full_after(steps);
        let claimed = spool.claim();
        if !crash::end() {
            assert!(steps >= 2, "its journal is made, and the attempt noted");
            assert_eq!(claimed.unwrap().unwrap().attempt(), 1);
            break;
        }
        let error = claimed.unwrap_err();
        assert!(error.lacks_room() && !error.is_fatal(), "{error:?}");
        assert_eq!(place.ids(State::Queue), std::slice::from_ref(&id));
    }
}

#[test]
fn the_ballast_lets_a_job_end_on_a_full_disk() {
    let place = Place::new();
    let (spool, _) = place.open();
    let ballast = place.folders.spool.join("ballast");
    assert_eq!(ballast.metadata().unwrap().len(), 4 << 20);
    for (name, full) in [("a.toml", 0), ("b.toml", 1)] {
        let id = place.accepted(&spool, name, b"end").id;
        let claim = spool.claim().unwrap().unwrap();
        crash::full_after(full);
        claim.defer(Due::Once(time(WALL))).unwrap();
        assert!(crash::end());
        assert!(!ballast.exists());
        assert!(place.ids(State::Scheduled).contains(&id));
        spool.sweep(time(WALL), Duration::MAX).unwrap();
        assert!(ballast.exists(), "filled up when there is room");
    }
}
