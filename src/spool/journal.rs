//! Journals: what happened to one job, line by line, as far as it is certain.
//!
//! A line is the CRC-32 of the rest in eight hexadecimal digits, a blank, and one JSON object:
//! ```text
//! 5d1f0c3a {"seq":3,"at":"2026-11-23T13:45:12Z","mono":81234,"by":"job","event":{…}}
//! ```
//! `seq` counts from 1 without a gap, `at` is wall time and `mono` milliseconds of the monotonic
//! clock; both are there to be read by people, nothing is decided by them. `by` tells the spool's
//! own steps from those of the job.
//!
//! There is one writer. A line counts when it is whole, its sum is right and its number is the
//! next: reading stops at the first that is not, and opening cuts the file there, because a line
//! after a torn one would otherwise be joined to it. Cut bytes that are more than one torn line
//! are not explained by a crash; they are kept beside it as `journal.cut`.
//!
//! After a failed `fsync` the kernel may have dropped the pages and will say yes next time, so a
//! journal that failed once is lost: every later call fails, and the daemon must end (exit 74) and
//! read back what there really is.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::disk;

/// How much of a line is written at once.
const PIECE: usize = 64 << 10;

/// Longest journal that is read, in bytes; a job of 30,000 assets writes about 15 MB, and none has
/// more than [`MOST_FILES`](crate::job::check::MOST_FILES).
pub const MOST_JOURNAL_BYTES: u64 = 1 << 30;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be opened or read, or is not a file.
    #[error("journal {} cannot be read", .path.display())]
    Read {
        /// The journal.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is longer than [`MOST_JOURNAL_BYTES`].
    #[error("journal {} has {bytes} bytes, at most {MOST_JOURNAL_BYTES} are read", .path.display())]
    TooLong {
        /// The journal.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// A good line holds an event that the reader does not know.
    #[error("journal {} holds an unknown event in line {line}", .path.display())]
    Event {
        /// The journal.
        path: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// What is unknown about it.
        source: serde_json::Error,
    },
    /// The event cannot be written as JSON.
    #[error("an event cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// A line could not be added; the journal is as it was.
    #[error("journal {} cannot be written", .path.display())]
    Write {
        /// The journal.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is not known what of the journal is on the disk; the process must end.
    #[error("journal {} could not be made durable", .path.display())]
    Lost {
        /// The journal.
        path: PathBuf,
        /// The system's reason; absent when an earlier call met it.
        source: Option<io::Error>,
    },
}

impl JournalError {
    /// Tells whether the daemon must end with exit code 74.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            Self::Write { source, .. } => !super::is_space(source),
            Self::Read { .. } | Self::TooLong { .. } | Self::Event { .. } | Self::Encode(_) => {
                false
            }
        }
    }
}

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum By {
    Spool,
    Job,
}

#[derive(Serialize)]
struct Line<'a, T> {
    seq: u64,
    at: Timestamp,
    mono: u64,
    by: By,
    event: &'a T,
}

#[derive(Deserialize)]
struct Envelope {
    seq: u64,
    by: By,
    #[serde(rename = "event")]
    _event: IgnoredAny,
}

#[derive(Deserialize)]
struct Typed<T> {
    event: T,
}

/// The journal of one job, open for adding.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// Lines so far.
    lines: u64,
    unsynced: bool,
    lost: bool,
}

impl Journal {
    /// Opens a journal, makes it when absent, and cuts it at the first line that is not good.
    ///
    /// # Errors
    /// [`JournalError::Read`], [`JournalError::TooLong`], [`JournalError::Lost`] when what was read
    /// cannot be made durable.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let read = |source: io::Error| JournalError::Read { path: path.to_owned(), source };
        let (mut file, new) = open_file(path).map_err(read)?;
        let bytes = content(&mut file, path)?;
        let good = Good::prefix(&bytes);
        let lost =
            |source: io::Error| JournalError::Lost { path: path.to_owned(), source: Some(source) };
        if good.bytes < bytes.len() {
            keep_cut(path, &bytes[good.bytes..]);
            disk::truncate(&file, good.bytes as u64).map_err(lost)?;
        }
        // What a killed process wrote and did not sync is read here and acted upon: first sync it.
        disk::sync_data(&file).map_err(lost)?;
        if new && let Some(folder) = path.parent() {
            disk::sync_folder(folder).map_err(lost)?;
        }
        let inner = Inner {
            file,
            length: good.bytes as u64,
            lines: good.lines,
            unsynced: false,
            lost: false,
        };
        Ok(Self { path: path.to_owned(), inner: Mutex::new(inner) })
    }

    /// Adds an event and returns when it, and everything before it, is on the disk.
    ///
    /// # Errors
    /// [`JournalError::Write`] (nothing was added), [`JournalError::Lost`] (end the process),
    /// [`JournalError::Encode`].
    pub fn append(&self, event: &impl Serialize) -> Result<(), JournalError> {
        self.append_by(By::Job, event)
    }

    /// Adds an event that becomes durable with the next [`Journal::append`] or
    /// [`Journal::sync`]; a crash before that may lose it, never one without those after it.
    ///
    /// # Errors
    /// As [`Journal::append`].
    pub fn append_lazily(&self, event: &impl Serialize) -> Result<(), JournalError> {
        let mut inner = self.usable()?;
        self.add(&mut inner, By::Job, event)
    }

    /// Makes everything durable that was added.
    ///
    /// # Errors
    /// [`JournalError::Lost`].
    pub fn sync(&self) -> Result<(), JournalError> {
        let mut inner = self.usable()?;
        self.make_durable(&mut inner)
    }

    /// Reads the job's own events back, in order.
    ///
    /// # Errors
    /// [`JournalError::Event`] when one is not a `T`; [`JournalError::Read`].
    pub fn read<T: DeserializeOwned>(&self) -> Result<Vec<T>, JournalError> {
        self.read_by(By::Job)
    }

    pub(super) fn append_by(&self, by: By, event: &impl Serialize) -> Result<(), JournalError> {
        let mut inner = self.usable()?;
        self.add(&mut inner, by, event)?;
        self.make_durable(&mut inner)
    }

    pub(super) fn read_by<T: DeserializeOwned>(&self, by: By) -> Result<Vec<T>, JournalError> {
        // Held while reading: a line that is being added must not look torn.
        let _inner = self.lock();
        let (mut file, _) = open_file(&self.path)
            .map_err(|source| JournalError::Read { path: self.path.clone(), source })?;
        let bytes = content(&mut file, &self.path)?;
        let mut events = Vec::new();
        for (envelope, json) in Good::lines(&bytes) {
            if envelope.by != by {
                continue;
            }
            let typed: Typed<T> = serde_json::from_slice(json).map_err(|source| {
                JournalError::Event { path: self.path.clone(), line: envelope.seq, source }
            })?;
            events.push(typed.event);
        }
        Ok(events)
    }

    /// Follows the journal's folder to where it was renamed.
    pub(super) fn moved(mut self, folder: &Path) -> Self {
        self.path = folder.join(super::record::JOURNAL);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Result<MutexGuard<'_, Inner>, JournalError> {
        let inner = self.lock();
        if inner.lost {
            return Err(JournalError::Lost { path: self.path.clone(), source: None });
        }
        Ok(inner)
    }

    fn add(&self, inner: &mut Inner, by: By, event: &impl Serialize) -> Result<(), JournalError> {
        let line =
            Line { seq: inner.lines + 1, at: Timestamp::now(), mono: monotonic_ms(), by, event };
        // A line may be megabytes long: it is made twice, and never in memory as a whole.
        let mut sum = Sum::default();
        serde_json::to_writer(&mut sum, &line).map_err(JournalError::Encode)?;
        let checksum = format!("{:08x} ", sum.crc.finalize());
        if let Err(source) = append(&mut inner.file, checksum.as_bytes(), &line) {
            // Half a line may stand there; the next would be joined to it.
            inner.lost = disk::truncate(&inner.file, inner.length).is_err();
            return Err(JournalError::Write { path: self.path.clone(), source });
        }
        inner.length += checksum.len() as u64 + sum.bytes + 1;
        inner.lines += 1;
        inner.unsynced = true;
        Ok(())
    }

    fn make_durable(&self, inner: &mut Inner) -> Result<(), JournalError> {
        if !inner.unsynced {
            return Ok(());
        }
        if let Err(source) = disk::sync_data(&inner.file) {
            inner.lost = true;
            return Err(JournalError::Lost { path: self.path.clone(), source: Some(source) });
        }
        inner.unsynced = false;
        Ok(())
    }
}

/// Reads the job's own events as far as they are good and known, without touching the journal.
pub(super) fn peek<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let read = || -> Result<Vec<u8>, JournalError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::open(path, flags, Mode::empty());
        let file = file
            .map_err(|errno| JournalError::Read { path: path.to_owned(), source: errno.into() })?;
        content(&mut File::from(file), path)
    };
    let bytes = read().unwrap_or_default();
    Good::lines(&bytes)
        .filter(|(envelope, _)| envelope.by == By::Job)
        .filter_map(|(_, json)| Some(serde_json::from_slice::<Typed<T>>(json).ok()?.event))
        .collect()
}

/// Counts and sums up what is written.
#[derive(Default)]
struct Sum {
    crc: crc32fast::Hasher,
    bytes: u64,
}

impl Write for Sum {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.crc.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of a journal, piece by piece.
struct End<'f>(&'f mut File);

impl Write for End<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        disk::append(self.0, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Adds a line; a short one in one go.
fn append(file: &mut File, checksum: &[u8], line: &impl Serialize) -> io::Result<()> {
    let mut end = BufWriter::with_capacity(PIECE, End(file));
    end.write_all(checksum)?;
    serde_json::to_writer(&mut end, line)?;
    end.write_all(b"\n")?;
    end.flush()
}

/// The part of a journal that counts.
struct Good {
    bytes: usize,
    lines: u64,
}

impl Good {
    fn prefix(bytes: &[u8]) -> Self {
        let mut good = Self { bytes: 0, lines: 0 };
        for (_, json) in Self::lines(bytes) {
            // Eight digits, a blank, the object, the end of the line.
            good.bytes += 9 + json.len() + 1;
            good.lines += 1;
        }
        good
    }

    /// Walks the lines that count, each with its JSON text.
    fn lines(bytes: &[u8]) -> impl Iterator<Item = (Envelope, &[u8])> {
        let mut rest = bytes;
        let mut expected = 1;
        std::iter::from_fn(move || {
            let end = rest.iter().position(|&b| b == b'\n')?;
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            let (sum, json) = line.split_at_checked(9)?;
            if sum != format!("{:08x} ", crc32fast::hash(json)).as_bytes() {
                return None;
            }
            let envelope: Envelope = serde_json::from_slice(json).ok()?;
            if envelope.seq != expected {
                return None;
            }
            expected += 1;
            rest = after;
            Some((envelope, json))
        })
    }
}

/// Opens or makes a journal for reading and adding; tells whether it was made.
fn open_file(path: &Path) -> io::Result<(File, bool)> {
    // NONBLOCK: a FIFO in its place must not stop us; it is refused as no file below.
    let flags =
        OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(fd) => {
            let file = File::from(fd);
            if file.metadata()?.is_file() {
                Ok((file, false))
            } else {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"))
            }
        }
        Err(Errno::NOENT) => Ok((disk::open_new(path, flags)?, true)),
        Err(other) => Err(other.into()),
    }
}

fn content(file: &mut File, path: &Path) -> Result<Vec<u8>, JournalError> {
    let read = |source: io::Error| JournalError::Read { path: path.to_owned(), source };
    let length = file.metadata().map_err(read)?.len();
    if length > MOST_JOURNAL_BYTES {
        return Err(JournalError::TooLong { path: path.to_owned(), bytes: length });
    }
    let mut bytes = Vec::new();
    file.take(MOST_JOURNAL_BYTES).read_to_end(&mut bytes).map_err(read)?;
    Ok(bytes)
}

/// Keeps what is cut off when it is more than one torn line.
fn keep_cut(path: &Path, cut: &[u8]) {
    let torn_line_only = !cut[..cut.len() - 1].contains(&b'\n');
    if torn_line_only {
        return;
    }
    tracing::warn!(journal = %path.display(), bytes = cut.len(), "journal is damaged in its middle");
    // To look at later; the job goes on from what is certain whether this succeeds or not.
    let _ = disk::write_unsynced(&path.with_extension("cut"), cut)
        .and_then(|file| disk::sync_file(&file));
}

fn monotonic_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let ms = now.tv_sec.saturating_mul(1000).saturating_add(now.tv_nsec / 1_000_000);
    u64::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::disk::crash;
    use proptest::prelude::*;

    fn written(events: &[String]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let journal = Journal::open(&path).unwrap();
        for (n, event) in events.iter().enumerate() {
            if n % 2 == 0 {
                journal.append_lazily(event).unwrap();
            } else {
                journal.append(event).unwrap();
            }
        }
        journal.sync().unwrap();
        (dir, path)
    }

    fn spoil(path: &Path, bytes: &[u8]) -> Vec<String> {
        std::fs::remove_file(path).unwrap();
        crate::fs::write_new(path, bytes, 0o600).unwrap();
        let journal = Journal::open(path).unwrap();
        let before: Vec<String> = journal.read().unwrap();
        // It can be gone on with, and what is added is read back behind what was there.
        journal.append(&"more".to_owned()).unwrap();
        let mut after: Vec<String> = Journal::open(path).unwrap().read().unwrap();
        assert_eq!(after.pop().as_deref(), Some("more"));
        assert_eq!(before, after);
        before
    }

    #[test]
    fn every_truncation_and_every_flip_leaves_a_prefix() {
        let events: Vec<String> = ["a", "", "line\nbreak", "ü"].map(str::to_owned).into();
        let (_dir, path) = written(&events);
        let bytes = std::fs::read(&path).unwrap();
        let ends: Vec<usize> =
            bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
        for at in 0..bytes.len() {
            let whole = ends.iter().filter(|&&end| end <= at).count();
            assert_eq!(spoil(&path, &bytes[..at]), events[..whole], "cut at {at}");
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(spoil(&path, &flipped), events[..whole], "flipped at {at}");
        }
        assert_eq!(spoil(&path, &bytes), events);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn damage_never_invents_or_reorders(
            events in proptest::collection::vec(".{0,20}", 0..6),
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
            garbage in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let (_dir, path) = written(&events);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.extend_from_slice(&garbage);
            for (at, value) in damage {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = value;
                }
            }
            let read = spoil(&path, &bytes);
            prop_assert!(events.starts_with(&read), "{read:?} of {events:?}");
        }
    }

    #[test]
    fn damage_in_the_middle_is_kept_beside_it() {
        let (_dir, path) = written(&["a", "b", "c"].map(str::to_owned));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0] ^= 1;
        assert_eq!(spoil(&path, &bytes), Vec::<String>::new());
        assert_eq!(std::fs::read(path.with_extension("cut")).unwrap(), bytes);
    }

    #[test]
    fn a_failed_sync_loses_the_journal_for_good() {
        let (_dir, path) = written(&[]);
        let journal = Journal::open(&path).unwrap();
        crash::after(1);
        let error = journal.append(&1).unwrap_err();
        assert!(crash::end());
        assert!(matches!(error, JournalError::Lost { source: Some(_), .. }), "{error}");
        assert!(error.is_fatal());
        assert!(matches!(journal.append(&2), Err(JournalError::Lost { source: None, .. })));
        assert!(matches!(journal.sync(), Err(JournalError::Lost { .. })));
    }

    #[test]
    fn an_unknown_event_is_said_with_its_line() {
        let (_dir, path) = written(&["a", "b"].map(str::to_owned));
        let error = Journal::open(&path).unwrap().read::<u32>().unwrap_err();
        assert!(matches!(error, JournalError::Event { line: 1, .. }), "{error}");
    }

    #[test]
    fn a_full_disk_leaves_the_journal_as_it_was() {
        // The device says "no space" to every write, as a full disk does.
        let full = std::fs::OpenOptions::new().read(true).append(true).open("/dev/full").unwrap();
        let inner = Inner { file: full, length: 0, lines: 0, unsynced: false, lost: false };
        let journal = Journal { path: "full".into(), inner: Mutex::new(inner) };
        let error = journal.append(&1).unwrap_err();
        assert!(matches!(error, JournalError::Write { .. }) && !error.is_fatal(), "{error}");
        assert_eq!(journal.lock().lines, 0);
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("journal");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        assert!(matches!(Journal::open(&pipe), Err(JournalError::Read { .. })));
        let long = dir.path().join("long");
        File::create(&long).unwrap().set_len(MOST_JOURNAL_BYTES + 1).unwrap();
        assert!(matches!(Journal::open(&long), Err(JournalError::TooLong { .. })));
    }
}
